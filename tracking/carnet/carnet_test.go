package carnet_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/tracking/carnet"
)

var day = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func at(h float64) time.Time { return day.Add(time.Duration(h * float64(time.Hour))) }

func limit(h float64) *time.Time { t := at(h); return &t }

// viaManzhouli is Qingdao to Moscow over one border.
var viaManzhouli = []carnet.Office{
	{ID: "departure", Country: "CN", Role: carnet.Departure, Lat: 36, Lon: 120},
	{ID: "MZL-ZAB-R:CN", Country: "CN", Role: carnet.Exit, Lat: 49.5, Lon: 117.4},
	{ID: "MZL-ZAB-R:RU", Country: "RU", Role: carnet.Entry, Lat: 49.6, Lon: 117.3},
	{ID: "destination", Country: "RU", Role: carnet.Destination, Lat: 55.7, Lon: 37.6},
}

func terms(change ...func(*carnet.Terms)) carnet.Terms {
	c := carnet.Terms{Number: "XB25000001", Holder: "Lunan Cold Chain", Vouchers: 4, ValidUntil: at(240), Offices: slices.Clone(viaManzhouli)}
	for _, f := range change {
		f(&c)
	}
	return c
}

func issued(t testing.TB, change ...func(*carnet.Terms)) carnet.Carnet {
	t.Helper()
	c, err := carnet.New(terms(change...), at(0), "office", 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNew(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*carnet.Terms)
		field  string
	}{
		"number":          {func(c *carnet.Terms) { c.Number = "25000001" }, "number"},
		"holder":          {func(c *carnet.Terms) { c.Holder = " " }, "holder"},
		"vouchers":        {func(c *carnet.Terms) { c.Vouchers = 5 }, "vouchers"},
		"validity":        {func(c *carnet.Terms) { c.ValidUntil = at(0) }, "valid_until"},
		"one land":        {func(c *carnet.Terms) { c.Offices = through("CN") }, "offices"},
		"one office":      {func(c *carnet.Terms) { c.Offices = c.Offices[:1] }, "offices"},
		"too many":        {func(c *carnet.Terms) { c.Offices = through("CN", "KZ", "RU") }, "vouchers"},
		"no end":          {func(c *carnet.Terms) { c.Offices = c.Offices[:3] }, "offices"},
		"no exit":         {func(c *carnet.Terms) { c.Offices = slices.Delete(c.Offices, 1, 2) }, "offices"},
		"no entry":        {func(c *carnet.Terms) { c.Offices = slices.Delete(c.Offices, 2, 3) }, "offices"},
		"exit, then home": {func(c *carnet.Terms) { c.Offices[2].Country, c.Offices[3].Country = "CN", "CN" }, "offices"},
		"twice":           {func(c *carnet.Terms) { c.Offices[1].ID = "departure" }, "offices"},
		"role":            {func(c *carnet.Terms) { c.Offices[1].Role = "transit" }, "offices"},
		"nowhere":         {func(c *carnet.Terms) { c.Offices[1].Lat, c.Offices[1].Lon = 0, 0 }, "offices"},
		"not a country":   {func(c *carnet.Terms) { c.Offices[1].Country = "China" }, "offices"},
		"terminals":       {func(c *carnet.Terms) { c.Offices = append(departures(8), c.Offices[1:]...) }, "offices"},
		"back and forth": {func(c *carnet.Terms) {
			c.Offices = slices.Insert(c.Offices, 1, carnet.Office{ID: "d", Country: "CN", Role: carnet.Destination, Lat: 1}, carnet.Office{ID: "e", Country: "CN", Role: carnet.Departure, Lat: 1})
		}, "offices"},
		"guarantee":      {func(c *carnet.Terms) { c.GuaranteeEUR = -1 }, "guarantee_eur"},
		"long plate":     {func(c *carnet.Terms) { c.Vehicle = strings.Repeat("x", 201) }, "vehicle"},
		"control":        {func(c *carnet.Terms) { c.Goods = "app\x01les" }, "goods"},
		"limit":          {func(c *carnet.Terms) { c.LimitHours = map[geodata.Country]float64{"CN": 0} }, "limit_hours"},
		"limit of none":  {func(c *carnet.Terms) { c.LimitHours = map[geodata.Country]float64{"KZ": 10} }, "limit_hours"},
		"itinerary":      {func(c *carnet.Terms) { c.Itinerary = [][2]float64{{120, 36}} }, "itinerary"},
		"itinerary off":  {func(c *carnet.Terms) { c.Itinerary = [][2]float64{{36, 120}, {36, 121}} }, "itinerary"},
		"corridor width": {func(c *carnet.Terms) { c.CorridorKM = -1 }, "corridor_km"},
	} {
		_, err := carnet.New(terms(c.change), at(0), "office", 1)
		var bad *carnet.Error
		if !errors.As(err, &bad) || bad.Field != c.field {
			t.Errorf("%s: %v, want %s refused", name, err, c.field)
		}
	}
	if c := issued(t, func(c *carnet.Terms) { c.Offices, c.Vouchers = through("CN", "KZ", "RU"), 6 }); len(c.Operations) != 3 {
		t.Errorf("three countries take %d operations", len(c.Operations))
	}
	// The Union is one customs territory: from Poland to Germany no border is crossed.
	union := issued(t, func(c *carnet.Terms) {
		c.Offices = through("TR", "BG")
		c.Offices[2].Territory, c.Offices[3].Territory, c.Offices[3].Country = "EU", "EU", "DE"
	})
	if len(union.Operations) != 2 || union.Operations[1].Country != "EU" {
		t.Errorf("operations %+v", union.Operations)
	}
}

