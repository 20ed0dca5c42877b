// Package timetable knows the services goods can travel by: which lines, trains
// and flights join two places, in what rhythm they leave, how fast they go, and
// how long terminals take. The reference timetable is embedded; each row says
// where it comes from, and a rhythm or a dwell nobody publishes is marked A.
//
// It is data and lookup only: search decides what to board. Departures known
// by weekday are fixed moments; where only "three a week" is known, the wait is
// uncertain and is treated so.
package timetable

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/routing"
)

var (
	//go:embed services.csv
	servicesCSV string
	//go:embed speeds.csv
	speedsCSV string
	//go:embed dwells.csv
	dwellsCSV string
	//go:embed lanes.csv
	lanesCSV string
)

// Rhythm is when a service leaves: every so many hours at moments unknown
// beforehand, on weekdays at an hour (UTC), or on dates, as imported schedules
// have them.
type Rhythm struct {
	Every float64 // hours; for weekdays and dates the mean
	Days  []time.Weekday
	Hour  int
	Min   int
	Dates []time.Time // every departure, in order; Days is empty then
}

// Fixed reports whether the departures are known moments.
func (r Rhythm) Fixed() bool { return len(r.Days) > 0 || len(r.Dates) > 0 }

// Next is the first departure at or after t. Only for fixed rhythms. After the
// last of its dates a schedule says nothing: the week of the last ones is taken to
// go on, which Table.On limits to a few weeks.
func (r Rhythm) Next(t time.Time) time.Time {
	t = t.UTC()
	if len(r.Dates) > 0 {
		i, _ := slices.BinarySearchFunc(r.Dates, t, time.Time.Compare)
		if i < len(r.Dates) {
			return r.Dates[i]
		}
		const week = 7 * 24 * time.Hour
		last := r.Dates[len(r.Dates)-1]
		weeks := t.Sub(last)/week + 1
		best := last.Add(weeks * week) // at or after t
		for _, d := range slices.Backward(r.Dates) {
			if last.Sub(d) >= week {
				break
			}
			for at := d.Add((t.Sub(d) / week) * week); ; at = at.Add(week) {
				if !at.Before(t) {
					if at.Before(best) {
						best = at
					}
					break
				}
			}
		}
		return best
	}
	day := time.Date(t.Year(), t.Month(), t.Day(), r.Hour, r.Min, 0, 0, time.UTC)
	for range 8 {
		if !day.Before(t) && slices.Contains(r.Days, day.Weekday()) {
			return day
		}
		day = day.AddDate(0, 0, 1)
	}
	return t // no weekday: cannot happen for a rhythm made by ParseRhythm
}

// String says the rhythm in words.
func (r Rhythm) String() string {
	if len(r.Dates) > 0 {
		return "by timetable, " + strings.TrimPrefix(Rhythm{Every: r.Every}.String(), "about ")
	}
	if r.Fixed() {
		names := make([]string, len(r.Days))
		for i, d := range r.Days {
			names[i] = d.String()[:3]
		}
		return strings.Join(names, ", ")
	}
	switch h := r.Every; {
	case h <= 13:
		return "about twice a day"
	case h <= 25:
		return "about daily"
	case h < 160:
		return fmt.Sprintf("about %.0f a week", math.Round(168/h))
	case h < 180:
		return "about weekly"
	default:
		return fmt.Sprintf("about every %.0f days", h/24)
	}
}

// ParseRhythm reads "every 84h" or "weekly Mon Fri 17:30".
func ParseRhythm(s string) (Rhythm, error) {
	words := strings.Fields(s)
	bad := fmt.Errorf("rhythm %q is not like \"every 84h\" or \"weekly Mon Fri 17:30\"", s)
	switch {
	case len(words) == 2 && words[0] == "every":
		h, err := strconv.ParseFloat(strings.TrimSuffix(words[1], "h"), 64)
		if err != nil || !(h > 0) || h > 24*366 {
			return Rhythm{}, bad
		}
		return Rhythm{Every: h}, nil
	case len(words) >= 3 && words[0] == "weekly":
		at, err := time.Parse("15:04", words[len(words)-1])
		if err != nil {
			return Rhythm{}, bad
		}
		r := Rhythm{Hour: at.Hour(), Min: at.Minute()}
		for _, w := range words[1 : len(words)-1] {
			i := slices.IndexFunc(weekdays(), func(d time.Weekday) bool { return d.String()[:3] == w })
			if i < 0 || slices.Contains(r.Days, time.Weekday(i)) {
				return Rhythm{}, bad
			}
			r.Days = append(r.Days, time.Weekday(i))
		}
		r.Every = 168 / float64(len(r.Days))
		return r, nil
	}
	return Rhythm{}, bad
}

