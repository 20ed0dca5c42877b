package land

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"

	"corridor/geodata"
)

// Net is a network as it is stored: plain columns, no indexes. cmd/geodata makes
// one and encodes it; Open decodes it and builds a Graph on top.
//
// Nodes are numbered in a nested-dissection order: every separator comes after
// the parts it separates. The search relies on the numbers, so a Net is not
// renumbered once built. A node belongs to exactly one country; where a line
// crosses a border there is one node on each side, joined by an edge of no
// length. Such an edge is the only kind that joins two countries.
type Net struct {
	Mode      geodata.Mode
	Countries []geodata.Country // what NodeCountry indexes; entry 0 is "" (no country)
	Posts     []string          // border post ids; entry 0 is "" (no known post)
	Kinds     []Kind            // what Edge.Kind indexes; entry 0 is the zero Kind (nothing known)

	Lat, Lon    []int32 // per node, in 1/UnitsPerDegree degrees
	NodeCountry []uint8 // per node, index into Countries

	Edges []Edge // sorted by From, then To; From < To; no two join the same nodes
}

// Edge joins two nodes in both directions.
type Edge struct {
	From, To  uint32
	Metres    uint32
	Kind      uint16 // index into Kinds
	Slow      uint8  // percent by which going here costs more than on the best lines
	Post      uint16 // index into Posts; only on edges between countries
	Delay     uint16 // kilometres that crossing the border costs; only on those
	Estimated bool   // bridges a gap in the source by a straight line
	Shape     []Vertex
	// Inset, if not 0, is one more than the number of the way through another
	// network that the edge stands for (see Inset). It is not stored.
	Inset int32
}

// Kind is what is known of a line beyond its place and length. A zero field is not
// known.
type Kind struct {
	// Roads.
	Number   string        // as signed, e.g. "G30" or "M32/E38"
	Class    string        // motorway, trunk or primary
	TruckKMH uint8         // legal top speed of a heavy lorry there
	Tolled   geodata.Known // for a heavy lorry
	Ferry    string        // name of the ferry or vehicle shuttle that goes here
	FerryKM  uint16        // its length

	// Railways.
	GaugeMM     uint16 // track gauge
	Electrified geodata.Known
}

// cost is what going so many metres along the edge costs, borders included.
func (e *line) cost(metres uint32) uint32 {
	return uint32(uint64(metres)*uint64(100+uint32(e.Slow))/100) + uint32(e.Delay)*1000
}

// Vertex is a point of an edge between its ends.
type Vertex struct{ Lat, Lon int32 }

// UnitsPerDegree is the precision of stored coordinates, which is the source's:
// about 111 m of latitude.
const UnitsPerDegree = 1000

// ErrFormat is wrapped by every error about bytes that are not a network file.
var ErrFormat = errors.New("not a land network file")

const (
	magic          = "CRLN"
	formatVersion  = 2
	maxDecoded     = 256 << 20 // bytes; the world's roads need 6 MB
	maxNodes       = 1 << 24
	maxEdge        = 40_000_000 // metres
	flagEstimated  = 1
	flagHasShape   = 2
	knownEdgeFlags = flagEstimated | flagHasShape
)

