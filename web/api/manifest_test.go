package api_test

import (
	"fmt"
	"strings"
	"testing"

	"corridor/tracking"
	"corridor/web/api"
)

type imported struct {
	Opened []struct {
		Line                    int
		ID, Reference, Corridor string
	}
	Refused []struct {
		Line           int
		Column, Reason string
	}
}

func (h *harness) manifest(role tracking.Role, query, text string) answer {
	h.t.Helper()
	return h.as(role, "POST", "/api/v1/shipments/import"+query, text, "Content-Type", "text/csv")
}

// Each row is opened or refused by itself, by its line and column.
func TestImportShipments(t *testing.T) {
	h := newHarness(t)
	file := strings.Join([]string{
		"reference,origin,destination,weight_kg,cargo_unit,choose,container,wagon,depart,promise,carrier,unit,owner", // line 1
		"PO-1,CNTAO,RUMOW,24200,FTL,road-tir,,,2026-12-01,,,,",
		"PO-2,Qindao,RUMOW,24200,FTL,,,,,,,,",
		"PO-3,CNTAO,RUMOW,heavy,FTL,,,,,,,,",
		"PO-4,CNTAO,RUMOW,24200,FTL,,CSQU3054384,,,,,,",
		"PO-5,CNTAO,RUMOW,24200,FTL,,csqu 305438 3,5441 1228,,,,,",
		"PO-6,CNTAO,RUMOW,24200,FTL,,,54411220,,,,,",
		"",
		"PO-1,CNTAO,RUMOW,24200,FTL,,,,,,,,",
		"PO-7,CNTAO,RUMOW,24200,FTL,teleport,,,,,,,",
		"PO-8,CNTAO,RUMOW,24200,FTL,,,,soon,,,,",
		"PO-9,CNTAO,RUMOW,24200,FTL,,,,2026-12-01,2026-11-01,,,",
		"PO-10,CNTAO,RUMOW,24200,FTL,fastest,,,,,nobody,T1,",
		"PO-11,CNTAO,RUMOW,24200,FTL,fastest,,,,,,,somebody",
		"PO-12,CNTAO,RUMOW,24200,FTL,fastest,,,,,,,,extra",
		"PO-13,,RUMOW,24200,FTL,fastest,,,,,,,",
		`PO-14,CNTAO,"RUMOW,24200`,
	}, "\n")
	var got imported
	h.must(200, h.manifest(tracking.Shipper, "", file)).into(&got)
	var lines []string
	for _, x := range got.Opened {
		if x.ID == "" {
			t.Errorf("line %d has no id", x.Line)
		}
		lines = append(lines, fmt.Sprint(x.Line, " ", x.Reference, " ", x.Corridor))
	}
	if got := strings.Join(lines, "; "); got != "2 PO-1 road-tir; 6 PO-5 rail" {
		t.Errorf("opened %s", got)
	}
	want := []struct {
		line         int
		column, says string
	}{
		{3, "origin", "Qindao"},
		{4, "weight_kg", "not a number"},
		{5, "container", "check digit"},
		{7, "wagon", "check digit"},
		{9, "reference", "opened before: it is shipment"},
		{10, "choose", "not among"},
		{11, "depart", "RFC 3339"},
		{12, "promise", "before the departure"},
		{13, "carrier", "no carrier"},
		{14, "owner", "leave it empty"},
		{15, "", "under no name"},
		{16, "origin", "empty"},
		{17, "", "quotes"},
	}
	if len(got.Refused) != len(want) {
		t.Fatalf("refused %+v", got.Refused)
	}
	for i, w := range want {
		if r := got.Refused[i]; r.Line != w.line || r.Column != w.column || !strings.Contains(r.Reason, w.says) {
			t.Errorf("refused %+v, want line %d, %s: %s", r, w.line, w.column, w.says)
		}
	}
	if len(h.world.requests) > 6 {
		t.Errorf("%d plans were made: rows that ask the same share one", len(h.world.requests))
	}
	var s tracking.Shipment
	h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/shipments/"+got.Opened[1].ID, "")).into(&s)
	if len(s.Dossier.References) != 2 || s.Dossier.References[0].Number != "CSQU3054383" || s.Promise == nil {
		t.Errorf("the shipment has %+v", s.Dossier)
	}

	// Again: nothing is opened twice. In a part, lines are counted from where it was.
	h.must(200, h.manifest(tracking.Shipper, "?line=101", file)).into(&got)
	if len(got.Opened) > 0 || got.Refused[0].Line != 102 {
		t.Errorf("again: %+v", got)
	}
	// A dry run opens nothing and finds the same.
	before := len(h.world.shipments)
	got = imported{}
	h.must(200, h.manifest(tracking.Dispatcher, "?dry=true", "origin;destination;weight_kg;reference\nCNTAO;RUMOW;24200;N-1\nCNTAO;RUMOW;24200;N-1\n")).into(&got)
	if len(got.Opened) != 1 || got.Opened[0].ID != "" || len(got.Refused) != 1 || !strings.Contains(got.Refused[0].Reason, "line 2") || len(h.world.shipments) != before {
		t.Errorf("dry: %+v", got)
	}
	for text, says := range map[string]string{
		"":                                       "a header",
		"origin,destination\nA,B":                `no column "weight_kg"`,
		"origin,destination,weight_kg,wat":       `column "wat" is not known`,
		"origin,destination,weight_kg,hs,hs":     "twice",
		"origin,destination,weight_kg\n\xff,B,1": "UTF-8",
		"origin,destination,weight_kg\n" + strings.Repeat("A,B,1\n", 501): "more than 500 rows",
	} {
		if p := h.must(422, h.manifest(tracking.Shipper, "", text)).problem(); !strings.Contains(p.Detail, says) {
			t.Errorf("%.40q: %s, want %q", text, p.Detail, says)
		}
	}
	h.must(403, h.manifest(tracking.Carrier, "", file))
	h.must(415, h.as(tracking.Shipper, "POST", "/api/v1/shipments/import", file))
}

