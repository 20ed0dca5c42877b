package live

import (
	"context"
	"fmt"
	"math"
	"slices"

	"corridor/tracking"
)

const (
	ringEvents = 8192 // events remembered
	eventPage  = 1000 // events read from the store at a time
)

// maxN is beyond every event of one record.
const maxN = math.MaxInt32

// Events returns events after (seq, n), oldest first; shipment "" means all and
// limit 0 no limit.
func (t *Tracker) Events(ctx context.Context, shipment tracking.ShipmentID, afterSeq uint64, afterN, limit int) ([]tracking.Event, error) {
	t.mu.RLock()
	if events, ok := t.events.after(shipment, afterSeq, afterN, limit); ok {
		t.mu.RUnlock()
		return events, nil
	}
	// Memory first: what is committed between the two questions is then seen
	// twice, not missed.
	var waiting []tracking.Event
	for i := range t.queue.records {
		for _, e := range t.queue.records[i].Events {
			if (shipment == "" || e.Shipment == shipment) && (e.Seq > afterSeq || e.Seq == afterSeq && e.N > afterN) {
				waiting = append(waiting, e)
			}
		}
	}
	t.mu.RUnlock()
	events, err := t.store.Events(ctx, shipment, afterSeq, afterN, limit)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	for _, e := range waiting {
		if n := len(events); n > 0 && (e.Seq < events[n-1].Seq || e.Seq == events[n-1].Seq && e.N <= events[n-1].N) {
			continue
		}
		events = append(events, e)
	}
	if limit > 0 && len(events) > limit {
		events = events[:limit]
	}
	return events, nil
}

// recentEvents holds the newest events, so that watchers who were away for a
// moment do not all ask the store at once.
type recentEvents struct {
	list []tracking.Event // oldest first
	// since is the sequence after which list is complete.
	since uint64
}

func (r *recentEvents) add(events []tracking.Event) {
	r.list = append(r.list, events...)
	if len(r.list) > 2*ringEvents {
		cut := len(r.list) - ringEvents
		r.since = r.list[cut-1].Seq
		for cut < len(r.list) && r.list[cut].Seq == r.since {
			cut++ // a record's events are kept all or none
		}
		r.list = slices.Clone(r.list[cut:])
	}
}

// after returns events after (seq, n); false when older ones are needed too.
func (r *recentEvents) after(shipment tracking.ShipmentID, seq uint64, n, limit int) ([]tracking.Event, bool) {
	if seq < r.since {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(r.list, seq, func(e tracking.Event, s uint64) int {
		switch {
		case e.Seq > s || e.Seq == s && e.N > n:
			return 1
		}
		return -1
	})
	var out []tracking.Event
	for ; i < len(r.list) && (limit <= 0 || len(out) < limit); i++ {
		if shipment == "" || r.list[i].Shipment == shipment {
			out = append(out, r.list[i])
		}
	}
	return out, true
}

// backlog is what happened between a resume point and the subscription.
type backlog struct {
	begun bool   // units that changed meanwhile have been delivered
	seq   uint64 // events are delivered up to here
	until uint64
}

// catchUp delivers a page of events from before the subscription: whole records,
// so that the sequence of the last one is a place to resume from.
func (w *watch) catchUp(ctx context.Context, b *backlog) (tracking.Delta, error) {
	for limit := eventPage; ; {
		page, err := w.t.Events(ctx, "", b.seq, maxN, limit)
		if err != nil {
			return tracking.Delta{}, fmt.Errorf("events since %d: %w", b.seq, err)
		}
		end, to := len(page), b.until
		if len(page) == limit && page[end-1].Seq <= b.until {
			to = page[end-1].Seq - 1 // its last record may go on in the next page
		}
		for end > 0 && page[end-1].Seq > to {
			end--
		}
		if end == 0 && to < b.until {
			limit *= 2 // one record fills the page
			continue
		}
		var out []tracking.Event
		w.t.mu.RLock()
		for i := range page[:end] {
			e := &page[i]
			if r := w.t.readersOf(e); r.include(&w.audience.viewer) && w.audience.wantsEvent(e) {
				out = append(out, *e)
			}
		}
		w.t.mu.RUnlock()
		b.seq = to
		if b.seq == b.until {
			w.backlog = nil
		}
		w.signal()
		return tracking.Delta{Seq: b.seq, Events: out}, nil
	}
}
