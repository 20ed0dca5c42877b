package carnet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
)

// Kind is a kind of Step.
type Kind string

// Kinds of Step, with the eTIR messages they correspond to.
const (
	Announce  Kind = "announce"  // E9/E10 advance TIR data
	Accept    Kind = "accept"    // I7/I8 at the first office of departure: seal, approval checked
	Load      Kind = "load"      // at a further office of departure, sealed anew
	Start     Kind = "start"     // I9/I10 start of an operation at an entry office
	Terminate Kind = "terminate" // I11/I12 termination of an operation at an exit or the last office
	Discharge Kind = "discharge" // I13/I14
	Unload    Kind = "unload"    // part of the goods, at an office of destination that is not the last
	SealCheck Kind = "seal-check"
	Reseal    Kind = "reseal"   // with a certified report where the seal was broken outside an office
	Extend    Kind = "extend"   // a new time limit for the operation under way
	Report    Kind = "report"   // the certified report of the oldest exception that has none
	Transfer  Kind = "transfer" // another truck takes the trailer, or the goods
	Reroute   Kind = "reroute"  // other offices for the way ahead
	Claim     Kind = "claim"    // notification that an operation is not discharged (Art. 11)

	// Exceptions.
	Refuse          Kind = "refuse"       // I17/I18 an office refuses to start an operation
	SealBreak       Kind = "seal-break"   // accident or control en route (Art. 25)
	SealDiffers     Kind = "seal-differs" // another seal was found than was set
	Accident        Kind = "accident"
	Theft           Kind = "theft"
	UnloadElsewhere Kind = "unload-elsewhere" // where no office is, out of necessity (Art. 25, 26)
)

// Step is something an office, the holder or the driver did.
type Step struct {
	Kind        Kind            `json:"kind"`
	At          time.Time       `json:"at"`
	Office      string          `json:"office,omitempty"`  // id, where it happens at an office
	Country     geodata.Country `json:"country,omitempty"` // of the operation, for discharge and claim
	Seal        string          `json:"seal,omitempty"`
	Report      string          `json:"report,omitempty"`      // number of the certified report
	Approval    string          `json:"approval,omitempty"`    // certificate checked at acceptance
	Reservation string          `json:"reservation,omitempty"` // with which termination was certified
	Limit       *time.Time      `json:"limit,omitempty"`       // for the operation that starts
	Vehicle     string          `json:"vehicle,omitempty"`     // that takes over
	Offices     []Office        `json:"offices,omitempty"`     // reroute: the whole list as it is now
	Itinerary   [][2]float64    `json:"itinerary,omitempty"`   // reroute: the way as [lon, lat], where the carnet has one of its own
	Note        string          `json:"note,omitempty"`
}

// rule is what a kind of step does, and what the journal says of it.
type rule struct {
	kind Kind
	do   func(*Carnet, Step) (string, error)
}

func rules() []rule {
	return []rule{
		{Announce, (*Carnet).announce},
		{Accept, (*Carnet).accept},
		{Load, (*Carnet).load},
		{Start, (*Carnet).start},
		{Terminate, (*Carnet).terminate},
		{Discharge, (*Carnet).discharge},
		{Unload, (*Carnet).unload},
		{SealCheck, (*Carnet).sealCheck},
		{Reseal, (*Carnet).reseal},
		{Extend, (*Carnet).extend},
		{Report, (*Carnet).report},
		{Transfer, (*Carnet).transfer},
		{Reroute, (*Carnet).reroute},
		{Claim, (*Carnet).claim},
		{Refuse, (*Carnet).refused},
		{SealBreak, (*Carnet).sealBreak},
		{SealDiffers, (*Carnet).sealDiffers},
		{Accident, (*Carnet).mishap},
		{Theft, (*Carnet).mishap},
		{UnloadElsewhere, (*Carnet).mishap},
	}
}

