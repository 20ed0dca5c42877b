package search

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing/regime"
	"corridor/routing/timetable"
)

// This file knows the terminals and chooses those that could serve a journey.

// depot is a terminal with what does not depend on a journey.
type depot struct {
	geodata.Terminal
	at   [3]float64 // on the unit sphere
	area string     // of free movement by road
}

// depots are the terminals that journeys use: trade ports, rail terminals, airports
// that take cargo. They are read-only.
type depots struct {
	ports, yards, airports []depot
	railheads              map[string]int // of ports by id: their rail terminal in yards
	mains                  map[string]int // of regional ports by id: the main one nearby in ports
	relays                 []relay        // every port and airport of one place
	portOf                 map[string]int // by UN/LOCODE
}

// relay is a place where goods change from ship to aircraft.
type relay struct{ port, airport int }

// linkReachKM is how far two terminals may lie apart for a lorry between them.
const linkReachKM = 120

func newDepots(places Places) *depots {
	d := &depots{railheads: map[string]int{}, mains: map[string]int{}, portOf: map[string]int{}}
	keep := func(m geodata.Mode, fits func(geodata.Terminal) bool) []depot {
		var out []depot
		for _, t := range places.Terminals(m) {
			if fits(t) {
				out = append(out, depot{t, onSphere(t.Point), regime.Area(geodata.Road, t.Country)})
			}
		}
		slices.SortFunc(out, func(a, b depot) int { return strings.Compare(a.ID, b.ID) })
		return out
	}
	d.ports = keep(geodata.Sea, func(t geodata.Terminal) bool { return t.Tier == 1 || t.Tier == 2 })
	d.yards = keep(geodata.Rail, func(geodata.Terminal) bool { return true })
	d.airports = keep(geodata.Air, func(t geodata.Terminal) bool { return t.Cargo })
	nearest := func(from *depot, list []depot, reach float64, fits func(*depot) bool) (int, bool) {
		best, at := reach, -1
		for i := range list {
			if km := apart(from.at, list[i].at); km <= best && fits(&list[i]) {
				best, at = km, i
			}
		}
		return at, at >= 0
	}
	const mainKM, relayKM = 500, 90
	for i := range d.ports {
		p := &d.ports[i]
		if old, ok := d.portOf[p.Place]; p.Place != "" && (!ok || p.Tier < d.ports[old].Tier) {
			d.portOf[p.Place] = i
		}
		if y, ok := nearest(p, d.yards, linkReachKM, func(y *depot) bool { return y.Country == p.Country }); ok {
			d.railheads[p.ID] = y
		}
		if p.Tier == 1 {
			continue
		}
		if m, ok := nearest(p, d.ports, mainKM, func(o *depot) bool { return o.Tier == 1 && o.area == p.area }); ok {
			d.mains[p.ID] = m
		}
	}
	for i := range d.airports {
		a := &d.airports[i]
		if p, ok := nearest(a, d.ports, relayKM, func(p *depot) bool { return p.Tier == 1 && p.Country == a.Country }); ok {
			d.relays = append(d.relays, relay{p, i})
		}
	}
	return d
}

