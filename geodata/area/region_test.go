package area_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/area"
)

var theRegions = sync.OnceValues(area.OpenRegions)

func openRegions(t testing.TB) *area.Regions {
	t.Helper()
	r, err := theRegions()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRegionOf(t *testing.T) {
	r := openRegions(t)
	for _, tt := range []struct {
		lat, lon  float64
		country   geodata.Country
		code      string
		en        string
		claimedBy string
	}{
		{36.07, 120.38, "CN", "CN-SD", "Shandong", ""},
		{36.00, 120.20, "CN", "CN-SD", "Shandong", ""}, // a quay off the coast of the shapes
		{43.85, 87.36, "CN", "CN-XJ", "Xinjiang", ""},
		{55.75, 37.62, "RU", "RU-MOW", "Moscow", ""},
		{55.2, 36.7, "RU", "RU-KLU", "Kaluga Oblast", ""},
		{43.24, 76.9, "KZ", "", "Almaty", ""},
		{51.43, 6.76, "DE", "DE-NW", "North Rhine-Westphalia", ""},
		{45.52, -122.68, "US", "US-OR", "Oregon", ""},
		{43.66, -70.25, "US", "US-ME", "Maine", ""},
		{64.84, -147.72, "US", "US-AK", "Alaska", ""},
		{52.0, 179.6, "US", "US-AK", "Alaska", ""},               // the Aleutians, west of ±180°
		{66.9, -179.4, "RU", "RU-CHU", "Chukotka", ""},           // Chukotka, east of it
		{-16.6, 179.3, "FJ", "", "Northern", ""},                 // Vanua Levu
		{-16.8, -179.98, "FJ", "", "Northern", ""},               // Taveuni
		{44.95, 34.10, "RU", "UA-43", "Crimea", "UA"},            // Simferopol
		{34.08, 74.80, "IN", "IN-JK", "Jammu and Kashmir", "PK"}, // Srinagar
		{27.5, 93.8, "IN", "IN-AR", "Arunachal Pradesh", "CN"},
		{25.04, 121.5, "TW", "", "", "CN"},
		{42.66, 21.16, "XK", "", "", "RS"},
		{-51.7, -57.85, "FK", "", "", "AR"},
	} {
		got, ok := r.Of(orb.Point{tt.lon, tt.lat})
		var claims []string
		for _, c := range got.ClaimedBy {
			claims = append(claims, string(c))
		}
		if !ok || got.Country != tt.country || tt.code != "" && got.Code != tt.code || tt.en != "" && got.Names.EN != tt.en || strings.Join(claims, " ") != tt.claimedBy || got.Disputed != (tt.claimedBy != "") {
			t.Errorf("%v,%v is in %+v, %v, want %s %s %s claimed by %q", tt.lat, tt.lon, got, ok, tt.country, tt.code, tt.en, tt.claimedBy)
		}
	}
	for _, p := range []orb.Point{{-140, 0}, {-30, 40}, {180, 0}, {0, 91}, {7.5, 56}} {
		if got, ok := r.Of(p); ok {
			t.Errorf("%v, at sea, is in %+v", p, got)
		}
	}
}

// Corridor countries have their regions in three languages.
func TestRegionNames(t *testing.T) {
	r := openRegions(t)
	for i := range r.Len() {
		x := r.At(i)
		if x.Names.EN == "" {
			t.Errorf("region %d of %s has no name", i, x.Country)
		}
		switch x.Country {
		case "CN", "RU", "KZ", "BY", "KR", "PL", "US":
			if x.Names.EN != "Paracel Islands" && (x.Names.ZH == "" || x.Names.RU == "") {
				t.Errorf("%s %s lacks a name: %+v", x.Country, x.Code, x.Names)
			}
		}
		if x.Code != "" && (len(x.Code) < 4 || x.Code[2] != '-') {
			t.Errorf("%s has the code %q", x.Names.EN, x.Code)
		}
	}
}

// The shapes of regions and those of countries come from two files of one source. Off
// the borders they must agree.
func TestRegionsAgreeWithCountries(t *testing.T) {
	r := openRegions(t)
	a, err := area.Open()
	if err != nil {
		t.Fatal(err)
	}
	asked, differ := 0, 0
	for lat := -55.5; lat < 75; lat += 1.7 {
		for lon := -179.3; lon < 180; lon += 1.9 {
			p := orb.Point{lon, lat}
			c, land := a.Land(p)
			if !land {
				continue
			}
			asked++
			if got, ok := r.In(p, c); !ok || got.Country != c {
				if _, ok := r.Of(p); !ok {
					t.Errorf("%v, in %s, is in no region", p, c)
				}
				differ++
			}
		}
	}
	if asked < 3000 || differ*100 > asked {
		t.Errorf("of %d points on land %d have no region of their country", asked, differ)
	}
}

func TestRegionsAnywhere(t *testing.T) {
	r := openRegions(t)
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
		got, ok := r.Of(p)
		turned, okTurned := r.Of(orb.Point{p[0] + 360, p[1]})
		if ok != okTurned || got.Names != turned.Names {
			t.Fatalf("%v is in %+v, a turn on in %+v", p, got, turned)
		}
		if same, ok := r.In(p, got.Country); ok && same.Country != got.Country {
			t.Fatalf("%v in %s is in %s", p, got.Country, same.Country)
		}
	})
}

