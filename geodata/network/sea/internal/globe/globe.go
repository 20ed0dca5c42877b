// Package globe is the spherical geometry the sea network is made of: points as
// unit vectors, great circles between them, and lengths on the WGS 84 ellipsoid.
//
// Where a line runs is decided on the sphere; how long it is, on the ellipsoid
// (Lambert's formula, within some ten metres on any line that is not nearly
// antipodal). It knows nothing of land or water.
package globe

import (
	"math"

	"github.com/paulmach/orb"
)

// KMPerNM is the international nautical mile in kilometres.
const KMPerNM = 1.852

// MeanRadiusKM is the mean radius of the earth.
const MeanRadiusKM = 6371.0088

const (
	equatorKM  = 6378.137           // WGS 84 semi-major axis
	flattening = 1 / 298.257223563  // WGS 84
	rad        = math.Pi / 180      // radians in a degree
	nmPerRad   = 180 / math.Pi * 60 // arc minutes in a radian
)

// Vec is a point on the unit sphere, or the normal of a plane through its centre.
type Vec struct{ X, Y, Z float64 }

// FromPoint turns lon/lat degrees into a unit vector.
func FromPoint(p orb.Point) Vec {
	sinLat, cosLat := math.Sincos(p[1] * rad)
	sinLon, cosLon := math.Sincos(p[0] * rad)
	return Vec{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// Point turns a unit vector into lon/lat degrees, lon in [-180, 180].
func (v Vec) Point() orb.Point {
	return orb.Point{math.Atan2(v.Y, v.X) / rad, math.Atan2(v.Z, math.Hypot(v.X, v.Y)) / rad}
}

// Dot is the scalar product.
func (v Vec) Dot(w Vec) float64 { return v.X*w.X + v.Y*w.Y + v.Z*w.Z }

// Cross is the vector product.
func (v Vec) Cross(w Vec) Vec {
	return Vec{v.Y*w.Z - v.Z*w.Y, v.Z*w.X - v.X*w.Z, v.X*w.Y - v.Y*w.X}
}

// Add is the sum of v and w×k.
func (v Vec) Add(w Vec, k float64) Vec { return Vec{v.X + k*w.X, v.Y + k*w.Y, v.Z + k*w.Z} }

// Unit scales v to length one; the zero vector stays zero.
func (v Vec) Unit() Vec {
	n := math.Sqrt(v.Dot(v))
	if n == 0 {
		return v
	}
	return Vec{v.X / n, v.Y / n, v.Z / n}
}

// Angle is the angle between two unit vectors in radians, stable for tiny ones.
func (v Vec) Angle(w Vec) float64 {
	dx, dy, dz := v.X-w.X, v.Y-w.Y, v.Z-w.Z
	h := math.Sqrt(dx*dx+dy*dy+dz*dz) / 2
	if h > 0.9 { // asin is ill-conditioned near one
		c := v.Cross(w)
		return math.Atan2(math.Sqrt(c.Dot(c)), v.Dot(w))
	}
	return 2 * math.Asin(h)
}

// ArcNM is the great-circle angle between two unit vectors in arc minutes,
// close to nautical miles. For tests of nearness, not for lengths.
func ArcNM(v, w Vec) float64 { return v.Angle(w) * nmPerRad }

// DistanceKM is the length of the geodesic between two lon/lat points on WGS 84
// by Lambert's formula for long lines.
func DistanceKM(a, b orb.Point) float64 {
	dLon := (b[0] - a[0]) * rad
	b1 := math.Atan((1 - flattening) * math.Tan(a[1]*rad))
	b2 := math.Atan((1 - flattening) * math.Tan(b[1]*rad))
	p, q := (b1+b2)/2, (b2-b1)/2
	sinQ, cosQ := math.Sincos(q)
	sinP, cosP := math.Sincos(p)
	sinL := math.Sin(dLon / 2)
	h := sinQ*sinQ + math.Cos(b1)*math.Cos(b2)*sinL*sinL
	if h <= 0 {
		return 0
	}
	if h > 1 {
		h = 1
	}
	sigma := 2 * math.Asin(math.Sqrt(h))
	if h > 0.9999 { // nearly antipodal: Lambert's terms blow up
		return MeanRadiusKM * sigma
	}
	sinS := math.Sin(sigma)
	x := (sigma - sinS) * sinP * sinP * cosQ * cosQ / (1 - h)
	y := (sigma + sinS) * cosP * cosP * sinQ * sinQ / h
	return equatorKM * (sigma - flattening/2*(x+y))
}

// Arc is the great-circle leg between two points, ready to be sampled.
type Arc struct {
	from, side Vec
	Angle      float64 // radians
}

// NewArc prepares the shorter great circle from a to b.
func NewArc(a, b Vec) Arc {
	side := b.Add(a, -a.Dot(b)).Unit()
	return Arc{from: a, side: side, Angle: a.Angle(b)}
}

// At returns the point at the angle (radians) from the start.
func (c Arc) At(angle float64) Vec {
	s, k := math.Sincos(angle)
	return Vec{
		c.from.X*k + c.side.X*s,
		c.from.Y*k + c.side.Y*s,
		c.from.Z*k + c.side.Z*s,
	}
}

// Crossing reports whether the arcs a–b and c–d cross, and where on a–b as an
// angle from a. Arcs that only touch at an end count as crossing from one side,
// so that two legs meeting on a gate cross it once.
func Crossing(a, b, c, d Vec) (angle float64, ok bool) {
	ab := a.Cross(b)
	sc, sd := ab.Dot(c), ab.Dot(d)
	if (sc < 0) == (sd < 0) {
		return 0, false
	}
	cd := c.Cross(d)
	sa, sb := cd.Dot(a), cd.Dot(b)
	if (sa < 0) == (sb < 0) {
		return 0, false
	}
	x := ab.Cross(cd).Unit()
	if x.Dot(a.Add(b, 1)) < 0 {
		x = Vec{-x.X, -x.Y, -x.Z}
	}
	// The planes meet in two opposite points; it must be the one within both arcs.
	if x.Dot(c.Add(d, 1)) < 0 {
		return 0, false
	}
	return a.Angle(x), true
}

// NearLon shifts lon by whole turns to lie within half a turn of ref.
func NearLon(lon, ref float64) float64 {
	for lon-ref > 180 {
		lon -= 360
	}
	for lon-ref < -180 {
		lon += 360
	}
	return lon
}
