// Package pareto finds the journeys through a time-dependent network that nothing
// beats in hours, cost, CO2e and certainty at once. It is the planner's engine
// apart from any geography: nodes and links are numbers, and what they stand for
// is the caller's.
//
// A Builder collects links and departures, Build lays them out flat, and a
// Searcher answers queries with memory it keeps: after the first few, a query
// allocates nothing. Exact and rough queries are one algorithm: label setting in
// order of what a whole journey is at least, with one reverse search for each
// criterion as lower bounds, and the destination's Pareto set to prune by.
// README.md tells how it works and how fast it is.
//
// It knows no stations, prices or calendars; package search does.
package pareto

import (
	"fmt"
	"math"
	"slices"
)

// Link leads from one node to another. Its numbers are expected values, finite
// and not negative.
type Link struct {
	From, To int32
	Hours    float64 // moving, or handling
	Variance float64 // of Hours, in hours²
	Cost     float64 // USD
	CO2      float64 // kg
	CutoffH  float64 // hours to be ready before a departure
	Departs  int32   // a Builder.Rhythm; 0: leaves when ready
	Local    bool    // a lorry between neighbours: no two follow each other, for one all the way is a link of its own
	Token    int32   // what passing it adds to the kind of journey; 0: nothing
	Rule     int32   // the rule it breaks; 0: none
	Once     uint64  // bits no journey may pass twice, e.g. an area entered
	Marks    uint64  // bits that count as passed from here on
	What     int32   // for the caller
}

// rhythm is a sequence of departures in hours after the start of a search.
type rhythm struct {
	first, last int32   // of Network.times
	period      float64 // they repeat after it; 0: they do not
}

// Network is a set of nodes numbered from 0 and the links that leave them. It is
// read-only once built and safe for concurrent use.
type Network struct {
	nodes   int
	links   []Link     // by the node they leave
	first   []int32    // of each node's links; one more at the end
	to      []int32    // of each link, apart for walks that need no more
	way     []way      // of each link, what a first look needs
	into    []entrance // by the node they lead to
	intoAt  []int32    // of each node's into; one more at the end
	rhythms []rhythm
	times   []float64
}

// entrance is what a search backwards needs of a link, side by side in memory.
type entrance struct {
	from                       int32
	hours, cost, co2, variance float32
	departs, local             bool
}

// way is what a first look at a link needs, side by side in memory.
type way struct {
	to                         int32
	hours, cost, co2, variance float32
	departs, local             bool
}

// Nodes is the number of nodes.
func (n *Network) Nodes() int { return n.nodes }

// Link gives a link by its index, as steps of a journey name it.
func (n *Network) Link(i int32) *Link { return &n.links[i] }

// Links is the number of links.
func (n *Network) Links() int { return len(n.links) }

// Builder collects a network. The zero value is ready; Reset makes it ready
// again and keeps its memory.
type Builder struct {
	links   []Link
	rhythms []rhythm
	times   []float64
	net     Network
}

// Reset forgets what was added. Networks built before must not be used any more.
func (b *Builder) Reset() { b.links, b.rhythms, b.times = b.links[:0], b.rhythms[:0], b.times[:0] }

// Rhythm adds departures in hours after the start of a search, which must rise
// strictly, and gives what a link names them by. With a period of more than
// their span they repeat for ever.
func (b *Builder) Rhythm(times []float64, period float64) (int32, error) {
	if len(times) == 0 {
		return 0, fmt.Errorf("add a rhythm: it needs a departure")
	}
	for i, t := range times {
		if math.IsNaN(t) || math.IsInf(t, 0) || i > 0 && t <= times[i-1] {
			return 0, fmt.Errorf("add a rhythm: departure %d at hour %g does not follow the one before", i, t)
		}
	}
	if period != 0 && !(period > times[len(times)-1]-times[0]) {
		return 0, fmt.Errorf("add a rhythm: its period of %g h is not longer than its departures span", period)
	}
	at := int32(len(b.times))
	b.times = append(b.times, times...)
	b.rhythms = append(b.rhythms, rhythm{at, int32(len(b.times)), period})
	return int32(len(b.rhythms)), nil
}

// Add adds a link.
func (b *Builder) Add(l Link) { b.links = append(b.links, l) }

