package tracking_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/tracking"
)

// The state is a pure fold: the same records, read back from their bytes, make
// the same state and the same changes; and the history in the changes holds
// every second once, whatever is sent however often in whatever order.
func TestFoldIsPureAndStoresOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := tracking.NewState(), tracking.NewState()
		sent := map[string]bool{}
		stored := map[string]int{}
		newest := map[tracking.UnitID]time.Time{}
		for seq := range uint64(rapid.IntRange(1, 20).Draw(t, "records")) {
			e := &tracking.Positions{Carrier: "c", Received: day.Add(time.Hour), Mode: geodata.Sea}
			for range rapid.IntRange(0, 8).Draw(t, "n") {
				p := tracking.Position{
					Unit: tracking.UnitID(rapid.SampledFrom([]string{"A", "B"}).Draw(t, "unit")),
					Time: day.Add(time.Duration(rapid.IntRange(0, tracking.Window-1).Draw(t, "sec")) * time.Second),
					Lat:  float64(rapid.IntRange(-90, 90).Draw(t, "lat")) / 1e6, Lon: 1, // metres: what jumps is not believed
				}
				e.Positions = append(e.Positions, p)
				sent[fmt.Sprint(p.Unit, p.Time.Unix())] = true
				if p.Time.After(newest[p.Unit]) {
					newest[p.Unit] = p.Time
				}
			}
			rec, err := tracking.EncodeRecord(e)
			if err != nil {
				t.Fatal(err)
			}
			read, err := tracking.DecodeRecord(rec)
			if err != nil {
				t.Fatal(err)
			}
			ca, errA := a.Apply(seq+1, e)
			cb, errB := b.Apply(seq+1, read...)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			ja, _ := json.Marshal(ca)
			jb, _ := json.Marshal(cb)
			if string(ja) != string(jb) {
				t.Fatalf("record %d changes\n%s\nand read back\n%s", seq+1, ja, jb)
			}
			for _, f := range ca.Fixes {
				stored[fmt.Sprint(f.Unit, f.Time.Unix())]++
			}
		}
		if len(stored) != len(sent) {
			t.Fatalf("%d seconds sent, %d stored", len(sent), len(stored))
		}
		for k, n := range stored {
			if n != 1 {
				t.Fatalf("%s stored %d times", k, n)
			}
		}
		for id, at := range newest {
			if u, _ := a.Unit(id); !u.Latest.Time.Equal(at) {
				t.Fatalf("unit %s is at %v, its newest report is of %v", id, u.Latest.Time, at)
			}
		}
	})
}

// What memory says of a fix is never wrong: when it says new or duplicate, it
// is; only what is older than all it remembers it may leave open.
func TestKnows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tracking.NewState()
		have := map[int]bool{}
		seq := uint64(0)
		for range rapid.IntRange(1, 150).Draw(t, "fixes") {
			sec := rapid.IntRange(0, 300).Draw(t, "sec")
			at := day.Add(time.Duration(sec) * time.Second)
			switch s.Knows("A", at) {
			case tracking.IsNew:
				if have[sec] {
					t.Fatalf("second %d is said to be new", sec)
				}
			case tracking.IsDuplicate:
				if !have[sec] {
					t.Fatalf("second %d is said to be known", sec)
				}
				continue
			case tracking.IsUncertain:
				newer := 0
				for x := range have {
					if x > sec {
						newer++
					}
				}
				if newer < tracking.Window {
					t.Fatalf("second %d is left open, only %d newer ones are known", sec, newer)
				}
				if have[sec] { // the store would have said so
					continue
				}
			}
			seq++
			if _, err := s.Apply(seq, &tracking.Positions{Carrier: "c", Positions: []tracking.Position{{Unit: "A", Time: at}}}); err != nil {
				t.Fatal(err)
			}
			have[sec] = true
		}
	})
}

func TestApplyNeedsTheNextRecord(t *testing.T) {
	s := tracking.NewState()
	for _, seq := range []uint64{0, 2, 99} {
		if _, err := s.Apply(seq); err == nil {
			t.Errorf("record %d applied to an empty state", seq)
		}
	}
	if c, err := s.Apply(1); err != nil || c.From != 0 || c.To != 1 {
		t.Errorf("empty record: %+v, %v", c, err)
	}
}

// Records that contradict the state must not stop a replay, and change nothing.
func TestContradictions(t *testing.T) {
	s := tracking.NewState()
	seq := uint64(0)
	apply := func(e ...tracking.Entry) tracking.Changes {
		t.Helper()
		seq++
		c, err := s.Apply(seq, e...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	apply(&tracking.PartyCreated{Party: tracking.Party{ID: "c"}},
		&tracking.Positions{Carrier: "c", Positions: []tracking.Position{{Unit: "A", Time: day}}},
		&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "s", Opened: day}})
	c := apply(
		&tracking.KeyIssued{Key: tracking.Key{ID: "k", Party: "nobody"}},
		&tracking.KeyRevoked{Key: "nothing"},
		&tracking.Positions{Carrier: "other", Positions: []tracking.Position{{Unit: "A", Time: day.Add(time.Hour)}}},
		&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "s", Opened: day.Add(time.Hour)}},
		&tracking.UnitAssigned{Shipment: "nothing", Carrier: "c", Unit: "A"},
		&tracking.UnitAssigned{Shipment: "s", Carrier: "other", Unit: "A"},
	)
	if n := len(c.Parties) + len(c.Keys) + len(c.Units) + len(c.Fixes) + len(c.Shipments) + len(c.Progress) + len(c.Events); n != 0 {
		t.Errorf("contradictions changed %+v", c)
	}
}

