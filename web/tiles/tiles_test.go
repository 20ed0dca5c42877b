package tiles_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/planar"
	"pgregory.net/rapid"

	"corridor/web/tiles"
)

// at projects a point into the tile of a zoom that holds it.
func at(z int, lon, lat float64) (x, y int, local orb.Point) {
	side := math.Exp2(float64(z))
	s := math.Sin(lat * math.Pi / 180)
	wx := (lon + 180) / 360 * side
	wy := (0.5 - math.Log((1+s)/(1-s))/(4*math.Pi)) * side
	x, y = int(wx), int(wy)
	return x, y, orb.Point{(wx - float64(x)) * 4096, (wy - float64(y)) * 4096}
}

func layers(t *testing.T, set *tiles.Set, z, x, y int) map[string]*mvt.Layer {
	t.Helper()
	stream, ok := set.Gzip(z, x, y)
	if !ok {
		return nil
	}
	got, err := mvt.UnmarshalGzipped(stream)
	if err != nil {
		t.Fatalf("tile %d/%d/%d: %v", z, x, y, err)
	}
	out := map[string]*mvt.Layer{}
	for _, l := range got {
		out[l.Name] = l
	}
	return out
}

func covers(t *testing.T, set *tiles.Set, layer string, z int, lon, lat float64) bool {
	t.Helper()
	x, y, p := at(z, lon, lat)
	l := layers(t, set, z, x, y)[layer]
	if l == nil {
		return false
	}
	for _, f := range l.Features {
		switch g := f.Geometry.(type) {
		case orb.Polygon:
			if planar.PolygonContains(g, p) {
				return true
			}
		case orb.MultiPolygon:
			if planar.MultiPolygonContains(g, p) {
				return true
			}
		}
	}
	return false
}

// The places where a world map usually breaks.
func TestBasemapLand(t *testing.T) {
	set, err := tiles.Basemap()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		lon, lat float64
		land     bool
	}{
		{"Chukotka west of 180", 178.5, 67.5, true},
		{"Chukotka east of 180", -178, 66.5, true},
		{"Wrangel Island on 180", 179.9, 71.2, true},
		{"Viti Levu", 178, -17.8, true},
		{"Mozambique", 38, -15, true},
		{"Uzbekistan", 64, 41, true},
		{"Kazakhstan", 68, 48, true},
		{"Moscow", 37.6, 55.75, true},
		{"South Pole plateau", 60, -80, true},
		{"Antarctica at 180", 179.99, -84.9, true},
		{"Caspian", 51, 42, false},
		{"Black Sea", 34, 43, false},
		{"Bering Sea on 180", 180 - 1e-6, 58, false},
		{"Mid Pacific", -179.5, 10, false},
		{"Yellow Sea", 123, 36, false},
		{"Indian Ocean", 75, -30, false},
	} {
		for z := 2; z <= set.Zoom(); z++ {
			if got := covers(t, set, "land", z, c.lon, c.lat); got != c.land {
				t.Errorf("zoom %d, %s: land %v, want %v", z, c.name, got, c.land)
			}
		}
	}
	for z := 3; z <= set.Zoom(); z++ {
		if !covers(t, set, "lakes", z, 108, 53.3) {
			t.Errorf("zoom %d: no Baikal", z)
		}
	}
}

func TestBasemapBordersAndPlaces(t *testing.T) {
	set, err := tiles.Basemap()
	if err != nil {
		t.Fatal(err)
	}
	disputed, borders := 0, 0
	names := map[string]bool{}
	for x := range 8 {
		for y := range 8 {
			tile := layers(t, set, 3, x, y)
			if l := tile["borders"]; l != nil {
				for _, f := range l.Features {
					borders++
					if f.Properties["disputed"] == float64(1) {
						disputed++
					}
				}
			}
			if l := tile["places"]; l != nil {
				for _, f := range l.Features {
					for _, k := range []string{"name", "name_zh", "name_ru"} {
						if k != "name" && f.Properties["rank"].(float64) > 3 { // of smaller towns not all names are known
							continue
						}
						if s, _ := f.Properties[k].(string); s == "" {
							t.Errorf("%v has no %s", f.Properties, k)
						}
					}
					names[f.Properties["name"].(string)] = true
				}
			}
		}
	}
	if borders == 0 || disputed == 0 || disputed == borders {
		t.Errorf("%d border features, %d disputed: want some of either kind", borders, disputed)
	}
	for _, n := range []string{"Qingdao", "Moscow", "Almaty", "Vladivostok"} {
		if !names[n] {
			t.Errorf("zoom 3 shows no %s", n)
		}
	}
}

