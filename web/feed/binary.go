package feed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"corridor/tracking"
)

// The binary frame of PROTOCOL.md.
const (
	frameVersion  = 1
	kindPositions = 1
	headBytes     = 8
	recordBytes   = 24
	unknown       = math.MaxUint16
	maxName       = 255
)

// ErrVersion says a binary frame is of a version this server does not know.
var ErrVersion = errors.New("unknown version or kind of binary frame: this server takes version 1, kind 1")

// FrameError says where a binary frame stops making sense. Nothing of it counts:
// a wrong length is more likely a wrong layout than a single bad record.
type FrameError struct {
	Offset int
	What   string
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("binary frame: %s (byte %d)", e.What, e.Offset)
}

// maxKnownNames bounds the names a Decoder remembers: more than that on one
// connection are hardly a fleet.
const maxKnownNames = 20_000

// Decoder reads the binary frames of one connection. The units of a connection are
// nearly always the same: their names are made once.
type Decoder struct {
	names     map[string]tracking.UnitID
	units     []tracking.UnitID
	positions []tracking.Position
}

func (d *Decoder) name(b []byte) (tracking.UnitID, bool) {
	if id, ok := d.names[string(b)]; ok {
		return id, true
	}
	if !utf8.Valid(b) {
		return "", false
	}
	if d.names == nil || len(d.names) >= maxKnownNames {
		d.names = map[string]tracking.UnitID{}
	}
	id := tracking.UnitID(b)
	d.names[string(id)] = id
	return id, true
}

// Decode reads a binary frame. What the positions mean is not judged here: a
// latitude of 200° comes out as it went in.
func Decode(frame []byte, most int) ([]tracking.Position, error) {
	return new(Decoder).Decode(frame, most)
}

// Decode is as the function; what it returns is good until it is called again.
func (d *Decoder) Decode(frame []byte, most int) ([]tracking.Position, error) {
	if len(frame) < headBytes {
		return nil, &FrameError{len(frame), "shorter than its head of 8 bytes"}
	}
	if frame[0] != frameVersion || frame[1] != kindPositions {
		return nil, ErrVersion
	}
	named := int(binary.LittleEndian.Uint16(frame[2:]))
	units := d.units[:0]
	n := int64(binary.LittleEndian.Uint32(frame[4:]))
	if n > int64(most) {
		return nil, &FrameError{4, fmt.Sprintf("%d records; at most %d go into one frame", n, most)}
	}
	at := headBytes
	for range named {
		if at >= len(frame) {
			return nil, &FrameError{at, "ends within the names of its units"}
		}
		size := int(frame[at])
		at++
		if size == 0 || len(frame)-at < size {
			return nil, &FrameError{at, "a unit's name is empty or cut off"}
		}
		id, ok := d.name(frame[at : at+size])
		if !ok {
			return nil, &FrameError{at, "a unit's name is not UTF-8"}
		}
		units = append(units, id)
		at += size
	}
	d.units = units
	if int64(len(frame)-at) != n*recordBytes {
		return nil, &FrameError{at, fmt.Sprintf("%d bytes are left for %d records of 24", len(frame)-at, n)}
	}
	positions := slices.Grow(d.positions[:0], int(n))
	for ; at < len(frame); at += recordBytes {
		r := frame[at : at+recordBytes]
		unit := int(binary.LittleEndian.Uint16(r))
		if unit >= len(units) {
			return nil, &FrameError{at, fmt.Sprintf("record of unit %d, but the frame names %d", unit, len(units))}
		}
		positions = append(positions, tracking.Position{
			Unit:      units[unit],
			Time:      time.UnixMilli(int64(binary.LittleEndian.Uint64(r[2:]))).UTC(),
			Lat:       float64(int32(binary.LittleEndian.Uint32(r[10:]))) / 1e7,
			Lon:       float64(int32(binary.LittleEndian.Uint32(r[14:]))) / 1e7,
			SpeedKMH:  measure(r[18:], 10),
			CourseDeg: measure(r[20:], 100),
			AccuracyM: measure(r[22:], 1),
		})
	}
	d.positions = positions
	return positions, nil
}

func measure(b []byte, scale float64) tracking.Measure {
	v := binary.LittleEndian.Uint16(b)
	if v == unknown {
		return tracking.Measure{}
	}
	return tracking.Known(float64(v) / scale)
}

// Encode writes positions as a binary frame, for gateways in Go. Values beyond
// what a field holds and sensors are an error: send those as text.
func Encode(positions []tracking.Position) ([]byte, error) {
	index := map[tracking.UnitID]uint16{}
	var names, records []byte
	for i, p := range positions {
		u, ok := index[p.Unit]
		if !ok {
			if p.Unit == "" || len(p.Unit) > maxName || !utf8.ValidString(string(p.Unit)) {
				return nil, fmt.Errorf("position %d: a unit's name has 1 to %d bytes of UTF-8", i, maxName)
			}
			if len(index) == math.MaxUint16 {
				return nil, fmt.Errorf("position %d: more than %d units in one frame", i, math.MaxUint16)
			}
			u = uint16(len(index))
			index[p.Unit] = u
			names = append(append(names, byte(len(p.Unit))), p.Unit...)
		}
		if len(p.Sensors) > 0 {
			return nil, fmt.Errorf("position %d: sensors do not fit a binary frame", i)
		}
		lat, lon := math.Round(p.Lat*1e7), math.Round(p.Lon*1e7)
		if fits := func(v float64) bool { return v >= math.MinInt32 && v <= math.MaxInt32 }; !fits(lat) || !fits(lon) {
			return nil, fmt.Errorf("position %d: %v,%v does not fit a binary frame", i, p.Lat, p.Lon)
		}
		records = binary.LittleEndian.AppendUint16(records, u)
		records = binary.LittleEndian.AppendUint64(records, uint64(p.Time.UnixMilli()))
		records = binary.LittleEndian.AppendUint32(records, uint32(int32(lat)))
		records = binary.LittleEndian.AppendUint32(records, uint32(int32(lon)))
		for _, f := range []struct {
			m     tracking.Measure
			scale float64
			name  string
		}{{p.SpeedKMH, 10, "speed"}, {p.CourseDeg, 100, "course"}, {p.AccuracyM, 1, "accuracy"}} {
			v, known := f.m.Get()
			if v = math.Round(v * f.scale); known && !(v >= 0 && v < unknown) {
				return nil, fmt.Errorf("position %d: its %s does not fit a binary frame", i, f.name)
			}
			if !known {
				v = unknown
			}
			records = binary.LittleEndian.AppendUint16(records, uint16(v))
		}
	}
	frame := []byte{frameVersion, kindPositions}
	frame = binary.LittleEndian.AppendUint16(frame, uint16(len(index)))
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(positions)))
	return append(append(frame, names...), records...), nil
}
