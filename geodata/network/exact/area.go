package exact

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// Area is an imported part of the world. It is safe for concurrent use.
type Area struct {
	Meta
	cover      *cover
	inner      *cover
	road, rail *network
	unmap      func() error
}

// Network is the area's roads or railways; nil if it has none.
func (a *Area) Network(m geodata.Mode) *Network {
	switch {
	case m == geodata.Road && a.road != nil:
		return &Network{a.road}
	case m == geodata.Rail && a.rail != nil:
		return &Network{a.rail}
	}
	return nil
}

// Covers tells whether the area's ways are all there around a point: a cell of
// some 2 km with ways in it, or one that such cells enclose.
func (a *Area) Covers(p orb.Point) bool { return a.cover.has(p.Lat(), p.Lon()) }

// Holds is Covers without the outermost 3 km or so, where an area's ways are cut off.
func (a *Area) Holds(p orb.Point) bool { return a.inner.has(p.Lat(), p.Lon()) }

func (a *Area) ready() {
	a.inner = a.cover.inner()
	for _, n := range []*network{a.road, a.rail} {
		if n != nil {
			n.ready()
		}
	}
}

// Network is the ways of one mode to route on. Points are lon/lat in degrees.
type Network struct{ n *network }

// Countries are those the network has nodes in, with "" for none.
func (n *Network) Countries() []geodata.Country { return n.n.Countries }

// state is what a network has beside its file.
type state struct {
	vehicle geodata.Vehicle // of the metric in the file
	use     usable
	climbs  sync.Pool

	mu   sync.Mutex // guards kept
	kept []*kept    // most recently used first
}

// kept is a metric computed for a vehicle.
type kept struct {
	vehicle geodata.Vehicle
	mu      sync.Mutex // guards the rest while it is computed
	metric  *metric
	use     usable
}

// keptMetrics is how many vehicles' metrics are kept beside the usual one's.
const keptMetrics = 3

func (n *network) ready() {
	n.state = &state{vehicle: fill(n.Vehicle, n.Mode)}
	n.state.use = n.usable(n.state.vehicle)
	n.state.climbs.New = func() any { return newClimb(len(n.lat)) }
}

// fill gives a vehicle the usual measures where it has none.
func fill(v geodata.Vehicle, mode geodata.Mode) geodata.Vehicle {
	usual := defaultVehicle(mode)
	v.WeightT, v.AxleT = cmp.Or(v.WeightT, usual.WeightT), cmp.Or(v.AxleT, usual.AxleT)
	v.HeightM, v.WidthM, v.LengthM = cmp.Or(v.HeightM, usual.HeightM), cmp.Or(v.WidthM, usual.WidthM), cmp.Or(v.LengthM, usual.LengthM)
	if mode == geodata.Road {
		v.GaugeMM, v.Electric = 0, false
	} else {
		v = geodata.Vehicle{GaugeMM: v.GaugeMM, Electric: v.Electric}
	}
	return v
}

