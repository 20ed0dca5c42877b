// Package joint sets imported areas (exact) into the world's network (land): ways
// or parts of ways inside an area are the exact ones, outside they are the
// world's, and they meet at portals on the edge.
//
// The world's lines are cut where they enter an area, and what lies inside is taken
// out. Each cut is a portal: a node of the world's network that also joins the
// nearest main roads of the area. Main roads of an area that end where the world has
// a line that was not cut join it too. A way from portal to portal through an area
// is one edge of the world's network, weighed per vehicle and drawn when a path goes
// there. A border is always crossed on the world's network, which has the posts: an
// area in several countries is one region in each.
package joint

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/network/exact"
	"corridor/geodata/network/land"
)

// Graph is a world's network with areas set in. It is safe for concurrent use.
type Graph struct {
	mode      geodata.Mode
	world     *land.Graph
	regions   []*region
	ways      []way // those the edges of the inset stand for
	countries func() (*area.Area, error)
}

// region is the part of an area in one country.
type region struct {
	area    *exact.Area
	net     *exact.Network
	country geodata.Country
	portals []portal
	whole   bool // the world's lines stay inside it too, since none could be joined

	mu   sync.Mutex // guards fans
	fans []*fan     // most recently used first
}

// portal is where a region meets the world's network.
type portal struct {
	node uint32     // of the world's network
	spot exact.Spot // of the region's
}

// way is the way through a region between two of its portals.
type way struct {
	region   *region
	from, to int
}

// New sets areas into a network, which it keeps and changes. Where areas overlap
// the first has precedence. Areas without the mode are passed over.
func New(n *land.Net, areas []*exact.Area, with land.Shared) (*Graph, error) {
	if with.Countries == nil {
		with.Countries = sync.OnceValues(area.Open)
	}
	g := &Graph{mode: n.Mode, countries: with.Countries}
	for _, a := range areas {
		net := a.Network(n.Mode)
		if net == nil {
			continue
		}
		for _, c := range a.Countries {
			if slices.Contains(n.Countries, geodata.Country(c)) {
				g.regions = append(g.regions, &region{area: a, net: net, country: geodata.Country(c)})
			}
		}
	}
	for {
		cut := g.carve(n)
		again := false
		for _, r := range g.regions {
			if len(r.portals) == 0 && !r.whole {
				r.whole, again = true, true
			}
		}
		if again {
			continue
		}
		graph, err := land.Join(cut, inset{g}, with)
		if err != nil {
			return nil, fmt.Errorf("join imports to the world's %ss: %w", n.Mode, err)
		}
		g.world = graph
		return g, nil
	}
}

// Portals tells how many places an area is joined to the world's network at.
func (g *Graph) Portals(a *exact.Area) int {
	n := 0
	for _, r := range g.regions {
		if r.area == a {
			n += len(r.portals)
		}
	}
	return n
}

// inset shows the land network what is set into it.
type inset struct{ g *Graph }

// Weigh takes the mean of both directions: the world's network has no directions.
func (in inset) Weigh(ctx context.Context, v geodata.Vehicle) ([]land.Load, error) {
	fans := map[*region]*fan{}
	for _, r := range in.g.regions {
		f, err := r.fan(ctx, v)
		if err != nil {
			return nil, err
		}
		fans[r] = f
	}
	loads := make([]land.Load, len(in.g.ways))
	for k, w := range in.g.ways {
		f := fans[w.region]
		there, back := f.toWorld(f.loads[w.from][w.to]), f.toWorld(f.loads[w.to][w.from])
		loads[k] = land.Load{CostKM: (there.CostKM + back.CostKM) / 2, KM: (there.KM + back.KM) / 2}
	}
	return loads, nil
}

func (in inset) Draw(ctx context.Context, k int, back bool, v geodata.Vehicle) (geodata.Path, error) {
	w := in.g.ways[k]
	from, to := w.from, w.to
	if back {
		from, to = to, from
	}
	p, _, err := w.region.net.Route(ctx, w.region.portals[from].spot, w.region.portals[to].spot, v)
	return p, err
}

// fan is the searches from a region's portals for a vehicle.
type fan struct {
	vehicle geodata.Vehicle
	mu      sync.Mutex // guards the rest while it is made
	fan     *exact.Fan
	loads   [][]exact.Load // from portal to portal
	scale   float64        // see toWorld
}

// toWorld turns a load of the region into one of the world's network. There a metre
// of any main road costs a metre; here it costs more off the motorways. Divided by
// what a metre costs on the ways from portal to portal, both weigh the same and the
// differences between the region's own ways stay.
func (f *fan) toWorld(l exact.Load) land.Load {
	return land.Load{CostKM: max(l.CostKM/f.scale, 0), KM: l.KM}
}

