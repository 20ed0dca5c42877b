package stream

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"corridor/tracking"
)

// message is one that is encoded once for all connections that send it.
type message struct {
	opcode int
	body   []byte // nil: there is only a rest
	sent   prometheus.Counter

	// Most messages have one reader: the first sends the body as it is, the frame
	// around it is kept from the second on.
	used     atomic.Bool
	once     sync.Once
	prepared *websocket.PreparedMessage
	err      error

	// Of a binary frame:
	rest  *message // to be sent before: units no record can describe
	book  *book    // whose numbers it uses
	needs int      // how much of the book must have been told before
}

func (c *conn) prepare(kind string, opcode int, body []byte) *message {
	return &message{opcode: opcode, body: body, sent: c.s.metrics.sent.WithLabelValues(kind)}
}

func (c *conn) sendMessage(m *message) error {
	m.sent.Inc()
	if !m.used.Swap(true) {
		return c.send(m.opcode, m.body)
	}
	m.once.Do(func() { m.prepared, m.err = websocket.NewPreparedMessage(m.opcode, m.body) })
	if m.err != nil {
		return m.err
	}
	if err := c.ws.WritePreparedMessage(m.prepared); err != nil {
		return fmt.Errorf("%w: %w", errWrite, err)
	}
	c.s.metrics.bytes.Add(float64(len(m.body)))
	return nil
}

// Forms a delta is encoded in.
const (
	jsonForm = iota
	frameForm
	cellsForm
)

// forms are the encoded forms of what several watches got alike, by form and by
// the sequence they say; it is the same for all who keep up.
type forms struct {
	mu   sync.Mutex // guards made
	made []formed
}

type formed struct {
	form int
	seq  uint64
	m    *message
}

// keepForms is how many are kept: whoever is elsewhere in the sequence makes its
// own.
const keepForms = 6

// sharedOf is where the forms of a delta are kept; nil when it is one watch's own.
func sharedOf(s *tracking.Shared) *forms {
	if s == nil {
		return nil
	}
	return s.Get(func() any { return new(forms) }).(*forms)
}

func (f *forms) form(form int, seq uint64, create func() *message) *message {
	if f == nil {
		return create()
	}
	f.mu.Lock()
	defer f.mu.Unlock() // the others wait for the first, which costs them less than making it
	for i := range f.made {
		if m := &f.made[i]; m.form == form && m.seq == seq {
			return m.m
		}
	}
	m := create()
	if len(f.made) < keepForms {
		f.made = append(f.made, formed{form, seq, m})
	}
	return m
}

// sketch is what a binary record does not say of a unit.
type sketch struct {
	unit      tracking.UnitID
	carrier   tracking.PartyID
	shipment  tracking.ShipmentID
	mode      string
	simulated bool
}

func sketchOf(u *tracking.UnitState) sketch {
	return sketch{u.Unit, u.Carrier, u.Shipment, string(u.Mode), u.Simulated}
}

// roster numbers the units that an audience sees, so that one frame serves all of
// its connections and a connection remembers no more than how much of the list
// it was told.
type roster struct {
	mu   sync.Mutex // guards what follows and what books hold
	book *book      // the one that new numbers go to
	last struct {   // the last introduction made: most connections need the same
		book     *book
		from, to int
		m        *message
	}
}

// book is a list of introductions: who comes later stands for the number from then
// on. It is replaced when it holds much more than is still to be seen.
type book struct {
	n       int
	numbers map[tracking.UnitID]uint32
	latest  []sketch // by number
	list    []introduction
}

type introduction struct {
	number uint32
	what   sketch
}

// Limits of a book, in introductions.
const (
	spareIntroductions = 256     // beyond twice what is in view when someone comes
	mostIntroductions  = 1 << 16 // whatever happens
)

func rosterOf(audience *tracking.Shared) *roster {
	create := func() any { return &roster{book: newBook(0)} }
	if audience == nil {
		return create().(*roster)
	}
	return audience.Get(create).(*roster)
}

func newBook(n int) *book { return &book{n: n, numbers: map[tracking.UnitID]uint32{}} }

// open numbers the units, introducing those who are new or of which something else
// than the position changed, and returns the book the numbers are of. whole says
// that these are all there are to be seen.
func (r *roster) open(units []tracking.UnitState, whole bool) (*book, []uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.book.list); n > mostIntroductions || whole && n > 2*len(units)+spareIntroductions {
		r.book = newBook(r.book.n + 1)
	}
	b := r.book
	numbers := make([]uint32, len(units))
	for i := range units {
		u := &units[i]
		what := sketchOf(u)
		number, known := b.numbers[u.Unit]
		switch {
		case !known:
			number = uint32(len(b.latest))
			b.numbers[u.Unit] = number
			b.latest = append(b.latest, what)
		case b.latest[number] != what:
			b.latest[number] = what
		default:
			numbers[i] = number
			continue
		}
		b.list = append(b.list, introduction{number, what})
		numbers[i] = number
	}
	return b, numbers
}

func (r *roster) length(b *book) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(b.list)
}

// introduce appends the introductions of a book from a place to its end, and
// returns where that is.
func (r *roster) introduce(dst []byte, b *book, from int) ([]byte, int) {
	r.mu.Lock()
	list := b.list[from:] // what is there does not change any more
	r.mu.Unlock()
	return appendIntroductions(dst, list), from + len(list)
}

func appendIntroductions(b []byte, list []introduction) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"h":`...)
		b = strconv.AppendUint(b, uint64(list[i].number), 10)
		b = append(b, `,"unit":`...)
		b = append(list[i].what.append(b), "}}"...)
	}
	return append(b, ']')
}

// message introduces the units from one place in a book to another.
func (r *roster) message(c *conn, b *book, from, to int) (*message, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := &r.last; l.book == b && l.from == from && l.to >= to {
		return l.m, l.to
	}
	to = len(b.list)
	text := append([]byte(nil), `{"type":"handles","handles":`...)
	m := c.prepare("handles", websocket.TextMessage, append(appendIntroductions(text, b.list[from:to]), '}'))
	r.last.book, r.last.from, r.last.to, r.last.m = b, from, to, m
	return m, to
}
