package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

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
		return nil, fmt.Errorf("units near: %w", err)
	}
	list, err := json.Marshal(places)
	if err != nil {
		return nil, err
	}
	units, _ := db.tail.Near(b) // before the query: see history.Tail
	seen := make(map[tracking.UnitID]bool, len(units))
	for _, id := range units {
		seen[id] = true
	}
	rows, err := db.read.QueryContext(ctx, `SELECT DISTINCT unit.unit FROM json_each(?) p JOIN place ON place.place = p.value JOIN unit ON unit.id = place.unit`, string(list))
	if err != nil {
		return nil, db.translate(fmt.Errorf("units near: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var id tracking.UnitID
		if err := rows.Scan(&id); err != nil {
			return nil, db.translate(fmt.Errorf("units near: %w", err))
		}
		if !seen[id] {
			units = append(units, id)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, db.translate(fmt.Errorf("units near: %w", err))
	}
	return units, nil
}

// backfill indexes what was written before there was an index.
func (db *DB) backfill(ctx context.Context) error {
	var missing bool
	if err := db.write.QueryRowContext(ctx, "SELECT NOT EXISTS (SELECT 1 FROM place) AND EXISTS (SELECT 1 FROM open)").Scan(&missing); err != nil || !missing {
		return err
	}
	return db.transact(ctx, func(tx *sql.Tx) error {
		m, err := newMover(ctx, tx, &db.places)
		if err != nil {
			return err
		}
		defer m.close()
		for next, more := int64(0), true; more; {
			ids, err := unitsAfter(ctx, tx, next)
			if err != nil {
				return err
			}
			for _, id := range ids {
				next = id
				if err := m.indexAll(ctx, id); err != nil {
					return err
				}
			}
			more = len(ids) > 0
		}
		return nil
	})
}

func unitsAfter(ctx context.Context, q querier, id int64) ([]int64, error) {
	rows, err := q.QueryContext(ctx, "SELECT id FROM unit WHERE id > ? ORDER BY id LIMIT 1000", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (m *mover) indexAll(ctx context.Context, unit int64) error {
	var all []chunk.Row
	var fault error
	eachBody(ctx, m.tx, func(body []byte, err error) bool {
		if err == nil {
			all, err = chunk.Decode(all, body)
		}
		fault = err
		return err == nil
	}, "SELECT body FROM sealed WHERE unit = ?1 UNION ALL SELECT body FROM open WHERE unit = ?1 AND n > 0", unit)
	if fault != nil {
		return fault
	}
	return m.index(ctx, unit, chunk.Sort(all))
}
