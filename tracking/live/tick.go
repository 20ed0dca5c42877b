package live

import (
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/tracking"
)

// ringUnits is how many moves are remembered for resuming, over all ticks.
const ringUnits = 200_000

// dirty is what changed since the last tick.
type dirty struct {
	units    []dirtyUnit
	at       []int32 // by handle: index into units + 1
	events   []tracking.Event
	progress []tracking.ShipmentID
}

type dirtyUnit struct {
	handle tracking.Handle
	before orb.Point // where it was at the last tick
	leaf   cell.ID   // and in which cell; 0: nowhere
	seq    uint64    // of the last change
}

func (d *dirty) unit(h tracking.Handle, s *spot, seq uint64) {
	for int(h) >= len(d.at) {
		d.at = append(d.at, 0)
	}
	if i := d.at[h]; i > 0 {
		d.units[i-1].seq = seq
		return
	}
	d.units = append(d.units, dirtyUnit{h, s.point, s.leaf, seq})
	d.at[h] = int32(len(d.units))
}

func (d *dirty) add(c tracking.Changes) {
	d.events = append(d.events, c.Events...)
	for i := range c.Progress {
		if c.Progress[i].ETA != nil {
			d.progress = append(d.progress, c.Progress[i].Shipment)
		}
	}
}

func (d *dirty) clear() {
	for _, u := range d.units {
		d.at[u.handle] = 0
	}
	// New slices: the tick still reads the old ones.
	d.units, d.events, d.progress = nil, nil, nil
}

// frame is one tick: what changed and who may see it.
type frame struct {
	seq    uint64
	units  []frameUnit
	events []frameEvent
	etas   []frameETA
}

type frameUnit struct {
	dirtyUnit
	state tracking.UnitState
	loads []tracking.Load
	now   spot
}

type frameEvent struct {
	tracking.Event
	readers
}

type frameETA struct {
	tracking.ETA
	readers
	unit  tracking.UnitID
	point orb.Point
	at    bool
}

// readers are the parties that may read something, besides those who may read
// everything.
type readers struct {
	owner, carrier tracking.PartyID
	only           tracking.PartyID // not empty: nobody else
}

func (r readers) include(p *tracking.Party) bool {
	switch p.Role {
	case tracking.Admin, tracking.Dispatcher:
		return true
	}
	if r.only != "" {
		return r.only == p.ID
	}
	switch p.Role {
	case tracking.Carrier:
		return r.carrier == p.ID
	case tracking.Shipper:
		return r.owner == p.ID
	}
	return false
}

// ring remembers recent ticks for those who come back.
type ring struct {
	ticks []ringTick // oldest first
	size  int
	since uint64 // the sequence after which ticks are complete
}

type ringTick struct {
	seq   uint64
	units []dirtyUnit
}

func (r *ring) add(f *frame) {
	if len(f.units) == 0 {
		return
	}
	t := ringTick{f.seq, make([]dirtyUnit, len(f.units))}
	for i := range f.units {
		t.units[i] = f.units[i].dirtyUnit
	}
	r.ticks = append(r.ticks, t)
	r.size += len(t.units)
	for r.size > ringUnits && len(r.ticks) > 1 {
		r.since = r.ticks[0].seq
		r.size -= len(r.ticks[0].units)
		r.ticks = r.ticks[1:]
	}
}

// tickLoop shows watchers what changed, at most once a tick.
func (t *Tracker) tickLoop() {
	ticker := time.NewTicker(t.cfg.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.tick()
		case <-t.drained:
			t.tick() // the last ones see what the last reports did
			return
		}
	}
}

func (t *Tracker) tick() {
	t.watchMu.Lock()
	defer t.watchMu.Unlock()
	t.mu.Lock()
	f := t.takeFrame()
	t.mu.Unlock()
	t.show(f)
}

// takeFrame takes what is dirty out of the state and remembers it for those who
// come back. Caller holds watchMu and mu.
func (t *Tracker) takeFrame() *frame {
	watched := len(t.watches) > 0
	f := &frame{seq: t.state.Seq()}
	f.units = make([]frameUnit, len(t.dirty.units))
	for i, d := range t.dirty.units {
		f.units[i] = frameUnit{dirtyUnit: d}
		if watched {
			f.units[i].state = t.state.At(d.handle)
			f.units[i].loads = t.state.Loads(d.handle)
			f.units[i].now = t.grid.units[d.handle]
		}
	}
	if watched {
		for _, e := range t.dirty.events {
			f.events = append(f.events, frameEvent{e, t.readersOf(&e)})
		}
		seen := make(map[tracking.ShipmentID]bool, len(t.dirty.progress))
		for _, id := range t.dirty.progress {
			if !seen[id] {
				seen[id] = true
				if e, ok := t.frameETA(id); ok {
					f.etas = append(f.etas, e)
				}
			}
		}
	}
	t.dirty.clear()
	t.ring.add(f)
	return f
}

// readersOf tells who may read an event. Caller holds mu.
func (t *Tracker) readersOf(e *tracking.Event) readers {
	if s, _, ok := t.state.Shipment(e.Shipment); ok {
		return readers{s.Owner, s.Carrier, e.For}
	}
	carrier, _ := t.state.Owner(e.Unit)
	return readers{carrier: carrier, only: e.For}
}

func (t *Tracker) frameETA(id tracking.ShipmentID) (frameETA, bool) {
	s, p, ok := t.state.Shipment(id)
	if !ok || p.ETA == nil {
		return frameETA{}, false
	}
	e := frameETA{ETA: *p.ETA, readers: readers{owner: s.Owner, carrier: s.Carrier}, unit: s.Unit}
	if h, ok := t.state.Handle(s.Unit); ok {
		e.point, e.at = t.state.PointAt(h)
	}
	return e, true
}
