package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/routing/duration"
	"corridor/routing/emission"
	"corridor/routing/pareto"
	"corridor/routing/regime"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// This file turns a request into a graph: the doors, the terminals and the
// border posts worth considering, and the hops between them.

// siteKind is what a node of the graph stands for.
type siteKind int8

const (
	door siteKind = iota
	port
	yard
	airport
	post
)

// site is a node: a place where goods lie, or one side of a border post where a
// vehicle stands.
type site struct {
	kind     siteKind
	point    orb.Point
	country  geodata.Country
	region   string
	terminal geodata.Terminal
	post     *geodata.BorderPost
	side     int
	mode     geodata.Mode  // posts: of the vehicle
	regime   tariff.Regime // posts: of a lorry
	leaves   bool          // terminals: goods from the origin's side leave here
	arrives  bool          // terminals: goods arrive here on the destination's side
	relay    bool          // a port and an airport of one place, between which goods change from ship to aircraft
	feeds    bool          // rail terminals: trains end here to reach a quay
	fed      bool          // rail terminals: trains begin here with goods from a quay

	roadArea, railArea string // of free movement
	beyond             string // posts: the area on the other side, by the vehicle's mode
}

func (s *site) area(m geodata.Mode) string {
	if m == geodata.Rail {
		return s.railArea
	}
	return s.roadArea
}

func (s *site) stop() timetable.Stop {
	return timetable.Stop{ID: s.terminal.ID, Place: s.terminal.Place, Country: s.country, Region: s.region, InEU: regime.InEU(s.country)}
}

// wait is a stay that is not movement.
type wait struct {
	where string
	dwell geodata.Dwell
}

// hop is what a link stands for.
type hop struct {
	mode      geodata.Mode
	from, to  int32
	km        float64
	regime    tariff.Regime      // road
	through   bool               // rail: crosses borders
	middle    bool               // rail: by the Caspian
	trainKMH  float64            // rail: speed of the train's timetable; 0: that of the countries passed
	service   *timetable.Service // never nil once connected
	served    bool               // service is set: a departure is waited for
	before    []wait
	after     []wait
	cross     *geodata.BorderPost // a border: no movement but the dwell, or a ferry
	ferryKM   float64             // cross: length of the ferry; 0: by land
	reload    bool                // cross: the load changes lorry
	estimated bool                // road: not a way of the network
	permit    bool                // road: too heavy without a permit
	avoid     geodata.Avoid
	key       string // of avoid, for the caches
	verdict   int32
	// quoted says that a carrier's price for the whole way stands for the line
	// haul; quote is that price, on the first hop of the way.
	quoted bool
	quote  []tariff.Item
	carnet int // road under TIR: countries on the carnet, on the first hop; 0: not known yet
}

// query is one planning job.
type query struct {
	p       *Planner
	ctx     context.Context
	cond    routing.Conditions
	req     routing.Request
	origin  geodata.Place
	dest    geodata.Place
	depart  time.Time
	now     time.Time
	goods   tariff.Goods
	load    emission.Load
	value   float64 // USD; 0: not given
	drivers int     // of a lorry over borders
	modes   map[geodata.Mode]bool
	avoidC  []geodata.Country
	avoidP  []string // passages the user shuts
	shutP   []string // passages closed by the conditions
	avoidB  map[string]bool
	avoidS  []string // carriers and ids of services
	beeline float64
	breadth breadth
	none    timetable.Service // of hops that no service runs

	sites    []site
	hops     []hop
	graph    *pareto.Builder
	net      *pareto.Network
	verdicts []regime.Verdict // index 0 is "no rule"
	tokens   map[string]int32
	names    []string // of tokens
	areaBits map[string]uint64
	dwells   map[geodata.Dwell][2]float64
}

const (
	atOrigin      = int32(0)
	atDestination = int32(1)
)

func (q *query) verdict(v regime.Verdict) int32 {
	if !v.Broken() {
		return 0
	}
	for i, old := range q.verdicts {
		if old.Rule.ID == v.Rule.ID && old.Reason == v.Reason {
			return int32(i)
		}
	}
	q.verdicts = append(q.verdicts, v)
	return int32(len(q.verdicts) - 1)
}

func (q *query) token(words ...string) int32 {
	key := strings.Join(words, " ")
	if t, ok := q.tokens[key]; ok {
		return t
	}
	q.names = append(q.names, key)
	t := int32(len(q.names))
	q.tokens[key] = t
	return t
}

// Bits of things done once in a journey: legs between doors and terminals are
// not repeated for a small gain.
const (
	takesShip uint64 = 1 << iota
	boardsTrain
	crossesByRoad
	leadsToPort
	notFromEU // a lorry from outside the EU
)

// areaBit is the bit of an area entered by land. With more than 56 areas the
// last bit is shared, which only forbids more.
func (q *query) areaBit(name string) uint64 {
	bit, ok := q.areaBits[name]
	if !ok {
		bit = 1 << min(63, len(q.areaBits)+8) // after the bits above
		q.areaBits[name] = bit
	}
	return bit
}

// passed are the bits of being in a country: of its area by road, and by rail
// where that one is larger.
func (q *query) passed(c geodata.Country) uint64 {
	bits := q.areaBit(regime.Area(geodata.Road, c))
	if rail := regime.Area(geodata.Rail, c); rail != regime.Area(geodata.Road, c) {
		bits |= q.areaBit(rail)
	}
	return bits
}

// entered are the bits a crossing by a mode may not find set.
func (q *query) entered(m geodata.Mode, c geodata.Country) uint64 {
	if m == geodata.Rail {
		return q.passed(c)
	}
	return q.areaBit(regime.Area(geodata.Road, c))
}

// build makes the graph.
func (q *query) build() error {
	q.beeline = path.Distance(q.origin.Point, q.dest.Point)
	q.tokens, q.areaBits, q.dwells = map[string]int32{}, map[string]uint64{}, map[geodata.Dwell][2]float64{}
	q.verdicts = []regime.Verdict{{}}
	q.goods.Silent = true
	defer func() { q.goods.Silent = false }()
	q.addSite(site{kind: door, point: q.origin.Point, country: q.origin.Country})
	q.addSite(site{kind: door, point: q.dest.Point, country: q.dest.Country})
	q.pickTerminals()
	q.pickPosts()
	// The tables of the sea are made while the land is linked.
	var ways *seaWays
	group, ctx := errgroup.WithContext(q.ctx)
	if q.modes[geodata.Sea] {
		group.Go(func() (err error) {
			ways, err = q.measureSea(ctx)
			return err
		})
	}
	if err := errors.Join(q.linkLand(), group.Wait()); err != nil {
		return err
	}
	if ways != nil {
		q.linkSea(ways)
	}
	if q.modes[geodata.Air] {
		return q.linkAir()
	}
	return nil
}

