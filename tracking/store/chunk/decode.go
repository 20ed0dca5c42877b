package chunk

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/bits"

	"github.com/klauspost/compress/s2"
)

func bitLen(u uint64) uint { return uint(bits.Len64(u)) }

// maxSensors bounds what the sensors of one chunk unpack to.
const maxSensors = 64 << 20

// block is one block taken apart, before its columns are read.
type block struct {
	flags   byte
	n       int
	sensors []byte // packed
	columns []byte
}

// cut takes the first block off b.
func cut(b []byte) (h block, rest []byte, err error) {
	if len(b) < 2 || b[0] != version {
		return h, nil, ErrCorrupt
	}
	n, sizeN := binary.Uvarint(b[2:])
	if sizeN <= 0 {
		return h, nil, ErrCorrupt
	}
	length, sizeL := binary.Uvarint(b[2+sizeN:])
	start := 2 + sizeN + sizeL
	if sizeL <= 0 || length > uint64(len(b)-start) || uint64(len(b)-start)-length < 4 {
		return h, nil, ErrCorrupt
	}
	end := start + int(length)
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return h, nil, ErrCorrupt
	}
	h, err = newBlock(b[1], n, b[start:end])
	return h, b[end+4:], err
}

func newBlock(flags byte, n uint64, body []byte) (block, error) {
	h := block{flags: flags, n: int(min(n, MaxRows+1)), columns: body}
	if h.n == 0 || h.n > MaxRows {
		return h, ErrCorrupt
	}
	if flags&flagSensors != 0 {
		n, size := binary.Uvarint(body)
		if size <= 0 || n > uint64(len(body)-size) {
			return h, ErrCorrupt
		}
		h.sensors, h.columns = body[size:size+int(n)], body[size+int(n):]
	}
	if h.n > 8*len(h.columns) { // every row takes more than a bit
		return h, ErrCorrupt
	}
	return h, nil
}

// Decode appends the rows of a chunk, of one or more blocks, to dst. On an error
// dst is returned as it was. Nothing returned aliases b.
func Decode(dst []Row, b []byte) ([]Row, error) {
	start := len(dst)
	if len(b) == 0 {
		return dst, ErrCorrupt
	}
	for len(b) > 0 {
		h, rest, err := cut(b)
		if err != nil {
			return dst[:start], err
		}
		before := len(dst)
		if dst, err = h.decode(dst); err != nil {
			return dst[:start], err
		}
		if before > start && dst[before-1].Second() >= dst[before].Second() {
			return dst[:start], ErrCorrupt
		}
		b = rest
	}
	return dst, nil
}

func (h *block) decode(dst []Row) ([]Row, error) {
	start := len(dst)
	if need := start + h.n; cap(dst) < need {
		grown := make([]Row, start, need)
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:start+h.n]
	rows := dst[start:]
	clear(rows)
	r := newBitReader(h.columns)
	getTimes(r, rows, h.flags)
	getPlaces(r, rows)
	getReceived(r, rows, h.flags)
	getSeqs(r, rows)
	values := make([]float32, h.n)
	getReadings(r, values)
	for i, v := range values {
		rows[i].SpeedKMH = v
	}
	getReadings(r, values)
	for i, v := range values {
		rows[i].CourseDeg = v
	}
	getReadings(r, values)
	for i, v := range values {
		rows[i].AccuracyM = v
	}
	if h.flags&flagSimulated != 0 {
		everywhere := r.read(2) == all
		for i := range rows {
			rows[i].Simulated = everywhere || r.read(1) == 1
		}
	}
	if r.short || r.pos > 8*len(h.columns) {
		return dst[:start], ErrCorrupt
	}
	for i := range rows {
		if rows[i].Check() != nil || i > 0 && rows[i-1].Second() >= rows[i].Second() {
			return dst[:start], ErrCorrupt
		}
	}
	if h.flags&flagSensors != 0 {
		if err := getSensors(h.sensors, rows); err != nil {
			return dst[:start], err
		}
	}
	return dst, nil
}

