package pareto

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Query is what a search is asked. Its zero value besides From and To is exact:
// every journey that no other dominates in all four criteria is found.
type Query struct {
	From, To   int32
	Passed     uint64  // bits already passed at From
	HorizonH   float64 // journeys that take longer are left out; 0: none is
	Legs       int     // links in a journey; 0: any number, at most 250
	Departures int     // tried of each service at each node; 0: all up to the horizon
	// Epsilon makes the search rough: for every journey of the exact answer one is
	// found that is no more than this share worse in hours, cost, CO2e and standard
	// deviation, each. 0: exact.
	Epsilon float64

	// What follows is for seeing beaten kinds of journeys too. It is heuristic and
	// gives no guarantee.

	Kinds    bool    // labels compete only with labels of their kind, and Epsilon is for hours at every node as well
	Slack    float64 // >1: drop what an arrived journey that breaks no rule beats in hours, cost and CO2e by ratios of this product
	Patient  uint64  // bits of journeys that are held to Patience instead of Slack
	Patience float64
	PerKind  int // labels kept of a kind at a node; 0: any number
	Labels   int // stop after so many; 0: never
}

// Label is a way to be at a node.
type Label struct {
	Hours    float64 // expected, since the start
	Variance float64
	Cost     float64
	CO2      float64
	Depart   float64 // when the last link was begun
	Node     int32
	Kind     int32
	Rule     int32 // the one rule broken on the way; 0: none
	parent   int32 // index of the label before; -1 at the origin
	link     int32 // the last link; -1 at the origin
	once     uint64
	hops     int32
	local    bool // the last link was
	dead     bool
}

// shareOnTheWay is the part of a rough search's room that is spent at the nodes on
// the way, in equal shares; the rest is for journeys that have arrived. Of the
// shares tried this one makes the fewest labels.
const shareOnTheWay = 0.6

// maxLegs bounds journeys where the caller does not.
const maxLegs = 250

// Searcher answers queries. It keeps its memory between them; it is not safe for
// concurrent use.
type Searcher struct {
	net *Network
	q   Query

	labels  []Label
	queue   heap
	bags    [][]held // by node; of kinds by what places says
	touched []int32  // bags that are not empty
	places  map[place]int32
	front   []arrived // arrived labels to prune by
	kinds   map[kindKey]int32
	reached [][3]float64 // Slack: what arrived and breaks no rule

	lower  [][]bounds // lower[k][node]: what is left with at most k links; one layer without a leg cap
	depth  []int32    // links from the origin, to keep the layers small
	marked []bool
	border [2][]int32 // nodes to go on from

	step, stepVar float64 // room of a rough search where journeys end
	node, nodeVar float64 // at one node
	scale         [4]float64
	found         []Label
}

// kindKey is how kinds grow.
type kindKey struct{ kind, token int32 }

// place is where labels of kinds compete.
type place struct{ node, kind, rule int32 }

// bag is where a label competes.
func (s *Searcher) bag(n *Label) int32 {
	if !s.q.Kinds {
		return n.Node
	}
	at := place{n.Node, n.Kind, n.Rule}
	i, ok := s.places[at]
	if !ok {
		i = int32(len(s.places))
		s.places[at] = i
		if int(i) == len(s.bags) {
			s.bags = append(s.bags, nil)
		}
	}
	return i
}

// held is what dominance looks at, side by side in memory.
type held struct {
	hours, cost, co2, variance float64
	once                       uint64
	label, kind, rule, hops    int32
	local                      bool
}

// arrived is what a journey that reached the destination comes to.
type arrived struct {
	hours, cost, co2, variance float64
	rule                       int32
}

// bound is what is left to the destination at least. Floats are rounded down when
// they are used.
type bound struct {
	hours, cost, co2 float32
	still            float32 // variance by links that leave when ready
	reset            float32 // variance of arrival when a departure is on the way
}

// down keeps a bound below what sums in another order would give.
const down = 1 - 1e-6

// bounds are what is left after any link, and after a local one, which no other
// local one follows.
type bounds struct{ any, other bound }

func (b *bound) variance(v float64) float64 {
	return math.Min(v+float64(b.still)*down, float64(b.reset)*down)
}

