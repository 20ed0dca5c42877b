// Package history is how a unit's fixes are laid out in a database, whichever it
// is, so that SQLite and PostgreSQL differ only in their SQL. A fix passes
// through three places:
//
//   - the tail: one row for each Apply, holding everything that Apply brought for
//     any number of units (Batch). Written once, in order, and mirrored in memory
//     (Tail), because nothing can be found in it by unit;
//   - the open chunk: one row for each unit (Open), to which the unit's part of
//     the tail is moved once there is enough of it;
//   - sealed chunks: up to SealAt fixes each, in rows that stay as they are unless
//     a late fix belongs between theirs (Sealed).
//
// One row for each fix would cost 70 bytes and more, and an index update; this
// costs a fraction of a row for each fix however many units report.
//
// It is pure: no I/O. What a chunk is made of is package chunk.
package history

import (
	"fmt"
	"math"

	"corridor/tracking/store/chunk"
)

// SealAt is how many fixes a sealed chunk holds; a late fix may make it some more.
const SealAt = 256

// maxBlocks is how many blocks an open chunk may consist of before it is packed
// into one: more would cost room, fewer would cost work.
const maxBlocks = 12

// Never is before every second.
const Never = math.MinInt64

// Open is the newest part of a unit's history. The zero value is not valid; start
// from NewOpen.
type Open struct {
	SealedEnd int64 // last second in a sealed chunk; all rows here are later
	Start     int64 // first and last second here; meaningless when N is 0
	End       int64
	N         int
	Blocks    int
	Body      []byte // a chunk; nil when N is 0
}

// NewOpen is the history of a unit without one.
func NewOpen() Open { return Open{SealedEnd: Never} }

// Sealed is a chunk that is full.
type Sealed struct {
	Start, End int64 // first and last second
	N          int
	Body       []byte
}

// Add takes rows, sorted by chunk.Sort, into the history: what became full is
// returned to be stored, and so are the rows that belong before the open chunk,
// for MergeLate. A row whose second is there already is dropped.
func (o Open) Add(rows []chunk.Row) (next Open, sealed []Sealed, late []chunk.Row, err error) {
	split := 0
	for split < len(rows) && rows[split].Second() <= o.SealedEnd {
		split++
	}
	late, rows = rows[:split], rows[split:]
	if len(rows) == 0 {
		return o, nil, late, nil
	}
	newer := o.N == 0 || rows[0].Second() > o.End
	for newer && len(rows) > 0 && o.large(len(rows)) { // what is packed already is not unpacked for it
		n := min(len(rows), SealAt)
		if o, err = o.append(rows[:n]); err != nil {
			return o, nil, nil, err
		}
		if rows = rows[n:]; o.N >= SealAt {
			sealed = append(sealed, Sealed{o.Start, o.End, o.N, o.Body})
			o = Open{SealedEnd: o.End}
		}
	}
	if len(rows) == 0 {
		return o, sealed, late, nil
	}
	if newer && o.N+len(rows) < SealAt && o.Blocks < maxBlocks {
		o, err = o.append(rows)
		return o, sealed, late, err
	}
	if o.N > 0 {
		held, err := chunk.Decode(make([]chunk.Row, 0, o.N+len(rows)), o.Body)
		if err != nil {
			return o, nil, nil, err
		}
		if newer {
			rows = append(held, rows...)
		} else {
			rows = chunk.Merge(held, rows)
		}
	}
	for len(rows) >= SealAt {
		s, err := seal(rows[:SealAt])
		if err != nil {
			return o, nil, nil, err
		}
		sealed, rows = append(sealed, s), rows[SealAt:]
		o.SealedEnd = s.End
	}
	next = Open{SealedEnd: o.SealedEnd}
	if len(rows) > 0 {
		s, err := seal(rows)
		if err != nil {
			return o, nil, nil, err
		}
		next.Start, next.End, next.N, next.Body, next.Blocks = s.Start, s.End, s.N, s.Body, 1
	}
	return next, sealed, late, nil
}

// largeBlock is how many fixes a block holds at least that nothing is gained by
// packing into a larger one.
const largeBlock = 64

// large tells whether n more rows would be a block of their own in a chunk of large
// blocks.
func (o *Open) large(n int) bool {
	return n >= largeBlock && (o.N+n) >= largeBlock*(o.Blocks+1)
}

// append puts rows that are newer than all here behind them, as a block.
func (o Open) append(rows []chunk.Row) (Open, error) {
	// A full slice expression: two readers may hold the same body.
	body, err := chunk.Encode(o.Body[:len(o.Body):len(o.Body)], rows)
	if err != nil {
		return o, err
	}
	if o.N == 0 {
		o.Start = rows[0].Second()
	}
	o.Body, o.End = body, rows[len(rows)-1].Second()
	o.N += len(rows)
	o.Blocks++
	return o, nil
}

// MergeLate puts late rows into the sealed chunk they fall in. What it returns
// replaces s: itself, or two when it has grown too large.
func MergeLate(s Sealed, late []chunk.Row) ([]Sealed, error) {
	held, err := chunk.Decode(nil, s.Body)
	if err != nil {
		return nil, err
	}
	rows := chunk.Merge(held, late)
	if len(rows) == len(held) {
		return []Sealed{s}, nil
	}
	pieces := (len(rows) + 2*SealAt - 1) / (2 * SealAt)
	merged := make([]Sealed, 0, pieces)
	for i := range pieces {
		m, err := seal(rows[i*len(rows)/pieces : (i+1)*len(rows)/pieces])
		if err != nil {
			return nil, err
		}
		merged = append(merged, m)
	}
	return merged, nil
}

// Forget leaves out of a chunk what lies before a second: N is 0 when nothing is
// left. It returns how many rows went.
func (s Sealed) Forget(before int64) (rest Sealed, gone int, err error) {
	if s.N == 0 || s.Start >= before {
		return s, 0, nil
	}
	if s.End < before {
		return Sealed{}, s.N, nil
	}
	rows, err := chunk.Decode(nil, s.Body)
	if err != nil {
		return s, 0, err
	}
	for gone < len(rows) && rows[gone].Second() < before {
		gone++
	}
	rest, err = seal(rows[gone:])
	return rest, gone, err
}

// Forget is that of the open chunk.
func (o Open) Forget(before int64) (rest Open, gone int, err error) {
	s, gone, err := Sealed{o.Start, o.End, o.N, o.Body}.Forget(before)
	if err != nil || gone == 0 {
		return o, 0, err
	}
	rest = Open{SealedEnd: o.SealedEnd}
	if s.N > 0 {
		rest.Start, rest.End, rest.N, rest.Body, rest.Blocks = s.Start, s.End, s.N, s.Body, 1
	}
	return rest, gone, nil
}

// FirstPlace is before every place of the day that holds the second.
func FirstPlace(second int64) Place { return Place(floorDiv(second*1000, dayMS) << placeBits) }

func seal(rows []chunk.Row) (Sealed, error) {
	body, err := chunk.Encode(nil, rows)
	if err != nil {
		return Sealed{}, fmt.Errorf("seal %d fixes: %w", len(rows), err)
	}
	return Sealed{Start: rows[0].Second(), End: rows[len(rows)-1].Second(), N: len(rows), Body: body}, nil
}