// Encode returns the file. The layout is described in FORMAT.md.
func (n *Net) Encode() ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	var w writer
	w.raw([]byte(magic))
	w.uint(formatVersion)
	w.text(string(n.Mode))
	w.uint(uint64(len(n.Countries)))
	for _, c := range n.Countries {
		w.text(string(c))
	}
	w.uint(uint64(len(n.Posts)))
	for _, p := range n.Posts {
		w.text(p)
	}

	w.uint(uint64(len(n.Kinds)))
	for _, k := range n.Kinds {
		w.text(k.Number)
		w.text(k.Class)
		w.uint(uint64(k.TruckKMH))
		w.uint(uint64(k.Tolled))
		w.text(k.Ferry)
		w.uint(uint64(k.FerryKM))
		w.uint(uint64(k.GaugeMM))
		w.uint(uint64(k.Electrified))
	}

	w.uint(uint64(len(n.Lat)))
	for _, column := range [][]int32{n.Lat, n.Lon} {
		last := int32(0)
		for _, v := range column {
			w.int(int64(v - last))
			last = v
		}
	}
	for i := 0; i < len(n.NodeCountry); {
		run := i
		for run < len(n.NodeCountry) && n.NodeCountry[run] == n.NodeCountry[i] {
			run++
		}
		w.uint(uint64(n.NodeCountry[i]))
		w.uint(uint64(run - i))
		i = run
	}

	// Edges in columns: similar numbers side by side compress best.
	w.uint(uint64(len(n.Edges)))
	at := 0
	for node := range n.Lat {
		first := at
		for at < len(n.Edges) && n.Edges[at].From == uint32(node) {
			at++
		}
		w.uint(uint64(at - first))
	}
	last := uint32(0)
	for i, e := range n.Edges {
		if i == 0 || n.Edges[i-1].From != e.From {
			last = e.From
		}
		w.uint(uint64(e.To - last - 1))
		last = e.To
	}
	for _, e := range n.Edges {
		flags := uint64(0)
		if e.Estimated {
			flags |= flagEstimated
		}
		if len(e.Shape) > 0 {
			flags |= flagHasShape
		}
		w.uint(flags)
	}
	for _, e := range n.Edges {
		w.int(int64(e.Metres) - int64(n.shapeMetres(e)))
	}
	for _, e := range n.Edges {
		w.uint(uint64(e.Kind))
	}
	for _, e := range n.Edges {
		if n.NodeCountry[e.From] != n.NodeCountry[e.To] {
			w.uint(uint64(e.Post))
			w.uint(uint64(e.Delay))
		} else {
			w.uint(uint64(e.Slow))
		}
	}
	for _, e := range n.Edges {
		if len(e.Shape) > 0 {
			w.uint(uint64(len(e.Shape)))
		}
	}
	for _, pick := range []func(Vertex) int32{func(v Vertex) int32 { return v.Lat }, func(v Vertex) int32 { return v.Lon }} {
		for _, e := range n.Edges {
			last := pick(Vertex{n.Lat[e.From], n.Lon[e.From]})
			for _, v := range e.Shape {
				w.int(int64(pick(v) - last))
				last = pick(v)
			}
		}
	}

	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer func() { _ = enc.Close() }()
	return enc.EncodeAll(w.b, nil), nil
}

