// Package memory is a tracking.Store that forgets: the double for tests, and the
// plainest statement of what a store answers. It passes the same suite
// (storetest) as the real ones, which are checked against it.
//
// It rounds fixes as the others do (chunk), so that equal changes give equal
// answers.
package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/store/chunk"
	"corridor/tracking/store/history"
)

// Store is a store in memory. Use New.
type Store struct {
	mu        sync.RWMutex // guards all below
	applied   uint64
	epoch     string
	closed    bool
	parties   map[tracking.PartyID]tracking.Party
	keys      map[tracking.KeyID]tracking.Key
	units     map[tracking.UnitID]tracking.UnitState
	fixes     map[tracking.UnitID][]chunk.Row // sorted by second
	shipments map[tracking.ShipmentID]tracking.Shipment
	progress  map[tracking.ShipmentID]tracking.Progress
	objects   map[string]tracking.Object // by kind and id
	events    []tracking.Event           // sorted by (Seq, N)
	plans     map[string]plan
}

type plan struct {
	owner tracking.PartyID
	body  []byte // JSON: what is handed out is nobody else's
}

var (
	_ tracking.Store     = (*Store)(nil)
	_ tracking.Forgetter = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	return &Store{
		parties:   make(map[tracking.PartyID]tracking.Party),
		keys:      make(map[tracking.KeyID]tracking.Key),
		units:     make(map[tracking.UnitID]tracking.UnitState),
		fixes:     make(map[tracking.UnitID][]chunk.Row),
		shipments: make(map[tracking.ShipmentID]tracking.Shipment),
		progress:  make(map[tracking.ShipmentID]tracking.Progress),
		plans:     make(map[string]plan),
	}
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return tracking.ErrClosed
	}
	return ctx.Err()
}

// Applied implements tracking.Store.
func (s *Store) Applied(ctx context.Context) (uint64, string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.applied, s.epoch, s.usable(ctx)
}

// Apply implements tracking.Store.
func (s *Store) Apply(ctx context.Context, c tracking.Changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	switch {
	case s.epoch != "" && s.epoch != c.Epoch:
		return fmt.Errorf("apply: the store follows log %s, not %s: %w", s.epoch, c.Epoch, tracking.ErrConflict)
	case c.To <= s.applied:
		return nil
	case c.From > s.applied:
		return fmt.Errorf("apply (%d, %d]: the store is at %d: %w", c.From, c.To, s.applied, tracking.ErrConflict)
	}
	rows := make([]chunk.Row, len(c.Fixes))
	for i, f := range c.Fixes {
		rows[i] = chunk.FromFix(f)
		if err := rows[i].Check(); err != nil {
			return fmt.Errorf("apply (%d, %d]: %w", c.From, c.To, err)
		}
	}
	for _, p := range c.Parties {
		s.parties[p.ID] = p
	}
	for _, k := range c.Keys {
		s.keys[k.ID] = k
	}
	for _, u := range c.Units {
		s.units[u.Unit] = roundUnit(u)
	}
	for i, f := range c.Fixes {
		if f.Seq > s.applied {
			s.fixes[f.Unit] = chunk.Merge(s.fixes[f.Unit], rows[i:i+1])
		}
	}
	for _, x := range c.Shipments {
		s.shipments[x.ID] = x
	}
	for _, x := range c.Progress {
		s.progress[x.Shipment] = x
	}
	for _, d := range c.Objects {
		if s.objects == nil {
			s.objects = map[string]tracking.Object{}
		}
		if key := d.Kind + "\x00" + d.ID; d.Body == nil {
			delete(s.objects, key)
		} else {
			s.objects[key] = d
		}
	}
	for _, e := range c.Events {
		at, held := slices.BinarySearchFunc(s.events, e, compareEvents)
		if !held {
			s.events = slices.Insert(s.events, at, e)
		}
	}
	s.applied, s.epoch = c.To, c.Epoch
	return nil
}

func roundUnit(u tracking.UnitState) tracking.UnitState {
	if u.Latest != nil {
		r := chunk.FromFix(*u.Latest)
		f := r.Fix(u.Unit)
		f.Cell = u.Latest.Cell
		u.Latest = &f
	}
	return u
}

func compareEvents(a, b tracking.Event) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.N, b.N))
}

