// Package plausible tells which of a unit's fixes cannot be where it was: jumps of
// the receiver, coordinates swapped or of the wrong hemisphere, places where a
// receiver stands still that is carried on, noise about a parked unit. It is pure
// and keeps everything: a doubtful fix is flagged, not dropped.
//
// A Judge follows a unit fix by fix, as live state needs it; Track judges a whole
// history, where what follows helps to judge what went before.
//
// What may be surprising and is right is not doubted: a gap in a tunnel, a ferry that
// carries a lorry, a container that is flown on. Limits of speed are those of what may
// carry a unit, not of traffic law.
package plausible

import (
	"fmt"
	"math"

	"corridor/geodata"
)

// Doubt is why a fix is not believed.
type Doubt uint8

// Doubts.
const (
	None     Doubt = iota
	Jump           // too far from the fix before it for anything that may carry the unit
	Swapped        // a jump that is none with latitude and longitude exchanged
	Mirrored       // a jump that is none in another hemisphere
	Null           // 0, 0: what a receiver says that does not know
	Frozen         // the very same place as before at a speed: a receiver in a tunnel
	Parked         // noise about a unit that stands; the unit is where it was
)

// names are on the wire and in metrics.
var names = [...]string{"", "jump", "swapped", "mirrored", "null", "frozen", "parked"} //nolint:gochecknoglobals // a table

// Doubts lists all kinds but None.
func Doubts() []Doubt { return []Doubt{Jump, Swapped, Mirrored, Null, Frozen, Parked} }

func (d Doubt) String() string {
	if int(d) < len(names) {
		return names[d]
	}
	return fmt.Sprintf("doubt %d", uint8(d))
}

