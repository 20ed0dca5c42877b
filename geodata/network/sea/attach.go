package sea

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"corridor/geodata"
	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/queue"

	"github.com/paulmach/orb"
)

const (
	portsKept = 4096

	// A ship within this distance of its port may come nearer to land than a
	// passing ship does.
	harbourNM = 15
	// Besides the nearest way out of a harbour, others up to this much longer
	// are tried.
	otherWaysNM = 3
	// …when they end this far from each other.
	otherEndsNM = 6
	// The way out is searched this far around a port, to the north and south.
	searchNM = 150
	// Land costs this many times its length: a quay a little inland still finds the
	// water by the shortest crossing…
	landCost = 10
	// …and a lagoon whose mouth the raster lacks the sea, but a ship afloat does not
	// cut through an island.
	spitCost = 40
)

// port is a point and the ways from it to the network.
type port struct {
	point      orb.Point
	outs       []out      // ways from the point into open water
	approaches []approach // by node
}

// alongshore finds the way between two neighbouring points over the raster.
func (g *Graph) alongshore(a, b orb.Point) local {
	if a == b {
		return local{line: []orb.Point{a, b}}
	}
	// One direction stands for both.
	if a[0] > b[0] || a[0] == b[0] && a[1] > b[1] {
		l := g.alongshore(b, a)
		l.line, l.passages = reversed(l.line), reversed(l.passages)
		return l
	}
	ax, ay, okA := chart.Cell(a)
	bx, by, okB := chart.Cell(b)
	if !okA || !okB {
		return local{}
	}
	f := newFlood(g.water, ax, ay)
	defer f.close()
	limit := float32(3 * localKM / globe.KMPerNM)
	for {
		i, cost, ok := f.next()
		if !ok || cost > limit {
			return local{}
		}
		if x, y := f.at(i); wrap(x) == bx && y == by {
			o := g.out(g.pull(append(f.line(i, a), b)))
			return local{o.line, o.km, o.passages}
		}
		f.spread(i)
	}
}

// out is a way from the port to a place in or at the edge of open water.
type out struct {
	line     []orb.Point // from the port's point
	km       float64
	near     float64 // radians around the end where inshore water may be sailed
	passages []uint8 // in order
}

// approach is a way to a node: an out, then a straight leg.
type approach struct {
	node     int32
	out      int32
	km       float64
	cost     float64
	passages mask
	leg      []uint8 // passages of the straight leg, in order from the out
}

// port returns the ways from a point to the network, from the cache if it can.
func (g *Graph) port(p orb.Point) (*port, error) {
	if math.IsNaN(p[0]) || math.IsNaN(p[1]) || math.Abs(p[1]) > 90 || math.Abs(p[0]) > 540 {
		return nil, fmt.Errorf("%w: %s is not a place on earth", geodata.ErrNoRoute, show(p))
	}
	p[0] = globe.NearLon(p[0], 0)
	g.mu.Lock()
	pt, ok := g.ports.get(p)
	g.mu.Unlock()
	if !ok {
		if pt, ok = g.harbour(p); !ok {
			pt = g.attach(p)
		}
		g.mu.Lock()
		g.ports.put(p, pt)
		g.mu.Unlock()
	}
	if len(pt.approaches) == 0 {
		return nil, fmt.Errorf("%w: %s is more than %d km from navigable water", geodata.ErrNoRoute, show(p), SnapLimitKM)
	}
	return pt, nil
}

// attach finds the ways from a point to the network.
func (g *Graph) attach(p orb.Point) *port {
	pt := &port{point: p}
	l := g.lookouts.Get().(*lookout)
	defer g.lookouts.Put(l)
	l.begin(g.nodes, globe.FromPoint(p))
	best := map[int32]int{} // node → index into approaches
	g.waysOut(p, func(o out) bool {
		k := int32(len(pt.outs))
		pt.outs = append(pt.outs, o)
		return g.look(l, k, &pt.outs[k], func(a approach) {
			if j, ok := best[a.node]; !ok {
				best[a.node] = len(pt.approaches)
				pt.approaches = append(pt.approaches, a)
			} else if a.cost < pt.approaches[j].cost {
				pt.approaches[j] = a
			}
		})
	})
	return pt
}

