// Package ais reads AIS as receivers log it: NMEA 0183 sentences (!AIVDM and its
// kin of any talker), with or without TAG blocks or times before them, messages
// in several parts included. Position reports (types 1–3, 9, 18, 19, 27) become
// positions of the unit "MMSI-" and nine digits; static data (5, 19, 24) tells
// what the ship is called.
//
// What AIS sends for "not available" (latitude 91, speed 102.3 kn, course 360°,
// heading 511°) is a reading that is missing, or no position at all. Lines that
// give nothing are counted by reason, never silently dropped.
//
// Decoder is pure: no socket, no clock. The bits are decoded by go-ais; the
// sentences around them are read here, because a checksum, a part without its
// sibling and a time must each be told apart.
package ais

import (
	"encoding/json"
	"fmt"
	"strings"

	goais "github.com/BertoldVdb/go-ais"

	"corridor/tracking"
)

// Reason says why a line gave no message.
type Reason string

// Reasons. The parts of a message count one by one.
const (
	Comment    Reason = "comment"
	NotAIS     Reason = "not AIS"
	Malformed  Reason = "malformed sentence"
	Checksum   Reason = "wrong or missing checksum"
	Empty      Reason = "empty payload"
	Orphan     Reason = "part of a message whose other parts are missing"
	Undecoded  Reason = "payload is no valid message"
	NoMMSI     Reason = "no MMSI"
	NoPosition Reason = "position not available"
	OtherType  Reason = "message type without position"
	ShipOnly   Reason = "static data, no position" // given by Reader only
)

// Message is one decoded AIS message of a kind that is read here. At least one of
// Position and Ship is set.
type Message struct {
	Type     int
	MMSI     uint32
	Position *tracking.Position // Time is zero when the line has none
	Ship     *Ship
}

// Ship is static data; a field is empty or zero when the message does not give it.
type Ship struct {
	Name, CallSign, Destination string
	IMO                         uint32
	Type                        int // type of ship and cargo, ITU-R M.1371 table 53
}

// Unit is the id of a station's unit.
func Unit(mmsi uint32) tracking.UnitID { return tracking.UnitID(fmt.Sprintf("MMSI-%09d", mmsi)) }

// Decoder turns lines into messages. It holds parts of messages until the others
// come. Use New; it is for one stream of lines and one goroutine.
type Decoder struct {
	codec   *goais.Codec
	waiting map[partKey]*parts
	lines   int
	channel byte // of the sentence before: an empty one means the same
	bits    []byte
	badTags int
}

type partKey struct {
	n       int
	group   string
	channel byte
	source  string
}

type parts struct {
	sentence // the first that came; it has the time
	have     int
	since    int // line
	payloads [10][]byte
}

// patience is for how many lines the parts of a message are waited for. They
// normally follow each other directly.
const patience = 100

// New returns a decoder.
func New() *Decoder {
	codec := goais.CodecNewFast(true, true, true)
	codec.DropSpace = true
	return &Decoder{codec: codec, waiting: make(map[partKey]*parts)}
}

// Line takes the next line. It returns a message, or why there is none; both are
// empty when a part is kept to wait for others. orphans is how many parts were
// given up on with this line.
func (d *Decoder) Line(line []byte) (m *Message, reason Reason, orphans int) {
	d.lines++
	if d.lines%patience == 0 {
		orphans = d.expire(d.lines - patience)
	}
	s, reason := parseLine(line)
	if s.badTag {
		d.badTags++
	}
	if reason != "" {
		return nil, reason, orphans
	}
	if s.channel == 0 {
		s.channel = d.channel
	}
	d.channel = s.channel
	if s.parts > 1 {
		whole, lost := d.assemble(s)
		if orphans += lost; whole == nil {
			return nil, "", orphans
		}
		d.bits = d.bits[:0]
		for i, payload := range whole.payloads[:s.parts] {
			fill := 0
			if i == s.parts-1 {
				fill = whole.fill
			}
			var ok bool
			if d.bits, ok = unarmour(d.bits, payload, fill); !ok {
				return nil, Undecoded, orphans
			}
		}
		s.received = whole.received
	} else {
		var ok bool
		if d.bits, ok = unarmour(d.bits[:0], s.payload, s.fill); !ok {
			return nil, Undecoded, orphans
		}
	}
	m, reason = d.message()
	if m != nil && m.Position != nil {
		m.Position.Time = s.received
	}
	return m, reason, orphans
}

// BadTags is how many TAG blocks were left aside for a wrong checksum so far; a
// position behind one has no time.
func (d *Decoder) BadTags() int { return d.badTags }

// Close gives up on the parts still waiting and returns how many there were.
func (d *Decoder) Close() (orphans int) { return d.expire(d.lines) }

