package tracking

import (
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/tracking/eta"
)

// How near a fix must be to count. Land and sea differ: a port's roads lie
// kilometres from its quay, a ship may keep well off the lane.
const (
	departedKM   = 2 // from the start of the plan
	passedKM     = 1 // beyond a border, so that GPS scatter in the queue does not cross it
	backSlackKM  = 5 // scatter, and turning round for a moment
	aheadSlackKM = 50
	halfwayPart  = 0.5 // no arrival before half the plan is done: round trips end where they begin
)

// arrivalKM is how near the destination a unit has arrived.
func arrivalKM(m geodata.Mode) float64 {
	switch m {
	case geodata.Sea:
		return 15
	case geodata.Air:
		return 10
	case geodata.Rail:
		return 5
	}
	return 3
}

// corridorKM is how far off its plan a unit may be and still be on it.
func corridorKM(m geodata.Mode) float64 {
	switch m {
	case geodata.Sea:
		return 150
	case geodata.Air:
		return 300
	}
	return 25
}

// topSpeedKMH bounds how far along a plan a unit can have come since its last fix.
func topSpeedKMH(m geodata.Mode) float64 {
	switch m {
	case geodata.Sea:
		return 75
	case geodata.Air:
		return 1200
	case geodata.Rail:
		return 250
	}
	return 140
}

// spread is a time as median and the distances from it to P10 and P90, in hours.
type spread struct{ p50, below, above float64 }

func spreadOf(h routing.Hours) spread {
	return spread{h.P50, math.Max(0, h.P50-h.P10), math.Max(0, h.P90-h.P50)}
}

// route is a shipment's plan prepared for fixes.
type route struct {
	line  *path.Line
	legs  []routeLeg
	posts []routePost
	gates []routeGate
	start orb.Point // where the goods are
	goal  orb.Point
	// scale makes the parts, added up, give the times the plan was sold with:
	// the sum of medians is not the median of the sum.
	scale    spread
	totalKM  float64
	handover float64 // hours from the end of the last leg to the arrival, at the median
	depart   time.Time
}

type routeLeg struct {
	mode     geodata.Mode
	from, to float64 // along the line, km
	startKM  float64 // distance of the plan before this leg; geometry is simplified, distance is not
	km       float64
	move     spread    // without the borders on it
	wait     float64   // hours before it, at the median
	departs  time.Time // when its service leaves by the plan; zero: when ready, or at unknown moments
	every    float64   // hours between its departures
	scale    spread    // makes the times of the parts, added up, those the plan was sold with
	run      int       // legs that follow each other by one mode without a wait go as one
	name     string    // of where it begins
	end      orb.Point
	endName  string
}

type routePost struct {
	at    float64 // along the line, km
	post  routing.Border
	dwell spread
}

