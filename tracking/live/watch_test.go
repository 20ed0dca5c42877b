package live_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paulmach/orb"

	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/live"
)

// bubble runs a test with a tracker on made-up time that starts at clock0.
func bubble(t *testing.T, test func(t *testing.T, r *rig), change ...func(*live.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := newRig(t, append([]func(*live.Config){func(c *live.Config) {
			c.Tick = 0 // 100 ms
			c.Clock = func() time.Time { return clock0.Add(time.Since(began)) }
		}}, change...)...)
		test(t, r)
	})
}

func box(west, south, east, north float64) *orb.Bound {
	return &orb.Bound{Min: orb.Point{west, south}, Max: orb.Point{east, north}}
}

func (r *rig) watch(i tracking.Interest, from *tracking.Resume) tracking.Watch {
	r.t.Helper()
	w, err := r.Watch(i, from)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(w.Close)
	return w
}

// next waits for a delta, at most a second.
func next(t *testing.T, w tracking.Watch) (tracking.Delta, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	d, err := w.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return d, false
	}
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return d, true
}

// names says which units are meant and where, in order of name.
func names(units []tracking.UnitState) string {
	units = slices.Clone(units)
	slices.SortFunc(units, func(a, b tracking.UnitState) int { return strings.Compare(string(a.Unit), string(b.Unit)) })
	var out []string
	for _, u := range units {
		s := string(u.Unit)
		if u.Latest != nil {
			s += fmt.Sprintf("@%v,%v", u.Latest.Lat, u.Latest.Lon)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestWatchAViewport(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
		r.teleport(p, at("IN", 0, 50, 10), at("OUT", 0, 50, 30), at("EDGE", 0, 49, 11))
		w := r.watch(tracking.Interest{BBox: box(9, 49, 11, 51), Viewer: d}, nil)
		s := w.Snapshot()
		expect(t, "snapshot", names(s.Units), "EDGE@49,11 IN@50,10")
		expect(t, "epoch", s.Epoch, "epoch-1")
		expect(t, "seq", s.Seq, r.Seq())
		expect(t, "resumed", s.Resumed, false)
		if _, ok := next(t, w); ok {
			t.Error("a delta though nothing changed")
		}
		time.Sleep(50 * time.Millisecond) // between two ticks
		// One entry a unit and tick, the latest; late fixes move nothing.
		r.teleport(p, at("IN", 1, 50.1, 10))
		r.teleport(p, at("IN", 3, 50.3, 10), at("OUT", 1, 50, 31))
		r.teleport(p, at("IN", 2, 50.2, 10))
		delta, ok := next(t, w)
		if !ok {
			t.Fatal("nothing came")
		}
		expect(t, "delta", names(delta.Units), "IN@50.3,10")
		expect(t, "fixes", delta.Units[0].Fixes, uint64(4))
		expect(t, "seq", delta.Seq, r.Seq())
		// In and out: who leaves is shown once more, from outside.
		r.teleport(p, at("IN", 4, 50, 12), at("OUT", 2, 50, 9.5))
		delta, _ = next(t, w)
		expect(t, "crossing", names(delta.Units), "IN@50,12 OUT@50,9.5")
		r.teleport(p, at("IN", 5, 50, 13))
		if delta, ok := next(t, w); ok {
			t.Errorf("outside, still shown: %s", names(delta.Units))
		}
		time.Sleep(50 * time.Millisecond)
		// In and out again within one tick: it was in view before.
		r.teleport(p, at("OUT", 3, 50, 20))
		r.teleport(p, at("OUT", 4, 50, 10.5))
		r.teleport(p, at("OUT", 5, 50, 40))
		delta, _ = next(t, w)
		expect(t, "left within a tick", names(delta.Units), "OUT@50,40")
	})
}

func TestWatchOverTheAntimeridian(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
		r.accept(p, at("W", 0, 0, 179), at("E", 0, 0, -179), at("LINE", 0, 0, 180), at("FAR", 0, 0, 1), at("POLE", 0, 90, 0))
		for _, b := range []*orb.Bound{box(170, -10, -170, 10), box(170, -10, 190, 10), box(-190, -10, -170, 10)} {
			expect(t, fmt.Sprint(b), names(r.watch(tracking.Interest{BBox: b, Viewer: d}, nil).Snapshot().Units), "E@0,-179 LINE@0,180 W@0,179")
		}
		for _, b := range []*orb.Bound{box(-180, -90, 180, 90), box(-300, -90, 300, 90)} {
			expect(t, fmt.Sprint(b), len(r.watch(tracking.Interest{BBox: b, Viewer: d}, nil).Snapshot().Units), 5)
		}
		w := r.watch(tracking.Interest{BBox: box(170, -10, -170, 10), Viewer: d}, nil)
		r.teleport(p, at("FAR", 1, 0, -175))
		delta, _ := next(t, w)
		expect(t, "delta", names(delta.Units), "FAR@0,-175")
	})
}

