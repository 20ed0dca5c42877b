package live

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"corridor/tracking"
)

const (
	forgetEvery  = time.Hour
	forgetAtOnce = 500 // units in one transaction of the store
)

// SetRetention changes how long a carrier's history is kept. What is older goes with
// the next turn of forgetting, within the hour; the log keeps it as long as its own
// settings say.
func (t *Tracker) SetRetention(ctx context.Context, r tracking.Retention) error {
	err := r.Validate()
	if err == nil {
		err = t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
			p, ok := s.Party(r.Carrier)
			if !ok || p.Role != tracking.Carrier {
				return nil, fmt.Errorf("carrier %q: %w", r.Carrier, tracking.ErrNotFound)
			}
			return []tracking.Entry{&tracking.RetentionSet{Retention: r}}, nil
		})
	}
	if err != nil {
		return fmt.Errorf("set retention: %w", err)
	}
	return nil
}

// Retention tells how long a carrier's history is kept, or ErrNotFound.
func (t *Tracker) Retention(id tracking.PartyID) (tracking.Retention, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if p, ok := t.state.Party(id); !ok || p.Role != tracking.Carrier {
		return tracking.Retention{}, fmt.Errorf("carrier %q: %w", id, tracking.ErrNotFound)
	}
	return t.state.Retention(id), nil
}

// forgetOld deletes from the store what carriers do not want kept.
func (t *Tracker) forgetOld(ctx context.Context) {
	f, ok := t.store.(tracking.Forgetter)
	if !ok {
		return
	}
	t.mu.RLock()
	retentions := t.state.Retentions()
	t.mu.RUnlock()
	for _, r := range retentions {
		t.mu.RLock()
		var units []tracking.UnitID
		for h := range t.state.Units(tracking.Party{ID: r.Carrier, Role: tracking.Carrier}) {
			units = append(units, t.state.At(h).Unit)
		}
		t.mu.RUnlock()
		for some := range slices.Chunk(units, forgetAtOnce) {
			n, err := f.Forget(ctx, some, r.Before(t.now()))
			t.forgotten.Add(uint64(n))
			if err != nil {
				if ctx.Err() == nil {
					t.warn.Warn("history that is not to be kept stays for now", "carrier", r.Carrier, "err", err)
				}
				return
			}
		}
	}
}

// forgetLoop runs forgetOld now and then, in whatever process commits to the store.
func (t *Tracker) forgetLoop(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var stopping sync.WaitGroup
	stopping.Go(func() { // what is being forgotten when the tracker stops is given up
		select {
		case <-t.drained:
			cancel()
		case <-ctx.Done():
		}
	})
	defer stopping.Wait()
	defer cancel()
	for next := time.NewTimer(t.cfg.Forget / 60); ; next.Reset(t.cfg.Forget) {
		select {
		case <-t.drained:
			next.Stop()
			return
		case <-next.C:
		}
		if t.shared == nil || t.shared.leads.Load() {
			t.forgetOld(ctx)
		}
	}
}
