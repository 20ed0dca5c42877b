package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/paulmach/orb"

	"corridor/geodata/cell"
	"corridor/geodata/path"
	"corridor/tracking"
	"corridor/tracking/fence"
	"corridor/tracking/live"
	"corridor/web/api"
	"corridor/web/feed"
)

// benchServer is corridor serve, whole, on port 0 with its data in a directory of
// its own: durable log, live state, H3, SQLite.
type benchServer struct {
	url string
	key string
}

func startBench(b *testing.B, fences int) *benchServer {
	b.Helper()
	c := serveConfig{addr: "127.0.0.1:0", data: b.TempDir(), adminKey: strings.Repeat("k", 32)}
	a := newApp(c, slog.New(slog.DiscardHandler), time.Now, io.Discard)
	a.openPlanner = func() (api.Planner, api.Places, error) { return nil, nil, nil }
	a.prepare = func(ctx context.Context, t *live.Tracker) error { return setFences(ctx, t, fences) }
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error, 1)
	go func() { end <- a.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-end; err != nil {
			b.Error(err)
		}
	})
	select {
	case <-a.Serving():
	case err := <-end:
		end <- nil
		b.Fatal(err)
	}
	s := &benchServer{url: a.URL(), key: c.adminKey}
	var party struct{ ID string }
	s.post(b, "/api/v1/carriers", `{"name":"Bench"}`, &party)
	var key struct{ Key string }
	s.post(b, "/api/v1/carriers/"+party.ID+"/keys", ``, &key)
	s.key = key.Key
	return s
}

// setFences lays fences of every kind over the country the fleets drive in.
func setFences(ctx context.Context, t *live.Tracker, n int) error {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		c := orb.Point{9 + 12*r.Float64(), 45 + 5*r.Float64()}
		f := tracking.Fence{Name: fmt.Sprint("fence ", i), Rule: fence.Rule{ExitM: 100, Dwell: time.Hour}}
		switch i % 4 {
		case 0:
			var ring [][2]float64
			for k := range 12 {
				ring = append(ring, path.Destination(c, float64(k)*30, 1+3*r.Float64()))
			}
			f.Shape.Polygon = [][][2]float64{ring}
		case 1:
			f.Shape.Circle = &fence.Circle{Lat: c[1], Lon: c[0], RadiusM: 200 + 3000*r.Float64()}
		case 2:
			f.Shape.Corridor = &fence.Corridor{Line: [][2]float64{c, path.Destination(c, 360*r.Float64(), 30)}, WidthM: 500}
		case 3:
			f.Shape.Cells = cell.Of(c, 7).Disk(1)
		}
		if _, err := t.SetFence(ctx, tracking.Party{Role: tracking.Dispatcher}, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *benchServer) post(b *testing.B, path, body string, out any) {
	b.Helper()
	req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+s.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	if r.StatusCode >= 300 {
		b.Fatalf("%s: %s %s", path, r.Status, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		b.Fatal(err)
	}
}

func (s *benchServer) dial(b *testing.B) *websocket.Conn {
	b.Helper()
	c, r, err := websocket.DefaultDialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/api/v1/feed", http.Header{"Authorization": {"Bearer " + s.key}})
	if err != nil {
		b.Fatal(err)
	}
	_ = r.Body.Close()
	return c
}

// fleet makes the reports of one gateway: size units, each a little farther with
// every frame.
type fleet struct {
	sender, size, n int
	begin           time.Time
	frame           []byte
	body            bytes.Buffer
}

func newFleet(sender, size int) *fleet {
	return &fleet{sender: sender, size: size, begin: time.Now().Add(-1000 * 24 * time.Hour).Truncate(time.Second)}
}

func (f *fleet) positions() []tracking.Position {
	out := make([]tracking.Position, f.size)
	for i := range out {
		out[i] = tracking.Position{
			Unit: tracking.UnitID(fmt.Sprintf("TRK-%02d-%03d", f.sender, i)), Time: f.begin.Add(time.Duration(f.n) * time.Second),
			Lat: f.lat(i), Lon: f.lon(), SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(271), AccuracyM: tracking.Known(8),
		}
	}
	return out
}

func (f *fleet) lat(i int) float64 { return 46 + float64(i)/50 + float64(f.n%5000)/10000 }
func (f *fleet) lon() float64      { return 10 + float64(f.sender) }

// binary is the next frame. Only the times and latitudes change: the load
// generator is to cost as little as it can.
func (f *fleet) binary() []byte {
	if f.frame == nil {
		var err error
		if f.frame, err = feed.Encode(f.positions()); err != nil {
			panic(err)
		}
	}
	at := len(f.frame) - 24*f.size
	ms := f.begin.UnixMilli() + int64(f.n)*1000
	for i := range f.size {
		r := f.frame[at+24*i:]
		binary.LittleEndian.PutUint64(r[2:], uint64(ms))
		binary.LittleEndian.PutUint32(r[10:], uint32(int32(f.lat(i)*1e7)))
	}
	f.n++
	return f.frame
}

func (f *fleet) ndjson() []byte {
	f.body.Reset()
	stamp := f.begin.Add(time.Duration(f.n) * time.Second).UTC().Format(time.RFC3339)
	for i := range f.size {
		b := f.body.AvailableBuffer()
		b = append(b, `{"unit":"TRK-`...)
		b = append(b, byte('0'+f.sender/10), byte('0'+f.sender%10), '-', byte('0'+i/100), byte('0'+i/10%10), byte('0'+i%10))
		b = append(b, `","time":"`...)
		b = append(b, stamp...)
		b = append(b, `","lat":`...)
		b = strconv.AppendFloat(b, f.lat(i), 'f', 6, 64)
		b = append(b, `,"lon":`...)
		b = strconv.AppendFloat(b, f.lon(), 'f', 6, 64)
		b = append(b, `,"speed_kmh":62.5,"course_deg":271,"accuracy_m":8}`+"\n"...)
		f.body.Write(b)
	}
	f.n++
	return f.body.Bytes()
}

// each runs do for b.N batches, shared by senders at once.
func each(b *testing.B, senders, size int, do func(sender int) func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	work := make([]func() error, senders)
	for s := range work {
		work[s] = do(s)
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime()
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := work[s](); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	n := float64(b.N) * float64(size)
	b.ReportMetric(n/b.Elapsed().Seconds(), "positions/s")
	// On a machine that does other work too this is the figure to compare.
	b.ReportMetric(float64((processorTime()-before).Nanoseconds())/n/1e3, "cpu-µs/position")
}

// processorTime is what this process has used of all cores, the load generator
// included.
func processorTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

var receiptStored = []byte(`"stored":`)

// sendFrame sends a frame and waits for its receipt.
func sendFrame(c *websocket.Conn, frame []byte, want int) error {
	if err := c.WriteMessage(websocket.BinaryMessage, frame); err != nil {
		return err
	}
	_, body, err := c.ReadMessage()
	if err != nil {
		return err
	}
	at := bytes.Index(body, receiptStored)
	if at < 0 || !bytes.HasPrefix(body[at+len(receiptStored):], append(strconv.AppendInt(nil, int64(want), 10), ',')) {
		return fmt.Errorf("receipt %s", body)
	}
	return nil
}

// BenchmarkIngest is the whole way in, load generator included: `make bench` prints
// it with the raw engines beside it.
func BenchmarkIngest(b *testing.B) {
	for _, fences := range []int{0, 1000} {
		b.Run(fmt.Sprintf("feed/batches=100/fences=%d", fences), func(b *testing.B) {
			s := startBench(b, fences)
			each(b, 8, 100, func(sender int) func() error {
				c, f := s.dial(b), newFleet(sender, 100)
				b.Cleanup(func() { _ = c.Close() })
				return func() error { return sendFrame(c, f.binary(), 100) }
			})
		})
	}
	b.Run("feed/single", func(b *testing.B) {
		s := startBench(b, 1000)
		each(b, 50, 1, func(sender int) func() error {
			c, f := s.dial(b), newFleet(sender, 1)
			b.Cleanup(func() { _ = c.Close() })
			return func() error { return sendFrame(c, f.binary(), 1) }
		})
	})
	b.Run("http/ndjson=100", func(b *testing.B) {
		s := startBench(b, 1000)
		each(b, 8, 100, func(sender int) func() error { return s.ndjson(b, newFleet(sender, 100), 100) })
	})
	b.Run("http/ndjson=1000", func(b *testing.B) {
		s := startBench(b, 1000)
		each(b, 8, 1000, func(sender int) func() error { return s.ndjson(b, newFleet(sender, 1000), 1000) })
	})
	b.Run("bare/jetstream=6400B", func(b *testing.B) { bareJetStream(b, 6400) })
	b.Run("bare/gorilla=2500B", func(b *testing.B) { bareGorilla(b, 8, 2500, 100) })
	b.Run("bare/gorilla=32B", func(b *testing.B) { bareGorilla(b, 50, 32, 1) })
}

// ndjson posts over a connection of its own with the least a client can do.
func (s *benchServer) ndjson(b *testing.B, f *fleet, size int) func() error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	b.Cleanup(client.CloseIdleConnections)
	want := append(append(bytes.Clone(receiptStored), strconv.Itoa(size)...), ',')
	return func() error {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.url+"/api/v1/positions", bytes.NewReader(f.ndjson()))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.key)
		req.Header.Set("Content-Type", "application/x-ndjson")
		r, err := client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err == nil && !bytes.Contains(body, want) {
			err = fmt.Errorf("receipt %s", body)
		}
		return err
	}
}

