package tracking

import (
	"math"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

// Kinds of Milestone.
const (
	MilestoneDeparture = "departure"
	MilestoneBorder    = "border"
	MilestoneHandover  = "handover" // where the mode changes
	MilestoneArrival   = "arrival"
)

// Milestone is a point of the plan that people ask about.
type Milestone struct {
	Kind     string            `json:"kind"`
	Name     geodata.Names     `json:"name"`
	Border   string            `json:"border,omitempty"` // id of the post
	Mode     geodata.Mode      `json:"mode"`             // how the goods go on from here; of the last leg at the end
	AtKM     float64           `json:"at_km"`            // of the plan
	Planned  time.Time         `json:"planned"`          // P50 of the plan
	Passed   bool              `json:"passed"`
	Actual   *time.Time        `json:"actual,omitempty"`   // device time of the fix that showed it; nil when none did
	Expected *routing.Instants `json:"expected,omitempty"` // nil once passed, and before the first fix
}

// Milestones lists what lies on a shipment's way in order, with the times at which
// its events show that it passed. What lies ahead gets the part of the forecast up
// to there.
func Milestones(s *Shipment, p *Progress, events []Event) []Milestone {
	r := newRoute(s)
	legs := s.Option.Legs
	var out []Milestone
	// when is where along the line it is over: a border is crossed beyond its queue.
	add := func(kind string, name geodata.Names, mode geodata.Mode, along, when float64) *Milestone {
		out = append(out, Milestone{Kind: kind, Name: name, Mode: mode, AtKM: round1(r.distance(along))})
		m := &out[len(out)-1]
		m.Planned = s.Option.Depart.Add(hours(r.remaining(0).p50 - r.remaining(when).p50))
		m.Passed = p.ETA != nil && p.DoneKM >= m.AtKM && along > 0
		if p.ETA != nil && !m.Passed && p.Arrived == nil {
			now, then := r.remaining(r.alongOf(p.DoneKM)), r.remaining(when)
			m.Expected = between(p.ETA.Arrive, now, then)
		}
		return m
	}
	start := add(MilestoneDeparture, s.Origin.Name, r.legs[0].mode, 0, 0)
	start.Planned, start.Actual, start.Passed = s.Option.Depart, p.Departed, p.Departed != nil
	if start.Passed || p.ETA == nil {
		start.Expected = nil
	}
	next := 0
	for i := range r.legs {
		leg := &r.legs[i]
		for next < len(r.posts) && r.posts[next].at <= leg.to {
			post := &r.posts[next]
			m := add(MilestoneBorder, geodata.Names{EN: post.post.Name}, leg.mode, post.at, post.at+passedKM)
			m.Border = post.post.ID
			m.Passed = next < p.Borders
			if m.Passed {
				m.Expected = nil
				m.Actual = crossed(events, post.post)
			}
			next++
		}
		if i+1 < len(r.legs) && i+1 < len(legs) {
			add(MilestoneHandover, legs[i].To.Name, r.legs[i+1].mode, leg.to, leg.to)
		}
	}
	last := &r.legs[len(r.legs)-1]
	end := add(MilestoneArrival, s.Destination.Name, last.mode, last.to, last.to)
	end.Planned, end.Actual, end.Passed = s.Option.Arrive.P50, p.Arrived, p.Arrived != nil
	if end.Planned.IsZero() {
		end.Planned = s.Option.Depart.Add(hours(r.remaining(0).p50))
	}
	end.Expected = nil
	if !end.Passed && p.ETA != nil {
		whole := p.ETA.Arrive
		end.Expected = &whole
	}
	return out
}

// between is the forecast of a point on the way, given that of the end, what is
// left now and what will be left there. The uncertainty of the way up to the point
// is that of the whole less that of the rest: the parts are independent.
func between(end routing.Instants, now, then spread) *routing.Instants {
	ahead := math.Max(0, now.p50-then.p50)
	at := end.P50.Add(-hours(now.p50)).Add(hours(ahead))
	less := func(whole, rest float64) time.Duration {
		return hours(math.Sqrt(math.Max(0, whole*whole-rest*rest)))
	}
	below := min(less(now.below, then.below), hours(ahead))
	return &routing.Instants{P10: at.Add(-below), P50: at, P90: at.Add(less(now.above, then.above))}
}

// crossed finds when a border was crossed.
func crossed(events []Event, b routing.Border) *time.Time {
	for i := range events {
		if e := &events[i]; e.Kind == EventBorder && e.Where == b.Name {
			return &e.Time
		}
	}
	return nil
}