// Search finds the journeys that answer a query, cheapest first. What it gives is
// valid until the next search. A context that ends is its error.
func (s *Searcher) Search(ctx context.Context, n *Network, q Query) ([]Label, error) {
	if q.From < 0 || q.To < 0 || int(q.From) >= n.nodes || int(q.To) >= n.nodes {
		return nil, fmt.Errorf("search from node %d to %d: the network has %d", q.From, q.To, n.nodes)
	}
	if q.HorizonH <= 0 && q.Departures <= 0 {
		return nil, errors.New("search without an end: give a horizon or how many departures to try of each service")
	}
	if q.Epsilon < 0 || math.IsNaN(q.Epsilon) || q.Legs < 0 || q.Legs > maxLegs {
		return nil, fmt.Errorf("search with epsilon %g and %d legs: the first may not be negative, the second not above %d", q.Epsilon, q.Legs, maxLegs)
	}
	s.reset(n, q)
	s.bounds()
	if math.IsInf(float64(s.left(q.From, 0, false).hours), 1) {
		return nil, ctx.Err()
	}
	s.start()
	for turn := 0; len(s.queue) > 0; turn++ {
		if turn%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		i := s.queue.pop()
		at := &s.labels[i]
		if at.dead || at.Node == q.To {
			continue
		}
		if q.Labels > 0 && len(s.labels) > q.Labels {
			break
		}
		if q.Legs > 0 && int(at.hops) >= q.Legs || s.beatenBy(at, s.left(at.Node, at.hops, at.local)) {
			continue
		}
		s.expand(i)
	}
	slices.Sort(s.touched) // a bag that was emptied and filled again is there twice
	s.touched = slices.Compact(s.touched)
	for _, b := range s.touched {
		for _, h := range s.bags[b] {
			if l := &s.labels[h.label]; l.Node == q.To {
				s.found = append(s.found, *l)
			}
		}
	}
	slices.SortFunc(s.found, compare)
	return s.found, nil
}

// compare is a total order of what can be told apart.
func compare(a, b Label) int {
	for _, d := range [...]float64{a.Cost - b.Cost, a.Hours - b.Hours, a.CO2 - b.CO2, a.Variance - b.Variance, float64(a.Kind - b.Kind), float64(a.Rule - b.Rule)} {
		if d < 0 {
			return -1
		}
		if d > 0 {
			return 1
		}
	}
	return 0
}

// Steps appends the links of a journey in their order, with the hour each begins
// at. The label must be of the last search.
func (s *Searcher) Steps(l Label, steps []Step) []Step {
	first := len(steps)
	for at := &l; at.parent >= 0; at = &s.labels[at.parent] {
		steps = append(steps, Step{at.link, at.Depart})
	}
	slices.Reverse(steps[first:])
	return steps
}

// Step is a link of a journey.
type Step struct {
	Link   int32
	Depart float64 // hours after the start
}

// Size is how many labels the last search made: what its work grows with.
func (s *Searcher) Size() int { return len(s.labels) }

func (s *Searcher) reset(n *Network, q Query) {
	s.net, s.q = n, q
	s.labels, s.queue, s.front, s.found, s.reached = s.labels[:0], s.queue[:0], s.front[:0], s.found[:0], s.reached[:0]
	for _, v := range s.touched {
		s.bags[v] = s.bags[v][:0]
	}
	s.touched = s.touched[:0]
	if len(s.bags) < n.nodes {
		s.bags = append(s.bags, make([][]held, n.nodes-len(s.bags))...)
	}
	if s.kinds == nil {
		s.kinds, s.places = map[kindKey]int32{}, map[place]int32{}
	}
	clear(s.kinds)
	clear(s.places)
	// Roughness adds up along a journey, and once more where it ends.
	on, end := shareOnTheWay/float64(max(1, q.Legs)), 1-shareOnTheWay
	if q.Legs == 0 {
		on = shareOnTheWay / float64(n.nodes)
	}
	s.node, s.step = math.Pow(1+q.Epsilon, on), math.Pow(1+q.Epsilon, end)
	s.nodeVar, s.stepVar = s.node*s.node, s.step*s.step
	if q.Kinds { // variance is of the fourth order for a reader: it gets eight times the room
		s.node, s.step, s.nodeVar, s.stepVar = 1+q.Epsilon, 1+q.Epsilon, 1+8*q.Epsilon, 1+8*q.Epsilon
	}
}

