package tracking_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/fence"
	"corridor/tracking/plausible"
)

// TestScenarios plays the files of testdata/scenarios. A line is one of
//
//	leg NAME mode=road via=LAT,LON;LAT,LON;… km=322 hours=P10/P50/P90 border=ID@KM:CN>RU:P10/P50/P90
//	    [wait=HOURS] [every=HOURS] [from=port] [to=rail-terminal]      what its ends are
//	open SHIPMENT legs=NAME;NAME… [hours=P10/P50/P90] [promise=TIME] [owner=PARTY] [temp=2..8]
//	assign SHIPMENT UNIT
//	TIME UNIT LAT,LON [KEY=VALUE…]    a position (device time); speed= in km/h, received=TIME, mode=, others are sensors
//	clock TIME                        the time is read into the log, if anything is due by then
//	fence ID circle LAT,LON METRES [exit=METRES] [dwell=MINUTES]
//	rule ID KIND;KIND… [severity=warning] [party=PARTY] [hooks=ID;ID]     an alert rule of the office, or of a party
//	hook ID                           somewhere to send alerts to
//	act N TIME WHAT [until=TIME]      somebody acts on the N-th alert ever raised
//	settle N HOOK STATE               a delivery of it has ended
//	alert N STATE [count=N] [deliveries=HOOK:STATE;…]    what became of it
//	without KIND…                     events that this file is not about
//	expect TIME KIND SUBJECT [WHERE]  the next event; SUBJECT is its shipment, or its unit or - when it has none
//	doubt KIND                        what is thought of the last position; none
//	expect nothing                    no event since the last one expected
//	eta SHIPMENT KEY=VALUE…           p50 and the like within a minute, on-time, done, total, off, connection, next (- for none)
//	cancel SHIPMENT TIME
//	milestones SHIPMENT KIND@KM=STATE…  passed, passed/TIME, P10/P50/P90 as times, or - while nothing is known
//	unit UNIT LAT,LON shipment=ID|- [MODE]   where the unit is, and how it travels
//
// TIME is HH:MM on the first day or D+HH:MM. The plan departs at 00:00 of day 0
// unless leg 1 says depart=TIME. Everything is done three times: as the records
// come, over a state restored from a store after every line, and over one restored
// from its snapshot after every line, as after a restart.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		for _, restored := range []string{"no", "store", "snapshot"} {
			t.Run(fmt.Sprintf("%s/restored=%s", strings.TrimSuffix(filepath.Base(f), ".txt"), restored), func(t *testing.T) {
				p := &play{t: t, state: tracking.NewState(), legs: map[string]routing.Leg{}, objects: map[[2]string]tracking.Object{}, restored: restored}
				if err := p.state.RestoreDone(0); err != nil {
					t.Fatal(err)
				}
				p.file(f)
			})
		}
	}
}

type play struct {
	t        *testing.T
	state    *tracking.State
	legs     map[string]routing.Leg
	events   []tracking.Event // not expected yet
	restored string
	only     string // how the kinds of events that are looked at begin
	all      tracking.Changes
	objects  map[[2]string]tracking.Object
	without  []string
	doubt    plausible.Doubt
	where    string
}

func (p *play) file(name string) {
	f, err := os.Open(name)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for n := 1; s.Scan(); n++ {
		line, _, _ := strings.Cut(s.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		p.where = fmt.Sprintf("%s:%d", name, n)
		p.line(words)
		if p.restored != "no" {
			p.restore()
		}
	}
	if err := s.Err(); err != nil {
		p.t.Fatal(err)
	}
	if len(p.events) > 0 {
		p.t.Errorf("%s: left over: %s", name, show(p.events))
	}
}

func (p *play) fatal(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s: %s", p.where, fmt.Sprintf(format, args...))
}

func (p *play) time(s string) time.Time {
	p.t.Helper()
	days := 0
	if d, rest, ok := strings.Cut(s, "+"); ok {
		days, s = int(p.number(d)), rest
	}
	var h, m int
	if _, err := fmt.Sscanf(s, "%d:%d", &h, &m); err != nil {
		p.fatal("time %q: %v", s, err)
	}
	return day.AddDate(0, 0, days).Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
}

func (p *play) number(s string) float64 {
	p.t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		p.fatal("%v", err)
	}
	return v
}

