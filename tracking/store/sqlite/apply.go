package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"corridor/tracking"
	"corridor/tracking/store/chunk"
	"corridor/tracking/store/history"
)

// Applied implements tracking.Store.
func (db *DB) Applied(ctx context.Context) (seq uint64, epoch string, err error) {
	if seq, epoch, err = applied(ctx, db.read); err != nil {
		return 0, "", db.translate(fmt.Errorf("read applied sequence: %w", err))
	}
	return seq, epoch, nil
}

// querier is what *sql.DB and *sql.Tx share.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func applied(ctx context.Context, q querier) (seq uint64, epoch string, err error) {
	err = q.QueryRowContext(ctx, "SELECT seq, epoch FROM applied").Scan(&seq, &epoch)
	return seq, epoch, err
}

// Apply implements tracking.Store. When the tail is full it is first moved to the
// units' chunks, in a transaction of its own.
func (db *DB) Apply(ctx context.Context, c tracking.Changes) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if fixes, units := db.tail.Size(); fixes >= db.limit(units) {
		if err := db.seal(ctx); err != nil {
			return db.translate(fmt.Errorf("seal history: %w", err))
		}
	}
	var batch history.Batch
	err := db.transact(ctx, func(tx *sql.Tx) (err error) {
		batch, err = apply(ctx, tx, c)
		return err
	})
	if err != nil {
		return db.translate(fmt.Errorf("apply (%d, %d]: %w", c.From, c.To, err))
	}
	if !batch.Empty() {
		db.tail.Add(c.To, batch)
	}
	return nil
}

func apply(ctx context.Context, tx *sql.Tx, c tracking.Changes) (history.Batch, error) {
	seq, epoch, err := applied(ctx, tx)
	switch {
	case err != nil:
		return history.Batch{}, err
	case epoch != "" && epoch != c.Epoch:
		return history.Batch{}, fmt.Errorf("the store follows log %s, not %s: %w", epoch, c.Epoch, tracking.ErrConflict)
	case c.To <= seq:
		return history.Batch{}, nil
	case c.From > seq:
		return history.Batch{}, fmt.Errorf("the store is at %d: %w", seq, tracking.ErrConflict)
	}
	batch, err := history.NewBatch(c, seq)
	if err != nil {
		return history.Batch{}, err
	}
	if !batch.Empty() {
		body, err := history.AppendBatch(nil, batch)
		if err != nil {
			return history.Batch{}, err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO tail VALUES (?, ?)", c.To, body); err != nil {
			return history.Batch{}, err
		}
	}
	for _, p := range c.Parties {
		if err := put(ctx, tx, "INSERT OR REPLACE INTO party VALUES (?, ?)", p, p.ID); err != nil {
			return history.Batch{}, err
		}
	}
	for _, k := range c.Keys {
		if err := put(ctx, tx, "INSERT OR REPLACE INTO key VALUES (?, ?)", k, k.ID); err != nil {
			return history.Batch{}, err
		}
	}
	for _, s := range c.Shipments {
		if err := put(ctx, tx, "INSERT OR REPLACE INTO shipment VALUES (?, ?)", s, s.ID); err != nil {
			return history.Batch{}, err
		}
	}
	for _, d := range c.Objects {
		if d.Body == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM object WHERE kind = ? AND id = ?", d.Kind, d.ID)
		} else {
			_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO object VALUES (?, ?, ?)", d.Kind, d.ID, string(d.Body))
		}
		if err != nil {
			return history.Batch{}, err
		}
	}
	for _, e := range c.Events {
		if err := put(ctx, tx, "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)", e, e.Seq, e.N, e.Shipment); err != nil {
			return history.Batch{}, err
		}
	}
	_, err = tx.ExecContext(ctx, "UPDATE applied SET seq = ?, epoch = ?", c.To, c.Epoch)
	return batch, err
}

// put runs a statement whose last parameter is v as JSON.
func put(ctx context.Context, tx *sql.Tx, statement string, v any, args ...any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, statement, append(args, string(body))...)
	return err
}

func (db *DB) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
			return errors.Join(err, rollback)
		}
		return err
	}
	return tx.Commit()
}

// translate says ErrClosed of whatever fails after Close.
func (db *DB) translate(err error) error {
	if err != nil && db.closed.Load() {
		return fmt.Errorf("%w: %w", tracking.ErrClosed, err)
	}
	return err
}