// left is what is left to the destination from a node after some links, the last
// of which was a local one or not.
func (s *Searcher) left(node, hops int32, local bool) *bound {
	layer := 0
	if s.q.Legs > 0 {
		layer = s.q.Legs - int(hops)
	}
	b := &s.lower[layer][node]
	if local {
		return &b.other
	}
	return &b.any
}

// bounds finds what is at least left to the destination from every node: a search
// backwards for each criterion, all of them side by side, link after link. With a
// leg cap there is a layer for every number of links left, made only where the
// origin is near enough for it to be asked.
func (s *Searcher) bounds() {
	n, layers := s.net, s.q.Legs+1
	for len(s.lower) < layers {
		s.lower = append(s.lower, nil)
	}
	if len(s.marked) < n.nodes {
		s.marked = make([]bool, n.nodes)
		s.depth = make([]int32, n.nodes)
	}
	inf := float32(math.Inf(1))
	first := slices.Grow(s.lower[0][:0], n.nodes)[:n.nodes]
	for i := range first {
		first[i] = bounds{bound{inf, inf, inf, inf, inf}, bound{inf, inf, inf, inf, inf}}
	}
	first[s.q.To] = bounds{bound{reset: inf}, bound{reset: inf}}
	s.lower[0] = first
	if s.q.Legs > 0 {
		s.depths()
	}
	from, to := append(s.border[0][:0], s.q.To), s.border[1][:0]
	at := first
	for k := 1; len(from) > 0 && (s.q.Legs == 0 || k < layers); k++ {
		next, near := at, int32(math.MaxInt32)
		if s.q.Legs > 0 {
			s.lower[k] = append(s.lower[k][:0], at...)
			next, near = s.lower[k], int32(s.q.Legs-k)
		}
		for _, v := range from {
			b := at[v]
			into := n.into[n.intoAt[v]:n.intoAt[v+1]]
			for i := range into {
				l := &into[i]
				if s.q.Legs > 0 && s.depth[l.from] > near {
					continue
				}
				u, less := &next[l.from], false
				if l.local {
					less = u.any.lessen(&b.other, l)
				} else if less = u.other.lessen(&b.any, l); less {
					u.any.lessen(&b.any, l)
				}
				if less && !s.marked[l.from] {
					s.marked[l.from] = true
					to = append(to, l.from)
				}
			}
		}
		for _, v := range to {
			s.marked[v] = false
		}
		if s.q.Legs > 0 { // a layer is what the one before is, so its changes go on
			at = next
		}
		from, to = to, from[:0]
		if s.q.Legs > 0 && len(from) == 0 {
			for k++; k < layers; k++ {
				s.lower[k] = append(s.lower[k][:0], at...)
			}
		}
	}
	s.border = [2][]int32{from, to}
}

// lessen makes a bound what a link and a bound at its end give, where that is less.
func (b *bound) lessen(end *bound, l *entrance) bool {
	less := false
	if v := end.hours + l.hours; v < b.hours {
		b.hours, less = v, true
	}
	if v := end.cost + l.cost; v < b.cost {
		b.cost, less = v, true
	}
	if v := end.co2 + l.co2; v < b.co2 {
		b.co2, less = v, true
	}
	if !l.departs {
		if v := end.still + l.variance; v < b.still {
			b.still, less = v, true
		}
		if end.reset < b.reset {
			b.reset, less = end.reset, true
		}
		return less
	}
	// Who takes a departure arrives with its variance, whatever the one before.
	if v := min(end.still+l.variance, end.reset); v < b.reset {
		b.reset, less = v, true
	}
	return less
}

// depths counts the links from the origin to every node, up to the leg cap.
func (s *Searcher) depths() {
	n := s.net
	for i := range n.nodes {
		s.depth[i] = math.MaxInt32
	}
	s.depth[s.q.From] = 0
	from, to := append(s.border[0][:0], s.q.From), s.border[1][:0]
	for d := int32(1); len(from) > 0 && int(d) <= s.q.Legs; d++ {
		for _, v := range from {
			for _, w := range n.to[n.first[v]:n.first[v+1]] {
				if s.depth[w] > d {
					s.depth[w] = d
					to = append(to, w)
				}
			}
		}
		from, to = to, from[:0]
	}
	s.border = [2][]int32{from, to}
}

