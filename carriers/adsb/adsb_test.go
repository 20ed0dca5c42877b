package adsb_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"corridor/carriers/adsb"
	"corridor/tracking"
)

// Lines of msgs.txt of wiseman/node-sbs1 (X11 licence); the last has times.
const sbs = `MSG,3,,,4B1908,,,,,,,2525,,,33.96693,-118.25598,,,0,0,0,0
MSG,4,,,76CCE2,,,,,,,,298,96,,,-128,,0,0,0,0
MSG,3,,,76CCE2,,,,,,,10000,,,34.03234,-118.68856,,,0,0,0,0
MSG,8,,,4B1908,,,,,,,,,,,,,,,,,
MSG,3,,,A82AAC,,,,,,,29675,,,,,,,0,0,0,0
SEL,,496,2286,4CA4E5,27215
MSG,3,1
MSG,3,1,1,A82AAC,1,2026/12/01,08:00:00.250,2026/12/01,08:00:00.250,,29675,,,33.70312,-118.13739,,,0,0,0,0
`

type reader interface {
	Next() (tracking.Position, error)
	Skipped() map[string]int
}

func read(t testing.TB, r reader) []tracking.Position {
	t.Helper()
	var ps []tracking.Position
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ps
		}
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

func TestSBS(t *testing.T) {
	r := adsb.NewSBS(strings.NewReader(sbs))
	ps := read(t, r)
	if len(ps) != 3 || ps[0].Unit != "ICAO-4B1908" || ps[0].Lat != 33.96693 || !ps[0].Time.IsZero() || !ps[0].SpeedKMH.IsZero() {
		t.Fatalf("%+v", ps)
	}
	if ps[1].SpeedKMH != tracking.Known(298*1.852) || ps[1].CourseDeg != tracking.Known(96) {
		t.Errorf("speed of the message before: %+v", ps[1])
	}
	if !ps[2].Time.Equal(time.Date(2026, 12, 1, 8, 0, 0, 250e6, time.UTC)) {
		t.Errorf("time: %s", ps[2].Time)
	}
	want := map[string]int{"speed only": 1, "message type without position": 1, "position not available": 1, "not a MSG line": 1, "malformed line": 1}
	if !maps.Equal(r.Skipped(), want) {
		t.Errorf("skipped %v, want %v", r.Skipped(), want)
	}
}

// Points of trace_full_ac671b.json of xoolive/traffic (MIT).
const trace = `{"icao":"ac671b","r":"N899DN","t":"B739","dbFlags":0,"timestamp": 1738703622.619,"trace":[
[0.00,16.777359,-88.036868,32000,478.6,327.8,1,0,null,"adsb_icao",33825,32,280,0.0],
[8.96,16.795675,-88.045513,"ground",null,null,0,0,{"type":"adsb_icao"},"adsb_icao",33825,32,280,0.0],
[9.96,null,-88.045513,32000,1,2,0],[1]
],"version":1}`

func TestTrace(t *testing.T) {
	r, err := adsb.NewTrace(strings.NewReader(trace))
	if err != nil {
		t.Fatal(err)
	}
	ps := read(t, r)
	if len(ps) != 2 || ps[0].Unit != "ICAO-AC671B" || ps[0].SpeedKMH != tracking.Known(478.6*1.852) || ps[0].CourseDeg != tracking.Known(327.8) {
		t.Fatalf("%+v", ps)
	}
	if !ps[1].Time.Equal(time.UnixMilli(1738703631579)) || !ps[1].SpeedKMH.IsZero() {
		t.Errorf("%+v", ps[1])
	}
	if want := map[string]int{"position not available": 1, "malformed point": 1}; !maps.Equal(r.Skipped(), want) {
		t.Errorf("skipped %v", r.Skipped())
	}
	for _, bad := range []string{"", "[]", "{}", `{"trace":[]}`, `{"icao":"a","timestamp":1738703622,"trace":{}}`} {
		if _, err := adsb.NewTrace(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is a trace", bad)
		}
	}
	r, err = adsb.NewTrace(strings.NewReader(trace[:len(trace)-60]))
	for err == nil {
		_, err = r.Next()
	}
	if errors.Is(err, io.EOF) {
		t.Error("a trace that breaks off was read to its end")
	}
}

func FuzzTrace(f *testing.F) {
	f.Add([]byte(trace))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := adsb.NewTrace(bytes.NewReader(b))
		for err == nil {
			var p tracking.Position
			if p, err = r.Next(); err == nil && math.IsNaN(p.Lat+p.Lon) {
				t.Fatalf("%+v", p)
			}
		}
	})
}

func FuzzSBS(f *testing.F) {
	f.Add([]byte(sbs))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := adsb.NewSBS(bytes.NewReader(b))
		for {
			p, err := r.Next()
			if err != nil {
				return
			}
			if !(math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180) {
				t.Fatalf("%+v", p)
			}
		}
	})
}
