package land

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/path"
)

// The networks are read once for all tests.
var (
	openRoad = sync.OnceValues(func() (*Graph, error) { return Open(geodata.Road) })
	openRail = sync.OnceValues(func() (*Graph, error) { return Open(geodata.Rail) })
)

func open(t testing.TB, m geodata.Mode) *Graph {
	t.Helper()
	f := openRoad
	if m == geodata.Rail {
		f = openRail
	}
	g, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var (
	qingdao = orb.Point{120.38, 36.07}
	moscow  = orb.Point{37.62, 55.75}
	berlin  = orb.Point{13.40, 52.52}
	almaty  = orb.Point{76.93, 43.25}
)

func posts(p geodata.Path) []string {
	var out []string
	for _, c := range p.Crossings {
		out = append(out, string(c.From)+">"+string(c.To)+" "+c.Post)
	}
	return out
}

func TestRouteTellsBordersAndCountries(t *testing.T) {
	p, err := open(t, geodata.Road).Route(t.Context(), moscow, berlin, geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if got := posts(p); len(got) != 3 || got[0] != "RU>BY " || got[1] != "BY>PL KUK" || got[2] != "PL>DE " {
		t.Errorf("crossings are %q, want Belarus freely, Poland at Kukuryki, Germany freely", got)
	}
	sum := 0.0
	for _, c := range p.Countries {
		sum += c.KM
	}
	if math.Abs(sum-p.DistanceKM) > 0.01 {
		t.Errorf("countries add up to %.2f km of %.2f", sum, p.DistanceKM)
	}
	if p.Geometry[0] != moscow || path.Distance(p.Geometry[len(p.Geometry)-1], berlin) > 0.001 {
		t.Error("the geometry does not run from start to end")
	}
	for i, c := range p.Crossings {
		if i > 0 && c.AtKM < p.Crossings[i-1].AtKM || c.AtKM > p.DistanceKM {
			t.Errorf("crossing %d is at %.1f km of %.1f", i, c.AtKM, p.DistanceKM)
		}
		if _, off := path.Project(p.Geometry, c.Point); off > 0.2 {
			t.Errorf("crossing %d lies %.2f km off the path", i, off)
		}
	}
}

func TestRailCrossesAtTheProperPost(t *testing.T) {
	places := map[string]orb.Point{
		"Ürümqi": {87.62, 43.82}, "Astana": {71.43, 51.13}, "Almaty": almaty, "Harbin": {126.63, 45.75}, "Chita": {113.50, 52.03},
		"Beijing": {116.40, 39.90}, "Ulaanbaatar": {106.91, 47.92}, "Ulan-Ude": {107.58, 51.83}, "Minsk": {27.56, 53.90}, "Warsaw": {21.01, 52.23},
		"Yining": {81.32, 43.95},
	}
	for _, c := range []struct{ from, to, post string }{
		{"Ürümqi", "Astana", "ALA-DOS-T"},
		{"Yining", "Almaty", "KHO-ALT"},
		{"Harbin", "Chita", "MZL-ZAB-T"},
		{"Beijing", "Ulaanbaatar", "ERL-ZAM-T"},
		{"Ulaanbaatar", "Ulan-Ude", "NAU-SUH"},
		{"Minsk", "Warsaw", "BRE-MAL"},
	} {
		p, err := open(t, geodata.Rail).Route(t.Context(), places[c.from], places[c.to], geodata.Avoid{})
		if err != nil {
			t.Errorf("%s–%s: %v", c.from, c.to, err)
			continue
		}
		if len(p.Crossings) != 1 || p.Crossings[0].Post != c.post {
			t.Errorf("%s–%s crosses %q, want %s", c.from, c.to, posts(p), c.post)
		}
	}
}

func TestEveryPostIsReachedFromBothSides(t *testing.T) {
	all, err := border.Posts()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		g := open(t, mode)
		for _, post := range all {
			if !post.Serves(mode) || post.Closed {
				continue
			}
			// A crossing of the post exists, and its point is near the lines of both.
			found := 0
			for i, e := range g.edges {
				if g.border(int32(i)) && g.posts[e.Post] == post.ID {
					found++
				}
			}
			if found == 0 {
				t.Errorf("%s post %s (%s) is not in the network", mode, post.ID, post.Name)
			}
			for _, side := range post.Countries {
				pr := &profile{avoided: make([]bool, len(g.countries))}
				pr.avoided[slices.Index(g.countries, post.Other(side))] = true
				snaps, err := g.snaps(post.Point, pr)
				if err != nil || snaps[0].metres > besideReach {
					t.Errorf("%s post %s is not near a line of %s: %v", mode, post.ID, side, err)
				}
			}
		}
	}
}

func TestAvoid(t *testing.T) {
	g := open(t, geodata.Road)
	free, err := g.Route(t.Context(), moscow, berlin, geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	round, err := g.Route(t.Context(), moscow, berlin, geodata.Avoid{Countries: []geodata.Country{"BY"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range round.Countries {
		if c.Country == "BY" {
			t.Errorf("%.0f km in a country to avoid", c.KM)
		}
	}
	if round.DistanceKM <= free.DistanceKM {
		t.Errorf("round Belarus %.0f km, through it %.0f", round.DistanceKM, free.DistanceKM)
	}
	other, err := g.Route(t.Context(), moscow, berlin, geodata.Avoid{Borders: []string{"KUK"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range other.Crossings {
		if c.Post == "KUK" {
			t.Error("crosses at a post to avoid")
		}
	}
	again, err := g.Route(t.Context(), moscow, berlin, geodata.Avoid{})
	if err != nil || again.DistanceKM != free.DistanceKM {
		t.Errorf("after avoiding, the free way is %.3f km, was %.3f (%v)", again.DistanceKM, free.DistanceKM, err)
	}
}

func TestShutLinesOfAMode(t *testing.T) {
	for _, c := range []struct {
		mode  geodata.Mode
		avoid geodata.Avoid
		round bool
	}{
		{geodata.Road, geodata.Avoid{Roads: []geodata.Country{"BY"}}, true},
		{geodata.Road, geodata.Avoid{Rails: []geodata.Country{"BY"}}, false},
		{geodata.Rail, geodata.Avoid{Rails: []geodata.Country{"BY"}}, true},
		{geodata.Rail, geodata.Avoid{Roads: []geodata.Country{"BY"}}, false},
	} {
		p, err := open(t, c.mode).Route(t.Context(), moscow, berlin, c.avoid)
		if err != nil {
			t.Fatal(err)
		}
		through := slices.ContainsFunc(p.Countries, func(k geodata.CountryKM) bool { return k.Country == "BY" })
		if through == c.round {
			t.Errorf("by %s under %+v: through Belarus is %v", c.mode, c.avoid, through)
		}
	}
}

func TestInside(t *testing.T) {
	g := open(t, geodata.Road)
	inside := [][]geodata.Country{{"RU", "BY"}, {"DE", "PL"}}
	minsk, warsaw := orb.Point{27.56, 53.90}, orb.Point{21.01, 52.23}
	only := func(keep ...geodata.Country) []geodata.Country {
		var out []geodata.Country
		for _, c := range g.countries[1:] {
			if !slices.Contains(keep, c) {
				out = append(out, c)
			}
		}
		return out
	}
	for _, c := range []struct {
		name     string
		from, to orb.Point
		avoid    geodata.Avoid
		ok       bool
	}{
		{"in one group", moscow, minsk, geodata.Avoid{Inside: inside}, true},
		{"in the other", berlin, warsaw, geodata.Avoid{Inside: inside}, true},
		{"between groups", minsk, warsaw, geodata.Avoid{Inside: inside}, false},
		{"out of a group", moscow, almaty, geodata.Avoid{Inside: inside}, false},
		{"no group at all", moscow, minsk, geodata.Avoid{Inside: [][]geodata.Country{}}, false},
		{"the area asked for", moscow, minsk, geodata.Avoid{Inside: inside, Countries: only("RU", "BY")}, true},
		{"another area", berlin, warsaw, geodata.Avoid{Inside: inside, Countries: only("DE", "PL")}, true},
		{"outside the area", berlin, warsaw, geodata.Avoid{Inside: inside, Countries: only("RU", "BY")}, false},
		{"half a group", moscow, minsk, geodata.Avoid{Inside: inside, Countries: []geodata.Country{"BY"}}, false},
	} {
		if _, err := g.Route(t.Context(), c.from, c.to, c.avoid); (err == nil) != c.ok || err != nil && !errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// One area after another needs one metric.
	a, b := g.limits(geodata.Avoid{Inside: inside, Countries: only("RU", "BY")}), g.limits(geodata.Avoid{Inside: inside, Countries: only("CN")})
	if a.key() != b.key() {
		t.Error("two areas have two metrics")
	}
}

func TestMetricsAreForgotten(t *testing.T) {
	g := open(t, geodata.Road)
	for _, c := range []geodata.Country{"MW", "LS", "SZ", "BI", "RW", "GM"} {
		if _, err := g.Table(t.Context(), []orb.Point{moscow}, []orb.Point{berlin}, geodata.Avoid{Countries: []geodata.Country{c}}); err != nil {
			t.Fatal(err)
		}
	}
	bytes := 0
	for _, e := range g.entries {
		bytes += e.metric.bytes()
	}
	if bytes > keptBytes {
		t.Errorf("metrics take %d MB, more than %d", bytes>>20, keptBytes>>20)
	}
}

func TestNoRoute(t *testing.T) {
	honolulu, atlantic, dublin, zanzibar, dar := orb.Point{-157.86, 21.31}, orb.Point{-30, 35}, orb.Point{-6.26, 53.35}, orb.Point{39.20, -6.16}, orb.Point{39.27, -6.82}
	for _, c := range []struct {
		name     string
		from, to orb.Point
		avoid    geodata.Avoid
	}{
		{"an island", moscow, honolulu, geodata.Avoid{}},
		{"the ocean", moscow, atlantic, geodata.Avoid{}},
		{"over the Irish Sea", berlin, dublin, geodata.Avoid{}},
		{"over the Zanzibar channel, 35 km", zanzibar, dar, geodata.Avoid{}},
		{"into what is avoided", moscow, almaty, geodata.Avoid{Countries: []geodata.Country{"KZ"}}},
		{"all ways avoided", moscow, berlin, geodata.Avoid{Countries: []geodata.Country{"BY", "LV", "EE", "LT", "NO", "GE", "KZ", "AZ", "MN", "CN", "KP"}}},
	} {
		if p, err := open(t, geodata.Road).Route(t.Context(), c.from, c.to, c.avoid); !errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%s: %v, %.0f km %q", c.name, err, p.DistanceKM, posts(p))
		}
	}
	for _, p := range []orb.Point{{0, 91}, {math.NaN(), 0}, {0, math.Inf(1)}, {1e9, 0}} {
		if _, err := open(t, geodata.Road).Route(t.Context(), p, moscow, geodata.Avoid{}); err == nil || errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("point %v: %v, want an error about the point", p, err)
		}
	}
}

func TestOffTheNetworkIsEstimated(t *testing.T) {
	g := open(t, geodata.Road)
	taiga := orb.Point{96.0, 57.5} // no main road within 100 km
	p, err := g.Route(t.Context(), taiga, moscow, geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Estimated {
		t.Error("a way from the taiga is not marked estimated")
	}
	p, err = g.Route(t.Context(), taiga, orb.Point{96.02, 57.51}, geodata.Avoid{})
	if err != nil || p.DistanceKM > 4 {
		t.Errorf("two places side by side off the network are %.1f km apart (%v)", p.DistanceKM, err)
	}
	p, err = g.Route(t.Context(), taiga, taiga, geodata.Avoid{})
	if err != nil || p.DistanceKM != 0 || len(p.Geometry) < 2 {
		t.Errorf("from a place to itself: %.1f km, %d points (%v)", p.DistanceKM, len(p.Geometry), err)
	}
	p, err = g.Route(t.Context(), moscow, moscow, geodata.Avoid{})
	if err != nil || p.DistanceKM != 0 || p.Estimated {
		t.Errorf("from Moscow to itself: %.1f km, estimated %v (%v)", p.DistanceKM, p.Estimated, err)
	}
}

// Where the data has no road a way is estimated, over land and inside a country.
func TestWithoutRoads(t *testing.T) {
	g := open(t, geodata.Road)
	a, b := orb.Point{-40.0, 72.0}, orb.Point{-39.0, 72.5} // on the ice of Greenland
	p, err := g.Route(t.Context(), a, b, geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if straight := path.Distance(a, b); !p.Estimated || math.Abs(p.DistanceKM-straight*circuity("GL")) > 0.01 || p.Countries[0].Country != "GL" {
		t.Errorf("%.1f km, estimated %v, for %.1f km of great circle", p.DistanceKM, p.Estimated, straight)
	}
	d, err := g.Table(t.Context(), []orb.Point{a}, []orb.Point{b}, geodata.Avoid{})
	if err != nil || math.Abs(d[0][0]-p.DistanceKM) > 0.01 {
		t.Errorf("the table says %v (%v), the route %.1f km", d, err, p.DistanceKM)
	}
	for name, bad := range map[string]struct {
		mode  geodata.Mode
		to    orb.Point
		avoid geodata.Avoid
	}{
		"by rail":              {geodata.Rail, b, geodata.Avoid{}},
		"over water":           {geodata.Road, orb.Point{-22.0, 64.1}, geodata.Avoid{}},
		"in a shut country":    {geodata.Road, b, geodata.Avoid{Countries: []geodata.Country{"GL"}}},
		"where roads are shut": {geodata.Road, b, geodata.Avoid{Roads: []geodata.Country{"GL"}}},
	} {
		if p, err := open(t, bad.mode).Route(t.Context(), a, bad.to, bad.avoid); !errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%s: %v, %.0f km", name, err, p.DistanceKM)
		}
	}
}

func TestCancelledCustomisationDoesNotStay(t *testing.T) {
	g := open(t, geodata.Rail)
	avoid := geodata.Avoid{Countries: []geodata.Country{"MW"}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Route(ctx, moscow, berlin, avoid); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	if _, err := g.Route(t.Context(), moscow, berlin, avoid); err != nil {
		t.Errorf("after a cancelled caller: %v", err)
	}
}

func TestOverTheAntimeridian(t *testing.T) {
	// A road of three nodes over ±180, as a network of its own.
	net := &Net{
		Mode: geodata.Road, Countries: []geodata.Country{"", "RU"}, Posts: []string{""}, Kinds: []Kind{{}},
		Lat: []int32{68000, 68000, 68000}, Lon: []int32{179500, 181500, 180500}, NodeCountry: []uint8{1, 1, 1},
		Edges: []Edge{{From: 0, To: 2, Metres: 42000}, {From: 1, To: 2, Metres: 42000}},
	}
	g, err := New(net)
	if err != nil {
		t.Fatal(err)
	}
	p, err := g.Route(t.Context(), orb.Point{179.5, 68}, orb.Point{-178.5, 68}, geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(p.DistanceKM-84) > 0.1 {
		t.Errorf("%.1f km, want 84", p.DistanceKM)
	}
	for i := 1; i < len(p.Geometry); i++ {
		if math.Abs(p.Geometry[i][0]-p.Geometry[i-1][0]) > 180 {
			t.Error("longitudes jump")
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	g := open(t, geodata.Rail)
	var all sync.WaitGroup
	for _, avoid := range []geodata.Avoid{{}, {}, {Countries: []geodata.Country{"KZ"}}, {Countries: []geodata.Country{"KZ"}}, {Borders: []string{"KHO-ALT"}}} {
		all.Go(func() {
			for range 5 {
				if _, err := g.Route(context.Background(), qingdao, moscow, avoid); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// drawPlace draws a place on or near the network.
func drawPlace(t *rapid.T, g *Graph, nodes []int32, label string) orb.Point {
	n := nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, label)]
	return orb.Point{
		float64(g.lon[n])/UnitsPerDegree + rapid.Float64Range(-0.02, 0.02).Draw(t, label+" east"),
		float64(g.lat[n])/UnitsPerDegree + rapid.Float64Range(-0.02, 0.02).Draw(t, label+" north"),
	}
}

func drawAvoid(t *rapid.T, g *Graph) geodata.Avoid {
	return rapid.SampledFrom([]geodata.Avoid{
		{},
		{Countries: []geodata.Country{"KZ", "DE"}},
		{Borders: []string{"KUK", "MZL-ZAB-R", "MZL-ZAB-T"}, Countries: []geodata.Country{"CA"}},
	}).Draw(t, "avoid")
}

func TestTableEqualsRoute(t *testing.T) {
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		g := open(t, mode)
		nodes := make([]int32, len(g.lat))
		for v := range nodes {
			nodes[v] = int32(v)
		}
		rapid.Check(t, func(t *rapid.T) {
			from := []orb.Point{drawPlace(t, g, nodes, "a"), drawPlace(t, g, nodes, "b")}
			to := []orb.Point{drawPlace(t, g, nodes, "c"), drawPlace(t, g, nodes, "d")}
			avoid := drawAvoid(t, g)
			table, err := g.Table(context.Background(), from, to, avoid)
			if err != nil {
				t.Fatal(err)
			}
			for i := range from {
				for j := range to {
					p, err := g.Route(context.Background(), from[i], to[j], avoid)
					switch {
					case errors.Is(err, geodata.ErrNoRoute):
						if !math.IsInf(table[i][j], 1) {
							t.Fatalf("no route, but the table says %.3f km", table[i][j])
						}
					case err != nil:
						t.Fatal(err)
					case math.Abs(p.DistanceKM-table[i][j]) > 0.01:
						t.Fatalf("route %.3f km, table %.3f km", p.DistanceKM, table[i][j])
					}
				}
			}
		})
	}
}

func TestRoutesAreSound(t *testing.T) {
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		g := open(t, mode)
		allowed, err := border.Posts()
		if err != nil {
			t.Fatal(err)
		}
		listed := map[[2]geodata.Country]bool{}
		for _, p := range allowed {
			if p.Serves(mode) && !p.Closed {
				listed[p.Countries], listed[[2]geodata.Country{p.Countries[1], p.Countries[0]}] = true, true
			}
		}
		// Places of one part of the network, or few would have a way between them.
		joined := largestPart(g)
		rapid.Check(t, func(t *rapid.T) {
			a, b := drawPlace(t, g, joined, "a"), drawPlace(t, g, joined, "b")
			avoid := drawAvoid(t, g)
			p, err := g.Route(context.Background(), a, b, avoid)
			if errors.Is(err, geodata.ErrNoRoute) {
				t.SkipNow()
			}
			if err != nil {
				t.Fatal(err)
			}
			back, err := g.Route(context.Background(), b, a, avoid)
			if err != nil {
				t.Fatal(err)
			}
			// Equal costs may be broken either way, but hardly differ in length.
			if math.Abs(p.DistanceKM-back.DistanceKM) > 0.01*p.DistanceKM+0.1 {
				t.Fatalf("there %.3f km, back %.3f", p.DistanceKM, back.DistanceKM)
			}
			if straight := path.Distance(a, b); p.DistanceKM < 0.94*straight-0.5 {
				t.Fatalf("%.1f km by %s for %.1f km of great circle", p.DistanceKM, mode, straight)
			}
			for _, c := range p.Countries {
				for _, x := range avoid.Countries {
					if c.Country == x {
						t.Fatalf("%.1f km in %s, which is avoided", c.KM, x)
					}
				}
			}
			at := p.Countries[0].Country
			for _, c := range p.Crossings {
				if c.From != at {
					t.Fatalf("crosses from %s while in %s", c.From, at)
				}
				at = c.To
				if c.Post == "" && listed[[2]geodata.Country{c.From, c.To}] {
					t.Fatalf("crosses from %s to %s where no post is", c.From, c.To)
				}
				for _, x := range avoid.Borders {
					if c.Post == x {
						t.Fatalf("crosses at %s, which is avoided", x)
					}
				}
			}
			if last := p.Countries[len(p.Countries)-1].Country; at != last && last != "" {
				t.Fatalf("ends in %s after crossing to %s", last, at)
			}
		})
	}
}

// TestCostKeepsTheTriangle: between places on the network a third never makes the
// way cheaper. Off the network that is not promised: a way there hops to several
// lines, so a third place may join two that are not joined elsewhere.
func TestCostKeepsTheTriangle(t *testing.T) {
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		g := open(t, mode)
		joined := largestPart(g)
		rapid.Check(t, func(t *rapid.T) {
			pr, err := g.profile(context.Background(), drawAvoid(t, g))
			if err != nil {
				t.Fatal(err)
			}
			var climbs [3]*climb
			for i := range climbs {
				v := joined[rapid.IntRange(0, len(joined)-1).Draw(t, "node")]
				snaps, err := g.snaps(orb.Point{float64(g.lon[v]) / UnitsPerDegree, float64(g.lat[v]) / UnitsPerDegree}, pr)
				if err != nil || snaps[0].cost != 0 {
					t.SkipNow() // in a country avoided, or at the drawn end of a line
				}
				climbs[i] = g.climb(&end{snaps: snaps}, pr.metric)
				defer g.climbs.Put(climbs[i])
			}
			cost := func(i, j int) uint64 {
				if node, c := meet(climbs[i], climbs[j]); node >= 0 {
					return uint64(c)
				}
				return math.MaxUint32
			}
			if straight, round := cost(0, 2), cost(0, 1)+cost(1, 2); straight > round {
				t.Fatalf("%d straight, %d by a third place", straight, round)
			}
		})
	}
}

// TestMoreLinesNeverCostMore: choosing among the lines around a point is at least
// as good as taking the nearest.
func TestMoreLinesNeverCostMore(t *testing.T) {
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		g := open(t, mode)
		joined := largestPart(g)
		pr, err := g.profile(t.Context(), geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			var climbs [4]*climb
			for i, label := range []string{"a", "b"} {
				snaps, err := g.snaps(drawPlace(t, g, joined, label), pr)
				if err != nil {
					t.SkipNow()
				}
				climbs[i], climbs[i+2] = g.climb(&end{snaps: snaps}, pr.metric), g.climb(&end{snaps: snaps[:1]}, pr.metric)
				defer g.climbs.Put(climbs[i])
				defer g.climbs.Put(climbs[i+2])
			}
			_, choice := meet(climbs[0], climbs[1])
			if _, nearest := meet(climbs[2], climbs[3]); choice > nearest {
				t.Fatalf("%d by the best of the lines around, %d by the nearest", choice, nearest)
			}
		})
	}
}

func TestTableIsZeroAtHome(t *testing.T) {
	g := open(t, geodata.Road)
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(0, 5).Draw(t, "lon"), rapid.Float64Range(44, 49).Draw(t, "lat")}
		d, err := g.Table(context.Background(), []orb.Point{p}, []orb.Point{p}, geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		if d[0][0] != 0 {
			t.Fatalf("%.3f km from a place to itself", d[0][0])
		}
	})
}

func largestPart(g *Graph) []int32 {
	sizes := map[int32]int{}
	for _, part := range g.part {
		sizes[part]++
	}
	largest := g.part[0]
	for part, size := range sizes {
		if size > sizes[largest] || size == sizes[largest] && part < largest {
			largest = part
		}
	}
	var out []int32
	for v, part := range g.part {
		if part == largest {
			out = append(out, int32(v))
		}
	}
	return out
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(geodata.Road); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCustomise(b *testing.B) {
	g := open(b, geodata.Road)
	p := &profile{limits: g.limits(geodata.Avoid{})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.up.customise(b.Context(), func(int32) bool { return false }, g.weigh(p)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(g.up.head)), "arcs")
}

func BenchmarkRouteQingdaoMoscow(b *testing.B) {
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		b.Run(string(mode), func(b *testing.B) {
			g := open(b, mode)
			if _, err := g.Route(b.Context(), qingdao, moscow, geodata.Avoid{}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Route(b.Context(), qingdao, moscow, geodata.Avoid{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRouteAny asks for the way with its path between all the cities of the
// table of known lengths, and again with Russia and posts avoided and for a lorry
// that keeps off tolls, on metrics made before.
func BenchmarkRouteAny(b *testing.B) {
	g := open(b, geodata.Road)
	names := slices.Sorted(maps.Keys(cities))
	for _, tt := range []struct {
		name  string
		avoid geodata.Avoid
	}{
		{"all", geodata.Avoid{}},
		{"avoid", geodata.Avoid{Countries: []geodata.Country{"RU"}, Borders: []string{"KHO-NUR"}}},
		{"tolls", geodata.Avoid{Vehicle: geodata.Vehicle{AvoidTolls: true}}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			if _, err := g.Route(b.Context(), cities["Berlin"], cities["Paris"], tt.avoid); err != nil && !errors.Is(err, geodata.ErrNoRoute) {
				b.Fatal(err)
			}
			var took []time.Duration
			i := 0
			for b.Loop() {
				from, to := cities[names[i%len(names)]], cities[names[(i/len(names)+i+1)%len(names)]]
				i++
				begin := time.Now()
				if _, err := g.Route(b.Context(), from, to, tt.avoid); err != nil && !errors.Is(err, geodata.ErrNoRoute) {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func BenchmarkTable100(b *testing.B) {
	g := open(b, geodata.Road)
	places := make([]orb.Point, 100)
	for i := range places {
		n := i * len(g.lat) / len(places)
		places[i] = orb.Point{float64(g.lon[n]) / UnitsPerDegree, float64(g.lat[n]) / UnitsPerDegree}
	}
	if _, err := g.Table(b.Context(), places[:1], places[:1], geodata.Avoid{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Table(b.Context(), places, places, geodata.Avoid{}); err != nil {
			b.Fatal(err)
		}
	}
}
