package live_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/store/memory"
	"corridor/tracking/trackingtest"
)

// clock0 is what the clock of a test says.
var clock0 = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// rig is a tracker over doubles.
type rig struct {
	*live.Tracker
	t     testing.TB
	log   *trackingtest.Log
	store *trackingtest.Store
	cfg   live.Config
	stop  func()
}

func newRig(t testing.TB, change ...func(*live.Config)) *rig {
	t.Helper()
	r := &rig{t: t, log: trackingtest.NewLog("epoch-1"), store: trackingtest.WrapStore(memory.New())}
	r.cfg = live.Config{
		Log: r.log, Store: r.store, Clock: func() time.Time { return clock0 },
		Logger: slog.New(slog.DiscardHandler), Tick: time.Millisecond, StopAfter: 5 * time.Second,
	}
	for _, f := range change {
		f(&r.cfg)
	}
	r.start()
	return r
}

// start runs a tracker over the log and the store as they are.
func (r *rig) start() {
	r.t.Helper()
	r.Tracker = live.New(r.cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(r.stop)
	select {
	case <-r.Ready():
	case err := <-ended:
		r.t.Fatalf("Run: %v", err)
	}
}

func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

func (r *rig) party(role tracking.Role) tracking.Party {
	r.t.Helper()
	p, err := r.CreateParty(r.t.Context(), "Some "+string(role), role)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *rig) accept(p tracking.Party, batch ...tracking.Position) tracking.Receipt {
	r.t.Helper()
	rec, err := r.Accept(r.t.Context(), p.ID, batch, tracking.AcceptOptions{})
	if err != nil {
		r.t.Fatalf("Accept: %v", err)
	}
	return rec
}

// teleport is accept of units that are faster than anything drives: simulated ones.
func (r *rig) teleport(p tracking.Party, batch ...tracking.Position) tracking.Receipt {
	r.t.Helper()
	rec, err := r.Accept(r.t.Context(), p.ID, batch, tracking.AcceptOptions{Simulated: true})
	if err != nil {
		r.t.Fatalf("Accept: %v", err)
	}
	return rec
}

func (r *rig) track(unit tracking.UnitID, q tracking.TrackQuery) []tracking.Fix {
	r.t.Helper()
	fixes, err := r.Track(r.t.Context(), unit, q)
	if err != nil {
		r.t.Fatalf("Track: %v", err)
	}
	return fixes
}

// at is a position some seconds after clock0 minus a day.
func at(unit tracking.UnitID, sec int, lat, lon float64) tracking.Position {
	return tracking.Position{Unit: unit, Time: clock0.Add(-24*time.Hour + time.Duration(sec)*time.Second), Lat: lat, Lon: lon}
}

func seconds(fixes []tracking.Fix) []int {
	out := make([]int, len(fixes))
	for i, f := range fixes {
		out[i] = int(f.Time.Sub(clock0.Add(-24*time.Hour)) / time.Second)
	}
	return out
}

func expect(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestAcceptSortsABatch(t *testing.T) {
	r := newRig(t)
	mine, theirs := r.party(tracking.Carrier), r.party(tracking.Carrier)
	r.accept(theirs, at("THEIRS", 0, 50, 10))
	r.accept(mine, at("A", 10, 50, 10))
	far := at("A", 0, 50, 10)
	far.Time = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	rec := r.accept(mine,
		at("A", 11, 50.1, 10),
		at("A", 10, 50.1, 10), // a duplicate, wherever it says it is
		at("A", 12, 91, 10),
		at("THEIRS", 5, 50, 10),
		at("A", 11, 50.2, 10), // a duplicate within the batch
		far,
		at("B", 1, -33.9, 18.4),
		at("", 1, 1, 1),
	)
	expect(t, "stored", rec.Stored, 2)
	expect(t, "duplicates", rec.Duplicates, 2)
	slices.SortFunc(rec.Refused, func(a, b tracking.Refusal) int { return cmp.Compare(a.Index, b.Index) })
	want := []struct {
		index  int
		code   string
		reason string
	}{
		{2, "latitude", "latitude 91 out of range"},
		{3, "owner", `unit "THEIRS" belongs to another carrier`},
		{5, "time", "time 2099-01-01T00:00:00Z is in the future: the clock here says 2026-12-01T08:00:00Z"},
		{7, "unit", "unit is missing"},
	}
	if len(rec.Refused) != len(want) {
		t.Fatalf("refused %+v", rec.Refused)
	}
	for i, w := range want {
		expect(t, "refusal", rec.Refused[i], tracking.Refusal{Index: w.index, Reason: w.reason, Code: w.code})
	}
	expect(t, "track of A", seconds(r.track("A", tracking.TrackQuery{})), []int{10, 11})
	s := r.Stats()
	expect(t, "counted as refused", s.Refused, map[string]uint64{"latitude": 1, "owner": 1, "time": 1, "unit": 1})
	expect(t, "counted as stored", s.Stored, uint64(4))
	expect(t, "counted as duplicates", s.Duplicates, uint64(2))
}

func TestAcceptOfNobody(t *testing.T) {
	r := newRig(t)
	if _, err := r.Accept(t.Context(), "nobody", []tracking.Position{at("A", 0, 0, 0)}, tracking.AcceptOptions{}); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("Accept for an unknown carrier = %v", err)
	}
	p := r.party(tracking.Carrier)
	var bad *tracking.InvalidError
	if _, err := r.Accept(t.Context(), p.ID, nil, tracking.AcceptOptions{Mode: "camel"}); !errors.As(err, &bad) {
		t.Errorf("Accept of an unknown mode = %v", err)
	}
	if rec := r.accept(p); rec.Stored != 0 || rec.Refused == nil {
		t.Errorf("empty batch = %+v", rec)
	}
}

func TestLateFixesEnterHistoryOnly(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	r.accept(p, at("A", 100, 50, 10))
	r.accept(p, at("A", 50, 40, 10), at("A", 70, 41, 10))
	u, err := r.Unit("A")
	if err != nil {
		t.Fatal(err)
	}
	if u.Latest.Lat != 50 || u.Fixes != 3 {
		t.Errorf("unit is at %v after %d fixes, want at 50 after 3", u.Latest.Lat, u.Fixes)
	}
	expect(t, "track", seconds(r.track("A", tracking.TrackQuery{})), []int{50, 70, 100})
}

// Fixes older than what memory remembers of a unit are looked up where they are:
// not yet projected, or in the store.
func TestDuplicatesOfOldFixes(t *testing.T) {
	for _, projected := range []bool{false, true} {
		t.Run(fmt.Sprintf("projected=%v", projected), func(t *testing.T) {
			r := newRig(t)
			p := r.party(tracking.Carrier)
			release := r.store.Hold()
			defer release()
			if projected {
				release()
			}
			var batch []tracking.Position
			for i := range 500 {
				batch = append(batch, at("A", 10*i, 50, 10+float64(i)/1000))
			}
			r.accept(p, batch...)
			if projected {
				r.settle()
			}
			rec := r.accept(p, batch...)
			expect(t, "all again", rec, tracking.Receipt{Duplicates: 500, Refused: []tracking.Refusal{}})
			rec = r.accept(p, at("A", 5, 1, 1), at("A", 0, 1, 1), at("A", 15, 1, 1), at("A", 5, 1, 1))
			expect(t, "between", rec, tracking.Receipt{Stored: 2, Duplicates: 2, Refused: []tracking.Refusal{}})
			release()
			r.restart()
			rec = r.accept(p, append(batch, at("A", 5, 1, 1), at("A", 25, 1, 1))...)
			expect(t, "after a restart", rec, tracking.Receipt{Stored: 1, Duplicates: 501, Refused: []tracking.Refusal{}})
			expect(t, "history", len(r.track("A", tracking.TrackQuery{})), 503)
		})
	}
}

// settle waits until all is projected.
func (r *rig) settle() {
	r.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for r.Stats().Pending > 0 || r.Stats().Projected < r.Seq() {
		if time.Now().After(deadline) {
			r.t.Fatal("the store does not catch up")
		}
		time.Sleep(time.Millisecond) // real time: the projector is another goroutine
	}
}

func TestOldFixesWhileTheStoreIsAway(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	var batch []tracking.Position
	for i := range 100 {
		batch = append(batch, at("A", 10*i, 50, 10))
	}
	r.accept(p, batch...)
	r.settle()
	r.store.Fail(errors.New("the database is away"))
	// New ones and those memory knows are not held up; what would have to be
	// looked up is refused, to be sent again.
	rec := r.accept(p, at("A", 2000, 50, 11), at("A", 990, 50, 10), at("A", 985, 50, 10), at("A", 5, 50, 10))
	expect(t, "stored", rec.Stored, 2)
	expect(t, "duplicates", rec.Duplicates, 1)
	if len(rec.Refused) != 1 || rec.Refused[0].Code != tracking.CodeLater || rec.Refused[0].Index != 3 {
		t.Errorf("refused %+v", rec.Refused)
	}
	r.store.Fail(nil)
	rec = r.accept(p, at("A", 5, 50, 10))
	expect(t, "stored when sent again", rec.Stored, 1)
}

func TestOneOfManyEqualReportsIsStored(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	const senders, fixes = 16, 40
	var mu sync.Mutex
	var total tracking.Receipt
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for i := range fixes {
				rec, err := r.Accept(t.Context(), p.ID, []tracking.Position{at("A", i, 50, 10), at("B", i, 51, 10)}, tracking.AcceptOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				total.Stored += rec.Stored
				total.Duplicates += rec.Duplicates
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	expect(t, "stored", total.Stored, 2*fixes)
	expect(t, "duplicates", total.Duplicates, 2*fixes*(senders-1))
	expect(t, "history of A", len(r.track("A", tracking.TrackQuery{})), fixes)
}

// While a report waits for the disk, the same report by another connection must
// wait for its fate: it is a duplicate only if the first is stored.
func TestSameReportWhileTheFirstIsUnderWay(t *testing.T) {
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("first fails=%v", fails), func(t *testing.T) {
			r := newRig(t)
			p := r.party(tracking.Carrier)
			release := r.log.Hold()
			type result struct {
				tracking.Receipt
				err error
			}
			results := make(chan result, 2)
			send := func() {
				rec, err := r.Accept(t.Context(), p.ID, []tracking.Position{at("A", 1, 50, 10)}, tracking.AcceptOptions{})
				results <- result{rec, err}
			}
			go send()
			go send()
			if fails {
				r.log.Fail(tracking.ErrFull, false)
			}
			release()
			a, b := <-results, <-results
			if fails {
				if !errors.Is(a.err, tracking.ErrFull) || !errors.Is(b.err, tracking.ErrFull) {
					t.Errorf("errors %v and %v, want ErrFull", a.err, b.err)
				}
				r.log.Fail(nil, false)
				expect(t, "sent again", r.accept(p, at("A", 1, 50, 10)).Stored, 1)
				return
			}
			if a.err != nil || b.err != nil {
				t.Fatal(a.err, b.err)
			}
			expect(t, "stored", a.Stored+b.Stored, 1)
			expect(t, "duplicates", a.Duplicates+b.Duplicates, 1)
		})
	}
}

func TestTwoCarriersNameOneNewUnit(t *testing.T) {
	r := newRig(t)
	a, b := r.party(tracking.Carrier), r.party(tracking.Carrier)
	for i := range 50 {
		unit := tracking.UnitID(fmt.Sprint("U", i))
		var wg sync.WaitGroup
		stored := make([]int, 2)
		for j, p := range []tracking.Party{a, b} {
			wg.Go(func() {
				rec, err := r.Accept(t.Context(), p.ID, []tracking.Position{at(unit, j, 50, 10)}, tracking.AcceptOptions{})
				if err != nil {
					t.Error(err)
				}
				stored[j] = rec.Stored
				if rec.Stored+len(rec.Refused) != 1 {
					t.Errorf("receipt %+v", rec)
				}
			})
		}
		wg.Wait()
		if stored[0]+stored[1] != 1 {
			t.Fatalf("unit %s was stored by %v", unit, stored)
		}
	}
}

// An append whose answer is lost is settled by looking into the log, whether it
// was stored or not.
func TestLostAnswer(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprintf("stored=%v", stored), func(t *testing.T) {
			r := newRig(t)
			p := r.party(tracking.Carrier)
			r.log.Fail(errors.New("connection lost"), stored)
			rec, err := r.Accept(t.Context(), p.ID, []tracking.Position{at("A", 1, 50, 10)}, tracking.AcceptOptions{})
			r.log.Fail(nil, false)
			if stored {
				if err != nil || rec.Stored != 1 {
					t.Errorf("Accept = %+v, %v, want it stored", rec, err)
				}
				expect(t, "sent again", r.accept(p, at("A", 1, 50, 10)).Duplicates, 1)
				return
			}
			if err == nil {
				t.Errorf("Accept = %+v, want an error", rec)
			}
			expect(t, "sent again", r.accept(p, at("A", 1, 50, 10)).Stored, 1)
		})
	}
}

