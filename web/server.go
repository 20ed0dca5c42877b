// Package web is the HTTP shell of Corridor: routes and who may use them, keys
// and sessions, one table from errors to statuses, limits, security headers,
// metrics, the access log and the built UI.
//
// It knows no endpoint: api, stream, feed and tiles mount theirs with Handle, and
// cmd puts them together. It does not plan or track anything. Read Server.Handle
// first, then ProblemOf.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Server needs. All fields but Origins, Ready and Static are
// required.
type Config struct {
	Keys       Keys
	SessionKey []byte   // signs sessions; at least 32 bytes
	Origins    []string // other origins whose pages may use sessions, e.g. "https://tms.example"
	Clock      func() time.Time
	Logger     *slog.Logger
	Metrics    prometheus.Registerer
	// Ready returns why the server cannot serve yet or any more, which /readyz
	// and every route that is not Bare answer with 503. Nil: always ready.
	Ready  func() error
	Static fs.FS // the built UI; nil: none
}

// Server dispatches requests. Mount everything before it serves.
type Server struct {
	keys     Keys
	sessions *sessions
	tickets  *tickets
	signIns  limiter
	bearers  limiter
	origins  []string
	csrf     *http.CrossOriginProtection
	clock    func() time.Time
	log      *slog.Logger
	metrics  *metrics
	ready    func() error
	static   http.Handler
	compress func(http.Handler) http.HandlerFunc
	mux      *http.ServeMux
	routes   []Route
}

// Route is one method and path and the conditions of its use.
type Route struct {
	Method string
	Path   string // as http.ServeMux patterns write it
	Access Access
	// Accepts are the media types of a body; none: a body is not looked at.
	Accepts []string
	// MaxBody is the largest body in bytes; 0: 64 KiB.
	MaxBody int64
	// Bare routes answer even while the server is not ready.
	Bare bool
	// Socket routes are upgraded: their time says nothing about latency, and a
	// session may open one only from a page of this origin or a listed one.
	Socket  bool
	Handler http.Handler
}

const defaultMaxBody = 64 << 10

// New makes a server with the health routes and the UI.
func New(c Config) (*Server, error) {
	if len(c.SessionKey) < 32 {
		return nil, fmt.Errorf("the session key has %d bytes: 32 are needed", len(c.SessionKey))
	}
	s := &Server{
		keys:     c.Keys,
		sessions: &sessions{secret: c.SessionKey, signedOut: map[string]time.Time{}},
		tickets:  &tickets{secret: c.SessionKey, used: map[string]time.Time{}},
		signIns:  limiter{max: 10, seen: map[string]*failures{}},
		bearers:  limiter{max: 60, seen: map[string]*failures{}},
		csrf:     http.NewCrossOriginProtection(),
		clock:    c.Clock,
		log:      c.Logger,
		metrics:  newMetrics(c.Metrics),
		ready:    c.Ready,
		mux:      http.NewServeMux(),
	}
	if s.ready == nil {
		s.ready = func() error { return nil }
	}
	for _, o := range c.Origins {
		if err := s.csrf.AddTrustedOrigin(o); err != nil {
			return nil, fmt.Errorf("origin %q: give it as scheme://host[:port]: %w", o, err)
		}
		s.origins = append(s.origins, strings.ToLower(o))
	}
	// A plan with its geometries is a few hundred kilobytes of JSON. Responses that
	// come compressed already are left as they are.
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(2048))
	if err != nil {
		return nil, err
	}
	s.compress = compress
	if c.Static != nil {
		static, err := newStatic(c.Static)
		if err != nil {
			return nil, err
		}
		s.static = static
	}
	s.Handle(Route{Method: http.MethodGet, Path: "/healthz", Access: Public, Bare: true, Handler: http.HandlerFunc(s.healthz)})
	s.Handle(Route{Method: http.MethodGet, Path: "/readyz", Access: Public, Bare: true, Handler: http.HandlerFunc(s.readyz)})
	s.mux.HandleFunc("/", s.fallback)
	return s, nil
}

