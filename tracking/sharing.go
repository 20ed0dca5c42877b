package tracking

// Horizon is how many records a record may lie behind the state it was decided on.
const Horizon = 512

// Sharing decides what of each record counts in a log that several processes
// write at once. Each of them judges reports and commands by the state it has
// (Written.Seen) and appends behind whatever the others append meanwhile; what
// they appended between is what it could not know. Every process reads the log and
// comes to the same answer, for the answer depends on nothing but the last Horizon
// records:
//
//   - a record that was stored twice counts once;
//   - a record that lies more than Horizon behind its state does not count: whoever
//     made it decides again;
//   - a command (anything but positions) does not count when another command came
//     between its state and itself;
//   - a position does not count when a record between holds the same second of the
//     same unit of the same carrier.
//
// It has no lock.
type Sharing struct {
	recent  []judged // the horizon, by sequence
	written map[authorship]uint64
	command uint64 // the last record with a command, whether it counted or not
}

type authorship struct {
	writer string
	n      uint64
}

type judged struct {
	seq       uint64
	by        authorship
	positions []*Positions
	keys      map[fixKey]struct{} // of positions; made when it is asked for
}

type fixKey struct {
	carrier PartyID
	unit    UnitID
	second  uint32
}

// Verdict is what counts of a record.
type Verdict struct {
	Void    bool    // nothing does; unless it was stored before, it is to be decided again
	Entries []Entry // what counts; Positions are replaced by shorter ones where some do not
	Dropped []int   // of each entry of the record, how many positions were stored by others; nil: none
}

// NewSharing begins behind a record. To judge those that follow it must first be
// told the Horizon records up to there.
func NewSharing() *Sharing { return newSharing(Horizon) }

func newSharing(horizon int) *Sharing {
	return &Sharing{recent: make([]judged, horizon), written: map[authorship]uint64{}}
}

// Judge takes the next record of the log. A record that does not say who wrote it
// counts whole.
func (s *Sharing) Judge(seq uint64, entries []Entry) Verdict {
	horizon := uint64(len(s.recent))
	j := &s.recent[seq%horizon]
	if j.seq > 0 && s.written[j.by] == j.seq {
		delete(s.written, j.by)
	}
	*j = judged{seq: seq}
	var w *Written
	command := false
	for _, e := range entries {
		switch e := e.(type) {
		case *Written:
			w = e
		case *Positions:
			j.positions = append(j.positions, e)
		default:
			command = true
		}
	}
	before := s.command
	if command {
		s.command = seq
	}
	if w == nil {
		return Verdict{Entries: entries}
	}
	by := authorship{w.Writer, w.N}
	_, again := s.written[by]
	if w.Seen >= seq || seq-w.Seen > horizon || again || command && before > w.Seen {
		j.positions = nil // they were, or will be, in another record
		return Verdict{Void: true}
	}
	j.by = by
	s.written[by] = seq
	return s.sift(seq, w, entries)
}

// sift leaves out positions that others stored between.
func (s *Sharing) sift(seq uint64, w *Written, entries []Entry) Verdict {
	v := Verdict{Entries: entries}
	for i, e := range entries {
		p, ok := e.(*Positions)
		if !ok {
			continue
		}
		var twice []int
		for between := w.Seen + 1; between < seq; between++ {
			other := &s.recent[between%uint64(len(s.recent))]
			if other.seq == between && len(other.positions) > 0 {
				twice = other.common(p, twice)
			}
		}
		if len(twice) == 0 {
			continue
		}
		if v.Dropped == nil {
			v.Dropped = make([]int, len(entries))
			v.Entries = append([]Entry{}, entries...)
		}
		shorter := p.without(twice)
		v.Entries[i] = shorter
		v.Dropped[i] = len(p.Positions) - len(shorter.Positions)
	}
	return v
}

// common adds the indexes of positions that the record holds too.
func (j *judged) common(p *Positions, twice []int) []int {
	if j.keys == nil {
		j.keys = map[fixKey]struct{}{}
		for _, have := range j.positions {
			for i := range have.Positions {
				j.keys[fixKey{have.Carrier, have.Positions[i].Unit, second(have.Positions[i].Time)}] = struct{}{}
			}
		}
	}
	for i := range p.Positions {
		if _, ok := j.keys[fixKey{p.Carrier, p.Positions[i].Unit, second(p.Positions[i].Time)}]; ok {
			twice = append(twice, i)
		}
	}
	return twice
}

func (e *Positions) without(indexes []int) *Positions {
	out := map[int]bool{}
	for _, i := range indexes {
		out[i] = true
	}
	short := *e
	short.Positions, short.Cells = nil, nil
	for i := range e.Positions {
		if out[i] {
			continue
		}
		short.Positions = append(short.Positions, e.Positions[i])
		if i < len(e.Cells) {
			short.Cells = append(short.Cells, e.Cells[i])
		}
	}
	return &short
}
