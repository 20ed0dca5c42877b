package replay

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/tracking"
)

// Forecasts are judged trip by trip: a trip is a run of positions of a unit without a
// long gap and without a long stand, that goes somewhere. Its way is taken as the plan
// of the journey, its times never are: they come from the other trips of the recording
// between the same ends, or, where there are none, from how fast the mode goes at all.

const (
	tripGap     = 20 * time.Minute
	tripStand   = 20 * time.Minute
	tripStandKM = 0.3
	tripKM      = 6.0
	tripFixes   = 12
	twinKM      = 2.0 // ends of twins lie within
	recentSpan  = 10 * time.Minute
)

// generalKMH is how fast a mode goes door to door, stops and all: an assumption that
// stands for a plan where a recording has no other trip of the same way.
func generalKMH(m geodata.Mode) float64 {
	switch m {
	case geodata.Sea:
		return 28
	case geodata.Rail:
		return 50
	case geodata.Air:
		return 750
	}
	return 45
}

// Horizon is how well arrivals were forecast when so much time was left.
type Horizon struct {
	From, To time.Duration
	Forecasts,
	Trips int
	Ours, Naive Quality
	Covered     float64 // part of the arrivals that lay between P10 and P90
}

// Quality is how good a forecast is.
type Quality struct {
	Within  float64       // part within the tolerance of the time left
	Median  float64       // median error, as a part of the time left
	Bias    time.Duration // median of forecast less arrival: above 0 it is too late
	forward []float64
	signed  []float64
}

// Accuracy is what Judge found.
type Accuracy struct {
	Tolerance float64 // a part of the time left, and at least AtLeast
	AtLeast   time.Duration
	Horizons  []Horizon
	Trips     int
	Twins     int // trips whose plan has its times from others
}

// trip is positions of one unit, by time.
type trip struct {
	unit  tracking.UnitID
	fixes []tracking.Position
	line  orb.LineString
	km    float64
}

func (t *trip) hours() float64 {
	return t.fixes[len(t.fixes)-1].Time.Sub(t.fixes[0].Time).Hours()
}

func at(p *tracking.Position) orb.Point { return orb.Point{p.Lon, p.Lat} }

// trips cuts a recording.
func trips(s Script) []trip {
	byUnit := map[tracking.UnitID][]tracking.Position{}
	var order []tracking.UnitID
	for _, p := range s.Positions {
		if byUnit[p.Unit] == nil {
			order = append(order, p.Unit)
		}
		if n := len(byUnit[p.Unit]); n > 0 && byUnit[p.Unit][n-1].Time.Unix() == p.Time.Unix() {
			continue
		}
		byUnit[p.Unit] = append(byUnit[p.Unit], p)
	}
	var out []trip
	for _, id := range order {
		fixes := byUnit[id]
		start, stand := 0, 0 // stand: the first fix at the place where it is
		for i := 1; i <= len(fixes); i++ {
			if i < len(fixes) {
				if path.Distance(at(&fixes[stand]), at(&fixes[i])) > tripStandKM {
					stand = i
				}
				long := stand < i && stand > start && fixes[i].Time.Sub(fixes[stand].Time) > tripStand
				if fixes[i].Time.Sub(fixes[i-1].Time) <= tripGap && !long {
					continue
				}
			}
			end := i
			if stand > start && stand < i && i < len(fixes) {
				end = stand + 1
			}
			if t := newTrip(id, fixes[start:end]); t != nil {
				out = append(out, *t)
			}
			start, stand = i, i
		}
	}
	return out
}

func newTrip(id tracking.UnitID, fixes []tracking.Position) *trip {
	// Before it moves and after it has come nothing is forecast.
	first, last := at(&fixes[0]), at(&fixes[len(fixes)-1])
	for len(fixes) > 1 && path.Distance(first, at(&fixes[1])) < tripStandKM {
		fixes = fixes[1:]
	}
	for n := len(fixes); n > 1 && path.Distance(last, at(&fixes[n-2])) < tripStandKM; n = len(fixes) {
		fixes = fixes[:n-1]
	}
	if len(fixes) < tripFixes {
		return nil
	}
	t := &trip{unit: id, fixes: fixes}
	for i := range fixes {
		t.line = append(t.line, at(&fixes[i]))
	}
	t.line = path.Simplify(t.line, 0.03)
	t.km = path.Length(t.line)
	if t.km < tripKM || path.Distance(t.line[0], t.line[len(t.line)-1]) < t.km/4 {
		return nil // it goes nowhere in particular
	}
	return t
}