func departures(n int) []carnet.Office {
	var out []carnet.Office
	for i := range n {
		out = append(out, carnet.Office{ID: fmt.Sprint("departure ", i), Country: "CN", Role: carnet.Departure, Lat: 36, Lon: 120})
	}
	return out
}

func through(countries ...geodata.Country) []carnet.Office {
	out := []carnet.Office{{ID: "departure", Country: countries[0], Role: carnet.Departure, Lat: 1}}
	for i, c := range countries[1:] {
		post := string(countries[i]) + "-" + string(c)
		out = append(out, carnet.Office{ID: post + ":" + string(countries[i]), Country: countries[i], Role: carnet.Exit, Lat: 1}, carnet.Office{ID: post + ":" + string(c), Country: c, Role: carnet.Entry, Lat: 1})
	}
	return append(out, carnet.Office{ID: "destination", Country: countries[len(countries)-1], Role: carnet.Destination, Lat: 1})
}

// life is a carnet that a test does steps to.
type life struct {
	t *testing.T
	c carnet.Carnet
}

func (l *life) do(s carnet.Step, want carnet.Stage) {
	l.t.Helper()
	after, err := l.c.Apply(s, "office", 9, nil)
	if err != nil {
		l.t.Fatalf("%s: %v", s.Kind, err)
	}
	if after.Stage != want {
		l.t.Fatalf("after %s it is %s, want %s", s.Kind, after.Stage, want)
	}
	if err := after.Verify(); err != nil {
		l.t.Fatal(err)
	}
	l.c = after
}

func (l *life) refused(s carnet.Step, says string) {
	l.t.Helper()
	before, _ := json.Marshal(l.c)
	again, err := l.c.Apply(s, "office", 9, nil)
	var bad *carnet.Error
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), says) {
		l.t.Fatalf("%s: %v, want a refusal that says %q", s.Kind, err, says)
	}
	after, _ := json.Marshal(l.c)
	returned, _ := json.Marshal(again)
	if string(before) != string(after) || string(before) != string(returned) {
		l.t.Fatalf("%s was refused and changed the carnet", s.Kind)
	}
}