// Seconds appends the device times of a chunk, in seconds, to dst. It is cheaper
// than Decode: times stand first.
func Seconds(dst []int64, b []byte) ([]int64, error) {
	start := len(dst)
	for len(b) > 0 {
		h, rest, err := cut(b)
		if err != nil {
			return dst[:start], err
		}
		r := newBitReader(h.columns)
		unit := timeUnit(h.flags)
		var c column
		var s series
		for i := range h.n {
			dst = append(dst, second(nextTime(r, &c, &s, i)*unit))
		}
		if r.short {
			return dst[:start], ErrCorrupt
		}
		b = rest
	}
	return dst, nil
}

func getFirst(r *bitReader) int64 {
	n := uint(r.read(7))
	if n > 64 {
		r.short = true
		return 0
	}
	return unzigzag(r.read(n))
}

func nextTime(r *bitReader, c *column, s *series, i int) int64 {
	var t int64
	if i == 0 {
		t = getFirst(r)
	} else {
		p := s.predict()
		t = c.get(r, &p)
	}
	s.add(t)
	return t
}

func getTimes(r *bitReader, rows []Row, flags byte) {
	unit := timeUnit(flags)
	var c column
	var s series
	for i := range rows {
		rows[i].TimeMS = nextTime(r, &c, &s, i) * unit
	}
}

func getPlaces(r *bitReader, rows []Row) {
	for axis := range 2 {
		c := column{size: adaptive{mean: placeMean}}
		var s series
		for i := range rows {
			var v int64
			if i == 0 {
				v = getFirst(r)
			} else {
				dt, before := int64(0), int64(0)
				if i > 1 {
					dt, before = rows[i].TimeMS-rows[i-1].TimeMS, rows[i-1].TimeMS-rows[i-2].TimeMS
				}
				p := s.predictMove(dt, before)
				v = c.get(r, &p)
			}
			s.add(v)
			if v != int64(int32(v)) {
				r.short = true
			}
			if axis == 0 {
				rows[i].LatE7 = int32(v)
			} else {
				rows[i].LonE7 = int32(v)
			}
		}
	}
}

func getReceived(r *bitReader, rows []Row, flags byte) {
	unit := receivedUnit(flags)
	var c column
	var l level
	for i := range rows {
		var v int64
		if i == 0 {
			v = getFirst(r)
		} else {
			p := [3]int64{l.last, l.usual, lag(rows[i-1].ReceivedMS, rows[i].TimeMS, unit)}
			v = c.get(r, &p)
		}
		l.add(v)
		if unit == 1 {
			rows[i].ReceivedMS = v + rows[i].TimeMS
		} else {
			rows[i].ReceivedMS = (v + rows[i].TimeMS/unit) * unit
		}
	}
}

func getSeqs(r *bitReader, rows []Row) {
	var c column
	var s series
	for i := range rows {
		var v int64
		if i == 0 {
			v = getFirst(r)
		} else {
			p := s.predict()
			v = c.get(r, &p)
		}
		s.add(v)
		rows[i].Seq = uint64(v)
	}
}

func getReadings(r *bitReader, values []float32) {
	missing := float32(math.NaN())
	presence := r.read(2)
	var absent []bool
	switch presence {
	case none:
		for i := range values {
			values[i] = missing
		}
		return
	case some:
		absent = make([]bool, len(values))
		for i := range absent {
			absent[i] = r.read(1) == 0
		}
	}
	step := int(r.read(4))
	if step != rawStep && step >= len(steps) {
		r.short = true
		return
	}
	var c column
	var l level
	for i := range values {
		if absent != nil && absent[i] {
			values[i] = missing
			continue
		}
		var v int64
		if l.n == 0 {
			v = getFirst(r)
		} else {
			p := [3]int64{l.last, l.usual, l.last}
			v = c.get(r, &p)
		}
		l.add(v)
		if step == rawStep {
			values[i] = math.Float32frombits(uint32(v))
		} else {
			values[i] = fromStep(v, step)
		}
	}
}

func getSensors(packed []byte, rows []Row) error {
	size, err := s2.DecodedLen(packed)
	if err != nil || size > maxSensors {
		return ErrCorrupt
	}
	plain, err := s2.Decode(nil, packed)
	if err != nil {
		return ErrCorrupt
	}
	for i := range rows {
		n, size := binary.Uvarint(plain)
		if size <= 0 || n > uint64(len(plain)-size) {
			return ErrCorrupt
		}
		if n > 0 {
			rows[i].Sensors = plain[size : size+int(n) : size+int(n)]
		}
		plain = plain[size+int(n):]
	}
	return nil
}
