package sea

import (
	"errors"
	"math"
	"slices"
	"testing"

	"corridor/geodata"

	"github.com/paulmach/orb"
)

// Every passage of the product's promise is sailed between two places near it, and with
// it shut the way costs more, or there is none and the error names the passage.
func TestEveryPassage(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	for _, c := range []struct {
		id       string
		from, to orb.Point // lon, lat
		none     bool      // no way without
	}{
		{"suez", at["SGSIN"], at["NLRTM"], false},
		{"panama", at["JPYOK"], at["USEWR"], false},
		{"kiel", at["DEHAM"], at["RULED"], false},
		{"malacca", at["SGSIN"], at["INNSA"], false},
		{"singapore", at["SGSIN"], at["HKHKG"], false},
		{"sunda", orb.Point{106.89, -6.10}, at["ZACPT"], false},                // Jakarta
		{"lombok", orb.Point{116.85, -1.27}, orb.Point{115.74, -32.04}, false}, // Balikpapan–Fremantle
		{"torres", orb.Point{145.78, -16.93}, at["SGSIN"], false},              // Cairns
		{"taiwan", at["CNSHA"], at["HKHKG"], false},
		{"korea", at["CNTAO"], at["RUVVO"], false},
		{"tsugaru", at["KRPUS"], at["USLAX"], false},
		{"la-perouse", at["RUVVO"], orb.Point{158.65, 53.00}, false}, // Petropavlovsk
		{"bab-el-mandeb", at["INNSA"], at["EGPSD"], false},
		{"hormuz", at["AEJEA"], at["INNSA"], true},
		{"gibraltar", at["NLRTM"], at["ITGOA"], false},
		{"dover", at["NLRTM"], at["ESALG"], false},
		{"oresund", orb.Point{12.60, 55.70}, orb.Point{14.27, 53.92}, false},    // Copenhagen–Świnoujście
		{"great-belt", orb.Point{10.21, 56.16}, orb.Point{12.09, 54.15}, false}, // Aarhus–Rostock
		{"bosporus", at["RUNVS"], at["GRPIR"], true},
		{"dardanelles", at["TRAMB"], at["GRPIR"], true},
		{"kerch", orb.Point{37.54, 47.06}, at["RUNVS"], true},       // Mariupol
		{"magellan", orb.Point{-70.90, -53.17}, at["BRSSZ"], false}, // Punta Arenas
		{"cape-of-good-hope", at["BRSSZ"], at["INNSA"], false},
		{"elbe", at["DEHAM"], at["NLRTM"], true},
		{"scheldt", at["BEANR"], at["GBFXT"], true},
		{"new-waterway", at["NLRTM"], at["GBFXT"], true},
		{"yangtze", orb.Point{118.75, 32.12}, at["KRPUS"], true}, // Nanjing
		{"houston", orb.Point{-95.27, 29.73}, at["USEWR"], true},
		{"mississippi", orb.Point{-90.06, 29.94}, at["USEWR"], true},
		{"st-lawrence", orb.Point{-73.53, 45.55}, at["NLRTM"], true}, // Montréal
		{"plate", orb.Point{-58.37, -34.59}, at["BRSSZ"], true},      // Buenos Aires
	} {
		free, err := g.Route(c.from, c.to, geodata.Avoid{})
		if err != nil {
			t.Errorf("%s: %v", c.id, err)
			continue
		}
		if !slices.Contains(free.Passages, c.id) {
			t.Errorf("%s–%s sails %v, want %s among them", show(c.from), show(c.to), free.Passages, c.id)
			continue
		}
		// The plain search instead of the labels, which take seconds for each passage.
		open, shut := g.plain(t, c.from, c.to, g.shut), g.plain(t, c.from, c.to, g.shut|1<<g.byID[c.id])
		switch {
		case c.none && !math.IsInf(shut, 1):
			t.Errorf("%s shut: a way of %.0f km is left, want none", c.id, shut)
		case !c.none && math.IsInf(shut, 1):
			t.Errorf("%s shut: no way is left", c.id)
		case shut < open+0.1:
			t.Errorf("%s shut: the way costs %.1f km, open %.1f km", c.id, shut, open)
		}
		t.Logf("%-18s %6.0f km, shut %6.0f km", c.id, open, shut)
	}
}

// Passages that are shut by default are sailed by none until opened, and shorten the way
// then.
func TestShutByDefault(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	for id, c := range map[string][2]orb.Point{
		"northern-sea-route": {at["JPYOK"], at["NLRTM"]},
		"corinth":            {at["GRPIR"], {12.45, 44.48}}, // Ravenna
	} {
		if !g.passages[g.byID[id]].OffByDefault {
			t.Errorf("%s is open by default", id)
		}
		was, now := g.plain(t, c[0], c[1], g.shut), g.plain(t, c[0], c[1], g.shut&^(1<<g.byID[id]))
		if now > was-10 {
			t.Errorf("%s opened: the way costs %.0f km, %.0f km before", id, now, was)
		}
		p, err := g.Route(c[0], c[1], geodata.Avoid{Passages: []string{"+" + id}})
		if err != nil || !slices.Contains(p.Passages, id) {
			t.Errorf("%s opened: by %v (%v)", id, p.Passages, err)
		}
	}
	// A ship too deep for it is not let through by opening it.
	_, err := g.Route(orb.Point{37.54, 47.06}, at["RUNVS"], geodata.Avoid{Passages: []string{"+kerch"}, DraughtM: 9})
	var barred *BarredError
	if !errors.As(err, &barred) || len(barred.Bars) != 1 || barred.Bars[0].Passage != "kerch" {
		t.Errorf("Mariupol drawing 9 m: %v, want it barred by the Kerch Strait", err)
	}
}

// plain is the cost in km of the way between two points with passages shut, by a search
// without labels; +Inf when there is none.
func (g *Graph) plain(t *testing.T, from, to orb.Point, shut mask) float64 {
	t.Helper()
	a, err := g.port(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.port(to)
	if err != nil {
		t.Fatal(err)
	}
	p := &profile{shut: shut}
	costs, best := g.dijkstra(a, p), math.Inf(1)
	for _, x := range b.approaches {
		if x.passages&shut == 0 {
			best = min(best, costs[x.node]+x.cost)
		}
	}
	if w, ok := g.direct(a, b, p, best); ok {
		best = w.cost
	}
	return best
}
