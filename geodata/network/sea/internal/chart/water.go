// Package chart is what the sea network knows of the world: a raster of the
// water near coasts, the turning points ships round headlands at, and the legs
// between them that cross no land. It also reads and writes the file they are
// kept in (FORMAT.md beside the sea package). It does no routing.
package chart

import (
	"math"

	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/paged"

	"github.com/paulmach/orb"
)

// Class is what a ship may do in a raster cell.
type Class uint8

// Classes of water.
const (
	Land    Class = iota // the centre of the cell is on land
	Inshore              // water nearer to land or shoals than a passing ship keeps
	Open                 // water a passing ship uses
)

// The raster covers the latitudes ships use, in cells of half an arc minute.
const (
	PerDegree = 120
	South     = -60 // degrees; beyond it everything is Land
	North     = 82
	tileCells = 60 // cells along the side of a tile
	TilesX    = 360 * PerDegree / tileCells
	TilesY    = (North - South) * PerDegree / tileCells
	Width     = 360 * PerDegree
	Height    = (North - South) * PerDegree
)

const (
	tileDeg   = float64(tileCells) / PerDegree
	cellRad   = math.Pi / 180 / PerDegree
	tileRad   = cellRad * tileCells
	tileBytes = tileCells * tileCells / 4
)

// Water is the raster. Most tiles hold one class only; the others hold two bits
// a cell. Immutable once built.
type Water struct {
	tiles []int32 // TilesX×TilesY from the south-west; ^class when uniform, else offset into cells
	cells []byte  // tileBytes for each mixed tile
	clear []uint8 // per tile: tiles one can go in any direction and meet only Open, 0 when itself is not
}

// Columns are what the raster is made of, to be kept elsewhere than on the heap.
func (w *Water) Columns() []paged.Column {
	return []paged.Column{paged.Of(&w.tiles), paged.Of(&w.cells), paged.Of(&w.clear)}
}

// Cell is the raster cell of a lon/lat point; ok is false off the raster.
func Cell(p orb.Point) (x, y int, ok bool) {
	y = int(math.Floor((p[1] - South) * PerDegree))
	x = int(math.Floor((p[0] + 180) * PerDegree))
	if x %= Width; x < 0 {
		x += Width
	}
	return x, y, y >= 0 && y < Height
}

// Centre is the lon/lat of the middle of a cell; x may lie off the raster to
// either side, the longitude then leaves [-180, 180].
func Centre(x, y int) orb.Point {
	return orb.Point{(float64(x)+0.5)/PerDegree - 180, (float64(y)+0.5)/PerDegree + South}
}

// NewWater packs a raster given cell by cell.
func NewWater(at func(x, y int) Class) *Water {
	w := &Water{tiles: make([]int32, TilesX*TilesY)}
	var buf [tileCells * tileCells]Class
	for ty := range TilesY {
		for tx := range TilesX {
			uniform := true
			for i := range buf {
				buf[i] = at(tx*tileCells+i%tileCells, ty*tileCells+i/tileCells)
				uniform = uniform && buf[i] == buf[0]
			}
			w.setTile(ty*TilesX+tx, &buf, uniform)
		}
	}
	w.finish()
	return w
}

func (w *Water) setTile(tile int, cells *[tileCells * tileCells]Class, uniform bool) {
	if uniform {
		w.tiles[tile] = ^int32(cells[0])
		return
	}
	off := len(w.cells)
	w.tiles[tile] = int32(off)
	w.cells = append(w.cells, make([]byte, tileBytes)...)
	for i, c := range cells {
		w.cells[off+i/4] |= byte(c) << (i % 4 * 2)
	}
}

// finish derives how far one can go from each tile in open water.
func (w *Water) finish() {
	w.clear = make([]uint8, len(w.tiles))
	for i, t := range w.tiles {
		if t == ^int32(Open) {
			w.clear[i] = 255
		}
	}
	// Chebyshev distance in tiles to the nearest tile that is not all Open, by
	// two sweeps; a second round lets it wrap around the antimeridian.
	relax := func(x, y, nx, ny int) {
		d := uint8(0)
		if ny >= 0 && ny < TilesY {
			d = w.clear[ny*TilesX+(nx+TilesX)%TilesX]
		}
		if i := y*TilesX + x; d < 255 && w.clear[i] > d+1 {
			w.clear[i] = d + 1
		}
	}
	for range 2 {
		for y := range TilesY {
			for x := range TilesX {
				relax(x, y, x-1, y)
				relax(x, y, x-1, y-1)
				relax(x, y, x, y-1)
				relax(x, y, x+1, y-1)
			}
		}
		for y := TilesY - 1; y >= 0; y-- {
			for x := TilesX - 1; x >= 0; x-- {
				relax(x, y, x+1, y)
				relax(x, y, x+1, y+1)
				relax(x, y, x, y+1)
				relax(x, y, x-1, y+1)
			}
		}
	}
}

