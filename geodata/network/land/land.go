// Package land is the world's roads and railways as two networks to route on:
// distances, real geometry, borders with their posts. It answers how far and
// which way; it knows nothing of time, price or what a lorry may carry.
//
// The networks are built by cmd/geodata from OpenStreetMap data (see FORMAT.md,
// README.md and ../../ATTRIBUTION.md) and embedded. A Graph is a customisable
// contraction hierarchy: avoiding countries or border posts costs one
// customisation, kept for the next caller, and never a rebuild.
//
// Ways are chosen by cost: metres, made longer where through freight does not go
// and at controlled borders, so that a domestic journey stays at home. So a Path
// is the likely way, seldom much longer than the shortest.
package land

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/paged"
	"corridor/geodata/path"
)

//go:embed data/road.crln data/rail.crln stations.csv
var files embed.FS

// Graph is one network, ready to search. It is safe for concurrent use.
type Graph struct {
	mode      geodata.Mode
	countries []geodata.Country
	number    map[geodata.Country]uint8 // of countries
	posts     []string
	kinds     []Kind
	stations  []station
	lat, lon  []int32
	country   []uint8
	edges     []line
	shapes    []Vertex // of all edges, one after the other
	part      []int32  // per node, the root of its connected part
	up        *hierarchy
	at        *index
	pages     *paged.Pages // of all these
	store     *paged.Store
	land      func() (*area.Area, error) // opened when a point lies off the network
	climbs    sync.Pool
	snapped   remembered
	inset     Inset // of the edges that have a number in it; nil if none has

	mu      sync.Mutex // guards entries
	entries []*entry   // most recently used first
}

// line is an Edge without its points, which are at from in Graph.shapes and go on to
// those of the next.
type line struct {
	From, To  uint32
	Metres    uint32
	Inset     int32
	from      uint32
	Kind      uint16
	Post      uint16
	Delay     uint16
	Slow      uint8
	Estimated bool
}

// Shared is what a graph may share with others.
type Shared struct {
	Countries func() (*area.Area, error) // tells land from water; nil: shapes of its own, when they are needed
	Store     *paged.Store               // where the network and its metrics go; nil: the heap
}

// keptBytes is how much memory the metrics kept may take. One that avoids little
// takes 20 MB on roads, one that stays within a few countries less.
const keptBytes = 64 << 20

// Open reads the embedded network of a land mode.
func Open(mode geodata.Mode) (*Graph, error) { return OpenShared(mode, Shared{}) }

// OpenShared is Open with what others have too.
func OpenShared(mode geodata.Mode, with Shared) (*Graph, error) {
	if mode != geodata.Road && mode != geodata.Rail {
		return nil, fmt.Errorf("open land network: mode %q is not road or rail", mode)
	}
	net, err := Stored(mode)
	if err != nil {
		return nil, err
	}
	return newGraph(net, with)
}

// Stored reads the embedded network of a land mode as it is stored.
func Stored(mode geodata.Mode) (*Net, error) {
	file, err := files.ReadFile("data/" + string(mode) + ".crln")
	if err != nil {
		return nil, err
	}
	net, err := Decode(file)
	if err != nil {
		return nil, fmt.Errorf("open %s network: %w", mode, err)
	}
	return net, nil
}

// New makes a graph of a network, which it keeps and which must not change.
func New(n *Net) (*Graph, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	return newGraph(n, Shared{})
}

