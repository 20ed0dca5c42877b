package tracking

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"corridor/tracking/fence"
)

// What a fence is made of, by names that other folders may use.
type (
	FenceShape    = fence.Shape
	FenceCircle   = fence.Circle
	FenceCorridor = fence.Corridor
	FenceRule     = fence.Rule
)

// FenceID identifies a fence.
type FenceID string

// Fence is an area whose visits are told: a yard, a port, a stretch that must not be
// left. A carrier's fence watches its own units and a shipper's those that carry its
// shipments, and what happens there is told to them and the office; the office's
// watches all units.
type Fence struct {
	ID      FenceID     `json:"id"`
	Owner   PartyID     `json:"owner,omitempty"` // empty: the office's
	Name    string      `json:"name"`
	Shape   fence.Shape `json:"shape"`
	Rule    fence.Rule  `json:"rule,omitzero"`
	Created time.Time   `json:"created"`
}

// Where of an event at a fence is its name, Detail its id.

// FenceSet makes a fence or replaces it.
type FenceSet struct{ Fence Fence }

// FenceRemoved takes a fence away. Visits to it end untold.
type FenceRemoved struct {
	Fence FenceID
	At    time.Time
}

// Kinds of Object.
const (
	objectFence  = "fence"
	objectVisits = "visits" // of a unit
)

// ValidateFence checks a fence as it will be kept.
func ValidateFence(f Fence) error {
	switch {
	case strings.TrimSpace(f.Name) == "" || len(f.Name) > 200:
		return &InvalidError{"name", "a fence has a name of 1 to 200 bytes"}
	case !(f.Rule.ExitM >= 0 && f.Rule.ExitM <= 100_000):
		return &InvalidError{"rule", fmt.Sprintf("exit_m %v is not in [0, 100000]", f.Rule.ExitM)}
	case f.Rule.Dwell < 0:
		return &InvalidError{"rule", "dwell is negative"}
	}
	if _, err := fence.New(f.Shape); err != nil {
		return &InvalidError{"shape", err.Error()}
	}
	return nil
}

// fences is the part of the state that is about fences.
type fences struct {
	all    map[FenceID]Fence
	index  *fence.Index[FenceID]
	visits map[UnitID][]fence.Visit[FenceID] // of units that are in some
}

func newFences() fences {
	return fences{map[FenceID]Fence{}, fence.NewIndex[FenceID](), map[UnitID][]fence.Visit[FenceID]{}}
}

func (s *State) setFence(f Fence) error {
	a, err := fence.New(f.Shape)
	if err != nil {
		return fmt.Errorf("fence %s: %w", f.ID, err)
	}
	s.fences.all[f.ID] = f
	s.fences.index.Set(f.ID, a)
	return nil
}

// restoreObject takes what a Store kept.
func (s *State) restoreObject(d Object) error {
	switch d.Kind {
	case objectFence:
		var f Fence
		if err := json.Unmarshal(d.Body, &f); err != nil {
			return fmt.Errorf("restore fence %s: %w", d.ID, err)
		}
		return s.setFence(f)
	case objectVisits:
		var v []fence.Visit[FenceID]
		if err := json.Unmarshal(d.Body, &v); err != nil {
			return fmt.Errorf("restore visits of unit %s: %w", d.ID, err)
		}
		s.fences.visits[UnitID(d.ID)] = v
		return nil
	case objectRetention:
		return s.restoreRetention(d)
	case objectCarnet:
		return s.restoreCarnet(d)
	case objectWatch:
		w := &unitWatch{}
		if err := json.Unmarshal(d.Body, w); err != nil {
			return fmt.Errorf("restore what is remembered of unit %s: %w", d.ID, err)
		}
		if s.restored == nil {
			s.restored = map[UnitID]*unitWatch{}
		}
		s.restored[UnitID(d.ID)] = w
		return nil
	}
	if ok, err := s.restoreAlerts(d); ok {
		return err
	}
	return fmt.Errorf("restore: an object of kind %q: it was written by a newer program", d.Kind)
}

