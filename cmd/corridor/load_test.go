package main

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"corridor/tracking"
)

// The benchmarks here put a whole server, in a process of its own, under the load
// of many viewers on the same machine. Each takes some seconds and does its work
// once, whatever b.N is. `make bench-viewers` runs them.

// impatient is for requests whose server may be dead: a benchmark fails, it does not
// hang.
var impatient = &http.Client{Timeout: time.Minute}

// process is a server in a process of its own.
type process struct {
	cmd  *exec.Cmd
	addr string
}

// spawn starts this binary as a server that picks its port itself and says it when
// it serves: a port chosen here may be somebody else's by then, whose silence would
// be taken for a server's.
func spawn(b testing.TB, env string, args ...string) *process {
	b.Helper()
	p := &process{}
	p.cmd = exec.Command(os.Args[0], append(args, "--addr", "127.0.0.1:0")...)
	p.cmd.Env = append(os.Environ(), env+"=1", "CORRIDOR_ADMIN_KEY="+adminKey, "CORRIDOR_LOG_LEVEL=error")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.kill)
	greeting := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, at, ok := strings.Cut(lines.Text(), " serves 127.0.0.1:"); ok {
				greeting <- at
			} else if _, at, ok := strings.Cut(lines.Text(), " is serving http://127.0.0.1:"); ok {
				greeting <- at
			} else if _, at, ok := strings.Cut(lines.Text(), " is serving http://localhost:"); ok {
				greeting <- at
			}
		}
		close(greeting)
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case port, ok := <-greeting:
		if !ok {
			b.Fatal("the server ended before it served")
		}
		p.addr = "127.0.0.1:" + port
	case <-time.After(2 * time.Minute):
		b.Fatal("the server does not serve after two minutes")
	}
	p.quiet(b)
	return p
}

// quiet waits until the server has nothing to do: after its start it warms up.
func (p *process) quiet(b testing.TB) {
	b.Helper()
	for begun, last := time.Now(), p.busy(b); ; {
		time.Sleep(time.Second)
		now := p.busy(b)
		if now-last < 0.1 {
			return
		}
		if last = now; time.Since(begun) > 2*time.Minute {
			b.Fatal("the server is busy with nothing after two minutes")
		}
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// rss is the resident memory of the process in kB.
func (p *process) rss(b testing.TB) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("needs /proc: ", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// memory is what the runtime of the process says of its memory, in kB by name.
func (p *process) memory(b testing.TB) map[string]int {
	b.Helper()
	r, err := impatient.Get("http://" + p.addr + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	kb := map[string]int{}
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), " "); strings.HasPrefix(name, "go_memstats_") && strings.HasSuffix(name, "_bytes") {
			v, _ := strconv.ParseFloat(value, 64)
			kb[strings.TrimSuffix(strings.TrimPrefix(name, "go_memstats_"), "_bytes")] = int(v / 1024)
		}
	}
	return kb
}

// busy is the processor time the process has used, in seconds.
func (p *process) busy(b testing.TB) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("needs /proc: ", err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	const ticks = 100 // a second, on every Linux
	return (user + system) / ticks
}

// bareBroadcast is the raw baseline: what a server with nothing but gorilla does to
// send one prepared message to everybody at each tick, a writer for each
// connection as in the library's own example. POST /frame sets size and tick.
func bareBroadcast(addr string) error {
	type hub struct {
		mu    sync.Mutex
		conns map[chan *websocket.PreparedMessage]struct{}
	}
	h := hub{conns: map[chan *websocket.PreparedMessage]struct{}{}}
	up := websocket.Upgrader{ReadBufferSize: 512, WriteBufferPool: &sync.Pool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/stream", func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		send := make(chan *websocket.PreparedMessage, 1)
		h.mu.Lock()
		h.conns[send] = struct{}{}
		h.mu.Unlock()
		go func() {
			for m := range send {
				_ = ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
				if ws.WritePreparedMessage(m) != nil {
					return
				}
			}
		}()
		go func() {
			for {
				if _, _, err := ws.ReadMessage(); err != nil {
					return
				}
			}
		}()
	})
	mux.HandleFunc("/frame", func(_ http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.FormValue("size"))
		every, _ := time.ParseDuration(r.FormValue("every"))
		go func() {
			for range time.Tick(every) {
				m, _ := websocket.NewPreparedMessage(websocket.BinaryMessage, make([]byte, size))
				h.mu.Lock()
				for send := range h.conns {
					select {
					case send <- m:
					default: // still writing the one before
					}
				}
				h.mu.Unlock()
			}
		}()
	})
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("bare gorilla serves", l.Addr())
	return http.Serve(l, mux) //nolint:gosec // ends with the benchmark
}

