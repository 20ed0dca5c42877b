package live

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"corridor/tracking"
)

// recountEvery is how often a viewport is counted anew.
const recountEvery = time.Second

// watch is one subscription.
type watch struct {
	t         *Tracker
	view      *view // nil: no viewport
	units     map[tracking.UnitID]struct{}
	shipments map[tracking.ShipmentID]struct{}
	viewer    tracking.Party
	snapshot  tracking.Snapshot
	wake      chan struct{}

	nextMu  sync.Mutex // one Next at a time; guards backlog, taken before mu
	backlog *backlog   // events before the snapshot that are still to be delivered

	mu      sync.Mutex // guards what follows; taken before Tracker.mu
	seq     uint64     // everything up to here was offered
	floor   uint64     // units were taken from the state at this sequence
	pending []tracking.UnitState
	at      map[tracking.UnitID]int // in pending, once it holds more than one tick
	ticks   int                     // offered since the last Next
	events  []tracking.Event
	etas    []tracking.ETA
	dense   bool // the viewport is shown as cells
	recount time.Time
	crowded bool // something moved in the dense viewport since it was counted
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
	w := &watch{t: t, viewer: i.Viewer, wake: make(chan struct{}, 1)}
	if i.BBox != nil {
		w.view = newView(*i.BBox, i.Zoom)
	}
	if len(i.Units) > 0 {
		w.units = make(map[tracking.UnitID]struct{}, len(i.Units))
		for _, u := range i.Units {
			w.units[u] = struct{}{}
		}
	}
	if len(i.Shipments) > 0 {
		w.shipments = make(map[tracking.ShipmentID]struct{}, len(i.Shipments))
		for _, s := range i.Shipments {
			w.shipments[s] = struct{}{}
		}
	}
	t.watchMu.Lock() // no tick until the watch is among those it is offered to
	defer t.watchMu.Unlock()
	t.show(t.begin(w, r))
	t.watches[w] = struct{}{}
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
	w.seq, w.floor, w.recount = now, now, t.now().Add(recountEvery)
	w.snapshot = tracking.Snapshot{Epoch: t.log.Epoch(), Seq: now}
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
	if known && !r.NewInterest && t.resume(w, r.Seq) {
		w.snapshot.Resumed = true
	} else {
		t.fill(w)
	}
	return f
}

