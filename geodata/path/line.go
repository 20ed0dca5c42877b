package path

import (
	"math"
	"sort"

	"github.com/paulmach/orb"
)

// chunk is how many segments share one bounding cap in a Line.
const chunk = 16

// Line is a line prepared for many questions: projecting costs a look at each
// 16th vertex and the few stretches near the point. It is immutable.
type Line struct {
	points orb.LineString // longitudes continuous
	v      []vec
	km     []float64 // from the start to each vertex
	caps   []bound   // one for each chunk of segments
}

// bound is a ball through the sphere around a stretch of the line.
type bound struct {
	centre vec
	radius float64 // chord
}

// NewLine prepares a line. It keeps no reference to ls.
func NewLine(ls orb.LineString) *Line {
	l := &Line{points: Unwrap(ls), v: vectors(ls), km: make([]float64, len(ls))}
	for i := 1; i < len(ls); i++ {
		l.km[i] = l.km[i-1] + Distance(ls[i-1], ls[i])
	}
	for from := 0; from+1 < len(ls); from += chunk {
		to := min(from+chunk, len(ls)-1)
		b := bound{centre: l.v[(from+to)/2]}
		for i := from; i <= to; i++ {
			b.radius = math.Max(b.radius, angle(b.centre, l.v[i]))
		}
		if b.radius > math.Pi/2 { // a cap this wide is not convex: let it hold everything
			b.radius = math.Pi
		}
		b.radius = chordOf(b.radius)
		l.caps = append(l.caps, b)
	}
	return l
}

// Length is the length in km.
func (l *Line) Length() float64 {
	if len(l.km) == 0 {
		return 0
	}
	return l.km[len(l.km)-1]
}

// Points is the line with continuous longitudes. Do not change it.
func (l *Line) Points() orb.LineString { return l.points }

// Project finds the nearest point of the line: its distance from the start and
// how far p is off, in km. Of an empty line both are NaN.
func (l *Line) Project(p orb.Point) (alongKM, offKM float64) {
	switch len(l.v) {
	case 0:
		return math.NaN(), math.NaN()
	case 1:
		return 0, Distance(l.points[0], p)
	}
	v := vector(p)
	best, at := math.Inf(1), 0 // chord to, and index of, the nearest segment
	// The stretch whose centre is nearest gives a good bound for the others.
	first, nearest := 0, math.Inf(1)
	for c := range l.caps {
		if q := chord2(l.caps[c].centre, v); q < nearest {
			first, nearest = c, q
		}
	}
	try := func(c int) {
		for i := c * chunk; i < min((c+1)*chunk, len(l.v)-1); i++ {
			seg := newSegment(l.v[i], l.v[i+1])
			if off := seg.chord(v); off < best {
				best, at = off, i
			}
		}
	}
	try(first)
	for c := range l.caps {
		if c != first && math.Sqrt(chord2(l.caps[c].centre, v))-l.caps[c].radius < best {
			try(c)
		}
	}
	along, off := onSegment(l.v[at], l.v[at+1], v)
	return math.Min(l.km[at]+along*EarthRadiusKM, l.km[at+1]), off * EarthRadiusKM
}

// ProjectBetween is Project on the part of the line between two distances from
// the start. A unit on a line that meets itself, out and back on one road, is
// found on the right branch by looking only near where it was last.
func (l *Line) ProjectBetween(p orb.Point, fromKM, toKM float64) (alongKM, offKM float64) {
	if len(l.caps) == 0 {
		return l.Project(p)
	}
	fromKM = math.Max(0, math.Min(fromKM, l.Length()))
	toKM = math.Max(fromKM, math.Min(toKM, l.Length()))
	part := NewLine(l.Slice(fromKM, toKM))
	along, off := part.Project(p)
	return fromKM + along, off
}

// At is the point km from the start and the course there. Before the start and
// beyond the end it is the end point. Of an empty line it is NaN.
func (l *Line) At(km float64) (p orb.Point, bearingDeg float64) {
	switch len(l.points) {
	case 0:
		return orb.Point{math.NaN(), math.NaN()}, math.NaN()
	case 1:
		return l.points[0], 0
	}
	i := l.segment(km)
	a, b := l.points[i], l.points[i+1]
	switch step := l.km[i+1] - l.km[i]; {
	case km >= l.km[i+1]:
		return b, math.Mod(Bearing(b, a)+180, 360)
	case km <= l.km[i] || step <= 0:
		return a, Bearing(a, b)
	default:
		p = Interpolate(a, b, (km-l.km[i])/step)
		return p, Bearing(p, b)
	}
}

// Slice is the part between two distances from the start. When they are the
// same it holds one point; the longitudes are continuous.
func (l *Line) Slice(fromKM, toKM float64) orb.LineString {
	if len(l.points) == 0 {
		return nil
	}
	fromKM = math.Max(0, math.Min(fromKM, l.Length()))
	toKM = math.Max(fromKM, math.Min(toKM, l.Length()))
	start, _ := l.At(fromKM)
	out := orb.LineString{start}
	for i := range l.points {
		if l.km[i] > fromKM && l.km[i] < toKM {
			out = append(out, l.points[i])
		}
	}
	if toKM > fromKM {
		end, _ := l.At(toKM)
		out = append(out, end)
	}
	return out
}

// segment is the index of the segment that holds km, of length where there is a
// choice.
func (l *Line) segment(km float64) int {
	i := sort.SearchFloat64s(l.km, km) // first vertex at or after km
	i = max(1, min(i, len(l.km)-1))
	for i > 1 && l.km[i] == l.km[i-1] && km >= l.km[i] {
		i--
	}
	for i < len(l.km)-1 && l.km[i] == l.km[i-1] {
		i++
	}
	return i - 1
}
