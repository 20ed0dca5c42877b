package timetable

import (
	"archive/zip"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // feeds name time zones, and not every machine has them

	"corridor/geodata"
)

// maxGTFSTable is the largest table of a feed that is read, unpacked.
const maxGTFSTable = 1 << 30

// maxHorizon is how far ahead of its first day a feed is read.
const maxHorizon = 400 * 24 * time.Hour

// gtfsCutoffH is how long before a departure goods must be there: feeds do not
// tell (A).
const gtfsCutoffH = 6

// ReadGTFS reads a GTFS feed (a zip of tables): trains, ferries and flights between
// stops at known terminals. Buses, trams and metros carry no freight and are
// skipped, as are stops where nothing may be loaded or unloaded. Lines of problems
// are those of the table named in the reason.
func ReadGTFS(in io.ReaderAt, size int64, at Locator) (Reading, error) {
	archive, err := zip.NewReader(in, size)
	if err != nil {
		return Reading{}, fmt.Errorf("open the feed: %w; a GTFS feed is a zip of tables such as stops.txt", err)
	}
	f := gtfsFeed{at: at, zip: archive, zones: map[string]*time.Location{}}
	for _, step := range []func() error{f.agencies, f.stops, f.routes, f.calendar, f.trips, f.frequencies, f.stopTimes} {
		if err := step(); err != nil {
			return f.Reading, err
		}
	}
	f.Services = f.departures.services("gtfs", geodata.Origin{Kind: "P", Confidence: "H", Source: "GTFS feed"})
	return f.Reading, nil
}

type gtfsRoute struct {
	mode          geodata.Mode
	name, carrier string
	zone          *time.Location
}

type gtfsTrip struct {
	route   gtfsRoute
	service string
	repeats []gtfsHeadway
}

type gtfsHeadway struct{ first, last, step time.Duration }

type gtfsStop struct {
	lat, lon float64
	parent   string
}

type gtfsFeed struct {
	Reading
	at         Locator
	zip        *zip.Reader
	zones      map[string]*time.Location // of agencies
	names      map[string]string         // of agencies
	stopsByID  map[string]gtfsStop
	terminals  map[[2]string]string // by mode and stop
	routesByID map[string]gtfsRoute
	days       map[string][]time.Time // by service: midnights UTC of its dates
	tripsByID  map[string]gtfsTrip
	departures lines
}

// each calls do for every row of a table, with a getter by column. Rows whose do
// fails are refused.
func (f *gtfsFeed) each(name string, optional bool, do func(get func(string) string) error) error {
	i := slices.IndexFunc(f.zip.File, func(z *zip.File) bool { return z.Name == name || strings.HasSuffix(z.Name, "/"+name) })
	if i < 0 {
		if optional {
			return nil
		}
		return fmt.Errorf("the feed has no %s", name)
	}
	if f.zip.File[i].UncompressedSize64 > maxGTFSTable {
		return fmt.Errorf("%s is larger than %d MiB: cut the feed to the lines you need", name, maxGTFSTable>>20)
	}
	file, err := f.zip.File[i].Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer file.Close()
	rows := csv.NewReader(skipBOM(io.LimitReader(file, maxGTFSTable)))
	rows.FieldsPerRecord, rows.ReuseRecord, rows.LazyQuotes = -1, true, true
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	column := map[string]int{}
	for i, h := range header {
		column[strings.TrimSpace(h)] = i
	}
	var row []string
	get := func(c string) string {
		if i, ok := column[c]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	for {
		row, err = rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line := 0
		if err == nil {
			line, _ = rows.FieldPos(0)
			err = do(get)
		} else if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			line, err = parse.StartLine, parse.Err
		} else {
			return fmt.Errorf("read %s: %w", name, err)
		}
		var stop fatal
		switch {
		case errors.As(err, &stop):
			return stop.error
		case err != nil:
			f.refuse(line, "%s: %v", name, err)
			if len(f.Problems) > maxProblems {
				return fmt.Errorf("%s: too many rows make no sense", name)
			}
		}
	}
}

// fatal ends the reading.
type fatal struct{ error }

func (f *gtfsFeed) agencies() error {
	f.names = map[string]string{}
	err := f.each("agency.txt", false, func(get func(string) string) error {
		zone, err := time.LoadLocation(get("agency_timezone"))
		if err != nil || get("agency_timezone") == "" {
			return fmt.Errorf("agency_timezone %q is not known", get("agency_timezone"))
		}
		f.zones[get("agency_id")], f.names[get("agency_id")] = zone, get("agency_name")
		return nil
	})
	if err == nil && len(f.zones) == 0 {
		return errors.New("agency.txt names no agency with a known time zone")
	}
	return err
}

