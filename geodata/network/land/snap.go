package land

import (
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
)

const (
	// snapReach is how far from the network a point may be.
	snapReach = 150_000 // metres
	// otherReach is how far a point looks past the nearest line for one that
	// leads somewhere: harbours and mines have lines of their own.
	otherReach = 25_000 // metres
	// besideReach is how far a point whose nearest line is in an avoided country
	// may go to one that is not: border posts are known to a few kilometres.
	besideReach = 30_000 // metres
	// onLine is how near to a line a point lies on it: the precision of the
	// stored coordinates. It joins that line only.
	onLine = 150 // metres
	// aroundReach is how far past the nearest line a point off the network looks
	// for others: the nearest may lead the wrong way.
	aroundReach = 5_000 // metres
	// aroundWeight is what a metre to another line weighs against one to the
	// nearest: a way nobody drew should save much to be preferred.
	aroundWeight = 2
	// elsewhere is the cost of joining another part of the network than the
	// nearest: taken where there is no way without.
	elsewhere = 5_000_000 // metres
	// silentAccess is the way to the network that counts as being on it, since
	// lines are drawn to about this precision. More is an estimate.
	silentAccess = 2_500 // metres
	// dryAccess is the way to the network that is not tested for water.
	dryAccess = 5_000 // metres
	// homeReach is how much farther than one abroad a line of the own country may be.
	homeReach = 10_000 // metres
	// lagoonAccess is the same inside one country: Venice, Klaipėda.
	lagoonAccess = 20_000 // metres
	// wetAccess and wetShare are how much of a longer one may be off the land.
	wetAccess = 2_500 // metres
	wetShare  = 0.4
	// mostParts is how many parts of the network a point tries.
	mostParts = 4
)

// circuity is how much longer ways are than the straight line, for roads off the
// network: Ballou, Rahardja and Sakai, Transportation Research A 36 (2002).
func circuity(c geodata.Country) float64 {
	switch c {
	case "AR":
		return 1.22
	case "AU":
		return 1.28
	case "BY":
		return 1.12
	case "BR", "ZA":
		return 1.23
	case "CN":
		return 1.33
	case "DE":
		return 1.32
	case "FR":
		return 1.65
	case "GB":
		return 1.40
	case "ES":
		return 1.58
	case "IN":
		return 1.31
	case "ID":
		return 1.43
	case "IT":
		return 1.18
	case "JP":
		return 1.41
	case "MX":
		return 1.46
	case "PL", "US":
		return 1.20
	case "RU":
		return 1.37
	case "SA":
		return 1.34
	case "TH":
		return 1.42
	case "UA":
		return 1.29
	}
	return 1.3 // their mean of the countries above
}

// snap is where a point joins the network.
type snap struct {
	edge   int32
	along  uint32    // metres from the edge's lower node
	point  orb.Point // on the edge
	metres float64   // from the wanted point, straight
	access float64   // the same by the ways there are likely to be
	cost   float64   // what that weighs in the choice of the way
	vertex int       // the edge's vertices before the point, lower node included
}

// look joins a point to the network outside avoided countries: to the nearest
// line first, then to others around that may lead there more directly, and to the
// nearest of other parts of the network not far away. A line beyond water is
// none. Which is taken is for the search to say: the one with the cheapest way.
func (g *Graph) look(p orb.Point, pr *profile) ([]snap, error) {
	if !(math.Abs(p.Lat()) <= 90) || !(math.Abs(p.Lon()) <= 540) {
		return nil, fmt.Errorf("point %s is not on earth", place(p))
	}
	var found []snap
	var tried []int32 // parts
	reach, wet := float64(snapReach), false
	open := func(e int32) bool { return !pr.avoided[g.country[g.edges[e].From]] && !pr.bars(&g.edges[e]) }
	if slices.Contains(pr.avoided, true) {
		s, ok := g.at.near(g, p, reach, func(int32) bool { return true })
		if ok && !open(s.edge) {
			reach = besideReach
		}
	}
	for range mostParts {
		s, ok := g.at.near(g, p, reach, func(e int32) bool {
			return open(e) && !slices.Contains(tried, g.part[g.edges[e].From])
		})
		if !ok {
			break
		}
		if len(tried) == 0 && s.metres > onLine {
			var err error
			if s, err = g.home(p, s, open); err != nil {
				return nil, err
			}
		}
		tried = append(tried, g.part[g.edges[s.edge].From])
		dry, err := g.joins(p, &s)
		if err != nil {
			return nil, err
		}
		if !dry {
			wet = true
			continue
		}
		if len(found) == 0 {
			s.cost = s.access
			reach = min(reach, s.metres+otherReach)
		} else if g.countryOf(s) != g.countryOf(found[0]) {
			continue
		} else {
			s.cost = s.access + elsewhere
		}
		found = append(found, s)
	}
	switch {
	case len(found) > 0:
	case wet:
		return nil, fmt.Errorf("%w: no %s at %s that can be reached by land and may be used", geodata.ErrNoRoute, g.lines(), place(p))
	default:
		return nil, fmt.Errorf("%w: no %s within %.0f km of %s that may be used", geodata.ErrNoRoute, g.lines(), reach/1000, place(p))
	}
	first := found[0]
	if first.metres <= onLine || g.mode == geodata.Rail {
		return found, nil // trains do not hop
	}
	for _, s := range g.at.around(g, p, min(reach, first.metres+aroundReach), func(e int32) bool {
		from := g.edges[e].From
		return e != first.edge && !pr.bars(&g.edges[e]) && g.part[from] == g.part[g.edges[first.edge].From] && g.country[from] == g.country[g.edges[first.edge].From]
	}) {
		if s.edge < 0 {
			continue
		}
		dry, err := g.joins(p, &s)
		if err != nil {
			return nil, err
		}
		if dry {
			s.cost = first.cost + max(0, s.access-first.access)*aroundWeight
			found = append(found, s)
		}
	}
	return found, nil
}

