// Package path measures along lines on the earth: how long a line is, how far
// along it a point lies and how far off, where one is after so many kilometres.
//
// It works on the sphere of the earth's mean radius, where lines run on great
// circles between their vertices; against the WGS 84 ellipsoid a distance is off
// by at most 0.56 %. It is not for areas (see area) nor for finding ways (see
// network). All functions take any longitudes: 181 and -179 are the same place,
// and a line may run on past ±180 or jump there.
//
// A function on a bare line reads the whole line. For a line that is asked about
// again and again, such as the plan of a moving unit, make a Line of it once.
package path

import (
	"math"

	"github.com/paulmach/orb"
)

// EarthRadiusKM is the mean radius (2a+b)/3 of WGS 84.
const EarthRadiusKM = 6371.0088

const (
	rad = math.Pi / 180
	deg = 180 / math.Pi
)

// Distance is the great-circle distance in km.
func Distance(a, b orb.Point) float64 {
	sinLat := math.Sin((b[1] - a[1]) * rad / 2)
	sinLon := math.Sin((b[0] - a[0]) * rad / 2)
	h := sinLat*sinLat + math.Cos(a[1]*rad)*math.Cos(b[1]*rad)*sinLon*sinLon
	return 2 * EarthRadiusKM * math.Asin(math.Sqrt(math.Min(1, h)))
}

// Bearing is the initial course from a to b in degrees [0, 360).
func Bearing(a, b orb.Point) float64 {
	sinDLon, cosDLon := math.Sincos((b[0] - a[0]) * rad)
	sinA, cosA := math.Sincos(a[1] * rad)
	sinB, cosB := math.Sincos(b[1] * rad)
	course := math.Mod(math.Atan2(sinDLon*cosB, cosA*sinB-sinA*cosB*cosDLon)*deg+360, 360)
	return course
}

// Destination is the point km from p on the course. Its longitude lies within
// 180° of p's, so a line built from it is continuous.
func Destination(p orb.Point, bearingDeg, km float64) orb.Point {
	sinD, cosD := math.Sincos(km / EarthRadiusKM)
	sinB, cosB := math.Sincos(bearingDeg * rad)
	sinLat, cosLat := math.Sincos(p[1] * rad)
	s := sinLat*cosD + cosLat*sinD*cosB
	lat := math.Asin(math.Max(-1, math.Min(1, s)))
	dLon := math.Atan2(sinB*sinD*cosLat, cosD-sinLat*s)
	return orb.Point{p[0] + dLon*deg, lat * deg}
}

// Interpolate is the point at fraction f of the great circle from a to b, its
// longitude continuous with a's.
func Interpolate(a, b orb.Point, f float64) orb.Point {
	va, vb := vector(a), vector(b)
	p := slerp(va, vb, f).point()
	p[0] = near(p[0], a[0])
	return p
}

// GreatCircle is the line from a to b with a vertex at least every stepKM.
// Its longitudes are continuous.
func GreatCircle(a, b orb.Point, stepKM float64) orb.LineString {
	n := 1
	if stepKM > 0 {
		n = max(1, int(math.Ceil(Distance(a, b)/stepKM)))
	}
	va, vb := vector(a), vector(b)
	ls := make(orb.LineString, 0, n+1)
	ls = append(ls, a)
	for i := 1; i < n; i++ {
		p := slerp(va, vb, float64(i)/float64(n)).point()
		p[0] = near(p[0], ls[len(ls)-1][0])
		ls = append(ls, p)
	}
	return append(ls, orb.Point{near(b[0], ls[len(ls)-1][0]), b[1]})
}

// Length is the length of the line in km.
func Length(ls orb.LineString) float64 {
	var km float64
	for i := 1; i < len(ls); i++ {
		km += Distance(ls[i-1], ls[i])
	}
	return km
}

// Project finds the point of the line nearest to p: how far along the line it
// is from the start and how far p is off it, both in km. Of an empty line both
// are NaN.
func Project(ls orb.LineString, p orb.Point) (alongKM, offKM float64) {
	return NewLine(ls).Project(p)
}

// ToSegment is the distance in km from p to the great-circle segment from a to b.
func ToSegment(p, a, b orb.Point) float64 {
	_, off := onSegment(vector(a), vector(b), vector(p))
	return off * EarthRadiusKM
}

// At is the point km along the line and the course there. Before the start and
// beyond the end it is the end point. Of an empty line it is NaN.
func At(ls orb.LineString, km float64) (p orb.Point, bearingDeg float64) {
	return NewLine(ls).At(km)
}

// Slice is the part of the line between two distances from its start.
func Slice(ls orb.LineString, fromKM, toKM float64) orb.LineString {
	return NewLine(ls).Slice(fromKM, toKM)
}

// Unwrap returns the line with continuous longitudes: no step is wider than
// 180°. The first vertex keeps its longitude.
func Unwrap(ls orb.LineString) orb.LineString {
	out := make(orb.LineString, len(ls))
	for i, p := range ls {
		if i > 0 {
			p[0] = near(p[0], out[i-1][0])
		}
		out[i] = p
	}
	return out
}

