// Package search is the planner: a routing.Request in, a routing.Plan out.
//
// For each request it builds a graph of the doors, the terminals and the border
// posts worth considering, with links by lorry and train inside each area of free
// movement, by ship and by air between terminals, and over the borders; searches
// it for the ways that are best in cost, time, CO2e and certainty (labels with
// dominance by kind of journey, package pareto); and evaluates a handful of really
// different ones in full: the way on the network, times as distributions, cost
// lines with their dates, CO2e with its method. Ways that break a rule are
// searched too, so that what is refused comes back with the rule.
//
// Nothing is written in for any pair of places. The world is given by the
// interfaces Router and Places. Read graph.go, option.go, choose.go.
package search

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/network/sea"
	"corridor/routing"
	"corridor/routing/emission"
	"corridor/routing/pareto"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// Config is what a Planner works with. World, Places and Posts are needed; the
// rest has the reference data as default.
type Config struct {
	World    Router
	Places   Places
	Posts    []geodata.BorderPost // of border.Posts; New adds those of border.Others between other pairs of countries
	Passages []string             // ids of sea passages a request may avoid; empty: the World's, if it tells them
	Rates    *tariff.Sheet
	Times    *timetable.Table
	Factors  *emission.Factors
	Data     []routing.Data // versions of the world and places, for plans to tell
	Clock    func() time.Time
}

// Planner plans journeys. It is safe for concurrent use.
type Planner struct {
	places   Places
	posts    []geodata.BorderPost
	passages []string
	gates    map[string]orb.Point // of the passages, where known
	rates    *tariff.Sheet
	times    *timetable.Table
	factors  *emission.Factors
	lanes    []timetable.Lane
	clock    func() time.Time
	dist     *distances
	world    []routing.Data

	depots                        *depots
	found                         *services
	spans                         *spans
	passageNames                  map[string]string
	builders, searchers, hopLists *sync.Pool // *pareto.Builder, *pareto.Searcher, *[]hop
}

// New makes a Planner.
func New(c Config) (*Planner, error) {
	if c.World == nil || c.Places == nil {
		return nil, fmt.Errorf("make a planner: it needs a World and Places")
	}
	p := &Planner{
		places: c.Places, posts: slices.Clone(c.Posts), passages: slices.Clone(c.Passages),
		rates: c.Rates, times: c.Times, factors: c.Factors, clock: c.Clock, dist: newDistances(c.World), world: slices.Clone(c.Data),
	}
	p.gates, p.passageNames = map[string]orb.Point{}, map[string]string{}
	p.spans, p.depots = new(spans), newDepots(c.Places)
	p.builders = &sync.Pool{New: func() any { return new(pareto.Builder) }}
	p.searchers = &sync.Pool{New: func() any { return new(pareto.Searcher) }}
	p.hopLists = &sync.Pool{New: func() any { return new([]hop) }}
	more, err := border.More(c.Posts)
	if err != nil {
		return nil, fmt.Errorf("make a planner: %w", err)
	}
	p.posts = append(p.posts, more...)
	if w, ok := c.World.(interface {
		Passages() ([]sea.Passage, error)
	}); ok && len(p.passages) == 0 {
		passages, err := w.Passages()
		if err != nil {
			return nil, fmt.Errorf("make a planner: %w", err)
		}
		for _, x := range passages {
			p.passages = append(p.passages, x.ID)
			p.passageNames[x.ID] = x.Names.EN
			if len(x.Gate) > 0 {
				p.gates[x.ID] = x.Gate[len(x.Gate)/2]
			}
		}
	}
	slices.SortFunc(p.posts, func(a, b geodata.BorderPost) int { return strings.Compare(a.ID, b.ID) })
	if p.rates == nil {
		if p.rates, err = tariff.Reference(); err != nil {
			return nil, err
		}
	}
	if p.times == nil {
		if p.times, err = timetable.Reference(); err != nil {
			return nil, err
		}
	}
	p.found = &services{of: p.times}
	if p.factors == nil {
		if p.factors, err = emission.Reference(); err != nil {
			return nil, err
		}
	}
	if p.lanes, err = timetable.Lanes(); err != nil {
		return nil, err
	}
	if p.clock == nil {
		p.clock = time.Now
	}
	return p, nil
}

// The search is bounded so that it answers while somebody waits.
const (
	searchLegs     = 14
	searchEpsilon  = 0.05
	searchSlack    = worstProduct * 1.25
	searchPerKind  = 6
	searchLabels   = 200_000
	departuresEach = 2
)

// Plan answers a request. cond may be nil. What is wrong with a request is a
// *routing.InputError or a *geodata.UnknownPlaceError; that nothing can be
// offered is a Plan without options and with reasons.
func (p *Planner) Plan(ctx context.Context, req routing.Request, cond routing.Conditions) (routing.Plan, error) {
	if len(req.WhatIf) > 0 {
		return p.planWhatIf(ctx, req, cond)
	}
	return p.plan(ctx, req, cond)
}

