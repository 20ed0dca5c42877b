// Package eta adds up times that are not certain: what is left of a way, of a wait,
// and which departure will be met. It is pure arithmetic in hours from now; what lies
// ahead of a shipment is its caller's to say.
//
// A Spread is one time: a median and how far P10 and P90 lie from it, a normal
// distribution of its own width on either side. A Forecast is several ways it may go,
// each with its chance: who misses a weekly sailing is a week late, and no single
// spread says so.
package eta

import (
	"math"
)

// z90 is how many standard deviations P90 lies from the median.
const z90 = 1.2815515655446004

// Spread is a time in hours: its median, and the distances from it to P10 and P90,
// neither below 0.
type Spread struct{ P50, Below, Above float64 }

// Plus is the sum of independent times. Medians add up and variances add up; that is
// exact for normal distributions and near enough for skew ones.
func (s Spread) Plus(o Spread) Spread {
	return Spread{s.P50 + o.P50, math.Hypot(s.Below, o.Below), math.Hypot(s.Above, o.Above)}
}

// CDF is the chance that the time is at most h.
func (s Spread) CDF(h float64) float64 {
	width := s.Above
	if h < s.P50 {
		width = s.Below
	}
	switch width /= z90; {
	case width > 0:
		return 0.5 * math.Erfc((s.P50-h)/width/math.Sqrt2)
	case h >= s.P50:
		return 1
	}
	return 0
}

// Quantile is the time that is not exceeded with the chance q in (0, 1).
func (s Spread) Quantile(q float64) float64 {
	z := math.Sqrt2 * math.Erfinv(2*q-1) / z90
	if z < 0 {
		return s.P50 + z*s.Below
	}
	return s.P50 + z*s.Above
}

// Left is what is left of a time that has lasted for so many hours already and is not
// over. Of a wait much longer than it ever should be, little is known: what is left is
// then a tenth of what has passed.
func (s Spread) Left(passed float64) Spread {
	over := 1 - s.CDF(passed)
	if over < 0.005 {
		return Spread{passed / 10, passed / 10, passed / 5}
	}
	at := func(q float64) float64 { return math.Max(0, s.Quantile(1-(1-q)*over)-passed) }
	p50 := at(0.5)
	return Spread{p50, p50 - at(0.1), at(0.9) - p50}
}

// Way is one way it may go.
type Way struct {
	Chance float64 // in (0, 1]; those of a Forecast add up to 1
	Spread
}

// Forecast is how it may go, the ways by time.
type Forecast []Way

// Sure is a forecast of one way.
func Sure(s Spread) Forecast { return Forecast{{1, s}} }

// Then is what comes after, whichever way it went.
func (f Forecast) Then(s Spread) Forecast {
	out := make(Forecast, len(f))
	for i, w := range f {
		out[i] = Way{w.Chance, w.Plus(s)}
	}
	return out
}

// Departures are moments at which a service leaves, in hours from now.
type Departures struct {
	First float64 // the planned one; below 0 when it has left
	Every float64 // hours between departures, above 0
}

// mostWays bounds how finely missed departures are told apart.
const mostWays = 8

// Board waits for the first departure after arrival and goes with it. It also returns
// the chance to meet the planned one.
func (f Forecast) Board(d Departures) (Forecast, float64) {
	met := 0.0
	if d.First >= 0 {
		met = f.CDF(d.First)
	}
	at := d.First
	if at < 0 {
		at += math.Ceil(-at/d.Every) * d.Every
	}
	// Departures that nobody is early enough for are passed over at once.
	if early := f.Quantile(0.0005); early > at {
		at += math.Ceil((early-at)/d.Every) * d.Every
	}
	if late := f.Quantile(0.995); (late-at)/d.Every > mostWays-2 {
		// They leave so often that it is a wait of half the time between, somewhere.
		return f.Then(Spread{d.Every / 2, 0.4 * d.Every, 0.4 * d.Every}), met
	}
	var out Forecast
	before := 0.0
	for len(out) < mostWays-1 && before < 0.995 {
		if c := f.CDF(at); c-before > 0.001 {
			out = append(out, Way{c - before, Spread{P50: at}})
			before = c
		}
		at += d.Every
	}
	if len(out) == 0 {
		return Sure(Spread{P50: at}), met
	}
	if rest := 1 - before; rest > 0 {
		if before >= 0.995 {
			out[len(out)-1].Chance += rest
		} else {
			out = append(out, Way{rest, Spread{P50: at}})
		}
	}
	return out, met
}

