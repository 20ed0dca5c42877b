package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"corridor/carriers"
	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
	"corridor/web"
)

// keys is a set of parties by secret; the key's id is the secret reversed in case.
type keys map[string]tracking.Party

func (k keys) Authenticate(secret string) (tracking.Party, tracking.KeyID, bool) {
	p, ok := k[secret]
	return p, tracking.KeyID("id-" + secret), ok
}

func (k keys) Key(id tracking.KeyID) (tracking.Party, bool) {
	p, ok := k[strings.TrimPrefix(string(id), "id-")]
	return p, ok
}

type harness struct {
	*web.Server
	keys    keys
	now     time.Time
	notYet  error
	metrics *prometheus.Registry
	logged  strings.Builder
}

func newHarness(t *testing.T, origins ...string) *harness {
	t.Helper()
	h := &harness{
		now:     time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		metrics: prometheus.NewRegistry(),
		keys: keys{
			"admin-key":   {ID: "a", Role: tracking.Admin},
			"carrier-key": {ID: "c", Role: tracking.Carrier},
		},
	}
	server, err := web.New(web.Config{
		Keys: h.keys, SessionKey: []byte(strings.Repeat("k", 32)), Origins: origins,
		Clock:   func() time.Time { return h.now },
		Logger:  slog.New(slog.NewTextHandler(&h.logged, nil)),
		Metrics: h.metrics,
		Ready:   func() error { return h.notYet },
		Static: fstest.MapFS{
			"index.html":          {Data: []byte("<!doctype html><title>Corridor</title>" + strings.Repeat(" ", 2000))},
			"assets/app-1a2b3.js": {Data: []byte(strings.Repeat("export const a = 1;\n", 200))},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Server = server
	who := func(w http.ResponseWriter, r *http.Request) {
		p, ok := web.Viewer(r.Context())
		fmt.Fprintf(w, "%s %v", p.ID, ok)
	}
	server.Handle(web.Route{Method: "GET", Path: "/api/admins", Access: web.Admins, Handler: http.HandlerFunc(who)})
	server.Handle(web.Route{Method: "GET", Path: "/api/anyone", Access: web.Public, Handler: http.HandlerFunc(who)})
	server.Handle(web.Route{
		Method: "POST", Path: "/api/things/{id}", Access: web.SignedIn, Accepts: []string{"application/json"}, MaxBody: 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				server.WriteProblem(w, r, err)
				return
			}
			_, _ = w.Write(b)
		}),
	})
	server.Handle(web.Route{
		Method: "POST", Path: "/api/session", Access: web.Public,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := server.SignIn(w, r, r.URL.Query().Get("key")); err != nil {
				server.WriteProblem(w, r, err)
			}
		}),
	})
	server.Handle(web.Route{
		Method: "POST", Path: "/api/tickets", Access: web.SignedIn,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, _, err := server.Ticket(r)
			if err != nil {
				server.WriteProblem(w, r, err)
				return
			}
			_, _ = io.WriteString(w, token)
		}),
	})
	server.Handle(web.Route{Method: "DELETE", Path: "/api/session", Access: web.Public, Handler: http.HandlerFunc(server.SignOut)})
	server.Handle(web.Route{Method: "GET", Path: "/api/socket", Access: web.SignedIn, Socket: true, Handler: http.HandlerFunc(who)})
	server.Handle(web.Route{Method: "GET", Path: "/api/long", Access: web.Public, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `"`+strings.Repeat("x", 5000)+`"`)
	})})
	server.Handle(web.Route{Method: "GET", Path: "/api/panic", Access: web.Public, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })})
	return h
}

