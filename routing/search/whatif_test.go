package search

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

// offered gives the option whose way holds an id; nil when there is none.
func offered(p routing.Plan, corridor, via string) *routing.Option {
	for i := range p.Options {
		if o := &p.Options[i]; o.Corridor == corridor && slices.Contains(o.Via, via) {
			return o
		}
	}
	return nil
}

func TestWhatIfABorderCloses(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Modes = []routing.Mode{geodata.Road}
	before := mustPlan(t, p, r, nil)
	if before.Difference != nil {
		t.Error("a plan without suppositions tells a difference")
	}
	if offered(before, "road-tir", "MZL-ZAB-R") == nil {
		show(t, before)
		t.Fatal("nothing goes by Manzhouli")
	}
	for _, c := range []struct {
		whatIf string
		stays  bool
	}{
		{"border:mzl-zab-r=closed", false},
		{"border:MZL-ZAB-R=closed@2026-12-01", false},
		{"border:MZL-ZAB-R=closed@2027-03-01", true}, // the goods have passed by then
	} {
		r.WhatIf = []string{c.whatIf}
		plan := mustPlan(t, p, r, nil)
		if got := offered(plan, "road-tir", "MZL-ZAB-R") != nil; got != c.stays {
			show(t, plan)
			t.Errorf("%s: the way by Manzhouli is offered: %v", c.whatIf, got)
		}
		gone := slices.ContainsFunc(plan.Difference.Gone, func(x routing.Change) bool { return strings.Contains(x.ID, "mzl-zab-r") })
		if gone == c.stays || c.stays && plan.Difference.Text != "Nothing changes." {
			t.Errorf("%s: the difference is %+v", c.whatIf, plan.Difference)
		}
		if !c.stays && len(refusedBy(plan, "BORDER-1")) == 0 {
			t.Errorf("%s: the closed post is not told of", c.whatIf)
		}
	}
}

func TestWhatIfThingsAreSlow(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Modes = []routing.Mode{geodata.Road}
	r.WhatIf = []string{"border:MZL-ZAB-R=congested"}
	plan := mustPlan(t, p, r, nil)
	slower := slices.ContainsFunc(slices.Concat(plan.Difference.Changed, plan.Difference.Gone), func(c routing.Change) bool {
		return strings.Contains(c.ID, "mzl-zab-r") && c.Hours > 1
	})
	if !slower {
		show(t, plan)
		t.Errorf("a queue changes nothing: %+v", plan.Difference)
	}
	// What is supposed comes before what is observed.
	seen := status{"MZL-ZAB-R": {Regime: "closed"}}
	r.WhatIf = []string{"border:MZL-ZAB-R=normal"}
	plan = mustPlan(t, p, r, seen)
	if offered(plan, "road-tir", "MZL-ZAB-R") == nil || len(plan.Difference.New) == 0 {
		show(t, plan)
		t.Errorf("a post supposed to be open is not crossed: %+v", plan.Difference)
	}
}

func TestBadSuppositions(t *testing.T) {
	p := newFakePlanner(t)
	for _, c := range []struct {
		whatIf []string
		says   string
	}{
		{[]string{"KHO-NUR"}, "is not like"},
		{[]string{"border:KHO-NUR"}, "is not like"},
		{[]string{"country:RU=closed"}, "is not like"},
		{[]string{"border:XXX-YYY=closed"}, "unknown border post"},
		{[]string{"passage:foo=closed"}, "suez"},
		{[]string{"border:KHO-NUR=burning"}, "closed, congested or normal"},
		{[]string{"border:KHO-NUR=closed@tomorrow"}, "2026-12-05"},
		{[]string{"border:KHO-NUR=closed", "border:kho-nur=congested"}, "at once"},
	} {
		r := request("CNTAO", "RUMOW")
		r.WhatIf = c.whatIf
		_, err := p.Plan(t.Context(), r, nil)
		var input *routing.InputError
		if !errors.As(err, &input) || input.Field != "what_if" || !strings.Contains(input.Message, c.says) {
			t.Errorf("%q: %v, want what_if: …%s…", c.whatIf, err, c.says)
		}
	}
}

func FuzzSuppose(f *testing.F) {
	p := newFakePlanner(f)
	f.Add("border:KHO-NUR=closed@2026-12-05")
	f.Add("passage:suez=congested")
	f.Add("border:=@=")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := p.suppose([]string{text}, nil)
		var input *routing.InputError
		if err != nil && !errors.As(err, &input) {
			t.Fatalf("an error without a culprit: %v", err)
		}
		if err == nil && len(s.borders)+len(s.passages) != 1 {
			t.Fatalf("%q is taken as %+v", text, s)
		}
	})
}

