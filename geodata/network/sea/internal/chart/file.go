package chart

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/orb"
)

// ErrFormat says the bytes are not a chart this version reads.
var ErrFormat = errors.New("not a sea chart")

const (
	magic      = "CORRSEA2"
	maxContent = 256 << 20
	degrees    = 1e4 // steps of a coordinate in a degree
)

// Write encodes the chart as FORMAT.md describes.
func (c *Chart) Write(w io.Writer) error {
	var b []byte
	put := func(v int) { b = binary.AppendUvarint(b, uint64(v)) }
	putSigned := func(v int64) { b = binary.AppendVarint(b, v) }

	put(len(c.Passages))
	for _, id := range c.Passages {
		put(len(id))
		b = append(b, id...)
	}

	put(len(c.Nodes))
	put(c.Core)
	var lon, lat int64
	for _, n := range c.Nodes {
		x, y := int64(math.Round(n.Point[0]*degrees)), int64(math.Round(n.Point[1]*degrees))
		putSigned(x - lon)
		putSigned(y - lat)
		lon, lat = x, y
	}
	for _, n := range c.Nodes {
		if n.Free {
			b = append(b, 255, 255)
			continue
		}
		b = append(b, octant(n.Before), octant(n.After))
	}

	put(len(c.Edges))
	prev := Edge{}
	for _, e := range c.Edges {
		if e.B != prev.B {
			prev.A = 0
		}
		put(int(e.B - prev.B))
		put(int(e.A - prev.A))
		prev = e
	}
	for _, e := range c.Edges {
		switch {
		case e.Mid < 0:
			put(0)
		case e.PickA == 0 && e.PickB == 0:
			put(int(e.Mid-e.B) * 2)
		default:
			put(int(e.Mid-e.B)*2 + 1)
			b = append(b, e.PickA, e.PickB)
		}
	}
	last, marked := 0, 0
	for _, e := range c.Edges {
		if len(e.Passages) > 0 {
			marked++
		}
	}
	put(marked)
	for i, e := range c.Edges {
		if len(e.Passages) == 0 {
			continue
		}
		put(i - last)
		last = i
		put(len(e.Passages))
		b = append(b, e.Passages...)
	}

	b = c.Water.append(b)

	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	head := append([]byte(magic), make([]byte, 8)...)
	binary.LittleEndian.PutUint32(head[8:], uint32(len(b)))
	binary.LittleEndian.PutUint32(head[12:], crc32.ChecksumIEEE(b))
	_, err = w.Write(enc.EncodeAll(b, head))
	return err
}

// octant keeps a bearing in 1/254 of a turn.
func octant(deg float64) byte { return byte(int(math.Round(deg/360*254)) % 254) }

