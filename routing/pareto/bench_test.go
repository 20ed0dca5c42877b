package pareto

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// synthetic makes a network like freight's: terminals in clusters on a plane as
// wide as Eurasia, lorries between neighbours that leave when asked, and ships,
// trains and flights between hubs with ten departures a terminal over four
// weeks, no two of which are the same. It is the same for the same seed.
func synthetic(tb testing.TB, terminals int, seed uint64) (*Network, int) {
	tb.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	const width, height, horizon = 12_000.0, 5_000.0, 28 * 24.0
	type point struct{ x, y float64 }
	at := make([]point, terminals)
	cities := make([]point, max(8, terminals/40))
	for i := range cities {
		cities[i] = point{r.Float64() * width, r.Float64() * height}
	}
	for i := range at {
		c := cities[r.IntN(len(cities))]
		at[i] = point{c.x + r.NormFloat64()*150, c.y + r.NormFloat64()*150}
	}
	km := func(a, b int) float64 { return math.Hypot(at[a].x-at[b].x, at[a].y-at[b].y) }
	var b Builder
	// lorries joins a terminal with the nearest of some, both ways.
	lorries := func(a int, to []int, n int) {
		near := slices.Clone(to)
		slices.SortFunc(near, func(x, y int) int { return cmp.Compare(km(a, x), km(a, y)) })
		for _, c := range near[:min(n+1, len(near))] {
			if c == a {
				continue
			}
			d := km(a, c)*1.3 + 5
			hours := d/60 + 3
			for _, ends := range [][2]int{{a, c}, {c, a}} {
				b.Add(Link{From: int32(ends[0]), To: int32(ends[1]), Hours: hours, Variance: hours * hours / 16, Cost: 80 + 1.4*d, CO2: 1.0 * d, Local: true})
			}
		}
	}
	// Lorries to neighbours.
	order := make([]int, terminals)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a].x, at[b].x) })
	for i, a := range order {
		lorries(a, order[max(0, i-60):min(terminals, i+60)], 2)
	}
	// Services between hubs: of each kind, how often, how fast, at what price.
	departures := 0
	for _, k := range []struct {
		share, span     float64 // of terminals that are hubs, and of the departures
		feeders         int     // hubs that lorries bring to from a terminal
		kmh, usd, kg    float64 // per km
		base, handlingH float64
		spread, reach   float64
	}{
		{0.10, 0.50, 2, 35, 0.55, 0.35, 700, 20, 0.15, 6_000}, // trains
		{0.05, 0.25, 1, 28, 0.18, 0.16, 900, 36, 0.12, 9_000}, // ships
		{0.02, 0.25, 1, 700, 4.5, 14, 1500, 10, 0.30, 9_000},  // flights
	} {
		hubs := order[:0:0]
		for range int(k.share*float64(terminals)) + 2 {
			hubs = append(hubs, r.IntN(terminals))
		}
		slices.Sort(hubs)
		hubs = slices.Compact(hubs)
		for a := range terminals {
			lorries(a, hubs, k.feeders)
		}
		for left := int(k.span * 10 * float64(terminals)); left > 0; {
			x := hubs[r.IntN(len(hubs))]
			y := hubs[r.IntN(len(hubs))]
			if x == y || km(x, y) > k.reach || km(x, y) < 200 {
				continue
			}
			n := min(left, 2+r.IntN(9))
			left -= n
			departures += n
			times := make([]float64, n)
			for i := range times {
				times[i] = (float64(i) + r.Float64()*0.9) * horizon / float64(n)
			}
			id, err := b.Rhythm(times, 0)
			if err != nil {
				tb.Fatal(err)
			}
			price := 0.8 + 0.4*r.Float64()
			hours := km(x, y)/k.kmh*(0.9+0.3*r.Float64()) + k.handlingH
			b.Add(Link{
				From: int32(x), To: int32(y), Hours: hours, Variance: hours * hours * k.spread * k.spread, CutoffH: 6,
				Cost: (k.base + k.usd*km(x, y)) * price, CO2: 30 + k.kg*km(x, y), Departs: id,
			})
		}
	}
	n, err := b.Build(terminals)
	if err != nil {
		tb.Fatal(err)
	}
	return n, departures
}

// BenchmarkSynthetic tells the time of a query on networks that grow: the median,
// the 99th in a hundred and the worst of all queries made, each between another
// pair of terminals.
func BenchmarkSynthetic(b *testing.B) {
	for _, terminals := range []int{1_000, 3_000, 10_000} {
		for _, epsilon := range []float64{0.1, 0.2} {
			b.Run(fmt.Sprintf("terminals=%d/epsilon=%g", terminals, epsilon), func(b *testing.B) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				n, departures := synthetic(b, terminals, 7)
				r := rand.New(rand.NewPCG(8, 1))
				var s Searcher
				var took []time.Duration
				labels, found, none := 0, 0, 0
				one := func() {
					q := Query{From: int32(r.IntN(terminals)), To: int32(r.IntN(terminals)), Legs: 6, Epsilon: epsilon, HorizonH: 60 * 24}
					start := threadTime()
					got, err := s.Search(context.Background(), n, q)
					took = append(took, threadTime()-start)
					if err != nil {
						b.Fatal(err)
					}
					labels += s.Size()
					found += len(got)
					if len(got) == 0 {
						none++
					}
				}
				for range 50 {
					one()
				}
				took, labels, found, none = took[:0], 0, 0, 0
				b.ReportAllocs()
				for b.Loop() {
					one()
				}
				slices.Sort(took)
				ms := func(q float64) float64 {
					return float64(took[min(len(took)-1, int(q*float64(len(took))))].Microseconds()) / 1000
				}
				b.ReportMetric(ms(0.5), "p50-ms")
				b.ReportMetric(ms(0.99), "p99-ms")
				b.ReportMetric(ms(1), "worst-ms")
				b.ReportMetric(float64(labels)/float64(len(took)), "labels/op")
				b.ReportMetric(float64(found)/float64(len(took)), "journeys/op")
				b.ReportMetric(float64(none)/float64(len(took)), "none/op")
				b.ReportMetric(float64(departures), "departures")
			})
		}
	}
}

// threadTime is the processor time of this thread, which a busy machine does not
// lengthen as it does the clock's. The caller keeps to its thread.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
