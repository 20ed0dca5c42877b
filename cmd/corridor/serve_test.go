package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"corridor/carriers/simulate"
	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web/api"
)

// TestMain lets a test run this binary as corridor itself, to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("CORRIDOR_TEST_AS_MAIN") != "" {
		main()
		return
	}
	if os.Getenv("CORRIDOR_TEST_AS_TRACKER") != "" {
		if err := serveWithoutPlanner(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv("CORRIDOR_TEST_AS_BROADCAST") != "" {
		fmt.Println(bareBroadcast(os.Args[len(os.Args)-1]))
		return
	}
	os.Exit(m.Run())
}

// serveWithoutPlanner is corridor serve without the planner's networks, which take
// 300 MB and seconds of a start: for what only tracks.
func serveWithoutPlanner(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, logger, err := parseServe(args, os.Getenv, os.Stderr)
	if err != nil {
		return err
	}
	a := newApp(c, logger, time.Now, os.Stdout)
	a.openPlanner = func() (api.Planner, api.Places, error) { return nil, nil, nil }
	return a.Run(ctx)
}

const adminKey = "a-test-administrator-key-of-some-length"

// sharedPlanner opens the world once for all tests, and warms it up: under the race
// detector a cold plan may take longer than the API gives it.
var sharedPlanner = sync.OnceValues(func() (struct {
	api.Planner
	api.Places
}, error,
) {
	planner, places, err := openPlanner("", nil)
	if err == nil {
		warm(context.Background(), planner, places, slog.New(slog.DiscardHandler))
	}
	return struct {
		api.Planner
		api.Places
	}{planner, places}, err
})

// server is an app that runs in this process.
type server struct {
	t    *testing.T
	app  *app
	out  *buffer
	log  *buffer
	stop context.CancelFunc
	end  chan error
}

// buffer may be read while the server still writes to it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T, c serveConfig) *server {
	t.Helper()
	s := launch(t, c, nil)
	s.await()
	return s
}

// await waits until the server serves.
func (s *server) await() {
	s.t.Helper()
	select {
	case <-s.app.Serving():
	case err := <-s.end:
		s.t.Fatalf("did not start: %v\n%s", err, s.log)
	}
}

func launch(t *testing.T, c serveConfig, tune func(*app)) *server {
	t.Helper()
	c.addr = "127.0.0.1:0"
	if c.data == "" {
		c.data = t.TempDir()
	}
	s := &server{t: t, out: new(buffer), log: new(buffer), end: make(chan error, 1)}
	s.app = newApp(c, slog.New(slog.NewTextHandler(s.log, nil)), time.Now, s.out)
	s.app.openPlanner = func() (api.Planner, api.Places, error) {
		p, err := sharedPlanner()
		return p.Planner, p.Places, err
	}
	if tune != nil {
		tune(s.app)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	stopped := make(chan struct{})
	go func() {
		s.end <- s.app.Run(ctx)
		close(stopped)
	}()
	t.Cleanup(func() {
		cancel()
		<-stopped
	})
	return s
}

// halt stops the server as a signal does and returns what Run said.
func (s *server) halt() error {
	s.stop()
	return <-s.end
}

type client struct {
	t   testing.TB
	url string
	key string
}

func (s *server) as(key string) client { return client{s.t, s.app.base, key} }

func (c client) do(method, path, body string, header ...string) (int, []byte) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, b
}

func (c client) must(status int, method, path, body string, out any) {
	c.t.Helper()
	got, b := c.do(method, path, body)
	if got != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, b)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			c.t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
}

// party makes an organisation and a client that acts for it.
func (c client) party(name string, role tracking.Role) (tracking.PartyID, client) {
	c.t.Helper()
	var p tracking.Party
	c.must(201, "POST", "/api/v1/parties", fmt.Sprintf(`{"name":%q,"role":%q}`, name, role), &p)
	var k struct{ Key string }
	c.must(201, "POST", "/api/v1/parties/"+string(p.ID)+"/keys", "", &k)
	return p.ID, client{c.t, c.url, k.Key}
}

