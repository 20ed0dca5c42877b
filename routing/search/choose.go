package search

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/routing/pareto"
	"corridor/routing/regime"
	"corridor/routing/tariff"
)

// This file picks a handful of really different journeys from all that were
// found, and tells why others are not offered.

// dayUSD weighs time against money where one number is needed to pick the best
// of journeys of one kind. It decides nothing between kinds.
const dayUSD = 300

// How many options and refusals a plan shows, and how bad an option may be and
// still be worth showing: another that is better in cost, time and CO2e at once
// beats it by this product of ratios.
const (
	mostOptions  = 9
	mostOfAKind  = 3
	mostExcluded = 9
	worstProduct = 2.0
	// The best journey of a plain kind, such as by ship all the way, is what a
	// shipper looks for first: it is shown even when it is beaten this clearly.
	worstPlain = 9.0
	// A mixed kind is shown only when nothing beats it by more than this.
	worstMixed = 1.25
	// tryOptions journeys are evaluated in full, to have a choice.
	tryOptions = 14
)

// alikeKM is how near two gateways are that make no different choice.
const alikeKM = 900

func (q *query) choose(found []journey) ([]routing.Option, []routing.Excluded, error) {
	var open, barred []journey
	for _, j := range found {
		j.score = j.label.Cost + j.label.Hours/24*dayUSD - q.ownPorts(&j)
		if j.corridor == "" {
			continue
		}
		if j.verdict == 0 {
			open = append(open, j)
		} else {
			barred = append(barred, j)
		}
	}
	byScore := func(a, b journey) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.label.Hours, b.label.Hours), cmp.Compare(a.found, b.found))
	}
	slices.SortStableFunc(open, byScore)
	slices.SortStableFunc(barred, byScore)

	var kinds []journey
	for _, j := range open {
		if !slices.ContainsFunc(kinds, func(k journey) bool { return alike(j, k) }) {
			kinds = append(kinds, j)
		}
	}
	// By lorry under national transit only where TIR does not do the same.
	var withoutTIR *journey
	kinds = slices.DeleteFunc(kinds, func(j journey) bool {
		if !nationalOnly(j) {
			return false
		}
		same := slices.ContainsFunc(kinds, func(k journey) bool { return k.corridor == "road-tir" && slices.Equal(k.areas, j.areas) })
		if j.corridor == "road" && withoutTIR == nil && slices.ContainsFunc(kinds, func(k journey) bool { return k.corridor == "road-tir" }) {
			withoutTIR = &j
		}
		return same || j.corridor == "road" && withoutTIR != nil
	})
	kinds = leaders(competitive(kinds), open)

	options, used, err := q.evaluate(kinds)
	if err != nil {
		return nil, nil, err
	}
	options, used = keepBest(options, used)
	order := make([]int, len(options))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(options[a].Cost.Total.Amount, options[b].Cost.Total.Amount), cmp.Compare(options[a].TransitHours.P50, options[b].TransitHours.P50), strings.Compare(options[a].ID, options[b].ID))
	})
	sorted := make([]routing.Option, 0, len(options))
	inOrder := make([]journey, 0, len(options))
	for _, i := range order {
		sorted, inOrder = append(sorted, options[i]), append(inOrder, used[i])
	}
	distinctIDs(sorted)
	explain(sorted)
	q.exposures(sorted, inOrder, open)
	return sorted, q.excluded(sorted, used, barred, withoutTIR), nil
}

// evaluate makes options of journeys, two at a time.
func (q *query) evaluate(kinds []journey) (options []routing.Option, used []journey, err error) {
	made, errs := make([]routing.Option, len(kinds)), make([]error, len(kinds))
	var group errgroup.Group
	group.SetLimit(2)
	for i := range kinds {
		group.Go(func() error {
			made[i], errs[i] = q.option(kinds[i])
			return nil
		})
	}
	_ = group.Wait() // each error is its own
	for i, err := range errs {
		if errors.Is(err, geodata.ErrNoRoute) {
			continue // the table saw a way the route does not: another kind may do
		}
		if err != nil {
			return nil, nil, err
		}
		options, used = append(options, made[i]), append(used, kinds[i])
	}
	return options, used, nil
}

