package exact

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"corridor/geodata"
	"corridor/geodata/extract"
)

// Builder makes networks of the ways and nodes of an extract. First every way is
// given to Ways, then every node to Nodes, then Net makes the network of a mode.
// It only computes: it reads no file and keeps nothing that it was given.
type Builder struct {
	ways     []way
	refs     []int64 // node ids of the ways, one after the other
	rules    table[Rule]
	names    table[string]
	nodes    []int64 // sorted, each once; nil while ways are added
	lat, lon []int32 // per node; lat is nowhere where the extract does not have it
	hint     int     // where the last node was found
	bars     map[int32]gate
}

type gate struct {
	bar    bar
	limits Rule
}

const nowhere = math.MinInt32

// way is a stretch of refs.
type way struct {
	start, end int64
	rule       uint32
	factor     float32
	fixed      float32
	rail       bool
}

// table gives equal values one number.
type table[T comparable] struct {
	all []T
	at  map[T]uint32
}

func (t *table[T]) of(v T) uint32 {
	if t.at == nil {
		t.at = map[T]uint32{}
	}
	i, ok := t.at[v]
	if !ok {
		i = uint32(len(t.all))
		t.all = append(t.all, v)
		t.at[v] = i
	}
	return i
}

// Ways takes ways; those that carry no freight are passed over.
func (b *Builder) Ways(ways []extract.Way) {
	if len(b.names.all) == 0 {
		b.names.of("")
	}
	for i := range ways {
		w := &ways[i]
		if len(w.Nodes) < 2 || len(w.Tags) == 0 {
			continue
		}
		r, ok := read(w.Tags)
		if !ok {
			continue
		}
		if len(r.ref) > 80 {
			r.ref = ""
		}
		r.rule.Ref = b.names.of(r.ref)
		start := int64(len(b.refs))
		b.refs = append(b.refs, w.Nodes...)
		b.ways = append(b.ways, way{
			start: start, end: int64(len(b.refs)), rule: b.rules.of(r.rule),
			factor: float32(r.factor), fixed: float32(r.fixed), rail: r.rail,
		})
	}
}

// Nodes takes nodes; those no way is drawn over are passed over.
func (b *Builder) Nodes(nodes []extract.Node) {
	if b.nodes == nil {
		b.nodes = slices.Clone(b.refs)
		slices.Sort(b.nodes)
		b.nodes = slices.Clip(slices.Compact(b.nodes))
		b.lat, b.lon = make([]int32, len(b.nodes)), make([]int32, len(b.nodes))
		for i := range b.lat {
			b.lat[i] = nowhere
		}
		b.bars = map[int32]gate{}
	}
	for k := range nodes {
		n := &nodes[k]
		// Files list nodes in the order of their ids, so the next is near.
		for b.hint < len(b.nodes) && b.nodes[b.hint] < n.ID {
			b.hint++
		}
		i := b.hint
		if i == len(b.nodes) || b.nodes[i] != n.ID {
			if i == 0 || b.nodes[i-1] < n.ID {
				continue
			}
			var ok bool
			if i, ok = slices.BinarySearch(b.nodes[:i], n.ID); !ok {
				continue
			}
		}
		b.lat[i], b.lon[i] = n.Lat, n.Lon
		if len(n.Tags) > 0 {
			if bar, limits := readNode(n.Tags); bar != open || limits != (Rule{}) {
				b.bars[int32(i)] = gate{bar, limits}
			}
		}
	}
}

// Counts are how many ways that carry freight and nodes under them there are.
func (b *Builder) Counts() (ways, nodes int) { return len(b.ways), len(b.nodes) }

// link is an edge while the network is made.
type link struct {
	a, b       int32 // nodes of the network
	dm         uint32
	cost       uint32
	rule       uint32
	start, end int64 // points between the ends, in shaper.points
}

// shaper makes the edges of one mode.
type shaper struct {
	b       *Builder
	points  []int32 // indexes of the builder's nodes
	links   []link
	node    []int32 // per builder's node, the network's; -1 none yet
	source  []int32 // per network's node, the builder's
	mirrors map[uint32]uint32
}

