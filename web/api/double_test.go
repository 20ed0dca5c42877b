package api_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/tracking"
)

// world is a working double of everything the API stands on, in memory: enough of
// a tracker to tell whether the API passes on what it should and hides what it
// must. It does not fold, project or forecast.
type world struct {
	mu        sync.Mutex
	now       time.Time
	n         int
	parties   []tracking.Party
	keys      []tracking.Key
	secrets   map[string]tracking.KeyID
	units     map[tracking.UnitID]*tracking.UnitState
	fixes     map[tracking.UnitID][]tracking.Fix
	shipments []tracking.Shipment
	events    []tracking.Event
	etas      map[tracking.ShipmentID]tracking.ETA
	plans     map[string]routing.Plan
	owners    map[string]tracking.PartyID
	retention tracking.Retention
	fail      error // what Accept and Plan answer instead, when set
	options   tracking.AcceptOptions
	requests  []routing.Request
	desk
}

func newWorld() *world {
	return &world{
		now:     time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		secrets: map[string]tracking.KeyID{},
		units:   map[tracking.UnitID]*tracking.UnitState{},
		fixes:   map[tracking.UnitID][]tracking.Fix{},
		etas:    map[tracking.ShipmentID]tracking.ETA{},
		plans:   map[string]routing.Plan{},
		owners:  map[string]tracking.PartyID{},
	}
}

func (w *world) clock() time.Time { return w.now }

func (w *world) id(prefix string) string {
	w.n++
	return fmt.Sprintf("%s%d", prefix, w.n)
}

func (w *world) CreateParty(_ context.Context, name string, role tracking.Role) (tracking.Party, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := tracking.Party{ID: tracking.PartyID(w.id("p")), Name: name, Role: role, Created: w.now}
	w.parties = append(w.parties, p)
	return p, nil
}

func (w *world) Party(id tracking.PartyID) (tracking.Party, bool) {
	i := slices.IndexFunc(w.parties, func(p tracking.Party) bool { return p.ID == id })
	if i < 0 {
		return tracking.Party{}, false
	}
	return w.parties[i], true
}

func (w *world) Parties(role tracking.Role) []tracking.Party {
	var out []tracking.Party
	for _, p := range w.parties {
		if role == "" || p.Role == role {
			out = append(out, p)
		}
	}
	return out
}

func (w *world) SetRetention(_ context.Context, r tracking.Retention) error {
	if p, ok := w.Party(r.Carrier); !ok || p.Role != tracking.Carrier {
		return tracking.ErrNotFound
	}
	w.retention = r
	return nil
}

func (w *world) Retention(id tracking.PartyID) (tracking.Retention, error) {
	if p, ok := w.Party(id); !ok || p.Role != tracking.Carrier {
		return tracking.Retention{}, tracking.ErrNotFound
	}
	return w.retention, nil
}

func (w *world) IssueKey(_ context.Context, party tracking.PartyID) (tracking.Key, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := tracking.Key{ID: tracking.KeyID(w.id("k")), Party: party, Created: w.now}
	w.keys = append(w.keys, k)
	secret := "secret-" + string(k.ID)
	w.secrets[secret] = k.ID
	return k, secret, nil
}

func (w *world) Keys(party tracking.PartyID) []tracking.Key {
	var out []tracking.Key
	for _, k := range w.keys {
		if k.Party == party {
			out = append(out, k)
		}
	}
	return out
}

func (w *world) RevokeKey(_ context.Context, id tracking.KeyID) error {
	for i := range w.keys {
		if w.keys[i].ID == id {
			w.keys[i].Revoked = &w.now
		}
	}
	return nil
}

func (w *world) Key(id tracking.KeyID) (tracking.Party, bool) {
	for _, k := range w.keys {
		if k.ID == id && k.Revoked == nil {
			return w.Party(k.Party)
		}
	}
	return tracking.Party{}, false
}

func (w *world) Authenticate(secret string) (tracking.Party, tracking.KeyID, bool) {
	id := w.secrets[secret]
	p, ok := w.Key(id)
	return p, id, ok
}

