package joint

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network/exact"
	"corridor/geodata/network/land"
	"corridor/geodata/path"
)

const (
	// gap is how far from the cut of a line of the world's network the main ways of
	// an area may be that are joined to it. Lines are drawn to some hundred metres,
	// in lonely places to a few kilometres.
	gap = 5_000 // metres
	// exitGap is the same for the end of a main way and a line that was not cut.
	exitGap = 2_000 // metres
	// same is how near to each other portals are one.
	same = 250 // metres
	// flicker is how long a stretch of line must be to count as inside or outside.
	flicker = 2_000 // metres
	// sampled is how often along a line it is asked.
	sampled = 500 // metres
	// carriageways is how many ways a portal joins.
	carriageways = 8
)

// carver takes the inside of regions out of a network.
type carver struct {
	g   *Graph
	n   *land.Net // as it was
	out *land.Net
	// of tells the country numbers of regions.
	of map[geodata.Country]uint8
}

// carve returns the network without what lies inside the regions, joined to them at
// portals, which it gives the regions.
func (g *Graph) carve(n *land.Net) *land.Net {
	c := &carver{g: g, n: n, of: map[geodata.Country]uint8{}}
	for i, name := range n.Countries {
		c.of[name] = uint8(i)
	}
	out := *n
	out.Lat, out.Lon, out.NodeCountry = slices.Clone(n.Lat), slices.Clone(n.Lon), slices.Clone(n.NodeCountry)
	out.Edges = nil
	c.out = &out
	for _, r := range g.regions {
		r.portals = nil
	}
	done := map[uint32]bool{} // nodes at borders
	for i := range n.Edges {
		e := &n.Edges[i]
		if n.NodeCountry[e.From] != n.NodeCountry[e.To] {
			out.Edges = append(out.Edges, *e)
			for _, v := range []uint32{e.From, e.To} {
				if !done[v] {
					done[v] = true
					c.border(v)
				}
			}
			continue
		}
		c.line(e)
	}
	for _, r := range g.regions {
		c.exits(r)
	}
	c.through()
	slices.SortStableFunc(out.Edges, func(a, b land.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Metres, b.Metres))
	})
	out.Edges = slices.CompactFunc(out.Edges, func(a, b land.Edge) bool { return a.From == b.From && a.To == b.To })
	return &out
}

func (c *carver) point(v land.Vertex) orb.Point {
	return orb.Point{float64(v.Lon) / land.UnitsPerDegree, float64(v.Lat) / land.UnitsPerDegree}
}

// owner is the region that has a place in a country, nil for none.
func (c *carver) owner(p orb.Point, country uint8) *region {
	for _, r := range c.g.regions {
		if !r.whole && c.of[r.country] == country && r.area.Holds(p) {
			return r
		}
	}
	return nil
}

// node adds one. Portals come last in the order of the network, where the search
// meets them all.
func (c *carver) node(p orb.Point, country uint8) uint32 {
	c.out.Lat = append(c.out.Lat, int32(math.Round(p.Lat()*land.UnitsPerDegree)))
	c.out.Lon = append(c.out.Lon, int32(math.Round(p.Lon()*land.UnitsPerDegree)))
	c.out.NodeCountry = append(c.out.NodeCountry, country)
	return uint32(len(c.out.Lat) - 1)
}

// open joins a node to a region; false if the region has no way near.
func (c *carver) open(r *region, node uint32) bool {
	p := c.point(land.Vertex{Lat: c.out.Lat[node], Lon: c.out.Lon[node]})
	for _, q := range r.portals {
		if path.Distance(p, c.point(land.Vertex{Lat: c.out.Lat[q.node], Lon: c.out.Lon[q.node]}))*1000 < same {
			if q.node != node {
				c.out.Edges = append(c.out.Edges, land.Edge{From: min(node, q.node), To: max(node, q.node)})
			}
			return true
		}
	}
	least := []exact.Class{exact.Primary, exact.Secondary, exact.Minor}
	if c.g.mode == geodata.Rail {
		least = []exact.Class{exact.BranchLine, exact.Siding}
	}
	// The main road that is a little farther is the line's more often than the lane
	// that is near.
	for i, class := range least {
		reach := float64(gap)
		if i < len(least)-1 {
			reach /= 2
		}
		if spot, ok := r.net.Junction(p, r.country, class, reach, carriageways); ok {
			r.portals = append(r.portals, portal{node, spot})
			return true
		}
	}
	spot, ok := r.net.Junction(p, r.country, least[0], gap, carriageways)
	if ok {
		r.portals = append(r.portals, portal{node, spot})
	}
	return ok
}

