package tariff

import (
	"fmt"
	"math"

	"corridor/geodata"
	"corridor/routing"
)

// needed are the rates the methods rely on.
var needed = []string{
	"sea.else", "sea.else.base", "sea.backhaul", "sea.russia-baltic", "sea.suez", "sea.express", "sea.lcl",
	"rail.through", "rail.eaeu", "rail.middle", "rail.CN", "rail.carec", "rail.else",
	"air.else", "air.backhaul", "road.tir", "road.national", "road.carec",
	"road.EU.250", "road.EU.600", "road.EU.1200", "road.EU.over", "road.EU.base", "road.EU.min",
	"road.else", "road.min", "road.ltl", "fee.tir", "fee.t1", "fee.transit", "fee.reload", "fee.border",
	"fee.rail-border", "fee.thc", "fee.rail-terminal", "fee.ferry", "fee.crossing", "fee.air-terminal", "fee.broker",
	"fee.plug", "fee.dg", "fee.insurance", "finance.carrying",
	"ec.pick", "ec.clearance", "ec.storage", "ec.parcel", "ec.parcel.kg",
}

// Goods are what is priced.
type Goods struct {
	Unit     routing.Unit
	WeightKG float64
	VolumeM3 float64 // 0: not known
	Reefer   bool
	DG       bool
	// Silent leaves the words out of items: a search only adds items up, thousands
	// of them.
	Silent bool
}