// Net makes the network of a mode. Country tells which country a point in degrees
// is in; no edge joins two.
func (b *Builder) Net(mode geodata.Mode, country func(lat, lon float64) geodata.Country) *Net {
	rail := mode == geodata.Rail
	s := &shaper{b: b, node: make([]int32, len(b.nodes)), mirrors: map[uint32]uint32{}}
	for i := range s.node {
		s.node[i] = -1
	}
	// Nodes of two ways, or twice of one, and the ends of ways are where edges end.
	uses := make([]uint8, len(b.nodes))
	runs := b.runs(rail)
	for _, r := range runs {
		for i, v := range r.nodes {
			if uses[v] < 2 {
				uses[v]++
			}
			if i == 0 || i == len(r.nodes)-1 {
				uses[v] = 2
			}
		}
	}
	for _, r := range runs {
		s.split(r, uses)
	}
	s.contract()
	return s.net(mode, country)
}

// run is a stretch of way whose nodes are all there.
type run struct {
	nodes []int32
	way   *way
}

func (b *Builder) runs(rail bool) []run {
	var runs []run
	for i := range b.ways {
		w := &b.ways[i]
		if w.rail != rail {
			continue
		}
		var nodes []int32
		flush := func() {
			if len(nodes) > 1 {
				runs = append(runs, run{nodes, w})
			}
			nodes = nil
		}
		for _, id := range b.refs[w.start:w.end] {
			v, ok := slices.BinarySearch(b.nodes, id)
			switch {
			case !ok || b.lat[v] == nowhere: // beyond the extract's edge
				flush()
			case len(nodes) > 0 && nodes[len(nodes)-1] == int32(v): // drawn twice
			default:
				nodes = append(nodes, int32(v))
			}
		}
		flush()
	}
	return runs
}

func (s *shaper) of(v int32) int32 {
	if s.b.bars[v].bar == barred {
		return s.fresh(v) // each way ends here for itself
	}
	if s.node[v] < 0 {
		s.node[v] = s.fresh(v)
	}
	return s.node[v]
}

func (s *shaper) fresh(v int32) int32 {
	s.source = append(s.source, v)
	return int32(len(s.source) - 1)
}

// split makes the edges of a run.
func (s *shaper) split(r run, uses []uint8) {
	from := 0
	for to := 1; to < len(r.nodes); to++ {
		v := r.nodes[to]
		if _, barred := s.b.bars[v]; uses[v] < 2 && !barred {
			continue
		}
		if r.nodes[from] == v && to-from > 2 {
			// A loop: part it, since an edge joins two nodes.
			middle := (from + to) / 2
			s.add(r, from, middle)
			s.add(r, middle, to)
		} else if r.nodes[from] != v {
			s.add(r, from, to)
		}
		from = to
	}
}

func (s *shaper) add(r run, from, to int) {
	u, v := r.nodes[from], r.nodes[to]
	l := link{a: s.of(u), b: s.of(v), rule: r.way.rule, start: int64(len(s.points))}
	s.points = append(s.points, r.nodes[from+1:to]...)
	l.end = int64(len(s.points))
	m := 0.0
	for i := from; i < to; i++ {
		m += s.b.metres(r.nodes[i], r.nodes[i+1])
	}
	l.dm = uint32(min(math.Round(m*10), far))
	l.cost = uint32(min(max(math.Round((m*float64(r.way.factor)+float64(r.way.fixed))*10), 1), far))
	for _, end := range []int32{u, v} {
		gate, ok := s.b.bars[end]
		if !ok || r.way.rail {
			continue
		}
		rule := s.b.rules.all[l.rule]
		if gate.bar == gated {
			rule.Forward, rule.Backward = min(rule.Forward, Ends), min(rule.Backward, Ends)
		}
		rule.stricter(gate.limits)
		l.rule = s.b.rules.of(rule)
	}
	s.links = append(s.links, l)
}

// metres is the length between two nodes on the WGS 84 ellipsoid, for the short
// steps of a map.
func (b *Builder) metres(u, v int32) float64 {
	return flat(float64(b.lat[u])/extract.UnitsPerDegree, float64(b.lon[u])/extract.UnitsPerDegree,
		float64(b.lat[v])/extract.UnitsPerDegree, float64(b.lon[v])/extract.UnitsPerDegree)
}

func flat(latA, lonA, latB, lonB float64) float64 {
	const (
		a  = 6_378_137.0
		e2 = 0.006_694_379_990_14
	)
	sin, cos := math.Sincos((latA + latB) / 2 * math.Pi / 180)
	w := math.Sqrt(1 - e2*sin*sin)
	north := a * (1 - e2) / (w * w * w) * (latB - latA) * math.Pi / 180
	dLon := lonB - lonA
	dLon -= 360 * math.Round(dLon/360)
	east := a / w * cos * dLon * math.Pi / 180
	return math.Hypot(north, east)
}

