package tracking

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"corridor/geodata"
)

// Entry is one thing that happened. The set is closed: Positions, PartyCreated,
// KeyIssued, KeyRevoked, ShipmentOpened, UnitAssigned, ShipmentAmended,
// ShipmentCancelled, FenceSet, FenceRemoved, CarnetIssued, CarnetStep, CarnetBound,
// ClockRead, RetentionSet, those of alerts.go and Written, as pointers. FORMAT.md says how a new one is added.
type Entry interface {
	kind() entryKind
	appendBody(b []byte) ([]byte, error)
}

// Positions is a carrier's batch as it was accepted: every position in it is
// valid, its own carrier's and new.
type Positions struct {
	Carrier   PartyID
	Received  time.Time // server clock, to the millisecond
	Mode      geodata.Mode
	Simulated bool
	Positions []Position
	// Cells are the H3 cells of the positions when whoever made the batch has
	// computed them; they follow from the positions and are not written.
	Cells []uint64
}

// PartyCreated adds an organisation.
type PartyCreated struct{ Party Party }

// KeyIssued lets a party in.
type KeyIssued struct{ Key Key }

// KeyRevoked shuts a key out.
type KeyRevoked struct {
	Key KeyID
	At  time.Time
}

// ShipmentOpened starts a shipment.
type ShipmentOpened struct{ Shipment Shipment }

// UnitAssigned gives a shipment to a carrier's unit.
type UnitAssigned struct {
	Shipment ShipmentID
	Carrier  PartyID
	Unit     UnitID
	Mode     geodata.Mode // of the unit when it is new
	At       time.Time
}

// ShipmentAmended replaces a shipment's dossier.
type ShipmentAmended struct {
	Shipment ShipmentID `json:"shipment"`
	By       PartyID    `json:"by"`
	At       time.Time  `json:"at"`
	Dossier  Dossier    `json:"dossier"`
}

// ShipmentCancelled ends a shipment that will not be carried.
type ShipmentCancelled struct {
	Shipment ShipmentID `json:"shipment"`
	By       PartyID    `json:"by"`
	At       time.Time  `json:"at"`
	Reason   string     `json:"reason,omitempty"`
}

// Written says who made the record, in a log that several processes write. It
// changes no state; Sharing decides by it what of the record counts.
type Written struct {
	Writer string // one run of a process
	N      uint64 // counts the records of the writer
	Seen   uint64 // the record was decided on the state up to this one
}

type entryKind byte

// Kinds on disk. A number is never used again for something else.
const (
	kindPositions      entryKind = 1
	kindPartyCreated   entryKind = 2
	kindKeyIssued      entryKind = 3
	kindKeyRevoked     entryKind = 4
	kindShipmentOpened entryKind = 5
	kindUnitAssigned   entryKind = 6
	kindAmended        entryKind = 7
	kindCancelled      entryKind = 8
	kindWritten        entryKind = 15
	kindFenceSet       entryKind = 16
	kindFenceRemoved   entryKind = 17
	kindClockRead      entryKind = 20
	kindRuleSet        entryKind = 21
	kindRuleRemoved    entryKind = 22
	kindHookSet        entryKind = 23
	kindHookRemoved    entryKind = 24
	kindAlertActed     entryKind = 25
	kindSettled        entryKind = 26
)

func (*Positions) kind() entryKind       { return kindPositions }
func (*PartyCreated) kind() entryKind    { return kindPartyCreated }
func (*KeyIssued) kind() entryKind       { return kindKeyIssued }
func (*KeyRevoked) kind() entryKind      { return kindKeyRevoked }
func (*ShipmentOpened) kind() entryKind  { return kindShipmentOpened }
func (*UnitAssigned) kind() entryKind    { return kindUnitAssigned }
func (*Written) kind() entryKind         { return kindWritten }
func (*FenceSet) kind() entryKind        { return kindFenceSet }
func (*FenceRemoved) kind() entryKind    { return kindFenceRemoved }
func (*ClockRead) kind() entryKind       { return kindClockRead }
func (*RuleSet) kind() entryKind         { return kindRuleSet }
func (*RuleRemoved) kind() entryKind     { return kindRuleRemoved }
func (*HookSet) kind() entryKind         { return kindHookSet }
func (*HookRemoved) kind() entryKind     { return kindHookRemoved }
func (*AlertActed) kind() entryKind      { return kindAlertActed }
func (*DeliverySettled) kind() entryKind { return kindSettled }

