package web

import (
	"context"
	"net"
	"net/http"
	"strings"

	"corridor/tracking"
)

// Access says who may use a route. It is data, so that one test can walk the
// whole table of routes and roles.
type Access uint8

// Who may come in. They combine; Public lets in whoever comes.
const (
	Public Access = 1 << iota
	Admins
	Dispatchers
	Shippers
	Carriers

	// Office is who runs the place.
	Office = Admins | Dispatchers
	// SignedIn is anyone with a key.
	SignedIn = Admins | Dispatchers | Shippers | Carriers
)

// Allows reports whether a party of the role may come in.
func (a Access) Allows(role tracking.Role) bool {
	return a&Public != 0 || a&accessOf(role) != 0
}

// Roles lists the roles the access lets in, for documentation.
func (a Access) Roles() []tracking.Role {
	var roles []tracking.Role
	for _, r := range []tracking.Role{tracking.Admin, tracking.Dispatcher, tracking.Shipper, tracking.Carrier} {
		if a&accessOf(r) != 0 {
			roles = append(roles, r)
		}
	}
	return roles
}

func accessOf(role tracking.Role) Access {
	switch role {
	case tracking.Admin:
		return Admins
	case tracking.Dispatcher:
		return Dispatchers
	case tracking.Shipper:
		return Shippers
	case tracking.Carrier:
		return Carriers
	}
	return 0
}

// Keys knows who holds which key.
type Keys interface {
	// Authenticate finds the party a secret belongs to; false when it is unknown
	// or revoked.
	Authenticate(secret string) (tracking.Party, tracking.KeyID, bool)
	// Key finds the party of a key that is not revoked.
	Key(id tracking.KeyID) (tracking.Party, bool)
}

type viewer struct {
	party    tracking.Party
	key      tracking.KeyID
	byCookie bool
}

type contextKey int

const (
	viewerKey contextKey = iota
	requestIDKey
	requestKey
)

// Viewer is the party that makes the request; false for a public route used by
// someone who is not signed in.
func Viewer(ctx context.Context) (tracking.Party, bool) {
	v, ok := ctx.Value(viewerKey).(viewer)
	return v.party, ok
}

// RequestID names the request in the log and in problems.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// Identify tells who makes a request, by its key or its session. The guard asks
// it for every route; long-lived connections ask again now and then, so that a
// revoked key ends them.
func (s *Server) Identify(r *http.Request) (tracking.Party, bool) {
	v, err := s.identify(r)
	return v.party, err == nil
}

func (s *Server) identify(r *http.Request) (viewer, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, secret, ok := strings.Cut(h, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return viewer{}, NewProblem(http.StatusUnauthorized, "wrong-scheme", "send the key as: Authorization: Bearer KEY")
		}
		party, key, ok := s.keys.Authenticate(strings.TrimSpace(secret))
		if !ok {
			return viewer{}, s.wrongKey(r)
		}
		return viewer{party: party, key: key}, nil
	}
	if c, err := r.Cookie(cookieName); err == nil {
		v, err := s.sessions.open(c.Value, s.clock())
		if err == nil {
			if party, ok := s.keys.Key(v.Key); ok {
				return viewer{party: party, key: v.Key, byCookie: true}, nil
			}
		}
		return viewer{}, NewProblem(http.StatusUnauthorized, "session-over", "the session is over; sign in again")
	}
	return viewer{}, NewProblem(http.StatusUnauthorized, "not-signed-in", "send a key as Authorization: Bearer KEY, or sign in")
}

// wrongKey never shuts out a right key from the same address: hundreds of boxes
// sit behind one carrier gateway, and one with an old key must not silence the
// others. Keys hold 256 random bits, so the limit only spares the log; the
// sign-in form, which people type into, is stricter.
func (s *Server) wrongKey(r *http.Request) error {
	now, addr := s.clock(), remoteHost(r)
	s.bearers.fail(addr, now)
	if wait := s.bearers.blocked(addr, now); wait > 0 {
		p := NewProblem(http.StatusTooManyRequests, "too-many-attempts", "too many requests with a wrong key from this address")
		p.RetryAfter = wait
		return p
	}
	return NewProblem(http.StatusUnauthorized, "wrong-key", "this is not a key of this server, or it was revoked")
}

// WrongLink is the answer to a link that shows nothing. Like wrong keys, wrong
// links are counted by address: their secrets cannot be guessed, but the log is
// spared who tries.
func (s *Server) WrongLink(r *http.Request) error {
	now, addr := s.clock(), remoteHost(r)
	s.bearers.fail(addr, now)
	if wait := s.bearers.blocked(addr, now); wait > 0 {
		p := NewProblem(http.StatusTooManyRequests, "too-many-attempts", "too many wrong links from this address")
		p.RetryAfter = wait
		return p
	}
	return NewProblem(http.StatusNotFound, "no-such-link", "this link shows nothing: it is not complete, was shut, or is over; ask who sent it for a new one")
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
