package search

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// criteria of a way, for comparing sets.
type criteria struct{ hours, cost, co2, variance float64 }

// bruteForce walks every way up to the horizon and keeps what nothing dominates.
// It shares no code with the search but the arithmetic of a link.
func bruteForce(g *graph, origin, destination int32, horizon float64) []criteria {
	var all []criteria
	var walk func(node int32, at criteria)
	walk = func(node int32, at criteria) {
		if node == destination {
			all = append(all, at)
			return
		}
		for _, l := range g.out[node] {
			if l.departs == nil {
				next := criteria{at.hours + l.hours, at.cost + l.cost, at.co2 + l.co2, at.variance + l.variance}
				if next.hours <= horizon {
					walk(l.to, next)
				}
				continue
			}
			var times []float64
			for turn := 0; turn < 100; turn++ {
				for _, d := range l.departs.times {
					times = append(times, d+float64(turn)*l.departs.period)
				}
				if l.departs.period == 0 {
					break
				}
			}
			for n, d := range times {
				if d < at.hours+l.cutoff || d+l.hours > horizon {
					continue
				}
				gap := 0.0
				if n+1 < len(times) {
					gap = times[n+1] - d
				}
				q := 0.0
				if at.variance > 0 {
					q = 0.5 * math.Erfc((d-l.cutoff-at.hours)/math.Sqrt(2*at.variance))
				}
				walk(l.to, criteria{d + l.hours, at.cost + l.cost, at.co2 + l.co2, l.variance + q*(1-q)*gap*gap})
			}
		}
	}
	walk(origin, criteria{})
	var front []criteria
	for i, a := range all {
		keep := true
		for j, b := range all {
			if b.hours <= a.hours && b.cost <= a.cost && b.co2 <= a.co2 && b.variance <= a.variance && (b != a || j < i) {
				keep = false
				break
			}
		}
		if keep {
			front = append(front, a)
		}
	}
	return front
}

func sortCriteria(c []criteria) {
	slices.SortFunc(c, func(a, b criteria) int {
		for _, d := range []float64{a.hours - b.hours, a.cost - b.cost, a.co2 - b.co2, a.variance - b.variance} {
			if d < 0 {
				return -1
			}
			if d > 0 {
				return 1
			}
		}
		return 0
	})
}

func randomGraph(t *rapid.T) *graph {
	nodes := rapid.IntRange(2, 6).Draw(t, "nodes")
	g := newGraph(nodes)
	for range rapid.IntRange(1, 12).Draw(t, "links") {
		small := rapid.IntRange(0, 4)
		l := link{
			to:       int32(rapid.IntRange(0, nodes-1).Draw(t, "to")),
			hours:    float64(rapid.IntRange(1, 5).Draw(t, "hours")),
			variance: float64(small.Draw(t, "variance")),
			cost:     float64(small.Draw(t, "cost")),
			co2:      float64(small.Draw(t, "co2")),
		}
		if rapid.Bool().Draw(t, "scheduled") {
			r := &rhythm{times: []float64{float64(small.Draw(t, "first"))}}
			for range rapid.IntRange(0, 2).Draw(t, "more") {
				r.times = append(r.times, r.times[len(r.times)-1]+float64(rapid.IntRange(1, 4).Draw(t, "gap")))
			}
			if rapid.Bool().Draw(t, "repeats") {
				r.period = r.times[len(r.times)-1] - r.times[0] + float64(rapid.IntRange(1, 4).Draw(t, "rest"))
			}
			l.departs = r
			l.cutoff = float64(rapid.IntRange(0, 2).Draw(t, "cutoff"))
		}
		g.add(int32(rapid.IntRange(0, nodes-1).Draw(t, "from")), l)
	}
	return g
}

