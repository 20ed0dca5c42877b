// Package live keeps the running state of every unit and shipment: it takes
// reports, makes them durable in the log, folds them, shows them to watchers and
// projects them into the store. It is the only writer of the log. It does not
// know how reports arrive or how watchers are connected.
//
// What happens to a report, in order: it is validated and compared with all that
// was stored (accept.go); it waits for the next group, one record that all who
// wait share, and the record is appended and durable (commit.go); it is folded
// into the state, which is when others can see it, so nothing is shown that a
// crash could take back; the sender is answered; the next tick shows it to
// watchers (watch.go); the projector commits it to the store (project.go). A
// store that fails or is away holds up only the last step.
package live

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"corridor/tracking"
	"corridor/tracking/plausible"
)

// Config is what a Tracker needs. Log and Store are required.
type Config struct {
	Log tracking.Log
	// Shared makes the Tracker one of several on the same log, which must then be a
	// tracking.SharedLog, and on the same store; see shared.go.
	Shared bool
	Store  tracking.Store
	Clock  func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: discard

	Tick      time.Duration // shortest time between two deltas of a watch; 0: 100 ms
	ViewUnits int           // a viewport holding more units is shown as cells; 0: 5,000
	MaxEvents int           // events a watch may have waiting before it is cut; 0: 4,096
	// MaxPending is how many fixes may wait in memory for a store that is away;
	// beyond it reports are refused with tracking.ErrFull. 0: 4,000,000, about 2 GB.
	MaxPending int
	StopAfter  time.Duration // how long stopping may take to commit what is pending; 0: 10 s
	// SnapshotFixes is after how many fixes the state is written beside the log, if
	// the log keeps snapshots, and at most every twelfth Upkeep; it is also when Run
	// ends. A start replays about so many. 0: 1,000,000.
	SnapshotFixes int
	Forget        time.Duration // how often history is deleted that carriers do not want kept; 0: 1 h
	Upkeep        time.Duration // how often snapshots and trimming are thought of; 0: 5 s
	ClockEvery    time.Duration // how often it is asked whether something is due by the time alone; 0: 10 s
}

// Tracker is the live state. Its methods may be called from any goroutine. Those
// that take a context wait until the state has been restored; the others answer
// from what there is.
type Tracker struct {
	cfg   Config
	log   tracking.Log
	store tracking.Store
	now   func() time.Time
	warn  *slog.Logger

	ready   chan struct{} // closed when the state is restored
	closed  chan struct{} // closed when nothing is accepted any more
	ops     chan *op      // to the committer
	drained chan struct{} // closed when the committer has ended

	// watchMu guards the set of watches and the tick; it is taken before mu.
	watchMu   sync.Mutex
	watches   map[*watch]struct{}
	audiences audiences
	ring      ring
	shown     atomic.Uint64 // everything up to here was offered to every watch

	mu    sync.RWMutex // guards what follows
	state *tracking.State
	grid  *grid
	holds map[tracking.UnitID]*hold
	queue queue
	// spareHolds are holds that nobody has, to be used again.
	spareHolds []*hold
	dirty      dirty
	events     recentEvents

	cells cellMemory

	project chan struct{} // wakes the projector

	snapshots  tracking.Snapshots // nil: none are kept
	snapshotAt atomic.Uint64      // the record the newest one is of
	snapshotN  atomic.Uint64      // fixes folded since
	trimmed    atomic.Uint64      // records the log has let go of

	shared *shared // nil: this process alone writes the log

	stored, duplicates, appends, slow atomic.Uint64
	storeFailures, forgotten          atomic.Uint64
	projected                         atomic.Uint64
	doubted                           [plausible.Parked + 1]atomic.Uint64
	refusedMu                         sync.Mutex
	refused                           map[string]uint64
	storeErr                          atomic.Pointer[string]
}

