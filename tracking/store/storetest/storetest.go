// Package storetest is the contract of tracking.Store as tests. Every
// implementation runs it, the double in memory included, so that they answer
// alike: Run for all, Reopen for those that outlive their process, Bench to
// compare them.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

const epoch = "log-1"

var start = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// Sealer is a store that can be told to move what it took in lately to where it
// stays. The suite does so at odd moments: no answer may change.
type Sealer interface {
	Seal(ctx context.Context) error
}

// Run checks a store; open returns a new empty one, which is closed by the test.
func Run(t *testing.T, open func(t *testing.T) tracking.Store) {
	for name, test := range map[string]func(*testing.T, tracking.Store){
		"empty":            testEmpty,
		"apply":            testApply,
		"apply order":      testApplyOrder,
		"all or nothing":   testAllOrNothing,
		"track":            testTrack,
		"late fixes":       testLate,
		"long history":     testLong,
		"has":              testHas,
		"near":             testNear,
		"simplified":       testSimplified,
		"events":           testEvents,
		"objects":          testObjects,
		"forget":           testForget,
		"plans":            testPlans,
		"cancelled":        testCancelled,
		"closed":           testClosed,
		"read while write": testReadWhileWrite,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil && name != "closed" {
					t.Errorf("close: %v", err)
				}
			})
			test(t, s)
		})
	}
	t.Run("same as memory", func(t *testing.T) { testModel(t, open) })
}