func (f *gtfsFeed) stops() error {
	f.stopsByID, f.terminals = map[string]gtfsStop{}, map[[2]string]string{}
	return f.each("stops.txt", false, func(get func(string) string) error {
		s := gtfsStop{parent: get("parent_station")}
		lat, err1 := strconv.ParseFloat(get("stop_lat"), 64)
		lon, err2 := strconv.ParseFloat(get("stop_lon"), 64)
		switch {
		case get("stop_id") == "":
			return errors.New("stop_id is empty")
		case get("stop_lat") == "" && s.parent != "":
			lat, lon = 999, 999 // where its station is
		case err1 != nil || err2 != nil || !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180):
			return fmt.Errorf("stop %s: %q, %q are not coordinates", get("stop_id"), get("stop_lat"), get("stop_lon"))
		}
		if _, twice := f.stopsByID[get("stop_id")]; twice {
			return fmt.Errorf("stop %s is there twice", get("stop_id"))
		}
		s.lat, s.lon = lat, lon
		f.stopsByID[get("stop_id")] = s
		return nil
	})
}

// terminal is the terminal at a stop; false when none is near.
func (f *gtfsFeed) terminal(m geodata.Mode, stop string) (string, bool) {
	key := [2]string{string(m), stop}
	id, known := f.terminals[key]
	if !known {
		s := f.stopsByID[stop]
		for range 3 {
			if s.lat < 900 {
				break
			}
			s = f.stopsByID[s.parent]
		}
		if s.lat < 900 {
			id, _ = f.at.Near(m, s.lat, s.lon)
		}
		f.terminals[key] = id
	}
	return id, id != ""
}

// gtfsMode is the mode of a route type, basic or extended; false for what takes
// no freight.
func gtfsMode(kind string) (geodata.Mode, bool) {
	n, err := strconv.Atoi(kind)
	switch {
	case err != nil:
		return "", false
	case n == 2, n >= 100 && n < 200:
		return geodata.Rail, true
	case n == 4, n >= 1000 && n < 1100, n >= 1200 && n < 1300:
		return geodata.Sea, true
	case n >= 1100 && n < 1200:
		return geodata.Air, true
	}
	return "", false
}

func (f *gtfsFeed) routes() error {
	f.routesByID = map[string]gtfsRoute{}
	return f.each("routes.txt", false, func(get func(string) string) error {
		if _, err := strconv.Atoi(get("route_type")); err != nil {
			return fmt.Errorf("route %s: route_type %q is not a number", get("route_id"), get("route_type"))
		}
		m, ok := gtfsMode(get("route_type"))
		if !ok {
			f.Skipped++
			return nil
		}
		agency := get("agency_id")
		zone, ok := f.zones[agency]
		if !ok && len(f.zones) == 1 {
			for agency, zone = range f.zones {
				ok = true
			}
		}
		if !ok {
			return fmt.Errorf("route %s: there is no agency %q", get("route_id"), agency)
		}
		name := cmp.Or(get("route_long_name"), get("route_short_name"), get("route_id"))
		f.routesByID[get("route_id")] = gtfsRoute{mode: m, name: name, carrier: f.names[agency], zone: zone}
		return nil
	})
}

func gtfsDate(s string) (time.Time, error) {
	t, err := time.Parse("20060102", s)
	if err != nil {
		return t, fmt.Errorf("%q is not a date such as 20261201", s)
	}
	return t, nil
}

