// Package stream serves the live stream of PROTOCOL.md over websockets: who sees
// what is the Watcher's decision, this package is the wire. It is not the feed
// that takes positions in.
//
// A connection has one goroutine of its own, which reads what the client asks for
// (conn.read). What is to be written waits for its turn (pump.go): a few workers go
// from one connection that has something to the next and never wait for a client
// (outlet.go). A client that reads slowly gets no turn until it has taken what it was
// sent; positions conflate in the watch meanwhile, and when events pile up the watch
// ends it.
//
// What many connections get alike is encoded once (shared.go).
package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"corridor/tracking"
)

// Watcher subscribes to the live state.
type Watcher interface {
	Watch(tracking.Interest, *tracking.Resume) (tracking.Watch, error)
}

// Config is what a Server needs. Watcher and Authenticate are required.
type Config struct {
	Watcher Watcher
	// Authenticate tells who asks. It is asked again at every ping, so that a
	// revoked key ends its streams.
	Authenticate func(*http.Request) (tracking.Party, bool)
	// Refuse answers a handshake that is turned down with an error document;
	// nil: a plain application/problem+json.
	Refuse  func(w http.ResponseWriter, r *http.Request, status int, detail string)
	Origins []string              // allowed besides the host itself, e.g. "https://ops.example.com"
	Clock   func() time.Time      // nil: time.Now
	Logger  *slog.Logger          // nil: discard
	Metrics prometheus.Registerer // nil: not exported

	PingEvery    time.Duration // 0: 25 s
	IdleAfter    time.Duration // without a pong; 0: 60 s
	WriteTimeout time.Duration // for one message, at least half of it; 0: 10 s
}

// Subprotocols.
const (
	JSON   = "corridor.v1.json"
	Binary = "corridor.v1.bin"
)

// Close codes of PROTOCOL.md besides those of RFC 6455.
const (
	CloseSignedOut = 4001
	CloseOrigin    = 4003
	CloseSlow      = 4008
	CloseGarbage   = 4009
	CloseIdle      = 4010
)

const (
	maxMessage  = 64 << 10 // from the client
	maxStrikes  = 3        // messages not understood before the connection ends
	closingTime = time.Second
)

// Server upgrades requests and feeds the connections.
type Server struct {
	cfg      Config
	origins  map[string]bool
	upgrader websocket.Upgrader
	metrics  metrics
	pump     pump
	nothing  context.Context // done

	mu       sync.Mutex // guards what follows
	conns    map[*conn]struct{}
	draining bool
	empty    chan struct{} // closed when draining and the last connection is gone
}

// New returns a Server; it starts nothing.
func New(c Config) *Server {
	if c.Refuse == nil {
		c.Refuse = refuse
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.PingEvery <= 0 {
		c.PingEvery = 25 * time.Second
	}
	if c.IdleAfter <= 0 {
		c.IdleAfter = time.Minute
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 10 * time.Second
	}
	s := &Server{
		cfg: c, origins: map[string]bool{}, conns: map[*conn]struct{}{}, empty: make(chan struct{}),
		metrics: newMetrics(c.Metrics), nothing: nothing(),
	}
	for _, o := range c.Origins {
		s.origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: 10 * time.Second,
		Subprotocols:     []string{Binary, JSON},
		// Buffers are lent for the time of a write only: most connections are
		// quiet most of the time.
		ReadBufferSize:  512,
		WriteBufferSize: 4 << 10,
		WriteBufferPool: &sync.Pool{},
		CheckOrigin:     func(*http.Request) bool { return true }, // done before, with a better answer
		Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
			s.metrics.refused.WithLabelValues("handshake").Inc()
			s.cfg.Refuse(w, r, status, reason.Error())
		},
	}
	return s
}

// refuse is the answer when nobody gave a better one.
func refuse(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client is gone if this fails
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
	})
}

// ServeHTTP upgrades the request and serves it until either side ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	turnDown := func(reason string, status int, detail string) {
		s.metrics.refused.WithLabelValues(reason).Inc()
		s.cfg.Refuse(w, r, status, detail)
	}
	if !s.allowed(r) {
		turnDown("origin", http.StatusForbidden, fmt.Sprintf("a page of %s may not open this stream: have it added with --origins", r.Header.Get("Origin")))
		return
	}
	party, ok := s.cfg.Authenticate(r)
	if !ok {
		turnDown("signed-out", http.StatusUnauthorized, "sign in, or send a key as Authorization: Bearer KEY")
		return
	}
	c := &conn{s: s, r: handshake(r), viewer: party}
	if !s.add(c) {
		turnDown("stopping", http.StatusServiceUnavailable, "the server is stopping: come back in a moment")
		return
	}
	socket := &hijacker{ResponseWriter: w, timeout: s.cfg.WriteTimeout}
	ws, err := s.upgrader.Upgrade(socket, r, nil)
	if err != nil {
		s.remove(c)
		return // the upgrader has answered
	}
	// Drain waits for it. The handler returns: the HTTP server keeps some ten
	// kilobytes for as long as it runs.
	go func() {
		defer s.remove(c)
		c.serve(ws, socket.out)
	}()
}