// ownPorts is what makes a journey by the ports and airports of the very places
// asked for win over one by their neighbours: people mean them.
func (q *query) ownPorts(j *journey) float64 {
	const worthUSD = 400
	sum := 0.0
	for i := range j.hops {
		for _, end := range []int32{j.hops[i].from, j.hops[i].to} {
			if s := &q.sites[end]; (s.kind == port || s.kind == airport) && s.terminal.Place != "" && (s.terminal.Place == q.origin.Code || s.terminal.Place == q.dest.Code) {
				sum += worthUSD
			}
		}
	}
	return sum
}

// nationalOnly reports whether a journey crosses a border by lorry without TIR.
func nationalOnly(j journey) bool {
	return anyHop(j.hops, func(h *hop) bool {
		return h.cross != nil && h.mode == geodata.Road && h.regime == tariff.National
	})
}

// alike reports whether two journeys are the same choice to a shipper: the same
// kind, the same countries, gateways near each other.
func alike(a, b journey) bool {
	if a.main != b.main || !slices.Equal(a.areas, b.areas) || len(a.gates) != len(b.gates) || nationalOnly(a) != nationalOnly(b) {
		return false
	}
	for i := range a.gates {
		if path.Distance(a.gates[i], b.gates[i]) > alikeKM {
			return false
		}
	}
	return true
}

// plain reports whether a corridor is of one mode, or by sea and rail.
func plain(corridor string) bool {
	switch corridor {
	case "sea", "rail", "road-tir", "road", "air", "sea-rail", "rail-sea":
		return true
	}
	return false
}

// withoutRoad is a corridor less its lorries, which only bring and fetch; a
// corridor by lorry alone stays.
func withoutRoad(corridor string) string {
	if strings.HasPrefix(corridor, "road") && !strings.Contains(strings.TrimPrefix(corridor, "road-tir"), "-") {
		return corridor
	}
	return strings.Trim(strings.ReplaceAll("-"+corridor+"-", "-road-", "-"), "-")
}

// competitive drops kinds that another beats too clearly, and kinds beyond what
// is worth evaluating; the best of each corridor stays to be looked at.
func competitive(kinds []journey) []journey {
	var out []journey
	first := map[string]bool{}
	for i, j := range kinds {
		most := worstProduct * 1.3
		if plain(j.corridor) && !first[j.product()] {
			first[j.product()], most = true, worstPlain
		}
		worst := 1.0
		for k, other := range kinds {
			if i != k {
				worst = math.Max(worst, pareto.BeatenBy(criteriaOf(j.label), criteriaOf(other.label)))
			}
		}
		if worst < most {
			out = append(out, j)
		}
	}
	if len(out) > tryOptions {
		seen := map[string]int{}
		kept := out[:0]
		for _, j := range out {
			if seen[j.corridor]++; seen[j.corridor] <= 4 && len(kept) < tryOptions {
				kept = append(kept, j)
			}
		}
		out = kept
	}
	return out
}

// leads is how much better than all that is shown a journey must be in one
// criterion to be shown for that alone.
const leads = 1.02

// leaders adds the cheapest, the fastest and the greenest of all journeys where
// those at hand are not as good: one is alike another that is better on the whole,
// and would be missed all the same.
func leaders(kinds, open []journey) []journey {
	for c := range 3 {
		least := func(list []journey) int {
			at := -1
			for i := range list {
				if !nationalOnly(list[i]) && (at < 0 || criteriaOf(list[i].label)[c] < criteriaOf(list[at].label)[c]) {
					at = i
				}
			}
			return at
		}
		best, have := least(open), least(kinds)
		switch {
		case best < 0:
		case have < 0 || criteriaOf(open[best].label)[c]*leads < criteriaOf(kinds[have].label)[c]:
			kinds = append(kinds, open[best])
			kinds[len(kinds)-1].leads = true
		default:
			kinds[have].leads = true
		}
	}
	// The lorry over the fewest borders is what carriers run, and has the least that
	// can go wrong.
	fewest, borders := -1, 0
	for i := range kinds {
		if n := crossings(&kinds[i]); kinds[i].corridor == "road-tir" && (fewest < 0 || n < borders) {
			fewest, borders = i, n
		}
	}
	if fewest >= 0 {
		kinds[fewest].leads = true
	}
	return kinds
}

