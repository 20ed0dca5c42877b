package tracking_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/fence"
)

var day = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// positions draws what Validate lets through.
func positions(t *rapid.T) *tracking.Positions {
	measure := func(name string, most float64) tracking.Measure {
		switch rapid.IntRange(0, 3).Draw(t, name+" kind") {
		case 0:
			return tracking.Measure{}
		case 1:
			return tracking.Known(float64(rapid.IntRange(0, int(most*10)).Draw(t, name)) / 10)
		}
		return tracking.Known(rapid.Float64Range(0, most).Draw(t, name))
	}
	e := &tracking.Positions{
		Carrier:   tracking.PartyID(rapid.String().Draw(t, "carrier")),
		Received:  day.Add(time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "received")) * time.Millisecond),
		Mode:      rapid.SampledFrom([]geodata.Mode{"", geodata.Sea, geodata.Rail, geodata.Road, geodata.Air}).Draw(t, "mode"),
		Simulated: rapid.Bool().Draw(t, "simulated"),
	}
	for range rapid.IntRange(0, 30).Draw(t, "n") {
		p := tracking.Position{
			Unit: tracking.UnitID(rapid.StringMatching(`[A-Z鲁][0-9]{0,2}`).Draw(t, "unit")),
			Time: e.Received.Add(-time.Duration(rapid.Int64Range(-1e6, 1e11).Draw(t, "age")) * time.Millisecond),
			Lat:  rapid.Float64Range(-90, 90).Draw(t, "lat"), Lon: rapid.Float64Range(-180, 180).Draw(t, "lon"),
			SpeedKMH: measure("speed", 2000), CourseDeg: measure("course", 360), AccuracyM: measure("accuracy", 40_000_000),
		}
		if rapid.Bool().Draw(t, "whole second") {
			p.Time = p.Time.Truncate(time.Second)
		}
		if rapid.Bool().Draw(t, "sensors?") {
			p.Sensors = json.RawMessage(`{"t":` + fmt.Sprint(rapid.Int().Draw(t, "sensor")) + `}`)
		}
		p, err := tracking.Validate(p, e.Received.Add(24*time.Hour), true)
		if err != nil {
			continue // before 2000
		}
		e.Positions = append(e.Positions, p)
	}
	return e
}

