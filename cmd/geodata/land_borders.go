package main

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/network/land"
)

const (
	// A crossing belongs to a post this near: posts are known to about 5 km and
	// the boundary to about 1 km.
	postReach = 15_000 // metres
	// A post without a line is laid one to lines so near in both countries; those of
	// border.Others in the steppe and in the mountains are farther from any.
	layReach      = 60_000 // metres
	otherLayReach = 80_000 // metres
	// A piece of one country's network no longer than this, reached only from
	// one other country, is that country's line running along a coarsely drawn
	// border.
	dipLength = 20_000 // metres
)

// borders splits every line at the border it crosses, so that each node and
// line is in one country, and keeps only the crossings that freight may use.
// It returns the table of post ids that crossings refer to.
//
// Free are borders inside one customs and movement area and, for want of facts,
// those for which no post is listed; a pair with listed posts is crossed there
// only. A pair whose only posts are closed, or that is in closedBorders, is shut.
func (w *lines) borders(mode geodata.Mode, a *areas) ([]string, error) {
	all, err := border.Posts()
	if err != nil {
		return nil, err
	}
	w.undip()
	posts := map[[2]geodata.Country][]geodata.BorderPost{} // open ones that serve the mode
	listed := map[[2]geodata.Country]bool{}
	for _, p := range all {
		pair := countryPair(p.Countries[0], p.Countries[1])
		switch {
		case p.Closed:
			listed[pair] = true
		case p.Serves(mode):
			listed[pair] = true
			posts[pair] = append(posts[pair], p)
		}
	}
	others, err := border.More(all)
	if err != nil {
		return nil, err
	}
	named := map[[2]geodata.Country][]geodata.BorderPost{} // of pairs that are crossed anywhere
	for _, p := range others {
		switch pair := countryPair(p.Countries[0], p.Countries[1]); {
		case !p.Serves(mode) || p.Closed || closedBorders[pair]:
		case listed[pair]:
			posts[pair] = append(posts[pair], p)
		default:
			named[pair] = append(named[pair], p)
		}
	}
	ids := []string{""}
	used, free, shut := map[string]int{}, map[[2]geodata.Country]int{}, map[[2]geodata.Country]int{}
	var out []line
	for _, e := range w.edges {
		ca, cb := a.codes[w.nodes[e.a].country], a.codes[w.nodes[e.b].country]
		pair := countryPair(ca, cb)
		switch {
		case ca == cb:
			out = append(out, e)
		case closedBorders[pair]:
			shut[pair]++
		case !listed[pair]:
			free[pair]++
			post, p := uint16(0), w.postOf(e, named[pair])
			if p != nil {
				used[p.ID]++
				post = postIndex(&ids, p.ID)
			}
			out = append(out, w.split(mode, e, a, p, post)...)
		default:
			p := w.postOf(e, posts[pair])
			if p == nil {
				shut[pair]++
				continue
			}
			used[p.ID]++
			out = append(out, w.split(mode, e, a, p, postIndex(&ids, p.ID))...)
		}
	}
	w.edges = out
	for _, p := range all {
		if p.Serves(mode) && !p.Closed && used[p.ID] == 0 && !w.throughPost(mode, p, a, postIndex(&ids, p.ID), layReach) {
			fmt.Printf("land:   post %s (%s) has no %s network near on both sides\n", p.ID, p.Name, mode)
		}
	}
	for _, p := range others {
		pair := countryPair(p.Countries[0], p.Countries[1])
		open := slices.Concat(named[pair], posts[pair])
		if used[p.ID] > 0 || strings.Contains(p.Note, "ferry") || !slices.ContainsFunc(open, func(q geodata.BorderPost) bool { return q.ID == p.ID }) {
			continue
		}
		if !w.throughPost(mode, p, a, postIndex(&ids, p.ID), otherLayReach) {
			fmt.Printf("land:   other post %s (%s) has no %s network near on both sides\n", p.ID, p.Name, mode)
		}
	}
	w.clean()
	fmt.Printf("land:   crossings at posts %v\n", used)
	fmt.Printf("land:   crossings without known posts %s\n", counts(free))
	fmt.Printf("land:   crossings shut %s\n", counts(shut))
	return ids, nil
}

// postOf returns the post that an edge over the border goes through. Long edges
// are drawn straight, so a post belongs to one if the edge's length allows for
// the way by the post.
func (w *lines) postOf(e line, posts []geodata.BorderPost) *geodata.BorderPost {
	var best *geodata.BorderPost
	score := math.Inf(1)
	straight := w.metres(e.a, e.b)
	for i := range posts {
		p := &posts[i]
		lat, lon := units(p.Point.Lat()), units(p.Point.Lon())
		byPost := w.toPlace(e.a, lat, lon) + w.toPlace(e.b, lat, lon)
		// The smaller of the two is how far the edge, as drawn or as long as it
		// is, passes from the post.
		off := min(byPost-straight, byPost-float64(e.metres)*1.03)
		if off < postReach && byPost-straight < score {
			best, score = p, byPost-straight
		}
	}
	return best
}

