package search

import (
	"container/heap"
	"math"
	"slices"
)

// This file is the search itself, apart from any geography: a graph of nodes and
// links, labels that carry four criteria, and dominance. It is what is tested
// against brute force.

// link leads from one node to another. All its numbers are expected values and
// not negative.
type link struct {
	to       int32
	hours    float64 // moving, or handling
	variance float64 // hours²
	cost     float64 // USD
	co2      float64 // kg
	departs  *rhythm // nil: leaves when ready
	cutoff   float64 // hours to be ready before a departure
	token    int32   // what passing it adds to the kind of journey; 0: nothing
	rule     int32   // the rule it breaks; 0: none
	once     uint64  // bits no journey may pass twice, e.g. the area entered
	marks    uint64  // bits that count as passed from here on
	what     int32   // for the owner of the graph
}

// rhythm is a sequence of departures in hours after the start of the search.
type rhythm struct {
	times  []float64 // sorted, not empty
	period float64   // they repeat after it; 0: they do not
}

// next is the first departure at or after an hour; false when none is left.
func (r *rhythm) next(hour float64) (float64, bool) {
	turn := 0.0
	if r.period > 0 {
		turn = math.Max(0, math.Floor((hour-r.times[0])/r.period))
	}
	for range 3 {
		for _, d := range r.times {
			if d+turn*r.period >= hour {
				return d + turn*r.period, true
			}
		}
		if r.period == 0 {
			return 0, false
		}
		turn++
	}
	return 0, false
}

// graph is a set of nodes, numbered from 0, and the links that leave them.
type graph struct{ out [][]link }

func newGraph(nodes int) *graph { return &graph{out: make([][]link, nodes)} }

func (g *graph) add(from int32, l link) { g.out[from] = append(g.out[from], l) }

// label is a way to be at a node.
type label struct {
	hours    float64 // expected, since the start
	variance float64
	cost     float64
	co2      float64
	node     int32
	class    int32
	rule     int32 // the one rule broken on the way; 0: none
	parent   int32 // index of the label before; -1 at the origin
	from     int32 // node before
	link     int32 // index in out[from]
	once     uint64
	depart   float64
	hops     int16
	dead     bool
}

// limits bound a search. The zero value is exact: every label nothing dominates
// in all four criteria is found, up to the horizon.
type limits struct {
	horizon    float64 // hours; labels beyond are dropped; 0: none
	departures int     // tried of each service at each node; 0: all up to the horizon
	hops       int     // links in a journey; 0: any number
	epsilon    float64 // labels within this share of another in all criteria are dropped
	classes    bool    // labels compete only with labels of their class
	slack      float64 // >1: drop labels that an arrived one beats in hours, cost and CO2e by ratios of this product
	patient    uint64  // bits of labels that are kept to patience instead of slack
	patience   float64
	perClass   int // labels kept of a class at a node; 0: any number
	labels     int // stop after so many; 0: never
}

// search finds the labels at the destination and the arena their parents are in.
// start holds the bits already passed at the origin. Labels compete when they are at
// one node and, if asked, of one class: that is what keeps a journey alive that
// another kind of journey beats.
func search(g *graph, origin, destination int32, start uint64, lim limits, done func() bool) ([]label, []label) {
	s := &run{g: g, lim: lim, destination: destination, bags: make([]bag, len(g.out)), class: map[classKey]int32{{}: 0}}
	s.bound()
	if math.IsInf(s.lower[origin].hours, 1) {
		return nil, nil
	}
	s.scout(origin)
	s.push(label{node: origin, parent: -1, from: -1, once: start})
	for turn := 0; s.queue.Len() > 0; turn++ {
		if turn%256 == 0 && done != nil && done() {
			return nil, nil
		}
		i := heap.Pop(&s.queue).(int32)
		at := s.arena[i]
		if at.dead || at.node == destination {
			continue
		}
		if lim.labels > 0 && len(s.arena) > lim.labels {
			break
		}
		if lim.hops > 0 && int(at.hops) >= lim.hops {
			continue
		}
		for k := range g.out[at.node] {
			s.extend(i, int32(k))
		}
	}
	var found []label
	for _, b := range s.bags[destination] {
		for _, i := range b.labels {
			found = append(found, s.arena[i])
		}
	}
	slices.SortFunc(found, compareLabels)
	return found, s.arena
}

func compareLabels(a, b label) int {
	for _, d := range []float64{a.cost - b.cost, a.hours - b.hours, a.co2 - b.co2, a.variance - b.variance, float64(a.class - b.class), float64(a.rule - b.rule)} {
		if d < 0 {
			return -1
		}
		if d > 0 {
			return 1
		}
	}
	return 0
}

type classKey struct{ class, token int32 }

// bag holds the labels at a node that none of their class beats.
type bag []classBag

type classBag struct {
	class, rule int32
	labels      []int32
}

type bounds struct{ hours, cost, co2 float64 }

