package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"corridor/tracking"
)

// TicketLife is how long a ticket may wait to be used.
const TicketLife = 30 * time.Second

const (
	ticketParameter = "ticket"
	ticketPurpose   = "corridor ticket 1\x00"
	mostTickets     = 1 << 20 // used ones that are remembered
)

// tickets open one websocket each for a page that can send neither a header nor the
// session with its handshake: a browser gives scripts no headers there, and the
// session's cookie does not leave its own site. A ticket is signed like a session,
// so any process that shares the key takes it; that it was used is known to the
// process that took it.
type tickets struct {
	secret []byte

	mu   sync.Mutex           // guards used
	used map[string]time.Time // nonces, until they would have expired
}

// ticket is what a ticket says. Like a session it is worth no more than its key.
type ticket struct {
	Key     tracking.KeyID `json:"k"`
	Nonce   string         `json:"n"`
	Expires int64          `json:"e"` // Unix milliseconds
}

func (t *tickets) issue(key tracking.KeyID, now time.Time) (string, time.Time) {
	expires := now.Add(TicketLife)
	body, err := json.Marshal(ticket{Key: key, Nonce: rand.Text(), Expires: expires.UnixMilli()})
	if err != nil {
		panic(err) // a struct of strings and a number always marshals
	}
	payload := base64.RawURLEncoding.EncodeToString(body)
	return payload + "." + t.sign(payload), expires
}

func (t *tickets) sign(payload string) string {
	mac := hmac.New(sha256.New, t.secret)
	mac.Write([]byte(ticketPurpose + payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// redeem takes a ticket once.
func (t *tickets) redeem(token string, now time.Time) (tracking.KeyID, bool) {
	payload, mac, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(t.sign(payload))) {
		return "", false
	}
	body, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", false
	}
	var v ticket
	if err := json.Unmarshal(body, &v); err != nil || now.UnixMilli() >= v.Expires {
		return "", false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, again := t.used[v.Nonce]; again {
		return "", false
	}
	if len(t.used) >= 1024 {
		for nonce, until := range t.used {
			if !now.Before(until) {
				delete(t.used, nonce)
			}
		}
		if len(t.used) >= mostTickets {
			return "", false
		}
	}
	t.used[v.Nonce] = time.UnixMilli(v.Expires)
	return v.Key, true
}

// Ticket makes a ticket for whoever makes the request: its bearer may open one
// websocket as that party, with ?ticket=, within TicketLife.
func (s *Server) Ticket(r *http.Request) (string, time.Time, error) {
	v, err := s.identify(r)
	if err != nil {
		return "", time.Time{}, err
	}
	token, expires := s.tickets.issue(v.key, s.clock())
	return token, expires, nil
}

// admit turns the ticket of a handshake into a session, which stays with the
// connection: whoever serves it asks again with it whether the key still holds. A
// request without a ticket is returned as it is.
func (s *Server) admit(r *http.Request) (*http.Request, error) {
	query := r.URL.Query()
	token := query.Get(ticketParameter)
	if token == "" {
		return r, nil
	}
	now := s.clock()
	key, ok := s.tickets.redeem(token, now)
	if !ok {
		return r, NewProblem(http.StatusUnauthorized, "ticket", "the ticket was used, is over or is not of this server: get a new one from POST /api/v1/tickets")
	}
	r = r.Clone(r.Context())
	query.Del(ticketParameter)
	r.URL.RawQuery = query.Encode()
	session, _ := s.sessions.issue(key, now)
	r.Header.Del("Authorization")
	r.Header.Set("Cookie", cookieName+"="+session)
	return r, nil
}
