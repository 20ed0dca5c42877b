package table_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"corridor/carriers/table"
	"corridor/tracking"
)

type reader interface {
	Next() (tracking.Position, error)
	Skipped() map[string]int
}

func all(t testing.TB, r reader) []string {
	t.Helper()
	var got []string
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, show(p))
	}
}

// show writes a position in a line: unit time lat lon speed course accuracy, - for
// what is missing.
func show(p tracking.Position) string {
	at := "-"
	if !p.Time.IsZero() {
		at = p.Time.Format("2006-01-02T15:04:05.999Z07:00")
	}
	s := fmt.Sprintf("%s %s %v %v", p.Unit, at, p.Lat, p.Lon)
	for _, m := range []tracking.Measure{p.SpeedKMH, p.CourseDeg, p.AccuracyM} {
		if v, ok := m.Get(); ok {
			s += fmt.Sprintf(" %.4g", v)
		} else {
			s += " -"
		}
	}
	return strings.TrimSpace(s)
}

func TestCSV(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		in      string
		zone    *time.Location
		want    []string
		skipped map[string]int
	}{
		{
			// The header and first rows of route14_outbound.csv: UK Bus Open Data Service,
			// Open Government Licence v3.0.
			name: "bus",
			in: `"id","vehicle_id","trip_id","timestamp","latitude","longitude","bearing","origin","destination","route_name","direction","operator"
23811684,"4716","1091","2026-01-26 15:57:02",53.44451,-2.925173,,Queen_Square_Bus_Station,Petherick_Road,"14",outbound,AMSY
23812075,"4716","1091","2026-01-26 15:57:24",53.445026,-2.923543,53,Queen_Square_Bus_Station,Petherick_Road,"14",outbound,AMSY`,
			want: []string{"4716 2026-01-26T15:57:02Z 53.44451 -2.925173 - - -", "4716 2026-01-26T15:57:24Z 53.445026 -2.923543 - 53 -"},
		},
		{
			name: "own names",
			in:   "unit,time,lat,lon,speed_kmh,course_deg,accuracy_m\nTRK-1,2026-12-01T16:00:00+08:00,36.07,120.32,62.5,360,8\n",
			want: []string{"TRK-1 2026-12-01T08:00:00Z 36.07 120.32 62.5 0 8"},
		},
		{
			name: "local time, semicolons, decimal commas, byte order mark",
			in:   "\ufeffVehicle ID;Date Time;Latitude;Longitude;Speed (kn)\n鲁B12345;2026-12-01 16:00:00.5;36,07;120,32;10\n",
			zone: shanghai,
			want: []string{"鲁B12345 2026-12-01T08:00:00.5Z 36.07 120.32 18.52 - -"},
		},
		{
			name: "AIS archive",
			in:   "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName\n367000001,2026-01-01T00:00:01,29.5,-88.8,10.0,181.5,511,X\n",
			want: []string{"MMSI-367000001 2026-01-01T00:00:01Z 29.5 -88.8 18.52 181.5 -"},
		},
		{
			name: "unix times, tabs, WKT, m/s",
			in:   "device\tts\tgeometry\tspeed_mps\nA\t1790000000\tPOINT(120.32 36.07)\t10\nA\t1790000001500\tSRID=4326;POINT Z (120.33 36.08 5)\t\n",
			want: []string{"A 2026-09-21T14:13:20Z 36.07 120.32 36 - -", "A 2026-09-21T14:13:21.5Z 36.08 120.33 - - -"},
		},
		{
			name: "Danish AIS archive",
			in:   "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading\n05/11/2026 23:59:59,Class A,219000001,55.5,11.2,Under way,0.0,10.0,93.4,95\n",
			want: []string{"MMSI-219000001 2026-11-05T23:59:59Z 55.5 11.2 18.52 93.4 -"},
		},
		{
			name: "months first, as a later row shows",
			in:   "unit,time,lat,lon\nA,02/01/2026 00:00:00,1,2\nA,02/13/2026 00:00:00,1,2\n",
			want: []string{"A 2026-02-01T00:00:00Z 1 2 - - -", "A 2026-02-13T00:00:00Z 1 2 - - -"},
		},
		{
			name: "OpenSky",
			in:   "time,icao24,lat,lon,velocity,heading,callsign\n1790000000,4b1908,47.1,8.5,200,90,SWR1\n",
			want: []string{"ICAO-4B1908 2026-09-21T14:13:20Z 47.1 8.5 720 90 -"},
		},
		{
			name: "both coordinates in one",
			in:   "Timestamp,UTC,Callsign,Position,Altitude,Speed,Direction\n1790000000,2026-09-21T14:13:20Z,X,\"36.07,120.32\",0,10,271\n",
			want: []string{"2026-09-21T14:13:20Z 36.07 120.32 10 271 -"},
		},
		{
			name: "date and time apart, no unit",
			in:   "date,time,y,x\n2026-12-01,08:00:00,1,2\n",
			want: []string{"2026-12-01T08:00:00Z 1 2 - - -"},
		},
		{
			name: "no times at all",
			in:   "name,lat,lng\nA,1,2\n",
			want: []string{"- 1 2 - - -"},
		},
		{
			name:    "rows that are none",
			in:      "unit,time,lat,lon\nA,never,1,2\nA,2026-12-01 08:00:00,,2\nA,2026-12-01 08:00:00,x,2\n\nA,2026-12-01 08:00:00\nA,2026-12-01 08:00:00,NaN,2\nA,2026-12-01 08:00:00,1,2\n",
			want:    []string{"A 2026-12-01T08:00:00Z 1 2 - - -"},
			skipped: map[string]int{"time not understood": 1, "no position": 3, "latitude or longitude is no number": 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := table.NewCSV(strings.NewReader(tt.in), tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			check(t, r, tt.want, tt.skipped)
		})
	}
}