type run struct {
	g           *graph
	lim         limits
	destination int32
	arena       []label
	bags        []bag
	queue       queue
	class       map[classKey]int32
	lower       []bounds
	reached     [][3]float64 // hours, cost and CO2e of the best journeys known that break no rule
}

// extend makes the labels a link leads to from a label.
func (s *run) extend(i, k int32) {
	at := s.arena[i]
	l := &s.g.out[at.node][k]
	if math.IsInf(s.lower[l.to].hours, 1) || at.once&l.once != 0 {
		return
	}
	next := label{
		hours: at.hours + l.hours, variance: at.variance + l.variance, cost: at.cost + l.cost, co2: at.co2 + l.co2,
		node: l.to, class: at.class, rule: at.rule, once: at.once | l.once | l.marks, parent: i, from: at.node, link: k, depart: at.hours, hops: at.hops + 1,
	}
	if l.rule != 0 {
		if at.rule != 0 && at.rule != l.rule {
			return // one reason is enough to say no; ways that break two rules are not shown
		}
		next.rule = l.rule
	}
	if s.lim.classes && l.token != 0 {
		key := classKey{at.class + 1, l.token}
		c, ok := s.class[key]
		if !ok {
			c = int32(len(s.class))
			s.class[key] = c
		}
		next.class = c
	}
	if l.departs == nil {
		s.offer(next)
		return
	}
	ready := at.hours + l.cutoff
	for n := 0; s.lim.departures == 0 || n < s.lim.departures; n++ {
		d, ok := l.departs.next(ready)
		if !ok || s.lim.horizon > 0 && d+l.hours > s.lim.horizon {
			return
		}
		after, again := l.departs.next(math.Nextafter(d, math.Inf(1)))
		gap := 0.0
		if again {
			gap = after - d
		}
		next.hours, next.depart = d+l.hours, d
		next.variance = l.variance + missed(d-l.cutoff-at.hours, at.variance)*gap*gap
		s.offer(next)
		if !again {
			return
		}
		ready = after
	}
}

// missed is q(1-q), where q is the chance to come too late for a departure: with
// the square of the gap to the next one it is the variance that adds. Being
// early or certain never makes it larger, which is what lets labels dominate.
func missed(slack, variance float64) float64 {
	if variance <= 0 {
		return 0
	}
	q := math.Min(0.5, 0.5*math.Erfc(slack/math.Sqrt(2*variance)))
	return q * (1 - q)
}

// offer keeps a label unless one of its class, or an arrived one, beats it.
func (s *run) offer(n label) {
	if s.lim.horizon > 0 && n.hours+s.lower[n.node].hours > s.lim.horizon {
		return
	}
	if s.beaten(n) {
		return
	}
	bag := &s.bags[n.node]
	at := -1
	for b := range *bag {
		if cb := &(*bag)[b]; cb.class == n.class && cb.rule == n.rule {
			at = b
			break
		}
	}
	if at < 0 {
		*bag = append(*bag, classBag{class: n.class, rule: n.rule})
		at = len(*bag) - 1
	}
	cb := &(*bag)[at]
	for _, j := range cb.labels {
		if dominates(&s.arena[j], &n, s.lim.epsilon) {
			return
		}
	}
	kept := cb.labels[:0]
	for _, j := range cb.labels {
		if dominates(&n, &s.arena[j], 0) {
			s.arena[j].dead = true
			continue
		}
		kept = append(kept, j)
	}
	if s.lim.perClass > 0 && len(kept) >= s.lim.perClass {
		cb.labels = kept
		return // times only grow, so those kept are the earlier ones
	}
	s.arena = append(s.arena, n)
	i := int32(len(s.arena) - 1)
	cb.labels = append(kept, i)
	if n.node == s.destination && n.rule == 0 {
		s.reach(n.hours, n.cost, n.co2)
	}
	heap.Push(&s.queue, entry{n.hours, n.cost, i})
}

func dominates(a, b *label, epsilon float64) bool {
	e := 1 + epsilon
	// Variance is of the fourth order for a reader: it gets eight times the room.
	return a.hours <= b.hours*e && a.cost <= b.cost*e && a.co2 <= b.co2*e && a.variance <= b.variance*(1+8*epsilon)
}

// beaten reports whether an arrived label that breaks no rule is better by the
// slack in every respect than anything this label can become.
func (s *run) beaten(n label) bool {
	if s.lim.slack <= 1 {
		return false
	}
	low := &s.lower[n.node]
	h, c, e := n.hours+low.hours, n.cost+low.cost, n.co2+low.co2
	most := s.lim.slack
	if n.once&s.lim.patient != 0 {
		most = s.lim.patience
	}
	if n.rule != 0 { // told only as refused: less of it
		most = 1 + (most-1)/2
	}
	can := [3]float64{h, c, e}
	for i := range s.reached {
		if beatenBy(can, s.reached[i]) >= most {
			return true
		}
	}
	return false
}

