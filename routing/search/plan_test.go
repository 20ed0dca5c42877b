package search

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/routing"
)

// checkPlan holds what must be true of every plan.
func checkPlan(tb testing.TB, p routing.Plan) {
	tb.Helper()
	ids := map[string]bool{}
	lastCost := 0.0
	for i := range p.Options {
		o := &p.Options[i]
		fail := func(format string, args ...any) {
			tb.Helper()
			tb.Errorf(o.Title+": "+format, args...)
		}
		if ids[o.ID] || o.ID == "" || o.Title == "" || o.Corridor == "" || o.Why == "" || o.Badges == nil || o.Risks == nil || o.Via == nil {
			fail("id %q is empty or there twice, or something is missing: %+v", o.ID, o.Via)
		}
		ids[o.ID] = true
		if o.Cost.Total.Amount < lastCost {
			fail("is not in the order of cost")
		}
		lastCost = o.Cost.Total.Amount
		checkTimes(fail, p, o)
		checkCost(fail, o)
		checkLegs(fail, p, o)
	}
	for _, e := range p.Excluded {
		if e.Rule == "" || e.Reason == "" || e.Title == "" || e.Corridor == "" {
			tb.Errorf("a refusal does not say why: %+v", e)
		}
	}
	if p.Excluded == nil {
		tb.Error("excluded is null in JSON")
	}
	if _, err := json.Marshal(p); err != nil {
		tb.Error(err)
	}
}

func checkTimes(fail func(string, ...any), p routing.Plan, o *routing.Option) {
	h := o.TransitHours
	if !(0 < h.P10 && h.P10 <= h.P50 && h.P50 <= h.P80 && h.P80 <= h.P90 && h.P90 <= h.P95) {
		fail("quantiles are out of order: %+v", h)
	}
	sum := 0.0
	for _, s := range o.Segments {
		sum += s.Hours
		if s.Hours < 0 || s.Leg < 0 || s.Leg >= len(o.Legs) || (s.Kind == "move") != (s.Mode != "") || s.Kind == "wait" && s.Where == "" {
			fail("segment %+v", s)
		}
	}
	if math.Abs(sum-h.P50) > 0.01 {
		fail("segments add up to %v h, P50 is %v h", sum, h.P50)
	}
	if got := o.Arrive.P50.Sub(o.Depart).Hours(); math.Abs(got-h.P50) > 0.02 {
		fail("arrives after %v h, P50 is %v h", got, h.P50)
	}
	if !o.Depart.Equal(p.Request.Depart) || o.Arrive.P10.After(o.Arrive.P50) || o.Arrive.P50.After(o.Arrive.P90) {
		fail("departs %v, arrives %+v", o.Depart, o.Arrive)
	}
	if !(o.OnTime >= 0 && o.OnTime <= 1) || o.OnTimeBasis == "" {
		fail("on time %v %q", o.OnTime, o.OnTimeBasis)
	}
	if by := p.Request.ArriveBy; by != nil {
		// The odds and the quantiles come from one distribution.
		allowed := by.Sub(o.Depart).Hours()
		if allowed >= h.P95+1 && o.OnTime < 0.94 || allowed <= h.P10-1 && o.OnTime > 0.11 || allowed > h.P50+1 && o.OnTime < 0.49 {
			fail("%v h are allowed, on time %v, but quantiles are %+v", allowed, o.OnTime, h)
		}
	} else if o.OnTime < 0.5 {
		fail("on time %v a day after its own median", o.OnTime)
	}
}

func checkCost(fail func(string, ...any), o *routing.Option) {
	sum := 0.0
	for _, l := range o.Cost.Lines {
		sum += l.Amount.Amount
		if l.What == "" || l.Basis == "" || l.Source == "" || l.Origin == "" || l.Amount.Currency != "USD" || l.Leg < -1 || l.Leg >= len(o.Legs) {
			fail("cost line %+v", l)
		}
		if l.Low.Amount > l.Amount.Amount || l.High.Amount < l.Amount.Amount || l.Amount.Amount < 0 {
			fail("cost line out of its range: %+v", l)
		}
		if l.AsOf == "" && !l.Stale {
			fail("an undated price is not stale: %+v", l)
		}
	}
	if math.Abs(sum-o.Cost.Total.Amount) > 0.01*float64(len(o.Cost.Lines)+1) {
		fail("lines add up to %v, the total is %v", sum, o.Cost.Total.Amount)
	}
	if o.Cost.Low.Amount > o.Cost.Total.Amount || o.Cost.High.Amount < o.Cost.Total.Amount {
		fail("cost %v is not in %v to %v", o.Cost.Total, o.Cost.Low, o.Cost.High)
	}
}