func newGraph(n *Net, with Shared) (*Graph, error) {
	g := &Graph{
		mode: n.Mode, countries: n.Countries, posts: n.Posts, kinds: n.Kinds,
		lat: n.Lat, lon: n.Lon, country: n.NodeCountry,
		land: with.Countries, store: with.Store,
	}
	if g.land == nil {
		g.land = sync.OnceValues(area.Open)
	}
	points := 0
	for i := range n.Edges {
		points += len(n.Edges[i].Shape)
	}
	g.edges, g.shapes = make([]line, len(n.Edges)), make([]Vertex, 0, points)
	for i := range n.Edges {
		e := &n.Edges[i]
		g.edges[i] = line{e.From, e.To, e.Metres, e.Inset, uint32(len(g.shapes)), e.Kind, e.Post, e.Delay, e.Slow, e.Estimated}
		g.shapes = append(g.shapes, e.Shape...)
	}
	g.number = make(map[geodata.Country]uint8, len(n.Countries))
	for i, c := range n.Countries[1:] {
		g.number[c] = uint8(i + 1)
	}
	g.up = newHierarchy(len(n.Lat), n.Edges)
	g.part = make([]int32, len(n.Lat))
	for v := len(g.part) - 1; v >= 0; v-- {
		g.part[v] = int32(v)
		if p := g.up.parent[v]; p >= 0 {
			g.part[v] = g.part[p]
		}
	}
	g.at = newIndex(g)
	nodes := len(n.Lat) // so that nothing keeps the net, whose edges are no longer needed
	g.climbs.New = func() any { return newClimb(nodes) }
	var err error
	if g.mode == geodata.Rail {
		g.stations, err = readStations()
	}
	h := g.up
	g.pages = g.store.Move(
		paged.Of(&g.lat), paged.Of(&g.lon), paged.Of(&g.country), paged.Of(&g.edges), paged.Of(&g.shapes), paged.Of(&g.part),
		paged.Of(&h.start), paged.Of(&h.head), paged.Of(&h.parent), paged.Of(&h.edge), paged.Of(&h.heads), paged.Of(&h.down), paged.Of(&h.downTo),
		paged.Of(&g.at.start), paged.Of(&g.at.edges),
	)
	return g, err
}

// shape is the points of an edge between its ends.
func (g *Graph) shape(e int32) []Vertex {
	if int(e)+1 == len(g.edges) {
		return g.shapes[g.edges[e].from:]
	}
	return g.shapes[g.edges[e].from:g.edges[e+1].from]
}

// border tells whether an edge is the step over a border.
func (g *Graph) border(e int32) bool {
	return g.country[g.edges[e].From] != g.country[g.edges[e].To]
}

// walk visits the segments of an edge from its lower node.
func (g *Graph) walk(e int32, segment func(a, b Vertex)) {
	edge := &g.edges[e]
	last := Vertex{g.lat[edge.From], g.lon[edge.From]}
	for _, v := range g.shape(e) {
		segment(last, v)
		last = v
	}
	segment(last, Vertex{g.lat[edge.To], g.lon[edge.To]})
}

// profile is the network under one Avoid.
type profile struct {
	shutIn  []geodata.Country // whose territory or lines may not be used
	avoided []bool            // by country: the same, where points do not join the network
	limits
	metric metric
	inset  []Load // per edge of the inset
}

// limits are what a metric depends on.
type limits struct {
	out    []bool  // by country: left out of the metric
	group  []uint8 // by country; borders are crossed inside a group only
	shut   []bool  // by post
	barred []bool  // by kind; nil when none is
}

// entry is a metric kept for its limits.
type entry struct {
	key    string
	mu     sync.Mutex // guards metric while it is computed
	metric metric     // empty until then
	inset  []Load
}