func (f *gtfsFeed) calendar() error {
	days := map[string]map[time.Time]bool{}
	set := func(service string, d time.Time, on bool) {
		if days[service] == nil {
			days[service] = map[time.Time]bool{}
		}
		days[service][d] = on
	}
	err := f.each("calendar.txt", true, func(get func(string) string) error {
		begin, err1 := gtfsDate(get("start_date"))
		end, err2 := gtfsDate(get("end_date"))
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if end.Before(begin) {
			return fmt.Errorf("end_date %s is before start_date %s", get("end_date"), get("start_date"))
		}
		for i, name := range []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
			switch get(name) {
			case "0":
			case "1":
				for d := begin.AddDate(0, 0, (i-int(begin.Weekday())+7)%7); !d.After(end) && d.Sub(begin) < maxHorizon; d = d.AddDate(0, 0, 7) {
					set(get("service_id"), d, true)
				}
			default:
				return fmt.Errorf("%s is %q, not 0 or 1", name, get(name))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = f.each("calendar_dates.txt", true, func(get func(string) string) error {
		d, err := gtfsDate(get("date"))
		if err != nil {
			return err
		}
		switch get("exception_type") {
		case "1":
			set(get("service_id"), d, true)
		case "2":
			set(get("service_id"), d, false)
		default:
			return fmt.Errorf("exception_type is %q, not 1 or 2", get("exception_type"))
		}
		return nil
	})
	f.days = map[string][]time.Time{}
	for service, dates := range days {
		for d, on := range dates {
			if on {
				f.days[service] = append(f.days[service], d)
			}
		}
		slices.SortFunc(f.days[service], time.Time.Compare)
	}
	if err == nil && len(days) == 0 {
		return errors.New("the feed has neither calendar.txt nor calendar_dates.txt with a day in it")
	}
	return err
}

func (f *gtfsFeed) trips() error {
	f.tripsByID = map[string]gtfsTrip{}
	return f.each("trips.txt", false, func(get func(string) string) error {
		route, ok := f.routesByID[get("route_id")]
		if !ok {
			f.Skipped++ // of a route that takes no freight, or was refused
			return nil
		}
		if get("trip_id") == "" {
			return errors.New("trip_id is empty")
		}
		if _, ok := f.days[get("service_id")]; !ok {
			return fmt.Errorf("trip %s: the service %q runs on no day", get("trip_id"), get("service_id"))
		}
		f.tripsByID[get("trip_id")] = gtfsTrip{route: route, service: get("service_id")}
		return nil
	})
}

func (f *gtfsFeed) frequencies() error {
	return f.each("frequencies.txt", true, func(get func(string) string) error {
		trip, ok := f.tripsByID[get("trip_id")]
		if !ok {
			f.Skipped++
			return nil
		}
		first, ok1 := clock(get("start_time"))
		last, ok2 := clock(get("end_time"))
		step, err := strconv.Atoi(get("headway_secs"))
		if !ok1 || !ok2 || err != nil || step < 60 || last < first || last > 48*time.Hour {
			return fmt.Errorf("trip %s: %s to %s every %s s is no headway of a minute or more", get("trip_id"), get("start_time"), get("end_time"), get("headway_secs"))
		}
		trip.repeats = append(trip.repeats, gtfsHeadway{first, last, time.Duration(step) * time.Second})
		f.tripsByID[get("trip_id")] = trip
		return nil
	})
}

// gtfsCall is a trip at a stop with a known terminal.
type gtfsCall struct {
	sequence         int
	terminal         string
	arrives, departs time.Duration // of the service day
	loads, unloads   bool
}

func (f *gtfsFeed) stopTimes() error {
	calls := map[string][]gtfsCall{}
	err := f.each("stop_times.txt", false, func(get func(string) string) error {
		id := get("trip_id")
		trip, ok := f.tripsByID[id]
		if !ok {
			f.Skipped++
			return nil
		}
		sequence, err := strconv.Atoi(get("stop_sequence"))
		if err != nil || sequence < 0 {
			return fmt.Errorf("trip %s: stop_sequence %q is not a number", id, get("stop_sequence"))
		}
		if _, ok := f.stopsByID[get("stop_id")]; !ok {
			return fmt.Errorf("trip %s: there is no stop %q", id, get("stop_id"))
		}
		arrival, departure := cmp.Or(get("arrival_time"), get("departure_time")), cmp.Or(get("departure_time"), get("arrival_time"))
		if arrival == "" {
			f.Skipped++ // passed at a time nobody gives
			return nil
		}
		arrives, ok1 := clock(arrival)
		departs, ok2 := clock(departure)
		if !ok1 || !ok2 || departs < arrives {
			return fmt.Errorf("trip %s: %q, %q are not an arrival and a departure after it", id, arrival, departure)
		}
		terminal, ok := f.terminal(trip.route.mode, get("stop_id"))
		if !ok {
			f.Skipped++
			return nil
		}
		calls[id] = append(calls[id], gtfsCall{sequence, terminal, arrives, departs, get("pickup_type") != "1", get("drop_off_type") != "1"})
		return nil
	})
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(calls))
	for id := range calls {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := f.run(f.tripsByID[id], calls[id]); err != nil {
			return err
		}
	}
	return nil
}

// run adds the departures of one trip between each two of its terminals.
func (f *gtfsFeed) run(trip gtfsTrip, calls []gtfsCall) error {
	slices.SortStableFunc(calls, func(a, b gtfsCall) int { return cmp.Compare(a.sequence, b.sequence) })
	starts := []time.Duration{0}
	if len(trip.repeats) > 0 {
		starts = starts[:0]
		for _, r := range trip.repeats {
			for t := r.first; t < r.last; t += r.step {
				starts = append(starts, t-calls[0].departs)
			}
		}
	}
	for i, a := range calls {
		for _, b := range calls[i+1:] {
			under := b.arrives - a.departs
			if !a.loads || !b.unloads || a.terminal == b.terminal || under <= 0 || under.Hours() > maxTransitH {
				continue
			}
			x := line{mode: trip.route.mode, from: a.terminal, to: b.terminal, name: trip.route.name, carrier: trip.route.carrier, hours: roundHours(under.Hours()), cutoffH: gtfsCutoffH}
			for _, day := range f.days[trip.service] {
				// The clock of a service day starts twelve hours before its noon.
				noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, trip.route.zone)
				for _, s := range starts {
					if err := f.departures.add(x, noon.Add(a.departs+s-12*time.Hour)); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
