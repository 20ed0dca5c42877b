package path_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"pgregory.net/rapid"

	"corridor/geodata/path"
)

func anyPoint(t *rapid.T, label string) orb.Point {
	return orb.Point{
		rapid.Float64Range(-180, 180).Draw(t, label+" lon"),
		rapid.Float64Range(-89, 89).Draw(t, label+" lat"),
	}
}

// anyLine has steps of a few degrees and may leave [-180, 180].
func anyLine(t *rapid.T, least int) orb.LineString {
	p := anyPoint(t, "start")
	ls := orb.LineString{p}
	for range rapid.IntRange(least-1, 60).Draw(t, "steps") {
		p[0] += rapid.Float64Range(-8, 8).Draw(t, "dx")
		p[1] = math.Max(-85, math.Min(85, p[1]+rapid.Float64Range(-5, 5).Draw(t, "dy")))
		ls = append(ls, p)
	}
	return ls
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		what string
		a, b orb.Point
		want float64 // km
	}{
		{"nowhere", orb.Point{10, 20}, orb.Point{10, 20}, 0},
		{"a quarter of the equator", orb.Point{0, 0}, orb.Point{90, 0}, 10007.557},
		{"pole to pole", orb.Point{0, 90}, orb.Point{50, -90}, 20015.115},
		{"over the antimeridian", orb.Point{179, 0}, orb.Point{-179, 0}, 222.390},
		{"the same beyond 180", orb.Point{179, 0}, orb.Point{181, 0}, 222.390},
		{"JFK–LHR", orb.Point{-73.7781, 40.6413}, orb.Point{-0.4543, 51.4700}, 5540},
	} {
		if got := path.Distance(tt.a, tt.b); math.Abs(got-tt.want) > 1e-3*math.Max(1, tt.want) {
			t.Errorf("%s: %.3f km, want %.3f", tt.what, got, tt.want)
		}
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyPoint(t, "a"), anyPoint(t, "b"), anyPoint(t, "c")
		ab, ba, bc, ac := path.Distance(a, b), path.Distance(b, a), path.Distance(b, c), path.Distance(a, c)
		if math.Abs(ab-ba) > 1e-6 || ac > ab+bc+1e-6 || ab < 0 {
			t.Fatalf("ab %v, ba %v, bc %v, ac %v", ab, ba, bc, ac)
		}
	})
}

func TestDestinationGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyPoint(t, "a")
		km := rapid.Float64Range(0, 19000).Draw(t, "km")
		b := path.Destination(a, rapid.Float64Range(0, 360).Draw(t, "bearing"), km)
		if d := path.Distance(a, b); math.Abs(d-km) > 1e-3 {
			t.Fatalf("%v km from %v is %v, which is %v km away", km, a, b, d)
		}
	})
}

func TestProjectFindsThePointItCameFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := path.NewLine(anyLine(t, 2))
		km := rapid.Float64Range(0, 1).Draw(t, "f") * line.Length()
		p, _ := line.At(km)
		along, off := line.Project(p)
		if off > 1e-3 {
			t.Fatalf("the point at %v km is %v km off", km, off)
		}
		// The line may pass the point twice; what is found must be the point.
		if q, _ := line.At(along); path.Distance(p, q) > 1e-3 {
			t.Fatalf("found %v at %v km, want %v", q, along, p)
		}
	})
}

// The caps of a Line may only save work.
func TestProjectIsTheNearestSegment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls, p := anyLine(t, 2), anyPoint(t, "p")
		_, off := path.Project(ls, p)
		want := math.Inf(1)
		for i := 1; i < len(ls); i++ {
			want = math.Min(want, path.ToSegment(p, ls[i-1], ls[i]))
		}
		if math.Abs(off-want) > 1e-6 {
			t.Fatalf("off %v, the nearest segment is %v away", off, want)
		}
	})
}

func TestProject(t *testing.T) {
	equator := orb.LineString{{170, 0}, {180, 0}, {190, 0}}
	jumping := orb.LineString{{170, 0}, {180, 0}, {-170, 0}}
	for _, ls := range []orb.LineString{equator, jumping} {
		along, off := path.Project(ls, orb.Point{-175, 1})
		if math.Abs(along-15*111.195) > 0.1 || math.Abs(off-111.195) > 0.1 {
			t.Errorf("%v: along %v, off %v", ls, along, off)
		}
		if along, off = path.Project(ls, orb.Point{160, 0}); along != 0 || math.Abs(off-1111.95) > 0.1 {
			t.Errorf("before the start: along %v, off %v", along, off)
		}
	}
	if along, off := path.Project(nil, orb.Point{}); !math.IsNaN(along) || !math.IsNaN(off) {
		t.Errorf("empty line: %v, %v", along, off)
	}
	if along, off := path.Project(orb.LineString{{0, 0}}, orb.Point{1, 0}); along != 0 || math.Abs(off-111.195) > 0.01 {
		t.Errorf("single point: %v, %v", along, off)
	}
	if along, off := path.Project(orb.LineString{{5, 5}, {5, 5}}, orb.Point{5, 5}); along != 0 || off > 1e-9 {
		t.Errorf("no length: %v, %v", along, off)
	}
}

