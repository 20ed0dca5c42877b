// Package chunk packs a unit's fixes into small, self-contained blocks of bytes:
// sorted by device time, each column coded as the difference to what the fixes
// before it predict. A database keeps one row per chunk instead of one per fix.
// FORMAT.md says what the bytes mean.
//
// It is pure: no I/O, no clock. It knows nothing of units beyond the fixes of
// one, and nothing of where a chunk is kept; that is store/sqlite and
// store/postgres. Read history next.
//
// What is kept, exactly: device and receive time to the millisecond, position to
// 1e-7°, readings as the float32 they are, sensors byte for byte, the log
// sequence. The H3 cell is not kept; it follows from the position.
package chunk

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"time"

	"corridor/tracking"
)

// Sentinels of Encode and Decode.
var (
	ErrUnsorted = errors.New("chunk: fixes are not sorted by second of device time")
	ErrRange    = errors.New("chunk: a value is out of the range the format holds")
	ErrCorrupt  = errors.New("chunk: bytes are damaged or of a newer version")
)

// Limits of the format.
const (
	MaxRows  = 1 << 16
	maxMS    = 1 << 53 // milliseconds since 1970, either way
	maxSeq   = 1 << 62
	degree   = 1e7 // stored units a degree
	maxLatE7 = 90 * 10_000_000
	maxLonE7 = 180 * 10_000_000
)

// Row is a fix of a known unit in the form it is stored in. A reading that is
// missing is NaN.
type Row struct {
	TimeMS     int64 // device time, Unix milliseconds
	ReceivedMS int64
	Seq        uint64
	LatE7      int32
	LonE7      int32
	SpeedKMH   float32
	CourseDeg  float32
	AccuracyM  float32
	Simulated  bool
	Sensors    []byte // nil: none
}

// FromFix rounds a fix to what is stored.
func FromFix(f tracking.Fix) Row {
	return Row{
		TimeMS:     f.Time.UnixMilli(),
		ReceivedMS: f.Received.UnixMilli(),
		Seq:        f.Seq,
		LatE7:      toE7(f.Lat),
		LonE7:      toE7(f.Lon),
		SpeedKMH:   fromMeasure(f.SpeedKMH),
		CourseDeg:  fromMeasure(f.CourseDeg),
		AccuracyM:  fromMeasure(f.AccuracyM),
		Simulated:  f.Simulated,
		Sensors:    f.Sensors,
	}
}

// toE7 keeps what is no coordinate out of range, for Check to find.
func toE7(degrees float64) int32 {
	if !(math.Abs(degrees) <= 180) {
		return math.MaxInt32
	}
	return int32(math.Round(degrees * degree))
}

// Fix gives the row back as a fix of the unit.
func (r *Row) Fix(unit tracking.UnitID) tracking.Fix {
	return tracking.Fix{
		Position: tracking.Position{
			Unit:      unit,
			Time:      time.UnixMilli(r.TimeMS).UTC(),
			Lat:       float64(r.LatE7) / degree,
			Lon:       float64(r.LonE7) / degree,
			SpeedKMH:  toMeasure(r.SpeedKMH),
			CourseDeg: toMeasure(r.CourseDeg),
			AccuracyM: toMeasure(r.AccuracyM),
			Sensors:   r.Sensors,
		},
		Received:  time.UnixMilli(r.ReceivedMS).UTC(),
		Seq:       r.Seq,
		Simulated: r.Simulated,
	}
}

// Second is the key of a row within its unit: the device time in whole seconds.
func (r *Row) Second() int64 { return second(r.TimeMS) }

func second(ms int64) int64 {
	s := ms / 1000
	if ms%1000 < 0 {
		s--
	}
	return s
}

// Check tells whether the format can hold the row.
func (r *Row) Check() error {
	switch {
	case r.TimeMS < -maxMS || r.TimeMS > maxMS || r.ReceivedMS < -maxMS || r.ReceivedMS > maxMS:
		return fmt.Errorf("%w: time", ErrRange)
	case r.LatE7 < -maxLatE7 || r.LatE7 > maxLatE7 || r.LonE7 < -maxLonE7 || r.LonE7 > maxLonE7:
		return fmt.Errorf("%w: position", ErrRange)
	case r.Seq >= maxSeq:
		return fmt.Errorf("%w: sequence", ErrRange)
	}
	return nil
}

// Sort orders rows by second and drops all but the first given of each second.
// It sorts in place and returns the rows kept.
func Sort(rows []Row) []Row {
	if !sort.SliceIsSorted(rows, func(i, j int) bool { return rows[i].Second() < rows[j].Second() }) {
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].Second() < rows[j].Second() })
	}
	kept := rows[:0]
	for _, r := range rows {
		if len(kept) == 0 || kept[len(kept)-1].Second() < r.Second() {
			kept = append(kept, r)
		}
	}
	return kept
}

// Merge joins two runs sorted as by Sort. Where both hold a fix of the same
// second, old wins.
func Merge(old, late []Row) []Row {
	if len(old) == 0 {
		return late
	}
	if len(late) == 0 {
		return old
	}
	merged := make([]Row, 0, len(old)+len(late))
	for len(old) > 0 && len(late) > 0 {
		o, l := old[0].Second(), late[0].Second()
		if o <= l {
			merged, old = append(merged, old[0]), old[1:]
			if o == l {
				late = late[1:]
			}
		} else {
			merged, late = append(merged, late[0]), late[1:]
		}
	}
	return append(append(merged, old...), late...)
}

func fromMeasure(m tracking.Measure) float32 {
	v, known := m.Get()
	if !known {
		return float32(math.NaN())
	}
	return float32(v)
}

func toMeasure(v float32) tracking.Measure {
	if v != v {
		return tracking.Measure{}
	}
	return tracking.Known(float64(v))
}
