// Package fence tells which of many areas hold a point, and when a unit has
// entered, left or stayed. It is pure: no I/O, no clock.
//
// A Shape is an area on earth: a polygon, a circle, a corridor along a line, or a
// set of H3 cells. Whether it holds a point is exact, and its edge belongs to it. An
// Index finds the few of 100,000 shapes that may hold a point in well under a
// microsecond and asks those. Watch turns a unit's points into visits.
//
// It is not for routing or for drawing; distances are those of geodata/path.
package fence

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/geodata/path"
)

// Limits of a Shape.
const (
	MaxVertices = 20_000
	MaxCells    = 50_000
	MaxRadiusM  = 5_000_000
	MaxWidthM   = 500_000
)

// ErrShape says that a shape makes no sense; errors that wrap it say why.
var ErrShape = errors.New("not a usable fence")

// Shape is an area: exactly one of the fields is set.
type Shape struct {
	// Polygon is as in GeoJSON: rings of [lon, lat], the first the outline, the
	// others holes, closed or not, in either direction. Edges are straight in
	// longitude and latitude (RFC 7946) and take the short way over ±180°. A ring
	// that goes once around the earth holds the pole it is nearer to.
	Polygon [][][2]float64 `json:"polygon,omitempty"`
	Circle  *Circle        `json:"circle,omitempty"`
	// Corridor is all within a distance of a line along great circles.
	Corridor *Corridor `json:"corridor,omitempty"`
	Cells    []cell.ID `json:"cells,omitempty"` // H3, of any resolutions
}

// Circle is all within a distance of a point.
type Circle struct {
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
	RadiusM float64 `json:"radius_m"`
}

// Corridor is all within WidthM on either side of a line of [lon, lat].
type Corridor struct {
	Line   [][2]float64 `json:"line"`
	WidthM float64      `json:"width_m"`
}

// Area is a Shape prepared for questions. It is immutable.
type Area struct {
	area area
}

// area is one kind of shape. Longitudes of boxes are continuous: they may lie
// beyond ±180°.
type area interface {
	holds(p *probe) bool
	// outsideM is how far outside a point is, in metres; of a point inside, 0.
	outsideM(p orb.Point) float64
	// touches tells whether the area may have a point in common with a box; it may
	// say yes too often.
	touches(b orb.Bound) bool
	bounds() []orb.Bound
}

// New prepares a shape. Errors wrap ErrShape and say what is wrong with it.
func New(s Shape) (*Area, error) {
	n := 0
	for _, set := range []bool{s.Polygon != nil, s.Circle != nil, s.Corridor != nil, s.Cells != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return nil, fmt.Errorf("%w: give one of polygon, circle, corridor and cells, not %d", ErrShape, n)
	}
	var a area
	var err error
	switch {
	case s.Polygon != nil:
		a, err = newPolygon(s.Polygon)
	case s.Circle != nil:
		a, err = newCircle(*s.Circle)
	case s.Corridor != nil:
		a, err = newCorridor(*s.Corridor)
	default:
		a, err = newCells(s.Cells)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShape, err)
	}
	return &Area{a}, nil
}

// Holds tells whether the area, its edge included, holds the point.
func (a *Area) Holds(p orb.Point) bool { return a.area.holds(&probe{at: p}) }

// OutsideM is how far outside the area a point is, in metres; 0 inside.
func (a *Area) OutsideM(p orb.Point) float64 { return a.area.outsideM(p) }

// probe is a point that many areas are asked for: what they need of it is computed
// once.
type probe struct {
	at      orb.Point
	v       vector
	located bool
	cells   [cell.MaxRes + 1]cell.ID
}

func (p *probe) vector() vector {
	if !p.located {
		p.v, p.located = vectorOf(p.at), true
	}
	return p.v
}

func (p *probe) cell(res int) cell.ID {
	if p.cells[res] == 0 {
		p.cells[res] = cell.Of(p.at, res)
	}
	return p.cells[res]
}

func checkPoint(lon, lat float64) error {
	if !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 540) {
		return fmt.Errorf("[%v, %v] is not a [lon, lat]", lon, lat)
	}
	return nil
}

