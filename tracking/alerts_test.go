package tracking_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/fence"
)

// Alerts are bounded: those that were closed go first, then the oldest, the same after
// any restart.
func TestAlertsMakeRoom(t *testing.T) {
	s := tracking.NewState()
	seq := uint64(0)
	kept := map[string]tracking.Object{}
	apply := func(e ...tracking.Entry) {
		t.Helper()
		seq++
		c, err := s.Apply(seq, e...)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Objects {
			if o.Kind == "alert" {
				if kept[o.ID] = o; o.Body == nil {
					delete(kept, o.ID)
				}
			}
		}
	}
	shocks := func(from, to int) {
		for ; from < to; from += 1000 {
			e := &tracking.Positions{Carrier: "c", Received: day}
			for i := from; i < min(from+1000, to); i++ {
				e.Positions = append(e.Positions, tracking.Position{Unit: tracking.UnitID(fmt.Sprint("U", i)), Time: day, Lat: 50, Lon: 10, Sensors: json.RawMessage(`{"shock_g":9}`)})
			}
			apply(e)
		}
	}
	apply(&tracking.PartyCreated{Party: office}, &tracking.RuleSet{Rule: tracking.AlertRule{ID: "r", Name: "r", Party: office.ID, Kinds: []string{tracking.EventShock}, Severity: tracking.Info}})
	shocks(0, 10_000)
	for _, a := range s.Alerts(office, "")[:3000] { // the newest
		apply(&tracking.AlertActed{Alert: a.ID, Action: tracking.Action{What: tracking.Close, By: office.ID, At: day}})
	}
	shocks(10_000, 20_001)
	all := s.Alerts(office, "")
	if len(all) != 18_001 || len(s.Alerts(office, tracking.AlertClosed)) != 1000 || len(kept) != len(all) {
		t.Errorf("%d alerts, %d closed, %d kept", len(all), len(s.Alerts(office, tracking.AlertClosed)), len(kept))
	}
	if again := reloaded(t, s).Alerts(office, ""); len(again) != len(all) || again[0].ID != all[0].ID {
		t.Errorf("%d after a restart", len(again))
	}
}

// A fence of a carrier or a shipper is about its own, and told to nobody else.
func TestFencesByTenant(t *testing.T) {
	s := tracking.NewState()
	var told []string
	seq := uint64(0)
	apply := func(e ...tracking.Entry) {
		t.Helper()
		seq++
		c, err := s.Apply(seq, e...)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range c.Events {
			if x.Kind == tracking.EventFenceEntered || x.Kind == tracking.EventFenceLeft {
				told = append(told, fmt.Sprintf("%s %s %s for %q", x.Unit, x.Kind, x.Where, x.For))
			}
		}
	}
	party := func(id tracking.PartyID, role tracking.Role) {
		apply(&tracking.PartyCreated{Party: tracking.Party{ID: id, Role: role, Created: day}})
	}
	party("office", tracking.Dispatcher)
	party("carrier", tracking.Carrier)
	party("rival", tracking.Carrier)
	party("shipper", tracking.Shipper)
	for _, owner := range []tracking.PartyID{"office", "carrier", "rival", "shipper"} {
		apply(&tracking.FenceSet{Fence: tracking.Fence{
			ID: tracking.FenceID(owner), Name: "of " + string(owner), Owner: owner, Created: day,
			Shape: fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: 10, RadiusM: 1000}},
		}})
	}
	at := func(minute int, lat float64) {
		apply(&tracking.Positions{Carrier: "carrier", Received: day, Positions: []tracking.Position{{Unit: "T", Time: day.Add(time.Duration(minute) * time.Minute), Lat: lat, Lon: 10}}})
	}
	at(0, 50)
	at(2, 50.02)
	apply(&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "S", Owner: "shipper", Opened: day, Status: tracking.Planned}}, &tracking.UnitAssigned{Shipment: "S", Carrier: "carrier", Unit: "T", At: day})
	at(4, 50)
	want := `[T fence-entered of carrier for "carrier" T fence-entered of office for "" T fence-left of carrier for "carrier" T fence-left of office for ""` +
		` T fence-entered of carrier for "carrier" T fence-entered of office for "" T fence-entered of shipper for "shipper"]`
	if got := fmt.Sprint(told); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
	e := tracking.Event{Kind: tracking.EventFenceEntered, Unit: "T", Shipment: "S", For: "shipper"}
	for id, may := range map[tracking.PartyID]bool{"office": true, "shipper": true, "carrier": false, "rival": false} {
		if p, _ := s.Party(id); s.MayReadEvent(p, &e) != may {
			t.Errorf("%s may read what is told to the shipper: %v", id, !may)
		}
	}
}
