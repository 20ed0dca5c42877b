package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"corridor/geodata"
	"corridor/tracking"
	"corridor/tracking/store/chunk"
)

// Batch is what one Apply brought that is kept in the tail until its units are
// written to their own rows: the parts of tracking.Changes of which there are
// many.
type Batch struct {
	Units    []tracking.UnitState
	Progress []tracking.Progress
	Fixes    []UnitRow
}

// UnitRow is a fix in stored form with its unit.
type UnitRow struct {
	Unit tracking.UnitID
	Row  chunk.Row
}

// NewBatch takes out of changes what goes to the tail. Fixes at or below the
// sequence are left out: they are stored. A fix that no chunk could hold is an
// error now, not when its unit is moved there.
func NewBatch(c tracking.Changes, after uint64) (Batch, error) {
	b := Batch{Units: c.Units, Progress: c.Progress, Fixes: make([]UnitRow, 0, len(c.Fixes))}
	for _, f := range c.Fixes {
		if f.Seq <= after {
			continue
		}
		row := chunk.FromFix(f)
		if err := row.Check(); err != nil {
			return Batch{}, fmt.Errorf("fix of unit %s at %s: %w", f.Unit, f.Time.Format(time.RFC3339), err)
		}
		b.Fixes = append(b.Fixes, UnitRow{Unit: f.Unit, Row: row})
	}
	return b, nil
}

// Empty tells that there is nothing to keep.
func (b *Batch) Empty() bool { return len(b.Units) == 0 && len(b.Progress) == 0 && len(b.Fixes) == 0 }

// ErrCorrupt is returned for a tail row or a latest fix that is damaged or of a newer version.
var ErrCorrupt = errors.New("history: row is damaged or of a newer version")

const batchVersion = 1

// Bits telling which parts of a row there are.
const (
	hasSpeed = 1 << iota
	hasCourse
	hasAccuracy
	hasSensors
	isSimulated
	hasLatest
)

// AppendBatch writes the batch behind dst. The form is for the short stay in the
// tail: plain, quick, and with a checksum.
//
//	byte version; uvarint n, n strings (each uvarint length, bytes)
//	uvarint n units: uvarint string numbers of unit, carrier, mode, shipment; uvarint fixes; byte flags;
//	    with a latest fix: its row, 8 bytes cell
//	uvarint n progress: each uvarint length, JSON
//	uvarint n fixes: uvarint string number of the unit; row
//	4 bytes CRC-32C
//
// A row: byte flags; varints of time ms, received − time and log sequence, time and
// sequence as difference to the row before; lat, lon int32; readings float32; sensors.
func AppendBatch(dst []byte, b Batch) ([]byte, error) {
	start := len(dst)
	numbers := make(map[string]uint64, len(b.Units)+8)
	var names []string
	number := func(s string) uint64 {
		n, ok := numbers[s]
		if !ok {
			n = uint64(len(names))
			numbers[s] = n
			names = append(names, s)
		}
		return n
	}
	var prev chunk.Row
	body := make([]byte, 0, 64*len(b.Units)+48*len(b.Fixes)+64)
	body = binary.AppendUvarint(body, uint64(len(b.Units)))
	for _, u := range b.Units {
		body = binary.AppendUvarint(body, number(string(u.Unit)))
		body = binary.AppendUvarint(body, number(string(u.Carrier)))
		body = binary.AppendUvarint(body, number(string(u.Mode)))
		body = binary.AppendUvarint(body, number(string(u.Shipment)))
		body = binary.AppendUvarint(body, u.Fixes)
		flags := byte(0)
		if u.Simulated {
			flags |= isSimulated
		}
		if u.Latest == nil {
			body = append(body, flags)
			continue
		}
		body = append(body, flags|hasLatest)
		r := chunk.FromFix(*u.Latest)
		body = appendRow(body, &r, &prev)
		body = binary.LittleEndian.AppendUint64(body, u.Latest.Cell)
	}
	body = binary.AppendUvarint(body, uint64(len(b.Progress)))
	for _, p := range b.Progress {
		j, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("progress of shipment %s: %w", p.Shipment, err)
		}
		body = binary.AppendUvarint(body, uint64(len(j)))
		body = append(body, j...)
	}
	body = binary.AppendUvarint(body, uint64(len(b.Fixes)))
	for i := range b.Fixes {
		body = binary.AppendUvarint(body, number(string(b.Fixes[i].Unit)))
		body = appendRow(body, &b.Fixes[i].Row, &prev)
	}
	dst = append(dst, batchVersion)
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, s := range names {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	dst = append(dst, body...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendRow(b []byte, r, prev *chunk.Row) []byte {
	flags := byte(0)
	if r.SpeedKMH == r.SpeedKMH {
		flags |= hasSpeed
	}
	if r.CourseDeg == r.CourseDeg {
		flags |= hasCourse
	}
	if r.AccuracyM == r.AccuracyM {
		flags |= hasAccuracy
	}
	if len(r.Sensors) > 0 {
		flags |= hasSensors
	}
	if r.Simulated {
		flags |= isSimulated
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, r.TimeMS-prev.TimeMS)
	b = binary.AppendVarint(b, r.ReceivedMS-r.TimeMS)
	b = binary.AppendVarint(b, int64(r.Seq-prev.Seq))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.LatE7))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.LonE7))
	for _, v := range [...]float32{r.SpeedKMH, r.CourseDeg, r.AccuracyM} {
		if v == v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	if len(r.Sensors) > 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Sensors)))
		b = append(b, r.Sensors...)
	}
	*prev = *r
	return b
}

