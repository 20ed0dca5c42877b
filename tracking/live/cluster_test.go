package live_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/poslog"
	"corridor/tracking/poslog/logtest"
	"corridor/tracking/store/memory"
)

// member is a tracker on the cluster.
type member struct {
	*live.Tracker
	log   *poslog.Log
	ended chan error
	stop  context.CancelFunc
	dead  atomic.Bool
}

func join(t testing.TB, c *logtest.Cluster, store tracking.Store) *member {
	t.Helper()
	m := &member{ended: make(chan error, 1)}
	var err error
	if m.log, err = poslog.Open(t.Context(), poslog.Config{URL: c.URL()}); err != nil {
		t.Fatal(err)
	}
	m.Tracker = live.New(live.Config{
		Log: m.log, Shared: true, Store: store, Clock: func() time.Time { return clock0 }, Logger: slog.New(slog.DiscardHandler),
		Tick: 10 * time.Millisecond, StopAfter: 10 * time.Second,
	})
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	go func() { m.ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-m.ended; err != nil {
			t.Log(err) // one that was killed ends with an error
		}
		close(m.ended)
		_ = m.log.Close()
	})
	select {
	case <-m.Ready():
	case err := <-m.ended:
		m.ended <- nil
		t.Fatal(err)
	}
	return m
}

// kill takes the process away from the log at once, as kill -9 does: what is under
// way is neither finished nor answered.
func (m *member) kill() {
	m.dead.Store(true)
	_ = m.log.Close()
	m.stop()
}

