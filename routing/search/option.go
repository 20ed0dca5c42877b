package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network/air"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/routing/duration"
	"corridor/routing/emission"
	"corridor/routing/pareto"
	"corridor/routing/regime"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// This file evaluates one journey in full.

// journey is a chain of hops the search found.
type journey struct {
	label    pareto.Label
	found    int // its place among all that were found, cheapest first
	hops     []hop
	corridor string
	main     string   // corridor without its lorries
	areas    []string // entered by land, the origin's first
	gates    []orb.Point
	verdict  int32
	score    float64
	leads    bool // the cheapest, the fastest or the greenest of all
}

// trace collects the hops of a label.
func (q *query) trace(l pareto.Label, steps []pareto.Step) journey {
	j := journey{label: l, verdict: l.Rule}
	j.hops = make([]hop, len(steps))
	for i, s := range steps {
		j.hops[i] = q.hops[q.net.Link(s.Link).What]
	}
	middle := false
	for _, h := range j.hops {
		middle = middle || h.mode == geodata.Rail && h.ferryKM > 0
	}
	train := 0.0 // a train keeps its timetable to the end
	j.areas = []string{regime.Area(geodata.Road, q.origin.Country)}
	for i := range j.hops {
		h := &j.hops[i]
		h.middle = middle && h.mode == geodata.Rail
		if h.mode == geodata.Rail && h.cross == nil {
			if h.served {
				h.service = q.train(h, middle)
				train = h.service.KMH
				if s, kmh := q.scheduledTrain(j.hops[i:]); kmh > 0 {
					h.service, train = s, kmh
				}
			}
			h.trainKMH = train
		}
		switch {
		case h.cross != nil && h.ferryKM > 0:
			j.areas = append(j.areas, "ferry:"+regime.Area(geodata.Road, q.sites[h.to].country))
		case h.cross != nil:
			j.areas = append(j.areas, regime.Area(geodata.Road, q.sites[h.to].country))
		case h.mode == geodata.Sea && h.service.Via == "express":
			j.areas = append(j.areas, "express:"+regime.Area(geodata.Road, q.sites[h.to].country))
			j.gates = append(j.gates, q.sites[h.to].point)
		case h.mode == geodata.Sea || h.mode == geodata.Air:
			j.areas = append(j.areas, string(h.mode)+":"+regime.Area(geodata.Road, q.sites[h.to].country))
			j.gates = append(j.gates, q.sites[h.to].point)
		}
	}
	j.corridor = corridorOf(j.hops)
	j.main = withoutRoad(j.corridor)
	q.carnets(&j)
	return j
}

// carnets counts the countries of each carnet, which only the whole way tells, and
// judges them.
func (q *query) carnets(j *journey) {
	var countries []geodata.Country
	begin := 0
	for i := range j.hops {
		h := &j.hops[i]
		if h.mode != geodata.Road || h.regime != tariff.TIR {
			continue
		}
		if q.sites[h.from].kind != post {
			begin, countries = i, []geodata.Country{q.sites[h.from].country}
		}
		countries = append(countries, q.sites[h.to].country)
		if q.sites[h.to].kind != post {
			j.hops[begin].carnet = regime.CarnetCountries(countries)
			if v := regime.TIR(countries, q.req.Cargo.HS); v.Broken() && j.verdict == 0 {
				j.verdict = q.verdict(v)
			}
		}
	}
}

// train is the service of a train: by the Caspian one that says so, where there
// is one, and otherwise one that does not.
func (q *query) train(h *hop, caspian bool) *timetable.Service {
	services := q.p.servicesBetween(geodata.Rail, q.sites[h.from].stop(), q.railTarget(h.to))
	if i := slices.IndexFunc(services, func(s timetable.Service) bool { return (s.Via == "caspian") == caspian }); i >= 0 {
		return &services[i]
	}
	return &services[0]
}