// linkLand joins what roads and railways join. Lorries bring and fetch whatever
// is asked for.
func (q *query) linkLand() error {
	if err := q.linkRoad(); err != nil {
		return err
	}
	if q.modes[geodata.Rail] {
		if err := q.linkRail(); err != nil {
			return err
		}
	}
	q.linkBorders()
	return q.ctx.Err()
}

func (q *query) addSite(s site) int32 {
	s.region = timetable.Region(s.country, s.point)
	s.roadArea, s.railArea = regime.Area(geodata.Road, s.country), regime.Area(geodata.Rail, s.country)
	if s.kind == post {
		s.beyond = regime.Area(s.mode, s.post.Countries[1-s.side])
	}
	q.sites = append(q.sites, s)
	return int32(len(q.sites) - 1)
}

// pickPosts chooses the border posts that lie on a sensible way between the
// origin or a port and the destination.
func (q *query) pickPosts() {
	var starts, ends []orb.Point // of land ways to the destination and from the origin
	for _, s := range q.sites {
		if s.kind == port && s.arrives && !s.relay {
			starts = append(starts, s.point)
		}
		if s.kind == port && s.leaves {
			ends = append(ends, s.point)
		}
	}
	between := func(p orb.Point, a, b orb.Point, stretch float64) bool {
		d := path.Distance(a, b)
		return path.Distance(a, p)+path.Distance(p, b) <= stretch*d+200
	}
	useful := q.usefulAreas()
	for i := range q.p.posts {
		b := &q.p.posts[i]
		if !useful[regime.Area(geodata.Road, b.Countries[0])] || !useful[regime.Area(geodata.Road, b.Countries[1])] {
			continue
		}
		fits := between(b.Point, q.origin.Point, q.dest.Point, 1.3)
		for _, s := range starts {
			fits = fits || between(b.Point, s, q.dest.Point, 1.15)
		}
		for _, e := range ends {
			fits = fits || between(b.Point, q.origin.Point, e, 1.15)
		}
		if !fits {
			continue
		}
		road := b.Serves(geodata.Road) || b.Serves(geodata.Sea) || b.Closed
		rail := b.Serves(geodata.Rail) || b.Serves(geodata.Sea)
		for side := range 2 {
			s := site{kind: post, point: b.Sides[side], country: b.Countries[side], post: b, side: side}
			if s.point == (orb.Point{}) {
				s.point = b.Point
			}
			if road {
				s.mode, s.regime = geodata.Road, tariff.TIR
				q.addSite(s)
				s.regime = tariff.National
				q.addSite(s)
			}
			if rail {
				s.mode, s.regime = geodata.Rail, tariff.Local
				q.addSite(s)
			}
		}
	}
}

// usefulAreas are those that lie on a way of few borders: no more than two above
// the fewest between the ends, one above between a port and an end. Tables are
// made for these only.
func (q *query) usefulAreas() map[string]bool {
	next := map[string][]string{}
	for _, b := range q.p.posts {
		x, y := regime.Area(geodata.Road, b.Countries[0]), regime.Area(geodata.Road, b.Countries[1])
		if x != y {
			next[x], next[y] = append(next[x], y), append(next[y], x)
		}
	}
	borders := func(from string) map[string]int {
		out := map[string]int{from: 0}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			for _, n := range next[queue[0]] {
				if _, seen := out[n]; !seen {
					out[n] = out[queue[0]] + 1
					queue = append(queue, n)
				}
			}
		}
		return out
	}
	area := func(c geodata.Country) string { return regime.Area(geodata.Road, c) }
	origin, dest := area(q.origin.Country), area(q.dest.Country)
	fromOrigin, fromDest := borders(origin), borders(dest)
	out := map[string]bool{origin: true, dest: true}
	mark := func(a, b map[string]int, end string, more int) {
		fewest, joined := a[end]
		if !joined {
			return
		}
		for x := range a {
			if y, ok := b[x]; ok && a[x]+y <= fewest+more {
				out[x] = true
			}
		}
	}
	mark(fromOrigin, fromDest, dest, 2)
	for i := range q.sites {
		if s := &q.sites[i]; s.kind == port && !s.relay {
			if s.arrives && area(s.country) != dest {
				mark(borders(area(s.country)), fromDest, dest, 1)
			}
			if s.leaves && area(s.country) != origin {
				mark(fromOrigin, borders(area(s.country)), area(s.country), 1)
			}
		}
	}
	return out
}

// inArea gives the nodes that fit by area of a mode, areas in a stable order.
func (q *query) inArea(m geodata.Mode, fits func(*site) bool) (areas []string, members map[string][]int32) {
	members = map[string][]int32{}
	for i := range q.sites {
		s := &q.sites[i]
		if !fits(s) {
			continue
		}
		a := s.area(m)
		if a == "" {
			continue
		}
		if members[a] == nil {
			areas = append(areas, a)
		}
		members[a] = append(members[a], int32(i))
	}
	return areas, members
}

// lengths is the table between members of one area.
func (q *query) lengths(m geodata.Mode, area string, from, to []int32) ([][]float64, geodata.Avoid, string, error) {
	avoid, key := q.p.dist.within(m, area), string(m)+" "+area
	if inside := regime.AreaCountries(area); len(inside) > 1 { // else an avoided country is barred by rule, not left out
		for _, c := range inside {
			if slices.Contains(q.avoidC, c) {
				key += " -" + string(c)
			}
		}
		if key != string(m)+" "+area {
			avoid = outside(m, area, q.avoidC)
		}
	}
	at := func(ids []int32) []orb.Point {
		out := make([]orb.Point, len(ids))
		for i, id := range ids {
			out[i] = q.sites[id].point
		}
		return out
	}
	table, err := q.p.dist.table(q.ctx, m, key, at(from), at(to), avoid)
	free := string(m) + " " + area
	if err != nil || key == free {
		return table, avoid, key, err
	}
	// Ways that begin or end in an avoided country are barred by rule as well.
	relaxed, err := q.p.dist.table(q.ctx, m, free, at(from), at(to), q.p.dist.within(m, area))
	if err != nil {
		return nil, avoid, key, err
	}
	for i := range from {
		for j := range to {
			if !finite(table[i][j]) && (slices.Contains(q.avoidC, q.sites[from[i]].country) || slices.Contains(q.avoidC, q.sites[to[j]].country)) {
				table[i][j] = relaxed[i][j]
			}
		}
	}
	return table, avoid, key, nil
}

