package area_test

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata/area"
)

func TestTimeZones(t *testing.T) {
	z, err := area.OpenTimeZones()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what     string
		lat, lon float64
		want     string
	}{
		{"Qingdao", 36.07, 120.38, "Asia/Shanghai"},
		{"Urumqi", 43.82, 87.6, "Asia/Urumqi"},
		{"Moscow", 55.75, 37.62, "Europe/Moscow"},
		{"Almaty", 43.24, 76.9, "Asia/Almaty"},
		{"Vladivostok", 43.12, 131.9, "Asia/Vladivostok"},
		{"Kyiv", 50.45, 30.52, "Europe/Kyiv"},
		{"Duisburg", 51.43, 6.76, "Europe/Berlin"},
		{"Los Angeles", 34.05, -118.24, "America/Los_Angeles"},
		{"Suva", -18.14, 178.44, "Pacific/Fiji"},
		{"Delhi", 28.6, 77.2, "Asia/Kolkata"},
		{"nowhere", math.NaN(), 0, "UTC"},
	} {
		if got := z.Of(orb.Point{tt.lon, tt.lat}); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, got, tt.want)
		}
	}
}

func TestTimeZonesAreIANAs(t *testing.T) {
	z, err := area.OpenTimeZones()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
		if _, err := time.LoadLocation(z.Of(p)); err != nil {
			t.Fatalf("%v: %v", p, err)
		}
	})
}

func FuzzDecodeTimeZones(f *testing.F) {
	var b bytes.Buffer
	if err := area.EncodeTimeZones(&b, []string{"UTC"}, make([]uint16, 48*24+4)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		z, err := area.DecodeTimeZones(bytes.NewReader(in))
		if err != nil {
			if !errors.Is(err, area.ErrFormat) {
				t.Errorf("error %v", err)
			}
			return
		}
		z.Of(orb.Point{12.3, 45.6})
	})
}

func BenchmarkTimeZone(b *testing.B) {
	z, err := area.OpenTimeZones()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		z.Of(orb.Point{80.38, 44.2})
	}
}
