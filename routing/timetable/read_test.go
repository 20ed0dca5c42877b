package timetable

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
)

// fewTerminals is a locator of a handful of places.
type fewTerminals struct{}

func (fewTerminals) Airport(iata string) (string, bool) {
	return "air:" + iata, slices.Contains([]string{"TAO", "SVO", "LGG", "FRA"}, iata)
}

func (fewTerminals) Place(m geodata.Mode, code string) (string, bool) {
	return code, m != geodata.Air && slices.Contains([]string{"CNTAO", "JPOSA", "KRINC", "DEHAM", "NLRTM", "SGSIN", "RUMOW"}, code)
}

func (fewTerminals) Near(m geodata.Mode, lat, lon float64) (string, bool) {
	for id, p := range map[string][2]float64{"CNTAO": {36.07, 120.32}, "KRINC": {37.46, 126.62}, "DEHAM": {53.54, 9.99}} {
		if math.Hypot(p[0]-lat, p[1]-lon) < 0.3 {
			return string(m) + ":" + id, true
		}
	}
	return "", false
}

// ssimRecord lays out a leg as SSIM has it.
func ssimRecord(fields map[int]string) string {
	row := []byte(strings.Repeat(" ", ssimLength))
	for at, text := range fields {
		copy(row[at:], text)
	}
	return string(row)
}

func ssimFile(legs ...map[int]string) string {
	out := ssimRecord(map[int]string{0: "1AIRLINE STANDARD SCHEDULE DATA SET"}) + "\n" + ssimRecord(map[int]string{0: "2LCK", 14: "25OCT2627MAR27"}) + "\n"
	for _, l := range legs {
		leg := map[int]string{
			0: "3", ssimAirline: "CK ", ssimNumber: "0213", 9: "0101", ssimService: "F", ssimFrom: "01DEC26", ssimUntil: "31DEC26", ssimDays: " 2  5  ", ssimOrigin: "TAO", 39: "0130", ssimSTD: "0130", ssimOutZone: "+0800",
			ssimDest: "LGG", ssimSTA: "0615", 61: "0615", ssimInZone: "+0100", ssimAircraft: "77X", ssimDateVar: "00",
		}
		for at, text := range l {
			leg[at] = text
		}
		out += ssimRecord(leg) + "\n"
	}
	return out + ssimRecord(map[int]string{0: "5 CK"}) + "\n"
}