func (p *Planner) plan(ctx context.Context, req routing.Request, cond routing.Conditions) (routing.Plan, error) {
	q, err := p.read(req)
	if err != nil {
		return routing.Plan{}, err
	}
	q.ctx, q.cond = ctx, cond
	q.graph = p.builders.Get().(*pareto.Builder)
	defer p.builders.Put(q.graph)
	q.graph.Reset()
	hops := p.hopLists.Get().(*[]hop)
	q.hops = (*hops)[:0]
	defer func() {
		clear(q.hops) // what it points to is not kept
		*hops = q.hops
		p.hopLists.Put(hops)
	}()
	q.closedPassages()
	if err := q.build(); err != nil {
		return routing.Plan{}, fmt.Errorf("plan %s to %s: %w", q.origin.Label("en"), q.dest.Label("en"), err)
	}
	found, err := q.search()
	if err != nil {
		return routing.Plan{}, fmt.Errorf("plan %s to %s: %w", q.origin.Label("en"), q.dest.Label("en"), err)
	}
	plan := routing.Plan{
		Created: q.now, Request: q.req,
		Origin: q.placePoint(q.origin), Destination: q.placePoint(q.dest),
		CO2eMethod: emission.Method, Data: q.p.data(),
	}
	plan.Options, plan.Excluded, err = q.choose(found)
	if err != nil {
		return routing.Plan{}, fmt.Errorf("plan %s to %s: %w", q.origin.Label("en"), q.dest.Label("en"), err)
	}
	plan.Notes = q.notes(plan.Options)
	return plan, nil
}

// search finds the journeys worth a look in the graph.
func (q *query) search() ([]journey, error) {
	var err error
	if q.net, err = q.graph.Build(len(q.sites)); err != nil {
		return nil, err
	}
	s := q.p.searchers.Get().(*pareto.Searcher)
	defer q.p.searchers.Put(s)
	labels, err := s.Search(q.ctx, q.net, pareto.Query{
		From: atOrigin, To: atDestination, Passed: q.passed(q.origin.Country),
		Legs: searchLegs, Departures: departuresEach, Epsilon: searchEpsilon, Labels: searchLabels,
		Kinds: true, PerKind: searchPerKind, Slack: searchSlack, Patient: takesShip | leadsToPort, Patience: worstPlain,
	})
	if err != nil {
		return nil, err
	}
	found := make([]journey, 0, len(labels)+8)
	var steps []pareto.Step
	keep := func(l pareto.Label) {
		if steps = s.Steps(l, steps[:0]); !q.returns(steps) {
			j := q.trace(l, steps)
			j.found = len(found)
			found = append(found, j)
		}
	}
	for _, l := range labels {
		keep(l)
	}
	// Kinds are searched by rules of thumb. What these miss of the journeys that
	// nothing beats, but for a share of searchEpsilon, comes from a search that misses
	// none.
	labels, err = s.Search(q.ctx, q.net, pareto.Query{
		From: atOrigin, To: atDestination, Passed: q.passed(q.origin.Country),
		Legs: searchLegs, Departures: departuresEach, Epsilon: searchEpsilon,
	})
	if err != nil {
		return nil, err
	}
	for _, l := range labels {
		if l.Rule == 0 && !slices.ContainsFunc(found, func(j journey) bool {
			return j.label.Rule == 0 && j.label.Cost <= l.Cost && j.label.Hours <= l.Hours && j.label.CO2 <= l.CO2
		}) {
			keep(l)
		}
	}
	return found, nil
}

// data are the versions of what plans are made from.
func (p *Planner) data() []routing.Data {
	out := append(slices.Clone(p.world), p.rates.Data()...)
	out = append(out, p.times.Data()...)
	return append(out, p.factors.Data())
}

// returns reports whether a journey comes back to where it was: kinds keep beaten
// ways alive, and some of these run in a circle.
func (q *query) returns(steps []pareto.Step) bool {
	for i, a := range steps {
		at := q.net.Link(a.Link).From
		for _, b := range steps[i:] {
			if to := &q.sites[q.net.Link(b.Link).To]; q.net.Link(b.Link).To == at || to.kind != post && to.kind != door && to.terminal.ID == q.sites[at].terminal.ID {
				return true
			}
		}
	}
	return false
}

// closedPassages asks the conditions for passages that are shut.
func (q *query) closedPassages() {
	if q.cond == nil {
		return
	}
	for _, id := range q.p.passages {
		if s, ok := q.cond.Passage(id, q.passageTime(id)); ok && s.Regime == "closed" {
			q.shutP = append(q.shutP, id)
		}
	}
}

func (q *query) placePoint(p geodata.Place) routing.Point {
	return routing.Point{Code: p.Code, Name: p.Names, Country: p.Country, Kind: "place", Lat: p.Point[1], Lon: p.Point[0]}
}