func (h *harness) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestGuard(t *testing.T) {
	const admin, carrier = "Bearer admin-key", "Bearer carrier-key"
	js := []string{"Content-Type", "application/json"}
	for _, tt := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     string // of the problem
	}{
		{"allowed role", "GET", "/api/admins", "", []string{"Authorization", admin}, 200, ""},
		{"scheme in any case", "GET", "/api/admins", "", []string{"Authorization", "bearer admin-key"}, 200, ""},
		{"other role", "GET", "/api/admins", "", []string{"Authorization", carrier}, 403, "role"},
		{"nobody", "GET", "/api/admins", "", nil, 401, "not-signed-in"},
		{"wrong key", "GET", "/api/admins", "", []string{"Authorization", "Bearer x"}, 401, "wrong-key"},
		{"basic", "GET", "/api/admins", "", []string{"Authorization", "Basic YTpi"}, 401, "wrong-scheme"},
		{"made-up session", "GET", "/api/admins", "", []string{"Cookie", "corridor_session=a.b"}, 401, "session-over"},
		{"public without key", "GET", "/api/anyone", "", nil, 200, ""},
		{"public with a wrong key", "GET", "/api/anyone", "", []string{"Authorization", "Bearer x"}, 200, ""},
		{"body", "POST", "/api/things/1", `{"a":1}`, append(js, "Authorization", carrier), 200, ""},
		{"charset", "POST", "/api/things/1", `{"a":1}`, []string{"Content-Type", "application/json; charset=utf-8", "Authorization", carrier}, 200, ""},
		{"form", "POST", "/api/things/1", `a=1`, []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", carrier}, 415, "content-type"},
		{"no type", "POST", "/api/things/1", `{}`, []string{"Authorization", carrier}, 415, "content-type"},
		{"too long", "POST", "/api/things/1", `{"a":123456789}`, append(js, "Authorization", carrier), 413, "too-large"},
		{"role before body", "POST", "/api/things/1", `{"a":123456789}`, js, 401, "not-signed-in"},
		{"no such route", "GET", "/api/nothing", "", nil, 404, "no-such-route"},
		{"method", "DELETE", "/api/things/1", "", nil, 405, "method"},
		{"method on the UI", "POST", "/compare", "", nil, 405, "method"},
		{"panic", "GET", "/api/panic", "", nil, 500, "internal"},
		{"socket from nowhere", "GET", "/api/socket", "", []string{"Authorization", admin}, 200, ""},
		{"socket from here", "GET", "/api/socket", "", []string{"Authorization", admin, "Origin", "http://example.com"}, 200, ""},
		{"socket from a friend", "GET", "/api/socket", "", []string{"Authorization", admin, "Origin", "https://friend.example"}, 200, ""},
		{"socket from elsewhere", "GET", "/api/socket", "", []string{"Authorization", admin, "Origin", "https://evil.example"}, 403, "foreign-origin"},
		{"socket from null", "GET", "/api/socket", "", []string{"Authorization", admin, "Origin", "null"}, 403, "foreign-origin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, "https://friend.example")
			w := h.do(tt.method, tt.path, tt.body, tt.header...)
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			if tt.code == "" {
				return
			}
			var p web.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("not a problem: %v: %s", err, w.Body)
			}
			if p.Code != tt.code || p.Status != tt.status || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Instance, "urn:request:") {
				t.Errorf("problem %+v, want code %s", p, tt.code)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("Content-Type %q", ct)
			}
			if tt.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			if tt.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if n := refusals(t, h, tt.code); n != 1 {
				t.Errorf("counted %v times", n)
			}
			if strings.Contains(w.Body.String(), "boom") || strings.Contains(h.logged.String(), "admin-key") {
				t.Error("internals or a key leaked")
			}
		})
	}
}

// refusals reads corridor_refusals_total{kind="request",code}.
func refusals(t *testing.T, h *harness, code string) (n float64) {
	t.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "corridor_refusals_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "code" && l.GetValue() == code {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

// zeros is a body that is never all in memory.
type zeros struct{ left int64 }

func (z *zeros) Read(b []byte) (int, error) {
	if z.left <= 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), z.left))
	z.left -= int64(n)
	return n, nil
}