// start puts the origin in, and the best journey by each criterion: with these to
// compare to, the rest need not be tried.
func (s *Searcher) start() {
	b := s.left(s.q.From, 0, false)
	for c, v := range [...]float32{b.hours, b.cost, b.co2, min(b.still, b.reset)} {
		s.scale[c] = 0
		if v > 0 {
			s.scale[c] = 1 / float64(v)
		}
	}
	s.scale[3] /= 8 // certainty is asked last
	first := Label{Node: s.q.From, parent: -1, link: -1, once: s.q.Passed}
	s.add(first, s.bag(&first), 0)
	for _, w := range scouts() {
		s.scout(w)
	}
}

// scouts weigh hours, cost, CO2e and variance, each as a share of the least there
// can be, for the journeys looked for first.
func scouts() [][4]float64 {
	return [][4]float64{
		{1, 0, 0, 0},
		{0, 1, 0, 0},
		{0, 0, 1, 0},
		{1, 1, 0, 0},
		{1, 0, 1, 0},
		{0, 1, 1, 0},
		{1, 1, 1, 0},
		{3, 1, 1, 0},
		{1, 3, 1, 0},
		{1, 1, 3, 0},
		{1, 0.3, 0.1, 0.1},
		{0.3, 1, 0.1, 0.1},
		{1, 1, 0.3, 0.3},
	}
}

// scout follows the lower bounds of weighed criteria to the destination: not
// always to the best, but at once.
func (s *Searcher) scout(weights [4]float64) {
	n := s.net
	for i := int32(0); s.labels[i].Node != s.q.To; {
		at := s.labels[i]
		if int(at.hops) >= maxLegs || s.q.Legs > 0 && int(at.hops) >= s.q.Legs {
			return
		}
		best, least := int32(-1), math.Inf(1)
		for l := n.first[at.Node]; l < n.first[at.Node+1]; l++ {
			link := &n.links[l]
			if link.Rule != 0 || at.once&link.Once != 0 || at.local && link.Local {
				continue
			}
			hours, variance := at.Hours+link.Hours, at.Variance+link.Variance
			if link.Departs > 0 {
				d, _, ok, _ := n.next(&n.rhythms[link.Departs-1], at.Hours+link.CutoffH)
				if !ok {
					continue
				}
				hours, variance = d+link.Hours, link.Variance
			}
			b := s.left(link.To, at.hops+1, link.Local)
			v := 0.0
			for c, x := range [...]float64{hours + float64(b.hours), link.Cost + float64(b.cost), link.CO2 + float64(b.co2), b.variance(variance)} {
				if weights[c] > 0 {
					v += weights[c] * s.scale[c] * x
				}
			}
			if v < least {
				best, least = l, v
			}
		}
		if best < 0 {
			return
		}
		size, to := len(s.labels), n.links[best].To
		s.extend(i, best, s.left(to, at.hops+1, n.links[best].Local))
		if len(s.labels) > size {
			i = int32(size)
			continue
		}
		// Another scout was here: go on from where it was.
		k := slices.IndexFunc(s.labels, func(l Label) bool { return l.parent == i && l.link == best && !l.dead })
		if k < 0 {
			return
		}
		i = int32(k)
	}
}

// expand makes the labels that the links from a label's node lead to. A first look
// at each, with little memory touched, leaves most of them out.
func (s *Searcher) expand(i int32) {
	at := s.labels[i] // a copy: labels move when they grow
	layer := s.lower[0]
	if s.q.Legs > 0 {
		layer = s.lower[s.q.Legs-int(at.hops)-1]
	}
	first := s.net.first[at.Node]
	ways := s.net.way[first:s.net.first[at.Node+1]]
	for k := range ways {
		w := &ways[k]
		left := &layer[w.to].any
		if w.local {
			left = &layer[w.to].other
		}
		if left.hours > math.MaxFloat32 || w.local && at.local {
			continue
		}
		if !s.q.Kinds {
			variance := float64(w.variance) * down
			if !w.departs {
				variance += at.Variance
			}
			if s.outdone(at.Hours+float64(w.hours+left.hours)*down, at.Cost+float64(w.cost+left.cost)*down, at.CO2+float64(w.co2+left.co2)*down, left.variance(variance), at.Rule) {
				continue
			}
		}
		s.extend(i, first+int32(k), left)
	}
}

