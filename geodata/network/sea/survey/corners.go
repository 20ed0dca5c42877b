package survey

import (
	"math"

	"corridor/geodata/network/sea/internal/chart"

	"github.com/paulmach/orb"
)

// corner is a turning point before it becomes a node: its place and the points
// before and after it along the shore of the water nodes may lie in.
type corner struct{ at, before, after point }

// Steps along cell sides: east, north, west, south.
var stepX, stepY = [4]int{1, 0, -1, 0}, [4]int{0, 1, 0, -1}

// corners walks every shore of the outer water with the water on the left,
// simplifies it and keeps the vertices a taut line could bend around.
func (r *raster) corners(cfg Config) []corner {
	water := func(x, y int) bool {
		return y >= 0 && y < chart.Height && r.mask[y*chart.Width+wrap(x)]&outerBit != 0
	}
	seen := make([]uint64, (len(r.mask)+63)/64) // south sides walked
	var out []corner
	for y := range chart.Height {
		for x := range chart.Width {
			i := y*chart.Width + x
			if r.mask[i]&outerBit == 0 || seen[i/64]>>(i%64)&1 != 0 || water(x, y-1) {
				continue
			}
			// Walk east along the south side of the cell: water on the left.
			var line []point
			px, py, dir := x, y, 0
			for {
				if dir == 0 {
					k := py*chart.Width + wrap(px)
					if seen[k/64]>>(k%64)&1 != 0 {
						break
					}
					seen[k/64] |= 1 << (k % 64)
				}
				line = append(line, lonlat(float64(px)+float64(stepX[dir])/2, float64(py)+float64(stepY[dir])/2))
				px, py = px+stepX[dir], py+stepY[dir]
				// The cells ahead on the left and on the right of the new corner.
				var lx, ly, rx, ry int
				switch dir {
				case 0:
					lx, ly, rx, ry = px, py, px, py-1
				case 1:
					lx, ly, rx, ry = px-1, py, px, py
				case 2:
					lx, ly, rx, ry = px-1, py-1, px-1, py
				case 3:
					lx, ly, rx, ry = px, py-1, px-1, py-1
				}
				switch {
				case !water(lx, ly):
					dir = (dir + 1) % 4
				case water(rx, ry):
					dir = (dir + 3) % 4
				}
			}
			if len(line) < 4 {
				continue
			}
			out = append(out, r.bends(line, cfg)...)
		}
	}
	return out
}

func lonlat(x, y float64) point {
	return point{x/chart.PerDegree - 180, y/chart.PerDegree + chart.South}
}

// bends returns the vertices of a closed shore, simplified, that turn right:
// those that stick out into the water.
func (r *raster) bends(line []point, cfg Config) []corner {
	// Split at the two points farthest apart in a rough sense, then simplify.
	far := 0
	for i, p := range line {
		if math.Abs(p.lon-line[0].lon)+math.Abs(p.lat-line[0].lat) >
			math.Abs(line[far].lon-line[0].lon)+math.Abs(line[far].lat-line[0].lat) {
			far = i
		}
	}
	keep := make([]bool, len(line))
	keep[0], keep[far] = true, true
	ring := append(line, line[0])
	r.simplify(ring, keep, 0, far, cfg)
	r.simplify(ring, keep, far, len(line), cfg)
	var idx []int
	for i, k := range keep {
		if k {
			idx = append(idx, i)
		}
	}
	var out []corner
	for k, i := range idx {
		a, b := line[idx[(k+len(idx)-1)%len(idx)]], line[idx[(k+1)%len(idx)]]
		p := line[i]
		// The shore may run around the world: measure turns near the corner.
		if len(idx) < 3 || turn(a, p, b) > -0.02 {
			continue
		}
		if !r.useful(p) {
			continue
		}
		out = append(out, corner{at: p, before: a, after: b})
	}
	return out
}

// turn is the angle by which a–p–b turns, in radians, left positive.
func turn(a, p, b point) float64 {
	c := math.Cos(p.lat * math.Pi / 180)
	ux, uy := (p.lon-a.lon)*c, p.lat-a.lat
	vx, vy := (b.lon-p.lon)*c, b.lat-p.lat
	return math.Atan2(ux*vy-uy*vx, ux*vx+uy*vy)
}

// simplify marks the vertices Douglas–Peucker keeps between i and j, with a
// tolerance that shrinks where the water is narrow.
func (r *raster) simplify(line []point, keep []bool, i, j int, cfg Config) {
	type span struct{ i, j int }
	stack := []span{{i, j}}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.j-s.i < 2 {
			continue
		}
		a, b := line[s.i], line[s.j]
		c := math.Cos((a.lat + b.lat) / 2 * math.Pi / 180)
		bx, by := (b.lon-a.lon)*c*60, (b.lat-a.lat)*60
		n2 := bx*bx + by*by
		best, worst := -1, 1.0
		for k := s.i + 1; k < s.j; k++ {
			px, py := (line[k].lon-a.lon)*c*60, (line[k].lat-a.lat)*60
			t := 0.0
			if n2 > 0 {
				t = max(0, min(1, (px*bx+py*by)/n2))
			}
			if off := math.Hypot(px-t*bx, py-t*by) / r.tolerance(line[k], cfg); off > worst {
				best, worst = k, off
			}
		}
		if best >= 0 {
			if best < len(keep) {
				keep[best] = true
			}
			stack = append(stack, span{s.i, best}, span{best, s.j})
		}
	}
}

// tolerance is how far a corner may be cut at a point of the shore.
func (r *raster) tolerance(p point, cfg Config) float64 {
	x, y := grid(p)
	k := min(chart.Height-1, max(0, int(y)))*chart.Width + wrap(int(math.Floor(x)))
	return max(0.4*cellNM, cfg.ToleranceK*float64(r.margin[k])/16)
}

// useful leaves out ice no freight ship calls in, to keep the chart small.
func (r *raster) useful(p point) bool {
	lon := math.Mod(p.lon+540, 360) - 180
	switch {
	case p.lat > 79 || p.lat < -57:
		return false
	case p.lat > 69 && lon < -25: // Canadian Arctic, north of Greenland's towns
		return p.lat < 73 && lon > -60
	}
	return true
}

func toPoint(p point) orb.Point {
	lon := math.Mod(p.lon+540, 360)
	if lon < 0 {
		lon += 360
	}
	return orb.Point{lon - 180, p.lat}
}