// handshake keeps of a request what tells who made it.
func handshake(r *http.Request) *http.Request {
	kept := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, RemoteAddr: r.RemoteAddr, Header: http.Header{}}
	for _, name := range []string{"Authorization", "Cookie"} {
		if v, ok := r.Header[name]; ok {
			kept.Header[name] = v
		}
	}
	return kept
}

// allowed compares the origin of a page. Programs that are not browsers send
// none.
func (s *Server) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || s.origins[strings.ToLower(origin)] {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.draining && len(s.conns) == 0 {
		close(s.empty)
	}
}

// Drain turns new connections away, closes the open ones with 1001 and returns
// when they are gone; those that are not when ctx is done are cut.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		if len(s.conns) == 0 {
			close(s.empty)
		}
	}
	for c := range s.conns {
		c.end(websocket.CloseGoingAway, "the server is stopping: resume in a moment")
	}
	s.mu.Unlock()
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	left := len(s.conns)
	for c := range s.conns {
		c.cut()
	}
	s.mu.Unlock()
	if left > 0 {
		return fmt.Errorf("%d streams did not end in time and were cut: %w", left, context.Cause(ctx))
	}
	return nil
}

// conn is one connection.
type conn struct {
	s      *Server
	r      *http.Request // of the handshake
	viewer tracking.Party
	binary bool

	// Whose turn it is: see pump.go. What follows belongs to the turn.
	state  atomic.Int32
	watch  tracking.Watch // nil: nothing was subscribed to
	roster *roster        // the numbers of units, binary only
	book   *book          // of the roster, and how much of it was told
	told   int
	seq    uint64 // what the client has seen up to
	epoch  string

	pinging *time.Timer
	ended   chan struct{} // closed when nothing more is written

	mu      sync.Mutex // guards what follows
	ws      *websocket.Conn
	out     *outlet // below ws
	mail    mail
	closing bool
}

// mail is what the next turn is to do.
type mail struct {
	errors    []clientError
	subscribe *subscribe // the latest wins
	code      int        // close with it
	reason    string
	ping      bool
	gone      bool // the client is gone: nothing can be sent
}

// post changes the mail and asks for a turn.
func (c *conn) post(change func(*mail)) {
	c.mu.Lock()
	change(&c.mail)
	open := c.ws != nil
	c.mu.Unlock()
	if open {
		c.schedule()
	}
}

// end closes the connection from this side; the first reason given counts.
func (c *conn) end(code int, reason string) {
	c.post(func(m *mail) {
		if m.code == 0 {
			m.code, m.reason = code, reason
		}
	})
}

// cut drops the connection without a word.
func (c *conn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws != nil {
		_ = c.ws.Close()
	}
}

func (c *conn) serve(ws *websocket.Conn, out *outlet) {
	c.binary = ws.Subprotocol() == Binary
	c.ended = make(chan struct{})
	out.free = c.schedule
	c.mu.Lock()
	c.ws, c.out = ws, out
	c.mu.Unlock()
	open := c.s.metrics.open.WithLabelValues(c.protocol())
	open.Inc()
	defer open.Dec()
	defer ws.Close() //nolint:errcheck // nothing to be done about it
	c.pinging = time.AfterFunc(c.s.cfg.PingEvery, func() { c.post(func(m *mail) { m.ping = true }) })
	defer c.pinging.Stop()
	c.schedule() // for what was posted before
	c.read()
	c.post(func(m *mail) { m.gone = true })
	<-c.ended
}

func (c *conn) protocol() string {
	if c.binary {
		return "bin"
	}
	return "json"
}