func (*ShipmentAmended) kind() entryKind   { return kindAmended }
func (*ShipmentCancelled) kind() entryKind { return kindCancelled }

const (
	recordVersion = 1
	checksumSize  = 4
	// maxDocument bounds what a compressed document may unpack to.
	maxDocument = 32 << 20
)

// ErrCorrupt says that bytes are not a record, or not one this version knows.
var ErrCorrupt = errors.New("corrupt log record")

// EncodeRecord writes entries as one record of the log; FORMAT.md describes the
// bytes.
func EncodeRecord(entries ...Entry) ([]byte, error) {
	r := NewRecordBuilder(0)
	for _, e := range entries {
		b, err := EncodeEntry(e)
		if err != nil {
			return nil, err
		}
		r.Add(b)
	}
	return r.Bytes(), nil
}

// RecordBuilder joins entries that were encoded apart, so that encoding can be
// done by many and only joining by one.
type RecordBuilder struct{ b []byte }

// NewRecordBuilder starts a record that will hold about so many bytes of entries.
func NewRecordBuilder(size int) *RecordBuilder {
	return &RecordBuilder{b: append(make([]byte, 0, 1+size+checksumSize), recordVersion)}
}

// Add appends the bytes EncodeEntry returned.
func (r *RecordBuilder) Add(entry []byte) { r.b = append(r.b, entry...) }

// Bytes closes the record with its checksum.
func (r *RecordBuilder) Bytes() []byte {
	return binary.LittleEndian.AppendUint32(r.b, crc32.Checksum(r.b, crc32.MakeTable(crc32.Castagnoli)))
}

// EncodeEntry writes one entry with its kind and length.
func EncodeEntry(e Entry) ([]byte, error) {
	// The length is not known before the body: leave room for the longest and
	// close the gap, which moves at most a few bytes of header.
	const room = 1 + binary.MaxVarintLen32
	size := 256
	if p, ok := e.(*Positions); ok {
		size += 32 * len(p.Positions)
	}
	b, err := e.appendBody(make([]byte, room, size))
	if err != nil {
		return nil, fmt.Errorf("encode log entry of kind %d: %w", e.kind(), err)
	}
	var head [room]byte
	head[0] = byte(e.kind())
	n := 1 + binary.PutUvarint(head[1:], uint64(len(b)-room))
	start := room - n
	copy(b[start:], head[:n])
	return b[start:], nil
}

// DecodeRecord reads a record. It fails with ErrCorrupt rather than guess.
func DecodeRecord(b []byte) ([]Entry, error) {
	if len(b) < 1+checksumSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(b))
	}
	if b[0] != recordVersion {
		return nil, fmt.Errorf("%w: version %d, this program reads %d: it was written by a newer one", ErrCorrupt, b[0], recordVersion)
	}
	body := b[:len(b)-checksumSize]
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, fmt.Errorf("%w: checksum does not match", ErrCorrupt)
	}
	r := &reader{b: body[1:]}
	var entries []Entry
	for r.err == nil && len(r.b) > 0 {
		kind := entryKind(r.byte())
		er := &reader{b: r.bytes()}
		if r.err != nil {
			break
		}
		e := decodeEntry(kind, er)
		if er.err == nil && len(er.b) > 0 {
			er.fail("%d bytes left over", len(er.b))
		}
		if er.err != nil {
			return nil, fmt.Errorf("entry %d of kind %d: %w", len(entries), kind, er.err)
		}
		entries = append(entries, e)
	}
	return entries, r.err
}

