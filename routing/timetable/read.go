package timetable

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
)

// This file is what the readers of schedules share, and the plain CSV.

// Locator finds the terminal a schedule speaks of. Codes are as the schedule has
// them: a UN/LOCODE, an IATA airport, or a name with coordinates.
type Locator interface {
	// Airport is the id of the terminal with an IATA code, e.g. "air:TAO".
	Airport(iata string) (id string, ok bool)
	// Place is what services know a UN/LOCODE by: the code itself, when some
	// terminal of the mode has it.
	Place(m geodata.Mode, code string) (id string, ok bool)
	// Near is the id of the terminal of a mode at a point, and false when none is
	// near enough to be meant.
	Near(m geodata.Mode, lat, lon float64) (id string, ok bool)
}

// Problem is a row of a schedule that makes no sense.
type Problem struct {
	Line   int // from 1
	Reason string
}

// Reading is what a schedule gave.
type Reading struct {
	Services []Service
	Problems []Problem // one for each row refused
	Skipped  int       // rows that are right and say nothing about freight between known terminals
}

func (r *Reading) refuse(line int, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// maxProblems is how many refused rows are kept; a file with more is not of the
// format it was taken for.
const maxProblems = 10_000

// CSVColumns are the columns of the plain CSV; the first three and one of rhythm
// and departure are needed, the others may be left out. See README.md.
func CSVColumns() []string {
	return []string{"mode", "from", "to", "name", "carrier", "rhythm", "departure", "arrival", "transit_h", "cutoff_h", "via", "valid_from", "valid_until", "source", "as_of", "note"}
}

// ReadCSV reads a plain CSV: each row is a departure with its arrival, or a rhythm
// with a transit time. Its columns come in any order.
func ReadCSV(in io.Reader, at Locator) (Reading, error) {
	var r Reading
	reader := csv.NewReader(skipBOM(in))
	reader.FieldsPerRecord = -1
	header, err := reader.Read()
	if err != nil {
		return r, fmt.Errorf("read the header: %w", err)
	}
	column := map[string]int{}
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(CSVColumns(), h) {
			return r, fmt.Errorf("unknown column %q: use %s", h, strings.Join(CSVColumns(), ", "))
		}
		if _, twice := column[h]; twice {
			return r, fmt.Errorf("the column %q is there twice", h)
		}
		column[h] = i
	}
	for _, need := range []string{"mode", "from", "to"} {
		if _, ok := column[need]; !ok {
			return r, fmt.Errorf("the column %q is missing", need)
		}
	}
	var departures lines
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			r.refuse(parse.StartLine, "%v", parse.Err)
			if len(r.Problems) > maxProblems {
				return r, errors.New("too many rows make no sense")
			}
			continue
		}
		if err != nil {
			return r, err
		}
		n, _ := reader.FieldPos(0)
		get := func(name string) string {
			i, ok := column[name]
			if !ok || i >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[i])
		}
		if len(row) > len(header) {
			r.refuse(n, "%d columns, the header has %d", len(row), len(header))
			continue
		}
		s, x, departs, err := csvRow(get, at)
		switch {
		case err != nil:
			r.refuse(n, "%v", err)
		case s != nil:
			s.ID = fmt.Sprintf("csv-%d", n)
			r.Services = append(r.Services, *s)
		default:
			if err := departures.add(x, departs); err != nil {
				return r, err
			}
		}
	}
	r.Services = append(r.Services, departures.services("csv", geodata.Origin{Kind: "P", Confidence: "M", Source: "imported schedule"})...)
	return r, nil
}

