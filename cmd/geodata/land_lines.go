package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"corridor/geodata"
	"corridor/geodata/network/land"
)

// lines is a network while it is being made. Coordinates are in thousandths of
// a degree, lengths in metres.
type lines struct {
	sources int // adjacency lists read
	nodes   []vertex
	edges   []line
	ferries []ferry
}

// ferry is a ship or vehicle shuttle that some lines are.
type ferry struct {
	name string
	km   uint16
}

type vertex struct {
	lat, lon int32
	country  uint8
}

type line struct {
	a, b      int32
	metres    int32
	estimated bool
	post      uint16        // on edges over a border: its post
	delay     uint16        // …and its cost, in km
	ferry     uint8         // 1 + index into ferries, 0 for none
	slow      uint8         // percent by which it costs more than its metres
	shape     []land.Vertex // from a to b
}

func (w *lines) build(ctx context.Context, mode geodata.Mode, a *areas) (*land.Net, error) {
	w.clean()
	w.report("read")
	if err := w.weld(a, mode); err != nil {
		return nil, err
	}
	w.report("welded")
	w.drop(5_000)
	w.report("crumbs dropped")
	w.label(a)
	posts, err := w.borders(mode, a)
	if err != nil {
		return nil, err
	}
	w.report("borders cut")
	if err := w.shapes(mode); err != nil {
		return nil, err
	}
	if err := w.slow(mode); err != nil {
		return nil, err
	}
	w.contract()
	w.report("contracted")
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.renumber(w.dissect())
	net := &land.Net{Mode: mode, Countries: a.codes, Posts: posts, Kinds: []land.Kind{{}}}
	for _, v := range w.nodes {
		net.Lat, net.Lon, net.NodeCountry = append(net.Lat, v.lat), append(net.Lon, v.lon), append(net.NodeCountry, v.country)
	}
	for _, e := range w.edges {
		net.Edges = append(net.Edges, land.Edge{
			From: uint32(e.a), To: uint32(e.b), Metres: uint32(e.metres),
			Post: e.post, Delay: e.delay, Slow: e.slow, Estimated: e.estimated, Shape: e.shape,
		})
	}
	if err := passenger(net); err != nil {
		return nil, err
	}
	if err := stretch(ctx, net); err != nil {
		return nil, err
	}
	ferries := make([]ferry, len(w.edges)) // edges keep their order
	for i, e := range w.edges {
		if e.ferry > 0 {
			ferries[i] = w.ferries[e.ferry-1]
		}
	}
	if err := kinds(net, ferries); err != nil {
		return nil, err
	}
	return net, nil
}

func (w *lines) report(stage string) {
	total := 0.0
	for _, e := range w.edges {
		total += float64(e.metres) / 1000
	}
	_, sizes := w.components()
	slices.SortFunc(sizes, func(a, b int) int { return b - a })
	fmt.Printf("land:   %-16s %7d nodes %7d edges %9.0f km, %d components, largest %v\n",
		stage, len(w.nodes), len(w.edges), total, len(sizes), sizes[:min(5, len(sizes))])
}

// clean drops loops and keeps the shortest of parallel edges.
func (w *lines) clean() {
	for i := range w.edges {
		e := &w.edges[i]
		if e.a > e.b {
			e.a, e.b = e.b, e.a
			slices.Reverse(e.shape)
		}
	}
	sort.SliceStable(w.edges, func(i, j int) bool {
		p, q := w.edges[i], w.edges[j]
		if p.a != q.a {
			return p.a < q.a
		}
		if p.b != q.b {
			return p.b < q.b
		}
		return p.metres < q.metres
	})
	out := w.edges[:0]
	for _, e := range w.edges {
		if e.a == e.b || len(out) > 0 && out[len(out)-1].a == e.a && out[len(out)-1].b == e.b {
			continue
		}
		out = append(out, e)
	}
	w.edges = out
}