// Read decodes a chart.
func Read(data []byte) (*Chart, error) {
	if len(data) < 16 || string(data[:8]) != magic {
		return nil, fmt.Errorf("%w: no %s at its start; rebuild it with make geodata", ErrFormat, magic)
	}
	size := binary.LittleEndian.Uint32(data[8:])
	if size > maxContent {
		return nil, fmt.Errorf("%w: claims %d bytes of content", ErrFormat, size)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	// No room is set aside on the word of the header alone.
	b, err := dec.DecodeAll(data[16:], make([]byte, 0, min(int(size), 64*len(data))))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(b) != int(size) || crc32.ChecksumIEEE(b) != binary.LittleEndian.Uint32(data[12:]) {
		return nil, fmt.Errorf("%w: damaged content", ErrFormat)
	}
	return parse(b)
}

// parse decodes the content.
func parse(b []byte) (*Chart, error) {
	r := reader{b: b}
	c := &Chart{}
	for range r.count(1) {
		c.Passages = append(c.Passages, string(r.bytes(r.count(1))))
	}
	n := r.count(2)
	c.Nodes = make([]Node, n)
	c.Core = r.number(n)
	var lon, lat int64
	for i := range c.Nodes {
		lon += r.signed()
		lat += r.signed()
		if lon < -180*degrees || lon > 180*degrees || lat < -90*degrees || lat > 90*degrees {
			r.fail("node %d off the earth", i)
			break
		}
		c.Nodes[i].Point = orb.Point{float64(lon) / degrees, float64(lat) / degrees}
	}
	if sides := r.bytes(2 * n); r.err == nil {
		for i := range c.Nodes {
			node := &c.Nodes[i]
			if node.Free = sides[2*i] == 255; !node.Free {
				node.Before, node.After = float64(sides[2*i])*360/254, float64(sides[2*i+1])*360/254
			}
		}
	}
	m := r.count(3)
	c.Edges = make([]Edge, m)
	prev := Edge{}
	for i := range c.Edges {
		e := Edge{B: prev.B + int32(r.number(n)), A: prev.A, Mid: -1}
		if e.B != prev.B {
			e.A = 0
		}
		e.A += int32(r.number(n))
		if r.err != nil {
			break
		}
		if int(e.B) >= n || e.A >= e.B {
			r.fail("edge %d joins nodes %d and %d of %d", i, e.A, e.B, n)
			break
		}
		c.Edges[i], prev = e, e
	}
	for i := range c.Edges {
		v := r.number(2*n + 1)
		if v == 0 || r.err != nil {
			continue
		}
		e := &c.Edges[i]
		if e.Mid = e.B + int32(v/2); int(e.Mid) >= n || int(e.Mid) < c.Core || v == 1 {
			r.fail("edge %d leads over node %d of %d", i, e.Mid, n)
			break
		}
		if v%2 == 1 {
			if p := r.bytes(2); r.err == nil {
				e.PickA, e.PickB = p[0], p[1]
			}
		}
	}
	at := 0
	for range r.count(2) {
		at += r.number(m)
		ids := r.bytes(r.count(1))
		if r.err != nil {
			break
		}
		if at >= m {
			r.fail("passage on edge %d of %d", at, m)
			break
		}
		for _, id := range ids {
			if int(id) >= len(c.Passages) {
				r.fail("passage %d of %d", id, len(c.Passages))
			}
		}
		c.Edges[at].Passages = ids
	}
	c.Water = r.water()
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes left over", len(r.b))
	}
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

// append encodes the raster: per tile, from the south-west, its class when it
// has one only, else 3 and its cells as runs in rows, each row the change from
// the one below.
func (w *Water) append(b []byte) []byte {
	// Runs of equal uniform tiles first, so that oceans cost nothing.
	for i := 0; i < len(w.tiles); {
		t := w.tiles[i]
		if t >= 0 {
			t = -4
		}
		j := i
		for j < len(w.tiles) && (w.tiles[j] == t || t == -4 && w.tiles[j] >= 0) {
			j++
		}
		b = append(b, byte(^t))
		b = binary.AppendUvarint(b, uint64(j-i))
		i = j
	}
	for _, t := range w.tiles {
		if t >= 0 {
			b = appendCells(b, w.cells[t:int(t)+tileBytes])
		}
	}
	return b
}

// appendCells encodes the cells of one mixed tile.
func appendCells(b, cells []byte) []byte {
	at := func(i int) byte { return cells[i/4] >> (i % 4 * 2) & 3 }
	diff := func(i int) byte {
		if i < tileCells {
			return at(i)
		}
		return at(i) ^ at(i-tileCells)
	}
	var bytesOut bytes.Buffer
	for i := 0; i < tileCells*tileCells; {
		v, j := diff(i), i
		for j < tileCells*tileCells && diff(j) == v {
			j++
		}
		// Two bits of change, six of run length, the rest follows.
		n := j - i - 1
		if n < 63 {
			bytesOut.WriteByte(v | byte(n)<<2)
		} else {
			bytesOut.WriteByte(v | 63<<2)
			bytesOut.Write(binary.AppendUvarint(nil, uint64(n-63)))
		}
		i = j
	}
	return append(b, bytesOut.Bytes()...)
}

// water decodes the raster.
func (r *reader) water() *Water {
	w := &Water{tiles: make([]int32, TilesX*TilesY)}
	mixed := 0
	for i := 0; i < len(w.tiles) && r.err == nil; {
		kind := r.bytes(1)
		n := r.number(len(w.tiles) - i + 1)
		if r.err != nil {
			return nil
		}
		if kind[0] > 3 || n == 0 {
			r.fail("tiles of kind %d", kind[0])
			return nil
		}
		for range n {
			w.tiles[i] = ^int32(kind[0])
			if kind[0] == 3 {
				w.tiles[i] = int32(mixed * tileBytes)
				mixed++
			}
			i++
		}
	}
	if mixed > len(r.b) { // a mixed tile takes two bytes at least
		r.fail("%d mixed tiles in %d bytes", mixed, len(r.b))
		return nil
	}
	w.cells = make([]byte, mixed*tileBytes)
	var row [tileCells * tileCells]byte
	for k := range mixed {
		for i := 0; i < len(row); {
			if len(r.b) == 0 {
				r.fail("cells end early")
				return nil
			}
			v, n := r.b[0]&3, int(r.b[0]>>2)
			r.b = r.b[1:]
			if n == 63 {
				n += r.number(len(row))
			}
			if r.err != nil {
				return nil
			}
			if i+n+1 > len(row) {
				r.fail("cells run over")
				return nil
			}
			for range n + 1 {
				c := v
				if i >= tileCells {
					c ^= row[i-tileCells]
				}
				row[i] = c
				i++
			}
		}
		cells := w.cells[k*tileBytes : (k+1)*tileBytes]
		for i := range cells {
			q := row[4*i : 4*i+4]
			cells[i] = q[0] | q[1]<<2 | q[2]<<4 | q[3]<<6
			if q[0] == 3 || q[1] == 3 || q[2] == 3 || q[3] == 3 {
				r.fail("cell of no class")
				return nil
			}
		}
	}
	w.finish()
	return w
}

// reader takes numbers off bytes; after an error it gives zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.fail("ends early")
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// number reads an unsigned number below or equal to limit.
func (r *reader) number(limit int) int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > uint64(limit) {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

// count reads the length of a list whose elements take size bytes at least.
func (r *reader) count(size int) int { return r.number(len(r.b) / size) }

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.b = r.b[n:]
	return v
}
