package search

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"corridor/geodata"
	"corridor/routing"
	"corridor/routing/pareto"
	"corridor/routing/regime"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// This file finds the words: titles, badges, reasons and risks.

// shortName is the first side of a post's name: "Manzhouli–Zabaikalsk" is
// known as Manzhouli.
func shortName(post string) string {
	name, _, _ := strings.Cut(post, " (")
	name, _, _ = strings.Cut(name, "–")
	return strings.TrimSpace(strings.TrimSuffix(name, " bridge"))
}

// title names an option and gives it its id.
func (q *query) title(o *routing.Option, j journey) {
	q.titleFromHops(o, j)
	o.Via = q.via(j)
	id := o.Corridor
	for _, v := range o.Via {
		id += "." + v
	}
	o.ID = slug(id)
}

func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			b.WriteRune(r)
		case r == ' ', r == ':', r == '_':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// via are the ids that tell a journey from its kin.
func (q *query) via(j journey) []string {
	out := []string{}
	for i := range j.hops {
		h := &j.hops[i]
		switch {
		case h.cross != nil:
			out = append(out, h.cross.ID)
		case h.mode == geodata.Sea:
			if h.service.Via != "" {
				out = append(out, h.service.Via)
			}
			out = append(out, q.code(h.to))
		case h.mode == geodata.Air:
			out = append(out, q.code(h.to))
		}
	}
	return out
}

func (q *query) code(s int32) string {
	t := q.sites[s].terminal
	if t.Place != "" {
		return t.Place
	}
	return t.ID
}

func (q *query) titleFromHops(o *routing.Option, j journey) {
	var posts, ports []string
	via, load, field := "", "", ""
	seaKM, barred := 0.0, false
	rule := q.verdicts[j.verdict].Rule.ID
	atPost := rule == regime.BorderClosed.ID || rule == regime.UserAvoid.ID
	for i := range j.hops {
		h := &j.hops[i]
		switch {
		case h.cross != nil && atPost && h.verdict == j.verdict && !barred:
			posts = []string{shortName(h.cross.Name)} // what bars the way names it
			barred = true
		case h.cross != nil && !barred:
			posts = append(posts, shortName(h.cross.Name))
		case h.cross != nil:
		case h.mode == geodata.Sea:
			via, load = h.service.Via, q.placeName(h.from)
			ports = append(ports, q.placeName(h.to))
			seaKM += h.km
		case h.mode == geodata.Air:
			field = q.placeName(h.to)
			if i+1 < len(j.hops) && j.hops[i+1].mode == geodata.Air {
				ports = append(ports, field)
			}
		}
	}
	list := func(names []string) string {
		if len(names) > 2 {
			names = names[:2]
		}
		return strings.Join(names, " and ")
	}
	suffix := func(names []string) string {
		if len(names) == 0 {
			return ""
		}
		return " via " + list(names)
	}
	byName := map[string]string{"suez": " via Suez", "cape": " via the Cape", "panama": " via Panama"}
	switch j.corridor {
	case "road-tir":
		o.Title = "Road TIR" + suffix(posts)
	case "road":
		o.Title = "Road"
		if nationalOnly(j) && !regime.TIR(both(q.origin.Country, q.dest.Country), "").Broken() {
			o.Title = "Road without TIR"
		}
		o.Title += suffix(posts)
	case "rail":
		o.Title = "Rail" + suffix(posts)
		switch {
		case anyHop(j.hops, func(h *hop) bool { return h.middle }):
			o.Title = "Middle Corridor rail" + suffix(posts)
		case q.origin.Country == "CN" && europe(q.dest.Country) || q.dest.Country == "CN" && europe(q.origin.Country):
			o.Title = "China–Europe rail" + suffix(posts)
		}
	case "sea":
		switch {
		case via == "express":
			o.Title = "Express sea to " + ports[len(ports)-1]
		case seaKM > 5_000:
			o.Title = "Deep sea" + byName[via] + " to " + ports[len(ports)-1]
		default:
			o.Title = "Sea to " + ports[len(ports)-1]
		}
	case "air":
		o.Title = "Air to " + field + suffix(ports)
	default:
		words := strings.Split(j.corridor, "-")
		words[0] = strings.ToUpper(words[0][:1]) + words[0][1:]
		o.Title = strings.Join(words, "–")
		switch {
		case len(ports) > 0 && strings.HasSuffix(j.corridor, "sea"):
			o.Title += suffix([]string{load})
		case len(ports) > 0:
			gates := append(ports[:1:1], posts...)
			if cape := strings.TrimPrefix(byName[via], " via "); cape != "" {
				gates = append([]string{cape}, gates...)
			}
			o.Title += suffix(gates)
		default:
			o.Title += suffix(posts)
		}
	}
	o.Corridor = j.corridor
}

// europe reports whether trains to a country are called China–Europe ones.
func europe(c geodata.Country) bool {
	return regime.InEU(c) || slices.Contains([]geodata.Country{"RU", "BY", "UA", "MD", "GB", "NO", "CH", "RS", "TR"}, c)
}