// MarshalText writes the name.
func (d Doubt) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the name.
func (d *Doubt) UnmarshalText(b []byte) error {
	for i, n := range names {
		if n == string(b) {
			*d = Doubt(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no doubt known here", b)
}

// Misplaces tells whether the unit was somewhere else.
func (d Doubt) Misplaces() bool { return d >= Jump && d <= Null }

// Point is a fix as far as it matters here.
type Point struct {
	MS        int64   `json:"ms"`  // device time, Unix milliseconds
	Lat       float64 `json:"lat"` // degrees
	Lon       float64 `json:"lon"`
	SpeedKMH  float64 `json:"kmh,omitempty"` // what the device says; 0: it stands or does not say
	AccuracyM float64 `json:"m,omitempty"`   // 0: not said
}

// TopKMH is what nothing that carries a unit of the mode goes faster than: a lorry
// may be on a ferry or a train, a container on whatever its plan has. An assumption
// with room above the fastest of the kind in service.
func TopKMH(m geodata.Mode) float64 {
	switch m {
	case geodata.Sea:
		return 110 // fast ferries: 58 knots
	case geodata.Rail:
		return 360
	case geodata.Air:
		return airKMH
	}
	return 180
}

const (
	airKMH = 1350 // with a jet stream behind

	slackKM    = 0.3 // receivers scatter
	slackHours = 2.0 / 3600
	// mostAccuracyKM bounds what a bad accuracy may excuse.
	mostAccuracyKM = 5.0

	// confirming fixes that agree with each other outweigh the one they contradict.
	confirming = 3
	// hopeless is after how many doubted fixes in a row the newest is taken: whatever
	// the truth is, it is not the place of long ago.
	hopeless = 10

	parkedM     = 40 // scatter of a standing receiver
	movingKMH   = 8
	kmPerDegree = 111.195
	sameDegrees = 1.5e-7 // coordinates are kept to 1e-7
	frozenAtKMH = 20
)

// reachable tells whether b can follow a at the top speed.
func reachable(a, b *Point, topKMH float64) bool {
	return distanceKM(a.Lat, a.Lon, b.Lat, b.Lon) <= reachKM(a, b, topKMH)
}

func reachKM(a, b *Point, topKMH float64) float64 {
	hours := math.Abs(float64(b.MS-a.MS))/3_600_000 + slackHours
	if said := 1.25 * b.SpeedKMH; said > topKMH {
		topKMH = math.Min(said, airKMH)
	}
	return topKMH*hours + slackKM + math.Min((a.AccuracyM+b.AccuracyM)/1000, mostAccuracyKM)
}

// distanceKM is exact enough for a limit and costs a tenth where points are near.
func distanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	dLat, dLon := lat2-lat1, math.Mod(lon2-lon1+540, 360)-180
	if math.Abs(dLat) < 0.5 && math.Abs(dLon) < 0.5 && math.Abs(lat1) < 85 {
		x := dLon * math.Cos((lat1+lat2)/2*math.Pi/180)
		return kmPerDegree * math.Sqrt(x*x+dLat*dLat)
	}
	const rad = math.Pi / 180
	s := math.Sin(dLat * rad / 2)
	t := math.Sin(dLon * rad / 2)
	h := s*s + math.Cos(lat1*rad)*math.Cos(lat2*rad)*t*t
	return 2 * kmPerDegree / rad * math.Asin(math.Sqrt(math.Min(1, h)))
}

// Judge is what has to be remembered of a unit besides its last believed fix. Its
// zero value is right for nearly every unit at nearly every time.
type Judge struct {
	Run     []Point `json:"run,omitempty"`     // newest doubted fixes that agree with each other, at most two
	Doubted int     `json:"doubted,omitempty"` // in a row
	Fast    bool    `json:"fast,omitempty"`    // it goes faster than its mode, time and again
	// FrozenMS is when the unit was first at the place where its receiver stands
	// still; 0: it does not.
	FrozenMS int64 `json:"frozen_ms,omitempty"`
}

// IsZero tells whether there is nothing to remember.
func (j *Judge) IsZero() bool {
	return len(j.Run) == 0 && j.Doubted == 0 && !j.Fast && j.FrozenMS == 0
}

// Next judges a fix that is newer than all before it. last is the newest believed
// one, nil before the first; topKMH is TopKMH of what may carry the unit. A fix with
// a Doubt that Misplaces is not believed, every other is. Runs are replaced, never
// changed in place.
func (j *Judge) Next(last *Point, now Point, topKMH float64) Doubt {
	if math.Abs(now.Lat) < 1e-6 && math.Abs(now.Lon) < 1e-6 {
		j.Doubted++
		return Null
	}
	if last == nil {
		return None
	}
	from := *last
	if j.FrozenMS != 0 && j.FrozenMS < from.MS {
		from.MS = j.FrozenMS
	}
	if j.Fast {
		topKMH = airKMH
	}
	if reachable(&from, &now, topKMH) {
		j.Run, j.Doubted = nil, 0
		return j.still(last, &now)
	}
	j.Doubted++
	agree := len(j.Run) > 0 && reachable(&j.Run[len(j.Run)-1], &now, topKMH)
	switch {
	case agree && len(j.Run)+1 >= confirming:
		*j = Judge{Fast: j.Fast}
		return None
	case !agree && j.Doubted >= confirming && len(j.Run) > 0 && reachable(last, &now, airKMH) && reachable(&j.Run[len(j.Run)-1], &now, airKMH):
		*j = Judge{Fast: true}
		return None
	case j.Doubted >= hopeless:
		*j = Judge{Fast: j.Fast}
		return None
	}
	run := make([]Point, 0, confirming-1)
	if agree {
		run = append(run, j.Run[max(0, len(j.Run)+2-confirming):]...)
	}
	j.Run = append(run, now)
	return jumpOf(&from, now, topKMH)
}

// jumpOf tells what made a jump, as far as that can be seen.
func jumpOf(from *Point, now Point, topKMH float64) Doubt {
	as := func(lat, lon float64) bool {
		p := now
		p.Lat, p.Lon = lat, lon
		return reachable(from, &p, topKMH)
	}
	switch {
	case math.Abs(now.Lon) <= 90 && as(now.Lon, now.Lat):
		return Swapped
	case as(-now.Lat, now.Lon), as(now.Lat, -now.Lon), as(-now.Lat, -now.Lon):
		return Mirrored
	}
	return Jump
}

// still tells a receiver that stands still from a unit that does.
func (j *Judge) still(last, now *Point) Doubt {
	same := math.Abs(now.Lat-last.Lat) < sameDegrees && math.Abs(now.Lon-last.Lon) < sameDegrees
	switch {
	case same && now.SpeedKMH >= frozenAtKMH:
		if j.FrozenMS == 0 {
			j.FrozenMS = last.MS
		}
		return Frozen
	case same && j.FrozenMS != 0:
		return Frozen
	case j.FrozenMS != 0:
		j.FrozenMS = 0
	}
	return None
}

// Track judges a history: points by time, each of another moment. What follows a
// doubted fix may clear it, and noise about a parked unit is told too. top is asked
// once.
func Track(points []Point, topKMH float64) []Doubt {
	out := make([]Doubt, len(points))
	var j Judge
	last := -1
	var doubted []int // in a row, that what follows may clear
	for i := range points {
		var from *Point
		if last >= 0 {
			from = &points[last]
		}
		before := len(j.Run)
		d := j.Next(from, points[i], topKMH)
		out[i] = d
		if d.Misplaces() {
			doubted = append(doubted, i)
			continue
		}
		if len(doubted) > 0 && before > 0 && from != nil && !reachable(from, &points[i], topKMH) {
			// The run that led here was right: where it was is where it still is. Those
			// of the row that lie on the way to this one are cleared.
			next := i
			for k := len(doubted) - 1; k >= 0; k-- {
				if at := doubted[k]; out[at] != Null && reachable(&points[at], &points[next], math.Max(topKMH, fast(&j))) {
					out[at], next = None, at
				}
			}
		}
		doubted, last = doubted[:0], i
	}
	parked(points, out)
	return out
}

func fast(j *Judge) float64 {
	if j.Fast {
		return airKMH
	}
	return 0
}

// parked flags the noise about where a unit stands: fixes within the scatter of the
// first of a stand, that say no speed.
func parked(points []Point, out []Doubt) {
	anchor := -1
	for i := range points {
		if out[i].Misplaces() {
			continue
		}
		p := &points[i]
		if anchor >= 0 && p.SpeedKMH < movingKMH {
			a := &points[anchor]
			within := math.Max(parkedM, math.Min(a.AccuracyM+p.AccuracyM, 250)) / 1000
			apart := distanceKM(a.Lat, a.Lon, p.Lat, p.Lon)
			// Slow is standing; creeping leaves the circle sooner or later.
			if apart <= within {
				if out[i] == None && (p.Lat != a.Lat || p.Lon != a.Lon) {
					out[i] = Parked
				}
				continue
			}
		}
		anchor = i
	}
}
