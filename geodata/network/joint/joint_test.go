package joint

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/extract"
	"corridor/geodata/network/exact"
	"corridor/geodata/network/land"
	"corridor/geodata/path"
)

// The test's world is one road along 50° north, in the east by another country if
// border is set; its areas are grids of roads around it.

const (
	west, east = 8_000, 12_000 // thousandths of a degree
	lat        = 50_000
	border     = 10_000
)

func world(withBorder bool) *land.Net {
	n := &land.Net{Mode: geodata.Road, Countries: []geodata.Country{"", "DE", "PL"}, Posts: []string{"", "POST"}, Kinds: []land.Kind{{}}}
	add := func(lon int32, c uint8) {
		n.Lat, n.Lon, n.NodeCountry = append(n.Lat, lat), append(n.Lon, lon), append(n.NodeCountry, c)
	}
	join := func() {
		k := uint32(len(n.Lat) - 1)
		e := land.Edge{From: k - 1, To: k}
		if n.NodeCountry[k-1] == n.NodeCountry[k] {
			e.Metres = uint32(math.Round(1000 * path.Distance(at(float64(n.Lon[k-1])/1000), at(float64(n.Lon[k])/1000))))
		} else {
			e.Post, e.Delay = 1, 1
		}
		n.Edges = append(n.Edges, e)
	}
	for lon := int32(west); lon <= east; lon += 400 {
		c := uint8(1)
		if withBorder && lon > border {
			c = 2
		}
		add(lon, c)
		if lon > west {
			join()
		}
		if lon == border && withBorder {
			add(lon, 2)
			join()
		}
	}
	return n
}

// at is a point on the road.
func at(lon float64) orb.Point { return orb.Point{lon, lat / 1000.0} }

