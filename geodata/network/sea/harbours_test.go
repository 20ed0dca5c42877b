package sea

import (
	"bytes"
	"errors"
	"hash/crc32"
	"math"
	"slices"
	"testing"

	"corridor/geodata"
	"corridor/geodata/gazetteer"

	"github.com/paulmach/orb"
)

// The file holds the gazetteer's ports and belongs to the chart.
func TestHarboursAreTheGazetteers(t *testing.T) {
	g := open(t)
	if g.harbours == nil {
		t.Fatal(ErrHarbours)
	}
	places, err := gazetteer.Open()
	if err != nil {
		t.Fatal(err)
	}
	all, missing := places.Terminals(geodata.Sea), 0
	for _, port := range all {
		if _, ok := g.harbour(port.Point); !ok {
			missing++
			t.Logf("%s at %v is not among the harbours", port.ID, port.Point)
		}
	}
	if missing > len(all)/50 { // each only makes a first query slow
		t.Errorf("%d of %d ports are not among the harbours: run go run ./cmd/geodata harbours", missing, len(all))
	}
}

// What is read is what is worked out.
func TestHarboursRoundTrip(t *testing.T) {
	g, at := open(t), ports(t)
	var points []orb.Point
	for _, c := range []string{"DEHAM", "FJSUV", "NZAKL", "AZBAK"} { // a river, both sides of 180°, the Caspian
		if p, ok := at[c]; ok {
			points = append(points, p)
		}
	}
	points = append(points, orb.Point{179.3, -16.4}, orb.Point{37.62, 55.75}) // Labasa; Moscow has no way
	var b bytes.Buffer
	if err := g.WriteHarbours(&b, points); err != nil {
		t.Fatal(err)
	}
	h, err := readHarbours(b.Bytes(), crc32.ChecksumIEEE(chartFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		want := g.attach(p)
		i, ok := slices.BinarySearch(h.keys, harbourKey(p))
		if !ok {
			t.Errorf("%v is not in it", p)
			continue
		}
		got, ok := g.decode(p, h.content[h.at[i]:h.at[i+1]])
		if !ok || len(got.outs) != len(want.outs) || len(got.approaches) != len(want.approaches) {
			t.Errorf("%v: %+v, %v; want %d ways out and %d approaches", p, got, ok, len(want.outs), len(want.approaches))
			continue
		}
		slices.SortFunc(want.approaches, func(a, b approach) int { return int(a.node - b.node) })
		for i, a := range want.approaches {
			b := got.approaches[i]
			if a.node != b.node || a.out != b.out || math.Abs(a.km-b.km) > 1e-6 || a.passages != b.passages || !slices.Equal(a.leg, b.leg) {
				t.Errorf("%v: approach %+v, want %+v", p, b, a)
			}
		}
	}
	if _, err := readHarbours(b.Bytes(), 1); !errors.Is(err, ErrHarbours) {
		t.Errorf("of another chart: %v, want ErrHarbours", err)
	}
}

func FuzzHarbours(f *testing.F) {
	g, err := opened()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(g.attach(orb.Point{9.925, 53.525}).append(nil))
	f.Add([]byte{1, 1, 2, 2, 1, 3, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if pt, ok := g.decode(orb.Point{179.99, 10}, b); ok {
			for _, a := range pt.approaches {
				if int(a.out) >= len(pt.outs) || int(a.node) >= len(g.nodes) {
					t.Fatalf("approach %+v", a)
				}
			}
		}
		// The header and the index.
		file := append([]byte(harboursMagic), b...)
		if h, err := readHarbours(file, 0); err == nil && len(h.at) != len(h.keys)+1 {
			t.Fatal("index and content differ")
		}
	})
}
