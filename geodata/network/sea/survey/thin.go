package survey

import (
	"slices"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/queue"
)

// thinStretch is how much longer a way may be that replaces a straight leg: a
// thousandth, an order below the differences between published tables.
const thinStretch = 1.001

// link is an edge as seen from one of its nodes while the chart is thinned and
// contracted.
type link struct {
	to   int32
	mid  int32 // the node a shortcut leads over; -1 for a leg
	cost float64
	mask uint64 // passages sailed
	edge int32  // of a leg: index into the chart's edges
}

// thin leaves out the legs other legs make good: it adds them shortest first and
// skips one when a way already there is hardly longer and sails no other passage.
// Legs of lanes stay.
func thin(c *chart.Chart, penaltyKM []float64) {
	at := make([]globe.Vec, len(c.Nodes))
	for i, n := range c.Nodes {
		at[i] = globe.FromPoint(n.Point)
	}
	order := make([]int32, len(c.Edges))
	cost := make([]float64, len(c.Edges))
	for i, e := range c.Edges {
		order[i] = int32(i)
		cost[i] = edgeCost(c, e, penaltyKM)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case cost[a] < cost[b]:
			return -1
		case cost[a] > cost[b]:
			return 1
		}
		return 0
	})
	links := make([][]link, len(c.Nodes))
	keep := make([]bool, len(c.Edges))
	s := newSearcher(len(c.Nodes))
	for _, i := range order {
		e := c.Edges[i]
		mask := maskOf(e.Passages)
		if (!c.Nodes[e.A].Free || !c.Nodes[e.B].Free) &&
			s.within(links, at, e.A, e.B, cost[i]*thinStretch, mask) {
			continue
		}
		keep[i] = true
		links[e.A] = append(links[e.A], link{to: e.B, mid: -1, cost: cost[i], mask: mask})
		links[e.B] = append(links[e.B], link{to: e.A, mid: -1, cost: cost[i], mask: mask})
	}
	var out []chart.Edge
	for i, e := range c.Edges {
		if keep[i] {
			out = append(out, e)
		}
	}
	c.Edges = out
}

func edgeCost(c *chart.Chart, e chart.Edge, penaltyKM []float64) float64 {
	km := globe.DistanceKM(c.Nodes[e.A].Point, c.Nodes[e.B].Point)
	for _, p := range e.Passages {
		km += penaltyKM[p]
	}
	return km
}

func maskOf(passages []uint8) (m uint64) {
	for _, p := range passages {
		m |= 1 << p
	}
	return m
}

// searcher is the room for many small searches.
type searcher struct {
	cost    []float64
	touched []int32
	queue   queue.Queue[float64]
}

func newSearcher(n int) *searcher {
	s := &searcher{cost: make([]float64, n)}
	for i := range s.cost {
		s.cost[i] = -1
	}
	return s
}

func (s *searcher) reset() {
	for _, i := range s.touched {
		s.cost[i] = -1
	}
	s.touched, s.queue = s.touched[:0], s.queue[:0]
}

func (s *searcher) reach(n int32, cost, key float64) {
	if old := s.cost[n]; old >= 0 && old <= cost {
		return
	} else if old < 0 {
		s.touched = append(s.touched, n)
	}
	s.cost[n] = cost
	s.queue.Push(key, n)
}

// within reports whether links lead from a to b at no more than the limit,
// sailing only passages of the mask. Only what lies inside the ellipse about
// both is looked at.
func (s *searcher) within(links [][]link, at []globe.Vec, a, b int32, limit float64, mask uint64) bool {
	// No way is shorter than the chord on a sphere inside the earth.
	rest := func(n int32) float64 { return at[n].Angle(at[b]) * 6335 }
	s.reset()
	s.reach(a, 0, rest(a))
	for len(s.queue) > 0 {
		key, n := s.queue.Pop()
		if n == b {
			return true
		}
		base := s.cost[n]
		if key > base+rest(n)+1e-9 {
			continue
		}
		for _, l := range links[n] {
			if l.mask&^mask != 0 {
				continue
			}
			if v := base + l.cost; v <= limit {
				if old := s.cost[l.to]; old >= 0 && old <= v {
					continue
				}
				if k := v + rest(l.to); k <= limit {
					s.reach(l.to, v, k)
				}
			}
		}
	}
	return false
}