func TestReportsShareARecord(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	before := r.Stats().Appends
	release := r.log.Hold()
	var wg sync.WaitGroup
	const senders = 40
	for i := range senders {
		wg.Go(func() {
			if _, err := r.Accept(t.Context(), p.ID, []tracking.Position{at(tracking.UnitID(fmt.Sprint("U", i)), 1, 50, 10)}, tracking.AcceptOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	for r.Appending() < senders { // each sender has its own unit
		time.Sleep(time.Millisecond)
	}
	release()
	wg.Wait()
	if n := r.Stats().Appends - before; n > senders/4 {
		t.Errorf("%d reports took %d appends", senders, n)
	}
}

func TestLargeBatch(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	sensors := json.RawMessage(`{"note":"` + strings.Repeat("x", 1800) + `"}`)
	var batch []tracking.Position
	for i := range 10_000 {
		x := at(tracking.UnitID(fmt.Sprint("U", i%7)), i, 50, 10)
		if i%5 == 0 {
			x.Sensors = sensors
		}
		batch = append(batch, x)
	}
	rec := r.accept(p, batch...)
	expect(t, "receipt", rec, tracking.Receipt{Stored: 10_000, Refused: []tracking.Refusal{}})
	err := r.log.Read(t.Context(), 0, func(seq uint64, b []byte) error {
		if len(b) > 900<<10 {
			t.Errorf("record %d takes %d bytes", seq, len(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.restart()
	expect(t, "receipt", r.accept(p, batch...), tracking.Receipt{Duplicates: 10_000, Refused: []tracking.Refusal{}})
}

func TestFullLog(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	r.accept(p, at("A", 1, 50, 10))
	r.log.Fail(tracking.ErrFull, false)
	if _, err := r.Accept(t.Context(), p.ID, []tracking.Position{at("A", 2, 50, 10)}, tracking.AcceptOptions{}); !errors.Is(err, tracking.ErrFull) {
		t.Errorf("Accept = %v, want ErrFull", err)
	}
	if _, err := r.CreateParty(t.Context(), "x", tracking.Carrier); !errors.Is(err, tracking.ErrFull) {
		t.Errorf("CreateParty = %v, want ErrFull", err)
	}
	expect(t, "what was there", seconds(r.track("A", tracking.TrackQuery{})), []int{1})
	r.log.Fail(nil, false)
	expect(t, "stored", r.accept(p, at("A", 2, 50, 10)).Stored, 1)
}

func TestStoreAway(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	r.settle()
	r.store.Fail(errors.New("the database is away"))
	for i := range 200 {
		expect(t, "stored", r.accept(p, at("A", i, 50, 10)).Stored, 1)
	}
	u, err := r.Unit("A")
	if err != nil || u.Fixes != 200 {
		t.Errorf("unit has %d fixes, %v", u.Fixes, err)
	}
	for r.Stats().StoreError == "" {
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(r.Stats().StoreError, "the database is away") {
		t.Errorf("store error is %q", r.Stats().StoreError)
	}
	r.store.Fail(nil)
	r.settle()
	if r.Stats().StoreError != "" {
		t.Errorf("store error is %q after it came back", r.Stats().StoreError)
	}
	expect(t, "history", len(r.track("A", tracking.TrackQuery{})), 200)
}

func TestStoreAwayForTooLong(t *testing.T) {
	r := newRig(t, func(c *live.Config) { c.MaxPending = 10 })
	p := r.party(tracking.Carrier)
	r.settle()
	release := r.store.Hold()
	defer release()
	n := 0
	for ; n < 20; n++ {
		_, err := r.Accept(t.Context(), p.ID, []tracking.Position{at("A", n, 50, 10)}, tracking.AcceptOptions{})
		if errors.Is(err, tracking.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "stored before it was full", n, 11)
	release()
	r.settle()
	expect(t, "stored afterwards", r.accept(p, at("A", n, 50, 10)).Stored, 1)
	expect(t, "history", len(r.track("A", tracking.TrackQuery{})), n+1)
}

func TestRestartIsReplay(t *testing.T) {
	for name, projected := range map[string]bool{"everything projected": true, "nothing projected": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *live.Config) { c.StopAfter = 50 * time.Millisecond })
			release := r.store.Hold()
			defer release()
			if projected {
				release()
			}
			carrier, shipper := r.party(tracking.Carrier), r.party(tracking.Shipper)
			_, secret, err := r.IssueKey(t.Context(), carrier.ID)
			if err != nil {
				t.Fatal(err)
			}
			sh, err := r.OpenShipment(t.Context(), journey(shipper.ID))
			if err != nil {
				t.Fatal(err)
			}
			if sh, err = r.Assign(t.Context(), sh.ID, carrier.ID, "T1"); err != nil {
				t.Fatal(err)
			}
			for i := range 30 {
				r.accept(carrier, at("T1", 600*i, 50, 10+0.15*float64(i)), at("T2", 600*i, 60, 10))
			}
			before := view(t, r, sh.ID, shipper)
			if projected {
				r.settle()
			}
			r.restart()
			after := view(t, r, sh.ID, shipper)
			if before != after {
				t.Errorf("state after the restart differs\nbefore %s\nafter  %s", before, after)
			}
			if p, _, ok := r.Authenticate(secret); !ok || p.ID != carrier.ID {
				t.Errorf("key lets %v in after the restart", p)
			}
			if projected == (r.Stats().Projected < r.Seq()) {
				t.Errorf("projected to %d of %d: the test does not test what it says", r.Stats().Projected, r.Seq())
			}
		})
	}
}

// view is all that can be asked, as JSON.
func view(t *testing.T, r *rig, id tracking.ShipmentID, viewer tracking.Party) string {
	t.Helper()
	var out []any
	for _, u := range []tracking.UnitID{"T1", "T2"} {
		s, err := r.Unit(u)
		if err != nil {
			t.Fatal(err)
		}
		if s.Latest != nil {
			s.Latest.Cell = 0 // not kept; computed anew where it is needed
		}
		out = append(out, s, seconds(r.track(u, tracking.TrackQuery{})))
	}
	sh, err := r.Shipment(id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Progress(id)
	if err != nil {
		t.Fatal(err)
	}
	events, err := r.Events(t.Context(), "", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, sh, p, events, r.Shipments(viewer), r.Parties(""), r.Seq(), r.Epoch())
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTrackOverMemoryAndStore(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	r.accept(p, at("A", 10, 50, 10), at("A", 30, 50, 10), at("A", 50, 50, 10))
	r.settle()
	release := r.store.Hold()
	defer release()
	r.accept(p, at("A", 20, 50, 10), at("A", 60, 50, 10), at("A", 5, 50, 10))
	day := clock0.Add(-24 * time.Hour)
	sec := func(n int) time.Time { return day.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		q    tracking.TrackQuery
		want []int
	}{
		"all":            {tracking.TrackQuery{}, []int{5, 10, 20, 30, 50, 60}},
		"newest":         {tracking.TrackQuery{Limit: 3}, []int{30, 50, 60}},
		"from":           {tracking.TrackQuery{From: sec(20)}, []int{20, 30, 50, 60}},
		"to":             {tracking.TrackQuery{To: sec(30)}, []int{5, 10, 20}},
		"from and limit": {tracking.TrackQuery{From: sec(10), Limit: 2}, []int{10, 20}},
		"to and limit":   {tracking.TrackQuery{To: sec(60), Limit: 2}, []int{30, 50}},
		"nothing":        {tracking.TrackQuery{From: sec(61)}, []int{}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, "track", seconds(r.track("A", c.q)), c.want) })
	}
	if _, err := r.Track(t.Context(), "nobody", tracking.TrackQuery{}); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("Track of an unknown unit = %v", err)
	}
}

func TestMismatchedLogAndStore(t *testing.T) {
	r := newRig(t)
	r.accept(r.party(tracking.Carrier), at("A", 1, 50, 10), at("A", 2, 50, 10))
	r.settle()
	r.stop()
	run := func(log tracking.Log) error {
		c := r.cfg
		c.Log = log
		return live.New(c).Run(t.Context())
	}
	other := trackingtest.NewLog("epoch-2")
	if err := run(other); err == nil || !strings.Contains(err.Error(), "epoch-1") || !strings.Contains(err.Error(), "epoch-2") {
		t.Errorf("Run with another log = %v", err)
	}
	r.log.Truncate(1)
	if err := run(r.log); err == nil || !strings.Contains(err.Error(), "ends at record 1") {
		t.Errorf("Run with a log that was cut off = %v", err)
	}
	if err := run(damaged{r.log}); err == nil {
		t.Error("Run over a damaged log succeeded")
	}
}

// damaged is a log whose records are not what they were.
type damaged struct{ *trackingtest.Log }

func (d damaged) Last(context.Context) (uint64, error) { return 9, nil }
func (d damaged) Read(_ context.Context, after uint64, fn func(uint64, []byte) error) error {
	return fn(after+1, []byte("garbage"))
}

func TestStopping(t *testing.T) {
	r := newRig(t)
	p := r.party(tracking.Carrier)
	release := r.log.Hold()
	type result struct {
		rec tracking.Receipt
		err error
	}
	got := make(chan result, 1)
	go func() {
		rec, err := r.Accept(t.Context(), p.ID, []tracking.Position{at("A", 1, 50, 10)}, tracking.AcceptOptions{})
		got <- result{rec, err}
	}()
	for r.Appending() == 0 {
		time.Sleep(time.Millisecond)
	}
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	for { // what comes now is refused
		if _, err := r.Accept(t.Context(), p.ID, nil, tracking.AcceptOptions{}); errors.Is(err, tracking.ErrClosed) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	release()
	// What was under way is finished and answered.
	if g := <-got; g.err != nil || g.rec.Stored != 1 {
		t.Errorf("report under way while stopping = %+v, %v", g.rec, g.err)
	}
	<-stopped
	if seq, _, err := r.store.Applied(t.Context()); err != nil || seq != r.Seq() {
		t.Errorf("store has %d of %d after stopping, %v", seq, r.Seq(), err)
	}
	if _, err := r.Accept(t.Context(), p.ID, nil, tracking.AcceptOptions{}); !errors.Is(err, tracking.ErrClosed) {
		t.Errorf("Accept after stopping = %v, want ErrClosed", err)
	}
	if _, err := r.Watch(tracking.Interest{Viewer: p}, nil); !errors.Is(err, tracking.ErrClosed) {
		t.Errorf("Watch after stopping = %v, want ErrClosed", err)
	}
}

func TestPartiesAndKeys(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	admin, carrier := r.party(tracking.Admin), r.party(tracking.Carrier)
	k, secret, err := r.IssueKey(ctx, carrier.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p, id, ok := r.Authenticate(secret); !ok || p != carrier || id != k.ID {
		t.Errorf("Authenticate = %v, %v, %v", p, id, ok)
	}
	for _, wrong := range []string{"", "x", secret + "x", strings.ToUpper(secret)} {
		if _, _, ok := r.Authenticate(wrong); ok {
			t.Errorf("Authenticate(%q) let in", wrong)
		}
	}
	first, err := r.AddKey(ctx, admin.ID, "from the environment")
	if err != nil {
		t.Fatal(err)
	}
	seq := r.Seq()
	again, err := r.AddKey(ctx, admin.ID, "from the environment")
	if err != nil || again.ID != first.ID || r.Seq() != seq {
		t.Errorf("adding the key again = %v, %v and %d records", again, err, r.Seq()-seq)
	}
	if _, err := r.AddKey(ctx, carrier.ID, "from the environment"); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("adding another party's key = %v", err)
	}
	if _, err := r.AddKey(ctx, "nobody", "x"); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("adding nobody's key = %v", err)
	}
	if p, ok := r.Key(k.ID); !ok || p != carrier {
		t.Errorf("Key = %v, %v", p, ok)
	}
	if err := r.RevokeKey(ctx, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := r.Authenticate(secret); ok {
		t.Error("a revoked key lets in")
	}
	if _, ok := r.Key(k.ID); ok {
		t.Error("a revoked key has a party")
	}
	if _, err := r.AddKey(ctx, carrier.ID, secret); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("adding a revoked key = %v", err)
	}
	if err := r.RevokeKey(ctx, "nothing"); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("revoking an unknown key = %v", err)
	}
	if keys := r.Keys(carrier.ID); len(keys) != 1 || keys[0].Revoked == nil {
		t.Errorf("keys %+v", keys)
	}
	expect(t, "carriers", r.Parties(tracking.Carrier), []tracking.Party{carrier})
	var bad *tracking.InvalidError
	for _, c := range []struct {
		name string
		role tracking.Role
	}{{"", tracking.Admin}, {"  ", tracking.Admin}, {"x", "king"}, {strings.Repeat("x", 201), tracking.Admin}} {
		if _, err := r.CreateParty(ctx, c.name, c.role); !errors.As(err, &bad) {
			t.Errorf("CreateParty(%.10q, %q) = %v", c.name, c.role, err)
		}
	}
}

func TestShipments(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	shipper, carrier, other := r.party(tracking.Shipper), r.party(tracking.Carrier), r.party(tracking.Carrier)
	r.accept(other, at("OTHERS", 1, 50, 10))
	sh, err := r.OpenShipment(ctx, journey(shipper.ID))
	if err != nil {
		t.Fatal(err)
	}
	if sh.ID == "" || sh.Status != tracking.Planned || !sh.Opened.Equal(clock0) {
		t.Errorf("opened %+v", sh)
	}
	if _, err := r.ETA(sh.ID); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("ETA before a report = %v", err)
	}
	if _, err := r.Assign(ctx, sh.ID, carrier.ID, "OTHERS"); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("assigning another carrier's unit = %v", err)
	}
	if _, err := r.Assign(ctx, "nothing", carrier.ID, "T1"); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("assigning to no shipment = %v", err)
	}
	if _, err := r.Assign(ctx, sh.ID, "nobody", "T1"); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("assigning nobody = %v", err)
	}
	var bad *tracking.InvalidError
	if _, err := r.Assign(ctx, sh.ID, shipper.ID, "T1"); !errors.As(err, &bad) {
		t.Errorf("assigning a shipper's unit = %v", err)
	}
	if _, err := r.Assign(ctx, sh.ID, carrier.ID, "T/1"); !errors.As(err, &bad) {
		t.Errorf("assigning a unit with a bad name = %v", err)
	}
	if sh, err = r.Assign(ctx, sh.ID, carrier.ID, "T1"); err != nil || sh.Unit != "T1" || sh.Carrier != carrier.ID {
		t.Fatalf("Assign = %+v, %v", sh, err)
	}
	u, err := r.Unit("T1")
	if err != nil || u.Shipment != sh.ID || u.Carrier != carrier.ID || u.Mode != geodata.Road {
		t.Errorf("unit %+v, %v", u, err)
	}
	if rec := r.accept(other, at("T1", 1, 50, 10)); len(rec.Refused) != 1 {
		t.Errorf("another carrier reports the unit: %+v", rec)
	}
	// Onto another unit: the first is free again.
	if _, err := r.Assign(ctx, sh.ID, carrier.ID, "T2"); err != nil {
		t.Fatal(err)
	}
	if u, _ := r.Unit("T1"); u.Shipment != "" {
		t.Errorf("unit T1 still has shipment %s", u.Shipment)
	}
	seq := r.Seq()
	if _, err := r.Assign(ctx, sh.ID, carrier.ID, "T2"); err != nil || r.Seq() != seq {
		t.Errorf("assigning again = %v and %d records", err, r.Seq()-seq)
	}
	one := journey(shipper.ID)
	one.Carrier, one.Unit = carrier.ID, "T3"
	both, err := r.OpenShipment(ctx, one)
	if err != nil || both.Unit != "T3" || both.Carrier != carrier.ID || r.Seq() != seq+1 {
		t.Errorf("open with a unit = %+v, %v in %d records", both, err, r.Seq()-seq)
	}
	one.Unit = "OTHERS"
	if _, err := r.OpenShipment(ctx, one); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("open with another carrier's unit = %v", err)
	}
	if _, err := r.OpenShipment(ctx, journey("nobody")); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("open for nobody = %v", err)
	}
	for _, c := range []struct {
		viewer tracking.Party
		want   int
	}{{shipper, 2}, {carrier, 2}, {other, 0}, {r.party(tracking.Shipper), 0}, {r.party(tracking.Dispatcher), 2}, {tracking.Party{}, 0}} {
		if got := r.Shipments(c.viewer); len(got) != c.want {
			t.Errorf("%s %q sees %d shipments, want %d", c.viewer.Role, c.viewer.ID, len(got), c.want)
		}
	}
}