func TestLife(t *testing.T) {
	l := &life{t, issued(t)}
	l.refused(carnet.Step{Kind: carnet.Start, At: at(1), Office: "MZL-ZAB-R:RU"}, "between acceptance")
	l.do(carnet.Step{Kind: carnet.Announce, At: at(1)}, carnet.Announced)
	l.refused(carnet.Step{Kind: carnet.Announce, At: at(1)}, "before acceptance")
	accept := carnet.Step{Kind: carnet.Accept, At: at(2), Office: "departure", Seal: "CN0048213", Approval: "CN-118", Limit: limit(72)}
	for says, change := range map[string]func(*carnet.Step){
		"Art. 19":      func(s *carnet.Step) { s.Seal = "" },
		"approval":     func(s *carnet.Step) { s.Approval = "" },
		"Art. 9":       func(s *carnet.Step) { s.At = at(241); s.Limit = nil },
		"departure":    func(s *carnet.Step) { s.Office = "destination" },
		"passes befo":  func(s *carnet.Step) { s.Limit = limit(1) },
		"lies before":  func(s *carnet.Step) { s.At = at(0.5) },
		"when it":      func(s *carnet.Step) { s.At = time.Time{} },
		"longer than":  func(s *carnet.Step) { s.Note = strings.Repeat("x", 201) },
		"use one of":   func(s *carnet.Step) { s.Kind = "fly" },
		"control char": func(s *carnet.Step) { s.Seal = "a\x00b" },
	} {
		s := accept
		change(&s)
		l.refused(s, says)
	}
	l.do(accept, carnet.Accepted)
	l.refused(accept, "accepted before")
	l.refused(carnet.Step{Kind: carnet.Start, At: at(50), Office: "MZL-ZAB-R:RU"}, "is not terminated")
	l.do(carnet.Step{Kind: carnet.SealCheck, At: at(40), Seal: "CN0048213"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.SealCheck, At: at(40), Seal: "CN0048214"}, "the seal set is CN0048213")
	l.do(carnet.Step{Kind: carnet.SealBreak, At: at(41)}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.SealCheck, At: at(41)}, "no seal to check")
	l.refused(carnet.Step{Kind: carnet.Terminate, At: at(42), Office: "MZL-ZAB-R:CN"}, "no certified report")
	l.refused(carnet.Step{Kind: carnet.Reseal, At: at(42), Seal: "CN0048300"}, "Art. 25")
	l.do(carnet.Step{Kind: carnet.Reseal, At: at(42), Seal: "CN0048300", Report: "R-77"}, carnet.Accepted)
	l.do(carnet.Step{Kind: carnet.Extend, At: at(43), Limit: limit(96)}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Extend, At: at(43), Limit: limit(20)}, "lies ahead")
	l.refused(carnet.Step{Kind: carnet.Discharge, At: at(44), Country: "CN"}, "is not terminated")
	l.do(carnet.Step{Kind: carnet.Terminate, At: at(60), Office: "MZL-ZAB-R:CN"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Terminate, At: at(60), Office: "MZL-ZAB-R:CN"}, "terminated already")
	l.do(carnet.Step{Kind: carnet.Refuse, At: at(61), Office: "MZL-ZAB-R:RU", Note: "no slot"}, carnet.Accepted)
	l.do(carnet.Step{Kind: carnet.Start, At: at(70), Office: "MZL-ZAB-R:RU", Limit: limit(240)}, carnet.InTransit)
	l.refused(carnet.Step{Kind: carnet.Start, At: at(71), Office: "MZL-ZAB-R:RU"}, "has started already")
	l.refused(carnet.Step{Kind: carnet.Unload, At: at(72), Office: "destination"}, "last office")
	l.do(carnet.Step{Kind: carnet.Terminate, At: at(250), Office: "destination", Reservation: "2 cartons short"}, carnet.Terminated)
	if last := l.c.Journal[len(l.c.Journal)-1].Text; !strings.Contains(last, "2 cartons short") || !strings.Contains(last, "after the time limit") {
		t.Errorf("the termination reads %q", last)
	}
	if open := l.c.Wrongs(at(260)); len(open) != 1 || open[0].Kind != "carnet-reservation" {
		t.Errorf("open %+v", open)
	}
	l.refused(carnet.Step{Kind: carnet.SealCheck, At: at(251)}, "final termination")
	l.do(carnet.Step{Kind: carnet.Discharge, At: at(300), Country: "CN"}, carnet.Terminated)
	l.do(carnet.Step{Kind: carnet.Claim, At: at(9000), Country: "RU"}, carnet.Claimed)
	if last := l.c.Journal[len(l.c.Journal)-1].Text; !strings.Contains(last, "more than a year") {
		t.Errorf("a claim after a year reads %q", last)
	}
	l.refused(carnet.Step{Kind: carnet.Claim, At: at(9000), Country: "CN"}, "no undischarged")
	l.do(carnet.Step{Kind: carnet.Discharge, At: at(9100), Country: "RU"}, carnet.Discharged) // paid
}