// Reopen checks that a store keeps everything when it is closed and opened again.
// create returns a function that opens the same new store each time.
func Reopen(t *testing.T, create func(t *testing.T) (open func() tracking.Store)) {
	open := create(t)
	s := open()
	apply(t, s, full())
	before := loaded(t, s)
	want, err := s.Track(t.Context(), "TRK-1", tracking.TrackQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if i == 1 {
			seal(t, s)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open()
		if seq, e, err := s.Applied(t.Context()); seq != 5 || e != epoch || err != nil {
			t.Fatalf("applied %d %q %v", seq, e, err)
		}
		equal(t, "state", loaded(t, s), before)
		got, err := s.Track(t.Context(), "TRK-1", tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "track", got, want)
	}
	apply(t, s, tracking.Changes{From: 5, To: 6, Epoch: epoch, Fixes: []tracking.Fix{fix("TRK-1", 6, 100)}})
	if got, err := s.Track(t.Context(), "TRK-1", tracking.TrackQuery{}); err != nil || len(got) != len(want)+1 {
		t.Errorf("%d fixes after one more, had %d: %v", len(got), len(want), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// fix is one of the unit's, some seconds after start, in the log record seq.
func fix(unit tracking.UnitID, seq uint64, seconds int) tracking.Fix {
	return tracking.Fix{
		Position: tracking.Position{
			Unit: unit, Time: start.Add(time.Duration(seconds) * time.Second),
			Lat: float64(360_712_345+(seconds%100)*1000) / 1e7, Lon: 120.3212345,
			SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(float64(seconds % 360)),
		},
		Received: start.Add(time.Duration(seconds)*time.Second + 1234*time.Millisecond),
		Seq:      seq,
	}
}

// full is a change of every kind there is.
func full() tracking.Changes {
	latest := fix("TRK-1", 5, 60)
	latest.Cell = 0x8a1fb46622dffff
	revoked := start.Add(time.Hour)
	lat, lon := 49.59, 117.43
	half := 0.5
	return tracking.Changes{
		To: 5, Epoch: epoch,
		Parties: []tracking.Party{{ID: "C1", Name: "青岛运输", Role: tracking.Carrier, Created: start}, {ID: "S1", Name: "Shipper", Role: tracking.Shipper, Created: start}},
		Keys: []tracking.Key{
			{ID: "K1", Party: "C1", Hash: [32]byte{1, 2, 255}, Created: start},
			{ID: "K2", Party: "C1", Hash: [32]byte{3}, Created: start, Revoked: &revoked},
		},
		Units: []tracking.UnitState{
			{Unit: "TRK-1", Carrier: "C1", Mode: geodata.Road, Latest: &latest, Shipment: "SH-1", Fixes: 3},
			{Unit: "WAG-2", Carrier: "C1", Mode: geodata.Rail, Simulated: true},
		},
		Fixes: []tracking.Fix{
			fix("TRK-1", 3, 0),
			{
				Position: tracking.Position{
					Unit: "TRK-1", Time: start.Add(30*time.Second + 250*time.Millisecond), Lat: -0.5, Lon: -179.9999999,
					AccuracyM: tracking.Known(8), Sensors: json.RawMessage(`{"t":[2.5],"door":"открыта"}`),
				},
				Received: start.Add(time.Minute), Seq: 4, Simulated: true,
			},
			fix("TRK-1", 5, 60),
		},
		Shipments: []tracking.Shipment{{
			ID: "SH-1", Owner: "S1", Carrier: "C1", Unit: "TRK-1", PlanID: "P1", Opened: start, Status: "under-way",
			Request: routing.Request{Origin: "CNTAO", Destination: "RUMOW", Cargo: routing.Cargo{WeightKG: 24200, TempC: &[2]float64{2, 8}}, Depart: start},
			Option: routing.Option{ID: "1", Corridor: "road-tir", Legs: []routing.Leg{{
				Mode: geodata.Road, Depart: start, Arrive: start.Add(time.Hour),
				Geometry: json.RawMessage(`{"type":"LineString","coordinates":[[120.3,36.1],[37.6,55.8]]}`),
			}}},
			Promise: &revoked,
		}},
		Progress: []tracking.Progress{{
			Shipment: "SH-1", DoneKM: 12.5, Borders: 1, Departed: &revoked,
			ETA: &tracking.ETA{Shipment: "SH-1", Made: start, Arrive: routing.Instants{P10: start, P50: start, P90: start}, OnTime: &half, TotalKM: 7000},
		}},
		Events: []tracking.Event{
			{Seq: 4, N: 0, Kind: "departed", Time: start, Unit: "TRK-1", Shipment: "SH-1", Where: "Qingdao"},
			{Seq: 5, N: 0, Kind: "border", Time: start, Unit: "TRK-1", Shipment: "SH-1", Lat: &lat, Lon: &lon},
			{Seq: 5, N: 1, Kind: "unit-created", Time: start, Unit: "WAG-2"},
		},
		Objects: []tracking.Object{{Kind: "fence", ID: "F1", Body: []byte(`{"name":"青岛"}`)}, {Kind: "fence", ID: "F2", Body: []byte(`{}`)}},
	}
}

func testEmpty(t *testing.T, s tracking.Store) {
	ctx := t.Context()
	if seq, e, err := s.Applied(ctx); seq != 0 || e != "" || err != nil {
		t.Errorf("applied %d %q %v", seq, e, err)
	}
	if fixes, err := s.Track(ctx, "nobody", tracking.TrackQuery{Limit: 10}); len(fixes) != 0 || err != nil {
		t.Errorf("track %v %v", fixes, err)
	}
	if has, err := s.Has(ctx, "nobody", []time.Time{start, start}); !slices.Equal(has, []bool{false, false}) || err != nil {
		t.Errorf("has %v %v", has, err)
	}
	if events, err := s.Events(ctx, "", 0, 0, 10); len(events) != 0 || err != nil {
		t.Errorf("events %v %v", events, err)
	}
	if _, _, err := s.Plan(ctx, "none"); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("plan: %v, want ErrNotFound", err)
	}
	equal(t, "state", loaded(t, s), tracking.Changes{})
}

func testApply(t *testing.T, s tracking.Store) {
	c := full()
	apply(t, s, c)
	want := c
	want.From, want.Fixes, want.Events = 0, nil, nil
	for range 2 {
		equal(t, "state", loaded(t, s), want)
		got, err := s.Track(t.Context(), "TRK-1", tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "track", got, c.Fixes)
		events, err := s.Events(t.Context(), "", 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "events", events, c.Events)
		seal(t, s)
	}

	// What is said again replaces; what is not stays.
	again := tracking.Changes{
		From: 5, To: 7, Epoch: epoch,
		Parties:   []tracking.Party{{ID: "C1", Name: "Qingdao Haulage", Role: tracking.Carrier, Created: start}},
		Units:     []tracking.UnitState{{Unit: "WAG-2", Carrier: "C1", Mode: geodata.Rail, Shipment: "SH-1", Fixes: 1}},
		Shipments: []tracking.Shipment{{ID: "SH-1", Owner: "S1", Status: "arrived", Opened: start, Request: want.Shipments[0].Request}},
		Progress:  []tracking.Progress{{Shipment: "SH-1", DoneKM: 7000}},
	}
	again.Shipments[0].Option.Legs = nil
	apply(t, s, again)
	want.To = 7
	want.Parties[0], want.Units[1], want.Shipments, want.Progress = again.Parties[0], again.Units[0], again.Shipments, again.Progress
	equal(t, "state after a second change", loaded(t, s), want)
	seal(t, s)
	equal(t, "state after sealing", loaded(t, s), want)
}

func testApplyOrder(t *testing.T, s tracking.Store) {
	ctx := t.Context()
	one := tracking.Changes{To: 1, Epoch: epoch, Fixes: []tracking.Fix{fix("A", 1, 0)}}
	apply(t, s, one)
	apply(t, s, one) // at Applied: ignored
	gap := tracking.Changes{From: 2, To: 3, Epoch: epoch, Fixes: []tracking.Fix{fix("A", 3, 3)}}
	if err := s.Apply(ctx, gap); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("gap: %v, want ErrConflict", err)
	}
	other := tracking.Changes{From: 1, To: 2, Epoch: "log-2", Fixes: []tracking.Fix{fix("A", 2, 2)}}
	if err := s.Apply(ctx, other); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("another log: %v, want ErrConflict", err)
	}
	// A change that begins before Applied and ends after it counts for what is new.
	overlap := tracking.Changes{To: 3, Epoch: epoch, Fixes: []tracking.Fix{fix("A", 1, 0), fix("A", 2, 10), fix("A", 3, 20)}}
	apply(t, s, overlap)
	apply(t, s, overlap)
	if seq, e, err := s.Applied(ctx); seq != 3 || e != epoch || err != nil {
		t.Errorf("applied %d %q %v", seq, e, err)
	}
	seal(t, s)
	got, err := s.Track(ctx, "A", tracking.TrackQuery{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "track", got, overlap.Fixes)
}

func testAllOrNothing(t *testing.T, s tracking.Store) {
	ctx := t.Context()
	apply(t, s, tracking.Changes{To: 1, Epoch: epoch, Fixes: []tracking.Fix{fix("A", 1, 0)}})
	before := loaded(t, s)
	bad := full()
	bad.From, bad.To = 1, 6
	bad.Fixes = append(bad.Fixes, fix("B", 6, 0))
	bad.Fixes[len(bad.Fixes)-1].Lat = 91 // no store can hold it; the tracker refuses it long before
	if err := s.Apply(ctx, bad); err == nil {
		t.Fatal("latitude 91 was stored")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Apply(cancelled, tracking.Changes{From: 1, To: 2, Epoch: epoch, Parties: []tracking.Party{{ID: "X"}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	equal(t, "state", loaded(t, s), before)
	if got, err := s.Track(ctx, "TRK-1", tracking.TrackQuery{}); err != nil || len(got) != 0 {
		t.Errorf("track %v %v", got, err)
	}
	if got, err := s.Events(ctx, "", 0, 0, 0); err != nil || len(got) != 0 {
		t.Errorf("events %v %v", got, err)
	}
}

func testTrack(t *testing.T, s tracking.Store) {
	const n = 700
	c := tracking.Changes{To: 1, Epoch: epoch}
	for i := range n {
		c.Fixes = append(c.Fixes, fix("A", 1, i*10), fix("B", 1, i))
	}
	apply(t, s, c)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	for range 2 {
		for _, tt := range []struct {
			name        string
			q           tracking.TrackQuery
			first, last int // tens of seconds, both included; last < first: nothing
		}{
			{"everything", tracking.TrackQuery{}, 0, n - 1},
			{"newest", tracking.TrackQuery{Limit: 5}, n - 5, n - 1},
			{"newest, more than there is", tracking.TrackQuery{Limit: n + 1}, 0, n - 1},
			{"newest before", tracking.TrackQuery{To: at(1000), Limit: 5}, 95, 99},
			{"oldest from", tracking.TrackQuery{From: at(1000), Limit: 5}, 100, 104},
			{"from is inclusive, to is not", tracking.TrackQuery{From: at(1000), To: at(2000)}, 100, 199},
			{"from a moment later", tracking.TrackQuery{From: at(1000).Add(time.Nanosecond), To: at(2000).Add(time.Nanosecond)}, 101, 200},
			{"between two fixes", tracking.TrackQuery{From: at(1001), To: at(1009)}, 1, 0},
			{"before all", tracking.TrackQuery{To: start}, 1, 0},
			{"after all", tracking.TrackQuery{From: at(n * 10)}, 1, 0},
			{"to before from", tracking.TrackQuery{From: at(2000), To: at(1000)}, 1, 0},
			{"over several chunks", tracking.TrackQuery{From: at(100), To: at(6500), Limit: 600}, 10, 609},
		} {
			got, err := s.Track(t.Context(), "A", tt.q)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if len(got) != max(tt.last-tt.first+1, 0) {
				t.Fatalf("%s: %d fixes, want %d", tt.name, len(got), max(tt.last-tt.first+1, 0))
			}
			for i, f := range got {
				equal(t, fmt.Sprintf("%s: fix %d", tt.name, i), f, fix("A", 1, (tt.first+i)*10))
			}
		}
		seal(t, s)
	}
}

// testLate gives a unit its history in an order that touches every place a late
// fix can fall.
func testLate(t *testing.T, s tracking.Store) {
	want := map[int]tracking.Fix{}
	seq := uint64(0)
	give := func(seconds ...int) {
		seq++
		c := tracking.Changes{From: seq - 1, To: seq, Epoch: epoch}
		for _, at := range seconds {
			f := fix("A", seq, at)
			c.Fixes = append(c.Fixes, f)
			if _, held := want[at]; !held { // the first of a second stays
				want[at] = f
			}
		}
		apply(t, s, c)
		seal(t, s)
		var all []tracking.Fix
		for _, f := range want {
			all = append(all, f)
		}
		slices.SortFunc(all, func(a, b tracking.Fix) int { return a.Time.Compare(b.Time) })
		got, err := s.Track(t.Context(), "A", tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprintf("track after %v…", seconds[:min(len(seconds), 3)]), got, all)
	}
	run := func(from, n, step int) (seconds []int) {
		for i := range n {
			seconds = append(seconds, from+i*step)
		}
		return seconds
	}
	give(run(100_000, 100, 10)...)                  // first of all
	give(100_005)                                   // between fixes of the open chunk
	give(99_000)                                    // before all of it
	give(run(200_000, 1000, 10)...)                 // several full chunks
	give(run(200_001, 700, 10)...)                  // between theirs, until they have to be split
	give(50_000, 150_000, 205_003, 300_000, 99_001) // before all, between chunks, within, after, in one go
	give(run(200_000, 1000, 10)...)                 // all there already
	give(300_000)
}

func testLong(t *testing.T, s tracking.Store) {
	const units, rounds, each = 7, 40, 60
	seq := uint64(0)
	want := map[tracking.UnitID][]tracking.Fix{}
	for round := range rounds {
		seq++
		c := tracking.Changes{From: seq - 1, To: seq, Epoch: epoch}
		for u := range units {
			id := tracking.UnitID(fmt.Sprintf("U%d", u))
			for i := range each / (u + 1) { // some report less often
				f := fix(id, seq, round*1000+i*(u+1)*7)
				c.Fixes = append(c.Fixes, f)
				want[id] = append(want[id], f)
			}
			latest := c.Fixes[len(c.Fixes)-1]
			c.Units = append(c.Units, tracking.UnitState{Unit: id, Carrier: "C", Mode: geodata.Sea, Latest: &latest, Fixes: uint64(len(want[id]))})
		}
		apply(t, s, c)
		if round%5 == 4 {
			seal(t, s)
		}
	}
	for id, fixes := range want {
		got, err := s.Track(t.Context(), id, tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, string(id), got, fixes)
	}
}

func testHas(t *testing.T, s tracking.Store) {
	c := tracking.Changes{To: 1, Epoch: epoch}
	for i := range 600 {
		c.Fixes = append(c.Fixes, fix("A", 1, i*10))
	}
	apply(t, s, c)
	seal(t, s)
	apply(t, s, tracking.Changes{From: 1, To: 2, Epoch: epoch, Fixes: []tracking.Fix{fix("A", 2, 6005), fix("A", 2, 15)}})
	var times []time.Time
	var want []bool
	for _, at := range []int{6005, 0, 5, 10, 15, 16, -1, 2560, 2565, 5990, 5995, 6000, 6004, 7000, 0} {
		times = append(times, start.Add(time.Duration(at)*time.Second+999*time.Millisecond)) // the second counts
		want = append(want, at >= 0 && at < 6000 && at%10 == 0 || at == 6005 || at == 15)
	}
	for range 2 {
		if got, err := s.Has(t.Context(), "A", times); err != nil || !slices.Equal(got, want) {
			t.Errorf("has %v %v\nwant %v", got, err, want)
		}
		if got, err := s.Has(t.Context(), "B", times[:2]); err != nil || got[0] || got[1] {
			t.Errorf("another unit has %v %v", got, err)
		}
		seal(t, s)
	}
	if got, err := s.Has(t.Context(), "A", nil); err != nil || len(got) != 0 {
		t.Errorf("no times: %v %v", got, err)
	}
}

// testNear puts units all over the earth and asks for boxes of every size: none
// that was in one may be missing, and none from far away be there.
func testNear(t *testing.T, s tracking.Store) {
	const units, days = 300, 4
	rnd := rand.New(rand.NewPCG(7, 7))
	var all []tracking.Fix
	seq := uint64(0)
	for day := range days {
		seq++
		c := tracking.Changes{From: seq - 1, To: seq, Epoch: epoch}
		for u := range units {
			f := fix(tracking.UnitID(fmt.Sprint("U", u)), seq, day*86400+rnd.IntN(86400))
			switch rnd.IntN(4) {
			case 0: // about the antimeridian
				f.Lat, f.Lon = 20*rnd.Float64()-10, math.Mod(175+10*rnd.Float64()+180, 360)-180
			case 1:
				f.Lat, f.Lon = 90-rnd.Float64()*5, 360*rnd.Float64()-180
			default:
				f.Lat, f.Lon = 180*rnd.Float64()-90, 360*rnd.Float64()-180
			}
			f.Lat, f.Lon = math.Round(f.Lat*1e7)/1e7, math.Round(f.Lon*1e7)/1e7
			c.Fixes = append(c.Fixes, f)
		}
		all = append(all, c.Fixes...)
		apply(t, s, c)
		if day < days-1 {
			seal(t, s)
		}
	}
	for range 2 {
		for range 150 {
			at := all[rnd.IntN(len(all))]
			w, h := 20*rnd.Float64(), 10*rnd.Float64()
			box := orb.Bound{Min: orb.Point{at.Lon - w, max(-90, at.Lat-h)}, Max: orb.Point{at.Lon + w, min(90, at.Lat+h)}}
			from := at.Time.Add(-time.Duration(rnd.IntN(40)) * time.Hour)
			to := at.Time.Add(time.Duration(1+rnd.IntN(40)) * time.Hour)
			got, err := s.Near(t.Context(), box, from, to)
			if err != nil {
				t.Fatal(err)
			}
			have := map[tracking.UnitID]bool{}
			for _, id := range got {
				if have[id] {
					t.Fatalf("%s is there twice", id)
				}
				have[id] = true
			}
			for _, f := range all {
				if f.Time.Before(from) || !f.Time.Before(to) || f.Lat < box.Min[1] || f.Lat > box.Max[1] {
					continue
				}
				for _, turn := range []float64{-360, 0, 360} {
					if x := f.Lon + turn; x >= box.Min[0] && x <= box.Max[0] && !have[f.Unit] {
						t.Fatalf("%s was at %v,%v at %s, in %v from %s to %s, and is missing", f.Unit, f.Lat, f.Lon, f.Time, box, from, to)
					}
				}
			}
		}
		seal(t, s)
	}
	// A small box on one day is not everybody.
	f := all[2]
	got, err := s.Near(t.Context(), orb.Bound{Min: orb.Point{f.Lon, f.Lat}, Max: orb.Point{f.Lon, f.Lat}}, f.Time, f.Time.Add(time.Second))
	if err != nil || !slices.Contains(got, f.Unit) || len(got) > units/4 {
		t.Errorf("%d units near one place on one day: %v", len(got), err)
	}
	if got, err := s.Near(t.Context(), orb.Bound{Min: orb.Point{f.Lon, f.Lat}, Max: orb.Point{f.Lon, f.Lat}}, f.Time, f.Time); err != nil || len(got) != 0 {
		t.Errorf("in no time: %v, %v", got, err)
	}
	far := start.AddDate(5, 0, 0)
	if got, err := s.Near(t.Context(), orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}, far, far.Add(time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("years later: %v, %v", got, err)
	}
}

// testSimplified draws a zigzag: fixes that stay are of the track, in order and
// with its ends, and those left out lie near the line through them.
func testSimplified(t *testing.T, s tracking.Store) {
	c := tracking.Changes{To: 1, Epoch: epoch}
	for i := range 2000 {
		f := fix("A", 1, i*10)
		f.Lat, f.Lon = 40+float64(i)/1000, 10+0.2*math.Sin(float64(i)/100)+float64(i%2)/1e5 // a wave with a metre of noise
		c.Fixes = append(c.Fixes, f)
	}
	apply(t, s, c)
	for range 2 {
		got, err := s.Track(t.Context(), "A", tracking.TrackQuery{ToleranceM: 50})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got); n < 10 || n > 400 || !got[0].Time.Equal(c.Fixes[0].Time) || !got[n-1].Time.Equal(c.Fixes[1999].Time) {
			t.Fatalf("%d fixes stay", n)
		}
		k := 0
		for _, f := range c.Fixes {
			for k < len(got)-1 && !got[k+1].Time.After(f.Time) {
				k++
			}
			a, b := got[k], got[min(k+1, len(got)-1)]
			metres := func(x tracking.Fix) (east, north float64) {
				return (x.Lon - a.Lon) * 111_195 * math.Cos(f.Lat*math.Pi/180), (x.Lat - a.Lat) * 111_195
			}
			bx, by := metres(b)
			fx, fy := metres(f)
			part := 0.0
			if bx*bx+by*by > 0 {
				part = min(max((fx*bx+fy*by)/(bx*bx+by*by), 0), 1)
			}
			if off := math.Hypot(fx-part*bx, fy-part*by); off > 51 {
				t.Fatalf("the fix at %s is %.0f m off the line that stays", f.Time, off)
			}
		}
		some, err := s.Track(t.Context(), "A", tracking.TrackQuery{ToleranceM: 50, Limit: 5, From: start})
		if err != nil || len(some) != 5 {
			t.Fatalf("%d fixes, want the first 5: %v", len(some), err)
		}
		equal(t, "the first 5", some, got[:5])
		seal(t, s)
	}
}

func testEvents(t *testing.T, s tracking.Store) {
	var all []tracking.Event
	for seq := uint64(1); seq <= 20; seq++ {
		for n := range 3 {
			e := tracking.Event{Seq: seq, N: n, Kind: "k", Time: start}
			if n > 0 {
				e.Shipment = tracking.ShipmentID(fmt.Sprintf("SH-%d", n))
			}
			all = append(all, e)
		}
	}
	apply(t, s, tracking.Changes{To: 20, Epoch: epoch, Events: all})
	page := func(shipment tracking.ShipmentID, seq uint64, n, limit int) []tracking.Event {
		t.Helper()
		got, err := s.Events(t.Context(), shipment, seq, n, limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	equal(t, "all", page("", 0, 0, 0), all)
	equal(t, "first page", page("", 0, 0, 7), all[:7])
	equal(t, "from within a record", page("", 3, 1, 4), all[8:12])
	equal(t, "after the last", len(page("", 20, 2, 10)), 0)
	equal(t, "of a stranger", len(page("SH-9", 0, 0, 10)), 0)
	var paged []tracking.Event
	for seq, n := uint64(0), 0; ; {
		p := page("SH-2", seq, n, 3)
		if len(p) == 0 {
			break
		}
		paged = append(paged, p...)
		seq, n = p[len(p)-1].Seq, p[len(p)-1].N
	}
	want := slices.DeleteFunc(slices.Clone(all), func(e tracking.Event) bool { return e.Shipment != "SH-2" })
	equal(t, "of a shipment, by pages", paged, want)
}

func testPlans(t *testing.T, s tracking.Store) {
	ctx := t.Context()
	p := routing.Plan{
		ID: "P1", Created: start, Request: routing.Request{Origin: "CNTAO", Destination: "RUMOW", Depart: start},
		Options: []routing.Option{full().Shipments[0].Option}, Excluded: []routing.Excluded{{Corridor: "sea", Reason: "没有航线", Rule: "X-1"}},
	}
	if err := s.SavePlan(ctx, "S1", p); err != nil {
		t.Fatal(err)
	}
	p.Notes = []string{"priced again"}
	if err := s.SavePlan(ctx, "S1", p); err != nil {
		t.Fatalf("saved again: %v", err)
	}
	if err := s.SavePlan(ctx, "S2", routing.Plan{ID: "P1"}); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("another party's id: %v, want ErrConflict", err)
	}
	if err := s.SavePlan(ctx, "S1", routing.Plan{}); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("no id: %v, want ErrConflict", err)
	}
	got, owner, err := s.Plan(ctx, "P1")
	if err != nil || owner != "S1" {
		t.Fatalf("owner %q, %v", owner, err)
	}
	equal(t, "plan", got, p)
}

func testCancelled(t *testing.T, s tracking.Store) {
	apply(t, s, full())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", what, err)
		}
	}
	_, _, err := s.Applied(ctx)
	check("applied", err)
	check("load", s.Load(ctx, func(tracking.Changes) error { return nil }))
	_, err = s.Track(ctx, "TRK-1", tracking.TrackQuery{})
	check("track", err)
	_, err = s.Has(ctx, "TRK-1", []time.Time{start})
	check("has", err)
	_, err = s.Events(ctx, "", 0, 0, 0)
	check("events", err)
	check("save plan", s.SavePlan(ctx, "S1", routing.Plan{ID: "P"}))
	_, _, err = s.Plan(ctx, "P")
	check("plan", err)
	stop := errors.New("enough")
	if err := s.Load(t.Context(), func(tracking.Changes) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("load stopped by its reader: %v", err)
	}
}

func testClosed(t *testing.T, s tracking.Store) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), full()); !errors.Is(err, tracking.ErrClosed) {
		t.Errorf("apply: %v, want ErrClosed", err)
	}
	if _, err := s.Track(t.Context(), "TRK-1", tracking.TrackQuery{}); !errors.Is(err, tracking.ErrClosed) {
		t.Errorf("track: %v, want ErrClosed", err)
	}
	if _, _, err := s.Plan(t.Context(), "P"); !errors.Is(err, tracking.ErrClosed) {
		t.Errorf("plan: %v, want ErrClosed", err)
	}
}

