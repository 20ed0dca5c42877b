// Package feed takes positions in over a websocket, as PROTOCOL.md says: one
// receipt for each frame, sent when what it counts as stored is durable. It is for
// gateways that keep a connection open; api takes single requests and stream sends
// positions out.
//
// Frames of one connection are worked off one after the other, so a sender that is
// faster than the log is slowed by TCP and loses nothing.
package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"corridor/carriers"
	"corridor/geodata"
	"corridor/tracking"
	"corridor/web"
)

// Log tells up to where everything is known.
type Log interface {
	Epoch() string
	Seq() uint64
}

// Shell is what the feed needs of the web server.
type Shell interface {
	Identify(*http.Request) (tracking.Party, bool)
	WriteProblem(http.ResponseWriter, *http.Request, error)
	CountRefusals(kind, code string, n int)
}

// Config is what a Server needs. The times have defaults.
type Config struct {
	Sink    carriers.Sink
	Log     Log
	Shell   Shell
	Logger  *slog.Logger
	Metrics prometheus.Registerer

	PingEvery    time.Duration // 0: 25 s
	IdleAfter    time.Duration // 0: 60 s
	WriteTimeout time.Duration // 0: 10 s
}

const (
	maxPositions = 10_000
	maxFrame     = 4 << 20

	closeRevoked = 4001
	closeIdle    = 4010
)

// Server holds the connections of the feed.
type Server struct {
	Config
	upgrader websocket.Upgrader
	open     prometheus.Gauge
	frames   *prometheus.CounterVec

	mu       sync.Mutex // guards conns and draining
	conns    map[*conn]struct{}
	draining bool
	done     sync.WaitGroup
}

// New returns a Server; it starts nothing.
func New(c Config) *Server {
	if c.PingEvery == 0 {
		c.PingEvery = 25 * time.Second
	}
	if c.IdleAfter == 0 {
		c.IdleAfter = time.Minute
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 10 * time.Second
	}
	s := &Server{
		Config: c,
		conns:  map[*conn]struct{}{},
		// The web server's guard has looked at the origin.
		upgrader: websocket.Upgrader{
			HandshakeTimeout: 10 * time.Second,
			CheckOrigin:      func(*http.Request) bool { return true },
			Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
				c.Shell.WriteProblem(w, r, web.NewProblem(status, "handshake", reason.Error()))
			},
		},
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "corridor_feed_connections", Help: "Open connections of the feed."}),
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "corridor_feed_frames_total", Help: "Frames answered, by kind and whether anything of them could be taken.",
		}, []string{"kind", "result"}),
	}
	c.Metrics.MustRegister(s.open, s.frames)
	return s
}

// conn is one connection. Its own goroutine reads and writes; only the close frame
// and pings, which gorilla lets others send, come from elsewhere.
type conn struct {
	*websocket.Conn
	party   tracking.Party
	options tracking.AcceptOptions
	decoder Decoder
	answer  []byte // the last receipt's bytes, to be used again
	revoked bool   // guarded by Server.mu
}

// resume is the point of the log that holds everything stored so far.
type resume struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

type frameError struct {
	Code       string `json:"code"`
	Detail     string `json:"detail"`
	RetryAfter int    `json:"retry_after,omitempty"`
}

type receipt struct {
	Frame uint64 `json:"frame"`
	tracking.Receipt
	Resume resume      `json:"resume"`
	Error  *frameError `json:"error,omitempty"`
}

// appendJSON writes the receipt. Most say that all was stored, and there are tens
// of thousands a second of them: those are written without reflection.
func (r *receipt) appendJSON(b []byte) ([]byte, error) {
	if r.Error != nil || len(r.Refused) > 0 {
		full, err := json.Marshal(r)
		return append(b, full...), err
	}
	b = strconv.AppendUint(append(b, `{"frame":`...), r.Frame, 10)
	b = strconv.AppendInt(append(b, `,"stored":`...), int64(r.Stored), 10)
	b = strconv.AppendInt(append(b, `,"duplicates":`...), int64(r.Duplicates), 10)
	b = append(b, `,"refused":[],"resume":{"epoch":`...)
	epoch, err := json.Marshal(r.Resume.Epoch)
	b = append(b, epoch...)
	b = strconv.AppendUint(append(b, `,"seq":`...), r.Resume.Seq, 10)
	return append(b, "}}"...), err
}

// ServeHTTP upgrades the request and serves it until either side ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	options, err := optionsOf(r)
	if err != nil {
		s.Shell.WriteProblem(w, r, err)
		return
	}
	party, ok := web.Viewer(r.Context())
	if !ok {
		s.Shell.WriteProblem(w, r, web.NewProblem(http.StatusUnauthorized, "not-signed-in", "the feed needs a key"))
		return
	}
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		s.Shell.WriteProblem(w, r, tracking.ErrClosed)
		return
	}
	s.done.Add(1)
	s.mu.Unlock()
	defer s.done.Done()

	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	c := &conn{Conn: ws, party: party, options: options}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	if s.draining {
		_ = c.SetReadDeadline(time.Now()) // Drain did not see it
	}
	s.mu.Unlock()
	s.open.Inc()
	// The context of a hijacked request ends with its handler.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	pinged := make(chan struct{})
	go func() {
		defer close(pinged)
		s.ping(ctx, c, r)
	}()
	s.serve(ctx, c)
	cancel()
	<-pinged
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.open.Dec()
	_ = c.Close()
}