// What freight looks for is on the map where it is, at the zooms that have room for it.
func TestBasemapLayers(t *testing.T) {
	set, err := tiles.Basemap()
	if err != nil {
		t.Fatal(err)
	}
	if set.Zoom() != 8 {
		t.Errorf("the greatest zoom is %d, want 8", set.Zoom())
	}
	is := func(key string, want any) func(map[string]any) bool {
		return func(p map[string]any) bool { return p[key] == want }
	}
	for _, tt := range []struct {
		what, layer string
		lon, lat    float64
		from        int // the least zoom that shows it
		which       func(map[string]any) bool
	}{
		{"the Yangtze at Wuhan", "rivers", 114.3, 30.58, 3, nil},
		{"the Volga at Saratov", "rivers", 46.1, 51.5, 3, nil},
		{"the Rhine at Cologne", "rivers", 6.97, 50.94, 3, nil},
		{"the lane through Suez", "routes", 32.55, 29.9, 2, is("mode", "sea")},
		{"the lane through Malacca", "routes", 100.5, 3.2, 2, is("mode", "sea")},
		{"the North Pacific lane at 180°", "routes", 179.9, 51.8, 2, is("mode", "sea")},
		{"the railway at Jinan", "routes", 117.0, 36.7, 2, is("mode", "rail")},
		{"the railway at Małaszewicze", "routes", 23.5, 52.0, 2, is("mode", "rail")},
		{"the road at Khorgos", "routes", 80.4, 44.2, 2, is("mode", "road")},
		{"the port of Qingdao", "ports", 120.23, 36.01, 3, is("name_zh", "青岛")},
		{"the port of Poti", "ports", 41.65, 42.15, 4, is("name_ru", "Поти")},
		{"the town of Heze", "places", 115.43, 35.24, 4, is("name_zh", "菏泽")},
		{"Crimea's neck", "borders", 33.7, 46.15, 4, is("disputed", 1.0)},
		{"the line of control in Kashmir", "borders", 74.0, 34.0, 3, is("disputed", 1.0)},
		{"the McMahon line", "borders", 94.0, 28.9, 4, is("disputed", 1.0)},
		{"Kosovo", "borders", 21.3, 43.0, 4, is("disputed", 1.0)},
		{"the border at Zabaikalsk", "borders", 117.4, 49.6, 3, is("disputed", 0.0)},
		{"the border at Brest", "borders", 23.6, 52.1, 3, is("disputed", 0.0)},
	} {
		for z := tt.from; z <= set.Zoom(); z++ {
			if z == 8 && tt.layer != "ports" && tt.layer != "places" { // lines are known to some km, tiles are small
				continue
			}
			x, y, _ := at(z, tt.lon, tt.lat)
			found := false
			if l := layers(t, set, z, x, y)[tt.layer]; l != nil {
				for _, f := range l.Features {
					found = found || tt.which == nil || tt.which(f.Properties)
				}
			}
			if !found {
				t.Errorf("zoom %d lacks %s", z, tt.what)
			}
		}
	}
}

