package live

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/tracking"
)

// Several trackers on one log. Each reads the whole log and folds it, so that each
// has the whole state and serves any viewer; the sequence of the log is the same
// for all, so a viewer resumes at any of them. Each judges reports by its own state
// and appends behind the others; what counts of a record follows from the log
// (tracking.Sharing), and a report is answered when its record has come back in the
// log's order and was folded. One of them, by lease, commits to the store; should
// two believe to hold the lease, the sequence in the store's transaction keeps
// them apart.

const (
	// flightsAtOnce is how many records may be on their way to the log. While they
	// are, reports gather, as they do behind the disk of a log of one's own.
	flightsAtOnce = 3

	projectLease  = "project"
	leaseTTL      = 3 * time.Second
	leaseEvery    = time.Second
	catchUpAtMost = 2 * time.Second // a viewer waits until this process is where it was
)

// shared is what a tracker has more when it is not the only one.
type shared struct {
	log    tracking.SharedLog
	writer string
	order  *tracking.Sharing // used by restore and then by followLoop only
	slots  chan struct{}

	mu      sync.Mutex // guards what follows; taken after Tracker.mu
	n       uint64
	flights map[uint64]*flight

	held    bool        // the lease to project; of projectLoop
	leads   atomic.Bool // the same, for others
	askedAt time.Time
}

func newShared(log tracking.SharedLog) *shared {
	return &shared{
		log: log, writer: rand.Text()[:12], order: tracking.NewSharing(),
		slots: make(chan struct{}, flightsAtOnce), flights: map[uint64]*flight{},
	}
}

// learn takes a record that is in the store already into the order.
func (s *shared) learn(seq uint64, record []byte) error {
	entries, err := tracking.DecodeRecord(record)
	if err != nil {
		return fmt.Errorf("record %d: %w", seq, err)
	}
	s.order.Judge(seq, entries)
	return nil
}

// flight is one record on its way. It has ended when it is both durable and folded.
type flight struct {
	n       uint64
	entries []tracking.Entry
	parts   []*part // of the entries but the first, which is Written
	owners  []*op   // of the parts
	durable bool
	folded  bool
	ended   bool
	landed  chan struct{} // closed when it has ended
}

// launch sends the parts of a group off in as few records as they fit in. It
// returns when they are on their way; their operations finish when they land.
func (t *Tracker) launch(ctx context.Context, group []*op) {
	for _, o := range group {
		o.open = len(o.parts)
	}
	var f *flight
	size, seen := 0, ^uint64(0)
	var bytes [][]byte
	send := func() {
		if f != nil {
			t.fly(ctx, f, bytes, seen)
		}
		f, bytes, size, seen = nil, nil, 0, ^uint64(0)
	}
	for _, o := range group {
		for i := range o.parts {
			p := &o.parts[i]
			if size > 0 && size+len(p.bytes) > maxRecord {
				send()
			}
			if f == nil {
				f = &flight{entries: []tracking.Entry{nil}, landed: make(chan struct{})}
			}
			f.entries, f.parts, f.owners = append(f.entries, p.entry), append(f.parts, p), append(f.owners, o)
			bytes, size, seen = append(bytes, p.bytes), size+len(p.bytes), min(seen, o.seen)
		}
	}
	send()
}

// fly sends one record off as soon as there is a slot.
func (t *Tracker) fly(ctx context.Context, f *flight, parts [][]byte, seen uint64) {
	s := t.shared
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		t.crash(f, tracking.ErrClosed)
		return
	}
	s.mu.Lock()
	s.n++
	f.n = s.n
	s.flights[f.n] = f
	s.mu.Unlock()
	written := &tracking.Written{Writer: s.writer, N: f.n, Seen: seen}
	f.entries[0] = written
	head, err := tracking.EncodeEntry(written)
	if err != nil {
		<-s.slots
		t.crash(f, err)
		return
	}
	size := len(head)
	for _, p := range parts {
		size += len(p)
	}
	record := tracking.NewRecordBuilder(size)
	record.Add(head)
	for _, p := range parts {
		record.Add(p)
	}
	go func() {
		_, err := s.log.Share(ctx, record.Bytes())
		<-s.slots
		if err != nil {
			t.crash(f, err)
			return
		}
		t.appends.Add(1)
		t.land(f, func() { f.durable = true })
	}()
}

