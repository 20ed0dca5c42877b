package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/poslog"
	"corridor/tracking/store/memory"
	"corridor/tracking/store/sqlite"
	"corridor/tracking/trackingtest"
)

// durable runs a tracker as serve does: embedded log with an fsync for each
// record, SQLite.
func durable(b *testing.B) (*live.Tracker, tracking.Party) {
	b.Helper()
	dir := b.TempDir()
	log, err := poslog.Open(b.Context(), poslog.Config{Dir: filepath.Join(dir, "log")})
	if err != nil {
		b.Fatal(err)
	}
	store, err := sqlite.Open(b.Context(), filepath.Join(dir, "corridor.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { // after the tracker has stopped: last in, first out
		_ = log.Close()
		_ = store.Close()
	})
	t := running(b, live.Config{Log: log, Store: store})
	p, err := t.CreateParty(b.Context(), "Carrier", tracking.Carrier)
	if err != nil {
		b.Fatal(err)
	}
	return t, p
}

func running(b *testing.B, c live.Config) *live.Tracker {
	b.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	t := live.New(c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- t.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	select {
	case <-t.Ready():
	case err := <-ended:
		b.Fatal(err)
	}
	return t
}

// BenchmarkAccept stores batches of 100 positions from 8 senders at once, each of
// 100 units of its own, one batch after the other.
func BenchmarkAccept(b *testing.B) {
	t, p := durable(b)
	const senders, size = 8, 100
	begin := time.Now().Add(-1000 * 24 * time.Hour).Truncate(time.Second)
	before := t.Stats()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			batch := make([]tracking.Position, size)
			for n := 0; left.Add(-1) >= 0; n++ {
				for i := range batch {
					batch[i] = tracking.Position{
						Unit: tracking.UnitID(fmt.Sprintf("TRK-%d-%03d", s, i)), Time: begin.Add(time.Duration(n) * time.Second),
						Lat: 50 + float64(i)/100 + float64(n%5000)/10000, Lon: 10 + float64(s), SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(271),
					}
				}
				if _, err := t.Accept(b.Context(), p.ID, batch, tracking.AcceptOptions{}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	report(b, t, before)
}

// BenchmarkAcceptOne stores single reports, each acknowledged before the next,
// from 50 senders.
func BenchmarkAcceptOne(b *testing.B) {
	t, p := durable(b)
	begin := time.Now().Add(-1000 * 24 * time.Hour).Truncate(time.Second)
	before := t.Stats()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for s := range 50 {
		wg.Go(func() {
			unit := tracking.UnitID(fmt.Sprintf("TRK-%d", s))
			for n := 0; left.Add(-1) >= 0; n++ {
				batch := []tracking.Position{{Unit: unit, Time: begin.Add(time.Duration(n) * time.Second), Lat: 50, Lon: 10 + float64(n%5000)/10000}}
				if _, err := t.Accept(b.Context(), p.ID, batch, tracking.AcceptOptions{}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	report(b, t, before)
}

func report(b *testing.B, t *live.Tracker, before live.Stats) {
	b.Helper()
	s := t.Stats()
	stored, appends := float64(s.Stored-before.Stored), float64(s.Appends-before.Appends)
	b.ReportMetric(stored/b.Elapsed().Seconds(), "positions/s")
	b.ReportMetric(stored/appends, "positions/fsync")
}

// BenchmarkFanOut measures ticks: 1,000 units move and are shown to viewers of
// mixed viewports, each of which reads everything.
func BenchmarkFanOut(b *testing.B) {
	for _, viewers := range []int{100, 1000} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			t := running(b, live.Config{Log: trackingtest.NewLog("e"), Store: memory.New(), Tick: time.Hour})
			p, err := t.CreateParty(b.Context(), "Carrier", tracking.Carrier)
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			begin := time.Now().Add(-1000 * 24 * time.Hour).Truncate(time.Second)
			sec := 0
			batch := make([]tracking.Position, 1000)
			move := func() {
				sec++
				for i := range batch {
					batch[i] = tracking.Position{
						Unit: tracking.UnitID(fmt.Sprintf("TRK-%04d", i)), Time: begin.Add(time.Duration(sec) * time.Second),
						Lat: 30 + 30*r.Float64(), Lon: 120 * r.Float64(),
					}
				}
				if _, err := t.Accept(b.Context(), p.ID, batch, tracking.AcceptOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			move()
			var watches []tracking.Watch
			for range viewers {
				lon, lat := 120*r.Float64(), 30+30*r.Float64()
				size := 1 + 20*r.Float64()
				w, err := t.Watch(tracking.Interest{BBox: box(lon, lat, lon+size, min(90, lat+size/2)), Viewer: tracking.Party{Role: tracking.Dispatcher}}, nil)
				if err != nil {
					b.Fatal(err)
				}
				watches = append(watches, w)
			}
			shown := 0
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				move()
				b.StartTimer()
				t.Tick()
				for _, w := range watches {
					if d, ok := live.TryNext(w); ok {
						shown += len(d.Units)
					}
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(shown)/float64(b.N), "units-shown/tick")
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/tick")
			for _, w := range watches {
				w.Close()
			}
		})
	}
}

// BenchmarkRestore starts a tracker over a store of many units.
func BenchmarkRestore(b *testing.B) {
	const units = 200_000
	log, store := trackingtest.NewLog("e"), memory.New()
	t := live.New(live.Config{Log: log, Store: store, StopAfter: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- t.Run(ctx) }()
	p, err := t.CreateParty(ctx, "Carrier", tracking.Carrier)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	batch := make([]tracking.Position, 10_000)
	for n := 0; n < units; n += len(batch) {
		for i := range batch {
			batch[i] = tracking.Position{Unit: tracking.UnitID(fmt.Sprintf("TRK-%07d", n+i)), Time: time.Now(), Lat: 30 + 30*r.Float64(), Lon: 120 * r.Float64()}
		}
		if _, err := t.Accept(ctx, p.ID, batch, tracking.AcceptOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		t := live.New(live.Config{Log: log, Store: store})
		ctx, cancel := context.WithCancel(context.Background())
		go func() { ended <- t.Run(ctx) }()
		<-t.Ready()
		if n := t.Stats().Units; n != units {
			b.Fatalf("%d units restored", n)
		}
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(units)*float64(b.N)/b.Elapsed().Seconds(), "units/s")
}
