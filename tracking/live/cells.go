package live

import (
	"math"
	"sync/atomic"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/geodata/path"
)

// cellMemory tells the cell of a fix. Units seldom leave theirs between two fixes,
// and whether a point is in a cell is ten times cheaper to tell than which cell
// holds it: the outlines of cells asked for lately are remembered.
type cellMemory struct {
	slots [1 << 14]atomic.Pointer[outline]
}

// outline is a cell's outline. Its edges are great circles on the face of the
// icosahedron it lies on, and where it lies on two it has a corner more.
type outline struct {
	cell    cell.ID
	normals []vector // of the edges' planes, pointing inside
}

type vector [3]float64

func (v vector) dot(w vector) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }

func (v vector) cross(w vector) vector {
	return vector{v[1]*w[2] - v[2]*w[1], v[2]*w[0] - v[0]*w[2], v[0]*w[1] - v[1]*w[0]}
}

func vectorOf(p orb.Point) vector {
	sinLat, cosLat := math.Sincos(p[1] * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p[0] * math.Pi / 180)
	return vector{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// of is the cell of fixRes that holds p; last is that of a point nearby, or 0.
func (m *cellMemory) of(p orb.Point, last cell.ID) cell.ID {
	if last == 0 {
		return cell.Of(p, fixRes)
	}
	slot := &m.slots[uint64(last)*0x9E3779B97F4A7C15>>50]
	o := slot.Load()
	if o == nil || o.cell != last {
		o = outlineOf(last)
		slot.Store(o)
	}
	if o.holds(vectorOf(p)) {
		return last
	}
	return cell.Of(p, fixRes)
}

// holds tells whether a point is surely inside: nearer than a metre to an edge H3
// is asked.
func (o *outline) holds(p vector) bool {
	const metre = 1e-3 / path.EarthRadiusKM
	for i := range o.normals {
		if o.normals[i].dot(p) < metre {
			return false
		}
	}
	return len(o.normals) > 0
}

func outlineOf(id cell.ID) *outline {
	o := &outline{cell: id}
	if id.Resolution() != fixRes {
		return o // holds nothing: every fix is asked for
	}
	ring, centre := id.Boundary(), vectorOf(id.Center())
	for i := 1; i < len(ring); i++ {
		n := vectorOf(ring[i-1]).cross(vectorOf(ring[i]))
		size := math.Sqrt(n.dot(n))
		if n.dot(centre) < 0 {
			size = -size
		}
		if size == 0 {
			continue
		}
		o.normals = append(o.normals, vector{n[0] / size, n[1] / size, n[2] / size})
	}
	return o
}
