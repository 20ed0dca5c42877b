// Package adsb reads recordings of aircraft: SBS-1 "BaseStation" lines (MSG,…)
// and the traces readsb and tar1090 write (trace_full_*.json). Units are called
// "ICAO-" and the aircraft's address.
package adsb

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"corridor/tracking"
)

const kmhAKnot = 1.852

// SBS reads SBS-1 lines. A position (MSG,3 and MSG,2) takes speed and course from
// the aircraft's last MSG,4. Use NewSBS.
type SBS struct {
	lines   *bufio.Scanner
	speeds  map[string]motion
	skipped map[string]int
}

type motion struct{ speed, course tracking.Measure }

// NewSBS reads from r.
func NewSBS(r io.Reader) *SBS {
	return &SBS{lines: bufio.NewScanner(r), speeds: make(map[string]motion), skipped: make(map[string]int)}
}

// Next returns the next position, or io.EOF after the last. Its time is zero when
// the line has none.
func (s *SBS) Next() (tracking.Position, error) {
	for s.lines.Scan() {
		p, reason := s.line(s.lines.Text())
		if reason == "" {
			return p, nil
		}
		s.skipped[reason]++
	}
	if err := s.lines.Err(); err != nil {
		return tracking.Position{}, fmt.Errorf("read SBS-1: %w", err)
	}
	return tracking.Position{}, io.EOF
}

// Skipped tells how many lines gave no position, by reason, so far.
func (s *SBS) Skipped() map[string]int { return maps.Clone(s.skipped) }

// Fields of a MSG line.
const (
	kind = 1 + iota
	_
	_
	hex
	_
	day
	clock
	_
	_
	_
	_
	groundSpeed
	track
	lat
	lon
	fields = 22
)

func (s *SBS) line(line string) (p tracking.Position, reason string) {
	f := strings.Split(strings.TrimSpace(line), ",")
	if f[0] != "MSG" {
		return p, "not a MSG line"
	}
	if len(f) < fields || f[hex] == "" || len(f[hex]) > 6 {
		return p, "malformed line"
	}
	address := strings.ToUpper(f[hex])
	switch f[kind] {
	case "4":
		var m motion
		if v, err := strconv.ParseFloat(f[groundSpeed], 64); err == nil && v >= 0 && v < 5000 {
			m.speed = tracking.Known(v * kmhAKnot)
		}
		if v, err := strconv.ParseFloat(f[track], 64); err == nil && v >= 0 && v <= 360 {
			m.course = tracking.Known(math.Mod(v, 360))
		}
		s.speeds[address] = m
		return p, "speed only"
	case "2", "3":
	default:
		return p, "message type without position"
	}
	var err1, err2 error
	p.Lat, err1 = strconv.ParseFloat(f[lat], 64)
	p.Lon, err2 = strconv.ParseFloat(f[lon], 64)
	if err1 != nil || err2 != nil || !(math.Abs(p.Lat) <= 90) || !(math.Abs(p.Lon) <= 180) {
		return p, "position not available"
	}
	p.Unit = unit(address)
	p.SpeedKMH, p.CourseDeg = s.speeds[address].speed, s.speeds[address].course
	if f[day] != "" {
		at, err := time.Parse("2006/01/02 15:04:05", f[day]+" "+f[clock])
		if err != nil {
			return p, "time not understood"
		}
		p.Time = at.UTC()
	}
	return p, ""
}

func unit(address string) tracking.UnitID { return tracking.UnitID("ICAO-" + address) }

// Trace reads one aircraft's trace. Use NewTrace.
type Trace struct {
	values  *json.Decoder
	unit    tracking.UnitID
	start   float64
	skipped map[string]int
}

// NewTrace reads the head of a trace, up to its points.
func NewTrace(r io.Reader) (*Trace, error) {
	t := &Trace{values: json.NewDecoder(r), skipped: make(map[string]int)}
	if err := t.head(); err != nil {
		return nil, fmt.Errorf("read trace: %w", err)
	}
	return t, nil
}

func (t *Trace) head() error {
	if token, err := t.values.Token(); err != nil || token != json.Delim('{') {
		return errors.Join(errors.New("it is no JSON object"), err)
	}
	for t.values.More() {
		key, err := t.values.Token()
		if err != nil {
			return err
		}
		switch key {
		case "icao":
			var address string
			if err := t.values.Decode(&address); err != nil {
				return err
			}
			t.unit = unit(strings.ToUpper(strings.TrimPrefix(address, "~")))
		case "timestamp":
			if err := t.values.Decode(&t.start); err != nil {
				return err
			}
		case "trace":
			if token, err := t.values.Token(); err != nil || token != json.Delim('[') {
				return errors.Join(errors.New("its trace is no array"), err)
			}
			if t.unit == "" || !(t.start > 0 && t.start < 1e11) {
				return errors.New("icao and timestamp do not stand before its trace")
			}
			return nil
		default:
			var other json.RawMessage
			if err := t.values.Decode(&other); err != nil {
				return err
			}
		}
	}
	return errors.New("it has no trace")
}

// Next returns the next position, or io.EOF after the last.
func (t *Trace) Next() (tracking.Position, error) {
	for t.values.More() {
		var point []any
		var raw json.RawMessage
		if err := t.values.Decode(&raw); err != nil {
			return tracking.Position{}, fmt.Errorf("read trace: %w", err)
		}
		if json.Unmarshal(raw, &point) != nil || len(point) < 6 {
			t.skipped["malformed point"]++
			continue
		}
		number := func(i int) (float64, bool) { v, ok := point[i].(float64); return v, ok }
		offset, ok0 := number(0)
		lat, ok1 := number(1)
		lon, ok2 := number(2)
		if !ok0 || !ok1 || !ok2 || math.Abs(offset) > 1e9 {
			t.skipped["position not available"]++
			continue
		}
		p := tracking.Position{Unit: t.unit, Lat: lat, Lon: lon, Time: time.UnixMilli(int64(math.Round((t.start + offset) * 1000))).UTC()}
		if v, ok := number(4); ok && v >= 0 && v < 5000 {
			p.SpeedKMH = tracking.Known(v * kmhAKnot)
		}
		if v, ok := number(5); ok && v >= 0 && v <= 360 {
			p.CourseDeg = tracking.Known(math.Mod(v, 360))
		}
		return p, nil
	}
	if _, err := t.values.Token(); err != nil { // a trace that breaks off
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return tracking.Position{}, fmt.Errorf("read trace: %w", err)
	}
	return tracking.Position{}, io.EOF
}

// Skipped tells how many points were passed over, by reason, so far.
func (t *Trace) Skipped() map[string]int { return maps.Clone(t.skipped) }