func TestDossierAndLinks(t *testing.T) {
	now := clock0
	r := newRig(t, func(c *live.Config) { c.Clock = func() time.Time { return now } })
	shipper := r.party(tracking.Shipper)
	s, err := r.OpenShipment(t.Context(), tracking.Shipment{Owner: shipper.ID})
	if err != nil {
		t.Fatal(err)
	}
	number := func(d *tracking.Dossier) error {
		d.References = append(d.References, tracking.Reference{Kind: "container", Number: "csqu 3054383"})
		return nil
	}
	if s, err = r.Amend(t.Context(), s.ID, shipper.ID, 0, number); err != nil {
		t.Fatal(err)
	}
	if s.Dossier.Revision != 1 || s.Dossier.References[0].Number != "CSQU3054383" {
		t.Errorf("dossier %+v", s.Dossier)
	}
	var field *tracking.FieldError
	if _, err := r.Amend(t.Context(), s.ID, shipper.ID, 1, number); !errors.As(err, &field) {
		t.Errorf("the same number twice: %v", err)
	}
	if _, err := r.Amend(t.Context(), s.ID, shipper.ID, 7, number); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("on a revision that is not there: %v", err)
	}

	link, secret, err := r.Share(t.Context(), s.ID, shipper.ID, tracking.SharePosition, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want bool) {
		t.Helper()
		got, _, _, err := r.Shared(secret)
		if want && (err != nil || got.ID != s.ID) || !want && !errors.Is(err, tracking.ErrNotFound) {
			t.Errorf("the link shows %s, %v; want it to show something: %v", got.ID, err, want)
		}
	}
	shows(true)
	for _, guess := range []string{"", secret + "A", secret[1:], string(link.ID)} {
		if _, _, _, err := r.Shared(guess); !errors.Is(err, tracking.ErrNotFound) {
			t.Errorf("%q: %v", guess, err)
		}
	}
	r.restart()
	shows(true)
	now = now.Add(time.Hour)
	shows(false)
	now = now.Add(-time.Minute)
	for range 2 { // shutting it twice is no error
		if err := r.Unshare(t.Context(), s.ID, shipper.ID, link.ID); err != nil {
			t.Fatal(err)
		}
	}
	shows(false)
	if err := r.Unshare(t.Context(), s.ID, shipper.ID, "shr-x"); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("a link that is not there: %v", err)
	}
	r.restart()
	shows(false)

	if s, err = r.Cancel(t.Context(), s.ID, shipper.ID, "withdrawn"); err != nil || s.Status != tracking.Cancelled {
		t.Fatal(s.Status, err)
	}
	if _, err := r.Cancel(t.Context(), s.ID, shipper.ID, ""); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("cancelled twice: %v", err)
	}
	carrier := r.party(tracking.Carrier)
	if _, err := r.Assign(t.Context(), s.ID, carrier.ID, "T1"); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("assigned after the end: %v", err)
	}
}