// product is what a journey is sold as: its corridor, and the Middle Corridor by its
// own name.
func (j *journey) product() string {
	if anyHop(j.hops, func(h *hop) bool { return h.middle }) {
		return j.corridor + " by the Caspian"
	}
	return j.corridor
}

// crossings counts the borders a journey crosses by land.
func crossings(j *journey) int {
	n := 0
	for i := range j.hops {
		if j.hops[i].cross != nil {
			n++
		}
	}
	return n
}

func criteriaOf(l pareto.Label) [3]float64 { return [3]float64{l.Cost, l.Hours, l.CO2} }

func optionCriteria(o *routing.Option) [3]float64 {
	return [3]float64{o.Cost.Total.Amount, o.TransitHours.P50, o.CO2eKG}
}

// keepBest keeps what no other option beats too clearly, the least beaten first.
func keepBest(options []routing.Option, used []journey) ([]routing.Option, []journey) {
	type scored struct {
		i     int
		worst float64
	}
	list := make([]scored, len(options))
	for i := range options {
		list[i] = scored{i, 1}
		for k := range options {
			if k != i {
				list[i].worst = math.Max(list[i].worst, pareto.BeatenBy(optionCriteria(&options[i]), optionCriteria(&options[k])))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.worst, b.worst), cmp.Compare(used[a.i].score, used[b.i].score))
	})
	// The best of each corridor comes before the second of any.
	rank := map[int]int{}
	count := map[string]int{}
	list = slices.DeleteFunc(list, func(s scored) bool {
		c, product := options[s.i].Corridor, used[s.i].product()
		most := worstMixed
		switch {
		case plain(c) && count[product] == 0:
			most = worstPlain
		case plain(c):
			most = worstProduct
		}
		// One that goes by the same name and is beaten throughout is no other choice.
		if !used[s.i].leads && slices.ContainsFunc(options, func(o routing.Option) bool {
			return o.Title == options[s.i].Title && pareto.BeatenBy(optionCriteria(&options[s.i]), optionCriteria(&o)) > 1
		}) {
			return true
		}
		// By ship and aircraft it costs a flight and is no faster than half a voyage:
		// that is what it is for, between the two.
		kept := used[s.i].leads || plain(c) && c != "road" && count[product] == 0 || withoutRoad(c) == "sea-air" && count[product] == 0
		if used[s.i].leads && s.worst < most {
			rank[s.i] = -1 // and counts for none
			return false
		}
		if s.worst >= most || count[product] == mostOfAKind || !kept && slices.ContainsFunc(options, func(o routing.Option) bool { return hopeless(&options[s.i], &o) }) {
			return true
		}
		rank[s.i] = count[product]
		count[product]++
		return false
	})
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(rank[a.i], rank[b.i]) })
	var outO []routing.Option
	var outJ []journey
	for _, s := range list[:min(len(list), mostOptions)] {
		outO, outJ = append(outO, options[s.i]), append(outJ, used[s.i])
	}
	return outO, outJ
}

// hopeless reports whether an option costs three times another and is not much
// faster: a lorry over the Himalaya against a ship.
func hopeless(a, b *routing.Option) bool {
	return a.Cost.Total.Amount > 3*b.Cost.Total.Amount && a.TransitHours.P50 > 0.6*b.TransitHours.P50
}

// distinctIDs numbers options whose ids are the same.
func distinctIDs(options []routing.Option) {
	seen := map[string]int{}
	for i := range options {
		id := options[i].ID
		if seen[id]++; seen[id] > 1 {
			options[i].ID = fmt.Sprintf("%s-%d", id, seen[id])
		}
	}
}

