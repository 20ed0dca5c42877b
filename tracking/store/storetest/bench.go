package storetest

import (
	"fmt"
	"math"
	"time"

	"corridor/geodata"
	"corridor/tracking"
)

// Fleet is a number of trucks reporting in turn, for benchmarks: the same fixes
// each time. Units must not be a multiple of 7919.
type Fleet struct {
	Units    int
	Interval time.Duration // between two fixes of one unit
	Batch    int           // fixes in one Apply
	seq      uint64
	n        int
	names    []tracking.UnitID
	fixes    []uint64
}

// Next is the next batch of changes.
func (f *Fleet) Next() tracking.Changes {
	if f.names == nil {
		f.names = make([]tracking.UnitID, f.Units)
		f.fixes = make([]uint64, f.Units)
		for u := range f.names {
			f.names[u] = tracking.UnitID(fmt.Sprintf("TRUCK-%06d", u))
		}
	}
	f.seq++
	c := tracking.Changes{
		From: f.seq - 1, To: f.seq, Epoch: epoch,
		Fixes: make([]tracking.Fix, 0, f.Batch), Units: make([]tracking.UnitState, 0, min(f.Batch, f.Units)),
	}
	for range f.Batch {
		u, round := f.unit(f.n), f.n/f.Units
		f.n++
		f.fixes[u]++
		c.Fixes = append(c.Fixes, f.fix(u, round))
	}
	for i := max(0, f.Batch-f.Units); i < f.Batch; i++ { // the latest of each
		x := &c.Fixes[i]
		c.Units = append(c.Units, tracking.UnitState{
			Unit: x.Unit, Carrier: "CARRIER-1", Mode: geodata.Road, Latest: x, Fixes: f.fixes[f.unit(f.n-f.Batch+i)],
		})
	}
	return c
}

// unit is which truck reports n-th: all in turn, in an order that is not that of
// their names.
func (f *Fleet) unit(n int) int { return (n%f.Units*7919 + n/f.Units*13) % f.Units }

// fix is where truck u is in a round: driving a bent road with a GPS receiver's
// noise, its speed and course wavering.
func (f *Fleet) fix(u, round int) tracking.Fix {
	noise := func(k int) float64 { // in [-1, 1), the same for the same place
		h := uint64(u)*0x9e3779b97f4a7c15 ^ uint64(round)*0xbf58476d1ce4e5b9 ^ uint64(k)*0x94d049bb133111eb
		h ^= h >> 31
		h *= 0xd6e8feb86659fd93
		h ^= h >> 32
		return float64(h>>11)/(1<<52) - 1
	}
	seconds := float64(round) * f.Interval.Seconds()
	a := float64(u)/7 + seconds/900 // heading, swinging
	speed := 70 + 15*math.Sin(seconds/200+float64(u))
	at := start.Add(time.Duration(round) * f.Interval).Add(time.Duration(u%60) * time.Second)
	return tracking.Fix{
		Position: tracking.Position{
			Unit: f.names[u], Time: at,
			Lat:       40 + float64(u%100)/10 + 0.17*math.Sin(a) + noise(1)*3e-5,
			Lon:       60 + float64(u/100%600)/10 + 0.22*math.Cos(a) + noise(2)*3e-5,
			SpeedKMH:  tracking.Known(math.Round(speed)),
			CourseDeg: tracking.Known(math.Mod(math.Round(a*57.3)+360*1000, 360)),
			AccuracyM: tracking.Known(math.Round(6 + 2*noise(3))),
		},
		Received: at.Add(800*time.Millisecond + time.Duration(noise(4)*400)*time.Millisecond),
		Seq:      f.seq,
	}
}
