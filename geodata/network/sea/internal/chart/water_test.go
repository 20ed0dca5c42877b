package chart

import (
	"testing"

	"corridor/geodata/network/sea/internal/globe"

	"github.com/paulmach/orb"
)

func vec(lon, lat float64) globe.Vec { return globe.FromPoint(orb.Point{lon, lat}) }

// lake is open water everywhere but for one tile of land at 10° E 10° N with a
// strip of inshore water along its south side.
func lake() *Water {
	w := &Water{tiles: make([]int32, TilesX*TilesY)}
	for i := range w.tiles {
		w.tiles[i] = ^int32(Open)
	}
	x, y, _ := Cell(orb.Point{10, 10})
	var cells [tileCells * tileCells]Class
	for i := range cells {
		if i < 5*tileCells {
			cells[i] = Inshore
		}
	}
	w.setTile(y/tileCells*TilesX+x/tileCells, &cells, false)
	w.finish()
	return w
}

func TestSight(t *testing.T) {
	w := lake()
	mile := 1.0 / 60 * 3.14159 / 180
	for _, c := range []struct {
		name         string
		a, b         globe.Vec
		nearA, nearB float64
		want         bool
	}{
		{"clear of the land", vec(5, 12), vec(15, 12), 0, 0, true},
		{"through the land", vec(5, 10.25), vec(15, 10.25), 0, 0, false},
		{"along the strip", vec(9, 10.02), vec(12, 10.02), 0, 0, false},
		{"from a harbour in the strip", vec(10.2, 10.02), vec(10.2, 8), 5 * mile, 0, true},
		{"to a harbour in the strip", vec(10.2, 8), vec(10.2, 10.02), 0, 5 * mile, true},
		{"from a harbour across the land", vec(10.2, 10.02), vec(10.2, 12), 5 * mile, 0, false},
		{"over the antimeridian", vec(179, 0), vec(-170, 5), 0, 0, true},
		{"off the raster", vec(0, 70), vec(180, 70), 0, 0, false},
		{"nowhere to go", vec(3, 3), vec(3, 3), 0, 0, true},
	} {
		if got := w.Sight(c.a, c.b, c.nearA, c.nearB); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestCell(t *testing.T) {
	for _, c := range []struct {
		p    orb.Point
		x, y int
		ok   bool
	}{
		{orb.Point{-180, -60}, 0, 0, true},
		{orb.Point{180, -60}, 0, 0, true},
		{orb.Point{179.9999, 81.9999}, Width - 1, Height - 1, true},
		{orb.Point{-190, 0}, Width - 10*PerDegree, 60 * PerDegree, true},
		{orb.Point{0, 82}, Width / 2, Height, false},
		{orb.Point{0, -61}, Width / 2, -PerDegree, false},
	} {
		x, y, ok := Cell(c.p)
		if x != c.x || y != c.y || ok != c.ok {
			t.Errorf("cell of %v is %d,%d %v, want %d,%d %v", c.p, x, y, ok, c.x, c.y, c.ok)
		}
	}
}
