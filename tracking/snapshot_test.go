package tracking_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/tracking"
)

// reloaded is the state from its own snapshot, which must say the same again.
func reloaded(t testing.TB, s *tracking.State) *tracking.State {
	t.Helper()
	b, err := s.Snapshot("epoch")
	if err != nil {
		t.Fatal(err)
	}
	back, epoch, err := tracking.RestoreSnapshot(b)
	if err != nil || epoch != "epoch" || back.Seq() != s.Seq() {
		t.Fatalf("restored %q at %d, %v", epoch, back.Seq(), err)
	}
	if again, err := back.Snapshot("epoch"); err != nil || !bytes.Equal(b, again) {
		t.Fatalf("the restored state writes another snapshot: %d bytes, was %d, %v", len(again), len(b), err)
	}
	return back
}

// drawPositions draws a batch of few units, so that seconds meet and are late.
func drawPositions(t *rapid.T) *tracking.Positions {
	p := &tracking.Positions{
		Carrier: tracking.PartyID(rapid.SampledFrom([]string{"c", "d"}).Draw(t, "carrier")), Received: day,
		Mode: rapid.SampledFrom([]geodata.Mode{"", geodata.Sea, geodata.Rail}).Draw(t, "mode"), Simulated: rapid.Bool().Draw(t, "simulated"),
	}
	for range rapid.IntRange(0, 30).Draw(t, "n") {
		measure := func(label string) tracking.Measure {
			if rapid.Bool().Draw(t, label+" known") {
				return tracking.Known(rapid.Float64Range(0, 300).Draw(t, label))
			}
			return tracking.Measure{}
		}
		pos := tracking.Position{
			Unit: tracking.UnitID(rapid.SampledFrom([]string{"a", "b", "鲁B·K7723"}).Draw(t, "unit")),
			Time: day.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(t, "ms")) * time.Millisecond),
			Lat:  float64(rapid.IntRange(-90e7, 90e7).Draw(t, "lat")) / 1e7, Lon: float64(rapid.IntRange(-180e7, 180e7).Draw(t, "lon")) / 1e7,
			SpeedKMH: measure("speed"), CourseDeg: measure("course"), AccuracyM: measure("accuracy"),
		}
		if rapid.IntRange(0, 4).Draw(t, "sensors") == 0 {
			pos.Sensors = []byte(`{"t":4}`)
		}
		p.Positions = append(p.Positions, pos)
	}
	return p
}

// A state and the one restored from its snapshot go on alike, to what they know of
// old seconds.
func TestSnapshot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := tracking.NewState()
		for seq := range uint64(rapid.IntRange(0, 6).Draw(rt, "before")) {
			if _, err := a.Apply(seq+1, drawPositions(rt)); err != nil {
				t.Fatal(err)
			}
		}
		b := reloaded(t, a)
		for range rapid.IntRange(1, 4).Draw(rt, "after") {
			e := drawPositions(rt)
			ca, err := a.Apply(a.Seq()+1, e)
			if err != nil {
				t.Fatal(err)
			}
			cb, err := b.Apply(b.Seq()+1, e)
			if err != nil {
				t.Fatal(err)
			}
			if x, y := fmt.Sprintf("%+v", ca.Fixes), fmt.Sprintf("%+v", cb.Fixes); x != y {
				rt.Fatalf("fixes %s, restored %s", x, y)
			}
			for s := range 90 {
				at := day.Add(time.Duration(s) * time.Second)
				if x, y := a.Prospect("a", at), b.Prospect("a", at); x != y {
					rt.Fatalf("of second %d: %+v, restored %+v", s, x, y)
				}
			}
		}
		x, _ := a.Snapshot("")
		y, _ := b.Snapshot("")
		if !bytes.Equal(x, y) {
			rt.Fatal("the states differ")
		}
	})
}

// Every flipped bit and every cut is found.
func TestSnapshotDamaged(t *testing.T) {
	s := tracking.NewState()
	if _, err := s.Apply(1, &tracking.PartyCreated{Party: tracking.Party{ID: "c", Created: day}},
		&tracking.Positions{Carrier: "c", Received: day, Positions: []tracking.Position{{Unit: "A", Time: day, Lat: 50, Lon: 10, SpeedKMH: tracking.Known(60)}}}); err != nil {
		t.Fatal(err)
	}
	b, err := s.Snapshot("epoch")
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) * 8 {
		bad := bytes.Clone(b)
		bad[i/8] ^= 1 << (i % 8)
		if _, _, err := tracking.RestoreSnapshot(bad); !errors.Is(err, tracking.ErrCorrupt) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
	for n := range b {
		if _, _, err := tracking.RestoreSnapshot(b[:n]); !errors.Is(err, tracking.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func FuzzRestoreSnapshot(f *testing.F) {
	s := tracking.NewState()
	f.Add(must(s.Snapshot("e")))
	_, _ = s.Apply(1, &tracking.PartyCreated{Party: tracking.Party{ID: "c"}}, &tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "s", Opened: day}},
		&tracking.Positions{Carrier: "c", Received: day, Positions: []tracking.Position{{Unit: "A", Time: day, Lat: 50, Lon: 10, Sensors: []byte(`{"t":1}`)}, {Unit: "B", Time: day}}},
		&tracking.UnitAssigned{Shipment: "s", Carrier: "c", Unit: "A", At: day})
	f.Add(must(s.Snapshot("e")))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, epoch, err := tracking.RestoreSnapshot(tracking.ResealSnapshot(b))
		if err != nil {
			if !errors.Is(err, tracking.ErrCorrupt) {
				t.Fatalf("an error of its own kind: %v", err)
			}
			return
		}
		again, err := got.Snapshot(epoch)
		if err != nil {
			t.Skip() // a time JSON cannot write, for one
		}
		if _, _, err := tracking.RestoreSnapshot(again); err != nil {
			t.Fatalf("what was restored cannot be restored again: %v", err)
		}
	})
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func BenchmarkSnapshot(b *testing.B) {
	const units = 1_000_000
	s := tracking.NewState()
	for n := 0; n < units; n += 1000 {
		e := &tracking.Positions{Carrier: "carrier-0123456789abc", Received: day}
		for i := range 1000 {
			for k := range 4 {
				e.Positions = append(e.Positions, tracking.Position{
					Unit: tracking.UnitID(fmt.Sprintf("TRK-%07d", n+i)), Time: day.Add(time.Duration(k) * time.Minute),
					Lat: 30 + float64(i)/100, Lon: float64(n % 120), SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(271),
				})
			}
		}
		if _, err := s.Apply(s.Seq()+1, e); err != nil {
			b.Fatal(err)
		}
	}
	snapshot := must(s.Snapshot("e"))
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			must(s.Snapshot("e"))
		}
		b.ReportMetric(float64(len(snapshot))/units, "bytes/unit")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := tracking.RestoreSnapshot(snapshot); err != nil {
				b.Fatal(err)
			}
		}
	})
}
