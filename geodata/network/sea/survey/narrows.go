package survey

import (
	"cmp"
	"math"
	"slices"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/queue"

	"github.com/paulmach/orb"
)

// narrowName tells narrows from lanes drawn by hand. Unlike bridges, of which there
// are twenty times as many, their ends look as far as those of lanes.
const narrowName = "narrow"

const (
	// A way round between the ends of a narrow this much longer than the narrow
	// makes it worth a bridge…
	detourTimes = 2.2
	detourNM    = 12
	// Ends of one narrow are at least this far apart.
	narrowEndsNM = 2
)

// ebb is what the search over inshore water knows of a cell: how it is reached
// from the nearest water nodes lie in.
type ebb struct {
	cost   float32
	source int32 // cell of that water
	from   int32 // the cell before, the source itself at the edge
	nm     float32
}

// narrows finds ways between two places of the same water that are far apart for a
// ship that keeps to it: straits with another way round, whose mouths are shut
// because they count as wide as the sea outside. Waters that are apart altogether
// are left to bridges.
func (r *raster) narrows(off []offing, w *waters) []orb.LineString {
	tiles := map[int32]*[tileSide * tileSide]ebb{}
	at := func(i int32) *ebb {
		x, y := i%chart.Width, i/chart.Width
		key := y/tileSide*(chart.Width/tileSide) + x/tileSide
		t := tiles[key]
		if t == nil {
			t = new([tileSide * tileSide]ebb)
			tiles[key] = t
		}
		return &t[y%tileSide*tileSide+x%tileSide]
	}
	var q queue.Queue[float64]
	spread := func(i, source int32, cost, nm float32) {
		x, y := int(i)%chart.Width, int(i)/chart.Width
		for _, d := range around {
			ny := y + d.y
			if ny < 0 || ny >= chart.Height {
				continue
			}
			k := int32(ny*chart.Width + wrap(x+d.x))
			o := off[k].units
			if r.mask[k]&outerBit != 0 || o < unitsPerNM/2 {
				continue
			}
			step := float32(math.Hypot(float64(d.x)*r.cos[y], float64(d.y)) * cellNM)
			far := float32(o) / unitsPerNM
			n := ebb{cost + step*(1+4/(far*far)), source, i, nm + step}
			if n.nm > bridgeNM {
				continue
			}
			if e := at(k); e.cost == 0 || n.cost < e.cost {
				*e = n
				q.Push(float64(n.cost), k)
			}
		}
	}
	for y, row := range w.rows {
		for _, s := range row {
			for x := s.from; x < s.to; x++ {
				i := int32(y*chart.Width) + x
				if r.edge(i, outerBit) {
					spread(i, i, 0, 0)
				}
			}
		}
	}
	for len(q) > 0 {
		cost, i := q.Pop()
		if e := at(i); cost <= float64(e.cost) {
			spread(i, e.source, e.cost, e.nm)
		}
	}

	// Where the searches from two places meet.
	type meeting struct {
		cost, nm float32
		a, b     int32
	}
	best := map[[2]int32]meeting{}
	keys := make([]int32, 0, len(tiles))
	for k := range tiles {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, key := range keys {
		t := tiles[key]
		tx, ty := int(key)%(chart.Width/tileSide)*tileSide, int(key)/(chart.Width/tileSide)*tileSide
		for c := range t {
			e := &t[c]
			if e.cost == 0 {
				continue
			}
			x, y := tx+c%tileSide, ty+c/tileSide
			i := int32(y*chart.Width + x)
			for _, d := range around[4:] { // the other four see it from their side
				ny := y + d.y
				if ny < 0 || ny >= chart.Height {
					continue
				}
				k := int32(ny*chart.Width + wrap(x+d.x))
				if r.mask[k]&outerBit != 0 || off[k].units < unitsPerNM/2 {
					continue
				}
				f := at(k)
				if f.cost == 0 || f.source == e.source || e.nm+f.nm > bridgeNM {
					continue
				}
				if centre(e.source).Angle(centre(f.source)) < narrowEndsNM*math.Pi/180/60 {
					continue
				}
				m := meeting{e.cost + f.cost, e.nm + f.nm, i, k}
				p, s := coarse(e.source), coarse(f.source)
				if p > s {
					p, s = s, p
				}
				if old, ok := best[[2]int32{p, s}]; !ok || m.cost < old.cost || m.cost == old.cost && m.a < old.a {
					best[[2]int32{p, s}] = m
				}
			}
		}
	}
	found := make([]meeting, 0, len(best))
	for _, m := range best {
		found = append(found, m)
	}
	slices.SortFunc(found, func(a, b meeting) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	var out []orb.LineString
	var ends [][2]globe.Vec
	const apart = apartNM * math.Pi / 180 / 60
	for _, m := range found {
		s, t := at(m.a).source, at(m.b).source
		p, q := centre(s), centre(t)
		if w.at(int(s)%chart.Width, int(s)/chart.Width) != w.at(int(t)%chart.Width, int(t)/chart.Width) {
			continue
		}
		if slices.ContainsFunc(ends, func(e [2]globe.Vec) bool {
			return p.Angle(e[0]) < apart && q.Angle(e[1]) < apart || p.Angle(e[1]) < apart && q.Angle(e[0]) < apart
		}) {
			continue
		}
		if r.within(s, t, max(detourTimes*float64(m.nm), float64(m.nm)+detourNM)) {
			continue
		}
		ends = append(ends, [2]globe.Vec{p, q})
		var line orb.LineString
		for i := m.a; ; i = at(i).from {
			line = append(line, cell(i))
			if i == s {
				break
			}
		}
		slices.Reverse(line)
		for i := m.b; ; i = at(i).from {
			line = append(line, cell(i))
			if i == t {
				break
			}
		}
		out = append(out, r.straighten(line))
	}
	return out
}

// tileSide divides the raster's width and height.
const tileSide = 60

// around are the steps to the eight neighbours; the first four oppose the last.
var around = [8]struct{ x, y int }{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}

func cell(i int32) orb.Point { return chart.Centre(int(i)%chart.Width, int(i)/chart.Width) }

func centre(i int32) globe.Vec { return globe.FromPoint(cell(i)) }

// coarse is the square of eight by eight cells a cell lies in.
func coarse(i int32) int32 {
	const side = 8
	return i/chart.Width/side*(chart.Width/side) + i%chart.Width/side
}

// within reports whether water for nodes leads from one cell to another in at most so
// many miles.
func (r *raster) within(a, b int32, nm float64) bool {
	goal := centre(b)
	rest := func(i int32) float64 { return centre(i).Angle(goal) * 180 / math.Pi * 60 }
	cost := map[int32]float64{a: 0}
	var q queue.Queue[float64]
	q.Push(rest(a), a)
	for len(q) > 0 {
		key, i := q.Pop()
		if i == b {
			return true
		}
		c := cost[i]
		if key > c+rest(i)+1e-9 {
			continue
		}
		x, y := int(i)%chart.Width, int(i)/chart.Width
		for _, d := range around {
			ny := y + d.y
			if ny < 0 || ny >= chart.Height {
				continue
			}
			k := int32(ny*chart.Width + wrap(x+d.x))
			if r.mask[k]&outerBit == 0 {
				continue
			}
			v := c + math.Hypot(float64(d.x)*r.cos[y], float64(d.y))*cellNM
			if old, ok := cost[k]; ok && old <= v {
				continue
			}
			if key := v + rest(k); key <= nm {
				cost[k] = v
				q.Push(key, k)
			}
		}
	}
	return false
}