// At is the class of a cell; x wraps.
func (w *Water) At(x, y int) Class {
	if y < 0 || y >= Height {
		return Land
	}
	if x < 0 {
		x += Width
	} else if x >= Width {
		x -= Width
	}
	t := w.tiles[y/tileCells*TilesX+x/tileCells]
	if t < 0 {
		return Class(^t)
	}
	i := y%tileCells*tileCells + x%tileCells
	return Class(w.cells[int(t)+i/4] >> (i % 4 * 2) & 3)
}

// AtPoint is the class of the cell that holds a lon/lat point.
func (w *Water) AtPoint(p orb.Point) Class {
	x, y, ok := Cell(p)
	if !ok {
		return Land
	}
	return w.At(x, y)
}

// chordRad is how long a piece of a great circle is walked as a straight line
// over the raster: over ten miles it bends by a hundredth of one at most.
const chordRad = 10.0 / 60 * math.Pi / 180

// Sight reports whether the great circle from a to b keeps to Open water, or to
// water of any kind within near (radians) of either end.
func (w *Water) Sight(a, b globe.Vec, nearA, nearB float64) bool {
	_, ok := w.Look(a, b, nearA, nearB)
	return ok
}

// Look is Sight that also tells how far (radians) from a it saw.
func (w *Water) Look(a, b globe.Vec, nearA, nearB float64) (far float64, ok bool) {
	arc := globe.NewArc(a, b)
	t := 0.0
	p := arc.At(t)
	x, y := place(p)
	for {
		if y < 0 || y >= Height {
			return t, false
		}
		tile := int(y)/tileCells*TilesX + int(x)/tileCells
		if c := w.clear[tile]; c > 0 && t < arc.Angle {
			// To the edge of this tile, then over the clear tiles beyond it. The
			// longitude shrinks towards the pole: take the cosine where it is least.
			ix, iy := x-float64(int(x)/tileCells*tileCells), y-float64(int(y)/tileCells*tileCells)
			cosLat := math.Sqrt(1-p.Z*p.Z) - float64(c)*tileRad
			dx := (min(ix, tileCells-ix)*cellRad + float64(c-1)*tileRad) * cosLat
			dy := min(iy, tileCells-iy)*cellRad + float64(c-1)*tileRad
			t = min(t+max(cellRad, min(dx, dy)), arc.Angle)
			p = arc.At(t)
			x, y = place(p)
			continue
		}
		next := min(t+chordRad, arc.Angle)
		p = arc.At(next)
		nx, ny := place(p)
		if ny < 0 || ny >= Height {
			return t, false
		}
		dx, dy := nx-x, ny-y
		if dx > Width/2 {
			dx -= Width
		} else if dx < -Width/2 {
			dx += Width
		}
		n := int(1.3*max(math.Abs(dx), math.Abs(dy))) + 1
		for k := 0; k <= n; k++ {
			f := float64(k) / float64(n)
			cx := int(x + f*dx + Width) // not negative, so that it rounds down
			if cx -= Width; cx < 0 {
				cx += Width
			} else if cx >= Width {
				cx -= Width
			}
			cls := w.At(cx, int(y+f*dy))
			if cls == Open {
				continue
			}
			if at := t + f*(next-t); cls == Land || at > nearA && arc.Angle-at > nearB {
				return at, false
			}
		}
		if next >= arc.Angle {
			return next, true
		}
		t, x, y = next, nx, ny
	}
}

// place is where a unit vector lies on the raster, in cells.
func place(p globe.Vec) (x, y float64) {
	x = (math.Atan2(p.Y, p.X) + math.Pi) / cellRad
	if x >= Width {
		x -= Width
	}
	return x, math.Asin(max(-1, min(1, p.Z)))/cellRad - South*PerDegree
}
