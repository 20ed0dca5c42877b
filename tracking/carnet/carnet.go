// Package carnet is the life of a TIR carnet: what may happen to it at which stage,
// what a tracker can notice about it, and a journal whose entries are chained by
// hash, so that a change to one shows in all that follow.
//
// It is pure: no clock, no I/O. Which countries take carnets, and which are one
// customs territory, is the planner's to say (routing/regime). Article numbers are
// those of the TIR Convention, 1975. Read step.go next for what may happen, notice.go
// for what is noticed, journal.go for how it is proved.
package carnet

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/tracking/reference"
)

// Stage is where a carnet is in its life.
type Stage string

// Stages, in order.
const (
	Issued     Stage = "issued"     // by the association, not presented yet
	Announced  Stage = "announced"  // advance data were sent (TIR-EPD)
	Accepted   Stage = "accepted"   // at the office of departure, sealed
	InTransit  Stage = "in-transit" // the first border was reported
	Terminated Stage = "terminated" // at the last office of destination
	Discharged Stage = "discharged" // every customs authority has discharged its operation
	Claimed    Stage = "claimed"    // an authority does not discharge: the guarantee is called
)

// Role is what an office does for a carnet.
type Role string

// Roles of an Office.
const (
	Departure   Role = "departure"
	Exit        Role = "exit"  // en route, where an operation ends
	Entry       Role = "entry" // en route, where the next begins
	Destination Role = "destination"
)

// Office is a customs office on the itinerary.
type Office struct {
	ID      string          `json:"id"` // "departure", "MZL-ZAB-R:CN"; distinct within the carnet
	Name    string          `json:"name"`
	Country geodata.Country `json:"country"`
	// Territory is the customs territory when it is larger than the country: EU.
	// There is one operation, and one pair of vouchers, for each territory passed.
	Territory geodata.Country `json:"territory,omitempty"`
	Role      Role            `json:"role"`
	Post      string          `json:"post,omitempty"` // id of the border post
	Lat       float64         `json:"lat"`
	Lon       float64         `json:"lon"`
}

// In is the customs territory of the office.
func (o Office) In() geodata.Country { return cmp.Or(o.Territory, o.Country) }

// Terms are what a carnet is issued with.
type Terms struct {
	Number        string     `json:"number"`
	Holder        string     `json:"holder"`
	HolderID      string     `json:"holder_id,omitempty"` // the holder's identification number
	Association   string     `json:"association,omitempty"`
	ValidUntil    time.Time  `json:"valid_until"` // last moment to be accepted at departure (Art. 9)
	Vouchers      int        `json:"vouchers"`    // 4, 6, 14 or 20
	GuaranteeEUR  float64    `json:"guarantee_eur,omitempty"`
	Goods         string     `json:"goods,omitempty"` // the manifest in a few words
	HS            string     `json:"hs,omitempty"`
	HeavyOrBulky  bool       `json:"heavy_or_bulky,omitempty"` // Art. 29: no approval, seals where they can be set
	Vehicle       string     `json:"vehicle,omitempty"`        // plates, or the container's number
	Approval      string     `json:"approval,omitempty"`       // number of the certificate of approval
	ApprovalUntil *time.Time `json:"approval_until,omitempty"`
	Offices       []Office   `json:"offices"` // in the order they are passed
	// LimitHours are time limits known beforehand, by territory; an office may set
	// another when it starts the operation (Art. 20).
	LimitHours map[geodata.Country]float64 `json:"limit_hours,omitempty"`
	// Itinerary is the prescribed way as [lon, lat]; empty: that of the shipment.
	Itinerary  [][2]float64 `json:"itinerary,omitempty"`
	CorridorKM float64      `json:"corridor_km,omitempty"` // how far off it is still on it; 0: 25
}

// Operation is the part of a TIR transport in one customs territory.
type Operation struct {
	Country     geodata.Country `json:"country"` // or territory: EU
	Started     *time.Time      `json:"started,omitempty"`
	Limit       *time.Time      `json:"limit,omitempty"` // to present the goods at the exit office (Art. 20)
	Terminated  *time.Time      `json:"terminated,omitempty"`
	Reservation string          `json:"reservation,omitempty"` // termination was certified with one
	Discharged  *time.Time      `json:"discharged,omitempty"`
	Claimed     *time.Time      `json:"claimed,omitempty"`
	Crossed     *time.Time      `json:"crossed,omitempty"` // the unit was seen beyond the exit
	Warned      []string        `json:"warned,omitempty"`  // kinds of notice given once
}

