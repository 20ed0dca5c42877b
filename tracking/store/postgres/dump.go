package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"

	"corridor/tracking/store/history"
)

// ErrNotEmpty is returned by Fill of a store that holds something.
var ErrNotEmpty = errors.New("the store is not empty")

func columns(t history.Table) []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Dump gives every row of every table of history.Tables, of one moment, and where
// the store stands in the log. The values of a row are valid until yield returns.
func (db *DB) Dump(ctx context.Context, yield func(table int, row []any) error) (seq uint64, epoch string, err error) {
	if err := db.Seal(ctx); err != nil {
		return 0, "", err
	}
	err = pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT seq, epoch FROM applied").Scan(&seq, &epoch); err != nil {
			return err
		}
		for i, t := range history.Tables() {
			list := ""
			for k, c := range t.Columns {
				if k > 0 {
					list += ", "
				}
				list += pgx.Identifier{c.Name}.Sanitize()
				if c.Kind == history.JSON {
					list += "::text"
				}
			}
			rows, err := tx.Query(ctx, "SELECT "+list+" FROM "+t.Name)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			if err := dumpRows(rows, t, func(row []any) error { return yield(i, row) }); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		return nil
	})
	return seq, epoch, db.fault(err, "dump the store")
}

func dumpRows(rows pgx.Rows, t history.Table, yield func([]any) error) error {
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return err
		}
		for i, c := range t.Columns {
			switch v := row[i].(type) {
			case int32:
				row[i] = int64(v)
			case nil:
				if c.Kind == history.Bytes {
					row[i] = []byte(nil)
				}
			}
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// fillAtOnce is how many rows of a table are gathered for one COPY.
const fillAtOnce = 2000

// Fill takes what Dump of any store gives into an empty one, in one transaction:
// dump calls put for each row and returns where they stand in the log.
func (db *DB) Fill(ctx context.Context, dump func(put func(table int, row []any) error) (seq uint64, epoch string, err error)) error {
	return db.fault(db.fill(ctx, dump, func(_ pgx.Tx, at place) error {
		if at.seq > 0 || at.epoch != "" {
			return ErrNotEmpty
		}
		return nil
	}), "fill the store")
}

// Replace is Fill of a store that holds something, which is gone then, from the
// tables' files too.
func (db *DB) Replace(ctx context.Context, dump func(put func(table int, row []any) error) (seq uint64, epoch string, err error)) error {
	return db.fault(db.fill(ctx, dump, func(tx pgx.Tx, _ place) error {
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = on"); err != nil {
			return err
		}
		names := []string{"tail"}
		for _, t := range history.Tables() {
			names = append(names, t.Name)
		}
		if db.traces {
			names = append(names, "trajectory")
		}
		_, err := tx.Exec(ctx, "TRUNCATE "+strings.Join(names, ", "))
		return err
	}), "replace what the store holds")
}

func (db *DB) fill(ctx context.Context, dump func(put func(table int, row []any) error) (seq uint64, epoch string, err error), prepare func(pgx.Tx, place) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	return db.begin(ctx, func(tx pgx.Tx, at place) error {
		if err := prepare(tx, at); err != nil {
			return err
		}
		tables := history.Tables()
		waiting := make([][][]any, len(tables))
		copyRows := func(i int) error {
			_, err := tx.CopyFrom(ctx, pgx.Identifier{tables[i].Name}, columns(tables[i]), pgx.CopyFromRows(waiting[i]))
			waiting[i] = nil
			if err != nil {
				return fmt.Errorf("table %s: %w", tables[i].Name, err)
			}
			return nil
		}
		seq, epoch, err := dump(func(i int, row []any) error {
			if waiting[i] = append(waiting[i], append([]any(nil), row...)); len(waiting[i]) >= fillAtOnce {
				return copyRows(i)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range tables {
			if err := copyRows(i); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence('unit', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM unit), false)"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE applied SET seq = $1, epoch = $2, sealed = $1", seq, epoch); err != nil {
			return err
		}
		if err := db.trace(ctx, tx, nil, math.MinInt64); err != nil {
			return err
		}
		db.sealed.Store(seq)
		db.tail.Clear(seq)
		return nil
	})
}
