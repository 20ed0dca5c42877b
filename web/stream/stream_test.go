package stream_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/web/stream"
)

var now0 = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// watcher hands out watches that say what the test tells them to.
type watcher struct {
	snapshot func(tracking.Interest, *tracking.Resume) tracking.Snapshot
	err      error
	made     chan *watch
}

func (w *watcher) Watch(i tracking.Interest, r *tracking.Resume) (tracking.Watch, error) {
	if w.err != nil {
		return nil, w.err
	}
	x := &watch{interest: i, resume: r, deltas: make(chan tracking.Delta, 10_000), errs: make(chan error, 1), closed: make(chan struct{})}
	if w.snapshot != nil {
		x.snapshot = w.snapshot(i, r)
	}
	w.made <- x
	return x, nil
}

type watch struct {
	interest tracking.Interest
	resume   *tracking.Resume
	snapshot tracking.Snapshot
	deltas   chan tracking.Delta
	errs     chan error
	closed   chan struct{}
	once     sync.Once

	mu     sync.Mutex // guards what follows
	ready  []tracking.Delta
	failed error
}

func (w *watch) Snapshot() tracking.Snapshot { return w.snapshot }
func (w *watch) Next(ctx context.Context) (tracking.Delta, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case len(w.ready) > 0:
		d := w.ready[0]
		w.ready = w.ready[1:]
		return d, nil
	case w.failed != nil:
		return tracking.Delta{}, w.failed
	case ctx.Err() == nil:
		panic("it would wait for ever")
	}
	return tracking.Delta{}, context.Cause(ctx)
}

// Notify takes what the test says until the watch is closed.
func (w *watch) Notify(f func()) {
	go func() {
		for {
			select {
			case d := <-w.deltas:
				w.mu.Lock()
				w.ready = append(w.ready, d)
				w.mu.Unlock()
			case err := <-w.errs:
				w.mu.Lock()
				w.failed = err
				w.mu.Unlock()
			case <-w.closed:
				return
			}
			f()
		}
	}()
}
func (w *watch) Close() { w.once.Do(func() { close(w.closed) }) }

// site is a server with one stream.
type site struct {
	t       *testing.T
	w       *watcher
	s       *stream.Server
	url     string
	host    string
	party   atomic.Pointer[tracking.Party]
	metrics *prometheus.Registry
}

func newSite(t *testing.T, change ...func(*stream.Config)) *site {
	t.Helper()
	x := &site{t: t, w: &watcher{made: make(chan *watch, 100)}, metrics: prometheus.NewRegistry()}
	x.party.Store(&tracking.Party{ID: "p1", Role: tracking.Dispatcher})
	c := stream.Config{
		Watcher: x.w, Metrics: x.metrics, Clock: func() time.Time { return now0 },
		Authenticate: func(r *http.Request) (tracking.Party, bool) {
			p := x.party.Load()
			if p == nil || r.Header.Get("Authorization") == "Bearer wrong" {
				return tracking.Party{}, false
			}
			return *p, true
		},
		Origins: []string{"https://ops.example.com"},
	}
	for _, f := range change {
		f(&c)
	}
	x.s = stream.New(c)
	srv := httptest.NewServer(x.s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := x.s.Drain(ctx); err != nil {
			t.Errorf("Drain: %v", err)
		}
		srv.Close()
	})
	x.host = strings.TrimPrefix(srv.URL, "http://")
	x.url = "ws://" + x.host
	return x
}

type client struct {
	*websocket.Conn
	t *testing.T
}

func (x *site) dial(protocols ...string) *client {
	x.t.Helper()
	d := websocket.Dialer{Subprotocols: protocols}
	ws, _, err := d.Dial(x.url, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
	return &client{ws, x.t}
}

func (c *client) say(s string) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(s)); err != nil {
		c.t.Fatal(err)
	}
}

// hear reads a message as JSON.
func (c *client) hear() map[string]any {
	c.t.Helper()
	kind, b, err := c.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	if kind != websocket.TextMessage {
		c.t.Fatalf("got a binary message of %d bytes", len(b))
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		c.t.Fatalf("%v in %s", err, b)
	}
	return m
}