func entries(t *rapid.T) []tracking.Entry {
	id := rapid.StringMatching(`[a-z0-9-]{1,20}`)
	at := func() time.Time {
		return time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "at")).UTC()
	}
	var out []tracking.Entry
	for range rapid.IntRange(0, 6).Draw(t, "entries") {
		switch rapid.IntRange(1, 12).Draw(t, "kind") {
		case 1:
			out = append(out, positions(t))
		case 2:
			out = append(out, &tracking.PartyCreated{Party: tracking.Party{ID: tracking.PartyID(id.Draw(t, "party")), Name: rapid.String().Draw(t, "name"), Role: tracking.Carrier, Created: at()}})
		case 3:
			k := tracking.Key{ID: tracking.KeyID(id.Draw(t, "key")), Party: tracking.PartyID(id.Draw(t, "party")), Created: at()}
			for i := range k.Hash {
				k.Hash[i] = rapid.Byte().Draw(t, "hash")
			}
			out = append(out, &tracking.KeyIssued{Key: k})
		case 4:
			out = append(out, &tracking.KeyRevoked{Key: tracking.KeyID(id.Draw(t, "key")), At: at()})
		case 5:
			promise := at()
			out = append(out, &tracking.ShipmentOpened{Shipment: tracking.Shipment{
				ID: tracking.ShipmentID(id.Draw(t, "shipment")), Opened: at(), Promise: &promise,
				Option: routing.Option{Title: rapid.String().Draw(t, "title"), Legs: []routing.Leg{{Geometry: json.RawMessage(`{"a":[1,2]}`)}}},
			}})
		case 6:
			out = append(out, &tracking.UnitAssigned{
				Shipment: tracking.ShipmentID(id.Draw(t, "shipment")), Carrier: tracking.PartyID(id.Draw(t, "carrier")),
				Unit: tracking.UnitID(id.Draw(t, "unit")), Mode: geodata.Rail, At: at(),
			})
		case 7:
			out = append(out, &tracking.Written{Writer: id.Draw(t, "writer"), N: rapid.Uint64().Draw(t, "n"), Seen: rapid.Uint64().Draw(t, "seen")})
		case 8:
			out = append(out, &tracking.FenceSet{Fence: tracking.Fence{
				ID: tracking.FenceID(id.Draw(t, "fence")), Name: rapid.String().Draw(t, "name"), Created: at(),
				Shape: fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: rapid.Float64Range(-180, 180).Draw(t, "lon"), RadiusM: 1000}}, Rule: fence.Rule{ExitM: 50, Dwell: time.Hour},
			}})
		case 9:
			out = append(out, &tracking.RetentionSet{Retention: tracking.Retention{Carrier: tracking.PartyID(id.Draw(t, "carrier")), Days: rapid.IntRange(0, 1000).Draw(t, "days")}})
			out = append(out, &tracking.FenceRemoved{Fence: tracking.FenceID(id.Draw(t, "fence")), At: at()})
		case 10:
			issued, step, bound := carnetEntries()
			issued.At, issued.By, issued.Terms.Holder = at(), tracking.PartyID(id.Draw(t, "by")), rapid.String().Draw(t, "holder")
			step.Step.At, step.Step.Note = at(), rapid.String().Draw(t, "note")
			bound.Shipment = tracking.ShipmentID(id.Draw(t, "shipment"))
			out = append(out, issued, step, bound)
		case 11:
			out = append(out, &tracking.ClockRead{At: at()})
		case 12:
			now, until := at(), at()
			hook := tracking.HookID(id.Draw(t, "hook"))
			out = append(out,
				&tracking.RuleSet{Rule: tracking.AlertRule{ID: tracking.RuleID(id.Draw(t, "rule")), Name: rapid.String().Draw(t, "name"), Kinds: []string{tracking.EventSilent}, Hooks: []tracking.HookID{hook}, Created: now}},
				&tracking.RuleRemoved{Rule: tracking.RuleID(id.Draw(t, "rule")), At: now},
				&tracking.HookSet{Hook: tracking.Hook{ID: hook, URL: "https://example.com/x", Secret: id.Draw(t, "secret"), Created: now}},
				&tracking.HookRemoved{Hook: hook, At: now},
				&tracking.AlertActed{Alert: tracking.AlertID(id.Draw(t, "alert")), Action: tracking.Action{What: tracking.Snooze, At: now, Until: &until, Reason: rapid.String().Draw(t, "reason")}},
				&tracking.DeliverySettled{Alert: tracking.AlertID(id.Draw(t, "alert")), Hook: hook, Round: 2, State: tracking.DeliveryDead, Attempts: 5, Error: rapid.String().Draw(t, "error"), At: now})
		}
	}
	return out
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entries(t)
		b, err := tracking.EncodeRecord(want...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tracking.DecodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d entries, want %d", len(got), len(want))
		}
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				g, _ := json.Marshal(got[i])
				w, _ := json.Marshal(want[i])
				t.Fatalf("entry %d\n got %s\nwant %s", i, g, w)
			}
		}
	})
}

