// Package ecommerce compares the ways to serve many small orders across a border:
// each by mail, from bonded stock, or from a warehouse in the customers' country,
// under the customs modes of China (9610, 1210, 9710, 9810). Freight and its time
// come from the planner, prices from tariff; what keeping stock costs follows from
// the lead time and its spread.
//
// It knows no duty rates: a request gives them. Orders are taken to come evenly
// and independently over the year.
package ecommerce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/routing"
	"corridor/routing/duration"
	"corridor/routing/regime"
	"corridor/routing/search"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// Planner plans the consignments.
type Planner interface {
	Plan(context.Context, routing.Request, routing.Conditions) (routing.Plan, error)
}

// Roads tells how far a customer is from the stock.
type Roads interface {
	Route(ctx context.Context, m geodata.Mode, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error)
}

// Places finds places by what people write.
type Places interface {
	Resolve(query string) (geodata.Place, error)
}

// Comparer compares. All its fields are needed.
type Comparer struct {
	Planner Planner
	Roads   Roads
	Places  Places
	Rates   *tariff.Sheet
	Times   *timetable.Table
	Clock   func() time.Time
}

// Limits of orders that may be imported into China as cross-border e-commerce, in
// CNY (rules.md, P, H).
const (
	mostAnOrder      = 5_000
	mostACustomer    = 26_000
	shareOfTaxes     = 0.7
	cityKM           = 20.0 // from a stock in the customers' own city to them (A)
	serviceZ         = 1.2815515655446004
	mostMailKG       = 20_000 // of one day's consignment; more go as several
	hoursAYear       = 365 * 24
	sharedBelow      = 0.35 // of a unit: less goes as a part load
	mostYearlyOrders = 1e9
)

func bad(field, format string, args ...any) error {
	return &routing.InputError{Field: field, Message: fmt.Sprintf(format, args...)}
}

// ImportTax is the share of its value that an order pays as a cross-border
// e-commerce import into China: no duty, VAT and consumption tax at 70 %. Rates are
// shares.
func ImportTax(vat, consumption float64) float64 {
	return (consumption + vat) / (1 - consumption) * shareOfTaxes
}

// GeneralTax is the share of its value that goods pay in general trade: duty,
// consumption tax on the value with duty and itself, and VAT on all of it.
func GeneralTax(duty, vat, consumption float64) float64 {
	base := (1 + duty) / (1 - consumption)
	return base*(1+vat) - 1
}

// job is one comparison.
type job struct {
	*Comparer
	ctx                 context.Context
	req                 routing.CommerceRequest
	origin, dest, store geodata.Place
	valueUSD            float64
	now                 time.Time
	out                 routing.CommerceComparison
}

// Compare answers a request. What is wrong with it is a *routing.InputError or a
// *geodata.UnknownPlaceError.
func (c *Comparer) Compare(ctx context.Context, req routing.CommerceRequest) (routing.CommerceComparison, error) {
	j := &job{Comparer: c, ctx: ctx, req: req, now: c.Clock().UTC()}
	if err := j.read(); err != nil {
		return routing.CommerceComparison{}, err
	}
	j.out = routing.CommerceComparison{Request: j.req, Created: j.now, Ways: []routing.CommerceWay{}, Excluded: []routing.Excluded{}, Notes: []string{}}
	bulk, lot, err := j.bulk()
	if err != nil {
		return routing.CommerceComparison{}, err
	}
	mail, perMail, err := j.mail()
	if err != nil {
		return routing.CommerceComparison{}, err
	}
	if j.dest.Country == "CN" {
		j.imports(bulk, lot, mail, perMail)
	} else {
		j.exports(bulk, lot, mail, perMail)
	}
	if j.req.DutyPercent == 0 && j.req.VATPercent == 0 {
		j.out.Notes = append(j.out.Notes, "Duty and VAT were not given and are not counted.")
	}
	slices.SortStableFunc(j.out.Ways, func(a, b routing.CommerceWay) int {
		return cmp.Or(cmp.Compare(a.Order.Amount, b.Order.Amount), cmp.Compare(a.Days.P50, b.Days.P50))
	})
	j.explain()
	return j.out, nil
}

