package sea

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"corridor/geodata"

	"pgregory.net/rapid"
)

// A ship's draught shuts what is too shallow for it and nothing else.
func TestDraught(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	for _, c := range []struct {
		from, to string
		draught  float64
		sails    string
		not      string
	}{
		{"DEHAM", "RULED", 10.5, "great-belt", "kiel"}, // Kiel takes 9.5 m
		{"JPYOK", "USEWR", 10.5, "panama", ""},
		{"USLAX", "ESALG", 16, "magellan", "panama"}, // Panama takes 15.2 m
		{"SGSIN", "ESALG", 16, "malacca", "sunda"},
	} {
		p, err := g.Route(at[c.from], at[c.to], geodata.Avoid{DraughtM: c.draught})
		if err != nil {
			t.Errorf("%s–%s drawing %g m: %v", c.from, c.to, c.draught, err)
			continue
		}
		if !slices.Contains(p.Passages, c.sails) || slices.Contains(p.Passages, c.not) {
			t.Errorf("%s–%s drawing %g m sails %v, want %s and not %s", c.from, c.to, c.draught, p.Passages, c.sails, c.not)
		}
	}
}

// Where nothing is left the error names each limit on the way.
func TestBarred(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	avoid := geodata.Avoid{Passages: []string{"hormuz", "elbe"}, DraughtM: 18}
	for _, c := range []struct {
		from, to string
		want     []Bar
		says     string
	}{
		{
			"RUNVS", "GBFXT",
			[]Bar{{"bosporus", "Bosporus", 17}, {"dardanelles", "Dardanelles", 17}},
			"Bosporus (bosporus) takes 17 m, the ship draws 18 m",
		},
		{"AEJEA", "SGSIN", []Bar{{"hormuz", "Strait of Hormuz", 0}}, "Strait of Hormuz (hormuz) is shut"},
		{"DEHAM", "GBFXT", []Bar{{"elbe", "Elbe to Hamburg", 15.1}}, "takes 15.1 m"},
	} {
		_, err := g.Route(at[c.from], at[c.to], avoid)
		var barred *BarredError
		if !errors.As(err, &barred) || !errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%s–%s: %v, want a BarredError", c.from, c.to, err)
			continue
		}
		if !slices.Equal(barred.Bars, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s–%s: %v (%+v), want %+v", c.from, c.to, err, barred.Bars, c.want)
		}
	}
}

func TestCaspianIsASeaOfItsOwn(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	for _, c := range [][2]string{{"KZAAU", "NLRTM"}, {"CNSHA", "AZBAK"}} {
		_, err := g.Route(at[c[0]], at[c[1]], geodata.Avoid{})
		var apart *UnjoinedError
		if !errors.As(err, &apart) || !errors.Is(err, geodata.ErrNoRoute) || apart.Sea != caspian || !strings.Contains(err.Error(), "Caspian Sea") {
			t.Errorf("%v: %v, want an error that names the Caspian", c, err)
		}
	}
}

// A price turns ships away when the way round is cheaper, never counts as
// distance, and shortens nothing.
func TestPrice(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	priced := geodata.Avoid{PassageNM: map[string]float64{"panama": 4000}}
	free, err := g.Route(at["JPYOK"], at["USHOU"], geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, sails string }{{"CNSHA", "USEWR", "suez"}, {"JPYOK", "USHOU", "panama"}} {
		p, err := g.Route(at[c.from], at[c.to], priced)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(p.Passages, c.sails) {
			t.Errorf("%s–%s with a price on Panama sails %v, want %s", c.from, c.to, p.Passages, c.sails)
		}
		if c.to == "USHOU" && math.Abs(p.DistanceKM-free.DistanceKM) > 0.01 {
			t.Errorf("%s–%s is %.1f km with a price on Panama, %.1f km without", c.from, c.to, p.DistanceKM, free.DistanceKM)
		}
	}
}

// Suez shut turns Asia to Europe by the Cape and leaves the Pacific as it was.
func TestSuezShutLeavesThePacific(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	for _, c := range [][2]string{{"JPYOK", "PABLB"}, {"HKHKG", "USSEA"}, {"KRPUS", "USLAX"}, {"CNSHA", "USEWR"}} {
		free, err := g.Route(at[c[0]], at[c[1]], geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		shut, err := g.Route(at[c[0]], at[c[1]], geodata.Avoid{Passages: []string{"suez"}})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(free.DistanceKM-shut.DistanceKM) > 0.1 {
			t.Errorf("%v: %.0f km, with Suez shut %.0f km by %v", c, free.DistanceKM, shut.DistanceKM, shut.Passages)
		}
	}
}

func TestTermsRefuse(t *testing.T) {
	g, at := open(t), ports(t)
	for name, avoid := range map[string]geodata.Avoid{
		"a draught below nothing": {DraughtM: -1},
		"no draught at all":       {DraughtM: math.NaN()},
		"a draught in feet":       {DraughtM: 46},
		"a gift":                  {PassageNM: map[string]float64{"suez": -5}},
		"no price at all":         {PassageNM: map[string]float64{"suez": math.NaN()}},
		"a price on nothing":      {PassageNM: map[string]float64{"sues": 5}},
	} {
		if _, err := g.Route(at["NLRTM"], at["DEHAM"], avoid); err == nil || errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

func TestPricesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) price {
			return price{rapid.Uint8Range(0, maxPassages-1).Draw(t, "passage"), rapid.Float32Range(0, 1e5).Draw(t, "km")}
		}), 0, 5, func(p price) uint8 { return p.passage }).Draw(t, "prices")
		other := slices.Clone(want)
		slices.Reverse(other)
		if pricesOf(want) != pricesOf(other) {
			t.Fatal("the order counts")
		}
		if got := pricesOf(want).list(); !slices.Equal(got, want) { // sorted by now
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
