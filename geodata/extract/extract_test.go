package extract

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func scan(t interface{ Context() context.Context }, file []byte, o Options) (Header, Block, error) {
	var all Block
	h, err := Scan(t.Context(), bytes.NewReader(file), o, func(b *Block) error {
		all.Nodes, all.Ways = append(all.Nodes, b.Nodes...), append(all.Ways, b.Ways...)
		return nil
	})
	return h, all, err
}

var everything = Options{Nodes: true, Ways: true, Workers: 3}

// TestRoundTrip: what is written is read, in its order, dense or not, packed or not.
func TestRoundTrip(t *testing.T) {
	text := rapid.StringN(0, 8, 20)
	tags := rapid.Custom(func(t *rapid.T) Tags {
		var out Tags
		for range rapid.IntRange(0, 3).Draw(t, "tags") {
			out = append(out, Tag{text.Draw(t, "key"), text.Draw(t, "value")})
		}
		return out
	})
	rapid.Check(t, func(t *rapid.T) {
		var e encoder
		e.header()
		var want Block
		for range rapid.IntRange(0, 5).Draw(t, "blocks") {
			var b Block
			for range rapid.IntRange(0, 4).Draw(t, "nodes") {
				b.Nodes = append(b.Nodes, Node{
					ID:  rapid.Int64Range(-1<<40, 1<<40).Draw(t, "id"),
					Lat: rapid.Int32Range(-900_000_000, 900_000_000).Draw(t, "lat"), Lon: rapid.Int32Range(-1_800_000_000, 1_800_000_000).Draw(t, "lon"),
					Tags: tags.Draw(t, "tags"),
				})
			}
			for range rapid.IntRange(0, 3).Draw(t, "ways") {
				b.Ways = append(b.Ways, Way{
					ID:    rapid.Int64Range(0, 1<<40).Draw(t, "way"),
					Nodes: rapid.SliceOfN(rapid.Int64Range(-1<<50, 1<<50), 1, 5).Draw(t, "refs"), Tags: tags.Draw(t, "way tags"),
				})
			}
			e.blob("OSMData", block(b, rapid.Bool().Draw(t, "dense")), rapid.Bool().Draw(t, "packed"))
			want.Nodes, want.Ways = append(want.Nodes, b.Nodes...), append(want.Ways, b.Ways...)
		}
		h, got, err := scan(t, e.file, everything)
		if err != nil {
			t.Fatal(err)
		}
		if h.Timestamp != 1_700_000_000 || !reflect.DeepEqual(got, want) {
			t.Fatalf("read %+v, want %+v", got, want)
		}
		if _, ways, err := scan(t, e.file, Options{Ways: true}); err != nil || len(ways.Nodes) > 0 || len(ways.Ways) != len(want.Ways) {
			t.Fatalf("ways only: %d nodes, %d ways, %v", len(ways.Nodes), len(ways.Ways), err)
		}
	})
}