// fill makes the snapshot of everything the watch is interested in. Caller holds
// mu.
func (t *Tracker) fill(w *watch) {
	s := &w.snapshot
	seen := map[tracking.Handle]bool{}
	add := func(h tracking.Handle) {
		if !seen[h] && t.state.MayReadUnit(w.viewer, h) {
			seen[h] = true
			s.Units = append(s.Units, t.state.At(h))
		}
	}
	for id := range w.units {
		if h, ok := t.state.Handle(id); ok {
			add(h)
		}
	}
	ships := map[tracking.ShipmentID]bool{}
	ship := func(id tracking.ShipmentID) {
		if ships[id] || !t.state.MayReadShipment(w.viewer, id) {
			return
		}
		ships[id] = true
		sh, p, _ := t.state.Shipment(id)
		s.Shipments = append(s.Shipments, sh)
		if p.ETA != nil {
			s.ETAs = append(s.ETAs, *p.ETA)
		}
		if _, named := w.shipments[id]; named {
			if h, ok := t.state.Handle(sh.Unit); ok && sh.Status != tracking.Arrived {
				add(h)
			}
		}
	}
	for id := range w.shipments {
		ship(id)
	}
	if w.view != nil {
		inView, cells := t.look(w)
		w.dense = cells != nil
		s.Cells = cells
		for _, h := range inView {
			add(h)
			for _, l := range t.state.Loads(h) {
				ship(l.Shipment)
			}
		}
	}
	for _, u := range s.Units {
		if h, ok := t.state.Handle(u.Unit); ok {
			for _, l := range t.state.Loads(h) {
				if _, named := w.units[u.Unit]; named {
					ship(l.Shipment)
				}
			}
		}
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

// look finds what the viewport holds: units, or cells when they are too many.
// Caller holds mu.
func (t *Tracker) look(w *watch) ([]tracking.Handle, []tracking.CellCount) {
	limit := t.cfg.ViewUnits
	if w.viewer.Role == tracking.Admin || w.viewer.Role == tracking.Dispatcher {
		if units, ok := t.grid.inView(w.view, limit); ok {
			return units, nil
		}
		return nil, t.grid.density(w.view)
	}
	var units []tracking.Handle
	for h := range t.state.Units(w.viewer) {
		if s := &t.grid.units[h]; s.leaf != 0 && w.view.holds(s.point) {
			units = append(units, h)
		}
	}
	if len(units) <= limit {
		return units, nil
	}
	return nil, t.grid.densityOf(w.view, units)
}

// resume puts into the watch what changed since seq, when that is remembered.
// Caller holds watchMu and mu.
func (t *Tracker) resume(w *watch, seq uint64) bool {
	if seq < t.ring.since {
		return false
	}
	if w.view != nil {
		if _, cells := t.look(w); cells != nil {
			return false // cells are shown whole
		}
	}
	latest := map[tracking.Handle]bool{}
	consider := func(d dirtyUnit) {
		if d.seq <= seq || latest[d.handle] || !t.state.MayReadUnit(w.viewer, d.handle) {
			return
		}
		u := frameUnit{dirtyUnit: d, state: t.state.At(d.handle), loads: t.state.Loads(d.handle)}
		if p := placeOf(&u); w.sees(&p) || w.names(&u) {
			latest[d.handle] = true
			w.pending = append(w.pending, u.state)
		}
	}
	for i := len(t.ring.ticks) - 1; i >= 0 && t.ring.ticks[i].seq > seq; i-- {
		for _, d := range t.ring.ticks[i].units {
			consider(d)
		}
	}
	for id := range w.shipments {
		if !t.state.MayReadShipment(w.viewer, id) {
			continue
		}
		if _, p, _ := t.state.Shipment(id); p.ETA != nil {
			w.etas = append(w.etas, *p.ETA)
		}
	}
	w.ticks = 1
	return true
}

// sees tells whether a changed unit concerns the viewport. A unit that leaves it
// is shown once more, outside it.
func (w *watch) sees(p *place) bool {
	return w.view != nil && !w.dense && (p.is && w.view.holds(p.now) || p.was && w.view.holds(p.before))
}

// names tells whether the watch asks for the unit, or for what it carries, by
// name.
func (w *watch) names(u *frameUnit) bool {
	if _, ok := w.units[u.state.Unit]; ok {
		return true
	}
	if len(w.shipments) > 0 {
		for _, l := range u.loads {
			if _, ok := w.shipments[l.Shipment]; ok {
				return true
			}
		}
	}
	return false
}

// mayRead is State.MayReadUnit on a frame.
func (w *watch) mayRead(u *frameUnit) bool {
	switch w.viewer.Role {
	case tracking.Admin, tracking.Dispatcher:
		return true
	case tracking.Carrier:
		return u.state.Carrier == w.viewer.ID
	case tracking.Shipper:
		return slices.ContainsFunc(u.loads, func(l tracking.Load) bool { return l.Owner == w.viewer.ID })
	}
	return false
}

// wantsEvent: with a viewport, all that the viewer may read; else what concerns
// the units and shipments named.
func (w *watch) wantsEvent(e *tracking.Event) bool {
	if w.view != nil {
		return true
	}
	if _, ok := w.shipments[e.Shipment]; ok {
		return true
	}
	_, ok := w.units[e.Unit]
	return ok && e.Unit != ""
}

func (w *watch) wantsETA(e *frameETA) bool {
	if _, ok := w.shipments[e.Shipment]; ok {
		return true
	}
	if _, ok := w.units[e.unit]; ok {
		return true
	}
	return w.view != nil && !w.dense && e.at && w.view.holds(e.point)
}

// offer takes from a tick what the watch wants.
func (w *watch) offer(f *frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if f.seq <= w.seq {
		if w.crowded && !w.t.now().Before(w.recount) {
			w.signal()
		}
		return
	}
	before := len(w.pending) + len(w.events) + len(w.etas)
	since := w.seq
	w.seq = f.seq
	if w.ticks > 0 && w.at == nil && len(w.pending) > 0 {
		w.at = make(map[tracking.UnitID]int, len(w.pending))
		for i := range w.pending {
			w.at[w.pending[i].Unit] = i
		}
	}
	w.ticks++
	crowd := false
	byName := len(w.units)+len(w.shipments) > 0
	for i := range f.places {
		u := &f.units[i]
		if !w.sees(&f.places[i]) && (!byName || !w.names(u)) {
			crowd = crowd || w.dense && w.mayRead(u)
			continue
		}
		if u.seq <= w.floor || !w.mayRead(u) {
			continue
		}
		crowd = crowd || w.dense
		if j, ok := w.at[u.state.Unit]; ok {
			w.pending[j] = u.state
			continue
		}
		if w.at != nil {
			w.at[u.state.Unit] = len(w.pending)
		}
		w.pending = append(w.pending, u.state)
	}
	for i := range f.events {
		e := &f.events[i]
		if e.Seq > since && e.include(&w.viewer) && w.wantsEvent(&e.Event) {
			w.events = append(w.events, e.Event)
		}
	}
	if len(w.events) > w.t.cfg.MaxEvents {
		w.t.slow.Add(1)
		w.pending, w.at, w.events, w.etas = nil, nil, nil, nil
		w.fail(tracking.ErrSlow)
		return
	}
	for i := range f.etas {
		e := &f.etas[i]
		if !e.include(&w.viewer) || !w.wantsETA(e) {
			continue
		}
		if j := slices.IndexFunc(w.etas, func(x tracking.ETA) bool { return x.Shipment == e.Shipment }); j >= 0 {
			w.etas[j] = e.ETA
		} else {
			w.etas = append(w.etas, e.ETA)
		}
	}
	w.crowded = w.crowded || crowd
	if len(w.pending)+len(w.events)+len(w.etas) > before || w.at != nil && len(w.pending) > 0 || w.crowded && !w.t.now().Before(w.recount) {
		w.signal()
	}
}

func (w *watch) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// fail ends the watch; what waits is delivered first. Caller holds mu.
func (w *watch) fail(err error) {
	w.err = err
	w.signal()
}

// Snapshot is what the watch began with.
func (w *watch) Snapshot() tracking.Snapshot { return w.snapshot }

// Next blocks until something changed. It returns ErrSlow when more events
// waited than a watch may hold and ErrClosed after Close or when the tracker
// stops.
func (w *watch) Next(ctx context.Context) (tracking.Delta, error) {
	w.nextMu.Lock()
	defer w.nextMu.Unlock()
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
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil && len(w.pending)+len(w.events)+len(w.etas) == 0 {
		return tracking.Delta{}, w.err
	}
	d := tracking.Delta{Seq: w.seq, Units: w.pending, Events: w.events, ETAs: w.etas}
	w.pending, w.at, w.events, w.etas, w.ticks = nil, nil, nil, nil, 0
	if now := w.t.now(); w.view != nil && !now.Before(w.recount) {
		w.recount = now.Add(recountEvery)
		w.lookAgain(&d)
	}
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
	d := tracking.Delta{Seq: b.seq, Units: w.pending, ETAs: w.etas}
	w.pending, w.at, w.etas, w.ticks = nil, nil, nil, 0
	return d, nil
}

// lookAgain counts the viewport and switches between units and cells. Caller
// holds w.mu.
func (w *watch) lookAgain(d *tracking.Delta) {
	w.t.mu.RLock()
	defer w.t.mu.RUnlock()
	units, cells := w.t.look(w)
	switch {
	case cells != nil:
		if !w.dense || w.crowded {
			d.Cells = cells
		}
		w.dense = true
	case w.dense:
		w.dense = false
		d.Cells = []tracking.CellCount{}
		have := make(map[tracking.UnitID]int, len(d.Units))
		for i := range d.Units {
			have[d.Units[i].Unit] = i
		}
		for _, h := range units {
			u := w.t.state.At(h)
			if i, ok := have[u.Unit]; ok {
				d.Units[i] = u
			} else {
				d.Units = append(d.Units, u)
			}
		}
		w.floor = w.t.state.Seq() // a tick under way may hold older ones
	}
	w.crowded = false
}

// Close ends the watch.
func (w *watch) Close() {
	w.t.watchMu.Lock()
	delete(w.t.watches, w)
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
		w.mu.Lock()
		if w.err == nil {
			w.fail(tracking.ErrClosed)
		}
		w.mu.Unlock()
	}
}
