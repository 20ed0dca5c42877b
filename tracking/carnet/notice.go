package carnet

import (
	"fmt"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
)

// Kinds of Notice, which are those of the journal's entries as well.
const (
	NoticeOffice       = "carnet-office-reached"
	NoticeBorder       = "carnet-border-crossed"
	NoticeExpired      = "carnet-expired"        // not accepted while it was valid
	NoticeTimeRisk     = "carnet-time-at-risk"   // the exit is expected after the time limit
	NoticeTimePassed   = "carnet-time-passed"    //
	NoticeItinerary    = "carnet-itinerary-left" //
	NoticeBack         = "carnet-itinerary-back" //
	NoticeSkipped      = "carnet-office-skipped" // the unit is beyond an office that has reported nothing
	NoticeSealOpened   = "carnet-seal-opened"    // by the electronic seal or a door, away from every office
	NoticeSealChanged  = "carnet-seal-changed"   // the electronic seal has another number than the one set
	NoticeUnloading    = "carnet-unloading"      // open and standing, away from every office
	NoticeUnterminated = "carnet-not-terminated" // at the last office, and not terminated
)

// NoticeKinds lists every kind of notice.
func NoticeKinds() []string {
	return []string{
		NoticeOffice, NoticeBorder, NoticeExpired, NoticeTimeRisk, NoticeTimePassed, NoticeItinerary, NoticeBack, NoticeSkipped,
		NoticeSealOpened, NoticeSealChanged, NoticeUnloading, NoticeUnterminated,
	}
}

// How patient the tracker is: assumptions, to be calibrated on real journeys.
const (
	reportGrace    = 6 * time.Hour  // from a border, or an office seen, to its report
	terminateGrace = 24 * time.Hour // from the last office seen to the termination
	unloadAfter    = 20 * time.Minute
	standsKM       = 0.5 // GPS scatter, and moving up in a queue
)

// Keys of what was said of an operation once, besides kinds of notice.
const (
	noStart = "no start"
	noEnd   = "no termination"
)

// Notice is something the tracker saw that the holder should know.
type Notice struct {
	Kind    string
	Country geodata.Country
	Office  string
	Text    string
}

// Warns tells whether something should be done about a notice; the others are told
// for the record.
func Warns(kind string) bool {
	return kind != NoticeOffice && kind != NoticeBorder && kind != NoticeBack
}

// Opening is that the load compartment reports itself open away from every office.
type Opening struct {
	At    time.Time `json:"at"`
	Lat   float64   `json:"lat"`
	Lon   float64   `json:"lon"`
	Moved bool      `json:"moved,omitempty"` // it drives so: no unloading
}

// Sighting is what is known at a moment: of the unit with one of its reports, or by
// the clock alone.
type Sighting struct {
	Evidence
	Silent     bool       // no report: Time is the clock's, and only what time alone decides is looked at
	OnWay      bool       // the unit is within CorridorKM of its way, and Beyond and Passed are known
	OffKM      float64    // from the planned way
	CorridorKM float64    // how far off it may be
	Beyond     int        // how many operations' exits lie behind
	Passed     int        // how many offices lie well behind
	Office     string     // id of the office of the operation it is at; empty: none
	OfficeKM   float64    // how far from it
	AtOffice   bool       // near any office, where seals are opened by right
	ExitAt     *time.Time // when the exit of the operation under way is expected, P50; nil: unknown
	Open       bool       // an electronic seal or a door says so
	SealNumber string     // that an electronic seal gives; empty: none
}

// Observe takes a sighting and returns the carnet after it with what there is to say,
// each thing once. ok is false when nothing changed.
func (c Carnet) Observe(s Sighting, log uint64) (after Carnet, said []Notice, ok bool) {
	if !c.Active() || !c.stirs(&s) {
		return c, nil, false
	}
	o := observing{Carnet: c.clone(), s: s, log: log}
	if c.underWay() && s.Time.Before(*c.Operations[0].Started) {
		return c, nil, false // a report of the time before
	}
	if !s.Silent {
		o.borders()
		o.offices()
	}
	o.skipped()
	o.limits()
	if !s.Silent && c.underWay() {
		o.itinerary()
		o.seals()
	}
	o.ends()
	return o.Carnet, o.said, o.changed || len(o.said) > 0
}