// Several trackers on a cluster of three NATS servers and one store: a tracker dies
// and a server dies, under load. Nothing that was acknowledged is lost or stored
// twice, each event happens once, and a viewer goes on at the other tracker.
func TestCluster(t *testing.T) {
	const senders, least = 6, 600
	c := logtest.StartCluster(t)
	store := memory.New()
	a, b := join(t, c, store), join(t, c, store)
	if n := replicas(t, c); n != 3 {
		t.Fatalf("the log has %d copies", n)
	}
	if a.Epoch() != b.Epoch() {
		t.Fatalf("epochs %s and %s", a.Epoch(), b.Epoch())
	}
	carrier, err := a.CreateParty(t.Context(), "Carrier", tracking.Carrier)
	if err != nil {
		t.Fatal(err)
	}
	c.Await("carrier at the other tracker", func() bool { _, ok := b.Party(carrier.ID); return ok })
	for i := range senders {
		s := journey(carrier.ID)
		s.Carrier, s.Unit = carrier.ID, crashUnit(i)
		if _, err := []*member{a, b}[i%2].OpenShipment(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}

	// A viewer at a, who goes to b when a is gone.
	seen := make(chan tracking.Event, 10_000)
	watching, stopWatching := context.WithCancel(t.Context())
	var viewer sync.WaitGroup
	viewer.Go(func() {
		defer close(seen)
		resume := &tracking.Resume{Epoch: a.Epoch()}
		for watching.Err() == nil {
			m := a
			if a.dead.Load() {
				m = b
			}
			w, err := m.Watch(tracking.Interest{BBox: box(0, 40, 20, 60), Viewer: tracking.Party{Role: tracking.Dispatcher}}, resume)
			if err != nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			if s := w.Snapshot(); s.Epoch != resume.Epoch {
				t.Errorf("another epoch: %s", s.Epoch)
			}
			for {
				d, err := w.Next(watching)
				if err != nil {
					break
				}
				if m.dead.Load() {
					break // what a dead process would have said is not heard
				}
				for _, e := range d.Events {
					seen <- e
				}
				resume = &tracking.Resume{Epoch: resume.Epoch, Seq: d.Seq}
			}
			w.Close()
		}
	})

	var acked [senders]int
	var total atomic.Int64
	var enough atomic.Bool // there is load until everything has died that is to die
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			at := i % 2
			for n := 0; n < least || !enough.Load(); {
				batch := make([]tracking.Position, crashBatch)
				for j := range batch {
					batch[j] = crashFix(i, n+j)
				}
				if n > 200 { // and one of long ago, as boxes do
					batch = append(batch, crashFix(i, n-200))
				}
				m := []*member{a, b}[at]
				rec, err := m.Accept(t.Context(), carrier.ID, batch, tracking.AcceptOptions{})
				if err == nil && m.dead.Load() {
					err = errors.New("the answer of a dead process")
				}
				if err != nil {
					if !a.dead.Load() {
						t.Errorf("sender %d: %v", i, err)
						return
					}
					at = 1 // send it again there
					continue
				}
				if len(rec.Refused) > 0 {
					t.Errorf("sender %d: %+v", i, rec)
					return
				}
				n += crashBatch
				acked[i] = n
				total.Add(crashBatch)
				if n%50 == 0 && !a.dead.Load() {
					at = 1 - at // the same unit reports now here, now there
				}
			}
		})
	}
	c.Await("load", func() bool { return total.Load() > senders*least/4 })
	a.kill()
	was := total.Load()
	c.Await("load after a tracker died", func() bool { return total.Load() > was+20*crashBatch })
	leader := c.Leader("CORRIDOR")
	if leader < 0 {
		t.Fatal("the stream has no leader")
	}
	c.Stop(leader)
	began := time.Now()
	was = total.Load()
	c.Await("load after a server died", func() bool { return total.Load() > was+10*crashBatch })
	t.Logf("taken over from a dead server after %v", time.Since(began).Round(time.Millisecond))
	enough.Store(true)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}

	fresh := join(t, c, store) // a process that starts now
	last, err := b.log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Await("the end of the log", func() bool { return b.Seq() >= last && fresh.Seq() >= last && b.Stats().Pending == 0 })
	if s, err := b.log.Bytes(t.Context()); err != nil || s == 0 {
		t.Errorf("the log has %d bytes, %v", s, err)
	}
	var events []tracking.Event
	for name, m := range map[string]*member{"the survivor": b, "one that started later": fresh} {
		for i := range senders {
			fixes, err := m.Track(t.Context(), crashUnit(i), tracking.TrackQuery{})
			if err != nil {
				t.Fatal(err)
			}
			u, err := m.Unit(crashUnit(i))
			if err != nil {
				t.Fatal(err)
			}
			if len(fixes) != acked[i] || u.Fixes != uint64(acked[i]) {
				t.Errorf("%s: %s acknowledged %d, history has %d, counted %d", name, u.Unit, acked[i], len(fixes), u.Fixes)
			}
		}
		if events, err = m.Events(t.Context(), "", 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, e := range events {
			count[string(e.Shipment)+" "+e.Kind]++
		}
		for _, s := range m.Shipments(tracking.Party{Role: tracking.Admin}) {
			for _, kind := range []string{tracking.EventOpened, tracking.EventAssigned, tracking.EventDeparted, tracking.EventBorder, tracking.EventArrived} {
				if n := count[string(s.ID)+" "+kind]; n != 1 {
					t.Errorf("%s: %s of %s happened %d times", name, kind, s.Unit, n)
				}
			}
		}
	}
	for i, want := range events {
		select {
		case e := <-seen:
			if e.Seq != want.Seq || e.N != want.N {
				t.Fatalf("the viewer's event %d is %d.%d %s, want %d.%d %s", i, e.Seq, e.N, e.Kind, want.Seq, want.N, want.Kind)
			}
		case <-time.After(time.Minute):
			t.Fatalf("the viewer saw %d events of %d", i, len(events))
		}
	}
	stopWatching()
	viewer.Wait()
	for e := range seen {
		t.Errorf("the viewer saw %+v besides", e)
	}
}

// replicas is how many copies the cluster keeps of the log.
func replicas(t testing.TB, c *logtest.Cluster) int {
	t.Helper()
	nc, err := nats.Connect(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "CORRIDOR")
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().Config.Replicas
}
