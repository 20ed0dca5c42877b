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
	carrier tracking.PartyID // who makes the unit, or has it
	seconds []held           // ascending; never empty
	newest  *op              // the last to hold something here
}

// wholeUnit is held by who makes a unit without reporting a position.
const wholeUnit = math.MinInt64

type held struct {
	second int64
	op     *op
}

// candidate is a valid position whose fate is not decided yet.
type candidate struct {
	index int // in the request
	pos   tracking.Position
}

// Accept stores a carrier's positions. Those counted as Stored are durable when
// it returns. After an error some may be stored or not: send all again, what was
// stored is recognised as duplicate.
func (t *Tracker) Accept(ctx context.Context, carrier tracking.PartyID, batch []tracking.Position, o tracking.AcceptOptions) (tracking.Receipt, error) {
	receipt := tracking.Receipt{Refused: []tracking.Refusal{}}
	if err := t.awaitReady(ctx); err != nil {
		return receipt, err
	}
	if err := tracking.ValidateMode(o.Mode); err != nil {
		return receipt, err
	}
	if _, ok := t.Party(carrier); !ok {
		return receipt, fmt.Errorf("carrier %q: %w", carrier, tracking.ErrNotFound)
	}
	if n := t.queueFixes(); n > t.cfg.MaxPending {
		return receipt, fmt.Errorf("%d fixes wait for the store, which is away or too slow: %w", n, tracking.ErrFull)
	}
	received := t.now().UTC().Truncate(time.Millisecond)
	open := make([]candidate, 0, len(batch))
	for i := range batch {
		p, err := tracking.Validate(batch[i], received, o.Simulated)
		if err != nil {
			receipt.Refused = append(receipt.Refused, refusal(i, err))
			continue
		}
		open = append(open, candidate{i, p})
	}
	head := tracking.Positions{Carrier: carrier, Received: received, Mode: o.Mode, Simulated: o.Simulated}
	var err error
	for err == nil && len(open) > 0 {
		open, err = t.attempt(ctx, &head, open, &receipt)
	}
	t.stored.Add(uint64(receipt.Stored))
	t.duplicates.Add(uint64(receipt.Duplicates))
	t.countRefused(receipt.Refused)
	return receipt, err
}

