// Package dissect numbers the nodes of a network by nested dissection, the order
// that contraction hierarchies search fastest in: the network is cut in two by a
// small set of nodes, which come last, after both halves numbered the same way.
//
// Each cut is the smallest that separates the two ends of the nodes sorted along
// some direction (inertial flow: Schild and Sommer, SEA 2015). Dead ends are
// taken off before, again and again: they come first and cost nothing later.
package dissect

import (
	"context"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Graph is what is to be numbered. Positions are on any flat scale, the same for
// both axes; edges join nodes by their index, in any direction and as often as
// they like.
type Graph struct {
	X, Y  []float32
	Edges [][2]int32
}

// Order returns the nodes in their new order. The same graph gives the same
// order. Done, if not nil, is told how many more nodes were placed, from several
// goroutines; all of them have ended when Order returns. The error is the
// context's.
func Order(ctx context.Context, g Graph, workers int, done func(nodes int)) ([]int32, error) {
	if done == nil {
		done = func(int) {}
	}
	n := len(g.X)
	out := make([]int32, 0, n)
	whole := piece{x: g.X, y: g.Y}
	for _, e := range g.Edges {
		if e[0] != e[1] {
			whole.ends = append(whole.ends, [2]int32{min(e[0], e[1]), max(e[0], e[1])})
		}
	}
	slices.SortFunc(whole.ends, func(a, b [2]int32) int {
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		return int(a[1]) - int(b[1])
	})
	whole.ends = slices.Compact(whole.ends)
	whole.adjoin(n)

	// Dead ends.
	degree := make([]int32, n)
	gone := make([]bool, n)
	var stack []int32
	for v := range int32(n) {
		degree[v] = whole.start[v+1] - whole.start[v]
		if degree[v] <= 1 {
			stack = append(stack, v)
		}
	}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if gone[v] {
			continue
		}
		gone[v] = true
		out = append(out, v)
		for _, e := range whole.at[whole.start[v]:whole.start[v+1]] {
			m := whole.other(e, v)
			if degree[m]--; !gone[m] && degree[m] == 1 {
				stack = append(stack, m)
			}
		}
	}
	done(len(out))

	// The rest, one connected part after the other, small ones first.
	part := make([]int32, n)
	for i := range part {
		part[i] = -1
	}
	var parts [][]int32
	for v := range int32(n) {
		if gone[v] || part[v] >= 0 {
			continue
		}
		k := int32(len(parts))
		part[v] = k
		members := []int32{v}
		for i := 0; i < len(members); i++ {
			for _, e := range whole.at[whole.start[members[i]]:whole.start[members[i]+1]] {
				if m := whole.other(e, members[i]); !gone[m] && part[m] < 0 {
					part[m] = k
					members = append(members, m)
				}
			}
		}
		slices.Sort(members)
		parts = append(parts, members)
	}
	slices.SortStableFunc(parts, func(a, b []int32) int { return len(a) - len(b) })
	local := make([]int32, n)
	var group errgroup.Group
	group.SetLimit(max(workers, 1))
	o := &ordering{ctx: ctx, group: &group, done: done}
	for _, members := range parts {
		p := whole.pick(members, local, func(v int32) bool { return part[v] == part[members[0]] })
		room := len(out)
		out = out[:room+len(members)] // there is room for every node
		o.spawn(func() { o.order(p, members, out[room:room+len(members)]) }, len(members))
	}
	_ = group.Wait() // they return no errors
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// piece is a part of the graph with nodes numbered from 0.
type piece struct {
	x, y      []float32
	ends      [][2]int32 // per edge, lower node first
	start, at []int32    // per node, its edges
}

func (p *piece) other(e, v int32) int32 { return p.ends[e][0] ^ p.ends[e][1] ^ v }

func (p *piece) adjoin(n int) {
	p.start = make([]int32, n+1)
	for _, e := range p.ends {
		p.start[e[0]+1]++
		p.start[e[1]+1]++
	}
	for v := range n {
		p.start[v+1] += p.start[v]
	}
	fill := slices.Clone(p.start)
	p.at = make([]int32, 2*len(p.ends))
	for i, e := range p.ends {
		p.at[fill[e[0]]], p.at[fill[e[1]]] = int32(i), int32(i)
		fill[e[0]]++
		fill[e[1]]++
	}
}

// pick is the part of a piece that has some of its nodes, numbered as listed.
// local is room for the new number of each.
func (p *piece) pick(members, local []int32, in func(int32) bool) *piece {
	q := &piece{x: make([]float32, len(members)), y: make([]float32, len(members))}
	for i, v := range members {
		local[v] = int32(i)
		q.x[i], q.y[i] = p.x[v], p.y[v]
	}
	for _, v := range members {
		for _, e := range p.at[p.start[v]:p.start[v+1]] {
			if m := p.other(e, v); m > v && in(m) {
				a, b := local[v], local[m]
				q.ends = append(q.ends, [2]int32{min(a, b), max(a, b)})
			}
		}
	}
	q.adjoin(len(members))
	return q
}

type ordering struct {
	ctx   context.Context // ends the recursion early
	group *errgroup.Group
	done  func(int)
}

const (
	smallPiece = 6
	// apart is from how many nodes on a half is worth a goroutine.
	apart = 2000
)

func (o *ordering) spawn(do func(), nodes int) {
	if nodes < apart || !o.group.TryGo(func() error { do(); return nil }) {
		do()
	}
}

// order writes the names of a piece's nodes, in their order, to out.
func (o *ordering) order(p *piece, names, out []int32) {
	n := len(p.x)
	if n <= smallPiece || o.ctx.Err() != nil {
		copy(out, names)
		o.done(n)
		return
	}
	cut, side := p.cut()
	const inCut = 2
	for _, v := range cut {
		side[v] = inCut
	}
	half := func(of int8, out []int32) {
		var members []int32
		for v := range int32(n) {
			if side[v] == of {
				members = append(members, v)
			}
		}
		q := p.pick(members, make([]int32, n), func(v int32) bool { return side[v] == of })
		for i, v := range members {
			members[i] = names[v]
		}
		o.order(q, members, out)
	}
	left := 0
	for _, s := range side {
		if s < 0 {
			left++
		}
	}
	for i, v := range cut {
		out[n-len(cut)+i] = names[v]
	}
	o.done(len(cut))
	o.spawn(func() { half(-1, out[:left]) }, left)
	half(1, out[left:n-len(cut)])
}

// cut returns a separator and the side, -1 or 1, of every node.
func (p *piece) cut() (best []int32, side []int8) {
	n := len(p.x)
	f := &flow{
		piece: p, side: make([]int8, n), end: make([]int8, n),
		seen: make([]int32, n), flowing: make([]int8, len(p.ends)),
	}
	type direction struct{ x, y float32 }
	score := math.Inf(1)
	sorted, key := make([]int32, n), make([]float32, n)
	for _, dir := range []direction{{1, 0}, {0, 1}, {1, 1}, {1, -1}} {
		for v := range sorted {
			sorted[v] = int32(v)
			key[v] = dir.x*p.x[v] + dir.y*p.y[v]
		}
		slices.SortFunc(sorted, func(a, b int32) int {
			switch {
			case key[a] < key[b]:
				return -1
			case key[a] > key[b]:
				return 1
			}
			return int(a) - int(b)
		})
		cut := f.separate(sorted)
		left := 0
		for _, s := range f.side {
			if s < 0 {
				left++
			}
		}
		// Small and balanced: the usual measure of expansion.
		if s := (float64(len(cut)) + 0.1) / float64(max(min(left, n-left), 1)); s < score {
			score, best, side = s, slices.Clone(cut), slices.Clone(f.side)
		}
	}
	return best, side
}

// flow is room for the smallest cut of a piece.
type flow struct {
	*piece
	side    []int8
	end     []int8  // of the sorted nodes: -1 the first, 1 the last
	flowing []int8  // per edge, from its lower node
	seen    []int32 // per node, the round that saw it last
	round   int32
	stack   []step
}

type step struct{ node, next, via int32 }

// separate finds the fewest edges that part the first from the last quarter of
// the nodes, and returns their ends on the side with fewer of them.
func (f *flow) separate(sorted []int32) []int32 {
	quarter := max(len(sorted)/4, 1)
	for i, v := range sorted {
		switch {
		case i < quarter:
			f.end[v] = -1
		case i >= len(sorted)-quarter:
			f.end[v] = 1
		default:
			f.end[v] = 0
		}
	}
	clear(f.flowing)
	for f.augment(sorted[:quarter]) {
	}
	// What the last search reached is the near side of the smallest cut.
	for v := range f.side {
		f.side[v] = 1
		if f.seen[v] == f.round {
			f.side[v] = -1
		}
	}
	var near, far []int32
	for _, v := range sorted {
		for _, e := range f.at[f.start[v]:f.start[v+1]] {
			if f.side[f.other(e, v)] == f.side[v] {
				continue
			}
			if f.side[v] < 0 {
				near = append(near, v)
			} else {
				far = append(far, v)
			}
			break
		}
	}
	if len(near) < len(far) {
		return near
	}
	return far
}

// augment sends more flow from the first to the last nodes by depth-first
// searches that share what they have seen; false when no way is left.
func (f *flow) augment(sources []int32) bool {
	f.round++
	found := false
	for _, s := range sources {
		if f.seen[s] == f.round {
			continue
		}
		f.seen[s] = f.round
		stack := append(f.stack[:0], step{s, f.start[s], -1})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == f.start[top.node+1] {
				stack = stack[:len(stack)-1]
				continue
			}
			e := f.at[top.next]
			top.next++
			m := f.other(e, top.node)
			along := f.flowing[e]
			if top.node > m {
				along = -along
			}
			if f.seen[m] == f.round || along == 1 {
				continue
			}
			if f.end[m] != 1 {
				f.seen[m] = f.round
				stack = append(stack, step{m, f.start[m], e})
				continue
			}
			found = true
			here := m
			for i := len(stack) - 1; ; i-- {
				if f.ends[e][0] == here {
					f.flowing[e]--
				} else {
					f.flowing[e]++
				}
				here = stack[i].node
				if e = stack[i].via; e < 0 {
					break
				}
			}
			stack = stack[:0]
		}
		f.stack = stack
	}
	return found
}
