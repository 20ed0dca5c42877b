package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/tracking"
)

// fixRes is the resolution of Fix.Cell: hexagons 1.4 km to a side, fine enough
// to tell which fences a fix may be in, and the parent of it is free.
const fixRes = 7

// A large batch becomes several entries, so that none is longer than a record.
const (
	maxPartPositions = 2000
	maxPartSensors   = 128 << 10 // bytes
)

// hold says what is on its way into the log for a unit: two connections that
// send the same fix at once must not both store it, and two carriers must not
// both make the same unit.
type hold struct {
	unit    tracking.UnitID
	carrier tracking.PartyID // who makes the unit, or has it
	seconds []held           // ascending; never empty while it is in Tracker.holds
	newest  *op              // the last to hold something here
}

// wholeUnit is held by who makes a unit without reporting a position.
const wholeUnit = math.MinInt64

type held struct {
	second int64
	op     *op
}

// incoming is a batch on its way: the valid positions of a request.
type incoming struct {
	head      tracking.Positions // all but the positions
	positions []tracking.Position
	indexes   []int32  // of the positions in the request
	cells     []uint64 // of the positions; those of the unit before until storeFresh
	receipt   *tracking.Receipt
}

// Accept stores a carrier's positions. Those counted as Stored are durable when
// it returns. After an error some may be stored or not: send all again, what was
// stored is recognised as duplicate. The batch may be used again.
func (t *Tracker) Accept(ctx context.Context, carrier tracking.PartyID, batch []tracking.Position, o tracking.AcceptOptions) (tracking.Receipt, error) {
	receipt := tracking.Receipt{Refused: []tracking.Refusal{}}
	if err := t.awaitReady(ctx); err != nil {
		return receipt, err
	}
	if err := tracking.ValidateMode(o.Mode); err != nil {
		return receipt, err
	}
	if err := t.mayAccept(carrier); err != nil {
		return receipt, err
	}
	received := t.now().UTC().Truncate(time.Millisecond)
	in := incoming{
		head:      tracking.Positions{Carrier: carrier, Received: received, Mode: o.Mode, Simulated: o.Simulated},
		positions: make([]tracking.Position, 0, len(batch)),
		indexes:   make([]int32, 0, len(batch)),
		cells:     make([]uint64, len(batch)),
		receipt:   &receipt,
	}
	for i := range batch {
		p, err := tracking.Validate(batch[i], received, o.Simulated)
		if err != nil {
			receipt.Refused = append(receipt.Refused, refusal(i, err))
			continue
		}
		in.positions, in.indexes = append(in.positions, p), append(in.indexes, int32(i))
	}
	open := make([]int32, len(in.positions))
	for i := range open {
		open[i] = int32(i)
	}
	var err error
	for err == nil && len(open) > 0 {
		open, err = t.attempt(ctx, &in, open)
	}
	t.stored.Add(uint64(receipt.Stored))
	t.duplicates.Add(uint64(receipt.Duplicates))
	t.countRefused(receipt.Refused)
	return receipt, err
}

// mayAccept tells whether reports can be taken at all.
func (t *Tracker) mayAccept(carrier tracking.PartyID) error {
	t.mu.RLock()
	_, ok := t.state.Party(carrier)
	waiting := t.queue.fixes
	t.mu.RUnlock()
	switch {
	case !ok:
		return fmt.Errorf("carrier %q: %w", carrier, tracking.ErrNotFound)
	case waiting > t.cfg.MaxPending:
		return fmt.Errorf("%d fixes wait for the store, which is away or too slow: %w", waiting, tracking.ErrFull)
	}
	return nil
}

