package fence

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// ringEdge is an edge of an outline, with where in it.
type ringEdge struct {
	edge
	ring, at, of int // the at-th edge of a ring of so many
}

// checkSimple refuses rings that cross. A ring may not meet itself at all, except
// where an edge goes over into the next; two rings may touch in points. Repeated
// corners are no edges and are to be left out before. Turn is 360° for rings that go
// around the earth, which are compared with themselves a turn away as well.
func checkSimple(rings [][]xy, turn int64) error {
	var edges []ringEdge
	shifts := []int64{0}
	if turn != 0 {
		shifts = []int64{-turn, 0, turn}
	}
	for r, ring := range rings {
		n := len(ring) - 1
		for i := range n {
			edges = append(edges, ringEdge{edge{ring[i], ring[i+1]}, r, i, n})
		}
	}
	// By their lower ends: an edge is compared with those that begin before it ends.
	low := func(e *ringEdge) int64 { return min(e.a.y, e.b.y) }
	slices.SortFunc(edges, func(a, b ringEdge) int {
		return cmp.Or(cmp.Compare(low(&a), low(&b)), cmp.Compare(a.ring, b.ring), cmp.Compare(a.at, b.at))
	})
	for i := range edges {
		e := &edges[i]
		top := max(e.a.y, e.b.y)
		for j := i + 1; j < len(edges) && low(&edges[j]) <= top; j++ {
			f := &edges[j]
			for _, shift := range shifts {
				if at, ok := e.crosses(f, shift); ok {
					return fmt.Errorf("the outline crosses itself near [%.5f, %.5f]", degrees(at.x), float64(at.y)/perDegree)
				}
			}
		}
	}
	return nil
}

func degrees(x int64) float64 {
	const turn = 360 * perDegree
	x = (x%turn + turn) % turn
	if x > turn/2 {
		x -= turn
	}
	return float64(x) / perDegree
}

// crosses tells whether two edges, the second moved east by shift, meet where they
// must not, and a corner near there.
func (e *ringEdge) crosses(f *ringEdge, shift int64) (xy, bool) {
	a, b := e.a, e.b
	c, d := xy{f.a.x + shift, f.a.y}, xy{f.b.x + shift, f.b.y}
	if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) || max(a.y, b.y) < min(c.y, d.y) || max(c.y, d.y) < min(a.y, b.y) {
		return xy{}, false
	}
	sc, sd := turnOf(a, b, c), turnOf(a, b, d)
	sa, sb := turnOf(c, d, a), turnOf(c, d, b)
	if sc*sd > 0 || sa*sb > 0 {
		return xy{}, false // one lies on one side of the other
	}
	if sc == 0 && sd == 0 {
		// On one line, and their boxes meet: in a point, or in a stretch.
		return c, overlap(a, b, c, d)
	}
	if sc != 0 && sd != 0 && sa != 0 && sb != 0 {
		return c, true
	}
	// They touch in a point that is an end of one of them.
	if e.ring != f.ring {
		return xy{}, false
	}
	next := f.at == e.at+1 || e.at == 0 && f.at == e.of-1
	before := e.at == f.at+1 || f.at == 0 && e.at == f.of-1
	if next && before { // a ring of two or three edges: each is the other's neighbour
		return xy{}, false
	}
	if next && (b == c || a == d) || before && (a == d || b == c) {
		return xy{}, false
	}
	return c, true
}

// overlap tells whether edges on one line have more than a point in common.
func overlap(a, b, c, d xy) bool {
	if a.x != b.x {
		return min(max(a.x, b.x), max(c.x, d.x)) > max(min(a.x, b.x), min(c.x, d.x))
	}
	return min(max(a.y, b.y), max(c.y, d.y)) > max(min(a.y, b.y), min(c.y, d.y))
}

// turnOf is 1 where c lies left of the way from a to b, -1 right, 0 on its line. It is
// exact: products of coordinates on the grid have up to 66 bits.
func turnOf(a, b, c xy) int {
	hi1, lo1 := mul(b.x-a.x, c.y-a.y)
	hi2, lo2 := mul(b.y-a.y, c.x-a.x)
	return cmp.Or(cmp.Compare(hi1, hi2), cmp.Compare(lo1, lo2))
}

// mul is the product in two's complement of 128 bits.
func mul(x, y int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(max(x, -x)), uint64(max(y, -y)))
	if (x < 0) != (y < 0) {
		l = -l
		h = ^h
		if l == 0 {
			h++
		}
	}
	return int64(h), l
}
