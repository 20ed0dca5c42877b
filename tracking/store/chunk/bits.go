package chunk

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends bits, most significant first.
type bitWriter struct {
	b   []byte
	acc uint64 // the low n bits wait to be written; n < 32
	n   uint
}

// write appends the low n bits of v; n ≤ 32.
func (w *bitWriter) write(v uint64, n uint) {
	w.acc = w.acc<<n | v&(1<<n-1)
	if w.n += n; w.n >= 32 {
		w.n -= 32
		w.b = binary.BigEndian.AppendUint32(w.b, uint32(w.acc>>w.n))
	}
}

func (w *bitWriter) write64(v uint64, n uint) {
	if n > 32 {
		w.write(v>>32, n-32)
		n = 32
	}
	w.write(v, n)
}

// flush pads the last byte with zeros.
func (w *bitWriter) flush() []byte {
	for ; w.n > 8; w.n -= 8 {
		w.b = append(w.b, byte(w.acc>>(w.n-8)))
	}
	if w.n > 0 {
		w.b = append(w.b, byte(w.acc<<(8-w.n)))
		w.n = 0
	}
	return w.b
}

// bitReader reads what bitWriter wrote. Reading past the end gives zeros and
// sets short.
type bitReader struct {
	b     []byte // with 8 bytes of padding behind the last
	pos   int    // in bits
	short bool
}

func newBitReader(b []byte) *bitReader {
	padded := make([]byte, len(b)+9)
	copy(padded, b)
	return &bitReader{b: padded}
}

// window returns the next 64 bits without consuming them.
func (r *bitReader) window() uint64 {
	i, s := r.pos>>3, uint(r.pos&7)
	if i+9 > len(r.b) {
		r.short = true
		return 0
	}
	return binary.BigEndian.Uint64(r.b[i:])<<s | uint64(r.b[i+8])>>(8-s)
}

// read consumes n bits; n ≤ 64.
func (r *bitReader) read(n uint) uint64 {
	if n == 0 {
		return 0
	}
	w := r.window()
	r.pos += int(n)
	return w >> (64 - n)
}

// adaptive codes unsigned numbers whose size changes slowly: exponential Golomb
// codes whose order follows the running mean. Writer and reader keep the same
// mean, so the order costs no bits.
type adaptive struct{ mean uint64 } // × 8

func (a *adaptive) order() uint {
	return uint(bits.Len64(a.mean >> 4))
}

func (a *adaptive) learn(u uint64) {
	// One jump must not spoil the order for the next dozen values.
	a.mean += min(u, (a.mean+1<<10)<<2, 1<<56) - a.mean>>3
}

func (a *adaptive) put(w *bitWriter, u uint64) {
	k := a.order()
	v := u>>k + 1
	n := uint(bits.Len64(v))
	if size := 2*n - 1 + k; size <= 32 { // nearly always
		w.write(v<<k|u&(1<<k-1), size)
	} else {
		w.write64(0, n-1)
		w.write64(v, n)
		w.write64(u, k)
	}
	a.learn(u)
}

func (a *adaptive) get(r *bitReader) uint64 {
	k := a.order()
	w := r.window()
	zeros := uint(bits.LeadingZeros64(w))
	var u uint64
	if size := 2*zeros + 1 + k; size <= 64 { // nearly always
		v := w << zeros >> (63 - zeros)
		u = (v-1)<<k | w<<(2*zeros+1)>>1>>(63-k)
		r.pos += int(size)
	} else {
		if zeros == 64 {
			r.short = true
			return 0
		}
		r.pos += int(zeros)
		v := r.read(zeros + 1)
		u = (v-1)<<k | r.read(k)
	}
	a.learn(u)
	return u
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
