// Package audit compares what a store holds with what the log says: what was changed
// in the one and not in the other is named. It folds the log again, as a start on an
// empty store would, and writes nothing.
//
// It cannot tell which of the two is right, and who changes both alike leaves no
// trace here: for that a hash of a carnet's journal is printed and kept by others
// (Options.Heads).
package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"corridor/tracking"
)

// Finding is something that is not as it was written.
type Finding struct {
	What   string `json:"what"`   // "event 17.0", "carnet XB25000001", "log record 17"
	Reason string `json:"reason"` // what is wrong with it
}

// Report is what was compared and found.
type Report struct {
	Epoch    string    `json:"epoch"`
	From     uint64    `json:"from"` // first record of the log that was read
	To       uint64    `json:"to"`   // last record whose changes the store has
	Records  int       `json:"records"`
	Events   int       `json:"events"` // of the store, compared
	Fixes    int       `json:"fixes"`  // of the store, compared
	Carnets  int       `json:"carnets"`
	Things   int       `json:"things"`            // parties, keys, shipments, units and the rest
	Partial  string    `json:"partial,omitempty"` // what could not be compared, and why
	Findings []Finding `json:"findings"`
}

// Options of a Check.
type Options struct {
	Tracks bool     // compare every fix too
	Heads  []string // hashes of journal entries that were printed: each must be there
	Most   int      // findings after which it ends; 0: 100
}

const (
	page      = 1000
	someFixes = 200_000 // compared at a time
)

// Check compares. Nothing may write the log or the store meanwhile. The error says
// that it could not be done; what is not as it was written is in the report.
func Check(ctx context.Context, log tracking.Log, store tracking.Store, o Options) (*Report, error) {
	if o.Most <= 0 {
		o.Most = 100
	}
	a := &auditor{Options: o, log: log, store: store, state: tracking.NewState(), order: tracking.NewSharing(), told: map[tracking.ShipmentID]int{}, fixes: map[tracking.UnitID][]tracking.Fix{}}
	a.r.Findings = []Finding{}
	err := a.run(ctx)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return &a.r, err
}

var errEnough = errors.New("enough was found")

type auditor struct {
	Options
	log   tracking.Log
	store tracking.Store
	state *tracking.State
	order *tracking.Sharing
	r     Report

	stored  []tracking.Event // a page of them, those not compared yet
	seq     uint64           // of the last one read
	n       int
	ended   bool                        // there are no more
	told    map[tracking.ShipmentID]int // events of each shipment
	fixes   map[tracking.UnitID][]tracking.Fix
	waiting int
}

func (a *auditor) find(what, format string, args ...any) error {
	a.r.Findings = append(a.r.Findings, Finding{what, fmt.Sprintf(format, args...)})
	if len(a.r.Findings) >= a.Most {
		return errEnough
	}
	return nil
}

func (a *auditor) run(ctx context.Context) error {
	applied, epoch, err := a.store.Applied(ctx)
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	last, err := a.log.Last(ctx)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	a.r.Epoch, a.r.To = a.log.Epoch(), applied
	if epoch != "" && epoch != a.log.Epoch() {
		return a.find("store", "it was made from log %s, this is log %s", epoch, a.log.Epoch())
	}
	if applied > last {
		if err := a.find("log", "it ends at record %d and the store has %d: the log was cut off, or is an older copy", last, applied); err != nil {
			return err
		}
	}
	a.n = -1
	if err := a.replay(ctx, min(applied, last)); err != nil {
		return err
	}
	if err := a.compareFixes(ctx); err != nil {
		return err
	}
	if a.state.Seq() != applied {
		return nil // a record could not be read: what follows from it cannot be compared
	}
	for { // what is in the store beyond what the log has
		e, ok, err := a.nextStored(ctx)
		if err != nil || !ok {
			if err != nil {
				return err
			}
			break
		}
		if err := a.find(name(&e), "it is in the store and not in the log (%s)", e.Kind); err != nil {
			return err
		}
	}
	if err := a.compareState(ctx); err != nil {
		return err
	}
	if err := a.compareIndex(ctx); err != nil {
		return err
	}
	for _, h := range a.Heads {
		if _, _, ok := a.state.CarnetByHead(strings.ToLower(h)); !ok {
			if err := a.find("journal entry "+h, "no journal holds it: entries were taken out, or everything after a change was written anew"); err != nil {
				return err
			}
		}
	}
	return nil
}

var errThatFar = errors.New("that far")

