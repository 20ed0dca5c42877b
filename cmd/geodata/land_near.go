package main

import (
	"math"

	"corridor/geodata/network/land"
)

// segmentGrid finds straight edges by place.
type segmentGrid struct {
	w     *lines
	cells map[[2]int32][]int32
}

const segmentCell = 50 // units

// nearby is a place on an edge near some point.
type nearby struct {
	edge     int32
	f        float64 // how far along the edge, 0 to 1
	lat, lon int32
	metres   float64
}

func (w *lines) segmentGrid() *segmentGrid {
	g := &segmentGrid{w, map[[2]int32][]int32{}}
	for i := range w.edges {
		a, b := w.nodes[w.edges[i].a], w.nodes[w.edges[i].b]
		steps := max(absInt(b.lat-a.lat), absInt(b.lon-a.lon))/segmentCell*2 + 1
		last := [2]int32{math.MaxInt32}
		for k := range steps + 1 {
			c := [2]int32{floorDiv(a.lat+(b.lat-a.lat)*k/steps, segmentCell), floorDiv(a.lon+(b.lon-a.lon)*k/steps, segmentCell)}
			if c != last {
				g.cells[c] = append(g.cells[c], int32(i))
				last = c
			}
		}
	}
	return g
}

// nearest returns the nearest allowed place within so many metres of the point.
func (g *segmentGrid) nearest(v vertex, metres float64, allowed func(edge int32) bool) (nearby, bool) {
	const unit = 6371000 * math.Pi / 180 / land.UnitsPerDegree
	shrink := math.Cos(float64(v.lat) / land.UnitsPerDegree * math.Pi / 180)
	dLat := int32(metres/unit) + 1
	dLon := int32(metres/unit/max(0.02, shrink)) + 1
	best := nearby{edge: -1, metres: metres}
	for y := floorDiv(v.lat-dLat, segmentCell); y <= floorDiv(v.lat+dLat, segmentCell); y++ {
		for x := floorDiv(v.lon-dLon, segmentCell); x <= floorDiv(v.lon+dLon, segmentCell); x++ {
			for _, e := range g.cells[[2]int32{y, x}] {
				if !allowed(e) {
					continue
				}
				p, q := g.w.nodes[g.w.edges[e].a], g.w.nodes[g.w.edges[e].b]
				ay, ax := float64(p.lat-v.lat), float64(p.lon-v.lon)*shrink
				dy, dx := float64(q.lat-p.lat), float64(q.lon-p.lon)*shrink
				f := 0.0
				if l := dy*dy + dx*dx; l > 0 {
					f = min(max(-(ay*dy+ax*dx)/l, 0), 1)
				}
				if d := math.Hypot(ay+f*dy, ax+f*dx) * unit; d < best.metres {
					best = nearby{e, f, p.lat + int32(math.Round(f*float64(q.lat-p.lat))), p.lon + int32(math.Round(f*float64(q.lon-p.lon))), d}
				}
			}
		}
	}
	return best, best.edge >= 0
}

func absInt(v int32) int32 { return max(v, -v) }
