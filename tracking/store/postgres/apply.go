package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"corridor/tracking"
	"corridor/tracking/store/chunk"
	"corridor/tracking/store/history"
)

// Applied implements tracking.Store.
func (db *DB) Applied(ctx context.Context) (seq uint64, epoch string, err error) {
	err = db.pool.QueryRow(ctx, "SELECT seq, epoch FROM applied").Scan(&seq, &epoch)
	return seq, epoch, db.fault(err, "read applied sequence")
}

// place is where the store stands in the log.
type place struct {
	seq   uint64
	epoch string
	tail  uint64 // sequence of the newest batch, or up to which the tail was sealed
}

// begin starts a writing transaction and takes the writers' turn. A commit does
// not wait for the disk: after a crash the database is whole but may be some
// commits behind, Applied with it, and the log fills the gap.
func (db *DB) begin(ctx context.Context, do func(tx pgx.Tx, at place) error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var at place
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT seq, epoch, greatest(sealed, (SELECT max(seq) FROM tail)) FROM applied FOR UPDATE").Scan(&at.seq, &at.epoch, &at.tail); err != nil {
			return err
		}
		return do(tx, at)
	})
}

// Apply implements tracking.Store. When the tail is full it is first moved to the
// units' chunks, in a transaction of its own.
func (db *DB) Apply(ctx context.Context, c tracking.Changes) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if fixes, units := db.tail.Size(); fixes >= min(max(perUnit*units, minTail), maxTail) {
		if err := db.seal(ctx); err != nil {
			return db.fault(err, "seal history")
		}
	}
	var batch history.Batch
	var before uint64
	err := db.begin(ctx, func(tx pgx.Tx, at place) (err error) {
		switch {
		case at.epoch != "" && at.epoch != c.Epoch:
			return fmt.Errorf("the store follows log %s, not %s: %w", at.epoch, c.Epoch, tracking.ErrConflict)
		case c.To <= at.seq:
			return nil
		case c.From > at.seq:
			return fmt.Errorf("the store is at %d: %w", at.seq, tracking.ErrConflict)
		}
		if batch, err = history.NewBatch(c, at.seq); err != nil {
			return err
		}
		before = at.tail
		return write(ctx, tx, c, batch)
	})
	if err != nil {
		return db.fault(err, "apply (%d, %d]", c.From, c.To)
	}
	if !batch.Empty() && !db.tail.AddAfter(before, c.To, batch) {
		// Another process wrote before. The changes are committed whatever comes of
		// this, and a reader looks for what the mirror lacks.
		_ = db.reload(ctx, db.pool)
	}
	return nil
}

// write sends all statements of an Apply in one go.
func write(ctx context.Context, tx pgx.Tx, c tracking.Changes, batch history.Batch) error {
	var all pgx.Batch
	var failed error
	put := func(statement string, v any, args ...any) {
		body, err := json.Marshal(v)
		if err != nil {
			failed = err
			return
		}
		all.Queue(statement, append(args, string(body))...)
	}
	if !batch.Empty() {
		body, err := history.AppendBatch(nil, batch)
		if err != nil {
			return err
		}
		all.Queue("INSERT INTO tail VALUES ($1, $2)", c.To, body)
	}
	for _, p := range c.Parties {
		put("INSERT INTO party VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body", p, p.ID)
	}
	for _, k := range c.Keys {
		put("INSERT INTO key VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body", k, k.ID)
	}
	for _, s := range c.Shipments {
		put("INSERT INTO shipment VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body", s, s.ID)
	}
	for _, d := range c.Objects {
		if d.Body == nil {
			all.Queue("DELETE FROM object WHERE kind = $1 AND id = $2", d.Kind, d.ID)
		} else {
			all.Queue("INSERT INTO object VALUES ($1, $2, $3) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body", d.Kind, d.ID, string(d.Body))
		}
	}
	for _, e := range c.Events {
		put("INSERT INTO event VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", e, e.Seq, e.N, e.Shipment)
	}
	all.Queue("UPDATE applied SET seq = $1, epoch = $2", c.To, c.Epoch)
	if failed != nil {
		return failed
	}
	return tx.SendBatch(ctx, &all).Close()
}

// Seal moves what waits in the tail to the units' rows and chunks now. Apply does
// so by itself when there is enough.
func (db *DB) Seal(ctx context.Context) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	return db.fault(db.seal(ctx), "seal history")
}