func TestAvoidCarrier(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "JPOSA")
	express := func(o routing.Option) bool {
		return slices.ContainsFunc(o.Legs, func(l routing.Leg) bool { return strings.HasPrefix(l.Service, "Express ship of 27 kn") })
	}
	if plan := mustPlan(t, p, r, nil); !slices.ContainsFunc(plan.Options, express) {
		show(t, plan)
		t.Fatal("no express ship")
	}
	r.Avoid = []string{"carrier:sea-tao-osa-x"}
	if plan := mustPlan(t, p, r, nil); slices.ContainsFunc(plan.Options, express) || len(plan.Options) == 0 {
		show(t, plan)
		t.Error("the service avoided is offered, or nothing is left")
	}
	r.Avoid = []string{"carrier:flying dutchman"}
	_, err := p.Plan(t.Context(), r, nil)
	var input *routing.InputError
	if !errors.As(err, &input) || input.Field != "avoid" {
		t.Errorf("an unknown carrier gives %v", err)
	}
}

// What an option is exposed to is what it crosses, and a bypass does without it.
func TestExposures(t *testing.T) {
	p := newFakePlanner(t)
	bypasses := 0
	for _, pair := range [][2]string{{"CNTAO", "RUMOW"}, {"CNXIY", "DEDUI"}, {"CNSHA", "DEHAM"}} {
		for _, o := range mustPlan(t, p, request(pair[0], pair[1]), nil).Options {
			var want, got []string
			for _, l := range o.Legs {
				for _, b := range l.Borders {
					want = append(want, b.ID)
				}
				want = append(want, l.Passages...)
			}
			for _, e := range o.Exposed {
				got = append(got, e.ID)
				for _, b := range e.Bypasses {
					bypasses++
					if slices.Contains(b.Via, e.ID) || b.Title == "" || b.Cost.Currency != "USD" || math.Abs(b.Days) > 400 {
						t.Errorf("%s: %s is bypassed by %+v", o.Title, e.ID, b)
					}
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if want = slices.Compact(want); !slices.Equal(got, want) {
				t.Errorf("%s: exposed to %v, crosses %v", o.Title, got, want)
			}
		}
	}
	if bypasses == 0 {
		t.Error("no bypass is told")
	}
}

// The ranges in which options are the best cover every worth of a day and of a
// tonne, and the best there is the best by arithmetic.
func TestBreakEvens(t *testing.T) {
	p := newFakePlanner(t)
	for _, pair := range [][2]string{{"CNTAO", "RUMOW"}, {"CNSHA", "DEHAM"}, {"KZALA", "TRIST"}} {
		plan := mustPlan(t, p, request(pair[0], pair[1]), nil)
		for worth := 0.0; worth < 50_000; worth = worth*1.5 + 1 {
			check := func(name string, span func(*routing.Option) *routing.Range, units func(*routing.Option) float64) {
				total := func(o *routing.Option) float64 { return o.Cost.Total.Amount + worth*units(o) }
				least := math.Inf(1)
				for i := range plan.Options {
					least = math.Min(least, total(&plan.Options[i]))
				}
				some := false
				for i := range plan.Options {
					o := &plan.Options[i]
					r := span(o)
					if r == nil || worth < r.From-0.01 || r.To != nil && worth > *r.To+0.01 {
						continue
					}
					some = true
					if total(o) > least+0.02*units(o)+0.01 {
						t.Errorf("%s is said to be the best at %v USD a %s: %v against %v", o.Title, worth, name, total(o), least)
					}
				}
				if !some {
					t.Errorf("%v: nothing is the best at %v USD a %s", pair, worth, name)
				}
			}
			check("day", func(o *routing.Option) *routing.Range { return o.DayValue }, days)
			check("tonne", func(o *routing.Option) *routing.Range { return o.CO2ePrice }, tonnesCO2e)
		}
	}
}

func TestSupposedFallsThrough(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	s := &supposed{under: status{"A": {Regime: "congested"}, "suez": {Regime: "closed"}}, borders: map[string]supposition{"A": {"closed", at}}}
	if x, ok := s.Border("A", at.Add(-time.Hour)); !ok || x.Regime != "congested" {
		t.Errorf("before the supposition: %+v", x)
	}
	if x, ok := s.Border("A", at); !ok || x.Regime != "closed" || x.AsOf != "2026-12-01" {
		t.Errorf("from then on: %+v", x)
	}
	if x, ok := s.Passage("suez", at); !ok || x.Regime != "closed" {
		t.Errorf("a passage nothing is supposed of: %+v", x)
	}
	if _, ok := (&supposed{}).Border("A", at); ok {
		t.Error("something is known of a world without conditions")
	}
}
