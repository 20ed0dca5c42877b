package stream

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/tracking"
)

// clientError is what the client is told about a message that was not
// understood.
type clientError struct{ Title, Detail string }

// subscribe is what a client asks for.
type subscribe struct {
	interest tracking.Interest
	resume   *tracking.Resume
}

// parse reads a message of the client. It is strict about what it knows and lets
// pass what it does not: a newer client may say more.
func parse(kind int, b []byte) (*subscribe, *clientError) {
	fault := func(format string, args ...any) (*subscribe, *clientError) {
		return nil, &clientError{"not understood", fmt.Sprintf(format, args...)}
	}
	switch {
	case kind != websocket.TextMessage:
		return fault("send JSON text, not binary")
	case len(b) > maxMessage:
		return fault("a message of %d bytes: at most %d", len(b), maxMessage)
	}
	var m struct {
		Type      string                `json:"type"`
		BBox      *[]float64            `json:"bbox"`
		Zoom      float64               `json:"zoom"`
		Units     []tracking.UnitID     `json:"units"`
		Shipments []tracking.ShipmentID `json:"shipments"`
		Resume    *struct {
			Epoch       string `json:"epoch"`
			Seq         uint64 `json:"seq"`
			NewInterest bool   `json:"new_interest"`
		} `json:"resume"`
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(b, &m); {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fault("%s cannot be a %s", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fault("send a JSON object, not a %s", wrong.Value)
	case err != nil:
		return fault("not JSON: %v", err)
	}
	if m.Type != "subscribe" {
		return fault("type %q: this version knows subscribe", m.Type)
	}
	s := &subscribe{interest: tracking.Interest{Zoom: m.Zoom, Units: m.Units, Shipments: m.Shipments}}
	if m.Zoom < 0 || m.Zoom > 30 {
		return fault("zoom %v out of range [0, 30]", m.Zoom)
	}
	if m.BBox != nil {
		v := *m.BBox
		if len(v) != 4 {
			return fault("bbox has %d numbers: give west, south, east, north", len(v))
		}
		w, south, e, n := v[0], v[1], v[2], v[3]
		switch {
		case south > n:
			return fault("bbox: south %v is north of north %v", south, n)
		case south < -90 || n > 90:
			return fault("bbox: latitudes %v to %v out of range", south, n)
		case math.Abs(w) > 720 || math.Abs(e) > 720:
			return fault("bbox: longitudes %v to %v out of range", w, e)
		}
		s.interest.BBox = &orb.Bound{Min: orb.Point{w, south}, Max: orb.Point{e, n}}
	}
	if r := m.Resume; r != nil && r.Epoch != "" {
		s.resume = &tracking.Resume{Epoch: r.Epoch, Seq: r.Seq, NewInterest: r.NewInterest}
	}
	return s, nil
}

// buffers for messages being written; a connection keeps none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const keepBuffer = 1 << 20 // larger ones are left to the collector

// withBuffer lends a buffer for one message.
func withBuffer(use func(b []byte) ([]byte, error)) error {
	p := buffers.Get().(*[]byte)
	b, err := use((*p)[:0])
	if cap(b) <= keepBuffer {
		*p = b
		buffers.Put(p)
	}
	return err
}

func (c *conn) sendText(kind string, build func(b []byte) []byte) error {
	return withBuffer(func(b []byte) ([]byte, error) {
		b = build(b)
		c.s.metrics.sent.WithLabelValues(kind).Inc()
		return b, c.send(websocket.TextMessage, b)
	})
}

func (c *conn) sendError(e clientError) error {
	return c.sendText("error", func(b []byte) []byte {
		b = append(b, `{"type":"error","title":`...)
		b = appendText(b, e.Title)
		b = append(b, `,"detail":`...)
		b = appendText(b, e.Detail)
		return append(b, '}')
	})
}

func head(b []byte, kind string, seq uint64) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, kind...)
	b = append(b, `","seq":`...)
	return strconv.AppendUint(b, seq, 10)
}