func TestWatchNamedUnitsAndShipments(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		carrier, shipper := r.party(tracking.Carrier), r.party(tracking.Shipper)
		sh, err := r.OpenShipment(t.Context(), journey(shipper.ID))
		if err != nil {
			t.Fatal(err)
		}
		w := r.watch(tracking.Interest{Shipments: []tracking.ShipmentID{sh.ID, "nothing"}, Units: []tracking.UnitID{"U", "nobody"}, Viewer: tracking.Party{Role: tracking.Admin}}, nil)
		s := w.Snapshot()
		if len(s.Units) != 0 || len(s.Shipments) != 1 || s.Shipments[0].ID != sh.ID || len(s.ETAs) != 0 {
			t.Errorf("snapshot %+v", s)
		}
		if _, err := r.Assign(t.Context(), sh.ID, carrier.ID, "T1"); err != nil {
			t.Fatal(err)
		}
		delta, _ := next(t, w)
		expect(t, "assigned", names(delta.Units), "T1")
		expect(t, "shipment of it", delta.Units[0].Shipment, sh.ID)
		expect(t, "event", delta.Events[0].Kind, tracking.EventAssigned)
		r.accept(carrier, at("T1", 3600, 50, 10.5), at("U", 0, -30, 10), at("X", 0, 50, 10))
		delta, _ = next(t, w)
		expect(t, "moved", names(delta.Units), "T1@50,10.5 U@-30,10")
		expect(t, "event", delta.Events[0].Kind, tracking.EventDeparted)
		if len(delta.ETAs) != 1 || delta.ETAs[0].Shipment != sh.ID {
			t.Errorf("forecasts %+v", delta.ETAs)
		}
		w2 := r.watch(tracking.Interest{Shipments: []tracking.ShipmentID{sh.ID}, Viewer: shipper}, nil)
		s = w2.Snapshot()
		if names(s.Units) != "T1@50,10.5" || len(s.ETAs) != 1 || s.ETAs[0] != delta.ETAs[0] {
			t.Errorf("snapshot %s, %+v", names(s.Units), s.ETAs)
		}
	})
}

