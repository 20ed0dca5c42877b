// Package cell is the spatial index of Corridor: H3 cells, the hexagons that
// viewports, densities and geofences are kept in. It is the only importer of
// h3-go, whose calls go through cgo (about a microsecond each): compute a cell
// once for a fix and carry it; Parent, Resolution and the text form are plain
// bit work and free.
//
// It is not for exact geometry. A cell and the cells it is parent of overlap only
// roughly at their edges, so a set of cells finds candidates and path or area
// decides.
package cell

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/paulmach/orb"
	"github.com/uber/h3-go/v4"

	"corridor/geodata/path"
)

// ID is an H3 cell index. The zero ID is no cell.
type ID uint64

// MaxRes is the finest resolution; 0 is the coarsest, with 122 cells.
const MaxRes = 15

// An index holds, from the top: a reserved bit, the mode (1 for a cell) in 4, 3
// reserved bits, the resolution in 4, the base cell in 7 and fifteen digits of 3
// bits, those beyond the resolution being 7.
const (
	modeShift = 59
	resShift  = 52
	baseShift = 45
	digitBits = 3
)

// pentagons are the base cells with five neighbours, a bit for each.
var pentagons = [2]uint64{
	1<<4 | 1<<14 | 1<<24 | 1<<38 | 1<<49 | 1<<58 | 1<<63,
	1<<(72-64) | 1<<(83-64) | 1<<(97-64) | 1<<(107-64) | 1<<(117-64),
}

// Of is the cell that holds the point, or the zero ID when there is none: a
// latitude beyond ±90, a coordinate that is not a number, or a resolution out of
// [0, MaxRes].
func Of(p orb.Point, res int) ID {
	if !(math.Abs(p[1]) <= 90) || math.IsNaN(p[0]) || math.IsInf(p[0], 0) || res < 0 || res > MaxRes {
		return 0
	}
	c, err := h3.LatLngToCell(h3.LatLng{Lat: p[1], Lng: p[0]}, res)
	if err != nil {
		return 0
	}
	return ID(c)
}

// ErrInvalid says a text is not a cell.
var ErrInvalid = errors.New("not an H3 cell")

// Parse reads the usual text form, 15 or 16 hexadecimal digits.
func Parse(s string) (ID, error) {
	u, err := strconv.ParseUint(s, 16, 64)
	if err != nil || !ID(u).Valid() {
		return 0, fmt.Errorf("%q: %w", s, ErrInvalid)
	}
	return ID(u), nil
}

// Valid reports whether the ID is a cell.
func (c ID) Valid() bool { return c != 0 && h3.Cell(c).IsValid() }

// String is the usual text form, e.g. "8a2a1072b59ffff".
func (c ID) String() string { return strconv.FormatUint(uint64(c), 16) }

// AppendText appends the text form without allocating one of its own.
func (c ID) AppendText(b []byte) ([]byte, error) { return strconv.AppendUint(b, uint64(c), 16), nil }

// MarshalText is the text form, for JSON.
func (c ID) MarshalText() ([]byte, error) { return c.AppendText(nil) }

// UnmarshalText reads the text form.
func (c *ID) UnmarshalText(b []byte) (err error) {
	*c, err = Parse(string(b))
	return err
}

// Resolution is how fine the cell is.
func (c ID) Resolution() int { return int(c >> resShift & 15) }

// Parent is the cell's ancestor at a resolution no finer than its own. At a
// finer one, or a negative one, it is the zero ID.
func (c ID) Parent(res int) ID {
	own := c.Resolution()
	if c == 0 || res < 0 || res > own {
		return 0
	}
	c = c&^(15<<resShift) | ID(res)<<resShift
	unused := digitBits * (MaxRes - res)
	return c | (1<<unused - 1)
}

// Center is the middle of the cell.
func (c ID) Center() orb.Point {
	ll, err := h3.CellToLatLng(h3.Cell(c))
	if err != nil {
		return orb.Point{math.NaN(), math.NaN()}
	}
	return orb.Point{ll.Lng, ll.Lat}
}

// Boundary is the outline of the cell, closed, counter-clockwise, with
// continuous longitudes: near ±180° it runs beyond.
func (c ID) Boundary() orb.Ring {
	b, err := h3.CellToBoundary(h3.Cell(c))
	if err != nil {
		return nil
	}
	ring := make(orb.LineString, 0, len(b)+1)
	for _, ll := range b {
		ring = append(ring, orb.Point{ll.Lng, ll.Lat})
	}
	return orb.Ring(path.Unwrap(append(ring, ring[0])))
}

