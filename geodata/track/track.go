// Package track turns timed paths into what geographic databases and tools read:
// a LineString whose third ordinate, M, is the time (PostGIS calls it a
// trajectory: geometry(LineStringM, 4326)), as EWKB bytes. It is the only importer
// of go-geom.
//
// It is pure. What can be measured on a path without times is package path.
package track

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/paulmach/orb"
	geom "github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/ewkb"
)

// SRID is the spatial reference of all that is written: WGS 84, lon and lat.
const SRID = 4326

// Sentinels.
var (
	ErrShort    = errors.New("track: a line needs two points or none")
	ErrOrder    = errors.New("track: times do not rise")
	ErrNotTrack = errors.New("track: not a LineString with measures")
)

// Point is a place and when something was there.
type Point struct {
	Point orb.Point
	Time  time.Time
}

// EWKB writes a path as an XYM LineString, little endian, M in Unix seconds to the
// millisecond. Times must rise, as ST_IsValidTrajectory asks for. No points give
// an empty LineString; a single one is no line.
//
// Longitudes stay as they are: a path over the antimeridian that jumps from 180 to
// -180 must be cut before (package path) or be shown on a globe.
func EWKB(points []Point) ([]byte, error) {
	if len(points) == 1 {
		return nil, ErrShort
	}
	flat := make([]float64, 0, 3*len(points))
	for i, p := range points {
		if i > 0 && p.Time.UnixMilli() <= points[i-1].Time.UnixMilli() {
			return nil, fmt.Errorf("%w: point %d at %s", ErrOrder, i, p.Time.Format(time.RFC3339Nano))
		}
		flat = append(flat, p.Point.Lon(), p.Point.Lat(), float64(p.Time.UnixMilli())/1000)
	}
	line := geom.NewLineStringFlat(geom.XYM, flat).SetSRID(SRID)
	b, err := ewkb.Marshal(line, binary.LittleEndian)
	if err != nil {
		return nil, fmt.Errorf("track: write EWKB: %w", err)
	}
	return b, nil
}

// maxTime is the largest M that is taken for Unix seconds: the year 9999.
const maxTime = 253402300800

// FromEWKB reads a LineString with measures in either byte order, as EWKB writes
// it or PostGIS returns it; one with Z too loses its Z. Any SRID but 4326 (or none)
// is refused, for nothing here transforms coordinates.
func FromEWKB(b []byte) ([]Point, error) {
	if err := plausible(b); err != nil {
		return nil, err
	}
	g, err := ewkb.Unmarshal(b)
	if err != nil {
		return nil, fmt.Errorf("track: read EWKB: %w", err)
	}
	line, ok := g.(*geom.LineString)
	if !ok || line.Layout().MIndex() < 0 {
		return nil, ErrNotTrack
	}
	if srid := line.SRID(); srid != 0 && srid != SRID {
		return nil, fmt.Errorf("track: SRID %d, want %d: use ST_Transform", srid, SRID)
	}
	points := make([]Point, line.NumCoords())
	for i := range points {
		c := line.Coord(i)
		m := c[line.Layout().MIndex()]
		if !(math.Abs(m) < maxTime) {
			return nil, fmt.Errorf("track: measure %g of point %d is no Unix time", m, i)
		}
		points[i] = Point{Point: orb.Point{c[0], c[1]}, Time: time.UnixMilli(int64(math.Round(m * 1000))).UTC()}
	}
	return points, nil
}

// plausible refuses what is no LineString, and a count of points that the bytes
// cannot hold, for which the decoder would allocate first.
func plausible(b []byte) error {
	if len(b) < 9 {
		return fmt.Errorf("track: read EWKB: %d bytes are too few", len(b))
	}
	var order binary.ByteOrder = binary.BigEndian
	if b[0] == 1 {
		order = binary.LittleEndian
	}
	const sridFlag, lineString, kinds = 0x20000000, 2, 1000
	kind := order.Uint32(b[1:])
	if kind&0xffff%kinds != lineString {
		return ErrNotTrack
	}
	at := 5
	if kind&sridFlag != 0 {
		at = 9
	}
	if len(b) < at+4 || uint64(order.Uint32(b[at:])) > uint64(len(b)-at-4)/24 {
		return fmt.Errorf("track: read EWKB: %d bytes do not hold what they announce", len(b))
	}
	return nil
}