// testReadWhileWrite checks that a reader sees a history without holes at every
// moment: the fixes 0, 1, 2 … up to some number, whatever is moved meanwhile.
func testReadWhileWrite(t *testing.T, s tracking.Store) {
	const rounds, each = 60, 25
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			seen := 0
			for ctx.Err() == nil {
				fixes, err := s.Track(ctx, "A", tracking.TrackQuery{})
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("track: %v", err)
					}
					return
				}
				if len(fixes) < seen {
					t.Errorf("%d fixes after %d", len(fixes), seen)
					return
				}
				seen = len(fixes)
				for i, f := range fixes {
					if !f.Time.Equal(start.Add(time.Duration(i) * time.Second)) {
						t.Errorf("fix %d of %d is of %s", i, seen, f.Time)
						return
					}
				}
				at := []time.Time{start.Add(time.Duration(seen-1) * time.Second)}
				if has, err := s.Has(ctx, "A", at); ctx.Err() == nil && (err != nil || has[0] != (seen > 0)) {
					t.Errorf("has the %d-th: %v %v", seen, has, err)
					return
				}
			}
		})
	}
	for round := range rounds {
		c := tracking.Changes{From: uint64(round), To: uint64(round) + 1, Epoch: epoch}
		for i := range each {
			c.Fixes = append(c.Fixes, fix("A", c.To, round*each+i))
		}
		apply(t, s, c)
		if round%4 == 3 {
			seal(t, s)
		}
	}
	stop()
	wg.Wait()
	if fixes, err := s.Track(t.Context(), "A", tracking.TrackQuery{}); err != nil || len(fixes) != rounds*each {
		t.Errorf("%d fixes at the end, %v; want %d", len(fixes), err, rounds*each)
	}
}