func TestAHugeBodyIsNotRead(t *testing.T) {
	h := newHarness(t)
	for _, declared := range []bool{true, false} {
		body := &zeros{left: 1 << 30}
		r := httptest.NewRequest("POST", "/api/things/1", body)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer carrier-key")
		if declared {
			r.ContentLength = 1 << 30
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 413 {
			t.Errorf("declared %v: status %d", declared, w.Code)
		}
		if read := int64(1<<30) - body.left; read > 64<<10 {
			t.Errorf("declared %v: %d bytes were read", declared, read)
		}
	}
}

func TestSession(t *testing.T) {
	h := newHarness(t)
	in := h.do("POST", "/api/session?key=admin-key", "")
	cookies := in.Result().Cookies()
	if in.Code != 200 || len(cookies) != 1 {
		t.Fatalf("sign in: %d %v", in.Code, cookies)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure {
		t.Errorf("cookie %v", c)
	}
	if s := h.do("POST", "/api/session?key=admin-key", "", "X-Forwarded-Proto", "https").Result().Cookies()[0]; !s.Secure {
		t.Error("the cookie is not Secure behind TLS")
	}
	cookie := c.Name + "=" + c.Value
	status := func(header ...string) int {
		return h.do("GET", "/api/admins", "", append([]string{"Cookie", cookie}, header...)...).Code
	}
	if got := status(); got != 200 {
		t.Fatalf("with the cookie: %d", got)
	}
	post := func(header ...string) int {
		return h.do("POST", "/api/things/1", `{}`, append([]string{"Cookie", cookie, "Content-Type", "application/json"}, header...)...).Code
	}
	for _, tt := range []struct {
		header []string
		want   int
	}{
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Origin", "http://example.com"}, 200},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
	} {
		if got := post(tt.header...); got != tt.want {
			t.Errorf("POST with %v: %d, want %d", tt.header, got, tt.want)
		}
	}
	if w := h.do("POST", "/api/session?key=admin-key", "", "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("another site signed in: %d", w.Code)
	}

	party := h.keys["admin-key"]
	delete(h.keys, "admin-key")
	if got := status(); got != 401 {
		t.Errorf("after the key was revoked: %d", got)
	}
	h.keys["admin-key"] = party

	for _, forged := range []string{c.Value + "x", "x" + c.Value, strings.Replace(c.Value, ".", "..", 1)} {
		if w := h.do("GET", "/api/admins", "", "Cookie", c.Name+"="+forged); w.Code != 401 {
			t.Errorf("forged cookie: %d", w.Code)
		}
	}

	if w := h.do("DELETE", "/api/session", "", "Cookie", cookie); w.Code != 200 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("sign out: %d %v", w.Code, w.Result().Cookies())
	}
	if got := status(); got != 401 {
		t.Errorf("after signing out: %d", got)
	}

	again := h.do("POST", "/api/session?key=admin-key", "").Result().Cookies()[0]
	cookie = again.Name + "=" + again.Value
	h.now = h.now.Add(12*time.Hour - time.Second)
	if got := status(); got != 200 {
		t.Errorf("just before it ends: %d", got)
	}
	h.now = h.now.Add(time.Second)
	if got := status(); got != 401 {
		t.Errorf("when it has ended: %d", got)
	}
}

// TestTicket opens a socket once with a ticket, as who asked for it, and nothing else.
func TestTicket(t *testing.T) {
	h := newHarness(t)
	issue := func() string {
		w := h.do("POST", "/api/tickets", "", "Authorization", "Bearer admin-key")
		if w.Code != 200 {
			t.Fatalf("no ticket: %d %s", w.Code, w.Body)
		}
		return url.QueryEscape(w.Body.String())
	}
	open := func(ticket string, header ...string) int {
		return h.do("GET", "/api/socket?ticket="+ticket, "", header...).Code
	}
	ticket := issue()
	if w := h.do("GET", "/api/admins?ticket="+ticket, ""); w.Code != 401 {
		t.Errorf("a ticket opened what is no socket: %d", w.Code)
	}
	if w := h.do("GET", "/api/socket?ticket="+ticket, ""); w.Code != 200 || w.Body.String() != "a true" {
		t.Fatalf("with a ticket: %d %s", w.Code, w.Body)
	}
	if got := open(ticket); got != 401 {
		t.Errorf("a second time: %d", got)
	}
	if got := open(ticket, "Authorization", "Bearer admin-key"); got != 401 {
		t.Errorf("a used ticket beside a key: %d", got)
	}
	if got := open(issue(), "Origin", "https://evil.example"); got != 403 {
		t.Errorf("from another site's page: %d", got)
	}
	late := issue()
	h.now = h.now.Add(web.TicketLife)
	if got := open(late); got != 401 {
		t.Errorf("too late: %d", got)
	}
	for _, forged := range []string{"x", "x.y", issue() + "x", "x" + issue()} {
		if got := open(forged); got != 401 {
			t.Errorf("forged ticket %s: %d", forged, got)
		}
	}
	c := h.do("POST", "/api/session?key=admin-key", "").Result().Cookies()[0]
	if got := open(url.QueryEscape(c.Value)); got != 401 {
		t.Errorf("a session as a ticket: %d", got)
	}
	if w := h.do("GET", "/api/admins", "", "Cookie", c.Name+"="+issue()); w.Code != 401 {
		t.Errorf("a ticket as a session: %d", w.Code)
	}
	held := issue()
	delete(h.keys, "admin-key")
	if got := open(held); got != 401 {
		t.Errorf("of a revoked key: %d", got)
	}
}

func TestWrongKeysAreLimited(t *testing.T) {
	h := newHarness(t)
	for range 10 {
		if w := h.do("POST", "/api/session?key=guess", ""); w.Code != 401 {
			t.Fatalf("guess: %d", w.Code)
		}
	}
	w := h.do("POST", "/api/session?key=admin-key", "")
	if w.Code != 429 || w.Header().Get("Retry-After") != "60" {
		t.Errorf("after ten guesses: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	h.now = h.now.Add(time.Minute)
	if w := h.do("POST", "/api/session?key=admin-key", ""); w.Code != 200 {
		t.Errorf("a minute later: %d", w.Code)
	}

	last := 0
	for range 70 {
		last = h.do("GET", "/api/admins", "", "Authorization", "Bearer old").Code
	}
	if last != 429 {
		t.Errorf("70 requests with a wrong key: %d", last)
	}
	if w := h.do("GET", "/api/admins", "", "Authorization", "Bearer admin-key"); w.Code != 200 {
		t.Errorf("a right key from the same address: %d", w.Code)
	}
}

func TestNotReady(t *testing.T) {
	h := newHarness(t)
	h.notYet = errors.New("the log is being replayed")
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/api/admins": 503, "/": 200} {
		w := h.do("GET", path, "", "Authorization", "Bearer admin-key")
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if want == 503 && (w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "replayed")) {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}
}

func TestUI(t *testing.T) {
	h := newHarness(t)
	index := h.do("GET", "/", "")
	for _, page := range []string{"/live", "/shipments/abc", "/compare?from=CNTAO"} {
		if w := h.do("GET", page, ""); w.Code != 200 || w.Body.String() != index.Body.String() {
			t.Errorf("%s: %d", page, w.Code)
		}
	}
	if cc := index.Header().Get("Cache-Control"); cc != "no-cache" {
		t.Errorf("index.html: Cache-Control %q", cc)
	}
	if !strings.Contains(index.Header().Get("Content-Security-Policy"), "default-src 'self'") {
		t.Error("no content security policy")
	}
	js := h.do("GET", "/assets/app-1a2b3.js", "", "Accept-Encoding", "br, gzip;q=0.8")
	if js.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(js.Header().Get("Cache-Control"), "immutable") ||
		js.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("asset: %v", js.Header())
	}
	if w := h.do("GET", "/assets/app-1a2b3.js", "", "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
		t.Error("gzip sent to a client that refuses it")
	}
	if w := h.do("GET", "/assets/app-1a2b3.js", "", "If-None-Match", js.Header().Get("ETag"), "Accept-Encoding", "gzip"); w.Code != 304 {
		t.Errorf("revalidation: %d", w.Code)
	}
	if w := h.do("GET", "/assets/gone-99.js", ""); w.Code != 404 {
		t.Errorf("a missing asset: %d", w.Code)
	}
	if w := h.do("GET", "/../../etc/passwd", ""); strings.Contains(w.Body.String(), "root:") {
		t.Error("left the UI's folder")
	}
}

func TestLongAnswersAreCompressed(t *testing.T) {
	h := newHarness(t)
	if w := h.do("GET", "/api/long", "", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > 500 {
		t.Errorf("%v, %d bytes", w.Header(), w.Body.Len())
	}
	if w := h.do("GET", "/api/long", ""); w.Header().Get("Content-Encoding") != "" || w.Body.Len() != 5002 {
		t.Errorf("%v, %d bytes", w.Header(), w.Body.Len())
	}
}

func TestUIWithoutIndex(t *testing.T) {
	_, err := web.New(web.Config{
		SessionKey: make([]byte, 32), Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Clock: time.Now, Static: fs.FS(fstest.MapFS{}),
	})
	if err == nil {
		t.Error("an empty UI was accepted")
	}
}

func TestProblemOf(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("doing something: %w", err) }
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{&geodata.UnknownPlaceError{Query: "Qindao", Nearest: []geodata.Place{{Code: "CNTAO", Names: geodata.Names{EN: "Qingdao"}, Country: "CN"}}}, 422, "unknown-place"},
		{&routing.InputError{Field: "cargo.weight_kg", Message: "must be more than 0"}, 422, "input"},
		{&tracking.InvalidError{Code: "unit", Reason: "unit is missing"}, 422, "unit"},
		{geodata.ErrNoRoute, 422, "no-route"},
		{tracking.ErrNotFound, 404, "not-found"},
		{tracking.ErrForbidden, 403, "not-yours"},
		{tracking.ErrConflict, 409, "conflict"},
		{tracking.ErrFull, 507, "log-full"},
		{tracking.ErrClosed, 503, "stopping"},
		{&carriers.TooManyError{Max: 10}, 413, "too-many-positions"},
		{&carriers.MalformedError{Err: io.ErrUnexpectedEOF}, 400, "malformed"},
		{&http.MaxBytesError{Limit: 10}, 413, "too-large"},
		{fs.ErrPermission, 500, "internal"},
	} {
		p := web.ProblemOf(wrap(tt.err))
		if p.Status != tt.status || p.Code != tt.code {
			t.Errorf("%v: %d %s, want %d %s", tt.err, p.Status, p.Code, tt.status, tt.code)
		}
		if tt.status == 500 && strings.Contains(p.Detail, "permission") {
			t.Errorf("%v leaks", tt.err)
		}
	}
	p := web.ProblemOf(&geodata.UnknownPlaceError{Nearest: []geodata.Place{{Code: "CNTAO", Names: geodata.Names{EN: "Qingdao"}, Country: "CN"}}})
	if len(p.Suggestions) != 1 || p.Suggestions[0] != (web.Suggestion{Code: "CNTAO", Name: "Qingdao", Country: "CN"}) {
		t.Errorf("suggestions %v", p.Suggestions)
	}
}

func TestSessionKeyIsKept(t *testing.T) {
	dir := t.TempDir()
	first, err := web.SessionKey(dir)
	if err != nil || len(first) != 32 {
		t.Fatal(err, len(first))
	}
	again, err := web.SessionKey(dir)
	if err != nil || string(again) != string(first) {
		t.Errorf("the key changed: %v", err)
	}
}