// coverStretch is how much longer a way by another node may be that spares a
// straight leg to a node, as in the chart itself.
const coverStretch = 1.001

const (
	sectors   = 2048
	sectorRad = 60.0 / 60 * math.Pi / 180 // sixty miles

	// A port lies inside the offing of its own coast: a line from there to a node
	// near by need not round it.
	alongsideKM = 80
	// Seen from farther the line may miss the tangent of the node's shore by this
	// much at the port.
	asideKM = 12
)

// approach is the way by an out and a straight leg to a node, which sails passages only
// if sails says so.
func (g *Graph) approach(node, out int32, o *out, sails bool) approach {
	end, v := o.line[len(o.line)-1], &g.nodes[node]
	km := o.km + globe.DistanceKM(end, v.point)
	a := approach{node: node, out: out, km: km, cost: km}
	if sails {
		a.leg = g.sailed(globe.FromPoint(end), v.at)
	}
	for _, ids := range [2][]uint8{o.passages, a.leg} {
		for _, id := range ids {
			a.passages |= 1 << id
			a.cost += g.passages[id].PenaltyNM * globe.KMPerNM
		}
	}
	return a
}

// look hands the nodes in sight from the end of the k-th out to add, but for those a
// way by other nodes in sight serves as well, and reports whether there were any.
func (g *Graph) look(l *lookout, k int32, o *out, add func(approach)) bool {
	end := o.line[len(o.line)-1]
	at := globe.FromPoint(end)
	for i := range l.cover {
		l.cover[i] = math.MaxFloat32
	}
	// What is seen in a direction ends where it ended before, when that was near:
	// the width of a sector is then a fraction of a cell.
	var blocked [sectors]bool
	north := globe.Vec{Z: 1}
	east := north.Cross(at).Unit()
	north = at.Cross(east)
	seen := false
	for _, n := range l.order {
		v := &g.nodes[n]
		// Nearest to the port first: what serves a node was settled before it.
		km := at.Angle(v.at) * globe.MeanRadiusKM
		reached := l.cover[n]
		if l.known[n] <= float32(o.km+km*coverStretch+0.5) {
			// Another way out serves it as well, and what lies beyond it.
			seen = seen || km < alongsideKM
			if reached == math.MaxFloat32 {
				continue
			}
		} else if reached > float32(km*coverStretch+0.05) {
			sector := int((math.Atan2(east.Dot(v.at), north.Dot(v.at))/math.Pi + 1) * (sectors - 1) / 2)
			clear := !blocked[sector] && !l.hides(n, at) && (km < alongsideKM || v.oneSide(at.Cross(v.at).Unit(), asideKM/km))
			if clear {
				var far float64
				far, clear = g.water.Look(at, v.at, o.near, 0)
				switch {
				case clear:
				case far < sectorRad:
					blocked[sector] = true
				default:
					l.hidden[n] = at
				}
			}
			if clear {
				seen = true
				a := g.approach(n, k, o, true)
				add(a)
				if len(a.leg) > 0 {
					continue // serves others only while its passage is open
				}
				reached = float32(a.km - o.km)
				l.cover[n] = reached
			} else if reached == math.MaxFloat32 {
				continue
			}
		}
		for _, h := range g.neighbours[g.nextTo[n]:g.nextTo[n+1]] {
			l.cover[h.to] = min(l.cover[h.to], reached+h.km)
		}
	}
	if len(o.passages) == 0 {
		for i, km := range l.cover {
			l.known[i] = min(l.known[i], float32(o.km)+km)
		}
	}
	return seen
}

// lookout is the room to look around from a port.
type lookout struct {
	near  []float32
	order []int32   // nodes by their distance from the port
	cover []float32 // km to a node by others in sight
	known []float32 // km from the port by the ways out looked from before

	hidden []globe.Vec // by node: where it was looked for from, and something far off hid it
}