func apply(t fataler, s tracking.Store, c tracking.Changes) {
	t.Helper()
	if err := s.Apply(context.Background(), c); err != nil {
		t.Fatalf("apply (%d, %d]: %v", c.From, c.To, err)
	}
}

func seal(t fataler, s tracking.Store) {
	t.Helper()
	if x, ok := s.(Sealer); ok {
		if err := x.Seal(context.Background()); err != nil {
			t.Fatalf("seal: %v", err)
		}
	}
}

// fataler is what tests of package testing and rapid share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// loaded puts together what Load yields, units by id.
func loaded(t fataler, s tracking.Store) tracking.Changes {
	t.Helper()
	var whole tracking.Changes
	first := true
	err := s.Load(context.Background(), func(c tracking.Changes) error {
		if !first && (c.To != whole.To || c.Epoch != whole.Epoch) {
			t.Fatalf("load yields %d %q after %d %q", c.To, c.Epoch, whole.To, whole.Epoch)
		}
		first = false
		whole.To, whole.Epoch = c.To, c.Epoch
		whole.Parties = append(whole.Parties, c.Parties...)
		whole.Keys = append(whole.Keys, c.Keys...)
		whole.Objects = append(whole.Objects, c.Objects...)
		whole.Units = append(whole.Units, c.Units...)
		whole.Shipments = append(whole.Shipments, c.Shipments...)
		whole.Progress = append(whole.Progress, c.Progress...)
		if len(c.Fixes)+len(c.Events) > 0 {
			t.Fatalf("load yields fixes or events")
		}
		return nil
	})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	slices.SortFunc(whole.Units, func(a, b tracking.UnitState) int {
		if a.Unit < b.Unit {
			return -1
		}
		return 1
	})
	return whole
}