func (c *conn) sendSnapshot(s tracking.Snapshot) error {
	c.epoch, c.seq = s.Epoch, s.Seq
	if c.binary {
		r := rosterOf(s.Audience)
		b, _ := r.open(s.Units, !s.Resumed)
		if r != c.roster || b != c.book || !s.Resumed {
			c.roster, c.book, c.told = r, b, 0
		}
	}
	return c.sendText("snapshot", func(b []byte) []byte {
		b = head(b, "snapshot", s.Seq)
		b = append(b, `,"epoch":`...)
		b = appendText(b, s.Epoch)
		b = append(b, `,"resumed":`...)
		b = strconv.AppendBool(b, s.Resumed)
		b = append(b, `,"units":`...)
		b = appendUnits(b, s.Units)
		if s.Cells != nil {
			b = append(b, `,"cells":`...)
			b = appendCells(b, s.Cells)
		}
		b = append(b, `,"shipments":[`...)
		for i := range s.Shipments {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendShipment(b, &s.Shipments[i], s.ETAs)
		}
		b = append(b, ']')
		if c.binary {
			b = append(b, `,"handles":`...)
			b, c.told = c.roster.introduce(b, c.book, c.told)
		}
		return append(b, '}')
	})
}

// sendDelta sends what changed. A client may be cut off between two messages and
// resume from the seq of the last it got, so a message carries the sequence up to
// which everything has been sent once it is: units and the like first, with the
// sequence the client had, for they may be sent twice; then the events, which may
// not.
func (c *conn) sendDelta(d *tracking.Delta) error {
	last := func(more bool) uint64 {
		if more {
			return c.seq
		}
		return d.Seq
	}
	events := len(d.Events) > 0
	if d.Cells != nil {
		if err := c.sendCells(d, last(events || len(d.Units)+len(d.ETAs) > 0)); err != nil {
			return err
		}
	}
	if len(d.Units) > 0 {
		if err := c.sendPositions(d, last(events || len(d.ETAs) > 0)); err != nil {
			return err
		}
	}
	for i := range d.ETAs {
		err := c.sendText("eta", func(b []byte) []byte {
			b = head(b, "eta", last(events || i < len(d.ETAs)-1))
			b = append(b, `,"eta":`...)
			return append(appendAny(b, &d.ETAs[i]), '}')
		})
		if err != nil {
			return err
		}
	}
	for i := range d.Events {
		e := &d.Events[i]
		seq := d.Seq
		if i+1 < len(d.Events) {
			seq = d.Events[i+1].Seq - 1 // its record may have more to come
		}
		seq = max(seq, c.seq)
		err := c.sendText("event", func(b []byte) []byte {
			b = head(b, "event", seq)
			b = append(b, `,"event":`...)
			return append(appendAny(b, e), '}')
		})
		if err != nil {
			return err
		}
		c.seq = seq
	}
	c.seq = max(c.seq, d.Seq)
	return nil
}

func (c *conn) sendCells(d *tracking.Delta, seq uint64) error {
	return c.sendMessage(sharedOf(d.Shared).form(cellsForm, seq, func() *message {
		b := head(nil, "cells", seq)
		b = append(b, `,"cells":`...)
		return c.prepare("cells", websocket.TextMessage, append(appendCells(b, d.Cells), '}'))
	}))
}

// sendPositions sends the units of one tick in one message, in binary for those
// a record can describe.
func (c *conn) sendPositions(d *tracking.Delta, seq uint64) error {
	kept := sharedOf(d.Shared)
	if !c.binary {
		return c.sendMessage(kept.form(jsonForm, seq, func() *message { return c.jsonPositions(d.Units, seq) }))
	}
	m := kept.form(frameForm, seq, func() *message { return c.frame(d.Units, seq) })
	if m.book.n < c.book.n { // made before this connection was given the newer one
		m = c.frame(d.Units, seq)
	}
	if m.book != c.book { // the roster was begun anew
		c.book, c.told = m.book, 0
	}
	if m.rest != nil {
		if err := c.sendMessage(m.rest); err != nil || m.body == nil {
			return err
		}
	}
	if c.told < m.needs {
		handles, told := c.roster.message(c, c.book, c.told, m.needs)
		if err := c.sendMessage(handles); err != nil {
			return err
		}
		c.told = told
	}
	return c.sendMessage(m)
}