func TestExceptions(t *testing.T) {
	l := &life{t, issued(t)}
	l.do(carnet.Step{Kind: carnet.Accept, At: at(2), Office: "departure", Seal: "S1", Approval: "A1", Limit: limit(72)}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Accident, At: at(3)}, "say what happened")
	l.do(carnet.Step{Kind: carnet.Accident, At: at(3), Note: "overturned near Chifeng"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Report, At: at(4)}, "number of the certified report")
	l.refused(carnet.Step{Kind: carnet.Transfer, At: at(4), Vehicle: "B2", Seal: "S2"}, "Art. 25")
	l.refused(carnet.Step{Kind: carnet.Transfer, At: at(4)}, "takes over")
	l.do(carnet.Step{Kind: carnet.Transfer, At: at(4), Vehicle: "B2", Seal: "S2", Report: "R-1"}, carnet.Accepted)
	if seal := l.c.Seal(); seal == nil || seal.Number != "S2" || l.c.VehicleNow != "B2" {
		t.Errorf("after the transfer: %+v, vehicle %s", seal, l.c.VehicleNow)
	}
	l.do(carnet.Step{Kind: carnet.Report, At: at(5), Report: "R-1"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Report, At: at(6), Report: "R-2"}, "waits for its report")
	l.do(carnet.Step{Kind: carnet.Transfer, At: at(6), Vehicle: "C3"}, carnet.Accepted) // the trailer with its seal
	l.do(carnet.Step{Kind: carnet.Theft, At: at(7), Note: "two pallets"}, carnet.Accepted)
	l.do(carnet.Step{Kind: carnet.UnloadElsewhere, At: at(8), Report: "R-3", Note: "perishing"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.UnloadElsewhere, At: at(8), Office: "MZL-ZAB-R:CN", Note: "x"}, "it is an unloading")
	l.refused(carnet.Step{Kind: carnet.SealDiffers, At: at(9), Seal: "S2"}, "found instead of S2")
	l.do(carnet.Step{Kind: carnet.SealDiffers, At: at(9), Seal: "S9", Report: "R-4"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.SealBreak, At: at(9)}, "no unbroken seal")
	if wrong := kinds(l.c.Wrongs(at(10))); !slices.Equal(wrong, []string{"carnet-unsealed", "carnet-report-missing"}) {
		t.Errorf("wrong: %v", wrong)
	}
	l.do(carnet.Step{Kind: carnet.Reseal, At: at(10), Office: "MZL-ZAB-R:CN", Seal: "S3"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Terminate, At: at(11), Office: "MZL-ZAB-R:CN"}, "theft")
	l.do(carnet.Step{Kind: carnet.Terminate, At: at(11), Office: "MZL-ZAB-R:CN", Reservation: "two pallets missing"}, carnet.Accepted)
	l.do(carnet.Step{Kind: carnet.Refuse, At: at(12), Office: "MZL-ZAB-R:RU", Note: "not admitted"}, carnet.Accepted)

	// Refused at Zabaykalsk: on by Kazakhstan, for which there are no vouchers.
	by := slices.Concat(viaManzhouli[:2], through("CN", "KZ", "RU")[2:])
	l.refused(carnet.Step{Kind: carnet.Reroute, At: at(13), Offices: by}, "take 6 vouchers")
	gone := slices.Clone(viaManzhouli)
	gone[0].ID = "elsewhere"
	l.refused(carnet.Step{Kind: carnet.Reroute, At: at(13), Offices: gone}, "has done its part")
	other := slices.Clone(viaManzhouli)
	other[2].ID = "ERL-ZAM:RU"
	l.do(carnet.Step{Kind: carnet.Reroute, At: at(13), Offices: other}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Start, At: at(14), Office: "MZL-ZAB-R:RU"}, "one of ERL-ZAM:RU")
	l.do(carnet.Step{Kind: carnet.Start, At: at(14), Office: "ERL-ZAM:RU"}, carnet.InTransit)
	if len(l.c.Exceptions) != 5 {
		t.Errorf("exceptions %+v", l.c.Exceptions)
	}
}

// Goods are loaded at two offices and unloaded at two.
func TestSeveralOffices(t *testing.T) {
	offices := slices.Insert(slices.Clone(viaManzhouli), 1, carnet.Office{ID: "Jinan", Country: "CN", Role: carnet.Departure, Lat: 36.6, Lon: 117})
	offices = slices.Insert(offices, 4, carnet.Office{ID: "Chita", Country: "RU", Role: carnet.Destination, Lat: 52, Lon: 113.5})
	l := &life{t, issued(t, func(c *carnet.Terms) {
		c.Offices, c.LimitHours, c.Approval, c.ApprovalUntil = offices, map[geodata.Country]float64{"RU": 48}, "A7", limit(100)
	})}
	l.refused(carnet.Step{Kind: carnet.Accept, At: at(101), Office: "departure", Seal: "S1"}, "was valid until")
	l.refused(carnet.Step{Kind: carnet.Accept, At: at(1), Office: "Jinan", Seal: "S1"}, "first office")
	l.do(carnet.Step{Kind: carnet.Accept, At: at(1), Office: "departure", Seal: "S1"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Load, At: at(2), Office: "Jinan"}, "seals anew")
	l.refused(carnet.Step{Kind: carnet.Load, At: at(2), Office: "departure", Seal: "S2"}, "before it accepts")
	l.do(carnet.Step{Kind: carnet.Load, At: at(2), Office: "Jinan", Seal: "S2"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Load, At: at(2), Office: "Jinan", Seal: "S3"}, "already")
	l.do(carnet.Step{Kind: carnet.Terminate, At: at(30), Office: "MZL-ZAB-R:CN"}, carnet.Accepted)
	l.refused(carnet.Step{Kind: carnet.Unload, At: at(30), Office: "Chita", Seal: "S3"}, "no operation is under way")
	l.do(carnet.Step{Kind: carnet.Start, At: at(30), Office: "MZL-ZAB-R:RU"}, carnet.InTransit)
	if got := l.c.Operations[1].Limit; got == nil || !got.Equal(at(78)) {
		t.Errorf("limit %v, want that of the terms", got)
	}
	l.refused(carnet.Step{Kind: carnet.Terminate, At: at(50), Office: "Chita"}, "record the unloading")
	l.refused(carnet.Step{Kind: carnet.Terminate, At: at(70), Office: "destination"}, "nothing was unloaded at Chita")
	l.do(carnet.Step{Kind: carnet.Unload, At: at(60), Office: "Chita", Seal: "S3"}, carnet.InTransit)
	l.do(carnet.Step{Kind: carnet.Terminate, At: at(70), Office: "destination"}, carnet.Terminated)
}

func kinds(list []carnet.Notice) []string {
	var out []string
	for _, n := range list {
		out = append(out, n.Kind)
	}
	return out
}

