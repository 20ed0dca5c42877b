package tracking

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"corridor/tracking/reference"
)

// Dossier is what the office keeps of a shipment besides its plan: the numbers it
// goes by, who has to do with it, its papers, notes, and the links that show it to
// others. The zero value is an empty one.
type Dossier struct {
	Revision   int         `json:"revision"` // of the whole; one more with each change
	References []Reference `json:"references,omitempty"`
	Contacts   []Contact   `json:"contacts,omitempty"`
	Documents  []Document  `json:"documents,omitempty"`
	Notes      []Note      `json:"notes,omitempty"`
	Shares     []Share     `json:"shares,omitempty"`
	Legs       []LegTimes  `json:"legs,omitempty"` // when legs really began and ended
}

// Reference is a number the shipment is known by.
type Reference struct {
	Kind   reference.Kind `json:"kind"`
	Number string         `json:"number"` // as package reference files it
}

// ReferenceKinds lists the kinds of number there are.
func ReferenceKinds() []reference.Kind { return reference.Kinds() }

// Contact is somebody who has to do with the shipment.
type Contact struct {
	Role    ContactRole `json:"role"`
	Name    string      `json:"name"`
	Contact string      `json:"contact,omitempty"` // telephone, e-mail, address
}

// ContactRole is what a Contact is to the shipment.
type ContactRole string

// Roles of a Contact.
const (
	ContactShipper   ContactRole = "shipper"
	ContactConsignee ContactRole = "consignee"
	ContactNotify    ContactRole = "notify"
	ContactForwarder ContactRole = "forwarder"
	ContactBroker    ContactRole = "broker"
	ContactCarrier   ContactRole = "carrier"
	ContactDriver    ContactRole = "driver"
)

// Document tells of a paper; the paper itself is kept elsewhere.
type Document struct {
	Kind    string     `json:"kind"` // "CMR", "phytosanitary certificate"
	Number  string     `json:"number,omitempty"`
	Status  string     `json:"status"` // needed, ready
	Issued  *time.Time `json:"issued,omitempty"`
	Expires *time.Time `json:"expires,omitempty"`
}

// Values of Document.Status.
const (
	DocumentNeeded = "needed"
	DocumentReady  = "ready"
)

// Note is a remark; it is never changed.
type Note struct {
	At   time.Time `json:"at"`
	By   PartyID   `json:"by"`
	Text string    `json:"text"`
}

