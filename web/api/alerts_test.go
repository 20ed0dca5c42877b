package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"corridor/tracking"
)

// A fence goes in and comes out as the same GeoJSON, and only its owner and the office
// see it.
func TestFences(t *testing.T) {
	h := newHarness(t)
	for name, body := range map[string]string{
		"polygon":  `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[179,50],[-179,50],[-179,51],[179,51],[179,50]]]},"properties":{"name":"Date line","exit_m":200,"dwell_minutes":30}}`,
		"circle":   `{"type":"Feature","geometry":{"type":"Point","coordinates":[10,50]},"properties":{"name":"Yard","radius_m":500}}`,
		"corridor": `{"type":"Feature","geometry":{"type":"LineString","coordinates":[[10,50],[11,50.5]]},"properties":{"name":"Road","width_m":2000}}`,
		"cells":    `{"type":"Feature","properties":{"name":"Cells","cells":["871f1d489ffffff"]}}`,
	} {
		var made, read struct {
			ID         string
			Geometry   json.RawMessage
			Properties map[string]any
		}
		h.must(201, h.as(tracking.Carrier, "POST", "/api/v1/fences", body)).into(&made)
		h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/fences/"+made.ID, "")).into(&read)
		var want struct {
			Geometry   json.RawMessage
			Properties map[string]any
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatal(err)
		}
		if want.Geometry != nil && string(read.Geometry) != string(want.Geometry) {
			t.Errorf("%s came back as %s", name, read.Geometry)
		}
		for k, v := range want.Properties {
			a, _ := json.Marshal(v)
			b, _ := json.Marshal(read.Properties[k])
			if string(a) != string(b) {
				t.Errorf("%s: %s came back as %s", name, k, b)
			}
		}
		if read.Properties["owner"] != string(h.party[tracking.Carrier]) {
			t.Errorf("%s is %v's", name, read.Properties["owner"])
		}
		h.must(404, h.as(tracking.Shipper, "GET", "/api/v1/fences/"+made.ID, ""))
		h.must(404, h.as(tracking.Shipper, "GET", "/api/v1/fences/"+made.ID+"/visits", ""))
		var in struct{ Visits []tracking.FenceVisit }
		if h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/fences/"+made.ID+"/visits", "")).into(&in); len(in.Visits) != 1 || in.Visits[0].Unit != "KA-7723" {
			t.Errorf("%s: visits %+v", name, in.Visits)
		}
		h.must(404, h.as(tracking.Shipper, "PUT", "/api/v1/fences/"+made.ID, body))
		h.must(404, h.as(tracking.Shipper, "DELETE", "/api/v1/fences/"+made.ID, ""))
		h.must(200, h.as(tracking.Carrier, "PUT", "/api/v1/fences/"+made.ID, strings.Replace(body, `"name":"`, `"name":"New `, 1)))
		h.must(204, h.as(tracking.Carrier, "DELETE", "/api/v1/fences/"+made.ID, ""))
		h.must(404, h.as(tracking.Carrier, "GET", "/api/v1/fences/"+made.ID, ""))
	}
	for name, body := range map[string]string{
		"crosses itself": `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]},"properties":{"name":"Bow"}}`,
		"no radius":      `{"type":"Feature","geometry":{"type":"Point","coordinates":[10,50]},"properties":{"name":"Yard"}}`,
		"no width":       `{"type":"Feature","geometry":{"type":"LineString","coordinates":[[10,50],[11,50]]},"properties":{"name":"Yard"}}`,
		"no geometry":    `{"type":"Feature","properties":{"name":"Yard"}}`,
		"a collection":   `{"type":"Feature","geometry":{"type":"MultiPoint","coordinates":[[10,50]]},"properties":{"name":"Yard"}}`,
		"no cell":        `{"type":"Feature","properties":{"name":"Yard","cells":["zz"]}}`,
		"no name":        `{"type":"Feature","geometry":{"type":"Point","coordinates":[10,50]},"properties":{"name":" ","radius_m":500}}`,
		"off the earth":  `{"type":"Feature","geometry":{"type":"Point","coordinates":[10,95]},"properties":{"name":"Yard","radius_m":500}}`,
		"not a feature":  `{"type":"Point","properties":{"name":"Yard"}}`,
	} {
		if p := h.must(422, h.as(tracking.Carrier, "POST", "/api/v1/fences", body)).problem(); p.Detail == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if n := len(h.world.fences); n != 0 {
		t.Errorf("%d fences are left over", n)
	}
}