func (p *play) point(s string) (lat, lon float64) {
	p.t.Helper()
	a, b, _ := strings.Cut(s, ",")
	return p.number(a), p.number(b)
}

func (p *play) hours(s string) routing.Hours {
	p.t.Helper()
	q := strings.Split(s, "/")
	if len(q) != 3 {
		p.fatal("hours %q: want P10/P50/P90", s)
	}
	return routing.Hours{P10: p.number(q[0]), P50: p.number(q[1]), P90: p.number(q[2])}
}

func options(words []string) map[string]string {
	out := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		out[k] = v
	}
	return out
}

func (p *play) line(w []string) {
	p.t.Helper()
	if p.carnetLine(w) {
		return
	}
	switch w[0] {
	case "leg":
		p.leg(w[1], options(w[2:]))
	case "open":
		p.open(tracking.ShipmentID(w[1]), options(w[2:]))
	case "assign":
		p.apply(&tracking.UnitAssigned{Shipment: tracking.ShipmentID(w[1]), Carrier: "carrier", Unit: tracking.UnitID(w[2]), At: day, Mode: geodata.Road})
	case "without":
		p.without = append(p.without, w[1:]...)
	case "clock":
		if at := p.time(w[1]); p.state.Due(at) {
			p.apply(&tracking.ClockRead{At: at})
		}
	case "fence":
		p.fence(w)
	case "rule", "hook", "act", "settle", "alert":
		p.alertLine(w)
	case "doubt":
		if got := cmp.Or(p.doubt.String(), "none"); got != w[1] {
			p.fatal("the position is thought to be %s, want %s", got, w[1])
		}
	case "expect":
		p.expect(w[1:])
	case "cancel":
		p.apply(&tracking.ShipmentCancelled{Shipment: tracking.ShipmentID(w[1]), At: p.time(w[2])})
	case "milestones":
		p.milestones(tracking.ShipmentID(w[1]), w[2:])
	case "eta":
		p.eta(tracking.ShipmentID(w[1]), options(w[2:]))
	case "unit":
		p.unit(w)
	default:
		p.position(w)
	}
}

func (p *play) position(w []string) {
	p.t.Helper()
	if len(w) < 3 {
		p.fatal("%q is not a line", strings.Join(w, " "))
	}
	lat, lon := p.point(w[2])
	e := &tracking.Positions{Carrier: "carrier", Received: p.time(w[0]).Add(time.Second)}
	x := tracking.Position{Unit: tracking.UnitID(w[1]), Time: p.time(w[0]), Lat: lat, Lon: lon}
	sensors := map[string]json.RawMessage{}
	for k, v := range options(w[3:]) {
		switch k {
		case "speed":
			x.SpeedKMH = tracking.Known(p.number(v))
		case "received":
			e.Received = p.time(v)
		case "mode":
			e.Mode = geodata.Mode(v)
		default:
			if !json.Valid([]byte(v)) {
				v = strconv.Quote(v)
			}
			sensors[k] = json.RawMessage(v)
		}
	}
	if len(sensors) > 0 {
		x.Sensors, _ = json.Marshal(sensors)
	}
	e.Positions = []tracking.Position{x}
	p.apply(e)
}

var office = tracking.Party{ID: "office", Role: tracking.Dispatcher, Created: day}