func check(t *testing.T, r reader, want []string, skipped map[string]int) {
	t.Helper()
	got := all(t, r)
	for i := range want {
		want[i] = strings.TrimSpace(want[i])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !maps.Equal(r.Skipped(), skipped) {
		t.Errorf("skipped %v, want %v", r.Skipped(), skipped)
	}
}

func TestCSVWithoutPlace(t *testing.T) {
	_, err := table.NewCSV(strings.NewReader("unit,time,lat\nA,B,C\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "name them lat and lon") {
		t.Errorf("%v", err)
	}
	if _, err := table.NewCSV(strings.NewReader(""), nil); err == nil {
		t.Error("an empty file is a table")
	}
}

func TestJSON(t *testing.T) {
	const one = `{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2,"speed_kmh":5,"sensors":{"t":1}}`
	want := []string{"A 2026-12-01T08:00:00Z 1 2 5 - -"}
	for _, tt := range []struct {
		name, in string
		want     []string
		skipped  map[string]int
	}{
		{"array", "[" + one + "]", want, nil},
		{"lines", one + "\n", want, nil},
		{"answer of the API", `{"positions":[` + one + `]}`, want, nil},
		{"empty", `[]`, nil, nil},
		{
			// The first points of x0001-001.json of bmwcarit/barefoot, Apache-2.0.
			"Munich",
			`[{"point":"POINT(11.564388282625075 48.16350662940509)","time":"2014-09-10 06:54:07+0200","id":"\\x0001"}]`,
			[]string{`\x0001 2014-09-10T04:54:07Z 48.16350662940509 11.564388282625075 - - -`},
			nil,
		},
		{
			"other names and numbers",
			`[{"vehicleId":7,"timestamp":1790000000.25,"latitude":"1","longitude":2e0,"heading":null,"location":{"x":1}}]`,
			[]string{"7 2026-09-21T14:13:20.25Z 1 2 - - -"},
			nil,
		},
		{
			"GeoJSON points",
			`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"vehicle_id":"A","timestamp":"2026-12-01T08:00:00Z","speed":5},"geometry":{"type":"Point","coordinates":[2,1,100]}},
				{"type":"Feature","properties":null,"geometry":null}]}`,
			want, nil,
		},
		{
			"GeoJSON line with times, as the API gives it",
			`{"type":"Feature","properties":{"unit":"A","times":["2026-12-01T08:00:00Z","2026-12-01T08:00:01Z","2026-12-01T08:00:02Z"]},
				"geometry":{"type":"MultiLineString","coordinates":[[[179,1],[180,1]],[[-180,1]]]}}`,
			[]string{"A 2026-12-01T08:00:00Z 1 179 - - -", "A 2026-12-01T08:00:01Z 1 180 - - -", "A 2026-12-01T08:00:02Z 1 -180 - - -"},
			nil,
		},
		{"not objects", "[1,null," + one + "]", want, map[string]int{"not an object": 1, "no position": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := table.NewJSON(strings.NewReader(tt.in), nil)
			if err != nil {
				t.Fatal(err)
			}
			check(t, r, tt.want, tt.skipped)
		})
	}
	for _, bad := range []string{"7", `{"unit":`, "[" + one + ","} {
		r, err := table.NewJSON(strings.NewReader(bad), nil)
		for err == nil {
			_, err = r.Next()
		}
		if errors.Is(err, io.EOF) {
			t.Errorf("%q was read to its end", bad)
		}
	}
}

// TestManyFeatures would take minutes if reading one cost the more the more follow.
func TestManyFeatures(t *testing.T) {
	const n = 20_000
	one := `{"type":"Feature","properties":{"id":"A","time":"2026-12-01T08:00:00Z"},"geometry":{"type":"Point","coordinates":[2,1]}}`
	r, err := table.NewJSON(strings.NewReader(`{"type":"FeatureCollection","features":[`+strings.Repeat(one+",", n-1)+one+`]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := all(t, r); len(got) != n {
		t.Errorf("%d positions of %d", len(got), n)
	}
}

func fuzz(t *testing.T, r reader, err error) {
	if err != nil {
		return
	}
	for range 10_000 {
		p, err := r.Next()
		if err != nil {
			return
		}
		if math.IsNaN(p.Lat) || math.IsInf(p.Lon, 0) {
			t.Fatalf("%+v", p)
		}
		if v, ok := p.CourseDeg.Get(); ok && !(v >= 0 && v < 360) {
			t.Fatalf("%+v", p)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("unit,time,lat,lon,speed\nA,2026-12-01 08:00:00,1,2,\"3\n"))
	f.Add([]byte("mmsi;date;time;geom\n1;2026-12-01;08:00;POINT(1 2)"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := table.NewCSV(bytes.NewReader(b), nil)
		fuzz(t, r, err)
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"unit":"A","time":"2026-12-01T08:00:00Z","lat":1,"lon":2},7]`))
	f.Add([]byte(`{"positions":[{"point":"POINT(1 2)","ts":1790000000}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := table.NewJSON(bytes.NewReader(b), nil)
		fuzz(t, r, err)
	})
}