// town is an area between two degrees of longitude: a main road along 50° that is
// drawn in steps, and so a fifth longer, in a grid of lanes.
func town(tb interface{ Fatal(...any) }, name string, from, to float64, main string, country func(lon float64) geodata.Country) *exact.Area {
	var b exact.Builder
	var nodes []extract.Node
	node := func(lon, lat float64) int64 {
		nodes = append(nodes, extract.Node{ID: int64(len(nodes) + 1), Lat: int32(math.Round(lat * 1e7)), Lon: int32(math.Round(lon * 1e7))})
		return int64(len(nodes))
	}
	way := func(key, value, more string, ids []int64) extract.Way {
		w := extract.Way{Nodes: ids, Tags: extract.Tags{{Key: key, Value: value}}}
		if more != "" {
			w.Tags = append(w.Tags, extract.Tag{Key: more, Value: "7.5"})
		}
		return w
	}
	const step = 0.02
	var ways []extract.Way
	var trunk []int64
	columns := int(math.Round((to - from) / step))
	grid := make([][]int64, columns+1)
	for x := range grid {
		lon := from + step*float64(x)
		for y := -6; y <= 6; y++ {
			grid[x] = append(grid[x], node(lon, 50+step*float64(y)))
		}
		trunk = append(trunk, grid[x][6])
		if x < columns { // a detour to the side between two columns
			trunk = append(trunk, node(lon+step/2, 50+step*0.2))
		}
		ways = append(ways, way("highway", "residential", "", grid[x]))
	}
	for y := range 13 {
		if y == 6 {
			continue
		}
		var row []int64
		for x := range grid {
			row = append(row, grid[x][y])
		}
		ways = append(ways, way("highway", "residential", main, row))
	}
	ways = append(ways, way("highway", "trunk", main, trunk))
	// A piece of lane that nothing joins, as extracts have it from beyond a river.
	ways = append(ways, way("highway", "residential", "", []int64{node(from+0.2, 50.15), node(from+0.206, 50.15)}))
	b.Ways(ways)
	b.Nodes(nodes)
	a, err := exact.Make(context.Background(), &b, exact.Options{
		Meta:    exact.Meta{Name: name},
		Country: func(_, lon float64) geodata.Country { return country(lon) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func germany(float64) geodata.Country { return "DE" }

func bothSides(lon float64) geodata.Country {
	if lon*1000 > border {
		return "PL"
	}
	return "DE"
}

func join(t testing.TB, n *land.Net, areas ...*exact.Area) *Graph {
	t.Helper()
	g, err := New(n, areas, land.Shared{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// widest is the longest step of a drawn way in km.
func widest(ls orb.LineString) float64 {
	w := 0.0
	for i := 1; i < len(ls); i++ {
		w = max(w, path.Distance(ls[i-1], ls[i]))
	}
	return w
}

// TestTakesOver: inside the way is the exact one, outside the world's, and it is whole.
func TestTakesOver(t *testing.T) {
	a := town(t, "town", 9.2, 10.4, "", germany)
	g := join(t, world(false), a)
	old, err := land.New(world(false))
	if err != nil {
		t.Fatal(err)
	}
	if g.Portals(a) < 2 {
		t.Fatalf("%d portals", g.Portals(a))
	}
	inside := 1.2 * path.Distance(at(9.2), at(10.4)) // about: the main road's steps
	p, _, err := func() (geodata.Path, exact.Load, error) {
		n := a.Network(geodata.Road)
		x, _ := n.Locate(t.Context(), at(9.2), geodata.Vehicle{}, nil)
		y, _ := n.Locate(t.Context(), at(10.4), geodata.Vehicle{}, nil)
		return n.Route(t.Context(), x, y, geodata.Vehicle{})
	}()
	if err != nil || math.Abs(p.DistanceKM-inside) > 0.15*inside {
		t.Fatalf("%.1f km across the area, %v", p.DistanceKM, err)
	}
	factor := p.DistanceKM / path.Distance(at(9.2), at(10.4))
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(8, 12).Draw(t, "from")
		y := rapid.Float64Range(8, 12).Draw(t, "to")
		p, err := g.Route(context.Background(), at(x), at(y), geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		low, high := min(max(min(x, y), 9.2), 10.4), min(max(max(x, y), 9.2), 10.4)
		want := path.Distance(at(x), at(y)) + (factor-1)*path.Distance(at(low), at(high))
		// Within the rim a way may go in to the next portal and out again.
		if math.Abs(p.DistanceKM-want) > 0.01*want+5.5 {
			t.Fatalf("%.4f to %.4f: %.2f km, want %.2f", x, y, p.DistanceKM, want)
		}
		if d := path.Length(p.Geometry); math.Abs(d-p.DistanceKM) > 0.01*d+0.5 {
			t.Fatalf("%.2f km, drawn %.2f", p.DistanceKM, d)
		}
		if first, last := p.Geometry[0], p.Geometry[len(p.Geometry)-1]; first != at(x) || last != at(y) {
			t.Fatalf("drawn from %v to %v", first, last)
		}
		table, err := g.Table(context.Background(), []orb.Point{at(x)}, []orb.Point{at(y)}, geodata.Avoid{})
		if err != nil || math.Abs(table[0][0]-p.DistanceKM) > 0.005*p.DistanceKM+0.1 {
			t.Fatalf("%.2f km in a table (%v), %.2f as a route", table[0][0], err, p.DistanceKM)
		}
		if max(x, y) < 9 || min(x, y) > 10.6 { // nothing of the area on the way
			was, err := old.Route(context.Background(), at(x), at(y), geodata.Avoid{})
			if err != nil || math.Abs(was.DistanceKM-p.DistanceKM) > 0.02 {
				t.Fatalf("outside %.3f km, %.3f without the area (%v)", p.DistanceKM, was.DistanceKM, err)
			}
		}
	})
	// Inside, the drawing is the exact one: no step is longer than the area's.
	in, err := g.Route(t.Context(), at(9.4), at(10.2), geodata.Avoid{})
	if err != nil || widest(in.Geometry) > 3 || len(in.Roads) == 0 {
		t.Errorf("inside: steps of %.1f km, %d roads, %v", widest(in.Geometry), len(in.Roads), err)
	}
}

// TestScrap: from a piece of the area that nothing joins the world's network leads on,
// as it did before.
func TestScrap(t *testing.T) {
	g := join(t, world(false), town(t, "town", 9.2, 10.4, "", germany))
	here := orb.Point{9.403, 50.15}
	for _, to := range []orb.Point{at(11.8), at(10.2)} {
		for _, ends := range [][2]orb.Point{{here, to}, {to, here}} {
			p, err := g.Route(t.Context(), ends[0], ends[1], geodata.Avoid{})
			if err != nil || !p.Estimated {
				t.Errorf("%v: %.1f km, estimated %v, %v", ends, p.DistanceKM, p.Estimated, err)
			}
			table, err := g.Table(t.Context(), ends[:1], ends[1:], geodata.Avoid{})
			if err != nil || math.Abs(table[0][0]-p.DistanceKM) > 0.005*p.DistanceKM+0.1 {
				t.Errorf("%v: %.1f km in a table, %.1f as a route, %v", ends, table[0][0], p.DistanceKM, err)
			}
		}
	}
}

// TestVehicle: what an area's signs forbid is forbidden on the way through as well.
func TestVehicle(t *testing.T) {
	g := join(t, world(false), town(t, "weak", 9.2, 10.4, "maxweight", germany))
	if p, err := g.Route(t.Context(), at(8.2), at(11.8), geodata.Avoid{}); !errors.Is(err, geodata.ErrNoRoute) {
		t.Errorf("40 t on a 7.5 t road: %.1f km, %v", p.DistanceKM, err)
	}
	light := geodata.Avoid{Vehicle: geodata.Vehicle{WeightT: 7}}
	if _, err := g.Route(t.Context(), at(8.2), at(11.8), light); err != nil {
		t.Errorf("7 t: %v", err)
	}
	table, err := g.Table(t.Context(), []orb.Point{at(8.2)}, []orb.Point{at(11.8), at(8.4)}, geodata.Avoid{})
	if err != nil || !math.IsInf(table[0][0], 1) || math.IsInf(table[0][1], 1) {
		t.Errorf("table %v, %v", table, err)
	}
}

// TestBorder: an area over a border is crossed at the post, once.
func TestBorder(t *testing.T) {
	a := town(t, "both", 9.2, 10.8, "", bothSides)
	g := join(t, world(true), a)
	for _, ends := range [][2]float64{{9.4, 10.6}, {8.2, 10.6}, {9.4, 11.8}, {8.2, 11.8}, {10.6, 9.4}} {
		p, err := g.Route(t.Context(), at(ends[0]), at(ends[1]), geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Crossings) != 1 || p.Crossings[0].Post != "POST" || path.Distance(p.Crossings[0].Point, at(10)) > 1 {
			t.Errorf("%v: crossings %+v", ends, p.Crossings)
		}
		if c := p.Crossings[0]; math.Abs(c.AtKM-path.Length(path.Slice(p.Geometry, 0, c.AtKM))) > 0.5 {
			t.Errorf("%v: the border is told at %.2f km", ends, c.AtKM)
		}
		if straight := path.Distance(at(ends[0]), at(ends[1])); p.DistanceKM < straight || p.DistanceKM > 1.35*straight {
			t.Errorf("%v: %.1f km, %.1f straight", ends, p.DistanceKM, straight)
		}
	}
	for _, avoid := range []geodata.Avoid{{Borders: []string{"POST"}}, {Countries: []geodata.Country{"PL"}}, {Roads: []geodata.Country{"PL"}}, {Inside: [][]geodata.Country{{"DE"}, {"PL"}}}} {
		if p, err := g.Route(t.Context(), at(9.4), at(11.8), avoid); !errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%+v: %.1f km, %v", avoid, p.DistanceKM, err)
		}
	}
}

// TestSeveral: two areas side by side, one partly over the other, and one far from
// any road live together.
func TestSeveral(t *testing.T) {
	left, right := town(t, "left", 8.8, 9.8, "", germany), town(t, "right", 9.6, 10.8, "", germany)
	small := town(t, "small", 11.2, 11.3, "", germany)
	for _, areas := range [][]*exact.Area{{left, right, small}, {right, left, small}} {
		g := join(t, world(false), areas...)
		for _, ends := range [][2]float64{{9, 10.6}, {8.2, 11.8}, {9, 11.8}, {10.6, 8.2}, {11.25, 9.2}, {11.22, 11.28}} {
			p, err := g.Route(t.Context(), at(ends[0]), at(ends[1]), geodata.Avoid{})
			if err != nil {
				t.Fatalf("%v: %v", ends, err)
			}
			if straight := path.Distance(at(ends[0]), at(ends[1])); p.DistanceKM < 0.99*straight || p.DistanceKM > 1.3*straight+2 {
				t.Errorf("%v: %.1f km, %.1f straight", ends, p.DistanceKM, straight)
			}
			if d := path.Length(p.Geometry); math.Abs(d-p.DistanceKM) > 0.01*d+0.5 {
				t.Errorf("%v: %.2f km, drawn %.2f", ends, p.DistanceKM, d)
			}
		}
	}
}