// BenchmarkServeAll asks for tiles all over the map as a browser does and reports the
// 99th percentile of a single answer, of each tile's best of three.
func BenchmarkServeAll(b *testing.B) {
	handler, err := tiles.Handler()
	if err != nil {
		b.Fatal(err)
	}
	var paths []string
	for z := range 9 {
		side := 1 << z
		for i := range min(side*side, 250) {
			n := i * (side * side) / min(side*side, 250)
			paths = append(paths, fmt.Sprintf("/tiles/%d/%d/%d.mvt", z, n%side, n/side))
		}
	}
	took := make([]time.Duration, 0, len(paths))
	for b.Loop() {
		took = took[:0]
		for _, path := range paths {
			best := time.Hour
			for range 3 {
				r := httptest.NewRequest("GET", path, nil)
				r.Header.Set("Accept-Encoding", "gzip")
				begun := time.Now()
				handler.ServeHTTP(httptest.NewRecorder(), r)
				best = min(best, time.Since(begun))
			}
			took = append(took, best)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-µs")
}

func TestServe(t *testing.T) {
	handler, err := tiles.Handler()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string, head map[string]string) *http.Response {
		r := httptest.NewRequest(method, path, nil)
		for k, v := range head {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result()
	}
	x, y, _ := at(5, 37.6, 55.75)
	moscow := fmt.Sprintf("/tiles/5/%d/%d.mvt", x, y)
	x, y, _ = at(5, -130, -20)
	pacific := fmt.Sprintf("/tiles/5/%d/%d.mvt", x, y)

	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", moscow, 200},
		{"HEAD", moscow, 200},
		{"POST", moscow, 405},
		{"GET", pacific, 204},
		{"GET", "/tiles/9/0/0.mvt", 404},
		{"GET", "/tiles/2/4/0.mvt", 404},
		{"GET", "/tiles/2/-1/0.mvt", 404},
		{"GET", "/tiles/2/01/0.mvt", 404},
		{"GET", "/tiles/2/1/0.png", 404},
		{"GET", "/tiles/2/1/x.mvt", 404},
		{"GET", "/tiles/1/0.mvt", 404},
		{"GET", "/tiles/99999999999999999999/0/0.mvt", 404},
	} {
		if got := ask(c.method, c.path, nil).StatusCode; got != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.status)
		}
	}

	packed := ask("GET", moscow, map[string]string{"Accept-Encoding": "br, gzip;q=0.8"})
	plain := ask("GET", moscow, map[string]string{"Accept-Encoding": "gzip;q=0"})
	if got := packed.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("content encoding %q, want gzip", got)
	}
	if got := plain.Header.Get("Content-Encoding"); got != "" {
		t.Fatalf("content encoding %q though gzip was refused", got)
	}
	gz, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(plain.Body)
	if !bytes.Equal(unpacked, raw) {
		t.Error("the gzip and the plain answer differ")
	}
	if packed.Header.Get("ETag") == plain.Header.Get("ETag") {
		t.Error("two encodings share an ETag")
	}
	again := ask("GET", moscow, map[string]string{"Accept-Encoding": "gzip", "If-None-Match": packed.Header.Get("ETag")})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("asked with its ETag: %d, want 304", again.StatusCode)
	}
}

func TestPackRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[[3]int][]byte{}
		var in []tiles.Tile
		for range rapid.IntRange(0, 40).Draw(t, "tiles") {
			z := rapid.IntRange(0, 6).Draw(t, "z")
			k := [3]int{z, rapid.IntRange(0, 1<<z-1).Draw(t, "x"), rapid.IntRange(0, 1<<z-1).Draw(t, "y")}
			if _, ok := want[k]; ok {
				continue
			}
			want[k] = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "data")
			in = append(in, tiles.Tile{Z: k[0], X: k[1], Y: k[2], Data: want[k]})
		}
		packed, err := tiles.Pack(6, in)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range rapid.Permutation(in).Draw(t, "order") {
			in[i] = k
		}
		if again, err := tiles.Pack(6, in); err != nil || !bytes.Equal(packed, again) {
			t.Fatalf("another order packs to other bytes (%v)", err)
		}
		set, err := tiles.Open(packed)
		if err != nil {
			t.Fatal(err)
		}
		for k, data := range want {
			stream, ok := set.Gzip(k[0], k[1], k[2])
			if !ok {
				t.Fatalf("tile %v is lost", k)
			}
			gz, err := gzip.NewReader(bytes.NewReader(stream))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(gz); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("tile %v: %v, %v", k, got, err)
			}
		}
	})
}

func TestPackRefuses(t *testing.T) {
	for name, in := range map[string][]tiles.Tile{
		"beyond the zoom": {{Z: 7}},
		"outside":         {{Z: 1, X: 2}},
		"negative":        {{Z: 1, Y: -1}},
		"twice":           {{Z: 1}, {Z: 1}},
	} {
		if _, err := tiles.Pack(6, in); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
	if _, err := tiles.Pack(14, nil); err == nil {
		t.Error("zoom 14 does not fit a key and was packed")
	}
}

func FuzzOpen(f *testing.F) {
	packed, err := tiles.Pack(2, []tiles.Tile{{Z: 0, Data: []byte("a")}, {Z: 2, X: 3, Y: 1, Data: []byte("b")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := tiles.Open(b)
		if err != nil {
			return
		}
		for z := range 3 {
			for x := range 1 << z {
				set.Gzip(z, x, x)
			}
		}
	})
}

func BenchmarkServe(b *testing.B) {
	handler, err := tiles.Handler()
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/tiles/4/9/4.mvt", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}
