package tracking

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata/path"
	"corridor/tracking/carnet"
)

// Carnet is a TIR carnet with what carries it. Its number is its identity.
type Carnet struct {
	carnet.Carnet
	Carrier  PartyID    `json:"carrier,omitempty"`  // whose it is, besides the office's
	Shipment ShipmentID `json:"shipment,omitempty"` // that travels under it, on whatever unit
	Unit     UnitID     `json:"unit,omitempty"`     // that travels under it, where there is no shipment
	Created  time.Time  `json:"created"`
}

// CarnetIssued puts a carnet to use. With a shipment the carnet goes with it from
// unit to unit, along its plan; with a unit it needs an itinerary of its own.
type CarnetIssued struct {
	Terms    carnet.Terms `json:"terms"`
	Carrier  PartyID      `json:"carrier,omitempty"`
	Shipment ShipmentID   `json:"shipment,omitempty"`
	Unit     UnitID       `json:"unit,omitempty"`
	By       PartyID      `json:"by"`
	At       time.Time    `json:"at"`
}

// CarnetStep is something that was done with a carnet.
type CarnetStep struct {
	Number string      `json:"number"`
	Step   carnet.Step `json:"step"`
	By     PartyID     `json:"by"`
	At     time.Time   `json:"at"` // when it was recorded
}

// CarnetBound says what carries a carnet from now on.
type CarnetBound struct {
	Number   string     `json:"number"`
	Shipment ShipmentID `json:"shipment,omitempty"`
	Unit     UnitID     `json:"unit,omitempty"`
	By       PartyID    `json:"by"`
	At       time.Time  `json:"at"`
}

// Kinds on disk, of the range kept for carnets.
const (
	kindCarnetIssued entryKind = 30
	kindCarnetStep   entryKind = 31
	kindCarnetBound  entryKind = 32
)

func (*CarnetIssued) kind() entryKind { return kindCarnetIssued }
func (*CarnetStep) kind() entryKind   { return kindCarnetStep }
func (*CarnetBound) kind() entryKind  { return kindCarnetBound }

func (e *CarnetIssued) appendBody(b []byte) ([]byte, error) { return appendDocument(b, e) }
func (e *CarnetStep) appendBody(b []byte) ([]byte, error)   { return appendDocument(b, e) }
func (e *CarnetBound) appendBody(b []byte) ([]byte, error)  { return appendDocument(b, e) }

// EventCarnet begins the kinds of events about carnets: it is followed by the kind of
// the step ("carnet-accept"), by issued or by bound. What the tracker notices has the
// kinds of package carnet. Where is the office or the country, Detail begins with the
// number.
const EventCarnet = "carnet-"

const objectCarnet = "carnet"

// How near an office counts (A): the yards of a border post lie kilometres apart.
const (
	atOfficeKM = 3
	atPostKM   = 5
	passedByKM = 25 // beyond an office between the ends, for it to be passed
	// evidenceWithin is how far in time a fix may lie from a step to be shown with it.
	evidenceWithin = time.Hour
	// paceKMH is a lorry's pace with all stops, where no plan tells another: CAREC
	// corridors, 2023.
	paceKMH = 31.4
	// waysAtOnce bounds how long one Due takes: a way is a plan's geometry read anew.
	waysAtOnce = 100
)

// carnets is the part of the state that is about carnets.
type carnets struct {
	all map[string]*heldCarnet
	on  map[UnitID][]*heldCarnet // those under way, by the unit that carries them
	of  map[ShipmentID][]*heldCarnet
}

func newCarnets() carnets {
	return carnets{map[string]*heldCarnet{}, map[UnitID][]*heldCarnet{}, map[ShipmentID][]*heldCarnet{}}
}

type heldCarnet struct {
	Carnet
	unit UnitID // under which it is in carnets.on; empty: under none
	way  *carnetWay
}

// carnetWay is where a carnet leads, prepared for fixes.
type carnetWay struct {
	line    *path.Line
	offices []wayOffice
	exits   []float64 // of the operations, along the line
	route   *route    // of the shipment, when the line is its plan

	// Where the unit was seen last, so that asking what is due looks nothing up.
	unit  UnitID
	ms    int64
	along float64
}

