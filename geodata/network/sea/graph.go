package sea

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"corridor/geodata"
	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/pilot"

	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"
)

// newGraph turns a chart into a graph to search.
func newGraph(c *chart.Chart, table []pilot.Passage) (*Graph, error) {
	if len(c.Nodes) > math.MaxUint16 {
		return nil, fmt.Errorf("%d nodes: at most %d have labels", len(c.Nodes), math.MaxUint16)
	}
	if len(table) > maxPassages {
		return nil, fmt.Errorf("%d passages: at most %d fit a set", len(table), maxPassages)
	}
	g := &Graph{
		water:     c.Water,
		byID:      make(map[string]int, len(table)),
		laneCells: make(map[int]bool),
		building:  make(chan struct{}, buildingAtOnce),
		ports:     newCache[orb.Point, *port](portsKept),
		locals:    newCache[[2]orb.Point, local](portsKept),
		profiles:  newCache[terms, *profileSlot](profilesKept),
	}
	penalty := make([]float64, len(table))
	for i, p := range table {
		if p.ID == "north-pacific" {
			g.northPacific |= 1 << i
		}
		if p.Kind != weightKind {
			g.byID[p.ID] = i
		}
		penalty[i] = p.PenaltyNM * globe.KMPerNM
		out := Passage{
			ID: p.ID, Names: p.Names, Kind: p.Kind, OffByDefault: p.Shut,
			DraughtM: p.DraughtM, PenaltyNM: p.PenaltyNM,
		}
		for _, ls := range p.Gates {
			out.Gate = append(out.Gate, ls...)
			for k := 1; k < len(ls); k++ {
				g.gates = append(g.gates, gate{uint8(i), globe.FromPoint(ls[k-1]), globe.FromPoint(ls[k])})
			}
		}
		if p.Shut {
			g.shut |= 1 << i
		}
		g.passages = append(g.passages, out)
	}
	for _, id := range []string{"suez", "bab-el-mandeb"} {
		g.suezRoute |= 1 << g.byID[id]
	}
	g.panama = 1 << g.byID["panama"]
	if !slices.EqualFunc(c.Passages, table, func(id string, p pilot.Passage) bool { return id == p.ID }) {
		return nil, errors.New("sea.chart was made from another table of passages: rebuild it with make geodata")
	}

	g.nodes = make([]node, len(c.Nodes))
	for i, n := range c.Nodes {
		v := node{at: globe.FromPoint(n.Point), point: n.Point, free: n.Free}
		if !n.Free {
			v.before, v.after = ahead(n.Point, n.Before), ahead(n.Point, n.After)
		}
		g.nodes[i] = v
		if x, y, ok := chart.Cell(n.Point); ok && n.Free {
			g.laneCells[y*chart.Width+x] = true
		}
	}
	if err := g.link(c, penalty); err != nil {
		return nil, err
	}
	g.part = parts(len(g.nodes), g.arcs)
	g.lookouts.New = func() any { return newLookout(len(g.nodes)) }
	g.climbers.New = func() any { return newClimber(len(g.nodes)) }
	return g, nil
}

