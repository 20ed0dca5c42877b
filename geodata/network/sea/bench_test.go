package sea

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network/sea/internal/chart"

	"github.com/paulmach/orb"
)

// coast draws points on inshore water that the network reaches, the same ones
// each time.
func coast(tb testing.TB, g *Graph, n int) []orb.Point {
	r := rand.New(rand.NewPCG(1, 2))
	var out []orb.Point
	for len(out) < n {
		x, y := r.IntN(chart.Width), (20+r.IntN(100))*chart.PerDegree
		if g.water.At(x, y) != chart.Inshore {
			continue
		}
		p := chart.Centre(x, y)
		if _, err := g.Route(p, orb.Point{4.03, 51.955}, geodata.Avoid{}); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProfile is the first query under a set of shut passages.
func BenchmarkProfile(b *testing.B) {
	g := open(b)
	shut, err := g.termsOf(geodata.Avoid{Passages: []string{"suez", "taiwan"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		g.newProfile(shut)
	}
}

// BenchmarkPort is the first query for a port.
func BenchmarkPort(b *testing.B) {
	g := open(b)
	ps := coast(b, g, 50)
	p := g.profile(terms{shut: g.shut})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g.newBerth(g.attach(ps[i%len(ps)]), p)
		i++
	}
}

func BenchmarkRoute(b *testing.B) {
	for _, c := range []struct {
		name  string
		avoid geodata.Avoid
	}{
		{"all open", geodata.Avoid{}},
		{"suez shut", geodata.Avoid{Passages: []string{"suez"}}},
		{"five shut", geodata.Avoid{Passages: []string{"panama", "malacca", "taiwan", "dover", "magellan"}}},
		{"draught and price", geodata.Avoid{DraughtM: 14.5, PassageNM: map[string]float64{"suez": 500}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := open(b)
			ps := coast(b, g, 100)
			r := rand.New(rand.NewPCG(3, 4))
			for _, p := range ps {
				if _, err := g.Route(p, ps[0], c.avoid); err != nil && !errors.Is(err, geodata.ErrNoRoute) {
					b.Fatal(err)
				}
			}
			times := make([]time.Duration, 0, 1<<20)
			b.ReportAllocs()
			for b.Loop() {
				from, to := ps[r.IntN(len(ps))], ps[r.IntN(len(ps))]
				start := time.Now()
				_, err := g.Route(from, to, c.avoid)
				if errors.Is(err, geodata.ErrNoRoute) {
					continue // a river too shallow: the error is not what is timed
				}
				if err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "p50-µs")
			b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1e3, "p99-µs")
		})
	}
}

// BenchmarkTable is a matrix of 200 by 200: of the gazetteer's ports and of points that
// are none, cold with nothing known of them.
func BenchmarkTable(b *testing.B) {
	g := open(b)
	places, err := gazetteer.Open()
	if err != nil {
		b.Fatal(err)
	}
	var gazetteers []orb.Point
	for i, t := range places.Terminals(geodata.Sea) {
		if i%8 == 0 && len(gazetteers) < 200 {
			gazetteers = append(gazetteers, t.Point)
		}
	}
	b.Run("gazetteer's ports cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.ports = newCache[orb.Point, *port](portsKept)
			if _, err := g.Table(gazetteers, gazetteers, geodata.Avoid{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	ps := coast(b, g, 200)
	b.Run("cold ports", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.ports = newCache[orb.Point, *port](portsKept)
			if _, err := g.Table(ps, ps, geodata.Avoid{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("warm ports", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := g.Table(ps, ps, geodata.Avoid{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