func (w *world) Accept(_ context.Context, carrier tracking.PartyID, batch []tracking.Position, o tracking.AcceptOptions) (tracking.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return tracking.Receipt{}, w.fail
	}
	w.options = o
	var r tracking.Receipt
	for i, p := range batch {
		u := w.units[p.Unit]
		switch {
		case p.Lat < -90 || p.Lat > 90:
			r.Refused = append(r.Refused, tracking.Refusal{Index: i, Reason: "latitude out of range", Code: "latitude"})
			continue
		case u != nil && u.Carrier != carrier:
			r.Refused = append(r.Refused, tracking.Refusal{Index: i, Reason: "the unit is another carrier's", Code: "unit"})
			continue
		}
		if slices.ContainsFunc(w.fixes[p.Unit], func(f tracking.Fix) bool { return f.Time.Equal(p.Time) }) {
			r.Duplicates++
			continue
		}
		if u == nil {
			u = &tracking.UnitState{Unit: p.Unit, Carrier: carrier, Mode: cmp.Or(o.Mode, geodata.Road)}
			w.units[p.Unit] = u
		}
		w.n++
		f := tracking.Fix{Position: p, Received: w.now, Seq: uint64(w.n), Simulated: o.Simulated}
		w.fixes[p.Unit] = append(w.fixes[p.Unit], f)
		u.Fixes++
		u.Latest = &f
		r.Stored++
	}
	return r, nil
}

func (w *world) Unit(id tracking.UnitID) (tracking.UnitState, error) {
	if u := w.units[id]; u != nil {
		return *u, nil
	}
	return tracking.UnitState{}, tracking.ErrNotFound
}

func (w *world) Units(viewer tracking.Party) []tracking.UnitState {
	var out []tracking.UnitState
	for id, u := range w.units {
		if w.MayReadUnit(viewer, id) {
			out = append(out, *u)
		}
	}
	slices.SortFunc(out, func(a, b tracking.UnitState) int { return cmp.Compare(a.Unit, b.Unit) })
	return out
}

func (w *world) Nearest(viewer tracking.Party, p orb.Point, most int, withinKM float64) []tracking.Neighbour {
	var out []tracking.Neighbour
	for _, u := range w.Units(viewer) {
		if u.Latest == nil {
			continue
		}
		if km := path.Distance(p, orb.Point{u.Latest.Lon, u.Latest.Lat}); withinKM == 0 || km <= withinKM {
			out = append(out, tracking.Neighbour{Unit: u, AwayKM: km})
		}
	}
	slices.SortFunc(out, func(a, b tracking.Neighbour) int { return cmp.Compare(a.AwayKM, b.AwayKM) })
	return out[:min(most, len(out))]
}

func (w *world) InView(viewer tracking.Party, box orb.Bound, most int) ([]tracking.UnitState, bool) {
	var out []tracking.UnitState
	for _, u := range w.Units(viewer) {
		if u.Latest != nil && box.Contains(orb.Point{u.Latest.Lon, u.Latest.Lat}) {
			out = append(out, u)
		}
	}
	return out, len(out) <= most
}

func (w *world) MayReadUnit(v tracking.Party, id tracking.UnitID) bool {
	u := w.units[id]
	switch {
	case u == nil:
		return false
	case v.Role == tracking.Admin || v.Role == tracking.Dispatcher:
		return true
	case v.Role == tracking.Carrier:
		return u.Carrier == v.ID
	}
	return w.MayReadShipment(v, u.Shipment)
}

func (w *world) OpenShipment(ctx context.Context, s tracking.Shipment) (tracking.Shipment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.ID, s.Opened, s.Status = tracking.ShipmentID(w.id("s")), w.now, "planned"
	w.shipments = append(w.shipments, s)
	if s.Unit != "" {
		w.give(s.ID, s.Carrier, s.Unit)
	}
	return s, nil
}

func (w *world) give(id tracking.ShipmentID, carrier tracking.PartyID, unit tracking.UnitID) {
	if w.units[unit] == nil {
		w.units[unit] = &tracking.UnitState{Unit: unit, Carrier: carrier, Mode: geodata.Road}
	}
	w.units[unit].Shipment = id
}

func (w *world) Assign(_ context.Context, id tracking.ShipmentID, carrier tracking.PartyID, unit tracking.UnitID) (tracking.Shipment, error) {
	for i := range w.shipments {
		if w.shipments[i].ID == id {
			w.shipments[i].Carrier, w.shipments[i].Unit = carrier, unit
			w.give(id, carrier, unit)
			return w.shipments[i], nil
		}
	}
	return tracking.Shipment{}, tracking.ErrNotFound
}

func (w *world) Shipment(id tracking.ShipmentID) (tracking.Shipment, error) {
	for _, s := range w.shipments {
		if s.ID == id {
			return s, nil
		}
	}
	return tracking.Shipment{}, tracking.ErrNotFound
}

func (w *world) Shipments(v tracking.Party) []tracking.Shipment {
	var out []tracking.Shipment
	for _, s := range slices.Backward(w.shipments) {
		if w.MayReadShipment(v, s.ID) {
			out = append(out, s)
		}
	}
	return out
}

func (w *world) MayReadShipment(v tracking.Party, id tracking.ShipmentID) bool {
	s, err := w.Shipment(id)
	return err == nil && (v.Role == tracking.Admin || v.Role == tracking.Dispatcher || v.Role == tracking.Shipper && s.Owner == v.ID)
}

