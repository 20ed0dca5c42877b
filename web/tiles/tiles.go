// Package tiles serves the basemap of the live map as vector tiles (Mapbox Vector
// Tile 2), zoom 0 to 8, embedded so that the map needs no other host. It draws nothing;
// the tiles are cut by cmd/geodata (make geodata) and this package defines only the
// file they are packed in.
//
// Layers of a tile:
//
//	land, lakes   polygons
//	rivers        lines, from zoom 3
//	borders       lines; disputed is 1 along land that states dispute, else 0
//	routes        lines, from zoom 2: mode is sea, rail or road; ways over Corridor's
//	              own networks between main ports, terminals and cities
//	ports         points: name, name_zh, name_ru, rank, code (UN/LOCODE)
//	places        points: name, name_zh, name_ru, rank
//
// rank is 1 for the largest; a point is in the tiles from zoom rank-1 on.
package tiles

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
)

//go:embed basemap.bin
var basemap []byte

// ErrFormat is returned for bytes that are not a packed tile set.
var ErrFormat = errors.New("not a packed tile set")

// Tile is one Mapbox vector tile, not compressed.
type Tile struct {
	Z, X, Y int
	Data    []byte
}

// The packed file, little endian: magic, version, greatest zoom, two zero bytes,
// 8 bytes naming the content, u32 count; then per tile, in rising order, u32 key
// (zoom in the top 4 bits, x and y in 14 each), u32 offset and u32 length of its
// gzip stream from the file's start. Equal tiles share one stream.
const (
	magic      = "CTIL"
	version    = 1
	headBytes  = 20
	entryBytes = 12
	maxZoom    = 13 // what a key can hold
)

func key(z, x, y int) uint32 { return uint32(z)<<28 | uint32(x)<<14 | uint32(y) }

// Pack writes tiles into the form Open reads. The same tiles give the same bytes.
func Pack(zoom int, in []Tile) ([]byte, error) {
	if zoom < 0 || zoom > maxZoom {
		return nil, fmt.Errorf("zoom %d: a packed set holds zoom 0 to %d", zoom, maxZoom)
	}
	in = slices.Clone(in)
	sort.Slice(in, func(i, k int) bool { return key(in[i].Z, in[i].X, in[i].Y) < key(in[k].Z, in[k].X, in[k].Y) })
	var index, blobs []byte
	start := uint32(headBytes + entryBytes*len(in))
	written := map[[32]byte][2]uint32{}
	for i, t := range in {
		if side := 1 << max(t.Z, 0); t.Z < 0 || t.Z > zoom || t.X < 0 || t.X >= side || t.Y < 0 || t.Y >= side {
			return nil, fmt.Errorf("tile %d/%d/%d does not exist", t.Z, t.X, t.Y)
		}
		if i > 0 && key(in[i-1].Z, in[i-1].X, in[i-1].Y) == key(t.Z, t.X, t.Y) {
			return nil, fmt.Errorf("tile %d/%d/%d is given twice", t.Z, t.X, t.Y)
		}
		sum := sha256.Sum256(t.Data)
		at, ok := written[sum]
		if !ok {
			var stream bytes.Buffer
			gz, err := gzip.NewWriterLevel(&stream, gzip.BestCompression)
			if err != nil {
				return nil, err
			}
			if _, err := gz.Write(t.Data); err != nil {
				return nil, err
			}
			if err := gz.Close(); err != nil {
				return nil, err
			}
			at = [2]uint32{start + uint32(len(blobs)), uint32(stream.Len())}
			blobs = append(blobs, stream.Bytes()...)
			written[sum] = at
		}
		index = binary.LittleEndian.AppendUint32(index, key(t.Z, t.X, t.Y))
		index = binary.LittleEndian.AppendUint32(index, at[0])
		index = binary.LittleEndian.AppendUint32(index, at[1])
	}
	name := sha256.New()
	name.Write(index)
	name.Write(blobs)
	out := append([]byte(magic), version, byte(zoom), 0, 0)
	out = append(out, name.Sum(nil)[:8]...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(in)))
	return append(append(out, index...), blobs...), nil
}

// Set is a packed tile set opened for reading. It is safe for concurrent use.
type Set struct {
	packed []byte
	index  []byte
	zoom   int
	name   string
}

// Basemap opens the embedded basemap.
func Basemap() (*Set, error) { return Open(basemap) }

