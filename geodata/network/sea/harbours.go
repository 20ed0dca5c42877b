package sea

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"runtime"
	"slices"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"

	"github.com/klauspost/compress/zstd"
	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"
)

// The ways out of the gazetteer's ports, worked out beforehand: from a point that is
// not among them they take some hundredths of a second. FORMAT.md describes the file.
//
//go:embed sea.harbours
var harboursFile []byte

// ErrHarbours says the bytes are no harbours of this chart.
var ErrHarbours = errors.New("not the harbours of this sea chart: rebuild them with make geodata")

const (
	harboursMagic = "CORRHAR1"
	maxHarbours   = 64 << 20 // bytes
	harbourSteps  = 1e5      // of a coordinate in a degree
)

// harbours are the ports of a file, each decoded when it is asked for.
type harbours struct {
	keys    []uint64 // sorted
	at      []uint32 // where each begins in content; one more at the end
	content []byte
}

// harbourKey is a position to a metre.
func harbourKey(p orb.Point) uint64 {
	x, y := int32(math.Round(p[0]*harbourSteps)), int32(math.Round(p[1]*harbourSteps))
	return uint64(uint32(x))<<32 | uint64(uint32(y))
}

// WriteHarbours works out the ways from points to the network and writes them for Open to
// read: for the tool that builds the data.
func (g *Graph) WriteHarbours(w io.Writer, points []orb.Point) error {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b orb.Point) int {
		x, y := harbourKey(a), harbourKey(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	points = slices.CompactFunc(points, func(a, b orb.Point) bool { return harbourKey(a) == harbourKey(b) })
	each := make([][]byte, len(points))
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range points {
		all.Go(func() error {
			each[i] = g.attach(p).append(nil)
			return nil
		})
	}
	_ = all.Wait() // none fails
	b := binary.AppendUvarint(nil, uint64(len(points)))
	last := uint64(0)
	for i, p := range points {
		k := harbourKey(p)
		b = binary.AppendUvarint(b, k-last)
		b = binary.AppendUvarint(b, uint64(len(each[i])))
		last = k
	}
	for _, e := range each {
		b = append(b, e...)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	head := append([]byte(harboursMagic), make([]byte, 8)...)
	binary.LittleEndian.PutUint32(head[8:], crc32.ChecksumIEEE(chartFile))
	binary.LittleEndian.PutUint32(head[12:], crc32.ChecksumIEEE(b))
	_, err = w.Write(enc.EncodeAll(b, head))
	return err
}

// append encodes the ways from a port.
func (pt *port) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(pt.outs)))
	px, py, _ := chart.Cell(pt.point)
	for _, o := range pt.outs {
		b = binary.AppendUvarint(b, uint64(len(o.line)-1))
		x, y := px, py
		for _, p := range o.line[1:] {
			cx, cy, _ := chart.Cell(p)
			dx := (cx-x+chart.Width/2+chart.Width)%chart.Width - chart.Width/2
			b = binary.AppendVarint(b, int64(dx))
			b = binary.AppendVarint(b, int64(cy-y))
			x, y = cx, cy
		}
	}
	as := slices.Clone(pt.approaches)
	slices.SortFunc(as, func(x, y approach) int { return int(x.node - y.node) })
	b = binary.AppendUvarint(b, uint64(len(as)))
	last := int32(0)
	for _, a := range as {
		sails := uint64(0)
		if len(a.leg) > 0 {
			sails = 1
		}
		b = binary.AppendUvarint(b, uint64(a.node-last)<<1|sails)
		b = binary.AppendUvarint(b, uint64(a.out))
		last = a.node
	}
	return b
}

// readHarbours reads a file; what does not belong to the chart with this checksum is
// refused.
func readHarbours(file []byte, chartSum uint32) (*harbours, error) {
	if len(file) < 16 || string(file[:8]) != harboursMagic || binary.LittleEndian.Uint32(file[8:]) != chartSum {
		return nil, ErrHarbours
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxHarbours))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	b, err := dec.DecodeAll(file[16:], nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHarbours, err)
	}
	if crc32.ChecksumIEEE(b) != binary.LittleEndian.Uint32(file[12:]) {
		return nil, fmt.Errorf("%w: damaged content", ErrHarbours)
	}
	r := harbourReader{b: b}
	n := r.number(uint64(len(b)) / 2)
	h := &harbours{keys: make([]uint64, n), at: make([]uint32, n+1)}
	key, at := uint64(0), uint64(0)
	for i := range h.keys {
		key += r.number(math.MaxUint64)
		h.keys[i], h.at[i] = key, uint32(at)
		at += r.number(maxHarbours)
	}
	if r.bad || at != uint64(len(r.b)) || !slices.IsSorted(h.keys) {
		return nil, fmt.Errorf("%w: damaged index", ErrHarbours)
	}
	h.at[n], h.content = uint32(at), bytes.Clone(r.b)
	return h, nil
}

// harbour is the port at a point if the file has it.
func (g *Graph) harbour(p orb.Point) (*port, bool) {
	if g.harbours == nil {
		return nil, false
	}
	h := g.harbours
	i, ok := slices.BinarySearch(h.keys, harbourKey(p))
	if !ok {
		return nil, false
	}
	return g.decode(p, h.content[h.at[i]:h.at[i+1]])
}

// decode turns the bytes of a port into the ways from it; ok is false when they are
// damaged.
func (g *Graph) decode(p orb.Point, b []byte) (pt *port, ok bool) {
	r := harbourReader{b: b}
	pt = &port{point: p}
	px, py, _ := chart.Cell(p)
	for range r.number(uint64(len(b))) {
		line := []orb.Point{p}
		x, y := px, py
		for range r.number(uint64(len(r.b))) {
			x, y = x+int(r.signed()), y+int(r.signed())
			if r.bad || y < 0 || y >= chart.Height || x < -chart.Width || x > 2*chart.Width {
				return nil, false
			}
			q := chart.Centre(x, y)
			line = append(line, orb.Point{globe.NearLon(q[0], p[0]), q[1]})
		}
		pt.outs = append(pt.outs, g.out(line))
	}
	node := int32(0)
	for range r.number(uint64(len(r.b))) {
		v, out := r.number(2*uint64(len(g.nodes))), r.number(math.MaxInt32)
		if node += int32(v >> 1); r.bad || int(node) >= len(g.nodes) || int(out) >= len(pt.outs) {
			return nil, false
		}
		pt.approaches = append(pt.approaches, g.approach(node, int32(out), &pt.outs[out], v&1 != 0))
	}
	return pt, !r.bad && len(r.b) == 0
}

// harbourReader reads numbers; after the first that is not there or too great it is bad
// and reads zeros.
type harbourReader struct {
	b   []byte
	bad bool
}

func (r *harbourReader) number(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most || r.bad {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *harbourReader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 || r.bad || v > 2*chart.Width || v < -2*chart.Width {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}
