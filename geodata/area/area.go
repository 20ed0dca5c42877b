// Package area tells which country holds a point. The shapes are Natural Earth's
// at 1:10 million (about 400 m true), in its own view of disputed land: who
// administers it. So Crimea answers RU, Kosovo XK, Northern Cyprus CY, Somaliland
// SO; the Spratly Islands and Scarborough Reef answer nobody. See Natural Earth's
// disclaimer before drawing a conclusion from it.
//
// The package is for attributing kilometres, dwell and rules to countries, and for
// checking reference data. It is not for drawing borders (see web/tiles) nor for
// legal answers.
package area

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/paged"
	"corridor/geodata/path"
)

// ShoreKM is how far off the coast a point still belongs to the country there:
// quays, breakwaters and anchorages lie outside a 1:10 million coastline. The
// farthest known are those of Yangshan, 25 km from the nearest islet of the source.
const ShoreKM = 30

//go:embed countries.bin
var countries []byte

// Open reads the countries of the world.
func Open() (*Area, error) {
	t, err := Decode(bytes.NewReader(countries))
	if err != nil {
		return nil, fmt.Errorf("read embedded countries: %w", err)
	}
	return New(t)
}

// OpenPaged is Open with the shapes in the store's files.
func OpenPaged(store *paged.Store) (*Area, error) {
	a, err := Open()
	if err != nil {
		return nil, err
	}
	store.Move(paged.Of(&a.points), paged.Of(&a.zones), paged.Of(&a.first), paged.Of(&a.edges), paged.Of(&a.refs))
	return a, nil
}

// The grid that finds the edges near a point. Its cells are half a degree wide.
const (
	cols     = 720
	rows     = 360
	cellSize = 360.0 / cols
	// The reference point of a cell lies off its middle by an odd amount, so
	// that no line through it meets a vertex of the quantised shapes.
	refX = 0.5 + 0.01374823
	refY = 0.5 + 0.00931577
)

// Area answers for a topology. It is immutable and safe for concurrent use.
type Area struct {
	countries []geodata.Country // by zone; zone 0 is the sea
	points    [][2]float32      // of all arcs, one after the other
	zones     [][2]uint8        // left and right of each arc
	first     []uint32          // first edge of each cell, and one past the last
	edges     []edge
	refs      []uint8 // zone at the reference point of each cell
}

// edge runs from points[at] to points[at+1].
type edge struct {
	at  uint32
	arc uint16
}

// New prepares a topology for questions.
func New(t Topology) (*Area, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	a := &Area{countries: t.Countries, zones: make([][2]uint8, len(t.Arcs))}
	n := 0
	for _, arc := range t.Arcs {
		n += len(arc.Points)
	}
	a.points = make([][2]float32, 0, n)
	for i, arc := range t.Arcs {
		a.zones[i] = [2]uint8{arc.Left, arc.Right}
		a.points = append(a.points, arc.Points...)
	}
	a.index(t.Arcs)
	if a.refs = t.Refs; a.refs == nil {
		a.spread(t.Seed)
	}
	return a, nil
}

// Refs is the zone at each reference point, for a Topology to carry.
func (a *Area) Refs() []uint8 { return append([]uint8(nil), a.refs...) }

// index sorts the edges into the cells they touch: count, then fill.
func (a *Area) index(arcs []Arc) {
	a.first = make([]uint32, cols*rows+1)
	each := func(visit func(cell int, e edge)) {
		at := uint32(0)
		for i, arc := range arcs {
			for j := 1; j < len(arc.Points); j++ {
				e := edge{at: at + uint32(j) - 1, arc: uint16(i)}
				touch(arc.Points[j-1], arc.Points[j], func(cell int) { visit(cell, e) })
			}
			at += uint32(len(arc.Points))
		}
	}
	each(func(cell int, _ edge) { a.first[cell+1]++ })
	for c := range cols * rows {
		a.first[c+1] += a.first[c]
	}
	a.edges = make([]edge, a.first[cols*rows])
	next := append([]uint32(nil), a.first...)
	each(func(cell int, e edge) {
		a.edges[next[cell]] = e
		next[cell]++
	})
}

