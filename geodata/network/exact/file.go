package exact

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"corridor/geodata"
)

// The file is described in FORMAT.md.
const (
	magic         = "CREX"
	formatVersion = 1
	headerBytes   = 64
	entryBytes    = 32
	alignment     = 64
	maxSections   = 256
	// checkedBytes is the size up to which a file is read through and checked when
	// it is opened. A larger one is trusted after its header, since the disk would
	// take longer than a user waits.
	checkedBytes = 192 << 20
)

// Sections of a file; those of a network are added to its base.
const (
	sectionMeta     = 1
	sectionCoverage = 2
	sectionRoad     = 0x100
	sectionRail     = 0x200

	partTables = iota - 4
	partRules
	partNames
	partNameAt
	partLat
	partLon
	partCountry
	partFrom
	partTo
	partLength
	partCost
	partRule
	partShapeAt
	partShapes
	partStart
	partHead
	partParent
	partEdge
	partHeads
	partDown
	partDownTo
	partGridAt
	partGrid
	partUp
	partDownward
	partCore
)

// ErrFormat is wrapped by every error about a stored area that cannot be used.
var ErrFormat = errors.New("not a usable import")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s; import the extract again", ErrFormat, fmt.Sprintf(format, args...))
}

// Meta is what an area says of itself.
type Meta struct {
	Name      string     `json:"name"`      // which area it is; a later import of the name replaces it
	Source    string     `json:"source"`    // the extract's file name
	Imported  string     `json:"imported"`  // RFC 3339
	AsOf      string     `json:"as_of"`     // state of the map, RFC 3339; empty when the extract does not say
	Bounds    [4]float64 `json:"bounds"`    // west, south, east, north of what is covered, in degrees
	Licence   string     `json:"licence"`   // of the data
	RoadKM    float64    `json:"road_km"`   // length of the ways, each once
	RailKM    float64    `json:"rail_km"`   //
	Countries []string   `json:"countries"` // those it takes over, most kilometres first
}

// tables is the JSON part of a network's section.
type tables struct {
	Mode      geodata.Mode      `json:"mode"`
	Countries []geodata.Country `json:"countries"`
	Grid      grid              `json:"grid"`
	Vehicle   geodata.Vehicle   `json:"vehicle"` // of the metric in the file
}

// network is the columns of one mode, views of the file or the work of a build.
type network struct {
	tables
	rules  []Rule
	names  []byte
	nameAt []uint32

	lat, lon []int32
	country  []uint8
	from, to []int32
	length   []uint32
	cost     []uint32
	rule     []uint32
	shapeAt  []uint32
	shapes   []byte
	skeleton
	gridAt, gridEdges []int32
	usual             metric

	state *state
}

func (n *network) name(i uint32) string {
	if int(i)+1 >= len(n.nameAt) {
		return ""
	}
	a, b := n.nameAt[i], n.nameAt[i+1]
	if a > b || int(b) > len(n.names) {
		return ""
	}
	return string(n.names[a:b])
}

const ruleBytes = 32

func encodeRules(rules []Rule) []byte {
	out := make([]byte, 0, ruleBytes*len(rules))
	for _, r := range rules {
		flags := byte(0)
		for i, on := range []bool{r.Ferry, r.DestinationLimits} {
			if on {
				flags |= 1 << i
			}
		}
		out = append(out, byte(r.Forward), byte(r.Backward), byte(r.Class), flags)
		for _, v := range []uint16{r.WeightDT, r.AxleDT, r.HeightCM, r.WidthCM, r.LengthCM, r.GaugesMM[0], r.GaugesMM[1], r.GaugesMM[2]} {
			out = binary.LittleEndian.AppendUint16(out, v)
		}
		out = binary.LittleEndian.AppendUint32(out, r.Ref)
		out = append(out, byte(r.Toll), byte(r.Electrified), 0, 0, 0, 0, 0, 0)
	}
	return out
}

func decodeRules(b []byte) []Rule {
	rules := make([]Rule, len(b)/ruleBytes)
	for i := range rules {
		p := b[i*ruleBytes:]
		short := func(k int) uint16 { return binary.LittleEndian.Uint16(p[4+2*k:]) }
		rules[i] = Rule{
			Forward: Access(p[0]), Backward: Access(p[1]), Class: Class(p[2]),
			Ferry: p[3]&1 != 0, DestinationLimits: p[3]&2 != 0, Toll: geodata.Known(p[24]), Electrified: geodata.Known(p[25]),
			WeightDT: short(0), AxleDT: short(1), HeightCM: short(2), WidthCM: short(3), LengthCM: short(4),
			GaugesMM: [3]uint16{short(5), short(6), short(7)}, Ref: binary.LittleEndian.Uint32(p[20:]),
		}
	}
	return rules
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// littleEndian tells whether this machine keeps numbers as the file does.
func littleEndian() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}