func checkLegs(fail func(string, ...any), p routing.Plan, o *routing.Option) {
	if len(o.Legs) == 0 {
		fail("no legs")
		return
	}
	if o.Legs[0].From.Name != p.Origin.Name || o.Legs[len(o.Legs)-1].To.Name != p.Destination.Name {
		fail("leads from %s to %s", o.Legs[0].From.Name.EN, o.Legs[len(o.Legs)-1].To.Name.EN)
	}
	km, co2 := 0.0, 0.0
	for i, l := range o.Legs {
		km += l.DistanceKM
		co2 += l.CO2eKG
		if i > 0 && (l.From != o.Legs[i-1].To || l.Depart.Before(o.Legs[i-1].Arrive)) {
			fail("leg %d does not follow leg %d", i, i-1)
		}
		if l.Arrive.Before(l.Depart) || l.Service == "" || l.CO2eBasis == "" && l.CO2eKG > 0 || l.Borders == nil || l.DistanceKM < 0 {
			fail("leg %d: %+v", i, l)
		}
		lines := 0.0
		for _, e := range l.CO2eLines {
			lines += e.KG
			if e.What == "" || e.Source == "" || e.Origin == "" || e.Kind != "transport" && e.Kind != "hub" {
				fail("leg %d: emission line %+v", i, e)
			}
		}
		if math.Abs(lines-l.CO2eKG) > 0.06 {
			fail("leg %d: emission lines add up to %v kg, the leg says %v", i, lines, l.CO2eKG)
		}
		var geo struct{ Type string }
		if err := json.Unmarshal(l.Geometry, &geo); err != nil || geo.Type != "LineString" && geo.Type != "MultiLineString" {
			fail("leg %d has geometry %.60s", i, l.Geometry)
		}
		for _, b := range l.Borders {
			if b.ID == "" || b.From == b.To || b.DwellHours.P50 <= 0 || b.DwellHours.P90 < b.DwellHours.P50 || b.Source == "" || b.Origin == "" {
				fail("border %+v", b)
			}
			if b.AtKM < 0 || b.AtKM > l.DistanceKM+1 {
				fail("border %s at km %v of %v", b.ID, b.AtKM, l.DistanceKM)
			}
		}
	}
	if math.Abs(km-o.DistanceKM) > 0.1*float64(len(o.Legs)) || math.Abs(co2-o.CO2eKG) > 0.1*float64(len(o.Legs)) {
		fail("legs add up to %v km and %v kg, the option says %v and %v", km, co2, o.DistanceKM, o.CO2eKG)
	}
}

func mustPlan(tb testing.TB, p *Planner, r routing.Request, cond routing.Conditions) routing.Plan {
	tb.Helper()
	plan, err := p.Plan(tb.Context(), r, cond)
	if err != nil {
		tb.Fatal(err)
	}
	before := tb.Failed()
	checkPlan(tb, plan)
	if tb.Failed() && !before {
		show(tb, plan)
		tb.FailNow()
	}
	return plan
}

func byCorridor(p routing.Plan, corridor string) []routing.Option {
	var out []routing.Option
	for _, o := range p.Options {
		if o.Corridor == corridor {
			out = append(out, o)
		}
	}
	return out
}

func refusedBy(p routing.Plan, rule string) []routing.Excluded {
	var out []routing.Excluded
	for _, e := range p.Excluded {
		if e.Rule == rule {
			out = append(out, e)
		}
	}
	return out
}