func TestProjectBetweenKeepsToItsBranch(t *testing.T) {
	line := path.NewLine(orb.LineString{{0, 0}, {10, 0}, {0, 0}}) // out and back
	out, _ := line.ProjectBetween(orb.Point{4, 0}, 0, 1000)
	back, _ := line.ProjectBetween(orb.Point{4, 0}, 1200, line.Length())
	if math.Abs(out-4*111.195) > 0.1 || math.Abs(back-16*111.195) > 0.1 {
		t.Errorf("out %v, back %v", out, back)
	}
}

func TestAt(t *testing.T) {
	ls := orb.LineString{{0, 0}, {10, 0}, {10, 0}, {10, 10}}
	for _, tt := range []struct {
		km      float64
		want    orb.Point
		bearing float64
	}{
		{-5, orb.Point{0, 0}, 90},
		{5 * 111.195, orb.Point{5, 0}, 90},
		{15 * 111.195, orb.Point{10, 5}, 0},
		{9e9, orb.Point{10, 10}, 0},
	} {
		p, bearing := path.At(ls, tt.km)
		if path.Distance(p, tt.want) > 0.1 || math.Abs(math.Remainder(bearing-tt.bearing, 360)) > 0.01 {
			t.Errorf("At(%v) = %v course %v, want %v course %v", tt.km, p, bearing, tt.want, tt.bearing)
		}
	}
	if p, _ := path.At(nil, 1); !math.IsNaN(p[0]) {
		t.Errorf("empty line: %v", p)
	}
}

func TestSliceKeepsItsLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := path.NewLine(anyLine(t, 2))
		from := rapid.Float64Range(0, 1).Draw(t, "from") * line.Length()
		to := from + rapid.Float64Range(0, 1).Draw(t, "part")*(line.Length()-from)
		if got := path.Length(line.Slice(from, to)); math.Abs(got-(to-from)) > 1e-3 {
			t.Fatalf("%v km long, want %v", got, to-from)
		}
	})
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		what string
		in   orb.LineString
		want orb.MultiLineString
	}{
		{"empty", nil, nil},
		{"inside", orb.LineString{{1, 1}, {2, 2}}, orb.MultiLineString{{{1, 1}, {2, 2}}}},
		{"east", orb.LineString{{170, 0}, {190, 0}}, orb.MultiLineString{{{170, 0}, {180, 0}}, {{-180, 0}, {-170, 0}}}},
		{"jump east", orb.LineString{{170, 0}, {-170, 0}}, orb.MultiLineString{{{170, 0}, {180, 0}}, {{-180, 0}, {-170, 0}}}},
		{"west", orb.LineString{{-170, 0}, {-190, 0}}, orb.MultiLineString{{{-170, 0}, {-180, 0}}, {{180, 0}, {170, 0}}}},
		{"touches", orb.LineString{{170, 0}, {180, 0}, {175, 0}}, orb.MultiLineString{{{170, 0}, {180, 0}, {175, 0}}}},
		{"ends on it", orb.LineString{{170, 0}, {180, 0}}, orb.MultiLineString{{{170, 0}, {180, 0}}}},
		{"vertex on it", orb.LineString{{170, 0}, {180, 0}, {190, 0}}, orb.MultiLineString{{{170, 0}, {180, 0}}, {{-180, 0}, {-170, 0}}}},
		{"starts on it", orb.LineString{{180, 0}, {190, 0}}, orb.MultiLineString{{{-180, 0}, {-170, 0}}}},
		{"starts on it westward", orb.LineString{{180, 0}, {170, 0}}, orb.MultiLineString{{{180, 0}, {170, 0}}}},
		{"starts on -180 westward", orb.LineString{{-180, 0}, {-190, 0}}, orb.MultiLineString{{{180, 0}, {170, 0}}}},
		{"all beyond", orb.LineString{{190, 0}, {200, 0}}, orb.MultiLineString{{{-170, 0}, {-160, 0}}}},
	} {
		if got := path.Cut(tt.in); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}

func TestCutKeepsLengthAndRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := anyLine(t, 1)
		var km float64
		for _, part := range path.Cut(ls) {
			km += path.Length(part)
			for i, p := range part {
				if p[0] < -180 || p[0] > 180 {
					t.Fatalf("%v is out of range", p)
				}
				if i > 0 && math.Abs(p[0]-part[i-1][0]) > 180 {
					t.Fatalf("jump from %v to %v", part[i-1], p)
				}
			}
		}
		if want := path.Length(ls); math.Abs(km-want) > 1e-3 {
			t.Fatalf("%v km in pieces, want %v", km, want)
		}
	})
}

func TestSimplifyStaysNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := anyLine(t, 2)
		tolerance := rapid.Float64Range(0.1, 300).Draw(t, "tolerance")
		got := path.Simplify(ls, tolerance)
		if got[0] != ls[0] || got[len(got)-1] != ls[len(ls)-1] || len(got) > len(ls) {
			t.Fatalf("%v became %v", ls, got)
		}
		for _, p := range ls {
			if _, off := path.Project(got, p); off > tolerance+1e-6 {
				t.Fatalf("%v is %v km off, tolerance %v", p, off, tolerance)
			}
		}
	})
	if got := path.Simplify(orb.LineString{{1, 1}}, 1); len(got) != 1 {
		t.Errorf("single point: %v", got)
	}
}

func TestGreatCircle(t *testing.T) {
	tokyo, la := orb.Point{139.69, 35.69}, orb.Point{-118.24, 34.05}
	ls := path.GreatCircle(tokyo, la, 100)
	for i := 1; i < len(ls); i++ {
		if d := path.Distance(ls[i-1], ls[i]); d > 100.001 || math.Abs(ls[i][0]-ls[i-1][0]) > 180 {
			t.Fatalf("step %d from %v to %v is %v km", i, ls[i-1], ls[i], d)
		}
	}
	if got, want := path.Length(ls), path.Distance(tokyo, la); math.Abs(got-want) > 1e-3 {
		t.Errorf("%v km, want %v", got, want)
	}
	if len(path.Cut(ls)) != 2 {
		t.Error("the way crosses the antimeridian once")
	}
}

func TestGeoJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ls := anyLine(t, 1)
		raw, err := path.GeoJSON(ls)
		if err != nil {
			t.Fatal(err)
		}
		g, err := geojson.UnmarshalGeometry(raw)
		if err != nil || !json.Valid(raw) {
			t.Fatalf("%s: %v", raw, err)
		}
		lines := orb.MultiLineString{}
		switch g := g.Geometry().(type) {
		case orb.LineString:
			lines = append(lines, g)
		case orb.MultiLineString:
			lines = g
		default:
			t.Fatalf("a %s", g.GeoJSONType())
		}
		for _, part := range lines {
			if len(part) < 2 {
				t.Fatalf("a line of %d positions in %s", len(part), raw)
			}
		}
	})
	if _, err := path.GeoJSON(nil); !errors.Is(err, path.ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	for _, p := range []orb.Point{{math.NaN(), 0}, {0, math.NaN()}, {math.Inf(1), 0}, {0, 91}} {
		if raw, err := path.GeoJSON(orb.LineString{p, {0, 0}}); err == nil {
			t.Errorf("%v gave %s", p, raw)
		}
	}
}

func ExampleGeoJSON() {
	raw, _ := path.GeoJSON(orb.LineString{{120.3000004, 36.07}, {120.4, -0.0000001}})
	fmt.Println(string(raw))
	raw, _ = path.GeoJSON(orb.LineString{{179, 0}, {181, 0}})
	fmt.Println(string(raw))
	// Output:
	// {"type":"LineString","coordinates":[[120.3,36.07],[120.4,0]]}
	// {"type":"MultiLineString","coordinates":[[[179,0],[180,0]],[[-180,0],[-179,0]]]}
}

func bench() orb.LineString {
	ls := path.GreatCircle(orb.Point{120.38, 36.07}, orb.Point{37.62, 55.75}, 2) // 3,254 steps
	for i := range ls {
		ls[i][1] += 0.02 * math.Sin(float64(i)/7)
	}
	return ls
}

func BenchmarkDistance(b *testing.B) {
	for b.Loop() {
		path.Distance(orb.Point{120.38, 36.07}, orb.Point{37.62, 55.75})
	}
}

func BenchmarkLineProject(b *testing.B) {
	line := path.NewLine(bench())
	p, _ := line.At(line.Length() / 3)
	p[1] += 0.05
	b.ReportAllocs()
	for b.Loop() {
		line.Project(p)
	}
}

func BenchmarkSimplify(b *testing.B) {
	ls := bench()
	for b.Loop() {
		path.Simplify(ls, 1)
	}
}

func BenchmarkGeoJSON(b *testing.B) {
	ls := bench()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := path.GeoJSON(ls); err != nil {
			b.Fatal(err)
		}
	}
}
