package feed

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/web"
)

// desk is the keys, the log and the sink of a test.
type desk struct {
	mu      sync.Mutex
	revoked bool
	fail    error
	seen    map[string]bool
	seq     uint64
	options tracking.AcceptOptions
	carrier tracking.PartyID
	hold    chan struct{} // when set, Accept waits for it
	held    chan struct{} // and says here that it does
}

func (d *desk) Authenticate(secret string) (tracking.Party, tracking.KeyID, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return tracking.Party{ID: "c1", Role: tracking.Carrier}, "k1", secret == "key" && !d.revoked
}

func (d *desk) Key(tracking.KeyID) (tracking.Party, bool) { return tracking.Party{}, false }
func (d *desk) Epoch() string                             { return "e1" }

func (d *desk) Seq() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seq
}

func (d *desk) Accept(_ context.Context, carrier tracking.PartyID, batch []tracking.Position, o tracking.AcceptOptions) (tracking.Receipt, error) {
	if d.hold != nil {
		d.held <- struct{}{}
		<-d.hold
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.options, d.carrier = o, carrier
	if d.fail != nil {
		return tracking.Receipt{}, d.fail
	}
	var r tracking.Receipt
	for i, p := range batch {
		id := string(p.Unit) + p.Time.String()
		switch {
		case p.Lat > 90:
			r.Refused = append(r.Refused, tracking.Refusal{Index: i, Reason: "latitude out of range", Code: "latitude"})
		case d.seen[id]:
			r.Duplicates++
		default:
			d.seen[id] = true
			d.seq++
			r.Stored++
		}
	}
	return r, nil
}

type harness struct {
	*desk
	feed *Server
	url  string
}

func newHarness(t *testing.T, change func(*Config)) *harness {
	t.Helper()
	d := &desk{seen: map[string]bool{}}
	shell, err := web.New(web.Config{
		Keys: d, SessionKey: make([]byte, 32), Clock: time.Now, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Sink: d, Log: d, Shell: shell, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}
	if change != nil {
		change(&c)
	}
	f := New(c)
	shell.Handle(web.Route{Method: "GET", Path: "/api/v1/feed", Access: web.Carriers, Socket: true, Handler: f})
	server := httptest.NewServer(shell)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := f.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		server.Close()
	})
	return &harness{d, f, "ws" + strings.TrimPrefix(server.URL, "http") + "/api/v1/feed"}
}

func (h *harness) dial(t *testing.T, query string, header http.Header) *websocket.Conn {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Authorization", "Bearer key")
	ws, _, err := websocket.DefaultDialer.Dial(h.url+query, header)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	return ws
}

func exchange(t *testing.T, ws *websocket.Conn, kind int, frame []byte) receipt {
	t.Helper()
	if err := ws.WriteMessage(kind, frame); err != nil {
		t.Fatal(err)
	}
	var r receipt
	_, body, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if !strings.Contains(string(body), `"refused":[`) {
		t.Errorf("refused is not a list: %s", body)
	}
	return r
}

func TestReceipts(t *testing.T) {
	h := newHarness(t, nil)
	ws := h.dial(t, "?mode=rail&simulated=true", nil)
	r := exchange(t, ws, websocket.TextMessage, []byte(`[{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36,"lon":120},
		{"unit":"T1"},{"unit":"T1","time":"2026-11-23T11:01:00Z","lat":91,"lon":120},{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36,"lon":120}]`))
	if r.Frame != 1 || r.Stored != 1 || r.Duplicates != 1 || len(r.Refused) != 2 || r.Refused[0].Index != 1 || r.Refused[1].Index != 2 {
		t.Errorf("text: %+v", r)
	}
	if r.Resume != (resume{"e1", 1}) || r.Error != nil {
		t.Errorf("resume: %+v", r)
	}
	if h.options != (tracking.AcceptOptions{Mode: geodata.Rail, Simulated: true}) || h.carrier != "c1" {
		t.Errorf("stored as %s with %+v", h.carrier, h.options)
	}

	frame, err := Encode([]tracking.Position{{Unit: "T2", Time: time.UnixMilli(1), Lat: 1, Lon: 2}, {Unit: "T2", Time: time.UnixMilli(2), Lat: 91, Lon: 2}})
	if err != nil {
		t.Fatal(err)
	}
	if r = exchange(t, ws, websocket.BinaryMessage, frame); r.Frame != 2 || r.Stored != 1 || len(r.Refused) != 1 || r.Refused[0].Index != 1 {
		t.Errorf("binary: %+v", r)
	}
	if r = exchange(t, ws, websocket.BinaryMessage, frame); r.Stored != 0 || r.Duplicates != 1 {
		t.Errorf("sent again: %+v", r)
	}
}