// reach remembers what an arrived label offers that breaks no rule, unless
// another arrived label offers more of everything.
func (s *run) reach(hours, cost, co2 float64) {
	n := [3]float64{hours, cost, co2}
	for _, r := range s.reached {
		if r[0] <= n[0] && r[1] <= n[1] && r[2] <= n[2] {
			return
		}
	}
	s.reached = slices.DeleteFunc(s.reached, func(r [3]float64) bool { return n[0] <= r[0] && n[1] <= r[1] && n[2] <= r[2] })
	s.reached = append(s.reached, n)
}

// beatenBy is the product of the ratios by which b is better than a in all
// three respects, or 1 when it is not better in all.
func beatenBy(a, b [3]float64) float64 {
	product := 1.0
	for i := range a {
		switch {
		case b[i] > a[i]:
			return 1
		case b[i] > 0:
			product *= a[i] / b[i]
		}
	}
	return product
}

// dayValues weigh a day in USD for the journeys known before the search.
func dayValues() []float64 { return []float64{40, 300, 2_000} }

// scout finds a few good journeys, one search each for the lowest cost with a
// day weighed in, so that poor labels are dropped from the start.
func (s *run) scout(origin int32) {
	if s.lim.slack <= 1 {
		return
	}
	type state struct {
		bounds
		sum  float64
		done bool
	}
	for _, day := range dayValues() {
		at := make([]state, len(s.g.out))
		for i := range at {
			at[i].sum = math.Inf(1)
		}
		at[origin].sum = 0
		q := queue{{0, 0, origin}}
		for q.Len() > 0 {
			e := popEntry(&q)
			if at[e.i].done {
				continue
			}
			at[e.i].done = true
			here := at[e.i].bounds
			for k := range s.g.out[e.i] {
				l := &s.g.out[e.i][k]
				if l.rule != 0 || at[l.to].done {
					continue
				}
				next := bounds{here.hours + l.hours, here.cost + l.cost, here.co2 + l.co2}
				if l.departs != nil {
					d, ok := l.departs.next(here.hours + l.cutoff)
					if !ok {
						continue
					}
					next.hours = d + l.hours
				}
				if sum := next.cost + next.hours/24*day; sum < at[l.to].sum {
					at[l.to] = state{next, sum, false}
					heap.Push(&q, entry{sum, 0, l.to})
				}
			}
		}
		if at[s.destination].done {
			b := at[s.destination].bounds
			s.reach(b.hours, b.cost, b.co2)
		}
	}
}

func (s *run) push(l label) {
	s.arena = append(s.arena, l)
	i := int32(len(s.arena) - 1)
	s.bags[l.node] = append(s.bags[l.node], classBag{labels: []int32{i}})
	heap.Push(&s.queue, entry{0, 0, i})
}

// bound finds what is at least left to the destination from every node, by one
// search backwards for each criterion.
func (s *run) bound() {
	back := make([][]struct {
		from int32
		l    *link
	}, len(s.g.out))
	for from := range s.g.out {
		for k := range s.g.out[from] {
			l := &s.g.out[from][k]
			back[l.to] = append(back[l.to], struct {
				from int32
				l    *link
			}{int32(from), l})
		}
	}
	s.lower = make([]bounds, len(s.g.out))
	one := func(weight func(*link) float64, at func(*bounds) *float64) {
		for i := range s.lower {
			*at(&s.lower[i]) = math.Inf(1)
		}
		*at(&s.lower[s.destination]) = 0
		q := queue{{0, 0, s.destination}}
		for q.Len() > 0 {
			e := popEntry(&q)
			if e.hours > *at(&s.lower[e.i]) {
				continue
			}
			for _, b := range back[e.i] {
				if d := e.hours + weight(b.l); d < *at(&s.lower[b.from]) {
					*at(&s.lower[b.from]) = d
					heap.Push(&q, entry{d, 0, b.from})
				}
			}
		}
	}
	one(func(l *link) float64 { return l.hours }, func(b *bounds) *float64 { return &b.hours })
	if s.lim.slack > 1 {
		one(func(l *link) float64 { return l.cost }, func(b *bounds) *float64 { return &b.cost })
		one(func(l *link) float64 { return l.co2 }, func(b *bounds) *float64 { return &b.co2 })
	}
}

type entry struct {
	hours, cost float64
	i           int32
}

// queue orders labels by time, then cost, then age: the order is total, so a
// search repeats exactly.
type queue []entry

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	switch {
	case q[i].hours != q[j].hours:
		return q[i].hours < q[j].hours
	case q[i].cost != q[j].cost:
		return q[i].cost < q[j].cost
	}
	return q[i].i < q[j].i
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop are for container/heap.
func (q *queue) Push(x any) { *q = append(*q, x.(entry)) }

// Pop gives the index only.
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e.i
}

func popEntry(q *queue) entry {
	top := (*q)[0]
	heap.Pop(q)
	return top
}