// scheduledTrain is the imported train that runs from the first of some hops to
// where the last of its train ends, and the speed its timetable leaves between the
// borders; 0 when none is known.
func (q *query) scheduledTrain(hops []hop) (*timetable.Service, float64) {
	km, stopsH, end := 0.0, 0.0, 0
	for i := range hops {
		h := &hops[i]
		if h.mode != geodata.Rail || i > 0 && h.served {
			break
		}
		km += h.km
		end = i
		if h.cross != nil {
			for _, w := range h.before {
				stopsH += w.dwell.P50
			}
		}
	}
	to := &q.sites[hops[end].to]
	if to.kind != yard {
		return nil, 0
	}
	services := q.p.servicesBetween(geodata.Rail, q.sites[hops[0].from].stop(), to.stop())
	for i := range services {
		s := &services[i]
		if moving := s.TransitH - stopsH; s.TransitH > 0 && moving > 0 {
			return s, km / moving
		}
	}
	return nil, 0
}

// shareOfName is the part of a journey from which a mode is in its name, and
// lengthOfName the length from which it is whatever its part.
const (
	shareOfName  = 0.10
	lengthOfName = 1_500
)

// corridorOf names the kind of a journey by the modes of its main parts.
func corridorOf(hops []hop) string {
	total := 0.0
	by := map[geodata.Mode]float64{}
	var order []geodata.Mode
	tir, foreign := false, false
	for _, h := range hops {
		if h.cross != nil {
			foreign = foreign || h.mode == geodata.Road
			continue
		}
		if len(order) == 0 || order[len(order)-1] != h.mode {
			order = append(order, h.mode)
		}
		by[h.mode] += h.km
		total += h.km
		tir = tir || h.mode == geodata.Road && h.regime == tariff.TIR
	}
	var names []string
	for _, m := range order {
		if by[m] < shareOfName*total && by[m] < lengthOfName && m != geodata.Air && !(m == geodata.Sea && by[m] > 300) {
			continue
		}
		if len(names) == 0 || names[len(names)-1] != string(m) {
			names = append(names, string(m))
		}
	}
	// A lorry at both ends of a main haul is named once, by the longer end only
	// when it is a main part of its own.
	if len(names) > 1 && names[0] == "road" && !mainRoad(hops, true) {
		names = names[1:]
	}
	if len(names) > 1 && names[len(names)-1] == "road" && !mainRoad(hops, false) {
		names = names[:len(names)-1]
	}
	name := strings.Join(names, "-")
	if name == "road" && tir && foreign {
		return "road-tir"
	}
	return name
}

// mainRoad reports whether the road part at one end of a journey is long.
func mainRoad(hops []hop, start bool) bool {
	km, total := 0.0, 0.0
	ended := false
	for i := range hops {
		h := hops[i]
		if !start {
			h = hops[len(hops)-1-i]
		}
		total += h.km
		if h.mode != geodata.Road {
			ended = true
		}
		if !ended {
			km += h.km
		}
	}
	return km >= lengthOfName || km >= shareOfName*2*total
}

// part is one stretch of time of a journey.
type part struct {
	kind  string // move or wait
	mode  geodata.Mode
	where string
	leg   int
	dist  duration.Dist
	next  func(hour int) int // a departure known by the clock; dist is not used
}

// leg is a routing.Leg in the making.
type leg struct {
	routing.Leg
	geometry  orb.LineString
	first     int // index of its first part that moves or crosses
	last      int
	estimated bool
	bases     []string
}