// What is hid by something far off is hid from all around there: past its edge a
// ship sails by the nodes there.
const hidAroundNM = 20

func (l *lookout) hides(n int32, at globe.Vec) bool {
	from := l.hidden[n]
	return from != globe.Vec{} && globe.ArcNM(from, at) < hidAroundNM
}

func newLookout(n int) *lookout {
	return &lookout{make([]float32, n), make([]int32, n), make([]float32, n), make([]float32, n), make([]globe.Vec, n)}
}

// begin sorts the nodes by their distance from a port and forgets what was known.
func (l *lookout) begin(nodes []node, at globe.Vec) {
	clear(l.hidden)
	for i := range nodes {
		l.known[i] = math.MaxFloat32
		l.near[i], l.order[i] = float32(-at.Dot(nodes[i].at)), int32(i)
	}
	slices.SortFunc(l.order, func(a, b int32) int { return cmp.Compare(l.near[a], l.near[b]) })
}

// neighbour is the far end of a leg that sails no passage.
type neighbour struct {
	to int32
	km float32
}

// oneSide reports whether the node's shore lies to one side of a great circle
// that may be turned by a small angle (radians).
func (v *node) oneSide(n globe.Vec, turn float64) bool {
	const (
		rad   = math.Pi / 180 / 60
		ahead = 3 * rad // how far before and after are
		// Bearings are kept to 1.4°, which over three miles is a tenth of a mile.
		rounding = 0.15 * rad
	)
	slack := rounding + ahead*turn
	if v.free {
		return true
	}
	p, q := n.Dot(v.before), n.Dot(v.after)
	return p > -slack && q > -slack || p < slack && q < slack
}

// sailed lists the passages whose gates a leg crosses, in order.
func (g *Graph) sailed(a, b globe.Vec) []uint8 {
	type hit struct {
		at      float64
		passage uint8
	}
	var buf [8]hit
	hits := buf[:0]
	for _, x := range g.gates {
		if at, ok := globe.Crossing(a, b, x.a, x.b); ok {
			hits = append(hits, hit{at, x.passage})
		}
	}
	if len(hits) == 0 {
		return nil
	}
	slices.SortFunc(hits, func(x, y hit) int {
		switch {
		case x.at < y.at:
			return -1
		case x.at > y.at:
			return 1
		}
		return 0
	})
	var out []uint8
	for _, h := range hits {
		if len(out) == 0 || out[len(out)-1] != h.passage {
			out = append(out, h.passage)
		}
	}
	return out
}