// column is what a section of numbers may hold.
type column interface{ int32 | uint32 | uint8 | load }

// view reads a section as numbers: in place where the machine can.
func view[T column](b []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	n := len(b) / size
	if n == 0 {
		return nil
	}
	if littleEndian() && uintptr(unsafe.Pointer(&b[0]))%unsafe.Alignof(zero) == 0 {
		return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
	}
	out := make([]T, n)
	for i := range out {
		switch p := any(&out[i]).(type) {
		case *uint8:
			*p = b[i]
		case *int32:
			*p = int32(binary.LittleEndian.Uint32(b[4*i:]))
		case *uint32:
			*p = binary.LittleEndian.Uint32(b[4*i:])
		case *load:
			*p = load{binary.LittleEndian.Uint32(b[8*i:]), binary.LittleEndian.Uint32(b[8*i+4:])}
		}
	}
	return out
}

// bytesOf is the opposite of view.
func bytesOf[T column](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	var zero T
	size := int(unsafe.Sizeof(zero))
	if littleEndian() {
		return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), size*len(s))
	}
	out := make([]byte, 0, size*len(s))
	for i := range s {
		switch p := any(s[i]).(type) {
		case uint8:
			out = append(out, p)
		case int32:
			out = binary.LittleEndian.AppendUint32(out, uint32(p))
		case uint32:
			out = binary.LittleEndian.AppendUint32(out, p)
		case load:
			out = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(out, p.cost), p.length)
		}
	}
	return out
}

type section struct {
	id   uint32
	data []byte
}

func (n *network) sections(base uint32) ([]section, error) {
	head, err := json.Marshal(n.tables)
	if err != nil {
		return nil, err
	}
	return []section{
		{base + partTables, head},
		{base + partRules, encodeRules(n.rules)},
		{base + partNames, n.names},
		{base + partNameAt, bytesOf(n.nameAt)},
		{base + partLat, bytesOf(n.lat)},
		{base + partLon, bytesOf(n.lon)},
		{base + partCountry, n.country},
		{base + partFrom, bytesOf(n.from)},
		{base + partTo, bytesOf(n.to)},
		{base + partLength, bytesOf(n.length)},
		{base + partCost, bytesOf(n.cost)},
		{base + partRule, bytesOf(n.rule)},
		{base + partShapeAt, bytesOf(n.shapeAt)},
		{base + partShapes, n.shapes},
		{base + partStart, bytesOf(n.start)},
		{base + partHead, bytesOf(n.head)},
		{base + partParent, bytesOf(n.parent)},
		{base + partEdge, bytesOf(n.edge)},
		{base + partHeads, bytesOf(n.heads)},
		{base + partDown, bytesOf(n.down)},
		{base + partDownTo, bytesOf(n.downTo)},
		{base + partGridAt, bytesOf(n.gridAt)},
		{base + partGrid, bytesOf(n.gridEdges)},
		{base + partUp, bytesOf(n.usual.up)},
		{base + partDownward, bytesOf(n.usual.down)},
		{base + partCore, n.usual.core},
	}, nil
}

