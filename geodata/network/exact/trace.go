package exact

import (
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// tracer draws a path while its edges are passed one by one.
type tracer struct {
	n      *network
	path   geodata.Path
	metres float64
}

func (t *tracer) add(c geodata.Country, metres float64) {
	t.metres += metres
	if k := len(t.path.Countries); k > 0 && t.path.Countries[k-1].Country == c {
		t.path.Countries[k-1].KM += metres / 1000
		return
	}
	t.path.Countries = append(t.path.Countries, geodata.CountryKM{Country: c, KM: metres / 1000})
}

func (t *tracer) point(p orb.Point) {
	if k := len(t.path.Geometry); k == 0 || t.path.Geometry[k-1] != p {
		if k > 0 { // longitudes stay continuous
			p[0] += 360 * math.Round((t.path.Geometry[k-1][0]-p[0])/360)
		}
		t.path.Geometry = append(t.path.Geometry, p)
	}
}

func (t *tracer) access(p orb.Point, s snap, c geodata.Country) {
	t.point(p)
	t.point(s.point)
	t.add(c, s.access)
	t.path.Estimated = t.path.Estimated || s.access > silentAccess
}

func (t *tracer) arrive(s snap, p orb.Point, c geodata.Country) {
	t.point(s.point)
	t.add(c, s.access)
	t.point(p)
	t.path.Estimated = t.path.Estimated || s.access > silentAccess
}

// edge goes along a whole edge.
func (t *tracer) edge(e int32, up bool) {
	if up {
		t.stretch(e, up, 0, 1)
	} else {
		t.stretch(e, up, 1, 0)
	}
}

// stretch goes along an edge between two shares of its length.
func (t *tracer) stretch(e int32, up bool, from, to float64) {
	var line orb.LineString
	t.n.walk(e, func(lat, lon float64) { line = append(line, orb.Point{lon, lat}) })
	low, high := min(from, to), max(from, to)
	if low > 0 || high < 1 {
		line = cut(line, low, high)
	}
	if !up {
		slices.Reverse(line)
	}
	for _, p := range line {
		t.point(p)
	}
	metres := float64(t.n.length[e]) / 10 * (high - low)
	t.tell(&t.n.rules[t.n.rule[e]], metres)
	t.add(t.n.countryOf(e), metres)
}

// tell notes what is known of a stretch.
func (t *tracer) tell(r *Rule, metres float64) {
	at, km := t.metres/1000, metres/1000
	p := &t.path
	if t.n.Mode == geodata.Rail {
		k := geodata.TrackKM{GaugeMM: int(r.GaugesMM[0]), Electrified: r.Electrified, AtKM: at, KM: km}
		if n := len(p.Tracks); n > 0 && p.Tracks[n-1].GaugeMM == k.GaugeMM && p.Tracks[n-1].Electrified == k.Electrified {
			p.Tracks[n-1].KM += km
			return
		}
		p.Tracks = append(p.Tracks, k)
		return
	}
	switch r.Toll {
	case geodata.Yes:
		p.Tolls.TolledKM += km
	case geodata.No:
		p.Tolls.FreeKM += km
	}
	name := t.n.name(r.Ref)
	if r.Ferry {
		if n := len(p.Ferries); n > 0 && p.Ferries[n-1].Name == name && p.Ferries[n-1].AtKM+p.Ferries[n-1].KM >= at-0.01 {
			p.Ferries[n-1].KM += km
		} else {
			p.Ferries = append(p.Ferries, geodata.FerryKM{Name: name, AtKM: at, KM: km})
		}
		name = ""
	}
	k := geodata.RoadKM{Number: strings.ReplaceAll(name, ";", "/"), Class: r.Class.name(), AtKM: at, KM: km}
	if n := len(p.Roads); n > 0 && p.Roads[n-1].Number == k.Number && p.Roads[n-1].Class == k.Class {
		p.Roads[n-1].KM += km
		return
	}
	p.Roads = append(p.Roads, k)
}

// name is the class as paths tell it; smaller roads than these have none.
func (c Class) name() string {
	switch c {
	case Motorway:
		return "motorway"
	case Trunk:
		return "trunk"
	case Primary:
		return "primary"
	case Secondary:
		return "secondary"
	}
	return ""
}

// cut is the part of a line between two shares of its drawn length.
func cut(line orb.LineString, low, high float64) orb.LineString {
	if len(line) < 2 {
		return line
	}
	shrink := math.Cos(line[0][1] * math.Pi / 180)
	total := 0.0
	for i := 1; i < len(line); i++ {
		total += math.Hypot((line[i][0]-line[i-1][0])*shrink, line[i][1]-line[i-1][1])
	}
	var out orb.LineString
	at := 0.0
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		step := math.Hypot((b[0]-a[0])*shrink, b[1]-a[1]) / max(total, 1e-12)
		between := func(share float64) orb.Point {
			f := min(max((share-at)/max(step, 1e-12), 0), 1)
			return orb.Point{a[0] + f*(b[0]-a[0]), a[1] + f*(b[1]-a[1])}
		}
		if len(out) == 0 && low <= at+step {
			out = append(out, between(low))
		}
		if len(out) > 0 {
			if high <= at+step {
				return append(out, between(high))
			}
			out = append(out, b)
		}
		at += step
	}
	if len(out) == 0 {
		out = append(out, line[len(line)-1])
	}
	return out
}

// leave goes from a spot to the seed a search began at.
func (t *tracer) leave(s *start, i int32) {
	var steps []trail
	for k := i; k >= 0; k = s.trail[k].before {
		steps = append(steps, s.trail[k])
	}
	slices.Reverse(steps)
	p := s.spot.snaps[steps[0].snap]
	t.access(s.spot.point, p, t.n.countryOf(p.edge))
	if steps[0].up {
		t.stretch(p.edge, true, p.along, 1)
	} else {
		t.stretch(p.edge, false, p.along, 0)
	}
	for _, step := range steps[1:] {
		t.edge(step.edge, step.up)
	}
}

// enter goes from the seed a search ended at to the spot.
func (t *tracer) enter(s *start, i int32) {
	k := i
	for ; s.trail[k].before >= 0; k = s.trail[k].before {
		t.edge(s.trail[k].edge, s.trail[k].up)
	}
	step := s.trail[k]
	p := s.spot.snaps[step.snap]
	if step.up {
		t.stretch(p.edge, true, 0, p.along)
	} else {
		t.stretch(p.edge, false, 1, p.along)
	}
	t.arrive(p, s.spot.point, t.n.countryOf(p.edge))
}

func (t *tracer) finish() geodata.Path {
	if len(t.path.Geometry) == 1 {
		t.path.Geometry = append(t.path.Geometry, t.path.Geometry[0])
	}
	t.path.DistanceKM = t.metres / 1000
	return t.path
}
