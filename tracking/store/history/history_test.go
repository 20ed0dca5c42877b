package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/tracking/store/chunk"
)

// layout keeps a unit's history as a database would, in memory.
type layout struct {
	open   Open
	sealed []Sealed // by start
}

func (l *layout) give(t *rapid.T, rows []chunk.Row) {
	next, sealed, late, err := l.open.Add(chunk.Sort(slices.Clone(rows)))
	if err != nil {
		t.Fatalf("add: %v", err)
	}
	l.open = next
	l.sealed = append(l.sealed, sealed...)
	for len(late) > 0 {
		i := 0
		for i+1 < len(l.sealed) && l.sealed[i+1].Start <= late[0].Second() {
			i++
		}
		n := 1
		for n < len(late) && (i+1 == len(l.sealed) || late[n].Second() < l.sealed[i+1].Start) {
			n++
		}
		merged, err := MergeLate(l.sealed[i], late[:n])
		if err != nil {
			t.Fatalf("merge late: %v", err)
		}
		l.sealed = slices.Replace(l.sealed, i, i+1, merged...)
		late = late[n:]
	}
}

// check looks for what the layout promises: chunks apart and in order, none too
// large, and all fixes there once.
func (l *layout) check(t *rapid.T, want map[int64]uint64) {
	var rows []chunk.Row
	end := int64(Never)
	add := func(s Sealed) {
		before := len(rows)
		var err error
		if rows, err = chunk.Decode(rows, s.Body); err != nil {
			t.Fatalf("decode: %v", err)
		}
		if s.N != len(rows)-before || s.Start != rows[before].Second() || s.End != rows[len(rows)-1].Second() || s.Start <= end {
			t.Fatalf("chunk of %d from %d to %d holds %d; the one before ends at %d", s.N, s.Start, s.End, len(rows)-before, end)
		}
		end = s.End
	}
	for _, s := range l.sealed {
		if s.N > 2*SealAt {
			t.Fatalf("a sealed chunk of %d", s.N)
		}
		add(s)
	}
	if end > l.open.SealedEnd {
		t.Fatalf("sealed to %d, the open chunk knows of %d", end, l.open.SealedEnd)
	}
	if l.open.N > 0 {
		add(Sealed{Start: l.open.Start, End: l.open.End, N: l.open.N, Body: l.open.Body})
	}
	if l.open.N >= SealAt || l.open.Blocks > maxBlocks {
		t.Fatalf("an open chunk of %d in %d blocks", l.open.N, l.open.Blocks)
	}
	if len(rows) != len(want) {
		t.Fatalf("%d fixes, want %d", len(rows), len(want))
	}
	for _, r := range rows {
		if want[r.Second()] != r.Seq {
			t.Fatalf("second %d holds %d, want %d", r.Second(), r.Seq, want[r.Second()])
		}
	}
}

func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layout{open: NewOpen()}
		want := map[int64]uint64{}
		seq, now := uint64(0), int64(0)
		for range rapid.IntRange(1, 40).Draw(t, "times") {
			var rows []chunk.Row
			at := now
			if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
				at = rapid.Int64Range(-1000, now).Draw(t, "at")
			}
			step := rapid.Int64Range(0, 5).Draw(t, "step")
			for range rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 700)).Draw(t, "n") {
				seq++
				rows = append(rows, chunk.Row{TimeMS: at * 1000, Seq: seq})
				if _, held := want[at]; !held {
					want[at] = seq
				}
				at += step
			}
			now = max(now, at)
			l.give(t, rows)
			l.check(t, want)
		}
	})
}

// TestOpenIsNotShared appends to the same open chunk twice, as a transaction that
// is tried again does.
func TestOpenIsNotShared(t *testing.T) {
	first, _, _, err := NewOpen().Add([]chunk.Row{{TimeMS: 0}})
	if err != nil {
		t.Fatal(err)
	}
	a, _, _, err := first.Add([]chunk.Row{{TimeMS: 1000, LatE7: 1}})
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Clone(a.Body)
	if _, _, _, err = first.Add([]chunk.Row{{TimeMS: 2000, LatE7: 2}}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Body, body) {
		t.Error("a second Add wrote over the first")
	}
}