func TestAFrameAtFaultDoesNotEndTheConnection(t *testing.T) {
	h := newHarness(t, nil)
	ws := h.dial(t, "", nil)
	for _, tt := range []struct {
		kind int
		body string
		code string
	}{
		{websocket.TextMessage, `[{"unit":"T1","ti`, "malformed"},
		{websocket.TextMessage, ``, "malformed"},
		{websocket.BinaryMessage, "\x01", "malformed"},
		{websocket.BinaryMessage, "\x02\x01\x00\x00\x00\x00\x00\x00", "version"},
	} {
		if r := exchange(t, ws, tt.kind, []byte(tt.body)); r.Error == nil || r.Error.Code != tt.code || r.Error.Detail == "" || r.Error.RetryAfter != 0 {
			t.Errorf("%q: %+v", tt.body, r.Error)
		}
	}
	h.mu.Lock()
	h.fail = tracking.ErrFull
	h.mu.Unlock()
	good := []byte(`[{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36,"lon":120}]`)
	if r := exchange(t, ws, websocket.TextMessage, good); r.Error == nil || r.Error.Code != "log-full" || r.Error.RetryAfter == 0 || r.Stored != 0 {
		t.Errorf("full log: %+v %+v", r, r.Error)
	}
	h.mu.Lock()
	h.fail = nil
	h.mu.Unlock()
	if r := exchange(t, ws, websocket.TextMessage, good); r.Error != nil || r.Stored != 1 || r.Frame != 6 {
		t.Errorf("after all that: %+v", r)
	}
}

func TestAFrameThatIsTooLargeClosesWith1009(t *testing.T) {
	h := newHarness(t, nil)
	ws := h.dial(t, "", nil)
	_ = ws.WriteMessage(websocket.BinaryMessage, make([]byte, maxFrame+1))
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("%v", err)
	}
}

func TestRefusedHandshakes(t *testing.T) {
	h := newHarness(t, nil)
	for name, tt := range map[string]struct {
		query  string
		header http.Header
		status int
	}{
		"no key":         {"", http.Header{}, 401},
		"wrong key":      {"", http.Header{"Authorization": {"Bearer no"}}, 401},
		"foreign origin": {"", http.Header{"Authorization": {"Bearer key"}, "Origin": {"https://evil.example"}}, 403},
		"unknown mode":   {"?mode=barge", http.Header{"Authorization": {"Bearer key"}}, 422},
	} {
		_, answer, err := websocket.DefaultDialer.Dial(h.url+tt.query, tt.header)
		if err == nil || answer == nil || answer.StatusCode != tt.status || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %v %+v", name, err, answer)
		}
		if answer != nil {
			_ = answer.Body.Close()
		}
	}
}

func TestDrainFinishesTheFrame(t *testing.T) {
	h := newHarness(t, nil)
	h.hold, h.held = make(chan struct{}), make(chan struct{})
	ws := h.dial(t, "", nil)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`[{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36,"lon":120}]`)); err != nil {
		t.Fatal(err)
	}
	<-h.held
	drained := make(chan error)
	go func() { drained <- h.feed.Drain(context.Background()) }()
	for {
		h.feed.mu.Lock()
		draining := h.feed.draining
		h.feed.mu.Unlock()
		if draining {
			break
		}
		runtime.Gosched()
	}
	close(h.hold)
	var r receipt
	if err := ws.ReadJSON(&r); err != nil || r.Stored != 1 {
		t.Errorf("the receipt of the frame under way: %+v %v", r, err)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("close: %v", err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if _, answer, err := websocket.DefaultDialer.Dial(h.url, http.Header{"Authorization": {"Bearer key"}}); err == nil || answer.StatusCode != 503 {
		t.Errorf("a new connection: %v", err)
	}
}

func TestDrainGivesUp(t *testing.T) {
	h := newHarness(t, nil)
	h.hold, h.held = make(chan struct{}), make(chan struct{})
	ws := h.dial(t, "", nil)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`[{"unit":"T1","time":"2026-11-23T11:00:00Z","lat":36,"lon":120}]`)); err != nil {
		t.Fatal(err)
	}
	<-h.held
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	go close(h.hold)
	if err := h.feed.Drain(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestARevokedKeyEndsTheConnection(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.PingEvery = 5 * time.Millisecond })
	ws := h.dial(t, "", nil)
	h.mu.Lock()
	h.revoked = true
	h.mu.Unlock()
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, closeRevoked) {
		t.Errorf("%v", err)
	}
}

func TestSilenceEndsTheConnection(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.IdleAfter = 5 * time.Millisecond })
	ws := h.dial(t, "", nil)
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, closeIdle) {
		t.Errorf("%v", err)
	}
}