type wayOffice struct {
	point     orb.Point
	at        float64 // along the line, km, rising
	operation int
	reachKM   float64
}

func (s *State) restoreCarnet(d Object) error {
	h := &heldCarnet{}
	if err := json.Unmarshal(d.Body, &h.Carnet); err != nil {
		return fmt.Errorf("restore carnet %s: %w", d.ID, err)
	}
	s.carnets.all[d.ID] = h
	return nil
}

// placeCarnets ties carnets to units and shipments once all are restored.
func (s *State) placeCarnets() error {
	for _, id := range slices.Sorted(maps.Keys(s.carnets.all)) {
		h := s.carnets.all[id]
		if h.Shipment != "" {
			if _, ok := s.shipments[h.Shipment]; !ok {
				return fmt.Errorf("restore: carnet %s goes with shipment %s, which the store does not have", id, h.Shipment)
			}
		}
		s.place(h)
	}
	return nil
}

func (s *State) carnetObjects(out []Object) ([]Object, error) {
	for _, id := range slices.Sorted(maps.Keys(s.carnets.all)) {
		d, err := object(objectCarnet, id, s.carnets.all[id].Carnet)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// place puts a carnet where its unit's fixes, and its shipment's changes, find it.
func (s *State) place(h *heldCarnet) {
	without := func(list []*heldCarnet) []*heldCarnet {
		return slices.DeleteFunc(slices.Clone(list), func(x *heldCarnet) bool { return x == h })
	}
	if list := without(s.carnets.on[h.unit]); len(list) > 0 {
		s.carnets.on[h.unit] = list
	} else {
		delete(s.carnets.on, h.unit)
	}
	h.unit = ""
	if h.Active() {
		if h.unit = h.Unit; h.Shipment != "" {
			h.unit = s.shipments[h.Shipment].Unit
		}
	}
	byNumber := func(a, b *heldCarnet) int { return strings.Compare(a.Number, b.Number) }
	if h.unit != "" {
		list := append(slices.Clone(s.carnets.on[h.unit]), h)
		slices.SortFunc(list, byNumber)
		s.carnets.on[h.unit] = list
	}
	if h.Shipment != "" && !slices.Contains(s.carnets.of[h.Shipment], h) {
		list := append(slices.Clone(s.carnets.of[h.Shipment]), h)
		slices.SortFunc(list, byNumber)
		s.carnets.of[h.Shipment] = list
	}
}

// signature is how the journal names a party.
func (s *State) signature(id PartyID) string {
	if p, ok := s.parties[id]; ok {
		return p.Name + " (" + string(id) + ")"
	}
	return string(id)
}

// evidence is where the unit of a carnet was last seen, if that was about then.
func (s *State) evidence(h *heldCarnet, at time.Time) *carnet.Evidence {
	u, ok := s.units[h.unit]
	if !ok || !u.located || time.UnixMilli(u.ms).Sub(at).Abs() > evidenceWithin {
		return nil
	}
	f := u.state().Latest
	e := evidenceOf(f)
	return &e
}

func evidenceOf(f *Fix) carnet.Evidence {
	return carnet.Evidence{Unit: string(f.Unit), Lat: f.Lat, Lon: f.Lon, Time: f.Time, Received: f.Received, Log: f.Seq}
}

func (f *folding) carnetIssued(e *CarnetIssued) {
	c, err := f.CheckCarnet(e)
	if err != nil {
		return
	}
	// Issued by a record: the journal names it.
	h := &heldCarnet{Carnet: c}
	issued, err := carnet.New(e.Terms, e.At, f.signature(e.By), f.c.To)
	if err != nil {
		return
	}
	h.Carnet.Carnet = issued
	f.State.carnets.all[h.Number] = h
	f.place(h)
	f.touchCarnet(h)
	f.carnetEvent(h, carnet.Notice{Kind: EventCarnet + "issued", Country: h.Countries[0], Text: h.Journal[0].Text}, e.At, nil)
}

// CheckCarnet tells what a carnet will be that is put to use, or why it cannot.
// ErrConflict: its number, its shipment or its unit has one already; ErrNotFound:
// there is no such shipment or carrier; *carnet.Error: its terms make no sense.
func (s *State) CheckCarnet(e *CarnetIssued) (Carnet, error) {
	c, err := carnet.New(e.Terms, e.At, s.signature(e.By), s.seq+1)
	if err != nil {
		return Carnet{}, err
	}
	out := Carnet{Carnet: c, Carrier: e.Carrier, Shipment: e.Shipment, Unit: e.Unit, Created: e.At}
	if _, ok := s.carnets.all[c.Number]; ok {
		return Carnet{}, fmt.Errorf("carnet %s was put to use before; a number is never used again: %w", c.Number, ErrConflict)
	}
	if p, ok := s.parties[e.Carrier]; e.Carrier != "" && (!ok || p.Role != Carrier) {
		return Carnet{}, &carnet.Error{Field: "carrier", Reason: fmt.Sprintf("there is no carrier %q", e.Carrier)}
	}
	return out, s.checkBinding(c.Number, &c, e.Shipment, e.Unit)
}

// checkBinding tells why a carnet cannot go with a shipment or a unit.
func (s *State) checkBinding(number string, c *carnet.Carnet, id ShipmentID, unit UnitID) error {
	if (id == "") == (unit == "") {
		return &carnet.Error{Field: "shipment", Reason: "say what travels under the carnet: a shipment or a unit, one of them"}
	}
	if id == "" {
		if err := ValidateUnit(unit); err != nil {
			return &carnet.Error{Field: "unit", Reason: err.Error()}
		}
		if len(c.Itinerary) == 0 {
			return &carnet.Error{Field: "itinerary", Reason: "give the prescribed way as a list of [lon, lat], or bind the carnet to a shipment, whose plan is the way"}
		}
		return s.freeOfCarnets(unit, number)
	}
	sh, ok := s.shipments[id]
	switch {
	case !ok:
		return fmt.Errorf("shipment %q: %w", id, ErrNotFound)
	case sh.Ended():
		return fmt.Errorf("shipment %s has ended (%s): %w", id, sh.Status, ErrConflict)
	}
	for _, other := range s.carnets.of[id] {
		if other.Active() && other.Number != number {
			return fmt.Errorf("shipment %s travels under carnet %s; terminate that first: %w", id, other.Number, ErrConflict)
		}
	}
	if sh.Unit == "" {
		return nil
	}
	return s.freeOfCarnets(sh.Unit, number)
}

// freeOfCarnets refuses a unit that is under another carnet. ErrConflict.
func (s *State) freeOfCarnets(unit UnitID, number string) error {
	for _, other := range s.carnets.on[unit] {
		if other.Number != number {
			return fmt.Errorf("unit %s is under carnet %s; terminate that first: %w", unit, other.Number, ErrConflict)
		}
	}
	return nil
}

// CheckCarnetMove refuses to put a shipment that travels under a carnet on a unit
// that is under another. ErrConflict.
func (s *State) CheckCarnetMove(id ShipmentID, unit UnitID) error {
	for _, h := range s.carnets.of[id] {
		if h.Active() {
			return s.freeOfCarnets(unit, h.Number)
		}
	}
	return nil
}

func (f *folding) carnetStep(e *CarnetStep) {
	h, ok := f.State.carnets.all[e.Number]
	if !ok {
		return
	}
	after, err := f.apply(h, e)
	if err != nil {
		return
	}
	h.Carnet.Carnet, h.way = after, nil // it may be another way
	f.place(h)
	f.touchCarnet(h)
	line := after.Journal[len(after.Journal)-1]
	f.carnetEvent(h, carnet.Notice{Kind: EventCarnet + line.Kind, Country: line.Country, Office: line.Office, Text: line.Text}, line.At, line.Seen)
}

func (s *State) apply(h *heldCarnet, e *CarnetStep) (carnet.Carnet, error) {
	return h.Apply(e.Step, s.signature(e.By), s.seq+1, s.evidence(h, e.Step.At))
}

// CheckStep tells what a step would make of a carnet, or why it cannot be done.
func (s *State) CheckStep(e *CarnetStep) (carnet.Carnet, error) {
	h, ok := s.carnets.all[e.Number]
	if !ok {
		return carnet.Carnet{}, fmt.Errorf("carnet %q: %w", e.Number, ErrNotFound)
	}
	return s.apply(h, e)
}

func (f *folding) carnetBound(e *CarnetBound) {
	if f.CheckBound(e) != nil {
		return
	}
	h := f.State.carnets.all[e.Number]
	seen := f.evidence(h, e.At)
	h.Shipment, h.Unit, h.way = e.Shipment, e.Unit, nil
	for id, list := range f.State.carnets.of {
		if id != h.Shipment && slices.Contains(list, h) {
			f.State.carnets.of[id] = slices.DeleteFunc(slices.Clone(list), func(x *heldCarnet) bool { return x == h })
		}
	}
	f.place(h)
	f.bound(h, e.At, f.signature(e.By), seen)
}

// bound writes down what carries a carnet.
func (f *folding) bound(h *heldCarnet, at time.Time, by string, seen *carnet.Evidence) {
	to := "goes with unit " + string(h.unit)
	switch {
	case h.Shipment != "" && h.unit == "":
		to = "goes with shipment " + string(h.Shipment)
	case h.Shipment != "":
		to = "goes with shipment " + string(h.Shipment) + " on unit " + string(h.unit)
	}
	h.Carnet.Carnet = h.Bound(to, at, by, f.c.To, seen)
	f.touchCarnet(h)
	f.carnetEvent(h, carnet.Notice{Kind: EventCarnet + "bound", Text: to}, at, seen)
}

// CheckBound tells why a carnet cannot go with something else.
func (s *State) CheckBound(e *CarnetBound) error {
	h, ok := s.carnets.all[e.Number]
	switch {
	case !ok:
		return fmt.Errorf("carnet %q: %w", e.Number, ErrNotFound)
	case !h.Active():
		return fmt.Errorf("carnet %s is %s: nothing travels under it any more: %w", e.Number, h.Stage, ErrConflict)
	}
	return s.checkBinding(e.Number, &h.Carnet.Carnet, e.Shipment, e.Unit)
}

// carried takes the carnets of a shipment to the unit it is on now.
func (f *folding) carried(sh *shipment, at time.Time) {
	for _, h := range f.State.carnets.of[sh.ID] {
		if !h.Active() || h.unit == sh.Unit {
			continue
		}
		seen := f.evidence(h, at)
		f.place(h)
		f.bound(h, at, carnet.Tracker, seen)
	}
}

func (f *folding) touchCarnet(h *heldCarnet) {
	if !slices.Contains(f.carnets, h) {
		f.carnets = append(f.carnets, h)
	}
}

func (f *folding) keepCarnets() {
	for _, h := range f.carnets {
		if d, err := object(objectCarnet, h.Number, h.Carnet); err == nil { // it came as JSON
			f.c.Objects = append(f.c.Objects, d)
		}
	}
}

func (f *folding) carnetEvent(h *heldCarnet, n carnet.Notice, at time.Time, seen *carnet.Evidence) {
	e := Event{
		Kind: n.Kind, Time: at, Unit: h.unit, Shipment: h.Shipment, Where: cmp.Or(n.Office, string(n.Country)),
		Detail: strings.TrimSuffix(h.Number+": "+n.Text, ": "),
	}
	if h.Unit != "" {
		e.Unit = h.Unit
	}
	if i := slices.IndexFunc(h.Offices, func(o carnet.Office) bool { return o.ID == n.Office }); i >= 0 {
		e.Where = h.Offices[i].Name
	}
	if seen != nil {
		lat, lon := seen.Lat, seen.Lon
		e.Lat, e.Lon = &lat, &lon
	}
	f.event(e)
}

// wayOf prepares the way of a carnet; nil when its shipment has none.
func (s *State) wayOf(h *heldCarnet) *carnetWay {
	if h.way != nil {
		return h.way
	}
	w := &carnetWay{}
	if len(h.Itinerary) > 1 {
		line := make(orb.LineString, len(h.Itinerary))
		for i, p := range h.Itinerary {
			line[i] = p
		}
		w.line = path.NewLine(line)
	} else if sh, ok := s.shipments[h.Shipment]; ok {
		w.route = newRoute(&sh.Shipment)
		w.line = w.route.line
	} else {
		return nil
	}
	behind := 0.0
	for _, o := range h.Offices {
		along, _ := w.line.Project(orb.Point{o.Lon, o.Lat})
		if w.route != nil {
			if i := slices.IndexFunc(w.route.posts, func(p routePost) bool { return o.Post != "" && p.post.ID == o.Post }); i >= 0 {
				along = w.route.posts[i].at
			}
		}
		behind = math.Max(behind, along)
		x := wayOffice{orb.Point{o.Lon, o.Lat}, behind, h.NumberOf(o.ID), atOfficeKM}
		if o.Role == carnet.Exit || o.Role == carnet.Entry {
			x.reachKM = atPostKM
		}
		w.offices = append(w.offices, x)
	}
	w.exits = make([]float64, len(h.Operations))
	for _, x := range w.offices { // the last of an operation is its exit
		w.exits[x.operation] = x.at
	}
	h.way = w
	return w
}

// sight tells a carnet of its unit's new latest fix.
func (f *folding) sight(h *heldCarnet, fix *Fix) {
	w := f.wayOf(h)
	if w == nil {
		return
	}
	here := orb.Point{fix.Lon, fix.Lat}
	along, off := w.line.Project(here)
	w.unit, w.ms, w.along = fix.Unit, fix.Time.UnixMilli(), along
	s := carnet.Sighting{Evidence: evidenceOf(fix), OffKM: off, CorridorKM: cmp.Or(h.CorridorKM, carnet.CorridorKM)}
	if w.route != nil && h.CorridorKM == 0 {
		s.CorridorKM = corridorKM(w.route.at(along).mode)
	}
	if s.OnWay = off <= s.CorridorKM; s.OnWay {
		for i, exit := range w.exits[:len(w.exits)-1] {
			if along >= exit+passedKM {
				s.Beyond = i + 1
			}
		}
		for i := range w.offices {
			if along >= w.offices[i].at+passedByKM {
				s.Passed++
			}
		}
	}
	nearest := math.Inf(1)
	for i := range w.offices {
		o := &w.offices[i]
		// Farther than any reach by the latitude alone: most are.
		if math.Abs(o.point[1]-here[1]) > 0.1 {
			continue
		}
		d := path.Distance(here, o.point)
		if d > o.reachKM {
			continue
		}
		s.AtOffice = true
		if d < nearest && (!s.OnWay || o.operation == s.Beyond) {
			nearest, s.Office, s.OfficeKM = d, h.Offices[i].ID, d
		}
	}
	s.ExitAt = w.exitAt(&h.Carnet.Carnet, along, fix.Time)
	s.Open, s.SealNumber = compartment(fix.Sensors)
	f.observe(h, s)
}

func (f *folding) observe(h *heldCarnet, s carnet.Sighting) {
	after, said, changed := h.Observe(s, f.c.To)
	if !changed {
		return
	}
	h.Carnet.Carnet = after
	f.touchCarnet(h)
	for _, n := range said {
		var seen *carnet.Evidence
		if !s.Silent {
			seen = &s.Evidence
		}
		f.carnetEvent(h, n, s.Time, seen)
	}
}

// silent is what the time alone says of a carnet: when the exit will be reached at the
// earliest from where the unit was seen last.
func (s *State) silent(h *heldCarnet, now time.Time, w *carnetWay) carnet.Sighting {
	out := carnet.Sighting{Evidence: carnet.Evidence{Time: now}, Silent: true}
	if u, ok := s.units[h.unit]; ok && u.located && w != nil && h.Running() >= 0 {
		along := w.along
		if w.unit != u.id || w.ms != u.ms {
			along, _ = w.line.Project(u.point())
		}
		out.ExitAt = w.exitAt(&h.Carnet.Carnet, along, now)
	}
	return out
}

// overdue lists the carnets of which something is to be told by that time though
// nothing was heard, by number.
func (s *State) overdue(now time.Time, way func(*heldCarnet) *carnetWay) []*heldCarnet {
	var out []*heldCarnet
	for _, h := range s.carnets.all {
		if !h.Active() {
			continue
		}
		var w *carnetWay
		if i := h.Running(); i >= 0 && h.Operations[i].Limit != nil {
			w = way(h)
		}
		if _, said, _ := h.Observe(s.silent(h, now, w), s.seq); len(said) > 0 {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *heldCarnet) int { return strings.Compare(a.Number, b.Number) })
	return out
}

// exitAt is when the operation under way is expected to end; nil when nobody asks,
// for it has no time limit, or the exit lies behind.
func (w *carnetWay) exitAt(c *carnet.Carnet, along float64, from time.Time) *time.Time {
	i := c.Running()
	if i < 0 || c.Operations[i].Limit == nil {
		return nil
	}
	exit := w.exits[i]
	if along >= exit {
		return nil
	}
	left := (exit - along) / paceKMH
	if w.route != nil {
		left = math.Max(0, w.route.remaining(along).p50-w.route.remaining(exit).p50)
	}
	at := from.Add(hours(left))
	return &at
}

// compartment reads what a box says of the load compartment: whether it is open, and
// the number of an electronic seal. It says it by "seal" (open, opened, broken, cut
// or tampered), "door" or "doors" (open, true or 1), "seal_open", "seal_broken" or
// "door_open" (true or 1), and "seal_number" or "seal_id". Anything else is no news.
func compartment(sensors json.RawMessage) (open bool, number string) {
	if len(sensors) == 0 {
		return false, ""
	}
	var all map[string]any
	if json.Unmarshal(sensors, &all) != nil {
		return false, ""
	}
	for k, v := range all {
		text, _ := v.(string)
		text = strings.ToLower(strings.TrimSpace(text))
		yes := v == true || v == 1.0
		switch strings.ToLower(k) {
		case "seal":
			open = open || slices.Contains([]string{"open", "opened", "broken", "cut", "tampered"}, text)
		case "door", "doors":
			open = open || yes || text == "open" || text == "opened"
		case "seal_open", "seal_broken", "door_open":
			open = open || yes
		case "seal_number":
			number = cmp.Or(strings.ToUpper(text), number)
		case "seal_id":
			number = cmp.Or(number, strings.ToUpper(text))
		}
	}
	return open, number
}

// Carnet returns a carnet by its number.
func (s *State) Carnet(number string) (Carnet, bool) {
	h, ok := s.carnets.all[number]
	if !ok {
		return Carnet{}, false
	}
	return h.Carnet, true
}

// CarnetUnit is the unit that carries a carnet now; "" when none does.
func (s *State) CarnetUnit(number string) UnitID {
	if h, ok := s.carnets.all[number]; ok {
		return h.unit
	}
	return ""
}

// Carnets lists the carnets the viewer may read, newest first.
func (s *State) Carnets(viewer Party) []Carnet {
	var out []Carnet
	for _, h := range s.carnets.all {
		if s.mayReadCarnet(viewer, h) {
			out = append(out, h.Carnet)
		}
	}
	slices.SortFunc(out, func(a, b Carnet) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.Number, b.Number))
	})
	return out
}

