package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/path"
	"corridor/routing"
)

// fakeWorld is a world of great circles with detours: continents are joined by
// land, seas by a table of ways round. It knows no roads; it is only to test what
// the planner does with a world.
type fakeWorld struct {
	country func(orb.Point) geodata.Country
}

func (w fakeWorld) km(m geodata.Mode, a, b orb.Point, avoid geodata.Avoid) float64 {
	d := path.Distance(a, b)
	switch m {
	case geodata.Air:
		return d
	case geodata.Sea:
		// Asia and Europe are joined by Suez or by the Cape.
		east := func(p orb.Point) bool { return p[0] > 60 || p[0] < -110 }
		if east(a) != east(b) {
			if slices.Contains(avoid.Passages, "suez") {
				return d*1.2 + 18_500
			}
			return d*1.2 + 12_500
		}
		return d * 1.25
	case geodata.Road:
		return d * 1.3
	}
	return d * 1.35
}

func (w fakeWorld) Route(_ context.Context, m geodata.Mode, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	p := geodata.Path{Mode: m, DistanceKM: w.km(m, from, to, avoid), Geometry: path.GreatCircle(from, to, 200)}
	if m == geodata.Road || m == geodata.Rail {
		p.Countries = []geodata.CountryKM{{Country: w.country(from), KM: p.DistanceKM}}
	}
	return p, nil
}

func (w fakeWorld) Table(_ context.Context, m geodata.Mode, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	out := make([][]float64, len(from))
	for i, a := range from {
		out[i] = make([]float64, len(to))
		for j, b := range to {
			out[i][j] = w.km(m, a, b, avoid)
		}
	}
	return out, nil
}

type fakePlaces struct {
	places    []geodata.Place
	terminals []geodata.Terminal
}

// fakeTable: code, name, country, lon, lat, what it has.
const fakeTable = `
CNTAO Qingdao CN 120.32 36.07 sea,rail,air
CNSHA Shanghai CN 121.5 31.2 sea,air
CNSZX Shenzhen CN 114.1 22.5 sea,air
CNXIY Xi'an CN 108.9 34.3 rail,air
RUMOW Moscow RU 37.62 55.75 rail,air
RULED Saint-Petersburg RU 30.3 59.9 sea,rail,air
RUVVO Vladivostok RU 131.9 43.1 sea,rail
RUNVS Novorossiysk RU 37.8 44.7 sea
LVRIX Riga LV 24.1 56.95 sea
EETLL Tallinn EE 24.75 59.44 sea
DEHAM Hamburg DE 9.99 53.55 sea,rail,air
DEDUI Duisburg DE 6.76 51.43 rail
KZALA Almaty KZ 76.9 43.25 rail,air
AZBAK Baku AZ 49.87 40.4 rail,air
TRIST Istanbul TR 28.97 41.0 sea,rail,air
UZTAS Tashkent UZ 69.25 41.3 rail,air
JPOSA Osaka JP 135.43 34.65 sea,air
USLAX Los-Angeles US -118.2 33.75 sea,air
MNULN Ulaanbaatar MN 106.9 47.9 rail
XXNOW Nowhere AQ 0 -80 none
`

func newFakePlaces() *fakePlaces {
	f := &fakePlaces{}
	for line := range strings.Lines(strings.TrimSpace(fakeTable)) {
		w := strings.Fields(line)
		lon, _ := strconv.ParseFloat(w[3], 64)
		lat, _ := strconv.ParseFloat(w[4], 64)
		p := geodata.Place{Code: w[0], Names: geodata.Names{EN: strings.ReplaceAll(w[1], "-", " ")}, Country: geodata.Country(w[2]), Point: orb.Point{lon, lat}}
		f.places = append(f.places, p)
		for _, m := range strings.Split(w[5], ",") {
			mode, err := geodata.ParseMode(m)
			if err != nil {
				continue
			}
			f.terminals = append(f.terminals, geodata.Terminal{
				ID: m + ":" + p.Code, Names: p.Names, Mode: mode, Place: p.Code, Country: p.Country,
				Point: path.Destination(p.Point, 90, 12), Cargo: true, Tier: 1,
			})
		}
	}
	return f
}

func (f *fakePlaces) Resolve(q string) (geodata.Place, error) {
	for _, p := range f.places {
		if strings.EqualFold(p.Code, q) || strings.EqualFold(p.Names.EN, q) {
			return p, nil
		}
	}
	return geodata.Place{}, &geodata.UnknownPlaceError{Query: q, Nearest: f.places[:1]}
}

func (f *fakePlaces) Terminals(m geodata.Mode) []geodata.Terminal {
	var out []geodata.Terminal
	for _, t := range f.terminals {
		if t.Mode == m {
			out = append(out, t)
		}
	}
	return out
}

func (f *fakePlaces) Near(p orb.Point, m geodata.Mode, n int) []geodata.Terminal {
	out := f.Terminals(m)
	slices.SortStableFunc(out, func(a, b geodata.Terminal) int {
		return int(math.Copysign(1, path.Distance(p, a.Point)-path.Distance(p, b.Point)))
	})
	return out[:min(n, len(out))]
}

// country is that of the nearest place or post: good enough for a fake.
func (f *fakePlaces) country(posts []geodata.BorderPost) func(orb.Point) geodata.Country {
	return func(p orb.Point) geodata.Country {
		best, at := math.Inf(1), geodata.Country("")
		for _, x := range f.places {
			if d := path.Distance(p, x.Point); d < best {
				best, at = d, x.Country
			}
		}
		for _, b := range posts {
			if d := path.Distance(p, b.Point); d < best {
				best, at = d, b.Countries[0]
			}
		}
		return at
	}
}

var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newFakePlanner(tb testing.TB) *Planner {
	tb.Helper()
	posts, err := border.Posts()
	if err != nil {
		tb.Fatal(err)
	}
	places := newFakePlaces()
	p, err := New(Config{
		World: fakeWorld{places.country(posts)}, Places: places, Posts: posts,
		Passages: []string{"suez", "panama"}, Clock: func() time.Time { return testNow },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func request(from, to string) routing.Request {
	return routing.Request{
		Origin: from, Destination: to, Cargo: routing.Cargo{WeightKG: 24_200, Unit: routing.FTL},
		Depart: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}
}

// show prints a plan as a test log: it is what one wants to see on a failure.
func show(tb testing.TB, p routing.Plan) {
	tb.Helper()
	for _, o := range p.Options {
		tb.Logf("%-9s %-44s %7.0f (%.0f–%.0f) USD  P10 %.1f P50 %.1f P90 %.1f d  %6.2f t  %.2f  %5.0f km  %s | %v", o.Corridor, o.Title, o.Cost.Total.Amount, o.Cost.Low.Amount, o.Cost.High.Amount,
			o.TransitHours.P10/24, o.TransitHours.P50/24, o.TransitHours.P90/24, o.CO2eKG/1000, o.OnTime, o.DistanceKM, o.Why, o.Badges)
		strip := ""
		for _, s := range o.Segments {
			strip += fmt.Sprintf(" [%s%s%s %.0fh]", s.Kind[:1], s.Mode, " "+s.Where, s.Hours)
		}
		tb.Log("   ", strip)
	}
	for _, e := range p.Excluded {
		tb.Logf("excluded %-9s %-40s %s: %s", e.Corridor, e.Title, e.Rule, e.Reason)
	}
}
