package area

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// Topology is a division of the earth into zones by arcs, each between two of
// them. Zone 0 is the sea, belonging to nobody.
type Topology struct {
	Countries []geodata.Country // by zone; the first is empty
	Arcs      []Arc
	// Refs is the zone at each grid cell's reference point. When nil it is worked
	// out from Seed, a place far at sea, which needs arcs that meet exactly.
	Refs []uint8
	Seed orb.Point
}

// Arc is a line and the zones to its left and right.
type Arc struct {
	Points      [][2]float32 // lon, lat; a step wider than 180° goes the short way
	Left, Right uint8
}

// Format of the file, inside a raw DEFLATE stream; numbers are varints:
//
//	magic "area1\n"
//	zones: count, then two letters each (none for zone 0)
//	arcs: count, then left, right, points, and points of delta lon, delta lat
//	refs: runs of (zone, length) over the cells, from the south-west, row by row
//
// Coordinates are in units of quantum degrees from the point before, across arcs.
const (
	magic   = "area1\n"
	quantum = 1e-4
	most    = 1 << 22 // points or arcs of a file that is not broken
)

// ErrFormat says bytes are not an area file.
var ErrFormat = errors.New("not an area file")

// Encode writes the topology, its grid references included, in the form Decode
// reads. Coordinates are rounded to 0.0001°.
func Encode(w io.Writer, t Topology) error {
	if err := t.check(); err != nil {
		return err
	}
	refs := t.Refs
	if refs == nil {
		a, err := New(t)
		if err != nil {
			return err
		}
		refs = a.refs
	}
	b := append([]byte(nil), magic...)
	b = binary.AppendUvarint(b, uint64(len(t.Countries)))
	for _, c := range t.Countries[1:] {
		b = append(b, c...)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Arcs)))
	var x, y int64
	for _, arc := range t.Arcs {
		b = append(b, arc.Left, arc.Right)
		b = binary.AppendUvarint(b, uint64(len(arc.Points)))
		for _, p := range arc.Points {
			px, py := int64(math.Round(float64(p[0])/quantum)), int64(math.Round(float64(p[1])/quantum))
			b = binary.AppendVarint(b, px-x)
			b = binary.AppendVarint(b, py-y)
			x, y = px, py
		}
	}
	for i := 0; i < len(refs); {
		n := 1
		for i+n < len(refs) && refs[i+n] == refs[i] {
			n++
		}
		b = append(b, refs[i])
		b = binary.AppendUvarint(b, uint64(n))
		i += n
	}
	z, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	return z.Close()
}

// Decode reads a topology. Broken input is ErrFormat, never a panic.
func Decode(r io.Reader) (Topology, error) {
	in := reader{bufio.NewReaderSize(flate.NewReader(r), 1<<16), nil}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(in.r, head); err != nil || string(head) != magic {
		return Topology{}, ErrFormat
	}
	t := Topology{Countries: make([]geodata.Country, in.count(256))}
	for i := 1; i < len(t.Countries) && in.err == nil; i++ {
		t.Countries[i] = geodata.Country([]byte{in.byte(), in.byte()})
	}
	arcs := in.count(1 << 16)
	var x, y int64
	total := 0
	for range arcs {
		arc := Arc{Left: in.byte(), Right: in.byte()}
		n := in.count(most)
		if total += n; total > most || in.err != nil {
			return Topology{}, fmt.Errorf("%w: arcs", ErrFormat)
		}
		for range n {
			x += in.varint()
			y += in.varint()
			if in.err != nil {
				return Topology{}, fmt.Errorf("%w: points", ErrFormat)
			}
			arc.Points = append(arc.Points, [2]float32{float32(float64(x) * quantum), float32(float64(y) * quantum)})
		}
		t.Arcs = append(t.Arcs, arc)
	}
	t.Refs = make([]uint8, cols*rows)
	for i := 0; i < len(t.Refs); {
		zone, n := in.byte(), in.count(len(t.Refs)-i)
		if n == 0 {
			return Topology{}, fmt.Errorf("%w: references", ErrFormat)
		}
		for range n {
			t.Refs[i] = zone
			i++
		}
	}
	return t, t.check()
}

// reader keeps the first error; after it every number is 0.
type reader struct {
	r   *bufio.Reader
	err error
}

func (in *reader) byte() byte {
	b, err := in.r.ReadByte()
	if in.err == nil {
		in.err = err
	}
	return b
}

func (in *reader) count(atMost int) int {
	n, err := binary.ReadUvarint(in.r)
	if in.err == nil {
		in.err = err
	}
	if in.err != nil || n > uint64(atMost) {
		if in.err == nil {
			in.err = ErrFormat
		}
		return 0
	}
	return int(n)
}

func (in *reader) varint() int64 {
	n, err := binary.ReadVarint(in.r)
	if in.err == nil {
		in.err = err
	}
	return n
}

func (t Topology) check() error {
	if len(t.Countries) < 1 || len(t.Countries) > 256 || t.Countries[0] != "" {
		return fmt.Errorf("%w: zone 0 must be the sea, and there may be 255 others", ErrFormat)
	}
	if len(t.Arcs) > 1<<16 {
		return fmt.Errorf("%w: %d arcs, at most %d", ErrFormat, len(t.Arcs), 1<<16)
	}
	for i, arc := range t.Arcs {
		if int(arc.Left) >= len(t.Countries) || int(arc.Right) >= len(t.Countries) {
			return fmt.Errorf("%w: arc %d is between zones that are not there", ErrFormat, i)
		}
		for j, p := range arc.Points {
			if !(math.Abs(float64(p[0])) <= 180.001) || !(math.Abs(float64(p[1])) <= 90.001) {
				return fmt.Errorf("%w: arc %d leaves the earth", ErrFormat, i)
			}
			// A long edge would be sorted into very many cells.
			if j > 0 && math.Abs(turn(float64(p[0]-arc.Points[j-1][0]))) > 20 {
				return fmt.Errorf("%w: arc %d has an edge wider than 20°", ErrFormat, i)
			}
		}
	}
	if t.Refs != nil && len(t.Refs) != cols*rows {
		return fmt.Errorf("%w: %d references, want %d", ErrFormat, len(t.Refs), cols*rows)
	}
	for _, zone := range t.Refs {
		if int(zone) >= len(t.Countries) {
			return fmt.Errorf("%w: a reference to a zone that is not there", ErrFormat)
		}
	}
	return nil
}