func sample() tracking.Changes {
	at := time.Date(2026, 12, 1, 8, 0, 0, 123e6, time.UTC)
	f := tracking.Fix{
		Position: tracking.Position{
			Unit: "TRK-1", Time: at, Lat: 36.07, Lon: -179.9999999, SpeedKMH: tracking.Known(62.5),
			CourseDeg: tracking.Known(271), AccuracyM: tracking.Known(8), Sensors: json.RawMessage(`{"t":1}`),
		},
		Received: at.Add(time.Second), Seq: 9, Cell: 0x8a1fb46622dffff, Simulated: true,
	}
	bare := tracking.Fix{Position: tracking.Position{Unit: "TRK-2", Time: at, Lat: 1, Lon: 2}, Received: at, Seq: 7}
	half := 0.5
	return tracking.Changes{
		Units: []tracking.UnitState{
			{Unit: "TRK-1", Carrier: "C1", Mode: geodata.Road, Latest: &f, Shipment: "S1", Fixes: 12, Simulated: true},
			{Unit: "TRK-2", Carrier: "C1", Mode: geodata.Rail},
		},
		Progress: []tracking.Progress{{Shipment: "S1", DoneKM: 2.5, ETA: &tracking.ETA{OnTime: &half}}},
		Fixes:    []tracking.Fix{f, bare},
	}
}

func TestBatch(t *testing.T) {
	c := sample()
	b, err := NewBatch(c, 7)
	if err != nil || len(b.Fixes) != 1 {
		t.Fatalf("%d fixes after sequence 7, %v", len(b.Fixes), err)
	}
	if b, err = NewBatch(c, 0); err != nil {
		t.Fatal(err)
	}
	body, err := AppendBatch([]byte("before"), b)
	if err != nil {
		t.Fatal(err)
	}
	body = body[len("before"):]
	got, err := DecodeBatch(body)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Units, c.Units) || !reflect.DeepEqual(got.Progress, c.Progress) {
		t.Errorf("got  %+v\nwant %+v", got, c)
	}
	for i, f := range got.Fixes {
		want := c.Fixes[i]
		want.Cell = 0 // follows from the position
		if fix := f.Row.Fix(f.Unit); !reflect.DeepEqual(fix, want) {
			t.Errorf("got  %+v\nwant %+v", fix, want)
		}
	}
	for n := range body {
		if _, err := DecodeBatch(body[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	latest, err := DecodeFix("TRK-1", EncodeFix(c.Units[0].Latest))
	if err != nil || !reflect.DeepEqual(latest, c.Units[0].Latest) {
		t.Errorf("latest %+v, %v", latest, err)
	}
	c.Fixes[1].Lat = math.Inf(1)
	if _, err := NewBatch(c, 0); !errors.Is(err, chunk.ErrRange) {
		t.Errorf("no latitude: %v", err)
	}
}

// TestFieldsAreKnown fails when a type that is stored field by field gains one:
// it would be lost. A Doubt may be: it follows from the fixes. Teach AppendBatch, the columns of the unit tables or chunk
// about it, then count it here.
func TestFieldsAreKnown(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want int
	}{{tracking.UnitState{}, 7}, {tracking.Fix{}, 6}, {tracking.Position{}, 8}} {
		if got := reflect.TypeOf(tt.v).NumField(); got != tt.want {
			t.Errorf("%T has %d fields, the store knows %d", tt.v, got, tt.want)
		}
	}
}

// FuzzBatch reads anything as a batch whose checksum was right; what is accepted
// must survive being written again.
func FuzzBatch(f *testing.F) {
	for _, after := range []uint64{0, 8} {
		b, err := NewBatch(sample(), after)
		if err != nil {
			f.Fatal(err)
		}
		body, err := AppendBatch(nil, b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body[1 : len(body)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := decodeBatch(body)
		if err != nil {
			return
		}
		again, err := AppendBatch(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := DecodeBatch(again)
		if err != nil {
			t.Fatal(err)
		}
		if len(twice.Units) != len(b.Units) || len(twice.Fixes) != len(b.Fixes) || len(twice.Progress) != len(b.Progress) {
			t.Fatalf("%+v\n%+v", b, twice)
		}
	})
}