// loadTail fills the mirror from the tail.
func (db *DB) loadTail(ctx context.Context) error {
	return eachBatch(ctx, db.write, func(seq uint64, b history.Batch) error {
		db.tail.Add(seq, b)
		return nil
	})
}

func eachBatch(ctx context.Context, q querier, do func(seq uint64, b history.Batch) error) error {
	rows, err := q.QueryContext(ctx, "SELECT seq, body FROM tail ORDER BY seq")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var body sql.RawBytes
		if err := rows.Scan(&seq, &body); err != nil {
			return err
		}
		b, err := history.DecodeBatch(body)
		if err != nil {
			return fmt.Errorf("tail %d: %w", seq, err)
		}
		if err := do(seq, b); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Seal moves what waits in the tail to the units' rows and chunks now. Apply does
// so by itself when there is enough; calling it makes the file smallest.
func (db *DB) Seal(ctx context.Context) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if err := db.seal(ctx); err != nil {
		return db.translate(fmt.Errorf("seal history: %w", err))
	}
	return nil
}

func (db *DB) seal(ctx context.Context) error {
	var last uint64
	err := db.transact(ctx, func(tx *sql.Tx) error {
		var batches int
		if err := tx.QueryRowContext(ctx, "SELECT count(*), coalesce(max(seq), 0) FROM tail").Scan(&batches, &last); err != nil {
			return err
		}
		units, progress, mirrored, seen := db.tail.Contents()
		if batches != mirrored || batches > 0 && last != seen {
			return fmt.Errorf("the tail holds %d batches up to %d, this process wrote %d up to %d: another process writes to this file; stop it", batches, last, mirrored, seen)
		}
		m, err := newMover(ctx, tx, &db.places)
		if err != nil {
			return err
		}
		defer m.close()
		// By name: neighbours lie near each other in the file. The statements cannot
		// be cancelled, which would cost a goroutine each; the loop can.
		uncancelled := context.WithoutCancel(ctx)
		for _, id := range slices.Sorted(maps.Keys(units)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := m.unit(uncancelled, id, units[id]); err != nil {
				return fmt.Errorf("unit %s: %w", id, err)
			}
		}
		for _, p := range progress {
			if err := put(ctx, tx, "INSERT OR REPLACE INTO progress VALUES (?, ?)", p, p.Shipment); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM tail")
		return err
	})
	if err != nil {
		db.places.last = nil // some of it may have been taken back
		return err
	}
	db.tail.Reuse(last)
	return nil
}

// mover moves units from the tail to their rows. Its statements live as long as
// the transaction.
type mover struct {
	tx                                          *sql.Tx
	statements                                  []*sql.Stmt
	putUnit, needUnit, getOpen, putOpen         *sql.Stmt
	getSealed, putSealed, dropSealed, nextStart *sql.Stmt
	putPlace                                    *sql.Stmt

	places *places
	found  []history.Place
}

// places spares most of the work of indexing. writing guards it.
type places struct {
	tiles history.Tiles
	last  map[int64]history.Place // by unit: what it has a row for
}

const keepLast = 1 << 20

func newMover(ctx context.Context, tx *sql.Tx, p *places) (*mover, error) {
	m := &mover{tx: tx, places: p}
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&m.putUnit, `INSERT INTO unit (unit, carrier, mode, shipment, fixes, simulated, latest) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (unit) DO UPDATE SET carrier = excluded.carrier, mode = excluded.mode, shipment = excluded.shipment,
			fixes = excluded.fixes, simulated = excluded.simulated, latest = excluded.latest RETURNING id`},
		{&m.needUnit, `INSERT INTO unit (unit, carrier, mode, shipment, fixes, simulated) VALUES (?, '', '', '', 0, 0)
			ON CONFLICT (unit) DO UPDATE SET unit = excluded.unit RETURNING id`},
		{&m.getOpen, `SELECT sealed_end, start, "end", n, blocks, body FROM open WHERE unit = ?`},
		{&m.putOpen, `INSERT OR REPLACE INTO open VALUES (?, ?, ?, ?, ?, ?, ?)`},
		// The chunk a second falls in: the last that starts no later, or else the first.
		{&m.getSealed, `SELECT id, start, "end", n, body FROM sealed WHERE unit = ?1 AND start =
			coalesce((SELECT max(start) FROM sealed WHERE unit = ?1 AND start <= ?2), (SELECT min(start) FROM sealed WHERE unit = ?1))`},
		{&m.nextStart, `SELECT coalesce(min(start), ?3) FROM sealed WHERE unit = ?1 AND start > ?2`},
		{&m.putSealed, `INSERT INTO sealed (id, unit, start, "end", n, body) VALUES (?, ?, ?, ?, ?, ?)`},
		{&m.dropSealed, `DELETE FROM sealed WHERE id = ?`},
		{&m.putPlace, `INSERT OR IGNORE INTO place VALUES (?, ?)`},
	} {
		s, err := tx.PrepareContext(ctx, p.sql) //nolint:sqlclosecheck // close does
		if err != nil {
			m.close()
			return nil, err
		}
		*p.to = s
		m.statements = append(m.statements, s)
	}
	return m, nil
}