func csvRow(get func(string) string, at Locator) (*Service, line, time.Time, error) {
	none := func(err error) (*Service, line, time.Time, error) { return nil, line{}, time.Time{}, err }
	mode, err := geodata.ParseMode(get("mode"))
	if err != nil {
		return none(err)
	}
	if mode == geodata.Road {
		return none(errors.New("mode: lorries leave when ready; give sea, rail or air"))
	}
	ends := [2]string{}
	for i, name := range []string{"from", "to"} {
		code := strings.ToUpper(get(name))
		if code == "" {
			return none(fmt.Errorf("%s is empty", name))
		}
		id, ok := at.Place(mode, code)
		if !ok && mode == geodata.Air {
			id, ok = at.Airport(code)
		}
		if !ok {
			return none(fmt.Errorf("%s: no %s terminal is known at %q; give a UN/LOCODE", name, mode, code))
		}
		ends[i] = id
	}
	if ends[0] == ends[1] {
		return none(errors.New("from and to are the same terminal"))
	}
	hours, err := number("transit_h", get("transit_h"), 0)
	if err != nil {
		return none(err)
	}
	cutoff, err := number("cutoff_h", get("cutoff_h"), 0)
	if err != nil {
		return none(err)
	}
	via := strings.ToLower(get("via"))
	if via != "" && !slices.Contains([]string{"cape", "suez", "panama", "express", "caspian"}, via) {
		return none(fmt.Errorf("via: %q is not cape, suez, panama, express or caspian", via))
	}
	x := line{mode: mode, from: ends[0], to: ends[1], name: get("name"), carrier: get("carrier"), hours: hours, cutoffH: cutoff}
	if x.name == "" {
		x.name = strings.TrimSpace(x.carrier + " service")
	}
	if d := get("departure"); d != "" {
		if get("rhythm") != "" {
			return none(errors.New("departure and rhythm are both given: a row is one departure or a rhythm"))
		}
		departs, err := time.Parse(time.RFC3339, d)
		if err != nil {
			return none(fmt.Errorf("departure: %q is not a time with its zone such as 2026-12-01T18:00:00+08:00", d))
		}
		if a := get("arrival"); a != "" {
			arrives, err := time.Parse(time.RFC3339, a)
			if err != nil {
				return none(fmt.Errorf("arrival: %q is not a time with its zone such as 2026-12-04T08:00:00+09:00", a))
			}
			if !arrives.After(departs) {
				return none(fmt.Errorf("arrival: %s is not after the departure", a))
			}
			x.hours = arrives.Sub(departs).Hours()
		}
		if err := plausibleHours(x.hours); err != nil {
			return none(err)
		}
		x.hours = roundHours(x.hours)
		x.via = via
		return nil, x, departs, nil
	}
	rhythm, err := ParseRhythm(get("rhythm"))
	if err != nil {
		return none(err)
	}
	if err := plausibleHours(hours); err != nil && hours != 0 {
		return none(err)
	}
	if from, until := get("valid_from"), get("valid_until"); from != "" || until != "" {
		if rhythm, err = rhythm.within(from, until); err != nil {
			return none(err)
		}
	}
	s := &Service{
		Mode: mode, From: []string{ends[0]}, To: []string{ends[1]}, Name: x.name, Carrier: x.carrier, Via: via, Rhythm: rhythm,
		CutoffH: cutoff, TransitH: hours, OneWay: true, Note: get("note"),
		Origin: geodata.Origin{Kind: "P", Confidence: "M", Source: get("source"), AsOf: get("as_of")},
	}
	if s.Origin.Source == "" {
		s.Origin.Source = "imported schedule"
	}
	return s, line{}, time.Time{}, nil
}

// within turns a weekly rhythm into the departures of a period.
func (r Rhythm) within(from, until string) (Rhythm, error) {
	if len(r.Days) == 0 {
		return r, errors.New("valid_from, valid_until: only a weekly rhythm can be limited to a period")
	}
	a, err1 := time.Parse(time.DateOnly, from)
	b, err2 := time.Parse(time.DateOnly, until)
	switch {
	case err1 != nil || err2 != nil:
		return r, fmt.Errorf("valid_from, valid_until: %q and %q are not both dates such as 2026-12-01", from, until)
	case b.Before(a) || b.Sub(a) > 800*24*time.Hour:
		return r, fmt.Errorf("valid_from, valid_until: %s to %s is no period of up to two years", from, until)
	}
	out := Rhythm{Every: r.Every}
	for t := r.Next(a); t.Before(b.AddDate(0, 0, 1)); t = r.Next(t.Add(time.Minute)) {
		out.Dates = append(out.Dates, t)
	}
	if len(out.Dates) == 0 {
		return r, fmt.Errorf("valid_from, valid_until: nothing departs from %s to %s", from, until)
	}
	return out, nil
}

// maxTransitH is longer than any service takes.
const maxTransitH = 24 * 120

func plausibleHours(h float64) error {
	if !(h > 0) {
		return errors.New("the time under way is not given: give arrival or transit_h")
	}
	if h > maxTransitH {
		return fmt.Errorf("%.0f days under way are more than any service takes", h/24)
	}
	return nil
}

// roundHours keeps times to the minute, so that lines that take the same time are
// one line.
func roundHours(h float64) float64 { return math.Round(h*60) / 60 }

func skipBOM(in io.Reader) io.Reader {
	head := make([]byte, 3)
	n, _ := io.ReadFull(in, head)
	if n == 3 && string(head) == "\xef\xbb\xbf" {
		return in
	}
	return io.MultiReader(bytes.NewReader(head[:n]), in)
}

// clock reads "1730" or "17:30:00"; hours may pass 24, as in GTFS.
func clock(s string) (time.Duration, bool) {
	h, m, sec := "", "", "0"
	switch parts := strings.Split(s, ":"); {
	case len(parts) == 3:
		h, m, sec = parts[0], parts[1], parts[2]
	case len(parts) == 1 && len(s) == 4:
		h, m = s[:2], s[2:]
	default:
		return 0, false
	}
	hours, err1 := strconv.Atoi(strings.TrimSpace(h))
	minutes, err2 := strconv.Atoi(m)
	seconds, err3 := strconv.Atoi(sec)
	if err1 != nil || err2 != nil || err3 != nil || hours < 0 || hours > 24*30 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59 {
		return 0, false
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second, true
}