func equal(t fataler, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, _ := json.MarshalIndent(got, "", " ")
	w, _ := json.MarshalIndent(want, "", " ")
	const most = 3000
	t.Fatalf("%s:\ngot  %.*s\nwant %.*s", what, most, g, most, w)
}

// TwoProcesses checks two stores opened on one database by different processes:
// each reads what the other wrote, and either may write next.
func TwoProcesses(t *testing.T, a, b tracking.Store) {
	n := 0
	give := func(s tracking.Store) {
		t.Helper()
		c := tracking.Changes{From: uint64(n), To: uint64(n) + 1, Epoch: epoch}
		for range 100 {
			c.Fixes = append(c.Fixes, fix("A", c.To, len(c.Fixes)+n*100))
		}
		n++
		apply(t, s, c)
		for _, s := range []tracking.Store{a, b} {
			fixes, err := s.Track(t.Context(), "A", tracking.TrackQuery{})
			if err != nil || len(fixes) != n*100 {
				t.Fatalf("%d fixes, want %d: %v", len(fixes), n*100, err)
			}
			has, err := s.Has(t.Context(), "A", []time.Time{fixes[n*100-1].Time})
			if err != nil || !has[0] {
				t.Fatalf("the newest is not there: %v", err)
			}
			if got := loaded(t, s); got.To != uint64(n) {
				t.Fatalf("state of %d, want %d", got.To, n)
			}
		}
	}
	give(a)
	give(b)
	seal(t, a)
	give(b)
	give(a)
	seal(t, b)
	seal(t, a)
	for range 5 {
		give(a)
		seal(t, b)
		give(b)
	}
}