// MayReadCarnet tells whether the viewer may see a carnet: the office all, a carrier
// its own and those its units carry, a shipper those of its shipments.
func (s *State) MayReadCarnet(viewer Party, number string) bool {
	h, ok := s.carnets.all[number]
	return ok && s.mayReadCarnet(viewer, h)
}

func (s *State) mayReadCarnet(viewer Party, h *heldCarnet) bool {
	switch viewer.Role {
	case Admin, Dispatcher:
		return true
	case Carrier:
		u, ok := s.units[h.unit]
		return h.Carrier == viewer.ID || ok && u.carrier == viewer.ID
	case Shipper:
		sh, ok := s.shipments[h.Shipment]
		return ok && sh.Owner == viewer.ID
	}
	return false
}

// CarnetsOf lists the carnets a shipment travels or travelled under.
func (s *State) CarnetsOf(id ShipmentID) []Carnet {
	var out []Carnet
	for _, h := range s.carnets.of[id] {
		out = append(out, h.Carnet)
	}
	return out
}

// CarnetByHead finds the carnet whose journal holds an entry with the hash, and the
// number of the entry.
func (s *State) CarnetByHead(hash string) (Carnet, int, bool) {
	for _, h := range s.carnets.all {
		if n := h.Holds(hash); n > 0 {
			return h.Carnet, n, true
		}
	}
	return Carnet{}, 0, false
}