// quarters is when a trip was through each quarter of its way, in hours from its start.
func (t *trip) quarters() (out [parts + 1]float64) {
	done, next := 0.0, 1
	for i := 1; i < len(t.fixes); i++ {
		done += path.Distance(at(&t.fixes[i-1]), at(&t.fixes[i]))
		for ; next < parts && done >= t.km*float64(next)/parts; next++ {
			out[next] = t.fixes[i].Time.Sub(t.fixes[0].Time).Hours()
		}
	}
	for ; next <= parts; next++ {
		out[next] = t.hours()
	}
	return out
}

const parts = 4 // legs of a plan whose times are those of other trips

// plan is the shipment a trip is followed as.
func (t *trip) plan(mode geodata.Mode, all []trip) (s tracking.Shipment, twin bool) {
	var others []*trip
	for i := range all {
		o := &all[i]
		if o != t && path.Distance(o.line[0], t.line[0]) < twinKM && path.Distance(o.line[len(o.line)-1], t.line[len(t.line)-1]) < twinKM && math.Abs(o.km-t.km) < t.km/5 {
			others = append(others, o)
		}
	}
	p50 := t.km / generalKMH(mode)
	total := routing.Hours{P10: p50 / 1.5, P50: p50, P90: p50 * 1.6}
	legs := []routing.Hours{total}
	if twin = len(others) >= 2; twin {
		spread := func(of func(*trip) float64) routing.Hours {
			list := make([]float64, len(others))
			for i, o := range others {
				list[i] = of(o) * t.km / o.km
			}
			slices.Sort(list)
			pick := func(q float64) float64 { return list[int(math.Round(q*float64(len(list)-1)))] }
			return routing.Hours{P10: math.Min(pick(0.1), 0.9*pick(0.5)), P50: pick(0.5), P90: math.Max(pick(0.9), 1.1*pick(0.5))}
		}
		total = spread((*trip).hours)
		legs = nil
		for k := range parts {
			legs = append(legs, spread(func(o *trip) float64 { q := o.quarters(); return q[k+1] - q[k] }))
		}
	}
	whole := path.NewLine(t.line)
	now := t.fixes[0].Time
	s = tracking.Shipment{ID: "trip", Opened: now, Status: tracking.Planned}
	s.Option = routing.Option{TransitHours: total, DistanceKM: t.km, Depart: now}
	for k, h := range legs {
		from, to := whole.Length()*float64(k)/float64(len(legs)), whole.Length()*float64(k+1)/float64(len(legs))
		piece := whole.Slice(from, to)
		g, _ := path.GeoJSON(piece)
		then := now.Add(time.Duration(h.P50 * float64(time.Hour)))
		s.Option.Legs = append(s.Option.Legs, routing.Leg{
			Mode: mode, From: pointOf(piece[0]), To: pointOf(piece[len(piece)-1]),
			DistanceKM: t.km / float64(len(legs)), TransitHours: h, Depart: now, Arrive: then, Geometry: g,
		})
		now = then
	}
	s.Origin, s.Destination = s.Option.Legs[0].From, s.Option.Legs[len(legs)-1].To
	return s, twin
}

func pointOf(p orb.Point) routing.Point { return routing.Point{Lon: p[0], Lat: p[1]} }

// naive forecasts by the distance that is left along the way over the speed of the
// last minutes.
type naive struct {
	line  *path.Line
	total float64
	seen  []seen
}

type seen struct {
	at    time.Time
	along float64
}

func (n *naive) left(p *tracking.Position) (time.Duration, bool) {
	along, _ := n.line.Project(at(p))
	n.seen = append(n.seen, seen{p.Time, along})
	for len(n.seen) > 2 && p.Time.Sub(n.seen[0].at) > recentSpan {
		n.seen = n.seen[1:]
	}
	first := n.seen[0]
	km, hours := along-first.along, p.Time.Sub(first.at).Hours()
	if !(km > 0 && hours > 0) {
		return 0, false // it stands: there is no such forecast
	}
	left := (n.total - along) / (km / hours)
	return time.Duration(math.Min(left, 24*365) * float64(time.Hour)), true
}

// Judge follows the trips of a recording as shipments and compares each forecast with
// the arrival, beside the naive one of the same moment. What stands still, and so has
// no naive forecast, is left out of both.
func Judge(s Script, mode geodata.Mode) (Accuracy, error) {
	a := Accuracy{Tolerance: 0.15, AtLeast: time.Minute}
	for _, edge := range []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute, 3 * time.Hour, 12 * time.Hour} {
		if n := len(a.Horizons); n > 0 {
			a.Horizons[n-1].To = edge
		}
		a.Horizons = append(a.Horizons, Horizon{From: edge})
	}
	all := trips(s)
	for i := range all {
		if err := a.follow(&all[i], mode, all); err != nil {
			return a, err
		}
	}
	a.Trips = len(all)
	for i := range a.Horizons {
		h := &a.Horizons[i]
		h.Ours.sum()
		h.Naive.sum()
		if h.Forecasts > 0 {
			h.Covered /= float64(h.Forecasts)
		}
	}
	a.Horizons = slices.DeleteFunc(a.Horizons, func(h Horizon) bool { return h.Forecasts == 0 })
	return a, nil
}

