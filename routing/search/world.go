package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing/regime"
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
	known map[string]map[[2]orb.Point]float64 // by mode and avoid
	pairs int
	paths map[string]geodata.Path
}

// The caches are emptied when they hold so much; what a plan needs is found again.
const (
	maxPairs = 2_000_000
	maxPaths = 4_000
)

func newDistances(w Router) *distances {
	return &distances{world: w, known: map[string]map[[2]orb.Point]float64{}, paths: map[string]geodata.Path{}}
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
	return b.String()
}

// table is Router.Table through the cache.
func (d *distances) table(ctx context.Context, m geodata.Mode, key string, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	out := make([][]float64, len(from))
	var rows []int // with something missing
	cols := map[int]bool{}
	d.mu.Lock()
	known := d.known[key]
	if known == nil {
		known = map[[2]orb.Point]float64{}
		d.known[key] = known
	}
	for i, a := range from {
		out[i] = make([]float64, len(to))
		missing := false
		for j, b := range to {
			km, ok := known[[2]orb.Point{a, b}]
			if !ok {
				missing = true
				cols[j] = true
			}
			out[i][j] = km
		}
		if missing {
			rows = append(rows, i)
		}
	}
	d.mu.Unlock()
	if len(rows) == 0 {
		return out, nil
	}
	askFrom := make([]orb.Point, len(rows))
	for k, i := range rows {
		askFrom[k] = from[i]
	}
	var askTo []orb.Point
	var at []int
	for j := range to {
		if cols[j] {
			askTo = append(askTo, to[j])
			at = append(at, j)
		}
	}
	fresh, err := d.world.Table(ctx, m, askFrom, askTo, avoid)
	if err != nil {
		return nil, fmt.Errorf("distances by %s: %w", m, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pairs > maxPairs {
		d.known = map[string]map[[2]orb.Point]float64{}
		d.pairs = 0
	}
	if d.known[key] == nil {
		d.known[key] = map[[2]orb.Point]float64{}
	}
	known = d.known[key]
	for k, i := range rows {
		for l, j := range at {
			out[i][j] = fresh[k][l]
			known[[2]orb.Point{from[i], to[j]}] = fresh[k][l]
			d.pairs++
		}
	}
	return out, nil
}

// simplifyKM keeps a plan small; the map shows the world.
const simplifyKM = 1.5

// route is Router.Route through the cache, with its geometry simplified.
func (d *distances) route(ctx context.Context, m geodata.Mode, key string, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	key = fmt.Sprintf("%s|%v|%v", key, from, to)
	d.mu.Lock()
	p, ok := d.paths[key]
	d.mu.Unlock()
	if ok {
		return p, nil
	}
	p, err := d.world.Route(ctx, m, from, to, avoid)
	if err != nil {
		return p, err
	}
	p.Geometry = path.Simplify(p.Geometry, simplifyKM)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.paths) >= maxPaths {
		d.paths = map[string]geodata.Path{}
	}
	d.paths[key] = p
	return p, nil
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
