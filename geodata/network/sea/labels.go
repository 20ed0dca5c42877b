package sea

import (
	"math/bits"
	"slices"
	"sync"

	"corridor/geodata/network/sea/internal/queue"
	"corridor/geodata/paged"
)

const unreached = 1e30 // km

// profile answers shortest ways within the core for one set of shut passages, by
// hub labels: every core node keeps its cost to some more important ones such
// that any two share one on a shortest way between them (pruned landmark
// labelling).
type profile struct {
	shut   mask
	priced mask                 // passages that cost more than in the chart…
	price  [maxPassages]float32 // …by so many km
	first  []int32              // of each core node's labels; one more at the end
	labels []label
	pages  *paged.Pages // that hold first and labels

	mu     sync.Mutex // guards berths
	berths *cache[*port, *berthSlot]
}

type label struct {
	hub, next uint16 // next: the node after this one on the way to the hub
	cost, km  float32
}

// weight is what passages cost more under the profile than in the chart. Prices
// only ever add to it: a shortcut left out because of a cheaper way that sails no
// other passage stays rightly left out.
func (p *profile) weight(passages mask) (km float32) {
	for m := passages & p.priced; m != 0; m &= m - 1 {
		km += p.price[bits.TrailingZeros64(uint64(m))]
	}
	return km
}

// newProfile builds the labels. A node is a hub for those whose way to it leads
// over no more important one.
func (g *Graph) newProfile(t terms) *profile {
	shut := t.shut
	p := &profile{shut: shut, berths: newCache[*port, *berthSlot](berthsKept)}
	for _, x := range t.prices.list() {
		p.priced |= 1 << x.passage
		p.price[x.passage] = x.km
	}
	n := g.core
	labels := make([][]label, n)
	dist := make([]label, n)   // of the current search; hub is unused
	root := make([]float32, n) // the current hub's own labels, by hub
	for i := range dist {
		dist[i].cost, root[i] = unreached, unreached
	}
	var q queue.Queue[float32]
	var touched []int32
	total := 0
	for h := range n {
		for _, l := range labels[h] {
			root[l.hub] = l.cost
		}
		q.Push(0, int32(h))
		dist[h] = label{next: uint16(h)}
		touched = append(touched[:0], int32(h))
		for len(q) > 0 {
			d, u := q.Pop()
			if d > dist[u].cost {
				continue
			}
			// A more important hub already knows as short a way.
			known := false
			for _, l := range labels[u] {
				if root[l.hub]+l.cost <= d {
					known = true
					break
				}
			}
			if known {
				continue
			}
			labels[u] = append(labels[u], label{uint16(h), dist[u].next, d, dist[u].km})
			total++
			for _, c := range g.coreArcs[g.coreFirst[u]:g.coreFirst[u+1]] {
				if int(c.to) < h {
					break // the rest is more important still
				}
				if c.passages&shut != 0 {
					continue
				}
				v := d + c.cost
				if c.passages&p.priced != 0 {
					v += p.weight(c.passages)
				}
				if v < dist[c.to].cost {
					if dist[c.to].cost == unreached {
						touched = append(touched, c.to)
					}
					dist[c.to] = label{next: uint16(u), cost: v, km: dist[u].km + c.km}
					q.Push(v, c.to)
				}
			}
		}
		for _, u := range touched {
			dist[u].cost = unreached
		}
		for _, l := range labels[h] {
			root[l.hub] = unreached
		}
	}
	p.first, p.labels = make([]int32, n+1), make([]label, 0, total)
	for i, ls := range labels {
		p.labels = append(p.labels, ls...)
		p.first[i+1] = int32(len(p.labels))
	}
	p.pages = g.store.Move(paged.Of(&p.first), paged.Of(&p.labels))
	g.store.Recycle(p.pages)
	return p
}