// read takes what the client sends until the connection ends.
func (c *conn) read() {
	extend := func(string) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closing { // the deadline is the last one
			return nil
		}
		return c.ws.SetReadDeadline(time.Now().Add(c.s.cfg.IdleAfter))
	}
	c.ws.SetPongHandler(extend)
	c.ws.SetReadLimit(16 * maxMessage) // beyond it the library closes with 1009 and reads no more
	strikes := 0
	for {
		_ = extend("")
		kind, b, err := c.ws.ReadMessage()
		if err != nil {
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) && timeout.Timeout() {
				c.end(CloseIdle, "nothing was heard for too long")
			}
			if errors.Is(err, websocket.ErrReadLimit) {
				c.s.metrics.ended.WithLabelValues("1009").Inc()
			}
			return
		}
		var sub *subscribe
		var fault *clientError
		apart(func() { sub, fault = parse(kind, b) })
		if fault == nil {
			c.post(func(m *mail) { m.subscribe = sub })
			continue
		}
		c.s.metrics.garbage.Inc()
		strikes++
		if strikes >= maxStrikes || len(b) > maxMessage {
			c.end(CloseGarbage, fault.Detail)
			continue // until the client has answered the close
		}
		c.post(func(m *mail) { m.errors = append(m.errors, *fault) })
	}
}

// apart runs what calls deep on a stack of its own: that of a connection's own
// goroutines would keep for ever what it once grew to, and there are thousands.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (c *conn) takeMail() mail {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.mail
	c.mail = mail{code: m.code, reason: m.reason, gone: m.gone}
	return m
}

// fail turns an error of the writer into a close code.
func (c *conn) fail(err error) {
	var closed *closeError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &closed):
		c.end(closed.code, closed.reason)
	case errors.Is(err, tracking.ErrSlow):
		c.end(CloseSlow, "too many events were waiting: reconnect and resume")
	case errors.Is(err, tracking.ErrClosed):
		c.end(websocket.CloseGoingAway, "the server is stopping: resume in a moment")
	case errors.Is(err, errWrite) && errors.As(err, &timeout) && timeout.Timeout():
		c.end(CloseSlow, "the connection took nothing for too long: reconnect and resume")
	case errors.Is(err, errWrite):
		c.post(func(m *mail) { m.gone = true })
	default:
		c.s.cfg.Logger.Error("stream ends", "party", c.viewer.ID, "err", err)
		c.end(websocket.CloseTryAgainLater, "something went wrong here: resume in a moment")
	}
}

type closeError struct {
	code   int
	reason string
}

func (e *closeError) Error() string { return e.reason }

// farewell says why the connection ends, when this side ends it, and gives the
// client a moment to answer.
func (c *conn) farewell(m mail) {
	c.pinging.Stop()
	if c.watch != nil {
		c.watch.Close()
		c.watch = nil
	}
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	if m.code == 0 {
		c.s.metrics.ended.WithLabelValues("client").Inc()
		_ = c.ws.SetReadDeadline(time.Now()) // when it was writing that told
		return
	}
	c.s.metrics.ended.WithLabelValues(fmt.Sprint(m.code)).Inc()
	deadline := time.Now().Add(closingTime)
	_ = c.ws.SetReadDeadline(deadline)
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(m.code, short(m.reason)), deadline)
	if m.code == CloseSlow { // it does not read: do not wait for an answer
		_ = c.ws.SetReadDeadline(time.Now())
	}
}

// short makes a reason fit a close frame.
func short(reason string) string {
	const room = 123
	if len(reason) <= room {
		return reason
	}
	cut := room - len("…")
	for cut > 0 && !utf8.RuneStart(reason[cut]) {
		cut--
	}
	return reason[:cut] + "…"
}

var errWrite = errors.New("write")

func writeError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errWrite, err)
}

func (c *conn) send(kind int, b []byte) error {
	if err := c.ws.WriteMessage(kind, b); err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	c.s.metrics.bytes.Add(float64(len(b)))
	return nil
}

// ping keeps the connection open and looks whether its key still holds.
func (c *conn) ping() error {
	if p, ok := c.s.cfg.Authenticate(c.r); !ok || p.ID != c.viewer.ID {
		return &closeError{CloseSignedOut, "the key was revoked or the session is over"}
	}
	if err := c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.s.cfg.WriteTimeout)); err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	return nil
}

// subscribe replaces the interest and sends the snapshot.
func (c *conn) subscribe(m *subscribe) error {
	if c.watch != nil {
		c.watch.Close()
		c.watch = nil
	}
	i := m.interest
	i.Viewer = c.viewer
	r := m.resume
	if r == nil && c.epoch != "" {
		// The same connection looks elsewhere: its events go on where they were.
		r = &tracking.Resume{Epoch: c.epoch, Seq: c.seq, NewInterest: true}
	}
	w, err := c.s.cfg.Watcher.Watch(i, r)
	if err != nil {
		return err
	}
	if err := c.sendSnapshot(w.Snapshot()); err != nil {
		w.Close()
		return err
	}
	c.watch = w
	w.Notify(c.schedule)
	return nil
}