const (
	metresPerKM     = 1000
	kmPerDegree     = path.EarthRadiusKM * math.Pi / 180
	metresPerDegree = metresPerKM * kmPerDegree
)

// circle

type circle struct {
	centre orb.Point
	km     float64
	reach  reach // a little more than the circle
}

func newCircle(c Circle) (*circle, error) {
	if err := checkPoint(c.Lon, c.Lat); err != nil {
		return nil, err
	}
	if !(c.RadiusM > 0 && c.RadiusM <= MaxRadiusM) {
		return nil, fmt.Errorf("radius_m %v is not in (0, %d]", c.RadiusM, MaxRadiusM)
	}
	centre, km := orb.Point{c.Lon, c.Lat}, c.RadiusM/metresPerKM
	return &circle{centre, km, reachOf(orb.LineString{centre, centre}, km)}, nil
}

func (c *circle) holds(p *probe) bool {
	return c.reach.holds(p.vector()) && path.Distance(c.centre, p.at) <= c.km
}

func (c *circle) outsideM(p orb.Point) float64 {
	return math.Max(0, path.Distance(c.centre, p)-c.km) * metresPerKM
}

func (c *circle) touches(b orb.Bound) bool {
	return path.Distance(c.centre, b.Center()) <= c.km+halfDiagonalKM(b)
}

func (c *circle) bounds() []orb.Bound {
	return []orb.Bound{around(orb.Bound{Min: c.centre, Max: c.centre}, c.km)}
}

// halfDiagonalKM is not less than the distance of any point of a box to its centre.
func halfDiagonalKM(b orb.Bound) float64 {
	return math.Hypot(b.Max[0]-b.Min[0], b.Max[1]-b.Min[1]) / 2 * kmPerDegree * 1.01
}

// around widens a box by a distance; near a pole to all longitudes.
func around(b orb.Bound, km float64) orb.Bound {
	d := km/kmPerDegree*1.001 + 1e-9
	south, north := b.Min[1]-d, b.Max[1]+d
	out := orb.Bound{Min: orb.Point{-180, math.Max(-90, south)}, Max: orb.Point{180, math.Min(90, north)}}
	if south <= -90 || north >= 90 {
		return out
	}
	// The widest a circle gets in longitude: sin dLon = sin d / cos lat.
	s := math.Sin(d*math.Pi/180) / math.Cos(math.Max(math.Abs(b.Min[1]), math.Abs(b.Max[1]))*math.Pi/180)
	if !(s < 1) {
		return out
	}
	w := math.Asin(s)*180/math.Pi*1.001 + 1e-9
	out.Min[0], out.Max[0] = b.Min[0]-w, b.Max[0]+w
	return out
}

// corridor

type corridor struct {
	line     *path.Line
	points   orb.LineString
	km       float64
	box      orb.Bound
	segments []reach
	runs     []reach // of runLength segments each
}

// reach is a cap around a stretch of the line that holds all within the width.
type reach struct {
	middle vector
	cosine float64 // of its radius; less than -1: everything
}

const runLength = 16

type vector [3]float64