// Share is a link that shows the shipment to whoever has it, without prices,
// names or plates. Only the SHA-256 of its secret is kept.
type Share struct {
	ID      string     `json:"id"`
	Hash    [32]byte   `json:"hash"`
	Scope   ShareScope `json:"scope"`
	Created time.Time  `json:"created"`
	By      PartyID    `json:"by"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// Valid tells whether the link still shows something.
func (s Share) Valid(now time.Time) bool { return s.Revoked == nil && now.Before(s.Expires) }

// ShareScope is how much a Share shows.
type ShareScope string

// Scopes of a Share.
const (
	ShareETA      ShareScope = "eta"      // milestones and the forecast
	SharePosition ShareScope = "position" // and where it is, to 10 km
)

// Limits of a Dossier: it is written whole into the log with each change.
const (
	maxReferences = 50
	maxContacts   = 30
	maxDocuments  = 100
	maxNotes      = 500
	maxShares     = 50
	maxLine       = 200  // characters
	maxNote       = 2000 // characters
	// MaxShare is how long a link may live.
	MaxShare = 366 * 24 * time.Hour
)

// Clone copies a dossier so that the copy can be changed.
func (d Dossier) Clone() Dossier {
	d.References = slices.Clone(d.References)
	d.Contacts = slices.Clone(d.Contacts)
	d.Documents = slices.Clone(d.Documents)
	d.Notes = slices.Clone(d.Notes)
	d.Shares = slices.Clone(d.Shares)
	d.Legs = slices.Clone(d.Legs)
	return d
}

// FieldError names the value of a request that cannot be accepted, as a JSON path
// below the dossier. It unwraps to an *InvalidError.
type FieldError struct {
	Field string
	Err   *InvalidError
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Reason }

func (e *FieldError) Unwrap() error { return e.Err }

func field(name, format string, args ...any) error {
	return &FieldError{name, &InvalidError{"input", fmt.Sprintf(format, args...)}}
}

// ValidateDossier checks a dossier and returns it as it will be kept, numbers as
// package reference files them. The error is a *FieldError.
func ValidateDossier(d Dossier) (Dossier, error) {
	d = d.Clone()
	for _, l := range []struct {
		name       string
		have, most int
	}{
		{"references", len(d.References), maxReferences},
		{"contacts", len(d.Contacts), maxContacts},
		{"documents", len(d.Documents), maxDocuments},
		{"notes", len(d.Notes), maxNotes},
		{"shares", len(d.Shares), maxShares},
	} {
		if l.have > l.most {
			return d, field(l.name, "there are %d, at most %d are kept", l.have, l.most)
		}
	}
	for i := range d.References {
		r, at := &d.References[i], fmt.Sprintf("references[%d]", i)
		number, err := reference.Parse(r.Kind, r.Number)
		if err != nil {
			var bad *reference.Error
			if errors.As(err, &bad) {
				return d, field(at+".number", "%s", bad.Reason)
			}
			return d, err
		}
		r.Number = number
		if slices.Contains(d.References[:i], *r) {
			return d, field(at, "%s %s is there twice", r.Kind, r.Number)
		}
	}
	for i := range d.Contacts {
		c, at := &d.Contacts[i], fmt.Sprintf("contacts[%d]", i)
		switch c.Role {
		case ContactShipper, ContactConsignee, ContactNotify, ContactForwarder, ContactBroker, ContactCarrier, ContactDriver:
		default:
			return d, field(at+".role", "use shipper, consignee, notify, forwarder, broker, carrier or driver")
		}
		if err := line(at+".name", &c.Name, true); err != nil {
			return d, err
		}
		if err := line(at+".contact", &c.Contact, false); err != nil {
			return d, err
		}
	}
	for i := range d.Documents {
		x, at := &d.Documents[i], fmt.Sprintf("documents[%d]", i)
		if err := line(at+".kind", &x.Kind, true); err != nil {
			return d, err
		}
		if err := line(at+".number", &x.Number, false); err != nil {
			return d, err
		}
		if x.Status != DocumentNeeded && x.Status != DocumentReady {
			return d, field(at+".status", "use needed or ready")
		}
		if x.Issued != nil && x.Expires != nil && !x.Expires.After(*x.Issued) {
			return d, field(at+".expires", "it expires before it is issued")
		}
	}
	for i := range d.Notes {
		n := &d.Notes[i]
		n.Text = strings.TrimSpace(n.Text)
		if err := text(fmt.Sprintf("notes[%d].text", i), n.Text, maxNote, true); err != nil {
			return d, err
		}
	}
	for i := range d.Shares {
		s, at := &d.Shares[i], fmt.Sprintf("shares[%d]", i)
		if s.Scope != ShareETA && s.Scope != SharePosition {
			return d, field(at+".scope", "use eta or position")
		}
		if life := s.Expires.Sub(s.Created); life <= 0 || life > MaxShare {
			return d, field(at+".expires", "a link lives at least a moment and at most 366 days")
		}
	}
	return d, validateLegs(d.Legs)
}

func line(name string, s *string, needed bool) error {
	*s = strings.Join(strings.Fields(*s), " ")
	return text(name, *s, maxLine, needed)
}

func text(name, s string, most int, needed bool) error {
	switch {
	case needed && s == "":
		return field(name, "it is missing")
	case !utf8.ValidString(s):
		return field(name, "it is not UTF-8 text")
	case utf8.RuneCountInString(s) > most:
		return field(name, "it has %d characters, at most %d", utf8.RuneCountInString(s), most)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return field(name, "it holds control characters")
	}
	return nil
}

// Matches tells whether somebody who looks for the words means this shipment: each
// word is found in one of the numbers and names it goes by. Spaces, dots and
// hyphens within numbers do not matter, nor do capitals.
func (s *Shipment) Matches(query string) bool {
	have := []string{
		string(s.ID), s.Reference, string(s.Unit), s.Option.Title,
		s.Origin.Code, s.Origin.Name.EN, s.Origin.Name.ZH, s.Origin.Name.RU,
		s.Destination.Code, s.Destination.Name.EN, s.Destination.Name.ZH, s.Destination.Name.RU,
	}
	for _, r := range s.Dossier.References {
		have = append(have, r.Number)
	}
	for _, c := range s.Dossier.Contacts {
		have = append(have, c.Name)
	}
	return matches(have, query)
}

// matches tells whether each word of a query is found in what there is.
func matches(have []string, query string) bool {
	all := squeeze(strings.Join(have, "\n"))
	for _, word := range strings.Fields(query) {
		if !strings.Contains(all, squeeze(word)) {
			return false
		}
	}
	return true
}

var squeezer = strings.NewReplacer(" ", "", "-", "", ".", "", "·", "")

func squeeze(s string) string { return squeezer.Replace(strings.ToLower(s)) }