// objects are all of the state's.
func (s *State) objects() ([]Object, error) {
	var out []Object
	for _, id := range slices.Sorted(maps.Keys(s.fences.all)) {
		d, err := object(objectFence, string(id), s.fences.all[id])
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	for _, id := range slices.Sorted(maps.Keys(s.fences.visits)) {
		d, err := object(objectVisits, string(id), s.fences.visits[id])
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	for _, u := range s.handles {
		if u.watch == nil {
			continue
		}
		d, err := object(objectWatch, string(u.id), u.watch)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	out, err := s.alertObjects(out)
	if err != nil {
		return nil, err
	}
	kept, err := s.retentionObjects()
	if err != nil {
		return nil, err
	}
	return s.carnetObjects(append(out, kept...))
}

func object(kind, id string, v any) (Object, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return Object{}, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return Object{kind, id, body}, nil
}

func (f *folding) fenceSet(e *FenceSet) {
	// What makes no sense is refused before it is logged; a log must be readable to
	// its end nevertheless.
	if f.setFence(e.Fence) != nil {
		return
	}
	if d, err := object(objectFence, string(e.Fence.ID), e.Fence); err == nil {
		f.c.Objects = append(f.c.Objects, d)
	}
}

func (f *folding) fenceRemoved(e *FenceRemoved) {
	if _, ok := f.fences.all[e.Fence]; !ok {
		return
	}
	delete(f.fences.all, e.Fence)
	f.fences.index.Remove(e.Fence)
	f.c.Objects = append(f.c.Objects, Object{Kind: objectFence, ID: string(e.Fence)})
}

// follow tells what the unit's new latest fix means for its visits.
func (f *folding) follow(u *unit, fix *Fix) {
	var before []fence.Visit[FenceID]
	if len(f.fences.visits) > 0 {
		before = f.fences.visits[u.id]
	}
	n := len(before)
	after, happened := fence.Follow(f.fences.index, func(id FenceID) fence.Rule { return f.fences.all[id].Rule },
		func(a, b FenceID) int { return strings.Compare(string(a), string(b)) }, func(id FenceID) bool { return f.watches(id, u) }, before, orb.Point{fix.Lon, fix.Lat}, fix.Time)
	if len(happened) == 0 && len(after) == n {
		return
	}
	var d Object
	if len(after) == 0 {
		delete(f.fences.visits, u.id)
		d = Object{Kind: objectVisits, ID: string(u.id)}
	} else {
		f.fences.visits[u.id] = after
		d, _ = object(objectVisits, string(u.id), after) // times within the years JSON has: see Validate
	}
	f.c.Objects = append(f.c.Objects, d)
	for _, h := range happened {
		kind := map[string]string{fence.Entered: EventFenceEntered, fence.Left: EventFenceLeft, fence.Dwelt: EventFenceDwelt}[h.Kind]
		lat, lon := fix.Lat, fix.Lon
		f.event(Event{
			Kind: kind, Time: fix.Time, Unit: u.id, Shipment: u.outline().Shipment,
			Where: f.fences.all[h.Fence].Name, Detail: string(h.Fence), Lat: &lat, Lon: &lon, For: f.fenceFor(h.Fence),
		})
	}
}

// fenceFor is the only party that is told of what happens at a fence, besides the
// office; empty: whoever may read the unit.
func (s *State) fenceFor(id FenceID) PartyID {
	owner := s.fences.all[id].Owner
	switch s.parties[owner].Role {
	case Carrier, Shipper:
		return owner
	}
	return ""
}

// watches tells whether a fence is about a unit.
func (s *State) watches(id FenceID, u *unit) bool {
	owner := s.fenceFor(id)
	return owner == "" || u.carrier == owner || slices.ContainsFunc(u.shipments, func(sh *shipment) bool { return sh.Owner == owner })
}

// Fence returns a fence.
func (s *State) Fence(id FenceID) (Fence, bool) {
	f, ok := s.fences.all[id]
	return f, ok
}

// Fences lists the fences by id.
func (s *State) Fences() []Fence {
	out := make([]Fence, 0, len(s.fences.all))
	for _, id := range slices.Sorted(maps.Keys(s.fences.all)) {
		out = append(out, s.fences.all[id])
	}
	return out
}

// FenceVisit is a unit in a fence.
type FenceVisit struct {
	Unit  UnitID    `json:"unit"`
	Since time.Time `json:"since"` // device time of the first fix inside
	Dwelt bool      `json:"dwelt"` // for longer than the fence's rule says
}

// FenceVisits lists the units that are in a fence, the longest there first.
func (s *State) FenceVisits(id FenceID) []FenceVisit {
	out := []FenceVisit{}
	for u, visits := range s.fences.visits {
		for _, v := range visits {
			if v.Fence == id {
				out = append(out, FenceVisit{u, v.Since, v.Dwelt})
			}
		}
	}
	slices.SortFunc(out, func(a, b FenceVisit) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(string(a.Unit), string(b.Unit)))
	})
	return out
}

// Visits lists the fences a unit is in.
func (s *State) Visits(id UnitID) []fence.Visit[FenceID] { return slices.Clone(s.fences.visits[id]) }