// waysOut searches the cells around p for the nearest open water or lane point
// and hands the ways there to look, which says whether the network is in sight.
// At the edge of open water the next bump of the shore hides what lies along it,
// so a way out leads on until there is some room around, if that is near.
func (g *Graph) waysOut(p orb.Point, look func(out) bool) {
	cx, cy, ok := chart.Cell(p)
	if !ok {
		return
	}
	if g.water.At(cx, cy) != chart.Land {
		look(g.out([]orb.Point{p}))
	}
	f := newFlood(g.water, cx, cy)
	defer f.close()
	limit := float32(math.Inf(1))
	laneLimit := limit // for what is not a lane's
	var ends []globe.Vec
	type edge struct {
		cell int32
		cost float32
		at   globe.Vec
	}
	var edges []edge // of open water, the cheapest first, that may yet lead on
	leave := func(i int32, end globe.Vec, cost float32, lane bool) {
		ends = append(ends, end)
		line := g.pull(f.line(i, p))
		seen := look(g.out(line))
		// From the last bend before it the sea may be in sight already.
		if k := len(line) - 1; seen && k >= 2 && globe.ArcNM(globe.FromPoint(line[k-1]), end) > 1 {
			look(g.out(line[:k:k]))
		}
		switch {
		case seen && lane:
			// Lanes lead on from node to node, and those at the mouth of a bay may see
			// none far away.
			limit = min(limit, cost+mouthNM)
			laneLimit = min(laneLimit, cost+otherWaysNM)
		case seen:
			limit = min(limit, cost+otherWaysNM)
		}
	}
	near := func(v, w globe.Vec) bool { return globe.ArcNM(v, w) < otherEndsNM }
	for {
		i, cost, ok := f.next()
		ok = ok && cost <= limit
		for len(edges) > 0 && (!ok || cost > edges[0].cost+roomWithinNM) && edges[0].cost <= limit {
			e := edges[0]
			edges = edges[1:]
			if !slices.ContainsFunc(ends, func(v globe.Vec) bool { return near(v, e.at) }) {
				leave(e.cell, e.at, e.cost, false)
			}
		}
		if !ok {
			return
		}
		if f.cells[i].land > SnapLimitKM {
			continue
		}
		x, y := f.at(i)
		x = wrap(x)
		lane := g.laneCells[y*chart.Width+x]
		if open := g.water.At(x, y) == chart.Open; open || lane {
			end := globe.FromPoint(chart.Centre(x, y))
			switch {
			case slices.ContainsFunc(ends, func(v globe.Vec) bool { return near(v, end) }):
			case lane && cost <= laneLimit:
				leave(i, end, cost, true)
			case !open:
			case g.room(x, y):
				leave(i, end, cost, false)
			case !slices.ContainsFunc(edges, func(e edge) bool { return near(e.at, end) }):
				edges = append(edges, edge{i, cost, end})
			}
		}
		f.spread(i)
	}
}

const (
	// A port on a lane looks this much farther for open water.
	mouthNM = 40
	// Open water reaches this far from where a way out should end…
	roomNM = 1.5
	// …if it does so within this far of the edge.
	roomWithinNM = 4
)

// room reports whether the water around a cell is open.
func (g *Graph) room(x, y int) bool {
	const n = roomNM * chart.PerDegree / 60
	across := n / math.Cos(chart.Centre(x, y)[1]*math.Pi/180)
	for k := range 16 {
		s, c := math.Sincos(float64(k) * math.Pi / 8)
		if g.water.At(wrap(x+int(math.Round(s*across))), y+int(math.Round(c*n))) != chart.Open {
			return false
		}
	}
	return true
}

// out prepares a way out of a harbour along a line from the port's point.
func (g *Graph) out(line []orb.Point) out {
	away := globe.ArcNM(globe.FromPoint(line[0]), globe.FromPoint(line[len(line)-1]))
	o := out{line: line, near: max(0, harbourNM-away) / 60 * math.Pi / 180}
	for i := 1; i < len(line); i++ {
		o.km += globe.DistanceKM(line[i-1], line[i])
		o.passages = append(o.passages, g.sailed(globe.FromPoint(line[i-1]), globe.FromPoint(line[i]))...)
	}
	return o
}

// pull draws a way over cells tight, keeping to water. The first leg, from the
// quay, may cross land.
func (g *Graph) pull(line []orb.Point) []orb.Point {
	if len(line) < 3 {
		return line
	}
	out := []orb.Point{line[0], line[1]}
	for i := 1; i < len(line)-1; {
		j := len(line) - 1
		a := globe.FromPoint(line[i])
		for ; j > i+1; j-- {
			if g.water.Sight(a, globe.FromPoint(line[j]), math.Inf(1), math.Inf(1)) {
				break
			}
		}
		out = append(out, line[j])
		i = j
	}
	return out
}

// flood is Dijkstra's search over the cells around a port, in a window of the
// raster with the port in its middle.
type flood struct {
	water  *chart.Water
	cx, cy int // the port's cell
	queue  queue.Queue[float32]
	cells  []floodCell
	dirty  []int32 // cells written, to be wiped after use
}

type floodCell struct {
	cost, land float32 // nm with and km over land on the way there; cost is 0 when not reached
	from       uint8   // direction of the cell before, index into around
	afloat     bool    // water was reached on the way
}