func decodeEntry(kind entryKind, r *reader) Entry {
	switch kind {
	case kindPositions:
		return decodePositions(r)
	case kindPartyCreated:
		e := &PartyCreated{}
		r.document(&e.Party)
		return e
	case kindKeyIssued:
		e := &KeyIssued{}
		r.document(&e.Key)
		return e
	case kindKeyRevoked:
		return &KeyRevoked{Key: KeyID(r.string()), At: r.time()}
	case kindShipmentOpened:
		e := &ShipmentOpened{}
		r.document(&e.Shipment)
		return e
	case kindUnitAssigned:
		return &UnitAssigned{
			Shipment: ShipmentID(r.string()), Carrier: PartyID(r.string()), Unit: UnitID(r.string()),
			Mode: r.mode(), At: r.time(),
		}
	case kindAmended:
		e := &ShipmentAmended{}
		r.document(e)
		return e
	case kindCancelled:
		e := &ShipmentCancelled{}
		r.document(e)
		return e
	case kindFenceSet:
		e := &FenceSet{}
		r.document(&e.Fence)
		return e
	case kindFenceRemoved:
		return &FenceRemoved{Fence: FenceID(r.string()), At: r.time()}
	case kindCarnetIssued:
		e := &CarnetIssued{}
		r.document(e)
		return e
	case kindCarnetStep:
		e := &CarnetStep{}
		r.document(e)
		return e
	case kindCarnetBound:
		e := &CarnetBound{}
		r.document(e)
		return e
	case kindRetentionSet:
		e := &RetentionSet{}
		r.document(&e.Retention)
		return e
	case kindClockRead:
		return &ClockRead{At: r.time()}
	case kindRuleSet:
		e := &RuleSet{}
		r.document(&e.Rule)
		return e
	case kindRuleRemoved:
		return &RuleRemoved{Rule: RuleID(r.string()), At: r.time()}
	case kindHookSet:
		e := &HookSet{}
		r.document(&e.Hook)
		return e
	case kindHookRemoved:
		return &HookRemoved{Hook: HookID(r.string()), At: r.time()}
	case kindAlertActed:
		e := &AlertActed{}
		r.document(e)
		return e
	case kindSettled:
		e := &DeliverySettled{}
		r.document(e)
		return e
	case kindWritten:
		return &Written{Writer: r.string(), N: r.uvarint(), Seen: r.uvarint()}
	}
	r.fail("unknown kind: it was written by a newer program")
	return nil
}

func (e *PartyCreated) appendBody(b []byte) ([]byte, error)   { return appendDocument(b, e.Party) }
func (e *KeyIssued) appendBody(b []byte) ([]byte, error)      { return appendDocument(b, e.Key) }
func (e *ShipmentOpened) appendBody(b []byte) ([]byte, error) { return appendDocument(b, e.Shipment) }

func (e *ShipmentAmended) appendBody(b []byte) ([]byte, error)   { return appendDocument(b, e) }
func (e *ShipmentCancelled) appendBody(b []byte) ([]byte, error) { return appendDocument(b, e) }

func (e *KeyRevoked) appendBody(b []byte) ([]byte, error) {
	return appendTime(appendString(b, string(e.Key)), e.At), nil
}

func (e *UnitAssigned) appendBody(b []byte) ([]byte, error) {
	b = appendString(b, string(e.Shipment))
	b = appendString(b, string(e.Carrier))
	b = appendString(b, string(e.Unit))
	m, err := modeByte(e.Mode)
	if err != nil {
		return nil, err
	}
	return appendTime(append(b, m), e.At), nil
}

func (e *FenceSet) appendBody(b []byte) ([]byte, error) { return appendDocument(b, e.Fence) }

func (e *FenceRemoved) appendBody(b []byte) ([]byte, error) {
	return appendTime(appendString(b, string(e.Fence)), e.At), nil
}

func (e *RuleSet) appendBody(b []byte) ([]byte, error)         { return appendDocument(b, e.Rule) }
func (e *HookSet) appendBody(b []byte) ([]byte, error)         { return appendDocument(b, e.Hook) }
func (e *AlertActed) appendBody(b []byte) ([]byte, error)      { return appendDocument(b, e) }
func (e *DeliverySettled) appendBody(b []byte) ([]byte, error) { return appendDocument(b, e) }

func (e *RuleRemoved) appendBody(b []byte) ([]byte, error) {
	return appendTime(appendString(b, string(e.Rule)), e.At), nil
}

func (e *HookRemoved) appendBody(b []byte) ([]byte, error) {
	return appendTime(appendString(b, string(e.Hook)), e.At), nil
}

func (e *ClockRead) appendBody(b []byte) ([]byte, error) { return appendTime(b, e.At), nil }

func (e *Written) appendBody(b []byte) ([]byte, error) {
	return binary.AppendUvarint(binary.AppendUvarint(appendString(b, e.Writer), e.N), e.Seen), nil
}

// AuthorOf reads who made a record, if it says so first, without reading the rest
// or checking it.
func AuthorOf(record []byte) (Written, bool) {
	if len(record) < 2+checksumSize || record[0] != recordVersion || entryKind(record[1]) != kindWritten {
		return Written{}, false
	}
	r := &reader{b: record[2 : len(record)-checksumSize]}
	w := decodeEntry(kindWritten, &reader{b: r.bytes()}).(*Written)
	return *w, r.err == nil
}