// viewer is a websocket client that costs little: frames are counted where they
// arrive, nothing is copied out of them.
type viewer struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialViewer(addr, key string, subscribe string) (*viewer, error) {
	conn, err := net.DialTimeout("tcp", addr, 30*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	fmt.Fprintf(conn, "GET /api/v1/stream HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: corridor.v1.bin\r\nAuthorization: Bearer %s\r\n\r\n", addr, base64.StdEncoding.EncodeToString(nonce[:]), key)
	v := &viewer{conn: conn, r: bufio.NewReaderSize(conn, 4<<10)}
	status, err := v.r.ReadString('\n')
	if err == nil && !strings.Contains(status, " 101 ") {
		err = errors.New(strings.TrimSpace(status))
	}
	for line := status; err == nil && line != "\r\n"; {
		line, err = v.r.ReadString('\n')
	}
	if err == nil && subscribe != "" {
		err = v.say(1, []byte(subscribe))
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("viewer: %w", err)
	}
	return v, nil
}

// say sends one frame of up to 64 kB, masked with zeros.
func (v *viewer) say(opcode byte, b []byte) error {
	head := []byte{0x80 | opcode, 0x80 | byte(len(b)), 0, 0, 0, 0}
	if len(b) > 125 {
		head = []byte{0x80 | opcode, 0x80 | 126, byte(len(b) >> 8), byte(len(b)), 0, 0, 0, 0}
	}
	_, err := v.conn.Write(append(head, b...))
	return err
}

// next reads one frame's head; take says what to do with the n bytes that follow.
func (v *viewer) next(take func(opcode byte, n int, r *bufio.Reader) error) error {
	head, err := v.r.Peek(2)
	if err != nil {
		return err
	}
	opcode, n, size := head[0]&15, int(head[1]&127), 2
	switch n {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	if head, err = v.r.Peek(size); err != nil {
		return err
	}
	switch size {
	case 4:
		n = int(binary.BigEndian.Uint16(head[2:]))
	case 10:
		n = int(binary.BigEndian.Uint64(head[2:]))
	}
	_, _ = v.r.Discard(size)
	if opcode == 9 { // ping
		body := make([]byte, n)
		if _, err := io.ReadFull(v.r, body); err != nil {
			return err
		}
		return v.say(10, body)
	}
	return take(opcode, n, v.r)
}

func skip(_ byte, n int, r *bufio.Reader) error {
	_, err := r.Discard(n)
	return err
}

// watchers connects n viewers, each of which counts its binary frames until stop.
type watchers struct {
	frames atomic.Int64
	bytes  atomic.Int64

	lasting bool // they stay as long as the test does
	dialers int  // that connect at once; 0: 32
	list    []*viewer
	wg      sync.WaitGroup
}

func (w *watchers) connect(b testing.TB, n int, addr string, subscribe func(i int) string) {
	b.Helper()
	w.list = make([]*viewer, n)
	var dialing sync.WaitGroup
	next := atomic.Int64{}
	var failure atomic.Pointer[error]
	for range cmp.Or(w.dialers, 32) {
		dialing.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failure.Load() == nil; i = int(next.Add(1)) - 1 {
				v, err := dialViewer(addr, adminKey, subscribe(i))
				if err != nil {
					failure.CompareAndSwap(nil, &err) // the others would wait as long
					return
				}
				if w.lasting {
					_ = v.conn.SetDeadline(time.Time{})
				}
				w.list[i] = v
			}
		})
	}
	dialing.Wait()
	if err := failure.Load(); err != nil {
		for _, v := range w.list {
			if v != nil {
				_ = v.conn.Close()
			}
		}
		b.Fatal(*err)
	}
	for _, v := range w.list {
		w.wg.Go(func() {
			for {
				err := v.next(func(opcode byte, n int, r *bufio.Reader) error {
					if opcode == 2 {
						w.frames.Add(1)
						w.bytes.Add(int64(n))
					}
					return skip(opcode, n, r)
				})
				if err != nil {
					return
				}
			}
		})
	}
}

func (w *watchers) close() {
	for _, v := range w.list {
		_ = v.conn.Close()
	}
	w.wg.Wait()
}