// New returns a Tracker; nothing happens before Run.
func New(c Config) *Tracker {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tick <= 0 {
		c.Tick = 100 * time.Millisecond
	}
	if c.ViewUnits <= 0 {
		c.ViewUnits = 5000
	}
	if c.MaxEvents <= 0 {
		c.MaxEvents = 4096
	}
	if c.MaxPending <= 0 {
		c.MaxPending = 4_000_000
	}
	if c.SnapshotFixes <= 0 {
		c.SnapshotFixes = 1_000_000
	}
	if c.Upkeep <= 0 {
		c.Upkeep = 5 * time.Second
	}
	if c.ClockEvery <= 0 {
		c.ClockEvery = 10 * time.Second
	}
	if c.Forget <= 0 {
		c.Forget = forgetEvery
	}
	if c.StopAfter <= 0 {
		c.StopAfter = 10 * time.Second
	}
	t := &Tracker{
		cfg: c, log: c.Log, store: c.Store, now: c.Clock, warn: c.Logger,
		ready: make(chan struct{}), closed: make(chan struct{}), drained: make(chan struct{}), ops: make(chan *op, 256),
		watches: map[*watch]struct{}{}, audiences: newAudiences(),
		state: tracking.NewState(), grid: newGrid(), holds: map[tracking.UnitID]*hold{},
		queue:   newQueue(),
		project: make(chan struct{}, 1),
		refused: map[string]uint64{},
	}
	t.snapshots, _ = c.Log.(tracking.Snapshots)
	if c.Shared {
		t.shared = newShared(c.Log.(tracking.SharedLog))
	}
	return t
}

// Run restores the state from the store, replays the log after it, and then
// takes reports and projects them until ctx is done and what is pending is
// committed. Close the log and then the store after it has returned. It runs
// once.
func (t *Tracker) Run(ctx context.Context) error {
	if err := t.restore(ctx); err != nil {
		close(t.closed)
		return err
	}
	// Appending and projecting outlive ctx by what stopping needs.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	if t.shared != nil {
		wg.Go(func() { t.followLoop(work) })
	}
	wg.Go(func() { t.commitLoop(work) })
	wg.Go(func() { t.projectLoop(work, t.drained) })
	wg.Go(t.tickLoop)
	wg.Go(func() { t.upkeepLoop(work) })
	wg.Go(func() { t.forgetLoop(work) })
	wg.Go(func() { t.clockLoop(work) })
	close(t.ready)
	<-ctx.Done()
	close(t.closed) // from here on nothing new is accepted; what waits is finished
	giveUp := time.AfterFunc(t.cfg.StopAfter, stop)
	defer giveUp.Stop()
	wg.Wait()
	t.closeWatches()
	t.lastSnapshot(work)
	if n := t.queueLen(); n > 0 {
		t.warn.Warn("stopped before everything was in the store; the next start replays it from the log", "records", n)
	}
	return nil
}

// Ready is closed when the state is restored.
func (t *Tracker) Ready() <-chan struct{} { return t.ready }