// Kinds lists every kind of step.
func Kinds() []Kind {
	var out []Kind
	for _, r := range rules() {
		out = append(out, r.kind)
	}
	return out
}

// Apply does a step and returns the carnet after it; the one given is not changed.
// log is the sequence of the record that holds it, seen where the unit was, if that
// is known. The error is an *Error and says what has to come first.
func (c Carnet) Apply(s Step, by string, log uint64, seen *Evidence) (Carnet, error) {
	before := c
	c = c.clone()
	s.At = s.At.UTC().Truncate(time.Millisecond)
	s.Seal = strings.ToUpper(strings.Join(strings.Fields(s.Seal), " "))
	if s.At.IsZero() {
		return before, refuse("at", "say when it happened")
	}
	if last := c.lastReported(); s.At.Before(last) {
		return before, refuse("at", "it lies before %s, what was recorded last: steps are recorded in their order", stamp(last))
	}
	for _, x := range []struct{ field, text string }{
		{"seal", s.Seal}, {"report", s.Report}, {"approval", s.Approval}, {"reservation", s.Reservation}, {"vehicle", s.Vehicle}, {"note", s.Note},
	} {
		if err := plain(x.field, x.text); err != nil {
			return before, err
		}
	}
	all := rules()
	i := slices.IndexFunc(all, func(r rule) bool { return r.kind == s.Kind })
	if i < 0 {
		var names []string
		for _, r := range all {
			names = append(names, string(r.kind))
		}
		return before, refuse("kind", "use one of %s", strings.Join(names, ", "))
	}
	text, err := all[i].do(&c, s)
	if err != nil {
		return before, err
	}
	country := cmp.Or(c.office(s.Office).In(), s.Country)
	if open := c.open(); country == "" && open != nil {
		country = open.Country
	}
	line := Line{Kind: string(s.Kind), At: s.At, By: by, Log: log, Office: s.Office, Country: country, Text: join(text, s.Note), Seen: seen}
	if s.Kind == Reroute {
		line.Terms = c.digest()
	}
	c.note(line)
	return c, nil
}

// at finds the office of a step, of one of the roles.
func (c *Carnet) at(s Step, roles ...Role) (Office, error) {
	o := c.office(s.Office)
	if !slices.Contains(roles, o.Role) {
		var want []string
		for _, o := range c.Offices {
			if slices.Contains(roles, o.Role) {
				want = append(want, o.ID)
			}
		}
		return o, refuse("office", "this happens at one of %s", strings.Join(want, ", "))
	}
	return o, nil
}

func (c *Carnet) under() error {
	if !c.underWay() {
		return refuse("kind", "the carnet is %s: this happens between acceptance and final termination", c.Stage)
	}
	return nil
}

func (c *Carnet) announce(Step) (string, error) {
	if c.Stage != Issued {
		return "", refuse("kind", "the carnet is %s: advance data come before acceptance", c.Stage)
	}
	c.Stage = Announced
	return "", nil
}

func (c *Carnet) accept(s Step) (string, error) {
	if c.Stage != Issued && c.Stage != Announced {
		return "", refuse("kind", "the carnet is %s: it was accepted before", c.Stage)
	}
	if s.Office != c.Offices[0].ID {
		return "", refuse("office", "it is accepted at %s, the first office of departure; the others load", c.Offices[0].ID)
	}
	switch {
	case s.At.After(c.ValidUntil):
		return "", refuse("at", "the carnet was valid for acceptance until %s (Art. 9)", stamp(c.ValidUntil))
	case s.Seal == "" && !c.HeavyOrBulky:
		return "", refuse("seal", "the office of departure seals (Art. 19): give the number")
	case s.Approval == "" && c.Approval == "" && !c.HeavyOrBulky:
		return "", refuse("approval", "the certificate of approval of the vehicle or container is checked at departure: give its number")
	case c.ApprovalUntil != nil && s.At.After(*c.ApprovalUntil):
		return "", refuse("approval", "the certificate of approval was valid until %s", stamp(*c.ApprovalUntil))
	}
	c.Approved = cmp.Or(s.Approval, c.Approval)
	limit, err := c.begin(0, s)
	if err != nil {
		return "", err
	}
	text := "no seal, heavy or bulky goods"
	if s.Seal != "" {
		c.Seals = append(c.Seals, Seal{Number: s.Seal, Set: s.At, Office: s.Office})
		text = "seal " + s.Seal
	}
	if c.Approved != "" {
		text = join(text, "certificate of approval "+c.Approved)
	}
	c.Stage = Accepted
	return join(text, limit), nil
}

