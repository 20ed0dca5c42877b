package land

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
)

// small is a network with everything a file can hold.
func small() *Net {
	return &Net{
		Mode: geodata.Rail, Countries: []geodata.Country{"", "CN", "KZ"}, Posts: []string{"", "KHO-ALT"},
		Kinds: []Kind{{}, {
			Number: "G30", Class: "motorway", TruckKMH: 90, Tolled: geodata.Yes, Ferry: "Xuwen–Haikou", FerryKM: 30, GaugeMM: 1435, Electrified: geodata.No,
		}},
		Lat: []int32{44000, 44200, 44200, 44500}, Lon: []int32{81000, 80300, 80300, 79000}, NodeCountry: []uint8{1, 1, 2, 2},
		Edges: []Edge{
			{From: 0, To: 1, Metres: 70_000, Slow: 30, Kind: 1, Shape: []Vertex{{44100, 80800}, {44150, 80500}}},
			{From: 1, To: 2, Post: 1, Delay: 700},
			{From: 2, To: 3, Metres: 120_000, Estimated: true},
		},
	}
}

func encode(t testing.TB, n *Net) []byte {
	t.Helper()
	b, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	want := small()
	got, err := Decode(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwrote %+v", got, want)
	}
}

func TestRoundTripOfAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &Net{Mode: geodata.Road, Countries: []geodata.Country{"", "DE", "PL"}, Posts: []string{"", "X"}, Kinds: []Kind{{}, {Number: "E30"}}}
		nodes := rapid.IntRange(0, 12).Draw(t, "nodes")
		for range nodes {
			n.Lat = append(n.Lat, rapid.Int32Range(-90_000, 90_000).Draw(t, "lat"))
			n.Lon = append(n.Lon, rapid.Int32Range(-180_000, 180_000).Draw(t, "lon"))
			n.NodeCountry = append(n.NodeCountry, rapid.Uint8Range(0, 2).Draw(t, "country"))
		}
		for a := range nodes {
			for b := a + 1; b < nodes; b++ {
				if !rapid.Bool().Draw(t, "edge") {
					continue
				}
				e := Edge{From: uint32(a), To: uint32(b), Metres: rapid.Uint32Range(0, 3e7).Draw(t, "metres"), Estimated: rapid.Bool().Draw(t, "estimated")}
				if n.NodeCountry[a] != n.NodeCountry[b] {
					e.Post, e.Delay = rapid.Uint16Range(0, 1).Draw(t, "post"), rapid.Uint16().Draw(t, "delay")
				} else {
					e.Slow = rapid.Uint8().Draw(t, "slow")
				}
				for range rapid.IntRange(0, 3).Draw(t, "points") {
					e.Shape = append(e.Shape, Vertex{rapid.Int32Range(-90_000, 90_000).Draw(t, "lat"), rapid.Int32Range(-360_000, 360_000).Draw(t, "lon")})
				}
				n.Edges = append(n.Edges, e)
			}
		}
		file, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		again, err := got.Encode()
		if err != nil || !bytes.Equal(again, file) {
			t.Fatalf("written again it differs (%v)", err)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	plain := func(edit func([]byte) []byte) []byte {
		dec, _ := zstd.NewReader(nil)
		defer dec.Close()
		enc, _ := zstd.NewWriter(nil)
		defer func() { _ = enc.Close() }()
		b, err := dec.DecodeAll(encode(t, small()), nil)
		if err != nil {
			t.Fatal(err)
		}
		return enc.EncodeAll(edit(b), nil)
	}
	for name, file := range map[string][]byte{
		"nothing":       nil,
		"not zstd":      []byte("CRLN\x01 but not compressed"),
		"half":          encode(t, small())[:40],
		"other magic":   plain(func(b []byte) []byte { b[0] = 'X'; return b }),
		"later version": plain(func(b []byte) []byte { b[4] = formatVersion + 1; return b }),
		"cut short":     plain(func(b []byte) []byte { return b[:len(b)-3] }),
		"more behind":   plain(func(b []byte) []byte { return append(b, 0) }),
	} {
		if _, err := Decode(file); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Net){
		"a sea":              func(n *Net) { n.Mode = geodata.Sea },
		"edge backwards":     func(n *Net) { n.Edges[0].From, n.Edges[0].To = 1, 0 },
		"edge to nowhere":    func(n *Net) { n.Edges[2].To = 9 },
		"edge twice":         func(n *Net) { n.Edges[1] = n.Edges[0] },
		"post inland":        func(n *Net) { n.Edges[0].Post = 1 },
		"post unlisted":      func(n *Net) { n.Edges[1].Post = 2 },
		"node off the earth": func(n *Net) { n.Lat[0] = 91_000 },
		"country unlisted":   func(n *Net) { n.NodeCountry[3] = 3 },
		"edge round earth":   func(n *Net) { n.Edges[0].Metres = 1 << 30 },
	} {
		n := small()
		spoil(n)
		if _, err := n.Encode(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, small()))
	f.Add([]byte{})
	dec, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	defer dec.Close()
	payload, err := dec.DecodeAll(encode(f, small()), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		// Both as a file and as what is inside one, or the fuzzer would never get
		// past the compression.
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = enc.Close() }()
		for _, file := range [][]byte{b, enc.EncodeAll(b, nil)} {
			n, err := Decode(file)
			if err != nil {
				if !errors.Is(err, ErrFormat) {
					t.Fatalf("error of another kind: %v", err)
				}
				continue
			}
			if len(n.Lat) > 64 {
				continue
			}
			g, err := New(n)
			if err != nil {
				t.Fatalf("read but refused: %v", err)
			}
			if len(n.Lat) > 1 {
				_, _ = g.Route(t.Context(), at(n, 0), at(n, len(n.Lat)-1), geodata.Avoid{})
			}
		}
	})
}

func at(n *Net, node int) orb.Point {
	return orb.Point{float64(n.Lon[node]) / UnitsPerDegree, float64(n.Lat[node]) / UnitsPerDegree}
}