func (j *job) read() error {
	r := &j.req
	r.Value.Currency = strings.ToUpper(r.Value.Currency)
	positive := func(field string, v, most float64) error {
		if !(v > 0) || v > most {
			return bad(field, "it must be above 0 and at most %g, not %g", most, v)
		}
		return nil
	}
	percent := func(field string, v, most float64) error {
		if !(v >= 0) || v > most {
			return bad(field, "it must lie between 0 and %g per cent, not at %g", most, v)
		}
		return nil
	}
	if err := errors.Join(
		positive("orders_per_year", r.Orders, mostYearlyOrders), positive("weight_kg", r.WeightKG, mostMailKG), positive("volume_m3", r.VolumeM3, 70),
		percent("duty_percent", r.DutyPercent, 1000), percent("vat_percent", r.VATPercent, 100), percent("consumption_percent", r.ConsumptionPercent, 90),
	); err != nil {
		var first *routing.InputError
		errors.As(err, &first)
		return first
	}
	usd, ok := j.Rates.USD(r.Value)
	switch {
	case !ok:
		return bad("value", "no exchange rate for %q: use USD, EUR, CNY or another listed currency", r.Value.Currency)
	case !(usd > 0) || usd > 1e9:
		return bad("value", "the value of an order must be above 0, not %g", r.Value.Amount)
	}
	j.valueUSD = usd
	if !(r.Lot >= 0) || r.Lot > 0 && r.Lot < 1 {
		return bad("lot_orders", "a lot holds at least one order, not %g", r.Lot)
	}
	if !(r.OrdersPerCustomer >= 0) {
		return bad("orders_per_customer", "it must be above 0, or left out")
	}
	if r.OrdersPerCustomer == 0 {
		r.OrdersPerCustomer = 1
	}
	if r.Unit == "" {
		r.Unit = routing.HC40
	}
	if _, _, ok := search.Room(r.Unit); !ok {
		return bad("unit", "unknown unit %q: use FTL, 20GP, 40GP, 40HC or 45HC", r.Unit)
	}
	if r.Depart.IsZero() {
		r.Depart = j.now.Truncate(time.Hour).Add(time.Hour)
	}
	var err error
	if j.origin, err = j.Places.Resolve(r.Origin); err != nil {
		return err
	}
	if j.dest, err = j.Places.Resolve(r.Destination); err != nil {
		return err
	}
	if (j.origin.Country == "CN") == (j.dest.Country == "CN") {
		return bad("destination", "the customs modes compared are those of China's trade with other countries: one of %s and %s must be in China, the other not", j.origin.Label("en"), j.dest.Label("en"))
	}
	j.store = j.dest
	if strings.TrimSpace(r.Warehouse) != "" {
		if j.store, err = j.Places.Resolve(r.Warehouse); err != nil {
			return err
		}
	}
	if regime.Area(geodata.Road, j.store.Country) != regime.Area(geodata.Road, j.dest.Country) {
		return bad("warehouse", "%s is not in the customs territory of the customers in %s", j.store.Label("en"), j.dest.Label("en"))
	}
	return nil
}

