package exact

import (
	"context"
	"math"
	"slices"

	"corridor/geodata"
)

// skeleton is a customisable contraction hierarchy (Dibbelt, Strasser, Wagner
// 2014) without costs: for each node its neighbours of higher number, with those
// that appear when nodes are taken away in the order of their numbers. network/land
// has the same for lines that cost the same both ways; here each arc is two.
type skeleton struct {
	start  []int32 // arcs of node v are start[v]…start[v+1]
	head   []int32 // per arc, its upper node; ascending within a node
	parent []int32 // lowest upper neighbour, -1 for a root
	edge   []int32 // per arc, the first edge between its ends, or -1
	heads  []int32 // arcs by upper node: down[heads[v]…heads[v+1]]
	down   []int32 // per such arc, its lower node, ascending
	downTo []int32 // per such arc, the arc itself
}

// far is no way. Two of them still fit.
const far = math.MaxUint32 / 2

func newSkeleton(nodes int, edges []Edge) *skeleton {
	h := &skeleton{start: make([]int32, nodes+1), parent: make([]int32, nodes)}
	h.head = make([]int32, 0, 2*len(edges))
	// children of a node, as a linked list: they bring it their upper neighbours
	first, next, mark := make([]int32, nodes), make([]int32, nodes), make([]int32, nodes)
	for i := range first {
		first[i], mark[i] = -1, -1
	}
	at := 0
	for v := range int32(nodes) {
		begin := len(h.head)
		for ; at < len(edges) && edges[at].From == uint32(v); at++ {
			if to := int32(edges[at].To); mark[to] != v {
				mark[to] = v
				h.head = append(h.head, to)
			}
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
	for i := len(edges) - 1; i >= 0; i-- {
		h.edge[h.arc(int32(edges[i].From), int32(edges[i].To))] = int32(i)
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
func (h *skeleton) arc(lower, upper int32) int32 {
	i, ok := slices.BinarySearch(h.head[h.start[lower]:h.start[lower+1]], upper)
	if !ok {
		return -1
	}
	return h.start[lower] + int32(i)
}

// load is what it takes to get somewhere: cost, which decides the way, and length,
// both in decimetres.
type load struct{ cost, length uint32 }

// metric is the skeleton under one vehicle: for each arc the cheapest way through
// lower nodes from its lower end up and from its upper end down.
type metric struct {
	up, down []load
	// core is 1 for nodes that can be reached from, and can reach, a good part of
	// the network without passing where only ends may be.
	core []uint8
}

// usable tells per rule who may go along an edge, from its lower end and against.
type usable [][2]Access

func (n *network) usable(v geodata.Vehicle) usable {
	u := make(usable, len(n.rules))
	for i := range n.rules {
		u[i] = [2]Access{n.rules[i].through(true, v), n.rules[i].through(false, v)}
	}
	return u
}

// customise computes the metric of a vehicle.
func (n *network) customise(ctx context.Context, v geodata.Vehicle) (metric, error) {
	h, use := &n.skeleton, n.usable(v)
	m := metric{up: make([]load, len(h.head)), down: make([]load, len(h.head))}
	for a := range h.head {
		m.up[a].cost, m.down[a].cost = far, far
	}
	for a, e := range h.edge {
		if e < 0 {
			continue
		}
		for i := e; i < int32(len(n.from)) && n.from[i] == n.from[e] && n.to[i] == n.to[e]; i++ {
			u := use[n.rule[i]]
			if u[0] == Through && n.cost[i] < m.up[a].cost {
				m.up[a] = load{n.cost[i], n.length[i]}
			}
			if u[1] == Through && n.cost[i] < m.down[a].cost {
				m.down[a] = load{n.cost[i], n.length[i]}
			}
		}
	}
	for v := range n.lat {
		if v&0xffff == 0 && ctx.Err() != nil {
			return metric{}, ctx.Err()
		}
		begin, end := h.start[v], h.start[v+1]
		up, rise, fall := h.head[begin:end], m.up[begin:end], m.down[begin:end]
		for i, x := range up {
			if rise[i].cost >= far && fall[i].cost >= far {
				continue
			}
			// Every later neighbour of v is one of x too; both lists ascend.
			heads := h.head[h.start[x]:h.start[x+1]]
			over, under := m.up[h.start[x]:h.start[x+1]], m.down[h.start[x]:h.start[x+1]]
			k := 0
			for j := i + 1; j < len(up); j++ {
				for heads[k] != up[j] {
					k++
				}
				if c := fall[i].cost + rise[j].cost; c < over[k].cost {
					over[k] = load{c, fall[i].length + rise[j].length}
				}
				if c := fall[j].cost + rise[i].cost; c < under[k].cost {
					under[k] = load{c, fall[j].length + rise[i].length}
				}
			}
		}
	}
	m.core = n.core(use)
	return m, nil
}

// coreSize is how many nodes a strongly connected part needs for its nodes to
// count as well connected, if it is not the largest.
const coreSize = 1000

// core finds the nodes of the large strongly connected parts of what everybody may
// use (Tarjan 1972, without recursion).
func (n *network) core(use usable) []uint8 {
	nodes := int32(len(n.lat))
	index, low := make([]int32, nodes), make([]int32, nodes) // 0: not seen; low < 0: done
	part := make([]int32, nodes)
	var sizes []int32
	var open []int32
	type frame struct {
		node int32
		next int32 // arc: upper ones first, then lower ones
	}
	var calls []frame
	counter := int32(0)
	for root := range nodes {
		if index[root] != 0 {
			continue
		}
		calls = append(calls[:0], frame{root, 0})
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.next == 0 && index[v] == 0 {
				counter++
				index[v], low[v] = counter, counter
				open = append(open, v)
			}
			to := n.step(v, &f.next, use)
			if to >= 0 {
				switch {
				case index[to] == 0:
					calls = append(calls, frame{to, 0})
				case part[to] == 0: // still open
					low[v] = min(low[v], index[to])
				}
				continue
			}
			if low[v] == index[v] {
				sizes = append(sizes, 0)
				k := int32(len(sizes))
				for {
					u := open[len(open)-1]
					open = open[:len(open)-1]
					part[u] = k
					sizes[k-1]++
					if u == v {
						break
					}
				}
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				u := calls[len(calls)-1].node
				low[u] = min(low[u], low[v])
			}
		}
	}
	core := make([]uint8, nodes)
	if len(sizes) == 0 {
		return core
	}
	enough := min(slices.Max(sizes), coreSize)
	for v, k := range part {
		if sizes[k-1] >= enough {
			core[v] = 1
		}
	}
	return core
}

// step returns the next node that everybody may go to from v, -1 when there is
// none left. next is the place in the list of v's arcs.
func (n *network) step(v int32, next *int32, use usable) int32 {
	h := &n.skeleton
	ups := h.start[v+1] - h.start[v]
	for {
		i := *next
		*next++
		var arc, to int32
		switch {
		case i < ups:
			arc = h.start[v] + i
			to = h.head[arc]
		case h.heads[v]+i-ups < h.heads[v+1]:
			k := h.heads[v] + i - ups
			arc, to = h.downTo[k], h.down[k]
		default:
			return -1
		}
		e := h.edge[arc]
		if e < 0 {
			continue
		}
		against := 0
		if i >= ups {
			against = 1
		}
		for j := e; j < int32(len(n.from)) && n.from[j] == n.from[e] && n.to[j] == n.to[e]; j++ {
			if use[n.rule[j]][against] == Through {
				return to
			}
		}
	}
}

// climb is a search from some places to every node above them. Its arrays are as
// long as the network; only what was touched is cleaned.
type climb struct {
	cost   []uint32 // plus one; 0 where not reached, so that untouched pages stay untouched
	length []uint32
	from   []int32 // the node before, plus one; 0 at a start
	way    []int32 // nodes on the way up, ascending
	seeds  map[int32]int32
}

func newClimb(nodes int) *climb {
	return &climb{cost: make([]uint32, nodes), length: make([]uint32, nodes), from: make([]int32, nodes), seeds: map[int32]int32{}}
}

// seed is a node to begin at with what it took to get there.
type seed struct {
	node int32
	load
}

// run climbs from seeds. Arcs are the metric's up for a search from a start, its
// down for one back from an end.
func (c *climb) run(h *skeleton, arcs []load, seeds []seed) {
	for _, v := range c.way {
		c.cost[v] = 0
	}
	c.way = c.way[:0]
	clear(c.seeds)
	sorted := true
	for i, s := range seeds {
		if s.cost >= far {
			continue
		}
		if c.cost[s.node] == 0 {
			for v := s.node; v >= 0 && c.cost[v] == 0; v = h.parent[v] {
				sorted = sorted && (len(c.way) == 0 || c.way[len(c.way)-1] < v)
				c.cost[v] = far + 1
				c.way = append(c.way, v)
			}
		}
		if s.cost+1 < c.cost[s.node] {
			c.cost[s.node], c.length[s.node], c.from[s.node] = s.cost+1, s.length, 0
			c.seeds[s.node] = int32(i)
		}
	}
	if !sorted {
		slices.Sort(c.way)
	}
	for _, v := range c.way {
		d := c.cost[v] - 1
		if d >= far {
			continue
		}
		begin, end := h.start[v], h.start[v+1]
		up, over := h.head[begin:end], arcs[begin:end]
		for i, to := range up {
			if sum := d + over[i].cost; sum+1 < c.cost[to] {
				c.cost[to], c.length[to], c.from[to] = sum+1, c.length[v]+over[i].length, v+1
			}
		}
	}
}

func (c *climb) at(v int32) load {
	if c.cost[v] == 0 {
		return load{far, 0}
	}
	return load{c.cost[v] - 1, c.length[v]}
}

// meet returns the node where two climbs join at the least cost, -1 for none.
func meet(a, b *climb) (node int32, cost uint32) {
	node, cost = -1, far
	for _, v := range b.way {
		if a.cost[v] != 0 {
			if sum := a.cost[v] + b.cost[v] - 2; sum < cost {
				node, cost = v, sum
			}
		}
	}
	return node, cost
}

// unpack visits the edges under the way from x to y, joined by an arc.
func (n *network) unpack(m *metric, use usable, x, y int32, visit func(edge int32, forward bool)) {
	h := &n.skeleton
	lower, upper := min(x, y), max(x, y)
	arc := h.arc(lower, upper)
	climbing := x == lower
	want := m.down[arc]
	side := 1
	if climbing {
		want, side = m.up[arc], 0
	}
	if e := h.edge[arc]; e >= 0 {
		for i := e; i < int32(len(n.from)) && n.from[i] == n.from[e] && n.to[i] == n.to[e]; i++ {
			if use[n.rule[i]][side] == Through && n.cost[i] == want.cost {
				visit(i, climbing)
				return
			}
		}
	}
	// Else it goes by a node below both: the one whose two arcs add up.
	i, j := h.heads[lower], h.heads[upper]
	for i < h.heads[lower+1] && j < h.heads[upper+1] {
		p, q := h.down[i], h.down[j]
		if p == q {
			s, t := h.downTo[i], h.downTo[j] // to lower, to upper
			a, b := m.down[s], m.up[t]
			if !climbing {
				a, b = m.down[t], m.up[s]
			}
			if a.cost+b.cost == want.cost && a.length+b.length == want.length {
				n.unpack(m, use, x, p, visit)
				n.unpack(m, use, p, y, visit)
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