// touch visits the cells in the box of an edge that the edge may run through.
func touch(p, q [2]float32, visit func(cell int)) {
	x0, y0 := float64(p[0]), float64(p[1])
	x1, y1 := x0+turn(float64(q[0])-x0), float64(q[1])
	c0, c1 := column(math.Min(x0, x1)), column(math.Max(x0, x1))
	r0, r1 := row(math.Min(y0, y1)), row(math.Max(y0, y1))
	for r := r0; r <= r1; r++ {
		for c := c0; c <= c1; c++ {
			if c0 != c1 && r0 != r1 && !through(x0, y0, x1, y1, c, r) {
				continue
			}
			visit(r*cols + (c%cols+cols)%cols)
		}
	}
}

// through reports whether the line of an edge passes between the corners of a cell.
func through(x0, y0, x1, y1 float64, c, r int) bool {
	const slack = 1e-9
	west, south := float64(c)*cellSize-180, float64(r)*cellSize-90
	var above, below bool
	for _, corner := range [4][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		side := (x1-x0)*(south+corner[1]*cellSize-y0) - (y1-y0)*(west+corner[0]*cellSize-x0)
		above = above || side >= -slack
		below = below || side <= slack
	}
	return above && below
}

func column(lon float64) int { return int(math.Floor((lon + 180) / cellSize)) }

func row(lat float64) int {
	return max(0, min(rows-1, int(math.Floor((lat+90)/cellSize))))
}

// turn brings a difference of longitudes to within half a turn.
func turn(d float64) float64 {
	switch {
	case d > 180:
		return d - 360
	case d < -180:
		return d + 360
	}
	return d
}

func reference(cell int) orb.Point {
	c, r := cell%cols, cell/cols
	return orb.Point{(float64(c)+refX)*cellSize - 180, (float64(r)+refY)*cellSize - 90}
}

// spread finds the zone of every reference point, beginning with the one in the
// seed's cell, which must be sea: going from cell to cell, the last edge crossed
// says where one is.
func (a *Area) spread(seed orb.Point) {
	a.refs = make([]uint8, cols*rows)
	known := make([]bool, cols*rows)
	start := row(seed[1])*cols + (column(seed[0])%cols+cols)%cols
	known[start] = true
	queue := []int{start}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		c, r := at%cols, at/cols
		for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			nr := r + d[1]
			if nr < 0 || nr >= rows {
				continue
			}
			to := nr*cols + (c+d[0]+cols)%cols
			if known[to] {
				continue
			}
			p, from := reference(to), reference(at)
			best := math.Inf(1)
			zone := a.refs[at]
			for _, cell := range [2]int{at, to} {
				zone, best = a.firstCrossing(cell, p, from, zone, best)
			}
			a.refs[to], known[to] = zone, true
			queue = append(queue, to)
		}
	}
}

// firstCrossing looks in a cell for an edge that the segment from p to q crosses
// nearer to p than best, and gives the zone on p's side of it.
func (a *Area) firstCrossing(cell int, p, q orb.Point, zone uint8, best float64) (uint8, float64) {
	qx, qy := turn(q[0]-p[0]), q[1]-p[1]
	for _, e := range a.edges[a.first[cell]:a.first[cell+1]] {
		ax, ay := turn(float64(a.points[e.at][0])-p[0]), float64(a.points[e.at][1])-p[1]
		bx, by := turn(float64(a.points[e.at+1][0])-p[0]), float64(a.points[e.at+1][1])-p[1]
		if (qx*ay-qy*ax > 0) == (qx*by-qy*bx > 0) {
			continue
		}
		ex, ey := bx-ax, by-ay
		t := (ax*ey - ay*ex) / (qx*ey - qy*ex)
		if !(t >= 0 && t < best && t <= 1) {
			continue
		}
		best = t
		side := 1              // right
		if ex*-ay-ey*-ax > 0 { // p is left of the edge
			side = 0
		}
		zone = a.zones[e.arc][side]
	}
	return zone, best
}

// Country is the country that holds the point or, off a coast, the nearest within
// ShoreKM. It answers false on the high seas and for what is no point on earth.
func (a *Area) Country(p orb.Point) (geodata.Country, bool) {
	if c, ok := a.Land(p); ok {
		return c, true
	}
	c, _, ok := a.Nearest(p, ShoreKM)
	return c, ok
}

// Land is the country whose land holds the point; false at sea.
func (a *Area) Land(p orb.Point) (geodata.Country, bool) {
	p, ok := onEarth(p)
	if !ok {
		return "", false
	}
	cell := a.cell(p)
	zone, _ := a.firstCrossing(cell, p, reference(cell), a.refs[cell], math.Inf(1))
	return a.countries[zone], zone != 0
}