// profile prepares the network for what is avoided, with a metric from the cache
// if it is there. Countries and posts the network does not have are ignored.
func (g *Graph) profile(ctx context.Context, avoid geodata.Avoid) (*profile, error) {
	p := &profile{shutIn: g.shut(avoid), avoided: make([]bool, len(g.countries)), limits: g.limits(avoid)}
	for _, c := range p.shutIn {
		if i, ok := g.number[c]; ok {
			p.avoided[i] = true
		}
	}
	key := p.key()
	if g.inset != nil {
		key += fmt.Sprint(avoid.Vehicle)
	}
	g.mu.Lock()
	e := &entry{key: key}
	if i := slices.IndexFunc(g.entries, func(q *entry) bool { return q.key == key }); i >= 0 {
		e = g.entries[i]
		g.entries = slices.Delete(g.entries, i, i+1)
	}
	g.entries = slices.Insert(g.entries, 0, e)
	g.mu.Unlock()

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.metric.begin == nil {
		if g.inset != nil {
			loads, err := g.inset.Weigh(ctx, avoid.Vehicle)
			if err != nil {
				return nil, err
			}
			e.inset, p.inset = loads, loads
		}
		m, err := g.up.customise(ctx, func(v int32) bool { return p.out[g.country[v]] }, g.weigh(p))
		if err != nil {
			return nil, err // the entry stays, empty: the next caller computes it
		}
		// Working it out went through all of the network. Ways need little of it.
		m.pages = g.store.Move(append([]paged.Column{paged.Of(&m.cost), paged.Of(&m.metres)}, m.own(g.up)...)...)
		g.store.Recycle(m.pages)
		g.pages.Rest()
		e.metric = m
		g.trim(e, m.bytes())
	}
	p.metric, p.inset = e.metric, e.inset
	return p, nil
}

// limits works out what of an Avoid changes ways, not only where they may begin
// and end. Inside groups, a group avoided as a whole cannot be entered anyway, so
// asking for one area after another needs one metric only.
func (g *Graph) limits(avoid geodata.Avoid) limits {
	l := limits{out: make([]bool, len(g.countries)), group: make([]uint8, len(g.countries)), shut: make([]bool, len(g.posts))}
	l.barred = g.barred(avoid.Vehicle)
	for _, b := range avoid.Borders {
		if i := slices.Index(g.posts, b); i > 0 {
			l.shut[i] = true
		}
	}
	for _, c := range g.shut(avoid) {
		if i, ok := g.number[c]; ok {
			l.out[i] = true
		}
	}
	if avoid.Inside == nil {
		return l
	}
	for i := range l.group {
		l.group[i] = uint8(i)
	}
	for _, group := range avoid.Inside {
		var members []uint8
		for _, c := range group {
			if i, ok := g.number[c]; ok {
				members = append(members, i)
			}
		}
		for _, i := range members {
			l.group[i] = members[0]
		}
	}
	var some, all [256]bool // by group: members avoided
	for i := range all {
		all[i] = true
	}
	for i, out := range l.out {
		some[l.group[i]] = some[l.group[i]] || out
		all[l.group[i]] = all[l.group[i]] && out
	}
	for i := range l.out {
		if k := l.group[i]; all[k] || !some[k] {
			l.out[i] = false
		}
	}
	return l
}

// shut are the countries whose territory or lines may not be used.
func (g *Graph) shut(avoid geodata.Avoid) []geodata.Country {
	lines := avoid.Roads
	if g.mode == geodata.Rail {
		lines = avoid.Rails
	}
	return slices.Concat(avoid.Countries, lines)
}

// bars tells whether the vehicle may not use an edge of the network itself.
func (l limits) bars(e *line) bool { return l.barred != nil && e.Inset == 0 && l.barred[e.Kind] }

func (l limits) key() string {
	key := make([]byte, 0, len(l.out)+len(l.group)+len(l.shut))
	for _, set := range [][]bool{l.out, l.shut, l.barred} {
		for _, on := range set {
			if on {
				key = append(key, '1')
			} else {
				key = append(key, '0')
			}
		}
	}
	return string(append(key, l.group...))
}

// trim forgets the metrics used longest ago, given what the newest takes.
func (g *Graph) trim(newest *entry, bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, e := range g.entries {
		if e == newest || !e.mu.TryLock() { // one that is being computed
			continue
		}
		bytes += e.metric.bytes()
		e.mu.Unlock()
		if bytes > keptBytes {
			g.entries = slices.DeleteFunc(slices.Clone(g.entries), func(q *entry) bool {
				return q != newest && slices.Index(g.entries, q) >= i
			})
			return
		}
	}
}