// Decode reads a file made by Encode. Any input gives a valid Net or an error.
func Decode(file []byte) (*Net, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxDecoded), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	payload, err := dec.DecodeAll(file, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	r := &reader{b: payload}
	if string(r.raw(len(magic))) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrFormat, magic)
	}
	if v := r.uint(); r.err == nil && v != formatVersion {
		return nil, fmt.Errorf("%w: version %d, this program reads version %d; run make geodata", ErrFormat, v, formatVersion)
	}
	n := &Net{Mode: geodata.Mode(r.text())}
	n.Countries = make([]geodata.Country, r.count(1, 256))
	for i := range n.Countries {
		n.Countries[i] = geodata.Country(r.text())
	}
	n.Posts = make([]string, r.count(1, math.MaxUint16))
	for i := range n.Posts {
		n.Posts[i] = r.text()
	}

	n.Kinds = make([]Kind, r.count(8, math.MaxUint16))
	for i := range n.Kinds {
		n.Kinds[i] = Kind{
			Number: r.text(), Class: r.text(), TruckKMH: uint8(r.most(math.MaxUint8)), Tolled: geodata.Known(r.most(uint64(geodata.No))),
			Ferry: r.text(), FerryKM: uint16(r.most(math.MaxUint16)),
			GaugeMM: uint16(r.most(math.MaxUint16)), Electrified: geodata.Known(r.most(uint64(geodata.No))),
		}
	}

	nodes := r.count(2, maxNodes)
	n.Lat = r.deltas(nodes)
	n.Lon = r.deltas(nodes)
	n.NodeCountry = make([]uint8, 0, nodes)
	for len(n.NodeCountry) < nodes && r.err == nil {
		c, run := r.uint(), r.uint()
		if c > math.MaxUint8 || run == 0 || run > uint64(nodes-len(n.NodeCountry)) {
			r.fail("bad run of countries")
			break
		}
		for range run {
			n.NodeCountry = append(n.NodeCountry, uint8(c))
		}
	}

	n.Edges = make([]Edge, r.count(3, maxNodes))
	at := 0
	for node := range nodes {
		degree := r.uint()
		if degree > uint64(len(n.Edges)-at) {
			r.fail("more edges than announced")
		}
		if r.err != nil {
			return nil, r.err
		}
		for range degree {
			n.Edges[at].From = uint32(node)
			at++
		}
	}
	if r.err == nil && at != len(n.Edges) {
		r.fail("fewer edges than announced")
	}
	if r.err != nil {
		return nil, r.err
	}
	last := uint64(0)
	for i := range n.Edges {
		e := &n.Edges[i]
		if i == 0 || n.Edges[i-1].From != e.From {
			last = uint64(e.From)
		}
		step := r.uint()
		last += step + 1
		if step > maxNodes || last >= uint64(nodes) {
			r.fail("edge to a node that is not there")
			break
		}
		e.To = uint32(last)
	}
	if r.err != nil {
		return nil, r.err
	}
	shaped := 0
	for i := range n.Edges {
		flags := r.uint()
		if flags&^knownEdgeFlags != 0 {
			r.fail("unknown edge flags")
			break
		}
		n.Edges[i].Estimated = flags&flagEstimated != 0
		if flags&flagHasShape != 0 {
			n.Edges[i].Shape = []Vertex{} // its length follows
			shaped++
		}
	}
	excess := make([]int64, len(n.Edges))
	for i := range excess {
		excess[i] = r.int()
	}
	for i := range n.Edges {
		n.Edges[i].Kind = uint16(r.most(math.MaxUint16))
	}
	for i := range n.Edges {
		e := &n.Edges[i]
		if r.err != nil {
			return nil, r.err
		}
		if n.NodeCountry[e.From] == n.NodeCountry[e.To] {
			slow := r.uint()
			if slow > math.MaxUint8 {
				r.fail("bad speed")
			}
			e.Slow = uint8(slow)
			continue
		}
		post, delay := r.uint(), r.uint()
		if post > math.MaxUint16 || delay > math.MaxUint16 {
			r.fail("bad border post")
		}
		e.Post, e.Delay = uint16(post), uint16(delay)
	}
	if r.err != nil {
		return nil, r.err
	}
	lengths, total := make([]int, 0, shaped), 0
	for range shaped {
		lengths = append(lengths, r.count(2, maxNodes))
		total += lengths[len(lengths)-1]
		if total > maxNodes || r.err != nil {
			r.fail("too many points")
			return nil, r.err
		}
	}
	vertices := make([]Vertex, total) // one block for all shapes
	for i, k := 0, 0; i < len(n.Edges); i++ {
		if n.Edges[i].Shape != nil {
			n.Edges[i].Shape, vertices = vertices[:lengths[k]:lengths[k]], vertices[lengths[k]:]
			k++
		}
	}
	for i := range n.Edges {
		last := int64(n.Lat[n.Edges[i].From])
		for j := range n.Edges[i].Shape {
			last += r.int()
			n.Edges[i].Shape[j].Lat = int32(last)
		}
	}
	for i := range n.Edges {
		last := int64(n.Lon[n.Edges[i].From])
		for j := range n.Edges[i].Shape {
			last += r.int()
			n.Edges[i].Shape[j].Lon = int32(last)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.b) != 0 {
		return nil, fmt.Errorf("%w: %d bytes left over", ErrFormat, len(r.b))
	}
	for i := range n.Edges {
		e := &n.Edges[i]
		metres := int64(n.shapeMetres(*e)) + excess[i]
		if metres < 0 || metres > math.MaxInt32 {
			return nil, fmt.Errorf("%w: edge %d has an impossible length", ErrFormat, i)
		}
		e.Metres = uint32(metres)
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	return n, nil
}

// check holds everything the search takes for granted.
func (n *Net) check() error {
	nodes := len(n.Lat)
	if n.Mode != geodata.Road && n.Mode != geodata.Rail {
		return fmt.Errorf("%w: mode %q is not a land mode", ErrFormat, n.Mode)
	}
	if len(n.Lon) != nodes || len(n.NodeCountry) != nodes {
		return fmt.Errorf("%w: node columns differ in length", ErrFormat)
	}
	if len(n.Countries) == 0 || n.Countries[0] != "" || len(n.Posts) == 0 || n.Posts[0] != "" {
		return fmt.Errorf("%w: tables of countries and posts must begin with an empty entry", ErrFormat)
	}
	if len(n.Kinds) == 0 || n.Kinds[0] != (Kind{}) {
		return fmt.Errorf("%w: the table of kinds must begin with an empty entry", ErrFormat)
	}
	for i := range nodes {
		if !onEarth(n.Lat[i], n.Lon[i]) {
			return fmt.Errorf("%w: node %d is off the earth", ErrFormat, i)
		}
		if int(n.NodeCountry[i]) >= len(n.Countries) {
			return fmt.Errorf("%w: node %d is in an unlisted country", ErrFormat, i)
		}
	}
	for i, e := range n.Edges {
		if e.From >= e.To || int(e.To) >= nodes {
			return fmt.Errorf("%w: edge %d does not join two nodes", ErrFormat, i)
		}
		if i > 0 && (n.Edges[i-1].From > e.From || n.Edges[i-1].From == e.From && n.Edges[i-1].To >= e.To) {
			return fmt.Errorf("%w: edge %d is out of order", ErrFormat, i)
		}
		if e.Metres > maxEdge {
			return fmt.Errorf("%w: edge %d is longer than the earth is round", ErrFormat, i)
		}
		if int(e.Post) >= len(n.Posts) || (e.Post != 0 || e.Delay != 0) && n.NodeCountry[e.From] == n.NodeCountry[e.To] {
			return fmt.Errorf("%w: edge %d has a wrong border post", ErrFormat, i)
		}
		if int(e.Kind) >= len(n.Kinds) {
			return fmt.Errorf("%w: edge %d has an unlisted kind", ErrFormat, i)
		}
		for _, v := range e.Shape {
			if !onEarth(v.Lat, v.Lon) {
				return fmt.Errorf("%w: edge %d leaves the earth", ErrFormat, i)
			}
		}
	}
	return nil
}

// onEarth allows longitudes up to ±360 so that a line over the antimeridian can
// be continuous.
func onEarth(lat, lon int32) bool {
	return lat >= -90*UnitsPerDegree && lat <= 90*UnitsPerDegree &&
		lon >= -360*UnitsPerDegree && lon <= 360*UnitsPerDegree
}

// shapeMetres is the length of an edge along its points as the format predicts
// it. Stored lengths are differences from it, mostly zero. Flat-earth steps are
// enough for a prediction; the conversions keep compilers from fusing the sums,
// so that every machine predicts the same.
func (n *Net) shapeMetres(e Edge) uint32 {
	lat, lon := n.Lat[e.From], n.Lon[e.From]
	sum := 0.0
	for _, v := range e.Shape {
		sum += flatMetres(lat, lon, v.Lat, v.Lon)
		lat, lon = v.Lat, v.Lon
	}
	sum += flatMetres(lat, lon, n.Lat[e.To], n.Lon[e.To])
	return uint32(math.Round(sum))
}

const metresPerUnit = 6371000 * math.Pi / 180 / UnitsPerDegree // the source's sphere

func flatMetres(latA, lonA, latB, lonB int32) float64 {
	dLat := float64(latB - latA)
	dLon := float64(lonB-lonA) * cosUnits((latA+latB)/2)
	return metresPerUnit * math.Sqrt(float64(dLat*dLat)+float64(dLon*dLon))
}

// cosUnits is the cosine of a latitude by Bhaskara-like even polynomial, exact
// to 1e-6 and, unlike math.Cos, the same on every machine.
func cosUnits(lat int32) float64 {
	x := float64(lat) * (math.Pi / 180 / UnitsPerDegree)
	x2 := float64(x * x)
	s := float64(x2*(-2.605e-7)) + 2.47609e-5
	s = float64(x2*s) - 1.388840e-3
	s = float64(x2*s) + 4.166664e-2
	s = float64(x2*s) - 0.5
	return float64(x2*s) + 1
}

// writer and reader are the primitives of the format: unsigned and zigzag
// varints, and texts with their length before them.
type writer struct{ b []byte }

func (w *writer) raw(b []byte)  { w.b = append(w.b, b...) }
func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) text(s string) { w.uint(uint64(len(s))); w.raw([]byte(s)) }