// explain gives badges and the one line why an option stands among the others.
func explain(options []routing.Option) {
	if len(options) == 0 {
		return
	}
	best := func(less func(a, b *routing.Option) bool, fits func(o *routing.Option) bool) int {
		at := -1
		for i := range options {
			if (fits == nil || fits(&options[i])) && (at < 0 || less(&options[i], &options[at])) {
				at = i
			}
		}
		return at
	}
	faster := func(a, b *routing.Option) bool { return a.TransitHours.P50 < b.TransitHours.P50 }
	byLand := func(o *routing.Option) bool {
		return !slices.ContainsFunc(o.Modes, func(m geodata.Mode) bool { return m == geodata.Sea || m == geodata.Air })
	}
	cheapest := best(func(a, b *routing.Option) bool { return a.Cost.Total.Amount < b.Cost.Total.Amount }, nil)
	fastest := best(faster, nil)
	land := best(faster, byLand)
	greenest := best(func(a, b *routing.Option) bool { return a.CO2eKG < b.CO2eKG }, nil)
	surest := best(func(a, b *routing.Option) bool {
		if a.OnTime != b.OnTime {
			return a.OnTime > b.OnTime
		}
		return a.TransitHours.P90-a.TransitHours.P50 < b.TransitHours.P90-b.TransitHours.P50
	}, nil)
	for i := range options {
		o := &options[i]
		o.Badges = []string{}
		var why []string
		mark := func(at int, badge, words string) {
			if at == i {
				o.Badges = append(o.Badges, badge)
				why = append(why, words)
			}
		}
		mark(cheapest, "cheapest", "lowest cost")
		mark(fastest, "fastest", "fastest")
		if land != fastest {
			mark(land, "fastest-by-land", "fastest by land")
		}
		mark(greenest, "greenest", "least CO2e")
		mark(surest, "surest", "surest to arrive when promised")
		o.DayValue, o.CO2ePrice = worthOf(options, i, days), worthOf(options, i, tonnesCO2e)
		for _, words := range []string{dayWords(o.DayValue), co2eWords(o.CO2ePrice)} {
			if words != "" {
				why = append(why, words)
			}
		}
		if k := beater(options, i); k >= 0 {
			o.BeatenBy = options[k].ID
		}
		if len(why) == 0 {
			why = append(why, beatenWords(options, i))
		}
		o.Why = strings.Join(why, ", ")
		if o.Why != "" {
			r := []rune(o.Why)
			o.Why = strings.ToUpper(string(r[0])) + string(r[1:])
		}
	}
}

// worthOf tells for what worth of a saved unit an option is the best of all by
// cost and that unit; nil when for none.
func worthOf(options []routing.Option, i int, units func(*routing.Option) float64) *routing.Range {
	low, high := 0.0, math.Inf(1)
	a := &options[i]
	for k := range options {
		if k == i {
			continue
		}
		b := &options[k]
		saved := units(b) - units(a)
		extra := a.Cost.Total.Amount - b.Cost.Total.Amount
		switch {
		case saved > 0:
			low = math.Max(low, extra/saved)
		case saved < 0:
			high = math.Min(high, extra/saved)
		case extra > 0:
			return nil
		}
	}
	if low > high || high <= 0 {
		return nil
	}
	r := &routing.Range{From: math.Round(low*100) / 100}
	if !math.IsInf(high, 1) {
		high = math.Round(high*100) / 100
		r.To = &high
	}
	return r
}

func days(o *routing.Option) float64       { return o.TransitHours.P50 / 24 }
func tonnesCO2e(o *routing.Option) float64 { return o.CO2eKG / 1000 }

// dayWords tells for what value of a day an option is the best.
func dayWords(r *routing.Range) string {
	switch {
	case r == nil:
		return ""
	case r.From <= 0 && r.To == nil:
		return "best at any value of time"
	case r.From <= 0:
		return fmt.Sprintf("best while a day is worth less than %s USD", round2(*r.To))
	case r.To == nil:
		return fmt.Sprintf("best from %s USD a day", round2(r.From))
	}
	return fmt.Sprintf("best when a day is worth %s to %s USD", round2(r.From), round2(*r.To))
}

// co2eWords tells from what price of CO2e an option becomes the best.
func co2eWords(r *routing.Range) string {
	if r == nil || r.From <= 0 {
		return ""
	}
	if r.To == nil {
		return fmt.Sprintf("best from %s USD a tonne of CO2e", round2(r.From))
	}
	return fmt.Sprintf("best when a tonne of CO2e costs %s to %s USD", round2(r.From), round2(*r.To))
}

