package pareto

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// journey is what a way comes to, for comparing sets.
type journey struct {
	hours, cost, co2, variance float64
	rule                       int32
}

func (a journey) dominates(b journey) bool {
	return a.hours <= b.hours && a.cost <= b.cost && a.co2 <= b.co2 && a.variance <= b.variance && (a.rule == b.rule || a.rule == 0)
}

// bruteForce walks every way and keeps what nothing dominates. It shares no code
// with the search but the odds of missing a departure.
func bruteForce(links []Link, rhythms map[int32]calendar, q Query) []journey {
	var all []journey
	var walk func(node int32, at journey, passed uint64, legs int, local bool)
	walk = func(node int32, at journey, passed uint64, legs int, local bool) {
		if node == q.To {
			all = append(all, at)
			return
		}
		if q.Legs > 0 && legs == q.Legs {
			return
		}
		for _, l := range links {
			if l.From != node || local && l.Local || passed&l.Once != 0 || at.rule != 0 && l.Rule != 0 && at.rule != l.Rule {
				continue
			}
			rule := max(at.rule, l.Rule)
			passed := passed | l.Once | l.Marks
			if l.Departs == 0 {
				next := journey{at.hours + l.Hours, at.cost + l.Cost, at.co2 + l.CO2, at.variance + l.Variance, rule}
				if next.hours <= q.HorizonH {
					walk(l.To, next, passed, legs+1, l.Local)
				}
				continue
			}
			var times []float64
			for turn := range 100 {
				for _, d := range rhythms[l.Departs].times {
					times = append(times, d+float64(turn)*rhythms[l.Departs].period)
				}
				if rhythms[l.Departs].period == 0 {
					break
				}
			}
			for n, d := range times {
				if d < at.hours+l.CutoffH || d+l.Hours > q.HorizonH {
					continue
				}
				gap := 0.0
				if n+1 < len(times) {
					gap = times[n+1] - d
				}
				v := l.Variance + Missed(d-l.CutoffH-at.hours, at.variance)*gap*gap
				walk(l.To, journey{d + l.Hours, at.cost + l.Cost, at.co2 + l.CO2, v, rule}, passed, legs+1, l.Local)
			}
		}
	}
	walk(q.From, journey{}, q.Passed, 0, false)
	return frontOf(all)
}

func frontOf(all []journey) []journey {
	var front []journey
	for i, a := range all {
		if !slices.ContainsFunc(all, func(b journey) bool { return b.dominates(a) && b != a }) && !slices.Contains(all[:i], a) {
			front = append(front, a)
		}
	}
	return front
}

type calendar struct {
	times  []float64
	period float64
}

// world is a small random network in both forms.
type world struct {
	net      *Network
	links    []Link
	calendar map[int32]calendar
}

func randomWorld(t *rapid.T, rules bool) world {
	nodes := rapid.IntRange(2, 6).Draw(t, "nodes")
	w := world{calendar: map[int32]calendar{}}
	var b Builder
	small := rapid.IntRange(0, 4)
	for range rapid.IntRange(1, 12).Draw(t, "links") {
		l := Link{
			From:     int32(rapid.IntRange(0, nodes-1).Draw(t, "from")),
			To:       int32(rapid.IntRange(0, nodes-1).Draw(t, "to")),
			Hours:    float64(rapid.IntRange(1, 5).Draw(t, "hours")),
			Variance: float64(small.Draw(t, "variance")),
			Cost:     float64(small.Draw(t, "cost")),
			CO2:      float64(small.Draw(t, "co2")),
		}
		if rapid.Bool().Draw(t, "scheduled") {
			c := calendar{times: []float64{float64(small.Draw(t, "first"))}}
			for range rapid.IntRange(0, 2).Draw(t, "more") {
				c.times = append(c.times, c.times[len(c.times)-1]+float64(rapid.IntRange(1, 4).Draw(t, "gap")))
			}
			if rapid.Bool().Draw(t, "repeats") {
				c.period = c.times[len(c.times)-1] - c.times[0] + float64(rapid.IntRange(1, 4).Draw(t, "rest"))
			}
			id, err := b.Rhythm(c.times, c.period)
			if err != nil {
				t.Fatal(err)
			}
			w.calendar[id] = c
			l.Departs = id
			l.CutoffH = float64(rapid.IntRange(0, 2).Draw(t, "cutoff"))
		}
		l.Local = rapid.IntRange(0, 2).Draw(t, "local") == 0
		if rules && rapid.IntRange(0, 3).Draw(t, "ruled") == 0 {
			l.Rule = int32(rapid.IntRange(1, 2).Draw(t, "rule"))
		}
		if rules && rapid.Bool().Draw(t, "limited") {
			l.Once = uint64(rapid.IntRange(0, 3).Draw(t, "once"))
			l.Marks = uint64(rapid.IntRange(0, 3).Draw(t, "marks"))
		}
		b.Add(l)
		w.links = append(w.links, l)
	}
	var err error
	if w.net, err = b.Build(nodes); err != nil {
		t.Fatal(err)
	}
	return w
}