// newRoute reads the plan. A leg without usable geometry is a great circle.
func newRoute(s *Shipment) *route {
	r := &route{
		depart: s.Option.Depart,
		start:  orb.Point{s.Origin.Lon, s.Origin.Lat}, goal: orb.Point{s.Destination.Lon, s.Destination.Lat},
	}
	legs := s.Option.Legs
	if len(legs) == 0 {
		legs = []routing.Leg{{Mode: geodata.Road, From: s.Origin, To: s.Destination, TransitHours: s.Option.TransitHours, DistanceKM: s.Option.DistanceKM}}
	}
	var whole orb.LineString
	var along float64
	for i := range legs {
		l := &legs[i]
		ls := lineOf(l)
		if len(whole) > 0 {
			along += path.Distance(whole[len(whole)-1], ls[0])
		}
		length := path.Length(ls)
		leg := routeLeg{mode: l.Mode, from: along, to: along + length, startKM: r.totalKM, km: l.DistanceKM, move: spreadOf(l.TransitHours)}
		if leg.km <= 0 {
			leg.km = length
		}
		before := s.Option.Depart
		if i > 0 {
			before = legs[i-1].Arrive
		}
		if !l.Depart.IsZero() && !before.IsZero() {
			leg.wait = math.Max(0, l.Depart.Sub(before).Hours())
		}
		if l.EveryHours > 0 && i > 0 {
			leg.departs, leg.every = l.Depart, l.EveryHours
		}
		for _, b := range l.Borders {
			d := spreadOf(b.DwellHours)
			// The leg's time holds its borders' dwell; what is left is movement.
			leg.move.p50 -= d.p50
			leg.move.below = math.Sqrt(math.Max(0, leg.move.below*leg.move.below-d.below*d.below))
			leg.move.above = math.Sqrt(math.Max(0, leg.move.above*leg.move.above-d.above*d.above))
			r.posts = append(r.posts, routePost{at: along + length*part(b.AtKM, leg.km), post: b, dwell: d})
		}
		leg.move.p50 = math.Max(0, leg.move.p50)
		if n := len(r.legs); n > 0 {
			leg.run = r.legs[n-1].run
			if before := &r.legs[n-1]; before.mode != leg.mode || leg.wait > 0 || leg.every > 0 {
				leg.run++
			}
		}
		leg.name, leg.endName, leg.end = l.From.Name.EN, l.To.Name.EN, orb.Point{l.To.Lon, l.To.Lat}
		if i == 0 {
			r.addGate(&l.From, leg.wait)
		} else if gateKM(legs[i-1].To.Kind) > 0 { // it waits where the leg before has brought it
			r.gates[len(r.gates)-1].wait = hours(leg.wait)
		}
		r.addGate(&l.To, 0)
		r.legs = append(r.legs, leg)
		r.totalKM += leg.km
		along += length
		whole = append(whole, ls...)
	}
	slices.SortStableFunc(r.posts, func(a, b routePost) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	if last := legs[len(legs)-1].Arrive; !last.IsZero() && !s.Option.Arrive.P50.IsZero() {
		r.handover = math.Max(0, s.Option.Arrive.P50.Sub(last).Hours())
	}
	r.line = path.NewLine(whole)
	r.scale = spread{1, 1, 1}
	all, want := r.remaining(0), spreadOf(s.Option.TransitHours)
	r.scale = spread{ratio(want.p50, all.p50), ratio(want.below, all.below), ratio(want.above, all.above)}
	r.scaleLegs(&s.Option)
	return r
}

// scaleLegs gives each leg its scale. Up to a departure by the clock the plan's own
// moments hold; behind the last of them what is left is scaled to the arrival the plan
// was sold with.
func (r *route) scaleLegs(o *routing.Option) {
	last := -1
	for i := range r.legs {
		r.legs[i].scale = spread{1, r.scale.below, r.scale.above}
		if r.legs[i].every > 0 {
			last = i
		}
	}
	if last < 0 {
		for i := range r.legs {
			r.legs[i].scale = r.scale
		}
		return
	}
	left := r.handover
	for i := last; i < len(r.legs); i++ {
		left += r.legs[i].move.p50
		if i > last {
			left += r.legs[i].wait
		}
	}
	for i := range r.posts {
		if r.posts[i].at > r.legs[last].from {
			left += r.posts[i].dwell.p50
		}
	}
	if o.Arrive.P50.IsZero() {
		return
	}
	for i := last; i < len(r.legs); i++ {
		r.legs[i].scale.p50 = ratio(o.Arrive.P50.Sub(r.legs[last].departs).Hours(), left)
	}
}

// addGate adds a terminal at which a leg begins or ends; other points have no gate.
func (r *route) addGate(p *routing.Point, wait float64) {
	if km := gateKM(p.Kind); km > 0 {
		r.gates = append(r.gates, routeGate{orb.Point{p.Lon, p.Lat}, km, p.Name.EN, hours(wait)})
	}
}

func ratio(want, have float64) float64 {
	if want <= 0 || have <= 0 {
		return 1
	}
	return want / have
}

func part(x, of float64) float64 {
	if of <= 0 {
		return 0
	}
	return math.Max(0, math.Min(1, x/of))
}

func lineOf(l *routing.Leg) orb.LineString {
	var ls orb.LineString
	if g, err := geojson.UnmarshalGeometry(l.Geometry); err == nil && len(l.Geometry) > 0 {
		switch g := g.Geometry().(type) {
		case orb.LineString:
			ls = g
		case orb.MultiLineString: // cut at ±180; path joins it again
			for _, p := range g {
				ls = append(ls, p...)
			}
		}
	}
	if len(ls) < 2 {
		ls = path.GreatCircle(orb.Point{l.From.Lon, l.From.Lat}, orb.Point{l.To.Lon, l.To.Lat}, 100)
	}
	return ls
}

// at tells the leg a point of the line is on.
func (r *route) at(along float64) *routeLeg {
	for i := range r.legs {
		if along <= r.legs[i].to {
			return &r.legs[i]
		}
	}
	return &r.legs[len(r.legs)-1]
}

// distance is the plan's distance to a point of the line.
func (r *route) distance(along float64) float64 {
	l := r.at(along)
	return l.startKM + l.km*part(along-l.from, l.to-l.from)
}

// alongOf is the inverse of distance.
func (r *route) alongOf(km float64) float64 {
	for i := range r.legs {
		if l := &r.legs[i]; km <= l.startKM+l.km || i == len(r.legs)-1 {
			return l.from + (l.to-l.from)*part(km-l.startKM, l.km)
		}
	}
	return 0
}

// remaining is the time from a point of the line to the end. The medians of the
// parts add up; their spreads are independent and add up in squares.
func (r *route) remaining(along float64) spread {
	t := spread{p50: r.handover}
	add := func(s spread, part float64) {
		t.p50 += s.p50 * part
		t.below += s.below * s.below * part // part of a stretch: variance is proportional to length
		t.above += s.above * s.above * part
	}
	for i := range r.legs {
		l := &r.legs[i]
		if along < l.from+passedKM { // it waits where it begins and where it changes
			t.p50 += l.wait
		}
		add(l.move, 1-part(along-l.from, l.to-l.from))
	}
	for i := range r.posts {
		if r.posts[i].at+passedKM > along {
			add(r.posts[i].dwell, 1)
		}
	}
	return spread{
		t.p50 * r.scale.p50,
		math.Sqrt(t.below) * r.scale.below,
		math.Sqrt(t.above) * r.scale.above,
	}
}

// project finds how far along a fix is. A plan may pass the same place twice, or
// come near itself: when the nearest point is behind what is done, or farther
// ahead than the unit can have come, a point between the two that is about as
// near is the right one. since is the time since the fix before; one that comes late,
// since less than 0, may lie anywhere behind.
func (r *route) project(p orb.Point, done float64, mode geodata.Mode, since time.Duration, first bool) (along, off float64) {
	along, off = r.line.Project(p)
	if first {
		return along, off
	}
	from, to := math.Max(0, done-backSlackKM), done+aheadSlackKM+topSpeedKMH(mode)*math.Abs(since.Hours())
	if since < 0 {
		from = 0
	}
	if along < from || along > to {
		if a, o := r.line.ProjectBetween(p, from, to); o <= off+backSlackKM {
			return a, o
		}
	}
	return along, off
}

// advance moves a shipment with its unit's new latest fix.
func (f *folding) advance(u *unit, sh *shipment, fix *Fix, before time.Time, first bool) {
	p := &sh.progress
	s := f.reach(u, sh, fix, fix.Time.Sub(before), first || p.ETA == nil)
	r := sh.route
	if s.onPlan {
		// A box goes by ship and then by rail: it is what carries it now.
		if m, err := modeByte(r.at(s.along).mode); err == nil && m != 0 {
			u.mode = m
		}
	}
	reached := r.alongOf(p.DoneKM)
	f.followGates(s)
	f.followLegs(s, reached)
	f.followBorders(s, reached)
	f.followStand(s)
	f.followCorridor(s)
	if f.arrive(s) {
		return
	}
	p.ETA = sh.eta(fix, s.along, s.off)
	f.followConnection(s)
	f.followETA(s)
}

// reach takes a fix into what is done of the plan, and tells that it has departed.
func (f *folding) reach(u *unit, sh *shipment, fix *Fix, since time.Duration, first bool) *step {
	if sh.route == nil {
		sh.route = newRoute(&sh.Shipment)
	}
	r, p := sh.route, &sh.progress
	s := &step{u: u, sh: sh, fix: fix}
	done := r.alongOf(p.DoneKM)
	s.along, s.off = r.project(s.here(), done, r.at(done).mode, since, first)
	s.onPlan = s.off <= corridorKM(r.at(s.along).mode)
	if s.onPlan {
		ms := fix.Time.UnixMilli()
		if d := r.distance(s.along); d > p.DoneKM || d == p.DoneKM && ms < p.Vigil.DoneMS {
			p.DoneKM, p.Vigil.DoneMS = d, ms
		}
		p.Vigil.Base = r.base(p.Vigil.Base, r.alongOf(p.DoneKM), s.along, ms)
	}
	f.progress = touch(f.progress, sh)
	if s.onPlan && r.distance(s.along) > departedKM && path.Distance(r.start, s.here()) > departedKM && (p.Departed == nil || fix.Time.Before(*p.Departed)) {
		told := p.Departed != nil
		t := fix.Time
		p.Departed = &t
		if !told {
			sh.Status = UnderWay
			f.moving[sh.ID] = sh
			f.shipments = touch(f.shipments, sh)
			f.tell(s, EventDeparted, sh.Origin.Name.EN, "")
		}
	}
	return s
}

// arrive ends a shipment whose unit is at the destination.
func (f *folding) arrive(s *step) bool {
	sh, r, p := s.sh, s.sh.route, &s.sh.progress
	last := &r.legs[len(r.legs)-1]
	if path.Distance(r.goal, s.here()) > arrivalKM(last.mode) || p.DoneKM < halfwayPart*r.totalKM {
		return false
	}
	f.followLegs(s, last.to)
	t := s.fix.Time
	p.Arrived, p.DoneKM = &t, r.totalKM
	sh.Status = Arrived
	sh.route = nil
	delete(f.moving, sh.ID)
	f.shipments = touch(f.shipments, sh)
	f.tell(s, EventArrived, sh.Destination.Name.EN, "")
	f.release(s.u, sh)
	s.u.brought(sh)
	p.ETA = arrivedETA(sh, r, s)
	return true
}

// arrivedETA is the forecast of what has arrived.
func arrivedETA(sh *shipment, r *route, s *step) *ETA {
	t := s.fix.Time
	return &ETA{
		Shipment: sh.ID, Made: t, Arrive: routing.Instants{P10: t, P50: t, P90: t},
		OnTime: onTime(sh.Promise, t), DoneKM: r.totalKM, TotalKM: r.totalKM, OffRouteKM: round1(s.off),
	}
}

// late takes a fix that is older than the unit's latest into what follows from all
// fixes, in whatever order they come: how far the shipment has been, and when it
// departed and arrived. What was told stays told.
func (f *folding) late(u *unit, fix *Fix) {
	f.sense(u, fix, true)
	counts := func(sh *shipment) bool { return sh != nil && sh.Assigned != nil && !fix.Time.Before(*sh.Assigned) }
	for _, sh := range slices.Clone(u.shipments) {
		if !counts(sh) {
			continue
		}
		s := f.reach(u, sh, fix, -time.Millisecond*time.Duration(1+u.ms-fix.Time.UnixMilli()), sh.progress.ETA == nil)
		reached := sh.route.alongOf(sh.progress.DoneKM)
		f.followLegs(s, reached)
		f.followBorders(s, reached)
		if f.arrive(s) {
			continue
		}
		// What is done may be more now: the forecast is still that of the latest fix.
		latest := u.state().Latest
		r := sh.route
		done := r.alongOf(sh.progress.DoneKM)
		along, off := r.project(orb.Point{latest.Lon, latest.Lat}, done, r.at(done).mode, 0, sh.progress.ETA == nil)
		sh.progress.ETA = sh.eta(latest, along, off)
	}
	sh := u.arrived
	if !counts(sh) || !fix.Time.Before(*sh.progress.Arrived) {
		return
	}
	r := newRoute(&sh.Shipment)
	s := &step{u: u, sh: sh, fix: fix}
	s.along, s.off = r.line.Project(s.here())
	p := &sh.progress
	last := &r.legs[len(r.legs)-1]
	if s.off <= corridorKM(r.at(s.along).mode) && r.distance(s.along) > departedKM && path.Distance(r.start, s.here()) > departedKM && fix.Time.Before(*p.Departed) {
		t := fix.Time
		p.Departed = &t
		f.progress = touch(f.progress, sh)
	}
	if path.Distance(r.goal, s.here()) <= arrivalKM(last.mode) && r.distance(s.along) >= halfwayPart*r.totalKM {
		t := fix.Time
		p.Arrived, p.ETA = &t, arrivedETA(sh, r, s)
		f.progress = touch(f.progress, sh)
	}
}

// Base is the first fix of the stretch that a unit is on: from where its pace is
// measured. Stretches end where it waits, at borders and where legs meet.
type Base struct {
	Stretch int     `json:"stretch"` // number; 0: none
	MS      int64   `json:"ms"`
	AlongKM float64 `json:"km"` // of the line
	// Marks are the first fixes in the last cells of the stretch that there are fixes
	// in, by cell: what is recent is measured from them.
	Marks []Mark `json:"marks,omitempty"`
}

// Mark is the first fix in a cell of a stretch.
type Mark struct {
	Cell    int     `json:"n"`
	MS      int64   `json:"ms"`
	AlongKM float64 `json:"km"`
}

const (
	cellsARun = 24
	mostMarks = 4 // cells
)

// mark takes a fix into the marks, which are not changed in place.
func (b *Base) mark(cellKM, along float64, ms int64) {
	m := Mark{int(along / cellKM), ms, along}
	i, found := slices.BinarySearchFunc(b.Marks, m.Cell, func(x Mark, c int) int { return x.Cell - c })
	switch {
	case found && b.Marks[i].MS <= ms, !found && i == 0 && len(b.Marks) == mostMarks:
		return
	case found:
		b.Marks = slices.Clone(b.Marks)
		b.Marks[i] = m
		return
	}
	list := make([]Mark, 0, mostMarks+1)
	list = append(append(append(list, b.Marks[:i]...), m), b.Marks[i:]...)
	b.Marks = list[max(0, len(list)-mostMarks):]
}

// stretch is the number of the stretch that a point of the line is on, and where it
// begins; 0 within what is left of a wait.
func (r *route) stretch(along float64) (n int, from float64) {
	n = 1
	for i := range r.legs {
		if l := &r.legs[i]; i == 0 || along > l.from && l.run != r.legs[i-1].run {
			n, from = n+1, l.from+departedKM
		}
	}
	for i := range r.posts {
		if at := r.posts[i].at + passedKM; along > at {
			n, from = n+1, math.Max(from, at)
		}
	}
	if along < from {
		return 0, from
	}
	return n, from
}

// base takes a fix, at a point and a time, into where the pace is measured from: the
// first by device time on the stretch that the shipment has come to.
func (r *route) base(b Base, done, along float64, ms int64) Base {
	now, _ := r.stretch(done)
	mine, _ := r.stretch(along)
	if now != b.Stretch {
		b = Base{}
	}
	if mine != now || now == 0 {
		return b
	}
	first, last := r.run(done)
	b.mark(math.Max(0.2, (last.to-first.from)/cellsARun), along, ms)
	if b.Stretch == 0 || ms < b.MS {
		b.Stretch, b.MS, b.AlongKM = now, ms, along
	}
	return b
}

// slowEnds are the stretches at both ends of a leg that take longer than the way
// between, in km, and how much longer, in hours at most: streets, yards, pilots, the
// climb and the approach. Assumptions.
func slowEnds(m geodata.Mode) (startKM, startHours, endKM, endHours float64) {
	switch m {
	case geodata.Sea:
		return 15, 0.8, 25, 1
	case geodata.Rail:
		return 5, 0.2, 5, 0.2
	case geodata.Air:
		return 50, 0.15, 100, 0.2
	}
	return 5, 0.05, 5, 0.05
}

// timeLeft is the part of the leg's time that lies ahead of a point of the line.
func (l *routeLeg) timeLeft(along float64) float64 {
	km := l.to - l.from
	if along <= l.from || km <= 0 {
		return 1
	}
	const atMost = 0.125 // of the leg, each end
	at := math.Min(along-l.from, km)
	startKM, start, endKM, end := slowEnds(l.mode)
	start, end = math.Min(atMost, ratio(start, l.move.p50)), math.Min(atMost, ratio(end, l.move.p50))
	startKM, endKM = math.Min(startKM, km/3), math.Min(endKM, km/3)
	return (1-start-end)*(1-at/km) + start*math.Max(0, 1-at/startKM) + end*math.Min(1, (km-at)/endKM)
}

// run is the first and the last leg of those that go as one with that at a point.
func (r *route) run(along float64) (first, last *routeLeg) {
	now := r.at(along).run
	for i := range r.legs {
		if l := &r.legs[i]; l.run == now {
			if first == nil {
				first = l
			}
			last = l
		}
	}
	return first, last
}

// runLeft is how many planned hours of moving lie ahead of a point until the end of
// the legs that go as one with it.
func (r *route) runLeft(along float64, run int) float64 {
	left := 0.0
	for i := range r.legs {
		if l := &r.legs[i]; l.run == run && along < l.to {
			left += l.move.p50 * l.scale.p50 * l.timeLeft(along)
		}
	}
	return left
}

// pace is how fast the shipment goes on its stretch, against the plan.
func (sh *shipment) pace(done float64) eta.Pace {
	r, b, v := sh.route, sh.progress.Vigil.Base, &sh.progress.Vigil
	first, last := r.run(done)
	if b.Stretch == 0 || done <= b.AlongKM || last.to <= first.from || b.AlongKM < first.from {
		return eta.Pace{}
	}
	total, left := r.runLeft(first.from, first.run), r.runLeft(done, first.run)
	hoursSince := func(ms int64) float64 { return float64(v.DoneMS-ms) / 3_600_000 }
	planned := func(from float64) float64 { return r.runLeft(from, first.run) - left }
	recentFrom, recentMS := done, v.DoneMS
	for _, m := range b.Marks { // the last that lies a whole cell back
		if m.Cell < b.Marks[len(b.Marks)-1].Cell-1 && m.AlongKM < done {
			recentFrom, recentMS = m.AlongKM, m.MS
		}
	}
	return eta.PaceOf(hoursSince(b.MS), planned(b.AlongKM), part(planned(b.AlongKM), total), hoursSince(recentMS), planned(recentFrom))
}

// ahead is how the rest of the way may go, in hours from a moment at which the unit is
// at a point of the line, and the chance to meet the next departure by the clock.
func (sh *shipment) ahead(now time.Time, along, off float64) (f eta.Forecast, next *routeLeg, chance float64) {
	r, v := sh.route, &sh.progress.Vigil
	scaled := func(s spread, by spread) eta.Spread {
		return eta.Spread{P50: s.p50 * by.p50, Below: s.below * by.below, Above: s.above * by.above}
	}
	sum := eta.Spread{}
	post := 0
	f = eta.Sure(sum)
	var paced *eta.Pace // asked for once
	onto := func() { f, sum = f.Then(sum), eta.Spread{} }
	for i := range r.legs {
		l := &r.legs[i]
		last := i == len(r.legs)-1
		if along > l.to && !last {
			continue
		}
		here := along >= l.from+passedKM || i == 0 && along > l.from // under way on it
		switch {
		case here && along >= l.from+passedKM:
		case l.every > 0:
			onto()
			d := eta.Departures{First: l.departs.Sub(now).Hours(), Every: l.every}
			if d.First < 0 && along >= l.from-arrivalKM(l.mode) && v.Missed != i+1 {
				d.First = 0 // it waits there, and so does what it waits for
			}
			var met float64
			f, met = f.Board(d)
			if next == nil {
				next, chance = l, met
			}
		default:
			sum.P50 += l.wait * l.scale.p50
		}
		left := l.timeLeft(along)
		pace := eta.Pace{}
		if now := r.at(along); l.run == now.run {
			if paced == nil {
				p := sh.pace(r.alongOf(sh.progress.DoneKM))
				paced = &p
			}
			pace = *paced
		}
		sum = sum.Plus(pace.Rest(scaled(l.move, l.scale), left))
		if width := corridorKM(l.mode); off > width && l.km > 0 && (along > l.from || i == 0) {
			sum.P50 += off / l.km * l.move.p50 * l.scale.p50 // the way back to the plan
			off = 0
		}
		for ; post < len(r.posts) && (last || r.posts[post].at <= l.to); post++ {
			b := &r.posts[post]
			if b.at+passedKM <= along {
				continue
			}
			dwell := scaled(b.dwell, l.scale)
			if v.Border && post == sh.progress.Borders {
				dwell = dwell.Left(math.Max(0, float64(now.UnixMilli()-v.BorderMS)/3_600_000))
			}
			sum = sum.Plus(dwell)
		}
	}
	sum.P50 += r.handover * r.legs[len(r.legs)-1].scale.p50
	return f.Then(sum), next, chance
}

// eta is the forecast from a point along the plan. Off the plan the way back to it is
// added as distance at the leg's own pace.
func (sh *shipment) eta(fix *Fix, along, off float64) *ETA {
	r := sh.route
	from := fix.Time
	if sh.progress.Departed == nil && r.depart.After(from) {
		from = r.depart
	}
	f, next, chance := sh.ahead(from, along, off)
	at := func(q float64) time.Time { return from.Add(hours(math.Max(0, f.Quantile(q)))) }
	e := &ETA{
		Shipment: sh.ID, Made: fix.Time,
		Arrive:  routing.Instants{P10: at(0.1), P50: at(0.5), P90: at(0.9)},
		DoneKM:  round1(sh.progress.DoneKM),
		TotalKM: round1(r.totalKM), OffRouteKM: round1(off),
	}
	if sh.Promise != nil {
		c := math.Round(1000*f.CDF(sh.Promise.Sub(from).Hours())) / 1000
		e.OnTime = &c
	}
	if next != nil {
		e.Connection = &Connection{At: next.name, Departs: next.departs, Chance: math.Round(1000*chance) / 1000}
	}
	if sh.progress.Borders < len(r.posts) {
		e.NextBorder = r.posts[sh.progress.Borders].post.ID
	}
	return e
}

// onTime is the chance that what arrived at a moment was in time.
func onTime(promise *time.Time, at time.Time) *float64 {
	if promise == nil {
		return nil
	}
	chance := 0.0
	if !at.After(*promise) {
		chance = 1
	}
	return &chance
}

func hours(h float64) time.Duration {
	return time.Duration(h * float64(time.Hour)).Round(time.Second)
}

func round1(km float64) float64 { return math.Round(km*10) / 10 }