func (c client) dial(path string, header http.Header) *websocket.Conn {
	c.t.Helper()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Authorization", "Bearer "+c.key)
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(c.url, "http")+path, header)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(30 * time.Second))
	return ws
}

// message is what the stream sends, as far as these tests look at it.
type message struct {
	Type  string
	Seq   uint64
	Epoch string
	Units []struct {
		Unit      string
		Lat, Lon  float64
		Simulated bool
	}
	Event *tracking.Event
	ETA   *tracking.ETA
}

// await reads the stream until a message satisfies the condition.
func await(t *testing.T, ws *websocket.Conn, what string, ok func(message) bool) message {
	t.Helper()
	for {
		var m message
		_, b, err := ws.ReadMessage()
		if err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if ok(m) {
			return m
		}
	}
}

func positionsJSON(t *testing.T, positions []tracking.Position) string {
	t.Helper()
	b, err := json.Marshal(positions)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOneJourneyEndToEnd is the product in one test: a shipper plans Qingdao to
// Moscow and opens a shipment, a carrier reports, a dispatcher sees it move; then
// the server restarts and nothing is forgotten.
func TestOneJourneyEndToEnd(t *testing.T) {
	data := t.TempDir()
	s := start(t, serveConfig{data: data, adminKey: adminKey})
	admin := s.as(adminKey)
	_, shipper := admin.party("Qilu Fruit", tracking.Shipper)
	_, dispatcher := admin.party("Office", tracking.Dispatcher)
	carrierID, carrier := admin.party("Shandong Road", tracking.Carrier)

	depart := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Hour)
	var plan routing.Plan
	shipper.must(201, "POST", "/api/v1/plans", fmt.Sprintf(
		`{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":24200,"unit":"FTL","hs":"0808"},"depart":%q,"modes":["road","rail"]}`, depart.Format(time.RFC3339)), &plan)
	i := slices.IndexFunc(plan.Options, func(o routing.Option) bool { return strings.HasPrefix(o.Corridor, "road") })
	if i < 0 {
		t.Fatalf("no option by road: %+v", plan.Options)
	}
	option := plan.Options[i]
	var shipment tracking.Shipment
	shipper.must(201, "POST", "/api/v1/shipments", fmt.Sprintf(`{"plan_id":%q,"option_id":%q,"reference":"PO-7731"}`, plan.ID, option.ID), &shipment)
	dispatcher.must(200, "POST", "/api/v1/shipments/"+string(shipment.ID)+"/unit", fmt.Sprintf(`{"carrier":%q,"unit":"鲁B 12345"}`, carrierID), nil)

	ws := dispatcher.dial("/api/v1/stream", nil)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","bbox":[60,20,150,70],"zoom":4,"shipments":["`+string(shipment.ID)+`"]}`)); err != nil {
		t.Fatal(err)
	}
	await(t, ws, "the snapshot", func(m message) bool { return m.Type == "snapshot" })

	journey, err := simulate.New(option, 1)
	if err != nil {
		t.Fatal(err)
	}
	var track []tracking.Position
	for h := 1; h <= 40; h++ {
		at := time.Duration(h) * time.Hour
		track = append(track, position("鲁B 12345", journey.At(at), depart.Add(at)))
	}
	var receipt tracking.Receipt
	carrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, track[:39]), &receipt)
	if receipt.Stored != 39 || receipt.Duplicates != 0 || len(receipt.Refused) != 0 {
		t.Fatalf("receipt %+v", receipt)
	}
	carrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, track[30:]), &receipt)
	if receipt.Stored != 1 || receipt.Duplicates != 9 {
		t.Errorf("receipt of what overlaps %+v", receipt)
	}
	last := track[39]
	await(t, ws, "the unit where it was last", func(m message) bool {
		for _, u := range m.Units {
			if u.Unit == "鲁B 12345" && math.Abs(u.Lat-last.Lat) < 1e-6 && math.Abs(u.Lon-last.Lon) < 1e-6 {
				return true
			}
		}
		return false
	})

	check := func(s *server) {
		t.Helper()
		shipper := client{t, s.app.base, shipper.key}
		var feature struct {
			Geometry   struct{ Coordinates [][2]float64 }
			Properties struct{ Times []time.Time }
		}
		shipper.must(200, "GET", "/api/v1/shipments/"+string(shipment.ID)+"/track", "", &feature)
		// The shipper sees a day of what was before the shipment was opened.
		if n := len(feature.Geometry.Coordinates); n == 0 || n != len(feature.Properties.Times) {
			t.Errorf("the shipper sees %d positions and %d times", n, len(feature.Properties.Times))
		}
		var positions struct{ Positions []tracking.Fix }
		client{t, s.app.base, carrier.key}.must(200, "GET", "/api/v1/units/鲁B%2012345/track", "", &positions)
		if len(positions.Positions) != len(track) {
			t.Fatalf("%d positions are there, want %d", len(positions.Positions), len(track))
		}
		for i, f := range positions.Positions {
			if !f.Time.Equal(track[i].Time) || math.Abs(f.Lat-track[i].Lat) > 1e-6 || math.Abs(f.Lon-track[i].Lon) > 1e-6 {
				t.Errorf("position %d: %v %v,%v, want %v %v,%v", i, f.Time, f.Lat, f.Lon, track[i].Time, track[i].Lat, track[i].Lon)
			}
		}
		var unit struct{ Lat, Lon float64 }
		client{t, s.app.base, dispatcher.key}.must(200, "GET", "/api/v1/units/鲁B%2012345", "", &unit)
		if math.Abs(unit.Lat-last.Lat) > 1e-6 || math.Abs(unit.Lon-last.Lon) > 1e-6 {
			t.Errorf("the unit is at %+v", unit)
		}
		var eta tracking.ETA
		shipper.must(200, "GET", "/api/v1/shipments/"+string(shipment.ID)+"/eta", "", &eta)
		if !eta.Made.Equal(last.Time) || eta.DoneKM <= 0 || eta.DoneKM >= eta.TotalKM || !eta.Arrive.P90.After(eta.Arrive.P50) || !eta.Arrive.P50.After(eta.Made) {
			t.Errorf("forecast %+v", eta)
		}
		var events struct{ Events []tracking.Event }
		shipper.must(200, "GET", "/api/v1/shipments/"+string(shipment.ID)+"/events", "", &events)
		if !slices.ContainsFunc(events.Events, func(e tracking.Event) bool { return e.Kind == "departed" }) {
			t.Errorf("events %+v", events)
		}
		var saved routing.Plan
		shipper.must(200, "GET", "/api/v1/plans/"+plan.ID, "", &saved)
		if len(saved.Options) != len(plan.Options) {
			t.Errorf("the plan has %d options", len(saved.Options))
		}
	}
	check(s)
	if err := s.halt(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		for err == nil { // deltas that were under way
			_, _, err = ws.ReadMessage()
		}
		if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			t.Errorf("the stream ended with %v, want 1001", err)
		}
	}

	again := start(t, serveConfig{data: data})
	check(again)
	again.as(carrier.key).must(200, "POST", "/api/v1/positions", positionsJSON(t, track), &receipt)
	if receipt.Stored != 0 || receipt.Duplicates != len(track) {
		t.Errorf("sent again after the restart: %+v", receipt)
	}
	if strings.Contains(s.log.String()+again.log.String(), adminKey) || strings.Contains(s.log.String(), carrier.key) {
		t.Error("a key is in the log")
	}
}