func (a *Area) cell(p orb.Point) int { return row(p[1])*cols + min(cols-1, column(p[0])) }

// onEarth brings the longitude into [-180, 180].
func onEarth(p orb.Point) (orb.Point, bool) {
	if !(math.Abs(p[1]) <= 90) || math.IsNaN(p[0]) || math.IsInf(p[0], 0) {
		return p, false
	}
	if p[0] < -180 || p[0] > 180 {
		p[0] = math.Remainder(p[0], 360)
	}
	return p, true
}

// Nearest is the country with land nearest to a point at sea, and how far off that
// is, up to withinKM.
func (a *Area) Nearest(p orb.Point, withinKM float64) (c geodata.Country, km float64, ok bool) {
	if p, ok = onEarth(p); !ok {
		return "", 0, false
	}
	const kmPerDegree = path.EarthRadiusKM * math.Pi / 180
	dLat := withinKM / kmPerDegree
	shrink := math.Cos(p[1] * math.Pi / 180)
	far := math.Min(90, math.Abs(p[1])+dLat) // where meridians are nearest
	dLon := math.Min(180, dLat/math.Max(1e-6, math.Cos(far*math.Pi/180)))
	best := math.Inf(1) // square of degrees of latitude
	zone := uint8(0)
	for r := row(p[1] - dLat); r <= row(p[1]+dLat); r++ {
		for i, n := column(p[0]-dLon), column(p[0]+dLon); i <= n && i < column(p[0]-dLon)+cols; i++ {
			cell := r*cols + (i%cols+cols)%cols
			for _, e := range a.edges[a.first[cell]:a.first[cell+1]] {
				z := a.zones[e.arc]
				land := z[0] | z[1]
				if z[0] != 0 && z[1] != 0 { // a border on land is not the nearest shore
					continue
				}
				// A plane in the middle of the search is true to some metres.
				ax := turn(float64(a.points[e.at][0])-p[0]) * shrink
				bx := turn(float64(a.points[e.at+1][0])-p[0]) * shrink
				ay, by := float64(a.points[e.at][1])-p[1], float64(a.points[e.at+1][1])-p[1]
				if d := originToSegment(ax, ay, bx, by); d < best {
					best, zone = d, land
				}
			}
		}
	}
	km = math.Sqrt(best) * kmPerDegree
	if zone == 0 || km > withinKM {
		return "", 0, false
	}
	return a.countries[zone], km, true
}

// Shore is how far a point is from the nearest coast, on land or at sea, up to
// withinKM; false when there is none so near.
func (a *Area) Shore(p orb.Point, withinKM float64) (km float64, ok bool) {
	if _, km, ok = a.Nearest(p, withinKM); ok {
		return km, true
	}
	return 0, false
}

func originToSegment(ax, ay, bx, by float64) float64 {
	ex, ey := bx-ax, by-ay
	t := 0.0
	if l := ex*ex + ey*ey; l > 0 {
		t = math.Max(0, math.Min(1, -(ax*ex+ay*ey)/l))
	}
	x, y := ax+t*ex, ay+t*ey
	return x*x + y*y
}

// Along divides a line into the countries it runs through, in order; Country is
// empty at sea. It looks every stepKM, so an enclave narrower than that may be
// missed.
func (a *Area) Along(ls orb.LineString, stepKM float64) []geodata.CountryKM {
	if len(ls) == 0 {
		return nil
	}
	at, _ := a.Land(ls[0])
	out := []geodata.CountryKM{{Country: at}}
	for i := 1; i < len(ls); i++ {
		km := path.Distance(ls[i-1], ls[i])
		n := max(1, int(math.Ceil(km/stepKM)))
		for j := 1; j <= n; j++ {
			p := ls[i]
			if j < n {
				p = path.Interpolate(ls[i-1], ls[i], float64(j)/float64(n))
			}
			c, _ := a.Land(p)
			if c == at {
				out[len(out)-1].KM += km / float64(n)
				continue
			}
			// The change lies somewhere in the step: give half to each side.
			out[len(out)-1].KM += km / float64(n) / 2
			out = append(out, geodata.CountryKM{Country: c, KM: km / float64(n) / 2})
			at = c
		}
	}
	return out
}
