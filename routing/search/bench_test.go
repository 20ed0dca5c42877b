package search

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"golang.org/x/sys/unix"

	"corridor/routing"
)

// cities are where freight begins and ends: ports, capitals and inland towns.
func cities() []string {
	return []string{
		"Qingdao", "Shanghai", "Shenzhen", "Chongqing", "Xi'an", "Zhengzhou", "Urumqi", "Yiwu", "Wuhan", "Chengdu", "Tianjin", "Guangzhou", "Hefei", "Changsha", "Harbin", "Lanzhou",
		"Moscow", "Saint Petersburg", "Novosibirsk", "Yekaterinburg", "Kazan", "Vladivostok", "Almaty", "Astana", "Tashkent", "Bishkek", "Ashgabat", "Dushanbe", "Baku", "Tbilisi", "Yerevan", "Istanbul", "Ankara", "Tehran",
		"Minsk", "Warsaw", "Lodz", "Duisburg", "Hamburg", "Munich", "Budapest", "Prague", "Vienna", "Milan", "Madrid", "Paris", "Rotterdam", "Antwerp", "London", "Piraeus", "Bucharest", "Sofia", "Belgrade", "Riga", "Helsinki", "Stockholm",
		"Dubai", "Mumbai", "Delhi", "Singapore", "Bangkok", "Hanoi", "Jakarta", "Seoul", "Busan", "Tokyo", "Osaka", "Ulaanbaatar", "Los Angeles", "Chicago", "New York", "Houston", "Santos", "Lagos", "Mombasa", "Sydney",
	}
}

// mixed makes requests between cities all over the world that do not repeat: loads,
// units and days differ, and half of the doors lie somewhere within about 20 km of
// a city, as addresses do.
func mixed(tb testing.TB, p *Planner, seed uint64) func() routing.Request {
	tb.Helper()
	r := rand.New(rand.NewPCG(5, seed))
	var names []string
	var points []orb.Point
	for _, name := range cities() {
		place, err := p.places.Resolve(name)
		if err != nil {
			tb.Fatal(err)
		}
		names, points = append(names, name), append(points, place.Point)
	}
	door := func(i int) string {
		if r.IntN(2) == 0 {
			return names[i]
		}
		return fmt.Sprintf("%.4f,%.4f", points[i][1]+0.4*(r.Float64()-0.5), points[i][0]+0.4*(r.Float64()-0.5))
	}
	units := []routing.Unit{routing.FTL, routing.HC40, routing.LTL, routing.RF40}
	return func() routing.Request {
		from, to := r.IntN(len(names)), r.IntN(len(names)-1)
		if to >= from {
			to++
		}
		req := request(door(from), door(to))
		req.Cargo.Unit = units[r.IntN(len(units))]
		req.Cargo.WeightKG = 1_000 + float64(r.IntN(21_000))
		req.Depart = req.Depart.Add(time.Duration(r.IntN(60*24)) * time.Hour)
		return req
	}
}

// BenchmarkPlanMixed plans mixed requests. What is warm is what a server has some
// minutes after it began: distances between terminals and posts, and the ways drawn
// before. The first and the last mile are of every journey anew.
func BenchmarkPlanMixed(b *testing.B) {
	p := newRealPlanner(b)
	next := mixed(b, p, 1)
	one := func() {
		var input *routing.InputError
		if _, err := p.Plan(b.Context(), next(), nil); err != nil && !errors.As(err, &input) {
			b.Fatal(err)
		}
	}
	for range 300 {
		one()
	}
	var took, cpu []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		t0, c0 := time.Now(), processTime()
		one()
		took, cpu = append(took, time.Since(t0)), append(cpu, processTime()-c0)
	}
	report := func(d []time.Duration, name string) {
		slices.Sort(d)
		for _, q := range []struct {
			at   float64
			name string
		}{{0.5, "p50-"}, {0.99, "p99-"}} {
			b.ReportMetric(float64(d[min(len(d)-1, int(q.at*float64(len(d))))].Microseconds())/1000, q.name+name)
		}
	}
	report(took, "ms")
	report(cpu, "cpu-ms")
}

// processTime is the processor time of the whole process.
func processTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