func (c *conn) jsonPositions(units []tracking.UnitState, seq uint64) *message {
	b := head(make([]byte, 0, 64+256*len(units)), "positions", seq)
	b = append(b, `,"units":`...)
	return c.prepare("positions", websocket.TextMessage, append(appendUnits(b, units), '}'))
}

// frame writes the binary form: of the units a record can describe a frame, of
// the rest JSON.
func (c *conn) frame(units []tracking.UnitState, seq uint64) *message {
	now := c.s.cfg.Clock()
	packed, rest := units, []tracking.UnitState(nil)
	if slices.ContainsFunc(units, func(u tracking.UnitState) bool { return !fits(&u, now) }) {
		packed = nil
		for i := range units {
			if fits(&units[i], now) {
				packed = append(packed, units[i])
			} else {
				rest = append(rest, units[i])
			}
		}
	}
	m := &message{}
	if len(packed) > 0 {
		book, numbers := c.roster.open(packed, false)
		m = c.prepare("frame", websocket.BinaryMessage, appendFrame(make([]byte, 0, frameHead+recordSize*len(packed)), packed, numbers, seq, now))
		m.book, m.needs = book, c.roster.length(book)
	} else {
		m.book = c.book
	}
	if len(rest) > 0 {
		before := seq
		if len(packed) > 0 {
			before = c.seq
		}
		m.rest = c.jsonPositions(rest, before)
	}
	return m
}

// Sizes of a binary frame.
const (
	frameVersion   = 1
	framePositions = 1
	frameHead      = 24
	recordSize     = 18
	unknown16      = math.MaxUint16
)

// fits tells whether a binary record can describe the unit: it says how old a
// fix is in 16 bits, so neither one of long ago nor one of a clock that runs
// ahead, such as a demonstration's.
func fits(u *tracking.UnitState, now time.Time) bool {
	if u.Latest == nil {
		return false
	}
	age := ageOf(u.Latest.Time, now)
	return age >= 0 && age < unknown16
}

func ageOf(t, now time.Time) int64 {
	return int64(math.Round(float64(now.UnixMilli()-t.UnixMilli()) / 1000))
}

func appendFrame(b []byte, units []tracking.UnitState, numbers []uint32, seq uint64, now time.Time) []byte {
	b = append(b, frameVersion, framePositions, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(now.UnixMilli()))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(units)))
	for i := range units {
		f := units[i].Latest
		b = binary.LittleEndian.AppendUint32(b, numbers[i])
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(math.Round(f.Lat*1e7))))
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(math.Round(f.Lon*1e7))))
		b = binary.LittleEndian.AppendUint16(b, scaled(f.SpeedKMH, 10))
		b = binary.LittleEndian.AppendUint16(b, scaled(f.CourseDeg, 100))
		b = binary.LittleEndian.AppendUint16(b, uint16(ageOf(f.Time, now)))
	}
	return b
}

func scaled(m tracking.Measure, by float64) uint16 {
	v, ok := m.Get()
	if v = math.Round(v * by); !ok || v < 0 || v >= unknown16 {
		return unknown16
	}
	return uint16(v)
}

func appendUnits(b []byte, units []tracking.UnitState) []byte {
	b = append(b, '[')
	for i := range units {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendUnit(b, &units[i])
	}
	return append(b, ']')
}