// under is the network under a vehicle.
func (n *network) under(ctx context.Context, v geodata.Vehicle) (*metric, usable, error) {
	s := n.state
	v = fill(v, n.Mode)
	if v == s.vehicle {
		return &n.usual, s.use, nil
	}
	s.mu.Lock()
	k := &kept{vehicle: v}
	if i := slices.IndexFunc(s.kept, func(q *kept) bool { return q.vehicle == v }); i >= 0 {
		k = s.kept[i]
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	s.kept = slices.Insert(s.kept, 0, k)
	if len(s.kept) > keptMetrics {
		s.kept = s.kept[:keptMetrics]
	}
	s.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.metric == nil {
		m, err := n.customise(ctx, v)
		if err != nil {
			return nil, nil, err // it stays, empty: the next caller computes it
		}
		k.metric, k.use = &m, n.usable(v)
	}
	return k.metric, k.use, nil
}

// Spot is where something joins a network: one or more places on edges.
type Spot struct {
	point orb.Point
	snaps []snap
	all   bool // any of the places will do, else the first that leads anywhere
}

// AccessKM is the straight way from the point to the network.
func (s Spot) AccessKM() float64 { return s.snaps[0].access / 1000 }

// snap is a place on an edge.
type snap struct {
	edge   int32
	along  float64   // share of the edge's length from its lower node
	point  orb.Point // on the edge
	access float64   // metres from the wanted point
}

const (
	// reach is how far from the network a point may be.
	reach = 10_000 // metres
	// offMotorway is how much nearer a motorway must be than any other road for a
	// point to join it: doors are not on motorways.
	offMotorway = 2_000 // metres
	// pastPocket is how much farther than the nearest way the nearest well connected
	// one may be that is taken where the nearest leads nowhere. It is short, since
	// what lies between may be water.
	pastPocket = 1_500 // metres
	// silentAccess is the way to the network that is not worth calling an estimate.
	silentAccess = 2_500 // metres
)

// Locate joins a point to the network for a vehicle: to the nearest way it may use,
// even if only to get to its doors, and where that leads nowhere to the nearest well
// connected one. in chooses the countries of the ways; nil takes all. Error is
// geodata.ErrNoRoute.
func (n *Network) Locate(ctx context.Context, p orb.Point, v geodata.Vehicle, in func(geodata.Country) bool) (Spot, error) {
	m, use, err := n.n.under(ctx, v)
	if err != nil {
		return Spot{}, err
	}
	may := func(e int32) bool {
		u := use[n.n.rule[e]]
		return max(u[0], u[1]) >= Ends && n.n.class(e) != FerryLine && (in == nil || in(n.n.countryOf(e)))
	}
	s, ok := n.n.near(p, reach, func(e int32) bool { return may(e) && n.n.class(e) != Motorway })
	if !ok || s.access > offMotorway {
		if t, found := n.n.near(p, reach, may); found && (!ok || t.access+offMotorway < s.access) {
			s, ok = t, true
		}
	}
	if !ok {
		what := "road"
		if n.n.Mode == geodata.Rail {
			what = "railway"
		}
		return Spot{}, fmt.Errorf("%w: no %s of the import within %d km of %s that may be used", geodata.ErrNoRoute, what, reach/1000, place(p))
	}
	spot := Spot{point: p, snaps: []snap{s}}
	if m.core[n.n.from[s.edge]] == 0 || m.core[n.n.to[s.edge]] == 0 || use[n.n.rule[s.edge]][0] < Through {
		well := func(e int32) bool {
			return may(e) && m.core[n.n.from[e]] != 0 && m.core[n.n.to[e]] != 0 && n.n.class(e) != Motorway && e != s.edge
		}
		if t, ok := n.n.near(p, s.access+pastPocket, well); ok {
			spot.snaps = append(spot.snaps, t)
		}
	}
	return spot, nil
}

// Point is where a spot lies on its way.
func (s Spot) Point() orb.Point { return s.snaps[0].point }

// Country is the country of the way a spot lies on.
func (n *Network) Country(s Spot) geodata.Country { return n.n.countryOf(s.snaps[0].edge) }

// Joined tells whether two spots lie on one connected part of the map, whoever may
// use it.
func (n *Network) Joined(a, b Spot) bool {
	for _, s := range a.snaps {
		for _, t := range b.snaps {
			if n.n.root(n.n.from[s.edge]) == n.n.root(n.n.from[t.edge]) {
				return true
			}
		}
	}
	return false
}

// root is the last node of a connected part.
func (n *network) root(v int32) int32 {
	for n.parent[v] >= 0 {
		v = n.parent[v]
	}
	return v
}

// Junction joins a point to the ways of a country around it, whose class is at least
// so high, up to so many within so many metres: to well connected ones if there are
// any. Which one a way takes is for each search to say, since carriageways lead one
// way only and vehicles have limits.
func (n *Network) Junction(p orb.Point, c geodata.Country, least Class, metres float64, most int) (Spot, bool) {
	core := n.n.usual.core
	for _, connected := range []bool{true, false} {
		spot, within := Spot{point: p, all: true}, metres
		for len(spot.snaps) < most {
			s, ok := n.n.near(p, within, func(e int32) bool {
				r := &n.n.rules[n.n.rule[e]]
				return r.Class <= least && max(r.Forward, r.Backward) == Through && r.Class != FerryLine && n.n.countryOf(e) == c &&
					(!connected || core[n.n.from[e]] != 0 || core[n.n.to[e]] != 0) &&
					!slices.ContainsFunc(spot.snaps, func(s snap) bool { return s.edge == e })
			})
			if !ok {
				break
			}
			if len(spot.snaps) == 0 { // the other carriageway, not the next valley
				within = min(within, s.access+besideWay)
			}
			spot.snaps = append(spot.snaps, s)
		}
		if len(spot.snaps) > 0 {
			return spot, true
		}
	}
	return Spot{}, false
}

// besideWay is how much farther than the nearest way others may be in a junction.
const besideWay = 1000 // metres

// Exit is where a main way leaves the area.
type Exit struct {
	Point   orb.Point
	Class   Class
	Country geodata.Country
}

// Exits are the dead ends of ways of at least a class: mostly where they were cut
// when the extract was made.
func (n *Network) Exits(least Class) []Exit {
	var out []Exit
	for v := range int32(len(n.n.lat)) {
		count, edge := 0, int32(-1)
		n.n.around(v, func(e, _ int32, _ bool) { count, edge = count+1, e })
		if count == 1 && n.n.class(edge) <= least && n.n.class(edge) != FerryLine {
			out = append(out, Exit{orb.Point{degrees(n.n.lon[v]), degrees(n.n.lat[v])}, n.n.class(edge), n.n.countryOf(edge)})
		}
	}
	return out
}

func place(p orb.Point) string { return fmt.Sprintf("lat %.4f, lon %.4f", p.Lat(), p.Lon()) }

func (n *network) class(e int32) Class { return n.rules[n.rule[e]].Class }

// near returns the nearest place within so many metres on an edge that is allowed.
func (n *network) near(p orb.Point, metres float64, allowed func(edge int32) bool) (snap, bool) {
	best := snap{edge: -1, access: metres}
	lat, lon := p.Lat(), math.Mod(p.Lon()+540, 360)-180
	if !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 180) {
		return best, false
	}
	g := n.Grid
	cx, cy := g.of(lat, lon)
	cell := g.Step * 111_000 * max(math.Cos((math.Abs(lat)+g.Step)*math.Pi/180), 0.01)
	// The first ring that can touch the grid.
	first := max(0, -cx, cx-g.Wide+1, -cy, cy-g.High+1)
	for ring := first; ring <= first+g.Wide+g.High; ring++ {
		// Nothing in this ring is nearer than ring-1 cells, less one for missed corners.
		if float64(ring-2)*cell > best.access {
			break
		}
		for y := max(cy-ring, 0); y <= min(cy+ring, g.High-1); y++ {
			step := 1
			if y != cy-ring && y != cy+ring {
				step = max(2*ring, 1)
			}
			for x := cx - ring; x <= cx+ring; x += step {
				if x < 0 || x >= g.Wide {
					continue
				}
				c := y*g.Wide + x
				for _, e := range n.gridEdges[n.gridAt[c]:n.gridAt[c+1]] {
					if allowed(e) {
						n.project(e, lat, lon, &best)
					}
				}
			}
		}
	}
	return best, best.edge >= 0
}