// Handle mounts a route. Like ServeMux it panics on a pattern that clashes: that
// is a mistake of the program, found by any test that starts it.
func (s *Server) Handle(rt Route) {
	s.routes = append(s.routes, rt)
	s.mux.Handle(rt.Method+" "+rt.Path, s.guard(rt))
}

// Routes lists what is mounted.
func (s *Server) Routes() []Route { return slices.Clone(s.routes) }

// guard is the order in which a request is let in: ready, known, allowed, from
// the right page, of the right kind and size. Each refusal is cheap and comes
// before the body is read.
func (s *Server) guard(rt Route) http.Handler {
	maxBody := rt.MaxBody
	if maxBody == 0 {
		maxBody = defaultMaxBody
	}
	handler := rt.Handler
	if !rt.Socket {
		handler = s.compress(handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rec, ok := w.(*recorder); ok {
			rec.route, rec.socket = rt.Path, rt.Socket
		}
		if !rt.Bare {
			if err := s.ready(); err != nil {
				s.WriteProblem(w, r, notReady(err))
				return
			}
			if rt.Socket {
				admitted, err := s.admit(r)
				if err != nil {
					s.WriteProblem(w, r, err)
					return
				}
				r = admitted
			}
			v, err := s.identify(r)
			switch {
			case err == nil:
				ctx := context.WithValue(r.Context(), viewerKey, v)
				r = r.WithContext(ctx)
			case rt.Access&Public == 0:
				s.WriteProblem(w, r, err)
				return
			}
			if !rt.Access.Allows(v.party.Role) {
				s.WriteProblem(w, r, NewProblem(http.StatusForbidden, "role", "a "+string(v.party.Role)+" may not do this"))
				return
			}
			if err := s.sameSite(rt, r, v); err != nil {
				s.WriteProblem(w, r, err)
				return
			}
		}
		if r.ContentLength > maxBody {
			// The body is not read; the connection cannot be used again.
			w.Header().Set("Connection", "close")
			s.WriteProblem(w, r, &http.MaxBytesError{Limit: maxBody})
			return
		}
		if len(rt.Accepts) > 0 {
			if err := checkType(r, rt.Accepts); err != nil {
				s.WriteProblem(w, r, err)
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey, exchange{w, r})))
	})
}

// exchange is the request as it came, for handlers behind a framework that need
// cookies.
type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

// Exchange gives the request and its answer to a handler that has its context
// only.
func Exchange(ctx context.Context) (http.ResponseWriter, *http.Request) {
	e, _ := ctx.Value(requestKey).(exchange)
	return e.w, e.r
}

// sameSite keeps other sites from using a session that the browser sends along.
// A key in a header is never sent along, so it needs no such check.
func (s *Server) sameSite(rt Route, r *http.Request, v viewer) error {
	if rt.Socket {
		// Browsers let any page open a websocket anywhere, with cookies and a
		// GET, so the origin is checked here and whoever connects.
		if origin := r.Header.Get("Origin"); origin != "" && !s.originAllowed(origin, r.Host) {
			return NewProblem(http.StatusForbidden, "foreign-origin", "pages of "+origin+" may not connect here; list it in --origins if they should")
		}
		return nil
	}
	public := rt.Access&Public != 0 // signing in and out is by cookie, too
	if (v.byCookie || public) && !safeMethod(r.Method) {
		if err := s.csrf.Check(r); err != nil {
			return NewProblem(http.StatusForbidden, "foreign-origin", "this request comes from a page of another site; list it in --origins if that is right")
		}
	}
	return nil
}

func (s *Server) originAllowed(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	return strings.EqualFold(u.Host, host) || slices.Contains(s.origins, strings.ToLower(origin))
}

