package gazetteer

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
	"unicode"

	"corridor/geodata"
)

// Scores on the scale of a rank, which says how much freight people care about a
// place: 0 to 255, 45 for a town of 10,000, 200 for Shanghai.
const (
	codeBonus   = 120 // the query is the place's UN/LOCODE, or an airport's code in capitals
	smallBonus  = 60  // … the code of a freight airport in small letters
	exactBonus  = 50  // the query is the whole name
	aliasMalus  = 20  // the query is another name of the place
	weakMalus   = 60  // … an old or foreign one, which is no exact name: Victoria is not first Hong Kong
	wordMalus   = 25  // the query begins a later word: Petersburg
	editMalus   = 35  // for each letter that is wrong
	cutMalus    = 25  // … and the name goes on
	ownBonus    = 150 // the query is the whole name of the user's own place
	deskMalus   = 40  // a terminal against the place it serves
	freight     = 10  // an airport that takes freight
	famous      = 90  // a score this high needs no guessing at misspelt names
	known       = 45  // the rank from which a place is worth guessing
	suggestions = 5
)

// How many terminals follow the place that was meant.
const (
	airportsShown = 3
	railShown     = 3
)

// Search lists what a query may mean, the likeliest first: places and terminals
// whose UN/LOCODE, IATA or ICAO code or name in any language begins with it, then
// those whose name is nearly that. A place may be told by its country ("Hamburg,
// US") and by the facility ("Qingdao airport"). When the whole name or code of a
// place is given, its airports and rail terminals follow it. It is made for a
// typeahead.
func (g *Gazetteer) Search(query string, limit int) []geodata.Match {
	query = strings.TrimSpace(query)
	if len(query) > longest || limit <= 0 {
		return nil
	}
	if p, isPoint, err := parsePoint(query); isPoint {
		place, errAt := g.At(p)
		if err != nil || errAt != nil {
			return nil
		}
		return []geodata.Match{{ID: place.Names.EN, Kind: geodata.KindPoint, Place: place}}
	}
	if i, ok := g.byID[query]; ok {
		return []geodata.Match{g.match(target{terminal: i + 1})}
	}
	key := keyOf(query)
	if key == "" {
		return nil
	}
	top := &top{g: g, limit: limit}
	g.offerCodes(top, query)
	g.offerNames(top, key)
	g.offerSigns(top, g.signs, key)
	if !top.exact {
		g.offerReadings(top, query)
	}
	if !top.exact && top.best() < famous {
		g.offerSigns(top, g.words(), key)
	}
	if !top.exact && top.best() < famous {
		g.offerMisspelt(top, key)
	}
	hits := g.withTerminals(top.hits, limit)
	out := make([]geodata.Match, len(hits))
	for i, h := range hits {
		out[i] = g.match(h.target)
	}
	return out
}

// target is a place or a terminal.
type target struct {
	place    ref
	terminal int32 // index into terminals plus 1; 0 for a place
}

type hit struct {
	target
	score int
	exact bool // by its whole name or code, or by a guess at that; not by how it begins
}

// top keeps the best hits, each target once.
type top struct {
	g     *Gazetteer
	limit int
	hits  []hit
	exact bool // some hit is by its name as it stands, and not by an old one
}

// best is the highest score so far.
func (t *top) best() int {
	if len(t.hits) == 0 {
		return math.MinInt
	}
	return t.hits[0].score
}

// least is the score from which a hit is wanted.
func (t *top) least() int {
	if len(t.hits) < t.limit {
		return math.MinInt
	}
	return t.hits[t.limit-1].score
}

func (t *top) order(a, b hit) int {
	if c := cmp.Compare(b.score, a.score); c != 0 {
		return c
	}
	if a.terminal != 0 || b.terminal != 0 {
		return cmp.Compare(a.terminal, b.terminal)
	}
	return t.g.compare(a.place, b.place)
}

