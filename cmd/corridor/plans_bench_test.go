package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"corridor/geodata/gazetteer"
)

// BenchmarkPlans asks a whole server, in a process of its own, for plans as a
// market would: 100 requests a second on a fixed clock whether answers come or not,
// between places all over the world, all modes, none of them twice. The server has
// answered some hundred others before. It takes about half a minute and does its
// work once, whatever b.N is. p50 and p99 are as a client on the same machine sees
// them; cpu-ms is what the server spends on a plan, which a busy machine blurs less.
func BenchmarkPlans(b *testing.B) {
	const rate, seconds, before = 100, 10, 600
	places, err := gazetteer.Open()
	if err != nil {
		b.Fatal(err)
	}
	next := market(b, places)
	bodies := make([][]byte, before+rate*seconds)
	for i := range bodies {
		bodies[i] = next()
	}
	p := spawn(b, "CORRIDOR_TEST_AS_MAIN", "serve", "--data", b.TempDir())
	defer p.kill()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 0}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport, Timeout: time.Minute}
	var mu sync.Mutex
	size, answered := 0, 0
	post := func(body []byte) error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+p.addr+"/api/v1/plans", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+adminKey)
		res, err := web.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		n, err := io.Copy(io.Discard, res.Body)
		if err == nil && res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated && res.StatusCode != http.StatusUnprocessableEntity {
			err = fmt.Errorf("%s for %s", res.Status, body)
		}
		mu.Lock()
		size, answered = size+int(n), answered+1
		mu.Unlock()
		return err
	}
	run := func(bodies [][]byte, every time.Duration) []time.Duration {
		took := make([]time.Duration, len(bodies))
		errs := make([]error, len(bodies))
		var open sync.WaitGroup
		begun := time.Now()
		for i, body := range bodies {
			due := begun.Add(time.Duration(i) * every)
			time.Sleep(time.Until(due))
			open.Go(func() {
				errs[i] = post(body)
				took[i] = time.Since(due) // from when it was due: who waits in line waits
			})
		}
		open.Wait()
		for _, err := range errs {
			if err != nil {
				b.Fatal(err)
			}
		}
		slices.Sort(took)
		return took
	}
	begun := time.Now()
	run(bodies[:before], time.Second/40)
	warmed := time.Since(begun)
	size, answered = 0, 0
	busy := p.busy(b)
	took := run(bodies[before:], time.Second/rate)
	cpu := p.busy(b) - busy
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	b.Logf("%d plans of %d bytes; %d before them took %.1f s", len(took), size/answered, before, warmed.Seconds())
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(1000*cpu/float64(len(took)), "cpu-ms/plan")
	b.ReportMetric(0, "ns/op")
}

// market makes requests between cities that do not repeat; half of the doors lie
// somewhere within about 20 km of one.
func market(tb testing.TB, places *gazetteer.Gazetteer) func() []byte {
	tb.Helper()
	r := rand.New(rand.NewPCG(5, 11))
	names := []string{
		"Qingdao", "Shanghai", "Shenzhen", "Chongqing", "Xi'an", "Zhengzhou", "Urumqi", "Yiwu", "Wuhan", "Chengdu", "Tianjin", "Guangzhou", "Harbin", "Lanzhou",
		"Moscow", "Saint Petersburg", "Novosibirsk", "Yekaterinburg", "Vladivostok", "Almaty", "Astana", "Tashkent", "Bishkek", "Ashgabat", "Baku", "Tbilisi", "Istanbul", "Tehran",
		"Minsk", "Warsaw", "Lodz", "Duisburg", "Hamburg", "Munich", "Budapest", "Prague", "Milan", "Madrid", "Paris", "Rotterdam", "London", "Piraeus", "Bucharest", "Belgrade", "Riga", "Helsinki",
		"Dubai", "Mumbai", "Delhi", "Singapore", "Bangkok", "Hanoi", "Jakarta", "Seoul", "Busan", "Tokyo", "Osaka", "Ulaanbaatar", "Los Angeles", "Chicago", "New York", "Houston", "Santos", "Lagos", "Mombasa", "Sydney",
	}
	door := func(i int) string {
		if r.IntN(2) == 0 {
			return names[i]
		}
		place, err := places.Resolve(names[i])
		if err != nil {
			tb.Fatal(err)
		}
		return fmt.Sprintf("%.4f,%.4f", place.Point[1]+0.4*(r.Float64()-0.5), place.Point[0]+0.4*(r.Float64()-0.5))
	}
	units := []string{"FTL", "40HC", "LTL", "40RF"}
	return func() []byte {
		from, to := r.IntN(len(names)), r.IntN(len(names)-1)
		if to >= from {
			to++
		}
		body, err := json.Marshal(map[string]any{
			"origin": door(from), "destination": door(to), "depart": time.Now().Add(time.Duration(24+r.IntN(60*24)) * time.Hour).UTC().Format(time.RFC3339),
			"cargo": map[string]any{"weight_kg": 1_000 + r.IntN(21_000), "unit": units[r.IntN(len(units))]},
		})
		if err != nil {
			tb.Fatal(err)
		}
		return body
	}
}
