package fence

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"corridor/geodata/path"
)

// perDegree is the grid of coordinates, that of the log: on it the test of a point
// is in whole numbers and exact.
const perDegree = 1e7

// xy is a point on the grid.
type xy struct{ x, y int64 }

func gridded(p orb.Point) xy {
	return xy{int64(math.Round(p[0] * perDegree)), int64(math.Round(p[1] * perDegree))}
}

type edge struct{ a, b xy }

// slabs is how many bands of latitude the edges of a polygon are sorted into.
const maxSlabs = 256

type polygon struct {
	min, max xy // longitudes continuous
	edges    []edge
	slabs    [][]int32 // the edges that cross each band of latitude
	height   int64     // of a band
}

func newPolygon(rings [][][2]float64) (*polygon, error) {
	p := &polygon{min: xy{math.MaxInt64, math.MaxInt64}, max: xy{math.MinInt64, math.MinInt64}}
	var outlines [][]xy
	var turn int64
	vertices := 0
	var first float64
	for i, r := range rings {
		vertices += len(r)
		if vertices > MaxVertices {
			return nil, fmt.Errorf("a polygon has at most %d vertices", MaxVertices)
		}
		ring := make(orb.LineString, 0, len(r)+3)
		for _, v := range r {
			if err := checkPoint(v[0], v[1]); err != nil {
				return nil, err
			}
			ring = append(ring, v)
		}
		if n := len(ring); n > 1 && ring[0] == ring[n-1] {
			ring = ring[:n-1]
		}
		if len(ring) < 3 {
			return nil, errors.New("a ring has at least three corners")
		}
		outline := outlineOf(ring)
		if len(outline) > 1 && outline[0].x != outline[len(outline)-1].x {
			turn = 360 * perDegree
		}
		ring = closed(ring)
		if i == 0 {
			first = ring[0][0]
		} else if d := math.Round((ring[0][0] - first) / 360); d != 0 { // a hole on the other side of ±180°
			for k := range ring {
				ring[k][0] -= 360 * d
			}
			for k := range outline {
				outline[k].x -= 360 * perDegree * int64(d)
			}
		}
		outlines = append(outlines, outline)
		for k := 1; k < len(ring); k++ {
			p.add(gridded(ring[k-1]), gridded(ring[k]))
		}
	}
	if len(p.edges) == 0 || p.max.x == p.min.x || p.max.y == p.min.y {
		return nil, errors.New("the polygon has no area")
	}
	if p.max.x-p.min.x > 360*perDegree {
		return nil, errors.New("the polygon is wider than the earth")
	}
	if err := checkSimple(outlines, turn); err != nil {
		return nil, err
	}
	p.sort()
	return p, nil
}

// outlineOf is a ring as it was given, on the grid, with continuous longitudes and its
// first corner again at the end, without corners that repeat the one before.
func outlineOf(ring orb.LineString) []xy {
	var out []xy
	for _, v := range path.Unwrap(append(ring[:len(ring):len(ring)], ring[0])) {
		if q := gridded(v); len(out) == 0 || out[len(out)-1] != q {
			out = append(out, q)
		}
	}
	return out
}

// closed makes longitudes continuous and closes the ring: over the nearer pole when
// it goes once around the earth.
func closed(ring orb.LineString) orb.LineString {
	out := path.Unwrap(append(ring, ring[0]))
	turn := out[len(out)-1][0] - out[0][0]
	if math.Abs(turn) < 180 {
		return out
	}
	mean := 0.0
	for _, v := range ring {
		mean += v[1]
	}
	pole := math.Copysign(90, mean)
	return append(out, orb.Point{out[len(out)-1][0], pole}, orb.Point{out[0][0], pole}, out[0])
}

func (p *polygon) add(a, b xy) {
	if a == b {
		return
	}
	p.edges = append(p.edges, edge{a, b})
	for _, v := range [...]xy{a, b} {
		p.min = xy{min(p.min.x, v.x), min(p.min.y, v.y)}
		p.max = xy{max(p.max.x, v.x), max(p.max.y, v.y)}
	}
}

func (p *polygon) sort() {
	n := int64(min(maxSlabs, 1+len(p.edges)/4))
	p.height = (p.max.y-p.min.y)/n + 1
	p.slabs = make([][]int32, n)
	for i, e := range p.edges {
		for s := p.slab(min(e.a.y, e.b.y)); s <= p.slab(max(e.a.y, e.b.y)); s++ {
			p.slabs[s] = append(p.slabs[s], int32(i))
		}
	}
}

func (p *polygon) slab(y int64) int64 { return (y - p.min.y) / p.height }