func TestNotices(t *testing.T) {
	c := issued(t)
	see := func(h float64, change func(*carnet.Sighting), want ...string) {
		t.Helper()
		s := carnet.Sighting{Evidence: carnet.Evidence{Unit: "A", Time: at(h)}, CorridorKM: 25, OnWay: true}
		if change != nil {
			change(&s)
		}
		after, said, changed := c.Observe(s, 5)
		if got := kinds(said); !slices.Equal(got, want) {
			t.Fatalf("hour %v: %v, want %v", h, got, want)
		}
		before, _ := json.Marshal(c)
		now, _ := json.Marshal(after)
		if changed != (string(before) != string(now)) {
			t.Fatalf("hour %v: changed %v:\n%s\n%s", h, changed, before, now)
		}
		c = after
	}
	do := func(s carnet.Step) {
		t.Helper()
		var err error
		if c, err = c.Apply(s, "office", 6, nil); err != nil {
			t.Fatal(err)
		}
	}
	see(0.5, func(s *carnet.Sighting) { s.Office = "MZL-ZAB-R:CN"; s.Beyond = 1 }) // another journey
	see(1, func(s *carnet.Sighting) { s.Office = "departure" }, carnet.NoticeOffice)
	see(1.5, func(s *carnet.Sighting) { s.Office = "departure" })
	do(carnet.Step{Kind: carnet.Accept, At: at(2), Office: "departure", Seal: "S1", Approval: "A1", Limit: limit(72)})
	see(1.9, func(s *carnet.Sighting) { s.OffKM = 300; s.OnWay = false }) // device time before acceptance
	see(3, nil)
	see(10, func(s *carnet.Sighting) { s.ExitAt = limit(71) })
	see(11, func(s *carnet.Sighting) { s.ExitAt = limit(73) }, carnet.NoticeTimeRisk)
	see(12, func(s *carnet.Sighting) { s.ExitAt = limit(74) })
	see(13, func(s *carnet.Sighting) { s.OffKM = 26; s.OnWay = false }, carnet.NoticeItinerary)
	see(14, func(s *carnet.Sighting) { s.OffKM = 40; s.OnWay = false })
	see(15, func(s *carnet.Sighting) { s.OffKM = 3 }, carnet.NoticeBack)
	see(16, func(s *carnet.Sighting) { s.Open, s.AtOffice = true, true }) // opened by right
	see(17, func(s *carnet.Sighting) { s.Open = true }, carnet.NoticeSealOpened)
	see(17.2, func(s *carnet.Sighting) { s.Open = true })
	see(17.5, func(s *carnet.Sighting) { s.Open = true }, carnet.NoticeUnloading)
	see(18, func(s *carnet.Sighting) { s.Open = true })
	see(18.5, nil) // shut
	see(19, func(s *carnet.Sighting) { s.Open = true }, carnet.NoticeSealOpened)
	see(19.2, func(s *carnet.Sighting) { s.Open, s.Lat = true, 0.1 }) // and drives
	see(20, func(s *carnet.Sighting) { s.Open, s.Lat = true, 0.1 })
	see(21, func(s *carnet.Sighting) { s.SealNumber = "S1" })
	see(22, func(s *carnet.Sighting) { s.SealNumber = "S7" }, carnet.NoticeSealChanged)
	see(23, func(s *carnet.Sighting) { s.SealNumber = "S7" })
	see(24, func(s *carnet.Sighting) { s.SealNumber = "S1" })
	see(72.5, func(s *carnet.Sighting) { s.Silent = true }, carnet.NoticeTimePassed) // by the clock
	see(73, nil)
	see(74, func(s *carnet.Sighting) { s.Office = "MZL-ZAB-R:CN" }, carnet.NoticeOffice)
	// Over the border, and no office has said a word.
	see(75, func(s *carnet.Sighting) { s.Beyond = 1 }, carnet.NoticeBorder)
	see(80, func(s *carnet.Sighting) { s.Beyond = 1 })
	see(81.5, func(s *carnet.Sighting) { s.Beyond = 1 }, carnet.NoticeSkipped)
	see(90, func(s *carnet.Sighting) { s.Beyond = 1 })
	if wrong := kinds(c.Wrongs(at(90))); !slices.Equal(wrong, []string{carnet.NoticeSkipped}) {
		t.Errorf("wrong: %v", wrong)
	}
	do(carnet.Step{Kind: carnet.Terminate, At: at(75), Office: "MZL-ZAB-R:CN"}) // reported late, with the time at which it was
	see(91, func(s *carnet.Sighting) { s.Beyond = 1 }, carnet.NoticeSkipped)    // now it is the entry that is missing
	do(carnet.Step{Kind: carnet.Start, At: at(76), Office: "MZL-ZAB-R:RU"})
	see(92, func(s *carnet.Sighting) { s.Beyond = 1 })
	see(250, func(s *carnet.Sighting) { s.Beyond, s.Office = 1, "destination" }, carnet.NoticeOffice)
	see(273, func(s *carnet.Sighting) { s.Beyond = 1 })
	see(274.5, func(s *carnet.Sighting) { s.Silent = true }, carnet.NoticeUnterminated)
	see(275, func(s *carnet.Sighting) { s.Silent = true })
	if wrong := kinds(c.Wrongs(at(275))); !slices.Equal(wrong, []string{carnet.NoticeUnterminated}) {
		t.Errorf("wrong: %v", wrong)
	}
	if err := c.Verify(); err != nil {
		t.Error(err)
	}
	c = issued(t)
	see(239, func(s *carnet.Sighting) { s.Office = "departure" }, carnet.NoticeOffice)
	see(239.5, func(s *carnet.Sighting) { s.Beyond = 1 }, carnet.NoticeBorder, carnet.NoticeSkipped) // and was never accepted
	see(241, nil, carnet.NoticeExpired)
	see(242, nil)
	if wrong := kinds(c.Wrongs(at(241))); !slices.Equal(wrong, []string{carnet.NoticeExpired}) {
		t.Errorf("wrong: %v", wrong)
	}
}

