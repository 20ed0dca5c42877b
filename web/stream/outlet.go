package stream

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// hijacker hands the upgrader a connection whose Write does not wait.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	out     *outlet
}

func (h *hijacker) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// The HTTP server's deadline for the answer was set when the request came.
	if err := conn.SetWriteDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	h.out = newOutlet(conn, h.timeout)
	return h.out, rw, nil
}

// outlet is a connection whose Write gives the kernel what it takes at once. The rest
// is written by a goroutine for which the writer does not wait; until it is done the
// outlet is stuck, and whoever asks status before a message never has more than one
// waiting.
type outlet struct {
	net.Conn
	timeout time.Duration // for what waits
	free    func()        // called when it is not stuck any more, or has failed

	raw syscall.RawConn // nil: everything waits
	try func(fd uintptr) bool
	b   []byte // for try, and what came of it
	n   int
	no  error

	mu      sync.Mutex // guards all of it
	waiting []byte
	stuck   bool
	err     error
}

// mostWaiting is more than a message and what else gorilla says beside it.
const mostWaiting = 64 << 20

func newOutlet(conn net.Conn, timeout time.Duration) *outlet {
	o := &outlet{Conn: conn, timeout: timeout, free: func() {}}
	if s, ok := conn.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			o.raw = raw
			o.try = func(fd uintptr) bool {
				o.n, o.no = writeNow(fd, o.b)
				return true
			}
		}
	}
	return o
}

// SetDeadline is that of reading: writing has its own.
func (o *outlet) SetDeadline(t time.Time) error { return o.SetReadDeadline(t) }

// SetWriteDeadline does nothing: see timeout.
func (o *outlet) SetWriteDeadline(time.Time) error { return nil }

// status tells whether something waits, and what went wrong.
func (o *outlet) status() (stuck bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stuck, o.err
}

// Write takes all of b.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return 0, o.err
	case o.stuck:
		if len(o.waiting)+len(b) > mostWaiting {
			return 0, errStuck
		}
		o.waiting = append(o.waiting, b...)
		return len(b), nil
	}
	n := 0
	if o.raw != nil {
		o.b, o.n, o.no = b, 0, nil
		err := o.raw.Write(o.try)
		if err == nil {
			err = o.no
		}
		o.b = nil
		if n = o.n; err != nil {
			o.err = err
			return n, err
		}
	}
	if n < len(b) {
		o.waiting, o.stuck = slices.Clone(b[n:]), true
		go o.flush()
	}
	return len(b), nil
}

var errStuck = fmt.Errorf("%d MB wait to be written", mostWaiting>>20)

// flush writes what waits, and what comes meanwhile.
func (o *outlet) flush() {
	for {
		o.mu.Lock()
		b := o.waiting
		if o.waiting = nil; len(b) == 0 {
			o.stuck = false
			o.mu.Unlock()
			break
		}
		o.mu.Unlock()
		_ = o.Conn.SetWriteDeadline(time.Now().Add(o.timeout))
		_, err := o.Conn.Write(b)
		if err == nil {
			err = o.Conn.SetWriteDeadline(time.Time{})
		}
		if err != nil {
			o.mu.Lock()
			o.err, o.stuck, o.waiting = err, false, nil
			o.mu.Unlock()
			break
		}
	}
	o.free()
}