// closes reads on to the close and returns its code.
func (c *client) closes() int {
	c.t.Helper()
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			var e *websocket.CloseError
			if !errors.As(err, &e) {
				c.t.Fatalf("no close frame: %v", err)
			}
			return e.Code
		}
	}
}

func unit(id string, lat, lon float64, age time.Duration) tracking.UnitState {
	return tracking.UnitState{
		Unit: tracking.UnitID(id), Carrier: "c1", Mode: geodata.Road, Fixes: 1,
		Latest: &tracking.Fix{
			Position: tracking.Position{
				Unit: tracking.UnitID(id), Time: now0.Add(-age), Lat: lat, Lon: lon,
				SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(271),
			},
			Received: now0, Seq: 9,
		},
	}
}

func js(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}

func TestSubscribe(t *testing.T) {
	x := newSite(t)
	promise := now0.Add(time.Hour)
	x.w.snapshot = func(tracking.Interest, *tracking.Resume) tracking.Snapshot {
		moving := unit("T-1", 36.07, 120.32, 2*time.Second)
		moving.Shipment, moving.Simulated = "s1", true
		return tracking.Snapshot{
			Epoch: "e1", Seq: 41, Units: []tracking.UnitState{moving, {Unit: "鲁B 1", Carrier: "c1", Mode: geodata.Sea}},
			Shipments: []tracking.Shipment{{ID: "s1", Reference: "PO 7", Unit: "T-1", Status: "under-way", Promise: &promise}},
			ETAs:      []tracking.ETA{{Shipment: "s1", DoneKM: 5, TotalKM: 10}},
		}
	}
	c := x.dial()
	c.say(`{"type":"subscribe","bbox":[170,-10,-170,10],"zoom":4.5,"units":["A"],"shipments":["s1"],"resume":{"epoch":"e1","seq":17}}`)
	m := c.hear()
	w := <-x.w.made
	b := w.interest.BBox
	if b == nil || b.Min[0] != 170 || b.Min[1] != -10 || b.Max[0] != -170 || b.Max[1] != 10 {
		t.Errorf("bbox %v", b)
	}
	expect(t, "zoom", w.interest.Zoom, 4.5)
	expect(t, "units", w.interest.Units, []tracking.UnitID{"A"})
	expect(t, "shipments", w.interest.Shipments, []tracking.ShipmentID{"s1"})
	expect(t, "viewer", w.interest.Viewer, *x.party.Load())
	expect(t, "resume", w.resume, &tracking.Resume{Epoch: "e1", Seq: 17})

	eta := m["shipments"].([]any)[0].(map[string]any)["eta"].(map[string]any)
	expect(t, "eta", eta["total_km"], 10.0)
	delete(m["shipments"].([]any)[0].(map[string]any), "eta")
	expect(t, "snapshot", any(m), js(t, `{"type":"snapshot","seq":41,"epoch":"e1","resumed":false,
		"units":[{"unit":"T-1","carrier":"c1","mode":"road","shipment":"s1","simulated":true,"lat":36.07,"lon":120.32,
			"time":"2026-12-01T07:59:58Z","received":"2026-12-01T08:00:00Z","speed_kmh":62.5,"course_deg":271},
			{"unit":"鲁B 1","carrier":"c1","mode":"sea"}],
		"shipments":[{"id":"s1","reference":"PO 7","unit":"T-1","corridor":"","title":"","origin":"","destination":"","origin_names":{"en":""},"destination_names":{"en":""},
			"status":"under-way","promise":"2026-12-01T09:00:00Z"}]}`))

	w.deltas <- tracking.Delta{Seq: 42, Units: []tracking.UnitState{unit("T-1", 36.08, 120.33, 0)}}
	m = c.hear()
	expect(t, "positions", m["type"], "positions")
	expect(t, "seq", m["seq"], 42.0)
	expect(t, "lat", m["units"].([]any)[0].(map[string]any)["lat"], 36.08)

	// Another interest on the same connection: events go on from what was sent.
	c.say(`{"type":"subscribe","units":["B"]}`)
	<-w.closed
	w = <-x.w.made
	expect(t, "resume of the new interest", w.resume, &tracking.Resume{Epoch: "e1", Seq: 42, NewInterest: true})
	c.hear()
	expect(t, "snapshots counted", value(t, x.metrics, "corridor_stream_messages_total", "snapshot"), 2.0)
}