// outdone reports whether an arrived journey is as good as what a label, given by
// what it comes to at least, can become.
func (s *Searcher) outdone(hours, cost, co2, variance float64, rule int32) bool {
	hours, cost, co2, variance = hours*s.step, cost*s.step, co2*s.step, variance*s.stepVar
	for k := range s.front {
		f := &s.front[k]
		if f.hours <= hours && f.cost <= cost && f.co2 <= co2 && f.variance <= variance && (f.rule == 0 || f.rule == rule) {
			if k > 0 { // who prunes one prunes the next
				s.front[k], s.front[k-1] = s.front[k-1], s.front[k]
			}
			return true
		}
	}
	return false
}

// extend makes the labels a link leads to from a label. left is what is left where
// the link ends.
func (s *Searcher) extend(i, link int32, left *bound) {
	at := &s.labels[i]
	l := &s.net.links[link]
	if left.hours > math.MaxFloat32 || at.once&l.Once != 0 {
		return
	}
	next := Label{
		Hours: at.Hours + l.Hours, Variance: at.Variance + l.Variance, Cost: at.Cost + l.Cost, CO2: at.CO2 + l.CO2,
		Node: l.To, Kind: at.Kind, Rule: at.Rule, once: at.once | l.Once | l.Marks, parent: i, link: link, Depart: at.Hours, hops: at.hops + 1, local: l.Local,
	}
	if l.Rule != 0 {
		if at.Rule != 0 && at.Rule != l.Rule {
			return // one reason is enough to say no
		}
		next.Rule = l.Rule
	}
	if s.q.Kinds && l.Token != 0 {
		key := kindKey{at.Kind + 1, l.Token}
		kind, ok := s.kinds[key]
		if !ok {
			kind = int32(len(s.kinds) + 1)
			s.kinds[key] = kind
		}
		next.Kind = kind
	}
	if l.Departs == 0 {
		s.offer(&next, left)
		return
	}
	r := &s.net.rhythms[l.Departs-1]
	start, variance := at.Hours, at.Variance
	ready := start + l.CutoffH
	for n := 0; s.q.Departures == 0 || n < s.q.Departures; n++ {
		d, after, ok, again := s.net.next(r, ready)
		if !ok || s.q.HorizonH > 0 && d+l.Hours+float64(left.hours)*down > s.q.HorizonH {
			return
		}
		gap := 0.0
		if again {
			gap = after - d
		}
		next.Hours, next.Depart = d+l.Hours, d
		// A later departure is surer at best: once that is not enough, no later one is.
		next.Variance = l.Variance
		if s.beatenBy(&next, left) {
			return
		}
		next.Variance += Missed(d-l.CutoffH-start, variance) * gap * gap
		s.offer(&next, left)
		if !again || next.Variance <= l.Variance { // a later departure is only surer
			return
		}
		ready = after
	}
}

// offer keeps a label unless one at its node, or an arrived one, beats it.
func (s *Searcher) offer(n *Label, left *bound) {
	if s.q.HorizonH > 0 && n.Hours+float64(left.hours)*down > s.q.HorizonH {
		return
	}
	if s.beatenBy(n, left) {
		return
	}
	// How good another may be and make this one needless. What is left is the same
	// for both, so roughness is a share of the whole journey.
	e, eVar := s.node-1, s.nodeVar
	if n.Node == s.q.To {
		e, eVar = s.step-1, s.stepVar
	}
	limit := held{
		hours: n.Hours, cost: n.Cost + e*(n.Cost+float64(left.cost)*down), co2: n.CO2 + e*(n.CO2+float64(left.co2)*down), variance: n.Variance * eVar,
	}
	if s.q.Kinds || n.Node == s.q.To {
		limit.hours *= 1 + e
	}
	in := s.bag(n)
	bag := s.bags[in]
	capped := s.q.Legs > 0 && n.Node != s.q.To
	exact := !s.q.Kinds && n.Node != s.q.To
	for k := range bag {
		h := &bag[k]
		if h.hours <= limit.hours && h.cost <= limit.cost && h.co2 <= limit.co2 && h.variance <= limit.variance &&
			h.kind == n.Kind && s.lawful(h.rule, n.Rule) && (!exact || h.once&^n.once == 0 && (!h.local || n.local) && (!capped || h.hops <= n.hops)) {
			return
		}
	}
	kept, same := bag[:0], 0
	for k := range bag {
		h := bag[k]
		if h.kind == n.Kind && s.lawful(n.Rule, h.rule) {
			if n.Hours <= h.hours && n.Cost <= h.cost && n.CO2 <= h.co2 && n.Variance <= h.variance && (!exact || n.once&^h.once == 0 && (!n.local || h.local) && (!capped || n.hops <= h.hops)) {
				s.labels[h.label].dead = true
				continue
			}
			same++
		}
		kept = append(kept, h)
	}
	s.bags[in] = kept
	if s.q.PerKind > 0 && same >= s.q.PerKind {
		return
	}
	s.add(*n, in, s.key(n, left))
}