// scaleOf is the median cost of a metre on ways from portal to portal.
func scaleOf(loads [][]exact.Load) float64 {
	var ratios []float64
	for _, row := range loads {
		for _, l := range row {
			if l.KM > 10 && !math.IsInf(l.CostKM, 1) {
				ratios = append(ratios, l.CostKM/l.KM)
			}
		}
	}
	if len(ratios) == 0 {
		return 1.1
	}
	slices.Sort(ratios)
	return max(ratios[len(ratios)/2], 1)
}

// keptFans is how many vehicles' fans a region keeps, some hundred kilobytes each.
const keptFans = 4

func (r *region) fan(ctx context.Context, v geodata.Vehicle) (*fan, error) {
	r.mu.Lock()
	k := &fan{vehicle: v}
	if i := slices.IndexFunc(r.fans, func(f *fan) bool { return f.vehicle == v }); i >= 0 {
		k = r.fans[i]
		r.fans = slices.Delete(r.fans, i, i+1)
	}
	r.fans = slices.Insert(r.fans, 0, k)
	if len(r.fans) > keptFans {
		r.fans = r.fans[:keptFans]
	}
	r.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fan == nil {
		spots := make([]exact.Spot, len(r.portals))
		for i, p := range r.portals {
			spots[i] = p.spot
		}
		f, err := r.net.Fan(ctx, spots, v)
		if err != nil {
			return nil, err // it stays, empty: the next caller makes it
		}
		k.loads = make([][]exact.Load, len(spots))
		for i, s := range spots {
			if k.loads[i], err = f.From(ctx, s); err != nil {
				return nil, err
			}
		}
		k.fan, k.scale = f, scaleOf(k.loads)
	}
	return k, nil
}

// end is a point joined to a region or, if that is nil, to the world's network.
type end struct {
	land.End
	region *region
	spot   exact.Spot
	fan    *fan  // of the region
	portal []int // per gate
	// scrap is set where the point lies on a piece of the region that nothing joins,
	// such as the far bank that an extract was cut to. Out of there only the world's
	// network leads.
	scrap bool
}

const (
	// beside is how far a point outside a region's country may be from its ways and
	// still be joined to them: at a border post.
	beside = 0.5 // km
)

// end joins a point; with back ways run to it.
func (g *Graph) end(ctx context.Context, p orb.Point, avoid geodata.Avoid, back bool) (end, error) {
	e := end{End: land.End{Point: p}}
	shut := slices.Clone(avoid.Countries)
	if g.mode == geodata.Road {
		shut = append(shut, avoid.Roads...)
	} else {
		shut = append(shut, avoid.Rails...)
	}
	var tried *exact.Area
	for _, r := range g.regions {
		if r.area == tried || !r.area.Covers(p) {
			continue
		}
		tried = r.area
		mine := func(c geodata.Country) *region {
			for _, q := range g.regions {
				if q.area == r.area && q.country == c && !slices.Contains(shut, c) {
					return q
				}
			}
			return nil
		}
		spot, err := r.net.Locate(ctx, p, avoid.Vehicle, func(c geodata.Country) bool { return mine(c) != nil })
		if errors.Is(err, geodata.ErrNoRoute) {
			continue
		}
		if err != nil {
			return end{}, err
		}
		if spot.AccessKM() > beside {
			countries, err := g.countries()
			if err != nil {
				return end{}, fmt.Errorf("tell countries: %w", err)
			}
			if c, ok := countries.Country(p); ok && mine(c) == nil {
				continue
			}
		}
		e.region, e.spot = mine(r.net.Country(spot)), spot
		f, err := e.region.fan(ctx, avoid.Vehicle)
		if err != nil {
			return end{}, err
		}
		e.fan = f
		var loads []exact.Load
		if back {
			loads, err = f.fan.To(ctx, spot)
		} else {
			loads, err = f.fan.From(ctx, spot)
		}
		if err != nil {
			return end{}, err
		}
		for i, l := range loads {
			if !math.IsInf(l.CostKM, 1) {
				e.Gates = append(e.Gates, land.Gate{Node: e.region.portals[i].node, Load: f.toWorld(l)})
				e.portal = append(e.portal, i)
			}
		}
		e.scrap = len(e.Gates) == 0 && !slices.ContainsFunc(e.region.portals, func(p portal) bool { return r.net.Joined(spot, p.spot) })
		return e, nil
	}
	return e, nil
}

// lost tells whether an end has no way to the world's network.
func (e *end) lost() bool {
	return e.region != nil && len(e.Gates) == 0 && !e.region.whole && !e.scrap
}

// detour is how much cheaper a way out of a region and back must be to be preferred
// to the one inside: lengths outside are not as exact.
const detour = 0.8