// excluded tells of journeys a rule forbids that would otherwise be worth
// considering, and of modes that lead nowhere.
func (q *query) excluded(options []routing.Option, used, barred []journey, withoutTIR *journey) []routing.Excluded {
	out := []routing.Excluded{}
	var shown []journey
	add := func(j journey, v regime.Verdict) {
		var o routing.Option
		q.titleFromHops(&o, j)
		e := routing.Excluded{Corridor: j.corridor, Title: o.Title, Reason: v.Reason + " " + v.Rule.Text, Rule: v.Rule.ID}
		for _, old := range out {
			if old.Rule == e.Rule && (old.Reason == e.Reason && v.Rule.ID != regime.UserModes.ID && withoutRoad(old.Corridor) == withoutRoad(e.Corridor) || old.Corridor == e.Corridor && (old.Title == e.Title || v.Rule.ID == regime.UserModes.ID)) {
				return
			}
		}
		out = append(out, e)
		shown = append(shown, j)
	}
	for _, j := range barred {
		if len(out) >= mostExcluded {
			break
		}
		if nationalOnly(j) && q.verdicts[j.verdict].Rule.ID != regime.BorderClosed.ID && slices.ContainsFunc(barred, func(k journey) bool {
			return !nationalOnly(k) && slices.Equal(k.areas, j.areas) && k.verdict == j.verdict
		}) {
			continue // told of the same way under TIR
		}
		rule := q.verdicts[j.verdict].Rule.ID
		if (rule == regime.UserModes.ID || rule == regime.UnitMode.ID || rule == regime.Payload.ID || rule == regime.UserAvoid.ID) && !plain(j.corridor) {
			continue // what forbids a mode is told of the plain ways by it
		}
		worst := 1.0
		beaten := false // by an option of its own kind: nobody would miss it
		for i := range options {
			by := pareto.BeatenBy(criteriaOf(j.label), optionCriteria(&options[i]))
			worst = math.Max(worst, by)
			beaten = beaten || by > 1 && rule != regime.BorderClosed.ID && withoutRoad(options[i].Corridor) == withoutRoad(j.corridor)
		}
		if worst >= worstProduct*1.5 || beaten {
			continue
		}
		sameChoice := func(k journey) bool {
			return alike(j, k) && q.verdicts[k.verdict].Rule.ID == q.verdicts[j.verdict].Rule.ID
		}
		if slices.ContainsFunc(shown, sameChoice) {
			continue
		}
		if slices.ContainsFunc(used, func(k journey) bool { return alike(j, k) }) {
			// The same choice stands by another post, port or lorry. What the user
			// shut or a border shuts is told all the same, the rest is noise.
			if rule != regime.UserAvoid.ID && rule != regime.BorderClosed.ID && rule != regime.PassageClosed.ID || len(out) >= mostExcluded/2 {
				continue
			}
		}
		add(j, q.verdicts[j.verdict])
	}
	if withoutTIR != nil {
		add(*withoutTIR, regime.Verdict{Rule: regime.RoadTransit, Reason: "The same way under TIR is sooner and cheaper."})
	}
	names := map[geodata.Mode]string{geodata.Sea: "ship", geodata.Rail: "train", geodata.Road: "lorry", geodata.Air: "air"}
	for _, m := range geodata.Modes() {
		told := func(corridor string) bool {
			return slices.Contains(strings.Split(corridor, "-"), string(m))
		}
		if slices.ContainsFunc(options, func(o routing.Option) bool { return told(o.Corridor) }) ||
			slices.ContainsFunc(out, func(e routing.Excluded) bool { return told(e.Corridor) }) {
			continue
		}
		v := regime.Verdict{Rule: regime.NoService, Reason: fmt.Sprintf("No way by %s is known between %s and %s that others do not clearly beat.", names[m], q.origin.Names.EN, q.dest.Names.EN)}
		for _, rule := range []regime.Verdict{q.askedModes(m), q.unitFits(m), regime.Dangerous(m, q.req.Cargo.DG), regime.Lithium(m, q.req.Cargo.UN, false, q.req.Cargo.Charge), q.temperature(m)} {
			if rule.Broken() {
				v = rule
				break
			}
		}
		for _, c := range []geodata.Country{q.origin.Country, q.dest.Country} {
			if slices.Contains(q.avoidC, c) {
				v = regime.Verdict{Rule: regime.UserAvoid, Reason: fmt.Sprintf("It leads through %s, which you asked to avoid.", c)}
			}
		}
		if flight := regime.Flight(q.origin.Country, q.dest.Country); m == geodata.Air && flight.Broken() && v.Rule.ID == regime.NoService.ID {
			v = flight
		}
		out = append(out, routing.Excluded{Corridor: string(m), Title: strings.ToUpper(string(m[:1])) + string(m[1:]), Reason: v.Reason + " " + v.Rule.Text, Rule: v.Rule.ID})
	}
	return out
}