// A clock that is set back for a while loses nothing: what devices sent before is
// stored and in its order, what is ahead of the clock now is refused, counted and
// taken when the clock has caught up.
func TestClockStepsBack(t *testing.T) {
	var back atomic.Int64
	r := newRig(t, func(c *live.Config) {
		c.Clock = func() time.Time { return clock0.Add(-time.Duration(back.Load())) }
	})
	p := r.party(tracking.Carrier)
	send := func(seconds ...int) tracking.Receipt {
		t.Helper()
		var batch []tracking.Position
		for _, s := range seconds {
			batch = append(batch, at("A", 24*3600+s, 50, 10))
		}
		rec, err := r.Accept(t.Context(), p.ID, batch, tracking.AcceptOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	send(-20, -10)
	back.Store(int64(time.Hour))
	rec := send(-15, -5, -3300)
	if rec.Stored != 1 || len(rec.Refused) != 2 || r.Stats().Refused[tracking.CodeTime] != uint64(len(rec.Refused)) {
		t.Errorf("with the clock set back: %+v, counted %v", rec, r.Stats().Refused)
	}
	for _, f := range rec.Refused {
		if f.Code != tracking.CodeTime || !strings.Contains(f.Reason, "the clock here says") {
			t.Errorf("refused as %+v", f)
		}
	}
	back.Store(0)
	if rec := send(-15, -5, -3300); rec.Stored != 2 || rec.Duplicates != 1 {
		t.Errorf("with the clock right again: %+v", rec)
	}
	fixes, err := r.Track(t.Context(), "A", tracking.TrackQuery{})
	if err != nil || len(fixes) != 5 || !slices.IsSortedFunc(fixes, func(a, b tracking.Fix) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("track of %d fixes, %v", len(fixes), err)
	}
	if u, err := r.Unit("A"); err != nil || !u.Latest.Time.Equal(clock0.Add(-5*time.Second)) {
		t.Errorf("latest %+v, %v", u.Latest, err)
	}
}
