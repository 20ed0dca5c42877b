package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
)

// This file asks "what if": borders and passages that are supposed to be shut or
// slow from a day on, and what that changes in a plan.

// supposition is one of them.
type supposition struct {
	regime string
	from   time.Time // zero: always
}

// supposed are conditions with suppositions before them.
type supposed struct {
	under             routing.Conditions // may be nil
	borders, passages map[string]supposition
}

// Border implements routing.Conditions.
func (s *supposed) Border(id string, at time.Time) (routing.Status, bool) {
	if x, ok := s.borders[id]; ok && !at.Before(x.from) {
		return x.status(), true
	}
	if s.under == nil {
		return routing.Status{}, false
	}
	return s.under.Border(id, at)
}

// Passage implements routing.Conditions.
func (s *supposed) Passage(id string, at time.Time) (routing.Status, bool) {
	if x, ok := s.passages[id]; ok && !at.Before(x.from) {
		return x.status(), true
	}
	if s.under == nil {
		return routing.Status{}, false
	}
	return s.under.Passage(id, at)
}

func (x supposition) status() routing.Status {
	s := routing.Status{Regime: x.regime, Source: "supposed in the request"}
	if !x.from.IsZero() {
		s.AsOf = x.from.Format(time.DateOnly)
	}
	return s
}

// suppose reads suppositions such as "border:KHO-NUR=closed@2026-12-05".
func (p *Planner) suppose(list []string, under routing.Conditions) (*supposed, error) {
	s := &supposed{under: under, borders: map[string]supposition{}, passages: map[string]supposition{}}
	for _, text := range list {
		const like = "is not like border:KHO-NUR=closed@2026-12-05 or passage:suez=congested"
		what, rest, ok := strings.Cut(strings.TrimSpace(text), "=")
		kind, id, ok2 := strings.Cut(what, ":")
		regime, day, dated := strings.Cut(rest, "@")
		if !ok || !ok2 {
			return nil, bad("what_if", "%q %s", text, like)
		}
		x := supposition{regime: strings.ToLower(strings.TrimSpace(regime))}
		if !slices.Contains([]string{"closed", "congested", "normal"}, x.regime) {
			return nil, bad("what_if", "%q supposes %q: closed, congested or normal are known", text, regime)
		}
		if dated {
			var err error
			if x.from, err = time.Parse(time.DateOnly, strings.TrimSpace(day)); err != nil {
				return nil, bad("what_if", "%q begins on %q: give a day such as 2026-12-05", text, day)
			}
		}
		id = strings.TrimSpace(id)
		into, known := s.borders, ""
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "border":
			if i := slices.IndexFunc(p.posts, func(b geodata.BorderPost) bool { return strings.EqualFold(b.ID, id) }); i >= 0 {
				known = p.posts[i].ID
			} else {
				return nil, bad("what_if", "unknown border post %q: give an id such as %s", id, strings.Join(p.likePost(id), ", "))
			}
		case "passage":
			into = s.passages
			if i := slices.IndexFunc(p.passages, func(k string) bool { return strings.EqualFold(k, id) }); i >= 0 {
				known = p.passages[i]
			} else {
				return nil, bad("what_if", "unknown passage %q: known are %s", id, strings.Join(p.passages, ", "))
			}
		default:
			return nil, bad("what_if", "%q %s", text, like)
		}
		if old, twice := into[known]; twice && old != x {
			return nil, bad("what_if", "%s:%s is supposed to be %s and %s at once", kind, known, old.regime, x.regime)
		}
		into[known] = x
	}
	return s, nil
}

// planWhatIf plans with the suppositions of a request and without them.
func (p *Planner) planWhatIf(ctx context.Context, req routing.Request, cond routing.Conditions) (routing.Plan, error) {
	with, err := p.suppose(req.WhatIf, cond)
	if err != nil {
		return routing.Plan{}, err
	}
	without, err := p.plan(ctx, req, cond)
	if err != nil {
		return routing.Plan{}, err
	}
	plan, err := p.plan(ctx, req, with)
	if err != nil {
		return routing.Plan{}, err
	}
	plan.Difference = difference(&without, &plan)
	return plan, nil
}