// home prefers to a line beyond a border one of the point's own country that is
// hardly farther: a terminal at a border belongs to one side.
func (g *Graph) home(p orb.Point, s snap, open func(edge int32) bool) (snap, error) {
	land, err := g.land()
	if err != nil {
		return s, fmt.Errorf("tell countries apart: %w", err)
	}
	c, ok := land.Land(p)
	if !ok || c == g.countryOf(s) {
		return s, nil
	}
	own, ok := g.number[c]
	if !ok {
		return s, nil
	}
	if near, ok := g.at.near(g, p, s.metres+homeReach, func(e int32) bool { return g.country[g.edges[e].From] == own && open(e) }); ok {
		return near, nil
	}
	return s, nil
}

// joins sets how far it is to the line by the ways there are likely to be; false
// if water lies between.
func (g *Graph) joins(p orb.Point, s *snap) (bool, error) {
	s.access = s.metres * circuity(g.countryOf(*s))
	if s.metres <= dryAccess {
		return true, nil
	}
	land, err := g.land()
	if err != nil {
		return false, fmt.Errorf("tell land from water: %w", err)
	}
	if c, ok := land.Land(p); s.metres <= lagoonAccess && ok && c == g.countryOf(*s) {
		return true, nil
	}
	return g.dry(p, s.point)
}

// dry tells whether the straight line between two points is over land.
func (g *Graph) dry(a, b orb.Point) (bool, error) {
	land, err := g.land()
	if err != nil {
		return false, fmt.Errorf("tell land from water: %w", err)
	}
	km := path.Distance(a, b)
	steps := int(km) + 1
	wet := 0
	for i := range steps + 1 {
		if _, ok := land.Land(path.Interpolate(a, b, float64(i)/float64(steps))); !ok {
			wet++
		}
	}
	return float64(wet)/float64(steps+1)*km*1000 <= max(wetAccess, wetShare*km*1000), nil
}

// across is the way between two points that are nearer to each other than to the
// network, in km.
func (g *Graph) across(from, to *end) (km float64, ok bool, err error) {
	if len(from.snaps) == 0 || len(to.snaps) == 0 {
		return 0, false, nil
	}
	a, b := from.snaps[0], to.snaps[0]
	if g.countryOf(a) != g.countryOf(b) {
		return 0, false, nil
	}
	straight := path.Distance(from.point, to.point)
	km = straight * circuity(g.countryOf(a))
	if km*1000 > a.access+b.access {
		return 0, false, nil
	}
	ok = true
	if straight*1000 > dryAccess {
		ok, err = g.dry(from.point, to.point)
	}
	return km, ok, err
}

func (g *Graph) countryOf(s snap) geodata.Country {
	return g.countries[g.country[g.edges[s.edge].From]]
}

// index finds edges by place: the cells of a grid over the world, each with the
// edges whose line touches it.
type index struct {
	start []int32
	edges []int32
}

const (
	cellUnits = UnitsPerDegree / 5 // a fifth of a degree
	cellsWide = 360 * UnitsPerDegree / cellUnits
	cellsHigh = 180 * UnitsPerDegree / cellUnits
)

func newIndex(g *Graph) *index {
	ix := &index{start: make([]int32, cellsWide*cellsHigh+1)}
	visit := func(do func(cell, edge int32)) {
		for e := range int32(len(g.edges)) {
			if g.border(e) || g.edges[e].Inset > 0 {
				continue
			}
			last := int32(-1)
			g.walk(e, func(a, b Vertex) {
				touched(a, b, func(cell int32) {
					if cell != last {
						do(cell, e)
						last = cell
					}
				})
			})
		}
	}
	visit(func(cell, _ int32) { ix.start[cell+1]++ })
	for c := range cellsWide * cellsHigh {
		ix.start[c+1] += ix.start[c]
	}
	ix.edges = make([]int32, ix.start[len(ix.start)-1])
	fill := slices.Clone(ix.start)
	visit(func(cell, edge int32) {
		ix.edges[fill[cell]] = edge
		fill[cell]++
	})
	return ix
}