// countriesAt are the rules about where a node lies.
func (q *query) countryVerdict(c geodata.Country) int32 {
	if slices.Contains(q.avoidC, c) {
		return q.verdict(regime.Verdict{Rule: regime.UserAvoid, Reason: fmt.Sprintf("It leads through %s, which you asked to avoid.", c)})
	}
	return 0
}

// modeVerdict are the rules about a mode whatever the way.
func (q *query) modeVerdict(m geodata.Mode) int32 {
	for _, v := range []regime.Verdict{
		q.askedModes(m), q.unitFits(m), regime.Dangerous(m, q.req.Cargo.DG), regime.Lithium(m, q.req.Cargo.UN, false, q.req.Cargo.Charge), q.temperature(m),
	} {
		if v.Broken() {
			return q.verdict(v)
		}
	}
	return 0
}

func (q *query) askedModes(m geodata.Mode) regime.Verdict {
	if q.modes[m] {
		return regime.Verdict{}
	}
	return regime.Verdict{Rule: regime.UserModes, Reason: fmt.Sprintf("It goes by %s, and you asked for other modes only.", m)}
}

func (q *query) temperature(m geodata.Mode) regime.Verdict {
	t := q.req.Cargo.TempC
	if t == nil {
		return regime.Verdict{}
	}
	if t[1] < -25 && m != geodata.Air {
		return regime.Verdict{Rule: regime.TemperatureLow, Reason: fmt.Sprintf("The cargo may not be warmer than %g °C.", t[1])}
	}
	if q.goods.Shared() && (m == geodata.Sea || m == geodata.Rail) {
		return regime.Verdict{Rule: regime.Temperature, Reason: fmt.Sprintf("No shared container by %s is known to keep %g to %g °C.", m, t[0], t[1])}
	}
	return regime.Verdict{}
}

func (q *query) unitFits(m geodata.Mode) regime.Verdict {
	unit, kg, m3 := q.goods.Unit, q.goods.WeightKG, q.goods.VolumeM3
	switch {
	case unit == routing.AirULD && m != geodata.Air:
		return regime.Verdict{Rule: regime.UnitMode, Reason: fmt.Sprintf("Air cargo was asked for, and this goes by %s.", m)}
	case isBox(unit) && m == geodata.Air:
		return regime.Verdict{Rule: regime.UnitMode, Reason: fmt.Sprintf("A %s container does not fly.", unit)}
	case unit == routing.FTL && (m == geodata.Sea || m == geodata.Rail):
		if box := boxFor(kg, m3, q.goods.Reefer); box == "" {
			return regime.Verdict{Rule: regime.Payload, Reason: fmt.Sprintf("%.1f t fit no single container.", kg/1000)}
		}
	case m == geodata.Air && kg > maxFlightKG:
		return regime.Verdict{Rule: regime.Payload, Reason: fmt.Sprintf("%.1f t are more than the %.0f t a freighter lifts.", kg/1000, maxFlightKG/1000)}
	}
	return regime.Verdict{}
}

// first is the first rule of several.
func first(rules ...int32) int32 {
	for _, r := range rules {
		if r != 0 {
			return r
		}
	}
	return 0
}

// connect adds a hop to the graph.
func (q *query) connect(h hop, token int32, once, marks uint64) {
	if h.service == nil {
		h.service = &q.none
	}
	h.verdict = first(h.verdict, q.countryVerdict(q.sites[h.from].country), q.countryVerdict(q.sites[h.to].country))
	l := pareto.Link{From: h.from, To: h.to, Rule: h.verdict, Token: token, Once: once, Marks: marks, What: int32(len(q.hops))}
	for _, waits := range [...][]wait{h.before, h.after} {
		for _, w := range waits {
			m, v := q.meanVar(w.dwell)
			l.Hours += m
			l.Variance += v
		}
	}
	split := q.guessSplit(&h)
	p50, p90 := q.moving(&h, split)
	m, v := duration.MeanVar(p50, p90)
	l.Hours += m
	l.Variance += v
	if h.served {
		if r := h.service.Rhythm; r.Fixed() {
			ready := 0.0
			for _, w := range h.before {
				m, _ := q.meanVar(w.dwell)
				ready += m
			}
			l.CutoffH = ready
			l.Hours -= ready
			l.Departs = q.rhythm(r)
		} else {
			l.Hours += r.Every / 2
			l.Variance += r.Every * r.Every / 12
		}
	}
	l.Cost = q.p.rates.Sum(q.prices(&h, split))
	if h.cross == nil && (h.mode == geodata.Road || h.mode == geodata.Rail) {
		l.CO2 = q.p.factors.LandKG(h.mode, q.load, split, regime.InEU) + q.hubs(&h)
	} else {
		l.CO2 = q.emit(&h, split).KG + q.hubs(&h)
	}
	q.hops = append(q.hops, h)
	q.graph.Add(l)
}

// meanVar is duration.MeanVar of a dwell, of which a plan has few.
func (q *query) meanVar(d geodata.Dwell) (mean, variance float64) {
	if v, ok := q.dwells[d]; ok {
		return v[0], v[1]
	}
	mean, variance = duration.MeanVar(d.P50, d.P90)
	q.dwells[d] = [2]float64{mean, variance}
	return mean, variance
}

// rhythm puts departures on the clock of the search: a week of them again and
// again, or those of an imported schedule.
func (q *query) rhythm(r timetable.Rhythm) int32 {
	if len(r.Dates) > 0 {
		return q.datedRhythm(r)
	}
	var times []float64
	for t := r.Next(q.depart); len(times) < len(r.Days); t = r.Next(t.Add(time.Minute)) {
		times = append(times, t.Sub(q.depart).Hours())
	}
	return q.addRhythm(times, 168)
}

// datedRhythm puts the departures of an imported schedule on the clock of the
// search, as many as any journey may wait for.
func (q *query) datedRhythm(r timetable.Rhythm) int32 {
	const most = 120
	var times []float64
	for t := r.Next(q.depart); len(times) < most && t.Sub(q.depart) < 120*24*time.Hour; t = r.Next(t.Add(time.Minute)) {
		times = append(times, t.Sub(q.depart).Hours())
	}
	if len(times) == 0 {
		times = []float64{r.Next(q.depart).Sub(q.depart).Hours()}
	}
	return q.addRhythm(times, 0)
}

