package gazetteer

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"corridor/geodata"
)

// spelling is the key of a name prepared for comparing with misspelt ones.
type spelling struct {
	of     target
	mask   uint64 // a bit for each letter there is, by its code modulo 64
	begin  uint32 // of the key in letters
	length uint8  // longer names are not guessed
	malus  uint8
}

// spellings are prepared names in one piece of memory, since each misspelt query goes
// through all of them.
type spellings struct {
	all     []spelling
	letters []rune
}

func (s *spellings) key(i int) []rune {
	return s.letters[s.all[i].begin:][:s.all[i].length]
}

func letterMask(key []rune) (mask uint64) {
	for _, r := range key {
		mask |= 1 << (uint(r) % 64)
	}
	return mask
}

// spellings are the names of all known places and of the terminals.
func (g *Gazetteer) spellings() spellings {
	var out spellings
	add := func(of target, key string, malus int) {
		begin := len(out.letters)
		out.letters = append(out.letters, []rune(key)...)
		letters := out.letters[begin:]
		if len(letters) == 0 || len(letters) > math.MaxUint8 {
			out.letters = out.letters[:begin]
			return
		}
		out.all = append(out.all, spelling{of, letterMask(letters), uint32(begin), uint8(len(letters)), uint8(malus)})
	}
	for n, l := range g.layers {
		for i := range l.en.len() {
			if r := (ref{int32(n), int32(i)}); l.rank[i] >= known && !g.hidden[r] {
				add(target{place: r}, keyOf(l.en.at(i)), 0)
			}
		}
		for i := range l.names.len() {
			if r := (ref{int32(n), l.namePlace[i]}); l.rank[r.at] >= known && !g.hidden[r] {
				add(target{place: r}, keyOf(l.names.at(i)), l.malus(i))
			}
		}
	}
	for _, s := range g.signs {
		if len(s.key) > 5 && !isAffix(s.key) {
			add(s.target, s.key, wordMalus)
		}
	}
	return out
}

// isAffix tells the words that only say what a terminal is: "airport" is three letters
// from "Duisport".
func isAffix(key string) bool {
	for _, a := range affixes {
		if key == compact(strings.TrimSpace(a.before+a.after)) {
			return true
		}
	}
	return false
}

// guess is a name within a few letters of a query.
type guess struct {
	of    target
	edits int // letters that are wrong
	malus int
	cut   bool // the name goes on behind what was typed
}

// guesses gives the names within a few letters of a key, or that begin with
// something within a few letters of it.
func (g *Gazetteer) guesses(key string, take func(guess)) {
	letters := []rune(key)
	length := len(letters)
	limit := min(3, (length+1)/3)
	if length < 2 || length > 64 || limit == 0 {
		return
	}
	mask := letterMask(letters)
	var rows editRows
	all := g.spelt()
	for i := range all.all {
		s := &all.all[i]
		long := int(s.length) - length
		if long < -limit || bits.OnesCount64(mask&^s.mask) > limit {
			continue
		}
		whole := long <= limit && bits.OnesCount64(s.mask&^mask) <= limit
		// A name that goes on is guessed only when it begins as typed: people
		// seldom miss the first letter, and there are many names.
		if !whole && (length < 5 || all.letters[s.begin] != letters[0]) {
			continue
		}
		full, begins := rows.distance(letters, all.key(i), limit)
		switch {
		case full <= limit:
			take(guess{s.of, full, int(s.malus), false})
		case begins < limit && length >= 5:
			take(guess{s.of, begins, int(s.malus), true})
		}
	}
}

// offerMisspelt offers names that are nearly the key.
func (g *Gazetteer) offerMisspelt(top *top, key string) {
	g.guesses(key, func(s guess) {
		h := hit{target: s.of, exact: !s.cut, score: g.scoreOf(s.of) + exactBonus - s.malus - editMalus*s.edits}
		if s.cut {
			h.score -= exactBonus + cutMalus
		}
		top.offer(h)
	})
}

// suggest lists places whose name is within a few letters of the query, for the
// error that says it is unknown.
func (g *Gazetteer) suggest(query string) []geodata.Place {
	if i := strings.LastIndexAny(query, ",("); i > 0 { // the country may be the wrong part
		query = query[:i]
	}
	best := map[ref]int{}
	g.guesses(keyOf(query), func(s guess) {
		if s.cut || s.of.terminal != 0 {
			return
		}
		if have, ok := best[s.of.place]; !ok || s.edits < have {
			best[s.of.place] = s.edits
		}
	})
	places := make([]ref, 0, len(best))
	for r := range best {
		places = append(places, r)
	}
	slices.SortFunc(places, func(a, b ref) int {
		return cmp.Or(cmp.Compare(best[a], best[b]), g.compare(a, b))
	})
	var out []geodata.Place
	for _, r := range places[:min(len(places), suggestions)] {
		out = append(out, g.place(r))
	}
	return out
}

// editRows is memory for distance to work in.
type editRows [3][]int

// distance is the number of letters to insert, delete, change or swap with a
// neighbour to make a of b (optimal string alignment), and the least number to make
// a of any beginning of b; limit+1 when it is more.
func (rows *editRows) distance(a, b []rune, limit int) (whole, begins int) {
	long := len(b) > len(a)+limit
	if long {
		b = b[:len(a)+limit]
	}
	for i := range rows {
		if cap(rows[i]) <= len(b) {
			rows[i] = make([]int, 2*len(b)+2)
		}
		rows[i] = rows[i][:len(b)+1]
	}
	before, last, row := rows[0], rows[1], rows[2]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1, limit + 1
		}
		before, last, row = last, row, before
	}
	whole, begins = limit+1, limit+1
	if !long {
		whole = min(whole, last[len(b)])
	}
	for _, d := range last {
		begins = min(begins, d)
	}
	return whole, begins
}
