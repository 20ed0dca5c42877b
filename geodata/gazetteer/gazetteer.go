// Package gazetteer knows the places freight comes from and goes to: UN/LOCODE
// localities, cities of 15,000 people and more, and the seaports, rail terminals
// and airports that serve them, with names in English, Chinese and Russian. A user's
// own places can be laid over them.
//
// Resolve answers one place for what a user wrote; Search answers a typeahead;
// Near finds the terminals around a point. It is not for street addresses; border
// posts are found as places, what is known of them is in border.
//
// The data is embedded and read by Open in some 50 ms. Coordinates of a Place are
// the middle of the town, good to some 100 m to 2 km; those of a Terminal are at
// the quay, the yard or the aerodrome. Where each comes from is in ATTRIBUTION.md.
package gazetteer

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/paged"
	"corridor/geodata/path"
)

//go:embed places.bin
var places []byte

// Gazetteer is immutable and safe for concurrent use.
type Gazetteer struct {
	layers    []*layer // the embedded places first, then the user's
	terminals []terminal
	byMode    map[geodata.Mode][]int32
	serving   map[ref][]int32  // terminals of a place, in the order of the data
	byCodes   map[string]int32 // terminals by IATA and ICAO code
	byID      map[string]int32 // terminals by id
	signs     []sign           // names of terminals, by key
	hidden    map[ref]bool     // embedded places the user has replaced
	zones     *area.TimeZones  //
	area      func() (*area.Area, error)
	regions   func() (*area.Regions, error)
	spelt     func() spellings       // made for the first misspelt name
	words     func() []sign          // made for the first name that needs them
	clocks    func() clocks          // made with the first place
	inRegion  func() map[string]bool // keys of the names of all regions
}

// ref is a place: an index into the places of a layer.
type ref struct{ layer, at int32 }

type terminal struct {
	geodata.Terminal
	place ref
	v     [3]float64 // on the unit sphere
}

// layer is one file of places, as columns.
type layer struct {
	own       bool // the user's own places
	countries []country

	// Columns by place, in the order of the key of the English name.
	en         texts
	country    []byte
	tail       []uint16 // last three characters of the UN/LOCODE plus 1
	points     [][2]float32
	population []uint32
	functions  []byte
	rank       []byte
	zh, ru     inLanguage

	// Other names, in the order of their key.
	names     texts
	namePlace []int32
	nameKind  []byte

	codes     []uint64 // every UN/LOCODE, sorted: packed in the upper half, its place in the lower
	terminals []layerTerminal
}

type layerTerminal struct {
	geodata.Terminal
	place   int32
	aliases []string
}

type country struct {
	code  geodata.Country
	names geodata.Names
	keys  [4]string // of its code and names
}

// Open reads the embedded gazetteer.
func Open() (*Gazetteer, error) { return New(Config{}) }

// OpenWith lays places that Encode wrote over the embedded ones, later layers over
// earlier ones. A place of theirs with the UN/LOCODE of one below stands in its stead;
// of equal names those of layers marked as the user's own are found first.
func OpenWith(over ...io.Reader) (*Gazetteer, error) { return New(Config{Over: over}) }

// Config is what a gazetteer is made of and shares with others.
type Config struct {
	Over      []io.Reader                // see OpenWith
	Countries func() (*area.Area, error) // nil: shapes of its own, when they are needed
	Store     *paged.Store               // where the columns of the embedded places go; nil: the heap
}

