package gazetteer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// longest is how many bytes a query may have.
const longest = 256

// Resolve answers the one place a query most likely means: a UN/LOCODE in any case,
// with or without a space; the id of a terminal ("air:TAO"); a name in English,
// Chinese or Russian, which may be followed by a country ("Hamburg, US"); the IATA
// or ICAO code of an airport; or "lat,lon" in degrees. Among places of one name it
// prefers the one freight people care about most. A terminal is answered as the
// place it serves, under the terminal's name and at its point. What it does not know
// is a *geodata.UnknownPlaceError with the nearest names.
func (g *Gazetteer) Resolve(query string) (geodata.Place, error) {
	query = strings.TrimSpace(query)
	if query == "" {
		return geodata.Place{}, &geodata.UnknownPlaceError{Query: query, Reason: "it is empty: give a UN/LOCODE, a name or lat,lon"}
	}
	if len(query) > longest {
		return geodata.Place{}, &geodata.UnknownPlaceError{Query: strings.ToValidUTF8(query[:40], "") + "…", Reason: "it is longer than any name of a place"}
	}
	if p, isPoint, err := parsePoint(query); isPoint {
		if err != nil {
			return geodata.Place{}, &geodata.UnknownPlaceError{Query: query, Reason: err.Error()}
		}
		return g.At(p)
	}
	if i, ok := g.byID[query]; ok {
		return g.placeAt(&g.terminals[i]), nil
	}
	coded, hasCode := g.byCode(query)
	named, score, hasName := g.byName(query)
	if i, ok := g.byCodes[strings.ToUpper(query)]; ok && (!hasName || score < famous && query == strings.ToUpper(query)) {
		return g.placeAt(&g.terminals[i]), nil
	}
	if !hasCode && !hasName {
		if i, ok := g.terminalNamed(query); ok {
			return g.placeAt(&g.terminals[i]), nil
		}
	}
	switch {
	case hasCode && (!hasName || score < famous || score <= g.rankOf(coded)):
		return g.place(coded), nil
	case hasName:
		return g.place(named), nil
	}
	return geodata.Place{}, &geodata.UnknownPlaceError{Query: query, Nearest: g.suggest(query)}
}

// parsePoint reads "36.07,120.38". The flag says that the query means a point,
// even when it is a bad one.
func parsePoint(s string) (p orb.Point, isPoint bool, err error) {
	lat, lon, ok := strings.Cut(s, ",")
	if !ok {
		if f := strings.Fields(s); len(f) == 2 {
			lat, lon, ok = f[0], f[1], true
		}
	}
	if !ok {
		return p, false, nil
	}
	y, errY := strconv.ParseFloat(strings.TrimSpace(lat), 64)
	x, errX := strconv.ParseFloat(strings.TrimSpace(lon), 64)
	numberY := errY == nil || errors.Is(errY, strconv.ErrRange)
	numberX := errX == nil || errors.Is(errX, strconv.ErrRange)
	if !numberY || !numberX || letters(s) {
		return p, false, nil
	}
	switch {
	case !(math.Abs(y) <= 90):
		return p, true, fmt.Errorf("latitude %s is out of range: give lat,lon with lat in [-90, 90]", strings.TrimSpace(lat))
	case !(math.Abs(x) <= 180):
		return p, true, fmt.Errorf("longitude %s is out of range: give lat,lon with lon in [-180, 180]", strings.TrimSpace(lon))
	}
	return orb.Point{x, y}, true, nil
}

// letters reports what ParseFloat takes and no one means as degrees, such as "Inf".
func letters(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r != 'e' && r != 'E' && (r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_')
	})
}

// byCode reads a UN/LOCODE. The user's places come before the embedded.
func (g *Gazetteer) byCode(query string) (ref, bool) {
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(query))
	// Two letters that are no country's may pack to those of one.
	if len(code) != 5 || packTail(code[2:]) < 0 || !letter(code[0]) || !letter(code[1]) {
		return ref{}, false
	}
	key := packedCode(code)
	for n := len(g.layers) - 1; n >= 0; n-- {
		if at, ok := g.layers[n].find(key); ok && !g.hidden[ref{int32(n), at}] {
			return ref{int32(n), at}, true
		}
	}
	return ref{}, false
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' }

