package history

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/tracking/store/chunk"
)

// Place is a cell of about 300 km across on one day: a store keeps which units
// reported from it, so that who was somewhere is found without reading everybody's
// history. Places of one day lie together. One row for each is written when fixes
// leave the tail, about one to eight a unit and day.
type Place int64

const (
	placeRes = 2
	// A cell of placeRes in 13 bits: its base cell and two digits.
	placeShift = 39
	placeBits  = 13
	// Fixes are indexed by the middle of the tile they lie in, which spares most
	// calls of H3.
	tileDegrees = 0.25
	dayMS       = 24 * 60 * 60 * 1000
	// maxPlaces is how many a question may have: a year of a country, a day of the
	// world.
	maxPlaces = 1 << 16
)

func placeOf(day int64, c cell.ID) Place {
	return Place(day<<placeBits | int64(c>>placeShift)&(1<<placeBits-1))
}

// Tiles remembers the cells of tiles. It is not for more than one goroutine.
type Tiles struct {
	cells map[[2]int16]cell.ID
	last  [2]int16 // asked for: most rows lie where the one before does
	is    cell.ID  // 0: nothing was
}

const keepTiles = 1 << 15

func (t *Tiles) cell(r *chunk.Row) cell.ID {
	const perTile = tileDegrees * 1e7
	key := [2]int16{int16(math.Floor(float64(r.LatE7) / perTile)), int16(math.Floor(float64(r.LonE7) / perTile))}
	if key == t.last && t.is != 0 {
		return t.is
	}
	c, ok := t.cells[key]
	if ok {
		t.last, t.is = key, c
		return c
	}
	middle := func(k int16) float64 { return (float64(k) + 0.5) * tileDegrees }
	c = cell.Of(orb.Point{middle(key[1]), min(middle(key[0]), 90)}, placeRes)
	if len(t.cells) >= keepTiles || t.cells == nil {
		t.cells = make(map[[2]int16]cell.ID)
	}
	t.cells[key] = c
	t.last, t.is = key, c
	return c
}

// Places appends the places of rows, those that follow each other once.
func (t *Tiles) Places(dst []Place, rows []chunk.Row) []Place {
	for i := range rows {
		p := placeOf(floorDiv(rows[i].TimeMS, dayMS), t.cell(&rows[i]))
		if n := len(dst); n == 0 || dst[n-1] != p {
			dst = append(dst, p)
		}
	}
	return dst
}

// Box is a question for who was in a box in a time.
type Box struct {
	bound  orb.Bound
	window Window
}

// NewBox reads it; see tracking.Store.Near.
func NewBox(bound orb.Bound, w Window) Box { return Box{bound, w} }

// Any tells whether one of the rows lies in the box and the time.
func (b Box) Any(rows []chunk.Row) bool {
	for i := range rows {
		if r := &rows[i]; r.TimeMS >= b.window.from && r.TimeMS < b.window.to && b.holds(float64(r.LatE7)/1e7, float64(r.LonE7)/1e7) {
			return true
		}
	}
	return false
}

func (b Box) holds(lat, lon float64) bool {
	if lat < b.bound.Min[1] || lat > b.bound.Max[1] {
		return false
	}
	east := math.Mod(lon-b.bound.Min[0], 360)
	if east < 0 {
		east += 360
	}
	width := b.bound.Max[0] - b.bound.Min[0]
	return east <= width || width >= 360 || east > 360-1e-9
}

// Places are those that hold every row of the box and the time.
func (b Box) Places() ([]Place, error) {
	padded := b.bound
	padded.Min[0] -= tileDegrees / 2
	padded.Max[0] += tileDegrees / 2
	padded.Min[1] = max(padded.Min[1]-tileDegrees/2, -90)
	padded.Max[1] = min(padded.Max[1]+tileDegrees/2, 90)
	cells, ok := cell.CoverBox(padded, placeRes, 6000) // there are 5,882
	if !ok {
		return nil, fmt.Errorf("the box %v has no cells", b.bound)
	}
	first, last := floorDiv(b.window.from, dayMS), floorDiv(b.window.to-1, dayMS)
	if b.window.to <= b.window.from {
		return nil, nil
	}
	if n := (last - first + 1) * int64(len(cells)); last-first > maxPlaces || n > maxPlaces {
		return nil, fmt.Errorf("%d days and %d cells are too much at once: ask for a shorter time or a smaller area", last-first+1, len(cells))
	}
	places := make([]Place, 0, (last-first+1)*int64(len(cells)))
	for day := first; day <= last; day++ {
		for _, c := range cells {
			places = append(places, placeOf(day, c))
		}
	}
	return places, nil
}
