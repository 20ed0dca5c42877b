package live

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/geodata/path"
	"corridor/tracking"
)

// recountEvery is how often a viewport that is shown as cells is counted anew.
const recountEvery = time.Second

// audience is all watches that see the same: one viewport under one party's
// rights. What a tick brings is picked out once for all of them. A watch that
// names units or shipments is an audience of its own.
type audience struct {
	key       audienceKey
	shared    tracking.Shared
	view      *view // nil: no viewport
	units     map[tracking.UnitID]struct{}
	shipments map[tracking.ShipmentID]struct{}
	viewer    tracking.Party
	cells     []cell.ID // that it is listed under
	watches   []*watch

	dense   bool // the viewport is shown as cells
	crowded bool // something moved in it since it was counted
	count   int  // units in it, about, while it is not dense
	recount time.Time
	floor   uint64 // units were taken from the state at this sequence

	picked []tracking.UnitState // of this tick
	mark   uint64               // the last unit looked at: see audiences.unit
}

type audienceKey struct {
	bound orb.Bound
	res   int // of the density
	role  tracking.Role
	party tracking.PartyID // "" for those who may read everything
}

// audiences finds who is concerned by a change. watchMu guards it.
type audiences struct {
	byKey      map[audienceKey]*audience
	all        map[*audience]struct{}
	dense      map[*audience]struct{}
	byCell     [leafRes + 1]map[cell.ID][]*audience // by a cell of the viewport
	byUnit     map[tracking.UnitID][]*audience
	byShipment map[tracking.ShipmentID][]*audience
	marks      uint64
	touched    []*audience // by the tick that is being shown
}

func newAudiences() audiences {
	s := audiences{
		byKey: map[audienceKey]*audience{}, all: map[*audience]struct{}{}, dense: map[*audience]struct{}{},
		byUnit: map[tracking.UnitID][]*audience{}, byShipment: map[tracking.ShipmentID][]*audience{},
	}
	for r := range s.byCell {
		s.byCell[r] = map[cell.ID][]*audience{}
	}
	return s
}

// find returns the audience that has the interest already, or a new one that is
// nowhere listed yet.
func (s *audiences) find(i tracking.Interest) *audience {
	a := &audience{viewer: tracking.Party{ID: i.Viewer.ID, Role: i.Viewer.Role}}
	if i.BBox != nil {
		a.view = newView(*i.BBox, i.Zoom)
		a.key = audienceKey{bound: *i.BBox, res: a.view.cellRes(), role: a.viewer.Role, party: a.viewer.ID}
		if a.readsAll() {
			a.key.role, a.key.party = tracking.Dispatcher, ""
		}
	}
	if a.shareable(i) {
		if known := s.byKey[a.key]; known != nil {
			return known
		}
		return a
	}
	a.key = audienceKey{}
	if len(i.Units) > 0 {
		a.units = make(map[tracking.UnitID]struct{}, len(i.Units))
		for _, u := range i.Units {
			a.units[u] = struct{}{}
		}
	}
	if len(i.Shipments) > 0 {
		a.shipments = make(map[tracking.ShipmentID]struct{}, len(i.Shipments))
		for _, id := range i.Shipments {
			a.shipments[id] = struct{}{}
		}
	}
	return a
}

func (a *audience) shareable(i tracking.Interest) bool {
	return a.view != nil && len(i.Units)+len(i.Shipments) == 0
}

func (a *audience) readsAll() bool {
	return a.viewer.Role == tracking.Admin || a.viewer.Role == tracking.Dispatcher
}

// join makes a watch part of its audience, and lists the audience when it is the
// first.
func (s *audiences) join(w *watch) {
	a := w.audience
	a.watches = append(a.watches, w)
	if len(a.watches) > 1 {
		return
	}
	s.all[a] = struct{}{}
	if a.key != (audienceKey{}) {
		s.byKey[a.key] = a
	}
	if a.dense {
		s.dense[a] = struct{}{}
	}
	if a.view != nil {
		a.cells = a.view.cells()
	}
	for _, c := range a.cells {
		list := s.byCell[c.Resolution()]
		list[c] = append(list[c], a)
	}
	for u := range a.units {
		s.byUnit[u] = append(s.byUnit[u], a)
	}
	for id := range a.shipments {
		s.byShipment[id] = append(s.byShipment[id], a)
	}
}

