package survey

import (
	"math"
	"slices"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/queue"

	"github.com/paulmach/orb"
)

// bridgeName tells bridges from lanes drawn by hand.
const bridgeName = "bridge"

const (
	bridgeNM  = 13   // longest way that joins two waters
	apartNM   = 10   // two mouths of one water are at least this far apart
	inlandSea = 2000 // cells: a water this large is joined though it leads nowhere else
	leastSea  = 80   // cells: smaller waters are no thoroughfares
)

// bridges finds ways over inshore water between waters that would otherwise be
// apart: the mouths of straits, where ships keep less off the land than the width
// of the sea ahead lets them. Bays with one mouth are left to the ports in them.
func (r *raster) bridges(off []offing, w *waters) []orb.LineString {
	size := map[int32]int{}
	for _, row := range w.rows {
		for _, s := range row {
			size[w.find(s.id)] += int(s.to - s.from)
		}
	}
	ocean := int32(-1)
	for id, n := range size {
		if ocean < 0 || n > size[ocean] || n == size[ocean] && id < ocean {
			ocean = id
		}
	}
	shores := r.shores(w, ocean)
	ids := make([]int32, 0, len(shores))
	for id := range shores {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var out []orb.LineString
	for _, id := range ids {
		if size[id] < leastSea {
			continue
		}
		mouths := r.mouths(off, w, id, shores[id])
		if len(mouths) < 2 && size[id] < inlandSea {
			continue
		}
		out = append(out, mouths...)
	}
	return out
}

// shores lists, for each water but the ocean, its cells that touch other water.
func (r *raster) shores(w *waters, ocean int32) map[int32][]int32 {
	out := map[int32][]int32{}
	for y, row := range w.rows {
		for _, s := range row {
			id := w.find(s.id)
			if id == ocean {
				continue
			}
			for x := s.from; x < s.to; x++ {
				i := int32(y*chart.Width) + x
				if r.edge(i, outerBit) {
					out[id] = append(out[id], i)
				}
			}
		}
	}
	return out
}

// mouths are the ways from a water to others, the easiest first, well apart.
func (r *raster) mouths(off []offing, w *waters, id int32, shore []int32) []orb.LineString {
	type step struct {
		cost, nm float64
		from     int32
	}
	seen := make(map[int32]step, 4*len(shore))
	var q queue.Queue[float64]
	for _, i := range shore {
		seen[i] = step{from: -1}
		q.Push(0, i)
	}
	var out []orb.LineString
	var ends []globe.Vec
	done := map[int32]bool{}
	for len(q) > 0 {
		cost, i := q.Pop()
		if done[i] || cost > seen[i].cost {
			continue
		}
		done[i] = true
		x, y := int(i)%chart.Width, int(i)/chart.Width
		here := seen[i]
		if other := w.at(x, y); other >= 0 && other != id {
			end := globe.FromPoint(chart.Centre(x, y))
			if slices.ContainsFunc(ends, func(v globe.Vec) bool { return globe.ArcNM(v, end) < apartNM }) {
				continue
			}
			ends = append(ends, end)
			var line orb.LineString
			for k := i; k >= 0; k = seen[k].from {
				line = append(line, chart.Centre(int(k)%chart.Width, int(k)/chart.Width))
			}
			out = append(out, r.straighten(line))
			continue
		}
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				ny := y + dy
				if dx == 0 && dy == 0 || ny < 0 || ny >= chart.Height {
					continue
				}
				k := int32(ny*chart.Width + wrap(x+dx))
				o := off[k].units
				if o < unitsPerNM/2 || w.at(wrap(x+dx), ny) == id {
					continue
				}
				nm := math.Hypot(float64(dx)*r.cos[y], float64(dy)) * cellNM
				d := float64(o) / unitsPerNM
				n := step{cost: cost + nm*(1+4/(d*d)), nm: here.nm + nm, from: i}
				if n.nm > bridgeNM {
					continue
				}
				if old, ok := seen[k]; ok && old.cost <= n.cost {
					continue
				}
				seen[k] = n
				q.Push(n.cost, k)
			}
		}
	}
	return out
}

// straighten keeps the points of a way over cells that its shape needs.
func (r *raster) straighten(line orb.LineString) orb.LineString {
	out := orb.LineString{line[0]}
	for i := 0; i < len(line)-1; {
		j := len(line) - 1
		for ; j > i+1 && !r.afloat(line[i], line[j]); j-- {
		}
		out = append(out, line[j])
		i = j
	}
	return out
}

// afloat reports whether a short line meets no hazard.
func (r *raster) afloat(a, b orb.Point) bool {
	b[0] = globe.NearLon(b[0], a[0])
	ax, ay := grid(point{a[0], a[1]})
	bx, by := grid(point{b[0], b[1]})
	n := int(2*max(math.Abs(bx-ax), math.Abs(by-ay))) + 1
	for k := 0; k <= n; k++ {
		t := float64(k) / float64(n)
		x, y := int(math.Floor(ax+t*(bx-ax))), int(math.Floor(ay+t*(by-ay)))
		if r.mask[y*chart.Width+wrap(x)]&(landBit|coastBit) != 0 {
			return false
		}
	}
	return true
}