func (m *mover) close() {
	for _, s := range m.statements {
		_ = s.Close() // the transaction that follows says what went wrong
	}
}

func (m *mover) unit(ctx context.Context, id tracking.UnitID, p *history.Pending) error {
	var key int64
	var err error
	if s := p.State; s != nil {
		var latest []byte
		if s.Latest != nil {
			latest = history.EncodeFix(s.Latest)
		}
		err = m.putUnit.QueryRowContext(ctx, id, s.Carrier, s.Mode, s.Shipment, s.Fixes, s.Simulated, latest).Scan(&key)
	} else {
		err = m.needUnit.QueryRowContext(ctx, id).Scan(&key)
	}
	if err != nil || len(p.Rows) == 0 {
		return err
	}
	rows := p.Sorted()
	if err := m.index(ctx, key, rows); err != nil {
		return err
	}
	open := history.NewOpen()
	err = m.getOpen.QueryRowContext(ctx, key).Scan(&open.SealedEnd, &open.Start, &open.End, &open.N, &open.Blocks, &open.Body)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	next, sealed, late, err := open.Add(rows)
	if err != nil {
		return err
	}
	for _, s := range sealed {
		if _, err := m.putSealed.ExecContext(ctx, nil, key, s.Start, s.End, s.N, s.Body); err != nil {
			return err
		}
	}
	if len(late) < len(p.Rows) {
		if _, err := m.putOpen.ExecContext(ctx, key, next.SealedEnd, next.Start, next.End, next.N, next.Blocks, next.Body); err != nil {
			return err
		}
	}
	for len(late) > 0 {
		if late, err = m.late(ctx, key, late); err != nil {
			return err
		}
	}
	return nil
}

// index notes where the rows of a unit are.
func (m *mover) index(ctx context.Context, unit int64, rows []chunk.Row) error {
	m.found = m.places.tiles.Places(m.found[:0], rows)
	for _, p := range m.found {
		if last, known := m.places.last[unit]; known && last == p {
			continue
		}
		if _, err := m.putPlace.ExecContext(ctx, int64(p), unit); err != nil {
			return err
		}
		if m.places.last == nil || len(m.places.last) >= keepLast {
			m.places.last = map[int64]history.Place{}
		}
		m.places.last[unit] = p
	}
	return nil
}

// late merges the first of the late rows, and those that fall in the same chunk,
// and returns the others.
func (m *mover) late(ctx context.Context, unit int64, late []chunk.Row) ([]chunk.Row, error) {
	var id int64
	var held history.Sealed
	if err := m.getSealed.QueryRowContext(ctx, unit, late[0].Second()).Scan(&id, &held.Start, &held.End, &held.N, &held.Body); err != nil {
		return nil, err
	}
	var next int64
	if err := m.nextStart.QueryRowContext(ctx, unit, held.Start, late[len(late)-1].Second()+1).Scan(&next); err != nil {
		return nil, err
	}
	n := 1
	for n < len(late) && late[n].Second() < next {
		n++
	}
	merged, err := history.MergeLate(held, late[:n])
	if err != nil {
		return nil, err
	}
	if _, err := m.dropSealed.ExecContext(ctx, id); err != nil {
		return nil, err
	}
	for i, s := range merged {
		var key any
		if i == 0 {
			key = id
		}
		if _, err := m.putSealed.ExecContext(ctx, key, unit, s.Start, s.End, s.N, s.Body); err != nil {
			return nil, err
		}
	}
	return late[n:], nil
}