// link adds the arcs. Those of less important nodes are the halves of shortcuts
// between more important ones, so they come first.
func (g *Graph) link(c *chart.Chart, penalty []float64) error {
	g.core = c.Core
	g.first = make([]int32, len(c.Nodes)+1)
	for _, e := range c.Edges {
		g.first[e.B+1]++
	}
	for i := range c.Nodes {
		g.first[i+1] += g.first[i]
	}
	g.arcs = make([]arc, len(c.Edges))
	g.legs = make(map[int32][]uint8)
	g.coreFirst = make([]int32, g.core+1)
	g.nextTo = make([]int32, len(c.Nodes)+1)
	for i := len(c.Edges) - 1; i >= 0; i-- {
		e := c.Edges[i]
		a := arc{to: e.A, owner: e.B, left: -1, right: -1}
		if e.Mid < 0 {
			km := globe.DistanceKM(c.Nodes[e.A].Point, c.Nodes[e.B].Point)
			cost := km
			for _, p := range e.Passages {
				a.passages |= 1 << p
				cost += penalty[p]
			}
			if len(e.Passages) > 0 {
				g.legs[int32(i)] = e.Passages
			}
			a.km, a.cost = float32(km), float32(cost)
		} else {
			a.left, a.right = g.nth(e.Mid, e.A, e.PickA), g.nth(e.Mid, e.B, e.PickB)
			if a.left < 0 || a.right < 0 {
				return fmt.Errorf("sea.chart: the shortcut from node %d to %d lacks its halves: rebuild it with make geodata", e.A, e.B)
			}
			l, r := &g.arcs[a.left], &g.arcs[a.right]
			a.km, a.cost, a.passages = l.km+r.km, l.cost+r.cost, l.passages|r.passages
		}
		g.arcs[i] = a
		if e.Mid < 0 && a.passages == 0 {
			g.nextTo[e.A+1]++
			g.nextTo[e.B+1]++
		}
		if int(e.B) < g.core {
			g.coreFirst[e.A+1]++
			g.coreFirst[e.B+1]++
		}
	}
	for i := range g.core {
		g.coreFirst[i+1] += g.coreFirst[i]
	}
	g.coreArcs = make([]coreArc, g.coreFirst[g.core])
	next := slices.Clone(g.coreFirst)
	for i := range g.arcs[:g.first[g.core]] {
		a := &g.arcs[i]
		g.coreArcs[next[a.to]] = coreArc{a.owner, a.cost, a.km, a.passages}
		next[a.to]++
		g.coreArcs[next[a.owner]] = coreArc{a.to, a.cost, a.km, a.passages}
		next[a.owner]++
	}
	for i := range g.core { // least important first, as newProfile wants them
		slices.SortFunc(g.coreArcs[g.coreFirst[i]:g.coreFirst[i+1]], func(a, b coreArc) int { return int(b.to - a.to) })
	}
	for i := range c.Nodes {
		g.nextTo[i+1] += g.nextTo[i]
	}
	g.neighbours = make([]neighbour, g.nextTo[len(c.Nodes)])
	next = slices.Clone(g.nextTo)
	for i := range g.arcs {
		if a := &g.arcs[i]; a.left < 0 && a.passages == 0 {
			g.neighbours[next[a.to]] = neighbour{a.owner, a.km}
			next[a.to]++
			g.neighbours[next[a.owner]] = neighbour{a.to, a.km}
			next[a.owner]++
		}
	}
	return nil
}

