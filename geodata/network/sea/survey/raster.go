package survey

import (
	"math"
	"slices"

	"corridor/geodata/network/sea/internal/chart"
)

// What the survey knows of a cell.
const (
	landBit  uint8 = 1 << iota // its centre is on land
	coastBit                   // a coastline runs through it, or it is shoal
	laneBit                    // a lane runs through it
	openBit                    // passing ships use it
	outerBit                   // open, and the margin farther out: nodes lie on its edge
)

// unitsPerNM scales the distances kept per cell.
const unitsPerNM = 64

const cellNM = 60.0 / chart.PerDegree

type raster struct {
	mask   []uint8
	margin []uint8   // of outer water beyond open water, in 1/16 nm
	cos    []float64 // width of a cell over its height, per row
}

func newRaster() *raster {
	r := &raster{mask: make([]uint8, chart.Width*chart.Height), cos: make([]float64, chart.Height)}
	for y := range r.cos {
		r.cos[y] = cosRow(y)
	}
	return r
}

func wrap(x int) int {
	if x %= chart.Width; x < 0 {
		x += chart.Width
	}
	return x
}

// grid turns lon/lat into cell units.
func grid(p point) (x, y float64) {
	return (p.lon + 180) * chart.PerDegree, (p.lat - chart.South) * chart.PerDegree
}

// fill sets the bit in the cells whose centre lies inside the polygon.
func (r *raster) fill(poly [][]point, bit uint8) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range poly[0] {
		_, y := grid(p)
		lo, hi = min(lo, y), max(hi, y)
	}
	first, last := max(0, int(math.Ceil(lo-0.5))), min(chart.Height-1, int(math.Floor(hi-0.5)))
	if last < first {
		return
	}
	rows := make([][]float64, last-first+1)
	for _, ring := range poly {
		for i := range ring {
			ax, ay := grid(ring[i])
			bx, by := grid(ring[(i+1)%len(ring)])
			if i == len(ring)-1 && math.Abs(bx-ax) > chart.Width/2 {
				continue // closing edge of a ring around a pole
			}
			if ay > by {
				ax, ay, bx, by = bx, by, ax, ay
			}
			for y := max(first, int(math.Ceil(ay-0.5))); y <= last && float64(y)+0.5 < by; y++ {
				rows[y-first] = append(rows[y-first], ax+(float64(y)+0.5-ay)/(by-ay)*(bx-ax))
			}
		}
	}
	for i, xs := range rows {
		slices.Sort(xs)
		base := (first + i) * chart.Width
		for k := 0; k+1 < len(xs); k += 2 {
			for x := int(math.Ceil(xs[k] - 0.5)); float64(x)+0.5 < xs[k+1]; x++ {
				r.mask[base+wrap(x)] |= bit
			}
		}
	}
}

// trace sets the bit in the cells a line runs through.
func (r *raster) trace(line []point, bit uint8) {
	for i := 1; i < len(line); i++ {
		ax, ay := grid(line[i-1])
		bx, by := grid(line[i])
		n := int(math.Ceil(2 * max(math.Abs(bx-ax), math.Abs(by-ay))))
		for k := 0; k <= n; k++ {
			t := 0.0
			if n > 0 {
				t = float64(k) / float64(n)
			}
			x, y := int(math.Floor(ax+t*(bx-ax))), int(math.Floor(ay+t*(by-ay)))
			if y >= 0 && y < chart.Height {
				r.mask[y*chart.Width+wrap(x)] |= bit
			}
		}
	}
}

// offing is how far the nearest hazard is from a cell and where it lies.
type offing struct {
	units  uint16
	dx, dy int8 // cells to the hazard
}