// Build lays the network out. It is in the builder's memory: valid until Reset.
func (b *Builder) Build(nodes int) (*Network, error) {
	n := &b.net
	n.nodes, n.rhythms, n.times = nodes, b.rhythms, b.times
	for i := range b.links {
		l := &b.links[i]
		if l.From < 0 || l.To < 0 || int(l.From) >= nodes || int(l.To) >= nodes || l.Departs < 0 || int(l.Departs) > len(b.rhythms) {
			return nil, fmt.Errorf("build a network of %d nodes: link %d from %d to %d by rhythm %d names something that is not there", nodes, i, l.From, l.To, l.Departs)
		}
		for _, v := range [...]float64{l.Hours, l.Variance, l.Cost, l.CO2, l.CutoffH} {
			if !(v >= 0) || v > math.MaxFloat32 {
				return nil, fmt.Errorf("build a network: link %d from %d to %d has a number that is negative or not finite: %+v", i, l.From, l.To, *l)
			}
		}
	}
	n.first = counts(n.first, nodes, b.links, func(l *Link) int32 { return l.From })
	n.links = slices.Grow(n.links[:0], len(b.links))[:len(b.links)]
	for i := range b.links {
		at := &n.first[b.links[i].From]
		n.links[*at] = b.links[i]
		*at++
	}
	unshift(n.first)
	n.to = slices.Grow(n.to[:0], len(n.links))[:len(n.links)]
	n.way = slices.Grow(n.way[:0], len(n.links))[:len(n.links)]
	n.intoAt = counts(n.intoAt, nodes, n.links, func(l *Link) int32 { return l.To })
	n.into = slices.Grow(n.into[:0], len(n.links))[:len(n.links)]
	for i := range n.links {
		at := &n.intoAt[n.links[i].To]
		l := &n.links[i]
		n.to[i] = l.To
		hours := l.Hours
		if l.Departs > 0 {
			hours += l.CutoffH // it leaves no sooner
		}
		n.way[i] = way{l.To, float32(hours), float32(l.Cost), float32(l.CO2), float32(l.Variance), l.Departs > 0, l.Local}
		n.into[*at] = entrance{l.From, float32(hours), float32(l.Cost), float32(l.CO2), float32(l.Variance), l.Departs > 0, l.Local}
		*at++
	}
	unshift(n.intoAt)
	return n, nil
}

// counts gives where each node's links begin.
func counts(at []int32, nodes int, links []Link, node func(*Link) int32) []int32 {
	at = slices.Grow(at[:0], nodes+1)[:nodes+1]
	clear(at)
	for i := range links {
		at[node(&links[i])+1]++
	}
	for i := range nodes {
		at[i+1] += at[i]
	}
	return at
}

// unshift undoes that filling moved every beginning to the next one's.
func unshift(at []int32) {
	copy(at[1:], at)
	at[0] = 0
}

// next is the first departure of a rhythm at or after an hour, and the one after
// it; false where there is none.
func (n *Network) next(r *rhythm, hour float64) (departs, after float64, ok, again bool) {
	times := n.times[r.first:r.last]
	turn := 0.0
	if r.period > 0 {
		turn = math.Max(0, math.Floor((hour-times[0])/r.period))
	}
	i := 0
	for {
		shift := turn * r.period
		if len(times) <= 8 {
			for i = 0; i < len(times) && times[i]+shift < hour; i++ {
			}
		} else {
			i, _ = slices.BinarySearch(times, hour-shift)
			for i > 0 && times[i-1]+shift >= hour { // rounding
				i--
			}
			for i < len(times) && times[i]+shift < hour {
				i++
			}
		}
		if i < len(times) {
			departs = times[i] + shift
			break
		}
		if r.period == 0 {
			return 0, 0, false, false
		}
		turn++
	}
	switch {
	case i+1 < len(times):
		return departs, times[i+1] + turn*r.period, true, true
	case r.period > 0:
		return departs, times[0] + (turn+1)*r.period, true, true
	}
	return departs, 0, true, false
}

// Missed is q(1-q), where q is the chance to come too late for a departure that
// is slack hours away when the variance of being ready is known. Times the square
// of the gap to the next departure it is the variance that adds.
//
// Delays have heavy tails: q is that of Student's distribution with two degrees
// of freedom, scaled to agree with the normal one at the median and at one in
// ten. Besides being truer, q is concave in the variance, so that a journey whose
// variance is larger by a share gains at most that share here: this is what the
// guarantee of rough queries rests on.
func Missed(slack, variance float64) float64 {
	if variance <= 0 {
		return 0
	}
	q := 0.5
	if slack > 0 {
		c := studentScale * variance
		root := math.Sqrt(slack*slack + c)
		q = 0.5 * c / (root * (root + slack)) // half of 1 - slack/root, without cancelling
	}
	return q * (1 - q)
}

// studentScale makes the 90 % quantile of the two distributions the same: 2 over
// the square of 1.8856 / 1.2816.
const studentScale = 0.92387
