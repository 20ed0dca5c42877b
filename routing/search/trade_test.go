package search

import (
	"slices"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// withImports is the small world with a carrier's sheet and a schedule.
func withImports(t *testing.T, rows string, services ...timetable.Service) *Planner {
	t.Helper()
	rates, err := tariff.Reference()
	if err != nil {
		t.Fatal(err)
	}
	sheet, problems, err := rates.ReadSheet("acme.csv", strings.NewReader("carrier,mode,from,to,unit,price,currency,per,valid_from,valid_until,charge,what\n"+rows))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if rates, err = rates.With(sheet); err != nil {
		t.Fatal(err)
	}
	p := newFakePlanner(t)
	p.rates = rates
	if len(services) > 0 {
		p.times = p.times.With("test", []byte("test"), services)
	}
	return p
}

func sheetLines(o routing.Option) (out []routing.CostLine) {
	for _, l := range o.Cost.Lines {
		if l.Sheet != "" {
			out = append(out, l)
		}
	}
	return out
}

func TestCarriersPricesStandForTheReference(t *testing.T) {
	p := withImports(t, "Trucker,road-tir,CNTAO,RUMOW,FTL,7777,USD,unit,2026-11-01,2026-12-31,,\n"+
		"Trucker,road-tir,CN,RU,FTL,50,USD,unit,2026-11-01,2026-12-31,surcharge,Winter\n"+
		"Acme,sea,CNTAO,DEHAM,40HC,1234,USD,unit,2026-11-01,2026-12-31,,\n"+
		"Acme,sea,CNTAO,DEHAM,40HC,99,USD,unit,2026-11-01,2026-12-31,thc-origin,\n")
	plan := mustPlan(t, p, request("CNTAO", "RUMOW"), nil)
	for _, o := range byCorridor(plan, "road-tir") {
		lines := sheetLines(o)
		if len(lines) != 2 || lines[0].Amount.Amount != 7777 || lines[0].Sheet != "acme.csv:2" || lines[1].Amount.Amount != 50 {
			t.Errorf("%s: %+v", o.Title, lines)
		}
		if slices.ContainsFunc(o.Cost.Lines, func(l routing.CostLine) bool { return strings.HasPrefix(l.What, "Line haul under TIR") }) {
			t.Errorf("%s: the reference line haul is counted as well", o.Title)
		}
		if !slices.ContainsFunc(o.Cost.Lines, func(l routing.CostLine) bool { return strings.HasPrefix(l.What, "TIR carnet of") }) {
			t.Errorf("%s: the carnet is missing", o.Title)
		}
	}
	if len(byCorridor(plan, "road-tir")) == 0 {
		t.Error("no road under TIR")
	}
	sea := mustPlan(t, p, request("CNTAO", "DEHAM"), nil)
	quoted := 0
	for _, o := range byCorridor(sea, "sea") {
		if lines := sheetLines(o); len(lines) == 2 && lines[0].Amount.Amount == 1234 && lines[1].Amount.Amount == 99 {
			quoted++
		}
	}
	if quoted == 0 {
		show(t, sea)
		t.Error("no ship at the carrier's price")
	}
	if !slices.ContainsFunc(plan.Data, func(d routing.Data) bool { return d.Name == "sheet acme.csv" && d.Version != "" }) {
		t.Errorf("the sheet is not among the data: %+v", plan.Data)
	}
	late := request("CNTAO", "RUMOW")
	late.Depart = late.Depart.AddDate(0, 2, 0)
	for _, o := range mustPlan(t, p, late, nil).Options {
		if len(sheetLines(o)) > 0 {
			t.Errorf("%s: priced by a sheet that has ended", o.Title)
		}
	}
}

func TestImportedSchedulesAreSailed(t *testing.T) {
	departs := time.Date(2026, 12, 5, 10, 0, 0, 0, time.UTC)
	service := timetable.Service{
		ID: "x", Mode: geodata.Sea, From: []string{"CNTAO"}, To: []string{"DEHAM"}, Name: "Blue Loop", Carrier: "Acme", OneWay: true, TransitH: 700, CutoffH: 24, Via: "cape",
		Rhythm: timetable.Rhythm{Every: 168, Dates: []time.Time{departs, departs.AddDate(0, 0, 7), departs.AddDate(0, 0, 14)}},
		Origin: geodata.Origin{Kind: "P", Confidence: "H", Source: "test"},
	}
	plan := mustPlan(t, withImports(t, "", service), request("CNTAO", "DEHAM"), nil)
	i := slices.IndexFunc(plan.Options, func(o routing.Option) bool {
		return slices.ContainsFunc(o.Legs, func(l routing.Leg) bool { return strings.HasPrefix(l.Service, "Blue Loop") })
	})
	if i < 0 {
		show(t, plan)
		t.Fatal("the imported ship is not offered")
	}
	leg := mainLeg(&plan.Options[i], "sea")
	if leg.TransitHours.P50 < 650 || leg.TransitHours.P50 > 760 {
		t.Errorf("700 h are scheduled, the leg takes %+v", leg.TransitHours)
	}
	off := leg.Depart.Sub(departs) % (7 * 24 * time.Hour)
	if off > time.Hour && off < 7*24*time.Hour-time.Hour {
		t.Errorf("sails at %v, not on its timetable", leg.Depart)
	}
	old := request("CNTAO", "DEHAM")
	old.Depart = old.Depart.AddDate(0, 4, 0)
	for _, o := range mustPlan(t, withImports(t, "", service), old, nil).Options {
		for _, l := range o.Legs {
			if strings.HasPrefix(l.Service, "Blue Loop") {
				t.Error("a schedule that has long ended is sailed")
			}
		}
	}
}

func TestOneDriverIsSlower(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Modes = []routing.Mode{geodata.Road}
	two := mustPlan(t, p, r, nil)
	r.Drivers = 1
	one := mustPlan(t, p, r, nil)
	for _, a := range byCorridor(two, "road-tir") {
		for _, b := range byCorridor(one, "road-tir") {
			if a.ID == b.ID && (b.TransitHours.P50 < 1.2*a.TransitHours.P50 || !strings.Contains(b.Legs[0].Service, "one driver")) {
				t.Errorf("%s: two drivers %.0f h, one %.0f h", a.Title, a.TransitHours.P50, b.TransitHours.P50)
			}
		}
	}
	if len(byCorridor(one, "road-tir")) == 0 {
		t.Error("no road with one driver")
	}
}

// Each exclusion names its rule.
func TestRulesOfGoodsAndCarnets(t *testing.T) {
	p := newFakePlanner(t)
	for _, c := range []struct {
		name   string
		change func(*routing.Request)
		rule   string
		gone   string // corridor that may not be offered
	}{
		{"loose lithium cells by rail", func(r *routing.Request) { r.Cargo.UN = "UN3480" }, "LI-RAIL", "rail"},
		{"cells charged to 60 % by air", func(r *routing.Request) { r.Cargo.UN, r.Cargo.Charge = "3480", 60 }, "LI-AIR-2", "air"},
		{"fireworks by rail", func(r *routing.Request) { r.Cargo.UN = "0336" }, "DG-RAIL", "rail"},
		{"a lorry that is not approved", func(r *routing.Request) { r.TIR = &routing.TIRTerms{Unapproved: true} }, "TIR-6", "road-tir"},
		{"nine customs offices", func(r *routing.Request) { r.TIR = &routing.TIRTerms{Offices: 9} }, "TIR-5", "road-tir"},
		{"duties above the guarantee", func(r *routing.Request) {
			r.Cargo.Value, r.TIR = &routing.Money{Amount: 600_000, Currency: "EUR"}, &routing.TIRTerms{DutiesPercent: 20}
		}, "TIR-4", "road-tir"},
		{"tobacco", func(r *routing.Request) { r.Cargo.HS = "240220" }, "TIR-2", "road-tir"},
	} {
		r := request("CNTAO", "RUMOW")
		r.Cargo.WeightKG = 18_000
		c.change(&r)
		plan := mustPlan(t, p, r, nil)
		if len(refusedBy(plan, c.rule)) == 0 || len(byCorridor(plan, c.gone)) > 0 {
			show(t, plan)
			t.Errorf("%s: refused by %s %d times, %s offered %d times", c.name, c.rule, len(refusedBy(plan, c.rule)), c.gone, len(byCorridor(plan, c.gone)))
		}
	}
	heavy := request("CNTAO", "RUMOW")
	heavy.TIR = &routing.TIRTerms{Unapproved: true, HeavyOrBulky: true}
	if len(byCorridor(mustPlan(t, p, heavy, nil), "road-tir")) == 0 {
		t.Error("heavy goods need no approved lorry")
	}
}