// stirs tells cheaply whether a sighting may change something; most do not.
func (c *Carnet) stirs(s *Sighting) bool {
	if !c.underWay() {
		return s.Time.After(c.ValidUntil) && !slices.Contains(c.Warned, NoticeExpired) || !s.Silent && (s.Office != "" || s.Beyond > 0)
	}
	if !s.Silent {
		if s.Open || c.Opened != nil || s.SealNumber != "" || s.Office != "" && c.visited(s.Office) == nil || s.OffKM > s.CorridorKM != c.OffItinerary {
			return true
		}
		if s.OnWay && (s.Beyond > 0 || s.Passed > 1) {
			return true
		}
	}
	open := c.open()
	return len(c.Visits) > 1 || slices.ContainsFunc(c.Operations, func(o Operation) bool { return o.Crossed != nil }) ||
		open != nil && open.Limit != nil && (s.Time.After(*open.Limit) || s.ExitAt != nil && s.ExitAt.After(*open.Limit)) ||
		c.visited(c.Offices[len(c.Offices)-1].ID) != nil
}

// observing is one Observe.
type observing struct {
	Carnet
	s       Sighting
	log     uint64
	said    []Notice
	changed bool
}

func (o *observing) say(kind string, country geodata.Country, office, text string) {
	line := Line{Kind: kind, At: o.s.Time, By: Tracker, Log: o.log, Office: office, Country: country, Text: text}
	if !o.s.Silent {
		seen := o.s.Evidence
		line.Seen = &seen
	}
	o.note(line)
	o.said = append(o.said, Notice{kind, country, office, text})
}

// once says a thing of an operation that was not said of it before.
func (o *observing) once(op *Operation, key, kind, office, text string) {
	if !slices.Contains(op.Warned, key) {
		op.Warned = append(op.Warned, key)
		o.say(kind, op.Country, office, text)
	}
}

func (o *observing) onceOf(key, kind string, country geodata.Country, office, text string) {
	if !slices.Contains(o.Warned, key) {
		o.Warned = append(o.Warned, key)
		o.say(kind, country, office, text)
	}
}

// offices notes each office the unit is seen at, the first time. Before acceptance
// only the first one matters: the unit may be anywhere.
func (o *observing) offices() {
	at := o.office(o.s.Office)
	if at.ID == "" || o.visited(at.ID) != nil || !o.underWay() && at.ID != o.Offices[0].ID {
		return
	}
	o.Visits = append(o.Visits, Visit{at.ID, o.s.Time})
	o.say(NoticeOffice, at.In(), at.ID, fmt.Sprintf("seen %.1f km from %s", o.s.OfficeKM, at.Name))
}

// borders notes each operation whose exit the unit is seen beyond.
func (o *observing) borders() {
	if !o.s.OnWay || !o.underWay() && o.visited(o.Offices[0].ID) == nil {
		return
	}
	for i := range o.Operations[:min(o.s.Beyond, len(o.Operations)-1)] {
		if op := &o.Operations[i]; op.Crossed == nil {
			at := o.s.Time
			op.Crossed = &at
			o.say(NoticeBorder, op.Country, o.ExitOf(i).ID, "seen beyond "+o.ExitOf(i).Name+", in "+string(o.Operations[i+1].Country))
		}
	}
}

