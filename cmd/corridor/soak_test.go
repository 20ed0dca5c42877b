package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"corridor/tracking"
)

// TestSoak puts a whole server, in a process of its own, under load for as long as
// CORRIDOR_SOAK says (make soak: 15 minutes) and looks whether its memory and its
// goroutines stay flat: gateways that send batches over the feed, viewers who stay,
// viewers who come and go, changing what they look at, and questions for tracks. The
// first third is for filling what is kept in memory by design; after that the middle
// and the last part are compared.
func TestSoak(t *testing.T) {
	d, err := time.ParseDuration(os.Getenv("CORRIDOR_SOAK"))
	if err != nil {
		t.Skip("takes minutes: make soak, or CORRIDOR_SOAK=3m go test ./cmd/corridor -run Soak -v -timeout 10m")
	}
	const gateways, size, every, viewers, comers = 4, 100, 100 * time.Millisecond, 200, 20 // 4,000 positions/s
	p := spawn(t, "CORRIDOR_TEST_AS_TRACKER", "serve", "--data", t.TempDir(), "--log-max", "500MB")
	admin := client{t, "http://" + p.addr, adminKey}
	_, carrier := admin.party("Carrier", tracking.Carrier)
	stop := make(chan struct{})
	var work sync.WaitGroup
	var sent, asked, visits, frames atomic.Int64
	stopped := func() bool {
		select {
		case <-stop:
			return true
		default:
			return false
		}
	}
	for g := range gateways {
		c, r, err := websocket.DefaultDialer.Dial("ws://"+p.addr+"/api/v1/feed", http.Header{"Authorization": {"Bearer " + carrier.key}})
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		f := newFleet(g, size)
		f.begin = time.Now().Add(-11 * d).Truncate(time.Second) // ten seconds go by in one
		work.Go(func() {
			defer c.Close()
			tick := time.NewTicker(every)
			defer tick.Stop()
			for !stopped() {
				<-tick.C
				if err := sendFrame(c, f.binary(), size); err != nil {
					t.Error(err)
					return
				}
				sent.Add(size)
			}
		})
	}
	look := func(rnd *rand.Rand) string {
		west, south := 9+4*rnd.Float64(), 45+rnd.Float64()*3
		return fmt.Sprintf(`{"type":"subscribe","bbox":[%.3f,%.3f,%.3f,%.3f],"zoom":6}`, west, south, west+1.5, south+1.5)
	}
	var stay watchers
	subscriptions := make([]string, viewers)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range subscriptions {
		subscriptions[i] = look(rnd)
	}
	stay.lasting = true
	stay.connect(t, viewers, p.addr, func(i int) string { return subscriptions[i] })
	for i := range comers {
		work.Go(func() {
			rnd := rand.New(rand.NewPCG(2, uint64(i)))
			for !stopped() {
				v, err := dialViewer(p.addr, adminKey, look(rnd))
				if err != nil {
					t.Error(err)
					return
				}
				for n := range 20 + rnd.IntN(20) {
					if n%8 == 7 {
						err = v.say(1, []byte(look(rnd)))
					}
					if err == nil {
						err = v.next(skip)
					}
					if err != nil || stopped() {
						break
					}
					frames.Add(1)
				}
				_ = v.conn.Close()
				visits.Add(1)
			}
		})
	}
	work.Go(func() {
		for i := 0; !stopped(); i++ {
			path := fmt.Sprintf("/api/v1/units/TRK-%02d-%03d/track?limit=1000", i%gateways, i%size)
			r, _ := http.NewRequest(http.MethodGet, "http://"+p.addr+path, http.NoBody)
			r.Header.Set("Authorization", "Bearer "+adminKey)
			res, err := impatient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				asked.Add(1)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	type sample struct{ rss, heap, goroutines, pending float64 }
	var samples []sample
	read := func() sample {
		text := admin.text("/metrics")
		return sample{float64(p.rss(t)), metricIn(text, "go_memstats_heap_inuse_bytes"), metricIn(text, "go_goroutines"), metricIn(text, "corridor_store_pending_fixes")}
	}
	for begun := time.Now(); time.Since(begun) < d && !t.Failed(); {
		time.Sleep(min(2*time.Second, d/60))
		samples = append(samples, read())
	}
	before := sent.Load()
	close(stop)
	work.Wait()
	part := func(from, to float64) (rss, heap, goroutines float64) {
		var a, b, c []float64
		for _, s := range samples[int(from*float64(len(samples))):int(to*float64(len(samples)))] {
			a, b, c = append(a, s.rss), append(b, s.heap), append(c, s.goroutines)
		}
		return slices.Sorted(slices.Values(a))[len(a)/2], slices.Sorted(slices.Values(b))[len(b)/2], slices.Sorted(slices.Values(c))[len(c)/2]
	}
	r1, h1, g1 := part(0.33, 0.66)
	r2, h2, g2 := part(0.66, 1)
	t.Logf("%v: %d positions acknowledged (%.0f/s), %d viewers came and went, %d+%d frames, %d tracks read", d, before, float64(before)/d.Seconds(), visits.Load(), stay.frames.Load(), frames.Load(), asked.Load())
	t.Logf("middle and last third, medians: resident %.1f and %.1f MB, heap %.1f and %.1f MB, goroutines %.0f and %.0f", r1/1024, r2/1024, h1/(1<<20), h2/(1<<20), g1, g2)
	if r2 > 1.1*r1+8*1024 || h2 > 1.15*h1+8<<20 {
		t.Error("memory is not flat")
	}
	if g2 > g1+20 {
		t.Error("goroutines are not flat")
	}
	if visits.Load() == 0 || stay.frames.Load() == 0 || asked.Load() == 0 {
		t.Error("somebody had nothing to do: this proves little")
	}
	stay.close()
	eventually(t, "the store has everything", func() bool { return metricIn(admin.text("/metrics"), "corridor_store_pending_fixes") == 0 })
	if got := metricIn(admin.text("/metrics"), `corridor_positions_total{code="",result="stored"}`); int64(got) != sent.Load() {
		t.Errorf("%.0f positions are counted as stored, %d were acknowledged", got, sent.Load())
	}
	eventually(t, "who left is gone", func() bool { return metricIn(admin.text("/metrics"), "corridor_watches") == 0 })
}

// text is the body of an answer.
func (c client) text(path string) string {
	c.t.Helper()
	_, b := c.do("GET", path, "")
	return string(b)
}

// metricIn reads one of the metrics, with its labels in its name; -1: it is not there.
func metricIn(text, name string) float64 {
	for l := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(l, name+" "); ok {
			var f float64
			if _, err := fmt.Sscan(v, &f); err == nil {
				return f
			}
		}
	}
	return -1
}
