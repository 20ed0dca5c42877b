package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"corridor/tracking"
	"corridor/tracking/notify"
	"corridor/web/api"
)

// A carrier draws a fence, has its own units watched, is told by a signed call and on
// the stream, and acknowledges; another carrier sees nothing of it. After a restart it
// is all still there, and nothing is told twice.
func TestAlertsEndToEnd(t *testing.T) {
	calls := make(chan notify.Message, 10)
	signature := make(chan bool, 10)
	var secret string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var at int64
		_, _ = fmt.Sscanf(r.Header.Get(notify.HeaderSignature), "t=%d,", &at)
		signature <- r.Header.Get(notify.HeaderSignature) == notify.Sign(secret, time.Unix(at, 0), body)
		var m notify.Message
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		calls <- m
	}))
	defer receiver.Close()
	config := serveConfig{adminKey: adminKey, data: t.TempDir(), hooksPrivate: true}
	noPlanner := func(a *app) {
		a.openPlanner = func() (api.Planner, api.Places, error) { return nil, nil, nil }
	}
	s := launch(t, config, noPlanner)
	s.await()
	admin := s.as(adminKey)
	_, mine := admin.party("Mine", tracking.Carrier)
	_, other := admin.party("Other", tracking.Carrier)

	mine.must(201, "POST", "/api/v1/fences", `{"type":"Feature","geometry":{"type":"Point","coordinates":[10,50]},"properties":{"name":"Yard","radius_m":1000}}`, nil)
	var hook tracking.Hook
	mine.must(201, "POST", "/api/v1/hooks", fmt.Sprintf(`{"name":"TMS","url":%q}`, receiver.URL), &hook)
	secret = hook.Secret
	other.must(422, "POST", "/api/v1/alert-rules", fmt.Sprintf(`{"name":"x","kinds":["fence-entered"],"severity":"info","hooks":[%q]}`, hook.ID), nil)
	mine.must(201, "POST", "/api/v1/alert-rules", fmt.Sprintf(`{"name":"Home","kinds":["fence-entered"],"severity":"warning","hooks":[%q]}`, hook.ID), nil)
	ws := mine.dial("/api/v1/stream", http.Header{"Sec-WebSocket-Protocol": {"corridor.v1.json"}})
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","bbox":[-180,-90,180,90],"zoom":9}`)); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour).UTC()
	report := func(c client, unit string, minutes int, lat float64) {
		t.Helper()
		var r tracking.Receipt
		c.must(200, "POST", "/api/v1/positions", fmt.Sprintf(`[{"unit":%q,"time":%q,"lat":%v,"lon":10}]`, unit, at.Add(time.Duration(minutes)*time.Minute).Format(time.RFC3339), lat), &r)
		if r.Stored != 1 {
			t.Fatalf("%+v", r)
		}
	}
	report(other, "OTHER", 0, 50)
	report(mine, "MINE", 0, 50.02)
	report(mine, "MINE", 2, 50.001)
	raised := await(t, ws, "the alert", func(m message) bool { return m.Event != nil && m.Event.Kind == tracking.EventAlert })
	call := <-calls
	if string(call.Alert.ID) != raised.Event.Where || call.Alert.Event.Unit != "MINE" || call.Alert.Event.Where != "Yard" || !<-signature {
		t.Errorf("called with %+v, the stream told %+v", call, raised.Event)
	}
	other.must(404, "POST", "/api/v1/alerts/"+string(call.Alert.ID)+"/actions", `{"what":"close"}`, nil)
	mine.must(200, "POST", "/api/v1/alerts/"+string(call.Alert.ID)+"/actions", `{"what":"acknowledge","reason":"seen"}`, nil)
	var list struct{ Alerts []tracking.Alert }
	for { // the answer of the call is kept behind it
		if mine.must(200, "GET", "/api/v1/alerts", "", &list); list.Alerts[0].Deliveries[0].State == tracking.DeliveryDelivered {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}

	s = launch(t, config, noPlanner)
	s.await()
	mine, other = s.as(mine.key), s.as(other.key)
	mine.must(200, "GET", "/api/v1/alerts", "", &list)
	if len(list.Alerts) != 1 || list.Alerts[0].State != tracking.AlertAcknowledged || list.Alerts[0].Deliveries[0].State != tracking.DeliveryDelivered || list.Alerts[0].Count != 1 {
		t.Errorf("%+v", list)
	}
	other.must(200, "GET", "/api/v1/alerts", "", &list)
	if len(list.Alerts) != 0 {
		t.Errorf("another's alerts: %+v", list)
	}
	mine.must(204, "POST", "/api/v1/deliveries/"+string(call.Alert.ID)+"/"+string(hook.ID)+"/replay", "", nil)
	if again := <-calls; again.Alert.ID != call.Alert.ID || again.Delivery == call.Delivery || !<-signature {
		t.Errorf("asked for again: %+v", again)
	}
}
