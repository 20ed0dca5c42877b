package live

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"corridor/tracking"
)

// watch is one subscription.
type watch struct {
	t        *Tracker
	audience *audience
	snapshot tracking.Snapshot // until the first Next
	wake     chan struct{}
	notify   atomic.Pointer[func()]

	nextMu  sync.Mutex // one Next at a time; guards backlog, taken before mu
	backlog *backlog   // events before the snapshot that are still to be delivered

	mu      sync.Mutex // guards what follows; the last to be taken
	seq     uint64     // everything up to here was offered
	batches []*batch   // units and cells not yet taken, one a tick
	events  []tracking.Event
	etas    []tracking.ETA
	err     error
}

var _ tracking.Watch = (*watch)(nil)

// Watch subscribes. With a resume point of this log every event after it is
// delivered; when it is also recent, units that did not change since are left
// out of the snapshot (Resumed).
func (t *Tracker) Watch(i tracking.Interest, r *tracking.Resume) (tracking.Watch, error) {
	select {
	case <-t.closed:
		return nil, tracking.ErrClosed
	default:
	}
	select {
	case <-t.ready:
	default:
		return nil, fmt.Errorf("the state is being restored: %w", tracking.ErrClosed)
	}
	w := &watch{t: t, wake: make(chan struct{}, 1)}
	if t.shared != nil && r != nil && r.Epoch == t.log.Epoch() {
		t.awaitSeq(r.Seq)
	}
	t.watchMu.Lock() // no tick until the watch is among those it is offered to
	defer t.watchMu.Unlock()
	w.audience = t.audiences.find(i)
	t.show(t.begin(w, r))
	t.watches[w] = struct{}{}
	t.audiences.join(w)
	return w, nil
}

// begin makes the snapshot of a watch. It takes a tick first: ticks say where a
// unit was at the one before, and so whether it leaves a viewport; a snapshot in
// between could show it in view without any tick telling that it was. Caller
// holds watchMu.
func (t *Tracker) begin(w *watch, r *tracking.Resume) *frame {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.takeFrame()
	now := t.state.Seq()
	w.seq = now
	w.snapshot = tracking.Snapshot{Epoch: t.log.Epoch(), Seq: now, Audience: &w.audience.shared}
	known := r != nil && r.Epoch == t.log.Epoch() && r.Seq <= now
	if known {
		// The client has seen events up to here only: should it be cut off before
		// the backlog has reached it, this is where it resumes.
		w.snapshot.Seq = r.Seq
		if r.Seq < now {
			w.backlog = &backlog{seq: r.Seq, until: now}
		}
		w.wake <- struct{}{}
	}
	var inView []tracking.Handle
	var cells []tracking.CellCount
	if w.audience.view != nil {
		inView, cells = t.look(w.audience)
		var o offering
		t.turn(w.audience, inView, cells, &o)
		w.audience.offer(&o) // to those who look already
	}
	if known && !r.NewInterest && t.resume(w, r.Seq) {
		w.snapshot.Resumed = true
	} else {
		t.fill(w, inView, cells)
	}
	return f
}

// fill makes the snapshot of everything the watch is interested in. Caller holds
// mu.
func (t *Tracker) fill(w *watch, inView []tracking.Handle, cells []tracking.CellCount) {
	s, a := &w.snapshot, w.audience
	s.Cells = cells
	seen := make(map[tracking.Handle]bool, len(inView))
	add := func(h tracking.Handle) {
		if !seen[h] && t.state.MayReadUnit(a.viewer, h) {
			seen[h] = true
			s.Units = append(s.Units, t.state.At(h))
		}
	}
	ships := map[tracking.ShipmentID]bool{}
	ship := func(id tracking.ShipmentID) {
		if ships[id] || !t.state.MayReadShipment(a.viewer, id) {
			return
		}
		ships[id] = true
		sh, p, _ := t.state.Shipment(id)
		s.Shipments = append(s.Shipments, sh)
		if p.ETA != nil {
			s.ETAs = append(s.ETAs, *p.ETA)
		}
		if _, named := a.shipments[id]; named {
			if h, ok := t.state.Handle(sh.Unit); ok && !sh.Ended() {
				add(h)
			}
		}
	}
	loads := func(h tracking.Handle) {
		for _, l := range t.state.Loads(h) {
			ship(l.Shipment)
		}
	}
	for id := range a.shipments {
		ship(id)
	}
	for id := range a.units {
		if h, ok := t.state.Handle(id); ok {
			add(h)
			if seen[h] {
				loads(h)
			}
		}
	}
	for _, h := range inView {
		add(h)
		loads(h)
	}
	slices.SortFunc(s.Units, func(a, b tracking.UnitState) int { return compare(a.Unit, b.Unit) })
	slices.SortFunc(s.Shipments, func(a, b tracking.Shipment) int { return compare(a.ID, b.ID) })
	slices.SortFunc(s.ETAs, func(a, b tracking.ETA) int { return compare(a.Shipment, b.Shipment) })
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// resume puts into the watch what changed since seq, when that is remembered.
// Caller holds watchMu and mu.
func (t *Tracker) resume(w *watch, seq uint64) bool {
	a := w.audience
	if seq < t.ring.since || a.dense {
		return false // cells are shown whole
	}
	var changed []tracking.UnitState
	latest := map[tracking.Handle]bool{}
	consider := func(d dirtyUnit) {
		if d.seq <= seq || latest[d.handle] || !t.state.MayReadUnit(a.viewer, d.handle) {
			return
		}
		u := frameUnit{dirtyUnit: d, state: t.state.At(d.handle), loads: t.state.Loads(d.handle), now: t.grid.units[d.handle]}
		if a.sees(&u) || a.names(&u) {
			latest[d.handle] = true
			changed = append(changed, u.state)
		}
	}
	for i := len(t.ring.ticks) - 1; i >= 0 && t.ring.ticks[i].seq > seq; i-- {
		for _, d := range t.ring.ticks[i].units {
			consider(d)
		}
	}
	if len(changed) > 0 {
		w.batches = append(w.batches, &batch{units: changed})
	}
	for id := range a.shipments {
		if !t.state.MayReadShipment(a.viewer, id) {
			continue
		}
		if _, p, _ := t.state.Shipment(id); p.ETA != nil {
			w.etas = append(w.etas, *p.ETA)
		}
	}
	return true
}

// offer takes what a tick brought for the audience.
func (w *watch) offer(o *offering) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	since := w.seq
	w.seq = max(w.seq, o.seq)
	before := len(w.events) + len(w.etas)
	for i := range o.events {
		if o.events[i].Seq > since {
			w.events = append(w.events, o.events[i])
		}
	}
	if len(w.events) > w.t.cfg.MaxEvents {
		w.t.slow.Add(1)
		w.batches, w.events, w.etas = nil, nil, nil
		w.fail(tracking.ErrSlow)
		return
	}
	for i := range o.etas {
		e := &o.etas[i]
		if j := slices.IndexFunc(w.etas, func(x tracking.ETA) bool { return x.Shipment == e.Shipment }); j >= 0 {
			w.etas[j] = *e
		} else {
			w.etas = append(w.etas, *e)
		}
	}
	if o.batch != nil {
		if len(w.batches) == mostBatches {
			w.batches = append(w.batches[:0], merge(w.batches))
		}
		w.batches = append(w.batches, o.batch)
	}
	if o.batch != nil || len(w.events)+len(w.etas) > before || len(o.etas) > 0 {
		w.signal()
	}
}

