package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/klauspost/compress/s2"

	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/store/chunk"
	"corridor/tracking/store/history"
)

// reading runs do in a transaction, so that all it reads is of one moment.
func (db *DB) reading(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.read.BeginTx(ctx, nil)
	if err != nil {
		return db.translate(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return db.translate(do(tx))
}

// loadAtOnce is how many units Load yields at a time.
const loadAtOnce = 4096

// Load implements tracking.Store.
func (db *DB) Load(ctx context.Context, yield func(tracking.Changes) error) error {
	err := db.reading(ctx, func(tx *sql.Tx) error {
		var c tracking.Changes
		var err error
		if c.To, c.Epoch, err = applied(ctx, tx); err != nil {
			return err
		}
		if c.Parties, err = all[tracking.Party](ctx, tx, "SELECT body FROM party ORDER BY id"); err != nil {
			return err
		}
		if c.Keys, err = all[tracking.Key](ctx, tx, "SELECT body FROM key ORDER BY id"); err != nil {
			return err
		}
		if c.Shipments, err = all[tracking.Shipment](ctx, tx, "SELECT body FROM shipment ORDER BY id"); err != nil {
			return err
		}
		if c.Objects, err = objects(ctx, tx); err != nil {
			return err
		}
		progress, err := all[tracking.Progress](ctx, tx, "SELECT body FROM progress ORDER BY shipment")
		if err != nil {
			return err
		}
		var tail history.Tail // of this transaction, not of now
		if err := eachBatch(ctx, tx, func(seq uint64, b history.Batch) error {
			b.Fixes = nil
			tail.Add(seq, b)
			return nil
		}); err != nil {
			return err
		}
		waiting, newer, _, _ := tail.Contents()
		c.Progress = history.MergeProgress(progress, newer)
		if err := yield(c); err != nil {
			return err
		}
		next := func() {
			c = tracking.Changes{To: c.To, Epoch: c.Epoch, Units: make([]tracking.UnitState, 0, loadAtOnce)}
		}
		add := func(u tracking.UnitState) error {
			c.Units = append(c.Units, u)
			if len(c.Units) < loadAtOnce {
				return nil
			}
			defer next()
			return yield(c)
		}
		next()
		if err := eachUnit(ctx, tx, func(u tracking.UnitState) error {
			if p := waiting[u.Unit]; p != nil && p.State != nil {
				u = *p.State
				p.State = nil
			}
			return add(u)
		}); err != nil {
			return err
		}
		for _, p := range waiting { // units not written to their rows yet
			if p.State != nil {
				if err := add(*p.State); err != nil {
					return err
				}
			}
		}
		if len(c.Units) == 0 {
			return nil
		}
		return yield(c)
	})
	if err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	return nil
}

func all[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []T
	for rows.Next() {
		var body sql.RawBytes
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var v T
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, fmt.Errorf("%w: %w", history.ErrCorrupt, err)
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

func eachUnit(ctx context.Context, q querier, do func(tracking.UnitState) error) error {
	rows, err := q.QueryContext(ctx, "SELECT unit, carrier, mode, shipment, fixes, simulated, latest FROM unit ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u tracking.UnitState
		var latest sql.RawBytes
		if err := rows.Scan(&u.Unit, &u.Carrier, &u.Mode, &u.Shipment, &u.Fixes, &u.Simulated, &latest); err != nil {
			return err
		}
		if latest != nil {
			if u.Latest, err = history.DecodeFix(u.Unit, latest); err != nil {
				return fmt.Errorf("unit %s: %w", u.Unit, err)
			}
		}
		if err := do(u); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Track implements tracking.Store.
func (db *DB) Track(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	tail, _ := db.tail.Rows(unit) // before the transaction: see history.Tail
	var rows []chunk.Row
	err := db.reading(ctx, func(tx *sql.Tx) (err error) {
		window := history.NewWindow(q)
		rows, err = window.Collect(tail, bodies(ctx, tx, unit, window))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("track of unit %s: %w", unit, err)
	}
	return history.Fixes(unit, rows), nil
}

const (
	openBody = `SELECT open.body FROM unit JOIN open ON open.unit = unit.id
		WHERE unit.unit = ?1 AND n > 0 AND start <= ?3 AND "end" >= ?2`
	// The first chunk is the last that starts no later than the window.
	sealedBodies = `SELECT sealed.body FROM unit JOIN sealed ON sealed.unit = unit.id
		WHERE unit.unit = ?1 AND start <= ?3 AND start >=
		coalesce((SELECT max(start) FROM sealed WHERE sealed.unit = unit.id AND start <= ?2), ?2) ORDER BY start `
)

// bodies gives the chunks of a unit that overlap the window, in its order.
func bodies(ctx context.Context, q querier, unit tracking.UnitID, w history.Window) iter.Seq2[[]byte, error] {
	first, last := w.Seconds()
	queries := []string{sealedBodies + "ASC", openBody}
	if w.Newest() {
		queries = []string{openBody, sealedBodies + "DESC"}
	}
	return func(yield func([]byte, error) bool) {
		for _, query := range queries {
			if !eachBody(ctx, q, yield, query, unit, first, last) {
				return
			}
		}
	}
}

// eachBody yields the rows of one query, or its error; false: no more are wanted.
func eachBody(ctx context.Context, q querier, yield func([]byte, error) bool, query string, args ...any) bool {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		yield(nil, err)
		return false
	}
	defer rows.Close()
	for rows.Next() {
		var body sql.RawBytes
		err := rows.Scan(&body)
		if !yield(body, err) || err != nil {
			return false
		}
	}
	if err := rows.Err(); err != nil {
		yield(nil, err)
		return false
	}
	return true
}

// Has implements tracking.Store.
func (db *DB) Has(ctx context.Context, unit tracking.UnitID, times []time.Time) ([]bool, error) {
	tail, _ := db.tail.Rows(unit) // before the transaction: see history.Tail
	var has []bool
	err := db.reading(ctx, func(tx *sql.Tx) error {
		var key int64
		open := history.NewOpen()
		err := tx.QueryRowContext(ctx, `SELECT unit.id, sealed_end, start, "end", n, open.body FROM unit JOIN open ON open.unit = unit.id WHERE unit.unit = ?`, unit).
			Scan(&key, &open.SealedEnd, &open.Start, &open.End, &open.N, &open.Body)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		has, err = history.Has(times, tail, open, func(second int64) (s history.Sealed, err error) {
			err = tx.QueryRowContext(ctx, `SELECT start, "end", n, body FROM sealed WHERE unit = ? AND start <= ? ORDER BY start DESC LIMIT 1`, key, second).
				Scan(&s.Start, &s.End, &s.N, &s.Body)
			if errors.Is(err, sql.ErrNoRows) {
				return history.Sealed{}, nil
			}
			return s, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("history of unit %s: %w", unit, err)
	}
	return has, nil
}

// Events implements tracking.Store.
func (db *DB) Events(ctx context.Context, shipment tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error) {
	if limit <= 0 {
		limit = -1
	}
	query, args := "SELECT body FROM event WHERE (seq, n) > (?, ?) ORDER BY seq, n LIMIT ?", []any{afterSeq, afterN, limit}
	if shipment != "" {
		query, args = "SELECT body FROM event WHERE shipment <> '' AND shipment = ? AND (seq, n) > (?, ?) ORDER BY seq, n LIMIT ?", append([]any{shipment}, args...)
	}
	events, err := all[tracking.Event](ctx, db.read, query, args...)
	if err != nil {
		return nil, db.translate(fmt.Errorf("events: %w", err))
	}
	return events, nil
}

// SavePlan implements tracking.Store.
func (db *DB) SavePlan(ctx context.Context, owner tracking.PartyID, p routing.Plan) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save plan %q: %w", p.ID, err)
	}
	if p.ID == "" {
		return fmt.Errorf("save a plan without id: %w", tracking.ErrConflict)
	}
	result, err := db.write.ExecContext(ctx, `INSERT INTO plan VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE owner = excluded.owner`, p.ID, owner, s2.EncodeBetter(nil, body))
	if err != nil {
		return db.translate(fmt.Errorf("save plan %q: %w", p.ID, err))
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("save plan %q: another party has one by that id: %w", p.ID, errors.Join(err, tracking.ErrConflict))
	}
	return nil
}

// Plan implements tracking.Store.
func (db *DB) Plan(ctx context.Context, id string) (p routing.Plan, owner tracking.PartyID, err error) {
	var packed []byte
	err = db.read.QueryRowContext(ctx, "SELECT owner, body FROM plan WHERE id = ?", id).Scan(&owner, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		err = tracking.ErrNotFound
	}
	if err != nil {
		return p, "", db.translate(fmt.Errorf("plan %q: %w", id, err))
	}
	body, err := s2.Decode(nil, packed)
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return routing.Plan{}, "", fmt.Errorf("plan %q: %w: %w", id, history.ErrCorrupt, err)
	}
	return p, owner, nil
}

func objects(ctx context.Context, tx *sql.Tx) ([]tracking.Object, error) {
	rows, err := tx.QueryContext(ctx, "SELECT kind, id, body FROM object ORDER BY kind, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []tracking.Object
	for rows.Next() {
		var d tracking.Object
		var body string
		if err := rows.Scan(&d.Kind, &d.ID, &body); err != nil {
			return nil, err
		}
		d.Body = []byte(body)
		out = append(out, d)
	}
	return out, rows.Err()
}