// bulk plans one consignment to the stock and tells how many orders it holds.
func (j *job) bulk() (routing.Plan, float64, error) {
	r := j.req
	kg, m3, _ := search.Room(r.Unit)
	holds := math.Floor(math.Min(kg/r.WeightKG, m3/r.VolumeM3))
	if holds < 1 {
		return routing.Plan{}, 0, bad("unit", "an order of %g kg and %g m³ does not fit %s", r.WeightKG, r.VolumeM3, r.Unit)
	}
	lot := cmp.Or(r.Lot, holds)
	if lot > holds {
		return routing.Plan{}, 0, bad("lot_orders", "%s holds %.0f orders, not %.0f", r.Unit, holds, lot)
	}
	lot = math.Min(lot, math.Ceil(r.Orders))
	unit := r.Unit
	if share := math.Max(lot*r.WeightKG/kg, lot*r.VolumeM3/m3); share < sharedBelow {
		unit = routing.LCL
		if r.Unit == routing.FTL || r.Unit == routing.LTL {
			unit = routing.LTL
		}
	}
	plan, err := j.Planner.Plan(j.ctx, routing.Request{
		Origin: r.Origin, Destination: cmp.Or(strings.TrimSpace(r.Warehouse), r.Destination), Depart: r.Depart,
		Cargo: routing.Cargo{WeightKG: lot * r.WeightKG, VolumeM3: lot * r.VolumeM3, Unit: unit, Value: &routing.Money{Amount: lot * r.Value.Amount, Currency: r.Value.Currency}},
	}, nil)
	j.out.Data = plan.Data
	return plan, lot, err
}

// mail plans the consignment of one day's orders, and tells how many it holds.
func (j *job) mail() (routing.Plan, float64, error) {
	r := j.req
	n := math.Max(1, r.Orders/365)
	_, m3, _ := search.Room(routing.LTL)
	n = math.Max(1, math.Min(n, math.Min(math.Floor(mostMailKG/r.WeightKG), math.Floor(m3/r.VolumeM3))))
	plan, err := j.Planner.Plan(j.ctx, routing.Request{
		Origin: r.Origin, Destination: r.Destination, Depart: r.Depart,
		Cargo: routing.Cargo{WeightKG: n * r.WeightKG, VolumeM3: n * r.VolumeM3, Unit: routing.LTL, Value: &routing.Money{Amount: n * r.Value.Amount, Currency: r.Value.Currency}},
	}, nil)
	return plan, n, err
}

// cheapest and fastest options; nil when there is none.
func cheapest(p routing.Plan) *routing.Option {
	return best(p, func(a, b *routing.Option) bool { return a.Cost.Total.Amount < b.Cost.Total.Amount })
}

func fastest(p routing.Plan) *routing.Option {
	return best(p, func(a, b *routing.Option) bool { return a.TransitHours.P50 < b.TransitHours.P50 })
}

func best(p routing.Plan, less func(a, b *routing.Option) bool) *routing.Option {
	var out *routing.Option
	for i := range p.Options {
		if out == nil || less(&p.Options[i], out) {
			out = &p.Options[i]
		}
	}
	return out
}

func (j *job) exclude(mode, title string, rule routing.Rule, format string, args ...any) {
	j.out.Excluded = append(j.out.Excluded, routing.Excluded{Corridor: mode, Title: title, Rule: rule.ID, Reason: fmt.Sprintf(format, args...) + " " + rule.Text})
}

func (j *job) general() float64 {
	return GeneralTax(j.req.DutyPercent/100, j.req.VATPercent/100, j.req.ConsumptionPercent/100)
}

// imports are the ways into China.
func (j *job) imports(bulk routing.Plan, lot float64, mail routing.Plan, perMail float64) {
	tax := ImportTax(j.req.VATPercent/100, j.req.ConsumptionPercent/100)
	taxNote := fmt.Sprintf("no duty; (consumption tax + VAT) / (1 − consumption tax) × 70 %% = %.3g %%", tax*100)
	cny, _ := j.Rates.USD(routing.Money{Amount: 1, Currency: "CNY"})
	value := j.valueUSD / cny
	over := ""
	switch {
	case value > mostAnOrder:
		over = fmt.Sprintf("An order is worth CNY %.0f.", value)
	case value*j.req.OrdersPerCustomer > mostACustomer:
		over = fmt.Sprintf("A customer would order for CNY %.0f a year.", value*j.req.OrdersPerCustomer)
	}
	const mailed, bonded = "Direct mail", "Bonded stock"
	if over != "" {
		j.exclude("9610", mailed, regime.OrderLimit, "%s", over)
		j.exclude("1210", bonded, regime.OrderLimit, "%s", over)
	} else {
		j.mailed(mail, perMail, tax, taxNote, []string{regime.OrderLimit.ID, regime.OverseasStock.ID})
		j.stocked(stock{
			mode: "1210", title: bonded + " in " + j.store.Names.EN, option: cheapest(bulk), lot: lot, tax: tax, taxNote: taxNote, bonded: true,
			days: j.nearby(timetable.OrderPick, timetable.OrderRelease), rules: []string{regime.OrderLimit.ID, regime.PilotCity.ID},
		})
	}
	j.stocked(stock{
		mode: "general", title: "Stock in " + j.store.Names.EN + " in general trade", option: cheapest(bulk), lot: lot, tax: j.general(), taxNote: "duty, consumption tax and VAT in full",
		days: j.nearby(timetable.OrderPick), rules: []string{},
	})
}

