package dissect

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// fill is how many arcs a hierarchy in this order has: what a good order keeps low.
func fill(nodes int, edges [][2]int32, order []int32) int {
	place := make([]int32, nodes)
	for i, v := range order {
		place[v] = int32(i)
	}
	up := make([]map[int32]bool, nodes)
	for i := range up {
		up[i] = map[int32]bool{}
	}
	for _, e := range edges {
		if a, b := place[e[0]], place[e[1]]; a != b {
			up[min(a, b)][max(a, b)] = true
		}
	}
	arcs := 0
	for v := range nodes {
		arcs += len(up[v])
		parent := int32(nodes)
		for u := range up[v] {
			parent = min(parent, u)
		}
		for u := range up[v] {
			if u != parent {
				up[parent][u] = true
			}
		}
	}
	return arcs
}

// TestOrder: every node is placed once, whatever the graph, and the number of workers
// changes nothing.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "nodes")
		g := Graph{}
		for range n {
			g.X = append(g.X, rapid.Float32Range(-180, 180).Draw(t, "x"))
			g.Y = append(g.Y, rapid.Float32Range(-90, 90).Draw(t, "y"))
		}
		if n > 0 {
			for range rapid.IntRange(0, 3*n).Draw(t, "edges") {
				g.Edges = append(g.Edges, [2]int32{rapid.Int32Range(0, int32(n-1)).Draw(t, "a"), rapid.Int32Range(0, int32(n-1)).Draw(t, "b")})
			}
		}
		order, err := Order(context.Background(), g, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		sorted := slices.Sorted(slices.Values(order))
		for i, v := range sorted {
			if int(v) != i {
				t.Fatalf("%v does not hold every node once", order)
			}
		}
		if len(sorted) != n {
			t.Fatalf("%d of %d nodes are placed", len(sorted), n)
		}
		again, err := Order(context.Background(), g, 4, nil)
		if err != nil || !slices.Equal(order, again) {
			t.Fatalf("with four workers %v (%v), with one %v", again, err, order)
		}
	})
}

// TestOrderIsGood: on a grid the order of a dissection needs far fewer arcs than the
// rows as they come; 64 × 64 nodes have 8064 edges.
func TestOrderIsGood(t *testing.T) {
	g := lattice(64)
	order, err := Order(t.Context(), g, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]int32, len(g.X))
	for i := range rows {
		rows[i] = int32(i)
	}
	good, plain := fill(len(g.X), g.Edges, order), fill(len(g.X), g.Edges, rows)
	if good > plain/3 {
		t.Errorf("%d arcs, %d row by row", good, plain)
	}
}

func TestOrderEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Order(ctx, lattice(20), 2, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func lattice(n int) Graph {
	var g Graph
	for y := range n {
		for x := range n {
			g.X, g.Y = append(g.X, float32(x)), append(g.Y, float32(y))
			v := int32(y*n + x)
			if x > 0 {
				g.Edges = append(g.Edges, [2]int32{v - 1, v})
			}
			if y > 0 {
				g.Edges = append(g.Edges, [2]int32{v - int32(n), v})
			}
		}
	}
	return g
}

func BenchmarkOrder(b *testing.B) {
	g := lattice(128)
	for b.Loop() {
		if _, err := Order(b.Context(), g, 2, nil); err != nil {
			b.Fatal(err)
		}
	}
}
