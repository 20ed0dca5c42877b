package tracking_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/reference"
)

func TestValidateDossier(t *testing.T) {
	soon, later := day, day.Add(time.Hour)
	many := make([]tracking.Contact, 31)
	for i := range many {
		many[i] = tracking.Contact{Role: tracking.ContactNotify, Name: "Somebody"}
	}
	for name, c := range map[string]struct {
		in    tracking.Dossier
		field string // empty: accepted
	}{
		"empty": {},
		"all": {in: tracking.Dossier{
			References: []tracking.Reference{{Kind: reference.Container, Number: "csqu 305438-3"}, {Kind: reference.TIRCarnet, Number: "XB25000001"}},
			Contacts:   []tracking.Contact{{Role: tracking.ContactDriver, Name: " Li  Wei "}},
			Documents:  []tracking.Document{{Kind: "CMR", Status: tracking.DocumentReady, Issued: &soon, Expires: &later}},
			Notes:      []tracking.Note{{At: day, By: "p", Text: "one\ntwo"}},
			Shares:     []tracking.Share{{ID: "x", Scope: tracking.ShareETA, Created: soon, Expires: later}},
		}},
		"check digit":    {tracking.Dossier{References: []tracking.Reference{{Kind: reference.Container, Number: "CSQU3054384"}}}, "references[0].number"},
		"twice":          {tracking.Dossier{References: []tracking.Reference{{Kind: reference.Order, Number: "1"}, {Kind: reference.Order, Number: " 1"}}}, "references[1]"},
		"unknown kind":   {tracking.Dossier{References: []tracking.Reference{{Kind: "x", Number: "1"}}}, "references[0].number"},
		"role":           {tracking.Dossier{Contacts: []tracking.Contact{{Role: "boss", Name: "x"}}}, "contacts[0].role"},
		"nameless":       {tracking.Dossier{Contacts: []tracking.Contact{{Role: tracking.ContactDriver, Name: " "}}}, "contacts[0].name"},
		"control":        {tracking.Dossier{Contacts: []tracking.Contact{{Role: tracking.ContactDriver, Name: "a\x07b"}}}, "contacts[0].name"},
		"long":           {tracking.Dossier{Documents: []tracking.Document{{Kind: strings.Repeat("х", 201), Status: tracking.DocumentReady}}}, "documents[0].kind"},
		"status":         {tracking.Dossier{Documents: []tracking.Document{{Kind: "CMR"}}}, "documents[0].status"},
		"expired before": {tracking.Dossier{Documents: []tracking.Document{{Kind: "CMR", Status: tracking.DocumentReady, Issued: &later, Expires: &soon}}}, "documents[0].expires"},
		"note":           {tracking.Dossier{Notes: []tracking.Note{{Text: " "}}}, "notes[0].text"},
		"broken text":    {tracking.Dossier{Notes: []tracking.Note{{Text: "a\xffb"}}}, "notes[0].text"},
		"scope":          {tracking.Dossier{Shares: []tracking.Share{{Scope: "all", Created: soon, Expires: later}}}, "shares[0].scope"},
		"for ever":       {tracking.Dossier{Shares: []tracking.Share{{Scope: tracking.ShareETA, Created: soon, Expires: soon.AddDate(2, 0, 0)}}}, "shares[0].expires"},
		"many":           {tracking.Dossier{Contacts: many}, "contacts"},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.in.Clone()
			out, err := tracking.ValidateDossier(c.in)
			if !reflect.DeepEqual(c.in, before) {
				t.Error("the dossier given was changed")
			}
			if c.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				if again, err := tracking.ValidateDossier(out); err != nil || !reflect.DeepEqual(again, out) {
					t.Errorf("what is kept is not what would be kept: %+v, %v", again, err)
				}
				return
			}
			var f *tracking.FieldError
			if !errors.As(err, &f) || f.Field != c.field {
				t.Fatalf("%v, want %s refused", err, c.field)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	s := tracking.Shipment{
		ID: "shp-1", Reference: "PO-20931", Unit: "鲁B·K7723",
		Origin: routing.Point{Code: "CNTAO", Name: geodata.Names{EN: "Qingdao", ZH: "青岛", RU: "Циндао"}},
		Dossier: tracking.Dossier{
			References: []tracking.Reference{{Kind: reference.AWB, Number: "020-12345675"}},
			Contacts:   []tracking.Contact{{Name: "Lunan Cold Chain"}},
		},
	}
	for _, q := range []string{"", "po20931", "20931", "青岛", "циндао", "k7723 qingdao", "02012345675", "020-1234", "LUNAN cold"} {
		if !s.Matches(q) {
			t.Errorf("%q does not find it", q)
		}
	}
	for _, q := range []string{"20932", "qingdao moscow", "cold fish"} {
		if s.Matches(q) {
			t.Errorf("%q finds it", q)
		}
	}
}

func TestDossierIsFolded(t *testing.T) {
	s := tracking.NewState()
	apply := func(e tracking.Entry) tracking.Changes {
		t.Helper()
		b, err := tracking.EncodeRecord(e)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := tracking.DecodeRecord(b)
		if err != nil || !reflect.DeepEqual(entries, []tracking.Entry{e}) {
			t.Fatalf("read back %+v, %v", entries, err)
		}
		c, err := s.Apply(s.Seq()+1, entries...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	apply(&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: "S1", Owner: "o", Opened: day, Status: tracking.Planned}})
	link := tracking.Share{ID: "shr-1", Hash: [32]byte{1}, Scope: tracking.ShareETA, Created: day, Expires: day.Add(time.Hour)}
	amended := &tracking.ShipmentAmended{Shipment: "S1", By: "o", At: day, Dossier: tracking.Dossier{Revision: 1, Shares: []tracking.Share{link}}}
	if c := apply(amended); len(c.Shipments) != 1 || len(c.Events) != 1 || c.Events[0].Kind != tracking.EventAmended {
		t.Errorf("changes %+v", c)
	}
	if c := apply(amended); len(c.Shipments) != 0 || len(c.Events) != 0 {
		t.Errorf("the same revision again changes %+v", c)
	}
	if sh, _, got, ok := s.Shared(link.Hash); !ok || sh.ID != "S1" || got.ID != "shr-1" {
		t.Error("the link does not lead to the shipment")
	}
	apply(&tracking.ShipmentAmended{Shipment: "S1", At: day, Dossier: tracking.Dossier{Revision: 2}})
	if _, _, _, ok := s.Shared(link.Hash); ok {
		t.Error("a link that is gone leads somewhere")
	}
	apply(&tracking.UnitAssigned{Shipment: "S1", Carrier: "c", Unit: "T1", At: day})
	c := apply(&tracking.ShipmentCancelled{Shipment: "S1", By: "o", At: day, Reason: "withdrawn"})
	if len(c.Events) != 1 || c.Events[0].Kind != tracking.EventCancelled || c.Events[0].Detail != "withdrawn" || len(c.Units) != 1 || c.Units[0].Shipment != "" {
		t.Errorf("cancelled: %+v", c)
	}
	for _, e := range []tracking.Entry{&tracking.ShipmentCancelled{Shipment: "S1", At: day}, &tracking.UnitAssigned{Shipment: "S1", Carrier: "c", Unit: "T1", At: day}} {
		if c := apply(e); len(c.Events) != 0 {
			t.Errorf("after the end %T does %+v", e, c.Events)
		}
	}
}