// touched calls do for the cells a segment goes through, stepping finely enough
// to miss at most corners, which the search allows for by looking one cell on.
func touched(a, b Vertex, do func(cell int32)) {
	steps := max(abs(b.Lat-a.Lat), abs(b.Lon-a.Lon))/(cellUnits/2) + 1
	for i := range steps + 1 {
		do(cellOf(a.Lat+(b.Lat-a.Lat)*i/steps, a.Lon+(b.Lon-a.Lon)*i/steps))
	}
}

func abs(v int32) int32 { return max(v, -v) }

func cellOf(lat, lon int32) int32 {
	y := min(max((lat+90*UnitsPerDegree)/cellUnits, 0), cellsHigh-1)
	x := (lon + 540*UnitsPerDegree) / cellUnits % cellsWide
	return y*cellsWide + x
}

// near returns the nearest place of the network within so many metres whose edge
// is allowed.
func (ix *index) near(g *Graph, p orb.Point, metres float64, allowed func(edge int32) bool) (snap, bool) {
	best := snap{edge: -1, metres: metres}
	f := flat(p)
	ix.visit(p, &best.metres, func(e int32) {
		if allowed(e) {
			g.project(e, f, &best)
		}
	})
	return best, best.edge >= 0
}

// around returns the nearest place within so many metres in each of four
// directions; the edge is -1 where there is none.
func (ix *index) around(g *Graph, p orb.Point, metres float64, allowed func(edge int32) bool) [4]snap {
	var best [4]snap
	for i := range best {
		best[i] = snap{edge: -1, metres: metres}
	}
	f := flat(p)
	ix.visit(p, &metres, func(e int32) {
		if !allowed(e) {
			return
		}
		s := snap{edge: -1, metres: metres}
		g.project(e, f, &s)
		if s.edge < 0 {
			return
		}
		i := 0
		if s.point.Lat() > p.Lat() {
			i = 1
		}
		if turn((s.point.Lon()-p.Lon())*UnitsPerDegree) > 0 {
			i += 2
		}
		if s.metres < best[i].metres {
			best[i] = s
		}
	})
	return best
}

// visit calls do for the edges near a point, ring by ring of cells, some of them
// more than once, until nothing can be nearer than metres, which do may lower.
func (ix *index) visit(p orb.Point, metres *float64, do func(edge int32)) {
	shrink := flat(p).shrink
	cy := int32(math.Floor((p.Lat() + 90) * UnitsPerDegree / cellUnits))
	cx := int32(math.Floor((p.Lon() + 540) * UnitsPerDegree / cellUnits))
	for ring := int32(0); ring <= cellsHigh; ring++ {
		// Nothing in this ring is nearer than ring-1 cells, less one for the missed corners.
		if float64(ring-2)*cellUnits*metresPerUnit*shrink > *metres {
			break
		}
		for y := max(cy-ring, 0); y <= min(cy+ring, cellsHigh-1); y++ {
			step := int32(1)
			if y != cy-ring && y != cy+ring {
				step = max(2*ring, 1)
			}
			for x := cx - ring; x <= cx+ring; x += step {
				cell := y*cellsWide + (x%cellsWide+cellsWide)%cellsWide
				for _, e := range ix.edges[ix.start[cell]:ix.start[cell+1]] {
					do(e)
				}
			}
		}
	}
}

// plane is a flat map around a point.
type plane struct{ lat, lon, shrink float64 }

func flat(p orb.Point) plane {
	return plane{p.Lat() * UnitsPerDegree, p.Lon() * UnitsPerDegree, max(math.Cos(p.Lat()*math.Pi/180), 0.01)}
}

// project improves best by the edge's nearest point, on a plane around the point.
func (g *Graph) project(e int32, f plane, best *snap) {
	lat, lon, shrink := f.lat, f.lon, f.shrink
	i, drawn, hit := 0, 0.0, -1.0
	g.walk(e, func(a, b Vertex) {
		i++
		ay, ax := float64(a.Lat)-lat, turn(float64(a.Lon)-lon)*shrink
		dy, dx := float64(b.Lat-a.Lat), float64(b.Lon-a.Lon)*shrink
		k := 0.0
		if l := dy*dy + dx*dx; l > 0 {
			k = min(max(-(ay*dy+ax*dx)/l, 0), 1)
		}
		length := math.Sqrt(dy*dy+dx*dx) * metresPerUnit
		if d := math.Sqrt((ay+k*dy)*(ay+k*dy)+(ax+k*dx)*(ax+k*dx)) * metresPerUnit; d < best.metres {
			best.metres, best.edge, best.vertex = d, e, i
			best.point = orb.Point{
				(float64(a.Lon) + k*float64(b.Lon-a.Lon)) / UnitsPerDegree,
				(float64(a.Lat) + k*float64(b.Lat-a.Lat)) / UnitsPerDegree,
			}
			hit = drawn + k*length
		}
		drawn += length
	})
	if hit >= 0 {
		best.along = 0
		if drawn > 0 {
			best.along = uint32(math.Round(min(hit/drawn, 1) * float64(g.edges[e].Metres)))
		}
	}
}

// turn brings a difference of longitudes to within half a turn.
func turn(units float64) float64 {
	return units - 360*UnitsPerDegree*math.Round(units/(360*UnitsPerDegree))
}
