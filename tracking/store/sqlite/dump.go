package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/s2"

	"corridor/tracking/store/history"
)

// ErrNotEmpty is returned by Fill of a store that holds something.
var ErrNotEmpty = errors.New("the store is not empty")

func columns(t history.Table) string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = `"` + c.Name + `"`
	}
	return strings.Join(names, ", ")
}

// Dump gives every row of every table of history.Tables, of one moment, and where
// the store stands in the log. The values of a row are valid until yield returns.
func (db *DB) Dump(ctx context.Context, yield func(table int, row []any) error) (seq uint64, epoch string, err error) {
	if err := db.Seal(ctx); err != nil {
		return 0, "", err
	}
	err = db.reading(ctx, func(tx *sql.Tx) error {
		if seq, epoch, err = applied(ctx, tx); err != nil {
			return err
		}
		for i, t := range history.Tables() {
			if err := dumpTable(ctx, tx, t, func(row []any) error { return yield(i, row) }); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		return nil
	})
	return seq, epoch, err
}

func dumpTable(ctx context.Context, tx *sql.Tx, t history.Table, yield func([]any) error) error {
	rows, err := tx.QueryContext(ctx, "SELECT "+columns(t)+" FROM "+t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	row, to := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for rows.Next() {
		for i, c := range t.Columns {
			switch c.Kind {
			case history.Integer:
				to[i] = new(int64)
			case history.Boolean:
				to[i] = new(bool)
			case history.Text:
				to[i] = new(string)
			case history.JSON, history.Bytes:
				to[i] = new([]byte)
			}
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		for i, c := range t.Columns {
			switch v := to[i].(type) {
			case *int64:
				row[i] = *v
			case *bool:
				row[i] = *v
			case *string:
				row[i] = *v
			case *[]byte:
				body := *v
				if t.Name == "plan" && c.Kind == history.JSON {
					if body, err = s2.Decode(nil, body); err != nil {
						return fmt.Errorf("%w: %w", history.ErrCorrupt, err)
					}
				}
				if row[i] = body; c.Kind == history.JSON {
					row[i] = string(body)
				}
			}
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Fill takes what Dump of any store gives into an empty one, in one transaction:
// dump calls put for each row and returns where they stand in the log.
func (db *DB) Fill(ctx context.Context, dump func(put func(table int, row []any) error) (seq uint64, epoch string, err error)) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	err := db.transact(ctx, func(tx *sql.Tx) error {
		seq, epoch, err := applied(ctx, tx)
		if err != nil {
			return err
		}
		if seq > 0 || epoch != "" {
			return ErrNotEmpty
		}
		tables := history.Tables()
		puts := make([]*sql.Stmt, len(tables))
		for i, t := range tables {
			places := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
			put, err := tx.PrepareContext(ctx, "INSERT INTO "+t.Name+" ("+columns(t)+") VALUES ("+places+")")
			if err != nil {
				return err
			}
			defer put.Close()
			puts[i] = put
		}
		seq, epoch, err = dump(func(table int, row []any) error {
			if t := tables[table]; t.Name == "plan" {
				row[2] = s2.EncodeBetter(nil, []byte(row[2].(string)))
			}
			_, err := puts[table].ExecContext(ctx, row...)
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE applied SET seq = ?, epoch = ?", seq, epoch)
		return err
	})
	if err != nil {
		return db.translate(fmt.Errorf("fill the store: %w", err))
	}
	return nil
}