// border joins a node at a border to the region it lies in.
func (c *carver) border(v uint32) {
	p := c.point(land.Vertex{Lat: c.n.Lat[v], Lon: c.n.Lon[v]})
	r := c.owner(p, c.n.NodeCountry[v])
	if r == nil {
		return
	}
	node := c.node(p, c.n.NodeCountry[v])
	c.open(r, node)
	c.out.Edges = append(c.out.Edges, land.Edge{From: v, To: node})
}

// touches tells whether an edge may come near a region.
func (c *carver) touches(e *land.Edge, margin float64, bounds [4]float64) bool {
	west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, v := range c.vertices(e) {
		p := c.point(v)
		west, east, south, north = min(west, p[0]), max(east, p[0]), min(south, p[1]), max(north, p[1])
	}
	if north < bounds[1]-margin || south > bounds[3]+margin {
		return false
	}
	for _, turn := range []float64{-360, 0, 360} {
		if east+turn >= bounds[0]-margin && west+turn <= bounds[2]+margin {
			return true
		}
	}
	return false
}

func (c *carver) vertices(e *land.Edge) []land.Vertex {
	out := make([]land.Vertex, 0, len(e.Shape)+2)
	out = append(out, land.Vertex{Lat: c.out.Lat[e.From], Lon: c.out.Lon[e.From]})
	out = append(out, e.Shape...)
	return append(out, land.Vertex{Lat: c.out.Lat[e.To], Lon: c.out.Lon[e.To]})
}

// stretch is a part of a line with one owner.
type stretch struct {
	owner    *region
	from, to float64 // metres along the drawn line
}

// line keeps the parts of an edge that lie outside the regions.
func (c *carver) line(e *land.Edge) {
	near := false
	for _, r := range c.g.regions {
		near = near || c.of[r.country] == c.n.NodeCountry[e.From] && c.touches(e, 0, r.area.Bounds)
	}
	if !near {
		c.out.Edges = append(c.out.Edges, *e)
		return
	}
	country := c.n.NodeCountry[e.From]
	l := newDrawn(c.vertices(e))
	stretches := l.stretches(func(p orb.Point) *region { return c.owner(p, country) })
	if len(stretches) == 1 {
		if stretches[0].owner == nil {
			c.out.Edges = append(c.out.Edges, *e)
		}
		return
	}
	left := e.From
	for i, s := range stretches {
		right := e.To
		if i < len(stretches)-1 {
			right = c.node(l.at(s.to), country)
			for _, r := range []*region{s.owner, stretches[i+1].owner} {
				if r != nil {
					c.open(r, right)
				}
			}
		}
		if s.owner == nil {
			c.piece(e, l, s.from, s.to, left, right)
		}
		left = right
	}
}

// piece adds a part of an edge between two nodes.
func (c *carver) piece(e *land.Edge, l *drawn, from, to float64, a, b uint32) {
	if from > 0 && to < l.length() {
		// Between two portals there may be a way through a region as well.
		middle := c.node(l.at((from+to)/2), c.n.NodeCountry[e.From])
		c.half(e, l, from, (from+to)/2, a, middle)
		c.half(e, l, (from+to)/2, to, middle, b)
		return
	}
	c.half(e, l, from, to, a, b)
}

func (c *carver) half(e *land.Edge, l *drawn, from, to float64, a, b uint32) {
	p := *e
	p.Metres = uint32(math.Round(float64(e.Metres) * (to - from) / max(l.length(), 1)))
	p.Shape = nil
	for i, v := range l.vertices {
		if l.metres[i] > from && l.metres[i] < to {
			p.Shape = append(p.Shape, v)
		}
	}
	p.From, p.To = a, b
	if a > b {
		p.From, p.To = b, a
		slices.Reverse(p.Shape)
	}
	c.out.Edges = append(c.out.Edges, p)
}

// exits joins the main ways that leave a region to the world's line near their end,
// where that was not cut.
func (c *carver) exits(r *region) {
	least := exact.Secondary
	if c.g.mode == geodata.Rail {
		least = exact.BranchLine
	}
	var around []int // edges
	for i := range c.out.Edges {
		e := &c.out.Edges[i]
		if c.out.NodeCountry[e.From] == c.of[r.country] && c.out.NodeCountry[e.To] == c.of[r.country] && c.touches(e, 0.1, r.area.Bounds) {
			around = append(around, i)
		}
	}
	for _, x := range r.net.Exits(least) {
		if x.Country != r.country {
			continue
		}
		best, edge, along := float64(exitGap), -1, 0.0
		for _, i := range around {
			l := newDrawn(c.vertices(&c.out.Edges[i]))
			if metres, off := l.project(x.Point); off < best {
				best, edge, along = off, i, metres
			}
		}
		if edge < 0 {
			continue
		}
		e := c.out.Edges[edge]
		l := newDrawn(c.vertices(&e))
		node := c.node(l.at(along), c.of[r.country])
		if !c.open(r, node) {
			continue
		}
		if along < 1 || along > l.length()-1 {
			// At an end of the line: join that.
			end := e.From
			if along >= 1 {
				end = e.To
			}
			c.out.Edges = append(c.out.Edges, land.Edge{From: end, To: node})
			continue
		}
		before := len(c.out.Edges)
		c.half(&e, l, 0, along, e.From, node)
		c.half(&e, l, along, l.length(), node, e.To)
		c.out.Edges[edge] = c.out.Edges[before]
		c.out.Edges = slices.Delete(c.out.Edges, before, before+1)
		around = append(around, len(c.out.Edges)-1)
	}
}

