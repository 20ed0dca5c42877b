package track_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata/track"
)

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func TestEWKB(t *testing.T) {
	points := []track.Point{
		{orb.Point{120.32, 36.07}, at(1790000000000)},
		{orb.Point{120.33, 36.08}, at(1790000001500)},
	}
	b, err := track.EWKB(points)
	if err != nil {
		t.Fatal(err)
	}
	// Byte order, type 0x60000002 (LineString with M and SRID), SRID, count, ordinates.
	const want = "01" + "02000060" + "e6100000" + "02000000" +
		"14ae47e17a145e40" + "295c8fc2f5084240" + "000000e04eacda41"
	if got := hex.EncodeToString(b); len(b) != 1+4+4+4+2*24 || got[:len(want)] != want {
		t.Errorf("got  %s\nwant %s…", got, want)
	}
	back, err := track.FromEWKB(b)
	if err != nil || !reflect.DeepEqual(back, points) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-1e14, 1e14).Draw(t, "start")
		points := []track.Point{}
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			ms += rapid.Int64Range(1, 1e9).Draw(t, "step")
			points = append(points, track.Point{
				Point: orb.Point{rapid.Float64Range(-540, 540).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")},
				Time:  at(ms),
			})
		}
		b, err := track.EWKB(points)
		if len(points) == 1 {
			if !errors.Is(err, track.ErrShort) {
				t.Fatalf("one point: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := track.FromEWKB(b)
		if err != nil || !reflect.DeepEqual(back, points) {
			t.Fatalf("%v: %+v", err, back)
		}
	})
}

func TestRefused(t *testing.T) {
	for name, points := range map[string][]track.Point{
		"same time":  {{orb.Point{1, 2}, at(0)}, {orb.Point{1, 2}, at(0)}},
		"going back": {{orb.Point{1, 2}, at(5)}, {orb.Point{1, 2}, at(0)}},
	} {
		if _, err := track.EWKB(points); !errors.Is(err, track.ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]string{
		"nothing":            "",
		"a point":            "0101000020e61000000000000000000000000000000000f03f",
		"no measures":        "0102000020e6100000020000000000000000000000000000000000f03f000000000000f03f0000000000000040" + "0000000000000000",
		"several lines":      "0105000060e610000000000000",
		"another projection": "0102000060110f000000000000",
		"too many announced": "0102000060e6100000ffffff7f",
		"no time":            "0102000060e610000001000000" + "0000000000000000" + "0000000000000000" + "000000000000f87f",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if points, err := track.FromEWKB(b); err == nil {
			t.Errorf("%s: %+v", name, points)
		}
	}
}

func FuzzFromEWKB(f *testing.F) {
	b, err := track.EWKB([]track.Point{{orb.Point{1, 2}, at(0)}, {orb.Point{3, 4}, at(1500)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		points, err := track.FromEWKB(b)
		if err != nil {
			return
		}
		for _, p := range points {
			if p.Time.Year() > 10000 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