func (s *shaper) mirror(rule uint32) uint32 {
	if m, ok := s.mirrors[rule]; ok {
		return m
	}
	r := s.b.rules.all[rule]
	r.Forward, r.Backward = r.Backward, r.Forward
	m := s.b.rules.of(r)
	s.mirrors[rule] = m
	return m
}

// contract joins edges at nodes where nothing begins, ends or changes.
func (s *shaper) contract() {
	n := len(s.source)
	degree := make([]int32, n)
	incident := make([][2]int32, n)
	for i, l := range s.links {
		for _, v := range []int32{l.a, l.b} {
			if degree[v] < 2 {
				incident[v][degree[v]] = int32(i)
			}
			degree[v]++
		}
	}
	// out is the rule of an edge when one goes along it from v.
	out := func(e, v int32) uint32 {
		if s.links[e].a == v {
			return s.links[e].rule
		}
		return s.mirror(s.links[e].rule)
	}
	plain := func(v int32) bool {
		if degree[v] != 2 || incident[v][0] == incident[v][1] {
			return false
		}
		if _, ok := s.b.bars[s.source[v]]; ok {
			return false
		}
		e, f := incident[v][0], incident[v][1]
		if s.b.rules.all[s.links[e].rule].Ferry { // boarding is per edge
			return false
		}
		return s.mirror(out(e, v)) == out(f, v)
	}
	used := make([]bool, len(s.links))
	var joined []link
	var points []int32
	walk := func(e, v int32) {
		l := link{a: v, rule: out(e, v), start: int64(len(points))}
		var dm, cost uint64
		for {
			used[e] = true
			k := &s.links[e]
			dm += uint64(k.dm)
			cost += uint64(k.cost)
			stretch := s.points[k.start:k.end]
			if k.a == v {
				points = append(points, stretch...)
				v = k.b
			} else {
				for _, p := range slices.Backward(stretch) {
					points = append(points, p)
				}
				v = k.a
			}
			if !plain(v) || v == l.a {
				break
			}
			next := incident[v][0]
			if next == e {
				next = incident[v][1]
			}
			if used[next] {
				break
			}
			points = append(points, s.source[v])
			e = next
		}
		l.b, l.end = v, int64(len(points))
		l.dm, l.cost = uint32(min(dm, far)), uint32(min(cost, far))
		joined = append(joined, l)
	}
	for i := range s.links {
		for _, v := range []int32{s.links[i].a, s.links[i].b} {
			if !used[i] && !plain(v) {
				walk(int32(i), v)
			}
		}
	}
	for i := range s.links { // rings that touch nothing
		if !used[i] {
			used[i] = true
			l := s.links[i]
			start := int64(len(points))
			points = append(points, s.points[l.start:l.end]...)
			l.start, l.end = start, int64(len(points))
			joined = append(joined, l)
		}
	}
	// A loop that a chain closed has no second node: give it its middle.
	for i := 0; i < len(joined); i++ {
		l := joined[i]
		if l.a != l.b {
			continue
		}
		if l.end-l.start < 1 {
			joined[i] = joined[len(joined)-1]
			joined = joined[:len(joined)-1]
			i--
			continue
		}
		middle := (l.start + l.end) / 2
		v := s.fresh(points[middle])
		first, second := l, l
		first.b, first.end = v, middle
		second.a, second.start = v, middle+1
		m := s.length(s.source[l.a], points[l.start:middle], points[middle])
		first.dm = min(uint32(math.Round(m*10)), l.dm)
		first.cost = uint32(float64(l.cost) * float64(first.dm) / float64(max(l.dm, 1)))
		second.dm, second.cost = l.dm-first.dm, l.cost-first.cost
		joined[i] = first
		joined = append(joined, second)
	}
	s.links, s.points = joined, points
}

func (s *shaper) length(from int32, between []int32, to int32) float64 {
	m := 0.0
	for _, p := range between {
		m += s.b.metres(from, p)
		from = p
	}
	return m + s.b.metres(from, to)
}