// option evaluates a journey.
func (q *query) option(j journey) (routing.Option, error) {
	var legs []leg
	var parts []part
	var lines []tariff.Line
	cut := true // the next hop begins a leg

	type travelled struct {
		km    float64
		split []geodata.CountryKM
		geo   orb.LineString
		est   bool
		pass  []string
	}
	ways := make([]travelled, len(j.hops))
	moving := map[geodata.Mode]float64{} // hours by mode, for what varies together
	for i := range j.hops {
		h := &j.hops[i]
		a, b := &q.sites[h.from], &q.sites[h.to]
		if h.cross != nil {
			// A straight line: over the water, or from one side of a post to the other.
			ways[i] = travelled{km: path.Distance(a.point, b.point), geo: orb.LineString{a.point, b.point}, est: h.ferryKM > 0}
			continue
		}
		if h.estimated {
			p50, _ := q.moving(h, q.guessSplit(h))
			moving[h.mode] += p50
			ways[i] = travelled{km: h.km, split: q.guessSplit(h), geo: orb.LineString{a.point, b.point}, est: true}
			continue
		}
		p, err := q.p.dist.route(q.ctx, h.mode, h.key, a.point, b.point, h.avoid)
		if err != nil {
			return routing.Option{}, fmt.Errorf("%s from %s to %s: %w", h.mode, q.placeName(h.from), q.placeName(h.to), err)
		}
		split := p.Countries
		if len(split) == 0 {
			split = []geodata.CountryKM{{Country: a.country, KM: p.DistanceKM}}
		}
		h.km = p.DistanceKM
		ways[i] = travelled{p.DistanceKM, split, p.Geometry, p.Estimated, p.Passages}
		p50, _ := q.moving(h, split)
		moving[h.mode] += p50
	}

	q.quoteChains(j.hops)
	for i := range j.hops {
		h := &j.hops[i]
		way := ways[i]
		a, b := &q.sites[h.from], &q.sites[h.to]
		ferry := h.cross != nil && h.ferryKM > 0
		if cut || ferry || h.served || len(legs) > 0 && legs[len(legs)-1].Mode != h.mode && h.cross == nil {
			mode := h.mode
			if ferry {
				mode = geodata.Sea
			}
			legs = append(legs, leg{Leg: routing.Leg{Mode: mode, From: q.point(h.from), Borders: []routing.Border{}}, first: -1})
			cut = false
		}
		n := len(legs) - 1
		l := &legs[n]
		add := func(p part) {
			p.leg = n
			parts = append(parts, p)
		}
		if h.cross != nil && len(h.before) > 0 && l.first < 0 {
			l.first = len(parts)
		}
		for waits := h.before; len(waits) > 0; {
			k := together(waits)
			add(part{kind: "wait", mode: h.mode, where: waits[0].where, dist: q.p.span(waits[:k])})
			waits = waits[k:]
		}
		if h.mode == geodata.Sea && h.cross == nil {
			for _, id := range way.pass {
				if w, slow := q.slowPassage(id); slow {
					h.after = append([]wait{w}, h.after...)
				}
			}
		}
		if h.served {
			p := part{kind: "wait", mode: h.mode, where: q.placeName(h.from)}
			if r := h.service.Rhythm; r.Fixed() {
				cutoff := time.Duration(h.service.CutoffH * float64(time.Hour))
				p.next = func(hour int) int {
					ready := q.depart.Add(time.Duration(hour)*time.Hour + cutoff)
					return int(math.Ceil(r.Next(ready).Sub(q.depart).Hours()))
				}
			} else {
				p.dist = duration.Uniform(r.Every)
			}
			add(p)
		}
		if h.cross == nil {
			if l.first < 0 {
				l.first = len(parts)
			}
			p50, p90 := q.moving(h, way.split)
			// Pieces of one mode vary together: the same driver, the same season.
			if p50 > 0 {
				p90 = p50 + (p90-p50)*math.Sqrt(moving[h.mode]/p50)
			}
			add(part{kind: "move", mode: h.mode, dist: duration.Lognormal(p50, p90)})
		} else {
			l.Borders = append(l.Borders, q.border(h, a, b, l.DistanceKM))
		}
		l.last = len(parts)
		for waits := h.after; len(waits) > 0; {
			k := together(waits)
			add(part{kind: "wait", mode: h.mode, where: waits[0].where, dist: q.p.span(waits[:k])})
			waits = waits[k:]
		}

		l.To = q.point(h.to)
		l.DistanceKM += way.km
		l.estimated = l.estimated || way.est
		l.geometry = join(l.geometry, way.geo)
		l.Passages = append(l.Passages, way.pass...)
		for _, item := range q.prices(h, way.split) {
			lines = append(lines, q.p.rates.Line(item, n, q.now))
		}
		res := q.emit(h, way.split)
		l.CO2eKG += res.KG
		l.CO2eLines = append(l.CO2eLines, res.Lines...)
		q.eachHub(h, func(where string, r emission.Result) {
			l.CO2eKG += r.KG
			for _, line := range r.Lines {
				line.What = "Handling at " + where + ", " + line.What
				l.CO2eLines = append(l.CO2eLines, line)
			}
		})
		if res.Basis != "" && (len(l.bases) == 0 || l.bases[len(l.bases)-1] != res.Basis) {
			l.bases = append(l.bases, res.Basis)
		}
		q.describe(l, h)
		cut = cut || ferry
	}
	return q.assemble(j, legs, parts, lines)
}