func (p *play) alertLine(w []string) {
	p.t.Helper()
	nth := func() tracking.AlertID {
		n := int(p.number(w[1]))
		for _, e := range p.all.Events {
			if e.Kind == tracking.EventAlert {
				if n--; n == 0 {
					return tracking.AlertID(e.Where)
				}
			}
		}
		p.fatal("there is no alert %s", w[1])
		return ""
	}
	switch w[0] {
	case "rule":
		o := options(w[3:])
		r := tracking.AlertRule{ID: tracking.RuleID(w[1]), Name: w[1], Party: tracking.PartyID(cmp.Or(o["party"], string(office.ID))), Kinds: strings.Split(w[2], ";"), Severity: tracking.Severity(cmp.Or(o["severity"], "warning")), Created: day}
		for _, h := range strings.Split(o["hooks"], ";") {
			if h != "" {
				r.Hooks = append(r.Hooks, tracking.HookID(h))
			}
		}
		if err := tracking.ValidateRule(r); err != nil {
			p.fatal("%v", err)
		}
		if _, ok := p.state.Party(office.ID); !ok {
			p.apply(&tracking.PartyCreated{Party: office})
			p.apply(&tracking.PartyCreated{Party: tracking.Party{ID: "shipper", Role: tracking.Shipper, Created: day}})
			p.apply(&tracking.PartyCreated{Party: tracking.Party{ID: "other", Role: tracking.Shipper, Created: day}})
		}
		p.apply(&tracking.RuleSet{Rule: r})
	case "hook":
		h := tracking.Hook{ID: tracking.HookID(w[1]), Name: w[1], Party: office.ID, URL: "https://tms.example/", Secret: "s", Created: day}
		if err := tracking.ValidateHook(h); err != nil {
			p.fatal("%v", err)
		}
		p.apply(&tracking.HookSet{Hook: h})
	case "act":
		a := tracking.Action{What: w[3], By: office.ID, At: p.time(w[2]), Reason: "because", Owner: "night desk"}
		if v, ok := options(w[4:])["until"]; ok {
			until := p.time(v)
			a.Until = &until
		}
		if err := tracking.ValidateAction(a); err != nil {
			p.fatal("%v", err)
		}
		p.apply(&tracking.AlertActed{Alert: nth(), Action: a})
	case "settle":
		p.apply(&tracking.DeliverySettled{Alert: nth(), Hook: tracking.HookID(w[2]), Round: int(p.number(options(w[4:])["round"])), State: w[3], Attempts: 1, At: day})
	case "alert":
		a, ok := p.state.Alert(office, nth())
		if !ok || a.State != w[2] {
			p.fatal("the alert is %+v", a)
		}
		o := options(w[3:])
		if v, ok := o["count"]; ok && a.Count != int(p.number(v)) {
			p.fatal("it counts %d", a.Count)
		}
		if v, ok := o["deliveries"]; ok {
			var got []string
			for _, d := range a.Deliveries {
				got = append(got, fmt.Sprintf("%s:%s", d.Hook, d.State))
			}
			if strings.Join(got, ";") != v {
				p.fatal("its deliveries are %v", got)
			}
		}
	}
}

func (p *play) fence(w []string) {
	p.t.Helper()
	lat, lon := p.point(w[3])
	f := tracking.Fence{ID: tracking.FenceID(w[1]), Name: w[1], Created: day, Shape: fence.Shape{Circle: &fence.Circle{Lat: lat, Lon: lon, RadiusM: p.number(w[4])}}}
	for k, v := range options(w[5:]) {
		switch k {
		case "exit":
			f.Rule.ExitM = p.number(v)
		case "dwell":
			f.Rule.Dwell = time.Duration(p.number(v) * float64(time.Minute))
		}
	}
	p.apply(&tracking.FenceSet{Fence: f})
}

