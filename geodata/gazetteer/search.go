package gazetteer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// Scores on the scale of a rank.
const (
	codeBonus   = 120 // the query is the place's UN/LOCODE
	exactBonus  = 50  // the query is the whole name
	aliasMalus  = 20  // the query is another name of the place
	weakMalus   = 90  // … an old or foreign one: Victoria is not first Hong Kong
	famous      = 90  // a name this well known is meant before an obscure code of five letters
	suggestions = 5
)

// longest is how many bytes a query may have.
const longest = 256

// Resolve answers the one place a query most likely means: a UN/LOCODE in any case,
// with or without a space; a name in English, Chinese or Russian, which may be
// followed by a country ("Hamburg, US"); or "lat,lon" in degrees. Among places of
// one name it prefers the one freight people care about most. What it does not
// know is a *geodata.UnknownPlaceError with the nearest names.
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
	coded, hasCode := g.byCode(query)
	named, score, hasName := g.byName(query)
	switch {
	case hasCode && (!hasName || score < famous || score <= int(g.rank[coded])):
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

// byCode reads a UN/LOCODE.
func (g *Gazetteer) byCode(query string) (int32, bool) {
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(query))
	if len(code) != 5 || packTail(code[2:]) < 0 {
		return 0, false
	}
	key := packCode(code[:2], packTail(code[2:]))
	at, _ := slices.BinarySearch(g.codes, entry(key, 0))
	// Two letters that are no country's may pack to those of one.
	if at == len(g.codes) || uint32(g.codes[at]>>32) != key || !letter(code[0]) || !letter(code[1]) {
		return 0, false
	}
	return int32(uint32(g.codes[at])), true
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' }

// byName is the best place of exactly this name, and its score.
func (g *Gazetteer) byName(query string) (place int32, score int, ok bool) {
	if at, score, ok := g.exact(fold(query), nil); ok {
		return at, score, true
	}
	// "Hamburg, US", "Moscow, Russia", "Qingdao (China)"
	if i := strings.LastIndexAny(query, ",("); i > 0 {
		if in, ok := g.countryNamed(strings.TrimRight(query[i+1:], ") ")); ok {
			if at, score, ok := g.exact(fold(query[:i]), func(p int32) bool { return g.country[p] == in }); ok {
				return at, score, true
			}
		}
	}
	// "Port of Qingdao", "Qingdao port", "青岛港", "порт Циндао"
	if bare := withoutPort(fold(query)); bare != "" {
		return g.exact(bare, func(p int32) bool { return geodata.Function(g.functions[p])&geodata.HasSeaport != 0 })
	}
	return 0, 0, false
}

func withoutPort(key string) string {
	for _, affix := range []string{"port of ", "порт "} {
		if rest, ok := strings.CutPrefix(key, affix); ok {
			return rest
		}
	}
	for _, affix := range []string{" port", " порт", "港"} {
		if rest, ok := strings.CutSuffix(key, affix); ok {
			return rest
		}
	}
	return ""
}

func (g *Gazetteer) countryNamed(s string) (byte, bool) {
	key := fold(s)
	switch key {
	case "":
		return 0, false
	case "usa":
		key = "us"
	case "uk":
		key = "gb"
	}
	for i := range g.countries {
		if slices.Contains(g.countries[i].keys[:], key) {
			return byte(i), true
		}
	}
	return 0, false
}

func (g *Gazetteer) exact(key string, want func(place int32) bool) (best int32, score int, ok bool) {
	if key == "" {
		return 0, 0, false
	}
	best = -1
	better := func(p int32, malus int) {
		if want != nil && !want(p) {
			return
		}
		if s := int(g.rank[p]) - malus; best < 0 || s > score || s == score && g.compare(p, best) < 0 {
			best, score = p, s
		}
	}
	for i := g.firstPlace(key); i < g.en.len() && fold(g.en.at(i)) == key; i++ {
		better(int32(i), 0)
	}
	for i := g.firstName(key); i < g.names.len() && fold(g.names.at(i)) == key; i++ {
		better(g.namePlace[i], g.malus(i))
	}
	return best, score, best >= 0
}

// malus is what another name than the main one counts less.
func (g *Gazetteer) malus(name int) int {
	switch g.nameKind[name] {
	case kindAlias:
		return aliasMalus
	case kindWeak:
		return weakMalus
	}
	return 0
}

// compare orders places: the more important first.
func (g *Gazetteer) compare(a, b int32) int {
	return cmp.Or(
		cmp.Compare(g.rank[b], g.rank[a]),
		cmp.Compare(g.population[b], g.population[a]),
		cmp.Compare(a, b),
	)
}

// firstPlace is the first place whose folded English name is not before key.
func (g *Gazetteer) firstPlace(key string) int {
	return sort.Search(g.en.len(), func(i int) bool { return fold(g.en.at(i)) >= key })
}

func (g *Gazetteer) firstName(key string) int {
	return sort.Search(g.names.len(), func(i int) bool { return fold(g.names.at(i)) >= key })
}

// beyond is the least string that comes after all with the prefix.
func beyond(prefix string) string { return prefix + string(utf8.MaxRune) }

// Search lists the places whose UN/LOCODE, IATA or ICAO code or name in any
// language begins with the query, the most important first; when there are none,
// those whose name is nearly that. It is made for a typeahead.
func (g *Gazetteer) Search(query string, limit int) []geodata.Place {
	if len(query) > longest || limit <= 0 {
		return nil
	}
	key := fold(query)
	if key == "" {
		return nil
	}
	top := newTop(limit)
	if at, ok := g.byCode(query); ok {
		top.offer(at, int(g.rank[at])+codeBonus, g)
	}
	if code := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(query), " ", "")); (len(code) == 3 || len(code) == 4) && letter(code[0]) && letter(code[1]) {
		tail := code[2:]
		from, to := packTail((tail + "00")[:3]), packTail((tail + "ZZ")[:3])
		if from >= 0 && to >= 0 {
			i, _ := slices.BinarySearch(g.codes, entry(packCode(code[:2], from), 0))
			for ; i < len(g.codes) && uint32(g.codes[i]>>32) <= packCode(code[:2], to); i++ {
				p := int32(uint32(g.codes[i]))
				top.offer(p, int(g.rank[p]), g)
			}
		}
	}
	for i, end := g.firstPlace(key), g.firstPlace(beyond(key)); i < end; i++ {
		if score := int(g.rank[i]); score+exactBonus >= top.least() {
			top.offer(int32(i), score+g.bonus(&g.en, i, key), g)
		}
	}
	for i, end := g.firstName(key), g.firstName(beyond(key)); i < end; i++ {
		p := g.namePlace[i]
		if score := int(g.rank[p]) - g.malus(i); score+exactBonus >= top.least() {
			top.offer(p, score+g.bonus(&g.names, i, key), g)
		}
	}
	if len(top.hits) == 0 {
		if at, _, ok := g.byName(query); ok { // with a country, or as a port
			top.offer(at, int(g.rank[at]), g)
		} else {
			return g.suggest(query)
		}
	}
	out := make([]geodata.Place, len(top.hits))
	for i, h := range top.hits {
		out[i] = g.place(h.place)
	}
	return out
}