func TestRulesAndHooks(t *testing.T) {
	h := newHarness(t)
	var hook tracking.Hook
	h.must(201, h.as(tracking.Shipper, "POST", "/api/v1/hooks", `{"name":"TMS","url":"https://tms.example/in"}`)).into(&hook)
	if hook.Secret == "" {
		t.Error("the secret is not told")
	}
	var again tracking.Hook
	h.must(200, h.as(tracking.Shipper, "PUT", "/api/v1/hooks/"+string(hook.ID), `{"name":"TMS 2","url":"https://tms.example/in"}`)).into(&again)
	if list := h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/hooks", "")); again.Secret != "" || strings.Contains(list.Body.String(), "whsec_") {
		t.Errorf("a secret is told twice: %+v, %s", again, list.Body)
	}
	for _, bad := range []string{
		`{"name":"x"}`, `{"name":"x","url":"ftp://x.example"}`, `{"name":"x","url":"https://u:p@x.example"}`, `{"name":"x","url":"https://x.example","mail":["a@b.example"]}`,
		`{"name":"x","mail":["a@b.example\r\nBcc: c@d.example"]}`, `{"name":"x","mail":["nobody"]}`,
	} {
		h.must(422, h.as(tracking.Shipper, "POST", "/api/v1/hooks", bad))
	}
	var rule tracking.AlertRule
	h.must(201, h.as(tracking.Shipper, "POST", "/api/v1/alert-rules", `{"name":"Seals","kinds":["seal-opened"],"severity":"critical","hooks":["`+string(hook.ID)+`"]}`)).into(&rule)
	if rule.Party != h.party[tracking.Shipper] || rule.ID == "" {
		t.Errorf("%+v", rule)
	}
	for _, bad := range []string{
		`{"name":"x","kinds":["no-such"],"severity":"info"}`, `{"name":"x","kinds":[],"severity":"info"}`, `{"name":"x","kinds":["silent"],"severity":"dire"}`,
		`{"name":"x","kinds":["alert-raised"],"severity":"info"}`,
	} {
		h.must(422, h.as(tracking.Shipper, "POST", "/api/v1/alert-rules", bad))
	}
	h.must(404, h.as(tracking.Carrier, "DELETE", "/api/v1/alert-rules/"+string(rule.ID), ""))
	h.must(404, h.as(tracking.Carrier, "DELETE", "/api/v1/hooks/"+string(hook.ID), ""))
	h.must(204, h.as(tracking.Shipper, "DELETE", "/api/v1/alert-rules/"+string(rule.ID), ""))
	h.must(204, h.as(tracking.Dispatcher, "DELETE", "/api/v1/hooks/"+string(hook.ID), ""))
}

func TestAlerts(t *testing.T) {
	h := newHarness(t)
	h.world.alerts = []tracking.Alert{
		{ID: "1-0-r", Name: "Seals", Party: h.party[tracking.Shipper], State: tracking.AlertOpen, Deliveries: []tracking.Delivery{{Hook: "h", Round: 1, State: tracking.DeliveryDead, Error: "it answered 500"}}},
		{ID: "2-0-r", Party: h.party[tracking.Carrier], State: tracking.AlertClosed},
	}
	var list struct {
		Alerts []tracking.Alert
		Total  int
	}
	h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/alerts", "")).into(&list)
	if list.Total != 1 || list.Alerts[0].ID != "1-0-r" {
		t.Errorf("%+v", list)
	}
	h.must(200, h.as(tracking.Dispatcher, "GET", "/api/v1/alerts?state=closed", "")).into(&list)
	if list.Total != 1 || list.Alerts[0].ID != "2-0-r" {
		t.Errorf("%+v", list)
	}
	var alert tracking.Alert
	h.must(200, h.as(tracking.Shipper, "POST", "/api/v1/alerts/1-0-r/actions", `{"what":"snooze","reason":"the driver calls back","until":"2026-11-23T14:00:00Z"}`)).into(&alert)
	if len(alert.Actions) != 1 || alert.Actions[0].By != h.party[tracking.Shipper] {
		t.Errorf("%+v", alert)
	}
	for _, bad := range []string{`{"what":"snooze","until":"2026-11-23T14:00:00Z"}`, `{"what":"snooze","reason":"x","until":"2020-01-01T00:00:00Z"}`, `{"what":"assign"}`, `{"what":"forget"}`} {
		h.must(422, h.as(tracking.Shipper, "POST", "/api/v1/alerts/1-0-r/actions", bad))
	}
	h.must(404, h.as(tracking.Carrier, "POST", "/api/v1/alerts/1-0-r/actions", `{"what":"acknowledge"}`))
	var dead struct {
		Deliveries []struct{ Alert, Hook, Error string }
		Total      int
	}
	h.must(200, h.as(tracking.Shipper, "GET", "/api/v1/deliveries", "")).into(&dead)
	if dead.Total != 1 || dead.Deliveries[0].Error != "it answered 500" {
		t.Errorf("%+v", dead)
	}
	h.must(204, h.as(tracking.Shipper, "POST", "/api/v1/deliveries/1-0-r/h/replay", ""))
	h.must(404, h.as(tracking.Carrier, "POST", "/api/v1/deliveries/1-0-r/h/replay", ""))
	if len(h.world.again) != 1 {
		t.Errorf("asked for again: %v", h.world.again)
	}
	var kinds struct{ Kinds []tracking.EventKind }
	h.must(200, h.as(tracking.Carrier, "GET", "/api/v1/event-kinds", "")).into(&kinds)
	if len(kinds.Kinds) < 30 {
		t.Errorf("%d kinds", len(kinds.Kinds))
	}
}

// Whatever is sent as a fence is taken or refused, and what is taken comes out as what
// can be sent again.
func FuzzFence(f *testing.F) {
	for _, seed := range []string{
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[179,50],[-179,50],[-179,51],[179,51],[179,50]]]},"properties":{"name":"x"}}`,
		`{"type":"Feature","geometry":{"type":"Point","coordinates":[10,50]},"properties":{"name":"x","radius_m":500}}`,
		`{"type":"Feature","geometry":{"type":"LineString","coordinates":[[10,50],[11,50.5]]},"properties":{"name":"x","width_m":2000}}`,
		`{"type":"Feature","properties":{"name":"x","cells":["871f1d489ffffff"]}}`,
		`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[]},"properties":{"name":"x"}}`,
		`{"type":"Feature","geometry":null,"properties":null}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		h := newHarness(t)
		a := h.as(tracking.Carrier, "POST", "/api/v1/fences", body)
		switch {
		case a.Code == 201:
			h.must(201, h.as(tracking.Carrier, "POST", "/api/v1/fences", strings.ReplaceAll(a.Body.String(), "\n", "")))
		case a.Code < 400 || a.Code >= 500:
			t.Fatalf("%d: %s", a.Code, a.Body)
		}
	})
}