// Bits of a position's first byte.
const (
	hasSpeed    = 1 << 0
	hasCourse   = 1 << 1
	hasAccuracy = 1 << 2
	hasSensors  = 1 << 3
	wholeSecond = 1 << 4 // the time delta is in seconds
	positionBit = hasSpeed | hasCourse | hasAccuracy | hasSensors | wholeSecond

	// minPosition is the fewest bytes a position takes: flags, unit, time, lat, lon.
	minPosition = 5
)

// degrees are stored as integers of 1e-7°, about a centimetre.
const perDegree = 1e7

// last is what a unit's next position is coded against.
type last struct {
	ms       int64
	lat, lon int64
}

func (e *Positions) appendBody(b []byte) ([]byte, error) {
	b = appendString(b, string(e.Carrier))
	m, err := modeByte(e.Mode)
	if err != nil {
		return nil, err
	}
	b = append(b, m)
	if e.Simulated {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	received := e.Received.UnixMilli()
	b = binary.AppendVarint(b, received)

	index := make(map[UnitID]int, 8)
	var units []UnitID
	of := make([]int32, len(e.Positions)) // index of each position's unit
	for i := range e.Positions {
		u := e.Positions[i].Unit
		if n := len(units); n > 0 && units[n-1] == u {
			of[i] = int32(n - 1)
			continue
		}
		at, ok := index[u]
		if !ok {
			at = len(units)
			index[u] = at
			units = append(units, u)
		}
		of[i] = int32(at)
	}
	b = binary.AppendUvarint(b, uint64(len(units)))
	for _, u := range units {
		b = appendString(b, string(u))
	}
	b = binary.AppendUvarint(b, uint64(len(e.Positions)))
	before := make([]last, len(units))
	for i := range before {
		before[i].ms = received
	}
	for i := range e.Positions {
		p := &e.Positions[i]
		if !(math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180) {
			return nil, fmt.Errorf("position %d of %q is not on earth", i, p.Unit)
		}
		u := of[i]
		now := last{p.Time.UnixMilli(), int64(math.Round(p.Lat * perDegree)), int64(math.Round(p.Lon * perDegree))}
		delta := now.ms - before[u].ms
		flags := byte(0)
		if delta%1000 == 0 {
			flags |= wholeSecond
			delta /= 1000
		}
		if !p.SpeedKMH.IsZero() {
			flags |= hasSpeed
		}
		if !p.CourseDeg.IsZero() {
			flags |= hasCourse
		}
		if !p.AccuracyM.IsZero() {
			flags |= hasAccuracy
		}
		if len(p.Sensors) > 0 {
			flags |= hasSensors
		}
		b = append(b, flags)
		b = binary.AppendUvarint(b, uint64(u))
		b = binary.AppendVarint(b, delta)
		b = binary.AppendVarint(b, now.lat-before[u].lat)
		b = binary.AppendVarint(b, now.lon-before[u].lon)
		b = appendMeasure(b, p.SpeedKMH)
		b = appendMeasure(b, p.CourseDeg)
		b = appendMeasure(b, p.AccuracyM)
		if len(p.Sensors) > 0 {
			b = appendString(b, string(p.Sensors))
		}
		before[u] = now
	}
	return b, nil
}

func decodePositions(r *reader) *Positions {
	e := &Positions{Carrier: PartyID(r.string()), Mode: r.mode()}
	switch s := r.byte(); s {
	case 0, 1:
		e.Simulated = s == 1
	default:
		r.fail("simulated is %d", s)
	}
	received := r.varint()
	e.Received = time.UnixMilli(received).UTC()
	units := make([]UnitID, r.count(1))
	before := make([]last, len(units))
	for i := range units {
		units[i] = UnitID(r.string())
		before[i].ms = received
	}
	n := r.count(minPosition)
	if n > 0 {
		e.Positions = make([]Position, 0, n)
	}
	for range n {
		flags := r.byte()
		if flags&^positionBit != 0 {
			r.fail("position flags %08b", flags)
		}
		u := r.uvarint()
		if r.err == nil && u >= uint64(len(units)) {
			r.fail("unit %d of %d", u, len(units))
		}
		if r.err != nil {
			return e
		}
		delta := r.varint()
		if flags&wholeSecond != 0 {
			if delta > math.MaxInt64/1000 || delta < math.MinInt64/1000 {
				r.fail("time out of range")
			}
			delta *= 1000
		}
		now := last{before[u].ms + delta, before[u].lat + r.varint(), before[u].lon + r.varint()}
		if now.lat < -90*perDegree || now.lat > 90*perDegree || now.lon < -180*perDegree || now.lon > 180*perDegree {
			r.fail("position is not on earth")
		}
		p := Position{
			Unit: units[u], Time: time.UnixMilli(now.ms).UTC(),
			Lat: float64(now.lat) / perDegree, Lon: float64(now.lon) / perDegree,
		}
		if flags&hasSpeed != 0 {
			p.SpeedKMH = r.measure()
		}
		if flags&hasCourse != 0 {
			p.CourseDeg = r.measure()
		}
		if flags&hasAccuracy != 0 {
			p.AccuracyM = r.measure()
		}
		if flags&hasSensors != 0 {
			p.Sensors = json.RawMessage(bytes.Clone(r.bytes()))
		}
		if r.err != nil {
			return e
		}
		e.Positions = append(e.Positions, p)
		before[u] = now
	}
	return e
}

// appendMeasure writes a known reading: hundredths shifted left by one when that
// gives the very same number back, else a 1 and the four bytes of the float.
func appendMeasure(b []byte, m Measure) []byte {
	if !m.known {
		return b
	}
	if h := math.Round(float64(m.value) * 100); h >= 0 && h < 1<<32 && float32(h/100) == m.value && (h != 0 || !math.Signbit(float64(m.value))) {
		return binary.AppendUvarint(b, uint64(h)<<1)
	}
	return binary.LittleEndian.AppendUint32(append(b, 1), math.Float32bits(m.value))
}

func (r *reader) measure() Measure {
	h := r.uvarint()
	if h&1 == 0 {
		if h>>1 >= 1<<32 {
			r.fail("reading out of range")
		}
		return Measure{float32(float64(h>>1) / 100), true}
	}
	if h != 1 || len(r.b) < 4 {
		r.fail("reading cut short")
		return Measure{}
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(r.b))
	r.b = r.b[4:]
	return Measure{v, true}
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, t.UnixMilli()) }