// Whatever is asked for, nobody is shown what is not theirs.
func TestIsolation(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		c1, c2 := r.party(tracking.Carrier), r.party(tracking.Carrier)
		s1, s2 := r.party(tracking.Shipper), r.party(tracking.Shipper)
		open := func(owner, carrier tracking.Party, unit tracking.UnitID) tracking.Shipment {
			j := journey(owner.ID)
			j.Carrier, j.Unit = carrier.ID, unit
			s, err := r.OpenShipment(ctx, j)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		a, b := open(s1, c1, "A"), open(s2, c2, "B")
		viewers := map[string]struct {
			party     tracking.Party
			units     string
			shipments []tracking.ShipmentID
		}{
			"carrier 1":  {c1, "A F", []tracking.ShipmentID{a.ID}},
			"carrier 2":  {c2, "B", []tracking.ShipmentID{b.ID}},
			"shipper 1":  {s1, "A", []tracking.ShipmentID{a.ID}},
			"shipper 2":  {s2, "B", []tracking.ShipmentID{b.ID}},
			"nobody":     {tracking.Party{ID: c1.ID}, "", nil},
			"dispatcher": {r.party(tracking.Dispatcher), "A B F", []tracking.ShipmentID{a.ID, b.ID}},
		}
		everything := tracking.Interest{
			BBox: box(-180, -90, 180, 90), Units: []tracking.UnitID{"A", "B", "F"}, Shipments: []tracking.ShipmentID{a.ID, b.ID},
		}
		start := tracking.Resume{Epoch: r.Epoch()}
		watches := map[string]tracking.Watch{}
		resumed := map[string]tracking.Watch{}
		for name, v := range viewers {
			i := everything
			i.Viewer = v.party
			watches[name] = r.watch(i, nil)
		}
		for sec, lon := range []float64{10.01, 10.5, 12.2, 14.49} {
			r.accept(c1, at("A", sec*3600, 50, lon), at("F", sec*3600, 50, lon))
			r.accept(c2, at("B", sec*3600, 50, lon))
			if sec == 1 {
				for name, v := range viewers {
					i := everything
					i.Viewer = v.party
					resumed[name] = r.watch(i, &start)
				}
			}
			time.Sleep(time.Second)
		}
		for name, v := range viewers {
			for kind, w := range map[string]tracking.Watch{"watch": watches[name], "resumed watch": resumed[name]} {
				units, ships := map[string]bool{}, map[tracking.ShipmentID]bool{}
				see := func(list []tracking.UnitState) {
					for _, u := range list {
						units[string(u.Unit)] = true
					}
				}
				s := w.Snapshot()
				see(s.Units)
				for _, x := range s.Shipments {
					ships[x.ID] = true
				}
				for _, x := range s.ETAs {
					ships[x.Shipment] = true
				}
				for {
					d, ok := next(t, w)
					if !ok {
						break
					}
					see(d.Units)
					for _, e := range d.Events {
						ships[e.Shipment] = true
					}
					for _, e := range d.ETAs {
						ships[e.Shipment] = true
					}
					if len(d.Cells) > 0 {
						t.Errorf("%s sees cells", name)
					}
				}
				var got []string
				for u := range units {
					got = append(got, u)
				}
				slices.Sort(got)
				expect(t, kind+" of "+name+": units", strings.Join(got, " "), v.units)
				expect(t, kind+" of "+name+": shipments", len(ships), len(v.shipments))
				for _, id := range v.shipments {
					if !ships[id] {
						t.Errorf("%s of %s does not see shipment %s", kind, name, id)
					}
				}
			}
		}
		// Arrived: the shipper no longer sees where the truck goes.
		r.accept(c1, at("A", 90_000-24*3600, 50, 14.4), at("A", 5*3600, 51, 14.4))
		for _, w := range []tracking.Watch{watches["shipper 1"], resumed["shipper 1"]} {
			if d, ok := next(t, w); ok {
				t.Errorf("after the arrival a shipper sees %s", names(d.Units))
			}
		}
	})
}

func TestCellsWhenTooMany(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
		var batch []tracking.Position
		for i := range 30 {
			batch = append(batch, at(tracking.UnitID(fmt.Sprint("U", i)), 0, 50+float64(i)/100, 10))
		}
		r.teleport(p, batch...)
		total := func(cells []tracking.CellCount) (n int) {
			for _, c := range cells {
				n += c.Count
			}
			return n
		}
		for _, viewer := range []tracking.Party{d, p} {
			w := r.watch(tracking.Interest{BBox: box(0, 40, 20, 60), Zoom: 5, Units: []tracking.UnitID{"U3"}, Viewer: viewer}, nil)
			s := w.Snapshot()
			expect(t, "units", names(s.Units), "U3@50.03,10")
			expect(t, "in cells", total(s.Cells), 30)
		}
		w := r.watch(tracking.Interest{BBox: box(0, 40, 20, 60), Zoom: 5, Units: []tracking.UnitID{"U3"}, Viewer: d}, nil)
		time.Sleep(2 * time.Second)
		// A move in the crowd shows in the cells, not as a position; of a named
		// unit it is shown as such.
		r.teleport(p, at("U1", 1, 50, 30), at("U3", 1, 50, 10))
		delta, _ := next(t, w)
		expect(t, "units", names(delta.Units), "U3@50,10")
		expect(t, "in cells", total(delta.Cells), 29)
		// Fewer: units again, all of them.
		time.Sleep(2 * time.Second)
		batch = batch[:0]
		for i := range 12 {
			batch = append(batch, at(tracking.UnitID(fmt.Sprint("U", i+10)), 5, 70, 100))
		}
		r.teleport(p, batch...)
		delta, _ = next(t, w)
		if delta.Cells == nil || len(delta.Cells) != 0 {
			t.Errorf("cells %v, want an empty list", delta.Cells)
		}
		expect(t, "units", len(delta.Units), 17)
		// And many again.
		time.Sleep(2 * time.Second)
		for i := range batch {
			batch[i].Time, batch[i].Lat, batch[i].Lon = batch[i].Time.Add(time.Minute), 50, 11
		}
		r.teleport(p, batch...)
		delta, _ = next(t, w)
		expect(t, "in cells", total(delta.Cells), 29)
	}, func(c *live.Config) { c.ViewUnits = 20 })
}

