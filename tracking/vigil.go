package tracking

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
)

// Vigil is what has been told of a shipment, so that it is told once: where it is in
// the order of its plan, and what is out of the ordinary with it. Times are device
// times in Unix milliseconds; 0: not.
type Vigil struct {
	Started  int   `json:"started,omitempty"`   // legs begun
	Finished int   `json:"finished,omitempty"`  // legs ended
	Gates    int   `json:"gates,omitempty"`     // terminals of the plan come to
	Inside   bool  `json:"inside,omitempty"`    // it is in the last of them
	Border   bool  `json:"border,omitempty"`    // it is at the next border
	GateMS   int64 `json:"gate_ms,omitempty"`   // in that terminal since
	BorderMS int64 `json:"border_ms,omitempty"` // at that border since
	Long     bool  `json:"long,omitempty"`      // and that is told to be too long
	DoneMS   int64 `json:"done_ms,omitempty"`   // Progress.DoneKM was reached
	Base     Base  `json:"base,omitzero"`
	Off      bool  `json:"off,omitempty"` // off the corridor
	Stand    Stand `json:"stand,omitzero"`
	Risk     int   `json:"risk,omitempty"`   // number of the leg whose departure was told to be at risk
	Missed   int   `json:"missed,omitempty"` // number of the leg whose departure was told to be missed
	ToldMS   int64 `json:"told_ms,omitempty"`
	OutMS    int64 `json:"out_ms,omitempty"` // the temperature is out of its band
}

// Stand is where a unit has been standing.
type Stand struct {
	Lat  float64 `json:"lat"`
	Lon  float64 `json:"lon"`
	MS   int64   `json:"ms"`
	Told bool    `json:"told,omitempty"`
}

// Assumptions of what is near, long and worth telling: nobody publishes them. They are
// constants and no settings, so that every process and every replay tells the same.
const (
	borderZoneKM = 5    // before a post its queue begins
	gateMargin   = 1.3  // a terminal is left this much farther out than it is entered
	onAgainPart  = 0.8  // of the corridor's width: it is on the plan again
	riskChance   = 0.8  // of meeting a departure
	etaHours     = 1    // an ETA moves by at least so much
	etaPart      = 0.05 // and by this part of what is left
	terminalLong = 12 * time.Hour
)

// gateKM is how near a terminal of the plan is its gate; 0: no terminal. Ports are
// wide, and their point is at the quay.
func gateKM(kind string) float64 {
	switch kind {
	case "port":
		return 8
	case "airport":
		return 6
	case "rail-terminal":
		return 3
	}
	return 0
}

// standKM is how far a unit may swing and still stand.
func standKM(m geodata.Mode) float64 {
	switch m {
	case geodata.Sea:
		return 2
	case geodata.Air:
		return 3
	}
	return 0.5
}

// stopPatience is how long a unit may stand on the way before it is told. Lorries
// rest, trains let others pass, ships wait for a berth, and nobody plans it.
func stopPatience(m geodata.Mode) time.Duration {
	switch m {
	case geodata.Sea:
		return 12 * time.Hour
	case geodata.Rail:
		return 6 * time.Hour
	case geodata.Air:
		return 3 * time.Hour
	}
	return 90 * time.Minute
}

// silencePatience is how long nothing may be heard of a unit under way: lorries
// report every few minutes, trains pass deserts, ships are out of sight of shore,
// aircraft fly for as long as that.
func silencePatience(m geodata.Mode) time.Duration {
	switch m {
	case geodata.Sea:
		return 24 * time.Hour
	case geodata.Rail:
		return 6 * time.Hour
	case geodata.Air:
		return 14 * time.Hour
	}
	return time.Hour
}

// routeGate is a terminal of the plan.
type routeGate struct {
	at   orb.Point
	km   float64
	name string
	wait time.Duration // planned before the leg from here
}

// step is a shipment's unit at one fix.
type step struct {
	u      *unit
	sh     *shipment
	fix    *Fix
	along  float64 // km of the line
	off    float64 // km from it
	onPlan bool
}

