// Package replay pushes a recording of positions through the public API of a
// server, as the boxes that made it would have: in the order of its times, one
// time as fast or a thousand times, without loss when the server is away for a
// while.
//
// Open finds out what a file is, Load reads it, Shift moves its times, Play sends
// it. Only Play does I/O other than reading the recording.
package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"corridor/carriers/adsb"
	"corridor/carriers/ais"
	"corridor/carriers/gpx"
	"corridor/carriers/table"
	"corridor/geodata"
	"corridor/tracking"
)

// Recording gives positions one at a time; Next ends with io.EOF. A position's
// unit is empty and its time zero when the recording does not say.
type Recording interface {
	Next() (tracking.Position, error)
	// Skipped tells how many lines gave no position, by reason, so far.
	Skipped() map[string]int
}

// Format is a kind of recording.
type Format string

// Formats. Auto looks at the content.
const (
	Auto  Format = ""
	GPX   Format = "gpx"
	CSV   Format = "csv"
	AIS   Format = "ais"
	JSON  Format = "json"
	SBS   Format = "sbs"
	Trace Format = "trace" // of readsb and tar1090
)

// Formats lists what can be asked for.
func Formats() []Format { return []Format{GPX, CSV, AIS, JSON, SBS, Trace} }

// Mode is what moves in recordings of the format, as far as that is known.
func (f Format) Mode() geodata.Mode {
	switch f {
	case AIS:
		return geodata.Sea
	case SBS, Trace:
		return geodata.Air
	}
	return geodata.Road
}

// Open makes ready to read a recording, which may be compressed with gzip. Times
// without a zone are in zone.
func Open(r io.Reader, f Format, zone *time.Location) (Recording, Format, error) {
	const enough = 64 << 10
	buffered := bufio.NewReaderSize(r, enough)
	head, err := buffered.Peek(2)
	if err == nil && bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, f, fmt.Errorf("unpack recording: %w", err)
		}
		buffered = bufio.NewReaderSize(unpacked, enough)
	}
	if f == Auto {
		head, err := buffered.Peek(enough)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, f, fmt.Errorf("read recording: %w", err)
		}
		if f = detect(head); f == Auto {
			return nil, f, fmt.Errorf("the recording is in no format known here: say which it is (%s)", join(Formats()))
		}
	}
	var rec Recording
	switch f {
	case GPX:
		rec = gpx.NewReader(buffered)
	case CSV:
		rec, err = table.NewCSV(buffered, zone)
	case AIS:
		rec = ais.NewReader(buffered)
	case JSON:
		rec, err = table.NewJSON(buffered, zone)
	case SBS:
		rec = adsb.NewSBS(buffered)
	case Trace:
		rec, err = adsb.NewTrace(buffered)
	default:
		return nil, f, fmt.Errorf("format %q is not one of %s", f, join(Formats()))
	}
	if rec == nil || err != nil && !errors.Is(err, io.EOF) {
		return nil, f, err
	}
	return rec, f, nil
}

func join(fs []Format) string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// detect tells a format from the beginning of a recording.
func detect(head []byte) Format {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0:
		return Auto
	case head[0] == '<':
		return GPX
	case head[0] == '{' && bytes.Contains(head, []byte(`"trace"`)) && bytes.Contains(head, []byte(`"icao"`)):
		return Trace
	case head[0] == '{', head[0] == '[':
		return JSON
	case bytes.HasPrefix(head, []byte("MSG,")):
		return SBS
	}
	header := true
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if i := bytes.IndexByte(line, '!'); i >= 0 && len(line) > i+6 {
			if kind := string(line[i+3 : i+6]); kind == "VDM" || kind == "VDO" {
				return AIS
			}
		}
		if len(line) > 0 && line[0] != '$' {
			if header && bytes.ContainsAny(line, ",;\t|") && utf8.Valid(line) {
				if _, err := table.NewCSV(bytes.NewReader(line), nil); err == nil {
					return CSV
				}
			}
			header = header && line[0] == '#'
		}
	}
	return Auto
}

// Script is a recording made ready to be sent: its positions by time.
type Script struct {
	Positions []tracking.Position
	Skipped   map[string]int
	Units     int
	// Stamped is how many positions had no time and were given one.
	Stamped int
}

// LoadOptions say what a recording leaves open.
type LoadOptions struct {
	Unit tracking.UnitID // of all positions; empty: as recorded, or from Name
	Name string          // of the file: units without a name are called after it
	// Rate is how many positions a second there were in a recording without any
	// time; fewer, where a unit would report twice in a second. In a recording with
	// times, a position without gets that of the one before.
	Rate float64
}