func TestPositionsConflateEventsDoNot(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
		slow := r.watch(tracking.Interest{BBox: box(-180, -90, 180, 90), Viewer: d}, nil)
		var opened []tracking.ShipmentID
		for i := range 20 {
			r.accept(p, at("A", i, 50, 10+float64(i)/100))
			s, err := r.OpenShipment(t.Context(), journey(d.ID))
			if err != nil {
				t.Fatal(err)
			}
			opened = append(opened, s.ID)
			time.Sleep(time.Second) // many ticks go by unread
		}
		delta, _ := next(t, slow)
		expect(t, "units", names(delta.Units), "A@50,10.19")
		var got []tracking.ShipmentID
		for _, e := range delta.Events {
			got = append(got, e.Shipment)
		}
		expect(t, "events", got, opened)
		if _, ok := next(t, slow); ok {
			t.Error("something came twice")
		}
	})
}

func TestTooSlowForEvents(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		d := r.party(tracking.Dispatcher)
		slow := r.watch(tracking.Interest{BBox: box(-180, -90, 180, 90), Viewer: d}, nil)
		seq := slow.Snapshot().Seq
		for range 11 {
			if _, err := r.OpenShipment(t.Context(), journey(d.ID)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		for range 2 {
			if _, err := slow.Next(t.Context()); !errors.Is(err, tracking.ErrSlow) {
				t.Fatalf("Next = %v, want ErrSlow", err)
			}
		}
		expect(t, "counted", r.Stats().Slow, uint64(1))
		// It comes back and has missed nothing.
		again := r.watch(tracking.Interest{BBox: box(-180, -90, 180, 90), Viewer: d}, &tracking.Resume{Epoch: r.Epoch(), Seq: seq})
		n := 0
		for {
			delta, ok := next(t, again)
			if !ok {
				break
			}
			n += len(delta.Events)
		}
		expect(t, "events after resuming", n, 11)
	}, func(c *live.Config) { c.MaxEvents = 10 })
}

func TestCloseAndStop(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
		i := tracking.Interest{BBox: box(-180, -90, 180, 90), Viewer: d}
		a, b := r.watch(i, nil), r.watch(i, nil)
		expect(t, "watches", r.Stats().Watches, 2)
		a.Close()
		a.Close()
		expect(t, "watches", r.Stats().Watches, 1)
		if _, err := a.Next(t.Context()); !errors.Is(err, tracking.ErrClosed) {
			t.Errorf("Next after Close = %v", err)
		}
		r.accept(p, at("A", 0, 50, 10))
		r.stop()
		// What was accepted before the stop is still shown.
		delta, err := b.Next(t.Context())
		if err != nil || names(delta.Units) != "A@50,10" {
			t.Errorf("Next while stopping = %s, %v", names(delta.Units), err)
		}
		if _, err := b.Next(t.Context()); !errors.Is(err, tracking.ErrClosed) {
			t.Errorf("Next after the stop = %v", err)
		}
	})
}

func TestResumeOfAnotherLog(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		d := r.party(tracking.Dispatcher)
		if _, err := r.OpenShipment(t.Context(), journey(d.ID)); err != nil {
			t.Fatal(err)
		}
		i := tracking.Interest{BBox: box(-180, -90, 180, 90), Viewer: d}
		for name, from := range map[string]*tracking.Resume{
			"another epoch": {Epoch: "epoch-0", Seq: 1},
			"the future":    {Epoch: r.Epoch(), Seq: r.Seq() + 1},
		} {
			w := r.watch(i, from)
			if s := w.Snapshot(); s.Resumed || s.Seq != r.Seq() {
				t.Errorf("%s: resumed=%v at %d", name, s.Resumed, s.Seq)
			}
			if delta, ok := next(t, w); ok {
				t.Errorf("%s: %+v", name, delta)
			}
		}
	})
}