// adjacency lists, for each node, the edges that meet there.
func (w *lines) adjacency() (start []int32, edges []int32) {
	start = make([]int32, len(w.nodes)+1)
	for _, e := range w.edges {
		start[e.a+1]++
		start[e.b+1]++
	}
	for i := range w.nodes {
		start[i+1] += start[i]
	}
	fill := slices.Clone(start)
	edges = make([]int32, 2*len(w.edges))
	for i, e := range w.edges {
		edges[fill[e.a]] = int32(i)
		fill[e.a]++
		edges[fill[e.b]] = int32(i)
		fill[e.b]++
	}
	return start, edges
}

func (e line) other(n int32) int32 { return e.a ^ e.b ^ n }

// components numbers the connected parts and counts their nodes.
func (w *lines) components() (of []int32, sizes []int) {
	u := newUnion(len(w.nodes))
	for _, e := range w.edges {
		u.join(e.a, e.b)
	}
	of = make([]int32, len(w.nodes))
	number := map[int32]int32{}
	for i := range w.nodes {
		root := u.find(int32(i))
		c, ok := number[root]
		if !ok {
			c = int32(len(sizes))
			number[root] = c
			sizes = append(sizes, 0)
		}
		of[i] = c
		sizes[c]++
	}
	return of, sizes
}

type union []int32

func newUnion(n int) union {
	u := make(union, n)
	for i := range u {
		u[i] = int32(i)
	}
	return u
}

func (u union) find(x int32) int32 {
	for u[x] != x {
		u[x] = u[u[x]]
		x = u[x]
	}
	return x
}

func (u union) join(a, b int32) bool {
	a, b = u.find(a), u.find(b)
	u[a] = b
	return a != b
}

// keep removes the nodes that are not wanted, with their edges.
func (w *lines) keep(wanted func(node int32) bool) {
	index := make([]int32, len(w.nodes))
	var nodes []vertex
	for i, v := range w.nodes {
		index[i] = -1
		if wanted(int32(i)) {
			index[i] = int32(len(nodes))
			nodes = append(nodes, v)
		}
	}
	out := w.edges[:0]
	for _, e := range w.edges {
		if e.a, e.b = index[e.a], index[e.b]; e.a >= 0 && e.b >= 0 {
			out = append(out, e)
		}
	}
	w.nodes, w.edges = nodes, out
	w.clean()
}

// drop removes components with less than the given length of line.
func (w *lines) drop(metres int) {
	of, sizes := w.components()
	length := make([]int, len(sizes))
	for _, e := range w.edges {
		length[of[e.a]] += int(e.metres)
	}
	w.keep(func(n int32) bool { return length[of[n]] >= metres })
}

func (w *lines) metres(a, b int32) float64 {
	return sphereMetres(w.nodes[a].lat, w.nodes[a].lon, w.nodes[b].lat, w.nodes[b].lon)
}

func sphereMetres(latA, lonA, latB, lonB int32) float64 {
	const unit = math.Pi / 180 / land.UnitsPerDegree
	la, lb := float64(latA)*unit, float64(latB)*unit
	sLat, sLon := math.Sin((lb-la)/2), math.Sin(float64(lonB-lonA)*unit/2)
	return 2 * 6371000 * math.Asin(math.Sqrt(min(1, sLat*sLat+math.Cos(la)*math.Cos(lb)*sLon*sLon)))
}

// grid holds the nodes by cell of a tenth of a degree.
type grid struct {
	w     *lines
	cells map[[2]int32][]int32
}

const gridUnits = land.UnitsPerDegree / 10