// appendUnit writes the flat form of PROTOCOL.md; by hand, for it is written
// more often than anything else.
func appendUnit(b []byte, u *tracking.UnitState) []byte {
	b = appendSketch(b, u)
	if f := u.Latest; f != nil {
		b = append(b, `,"lat":`...)
		b = strconv.AppendFloat(b, f.Lat, 'f', -1, 64)
		b = append(b, `,"lon":`...)
		b = strconv.AppendFloat(b, f.Lon, 'f', -1, 64)
		b = append(b, `,"time":"`...)
		b = f.Time.AppendFormat(b, time.RFC3339Nano)
		b = append(b, `","received":"`...)
		b = f.Received.AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
		b = appendMeasure(b, `,"speed_kmh":`, f.SpeedKMH)
		b = appendMeasure(b, `,"course_deg":`, f.CourseDeg)
	}
	return append(b, '}')
}

// appendSketch writes all but the position and leaves the object open.
func appendSketch(b []byte, u *tracking.UnitState) []byte {
	what := sketchOf(u)
	return what.append(b)
}

func (u *sketch) append(b []byte) []byte {
	b = append(b, `{"unit":`...)
	b = appendText(b, string(u.unit))
	b = append(b, `,"carrier":`...)
	b = appendText(b, string(u.carrier))
	b = append(b, `,"mode":`...)
	b = appendText(b, u.mode)
	if u.shipment != "" {
		b = append(b, `,"shipment":`...)
		b = appendText(b, string(u.shipment))
	}
	if u.simulated {
		b = append(b, `,"simulated":true`...)
	}
	return b
}

func appendMeasure(b []byte, name string, m tracking.Measure) []byte {
	v, ok := m.Get()
	if !ok {
		return b
	}
	b = append(b, name...)
	return strconv.AppendFloat(b, v, 'f', -1, 32)
}

func appendCells(b []byte, cells []tracking.CellCount) []byte {
	b = append(b, '[')
	for i := range cells {
		c := &cells[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"cell":"`...)
		b = append(b, c.Cell...)
		b = append(b, `","lat":`...)
		b = strconv.AppendFloat(b, c.Lat, 'f', 5, 64)
		b = append(b, `,"lon":`...)
		b = strconv.AppendFloat(b, c.Lon, 'f', 5, 64)
		b = append(b, `,"count":`...)
		b = strconv.AppendInt(b, int64(c.Count), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// shipmentSummary is a shipment without its plan.
type shipmentSummary struct {
	ID          tracking.ShipmentID `json:"id"`
	Reference   string              `json:"reference,omitempty"`
	Unit        tracking.UnitID     `json:"unit,omitempty"`
	Corridor    string              `json:"corridor"`
	Title       string              `json:"title"`
	Origin      string              `json:"origin"`
	Destination string              `json:"destination"`
	OriginNames geodata.Names       `json:"origin_names"`
	DestNames   geodata.Names       `json:"destination_names"`
	Status      string              `json:"status"`
	Promise     *time.Time          `json:"promise,omitempty"`
	ETA         *tracking.ETA       `json:"eta,omitempty"`
	Simulated   bool                `json:"simulated,omitempty"`
}

func appendShipment(b []byte, s *tracking.Shipment, etas []tracking.ETA) []byte {
	sum := shipmentSummary{
		ID: s.ID, Reference: s.Reference, Unit: s.Unit, Corridor: s.Option.Corridor, Title: s.Option.Title,
		Origin: s.Origin.Name.EN, Destination: s.Destination.Name.EN,
		OriginNames: s.Origin.Name, DestNames: s.Destination.Name,
		Status: s.Status, Promise: s.Promise, Simulated: s.Simulated,
	}
	if i := slices.IndexFunc(etas, func(e tracking.ETA) bool { return e.Shipment == s.ID }); i >= 0 {
		sum.ETA = &etas[i]
	}
	return appendAny(b, &sum)
}

// appendAny writes what is written rarely.
func appendAny(b []byte, v any) []byte {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only numbers that are not finite can do this, and none is let in.
		return append(b, "null"...)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendAny(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