// viewerModel is a client as PROTOCOL.md tells it to be.
type viewerModel struct {
	t      *testing.T
	epoch  string
	seq    uint64
	units  map[tracking.UnitID]tracking.UnitState
	events []tracking.Event
}

func (v *viewerModel) snapshot(s tracking.Snapshot) {
	if !s.Resumed {
		v.units = map[tracking.UnitID]tracking.UnitState{}
	}
	if v.epoch != "" && s.Epoch == v.epoch && s.Seq != v.seq {
		v.t.Fatalf("snapshot at %d after resuming from %d: events would be missed", s.Seq, v.seq)
	}
	v.epoch, v.seq = s.Epoch, s.Seq
	v.put(s.Units)
}

func (v *viewerModel) put(units []tracking.UnitState) {
	for _, u := range units {
		v.units[u.Unit] = u
	}
}

func (v *viewerModel) delta(d tracking.Delta) {
	if d.Seq < v.seq {
		v.t.Fatalf("delta at %d after %d", d.Seq, v.seq)
	}
	for _, e := range d.Events {
		if e.Seq <= v.seq || e.Seq > d.Seq {
			v.t.Fatalf("event of record %d in a delta from %d to %d", e.Seq, v.seq, d.Seq)
		}
	}
	v.events = append(v.events, d.Events...)
	v.seq = d.Seq
	v.put(d.Units)
}

// TestResume cuts a client off at random moments, for random times, over
// restarts and while the store is away, and lets it change what it looks at. At
// the end it must have every event once and in order, and hold every unit in
// view where it is.
func TestResume(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 8
	}
	for i := range runs {
		seed := uint64(i)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) { resume(t, r, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func resume(t *testing.T, r *rig, rnd *rand.Rand) {
	p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
	if _, err := r.OpenShipment(t.Context(), journey(d.ID)); err != nil {
		t.Fatal(err)
	}
	v := &viewerModel{t: t}
	interest := tracking.Interest{BBox: box(9, 49, 12, 51), Units: []tracking.UnitID{"U0"}, Viewer: d}
	var w tracking.Watch
	newInterest := false
	connect := func() {
		var from *tracking.Resume
		if v.epoch != "" {
			from = &tracking.Resume{Epoch: v.epoch, Seq: v.seq, NewInterest: newInterest}
		}
		newInterest = false
		w = r.watch(interest, from)
		v.snapshot(w.Snapshot())
	}
	seen := func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(150))*time.Millisecond)
		defer cancel()
		delta, err := w.Next(ctx)
		if err == nil {
			v.delta(delta)
		}
	}
	var all []tracking.Event
	sec := 0
	for range 150 {
		switch k := rnd.IntN(100); {
		case k < 50: // units move, most of them about the box
			sec++
			var batch []tracking.Position
			for range 1 + rnd.IntN(4) {
				batch = append(batch, at(tracking.UnitID(fmt.Sprint("U", rnd.IntN(12))), sec, 48.5+3*rnd.Float64(), 8+5*rnd.Float64()))
			}
			r.accept(p, batch...)
		case k < 62: // something happens
			if _, err := r.OpenShipment(t.Context(), journey(d.ID)); err != nil {
				t.Fatal(err)
			}
		case k < 90: // the client looks
			if w != nil {
				seen()
			} else {
				connect()
			}
		case k < 93: // it is cut off
			if w != nil {
				w.Close()
				w = nil
			}
		case k < 95: // it looks elsewhere
			interest.BBox = box(9-rnd.Float64(), 49, 10+2*rnd.Float64(), 51)
			newInterest = true
			if w != nil {
				w.Close()
				connect()
			}
		case k < 97: // the server starts anew
			if w != nil {
				w.Close()
				w = nil
			}
			r.restart()
		default: // a while goes by, and what waits is projected
			time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
		}
	}
	if w == nil {
		connect()
	}
	for {
		delta, ok := next(t, w)
		if !ok {
			break
		}
		v.delta(delta)
	}
	all, err := r.Events(t.Context(), "", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	// A client that connects for the first time begins there.
	first := slices.IndexFunc(all, func(e tracking.Event) bool {
		return len(v.events) > 0 && e.Seq == v.events[0].Seq && e.N == v.events[0].N
	})
	if len(v.events) > 0 && first < 0 {
		t.Fatalf("the first event seen, %+v, never happened", v.events[0])
	}
	if len(v.events) > 0 {
		expect(t, "events", keys(v.events), keys(all[first:]))
	}
	for _, u := range r.Units(d) {
		inView := u.Latest.Lat >= 49 && u.Latest.Lat <= 51 && u.Latest.Lon >= interest.BBox.Min[0] && u.Latest.Lon <= interest.BBox.Max[0]
		held, has := v.units[u.Unit]
		switch {
		case inView || u.Unit == "U0":
			if !has || held.Latest.Seq != u.Latest.Seq || held.Latest.Time != u.Latest.Time {
				t.Errorf("unit %s is at %v, the client has it at %v", u.Unit, u.Latest, held.Latest)
			}
		case has:
			l := held.Latest
			if l.Lat >= 49 && l.Lat <= 51 && l.Lon >= interest.BBox.Min[0] && l.Lon <= interest.BBox.Max[0] {
				t.Errorf("unit %s has left for %v,%v, the client has it in view at %v,%v", u.Unit, u.Latest.Lat, u.Latest.Lon, l.Lat, l.Lon)
			}
		}
	}
}