func (p *play) apply(e tracking.Entry) {
	p.t.Helper()
	c, err := p.state.Apply(p.state.Seq()+1, e)
	if err != nil {
		p.fatal("%v", err)
	}
	for _, x := range c.Events {
		if strings.HasPrefix(x.Kind, p.only) && !slices.Contains(p.without, x.Kind) {
			p.events = append(p.events, x)
		}
	}
	if n := len(c.Fixes); n > 0 {
		p.doubt = c.Fixes[n-1].Doubt
	}
	for _, o := range c.Objects {
		if o.Body == nil {
			delete(p.objects, [2]string{o.Kind, o.ID})
		} else {
			p.objects[[2]string{o.Kind, o.ID}] = o
		}
	}
	p.all.Events = append(p.all.Events, c.Events...)
	p.all.Units = append(p.all.Units, c.Units...)
	p.all.Parties = append(p.all.Parties, c.Parties...)
	p.all.Shipments = append(p.all.Shipments, c.Shipments...)
	p.all.Progress = append(p.all.Progress, c.Progress...)
	p.all.Objects = append(p.all.Objects, c.Objects...)
}

// restore makes the state anew from what a store would have kept.
func (p *play) restore() {
	p.t.Helper()
	units := map[tracking.UnitID]tracking.UnitState{}
	for _, u := range p.all.Units {
		units[u.Unit] = u
	}
	ships := map[tracking.ShipmentID]tracking.Shipment{}
	for _, s := range p.all.Shipments {
		ships[s.ID] = s
	}
	progress := map[tracking.ShipmentID]tracking.Progress{}
	for _, x := range p.all.Progress {
		progress[x.Shipment] = x
	}
	if p.restored == "snapshot" {
		p.state = reloaded(p.t, p.state)
		return
	}
	s := tracking.NewState()
	for _, x := range progress {
		_ = s.Restore(tracking.Changes{Progress: []tracking.Progress{x}})
	}
	for _, x := range p.all.Parties {
		_ = s.Restore(tracking.Changes{Parties: []tracking.Party{x}})
	}
	for _, o := range p.objects {
		if err := s.Restore(tracking.Changes{Objects: []tracking.Object{o}}); err != nil {
			p.fatal("%v", err)
		}
	}
	for _, u := range units {
		_ = s.Restore(tracking.Changes{Units: []tracking.UnitState{u}})
	}
	objects := map[[2]string]tracking.Object{}
	for _, x := range p.all.Objects {
		objects[[2]string{x.Kind, x.ID}] = x
	}
	for _, x := range objects {
		if x.Body == nil {
			continue
		}
		if err := s.Restore(tracking.Changes{Objects: []tracking.Object{x}}); err != nil {
			p.fatal("%v", err)
		}
	}
	for _, x := range ships {
		_ = s.Restore(tracking.Changes{Shipments: []tracking.Shipment{x}})
	}
	if err := s.RestoreDone(p.state.Seq()); err != nil {
		p.fatal("%v", err)
	}
	for id := range units {
		a, _ := p.state.Unit(id)
		b, _ := s.Unit(id)
		ja, _ := json.Marshal(a)
		jb, _ := json.Marshal(b)
		if string(ja) != string(jb) {
			p.fatal("unit restored as %s, was %s", jb, ja)
		}
	}
	p.state = s
}