func (w *lines) toPlace(n, lat, lon int32) float64 {
	return sphereMetres(w.nodes[n].lat, w.nodes[n].lon, lat, lon)
}

func counts(m map[[2]geodata.Country]int) string {
	var keys []string
	for k, n := range m {
		keys = append(keys, fmt.Sprintf("%s-%s:%d", k[0], k[1], n))
	}
	sort.Strings(keys)
	return fmt.Sprint(keys)
}

func postIndex(ids *[]string, id string) uint16 {
	if i := slices.Index(*ids, id); i >= 0 {
		return uint16(i)
	}
	*ids = append(*ids, id)
	return uint16(len(*ids) - 1)
}

func units(degrees float64) int32 {
	if degrees < 0 {
		return int32(degrees*land.UnitsPerDegree - 0.5)
	}
	return int32(degrees*land.UnitsPerDegree + 0.5)
}

func countryPair(a, b geodata.Country) [2]geodata.Country {
	if a > b {
		a, b = b, a
	}
	return [2]geodata.Country{a, b}
}

// undip relabels short stretches of line that seem to dip into a neighbour.
func (w *lines) undip() {
	u := newUnion(len(w.nodes))
	for _, e := range w.edges {
		if w.nodes[e.a].country == w.nodes[e.b].country {
			u.join(e.a, e.b)
		}
	}
	length := map[int32]int{}
	whole := map[uint8]int{}
	for _, e := range w.edges {
		if c := w.nodes[e.a].country; c == w.nodes[e.b].country {
			length[u.find(e.a)] += int(e.metres)
			whole[c] += int(e.metres)
		}
	}
	const many = 0xff
	neighbour := map[int32]uint8{}
	for _, e := range w.edges {
		if w.nodes[e.a].country == w.nodes[e.b].country {
			continue
		}
		for _, s := range [][2]int32{{e.a, e.b}, {e.b, e.a}} {
			root, c := u.find(s[0]), w.nodes[s[1]].country
			if seen, ok := neighbour[root]; ok && seen != c {
				c = many
			}
			neighbour[root] = c
		}
	}
	changed := 0
	relabel := make([]uint8, len(w.nodes))
	for i := range w.nodes {
		root := u.find(int32(i))
		relabel[i] = w.nodes[i].country
		c, ok := neighbour[root]
		if ok && c != many && c != 0 && length[root] <= dipLength && 2*length[root] < whole[w.nodes[i].country] {
			relabel[i] = c
			changed++
		}
	}
	for i, c := range relabel {
		w.nodes[i].country = c
	}
	fmt.Printf("land:   %d nodes of dips given to the neighbour\n", changed)
}

// split cuts an edge between two countries at the border: a node on each side of
// the same place, joined by an edge without length. With a post the place is the
// post where the edge is long enough to have been drawn past it.
func (w *lines) split(mode geodata.Mode, e line, a *areas, post *geodata.BorderPost, index uint16) []line {
	p, q := w.nodes[e.a], w.nodes[e.b]
	at := func(f float64) (lat, lon float64) {
		return (float64(p.lat) + f*float64(q.lat-p.lat)) / land.UnitsPerDegree,
			(float64(p.lon) + f*float64(q.lon-p.lon)) / land.UnitsPerDegree
	}
	lo, hi := 0.0, 1.0
	for range 20 {
		mid := (lo + hi) / 2
		switch c := a.at(at(mid)); {
		case c == p.country, c != q.country && mid < 0.5:
			lo = mid
		default:
			hi = mid
		}
	}
	atLat, atLon := at(hi)
	lat, lon := units(atLat), units(atLon)
	if post != nil {
		postLat, postLon := units(post.Point.Lat()), units(post.Point.Lon())
		straight := w.metres(e.a, e.b)
		if byPost := w.toPlace(e.a, postLat, postLon) + w.toPlace(e.b, postLat, postLon); straight > postReach && byPost < 1.25*straight {
			lat, lon = postLat, postLon
			hi = w.toPlace(e.a, lat, lon) / byPost
		}
	}
	part := int32(float64(e.metres) * hi)
	n := int32(len(w.nodes))
	w.nodes = append(w.nodes, vertex{lat: lat, lon: lon, country: p.country}, vertex{lat: lat, lon: lon, country: q.country})
	return []line{
		{a: e.a, b: n, metres: part, estimated: e.estimated, slow: e.slow, ferry: e.ferry},
		{a: n, b: n + 1, post: index, delay: borderDelay(mode, a.codes[p.country], a.codes[q.country])},
		{a: n + 1, b: e.b, metres: e.metres - part, estimated: e.estimated, slow: e.slow, ferry: e.ferry},
	}
}