// exports are the ways out of China.
func (j *job) exports(bulk routing.Plan, lot float64, mail routing.Plan, perMail float64) {
	tax := j.general()
	const taxNote = "duty and VAT of the destination as given"
	j.mailed(mail, perMail, tax, taxNote, []string{regime.OverseasStock.ID})
	local := duration.FromDwell(j.Times.Dwell(timetable.OrderPick, "").Dwell).Plus(duration.FromDwell(j.Times.Dwell(timetable.OrderLocal, "").Dwell))
	j.stocked(stock{
		mode: "9810", title: "Overseas warehouse in " + j.store.Names.EN, option: cheapest(bulk), lot: lot, tax: tax, taxNote: taxNote, days: local,
		rules: []string{regime.OverseasStock.ID},
	})
	j.business(bulk, lot, tax, taxNote)
}

// nearby is the time of an order from stock in the customers' country: the steps,
// the way by van, and the round.
func (j *job) nearby(steps ...string) duration.Dist {
	var d duration.Dist
	for _, id := range steps {
		d = d.Plus(duration.FromDwell(j.Times.Dwell(id, "").Dwell))
	}
	km := cityKM
	if j.store.Code != j.dest.Code || j.store.Names != j.dest.Names {
		if p, err := j.Roads.Route(j.ctx, geodata.Road, j.store.Point, j.dest.Point, geodata.Avoid{}); err == nil {
			km = math.Max(cityKM, p.DistanceKM)
		} else {
			j.out.Notes = append(j.out.Notes, fmt.Sprintf("No road is known from %s to %s: the great circle and two fifths more is taken.", j.store.Names.EN, j.dest.Names.EN))
			km = math.Max(cityKM, 1.4*greatCircleKM(j.store.Point, j.dest.Point))
		}
	}
	speed := j.Times.Speed(geodata.Road, j.dest.Country, regime.InEU(j.dest.Country))
	hours := km / speed.KMH
	if hours > 9 { // one driver: nine hours at the wheel, then fifteen until the next day
		hours += (hours - 9) / 9 * 15
	}
	return d.Plus(duration.Lognormal(hours, hours*speed.Spread)).Plus(duration.FromDwell(j.Times.Dwell(timetable.OrderRound, "").Dwell))
}

func greatCircleKM(a, b orb.Point) float64 {
	const rad = math.Pi / 180
	s := math.Pow(math.Sin((b[1]-a[1])*rad/2), 2) + math.Cos(a[1]*rad)*math.Cos(b[1]*rad)*math.Pow(math.Sin((b[0]-a[0])*rad/2), 2)
	return 2 * 6371 * math.Asin(math.Sqrt(s))
}

// lines spreads the cost lines of a consignment over its orders.
func (j *job) lines(o *routing.Option, orders float64) []routing.CommerceLine {
	out := make([]routing.CommerceLine, 0, len(o.Cost.Lines)+6)
	for _, l := range o.Cost.Lines {
		l.Basis = fmt.Sprintf("%s; over %.0f orders", l.Basis, orders)
		for _, m := range []*routing.Money{&l.Amount, &l.Low, &l.High} {
			m.Amount /= orders
		}
		l.Leg = -1
		out = append(out, routing.CommerceLine{CostLine: l})
	}
	return out
}