func (q *query) addRhythm(times []float64, period float64) int32 {
	slices.Sort(times)
	id, err := q.graph.Rhythm(slices.Compact(times), period)
	if err != nil {
		panic(err) // finite, sorted and within a week, as made above
	}
	return id
}

// guessSplit stands for the distance by country until the way is known.
func (q *query) guessSplit(h *hop) []geodata.CountryKM {
	a, b := q.sites[h.from].country, q.sites[h.to].country
	if a == b {
		return []geodata.CountryKM{{Country: a, KM: h.km}}
	}
	return []geodata.CountryKM{{Country: a, KM: h.km / 2}, {Country: b, KM: h.km / 2}}
}

func (q *query) dwell(id, region, where string) wait {
	d := q.p.times.Dwell(id, region)
	return wait{where: where, dwell: d.Dwell}
}

func (q *query) placeName(s int32) string {
	switch x := &q.sites[s]; x.kind {
	case door:
		if s == atOrigin {
			return q.origin.Names.EN
		}
		return q.dest.Names.EN
	case post:
		return x.post.Name
	default:
		return x.terminal.Names.EN
	}
}

// linkRoad joins doors, terminals and posts by lorry inside each area.
func (q *query) linkRoad() error {
	areas, members := q.inArea(geodata.Road, func(s *site) bool { return s.kind != post || s.mode == geodata.Road })
	general := q.modeVerdict(geodata.Road)
	for _, area := range areas {
		ids := members[area]
		var from, to []int32
		for _, id := range ids {
			if id != atDestination {
				from = append(from, id)
			}
			if id != atOrigin {
				to = append(to, id)
			}
		}
		if len(from) == 0 || len(to) == 0 {
			continue
		}
		table, avoid, key, err := q.lengths(geodata.Road, area, from, to)
		if err != nil {
			return err
		}
		for i, a := range from {
			for j, b := range to {
				h := hop{mode: geodata.Road, from: a, to: b, km: table[i][j], avoid: avoid, key: key}
				if !finite(h.km) {
					if h.km, h.estimated = q.shortGap(a, b); !h.estimated {
						h.km, h.estimated = q.nextTo(a, b, to, table[i])
					}
				}
				if a != b && finite(h.km) {
					q.addRoad(h, general)
				}
			}
		}
	}
	return nil
}

// shortGap is the way between a terminal and a door near it that the network
// does not join: some quays lie on ground it knows no road to. It is the great
// circle and two fifths more, and is shown as estimated.
func (q *query) shortGap(a, b int32) (km float64, estimated bool) {
	const reachKM, circuity = 60, 1.4
	x, y := &q.sites[a], &q.sites[b]
	straight := path.Distance(x.point, y.point)
	if x.kind == post || y.kind == post || x.country != y.country || slices.Contains(q.avoidC, x.country) || straight > reachKM {
		return math.Inf(1), false
	}
	return straight * circuity, true
}

// nextTo is the way to or from a terminal that no road of the network reaches, by
// the nearest other place that one does: a port on an island of its own pavement is
// as far as its rail terminal and the gap between. km is the row of the table from a.
func (q *query) nextTo(a, b int32, to []int32, km []float64) (float64, bool) {
	if q.sites[a].kind == post || q.sites[b].kind != port {
		return math.Inf(1), false
	}
	best := math.Inf(1)
	for j, c := range to {
		if c == b || !finite(km[j]) || q.sites[c].kind == post || q.sites[c].kind == door {
			continue
		}
		if gap, ok := q.shortGap(c, b); ok {
			best = math.Min(best, km[j]+gap)
		}
	}
	return best, finite(best)
}

// firstMileKM is how long a lorry's way may be and still count as bringing goods
// to another mode, when the user did not ask for road.
const firstMileKM = 800

// leadsBack reports whether no journey takes a hop between two sites, because it
// may not enter an area twice: from a border of the area it begins in, to one of
// the area it ends in, or from the border of one area to another border of the same.
func (q *query) leadsBack(m geodata.Mode, a, b *site) bool {
	return a.kind == post && (a.area(m) == q.sites[atOrigin].area(m) || b.kind == post && a.beyond == b.beyond) ||
		b.kind == post && b.area(m) == q.sites[atDestination].area(m)
}

// addRoad decides whether a way by lorry makes sense and under what regime.
func (q *query) addRoad(h hop, general int32) {
	a, b := &q.sites[h.from], &q.sites[h.to]
	if q.leadsBack(geodata.Road, a, b) {
		return
	}
	token, once := int32(0), uint64(0)
	switch {
	case a.kind == post && b.kind == post:
		if a.regime != b.regime || a.post == b.post {
			return
		}
		h.regime = a.regime
	case a.kind == post:
		h.regime = a.regime
	case b.kind == post:
		h.regime = b.regime
		token, once = q.token("road", regimeWord(h.regime)), crossesByRoad
		if !regime.InEU(a.country) {
			once |= notFromEU
		}
	default:
		h.regime = tariff.Local
	}
	terminal := func(s *site) bool { return s.kind != post && s.kind != door }
	switch {
	case terminal(a) && terminal(b):
		// A lorry between two terminals joins ship and train at one port.
		joins := a.kind == port && a.arrives && b.kind == yard && b.fed || a.kind == yard && a.feeds && b.kind == port && b.leaves ||
			a.kind == port && a.arrives && b.kind == airport && (a.relay || b.relay)
		if !joins || h.km > 2*linkReachKM {
			return
		}
	case a.relay || b.relay:
		return
	case terminal(a) && !a.arrives, terminal(b) && !b.leaves:
		return // goods leave by terminals of the origin's side and come by the other's
	}
	// To or from a terminal: no further than it was picked.
	for _, t := range []*site{a, b} {
		reach := map[siteKind]float64{yard: yardReachKM * 1.6, airport: airportReachKM * 1.6}[t.kind]
		if reach > 0 && h.km > reach && h.regime == tariff.Local {
			return
		}
	}
	if general != 0 && (h.regime != tariff.Local || h.km > firstMileKM || q.verdicts[general].Rule.ID != regime.UserModes.ID && q.verdicts[general].Rule.ID != regime.UnitMode.ID) {
		h.verdict = general
	}
	if v := regime.RoadPayload(both(a.country, b.country), q.goods.WeightKG); v.Broken() && h.verdict == 0 {
		// Heavy boxes go to and from a terminal nearby under a permit.
		if h.permit = h.regime == tariff.Local && h.km <= linkReachKM && (terminal(a) || terminal(b)); !h.permit {
			h.verdict = q.verdict(v)
		}
	}
	if h.regime == tariff.TIR && h.verdict == 0 {
		h.verdict = first(q.verdict(regime.TIR(both(a.country, b.country), q.req.Cargo.HS)), q.verdict(regime.Carnet(q.req.TIR, q.valueEUR())))
	}
	if h.from == atOrigin {
		if v, _ := regime.Export(q.origin.Country, q.dest.Country, q.req.Cargo.HS); v.Broken() {
			h.verdict = q.verdict(v) // whatever the way
		}
	}
	if a.kind == door {
		h.before = append(h.before, q.dwell(timetable.RoadLoad, a.region, q.placeName(h.from)))
	}
	q.leaveTerminal(&h, a)
	if a.kind != post && h.regime == tariff.TIR {
		h.before = append(h.before, q.dwell(timetable.RoadTIR, a.region, q.placeName(h.from)))
	}
	if b.kind == door {
		if h.regime != tariff.Local {
			h.after = append(h.after, q.dwell(timetable.RoadClear, b.region, q.placeName(h.to)))
		}
		h.after = append(h.after, q.dwell(timetable.RoadUnload, b.region, q.placeName(h.to)))
	}
	if b.kind == port {
		once |= leadsToPort
	}
	q.connect(h, token, once, 0)
}