func weekdays() []time.Weekday {
	return []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
}

// Service is one line, train or flight, or a class of them.
type Service struct {
	ID      string
	Mode    geodata.Mode
	From    []string // places, countries, "RU/n-europe", regions, "eu" or "*"
	To      []string
	Name    string
	Via     string // sea: suez, cape, panama or express; rail: caspian; else empty
	Rhythm  Rhythm
	KMH     float64 // 0: the speeds of the countries passed
	Slack   float64 // share added to sailing time
	CutoffH float64
	// TransitH is the time from departure to arrival that a schedule gives; 0: it
	// follows from the distance and KMH.
	TransitH float64
	OneWay   bool   // runs from From to To only, as imported services do
	Carrier  string // who runs it; may be empty
	Belly    bool   // air: known to fly with passengers
	Origin   geodata.Origin
	Note     string
}

// Speed is how fast a mode moves in a country.
type Speed struct {
	KMH    float64
	Spread float64 // P90 of a duration over its P50
	Origin geodata.Origin
}

// Dwell is how long a terminal or a procedure takes.
type Dwell struct {
	What string
	geodata.Dwell
	Origin geodata.Origin
}

// Table is a timetable. It is read-only once made and safe for concurrent use.
type Table struct {
	services []Service
	// scheduled are services imported between two terminals, by scheduledKey.
	scheduled map[string][]Service
	speeds    map[string]Speed
	dwells    map[string]Dwell
	data      []routing.Data
}

// Reference reads the embedded timetable.
func Reference() (*Table, error) {
	t := &Table{speeds: map[string]Speed{}, dwells: map[string]Dwell{}}
	var err error
	if t.services, err = ReadServices(servicesCSV); err != nil {
		return nil, fmt.Errorf("read embedded services.csv: %w", err)
	}
	if err := t.readSpeeds(speedsCSV); err != nil {
		return nil, fmt.Errorf("read embedded speeds.csv: %w", err)
	}
	if err := t.readDwells(dwellsCSV); err != nil {
		return nil, fmt.Errorf("read embedded dwells.csv: %w", err)
	}
	t.data = []routing.Data{{Name: "services, speeds and dwells", Version: version([]byte(servicesCSV), []byte(speedsCSV), []byte(dwellsCSV))}}
	return t, nil
}

var serviceColumns = []string{"id", "mode", "from", "to", "name", "via", "rhythm", "kmh", "slack", "cutoff_h", "as_of", "publisher", "origin", "conf", "note"}

// ReadServices reads services in the form of services.csv. Rows that cannot be
// read are left out and reported together, each with its line.
func ReadServices(text string) ([]Service, error) {
	rows, err := table(text, serviceColumns)
	if err != nil {
		return nil, err
	}
	var out []Service
	var errs []error
	for i, row := range rows {
		s, err := parseService(row)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", i+2, err))
			continue
		}
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

func table(text string, columns []string) ([][]string, error) {
	in := csv.NewReader(strings.NewReader(text))
	rows, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return nil, fmt.Errorf("the header must be %s", strings.Join(columns, ","))
	}
	return rows[1:], nil
}

func number(name, s string, least float64) (float64, error) {
	if s == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= least) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s: %q is not a number of at least %g", name, s, least)
	}
	return v, nil
}