func modeByte(m geodata.Mode) (byte, error) {
	switch m {
	case "":
		return 0, nil
	case geodata.Sea:
		return 1, nil
	case geodata.Rail:
		return 2, nil
	case geodata.Road:
		return 3, nil
	case geodata.Air:
		return 4, nil
	}
	return 0, fmt.Errorf("unknown mode %q", m)
}

func modeOf(b byte) geodata.Mode {
	switch b {
	case 1:
		return geodata.Sea
	case 2:
		return geodata.Rail
	case 3:
		return geodata.Road
	case 4:
		return geodata.Air
	}
	return ""
}

// appendDocument writes v as compressed JSON: for what is rare and rich.
func appendDocument(b []byte, v any) ([]byte, error) {
	doc, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(doc) > maxDocument {
		return nil, fmt.Errorf("document of %d bytes, at most %d", len(doc), maxDocument)
	}
	buf := bytes.NewBuffer(b)
	w, err := flate.NewWriter(buf, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(doc); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// reader takes a record apart; the first fault sticks and everything after it
// reads as zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("cut short")
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("number cut short or too long")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("number cut short or too long")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many items of at least size bytes follow; it is bounded by
// what is there, so that a false count allocates nothing.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail("%d items announced in %d bytes", n, len(r.b))
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count(1)
	if r.err != nil {
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) string() string { return string(r.bytes()) }

func (r *reader) time() time.Time { return time.UnixMilli(r.varint()).UTC() }

func (r *reader) mode() geodata.Mode {
	m := r.byte()
	if m > 4 {
		r.fail("unknown mode")
	}
	return modeOf(m)
}

func (r *reader) document(v any) {
	doc, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(r.b)), maxDocument+1))
	switch {
	case err != nil:
		r.fail("document: %v", err)
		return
	case len(doc) > maxDocument:
		r.fail("document of more than %d bytes", maxDocument)
		return
	}
	r.b = nil
	if err := json.Unmarshal(doc, v); err != nil {
		r.fail("document: %v", err)
	}
}