func TestSSIM(t *testing.T) {
	r, err := ReadSSIM(strings.NewReader(ssimFile(
		nil,
		map[int]string{ssimDest: "JFK"},                             // skipped: not known
		map[int]string{ssimService: "P"},                            // skipped: a positioning flight
		map[int]string{ssimDays: "135    "},                         // line 6: days out of their columns
		map[int]string{ssimSTD: "2560"},                             // line 7
		map[int]string{ssimUntil: "01NOV26"},                        // line 8: ends before it begins
		map[int]string{ssimSTA: "0015", ssimInZone: "+0800"},        // line 9: arrives before it leaves
		map[int]string{ssimSTD: "2330", ssimSTA: "1215", 192: "01"}, // overnight: 19.75 h
	)), fewTerminals{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Skipped != 2 || len(r.Services) != 2 {
		t.Fatalf("%d services, %d skipped: %+v", len(r.Services), r.Skipped, r)
	}
	var lines []int
	for _, p := range r.Problems {
		lines = append(lines, p.Line)
	}
	if !slices.Equal(lines, []int{6, 7, 8, 9}) {
		t.Errorf("refused %v: %+v", lines, r.Problems)
	}
	s := r.Services[0]
	// 01:30 in Qingdao to 06:15 in Liège: 11 h 45 min; Tuesdays and Fridays of December.
	if s.TransitH != 11.75 || s.From[0] != "air:TAO" || s.To[0] != "air:LGG" || len(s.Rhythm.Dates) != 9 || s.Name != "CK 213, freighter" {
		t.Errorf("%+v", s)
	}
	if first := s.Rhythm.Dates[0]; !first.Equal(time.Date(2026, 11, 30, 17, 30, 0, 0, time.UTC)) {
		t.Errorf("leaves first at %v", first)
	}
	if r.Services[1].TransitH != 19.75 {
		t.Errorf("overnight it takes %v h", r.Services[1].TransitH)
	}
	if _, err := ReadSSIM(strings.NewReader(strings.Repeat("nonsense\n", maxProblems+5)), fewTerminals{}); err == nil {
		t.Error("a text that is no SSIM is taken")
	}
}

func gtfsZip(tb testing.TB, change map[string]string) []byte {
	tb.Helper()
	tables := map[string]string{
		"agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nW,Weidong,https://example.org,Asia/Shanghai\n",
		"stops.txt": "stop_id,stop_name,stop_lat,stop_lon,parent_station\nQ,Qingdao,36.07,120.32,\nI,Incheon,37.46,126.62,\nX,Nowhere,10,10,\nP,Pier,,,I\n" +
			"B,Broken,91,0,\n",
		"routes.txt":         "route_id,agency_id,route_short_name,route_long_name,route_type\nR,W,,Qingdao–Incheon ferry,4\nBUS,W,1,,3\n",
		"trips.txt":          "route_id,service_id,trip_id\nR,S,T\nBUS,S,U\nR,NONE,V\n",
		"calendar.txt":       "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\nS,1,0,1,0,1,0,0,20261201,20261231\n",
		"calendar_dates.txt": "service_id,date,exception_type\nS,20261225,2\nS,20261226,1\n",
		"stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT,17:30:00,17:30:00,Q,1\nT,20:00:00,20:00:00,X,2\nT,34:30:00,34:30:00,P,3\n" +
			"U,08:00:00,08:00:00,Q,1\nT,late,late,Q,4\n",
	}
	for name, text := range change {
		tables[name] = text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range tables {
		if text == "" {
			continue
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store}) // packing is not what is tested
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func readGTFS(raw []byte) (Reading, error) {
	return ReadGTFS(bytes.NewReader(raw), int64(len(raw)), fewTerminals{})
}

func TestGTFS(t *testing.T) {
	r, err := readGTFS(gtfsZip(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 1 {
		t.Fatalf("%+v", r)
	}
	s := r.Services[0]
	// Monday, Wednesday and Friday of December, less Christmas, more the day after.
	if s.Mode != geodata.Sea || s.TransitH != 17 || s.From[0] != "sea:CNTAO" || s.To[0] != "sea:KRINC" || len(s.Rhythm.Dates) != 13 || s.Carrier != "Weidong" {
		t.Errorf("%+v, %d departures", s, len(s.Rhythm.Dates))
	}
	if first := s.Rhythm.Dates[0]; !first.Equal(time.Date(2026, 12, 2, 9, 30, 0, 0, time.UTC)) {
		t.Errorf("leaves first at %v", first)
	}
	var said []string
	for _, p := range r.Problems {
		said = append(said, fmt.Sprintf("%d %s", p.Line, p.Reason))
	}
	for _, want := range []string{"6 stops.txt", "4 trips.txt", "6 stop_times.txt"} {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("no problem at %s: %q", want, said)
		}
	}
	if len(r.Problems) != 3 {
		t.Errorf("problems %q", said)
	}
	headway, err := readGTFS(gtfsZip(t, map[string]string{"frequencies.txt": "trip_id,start_time,end_time,headway_secs\nT,06:00:00,12:00:00,7200\n"}))
	if err != nil || len(headway.Services) != 1 || len(headway.Services[0].Rhythm.Dates) != 39 {
		t.Errorf("three a day: %+v %v", headway, err)
	}
	for _, missing := range []string{"agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt"} {
		if _, err := readGTFS(gtfsZip(t, map[string]string{missing: ""})); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if _, err := readGTFS([]byte("not a zip")); err == nil {
		t.Error("a text is taken for a feed")
	}
}

// The clocks of a service day start twelve hours before noon, so that a departure
// after the clocks change keeps its hour.
func TestGTFSSummerTime(t *testing.T) {
	r, err := readGTFS(gtfsZip(t, map[string]string{
		"agency.txt":         "agency_id,agency_name,agency_url,agency_timezone\nW,W,u,Europe/Berlin\n",
		"calendar.txt":       "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\nS,0,0,0,0,0,0,1,20270321,20270328\n",
		"calendar_dates.txt": "",
	}))
	if err != nil || len(r.Services) != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	d := r.Services[0].Rhythm.Dates
	if len(d) != 2 || d[0].Hour() != 16 || d[1].Hour() != 15 {
		t.Errorf("17:30 in Berlin before and after the change is %v", d)
	}
}

const dcsaVoyages = `[
  {"carrierServiceName": "North Europe 1", "carrierServiceCode": "NE1", "vesselSchedules": [
    {"vesselOperatorSMDGLinerCode": "ABC", "vesselName": "Example One", "transportCalls": [
      {"location": {"UNLocationCode": "CNTAO"}, "timestamps": [
        {"eventTypeCode": "ARRI", "eventClassifierCode": "PLN", "eventDateTime": "2026-12-03T01:00:00+08:00"},
        {"eventTypeCode": "DEPA", "eventClassifierCode": "PLN", "eventDateTime": "2026-12-04T02:00:00+08:00"},
        {"eventTypeCode": "DEPA", "eventClassifierCode": "EST", "eventDateTime": "2026-12-04T10:00:00+08:00"}],
       "cutOffTimes": [{"cutOffDateTimeCode": "FCO", "cutOffDateTime": "2026-12-02T22:00:00+08:00"}]},
      {"location": {"UNLocationCode": "SGSIN"}, "statusCode": "OMIT", "timestamps": []},
      {"location": {"UNLocationCode": "NLRTM"}, "timestamps": [
        {"eventTypeCode": "ARRI", "eventClassifierCode": "PLN", "eventDateTime": "2027-01-10T03:00:00+01:00"},
        {"eventTypeCode": "DEPA", "eventClassifierCode": "PLN", "eventDateTime": "2027-01-11T03:00:00+01:00"}]},
      {"location": {"UNLocationCode": "XXXXX"}, "timestamps": [{"eventTypeCode": "ARRI", "eventClassifierCode": "PLN", "eventDateTime": "2027-01-10T03:00:00+01:00"}]},
      {"location": {"UNLocationCode": "DEHAM"}, "timestamps": [{"eventTypeCode": "ARRI", "eventClassifierCode": "PLN", "eventDateTime": "yesterday"}]}
    ]}]},
  {"legs": [{"sequenceNumber": 1, "transport": {"modeOfTransport": "VESSEL", "vessel": {"operatorCarrierCode": "ABC"}, "servicePartners": [{"carrierServiceName": "Osaka Express"}]},
    "departure": {"location": {"UNLocationCode": "CNTAO"}, "dateTime": "2026-12-04T18:00:00+08:00"},
    "arrival": {"location": {"UNLocationCode": "JPOSA"}, "dateTime": "2026-12-06T08:00:00+09:00"}},
   {"sequenceNumber": 2, "transport": {"modeOfTransport": "TRUCK"}, "departure": {}, "arrival": {}}]},
  {"location": {"UNLocationCode": "CNTAO"}, "vesselSchedules": []},
  {"surprise": true}
]`

func TestDCSA(t *testing.T) {
	r, err := ReadDCSA(strings.NewReader(dcsaVoyages), fewTerminals{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Services) != 2 || r.Skipped != 3 {
		t.Fatalf("%d services, %d skipped, problems %+v", len(r.Services), r.Skipped, r.Problems)
	}
	osaka, rotterdam := r.Services[0], r.Services[1]
	if osaka.Name != "Osaka Express" || osaka.TransitH != 37 || osaka.CutoffH != defaultCutoffH {
		t.Errorf("%+v", osaka)
	}
	// The estimate of the departure counts, and the gate closes 36 h before it.
	if rotterdam.Carrier != "ABC" || rotterdam.Name != "North Europe 1" || rotterdam.CutoffH != 36 || math.Abs(rotterdam.TransitH-(37*24)) > 24 || rotterdam.Rhythm.Dates[0].Hour() != 2 {
		t.Errorf("%+v", rotterdam)
	}
	var said []string
	for _, p := range r.Problems {
		said = append(said, fmt.Sprintf("%d %s", p.Line, p.Reason))
	}
	for i, want := range []string{"2 vessel", "20 port-schedules", "21 neither"} {
		if i >= len(said) || !strings.HasPrefix(said[i], want) {
			t.Errorf("problem %d is not %q: %q", i, want, said)
		}
	}
	for _, bad := range []string{"", "{}", "[1,", "null"} {
		if r, err := ReadDCSA(strings.NewReader(bad), fewTerminals{}); err == nil && len(r.Problems) == 0 {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestCSVSchedule(t *testing.T) {
	text := "\xef\xbb\xbfmode,from,to,name,carrier,rhythm,departure,arrival,transit_h,cutoff_h,via,valid_from,valid_until\n" +
		"sea,CNTAO,JPOSA,Express,ABC,,2026-12-01T18:00:00+08:00,2026-12-03T08:00:00+09:00,,12,,,\n" +
		"sea,CNTAO,JPOSA,Express,ABC,,2026-12-04T18:00:00+08:00,2026-12-06T08:00:00+09:00,,12,,,\n" +
		"rail,CNTAO,RUMOW,Train,RZD,weekly Mon 08:00,,,336,24,,,\n" +
		"sea,CNTAO,NLRTM,Loop,ABC,weekly Tue 20:00,,,960,,cape,2026-12-01,2026-12-31\n" +
		"sea,CNTAO,ATLANTIS,Loop,ABC,every 168h,,,960,,,,\n" +
		"camel,CNTAO,JPOSA,,,every 24h,,,48,,,,\n" +
		"sea,CNTAO,JPOSA,,,,2026-12-04T18:00:00+08:00,2026-12-01T18:00:00+08:00,,,,,\n" +
		"sea,CNTAO,JPOSA,,,sometimes,,,48,,,,\n" +
		"sea,CNTAO,CNTAO,,,every 24h,,,48,,,,\n" +
		"sea,CNTAO,JPOSA,\"torn\nair,TAO,LGG,,,every 24h,,,12,,,,\n"
	r, err := ReadCSV(strings.NewReader(text), fewTerminals{})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Service{}
	for _, s := range r.Services {
		byName[s.Name] = s
	}
	if s := byName["Express"]; len(s.Rhythm.Dates) != 2 || s.TransitH != 37 || s.CutoffH != 12 || !s.OneWay {
		t.Errorf("express %+v", s)
	}
	if s := byName["Train"]; s.Rhythm.String() != "Mon" || s.TransitH != 336 {
		t.Errorf("train %+v", s)
	}
	if s := byName["Loop"]; len(s.Rhythm.Dates) != 5 || s.Via != "cape" {
		t.Errorf("loop %+v", s)
	}
	var lines []int
	for _, p := range r.Problems {
		lines = append(lines, p.Line)
	}
	if len(r.Services) != 3 || !slices.Equal(lines, []int{6, 7, 8, 9, 10, 11}) {
		t.Errorf("%d services, refused lines %v: %+v", len(r.Services), lines, r.Problems)
	}
	for _, head := range []string{"", "mode,from\n", "mode,from,to,colour\n", "mode,from,to,to\n"} {
		if _, err := ReadCSV(strings.NewReader(head), fewTerminals{}); err == nil {
			t.Errorf("the header %q is taken", head)
		}
	}
}

// What was imported is what is read again.
func TestStoredServicesReturn(t *testing.T) {
	r, err := ReadDCSA(strings.NewReader(dcsaVoyages), fewTerminals{})
	if err != nil {
		t.Fatal(err)
	}
	weekly, err := ParseRhythm("weekly Mon Fri 17:30")
	if err != nil {
		t.Fatal(err)
	}
	services := append(r.Services, Service{ID: "w", Mode: geodata.Rail, From: []string{"CNTAO"}, To: []string{"RUMOW"}, Rhythm: weekly, OneWay: true})
	var b bytes.Buffer
	if err := WriteServices(&b, services); err != nil {
		t.Fatal(err)
	}
	got, err := ReadStored(&b)
	if err != nil || !reflect.DeepEqual(got, services) {
		t.Errorf("%v\n%+v\n%+v", err, got, services)
	}
	for _, bad := range []string{"", "{}", `{"corridor_services":1,"services":[{}]}`, `{"corridor_services":1,"services":[{"mode":"sea","from":["A"],"to":["B"]}]}`} {
		if _, err := ReadStored(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestScheduledServicesStandForTheReference(t *testing.T) {
	table := reference(t)
	r, err := ReadDCSA(strings.NewReader(dcsaVoyages), fewTerminals{})
	if err != nil {
		t.Fatal(err)
	}
	with := table.With("dcsa", []byte(dcsaVoyages), r.Services)
	qingdao, rotterdam, osaka := stop("CNTAO", "CN", 120.3, 36.1), stop("NLRTM", "NL", 4.1, 51.9), stop("JPOSA", "JP", 135.4, 34.6)
	names := func(t *Table, a, b Stop) string {
		var out []string
		for _, s := range t.Find(geodata.Sea, a, b) {
			out = append(out, s.ID)
		}
		return strings.Join(out, " ")
	}
	// Of a ship to Europe nobody tells the way: it is taken to go round the Cape.
	if got := names(with, qingdao, rotterdam); got != "dcsa-2 SEA-AEN-SUEZ" {
		t.Errorf("to Rotterdam %s", got)
	}
	if got := names(with, rotterdam, qingdao); got != names(table, rotterdam, qingdao) {
		t.Errorf("a schedule works backwards: %s", got)
	}
	if got := names(with, qingdao, osaka); got != "dcsa-1 SEA-TAO-OSA-X" {
		t.Errorf("to Osaka %s", got)
	}
	on := func(s string) *Table {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return with.On(d)
	}
	if on("2026-12-20").Count() != 2 || on("2027-06-01").Count() != 0 || on("2026-06-01").Count() != 0 {
		t.Error("schedules are used long after or before they run")
	}
	if with.Count() != 2 || table.Count() != 0 {
		t.Error("the table without imports has changed")
	}
}

// A departure is never before it is asked for, and the weeks go on after the last.
func TestNextOfDates(t *testing.T) {
	start := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		var r Rhythm
		for _, h := range rapid.SliceOfN(rapid.IntRange(0, 24*40), 1, 20).Draw(rt, "hours") {
			r.Dates = append(r.Dates, start.Add(time.Duration(h)*time.Hour))
		}
		slices.SortFunc(r.Dates, time.Time.Compare)
		r.Dates = slices.CompactFunc(r.Dates, time.Time.Equal)
		at := start.Add(time.Duration(rapid.IntRange(-500, 24*90).Draw(rt, "at")) * time.Hour)
		next := r.Next(at)
		last := r.Dates[len(r.Dates)-1]
		switch {
		case next.Before(at):
			rt.Fatalf("after %v comes %v", at, next)
		case !at.After(last) && !slices.ContainsFunc(r.Dates, next.Equal):
			rt.Fatalf("%v is no departure of %v", next, r.Dates)
		case at.After(last) && next.Sub(at) >= 7*24*time.Hour:
			rt.Fatalf("after the last, %v, the next after %v is %v", last, at, next)
		}
		for _, d := range r.Dates {
			if !d.Before(at) && d.Before(next) {
				rt.Fatalf("%v is left out between %v and %v", d, at, next)
			}
		}
	})
}

// checkReading holds what must be true of whatever a reader makes of bytes.
func checkReading(t *testing.T, r Reading) {
	t.Helper()
	for _, s := range r.Services {
		if !(s.TransitH >= 0 && s.TransitH <= maxTransitH) || !(s.Rhythm.Every >= 0) || !s.Rhythm.Fixed() && s.Rhythm.Every == 0 || len(s.From) != 1 || len(s.To) != 1 || s.From[0] == s.To[0] {
			t.Fatalf("%+v", s)
		}
		if !slices.IsSortedFunc(s.Rhythm.Dates, time.Time.Compare) {
			t.Fatalf("departures are out of order: %+v", s)
		}
	}
	for _, p := range r.Problems {
		if p.Line < 1 || p.Reason == "" {
			t.Fatalf("%+v", p)
		}
	}
}

func FuzzReadSSIM(f *testing.F) {
	f.Add(ssimFile(nil, map[int]string{ssimDays: "1234567", ssimFortnight: "2", ssimUntil: "00XXX00"}))
	f.Add("2U\n3")
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := ReadSSIM(strings.NewReader(text), fewTerminals{})
		checkReading(t, r)
	})
}

func FuzzReadDCSA(f *testing.F) {
	f.Add(dcsaVoyages)
	f.Add(`[{"vesselSchedules":[{"transportCalls":[{}]}]},{"legs":[{}]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := ReadDCSA(strings.NewReader(text), fewTerminals{})
		checkReading(t, r)
	})
}

func FuzzReadCSV(f *testing.F) {
	f.Add("mode,from,to,rhythm,transit_h,valid_from,valid_until\nsea,CNTAO,JPOSA,weekly Mon 10:00,40,2026-12-01,2026-12-31\n")
	f.Add("mode,from,to,departure,arrival\nsea,CNTAO,JPOSA,2026-12-04T18:00:00+08:00,2026-12-06T08:00:00+09:00\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := ReadCSV(strings.NewReader(text), fewTerminals{})
		for _, s := range r.Services { // a rhythm may have no transit time: the distance gives it
			if len(s.Rhythm.Dates) > 0 && !s.Rhythm.Dates[0].Equal(s.Rhythm.Next(s.Rhythm.Dates[0])) {
				t.Fatalf("%+v", s)
			}
		}
		checkReading(t, r)
	})
}

// The tables of a feed, not the zip around them, are what needs fuzzing.
func FuzzReadGTFS(f *testing.F) {
	f.Add("agency_id,agency_timezone\nW,Asia/Shanghai\n", "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT,17:30:00,17:30:00,Q,1\nT,34:30:00,34:30:00,P,3\n", "trip_id,start_time,end_time,headway_secs\nT,06:00:00,12:00:00,7200\n", "service_id,date,exception_type\nS,20261225,1\n")
	f.Fuzz(func(t *testing.T, agency, times, frequencies, dates string) {
		r, _ := readGTFS(gtfsZip(t, map[string]string{"agency.txt": agency, "stop_times.txt": times, "frequencies.txt": frequencies, "calendar_dates.txt": dates}))
		checkReading(t, r)
	})
}

func FuzzReadStored(f *testing.F) {
	f.Add(`{"corridor_services":1,"services":[{"mode":"sea","from":["A"],"to":["B"],"departures":[1,2],"every_h":3}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		services, err := ReadStored(strings.NewReader(text))
		if err == nil {
			reference(t).With("f", nil, services).On(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
		}
	})
}