func search(tb interface {
	Helper()
	Fatal(args ...any)
}, s *Searcher, n *Network, q Query,
) []journey {
	tb.Helper()
	labels, err := s.Search(context.Background(), n, q)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]journey, len(labels))
	for i, l := range labels {
		out[i] = journey{l.Hours, l.Cost, l.CO2, l.Variance, l.Rule}
	}
	return out
}

func randomQuery(t *rapid.T) Query {
	return Query{To: 1, HorizonH: 11, Legs: rapid.IntRange(0, 5).Draw(t, "legs")}
}

// An exact search finds the Pareto set, no more and no less, with and without a
// leg cap, with rules and with what may be passed once only.
func TestExactIsTheParetoSet(t *testing.T) {
	var s Searcher // one for all: what one query leaves must not reach the next
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t, rapid.Bool().Draw(t, "rules"))
		q := randomQuery(t)
		want := bruteForce(w.links, w.calendar, q)
		got := search(t, &s, w.net, q)
		for _, j := range got {
			if !slices.ContainsFunc(want, j.near) {
				t.Fatalf("found %v, which is not in %v", j, want)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("found %v\nwant  %v", got, want)
		}
	})
}

// near forgives that variances are added in another order.
func (a journey) near(b journey) bool {
	return a.hours == b.hours && a.cost == b.cost && a.co2 == b.co2 && a.rule == b.rule && math.Abs(a.variance-b.variance) < 1e-9
}

// A rough search finds, for every journey of the Pareto set, one that is no more
// than epsilon worse in hours, cost, CO2e and deviation.
func TestRoughStaysWithinEpsilon(t *testing.T) {
	var s Searcher
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t, rapid.Bool().Draw(t, "rules"))
		q := randomQuery(t)
		want := bruteForce(w.links, w.calendar, q)
		q.Epsilon = rapid.SampledFrom([]float64{0.01, 0.05, 0.2, 0.5, 1}).Draw(t, "epsilon")
		got := search(t, &s, w.net, q)
		e := (1 + q.Epsilon) * (1 + 1e-9)
		for _, j := range want {
			if !slices.ContainsFunc(got, func(g journey) bool {
				return g.dominates(journey{j.hours * e, j.cost * e, j.co2 * e, j.variance * e * e, j.rule})
			}) {
				t.Fatalf("nothing within %v of %v in %v", q.Epsilon, j, got)
			}
		}
	})
}

// A label says how it came about: its links lead from the origin to the
// destination and add up to its criteria.
func TestSteps(t *testing.T) {
	var s Searcher
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t, false)
		labels, err := s.Search(context.Background(), w.net, randomQuery(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range labels {
			node, hours, cost, co2 := int32(0), 0.0, 0.0, 0.0
			for _, step := range s.Steps(l, nil) {
				link := w.net.Link(step.Link)
				if link.From != node || step.Depart < hours || link.Departs == 0 && step.Depart != hours {
					t.Fatalf("link %+v at hour %v does not go on from node %d at hour %v", link, step.Depart, node, hours)
				}
				node, hours, cost, co2 = link.To, step.Depart+link.Hours, cost+link.Cost, co2+link.CO2
			}
			if node != 1 || hours != l.Hours || cost != l.Cost || co2 != l.CO2 {
				t.Fatalf("the steps of %+v end at node %d after %v h, at %v USD and %v kg", l, node, hours, cost, co2)
			}
		}
	})
}