func (s *audiences) leave(w *watch) {
	a := w.audience
	i := slices.Index(a.watches, w)
	if i < 0 {
		return // closed twice
	}
	last := len(a.watches) - 1
	a.watches[i] = a.watches[last]
	a.watches[last] = nil
	if a.watches = a.watches[:last]; last > 0 {
		return
	}
	delete(s.all, a)
	delete(s.dense, a)
	if s.byKey[a.key] == a {
		delete(s.byKey, a.key)
	}
	for _, c := range a.cells {
		unlist(s.byCell[c.Resolution()], c, a)
	}
	for u := range a.units {
		unlist(s.byUnit, u, a)
	}
	for id := range a.shipments {
		unlist(s.byShipment, id, a)
	}
}

func unlist[K comparable](lists map[K][]*audience, key K, a *audience) {
	list := lists[key]
	if i := slices.Index(list, a); i >= 0 {
		last := len(list) - 1
		list[i] = list[last]
		list[last] = nil
		if lists[key] = list[:last]; last == 0 {
			delete(lists, key)
		}
	}
}

// wantCells is about how many cells a viewport is listed under.
const wantCells = 16

// cells cover the viewport: every unit in it has one of them as parent of its
// leaf.
func (v *view) cells() []cell.ID {
	const kmPerDegree = path.EarthRadiusKM * math.Pi / 180
	middle := (v.south + v.north) / 2
	km2 := v.width * math.Cos(middle*math.Pi/180) * (v.north - v.south) * kmPerDegree * kmPerDegree
	wide := func(c orb.Point, radiusKM float64) bool { return v.region(c, nesting*radiusKM) }
	res := leafRes
	for ; res > 0; res-- {
		r := cell.RadiusKM(res)
		if km2 > wantCells*r*r {
			continue
		}
		if cells, ok := cell.Cover(wide, res, 6*wantCells); ok {
			return cells
		}
	}
	cells, _ := cell.Cover(wide, 0, 122) // there are no more
	return cells
}

// sees tells whether a changed unit concerns the viewport. A unit that leaves it
// is shown once more, outside it.
func (a *audience) sees(u *frameUnit) bool {
	return a.view != nil && !a.dense && a.touches(u)
}

func (a *audience) touches(u *frameUnit) bool {
	return u.now.leaf != 0 && a.view.holds(u.now.point) || u.leaf != 0 && a.view.holds(u.before)
}

// names tells whether the audience asks for the unit, or for what it carries, by
// name.
func (a *audience) names(u *frameUnit) bool {
	if _, ok := a.units[u.state.Unit]; ok {
		return true
	}
	if len(a.shipments) > 0 {
		for _, l := range u.loads {
			if _, ok := a.shipments[l.Shipment]; ok {
				return true
			}
		}
	}
	return false
}

// mayRead is State.MayReadUnit on a frame.
func (a *audience) mayRead(u *frameUnit) bool {
	switch a.viewer.Role {
	case tracking.Admin, tracking.Dispatcher:
		return true
	case tracking.Carrier:
		return u.state.Carrier == a.viewer.ID
	case tracking.Shipper:
		return slices.ContainsFunc(u.loads, func(l tracking.Load) bool { return l.Owner == a.viewer.ID })
	}
	return false
}

// wantsEvent: with a viewport, all that the viewer may read; else what concerns
// the units and shipments named.
func (a *audience) wantsEvent(e *tracking.Event) bool {
	if a.view != nil {
		return true
	}
	if _, ok := a.shipments[e.Shipment]; ok {
		return true
	}
	_, ok := a.units[e.Unit]
	return ok && e.Unit != ""
}