// words are those of an item, unless nobody will read them.
func (g Goods) words(format string, args ...any) string {
	if g.Silent {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// Chargeable kilograms for each cubic metre (rules.md).
const (
	airKGPerM3  = 167
	roadKGPerM3 = 333
	railKGPerM3 = 500
	seaKGPerM3  = 1000
)

// counted is a number in words, with its unit.
func (g Goods) counted(v float64, unit string) string {
	if g.Silent {
		return ""
	}
	return thousands(v) + unit
}

// Shared reports whether the goods share a vehicle with others.
func (g Goods) Shared() bool { return g.Unit == routing.LTL || g.Unit == routing.LCL }

// lorryShare is the part of a lorry that is paid for.
func (g Goods) lorryShare(s *Sheet) (share float64, spread string) {
	if !g.Shared() {
		return 1, ""
	}
	r := s.rates["road.ltl"]
	t := math.Max(g.WeightKG, g.VolumeM3*roadKGPerM3) / 24_000
	return math.Min(1, math.Max(0.02, t*r.Value)), "road.ltl"
}

// boxShare is the price of the goods' box in forty-foot boxes, or the part of
// one that is paid for. A 20-foot box costs about 0.6 and a 45-foot one about
// 1.15 of it (K); cooling is priced apart.
func (g Goods) boxShare(s *Sheet, kgPerM3 float64) (share float64, spread string) {
	switch {
	case g.Shared():
		r := s.rates["sea.lcl"]
		t := math.Max(g.WeightKG, g.VolumeM3*kgPerM3) / 25_000
		return math.Min(1, math.Max(0.02, t*r.Value)), "sea.lcl"
	case g.Unit == routing.GP20:
		return 0.6, ""
	case g.Unit == routing.HC45:
		return 1.15, ""
	}
	return 1, ""
}

// ChargeableAirKG is what a flight is paid by.
func (g Goods) ChargeableAirKG() float64 { return math.Max(g.WeightKG, g.VolumeM3*airKGPerM3) }

// extras are the surcharges on a line haul.
func (s *Sheet) extras(g Goods, haul []Item) []Item {
	add := func(rate string) {
		if usd := s.Sum(haul); usd > 0 {
			haul = append(haul, Item{Rate: rate, Quantity: usd, Factor: 1, Basis: g.counted(usd, " USD")})
		}
	}
	if g.Reefer {
		add("fee.plug")
	}
	if g.DG {
		add("fee.dg")
	}
	return haul
}

// Regime is how a lorry is priced.
type Regime int

// A local haul stays inside one area; the others cross borders.
const (
	Local Regime = iota
	TIR
	National // national transit from border to border
)

// Road prices a lorry over distances by country.
func (s *Sheet) Road(g Goods, regime Regime, split []geodata.CountryKM, inEU func(geodata.Country) bool) []Item {
	share, spread := g.lorryShare(s)
	items := make([]Item, 0, 4)
	euKM, total := 0.0, 0.0
	for _, c := range split {
		total += c.KM
		if inEU(c.Country) {
			euKM += c.KM
		}
	}
	haul := func(rate, where string, km float64) {
		i := Item{Rate: rate, Quantity: km, Factor: share, spread: spread}
		if !g.Silent {
			if regime != Local {
				i.What = fmt.Sprintf("%s, %s", s.rates[rate].What, where)
			}
			i.Basis = kmBasis(km, share)
		}
		items = append(items, i)
	}
	euDone := false
	for _, c := range split {
		switch {
		case c.KM < 0.5:
		case inEU(c.Country):
			if euDone {
				continue
			}
			euDone = true
			rate := "road.EU.over"
			switch {
			case euKM <= 250:
				rate = "road.EU.250"
			case euKM <= 600:
				rate = "road.EU.600"
			case euKM <= 1200:
				rate = "road.EU.1200"
			}
			if regime == Local {
				base, least := s.rates["road.EU.base"], s.rates["road.EU.min"]
				if base.Value+s.rates[rate].Value*euKM < least.Value {
					items = append(items, Item{Rate: "road.EU.min", Quantity: 1, Factor: share, spread: spread})
					continue
				}
				items = append(items, Item{Rate: "road.EU.base", Quantity: 1, Factor: share, spread: spread})
			}
			haul(rate, "EU", euKM)
		case regime == TIR:
			rate := "road.tir"
			if own := rate + "." + string(c.Country); s.has(own) {
				rate = own
			}
			haul(rate, string(c.Country), c.KM)
		case regime == National:
			haul("road.national", string(c.Country), c.KM)
		default:
			haul(s.localRoad(c.Country), string(c.Country), c.KM)
		}
	}
	if regime == Local && euKM == 0 && total > 0 && s.Sum(items) < s.rates["road.min"].Value*share {
		items = []Item{{Rate: "road.min", Quantity: 1, Factor: share, spread: spread}}
	}
	return s.extras(g, items)
}

func kmBasis(km, share float64) string {
	b := thousands(km) + " km"
	if share != 1 {
		b += fmt.Sprintf(" × %.0f%% of a lorry", share*100)
	}
	return b
}

// carec are the countries the CAREC averages speak of, and their neighbours on
// the same roads.
func carec(c geodata.Country) bool {
	switch c {
	case "KG", "UZ", "TJ", "TM", "AZ", "GE", "AM", "AF", "PK", "RU", "BY", "KZ", "MN", "IR", "TR":
		return true
	}
	return false
}

func (s *Sheet) localRoad(c geodata.Country) string {
	if id := "road." + string(c); s.has(id) {
		return id
	}
	if carec(c) {
		return "road.carec"
	}
	return "road.else"
}

func (s *Sheet) has(id string) bool {
	_, ok := s.rates[id]
	return ok
}

// Train is what a rail price depends on besides the goods and the way.
type Train struct {
	Through bool   // crosses borders
	Middle  bool   // by the Caspian: pays the Middle Corridor's factor
	Lane    string // id of a lane's own rate, e.g. "rail.ru-fareast"; empty: none
}

// Rail prices a train.
func (s *Sheet) Rail(g Goods, split []geodata.CountryKM, t Train) []Item {
	share, spread := g.boxShare(s, railKGPerM3)
	eaeu := func(c geodata.Country) bool { return c == "RU" || c == "BY" || c == "KZ" || c == "KG" || c == "AM" }
	total, eaeuKM := 0.0, 0.0
	for _, c := range split {
		total += c.KM
		if eaeu(c.Country) {
			eaeuKM += c.KM
		}
	}
	if total == 0 {
		return nil
	}
	lane := func(id, what string) []Item {
		r := s.rates[id]
		factor, basis := share, g.counted(total, " km of the ")+g.counted(r.Ref, " km it is for")
		if t.Middle {
			m := s.rates["rail.middle"]
			factor *= m.Value
			basis += g.words(" × %g by the Middle Corridor (%s, %s)", m.Value, m.Origin.Source, m.AsOfText)
		}
		if share != 1 {
			basis += g.words(" × %.2g of a forty-foot box", share)
		}
		return s.extras(g, []Item{{Rate: id, What: what, Quantity: total / r.Ref, Factor: factor, Basis: basis, spread: spread}})
	}
	switch {
	case s.rates[t.Lane].Ref > 0:
		return lane(t.Lane, "")
	case t.Through && eaeuKM > 0.99*total:
		return lane("rail.eaeu", "")
	case t.Through:
		return lane("rail.through", "")
	case eaeuKM > 0.99*total:
		return lane("rail.eaeu", "")
	}
	var items []Item
	tonnes := math.Max(g.WeightKG, g.VolumeM3*railKGPerM3) / 20_000
	if !g.Shared() {
		tonnes = math.Max(0.5, tonnes)
	}
	for _, c := range split {
		if c.KM < 0.5 {
			continue
		}
		id := "rail.else"
		switch {
		case s.has("rail." + string(c.Country)):
			id = "rail." + string(c.Country)
		case carec(c.Country):
			id = "rail.carec"
		}
		items = append(items, Item{
			Rate: id, Quantity: c.KM, Factor: tonnes,
			Basis: g.counted(c.KM, " km") + g.words(" × %.2f of 20 t", tonnes),
		})
	}
	return s.extras(g, items)
}

// Voyage is what a sea price depends on besides the goods and the regions.
type Voyage struct {
	NM      float64
	Russian bool // one of the ports is a Russian one in Europe
	Suez    bool // the ship takes the canal
	Express bool // a fast ship
}

// Sea prices a box between two regions.
func (s *Sheet) Sea(g Goods, from, to string, v Voyage) []Item {
	nm := v.NM
	share, spread := g.boxShare(s, seaKGPerM3)
	feu := func(r Rate) float64 { // an FEU costs about 1.8 of a TEU (K)
		if r.Per == "TEU" {
			return 1.8
		}
		return 1
	}
	var items []Item
	id, back := "sea."+from+"."+to, false
	if !s.has(id) {
		id, back = "sea."+to+"."+from, true
	}
	if r, ok := s.rates[id]; ok && r.Ref > 0 {
		// Half of a rate goes with the distance, half is for ports and boxes (A).
		scale := 0.5 + 0.5*nm/r.Ref
		basis := g.counted(nm, " nm against the lane's ") + g.counted(r.Ref, " nm") + g.words(": × %.2f", scale)
		if feu(r) != 1 {
			basis += g.words(" × %g TEU for a forty-foot box", feu(r))
		}
		factor := share * scale
		if back {
			b := s.rates["sea.backhaul"]
			factor *= b.Value
			basis += g.words(" × %g against the main direction (assumption)", b.Value)
			spread = "sea.backhaul"
		}
		if share != 1 {
			basis += g.words(" × %.2g of a forty-foot box", share)
		}
		what := ""
		if back {
			what = r.What + ", back"
		}
		items = append(items, Item{Rate: id, What: what, Quantity: feu(r), Factor: factor, Basis: basis, spread: spread})
	} else {
		b := ""
		if share != 1 {
			b = g.words(" × %.2g of a forty-foot box", share)
		}
		items = append(items,
			Item{Rate: "sea.else.base", Quantity: 1, Factor: share, Basis: "1" + b, spread: spread},
			Item{Rate: "sea.else", Quantity: nm, Factor: share, Basis: g.counted(nm, " nm") + b, spread: spread})
	}
	items = s.extras(g, items)
	if v.Express {
		usd := s.Sum(items)
		items = append(items, Item{Rate: "sea.express", Quantity: usd, Factor: 1, Basis: g.counted(usd, " USD")})
	}
	if v.Russian {
		items = append(items, Item{Rate: "sea.russia-baltic", Quantity: 1, Factor: share, spread: spread})
	}
	if v.Suez {
		items = append(items, Item{Rate: "sea.suez", Quantity: 1, Factor: share, spread: spread})
	}
	return items
}

// Air prices a flight between two regions.
func (s *Sheet) Air(g Goods, from, to string) []Item {
	id, factor, spread, tail := "air."+from+"."+to, 1.0, "", ""
	if !s.has(id) {
		id = "air." + to + "." + from
		if s.has(id) {
			b := s.rates["air.backhaul"]
			factor, spread = b.Value, "air.backhaul"
			tail = fmt.Sprintf(" × %g against the main direction (assumption)", b.Value)
		} else {
			id = "air.else"
		}
	}
	kg := g.ChargeableAirKG()
	return s.extras(g, []Item{{Rate: id, Quantity: kg, Factor: factor, Basis: thousands(kg) + " chargeable kg" + tail, spread: spread}})
}

// Fee is one of a fixed charge, by its rate id.
func (s *Sheet) Fee(id, what string) Item {
	return Item{Rate: id, What: what, Quantity: 1, Factor: 1, Basis: "1"}
}

// PortHandling is the charge of one quay.
func (s *Sheet) PortHandling(g Goods, c geodata.Country, what string) Item {
	share, spread := g.boxShare(s, seaKGPerM3)
	id := "fee.thc." + string(c)
	if own := id + "." + string(g.Unit); s.has(own) {
		return Item{Rate: own, What: what, Quantity: 1, Factor: 1, Basis: "1 box"}
	}
	if !s.has(id) {
		id = "fee.thc"
	}
	return Item{Rate: id, What: what, Quantity: 1, Factor: share, Basis: g.boxes(share), spread: spread}
}

// RailHandling is the charge of one rail terminal.
func (s *Sheet) RailHandling(g Goods, what string) Item {
	share, spread := g.boxShare(s, railKGPerM3)
	return Item{Rate: "fee.rail-terminal", What: what, Quantity: 1, Factor: share, Basis: g.boxes(share), spread: spread}
}

// AirHandling is the charge of one airport.
func (s *Sheet) AirHandling(g Goods, what string) Item {
	return Item{Rate: "fee.air-terminal", What: what, Quantity: g.ChargeableAirKG(), Factor: 1, Basis: g.counted(g.ChargeableAirKG(), " kg")}
}

func (g Goods) boxes(share float64) string {
	if share == 1 {
		return "1 box"
	}
	return g.words("%.2g of a forty-foot box", share)
}

// Value are the charges that go with the value of the goods: insurance and the
// cost of the capital in them on the way.
func (s *Sheet) Value(valueUSD, transitHours float64) []Item {
	if valueUSD <= 0 {
		return nil
	}
	return []Item{
		{Rate: "fee.insurance", Quantity: valueUSD, Factor: 1, Basis: thousands(valueUSD) + " USD"},
		s.Carrying(valueUSD, transitHours)[0],
	}
}

// Carrying is the cost of the capital in goods over so many hours.
func (s *Sheet) Carrying(valueUSD, hours float64) []Item {
	return []Item{{Rate: "finance.carrying", Quantity: valueUSD, Factor: hours / (365 * 24), Basis: fmt.Sprintf("%s USD × %.1f of 365 days", thousands(valueUSD), hours/24)}}
}

// courierKGPerM3 is what a cubic metre weighs to a courier (rules.md).
const courierKGPerM3 = 200

// Parcel prices the delivery of one parcel in a country.
func (s *Sheet) Parcel(c geodata.Country, weightKG, volumeM3 float64) []Item {
	id := "ec.parcel." + string(c)
	if !s.has(id) {
		id = "ec.parcel"
	}
	kg := math.Max(weightKG, volumeM3*courierKGPerM3)
	return []Item{
		{Rate: id, Quantity: 1, Factor: 1, Basis: "1"},
		{Rate: id + ".kg", Quantity: kg, Factor: 1, Basis: fmt.Sprintf("%.3g chargeable kg", kg)},
	}
}

// Stock are the charges a year of keeping goods worth so much and as large in stock.
func (s *Sheet) Stock(valueUSD, volumeM3 float64) []Item {
	return []Item{
		{Rate: "finance.carrying", What: "Capital in stock", Quantity: valueUSD, Factor: 1, Basis: thousands(valueUSD) + " USD"},
		{Rate: "ec.storage", Quantity: volumeM3, Factor: 365, Basis: fmt.Sprintf("%.3g m³ × 365 days", volumeM3)},
	}
}