// borderDelay is what a crossing costs in the choice of the way, in kilometres,
// so that the way does not go through a third country to save a few of them. It
// is the same for all posts of a kind: which of them is quick today is for the
// planner to weigh, which asks for the ways between posts.
func borderDelay(mode geodata.Mode, from, to geodata.Country) uint16 {
	switch {
	case mode == geodata.Rail && broadGauge[from] != broadGauge[to]:
		return 700
	case freeMovement[from] != 0 && freeMovement[from] == freeMovement[to]:
		return 0
	case commonTransit(from) && commonTransit(to):
		return 60
	case economicUnion[from] && economicUnion[to]:
		return 150
	default:
		return 350
	}
}

// economicUnion are the members of the Eurasian Economic Union: no customs
// between them, though lorries are checked at the borders.
var economicUnion = map[geodata.Country]bool{"RU": true, "BY": true, "KZ": true, "KG": true, "AM": true}

// commonTransit tells whether a country takes common transit declarations and lets
// through freight pass: at its borders with others that do, a lorry opens no new
// customs procedure. 60 km is an hour of its pace. More, and the way from Istanbul
// to Budapest goes by Romania, 150 km longer than that by Serbia which route
// planners give; 350, as elsewhere, and so does the one from Sofia. Ukraine, Moldova
// and Georgia take the declarations too, but lorries wait for days there or have no
// way on.
func commonTransit(c geodata.Country) bool {
	switch c {
	case "GB", "RS", "MK", "TR", "ME":
		return true
	}
	return freeMovement[c] == 1
}

// broadGauge are the countries with 1520 mm track (Finland's 1524 mm passes for
// it): wagons do not run on over a border with any other gauge.
var broadGauge = map[geodata.Country]bool{
	"RU": true, "BY": true, "UA": true, "MD": true, "LT": true, "LV": true, "EE": true, "FI": true, "KZ": true,
	"UZ": true, "TM": true, "KG": true, "TJ": true, "MN": true, "AZ": true, "GE": true, "AM": true,
}

// freeMovement groups the countries between which goods pass without control.
var freeMovement = func() map[geodata.Country]int {
	m := map[geodata.Country]int{}
	for i, group := range [][]geodata.Country{
		{
			"AT", "BE", "BG", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI",
			"LT", "LU", "LV", "MC", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "SM", "VA", "AD",
		}, // EU customs union, EEA and Switzerland
		{"RU", "BY"},                   // Union State: no border control of goods vehicles
		{"ZA", "BW", "LS", "NA", "SZ"}, // Southern African Customs Union
	} {
		for _, c := range group {
			m[c] = i + 1
		}
	}
	return m
}()

// throughPost lays a line over a post the source has no crossing at.
func (w *lines) throughPost(mode geodata.Mode, p geodata.BorderPost, a *areas, post uint16, reach float64) bool {
	lat, lon := units(p.Point.Lat()), units(p.Point.Lon())
	g := w.grid()
	var ends [2]int32
	for side, c := range p.Countries {
		best, gap := int32(-1), reach
		g.within(lat, lon, gap, func(n int32, d float64) {
			if d < gap && a.codes[w.nodes[n].country] == c {
				best, gap = n, d
			}
		})
		if best < 0 {
			return false
		}
		fmt.Printf("land:   post %s (%s) laid to %s over %.1f km\n", p.ID, p.Name, c, gap/1000)
		n := int32(len(w.nodes))
		w.nodes = append(w.nodes, vertex{lat: lat, lon: lon, country: w.nodes[best].country})
		l := link(best, n, gap)
		l.metres = int32(gap * 1.3)
		w.edges = append(w.edges, l)
		ends[side] = n
	}
	w.edges = append(w.edges, line{a: ends[0], b: ends[1], post: post, delay: borderDelay(mode, p.Countries[0], p.Countries[1])})
	return true
}

// closedBorders are pairs of neighbours between which no freight passes by land.
// General knowledge as of 2026.
var closedBorders = map[[2]geodata.Country]bool{
	{"RU", "UA"}: true, // war
	{"BY", "UA"}: true, // war
	{"FI", "RU"}: true, // closed to vehicles since December 2023
	{"KP", "KR"}: true,
	{"AM", "AZ"}: true,
	{"AM", "TR"}: true,
	{"DZ", "MA"}: true,
	{"IL", "LB"}: true,
	{"IL", "SY"}: true,
	{"IN", "PK"}: true,
	{"CN", "IN"}: true,
	{"BT", "CN"}: true,
	{"AF", "CN"}: true,
	{"ER", "ET"}: true,
	{"DJ", "ER"}: true,
}
