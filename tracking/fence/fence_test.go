package fence_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata/cell"
	"corridor/geodata/path"
	"corridor/tracking/fence"
)

func area(t testing.TB, s fence.Shape) *fence.Area {
	t.Helper()
	a, err := fence.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestHolds(t *testing.T) {
	square := func(w, s, e, n float64) [][2]float64 { return [][2]float64{{w, s}, {e, s}, {e, n}, {w, n}} }
	polygon := func(rings ...[][2]float64) fence.Shape { return fence.Shape{Polygon: rings} }
	pacific := polygon(square(170, -10, -170, 10))
	beyond := polygon(square(170, -10, 190, 10))
	arctic := polygon([][2]float64{{0, 80}, {90, 80}, {180, 80}, {-90, 80}})
	antarctic := polygon([][2]float64{{0, -70}, {-90, -70}, {180, -70}, {90, -70}, {0, -70}})
	ring := polygon(square(0, 0, 10, 10), square(4, 4, 6, 6))
	berlin := fence.Shape{Circle: &fence.Circle{Lat: 52.52, Lon: 13.405, RadiusM: 10_000}}
	fiji := fence.Shape{Circle: &fence.Circle{Lat: -17, Lon: 179.99, RadiusM: 50_000}}
	pole := fence.Shape{Circle: &fence.Circle{Lat: 89.9, Lon: 0, RadiusM: 50_000}}
	road := fence.Shape{Corridor: &fence.Corridor{Line: [][2]float64{{10, 50}, {20, 50}}, WidthM: 5000}}
	bering := fence.Shape{Corridor: &fence.Corridor{Line: [][2]float64{{170, 60}, {-170, 60}}, WidthM: 20_000}}
	hexes := fence.Shape{Cells: []cell.ID{cell.Of(orb.Point{13.4, 52.5}, 7), cell.Of(orb.Point{2.35, 48.85}, 5), cell.Of(orb.Point{180, 70}, 4), cell.Of(orb.Point{0, 90}, 3)}}
	for _, tt := range []struct {
		name     string
		shape    fence.Shape
		lon, lat float64
		want     bool
	}{
		{"inside", ring, 2, 2, true},
		{"in the hole", ring, 5, 5, false},
		{"on the hole's edge", ring, 4, 5, true},
		{"a corner", ring, 10, 10, true},
		{"an edge", ring, 10, 5, true},
		{"a centimetre outside", ring, 10.0000001, 5, false},
		{"a centimetre inside", ring, 9.9999999, 5, true},
		{"level with a corner, outside", ring, 11, 10, false},
		{"level with a corner, west", ring, -1, 0, false},
		{"over the antimeridian", pacific, 179, 0, true},
		{"over it, other side", pacific, -179, 0, true},
		{"at it", pacific, 180, 0, true},
		{"at it, written -180", pacific, -180, 0, true},
		{"its east edge", pacific, -170, 5, true},
		{"outside east", pacific, -169.9999999, 0, false},
		{"not the long way round", pacific, 0, 0, false},
		{"beyond 180", beyond, -175, 0, true},
		{"beyond 180, outside", beyond, 169, 0, false},
		{"the pole", arctic, 0, 90, true},
		{"the pole, any longitude", arctic, 123, 90, true},
		{"near the pole", arctic, -45, 85, true},
		{"on its parallel", arctic, 33, 80, true},
		{"on the seam", arctic, 0, 85, true},
		{"south of it", arctic, 33, 79.9999999, false},
		{"the other pole", arctic, 0, -90, false},
		{"antarctic", antarctic, 10, -80, true},
		{"south pole", antarctic, 77, -90, true},
		{"north of antarctic", antarctic, 10, -69, false},
		{"circle", berlin, 13.45, 52.55, true},
		{"outside a circle", berlin, 13.6, 52.52, false},
		{"circle over the antimeridian", fiji, -179.8, -17, true},
		{"circle at the pole", pole, 180, 89.9, true},
		{"outside the circle at the pole", pole, 180, 89, false},
		{"corridor bows to the pole", road, 15, 50.123, true},
		{"beside the corridor", road, 15, 50, false},
		{"behind its end", road, 20.05, 50, true},
		{"far behind its end", road, 20.1, 50, false},
		{"corridor over the antimeridian", bering, 180, 60.37, true},
		{"cell", hexes, 13.4, 52.5, true},
		{"coarser cell", hexes, 2.36, 48.86, true},
		{"no cell", hexes, 14.5, 52.5, false},
		{"cell at the antimeridian", hexes, -180, 70, true},
		{"cell at the pole", hexes, 99, 90, true},
	} {
		a := area(t, tt.shape)
		p := orb.Point{tt.lon, tt.lat}
		if got := a.Holds(p); got != tt.want {
			t.Errorf("%s: holds %v: %v", tt.name, p, got)
		}
		if out := a.OutsideM(p); (out == 0) != tt.want || out < 0 {
			t.Errorf("%s: %v is %v m outside", tt.name, p, out)
		}
		x := fence.NewIndex[string]()
		x.Set("f", a)
		if got := len(x.At(p, nil)) == 1; got != tt.want {
			t.Errorf("%s: the index says %v of %v", tt.name, got, p)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, s := range map[string]fence.Shape{
		"nothing":      {},
		"two":          {Circle: &fence.Circle{RadiusM: 1}, Cells: []cell.ID{cell.Of(orb.Point{0, 0}, 5)}},
		"no rings":     {Polygon: [][][2]float64{}},
		"two corners":  {Polygon: [][][2]float64{{{0, 0}, {1, 1}}}},
		"a line":       {Polygon: [][][2]float64{{{0, 0}, {1, 0}, {2, 0}}}},
		"not on earth": {Polygon: [][][2]float64{{{0, 0}, {1, 91}, {2, 0}}}},
		"no number":    {Circle: &fence.Circle{Lat: math.NaN(), RadiusM: 5}},
		"no radius":    {Circle: &fence.Circle{}},
		"a point":      {Corridor: &fence.Corridor{Line: [][2]float64{{1, 1}}, WidthM: 5}},
		"no width":     {Corridor: &fence.Corridor{Line: [][2]float64{{1, 1}, {2, 2}}}},
		"no cells":     {Cells: []cell.ID{}},
		"a bad cell":   {Cells: []cell.ID{7}},
	} {
		if _, err := fence.New(s); !errors.Is(err, fence.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// onGrid is a coordinate on a coarse grid, so that edges and corners are met often.
func onGrid(t *rapid.T, label string, cells int) int {
	return rapid.IntRange(0, cells).Draw(t, label)
}

// The polygon against big numbers and a ray in the other direction; and moving
// everything around the earth changes nothing.
func TestPolygonExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const cells = 6
		step := rapid.SampledFrom([]float64{1e-7, 0.25, 10}).Draw(t, "step")
		var ring [][2]int
		for range rapid.IntRange(3, 8).Draw(t, "corners") {
			ring = append(ring, [2]int{onGrid(t, "x", cells), onGrid(t, "y", cells)})
		}
		q := [2]int{onGrid(t, "qx", cells), onGrid(t, "qy", cells)}
		shift := float64(rapid.IntRange(-18, 18).Draw(t, "shift")) * 10
		lon := func(x int) float64 {
			v := math.Round((shift+float64(x)*step)*1e7) / 1e7
			if v > 180 {
				v -= 360
			}
			if v < -180 {
				v += 360
			}
			return v
		}
		lat := func(y int) float64 { return math.Round((float64(y)*step-30)*1e7) / 1e7 }
		var s [][2]float64
		for _, v := range ring {
			s = append(s, [2]float64{lon(v[0]), lat(v[1])})
		}
		a, err := fence.New(fence.Shape{Polygon: [][][2]float64{s}})
		if err != nil {
			t.Skip(err)
		}
		p := orb.Point{lon(q[0]), lat(q[1])}
		if got, want := a.Holds(p), evenOdd(ring, q); got != want {
			t.Fatalf("ring %v holds %v: %v, want %v", s, p, got, want)
		}
		x := fence.NewIndex[int]()
		x.Set(1, a)
		if got := len(x.At(p, nil)) == 1; got != a.Holds(p) {
			t.Fatalf("the index says %v of %v in %v", got, p, s)
		}
	})
}

// evenOdd casts a ray to the north, in exact fractions.
func evenOdd(ring [][2]int, q [2]int) bool {
	inside := false
	for i := range ring {
		a, b := ring[i], ring[(i+1)%len(ring)]
		cross := (b[0]-a[0])*(q[1]-a[1]) - (b[1]-a[1])*(q[0]-a[0])
		if cross == 0 && min(a[0], b[0]) <= q[0] && q[0] <= max(a[0], b[0]) && min(a[1], b[1]) <= q[1] && q[1] <= max(a[1], b[1]) {
			return true
		}
		if (a[0] > q[0]) == (b[0] > q[0]) {
			continue
		}
		// y of the edge at q.x
		y := new(big.Rat).Add(big.NewRat(int64(a[1]), 1), new(big.Rat).Mul(big.NewRat(int64(b[1]-a[1]), int64(b[0]-a[0])), big.NewRat(int64(q[0]-a[0]), 1)))
		if y.Cmp(big.NewRat(int64(q[1]), 1)) > 0 {
			inside = !inside
		}
	}
	return inside
}

func drawShape(t *rapid.T) (fence.Shape, orb.Point) {
	centre := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
	size := math.Pow(10, rapid.Float64Range(-1, 3).Draw(t, "size")) // km
	some := func(label string) orb.Point {
		return wrap(path.Destination(centre, rapid.Float64Range(0, 360).Draw(t, label+" course"), size*rapid.Float64Range(0.01, 1).Draw(t, label)))
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		var ring [][2]float64
		for range rapid.IntRange(3, 9).Draw(t, "corners") {
			ring = append(ring, some("corner"))
		}
		return fence.Shape{Polygon: [][][2]float64{ring}}, centre
	case 1:
		return fence.Shape{Circle: &fence.Circle{Lat: centre[1], Lon: centre[0], RadiusM: size * 1000}}, centre
	case 2:
		c := fence.Corridor{WidthM: rapid.Float64Range(1, 100).Draw(t, "width") * size}
		for range rapid.IntRange(2, 6).Draw(t, "points") {
			c.Line = append(c.Line, some("point"))
		}
		return fence.Shape{Corridor: &c}, centre
	default:
		s := fence.Shape{}
		for range rapid.IntRange(1, 5).Draw(t, "cells") {
			s.Cells = append(s.Cells, cell.Of(some("cell"), rapid.IntRange(2, 9).Draw(t, "resolution")))
		}
		return s, centre
	}
}

func wrap(p orb.Point) orb.Point {
	for p[0] > 180 {
		p[0] -= 360
	}
	for p[0] < -180 {
		p[0] += 360
	}
	return p
}

// The index finds what asking each finds, wherever on earth, and what is taken out
// is gone.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := fence.NewIndex[int]()
		areas := map[int]*fence.Area{}
		var near []orb.Point
		for k := range rapid.IntRange(1, 8).Draw(t, "fences") {
			s, centre := drawShape(t)
			a, err := fence.New(s)
			if err != nil {
				continue
			}
			x.Set(k%6, a)
			areas[k%6] = a
			near = append(near, centre)
		}
		if len(near) > 2 && rapid.Bool().Draw(t, "remove") {
			x.Remove(1)
			delete(areas, 1)
		}
		for range 30 {
			p := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "plon"), rapid.Float64Range(-90, 90).Draw(t, "plat")}
			if len(near) > 0 && rapid.IntRange(0, 4).Draw(t, "near") > 0 {
				c := near[rapid.IntRange(0, len(near)-1).Draw(t, "which")]
				p = wrap(path.Destination(c, rapid.Float64Range(0, 360).Draw(t, "course"), math.Pow(10, rapid.Float64Range(-2, 3.2).Draw(t, "km"))))
			}
			var want []int
			for k, a := range areas {
				if a.Holds(p) {
					want = append(want, k)
				}
			}
			got := x.At(p, nil)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%v: the index finds %v, they are %v", p, got, want)
			}
		}
		for k := range areas {
			x.Remove(k)
		}
		if x.Len() != 0 || len(x.At(orb.Point{0, 0}, nil)) != 0 {
			t.Fatal("something is left")
		}
	})
}