// awaitReady blocks until the state is restored.
func (t *Tracker) awaitReady(ctx context.Context) error {
	select {
	case <-t.ready:
	default:
		select {
		case <-t.ready:
		case <-t.closed:
			return tracking.ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select {
	case <-t.closed:
		return tracking.ErrClosed
	default:
		return nil
	}
}

// restore brings the state to the end of the log.
func (t *Tracker) restore(ctx context.Context) error {
	began := time.Now()
	applied, epoch, err := t.store.Applied(ctx)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	last, err := t.log.Last(ctx)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	switch {
	case epoch != "" && epoch != t.log.Epoch():
		return fmt.Errorf("the store was made from log %s, this log is %s: give the log and the store that belong together, or an empty store to rebuild it from this log", epoch, t.log.Epoch())
	case applied > last:
		return fmt.Errorf("the log ends at record %d but the store has %d: the log was cut off or is an older copy; restore the log from a backup", last, applied)
	}
	state, err := t.restoreState(ctx, applied)
	if err != nil {
		return err
	}
	applied = max(applied, state.Seq())
	t.mu.Lock()
	t.state = state
	t.events.since = applied
	t.mu.Unlock()
	t.projected.Store(applied)
	loaded := time.Now()
	known := state.Seq()
	from := known
	if t.shared != nil { // what counts of a record depends on those before it
		from -= min(from, tracking.Horizon)
	}
	err = t.log.Read(ctx, from, func(seq uint64, record []byte) error {
		if seq <= known {
			return t.shared.learn(seq, record)
		}
		if err := t.replay(seq, record); err != nil {
			return err
		}
		if t.queueFixes() >= maxProjectFixes {
			// Best effort: a store that is away now is tried again later.
			if err := t.projectTurn(ctx); err != nil && ctx.Err() == nil {
				t.warn.Warn("replay: the store does not take what is replayed", "err", err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore: replay: %w", err)
	}
	t.mu.Lock()
	t.grid.build(t.state)
	t.dirty.clear()
	t.mu.Unlock()
	t.ring.since = t.state.Seq() // nobody else is here yet
	t.warn.Info("state restored", "units", state.CountUnits(), "shipments", state.CountShipments(),
		"from", known, "load", loaded.Sub(began), "replayed", t.state.Seq()-known, "replay", time.Since(loaded))
	return nil
}

// replay folds a record that was read from the log.
func (t *Tracker) replay(seq uint64, record []byte) error {
	entries, err := tracking.DecodeRecord(record)
	if err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	if t.shared != nil {
		entries = t.shared.order.Judge(seq, entries).Entries
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.state.Apply(seq, entries...)
	if err != nil {
		return err
	}
	if seq > t.projected.Load() { // else the store has it: the state came from a snapshot
		t.keep(c)
	}
	return nil
}

// keep takes what a record changed into everything that lives beside the state.
// Caller holds mu.
func (t *Tracker) keep(c tracking.Changes) {
	c.Epoch = t.log.Epoch()
	t.snapshotN.Add(uint64(len(c.Fixes)))
	t.queue.add(c)
	t.events.add(c.Events)
	t.dirty.add(c)
	for i := range c.Fixes {
		if d := c.Fixes[i].Doubt; d != plausible.None {
			t.doubted[d].Add(1)
		}
	}
}

// Epoch identifies the log.
func (t *Tracker) Epoch() string { return t.log.Epoch() }

// Seq is the last record folded.
func (t *Tracker) Seq() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Seq()
}

// Stats are counters since the start and gauges of now.
type Stats struct {
	Stored     uint64            // positions made durable
	Duplicates uint64            // positions known already
	Refused    map[string]uint64 // positions refused, by Refusal.Code
	Doubted    map[string]uint64 // positions stored that the unit cannot have been at, by Doubt
	Appends    uint64            // records appended; Stored/Appends tells how well reports share a write
	Slow       uint64            // watches cut because events piled up
	Units      int
	Shipments  int
	Watches    int
	Seq        uint64 // last record folded
	Projected  uint64 // last record committed to the store
	Pending    int    // fixes not yet in the store
	Snapshot   uint64 // record the newest snapshot of the state is of; 0: none
	Trimmed    uint64 // records the log has let go of
	StoreError string // why the store refuses now; empty when it does not
	// StoreFailures counts transactions the store refused or was away for; each was
	// tried again.
	StoreFailures uint64
	Forgotten     uint64 // fixes deleted because their carrier's retention says so
}

// Stats returns counters for metrics.
func (t *Tracker) Stats() Stats {
	s := Stats{
		Stored: t.stored.Load(), Duplicates: t.duplicates.Load(), Appends: t.appends.Load(),
		Slow: t.slow.Load(), Projected: t.projected.Load(),
		Snapshot: t.snapshotAt.Load(), Trimmed: t.trimmed.Load(), StoreFailures: t.storeFailures.Load(), Forgotten: t.forgotten.Load(),
	}
	if e := t.storeErr.Load(); e != nil {
		s.StoreError = *e
	}
	t.refusedMu.Lock()
	s.Refused = maps.Clone(t.refused)
	t.refusedMu.Unlock()
	s.Doubted = map[string]uint64{}
	for _, d := range plausible.Doubts() {
		if n := t.doubted[d].Load(); n > 0 {
			s.Doubted[d.String()] = n
		}
	}
	t.watchMu.Lock()
	s.Watches = len(t.watches)
	t.watchMu.Unlock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	s.Units, s.Shipments = t.state.CountUnits(), t.state.CountShipments()
	s.Seq, s.Pending = t.state.Seq(), t.queue.fixes
	return s
}