func optionsOf(r *http.Request) (tracking.AcceptOptions, error) {
	var o tracking.AcceptOptions
	q := r.URL.Query()
	if m := q.Get("mode"); m != "" {
		mode, err := geodata.ParseMode(m)
		if err != nil {
			return o, web.NewProblem(http.StatusUnprocessableEntity, "input", err.Error())
		}
		o.Mode = mode
	}
	switch q.Get("simulated") {
	case "", "false":
	case "true":
		o.Simulated = true
	default:
		return o, web.NewProblem(http.StatusUnprocessableEntity, "input", "simulated is true or false")
	}
	return o, nil
}

// ping keeps the connection open and looks whether its key still holds.
func (s *Server) ping(ctx context.Context, c *conn, r *http.Request) {
	tick := time.NewTicker(s.PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, ok := s.Shell.Identify(r); !ok {
			s.mu.Lock()
			c.revoked = true
			s.mu.Unlock()
			_ = c.SetReadDeadline(time.Now()) // wakes the reader, which says goodbye
			return
		}
		if err := c.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.WriteTimeout)); err != nil {
			return // the reader finds out by itself
		}
	}
}

// serve works off frames until the connection ends.
func (s *Server) serve(ctx context.Context, c *conn) {
	c.SetReadLimit(maxFrame)
	c.SetPongHandler(func(string) error { return s.extend(c) })
	for frame := uint64(1); s.extend(c) == nil; frame++ {
		kind, body, err := c.ReadMessage()
		if err != nil {
			s.goodbye(c, err)
			return
		}
		answer := s.take(ctx, c, frame, kind, body)
		if c.answer, err = answer.appendJSON(c.answer[:0]); err != nil {
			s.Logger.Error("feed receipt failed", "err", err)
			return
		}
		_ = c.SetWriteDeadline(time.Now().Add(s.WriteTimeout))
		if err := c.WriteMessage(websocket.TextMessage, c.answer); err != nil {
			return
		}
	}
	s.goodbye(c, nil)
}

// extend gives the peer another while, unless the connection is to end.
func (s *Server) extend(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || c.revoked {
		return tracking.ErrClosed
	}
	return c.SetReadDeadline(time.Now().Add(s.IdleAfter))
}

// goodbye tells the peer why the connection ends, when the server ends it. The
// library has answered frames that were too large and close frames itself.
func (s *Server) goodbye(c *conn, err error) {
	s.mu.Lock()
	draining, revoked := s.draining, c.revoked
	s.mu.Unlock()
	var timeout interface{ Timeout() bool }
	code, reason := 0, ""
	switch {
	case revoked:
		code, reason = closeRevoked, "the key was revoked or the session is over"
	case draining:
		code, reason = websocket.CloseGoingAway, "the server is stopping; come back in a moment"
	case errors.As(err, &timeout) && timeout.Timeout():
		code, reason = closeIdle, "nothing was heard for too long"
	default:
		return
	}
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
}

// take stores one frame and says what became of it.
func (s *Server) take(ctx context.Context, c *conn, frame uint64, kind int, body []byte) receipt {
	out := receipt{Frame: frame, Receipt: tracking.Receipt{Refused: []tracking.Refusal{}}}
	name := "text"
	var (
		positions []tracking.Position
		indexes   []int
		refused   []tracking.Refusal
		err       error
	)
	if kind == websocket.BinaryMessage {
		name = "binary"
		positions, err = c.decoder.Decode(body, maxPositions)
	} else {
		positions, indexes, refused, err = carriers.DecodePositions(bytes.NewReader(body), "", maxPositions)
	}
	if err == nil {
		out.Receipt, err = s.Sink.Accept(ctx, c.party.ID, positions, c.options)
	}
	out.Resume = resume{s.Log.Epoch(), s.Log.Seq()}
	if err != nil {
		s.frames.WithLabelValues(name, "error").Inc()
		out.Receipt = tracking.Receipt{Refused: []tracking.Refusal{}}
		out.Error = s.explain(err)
		s.Shell.CountRefusals("frame", out.Error.Code, 1)
		return out
	}
	for i := range out.Refused {
		if indexes != nil {
			out.Refused[i].Index = indexes[out.Refused[i].Index]
		}
	}
	if len(refused) > 0 {
		out.Refused = append(append([]tracking.Refusal{}, out.Refused...), refused...)
	}
	slices.SortFunc(out.Refused, func(a, b tracking.Refusal) int { return a.Index - b.Index })
	for _, f := range out.Refused {
		s.Shell.CountRefusals("position", f.Code, 1)
	}
	s.frames.WithLabelValues(name, "taken").Inc()
	return out
}

// explain turns an error about a whole frame into what the sender is told.
func (s *Server) explain(err error) *frameError {
	var layout *FrameError
	switch {
	case errors.Is(err, ErrVersion):
		return &frameError{Code: "version", Detail: err.Error()}
	case errors.As(err, &layout):
		return &frameError{Code: "malformed", Detail: layout.Error()}
	}
	p := web.ProblemOf(err)
	if p.Status == http.StatusInternalServerError {
		s.Logger.Error("feed frame failed", "err", err)
		p.RetryAfter = 5 * time.Second
	}
	return &frameError{Code: p.Code, Detail: p.Detail, RetryAfter: int(p.RetryAfter / time.Second)}
}

// Drain turns new connections away, lets each open one finish its frame, closes
// them with 1001 and returns when they are gone or ctx is done.
func (s *Server) Drain(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Now())
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		s.done.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		<-gone
		return ctx.Err()
	}
}
