package carnet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"corridor/geodata"
)

// Evidence is where the unit was when something happened, as it reported itself.
type Evidence struct {
	Unit     string    `json:"unit"`
	Lat      float64   `json:"lat"`
	Lon      float64   `json:"lon"`
	Time     time.Time `json:"time"`     // device clock
	Received time.Time `json:"received"` // server clock
	Log      uint64    `json:"log"`      // sequence of the log record that holds the report
}

// Line is an entry of the journal.
type Line struct {
	N       int             `json:"n"` // from 1
	Kind    string          `json:"kind"`
	At      time.Time       `json:"at"`
	By      string          `json:"by"` // who recorded it, or Tracker
	Office  string          `json:"office,omitempty"`
	Country geodata.Country `json:"country,omitempty"`
	Text    string          `json:"text,omitempty"`
	Terms   string          `json:"terms,omitempty"` // SHA-256 of the terms, where they were set
	Log     uint64          `json:"log"`             // sequence of the log record that made the entry
	Seen    *Evidence       `json:"seen,omitempty"`
	Prev    string          `json:"prev"` // hash of the entry before; of the first, that of the number
	Hash    string          `json:"hash"` // SHA-256 of Canonical, in hex
}

// Tracker is who writes entries that follow from reports.
const Tracker = "tracker"

// Canonical is the text whose SHA-256 is the hash of the entry: one line, a JSON
// array without spaces, as it is printed in the journal. Whoever has it can check
// the entry with sha256sum, and that it follows from the one before, whose hash it
// begins with.
func (e Line) Canonical() string {
	var seen any
	if s := e.Seen; s != nil {
		seen = []any{s.Unit, s.Lat, s.Lon, milli(s.Time), milli(s.Received), s.Log}
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	err := w.Encode([]any{e.Prev, e.N, e.Kind, milli(e.At), e.By, e.Office, e.Country, e.Text, e.Terms, e.Log, seen})
	if err != nil {
		panic(fmt.Sprintf("carnet: a journal entry does not marshal: %v", err)) // it holds nothing that could not
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func milli(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (e Line) sum() string { return hash(e.Canonical()) }

func hash(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// Genesis is what the first entry of the journal of a number follows.
func Genesis(number string) string { return hash("TIR " + number) }

// digest is the hash of the terms as they are now.
func (c *Carnet) digest() string {
	b, err := json.Marshal(c.Terms)
	if err != nil {
		panic(fmt.Sprintf("carnet: terms do not marshal: %v", err)) // they were checked
	}
	return hash(string(b))
}

// note adds an entry.
func (c *Carnet) note(e Line) {
	e.N, e.Prev = len(c.Journal)+1, c.Head()
	e.At = e.At.UTC().Truncate(time.Millisecond)
	if e.Seen != nil {
		seen := *e.Seen
		seen.Time, seen.Received = seen.Time.UTC().Truncate(time.Millisecond), seen.Received.UTC().Truncate(time.Millisecond)
		e.Seen = &seen
	}
	e.Hash = e.sum()
	c.Journal = append(c.Journal, e)
}

// Head is the hash of the last entry: who has kept it can tell later whether
// anything before it was changed.
func (c *Carnet) Head() string {
	if n := len(c.Journal); n > 0 {
		return c.Journal[n-1].Hash
	}
	return Genesis(c.Number)
}

// Kinds of entries that are no steps. They bear the time at which they were written
// down, which may be after what is recorded next has happened.
const (
	kindIssued = "issued"
	kindBound  = "bound" // what carries the carnet
)

// Bound writes down what carries the carnet from now on.
func (c Carnet) Bound(to string, at time.Time, by string, log uint64, seen *Evidence) Carnet {
	c = c.clone()
	c.note(Line{Kind: kindBound, At: at, By: by, Log: log, Text: to, Seen: seen})
	return c
}

// lastReported is when the step that was recorded last happened. What was noticed
// bears device times, which may run ahead.
func (c *Carnet) lastReported() time.Time {
	for i := len(c.Journal) - 1; i >= 0; i-- {
		if e := &c.Journal[i]; e.By != Tracker && e.Kind != kindBound && e.Kind != kindIssued {
			return c.Journal[i].At
		}
	}
	return time.Time{}
}

// TamperedError says which entry of a journal is not what was written.
type TamperedError struct {
	Number string
	N      int
	Reason string
}

func (e *TamperedError) Error() string {
	return fmt.Sprintf("journal of carnet %s, entry %d: %s", e.Number, e.N, e.Reason)
}

// Verify checks that the journal is the one that was written, and that the terms are
// those it speaks of. It cannot tell that entries are missing at the end: that needs
// a Head that was kept elsewhere, see Holds. The error is a *TamperedError.
func (c *Carnet) Verify() error {
	if err := VerifyJournal(c.Number, c.Journal); err != nil {
		return err
	}
	for i := len(c.Journal) - 1; i >= 0; i-- {
		if t := c.Journal[i].Terms; t != "" {
			if t != c.digest() {
				return &TamperedError{c.Number, c.Journal[i].N, "the terms of the carnet are not those it was written with"}
			}
			return nil
		}
	}
	return &TamperedError{c.Number, 1, "the issue of the carnet is missing"}
}

// VerifyJournal checks a journal that was taken out of its carnet.
func VerifyJournal(number string, journal []Line) error {
	prev := Genesis(number)
	for i, e := range journal {
		switch {
		case e.N != i+1:
			return &TamperedError{number, i + 1, fmt.Sprintf("it is numbered %d: an entry was taken out or put in", e.N)}
		case e.Prev != prev:
			return &TamperedError{number, i + 1, "it does not follow from the entry before"}
		case e.Hash != e.sum():
			return &TamperedError{number, i + 1, "it was changed after it was written"}
		}
		prev = e.Hash
	}
	return nil
}

// Holds finds the entry with a hash, such as one that was printed: 0 when there is
// none, and the journal is then not a continuation of that paper.
func (c *Carnet) Holds(head string) int {
	for _, e := range c.Journal {
		if e.Hash == head {
			return e.N
		}
	}
	return 0
}
