package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"corridor/tracking"
)

// maxRecord is how long a record grows by sharing. A NATS server takes 1 MB by
// default, and an entry alone is at most about 250 kB.
const maxRecord = 512 << 10

const catchUpTimeout = 10 * time.Second

// op is something to be appended, by one caller. The committer owns it from
// submit until done is closed.
type op struct {
	// Either parts, ready made, or prepare, asked by the committer when nothing
	// else is under way, so that it decides on the state it will change.
	parts   []part
	prepare func(*tracking.State) ([]tracking.Entry, error)

	holds []*hold
	done  chan struct{}
	err   error // valid once done is closed

	seen  uint64 // shared: the state everything in it was decided on
	open  int    // shared: parts under way
	fault error  // shared: why a part was not taken
}

// part is an entry of an op. What became of it is told when the op is done; alone
// on a log, all of it was stored.
type part struct {
	entry tracking.Entry
	bytes []byte

	void    bool                     // nothing counts: decide again
	dropped int                      // positions another process has stored
	foreign map[tracking.UnitID]bool // units that are another carrier's by now
}

func newOp() *op { return &op{done: make(chan struct{})} }

func (o *op) add(e tracking.Entry) error {
	b, err := tracking.EncodeEntry(e)
	if err != nil {
		return err
	}
	o.parts = append(o.parts, part{entry: e, bytes: b})
	return nil
}

func (o *op) finish(err error) {
	o.err = err
	close(o.done)
}