func smallRegions(t testing.TB) []byte {
	t.Helper()
	square := func(w, s, e, n float64) orb.Polygon {
		return orb.Polygon{{{w, s}, {e, s}, {e, n}, {w, n}, {w, s}}}
	}
	var b bytes.Buffer
	if err := area.EncodeRegions(&b, []area.RegionShape{
		{Region: geodata.Region{Country: "AA", Code: "AA-1", Names: geodata.Names{EN: "One", ZH: "一", RU: "Один"}}, Shape: orb.MultiPolygon{
			append(square(0, 0, 10, 10), orb.Ring{{4, 4}, {6, 4}, {6, 6}, {4, 6}, {4, 4}}), square(20, 0, 21, 1),
		}},
		{Region: geodata.Region{Country: "BB", Names: geodata.Names{EN: "Two"}, Disputed: true, ClaimedBy: []geodata.Country{"AA", "CC"}}, Shape: orb.MultiPolygon{square(4, 4, 6, 6)}},
	}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRegionsEncodeDecode(t *testing.T) {
	raw := smallRegions(t)
	r, err := area.DecodeRegions(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[orb.Point]string{{1, 1}: "One", {5, 5}: "Two", {20.5, 0.5}: "One", {-0.1, 5}: "One", {15, 5}: "", {10.5, 5}: ""} {
		if got, _ := r.Of(p); got.Names.EN != want {
			t.Errorf("%v is in %q, want %q", p, got.Names.EN, want)
		}
	}
	if got, ok := r.In(orb.Point{3.9, 5}, "BB"); !ok || got.Names.EN != "Two" || len(got.ClaimedBy) != 2 || !got.Disputed {
		t.Errorf("near the hole in BB: %+v, %v", got, ok)
	}
	for n := range len(raw) - 6 {
		if _, err := area.DecodeRegions(bytes.NewReader(raw[:n])); !errors.Is(err, area.ErrFormat) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(raw), err)
		}
	}
	bad := area.RegionShape{Region: geodata.Region{Names: geodata.Names{EN: "X"}}, Shape: orb.MultiPolygon{{{{0, 0}, {0, 91}, {1, 1}, {0, 0}}}}}
	if err := area.EncodeRegions(&bytes.Buffer{}, []area.RegionShape{bad}); err == nil {
		t.Error("a point off the earth was written")
	}
}

func FuzzDecodeRegions(f *testing.F) {
	f.Add(smallRegions(f))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := area.DecodeRegions(bytes.NewReader(in))
		if err != nil {
			return
		}
		r.Of(orb.Point{1, 1})
		r.Of(orb.Point{-179.99, 89.9})
	})
}

func BenchmarkRegionOf(b *testing.B) {
	r := openRegions(b)
	for b.Loop() {
		r.Of(orb.Point{120.38, 36.07})
	}
}

func BenchmarkOpenRegions(b *testing.B) {
	for b.Loop() {
		if _, err := area.OpenRegions(); err != nil {
			b.Fatal(err)
		}
	}
}
