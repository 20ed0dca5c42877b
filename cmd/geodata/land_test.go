package main

import (
	"slices"
	"strings"
	"testing"
)

const landSample = "\nfrom scgraph.core import GeoGraph\n" +
	"graph=[{1: 1.233, 2: 0.852, 0: 0.0}, {0: 1.233}, {0: 0.852, 3: 12}, {2: 12}]\n" +
	"nodes=[[41.1, 129.4], [-0.5, -12.3456], [0, 1], [7, 8.25]]\nx = GeoGraph(graph=graph, nodes=nodes)"

func TestParseLand(t *testing.T) {
	w, err := parseLand(strings.NewReader(landSample))
	if err != nil {
		t.Fatal(err)
	}
	nodes := []vertex{{lat: 41100, lon: 129400}, {lat: -500, lon: -12346}, {lon: 1000}, {lat: 7000, lon: 8250}}
	if !slices.Equal(w.nodes, nodes) {
		t.Errorf("nodes %v, want %v", w.nodes, nodes)
	}
	got := [][3]int32{}
	for _, e := range w.edges {
		got = append(got, [3]int32{e.a, e.b, e.metres})
	}
	if want := [][3]int32{{0, 1, 1233}, {0, 2, 852}, {2, 3, 12000}}; !slices.Equal(got, want) {
		t.Errorf("edges %v, want %v", got, want)
	}
}

func TestParseLandRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":            "",
		"no nodes":           "graph=[{}]",
		"cut short":          landSample[:120],
		"a word":             "graph=[{a: 1}]nodes=[[1, 2]]",
		"an exponent":        "graph=[{1: 1e5}, {}]nodes=[[1, 2], [1, 2]]",
		"an edge to nowhere": "graph=[{7: 1}]nodes=[[1, 2]]",
		"a node too many":    "graph=[{}]nodes=[[1, 2], [3, 4]]",
	} {
		if _, err := parseLand(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParseLand(f *testing.F) {
	f.Add(landSample)
	f.Add("graph=[]nodes=[]")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := parseLand(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, e := range w.edges {
			if e.a < 0 || int(e.b) >= len(w.nodes) {
				t.Fatalf("edge %v among %d nodes", e, len(w.nodes))
			}
		}
	})
}

// TestDissect checks the one promise the search rests on: whatever the order,
// every node is in it once.
func TestDissect(t *testing.T) {
	const side = 12
	w := &lines{}
	for y := range int32(side) {
		for x := range int32(side) {
			w.nodes = append(w.nodes, vertex{lat: y * 100, lon: x * 100})
			n := y*side + x
			if x > 0 {
				w.edges = append(w.edges, line{a: n - 1, b: n, metres: 11_000})
			}
			if y > 0 {
				w.edges = append(w.edges, line{a: n - side, b: n, metres: 11_000})
			}
		}
	}
	w.nodes = append(w.nodes, vertex{lat: 5000, lon: 5000}) // on its own
	order := w.dissect()
	seen := slices.Clone(order)
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(w.nodes) || len(order) != len(w.nodes) {
		t.Fatalf("%d nodes in the order, %d different, of %d", len(order), len(seen), len(w.nodes))
	}
	// The last nodes are a separator: without them the square falls apart.
	cut := map[int32]bool{}
	for _, n := range order[len(order)-side:] {
		cut[n] = true
	}
	w.keep(func(n int32) bool { return !cut[n] })
	if _, sizes := w.components(); len(sizes) < 3 {
		t.Errorf("without the last %d nodes there are parts of %v", side, sizes)
	}
}

func TestContractKeepsLengthAndShape(t *testing.T) {
	w := &lines{
		nodes: []vertex{{lat: 0}, {lat: 10}, {lat: 20}, {lat: 30}, {lat: 30, lon: 10}, {lat: 30, lon: -10}},
		edges: []line{{a: 0, b: 1, metres: 1}, {a: 1, b: 2, metres: 2}, {a: 2, b: 3, metres: 4}, {a: 3, b: 4, metres: 8}, {a: 3, b: 5, metres: 16}},
	}
	w.contract()
	if len(w.nodes) != 4 || len(w.edges) != 3 {
		t.Fatalf("%d nodes and %d edges, want 4 and 3", len(w.nodes), len(w.edges))
	}
	e := w.edges[0]
	if e.metres != 7 || len(e.shape) != 2 || w.nodes[e.a].lat != 0 || e.shape[0].Lat != 10 || e.shape[1].Lat != 20 {
		t.Errorf("contracted to %+v", e)
	}
}