func FuzzReadManifest(f *testing.F) {
	f.Add([]byte("reference,origin,destination,weight_kg\nPO-1,CNTAO,RUMOW,24200\n\"a\nb\",c,d,1"))
	f.Add([]byte("\xef\xbb\xbforigin;destination;weight_kg\r\n1;2;3;4"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, err := api.ManifestLines(b)
		if err != nil {
			return
		}
		end := strings.Count(string(b), "\n") + 1
		for _, n := range lines {
			if n < 1 || n > end {
				t.Fatalf("line %d of %d", n, end)
			}
		}
	})
}

func TestLegs(t *testing.T) {
	h := newHarness(t)
	id := h.overland()
	for i := range h.world.shipments {
		if s := &h.world.shipments[i]; s.ID == id {
			s.Option.Legs = append(s.Option.Legs, s.Option.Legs[0])
			s.Option.Legs[0].Arrive = h.world.now
		}
	}
	path := "/api/v1/shipments/" + string(id) + "/legs"
	type legs struct {
		Revision int
		Legs     []tracking.LegState
	}
	var got legs
	h.must(200, h.as(tracking.Shipper, "GET", path, "")).into(&got)
	if len(got.Legs) != 2 || got.Legs[0].Started != nil {
		t.Errorf("legs %+v", got)
	}
	put := func(leg int, body string) answer {
		return h.as(tracking.Shipper, "PUT", fmt.Sprint(path, "/", leg), body)
	}
	for body, says := range map[string]string{
		`{"started":"2026-11-22T10:00:00Z","finished":"2026-11-22T09:00:00Z"}`: "before it began",
		`{"finished":"2026-11-22T09:00:00Z"}`:                                  "say when it began",
		`{"started":"2026-11-23T13:00:00Z"}`:                                   "in the future",
		`{"started":"yesterday"}`:                                              "RFC 3339",
	} {
		if p := h.must(422, put(0, body)).problem(); len(p.Errors) != 1 || !strings.Contains(p.Detail, says) {
			t.Errorf("%s: %+v", body, p)
		}
	}
	h.must(422, put(2, `{}`))
	h.must(200, put(0, `{"started":"2026-11-22T10:00:00Z","finished":"2026-11-22T20:00:00+08:00"}`)).into(&got)
	if l := got.Legs[0]; l.Finished == nil || l.FinishedBy != "office" || l.LateHours == nil || *l.LateHours != -24 || got.Revision != 1 {
		t.Errorf("recorded %+v", got)
	}
	if p := h.must(422, put(1, `{"started":"2026-11-22T11:00:00Z"}`)).problem(); !strings.Contains(p.Detail, "before the one before it ended") {
		t.Errorf("legs out of order: %s", p.Detail)
	}
	h.must(200, put(1, `{"started":"2026-11-22T13:00:00Z"}`))
	if p := h.must(422, put(0, `{"started":"2026-11-22T10:00:00Z","finished":"2026-11-22T14:00:00Z"}`)).problem(); !strings.Contains(p.Detail, "after the next one began") {
		t.Errorf("legs out of order: %s", p.Detail)
	}
	h.must(409, put(0, `{"revision":7}`))
	got = legs{}
	h.must(200, put(0, `{}`)).into(&got)
	if got.Legs[0].Started != nil {
		t.Errorf("taken back: %+v", got.Legs[0])
	}
	_, other := h.newParty(tracking.Shipper)
	h.must(404, h.do(other, "GET", path, ""))
	h.must(404, h.do(other, "PUT", path+"/0", `{}`))
}
