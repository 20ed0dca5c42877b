package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"
	_ "github.com/mattn/go-sqlite3" // registers the driver that locks the store

	"corridor/tracking"
	"corridor/web/api"
)

// line is a TCP line to a server that can be cut: what comes through it is then as
// if the server were gone, in the middle of whatever was said.
type line struct {
	t      *testing.T
	listen net.Listener
	to     string

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]struct{}

	left atomic.Int64 // bytes until it cuts itself; < 0: it does not
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &line{t: t, listen: l, to: to, conns: map[net.Conn]struct{}{}}
	x.left.Store(-1)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { x.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		x.sever(true)
		serving.Wait()
	})
	return x
}

// carry passes bytes both ways until either side ends or the line is cut.
func (x *line) carry(c net.Conn) {
	defer c.Close()
	far, err := net.Dial("tcp", x.to)
	if err != nil {
		return
	}
	defer far.Close()
	x.mu.Lock()
	if x.cut {
		x.mu.Unlock()
		return
	}
	x.conns[c], x.conns[far] = struct{}{}, struct{}{}
	x.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		defer far.Close()
		_, _ = io.Copy(far, &counted{c, x})
	})
	both.Go(func() {
		defer c.Close()
		_, _ = io.Copy(c, far)
	})
	both.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.conns, c)
	delete(x.conns, far)
}

// sever cuts the line, or mends it.
func (x *line) sever(cut bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut = cut
	if cut {
		for c := range x.conns {
			_ = c.Close()
		}
	}
}

// counted cuts the line when so much was said to the server.
type counted struct {
	net.Conn
	line *line
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if left := c.line.left.Load(); left >= 0 && err == nil {
		if c.line.left.Add(-int64(n)) < 0 && c.line.left.Swap(-1) >= -int64(len(b)) {
			c.line.sever(true)
			return 0, io.ErrClosedPipe
		}
	}
	return n, err
}

// emptySchema is the URL of an empty schema of the tests' PostgreSQL.
func emptySchema(t *testing.T) *url.URL {
	t.Helper()
	base := os.Getenv("CORRIDOR_TEST_POSTGRES")
	if base == "" {
		t.Skip("NOT TESTED: CORRIDOR_TEST_POSTGRES is not set. Give the URL of a PostgreSQL server, or run make test, which starts one.")
	}
	schema := fmt.Sprintf("corridor_cmd_%d_%d", os.Getpid(), rand.Int64())
	do := func(sql string) {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, base)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE SCHEMA " + schema)
	t.Cleanup(func() { do("DROP SCHEMA " + schema + " CASCADE") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u
}

// lineToPostgres is a line to the PostgreSQL of the tests and the URL of an empty
// schema at its end.
func lineToPostgres(t *testing.T) (*line, string) {
	t.Helper()
	u := emptySchema(t)
	l := newLine(t, u.Host)
	u.Host = l.listen.Addr().String()
	q := u.Query()
	q.Set("pool_max_conns", "4")
	u.RawQuery = q.Encode()
	return l, u.String()
}

// startTracker starts a server that plans nothing.
func startTracker(t *testing.T, c serveConfig) *server {
	t.Helper()
	s := launch(t, c, func(a *app) {
		a.openPlanner = func() (api.Planner, api.Places, error) { return nil, nil, nil }
	})
	s.await()
	return s
}

// reports are a carrier's: unit U at second n, one after the other, in batches.
type reports struct {
	carrier client
	begin   time.Time
	n       int
}

func (r *reports) send(t *testing.T, n int) {
	t.Helper()
	var batch []tracking.Position
	for range n {
		batch = append(batch, tracking.Position{Unit: "U", Time: r.begin.Add(time.Duration(r.n) * time.Second), Lat: 36, Lon: 120 + float64(r.n)/1e5})
		r.n++
	}
	var receipt tracking.Receipt
	r.carrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, batch), &receipt)
	if receipt.Stored != n {
		t.Fatalf("receipt %+v, want %d stored", receipt, n)
	}
}