// A client cut off after any message resumes from its seq: no event after it may
// have been sent, no position up to it may be missing.
func TestSeqIsAPlaceToResumeFrom(t *testing.T) {
	x := newSite(t)
	x.w.snapshot = func(tracking.Interest, *tracking.Resume) tracking.Snapshot {
		return tracking.Snapshot{Epoch: "e", Seq: 10}
	}
	c := x.dial()
	c.say(`{"type":"subscribe"}`)
	c.hear()
	w := <-x.w.made
	w.deltas <- tracking.Delta{
		Seq: 20, Units: []tracking.UnitState{unit("A", 1, 1, 0)}, Cells: []tracking.CellCount{},
		ETAs: []tracking.ETA{{Shipment: "s"}},
		Events: []tracking.Event{
			{Seq: 12, N: 0, Kind: "departed"}, {Seq: 12, N: 1, Kind: "border-crossed"}, {Seq: 15, N: 3, Kind: "arrived"},
		},
	}
	type message struct {
		kind string
		seq  float64
	}
	var got []message
	for range 6 {
		m := c.hear()
		got = append(got, message{m["type"].(string), m["seq"].(float64)})
	}
	expect(t, "messages", got, []message{{"cells", 10}, {"positions", 10}, {"eta", 10}, {"event", 11}, {"event", 14}, {"event", 20}})
}

func TestBinary(t *testing.T) {
	x := newSite(t)
	x.w.snapshot = func(tracking.Interest, *tracking.Resume) tracking.Snapshot {
		return tracking.Snapshot{Epoch: "e", Seq: 1, Units: []tracking.UnitState{unit("A", 1, 1, 0)}}
	}
	c := x.dial("corridor.v1.json.gz", stream.Binary, stream.JSON)
	expect(t, "subprotocol", c.Subprotocol(), stream.Binary)
	c.say(`{"type":"subscribe","units":["A"]}`)
	m := c.hear()
	expect(t, "handles", m["handles"], js(t, `[{"h":0,"unit":{"unit":"A","carrier":"c1","mode":"road"}}]`))
	w := <-x.w.made

	silent := unit("B", -89.9999999, 179.9999999, 90*time.Second)
	silent.Latest.SpeedKMH, silent.Latest.CourseDeg = tracking.Measure{}, tracking.Measure{}
	old, ahead := unit("OLD", 2, 2, 30*time.Hour), unit("AHEAD", 3, 3, -time.Hour)
	w.deltas <- tracking.Delta{Seq: 7, Units: []tracking.UnitState{
		unit("A", 36.07, -120.32, 1400*time.Millisecond), silent, old, ahead, {Unit: "NOWHERE"},
	}}
	m = c.hear()
	expect(t, "first", m["type"], "positions")
	expect(t, "its seq", m["seq"], 1.0)
	if n := len(m["units"].([]any)); n != 3 {
		t.Errorf("%d units came as JSON, want the three a record cannot describe", n)
	}
	m = c.hear()
	expect(t, "second", any(m), js(t, `{"type":"handles","handles":[{"h":1,"unit":{"unit":"B","carrier":"c1","mode":"road"}}]}`))
	kind, b, err := c.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage {
		t.Fatalf("third is of kind %d, %v", kind, err)
	}
	if len(b) != 24+2*18 {
		t.Fatalf("frame of %d bytes", len(b))
	}
	le := binary.LittleEndian
	expect(t, "head", b[:4], []byte{1, 1, 0, 0})
	expect(t, "seq", le.Uint64(b[4:]), uint64(7))
	expect(t, "time", int64(le.Uint64(b[12:])), now0.UnixMilli())
	expect(t, "count", le.Uint32(b[20:]), uint32(2))
	type record struct {
		handle             uint32
		lat, lon           int32
		speed, course, age uint16
	}
	read := func(b []byte) record {
		return record{le.Uint32(b), int32(le.Uint32(b[4:])), int32(le.Uint32(b[8:])), le.Uint16(b[12:]), le.Uint16(b[14:]), le.Uint16(b[16:])}
	}
	expect(t, "record of A", read(b[24:]), record{0, 360700000, -1203200000, 625, 27100, 1})
	expect(t, "record of B", read(b[42:]), record{1, -899999999, 1799999999, math.MaxUint16, math.MaxUint16, 90})

	// What a record does not say is said again when it changes.
	a := unit("A", 36.07, -120.32, 0)
	a.Shipment = "s9"
	w.deltas <- tracking.Delta{Seq: 8, Units: []tracking.UnitState{a}}
	m = c.hear()
	expect(t, "introduced again", any(m), js(t, `{"type":"handles","handles":[{"h":0,"unit":{"unit":"A","carrier":"c1","mode":"road","shipment":"s9"}}]}`))
	if kind, _, err := c.ReadMessage(); kind != websocket.BinaryMessage || err != nil {
		t.Fatalf("got kind %d, %v", kind, err)
	}
	w.deltas <- tracking.Delta{Seq: 9, Units: []tracking.UnitState{a}}
	if kind, _, err := c.ReadMessage(); kind != websocket.BinaryMessage || err != nil {
		t.Fatalf("got kind %d, %v, want no handles a second time", kind, err)
	}
}