// In exact mode the search finds the Pareto set, no more and no less.
func TestSearchFindsTheParetoSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := randomGraph(t)
		const horizon = 11
		want := bruteForce(g, 0, 1, horizon)
		labels, _ := search(g, 0, 1, 0, limits{horizon: horizon}, nil)
		got := make([]criteria, len(labels))
		for i, l := range labels {
			got[i] = criteria{l.hours, l.cost, l.co2, l.variance}
		}
		sortCriteria(got)
		sortCriteria(want)
		if !slices.EqualFunc(got, want, func(a, b criteria) bool {
			return a.hours == b.hours && a.cost == b.cost && a.co2 == b.co2 && math.Abs(a.variance-b.variance) < 1e-9
		}) {
			t.Fatalf("found %v\nwant  %v", got, want)
		}
	})
}

// With an epsilon every way of the Pareto set has one near it.
func TestEpsilonStaysNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := randomGraph(t)
		const horizon, epsilon = 11, 0.05
		exact, _ := search(g, 0, 1, 0, limits{horizon: horizon}, nil)
		rough, _ := search(g, 0, 1, 0, limits{horizon: horizon, epsilon: epsilon}, nil)
		if len(rough) > len(exact) {
			t.Fatalf("%d labels with an epsilon, %d without", len(rough), len(exact))
		}
		if (len(exact) == 0) != (len(rough) == 0) {
			t.Fatalf("%d labels with an epsilon, %d without", len(rough), len(exact))
		}
	})
}

// A label says how it came about: its links add up to its criteria.
func TestLabelsCanBeTraced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := randomGraph(t)
		labels, arena := search(g, 0, 1, 0, limits{horizon: 11}, nil)
		for _, l := range labels {
			cost, node := 0.0, l.node
			for at := l; at.parent >= 0; at = arena[at.parent] {
				ln := g.out[at.from][at.link]
				if ln.to != node || at.hours != at.depart+ln.hours {
					t.Fatalf("label %+v does not follow from link %+v", at, ln)
				}
				cost += ln.cost
				node = at.from
			}
			if node != 0 || cost != l.cost {
				t.Fatalf("traced to node %d at cost %v, want 0 and %v", node, cost, l.cost)
			}
		}
	})
}

func TestClassesKeepBeatenKindsAlive(t *testing.T) {
	g := newGraph(4)
	g.add(0, link{to: 2, hours: 1, cost: 1, token: 7})
	g.add(0, link{to: 3, hours: 2, cost: 2, token: 8})
	g.add(2, link{to: 1, hours: 1, cost: 1})
	g.add(3, link{to: 1, hours: 1, cost: 1})
	if labels, _ := search(g, 0, 1, 0, limits{}, nil); len(labels) != 1 {
		t.Errorf("without classes: %d labels, want the one that beats the other", len(labels))
	}
	if labels, _ := search(g, 0, 1, 0, limits{classes: true}, nil); len(labels) != 2 {
		t.Errorf("with classes: %d labels, want both kinds", len(labels))
	}
	if labels, _ := search(g, 0, 1, 0, limits{classes: true, slack: 1.2}, nil); len(labels) != 1 {
		t.Errorf("with little slack: %d labels, want one", len(labels))
	}
}

func TestRulesAreCarried(t *testing.T) {
	g := newGraph(3)
	g.add(0, link{to: 2, hours: 1, rule: 5})
	g.add(2, link{to: 1, hours: 1})
	g.add(2, link{to: 1, hours: 0.5, rule: 6})
	labels, _ := search(g, 0, 1, 0, limits{}, nil)
	if len(labels) != 1 || labels[0].rule != 5 {
		t.Errorf("labels %+v, want one that breaks rule 5 only", labels)
	}
}

func TestRhythm(t *testing.T) {
	r := &rhythm{times: []float64{10, 50}, period: 168}
	for _, c := range [][2]float64{{0, 10}, {10, 10}, {11, 50}, {51, 178}, {1000, 1018}, {177.5, 178}, {218, 218}, {219, 346}} {
		if got, ok := r.next(c[0]); !ok || got != c[1] {
			t.Errorf("after %v: %v, want %v", c[0], got, c[1])
		}
	}
	if _, ok := (&rhythm{times: []float64{10}}).next(11); ok {
		t.Error("a departure after the last")
	}
}