// net lays the edges out.
func (s *shaper) net(mode geodata.Mode, country func(lat, lon float64) geodata.Country) *Net {
	n := &Net{Mode: mode, Countries: []geodata.Country{""}, Names: s.b.names.all}
	number := map[geodata.Country]uint8{"": 0}
	name := make([]int32, len(s.source))
	for i := range name {
		name[i] = -1
	}
	of := func(v int32) uint32 {
		if name[v] < 0 {
			name[v] = int32(len(n.Lat))
			p := s.source[v]
			n.Lat, n.Lon = append(n.Lat, s.b.lat[p]), append(n.Lon, s.b.lon[p])
			c := country(float64(s.b.lat[p])/extract.UnitsPerDegree, float64(s.b.lon[p])/extract.UnitsPerDegree)
			k, ok := number[c]
			if !ok && len(n.Countries) < 256 {
				k = uint8(len(n.Countries))
				number[c] = k
				n.Countries = append(n.Countries, c)
			}
			n.Country = append(n.Country, k)
		}
		return uint32(name[v])
	}
	var rules table[Rule]
	for i := range s.links {
		l := &s.links[i]
		e := Edge{From: of(l.a), To: of(l.b), LengthDM: l.dm, Cost: l.cost, Rule: rules.of(s.b.rules.all[l.rule])}
		for _, p := range s.points[l.start:l.end] {
			e.Shape = append(e.Shape, Vertex{s.b.lat[p], s.b.lon[p]})
		}
		n.Edges = append(n.Edges, e)
	}
	n.Rules = rules.all
	return n
}

// Net is a network before it is stored: plain columns in any order.
type Net struct {
	Mode      geodata.Mode
	Countries []geodata.Country // what Country indexes; entry 0 is "" (unknown)
	Names     []string          // what Rule.Ref indexes; entry 0 is ""
	Rules     []Rule

	Lat, Lon []int32 // per node, in 1/extract.UnitsPerDegree degrees
	Country  []uint8 // per node
	Edges    []Edge
}

// Edge joins two nodes. Its rule tells in which directions.
type Edge struct {
	From, To uint32
	LengthDM uint32 // decimetres
	Cost     uint32 // decimetres on the best roads that going here is worth
	Rule     uint32
	Shape    []Vertex // points between the ends
}

// Vertex is a point of an edge.
type Vertex struct{ Lat, Lon int32 }

// renumber gives the nodes their places in an order and sorts the edges by their
// lower, then their upper end, each drawn from the lower one.
func (n *Net) renumber(order []int32) {
	place := make([]uint32, len(order))
	lat, lon, country := make([]int32, len(order)), make([]int32, len(order)), make([]uint8, len(order))
	for i, v := range order {
		place[v] = uint32(i)
		lat[i], lon[i], country[i] = n.Lat[v], n.Lon[v], n.Country[v]
	}
	n.Lat, n.Lon, n.Country = lat, lon, country
	rules := table[Rule]{}
	for _, r := range n.Rules {
		rules.of(r)
	}
	for i := range n.Edges {
		e := &n.Edges[i]
		e.From, e.To = place[e.From], place[e.To]
		if e.From > e.To {
			e.From, e.To = e.To, e.From
			slices.Reverse(e.Shape)
			r := rules.all[e.Rule]
			r.Forward, r.Backward = r.Backward, r.Forward
			e.Rule = rules.of(r)
		}
	}
	n.Rules = rules.all
	slices.SortStableFunc(n.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Cost, b.Cost))
	})
}

// shapes packs the points of the edges: for each a count and steps from the lower
// node, in tenths of our units. Edge i's begin at offsets[i].
func (n *Net) shapes() (packed []byte, offsets []uint32, ok bool) {
	offsets = make([]uint32, len(n.Edges))
	for i, e := range n.Edges {
		if len(packed) > math.MaxUint32 {
			return nil, nil, false
		}
		offsets[i] = uint32(len(packed))
		packed = binary.AppendUvarint(packed, uint64(len(e.Shape)))
		lat, lon := tenth(n.Lat[e.From]), tenth(n.Lon[e.From])
		for _, v := range e.Shape {
			y, x := tenth(v.Lat), tenth(v.Lon)
			packed = binary.AppendVarint(packed, y-lat)
			packed = binary.AppendVarint(packed, x-lon)
			lat, lon = y, x
		}
	}
	return packed, offsets, true
}

// tenth is a coordinate in millionths of a degree.
func tenth(v int32) int64 { return int64(math.Round(float64(v) / 10)) }
