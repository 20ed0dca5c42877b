package tracking_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/tracking/carnet"
)

// carnetLine plays the lines of a scenario that are about carnets:
//
//	carnet NUMBER shipment=S|unit=U offices=OFFICE;OFFICE… valid=TIME [vouchers=4] [itinerary=LAT,LON;…] [limits=CN:72;…] [at=TIME] [refused=WORDS]
//	step TIME NUMBER KIND [office=ID] [seal=] [report=] [reservation=] [limit=TIME] [vehicle=] [country=] [note=] [offices=…] [refused=WORDS]
//	bind TIME NUMBER shipment=S|unit=U [refused=WORDS]
//	watch carnet                      from here on only events about carnets are looked at
//	is NUMBER STAGE [on=UNIT] [wrong=KIND;…@TIME]
//
// An OFFICE is ID:ROLE:COUNTRY:LAT,LON with ROLE one of departure, exit, entry and
// destination; COUNTRY may be COUNTRY/TERRITORY. Words that hold spaces are written
// with _ for them. refused is what the refusal says; nothing is changed then.
func (p *play) carnetLine(w []string) bool {
	p.t.Helper()
	switch w[0] {
	case "carnet":
		p.carnet(w[1], options(w[2:]))
	case "step":
		p.step(w)
	case "bind":
		o := options(w[3:])
		e := &tracking.CarnetBound{Number: w[2], Shipment: tracking.ShipmentID(o["shipment"]), Unit: tracking.UnitID(o["unit"]), By: "office", At: p.time(w[1])}
		p.decided(e, p.state.CheckBound(e), o["refused"])
	case "is":
		p.is(w)
	case "watch":
		p.only = tracking.EventCarnet
	default:
		return false
	}
	return true
}

// decided does what was found possible, as the tracker does.
func (p *play) decided(e tracking.Entry, err error, refused string) {
	p.t.Helper()
	refused = strings.ReplaceAll(refused, "_", " ")
	switch {
	case refused == "" && err != nil:
		p.fatal("%v", err)
	case refused != "" && (err == nil || !strings.Contains(err.Error(), refused)):
		p.fatal("%v, want a refusal that says %q", err, refused)
	}
	before := len(p.events)
	p.apply(e) // a log may hold what was refused: it changes nothing
	if refused != "" && len(p.events) > before {
		p.fatal("refused, and %s happened", show(p.events[before:]))
	}
}

func (p *play) offices(s string) []carnet.Office {
	p.t.Helper()
	var out []carnet.Office
	for _, s := range strings.Split(s, ";") {
		part := strings.Split(s, ":")
		if len(part) != 4 {
			p.fatal("office %q: want ID:ROLE:COUNTRY:LAT,LON", s)
		}
		lat, lon := p.point(part[3])
		country, territory, _ := strings.Cut(part[2], "/")
		o := carnet.Office{ID: part[0], Role: carnet.Role(part[1]), Country: geodata.Country(country), Territory: geodata.Country(territory), Lat: lat, Lon: lon}
		o.Post, _, _ = strings.Cut(part[0], "@") // "KAP@TR" is of the border KAP
		out = append(out, o)
	}
	return out
}

func (p *play) carnet(number string, o map[string]string) {
	p.t.Helper()
	e := &tracking.CarnetIssued{
		Terms:    carnet.Terms{Number: number, Holder: "Holder", Vouchers: 4, Approval: "A-1", ValidUntil: p.time(o["valid"]), Offices: p.offices(o["offices"])},
		Shipment: tracking.ShipmentID(o["shipment"]), Unit: tracking.UnitID(o["unit"]), By: "office", At: day,
	}
	if v, ok := o["at"]; ok {
		e.At = p.time(v)
	}
	if v, ok := o["vouchers"]; ok {
		e.Terms.Vouchers = int(p.number(v))
	}
	if v, ok := o["itinerary"]; ok {
		for _, s := range strings.Split(v, ";") {
			lat, lon := p.point(s)
			e.Terms.Itinerary = append(e.Terms.Itinerary, [2]float64{lon, lat})
		}
	}
	if v, ok := o["limits"]; ok {
		e.Terms.LimitHours = map[geodata.Country]float64{}
		for _, s := range strings.Split(v, ";") {
			country, h, _ := strings.Cut(s, ":")
			e.Terms.LimitHours[geodata.Country(country)] = p.number(h)
		}
	}
	_, err := p.state.CheckCarnet(e)
	p.decided(e, err, o["refused"])
}

func (p *play) step(w []string) {
	p.t.Helper()
	o := options(w[4:])
	text := func(k string) string { return strings.ReplaceAll(o[k], "_", " ") }
	s := carnet.Step{
		Kind: carnet.Kind(w[3]), At: p.time(w[1]), Office: o["office"], Seal: text("seal"), Report: text("report"), Reservation: text("reservation"),
		Vehicle: text("vehicle"), Country: geodata.Country(o["country"]), Note: text("note"),
	}
	if v, ok := o["limit"]; ok {
		limit := p.time(v)
		s.Limit = &limit
	}
	if v, ok := o["offices"]; ok {
		s.Offices = p.offices(v)
	}
	e := &tracking.CarnetStep{Number: w[2], Step: s, By: "office", At: s.At}
	_, err := p.state.CheckStep(e)
	p.decided(e, err, o["refused"])
}

