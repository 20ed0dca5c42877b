package chart

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/orb"
)

// small is a chart of three nodes with a shortcut and a little mixed water.
func small() *Chart {
	w := &Water{tiles: make([]int32, TilesX*TilesY)}
	for i := range w.tiles {
		w.tiles[i] = ^int32(Open)
		if i%1000 == 0 {
			w.tiles[i] = ^int32(Land)
		}
	}
	for _, tile := range []int{5, 7, TilesX*TilesY - 1} {
		var cells [tileCells * tileCells]Class
		for i := range cells {
			cells[i] = Class((i/7 + i/tileCells + tile) % 3)
		}
		w.setTile(tile, &cells, false)
	}
	w.finish()
	return &Chart{
		Water:    w,
		Passages: []string{"suez", "kiel"},
		Core:     1,
		Nodes: []Node{
			{Point: orb.Point{-179.9999, 12.5}, Before: 360.0 / 254 * 3, After: 360.0 / 254 * 100},
			{Point: orb.Point{179.5, -3}, Free: true},
			{Point: orb.Point{0, 0}, Before: 0, After: 360.0 / 254 * 253},
		},
		Edges: []Edge{
			{A: 0, B: 1, Mid: 2, PickA: 1},
			{A: 0, B: 2, Mid: -1, Passages: []uint8{1, 0}},
			{A: 0, B: 2, Mid: -1},
			{A: 1, B: 2, Mid: -1},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	want := small()
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Nodes {
		if got.Nodes[i] != want.Nodes[i] {
			t.Errorf("node %d is %v, want %v", i, got.Nodes[i], want.Nodes[i])
		}
	}
	if !reflect.DeepEqual(got.Edges, want.Edges) {
		t.Errorf("edges are %v, want %v", got.Edges, want.Edges)
	}
	for y := range 2 * tileCells {
		for x := range 10 * tileCells {
			if got.Water.At(x, y) != want.Water.At(x, y) {
				t.Fatalf("cell %d,%d is %d, want %d", x, y, got.Water.At(x, y), want.Water.At(x, y))
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := small().Write(&b); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	for name, data := range map[string][]byte{
		"nothing":       nil,
		"another file":  []byte("PK\x03\x04 is a zip file, not a chart"),
		"another year":  append([]byte("CORRSEA1"), good[8:]...),
		"half of it":    good[:len(good)/2],
		"a flipped bit": flip(good, len(good)-20),
		"a huge claim":  append(append([]byte(magic), 255, 255, 255, 255, 0, 0, 0, 0), good[16:]...),
	} {
		if _, err := Read(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0x10
	return b
}

// FuzzRead feeds the reader contents that pass its checksum.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := small().Write(&b); err != nil {
		f.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	defer dec.Close()
	content, err := dec.DecodeAll(b.Bytes()[16:], nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:len(content)/3])
	f.Add([]byte{0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := parse(content)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error %v is not ErrFormat", err)
			}
			return
		}
		for _, e := range c.Edges {
			if e.A < 0 || e.A >= e.B || int(e.B) >= len(c.Nodes) || int(e.Mid) >= len(c.Nodes) {
				t.Fatalf("edge %v of %d nodes", e, len(c.Nodes))
			}
		}
		for y := 0; y < Height; y += 997 {
			for x := 0; x < Width; x += 997 {
				if c.Water.At(x, y) > Open {
					t.Fatalf("cell %d,%d of class %d", x, y, c.Water.At(x, y))
				}
			}
		}
	})
}

// FuzzHeader feeds the reader whole files.
func FuzzHeader(f *testing.F) {
	var b bytes.Buffer
	if err := small().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Read(data); err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("error %v is not ErrFormat", err)
		}
	})
}

func BenchmarkSight(b *testing.B) {
	b.ReportAllocs()
	w := small().Water
	a, z := vec(-150, 10), vec(-120, 40)
	for b.Loop() {
		w.Sight(a, z, 0, 0)
	}
}
