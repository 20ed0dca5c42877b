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
		{"Urumqi", 43.82, 87.6, "Asia/Shanghai"},
		{"Moscow", 55.75, 37.62, "Europe/Moscow"},
		{"Almaty", 43.24, 76.9, "Asia/Almaty"},
		{"Vladivostok", 43.12, 131.9, "Asia/Vladivostok"},
		{"Kyiv", 50.45, 30.52, "Europe/Kyiv"},
		{"Duisburg", 51.43, 6.76, "Europe/Berlin"},
		{"Los Angeles", 34.05, -118.24, "America/Los_Angeles"},
		{"Suva", -18.14, 178.44, "Pacific/Fiji"},
		{"Delhi", 28.6, 77.2, "Asia/Kolkata"},
		{"Zamyn-Uud", 43.72, 111.90, "Asia/Ulaanbaatar"},
		{"Erenhot", 43.65, 111.98, "Asia/Shanghai"},
		{"Małaszewicze", 52.02, 23.53, "Europe/Warsaw"},
		{"Brest", 52.09, 23.69, "Europe/Minsk"},
		{"Záhony", 48.40, 22.18, "Europe/Budapest"},
		{"Khorgos", 44.21, 80.42, "Asia/Shanghai"},
		{"Altynkol", 44.16, 80.30, "Asia/Almaty"},
		{"Ciudad Juárez", 31.73, -106.48, "America/Ciudad_Juarez"},
		{"Tanger Med", 35.88, -5.50, "Africa/Casablanca"},
		{"Laredo", 27.51, -99.51, "America/Chicago"},
		{"the Atlantic", 40, -40, "Etc/GMT+3"},
		{"the pole", 90, 0, "Etc/GMT"},
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
	roots := make([]area.ZoneNode, area.ZoneColumns*area.ZoneRows)
	roots[7].Children = []area.ZoneNode{{Zone: 1}, {}, {}, {Children: make([]area.ZoneNode, 4)}}
	var b bytes.Buffer
	if err := area.EncodeTimeZones(&b, []string{"UTC", "Asia/Shanghai"}, roots); err != nil {
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