func (p *play) leg(name string, o map[string]string) {
	p.t.Helper()
	l := routing.Leg{Mode: geodata.Mode(o["mode"]), DistanceKM: p.number(o["km"]), TransitHours: p.hours(o["hours"])}
	var coordinates [][2]float64
	for _, s := range strings.Split(o["via"], ";") {
		lat, lon := p.point(s)
		coordinates = append(coordinates, [2]float64{lon, lat})
	}
	first, last := coordinates[0], coordinates[len(coordinates)-1]
	l.From = routing.Point{Name: geodata.Names{EN: name + "-start"}, Lat: first[1], Lon: first[0]}
	l.To = routing.Point{Name: geodata.Names{EN: name + "-end"}, Lat: last[1], Lon: last[0]}
	l.From.Kind, l.To.Kind = o["from"], o["to"]
	if o["geometry"] != "none" {
		g, err := json.Marshal(map[string]any{"type": "LineString", "coordinates": coordinates})
		if err != nil {
			p.fatal("%v", err)
		}
		l.Geometry = g
	}
	if b, ok := o["border"]; ok {
		id, rest, _ := strings.Cut(b, "@")
		part := strings.Split(rest, ":")
		from, to, _ := strings.Cut(part[1], ">")
		l.Borders = []routing.Border{{
			ID: id, Name: id, From: geodata.Country(from), To: geodata.Country(to),
			AtKM: p.number(part[0]), DwellHours: p.hours(part[2]),
		}}
	}
	if v, ok := o["every"]; ok {
		l.EveryHours = p.number(v)
	}
	l.Depart = day // open shifts it
	if d, ok := o["wait"]; ok {
		l.Depart = day.Add(time.Duration(p.number(d) * float64(time.Hour)))
	}
	p.legs[name] = l
}

func (p *play) open(id tracking.ShipmentID, o map[string]string) {
	p.t.Helper()
	s := tracking.Shipment{ID: id, Owner: "shipper", Opened: day.Add(time.Duration(len(p.all.Shipments)) * time.Nanosecond), Status: tracking.Planned}
	if v, ok := o["owner"]; ok {
		s.Owner = tracking.PartyID(v)
	}
	depart := day
	if v, ok := o["depart"]; ok {
		depart = p.time(v)
	}
	s.Option.Depart = depart
	now := depart
	var total routing.Hours
	for _, name := range strings.Split(o["legs"], ";") {
		l, ok := p.legs[name]
		if !ok {
			p.fatal("no leg %q", name)
		}
		wait := l.Depart.Sub(day)
		l.Depart = now.Add(wait)
		l.Arrive = l.Depart.Add(time.Duration(l.TransitHours.P50 * float64(time.Hour)))
		now = l.Arrive
		s.Option.Legs = append(s.Option.Legs, l)
		total.P10 += l.TransitHours.P10 + wait.Hours()
		total.P50 += l.TransitHours.P50 + wait.Hours()
		total.P90 += l.TransitHours.P90 + wait.Hours()
		s.Option.DistanceKM += l.DistanceKM
	}
	if v, ok := o["hours"]; ok {
		total = p.hours(v)
	}
	s.Option.TransitHours = total
	legs := s.Option.Legs
	s.Origin, s.Destination = legs[0].From, legs[len(legs)-1].To
	if v, ok := o["promise"]; ok {
		promise := p.time(v)
		s.Promise = &promise
	}
	if v, ok := o["temp"]; ok {
		low, high, _ := strings.Cut(v, "..")
		s.Request.Cargo.TempC = &[2]float64{p.number(low), p.number(high)}
	}
	p.apply(&tracking.ShipmentOpened{Shipment: s})
}

func show(events []tracking.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprintf("%s %s %s %s (%s)", e.Time.Sub(day), e.Kind, subject(&e), e.Where, e.Detail))
	}
	return strings.Join(out, "; ")
}

func subject(e *tracking.Event) string { return cmp.Or(string(e.Shipment), string(e.Unit)) }

func (p *play) expect(w []string) {
	p.t.Helper()
	if w[0] == "nothing" {
		if len(p.events) > 0 {
			p.fatal("expected nothing, got %s", show(p.events))
		}
		return
	}
	if len(p.events) == 0 {
		p.fatal("expected %v, nothing happened", w)
	}
	e := p.events[0]
	p.events = p.events[1:]
	ok := e.Time.Truncate(time.Minute).Equal(p.time(w[0])) && e.Kind == w[1] && (subject(&e) == w[2] || w[2] == "-" && e.Shipment == "")
	if !ok || len(w) > 3 && strings.ReplaceAll(e.Where, " ", "_") != w[3] {
		p.fatal("expected %v, got %s", w, show([]tracking.Event{e}))
	}
}