// DecodeBatch reads what AppendBatch wrote.
func DecodeBatch(b []byte) (Batch, error) {
	if len(b) < 5 || b[0] != batchVersion || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return Batch{}, ErrCorrupt
	}
	return decodeBatch(b[1 : len(b)-4])
}

func decodeBatch(b []byte) (Batch, error) {
	r := reader{b: b}
	names := make([]string, r.count(1))
	for i := range names {
		names[i] = string(r.bytes())
	}
	name := func() string {
		n := r.uvarint()
		if n >= uint64(len(names)) {
			r.bad = true
			return ""
		}
		return names[n]
	}
	var batch Batch
	var prev chunk.Row
	if n := r.count(6); n > 0 {
		batch.Units = make([]tracking.UnitState, n)
	}
	for i := range batch.Units {
		u := &batch.Units[i]
		u.Unit, u.Carrier, u.Mode, u.Shipment = tracking.UnitID(name()), tracking.PartyID(name()), geodata.Mode(name()), tracking.ShipmentID(name())
		u.Fixes = r.uvarint()
		flags := r.byte()
		u.Simulated = flags&isSimulated != 0
		if flags&hasLatest != 0 {
			row := r.row(&prev)
			f := row.Fix(u.Unit)
			f.Cell = r.uint64()
			u.Latest = &f
		}
	}
	if n := r.count(1); n > 0 {
		batch.Progress = make([]tracking.Progress, n)
	}
	for i := range batch.Progress {
		if err := json.Unmarshal(r.bytes(), &batch.Progress[i]); err != nil {
			return Batch{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	if n := r.count(12); n > 0 {
		batch.Fixes = make([]UnitRow, n)
	}
	for i := range batch.Fixes {
		batch.Fixes[i] = UnitRow{Unit: tracking.UnitID(name()), Row: r.row(&prev)}
	}
	if r.bad || len(r.b) > 0 {
		return Batch{}, ErrCorrupt
	}
	return batch, nil
}

// EncodeFix writes one fix with its cell, for the row of its unit.
func EncodeFix(f *tracking.Fix) []byte {
	var prev chunk.Row
	r := chunk.FromFix(*f)
	b := appendRow([]byte{batchVersion}, &r, &prev)
	return binary.LittleEndian.AppendUint64(b, f.Cell)
}

// DecodeFix reads what EncodeFix wrote.
func DecodeFix(unit tracking.UnitID, b []byte) (*tracking.Fix, error) {
	if len(b) == 0 || b[0] != batchVersion {
		return nil, ErrCorrupt
	}
	var prev chunk.Row
	r := reader{b: b[1:]}
	row := r.row(&prev)
	f := row.Fix(unit)
	f.Cell = r.uint64()
	if r.bad || len(r.b) > 0 {
		return nil, ErrCorrupt
	}
	return &f, nil
}

// reader takes values off b; after the first that is not there, bad is set and
// everything is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.bad, r.b = true, nil }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads a number of things that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes() []byte { return r.take(r.count(1)) }

func (r *reader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if v := r.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if v := r.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (r *reader) row(prev *chunk.Row) chunk.Row {
	flags := r.byte()
	row := chunk.Row{Simulated: flags&isSimulated != 0}
	row.TimeMS = prev.TimeMS + r.varint()
	row.ReceivedMS = row.TimeMS + r.varint()
	row.Seq = prev.Seq + uint64(r.varint())
	row.LatE7, row.LonE7 = int32(r.uint32()), int32(r.uint32())
	missing := float32(math.NaN())
	for _, f := range [...]struct {
		flag byte
		to   *float32
	}{{hasSpeed, &row.SpeedKMH}, {hasCourse, &row.CourseDeg}, {hasAccuracy, &row.AccuracyM}} {
		*f.to = missing
		if flags&f.flag != 0 {
			*f.to = math.Float32frombits(r.uint32())
		}
	}
	if flags&hasSensors != 0 {
		row.Sensors = append([]byte(nil), r.bytes()...)
	}
	*prev = row
	return row
}
