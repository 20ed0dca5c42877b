package live

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/geodata/path"
	"corridor/tracking"
)

// Nearest returns the units the viewer may read that are nearest to a point, the
// nearest first, at most so many and no farther away than withinKM (0: anywhere).
func (t *Tracker) Nearest(viewer tracking.Party, p orb.Point, most int, withinKM float64) []tracking.Neighbour {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var found []neighbour
	if viewer.Role == tracking.Admin || viewer.Role == tracking.Dispatcher {
		found = t.grid.nearest(p, most, withinKM)
	} else { // few
		for h := range t.state.Units(viewer) {
			if s := &t.grid.units[h]; s.leaf != 0 {
				if away := path.Distance(p, s.point); withinKM <= 0 || away <= withinKM {
					found = append(found, neighbour{h, away})
				}
			}
		}
		slices.SortFunc(found, byDistance)
		found = found[:min(most, len(found))]
	}
	out := make([]tracking.Neighbour, len(found))
	for i, n := range found {
		out[i] = tracking.Neighbour{Unit: t.state.At(n.unit), AwayKM: n.km}
	}
	return out
}

// InView returns the units in a box that the viewer may read, by id; false when they
// are more than most. A box with west > east spans ±180°.
func (t *Tracker) InView(viewer tracking.Party, box orb.Bound, most int) ([]tracking.UnitState, bool) {
	v := newView(box, 0)
	t.mu.RLock()
	defer t.mu.RUnlock()
	var in []tracking.Handle
	if viewer.Role == tracking.Admin || viewer.Role == tracking.Dispatcher {
		var ok bool
		if in, ok = t.grid.inView(v, most); !ok {
			return nil, false
		}
	} else {
		for h := range t.state.Units(viewer) {
			if s := &t.grid.units[h]; s.leaf != 0 && v.holds(s.point) {
				if len(in) == most {
					return nil, false
				}
				in = append(in, h)
			}
		}
	}
	out := make([]tracking.UnitState, len(in))
	for i, h := range in {
		out[i] = t.state.At(h)
	}
	slices.SortFunc(out, func(a, b tracking.UnitState) int { return cmp.Compare(a.Unit, b.Unit) })
	return out, true
}

type neighbour struct {
	unit tracking.Handle
	km   float64
}

func byDistance(a, b neighbour) int {
	return cmp.Or(cmp.Compare(a.km, b.km), cmp.Compare(a.unit, b.unit))
}

// frontier is what may still hold something near: cells and units, the nearest
// first, cells by the least distance anything in them can have.
type frontier []candidate

type candidate struct {
	km   float64
	id   cell.ID
	node *node // nil: the unit
	unit tracking.Handle
}

func (f frontier) Len() int           { return len(f) }
func (f frontier) Less(i, j int) bool { return f[i].km < f[j].km }
func (f frontier) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(x any)        { *f = append(*f, x.(candidate)) }
func (f *frontier) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}

// nearest opens cells from the nearest on until enough units came before anything
// else could.
func (g *grid) nearest(p orb.Point, most int, withinKM float64) []neighbour {
	var f frontier
	add := func(c candidate) {
		if withinKM <= 0 || c.km <= withinKM {
			heap.Push(&f, c)
		}
	}
	least := func(id cell.ID, n *node) float64 {
		return max(0, path.Distance(p, n.centre)-nesting*cell.RadiusKM(id.Resolution()))
	}
	for id, n := range g.levels[0] {
		add(candidate{km: least(id, n), id: id, node: n})
	}
	var out []neighbour
	for len(f) > 0 && len(out) < most {
		c := heap.Pop(&f).(candidate)
		switch r := c.id.Resolution(); {
		case c.node == nil:
			out = append(out, neighbour{c.unit, c.km})
		case r == leafRes:
			for _, h := range c.node.units {
				add(candidate{km: path.Distance(p, g.units[h].point), unit: h})
			}
		default:
			var kids [7]cell.ID
			for _, kid := range c.id.AppendChildren(kids[:0]) {
				if n := g.levels[r+1][kid]; n != nil {
					add(candidate{km: least(kid, n), id: kid, node: n})
				}
			}
		}
	}
	slices.SortFunc(out, byDistance)
	return out
}