// submit hands o to the committer and waits for the outcome. When ctx ends
// before it, o is finished nevertheless.
func (t *Tracker) submit(ctx context.Context, o *op) error {
	// closed is asked first, so that nothing is queued after the committer's
	// last look; see drain.
	select {
	case <-t.closed:
		t.release(o)
		o.finish(tracking.ErrClosed)
		return tracking.ErrClosed
	default:
	}
	select {
	case t.ops <- o:
	case <-t.closed:
		t.release(o)
		o.finish(tracking.ErrClosed)
		return tracking.ErrClosed
	case <-ctx.Done():
		err := context.Cause(ctx)
		t.release(o)
		o.finish(err)
		return err
	}
	select {
	case <-o.done:
		return o.err
	case <-t.drained:
		// The committer has gone; it finished o, or o came too late for it.
		select {
		case <-o.done:
			return o.err
		default:
			return tracking.ErrClosed
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// command hands o, which decides in prepare, to the committer and waits.
func (t *Tracker) command(ctx context.Context, o *op) error {
	if err := t.awaitReady(ctx); err != nil {
		return err
	}
	return t.submit(ctx, o)
}

// decide is command for what holds nothing.
func (t *Tracker) decide(ctx context.Context, prepare func(*tracking.State) ([]tracking.Entry, error)) error {
	o := newOp()
	o.prepare = prepare
	return t.command(ctx, o)
}

// commitLoop is the only writer of the log and of the state. While one record is
// being forced to disk, operations gather; the next record takes them all.
func (t *Tracker) commitLoop(ctx context.Context) {
	defer close(t.drained)
	if t.shared != nil {
		defer t.settleFlights(ctx)
	}
	var p pace
	for {
		select {
		case o := <-t.ops:
			t.commitWith(ctx, o, &p)
		case <-t.closed:
			for {
				select {
				case o := <-t.ops:
					t.commitWith(ctx, o, &p)
				default:
					return
				}
			}
		}
	}
}

// pace decides how long a group waits for more. Senders that wait for their
// answer before they send again fall into two camps otherwise: one is with the
// disk while the other gathers, and each record carries half of what it could.
type pace struct {
	senders int           // who sent lately: in the last record or behind it
	took    time.Duration // an append, smoothed
}

// patience is how many times as long as an append the wait for more may be. Of 50
// senders of single reports 1 stored half as many again a second as a quarter did,
// with a fifth less processor each (BenchmarkIngest, a load of 6).
const patience = 1

func (p *pace) committed(group, behind int, took time.Duration) {
	p.senders = group + behind
	p.took += (took - p.took) / 8
}

// commitWith commits o and whatever waits behind it.
func (t *Tracker) commitWith(ctx context.Context, o *op, p *pace) {
	var group []*op
	var patient <-chan time.Time
	size := 0
gather:
	for {
		if o.prepare != nil {
			t.commit(ctx, group)
			if t.shared != nil {
				t.commitShared(ctx, o)
			} else {
				t.commitCommand(ctx, o)
			}
			return
		}
		group = append(group, o)
		for i := range o.parts {
			size += len(o.parts[i].bytes)
		}
		if size >= maxRecord {
			break
		}
		select {
		case o = <-t.ops:
			continue
		default:
		}
		if len(group) >= p.senders {
			break
		}
		if patient == nil {
			patient = time.After(patience * p.took)
		}
		select {
		case o = <-t.ops:
		case <-patient:
			break gather
		}
	}
	began := time.Now()
	t.commit(ctx, group)
	if t.shared != nil {
		return // the slots pace it
	}
	p.committed(len(group), len(t.ops), time.Since(began))
}

func (t *Tracker) commitCommand(ctx context.Context, o *op) {
	t.mu.Lock() // prepare may hold units
	entries, err := o.prepare(t.state)
	t.mu.Unlock()
	if err == nil {
		entries, err = asRead(entries)
	}
	for i := 0; err == nil && i < len(entries); i++ {
		err = o.add(entries[i])
	}
	if err != nil || len(entries) == 0 { // none: nothing is to be changed
		t.release(o)
		o.finish(err)
		return
	}
	t.commit(ctx, []*op{o})
}

// asRead gives entries as a replay will read them, so that the state now and the
// state after a restart are the same to the last byte.
func asRead(entries []tracking.Entry) ([]tracking.Entry, error) {
	b, err := tracking.EncodeRecord(entries...)
	if err != nil {
		return nil, err
	}
	return tracking.DecodeRecord(b)
}

// commit appends the parts of a group in as few records as they fit in, and
// finishes its operations.
func (t *Tracker) commit(ctx context.Context, group []*op) {
	if t.shared != nil {
		t.launch(ctx, group)
		return
	}
	var (
		record  = tracking.NewRecordBuilder(sizeOf(group))
		entries []tracking.Entry
		size    int
		ending  []*op // operations whose last part is in the record
		failed  = map[*op]bool{}
	)
	flush := func() {
		if len(entries) == 0 {
			return
		}
		if err := t.append(ctx, record.Bytes(), entries, ending); err != nil {
			for _, o := range group {
				select {
				case <-o.done:
				default:
					failed[o] = true
					t.release(o)
					o.finish(err)
				}
			}
		}
		record, entries, size, ending = tracking.NewRecordBuilder(0), nil, 0, nil
	}
	for _, o := range group {
		for i := range o.parts {
			if failed[o] {
				break
			}
			if size > 0 && size+len(o.parts[i].bytes) > maxRecord {
				flush()
				if failed[o] {
					break
				}
			}
			record.Add(o.parts[i].bytes)
			entries = append(entries, o.parts[i].entry)
			size += len(o.parts[i].bytes)
			if i == len(o.parts)-1 {
				ending = append(ending, o)
			}
		}
	}
	flush()
}

// sizeOf is how long a record of the group will be, at most.
func sizeOf(group []*op) int {
	size := 0
	for _, o := range group {
		for i := range o.parts {
			size += len(o.parts[i].bytes)
		}
	}
	return min(size, maxRecord+64<<10)
}

// append makes one record durable, folds it and finishes the operations that end
// with it.
func (t *Tracker) append(ctx context.Context, record []byte, entries []tracking.Entry, ending []*op) error {
	seq, err := t.log.Append(ctx, record)
	switch {
	case err == nil && seq == t.Seq()+1:
		t.appends.Add(1)
		return t.fold(seq, entries, ending)
	case err == nil:
		err = fmt.Errorf("record %d was appended behind records of another process", seq)
	case errors.Is(err, tracking.ErrFull):
		return err
	}
	// The record may be in the log or not. Nothing can be decided before that is
	// known: a report answered with an error and stored after all would be taken
	// for new when it is sent again.
	for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
		found, readErr := t.catchUp(ctx, record, entries, ending)
		if found {
			t.appends.Add(1)
			return nil
		}
		if readErr == nil {
			// %v: a conflict over the log is not a conflict of the caller's.
			return fmt.Errorf("the log did not take the record: %v", err) //nolint:errorlint // see above
		}
		t.warn.Error("the log cannot be read to settle a failed append, trying again", "append", err, "read", readErr, "in", pause)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w while an append was not settled", tracking.ErrClosed)
		case <-time.After(pause):
		}
	}
}

// fold applies a record that is durable, shows it and finishes operations.
func (t *Tracker) fold(seq uint64, entries []tracking.Entry, ending []*op) error {
	t.mu.Lock()
	c, err := t.state.Apply(seq, entries...)
	if err != nil {
		t.mu.Unlock()
		return err
	}
	t.grid.apply(&c, &t.dirty)
	t.keep(c)
	for _, o := range ending {
		t.releaseLocked(o)
	}
	t.mu.Unlock()
	for _, o := range ending {
		o.finish(nil)
	}
	select {
	case t.project <- struct{}{}:
	default:
	}
	return nil
}

// catchUp folds what the log holds beyond the state, and tells whether the
// record is among it.
func (t *Tracker) catchUp(ctx context.Context, record []byte, entries []tracking.Entry, ending []*op) (found bool, _ error) {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	err := t.log.Read(ctx, t.Seq(), func(seq uint64, r []byte) error {
		if !found && bytes.Equal(r, record) {
			found = true
			return t.fold(seq, entries, ending)
		}
		es, err := tracking.DecodeRecord(r)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		return t.fold(seq, es, nil)
	})
	return found, err
}