// project improves best by the edge's nearest point.
func (n *network) project(e int32, lat, lon float64, best *snap) {
	const perDegree = 111_195.0
	shrink := math.Cos(degrees(n.lat[n.from[e]]) * math.Pi / 180) // as cut has it
	drawn, hit := 0.0, -1.0
	var lastLat, lastLon float64
	begun := false
	n.walk(e, func(bLat, bLon float64) {
		if begun {
			ay, ax := lastLat-lat, (lastLon-lon)*shrink
			dy, dx := bLat-lastLat, (bLon-lastLon)*shrink
			f := 0.0
			if l := dy*dy + dx*dx; l > 0 {
				f = min(max(-(ay*dy+ax*dx)/l, 0), 1)
			}
			length := math.Hypot(dy, dx)
			if d := math.Hypot(ay+f*dy, ax+f*dx) * perDegree; d < best.access {
				best.access, best.edge = d, e
				best.point = orb.Point{lastLon + f*(bLon-lastLon), lastLat + f*(bLat-lastLat)}
				hit = drawn + f*length
			}
			drawn += length
		}
		begun, lastLat, lastLon = true, bLat, bLon
	})
	if hit >= 0 {
		best.along = 0
		if drawn > 0 {
			best.along = min(hit/drawn, 1)
		}
	}
}