const (
	windowX = 640 // cells to either side of the port: 150 nm up to 60° of latitude
	windowY = searchNM * chart.PerDegree / 60
	windowW = 2*windowX + 1
)

// around are the steps to the eight neighbours; the opposite of k is 7-k.
var around = [8]struct{ x, y int }{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}

var floods = sync.Pool{New: func() any { return &flood{cells: make([]floodCell, windowW*(2*windowY+1))} }}

func newFlood(w *chart.Water, cx, cy int) *flood {
	f := floods.Get().(*flood)
	f.water, f.cx, f.cy = w, cx, cy
	start := int32(windowY*windowW + windowX)
	f.cells[start].cost = 1e-6 // reached
	f.cells[start].afloat = w.At(cx, cy) != chart.Land
	f.dirty = append(f.dirty, start)
	f.queue.Push(1e-6, start)
	return f
}

func (f *flood) close() {
	for _, i := range f.dirty {
		f.cells[i] = floodCell{}
	}
	f.dirty, f.queue, f.water = f.dirty[:0], f.queue[:0], nil
	floods.Put(f)
}

// next settles the nearest cell not yet settled; ok is false when none is left
// inside the window.
func (f *flood) next() (i int32, cost float32, ok bool) {
	for len(f.queue) > 0 {
		cost, i = f.queue.Pop()
		if cost > f.cells[i].cost {
			continue
		}
		x, y := f.at(i)
		if abs(x-f.cx) == windowX || abs(y-f.cy) == windowY {
			return 0, 0, false
		}
		return i, cost, true
	}
	return 0, 0, false
}

// at is the raster cell of a window cell; x may lie off the raster.
func (f *flood) at(i int32) (x, y int) {
	return f.cx + int(i)%windowW - windowX, f.cy + int(i)/windowW - windowY
}

// spread relaxes the neighbours of a settled cell.
func (f *flood) spread(i int32) {
	const cellNM = 60.0 / chart.PerDegree
	x, y := f.at(i)
	cos := math.Cos(chart.Centre(x, y)[1] * math.Pi / 180)
	c := f.cells[i]
	for k, d := range around {
		to := i + int32(d.y*windowW+d.x)
		step := float32(cellNM * math.Hypot(float64(d.x)*cos, float64(d.y)))
		cost, land, afloat := c.cost+step, c.land, true
		if f.water.At(wrap(x+d.x), y+d.y) == chart.Land {
			times := float32(landCost)
			if afloat = c.afloat; afloat {
				times = spitCost
			}
			cost, land = c.cost+step*times, c.land+step*globe.KMPerNM
		}
		n := &f.cells[to]
		if n.cost > 0 && n.cost <= cost {
			continue
		}
		if n.cost == 0 {
			f.dirty = append(f.dirty, to)
		}
		*n = floodCell{cost, land, uint8(7 - k), afloat}
		f.queue.Push(cost, to)
	}
}

// line is the way from the port's point to a cell. Land on the way is crossed
// in one leg.
func (f *flood) line(i int32, p orb.Point) []orb.Point {
	var back []int32
	start := int32(windowY*windowW + windowX)
	for c := i; c != start; {
		back = append(back, c)
		d := around[f.cells[c].from]
		c += int32(d.y*windowW + d.x)
	}
	out := []orb.Point{p}
	for k := len(back) - 1; k >= 0; k-- {
		if k > 0 && f.cells[back[k-1]].land > f.cells[back[k]].land {
			continue // land ahead
		}
		q := chart.Centre(f.at(back[k]))
		out = append(out, orb.Point{globe.NearLon(q[0], p[0]), q[1]})
	}
	return out
}

// wrap brings a column a little off the raster back onto it.
func wrap(x int) int {
	switch {
	case x < 0:
		return x + chart.Width
	case x >= chart.Width:
		return x - chart.Width
	}
	return x
}

func abs(x int) int { return max(x, -x) }