func both(a, b geodata.Country) []geodata.Country {
	if a == b {
		return []geodata.Country{a}
	}
	return []geodata.Country{a, b}
}

func regimeWord(r tariff.Regime) string {
	switch r {
	case tariff.TIR:
		return "TIR"
	case tariff.National:
		return "national"
	}
	return "local"
}

// leaveTerminal adds what goods wait for before a lorry takes them from a
// terminal.
func (q *query) leaveTerminal(h *hop, a *site) {
	id := ""
	switch a.kind {
	case yard:
		id = timetable.RailImport
		if q.oneTerritory() {
			id = timetable.RailUnload
		}
		if q.sites[h.to].kind == port {
			return // the port's own time before sailing follows
		}
	case airport:
		id = timetable.AirImport
	default:
		return
	}
	h.before = append(h.before, q.dwell(id, a.region, q.placeName(h.from)))
}

// oneTerritory reports whether the goods cross no customs border.
func (q *query) oneTerritory() bool {
	return q.origin.Country == q.dest.Country || regime.InEU(q.origin.Country) && regime.InEU(q.dest.Country)
}

// linkRail joins rail terminals and posts by train inside each area.
func (q *query) linkRail() error {
	areas, members := q.inArea(geodata.Rail, func(s *site) bool { return s.kind == yard || s.kind == post && s.mode == geodata.Rail })
	general := q.modeVerdict(geodata.Rail)
	for _, area := range areas {
		ids := members[area]
		table, avoid, key, err := q.lengths(geodata.Rail, area, ids, ids)
		if err != nil {
			return err
		}
		for i, from := range ids {
			for j, to := range ids {
				km := table[i][j]
				a, b := &q.sites[from], &q.sites[to]
				if from == to || !finite(km) || q.leadsBack(geodata.Rail, a, b) || a.kind == post && b.kind == post && a.post == b.post || a.kind == yard && !a.leaves && !a.fed || b.kind == yard && !b.arrives && !b.feeds {
					continue
				}
				h := hop{mode: geodata.Rail, from: from, to: to, km: km, avoid: avoid, key: key, verdict: general, through: a.kind == post || b.kind == post}
				token, once := int32(0), uint64(0)
				if a.kind == yard {
					token, once = q.token("rail"), boardsTrain
					if a.fed || b.kind == yard && b.feeds {
						once = 0 // a train on each side of a voyage
					}
					load := timetable.RailExport
					if !h.through {
						load = timetable.RailLoad
					}
					h.before = append(h.before, q.dwell(load, a.region, q.placeName(from)))
					h.served = true
					h.service = &q.p.servicesBetween(geodata.Rail, a.stop(), q.railTarget(to))[0]
					h.trainKMH = h.service.KMH
				}
				q.connect(h, token, once, 0)
			}
		}
	}
	return nil
}

// railTarget is where a train goes that runs to a site: of one that runs to a
// border only the destination of the goods is known.
func (q *query) railTarget(to int32) timetable.Stop {
	if s := &q.sites[to]; s.kind == yard {
		return s.stop()
	}
	return timetable.Stop{Country: q.dest.Country, Region: q.sites[atDestination].region, InEU: regime.InEU(q.dest.Country), Place: q.dest.Code}
}

// linkBorders joins the two sides of each post.
func (q *query) linkBorders() {
	bySide := map[string][2]int32{}
	for i := range q.sites {
		s := &q.sites[i]
		if s.kind != post {
			continue
		}
		key := fmt.Sprintf("%s %s %d", s.post.ID, s.mode, s.regime)
		pair := bySide[key]
		pair[s.side] = int32(i)
		bySide[key] = pair
	}
	for i := range q.sites {
		s := &q.sites[i]
		if s.kind != post {
			continue
		}
		pair := bySide[fmt.Sprintf("%s %s %d", s.post.ID, s.mode, s.regime)]
		other := pair[1-s.side]
		q.addCrossing(int32(i), other)
	}
}