// An office between the ends is passed by.
func TestPassedOffice(t *testing.T) {
	offices := slices.Insert(slices.Clone(viaManzhouli), 3, carnet.Office{ID: "Chita", Country: "RU", Role: carnet.Destination, Lat: 52, Lon: 113.5})
	for visited, want := range map[bool]float64{false: 31, true: 37} {
		c := issued(t, func(c *carnet.Terms) { c.Offices, c.Approval = offices, "A" })
		for _, s := range []carnet.Step{
			{Kind: carnet.Accept, At: at(1), Office: "departure", Seal: "S1"},
			{Kind: carnet.Terminate, At: at(10), Office: "MZL-ZAB-R:CN"},
			{Kind: carnet.Start, At: at(10), Office: "MZL-ZAB-R:RU"},
		} {
			var err error
			if c, err = c.Apply(s, "office", 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		var told []float64
		for h := 20.0; h < 60; h++ {
			s := carnet.Sighting{Evidence: carnet.Evidence{Time: at(h)}, OnWay: true, CorridorKM: 25, Beyond: 1, Passed: 3}
			if h == 30 && visited {
				s.Office = "Chita"
			}
			if h > 30 {
				s.Passed = 4
			}
			after, said, _ := c.Observe(s, 1)
			if slices.Contains(kinds(said), carnet.NoticeSkipped) {
				told = append(told, h)
			}
			c = after
		}
		if visited {
			want = 36
		}
		if !slices.Equal(told, []float64{want}) {
			t.Errorf("visited %v: told at %v, want %v", visited, told, want)
		}
	}
}

// Whatever is done to a carnet in whatever order, it stays one that can be: refusals
// change nothing, stages only go on, operations follow each other, and the journal
// verifies.
func TestAnySteps(t *testing.T) {
	order := map[carnet.Stage]int{carnet.Issued: 0, carnet.Announced: 1, carnet.Accepted: 2, carnet.InTransit: 3, carnet.Terminated: 4, carnet.Claimed: 5, carnet.Discharged: 6}
	rapid.Check(t, func(t *rapid.T) {
		countries := rapid.SampledFrom([][]geodata.Country{{"CN", "RU"}, {"CN", "KZ", "RU"}, {"TR", "BG", "RS", "BG"}}).Draw(t, "way")
		in := terms(func(c *carnet.Terms) { c.Offices, c.Vouchers, c.Approval = through(countries...), 14, "A" })
		c, err := carnet.New(in, at(0), "office", 1)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, o := range c.Offices {
			ids = append(ids, o.ID)
		}
		hour := 0.0
		text := func(name string) string { return rapid.SampledFrom([]string{"", "S1", "S2"}).Draw(t, name) }
		done := 0
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			hour += rapid.Float64Range(-0.5, 20).Draw(t, "pause")
			before, _ := json.Marshal(c)
			var after carnet.Carnet
			var refused error
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				s := carnet.Sighting{
					Evidence: carnet.Evidence{Time: at(hour), Lat: rapid.Float64Range(-1, 1).Draw(t, "lat")}, Silent: rapid.Bool().Draw(t, "silent"),
					OnWay: true, Beyond: rapid.IntRange(0, 4).Draw(t, "beyond"), Passed: rapid.IntRange(0, 9).Draw(t, "passed"), Open: rapid.Bool().Draw(t, "open"),
					Office: rapid.SampledFrom(append(ids, "")).Draw(t, "seen at"), OffKM: rapid.Float64Range(0, 50).Draw(t, "off"), CorridorKM: 25, SealNumber: text("reads"),
				}
				var said []carnet.Notice
				var ok bool
				after, said, ok = c.Observe(s, uint64(i))
				_, more, _ := after.Observe(s, uint64(i))
				for _, n := range more {
					if slices.Contains(said, n) {
						t.Fatalf("said twice: %v", n)
					}
				}
				if len(after.Journal) != len(c.Journal)+len(said) || !ok && len(said) > 0 {
					t.Fatalf("%d said, %d written", len(said), len(after.Journal)-len(c.Journal))
				}
			} else {
				s := carnet.Step{
					Kind: rapid.SampledFrom(carnet.Kinds()).Draw(t, "kind"), At: at(hour), Office: rapid.SampledFrom(append(ids, "")).Draw(t, "office"),
					Country: rapid.SampledFrom(countries).Draw(t, "country"), Seal: text("seal"), Report: text("report"), Note: text("note"), Reservation: text("reservation"), Vehicle: text("vehicle"),
					Offices: rapid.SampledFrom([][]carnet.Office{nil, c.Offices, through("CN", "RU")}).Draw(t, "offices"),
				}
				if rapid.Bool().Draw(t, "limited") {
					s.Limit = limit(hour + 5)
				}
				after, refused = c.Apply(s, "office", uint64(i), nil)
				var bad *carnet.Error
				if refused != nil && !errors.As(refused, &bad) {
					t.Fatalf("%T: %v", refused, refused)
				}
				if refused == nil {
					done++
				}
			}
			if unchanged, _ := json.Marshal(c); string(unchanged) != string(before) {
				t.Fatal("the carnet that was given has changed")
			}
			if now, _ := json.Marshal(after); refused != nil && string(now) != string(before) {
				t.Fatal("refused, and changed something")
			}
			if order[after.Stage] < order[c.Stage] {
				t.Fatalf("from %s back to %s", c.Stage, after.Stage)
			}
			c = after
			for k := range c.Operations {
				op := &c.Operations[k]
				switch {
				case op.Terminated != nil && (op.Started == nil || op.Terminated.Before(*op.Started)),
					op.Discharged != nil && op.Terminated == nil,
					k > 0 && op.Started != nil && c.Operations[k-1].Terminated == nil,
					op.Started != nil && op.Limit != nil && !op.Limit.After(*op.Started):
					t.Fatalf("operation %d cannot be: %+v after %+v", k, *op, c.Operations[max(0, k-1)])
				}
			}
			for k, s := range c.Seals {
				if k < len(c.Seals)-1 && s.Broken == nil {
					t.Fatalf("two seals are on: %+v", c.Seals)
				}
			}
			if err := c.Verify(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func journalled(t testing.TB) carnet.Carnet {
	c := issued(t)
	for _, s := range []carnet.Step{
		{Kind: carnet.Accept, At: at(2), Office: "departure", Seal: "S1", Approval: "A1"},
		{Kind: carnet.SealCheck, At: at(3)},
		{Kind: carnet.SealBreak, At: at(4), Report: "R1"},
		{Kind: carnet.Reseal, At: at(5), Seal: "S2"},
	} {
		var err error
		if c, err = c.Apply(s, "office", 7, &carnet.Evidence{Unit: "A", Lat: 50, Lon: 100, Time: s.At, Log: 7}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// Whatever is changed, taken out or moved in a journal, Verify finds it, and the
// head that somebody kept is not the head any more.
func TestTamperingShows(t *testing.T) {
	c := journalled(t)
	rapid.Check(t, func(t *rapid.T) {
		var bad carnet.Carnet
		b, _ := json.Marshal(c)
		if err := json.Unmarshal(b, &bad); err != nil {
			t.Fatal(err)
		}
		if err := bad.Verify(); err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, len(bad.Journal)-1).Draw(t, "line")
		line := &bad.Journal[i]
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			line.Text += "!"
		case 1:
			line.At = line.At.Add(time.Second)
		case 2:
			if line.Seen == nil {
				line.Seen = &carnet.Evidence{}
			} else {
				line.Seen.Lat += 1e-6
			}
		case 3:
			if i == len(bad.Journal)-1 {
				return // the last one gone is seen by the head only
			}
			bad.Journal = slices.Delete(bad.Journal, i, i+1)
		case 4:
			bad.Journal = slices.Insert(bad.Journal, i, bad.Journal[i])
		case 5:
			bad.Number = "XB25000002"
		case 6:
			line.By = "somebody"
		case 7:
			bad.Holder = "somebody else"
		case 8:
			bad.Offices[1].Lat += 0.1
		case 9:
			line.Log++
		}
		var tampered *carnet.TamperedError
		if err := bad.Verify(); !errors.As(err, &tampered) {
			t.Fatalf("%v, want it found", err)
		}
	})
	short := c
	short.Journal = c.Journal[:len(c.Journal)-1]
	if short.Head() == c.Head() || short.Holds(c.Head()) != 0 || c.Holds(short.Head()) != len(c.Journal)-1 {
		t.Error("a journal cut short has the same head")
	}
}

// Any byte of a journal's text that is changed to another character is found.
func TestAnyByteOfTheJournal(t *testing.T) {
	c := journalled(t)
	b, err := json.Marshal(c.Journal)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range b {
		bad := slices.Clone(b)
		if bad[i] ^= 1; bad[i] == '"' || bad[i] == '\\' {
			continue
		}
		var lines []carnet.Line
		if json.Unmarshal(bad, &lines) != nil {
			continue
		}
		if again, _ := json.Marshal(lines); string(again) == string(b) {
			continue // a name in another case, or a digit JSON does not keep
		}
		if carnet.VerifyJournal(c.Number, lines) == nil {
			t.Errorf("byte %d changed: %s", i, bad[max(0, i-30):min(len(bad), i+30)])
		}
		found++
	}
	if found < 500 {
		t.Errorf("only %d changes were looked at", found)
	}
}

// What is printed of an entry is enough to check it with sha256sum.
func TestCanonical(t *testing.T) {
	line := journalled(t).Journal[1]
	want := `["` + line.Prev + `",2,"accept","2026-12-01T02:00:00.000Z","office","departure","CN","seal S1; certificate of approval A1","",7,["A",50,100,"2026-12-01T02:00:00.000Z","0001-01-01T00:00:00.000Z",7]]`
	if got := line.Canonical(); got != want {
		t.Errorf("canonical\n%s\nwant\n%s", got, want)
	}
	if sum := sha256.Sum256([]byte(want)); hex.EncodeToString(sum[:]) != line.Hash {
		t.Error("the hash is not that of the text")
	}
}

// A journal that comes from outside is judged, never a crash, and only what was
// written passes.
func FuzzVerifyJournal(f *testing.F) {
	b, err := json.Marshal(journalled(f).Journal)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`[{"n":1,"seen":null}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var lines []carnet.Line
		if json.Unmarshal(b, &lines) != nil {
			return
		}
		if carnet.VerifyJournal("XB25000001", lines) != nil {
			return
		}
		for i, e := range lines {
			if sum := sha256.Sum256([]byte(e.Canonical())); hex.EncodeToString(sum[:]) != e.Hash || e.N != i+1 {
				t.Fatalf("entry %d passes and is not what it says", i)
			}
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	c := issued(b)
	c, err := c.Apply(carnet.Step{Kind: carnet.Accept, At: at(2), Office: "departure", Seal: "S1", Approval: "A1", Limit: limit(72)}, "office", 1, nil)
	if err != nil {
		b.Fatal(err)
	}
	s := carnet.Sighting{Evidence: carnet.Evidence{Time: at(3)}, OnWay: true, CorridorKM: 25, ExitAt: limit(70)}
	b.ReportAllocs()
	for b.Loop() {
		c.Observe(s, 1)
	}
}

// Everything a journal can say has words in each language.
func TestPhrases(t *testing.T) {
	keys := []string{"kind.issued", "kind.bound", "kind.carnet-unsealed", "kind.carnet-report-missing", "kind.carnet-reservation", "kind.carnet-claimed"}
	for _, k := range carnet.Kinds() {
		keys = append(keys, "kind."+string(k))
	}
	for _, k := range carnet.NoticeKinds() {
		keys = append(keys, "kind."+k)
	}
	for _, s := range []carnet.Stage{carnet.Issued, carnet.Announced, carnet.Accepted, carnet.InTransit, carnet.Terminated, carnet.Discharged, carnet.Claimed} {
		keys = append(keys, "stage."+string(s))
	}
	for _, key := range keys {
		said := map[string]bool{}
		for _, lang := range []string{"en", "zh", "ru"} {
			text := carnet.Phrase(lang, key)
			if text == strings.TrimPrefix(key, "kind.") || text == key || said[text] {
				t.Errorf("%s in %s is %q", key, lang, text)
			}
			said[text] = true
		}
	}
}

func ExampleCarnet_Verify() {
	c, err := carnet.New(carnet.Terms{
		Number: "XB25000001", Holder: "Lunan Cold Chain", Vouchers: 4, Approval: "CN-118", Offices: viaManzhouli,
		ValidUntil: time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC),
	}, time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), "dispatcher", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Apply(carnet.Step{Kind: carnet.Start, At: at(9), Office: "MZL-ZAB-R:RU"}, "dispatcher", 2, nil)
	fmt.Println(err)
	c, err = c.Apply(carnet.Step{Kind: carnet.Accept, At: at(9), Office: "departure", Seal: "CN0048213"}, "dispatcher", 2, nil)
	fmt.Println(c.Stage, err, c.Verify())
	c.Journal[1].Text = "seal CN0048214"
	fmt.Println(c.Verify())
	// Output:
	// kind: the carnet is issued: this happens between acceptance and final termination
	// accepted <nil> <nil>
	// journal of carnet XB25000001, entry 2: it was changed after it was written
}