// start is where a search begins: nodes near a spot, each with how it got there.
type start struct {
	spot  Spot
	seeds []seed
	trail []trail // per seed
}

// trail is the last step to a node near a spot.
type trail struct {
	before int32 // seed it came from; -1 for the spot itself
	edge   int32
	up     bool // along the edge from its lower node, as a lorry goes
	snap   int32
}

const (
	// pocketNodes is how many nodes behind a gate are looked at for the way out.
	pocketNodes = 6000
	// atJunction is how near to the end of an edge a place is the junction itself,
	// where every way is open.
	atJunction = 10 // decimetres
	// accessFactor is what a metre to the network costs.
	accessFactor = 4
)

// seeds finds the ways between a spot and the well connected network: at once where
// it lies on it, else through private grounds and the like, where only who begins or
// ends there may go. With back they run to the spot.
func (n *network) seeds(spot Spot, m *metric, use usable, back bool) *start {
	s := &start{spot: spot}
	at := map[int32]int32{} // place of a node in s.seeds
	var heap queue
	relax := func(node int32, l load, t trail) {
		i, ok := at[node]
		switch {
		case !ok:
			i = int32(len(s.seeds))
			at[node] = i
			s.seeds, s.trail = append(s.seeds, seed{node, l}), append(s.trail, t)
		case l.cost < s.seeds[i].cost:
			s.seeds[i].load, s.trail[i] = l, t
		default:
			return
		}
		heap.push(l.cost, i)
	}
	// side is the way a lorry goes along an edge: 0 up, 1 down.
	for k, p := range spot.snaps {
		u := use[n.rule[p.edge]]
		cost, length := float64(n.cost[p.edge]), float64(n.length[p.edge])
		for side := range 2 {
			// Going up one leaves by the upper end and comes from the lower.
			upper := side == 0 != back
			node, share := n.from[p.edge], p.along
			if upper {
				node, share = n.to[p.edge], 1-p.along
			}
			if u[side] < Ends && share*length > atJunction {
				continue
			}
			relax(node, load{
				uint32(min(cost*share+spot.factor()*10*p.access, far-1)), uint32(math.Round(length*share + 10*p.access)),
			}, trail{-1, p.edge, side == 0, int32(k)})
		}
		reached, settled := false, 0
		for len(heap) > 0 && settled < pocketNodes {
			cost, i := heap.pop()
			v := s.seeds[i]
			if cost > v.cost {
				continue
			}
			settled++
			if m.core[v.node] != 0 {
				reached = true
				continue
			}
			n.around(v.node, func(e, to int32, upwards bool) {
				// Back, the lorry goes the other way than the search.
				up := upwards != back
				side := 1
				if up {
					side = 0
				}
				if use[n.rule[e]][side] >= Ends && v.cost+n.cost[e] < far {
					relax(to, load{v.cost + n.cost[e], v.length + n.length[e]}, trail{i, e, up, s.trail[i].snap})
				}
			})
		}
		heap = heap[:0]
		if reached && !spot.all {
			break
		}
	}
	return s
}

// around visits the edges at a node, each with the node it leads to.
func (n *network) around(v int32, visit func(e, to int32, upwards bool)) {
	h := &n.skeleton
	each := func(arc, to int32, upwards bool) {
		e := h.edge[arc]
		if e < 0 {
			return
		}
		for j := e; j < int32(len(n.from)) && n.from[j] == n.from[e] && n.to[j] == n.to[e]; j++ {
			visit(j, to, upwards)
		}
	}
	for a := h.start[v]; a < h.start[v+1]; a++ {
		each(a, h.head[a], true)
	}
	for k := h.heads[v]; k < h.heads[v+1]; k++ {
		each(h.downTo[k], h.down[k], false)
	}
}