func (q *query) addCrossing(from, to int32) {
	a, b := &q.sites[from], &q.sites[to]
	h := hop{mode: a.mode, from: from, to: to, cross: a.post, regime: a.regime}
	apart := path.Distance(a.point, b.point)
	if a.post.Serves(geodata.Sea) && !a.post.Serves(a.mode) || strings.Contains(a.post.Note, "ferry") && apart > 10 {
		h.ferryKM = apart
	}
	state, dwell := q.borderState(a.post, q.depart.Add(time.Duration(path.Distance(q.origin.Point, a.point)/30*float64(time.Hour))))
	switch {
	case q.avoidB[a.post.ID]:
		h.verdict = q.verdict(regime.Verdict{Rule: regime.UserAvoid, Reason: fmt.Sprintf("It crosses at %s, which you asked to avoid.", a.post.Name)})
	case a.post.Closed:
		reason := fmt.Sprintf("%s is closed to freight vehicles.", a.post.Name)
		if a.post.Note != "" {
			reason = fmt.Sprintf("%s is closed to freight: %s.", a.post.Name, a.post.Note)
		}
		h.verdict = q.verdict(regime.Verdict{Rule: regime.BorderClosed, Reason: reason})
	case regime.Through(b.country, q.origin.Country, q.dest.Country).Broken():
		h.verdict = q.verdict(regime.Through(b.country, q.origin.Country, q.dest.Country))
	case state == "closed":
		h.verdict = q.verdict(regime.Verdict{Rule: regime.BorderClosed, Reason: fmt.Sprintf("%s is reported closed.", a.post.Name)})
	}
	if a.post.Closed && a.mode == geodata.Rail {
		return
	}
	h.before = []wait{{a.post.Name, dwell}}
	if h.mode == geodata.Road {
		h.reload = regime.ChangeOfTruck(a.country, b.country) || h.regime == tariff.National
		if h.reload {
			h.before = append(h.before, q.dwell(timetable.RoadReload, "", a.post.Name))
		}
		if h.regime == tariff.National {
			h.before = append(h.before, q.dwell(timetable.RoadTransit, "", a.post.Name))
		}
		if h.regime == tariff.TIR && h.verdict == 0 {
			h.verdict = q.verdict(regime.TIR([]geodata.Country{a.country, b.country}, q.req.Cargo.HS))
		}
	}
	words := []string{"into", regime.Area(geodata.Road, b.country)}
	if h.ferryKM > 0 {
		words = append(words, "ferry")
	}
	once := q.entered(h.mode, b.country)
	if h.mode == geodata.Road && strings.Contains(a.post.Note, "EU/EFTA") {
		once |= notFromEU // as the post's note says: shut to a lorry that set out elsewhere
	}
	q.connect(h, q.token(words...), once, 0)
}

// borderState is what is known of a post at a moment.
func (q *query) borderState(b *geodata.BorderPost, at time.Time) (string, geodata.Dwell) {
	dwell := b.Dwell
	if dwell.P50 == 0 {
		dwell = q.p.times.Dwell(timetable.UnknownPost, "").Dwell
	}
	if q.cond == nil {
		return "normal", dwell
	}
	s, ok := q.cond.Border(b.ID, at)
	if !ok || s.Regime == "" {
		return "normal", dwell
	}
	if s.Dwell != nil {
		return s.Regime, *s.Dwell
	}
	for _, r := range b.Regimes {
		if r.Name == s.Regime {
			return s.Regime, r.Dwell
		}
	}
	if s.Regime == "congested" { // no dwell observed: the longest tenth of normal days (A)
		dwell = geodata.Dwell{P50: dwell.P90, P90: 2 * dwell.P90}
	}
	return s.Regime, dwell
}

// seaTable is the lengths between the ports under one set of shut passages.
type seaTable struct {
	avoid geodata.Avoid
	key   string
	km    [][]float64
}

// seaWays is how far it is by sea: with nothing shut, with what is shut, and
// with Suez shut besides.
type seaWays struct {
	out, in          []int32 // ports of departure and of arrival
	shut             []string
	free, open, cape seaTable
}