// weigh gives the cost and metres of an edge under a profile.
func (g *Graph) weigh(p *profile) func(edge int32) (cost, metres uint32) {
	return func(i int32) (cost, metres uint32) {
		e := &g.edges[i]
		a, b := g.country[e.From], g.country[e.To]
		if p.out[a] || a != b && (p.out[b] || p.group[a] != p.group[b] || p.shut[e.Post]) {
			return far, 0
		}
		if p.bars(e) {
			return far, 0
		}
		if e.Inset > 0 {
			l := p.inset[e.Inset-1].load()
			return l.cost, l.metres
		}
		return e.cost(e.Metres), e.Metres
	}
}

// climb searches upwards from an end, by every line or node it joins.
func (g *Graph) climb(e *end, m metric) *climb {
	c := g.climbs.Get().(*climb)
	var few [8]start
	starts := few[:0]
	for _, s := range e.snaps {
		e := &g.edges[s.edge]
		to := s.load()
		starts = append(starts, start{
			int32(e.From), int32(e.To),
			to.plus(load{e.cost(s.along), s.along}), to.plus(load{e.cost(e.Metres - s.along), e.Metres - s.along}),
		})
	}
	for _, gate := range e.gates {
		l := gate.load()
		starts = append(starts, start{int32(gate.Node), int32(gate.Node), l, l})
	}
	c.run(g.up, m, starts)
	return c
}

// load is the way from the point to the line.
func (s snap) load() load { return load{uint32(s.cost), uint32(math.Round(s.access))} }

func (l load) plus(m load) load { return load{l.cost + m.cost, l.metres + m.metres} }

// Route finds the way between two points. It returns geodata.ErrNoRoute, wrapped
// with the reason, when there is none: an end too far from the network or beyond
// water, parts of the world not joined by land, or what is avoided in between.
func (g *Graph) Route(ctx context.Context, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	way, err := g.RouteEnds(ctx, End{Point: from}, End{Point: to}, avoid)
	return way.Path, err
}

// RouteEnds is Route between ends that may lie on other networks.
func (g *Graph) RouteEnds(ctx context.Context, from, to End, avoid geodata.Avoid) (Way, error) {
	pr, err := g.profile(ctx, avoid)
	if err != nil {
		return Way{}, err
	}
	defer pr.metric.pages.KeepAlive()
	near, err := g.end(from, pr)
	if err != nil {
		return g.roadless(from, to, pr, fmt.Errorf("start: %w", err))
	}
	far, err := g.end(to, pr)
	if err != nil {
		return g.roadless(from, to, pr, fmt.Errorf("end: %w", err))
	}
	km, ok, err := g.across(&near, &far)
	if err != nil {
		return Way{}, err
	}
	if ok {
		return g.straight(from, to, g.countryOf(near.snaps[0]), km), nil
	}
	if !g.joined(&near, &far) {
		return g.roadless(from, to, pr, fmt.Errorf("%w: the %s at %s and at %s are not joined by land", geodata.ErrNoRoute, g.lines(), place(from.Point), place(to.Point)))
	}
	ca, cb := g.climb(&near, pr.metric), g.climb(&far, pr.metric)
	defer g.climbs.Put(ca)
	defer g.climbs.Put(cb)
	node, cost := meet(ca, cb)
	a, b, direct, same := g.within(near.snaps, far.snaps)
	if node < 0 && !same {
		return Way{}, fmt.Errorf("%w: no way by %s from %s to %s without crossing what is avoided or a closed border", geodata.ErrNoRoute, g.mode, place(from.Point), place(to.Point))
	}
	if same && direct.cost <= cost {
		t := g.newTrace(avoid.Vehicle)
		t.begin(from.Point, a)
		t.within(a, b)
		return Way{Path: t.finish(b, to.Point), FromGate: -1, ToGate: -1}, nil
	}
	weigh := g.weigh(pr)
	var ups []int32
	v := node
	for ; v >= 0; v = ca.from[v] {
		ups = append(ups, v)
	}
	slices.Reverse(ups)
	t := g.newTrace(avoid.Vehicle)
	var failed error
	t.inset = func(edge, to int32) {
		p, err := g.inset.Draw(ctx, int(g.edges[edge].Inset-1), int32(g.edges[edge].From) == to, avoid.Vehicle)
		if err != nil && failed == nil {
			failed = err
		}
		t.join(p)
		t.node = to
	}
	way := Way{FromGate: -1, ToGate: -1, CostKM: float64(cost) / 1000}
	if i := int(^v); i < len(near.snaps) {
		t.begin(from.Point, near.snaps[i])
		t.leave(near.snaps[i], ups[0])
	} else {
		way.FromGate = i - len(near.snaps)
		t.stand(ups[0])
	}
	for i := 1; i < len(ups); i++ {
		g.up.unpack(pr.metric, weigh, ups[i-1], ups[i], t.pass)
	}
	last := node
	for v = cb.from[node]; v >= 0; v = cb.from[v] {
		g.up.unpack(pr.metric, weigh, last, v, t.pass)
		last = v
	}
	if failed != nil {
		return Way{}, failed
	}
	if i := int(^v); i < len(far.snaps) {
		t.arrive(last, far.snaps[i])
		way.Path = t.finish(far.snaps[i], to.Point)
	} else {
		way.ToGate = i - len(far.snaps)
		way.Path = t.halt()
	}
	return way, nil
}

