package history

import (
	"iter"
	"math"
	"slices"
	"time"

	"corridor/tracking"
	"corridor/tracking/store/chunk"
)

// Window is a tracking.TrackQuery in stored terms.
type Window struct {
	from, to int64 // device time in ms; to is exclusive
	limit    int   // 0: none
	newest   bool  // with a limit: keep the newest, not the oldest
	metres   float64
}

// NewWindow reads a query.
func NewWindow(q tracking.TrackQuery) Window {
	w := Window{from: math.MinInt64, to: math.MaxInt64, limit: max(q.Limit, 0), newest: q.From.IsZero(), metres: q.ToleranceM}
	if !q.From.IsZero() {
		w.from = ceilMS(q.From)
	}
	if !q.To.IsZero() {
		w.to = ceilMS(q.To)
	}
	return w
}

func ceilMS(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// Most is how many rows are enough; 0 when all are needed.
func (w Window) Most() int {
	if w.metres > 0 {
		return 0
	}
	return w.limit
}

// Newest tells that Collect wants the chunks from the newest to the oldest.
func (w Window) Newest() bool { return w.newest && w.limit > 0 }

// Seconds are the first and the last second a row in the window can have.
func (w Window) Seconds() (first, last int64) {
	return floorDiv(w.from, 1000), floorDiv(w.to, 1000)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Collect returns the rows in the window, oldest first. chunks gives the bodies
// of those that may hold some, in the order Newest asks for; no more of them are
// taken than needed. tail is sorted by chunk.Sort.
func (w Window) Collect(tail []chunk.Row, chunks iter.Seq2[[]byte, error]) ([]chunk.Row, error) {
	var pieces [][]chunk.Row
	n := 0
	for body, err := range chunks {
		if err != nil {
			return nil, err
		}
		rows, err := chunk.Decode(nil, body)
		if err != nil {
			return nil, err
		}
		rows = w.cut(rows)
		if w.metres > 0 {
			rows = Simplify(rows, w.metres/2) // the other half is for what is left of all
		}
		pieces = append(pieces, rows)
		// Whatever further chunks hold lies beyond these rows, and what the tail
		// adds can only push rows of these out.
		if n += len(rows); w.limit > 0 && n >= w.limit && w.metres == 0 {
			break
		}
	}
	if w.Newest() {
		slices.Reverse(pieces)
	}
	tail = w.cut(tail)
	rows := make([]chunk.Row, 0, n+len(tail))
	for _, p := range pieces {
		rows = append(rows, p...)
	}
	if len(rows) == 0 || len(tail) == 0 || rows[len(rows)-1].Second() < tail[0].Second() { // nearly always
		rows = append(rows, tail...)
	} else {
		rows = chunk.Merge(rows, tail)
	}
	if w.metres > 0 {
		rows = simplifyLong(rows, w.metres/2)
	}
	if w.limit > 0 && len(rows) > w.limit {
		if w.newest {
			return rows[len(rows)-w.limit:], nil
		}
		return rows[:w.limit], nil
	}
	return rows, nil
}

// cut keeps what is in the window.
func (w Window) cut(rows []chunk.Row) []chunk.Row {
	for len(rows) > 0 && rows[0].TimeMS < w.from {
		rows = rows[1:]
	}
	for len(rows) > 0 && rows[len(rows)-1].TimeMS >= w.to {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// Fixes gives rows back as fixes of the unit.
func Fixes(unit tracking.UnitID, rows []chunk.Row) []tracking.Fix {
	if len(rows) == 0 {
		return nil
	}
	fixes := make([]tracking.Fix, len(rows))
	for i := range rows {
		fixes[i] = rows[i].Fix(unit)
	}
	return fixes
}

// Has tells of each time whether its second is in the history made of tail, open
// and sealed chunks. find returns the sealed chunk with the greatest start not
// after the second; N is 0 when there is none.
func Has(times []time.Time, tail []chunk.Row, open Open, find func(second int64) (Sealed, error)) ([]bool, error) {
	waiting := make(map[int64]bool, len(tail))
	for i := range tail {
		waiting[tail[i].Second()] = true
	}
	order := make([]int, len(times)) // by time, so that a chunk is read once
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return times[a].Compare(times[b]) })
	has := make([]bool, len(times))
	var from, to int64 // what seconds covers, both included
	var seconds []int64
	loaded := false
	for _, i := range order {
		s := times[i].Unix()
		if waiting[s] {
			has[i] = true
			continue
		}
		if !loaded || s < from || s > to {
			var held Sealed
			if s > open.SealedEnd {
				held = Sealed{Start: open.Start, End: open.End, N: open.N, Body: open.Body}
				from, to = open.SealedEnd+1, math.MaxInt64
			} else {
				var err error
				if held, err = find(s); err != nil {
					return nil, err
				}
				from, to = s, max(s, held.End)
			}
			seconds = seconds[:0]
			if held.N > 0 && s <= held.End || s > open.SealedEnd && open.N > 0 {
				var err error
				if seconds, err = chunk.Seconds(seconds, held.Body); err != nil {
					return nil, err
				}
			}
			loaded = true
		}
		_, has[i] = slices.BinarySearch(seconds, s)
	}
	return has, nil
}