func onSphere(p orb.Point) [3]float64 {
	const rad = math.Pi / 180
	sinLat, cosLat := math.Sincos(p[1] * rad)
	sinLon, cosLon := math.Sincos(p[0] * rad)
	return [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
}

// apart is path.Distance of points on the unit sphere.
func apart(a, b [3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return 2 * path.EarthRadiusKM * math.Asin(math.Min(1, math.Sqrt(x*x+y*y+z*z)/2))
}

// far are great circles between the ends of a journey and the terminals of a list.
type far struct{ origin, dest []float64 }

func (q *query) measure(list []depot) far {
	a, b := onSphere(q.origin.Point), onSphere(q.dest.Point)
	f := far{make([]float64, len(list)), make([]float64, len(list))}
	for i := range list {
		f.origin[i], f.dest[i] = apart(a, list[i].at), apart(b, list[i].at)
	}
	return f
}

func (f *far) detour(i int) float64 { return f.origin[i] + f.dest[i] }

// nearest are up to n terminals that fit, by distance, none further than reach.
func nearest(km []float64, n int, reach float64, fits func(i int) bool) []int {
	var best []int
	for i, d := range km {
		if d > reach || len(best) == n && d >= km[best[n-1]] || !fits(i) {
			continue
		}
		at := len(best)
		for at > 0 && km[best[at-1]] > d {
			at--
		}
		best = slices.Insert(best, at, i)
		if len(best) > n {
			best = best[:n]
		}
	}
	return best
}

// byDetour gives up to n terminals in the order of the detour they mean, no two
// nearer to each other than apartKM.
func byDetour(list []depot, f *far, which []int, n int, apartKM float64) []int {
	slices.SortFunc(which, func(a, b int) int { return cmp.Or(cmp.Compare(f.detour(a), f.detour(b)), a-b) })
	var got []int
	for _, i := range which {
		if len(got) == n {
			break
		}
		if !slices.ContainsFunc(got, func(o int) bool { return apart(list[o].at, list[i].at) < apartKM }) {
			got = append(got, i)
		}
	}
	return got
}

// How far from a door its terminals may lie, in km by great circle.
const (
	portReachKM    = 4_000
	yardReachKM    = 1_000
	airportReachKM = 900
	lineReachKM    = 1_500 // to a port of a line known by name
)

// onCaspian reports whether a port lies on the Caspian, from which no ship reaches
// the ocean.
func onCaspian(p orb.Point) bool { return p[0] > 46.5 && p[0] < 55 && p[1] > 36 && p[1] < 47.5 }

// breadth is how many terminals of a kind are looked at. More of them make no
// option better that a shipper would notice; TestNothingIsMissed compares.
type breadth struct {
	ports             int // nearest to each end
	coastsOut, coasts int // of the origin's and the destination's area, far from each other
	farCoasts         int // of the other end's area, from whose quays trains leave
	gateways          int // of the whole world, to and from a land without a coast
	yards, airports   int // nearest to each end
}

func usualBreadth() breadth {
	return breadth{ports: 6, coastsOut: 6, coasts: 8, farCoasts: 2, gateways: 8, yards: 3, airports: 2}
}

// pickTerminals chooses the terminals that could serve the journey: near its
// ends, and the ports by which the countries at its ends are reached. Each serves
// one side of the journey or both: a voyage leads from the origin's side to the
// destination's, never back.
func (q *query) pickTerminals() {
	d, n := q.p.depots, q.breadth
	at := map[string]int32{}
	add := func(k siteKind, t *depot, leaves, arrives bool) *site {
		i, ok := at[t.ID]
		if !ok {
			i = q.addSite(site{kind: k, point: t.Point, country: t.Country, terminal: t.Terminal})
			at[t.ID] = i
		}
		s := &q.sites[i]
		s.leaves, s.arrives = s.leaves || leaves, s.arrives || arrives
		return s
	}
	ports, yards, airports := q.measure(d.ports), q.measure(d.yards), q.measure(d.airports)
	originArea, destArea := regime.Area(geodata.Road, q.origin.Country), regime.Area(geodata.Road, q.dest.Country)
	any := func(int) bool { return true }
	for _, i := range nearest(ports.origin, n.ports, portReachKM, any) {
		add(port, &d.ports[i], true, false)
	}
	for _, i := range nearest(ports.dest, n.ports, portReachKM, any) {
		add(port, &d.ports[i], false, true)
	}
	inside := func(list []depot, area string) []int {
		var own []int
		for i := range list {
			if list[i].area == area {
				own = append(own, i)
			}
		}
		return own
	}
	// A country with several coasts is reached by each of them.
	const coastKM = 500
	for _, i := range byDetour(d.ports, &ports, inside(d.ports, originArea), n.coastsOut, coastKM) {
		add(port, &d.ports[i], true, false)
	}
	for _, i := range byDetour(d.ports, &ports, inside(d.ports, destArea), n.coasts, coastKM) {
		add(port, &d.ports[i], false, true)
		// A main port near a regional one, which large ships rather call at: Piraeus
		// near Thessaloniki.
		if m, ok := d.mains[d.ports[i].ID]; ok {
			add(port, &d.ports[m], false, true)
		}
	}
	// A land as wide as Russia is entered by its far coast too, from whose quays
	// trains leave.
	farCoast := func(area string) func(int) bool {
		return func(i int) bool {
			_, ok := d.railheads[d.ports[i].ID]
			return ok && d.ports[i].area == area
		}
	}
	for _, i := range nearest(ports.origin, n.farCoasts, portReachKM, farCoast(destArea)) {
		add(port, &d.ports[i], false, true)
	}
	for _, i := range nearest(ports.dest, n.farCoasts, portReachKM, farCoast(originArea)) {
		add(port, &d.ports[i], true, false)
	}

	// A land without a coast on the ocean is reached by the quays of others from
	// which trains leave, wherever they lie on a sensible way.
	const gatewayKM = 800
	ocean := func(i int) bool { return !onCaspian(d.ports[i].Point) }
	gateways := func(area string) []int {
		if slices.ContainsFunc(inside(d.ports, area), ocean) {
			return nil
		}
		var own []int
		for i := range d.ports {
			if _, ok := d.railheads[d.ports[i].ID]; ok && ocean(i) {
				own = append(own, i)
			}
		}
		return byDetour(d.ports, &ports, own, n.gateways, gatewayKM)
	}
	for _, i := range gateways(destArea) {
		add(port, &d.ports[i], false, true)
	}
	for _, i := range gateways(originArea) {
		add(port, &d.ports[i], true, false)
	}

	// Lines that are known by name, such as a fast ferry, are worth a way to their
	// port.
	for _, line := range q.p.times.Lines(geodata.Sea) {
		for _, ends := range [][2][]string{{line.From, line.To}, {line.To, line.From}} {
			for _, from := range ends[0] {
				i, ok := d.portOf[from]
				if !ok || d.ports[i].area != originArea || ports.origin[i] > lineReachKM {
					continue
				}
				for _, to := range ends[1] {
					if k, ok := d.portOf[to]; ok && d.ports[k].area == destArea && ports.dest[k] <= lineReachKM {
						add(port, &d.ports[i], true, false)
						add(port, &d.ports[k], false, true)
					}
				}
			}
		}
	}

	// So is the port a train is known to leave for the country of the destination.
	for _, train := range q.p.times.Services(geodata.Rail) {
		if to := string(q.dest.Country); !slices.Contains(train.To, to) && !slices.Contains(train.To, q.dest.Code) {
			continue
		}
		for _, from := range train.From {
			if i, ok := d.portOf[from]; ok && ports.dest[i] <= portReachKM {
				if _, ok := d.railheads[d.ports[i].ID]; ok && d.ports[i].area != originArea {
					add(port, &d.ports[i], false, true)
				}
			}
		}
	}

	// Trains and flights are taken at home where that is possible at all.
	ends := func(k siteKind, list []depot, f *far, n int, reach float64) {
		for _, end := range []struct {
			km      []float64
			area    string
			leaving bool
		}{{f.origin, originArea, true}, {f.dest, destArea, false}} {
			own := nearest(end.km, n, reach, func(i int) bool { return list[i].area == end.area })
			if len(own) == 0 {
				own = nearest(end.km, 1, reach, any)
			}
			for _, i := range own {
				add(k, &list[i], end.leaving, !end.leaving)
			}
		}
	}
	ends(yard, d.yards, &yards, n.yards, yardReachKM)
	for _, i := range q.gaugeYards(&yards, q.origin, originArea) {
		add(yard, &d.yards[i], true, false)
	}
	for _, i := range q.gaugeYards(&yards, q.dest, destArea) {
		add(yard, &d.yards[i], false, true)
	}
	for _, s := range slices.Clone(q.sites) {
		if s.kind == port { // trains bring to the quays of one side and leave those of the other
			if i, ok := d.railheads[s.terminal.ID]; ok {
				y := add(yard, &d.yards[i], false, false)
				y.fed, y.feeds = y.fed || s.arrives, y.feeds || s.leaves
			}
		}
	}
	ends(airport, d.airports, &airports, n.airports, airportReachKM)
	for _, r := range q.relays(&airports) {
		for k, t := range map[siteKind]*depot{port: &d.ports[r.port], airport: &d.airports[r.airport]} {
			if _, there := at[t.ID]; !there {
				add(k, t, k == airport, k == port).relay = true
			}
		}
	}
	if regime.Flight(q.origin.Country, q.dest.Country).Broken() {
		// No flight joins the two: airports of countries that fly to both.
		var hubs []int
		for i := range d.airports {
			c := d.airports[i].Country
			if !regime.Flight(q.origin.Country, c).Broken() && !regime.Flight(c, q.dest.Country).Broken() {
				hubs = append(hubs, i)
			}
		}
		for _, i := range byDetour(d.airports, &airports, hubs, 2, 300) {
			add(airport, &d.airports[i], true, true)
		}
	}
}

// gaugeYards are the terminals between two gauges in the area a place lies in, on
// a sensible way between the ends: from there a lorry may go on at once.
func (q *query) gaugeYards(f *far, at geodata.Place, area string) []int {
	here := onSphere(at.Point)
	var own []int
	for i := range q.p.depots.yards {
		if t := &q.p.depots.yards[i]; len(t.Gauges) > 1 && t.area == area && apart(here, t.at) < yardReachKM*1.6 && f.detour(i) < 1.15*q.beeline {
			own = append(own, i)
		}
	}
	return byDetour(q.p.depots.yards, f, own, 1, 0)
}

// relays are main ports with a cargo airport nearby that flies daily to where the
// goods go, such as Dubai, on a way between continents.
func (q *query) relays(f *far) []relay {
	const leastKM, most, apartKM, shorterFlight = 4_000, 4, 300, 0.75
	if !q.modes[geodata.Sea] || !q.modes[geodata.Air] || q.beeline < leastKM {
		return nil
	}
	d := q.p.depots
	originArea, destArea := regime.Area(geodata.Road, q.origin.Country), regime.Area(geodata.Road, q.dest.Country)
	to := timetable.Stop{Country: q.dest.Country, Region: timetable.Region(q.dest.Country, q.dest.Point), InEU: regime.InEU(q.dest.Country)}
	var fields []int
	ports := map[int]int{}
	for _, r := range d.relays {
		t := &d.airports[r.airport]
		if f.detour(r.airport) > 1.6*q.beeline || f.dest[r.airport] < 1_500 || f.dest[r.airport] > shorterFlight*q.beeline ||
			t.area == originArea || t.area == destArea || regime.Flight(t.Country, q.dest.Country).Broken() {
			continue
		}
		from := timetable.Stop{Place: t.Place, Country: t.Country, Region: timetable.Region(t.Country, t.Point)}
		if !slices.ContainsFunc(q.p.servicesBetween(geodata.Air, from, to), func(s timetable.Service) bool {
			return s.Rhythm.Every <= 25 && (slices.Contains(s.From, string(t.Country)) || slices.Contains(s.From, t.Place))
		}) {
			continue
		}
		fields = append(fields, r.airport)
		ports[r.airport] = r.port
	}
	var out []relay
	for _, i := range byDetour(d.airports, f, fields, most, apartKM) {
		out = append(out, relay{ports[i], i})
	}
	return out
}