// byName is the best place of exactly this name, and its score.
func (g *Gazetteer) byName(query string) (place ref, score int, ok bool) {
	best := hit{score: math.MinInt}
	take := func(h hit) {
		if h.score > best.score || h.score == best.score && g.compare(h.place, best.place) < 0 {
			best = h
		}
	}
	g.exact(keyOf(query), nil, take)
	if best.score == math.MinInt {
		for _, q := range g.readings(query) {
			if q.mode == geodata.Air || q.mode == geodata.Rail {
				continue
			}
			if g.exact(q.key, q.fits, take); best.score > math.MinInt {
				break
			}
		}
	}
	return best.place, best.score, best.score > math.MinInt
}

// terminalNamed is the most important terminal of exactly this name, which a country
// may follow.
func (g *Gazetteer) terminalNamed(query string) (terminal int32, ok bool) {
	best := math.MinInt
	look := func(key string, fits func(ref) bool) {
		for _, s := range g.signsOf(key) {
			i := s.terminal - 1
			if score := g.scoreOf(s.target); s.key == key && score > best && (fits == nil || fits(g.terminals[i].place)) {
				best, terminal, ok = score, i, true
			}
		}
	}
	look(keyOf(query), nil)
	if name, fits, in := g.within(query); !ok && in {
		look(keyOf(name), fits)
	}
	return terminal, ok
}

// exact gives every place that has the name of the key and fits. Its score is the
// rank of the place less the malus of the name.
func (g *Gazetteer) exact(key string, fits func(ref) bool, take func(hit)) {
	if key == "" {
		return
	}
	offer := func(r ref, malus int) {
		if !g.hidden[r] && (fits == nil || fits(r)) {
			score := g.rankOf(r) - malus
			if g.own(r) {
				score += ownBonus
			}
			take(hit{target: target{place: r}, score: score})
		}
	}
	for n, l := range g.layers {
		for i := l.firstPlace(key); i < l.en.len() && keyOf(l.en.at(i)) == key; i++ {
			offer(ref{int32(n), int32(i)}, 0)
		}
		for i := l.firstName(key); i < l.names.len() && keyOf(l.names.at(i)) == key; i++ {
			malus := l.malus(i)
			if l.nameKind[i] == kindWeak {
				malus += exactBonus
			}
			offer(ref{int32(n), l.namePlace[i]}, malus)
		}
	}
}

// malus is what another name than the main one counts less.
func (l *layer) malus(name int) int {
	switch l.nameKind[name] {
	case kindAlias:
		return aliasMalus
	case kindWeak:
		return weakMalus
	}
	return 0
}

// firstPlace is the first place the key of whose English name is not before key.
func (l *layer) firstPlace(key string) int {
	return sort.Search(l.en.len(), func(i int) bool { return keyOf(l.en.at(i)) >= key })
}

func (l *layer) firstName(key string) int {
	return sort.Search(l.names.len(), func(i int) bool { return keyOf(l.names.at(i)) >= key })
}

// beyond is the least string that comes after all with the prefix.
func beyond(prefix string) string { return prefix + string(utf8.MaxRune) }

// reading is what a query may mean besides a bare name: "Hamburg, US", "Port of
// Qingdao", "青岛市".
type reading struct {
	key  string
	mode geodata.Mode   // the facility asked for; "" when none was
	fits func(ref) bool // nil: all
}

// readings are the ways to understand a query that is no name as it stands, the
// likeliest first.
func (g *Gazetteer) readings(query string) []reading {
	var out []reading
	name, in := query, (func(ref) bool)(nil)
	if rest, fits, ok := g.within(query); ok {
		name, in = rest, fits
		out = append(out, reading{keyOf(name), "", in})
	}
	folded := fold(name)
	for _, a := range affixes {
		bare, ok := strings.CutPrefix(folded, a.before)
		if a.after != "" {
			bare, ok = strings.CutSuffix(folded, a.after)
		}
		if bare = strings.TrimSpace(bare); !ok || bare == "" {
			continue
		}
		fits := in
		if a.mode == geodata.Sea {
			fits = func(r ref) bool {
				return g.functionsOf(r)&geodata.HasSeaport != 0 && (in == nil || in(r))
			}
		}
		out = append(out, reading{compact(bare), a.mode, fits})
	}
	return out
}