func (w *lines) grid() *grid {
	g := &grid{w, make(map[[2]int32][]int32)}
	for i, v := range w.nodes {
		c := [2]int32{floorDiv(v.lat, gridUnits), floorDiv(v.lon, gridUnits)}
		g.cells[c] = append(g.cells[c], int32(i))
	}
	return g
}

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// within calls do for every node at most so many metres from the point, in no
// particular but always the same order.
func (g *grid) within(lat, lon int32, metres float64, do func(node int32, metres float64)) {
	const unit = 6371000 * math.Pi / 180 / land.UnitsPerDegree
	dLat := int32(metres/unit) + 1
	dLon := int32(metres/unit/max(0.02, math.Cos(float64(lat)/land.UnitsPerDegree*math.Pi/180))) + 1
	for y := floorDiv(lat-dLat, gridUnits); y <= floorDiv(lat+dLat, gridUnits); y++ {
		for x := floorDiv(lon-dLon, gridUnits); x <= floorDiv(lon+dLon, gridUnits); x++ {
			for _, n := range g.cells[[2]int32{y, x}] {
				v := g.w.nodes[n]
				if d := sphereMetres(lat, lon, v.lat, v.lon); d <= metres {
					do(n, d)
				}
			}
		}
	}
}

// label gives every node its country. Nodes outside every shape (bridges, quays,
// coasts drawn coarsely) take the country of the nearest node along the lines.
func (w *lines) label(a *areas) {
	for i := range w.nodes {
		v := &w.nodes[i]
		v.country = a.at(float64(v.lat)/land.UnitsPerDegree, float64(v.lon)/land.UnitsPerDegree)
	}
	start, at := w.adjacency()
	var queue []int32
	for i, v := range w.nodes {
		if v.country != 0 {
			queue = append(queue, int32(i))
		}
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, e := range at[start[n]:start[n+1]] {
			if m := w.edges[e].other(n); w.nodes[m].country == 0 {
				w.nodes[m].country = w.nodes[n].country
				queue = append(queue, m)
			}
		}
	}
}

// contract removes nodes where a line only goes on, keeping them as shape.
func (w *lines) contract() {
	start, at := w.adjacency()
	gone := make([]bool, len(w.edges))
	through := func(n int32) bool {
		if start[n+1]-start[n] != 2 {
			return false
		}
		p, q := w.edges[at[start[n]]], w.edges[at[start[n]+1]]
		c := w.nodes[n].country
		return w.nodes[p.other(n)].country == c && w.nodes[q.other(n)].country == c && p.estimated == q.estimated && p.slow == q.slow && p.ferry == q.ferry
	}
	var merged []line
	removed := make([]bool, len(w.nodes))
	for i := range w.nodes {
		n := int32(i)
		if through(n) {
			continue
		}
		for _, first := range at[start[n]:start[n+1]] {
			if gone[first] || !through(w.edges[first].other(n)) {
				continue
			}
			chain := line{a: n, estimated: w.edges[first].estimated, slow: w.edges[first].slow, ferry: w.edges[first].ferry}
			var passed []int32
			here, e := n, first
			for {
				gone[e] = true
				next := w.edges[e].other(here)
				chain.metres += w.edges[e].metres
				shape := slices.Clone(w.edges[e].shape)
				if w.edges[e].a != here {
					slices.Reverse(shape)
				}
				chain.shape = append(chain.shape, shape...)
				here = next
				if !through(here) {
					break
				}
				v := w.nodes[here]
				chain.shape = append(chain.shape, land.Vertex{Lat: v.lat, Lon: v.lon})
				passed = append(passed, here)
				if e == at[start[here]] {
					e = at[start[here]+1]
				} else {
					e = at[start[here]]
				}
			}
			chain.b = here
			for _, p := range passed {
				removed[p] = true
			}
			merged = append(merged, chain)
		}
	}
	out := w.edges[:0:0]
	for i, e := range w.edges {
		if !gone[i] {
			out = append(out, e)
		}
	}
	w.edges = append(out, merged...)
	w.keep(func(n int32) bool { return !removed[n] })
}

// renumber puts node order[i] at place i.
func (w *lines) renumber(order []int32) {
	place := make([]int32, len(order))
	nodes := make([]vertex, len(order))
	for i, n := range order {
		place[n] = int32(i)
		nodes[i] = w.nodes[n]
	}
	for i := range w.edges {
		w.edges[i].a, w.edges[i].b = place[w.edges[i].a], place[w.edges[i].b]
	}
	w.nodes = nodes
	w.clean()
}
