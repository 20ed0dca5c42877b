package area_test

import (
	"bytes"
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/path"
)

var world = sync.OnceValues(area.Open)

func open(t testing.TB) *area.Area {
	t.Helper()
	a, err := world()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCountry(t *testing.T) {
	a := open(t)
	for _, tt := range []struct {
		what     string
		lat, lon float64
		want     geodata.Country // empty: none
	}{
		{"Qingdao", 36.07, 120.38, "CN"},
		{"Moscow", 55.75, 37.62, "RU"},
		{"Almaty", 43.24, 76.95, "KZ"},
		{"Khorgos, China", 44.21, 80.42, "CN"},
		{"Nur Zholy, Kazakhstan", 44.21, 80.33, "KZ"},
		{"Tete, Mozambique", -16.16, 33.59, "MZ"},
		{"Nampula, Mozambique", -15.12, 39.27, "MZ"},
		{"Nukus, Uzbekistan", 42.46, 59.6, "UZ"},
		{"Tashkent", 41.3, 69.24, "UZ"},
		{"Anadyr, west of 180", 64.73, 177.5, "RU"},
		{"Chukotka, east of 180", 66.5, -175, "RU"},
		{"Chukotka, on 180", 68, 180, "RU"},
		{"Chukotka, on -180", 68, -180, "RU"},
		{"the same, turned once more", 68, 540, "RU"},
		{"Wrangel Island", 71.2, -179.5, "RU"},
		{"Taveuni, Fiji, east of 180", -16.85, -179.95, "FJ"},
		{"Vanua Levu, Fiji", -16.6, 179.3, "FJ"},
		{"Fairbanks", 64.84, -147.72, "US"},
		{"South Pole", -90, 0, "AQ"},
		{"inland Antarctica on 180", -86, 180, "AQ"},
		{"North Pole", 90, 0, ""},
		{"Lesotho, an enclave", -29.3, 28.3, "LS"},
		{"San Marino, an enclave", 43.94, 12.46, "SM"},
		{"Andorra, an enclave between two", 42.51, 1.52, "AD"},
		{"Monaco", 43.738, 7.42, "MC"},
		{"Nakhchivan, an exclave", 39.21, 45.41, "AZ"},
		{"Kaliningrad, an exclave", 54.71, 20.51, "RU"},
		{"Alaska panhandle", 57.05, -135.33, "US"},
		{"Cabinda, an exclave", -5.2, 12.5, "AO"},
		{"Baikonur, rented", 45.97, 63.3, "KZ"},
		{"Crimea, as Natural Earth has it", 45.2, 34.2, "RU"},
		{"Pristina", 42.66, 21.17, "XK"},
		{"Hargeisa", 9.56, 44.06, "SO"},
		{"Hong Kong", 22.4, 114.1, "HK"},
		{"Taipei", 25.04, 121.56, "TW"},
		{"Singapore", 1.35, 103.82, "SG"},
		{"Kourou", 5.16, -52.65, "FR"},
		{"Yangshan port, on an islet the source lacks", 30.62, 122.07, "CN"},
		{"Rotterdam Maasvlakte", 51.95, 4.02, "NL"},
		{"a berth off Jebel Ali", 25.05, 54.98, "AE"},
		{"middle of the Caspian", 42, 50.8, ""},
		{"Atlantic", 0, -30, ""},
		{"Pacific on 180", 20, 180, ""},
		{"Strait of Gibraltar, Spanish side", 36.0, -5.6, "ES"},
	} {
		got, ok := a.Country(orb.Point{tt.lon, tt.lat})
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", tt.what, got, ok, tt.want)
		}
	}
}

func TestNowhere(t *testing.T) {
	a := open(t)
	for _, p := range []orb.Point{{0, 91}, {math.NaN(), 0}, {0, math.NaN()}, {math.Inf(1), 0}, {0, math.Inf(-1)}} {
		if c, ok := a.Country(p); ok {
			t.Errorf("%v is in %s", p, c)
		}
		if c, _, ok := a.Nearest(p, 100); ok {
			t.Errorf("%v is near %s", p, c)
		}
	}
}

func TestNearest(t *testing.T) {
	a := open(t)
	// Dover is 34 km from Calais; the middle of the strait is in reach of both.
	c, km, ok := a.Nearest(orb.Point{1.45, 51.07}, 30)
	if !ok || c != "GB" || km < 4 || km > 15 {
		t.Errorf("off Dover: %s, %.1f km, %v", c, km, ok)
	}
	if c, km, ok := a.Nearest(orb.Point{-140, 40}, 500); ok {
		t.Errorf("mid Pacific: %s at %.0f km", c, km)
	}
	// The rocks of São Pedro and São Paulo are Brazil's.
	if c, km, ok := a.Nearest(orb.Point{-30, 0}, 500); !ok || c != "BR" || km < 100 || km > 130 {
		t.Errorf("mid Atlantic: %s at %.0f km, %v", c, km, ok)
	}
	if c, km, ok := a.Nearest(orb.Point{179.9, -17.3}, 100); !ok || c != "FJ" {
		t.Errorf("Koro Sea: %s at %.0f km, %v", c, km, ok)
	}
	if c, _, ok := a.Nearest(orb.Point{0, 89.9}, 900); !ok || c != "GL" {
		t.Errorf("nearest to the pole: %s, %v", c, ok)
	}
}