// Load reads a recording to its end. A recording that breaks off gives what came
// before, with the error.
func Load(rec Recording, o LoadOptions) (Script, error) {
	var s Script
	var failed error
	units := make(map[tracking.UnitID]tracking.UnitID)
	name := unitName(tracking.UnitID(strings.TrimSuffix(filepath.Base(o.Name), filepath.Ext(o.Name))))
	if o.Name == "" || name == "" {
		name = "replay"
	}
	for {
		p, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			failed = fmt.Errorf("after %d positions: %w", len(s.Positions), err)
			break
		}
		unit, known := units[p.Unit]
		if !known {
			switch {
			case o.Unit != "":
				unit = o.Unit
			case p.Unit == "":
				unit = name
			case strings.HasPrefix(string(p.Unit), "track-"):
				unit = unitName(name + "-" + p.Unit)
			default:
				unit = unitName(p.Unit)
			}
			units[p.Unit] = unit
		}
		p.Unit = unit
		s.Positions = append(s.Positions, p)
	}
	s.Skipped = maps.Clone(rec.Skipped())
	called := slices.Sorted(maps.Values(units))
	s.Units = len(slices.Compact(called))
	s.stamp(o.Rate)
	slices.SortStableFunc(s.Positions, func(a, b tracking.Position) int { return a.Time.Compare(b.Time) })
	return s, failed
}

// stamp gives a time to positions without.
func (s *Script) stamp(rate float64) {
	i := slices.IndexFunc(s.Positions, func(p tracking.Position) bool { return !p.Time.IsZero() })
	if i < 0 {
		if rate <= 0 {
			rate = DefaultRate
		}
		at := time.Unix(0, 0).UTC()
		step := time.Duration(float64(time.Second) / rate)
		seconds := make(map[tracking.UnitID]int64) // of each unit's last position
		for i := range s.Positions {
			p := &s.Positions[i]
			// One unit twice in a second would be a duplicate.
			if last, known := seconds[p.Unit]; known && last == at.Unix() {
				at = time.Unix(last+1, 0).UTC()
			}
			seconds[p.Unit] = at.Unix()
			p.Time = at.Truncate(time.Millisecond)
			at = at.Add(step)
		}
		s.Stamped = len(s.Positions)
		return
	}
	last := s.Positions[i].Time
	for i := range s.Positions {
		if p := &s.Positions[i]; p.Time.IsZero() {
			p.Time = last
			s.Stamped++
		} else {
			last = p.Time
		}
	}
}

// DefaultRate is LoadOptions.Rate when it is not given.
const DefaultRate = 10

// Length is the time from the first position to the last.
func (s *Script) Length() time.Duration {
	if len(s.Positions) == 0 {
		return 0
	}
	return s.Positions[len(s.Positions)-1].Time.Sub(s.Positions[0].Time)
}

// ShiftTo moves all times so that the first is start, or less than a second before
// it: fractions of a second stay as they were recorded.
func (s *Script) ShiftTo(start time.Time) {
	if len(s.Positions) == 0 {
		return
	}
	exact := start.Sub(s.Positions[0].Time)
	by := exact.Truncate(time.Second)
	if by > exact {
		by -= time.Second
	}
	for i := range s.Positions {
		s.Positions[i].Time = s.Positions[i].Time.Add(by)
	}
}

// StartFor is the time to shift the first position to, so that no position is
// ahead of the clock when it is sent and the last one is sent at its own time.
// Sent faster than it was recorded, a recording begins in the past.
func (s *Script) StartFor(now time.Time, speed float64) time.Time {
	length := s.Length()
	if speed <= 0 {
		return now.Add(-length)
	}
	return now.Add(time.Duration(float64(length)/speed) - length)
}

// unitName makes what a recording calls a unit into what the API takes.
func unitName(u tracking.UnitID) tracking.UnitID {
	if tracking.ValidateUnit(u) == nil {
		return u
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.:+@", r) {
			return r
		}
		return '-'
	}, strings.ToValidUTF8(string(u), "-"))
	for len(clean) > tracking.MaxUnitBytes {
		_, size := utf8.DecodeLastRuneInString(clean)
		clean = clean[:len(clean)-size]
	}
	return tracking.UnitID(strings.Trim(clean, "-"))
}