// rate counts frames a second for a while, their mean size, and what each costs
// the server, in µs of processor time.
func (w *watchers) rate(b testing.TB, p *process, d time.Duration) (frames, size, cost float64) {
	b.Helper()
	f, n, c, begun := w.frames.Load(), w.bytes.Load(), p.busy(b), time.Now()
	time.Sleep(d)
	f, n, c = w.frames.Load()-f, w.bytes.Load()-n, p.busy(b)-c
	some := float64(max(f, 1))
	return float64(f) / time.Since(begun).Seconds(), float64(n) / some, c * 1e6 / some
}

// boxes are a subscription to one of n viewports over the units of a fleet.
func boxes(i, n int) string {
	return fmt.Sprintf(`{"type":"subscribe","bbox":[%d,40,%d,50],"zoom":6}`, i%n, i%n+1)
}

// stampedFleet reports as one carrier over HTTP. Each unit sits in one of the boxes; the
// last five digits of its longitude in 1e-7° are the milliseconds since begun, so
// that whoever sees it knows when it was posted.
type stampedFleet struct {
	units, boxes int
	begun        time.Time
	client       client
	buf          bytes.Buffer
}

const stampE7 = 100_000 // milliseconds a stamp can hold

func (f *stampedFleet) post(from, n int) error {
	f.buf.Reset()
	f.buf.WriteByte('[')
	now := time.Now()
	stamp := now.Sub(f.begun).Milliseconds() % stampE7
	for i := range n {
		u := (from + i) % f.units
		if i > 0 {
			f.buf.WriteByte(',')
		}
		lon := float64(u%f.boxes) + 0.1 + 0.01*float64(u/f.boxes%70) + float64(stamp)/1e7
		fmt.Fprintf(&f.buf, `{"unit":"L-%d","time":%q,"lat":%.7f,"lon":%.7f,"speed_kmh":60,"course_deg":90}`,
			u, now.UTC().Format("2006-01-02T15:04:05.000Z"), 41+float64(u%97)*0.09, lon)
	}
	f.buf.WriteByte(']')
	r, err := http.NewRequest("POST", f.client.url+"/api/v1/positions", &f.buf)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+f.client.key)
	r.Header.Set("Content-Type", "application/json")
	res, err := impatient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var receipt tracking.Receipt
	if err := json.NewDecoder(res.Body).Decode(&receipt); err != nil || res.StatusCode != 200 {
		return fmt.Errorf("status %d: %w", res.StatusCode, err)
	}
	return nil
}

