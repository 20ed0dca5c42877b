package sea

import (
	"math"
	"slices"
	"sync"

	"corridor/geodata"
	"corridor/geodata/network/sea/internal/globe"

	"github.com/paulmach/orb"
)

const (
	profilesKept = 6
	berthsKept   = 1024 // of each profile
	// buildingAtOnce bounds how many profiles are built at a time: a plan with a passage
	// shut asks for two, and each takes three times its size meanwhile.
	buildingAtOnce = 2
)

// profileSlot holds the labels for a set of shut passages, built when they are
// first asked for. Others who ask meanwhile wait.
type profileSlot struct {
	once    sync.Once
	profile *profile
}

// profile is what is worked out for terms. Its pages are to be kept alive for as long
// as it is read.
func (g *Graph) profile(t terms) *profile {
	g.mu.Lock()
	slot, ok := g.profiles.get(t)
	if !ok {
		slot = &profileSlot{}
		g.profiles.put(t, slot)
	}
	g.mu.Unlock()
	slot.once.Do(func() {
		g.building <- struct{}{}
		defer func() { <-g.building }()
		slot.profile = g.newProfile(t)
	})
	return slot.profile
}

// berthSlot holds a berth, made when it is first asked for.
type berthSlot struct {
	once  sync.Once
	berth *berth
}

// berth returns what a port knows of the hubs under a profile. The profile keeps it, so
// that both are forgotten together.
func (g *Graph) berth(pt *port, p *profile) *berth {
	p.mu.Lock()
	slot, ok := p.berths.get(pt)
	if !ok {
		slot = &berthSlot{}
		p.berths.put(pt, slot)
	}
	p.mu.Unlock()
	slot.once.Do(func() { slot.berth = g.newBerth(pt, p) })
	return slot.berth
}

// way is the best way between two ports: by hubs the berths share, or direct.
type way struct {
	km       float64
	cost     float64 // km with what passages cost
	from, to *port
	a, b     *berth
	i, j     int         // indexes of the hub in both berths
	direct   []orb.Point // the whole way when it needs no node
	passages []uint8     // of the direct way
}

// detourKM is how much longer the way by the Cape of Good Hope must be before a
// ship between Asia and Europe crosses the North Pacific and the Panama Canal
// while the Suez route is shut: an assumption, see passages.txt.
const detourKM = 2200 * globe.KMPerNM

// way finds the way ships take between two ports: the cheapest but for one case.
func (g *Graph) way(a, b *port, t terms) (way, bool) {
	p := g.profile(t)
	defer p.pages.KeepAlive()
	w, ok := g.cheapest(a, b, p)
	if !ok || t.shut&g.suezRoute == 0 || w.direct != nil || w.km < detourKM {
		return w, ok
	}
	if m := g.passagesOf(w); m&g.northPacific == 0 || m&g.panama == 0 {
		return w, true
	}
	t.shut |= g.panama
	other := g.profile(t)
	defer other.pages.KeepAlive()
	if round, ok := g.cheapest(a, b, other); ok && round.cost < w.cost+detourKM {
		return round, true
	}
	return w, true
}

// passagesOf is the set of passages a way by hubs sails.
func (g *Graph) passagesOf(w way) (m mask) {
	for _, end := range []struct {
		port *port
		b    *berth
		h    hub
	}{{w.from, w.a, w.a.hubs[w.i]}, {w.to, w.b, w.b.hubs[w.j]}} {
		approach, steps := g.trail(end.b, end.h)
		m |= end.port.approaches[approach].passages
		for _, s := range steps {
			m |= g.arcs[s.arc].passages
		}
	}
	return m
}

// cheapest finds the cheapest way between two ports.
func (g *Graph) cheapest(a, b *port, p *profile) (way, bool) {
	w := way{from: a, to: b, a: g.berth(a, p), b: g.berth(b, p)}
	var cost float32
	w.i, w.j, cost = meet(w.a, w.b)
	known := math.Inf(1)
	if w.i >= 0 {
		known = float64(cost)
		w.cost = known
		w.km = float64(w.a.hubs[w.i].km) + float64(w.b.hubs[w.j].km)
	}
	if globe.DistanceKM(a.point, b.point) < localKM {
		if d, ok := g.local(a, b, p, known); ok {
			return d, true
		}
	}
	if d, ok := g.direct(a, b, p, known); ok {
		return d, true
	}
	return w, w.i >= 0
}

// localKM is how near ports are that may have a way between them inside one
// harbour, bay or river.
const localKM = 60

// local is the way between two neighbouring ports over the cells of the raster;
// a nil line says there is none.
type local struct {
	line     []orb.Point
	km       float64
	passages []uint8
}

