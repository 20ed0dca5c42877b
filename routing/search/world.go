package search

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing/regime"
	"corridor/routing/timetable"
)

// Router finds ways over the link networks; network.World is one.
type Router interface {
	// Route is the shortest way. No way is geodata.ErrNoRoute.
	Route(ctx context.Context, m geodata.Mode, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error)
	// Table is the length in km of the shortest way between all pairs; +Inf where
	// there is none.
	Table(ctx context.Context, m geodata.Mode, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error)
}

// Places finds places and terminals; gazetteer.Gazetteer is one.
type Places interface {
	Resolve(query string) (geodata.Place, error)
	Terminals(m geodata.Mode) []geodata.Terminal
	Near(p orb.Point, m geodata.Mode, n int) []geodata.Terminal
}

// distances remembers lengths between points, by mode and what is avoided.
// Terminals and posts do not move, so after a few plans only the doors of a
// journey are new.
type distances struct {
	world Router

	mu    sync.Mutex
	known map[string]*lengths // by mode and avoid
	paths map[wayKey]geodata.Path
	areas map[string]geodata.Avoid
}

// lengths are the km known between points under one mode and avoid. Points are
// numbered as they come, so that a table is read off rows and not looked up pair
// by pair.
type lengths struct {
	number map[orb.Point]int32
	km     [][]float32 // NaN: not known
}

func (l *lengths) numbers(points []orb.Point) []int32 {
	out := make([]int32, len(points))
	for i, p := range points {
		n, ok := l.number[p]
		if !ok {
			n = int32(len(l.number))
			l.number[p] = n
			l.km = append(l.km, nil)
		}
		out[i] = n
	}
	return out
}

func (l *lengths) get(from, to int32) (float64, bool) {
	row := l.km[from]
	if int(to) >= len(row) {
		return 0, false
	}
	return float64(row[to]), row[to] == row[to]
}

func (l *lengths) put(from, to int32, km float64) {
	row := l.km[from]
	for int(to) >= len(row) {
		row = append(row, float32(math.NaN()))
	}
	row[to] = float32(km)
	l.km[from] = row
}

// The caches are emptied when they hold so much; what a plan needs is found again.
const (
	maxPoints = 3_000 // of one mode and avoid
	maxKnown  = 400
	maxPaths  = 8_000
)

// wayKey names a way: the mode and what is avoided, and the ends.
type wayKey struct {
	key      string
	from, to orb.Point
}

func newDistances(w Router) *distances {
	return &distances{world: w, known: map[string]*lengths{}, paths: map[wayKey]geodata.Path{}, areas: map[string]geodata.Avoid{}}
}

func avoidKey(m geodata.Mode, a geodata.Avoid) string {
	var b strings.Builder
	b.WriteString(string(m))
	for _, c := range a.Countries {
		b.WriteByte('|')
		b.WriteString(string(c))
	}
	for _, s := range a.Passages {
		b.WriteString("|p:")
		b.WriteString(s)
	}
	for _, s := range a.Borders {
		b.WriteString("|b:")
		b.WriteString(s)
	}
	if a.DraughtM > 0 {
		fmt.Fprintf(&b, "|d:%g", a.DraughtM)
	}
	for _, id := range slices.Sorted(maps.Keys(a.PassageNM)) {
		fmt.Fprintf(&b, "|c:%s=%g", id, a.PassageNM[id])
	}
	return b.String()
}

// table is Router.Table through the cache.
func (d *distances) table(ctx context.Context, m geodata.Mode, key string, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	out := make([][]float64, len(from))
	cells := make([]float64, len(from)*len(to))
	// A point that was never asked about misses its whole row, any other only the
	// columns of such points: two small tables instead of one large one.
	fresh, partly := gap{cols: make([]bool, len(to))}, gap{cols: make([]bool, len(to))}
	d.mu.Lock()
	l := d.known[key]
	if l == nil || len(l.number) > maxPoints {
		if len(d.known) > maxKnown {
			clear(d.known)
		}
		l = &lengths{number: map[orb.Point]int32{}}
		d.known[key] = l
	}
	rowOf, colOf := l.numbers(from), l.numbers(to)
	for i := range from {
		out[i] = cells[i*len(to) : (i+1)*len(to) : (i+1)*len(to)]
		missing := 0
		for j := range to {
			km, ok := l.get(rowOf[i], colOf[j])
			if !ok {
				missing++
				km = math.NaN()
			}
			out[i][j] = km
		}
		if missing == 0 {
			continue
		}
		g := &partly
		if missing == len(to) {
			g = &fresh
		}
		g.rows = append(g.rows, i)
		for j, km := range out[i] {
			g.cols[j] = g.cols[j] || math.IsNaN(km)
		}
	}
	d.mu.Unlock()
	for _, g := range []gap{fresh, partly} {
		if len(g.rows) == 0 {
			continue
		}
		askFrom := make([]orb.Point, len(g.rows))
		for k, i := range g.rows {
			askFrom[k] = from[i]
		}
		var askTo []orb.Point
		var at []int
		for j := range to {
			if g.cols[j] {
				askTo = append(askTo, to[j])
				at = append(at, j)
			}
		}
		km, err := d.world.Table(ctx, m, askFrom, askTo, avoid)
		if err != nil {
			return nil, fmt.Errorf("distances by %s: %w", m, err)
		}
		d.mu.Lock()
		for k, i := range g.rows {
			for n, j := range at {
				out[i][j] = float64(float32(km[k][n])) // as it is when it comes from the cache
				l.put(rowOf[i], colOf[j], km[k][n])
			}
		}
		d.mu.Unlock()
	}
	return out, nil
}