func (a *audience) wantsETA(e *frameETA) bool {
	if _, ok := a.shipments[e.Shipment]; ok {
		return true
	}
	if _, ok := a.units[e.unit]; ok {
		return true
	}
	return a.view != nil && !a.dense && e.at && a.view.holds(e.point)
}

// offering is what a tick brings for an audience.
type offering struct {
	seq    uint64
	batch  *batch // nil: neither units nor cells
	units  []tracking.UnitState
	cells  []tracking.CellCount
	events []tracking.Event
	etas   []tracking.ETA
}

func (a *audience) offer(o *offering) {
	switch {
	case len(o.units) > 0 || o.cells != nil:
		o.batch = &batch{units: o.units, cells: o.cells}
	case len(o.events)+len(o.etas) == 0:
		return
	}
	for _, w := range a.watches {
		w.offer(o)
	}
}

// batch is the units and cells of one tick, or of several, for all watches of an
// audience.
type batch struct {
	shared tracking.Shared
	units  []tracking.UnitState
	cells  []tracking.CellCount

	mu     sync.Mutex // guards what follows
	merged []mergedBatch
}

// mergedBatch is the batches from one before up to the batch that keeps it: those
// who read at the same pace have the same ones waiting.
type mergedBatch struct {
	from *batch
	*batch
}

const (
	mostBatches = 64 // that wait for a watch before they are merged
	keepMerged  = 4
)

// merge joins batches that follow each other: of a unit the latest stays.
func merge(list []*batch) *batch {
	switch len(list) {
	case 0:
		return &batch{}
	case 1:
		return list[0]
	}
	first, last := list[0], list[len(list)-1]
	last.mu.Lock()
	defer last.mu.Unlock()
	for _, m := range last.merged {
		if m.from == first {
			return m.batch
		}
	}
	n := 0
	for _, b := range list {
		n += len(b.units)
	}
	out := &batch{units: make([]tracking.UnitState, 0, n)}
	at := make(map[tracking.UnitID]int, n)
	for _, b := range list {
		for i := range b.units {
			u := &b.units[i]
			if j, ok := at[u.Unit]; ok {
				out.units[j] = *u
				continue
			}
			at[u.Unit] = len(out.units)
			out.units = append(out.units, *u)
		}
		if b.cells != nil {
			out.cells = b.cells
		}
	}
	if len(last.merged) < keepMerged {
		last.merged = append(last.merged, mergedBatch{first, out})
	}
	return out
}

// show offers a tick to those whom it concerns: viewports are found by the cells
// a unit was and is in. Caller holds watchMu, and not mu.
func (t *Tracker) show(f *frame) {
	s := &t.audiences
	s.touched = s.touched[:0]
	for i := range f.units {
		s.unit(&f.units[i])
	}
	if len(f.events)+len(f.etas) > 0 { // seldom
		s.touched = s.touched[:0]
		for a := range s.all {
			s.touched = append(s.touched, a)
		}
	}
	for _, a := range s.touched {
		if len(a.watches) == 0 {
			continue
		}
		o := offering{seq: f.seq, units: a.picked}
		a.picked = nil
		for i := range f.events {
			if e := &f.events[i]; e.include(&a.viewer) && a.wantsEvent(&e.Event) {
				o.events = append(o.events, e.Event)
			}
		}
		for i := range f.etas {
			if e := &f.etas[i]; e.include(&a.viewer) && a.wantsETA(e) {
				o.etas = append(o.etas, e.ETA)
			}
		}
		if a.due(t.now(), t.cfg.ViewUnits) {
			t.lookAgain(a, &o)
		}
		a.offer(&o)
	}
	t.shown.Store(f.seq)
	for a := range s.dense {
		if a.due(t.now(), t.cfg.ViewUnits) {
			var o offering
			t.lookAgain(a, &o)
			a.offer(&o)
		}
	}
}