// replay folds the log up to a record and compares the events as they come.
func (a *auditor) replay(ctx context.Context, to uint64) error {
	err := a.read(ctx, 0, to)
	if err != nil && a.r.From == 0 && ctx.Err() == nil {
		// Perhaps it has let go of its beginning.
		if begun, e := a.fromSnapshot(ctx); e != nil {
			return e
		} else if begun {
			known := a.state.Seq()
			if err = a.read(ctx, known-min(known, tracking.Horizon), to); err != nil && a.r.From == 0 {
				err = a.read(ctx, known, to)
			}
		}
	}
	switch {
	case err == nil, errors.Is(err, errThatFar):
		return nil
	case errors.Is(err, errEnough), ctx.Err() != nil:
		return err
	}
	return a.find("log", "behind record %d: %v", a.state.Seq(), err)
}

func (a *auditor) read(ctx context.Context, after, to uint64) error {
	return a.log.Read(ctx, after, func(seq uint64, record []byte) error {
		if seq > to {
			return errThatFar
		}
		if a.r.From == 0 {
			a.r.From = seq
		}
		entries, err := tracking.DecodeRecord(record)
		if err != nil {
			if err := a.find(fmt.Sprintf("log record %d", seq), "it cannot be read: %v", err); err != nil {
				return err
			}
			return errThatFar
		}
		a.r.Records++
		count := a.order.Judge(seq, entries).Entries
		if seq <= a.state.Seq() {
			return nil
		}
		c, err := a.state.Apply(seq, count...)
		if err != nil {
			if err := a.find(fmt.Sprintf("log record %d", seq), "%v", err); err != nil {
				return err
			}
			return errThatFar
		}
		if err := a.compareEvents(ctx, c.Events); err != nil {
			return err
		}
		return a.keepFixes(ctx, c.Fixes)
	})
}

// fromSnapshot begins with the snapshot of the log; false: there is none.
func (a *auditor) fromSnapshot(ctx context.Context) (bool, error) {
	snapshots, ok := a.log.(tracking.Snapshots)
	if !ok {
		return false, nil
	}
	b, err := snapshots.LoadSnapshot(ctx)
	if err != nil || b == nil {
		return false, err
	}
	state, epoch, err := tracking.RestoreSnapshot(b)
	if err == nil && epoch != a.log.Epoch() {
		err = fmt.Errorf("it is of log %s", epoch)
	}
	if err != nil {
		return false, a.find("snapshot of the log", "%v", err)
	}
	a.state = state
	a.seq, a.n = state.Seq(), math.MaxInt32
	a.r.Partial = fmt.Sprintf("the log has let go of its beginning: events and positions up to record %d are not compared", state.Seq())
	return true, nil
}

// nextStored takes the oldest event of the store that was not compared.
func (a *auditor) nextStored(ctx context.Context) (tracking.Event, bool, error) {
	if len(a.stored) == 0 && !a.ended {
		list, err := a.store.Events(ctx, "", a.seq, a.n, page)
		if err != nil {
			return tracking.Event{}, false, fmt.Errorf("read the events of the store: %w", err)
		}
		a.stored, a.ended = list, len(list) < page
		if k := len(list); k > 0 {
			a.seq, a.n = list[k-1].Seq, list[k-1].N
		}
	}
	if len(a.stored) == 0 {
		return tracking.Event{}, false, nil
	}
	e := a.stored[0]
	a.stored = a.stored[1:]
	return e, true, nil
}

func name(e *tracking.Event) string { return fmt.Sprintf("event %d.%d", e.Seq, e.N) }

func before(a, b *tracking.Event) bool { return a.Seq < b.Seq || a.Seq == b.Seq && a.N < b.N }

