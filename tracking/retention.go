package tracking

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Retention is how long the history of a carrier's units is kept. Days are counted
// by device time; the latest fix of a unit stays as its state.
type Retention struct {
	Carrier PartyID `json:"carrier"`
	Days    int     `json:"days"` // 0: for ever
}

// maxRetention is what is taken for a slip: a century.
const maxRetention = 36_525

// Validate checks a retention as it will be kept.
func (r Retention) Validate() error {
	if r.Days < 0 || r.Days > maxRetention {
		return &InvalidError{"days", fmt.Sprintf("%d days: give 1 to %d, or 0 to keep history for ever", r.Days, maxRetention)}
	}
	return nil
}

// Before is the device time before which nothing is kept at a time.
func (r Retention) Before(now time.Time) time.Time { return now.AddDate(0, 0, -r.Days) }

// RetentionSet changes how long a carrier's history is kept.
type RetentionSet struct{ Retention Retention }

const kindRetentionSet entryKind = 40

func (*RetentionSet) kind() entryKind { return kindRetentionSet }

func (e *RetentionSet) appendBody(b []byte) ([]byte, error) { return appendDocument(b, e.Retention) }

const objectRetention = "retention" // by carrier

func (f *folding) retentionSet(e *RetentionSet) {
	id := e.Retention.Carrier
	if _, ok := f.parties[id]; !ok {
		return
	}
	if e.Retention.Days <= 0 {
		delete(f.retention, id)
		f.c.Objects = append(f.c.Objects, Object{Kind: objectRetention, ID: string(id)})
		return
	}
	f.retention[id] = e.Retention
	d, _ := object(objectRetention, string(id), e.Retention) // an id and a number
	f.c.Objects = append(f.c.Objects, d)
}

func (s *State) restoreRetention(d Object) error {
	var r Retention
	if err := json.Unmarshal(d.Body, &r); err != nil {
		return fmt.Errorf("restore retention of %s: %w", d.ID, err)
	}
	s.retention[PartyID(d.ID)] = r
	return nil
}

func (s *State) retentionObjects() ([]Object, error) {
	var out []Object
	for _, id := range slices.Sorted(maps.Keys(s.retention)) {
		d, err := object(objectRetention, string(id), s.retention[id])
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// Retention tells how long a carrier's history is kept.
func (s *State) Retention(id PartyID) Retention {
	if r, ok := s.retention[id]; ok {
		return r
	}
	return Retention{Carrier: id}
}

// Retentions are those of carriers whose history is not kept for ever, by id.
func (s *State) Retentions() []Retention {
	out := make([]Retention, 0, len(s.retention))
	for _, id := range slices.Sorted(maps.Keys(s.retention)) {
		out = append(out, s.retention[id])
	}
	return out
}
