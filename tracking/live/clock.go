package live

import (
	"context"
	"errors"
	"time"

	"corridor/tracking"
)

// clockLoop reads the clock into the log whenever something is due by the time alone
// (tracking.State.Due): that a unit is silent. So it is the same for every replay and
// every process. Of several processes the one that commits to the store does it; if
// two do, the second finds nothing due.
func (t *Tracker) clockLoop(ctx context.Context) {
	ticker := time.NewTicker(t.cfg.ClockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-t.drained:
			return
		case <-t.closed:
			return
		case <-ticker.C:
		}
		if t.shared != nil && !t.shared.leads.Load() {
			continue
		}
		if err := t.readClock(ctx); err != nil && !errors.Is(err, tracking.ErrClosed) && ctx.Err() == nil {
			t.warn.Warn("the clock cannot be read into the log; what is due by the time is told later", "err", err)
		}
	}
}

// readClock appends the time if something is due.
func (t *Tracker) readClock(ctx context.Context) error {
	now := t.moment()
	t.mu.Lock() // Due may prepare something
	due := t.state.Due(now)
	t.mu.Unlock()
	if !due {
		return nil
	}
	return t.decide(ctx, func(s *tracking.State) ([]tracking.Entry, error) {
		if !s.Due(now) {
			return nil, nil
		}
		return []tracking.Entry{&tracking.ClockRead{At: now}}, nil
	})
}

// Conditions lists what is out of the ordinary with a unit now, by kind.
func (t *Tracker) Conditions(id tracking.UnitID) []tracking.Condition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.state.Conditions(id)
}