// affixes are words that ask for a facility of a place, or for a kind of place.
var affixes = []struct {
	before, after string
	mode          geodata.Mode
}{
	{before: "port of ", mode: geodata.Sea},
	{before: "порт ", mode: geodata.Sea},
	{after: " port", mode: geodata.Sea},
	{after: " порт", mode: geodata.Sea},
	{after: "港口", mode: geodata.Sea},
	{after: "港", mode: geodata.Sea},
	{before: "аэропорт ", mode: geodata.Air},
	{after: " аэропорт", mode: geodata.Air},
	{after: " international airport", mode: geodata.Air},
	{after: " airport", mode: geodata.Air},
	{after: "国际机场", mode: geodata.Air},
	{after: "机场", mode: geodata.Air},
	{before: "станция ", mode: geodata.Rail},
	{after: " rail terminal", mode: geodata.Rail},
	{after: " railway station", mode: geodata.Rail},
	{after: " station", mode: geodata.Rail},
	{after: "火车站", mode: geodata.Rail},
	{after: "站", mode: geodata.Rail},
	{before: "icd ", mode: geodata.Rail}, // inland container depot
	{after: " icd", mode: geodata.Rail},
	{before: "city of "},
	{before: "город "},
	{after: " city"},
	{after: "市"},
	{after: "县"},
	{after: "区"},
}

// within parts a query from the country behind its name: "Moscow, Russia",
// "Qingdao (China)", "Birmingham US".
func (g *Gazetteer) within(query string) (name string, fits func(ref) bool, ok bool) {
	if i := strings.LastIndexAny(query, ",(，（"); i > 0 {
		_, size := utf8.DecodeRuneInString(query[i:])
		if fits, ok := g.region(strings.TrimRight(query[i+size:], ")） ")); ok {
			return query[:i], fits, true
		}
		return "", nil, false
	}
	// The country may have two words: "San Jose Costa Rica".
	for i, n := strings.LastIndexByte(query, ' '), 0; i > 0 && n < 3; i, n = strings.LastIndexByte(query[:i], ' '), n+1 {
		if fits, ok := g.region(query[i+1:]); ok {
			return query[:i], fits, true
		}
	}
	return "", nil, false
}

// region tells the places of a country by its name or code, or of a region by its
// name: "Portland, Maine". Where a name is both, as Georgia, either will do.
func (g *Gazetteer) region(name string) (fits func(ref) bool, ok bool) {
	c, isCountry := g.countryNamed(name)
	regions, err := g.regions()
	if err != nil {
		return nil, false
	}
	key := keyOf(name)
	isRegion := g.inRegion()[key]
	if !isCountry && !isRegion {
		return nil, false
	}
	return func(r ref) bool {
		if isCountry && g.countryOf(r) == c {
			return true
		}
		if !isRegion {
			return false
		}
		region, ok := regions.In(g.pointOf(r), g.countryOf(r))
		return ok && (keyOf(region.Names.EN) == key || keyOf(region.Names.ZH) == key || keyOf(region.Names.RU) == key)
	}, true
}

func (g *Gazetteer) countryNamed(s string) (geodata.Country, bool) {
	key := keyOf(s)
	switch key {
	case "":
		return "", false
	case "usa":
		key = "us"
	case "uk":
		key = "gb"
	}
	for i := range g.layers[0].countries {
		if c := &g.layers[0].countries[i]; slices.Contains(c.keys[:], key) {
			return c.code, true
		}
	}
	return "", false
}

// regionKeys are the names of all regions that may follow the name of a place.
func (g *Gazetteer) regionKeys() map[string]bool {
	out := map[string]bool{}
	regions, err := g.regions()
	if err != nil {
		return out
	}
	for i := range regions.Len() {
		for _, name := range []string{regions.At(i).Names.EN, regions.At(i).Names.ZH, regions.At(i).Names.RU} {
			if key := keyOf(name); len(key) > 3 {
				out[key] = true
			}
		}
	}
	return out
}