// CDF is the chance that it is over within h hours.
func (f Forecast) CDF(h float64) float64 {
	c := 0.0
	for i := range f {
		c += f[i].Chance * f[i].CDF(h)
	}
	return math.Min(1, c)
}

// Quantile is the time in hours that is not exceeded with the chance q in (0, 1).
func (f Forecast) Quantile(q float64) float64 {
	if len(f) == 1 {
		return f[0].Quantile(q)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for i := range f {
		low, high = math.Min(low, f[i].Quantile(min(q, 0.001))), math.Max(high, f[i].Quantile(max(q, 0.999)))
	}
	const minute = 1.0 / 60
	for high-low > minute/4 {
		if middle := (low + high) / 2; f.CDF(middle) < q {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// Pace is what a unit's way so far says of the rest of its leg. The zero value is a
// unit that nothing is known of.
type Pace struct {
	seen    float64 // hours needed over hours planned
	recent  float64 // the same of the last of the way
	hasPart float64 // part of the leg that seen is of
}

// What lasts and what passes. Assumptions, checked by corridor replay --eta: a plan's
// spread is for the greater part not knowing how fast this unit goes at all, and that
// lasts; of how fast it went just now a part lasts for a while.
const (
	passing    = 0.2 // relative spread, as a standard deviation, that passes along a leg
	leastLast  = 0.3 // part of the variance that lasts, where a plan is surer than that
	mostLast   = 0.7
	recentLast = 0.5  // part of what is recent that goes on
	recentLeg  = 0.15 // for about this part of a leg
	slowest    = 4.0  // times the plan; what is slower stands
)

// PaceOf compares hours that were needed for a part (0 to 1] of a leg with hours that
// were planned for it, and the same of the last of it; recentPlanned of 0: nothing is
// known of that.
func PaceOf(needed, planned, part, recentNeeded, recentPlanned float64) Pace {
	if !(planned > 0) || !(part > 0) {
		return Pace{}
	}
	ratio := func(a, b float64) float64 { return math.Max(1/slowest, math.Min(slowest, a/b)) }
	p := Pace{seen: ratio(needed, planned), hasPart: part}
	p.recent = p.seen
	if recentPlanned > 0 {
		p.recent = ratio(recentNeeded, recentPlanned)
	}
	return p
}

// lasting is the part of a leg's variance that lasts all along it.
func lasting(leg Spread) float64 {
	relative := (leg.Below + leg.Above) / 2 / z90 / leg.P50
	if !(relative > 0) {
		return leastLast
	}
	return math.Max(leastLast, math.Min(mostLast, 1-passing*passing/relative/relative))
}

// Rest is the part of a leg (0 to 1) that is ahead, at the pace. Of the variance the
// lasting part is what the pace has not told yet, the other grows with the way.
func (p Pace) Rest(leg Spread, part float64) Spread {
	if !(leg.P50 > 0) {
		return Spread{leg.P50 * part, leg.Below * math.Sqrt(part), leg.Above * math.Sqrt(part)}
	}
	last := lasting(leg)
	sure, factor := 0.0, 1.0
	if p.hasPart > 0 {
		sure = p.hasPart * last / (p.hasPart*last + 1 - last)
		factor = 1 + sure*(p.seen-1)
		if part > 0 {
			soon := recentLast * recentLeg / part * (1 - math.Exp(-part/recentLeg))
			factor += soon * math.Min(1, p.hasPart/recentLeg) * (p.recent - factor)
		}
	}
	wide := math.Sqrt(last*(1-sure)*part*part + (1-last)*part)
	return Spread{leg.P50 * part * factor, leg.Below * wide, leg.Above * wide}
}