func parseService(row []string) (Service, error) {
	mode, err := geodata.ParseMode(row[1])
	if err != nil {
		return Service{}, err
	}
	s := Service{
		ID: row[0], Mode: mode, From: strings.Split(row[2], "|"), To: strings.Split(row[3], "|"), Name: row[4], Via: row[5],
		Origin: geodata.Origin{Kind: row[12], Confidence: row[13], Source: row[11], AsOf: row[10]}, Note: row[14],
	}
	if s.ID == "" || row[2] == "" || row[3] == "" {
		return Service{}, errors.New("id, from and to may not be empty")
	}
	if s.Rhythm, err = ParseRhythm(row[6]); err != nil {
		return Service{}, err
	}
	if s.KMH, err = number("kmh", row[7], 1); err != nil {
		return Service{}, err
	}
	if s.Slack, err = number("slack", row[8], 0); err != nil {
		return Service{}, err
	}
	s.CutoffH, err = number("cutoff_h", row[9], 0)
	return s, err
}

func (t *Table) readSpeeds(text string) error {
	rows, err := table(text, []string{"mode", "country", "kmh", "p90_ratio", "as_of", "publisher", "origin", "conf", "note"})
	if err != nil {
		return err
	}
	for i, row := range rows {
		kmh, err1 := number("kmh", row[2], 1)
		ratio, err2 := number("p90_ratio", row[3], 1)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("line %d: %w", i+2, err)
		}
		t.speeds[row[0]+"."+row[1]] = Speed{kmh, ratio, geodata.Origin{Kind: row[6], Confidence: row[7], Source: row[5], AsOf: row[4]}}
	}
	for _, m := range []geodata.Mode{geodata.Rail, geodata.Road, geodata.Air} {
		if _, ok := t.speeds[string(m)+".*"]; !ok {
			return fmt.Errorf("no speed of %s for *", m)
		}
	}
	for _, where := range []geodata.Country{InTown, OnCountryRoads} {
		if _, ok := t.speeds[string(geodata.Road)+"."+string(where)]; !ok {
			return fmt.Errorf("no speed of lorries for %s", where)
		}
	}
	return nil
}

// What Speed is asked for instead of a country where a lorry is on short ways.
const (
	InTown         geodata.Country = "town"
	OnCountryRoads geodata.Country = "country-road"
)

// The dwells the planner asks for by name.
const (
	RoadLoad     = "road.load"
	RoadTIR      = "road.tir"
	RoadUnload   = "road.unload"
	RoadClear    = "road.clear"
	RoadReload   = "road.reload"
	RoadTransit  = "road.transit"
	UnknownPost  = "border.unknown"
	SeaExport    = "sea.export"
	SeaImport    = "sea.import"
	SeaFeeder    = "sea.feeder"
	RailExport   = "rail.export"
	RailImport   = "rail.import"
	RailLoad     = "rail.load"   // of a train that crosses no customs border
	RailUnload   = "rail.unload" // of such a train
	AirExport    = "air.export"
	AirImport    = "air.import"
	AirTransit   = "air.transit"
	OrderPick    = "ec.pick"
	OrderRelease = "ec.release"
	OrderRound   = "ec.round"
	OrderLocal   = "ec.local"
	OrderParcel  = "ec.parcel"
)

func (t *Table) readDwells(text string) error {
	rows, err := table(text, []string{"id", "what", "p50_h", "p90_h", "as_of", "publisher", "origin", "conf", "note"})
	if err != nil {
		return err
	}
	for i, row := range rows {
		p50, err1 := number("p50_h", row[2], 0)
		p90, err2 := number("p90_h", row[3], p50)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("line %d: %w", i+2, err)
		}
		t.dwells[row[0]] = Dwell{row[1], geodata.Dwell{P50: p50, P90: p90}, geodata.Origin{Kind: row[6], Confidence: row[7], Source: row[5], AsOf: row[4]}}
	}
	for _, id := range []string{
		RoadLoad, RoadTIR, RoadUnload, RoadClear, RoadReload, RoadTransit, UnknownPost,
		SeaExport, SeaImport, SeaFeeder, RailExport, RailImport, RailLoad, RailUnload, AirExport, AirImport, AirTransit,
		OrderPick, OrderRelease, OrderRound, OrderLocal, OrderParcel,
	} {
		if _, ok := t.dwells[id]; !ok {
			return fmt.Errorf("dwell %s is missing", id)
		}
	}
	return nil
}

