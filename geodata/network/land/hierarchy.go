package land

import (
	"context"
	"math"
	"slices"

	"corridor/geodata/paged"
)

// hierarchy is the skeleton of a customisable contraction hierarchy (Dibbelt,
// Strasser, Wagner 2014): for each node its neighbours of higher number, with
// those that appear when nodes are taken away in the order of their numbers. It
// depends on the network only, never on what is avoided.
type hierarchy struct {
	start  []int32 // arcs of node v are start[v]…start[v+1]
	head   []int32 // per arc, its upper node; ascending within a node
	parent []int32 // lowest upper neighbour, -1 for a root
	edge   []int32 // per arc, the edge of the network under it, or -1
	heads  []int32 // lower arcs by upper node: downArc[heads[v]…heads[v+1]]
	down   []int32 // per lower arc, its lower node, ascending
	downTo []int32 // per lower arc, the arc itself
}

const far = math.MaxUint32 / 2 // two of them still fit

func newHierarchy(nodes int, edges []Edge) *hierarchy {
	h := &hierarchy{start: make([]int32, nodes+1), parent: make([]int32, nodes)}
	h.head = make([]int32, 0, 3*len(edges))
	// children of a node, as a linked list: they bring it their upper neighbours
	first, next := make([]int32, nodes), make([]int32, nodes)
	for i := range first {
		first[i] = -1
	}
	mark := make([]int32, nodes)
	for i := range mark {
		mark[i] = -1
	}
	at := 0
	for v := range int32(nodes) {
		begin := len(h.head)
		for ; at < len(edges) && edges[at].From == uint32(v); at++ {
			to := int32(edges[at].To)
			mark[to] = v
			h.head = append(h.head, to)
		}
		for c := first[v]; c >= 0; c = next[c] {
			for _, to := range h.head[h.start[c]+1 : h.start[c+1]] { // the first is v
				if mark[to] != v {
					mark[to] = v
					h.head = append(h.head, to)
				}
			}
		}
		up := h.head[begin:]
		slices.Sort(up)
		h.parent[v] = -1
		if len(up) > 0 {
			p := up[0]
			h.parent[v] = p
			next[v], first[p] = first[p], v
		}
		h.start[v+1] = int32(len(h.head))
	}
	h.head = slices.Clip(h.head)

	h.edge = make([]int32, len(h.head))
	for i := range h.edge {
		h.edge[i] = -1
	}
	for i, e := range edges {
		h.edge[h.arc(int32(e.From), int32(e.To))] = int32(i)
	}

	h.heads = make([]int32, nodes+1)
	for _, v := range h.head {
		h.heads[v+1]++
	}
	for v := range nodes {
		h.heads[v+1] += h.heads[v]
	}
	fill := slices.Clone(h.heads)
	h.down, h.downTo = make([]int32, len(h.head)), make([]int32, len(h.head))
	for v := range int32(nodes) {
		for a := h.start[v]; a < h.start[v+1]; a++ {
			to := h.head[a]
			h.down[fill[to]], h.downTo[fill[to]] = v, a
			fill[to]++
		}
	}
	return h
}

// arc finds the arc between two nodes, lower first; -1 if there is none.
func (h *hierarchy) arc(lower, upper int32) int32 {
	i, ok := slices.BinarySearch(h.head[h.start[lower]:h.start[lower+1]], upper)
	if !ok {
		return -1
	}
	return h.start[lower] + int32(i)
}

// metric is the hierarchy under one set of avoided things: for each arc the
// cheapest way between its ends through lower nodes, its cost and its length.
// Cost is metres made longer where going is slow and at borders; it decides the
// way, the length is what is told.
//
// A metric that leaves out most of the world holds the rest only.
type metric struct {
	begin        []int32 // per node, where its arcs begin in cost and metres; -1 if it is left out
	cost, metres []uint32
	pages        *paged.Pages // that hold it, to be kept alive for as long as it is read
}

// own is the layout where it is not that of the hierarchy.
func (m *metric) own(h *hierarchy) []paged.Column {
	if len(m.begin) == 0 || &m.begin[0] == &h.start[0] {
		return nil
	}
	return []paged.Column{paged.Of(&m.begin)}
}

// customise computes a metric from the edges' cost and metres; a cost of far
// shuts an edge. No open edge may touch a node that is left out.
func (h *hierarchy) customise(ctx context.Context, out func(node int32) bool, weigh func(edge int32) (cost, metres uint32)) (metric, error) {
	m := metric{begin: h.without(out)}
	arcs := len(h.head)
	if &m.begin[0] != &h.start[0] {
		arcs = 0
		for v, b := range m.begin {
			if b >= 0 {
				arcs += int(h.start[v+1] - h.start[v])
			}
		}
	}
	m.cost, m.metres = make([]uint32, arcs), make([]uint32, arcs)
	for v, at := range m.begin[:len(h.parent)] {
		if at < 0 {
			continue
		}
		for a := h.start[v]; a < h.start[v+1]; a++ {
			m.cost[at] = far
			if e := h.edge[a]; e >= 0 {
				m.cost[at], m.metres[at] = weigh(e)
			}
			at++
		}
	}
	for v := range len(h.parent) {
		if v&0xffff == 0 && ctx.Err() != nil {
			return metric{}, ctx.Err()
		}
		if m.begin[v] < 0 {
			continue
		}
		up := h.head[h.start[v]:h.start[v+1]]
		cost := m.cost[m.begin[v]:][:len(up)]
		metres := m.metres[m.begin[v]:][:len(up)]
		for i, x := range up {
			if cost[i] >= far {
				continue
			}
			// Every later neighbour of v is one of x too; both lists ascend.
			heads := h.head[h.start[x]:h.start[x+1]]
			over, under := m.cost[m.begin[x]:][:len(heads)], m.metres[m.begin[x]:][:len(heads)]
			k := 0
			for j := i + 1; j < len(up); j++ {
				for heads[k] != up[j] {
					k++
				}
				if c := cost[i] + cost[j]; c < over[k] {
					over[k], under[k] = c, metres[i]+metres[j]
				}
			}
		}
	}
	return m, nil
}