// turns calls do for the point at each longitude at which the polygon may have it.
func (p *polygon) turns(q xy, do func(xy) bool) bool {
	const turn = 360 * perDegree
	// The first turn at or beyond the west side.
	q.x += (p.min.x - q.x) / turn * turn
	for q.x -= turn; q.x <= p.max.x; q.x += turn {
		if q.x >= p.min.x && do(q) {
			return true
		}
	}
	return false
}

func (p *polygon) holds(at *probe) bool {
	q := gridded(at.at)
	if q.y < p.min.y || q.y > p.max.y {
		return false
	}
	edges := p.slabs[p.slab(q.y)]
	return p.turns(q, func(q xy) bool {
		inside := false
		for _, i := range edges {
			e := &p.edges[i]
			side, within := e.side(q)
			if within && side == 0 {
				return true // on the edge
			}
			// An edge counts from its lower end, inclusive, to its upper, exclusive: a
			// corner is then passed once.
			if up := e.b.y > e.a.y; (e.a.y > q.y) != (e.b.y > q.y) && (side > 0) == up {
				inside = !inside
			}
		}
		return inside
	})
}

// side tells on which side of the edge, seen from a to b, the point is: left 1,
// right -1, on its line 0; and whether it lies within the edge's box. Products are
// compared, not subtracted: each fits 63 bits, their difference may not.
func (e *edge) side(q xy) (side int, within bool) {
	dx, dy := e.b.x-e.a.x, e.b.y-e.a.y
	side = cmp.Compare(dx*(q.y-e.a.y), dy*(q.x-e.a.x))
	within = min(e.a.x, e.b.x) <= q.x && q.x <= max(e.a.x, e.b.x) && min(e.a.y, e.b.y) <= q.y && q.y <= max(e.a.y, e.b.y)
	return side, within
}

// outsideM measures in the plane that touches the earth at the point: it is asked
// for near the edge only, and far from it the answer need only be large.
func (p *polygon) outsideM(at orb.Point) float64 {
	if p.holds(&probe{at: at}) {
		return 0
	}
	q := gridded(at)
	scale := math.Max(1e-6, math.Cos(at[1]*math.Pi/180))
	best := math.Inf(1)
	for _, turn := range [...]int64{-360 * perDegree, 0, 360 * perDegree} {
		for i := range p.edges {
			e := &p.edges[i]
			ax, ay := float64(e.a.x-q.x-turn)*scale, float64(e.a.y-q.y)
			dx, dy := float64(e.b.x-e.a.x)*scale, float64(e.b.y-e.a.y)
			f := math.Max(0, math.Min(1, -(ax*dx+ay*dy)/(dx*dx+dy*dy)))
			best = math.Min(best, math.Hypot(ax+f*dx, ay+f*dy))
		}
	}
	return best / perDegree * metresPerDegree
}

func (p *polygon) bounds() []orb.Bound {
	return []orb.Bound{{
		Min: orb.Point{float64(p.min.x) / perDegree, float64(p.min.y) / perDegree},
		Max: orb.Point{float64(p.max.x) / perDegree, float64(p.max.y) / perDegree},
	}}
}

// touches: an edge comes into the box, or the box lies wholly inside.
func (p *polygon) touches(b orb.Bound) bool {
	lo, hi := gridded(b.Min), gridded(b.Max)
	lo, hi = xy{lo.x - 1, lo.y - 1}, xy{hi.x + 1, hi.y + 1}
	if hi.y < p.min.y || lo.y > p.max.y {
		return false
	}
	from, to := p.slab(max(lo.y, p.min.y)), p.slab(min(hi.y, p.max.y))
	for s := from; s <= to; s++ {
		for _, i := range p.slabs[s] {
			if p.edges[i].enters(lo, hi) {
				return true
			}
		}
	}
	return p.holds(&probe{at: b.Center()})
}

// enters tells whether the edge may have a point in common with a box: their boxes
// meet, and the corners of the box are not all on one side of the edge.
func (e *edge) enters(lo, hi xy) bool {
	if max(e.a.x, e.b.x) < lo.x || min(e.a.x, e.b.x) > hi.x || max(e.a.y, e.b.y) < lo.y || min(e.a.y, e.b.y) > hi.y {
		return false
	}
	dx, dy := float64(e.b.x-e.a.x), float64(e.b.y-e.a.y)
	left, right := false, false
	for _, c := range [...]xy{lo, hi, {lo.x, hi.y}, {hi.x, lo.y}} {
		// A box may be as large as the earth: in floats, and what is close is both.
		const rounding = 1e5
		d := dx*float64(c.y-e.a.y) - dy*float64(c.x-e.a.x)
		left, right = left || d > -rounding, right || d < rounding
	}
	return left && right
}
