package live

import (
	"context"

	"corridor/tracking"
)

// Appending is how many units something is held for: reports under way.
func (t *Tracker) Appending() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.holds)
}

// Tick shows what changed, as the ticker does.
func (t *Tracker) Tick() { t.tick() }

// TryNext is Next when something waits.
func TryNext(w tracking.Watch) (tracking.Delta, bool) {
	x := w.(*watch)
	select {
	case <-x.wake:
	default:
		return tracking.Delta{}, false
	}
	d, err := x.take(context.Background())
	return d, err == nil
}

// TrimMargin is how many committed records stay in the log.
const TrimMargin = trimMargin
