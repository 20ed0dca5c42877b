package chunk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/s2"
)

const version = 1

// Flags of the head.
const (
	flagMillis    = 1 << 0 // device times need milliseconds; otherwise whole seconds
	flagReceived  = 1 << 1 // receive times need milliseconds
	flagSensors   = 1 << 2
	flagSimulated = 1 << 3 // some or all rows are simulated
)

// How a column's presence is written, in two bits.
const (
	none = 0
	all  = 1
	some = 2 // a bit for each row follows
)

// steps are the resolutions devices report readings in, as fractions. A column is
// stored as whole multiples of the coarsest step that gives every value back.
var steps = [...]struct{ num, den int64 }{
	{1, 1},
	{36, 100},     // 0.1 m/s in km/h
	{1852, 10000}, // 0.1 kn in km/h
	{1, 10},
	{36, 1000},
	{1, 100},
	{1, 1000},
	{1, 10000},
}

// rawStep marks a column stored as the bits of its floats.
const rawStep = 15

func fromStep(n int64, step int) float32 {
	if step == 0 {
		return float32(float64(n))
	}
	return float32(float64(n*steps[step].num) / float64(steps[step].den))
}

func toStep(v float32, step int) (int64, bool) {
	if n := int32(v); math.Float32bits(float32(n)) == math.Float32bits(v) && step == 0 {
		return int64(n), true
	}
	n := math.Round(float64(v) * float64(steps[step].den) / float64(steps[step].num))
	if math.Abs(n) > 1<<40 {
		return 0, false
	}
	return int64(n), math.Float32bits(fromStep(int64(n), step)) == math.Float32bits(v)
}

func stepFor(values []float32) int {
next:
	for s := range steps {
		for _, v := range values {
			if _, ok := toStep(v, s); !ok {
				continue next
			}
		}
		return s
	}
	return rawStep
}

// column codes one column against up to three predictions of each value. Which
// one is believed follows from how far off each was lately, so the choice costs
// no bits.
type column struct {
	size adaptive
	off  [3]uint64
}

func (c *column) best() int {
	b := 0
	if c.off[1] < c.off[0] {
		b = 1
	}
	if c.off[2] < c.off[b] {
		b = 2
	}
	return b
}

func (c *column) learn(v int64, p *[3]int64) {
	c.off[0] += min(zigzag(v-p[0]), 1<<60) - c.off[0]>>2
	c.off[1] += min(zigzag(v-p[1]), 1<<60) - c.off[1]>>2
	c.off[2] += min(zigzag(v-p[2]), 1<<60) - c.off[2]>>2
}

func (c *column) put(w *bitWriter, v int64, p *[3]int64) {
	c.size.put(w, zigzag(v-p[c.best()]))
	c.learn(v, p)
}

func (c *column) get(r *bitReader, p *[3]int64) int64 {
	v := p[c.best()] + unzigzag(c.size.get(r))
	c.learn(v, p)
	return v
}

// series predicts a value from those before it.
type series struct {
	n          int
	last, step int64 // last value and its difference to the one before
	mean       int64 // running mean of the steps, × 4
}

func (s *series) add(v int64) {
	if s.n > 0 {
		s.step = v - s.last
		if s.n == 1 {
			s.mean = s.step << 2
		} else {
			s.mean += s.step - s.mean>>2
		}
	}
	s.last = v
	s.n++
}

func (s *series) predict() [3]int64 {
	return [3]int64{s.last + s.step, s.last + s.mean>>2, s.last}
}

// predictMove is predict for a coordinate of something that moves: it goes on as
// before, for the time that has passed.
func (s *series) predictMove(dt, dtBefore int64) [3]int64 {
	p := [3]int64{s.last, s.last + s.step, s.last + s.step>>1}
	const limit = 1 << 30
	switch {
	case dtBefore <= 0 || dt <= 0 || dt >= limit || s.step <= -limit || s.step >= limit:
	case dt == dtBefore:
		p[1], p[2] = s.last+s.step, s.last+s.step/2
	default:
		p[1] = s.last + s.step*dt/dtBefore
		p[2] = s.last + s.step*dt/dtBefore/2
	}
	return p
}

// level predicts a value that wavers rather than rises: as before, or as usual.
type level struct {
	n           int
	last, usual int64
}

func (l *level) add(v int64) {
	if l.n == 0 {
		l.usual = v
	}
	l.usual += (v - l.usual) >> 3
	l.last = v
	l.n++
}