func (f *folding) tell(s *step, kind, where, format string, args ...any) {
	lat, lon := s.fix.Lat, s.fix.Lon
	f.event(Event{Kind: kind, Time: s.fix.Time, Unit: s.u.id, Shipment: s.sh.ID, Where: where, Lat: &lat, Lon: &lon, Detail: fmt.Sprintf(format, args...)})
}

func (s *step) here() orb.Point { return orb.Point{s.fix.Lon, s.fix.Lat} }

// followLegs tells legs begun and ended, where a plan has several.
func (f *folding) followLegs(s *step, reached float64) {
	r, v := s.sh.route, &s.sh.progress.Vigil
	if len(r.legs) < 2 {
		return
	}
	for v.Finished < len(r.legs) {
		leg := &r.legs[v.Finished]
		if v.Started == v.Finished {
			if reached < math.Min(leg.from+departedKM, leg.to) || v.Started == 0 && s.sh.progress.Departed == nil {
				return
			}
			v.Started++
			f.tell(s, EventLegStarted, leg.name, "leg %d of %d by %s", v.Started, len(r.legs), leg.mode)
		}
		near := arrivalKM(leg.mode)
		if reached < leg.to-near && path.Distance(leg.end, s.here()) > near {
			return
		}
		v.Finished++
		f.tell(s, EventLegFinished, leg.endName, "leg %d of %d by %s", v.Finished, len(r.legs), leg.mode)
	}
}

// followGates tells terminals of the plan entered and left, in its order. One that a
// unit was never seen in is passed over.
func (f *folding) followGates(s *step) {
	r, v := s.sh.route, &s.sh.progress.Vigil
	if v.Inside {
		g := &r.gates[v.Gates-1]
		if path.Distance(g.at, s.here()) <= g.km*gateMargin {
			return
		}
		v.Inside, v.GateMS, v.Long = false, 0, false
		f.tell(s, EventGateOut, g.name, "")
	}
	for i := v.Gates; i < min(v.Gates+2, len(r.gates)); i++ {
		if g := &r.gates[i]; path.Distance(g.at, s.here()) <= g.km {
			v.Gates, v.Inside, v.GateMS, v.Long = i+1, true, s.fix.Time.UnixMilli(), false
			f.tell(s, EventGateIn, g.name, "")
			return
		}
	}
}

// followBorders tells posts come to and left.
func (f *folding) followBorders(s *step, reached float64) {
	r, p := s.sh.route, &s.sh.progress
	v := &p.Vigil
	for p.Borders < len(r.posts) && reached >= r.posts[p.Borders].at+passedKM {
		b := &r.posts[p.Borders].post
		p.Borders++
		if v.Border {
			v.Border, v.BorderMS, v.Long = false, 0, false
		}
		f.tell(s, EventBorder, b.Name, "%s → %s at %s", b.From, b.To, b.ID)
	}
	if p.Borders == len(r.posts) || !s.onPlan || p.Departed == nil {
		return
	}
	if b := &r.posts[p.Borders]; s.along >= b.at-borderZoneKM {
		ms := s.fix.Time.UnixMilli()
		if v.Border {
			v.BorderMS = min(v.BorderMS, ms) // one that came late
			return
		}
		v.Border, v.BorderMS, v.Long = true, ms, false
		f.tell(s, EventBorderEntered, b.post.Name, "%s → %s at %s", b.post.From, b.post.To, b.post.ID)
	}
}