// difference compares two plans of one journey, option by option.
func difference(before, after *routing.Plan) *routing.Difference {
	d := &routing.Difference{Gone: []routing.Change{}, New: []routing.Change{}, Changed: []routing.Change{}}
	find := func(p *routing.Plan, id string) *routing.Option {
		if i := slices.IndexFunc(p.Options, func(o routing.Option) bool { return o.ID == id }); i >= 0 {
			return &p.Options[i]
		}
		return nil
	}
	usd := func(v float64) routing.Money { return routing.Money{Amount: math.Round(v*100) / 100, Currency: "USD"} }
	whole := func(o *routing.Option) routing.Change {
		return routing.Change{ID: o.ID, Title: o.Title, Cost: o.Cost.Total, Hours: o.TransitHours.P50, OnTime: o.OnTime}
	}
	change := func(a, b *routing.Option) routing.Change {
		return routing.Change{
			ID: b.ID, Title: b.Title, Cost: usd(b.Cost.Total.Amount - a.Cost.Total.Amount),
			Hours: round1(b.TransitHours.P50 - a.TransitHours.P50), OnTime: math.Round((b.OnTime-a.OnTime)*1000) / 1000,
		}
	}
	for i := range before.Options {
		a := &before.Options[i]
		b := find(after, a.ID)
		if b == nil {
			d.Gone = append(d.Gone, whole(a))
			continue
		}
		if c := change(a, b); math.Abs(c.Cost.Amount) >= 1 || math.Abs(c.Hours) >= 1 {
			d.Changed = append(d.Changed, c)
		}
	}
	for i := range after.Options {
		if b := &after.Options[i]; find(before, b.ID) == nil {
			d.New = append(d.New, whole(b))
		}
	}
	least := func(p *routing.Plan, of func(*routing.Option) float64) *routing.Option {
		var best *routing.Option
		for i := range p.Options {
			if o := &p.Options[i]; best == nil || of(o) < of(best) {
				best = o
			}
		}
		return best
	}
	compare := func(of func(*routing.Option) float64) *routing.Change {
		a, b := least(before, of), least(after, of)
		if a == nil || b == nil {
			return nil
		}
		c := change(a, b)
		return &c
	}
	d.Cheapest = compare(func(o *routing.Option) float64 { return o.Cost.Total.Amount })
	d.Fastest = compare(func(o *routing.Option) float64 { return o.TransitHours.P50 })
	d.Text = differenceWords(d)
	return d
}

func round1(v float64) float64 { return math.Round(v*10) / 10 }

