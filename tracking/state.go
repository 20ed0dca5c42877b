package tracking

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// Values of Shipment.Status.
const (
	Planned   = "planned"
	UnderWay  = "under-way"
	Arrived   = "arrived"
	Cancelled = "cancelled"
)

// State is what the log says up to a sequence. It is a plain value in memory: it
// has no lock, reads no clock and does no I/O, and the same records always make
// the same state. live guards it.
type State struct {
	seq       uint64
	parties   map[PartyID]Party
	keys      map[KeyID]Key
	hashes    map[[32]byte]KeyID
	units     map[UnitID]*unit
	handles   []*unit // by handle
	shipments map[ShipmentID]*shipment
	shares    map[[32]byte]*shipment // by the hash of a link's secret
	byOwner   map[PartyID][]*shipment
	byCarrier map[PartyID][]*unit
	fences    fences
	retention map[PartyID]Retention // of carriers that have one
	carnets   carnets
	alerts    alerts
	moving    map[ShipmentID]*shipment // under way
	restored  map[UnitID]*unitWatch    // between Restore and RestoreDone: their units may come later
	spare     []Fix                    // see folding.room
}

// NewState is the state of an empty log.
func NewState() *State {
	return &State{
		parties:   map[PartyID]Party{},
		keys:      map[KeyID]Key{},
		hashes:    map[[32]byte]KeyID{},
		units:     map[UnitID]*unit{},
		shipments: map[ShipmentID]*shipment{},
		shares:    map[[32]byte]*shipment{},
		byOwner:   map[PartyID][]*shipment{},
		byCarrier: map[PartyID][]*unit{},
		fences:    newFences(),
		retention: map[PartyID]Retention{},
		carnets:   newCarnets(),
		alerts:    newAlerts(),
		moving:    map[ShipmentID]*shipment{},
	}
}

// Handle numbers units densely from 0 in the order they became known to this
// State; it means nothing to another one.
type Handle uint32

// unit is UnitState packed: a million of them must fit in memory.
type unit struct {
	id        UnitID
	carrier   PartyID
	seq       uint64 // of the latest fix
	cell      uint64 // of the latest fix; 0 when it was not computed
	ms        int64  // device time of the latest fix
	received  int64  // ms
	fixes     uint64
	shipments []*shipment // under way or planned on this unit, by opening
	arrived   *shipment   // the last it brought; nil: none
	watch     *unitWatch  // nil: nothing is out of the ordinary
	recent    []uint32    // the newest device seconds accepted, ascending: see knows
	sensors   []byte
	lat, lon  int32 // 1e-7°
	speed     Measure
	course    Measure
	accuracy  Measure
	handle    Handle
	touched   int32 // place in folding.units + 1 while a record is folded
	mode      byte
	located   bool // there is a latest fix
	whole     bool // recent holds every second ever accepted
	simulated bool // the latest fix was; before it, the shipment it was made for
}

// window is how many device seconds of a unit are remembered. Boxes that lose
// the network send what they kept in order, so nearly every late fix is within
// the newest few; older ones are looked up in the store.
const window = 32

// Knowledge is what memory alone can say about a fix.
type Knowledge int

// What memory can say.
const (
	IsNew Knowledge = iota
	IsDuplicate
	IsUncertain // older than what is remembered: ask the store
)

func second(t time.Time) uint32 { return uint32(t.Unix()) }

// knows tells whether the unit's history holds a second. Every second accepted
// that is not older than the oldest remembered is remembered.
func (u *unit) knows(s uint32) Knowledge {
	i, found := slices.BinarySearch(u.recent, s)
	switch {
	case found:
		return IsDuplicate
	case i == 0 && !u.whole:
		return IsUncertain
	}
	return IsNew
}