func (w *world) ETA(id tracking.ShipmentID) (tracking.ETA, error) {
	if e, ok := w.etas[id]; ok {
		return e, nil
	}
	return tracking.ETA{}, tracking.ErrNotFound
}

func (w *world) Progress(id tracking.ShipmentID) (tracking.Progress, error) {
	if _, err := w.Shipment(id); err != nil {
		return tracking.Progress{}, err
	}
	p := tracking.Progress{Shipment: id}
	if e, ok := w.etas[id]; ok {
		p.ETA, p.DoneKM = &e, e.DoneKM
	}
	return p, nil
}

func (w *world) change(id tracking.ShipmentID, do func(*tracking.Shipment) error) (tracking.Shipment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.shipments {
		if w.shipments[i].ID == id {
			s := w.shipments[i]
			if err := do(&s); err != nil {
				return tracking.Shipment{}, err
			}
			w.shipments[i] = s
			return s, nil
		}
	}
	return tracking.Shipment{}, tracking.ErrNotFound
}

func (w *world) Amend(_ context.Context, id tracking.ShipmentID, _ tracking.PartyID, revision int, edit func(*tracking.Dossier) error) (tracking.Shipment, error) {
	return w.change(id, func(s *tracking.Shipment) error {
		if revision != 0 && revision != s.Dossier.Revision {
			return tracking.ErrConflict
		}
		d := s.Dossier.Clone()
		if err := edit(&d); err != nil {
			return err
		}
		d, err := tracking.ValidateDossier(d)
		d.Revision = s.Dossier.Revision + 1
		s.Dossier = d
		return err
	})
}

func (w *world) Cancel(_ context.Context, id tracking.ShipmentID, _ tracking.PartyID, _ string) (tracking.Shipment, error) {
	return w.change(id, func(s *tracking.Shipment) error {
		if s.Ended() {
			return tracking.ErrConflict
		}
		s.Status = tracking.Cancelled
		return nil
	})
}

func (w *world) Share(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, scope tracking.ShareScope, expires time.Time) (tracking.Share, string, error) {
	secret := w.id("link")
	link := tracking.Share{ID: w.id("shr"), Hash: sha256.Sum256([]byte(secret)), Scope: scope, Created: w.now, By: by, Expires: expires}
	_, err := w.Amend(ctx, id, by, 0, func(d *tracking.Dossier) error {
		d.Shares = append(d.Shares, link)
		return nil
	})
	return link, secret, err
}

func (w *world) Unshare(ctx context.Context, id tracking.ShipmentID, by tracking.PartyID, share string) error {
	_, err := w.Amend(ctx, id, by, 0, func(d *tracking.Dossier) error {
		i := slices.IndexFunc(d.Shares, func(s tracking.Share) bool { return s.ID == share })
		if i < 0 {
			return tracking.ErrNotFound
		}
		d.Shares[i].Revoked = &w.now
		return nil
	})
	return err
}

func (w *world) Shared(secret string) (tracking.Shipment, tracking.Progress, tracking.Share, error) {
	hash := sha256.Sum256([]byte(secret))
	for _, s := range w.shipments {
		for _, link := range s.Dossier.Shares {
			if link.Hash == hash && link.Valid(w.now) {
				p, err := w.Progress(s.ID)
				return s, p, link, err
			}
		}
	}
	return tracking.Shipment{}, tracking.Progress{}, tracking.Share{}, tracking.ErrNotFound
}

func (w *world) Track(_ context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	var out []tracking.Fix
	for _, f := range w.fixes[unit] {
		if (q.From.IsZero() || !f.Time.Before(q.From)) && (q.To.IsZero() || f.Time.Before(q.To)) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b tracking.Fix) int { return a.Time.Compare(b.Time) })
	if q.Limit > 0 && len(out) > q.Limit {
		if q.From.IsZero() {
			return out[len(out)-q.Limit:], nil
		}
		return out[:q.Limit], nil
	}
	return out, nil
}

func (w *world) Inside(_ context.Context, viewer tracking.Party, area orb.MultiPolygon, from, to time.Time) ([]tracking.Presence, error) {
	if !from.Before(to) {
		return nil, tracking.ErrArea
	}
	return []tracking.Presence{{Unit: tracking.UnitID(fmt.Sprint(viewer.Role, len(area))), First: from, Last: from, Fixes: 1}}, nil
}