// metric reads one without labels.
func (s *server) metric(name string) float64 {
	s.t.Helper()
	_, b := s.as("").do("GET", "/metrics", "")
	for l := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(l, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return f
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}

// eventually waits for what must come, however slow the machine is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > 2*time.Minute {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// whole checks that the store has every report once.
func (r *reports) whole(t *testing.T, s *server) {
	t.Helper()
	eventually(t, "the store catches up", func() bool {
		return s.metric("corridor_store_pending_fixes") == 0 && s.metric("corridor_store_sequence") == s.metric("corridor_log_sequence")
	})
	var got struct{ Positions []tracking.Fix }
	client{t, s.app.base, r.carrier.key}.must(200, "GET", "/api/v1/units/U/track?limit=100000", "", &got)
	if len(got.Positions) != r.n {
		t.Fatalf("%d positions are stored, %d were acknowledged", len(got.Positions), r.n)
	}
	for i, f := range got.Positions {
		if int(f.Time.Sub(r.begin)/time.Second) != i {
			t.Fatalf("position %d is that of second %v", i, f.Time.Sub(r.begin))
		}
	}
}

// atTheMap waits until a viewer has seen the newest report.
func (r *reports) atTheMap(t *testing.T, ws *websocket.Conn) {
	t.Helper()
	want := 120 + float64(r.n-1)/1e5
	await(t, ws, "the newest report on the map", func(m message) bool {
		for _, u := range m.Units {
			if u.Unit == "U" && u.Lon > want-1e-7 {
				return true
			}
		}
		return false
	})
}

func watchU(t *testing.T, s *server) *websocket.Conn {
	t.Helper()
	ws := s.as(adminKey).dial("/api/v1/stream", nil)
	_ = ws.SetReadDeadline(time.Now().Add(3 * time.Minute))
	if err := ws.WriteJSON(map[string]any{"type": "subscribe", "units": []string{"U"}}); err != nil {
		t.Fatal(err)
	}
	await(t, ws, "the snapshot", func(m message) bool { return m.Type == "snapshot" })
	return ws
}

// TestPostgreSQLAway cuts the line to PostgreSQL while a carrier reports and a
// viewer looks on, and mends it; then the line breaks ten times in the middle of
// what is written. Ingest and the map go on, and every report is stored once.
func TestPostgreSQLAway(t *testing.T) {
	l, database := lineToPostgres(t)
	s := startTracker(t, serveConfig{adminKey: adminKey, database: database})
	_, carrier := s.as(adminKey).party("Carrier", tracking.Carrier)
	r := &reports{carrier: carrier, begin: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)}
	r.send(t, 50)
	ws := watchU(t, s)
	r.whole(t, s)

	l.sever(true)
	for range 20 {
		r.send(t, 10)
		r.atTheMap(t, ws)
	}
	eventually(t, "the failure is told", func() bool {
		return s.metric("corridor_store_up") == 0 && s.metric("corridor_store_failures_total") > 0
	})
	if s.metric("corridor_store_pending_fixes") == 0 {
		t.Error("nothing waits for a store that is away")
	}
	if status, b := s.as("").do("GET", "/readyz", ""); status != 200 {
		t.Errorf("not ready while the store is away: %d %s", status, b)
	}
	l.sever(false)
	r.whole(t, s)
	eventually(t, "it is well again", func() bool { return s.metric("corridor_store_up") == 1 })

	rnd := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		before := s.metric("corridor_store_failures_total")
		l.left.Store(rnd.Int64N(3000)) // a transaction of some fixes says about so much
		for s.metric("corridor_store_failures_total") == before {
			r.send(t, 25)
			r.atTheMap(t, ws)
		}
		l.left.Store(-1)
		l.sever(false)
		r.whole(t, s)
	}
}

// TestSQLiteLocked lets another program hold the store's lock while a carrier
// reports: ingest and the map go on, and when the lock is gone all is stored once.
func TestSQLiteLocked(t *testing.T) {
	data := t.TempDir()
	s := startTracker(t, serveConfig{adminKey: adminKey, data: data})
	_, carrier := s.as(adminKey).party("Carrier", tracking.Carrier)
	r := &reports{carrier: carrier, begin: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)}
	r.send(t, 50)
	ws := watchU(t, s)
	r.whole(t, s)
	other, err := sql.Open("sqlite3", "file:"+filepath.Join(data, storeName)+"?_txlock=immediate&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		r.send(t, 10)
		r.atTheMap(t, ws)
	}
	if n := s.metric("corridor_store_pending_fixes"); n != 200 {
		t.Errorf("%v reports wait for the lock, want 200", n)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	r.whole(t, s)
}

// TestNoGoroutineLeft uses every door of a server, stops it, and looks for what
// still runs.
func TestNoGoroutineLeft(t *testing.T) {
	http.DefaultClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	for range 2 {
		s := startTracker(t, serveConfig{adminKey: adminKey})
		_, carrier := s.as(adminKey).party("Carrier", tracking.Carrier)
		r := &reports{carrier: carrier, begin: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)}
		r.send(t, 50)
		ws := watchU(t, s)
		r.send(t, 5)
		r.atTheMap(t, ws)
		feed := carrier.dial("/api/v1/feed", nil)
		if err := feed.WriteMessage(websocket.TextMessage, []byte(`[]`)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := feed.ReadMessage(); err != nil {
			t.Fatal(err)
		}
		for range 20 { // they leave without a word
			_ = s.as(adminKey).dial("/api/v1/stream", nil).NetConn().Close()
		}
		if err := s.halt(); err != nil {
			t.Fatal(err)
		}
		_ = ws.Close()
		_ = feed.Close()
	}
	eventually(t, "all goroutines end", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return runtime.NumGoroutine() <= before
	})
}