// straight is a way off the network, estimated.
func (g *Graph) straight(from, to End, c geodata.Country, km float64) Way {
	p := geodata.Path{
		Mode: g.mode, DistanceKM: km, Geometry: path.Unwrap(orb.LineString{from.Point, to.Point}),
		Countries: []geodata.CountryKM{{Country: c, KM: km}},
		Estimated: km*1000 > silentAccess,
	}
	if g.mode == geodata.Rail {
		p.Tracks = []geodata.TrackKM{{KM: km}}
	} else {
		p.Roads = []geodata.RoadKM{{KM: km}}
	}
	return Way{Path: p, FromGate: -1, ToGate: -1, CostKM: km}
}

// roadless estimates the way where the data has no road: between two points of
// one country with land all the way. Anything else, and any railway, is the error.
func (g *Graph) roadless(from, to End, pr *profile, err error) (Way, error) {
	if !errors.Is(err, geodata.ErrNoRoute) {
		return Way{}, err
	}
	c, km, ok, failed := g.overland(from, to, pr)
	if failed != nil {
		return Way{}, failed
	}
	if !ok {
		return Way{}, err
	}
	return g.straight(from, to, c, km), nil
}

func (g *Graph) overland(from, to End, pr *profile) (c geodata.Country, km float64, ok bool, err error) {
	if g.mode != geodata.Road || len(from.Gates)+len(to.Gates) > 0 {
		return "", 0, false, nil
	}
	land, err := g.land()
	if err != nil {
		return "", 0, false, fmt.Errorf("tell land from water: %w", err)
	}
	c, ok = land.Land(from.Point)
	d, also := land.Land(to.Point)
	if !ok || !also || c != d || slices.Contains(pr.shutIn, c) {
		return "", 0, false, nil
	}
	km = path.Distance(from.Point, to.Point)
	for i, steps := 0, int(km)+1; i <= steps; i++ {
		if at, ok := land.Land(path.Interpolate(from.Point, to.Point, float64(i)/float64(steps))); !ok || at != c {
			return "", 0, false, nil
		}
	}
	return c, km * circuity(c), true, nil
}

// joined tells whether two points join one part of the network.
func (g *Graph) joined(from, to *end) bool {
	for _, a := range g.parts(from) {
		if slices.Contains(g.parts(to), a) {
			return true
		}
	}
	return false
}

