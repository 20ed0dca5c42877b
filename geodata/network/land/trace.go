package land

import (
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// trace draws a path while its edges are passed one by one.
type trace struct {
	g      *Graph
	path   geodata.Path
	metres float64
	node   int32 // where the trace stands

	inset   func(edge, to int32) // goes along an edge of the inset; nil if there is none
	vehicle geodata.Vehicle
	gauge   int // of the last track whose gauge is known, in mm; 0 before
}

func (g *Graph) newTrace(v geodata.Vehicle) *trace {
	return &trace{g: g, vehicle: v, path: geodata.Path{Mode: g.mode}}
}

// begin starts at a point beside a line.
func (t *trace) begin(from orb.Point, s snap) {
	t.path.Geometry = append(t.path.Geometry, from)
	t.access(s)
	t.point(s.point)
}

// stand starts at a node.
func (t *trace) stand(node int32) {
	t.vertex(t.at(node))
	t.node = node
}

// join goes along a way through another network.
func (t *trace) join(p geodata.Path) {
	t.path.DistanceKM = t.metres / 1000
	t.path.Append(p)
	t.metres = t.path.DistanceKM * 1000
	for _, k := range p.Tracks {
		if k.GaugeMM != 0 {
			t.gauge = k.GaugeMM
		}
	}
}

// access adds the way between a point and the network.
func (t *trace) access(s snap) {
	t.kind(Kind{}, s.access)
	t.add(t.g.countryOf(s), s.access)
	if s.metres > silentAccess {
		t.path.Estimated = true
	}
}

func (t *trace) add(c geodata.Country, metres float64) {
	t.metres += metres
	if n := len(t.path.Countries); n > 0 && t.path.Countries[n-1].Country == c {
		t.path.Countries[n-1].KM += metres / 1000
		return
	}
	t.path.Countries = append(t.path.Countries, geodata.CountryKM{Country: c, KM: metres / 1000})
}

// kind tells what is known of the next metres.
func (t *trace) kind(k Kind, metres float64) {
	if metres == 0 {
		return
	}
	at, km, p := t.metres/1000, metres/1000, &t.path
	if t.vehicle != (geodata.Vehicle{}) {
		for _, what := range t.g.unchecked(k, t.vehicle) {
			if !slices.Contains(p.Unchecked, what) {
				p.Unchecked = append(p.Unchecked, what)
			}
		}
	}
	if t.g.mode == geodata.Rail {
		t.track(k, at, km)
	} else {
		next := geodata.RoadKM{Number: k.Number, Class: k.Class, TruckKMH: int(k.TruckKMH), AtKM: at, KM: km}
		if n := len(p.Roads); n > 0 && p.Roads[n-1].Number == k.Number && p.Roads[n-1].Class == k.Class && p.Roads[n-1].TruckKMH == int(k.TruckKMH) {
			p.Roads[n-1].KM += km
		} else {
			p.Roads = append(p.Roads, next)
		}
		switch k.Tolled {
		case geodata.Yes:
			p.Tolls.TolledKM += km
		case geodata.No:
			p.Tolls.FreeKM += km
		}
	}
	if k.Ferry != "" {
		if n := len(p.Ferries); n == 0 || p.Ferries[n-1].Name != k.Ferry {
			p.Ferries = append(p.Ferries, geodata.FerryKM{Name: k.Ferry, AtKM: at, KM: float64(k.FerryKM)})
		}
	}
}

// track adds to the kinds of track passed and tells where the gauge changes.
func (t *trace) track(k Kind, at, km float64) {
	p := &t.path
	n := len(p.Tracks)
	if n > 0 && p.Tracks[n-1].GaugeMM == int(k.GaugeMM) && p.Tracks[n-1].Electrified == k.Electrified {
		p.Tracks[n-1].KM += km
		return
	}
	p.Tracks = append(p.Tracks, geodata.TrackKM{GaugeMM: int(k.GaugeMM), Electrified: k.Electrified, AtKM: at, KM: km})
	if k.GaugeMM == 0 {
		return
	}
	if t.gauge != 0 && t.gauge != int(k.GaugeMM) {
		change := geodata.GaugeChange{FromMM: t.gauge, ToMM: int(k.GaugeMM), AtKM: at}
		v := t.at(t.node)
		change.Point = orb.Point{float64(v.Lon) / UnitsPerDegree, float64(v.Lat) / UnitsPerDegree}
		change.Place = t.g.changeAt(change.Point, change.FromMM, change.ToMM)
		p.GaugeChanges = append(p.GaugeChanges, change)
	}
	t.gauge = int(k.GaugeMM)
}

// point appends to the geometry, keeping longitudes continuous.
func (t *trace) point(p orb.Point) {
	if len(t.path.Geometry) == 0 {
		t.path.Geometry = append(t.path.Geometry, p)
		return
	}
	last := t.path.Geometry[len(t.path.Geometry)-1]
	p[0] = last[0] + turn((p[0]-last[0])*UnitsPerDegree)/UnitsPerDegree
	if p != last {
		t.path.Geometry = append(t.path.Geometry, p)
	}
}

func (t *trace) vertex(v Vertex) {
	t.point(orb.Point{float64(v.Lon) / UnitsPerDegree, float64(v.Lat) / UnitsPerDegree})
}

func (t *trace) at(n int32) Vertex { return Vertex{t.g.lat[n], t.g.lon[n]} }

// within goes along one edge between two places on it.
func (t *trace) within(a, b snap) {
	shape := t.g.shape(a.edge)
	if a.vertex <= b.vertex {
		for _, v := range shape[a.vertex-1 : b.vertex-1] {
			t.vertex(v)
		}
	} else {
		for _, v := range slices.Backward(shape[b.vertex-1 : a.vertex-1]) {
			t.vertex(v)
		}
	}
	t.edge(a.edge, float64(t.g.alongEdge(a, b).metres))
}

// leave goes from a place on an edge to one of its ends.
func (t *trace) leave(s snap, node int32) {
	e := &t.g.edges[s.edge]
	if node == int32(e.From) {
		for _, v := range slices.Backward(t.g.shape(s.edge)[:s.vertex-1]) {
			t.vertex(v)
		}
		t.edge(s.edge, float64(s.along))
	} else {
		for _, v := range t.g.shape(s.edge)[s.vertex-1:] {
			t.vertex(v)
		}
		t.edge(s.edge, float64(e.Metres-s.along))
	}
	t.vertex(t.at(node))
	t.node = node
}

// arrive goes from an end of an edge to a place on it.
func (t *trace) arrive(node int32, s snap) {
	e := &t.g.edges[s.edge]
	if node == int32(e.From) {
		for _, v := range t.g.shape(s.edge)[:s.vertex-1] {
			t.vertex(v)
		}
		t.edge(s.edge, float64(s.along))
	} else {
		for _, v := range slices.Backward(t.g.shape(s.edge)[s.vertex-1:]) {
			t.vertex(v)
		}
		t.edge(s.edge, float64(e.Metres-s.along))
	}
}

// pass goes along a whole edge.
func (t *trace) pass(edge, to int32) {
	e := &t.g.edges[edge]
	if e.Inset > 0 {
		t.inset(edge, to)
		return
	}
	if t.g.border(edge) {
		v := t.at(to)
		t.path.Crossings = append(t.path.Crossings, geodata.Crossing{
			Post: t.g.posts[e.Post],
			From: t.g.countries[t.g.country[t.node]], To: t.g.countries[t.g.country[to]],
			AtKM:  t.metres / 1000,
			Point: orb.Point{float64(v.Lon) / UnitsPerDegree, float64(v.Lat) / UnitsPerDegree},
		})
	} else if int32(e.To) == to {
		for _, v := range t.g.shape(edge) {
			t.vertex(v)
		}
	} else {
		for _, v := range slices.Backward(t.g.shape(edge)) {
			t.vertex(v)
		}
	}
	t.edge(edge, float64(e.Metres))
	t.vertex(t.at(to))
	t.node = to
}

func (t *trace) edge(edge int32, metres float64) {
	e := &t.g.edges[edge]
	if !t.g.border(edge) {
		t.kind(t.g.kinds[e.Kind], metres)
		t.add(t.g.countries[t.g.country[e.From]], metres)
	}
	if e.Estimated {
		t.path.Estimated = true
	}
}

func (t *trace) finish(s snap, to orb.Point) geodata.Path {
	t.point(s.point)
	t.access(s)
	t.point(to)
	return t.halt()
}

// halt ends where the trace is.
func (t *trace) halt() geodata.Path {
	if len(t.path.Geometry) == 1 {
		t.path.Geometry = append(t.path.Geometry, t.path.Geometry[0])
	}
	t.path.DistanceKM = t.metres / 1000
	return t.path
}