// New reads the embedded gazetteer and what lies over it.
func New(c Config) (*Gazetteer, error) {
	l, err := decode(bytes.NewReader(places))
	if err != nil {
		return nil, fmt.Errorf("read embedded places: %w", err)
	}
	l.move(c.Store)
	layers := []*layer{l}
	for _, r := range c.Over {
		if l, err = decode(r); err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	g, err := assemble(c.Store, layers...)
	if err != nil {
		return nil, err
	}
	if c.Countries != nil {
		g.area = c.Countries
	}
	g.regions = sync.OnceValues(func() (*area.Regions, error) { return area.OpenRegionsPaged(c.Store) })
	g.spelt = sync.OnceValue(func() spellings {
		s := g.spellings()
		c.Store.Move(paged.Of(&s.all), paged.Of(&s.letters))
		return s
	})
	return g, nil
}

// move takes the columns to the store.
func (l *layer) move(store *paged.Store) {
	// They share what was read of the file, which is let go.
	l.country, l.functions, l.rank = slices.Clone(l.country), slices.Clone(l.functions), slices.Clone(l.rank)
	store.Move(
		paged.Of(&l.en.blob), paged.Of(&l.en.ends), paged.Of(&l.country), paged.Of(&l.tail), paged.Of(&l.points),
		paged.Of(&l.population), paged.Of(&l.functions), paged.Of(&l.rank),
		paged.Of(&l.names.blob), paged.Of(&l.names.ends), paged.Of(&l.namePlace), paged.Of(&l.nameKind), paged.Of(&l.codes),
		paged.Of(&l.zh.place), paged.Of(&l.zh.name), paged.Of(&l.ru.place), paged.Of(&l.ru.name),
	)
}

// assemble joins layers, the embedded one first.
func assemble(store *paged.Store, layers ...*layer) (*Gazetteer, error) {
	g := &Gazetteer{
		layers: layers, byMode: map[geodata.Mode][]int32{}, serving: map[ref][]int32{},
		byCodes: map[string]int32{}, byID: map[string]int32{}, hidden: map[ref]bool{},
	}
	var err error
	if g.zones, err = area.OpenTimeZonesPaged(store); err != nil {
		return nil, err
	}
	g.area = sync.OnceValues(area.Open)
	g.regions = sync.OnceValues(area.OpenRegions)
	g.spelt = sync.OnceValue(g.spellings)
	g.clocks = sync.OnceValue(g.countZones)
	g.inRegion = sync.OnceValue(g.regionKeys)
	g.words = sync.OnceValue(g.laterWords)
	heir := map[ref]ref{}
	for n, over := range layers[1:] {
		for _, e := range over.codes {
			for m, l := range layers[:n+1] {
				old := ref{int32(m), 0}
				at, ok := l.find(uint32(e >> 32))
				if old.at = at; ok && packedCode(g.code(old)) == uint32(e>>32) { // not a second code of another place
					g.hidden[old] = true
					heir[old] = ref{int32(n + 1), int32(uint32(e))}
				}
			}
		}
	}
	// The user's terminals first: one of an id of ours stands in its stead.
	for n := len(layers) - 1; n >= 0; n-- {
		for _, t := range layers[n].terminals {
			if _, known := g.byID[t.ID]; known {
				continue
			}
			at := ref{int32(n), t.place}
			if t.place < 0 {
				below, ok := g.byCode(t.Place)
				if !ok {
					continue
				}
				at = below
			}
			for heir[at] != (ref{}) {
				at = heir[at]
			}
			t.Place = g.code(at)
			g.add(terminal{t.Terminal, at, vector(t.Point)}, t.aliases)
		}
	}
	slices.SortFunc(g.signs, func(a, b sign) int { return strings.Compare(a.key, b.key) })
	return g, nil
}

func (g *Gazetteer) add(t terminal, aliases []string) {
	i := int32(len(g.terminals))
	g.terminals = append(g.terminals, t)
	g.byID[t.ID] = i
	g.byMode[t.Mode] = append(g.byMode[t.Mode], i)
	g.serving[t.place] = append(g.serving[t.place], i)
	for _, c := range t.Codes {
		if _, taken := g.byCodes[c]; !taken {
			g.byCodes[c] = i
		}
	}
	if t.Mode == geodata.Sea { // a port is found as its place
		return
	}
	for _, name := range append([]string{t.Names.EN, t.Names.ZH, t.Names.RU}, aliases...) {
		g.signs = appendSigns(g.signs, fold(name), target{terminal: i + 1})
	}
}

// prepare builds what the file does not hold.
func (l *layer) prepare() {
	for i := range l.countries {
		c := &l.countries[i]
		c.keys = [4]string{keyOf(string(c.code)), keyOf(c.names.EN), keyOf(c.names.ZH), keyOf(c.names.RU)}
	}
	l.zh, l.ru = l.language(kindZH), l.language(kindRU)
	for i, tail := range l.tail {
		if tail > 0 {
			c := l.countries[l.country[i]].code
			l.codes = append(l.codes, entry(packCode(string(c), int(tail)-1), int32(i)))
		}
	}
	slices.Sort(l.codes)
}

// inLanguage are the names of places in one language, by place.
type inLanguage struct{ place, name []int32 }

func (l *layer) language(kind byte) inLanguage {
	var all []uint64
	for i, k := range l.nameKind {
		if k == kind {
			all = append(all, entry(uint32(l.namePlace[i]), int32(i)))
		}
	}
	slices.Sort(all)
	out := inLanguage{make([]int32, len(all)), make([]int32, len(all))}
	for i, e := range all {
		out.place[i], out.name[i] = int32(e>>32), int32(uint32(e))
	}
	return out
}

// of is the name of a place; where the data has two, the last.
func (in inLanguage) of(place int32) (name int32, ok bool) {
	at, _ := slices.BinarySearch(in.place, place+1)
	if at == 0 || in.place[at-1] != place {
		return 0, false
	}
	return in.name[at-1], true
}

func vector(p orb.Point) [3]float64 {
	sinLat, cosLat := math.Sincos(p[1] * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p[0] * math.Pi / 180)
	return [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func (g *Gazetteer) code(r ref) string {
	l := g.layers[r.layer]
	if l.tail[r.at] == 0 {
		return ""
	}
	return string(l.countries[l.country[r.at]].code) + unpackTail(int(l.tail[r.at])-1)
}

// packCode keeps the order of the text: country, then the three characters.
func packCode(country string, tail int) uint32 {
	return (uint32(country[0])*64+uint32(country[1])%64)*36*36*36 + uint32(tail)
}

// packedCode packs a whole UN/LOCODE; "" is 0.
func packedCode(code string) uint32 {
	if code == "" {
		return 0
	}
	return packCode(code[:2], packTail(code[2:]))
}

func entry(code uint32, place int32) uint64 { return uint64(code)<<32 | uint64(uint32(place)) }

// find is the place of a packed code.
func (l *layer) find(code uint32) (int32, bool) {
	at, _ := slices.BinarySearch(l.codes, entry(code, 0))
	if at == len(l.codes) || uint32(l.codes[at]>>32) != code {
		return 0, false
	}
	return int32(uint32(l.codes[at])), true
}

// Len is the number of places.
func (g *Gazetteer) Len() int {
	n := -len(g.hidden)
	for _, l := range g.layers {
		n += l.en.len()
	}
	return n
}

// All are the places, in the order of the data.
func (g *Gazetteer) All() iter.Seq[geodata.Place] {
	return func(yield func(geodata.Place) bool) {
		for n, l := range g.layers {
			for i := range l.en.len() {
				if r := (ref{int32(n), int32(i)}); !g.hidden[r] && !yield(g.place(r)) {
					return
				}
			}
		}
	}
}

// HasCode reports whether a place has the UN/LOCODE, given in capitals.
func (g *Gazetteer) HasCode(code string) bool {
	_, ok := g.byCode(code)
	return ok
}

// own reports whether a place is the user's.
func (g *Gazetteer) own(r ref) bool { return g.layers[r.layer].own }

func (g *Gazetteer) rankOf(r ref) int { return int(g.layers[r.layer].rank[r.at]) }

func (g *Gazetteer) functionsOf(r ref) geodata.Function {
	return geodata.Function(g.layers[r.layer].functions[r.at])
}

func (g *Gazetteer) countryOf(r ref) geodata.Country {
	l := g.layers[r.layer]
	return l.countries[l.country[r.at]].code
}

func (g *Gazetteer) pointOf(r ref) orb.Point {
	p := g.layers[r.layer].points[r.at]
	return orb.Point{round4(p[0]), round4(p[1])}
}

// compare orders places: the more important first.
func (g *Gazetteer) compare(a, b ref) int {
	x, y := g.layers[a.layer], g.layers[b.layer]
	if x.own != y.own { // own places win ties
		if x.own {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(y.rank[b.at], x.rank[a.at]),
		cmp.Compare(y.population[b.at], x.population[a.at]),
		cmp.Compare(a.layer, b.layer),
		cmp.Compare(a.at, b.at),
	)
}

// place builds the Place at an index.
func (g *Gazetteer) place(r ref) geodata.Place {
	l := g.layers[r.layer]
	p := geodata.Place{
		Code:       g.code(r),
		Names:      geodata.Names{EN: l.en.at(int(r.at))},
		Country:    g.countryOf(r),
		Point:      g.pointOf(r),
		Functions:  g.functionsOf(r),
		Population: int(l.population[r.at]),
	}
	if n, ok := l.zh.of(r.at); ok {
		p.Names.ZH = l.names.at(int(n))
	}
	if n, ok := l.ru.of(r.at); ok {
		p.Names.RU = l.names.at(int(n))
	}
	p.TimeZone = g.zoneOf(p.Point, p.Country)
	return p
}

// placeAt is a terminal as a place: the place it serves, under the terminal's names
// and at its point.
func (g *Gazetteer) placeAt(t *terminal) geodata.Place {
	p := g.place(t.place)
	p.Names, p.Point, p.Country, p.Population = t.Names, t.Point, t.Country, 0
	switch t.Mode {
	case geodata.Sea:
		p.Functions = geodata.HasSeaport
	case geodata.Rail:
		p.Functions = geodata.HasRail
	case geodata.Air:
		p.Functions = geodata.HasAirport
	}
	p.TimeZone = g.zoneOf(p.Point, p.Country)
	return p
}

// CountryNames are the names of a country; EN is its code when it has none.
func (g *Gazetteer) CountryNames(c geodata.Country) geodata.Names {
	countries := g.layers[0].countries
	i, ok := slices.BinarySearchFunc(countries, c, func(have country, want geodata.Country) int {
		return strings.Compare(string(have.code), string(want))
	})
	if !ok {
		return geodata.Names{EN: string(c)}
	}
	return countries[i].names
}

// Terminals are all terminals of a mode: seaports, rail terminals or airports. The
// caller owns the slice.
func (g *Gazetteer) Terminals(m geodata.Mode) []geodata.Terminal {
	out := make([]geodata.Terminal, 0, len(g.byMode[m]))
	for _, i := range g.byMode[m] {
		out = append(out, g.terminals[i].Terminal)
	}
	return out
}

// Terminal is the terminal with an id such as "sea:CNTAO".
func (g *Gazetteer) Terminal(id string) (geodata.Terminal, bool) {
	i, ok := g.byID[id]
	if !ok {
		return geodata.Terminal{}, false
	}
	return g.terminals[i].Terminal, true
}

// Near are the n terminals of a mode nearest to a point, nearest first.
func (g *Gazetteer) Near(p orb.Point, m geodata.Mode, n int) []geodata.Terminal {
	if n <= 0 {
		return nil
	}
	type hit struct {
		cos float64
		at  int32
	}
	v := vector(p)
	best := make([]hit, 0, n+1)
	for _, i := range g.byMode[m] {
		w := &g.terminals[i].v
		h := hit{v[0]*w[0] + v[1]*w[1] + v[2]*w[2], i}
		if len(best) == n && h.cos <= best[n-1].cos {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, h, func(a, b hit) int {
			if a.cos >= b.cos {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, at, h)
		if len(best) > n {
			best = best[:n]
		}
	}
	out := make([]geodata.Terminal, len(best))
	for i, h := range best {
		out[i] = g.terminals[h.at].Terminal
	}
	return out
}

// At describes a point that has no name: its country, its time zone and, as its
// name, its coordinates.
func (g *Gazetteer) At(p orb.Point) (geodata.Place, error) {
	a, err := g.area()
	if err != nil {
		return geodata.Place{}, err
	}
	out := geodata.Place{
		Names:    geodata.Names{EN: fmt.Sprintf("%.4f,%.4f", p[1], p[0])},
		Point:    p,
		TimeZone: g.zones.Of(p),
	}
	out.Country, _ = a.Country(p)
	if _, land := a.Land(p); land {
		out.TimeZone = g.zoneOf(p, out.Country)
	}
	return out, nil
}

// How far the place may be that a point is told by, and how well known it must be.
const (
	nearKM   = 300
	nearRank = known
)

// Locate tells where a point is: country, region and time zone, and the nearest place
// of note. It is right at sea, over ±180° and in disputed land, where it answers who
// runs it and who else claims it.
func (g *Gazetteer) Locate(p orb.Point) (geodata.Location, error) {
	if !(math.Abs(p[0]) <= 180) || !(math.Abs(p[1]) <= 90) {
		return geodata.Location{}, fmt.Errorf("%v,%v is no point on earth: give lat in [-90, 90] and lon in [-180, 180]", p[1], p[0])
	}
	a, err := g.area()
	if err != nil {
		return geodata.Location{}, err
	}
	regions, err := g.regions()
	if err != nil {
		return geodata.Location{}, err
	}
	l := geodata.Location{Point: p, TimeZone: g.zones.Of(p)}
	_, land := a.Land(p)
	l.AtSea = !land
	var near bool
	if l.Country, near = a.Country(p); near {
		l.Names = g.CountryNames(l.Country)
		if land {
			l.TimeZone = g.zoneOf(p, l.Country)
		}
		region, ok := regions.In(p, l.Country)
		if !ok { // a territory with a code of its own
			region, ok = regions.Of(p)
		}
		if ok {
			l.Region = &region
		}
	}
	if place, km, ok := g.Nearest(p, nearKM, nearRank); ok {
		l.Nearest, l.AwayKM = &place, km
	}
	return l, nil
}

// Warm prepares what is otherwise made when it is first needed: for misspelt names,
// later words and points.
func (g *Gazetteer) Warm() error {
	g.spelt()
	g.words()
	g.clocks()
	if _, err := g.regions(); err != nil {
		return err
	}
	_, err := g.area()
	return err
}

// Nearest is the place of at least some rank nearest to a point within km, for
// saying where something is.
func (g *Gazetteer) Nearest(p orb.Point, withinKM float64, minRank uint8) (geodata.Place, float64, bool) {
	best, at := withinKM, ref{-1, -1}
	for n, l := range g.layers {
		for i, q := range l.points {
			if l.rank[i] < minRank || math.Abs(float64(q[1])-p[1])*111 > best {
				continue
			}
			r := ref{int32(n), int32(i)}
			if km := path.Distance(p, orb.Point{float64(q[0]), float64(q[1])}); km <= best && !g.hidden[r] {
				best, at = km, r
			}
		}
	}
	if at.at < 0 {
		return geodata.Place{}, 0, false
	}
	return g.place(at), best, true
}