// queue is a binary heap of costs with what they belong to.
type queue []struct {
	cost uint32
	item int32
}

func (q *queue) push(cost uint32, item int32) {
	h := append(*q, struct {
		cost uint32
		item int32
	}{cost, item})
	i := len(h) - 1
	for i > 0 && h[(i-1)/2].cost > h[i].cost {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
		i = (i - 1) / 2
	}
	*q = h
}

func (q *queue) pop() (cost uint32, item int32) {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && h[c+1].cost < h[c].cost {
			c++
		}
		if h[i].cost <= h[c].cost {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	*q = h
	return top.cost, top.item
}

// direct is the way along one edge between two spots on it.
func (n *network) direct(from, to Spot, use usable) (l load, a, b int, up, ok bool) {
	l.cost = far
	for i, s := range from.snaps[:from.count()] {
		for j, t := range to.snaps[:to.count()] {
			if s.edge != t.edge {
				continue
			}
			u := use[n.rule[s.edge]]
			for side, share := range []float64{t.along - s.along, s.along - t.along} {
				if share < 0 || u[side] < Ends && share*float64(n.length[s.edge]) > atJunction {
					continue
				}
				way := load{
					uint32(share*float64(n.cost[s.edge]) + 10*(from.factor()*s.access+to.factor()*t.access)),
					uint32(math.Round(share*float64(n.length[s.edge]) + 10*(s.access+t.access))),
				}
				if way.cost < l.cost {
					l, a, b, up, ok = way, i, j, side == 0, true
				}
			}
		}
	}
	return l, a, b, up, ok
}

// factor is what a metre to the network costs: at a junction the line goes on.
func (s Spot) factor() float64 {
	if s.all {
		return 1
	}
	return accessFactor
}

func (s Spot) count() int {
	if s.all {
		return len(s.snaps)
	}
	return 1
}

// Load is what a way takes: its length, and its cost as the kilometres on the best
// roads that it is worth, by which ways are chosen.
type Load struct{ CostKM, KM float64 }

// None is the load where there is no way.
func None() Load { return Load{math.Inf(1), math.Inf(1)} }

func (l load) km() Load {
	if l.cost >= far {
		return None()
	}
	return Load{float64(l.cost) / 10_000, float64(l.length) / 10_000}
}

// Route finds the way between two spots.
func (n *Network) Route(ctx context.Context, from, to Spot, v geodata.Vehicle) (geodata.Path, Load, error) {
	if err := ctx.Err(); err != nil {
		return geodata.Path{}, Load{}, err
	}
	m, use, err := n.n.under(ctx, v)
	if err != nil {
		return geodata.Path{}, Load{}, err
	}
	a, b := n.n.seeds(from, m, use, false), n.n.seeds(to, m, use, true)
	ca, cb := n.n.climbs(), n.n.climbs()
	defer n.n.state.climbs.Put(ca)
	defer n.n.state.climbs.Put(cb)
	ca.run(&n.n.skeleton, m.up, a.seeds)
	cb.run(&n.n.skeleton, m.down, b.seeds)
	node, cost := meet(ca, cb)
	t := &tracer{n: n.n, path: geodata.Path{Mode: n.n.Mode}}
	if l, i, j, up, ok := n.n.direct(from, to, use); ok && l.cost <= cost {
		s, e := from.snaps[i], to.snaps[j]
		t.access(from.point, s, n.n.countryOf(s.edge))
		t.stretch(s.edge, up, s.along, e.along)
		t.arrive(e, to.point, n.n.countryOf(e.edge))
		return t.finish(), l.km(), nil
	}
	if node < 0 {
		return geodata.Path{}, Load{}, fmt.Errorf("%w: no way by %s from %s to %s for this vehicle inside %s", geodata.ErrNoRoute, n.n.Mode, place(from.point), place(to.point), "the import")
	}
	var ups []int32
	for v := node; ; {
		ups = append(ups, v)
		if ca.from[v] == 0 {
			break
		}
		v = ca.from[v] - 1
	}
	slices.Reverse(ups)
	t.leave(a, ca.seeds[ups[0]])
	for i := 1; i < len(ups); i++ {
		n.n.unpack(m, use, ups[i-1], ups[i], t.edge)
	}
	last := node
	for cb.from[last] != 0 {
		next := cb.from[last] - 1
		n.n.unpack(m, use, last, next, t.edge)
		last = next
	}
	t.enter(b, cb.seeds[last])
	total := load{cost, ca.at(node).length + cb.at(node).length}
	return t.finish(), total.km(), nil
}

func (n *network) climbs() *climb { return n.state.climbs.Get().(*climb) }

func (n *network) countryOf(e int32) geodata.Country {
	if c := int(n.country[n.from[e]]); c < len(n.Countries) {
		return n.Countries[c]
	}
	return ""
}

// Table gives what the way takes from every spot to every other, as Route would.
func (n *Network) Table(ctx context.Context, from, to []Spot, v geodata.Vehicle) ([][]Load, error) {
	f, err := n.Fan(ctx, to, v)
	if err != nil {
		return nil, err
	}
	table := make([][]Load, len(from))
	for i, s := range from {
		if table[i], err = f.From(ctx, s); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// Fan is some spots with the searches from and to them done, for a vehicle: from
// then on the ways between them and another cost one search each.
type Fan struct {
	n       *network
	metric  *metric
	use     usable
	spots   []Spot
	in, out []branch // per spot: searches back from it, and from it on
}

// branch is what a search reached.
type branch struct {
	nodes []int32
	loads []load
}

// Fan prepares spots.
func (n *Network) Fan(ctx context.Context, spots []Spot, v geodata.Vehicle) (*Fan, error) {
	m, use, err := n.n.under(ctx, v)
	if err != nil {
		return nil, err
	}
	f := &Fan{n: n.n, metric: m, use: use, spots: spots}
	c := n.n.climbs()
	defer n.n.state.climbs.Put(c)
	collect := func(arcs []load, seeds []seed) branch {
		var b branch
		c.run(&n.n.skeleton, arcs, seeds)
		for _, v := range c.way {
			if l := c.at(v); l.cost < far {
				b.nodes, b.loads = append(b.nodes, v), append(b.loads, l)
			}
		}
		return b
	}
	for _, s := range spots {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.in = append(f.in, collect(m.down, n.n.seeds(s, m, use, true).seeds))
		f.out = append(f.out, collect(m.up, n.n.seeds(s, m, use, false).seeds))
	}
	return f, nil
}

// From tells what the way takes from a spot to each of the fan's.
func (f *Fan) From(ctx context.Context, s Spot) ([]Load, error) { return f.join(ctx, s, false) }

// To tells what the way takes from each of the fan's spots to a spot.
func (f *Fan) To(ctx context.Context, s Spot) ([]Load, error) { return f.join(ctx, s, true) }

func (f *Fan) join(ctx context.Context, s Spot, back bool) ([]Load, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := f.n.climbs()
	defer f.n.state.climbs.Put(c)
	arcs, branches := f.metric.up, f.in
	if back {
		arcs, branches = f.metric.down, f.out
	}
	c.run(&f.n.skeleton, arcs, f.n.seeds(s, f.metric, f.use, back).seeds)
	loads := make([]Load, len(f.spots))
	for j, b := range branches {
		var best load
		if back {
			best, _, _, _, _ = f.n.direct(f.spots[j], s, f.use)
		} else {
			best, _, _, _, _ = f.n.direct(s, f.spots[j], f.use)
		}
		for k, v := range b.nodes {
			if at := c.cost[v]; at != 0 {
				if sum := at - 1 + b.loads[k].cost; sum < best.cost {
					best = load{sum, c.length[v] + b.loads[k].length}
				}
			}
		}
		loads[j] = best.km()
	}
	return loads, nil
}