func (c *Carnet) begin(i int, s Step) (string, error) {
	limit := s.Limit
	if hours := c.LimitHours[c.Operations[i].Country]; limit == nil && hours > 0 {
		t := s.At.Add(time.Duration(hours * float64(time.Hour)))
		limit = &t
	}
	if limit != nil && !limit.After(s.At) {
		return "", refuse("limit", "the time limit passes before the operation starts")
	}
	at := s.At
	c.Operations[i].Started, c.Operations[i].Limit = &at, limit
	return limitText(limit), nil
}

func limitText(limit *time.Time) string {
	if limit == nil {
		return ""
	}
	return "time limit " + stamp(*limit)
}

// load is a further office of departure: goods are added and the load compartment
// is sealed anew.
func (c *Carnet) load(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	o, err := c.at(s, Departure)
	if err != nil {
		return "", err
	}
	switch op := c.Operations[c.NumberOf(o.ID)]; {
	case o.ID == c.Offices[0].ID:
		return "", refuse("office", "goods of the first office of departure are loaded before it accepts the carnet")
	case slices.Contains(c.Handled, o.ID):
		return "", refuse("office", "%s has loaded already", o.ID)
	case op.Started == nil || op.Terminated != nil:
		return "", refuse("office", "no operation is under way in %s", o.In())
	case s.Seal == "" && !c.HeavyOrBulky:
		return "", refuse("seal", "after loading the office seals anew: give the number")
	}
	c.sealAnew(s)
	c.Handled = append(c.Handled, o.ID)
	return join("loaded", sealText(s)), nil
}

func sealText(s Step) string {
	if s.Seal == "" {
		return ""
	}
	return "seal " + s.Seal
}

// sealAnew takes the old seal off and sets the step's.
func (c *Carnet) sealAnew(s Step) {
	if old := c.Seal(); old != nil {
		at := s.At
		old.Broken = &at
	}
	if s.Seal != "" {
		c.Seals = append(c.Seals, Seal{Number: s.Seal, Set: s.At, Office: s.Office})
		c.SealReads = ""
	}
}

func (c *Carnet) start(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	o, err := c.at(s, Entry)
	if err != nil {
		return "", err
	}
	i := c.NumberOf(o.ID)
	switch {
	case c.Operations[i].Started != nil:
		return "", refuse("office", "the operation in %s has started already", o.In())
	case c.Operations[i-1].Terminated == nil:
		return "", refuse("office", "the operation in %s is not terminated: its exit office %s comes first", c.Operations[i-1].Country, c.ExitOf(i-1).ID)
	}
	limit, err := c.begin(i, s)
	if err != nil {
		return "", err
	}
	c.Stage = InTransit
	return limit, nil
}