// reader returns zeros after its first error, which stays in err.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFormat, what)
	}
	r.b = nil
}

func (r *reader) raw(size int) []byte {
	if size > len(r.b) {
		r.fail("it ends too early")
		return nil
	}
	out := r.b[:size]
	r.b = r.b[size:]
	return out
}

func (r *reader) uint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // most numbers are small
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail("it ends too early")
		return 0
	}
	r.b = r.b[size:]
	return v
}

// most reads a number that may not be larger.
func (r *reader) most(limit uint64) uint64 {
	v := r.uint()
	if v > limit {
		r.fail("a number is out of range")
		return 0
	}
	return v
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) text() string {
	size := r.uint()
	if size > 64 {
		r.fail("a name is too long")
		return ""
	}
	return string(r.raw(int(size)))
}

// count reads a number of items, each of which takes at least bytesEach bytes
// further on, so that a lying count cannot make us reserve memory.
func (r *reader) count(bytesEach, most int) int {
	v := r.uint()
	if v > uint64(most) || v*uint64(bytesEach) > uint64(len(r.b)) {
		r.fail("a count is larger than the file")
		return 0
	}
	return int(v)
}

func (r *reader) deltas(count int) []int32 {
	out := make([]int32, count)
	last := int64(0)
	for i := range out {
		last += r.int()
		out[i] = int32(last)
	}
	return out
}