func (w *world) Events(_ context.Context, s tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error) {
	var out []tracking.Event
	for _, e := range w.events {
		if e.Shipment == s && (e.Seq > afterSeq || e.Seq == afterSeq && e.N > afterN) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (w *world) SavePlan(_ context.Context, owner tracking.PartyID, p routing.Plan) error {
	w.plans[p.ID], w.owners[p.ID] = p, owner
	return nil
}

// plans and planner give the two meanings of Plan.
type plans struct{ *world }

func (p plans) Plan(_ context.Context, id string) (routing.Plan, tracking.PartyID, error) {
	if plan, ok := p.plans[id]; ok {
		return plan, p.owners[id], nil
	}
	return routing.Plan{}, "", tracking.ErrNotFound
}

type planner struct{ *world }

func (p planner) Plan(_ context.Context, r routing.Request, _ routing.Conditions) (routing.Plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
	if p.fail != nil {
		return routing.Plan{}, p.fail
	}
	if r.Origin == "Qindao" {
		return routing.Plan{}, &geodata.UnknownPlaceError{Query: r.Origin, Nearest: []geodata.Place{{Code: "CNTAO", Names: geodata.Names{EN: "Qingdao"}, Country: "CN"}}}
	}
	if r.Cargo.WeightKG <= 0 {
		return routing.Plan{}, &routing.InputError{Field: "cargo.weight_kg", Message: "must be more than 0"}
	}
	at := func(h float64) time.Time { return r.Depart.Add(time.Duration(h * float64(time.Hour))) }
	option := func(id, corridor string, hours float64) routing.Option {
		return routing.Option{
			ID: id, Corridor: corridor, Title: corridor, Modes: []geodata.Mode{geodata.Road}, Depart: r.Depart,
			Arrive: routing.Instants{P10: at(hours * .9), P50: at(hours), P90: at(hours * 1.4)},
			Legs:   []routing.Leg{}, Via: []string{}, Badges: []string{}, Risks: []string{}, Segments: []routing.Segment{},
		}
	}
	return routing.Plan{
		Request: r, Origin: routing.Point{Code: r.Origin, Name: geodata.Names{EN: "Qingdao"}}, Destination: routing.Point{Code: r.Destination, Name: geodata.Names{EN: "Moscow"}},
		Options: []routing.Option{option("rail", "rail", 360), option("road-tir", "road-tir", 216)}, Excluded: []routing.Excluded{},
	}, nil
}

type places struct{}

func (places) Search(q string, limit int) []geodata.Match {
	port := geodata.Terminal{ID: "sea:CNTAO", Mode: geodata.Sea, Point: [2]float64{120.2, 36.01}}
	airport := geodata.Terminal{ID: "air:TAO", Mode: geodata.Air, Point: [2]float64{120.09, 36.36}, Codes: []string{"TAO", "ZSQD"}, Cargo: true}
	all := []geodata.Match{
		{ID: "CNTAO", Kind: geodata.KindSeaport, Terminal: &port, Place: geodata.Place{Code: "CNTAO", Names: geodata.Names{EN: "Qingdao", ZH: "青岛", RU: "Циндао"}, Country: "CN", Point: [2]float64{120.32, 36.07}, Functions: geodata.HasSeaport | geodata.HasRail}},
		{ID: "air:TAO", Kind: geodata.KindAirport, Terminal: &airport, Place: geodata.Place{Code: "CNTAO", Names: geodata.Names{EN: "Qingdao Jiaodong"}, Country: "CN", Point: [2]float64{120.09, 36.36}, Functions: geodata.HasAirport}},
		{ID: "Qingzhou, CN", Kind: geodata.KindCity, Place: geodata.Place{Names: geodata.Names{EN: "Qingzhou"}, Country: "CN", Point: [2]float64{118.48, 36.68}, Functions: geodata.IsCity}, Own: true},
	}
	return all[:min(limit, len(all))]
}

func (places) Locate(p orb.Point) (geodata.Location, error) {
	l := geodata.Location{Point: p, TimeZone: "Etc/GMT+9", AtSea: true}
	if p[0] > 0 {
		l = geodata.Location{
			Point: p, Country: "RU", Names: geodata.Names{EN: "Russia"}, TimeZone: "Europe/Simferopol",
			Region:  &geodata.Region{Code: "UA-43", Names: geodata.Names{EN: "Crimea"}, Disputed: true, ClaimedBy: []geodata.Country{"UA"}},
			Nearest: &geodata.Place{Code: "UASIP", Names: geodata.Names{EN: "Simferopol"}, Country: "RU"}, AwayKM: 12.345,
		}
	}
	return l, nil
}

// calm is a world in which nothing is out of the ordinary but one post.
type calm struct{}

func (calm) Border(id string, _ time.Time) (routing.Status, bool) {
	if id == "KHO-NUR" {
		return routing.Status{Regime: "congested", Dwell: &geodata.Dwell{P50: 40, P90: 90}, AsOf: "2026-11-20", Source: "observed"}, true
	}
	return routing.Status{}, false
}

func (calm) Passage(string, time.Time) (routing.Status, bool) { return routing.Status{}, false }