// Open checks a packed set and returns it; the bytes are kept, not copied.
func Open(packed []byte) (*Set, error) {
	if len(packed) < headBytes || string(packed[:4]) != magic || packed[4] != version {
		return nil, ErrFormat
	}
	zoom, count := int(packed[5]), uint64(binary.LittleEndian.Uint32(packed[16:]))
	if zoom > maxZoom || count*entryBytes > uint64(len(packed)-headBytes) {
		return nil, fmt.Errorf("%w: zoom %d with %d tiles in %d bytes", ErrFormat, zoom, count, len(packed))
	}
	s := &Set{
		packed: packed, zoom: zoom,
		index: packed[headBytes : headBytes+int(count)*entryBytes],
		name:  hex.EncodeToString(packed[8:16]),
	}
	last := int64(-1)
	for i := range s.count() {
		k, at, size := s.entry(i)
		if int64(k) <= last || uint64(at)+uint64(size) > uint64(len(packed)) || uint64(at) < headBytes+count*entryBytes {
			return nil, fmt.Errorf("%w: entry %d", ErrFormat, i)
		}
		last = int64(k)
	}
	return s, nil
}

func (s *Set) count() int { return len(s.index) / entryBytes }

func (s *Set) entry(i int) (k, at, size uint32) {
	e := s.index[i*entryBytes:]
	return binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:]), binary.LittleEndian.Uint32(e[8:])
}

// Zoom is the greatest zoom of the set.
func (s *Set) Zoom() int { return s.zoom }

// Exists reports whether the tile's coordinates are ones the set covers.
func (s *Set) Exists(z, x, y int) bool {
	return z >= 0 && z <= s.zoom && x >= 0 && y >= 0 && x < 1<<z && y < 1<<z
}

// Gzip returns a tile's gzip stream, to be read only; false when it is empty: open sea.
func (s *Set) Gzip(z, x, y int) ([]byte, bool) {
	if !s.Exists(z, x, y) {
		return nil, false
	}
	want := key(z, x, y)
	i := sort.Search(s.count(), func(i int) bool { k, _, _ := s.entry(i); return k >= want })
	if i == s.count() {
		return nil, false
	}
	k, at, size := s.entry(i)
	if k != want {
		return nil, false
	}
	return s.packed[at : at+size : at+size], true
}

// Handler serves the embedded basemap under /tiles/{z}/{x}/{y}.mvt.
func Handler() (http.Handler, error) {
	set, err := Basemap()
	if err != nil {
		return nil, fmt.Errorf("open embedded basemap: %w", err)
	}
	return set, nil
}

// ServeHTTP answers /tiles/{z}/{x}/{y}.mvt: the tile, 204 where there is only
// sea, 404 for coordinates that do not exist. A browser asks again after a day,
// at the price of one 304.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	z, x, y, ok := coordinates(r.URL.Path)
	if !ok || !s.Exists(z, x, y) {
		http.NotFound(w, r)
		return
	}
	head := w.Header()
	head.Set("Cache-Control", "public, max-age=86400")
	stream, ok := s.Gzip(z, x, y)
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	packed := acceptsGzip(r.Header.Get("Accept-Encoding"))
	tag := `"` + s.name + "-" + strconv.Itoa(z) + "-" + strconv.Itoa(x) + "-" + strconv.Itoa(y)
	if packed {
		tag += "-gz"
	}
	tag += `"`
	head.Set("ETag", tag)
	head.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", "application/vnd.mapbox-vector-tile")
	if packed {
		head.Set("Content-Encoding", "gzip")
	} else {
		gz, err := gzip.NewReader(bytes.NewReader(stream))
		if err == nil {
			stream, err = io.ReadAll(gz)
		}
		if err != nil {
			http.Error(w, "tile cannot be read", http.StatusInternalServerError)
			return
		}
	}
	head.Set("Content-Length", strconv.Itoa(len(stream)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(stream) // the reader has gone: nothing to tell it
	}
}

// coordinates reads the last three elements of a path, "…/3/5/2.mvt". Forms such
// as 03 or +3 are other names for the same tile and are not accepted.
func coordinates(path string) (z, x, y int, ok bool) {
	path, ok = strings.CutSuffix(path, ".mvt")
	if !ok {
		return 0, 0, 0, false
	}
	parts := strings.Split(path, "/")
	if len(parts) < 3 {
		return 0, 0, 0, false
	}
	var out [3]int
	for i, part := range parts[len(parts)-3:] {
		n, err := strconv.Atoi(part)
		if err != nil || strconv.Itoa(n) != part {
			return 0, 0, 0, false
		}
		out[i] = n
	}
	return out[0], out[1], out[2], true
}

// acceptsGzip reads an Accept-Encoding header, which may refuse gzip by q=0.
func acceptsGzip(header string) bool {
	for _, part := range strings.Split(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name = strings.TrimSpace(name); name != "gzip" && name != "*" {
			continue
		}
		weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(q, " ", ""), "q="), 64)
		return q == "" || (err == nil && weight > 0)
	}
	return false
}