func (p *play) is(w []string) {
	p.t.Helper()
	c, ok := p.state.Carnet(w[1])
	if !ok || string(c.Stage) != w[2] {
		p.fatal("the carnet is %q", c.Stage)
	}
	if err := c.Verify(); err != nil {
		p.fatal("%v", err)
	}
	o := options(w[3:])
	if on, ok := o["on"]; ok && string(p.state.CarnetUnit(w[1])) != strings.TrimPrefix(on, "-") {
		p.fatal("it is on %q", p.state.CarnetUnit(w[1]))
	}
	if wrong, ok := o["wrong"]; ok {
		want, at, _ := strings.Cut(wrong, "@")
		var got []string
		for _, n := range c.Wrongs(p.time(at)) {
			got = append(got, n.Kind)
		}
		if strings.Join(got, ";") != strings.TrimPrefix(want, "-") {
			p.fatal("wrong are %v", got)
		}
	}
}

func carnetEntries() (*tracking.CarnetIssued, *tracking.CarnetStep, *tracking.CarnetBound) {
	offices := []carnet.Office{
		{ID: "departure", Country: "CN", Role: carnet.Departure, Lat: 36, Lon: 120},
		{ID: "exit", Country: "CN", Role: carnet.Exit, Lat: 49, Lon: 117},
		{ID: "entry", Country: "RU", Role: carnet.Entry, Lat: 49, Lon: 117},
		{ID: "destination", Country: "RU", Role: carnet.Destination, Lat: 55, Lon: 37},
	}
	issued := &tracking.CarnetIssued{
		Terms: carnet.Terms{
			Number: "XB25000001", Holder: "Holder", Vouchers: 4, ValidUntil: day.Add(100 * time.Hour), Approval: "A", Offices: offices,
			Itinerary: [][2]float64{{120, 36}, {117, 49}, {37, 55}}, LimitHours: map[geodata.Country]float64{"CN": 50},
		},
		Unit: "A", By: "office", At: day,
	}
	step := &tracking.CarnetStep{Number: "XB25000001", By: "office", At: day.Add(time.Hour), Step: carnet.Step{Kind: carnet.Accept, At: day.Add(time.Hour), Office: "departure", Seal: "S1"}}
	bound := &tracking.CarnetBound{Number: "XB25000001", Unit: "B", By: "office", At: day.Add(2 * time.Hour)}
	return issued, step, bound
}

// Who may read a carnet, and that its records say the same after they were written.
func TestCarnetReaders(t *testing.T) {
	issued, step, bound := carnetEntries()
	issued.Carrier = "mine"
	s := tracking.NewState()
	for _, p := range []tracking.Party{{ID: "office", Name: "The office", Role: tracking.Dispatcher}, {ID: "mine", Role: tracking.Carrier}, {ID: "other", Role: tracking.Carrier}} {
		if _, err := s.Apply(s.Seq()+1, &tracking.PartyCreated{Party: p}); err != nil {
			t.Fatal(err)
		}
	}
	var objects []tracking.Object
	for _, e := range []tracking.Entry{issued, step, &tracking.Positions{Carrier: "other", Received: day, Positions: []tracking.Position{{Unit: "B", Time: day, Lat: 36, Lon: 120}}}, bound} {
		b, err := tracking.EncodeRecord(e)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := tracking.DecodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Apply(s.Seq()+1, entries...)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, c.Objects...)
	}
	if len(objects) != 3 {
		t.Errorf("%d objects were kept, want one for each change", len(objects))
	}
	c, ok := s.Carnet("XB25000001")
	if !ok || c.Stage != carnet.Accepted || c.Journal[0].By != "The office (office)" || c.Journal[1].Log != 5 {
		t.Fatalf("carnet %+v", c)
	}
	for id, want := range map[tracking.PartyID]bool{"mine": true, "other": true, "third": false, "office": true} {
		p, ok := s.Party(id)
		if !ok {
			p = tracking.Party{ID: id, Role: tracking.Carrier}
		}
		if s.MayReadCarnet(p, c.Number) != want || (len(s.Carnets(p)) == 1) != want {
			t.Errorf("%s may read it: %v, want %v", id, !want, want)
		}
	}
	if _, n, ok := s.CarnetByHead(c.Journal[1].Hash); !ok || n != 2 {
		t.Errorf("entry %d of the journal found by its hash", n)
	}
	if _, _, ok := s.CarnetByHead("00"); ok {
		t.Error("a hash that nobody wrote was found")
	}
}

