package notify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"corridor/tracking"
	"corridor/tracking/notify"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// source is a tracker's deliveries in memory.
type source struct {
	mu      sync.Mutex
	hooks   map[tracking.HookID]tracking.Hook
	alerts  []tracking.Alert
	settled chan tracking.DeliverySettled
	follows bool
	broken  error
}

func newSource(hook tracking.Hook, alerts ...tracking.Alert) *source {
	hook.ID = "H"
	for i := range alerts {
		alerts[i].Deliveries = []tracking.Delivery{{Hook: "H", Round: 1, State: tracking.DeliveryPending}}
	}
	return &source{hooks: map[tracking.HookID]tracking.Hook{"H": hook}, alerts: alerts, settled: make(chan tracking.DeliverySettled, 100)}
}

func alert(id string) tracking.Alert {
	lat, lon := 50.1, 10.2
	return tracking.Alert{
		ID: tracking.AlertID(id), Name: "Siegel offen\r\nBcc: x@evil.example", Severity: tracking.Critical, Owner: "ночная смена", Raised: noon, Count: 2,
		Event: tracking.Event{Kind: tracking.EventSealOpened, Time: noon, Unit: "鲁B·K7723", Shipment: "shp-1", Lat: &lat, Lon: &lon},
	}
}

func (s *source) PendingAlerts() []tracking.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.alerts)
}

func (s *source) Hook(id tracking.HookID) (tracking.Hook, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.hooks[id]
	return h, ok
}

func (s *source) Leads() bool { return !s.follows }

func (s *source) Settle(_ context.Context, e tracking.DeliverySettled) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken; err != nil {
		s.broken = nil
		return err
	}
	s.alerts = slices.DeleteFunc(s.alerts, func(a tracking.Alert) bool { return a.ID == e.Alert })
	s.settled <- e
	return nil
}

// running runs a sender until the test ends.
func running(t *testing.T, c notify.Config) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	c.Every, c.First, c.Longest = time.Millisecond, time.Millisecond, 4*time.Millisecond
	go func() { ended <- notify.New(c).Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A hook is posted to until it takes it, signed each time, always by one id.
func TestWebhook(t *testing.T) {
	var mu sync.Mutex
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var seconds int64
		signature := r.Header.Get(notify.HeaderSignature)
		if _, err := fmt.Sscanf(signature, "t=%d,", &seconds); err != nil {
			t.Error(err)
		}
		if want := notify.Sign("s3cret", time.Unix(seconds, 0), body); signature != want || seconds < noon.Unix() {
			t.Errorf("signed %s, want %s", signature, want)
		}
		var m notify.Message
		if err := json.Unmarshal(body, &m); err != nil || m.Alert.ID != "A" || m.Delivery != r.Header.Get(notify.HeaderDelivery) {
			t.Errorf("%v: %s", err, body)
		}
		mu.Lock()
		ids = append(ids, m.Delivery)
		n := len(ids)
		mu.Unlock()
		if n != m.Attempt {
			t.Errorf("attempt %d says it is %d", n, m.Attempt)
		}
		if n < 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	s := newSource(tracking.Hook{URL: server.URL + "/in", Secret: "s3cret"}, alert("A"))
	running(t, notify.Config{Source: s, Web: notify.NewWeb(true), Clock: ahead()})
	if e := <-s.settled; e.State != tracking.DeliveryDelivered || e.Attempts != 4 || e.Hook != "H" || e.Round != 1 {
		t.Errorf("%+v", e)
	}
	if want := []string{"A.H.1", "A.H.1", "A.H.1", "A.H.1"}; !slices.Equal(ids, want) {
		t.Errorf("deliveries %v", ids)
	}
}

// clock stands at noon for those who ask what time it is, but lets pauses end.
func clock() func() time.Time { return func() time.Time { return noon } }

func TestWebhookGivesUp(t *testing.T) {
	status := http.StatusInternalServerError
	elsewhere := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere++
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer server.Close()
	for _, tt := range []struct {
		name, url string
		status    int
		private   bool
		attempts  int
		says      string
	}{
		{"always broken", server.URL, 500, true, 5, "500"},
		{"redirects", server.URL, 302, true, 5, "302"},
		{"gone", server.URL, 410, true, 1, "410"},
		{"plain http", server.URL, 200, false, 1, "not https"},
		{"a private address", strings.Replace(server.URL, "http:", "https:", 1), 200, false, 1, "no public address"},
		{"a name of it", "https://localhost" + server.URL[strings.LastIndexByte(server.URL, ':'):], 200, false, 1, "no public address"},
		{"the metadata of a cloud", "https://169.254.169.254/latest", 200, false, 1, "no public address"},
		{"nobody there", "http://127.0.0.1:1/", 200, true, 5, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status = tt.status
			s := newSource(tracking.Hook{URL: tt.url, Secret: "x"}, alert("A"))
			running(t, notify.Config{Source: s, Web: notify.NewWeb(tt.private), Attempts: 5, Clock: ahead()})
			e := <-s.settled
			if e.State != tracking.DeliveryDead || e.Attempts != tt.attempts || !strings.Contains(e.Error, tt.says) {
				t.Errorf("%+v", e)
			}
		})
	}
	if elsewhere > 0 {
		t.Error("a redirect was followed")
	}
}