func (a *Accuracy) follow(t *trip, mode geodata.Mode, all []trip) error {
	sh, twin := t.plan(mode, all)
	if twin {
		a.Twins++
	}
	state := tracking.NewState()
	seq := uint64(0)
	apply := func(e tracking.Entry) error {
		seq++
		_, err := state.Apply(seq, e)
		return err
	}
	if err := apply(&tracking.ShipmentOpened{Shipment: sh}); err != nil {
		return err
	}
	if err := apply(&tracking.UnitAssigned{Shipment: sh.ID, Unit: t.unit, Mode: mode, At: sh.Opened}); err != nil {
		return err
	}
	arrival := t.fixes[len(t.fixes)-1].Time
	n := naive{line: path.NewLine(t.line), total: path.NewLine(t.line).Length()}
	counted := map[*Horizon]bool{}
	for i := range t.fixes {
		p := &t.fixes[i]
		if err := apply(&tracking.Positions{Received: p.Time, Mode: mode, Positions: []tracking.Position{*p}}); err != nil {
			return err
		}
		guess, moves := n.left(p)
		_, progress, _ := state.Shipment(sh.ID)
		left := arrival.Sub(p.Time)
		if progress.Departed == nil || progress.Arrived != nil || !moves || left <= 0 {
			continue
		}
		k, _ := slices.BinarySearchFunc(a.Horizons, left, func(h Horizon, d time.Duration) int { return cmp.Compare(h.From, d) })
		h := &a.Horizons[k-1]
		h.Forecasts++
		if !counted[h] {
			counted[h] = true
			h.Trips++
		}
		eta := progress.ETA.Arrive
		h.Ours.add(eta.P50.Sub(arrival), left, a)
		h.Naive.add(p.Time.Add(guess).Sub(arrival), left, a)
		if !arrival.Before(eta.P10) && !arrival.After(eta.P90) {
			h.Covered++
		}
	}
	return nil
}

func (q *Quality) add(wrong, left time.Duration, a *Accuracy) {
	q.signed = append(q.signed, wrong.Seconds())
	q.forward = append(q.forward, math.Abs(wrong.Seconds())/left.Seconds())
	if wrong.Abs() <= max(a.AtLeast, time.Duration(a.Tolerance*float64(left))) {
		q.Within++
	}
}

func (q *Quality) sum() {
	n := len(q.signed)
	if n == 0 {
		return
	}
	slices.Sort(q.signed)
	slices.Sort(q.forward)
	q.Within /= float64(n)
	q.Median = q.forward[n/2]
	q.Bias = time.Duration(q.signed[n/2] * float64(time.Second)).Round(time.Second)
}

// Write prints the table.
func (a Accuracy) Write(w io.Writer) error {
	if len(a.Horizons) == 0 {
		_, err := fmt.Fprintf(w, "No trip to judge: none of %g km, %d positions and without %s of standing or silence.\n", tripKM, tripFixes, tripGap)
		return err
	}
	fmt.Fprintf(w, "%d trips, %d of them planned by the times of others on the same way, the rest by how fast the mode goes (assumption).\n", a.Trips, a.Twins)
	fmt.Fprintf(w, "within: at most %.0f %% of the time left, or %s, from the arrival. naive: distance left by the way over the speed of the last %s.\n\n", 100*a.Tolerance, a.AtLeast, recentSpan)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "time left\ttrips\tforecasts\twithin\tnaive\tmedian error\tnaive\tbias\tnaive\tin P10–P90\t")
	for i := range a.Horizons {
		h := &a.Horizons[i]
		to := "…"
		if h.To > 0 {
			to = short(h.To)
		}
		fmt.Fprintf(t, "%s–%s\t%d\t%d\t%.0f %%\t%.0f %%\t%.0f %%\t%.0f %%\t%s\t%s\t%.0f %%\t\n", short(h.From), to, h.Trips, h.Forecasts,
			100*h.Ours.Within, 100*h.Naive.Within, 100*h.Ours.Median, 100*h.Naive.Median, signed(h.Ours.Bias), signed(h.Naive.Bias), 100*h.Covered)
	}
	return t.Flush()
}

func short(d time.Duration) string {
	if d >= 3*time.Hour {
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}

func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}