// Wherever one is on land, walking a little does not change country unless a
// border lies there; the reverse walk sees the same border.
func TestAlongIsTheSameBothWays(t *testing.T) {
	a := open(t)
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-80, 80).Draw(t, "lat")}
		q := path.Destination(p, rapid.Float64Range(0, 360).Draw(t, "course"), rapid.Float64Range(1, 500).Draw(t, "km"))
		there := a.Along(orb.LineString{p, q}, 5)
		back := a.Along(orb.LineString{q, p}, 5)
		km := map[geodata.Country]float64{}
		var sum float64
		for _, c := range there {
			km[c.Country] += c.KM
			sum += c.KM
		}
		for _, c := range back {
			km[c.Country] -= c.KM
		}
		if want := path.Distance(p, q); math.Abs(sum-want) > 1e-6*want {
			t.Fatalf("%v km in parts, want %v", sum, want)
		}
		for c, d := range km {
			if math.Abs(d) > 0.01 {
				t.Fatalf("%s differs by %v km: %v and %v", c, d, there, back)
			}
		}
	})
}

func TestAlong(t *testing.T) {
	got := open(t).Along(orb.LineString{{20.5, 54.7}, {30.3, 55.2}}, 2) // Kaliningrad to Vitebsk
	var order string
	for _, c := range got {
		order += string(c.Country) + " "
	}
	if order != "RU LT BY " {
		t.Errorf("countries %q", order)
	}
}

// A square island with a lake country inside, across the antimeridian.
func island() area.Topology {
	outer := [][2]float32{{175, -5}, {175, 5}, {-175, 5}, {-175, -5}, {175, -5}} // clockwise: inside is right
	inner := [][2]float32{{179, -1}, {179, 1}, {-179, 1}, {-179, -1}, {179, -1}}
	return area.Topology{
		Countries: []geodata.Country{"", "AA", "BB"},
		Arcs:      []area.Arc{{Points: outer, Right: 1}, {Points: inner, Right: 2, Left: 1}},
		Seed:      orb.Point{0, 0},
	}
}

func TestOverTheAntimeridian(t *testing.T) {
	a, err := area.New(island())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(170, 190).Draw(t, "lon"), rapid.Float64Range(-10, 10).Draw(t, "lat")}
		dx, dy := math.Abs(p[0]-180), math.Abs(p[1])
		if dx == 1 || dx == 5 || dy == 1 || dy == 5 { // on an edge either answer will do
			return
		}
		want := geodata.Country("")
		switch {
		case dx < 1 && dy < 1:
			want = "BB"
		case dx < 5 && dy < 5:
			want = "AA"
		}
		if got, ok := a.Land(p); got != want || ok != (want != "") {
			t.Fatalf("%v: %q, want %q", p, got, want)
		}
	})
}

func TestEncodeDecode(t *testing.T) {
	var b bytes.Buffer
	if err := area.Encode(&b, island()); err != nil {
		t.Fatal(err)
	}
	got, err := area.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := area.New(got)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := a.Land(orb.Point{180, 0}); c != "BB" {
		t.Errorf("after the round trip the middle is %q", c)
	}
	var again bytes.Buffer
	if err := area.Encode(&again, got); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("written again it differs: %v", err)
	}
	for n := range b.Len() - 1 {
		// The last bytes only close the stream.
		if _, err := area.Decode(bytes.NewReader(b.Bytes()[:n])); !errors.Is(err, area.ErrFormat) && n < b.Len()-16 {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := area.Encode(&b, island()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		topology, err := area.Decode(bytes.NewReader(in))
		if err != nil {
			return
		}
		a, err := area.New(topology)
		if err != nil {
			t.Fatalf("decoded but refused: %v", err)
		}
		a.Country(orb.Point{180, 0})
	})
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := area.Open(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCountry(b *testing.B) {
	a := open(b)
	for _, bb := range []struct {
		what string
		p    orb.Point
	}{
		{"inland", orb.Point{100.3, 35.2}},
		{"border", orb.Point{80.38, 44.2}},
		{"city on the coast", orb.Point{120.38, 36.07}},
		{"quay", orb.Point{4.02, 51.95}},
		{"fjord", orb.Point{6.1, 61.1}},
		{"high seas", orb.Point{-30, 0}},
	} {
		b.Run(bb.what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a.Country(bb.p)
			}
		})
	}
}
