// Package air is how far an aircraft flies between two points: the great circle,
// or the shortest way round the airspace of countries that are avoided.
//
// It knows no airports, airways, winds or overflight rights; gazetteer has the
// airports and routing the rules. A country's airspace is taken as its land and
// what lies within the near-shore tolerance of geodata/area (about 12 nautical
// miles); flight information regions over the high seas stay open.
package air

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/cell"
	"corridor/geodata/path"
)

const (
	// latticeRes is the H3 resolution of the waypoints ways round closed airspace
	// are first searched on: 5,882 cells some 320 km apart. The way is then pulled
	// taut, so the lattice decides the side a country is passed on, not the length.
	latticeRes = 2
	// sampleKM is how finely a leg is checked for closed airspace.
	sampleKM = 25
	// drawKM is the spacing of points of a drawn leg.
	drawKM = 200
	// keepLattices bounds the closures remembered.
	keepLattices = 16
)

// FlownKM is what an aircraft really flies for a great-circle distance: airways,
// approach and weather add 50 km below 550 km, 100 km to 5,500 km and 125 km
// beyond (ICAO Carbon Emissions Calculator Methodology, GCD correction factor).
// Rates and emission factors are quoted on the great circle, so a Path's length
// does not hold it.
func FlownKM(greatCircleKM float64) float64 {
	switch {
	case greatCircleKM <= 0:
		return 0
	case greatCircleKM < 550:
		return greatCircleKM + 50
	case greatCircleKM <= 5500:
		return greatCircleKM + 100
	}
	return greatCircleKM + 125
}

// Graph answers for the whole sky. It is safe for concurrent use.
type Graph struct {
	countries *area.Area

	mu       sync.Mutex // guards lattices and recent
	lattices map[string]*lattice
	recent   []string // keys of lattices, least recently used first
}

// Open returns the network over the embedded countries.
func Open() (*Graph, error) {
	countries, err := area.Open()
	if err != nil {
		return nil, fmt.Errorf("open air network: %w", err)
	}
	return Over(countries), nil
}

// Over returns the network over countries.
func Over(countries *area.Area) *Graph {
	return &Graph{countries: countries, lattices: map[string]*lattice{}}
}

// Route is the shortest way from one point to the other that stays out of the
// avoided countries. When an end lies in one of them, or nothing is left open, the
// error is geodata.ErrNoRoute.
func (g *Graph) Route(ctx context.Context, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	turns, err := g.turns(ctx, from, to, avoid.Countries)
	if err != nil {
		return geodata.Path{}, err
	}
	p := geodata.Path{Mode: geodata.Air}
	for i := 1; i < len(turns); i++ {
		p.DistanceKM += path.Distance(turns[i-1], turns[i])
		leg := path.GreatCircle(turns[i-1], turns[i], drawKM)
		if i > 1 && len(leg) > 0 {
			leg = leg[1:]
		}
		p.Geometry = append(p.Geometry, leg...)
	}
	p.FlownKM = FlownKM(p.DistanceKM)
	p.Geometry = path.Unwrap(p.Geometry)
	return p, nil
}

// Table gives the kilometres from every point of from to every point of to, +Inf
// where there is no way.
func (g *Graph) Table(ctx context.Context, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	out := make([][]float64, len(from))
	for i, a := range from {
		out[i] = make([]float64, len(to))
		for j, b := range to {
			turns, err := g.turns(ctx, a, b, avoid.Countries)
			switch {
			case errors.Is(err, geodata.ErrNoRoute):
				out[i][j] = math.Inf(1)
			case err != nil:
				return nil, err
			}
			for k := 1; k < len(turns); k++ {
				out[i][j] += path.Distance(turns[k-1], turns[k])
			}
		}
	}
	return out, nil
}

// turns are the points a way bends at, ends included.
func (g *Graph) turns(ctx context.Context, from, to orb.Point, avoid []geodata.Country) ([]orb.Point, error) {
	if len(avoid) == 0 {
		return []orb.Point{from, to}, nil
	}
	for _, end := range []orb.Point{from, to} {
		if c, ok := g.countries.Country(end); ok && slices.Contains(avoid, c) {
			return nil, fmt.Errorf("%w: lat %.3f, lon %.3f is in %s, whose airspace is avoided", geodata.ErrNoRoute, end.Lat(), end.Lon(), c)
		}
	}
	if g.clear(from, to, avoid) {
		return []orb.Point{from, to}, nil
	}
	l, err := g.lattice(ctx, avoid)
	if err != nil {
		return nil, err
	}
	way, ok := l.search(g, from, to, avoid)
	if !ok {
		return nil, fmt.Errorf("%w: no airspace is left open between lat %.3f, lon %.3f and lat %.3f, lon %.3f", geodata.ErrNoRoute, from.Lat(), from.Lon(), to.Lat(), to.Lon())
	}
	return g.taut(way, avoid), nil
}

// clear reports whether the great circle between two points stays out of the
// countries.
func (g *Graph) clear(a, b orb.Point, avoid []geodata.Country) bool {
	n := int(path.Distance(a, b)/sampleKM) + 1
	for i := 1; i < n; i++ {
		if g.closed(path.Interpolate(a, b, float64(i)/float64(n)), avoid) {
			return false
		}
	}
	return true
}

func (g *Graph) closed(p orb.Point, avoid []geodata.Country) bool {
	c, ok := g.countries.Country(p)
	return ok && slices.Contains(avoid, c)
}