func TestCarnetRefusals(t *testing.T) {
	s := tracking.NewState()
	issued, step, bound := carnetEntries()
	if _, err := s.CheckStep(step); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("step of no carnet: %v", err)
	}
	if err := s.CheckBound(bound); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("binding of no carnet: %v", err)
	}
	for name, change := range map[string]func(*tracking.CarnetIssued){
		"carrier":   func(e *tracking.CarnetIssued) { e.Carrier = "nobody" },
		"shipment":  func(e *tracking.CarnetIssued) { e.Unit = "" },
		"unit":      func(e *tracking.CarnetIssued) { e.Unit = " " },
		"itinerary": func(e *tracking.CarnetIssued) { e.Terms.Itinerary = nil },
		"number":    func(e *tracking.CarnetIssued) { e.Terms.Number = "1" },
	} {
		e := *issued
		change(&e)
		_, err := s.CheckCarnet(&e)
		var bad *carnet.Error
		if !errors.As(err, &bad) || bad.Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := *issued
	e.Unit, e.Shipment = "", "gone"
	if _, err := s.CheckCarnet(&e); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("carnet of no shipment: %v", err)
	}
	if _, err := s.Apply(1, issued); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckCarnet(issued); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("a number used again: %v", err)
	}
	e = *issued
	e.Terms.Number = "XB25000002"
	if _, err := s.CheckCarnet(&e); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("a unit under two carnets: %v", err)
	}
}

// The same log gives the same journal, however many reports share a record.
func TestCarnetsDoNotDependOnBatches(t *testing.T) {
	issued, step, _ := carnetEntries()
	var heads []string
	for _, batch := range []int{1, 7, 1000} {
		s := tracking.NewState()
		apply := func(e tracking.Entry) {
			if _, err := s.Apply(s.Seq()+1, e); err != nil {
				t.Fatal(err)
			}
		}
		apply(issued)
		apply(step)
		var list []tracking.Position
		for i := range 300 {
			f := float64(i) / 300
			list = append(list, tracking.Position{Unit: "A", Time: day.Add(time.Hour + time.Duration(i)*20*time.Minute), Lat: 36 + f*13, Lon: 120 - f*3})
		}
		for part := range slices.Chunk(list, batch) {
			apply(&tracking.Positions{Carrier: "c", Received: day, Positions: part})
		}
		c, _ := s.Carnet("XB25000001")
		var said []string
		for _, e := range c.Journal {
			said = append(said, fmt.Sprint(e.Kind, e.At))
		}
		heads = append(heads, strings.Join(said, "\n"))
	}
	if heads[0] != heads[1] || heads[0] != heads[2] || strings.Count(heads[0], "\n") < 4 {
		t.Errorf("journals differ, or say little:\n%s\n\n%s\n\n%s", heads[0], heads[1], heads[2])
	}
}

// Every kind of event about carnets is in the one table of kinds, once.
func TestCarnetEventKinds(t *testing.T) {
	listed := map[string]int{}
	for _, k := range tracking.EventKinds() {
		listed[k.Kind]++
		if k.Means == "" || !strings.HasSuffix(k.Means, ".") {
			t.Errorf("%s means %q", k.Kind, k.Means)
		}
	}
	want := []string{tracking.EventCarnet + "issued", tracking.EventCarnet + "bound"}
	for _, k := range carnet.Kinds() {
		want = append(want, tracking.EventCarnet+string(k))
	}
	want = append(want, carnet.NoticeKinds()...)
	for _, k := range want {
		if listed[k] != 1 {
			t.Errorf("%s is listed %d times", k, listed[k])
		}
	}
}

// manyCarnets is a state with n units under way, each under a carnet with a time limit.
func manyCarnets(b *testing.B, n int) *tracking.State {
	b.Helper()
	s := tracking.NewState()
	apply := func(e tracking.Entry) {
		if _, err := s.Apply(s.Seq()+1, e); err != nil {
			b.Fatal(err)
		}
	}
	batch := &tracking.Positions{Carrier: "c", Received: day}
	for i := range n {
		issued, step, _ := carnetEntries()
		issued.Terms.Number, issued.Unit = fmt.Sprintf("XB%08d", i), tracking.UnitID(fmt.Sprint("U", i))
		step.Number = issued.Terms.Number
		apply(issued)
		apply(step)
		batch.Positions = append(batch.Positions, tracking.Position{Unit: issued.Unit, Time: day.Add(2 * time.Hour), Lat: 40, Lon: 119})
	}
	apply(batch)
	return s
}

// What asking every ten seconds whether the time alone decides something costs.
func BenchmarkDueCarnets(b *testing.B) {
	const n = 10_000
	s := manyCarnets(b, n)
	b.ReportAllocs()
	for b.Loop() {
		if s.Due(day.Add(3 * time.Hour)) {
			b.Fatal("something is due")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/carnet")
}

// What a report of a unit under a carnet costs.
func BenchmarkReportUnderCarnet(b *testing.B) {
	s := manyCarnets(b, 1000)
	at := day.Add(3 * time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Second)
		e := &tracking.Positions{Carrier: "c", Received: at}
		for i := range 100 {
			e.Positions = append(e.Positions, tracking.Position{Unit: tracking.UnitID(fmt.Sprint("U", i)), Time: at, Lat: 40, Lon: 119})
		}
		if _, err := s.Apply(s.Seq()+1, e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/report")
}
