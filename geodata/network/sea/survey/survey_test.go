package survey

import (
	"math"
	"slices"
	"testing"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func TestReadLand(t *testing.T) {
	// A square over the antimeridian with a hole, of two arcs, one used backwards.
	const topology = `{"type":"Topology","transform":{"scale":[1,1],"translate":[0,0]},
		"arcs":[[[170,0],[9,0],[-358,0]],[[170,0],[0,20],[19,0],[-368,-20]],[[175,5],[1,0],[0,1],[-1,-1]]],
		"objects":{"land":{"type":"GeometryCollection","geometries":[{"type":"MultiPolygon","arcs":[[[0,-2],[2]]]}]}}}`
	polys, err := readLand([]byte(topology))
	if err != nil {
		t.Fatal(err)
	}
	if len(polys) != 1 || len(polys[0]) != 2 {
		t.Fatalf("found %v, want one polygon with a hole", polys)
	}
	for _, ring := range polys[0] {
		for i := 1; i < len(ring); i++ {
			if math.Abs(ring[i].lon-ring[i-1].lon) > 180 {
				t.Errorf("ring jumps from %v to %v", ring[i-1], ring[i])
			}
		}
	}
	for name, bad := range map[string]string{
		"not JSON":     `{`,
		"no land":      `{"objects":{"sea":{}}}`,
		"a lost arc":   `{"arcs":[],"objects":{"land":{"geometries":[{"type":"MultiPolygon","arcs":[[[3]]]}]}}}`,
		"another type": `{"arcs":[],"objects":{"land":{"geometries":[{"type":"Point","arcs":[]}]}}}`,
	} {
		if _, err := readLand([]byte(bad)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestTaut(t *testing.T) {
	at := func(lon, lat float64) globe.Vec { return globe.FromPoint(orb.Point{lon, lat}) }
	// A cape pointing north: the shore falls away to both sides behind it.
	cape := vertex{at: at(0, 0), before: at(-0.04, -0.03), after: at(0.04, -0.03)}
	buoy := func(lon, lat float64) *vertex { return &vertex{at: at(lon, lat), lane: true} }
	for _, c := range []struct {
		name     string
		lon, lat float64
		want     bool
	}{
		{"past it to the east", 5, 0.1, true},
		{"past it to the west", -5, -0.1, true},
		{"straight out to sea", 0, 5, false},
		{"into the land", 0, -5, false},
	} {
		if got := taut(&cape, buoy(c.lon, c.lat)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// sketch draws a random chart: nodes here and there, legs between some of them,
// a few of which sail passages.
func sketch(t *rapid.T) *chart.Chart {
	n := rapid.IntRange(4, 24).Draw(t, "nodes")
	c := &chart.Chart{Passages: []string{"one", "two"}}
	for range n {
		c.Nodes = append(c.Nodes, chart.Node{Point: orb.Point{
			float64(rapid.IntRange(-300, 300).Draw(t, "lon")) / 100,
			float64(rapid.IntRange(-300, 300).Draw(t, "lat")) / 100,
		}})
	}
	seen := map[[2]int32]bool{}
	for range rapid.IntRange(n, 4*n).Draw(t, "legs") {
		a, b := int32(rapid.IntRange(0, n-1).Draw(t, "a")), int32(rapid.IntRange(0, n-1).Draw(t, "b"))
		if a > b {
			a, b = b, a
		}
		if a == b || seen[[2]int32{a, b}] {
			continue
		}
		seen[[2]int32{a, b}] = true
		e := chart.Edge{A: a, B: b, Mid: -1}
		switch rapid.IntRange(0, 7).Draw(t, "passage") {
		case 0:
			e.Passages = []uint8{0}
		case 1:
			e.Passages = []uint8{0, 1}
		}
		c.Edges = append(c.Edges, e)
	}
	return c
}

// costs are the shortest ways between all nodes over edges that the filter takes.
func costs(c *chart.Chart, weights []float64, take func(i int) (forth, back bool)) [][]float64 {
	n := len(c.Nodes)
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, n)
		for j := range out[i] {
			out[i][j] = math.Inf(1)
		}
		out[i][i] = 0
	}
	for changed := true; changed; {
		changed = false
		for i, e := range c.Edges {
			forth, back := take(i)
			for s := range n {
				if v := out[s][e.A] + weights[i]; forth && v < out[s][e.B]-1e-9 {
					out[s][e.B], changed = v, true
				}
				if v := out[s][e.B] + weights[i]; back && v < out[s][e.A]-1e-9 {
					out[s][e.A], changed = v, true
				}
			}
		}
	}
	return out
}

// weigh gives edges their cost and passages, shortcuts by way of their halves.
func weigh(t *rapid.T, c *chart.Chart, penalty []float64) (weights []float64, masks []uint64) {
	weights, masks = make([]float64, len(c.Edges)), make([]uint64, len(c.Edges))
	half := func(mid, end int32, pick uint8) int {
		for i, e := range c.Edges {
			if e.B == mid && e.A == end {
				if pick == 0 {
					return i
				}
				pick--
			}
		}
		t.Fatalf("no edge from %d to %d", mid, end)
		return 0
	}
	for i := len(c.Edges) - 1; i >= 0; i-- {
		e := c.Edges[i]
		if e.Mid < 0 {
			weights[i], masks[i] = edgeCost(c, e, penalty), maskOf(e.Passages)
			continue
		}
		a, b := half(e.Mid, e.A, e.PickA), half(e.Mid, e.B, e.PickB)
		weights[i], masks[i] = weights[a]+weights[b], masks[a]|masks[b]
	}
	return weights, masks
}

// Whatever is shut, going up to the core, through it and down again must be as
// short as any way over the legs.
func TestContractKeepsWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := sketch(t)
		penalty := []float64{0, 30}
		contract(c, rapid.IntRange(1, 5).Draw(t, "core"), penalty, 0, func(string, ...any) {})
		if !slices.IsSortedFunc(c.Edges, func(a, b chart.Edge) int {
			if a.B != b.B {
				return int(a.B - b.B)
			}
			return int(a.A - b.A)
		}) {
			t.Fatal("edges are not sorted")
		}
		weights, masks := weigh(t, c, penalty)
		for shut := range uint64(4) {
			legs := costs(c, weights, func(i int) (bool, bool) {
				open := c.Edges[i].Mid < 0 && masks[i]&shut == 0
				return open, open
			})
			up := costs(c, weights, func(i int) (bool, bool) {
				open := masks[i]&shut == 0
				return open && int(c.Edges[i].B) < c.Core, open
			})
			for s := range c.Nodes {
				for e := range c.Nodes {
					best := math.Inf(1)
					for m := range c.Nodes {
						best = min(best, up[s][m]+up[e][m])
					}
					if math.Abs(best-legs[s][e]) > 1e-6 && !(math.IsInf(best, 1) && math.IsInf(legs[s][e], 1)) {
						t.Fatalf("%d to %d with %b shut: %.6f by the hierarchy, %.6f by legs", s, e, shut, best, legs[s][e])
					}
				}
			}
		}
	})
}

func TestThinKeepsWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := sketch(t)
		penalty := []float64{0, 30}
		before, masks := weigh(t, c, penalty)
		for shut := range uint64(4) {
			thinned := &chart.Chart{Nodes: c.Nodes, Edges: slices.Clone(c.Edges)}
			was := costs(c, before, func(i int) (bool, bool) { return masks[i]&shut == 0, masks[i]&shut == 0 })
			thin(thinned, penalty)
			after, left := weigh(t, thinned, penalty)
			is := costs(thinned, after, func(i int) (bool, bool) { return left[i]&shut == 0, left[i]&shut == 0 })
			for s := range was {
				for e := range was[s] {
					if is[s][e] > was[s][e]*thinStretch+1e-6 {
						t.Fatalf("%d to %d with %b shut: %.3f after, %.3f before", s, e, shut, is[s][e], was[s][e])
					}
				}
			}
		}
	})
}