func (c *Carnet) terminate(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	o, err := c.at(s, Exit, Destination)
	if err != nil {
		return "", err
	}
	last := o.ID == c.Offices[len(c.Offices)-1].ID
	if o.Role == Destination && !last {
		return "", refuse("office", "%s is not the last office of destination: record the unloading there", o.ID)
	}
	op := &c.Operations[c.NumberOf(o.ID)]
	switch {
	case op.Started == nil:
		return "", refuse("office", "no operation has started in %s", o.In())
	case op.Terminated != nil:
		return "", refuse("office", "the operation in %s is terminated already", o.In())
	}
	if s.Reservation == "" {
		if e := c.unreported(); e != nil {
			return "", refuse("reservation", "the %s of %s has no certified report (Art. 25): record the report first, or say with which reservation it is terminated", e.Kind, stamp(e.At))
		}
		if len(c.Seals) > 0 && c.Seal() == nil {
			return "", refuse("reservation", "the load compartment is not sealed: record the new seal first, or say with which reservation it is terminated")
		}
	}
	if last {
		if err := c.allHandled(s); err != nil {
			return "", err
		}
	}
	at := s.At
	op.Terminated, op.Reservation = &at, s.Reservation
	text := "termination certified"
	if s.Reservation != "" {
		text += " with reservation: " + s.Reservation
	}
	if op.Limit != nil && at.After(*op.Limit) {
		text += "; after the time limit of " + stamp(*op.Limit)
	}
	if last {
		c.Stage = Terminated
	}
	return text, nil
}

// allHandled is that no office of departure or destination was left out.
func (c *Carnet) allHandled(s Step) error {
	for _, o := range c.Offices[1 : len(c.Offices)-1] {
		switch {
		case slices.Contains(c.Handled, o.ID) || o.Role != Departure && o.Role != Destination:
		case o.Role == Departure:
			return refuse("office", "%s has not loaded: an office of destination comes after all of departure (Art. 18)", o.ID)
		case s.Reservation == "":
			return refuse("reservation", "nothing was unloaded at %s: record it, or say with which reservation the transport is terminated", o.ID)
		}
	}
	return nil
}

func (c *Carnet) discharge(s Step) (string, error) {
	for i := range c.Operations {
		op := &c.Operations[i]
		if op.Country != s.Country || op.Discharged != nil {
			continue
		}
		if op.Terminated == nil {
			return "", refuse("country", "the operation in %s is not terminated", s.Country)
		}
		at := s.At
		op.Discharged = &at
		if (c.Stage == Terminated || c.Stage == Claimed) && !slices.ContainsFunc(c.Operations, func(o Operation) bool { return o.Discharged == nil }) {
			c.Stage = Discharged
		}
		return "", nil
	}
	return "", refuse("country", "there is no operation in %q to discharge: it is one of %s", s.Country, join2(", ", c.Countries))
}

// claimWithin is how long an authority may notify that it does not discharge: a
// year from acceptance, two where the termination was obtained by fraud (Art. 11).
const claimWithin = 365 * 24 * time.Hour

func (c *Carnet) claim(s Step) (string, error) {
	i := slices.IndexFunc(c.Operations, func(o Operation) bool {
		return o.Country == s.Country && o.Started != nil && o.Discharged == nil && o.Claimed == nil
	})
	if i < 0 {
		return "", refuse("country", "there is no undischarged operation in %q", s.Country)
	}
	at := s.At
	c.Operations[i].Claimed = &at
	c.Stage = Claimed
	text := "operation not discharged"
	if at.After(c.Operations[i].Started.Add(claimWithin)) {
		text += "; more than a year after acceptance (Art. 11)"
	}
	return text, nil
}

func (c *Carnet) unload(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	o, err := c.at(s, Destination)
	if err != nil {
		return "", err
	}
	op := c.Operations[c.NumberOf(o.ID)]
	switch {
	case o.ID == c.Offices[len(c.Offices)-1].ID:
		return "", refuse("office", "this is the last office: record its termination")
	case slices.Contains(c.Handled, o.ID):
		return "", refuse("office", "%s has unloaded already", o.ID)
	case op.Started == nil || op.Terminated != nil:
		return "", refuse("office", "no operation is under way in %s", o.In())
	case s.Seal == "" && !c.HeavyOrBulky:
		return "", refuse("seal", "after the unloading the office seals anew: give the number")
	}
	for _, x := range c.Offices {
		if x.Role == Departure && x.ID != c.Offices[0].ID && !slices.Contains(c.Handled, x.ID) {
			return "", refuse("office", "%s has not loaded: an office of destination comes after all of departure (Art. 18)", x.ID)
		}
	}
	c.sealAnew(s)
	c.Handled = append(c.Handled, o.ID)
	return join("partial unloading", sealText(s)), nil
}