// TestBadInputOnTheWholeServer sends what the API's own table cannot: what only the
// tracker, the planner and the socket refuse. Nothing else may be lost by it.
func TestBadInputOnTheWholeServer(t *testing.T) {
	s := start(t, serveConfig{adminKey: adminKey})
	admin := s.as(adminKey)
	_, carrier := admin.party("One", tracking.Carrier)
	_, rival := admin.party("Two", tracking.Carrier)
	now := time.Now().UTC().Format(time.RFC3339)
	rival.must(200, "POST", "/api/v1/positions", `[{"unit":"THEIRS","time":"`+now+`","lat":1,"lon":1}]`, nil)

	at := func(unit, when string, lat, lon float64) string {
		return fmt.Sprintf(`{"unit":%q,"time":%q,"lat":%v,"lon":%v}`, unit, when, lat, lon)
	}
	var receipt tracking.Receipt
	carrier.must(200, "POST", "/api/v1/positions", "["+strings.Join([]string{
		at("T1", now, 36, 120),
		at("T1", now, 91, 120),
		at("T1", "2099-01-01T00:00:00Z", 36, 120),
		at("T1", "1999-01-01T00:00:00Z", 36, 120),
		at("THEIRS", now, 36, 120),
		at("T2", now, 36, 181),
		at("", now, 36, 120),
		at("T2", now, 36, 120),
	}, ",")+"]", &receipt)
	var refused []int
	for _, f := range receipt.Refused {
		refused = append(refused, f.Index)
		if f.Reason == "" || f.Code == "" {
			t.Errorf("refusal %+v", f)
		}
	}
	if receipt.Stored != 2 || !slices.Equal(refused, []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("receipt %+v", receipt)
	}

	for name, tt := range map[string]struct {
		body   string
		status int
		has    string
	}{
		"unknown place":         {`{"origin":"Qingdoa","destination":"RUMOW","cargo":{"weight_kg":1000}}`, 422, `"suggestions"`},
		"negative weight":       {`{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":-5}}`, 422, `body.cargo.weight_kg`},
		"what no vehicle holds": {`{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":90000000,"unit":"FTL"}}`, 422, `"errors"`},
	} {
		if status, b := admin.do("POST", "/api/v1/plans", tt.body); status != tt.status || !strings.Contains(string(b), tt.has) {
			t.Errorf("%s: %d %s", name, status, b)
		}
	}

	for _, path := range []string{"/api/v1/stream", "/api/v1/feed"} {
		_, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.app.base, "http")+path,
			http.Header{"Authorization": {"Bearer " + carrier.key}, "Origin": {"https://evil.example"}})
		if err == nil || answer.StatusCode != 403 {
			t.Errorf("%s from a foreign origin: %v", path, err)
		}
	}
	_, shipper := admin.party("Three", tracking.Shipper)
	for path, want := range map[string]int{"/api/v1/feed": 403, "/api/v1/stream": 101} {
		ws, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.app.base, "http")+path, http.Header{"Authorization": {"Bearer " + shipper.key}})
		if answer == nil || answer.StatusCode != want {
			t.Errorf("%s as a shipper: %v", path, err)
		}
		if ws != nil {
			_ = ws.Close()
		}
	}
	if status, _ := s.as("wrong").do("GET", "/api/v1/units", ""); status != 401 {
		t.Errorf("wrong key: %d", status)
	}

	_, b := s.as("").do("GET", "/metrics", "")
	for _, line := range []string{
		`corridor_refusals_total{code="latitude",kind="position"} 1`,
		`corridor_refusals_total{code="time",kind="position"} 2`,
		`corridor_refusals_total{code="unknown-place",kind="request"} 1`,
		`corridor_refusals_total{code="foreign-origin",kind="request"} 2`,
		`corridor_refusals_total{code="wrong-key",kind="request"} 1`,
		`corridor_positions_total{code="",result="stored"} 3`,
	} {
		if !strings.Contains(string(b), line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// TestKilledInTheMiddleOfIngest runs the program itself, kills it while carriers
// report, and looks for every position it had acknowledged.
func TestKilledInTheMiddleOfIngest(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the program twice")
	}
	data := t.TempDir()
	begin := func() (*exec.Cmd, string) {
		t.Helper()
		addr := freeAddr(t)
		cmd := exec.Command(os.Args[0], "serve", "--addr", addr, "--data", data)
		cmd.Env = append(os.Environ(), "CORRIDOR_TEST_AS_MAIN=1", "CORRIDOR_ADMIN_KEY="+adminKey)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		greeting := make([]byte, 64) // it greets when it serves
		if _, err := out.Read(greeting); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		return cmd, "http://" + addr
	}
	cmd, base := begin()
	_, carrier := client{t, base, adminKey}.party("Carrier", tracking.Carrier)

	start := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)
	var mu sync.Mutex
	acknowledged := map[string]map[int]bool{}
	enough := make(chan struct{})
	var group sync.WaitGroup
	var batches int
	for w := range 4 {
		unit := fmt.Sprintf("T%d", w)
		acknowledged[unit] = map[int]bool{}
		group.Go(func() {
			for n := 0; n < 80_000; n += 20 {
				var batch []tracking.Position
				for k := n; k < n+20; k++ {
					batch = append(batch, tracking.Position{Unit: tracking.UnitID(unit), Time: start.Add(time.Duration(k) * time.Second), Lat: 36 + float64(k)*1e-5, Lon: 120})
				}
				body, err := json.Marshal(batch)
				if err != nil {
					t.Error(err)
					return
				}
				r, _ := http.NewRequest("POST", base+"/api/v1/positions", bytes.NewReader(body))
				r.Header.Set("Authorization", "Bearer "+carrier.key)
				r.Header.Set("Content-Type", "application/json")
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					return // it was killed
				}
				b, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != 200 {
					return
				}
				var receipt tracking.Receipt
				if err := json.Unmarshal(b, &receipt); err != nil || receipt.Stored != 20 {
					t.Errorf("receipt %s", b)
					return
				}
				mu.Lock()
				for k := n; k < n+20; k++ {
					acknowledged[unit][k] = true
				}
				if batches++; batches == 60 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	group.Wait()

	_, base = begin()
	for unit, want := range acknowledged {
		var got struct{ Positions []tracking.Fix }
		client{t, base, carrier.key}.must(200, "GET", "/api/v1/units/"+unit+"/track?limit=100000", "", &got)
		seen := map[int]int{}
		for _, f := range got.Positions {
			seen[int(f.Time.Sub(start)/time.Second)]++
		}
		for k := range want {
			if seen[k] != 1 {
				t.Fatalf("%s: acknowledged position %d is there %d times", unit, k, seen[k])
			}
		}
		for k, n := range seen {
			if n != 1 {
				t.Errorf("%s: position %d is there %d times", unit, k, n)
			}
		}
		var state struct{ Lat float64 }
		client{t, base, carrier.key}.must(200, "GET", "/api/v1/units/"+unit, "", &state)
		if newest := len(seen) - 1; math.Abs(state.Lat-(36+float64(newest)*1e-5)) > 1e-6 {
			t.Errorf("%s is at %v, not where it was last", unit, state.Lat)
		}
		t.Logf("%s: %d acknowledged, %d there", unit, len(want), len(seen))
	}
}

// freeAddr finds a port that was free a moment ago.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestFirstKey(t *testing.T) {
	data := t.TempDir()
	s := start(t, serveConfig{data: data})
	_, rest, ok := strings.Cut(s.out.String(), "shown once:\n\n    ")
	if !ok {
		t.Fatalf("no key was shown: %s", s.out)
	}
	key := strings.TrimSpace(rest)
	status := func(s *server, key string) int {
		code, _ := s.as(key).do("GET", "/api/v1/parties", "")
		return code
	}
	if got := status(s, key); got != 200 {
		t.Fatalf("the key that was shown: %d", got)
	}
	if strings.Contains(s.log.String(), key) {
		t.Error("the key is in the log")
	}
	cookie := signIn(t, s, key)
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}

	s = start(t, serveConfig{data: data})
	if strings.Contains(s.out.String(), "shown once") {
		t.Error("a second key was made")
	}
	if got := status(s, key); got != 200 {
		t.Errorf("after a restart: %d", got)
	}
	if code, _ := s.as("").do("GET", "/api/v1/parties", "", "Cookie", cookie); code != 200 {
		t.Errorf("the session did not survive the restart: %d", code)
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}

	s = start(t, serveConfig{data: data, adminKey: adminKey})
	if status(s, adminKey) != 200 || status(s, key) != 401 {
		t.Errorf("replaced: the new key %d, the old %d", status(s, adminKey), status(s, key))
	}
	if code, _ := s.as("").do("GET", "/api/v1/parties", "", "Cookie", cookie); code != 401 {
		t.Errorf("the session of a revoked key: %d", code)
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	s = start(t, serveConfig{data: data, adminKey: adminKey + "-2"})
	if status(s, adminKey) != 401 || status(s, adminKey+"-2") != 200 {
		t.Error("the second key did not replace the first")
	}
}

func signIn(t *testing.T, s *server, key string) string {
	t.Helper()
	answer, err := http.Post(s.app.base+"/api/v1/session", "application/json", strings.NewReader(`{"key":"`+key+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 || len(answer.Cookies()) != 1 {
		t.Fatalf("sign in: %s", answer.Status)
	}
	return answer.Cookies()[0].Name + "=" + answer.Cookies()[0].Value
}

func TestOneServerPerDirectory(t *testing.T) {
	s := start(t, serveConfig{adminKey: adminKey})
	second := launch(t, serveConfig{data: s.app.data}, nil)
	if err := <-second.end; err == nil || !strings.Contains(err.Error(), "is serving from") {
		t.Errorf("a second server on the directory: %v", err)
	}
	second.end <- nil
	if status, _ := s.as(adminKey).do("GET", "/readyz", ""); status != 200 {
		t.Errorf("the first: %d", status)
	}
}

// TestStopLetsRequestsEnd stops the server while a request is under way.
func TestStopLetsRequestsEnd(t *testing.T) {
	planning, goOn := make(chan struct{}), make(chan struct{})
	s := launch(t, serveConfig{adminKey: adminKey}, func(a *app) {
		open := a.openPlanner
		a.openPlanner = func() (api.Planner, api.Places, error) {
			_, places, err := open()
			return slowPlanner{planning, goOn}, places, err
		}
	})
	s.await()
	feed := s.as(adminKey).dial("/api/v1/feed", nil)
	answered := make(chan int, 1)
	go func() {
		defer close(answered) // do may give up
		status, _ := s.as(adminKey).do("POST", "/api/v1/plans", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":1000},"modes":["road"]}`)
		answered <- status
	}()
	select {
	case <-planning:
	case status := <-answered:
		t.Fatalf("the request ended too early: %d", status)
	}
	s.stop()
	// The feed is told while the request still runs.
	if _, _, err := feed.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the feed ended with %v, want 1001", err)
	}
	close(goOn)
	if got := <-answered; got != 201 {
		t.Errorf("the request that was under way: %d", got)
	}
	if err := <-s.end; err != nil {
		t.Error(err)
	}
	s.end <- nil
}

// slowPlanner says when it is asked and answers when it may, with nothing.
type slowPlanner struct{ planning, goOn chan struct{} }

func (p slowPlanner) Plan(_ context.Context, r routing.Request, _ routing.Conditions) (routing.Plan, error) {
	close(p.planning)
	<-p.goOn
	return routing.Plan{Request: r, Options: []routing.Option{}, Excluded: []routing.Excluded{}}, nil
}

func TestDemo(t *testing.T) {
	data := t.TempDir()
	begin := func() *server {
		s := launch(t, serveConfig{data: data, demo: true, adminKey: adminKey}, func(a *app) {
			a.tuneDemo = func(d *demo) {
				d.tick = 50 * time.Millisecond
				d.lanes = []demoLane{{"CNTAO", "RUMOW", routing.Cargo{WeightKG: 19_000, Unit: routing.FTL}, []demoGroup{{[]geodata.Mode{geodata.Road}, 4, 2}}}}
			}
		})
		s.await()
		return s
	}
	moved := func(s *server) string {
		t.Helper()
		ws := s.as(adminKey).dial("/api/v1/stream", nil)
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","bbox":[-180,-90,180,90],"zoom":2}`)); err != nil {
			t.Fatal(err)
		}
		where := map[string][2]float64{}
		var unit string
		await(t, ws, "a unit that moves", func(m message) bool {
			for _, u := range m.Units {
				if !u.Simulated {
					t.Errorf("%s is not marked as simulated", u.Unit)
				}
				was, known := where[u.Unit]
				now := [2]float64{u.Lon, u.Lat}
				if known && was != now {
					unit = u.Unit
					return true
				}
				where[u.Unit] = now
			}
			return false
		})
		return unit
	}
	s := begin()
	unit := moved(s)
	var track struct{ Positions []tracking.Fix }
	s.as(adminKey).must(200, "GET", "/api/v1/units/"+unit+"/track", "", &track)
	if n := len(track.Positions); n < 50 || time.Since(track.Positions[0].Time) < 24*time.Hour || time.Until(track.Positions[n-1].Time) > time.Second {
		t.Errorf("%d positions: not days of them up to now", n)
	}
	var parties struct{ Parties []tracking.Party }
	s.as(adminKey).must(200, "GET", "/api/v1/parties", "", &parties)
	for _, p := range parties.Parties {
		if p.Role != tracking.Admin && !strings.Contains(p.Name, "simulated") {
			t.Errorf("party %q does not say that it is simulated", p.Name)
		}
	}
	var carnets struct {
		Carnets []struct{ Number, Holder, Stage, On string }
	}
	s.as(adminKey).must(200, "GET", "/api/v1/carnets", "", &carnets)
	if len(carnets.Carnets) == 0 {
		t.Error("no lorry under TIR has a carnet")
	}
	for _, c := range carnets.Carnets {
		if !strings.HasPrefix(c.Number, "SM") || !strings.Contains(c.Holder, "simulated") || c.Stage == "issued" || !strings.HasPrefix(c.On, "SIM-") {
			t.Errorf("carnet %+v", c)
		}
	}
	var session struct {
		Demo        bool
		SpeedFactor float64 `json:"speed_factor"`
	}
	s.as("").must(200, "GET", "/api/v1/session", "", &session)
	if !session.Demo || session.SpeedFactor != demoSpeed {
		t.Errorf("session %+v", session)
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}

	s = begin()
	if again := moved(s); !strings.HasPrefix(again, "SIM-") {
		t.Errorf("after a restart %s moves", again)
	}
	var list struct{ Total int }
	s.as(adminKey).must(200, "GET", "/api/v1/shipments", "", &list)
	if list.Total == 0 || list.Total > 2 {
		t.Errorf("%d shipments after a restart", list.Total)
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
}

// TestDemoSendsUnitsBack lets a lorry arrive within a second.
func TestDemoSendsUnitsBack(t *testing.T) {
	s := launch(t, serveConfig{demo: true, adminKey: adminKey}, func(a *app) {
		a.tuneDemo = func(d *demo) {
			d.tick, d.speed, d.rest = 50*time.Millisecond, 200_000, 0
			d.lanes = []demoLane{{"Hamburg", "Warsaw", routing.Cargo{WeightKG: 19_000, Unit: routing.FTL}, []demoGroup{{[]geodata.Mode{geodata.Road}, 0.2, 1}}}}
		}
	})
	s.await()
	ws := s.as(adminKey).dial("/api/v1/stream", nil)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","bbox":[-180,-90,180,90],"zoom":2}`)); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Shipments []struct{ Unit, Origin, Status string }
	}
	await(t, ws, "the way back", func(message) bool {
		s.as(adminKey).must(200, "GET", "/api/v1/shipments", "", &list)
		return len(list.Shipments) > 1
	})
	if back, there := list.Shipments[0], list.Shipments[len(list.Shipments)-1]; back.Origin != "Warsaw" || there.Origin != "Hamburg" || back.Unit != there.Unit || there.Status != "arrived" {
		t.Errorf("shipments %+v", list.Shipments)
	}
}

func TestDemoNeedsAnEmptyDirectory(t *testing.T) {
	s := start(t, serveConfig{adminKey: adminKey})
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	again := launch(t, serveConfig{data: s.app.data, demo: true}, nil)
	if err := <-again.end; err == nil || !strings.Contains(err.Error(), "--demo fills an empty one") {
		t.Errorf("%v", err)
	}
	again.end <- nil
}

func TestSize(t *testing.T) {
	for in, want := range map[string]size{"0": 0, "1000": 1000, "500MB": 500e6, "2GiB": 2 << 30, "1.5 GB": 1.5e9, "64MiB": 64 << 20} {
		var s size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q is %d, %v, want %d", in, s, err, want)
			continue
		}
		text, _ := s.MarshalText()
		var back size
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%q is written %s, which is %d, %v", in, text, back, err)
		}
	}
	for _, in := range []string{"", "MB", "-1", "5 apples", "1e30GB", "NaN"} {
		if err := new(size).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
	env := map[string]string{"CORRIDOR_LOG_MAX": "5GB", "CORRIDOR_LOG_KEEP": "720h"}
	c, _, err := parseServe([]string{"--log-keep", "24h"}, func(k string) string { return env[k] }, io.Discard)
	if err != nil || c.logMax != 5e9 || c.logKeep != 24*time.Hour || c.logFree != 128<<20 {
		t.Errorf("log settings %d, %v, %d, %v", c.logMax, c.logKeep, c.logFree, err)
	}
}

func TestParseServe(t *testing.T) {
	env := map[string]string{"CORRIDOR_ADDR": ":1", "CORRIDOR_DATA": "/from/env", "CORRIDOR_ADMIN_KEY": adminKey}
	c, _, err := parseServe([]string{"--addr", ":2", "--origins", "https://a.example, https://b.example"}, func(k string) string { return env[k] }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c.addr != ":2" || c.data != "/from/env" || c.adminKey != adminKey || !slices.Equal(c.origins, []string{"https://a.example", "https://b.example"}) {
		t.Errorf("%+v", c)
	}
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"short key":      {nil, map[string]string{"CORRIDOR_ADMIN_KEY": "zx9"}},
		"spaced key":     {nil, map[string]string{"CORRIDOR_ADMIN_KEY": adminKey + "\n"}},
		"log format":     {[]string{"--log", "xml"}, nil},
		"log level":      {[]string{"--log-level", "loud"}, nil},
		"unknown flag":   {[]string{"--nope"}, nil},
		"stray argument": {[]string{"now"}, nil},
	} {
		_, _, err := parseServe(tt.args, func(k string) string { return tt.env[k] }, io.Discard)
		var usage *usageError
		if !errors.As(err, &usage) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && tt.env != nil && strings.Contains(err.Error(), tt.env["CORRIDOR_ADMIN_KEY"]) {
			t.Errorf("%s: the message shows the key: %v", name, err)
		}
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		has  string // in what is printed
	}{
		{nil, 2, "usage: corridor COMMAND"},
		{[]string{"help"}, 0, "serve --demo"},
		{[]string{"help", "serve"}, 0, "CORRIDOR_ADMIN_KEY"},
		{[]string{"version"}, 0, "corridor dev"},
		{[]string{"fly"}, 2, `no command "fly"`},
		{[]string{"serve", "now"}, 2, "takes no arguments"},
		{[]string{"serve", "--data", filepath.Join(os.DevNull, "x")}, 1, "data directory"},
	} {
		var out bytes.Buffer
		if code := run(context.Background(), tt.args, strings.NewReader(""), &out, &out); code != tt.code || !strings.Contains(out.String(), tt.has) {
			t.Errorf("%q: exit %d, want %d with %q:\n%s", tt.args, code, tt.code, tt.has, out.String())
		}
	}
}