// land notes one of the two things a flight waits for, and ends it after both.
func (t *Tracker) land(f *flight, note func()) {
	t.mu.Lock()
	t.shared.mu.Lock()
	var done []*op
	if !f.ended { // it may have crashed while it was folded
		note()
	}
	if !f.ended && f.durable && f.folded {
		f.ended = true
		delete(t.shared.flights, f.n)
		for _, o := range f.owners {
			if o.open--; o.open == 0 {
				t.releaseLocked(o)
				done = append(done, o)
			}
		}
		close(f.landed)
	}
	t.shared.mu.Unlock()
	t.mu.Unlock()
	for _, o := range done {
		o.finish(o.fault)
	}
}

// crash ends a flight whose record the log did not take, or of which nobody knows.
func (t *Tracker) crash(f *flight, err error) {
	t.land(f, func() {
		f.durable, f.folded = true, true
		for _, o := range f.owners {
			o.fault = err
		}
	})
}

// followLoop folds the log as it grows, until the committer has ended.
func (t *Tracker) followLoop(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.drained:
			cancel()
		case <-ctx.Done():
		}
	}()
	for pause := firstRetry; ; {
		at := t.Seq()
		err := t.shared.log.Follow(ctx, at, t.foldShared)
		if ctx.Err() != nil {
			return
		}
		if t.Seq() > at {
			pause = firstRetry
		}
		t.warn.Warn("the log cannot be followed, trying again", "err", err, "in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}

// foldShared folds the next record of the log, whoever wrote it.
func (t *Tracker) foldShared(seq uint64, record []byte) error {
	s := t.shared
	var f *flight
	if w, ok := tracking.AuthorOf(record); ok && w.Writer == s.writer {
		s.mu.Lock()
		if f = s.flights[w.N]; f != nil && f.folded { // stored twice
			f = nil
		}
		s.mu.Unlock()
	}
	var entries []tracking.Entry
	if f != nil {
		entries = f.entries
	} else {
		var err error
		if entries, err = tracking.DecodeRecord(record); err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		t.fillCells(entries)
	}
	v := s.order.Judge(seq, entries)
	t.mu.Lock()
	c, err := t.state.Apply(seq, v.Entries...)
	if err != nil {
		t.mu.Unlock()
		return err
	}
	t.grid.apply(&c, &t.dirty)
	t.keep(c)
	if f != nil {
		for i, p := range f.parts {
			p.settle(t.state, &v, i+1)
		}
	}
	t.mu.Unlock()
	if f != nil {
		t.land(f, func() { f.folded = true })
	}
	select {
	case t.project <- struct{}{}:
	default:
	}
	return nil
}

// settle notes what became of a part, entry i of its record.
func (p *part) settle(s *tracking.State, v *tracking.Verdict, i int) {
	p.void, p.dropped = v.Void, 0
	if v.Dropped != nil {
		p.dropped = v.Dropped[i]
	}
	positions, ok := p.entry.(*tracking.Positions)
	if !ok || v.Void {
		return
	}
	// Another process may have made a unit for another carrier.
	for j := range positions.Positions {
		id := positions.Positions[j].Unit
		if owner, ok := s.Owner(id); ok && owner != positions.Carrier {
			if p.foreign == nil {
				p.foreign = map[tracking.UnitID]bool{}
			}
			p.foreign[id] = true
		}
	}
}

// fillCells computes the cells of positions that another process took.
func (t *Tracker) fillCells(entries []tracking.Entry) {
	for _, e := range entries {
		p, ok := e.(*tracking.Positions)
		if !ok {
			continue
		}
		p.Cells = make([]uint64, len(p.Positions))
		t.mu.RLock()
		for i := range p.Positions {
			p.Cells[i] = t.state.Prospect(p.Positions[i].Unit, p.Positions[i].Time).Cell
		}
		t.mu.RUnlock()
		for i := range p.Positions {
			pos := &p.Positions[i]
			p.Cells[i] = uint64(t.cells.of(orb.Point{pos.Lon, pos.Lat}, cell.ID(p.Cells[i])))
		}
	}
}

// commitShared decides a command and appends it, again and again while commands of
// other processes come between.
func (t *Tracker) commitShared(ctx context.Context, o *op) {
	for try := 0; ; try++ {
		t.mu.Lock()
		o.seen = t.state.Seq()
		entries, err := o.prepare(t.state)
		t.mu.Unlock()
		if err == nil {
			entries, err = asRead(entries)
		}
		o.parts = nil
		for i := 0; err == nil && i < len(entries); i++ {
			err = o.add(entries[i])
		}
		if err != nil || len(entries) == 0 {
			t.release(o)
			o.finish(err)
			return
		}
		f := &flight{entries: []tracking.Entry{nil}, landed: make(chan struct{})}
		var bytes [][]byte
		for i := range o.parts {
			f.entries, f.parts = append(f.entries, o.parts[i].entry), append(f.parts, &o.parts[i])
			bytes = append(bytes, o.parts[i].bytes)
		}
		// It finishes here, not when it lands: it may have to be decided again.
		ghost := &op{done: make(chan struct{}), open: 1}
		f.owners = []*op{ghost}
		t.fly(ctx, f, bytes, o.seen)
		select {
		case <-f.landed:
		case <-ctx.Done():
			t.release(o)
			o.finish(tracking.ErrClosed)
			return
		}
		<-ghost.done
		if ghost.err == nil && o.parts[0].void {
			// The more processes decide at once, the longer each steps back.
			time.Sleep(time.Duration(1+rand.Text()[0]%16) * time.Millisecond << min(try, 5))
			continue
		}
		err = ghost.err
		if err == nil {
			err = t.took(o.parts)
		}
		t.release(o)
		o.finish(err)
		return
	}
}

// took tells whether a command did what it was to do: reports of other processes
// may have come between that it could not know.
func (t *Tracker) took(parts []part) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := range parts {
		if e, ok := parts[i].entry.(*tracking.UnitAssigned); ok {
			if owner, ok := t.state.Owner(e.Unit); ok && owner != e.Carrier {
				return fmt.Errorf("unit %q belongs to another carrier: %w", e.Unit, tracking.ErrConflict)
			}
			if s, _, ok := t.state.Shipment(e.Shipment); ok && s.Unit != e.Unit {
				return fmt.Errorf("shipment %q has arrived or was given to another unit: %w", e.Shipment, tracking.ErrConflict)
			}
		}
	}
	return nil
}

// settleFlights waits until nothing is under way.
func (t *Tracker) settleFlights(ctx context.Context) {
	for {
		t.shared.mu.Lock()
		var one *flight
		for _, f := range t.shared.flights {
			one = f
			break
		}
		t.shared.mu.Unlock()
		if one == nil {
			return
		}
		select {
		case <-one.landed:
		case <-ctx.Done():
			return
		}
	}
}

// projects tells whether this process is the one that commits to the store.
func (t *Tracker) projects(ctx context.Context) bool {
	s := t.shared
	if s == nil {
		return true
	}
	if now := time.Now(); now.Sub(s.askedAt) >= leaseEvery {
		ask, cancel := context.WithTimeout(ctx, leaseTTL)
		held, err := s.log.Lease(ask, projectLease, s.writer, leaseTTL)
		cancel()
		if err != nil {
			t.warn.Warn("whether to commit to the store cannot be told", "err", err)
		}
		if held && !s.held {
			t.warn.Info("this process commits to the store from now on")
		}
		s.held, s.askedAt = held && err == nil, now
		s.leads.Store(s.held)
	}
	return s.held
}

// forget drops what another process has committed to the store.
func (t *Tracker) forget(ctx context.Context) error {
	applied, epoch, err := t.store.Applied(ctx)
	if err != nil {
		return fmt.Errorf("see what is in the store: %w", err)
	}
	if epoch != "" && epoch != t.log.Epoch() {
		return fmt.Errorf("the store follows log %s, not %s: %w", epoch, t.log.Epoch(), tracking.ErrConflict)
	}
	if applied > t.projected.Load() {
		t.projected.Store(applied)
		t.mu.Lock()
		t.queue.drop(applied)
		t.mu.Unlock()
	}
	return nil
}

// awaitSeq waits until the state is where a viewer has been: the log is ahead of
// each process by a moment.
func (t *Tracker) awaitSeq(seq uint64) {
	for waited := time.Duration(0); waited < catchUpAtMost && t.Seq() < seq; {
		pause := time.Duration(1<<min(bits.Len64(uint64(waited/time.Millisecond)), 5)) * time.Millisecond
		select {
		case <-t.closed:
			return
		case <-time.After(pause):
		}
		waited += pause
	}
}