func (c *Carnet) sealCheck(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	seal := c.Seal()
	switch {
	case seal == nil:
		return "", refuse("seal", "there is no seal to check: none was set, or it was broken and not replaced")
	case s.Seal != "" && s.Seal != seal.Number:
		return "", refuse("seal", "the seal set is %s, not %s: if that is the one found, record seal-differs", seal.Number, s.Seal)
	}
	return "seal " + seal.Number + " intact", nil
}

// except records what went wrong.
func (c *Carnet) except(s Step, text string) string {
	country := c.office(s.Office).In()
	if op := c.open(); country == "" && op != nil {
		country = op.Country
	}
	c.Exceptions = append(c.Exceptions, Exception{Kind: s.Kind, At: s.At, Country: country, Report: s.Report, Text: join(text, s.Note)})
	if s.Report != "" {
		return join(text, "certified report "+s.Report)
	}
	return join(text, "no certified report yet")
}

func (c *Carnet) sealBreak(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	seal := c.Seal()
	if seal == nil {
		return "", refuse("seal", "there is no unbroken seal")
	}
	at := s.At
	seal.Broken = &at
	return c.except(s, "seal "+seal.Number+" broken"), nil
}

func (c *Carnet) sealDiffers(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	seal := c.Seal()
	switch {
	case seal == nil:
		return "", refuse("seal", "there is no seal that another could stand for")
	case s.Seal == "" || s.Seal == seal.Number:
		return "", refuse("seal", "give the number that was found instead of %s", seal.Number)
	}
	at := s.At
	seal.Broken = &at
	return c.except(s, "seal "+s.Seal+" found, "+seal.Number+" was set"), nil
}

func (c *Carnet) mishap(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	if s.Note == "" && s.Report == "" {
		return "", refuse("note", "say what happened, or give the number of the certified report")
	}
	if o := c.office(s.Office); s.Kind == UnloadElsewhere && o.ID != "" {
		return "", refuse("office", "at an office it is an unloading, not one elsewhere")
	}
	return c.except(s, ""), nil
}

func (c *Carnet) refused(s Step) (string, error) {
	if !c.Active() {
		return "", refuse("kind", "the carnet is %s: nothing is left to be refused", c.Stage)
	}
	o, err := c.at(s, Entry, Departure)
	if err != nil {
		return "", err
	}
	if c.Operations[c.NumberOf(o.ID)].Started != nil && o.Role == Entry {
		return "", refuse("office", "the operation in %s has started already", o.In())
	}
	c.Exceptions = append(c.Exceptions, Exception{Kind: Refuse, At: s.At, Country: o.In(), Report: s.Report, Text: s.Note})
	return "the office refuses to start the operation", nil
}

func (c *Carnet) report(s Step) (string, error) {
	e := c.unreported()
	switch {
	case e == nil:
		return "", refuse("kind", "no exception waits for its report")
	case s.Report == "":
		return "", refuse("report", "give the number of the certified report")
	}
	e.Report = s.Report
	return fmt.Sprintf("certified report %s of the %s of %s", s.Report, e.Kind, stamp(e.At)), nil
}

func (c *Carnet) reseal(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	if s.Seal == "" {
		return "", refuse("seal", "give the number of the new seal")
	}
	office := c.office(s.Office)
	if c.Seal() != nil {
		if office.ID == "" {
			return "", refuse("office", "a seal that is intact is replaced at an office only")
		}
	} else if e := c.unreported(); e != nil && s.Report != "" {
		e.Report = s.Report
	} else if e != nil && office.ID == "" {
		return "", refuse("report", "after a break en route the new seal goes with a certified report (Art. 25): give its number")
	}
	c.sealAnew(s)
	text := "seal " + s.Seal
	if s.Report != "" {
		text = join(text, "certified report "+s.Report)
	}
	return text, nil
}