// offings gives each cell its distance to the nearest hazard, at most limit, in
// units. Every hazard cell on a shore writes its distance into the cells around
// it: exact where a sweep over such flat cells would be a quarter off.
func (r *raster) offings(limitNM float64) []offing {
	limit := uint16(limitNM * unitsPerNM)
	d := make([]offing, len(r.mask))
	for i, m := range r.mask {
		if m == 0 {
			d[i].units = limit
		}
	}
	n := int(limitNM / cellNM)
	var table [][]uint16 // by |dy|, then |dx|
	for y := range chart.Height {
		table = table[:0]
		for dy := 0; dy <= n; dy++ {
			m := min(127, int(math.Sqrt(float64(n*n-dy*dy))/r.cos[y]))
			row := make([]uint16, m+1)
			for dx := range row {
				row[dx] = uint16(math.Hypot(float64(dy), float64(dx)*r.cos[y]) * cellNM * unitsPerNM)
			}
			table = append(table, row)
		}
		base := y * chart.Width
		for x := range chart.Width {
			if r.mask[base+x] == 0 || r.inland(x, y) {
				continue
			}
			for dy := -n; dy <= n; dy++ {
				yy := y + dy
				if yy < 0 || yy >= chart.Height {
					continue
				}
				dist := table[max(dy, -dy)]
				m := len(dist) - 1
				out := d[yy*chart.Width : (yy+1)*chart.Width]
				if x-m >= 0 && x+m < chart.Width {
					for k, v := range dist {
						if o := &out[x+k]; o.units > v {
							*o = offing{v, int8(-k), int8(-dy)}
						}
						if o := &out[x-k]; o.units > v {
							*o = offing{v, int8(k), int8(-dy)}
						}
					}
					continue
				}
				for k, v := range dist {
					if o := &out[wrap(x+k)]; o.units > v {
						*o = offing{v, int8(-k), int8(-dy)}
					}
					if o := &out[wrap(x-k)]; o.units > v {
						*o = offing{v, int8(k), int8(-dy)}
					}
				}
			}
		}
	}
	return d
}

// inland reports whether all neighbours of a hazard cell are hazards too.
func (r *raster) inland(x, y int) bool {
	i := y * chart.Width
	return r.mask[i+wrap(x-1)] != 0 && r.mask[i+wrap(x+1)] != 0 &&
		(y == 0 || r.mask[i-chart.Width+x] != 0) &&
		(y == chart.Height-1 || r.mask[i+chart.Width+x] != 0)
}

// widths gives each cell the radius in units of the largest disc of water that
// covers it, at most limit. Only discs about ridges of the distance matter.
func (r *raster) widths(off []offing, limit uint16) []uint16 {
	w := make([]uint16, len(off))
	const most = uint16(29) // of the 32 units a cell is high
	for y := 1; y < chart.Height-1; y++ {
		across := uint16(float64(most) * r.cos[y])
		base := y * chart.Width
		for x := range chart.Width {
			i := base + x
			v := off[i].units
			if v == 0 {
				continue
			}
			l, rt := base+wrap(x-1), base+wrap(x+1)
			if v >= limit {
				w[i] = limit
				// Inner cells of wide water are covered by their neighbours' discs.
				if off[l].units >= limit && off[rt].units >= limit && off[i-chart.Width].units >= limit && off[i+chart.Width].units >= limit {
					continue
				}
			} else if w[i] = max(w[i], v); off[l].units > v+across || off[rt].units > v+across ||
				off[i-chart.Width].units > v+most || off[i+chart.Width].units > v+most {
				continue // a neighbour's disc covers this one but for a sliver
			}
			r.stamp(w, x, y, v)
		}
	}
	return w
}

// classify marks the water passing ships use, and within it the water nodes lie
// in: half as far from the hazard as the water is wide, or the offing. Where a
// strait narrower than ten miles opens into a sea its mouth counts as wide as the
// sea and is shut: bridges and lanes join it.
func (r *raster) classify(off []offing, width []uint16, cfg Config) {
	r.margin = make([]uint8, len(r.mask))
	narrow := uint16(cfg.NarrowNM * unitsPerNM)
	for i := range r.mask {
		lt := width[i]
		if lt < narrow || off[i].units == 0 {
			continue
		}
		keep := float64(lt) / 2
		if float64(off[i].units) < keep {
			continue
		}
		r.mask[i] |= openBit
		margin := min(cfg.MarginNM*unitsPerNM, float64(lt)/4)
		r.margin[i] = uint8(margin * 16 / unitsPerNM)
		if float64(off[i].units) >= keep+margin {
			r.mask[i] |= outerBit
		}
	}
}

// stamp raises the cells of a disc about a cell to its radius.
func (r *raster) stamp(w []uint16, x, y int, v uint16) {
	rad := float64(v) / unitsPerNM / cellNM
	n := int(rad)
	for dy := -n; dy <= n; dy++ {
		yy := y + dy
		if yy < 0 || yy >= chart.Height {
			continue
		}
		m := int(math.Sqrt(rad*rad-float64(dy*dy)) / r.cos[yy])
		base := yy * chart.Width
		if x-m >= 0 && x+m < chart.Width {
			row := w[base+x-m : base+x+m+1]
			for k, o := range row {
				if o < v {
					row[k] = v
				}
			}
			continue
		}
		for dx := -m; dx <= m; dx++ {
			if i := base + wrap(x+dx); w[i] < v {
				w[i] = v
			}
		}
	}
}