func (u *unit) remember(s uint32) {
	if n := len(u.recent); n == 0 || s > u.recent[n-1] { // nearly always
		if n == window {
			copy(u.recent, u.recent[1:])
			u.recent[n-1] = s
			u.whole = false
			return
		}
		u.recent = append(u.recent, s)
		return
	}
	i, found := slices.BinarySearch(u.recent, s)
	if found || (i == 0 && !u.whole) {
		return // older than all that is remembered, and something between may be forgotten
	}
	if len(u.recent) == window {
		u.whole = false
		if i == 0 {
			return
		}
		copy(u.recent, u.recent[1:i])
		u.recent[i-1] = s
		return
	}
	u.recent = slices.Insert(u.recent, i, s)
}

func (u *unit) place(f *Fix) {
	u.located = true
	u.seq, u.cell = f.Seq, f.Cell
	u.ms, u.received = f.Time.UnixMilli(), f.Received.UnixMilli()
	u.lat, u.lon = int32(math.Round(f.Lat*perDegree)), int32(math.Round(f.Lon*perDegree))
	u.speed, u.course, u.accuracy = f.SpeedKMH, f.CourseDeg, f.AccuracyM
	u.sensors = f.Sensors
	u.simulated = f.Simulated
}

func (u *unit) point() orb.Point {
	return orb.Point{float64(u.lon) / perDegree, float64(u.lat) / perDegree}
}

// outline is state without the latest fix.
func (u *unit) outline() UnitState {
	s := UnitState{Unit: u.id, Carrier: u.carrier, Mode: modeOf(u.mode), Fixes: u.fixes, Simulated: u.simulated}
	if n := len(u.shipments); n > 0 {
		s.Shipment = u.shipments[n-1].ID
	}
	return s
}

func (u *unit) state() UnitState {
	s := u.outline()
	if u.located {
		s.Latest = &Fix{
			Position: Position{
				Unit: u.id, Time: time.UnixMilli(u.ms).UTC(),
				Lat: float64(u.lat) / perDegree, Lon: float64(u.lon) / perDegree,
				SpeedKMH: u.speed, CourseDeg: u.course, AccuracyM: u.accuracy, Sensors: u.sensors,
			},
			Received: time.UnixMilli(u.received).UTC(), Seq: u.seq, Cell: u.cell, Simulated: u.simulated,
		}
	}
	return s
}