// attempt decides what it can of the candidates and stores what is new. It
// returns those that wait for the outcome of somebody else's operation, once
// that is known.
func (t *Tracker) attempt(ctx context.Context, head *tracking.Positions, open []candidate, receipt *tracking.Receipt) ([]candidate, error) {
	o := newOp()
	fresh, uncertain, blocked, on := t.claim(o, head.Carrier, open, receipt)
	known, err := t.lookUp(ctx, o, uncertain, receipt)
	if err != nil {
		t.release(o)
		o.finish(err)
		return nil, err
	}
	fresh = append(fresh, known...)
	stored, err := t.storeFresh(ctx, o, head, fresh)
	receipt.Stored += stored
	if err != nil {
		return nil, err
	}
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

// claim sorts the candidates under one lock: duplicates and foreign units are
// settled, the new are held for o, and those another operation holds are given
// back with that operation.
func (t *Tracker) claim(o *op, carrier tracking.PartyID, open []candidate, receipt *tracking.Receipt) (fresh, uncertain, blocked []candidate, on []*op) {
	fresh = make([]candidate, 0, len(open))
	wait := func(c candidate, other *op) {
		blocked = append(blocked, c)
		if n := len(on); n == 0 || on[n-1] != other {
			on = append(on, other)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range open {
		id := c.pos.Unit
		owner, exists := t.state.Owner(id)
		if exists && owner != carrier {
			receipt.Refused = append(receipt.Refused, tracking.Refusal{
				Index: c.index, Code: tracking.CodeOwner, Reason: fmt.Sprintf("unit %q belongs to another carrier", id),
			})
			continue
		}
		h := t.holds[id]
		if !exists && h != nil && h.carrier != carrier {
			wait(c, h.seconds[0].op) // who makes it is about to be known
			continue
		}
		knows := t.state.Knows(id, c.pos.Time)
		if knows == tracking.IsDuplicate {
			receipt.Duplicates++
			continue
		}
		sec := c.pos.Time.Unix()
		if h != nil {
			if i, found := h.find(sec); found {
				if x := h.seconds[i]; x.op == o {
					receipt.Duplicates++ // of a position before it in the same batch
				} else {
					wait(c, x.op)
				}
				continue
			}
		}
		if knows == tracking.IsUncertain && t.queue.has(id, sec) {
			receipt.Duplicates++
			continue
		}
		t.holdSecond(o, id, carrier, sec)
		if knows == tracking.IsUncertain {
			uncertain = append(uncertain, c)
		} else {
			fresh = append(fresh, c)
		}
	}
	return fresh, uncertain, blocked, on
}

func (t *Tracker) holdSecond(o *op, id tracking.UnitID, carrier tracking.PartyID, sec int64) {
	h := t.holds[id]
	if h == nil {
		h = &hold{carrier: carrier}
		t.holds[id] = h
	}
	i, _ := h.find(sec)
	h.seconds = slices.Insert(h.seconds, i, held{sec, o})
	if h.newest != o {
		h.newest = o
		o.holds = append(o.holds, id)
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

func (t *Tracker) releaseLocked(o *op) {
	for _, id := range o.holds {
		h := t.holds[id]
		if h == nil {
			continue
		}
		h.seconds = slices.DeleteFunc(h.seconds, func(x held) bool { return x.op == o })
		if len(h.seconds) == 0 {
			delete(t.holds, id)
		}
	}
	o.holds = nil
}

// lookUp asks the store about fixes older than what memory knows. When it cannot
// answer they are refused, to be sent again: a wrong "new" would double a fix.
func (t *Tracker) lookUp(ctx context.Context, o *op, uncertain []candidate, receipt *tracking.Receipt) (fresh []candidate, err error) {
	byUnit := map[tracking.UnitID][]candidate{}
	for _, c := range uncertain {
		byUnit[c.pos.Unit] = append(byUnit[c.pos.Unit], c)
	}
	for id, list := range byUnit {
		times := make([]time.Time, len(list))
		for i, c := range list {
			times[i] = c.pos.Time
		}
		has, err := t.store.Has(ctx, id, times)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			t.warn.Warn("the history cannot be searched for duplicates", "unit", id, "err", err)
			for _, c := range list {
				receipt.Refused = append(receipt.Refused, tracking.Refusal{
					Index: c.index, Code: tracking.CodeLater,
					Reason: "older than the latest reports of the unit, and the history cannot be searched for it now: send it again later",
				})
			}
			continue
		}
		for i, c := range list {
			if has[i] {
				receipt.Duplicates++
			} else {
				fresh = append(fresh, c)
			}
		}
	}
	return fresh, nil
}

// storeFresh makes positions durable and returns how many are. o, and what it
// holds, is the committer's from here on.
func (t *Tracker) storeFresh(ctx context.Context, o *op, head *tracking.Positions, fresh []candidate) (int, error) {
	n := len(fresh)
	for len(fresh) > 0 {
		take, sensors := 0, 0
		for take < len(fresh) && take < maxPartPositions && sensors < maxPartSensors {
			sensors += len(fresh[take].pos.Sensors)
			take++
		}
		e := *head
		e.Positions = make([]tracking.Position, take)
		e.Cells = make([]uint64, take)
		for i, c := range fresh[:take] {
			e.Positions[i] = c.pos
			e.Cells[i] = uint64(cell.Of(orb.Point{c.pos.Lon, c.pos.Lat}, fixRes))
		}
		fresh = fresh[take:]
		if err := o.add(&e); err != nil {
			t.release(o)
			o.finish(err)
			return 0, err
		}
	}
	if n == 0 {
		t.release(o)
		o.finish(nil)
		return 0, nil
	}
	if err := t.submit(ctx, o); err != nil {
		return 0, err
	}
	return n, nil
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
