package history

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"corridor/tracking"
	"corridor/tracking/store/chunk"
)

// Tail mirrors in memory what the tail holds, by unit. It may be read while it is
// written.
//
// A reader takes a unit's rows from here first and then from the database: a row
// that is moved to a chunk in between is seen twice, which chunk.Merge mends,
// never not at all, because rows leave the mirror only after they were committed.
type Tail struct {
	mu       sync.RWMutex
	units    map[tracking.UnitID]*Pending
	progress map[tracking.ShipmentID]tracking.Progress
	rows     int
	batches  int
	last     uint64 // sequence of the last batch seen; those before it are here or in chunks

	spare [][]chunk.Row // room for rows that Reuse left
}

// Pending is what the tail holds of one unit.
type Pending struct {
	State *tracking.UnitState // latest; nil when only fixes came
	Rows  []chunk.Row         // in the order they came
}

// Sorted returns the rows sorted by chunk.Sort, not to be changed: a copy where they
// came in another order.
func (p *Pending) Sorted() []chunk.Row {
	for i := 1; i < len(p.Rows); i++ {
		if p.Rows[i-1].Second() >= p.Rows[i].Second() {
			return chunk.Sort(slices.Clone(p.Rows))
		}
	}
	return p.Rows[:len(p.Rows):len(p.Rows)]
}

// Add takes in a batch that is committed as the tail row of that sequence. One
// that was seen before is left out.
func (t *Tail) Add(seq uint64, b Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq > t.last {
		t.add(seq, b)
	}
}

// AddAfter adds a batch if the last one seen is the one before it, so that
// nothing between is missed when several processes write. It tells whether the
// mirror holds the batch now.
func (t *Tail) AddAfter(before, seq uint64, b Batch) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == before {
		t.add(seq, b)
	}
	return t.last >= seq
}

func (t *Tail) add(seq uint64, b Batch) {
	if t.units == nil {
		t.units = make(map[tracking.UnitID]*Pending)
		t.progress = make(map[tracking.ShipmentID]tracking.Progress)
	}
	for _, u := range b.Units {
		t.unit(u.Unit).State = &u
	}
	for _, p := range b.Progress {
		t.progress[p.Shipment] = p
	}
	for _, f := range b.Fixes {
		p := t.unit(f.Unit)
		p.Rows = append(p.Rows, f.Row)
	}
	t.rows += len(b.Fixes)
	t.batches++
	t.last = seq
}

func (t *Tail) unit(id tracking.UnitID) *Pending {
	p := t.units[id]
	if p == nil {
		p = new(Pending)
		if n := len(t.spare); n > 0 {
			p.Rows, t.spare = t.spare[n-1], t.spare[:n-1]
		}
		t.units[id] = p
	}
	return p
}

// Rows returns a copy of a unit's rows, sorted by chunk.Sort, and the sequence up
// to which the tail was seen.
func (t *Tail) Rows(unit tracking.UnitID) (rows []chunk.Row, last uint64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	p := t.units[unit]
	if p == nil || len(p.Rows) == 0 {
		return nil, t.last
	}
	return chunk.Sort(slices.Clone(p.Rows)), t.last
}

// Near returns the units with a waiting row in the box, and the sequence up to
// which the tail was seen.
func (t *Tail) Near(b Box) (units []tracking.UnitID, last uint64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for id, p := range t.units {
		if b.Any(p.Rows) {
			units = append(units, id)
		}
	}
	return units, t.last
}

// Size tells how many fixes and units wait.
func (t *Tail) Size() (fixes, units int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows, len(t.units)
}

// Contents gives everything that waits, to be moved to where it stays, and how
// many batches it came in, the last with that sequence. It must not be changed,
// Add not be called until Clear, and nothing of it be kept after Reuse.
func (t *Tail) Contents() (units map[tracking.UnitID]*Pending, progress map[tracking.ShipmentID]tracking.Progress, batches int, last uint64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.units, t.progress, t.batches, t.last
}

// Clear empties the mirror, after everything up to the sequence was committed
// elsewhere.
func (t *Tail) Clear(last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear(last)
}

func (t *Tail) clear(last uint64) {
	t.units, t.progress, t.rows, t.batches, t.last = nil, nil, 0, 0, last
}

// Reuse is Clear for the only one who clears, after Contents: it uses the room of
// the rows again.
func (t *Tail) Reuse(last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.spare) // what was not needed since
	t.spare = t.spare[:0]
	for _, p := range t.units {
		if len(p.Rows) > 0 {
			clear(p.Rows)
			t.spare = append(t.spare, p.Rows[:0])
		}
	}
	t.clear(last)
}

// MergeProgress returns what is stored with what is newer in its place, by shipment.
func MergeProgress(stored []tracking.Progress, newer map[tracking.ShipmentID]tracking.Progress) []tracking.Progress {
	merged := make([]tracking.Progress, 0, len(stored)+len(newer))
	for _, p := range stored {
		if _, replaced := newer[p.Shipment]; !replaced {
			merged = append(merged, p)
		}
	}
	merged = slices.AppendSeq(merged, maps.Values(newer))
	slices.SortFunc(merged, func(a, b tracking.Progress) int { return cmp.Compare(a.Shipment, b.Shipment) })
	return merged
}