func build(tb testing.TB, nodes int, links ...Link) *Network {
	tb.Helper()
	var b Builder
	for _, l := range links {
		b.Add(l)
	}
	n, err := b.Build(nodes)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestKindsKeepBeatenJourneysAlive(t *testing.T) {
	n := build(t, 4,
		Link{From: 0, To: 2, Hours: 1, Cost: 1, Token: 7}, Link{From: 0, To: 3, Hours: 2, Cost: 2, Token: 8},
		Link{From: 2, To: 1, Hours: 1, Cost: 1}, Link{From: 3, To: 1, Hours: 1, Cost: 1})
	var s Searcher
	for _, c := range []struct {
		name string
		q    Query
		want int
	}{
		{"without kinds", Query{To: 1, Departures: 1}, 1},
		{"with kinds", Query{To: 1, Departures: 1, Kinds: true}, 2},
		{"with little slack", Query{To: 1, Departures: 1, Kinds: true, Slack: 1.2}, 1},
	} {
		if got := search(t, &s, n, c.q); len(got) != c.want {
			t.Errorf("%s: %d journeys, want %d", c.name, len(got), c.want)
		}
	}
}

func TestRules(t *testing.T) {
	n := build(t, 3, Link{From: 0, To: 2, Hours: 1, Rule: 5}, Link{From: 2, To: 1, Hours: 1}, Link{From: 2, To: 1, Hours: 0.5, Rule: 6})
	var s Searcher
	if got := search(t, &s, n, Query{To: 1, Departures: 1}); len(got) != 1 || got[0].rule != 5 {
		t.Errorf("found %+v, want one that breaks rule 5 only", got)
	}
}

func TestRhythm(t *testing.T) {
	var b Builder
	week, err := b.Rhythm([]float64{10, 50}, 168)
	if err != nil {
		t.Fatal(err)
	}
	var long []float64
	for i := range 40 {
		long = append(long, float64(10*i))
	}
	many, err := b.Rhythm(long, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := b.Build(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id                    int32
		hour, departs, after  float64
		wantNone, wantNoAfter bool
	}{
		{id: week, hour: 0, departs: 10, after: 50},
		{id: week, hour: 10, departs: 10, after: 50},
		{id: week, hour: 11, departs: 50, after: 178},
		{id: week, hour: 51, departs: 178, after: 218},
		{id: week, hour: 177.5, departs: 178, after: 218},
		{id: week, hour: 1000, departs: 1018, after: 1058},
		{id: week, hour: 219, departs: 346, after: 386},
		{id: many, hour: 101, departs: 110, after: 120},
		{id: many, hour: 390, departs: 390, wantNoAfter: true},
		{id: many, hour: 391, wantNone: true, wantNoAfter: true},
	} {
		d, after, ok, again := n.next(&n.rhythms[c.id-1], c.hour)
		if d != c.departs || after != c.after || ok == c.wantNone || again == c.wantNoAfter {
			t.Errorf("rhythm %d at hour %v: %v then %v (%v, %v)", c.id, c.hour, d, after, ok, again)
		}
	}
}

func TestMissed(t *testing.T) {
	// At the median and at one in ten the heavy tail is the normal one's.
	for _, c := range []struct{ slack, variance, q float64 }{{0, 9, 0.5}, {1.2816 * 3, 9, 0.1}} {
		if got, want := Missed(c.slack, c.variance), c.q*(1-c.q); math.Abs(got-want) > 1e-4 {
			t.Errorf("slack %v, variance %v: %v, want %v", c.slack, c.variance, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		slack, variance := rapid.Float64Range(0, 1e4).Draw(t, "slack"), rapid.Float64Range(0, 1e6).Draw(t, "variance")
		more := 1 + rapid.Float64Range(0, 2).Draw(t, "more")
		v := Missed(slack, variance)
		if v < 0 || v > 0.25 || Missed(slack*more, variance) > v*(1+1e-9) || Missed(slack, variance*more) < v*(1-1e-9) {
			t.Fatalf("Missed(%v, %v) = %v is not monotone", slack, variance, v)
		}
		if got := Missed(slack, variance*more); got > v*more*(1+1e-6) {
			t.Fatalf("Missed(%v, %v) = %v grows faster than the variance: %v at %v times", slack, variance, v, got, more)
		}
	})
}

func TestRefuses(t *testing.T) {
	var b Builder
	for _, c := range []struct {
		times  []float64
		period float64
	}{{nil, 0}, {[]float64{2, 1}, 0}, {[]float64{1, 1}, 0}, {[]float64{math.NaN()}, 0}, {[]float64{0, 10}, 10}} {
		if _, err := b.Rhythm(c.times, c.period); err == nil {
			t.Errorf("departures %v every %v are taken", c.times, c.period)
		}
	}
	for _, l := range []Link{{To: 9}, {From: -1}, {Departs: 1}, {Hours: -1}, {Cost: math.NaN()}, {CO2: math.Inf(1)}} {
		b.Reset()
		b.Add(l)
		if _, err := b.Build(2); err == nil {
			t.Errorf("a network with link %+v is built", l)
		}
	}
	n := build(t, 2, Link{To: 1, Hours: 1})
	var s Searcher
	for _, q := range []Query{{To: 1}, {To: 7, Departures: 1}, {To: 1, Departures: 1, Epsilon: -1}, {To: 1, Departures: 1, Legs: 1000}} {
		if _, err := s.Search(t.Context(), n, q); err == nil {
			t.Errorf("query %+v is answered", q)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Search(ctx, n, Query{To: 1, Departures: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
