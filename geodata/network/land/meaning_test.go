package land

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
)

// Stretches follow each other and cover the whole way.
func covers(t *testing.T, name string, total float64, at, km []float64) {
	t.Helper()
	end := 0.0
	for i := range at {
		if math.Abs(at[i]-end) > 0.01 {
			t.Fatalf("%s: a stretch begins at %.2f km, the one before ends at %.2f", name, at[i], end)
		}
		end = at[i] + km[i]
	}
	if math.Abs(end-total) > 0.01 {
		t.Errorf("%s: stretches end at %.2f km of %.2f", name, end, total)
	}
}

func TestNumberedRoads(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to orb.Point
		want     []string // in this order, perhaps with others between
	}{
		{"Moscow–Warsaw", moscow, orb.Point{21.01, 52.23}, []string{"M1/E30", "DK2/E30"}},
		{"Zhengzhou–Xi'an", orb.Point{113.65, 34.76}, orb.Point{108.94, 34.34}, []string{"G30"}},
		{"Warsaw–Berlin", orb.Point{21.01, 52.23}, berlin, []string{"A2/E30"}},
		{"Paris–Marseille", orb.Point{2.35, 48.85}, orb.Point{5.37, 43.30}, []string{"A6/E15", "A7/E15"}},
		{"Delhi–Nagpur", orb.Point{77.21, 28.61}, orb.Point{79.09, 21.15}, []string{"NH44"}},
		{"Chicago–Omaha", orb.Point{-87.63, 41.88}, orb.Point{-95.94, 41.26}, []string{"I-80"}},
	} {
		p, err := open(t, geodata.Road).Route(t.Context(), c.from, c.to, geodata.Avoid{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var at, km []float64
		var numbers []string
		for _, r := range p.Roads {
			at, km = append(at, r.AtKM), append(km, r.KM)
			numbers = append(numbers, r.Number)
		}
		covers(t, c.name, p.DistanceKM, at, km)
		i := 0
		for _, n := range numbers {
			if i < len(c.want) && n == c.want[i] {
				i++
			}
		}
		if i < len(c.want) {
			t.Errorf("%s goes by %q, want %q in this order", c.name, slices.Compact(numbers), c.want)
		}
		if tolls := p.Tolls.TolledKM + p.Tolls.FreeKM; tolls > p.DistanceKM+0.01 {
			t.Errorf("%s: tolls are known on %.0f km of %.0f", c.name, tolls, p.DistanceKM)
		}
	}
}

func TestGaugeChanges(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to orb.Point
		want     []string // station, from > to
	}{
		{"Ürümqi–Astana", orb.Point{87.62, 43.82}, orb.Point{71.43, 51.13}, []string{"Dostyk–Alashankou 1435>1520"}},
		{"Harbin–Chita", orb.Point{126.63, 45.75}, orb.Point{113.50, 52.03}, []string{"Zabaikalsk–Manzhouli 1435>1520"}},
		{"Minsk–Warsaw", orb.Point{27.56, 53.90}, orb.Point{21.01, 52.23}, []string{"Brest–Małaszewicze 1520>1435"}},
		{"Beijing–Ulaanbaatar", orb.Point{116.40, 39.90}, orb.Point{106.91, 47.92}, []string{"Zamyn-Uud–Erenhot 1435>1520"}},
		{"Berlin–Paris", berlin, orb.Point{2.35, 48.85}, nil},
		{"Moscow–Novosibirsk", moscow, orb.Point{82.92, 55.03}, nil},
	} {
		p, err := open(t, geodata.Rail).Route(t.Context(), c.from, c.to, geodata.Avoid{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, g := range p.GaugeChanges {
			got = append(got, g.Place+" "+gauge(g.FromMM)+">"+gauge(g.ToMM))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s changes gauge at %q, want %q", c.name, got, c.want)
		}
		var at, km []float64
		for _, k := range p.Tracks {
			at, km = append(at, k.AtKM), append(km, k.KM)
		}
		covers(t, c.name, p.DistanceKM, at, km)
	}
}

func gauge(mm int) string {
	return map[int]string{1435: "1435", 1520: "1520", 1668: "1668", 1000: "1000"}[mm]
}

func TestVehicle(t *testing.T) {
	london, paris := orb.Point{-0.13, 51.51}, orb.Point{2.35, 48.85}
	g := open(t, geodata.Road)
	p, err := g.Route(t.Context(), london, paris, geodata.Avoid{})
	if err != nil || len(p.Ferries) != 1 || !strings.HasPrefix(p.Ferries[0].Name, "LeShuttle") || len(p.Unchecked) != 0 {
		t.Errorf("by %+v, unchecked %q (%v)", p.Ferries, p.Unchecked, err)
	}
	if _, err := g.Route(t.Context(), london, paris, geodata.Avoid{Vehicle: geodata.Vehicle{AvoidFerries: true}}); !errors.Is(err, geodata.ErrNoRoute) {
		t.Errorf("without the shuttle: %v", err)
	}
	p, err = g.Route(t.Context(), moscow, berlin, geodata.Avoid{Vehicle: geodata.Vehicle{HeightM: 4, WeightT: 40}})
	if err != nil || !slices.Equal(p.Unchecked, []string{"weight", "height"}) {
		t.Errorf("unchecked %q (%v)", p.Unchecked, err)
	}
	// A train of one gauge does not change it.
	r := open(t, geodata.Rail)
	warsaw := orb.Point{21.01, 52.23}
	if p, err := r.Route(t.Context(), moscow, warsaw, geodata.Avoid{Vehicle: geodata.Vehicle{GaugeMM: 1520}}); !errors.Is(err, geodata.ErrNoRoute) {
		t.Errorf("1520 mm to Warsaw: %.0f km %v", p.DistanceKM, err)
	}
	if _, err := r.Route(t.Context(), berlin, warsaw, geodata.Avoid{Vehicle: geodata.Vehicle{GaugeMM: 1435}}); err != nil {
		t.Error(err)
	}
}

// TestTerminalsAreOnTheRails: rail terminals are in reach of a line of their country
// and of one of their gauges.
func TestTerminalsAreOnTheRails(t *testing.T) {
	places, err := gazetteer.Open()
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, geodata.Rail)
	pr := &profile{avoided: make([]bool, len(g.countries))}
	all := places.Terminals(geodata.Rail)
	if len(all) < 150 {
		t.Errorf("%d rail terminals, want 150", len(all))
	}
	// At these the source has no line of the country, or the shapes of the countries
	// are too coarse to tell the side.
	border := []string{"rail:cn-suifenhe", "rail:cn-alashankou", "rail:kg-osh", "rail:lt-mockava", "rail:la-boten", "rail:my-padangbesar"}
	for _, x := range all {
		if len(x.Gauges) == 0 {
			t.Errorf("%s has no gauge", x.ID)
		}
		snaps, err := g.snaps(x.Point, pr)
		if err != nil {
			if x.ID != "rail:cn-qinzhou" { // an island port: the source has no line to it
				t.Errorf("%s %s: %v", x.ID, x.Names.EN, err)
			}
			continue
		}
		s := snaps[0]
		if s.metres > terminalReach {
			t.Errorf("%s %s is %.1f km from the rails", x.ID, x.Names.EN, s.metres/1000)
		}
		if slices.Contains(border, x.ID) {
			continue
		}
		if c := g.countryOf(s); c != x.Country {
			t.Errorf("%s %s joins a line of %s", x.ID, x.Names.EN, c)
		}
		mm := int(g.kinds[g.edges[s.edge].Kind].GaugeMM)
		near := func(have int) bool { return have == mm || have+4 == mm || mm+4 == have } // 1520 and 1524
		if mm != 0 && !slices.ContainsFunc(x.Gauges, near) {
			t.Errorf("%s %s has gauges %v, its line %d", x.ID, x.Names.EN, x.Gauges, mm)
		}
	}
}

// TestPostsAreOnTheLines: every post of the facts has a line of both its countries
// within 15 km, and so have nine in ten of the others.
func TestPostsAreOnTheLines(t *testing.T) {
	facts, err := border.Posts()
	if err != nil {
		t.Fatal(err)
	}
	others, err := border.Others()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		g := open(t, mode)
		for _, posts := range [][]geodata.BorderPost{facts, others} {
			sides, off := 0, 0
			for _, post := range posts {
				if !post.Serves(mode) || post.Closed || strings.Contains(post.Note, "ferry") {
					continue
				}
				for i, side := range post.Countries {
					pr := &profile{avoided: make([]bool, len(g.countries))}
					for c := range pr.avoided {
						pr.avoided[c] = g.countries[c] != side
					}
					sides++
					snaps, err := g.snaps(post.Sides[i], pr)
					switch {
					case err != nil:
						off++
						t.Logf("%s post %s (%s): no line of %s: %v", mode, post.ID, post.Name, side, err)
					case snaps[0].metres > postReach:
						off++
						t.Logf("%s post %s (%s): the nearest line of %s is %.1f km away", mode, post.ID, post.Name, side, snaps[0].metres/1000)
					}
				}
			}
			least := 0
			if &posts[0] == &others[0] {
				least = sides / 10
			}
			if off > least {
				t.Errorf("%s: %d of %d sides of posts are off the network, %d may be", mode, off, sides, least)
			}
		}
	}
}

const (
	terminalReach = 40_000 // metres; beyond 2.5 km a path says that it is estimated
	postReach     = 15_000 // metres
)
