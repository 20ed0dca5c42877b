package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"corridor/tracking"
	"corridor/tracking/store/chunk"
	"corridor/tracking/store/history"
)

// Near implements tracking.Store.
func (db *DB) Near(ctx context.Context, box orb.Bound, from, to time.Time) ([]tracking.UnitID, error) {
	b := history.NewBox(box, history.NewWindow(tracking.TrackQuery{From: from, To: to}))
	places, err := b.Places()
	if err != nil {
		return nil, db.fault(err, "units near")
	}
	numbers := make([]int64, len(places))
	for i, p := range places {
		numbers[i] = int64(p)
	}
	units, last := db.tail.Near(b) // before the statement: see history.Tail
	seen := make(map[tracking.UnitID]bool, len(units))
	for _, id := range units {
		seen[id] = true
	}
	add := func(id tracking.UnitID) {
		if !seen[id] {
			seen[id] = true
			units = append(units, id)
		}
	}
	rows, err := db.pool.Query(ctx, `SELECT unit.unit, NULL::bytea FROM unit WHERE id IN (SELECT unit FROM place WHERE place = ANY($1))
		UNION ALL SELECT '', body FROM tail WHERE seq > $2`, numbers, last)
	if err != nil {
		return nil, db.fault(err, "units near")
	}
	var id tracking.UnitID
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &body}, func() error {
		if body == nil {
			add(id)
			return nil
		}
		batch, err := history.DecodeBatch(body) // another process wrote it
		if err != nil {
			return err
		}
		for i := range batch.Fixes {
			if b.Any([]chunk.Row{batch.Fixes[i].Row}) {
				add(batch.Fixes[i].Unit)
			}
		}
		return nil
	})
	return units, db.fault(err, "units near")
}

// backfill indexes what was written before there was an index.
func (db *DB) backfill(ctx context.Context) error {
	return db.begin(ctx, func(tx pgx.Tx, _ place) error {
		var missing bool
		if err := tx.QueryRow(ctx, "SELECT NOT EXISTS (SELECT 1 FROM place) AND EXISTS (SELECT 1 FROM open)").Scan(&missing); err != nil || !missing {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT id FROM unit ORDER BY id")
		if err != nil {
			return err
		}
		units, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		var found []history.Place
		for _, unit := range units {
			rows, err := tx.Query(ctx, "SELECT body FROM sealed WHERE unit = $1 UNION ALL SELECT body FROM open WHERE unit = $1 AND n > 0", unit)
			if err != nil {
				return err
			}
			found = found[:0]
			var body []byte
			if _, err := pgx.ForEachRow(rows, []any{&body}, func() error {
				held, err := chunk.Decode(nil, body)
				found = db.tiles.Places(found, held)
				return err
			}); err != nil {
				return err
			}
			numbers := make([]int64, len(found))
			for i, p := range found {
				numbers[i] = int64(p)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO place SELECT p, $2 FROM unnest($1::bigint[]) p ON CONFLICT DO NOTHING", numbers, unit); err != nil {
				return err
			}
		}
		return nil
	})
}