func (w *watch) signal() {
	select {
	case w.wake <- struct{}{}:
		if f := w.notify.Load(); f != nil {
			(*f)()
		}
	default:
	}
}

// Notify implements tracking.Watch.
func (w *watch) Notify(f func()) {
	w.notify.Store(&f)
	f() // what came before
}

// fail ends the watch; what waits is delivered first. Caller holds mu.
func (w *watch) fail(err error) {
	w.err = err
	w.signal()
}

// Snapshot is what the watch began with, until Next is called.
func (w *watch) Snapshot() tracking.Snapshot { return w.snapshot }

// Next blocks until something changed. It returns ErrSlow when more events
// waited than a watch may hold and ErrClosed after Close or when the tracker
// stops.
func (w *watch) Next(ctx context.Context) (tracking.Delta, error) {
	w.nextMu.Lock()
	defer w.nextMu.Unlock()
	w.snapshot = tracking.Snapshot{} // thousands of watches would keep thousands of units each
	for {
		select {
		case <-w.wake:
		default:
			select {
			case <-w.wake:
			case <-ctx.Done():
				return tracking.Delta{}, context.Cause(ctx)
			}
		}
		d, err := w.take(ctx)
		if err != nil {
			w.signal() // whoever asks again gets the same answer, or the page again
			return d, err
		}
		if w.ended() {
			w.signal() // come back for the reason
		}
		if len(d.Units)+len(d.Events)+len(d.ETAs) > 0 || d.Cells != nil {
			return d, nil
		}
	}
}

func (w *watch) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err != nil
}

func (w *watch) take(ctx context.Context) (tracking.Delta, error) {
	if b := w.backlog; b != nil {
		if b.begun && !w.ended() {
			return w.catchUp(ctx, b)
		}
		return w.beginBacklog(b)
	}
	// A tick under way may have offered its part already, and others not yet:
	// everything up to what was shown before this moment has been offered.
	shown := w.t.shown.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil && len(w.batches)+len(w.events)+len(w.etas) == 0 {
		return tracking.Delta{}, w.err
	}
	w.seq = max(w.seq, shown)
	b := merge(w.batches)
	d := tracking.Delta{Seq: w.seq, Units: b.units, Cells: b.cells, Shared: &b.shared, Events: w.events, ETAs: w.etas}
	w.batches, w.events, w.etas = nil, nil, nil
	return d, nil
}

// beginBacklog delivers the units that changed before the subscription: from
// then on the place of the events tells how far the client has come.
func (w *watch) beginBacklog(b *backlog) (tracking.Delta, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return tracking.Delta{}, w.err
	}
	b.begun = true
	w.signal()
	m := merge(w.batches)
	d := tracking.Delta{Seq: b.seq, Units: m.units, Cells: m.cells, ETAs: w.etas}
	w.batches, w.etas = nil, nil
	return d, nil
}

// Close ends the watch.
func (w *watch) Close() {
	w.t.watchMu.Lock()
	delete(w.t.watches, w)
	w.t.audiences.leave(w)
	w.t.watchMu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.fail(tracking.ErrClosed)
	}
}

// closeWatches ends them all, after they have been offered everything: what
// waits in them is still delivered.
func (t *Tracker) closeWatches() {
	t.watchMu.Lock()
	defer t.watchMu.Unlock()
	for w := range t.watches {
		delete(t.watches, w)
		t.audiences.leave(w)
		w.mu.Lock()
		if w.err == nil {
			w.fail(tracking.ErrClosed)
		}
		w.mu.Unlock()
	}
}