// add prices items for each order; share is what of an item falls on one order.
func (j *job) add(lines []routing.CommerceLine, share float64, items ...tariff.Item) []routing.CommerceLine {
	for _, i := range items {
		l := j.Rates.Line(i, -1, j.now).CostLine
		for _, m := range []*routing.Money{&l.Amount, &l.Low, &l.High} {
			m.Amount *= share
		}
		lines = append(lines, routing.CommerceLine{CostLine: l})
	}
	return lines
}

func (j *job) taxLine(share float64, note string) routing.CommerceLine {
	m := routing.Money{Amount: j.valueUSD * share, Currency: "USD"}
	return routing.CommerceLine{CostLine: routing.CostLine{
		What: "Duty and taxes", Leg: -1, Amount: m, Low: m, High: m, Basis: fmt.Sprintf("%.2f USD × %.3g %%: %s", j.valueUSD, share*100, note),
		AsOf: j.now.Format(time.DateOnly), Source: "rates of the request", Origin: "P", Kind: string(tariff.OfReference),
	}}
}

// finish sums a way up.
func (j *job) finish(w routing.CommerceWay, d duration.Dist) {
	sum := 0.0
	for i := range w.Lines {
		l := &w.Lines[i]
		sum += l.Amount.Amount
		l.PerYear = usd(l.Amount.Amount * j.req.Orders)
		for _, m := range []*routing.Money{&l.Amount, &l.Low, &l.High} {
			m.Amount = math.Round(m.Amount*1e4) / 1e4
		}
	}
	w.Order, w.Year = routing.Money{Amount: math.Round(sum*1e4) / 1e4, Currency: "USD"}, usd(sum*j.req.Orders)
	w.Days = d.Hours()
	w.SameDay = math.Round(d.Chance(12)*1000) / 1000
	j.out.Ways = append(j.out.Ways, w)
}

func usd(v float64) routing.Money {
	return routing.Money{Amount: math.Round(v*100) / 100, Currency: "USD"}
}

// mailed are the ways that send each order by itself: by the fastest option of a
// day's consignment, and by the cheapest where that is another.
func (j *job) mailed(plan routing.Plan, orders, tax float64, taxNote string, rules []string) {
	fast, cheap := fastest(plan), cheapest(plan)
	if fast == nil {
		j.exclude("9610", "Direct mail", regime.NoService, "No way is known from %s to %s.", j.origin.Names.EN, j.dest.Names.EN)
		return
	}
	options := []*routing.Option{fast}
	if cheap != fast {
		options = append(options, cheap)
	}
	for _, o := range options {
		w := routing.CommerceWay{
			Mode: "9610", Title: "Direct mail by " + o.Corridor, Freight: o.Title, Lots: j.req.Orders / orders, Lead: o.TransitHours, Rules: rules,
			Stock: usd(0), Lines: j.lines(o, orders),
		}
		w.Lines = j.add(w.Lines, 1, j.Rates.Fee("ec.pick", ""), j.Rates.Fee("ec.clearance", ""))
		w.Lines = j.add(w.Lines, 1, j.Rates.Parcel(j.dest.Country, j.req.WeightKG, j.req.VolumeM3)...)
		w.Lines = append(w.Lines, j.taxLine(tax, taxNote))
		d := duration.FromDwell(j.Times.Dwell(timetable.OrderPick, "").Dwell).
			Plus(duration.Uniform(24 * math.Max(1, orders*365/j.req.Orders))). // until the day's consignment leaves
			Plus(duration.Lognormal(o.TransitHours.P50, o.TransitHours.P90)).
			Plus(duration.FromDwell(j.Times.Dwell(timetable.OrderParcel, "").Dwell))
		j.finish(w, d)
	}
}

// stock is a way that keeps stock.
type stock struct {
	mode, title string
	option      *routing.Option
	lot         float64
	tax         float64
	taxNote     string
	bonded      bool
	days        duration.Dist
	rules       []string
}