// Any change of any byte is noticed, and so is every cut.
func TestDamagedRecord(t *testing.T) {
	b, err := tracking.EncodeRecord(
		&tracking.Positions{Carrier: "c", Received: day, Positions: []tracking.Position{
			{Unit: "A", Time: day, Lat: 50, Lon: 10, SpeedKMH: tracking.Known(62.5), Sensors: json.RawMessage(`{"door":1}`)},
			{Unit: "A", Time: day.Add(time.Minute), Lat: 50.1, Lon: 10, CourseDeg: tracking.Known(math.Pi)},
		}},
		&tracking.PartyCreated{Party: tracking.Party{ID: "p", Name: "A party"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tracking.DecodeRecord(b); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if _, err := tracking.DecodeRecord(b); !errors.Is(err, tracking.ErrCorrupt) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
			b[i] ^= 1 << bit
		}
		if _, err := tracking.DecodeRecord(b[:i]); !errors.Is(err, tracking.ErrCorrupt) {
			t.Fatalf("cut after %d bytes: %v", i, err)
		}
	}
}

func TestEncodeRefusesWhatItCannotKeep(t *testing.T) {
	for name, e := range map[string]tracking.Entry{
		"latitude":  &tracking.Positions{Positions: []tracking.Position{{Unit: "A", Time: day, Lat: 90.1}}},
		"longitude": &tracking.Positions{Positions: []tracking.Position{{Unit: "A", Time: day, Lon: math.NaN()}}},
		"mode":      &tracking.UnitAssigned{Mode: "camel"},
		"infinity":  &tracking.ShipmentOpened{Shipment: tracking.Shipment{Option: routing.Option{OnTime: math.Inf(1)}}},
	} {
		if _, err := tracking.EncodeRecord(e); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// FuzzDecodeRecord: whatever the bytes are, the answer is an error or entries
// that say the same when they are written and read again; and it comes soon,
// whatever counts the bytes announce. The checksum is put right, so that what is
// behind it is tried too.
func FuzzDecodeRecord(f *testing.F) {
	for _, e := range [][]tracking.Entry{
		nil,
		{&tracking.Positions{Carrier: "c", Received: day, Positions: []tracking.Position{{Unit: "A", Time: day, Lat: 50, Lon: 10, SpeedKMH: tracking.Known(1.23)}}}},
		{&tracking.PartyCreated{Party: tracking.Party{ID: "p"}}, &tracking.KeyRevoked{Key: "k", At: day}},
		{&tracking.UnitAssigned{Shipment: "s", Carrier: "c", Unit: "A", Mode: geodata.Sea, At: day}},
		{&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "s", Opened: day}}},
	} {
		b, err := tracking.EncodeRecord(e...)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := tracking.DecodeRecord(b); err != nil && !errors.Is(err, tracking.ErrCorrupt) {
			t.Fatalf("an error of its own kind: %v", err)
		}
		got, err := tracking.DecodeRecord(tracking.Reseal(b))
		if err != nil {
			if !errors.Is(err, tracking.ErrCorrupt) {
				t.Fatalf("an error of its own kind: %v", err)
			}
			return
		}
		again, err := tracking.EncodeRecord(got...)
		if err != nil {
			t.Fatalf("decoded, but cannot be encoded: %v", err)
		}
		second, err := tracking.DecodeRecord(again)
		if err != nil {
			t.Fatalf("encoded, but cannot be decoded: %v", err)
		}
		a, errA := json.Marshal(got)
		c, errC := json.Marshal(second)
		if errA == nil && errC == nil && string(a) != string(c) {
			t.Fatalf("read again it says something else\nfirst  %s\nsecond %s", a, c)
		}
	})
}

// fleet makes a batch as trucks send it.
func fleet(units, n int) *tracking.Positions {
	r := rand.New(rand.NewPCG(1, 2))
	e := &tracking.Positions{Carrier: "carrier-abcdefghijklm", Received: day.Add(time.Hour)}
	for i := range n {
		u := i % units
		step := float64(i / units)
		e.Positions = append(e.Positions, tracking.Position{
			Unit: tracking.UnitID(fmt.Sprintf("TRK-%05d", u)), Time: day.Add(time.Hour + time.Duration(step*10)*time.Second),
			Lat: 50 + float64(u)*0.01 + step*0.0015 + r.Float64()*1e-4, Lon: 10 + float64(u)*0.02 + step*0.002 + r.Float64()*1e-4,
			SpeedKMH: tracking.Known(float64(700+r.IntN(200)) / 10), CourseDeg: tracking.Known(float64(r.IntN(360))),
			AccuracyM: tracking.Known(float64(3 + r.IntN(9))),
		})
	}
	return e
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		units, most int
	}{{100, 36}, {1, 18}} {
		e := fleet(c.units, 100)
		b, err := tracking.EncodeRecord(e)
		if err != nil {
			t.Fatal(err)
		}
		names := 0
		for u := range c.units {
			names += 1 + len(fmt.Sprintf("TRK-%05d", u))
		}
		t.Logf("100 positions of %d units: %d bytes each, %d without the names", c.units, len(b)/100, (len(b)-names)/100)
		if len(b)/100 > c.most {
			t.Errorf("100 positions of %d units take %d bytes each, at most %d wanted", c.units, len(b)/100, c.most)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	e := fleet(100, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tracking.EncodeEntry(e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "positions/s")
}

func BenchmarkDecode(b *testing.B) {
	rec, err := tracking.EncodeRecord(fleet(100, 100))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tracking.DecodeRecord(rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "positions/s")
}