// attempt decides what it can of the open positions (indexes into in.positions)
// and stores what is new. It returns those that wait for the outcome of somebody
// else's operation, once that is known.
func (t *Tracker) attempt(ctx context.Context, in *incoming, open []int32) ([]int32, error) {
	o := newOp()
	fresh, uncertain, blocked, on := t.claim(o, in, open)
	if len(uncertain) > 0 {
		known, err := t.lookUp(ctx, in, uncertain)
		if err != nil {
			t.release(o)
			o.finish(err)
			return nil, err
		}
		fresh = append(fresh, known...)
	}
	again, err := t.storeFresh(ctx, o, in, fresh)
	if err != nil {
		return nil, err
	}
	blocked = append(blocked, again...)
	for _, other := range on {
		select {
		case <-other.done:
		case <-t.drained:
			return nil, tracking.ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return blocked, nil
}

// claim sorts the open positions under one lock: duplicates and foreign units are
// settled, the new are held for o, and those another operation holds are given
// back with that operation.
func (t *Tracker) claim(o *op, in *incoming, open []int32) (fresh, uncertain, blocked []int32, on []*op) {
	fresh = make([]int32, 0, len(open))
	carrier := in.head.Carrier
	wait := func(c int32, other *op) {
		blocked = append(blocked, c)
		if n := len(on); n == 0 || on[n-1] != other {
			on = append(on, other)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o.seen = t.state.Seq()
	for _, c := range open {
		pos := &in.positions[c]
		id := pos.Unit
		known := t.state.Prospect(id, pos.Time)
		if known.Exists && known.Carrier != carrier {
			in.receipt.Refused = append(in.receipt.Refused, foreignUnit(int(in.indexes[c]), id))
			continue
		}
		h := t.holds[id]
		if !known.Exists && h != nil && h.carrier != carrier {
			wait(c, h.seconds[0].op) // who makes it is about to be known
			continue
		}
		if known.Knows == tracking.IsDuplicate {
			in.receipt.Duplicates++
			continue
		}
		sec := pos.Time.Unix()
		if h != nil {
			if i, found := h.find(sec); found {
				if x := h.seconds[i]; x.op == o {
					in.receipt.Duplicates++ // of a position before it in the same batch
				} else {
					wait(c, x.op)
				}
				continue
			}
		}
		if known.Knows == tracking.IsUncertain && t.queue.has(id, sec) {
			in.receipt.Duplicates++
			continue
		}
		t.holdSecond(o, h, id, carrier, sec)
		in.cells[c] = known.Cell
		if known.Knows == tracking.IsUncertain {
			uncertain = append(uncertain, c)
		} else {
			fresh = append(fresh, c)
		}
	}
	return fresh, uncertain, blocked, on
}

// holdSecond holds a second of a unit for o; h is the unit's hold or nil. Caller
// holds mu.
func (t *Tracker) holdSecond(o *op, h *hold, id tracking.UnitID, carrier tracking.PartyID, sec int64) {
	if h == nil {
		if n := len(t.spareHolds); n > 0 {
			h, t.spareHolds = t.spareHolds[n-1], t.spareHolds[:n-1]
		} else {
			h = &hold{}
		}
		h.unit, h.carrier = id, carrier
		t.holds[id] = h
	}
	if n := len(h.seconds); n == 0 || h.seconds[n-1].second < sec {
		h.seconds = append(h.seconds, held{sec, o})
	} else {
		i, _ := h.find(sec)
		h.seconds = slices.Insert(h.seconds, i, held{sec, o})
	}
	if h.newest != o {
		h.newest = o
		o.holds = append(o.holds, h)
	}
}

func (h *hold) find(sec int64) (int, bool) {
	return slices.BinarySearchFunc(h.seconds, sec, func(x held, s int64) int { return cmp.Compare(x.second, s) })
}

// release gives up all that o holds. Caller does not hold mu.
func (t *Tracker) release(o *op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.releaseLocked(o)
}

// maxSpareHolds bounds what is kept for the next positions.
const maxSpareHolds = 10_000

func (t *Tracker) releaseLocked(o *op) {
	for _, h := range o.holds {
		h.seconds = slices.DeleteFunc(h.seconds, func(x held) bool { return x.op == o })
		if h.newest == o {
			h.newest = nil
		}
		if len(h.seconds) == 0 && t.holds[h.unit] == h {
			delete(t.holds, h.unit)
			if len(t.spareHolds) < maxSpareHolds && cap(h.seconds) <= 64 {
				t.spareHolds = append(t.spareHolds, h)
			}
		}
	}
	o.holds = nil
}

// lookUp asks the store about fixes older than what memory knows. When it cannot
// answer they are refused, to be sent again: a wrong "new" would double a fix.
func (t *Tracker) lookUp(ctx context.Context, in *incoming, uncertain []int32) (fresh []int32, err error) {
	byUnit := map[tracking.UnitID][]int32{}
	for _, c := range uncertain {
		id := in.positions[c].Unit
		byUnit[id] = append(byUnit[id], c)
	}
	for id, list := range byUnit {
		times := make([]time.Time, len(list))
		for i, c := range list {
			times[i] = in.positions[c].Time
		}
		has, err := t.store.Has(ctx, id, times)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			t.warn.Warn("the history cannot be searched for duplicates", "unit", id, "err", err)
			for _, c := range list {
				in.receipt.Refused = append(in.receipt.Refused, tracking.Refusal{
					Index: int(in.indexes[c]), Code: tracking.CodeLater,
					Reason: "older than the latest reports of the unit, and the history cannot be searched for it now: send it again later",
				})
			}
			continue
		}
		for i, c := range list {
			if has[i] {
				in.receipt.Duplicates++
			} else {
				fresh = append(fresh, c)
			}
		}
	}
	return fresh, nil
}

// storeFresh makes positions durable and counts them. It returns those that have
// to be decided again. o, and what it holds, is the committer's from here on.
func (t *Tracker) storeFresh(ctx context.Context, o *op, in *incoming, fresh []int32) (again []int32, _ error) {
	if len(fresh) == 0 {
		t.release(o)
		o.finish(nil)
		return nil, nil
	}
	var of [][]int32 // the positions of each part
	for len(fresh) > 0 {
		take, sensors := 0, 0
		for take < len(fresh) && take < maxPartPositions && sensors < maxPartSensors {
			sensors += len(in.positions[fresh[take]].Sensors)
			take++
		}
		e := in.head
		if take == len(in.positions) { // nearly always: all of them
			e.Positions, e.Cells = in.positions, in.cells[:take]
		} else {
			e.Positions, e.Cells = make([]tracking.Position, take), make([]uint64, take)
			for i, c := range fresh[:take] {
				e.Positions[i], e.Cells[i] = in.positions[c], in.cells[c]
			}
		}
		for i := range e.Positions {
			p := &e.Positions[i]
			e.Cells[i] = uint64(t.cells.of(orb.Point{p.Lon, p.Lat}, cell.ID(e.Cells[i])))
		}
		of = append(of, fresh[:take])
		fresh = fresh[take:]
		if err := o.add(&e); err != nil {
			t.release(o)
			o.finish(err)
			return nil, err
		}
	}
	if err := t.submit(ctx, o); err != nil {
		return nil, err
	}
	for i := range o.parts {
		p := &o.parts[i]
		if p.void {
			again = append(again, of[i]...)
			continue
		}
		stored := len(of[i]) - p.dropped
		for _, c := range of[i] {
			if id := in.positions[c].Unit; p.foreign[id] {
				stored--
				in.receipt.Refused = append(in.receipt.Refused, foreignUnit(int(in.indexes[c]), id))
			}
		}
		in.receipt.Stored += stored
		in.receipt.Duplicates += p.dropped
	}
	return again, nil
}

func foreignUnit(index int, id tracking.UnitID) tracking.Refusal {
	return tracking.Refusal{Index: index, Code: tracking.CodeOwner, Reason: fmt.Sprintf("unit %q belongs to another carrier", id)}
}

func (t *Tracker) countRefused(list []tracking.Refusal) {
	if len(list) == 0 {
		return
	}
	t.refusedMu.Lock()
	defer t.refusedMu.Unlock()
	for _, r := range list {
		t.refused[r.Code]++
	}
}

func refusal(index int, err error) tracking.Refusal {
	var v *tracking.InvalidError
	if errors.As(err, &v) {
		return tracking.Refusal{Index: index, Reason: v.Reason, Code: v.Code}
	}
	return tracking.Refusal{Index: index, Reason: err.Error(), Code: "invalid"}
}