// Dwell is the dwell at a terminal of a region, or in general.
func (t *Table) Dwell(id, region string) Dwell {
	if d, ok := t.dwells[id+"."+region]; ok {
		return d
	}
	return t.dwells[id]
}

// Speed is the speed of a mode in a country.
func (t *Table) Speed(m geodata.Mode, c geodata.Country, inEU bool) Speed {
	if s, ok := t.speeds[string(m)+"."+string(c)]; ok {
		return s
	}
	if inEU {
		if s, ok := t.speeds[string(m)+".eu"]; ok {
			return s
		}
	}
	return t.speeds[string(m)+".*"]
}

// Stop is a terminal as services know it.
type Stop struct {
	ID      string // terminal id, e.g. "air:TAO"; may be empty
	Place   string // UN/LOCODE; may be empty
	Country geodata.Country
	Region  string // see Region
	InEU    bool
}

// Rank says how closely selectors fit a stop: 4 the place or terminal, 3 the
// country, 2 the region, 1 anything, 0 not.
func (s Stop) Rank(selectors []string) int {
	best := 0
	for _, sel := range selectors {
		switch {
		case sel == s.Place && s.Place != "", sel == s.ID && s.ID != "":
			return 4
		case sel == string(s.Country), sel == string(s.Country)+"/"+s.Region:
			best = max(best, 3)
		case sel == s.Region, sel == "eu" && s.InEU:
			best = max(best, 2)
		case sel == "*":
			best = max(best, 1)
		}
	}
	return best
}

// Find lists the services of a mode from one stop to another: of each way
// (Via) the one that fits most closely, and an express besides the ordinary
// service where a row names both places. Services run in both directions. An
// imported schedule between the two stands for the reference row of the same way,
// and comes first.
func (t *Table) Find(m geodata.Mode, from, to Stop) []Service {
	reference := t.findReference(m, from, to)
	scheduled := t.findScheduled(m, from, to)
	if len(scheduled) == 0 {
		return reference
	}
	out := make([]Service, 0, len(scheduled)+len(reference))
	told := map[string]bool{}
	for _, s := range scheduled {
		if s.Via == "" && slices.ContainsFunc(reference, func(r Service) bool { return r.Via == "cape" }) {
			s.Via = "cape" // a schedule does not tell; most Asia–Europe services sail so in 2026
		}
		told[s.Via] = true
		out = append(out, s)
	}
	for _, r := range reference {
		if !told[r.Via] {
			out = append(out, r)
		}
	}
	return out
}

// Lines gives the services of a mode that name the places they run between at both
// ends: what a forwarder knows by name, wherever the nearest port may be.
func (t *Table) Lines(m geodata.Mode) []Service {
	var out []Service
	for _, s := range t.services {
		if s.Mode == m && places(s.From) && places(s.To) {
			out = append(out, s)
		}
	}
	return out
}

// Services gives the services of a mode in the order of the table. They are shared.
func (t *Table) Services(m geodata.Mode) []Service {
	var out []Service
	for _, s := range t.services {
		if s.Mode == m {
			out = append(out, s)
		}
	}
	return out
}

// places reports whether all selectors are UN/LOCODEs.
func places(selectors []string) bool {
	return !slices.ContainsFunc(selectors, func(s string) bool {
		return len(s) != 5 || strings.ToUpper(s) != s || strings.ContainsAny(s, "/|-:")
	})
}

func (t *Table) findReference(m geodata.Mode, from, to Stop) []Service {
	type match struct {
		Service
		rank int
	}
	best := map[string]match{}
	var order []string
	specific := 0
	for _, s := range t.services {
		if s.Mode != m {
			continue
		}
		a, b := from.Rank(s.From), to.Rank(s.To)
		if back, forth := to.Rank(s.From), from.Rank(s.To); min(a, b) == 0 || back*forth > a*b {
			a, b = back, forth
		}
		if min(a, b) == 0 {
			continue
		}
		r := a*10 + b
		if min(a, b) >= 2 {
			specific = max(specific, r)
		}
		key := s.Via
		if a == 4 && b == 4 && m == geodata.Sea {
			key = s.ID
		}
		if old, ok := best[key]; !ok || r > old.rank {
			if !ok {
				order = append(order, key)
			}
			best[key] = match{s, r}
		}
	}
	var out []Service
	for _, key := range order {
		// The catch-all row counts only where nothing better is known.
		if specific > 0 && best[key].rank < 22 {
			continue
		}
		out = append(out, best[key].Service)
	}
	return out
}