func TestFollow(t *testing.T) {
	x := fence.NewIndex[string]()
	x.Set("yard", area(t, fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: 10, RadiusM: 1000}}))
	x.Set("town", area(t, fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: 10, RadiusM: 5000}}))
	rules := map[string]fence.Rule{"yard": {ExitM: 200, Dwell: 30 * time.Minute}}
	day := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	var visits []fence.Visit[string]
	for _, step := range []struct {
		minute int
		km     float64 // east of the middle
		want   string
	}{
		{0, 6, "[]"},
		{1, 4, "[town entered]"},
		{2, 0.9, "[yard entered]"},
		{3, 1.1, "[]"}, // wavers
		{4, 0.95, "[]"},
		{31, 0.5, "[]"},
		{32, 0.5, "[yard dwelt]"},
		{33, 0.5, "[]"},
		{40, 1.15, "[]"},
		{41, 1.3, "[yard left]"},
		{42, 0.5, "[yard entered]"},
		{43, 100, "[yard left town left]"},
		{44, 100, "[]"},
	} {
		p := path.Destination(orb.Point{10, 50}, 90, step.km)
		var happened []fence.Happening[string]
		visits, happened = fence.Follow(x, func(k string) fence.Rule { return rules[k] }, cmpString, anyFence, visits, p, day.Add(time.Duration(step.minute)*time.Minute))
		var got []string
		for _, h := range happened {
			got = append(got, h.Fence+" "+h.Kind)
		}
		if s := fmt.Sprint(got); s != step.want {
			slices.Sort(got)
			if fmt.Sprint(got) != step.want && step.minute != 43 {
				t.Errorf("minute %d, %v km: %s, want %s", step.minute, step.km, s, step.want)
			}
		}
	}
	if len(visits) != 0 {
		t.Errorf("still on %v", visits)
	}
	visits, _ = fence.Follow(x, func(string) fence.Rule { return fence.Rule{} }, cmpString, anyFence, visits, orb.Point{10, 50}, day)
	x.Remove("yard")
	visits, happened := fence.Follow(x, func(string) fence.Rule { return fence.Rule{} }, cmpString, anyFence, visits, orb.Point{10, 50}, day.Add(time.Minute))
	if len(visits) != 1 || visits[0].Fence != "town" || len(happened) != 0 {
		t.Errorf("after a fence is gone: %v, %v", visits, happened)
	}
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// BenchmarkIndex asks where reports of units in Europe are, among fences there.
func BenchmarkIndex(b *testing.B) {
	for _, fences := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("fences=%d", fences), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			x := fence.NewIndex[int]()
			point := func() orb.Point { return orb.Point{-10 + 50*r.Float64(), 36 + 24*r.Float64()} }
			for k := range fences {
				c := point()
				var s fence.Shape
				switch k % 4 {
				case 0:
					var ring [][2]float64
					n := 5 + r.IntN(40)
					for i := range n {
						ring = append(ring, path.Destination(c, float64(i)*360/float64(n), 1+4*r.Float64()))
					}
					s.Polygon = [][][2]float64{ring}
				case 1:
					s.Circle = &fence.Circle{Lat: c[1], Lon: c[0], RadiusM: 100 + 5000*r.Float64()}
				case 2:
					line := [][2]float64{c}
					for range 8 {
						c = path.Destination(c, 360*r.Float64(), 10)
						line = append(line, c)
					}
					s.Corridor = &fence.Corridor{Line: line, WidthM: 500}
				case 3:
					s.Cells = append(s.Cells, cell.Of(c, 7).Disk(1)...)
				}
				a, err := fence.New(s)
				if err != nil {
					b.Fatal(err)
				}
				x.Set(k, a)
			}
			points := make([]orb.Point, 4096)
			for i := range points {
				points[i] = point()
			}
			found, n := 0, 0
			var out []int
			b.ReportAllocs()
			for b.Loop() {
				out = x.At(points[n%len(points)], out[:0])
				found, n = found+len(out), n+1
			}
			b.ReportMetric(float64(found)/float64(n), "inside/report")
		})
	}
}

func anyFence(string) bool { return true }