// due tells whether the viewport is to be counted again.
func (a *audience) due(now time.Time, limit int) bool {
	switch {
	case a.view == nil:
		return false
	case !a.dense && a.count > limit:
		return true
	case a.dense && !a.crowded, !a.dense && a.readsAll():
		return false
	}
	return !now.Before(a.recount) // what others may read changes without a move, too
}

// unit puts a changed unit to those who see it.
func (s *audiences) unit(u *frameUnit) {
	s.marks++
	for r, lists := range s.byCell {
		if len(lists) == 0 {
			continue
		}
		now, before := u.now.leaf.Parent(r), u.leaf.Parent(r)
		for _, a := range lists[now] {
			s.consider(a, u)
		}
		if before != now {
			for _, a := range lists[before] {
				s.consider(a, u)
			}
		}
	}
	if len(s.byUnit) > 0 {
		for _, a := range s.byUnit[u.state.Unit] {
			s.consider(a, u)
		}
	}
	if len(s.byShipment) > 0 {
		for _, l := range u.loads {
			for _, a := range s.byShipment[l.Shipment] {
				s.consider(a, u)
			}
		}
	}
}

func (s *audiences) consider(a *audience, u *frameUnit) {
	if a.mark == s.marks {
		return
	}
	a.mark = s.marks
	touches := a.view != nil && a.touches(u)
	named := len(a.units)+len(a.shipments) > 0 && a.names(u)
	if !touches && !named || u.seq <= a.floor || !a.mayRead(u) {
		return
	}
	if touches && a.dense {
		a.crowded = true
	}
	if touches && !a.dense {
		if is := u.now.leaf != 0 && a.view.holds(u.now.point); is != (u.leaf != 0 && a.view.holds(u.before)) {
			if is {
				a.count++
			} else {
				a.count--
			}
		}
	}
	if named || !a.dense {
		if len(a.picked) == 0 {
			s.touched = append(s.touched, a)
		}
		a.picked = append(a.picked, u.state)
	}
}

// lookAgain counts the viewport and adds to an offering what it shows now. Caller
// holds watchMu.
func (t *Tracker) lookAgain(a *audience, o *offering) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	units, cells := t.look(a)
	t.turn(a, units, cells, o)
}

// look finds what the viewport holds: units, or cells when they are too many.
// Caller holds mu.
func (t *Tracker) look(a *audience) ([]tracking.Handle, []tracking.CellCount) {
	limit := t.cfg.ViewUnits
	if a.readsAll() {
		if units, ok := t.grid.inView(a.view, limit); ok {
			return units, nil
		}
		return nil, t.grid.density(a.view)
	}
	var units []tracking.Handle
	for h := range t.state.Units(a.viewer) {
		if s := &t.grid.units[h]; s.leaf != 0 && a.view.holds(s.point) {
			units = append(units, h)
		}
	}
	if len(units) <= limit {
		return units, nil
	}
	return nil, t.grid.densityOf(a.view, units)
}

// turn takes what look found into the audience and adds to an offering what that
// changes: new cells, or from units to cells or back. Caller holds watchMu and mu.
func (t *Tracker) turn(a *audience, units []tracking.Handle, cells []tracking.CellCount, o *offering) {
	a.recount = t.now().Add(recountEvery)
	switch {
	case cells != nil:
		if !a.dense || a.crowded {
			o.cells = cells
		}
		a.dense = true
		if len(a.watches) > 0 {
			t.audiences.dense[a] = struct{}{}
		}
	case a.dense:
		a.dense = false
		delete(t.audiences.dense, a)
		have := make(map[tracking.UnitID]int, len(o.units))
		for i := range o.units {
			have[o.units[i].Unit] = i
		}
		for _, h := range units {
			u := t.state.At(h)
			if i, ok := have[u.Unit]; ok {
				o.units[i] = u
			} else {
				o.units = append(o.units, u)
			}
		}
		o.cells = []tracking.CellCount{}
		a.floor = t.state.Seq() // a tick under way may hold older ones
	}
	a.crowded = false
	a.count = len(units)
}