// Disk is the cell and those within k steps of it.
func (c ID) Disk(k int) []ID {
	if c == 0 || k < 0 {
		return nil
	}
	cells, err := h3.GridDisk(h3.Cell(c), k)
	if err != nil {
		return nil
	}
	out := make([]ID, len(cells))
	for i, n := range cells {
		out[i] = ID(n)
	}
	return out
}

// AppendChildren appends the seven cells (six for a pentagon) one resolution
// finer that have the cell as parent.
func (c ID) AppendChildren(out []ID) []ID {
	res := c.Resolution() + 1
	if c == 0 || res > MaxRes {
		return out
	}
	shift := digitBits * (MaxRes - res)
	first := (c + 1<<resShift) &^ (7 << shift)
	five := c.pentagon()
	for digit := range ID(7) {
		if five && digit == 1 { // the direction a pentagon lacks
			continue
		}
		out = append(out, first|digit<<shift)
	}
	return out
}

func (c ID) pentagon() bool {
	base := c >> baseShift & 127
	if pentagons[base/64]>>(base%64)&1 == 0 {
		return false
	}
	used := digitBits * c.Resolution()
	digits := c >> (baseShift - used) & (1<<used - 1)
	return digits == 0
}

// edgeKM is the mean edge length of a cell by resolution.
var edgeKM = [MaxRes + 1]float64{
	1281.256011, 483.0568391, 182.5129565, 68.97922179, 26.07175968, 9.854090990,
	3.724532667, 1.406475763, 0.531414010, 0.200786148, 0.075863783, 0.028663897,
	0.010830188, 0.004092010, 0.001546100, 0.000584169,
}

// Cells are not all of one size and shape. Over every cell to resolution 4 a
// corner is at most 1.100 mean edges from the centre, and a corner of a cell two
// below at most 1.133; the factors leave a margin.
const (
	ownFactor  = 1.12 // a circle that holds the cell
	kinsFactor = 1.18 // a circle that holds all cells below it too
)

// RadiusKM is the radius of a circle around the centre of any cell of the
// resolution that holds the whole cell.
func RadiusKM(res int) float64 { return ownFactor * edgeKM[max(0, min(res, MaxRes))] }

// Region tells whether a circle might touch a region. It may say yes too often,
// never no when they touch.
type Region func(centre orb.Point, radiusKM float64) bool

// Cover returns the cells of a resolution that touch the region, and some of
// their neighbours. It gives up and reports false beyond limit cells.
func Cover(region Region, res, limit int) ([]ID, bool) {
	if res < 0 || res > MaxRes || limit <= 0 {
		return nil, false
	}
	var out []ID
	var descend func(c ID) bool
	descend = func(c ID) bool {
		r := c.Resolution()
		if r == res {
			if region(c.Center(), RadiusKM(r)) {
				out = append(out, c)
			}
			return len(out) <= limit
		}
		if !region(c.Center(), kinsFactor*edgeKM[r]) {
			return true
		}
		var kids [7]ID
		for _, kid := range c.AppendChildren(kids[:0]) {
			if !descend(kid) {
				return false
			}
		}
		return true
	}
	for base := range ID(122) {
		if !descend(1<<modeShift | base<<baseShift | (1<<baseShift - 1)) {
			return nil, false
		}
	}
	return out, true
}

// CoverBox covers a box of longitudes and latitudes, as Cover does. A box whose
// east is less than its west, or beyond 180, spans the antimeridian; one 360° wide
// or wider goes all the way round.
func CoverBox(box orb.Bound, res, limit int) ([]ID, bool) {
	return Cover(Box(box), res, limit)
}

// Box is the region of a box as CoverBox takes it.
func Box(box orb.Bound) Region {
	west, south, north := box.Min[0], box.Min[1], box.Max[1]
	width := box.Max[0] - west
	if width < 0 {
		width += 360 * math.Ceil(-width/360)
	}
	round := width >= 360
	sides := [2][2]orb.Point{
		{{west, south}, {west, north}},
		{{west + width, south}, {west + width, north}},
	}
	const kmPerDegree = path.EarthRadiusKM * math.Pi / 180
	return func(c orb.Point, radiusKM float64) bool {
		east := math.Mod(c[0]-west, 360)
		if east < 0 {
			east += 360
		}
		if round || east <= width {
			return (south-c[1])*kmPerDegree <= radiusKM && (c[1]-north)*kmPerDegree <= radiusKM
		}
		return path.ToSegment(c, sides[0][0], sides[0][1]) <= radiusKM ||
			path.ToSegment(c, sides[1][0], sides[1][1]) <= radiusKM
	}
}

// Corridor is the region within widthKM of a line.
func Corridor(line *path.Line, widthKM float64) Region {
	return func(c orb.Point, radiusKM float64) bool {
		_, off := line.Project(c)
		return off <= widthKM+radiusKM
	}
}