// find returns a core node's label for a hub it has one for.
func (p *profile) find(node int32, hub uint16) *label {
	ls := p.labels[p.first[node]:p.first[node+1]]
	i, _ := slices.BinarySearchFunc(ls, hub, func(l label, h uint16) int { return int(l.hub) - int(h) })
	return &ls[i]
}

// berth is what a port knows of the nodes that can be the turning point of a way
// from it under one profile: the core's hubs and the nodes below the core that
// an upward search from it reaches.
type berth struct {
	profile *profile
	hubs    []hub     // by node
	reached []reached // by node: the upward search
}

type hub struct {
	node     uint16
	entry    uint16 // the core node the way enters the core by; the node itself below the core
	cost, km float32
}

// reached is a node of the upward search and how it was reached: by an arc from
// a less important node, or ^approach.
type reached struct{ node, by int32 }

// climber is the room for an upward search.
type climber struct {
	cost, km []float32
	by       []int32
	entry    []uint16
	todo     []uint64 // bits of nodes reached and not settled
	seen     []int32
}

func newClimber(n int) *climber {
	c := &climber{
		cost: make([]float32, n), km: make([]float32, n), by: make([]int32, n),
		entry: make([]uint16, n), todo: make([]uint64, (n+63)/64),
	}
	for i := range c.cost {
		c.cost[i] = unreached
	}
	return c
}

func (c *climber) reach(n int32, cost, km float32, by int32) {
	if cost >= c.cost[n] {
		return
	}
	if c.cost[n] == unreached {
		c.seen = append(c.seen, n)
		c.todo[n/64] |= 1 << (n % 64)
	}
	c.cost[n], c.km[n], c.by[n] = cost, km, by
}

// newBerth climbs from a port's approaches to the core. Arcs only lead to more
// important nodes, which have smaller numbers: settling nodes from the greatest
// number down needs no queue.
func (g *Graph) newBerth(pt *port, p *profile) *berth {
	c := g.climbers.Get().(*climber)
	defer g.climbers.Put(c)
	for i := range pt.approaches {
		if a := &pt.approaches[i]; a.passages&p.shut == 0 {
			c.reach(a.node, float32(a.cost)+p.weight(a.passages), float32(a.km), ^int32(i))
		}
	}
	b := &berth{profile: p}
	for w := len(c.todo) - 1; w >= 0; w-- {
		for c.todo[w] != 0 {
			n := int32(w*64 + 63 - bits.LeadingZeros64(c.todo[w]))
			c.todo[w] &^= 1 << (n % 64)
			if int(n) < g.core {
				continue
			}
			for i := g.first[n]; i < g.first[n+1]; i++ {
				if a := &g.arcs[i]; a.passages&p.shut == 0 {
					c.reach(a.to, c.cost[n]+a.cost+p.weight(a.passages), c.km[n]+a.km, i)
				}
			}
		}
	}
	slices.Sort(c.seen)
	entries, below := c.seen, []int32(nil)
	for i, n := range c.seen {
		if int(n) >= g.core {
			entries, below = c.seen[:i], c.seen[i:]
			break
		}
	}
	// A node below the core whose more important neighbours know a shorter way to
	// it is no turning point. They come first, so what they know is final.
	for _, n := range below {
		best := c.cost[n]
		for i := g.first[n]; i < g.first[n+1]; i++ {
			a := &g.arcs[i]
			if v := c.cost[a.to] + a.cost + p.weight(a.passages); a.passages&p.shut == 0 && v < best-0.01 {
				best = v
			}
		}
		if best == c.cost[n] {
			b.hubs = append(b.hubs, hub{uint16(n), uint16(n), c.cost[n], c.km[n]})
		}
	}
	for _, n := range c.seen {
		b.reached = append(b.reached, reached{n, c.by[n]})
	}
	// The core's hubs, by way of the nodes the core is entered by.
	enter := make([]hub, len(entries))
	for i, n := range entries {
		enter[i] = hub{node: uint16(n), cost: c.cost[n], km: c.km[n]}
	}
	for _, n := range c.seen {
		c.cost[n] = unreached
	}
	c.seen = c.seen[:0]
	for _, e := range enter {
		n := int32(e.node)
		for _, l := range p.labels[p.first[n]:p.first[n+1]] {
			h := int32(l.hub)
			if v := e.cost + l.cost; v < c.cost[h] {
				if c.cost[h] == unreached {
					c.seen = append(c.seen, h)
				}
				c.cost[h], c.km[h], c.entry[h] = v, e.km+l.km, e.node
			}
		}
	}
	slices.Sort(c.seen)
	hubs := make([]hub, 0, len(c.seen)+len(b.hubs))
	for _, h := range c.seen {
		hubs = append(hubs, hub{uint16(h), c.entry[h], c.cost[h], c.km[h]})
		c.cost[h] = unreached
	}
	c.seen = c.seen[:0]
	b.hubs = append(hubs, b.hubs...)
	return b
}