// bareJetStream appends messages of a size from 8 publishers at once, each forced
// to disk, with nothing of ours around them.
func bareJetStream(b *testing.B, size int) {
	srv, err := natsserver.NewServer(&natsserver.Options{DontListen: true, NoSigs: true, JetStream: true, StoreDir: b.TempDir(), SyncAlways: true})
	if err != nil {
		b.Fatal(err)
	}
	srv.Start()
	b.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		b.Fatal("not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}); err != nil {
		b.Fatal(err)
	}
	data := bytes.Repeat([]byte("x"), size)
	each(b, 8, 100, func(int) func() error {
		return func() error { _, err := js.Publish(b.Context(), "s", data); return err }
	})
}

// bareGorilla echoes a receipt for each frame and does nothing else.
func bareGorilla(b *testing.B, conns, frame, size int) {
	up := websocket.Upgrader{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
			if err := c.WriteMessage(websocket.TextMessage, []byte(`{"frame":1,"stored":`+strconv.Itoa(size)+`,"duplicates":0,"refused":[],"resume":{"epoch":"0123456789abcdef","seq":123456}}`)); err != nil {
				return
			}
		}
	}))
	b.Cleanup(srv.Close)
	data := bytes.Repeat([]byte("x"), frame)
	each(b, conns, size, func(int) func() error {
		c, r, err := websocket.DefaultDialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			b.Fatal(err)
		}
		_ = r.Body.Close()
		b.Cleanup(func() { _ = c.Close() })
		return func() error { return sendFrame(c, data, size) }
	})
}