// testObjects: what is kept for the state without being known is replaced, removed
// and given back.
func testObjects(t *testing.T, s tracking.Store) {
	ctx := context.Background()
	object := func(kind, id, body string) tracking.Object {
		o := tracking.Object{Kind: kind, ID: id}
		if body != "" {
			o.Body = []byte(body)
		}
		return o
	}
	for i, list := range [][]tracking.Object{
		{object("a", "1", `{"x":1}`), object("a", "2", `{"x":2}`), object("b", "1", `[]`)},
		{object("a", "1", `{"x":"鲁"}`), object("a", "2", ""), object("c", "9", "")},
	} {
		if err := s.Apply(ctx, tracking.Changes{From: uint64(i), To: uint64(i + 1), Epoch: "e", Objects: list}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, o := range loaded(t, s).Objects {
		got[o.Kind+o.ID] = string(o.Body)
	}
	if len(got) != 2 || got["a1"] != `{"x":"鲁"}` || got["b1"] != `[]` {
		t.Errorf("objects %v", got)
	}
}

// testForget lets history go up to a time within a chunk, up to one after all of it,
// and takes late fixes and new ones after either.
func testForget(t *testing.T, s tracking.Store) {
	f, ok := s.(tracking.Forgetter)
	if !ok {
		t.Fatal("it keeps history for ever")
	}
	ctx := t.Context()
	seq := uint64(0)
	put := func(unit tracking.UnitID, seconds ...int) {
		t.Helper()
		c := tracking.Changes{From: seq, To: seq + 1, Epoch: epoch}
		seq++
		for _, sec := range seconds {
			c.Fixes = append(c.Fixes, fix(unit, seq, sec))
		}
		apply(t, s, c)
	}
	held := func(unit tracking.UnitID) (out []int) {
		t.Helper()
		fixes, err := s.Track(ctx, unit, tracking.TrackQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fixes {
			out = append(out, int(f.Time.Sub(start)/time.Second))
		}
		return out
	}
	span := func(from, to int) (out []int) {
		for i := from; i < to; i++ {
			out = append(out, i)
		}
		return out
	}
	forget := func(before, want int) {
		t.Helper()
		n, err := f.Forget(ctx, []tracking.UnitID{"A", "NOBODY"}, start.Add(time.Duration(before)*time.Second))
		if err != nil || n != want {
			t.Fatalf("forget before %d: %d fixes, %v, want %d", before, n, err, want)
		}
	}
	put("A", span(0, 900)...)
	put("B", span(0, 900)...)
	seal(t, s)
	put("A", span(900, 1000)...)
	forget(0, 0)
	forget(300, 300)
	equal(t, "what is left", held("A"), span(300, 1000))
	forget(300, 0)
	put("A", 5, 299) // late ones, from before
	equal(t, "with late fixes", held("A"), append([]int{5, 299}, span(300, 1000)...))
	seal(t, s)
	equal(t, "with late fixes, sealed", held("A"), append([]int{5, 299}, span(300, 1000)...))
	has, err := f.(tracking.Store).Has(ctx, "A", []time.Time{start.Add(299 * time.Second), start.Add(4 * time.Second), start.Add(301 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "has", has, []bool{true, false, true})
	forget(999, 701)
	equal(t, "one left", held("A"), []int{999})
	forget(2000, 1)
	equal(t, "none left", held("A"), []int(nil))
	put("A", 700, 1001)
	seal(t, s)
	equal(t, "after all went", held("A"), []int{700, 1001})
	put("A", span(1100, 1500)...)
	seal(t, s)
	equal(t, "and it goes on", held("A"), append([]int{700, 1001}, span(1100, 1500)...))
	equal(t, "another unit's", held("B"), span(0, 900))
	if at, _, err := s.Applied(ctx); err != nil || at != seq {
		t.Errorf("the store is at %d, %v, want %d", at, err, seq)
	}
}
