package live_test

import (
	"errors"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

func TestCarnets(t *testing.T) {
	r := newRig(t)
	office, carrier := r.party(tracking.Dispatcher), r.party(tracking.Carrier)
	offices := []tracking.CarnetOffice{
		{ID: "departure", Country: "TR", Role: tracking.OfficeDeparture, Lat: 41, Lon: 28.9},
		{ID: "exit", Country: "TR", Role: tracking.OfficeExit, Lat: 41.715, Lon: 26.352},
		{ID: "entry", Country: "BG", Role: tracking.OfficeEntry, Lat: 41.72, Lon: 26.34},
		{ID: "destination", Country: "BG", Role: tracking.OfficeDestination, Lat: 42.7, Lon: 23.32},
	}
	terms := tracking.CarnetTerms{
		Number: "XB25000001", Holder: "Holder", Vouchers: 4, Approval: "A", ValidUntil: clock0.Add(240 * time.Hour), Offices: offices,
		Itinerary: [][2]float64{{28.9, 41}, {26.352, 41.715}, {23.32, 42.7}},
	}
	c, err := r.IssueCarnet(t.Context(), tracking.CarnetIssued{Terms: terms, Unit: "T1", Carrier: carrier.ID, By: office.ID})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "stage", c.Stage, tracking.CarnetStage("issued"))
	var wrong *tracking.CarnetError
	if _, err := r.DoCarnet(t.Context(), c.Number, office.ID, tracking.CarnetAct{Kind: "accept", At: clock0.Add(time.Hour), Office: "departure", Seal: "S"}); !errors.As(err, &wrong) || wrong.Field != "at" {
		t.Errorf("a step in the future: %v", err)
	}
	if _, err := r.DoCarnet(t.Context(), "XB25000009", office.ID, tracking.CarnetAct{Kind: "accept", At: clock0}); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("a step of no carnet: %v", err)
	}
	if _, err := r.DoCarnet(t.Context(), c.Number, office.ID, tracking.CarnetAct{Kind: "accept", At: clock0, Office: "departure", Seal: "S"}); err != nil {
		t.Fatal(err)
	}
	seq := r.Seq()
	if _, err := r.BindCarnet(t.Context(), c.Number, office.ID, "", "T1"); err != nil || r.Seq() != seq {
		t.Errorf("bound to what it is bound to: %v, %d records", err, r.Seq()-seq)
	}
	if _, err := r.BindCarnet(t.Context(), c.Number, office.ID, "gone", ""); !errors.Is(err, tracking.ErrNotFound) {
		t.Errorf("bound to nothing: %v", err)
	}
	if _, err := r.BindCarnet(t.Context(), c.Number, office.ID, "", "T2"); err != nil {
		t.Fatal(err)
	}
	head := ""
	for range 2 {
		c, err := r.Carnet("XB25000001")
		if err != nil {
			t.Fatal(err)
		}
		if head == "" {
			head = c.Head()
		}
		expect(t, "head", c.Head(), head)
		expect(t, "unit", r.CarnetUnit(c.Number), tracking.UnitID("T2"))
		expect(t, "carnets of the carrier", len(r.Carnets(carrier)), 1)
		expect(t, "a shipper reads", r.MayReadCarnet(tracking.Party{Role: tracking.Shipper}, c.Number), false)
		_, n, err := r.CarnetByHead(head)
		expect(t, "entry", n, 3)
		expect(t, "error", err, nil)
		if _, _, err := r.CarnetByHead("00"); !errors.Is(err, tracking.ErrNotFound) {
			t.Errorf("a hash of nobody: %v", err)
		}
		r.restart() // from the store, as it was
	}
}

// A lorry takes one full load at a time; groupage, and what follows, is no overlap.
func TestOverlappingAssignments(t *testing.T) {
	r := newRig(t)
	carrier, shipper := r.party(tracking.Carrier), r.party(tracking.Shipper)
	open := func(change func(*tracking.Shipment)) (tracking.Shipment, error) {
		j := journey(shipper.ID)
		j.Carrier, j.Unit = carrier.ID, "T"
		if change != nil {
			change(&j)
		}
		return r.OpenShipment(t.Context(), j)
	}
	first, err := open(nil)
	if err != nil {
		t.Fatal(err)
	}
	seq := r.Seq()
	if _, err := open(nil); !errors.Is(err, tracking.ErrConflict) || r.Seq() != seq {
		t.Errorf("two full loads at a time: %v, %d records", err, r.Seq()-seq)
	}
	loose, err := open(func(s *tracking.Shipment) { s.Unit, s.Carrier = "", "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Assign(t.Context(), loose.ID, carrier.ID, "T"); !errors.Is(err, tracking.ErrConflict) {
		t.Errorf("assigned later: %v", err)
	}
	for name, change := range map[string]func(*tracking.Shipment){
		"groupage": func(s *tracking.Shipment) { s.Request.Cargo.Unit = routing.LTL },
		"later": func(s *tracking.Shipment) {
			s.Option.Depart, s.Option.Arrive.P50 = s.Option.Arrive.P50, s.Option.Arrive.P50.Add(time.Hour)
		},
		"another lorry": func(s *tracking.Shipment) { s.Unit = "U" },
		"a ship":        func(s *tracking.Shipment) { s.Option.Legs = []routing.Leg{{Mode: geodata.Sea}} },
	} {
		if _, err := open(change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Cancel(t.Context(), first.ID, shipper.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Assign(t.Context(), loose.ID, carrier.ID, "T"); err != nil {
		t.Errorf("the first is cancelled: %v", err)
	}
}