// Route is as in package land.
func (g *Graph) Route(ctx context.Context, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	a, err := g.end(ctx, from, avoid, false)
	if err != nil {
		return geodata.Path{}, err
	}
	b, err := g.end(ctx, to, avoid, true)
	if err != nil {
		return geodata.Path{}, err
	}
	var inside geodata.Path
	insideCost := math.Inf(1)
	if a.region != nil && a.region == b.region {
		p, l, err := a.region.net.Route(ctx, a.spot, b.spot, avoid.Vehicle)
		switch {
		case err == nil:
			inside, insideCost = p, a.fan.toWorld(l).CostKM
		case !errors.Is(err, geodata.ErrNoRoute):
			return geodata.Path{}, err
		}
		if out := a.cheapest() + b.cheapest(); !math.IsInf(insideCost, 1) && insideCost*detour <= out {
			return inside, nil
		}
	}
	if a.lost() || b.lost() {
		if !math.IsInf(insideCost, 1) {
			return inside, nil
		}
		return geodata.Path{}, fmt.Errorf("%w: no way for this vehicle between %s and the %ss around it", geodata.ErrNoRoute, g.lostName(&a, &b), g.mode)
	}
	w, err := g.world.RouteEnds(ctx, a.End, b.End, avoid)
	if !math.IsInf(insideCost, 1) && (errors.Is(err, geodata.ErrNoRoute) || err == nil && insideCost*detour <= w.CostKM) {
		return inside, nil
	}
	if err != nil {
		return geodata.Path{}, err
	}
	out := geodata.Path{Mode: g.mode}
	if w.FromGate >= 0 {
		p, _, err := a.region.net.Route(ctx, a.spot, a.region.portals[a.portal[w.FromGate]].spot, avoid.Vehicle)
		if err != nil {
			return geodata.Path{}, err
		}
		out.Append(p)
	}
	out.Append(w.Path)
	if w.ToGate >= 0 {
		p, _, err := b.region.net.Route(ctx, b.region.portals[b.portal[w.ToGate]].spot, b.spot, avoid.Vehicle)
		if err != nil {
			return geodata.Path{}, err
		}
		out.Append(p)
	}
	return out, nil
}

func (g *Graph) lostName(a, b *end) string {
	e := a
	if !a.lost() {
		e = b
	}
	return fmt.Sprintf("lat %.4f, lon %.4f in the import %s", e.Point.Lat(), e.Point.Lon(), e.region.area.Name)
}

// cheapest is the least that it takes to leave a region.
func (e *end) cheapest() float64 {
	least := math.Inf(1)
	for _, gate := range e.Gates {
		least = min(least, gate.CostKM)
	}
	return least
}

// Table is as in package land.
func (g *Graph) Table(ctx context.Context, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	ends := func(points []orb.Point, back bool) (all []end, joined []land.End, at []int, err error) {
		all = make([]end, len(points))
		for i, p := range points {
			if all[i], err = g.end(ctx, p, avoid, back); err != nil {
				return nil, nil, nil, err
			}
			if !all[i].lost() {
				joined, at = append(joined, all[i].End), append(at, i)
			}
		}
		return all, joined, at, nil
	}
	starts, a, rows, err := ends(from, false)
	if err != nil {
		return nil, err
	}
	stops, b, columns, err := ends(to, true)
	if err != nil {
		return nil, err
	}
	world, err := g.world.TableEnds(ctx, a, b, avoid)
	if err != nil {
		return nil, err
	}
	loads := make([][]land.Load, len(from))
	for i := range loads {
		loads[i] = make([]land.Load, len(to))
		for j := range loads[i] {
			loads[i][j] = land.None()
		}
	}
	for i, row := range world {
		for j, l := range row {
			loads[rows[i]][columns[j]] = l
		}
	}
	for _, r := range g.regions {
		var spots [2][]exact.Spot
		var at [2][]int
		for k, side := range [][]end{starts, stops} {
			for i, e := range side {
				if e.region == r {
					spots[k], at[k] = append(spots[k], e.spot), append(at[k], i)
				}
			}
		}
		if len(spots[0]) == 0 || len(spots[1]) == 0 {
			continue
		}
		inside, err := r.net.Table(ctx, spots[0], spots[1], avoid.Vehicle)
		if err != nil {
			return nil, err
		}
		f := starts[at[0][0]].fan
		for i, row := range inside {
			for j, k := range row {
				l := f.toWorld(k)
				if w := &loads[at[0][i]][at[1][j]]; l.CostKM*detour <= w.CostKM && !math.IsInf(l.CostKM, 1) {
					*w = l
				}
			}
		}
	}
	table := make([][]float64, len(from))
	for i, row := range loads {
		table[i] = make([]float64, len(to))
		for j, l := range row {
			table[i][j] = l.KM
		}
	}
	return table, nil
}