// Load implements tracking.Store.
func (s *Store) Load(ctx context.Context, yield func(tracking.Changes) error) error {
	s.mu.RLock()
	if err := s.usable(ctx); err != nil {
		s.mu.RUnlock()
		return err
	}
	c := tracking.Changes{
		To:        s.applied,
		Epoch:     s.epoch,
		Parties:   byKey(s.parties),
		Keys:      byKey(s.keys),
		Units:     byKey(s.units),
		Shipments: byKey(s.shipments),
		Progress:  byKey(s.progress),
		Objects:   byKey(s.objects),
	}
	s.mu.RUnlock()
	return yield(c)
}

func byKey[K cmp.Ordered, V any](m map[K]V) []V {
	values := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[k])
	}
	return values
}

// Track implements tracking.Store.
func (s *Store) Track(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var rows []chunk.Row
	for _, r := range s.fixes[unit] {
		if f := r.Fix(unit); (q.From.IsZero() || !f.Time.Before(q.From)) && (q.To.IsZero() || f.Time.Before(q.To)) {
			rows = append(rows, r)
		}
	}
	if q.ToleranceM > 0 {
		rows = history.Simplify(rows, q.ToleranceM)
	}
	fixes := history.Fixes(unit, rows)
	if q.Limit > 0 && len(fixes) > q.Limit {
		if q.From.IsZero() {
			return fixes[len(fixes)-q.Limit:], nil
		}
		return fixes[:q.Limit], nil
	}
	return fixes, nil
}

// Has implements tracking.Store.
func (s *Store) Has(ctx context.Context, unit tracking.UnitID, times []time.Time) ([]bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	has := make([]bool, len(times))
	for i, t := range times {
		_, has[i] = slices.BinarySearchFunc(s.fixes[unit], t.Unix(), func(r chunk.Row, second int64) int {
			return cmp.Compare(r.Second(), second)
		})
	}
	return has, nil
}

// Forget implements tracking.Forgetter.
func (s *Store) Forget(ctx context.Context, units []tracking.UnitID, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	gone := 0
	for _, id := range units {
		rows := s.fixes[id]
		n := 0
		for n < len(rows) && rows[n].Second() < before.Unix() {
			n++
		}
		s.fixes[id] = slices.Clone(rows[n:])
		gone += n
	}
	return gone, nil
}

// Near implements tracking.Store.
func (s *Store) Near(ctx context.Context, box orb.Bound, from, to time.Time) ([]tracking.UnitID, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	b := history.NewBox(box, history.NewWindow(tracking.TrackQuery{From: from, To: to}))
	var units []tracking.UnitID
	for id, rows := range s.fixes {
		if b.Any(rows) {
			units = append(units, id)
		}
	}
	return units, nil
}

// Events implements tracking.Store.
func (s *Store) Events(ctx context.Context, shipment tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var events []tracking.Event
	for _, e := range s.events {
		if limit > 0 && len(events) == limit {
			break
		}
		if compareEvents(e, tracking.Event{Seq: afterSeq, N: afterN}) > 0 && (shipment == "" || e.Shipment == shipment) {
			events = append(events, e)
		}
	}
	return events, nil
}

// SavePlan implements tracking.Store.
func (s *Store) SavePlan(ctx context.Context, owner tracking.PartyID, p routing.Plan) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save plan %s: %w", p.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if held, ok := s.plans[p.ID]; p.ID == "" || ok && held.owner != owner {
		return fmt.Errorf("save plan %q: %w", p.ID, tracking.ErrConflict)
	}
	s.plans[p.ID] = plan{owner, body}
	return nil
}

// Plan implements tracking.Store.
func (s *Store) Plan(ctx context.Context, id string) (routing.Plan, tracking.PartyID, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return routing.Plan{}, "", err
	}
	held, ok := s.plans[id]
	if !ok {
		return routing.Plan{}, "", fmt.Errorf("plan %q: %w", id, tracking.ErrNotFound)
	}
	var p routing.Plan
	if err := json.Unmarshal(held.body, &p); err != nil {
		return routing.Plan{}, "", fmt.Errorf("plan %q: %w", id, err)
	}
	return p, held.owner, nil
}

// Close implements tracking.Store. Everything is forgotten.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