// Region is the trade region of a point: what lanes of ships are named by.
func Region(c geodata.Country, p orb.Point) string {
	lon, lat := p[0], p[1]
	switch c {
	case "CN", "HK", "MO", "TW", "KR", "KP":
		return "east-asia"
	case "JP":
		return "japan"
	case "SG", "MY", "TH", "VN", "KH", "ID", "PH", "MM", "BN", "LA":
		return "se-asia"
	case "IN", "PK", "BD", "LK", "MV":
		return "south-asia"
	case "AE", "SA", "QA", "OM", "KW", "BH", "IR", "IQ":
		if c == "SA" && lon < 44 {
			return "red-sea"
		}
		return "gulf"
	case "RU":
		switch {
		case lon > 100 || lon < -160:
			return "ru-fareast"
		case lat > 50:
			return "n-europe"
		default:
			return "med"
		}
	case "GB", "IE", "NL", "BE", "DE", "DK", "NO", "SE", "FI", "PL", "EE", "LV", "LT", "IS", "BY", "CZ", "LU", "CH", "AT", "SK", "HU":
		return "n-europe"
	case "FR", "ES", "PT":
		if lat > 45.5 || lon < -1.5 && (lat > 42.5 || c == "PT") {
			return "n-europe"
		}
		return "med"
	case "IT", "GR", "TR", "SI", "HR", "ME", "AL", "MT", "CY", "BG", "RO", "UA", "GE", "EG", "IL", "LB", "SY", "TN", "DZ", "LY", "MA", "MD", "RS", "BA", "MK":
		return "med"
	case "US", "CA":
		if lon < -105 {
			return "us-west"
		}
		return "us-east"
	case "MX":
		if lon < -103 {
			return "us-west"
		}
		return "latam-east"
	case "AU", "NZ", "PG", "FJ":
		return "oceania"
	case "KZ", "UZ", "TM", "KG", "TJ", "AZ", "AM", "MN", "AF":
		return "inner-asia"
	case "CL", "PE", "EC":
		return "latam-west"
	}
	if lon < -30 {
		return "latam-east"
	}
	return "africa"
}

// AirRegion is the region air rates are named by.
func AirRegion(c geodata.Country, p orb.Point) string {
	switch r := Region(c, p); r {
	case "east-asia", "japan":
		return "east-asia"
	case "n-europe":
		return "europe"
	case "med":
		if lon := p[0]; lon < 40 && p[1] > 36 {
			return "europe"
		}
	case "us-west", "us-east":
		return "us"
	}
	return "other"
}

// Lane is a published transit time.
type Lane struct {
	Origin, Destination string
	Mode                string // as published: road-tir, rail, rail-tmtm, sea, air
	DaysLow, DaysHigh   float64
	AsOf, Publisher     string
	Confidence          string
	Note                string
}

// Lanes reads the published transit times.
func Lanes() ([]Lane, error) {
	rows, err := table(lanesCSV, []string{"origin", "destination", "mode", "days_low", "days_high", "km", "frequency", "as_of", "publisher", "conf", "note"})
	if err != nil {
		return nil, fmt.Errorf("read embedded lanes.csv: %w", err)
	}
	var out []Lane
	for i, row := range rows {
		low, err1 := number("days_low", row[3], 0)
		high, err2 := number("days_high", row[4], low)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read embedded lanes.csv: line %d: %w", i+2, err)
		}
		if high == 0 {
			high = low
		}
		out = append(out, Lane{row[0], row[1], row[2], low, high, row[7], row[8], row[9], row[10]})
	}
	return out, nil
}