// together counts the waits at the beginning of a list that are at one place.
func together(waits []wait) int {
	n := 1
	for n < len(waits) && n < mostTogether && waits[n].where == waits[0].where {
		n++
	}
	return n
}

// waits is how long all of some waits take.
func (p *Planner) waits(waits []wait) (d duration.Dist) {
	for len(waits) > 0 {
		n := min(len(waits), mostTogether)
		d = d.Plus(p.span(waits[:n]))
		waits = waits[n:]
	}
	return d
}

// mostTogether is how many waits are remembered as one.
const mostTogether = 4

// span is how long waits at one place take together, remembered: the same ports
// and posts come again.
func (p *Planner) span(waits []wait) duration.Dist {
	const most = 5_000
	var key [mostTogether]geodata.Dwell
	for i, w := range waits {
		key[i] = w.dwell
	}
	if v, ok := p.spans.known.Load(key); ok {
		return v.(duration.Dist)
	}
	var v duration.Dist
	for _, w := range waits {
		v = v.Plus(duration.FromDwell(w.dwell))
	}
	if p.spans.count.Add(1) > most {
		p.spans.known.Clear()
		p.spans.count.Store(0)
	}
	p.spans.known.Store(key, v)
	return v
}

// spans are distributions by the dwells they add up.
type spans struct {
	known sync.Map
	count atomic.Int64
}

// join appends a line to another and keeps longitudes continuous.
func join(a, b orb.LineString) orb.LineString {
	if len(b) > 0 && len(a) > 0 && path.Distance(a[len(a)-1], b[0]) < 0.01 {
		b = b[1:]
	}
	return append(a[:len(a):len(a)], b...)
}

func (q *query) point(s int32) routing.Point {
	x := &q.sites[s]
	out := routing.Point{Country: x.country, Lat: x.point[1], Lon: x.point[0]}
	switch x.kind {
	case door:
		p := q.origin
		if s == atDestination {
			p = q.dest
		}
		return q.placePoint(p)
	case post:
		out.Code, out.Name, out.Kind = x.post.ID, x.post.Names, "border"
		if out.Name.EN == "" {
			out.Name.EN = x.post.Name
		}
	default:
		out.Code, out.Name = x.terminal.Place, x.terminal.Names
		if out.Code == "" {
			out.Code = x.terminal.ID
		}
		out.Kind = map[siteKind]string{port: "port", yard: "rail-terminal", airport: "airport"}[x.kind]
	}
	return out
}

func (q *query) border(h *hop, a, b *site, atKM float64) routing.Border {
	d := q.p.waits(h.before)
	state, _ := q.borderState(h.cross, q.depart)
	o := h.cross.DwellOrigin
	source := o.Source
	if source == "" {
		source = map[string]string{"A": "assumption", "K": "general knowledge", "P": "published", "G": "public file"}[o.Kind]
	}
	return routing.Border{
		ID: h.cross.ID, Name: h.cross.Name, From: a.country, To: b.country, DwellHours: d.Hours(), Regime: state,
		Gauge: h.cross.GaugeChange && h.mode == geodata.Rail, Lat: h.cross.Point[1], Lon: h.cross.Point[0],
		AtKM: math.Round(atKM*10) / 10, AsOf: o.AsOf, Source: source, Origin: o.Kind,
	}
}

