package tracking

import (
	"fmt"
	"slices"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

// LegTimes is when a leg really began and ended, as the office has recorded it.
type LegTimes struct {
	Leg      int        `json:"leg"` // of the plan, from 0
	Started  *time.Time `json:"started,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`
}

// Who says when a leg began or ended.
const (
	LegByOffice = "office" // recorded in the dossier; it goes before
	LegByUnit   = "unit"   // its reports show it
)

// LegState is a leg as planned and as it went.
type LegState struct {
	Leg        int           `json:"leg"`
	Mode       geodata.Mode  `json:"mode"`
	From       geodata.Names `json:"from"`
	To         geodata.Names `json:"to"`
	DistanceKM float64       `json:"distance_km"`
	Depart     time.Time     `json:"depart"` // planned
	Arrive     time.Time     `json:"arrive"` // planned, P50
	Started    *time.Time    `json:"started,omitempty"`
	StartedBy  string        `json:"started_by,omitempty"`
	Finished   *time.Time    `json:"finished,omitempty"`
	FinishedBy string        `json:"finished_by,omitempty"`
	LateHours  *float64      `json:"late_hours,omitempty"` // of the end, or of the start before there is one; negative: early
}

// Legs lists the legs of a shipment with the times that its dossier and its events
// give.
func Legs(s *Shipment, events []Event) []LegState {
	out := make([]LegState, len(s.Option.Legs))
	for i := range s.Option.Legs {
		l := &s.Option.Legs[i]
		out[i] = LegState{Leg: i, Mode: l.Mode, From: l.From.Name, To: l.To.Name, DistanceKM: l.DistanceKM, Depart: l.Depart, Arrive: l.Arrive}
	}
	if len(out) == 0 {
		return out
	}
	started := func(i int, at *time.Time, by string) {
		if i >= 0 && i < len(out) && at != nil {
			out[i].Started, out[i].StartedBy = at, by
		}
	}
	finished := func(i int, at *time.Time, by string) {
		if i >= 0 && i < len(out) && at != nil {
			out[i].Finished, out[i].FinishedBy = at, by
		}
	}
	for k := range events {
		e := &events[k]
		n := 0
		switch e.Kind {
		case EventDeparted:
			started(0, &e.Time, LegByUnit)
		case EventArrived:
			finished(len(out)-1, &e.Time, LegByUnit)
		case EventLegStarted:
			if _, err := fmt.Sscanf(e.Detail, "leg %d", &n); err == nil {
				started(n-1, &e.Time, LegByUnit)
			}
		case EventLegFinished:
			if _, err := fmt.Sscanf(e.Detail, "leg %d", &n); err == nil {
				finished(n-1, &e.Time, LegByUnit)
			}
		}
	}
	for _, t := range s.Dossier.Legs {
		started(t.Leg, t.Started, LegByOffice)
		finished(t.Leg, t.Finished, LegByOffice)
	}
	for i := range out {
		l := &out[i]
		late := func(actual *time.Time, planned time.Time) {
			if actual != nil && !planned.IsZero() {
				h := round1(actual.Sub(planned).Hours())
				l.LateHours = &h
			}
		}
		late(l.Started, l.Depart)
		late(l.Finished, l.Arrive)
	}
	return out
}

// RecordLeg puts the times of a leg into a dossier of the shipment; a leg without
// times is taken out. The error is a *FieldError: a leg ends after it begins, and
// begins after the one before has ended.
func RecordLeg(s *Shipment, events []Event, d *Dossier, t LegTimes, now time.Time) error {
	if t.Leg < 0 || t.Leg >= len(s.Option.Legs) {
		return field("leg", "the plan has legs 0 to %d", len(s.Option.Legs)-1)
	}
	for _, x := range []struct {
		name string
		at   *time.Time
	}{{"started", t.Started}, {"finished", t.Finished}} {
		if x.at == nil {
			continue
		}
		if x.at.After(now.Add(MaxAhead)) {
			return field(x.name, "it lies in the future: record it when it has happened")
		}
		*x.at = x.at.UTC().Truncate(time.Millisecond)
	}
	d.Legs = slices.DeleteFunc(slices.Clone(d.Legs), func(x LegTimes) bool { return x.Leg == t.Leg })
	if t.Started != nil || t.Finished != nil {
		d.Legs = append(d.Legs, t)
		slices.SortFunc(d.Legs, func(a, b LegTimes) int { return a.Leg - b.Leg })
	}
	with := *s
	with.Dossier = *d
	legs := Legs(&with, events)
	l := &legs[t.Leg]
	switch stamp := func(t *time.Time) string { return t.UTC().Format(time.RFC3339) }; {
	case l.Finished != nil && l.Started == nil:
		return field("started", "the leg has an end and no beginning: say when it began")
	case l.Finished != nil && l.Finished.Before(*l.Started):
		return field("finished", "the leg would end at %s, before it began at %s", stamp(l.Finished), stamp(l.Started))
	case l.Started != nil && t.Leg > 0 && legs[t.Leg-1].Finished != nil && l.Started.Before(*legs[t.Leg-1].Finished):
		return field("started", "the leg would begin at %s, before the one before it ended at %s", stamp(l.Started), stamp(legs[t.Leg-1].Finished))
	case l.Finished != nil && t.Leg+1 < len(legs) && legs[t.Leg+1].Started != nil && legs[t.Leg+1].Started.Before(*l.Finished):
		return field("finished", "the leg would end at %s, after the next one began at %s", stamp(l.Finished), stamp(legs[t.Leg+1].Started))
	}
	return nil
}

// full tells whether a shipment takes a lorry for itself from end to end.
func (s *Shipment) full() bool {
	switch s.Request.Cargo.Unit {
	case routing.LTL, routing.LCL, routing.AirULD:
		return false
	}
	if len(s.Option.Legs) == 0 {
		return false
	}
	return !slices.ContainsFunc(s.Option.Legs, func(l routing.Leg) bool { return l.Mode != geodata.Road })
}

// CheckLoad refuses a lorry two full loads at a time. Ships, trains and aircraft
// carry many, and so does groupage. ErrConflict.
func (s *State) CheckLoad(sh *Shipment, unit UnitID) error {
	u, ok := s.units[unit]
	if !ok || !sh.full() {
		return nil
	}
	for _, other := range u.shipments {
		if other.ID == sh.ID || !other.full() || sh.Request.Cargo.Unit != routing.FTL && other.Request.Cargo.Unit != routing.FTL && sh.Request.Cargo.Unit != "" && other.Request.Cargo.Unit != "" {
			continue
		}
		if sh.Option.Depart.Before(other.Option.Arrive.P50) && other.Option.Depart.Before(sh.Option.Arrive.P50) {
			return fmt.Errorf("unit %s has a full load then, shipment %s from %s to %s: assign another unit, or another time: %w", unit, nameOf(&other.Shipment),
				other.Option.Depart.UTC().Format(time.RFC3339), other.Option.Arrive.P50.UTC().Format(time.RFC3339), ErrConflict)
		}
	}
	return nil
}

func nameOf(s *Shipment) string {
	if s.Reference != "" {
		return s.Reference + " (" + string(s.ID) + ")"
	}
	return string(s.ID)
}

// validateLegs checks recorded times by themselves.
func validateLegs(list []LegTimes) error {
	for i, t := range list {
		if t.Started != nil && t.Finished != nil && t.Finished.Before(*t.Started) {
			return field(fmt.Sprintf("legs[%d].finished", i), "the leg would end before it began")
		}
		if i > 0 && t.Leg <= list[i-1].Leg {
			return field(fmt.Sprintf("legs[%d].leg", i), "legs are listed once, in their order")
		}
	}
	return nil
}
