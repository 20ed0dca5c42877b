package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"corridor/tracking"
	"corridor/tracking/store/history"
)

var _ tracking.Forgetter = (*DB)(nil)

// Forget implements tracking.Forgetter. The rows are overwritten when the server
// vacuums.
func (db *DB) Forget(ctx context.Context, units []tracking.UnitID, before time.Time) (fixes int, err error) {
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := db.seal(ctx); err != nil {
		return 0, db.fault(err, "forget history")
	}
	err = db.begin(ctx, func(tx pgx.Tx, _ place) error {
		fixes = 0
		for _, id := range units {
			n, err := db.forgetUnit(ctx, tx, id, before.Unix())
			if err != nil {
				return fmt.Errorf("unit %s: %w", id, err)
			}
			fixes += n
		}
		return nil
	})
	return fixes, db.fault(err, "forget history")
}

func (db *DB) forgetUnit(ctx context.Context, tx pgx.Tx, id tracking.UnitID, before int64) (fixes int, err error) {
	var key int64
	if err := tx.QueryRow(ctx, "SELECT id FROM unit WHERE unit = $1", id).Scan(&key); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, nil
		}
		return 0, err
	}
	if err := tx.QueryRow(ctx, `WITH gone AS (DELETE FROM sealed WHERE unit = $1 AND "end" < $2 RETURNING n) SELECT coalesce(sum(n), 0) FROM gone`, key, before).Scan(&fixes); err != nil {
		return 0, err
	}
	var s history.Sealed
	err = tx.QueryRow(ctx, `SELECT start, "end", n, body FROM sealed WHERE unit = $1 AND start < $2`, key, before).Scan(&s.Start, &s.End, &s.N, &s.Body)
	if err == nil { // one reaches over it
		rest, gone, err := s.Forget(before)
		if err != nil {
			return 0, err
		}
		fixes += gone
		if _, err := tx.Exec(ctx, "DELETE FROM sealed WHERE unit = $1 AND start = $2", key, s.Start); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO sealed VALUES ($1, $2, $3, $4, $5)", key, rest.Start, rest.End, int32(rest.N), rest.Body); err != nil {
			return 0, err
		}
		if err := db.trace(ctx, tx, []int64{key}, rest.Start); err != nil {
			return 0, err
		}
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	open := history.NewOpen()
	err = tx.QueryRow(ctx, `SELECT sealed_end, start, "end", n, blocks, body FROM open WHERE unit = $1`, key).Scan(&open.SealedEnd, &open.Start, &open.End, &open.N, &open.Blocks, &open.Body)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	rest, gone, err := open.Forget(before)
	if err != nil {
		return 0, err
	}
	fixes += gone
	var left bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM sealed WHERE unit = $1)", key).Scan(&left); err != nil {
		return 0, err
	}
	if !left { // no chunk for late fixes to go to
		rest.SealedEnd = history.Never
	}
	if fixes > 0 {
		if _, err := tx.Exec(ctx, `UPDATE open SET sealed_end = $2, start = $3, "end" = $4, n = $5, blocks = $6, body = $7 WHERE unit = $1`,
			key, rest.SealedEnd, rest.Start, rest.End, int32(rest.N), int32(rest.Blocks), rest.Body); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM place WHERE unit = $1 AND place < $2", key, int64(history.FirstPlace(before)))
	return fixes, err
}