// describe fills what a leg says about its service and customs regime.
func (q *query) describe(l *leg, h *hop) {
	switch {
	case h.cross != nil && h.ferryKM > 0:
		l.Service, l.Regime = "Ferry "+h.cross.Name, "B/L"
	case h.cross != nil:
	case h.served:
		l.Service = fmt.Sprintf("%s, %s", h.service.Name, h.service.Rhythm)
		if h.service.Rhythm.Fixed() {
			l.EveryHours = h.service.Rhythm.Every
		}
		if h.service.Origin.Kind == "A" || strings.Contains(h.service.Note, "assumed") {
			l.Service += " (rhythm assumed)"
		}
		l.Regime = map[geodata.Mode]string{geodata.Sea: "B/L", geodata.Rail: "SMGS", geodata.Air: "AWB"}[h.mode]
		if h.mode == geodata.Rail && !h.through {
			l.Regime = "rail waybill"
		}
	case h.mode == geodata.Rail && l.Service == "": // goes on after a ferry
		l.Service, l.Regime = "The same train", "SMGS"
	case h.mode == geodata.Road && h.regime == tariff.TIR:
		l.Service, l.Regime = "Lorry with two drivers, leaves when ready", "TIR"
		if q.drivers == 1 {
			l.Service = "Lorry with one driver, leaves when ready"
		}
	case h.mode == geodata.Road && h.regime == tariff.National:
		l.Service, l.Regime = "Lorries changed at borders, leave when ready", "national transit"
	case h.mode == geodata.Road:
		l.Service, l.Regime = "Lorry, leaves when ready", "local"
	}
}

// assemble turns parts into times and closes the option.
func (q *query) assemble(j journey, legs []leg, parts []part, lines []tariff.Line) (routing.Option, error) {
	o := routing.Option{Corridor: j.corridor, Depart: q.depart}
	var sum duration.Dist
	medians := make([]float64, len(parts)+1) // after so many parts
	spans := make([]duration.Dist, len(legs))
	for i, p := range parts {
		before := sum
		if p.next != nil {
			sum = sum.Then(p.next)
			legs[p.leg].Missed = q.missed(&o, before, p)
		} else {
			sum = sum.Plus(p.dist)
		}
		medians[i+1] = math.Max(medians[i], sum.Quantile(0.5))
		if l := legs[p.leg]; i >= l.first && i < l.last {
			spans[p.leg] = spans[p.leg].Plus(p.dist)
		}
	}
	o.TransitHours = sum.Hours()
	o.TerminalHours = mainHaul(legs, parts, medians).Hours()
	total := o.TransitHours.P50
	at := func(hours float64) time.Time {
		return q.depart.Add(time.Duration(hours * float64(time.Hour))).Round(time.Minute)
	}
	o.Arrive = routing.Instants{P10: at(o.TransitHours.P10), P50: at(total), P90: at(o.TransitHours.P90)}
	o.Segments = segments(parts, medians, total)

	by := total + 24
	o.OnTimeBasis = "to arrive no later than 24 hours after its own P50 arrival"
	if q.req.ArriveBy != nil {
		by = q.req.ArriveBy.Sub(q.depart).Hours()
		o.OnTimeBasis = "to arrive by " + q.req.ArriveBy.Format("2006-01-02 15:04") + " UTC"
	}
	o.OnTime = math.Round(sum.Chance(by)*1000) / 1000

	if !q.oneTerritory() {
		lines = append(lines, q.p.rates.Line(q.p.rates.Fee("fee.broker", "Export declaration"), -1, q.now), q.p.rates.Line(q.p.rates.Fee("fee.broker", "Import declaration"), -1, q.now))
	}
	for _, item := range q.p.rates.Value(q.value, total) {
		lines = append(lines, q.p.rates.Line(item, -1, q.now))
	}
	o.Cost = tariff.Total(lines)

	for i := range legs {
		l := &legs[i]
		l.Depart, l.Arrive = at(medians[l.first]), at(medians[l.last])
		l.TransitHours = spans[i].Hours()
		l.Estimated = l.estimated
		if l.Mode == geodata.Air {
			l.FlownKM = math.Round(air.FlownKM(l.DistanceKM)*10) / 10
		}
		l.DistanceKM = math.Round(l.DistanceKM*10) / 10
		l.CO2eKG = math.Round(l.CO2eKG*10) / 10
		l.CO2eBasis = strings.Join(l.bases, " · ")
		cost := 0.0
		for _, line := range lines {
			if line.Leg == i {
				cost += line.Amount.Amount
			}
		}
		l.Cost = routing.Money{Amount: math.Round(cost*100) / 100, Currency: "USD"}
		geo := path.Unwrap(l.geometry)
		if len(geo) == 0 {
			geo = orb.LineString{{l.From.Lon, l.From.Lat}, {l.To.Lon, l.To.Lat}}
		}
		raw, err := path.GeoJSON(geo)
		if err != nil {
			return o, fmt.Errorf("geometry of leg %d: %w", i, err)
		}
		l.Geometry = raw
		o.Legs = append(o.Legs, l.Leg)
		o.DistanceKM += l.DistanceKM
		o.CO2eKG += l.CO2eKG
		if !slices.Contains(o.Modes, l.Mode) {
			o.Modes = append(o.Modes, l.Mode)
		}
	}
	o.DistanceKM = math.Round(o.DistanceKM*10) / 10
	o.CO2eKG = math.Round(o.CO2eKG*10) / 10
	q.title(&o, j)
	q.risks(&o, j)
	o.BestHours = q.bestHours(&o)
	return o, nil
}

