package survey

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/pilot"

	"golang.org/x/sync/errgroup"

	"github.com/paulmach/orb"
)

// vertex is a node while the chart is made.
type vertex struct {
	at, before, after globe.Vec
	point             orb.Point
	lane              bool
	local             bool // joins only what is near: the end of a bridge
	drawn             bool // by hand
	sighted           bool // may look for others: in open water
}

// connect joins the corners by lines of sight and lanes into a chart without
// its raster.
func connect(ctx context.Context, water *chart.Water, corners []corner, lanes []pilot.Lane, passages []pilot.Passage, step func(string, ...any)) (*chart.Chart, error) {
	var vs []vertex
	for _, c := range corners {
		v := vertex{point: quantize(toPoint(c.at))}
		v.at = globe.FromPoint(v.point)
		v.before, v.after = nearAlong(c.at, c.before), nearAlong(c.at, c.after)
		v.sighted = true
		vs = append(vs, v)
	}
	type pair struct{ a, b int32 }
	edges := map[pair]bool{}
	byPoint := map[orb.Point]int32{}
	for _, l := range lanes {
		prev := int32(-1)
		for _, p := range l.Line {
			p = quantize(p)
			i, ok := byPoint[p]
			if !ok {
				i = int32(len(vs))
				byPoint[p] = i
				v := vertex{point: p, at: globe.FromPoint(p), lane: true, local: l.Name == bridgeName, drawn: l.Name != bridgeName && l.Name != narrowName}
				v.sighted = water.AtPoint(p) == chart.Open
				vs = append(vs, v)
			}
			if prev >= 0 && prev != i {
				edges[pair{min(prev, i), max(prev, i)}] = true
			}
			prev = i
		}
	}

	// Lines of sight. Every vertex looks at those after it.
	found := make([][]int32, len(vs))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i := range vs {
		if !vs[i].sighted {
			continue
		}
		g.Go(func() error {
			if i%256 == 0 && gctx.Err() != nil {
				return gctx.Err()
			}
			for j := i + 1; j < len(vs); j++ {
				if vs[j].sighted && taut(&vs[i], &vs[j]) && water.Sight(vs[i].at, vs[j].at, 0, 0) {
					found[i] = append(found[i], int32(j))
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	n := 0
	for i, js := range found {
		n += len(js)
		for _, j := range js {
			edges[pair{int32(i), j}] = true
		}
	}
	step("%d lines of sight between %d nodes", n, len(vs))

	list := make([]pair, 0, len(edges))
	for e := range edges {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].a != list[j].a {
			return list[i].a < list[j].a
		}
		return list[i].b < list[j].b
	})

	// Leave out what hangs together with nothing: lagoons, lakes of the raster.
	comp := components(len(vs), func(yield func(a, b int32)) {
		for _, e := range list {
			yield(e.a, e.b)
		}
	})
	size := map[int32]int{}
	where := map[int32]orb.Point{}
	for i, c := range comp {
		size[c]++
		where[c] = vs[i].point
	}
	kept := make([]int32, len(vs))
	out := &chart.Chart{}
	for i, v := range vs {
		c := comp[i]
		if size[c] < 40 {
			kept[i] = -1
			continue
		}
		kept[i] = int32(len(out.Nodes))
		node := chart.Node{Point: v.point, Free: v.lane}
		if !v.lane {
			node.Before, node.After = bearing(v.at, v.before), bearing(v.at, v.after)
		}
		out.Nodes = append(out.Nodes, node)
	}
	var order []int32
	for c := range size {
		order = append(order, c)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if size[a] != size[b] {
			return size[b] - size[a]
		}
		return int(a - b)
	})
	for _, c := range order[:min(30, len(order))] {
		step("  water of %d nodes near %.2f,%.2f", size[c], where[c][1], where[c][0])
	}
	for i, v := range vs {
		if v.drawn && kept[i] < 0 {
			step("  lane point %.3f,%.3f joins nothing", v.point[1], v.point[0])
		}
	}

	for _, p := range passages {
		out.Passages = append(out.Passages, p.ID)
	}
	gates := flatten(passages)
	for _, e := range list {
		a, b := kept[e.a], kept[e.b]
		if a < 0 || b < 0 {
			continue
		}
		out.Edges = append(out.Edges, chart.Edge{A: a, B: b, Mid: -1, Passages: sailed(gates, vs[e.a].at, vs[e.b].at)})
	}
	if len(out.Nodes) == 0 {
		return nil, fmt.Errorf("no nodes")
	}
	return out, nil
}

// quantize rounds to what the file keeps.
func quantize(p orb.Point) orb.Point {
	return orb.Point{math.Round(p[0]*1e4) / 1e4, math.Round(p[1]*1e4) / 1e4}
}

// nearAlong is the point some three miles from p towards q: the shore as the
// corner feels it, however far the next corner is.
func nearAlong(p, q point) globe.Vec {
	c := math.Cos(p.lat * math.Pi / 180)
	d := math.Hypot((q.lon-p.lon)*c, q.lat-p.lat)
	k := min(1, 0.05/d)
	return globe.FromPoint(orb.Point{p.lon + k*(q.lon-p.lon), p.lat + k*(q.lat-p.lat)})
}

// taut reports whether a line from a to b could be part of a tight string: at
// either end the shore lies to one side of it.
func taut(a, b *vertex) bool {
	if (a.local || b.local) && a.at.Dot(b.at) < localCos {
		return false
	}
	n := a.at.Cross(b.at).Unit()
	return oneSide(a, n) && oneSide(b, n)
}

// localCos is the cosine of 25 nm, how far the end of a bridge looks.
var localCos = math.Cos(25.0 / 60 * math.Pi / 180)

// tautSlack forgives the rounding of corners: three miles along the shore may
// lie a twentieth of a mile on the wrong side.
const tautSlack = 0.15 / 60 * math.Pi / 180

func oneSide(v *vertex, n globe.Vec) bool {
	if v.lane {
		return true
	}
	p, q := n.Dot(v.before), n.Dot(v.after)
	return p > -tautSlack && q > -tautSlack || p < tautSlack && q < tautSlack
}

// bearing is the direction from a to b in degrees, clockwise from north.
func bearing(a, b globe.Vec) float64 {
	pa, pb := a.Point(), b.Point()
	c := math.Cos(pa[1] * math.Pi / 180)
	d := math.Atan2(globe.NearLon(pb[0], pa[0])*c-pa[0]*c, pb[1]-pa[1]) * 180 / math.Pi
	return math.Mod(d+360, 360)
}

// components numbers the connected parts.
func components(n int, each func(func(a, b int32))) []int32 {
	root := make([]int32, n)
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	each(func(a, b int32) { root[find(a)] = find(b) })
	for i := range root {
		root[i] = find(int32(i))
	}
	return root
}

// gate is one stretch of a passage's gate.
type gate struct {
	passage uint8
	a, b    globe.Vec
}

func flatten(passages []pilot.Passage) []gate {
	var out []gate
	for i, p := range passages {
		for _, ls := range p.Gates {
			for k := 1; k < len(ls); k++ {
				out = append(out, gate{uint8(i), globe.FromPoint(ls[k-1]), globe.FromPoint(ls[k])})
			}
		}
	}
	return out
}

// sailed lists the passages whose gates a leg crosses, in order.
func sailed(gates []gate, a, b globe.Vec) []uint8 {
	type hit struct {
		at      float64
		passage uint8
	}
	var hits []hit
	for _, g := range gates {
		if at, ok := globe.Crossing(a, b, g.a, g.b); ok {
			hits = append(hits, hit{at, g.passage})
		}
	}
	slices.SortFunc(hits, func(x, y hit) int {
		switch {
		case x.at < y.at:
			return -1
		case x.at > y.at:
			return 1
		}
		return int(x.passage) - int(y.passage)
	})
	var out []uint8
	for _, h := range hits {
		if len(out) == 0 || out[len(out)-1] != h.passage {
			out = append(out, h.passage)
		}
	}
	return out
}