// ahead is a clock on which every pause is over at once.
func ahead() func() time.Time {
	var mu sync.Mutex
	now := noon
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Hour)
		return now
	}
}

// A process that does not lead sends nothing.
func TestOneOfSeveralSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource(tracking.Hook{URL: "https://192.0.2.1/"}, alert("A"))
		s.follows = true
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- notify.New(notify.Config{Source: s, Web: notify.NewWeb(false)}).Run(ctx) }()
		time.Sleep(10 * time.Second)
		stop()
		if err := <-done; err != nil || len(s.settled) != 0 {
			t.Errorf("%v, settled %d", err, len(s.settled))
		}
	})
}

// How it ended is kept in the end, though it could not be at first: it is sent again.
func TestSettledInTheEnd(t *testing.T) {
	posts := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { posts <- r.Header.Get(notify.HeaderDelivery) }))
	defer server.Close()
	s := newSource(tracking.Hook{URL: server.URL}, alert("A"))
	s.broken = tracking.ErrFull
	running(t, notify.Config{Source: s, Web: notify.NewWeb(true), Clock: ahead()})
	if e := <-s.settled; e.State != tracking.DeliveryDelivered || e.Attempts != 2 || len(posts) != 2 {
		t.Errorf("%+v", e)
	}
}

func TestCallable(t *testing.T) {
	for _, bad := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1",
		"::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
	} {
		if notify.Callable(netip.MustParseAddr(bad)) {
			t.Errorf("%s may be called", bad)
		}
	}
	for _, good := range []string{"93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "8.8.8.8"} {
		if !notify.Callable(netip.MustParseAddr(good)) {
			t.Errorf("%s may not be called", good)
		}
	}
}

// mailbox is a mail server's back end.
type mailbox struct {
	got  chan received
	auth bool
	in   bool
	m    received
}

type received struct {
	from string
	to   []string
	body []byte
	tls  bool
}

func (m *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	return &mailbox{got: m.got, auth: m.auth, m: received{tls: secure}}, nil
}

func (m *mailbox) AuthMechanisms() []string { return []string{sasl.Plain} }

func (m *mailbox) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "corridor" || password != "pass" {
			return smtp.ErrAuthFailed
		}
		m.in = true
		return nil
	}), nil
}

func (m *mailbox) Mail(from string, _ *smtp.MailOptions) error {
	if m.auth && !m.in {
		return smtp.ErrAuthRequired
	}
	m.m.from = from
	return nil
}

func (m *mailbox) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, Message: "no such user"}
	}
	m.m.to = append(m.m.to, to)
	return nil
}

func (m *mailbox) Data(r io.Reader) (err error) {
	m.m.body, err = io.ReadAll(r)
	m.got <- m.m
	return err
}

