package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"corridor/routing"
	"corridor/tracking"
)

func TestDossier(t *testing.T) {
	h := newHarness(t)
	id := h.shipment(tracking.Shipper, "")
	path := "/api/v1/shipments/" + string(id)
	put := func(body string) answer { return h.as(tracking.Shipper, "PUT", path+"/dossier", body) }
	const papers = `"contacts":[{"role":"consignee","name":"Fruktovy Mir"}],"documents":[{"kind":"CMR","status":"needed"}]`
	var s tracking.Shipment
	h.must(200, put(`{"revision":0,"references":[{"kind":"container","number":"csqu 3054383"}],`+papers+`}`)).into(&s)
	if s.Dossier.Revision != 1 || s.Dossier.References[0].Number != "CSQU3054383" || s.Dossier.Contacts[0].Name != "Fruktovy Mir" {
		t.Errorf("dossier %+v", s.Dossier)
	}
	p := h.must(422, put(`{"revision":1,"references":[{"kind":"container","number":"CSQU3054384"}],`+papers+`}`)).problem()
	if len(p.Errors) != 1 || p.Errors[0].Location != "body.references[0].number" || !strings.Contains(p.Errors[0].Message, "check digit") {
		t.Errorf("a wrong check digit: %+v", p)
	}
	h.must(409, put(`{"revision":9,"references":[],`+papers+`}`))
	h.must(200, h.as(tracking.Dispatcher, "POST", path+"/notes", `{"text":"waits for the certificate"}`)).into(&s)
	if len(s.Dossier.Notes) != 1 || s.Dossier.Notes[0].By != h.party[tracking.Dispatcher] || len(s.Dossier.References) != 1 {
		t.Errorf("after a note %+v", s.Dossier)
	}
	h.must(422, h.as(tracking.Dispatcher, "POST", path+"/notes", `{"text":" "}`))

	var list struct{ Total int }
	for q, want := range map[string]int{"csqu-3054383": 1, "фруктовый": 0, "fruktovy qingdao": 1} {
		h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/shipments?q="+strings.ReplaceAll(q, " ", "%20"), "")).into(&list)
		if list.Total != want {
			t.Errorf("%q finds %d", q, list.Total)
		}
	}

	_, other := h.newParty(tracking.Shipper)
	for _, c := range [][3]string{
		{"PUT", "/dossier", `{"revision":0,"references":[],` + papers + `}`},
		{"POST", "/notes", `{"text":"x"}`},
		{"POST", "/cancel", `{}`},
		{"POST", "/shares", `{}`},
		{"GET", "/shares", ""},
		{"DELETE", "/shares/x", ""},
		{"GET", "/milestones", ""},
	} {
		h.must(404, h.do(other, c[0], path+c[1], c[2]))
	}
	h.must(200, h.as(tracking.Shipper, "POST", path+"/cancel", `{"reason":"withdrawn"}`))
	h.must(409, h.as(tracking.Shipper, "POST", path+"/cancel", `{}`))
}

func TestShare(t *testing.T) {
	h := newHarness(t)
	carrier := string(h.party[tracking.Carrier])
	id := h.shipment(tracking.Shipper, `,"reference":"PO-1","carrier":"`+carrier+`","unit":"KA-7723"`)
	path := "/api/v1/shipments/" + string(id) + "/shares"
	h.fix("KA-7723", h.world.now, 55.7512, 37.6184)
	odds := 0.8
	h.world.etas[id] = tracking.ETA{Shipment: id, Made: h.world.now, OnTime: &odds, DoneKM: 4274, TotalKM: 8640, Arrive: routing.Instants{P50: h.world.now}}

	make := func(body string) (link struct{ ID, Path string }) {
		t.Helper()
		h.must(201, h.as(tracking.Shipper, "POST", path, body)).into(&link)
		return link
	}
	type view struct {
		Reference  string
		Status     string
		Position   *struct{ Lat, Lon float64 }
		Milestones []tracking.Milestone
		Arrive     *routing.Instants
	}
	open := func(link string) (v view, text string) {
		t.Helper()
		r := h.must(200, h.do("", "GET", "/api/v1/shared/"+strings.TrimPrefix(link, "/share#"), ""))
		r.into(&v)
		return v, r.Body.String()
	}
	whole := make(`{}`)
	v, text := open(whole.Path)
	if v.Reference != "PO-1" || v.Arrive == nil || len(v.Milestones) < 2 {
		t.Errorf("shared %+v", v)
	}
	if v.Position == nil || v.Position.Lat == 55.7512 || v.Position.Lat < 55.6 || v.Position.Lat > 55.9 || v.Position.Lon < 37.4 || v.Position.Lon > 37.8 {
		t.Errorf("position %+v, want it to some 10 km", v.Position)
	}
	if !strings.Contains(text, `"done_km":4270`) {
		t.Error("the way done is not told to 10 km")
	}
	for _, secret := range []string{"KA-7723", `"` + carrier + `"`, `"` + string(h.party[tracking.Shipper]) + `"`, `"cost`, "hash", `"plan_id`} {
		if strings.Contains(text, secret) {
			t.Errorf("the link tells %s", secret)
		}
	}
	if v, _ := open(make(`{"scope":"eta"}`).Path); v.Position != nil {
		t.Error("a link without the position tells it")
	}

	var list struct{ Shares []map[string]any }
	r := h.must(200, h.as(tracking.Shipper, "GET", path, ""))
	r.into(&list)
	if len(list.Shares) != 2 || strings.Contains(r.Body.String(), "hash") || strings.Contains(r.Body.String(), strings.TrimPrefix(whole.Path, "/share#")) {
		t.Errorf("links %s", r.Body.String())
	}
	if r := h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/shipments/"+string(id), "")); strings.Contains(r.Body.String(), "shares") {
		t.Error("a shipment tells of its links")
	}

	h.must(204, h.as(tracking.Shipper, "DELETE", path+"/"+whole.ID, ""))
	shut := h.must(404, h.do("", "GET", "/api/v1/shared/"+strings.TrimPrefix(whole.Path, "/share#"), "")).problem()
	wrong := h.must(404, h.do("", "GET", "/api/v1/shared/6VQXK3NZP7RWTYB2DFA4HJM5CE", "")).problem()
	if shut.Code != "no-such-link" || shut.Detail != wrong.Detail {
		t.Errorf("shut: %+v, wrong: %+v: they can be told apart", shut, wrong)
	}
	late := make(fmt.Sprintf(`{"expires":%q}`, h.world.now.Add(time.Hour).Format(time.RFC3339)))
	open(late.Path)
	h.world.now = h.world.now.Add(time.Hour)
	h.must(404, h.do("", "GET", "/api/v1/shared/"+strings.TrimPrefix(late.Path, "/share#"), ""))
	for _, bad := range []string{`{"scope":"all"}`, `{"expires":"2020-01-01T00:00:00Z"}`, `{"expires":"2099-01-01T00:00:00Z"}`, `{"expires":"soon"}`} {
		h.must(422, h.as(tracking.Shipper, "POST", path, bad))
	}
	for range 60 { // and then guessing is over
		h.do("", "GET", "/api/v1/shared/x", "")
	}
	h.must(429, h.do("", "GET", "/api/v1/shared/x", ""))
}
