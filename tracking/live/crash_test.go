package live_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/tracking"
	"corridor/tracking/fence"
	"corridor/tracking/live"
	"corridor/tracking/poslog"
	"corridor/tracking/store/sqlite"
)

// childEnv makes the test binary the process that is killed.
const childEnv = "CORRIDOR_CRASH_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	crashSenders = 6
	crashBatch   = 5 // positions a report
	crashStep    = 60
	crashBegin   = -1000 * 24 * time.Hour // before clock0
)

// crashFence lies on the way: each lap of each truck goes through it.
var crashFence = tracking.Fence{Name: "Midway", Shape: fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: 13, RadiusM: 20_000}}}

// crashVisits is how often a truck has entered and left the fence after its first n
// fixes.
func crashVisits(sender, n int) (entered, left int) {
	area, err := fence.New(crashFence.Shape)
	if err != nil {
		panic(err)
	}
	was := false
	for i := range n {
		p := crashFix(sender, i)
		is := area.Holds(orb.Point{p.Lon, p.Lat})
		if is && !was {
			entered++
		}
		if was && !is {
			left++
		}
		was = is
	}
	return entered, left
}

// crashFix is the nth fix of a sender's truck: along the journey of journey(),
// again and again.
func crashFix(sender, n int) tracking.Position {
	lap := n % 400
	return tracking.Position{
		Unit: crashUnit(sender), Time: clock0.Add(crashBegin + time.Duration(n*crashStep)*time.Second),
		Lat: 50, Lon: 10 + 4.49*float64(lap)/400,
	}
}

func crashUnit(sender int) tracking.UnitID { return tracking.UnitID(fmt.Sprint("T", sender)) }

func openCrashed(dir string) (*poslog.Log, *sqlite.DB, error) {
	log, err := poslog.Open(context.Background(), poslog.Config{Dir: filepath.Join(dir, "log"), MinFree: -1})
	if err != nil {
		return nil, nil, err
	}
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "corridor.db"))
	if err != nil {
		_ = log.Close()
		return nil, nil, err
	}
	return log, store, nil
}