// nth is the n-th arc of a node to another, -1 when there is none.
func (g *Graph) nth(owner, to int32, n uint8) int32 {
	for i := g.first[owner]; i < g.first[owner+1]; i++ {
		if g.arcs[i].to == to {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return -1
}

// ahead is the point three miles from p on a bearing.
func ahead(p orb.Point, bearing float64) globe.Vec {
	s, c := math.Sincos(bearing * math.Pi / 180)
	return globe.FromPoint(orb.Point{p[0] + 0.05*s/math.Cos(p[1]*math.Pi/180), p[1] + 0.05*c})
}

// Passages lists what can be shut.
func (g *Graph) Passages() []Passage {
	var out []Passage
	for _, p := range g.passages {
		if p.Kind != weightKind {
			out = append(out, p)
		}
	}
	return out
}

// weightKind marks lines that only weigh ways against each other.
const weightKind = "weight"

// Route returns the shortest way between two points by sea that sails no passage
// avoided or too shallow for the ship. The other errors than of the input are
// *BarredError and *UnjoinedError.
func (g *Graph) Route(from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	t, err := g.termsOf(avoid)
	if err != nil {
		return geodata.Path{}, err
	}
	a, err := g.port(from)
	if err != nil {
		return geodata.Path{}, err
	}
	b, err := g.port(to)
	if err != nil {
		return geodata.Path{}, err
	}
	w, ok := g.way(a, b, t)
	if !ok {
		return geodata.Path{}, g.noWay(a, b, t, avoid.DraughtM)
	}
	return g.path(a, b, w), nil
}

// Table returns the distances in kilometres from every point of one list to
// every point of another, +Inf where there is no way.
func (g *Graph) Table(from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	t, err := g.termsOf(avoid)
	if err != nil {
		return nil, err
	}
	a, b := g.allPorts(from), g.allPorts(to)
	out := make([][]float64, len(from))
	var rows errgroup.Group
	rows.SetLimit(runtime.GOMAXPROCS(0))
	for i := range from {
		rows.Go(func() error {
			out[i] = make([]float64, len(to))
			for j := range to {
				out[i][j] = math.Inf(1)
				if a[i] == nil || b[j] == nil {
					continue
				}
				if w, ok := g.way(a[i], b[j], t); ok {
					out[i][j] = w.km
				}
			}
			return nil
		})
	}
	return out, rows.Wait()
}

// allPorts returns the ports at the points, nil where there is no water near.
func (g *Graph) allPorts(points []orb.Point) []*port {
	out := make([]*port, len(points))
	var each errgroup.Group
	each.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range points {
		each.Go(func() error {
			if pt, err := g.port(p); err == nil {
				out[i] = pt
			}
			return nil
		})
	}
	_ = each.Wait() // none of them fails
	return out
}

// noWay explains why there is no way between two ports.
func (g *Graph) noWay(a, b *port, t terms, draughtM float64) error {
	if e := g.apart(a, b); e != nil {
		return e
	}
	e := &BarredError{From: a.point, To: b.point, DraughtM: draughtM}
	w, ok := g.way(a, b, terms{shut: g.shut})
	if !ok { // only by what is shut by default
		w, ok = g.way(a, b, terms{})
	}
	if !ok {
		return fmt.Errorf("%w by sea from %s to %s: their waters are not joined", geodata.ErrNoRoute, show(a.point), show(b.point))
	}
	for _, id := range g.path(a, b, w).Passages {
		i := g.byID[id]
		if t.shut>>i&1 == 0 {
			continue
		}
		p := &g.passages[i]
		bar := Bar{Passage: id, Name: p.Names.EN}
		if t.shoal>>i&1 != 0 {
			bar.DraughtM = p.DraughtM
		}
		e.Bars = append(e.Bars, bar)
	}
	return e
}

// apart says why no legs join two ports, nil when some do.
func (g *Graph) apart(a, b *port) error {
	at := map[int32]bool{}
	for _, x := range a.approaches {
		at[g.part[x.node]] = true
	}
	const ocean = 0
	inland := true
	for _, x := range b.approaches {
		if at[g.part[x.node]] {
			return nil
		}
		inland = inland && g.part[x.node] != ocean
	}
	e := &UnjoinedError{From: a.point, To: b.point, Inland: a.point}
	if inland {
		e.Inland = b.point
	}
	if p := e.Inland; p[0] > 46 && p[0] < 55.5 && p[1] > 36 && p[1] < 48 {
		e.Sea = caspian
	}
	return e
}

// parts numbers the parts of the network that no arc joins, the largest 0.
func parts(n int, arcs []arc) []int32 {
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
	for i := range arcs {
		root[find(arcs[i].owner)] = find(arcs[i].to)
	}
	size := make([]int, n)
	most := int32(0)
	for i := range root {
		r := find(int32(i))
		if size[r]++; size[r] > size[most] {
			most = r
		}
	}
	out := make([]int32, n)
	for i := range out {
		if r := find(int32(i)); r != most {
			out[i] = r + 1
		}
	}
	return out
}

func show(p orb.Point) string { return fmt.Sprintf("%.3f,%.3f", p[1], p[0]) }
