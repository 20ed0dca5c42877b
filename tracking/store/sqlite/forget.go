package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"corridor/tracking"
	"corridor/tracking/store/history"
)

// Forget implements tracking.Forgetter.
func (db *DB) Forget(ctx context.Context, units []tracking.UnitID, before time.Time) (fixes int, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := db.seal(ctx); err != nil {
		return 0, db.translate(fmt.Errorf("forget history: %w", err))
	}
	err = db.transact(ctx, func(tx *sql.Tx) error {
		// What is deleted is overwritten, not left in free pages.
		if _, err := tx.ExecContext(ctx, "PRAGMA secure_delete = ON"); err != nil {
			return err
		}
		for _, id := range units {
			n, err := forgetUnit(ctx, tx, id, before.Unix())
			if err != nil {
				return fmt.Errorf("unit %s: %w", id, err)
			}
			fixes += n
		}
		return nil
	})
	_, off := db.write.ExecContext(ctx, "PRAGMA secure_delete = OFF")
	if err = errors.Join(err, off); err != nil {
		return 0, db.translate(fmt.Errorf("forget history: %w", err))
	}
	return fixes, nil
}

func forgetUnit(ctx context.Context, tx *sql.Tx, id tracking.UnitID, before int64) (fixes int, err error) {
	var key int64
	if err := tx.QueryRowContext(ctx, "SELECT id FROM unit WHERE unit = ?", id).Scan(&key); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		return 0, err
	}
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(sum(n), 0) FROM sealed WHERE unit = ? AND "end" < ?`, key, before).Scan(&fixes); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM sealed WHERE unit = ? AND "end" < ?`, key, before); err != nil {
		return 0, err
	}
	var row int64
	var s history.Sealed
	err = tx.QueryRowContext(ctx, `SELECT id, start, "end", n, body FROM sealed WHERE unit = ? AND start < ?`, key, before).Scan(&row, &s.Start, &s.End, &s.N, &s.Body)
	if err == nil { // one reaches over it
		rest, gone, err := s.Forget(before)
		if err != nil {
			return 0, err
		}
		fixes += gone
		if _, err := tx.ExecContext(ctx, `UPDATE sealed SET start = ?, "end" = ?, n = ?, body = ? WHERE id = ?`, rest.Start, rest.End, rest.N, rest.Body, row); err != nil {
			return 0, err
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	open := history.NewOpen()
	err = tx.QueryRowContext(ctx, `SELECT sealed_end, start, "end", n, blocks, body FROM open WHERE unit = ?`, key).Scan(&open.SealedEnd, &open.Start, &open.End, &open.N, &open.Blocks, &open.Body)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	rest, gone, err := open.Forget(before)
	if err != nil {
		return 0, err
	}
	fixes += gone
	var left bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sealed WHERE unit = ?)", key).Scan(&left); err != nil {
		return 0, err
	}
	if !left { // no chunk for late fixes to go to
		rest.SealedEnd = history.Never
	}
	if fixes > 0 {
		if _, err := tx.ExecContext(ctx, "UPDATE open SET sealed_end = ?, start = ?, \"end\" = ?, n = ?, blocks = ?, body = ? WHERE unit = ?",
			rest.SealedEnd, rest.Start, rest.End, rest.N, rest.Blocks, rest.Body, key); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM place WHERE unit = ? AND place < ?", key, int64(history.FirstPlace(before)))
	return fixes, err
}