func keys(events []tracking.Event) string {
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprint(e.Seq, ".", e.N))
	}
	return strings.Join(out, " ")
}

// Subscribing while reports pour in: the snapshot and the deltas after it
// together miss nothing.
func TestSnapshotAndSubscribeAreOne(t *testing.T) {
	r := newRig(t)
	p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
	stop := make(chan struct{})
	done := make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				done <- n
				return
			default:
			}
			n++
			if _, err := r.Accept(context.Background(), p.ID, []tracking.Position{at("A", n, 50, 10)}, tracking.AcceptOptions{}); err != nil {
				t.Error(err)
			}
		}
	}()
	type viewer struct {
		w    tracking.Watch
		last int
	}
	var viewers []*viewer
	for range 50 {
		w := r.watch(tracking.Interest{BBox: box(9, 49, 11, 51), Viewer: d}, nil)
		v := &viewer{w: w}
		if u := w.Snapshot().Units; len(u) == 1 {
			v.last = int(u[0].Fixes)
		}
		viewers = append(viewers, v)
		time.Sleep(time.Millisecond)
	}
	close(stop)
	sent := <-done
	for i, v := range viewers {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for v.last < sent {
			delta, err := v.w.Next(ctx)
			if err != nil {
				t.Fatalf("viewer %d saw fix %d of %d: %v", i, v.last, sent, err)
			}
			for _, u := range delta.Units {
				if int(u.Fixes) <= v.last {
					t.Fatalf("viewer %d saw fix %d after %d", i, u.Fixes, v.last)
				}
				v.last = int(u.Fixes)
			}
		}
		cancel()
	}
}

// A client that was away for long gets what it missed from the store, page by
// page; a page never ends within a record, even one that fills it.
func TestResumeFarBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
		r.accept(p, at("T", 0, 50, 10))
		start := r.Seq()
		j := journey(d.ID)
		j.Carrier, j.Unit = p.ID, "T"
		j.Request.Cargo.Unit = routing.LTL // full loads do not share a lorry
		const shipments = 1200
		for range shipments {
			if _, err := r.OpenShipment(t.Context(), j); err != nil {
				t.Fatal(err)
			}
		}
		r.accept(p, at("T", 3600, 50, 12.2))  // departs and crosses with all of them, in one record
		r.accept(p, at("T", 7200, 50, 14.49)) // and arrives
		r.restart()
		v := &viewerModel{t: t, epoch: r.Epoch(), seq: start}
		from := start
		for cut := 0; ; cut++ {
			w := r.watch(tracking.Interest{BBox: box(-180, -90, 180, 90), Viewer: d}, &tracking.Resume{Epoch: v.epoch, Seq: v.seq})
			v.snapshot(w.Snapshot())
			done := false
			for range 3 { // and then it is cut off again
				delta, ok := next(t, w)
				if !ok {
					done = true
					break
				}
				v.delta(delta)
			}
			w.Close()
			if done {
				break
			}
			if v.seq == from && cut > 3 {
				t.Fatal("it does not get on")
			}
			from = v.seq
		}
		all, err := r.Events(t.Context(), "", start, 1<<30, 0)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "events that happened", len(all), 5*shipments)
		if keys(v.events) != keys(all) {
			t.Errorf("%d events seen, not the %d that happened in their order", len(v.events), len(all))
		}
	})
}
