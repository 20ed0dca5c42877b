package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/store/chunk"
	"corridor/tracking/store/history"
)

// loadAtOnce is how many units Load yields at a time.
const loadAtOnce = 4096

// Load implements tracking.Store.
func (db *DB) Load(ctx context.Context, yield func(tracking.Changes) error) error {
	err := pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var c tracking.Changes
		err := tx.QueryRow(ctx, "SELECT seq, epoch FROM applied").Scan(&c.To, &c.Epoch)
		if err != nil {
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
	return db.fault(err, "load state")
}

func all[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var values []T
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&body}, func() error {
		var v T
		if err := json.Unmarshal(body, &v); err != nil {
			return fmt.Errorf("%w: %w", history.ErrCorrupt, err)
		}
		values = append(values, v)
		return nil
	})
	return values, err
}

func eachUnit(ctx context.Context, q querier, do func(tracking.UnitState) error) error {
	rows, err := q.Query(ctx, "SELECT unit, carrier, mode, shipment, fixes, simulated, latest FROM unit ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var u tracking.UnitState
		var latest []byte
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

// What the rows of a history query are.
const (
	isTail = iota
	isOpen
	isSealed
	isMark
)

// newerTail reads the part of the tail this process has not seen, because another
// one wrote it, and up to where the tail was sealed.
const newerTail = `SELECT 0, 0::bigint, 0::bigint, 0::bigint, 0, seq, body FROM tail WHERE seq > $2
	UNION ALL SELECT 3, 0, 0, 0, 0, sealed, NULL FROM applied`

// stored is what one statement, so one moment, says of a unit's history.
type stored struct {
	tail   []chunk.Row
	open   history.Open
	sealed []history.Sealed // by start
}

// history reads a unit's chunks and what waits in the tail, of which this process
// knows tail up to last.
func (db *DB) history(ctx context.Context, unit tracking.UnitID, tail []chunk.Row, last uint64, sql string, args ...any) (stored, error) {
	h := stored{tail: tail, open: history.NewOpen()}
	rows, err := db.pool.Query(ctx, newerTail+" UNION ALL "+sql, append([]any{unit, last}, args...)...)
	if err != nil {
		return h, err
	}
	type batch struct {
		seq  uint64
		body []byte
	}
	var newer []batch
	var mark uint64
	var kind, n int
	var sealedEnd, start, end, seq int64
	var body []byte
	if _, err := pgx.ForEachRow(rows, []any{&kind, &sealedEnd, &start, &end, &n, &seq, &body}, func() error {
		own := slices.Clone(body)
		switch kind {
		case isTail:
			newer = append(newer, batch{uint64(seq), own})
		case isOpen:
			h.open = history.Open{SealedEnd: sealedEnd, Start: start, End: end, N: n, Body: own}
		case isMark:
			mark = uint64(seq)
		case isSealed:
			h.sealed = append(h.sealed, history.Sealed{Start: start, End: end, N: n, Body: own})
		}
		return nil
	}); err != nil {
		return h, err
	}
	slices.SortFunc(h.sealed, func(a, b history.Sealed) int { return int(min(max(a.Start-b.Start, -1), 1)) })
	slices.SortFunc(newer, func(a, b batch) int { return int(int64(a.seq - b.seq)) })
	if known := db.sealed.Load(); mark > known && db.sealed.CompareAndSwap(known, mark) {
		db.tail.Clear(mark) // another process sealed what is mirrored here
	}
	before := last
	for _, b := range newer {
		decoded, err := history.DecodeBatch(b.body)
		if err != nil {
			return h, fmt.Errorf("tail %d: %w", b.seq, err)
		}
		for _, f := range decoded.Fixes {
			if f.Unit == unit {
				h.tail = append(h.tail, f.Row)
			}
		}
		db.tail.AddAfter(before, b.seq, decoded)
		before = b.seq
	}
	if len(newer) > 0 {
		h.tail = chunk.Sort(h.tail)
	}
	return h, nil
}

// Track implements tracking.Store.
func (db *DB) Track(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	tail, last := db.tail.Rows(unit) // before the statement: see history.Tail
	w := history.NewWindow(q)
	from, to := w.Seconds()
	order := "ASC"
	if w.Newest() {
		order = "DESC"
	}
	// A sealed chunk holds SealAt fixes or more; at either end the window may cut one.
	var limit *int
	if most := w.Most(); most > 0 {
		n := most/history.SealAt + 3
		limit = &n
	}
	h, err := db.history(ctx, unit, tail, last, `
		SELECT 1, sealed_end, start, "end", n, 0, open.body FROM unit JOIN open ON open.unit = unit.id
		WHERE unit.unit = $1 AND n > 0 AND start <= $4 AND "end" >= $3
		UNION ALL (
		SELECT 2, 0, start, "end", n, 0, sealed.body FROM unit JOIN sealed ON sealed.unit = unit.id
		WHERE unit.unit = $1 AND start <= $4 AND start >=
			coalesce((SELECT max(start) FROM sealed WHERE sealed.unit = unit.id AND start <= $3), $3)
		ORDER BY start `+order+` LIMIT $5)`, from, to, limit)
	if err != nil {
		return nil, db.fault(err, "track of unit %s", unit)
	}
	rows, err := w.Collect(h.tail, h.bodies(w.Newest()))
	if err != nil {
		return nil, db.fault(err, "track of unit %s", unit)
	}
	return history.Fixes(unit, rows), nil
}

// bodies gives the chunks from the oldest, or from the newest.
func (h *stored) bodies(newest bool) iter.Seq2[[]byte, error] {
	bodies := make([][]byte, 0, len(h.sealed)+1)
	for _, s := range h.sealed {
		bodies = append(bodies, s.Body)
	}
	if h.open.N > 0 {
		bodies = append(bodies, h.open.Body)
	}
	if newest {
		slices.Reverse(bodies)
	}
	return func(yield func([]byte, error) bool) {
		for _, b := range bodies {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Has implements tracking.Store.
func (db *DB) Has(ctx context.Context, unit tracking.UnitID, times []time.Time) ([]bool, error) {
	tail, last := db.tail.Rows(unit) // before the statement: see history.Tail
	seconds := make([]int64, len(times))
	for i, t := range times {
		seconds[i] = t.Unix()
	}
	slices.Sort(seconds)
	h, err := db.history(ctx, unit, tail, last, `
		SELECT 1, sealed_end, start, "end", n, 0, open.body FROM unit JOIN open ON open.unit = unit.id WHERE unit.unit = $1
		UNION ALL
		SELECT 2, 0, s.start, s."end", s.n, 0, s.body FROM unit JOIN sealed s ON s.unit = unit.id
		WHERE unit.unit = $1 AND s.start IN (
			SELECT (SELECT max(start) FROM sealed WHERE sealed.unit = unit.id AND start <= t) FROM unnest($3::bigint[]) t)`,
		slices.Compact(seconds))
	if err != nil {
		return nil, db.fault(err, "history of unit %s", unit)
	}
	has, err := history.Has(times, h.tail, h.open, func(second int64) (history.Sealed, error) {
		i, exact := slices.BinarySearchFunc(h.sealed, second, func(s history.Sealed, t int64) int { return int(min(max(s.Start-t, -1), 1)) })
		if exact {
			return h.sealed[i], nil
		}
		if i == 0 {
			return history.Sealed{}, nil
		}
		return h.sealed[i-1], nil
	})
	return has, db.fault(err, "history of unit %s", unit)
}

// Events implements tracking.Store.
func (db *DB) Events(ctx context.Context, shipment tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error) {
	var most *int
	if limit > 0 {
		most = &limit
	}
	query, args := "SELECT body FROM event WHERE (seq, n) > ($1, $2) ORDER BY seq, n LIMIT $3", []any{afterSeq, afterN, most}
	if shipment != "" {
		query, args = "SELECT body FROM event WHERE shipment <> '' AND shipment = $4 AND (seq, n) > ($1, $2) ORDER BY seq, n LIMIT $3", append(args, shipment)
	}
	events, err := all[tracking.Event](ctx, db.pool, query, args...)
	return events, db.fault(err, "events")
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
	tag, err := db.pool.Exec(ctx, `INSERT INTO plan VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE plan.owner = excluded.owner`, p.ID, owner, string(body))
	if err == nil && tag.RowsAffected() == 0 {
		err = fmt.Errorf("another party has one by that id: %w", tracking.ErrConflict)
	}
	return db.fault(err, "save plan %q", p.ID)
}

// Plan implements tracking.Store.
func (db *DB) Plan(ctx context.Context, id string) (p routing.Plan, owner tracking.PartyID, err error) {
	var body []byte
	err = db.pool.QueryRow(ctx, "SELECT owner, body FROM plan WHERE id = $1", id).Scan(&owner, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tracking.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return routing.Plan{}, "", db.fault(err, "plan %q", id)
	}
	return p, owner, nil
}

func objects(ctx context.Context, tx pgx.Tx) ([]tracking.Object, error) {
	rows, err := tx.Query(ctx, "SELECT kind, id, body::text FROM object ORDER BY kind, id")
	if err != nil {
		return nil, err
	}
	var out []tracking.Object
	var d tracking.Object
	var body string
	_, err = pgx.ForEachRow(rows, []any{&d.Kind, &d.ID, &body}, func() error {
		d.Body = []byte(body)
		out = append(out, d)
		return nil
	})
	return out, err
}