// bonus tells an exact name from a longer one by its length, and only then looks.
func (g *Gazetteer) bonus(t *texts, i int, key string) int {
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	if n := int(t.ends[i] - from); n > len(key)+8 {
		return 0
	}
	if fold(t.at(i)) == key {
		return exactBonus
	}
	return 0
}

// top keeps the best hits, each place once.
type top struct {
	limit int
	hits  []hit
}

type hit struct {
	place int32
	score int
}

func newTop(limit int) *top { return &top{limit: limit, hits: make([]hit, 0, limit+1)} }

// least is the score from which a hit is wanted.
func (t *top) least() int {
	if len(t.hits) < t.limit {
		return math.MinInt
	}
	return t.hits[t.limit-1].score
}

func (t *top) offer(place int32, score int, g *Gazetteer) {
	h := hit{place, score}
	order := func(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), g.compare(a.place, b.place)) }
	if len(t.hits) == t.limit && order(t.hits[t.limit-1], h) <= 0 {
		return
	}
	if i := slices.IndexFunc(t.hits, func(x hit) bool { return x.place == place }); i >= 0 {
		if t.hits[i].score >= score {
			return
		}
		t.hits = slices.Delete(t.hits, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(t.hits, h, order)
	t.hits = slices.Insert(t.hits, at, h)
	if len(t.hits) > t.limit {
		t.hits = t.hits[:t.limit]
	}
}

// known is the rank from which a place is worth suggesting.
const known = 45

// spelling is a folded name prepared for comparing with misspelt ones.
type spelling struct {
	place  int32
	length int32  // letters
	mask   uint64 // a bit for each letter there is, by its code modulo 64
	key    string
}

func letterMask(key string) (mask uint64, length int) {
	for _, r := range key {
		mask |= 1 << (uint(r) % 64)
		length++
	}
	return mask, length
}

// spellings are the names of all known places. They are made when the first
// misspelt name is asked for.
func (g *Gazetteer) spellings() []spelling {
	out := make([]spelling, 0, g.names.len())
	add := func(place int32, name string) {
		if g.rank[place] < known {
			return
		}
		key := fold(name)
		mask, n := letterMask(key)
		out = append(out, spelling{place, int32(n), mask, key})
	}
	for i := range g.en.len() {
		add(int32(i), g.en.at(i))
	}
	for i := range g.names.len() {
		add(g.namePlace[i], g.names.at(i))
	}
	return out
}

// suggest lists places whose name is within a few letters of the query.
func (g *Gazetteer) suggest(query string) []geodata.Place {
	if i := strings.LastIndexAny(query, ",("); i > 0 { // the country may be the wrong part
		query = query[:i]
	}
	key := fold(query)
	mask, length := letterMask(key)
	limit := min(3, (length+1)/3)
	if length < 2 || length > 64 || limit == 0 {
		return nil
	}
	letters := []rune(key)
	type guess struct {
		place    int32
		distance int
	}
	best := map[int32]int{}
	for _, s := range g.spelt() {
		if d := int(s.length) - length; d > limit || d < -limit {
			continue
		}
		// A letter too many on either side is an error at least; a changed one is
		// one too many on both.
		if bits.OnesCount64(mask&^s.mask) > limit || bits.OnesCount64(s.mask&^mask) > limit {
			continue
		}
		d := distance(letters, []rune(s.key), limit)
		if have, ok := best[s.place]; d <= limit && (!ok || d < have) {
			best[s.place] = d
		}
	}
	guesses := make([]guess, 0, len(best))
	for p, d := range best {
		guesses = append(guesses, guess{p, d})
	}
	slices.SortFunc(guesses, func(a, b guess) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), g.compare(a.place, b.place))
	})
	var out []geodata.Place
	for _, c := range guesses[:min(len(guesses), suggestions)] {
		out = append(out, g.place(c.place))
	}
	return out
}