func (o *observing) skipped() {
	for i := range o.Operations {
		op := &o.Operations[i]
		if op.Crossed == nil {
			continue
		}
		late := !o.s.Time.Before(op.Crossed.Add(reportGrace))
		switch {
		case i == 0 && op.Started == nil: // no patience: it must not drive
			o.once(op, noStart, NoticeSkipped, o.Offices[0].ID, "seen beyond the border, and no office of departure has accepted the carnet")
		case !late:
		case op.Terminated == nil && op.Started != nil:
			o.once(op, noEnd, NoticeSkipped, o.ExitOf(i).ID, "seen beyond the exit of "+string(op.Country)+", whose office "+o.ExitOf(i).Name+" has reported no termination")
		case op.Terminated != nil && o.Operations[i+1].Started == nil:
			next := &o.Operations[i+1]
			entry := o.Offices[slices.IndexFunc(o.Offices, func(x Office) bool { return x.ID == o.ExitOf(i).ID })+1]
			o.once(next, noStart, NoticeSkipped, entry.ID, "seen in "+string(next.Country)+", whose office "+entry.Name+" has reported no start")
		}
	}
	if !o.underWay() {
		return
	}
	for i, x := range o.Offices[:len(o.Offices)-1] { // those between the ends that load or unload
		if i == 0 || x.Role != Departure && x.Role != Destination || slices.Contains(o.Handled, x.ID) {
			continue
		}
		visit := o.visited(x.ID)
		if visit == nil && !o.s.Silent && o.s.OnWay && i < o.s.Passed || visit != nil && !o.s.Time.Before(visit.First.Add(reportGrace)) {
			text := "passed without a stop at " + x.Name
			if visit != nil {
				text = x.Name + " has reported nothing since the unit was seen there"
			}
			o.onceOf(NoticeSkipped+" "+x.ID, NoticeSkipped, x.In(), x.ID, text)
		}
	}
}

// limits looks at the time limit of the operation under way.
func (o *observing) limits() {
	i := o.Running()
	if i < 0 {
		return
	}
	op := &o.Operations[i]
	last := o.visited(o.ExitOf(i).ID) != nil // it has come to where the goods are presented
	switch {
	case op.Limit == nil || op.Crossed != nil:
	case o.s.Time.After(*op.Limit):
		if !last {
			o.once(op, NoticeTimePassed, NoticeTimePassed, o.ExitOf(i).ID, "the time limit of "+stamp(*op.Limit)+" has passed")
		}
	case o.s.ExitAt != nil && o.s.ExitAt.After(*op.Limit) && !last:
		o.once(op, NoticeTimeRisk, NoticeTimeRisk, o.ExitOf(i).ID, o.ExitOf(i).Name+" is expected "+stamp(*o.s.ExitAt)+", the time limit is "+stamp(*op.Limit))
	}
}

func (o *observing) country() geodata.Country {
	if op := o.open(); op != nil {
		return op.Country
	}
	return ""
}

func (o *observing) itinerary() {
	left := o.s.OffKM > o.s.CorridorKM
	if left == o.OffItinerary {
		return
	}
	o.OffItinerary = left
	if left {
		o.say(NoticeItinerary, o.country(), "", fmt.Sprintf("%.0f km off the itinerary", o.s.OffKM))
	} else {
		o.say(NoticeBack, o.country(), "", "back on the itinerary")
	}
}

func (o *observing) seals() {
	if seal := o.Seal(); seal != nil && o.s.SealNumber != "" {
		switch read := o.s.SealNumber; {
		case read == seal.Number:
			o.changed = o.changed || o.SealReads != ""
			o.SealReads = ""
		case read != o.SealReads:
			o.SealReads = read
			o.say(NoticeSealChanged, o.country(), o.s.Office, "the electronic seal gives "+read+", customs set "+seal.Number)
		}
	}
	here := orb.Point{o.s.Lon, o.s.Lat}
	switch open := o.s.Open && !o.s.AtOffice; {
	case !open && o.Opened != nil:
		o.Opened, o.changed = nil, true
	case open && o.Opened == nil:
		o.Opened = &Opening{At: o.s.Time, Lat: o.s.Lat, Lon: o.s.Lon}
		text := "the load compartment reports itself open away from every office"
		if seal := o.Seal(); seal != nil {
			text += "; customs seal " + seal.Number
		}
		o.say(NoticeSealOpened, o.country(), "", text)
	case !open || o.Opened.Moved:
	case path.Distance(orb.Point{o.Opened.Lon, o.Opened.Lat}, here) > standsKM:
		moved := *o.Opened
		moved.Moved = true
		o.Opened, o.changed = &moved, true
	case !o.s.Time.Before(o.Opened.At.Add(unloadAfter)):
		moved := *o.Opened
		moved.Moved = true // said; not again until it was closed
		o.Opened = &moved
		o.say(NoticeUnloading, o.country(), "", fmt.Sprintf("open and standing for %.0f minutes away from every office", o.s.Time.Sub(moved.At).Minutes()))
	}
}