func TestHandshake(t *testing.T) {
	x := newSite(t)
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"no origin":         {nil, 101},
		"same host":         {http.Header{"Origin": {"http://" + x.host}}, 101},
		"same host, https":  {http.Header{"Origin": {"https://" + strings.ToUpper(x.host)}}, 101},
		"allowed":           {http.Header{"Origin": {"https://OPS.example.com"}}, 101},
		"foreign":           {http.Header{"Origin": {"https://evil.example.com"}}, 403},
		"foreign, like us":  {http.Header{"Origin": {"https://" + x.host + ".evil.example.com"}}, 403},
		"foreign, with key": {http.Header{"Origin": {"https://evil.example.com"}, "Authorization": {"Bearer right"}}, 403},
		"other port":        {http.Header{"Origin": {"http://127.0.0.1:1"}}, 403},
		"null":              {http.Header{"Origin": {"null"}}, 403},
		"garbage":           {http.Header{"Origin": {"://"}}, 403},
		"wrong key":         {http.Header{"Authorization": {"Bearer wrong"}}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			ws, res, err := websocket.DefaultDialer.Dial(x.url, c.header)
			if ws != nil {
				defer ws.Close()
			}
			if res == nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
			if c.status == 101 {
				return
			}
			var p struct {
				Status int
				Detail string
			}
			if err := json.NewDecoder(res.Body).Decode(&p); err != nil || p.Status != c.status || p.Detail == "" {
				t.Errorf("problem %+v, %v", p, err)
			}
			expect(t, "content type", res.Header.Get("Content-Type"), "application/problem+json")
		})
	}
	res, err := http.Get("http://" + x.host)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	expect(t, "plain GET", res.StatusCode, http.StatusBadRequest)
	if got := value(t, x.metrics, "corridor_stream_refused_total", "origin"); got != 6 {
		t.Errorf("%v foreign origins counted, want 6", got)
	}
	if got := value(t, x.metrics, "corridor_stream_refused_total", "signed-out"); got != 1 {
		t.Errorf("%v wrong keys counted, want 1", got)
	}
}

