// Package sqlite keeps the projection of the log in one SQLite file: the store of
// an installation on one machine. It implements tracking.Store; history is laid
// out as package history describes.
//
// One connection writes, several read (WAL), so readers never wait for the
// writer. A commit is not synced by itself: after a power cut the file is whole
// but may be some commits behind, Applied with it, and the log fills the gap.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

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

// pageSize fits several chunks in a page with little left over.
const pageSize = 16 << 10

// DB is a store in a file. Use Open.
type DB struct {
	write *sql.DB // one connection
	read  *sql.DB
	other connector // for what takes long

	closed  atomic.Bool
	writing sync.Mutex // held by Apply and Seal; before it, nothing
	places  places
	tail    history.Tail
	limit   func(units int) (fixes int)
}

var (
	_ tracking.Store     = (*DB)(nil)
	_ tracking.Forgetter = (*DB)(nil)
)

// Open opens the store in the file, which is made when it is missing, and brings
// its schema up to date.
func Open(ctx context.Context, path string) (*DB, error) {
	db, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return db, nil
}

func open(ctx context.Context, path string) (_ *DB, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	db := &DB{
		write: sql.OpenDB(connect(path, true)),
		read:  sql.OpenDB(connect(path, false)),
		other: connect(path, true),
		limit: func(units int) int { return min(max(perUnit*units, minTail), maxTail) },
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db.write.SetMaxOpenConns(1)
	db.read.SetMaxOpenConns(4)
	db.read.SetMaxIdleConns(4)
	if err := migrate(ctx, db.write); err != nil {
		return nil, err
	}
	if err := db.backfill(ctx); err != nil {
		return nil, fmt.Errorf("index the history by place: %w", err)
	}
	if err := db.loadTail(ctx); err != nil {
		return nil, err
	}
	return db, nil
}

// Copy writes the store as it is at one moment to a new file, while it is used.
func (db *DB) Copy(ctx context.Context, path string) error {
	other := sql.OpenDB(db.other)
	_, err := other.ExecContext(ctx, "VACUUM INTO ?", path)
	if err = errors.Join(err, other.Close()); err != nil {
		return db.translate(fmt.Errorf("copy the store to %s: %w", path, err))
	}
	return nil
}

// Close closes the file. What waits in the tail stays there.
func (db *DB) Close() error {
	db.closed.Store(true)
	return errors.Join(db.read.Close(), db.write.Close())
}

// connector opens connections without registering a driver globally.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func connect(path string, writer bool) connector {
	query := url.Values{"_busy_timeout": {"10000"}, "_stmt_cache_size": {"64"}}
	// The page size counts only for a file that is new, and only before WAL.
	setup := "PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY"
	if writer {
		query.Set("_txlock", "immediate")
		setup = fmt.Sprintf("PRAGMA page_size=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=%d; %s", pageSize, 64<<20, setup)
	} else {
		query.Set("_query_only", "true")
	}
	// As a URI, so that a ? or # in the path stays part of it.
	uri := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}
	return connector{uri.String(), &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		_, err := c.Exec(setup, nil)
		return err
	}}}
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

func (c connector) Driver() driver.Driver { return c.driver }

// migrate runs the migrations that have not run yet, each in a transaction that
// also counts it in user_version.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	sort.Strings(files)
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("schema version %d is newer than this program knows (%d): use the program that wrote it", version, len(files))
	}
	for i := version; i < len(files); i++ {
		script, err := migrations.ReadFile(files[i])
		if err != nil {
			return err
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, string(script)); err == nil {
			_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", i+1))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("migration %s: %w", strings.TrimPrefix(files[i], "migrations/"), err), tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}