// Seal is a customs seal.
type Seal struct {
	Number string     `json:"number"`
	Set    time.Time  `json:"set"`
	Office string     `json:"office,omitempty"` // empty: set en route
	Broken *time.Time `json:"broken,omitempty"` // or taken off
}

// Exception is what went wrong en route, and the certified report about it (Art. 25).
type Exception struct {
	Kind    Kind            `json:"kind"`
	At      time.Time       `json:"at"`
	Country geodata.Country `json:"country,omitempty"`
	Report  string          `json:"report,omitempty"` // its number; empty: there is none yet
	Text    string          `json:"text,omitempty"`
}

// Visit is that the unit was seen at an office.
type Visit struct {
	Office string    `json:"office"`
	First  time.Time `json:"first"`
}

// Carnet is a carnet and all that happened to it.
type Carnet struct {
	Terms
	Stage        Stage             `json:"stage"`
	Countries    []geodata.Country `json:"countries"`  // territories in the order passed
	Operations   []Operation       `json:"operations"` // one for each of Countries
	Seals        []Seal            `json:"seals,omitempty"`
	Exceptions   []Exception       `json:"exceptions,omitempty"`
	Handled      []string          `json:"handled,omitempty"`       // offices of departure and destination between the ends that have done their part
	Approved     string            `json:"approved,omitempty"`      // certificate of approval as it was checked at departure
	VehicleNow   string            `json:"vehicle_now,omitempty"`   // after a change of truck
	Visits       []Visit           `json:"visits,omitempty"`        // offices the unit was seen at
	OffItinerary bool              `json:"off_itinerary,omitempty"` // as last seen
	SealReads    string            `json:"seal_reads,omitempty"`    // an electronic seal's number that is not the one set
	Opened       *Opening          `json:"opened,omitempty"`        // the seal or a door is open away from every office
	Warned       []string          `json:"warned,omitempty"`        // kinds of notice given once
	Journal      []Line            `json:"journal"`
}