// gap is what a table misses: rows, and columns in any of them.
type gap struct {
	rows []int
	cols []bool
}

// services are those of one timetable between two stops, remembered: the same
// terminals come again.
type services struct {
	of    *timetable.Table
	known sync.Map
	count atomic.Int64
}

// servicesBetween is timetable.Table.Find through the cache. The answer is shared.
func (p *Planner) servicesBetween(m geodata.Mode, from, to timetable.Stop) []timetable.Service {
	const most = 100_000
	if p.found.of != p.times { // without a carrier, or of the schedules of another day
		return p.times.Find(m, from, to)
	}
	key := struct {
		mode     geodata.Mode
		from, to timetable.Stop
	}{m, from, to}
	if v, ok := p.found.known.Load(key); ok {
		return v.([]timetable.Service)
	}
	v := p.times.Find(m, from, to)
	if p.found.count.Add(1) > most {
		p.found.known.Clear()
		p.found.count.Store(0)
	}
	p.found.known.Store(key, v)
	return v
}

// simplifyKM keeps a plan small; the map shows the world.
const simplifyKM = 1.5

// simplify drops points of a way that lie within km of what is left. It measures in
// the plane, each stretch by the width of a degree where it lies: path.Simplify
// measures on the sphere, which takes five times as long, and nobody sees the
// difference in lines of this kind.
func simplify(ls orb.LineString, km float64) orb.LineString {
	if len(ls) < 3 {
		return append(orb.LineString(nil), ls...)
	}
	const kmPerDegree = path.EarthRadiusKM * math.Pi / 180
	limit := km * km / (kmPerDegree * kmPerDegree)
	keep := make([]bool, len(ls))
	keep[0], keep[len(ls)-1] = true, true
	for stack := [][2]int{{0, len(ls) - 1}}; len(stack) > 0; {
		from, to := stack[len(stack)-1][0], stack[len(stack)-1][1]
		stack = stack[:len(stack)-1]
		a := ls[from]
		wide := math.Cos((a[1] + ls[to][1]) / 2 * math.Pi / 180)
		dx, dy := (ls[to][0]-a[0])*wide, ls[to][1]-a[1]
		length := dx*dx + dy*dy
		worst, at := limit, -1
		for i := from + 1; i < to; i++ {
			x, y := (ls[i][0]-a[0])*wide, ls[i][1]-a[1]
			if t := x*dx + y*dy; t > 0 && length > 0 {
				t = min(1, t/length)
				x, y = x-t*dx, y-t*dy
			}
			if off := x*x + y*y; off > worst {
				worst, at = off, i
			}
		}
		if at >= 0 {
			keep[at] = true
			stack = append(stack, [2]int{from, at}, [2]int{at, to})
		}
	}
	var out orb.LineString
	for i, k := range keep {
		if k {
			out = append(out, ls[i])
		}
	}
	return out
}

// route is Router.Route through the cache, with its geometry simplified.
func (d *distances) route(ctx context.Context, m geodata.Mode, key string, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	at := wayKey{key, from, to}
	p, ok := d.drawn(key, from, to)
	if ok {
		return p, nil
	}
	p, err := d.world.Route(ctx, m, from, to, avoid)
	if err != nil {
		return p, err
	}
	p.Geometry = simplify(p.Geometry, simplifyKM)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.paths) >= maxPaths {
		d.paths = map[wayKey]geodata.Path{}
	}
	d.paths[at] = p
	return p, nil
}

// within is outside without countries avoided, remembered.
func (d *distances) within(m geodata.Mode, area string) geodata.Avoid {
	key := string(m) + " " + area
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.areas[key]
	if !ok {
		a = outside(m, area, nil)
		d.areas[key] = a
	}
	return a
}

// drawn is a way drawn before; false when it is not remembered.
func (d *distances) drawn(key string, from, to orb.Point) (geodata.Path, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.paths[wayKey{key, from, to}]
	return p, ok
}

// outside is what a way by a mode inside an area avoids: all countries that are
// not of it, and those of it that the user avoids. The groups are the same for
// every area, so the network works them out once.
func outside(m geodata.Mode, area string, avoided []geodata.Country) geodata.Avoid {
	out := regime.Outside(area)
	for _, c := range regime.AreaCountries(area) {
		if slices.Contains(avoided, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return geodata.Avoid{Countries: out, Inside: regime.FreeMovement(m)}
}

func finite(km float64) bool { return !math.IsInf(km, 0) && !math.IsNaN(km) }