// taut drops every bend that is not needed, from both ends in turn until nothing
// changes.
func (g *Graph) taut(way []orb.Point, avoid []geodata.Country) []orb.Point {
	for {
		short := g.pull(way, avoid)
		slices.Reverse(short)
		short = g.pull(short, avoid)
		slices.Reverse(short)
		if len(short) == len(way) {
			return short
		}
		way = short
	}
}

func (g *Graph) pull(way []orb.Point, avoid []geodata.Country) []orb.Point {
	out := []orb.Point{way[0]}
	for i := 0; i < len(way)-1; {
		next := i + 1
		for j := len(way) - 1; j > next; j-- {
			if g.clear(way[i], way[j], avoid) {
				next = j
			}
		}
		out = append(out, way[next])
		i = next
	}
	return out
}

// lattice holds the waypoints outside a set of countries and which neighbours can
// be reached without entering them.
type lattice struct {
	points map[cell.ID]orb.Point
	next   map[cell.ID][]cell.ID
}

func (g *Graph) lattice(ctx context.Context, avoid []geodata.Country) (*lattice, error) {
	sorted := slices.Clone(avoid)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	var b strings.Builder
	for _, c := range sorted {
		b.WriteString(string(c))
		b.WriteByte(' ')
	}
	key := b.String()
	g.mu.Lock()
	defer g.mu.Unlock() // built under the lock: two requests for one closure share the work
	if i := slices.Index(g.recent, key); i >= 0 {
		g.recent = append(slices.Delete(g.recent, i, i+1), key)
		return g.lattices[key], nil
	}
	l, err := g.build(ctx, sorted)
	if err != nil {
		return nil, err
	}
	if len(g.recent) == keepLattices {
		delete(g.lattices, g.recent[0])
		g.recent = slices.Delete(g.recent, 0, 1)
	}
	g.lattices[key] = l
	g.recent = append(g.recent, key)
	return l, nil
}

func (g *Graph) build(ctx context.Context, avoid []geodata.Country) (*lattice, error) {
	l := &lattice{points: map[cell.ID]orb.Point{}, next: map[cell.ID][]cell.ID{}}
	// Every cell is reached by walking from one: the sphere is connected.
	start := cell.Of(orb.Point{0, 0}, latticeRes)
	queue, seen := []cell.ID{start}, map[cell.ID]bool{start: true}
	for len(queue) > 0 {
		if len(seen)%512 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		c := queue[0]
		queue = queue[1:]
		if p := c.Center(); !g.closed(p, avoid) {
			l.points[c] = p
		}
		for _, n := range c.Disk(1) {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	for c, p := range l.points {
		for _, n := range c.Disk(1) {
			if q, open := l.points[n]; open && n != c && g.clear(p, q, avoid) {
				l.next[c] = append(l.next[c], n)
			}
		}
		slices.Sort(l.next[c]) // the same way every time
	}
	return l, nil
}

// gates are the waypoints near a point that can be reached straight from it.
func (l *lattice) gates(g *Graph, p orb.Point, avoid []geodata.Country) []cell.ID {
	var out []cell.ID
	for _, c := range cell.Of(p, latticeRes).Disk(2) {
		if q, open := l.points[c]; open && g.clear(p, q, avoid) {
			out = append(out, c)
		}
	}
	return out
}

// search is A* with the great circle to the goal as the bound.
func (l *lattice) search(g *Graph, from, to orb.Point, avoid []geodata.Country) ([]orb.Point, bool) {
	last := map[cell.ID]bool{}
	for _, c := range l.gates(g, to, avoid) {
		last[c] = true
	}
	dist, prev := map[cell.ID]float64{}, map[cell.ID]cell.ID{}
	var open frontier
	reach := func(c, by cell.ID, km float64) {
		if old, known := dist[c]; known && old <= km {
			return
		}
		dist[c], prev[c] = km, by
		heap.Push(&open, candidate{c, km, km + path.Distance(l.points[c], to)})
	}
	for _, c := range l.gates(g, from, avoid) {
		reach(c, 0, path.Distance(from, l.points[c]))
	}
	// The first waypoint popped from which the goal is in sight need not be on the
	// shortest way, so the goal itself is a candidate: the zero ID.
	for open.Len() > 0 {
		c, _ := heap.Pop(&open).(candidate)
		if c.cell == 0 {
			way := []orb.Point{to}
			for at := prev[0]; at != 0; at = prev[at] {
				way = append(way, l.points[at])
			}
			way = append(way, from)
			slices.Reverse(way)
			return way, true
		}
		if c.km > dist[c.cell] {
			continue
		}
		if last[c.cell] {
			km := c.km + path.Distance(l.points[c.cell], to)
			if old, known := dist[0]; !known || km < old {
				dist[0], prev[0] = km, c.cell
				heap.Push(&open, candidate{0, km, km})
			}
		}
		for _, n := range l.next[c.cell] {
			reach(n, c.cell, c.km+path.Distance(l.points[c.cell], l.points[n]))
		}
	}
	return nil, false
}

type candidate struct {
	cell  cell.ID // zero: the goal
	km    float64
	bound float64 // km and the great circle from there
}

type frontier []candidate

func (f frontier) Len() int { return len(f) }
func (f frontier) Less(i, j int) bool {
	if f[i].bound != f[j].bound {
		return f[i].bound < f[j].bound
	}
	return f[i].cell < f[j].cell
}
func (f frontier) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(x any)   { *f = append(*f, x.(candidate)) }
func (f *frontier) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}