// sealAtOnce is how many units are moved in one step.
const sealAtOnce = 2000

func (db *DB) seal(ctx context.Context) error {
	var last uint64
	err := db.begin(ctx, func(tx pgx.Tx, _ place) error {
		var batches int
		if err := tx.QueryRow(ctx, "SELECT count(*), coalesce(max(seq), 0) FROM tail").Scan(&batches, &last); err != nil {
			return err
		}
		units, progress, mirrored, seen := db.tail.Contents()
		if batches != mirrored || batches > 0 && last != seen { // another process wrote or sealed
			if err := db.reload(ctx, tx); err != nil {
				return err
			}
			units, progress, _, _ = db.tail.Contents()
		}
		if batches == 0 {
			return nil
		}
		// In one order everywhere: see pg_locks for what happens otherwise.
		names := slices.Sorted(maps.Keys(units))
		for some := range slices.Chunk(names, sealAtOnce) {
			if err := db.move(ctx, tx, some, units); err != nil {
				return err
			}
		}
		var rest pgx.Batch
		for _, p := range progress {
			body, err := json.Marshal(p)
			if err != nil {
				return err
			}
			rest.Queue("INSERT INTO progress VALUES ($1, $2) ON CONFLICT (shipment) DO UPDATE SET body = excluded.body", p.Shipment, string(body))
		}
		rest.Queue("DELETE FROM tail")
		rest.Queue("UPDATE applied SET sealed = $1", last)
		return tx.SendBatch(ctx, &rest).Close()
	})
	if err != nil {
		return err
	}
	if last > 0 {
		db.sealed.Store(last)
		db.tail.Clear(last)
	}
	return nil
}