// value reads a metric with one label.
func value(t *testing.T, g prometheus.Gatherer, name, label string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 0 || m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

func TestGarbage(t *testing.T) {
	for name, messages := range map[string][]string{
		"not JSON":       {"{", "x", ""},
		"unknown type":   {`{"type":"publish"}`, `{"type":""}`, `{}`},
		"bad bbox":       {`{"type":"subscribe","bbox":[1,2,3]}`, `{"type":"subscribe","bbox":[0,10,1,-10]}`, `{"type":"subscribe","bbox":[0,-91,1,2]}`},
		"bad zoom":       {`{"type":"subscribe","zoom":-1}`, `{"type":"subscribe","zoom":1e9}`, `{"type":"subscribe","zoom":"x"}`},
		"bad longitudes": {`{"type":"subscribe","bbox":[-1e9,0,1,1]}`, `[]`, `"subscribe"`},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t)
			c := x.dial()
			for i, m := range messages {
				c.say(m)
				if i == len(messages)-1 {
					break
				}
				e := c.hear()
				if e["type"] != "error" || e["detail"] == "" || e["title"] == "" {
					t.Errorf("answer to %s: %v", m, e)
				}
			}
			expect(t, "close code", c.closes(), stream.CloseGarbage)
		})
	}
	t.Run("the connection goes on", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		c.say("{")
		c.hear()
		c.say(`{"type":"subscribe","unknown":true}`)
		expect(t, "answer", c.hear()["type"], "snapshot")
	})
	t.Run("too long", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		c.say(`{"type":"subscribe","units":["` + strings.Repeat("x", 70_000) + `"]}`)
		expect(t, "close code", c.closes(), stream.CloseGarbage)
	})
	t.Run("far too long", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		_ = c.WriteMessage(websocket.TextMessage, make([]byte, 3<<20)) // cut off in the middle
		if _, _, err := c.ReadMessage(); err == nil {
			t.Error("the connection goes on")
		}
	})
	t.Run("binary", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		_ = c.WriteMessage(websocket.BinaryMessage, []byte{1})
		expect(t, "answer", c.hear()["type"], "error")
	})
}

func TestEnds(t *testing.T) {
	t.Run("slow", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		w := <-x.w.made
		w.errs <- fmt.Errorf("wrapped: %w", tracking.ErrSlow)
		expect(t, "close code", c.closes(), stream.CloseSlow)
		<-w.closed
	})
	t.Run("trouble", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		(<-x.w.made).errs <- errors.New("the database burns")
		expect(t, "close code", c.closes(), websocket.CloseTryAgainLater)
	})
	t.Run("tracker stopped", func(t *testing.T) {
		x := newSite(t)
		x.w.err = tracking.ErrClosed
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		expect(t, "close code", c.closes(), websocket.CloseGoingAway)
	})
	t.Run("key revoked", func(t *testing.T) {
		x := newSite(t, func(c *stream.Config) { c.PingEvery = 5 * time.Millisecond })
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		c.hear()
		x.party.Store(nil)
		expect(t, "close code", c.closes(), stream.CloseSignedOut)
	})
	t.Run("idle", func(t *testing.T) {
		x := newSite(t, func(c *stream.Config) { c.IdleAfter = 30 * time.Millisecond; c.PingEvery = 10 * time.Millisecond })
		c := x.dial()
		c.SetPingHandler(func(string) error { return nil }) // never answers
		expect(t, "close code", c.closes(), stream.CloseIdle)
	})
	t.Run("answering pings keeps it open", func(t *testing.T) {
		x := newSite(t, func(c *stream.Config) { c.IdleAfter = 2 * time.Second; c.PingEvery = 20 * time.Millisecond })
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		w := <-x.w.made
		c.hear()
		pings := 0
		answer := c.PingHandler()
		c.SetPingHandler(func(s string) error {
			if pings++; pings == 120 { // longer than it may be idle
				w.deltas <- tracking.Delta{Seq: 5, Units: []tracking.UnitState{unit("A", 1, 1, 0)}}
			}
			return answer(s)
		})
		expect(t, "message after many pings", c.hear()["seq"], 5.0)
	})
	t.Run("client leaves", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		w := <-x.w.made
		_ = c.Close()
		<-w.closed
	})
	t.Run("stopping", func(t *testing.T) {
		x := newSite(t)
		c := x.dial()
		c.say(`{"type":"subscribe"}`)
		c.hear()
		w := <-x.w.made
		drained := make(chan error, 1)
		go func() { drained <- x.s.Drain(t.Context()) }()
		expect(t, "close code", c.closes(), websocket.CloseGoingAway)
		if err := <-drained; err != nil {
			t.Errorf("Drain: %v", err)
		}
		<-w.closed
		_, res, err := websocket.DefaultDialer.Dial(x.url, nil)
		if err == nil || res == nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("dial while stopping: %v, %v", res, err)
		}
	})
}

