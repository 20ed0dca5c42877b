package survey

import (
	"slices"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/queue"
)

// defaultCore is how many nodes are left uncontracted: beyond it every
// contraction costs more shortcuts than it saves, and the product labels these
// nodes itself.
const defaultCore = 4000

// contract builds a contraction hierarchy over all but the core, one that holds
// for every set of shut passages: a shortcut is left out only for a way that sails
// no passage the shortcut does not. It renumbers the nodes, most important first,
// and adds the shortcuts to the edges.
func contract(c *chart.Chart, coreNodes int, penaltyKM []float64, shut uint64, step func(string, ...any)) {
	n := len(c.Nodes)
	h := &hierarchy{links: make([][]link, n), up: make([][]link, n), s: newSearcher(n), depth: make([]int, n)}
	for i, e := range c.Edges {
		cost, mask := edgeCost(c, e, penaltyKM), maskOf(e.Passages)
		h.links[e.A] = append(h.links[e.A], link{e.B, -1, cost, mask, int32(i)})
		h.links[e.B] = append(h.links[e.B], link{e.A, -1, cost, mask, int32(i)})
	}
	var q queue.Queue[float64]
	for v := range n {
		q.Push(h.priority(int32(v)), int32(v))
	}
	var order []int32
	for len(q) > coreNodes {
		_, v := q.Pop()
		p := h.priority(v)
		if p > q[0].Cost {
			q.Push(p, v)
			continue
		}
		h.contract(v)
		order = append(order, v)
		if len(order)%5000 == 0 {
			step("  %d nodes contracted, %d shortcuts", len(order), h.shortcuts)
		}
	}
	slices.Reverse(order)
	core := make([]int32, 0, len(q))
	for _, x := range q {
		core = append(core, x.Node)
	}
	c.Core = len(core)
	order = append(h.rank(core, shut), order...)
	// Links within the core belong to the less important node, as all do.
	place := make([]int32, n)
	for i, v := range order {
		place[v] = int32(i)
	}
	for _, v := range core {
		for _, l := range h.links[v] {
			if place[l.to] < place[v] {
				h.up[v] = append(h.up[v], l)
			}
		}
	}

	// The edges of the hierarchy: each node's links to more important ones.
	nodes := make([]chart.Node, n)
	for i, v := range order {
		nodes[i] = c.Nodes[v]
	}
	// Parallel links of one node keep a fixed order, so that a shortcut can say
	// which of them it is made of.
	for v := range h.up {
		slices.SortFunc(h.up[v], func(a, b link) int {
			if a.to != b.to {
				return int(place[a.to] - place[b.to])
			}
			switch {
			case a.cost < b.cost:
				return -1
			case a.cost > b.cost:
				return 1
			}
			return 0
		})
	}
	var edges []chart.Edge
	for i, v := range order {
		for _, l := range h.up[v] {
			e := chart.Edge{A: place[l.to], B: int32(i), Mid: -1}
			if l.mid < 0 {
				old := c.Edges[l.edge]
				e.Passages = slices.Clone(old.Passages)
				if old.A != l.to {
					slices.Reverse(e.Passages)
				}
			} else {
				e.Mid = place[l.mid]
				e.PickA, e.PickB = halves(h.up[l.mid], l, v)
			}
			edges = append(edges, e)
		}
	}
	c.Nodes, c.Edges = nodes, edges
	step("%d edges with shortcuts", len(edges))
}

// halves finds which of the parallel links of a shortcut's middle node lead to
// its two ends: those with its cost and passages together.
func halves(links []link, l link, other int32) (pickA, pickB uint8) {
	i := uint8(0)
	for _, a := range links {
		if a.to != l.to {
			continue
		}
		j := uint8(0)
		for _, b := range links {
			if b.to != other {
				continue
			}
			if a.cost+b.cost == l.cost && a.mask|b.mask == l.mask {
				return i, j
			}
			j++
		}
		i++
	}
	panic("survey: shortcut without its halves")
}

// rankSources is how many searches the ranking samples.
const rankSources = 500

