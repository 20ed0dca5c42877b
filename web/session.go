package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"corridor/tracking"
)

const (
	cookieName = "corridor_session"
	// sessionLife is absolute: a shift and a half, then the key is asked for again.
	sessionLife = 12 * time.Hour
)

// session is what the cookie says. It holds no secret: the cookie is signed, and
// it is worth no more than the key it names, which may be revoked at any time.
type session struct {
	Key     tracking.KeyID `json:"k"`
	Nonce   string         `json:"n"`
	Expires int64          `json:"e"` // Unix seconds
}

// sessions signs and checks cookies. They survive a restart because the signing
// key is kept; those signed out are remembered until they would have expired.
type sessions struct {
	secret []byte

	mu        sync.Mutex // guards signedOut
	signedOut map[string]time.Time
}

var errSession = errors.New("not a session of this server")

func (s *sessions) issue(key tracking.KeyID, now time.Time) (string, time.Time) {
	expires := now.Add(sessionLife)
	body, err := json.Marshal(session{Key: key, Nonce: rand.Text(), Expires: expires.Unix()})
	if err != nil {
		panic(err) // a struct of strings and a number always marshals
	}
	payload := base64.RawURLEncoding.EncodeToString(body)
	return payload + "." + s.sign(payload), expires
}

func (s *sessions) sign(payload string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("corridor session 1\x00" + payload))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *sessions) open(token string, now time.Time) (session, error) {
	var v session
	payload, mac, ok := strings.Cut(token, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(s.sign(payload))) {
		return v, errSession
	}
	body, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return v, errSession
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, errSession
	}
	if now.Unix() >= v.Expires {
		return v, errSession
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, out := s.signedOut[v.Nonce]; out {
		return v, errSession
	}
	return v, nil
}

func (s *sessions) end(v session, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for nonce, until := range s.signedOut {
		if now.After(until) {
			delete(s.signedOut, nonce)
		}
	}
	s.signedOut[v.Nonce] = time.Unix(v.Expires, 0)
}

// SessionKey reads the key that signs sessions from dir, or makes one there that
// only the server's user can read.
func SessionKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "session.key")
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) == 32:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("%s holds %d bytes where 32 are due: delete it to sign everyone out and get a new one", path, len(key))
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read the session key: %w", err)
	}
	key = make([]byte, 32)
	rand.Read(key)
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("keep the session key: %w", err)
	}
	return key, nil
}

// SignIn checks the key and, when it is one, gives the browser a session. Only
// so many wrong keys are looked at for one address in a minute.
func (s *Server) SignIn(w http.ResponseWriter, r *http.Request, secret string) (tracking.Party, error) {
	now := s.clock()
	addr := remoteHost(r)
	if wait := s.signIns.blocked(addr, now); wait > 0 {
		p := NewProblem(http.StatusTooManyRequests, "too-many-attempts", "too many wrong keys from this address; wait and try again")
		p.RetryAfter = wait
		return tracking.Party{}, p
	}
	party, key, ok := s.keys.Authenticate(secret)
	if !ok {
		s.signIns.fail(addr, now)
		return tracking.Party{}, NewProblem(http.StatusUnauthorized, "wrong-key", "this is not a key of this server, or it was revoked")
	}
	token, expires := s.sessions.issue(key, now)
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: token, Path: "/", Expires: expires,
		HttpOnly: true, Secure: isTLS(r), SameSite: http.SameSiteStrictMode,
	})
	return party, nil
}

// SignOut ends the session of the request, if it has one.
func (s *Server) SignOut(w http.ResponseWriter, r *http.Request) {
	now := s.clock()
	if c, err := r.Cookie(cookieName); err == nil {
		if v, err := s.sessions.open(c.Value, now); err == nil {
			s.sessions.end(v, now)
		}
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: isTLS(r), SameSite: http.SameSiteStrictMode,
	})
}

// isTLS trusts X-Forwarded-Proto: a client that lies only marks its own cookie.
func isTLS(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// Origin is where the client reached the server, for what is printed or sent on.
func Origin(r *http.Request) string {
	if isTLS(r) {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// limiter counts failures by address in windows of a minute.
type limiter struct {
	max int

	mu   sync.Mutex // guards seen
	seen map[string]*failures
}

type failures struct {
	count int
	until time.Time
}

const failureWindow = time.Minute

// blocked says how long the address must wait; 0 when it need not.
func (l *limiter) blocked(addr string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.seen[addr]
	if f == nil || !now.Before(f.until) || f.count < l.max {
		return 0
	}
	return f.until.Sub(now)
}

func (l *limiter) fail(addr string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) > 10_000 {
		for a, f := range l.seen {
			if !now.Before(f.until) {
				delete(l.seen, a)
			}
		}
	}
	f := l.seen[addr]
	if f == nil || !now.Before(f.until) {
		f = &failures{until: now.Add(failureWindow)}
		l.seen[addr] = f
	}
	f.count++
}