// Write stores an area at path: beside it first and renamed when it is whole, so
// that a reader, or a machine that loses power, sees the old file or the new one.
func (a *Area) Write(path string) (err error) {
	sections, err := a.sections()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".import-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := writeSections(f, sections); err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func (a *Area) sections() ([]section, error) {
	meta, err := json.Marshal(a.Meta)
	if err != nil {
		return nil, err
	}
	out := []section{{sectionMeta, meta}, {sectionCoverage, a.cover.encode()}}
	for _, n := range []*network{a.road, a.rail} {
		if n == nil {
			continue
		}
		base := uint32(sectionRoad)
		if n.Mode == geodata.Rail {
			base = sectionRail
		}
		more, err := n.sections(base)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func align(n int64) int64 { return (n + alignment - 1) / alignment * alignment }

func writeSections(f io.WriteSeeker, sections []section) error {
	head := make([]byte, align(int64(headerBytes+entryBytes*len(sections))))
	copy(head, magic)
	binary.LittleEndian.PutUint32(head[4:], formatVersion)
	binary.LittleEndian.PutUint32(head[8:], uint32(len(sections)))
	at := int64(len(head))
	for i, s := range sections {
		e := head[headerBytes+entryBytes*i:]
		binary.LittleEndian.PutUint32(e, s.id)
		binary.LittleEndian.PutUint32(e[4:], crc32.Checksum(s.data, castagnoli))
		binary.LittleEndian.PutUint64(e[8:], uint64(at))
		binary.LittleEndian.PutUint64(e[16:], uint64(len(s.data)))
		at = align(at + int64(len(s.data)))
	}
	binary.LittleEndian.PutUint64(head[16:], uint64(at))
	binary.LittleEndian.PutUint32(head[12:], headSum(head, len(sections)))
	w := bufio.NewWriterSize(f, 1<<20)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, s := range sections {
		if _, err := w.Write(s.data); err != nil {
			return err
		}
		if pad := align(int64(len(s.data))) - int64(len(s.data)); pad > 0 {
			if _, err := w.Write(make([]byte, pad)); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// headSum is the checksum of the header, without its own four bytes, and the list
// of sections.
func headSum(head []byte, sections int) uint32 {
	sum := crc32.Update(0, castagnoli, head[:12])
	return crc32.Update(sum, castagnoli, head[16:headerBytes+entryBytes*sections])
}

// parse makes an area of a file's bytes, which it keeps and which must not change.
func parse(file []byte) (*Area, error) {
	if len(file) < headerBytes || string(file[:4]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrFormat, magic)
	}
	if v := binary.LittleEndian.Uint32(file[4:]); v != formatVersion {
		return nil, fmt.Errorf("%w: it has version %d and this program reads version %d: import the extract again", ErrFormat, v, formatVersion)
	}
	count := int(binary.LittleEndian.Uint32(file[8:]))
	if count > maxSections || headerBytes+entryBytes*count > len(file) {
		return nil, damaged("it is cut short")
	}
	if binary.LittleEndian.Uint64(file[16:]) != uint64(len(file)) {
		return nil, damaged("it is %d bytes long and should be %d", len(file), binary.LittleEndian.Uint64(file[16:]))
	}
	if headSum(file, count) != binary.LittleEndian.Uint32(file[12:]) {
		return nil, damaged("its header is damaged")
	}
	check := len(file) <= checkedBytes
	parts := map[uint32][]byte{}
	for i := range count {
		e := file[headerBytes+entryBytes*i:]
		id, sum := binary.LittleEndian.Uint32(e), binary.LittleEndian.Uint32(e[4:])
		at, size := binary.LittleEndian.Uint64(e[8:]), binary.LittleEndian.Uint64(e[16:])
		if at > uint64(len(file)) || size > uint64(len(file))-at || at%alignment != 0 {
			return nil, damaged("section %d is out of place", id)
		}
		data := file[at : at+size : at+size]
		if check && crc32.Checksum(data, castagnoli) != sum {
			return nil, damaged("section %d has a wrong checksum", id)
		}
		parts[id] = data
	}
	a := &Area{}
	if err := json.Unmarshal(parts[sectionMeta], &a.Meta); err != nil {
		return nil, damaged("what it is cannot be read")
	}
	var err error
	if a.cover, err = decodeCover(parts[sectionCoverage]); err != nil {
		return nil, err
	}
	for _, base := range []uint32{sectionRoad, sectionRail} {
		if parts[base+partTables] == nil {
			continue
		}
		n, err := parseNetwork(parts, base)
		if err != nil {
			return nil, err
		}
		if check {
			if err := n.check(); err != nil {
				return nil, err
			}
		}
		if base == sectionRoad {
			a.road = n
		} else {
			a.rail = n
		}
	}
	a.ready()
	return a, nil
}

func parseNetwork(parts map[uint32][]byte, base uint32) (*network, error) {
	n := &network{}
	if err := json.Unmarshal(parts[base+partTables], &n.tables); err != nil {
		return nil, damaged("what a network is cannot be read")
	}
	part := func(k uint32) []byte { return parts[base+k] }
	n.rules = decodeRules(part(partRules))
	n.names, n.nameAt = part(partNames), view[uint32](part(partNameAt))
	n.lat, n.lon, n.country = view[int32](part(partLat)), view[int32](part(partLon)), part(partCountry)
	n.from, n.to = view[int32](part(partFrom)), view[int32](part(partTo))
	n.length, n.cost, n.rule = view[uint32](part(partLength)), view[uint32](part(partCost)), view[uint32](part(partRule))
	n.shapeAt, n.shapes = view[uint32](part(partShapeAt)), part(partShapes)
	n.skeleton = skeleton{
		start: view[int32](part(partStart)), head: view[int32](part(partHead)), parent: view[int32](part(partParent)),
		edge: view[int32](part(partEdge)), heads: view[int32](part(partHeads)), down: view[int32](part(partDown)), downTo: view[int32](part(partDownTo)),
	}
	n.gridAt, n.gridEdges = view[int32](part(partGridAt)), view[int32](part(partGrid))
	n.usual = metric{up: view[load](part(partUp)), down: view[load](part(partDownward)), core: part(partCore)}

	nodes, edges, arcs := len(n.lat), len(n.from), len(n.head)
	for _, c := range []struct{ got, want int }{
		{len(n.lon), nodes},
		{len(n.country), nodes},
		{len(n.parent), nodes},
		{len(n.usual.core), nodes},
		{len(n.start), nodes + 1},
		{len(n.heads), nodes + 1},
		{len(n.to), edges},
		{len(n.length), edges},
		{len(n.cost), edges},
		{len(n.rule), edges},
		{len(n.shapeAt), edges},
		{len(n.edge), arcs},
		{len(n.down), arcs},
		{len(n.downTo), arcs},
		{len(n.usual.up), arcs},
		{len(n.usual.down), arcs},
		{len(n.gridAt), n.Grid.cells() + 1},
	} {
		if c.got != c.want {
			return nil, damaged("a column has %d numbers and should have %d", c.got, c.want)
		}
	}
	if len(n.Countries) == 0 || n.Mode != geodata.Road && n.Mode != geodata.Rail || nodes == 0 || edges == 0 || len(n.rules) == 0 {
		return nil, damaged("a network is empty")
	}
	return n, nil
}

// check reads every number that is used as an index, so that no search leaves the
// file whatever it holds.
func (n *network) check() error {
	nodes, edges, arcs := int32(len(n.lat)), int32(len(n.from)), int32(len(n.head))
	ok := true
	within := func(column []int32, low, high int32) { // low ≤ v < high
		for _, v := range column {
			ok = ok && v >= low && v < high
		}
	}
	rising := func(column []int32, last int32) {
		ok = ok && column[0] == 0 && column[len(column)-1] == last && slices.IsSorted(column)
	}
	within(n.from, 0, nodes)
	within(n.to, 0, nodes)
	within(n.parent, -1, nodes)
	within(n.edge, -1, edges)
	within(n.head, 0, nodes)
	within(n.down, 0, nodes)
	within(n.downTo, 0, arcs)
	within(n.gridEdges, 0, edges)
	rising(n.start, arcs)
	rising(n.heads, arcs)
	rising(n.gridAt, int32(len(n.gridEdges)))
	if !ok {
		return damaged("a number is out of range")
	}
	for v := range nodes {
		ok = ok && (n.parent[v] < 0 || n.parent[v] > v) && int(n.country[v]) < len(n.Countries)
		ok = ok && n.lat[v] >= -900_000_000 && n.lat[v] <= 900_000_000 && n.lon[v] >= -1_800_000_000 && n.lon[v] <= 1_800_000_000
		last := v
		for a := n.start[v]; a < n.start[v+1]; a++ {
			ok = ok && n.head[a] > last
			last = n.head[a]
			if e := n.edge[a]; e >= 0 {
				ok = ok && n.from[e] == v && n.to[e] == n.head[a]
			}
		}
		for k := n.heads[v]; k < n.heads[v+1]; k++ {
			ok = ok && n.head[n.downTo[k]] == v && n.down[k] < v && (k == n.heads[v] || n.down[k] > n.down[k-1])
		}
	}
	for a := range arcs {
		ok = ok && n.usual.up[a].cost <= far && n.usual.down[a].cost <= far
	}
	for e := range edges {
		ok = ok && n.from[e] < n.to[e] && int(n.rule[e]) < len(n.rules) && n.cost[e] <= far && int(n.shapeAt[e]) < max(len(n.shapes), 1)
		if e > 0 {
			ok = ok && cmp.Or(cmp.Compare(n.from[e-1], n.from[e]), cmp.Compare(n.to[e-1], n.to[e])) <= 0
		}
	}
	if !ok {
		return damaged("a number is out of range")
	}
	return nil
}

// Open maps a stored area into memory. It is read as it is used; the file may be
// replaced or removed meanwhile, but must not be written to.
func Open(path string) (*Area, error) {
	file, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	a, err := parse(file)
	if err != nil {
		_ = unmap()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a.unmap = unmap
	return a, nil
}

// Close gives the memory back. Nothing may be asked of the area any more.
func (a *Area) Close() error {
	if a.unmap == nil {
		return nil
	}
	return a.unmap()
}

// walk visits the points of an edge from its lower node, in degrees: its ends
// too. It stops early where the points cannot be read.
func (n *network) walk(e int32, visit func(lat, lon float64)) {
	visit(degrees(n.lat[n.from[e]]), degrees(n.lon[n.from[e]]))
	if at := n.shapeAt[e]; int(at) < len(n.shapes) {
		b := n.shapes[at:]
		count, size := binary.Uvarint(b)
		if size <= 0 || count > uint64(len(b)) {
			return
		}
		b = b[size:]
		lat, lon := tenth(n.lat[n.from[e]]), tenth(n.lon[n.from[e]])
		for range count {
			y, size := binary.Varint(b)
			if size <= 0 {
				return
			}
			b = b[size:]
			x, size := binary.Varint(b)
			if size <= 0 {
				return
			}
			b = b[size:]
			lat, lon = lat+y, lon+x
			if lat < -90e6 || lat > 90e6 || lon < -180e6 || lon > 180e6 {
				return
			}
			visit(float64(lat)/1e6, float64(lon)/1e6)
		}
	}
	visit(degrees(n.lat[n.to[e]]), degrees(n.lon[n.to[e]]))
}

func degrees(v int32) float64 { return float64(v) / 1e7 }

// grid finds edges by place: cells of a flat grid over the network's box, each
// with the edges that touch it.
type grid struct {
	West  float64 `json:"west"`
	South float64 `json:"south"`
	Step  float64 `json:"step"` // degrees
	Wide  int     `json:"wide"`
	High  int     `json:"high"`
}

func (g grid) cells() int {
	if g.Wide <= 0 || g.High <= 0 || g.Wide > 1<<20 || g.High > 1<<20 || g.Wide*g.High > 1<<28 || !(g.Step > 1e-6) {
		return -1
	}
	return g.Wide * g.High
}

func (g grid) of(lat, lon float64) (x, y int) {
	return int(math.Floor((lon - g.West) / g.Step)), int(math.Floor((lat - g.South) / g.Step))
}

func (n *network) newGrid() {
	west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for e := range int32(len(n.from)) {
		n.walk(e, func(lat, lon float64) {
			west, east = min(west, lon), max(east, lon)
			south, north = min(south, lat), max(north, lat)
		})
	}
	g := grid{West: west, South: south}
	wide, high := east-west, north-south
	// About one cell for two edges, none smaller than some 500 m.
	g.Step = max(math.Sqrt(max(wide, 1e-3)*max(high, 1e-3)/float64(len(n.from)+1)*2), 0.005)
	g.Wide, g.High = int(wide/g.Step)+1, int(high/g.Step)+1
	n.Grid = g
	visit := func(do func(cell, edge int32)) {
		for e := range int32(len(n.from)) {
			var cells []int32
			var lastLat, lastLon float64
			begun := false
			n.walk(e, func(lat, lon float64) {
				if begun {
					n.touched(lastLat, lastLon, lat, lon, func(cell int32) {
						if !slices.Contains(cells, cell) {
							cells = append(cells, cell)
						}
					})
				}
				begun, lastLat, lastLon = true, lat, lon
			})
			for _, c := range cells {
				do(c, e)
			}
		}
	}
	n.gridAt = make([]int32, g.cells()+1)
	visit(func(cell, _ int32) { n.gridAt[cell+1]++ })
	for c := range g.cells() {
		n.gridAt[c+1] += n.gridAt[c]
	}
	n.gridEdges = make([]int32, n.gridAt[len(n.gridAt)-1])
	fill := slices.Clone(n.gridAt)
	visit(func(cell, edge int32) {
		n.gridEdges[fill[cell]] = edge
		fill[cell]++
	})
}

// touched calls do for the cells a segment goes through, stepping finely enough to
// miss corners only, which the search allows for by looking one cell on.
func (n *network) touched(latA, lonA, latB, lonB float64, do func(cell int32)) {
	g := n.Grid
	steps := int(max(math.Abs(latB-latA), math.Abs(lonB-lonA))/g.Step*2) + 1
	for i := range steps + 1 {
		f := float64(i) / float64(steps)
		x, y := g.of(latA+(latB-latA)*f, lonA+(lonB-lonA)*f)
		do(int32(min(max(y, 0), g.High-1)*g.Wide + min(max(x, 0), g.Wide-1)))
	}
}