// through adds an edge for the way between any two portals of a region.
func (c *carver) through() {
	c.g.ways = nil
	for _, r := range c.g.regions {
		for i, p := range r.portals {
			for j := i + 1; j < len(r.portals); j++ {
				q := r.portals[j]
				w := way{r, i, j}
				if p.node == q.node {
					continue
				}
				if p.node > q.node { // the way runs from the lower node
					w.from, w.to = j, i
				}
				c.g.ways = append(c.g.ways, w)
				c.out.Edges = append(c.out.Edges, land.Edge{From: min(p.node, q.node), To: max(p.node, q.node), Inset: int32(len(c.g.ways))})
			}
		}
	}
}

// drawn is a line with the metres along it.
type drawn struct {
	vertices []land.Vertex
	points   orb.LineString
	metres   []float64
}

func newDrawn(vertices []land.Vertex) *drawn {
	l := &drawn{vertices: vertices, metres: make([]float64, len(vertices))}
	for i, v := range vertices {
		l.points = append(l.points, orb.Point{float64(v.Lon) / land.UnitsPerDegree, float64(v.Lat) / land.UnitsPerDegree})
		if i > 0 {
			l.metres[i] = l.metres[i-1] + path.Distance(l.points[i-1], l.points[i])*1000
		}
	}
	return l
}

func (l *drawn) length() float64 { return l.metres[len(l.metres)-1] }

func (l *drawn) at(metres float64) orb.Point {
	i, _ := slices.BinarySearch(l.metres, metres)
	i = min(max(i, 1), len(l.metres)-1)
	step := l.metres[i] - l.metres[i-1]
	f := 0.0
	if step > 0 {
		f = min(max((metres-l.metres[i-1])/step, 0), 1)
	}
	a, b := l.points[i-1], l.points[i]
	return orb.Point{a[0] + f*(b[0]-a[0]), a[1] + f*(b[1]-a[1])}
}

// project finds the nearest point of the line.
func (l *drawn) project(p orb.Point) (metres, off float64) {
	off = math.Inf(1)
	shrink := math.Cos(p[1] * math.Pi / 180)
	for i := 1; i < len(l.points); i++ {
		a, b := l.points[i-1], l.points[i]
		ay, ax := a[1]-p[1], (a[0]-p[0]-360*math.Round((a[0]-p[0])/360))*shrink
		dy, dx := b[1]-a[1], (b[0]-a[0])*shrink
		f := 0.0
		if q := dy*dy + dx*dx; q > 0 {
			f = min(max(-(ay*dy+ax*dx)/q, 0), 1)
		}
		if d := math.Hypot(ay+f*dy, ax+f*dx) * 111_195; d < off {
			off, metres = d, l.metres[i-1]+f*(l.metres[i]-l.metres[i-1])
		}
	}
	return metres, off
}

// stretches parts the line by owner.
func (l *drawn) stretches(owner func(orb.Point) *region) []stretch {
	total := l.length()
	steps := int(total/sampled) + 1
	out := []stretch{{owner: owner(l.at(0))}}
	last := 0.0
	for i := 1; i <= steps; i++ {
		m := total * float64(i) / float64(steps)
		o := owner(l.at(m))
		if now := &out[len(out)-1]; o != now.owner {
			low, high := last, m
			for range 6 {
				if mid := (low + high) / 2; owner(l.at(mid)) == now.owner {
					low = mid
				} else {
					high = mid
				}
			}
			now.to = high
			out = append(out, stretch{owner: o, from: high})
		}
		last = m
	}
	out[len(out)-1].to = total
	// Short stretches between others belong to the one before.
	kept := out[:1]
	for i := 1; i < len(out); i++ {
		s, before := out[i], &kept[len(kept)-1]
		if s.owner == before.owner || i < len(out)-1 && s.to-s.from < flicker {
			before.to = s.to
			continue
		}
		kept = append(kept, s)
	}
	return kept
}