// without lays out the arcs of the nodes that are not left out. While that is
// most of them it is the layout of the hierarchy itself.
func (h *hierarchy) without(out func(node int32) bool) []int32 {
	begin := make([]int32, len(h.parent))
	left, arcs := 0, int32(0)
	for v := range begin {
		begin[v] = -1
		if out(int32(v)) {
			left++
			continue
		}
		begin[v] = arcs
		arcs += h.start[v+1] - h.start[v]
	}
	if 3*left < len(begin) {
		return h.start
	}
	return begin
}

// bytes is what a metric takes beside the hierarchy.
func (m metric) bytes() int { return 4 * (len(m.begin) + len(m.cost) + len(m.metres)) }

// climb is a search from one place to every node above it. Its arrays are as
// long as the network and are cleaned after use along the way climbed.
type climb struct {
	cost   []uint32 // far where not reached
	metres []uint32
	from   []int32 // the node before; ^i at the ends of the start i
	way    []int32 // nodes from the starts to the roots of their parts, ascending
	heads  []int32 // the lowest nodes not climbed from yet
}

func newClimb(nodes int) *climb {
	c := &climb{cost: make([]uint32, nodes), metres: make([]uint32, nodes), from: make([]int32, nodes)}
	for i := range c.cost {
		c.cost[i] = far
	}
	return c
}

// load is what it takes to get somewhere.
type load struct{ cost, metres uint32 }

// start is an edge to climb from, with what it takes to reach its ends.
type start struct {
	lower, upper     int32
	toLower, toUpper load
}

// run climbs from the ends of edges. The lower end's ancestors include the upper.
func (c *climb) run(h *hierarchy, m metric, starts []start) {
	c.clean()
	for i, s := range starts {
		c.reach(s.lower, s.toLower, ^int32(i))
		c.reach(s.upper, s.toUpper, ^int32(i))
		c.head(s.lower)
	}
	for len(c.heads) > 0 {
		k := 0
		for i, v := range c.heads {
			if v < c.heads[k] {
				k = i
			}
		}
		v := c.heads[k]
		c.heads = slices.Delete(c.heads, k, k+1)
		if p := h.parent[v]; p >= 0 {
			c.head(p)
		}
		c.way = append(c.way, v)
		d := c.cost[v]
		if d >= far {
			continue
		}
		up := h.head[h.start[v]:h.start[v+1]]
		cost, metres := m.cost[m.begin[v]:][:len(up)], m.metres[m.begin[v]:][:len(up)]
		for i, to := range up {
			if sum := d + cost[i]; sum < c.cost[to] {
				c.cost[to], c.metres[to], c.from[to] = sum, c.metres[v]+metres[i], v
			}
		}
	}
}

func (c *climb) reach(v int32, l load, from int32) {
	if l.cost < c.cost[v] {
		c.cost[v], c.metres[v], c.from[v] = l.cost, l.metres, from
	}
}

func (c *climb) head(v int32) {
	if !slices.Contains(c.heads, v) {
		c.heads = append(c.heads, v)
	}
}

func (c *climb) clean() {
	for _, v := range c.way {
		c.cost[v] = far
	}
	c.way = c.way[:0]
}

// meet returns the node where two climbs join at the least cost, -1 for none.
func meet(a, b *climb) (node int32, cost uint32) {
	node, cost = -1, far
	for _, v := range b.way {
		if sum := a.cost[v] + b.cost[v]; sum < cost {
			node, cost = v, sum
		}
	}
	return node, cost
}

// unpack visits the edges under the way between two nodes joined by an arc, from
// x to y, each with the node it leads to.
func (h *hierarchy) unpack(m metric, weigh func(edge int32) (cost, metres uint32), x, y int32, visit func(edge, to int32)) {
	lower, upper := min(x, y), max(x, y)
	arc := h.arc(lower, upper)
	at := m.begin[lower] + arc - h.start[lower]
	if e := h.edge[arc]; e >= 0 {
		if c, _ := weigh(e); c == m.cost[at] {
			visit(e, y)
			return
		}
	}
	// Else it goes by a node below both: the one whose two arcs add up.
	i, j := h.heads[lower], h.heads[upper]
	for i < h.heads[lower+1] && j < h.heads[upper+1] {
		p, q := h.down[i], h.down[j]
		if p == q && m.begin[p] >= 0 {
			s, t := m.begin[p]+h.downTo[i]-h.start[p], m.begin[p]+h.downTo[j]-h.start[p]
			if m.cost[s]+m.cost[t] == m.cost[at] && m.metres[s]+m.metres[t] == m.metres[at] {
				h.unpack(m, weigh, x, p, visit)
				h.unpack(m, weigh, p, y, visit)
				return
			}
		}
		if p <= q {
			i++
		}
		if q <= p {
			j++
		}
	}
}
