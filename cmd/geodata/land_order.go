package main

import (
	"math"
	"slices"
)

// dissect orders the nodes by nested dissection: the network is cut in two by a
// small set of nodes, which come last, after both halves ordered the same way.
// Each cut is the smallest that separates the two ends of the nodes sorted along
// some direction (inertial flow). The order is what makes searches fast.
func (w *lines) dissect() []int32 {
	start, at := w.adjacency()
	d := &dissection{
		w: w, start: start, at: at,
		part: make([]int32, len(w.nodes)),
		side: make([]int8, len(w.nodes)), end: make([]int8, len(w.nodes)),
		seen: make([]int32, len(w.nodes)), flowing: make([]int8, len(w.edges)),
	}
	of, sizes := w.components()
	members := make([][]int32, len(sizes))
	for i := range w.nodes {
		members[of[i]] = append(members[of[i]], int32(i))
	}
	slices.SortStableFunc(members, func(a, b []int32) int { return len(a) - len(b) })
	for _, nodes := range members {
		d.order(nodes)
	}
	return d.out
}

type dissection struct {
	w         *lines
	start, at []int32
	part      []int32 // the piece being cut that a node is in
	pieces    int32
	side      []int8
	end       []int8 // of the sorted piece: -1 first nodes, 1 last nodes
	flowing   []int8 // per edge, from a to b
	seen      []int32
	round     int32
	out       []int32
}

const smallPiece = 6

// order appends the nodes of one piece.
func (d *dissection) order(nodes []int32) {
	if len(nodes) <= smallPiece {
		d.out = append(d.out, nodes...)
		return
	}
	d.pieces++
	for _, n := range nodes {
		d.part[n] = d.pieces
	}
	cut := d.cut(nodes)
	var left, right []int32
	isCut := map[int32]bool{}
	for _, n := range cut {
		isCut[n] = true
	}
	for _, n := range nodes {
		switch {
		case isCut[n]:
		case d.side[n] < 0:
			left = append(left, n)
		default:
			right = append(right, n)
		}
	}
	d.order(left)
	d.order(right)
	d.out = append(d.out, cut...)
}

// cut returns a separator and sets the sides of the other nodes.
func (d *dissection) cut(nodes []int32) []int32 {
	type direction struct{ lat, lon float64 }
	shrink := math.Cos(float64(d.w.nodes[nodes[len(nodes)/2]].lat) / 1000 * math.Pi / 180)
	directions := []direction{{1, 0}, {0, shrink}, {1, shrink}, {1, -shrink}}
	var best []int32
	var bestSide []int8
	score := math.Inf(1)
	sorted := slices.Clone(nodes)
	for _, dir := range directions {
		key := func(n int32) float64 {
			v := d.w.nodes[n]
			return dir.lat*float64(v.lat) + dir.lon*float64(v.lon)
		}
		slices.SortFunc(sorted, func(a, b int32) int {
			if ka, kb := key(a), key(b); ka < kb {
				return -1
			} else if ka > kb {
				return 1
			}
			return int(a) - int(b)
		})
		cut := d.flow(sorted)
		left := 0
		for _, n := range nodes {
			if d.side[n] < 0 {
				left++
			}
		}
		smaller := min(left, len(nodes)-left)
		// Small and balanced: the usual measure of expansion.
		if s := (float64(len(cut)) + 0.1) / float64(max(smaller, 1)); s < score {
			score = s
			best = slices.Clone(cut)
			bestSide = bestSide[:0]
			for _, n := range nodes {
				bestSide = append(bestSide, d.side[n])
			}
		}
	}
	for i, n := range nodes {
		d.side[n] = bestSide[i]
	}
	return best
}

// flow finds the fewest edges that part the first from the last quarter of the
// nodes, and returns their ends on the side with fewer of them.
func (d *dissection) flow(sorted []int32) []int32 {
	quarter := max(len(sorted)/4, 1)
	for i, n := range sorted {
		switch {
		case i < quarter:
			d.end[n] = -1
		case i >= len(sorted)-quarter:
			d.end[n] = 1
		default:
			d.end[n] = 0
		}
		for _, e := range d.at[d.start[n]:d.start[n+1]] {
			d.flowing[e] = 0
		}
	}
	for d.augment(sorted[:quarter]) {
	}
	// What the last search reached is the near side of the smallest cut.
	for _, n := range sorted {
		d.side[n] = 1
		if d.seen[n] == d.round {
			d.side[n] = -1
		}
	}
	var near, far []int32
	for _, n := range sorted {
		for _, e := range d.at[d.start[n]:d.start[n+1]] {
			m := d.w.edges[e].other(n)
			if d.part[m] != d.part[n] || d.side[m] == d.side[n] {
				continue
			}
			if d.side[n] < 0 {
				near = append(near, n)
			} else {
				far = append(far, n)
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
func (d *dissection) augment(sources []int32) bool {
	d.round++
	type step struct{ node, next, via int32 }
	var stack []step
	found := false
	for _, s := range sources {
		if d.seen[s] == d.round {
			continue
		}
		d.seen[s] = d.round
		stack = append(stack[:0], step{s, d.start[s], -1})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == d.start[top.node+1] {
				stack = stack[:len(stack)-1]
				continue
			}
			e := d.at[top.next]
			top.next++
			edge := d.w.edges[e]
			m := edge.other(top.node)
			flow := d.flowing[e]
			if edge.a != top.node {
				flow = -flow
			}
			if d.part[m] != d.part[s] || d.seen[m] == d.round || flow == 1 {
				continue
			}
			if d.end[m] != 1 {
				d.seen[m] = d.round
				stack = append(stack, step{m, d.start[m], e})
				continue
			}
			found = true
			here := m
			for i := len(stack) - 1; ; i-- {
				if d.w.edges[e].a == here {
					d.flowing[e]--
				} else {
					d.flowing[e]++
				}
				here = stack[i].node
				if e = stack[i].via; e < 0 {
					break
				}
			}
			stack = stack[:0]
		}
	}
	return found
}
