package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/poslog"
	"corridor/tracking/store/memory"
	"corridor/tracking/trackingtest"
)

// loads counts how often the state is read from the store.
type loads struct {
	tracking.Store
	n atomic.Int64
}

func (l *loads) Load(ctx context.Context, yield func(tracking.Changes) error) error {
	l.n.Add(1)
	return l.Store.Load(ctx, yield)
}

// A start takes the state from its snapshot; from the store where the snapshot is
// damaged or ahead of the store; and it is the same state.
func TestStartFromSnapshot(t *testing.T) {
	dir := t.TempDir()
	store := &loads{Store: memory.New()}
	run := func(do func(*live.Tracker)) live.Stats {
		t.Helper()
		log, err := poslog.Open(t.Context(), poslog.Config{Dir: dir, MinFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		tr := live.New(live.Config{Log: log, Store: store, Clock: func() time.Time { return clock0 }, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- tr.Run(ctx) }()
		select {
		case <-tr.Ready():
		case err := <-ended:
			t.Fatal(err)
		}
		do(tr)
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		return tr.Stats()
	}
	var carrier tracking.Party
	first := run(func(tr *live.Tracker) {
		var err error
		if carrier, err = tr.CreateParty(t.Context(), "Carrier", tracking.Carrier); err != nil {
			t.Fatal(err)
		}
		s := journey(carrier.ID)
		s.Carrier, s.Unit = carrier.ID, "A"
		if _, err := tr.OpenShipment(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if _, err := tr.Accept(t.Context(), carrier.ID, []tracking.Position{at("A", i, 50, 10+float64(i)/10000)}, tracking.AcceptOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if first.Snapshot != first.Seq {
		t.Fatalf("stopped at record %d with a snapshot of %d", first.Seq, first.Snapshot)
	}
	same := func(tr *live.Tracker) {
		t.Helper()
		u, err := tr.Unit("A")
		if err != nil || u.Fixes != 10 || u.Shipment == "" || u.Latest.Lon != 10.0009 {
			t.Errorf("unit %+v, %v", u, err)
		}
		if r, err := tr.Accept(t.Context(), carrier.ID, []tracking.Position{at("A", 3, 50, 10)}, tracking.AcceptOptions{}); err != nil || r.Duplicates != 1 {
			t.Errorf("a fix from before the restart: %+v, %v", r, err)
		}
	}
	if run(same); store.n.Load() != 0 {
		t.Error("the state was read from the store though there is a snapshot")
	}
	path := filepath.Join(dir, "snapshot")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 4
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if run(same); store.n.Load() != 1 {
		t.Error("a damaged snapshot was used")
	}
	// A store that was lost is filled from the log, not from the snapshot.
	run(func(tr *live.Tracker) {
		if _, err := tr.Accept(t.Context(), carrier.ID, []tracking.Position{at("B", 1, 50, 10)}, tracking.AcceptOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	store.Store = memory.New()
	run(func(tr *live.Tracker) {
		same(tr)
		if fixes, err := tr.Track(t.Context(), "A", tracking.TrackQuery{}); err != nil || len(fixes) != 10 {
			t.Errorf("track of %d fixes, %v", len(fixes), err)
		}
	})
}

// trimmed is a log that notes what it may let go of.
type trimmed struct {
	*trackingtest.Log
	upTo atomic.Uint64
}

func (l *trimmed) Trim(_ context.Context, upTo uint64) (uint64, error) {
	l.upTo.Store(upTo)
	return 0, nil
}

// The log may let go only of what the store has committed.
func TestTrimming(t *testing.T) {
	log := &trimmed{Log: trackingtest.NewLog("e")}
	store := trackingtest.WrapStore(memory.New())
	tr := live.New(live.Config{Log: log, Store: store, Logger: slog.New(slog.DiscardHandler), Upkeep: time.Millisecond, Clock: func() time.Time { return clock0 }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	p, err := tr.CreateParty(t.Context(), "Carrier", tracking.Carrier)
	if err != nil {
		t.Fatal(err)
	}
	report := func(from, to int) {
		for i := from; i < to; i++ {
			if _, err := tr.Accept(t.Context(), p.ID, []tracking.Position{at("A", i-20_000, 50, 10)}, tracking.AcceptOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	report(0, 5000)
	await("nothing may be trimmed", func() bool { return log.upTo.Load() == tr.Seq()-live.TrimMargin })
	release := store.Hold()
	before := tr.Stats().Projected
	report(5000, 5500)
	await("the store is held", func() bool { return log.upTo.Load() <= before-live.TrimMargin })
	if got := log.upTo.Load(); got > before-live.TrimMargin {
		t.Errorf("records up to %d may go, the store has %d", got, before)
	}
	release()
	await("trimming does not go on", func() bool { return log.upTo.Load() == tr.Seq()-live.TrimMargin })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRestart is a start with a million units, from the snapshot the run before
// left, on an embedded log.
func BenchmarkRestart(b *testing.B) {
	const units = 1_000_000
	dir, store := b.TempDir(), memory.New()
	begin := func() (*live.Tracker, func()) {
		log, err := poslog.Open(b.Context(), poslog.Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		t := live.New(live.Config{Log: log, Store: store, Logger: slog.New(slog.DiscardHandler), StopAfter: time.Minute})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- t.Run(ctx) }()
		<-t.Ready()
		return t, func() {
			cancel()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
			_ = log.Close()
		}
	}
	t, end := begin()
	p, err := t.CreateParty(b.Context(), "Carrier", tracking.Carrier)
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]tracking.Position, 10_000)
	for n := 0; n < units; n += len(batch) {
		for i := range batch {
			batch[i] = tracking.Position{
				Unit: tracking.UnitID(fmt.Sprintf("TRK-%07d", n+i)), Time: time.Now(), Lat: 30 + float64(i)/400, Lon: float64(n%1_200_000) / 10_000, SpeedKMH: tracking.Known(60),
			}
		}
		if _, err := t.Accept(b.Context(), p.ID, batch, tracking.AcceptOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	end()
	b.ResetTimer()
	for range b.N {
		t, end := begin()
		if n := t.Stats().Units; n != units {
			b.Fatalf("%d units", n)
		}
		b.StopTimer()
		end()
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/start")
}