// Error is something that cannot be done with a carnet.
type Error struct {
	Field  string // of the request, where one is at fault
	Reason string
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

func refuse(field, format string, args ...any) error {
	return &Error{field, fmt.Sprintf(format, args...)}
}

const (
	mostTerminals = 8    // offices of departure and destination since 25 June 2022 (Art. 18)
	mostOffices   = 60   // 10 territories with all they may have
	mostText      = 200  // characters
	mostPoints    = 5000 // of an itinerary
	mostLimit     = 24 * 366
	// CorridorKM is how far off its itinerary a unit may be where the terms do not
	// say (A).
	CorridorKM = 25
)

// New checks the terms of a carnet before it is used for an itinerary and returns it
// at stage issued.
func New(t Terms, issued time.Time, by string, log uint64) (Carnet, error) {
	c := Carnet{Terms: t, Stage: Issued}
	if err := c.check(issued); err != nil {
		return c, err
	}
	c.Countries = territories(c.Offices)
	c.Operations = make([]Operation, len(c.Countries))
	for i, country := range c.Countries {
		c.Operations[i].Country = country
	}
	c.note(Line{
		Kind: kindIssued, At: issued, By: by, Log: log, Terms: c.digest(),
		Text: fmt.Sprintf("%d vouchers for %s, valid until %s", c.Vouchers, join2("–", c.Countries), stamp(c.ValidUntil)),
	})
	return c, nil
}

// check refuses terms that make no sense and brings the others into one form.
func (t *Terms) check(issued time.Time) (err error) {
	if t.Number, err = reference.Parse(reference.TIRCarnet, t.Number); err != nil {
		return refuse("number", "a TIR carnet number is two letters and eight digits, such as XB25000001")
	}
	for _, x := range []struct {
		field string
		text  *string
		need  bool
	}{
		{"holder", &t.Holder, true},
		{"holder_id", &t.HolderID, false},
		{"association", &t.Association, false},
		{"goods", &t.Goods, false},
		{"hs", &t.HS, false},
		{"vehicle", &t.Vehicle, false},
		{"approval", &t.Approval, false},
	} {
		*x.text = strings.Join(strings.Fields(*x.text), " ")
		if x.need && *x.text == "" {
			return refuse(x.field, "it is missing")
		}
		if err := plain(x.field, *x.text); err != nil {
			return err
		}
	}
	if !slices.Contains([]int{4, 6, 14, 20}, t.Vouchers) {
		return refuse("vouchers", "a carnet has 4, 6, 14 or 20 vouchers, not %d", t.Vouchers)
	}
	t.ValidUntil = t.ValidUntil.UTC().Truncate(time.Millisecond)
	if !t.ValidUntil.After(issued) {
		return refuse("valid_until", "the carnet is not valid any more")
	}
	if !(t.GuaranteeEUR >= 0 && t.GuaranteeEUR < 1e9) {
		return refuse("guarantee_eur", "give the guarantee in euros, or leave it out")
	}
	if !(t.CorridorKM >= 0 && t.CorridorKM <= 500) {
		return refuse("corridor_km", "give the width of the itinerary in km, at most 500, or leave it out")
	}
	if t.Offices, err = checkOffices(t.Offices, t.Vouchers); err != nil {
		return err
	}
	passed := territories(t.Offices)
	for _, c := range slices.Sorted(maps.Keys(t.LimitHours)) {
		if h := t.LimitHours[c]; !(h > 0 && h <= mostLimit) {
			return refuse("limit_hours", "the time limit of %s is not between 0 and %d hours", c, mostLimit)
		}
		if !slices.Contains(passed, c) {
			return refuse("limit_hours", "the itinerary does not pass %s", c)
		}
	}
	return checkItinerary(t.Itinerary)
}

func checkItinerary(line [][2]float64) error {
	if len(line) == 1 || len(line) > mostPoints {
		return refuse("itinerary", "an itinerary has 2 to %d points", mostPoints)
	}
	for i, p := range line {
		if !(math.Abs(p[1]) <= 90 && math.Abs(p[0]) <= 540) {
			return refuse("itinerary", "point %d is not on earth: give [lon, lat]", i)
		}
	}
	return nil
}

func plain(field, text string) error {
	switch {
	case len([]rune(text)) > mostText:
		return refuse(field, "longer than %d characters", mostText)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\u007f' || r == '\ufffd' }):
		return refuse(field, "holds control characters or broken text")
	}
	return nil
}

// checkOffices refuses a list of offices that no transport can follow.
func checkOffices(list []Office, vouchers int) ([]Office, error) {
	list = slices.Clone(list)
	if len(list) < 2 || len(list) > mostOffices {
		return list, refuse("offices", "list the offices from departure to destination, 2 to %d", mostOffices)
	}
	terminals, arriving := 0, false
	for i := range list {
		o := &list[i]
		for _, text := range []*string{&o.ID, &o.Name, &o.Post} {
			*text = strings.Join(strings.Fields(*text), " ")
			if err := plain("offices", *text); err != nil {
				return list, err
			}
		}
		switch {
		case o.ID == "":
			return list, refuse("offices", "office %d has no id", i+1)
		case slices.ContainsFunc(list[:i], func(x Office) bool { return x.ID == o.ID }):
			return list, refuse("offices", "two offices are called %s", o.ID)
		case len(o.Country) != 2:
			return list, refuse("offices", "%s: give its country as two letters", o.ID)
		case !(math.Abs(o.Lat) <= 90 && math.Abs(o.Lon) <= 180) || o.Lat == 0 && o.Lon == 0:
			return list, refuse("offices", "%s: say where it is by lat and lon", o.ID)
		}
		o.Name = cmp.Or(o.Name, o.ID)
		switch o.Role {
		case Departure, Destination:
			terminals++
			if arriving = arriving || o.Role == Destination; arriving && o.Role == Departure {
				return list, refuse("offices", "%s is an office of departure behind one of destination: all of departure come first (Art. 18)", o.ID)
			}
		case Exit, Entry:
		default:
			return list, refuse("offices", "%s: its role is departure, exit, entry or destination", o.ID)
		}
		if i == 0 {
			continue
		}
		switch before := list[i-1]; {
		case before.In() == o.In() && before.Role == Exit:
			return list, refuse("offices", "behind the exit %s comes an entry in another country, not %s", before.ID, o.ID)
		case before.In() == o.In() && o.Role == Entry:
			return list, refuse("offices", "before the entry %s comes an exit in another country, not %s", o.ID, before.ID)
		case before.In() != o.In() && (before.Role != Exit || o.Role != Entry):
			return list, refuse("offices", "between %s and %s a border is crossed: list the office of exit and the one of entry", before.ID, o.ID)
		}
	}
	switch first, last := list[0], list[len(list)-1]; {
	case first.Role != Departure || last.Role != Destination:
		return list, refuse("offices", "the itinerary begins at an office of departure and ends at one of destination")
	case terminals > mostTerminals:
		return list, refuse("offices", "%d offices of departure and destination: at most %d in all (Art. 18)", terminals, mostTerminals)
	}
	switch n := len(territories(list)); {
	case n < 2:
		return list, refuse("offices", "a TIR transport crosses a border: the itinerary stays in one customs territory")
	case 2*n > vouchers:
		return list, refuse("vouchers", "%d customs territories take %d vouchers, the carnet has %d", n, 2*n, vouchers)
	}
	return list, nil
}

// territories are the customs territories in the order they are passed.
func territories(offices []Office) []geodata.Country {
	var out []geodata.Country
	for _, o := range offices {
		if n := len(out); n == 0 || out[n-1] != o.In() {
			out = append(out, o.In())
		}
	}
	return out
}

// Active tells whether the carnet covers a transport, or is to: a unit has one such
// at a time.
func (c *Carnet) Active() bool {
	return c.Stage == Issued || c.Stage == Announced || c.underWay()
}

func (c *Carnet) underWay() bool { return c.Stage == Accepted || c.Stage == InTransit }

// clone copies what Apply and Observe change.
func (c Carnet) clone() Carnet {
	c.Operations = slices.Clone(c.Operations)
	for i := range c.Operations {
		c.Operations[i].Warned = slices.Clone(c.Operations[i].Warned)
	}
	c.Seals = slices.Clone(c.Seals)
	c.Exceptions = slices.Clone(c.Exceptions)
	c.Handled = slices.Clone(c.Handled)
	c.Visits = slices.Clone(c.Visits)
	c.Warned = slices.Clone(c.Warned)
	c.Journal = slices.Clip(c.Journal) // entries are only ever added
	return c
}

func (c *Carnet) office(id string) Office {
	if i := slices.IndexFunc(c.Offices, func(o Office) bool { return o.ID == id }); i >= 0 {
		return c.Offices[i]
	}
	return Office{}
}

// NumberOf is the operation in the territory of an office, in the order of the
// itinerary: a territory may be passed twice. -1: there is no such office.
func (c *Carnet) NumberOf(id string) int {
	n := -1
	var last geodata.Country
	for _, x := range c.Offices {
		if x.In() != last {
			n, last = n+1, x.In()
		}
		if x.ID == id {
			return n
		}
	}
	return -1
}

// ExitOf is the office at which an operation ends.
func (c *Carnet) ExitOf(operation int) Office {
	var out Office
	n := -1
	var last geodata.Country
	for _, x := range c.Offices {
		if x.In() != last {
			n, last = n+1, x.In()
		}
		if n == operation {
			out = x
		}
	}
	return out
}

// Running is the number of the operation under way; -1 when there is none.
func (c *Carnet) Running() int {
	return slices.IndexFunc(c.Operations, func(o Operation) bool { return o.Started != nil && o.Terminated == nil })
}

// open is the operation under way; nil when there is none.
func (c *Carnet) open() *Operation {
	if i := c.Running(); i >= 0 {
		return &c.Operations[i]
	}
	return nil
}

// Seal is the seal that is on; nil when there is none.
func (c *Carnet) Seal() *Seal {
	if n := len(c.Seals); n > 0 && c.Seals[n-1].Broken == nil {
		return &c.Seals[n-1]
	}
	return nil
}

// unreported is the oldest exception without a certified report; nil: none.
func (c *Carnet) unreported() *Exception {
	for i := range c.Exceptions {
		if c.Exceptions[i].Report == "" && c.Exceptions[i].Kind != Refuse {
			return &c.Exceptions[i]
		}
	}
	return nil
}

func (c *Carnet) visited(office string) *Visit {
	for i := range c.Visits {
		if c.Visits[i].Office == office {
			return &c.Visits[i]
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func join2(separator string, list []geodata.Country) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = string(c)
	}
	return strings.Join(out, separator)
}