// BenchmarkViewers sends what moves at each tick to 5,000 viewers of 50 viewports,
// at a tick too short to be kept, so that the rate is what the server can do; and
// frames of the same size at the same tick from a bare gorilla server. Each takes
// its turn three times; the ratio is the median of those of neighbours.
func BenchmarkViewers(b *testing.B) {
	const viewers, views, senders, tick, count = 5000, 50, 10, 20 * time.Millisecond, 4 * time.Second
	var ours, bare, ratio, costs, bareCosts []float64
	size := 0.0
	for range 3 {
		func() {
			p, w, f := crowd(b, viewers, views, "--tick", tick.String())
			defer p.kill()
			defer w.close()
			stop := make(chan struct{})
			var posting sync.WaitGroup
			for s := range senders { // together one unit in each viewport at each tick, though a post waits for the disk
				posting.Go(func() {
					mine := &stampedFleet{units: f.units, boxes: views, begun: f.begun, client: f.client}
					every := time.NewTicker(senders * tick)
					defer every.Stop()
					for from := s * f.units / senders; ; from += views {
						select {
						case <-stop:
							return
						case <-every.C:
						}
						if err := mine.post(from, views); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			time.Sleep(time.Second)
			var rate, cost float64
			rate, size, cost = w.rate(b, p, count)
			costs = append(costs, cost)
			close(stop)
			posting.Wait()
			ours = append(ours, rate)
		}()
		func() {
			p := spawn(b, "CORRIDOR_TEST_AS_BROADCAST")
			defer p.kill()
			var w watchers
			w.connect(b, viewers, p.addr, func(int) string { return "" })
			defer w.close()
			res, err := impatient.Get(fmt.Sprintf("http://%s/frame?size=%.0f&every=%s", p.addr, size, tick))
			if err != nil {
				b.Fatal(err)
			}
			_ = res.Body.Close()
			time.Sleep(time.Second)
			rate, _, cost := w.rate(b, p, count)
			bare, bareCosts = append(bare, rate), append(bareCosts, cost)
		}()
		ratio = append(ratio, ours[len(ours)-1]/bare[len(bare)-1])
	}
	b.Logf("frames/s of %.0f bytes: %.0f, bare gorilla %.0f; µs of processor a frame: %.1f, bare gorilla %.1f", size, ours, bare, costs, bareCosts)
	b.ReportMetric(median(ours), "frames/s")
	b.ReportMetric(median(bare), "bare-frames/s")
	b.ReportMetric(median(ratio), "of-bare")
	b.ReportMetric(0, "ns/op")
}

// crowd is a server with a fleet of 60 units in each viewport and viewers who have
// their snapshots.
func crowd(b testing.TB, viewers, views int, args ...string) (*process, *watchers, *stampedFleet) {
	b.Helper()
	p := spawn(b, "CORRIDOR_TEST_AS_TRACKER", append([]string{"serve", "--data", b.TempDir()}, args...)...)
	_, carrier := client{b, "http://" + p.addr, adminKey}.party("Carrier", tracking.Carrier)
	f := &stampedFleet{units: 60 * views, boxes: views, begun: time.Now(), client: carrier}
	if err := f.post(0, f.units); err != nil {
		b.Fatal(err)
	}
	w := &watchers{}
	w.connect(b, viewers, p.addr, func(i int) string { return boxes(i, views) })
	return p, w, f
}

// BenchmarkViewerMemory is the growth of the resident memory of a server by 5,000
// viewers, each of which holds a viewport of 60 units. The collector is told to
// leave little garbage (GOGC=10), or what it left would be most of the figure; the
// log tells what is in use.
func BenchmarkViewerMemory(b *testing.B) {
	const viewers, views = 5000, 50
	b.Setenv("GOGC", "10")
	p := spawn(b, "CORRIDOR_TEST_AS_TRACKER", "serve", "--data", b.TempDir())
	_, carrier := client{b, "http://" + p.addr, adminKey}.party("Carrier", tracking.Carrier)
	f := &stampedFleet{units: 60 * views, boxes: views, begun: time.Now(), client: carrier}
	if err := f.post(0, f.units); err != nil {
		b.Fatal(err)
	}
	before, held := settled(b, p), p.memory(b)
	var w watchers
	w.connect(b, viewers, p.addr, func(i int) string { return boxes(i, views) })
	defer w.close()
	for from := range 6 { // they are shown something, too
		if err := f.post(from*500, 500); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(settled(b, p)-before)/viewers, "kB/viewer")
	now := p.memory(b)
	for _, name := range []string{"stack_inuse", "heap_alloc", "heap_inuse", "heap_idle", "heap_released"} {
		b.Logf("%s: %+.1f kB a viewer", name, float64(now[name]-held[name])/viewers)
	}
	bare := spawn(b, "CORRIDOR_TEST_AS_BROADCAST")
	before = settled(b, bare)
	var w2 watchers
	w2.connect(b, viewers, bare.addr, func(int) string { return "" })
	defer w2.close()
	b.ReportMetric(float64(settled(b, bare)-before)/viewers, "bare-kB/viewer")
	b.ReportMetric(0, "ns/op")
}

func median(v []float64) float64 { return slices.Sorted(slices.Values(v))[len(v)/2] }

// settled is the resident memory after the server had a moment to itself.
func settled(b testing.TB, p *process) int {
	time.Sleep(5 * time.Second)
	return p.rss(b)
}

// BenchmarkPostToScreen posts 10,000 positions a second as batches of 500 over HTTP
// to a server with 1,000 viewers of mixed viewports, from one box to the whole fleet,
// and measures from before the request is made until the record is read from the
// viewer's connection.
func BenchmarkPostToScreen(b *testing.B) {
	const viewers, views, perSecond, batch, senders = 1000, 50, 10_000, 500, 2
	p := spawn(b, "CORRIDOR_TEST_AS_TRACKER", "serve", "--data", b.TempDir(), "--view-units", "1000")
	_, carrier := client{b, "http://" + p.addr, adminKey}.party("Carrier", tracking.Carrier)
	begun := time.Now()
	const units = 12_000 // a unit reports less than once a second, or it would be a duplicate
	warm := &stampedFleet{units: units, boxes: views, begun: begun, client: carrier}
	for from := 0; from < units; from += 4000 {
		if err := warm.post(from, 4000); err != nil {
			b.Fatal(err)
		}
	}
	rnd := mrand.New(mrand.NewPCG(1, 1))
	subscriptions := make([]string, viewers)
	for i := range subscriptions {
		west, width := 50*rnd.Float64(), 4*rnd.Float64()
		switch {
		case i%50 == 0: // the whole fleet, as density
			west, width = 0, 50
		case i%5 > 0: // most look at one of some places
			west, width = float64(rnd.IntN(50)), 1
		}
		subscriptions[i] = fmt.Sprintf(`{"type":"subscribe","bbox":[%.4f,40,%.4f,50],"zoom":6}`, west, west+width)
	}
	var w watchers
	w.list = make([]*viewer, viewers)
	var mu sync.Mutex
	var all []time.Duration
	var counting atomic.Bool
	for i := range w.list {
		v, err := dialViewer(p.addr, adminKey, subscriptions[i])
		if err != nil {
			b.Fatal(err)
		}
		w.list[i] = v
		w.wg.Go(func() {
			var mine []time.Duration
			defer func() {
				mu.Lock()
				all = append(all, mine...)
				mu.Unlock()
			}()
			frame := make([]byte, 0, 64<<10)
			for {
				err := v.next(func(opcode byte, n int, r *bufio.Reader) error {
					if opcode != 2 || !counting.Load() {
						return skip(opcode, n, r)
					}
					frame = slices.Grow(frame[:0], n)[:n]
					if _, err := io.ReadFull(r, frame); err != nil {
						return err
					}
					now := time.Since(begun).Milliseconds() % stampE7
					for at := 24; at+18 <= n; at += 18 {
						lon := int64(int32(binary.LittleEndian.Uint32(frame[at+8:])))
						late := now - lon%stampE7
						if late < 0 {
							late += stampE7
						}
						mine = append(mine, time.Duration(late)*time.Millisecond)
					}
					w.frames.Add(1)
					return nil
				})
				if err != nil {
					return
				}
			}
		})
	}
	stop := make(chan struct{})
	var posting sync.WaitGroup
	var posted atomic.Int64
	for s := range senders {
		posting.Go(func() {
			f := &stampedFleet{units: units, boxes: views, begun: begun, client: carrier}
			every := time.NewTicker(time.Second * batch * senders / perSecond)
			defer every.Stop()
			for from := s * units / senders; ; from += batch {
				select {
				case <-stop:
					return
				case <-every.C:
				}
				if err := f.post(from, batch); err != nil {
					b.Error(err)
					return
				}
				posted.Add(batch)
			}
		})
	}
	time.Sleep(3 * time.Second)
	counting.Store(true)
	n, at := posted.Load(), time.Now()
	time.Sleep(10 * time.Second)
	counting.Store(false)
	rate := float64(posted.Load()-n) / time.Since(at).Seconds()
	close(stop)
	posting.Wait()
	w.close()
	slices.Sort(all)
	if len(all) == 0 {
		b.Fatal("no viewer saw anything")
	}
	ms := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))].Milliseconds()) }
	b.ReportMetric(rate, "positions/s")
	b.ReportMetric(float64(len(all))/10, "shown/s")
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
	b.ReportMetric(float64(all[len(all)-1].Milliseconds()), "worst-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkReconnect lets 10,000 viewers connect, cuts them all and lets them come
// back at once, as after a broken line, while units report. It fails when one cannot
// connect or a report is refused. Server and viewers hold 10,000 files each, and as
// many more for a moment.
func BenchmarkReconnect(b *testing.B) {
	const viewers, views = 10_000, 50
	p := spawn(b, "CORRIDOR_TEST_AS_TRACKER", "serve", "--data", b.TempDir())
	_, carrier := client{b, "http://" + p.addr, adminKey}.party("Carrier", tracking.Carrier)
	f := &stampedFleet{units: 5000, boxes: views, begun: time.Now(), client: carrier}
	if err := f.post(0, f.units); err != nil {
		b.Fatal(err)
	}
	stop, posted := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		worst := time.Duration(0)
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		for from := 0; ; from += 250 {
			select {
			case <-stop:
				posted <- worst
				return
			case <-every.C:
			}
			begun := time.Now()
			if err := f.post(from, 250); err != nil {
				b.Error(err)
			}
			worst = max(worst, time.Since(begun))
		}
	}()
	var seconds []float64
	for range 2 {
		begun := time.Now()
		w := watchers{dialers: 1000}
		w.connect(b, viewers, p.addr, func(i int) string { return boxes(i, views) })
		for w.frames.Load() < viewers { // about everybody sees something move
			time.Sleep(10 * time.Millisecond)
			if time.Since(begun) > 2*time.Minute {
				b.Fatalf("%d frames after two minutes", w.frames.Load())
			}
		}
		seconds = append(seconds, time.Since(begun).Seconds())
		w.close()
	}
	close(stop)
	b.ReportMetric(seconds[1], "s-until-back")
	b.ReportMetric(float64((<-posted).Milliseconds()), "worst-post-ms")
	b.ReportMetric(0, "ns/op")
}