func (m *mailbox) Reset()        { m.m.to = nil }
func (m *mailbox) Logout() error { return nil }

// Mail goes to a real SMTP server by STARTTLS, with a login, and can be read by who
// gets it in any script; a name adds no header.
func TestMail(t *testing.T) {
	certificate, pool := selfSigned(t)
	for _, tt := range []struct {
		name, scheme string
		serverTLS    bool
		implicit     bool
		auth         bool
		password     string
		to           string
		dies         string
	}{
		{"STARTTLS and a login", "smtp://corridor@", true, false, true, "pass", "desk@example.com", ""},
		{"TLS from the start", "smtps://", true, true, false, "", "desk@example.com", ""},
		{"none, as asked", "smtp+plain://", false, false, false, "", "desk@example.com", ""},
		{"no STARTTLS there", "smtp://", false, false, false, "", "desk@example.com", "offers no STARTTLS"},
		{"wrong password", "smtp://corridor@", true, false, true, "wrong", "desk@example.com", "535"},
		{"nobody of that name", "smtp://", true, false, false, "", "nobody@example.com", "550"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			box := &mailbox{got: make(chan received, 10), auth: tt.auth}
			server := smtp.NewServer(box)
			server.Domain = "localhost"
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := listener.Addr().String()
			if tt.serverTLS {
				server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
			}
			if tt.implicit {
				listener = tls.NewListener(listener, server.TLSConfig)
			}
			go func() { _ = server.Serve(listener) }()
			defer server.Close()
			m, err := notify.NewMail(tt.scheme+address, tt.password, "Corridor <corridor@example.com>", "https://corridor.example/")
			if err != nil {
				t.Fatal(err)
			}
			notify.TrustForTest(m, pool)
			s := newSource(tracking.Hook{Mail: []string{tt.to, "second@example.com"}}, alert("A"))
			running(t, notify.Config{Source: s, Mail: m, Attempts: 2, Clock: ahead()})
			e := <-s.settled
			if tt.dies != "" {
				if e.State != tracking.DeliveryDead || !strings.Contains(e.Error, tt.dies) {
					t.Errorf("%+v", e)
				}
				return
			}
			if e.State != tracking.DeliveryDelivered {
				t.Fatalf("%+v", e)
			}
			got := <-box.got
			if got.from != "corridor@example.com" || !slices.Equal(got.to, []string{tt.to, "second@example.com"}) || got.tls != tt.serverTLS {
				t.Errorf("%+v", got)
			}
			message, err := mail.ReadMessage(bytes.NewReader(got.body))
			if err != nil {
				t.Fatalf("%v\n%s", err, got.body)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
			if err != nil || !strings.Contains(subject, "[critical] Siegel offen") || message.Header.Get("Bcc") != "" {
				t.Errorf("subject %q, %v, headers %v", subject, err, message.Header)
			}
			text, err := io.ReadAll(quotedprintable.NewReader(message.Body))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"鲁B·K7723", "ночная смена", "seal-opened", "2026-12-01 12:00 UTC", "50.10000, 10.20000", "https://corridor.example/live?shipment=shp-1", "2 times"} {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

func TestNewMailRefuses(t *testing.T) {
	for _, bad := range [][2]string{
		{"mail.example", "a@b.example"},
		{"http://mail.example", "a@b.example"},
		{"smtp://", "a@b.example"},
		{"smtp+plain://user@mail.example", "a@b.example"},
		{"smtp://mail.example", "nobody"},
	} {
		if _, err := notify.NewMail(bad[0], "", bad[1], ""); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// Without a mail server mail dies and says why.
func TestNoMailServer(t *testing.T) {
	s := newSource(tracking.Hook{Mail: []string{"desk@example.com"}}, alert("A"))
	running(t, notify.Config{Source: s, Clock: clock()})
	if e := <-s.settled; e.State != tracking.DeliveryDead || !strings.Contains(e.Error, "--smtp") {
		t.Errorf("%+v", e)
	}
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
