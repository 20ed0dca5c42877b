package area

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/paulmach/orb"
)

//go:embed timezones.bin
var timezones []byte

// TimeZones tells the IANA time zone of a point, at sea too (Etc/GMT+5). It is a
// quadtree whose leaves are about a kilometre wide at a border between zones.
// Immutable and safe for concurrent use.
type TimeZones struct {
	names []string
	// nodes are children in fours, north-west, north-east, south-west, south-east;
	// the first 48 × 24 are the roots. A value from leaf up is a zone.
	nodes []uint16
}

const (
	tzCols, tzRows = 48, 24
	tzSpan         = 56 * 56 // values are below this
	tzMagic        = "tz1\n"
)

// OpenTimeZones reads the embedded zones.
func OpenTimeZones() (*TimeZones, error) {
	z, err := DecodeTimeZones(bytes.NewReader(timezones))
	if err != nil {
		return nil, fmt.Errorf("read embedded time zones: %w", err)
	}
	return z, nil
}

// Of is the zone of a point; UTC for what is no point on earth.
func (z *TimeZones) Of(p orb.Point) string {
	p, ok := onEarth(p)
	if !ok {
		return "UTC"
	}
	x := math.Min((p[0]+180)/360*tzCols, math.Nextafter(tzCols, 0))
	y := math.Max(0, math.Min((90-p[1])/180*tzRows, math.Nextafter(tzRows, 0)))
	u, v := math.Floor(x), math.Floor(y)
	leaf := tzSpan - len(z.names)
	at := int(v)*tzCols + int(u)
	// A node's value is how far on its children are.
	for group := -1; ; {
		n := int(z.nodes[at])
		if n >= leaf {
			return z.names[n-leaf]
		}
		group += n + 1
		x, y = (x-u)*2, (y-v)*2
		u, v = math.Floor(x), math.Floor(y)
		at = tzCols*tzRows + group*4 + int(v)*2 + int(u)
		if at >= len(z.nodes) {
			return "UTC"
		}
	}
}

// EncodeTimeZones writes the zones in the form DecodeTimeZones reads.
func EncodeTimeZones(w io.Writer, names []string, nodes []uint16) error {
	b := binary.AppendUvarint([]byte(tzMagic), uint64(len(names)))
	for _, n := range names {
		b = binary.AppendUvarint(b, uint64(len(n)))
		b = append(b, n...)
	}
	for _, n := range nodes {
		b = binary.LittleEndian.AppendUint16(b, n)
	}
	f, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Close()
}

// DecodeTimeZones reads zones. Broken input is ErrFormat, never a panic.
func DecodeTimeZones(r io.Reader) (*TimeZones, error) {
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(r), 1<<22))
	if err != nil || !bytes.HasPrefix(raw, []byte(tzMagic)) {
		return nil, ErrFormat
	}
	raw = raw[len(tzMagic):]
	read := func(atMost uint64) int {
		n, used := binary.Uvarint(raw)
		if used <= 0 || n > atMost {
			raw = nil
			return 0
		}
		raw = raw[used:]
		return int(n)
	}
	z := &TimeZones{names: make([]string, read(1024))}
	for i := range z.names {
		n := read(64)
		if n == 0 || n > len(raw) {
			return nil, ErrFormat
		}
		z.names[i], raw = string(raw[:n]), raw[n:]
	}
	if len(z.names) == 0 || len(raw) < 2*tzCols*tzRows || len(raw)%2 != 0 {
		return nil, ErrFormat
	}
	z.nodes = make([]uint16, len(raw)/2)
	for i := range z.nodes {
		if z.nodes[i] = binary.LittleEndian.Uint16(raw[2*i:]); z.nodes[i] >= tzSpan {
			return nil, ErrFormat
		}
	}
	return z, nil
}
