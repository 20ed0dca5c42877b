package fence

import (
	"math"

	"github.com/paulmach/orb"
)

const (
	maxLevel  = 16 // tiles of 600 m at the equator
	levelStep = 2  // every other level is used: a point is looked up at each
	mostTiles = 32 // for the area of a fence
)

// Index finds the areas that hold a point. Each area is entered in the tiles of a
// grid of longitude and latitude that it touches, at the level where those are few;
// a point is looked up once for each level in use. It has no lock.
type Index[K comparable] struct {
	tiles  map[tile][]entry[K]
	levels [maxLevel + 1]int // areas at each
	areas  map[K]placed
}

// tile is a level (6 bits) and the column and row there (24 bits each).
type tile uint64

func tileAt(level int, x, y int64) tile {
	n := int64(1) << level
	return tile(level)<<48 | tile(((x%n)+n)%n)<<24 | tile(y)
}

type entry[K comparable] struct {
	key  K
	area *Area
}

type placed struct {
	area  *Area
	level int
	tiles []tile
}

// NewIndex makes an empty index.
func NewIndex[K comparable]() *Index[K] {
	return &Index[K]{tiles: map[tile][]entry[K]{}, areas: map[K]placed{}}
}

// Len is the number of areas.
func (x *Index[K]) Len() int { return len(x.areas) }

// Area is that of a key.
func (x *Index[K]) Area(k K) (*Area, bool) {
	p, ok := x.areas[k]
	return p.area, ok
}

// Set enters an area, in the place of what the key had.
func (x *Index[K]) Set(k K, a *Area) {
	x.Remove(k)
	level, tiles := cover(a.area)
	x.areas[k] = placed{a, level, tiles}
	x.levels[level]++
	for _, t := range tiles {
		x.tiles[t] = append(x.tiles[t], entry[K]{k, a})
	}
}

// Remove takes an area out.
func (x *Index[K]) Remove(k K) {
	p, ok := x.areas[k]
	if !ok {
		return
	}
	delete(x.areas, k)
	x.levels[p.level]--
	for _, t := range p.tiles {
		list := x.tiles[t]
		kept := make([]entry[K], 0, len(list)-1)
		for _, e := range list {
			if e.key != k {
				kept = append(kept, e)
			}
		}
		if len(kept) == 0 {
			delete(x.tiles, t)
		} else {
			x.tiles[t] = kept
		}
	}
}

// At appends the keys of the areas that hold the point, in no order.
func (x *Index[K]) At(p orb.Point, out []K) []K {
	var at *probe
	for level := 0; level <= maxLevel; level += levelStep {
		if x.levels[level] == 0 {
			continue
		}
		cx, cy := columnRow(level, p[0], p[1])
		for _, e := range x.tiles[tileAt(level, cx, cy)] {
			if at == nil {
				at = &probe{at: p}
			}
			if e.area.area.holds(at) {
				out = append(out, e.key)
			}
		}
	}
	return out
}

// columnRow is the tile of a point; the north pole is in the last row.
func columnRow(level int, lon, lat float64) (x, y int64) {
	n := float64(int64(1) << level)
	return int64(math.Floor((lon + 180) / 360 * n)), int64(math.Min(math.Floor((lat+90)/180*n), n-1))
}

// box is the tile's, widened by more than rounding may take away.
func box(level int, x, y int64) orb.Bound {
	const slack = 1e-9
	n := float64(int64(1) << level)
	return orb.Bound{
		Min: orb.Point{float64(x)/n*360 - 180 - slack, float64(y)/n*180 - 90 - slack},
		Max: orb.Point{float64(x+1)/n*360 - 180 + slack, float64(y+1)/n*180 - 90 + slack},
	}
}

// cover finds the tiles an area touches: from the level where its box lies in a few,
// each is divided for as long as the pieces that touch are not too many.
func cover(a area) (level int, tiles []tile) {
	type cell struct{ x, y int64 }
	var at map[cell]struct{}
	bounds := a.bounds()
	if len(bounds) > 1 {
		return coverAll(bounds)
	}
	budget := mostTiles
	for level = 0; level <= maxLevel; level += levelStep {
		next := map[cell]struct{}{}
		if at == nil {
			for _, b := range bounds {
				x0, y0, x1, y1 := span(level, b)
				for x := x0; x <= x1; x++ {
					for y := y0; y <= y1; y++ {
						next[cell{x, y}] = struct{}{}
					}
				}
			}
		} else {
			const kids = 1 << levelStep
			for c := range at {
				if len(next) > budget {
					break
				}
				for i := range int64(kids * kids) {
					kid := cell{c.x*kids + i%kids, c.y*kids + i/kids}
					if k := box(level, kid.x, kid.y); meets(k, bounds[0]) && a.touches(k) {
						next[kid] = struct{}{}
					}
				}
			}
		}
		if at != nil && len(next) > budget {
			break
		}
		at = next
	}
	level -= levelStep
	seen := map[tile]struct{}{}
	for c := range at {
		t := tileAt(level, c.x, c.y)
		if _, twice := seen[t]; !twice {
			seen[t] = struct{}{}
			tiles = append(tiles, t)
		}
	}
	return level, tiles
}

// coverAll finds the tiles of many small boxes: at the finest level where they lie in
// few each.
func coverAll(bounds []orb.Bound) (level int, tiles []tile) {
	for level = maxLevel; ; level -= levelStep {
		n := int64(0)
		for _, b := range bounds {
			x0, y0, x1, y1 := span(level, b)
			n += (x1 - x0 + 1) * (y1 - y0 + 1)
		}
		if level == 0 || n <= int64(6*len(bounds)) {
			break
		}
	}
	seen := map[tile]struct{}{}
	for _, b := range bounds {
		x0, y0, x1, y1 := span(level, b)
		for x := x0; x <= x1; x++ {
			for y := y0; y <= y1; y++ {
				t := tileAt(level, x, y)
				if _, twice := seen[t]; !twice {
					seen[t] = struct{}{}
					tiles = append(tiles, t)
				}
			}
		}
	}
	return level, tiles
}

func span(level int, b orb.Bound) (x0, y0, x1, y1 int64) {
	x0, y0 = columnRow(level, b.Min[0], math.Max(-90, b.Min[1]))
	x1, y1 = columnRow(level, b.Max[0], math.Min(90, b.Max[1]))
	return x0, y0, x1, y1
}

func meets(a, b orb.Bound) bool {
	return a.Min[0] <= b.Max[0] && b.Min[0] <= a.Max[0] && a.Min[1] <= b.Max[1] && b.Min[1] <= a.Max[1]
}