func (t *top) offer(h hit) {
	if h.terminal == 0 && t.g.hidden[h.place] {
		return
	}
	if len(t.hits) == t.limit && t.order(t.hits[t.limit-1], h) <= 0 {
		return
	}
	if i := slices.IndexFunc(t.hits, func(x hit) bool { return x.target == h.target }); i >= 0 {
		if t.hits[i].score >= h.score {
			return
		}
		t.hits = slices.Delete(t.hits, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(t.hits, h, t.order)
	t.hits = slices.Insert(t.hits, at, h)
	if len(t.hits) > t.limit {
		t.hits = t.hits[:t.limit]
	}
}

// offerCodes reads the query as a UN/LOCODE, the beginning of one, or an airport's
// code.
func (g *Gazetteer) offerCodes(top *top, query string) {
	if r, ok := g.byCode(query); ok && !g.ratherName(query) {
		top.offer(hit{target{place: r}, g.rankOf(r) + codeBonus, true})
		top.exact = true
	}
	code := strings.ToUpper(strings.ReplaceAll(query, " ", ""))
	if len(code) == 3 && code == query {
		g.offerCityCodes(top, code)
	}
	if i, ok := g.byCodes[code]; ok {
		t := &g.terminals[i]
		score := g.rankOf(t.place)
		switch {
		case code == query:
			score += codeBonus
		case t.Cargo:
			score += smallBonus
		}
		top.offer(hit{target{terminal: i + 1}, score, true})
	}
	if len(code) < 3 || len(code) > 4 || !letter(code[0]) || !letter(code[1]) {
		return
	}
	from, to := packTail((code[2:] + "00")[:3]), packTail((code[2:] + "ZZ")[:3])
	if from < 0 || to < 0 {
		return
	}
	for n, l := range g.layers {
		i, _ := slices.BinarySearch(l.codes, entry(packCode(code[:2], from), 0))
		for ; i < len(l.codes) && uint32(l.codes[i]>>32) <= packCode(code[:2], to); i++ {
			r := ref{int32(n), int32(uint32(l.codes[i]))}
			top.offer(hit{target: target{place: r}, score: g.rankOf(r)})
		}
	}
}

// ratherName tells that what reads as a UN/LOCODE is the name of a place people know,
// unless it is in capitals: "Brest" is no village in Brazil.
func (g *Gazetteer) ratherName(query string) bool {
	if query == strings.ToUpper(query) {
		return false
	}
	_, score, ok := g.byName(query)
	return ok && score >= known
}

// offerCityCodes offers the cities that the three letters stand for in their UN/LOCODE,
// which are those airlines use for all airports of a city: NYC, LON.
func (g *Gazetteer) offerCityCodes(top *top, code string) {
	tail := packTail(code)
	if tail < 0 {
		return
	}
	for n, l := range g.layers {
		for i, t := range l.tail {
			if int(t) == tail+1 && l.rank[i] >= famous {
				top.offer(hit{target{place: ref{int32(n), int32(i)}}, int(l.rank[i]) + exactBonus, true})
				top.exact = true
			}
		}
	}
}

// offerNames offers the places one of whose names begins with the key.
func (g *Gazetteer) offerNames(top *top, key string) {
	for n, l := range g.layers {
		most := exactBonus
		if l.own {
			most = ownBonus
		}
		offer := func(r ref, score int, t *texts, i int, strong bool) {
			if score+most < top.least() {
				return
			}
			h := hit{target: target{place: r}, score: score}
			if h.exact = t.is(i, key); h.exact && strong {
				h.score += most
				top.exact = top.exact || !g.hidden[r]
			}
			top.offer(h)
		}
		for i, end := l.firstPlace(key), l.firstPlace(beyond(key)); i < end; i++ {
			offer(ref{int32(n), int32(i)}, int(l.rank[i]), &l.en, i, true)
		}
		for i, end := l.firstName(key), l.firstName(beyond(key)); i < end; i++ {
			r := ref{int32(n), l.namePlace[i]}
			offer(r, g.rankOf(r)-l.malus(i), &l.names, i, l.nameKind[i] != kindWeak)
		}
	}
}

// is tells an exact name from a longer one by its length, and only then looks.
func (t *texts) is(i int, key string) bool {
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return int(t.ends[i]-from) <= len(key)+8 && keyOf(t.at(i)) == key
}

// sign is a name, or the rest of one from a later word on, by its key.
type sign struct {
	key string
	target
	whole bool
}

// appendSigns adds a folded name and, from each later word on, the rest of it. Chinese
// has no spaces, so there every character may begin a word.
func appendSigns(signs []sign, folded string, of target) []sign {
	if folded == "" {
		return signs
	}
	whole := compact(folded)
	signs = append(signs, sign{whole, of, true})
	begin := false
	for i, r := range folded {
		if i > 0 && (begin || unicode.Is(unicode.Han, r)) {
			if rest := compact(folded[i:]); len(rest) > 1 {
				signs = append(signs, sign{rest, of, false})
			}
		}
		begin = r == ' '
	}
	return signs
}

// laterWords are the later words of the names of all known places.
func (g *Gazetteer) laterWords() []sign {
	var out []sign
	for n, l := range g.layers {
		add := func(at int32, name string) {
			if l.rank[at] < known || !strings.ContainsAny(name, " -'’") {
				return
			}
			for _, s := range appendSigns(nil, fold(name), target{place: ref{int32(n), at}}) {
				if !s.whole {
					out = append(out, s)
				}
			}
		}
		for i := range l.en.len() {
			add(int32(i), l.en.at(i))
		}
		for i := range l.names.len() {
			if l.nameKind[i] != kindWeak {
				add(l.namePlace[i], l.names.at(i))
			}
		}
	}
	slices.SortFunc(out, func(a, b sign) int { return strings.Compare(a.key, b.key) })
	return out
}

// offerSigns offers what has a sign that begins with the key.
func (g *Gazetteer) offerSigns(top *top, signs []sign, key string) {
	from := sort.Search(len(signs), func(i int) bool { return signs[i].key >= key })
	for _, s := range signs[from:] {
		if !strings.HasPrefix(s.key, key) {
			return
		}
		h := hit{target: s.target, score: g.scoreOf(s.target)}
		if !s.whole {
			h.score -= wordMalus
		}
		if s.key == key {
			h.score += exactBonus
			h.exact = true
		}
		top.offer(h)
	}
}

// scoreOf is how much freight people care about a target.
func (g *Gazetteer) scoreOf(of target) int {
	if of.terminal == 0 {
		return g.rankOf(of.place)
	}
	t := &g.terminals[of.terminal-1]
	score := g.rankOf(t.place) - deskMalus
	if t.Cargo {
		score += freight
	}
	return score
}

// offerReadings reads the query as a name with a country or a facility, or as a
// country.
func (g *Gazetteer) offerReadings(top *top, query string) {
	for _, q := range g.readings(query) {
		for _, s := range g.signsOf(q.key) {
			if r := g.terminals[s.terminal-1].place; s.key == q.key && (q.fits == nil || q.fits(r)) {
				top.offer(hit{s.target, g.scoreOf(s.target) + exactBonus, true})
				top.exact = true
			}
		}
		g.exact(q.key, q.fits, func(h hit) {
			h.score += exactBonus
			h.exact = true
			switch q.mode {
			case geodata.Air, geodata.Rail:
				for n, i := range g.servingBy(h.place, q.mode) {
					top.offer(hit{target{terminal: i + 1}, h.score + exactBonus - n, true})
					top.exact = true
				}
			default:
				top.offer(h)
				top.exact = true
			}
		})
		if q.mode == geodata.Air || q.mode == geodata.Rail {
			before := len(top.hits)
			for _, s := range g.signsOf(q.key) {
				if g.terminals[s.terminal-1].Mode == q.mode {
					top.offer(hit{s.target, g.scoreOf(s.target), true})
				}
			}
			top.exact = top.exact || len(top.hits) > before
		}
	}
	if c, ok := g.countryNamed(query); ok {
		for n, l := range g.layers {
			for i, at := range l.country {
				if r := (ref{int32(n), int32(i)}); l.countries[at].code == c && l.rank[i] >= known {
					top.offer(hit{target: target{place: r}, score: int(l.rank[i]) + exactBonus - aliasMalus})
				}
			}
		}
		top.exact = true
	}
}

// signsOf are the signs of terminals that begin with the key.
func (g *Gazetteer) signsOf(key string) []sign {
	from := sort.Search(len(g.signs), func(i int) bool { return g.signs[i].key >= key })
	to := sort.Search(len(g.signs), func(i int) bool { return g.signs[i].key >= beyond(key) })
	return g.signs[from:to]
}

// servingBy are the terminals of a mode that serve a place, those that take freight
// first.
func (g *Gazetteer) servingBy(r ref, m geodata.Mode) []int32 {
	var out []int32
	for _, i := range g.serving[r] {
		if g.terminals[i].Mode == m {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int32) int {
		x, y := g.terminals[a].Cargo, g.terminals[b].Cargo
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return out
}

// withTerminals puts behind the first hit what belongs to it: behind a place its
// airports and rail terminals, behind a terminal its place.
func (g *Gazetteer) withTerminals(hits []hit, limit int) []hit {
	if len(hits) == 0 || !hits[0].exact {
		return hits
	}
	out := make([]hit, 1, len(hits)+airportsShown+railShown)
	out[0] = hits[0]
	if first := hits[0]; first.terminal != 0 {
		out = append(out, hit{target: target{place: g.terminals[first.terminal-1].place}})
	} else {
		for _, m := range []struct {
			mode geodata.Mode
			n    int
		}{{geodata.Air, airportsShown}, {geodata.Rail, railShown}} {
			all := g.servingBy(first.place, m.mode)
			for _, i := range all[:min(m.n, len(all))] {
				out = append(out, hit{target: target{terminal: i + 1}})
			}
		}
	}
	for _, h := range hits[1:] {
		if !slices.ContainsFunc(out, func(x hit) bool { return x.target == h.target }) {
			out = append(out, h)
		}
	}
	return out[:min(limit, len(out))]
}

// match tells what a target is.
func (g *Gazetteer) match(of target) geodata.Match {
	if of.terminal != 0 {
		t := &g.terminals[of.terminal-1]
		kind := geodata.KindAirport
		switch t.Mode {
		case geodata.Rail:
			kind = geodata.KindRail
		case geodata.Sea:
			kind = geodata.KindSeaport
		}
		return geodata.Match{ID: t.ID, Kind: kind, Place: g.placeAt(t), Terminal: &t.Terminal, Own: g.own(t.place)}
	}
	p := g.place(of.place)
	m := geodata.Match{ID: p.Code, Kind: geodata.KindLocality, Place: p, Own: g.own(of.place)}
	if m.ID == "" {
		m.ID = p.Names.EN + ", " + string(p.Country)
	}
	for _, i := range g.serving[of.place] {
		if t := &g.terminals[i]; t.Mode == geodata.Sea {
			m.Terminal = &t.Terminal
			break
		}
	}
	switch {
	case m.Terminal != nil || p.Functions&geodata.HasSeaport != 0:
		m.Kind = geodata.KindSeaport
	case p.Functions&geodata.IsCity != 0:
		m.Kind = geodata.KindCity
	}
	return m
}