// carry puts a shipment on the unit. The order does not depend on the order of
// events, so that a state restored from a store is the state that was stored.
func (u *unit) carry(sh *shipment) {
	i, _ := slices.BinarySearchFunc(u.shipments, sh, func(a, b *shipment) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	u.shipments = slices.Insert(u.shipments, i, sh)
}

// shipment is a Shipment with what the fold needs to follow it.
type shipment struct {
	Shipment
	progress Progress
	route    *route // made from the plan at the first fix; nil before and after it ended
}

// Seq is the last record applied.
func (s *State) Seq() uint64 { return s.seq }

// Restore takes what a Store loads, in any order and in several parts, into a
// state that has applied nothing. Seal it with RestoreDone.
func (s *State) Restore(c Changes) error {
	s.seq = max(s.seq, c.To)
	for _, p := range c.Parties {
		s.parties[p.ID] = p
	}
	for _, k := range c.Keys {
		s.keys[k.ID] = k
		s.hashes[k.Hash] = k.ID
	}
	for i := range c.Units {
		us := &c.Units[i]
		u := s.newUnit(us.Unit, us.Carrier, us.Mode)
		u.fixes, u.simulated = us.Fixes, us.Simulated
		u.whole = us.Fixes <= 1
		if us.Latest != nil {
			u.place(us.Latest)
			u.simulated = us.Simulated
			u.recent = []uint32{second(us.Latest.Time)}
		}
	}
	for _, sh := range c.Shipments {
		s.addShipment(sh)
	}
	for _, p := range c.Progress {
		sh, ok := s.shipments[p.Shipment]
		if !ok {
			// Its shipment comes in a later part: keep a place for it.
			sh = &shipment{Shipment: Shipment{ID: p.Shipment}}
			s.shipments[p.Shipment] = sh
		}
		sh.progress = p
	}
	for _, d := range c.Objects {
		if err := s.restoreObject(d); err != nil {
			return err
		}
	}
	return nil
}

// RestoreDone ties units and shipments together after the last Restore and says
// what does not fit.
func (s *State) RestoreDone(seq uint64) error {
	s.seq = seq
	for _, sh := range s.shipments {
		if sh.Opened.IsZero() {
			return fmt.Errorf("restore: progress of shipment %s, which the store does not have", sh.ID)
		}
		if sh.Status == UnderWay {
			s.moving[sh.ID] = sh
		}
		u, ok := s.units[sh.Unit]
		if sh.Ended() {
			if ok && sh.Status == Arrived {
				u.brought(sh)
			}
			continue
		}
		if sh.Unit == "" {
			continue
		}
		if !ok {
			return fmt.Errorf("restore: shipment %s is on unit %s, which the store does not have", sh.ID, sh.Unit)
		}
		u.carry(sh)
	}
	for id, w := range s.restored {
		u, ok := s.units[id]
		if !ok {
			return fmt.Errorf("restore: what is remembered of unit %s, which the store does not have", id)
		}
		u.watch = w
	}
	s.restored = nil
	return s.placeCarnets()
}

// brought notes that a shipment has arrived on the unit; of several the last counts,
// by arrival and id.
func (u *unit) brought(sh *shipment) {
	if sh.progress.Arrived == nil {
		return
	}
	if old := u.arrived; old != nil && old != sh {
		if c := cmp.Or(old.progress.Arrived.Compare(*sh.progress.Arrived), cmp.Compare(old.ID, sh.ID)); c > 0 {
			return
		}
	}
	u.arrived = sh
}

func (s *State) newUnit(id UnitID, carrier PartyID, mode geodata.Mode) *unit {
	if mode == "" {
		mode = geodata.Road
	}
	if p, ok := s.parties[carrier]; ok {
		carrier = p.ID // one string for all units of a carrier
	}
	m, _ := modeByte(mode) // an unknown mode is refused before it gets here
	u := &unit{id: id, carrier: carrier, mode: m, whole: true, handle: Handle(len(s.handles))}
	s.units[id] = u
	s.handles = append(s.handles, u)
	s.byCarrier[carrier] = append(s.byCarrier[carrier], u)
	return u
}

func (s *State) addShipment(sh Shipment) *shipment {
	x, ok := s.shipments[sh.ID]
	if !ok {
		x = &shipment{}
		s.shipments[sh.ID] = x
	}
	x.Shipment = sh
	x.progress.Shipment = sh.ID
	for _, link := range sh.Dossier.Shares {
		s.shares[link.Hash] = x
	}
	s.byOwner[sh.Owner] = append(s.byOwner[sh.Owner], x)
	return x
}

// Apply folds the next record in and returns what it changed. Sequences must
// follow each other without a gap. Entries that contradict the state (a key for
// nobody, a position of another carrier's unit) change nothing: whoever appends
// checks first, and a log must always be readable to its end.
func (s *State) Apply(seq uint64, entries ...Entry) (Changes, error) {
	if seq != s.seq+1 {
		return Changes{}, fmt.Errorf("record %d does not follow %d", seq, s.seq)
	}
	f := folding{State: s, c: Changes{From: s.seq, To: seq}}
	for _, e := range entries {
		switch e := e.(type) {
		case *Positions:
			f.positions(e)
		case *PartyCreated:
			s.parties[e.Party.ID] = e.Party
			f.c.Parties = append(f.c.Parties, e.Party)
		case *KeyIssued:
			if _, ok := s.parties[e.Key.Party]; ok {
				s.keys[e.Key.ID] = e.Key
				s.hashes[e.Key.Hash] = e.Key.ID
				f.c.Keys = append(f.c.Keys, e.Key)
			}
		case *KeyRevoked:
			if k, ok := s.keys[e.Key]; ok && k.Revoked == nil {
				k.Revoked = &e.At
				s.keys[e.Key] = k
				f.c.Keys = append(f.c.Keys, k)
			}
		case *ShipmentOpened:
			f.opened(e)
		case *UnitAssigned:
			f.assigned(e)
		case *FenceSet:
			f.fenceSet(e)
		case *FenceRemoved:
			f.fenceRemoved(e)
		case *CarnetIssued:
			f.carnetIssued(e)
		case *CarnetStep:
			f.carnetStep(e)
		case *CarnetBound:
			f.carnetBound(e)
		case *RetentionSet:
			f.retentionSet(e)
		case *ShipmentAmended:
			f.amended(e)
		case *ShipmentCancelled:
			f.cancelled(e)
		case *ClockRead:
			f.clockRead(e)
		case *RuleSet:
			f.ruleSet(e)
		case *RuleRemoved:
			f.ruleRemoved(e)
		case *HookSet:
			f.hookSet(e)
		case *HookRemoved:
			f.hookRemoved(e)
		case *AlertActed:
			f.acted(e)
		case *DeliverySettled:
			f.settled(e)
		}
	}
	f.raise()
	f.finish()
	s.seq = seq
	return f.c, nil
}

// folding is one Apply.
type folding struct {
	*State
	c         Changes
	units     []*unit
	latest    []int32     // of units: where in c.Fixes the unit's latest fix is, or -1
	shipments []*shipment // whose Shipment changed
	progress  []*shipment // whose Progress changed
	carnets   []*heldCarnet
	watched   []*unit // whose watch changed
}

// touch notes that a unit changed.
func (f *folding) touch(u *unit) {
	if u.touched == 0 {
		f.units, f.latest = append(f.units, u), append(f.latest, -1)
		u.touched = int32(len(f.units))
	}
}

func touch[T comparable](list []T, x T) []T {
	// Records touch few things, and mostly the same one again.
	if n := len(list); n > 0 && list[n-1] == x {
		return list
	}
	return append(list, x)
}

// fixesAtOnce is how many fixes are allocated together. Records that follow each
// other lie in one piece of memory, so that a store gets many without a copy.
const fixesAtOnce = 16_384

// room makes place for n more fixes in the record.
func (f *folding) room(n int) {
	if have := len(f.c.Fixes); have == 0 {
		if cap(f.spare)-len(f.spare) < n {
			f.spare = make([]Fix, 0, max(n, fixesAtOnce))
		}
		f.c.Fixes = f.spare[len(f.spare):]
	} else if cap(f.c.Fixes)-have < n {
		f.spare = make([]Fix, 0, max(have+n, fixesAtOnce))
		f.c.Fixes = append(f.spare, f.c.Fixes...)
	}
}

func (f *folding) positions(e *Positions) {
	f.room(len(e.Positions))
	if f.units == nil {
		f.units, f.latest = make([]*unit, 0, len(e.Positions)), make([]int32, 0, len(e.Positions))
	}
	for i := range e.Positions {
		p := &e.Positions[i]
		u, ok := f.State.units[p.Unit]
		if !ok {
			u = f.newUnit(p.Unit, e.Carrier, e.Mode)
			u.simulated = e.Simulated
		}
		sec := second(p.Time)
		if u.carrier != e.Carrier || u.knows(sec) == IsDuplicate {
			continue
		}
		u.remember(sec)
		u.fixes++
		f.touch(u)
		at := len(f.c.Fixes)
		f.c.Fixes = append(f.c.Fixes, Fix{Position: *p, Received: e.Received, Seq: f.c.To, Simulated: e.Simulated})
		fix := &f.c.Fixes[at]
		if i < len(e.Cells) {
			fix.Cell = e.Cells[i]
		}
		if u.located && p.Time.UnixMilli() <= u.ms {
			f.late(u, fix) // into history it goes, back it does not move the unit
			continue
		}
		if !e.Simulated { // a demonstration may run faster than anything drives
			if fix.Doubt = f.judge(u, p); fix.Doubt.Misplaces() {
				continue // into history it goes, but there the unit was not
			}
		}
		before, first := u.ms, !u.located
		u.place(fix)
		f.heard(u, fix)
		f.sense(u, fix, false)
		f.latest[u.touched-1] = int32(at)
		if f.fences.index.Len()+len(f.fences.visits) > 0 {
			f.follow(u, fix)
		}
		if len(f.State.carnets.on) > 0 {
			for _, h := range f.State.carnets.on[u.id] {
				f.sight(h, fix)
			}
		}
		if len(u.shipments) == 0 {
			continue
		}
		for _, sh := range slices.Clone(u.shipments) { // arrival takes one out
			f.advance(u, sh, fix, time.UnixMilli(before).UTC(), first)
		}
	}
}

func (f *folding) opened(e *ShipmentOpened) {
	if _, ok := f.State.shipments[e.Shipment.ID]; ok {
		return
	}
	sh := f.addShipment(e.Shipment)
	f.shipments = touch(f.shipments, sh)
	f.progress = touch(f.progress, sh)
	lat, lon := sh.Origin.Lat, sh.Origin.Lon
	f.event(Event{
		Kind: EventOpened, Time: sh.Opened, Shipment: sh.ID,
		Where: sh.Origin.Name.EN, Lat: &lat, Lon: &lon, Detail: sh.Option.Title,
	})
}

func (f *folding) assigned(e *UnitAssigned) {
	sh, ok := f.State.shipments[e.Shipment]
	if !ok || sh.Ended() {
		return
	}
	u, ok := f.State.units[e.Unit]
	if !ok {
		u = f.newUnit(e.Unit, e.Carrier, e.Mode)
		u.simulated = sh.Simulated
	}
	if u.carrier != e.Carrier {
		return
	}
	if old, ok := f.State.units[sh.Unit]; ok {
		f.release(old, sh)
	}
	sh.Carrier, sh.Unit = e.Carrier, e.Unit
	assigned := e.At
	sh.Assigned = &assigned
	sh.progress.Vigil.Stand = Stand{} // of the unit before
	f.progress = touch(f.progress, sh)
	u.carry(sh)
	f.touch(u)
	f.shipments = touch(f.shipments, sh)
	f.carried(sh, e.At)
	ev := Event{Kind: EventAssigned, Time: e.At, Shipment: sh.ID, Unit: u.id}
	if u.located {
		p := u.point()
		ev.Lat, ev.Lon = &p[1], &p[0]
	}
	f.event(ev)
}

func (f *folding) amended(e *ShipmentAmended) {
	sh, ok := f.State.shipments[e.Shipment]
	if !ok || e.Dossier.Revision != sh.Dossier.Revision+1 {
		return
	}
	for _, link := range sh.Dossier.Shares {
		delete(f.shares, link.Hash)
	}
	sh.Dossier = e.Dossier
	for _, link := range sh.Dossier.Shares {
		f.shares[link.Hash] = sh
	}
	f.shipments = touch(f.shipments, sh)
	f.event(Event{Kind: EventAmended, Time: e.At, Shipment: sh.ID})
}

func (f *folding) cancelled(e *ShipmentCancelled) {
	sh, ok := f.State.shipments[e.Shipment]
	if !ok || sh.Ended() {
		return
	}
	if u, ok := f.State.units[sh.Unit]; ok {
		f.release(u, sh)
	}
	sh.Status, sh.route = Cancelled, nil
	delete(f.moving, sh.ID)
	f.shipments = touch(f.shipments, sh)
	f.event(Event{Kind: EventCancelled, Time: e.At, Shipment: sh.ID, Unit: sh.Unit, Detail: e.Reason})
}

func (f *folding) release(u *unit, sh *shipment) {
	u.shipments = slices.DeleteFunc(u.shipments, func(x *shipment) bool { return x == sh })
	f.touch(u)
}

func (f *folding) event(e Event) {
	e.Seq, e.N = f.c.To, len(f.c.Events)
	f.c.Events = append(f.c.Events, e)
}

// finish writes the final values of all that was touched.
func (f *folding) finish() {
	if n := len(f.c.Fixes); n > 0 {
		f.spare, f.c.run = f.c.Fixes, f.c.Fixes // what is left of it is for the next record
		f.c.Fixes = f.c.Fixes[:n:n]
	} else {
		f.c.Fixes = nil
	}
	f.c.Units = make([]UnitState, len(f.units))
	f.c.handles = make([]Handle, len(f.units))
	for i, u := range f.units {
		u.touched = 0
		us := &f.c.Units[i]
		if at := f.latest[i]; at >= 0 {
			*us = u.outline()
			us.Latest = &f.c.Fixes[at]
		} else {
			*us = u.state()
		}
		f.c.handles[i] = u.handle
	}
	f.finishWatches()
	for _, sh := range once(f.shipments) {
		f.c.Shipments = append(f.c.Shipments, sh.Shipment)
	}
	for _, sh := range once(f.progress) {
		f.c.Progress = append(f.c.Progress, sh.progress)
	}
	f.keepCarnets()
}

// once drops repetitions and keeps the order of first appearance.
func once[T comparable](list []T) []T {
	if len(list) < 2 {
		return list
	}
	seen := make(map[T]struct{}, len(list))
	return slices.DeleteFunc(list, func(x T) bool {
		_, again := seen[x]
		seen[x] = struct{}{}
		return again
	})
}

// Party returns an organisation.
func (s *State) Party(id PartyID) (Party, bool) {
	p, ok := s.parties[id]
	return p, ok
}

// Parties lists organisations with the role ("" for all), by creation.
func (s *State) Parties(role Role) []Party {
	var out []Party
	for _, p := range s.parties {
		if role == "" || p.Role == role {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Party) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Key returns a key, revoked or not.
func (s *State) Key(id KeyID) (Key, bool) {
	k, ok := s.keys[id]
	return k, ok
}

// KeyByHash finds a key by the hash of its secret, revoked or not.
func (s *State) KeyByHash(h [32]byte) (Key, bool) {
	id, ok := s.hashes[h]
	return s.keys[id], ok
}

// Keys lists a party's keys, revoked ones too, by creation.
func (s *State) Keys(party PartyID) []Key {
	var out []Key
	for _, k := range s.keys {
		if k.Party == party {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Unit returns the state of a unit.
func (s *State) Unit(id UnitID) (UnitState, bool) {
	u, ok := s.units[id]
	if !ok {
		return UnitState{}, false
	}
	return u.state(), true
}

// Handle returns the number of a unit.
func (s *State) Handle(id UnitID) (Handle, bool) {
	u, ok := s.units[id]
	if !ok {
		return 0, false
	}
	return u.handle, true
}

// At returns the state of the unit with the number, which must exist.
func (s *State) At(h Handle) UnitState { return s.handles[h].state() }

// PointAt returns where the unit with the number is.
func (s *State) PointAt(h Handle) (orb.Point, bool) {
	u := s.handles[h]
	return u.point(), u.located
}

// CellAt is the cell of the latest fix of the unit with the number, when it was
// computed; else 0.
func (s *State) CellAt(h Handle) uint64 { return s.handles[h].cell }

// CountUnits is the number of units; their handles are below it.
func (s *State) CountUnits() int { return len(s.handles) }

// CountShipments is the number of shipments.
func (s *State) CountShipments() int { return len(s.shipments) }

// Owner tells which carrier a unit belongs to.
func (s *State) Owner(id UnitID) (PartyID, bool) {
	u, ok := s.units[id]
	if !ok {
		return "", false
	}
	return u.carrier, true
}

// Prospect is what can be said of a position before it is accepted.
type Prospect struct {
	Exists  bool      // the unit is known
	Carrier PartyID   // whose it is, if it exists
	Knows   Knowledge // whether the fix is new; of an unknown unit everything is
	Cell    uint64    // of the unit's latest fix; 0: none
}

// Prospect tells what is known of a unit and of a fix of it at a device time.
func (s *State) Prospect(id UnitID, t time.Time) Prospect {
	u, ok := s.units[id]
	if !ok {
		return Prospect{}
	}
	return Prospect{Exists: true, Carrier: u.carrier, Knows: u.knows(second(t)), Cell: u.cell}
}

// Knows tells what memory can say of a fix of the unit at a device time. Of an
// unknown unit everything is new.
func (s *State) Knows(id UnitID, t time.Time) Knowledge { return s.Prospect(id, t).Knows }

// Shipment returns a shipment.
func (s *State) Shipment(id ShipmentID) (Shipment, Progress, bool) {
	sh, ok := s.shipments[id]
	if !ok {
		return Shipment{}, Progress{}, false
	}
	return sh.Shipment, sh.progress, true
}

// Shared finds the shipment and the link a secret with the hash belongs to,
// expired and revoked links included.
func (s *State) Shared(hash [32]byte) (Shipment, Progress, Share, bool) {
	sh, ok := s.shares[hash]
	if !ok {
		return Shipment{}, Progress{}, Share{}, false
	}
	i := slices.IndexFunc(sh.Dossier.Shares, func(x Share) bool { return x.Hash == hash })
	return sh.Shipment, sh.progress, sh.Dossier.Shares[i], true // the index holds what the dossiers hold
}

// Shipments lists what the viewer may read, newest first.
func (s *State) Shipments(viewer Party) []Shipment {
	var from []*shipment
	switch viewer.Role {
	case Admin, Dispatcher:
		from = slices.Collect(maps.Values(s.shipments))
	case Shipper:
		from = slices.Clone(s.byOwner[viewer.ID])
	case Carrier:
		for _, sh := range s.shipments {
			if sh.Carrier == viewer.ID {
				from = append(from, sh)
			}
		}
	}
	slices.SortFunc(from, func(a, b *shipment) int { return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(a.ID, b.ID)) })
	out := make([]Shipment, len(from))
	for i, sh := range from {
		out[i] = sh.Shipment
	}
	return out
}

// Units yields the handles of the units the viewer may read, in no order.
func (s *State) Units(viewer Party) iter.Seq[Handle] {
	return func(yield func(Handle) bool) {
		switch viewer.Role {
		case Admin, Dispatcher:
			for _, u := range s.handles {
				if !yield(u.handle) {
					return
				}
			}
		case Carrier:
			for _, u := range s.byCarrier[viewer.ID] {
				if !yield(u.handle) {
					return
				}
			}
		case Shipper:
			seen := map[Handle]bool{}
			for _, sh := range s.byOwner[viewer.ID] {
				u, ok := s.units[sh.Unit]
				if ok && !sh.Ended() && !seen[u.handle] {
					seen[u.handle] = true
					if !yield(u.handle) {
						return
					}
				}
			}
		}
	}
}

// MayReadUnit tells whether the viewer may see where a unit is: a shipper only
// while one of its shipments is on it.
func (s *State) MayReadUnit(viewer Party, h Handle) bool {
	u := s.handles[h]
	switch viewer.Role {
	case Admin, Dispatcher:
		return true
	case Carrier:
		return u.carrier == viewer.ID
	case Shipper:
		return slices.ContainsFunc(u.shipments, func(sh *shipment) bool { return sh.Owner == viewer.ID })
	}
	return false
}

// MayReadShipment tells whether the viewer may see a shipment.
func (s *State) MayReadShipment(viewer Party, id ShipmentID) bool {
	sh, ok := s.shipments[id]
	if !ok {
		return false
	}
	switch viewer.Role {
	case Admin, Dispatcher:
		return true
	case Carrier:
		return sh.Carrier == viewer.ID
	case Shipper:
		return sh.Owner == viewer.ID
	}
	return false
}

// Load is a shipment on a unit and who may read it besides the unit's carrier.
type Load struct {
	Shipment ShipmentID
	Owner    PartyID
}

// Loads lists the shipments a unit carries now; nil when it carries none.
func (s *State) Loads(h Handle) []Load {
	u := s.handles[h]
	if len(u.shipments) == 0 {
		return nil
	}
	out := make([]Load, len(u.shipments))
	for i, sh := range u.shipments {
		out[i] = Load{sh.ID, sh.Owner}
	}
	return out
}
