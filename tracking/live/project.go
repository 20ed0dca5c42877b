package live

import (
	"context"
	"fmt"
	"sort"
	"time"

	"corridor/tracking"
	"corridor/tracking/plausible"
)

const (
	maxProjectFixes   = 20_000 // in one transaction of the store
	maxProjectRecords = 4096
	projectEvery      = 200 * time.Millisecond // so that a transaction has something to do
	firstRetry        = 100 * time.Millisecond
	longestRetry      = 10 * time.Second
)

// queue is what the store does not have yet, in log order. Questions about
// history are answered from the store and from here.
type queue struct {
	records []tracking.Changes
	fixes   int
	byUnit  map[tracking.UnitID][]*tracking.Fix // in log order
}

func newQueue() queue { return queue{byUnit: map[tracking.UnitID][]*tracking.Fix{}} }

func (q *queue) add(c tracking.Changes) {
	q.records = append(q.records, c)
	q.fixes += len(c.Fixes)
	for i := range c.Fixes {
		f := &c.Fixes[i]
		q.byUnit[f.Unit] = append(q.byUnit[f.Unit], f)
	}
}

// has tells whether a fix of that second waits here.
func (q *queue) has(id tracking.UnitID, sec int64) bool {
	for _, f := range q.byUnit[id] {
		if f.Time.Unix() == sec {
			return true
		}
	}
	return false
}

// head returns the oldest records, as many as one transaction takes. They do not
// change any more.
func (q *queue) head() []tracking.Changes {
	n, fixes := 0, 0
	for n < len(q.records) && n < maxProjectRecords && (n == 0 || fixes+len(q.records[n].Fixes) <= maxProjectFixes) {
		fixes += len(q.records[n].Fixes)
		n++
	}
	return q.records[:n:n]
}

// drop forgets what is in the store.
func (q *queue) drop(to uint64) {
	n := 0
	for n < len(q.records) && q.records[n].To <= to {
		c := &q.records[n]
		q.fixes -= len(c.Fixes)
		for i := range c.Fixes {
			id := c.Fixes[i].Unit
			list := q.byUnit[id]
			k := 0
			for k < len(list) && list[k].Seq <= to {
				k++
			}
			switch {
			case k == len(list):
				delete(q.byUnit, id)
			case k > 0:
				clear(list[:k])
				q.byUnit[id] = list[k:]
			}
		}
		n++
	}
	clear(q.records[:n]) // what is in the store is not kept alive by the array
	q.records = q.records[n:]
}

func (t *Tracker) queueFixes() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.queue.fixes
}

func (t *Tracker) queueLen() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.queue.records)
}

// projectLoop commits what is folded to the store until the committer has ended
// and nothing waits, or ctx is done.
func (t *Tracker) projectLoop(ctx context.Context, committed <-chan struct{}) {
	retry := firstRetry
	for {
		ended := false
		select {
		case <-committed:
			ended = true
		default:
		}
		if t.queueLen() == 0 {
			if ended {
				return
			}
			select {
			case <-t.project:
			case <-committed:
			}
			continue
		}
		pause := projectEvery
		err := t.projectTurn(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			t.storeFailures.Add(1)
			t.warn.Warn("the store does not take what happened; it is safe in the log and tried again", "err", err, "in", retry)
			pause = retry
			retry = min(2*retry, longestRetry)
		} else {
			retry = firstRetry
			if t.shared != nil && !t.shared.held {
				if ended {
					return // another process goes on
				}
			} else if ended || t.queueFixes() >= maxProjectFixes {
				continue // behind: no pause
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		case <-endOf(committed, ended):
			timer.Stop()
		}
	}
}

// endOf is a channel that closes when the committer ends, or nil when that is
// known already.
func endOf(committed <-chan struct{}, ended bool) <-chan struct{} {
	if ended {
		return nil
	}
	return committed
}

// projectTurn commits one transaction's worth, or sees what another process has
// committed where that is the other's part.
func (t *Tracker) projectTurn(ctx context.Context) error {
	if t.shared == nil {
		return t.projectOnce(ctx)
	}
	projects := t.projects(ctx)
	if err := t.forget(ctx); err != nil || !projects {
		return err
	}
	return t.projectOnce(ctx)
}

// projectOnce commits one transaction's worth.
func (t *Tracker) projectOnce(ctx context.Context) error {
	t.mu.RLock()
	records := t.queue.head()
	t.mu.RUnlock()
	if len(records) == 0 {
		return nil
	}
	c := tracking.Join(records)
	if err := t.store.Apply(ctx, c); err != nil {
		err = fmt.Errorf("commit records %d to %d to the store: %w", c.From+1, c.To, err)
		text := err.Error()
		t.storeErr.Store(&text)
		return err
	}
	t.storeErr.Store(nil)
	t.projected.Store(c.To)
	t.mu.Lock()
	t.queue.drop(c.To)
	t.mu.Unlock()
	return nil
}

// Track returns a unit's history in device-time order, fixes that the store does
// not have yet included.
func (t *Tracker) Track(ctx context.Context, unit tracking.UnitID, q tracking.TrackQuery) ([]tracking.Fix, error) {
	if err := t.awaitReady(ctx); err != nil {
		return nil, err
	}
	// Memory first: what is committed between the two questions is then seen
	// twice, not missed.
	t.mu.RLock()
	_, known := t.state.Handle(unit)
	waiting := make([]tracking.Fix, 0, len(t.queue.byUnit[unit]))
	for _, f := range t.queue.byUnit[unit] {
		if f.Time.Before(q.From) || !q.To.IsZero() && !f.Time.Before(q.To) {
			continue
		}
		waiting = append(waiting, *f)
	}
	t.mu.RUnlock()
	if !known {
		return nil, fmt.Errorf("unit %q: %w", unit, tracking.ErrNotFound)
	}
	fixes, err := t.store.Track(ctx, unit, q)
	if err != nil {
		return nil, fmt.Errorf("track of unit %q: %w", unit, err)
	}
	if len(waiting) > 0 {
		fixes = mergeFixes(fixes, waiting)
	}
	if q.Limit > 0 && len(fixes) > q.Limit {
		if q.From.IsZero() {
			fixes = fixes[len(fixes)-q.Limit:]
		} else {
			fixes = fixes[:q.Limit]
		}
	}
	t.doubt(unit, fixes)
	return fixes, nil
}

// doubt flags the fixes of a track, oldest first, that the unit cannot have been at.
// That follows from the track alone, in whatever order it came, and so it is not kept.
func (t *Tracker) doubt(unit tracking.UnitID, fixes []tracking.Fix) {
	t.mu.RLock()
	top := t.state.TopKMH(unit)
	t.mu.RUnlock()
	points := make([]plausible.Point, 0, len(fixes))
	of := make([]int, 0, len(fixes))
	for i := range fixes {
		f := &fixes[i]
		f.Doubt = plausible.None
		if !f.Simulated { // a demonstration may run faster than anything drives
			points, of = append(points, tracking.PointOf(&f.Position)), append(of, i)
		}
	}
	for i, d := range plausible.Track(points, top) {
		fixes[of[i]].Doubt = d
	}
}

// mergeFixes joins two lists of one unit by device time; a unit has one fix a
// second.
func mergeFixes(a, b []tracking.Fix) []tracking.Fix {
	a = append(a, b...)
	sort.SliceStable(a, func(i, j int) bool { return a[i].Time.Before(a[j].Time) })
	out := a[:0]
	for i := range a {
		if n := len(out); n > 0 && out[n-1].Time.Unix() == a[i].Time.Unix() {
			continue
		}
		out = append(out, a[i])
	}
	return out
}