// local looks for a way along the shore that costs less than one by nodes.
func (g *Graph) local(a, b *port, p *profile, cost float64) (way, bool) {
	key := [2]orb.Point{a.point, b.point}
	g.mu.Lock()
	l, ok := g.locals.get(key)
	g.mu.Unlock()
	if !ok {
		l = g.alongshore(a.point, b.point)
		g.mu.Lock()
		g.locals.put(key, l)
		g.mu.Unlock()
	}
	c := l.km
	for _, id := range l.passages {
		if p.shut>>id&1 != 0 {
			return way{}, false
		}
		c += g.passages[id].PenaltyNM*globe.KMPerNM + float64(p.weight(1<<id))
	}
	if l.line == nil || c >= cost {
		return way{}, false
	}
	return way{km: l.km, cost: c, passages: l.passages, direct: l.line}, true
}

// hopRad is how far apart the mouths of neighbouring ports are at most between
// which a ship need not stand out to sea.
const hopRad = 60.0 / 60 * math.Pi / 180

// direct looks for a way that needs no node and costs less than one that does.
func (g *Graph) direct(a, b *port, pr *profile, cost float64) (w way, ok bool) {
	for i := range a.outs {
		for j := range b.outs {
			p, q := &a.outs[i], &b.outs[j]
			x, y := p.line[len(p.line)-1], q.line[len(q.line)-1]
			km := p.km + q.km + globe.DistanceKM(x, y)
			// In sight of each other, ports are not much nearer than by nodes, and the less
			// the farther they are.
			if km >= cost || cost > min(4*km+400, 1.05*km+600) && !math.IsInf(cost, 1) {
				continue
			}
			vx, vy := globe.FromPoint(x), globe.FromPoint(y)
			nearP, nearQ := p.near, q.near
			if leg := vx.Angle(vy); leg < hopRad {
				nearP, nearQ = max(nearP, leg/2), max(nearQ, leg/2)
			}
			if !g.water.Sight(vx, vy, nearP, nearQ) {
				continue
			}
			ids := slices.Concat(p.passages, g.sailed(vx, vy), reversed(q.passages))
			c, open := km, true
			for _, id := range ids {
				open = open && pr.shut>>id&1 == 0
				c += g.passages[id].PenaltyNM*globe.KMPerNM + float64(pr.weight(1<<id))
			}
			if !open || c >= cost {
				continue
			}
			cost, ok = c, true
			w = way{km: km, cost: c, passages: ids, direct: slices.Concat(p.line, reversed(q.line))}
		}
	}
	return w, ok
}

func reversed[T any](s []T) []T {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// path draws a way.
func (g *Graph) path(a, b *port, w way) geodata.Path {
	p := geodata.Path{Mode: geodata.Sea, DistanceKM: w.km}
	line, ids := w.direct, w.passages
	if line == nil {
		line, ids = g.corners(a, b, w)
	}
	for _, id := range ids {
		if x := &g.passages[id]; x.Kind != weightKind && (len(p.Passages) == 0 || p.Passages[len(p.Passages)-1] != x.ID) {
			p.Passages = append(p.Passages, x.ID)
		}
	}
	p.Geometry = draw(line)
	return p
}

// corners lists the points a way turns at and the passages it sails.
func (g *Graph) corners(a, b *port, w way) ([]orb.Point, []uint8) {
	defer w.a.profile.pages.KeepAlive()
	start, out := g.trail(w.a, w.a.hubs[w.i])
	end, back := g.trail(w.b, w.b.hubs[w.j])
	first, last := &a.approaches[start], &b.approaches[end]
	from, to := &a.outs[first.out], &b.outs[last.out]

	nodes := append(make([]int32, 0, 64), first.node)
	ids := append(slices.Clone(from.passages), first.leg...)
	for _, s := range out {
		nodes, ids = g.sail(nodes, ids, s)
	}
	for k := len(back) - 1; k >= 0; k-- {
		// Sailed the other way: entered by the end it left by.
		arc := &g.arcs[back[k].arc]
		nodes, ids = g.sail(nodes, ids, sailedArc{back[k].arc, arc.to + arc.owner - back[k].from})
	}
	ids = append(append(ids, reversed(last.leg)...), reversed(to.passages)...)

	line := make([]orb.Point, 0, len(from.line)+len(nodes)+len(to.line))
	line = append(line, from.line...)
	for _, n := range nodes {
		line = append(line, g.nodes[n].point)
	}
	return append(line, reversed(to.line)...), ids
}

// stepRad is how far apart the points of a drawn great circle are at most.
const stepRad = 1.5 * math.Pi / 180

// draw turns the corners of a way into a line that shows its great circles, with
// continuous longitudes.
func draw(corners []orb.Point) orb.LineString {
	out := make(orb.LineString, 0, 2*len(corners))
	add := func(p orb.Point) {
		if n := len(out); n > 0 {
			p[0] = globe.NearLon(p[0], out[n-1][0])
			if p == out[n-1] {
				return
			}
		}
		out = append(out, p)
	}
	for i, p := range corners {
		if i > 0 {
			arc := globe.NewArc(globe.FromPoint(corners[i-1]), globe.FromPoint(p))
			for n, k := int(math.Ceil(arc.Angle/stepRad)), 1; k < n; k++ {
				add(arc.At(arc.Angle * float64(k) / float64(n)).Point())
			}
		}
		add(p)
	}
	if len(out) == 1 {
		out = append(out, out[0])
	}
	return out
}