// Every pair of places of the small world, with any cargo, gets a sound plan.
func TestAnyPlaceToAnyPlace(t *testing.T) {
	p := newFakePlanner(t)
	places := newFakePlaces().places
	examples := 0
	rapid.Check(t, func(rt *rapid.T) {
		if examples++; examples > 15 && underRace {
			return
		}
		from := rapid.SampledFrom(places).Draw(rt, "from")
		to := rapid.SampledFrom(places).Draw(rt, "to")
		if from.Code == to.Code {
			return
		}
		r := request(from.Code, to.Code)
		r.Cargo.Unit = rapid.SampledFrom(units()).Draw(rt, "unit")
		room, _ := unitRoom(r.Cargo.Unit)
		r.Cargo.WeightKG = math.Min(room.kg, rapid.Float64Range(10, 30_000).Draw(rt, "kg"))
		if rapid.Bool().Draw(rt, "cooled") {
			r.Cargo.TempC = &[2]float64{2, 8}
		}
		if rapid.Bool().Draw(rt, "valued") {
			r.Cargo.Value = &routing.Money{Amount: 50_000, Currency: "EUR"}
		}
		if rapid.Bool().Draw(rt, "deadline") {
			by := r.Depart.Add(time.Duration(rapid.IntRange(24, 1500).Draw(rt, "hours")) * time.Hour)
			r.ArriveBy = &by
		}
		plan := mustPlan(t, p, r, nil)
		if len(plan.Options) == 0 && len(plan.Excluded) == 0 {
			rt.Fatal("nothing is offered and nothing said")
		}
	})
}

func TestPlansRepeat(t *testing.T) {
	a := mustPlan(t, newFakePlanner(t), request("CNTAO", "RUMOW"), nil)
	p := newFakePlanner(t)
	mustPlan(t, p, request("CNSZX", "DEHAM"), nil) // warm caches change nothing
	b := mustPlan(t, p, request("CNTAO", "RUMOW"), nil)
	ja, _ := json.Marshal(a)
	jb, _ := json.Marshal(b)
	if string(ja) != string(jb) {
		t.Error("the same request gives another plan")
	}
}

func TestTIRRules(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	plan := mustPlan(t, p, r, nil)
	if len(byCorridor(plan, "road-tir")) == 0 || len(byCorridor(plan, "road")) != 0 || len(refusedBy(plan, "ROAD-1")) == 0 {
		show(t, plan)
		t.Fatal("want TIR offered and the same road without TIR refused")
	}
	for _, l := range byCorridor(plan, "road-tir")[0].Legs {
		if l.Regime != "TIR" {
			t.Errorf("leg under %q", l.Regime)
		}
	}
	r.Cargo.HS = "2402.20"
	plan = mustPlan(t, p, r, nil)
	if len(byCorridor(plan, "road-tir")) != 0 || len(refusedBy(plan, "TIR-2")) == 0 {
		show(t, plan)
		t.Error("cigarettes go under TIR, or it is not said why not")
	}
}

func TestUserAvoids(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "DEHAM")
	r.Avoid = []string{"country:RU", "country:KZ"}
	plan := mustPlan(t, p, r, nil)
	for _, o := range plan.Options {
		for _, l := range o.Legs {
			for _, b := range l.Borders {
				if b.To == "RU" || b.To == "KZ" {
					t.Errorf("%s crosses into %s", o.Title, b.To)
				}
			}
		}
	}
	if len(refusedBy(plan, "AVOID")) == 0 {
		show(t, plan)
		t.Error("what the request avoids is not among the refused")
	}
	r = request("CNTAO", "RUMOW")
	r.Avoid = []string{"border:MZL-ZAB-R"}
	for _, o := range mustPlan(t, p, r, nil).Options {
		if slices.Contains(o.Via, "MZL-ZAB-R") {
			t.Errorf("%s crosses at the avoided post", o.Title)
		}
	}
	r.Avoid = []string{"passage:suez"}
	for _, o := range mustPlan(t, p, r, nil).Options {
		if slices.Contains(o.Via, "suez") {
			t.Errorf("%s sails by Suez", o.Title)
		}
	}
}

func TestOnlyTheModesAskedFor(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Modes = []routing.Mode{geodata.Rail}
	plan := mustPlan(t, p, r, nil)
	if len(plan.Options) == 0 {
		t.Fatal("no train")
	}
	for _, o := range plan.Options {
		if o.Corridor != "rail" {
			t.Errorf("offered %s", o.Corridor)
		}
	}
	if len(refusedBy(plan, "MODE")) == 0 {
		t.Error("other modes are not told of")
	}
}