func TestRestoreSaysWhatDoesNotFit(t *testing.T) {
	for name, c := range map[string]tracking.Changes{
		"shipment on no unit":  {Shipments: []tracking.Shipment{{ID: "s", Opened: day, Unit: "A"}}},
		"progress of nothing":  {Progress: []tracking.Progress{{Shipment: "s"}}},
		"a unit that is there": {Units: []tracking.UnitState{{Unit: "A"}}, Shipments: []tracking.Shipment{{ID: "s", Opened: day, Unit: "A"}}},
	} {
		s := tracking.NewState()
		if err := s.Restore(c); err != nil {
			t.Fatal(err)
		}
		if err := s.RestoreDone(7); (err == nil) != (name == "a unit that is there") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoMayReadWhat(t *testing.T) {
	s := tracking.NewState()
	_, err := s.Apply(1,
		&tracking.Positions{Carrier: "c1", Positions: []tracking.Position{{Unit: "A", Time: day}, {Unit: "B", Time: day}}},
		&tracking.Positions{Carrier: "c2", Positions: []tracking.Position{{Unit: "C", Time: day}}},
		&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "s1", Owner: "o1", Opened: day}},
		&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "s2", Owner: "o2", Opened: day}},
		&tracking.UnitAssigned{Shipment: "s1", Carrier: "c1", Unit: "A", At: day},
		&tracking.UnitAssigned{Shipment: "s2", Carrier: "c1", Unit: "A", At: day},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		viewer    tracking.Party
		units     string
		shipments string
	}{
		{tracking.Party{ID: "x", Role: tracking.Admin}, "ABC", "s1s2"},
		{tracking.Party{ID: "x", Role: tracking.Dispatcher}, "ABC", "s1s2"},
		{tracking.Party{ID: "c1", Role: tracking.Carrier}, "AB", "s1s2"},
		{tracking.Party{ID: "c2", Role: tracking.Carrier}, "C", ""},
		{tracking.Party{ID: "o1", Role: tracking.Shipper}, "A", "s1"},
		{tracking.Party{ID: "o3", Role: tracking.Shipper}, "", ""},
		{tracking.Party{ID: "c1", Role: tracking.Shipper}, "", ""},
		{tracking.Party{ID: "c1"}, "", ""},
	} {
		var listed, may []string
		for h := range s.Units(c.viewer) {
			listed = append(listed, string(s.At(h).Unit))
		}
		for h := range s.CountUnits() {
			if s.MayReadUnit(c.viewer, tracking.Handle(h)) {
				may = append(may, string(s.At(tracking.Handle(h)).Unit))
			}
		}
		slices.Sort(listed)
		slices.Sort(may)
		if got := fmt.Sprint(listed, may); got != fmt.Sprint(split(c.units), split(c.units)) {
			t.Errorf("%s %s reads units %s, want %s", c.viewer.Role, c.viewer.ID, got, c.units)
		}
		ships := ""
		for _, sh := range s.Shipments(c.viewer) {
			ships += string(sh.ID)
		}
		for _, id := range []tracking.ShipmentID{"s1", "s2", "nothing"} {
			if s.MayReadShipment(c.viewer, id) != slices.ContainsFunc(s.Shipments(c.viewer), func(x tracking.Shipment) bool { return x.ID == id }) {
				t.Errorf("%s %s: list and permission of %s disagree", c.viewer.Role, c.viewer.ID, id)
			}
		}
		if ships != c.shipments {
			t.Errorf("%s %s reads shipments %s, want %s", c.viewer.Role, c.viewer.ID, ships, c.shipments)
		}
	}
}

func split(s string) []string {
	var out []string
	for _, c := range s {
		out = append(out, string(c))
	}
	return out
}

func BenchmarkFold(b *testing.B) {
	for _, c := range []struct {
		name  string
		units int
	}{{"100 units", 100}, {"one unit", 1}} {
		b.Run(c.name, func(b *testing.B) {
			s := tracking.NewState()
			e := fleet(c.units, 100)
			step := time.Duration(100/c.units*10) * time.Second
			b.ReportAllocs()
			seq := uint64(0)
			for b.Loop() {
				seq++
				for i := range e.Positions {
					e.Positions[i].Time = e.Positions[i].Time.Add(step)
				}
				if _, err := s.Apply(seq, e); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "positions/s")
		})
	}
}

// BenchmarkUnits measures what a unit takes in memory.
func BenchmarkUnits(b *testing.B) {
	const units = 200_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := tracking.NewState()
		carrier := tracking.PartyID("carrier-abcdefghijklm")
		for n := 0; n < units; n += 1000 {
			c := tracking.Changes{Units: make([]tracking.UnitState, 1000)}
			for i := range c.Units {
				id := tracking.UnitID(fmt.Sprintf("TRK-%07d", n+i))
				c.Units[i] = tracking.UnitState{Unit: id, Carrier: carrier, Mode: geodata.Road, Fixes: 9, Latest: &tracking.Fix{
					Position: tracking.Position{Unit: id, Time: day, Lat: 50, Lon: 10, SpeedKMH: tracking.Known(60)}, Received: day, Seq: 5,
				}}
			}
			if err := s.Restore(c); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/units, "B/unit")
		runtime.KeepAlive(s)
	}
}
