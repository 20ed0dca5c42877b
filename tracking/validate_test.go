package tracking_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"corridor/tracking"
)

func TestValidate(t *testing.T) {
	now := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
	good := tracking.Position{Unit: "TRK-1", Time: now, Lat: 36.07, Lon: 120.32}
	with := func(change func(*tracking.Position)) tracking.Position {
		p := good
		change(&p)
		return p
	}
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for name, c := range map[string]struct {
		p      tracking.Position
		code   string // "": accepted
		reason string // contained in the reason
	}{
		"minimal":          {good, "", ""},
		"no unit":          {with(func(p *tracking.Position) { p.Unit = "" }), "unit", "missing"},
		"long unit":        {with(func(p *tracking.Position) { p.Unit = tracking.UnitID(strings.Repeat("x", 65)) }), "unit", "65 bytes"},
		"longest unit":     {with(func(p *tracking.Position) { p.Unit = tracking.UnitID(strings.Repeat("x", 64)) }), "", ""},
		"control in unit":  {with(func(p *tracking.Position) { p.Unit = "A\n1" }), "unit", `'\n'`},
		"slash in unit":    {with(func(p *tracking.Position) { p.Unit = "A/1" }), "unit", `'/'`},
		"space first":      {with(func(p *tracking.Position) { p.Unit = " A" }), "unit", "' '"},
		"space last":       {with(func(p *tracking.Position) { p.Unit = "A " }), "unit", "ends with a space"},
		"two spaces":       {with(func(p *tracking.Position) { p.Unit = "A  1" }), "unit", "' '"},
		"bad UTF-8":        {with(func(p *tracking.Position) { p.Unit = "A\xff" }), "unit", "UTF-8"},
		"Chinese plate":    {with(func(p *tracking.Position) { p.Unit = "鲁B 12345" }), "", ""},
		"with its dot":     {with(func(p *tracking.Position) { p.Unit = "鲁B·K7723" }), "", ""},
		"Russian plate":    {with(func(p *tracking.Position) { p.Unit = "А123ВС 77" }), "", ""},
		"ship":             {with(func(p *tracking.Position) { p.Unit = "MMSI:273456780" }), "", ""},
		"wagon":            {with(func(p *tracking.Position) { p.Unit = "31_80.0691+235@x-3" }), "", ""},
		"no time":          {with(func(p *tracking.Position) { p.Time = time.Time{} }), "time", "missing"},
		"1999":             {with(func(p *tracking.Position) { p.Time = at("1999-12-31T23:59:59Z") }), "time", "before 2000"},
		"2000":             {with(func(p *tracking.Position) { p.Time = at("2000-01-01T00:00:00Z") }), "", ""},
		"2099":             {with(func(p *tracking.Position) { p.Time = at("2099-01-01T00:00:00Z") }), "time", "in the future"},
		"a little ahead":   {with(func(p *tracking.Position) { p.Time = now.Add(10 * time.Minute) }), "", ""},
		"too far ahead":    {with(func(p *tracking.Position) { p.Time = now.Add(10*time.Minute + time.Second) }), "time", "in the future"},
		"latitude 91":      {with(func(p *tracking.Position) { p.Lat = 91 }), "latitude", "latitude 91 out of range"},
		"latitude -90.5":   {with(func(p *tracking.Position) { p.Lat = -90.5 }), "latitude", "latitude -90.5 out of range"},
		"latitude NaN":     {with(func(p *tracking.Position) { p.Lat = math.NaN() }), "latitude", "NaN"},
		"pole":             {with(func(p *tracking.Position) { p.Lat = -90 }), "", ""},
		"longitude 181":    {with(func(p *tracking.Position) { p.Lon = 181 }), "longitude", "longitude 181 out of range"},
		"longitude Inf":    {with(func(p *tracking.Position) { p.Lon = math.Inf(-1) }), "longitude", "Inf"},
		"date line":        {with(func(p *tracking.Position) { p.Lon = -180 }), "", ""},
		"null island":      {with(func(p *tracking.Position) { p.Lat, p.Lon = 0, 0 }), "", ""},
		"speed -1":         {with(func(p *tracking.Position) { p.SpeedKMH = tracking.Known(-1) }), "speed", "leave it out"},
		"speed 2001":       {with(func(p *tracking.Position) { p.SpeedKMH = tracking.Known(2001) }), "speed", "out of range"},
		"speed NaN":        {with(func(p *tracking.Position) { p.SpeedKMH = tracking.Known(math.NaN()) }), "speed", "NaN"},
		"standing":         {with(func(p *tracking.Position) { p.SpeedKMH = tracking.Known(0) }), "", ""},
		"course 361":       {with(func(p *tracking.Position) { p.CourseDeg = tracking.Known(361) }), "course", "out of range"},
		"course -1":        {with(func(p *tracking.Position) { p.CourseDeg = tracking.Known(-1) }), "course", "out of range"},
		"accuracy -1":      {with(func(p *tracking.Position) { p.AccuracyM = tracking.Known(-1) }), "accuracy", "out of range"},
		"accuracy Inf":     {with(func(p *tracking.Position) { p.AccuracyM = tracking.Known(math.Inf(1)) }), "accuracy", "Inf"},
		"sensors array":    {with(func(p *tracking.Position) { p.Sensors = json.RawMessage(`[1]`) }), "sensors", "object"},
		"sensors broken":   {with(func(p *tracking.Position) { p.Sensors = json.RawMessage(`{"a":`) }), "sensors", "not valid JSON"},
		"sensors too long": {with(func(p *tracking.Position) { p.Sensors = json.RawMessage(`{"a":"` + strings.Repeat("x", 2048) + `"}`) }), "sensors", "at most 2048"},
		"sensors huge":     {with(func(p *tracking.Position) { p.Sensors = json.RawMessage(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`) }), "sensors", "at most 2048"},
		"sensors":          {with(func(p *tracking.Position) { p.Sensors = json.RawMessage(`{"temp_c": 4.5}`) }), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tracking.Validate(c.p, now, false)
			if c.code == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			var v *tracking.InvalidError
			if !errors.As(err, &v) || v.Code != c.code || !strings.Contains(v.Reason, c.reason) {
				t.Errorf("got %#v, want code %q and %q in the reason", err, c.code, c.reason)
			}
		})
	}
	if _, err := tracking.Validate(with(func(p *tracking.Position) { p.Time = now.AddDate(0, 6, 0) }), now, true); err != nil {
		t.Errorf("half a year ahead in a simulation: %v", err)
	}
	if _, err := tracking.Validate(with(func(p *tracking.Position) { p.Time = at("2099-01-01T00:00:00Z") }), now, true); err == nil {
		t.Error("2099 accepted in a simulation")
	}
}

func TestValidateKeepsWhatTheLogKeeps(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	p, err := tracking.Validate(tracking.Position{
		Unit: "A", Time: time.Date(2026, 12, 1, 8, 0, 0, 123_456_789, zone), Lat: 36.123456789, Lon: -120.987654321,
		CourseDeg: tracking.Known(360), Sensors: json.RawMessage(" { \"a\" : 1 } "),
	}, day.AddDate(0, 0, 1), false)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 12, 1, 0, 0, 0, 123_000_000, time.UTC); p.Time != want {
		t.Errorf("time %v, want %v", p.Time, want)
	}
	if p.Lat != 36.1234568 || p.Lon != -120.9876543 {
		t.Errorf("at %v, %v", p.Lat, p.Lon)
	}
	if c, _ := p.CourseDeg.Get(); c != 0 {
		t.Errorf("course %v, want 0 for 360", c)
	}
	if string(p.Sensors) != `{"a":1}` {
		t.Errorf("sensors %s", p.Sensors)
	}
	for _, nothing := range []string{"", "null", "{}", " { } "} {
		p, err := tracking.Validate(tracking.Position{Unit: "A", Time: day, Sensors: json.RawMessage(nothing)}, day, false)
		if err != nil || p.Sensors != nil {
			t.Errorf("sensors %q become %q, %v", nothing, p.Sensors, err)
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("TRK-1", int64(1_764_547_200_000), 36.07, 120.32, 62.0, 271.0, []byte(`{"a":1}`))
	f.Add("鲁B 1", int64(-1), math.NaN(), math.Inf(1), math.Copysign(0, -1), 360.0, []byte(`{`))
	f.Fuzz(func(t *testing.T, unit string, ms int64, lat, lon, speed, course float64, sensors []byte) {
		p := tracking.Position{
			Unit: tracking.UnitID(unit), Time: time.UnixMilli(ms), Lat: lat, Lon: lon,
			SpeedKMH: tracking.Known(speed), CourseDeg: tracking.Known(course), Sensors: sensors,
		}
		p, err := tracking.Validate(p, day, false)
		if err != nil {
			return
		}
		// What is accepted can be kept, and reads back the same.
		b, err := tracking.EncodeRecord(&tracking.Positions{Carrier: "c", Received: day, Positions: []tracking.Position{p}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := tracking.DecodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		got := e[0].(*tracking.Positions).Positions[0]
		if got.Lat != p.Lat || got.Lon != p.Lon || !got.Time.Equal(p.Time) || got.SpeedKMH != p.SpeedKMH || string(got.Sensors) != string(p.Sensors) {
			t.Fatalf("kept %+v, read back %+v", p, got)
		}
		again, err := tracking.Validate(got, day, false)
		if err != nil || again.Lat != got.Lat || again.Lon != got.Lon {
			t.Fatalf("validated again: %+v, %v", again, err)
		}
	})
}