// TestCutShort: a file cut anywhere but between blocks says that it is.
func TestCutShort(t *testing.T) {
	var e encoder
	e.header()
	whole := map[int]bool{0: true, len(e.file): true}
	for range 3 {
		e.blob("OSMData", block(Block{Nodes: []Node{{ID: 1, Lat: 5, Lon: 6}}}, true), true)
		whole[len(e.file)] = true
	}
	for n := range e.file {
		_, _, err := scan(t, e.file[:n], everything)
		switch {
		case n == 0:
			if err == nil || !strings.Contains(err.Error(), "empty") {
				t.Errorf("empty file: %v", err)
			}
		case whole[n]:
			if err != nil {
				t.Errorf("cut at %d, between blocks: %v", n, err)
			}
		default:
			var format *FormatError
			if !errors.As(err, &format) {
				t.Errorf("cut at %d: %v, want a *FormatError", n, err)
			}
			if n > 30 && !errors.Is(err, ErrTruncated) {
				t.Errorf("cut at %d: %v, want ErrTruncated", n, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	bomb := func(announced uint64, content int) []byte {
		var e encoder
		e.header()
		var packed encoder
		packed.blob("", make([]byte, content), true)
		m := message{packed.file[4:]}
		for range 2 { // past the blob's header
			_, _, _, _ = m.field()
		}
		inner := message{m.b}
		var zlib []byte
		for !inner.done() {
			f, _, data, err := inner.field()
			if err != nil {
				panic(err)
			}
			if f == 3 {
				zlib = data
			}
		}
		e.frame("OSMData", field(number(nil, 2, announced), 3, zlib))
		return e.file
	}
	with := func(kind string, blob []byte) []byte {
		var e encoder
		e.header()
		e.frame(kind, blob)
		return e.file
	}
	data := func(raw []byte) []byte { return with("OSMData", field(nil, 1, raw)) }
	var history, strange, first encoder
	history.header("HistoricalInformation")
	strange.header("Sorcery")
	first.blob("OSMData", nil, true)
	off := block(Block{Nodes: []Node{{ID: 1, Lat: 910_000_000}}}, true)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"text":             {[]byte("lat,lon\n1,2\n"), "not an .osm.pbf file"},
		"xml":              {[]byte("<?xml version='1.0'?><osm/>"), "OSM XML"},
		"gzip":             {[]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, "compressed"},
		"zip":              {[]byte("PK\x03\x04aaaaaaaa"), "zip"},
		"web page":         {[]byte("<!DOCTYPE html><html></html>"), "web page"},
		"short":            {[]byte{0, 0}, "middle of a block"},
		"no header":        {first.file, "OSMHeader"},
		"history":          {history.file, "history"},
		"unknown feature":  {strange.file, "Sorcery"},
		"announced bomb":   {bomb(1<<40, 10), "unpack to"},
		"hidden bomb":      {bomb(100, 50<<20), "another length"},
		"lying length":     {bomb(5000, 100), "another length"},
		"huge block":       {append(with("OSMData", field(nil, 1, nil)), 0, 0, 0, 15, 0x0a, 7, 'O', 'S', 'M', 'D', 'a', 't', 'a', 0x18, 0xff, 0xff, 0xff, 0xff, 0x7f), "limit"},
		"huge header":      {append(with("OSMData", field(nil, 1, nil)), 0x7f, 0, 0, 0), "limit"},
		"no content":       {with("OSMData", number(nil, 2, 5)), "without content"},
		"lzma":             {with("OSMData", field(number(nil, 2, 5), 4, []byte("xxxxx"))), "osmium cat"},
		"broken zlib":      {with("OSMData", field(number(nil, 2, 5), 3, []byte("xxxxx"))), "unpacked"},
		"text out of line": {data(field(nil, 2, field(nil, 3, field(field(nil, 2, []byte{9}), 3, []byte{9})))), "table of texts"},
		"off the earth":    {data(off), "off the earth"},
		"granularity":      {data(number(nil, 17, 0)), "granularity"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := scan(t, c.file, everything)
			var format *FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want a *FormatError with %q", err, c.want)
			}
		})
	}
}

// TestVisitorEnds: the visitor's error and a cancelled context end the scan.
func TestVisitorEnds(t *testing.T) {
	var e encoder
	e.header()
	for i := range 50 {
		e.blob("OSMData", block(Block{Nodes: []Node{{ID: int64(i)}}}, true), true)
	}
	enough := errors.New("enough")
	seen := 0
	if _, err := Scan(t.Context(), bytes.NewReader(e.file), everything, func(*Block) error {
		if seen++; seen == 7 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) || seen != 7 {
		t.Errorf("%v after %d blocks, want %v after 7", err, seen, enough)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Scan(ctx, bytes.NewReader(e.file), everything, func(*Block) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	var told []int64
	o := everything
	o.Progress = func(n int64) { told = append(told, n) }
	if _, _, err := scan(t, e.file, o); err != nil || len(told) != 50 || told[49] != int64(len(e.file)) {
		t.Errorf("progress of %d bytes: %v %v", len(e.file), told, err)
	}
	broken := io.MultiReader(bytes.NewReader(e.file[:len(e.file)/2]), failing{})
	if _, err := Scan(t.Context(), broken, everything, func(*Block) error { return nil }); !errors.Is(err, errDisk) {
		t.Errorf("a disk that fails: %v", err)
	}
}

var errDisk = errors.New("disk on fire")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errDisk }

// FuzzScan: any bytes are an extract or a clear error, never a panic.
func FuzzScan(f *testing.F) {
	var e encoder
	e.header()
	b := Block{
		Nodes: []Node{{ID: 1, Lat: 5, Lon: 6, Tags: Tags{{"barrier", "gate"}}}, {ID: 2}},
		Ways:  []Way{{ID: 3, Nodes: []int64{1, 2}, Tags: Tags{{"highway", "primary"}}}},
	}
	e.blob("OSMData", block(b, true), false)
	e.blob("OSMData", block(b, false), false)
	f.Add(e.file)
	e.blob("OSMData", block(b, false), true)
	f.Add(e.file)
	f.Add(binary.BigEndian.AppendUint32(nil, 13))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, all, err := scan(t, file, everything)
		var format *FormatError
		if err != nil && !errors.As(err, &format) {
			t.Fatalf("%v is not a *FormatError", err)
		}
		for _, n := range all.Nodes {
			if n.Lat < -900_000_000 || n.Lat > 900_000_000 || n.Lon < -1_800_000_000 || n.Lon > 1_800_000_000 {
				t.Fatalf("node %+v is off the earth", n)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	var e encoder
	e.header()
	var blk Block
	for i := range 8000 {
		blk.Nodes = append(blk.Nodes, Node{ID: int64(i), Lat: int32(i * 1000), Lon: int32(i * 777)})
	}
	for range 20 {
		e.blob("OSMData", block(blk, true), true)
	}
	b.SetBytes(int64(len(e.file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(b.Context(), bytes.NewReader(e.file), everything, func(*Block) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