// compareEvents holds the events of a record against those of the store.
func (a *auditor) compareEvents(ctx context.Context, want []tracking.Event) error {
	for i := range want {
		w := &want[i]
		a.told[w.Shipment]++
		for {
			have, ok, err := a.nextStored(ctx)
			if err != nil {
				return err
			}
			switch {
			case !ok || before(w, &have):
				if ok {
					a.stored = slices.Insert(a.stored, 0, have)
				}
				err = a.find(name(w), "it follows from the log and is missing in the store (%s)", w.Kind)
			case before(&have, w):
				if err := a.find(name(&have), "it is in the store and does not follow from the log (%s)", have.Kind); err != nil {
					return err
				}
				continue
			default:
				a.r.Events++
				if d := differ(have, *w); d != "" {
					err = a.find(name(w), "%s", d)
				}
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// compareIndex looks whether each shipment is told of all its events: a store finds
// them by a column beside what an event says.
func (a *auditor) compareIndex(ctx context.Context) error {
	if a.r.Partial != "" {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(a.told)) {
		if id == "" {
			continue
		}
		list, err := a.store.Events(ctx, id, 0, -1, a.told[id]+1)
		if err != nil {
			return fmt.Errorf("read the events of shipment %s: %w", id, err)
		}
		if len(list) != a.told[id] {
			if err := a.find("events of shipment "+string(id), "there are %d, the store tells %d", a.told[id], len(list)); err != nil {
				return err
			}
		}
	}
	return nil
}

// differ tells in which fields two things differ that should be the same; "" in none.
func differ(store, log any) string {
	a, errA := json.Marshal(store)
	b, errB := json.Marshal(log)
	if errA != nil || errB != nil || bytes.Equal(a, b) {
		return ""
	}
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return fmt.Sprintf("the store has %s, the log says %s", short(a), short(b))
	}
	var fields []string
	for k := range x {
		if !bytes.Equal(x[k], y[k]) {
			fields = append(fields, k)
		}
	}
	for k := range y {
		if _, ok := x[k]; !ok {
			fields = append(fields, k)
		}
	}
	slices.Sort(fields)
	var out []string
	for _, k := range fields {
		out = append(out, fmt.Sprintf("%s: the store has %s, the log says %s", k, short(x[k]), short(y[k])))
	}
	return strings.Join(out, "; ")
}

func short(b []byte) string {
	const most = 80
	switch {
	case len(b) == 0:
		return "nothing"
	case len(b) > most:
		return string(bytes.ToValidUTF8(b[:most], nil)) + "…"
	}
	return string(b)
}

func (a *auditor) keepFixes(ctx context.Context, fixes []tracking.Fix) error {
	if !a.Tracks {
		return nil
	}
	for _, f := range fixes {
		f.Sensors = bytes.Clone(f.Sensors)
		a.fixes[f.Unit] = append(a.fixes[f.Unit], f)
	}
	if a.waiting += len(fixes); a.waiting < someFixes {
		return nil
	}
	return a.compareFixes(ctx)
}

// compareFixes holds the fixes that wait against the history of the store.
func (a *auditor) compareFixes(ctx context.Context) error {
	for unit, want := range a.fixes {
		slices.SortFunc(want, func(x, y tracking.Fix) int { return x.Time.Compare(y.Time) })
		have, err := a.store.Track(ctx, unit, tracking.TrackQuery{From: want[0].Time, To: want[len(want)-1].Time.Add(time.Millisecond)})
		if err != nil {
			return fmt.Errorf("read the track of unit %s: %w", unit, err)
		}
		at := map[int64]tracking.Fix{}
		for _, f := range have {
			at[f.Time.UnixMilli()] = f
		}
		for _, w := range want {
			what := fmt.Sprintf("position of unit %s at %s", unit, w.Time.Format(time.RFC3339))
			h, ok := at[w.Time.UnixMilli()]
			switch {
			case !ok:
				err = a.find(what, "it is in log record %d and missing in the store", w.Seq)
			default:
				a.r.Fixes++
				if d := differ(h.Position, w.Position); d != "" {
					err = a.find(what, "%s", d)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	clear(a.fixes)
	a.waiting = 0
	return nil
}

// things names everything of a state that is not a fix or an event.
func things(c *tracking.Changes) map[string]any {
	out := map[string]any{}
	for _, x := range c.Parties {
		out["party "+string(x.ID)] = x
	}
	for _, x := range c.Keys {
		out["key "+string(x.ID)] = x
	}
	for _, x := range c.Units {
		out["unit "+string(x.Unit)] = x
	}
	for _, x := range c.Shipments {
		out["shipment "+string(x.ID)] = x
	}
	for _, x := range c.Progress {
		out["progress of shipment "+string(x.Shipment)] = x
	}
	for _, x := range c.Objects {
		if x.Body != nil {
			out[x.Kind+" "+x.ID] = x.Body
		}
	}
	return out
}

// compareState holds everything else against what the log makes of it.
func (a *auditor) compareState(ctx context.Context) error {
	whole, err := a.state.Whole()
	if err != nil {
		return err
	}
	want, have := things(&whole), map[string]any{}
	if err := a.store.Load(ctx, func(c tracking.Changes) error {
		maps.Copy(have, things(&c))
		return nil
	}); err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	names := make([]string, 0, len(want)+len(have))
	for k := range want {
		names = append(names, k)
	}
	for k := range have {
		if _, ok := want[k]; !ok {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	for _, k := range names {
		w, inLog := want[k]
		h, inStore := have[k]
		switch {
		case !inStore:
			err = a.find(k, "it follows from the log and is missing in the store")
		case !inLog:
			err = a.find(k, "it is in the store and does not follow from the log")
		default:
			a.r.Things++
			if d := differ(h, w); d != "" {
				err = a.find(k, "%s", d)
			}
		}
		if err != nil {
			return err
		}
	}
	for _, c := range a.state.Carnets(tracking.Party{Role: tracking.Admin}) {
		a.r.Carnets++
		if err := c.Verify(); err != nil {
			if err := a.find("carnet "+c.Number, "%v", err); err != nil {
				return err
			}
		}
	}
	return nil
}