func (c *Carnet) extend(s Step) (string, error) {
	op := c.open()
	switch {
	case op == nil:
		return "", refuse("kind", "no operation is under way")
	case s.Limit == nil || !s.Limit.After(s.At):
		return "", refuse("limit", "give a time limit that lies ahead")
	}
	op.Limit = s.Limit
	op.Warned = slices.DeleteFunc(op.Warned, func(k string) bool { return k == NoticeTimeRisk || k == NoticeTimePassed })
	return limitText(s.Limit), nil
}

// transfer is another truck. A trailer under its seal only changes what draws it;
// goods that are moved over need a report and another seal.
func (c *Carnet) transfer(s Step) (string, error) {
	if err := c.under(); err != nil {
		return "", err
	}
	if s.Vehicle == "" {
		return "", refuse("vehicle", "say which vehicle takes over")
	}
	before := cmp.Or(c.VehicleNow, c.Vehicle, "the vehicle before")
	c.VehicleNow = s.Vehicle
	seal := c.Seal()
	switch {
	case s.Seal == "" || seal != nil && s.Seal == seal.Number:
		text := before + " → " + s.Vehicle
		if seal != nil {
			text += "; seal " + seal.Number + " stays"
		}
		return text, nil
	case s.Report == "":
		return "", refuse("report", "goods that change vehicles under another seal go with a certified report (Art. 25): give its number")
	}
	c.sealAnew(s)
	return before + " → " + s.Vehicle + "; seal " + s.Seal + "; certified report " + s.Report, nil
}

// reroute replaces the offices ahead. What has begun stays.
func (c *Carnet) reroute(s Step) (string, error) {
	if !c.Active() {
		return "", refuse("kind", "the carnet is %s: no way lies ahead", c.Stage)
	}
	offices, err := checkOffices(s.Offices, c.Vouchers)
	if err != nil {
		return "", err
	}
	if err := checkItinerary(s.Itinerary); err != nil {
		return "", err
	}
	if len(c.Itinerary) > 0 && len(s.Itinerary) == 0 {
		return "", refuse("itinerary", "the carnet has an itinerary of its own: give the new one")
	}
	begun := 0 // offices that have to stay: all up to the operation under way, and what was done in it
	for i, o := range c.Offices {
		op := c.Operations[c.NumberOf(o.ID)]
		if op.Terminated != nil || o.Role == Entry && op.Started != nil || slices.Contains(c.Handled, o.ID) || i == 0 && c.underWay() {
			begun = i + 1
		}
	}
	for i, o := range c.Offices[:begun] {
		if i >= len(offices) || offices[i] != o {
			return "", refuse("offices", "%s has done its part: the list keeps it, in its place", o.ID)
		}
	}
	passed := territories(offices)
	operations := make([]Operation, len(passed))
	for i, country := range passed {
		operations[i].Country = country
		if i < len(c.Operations) && c.Operations[i].Started != nil {
			if c.Operations[i].Country != country {
				return "", refuse("offices", "the operation in %s has started: the list keeps it", c.Operations[i].Country)
			}
			operations[i] = c.Operations[i]
		}
	}
	limits := map[geodata.Country]float64{}
	for country, h := range c.LimitHours {
		if slices.Contains(passed, country) {
			limits[country] = h
		}
	}
	if len(limits) == 0 {
		limits = nil
	}
	c.Offices, c.Countries, c.Operations, c.LimitHours, c.Itinerary = offices, passed, operations, limits, s.Itinerary
	names := make([]string, len(offices))
	for i, o := range offices {
		names[i] = o.ID
	}
	return "offices are now " + strings.Join(names, ", "), nil
}