func (p *play) eta(id tracking.ShipmentID, o map[string]string) {
	p.t.Helper()
	_, progress, _ := p.state.Shipment(id)
	if progress.ETA == nil {
		p.fatal("no forecast")
	}
	e := progress.ETA
	moment := func(what string, got time.Time, want string) {
		if d := got.Sub(p.time(want)); d.Abs() > time.Minute {
			p.fatal("%s is %s, want %s", what, got.Sub(day), want)
		}
	}
	about := func(what string, got float64, want string, within float64) {
		if math.Abs(got-p.number(want)) > within {
			p.fatal("%s is %v, want %s", what, got, want)
		}
	}
	for k, v := range o {
		switch k {
		case "p10":
			moment(k, e.Arrive.P10, v)
		case "p50":
			moment(k, e.Arrive.P50, v)
		case "p90":
			moment(k, e.Arrive.P90, v)
		case "done":
			about(k, e.DoneKM, v, 1)
		case "total":
			about(k, e.TotalKM, v, 1)
		case "off":
			about(k, e.OffRouteKM, v, 1)
		case "on-time":
			if v == "-" {
				if e.OnTime != nil {
					p.fatal("on time %v, want none", *e.OnTime)
				}
			} else if e.OnTime == nil {
				p.fatal("no chance to be on time, want %s", v)
			} else {
				about(k, *e.OnTime, v, 0.005)
			}
		case "connection":
			if e.Connection == nil {
				p.fatal("no connection, want %s", v)
			}
			about(k, e.Connection.Chance, v, 0.005)
		case "next":
			if v == "-" {
				v = ""
			}
			if e.NextBorder != v {
				p.fatal("next border %q, want %q", e.NextBorder, v)
			}
		default:
			p.fatal("eta knows no %s", k)
		}
	}
}

func (p *play) milestones(id tracking.ShipmentID, want []string) {
	p.t.Helper()
	s, progress, _ := p.state.Shipment(id)
	var events []tracking.Event
	for _, e := range p.all.Events {
		if e.Shipment == id {
			events = append(events, e)
		}
	}
	at := func(t time.Time) string {
		d := t.Round(time.Minute).Sub(day)
		text := fmt.Sprintf("%02d:%02d", int(d.Hours())%24, int(d.Minutes())%60)
		if d >= 24*time.Hour {
			text = fmt.Sprintf("%d+%s", int(d.Hours())/24, text)
		}
		return text
	}
	var got []string
	for _, m := range tracking.Milestones(&s, &progress, events) {
		state := "-"
		switch {
		case m.Passed && m.Actual != nil:
			state = "passed/" + at(*m.Actual)
		case m.Passed:
			state = "passed"
		case m.Expected != nil:
			state = at(m.Expected.P10) + "/" + at(m.Expected.P50) + "/" + at(m.Expected.P90)
		}
		got = append(got, fmt.Sprintf("%s@%.0f=%s", m.Kind, m.AtKM, state))
	}
	if a, b := strings.Join(got, " "), strings.Join(want, " "); a != b {
		p.fatal("milestones are\n  %s\nwant\n  %s", a, b)
	}
}

func (p *play) unit(w []string) {
	p.t.Helper()
	u, ok := p.state.Unit(tracking.UnitID(w[1]))
	if !ok || u.Latest == nil {
		p.fatal("no unit %s, or it is nowhere", w[1])
	}
	lat, lon := p.point(w[2])
	want := strings.TrimPrefix(w[3], "shipment=")
	if want == "-" {
		want = ""
	}
	if len(w) > 4 && string(u.Mode) != w[4] {
		p.fatal("unit travels by %s, want %s", u.Mode, w[4])
	}
	if u.Latest.Lat != lat || u.Latest.Lon != lon || string(u.Shipment) != want {
		p.fatal("unit is at %v,%v with shipment %q", u.Latest.Lat, u.Latest.Lon, u.Shipment)
	}
}