func checkType(r *http.Request, accepts []string) error {
	ct := r.Header.Get("Content-Type")
	if ct == "" && r.ContentLength == 0 {
		return nil // the handler says what is missing
	}
	media, _, err := mime.ParseMediaType(ct)
	if err != nil || !slices.Contains(accepts, media) {
		return NewProblem(http.StatusUnsupportedMediaType, "content-type",
			fmt.Sprintf("the body comes as %q; send Content-Type: %s", ct, strings.Join(accepts, " or ")))
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.clock()
	id := r.Header.Get("X-Request-Id")
	if !validRequestID(id) {
		id = strings.ToLower(rand.Text())[:16]
	}
	rec := &recorder{ResponseWriter: w, route: "other"}
	r = r.WithContext(context.WithValue(r.Context(), requestIDKey, id))
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", contentSecurityPolicy)

	s.metrics.inFlight.Inc()
	defer func() {
		s.metrics.inFlight.Dec()
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			s.log.ErrorContext(r.Context(), "handler panicked", "request", id, "route", rec.route, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if rec.status == 0 {
				s.WriteProblem(rec, r, fmt.Errorf("panic: %v", v))
			}
		}
		s.logAccess(r, rec, id, s.clock().Sub(start))
	}()
	s.mux.ServeHTTP(rec, r)
}

// The UI needs workers from blobs (MapLibre) and inline style attributes; no
// inline script, nothing from elsewhere.
const contentSecurityPolicy = "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; " +
	"style-src 'self' 'unsafe-inline'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (s *Server) logAccess(r *http.Request, rec *recorder, id string, took time.Duration) {
	status := rec.status
	if status == 0 {
		status = http.StatusOK
	}
	if rec.hijacked {
		status = http.StatusSwitchingProtocols
	}
	if !rec.socket {
		s.metrics.answered(rec.route, knownMethod(r.Method), status, took)
	} else {
		s.metrics.requests.WithLabelValues(rec.route, knownMethod(r.Method), strconv.Itoa(status)).Inc()
	}
	level := slog.LevelDebug // what went well is in the metrics
	switch {
	case status >= 500:
		level = slog.LevelError
	case status >= 400:
		level = slog.LevelInfo
	}
	path := r.URL.Path
	if strings.Contains(rec.route, "{secret}") {
		path = rec.route
	}
	s.log.Log(r.Context(), level, "request", "request", id, "method", r.Method, "path", path,
		"status", status, "bytes", rec.bytes, "ms", took.Milliseconds(), "from", remoteHost(r))
}

// knownMethod keeps clients from inventing label values.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

func validRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// fallback answers what no route takes: the UI outside /api/, a problem inside.
func (s *Server) fallback(w http.ResponseWriter, r *http.Request) {
	if allow := s.allowed(r); len(allow) > 0 {
		p := NewProblem(http.StatusMethodNotAllowed, "method", r.Method+" is not served here")
		p.Allow = strings.Join(allow, ", ")
		s.WriteProblem(w, r, p)
		return
	}
	if s.static == nil || strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/api" {
		s.WriteProblem(w, r, NewProblem(http.StatusNotFound, "no-such-route", "nothing is served at "+r.URL.Path+"; see /openapi.json"))
		return
	}
	if !safeMethod(r.Method) {
		p := NewProblem(http.StatusMethodNotAllowed, "method", r.Method+" is not served here")
		p.Allow = "GET, HEAD"
		s.WriteProblem(w, r, p)
		return
	}
	if rec, ok := w.(*recorder); ok {
		rec.route = "ui"
	}
	if isAssetMissing(s.static, r.URL.Path) {
		s.WriteProblem(w, r, NewProblem(http.StatusNotFound, "no-such-file", "the UI has no file "+r.URL.Path))
		return
	}
	s.static.ServeHTTP(w, r)
}

// allowed asks the mux which methods it would take for the path.
func (s *Server) allowed(r *http.Request) []string {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if m == r.Method {
			continue
		}
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(probe); pattern != "/" && pattern != "" {
			allow = append(allow, m)
		}
	}
	return allow
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.ready(); err != nil {
		s.WriteProblem(w, r, notReady(err))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ready")
}

func notReady(err error) *Problem {
	p := NewProblem(http.StatusServiceUnavailable, "not-ready", err.Error())
	p.RetryAfter = 2 * time.Second
	return p
}
