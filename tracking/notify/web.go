package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"corridor/tracking"
)

// Headers of what is posted.
const (
	// HeaderSignature is "t=SECONDS,v1=HEX": the Unix time of the attempt, and the
	// HMAC-SHA256 with the hook's secret of those seconds, a full stop and the body.
	HeaderSignature = "Corridor-Signature"
	HeaderDelivery  = "Corridor-Delivery" // the same for each attempt of one delivery
)

// Message is what is posted.
type Message struct {
	Delivery string         `json:"delivery"`
	Attempt  int            `json:"attempt"`
	Alert    tracking.Alert `json:"alert"`
}

// Web posts to hooks.
type Web struct {
	client  *http.Client
	private bool
}

const webTimeout = 10 * time.Second

// NewWeb makes a Web. It calls no address that is private, of this machine or of no
// use, whatever a name resolves to and at the moment of the call, follows no redirect
// and uses no proxy; with private set it may call any, and by plain HTTP.
func NewWeb(private bool) *Web {
	dialer := &net.Dialer{Timeout: webTimeout}
	if !private {
		dialer.Control = refusePrivate
	}
	return &Web{private: private, client: &http.Client{
		Timeout: webTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: webTimeout, ResponseHeaderTimeout: webTimeout,
			MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refusePrivate is asked with the address a connection is about to be made to, so
// that a name cannot resolve to one thing when it is checked and to another when it is
// called.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	if !Callable(ip) {
		return fmt.Errorf("%w: %s is no public address (serve --hooks-private lets hooks call it)", errGiveUp, ip)
	}
	return nil
}

// Callable tells whether an address is a public one.
func Callable(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} { // IANA special-purpose registries, RFC 6890 and after; those that hold IPv4 inside among them
		if netip.MustParsePrefix(p).Contains(ip) {
			return false
		}
	}
	return true
}

// Sign is the value of HeaderSignature.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(seconds + "."))
	m.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(m.Sum(nil))
}

func (w *Web) post(ctx context.Context, d delivery, now time.Time) error {
	if !w.private && !strings.HasPrefix(d.hook.URL, "https://") {
		return fmt.Errorf("%w: %s is not https (serve --hooks-private lets hooks use http)", errGiveUp, d.hook.URL)
	}
	body, err := json.Marshal(Message{d.ID(), d.n, d.alert})
	if err != nil {
		return fmt.Errorf("%w: %w", errGiveUp, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.hook.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errGiveUp, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Corridor")
	r.Header.Set(HeaderDelivery, d.ID())
	r.Header.Set(HeaderSignature, Sign(d.hook.Secret, now, body))
	answer, err := w.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	switch {
	case answer.StatusCode/100 == 2:
		return nil
	case answer.StatusCode == http.StatusGone:
		return fmt.Errorf("%w: it answered %s", errGiveUp, answer.Status)
	}
	return fmt.Errorf("it answered %s", answer.Status)
}
