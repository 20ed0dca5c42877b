package area

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"corridor/geodata/paged"
)

//go:embed timezones.bin
var timezones []byte

// TimeZones tells the IANA time zone of a point, at sea too (Etc/GMT+5). It is a
// quadtree of cells, those at a border between zones on land about 1.6 km wide, at the
// edge of territorial waters 6 km. Xinjiang has the time of Beijing, by which customs
// and railways go there. Immutable and safe for concurrent use.
type TimeZones struct {
	names []string
	// nodes are children in fours, north-west, north-east, south-west, south-east;
	// the first ZoneColumns × ZoneRows are the roots, from the north-west. A value with
	// zoneLeaf is a zone, any other where the node's children are.
	nodes []uint32
}

// The roots of the tree, 7.5° wide.
const (
	ZoneColumns = 48
	ZoneRows    = 24
)

const (
	zoneLeaf  = 1 << 31
	zoneDepth = 16 // at most
	tzMagic   = "tz2\n"
)

// OpenTimeZones reads the embedded zones.
func OpenTimeZones() (*TimeZones, error) { return OpenTimeZonesPaged(nil) }

// OpenTimeZonesPaged is OpenTimeZones with the tree in the store's files.
func OpenTimeZonesPaged(store *paged.Store) (*TimeZones, error) {
	z, err := DecodeTimeZones(bytes.NewReader(timezones))
	if err != nil {
		return nil, fmt.Errorf("read embedded time zones: %w", err)
	}
	store.Move(paged.Of(&z.nodes))
	return z, nil
}

// Of is the zone of a point; UTC for what is no point on earth.
func (z *TimeZones) Of(p orb.Point) string {
	p, ok := onEarth(p)
	if !ok {
		return "UTC"
	}
	x := math.Min((p[0]+180)/360*ZoneColumns, math.Nextafter(ZoneColumns, 0))
	y := math.Max(0, math.Min((90-p[1])/180*ZoneRows, math.Nextafter(ZoneRows, 0)))
	u, v := math.Floor(x), math.Floor(y)
	n := z.nodes[int(v)*ZoneColumns+int(u)]
	for n&zoneLeaf == 0 {
		x, y = (x-u)*2, (y-v)*2
		u, v = math.Floor(x), math.Floor(y)
		n = z.nodes[int(n)+int(v)*2+int(u)]
	}
	return z.names[n&^zoneLeaf]
}

// ZoneNode is a square of the tree: all of one zone, or with four children, north-west,
// north-east, south-west and south-east.
type ZoneNode struct {
	Zone     int // index into the names
	Children []ZoneNode
}

// EncodeTimeZones writes the zones in the form DecodeTimeZones reads: inside a raw
// DEFLATE stream the names, then the trees under the ZoneColumns × ZoneRows roots, each
// node before its children: 0 where there are some, else the zone plus 1.
func EncodeTimeZones(w io.Writer, names []string, roots []ZoneNode) error {
	if len(roots) != ZoneColumns*ZoneRows {
		return fmt.Errorf("%d roots, want %d", len(roots), ZoneColumns*ZoneRows)
	}
	b := binary.AppendUvarint([]byte(tzMagic), uint64(len(names)))
	for _, n := range names {
		b = binary.AppendUvarint(b, uint64(len(n)))
		b = append(b, n...)
	}
	var write func(n *ZoneNode)
	write = func(n *ZoneNode) {
		if len(n.Children) == 0 {
			b = binary.AppendUvarint(b, uint64(n.Zone)+1)
			return
		}
		b = append(b, 0)
		for i := range n.Children {
			write(&n.Children[i])
		}
	}
	for i := range roots {
		write(&roots[i])
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
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(r), 1<<24))
	if err != nil || !bytes.HasPrefix(raw, []byte(tzMagic)) {
		return nil, ErrFormat
	}
	raw = raw[len(tzMagic):]
	failed := false
	read := func(atMost int) int {
		n, used := binary.Uvarint(raw)
		if used <= 0 || n > uint64(atMost) {
			raw, failed = nil, true
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
	z.nodes = make([]uint32, ZoneColumns*ZoneRows, ZoneColumns*ZoneRows+len(raw))
	var tree func(at, depth int)
	tree = func(at, depth int) {
		n := read(len(z.names))
		switch {
		case failed:
		case n > 0:
			z.nodes[at] = zoneLeaf | uint32(n-1)
		case depth == zoneDepth:
			failed = true
		default:
			children := len(z.nodes)
			z.nodes[at] = uint32(children)
			z.nodes = append(z.nodes, 0, 0, 0, 0)
			for i := range 4 {
				if !failed {
					tree(children+i, depth+1)
				}
			}
		}
	}
	for i := range ZoneColumns * ZoneRows {
		if !failed {
			tree(i, 0)
		}
	}
	if failed || len(raw) > 0 {
		return nil, ErrFormat
	}
	z.nodes = slices.Clip(z.nodes)
	return z, nil
}
