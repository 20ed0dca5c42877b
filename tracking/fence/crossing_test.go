package fence_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"corridor/tracking/fence"
)

func TestCrossingOutlines(t *testing.T) {
	type ring = [][2]float64
	for _, tt := range []struct {
		name  string
		rings []ring
		cross bool
	}{
		{"square", []ring{{{0, 0}, {2, 0}, {2, 2}, {0, 2}}}, false},
		{"bow tie", []ring{{{0, 0}, {2, 2}, {2, 0}, {0, 2}}}, true},
		{"bow tie through a corner", []ring{{{0, 0}, {1, 1}, {2, 2}, {2, 0}, {1, 1}, {0, 2}}}, true},
		{"bow tie over 180", []ring{{{179, 0}, {-179, 2}, {-179, 0}, {179, 2}}}, true},
		{"square over 180", []ring{{{179, 0}, {-179, 0}, {-179, 2}, {179, 2}}}, false},
		{"a spike", []ring{{{0, 0}, {2, 0}, {2, 2}, {2, 5}, {2, 2}, {0, 2}}}, true},
		{"there and back along an edge", []ring{{{0, 0}, {4, 0}, {2, 0}, {2, 2}}}, true},
		{"touches itself in a corner", []ring{{{0, 0}, {4, 0}, {4, 4}, {2, 0}, {0, 4}}}, true},
		{"corners given twice", []ring{{{0, 0}, {0, 0}, {2, 0}, {2, 2}, {2, 2}, {0, 2}, {0, 0}}}, false},
		{"triangle", []ring{{{0, 0}, {2, 0}, {1, 1}}}, false},
		{"a hole", []ring{{{0, 0}, {9, 0}, {9, 9}, {0, 9}}, {{2, 2}, {4, 2}, {4, 4}}}, false},
		{"a hole that touches", []ring{{{0, 0}, {9, 0}, {9, 9}, {0, 9}}, {{0, 2}, {4, 2}, {4, 4}}}, false},
		{"a hole that comes out", []ring{{{0, 0}, {9, 0}, {9, 9}, {0, 9}}, {{-1, 2}, {4, 2}, {4, 4}}}, true},
		{"a hole along an edge", []ring{{{0, 0}, {9, 0}, {9, 9}, {0, 9}}, {{0, 2}, {4, 3}, {0, 4}}}, true},
		{"around a pole", []ring{{{0, 80}, {90, 80}, {180, 70}, {-90, 80}}}, false},
		{"around a pole, back over its end", []ring{{{0, 80}, {90, 80}, {180, 80}, {-90, 80}, {-80, 60}, {-100, 85}, {-5, 81}}}, true},
	} {
		_, err := fence.New(fence.Shape{Polygon: tt.rings})
		if tt.cross != (err != nil) || err != nil && (!errors.Is(err, fence.ErrShape) || !strings.Contains(err.Error(), "crosses itself near [")) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// A star has no crossings wherever it begins, however it turns and wherever it lies;
// two corners of a convex ring exchanged make one.
func TestCrossingsOfRandomRings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 40).Draw(t, "corners")
		lon, lat := rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-60, 60).Draw(t, "lat")
		convex := make([][2]float64, n)
		star := make([][2]float64, n)
		wrap := func(x float64) float64 { return math.Mod(x+540, 360) - 180 }
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			r := rapid.Float64Range(0.01, 20).Draw(t, "radius")
			convex[i] = [2]float64{wrap(lon + 10*cos), lat + 10*sin}
			star[i] = [2]float64{wrap(lon + r*cos), lat + r*sin}
		}
		turned := func(ring [][2]float64) [][2]float64 {
			k := rapid.IntRange(0, n-1).Draw(t, "first")
			ring = append(slices.Clone(ring[k:]), ring[:k]...)
			if rapid.Bool().Draw(t, "backwards") {
				slices.Reverse(ring)
			}
			return ring
		}
		for _, ring := range [][][2]float64{convex, star} {
			if _, err := fence.New(fence.Shape{Polygon: [][][2]float64{turned(ring)}}); err != nil {
				t.Fatalf("%v: %v", ring, err)
			}
		}
		i := rapid.IntRange(0, n-1).Draw(t, "one")
		j := (i + rapid.IntRange(1, n-1).Draw(t, "other")) % n
		if n == 4 && (i+2)%4 == j {
			return // the diagonal of a quadrangle exchanged turns it around
		}
		convex[i], convex[j] = convex[j], convex[i]
		if _, err := fence.New(fence.Shape{Polygon: [][][2]float64{turned(convex)}}); err == nil {
			t.Fatalf("%v has no crossing", convex)
		}
	})
}

func BenchmarkCheckLargestOutline(b *testing.B) {
	ring := make([][2]float64, fence.MaxVertices)
	for i := range ring {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(len(ring)))
		ring[i] = [2]float64{20 * cos, 20 * sin}
	}
	for b.Loop() {
		if _, err := fence.New(fence.Shape{Polygon: [][][2]float64{ring}}); err != nil {
			b.Fatal(err)
		}
	}
}