// mainHaul is the span from the first departure of the main haul to its last
// arrival. Lorries at the ends belong to it only where there is nothing else. How
// long a departure on the way is waited for is not known apart from when the journey
// began: there the median stands.
func mainHaul(legs []leg, parts []part, medians []float64) duration.Dist {
	first, last := 0, len(legs)-1
	for first < last && legs[first].Mode == geodata.Road && legs[first].local() {
		first++
	}
	for last > first && legs[last].Mode == geodata.Road && legs[last].local() {
		last--
	}
	var d duration.Dist
	for i := legs[first].first; i < legs[last].last; i++ {
		if parts[i].next != nil {
			d = d.Plus(duration.Fixed(medians[i+1] - medians[i]))
			continue
		}
		d = d.Plus(parts[i].dist)
	}
	return d
}

// local reports whether a leg crosses no border.
func (l *leg) local() bool { return len(l.Borders) == 0 }

// missed tells the chance to miss a departure known by the clock, that of leaving
// later than the departure an average cargo takes, and what the next one costs; nil
// when that hardly ever happens.
func (q *query) missed(o *routing.Option, ready duration.Dist, p part) *routing.Missed {
	const seldom = 0.02
	median := p.next(int(math.Round(ready.Quantile(0.5))))
	made := 0.0
	for h := int(ready.Quantile(0.001)); h <= int(ready.Quantile(0.999))+1; h++ {
		if p.next(h) <= median {
			made = ready.Chance(float64(h) + 0.5)
		}
	}
	if 1-made < seldom {
		return nil
	}
	m := &routing.Missed{
		Where: p.where, Chance: math.Round((1-made)*1000) / 1000, Depart: q.depart.Add(time.Duration(median) * time.Hour),
		Hours: float64(p.next(median+1) - median),
	}
	words := fmt.Sprintf("%.0f in 100 that the departure from %s on %s is missed; the next one follows %.1f days later", 100*m.Chance, m.Where, m.Depart.Format("Mon 2 Jan"), m.Hours/24)
	if q.value > 0 {
		usd := q.p.rates.Sum(q.p.rates.Carrying(q.value, m.Hours))
		m.Cost = &routing.Money{Amount: math.Round(usd*100) / 100, Currency: "USD"}
		words += fmt.Sprintf(" and costs %s USD of capital", round2(usd))
	}
	o.Risks = append(o.Risks, words+".")
	return m
}

// segments draws the strip: stretches between the median moments, joined where
// they are of one kind and place.
func segments(parts []part, medians []float64, total float64) []routing.Segment {
	var out []routing.Segment
	for i, p := range parts {
		hours := medians[i+1] - medians[i]
		s := routing.Segment{Kind: p.kind, Where: p.where, Hours: hours, Leg: p.leg}
		if p.kind == "move" {
			s.Mode = p.mode
		}
		if n := len(out) - 1; n >= 0 && out[n].Kind == s.Kind && out[n].Where == s.Where && out[n].Mode == s.Mode && (out[n].Leg == s.Leg || s.Kind == "wait") {
			out[n].Hours += hours
			continue
		}
		out = append(out, s)
	}
	kept := out[:0]
	for _, s := range out {
		if s.Hours < 0.05 && len(out) > 1 {
			continue
		}
		kept = append(kept, s)
	}
	out = kept
	sum := 0.0
	for _, s := range out {
		sum += s.Hours
	}
	for i := range out {
		if sum > 0 {
			out[i].Hours *= total / sum
		}
	}
	return out
}
