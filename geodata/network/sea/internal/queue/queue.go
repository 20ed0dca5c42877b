// Package queue is the priority queue of shortest-way searches over the sea
// network: nodes by cost, the cheapest first. It is a plain slice, so a search can
// be reset without giving its memory back, and it makes no calls through an
// interface, which container/heap would for every comparison.
package queue

// Queue is a binary heap; the zero value is empty.
type Queue[C float32 | float64] []Item[C]

// Item is a node and its cost.
type Item[C float32 | float64] struct {
	Cost C
	Node int32
}

// Push adds a node.
func (q *Queue[C]) Push(cost C, node int32) {
	*q = append(*q, Item[C]{cost, node})
	s := *q
	for i := len(s) - 1; i > 0; {
		p := (i - 1) / 2
		if s[p].Cost <= s[i].Cost {
			break
		}
		s[p], s[i] = s[i], s[p]
		i = p
	}
}

// Pop takes a node of the least cost; the queue must not be empty.
func (q *Queue[C]) Pop() (C, int32) {
	s := *q
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	*q = s
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(s) {
			break
		}
		if c+1 < len(s) && s[c+1].Cost < s[c].Cost {
			c++
		}
		if s[i].Cost <= s[c].Cost {
			break
		}
		s[i], s[c] = s[c], s[i]
		i = c
	}
	return top.Cost, top.Node
}
