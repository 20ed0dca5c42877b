package live

import (
	"math"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/tracking"
)

// leafRes is the resolution of the cells units are listed in, 10 km to a side;
// counts are kept for it and every coarser one.
const leafRes = 5

// grid finds units by place: how many are in each occupied cell of every
// resolution up to leafRes, and which in each leaf. Only occupied cells exist.
type grid struct {
	levels [leafRes + 1]map[cell.ID]*node
	units  []spot // by handle
}

type node struct {
	count  int32
	centre orb.Point
	units  []tracking.Handle // leaves only
}

// spot is where the grid has a unit; leaf 0: nowhere.
type spot struct {
	point orb.Point
	leaf  cell.ID
	slot  int32 // in the leaf's list
}

func newGrid() *grid {
	g := &grid{}
	for r := range g.levels {
		g.levels[r] = map[cell.ID]*node{}
	}
	return g
}

// build makes the grid anew from a state.
func (g *grid) build(s *tracking.State) {
	*g = *newGrid()
	g.units = make([]spot, s.CountUnits())
	for h := range g.units {
		if p, ok := s.PointAt(tracking.Handle(h)); ok {
			leaf := cell.ID(s.CellAt(tracking.Handle(h))).Parent(leafRes)
			if leaf == 0 {
				leaf = leafOf(p)
			}
			g.move(tracking.Handle(h), p, leaf)
		}
	}
}

// apply follows what a record changed and notes the units in dirty, with the
// place they had.
func (g *grid) apply(c *tracking.Changes, d *dirty) {
	for i, h := range c.Handles() {
		u := &c.Units[i]
		for int(h) >= len(g.units) {
			g.units = append(g.units, spot{})
		}
		d.unit(h, &g.units[h], c.To)
		if u.Latest == nil {
			continue
		}
		p := orb.Point{u.Latest.Lon, u.Latest.Lat}
		leaf := cell.ID(u.Latest.Cell).Parent(leafRes)
		if leaf == 0 { // whoever made the record did not compute it
			leaf = leafOf(p)
		}
		g.move(h, p, leaf)
	}
}

// leafOf is the parent of a fix's cell, which is not always the leaf that holds
// the point: cells nest only roughly.
func leafOf(p orb.Point) cell.ID { return cell.Of(p, fixRes).Parent(leafRes) }

func (g *grid) move(h tracking.Handle, p orb.Point, leaf cell.ID) {
	s := &g.units[h]
	s.point = p
	if s.leaf == leaf {
		return
	}
	g.leave(h)
	for r := range g.levels {
		id := leaf.Parent(r)
		n := g.levels[r][id]
		if n == nil {
			n = &node{centre: id.Center()}
			g.levels[r][id] = n
		}
		n.count++
		if r == leafRes {
			s.leaf, s.slot = leaf, int32(len(n.units))
			n.units = append(n.units, h)
		}
	}
}

func (g *grid) leave(h tracking.Handle) {
	s := &g.units[h]
	if s.leaf == 0 {
		return
	}
	for r := range g.levels {
		id := s.leaf.Parent(r)
		n := g.levels[r][id]
		n.count--
		if r == leafRes {
			last := len(n.units) - 1
			moved := n.units[last]
			n.units[s.slot] = moved
			g.units[moved].slot = s.slot
			n.units = n.units[:last]
		}
		if n.count == 0 {
			delete(g.levels[r], id)
		}
	}
	s.leaf = 0
}

// view is a viewport.
type view struct {
	west, width  float64 // west in [-180, 180)
	south, north float64
	region       cell.Region
	zoom         float64
}

func newView(b orb.Bound, zoom float64) *view {
	width := b.Max[0] - b.Min[0]
	if width < 0 { // over the antimeridian
		width += 360
	}
	west := math.Mod(b.Min[0]+180, 360)
	if west < 0 {
		west += 360
	}
	return &view{west: west - 180, width: width, south: b.Min[1], north: b.Max[1], region: cell.Box(b), zoom: zoom}
}

// holds tells whether a point with a longitude in [-180, 180] is in the viewport.
// Every tick asks it of every moved unit for every viewer.
func (v *view) holds(p orb.Point) bool {
	if p[1] < v.south || p[1] > v.north {
		return false
	}
	east := p[0] - v.west
	if east < 0 {
		east += 360
	}
	return east <= v.width || east == 360 // 180° is -180° too
}

// Cells of different resolutions nest only roughly: the circle around a cell is
// widened so that it holds all that lies below it.
const nesting = 1.1

// walk descends the occupied cells that may touch the viewport, down to a
// resolution; it stops when visit says no.
func (g *grid) walk(v *view, res int, visit func(id cell.ID, n *node) bool) {
	var down func(id cell.ID, n *node) bool
	down = func(id cell.ID, n *node) bool {
		r := id.Resolution()
		if !v.region(n.centre, nesting*cell.RadiusKM(r)) {
			return true
		}
		if r == res {
			return visit(id, n)
		}
		var kids [7]cell.ID
		for _, kid := range id.AppendChildren(kids[:0]) {
			if k := g.levels[r+1][kid]; k != nil && !down(kid, k) {
				return false
			}
		}
		return true
	}
	for id, n := range g.levels[0] {
		if !down(id, n) {
			return
		}
	}
}

// inView appends the units in the viewport; false when they are more than limit.
func (g *grid) inView(v *view, limit int) ([]tracking.Handle, bool) {
	var out []tracking.Handle
	full := false
	g.walk(v, leafRes, func(_ cell.ID, n *node) bool {
		for _, h := range n.units {
			if v.holds(g.units[h].point) {
				if len(out) == limit {
					full = true
					return false
				}
				out = append(out, h)
			}
		}
		return true
	})
	return out, !full
}

// density counts the units of the cells that touch the viewport.
func (g *grid) density(v *view) []tracking.CellCount {
	out := []tracking.CellCount{}
	g.walk(v, v.cellRes(), func(id cell.ID, n *node) bool {
		out = append(out, tracking.CellCount{Cell: id.String(), Lat: n.centre[1], Lon: n.centre[0], Count: int(n.count)})
		return true
	})
	return out
}

// densityOf counts only the units given: what a viewer may read.
func (g *grid) densityOf(v *view, units []tracking.Handle) []tracking.CellCount {
	res := v.cellRes()
	counts := map[cell.ID]int{}
	for _, h := range units {
		counts[g.units[h].leaf.Parent(res)]++
	}
	out := make([]tracking.CellCount, 0, len(counts))
	for id, n := range counts {
		c := id.Center()
		out = append(out, tracking.CellCount{Cell: id.String(), Lat: c[1], Lon: c[0], Count: n})
	}
	return out
}

// cellPixels is about how wide a density cell is drawn at least.
const cellPixels = 18

// cellRes is the finest resolution whose cells are still told apart on screen.
func (v *view) cellRes() int {
	// A web map is 512 px wide at zoom 0.
	kmPerPixel := 40075 / (512 * math.Exp2(math.Max(0, v.zoom)))
	res := 0
	for res < leafRes && 2*cell.RadiusKM(res+1) >= cellPixels*kmPerPixel {
		res++
	}
	return res
}