func (j *job) stocked(s stock) {
	if s.option == nil {
		j.exclude(s.mode, s.title, regime.NoService, "No way is known from %s to %s.", j.origin.Names.EN, j.store.Names.EN)
		return
	}
	o := s.option
	held := HeldStock(j.req.Orders, s.lot, o.TransitHours.P50, o.TransitHours.P90)
	w := routing.CommerceWay{
		Mode: s.mode, Title: s.title, Freight: o.Title, Lots: j.req.Orders / s.lot, Lead: o.TransitHours, Rules: s.rules, Held: math.Round(held*10) / 10,
		Lines: j.lines(o, s.lot),
	}
	keeping := j.Rates.Stock(held*j.valueUSD, held*j.req.VolumeM3)
	w.Stock = usd(j.Rates.Sum(keeping))
	w.Lines = j.add(w.Lines, 1/j.req.Orders, keeping...)
	w.Lines = j.add(w.Lines, 1, j.Rates.Fee("ec.pick", ""))
	if s.bonded {
		w.Lines = j.add(w.Lines, 1, j.Rates.Fee("ec.clearance", ""))
	}
	w.Lines = j.add(w.Lines, 1, j.Rates.Parcel(j.dest.Country, j.req.WeightKG, j.req.VolumeM3)...)
	w.Lines = append(w.Lines, j.taxLine(s.tax, s.taxNote))
	j.finish(w, s.days)
}

// HeldStock is how many orders lie in stock on average: half a lot, and what keeps
// nine lots in ten from coming too late. Orders come independently, so that their
// number in a lead time varies as a Poisson number does, and the lead time varies
// with its P90.
func HeldStock(ordersPerYear, lot, leadP50, leadP90 float64) float64 {
	rate := ordersPerYear / hoursAYear
	mean, variance := duration.MeanVar(leadP50, leadP90)
	return lot/2 + serviceZ*math.Sqrt(rate*mean+rate*rate*variance)
}

// business is direct export to a buyer who takes whole consignments and keeps the
// stock.
func (j *job) business(plan routing.Plan, lot, tax float64, taxNote string) {
	o := cheapest(plan)
	if o == nil {
		return // told of the warehouse
	}
	w := routing.CommerceWay{
		Mode: "9710", Title: "Direct export to a business, which keeps the stock", Freight: o.Title, Lots: j.req.Orders / lot, Lead: o.TransitHours,
		Rules: []string{regime.OverseasStock.ID}, Stock: usd(0), Lines: append(j.lines(o, lot), j.taxLine(tax, taxNote)),
	}
	j.finish(w, duration.Lognormal(o.TransitHours.P50, o.TransitHours.P90))
}

// explain says why each way stands.
func (j *job) explain() {
	ways := j.out.Ways
	consumer := func(w routing.CommerceWay) bool { return w.Mode != "9710" }
	fast, cheap := -1, -1
	for i, w := range ways {
		if !consumer(w) {
			continue
		}
		if cheap < 0 {
			cheap = i
		}
		if fast < 0 || w.Days.P50 < ways[fast].Days.P50 {
			fast = i
		}
	}
	for i := range ways {
		w := &ways[i]
		switch {
		case !consumer(*w):
			w.Why = "Cost to the buyer's door in whole consignments; picking, stock and delivery to customers are the buyer's"
		case i == cheap && i == fast:
			w.Why = "Lowest cost an order and fastest"
		case i == cheap:
			w.Why = "Lowest cost an order"
		case i == fast:
			w.Why = fmt.Sprintf("Fastest: %.1f days sooner than the cheapest, for %.2f USD an order more", (ways[cheap].Days.P50-w.Days.P50)/24, w.Order.Amount-ways[cheap].Order.Amount)
		default:
			w.Why = fmt.Sprintf("%.2f USD an order more than the cheapest, %.1f days slower than the fastest", w.Order.Amount-ways[cheap].Order.Amount, (w.Days.P50-ways[fast].Days.P50)/24)
		}
	}
}