// A client that never reads must cost its own connection and nothing else.
func TestClientThatNeverReads(t *testing.T) {
	x := newSite(t, func(c *stream.Config) { c.WriteTimeout = 50 * time.Millisecond })
	c := x.dial()
	c.say(`{"type":"subscribe"}`)
	w := <-x.w.made
	var many []tracking.UnitState
	for i := range 5000 {
		many = append(many, unit(fmt.Sprint("U", i), 1, 1, 0))
	}
	for i := range 100 { // about 60 MB
		w.deltas <- tracking.Delta{Seq: uint64(i + 1), Units: many}
	}
	<-w.closed
	deadline := time.Now().Add(time.Minute)
	for value(t, x.metrics, "corridor_stream_ended_total", "4008") != 1 {
		if time.Now().After(deadline) {
			t.Fatal("it was not counted as slow")
		}
		time.Sleep(time.Millisecond)
	}
}

// Events keep their order and none is lost while the client changes its mind.
func TestChangingInterestUnderLoad(t *testing.T) {
	x := newSite(t)
	var seq atomic.Uint64
	x.w.snapshot = func(_ tracking.Interest, r *tracking.Resume) tracking.Snapshot {
		if r != nil {
			return tracking.Snapshot{Epoch: "e", Seq: r.Seq}
		}
		return tracking.Snapshot{Epoch: "e"}
	}
	c := x.dial()
	const events = 40
	go func() {
		for {
			var w *watch
			select {
			case w = <-x.w.made:
			case <-t.Context().Done():
				return
			}
			if w.resume != nil {
				seq.Store(w.resume.Seq) // as the real one: what was not sent comes again
			}
			for range events {
				n := seq.Add(1)
				w.deltas <- tracking.Delta{Seq: n, Events: []tracking.Event{{Seq: n, Kind: "departed"}}}
			}
		}
	}()
	go func() {
		for { // until the connection is closed: how often it is heard is not certain
			if c.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe"}`)) != nil {
				return
			}
			time.Sleep(200 * time.Microsecond)
		}
	}()
	last := 0.0
	for snapshots := 0; snapshots < 10 || last < 100; {
		m := c.hear()
		if m["type"] == "snapshot" {
			snapshots++
			continue
		}
		got := m["event"].(map[string]any)["seq"].(float64)
		if got != last+1 {
			t.Fatalf("event %v after %v", got, last)
		}
		last = got
	}
	_ = c.Close()
}

func TestNoGoroutineLeft(t *testing.T) {
	x := newSite(t)
	var clients []*client
	for range 20 {
		c := x.dial(stream.Binary)
		c.say(`{"type":"subscribe"}`)
		c.hear()
		clients = append(clients, c)
	}
	if got := value(t, x.metrics, "corridor_stream_connections", "bin"); got != 20 {
		t.Errorf("%v connections counted, want 20", got)
	}
	for i, c := range clients {
		if i%2 == 0 {
			_ = c.Close()
		}
	}
	for i, c := range clients {
		if i%2 == 1 {
			go func() { _, _, _ = c.ReadMessage() }()
		}
	}
	if err := x.s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Drain returns when every handler has; each handler waits for its writer.
	if got := value(t, x.metrics, "corridor_stream_connections", "bin"); got != 0 {
		t.Errorf("%v connections left", got)
	}
}

func FuzzClientMessage(f *testing.F) {
	for _, s := range []string{
		`{"type":"subscribe"}`, `{"type":"subscribe","bbox":[0,0,1,1],"zoom":3}`, `{`, `{"type":"subscribe","bbox":null}`,
		`{"type":"subscribe","bbox":[170,-10,-170,10],"units":["A"],"shipments":["s"],"resume":{"epoch":"e","seq":18446744073709551615}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := stream.Parse(b)
		if err != nil {
			return
		}
		if i.BBox != nil && !slices.ContainsFunc([]float64{i.BBox.Min[0], i.BBox.Min[1], i.BBox.Max[0], i.BBox.Max[1]}, math.IsNaN) &&
			(i.BBox.Min[1] > i.BBox.Max[1] || math.Abs(i.BBox.Min[1]) > 90) {
			t.Errorf("let in bbox %v", i.BBox)
		}
	})
}