// measureSea asks for the tables of the sea, which a first plan waits for the
// longest, side by side. It only reads the query.
func (q *query) measureSea(ctx context.Context) (*seaWays, error) {
	w := &seaWays{}
	for i := range q.sites {
		if s := &q.sites[i]; s.kind == port {
			if s.leaves {
				w.out = append(w.out, int32(i))
			}
			if s.arrives {
				w.in = append(w.in, int32(i))
			}
		}
	}
	if len(w.out) == 0 || len(w.in) == 0 {
		return w, nil
	}
	at := func(ids []int32) []orb.Point {
		points := make([]orb.Point, len(ids))
		for i, id := range ids {
			points[i] = q.sites[id].point
		}
		return points
	}
	w.shut = append(slices.Clone(q.avoidP), q.shutP...)
	slices.Sort(w.shut)
	w.shut = slices.Compact(w.shut)
	noSuez := slices.Clone(w.shut)
	if !slices.Contains(noSuez, "suez") {
		noSuez = append(noSuez, "suez")
		slices.Sort(noSuez)
	}
	// The way round the Cape is asked for only where a service takes it.
	byCape := slices.ContainsFunc(w.out, func(from int32) bool {
		return slices.ContainsFunc(w.in, func(to int32) bool {
			return slices.ContainsFunc(q.p.servicesBetween(geodata.Sea, q.sites[from].stop(), q.sites[to].stop()), func(s timetable.Service) bool { return s.Via == "cape" })
		})
	})
	group, ctx := errgroup.WithContext(ctx)
	measure := func(t *seaTable, passages []string) {
		t.avoid = geodata.Avoid{Passages: passages}
		t.key = avoidKey(geodata.Sea, t.avoid)
		group.Go(func() (err error) {
			t.km, err = q.p.dist.table(ctx, geodata.Sea, t.key, at(w.out), at(w.in), t.avoid)
			return err
		})
	}
	measure(&w.free, nil)
	if len(w.shut) > 0 {
		measure(&w.open, w.shut)
	}
	if byCape {
		measure(&w.cape, noSuez)
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if len(w.shut) == 0 {
		w.open = w.free
	}
	if !byCape {
		w.cape = w.open
	}
	return w, nil
}

// linkSea joins the ports by ship.
func (q *query) linkSea(w *seaWays) {
	general := q.modeVerdict(geodata.Sea)
	free, now, long, shut := w.free.km, w.open.km, w.cape.km, w.shut
	for i, from := range w.out {
		for j, to := range w.in {
			a, b := &q.sites[from], &q.sites[to]
			if from == to || path.Distance(a.point, b.point) < 60 {
				continue
			}
			services := q.p.servicesBetween(geodata.Sea, a.stop(), b.stop())
			bySuez := finite(now[i][j]) && long[i][j] > now[i][j]*1.002
			for k := range services {
				s := &services[k]
				h := hop{mode: geodata.Sea, from: from, to: to, service: s, served: true, verdict: general}
				switch {
				case s.Via == "cape":
					h.km, h.avoid, h.key = long[i][j], w.cape.avoid, w.cape.key
				case s.Via == "suez" && !bySuez && len(services) > 1:
					// Not by the canal at all, or the canal is shut.
					if !finite(free[i][j]) || free[i][j] >= long[i][j]*0.998 {
						continue
					}
					h.km, h.avoid, h.key = free[i][j], w.free.avoid, w.free.key
					if h.verdict == 0 {
						h.verdict = q.passageVerdict("suez")
					}
				default:
					h.km, h.avoid, h.key = now[i][j], w.open.avoid, w.open.key
				}
				if !finite(h.km) && finite(free[i][j]) && len(shut) > 0 {
					h.km, h.avoid, h.key = free[i][j], w.free.avoid, w.free.key
					if h.verdict == 0 {
						h.verdict = q.passageVerdict(shut...)
					}
				}
				if !finite(h.km) {
					continue
				}
				class := [2]string{a.region, b.region}
				if s.Via == "express" {
					class = [2]string{s.Via, s.Via}
				}
				h.before = append(h.before, q.dwell(timetable.SeaExport, class[0], q.placeName(from)))
				for _, end := range []*site{a, b} {
					if q.byFeeder(&h, end) {
						h.after = append(h.after, q.dwell(timetable.SeaFeeder, "", "transhipment for "+end.terminal.Names.EN))
					}
				}
				h.after = append(h.after, q.dwell(timetable.SeaImport, class[1], q.placeName(to)))
				q.connect(h, q.token("sea", b.terminal.ID, s.Via), takesShip, q.passed(b.country))
			}
		}
	}
}

// byFeeder reports whether a liner between continents leaves a port to feeders:
// large ships call at main ports, unless a service names the port.
func (q *query) byFeeder(h *hop, end *site) bool {
	const linerKM = 6_000
	place := end.terminal.Place
	return h.km > linerKM && end.terminal.Tier != 1 && h.service.TransitH == 0 && !slices.Contains(h.service.From, place) && !slices.Contains(h.service.To, place)
}

func (q *query) passageVerdict(shut ...string) int32 {
	for _, p := range shut {
		if slices.Contains(q.avoidP, p) {
			return q.verdict(regime.Verdict{Rule: regime.UserAvoid, Reason: fmt.Sprintf("It needs the passage %q, which you asked to avoid.", p)})
		}
	}
	return q.verdict(regime.Verdict{Rule: regime.PassageClosed, Reason: fmt.Sprintf("It needs the passage %q, which is reported closed.", strings.Join(shut, ", "))})
}

// linkAir joins the airports.
func (q *query) linkAir() error {
	var fields []int32
	var points []orb.Point
	for i := range q.sites {
		if q.sites[i].kind == airport {
			fields = append(fields, int32(i))
			points = append(points, q.sites[i].point)
		}
	}
	if len(fields) < 2 {
		return nil
	}
	general := q.modeVerdict(geodata.Air)
	// A flight is planned around airspace when the user avoids a country, not for
	// what is closed to some: airlines that may not cross a country do not fly the
	// lane.
	avoid := geodata.Avoid{Countries: q.avoidC}
	key := avoidKey(geodata.Air, avoid)
	table, err := q.p.dist.table(q.ctx, geodata.Air, key, points, points, avoid)
	if err != nil {
		return err
	}
	for i, from := range fields {
		for j, to := range fields {
			a, b := &q.sites[from], &q.sites[to]
			if i == j || !finite(table[i][j]) || table[i][j] < 200 || !a.leaves || !b.arrives {
				continue
			}
			h := hop{mode: geodata.Air, from: from, to: to, km: table[i][j], key: key, avoid: avoid, served: true, verdict: general}
			if h.verdict == 0 {
				h.verdict = q.verdict(regime.Flight(a.country, b.country))
			}
			h.before = append(h.before, q.dwell(timetable.AirExport, a.region, q.placeName(from)))
			services := q.p.servicesBetween(geodata.Air, a.stop(), b.stop())
			for k := range services {
				s := &services[k]
				leg := h
				leg.service = s
				if v := regime.Lithium(geodata.Air, q.req.Cargo.UN, s.Belly, q.req.Cargo.Charge); v.Broken() && leg.verdict == 0 {
					leg.verdict = q.verdict(v)
				}
				q.connect(leg, q.token("air"), 0, q.passed(b.country))
			}
		}
	}
	return nil
}

// moving is how long a hop moves.
func (q *query) moving(h *hop, split []geodata.CountryKM) (p50, p90 float64) {
	if h.cross != nil {
		return 0, 0 // a ferry's crossing is in its dwell
	}
	if h.service.TransitH > 0 && h.trainKMH == 0 { // a timetable knows
		p50 = h.service.TransitH
		switch h.mode {
		case geodata.Sea:
			return p50, p50*1.05 + math.Min(96, 0.25*p50)
		case geodata.Air:
			return p50, p50 * q.p.times.Speed(geodata.Air, "", false).Spread
		}
	}
	switch h.mode {
	case geodata.Sea:
		kmh := h.service.KMH
		if kmh == 0 {
			kmh = seaKMH
		}
		p50 = h.km / kmh * (1 + h.service.Slack)
		// Late ships are 4.7 to 5.1 days late on average (rules.md); short lines
		// less, in proportion.
		return p50, p50*1.05 + math.Min(96, 0.25*p50)
	case geodata.Air:
		s := q.p.times.Speed(geodata.Air, "", false)
		p50 = h.km/s.KMH + 1
		return p50, p50 * s.Spread
	}
	if h.mode == geodata.Road && h.regime == tariff.Local {
		return q.localHaul(split)
	}
	for _, part := range split {
		s := q.p.times.Speed(h.mode, part.Country, regime.InEU(part.Country))
		kmh := s.KMH
		switch {
		case h.mode == geodata.Rail && h.trainKMH > 0:
			kmh = h.trainKMH
		case h.mode == geodata.Road:
			kmh = regime.DrivingSpeedKMH(s.KMH, q.drivers)
		}
		p50 += part.KM / kmh
		p90 += part.KM / kmh * s.Spread
	}
	return p50, p90
}

// localHaul is how long a lorry with one driver takes inside an area: through town
// at both ends, over country roads from there to the trunk road, and on at the
// moving speed of each country. The driver's breaks and daily rests are added to
// what is driven.
func (q *query) localHaul(split []geodata.CountryKM) (p50, p90 float64) {
	const townKM, countryKM = 30, 100 // both ends together (A)
	total := 0.0
	for _, part := range split {
		total += part.KM
	}
	if total <= 0 {
		return 0, 0
	}
	town, country := q.p.times.Speed(geodata.Road, timetable.InTown, false), q.p.times.Speed(geodata.Road, timetable.OnCountryRoads, false)
	slow := math.Min(total, townKM)
	middle := math.Min(total-slow, countryKM)
	trunk := (total - slow - middle) / total
	driven := slow/town.KMH + middle/country.KMH
	late := slow/town.KMH*town.Spread + middle/country.KMH*country.Spread
	for _, part := range split {
		s := q.p.times.Speed(geodata.Road, part.Country, regime.InEU(part.Country))
		driven += part.KM * trunk / s.KMH
		late += part.KM * trunk / s.KMH * s.Spread
	}
	rests := regime.RestHours(driven)
	return driven + rests, late + rests
}

// seaKMH is the 16 knots of the sea time model.
const seaKMH = 16 * 1.852

// prices are what a hop costs.
func (q *query) prices(h *hop, split []geodata.CountryKM) []tariff.Item {
	r := q.p.rates
	a, b := &q.sites[h.from], &q.sites[h.to]
	if h.cross != nil {
		return q.borderPrices(h, a, b)
	}
	switch h.mode {
	case geodata.Road:
		items := q.haul(h, func() []tariff.Item { return r.Road(q.goods, h.regime, split, regime.InEU) })
		if h.regime == tariff.TIR && a.kind != post {
			what := ""
			if v := regime.Vouchers(h.carnet); v > 0 {
				what = fmt.Sprintf("TIR carnet of %d vouchers", v)
			}
			items = append(items, r.Fee("fee.tir", what))
		}
		if h.regime == tariff.National && a.kind == post && b.kind == post {
			id := "fee.transit"
			if regime.InEU(a.country) {
				id = "fee.t1"
			}
			items = append(items, r.Fee(id, ""))
		}
		return items
	case geodata.Rail:
		train := tariff.Train{Through: h.through, Middle: h.middle}
		if a.country == b.country && (a.region == "ru-fareast") != (b.region == "ru-fareast") && !h.through {
			train.Lane = "rail.ru-fareast"
		}
		items := q.haul(h, func() []tariff.Item { return r.Rail(q.goods, split, train) })
		for _, end := range []int32{h.from, h.to} {
			if q.sites[end].kind == yard {
				what := "Handling at " + q.placeName(end)
				items = append(items, q.handling(h, end, what, r.RailHandling(q.goods, what)))
			}
		}
		return items
	case geodata.Sea:
		from, to := a.region, b.region
		if pair := from + " " + to; !strings.Contains("east-asia japan east-asia|japan east-asia", pair) && pair != "east-asia ru-fareast" && pair != "ru-fareast east-asia" {
			from, to = tradeRegion(from), tradeRegion(to)
		}
		russian := (a.country == "RU" && a.region != "ru-fareast") || (b.country == "RU" && b.region != "ru-fareast")
		voyage := tariff.Voyage{NM: h.km / 1.852, Russian: russian, Suez: h.service.Via == "suez", Express: h.service.Via == "express"}
		items := q.haul(h, func() []tariff.Item { return r.Sea(q.goods, from, to, voyage) })
		for _, end := range []int32{h.from, h.to} {
			what := "Port handling at " + q.placeName(end)
			items = append(items, q.handling(h, end, what, r.PortHandling(q.goods, q.sites[end].country, what)))
		}
		return items
	}
	items := q.haul(h, func() []tariff.Item {
		return r.Air(q.goods, timetable.AirRegion(a.country, a.point), timetable.AirRegion(b.country, b.point))
	})
	for _, end := range []int32{h.from, h.to} {
		what := "Air terminal at " + q.placeName(end)
		items = append(items, q.handling(h, end, what, r.AirHandling(q.goods, what)))
	}
	return items
}

// valueEUR is the value of the goods; 0: not given.
func (q *query) valueEUR() float64 {
	eur, ok := q.p.rates.USD(routing.Money{Amount: 1, Currency: "EUR"})
	if !ok {
		return 0
	}
	return q.value / eur
}

// tradeRegion lends the rates of the nearest lane to regions without their own.
func tradeRegion(region string) string {
	switch region {
	case "japan", "ru-fareast", "se-asia":
		return "east-asia"
	}
	return region
}

func (q *query) borderPrices(h *hop, a, b *site) []tariff.Item {
	r := q.p.rates
	var items []tariff.Item
	name := h.cross.Name
	if h.mode == geodata.Road {
		if a.country == "CN" {
			items = append(items, r.Fee("fee.border.CN", "Border cost out of China, "+name))
		} else {
			items = append(items, r.Fee("fee.border", "Border cost, "+name))
		}
		if b.country == "KZ" || a.country == "KZ" {
			items = append(items, r.Fee("fee.queue.KZ", ""))
		}
		if h.reload {
			items = append(items, r.Fee("fee.reload", "Change of lorry, "+name))
		}
		if h.regime == tariff.National {
			items = append(items, r.Fee("fee.transit", "Transit declaration, "+name))
		}
	} else if h.cross.GaugeChange {
		items = append(items, r.Fee("fee.rail-border", "Change of gauge, "+name))
	}
	if h.ferryKM > 0 {
		id := "fee.crossing"
		if h.cross.Serves(geodata.Sea) {
			id = "fee.ferry"
		}
		items = append(items, r.Fee(id, "Ferry, "+name))
	}
	return items
}

// emit is what a hop emits while moving.
func (q *query) emit(h *hop, split []geodata.CountryKM) emission.Result {
	switch {
	case h.cross != nil && h.ferryKM > 0:
		return q.p.factors.Ferry(q.load, h.ferryKM)
	case h.cross != nil:
		return emission.Result{}
	case h.mode == geodata.Sea:
		return q.p.factors.Voyage(q.load, h.km, h.service.Via)
	case h.mode == geodata.Air:
		return q.p.factors.Flight(q.load, path.Distance(q.sites[h.from].point, q.sites[h.to].point))
	}
	return q.p.factors.Land(h.mode, q.load, split, regime.InEU)
}

// hubs is what the handling at the ends of a hop emits, in kg.
func (q *query) hubs(h *hop) float64 {
	kg := 0.0
	q.eachHub(h, func(_ string, r emission.Result) { kg += r.KG })
	return kg
}

// eachHub calls do for every handling at the ends of a hop.
func (q *query) eachHub(h *hop, do func(where string, r emission.Result)) {
	if h.cross != nil {
		if h.cross.GaugeChange && h.mode == geodata.Rail || h.reload {
			do(h.cross.Name, q.p.factors.At(emission.Transhipment, q.load))
		}
		return
	}
	kind := emission.Transhipment
	switch h.mode {
	case geodata.Road:
		return
	case geodata.Sea:
		kind = emission.Maritime
	case geodata.Air:
		kind = emission.Warehouse
	}
	for _, end := range []int32{h.from, h.to} {
		if q.sites[end].kind != post {
			do(q.placeName(end), q.p.factors.At(kind, q.load))
		}
	}
}