// within is the best way between two points along one edge that both join.
func (g *Graph) within(from, to []snap) (a, b snap, best load, ok bool) {
	best.cost = far
	for _, s := range from {
		for _, t := range to {
			if s.edge != t.edge {
				continue
			}
			l := s.load().plus(t.load()).plus(g.alongEdge(s, t))
			if l.cost < best.cost {
				a, b, best, ok = s, t, l, true
			}
		}
	}
	return a, b, best, ok
}

// alongEdge is the way between two places on the same edge.
func (g *Graph) alongEdge(a, b snap) load {
	metres := max(a.along, b.along) - min(a.along, b.along)
	return load{g.edges[a.edge].cost(metres), metres}
}

// lines names what the network is made of.
func (g *Graph) lines() string {
	if g.mode == geodata.Rail {
		return "railways"
	}
	return "roads"
}

func place(p orb.Point) string { return fmt.Sprintf("lat %.3f, lon %.3f", p.Lat(), p.Lon()) }

// Table gives the kilometres from every point of from to every point of to, the
// same as Route would; +Inf where there is no way.
func (g *Graph) Table(ctx context.Context, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	ends := func(points []orb.Point) []End {
		out := make([]End, len(points))
		for i, p := range points {
			out[i].Point = p
		}
		return out
	}
	loads, err := g.TableEnds(ctx, ends(from), ends(to), avoid)
	if err != nil {
		return nil, err
	}
	table := make([][]float64, len(loads))
	for i, row := range loads {
		table[i] = make([]float64, len(row))
		for j, l := range row {
			table[i][j] = l.KM
		}
	}
	return table, nil
}

// TableEnds is Table between ends that may lie on other networks; the ways to and
// from gates are counted.
func (g *Graph) TableEnds(ctx context.Context, from, to []End, avoid geodata.Avoid) ([][]Load, error) {
	pr, err := g.profile(ctx, avoid)
	if err != nil {
		return nil, err
	}
	defer pr.metric.pages.KeepAlive()
	targets := make([]target, len(to))
	for i, p := range to {
		if targets[i], err = g.target(p, pr); err != nil {
			return nil, err
		}
	}
	table := make([][]Load, len(from))
	for i, p := range from {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		table[i] = make([]Load, len(to))
		for j := range table[i] {
			table[i][j] = None()
		}
		begin, err := g.end(p, pr)
		if err != nil && !errors.Is(err, geodata.ErrNoRoute) {
			return nil, err
		}
		c := g.climb(&begin, pr.metric)
		for j := range targets {
			t := &targets[j]
			km, ok, err := g.across(&begin, &t.end)
			joined := g.joined(&begin, &t.end)
			if err == nil && !ok && !joined {
				_, km, ok, err = g.overland(p, to[j], pr)
			}
			if err != nil {
				return nil, err
			}
			if ok {
				table[i][j] = Load{km, km}
			}
			if ok || !joined {
				continue
			}
			_, _, best, _ := g.within(begin.snaps, t.snaps)
			for n, v := range t.nodes {
				if cost := c.cost[v] + t.loads[n].cost; cost < best.cost {
					best = load{cost, c.metres[v] + t.loads[n].metres}
				}
			}
			if best.cost < far {
				table[i][j] = Load{float64(best.cost) / 1000, float64(best.metres) / 1000}
			}
		}
		g.climbs.Put(c)
	}
	return table, nil
}

// target is a column of a table: where its point joins the network, nowhere if it
// is out of reach, and what a climb from there reached.
type target struct {
	end
	nodes []int32
	loads []load
}

func (g *Graph) target(p End, pr *profile) (target, error) {
	e, err := g.end(p, pr)
	if errors.Is(err, geodata.ErrNoRoute) {
		return target{}, nil
	}
	if err != nil {
		return target{}, err
	}
	t := target{end: e}
	c := g.climb(&e, pr.metric)
	for _, v := range c.way {
		if c.cost[v] < far {
			t.nodes, t.loads = append(t.nodes, v), append(t.loads, load{c.cost[v], c.metres[v]})
		}
	}
	g.climbs.Put(c)
	return t, nil
}