// rank orders nodes not yet contracted by how many shortest ways lead over them,
// most first.
func (h *hierarchy) rank(core []int32, shut uint64) []int32 {
	slices.Sort(core)
	load := make(map[int32]float64, len(core))
	count := make([]float64, len(h.links))
	from := make([]int32, len(h.links))
	for k := range rankSources {
		src := core[k*len(core)/rankSources]
		s := h.s
		s.reset()
		s.reach(src, 0, 0)
		var order []int32
		for len(s.queue) > 0 {
			key, u := s.queue.Pop()
			if key > s.cost[u] {
				continue
			}
			order = append(order, u)
			for _, l := range h.links[u] {
				if l.mask&shut != 0 {
					continue
				}
				if old := s.cost[l.to]; old < 0 || old > key+l.cost {
					from[l.to] = u
					s.reach(l.to, key+l.cost, key+l.cost)
				}
			}
		}
		for _, u := range order {
			count[u] = 1
		}
		for i := len(order) - 1; i > 0; i-- {
			u := order[i]
			count[from[u]] += count[u]
			load[u] += count[u]
		}
	}
	slices.SortStableFunc(core, func(a, b int32) int {
		switch {
		case load[a] > load[b]:
			return -1
		case load[a] < load[b]:
			return 1
		}
		return 0
	})
	return core
}

type hierarchy struct {
	links     [][]link // among nodes not yet contracted
	up        [][]link // of contracted nodes, to those contracted later
	s         *searcher
	depth     []int
	shortcuts int
}

// between is a shortcut a contraction needs.
type between struct {
	a, b int32
	cost float64
	mask uint64
}

// needed lists the shortcuts over v that no other way replaces.
func (h *hierarchy) needed(v int32, settle int) []between {
	ls := h.links[v]
	var out []between
	var masks []uint64
	for i, l := range ls {
		// Ways from l.to around v, once per set of passages the pairs sail.
		masks = masks[:0]
		for _, m := range ls[i+1:] {
			if m.to != l.to && !slices.Contains(masks, l.mask|m.mask) {
				masks = append(masks, l.mask|m.mask)
			}
		}
		for _, mask := range masks {
			limit := 0.0
			for _, m := range ls[i+1:] {
				if m.to != l.to && l.mask|m.mask == mask {
					limit = max(limit, l.cost+m.cost)
				}
			}
			h.around(v, l.to, limit, mask, settle)
			for _, m := range ls[i+1:] {
				if m.to == l.to || l.mask|m.mask != mask {
					continue
				}
				if w := h.s.cost[m.to]; w < 0 || w > l.cost+m.cost {
					out = append(out, between{l.to, m.to, l.cost + m.cost, mask})
				}
			}
		}
	}
	return out
}

// around searches from a node without passing v, over links that sail only
// passages of the mask.
func (h *hierarchy) around(v, from int32, limit float64, mask uint64, settle int) {
	s := h.s
	s.reset()
	s.reach(from, 0, 0)
	for len(s.queue) > 0 && settle > 0 {
		key, n := s.queue.Pop()
		if key > s.cost[n] {
			continue
		}
		settle--
		for _, l := range h.links[n] {
			if l.to == v || l.mask&^mask != 0 {
				continue
			}
			if c := key + l.cost; c <= limit {
				s.reach(l.to, c, c)
			}
		}
	}
}

func (h *hierarchy) priority(v int32) float64 {
	need := len(h.needed(v, 40))
	return float64(2*need-len(h.links[v])) + float64(h.depth[v])
}

func (h *hierarchy) contract(v int32) {
	for _, b := range h.needed(v, 400) {
		h.add(b.a, link{to: b.b, mid: v, cost: b.cost, mask: b.mask})
		h.add(b.b, link{to: b.a, mid: v, cost: b.cost, mask: b.mask})
		h.shortcuts++
	}
	h.up[v] = h.links[v]
	for _, l := range h.links[v] {
		h.links[l.to] = slices.DeleteFunc(h.links[l.to], func(x link) bool { return x.to == v })
		h.depth[l.to] = max(h.depth[l.to], h.depth[v]+1)
	}
	h.links[v] = nil
}

// add puts a shortcut among a node's links unless one as good is there, and
// drops those it beats.
func (h *hierarchy) add(a int32, l link) {
	ls := h.links[a]
	for _, x := range ls {
		if x.to == l.to && x.cost <= l.cost && x.mask&^l.mask == 0 {
			return
		}
	}
	h.links[a] = append(slices.DeleteFunc(ls, func(x link) bool {
		return x.to == l.to && x.cost >= l.cost && l.mask&^x.mask == 0
	}), l)
}