func vectorOf(p orb.Point) vector {
	sinLat, cosLat := math.Sincos(p[1] * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p[0] * math.Pi / 180)
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func (r *reach) holds(v vector) bool {
	return r.middle[0]*v[0]+r.middle[1]*v[1]+r.middle[2]*v[2] >= r.cosine
}

// reachOf is the cap around points, and km beyond, which great circles between
// neighbours do not leave.
func reachOf(points orb.LineString, km float64) reach {
	middle := points[0]
	if middle != points[len(points)-1] {
		middle = path.Interpolate(points[0], points[len(points)-1], 0.5)
	}
	if len(points) > 2 {
		middle = points[len(points)/2]
	}
	radius := 0.0
	for _, p := range points {
		radius = math.Max(radius, path.Distance(middle, p))
	}
	radius = (radius*1.0001 + km + 0.001) / path.EarthRadiusKM
	if radius >= math.Pi/2 { // a cap this wide is not convex
		return reach{cosine: -2}
	}
	return reach{vectorOf(middle), math.Cos(radius)}
}

func newCorridor(c Corridor) (*corridor, error) {
	switch {
	case len(c.Line) < 2 || len(c.Line) > MaxVertices:
		return nil, fmt.Errorf("a line has 2 to %d points, not %d", MaxVertices, len(c.Line))
	case !(c.WidthM > 0 && c.WidthM <= MaxWidthM):
		return nil, fmt.Errorf("width_m %v is not in (0, %d]", c.WidthM, MaxWidthM)
	}
	var ls orb.LineString
	for _, p := range c.Line {
		if err := checkPoint(p[0], p[1]); err != nil {
			return nil, err
		}
		ls = append(ls, p)
	}
	k := &corridor{line: path.NewLine(ls), points: ls, km: c.WidthM / metresPerKM}
	for i := range len(ls) - 1 {
		k.segments = append(k.segments, reachOf(ls[i:i+2], k.km))
		if i%runLength == 0 {
			k.runs = append(k.runs, reachOf(ls[i:min(i+runLength+1, len(ls))], k.km))
		}
	}
	// A great circle bows toward the pole between its ends: follow it in steps.
	var dense orb.LineString
	for i := 1; i < len(ls); i++ {
		dense = append(dense, path.GreatCircle(ls[i-1], ls[i], 50)...)
	}
	k.box = around(path.Unwrap(dense).Bound(), k.km+1)
	return k, nil
}

func (c *corridor) off(p orb.Point) float64 {
	_, off := c.line.Project(p)
	return off
}

func (c *corridor) holds(p *probe) bool {
	v := p.vector()
	for r := range c.runs {
		if !c.runs[r].holds(v) {
			continue
		}
		for i := r * runLength; i < min((r+1)*runLength, len(c.segments)); i++ {
			if c.segments[i].holds(v) && path.ToSegment(p.at, c.points[i], c.points[i+1]) <= c.km {
				return true
			}
		}
	}
	return false
}

func (c *corridor) outsideM(p orb.Point) float64 { return math.Max(0, c.off(p)-c.km) * metresPerKM }

func (c *corridor) touches(b orb.Bound) bool { return c.off(b.Center()) <= c.km+halfDiagonalKM(b) }

func (c *corridor) bounds() []orb.Bound { return []orb.Bound{c.box} }

// cells

type cells struct {
	set  map[cell.ID]struct{}
	res  []int // resolutions in the set
	list []cell.ID
}

func newCells(ids []cell.ID) (*cells, error) {
	if len(ids) == 0 || len(ids) > MaxCells {
		return nil, fmt.Errorf("1 to %d cells make a fence, not %d", MaxCells, len(ids))
	}
	c := &cells{set: make(map[cell.ID]struct{}, len(ids))}
	for _, id := range ids {
		if !id.Valid() {
			return nil, fmt.Errorf("%v is not an H3 cell", id)
		}
		c.set[id] = struct{}{}
		if r := id.Resolution(); !slices.Contains(c.res, r) {
			c.res = append(c.res, r)
		}
	}
	for id := range c.set {
		c.list = append(c.list, id)
	}
	slices.Sort(c.list)
	return c, nil
}

func (c *cells) holds(p *probe) bool {
	for _, r := range c.res {
		if _, ok := c.set[p.cell(r)]; ok {
			return true
		}
	}
	return false
}

// outsideM measures to the outlines of the cells; it is asked seldom.
func (c *cells) outsideM(p orb.Point) float64 {
	if c.holds(&probe{at: p}) {
		return 0
	}
	best := math.Inf(1)
	for _, id := range c.list {
		centre, radius := id.Center(), cell.RadiusKM(id.Resolution())
		if path.Distance(centre, p)-radius > best {
			continue
		}
		ring := id.Boundary()
		for i := 1; i < len(ring); i++ {
			best = math.Min(best, path.ToSegment(p, ring[i-1], ring[i]))
		}
	}
	return best * metresPerKM
}

func (c *cells) touches(orb.Bound) bool { return true }

func (c *cells) bounds() []orb.Bound {
	var out []orb.Bound
	for _, id := range c.list {
		centre := id.Center()
		out = append(out, around(orb.Bound{Min: centre, Max: centre}, cell.RadiusKM(id.Resolution())))
	}
	return out
}