// status is a world in which some things are shut or slow.
type status map[string]routing.Status

func (s status) Border(id string, _ time.Time) (routing.Status, bool) { v, ok := s[id]; return v, ok }

func (s status) Passage(id string, _ time.Time) (routing.Status, bool) { v, ok := s[id]; return v, ok }

func TestConditions(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Modes = []routing.Mode{geodata.Road}
	before := mustPlan(t, p, r, nil)
	i := slices.IndexFunc(before.Options, func(o routing.Option) bool { return slices.Contains(o.Via, "MZL-ZAB-R") })
	if i < 0 {
		show(t, before)
		t.Fatal("nothing goes by Manzhouli")
	}
	shut := mustPlan(t, p, r, status{"MZL-ZAB-R": {Regime: "closed"}})
	if slices.ContainsFunc(shut.Options, func(o routing.Option) bool { return slices.Contains(o.Via, "MZL-ZAB-R") }) {
		t.Error("a closed post is crossed")
	}
	if len(refusedBy(shut, "BORDER-1")) == 0 {
		show(t, shut)
		t.Error("the closed post is not told of")
	}
	slow := status{"MZL-ZAB-R": {Regime: "congested", Dwell: &geodata.Dwell{P50: 100, P90: 200}}}
	for _, id := range []string{"SUI-POG-R", "HEI-BLA"} {
		slow[id] = routing.Status{Regime: "closed"}
	}
	after := mustPlan(t, p, r, slow)
	k := slices.IndexFunc(after.Options, func(o routing.Option) bool { return slices.Contains(o.Via, "MZL-ZAB-R") })
	if k >= 0 {
		if a, b := before.Options[i].TransitHours.P50, after.Options[k].TransitHours.P50; b < a+60 {
			t.Errorf("a queue of 100 h makes %v h of %v h", b, a)
		}
		if b := after.Options[k].Legs[0].Borders[0]; b.Regime != "congested" {
			t.Errorf("the border is said to be %s", b.Regime)
		}
	}
	suez := mustPlan(t, p, request("CNSHA", "DEHAM"), status{"suez": {Regime: "closed"}})
	for _, o := range suez.Options {
		if slices.Contains(o.Via, "suez") {
			t.Error("a closed passage is sailed")
		}
	}
}

func TestEverythingRefused(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Cargo.DG = "1.1"
	plan := mustPlan(t, p, r, nil)
	if len(plan.Options) != 0 || len(plan.Excluded) < 3 {
		show(t, plan)
		t.Error("explosives are offered, or the refusals do not say why")
	}
	for _, e := range plan.Excluded {
		if !strings.HasPrefix(e.Rule, "DG-") && e.Rule != "NET-1" && e.Rule != "ROAD-1" {
			t.Errorf("refused by %s", e.Rule)
		}
	}
	if plan := mustPlan(t, p, request("CNTAO", "XXNOW"), nil); len(plan.Options) != 0 || len(plan.Excluded) == 0 {
		show(t, plan)
		t.Error("a way to nowhere")
	}
}

func TestDeadlineOdds(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	last := map[string]float64{}
	for _, days := range []int{5, 10, 15, 25, 40, 80} {
		by := r.Depart.AddDate(0, 0, days)
		r.ArriveBy = &by
		for _, o := range mustPlan(t, p, r, nil).Options {
			if o.OnTime < last[o.ID] {
				t.Errorf("%s: a later deadline has odds %v after %v", o.ID, o.OnTime, last[o.ID])
			}
			last[o.ID] = o.OnTime
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newFakePlanner(t).Plan(ctx, request("CNTAO", "RUMOW"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestNewNeedsAWorld(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a planner without a world")
	}
}

func BenchmarkPlanSmallWorld(b *testing.B) {
	p := newFakePlanner(b)
	r := request("CNTAO", "RUMOW")
	if _, err := p.Plan(b.Context(), r, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Plan(b.Context(), r, nil); err != nil {
			b.Fatal(err)
		}
	}
}