// Encode appends a block of rows to dst. Rows must be sorted as by Sort, at least
// one and at most MaxRows. Blocks may follow each other in one chunk as long as
// their rows do: to append to a chunk, encode what is newer behind it. Fewer,
// larger blocks take less room.
func Encode(dst []byte, rows []Row) ([]byte, error) {
	if len(rows) == 0 || len(rows) > MaxRows {
		return nil, fmt.Errorf("%w: %d rows", ErrRange, len(rows))
	}
	flags := byte(0)
	for i := range rows {
		r := &rows[i]
		if err := r.Check(); err != nil {
			return nil, err
		}
		if i > 0 && rows[i-1].Second() >= r.Second() {
			return nil, ErrUnsorted
		}
		if r.TimeMS%1000 != 0 {
			flags |= flagMillis
		}
		if r.ReceivedMS%1000 != 0 {
			flags |= flagReceived
		}
		if len(r.Sensors) > 0 {
			flags |= flagSensors
		}
		if r.Simulated {
			flags |= flagSimulated
		}
	}
	var buf [2048]byte
	body := buf[:0]
	if flags&flagSensors != 0 {
		var plain []byte
		for i := range rows {
			plain = binary.AppendUvarint(plain, uint64(len(rows[i].Sensors)))
			plain = append(plain, rows[i].Sensors...)
		}
		packed := s2.EncodeBetter(nil, plain)
		body = binary.AppendUvarint(body, uint64(len(packed)))
		body = append(body, packed...)
	}
	w := &bitWriter{b: body}
	putTimes(w, rows, flags)
	putPlaces(w, rows)
	putReceived(w, rows, flags)
	putSeqs(w, rows)
	values := make([]float32, 0, len(rows))
	putReadings(w, rows, values, func(r *Row) float32 { return r.SpeedKMH })
	putReadings(w, rows, values, func(r *Row) float32 { return r.CourseDeg })
	putReadings(w, rows, values, func(r *Row) float32 { return r.AccuracyM })
	if flags&flagSimulated != 0 {
		putBits(w, rows, func(r *Row) bool { return r.Simulated })
	}
	body = w.flush()
	start := len(dst)
	dst = append(dst, version, flags)
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	dst = binary.AppendUvarint(dst, uint64(len(body)))
	dst = append(dst, body...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// first writes the first value of a column: its size in bits, then itself.
func first(w *bitWriter, v int64) {
	u := zigzag(v)
	n := bitLen(u)
	w.write(uint64(n), 7)
	w.write64(u, n)
}

func timeUnit(flags byte) int64 {
	if flags&flagMillis != 0 {
		return 1
	}
	return 1000
}

func receivedUnit(flags byte) int64 {
	if flags&flagReceived != 0 {
		return 1
	}
	return 1000
}

func putTimes(w *bitWriter, rows []Row, flags byte) {
	unit := timeUnit(flags)
	var c column
	var s series
	for i := range rows {
		t := rows[i].TimeMS / unit
		if i == 0 {
			first(w, t)
		} else {
			p := s.predict()
			c.put(w, t, &p)
		}
		s.add(t)
	}
}

func putPlaces(w *bitWriter, rows []Row) {
	for axis := range 2 {
		c := column{size: adaptive{mean: placeMean}}
		var s series
		for i := range rows {
			v := int64(rows[i].LatE7)
			if axis == 1 {
				v = int64(rows[i].LonE7)
			}
			if i == 0 {
				first(w, v)
			} else {
				dt, before := int64(0), int64(0)
				if i > 1 {
					dt, before = rows[i].TimeMS-rows[i-1].TimeMS, rows[i-1].TimeMS-rows[i-2].TimeMS
				}
				p := s.predictMove(dt, before)
				c.put(w, v, &p)
			}
			s.add(v)
		}
	}
}

// placeMean is what a coordinate is first expected to be off by, × 8: some 10 m.
const placeMean = 8 << 10

// putReceived writes how long after the device time each row was received. A
// batch received at once has the same receive time instead.
func putReceived(w *bitWriter, rows []Row, flags byte) {
	unit := receivedUnit(flags)
	var c column
	var l level
	for i := range rows {
		v := lag(rows[i].ReceivedMS, rows[i].TimeMS, unit)
		if i == 0 {
			first(w, v)
		} else {
			p := [3]int64{l.last, l.usual, lag(rows[i-1].ReceivedMS, rows[i].TimeMS, unit)}
			c.put(w, v, &p)
		}
		l.add(v)
	}
}

// lag is received − device time in the unit of received.
func lag(receivedMS, timeMS, unit int64) int64 {
	if unit == 1 { // which a division takes as long for as any other
		return receivedMS - timeMS
	}
	return receivedMS/unit - timeMS/unit
}

func putSeqs(w *bitWriter, rows []Row) {
	var c column
	var s series
	for i := range rows {
		v := int64(rows[i].Seq)
		if i == 0 {
			first(w, v)
		} else {
			p := s.predict()
			c.put(w, v, &p)
		}
		s.add(v)
	}
}

func putReadings(w *bitWriter, rows []Row, values []float32, of func(*Row) float32) {
	values = values[:0]
	for i := range rows {
		if v := of(&rows[i]); v == v {
			values = append(values, v)
		}
	}
	switch len(values) {
	case 0:
		w.write(none, 2)
		return
	case len(rows):
		w.write(all, 2)
	default:
		w.write(some, 2)
		for i := range rows {
			v := of(&rows[i])
			w.write(bit(v == v), 1)
		}
	}
	step := stepFor(values)
	w.write(uint64(step), 4)
	var c column
	var l level
	for i, f := range values {
		var v int64
		if step == rawStep {
			v = int64(int32(math.Float32bits(f)))
		} else {
			v, _ = toStep(f, step)
		}
		if i == 0 {
			first(w, v)
		} else {
			p := [3]int64{l.last, l.usual, l.last}
			c.put(w, v, &p)
		}
		l.add(v)
	}
}

func putBits(w *bitWriter, rows []Row, of func(*Row) bool) {
	n := 0
	for i := range rows {
		if of(&rows[i]) {
			n++
		}
	}
	if n == len(rows) {
		w.write(all, 2)
		return
	}
	w.write(some, 2)
	for i := range rows {
		w.write(bit(of(&rows[i])), 1)
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
