package globe

import (
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// Lengths of geodesics on WGS 84 from GeographicLib's test set and textbooks.
func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b orb.Point
		km   float64
	}{
		{orb.Point{0, 0}, orb.Point{1, 0}, 111.31949},                   // a degree of the equator
		{orb.Point{0, 0}, orb.Point{0, 1}, 110.57439},                   // a degree of the meridian there
		{orb.Point{0, 89}, orb.Point{0, 90}, 111.69387},                 // and at the pole
		{orb.Point{-73.8, 40.6}, orb.Point{2.55, 49.0166667}, 5853.226}, // JFK–CDG, GeographicLib
		{orb.Point{179.5, 10}, orb.Point{-179.5, 10}, 109.63937},
		{orb.Point{7, 7}, orb.Point{7, 7}, 0},
	} {
		if got := DistanceKM(c.a, c.b); math.Abs(got-c.km) > 0.03 {
			t.Errorf("%v–%v is %.4f km, want %.4f", c.a, c.b, got, c.km)
		}
	}
}

func anywhere(t *rapid.T, name string) orb.Point {
	return orb.Point{
		rapid.Float64Range(-180, 180).Draw(t, name+" lon"),
		rapid.Float64Range(-89, 89).Draw(t, name+" lat"),
	}
}

func TestArcProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anywhere(t, "a"), anywhere(t, "b")
		va, vb := FromPoint(a), FromPoint(b)
		if va.Angle(vb) > 3 || va.Angle(vb) < 1e-6 {
			t.Skip("no single great circle")
		}
		arc := NewArc(va, vb)
		if end := arc.At(arc.Angle); end.Angle(vb) > 1e-9 {
			t.Fatalf("the arc ends %g from its end", end.Angle(vb))
		}
		if d, e := DistanceKM(a, b), DistanceKM(b, a); math.Abs(d-e) > 1e-6 {
			t.Fatalf("%v one way, %v the other", d, e)
		}
		if d, s := DistanceKM(a, b), va.Angle(vb)*MeanRadiusKM; math.Abs(d-s) > 0.006*s {
			t.Fatalf("ellipsoid %v, sphere %v", d, s)
		}
	})
}

func TestCrossing(t *testing.T) {
	v := func(lon, lat float64) Vec { return FromPoint(orb.Point{lon, lat}) }
	for _, c := range []struct {
		name       string
		a, b, c, d Vec
		want       bool
	}{
		{"a cross", v(-1, 0), v(1, 0), v(0, -1), v(0, 1), true},
		{"short of it", v(-2, 0), v(-1, 0), v(0, -1), v(0, 1), false},
		{"on the other side of the earth", v(-1, 0), v(1, 0), v(180, -1), v(180, 1), false},
		{"over the antimeridian", v(179, 0), v(-179, 0), v(180, -1), v(180, 1), true},
		{"beside its end", v(-1, 2), v(1, 2), v(0, -1), v(0, 1), false},
	} {
		at, ok := Crossing(c.a, c.b, c.c, c.d)
		if ok != c.want {
			t.Errorf("%s: %v, want %v", c.name, ok, c.want)
		}
		if ok && math.Abs(at-math.Pi/180) > 1e-9 {
			t.Errorf("%s: crosses at %g rad, want a degree", c.name, at)
		}
	}
}