func (d *Decoder) expire(before int) (orphans int) {
	for k, p := range d.waiting {
		if p.since <= before {
			orphans += p.have
			delete(d.waiting, k)
		}
	}
	return orphans
}

// assemble adds a part; whole is set when it was the last one missing.
func (d *Decoder) assemble(s sentence) (whole *parts, orphans int) {
	key := partKey{s.parts, s.group, s.channel, s.source}
	p := d.waiting[key]
	if p != nil && p.payloads[s.part] != nil { // an id is used again before its message was whole
		orphans = p.have
		p = nil
	}
	if p == nil {
		p = &parts{sentence: s, since: d.lines}
		d.waiting[key] = p
	}
	p.payloads[s.part] = append([]byte(nil), s.payload...)
	p.have++
	if s.part == s.parts {
		p.fill = s.fill
	}
	if p.received.IsZero() {
		p.received = s.received
	}
	if p.have < s.parts {
		return nil, orphans
	}
	delete(d.waiting, key)
	copy(p.payloads[:], p.payloads[1:]) // parts count from 1
	return p, orphans
}

// message decodes d.bits.
func (d *Decoder) message() (*Message, Reason) {
	packet := d.codec.DecodePacket(d.bits)
	if packet == nil {
		return nil, Undecoded
	}
	h := packet.GetHeader()
	m := &Message{Type: int(h.MessageID), MMSI: h.UserID}
	if h.UserID == 0 || h.UserID > 999_999_999 {
		return nil, NoMMSI
	}
	const noStatus, noHeading = 15, 511
	positioned := true
	switch p := packet.(type) {
	case goais.PositionReport:
		positioned = m.place(float64(p.Latitude), float64(p.Longitude), float64(p.Sog), float64(p.Cog), int(p.TrueHeading), int(p.NavigationalStatus))
	case goais.StandardSearchAndRescueAircraftReport:
		knots := float64(p.Sog)
		if p.Sog == 1023 {
			knots = noKnots
		}
		positioned = m.place(float64(p.Latitude), float64(p.Longitude), knots, float64(p.Cog), noHeading, noStatus)
	case goais.StandardClassBPositionReport:
		positioned = m.place(float64(p.Latitude), float64(p.Longitude), float64(p.Sog), float64(p.Cog), int(p.TrueHeading), noStatus)
	case goais.ExtendedClassBPositionReport:
		m.Ship = &Ship{Name: clean(p.Name), Type: int(p.Type)}
		m.place(float64(p.Latitude), float64(p.Longitude), float64(p.Sog), float64(p.Cog), int(p.TrueHeading), noStatus)
	case goais.LongRangeAisBroadcastMessage:
		knots, course := float64(p.Sog), float64(p.Cog)
		if p.Sog == 63 {
			knots = noKnots
		}
		positioned = m.place(float64(p.Latitude), float64(p.Longitude), knots, course, noHeading, int(p.NavigationalStatus))
	case goais.ShipStaticData:
		m.Ship = &Ship{Name: clean(p.Name), CallSign: clean(p.CallSign), Destination: clean(p.Destination), IMO: p.ImoNumber, Type: int(p.Type)}
	case goais.StaticDataReport:
		if p.PartNumber {
			m.Ship = &Ship{CallSign: clean(p.ReportB.CallSign), Type: int(p.ReportB.ShipType)}
		} else {
			m.Ship = &Ship{Name: clean(p.ReportA.Name)}
		}
	default:
		return nil, OtherType
	}
	if !positioned {
		return nil, NoPosition
	}
	return m, ""
}

const (
	noKnots  = 102.3 // 102.2 means that or more
	kmhAKnot = 1.852
)

// place sets the position, and returns false when the report has none.
func (m *Message) place(lat, lon, knots, course float64, heading, status int) bool {
	if lat < -90 || lat > 90 || lon < -180 || lon > 180 {
		return false // 91 and 181: not available
	}
	p := &tracking.Position{Unit: Unit(m.MMSI), Lat: lat, Lon: lon}
	if knots < noKnots-0.05 {
		p.SpeedKMH = tracking.Known(knots * kmhAKnot)
	}
	if course < 360 {
		p.CourseDeg = tracking.Known(course)
	}
	sensors := make(map[string]int, 2)
	if heading < 360 {
		sensors["heading_deg"] = heading
	}
	if status < 15 {
		sensors["nav_status"] = status
	}
	if len(sensors) > 0 {
		p.Sensors, _ = json.Marshal(sensors) // integers under fixed keys
	}
	m.Position = p
	return true
}

// clean cuts what pads a name.
func clean(s string) string {
	if i := strings.IndexByte(s, '@'); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}