// round2 rounds to two significant digits and groups thousands.
func round2(v float64) string {
	if v >= 100 {
		unit := math.Pow(10, math.Floor(math.Log10(v))-1)
		v = math.Round(v/unit) * unit
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// beater is the option that beats another the most in cost, P50 and CO2e at once;
// -1 when none does.
func beater(options []routing.Option, i int) int {
	at, most := -1, 1.0
	for k := range options {
		if k == i {
			continue
		}
		if p := pareto.BeatenBy(optionCriteria(&options[i]), optionCriteria(&options[k])); p > most {
			at, most = k, p
		}
	}
	return at
}

// beatenWords tells what beats an option that is best at nothing.
func beatenWords(options []routing.Option, i int) string {
	a := &options[i]
	at := beater(options, i)
	if at >= 0 {
		b := &options[at]
		return fmt.Sprintf("%s beats it throughout: %s USD less, %.1f days sooner", b.Title,
			round2(a.Cost.Total.Amount-b.Cost.Total.Amount), (a.TransitHours.P50-b.TransitHours.P50)/24)
	}
	return "a different way if the others fail"
}

// risks are sentences about what may go wrong.
func (q *query) risks(o *routing.Option, j journey) {
	add := func(format string, args ...any) { o.Risks = append(o.Risks, fmt.Sprintf(format, args...)) }
	for _, l := range o.Legs {
		for _, b := range l.Borders {
			if b.DwellHours.P90 >= 48 {
				add("One lorry or train in ten waits longer than %.0f h at %s.", b.DwellHours.P90, shortName(b.Name))
			}
		}
	}
	for i := range j.hops {
		h := &j.hops[i]
		switch {
		case h.cross != nil && h.cross.Note != "":
			add("%s: %s.", shortName(h.cross.Name), strings.TrimSuffix(h.cross.Note, "."))
		case h.mode == geodata.Sea && h.service.Via == "suez":
			add("Red Sea passages are being taken up again service by service; a ship may still go round the Cape.")
		case h.mode == geodata.Sea && h.service.Via == "cape":
			add("Global liners kept their schedule within a day in 56%% of calls (July 2026); late ships are about 5 days late.")
		case h.mode == geodata.Road && h.regime == tariff.TIR && q.value > 0 && q.sites[h.from].kind != post:
			if v := regime.Guarantee(q.valueEUR(), q.req.TIR); v.Broken() {
				add("%s %s", v.Reason, v.Rule.Text)
			}
		}
		if h.permit {
			add("The load is heavier than lorries may carry without a permit on the short way at %s.", q.placeName(h.to))
		}
		if h.reload {
			add("The load changes lorry at %s.", shortName(h.cross.Name))
		}
	}
	for _, m := range o.Modes {
		if advice := regime.LithiumAdvice(m, q.req.Cargo.UN, q.req.Cargo.Charge); advice != "" {
			add("%s", advice)
		}
	}
	if q.req.Cargo.TempC != nil && slices.Contains(o.Modes, geodata.Rail) {
		add("Power for reefers on the train is to be confirmed with the operator.")
	}
	stale := 0.0
	for _, line := range o.Cost.Lines {
		if line.Stale {
			stale += line.Amount.Amount
		}
	}
	if o.Cost.Total.Amount > 0 && stale/o.Cost.Total.Amount >= 0.25 {
		add("%.0f%% of the cost rests on prices older than %.0f days; ask for a fresh quote.", 100*stale/o.Cost.Total.Amount, tariff.StaleAfter.Hours()/24)
	}
	if o.Risks == nil {
		o.Risks = []string{}
	}
	slices.Sort(o.Risks)
	o.Risks = slices.Compact(o.Risks)
}

// bestHours is the shortest published time of a comparable service; 0 when none
// is known.
func (q *query) bestHours(o *routing.Option) float64 {
	best := 0.0
	for _, l := range q.p.lanes {
		if l.DaysLow == 0 || !sameKind(l, o) || !strings.Contains(l.Destination, q.dest.Names.EN) {
			continue
		}
		// Published for the place, or for the terminal the option begins at.
		fits := strings.Contains(l.Origin, q.origin.Names.EN)
		for _, leg := range o.Legs {
			fits = fits || strings.HasPrefix(leg.From.Name.EN, l.Origin) && string(leg.Mode) == l.Mode
		}
		if !fits {
			continue
		}
		if h := l.DaysLow * 24; best == 0 || h < best {
			best = h
		}
	}
	return best
}

func sameKind(l timetable.Lane, o *routing.Option) bool {
	switch l.Mode {
	case "road-tir", "sea", "rail", "air":
		return o.Corridor == l.Mode && !strings.HasPrefix(o.Title, "Middle Corridor") && l.Confidence != "L"
	case "rail-tmtm":
		return o.Corridor == "rail" && strings.HasPrefix(o.Title, "Middle Corridor")
	}
	return false
}

// notes are remarks on the whole plan.
func (q *query) notes(options []routing.Option) []string {
	var out []string
	if v, listed := regime.Export(q.origin.Country, q.dest.Country, q.req.Cargo.HS); listed && !v.Broken() {
		note := fmt.Sprintf("Exports from %s to %s are under sanctions lists: check the goods' full HS code against them.", q.origin.Country, q.dest.Country)
		out = append(out, note)
	}
	for i := range options {
		for _, l := range options[i].Legs {
			if l.Estimated {
				return append(out, "Parts of the way are estimated because the network has nothing there; such legs are marked.")
			}
		}
	}
	return out
}