// lawful reports whether a label that breaks rule a may stand for one that breaks
// rule b: it does not break another, or none. Of kinds what is refused is told, so
// there only one that breaks the same rule may.
func (s *Searcher) lawful(a, b int32) bool { return a == b || a == 0 && !s.q.Kinds }

// key orders the queue: what the whole journey is at least, each criterion as a
// share of the best. It never falls along a journey, and a label that dominates
// another has no larger one.
func (s *Searcher) key(n *Label, left *bound) float64 {
	return (n.Hours+float64(left.hours))*s.scale[0] + (n.Cost+float64(left.cost))*s.scale[1] + (n.CO2+float64(left.co2))*s.scale[2] + left.variance(n.Variance)*s.scale[3]
}

func (s *Searcher) add(n Label, bag int32, key float64) {
	i := int32(len(s.labels))
	s.labels = append(s.labels, n)
	if len(s.bags[bag]) == 0 {
		s.touched = append(s.touched, bag)
	}
	h := held{n.Hours, n.Cost, n.CO2, n.Variance, n.once, i, n.Kind, n.Rule, n.hops, n.local}
	s.bags[bag] = append(s.bags[bag], h)
	if n.Node != s.q.To {
		s.queue.push(entry{key, i})
		return
	}
	s.front = append(s.front, arrived{n.Hours, n.Cost, n.CO2, n.Variance, n.Rule})
	if s.q.Slack > 1 && n.Rule == 0 {
		s.reach([3]float64{n.Hours, n.Cost, n.CO2})
	}
}

// beatenBy reports whether nothing that a label can become is worth finding.
func (s *Searcher) beatenBy(n *Label, left *bound) bool {
	hours, cost, co2 := n.Hours+float64(left.hours)*down, n.Cost+float64(left.cost)*down, n.CO2+float64(left.co2)*down
	if s.q.Kinds {
		return s.hopeless(n, [3]float64{hours, cost, co2})
	}
	return s.outdone(hours, cost, co2, left.variance(n.Variance), n.Rule)
}

// hopeless reports whether an arrived journey that breaks no rule is better by the
// slack in every respect than anything a label can become.
func (s *Searcher) hopeless(n *Label, can [3]float64) bool {
	if s.q.Slack <= 1 {
		return false
	}
	most := s.q.Slack
	if n.once&s.q.Patient != 0 {
		most = s.q.Patience
	}
	if n.Rule != 0 { // told only as refused: less of it
		most = 1 + (most-1)/2
	}
	for i := range s.reached {
		if BeatenBy(can, s.reached[i]) >= most {
			return true
		}
	}
	return false
}

// reach remembers what an arrived label offers, unless another offers more.
func (s *Searcher) reach(n [3]float64) {
	for _, r := range s.reached {
		if r[0] <= n[0] && r[1] <= n[1] && r[2] <= n[2] {
			return
		}
	}
	s.reached = slices.DeleteFunc(s.reached, func(r [3]float64) bool { return n[0] <= r[0] && n[1] <= r[1] && n[2] <= r[2] })
	s.reached = append(s.reached, n)
}

// BeatenBy is the product of the ratios by which b is better than a in all three
// respects, or 1 when it is not better in all.
func BeatenBy(a, b [3]float64) float64 {
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

// entry is a label in the queue.
type entry struct {
	key   float64
	label int32
}

// heap is a queue of four children a node: flatter than two, and without
// interfaces. Labels of one key come in their age, so that a search repeats.
type heap []entry

func (e entry) before(f entry) bool { return e.key < f.key || e.key == f.key && e.label < f.label }

func (q *heap) push(e entry) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
	*q = h
}

func (q *heap) pop() int32 {
	h := *q
	top := h[0].label
	e := h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		least := 4*i + 1
		if least >= len(h) {
			h[i] = e
			break
		}
		for c := least + 1; c < min(4*i+5, len(h)); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if !h[least].before(e) {
			h[i] = e
			break
		}
		h[i] = h[least]
		i = least
	}
	*q = h
	return top
}