// Simplify drops vertices that lie within the tolerance of the line that is left
// (Douglas–Peucker on the sphere). The ends stay.
func Simplify(ls orb.LineString, toleranceKM float64) orb.LineString {
	if len(ls) < 3 {
		return append(orb.LineString(nil), ls...)
	}
	v := vectors(ls)
	limit := chordOf(toleranceKM / EarthRadiusKM)
	keep := make([]bool, len(ls))
	keep[0], keep[len(ls)-1] = true, true
	stack := [][2]int{{0, len(ls) - 1}}
	for len(stack) > 0 {
		from, to := stack[len(stack)-1][0], stack[len(stack)-1][1]
		stack = stack[:len(stack)-1]
		seg := newSegment(v[from], v[to])
		worst, at := limit, -1
		for i := from + 1; i < to; i++ {
			if off := seg.chord(v[i]); off > worst {
				worst, at = off, i
			}
		}
		if at >= 0 {
			keep[at] = true
			stack = append(stack, [2]int{from, at}, [2]int{at, to})
		}
	}
	var out orb.LineString
	for i, k := range keep {
		if k {
			out = append(out, ls[i])
		}
	}
	return out
}

// near shifts a longitude by whole turns to within 180° of another.
func near(lon, to float64) float64 {
	switch d := lon - to; {
	case math.Abs(d) <= 180:
		return lon
	case d > 0 && d <= 540:
		return lon - 360
	case d < 0 && d >= -540:
		return lon + 360
	default:
		return lon - 360*math.Round(d/360)
	}
}

// vec is a point on the unit sphere.
type vec [3]float64

func vector(p orb.Point) vec {
	sinLat, cosLat := math.Sincos(p[1] * rad)
	sinLon, cosLon := math.Sincos(p[0] * rad)
	return vec{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func vectors(ls orb.LineString) []vec {
	v := make([]vec, len(ls))
	for i, p := range ls {
		v[i] = vector(p)
	}
	return v
}

func (v vec) point() orb.Point {
	return orb.Point{math.Atan2(v[1], v[0]) * deg, math.Atan2(v[2], math.Hypot(v[0], v[1])) * deg}
}

func (v vec) dot(w vec) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }

func (v vec) cross(w vec) vec {
	return vec{v[1]*w[2] - v[2]*w[1], v[2]*w[0] - v[0]*w[2], v[0]*w[1] - v[1]*w[0]}
}

func (v vec) norm() float64 { return math.Sqrt(v.dot(v)) }

// angle is exact for near and far vectors alike, unlike the arc cosine.
func angle(a, b vec) float64 {
	d := vec{a[0] - b[0], a[1] - b[1], a[2] - b[2]}
	return 2 * math.Asin(math.Min(1, d.norm()/2))
}

func slerp(a, b vec, f float64) vec {
	w := angle(a, b)
	if w < 1e-12 {
		return a
	}
	sinW := math.Sin(w)
	if sinW < 1e-12 { // antipodes: any great circle will do; go by the pole
		mid := vec{-a[2], 0, a[0]}
		if mid.norm() < 1e-9 {
			mid = vec{0, a[2], -a[1]}
		}
		n := mid.norm()
		s, c := math.Sincos(f * math.Pi)
		return vec{a[0]*c + mid[0]/n*s, a[1]*c + mid[1]/n*s, a[2]*c + mid[2]/n*s}
	}
	ka, kb := math.Sin((1-f)*w)/sinW, math.Sin(f*w)/sinW
	return vec{ka*a[0] + kb*b[0], ka*a[1] + kb*b[1], ka*a[2] + kb*b[2]}
}

// chordOf is the straight distance through the sphere over an angle. It grows with
// the angle and costs no arc function to compute, and it is a metric.
func chordOf(angle float64) float64 {
	return 2 * math.Sin(math.Max(0, math.Min(math.Pi, angle))/2)
}

// segment is a great-circle segment prepared for many points.
type segment struct {
	a, b         vec
	normal       vec // unit; zero when a and b are one place
	pastA, pastB vec // a point between the ends is on the inner side of both
}

func newSegment(a, b vec) segment {
	s := segment{a: a, b: b}
	n := a.cross(b)
	if l := n.norm(); l > 1e-15 {
		s.normal = vec{n[0] / l, n[1] / l, n[2] / l}
		s.pastA, s.pastB = s.normal.cross(a), b.cross(s.normal)
	}
	return s
}

// chord is the chord from p to the nearest point of the segment.
func (s *segment) chord(p vec) float64 {
	if s.normal != (vec{}) && s.pastA.dot(p) >= 0 && s.pastB.dot(p) >= 0 {
		sine := math.Min(1, math.Abs(s.normal.dot(p)))
		return sine * math.Sqrt(2/(1+math.Sqrt(1-sine*sine)))
	}
	return math.Sqrt(math.Min(chord2(s.a, p), chord2(s.b, p)))
}

func chord2(a, b vec) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return x*x + y*y + z*z
}

// onSegment projects p on the great circle from a to b: the angle from a to the
// nearest point of the segment, and the angle from p to it.
func onSegment(a, b, p vec) (along, off float64) {
	n := a.cross(b)
	if l := n.norm(); l > 1e-15 {
		// The foot of the perpendicular lies within the segment when p is on the
		// inner side of the planes through its ends.
		if n.cross(a).dot(p) >= 0 && b.cross(n).dot(p) >= 0 {
			s := n.dot(p) / l
			foot := vec{p[0] - s*n[0]/l, p[1] - s*n[1]/l, p[2] - s*n[2]/l}
			if k := foot.norm(); k > 1e-15 {
				foot = vec{foot[0] / k, foot[1] / k, foot[2] / k}
				return angle(a, foot), math.Abs(math.Asin(math.Max(-1, math.Min(1, s))))
			}
		}
	}
	toA, toB := angle(a, p), angle(b, p)
	if toA <= toB {
		return 0, toA
	}
	return angle(a, b), toB
}
