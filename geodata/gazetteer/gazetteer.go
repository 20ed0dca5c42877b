// Package gazetteer knows the places freight comes from and goes to: UN/LOCODE
// localities, cities of 15,000 people and more, and the seaports, rail terminals
// and airports that serve them, with names in English, Chinese and Russian.
//
// Resolve answers one place for what a user wrote; Search answers a typeahead;
// Near finds the terminals around a point. It is not for street addresses, and
// border posts are in border.
//
// The data is embedded and read by Open in some 50 ms. Coordinates of a Place are
// the middle of the town, good to some 100 m to 2 km; those of a Terminal are at
// the quay, the yard or the aerodrome. Where each comes from is in ATTRIBUTION.md.
package gazetteer

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/path"
)

//go:embed places.bin
var places []byte

// Gazetteer is immutable and safe for concurrent use.
type Gazetteer struct {
	countries []country

	// Columns by place, in the order of the folded English name.
	en         texts
	country    []byte
	tail       []uint16 // last three characters of the UN/LOCODE plus 1
	points     [][2]float32
	population []uint32
	functions  []byte
	rank       []byte
	zh, ru     map[int32]int32 // name by place

	// Other names, in the order of their folded form.
	names     texts
	namePlace []int32
	nameKind  []byte

	codes     []uint64 // every UN/LOCODE, sorted: packed in the upper half, its place in the lower
	terminals []terminal
	byMode    map[geodata.Mode][]int32

	zones *area.TimeZones
	// area is opened for the first coordinates asked about.
	area func() (*area.Area, error)
	// spelt is made for the first misspelt name.
	spelt func() []spelling
}

type country struct {
	code  geodata.Country
	names geodata.Names
	keys  [4]string // folded code and names
}

type terminal struct {
	geodata.Terminal
	place int32
	v     [3]float64 // on the unit sphere
}

// Open reads the embedded gazetteer.
func Open() (*Gazetteer, error) {
	g, err := Decode(bytes.NewReader(places))
	if err != nil {
		return nil, fmt.Errorf("read embedded places: %w", err)
	}
	return g, nil
}

// prepare builds what the file does not hold.
func (g *Gazetteer) prepare() (err error) {
	if g.zones, err = area.OpenTimeZones(); err != nil {
		return err
	}
	g.area = sync.OnceValues(area.Open)
	g.spelt = sync.OnceValue(g.spellings)
	for i := range g.countries {
		c := &g.countries[i]
		c.keys = [4]string{fold(string(c.code)), fold(c.names.EN), fold(c.names.ZH), fold(c.names.RU)}
	}
	g.zh, g.ru = map[int32]int32{}, map[int32]int32{}
	for i, kind := range g.nameKind {
		switch kind {
		case kindZH:
			g.zh[g.namePlace[i]] = int32(i)
		case kindRU:
			g.ru[g.namePlace[i]] = int32(i)
		}
	}
	for i, tail := range g.tail {
		if tail > 0 {
			c := g.countries[g.country[i]].code
			g.codes = append(g.codes, entry(packCode(string(c), int(tail)-1), int32(i)))
		}
	}
	slices.Sort(g.codes)
	g.byMode = map[geodata.Mode][]int32{}
	for i := range g.terminals {
		t := &g.terminals[i]
		t.v = vector(t.Point)
		t.Place = g.code(t.place)
		g.byMode[t.Mode] = append(g.byMode[t.Mode], int32(i))
	}
	return nil
}

func vector(p orb.Point) [3]float64 {
	sinLat, cosLat := math.Sincos(p[1] * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p[0] * math.Pi / 180)
	return [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func (g *Gazetteer) code(i int32) string {
	if g.tail[i] == 0 {
		return ""
	}
	return string(g.countries[g.country[i]].code) + unpackTail(int(g.tail[i])-1)
}

// packCode keeps the order of the text: country, then the three characters.
func packCode(country string, tail int) uint32 {
	return (uint32(country[0])*64+uint32(country[1])%64)*36*36*36 + uint32(tail)
}

func entry(code uint32, place int32) uint64 { return uint64(code)<<32 | uint64(uint32(place)) }

// Len is the number of places.
func (g *Gazetteer) Len() int { return g.en.len() }

// place builds the Place at an index.
func (g *Gazetteer) place(i int32) geodata.Place {
	p := geodata.Place{
		Code:       g.code(i),
		Names:      geodata.Names{EN: g.en.at(int(i))},
		Country:    g.countries[g.country[i]].code,
		Point:      orb.Point{round4(g.points[i][0]), round4(g.points[i][1])},
		Functions:  geodata.Function(g.functions[i]),
		Population: int(g.population[i]),
	}
	if n, ok := g.zh[i]; ok {
		p.Names.ZH = g.names.at(int(n))
	}
	if n, ok := g.ru[i]; ok {
		p.Names.RU = g.names.at(int(n))
	}
	p.TimeZone = g.zones.Of(p.Point)
	return p
}

// CountryNames are the names of a country; EN is its code when it has none.
func (g *Gazetteer) CountryNames(c geodata.Country) geodata.Names {
	i, ok := slices.BinarySearchFunc(g.countries, c, func(have country, want geodata.Country) int {
		return strings.Compare(string(have.code), string(want))
	})
	if !ok {
		return geodata.Names{EN: string(c)}
	}
	return g.countries[i].names
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
	for i := range g.terminals {
		if g.terminals[i].ID == id {
			return g.terminals[i].Terminal, true
		}
	}
	return geodata.Terminal{}, false
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
	return out, nil
}

// Nearest is the place of at least some rank nearest to a point within km, for
// saying where something is.
func (g *Gazetteer) Nearest(p orb.Point, withinKM float64, minRank uint8) (geodata.Place, float64, bool) {
	best, at := withinKM, int32(-1)
	for i, q := range g.points {
		if g.rank[i] < minRank || math.Abs(float64(q[1])-p[1])*111 > best {
			continue
		}
		if km := path.Distance(p, orb.Point{float64(q[0]), float64(q[1])}); km <= best {
			best, at = km, int32(i)
		}
	}
	if at < 0 {
		return geodata.Place{}, 0, false
	}
	return g.place(at), best, true
}
