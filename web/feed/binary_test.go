package feed

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/tracking"
)

// TestWire pins the bytes of PROTOCOL.md: gateways are written from the document.
func TestWire(t *testing.T) {
	frame, err := Encode([]tracking.Position{{
		Unit: "T1", Time: time.UnixMilli(0x0102030405).UTC(), Lat: 36.07, Lon: -120.32,
		SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(271.25),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"01", "01", "0100", "01000000", // version, kind, one unit, one record
		"02", "5431", // T1
		"0000", "0504030201000000", // unit 0, time
		"60d87f15", "00a048b8", // 360700000, -1203200000
		"7102", "f569", "ffff", // 625, 27125, unknown
	}, "")
	if got := hex.EncodeToString(frame); got != want {
		t.Errorf("frame\n got %s\nwant %s", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode([]tracking.Position{{Unit: "T1", Lat: 1, Lon: 2}, {Unit: "T2", Lat: 3, Lon: 4}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, frame := range map[string][]byte{
		"empty":                 {},
		"head only":             good[:8],
		"cut in a name":         good[:10],
		"cut in a record":       good[:len(good)-1],
		"a byte too many":       append(bytes.Clone(good), 0),
		"a nameless unit":       change(func(b []byte) []byte { b[8] = 0; return b }),
		"a unit it lacks":       change(func(b []byte) []byte { b[14] = 9; return b }),
		"more than is allowed":  change(func(b []byte) []byte { b[4] = 200; return b }),
		"a name that is broken": change(func(b []byte) []byte { b[9] = 0xff; return b }),
	} {
		var fault *FrameError
		if _, err := Decode(frame, 100); !errors.As(err, &fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, at := range []int{0, 1} {
		if _, err := Decode(change(func(b []byte) []byte { b[at] = 2; return b }), 100); !errors.Is(err, ErrVersion) {
			t.Errorf("byte %d = 2: %v", at, err)
		}
	}
}

func TestEncodeRefusesWhatDoesNotFit(t *testing.T) {
	for name, p := range map[string]tracking.Position{
		"no name":   {},
		"long name": {Unit: tracking.UnitID(strings.Repeat("x", 256))},
		"latitude":  {Unit: "T", Lat: 300},
		"NaN":       {Unit: "T", Lat: math.NaN()},
		"speed":     {Unit: "T", SpeedKMH: tracking.Known(7000)},
		"negative":  {Unit: "T", SpeedKMH: tracking.Known(-1)},
		"sensors":   {Unit: "T", Sensors: []byte(`{"t":1}`)},
	} {
		if _, err := Encode([]tracking.Position{p}); err == nil {
			t.Errorf("%s was encoded", name)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		measure := func(label string, scale float64) tracking.Measure {
			if rapid.Bool().Draw(t, label+" known") {
				return tracking.Known(float64(rapid.IntRange(0, unknown-1).Draw(t, label)) / scale)
			}
			return tracking.Measure{}
		}
		in := make([]tracking.Position, rapid.IntRange(0, 50).Draw(t, "n"))
		for i := range in {
			in[i] = tracking.Position{
				Unit:      tracking.UnitID(rapid.StringOfN(rapid.RuneFrom([]rune("A7-青")), 1, 12, 255).Draw(t, "unit")),
				Time:      time.UnixMilli(rapid.Int64Range(-1e14, 1e14).Draw(t, "ms")).UTC(),
				Lat:       float64(rapid.IntRange(-900_000_000, 900_000_000).Draw(t, "lat")) / 1e7,
				Lon:       float64(rapid.IntRange(-1_800_000_000, 1_800_000_000).Draw(t, "lon")) / 1e7,
				SpeedKMH:  measure("speed", 10),
				CourseDeg: measure("course", 100),
				AccuracyM: measure("accuracy", 1),
			}
		}
		frame, err := Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Decode(frame, len(in))
		if err != nil {
			t.Fatal(err)
		}
		same := func(a, b tracking.Position) bool {
			return a.Unit == b.Unit && a.Time.Equal(b.Time) && a.Lat == b.Lat && a.Lon == b.Lon &&
				a.SpeedKMH == b.SpeedKMH && a.CourseDeg == b.CourseDeg && a.AccuracyM == b.AccuracyM
		}
		if !slices.EqualFunc(in, out, same) {
			t.Fatalf("%v\ncame back as\n%v", in, out)
		}
	})
}

// FuzzDecode: what decodes encodes to a frame that decodes to the same.
func FuzzDecode(f *testing.F) {
	seed, err := Encode([]tracking.Position{
		{Unit: "TRK-1", Time: time.UnixMilli(1764600000000), Lat: 49.645, Lon: 117.329, SpeedKMH: tracking.Known(62), AccuracyM: tracking.Known(8)},
		{Unit: "WAGON-7", Time: time.UnixMilli(1764600001000), Lat: -33.9, Lon: 179.99},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:20])
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, frame []byte) {
		positions, err := Decode(frame, maxPositions)
		if err != nil {
			return
		}
		again, err := Encode(positions)
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		back, err := Decode(again, maxPositions)
		if err != nil || len(back) != len(positions) {
			t.Fatalf("came back as %d of %d: %v", len(back), len(positions), err)
		}
		for i := range back {
			if back[i].Unit != positions[i].Unit || !back[i].Time.Equal(positions[i].Time) || back[i].Lat != positions[i].Lat || back[i].Lon != positions[i].Lon {
				t.Fatalf("%+v came back as %+v", positions[i], back[i])
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	positions := make([]tracking.Position, 1000)
	for i := range positions {
		positions[i] = tracking.Position{Unit: "TRK-1", Time: time.UnixMilli(int64(i) * 1000), Lat: 36, Lon: 120, SpeedKMH: tracking.Known(60)}
	}
	frame, err := Encode(positions)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(frame, maxPositions); err != nil {
			b.Fatal(err)
		}
	}
}
