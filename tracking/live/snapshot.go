package live

import (
	"context"
	"fmt"
	"time"

	"corridor/tracking"
)

// snapshotTurns is the fewest turns of upkeep between two snapshots: writing the
// state of a million units takes a second of one core.
const snapshotTurns = 12

// trimMargin is how many records stay in the log that nobody is known to need: by
// them other processes judge what follows, and a store that lost its last commits
// in a crash of its own is filled again.
const trimMargin = 8 * tracking.Horizon

// restoreState makes the state to replay from: that of a snapshot the store is not
// behind of, or else what the store has.
func (t *Tracker) restoreState(ctx context.Context, applied uint64) (*tracking.State, error) {
	if s := t.snapshotState(ctx, applied); s != nil {
		return s, nil
	}
	state := tracking.NewState()
	if applied > 0 {
		if err := t.store.Load(ctx, state.Restore); err != nil {
			return nil, fmt.Errorf("restore: load the state: %w", err)
		}
	}
	// Another process may have committed more meanwhile: what was loaded counts.
	if err := state.RestoreDone(max(applied, state.Seq())); err != nil {
		return nil, err
	}
	return state, nil
}

// snapshotState reads the snapshot; nil when there is none that helps.
func (t *Tracker) snapshotState(ctx context.Context, applied uint64) *tracking.State {
	if t.snapshots == nil || applied == 0 {
		return nil
	}
	b, err := t.snapshots.LoadSnapshot(ctx)
	if b == nil && err == nil {
		return nil
	}
	var s *tracking.State
	var epoch string
	if err == nil {
		s, epoch, err = tracking.RestoreSnapshot(b)
	}
	switch {
	case err != nil:
		t.warn.Warn("the snapshot of the state cannot be used; it is read from the store instead", "err", err)
		return nil
	case epoch != t.log.Epoch():
		t.warn.Warn("the snapshot is of another log; the state is read from the store instead")
		return nil
	case s.Seq() > applied:
		t.warn.Warn("the snapshot is ahead of the store; the state is read from the store instead", "snapshot", s.Seq(), "store", applied)
		return nil
	}
	t.snapshotAt.Store(s.Seq())
	return s
}

// upkeepLoop writes snapshots and lets the log go of what nobody needs any more.
func (t *Tracker) upkeepLoop(ctx context.Context) {
	ticker := time.NewTicker(t.cfg.Upkeep)
	defer ticker.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-t.drained:
			return
		case <-ticker.C:
		}
		if t.shared != nil && !t.shared.leads.Load() {
			continue // whoever commits to the store does this too
		}
		if t.snapshotN.Load() >= uint64(t.cfg.SnapshotFixes) && turn >= snapshotTurns {
			turn = 0
			if err := t.saveSnapshot(ctx, t.drained); err != nil {
				t.warn.Warn("the state cannot be written beside the log; the next start takes longer", "err", err)
			}
		}
		t.trim(ctx)
	}
}

// saveSnapshot writes the state, once the store has all that is in it: a state
// ahead of the store could not be started from.
func (t *Tracker) saveSnapshot(ctx context.Context, giveUp <-chan struct{}) error {
	if t.snapshots == nil {
		return nil
	}
	t.mu.RLock() // about 0.3 s at a million units, in which nothing is folded
	seq := t.state.Seq()
	b, err := t.state.Snapshot(t.log.Epoch())
	n := t.snapshotN.Swap(0)
	t.mu.RUnlock()
	if err != nil {
		return err
	}
	for t.projected.Load() < seq {
		select {
		case <-giveUp:
			t.snapshotN.Add(n)
			return nil
		case <-time.After(projectEvery):
		}
	}
	if err := t.snapshots.SaveSnapshot(ctx, b); err != nil {
		return err
	}
	t.snapshotAt.Store(seq)
	return nil
}

// lastSnapshot writes the state when Run ends.
func (t *Tracker) lastSnapshot(ctx context.Context) {
	if seq := t.Seq(); seq == t.snapshotAt.Load() || t.projected.Load() < seq || t.shared != nil && !t.shared.leads.Load() {
		return
	}
	if err := t.saveSnapshot(ctx, t.closed); err != nil {
		t.warn.Warn("the state cannot be written beside the log; the next start takes longer", "err", err)
	}
}

// trim lets the log go of records that the store has and that a start does not
// replay. A log that keeps no snapshots is replayed from what the store has.
func (t *Tracker) trim(ctx context.Context) {
	trimmer, ok := t.log.(tracking.Trimmer)
	if !ok {
		return
	}
	done := t.projected.Load()
	if t.snapshots != nil {
		done = min(done, t.snapshotAt.Load())
	}
	if done <= trimMargin {
		return
	}
	ask, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	n, err := trimmer.Trim(ask, done-trimMargin)
	t.trimmed.Add(n)
	if err != nil && ctx.Err() == nil {
		t.warn.Warn("the log cannot be trimmed", "err", err)
	}
}