// child ingests until it is killed. On standard output it says what was
// acknowledged, a line at a time; CORRIDOR_CRASH_FROM says where each sender
// goes on.
func child(dir string) error {
	log, store, err := openCrashed(dir)
	if err != nil {
		return err
	}
	t := live.New(live.Config{
		Log: log, Store: store, Clock: func() time.Time { return clock0 }, Logger: slog.New(slog.DiscardHandler),
		SnapshotFixes: 500, Upkeep: 2 * time.Millisecond, // so that it is killed while it writes one, too
	})
	failed := make(chan error, 1)
	go func() { failed <- t.Run(context.Background()) }()
	select {
	case <-t.Ready():
	case err := <-failed:
		return err
	}
	ctx := context.Background()
	carriers := t.Parties(tracking.Carrier)
	if len(carriers) == 0 {
		c, err := t.CreateParty(ctx, "Carrier", tracking.Carrier)
		if err != nil {
			return err
		}
		carriers = []tracking.Party{c}
	}
	for i := range crashSenders {
		u, err := t.Unit(crashUnit(i))
		if err == nil && u.Shipment != "" {
			continue
		}
		if len(t.Shipments(carriers[0])) < crashSenders {
			s := journey(carriers[0].ID)
			s.Carrier, s.Unit = carriers[0].ID, crashUnit(i)
			if _, err := t.OpenShipment(ctx, s); err != nil {
				return err
			}
		}
	}
	if len(t.Fences(tracking.Party{Role: tracking.Dispatcher})) == 0 {
		if _, err := t.SetFence(ctx, tracking.Party{Role: tracking.Dispatcher}, crashFence); err != nil {
			return err
		}
	}
	from := strings.Fields(os.Getenv("CORRIDOR_CRASH_FROM"))
	var mu sync.Mutex
	for i := range crashSenders {
		n, err := strconv.Atoi(from[i])
		if err != nil {
			return err
		}
		go func() {
			for {
				batch := make([]tracking.Position, crashBatch)
				for j := range batch {
					batch[j] = crashFix(i, n+j)
				}
				if n > 200 { // and one of long ago, as boxes do
					batch = append(batch, crashFix(i, n-200))
				}
				rec, err := t.Accept(ctx, carriers[0].ID, batch, tracking.AcceptOptions{})
				if err != nil {
					failed <- err
					return
				}
				if len(rec.Refused) > 0 {
					failed <- fmt.Errorf("receipt %+v", rec)
					return
				}
				n += crashBatch
				mu.Lock()
				fmt.Printf("%d %d\n", i, n)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// A process killed at any moment loses nothing it has acknowledged and doubles
// nothing; and each event happens once. It starts from snapshots of its state, and
// may be killed while it writes one. CORRIDOR_CRASH_CYCLES=200 for the long
// form.
func TestKilledAtAnyMoment(t *testing.T) {
	cycles := 20
	if testing.Short() {
		cycles = 4
	}
	if s := os.Getenv("CORRIDOR_CRASH_CYCLES"); s != "" {
		var err error
		if cycles, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	acked := make([]int, crashSenders)
	for cycle := range cycles {
		before := sum(acked)
		most := 400
		if cycle%4 == 3 {
			most = 2000 // long enough for the store to catch up and a snapshot to be written
		}
		run(t, dir, acked, r, most)
		t.Logf("cycle %d: %d positions acknowledged", cycle, sum(acked)-before)
	}
	if sum(acked) == 0 {
		t.Fatal("nothing was acknowledged: the children were killed too early")
	}

	log, store, err := openCrashed(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	defer log.Close()
	tr := live.New(live.Config{Log: log, Store: store, Clock: func() time.Time { return clock0 }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	<-tr.Ready()
	check := func(where string) {
		for i := range crashSenders {
			fixes, err := tr.Track(t.Context(), crashUnit(i), tracking.TrackQuery{})
			if err != nil {
				t.Fatal(err)
			}
			have := map[int]int{}
			for _, f := range fixes {
				have[int(f.Time.Sub(clock0.Add(crashBegin))/time.Second)/crashStep]++
			}
			lost, doubled := 0, 0
			for n := range acked[i] {
				if have[n] == 0 {
					lost++
				}
			}
			for _, k := range have {
				if k > 1 {
					doubled++
				}
			}
			if lost+doubled > 0 {
				t.Errorf("%s: of sender %d's %d acknowledged positions %d are lost, %d of %d are doubled", where, i, acked[i], lost, doubled, len(fixes))
			}
			u, err := tr.Unit(crashUnit(i))
			if err != nil {
				t.Fatal(err)
			}
			if int(u.Fixes) != len(fixes) || !u.Latest.Time.Equal(fixes[len(fixes)-1].Time) {
				t.Errorf("%s: unit %d has %d fixes to %v, its history %d to %v", where, i, u.Fixes, u.Latest.Time, len(fixes), fixes[len(fixes)-1].Time)
			}
		}
		events, err := tr.Events(t.Context(), "", 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		visits := map[string]int{}
		for _, e := range events {
			if e.Kind == tracking.EventFenceEntered || e.Kind == tracking.EventFenceLeft {
				visits[string(e.Unit)+" "+e.Kind]++
				continue
			}
			count[string(e.Shipment)+" "+e.Kind]++
		}
		for i := range crashSenders {
			u, err := tr.Unit(crashUnit(i))
			if err != nil {
				t.Fatal(err)
			}
			// The nth fix is the newest when there are n: late ones are sent twice.
			entered, left := crashVisits(i, int(u.Latest.Time.Sub(clock0.Add(crashBegin))/time.Second)/crashStep+1)
			if e, l := visits[string(u.Unit)+" "+tracking.EventFenceEntered], visits[string(u.Unit)+" "+tracking.EventFenceLeft]; e != entered || l != left {
				t.Errorf("%s: %s entered %d and left %d times, want %d and %d", where, u.Unit, e, l, entered, left)
			}
		}
		for k, n := range count {
			if n != 1 {
				t.Errorf("%s: %s happened %d times", where, k, n)
			}
		}
		for _, s := range tr.Shipments(tracking.Party{Role: tracking.Admin}) {
			sender, _ := strconv.Atoi(strings.TrimPrefix(string(s.Unit), "T"))
			if acked[sender] < 400 {
				continue // it may not have got that far
			}
			for _, kind := range []string{tracking.EventOpened, tracking.EventAssigned, tracking.EventDeparted, tracking.EventBorder, tracking.EventArrived} {
				if count[string(s.ID)+" "+kind] != 1 {
					t.Errorf("%s: shipment %s of %s has no event %s", where, s.ID, s.Unit, kind)
				}
			}
		}
	}
	check("memory and store")
	if tr.Stats().Snapshot == 0 && cycles >= 20 {
		t.Error("no child wrote a snapshot of its state")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if seq, _, err := store.Applied(t.Context()); err != nil || seq != tr.Seq() {
		t.Errorf("store ends at %d, the log at %d, %v", seq, tr.Seq(), err)
	}
	// Once more from the store alone.
	tr = live.New(live.Config{Log: log, Store: store, Clock: func() time.Time { return clock0 }})
	ctx, cancel = context.WithCancel(t.Context())
	go func() { ended <- tr.Run(ctx) }()
	<-tr.Ready()
	check("store alone")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

// run lets a child ingest for a while and kills it.
func run(t *testing.T, dir string, acked []int, r *rand.Rand, most int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, "CORRIDOR_CRASH_FROM="+strings.Trim(fmt.Sprint(acked), "[]"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Killed some acknowledgements after the first, which also covers the start
	// of one that has much to replay.
	target := most/2 + 1 + r.IntN(most/2)
	if most <= 400 {
		target = 1 + r.IntN(most)
	}
	wait := time.Duration(r.IntN(3000)) * time.Microsecond
	s := bufio.NewScanner(out)
	lines := 0
	for s.Scan() {
		var sender, n int
		if _, err := fmt.Sscanf(s.Text(), "%d %d", &sender, &n); err != nil {
			break // the last line may be cut off
		}
		acked[sender] = max(acked[sender], n)
		if lines++; lines == target {
			time.Sleep(wait) // so that it is not always right after an acknowledgement
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // killed
	if stderr.Len() > 0 {
		t.Fatalf("child: %s", stderr.String())
	}
	if lines < target {
		t.Fatalf("the child ended by itself after %d acknowledgements", lines)
	}
}