func differenceWords(d *routing.Difference) string {
	var out []string
	count := func(n int, one, many string) {
		switch {
		case n == 1:
			out = append(out, one)
		case n > 1:
			out = append(out, fmt.Sprintf(many, n))
		}
	}
	count(len(d.Gone), "one option is gone", "%d options are gone")
	count(len(d.New), "one is new", "%d are new")
	count(len(d.Changed), "one costs or takes something else", "%d cost or take something else")
	side := func(v float64, unit, more, less string) string {
		word := more
		if v < 0 {
			word = less
		}
		return fmt.Sprintf("%s %s %s", round2(math.Abs(v)), unit, word)
	}
	if c := d.Cheapest; c != nil && math.Abs(c.Cost.Amount) >= 1 {
		out = append(out, "the cheapest costs "+side(c.Cost.Amount, "USD", "more", "less"))
	}
	if c := d.Fastest; c != nil && math.Abs(c.Hours) >= 1 {
		out = append(out, "the fastest takes "+side(c.Hours, "h", "more", "less"))
	}
	if len(out) == 0 {
		return "Nothing changes."
	}
	s := strings.Join(out, ", ")
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// passageTime is about when a ship that leaves now is at a passage.
func (q *query) passageTime(id string) time.Time {
	const knots, circuity = 16, 1.3
	gate, ok := q.p.gates[id]
	if !ok {
		return q.depart
	}
	hours := path.Distance(q.origin.Point, gate) * circuity / (knots * 1.852)
	return q.depart.Add(time.Duration(hours * float64(time.Hour)))
}

// slowPassage is the wait at a passage that is congested. Without a dwell that
// somebody observed it is two days, five in one of ten (A).
func (q *query) slowPassage(id string) (wait, bool) {
	if q.cond == nil {
		return wait{}, false
	}
	s, ok := q.cond.Passage(id, q.passageTime(id))
	if !ok || s.Regime != "congested" {
		return wait{}, false
	}
	dwell := geodata.Dwell{P50: 48, P90: 120}
	if s.Dwell != nil {
		dwell = *s.Dwell
	}
	return wait{q.p.passageName(id), dwell}, true
}

func (p *Planner) passageName(id string) string {
	if n := p.passageNames[id]; n != "" {
		return n
	}
	return id
}

// exposures lists the posts and passages each option depends on, with the ways
// found that do without. The numbers of a bypass are differences of what the search
// expects, so that they compare like with like.
func (q *query) exposures(options []routing.Option, used, open []journey) {
	for i := range options {
		o, j := &options[i], &used[i]
		o.Exposed = []routing.Exposure{}
		told := map[string]bool{}
		for _, l := range o.Legs {
			for _, b := range l.Borders {
				if !told[b.ID] {
					told[b.ID] = true
					o.Exposed = append(o.Exposed, routing.Exposure{Kind: "border", ID: b.ID, Name: b.Name, Bypasses: q.around(j, open, func(h *hop) bool { return h.cross != nil && h.cross.ID == b.ID })})
				}
			}
			for _, id := range l.Passages {
				if !told[id] {
					told[id] = true
					o.Exposed = append(o.Exposed, routing.Exposure{Kind: "passage", ID: id, Name: q.p.passageName(id), Bypasses: q.around(j, open, func(h *hop) bool { return h.mode == geodata.Sea && q.sails(h, id) })})
				}
			}
		}
	}
}

// sails reports whether a hop by sea passes a passage, by the way drawn for it or,
// where none was drawn, unless its way shuts it.
func (q *query) sails(h *hop, id string) bool {
	if p, ok := q.p.dist.drawn(h.key, q.sites[h.from].point, q.sites[h.to].point); ok {
		return slices.Contains(p.Passages, id)
	}
	return !slices.Contains(h.avoid.Passages, id)
}

// mostBypasses is how many ways round one post or passage are told.
const mostBypasses = 3

func anyHop(hops []hop, fits func(*hop) bool) bool {
	for i := range hops {
		if fits(&hops[i]) {
			return true
		}
	}
	return false
}

// around finds the best journeys that do without something: of the same kind first.
func (q *query) around(j *journey, open []journey, uses func(*hop) bool) []routing.Bypass {
	out := []routing.Bypass{}
	var chosen []*journey
	for _, same := range []bool{true, false} {
		for k := range open { // the best first
			other := &open[k]
			if len(out) == mostBypasses || same != (other.main == j.main) || nationalOnly(*other) != nationalOnly(*j) ||
				anyHop(other.hops, uses) ||
				slices.ContainsFunc(chosen, func(c *journey) bool { return alike(*c, *other) }) {
				continue
			}
			chosen = append(chosen, other)
			var title routing.Option
			q.titleFromHops(&title, *other)
			out = append(out, routing.Bypass{
				Title: title.Title, Corridor: other.corridor, Via: q.via(*other), Days: round1((other.label.Hours - j.label.Hours) / 24),
				Cost: routing.Money{Amount: math.Round(other.label.Cost - j.label.Cost), Currency: "USD"}, CO2eKG: math.Round(other.label.CO2 - j.label.CO2),
			})
		}
	}
	return out
}
