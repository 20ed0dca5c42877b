// Package postgres keeps the projection of the log in PostgreSQL 15 or later: the
// store of an installation that has outgrown one machine, or whose data other
// programs read. It implements tracking.Store; history is laid out as package
// history describes.
//
// Several processes may open one database. Writers take turns on a row lock, and
// every process sees what the others wrote with its next read.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"corridor/tracking"
	"corridor/tracking/store/history"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Limits of the tail, in fixes: it is moved to the units' chunks when it holds
// perUnit fixes for each of its units, within these bounds.
const (
	minTail = 1 << 15
	maxTail = 1 << 18
	perUnit = 16
)

// migrationLock is the advisory lock that migrations of one schema take turns on.
const migrationLock = 0x436f727269646f72 // "Corridor"

// DB is a store in a PostgreSQL database. Use Open.
type DB struct {
	pool    *pgxpool.Pool
	closed  atomic.Bool
	writing sync.Mutex // held by Apply and Seal; before it, nothing
	tiles   history.Tiles
	tail    history.Tail
	sealed  atomic.Uint64 // applied.sealed as last seen
	traces  bool          // the database has PostGIS: see trajectory.go
}

var _ tracking.Store = (*DB)(nil)

// Open connects to the database and brings its schema up to date. The URL is as
// for psql: postgres://user:password@host/database?search_path=schema.
func Open(ctx context.Context, url string) (*DB, error) {
	db, err := open(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL store: %w", err)
	}
	return db, nil
}

func open(ctx context.Context, url string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "corridor"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := &DB{pool: pool}
	if err := db.migrate(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	if err := db.backfill(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("index the history by place: %w", err)
	}
	if err := db.openTrajectories(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	if err := db.reload(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for what is under way and closes all connections.
func (db *DB) Close() error {
	db.closed.Store(true)
	db.pool.Close()
	return nil
}

// fault says ErrClosed of whatever fails after Close.
func (db *DB) fault(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf(format+": %w", append(args, err)...)
	if db.closed.Load() {
		return fmt.Errorf("%w: %w", tracking.ErrClosed, err)
	}
	return err
}

// migrate runs the migrations that have not run yet, all in one transaction, one
// process at a time.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	sort.Strings(files)
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS migration (version integer PRIMARY KEY, name text NOT NULL, run timestamptz NOT NULL DEFAULT now())"); err != nil {
			return err
		}
		var version int
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM migration").Scan(&version); err != nil {
			return err
		}
		if version > len(files) {
			return fmt.Errorf("schema version %d is newer than this program knows (%d): use the program that wrote it", version, len(files))
		}
		for i := version; i < len(files); i++ {
			name := strings.TrimPrefix(files[i], "migrations/")
			script, err := migrations.ReadFile(files[i])
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(script)); err != nil {
				return fmt.Errorf("migration %s: %w", name, err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO migration (version, name) VALUES ($1, $2)", i+1, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// querier is what a pool and a transaction share.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// reload fills the mirror with the whole tail. What another process seals
// meanwhile is in chunks, where a reader finds it.
func (db *DB) reload(ctx context.Context, q querier) error {
	var sealed uint64
	if err := q.QueryRow(ctx, "SELECT sealed FROM applied").Scan(&sealed); err != nil {
		return err
	}
	db.sealed.Store(sealed)
	db.tail.Clear(sealed)
	return eachBatch(ctx, q, func(seq uint64, b history.Batch) error {
		db.tail.Add(seq, b)
		return nil
	})
}

func eachBatch(ctx context.Context, q querier, do func(seq uint64, b history.Batch) error) error {
	rows, err := q.Query(ctx, "SELECT seq, body FROM tail ORDER BY seq")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return err
		}
		b, err := history.DecodeBatch(body)
		if err != nil {
			return fmt.Errorf("tail %d: %w", seq, err)
		}
		if err := do(seq, b); err != nil {
			return err
		}
	}
	return rows.Err()
}