// followStand tells what stands too long, where the plan lets it and where not.
func (f *folding) followStand(s *step) {
	r, p := s.sh.route, &s.sh.progress
	v := &p.Vigil
	ms := s.fix.Time.UnixMilli()
	mode := r.at(s.along).mode
	if st := &v.Stand; st.MS == 0 || path.Distance(orb.Point{st.Lon, st.Lat}, s.here()) > standKM(mode) {
		v.Stand = Stand{Lat: s.fix.Lat, Lon: s.fix.Lon, MS: ms}
	}
	if p.Departed == nil {
		return
	}
	since := func(from int64) time.Duration { return time.Duration(ms-from) * time.Millisecond }
	switch {
	case v.Border:
		b := &r.posts[p.Borders]
		if most := hours(b.dwell.p50 + b.dwell.above); !v.Long && since(v.BorderMS) > most {
			v.Long = true
			f.tell(s, EventDwellLong, b.post.Name, "%s at %s, of %s in nine of ten", span(since(v.BorderMS)), b.post.ID, span(most))
		}
	case v.Inside:
		g := &r.gates[v.Gates-1]
		if most := g.wait + terminalLong; !v.Long && since(v.GateMS) > most {
			v.Long = true
			f.tell(s, EventDwellLong, g.name, "%s, planned were %s", span(since(v.GateMS)), span(g.wait))
		}
	case !v.Stand.Told && since(v.Stand.MS) > stopPatience(mode) && !r.restsAt(s):
		v.Stand.Told = true
		f.tell(s, EventStopped, "", "for %s", span(since(v.Stand.MS)))
	}
}

// restsAt tells whether a unit is at an end of a leg, where it is expected to stand.
func (r *route) restsAt(s *step) bool {
	here := s.here()
	return path.Distance(r.start, here) <= arrivalKM(r.legs[0].mode) ||
		slices.ContainsFunc(r.legs, func(l routeLeg) bool { return path.Distance(l.end, here) <= arrivalKM(l.mode) })
}

// followCorridor tells that a unit has left the plan, and that it is back on it.
func (f *folding) followCorridor(s *step) {
	v := &s.sh.progress.Vigil
	width := corridorKM(s.sh.route.at(s.along).mode)
	switch {
	case s.sh.progress.Departed == nil:
	case !v.Off && s.off > width:
		v.Off = true
		f.tell(s, EventOffCorridor, "", "%.0f km from the plan", s.off)
	case v.Off && s.off <= width*onAgainPart:
		v.Off = false
		f.tell(s, EventOnCorridor, "", "")
	}
}

// followConnection tells that a departure will hardly be met, or has left.
func (f *folding) followConnection(s *step) {
	p := &s.sh.progress
	v, c := &p.Vigil, p.ETA.Connection
	if c == nil || p.Departed == nil {
		return
	}
	r := s.sh.route
	leg := 1 + slices.IndexFunc(r.legs, func(l routeLeg) bool { return l.every > 0 && s.along < l.from+passedKM })
	l := &r.legs[leg-1]
	switch there := s.along >= l.from-arrivalKM(l.mode) && s.onPlan; {
	case s.fix.Time.After(c.Departs) && !there && v.Missed < leg:
		v.Missed = leg
		f.tell(s, EventMissed, c.At, "%s left at %s", l.mode, c.Departs.UTC().Format("2006-01-02 15:04 MST"))
	case c.Chance < riskChance && v.Risk < leg && v.Missed < leg && !there:
		v.Risk = leg
		f.tell(s, EventAtRisk, c.At, "%.0f %% for the %s at %s", 100*c.Chance, l.mode, c.Departs.UTC().Format("2006-01-02 15:04 MST"))
	}
}

// followETA tells that the forecast has moved.
func (f *folding) followETA(s *step) {
	p := &s.sh.progress
	v := &p.Vigil
	if p.Departed == nil || s.fix.Simulated { // a demonstration runs faster than its plan all the time
		return
	}
	now := p.ETA.Arrive.P50
	if v.ToldMS == 0 {
		v.ToldMS = now.UnixMilli()
		return
	}
	told := time.UnixMilli(v.ToldMS).UTC()
	moved := now.Sub(told)
	if moved.Abs() < max(hours(etaHours), time.Duration(etaPart*float64(told.Sub(s.fix.Time)))) {
		return
	}
	v.ToldMS = now.UnixMilli()
	word := "later"
	if moved < 0 {
		word = "earlier"
	}
	f.tell(s, EventETAChanged, "", "%s %s: %s", span(moved.Abs()), word, now.Format("2006-01-02 15:04 MST"))
}

// span writes a time span for people.
func span(d time.Duration) string {
	d = d.Round(time.Minute)
	switch h := int(d.Hours()); {
	case h >= 72:
		return fmt.Sprintf("%d d %d h", h/24, h%24)
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d min", int(d.Minutes()))
}