// meet finds the node at which the ways of two berths join cheapest.
func meet(a, b *berth) (i, j int, cost float32) {
	i, j, cost = -1, -1, unreached
	as, bs := a.hubs, b.hubs
	for x, y := 0, 0; x < len(as) && y < len(bs); {
		switch hx, hy := as[x].node, bs[y].node; {
		case hx < hy:
			x++
		case hx > hy:
			y++
		default:
			if c := as[x].cost + bs[y].cost; c < cost {
				i, j, cost = x, y, c
			}
			x++
			y++
		}
	}
	return i, j, cost
}

// trail is the arcs of a berth's way from the port's approach up to a hub, each
// with the node it is entered from.
func (g *Graph) trail(b *berth, h hub) (approach int32, steps []sailedArc) {
	n := int32(h.entry)
	for {
		i, _ := slices.BinarySearchFunc(b.reached, n, func(r reached, n int32) int { return int(r.node - n) })
		by := b.reached[i].by
		if by < 0 {
			approach = ^by
			break
		}
		n = g.arcs[by].owner
		steps = append(steps, sailedArc{by, n})
	}
	slices.Reverse(steps)
	for n = int32(h.entry); n != int32(h.node); {
		next := int32(b.profile.find(n, h.node).next)
		steps = append(steps, sailedArc{g.coreArc(n, next, b.profile), n})
		n = next
	}
	return approach, steps
}

// sailedArc is an arc and the end it is entered by.
type sailedArc struct{ arc, from int32 }

// coreArc is the cheapest open arc between two core nodes.
func (g *Graph) coreArc(a, b int32, p *profile) int32 {
	if a < b {
		a, b = b, a
	}
	best, cost := int32(-1), float32(unreached)
	for i := g.first[a]; i < g.first[a+1]; i++ {
		x := &g.arcs[i]
		if c := x.cost + p.weight(x.passages); x.to == b && x.passages&p.shut == 0 && c < cost {
			best, cost = i, c
		}
	}
	return best
}

// sail appends the nodes after the first that an arc leads over, and the
// passages of its legs.
func (g *Graph) sail(nodes []int32, ids []uint8, s sailedArc) ([]int32, []uint8) {
	a := &g.arcs[s.arc]
	forth := s.from == a.to // from the more important end
	if a.left >= 0 {
		up, down := sailedArc{a.left, a.to}, sailedArc{a.right, g.arcs[a.right].owner}
		if !forth {
			up, down = sailedArc{a.right, a.owner}, sailedArc{a.left, g.arcs[a.left].owner}
		}
		nodes, ids = g.sail(nodes, ids, up)
		return g.sail(nodes, ids, down)
	}
	leg := g.legs[s.arc]
	if forth {
		return append(nodes, a.owner), append(ids, leg...)
	}
	for i := len(leg) - 1; i >= 0; i-- {
		ids = append(ids, leg[i])
	}
	return append(nodes, a.to), ids
}
