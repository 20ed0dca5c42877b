package ais

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"corridor/tracking"
)

// maxLine bounds a line. An AIS sentence has at most 82 characters, a TAG block
// some more.
const maxLine = 4096

// Reader reads the positions of a log of sentences. Use NewReader.
type Reader struct {
	lines   *bufio.Reader
	decoder *Decoder
	skipped map[string]int
	ships   map[uint32]Ship
	n       int
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader {
	return &Reader{lines: bufio.NewReaderSize(r, maxLine), decoder: New(), skipped: make(map[string]int), ships: make(map[uint32]Ship)}
}

// Next returns the next position, or io.EOF after the last. Its time is zero when
// the log has none.
func (r *Reader) Next() (tracking.Position, error) {
	for {
		line, err := r.lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			r.skipped[string(Malformed)]++
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.lines.ReadSlice('\n')
			}
			line = nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return tracking.Position{}, fmt.Errorf("read AIS line %d: %w", r.n+1, err)
		}
		if len(line) > 0 {
			r.n++
			m, reason, orphans := r.decoder.Line(line)
			r.skip(string(reason), 1)
			r.skip(string(Orphan), orphans)
			if m != nil && m.Ship != nil {
				r.learn(m.MMSI, *m.Ship)
			}
			if m != nil && m.Position == nil {
				r.skip(string(ShipOnly), 1)
			}
			if m != nil && m.Position != nil {
				return *m.Position, nil
			}
		}
		if err != nil {
			r.skip(string(Orphan), r.decoder.Close())
			return tracking.Position{}, io.EOF
		}
	}
}

func (r *Reader) skip(reason string, n int) {
	if reason != "" && n > 0 {
		r.skipped[reason] += n
	}
}

func (r *Reader) learn(mmsi uint32, s Ship) {
	known := r.ships[mmsi]
	if s.Name != "" {
		known.Name = s.Name
	}
	if s.CallSign != "" {
		known.CallSign = s.CallSign
	}
	if s.Destination != "" {
		known.Destination = s.Destination
	}
	if s.IMO != 0 {
		known.IMO = s.IMO
	}
	if s.Type != 0 {
		known.Type = s.Type
	}
	r.ships[mmsi] = known
}

// Skipped tells how many lines gave no position, by reason, so far.
func (r *Reader) Skipped() map[string]int { return r.skipped }

// BadTags is how many TAG blocks were left aside, so far.
func (r *Reader) BadTags() int { return r.decoder.BadTags() }

// Ships is what static data told so far, by MMSI.
func (r *Reader) Ships() map[uint32]Ship { return r.ships }