// move writes units from the tail to their rows and chunks, with a few statements
// for all of them.
func (db *DB) move(ctx context.Context, tx pgx.Tx, names []tracking.UnitID, units map[tracking.UnitID]*history.Pending) error {
	keys, err := putUnits(ctx, tx, names, units)
	if err != nil {
		return err
	}
	ids := slices.Sorted(maps.Values(keys))
	opens := make(map[int64]history.Open, len(ids))
	rows, err := tx.Query(ctx, `SELECT unit, sealed_end, start, "end", n, blocks, body FROM open WHERE unit = ANY($1)`, ids)
	if err != nil {
		return err
	}
	var id int64
	var o history.Open
	var body []byte
	if _, err := pgx.ForEachRow(rows, []any{&id, &o.SealedEnd, &o.Start, &o.End, &o.N, &o.Blocks, &body}, func() error {
		o.Body = slices.Clone(body)
		opens[id] = o
		return nil
	}); err != nil {
		return err
	}

	var changed struct {
		unit, sealedEnd, start, end []int64
		n, blocks                   []int32
		body                        [][]byte
	}
	var full [][]any
	var where struct{ place, unit []int64 }
	var found []history.Place
	lates := make(map[int64][]chunk.Row)
	for _, name := range names {
		key := keys[name]
		rows := units[name].Sorted()
		if len(rows) == 0 {
			continue
		}
		found = db.tiles.Places(found[:0], rows)
		for _, p := range found {
			where.place, where.unit = append(where.place, int64(p)), append(where.unit, key)
		}
		open, held := opens[key]
		if !held {
			open = history.NewOpen()
		}
		next, sealed, late, err := open.Add(rows)
		if err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
		for _, s := range sealed {
			full = append(full, []any{key, s.Start, s.End, int32(s.N), s.Body})
		}
		if len(late) < len(rows) {
			changed.unit = append(changed.unit, key)
			changed.sealedEnd = append(changed.sealedEnd, next.SealedEnd)
			changed.start = append(changed.start, next.Start)
			changed.end = append(changed.end, next.End)
			changed.n = append(changed.n, int32(next.N))
			changed.blocks = append(changed.blocks, int32(next.Blocks))
			changed.body = append(changed.body, next.Body)
		}
		if len(late) > 0 {
			lates[key] = late
		}
	}
	if _, err := tx.Exec(ctx, "INSERT INTO place SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING", where.place, where.unit); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"sealed"}, []string{"unit", "start", "end", "n", "body"}, pgx.CopyFromRows(full)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO open SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7::bytea[])
		ON CONFLICT (unit) DO UPDATE SET sealed_end = excluded.sealed_end, start = excluded.start, "end" = excluded."end",
		n = excluded.n, blocks = excluded.blocks, body = excluded.body`,
		changed.unit, changed.sealedEnd, changed.start, changed.end, changed.n, changed.blocks, changed.body); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(lates)) {
		for late := lates[key]; len(late) > 0; {
			if late, err = mergeLate(ctx, tx, key, late); err != nil {
				return fmt.Errorf("unit number %d: %w", key, err)
			}
		}
	}
	since := int64(math.MaxInt64)
	if len(lates) > 0 { // chunks of any age were made anew
		since = math.MinInt64
	}
	for _, s := range full {
		since = min(since, s[1].(int64))
	}
	return db.trace(ctx, tx, ids, since)
}

// putUnits writes the units' states and returns their numbers.
func putUnits(ctx context.Context, tx pgx.Tx, names []tracking.UnitID, units map[tracking.UnitID]*history.Pending) (map[tracking.UnitID]int64, error) {
	var with struct {
		unit, carrier, mode, shipment []string
		fixes                         []int64
		simulated                     []bool
		latest                        [][]byte
	}
	var without []string
	for _, name := range names {
		s := units[name].State
		if s == nil {
			without = append(without, string(name))
			continue
		}
		with.unit = append(with.unit, string(s.Unit))
		with.carrier = append(with.carrier, string(s.Carrier))
		with.mode = append(with.mode, string(s.Mode))
		with.shipment = append(with.shipment, string(s.Shipment))
		with.fixes = append(with.fixes, int64(s.Fixes))
		with.simulated = append(with.simulated, s.Simulated)
		var latest []byte
		if s.Latest != nil {
			latest = history.EncodeFix(s.Latest)
		}
		with.latest = append(with.latest, latest)
	}
	keys := make(map[tracking.UnitID]int64, len(names))
	for _, q := range []struct {
		sql  string
		args []any
	}{
		{
			`INSERT INTO unit (unit, carrier, mode, shipment, fixes, simulated, latest)
			SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::bytea[])
			ON CONFLICT (unit) DO UPDATE SET carrier = excluded.carrier, mode = excluded.mode, shipment = excluded.shipment,
			fixes = excluded.fixes, simulated = excluded.simulated, latest = excluded.latest RETURNING id, unit`,
			[]any{with.unit, with.carrier, with.mode, with.shipment, with.fixes, with.simulated, with.latest},
		},
		{
			`INSERT INTO unit (unit, carrier, mode, shipment, fixes, simulated) SELECT u, '', '', '', 0, false FROM unnest($1::text[]) u
			ON CONFLICT (unit) DO UPDATE SET unit = excluded.unit RETURNING id, unit`,
			[]any{without},
		},
	} {
		rows, err := tx.Query(ctx, q.sql, q.args...)
		if err != nil {
			return nil, err
		}
		var id int64
		var unit tracking.UnitID
		if _, err := pgx.ForEachRow(rows, []any{&id, &unit}, func() error {
			keys[unit] = id
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// mergeLate merges the first of the late rows, and those that fall in the same
// chunk, and returns the others.
func mergeLate(ctx context.Context, tx pgx.Tx, unit int64, late []chunk.Row) ([]chunk.Row, error) {
	var held history.Sealed
	// The chunk a second falls in: the last that starts no later, or else the first.
	err := tx.QueryRow(ctx, `SELECT start, "end", n, body FROM sealed WHERE unit = $1 AND start =
		coalesce((SELECT max(start) FROM sealed WHERE unit = $1 AND start <= $2), (SELECT min(start) FROM sealed WHERE unit = $1))`,
		unit, late[0].Second()).Scan(&held.Start, &held.End, &held.N, &held.Body)
	if err != nil {
		return nil, err
	}
	var next *int64
	if err := tx.QueryRow(ctx, "SELECT min(start) FROM sealed WHERE unit = $1 AND start > $2", unit, held.Start).Scan(&next); err != nil {
		return nil, err
	}
	n := 1
	for n < len(late) && (next == nil || late[n].Second() < *next) {
		n++
	}
	merged, err := history.MergeLate(held, late[:n])
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM sealed WHERE unit = $1 AND start = $2", unit, held.Start); err != nil {
		return nil, err
	}
	for _, s := range merged {
		if _, err := tx.Exec(ctx, "INSERT INTO sealed VALUES ($1, $2, $3, $4, $5)", unit, s.Start, s.End, int32(s.N), s.Body); err != nil {
			return nil, err
		}
	}
	return late[n:], nil
}