// ends looks at what should have happened by now.
func (o *observing) ends() {
	if !o.underWay() {
		if o.s.Time.After(o.ValidUntil) {
			o.onceOf(NoticeExpired, NoticeExpired, o.Countries[0], "", "it was not accepted while it was valid, until "+stamp(o.ValidUntil))
		}
		return
	}
	last := o.Offices[len(o.Offices)-1]
	if v := o.visited(last.ID); v != nil && !o.s.Time.Before(v.First.Add(terminateGrace)) {
		o.onceOf(NoticeUnterminated, NoticeUnterminated, last.In(), last.ID, "seen at "+last.Name+" "+stamp(v.First)+", and no termination was reported")
	}
}

// Wrongs lists what is not in order at a moment, whether or not the unit reports.
func (c *Carnet) Wrongs(now time.Time) []Notice {
	var out []Notice
	add := func(kind string, country geodata.Country, text string) {
		out = append(out, Notice{Kind: kind, Country: country, Text: text})
	}
	if !c.underWay() && c.Active() && now.After(c.ValidUntil) {
		add(NoticeExpired, c.Countries[0], "it was not accepted while it was valid, until "+stamp(c.ValidUntil))
	}
	if c.underWay() {
		if i := c.Running(); i >= 0 {
			switch op := c.Operations[i]; {
			case op.Limit != nil && op.Crossed == nil && now.After(*op.Limit):
				add(NoticeTimePassed, op.Country, "the time limit of "+stamp(*op.Limit)+" has passed")
			case op.Crossed == nil && op.Limit != nil && slices.Contains(op.Warned, NoticeTimeRisk):
				add(NoticeTimeRisk, op.Country, "the time limit of "+stamp(*op.Limit)+" is at risk")
			}
		}
		if c.OffItinerary {
			add(NoticeItinerary, "", "the unit is off the itinerary")
		}
		if c.Opened != nil {
			add(NoticeSealOpened, "", "the load compartment reports itself open since "+stamp(c.Opened.At))
		}
		if c.SealReads != "" {
			add(NoticeSealChanged, "", "the electronic seal gives "+c.SealReads)
		}
		if len(c.Seals) > 0 && c.Seal() == nil {
			add("carnet-unsealed", "", "seal "+c.Seals[len(c.Seals)-1].Number+" is broken and not replaced")
		}
		for i := range c.Operations {
			switch op := &c.Operations[i]; {
			case op.Crossed == nil || now.Before(op.Crossed.Add(reportGrace)):
			case op.Terminated == nil && op.Started != nil:
				add(NoticeSkipped, op.Country, c.ExitOf(i).Name+" has reported no termination though the unit is beyond it")
			case op.Terminated != nil && c.Operations[i+1].Started == nil:
				add(NoticeSkipped, c.Operations[i+1].Country, "no start of the operation was reported though the unit is there")
			}
		}
		if v := c.visited(c.Offices[len(c.Offices)-1].ID); v != nil && now.After(v.First.Add(terminateGrace)) {
			add(NoticeUnterminated, c.Countries[len(c.Countries)-1], "seen at the last office "+stamp(v.First)+", and no termination was reported")
		}
	}
	if e := c.unreported(); e != nil && c.Stage != Discharged {
		add("carnet-report-missing", e.Country, "the "+string(e.Kind)+" of "+stamp(e.At)+" has no certified report (Art. 25)")
	}
	for _, op := range c.Operations {
		switch {
		case op.Discharged != nil:
		case op.Claimed != nil:
			add("carnet-claimed", op.Country, "the authority does not discharge: the guarantee is called")
		case op.Reservation != "":
			add("carnet-reservation", op.Country, "terminated with reservation: "+op.Reservation)
		}
	}
	return out
}
