// Package regime holds the rules a journey must keep: TIR and the other customs
// regimes, weights by country, dangerous goods and temperature by mode, who may
// drive where, and embargoes. Everything is pure: a question in, a Verdict out,
// and every refusal names the rule with its text.
//
// It knows no network and no prices. The rules are a copy of the project's
// rules.md; what that file marks as general knowledge is marked so here.
package regime

import (
	"fmt"
	"slices"
	"strings"

	"corridor/geodata"
	"corridor/routing"
)

// Rule is a rule a corridor can break.
type Rule = routing.Rule

// Verdict is the answer of a rule: the zero value is a pass.
type Verdict struct {
	Rule   Rule
	Reason string // why this journey breaks it, one sentence a shipper understands
}

// Broken reports whether a rule was broken.
func (v Verdict) Broken() bool { return v.Rule.ID != "" }

func broken(r Rule, format string, args ...any) Verdict {
	return Verdict{Rule: r, Reason: fmt.Sprintf(format, args...)}
}

// The rules. Ids are stable: they are stored with plans and shown to users.
var (
	TIRParties     = rule("TIR-1", "TIR", "TIR works only between and through countries that are party to the TIR Convention and run it.", published("H", "TIR Convention, 1975 (UNECE)"))
	TIRBarred      = rule("TIR-2", "TIR", "Spirits and tobacco of HS 2207.10, 2208, 2402.10, 2402.20, 2403.11 and 2403.19 may not travel under TIR.", published("H", "TIR Convention, 1975 (UNECE)"))
	TIRVouchers    = rule("TIR-3", "TIR", "A TIR carnet has 4, 6, 14 or 20 vouchers, one pair a country: at most ten countries with departure and destination, the EU counted once.", published("H", "TIR Convention, 1975 (UNECE)"))
	TIRGuarantee   = rule("TIR-4", "TIR", "Duties and taxes at stake should not exceed the guarantee, recommended at EUR 100,000 for each national association; a request may give both.", published("H", "TIR Convention, 1975 (UNECE)"))
	TIROffices     = rule("TIR-5", "TIR", "A TIR journey has at most eight customs offices of departure and destination together (since 25 June 2022).", published("H", "TIR Convention, 1975 (UNECE)"))
	TIRVehicle     = rule("TIR-6", "TIR", "The vehicle or container must be approved for customs seals, except for heavy or bulky goods.", published("H", "TIR Convention, 1975 (UNECE)"))
	RoadTransit    = rule("ROAD-1", "road", "Without TIR every country on the way wants its own transit declaration and guarantee, and the load is cleared again at each border.", known("M"))
	RoadWeight     = rule("ROAD-2", "road", "A lorry may not exceed the gross weight limit of any country it drives in.", known("M"))
	RoadOperator   = rule("ROAD-3", "road", "EU hauliers may not enter Russia or Belarus nor theirs the EU: the load changes lorry or trailer at the border.", known("M"))
	DrivingHours   = rule("ROAD-4", "road", "One driver drives 9 hours of 24, two drive 20 of 30 (EU 561/2006); elsewhere the same pace is assumed.", published("M", "EU regulation 561/2006"))
	GaugeBreak     = rule("RAIL-1", "rail", "Between 1,435 and 1,520 mm containers change wagons or wagons change bogies: time, handling and its emissions are counted at the border.", known("H"))
	BorderClosed   = rule("BORDER-1", "border", "The border post must be open to freight by the mode.", published("H", "border data, each post with its own source"))
	BorderUnknown  = rule("BORDER-2", "border", "A border is crossed only at a post that is known to serve the mode.", known("M"))
	DangerousRoad  = rule("DG-ROAD", "dangerous goods", "ADR: explosives and radioactive goods (classes 1 and 7) need permits by country and carrier; no reference service takes them by road.", known("M"))
	DangerousRail  = rule("DG-RAIL", "dangerous goods", "RID and SMGS annex 2: container trains between China and Europe take no explosives, infectious or radioactive goods (classes 1, 6.2 and 7).", known("M"))
	DangerousSea   = rule("DG-SEA", "dangerous goods", "IMDG Code: reference liner services take no explosives, infectious or radioactive goods (classes 1, 6.2 and 7) without a special booking.", known("M"))
	DangerousAir   = rule("DG-AIR", "dangerous goods", "IATA Dangerous Goods Regulations: air cargo takes no explosives (class 1) and no toxic gases (2.3) in a normal booking.", known("M"))
	LithiumAir     = rule("LI-AIR-1", "lithium", "Lithium batteries by themselves (UN 3480 and 3090) fly on freighters only.", published("M", "IATA Dangerous Goods Regulations"))
	LithiumCharge  = rule("LI-AIR-2", "lithium", "Lithium ion cells by themselves (UN 3480) fly charged to no more than 30 %.", published("M", "IATA Dangerous Goods Regulations"))
	LithiumRail    = rule("LI-RAIL", "lithium", "Rail China–Europe takes batteries inside consumer goods since November 2023; batteries by themselves are on trial only since November 2024.", published("M", "trade press on China–Europe rail"))
	Temperature    = rule("TEMP-1", "temperature", "Temperature-controlled goods need powered equipment the whole way.", known("M"))
	TemperatureLow = rule("TEMP-2", "temperature", "Below -25 °C no reefer container or trailer of the reference services holds the cargo.", known("M"))
	FlightBan      = rule("AIR-1", "air", "There are no flights between Russia or Belarus and the EU, the UK, the US, Canada, Norway, Switzerland and Japan.", known("H"))
	Embargo        = rule("EMB-1", "embargo", "The EU, the UK, the US, Japan, Canada, Switzerland and Norway bar listed goods from export to Russia and Belarus, transit included.", known("M"))
	Transit        = rule("EMB-2", "embargo", "UN sanctions bar nearly all trade with North Korea: no freight between other countries is planned through it.", published("H", "UN Security Council resolutions 2375 and 2397 (2017)"))
	UnitMode       = rule("UNIT-1", "unit", "The unit asked for must be one that the mode carries.", known("H"))
	Payload        = rule("UNIT-2", "unit", "The cargo must fit the payload and volume of the unit.", published("M", "usual container and trailer tables"))
	PassageClosed  = rule("PASSAGE-1", "passage", "A passage on the way is closed.", known("H"))
	UserAvoid      = rule("AVOID", "request", "The request names what to avoid.", known("H"))
	UserModes      = rule("MODE", "request", "The request names the modes to use.", known("H"))
	NoService      = rule("NET-1", "network", "The network must have a way and a service.", known("M"))
	OrderLimit     = rule("EC-1", "e-commerce", "Cross-border e-commerce imports into China (9610, 1210, 1239): at most CNY 5,000 an order and 26,000 a person and year; duty 0, VAT and consumption tax at 70 %.", published("H", "General Administration of Customs of China"))
	PilotCity      = rule("EC-2", "e-commerce", "1210 keeps bonded stock in pilot cities, 1239 elsewhere; order, payment and logistics records must match before release.", published("H", "General Administration of Customs of China"))
	OverseasStock  = rule("EC-3", "e-commerce", "9810 exports in bulk to an overseas warehouse, from which orders take 2 to 5 days; 9710 exports to a business abroad; 9610 clears each order.", published("H", "General Administration of Customs of China"))
)

func rule(id, topic, text string, o geodata.Origin) Rule {
	return Rule{ID: id, Topic: topic, Text: text, Origin: o}
}

func published(conf, source string) geodata.Origin {
	return geodata.Origin{Kind: "P", Confidence: conf, Source: source}
}

func known(conf string) geodata.Origin {
	return geodata.Origin{Kind: "K", Confidence: conf, Source: "general knowledge"}
}

// Rules lists every rule in a stable order.
func Rules() []Rule {
	return []Rule{
		TIRParties, TIRBarred, TIRVouchers, TIRGuarantee, TIROffices, TIRVehicle, RoadTransit, RoadWeight, RoadOperator, DrivingHours, GaugeBreak,
		BorderClosed, BorderUnknown, DangerousRoad, DangerousRail, DangerousSea, DangerousAir, LithiumAir, LithiumCharge, LithiumRail,
		Temperature, TemperatureLow, FlightBan, Embargo, Transit, UnitMode, Payload, PassageClosed, UserAvoid, UserModes, NoService,
		OrderLimit, PilotCity, OverseasStock,
	}
}

// set is a list of codes written as one string, for constants that are read only.
type set string

func (s set) has(c geodata.Country) bool {
	if len(c) != 2 {
		return false
	}
	for i := 0; i+2 <= len(s); i += 3 { // two letters and a space each
		if s[i] == c[0] && s[i+1] == c[1] {
			return true
		}
	}
	return false
}

// Status of a country in the TIR system.
type Status int

// A party may have no operations: no association issues or accepts carnets there.
const (
	NotParty Status = iota
	PartyOnly
	Operational
)

const (
	// eu are the member states; the TIR system sees them as one customs territory
	// on paper but a carnet lists them, and they are party each and together.
	eu = set("AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
	// operational: rules.md names those on or near our corridors (K, M).
	operational = set("CN KZ KG UZ TJ TM MN RU BY AZ GE AM TR IR IQ PK IN AF UA MD GB NO CH RS AE SA QA OM KW JO AL BA DZ EG IL LB LI MA ME MK SY TN XK")
	// parties that run no carnets (K, L).
	partyOnly = set("KR ID CL UY")
)

// TIRStatus tells how a country stands to the TIR Convention.
func TIRStatus(c geodata.Country) Status {
	switch {
	case operational.has(c), eu.has(c):
		return Operational
	case partyOnly.has(c):
		return PartyOnly
	}
	return NotParty
}

// barredTIR are the headings the convention excludes (rules.md, P, H).
var barredTIR = []string{"220710", "2208", "240210", "240220", "240311", "240319"}

// maxCarnetCountries is a carnet of 20 vouchers, a pair for each country.
const maxCarnetCountries = 10

// Vouchers is the smallest carnet for so many countries: 4, 6, 14 or 20
// vouchers; 0 when none is large enough.
func Vouchers(countries int) int {
	for _, v := range []int{4, 6, 14, 20} {
		if countries <= v/2 {
			return v
		}
	}
	return 0
}

// TIR judges a road journey through the countries in the order driven,
// departure and destination included. The EU counts as one: inside it goods move
// under one customs territory.
func TIR(countries []geodata.Country, hs string) Verdict {
	for _, barred := range barredTIR {
		switch {
		case hs == "":
		case strings.HasPrefix(hs, barred):
			return broken(TIRBarred, "HS %s is barred from TIR.", hs)
		case strings.HasPrefix(barred, hs):
			return broken(TIRBarred, "HS %s covers goods barred from TIR (%s); give six digits to tell.", hs, barred)
		}
	}
	for _, c := range countries {
		switch TIRStatus(c) {
		case NotParty:
			return broken(TIRParties, "%s is not party to the TIR Convention.", c)
		case PartyOnly:
			return broken(TIRParties, "%s is party to the TIR Convention but no carnets are accepted there.", c)
		}
	}
	if n := CarnetCountries(countries); n > maxCarnetCountries {
		return broken(TIRVouchers, "The way leads through %d countries.", n)
	}
	return Verdict{}
}

// InEU reports membership of the European Union's customs territory.
func InEU(c geodata.Country) bool { return eu.has(c) }

const (
	unionState = set("RU BY")
	sanctions  = set("GB US JP CA CH NO")
	euArea     = set("NO IS CH LI MC SM VA AD")
	eaeuRail   = set("RU BY KZ KG")
)

// Area names the area of free movement a country lies in: inside it vehicles of
// the mode cross from country to country without a stop for customs. It is the
// country itself where there is no such area. Trains of the Eurasian Economic
// Union run through from Dostyk to Brest in one published transit time, so by
// rail it is one area, while lorries stop between Kazakhstan and Russia.
func Area(m geodata.Mode, c geodata.Country) string {
	switch {
	case c == "":
		return ""
	case eu.has(c) || euArea.has(c):
		return "EU"
	case m == geodata.Rail && eaeuRail.has(c):
		return "EAEU"
	case unionState.has(c):
		return "RU-BY"
	}
	return string(c)
}

// AreaCountries lists the countries of an area that Area names.
func AreaCountries(area string) []geodata.Country {
	var s set
	switch area {
	case "EU":
		s = eu + " " + euArea
	case "EAEU":
		s = eaeuRail
	case "RU-BY":
		s = unionState
	case "":
		return nil
	default:
		return []geodata.Country{geodata.Country(area)}
	}
	var out []geodata.Country
	for c := range strings.FieldsSeq(string(s)) {
		out = append(out, geodata.Country(c))
	}
	slices.Sort(out)
	return out
}

// FreeMovement lists the areas of more than one country for a mode.
func FreeMovement(m geodata.Mode) [][]geodata.Country {
	if m == geodata.Rail {
		return [][]geodata.Country{AreaCountries("EU"), AreaCountries("EAEU")}
	}
	return [][]geodata.Country{AreaCountries("EU"), AreaCountries("RU-BY")}
}

// Outside lists every country that is not in the area, for geodata.Avoid.
func Outside(area string) []geodata.Country {
	inside := AreaCountries(area)
	var out []geodata.Country
	for c := range strings.FieldsSeq(allCountries) {
		if !slices.Contains(inside, geodata.Country(c)) {
			out = append(out, geodata.Country(c))
		}
	}
	return out
}

// Known reports whether a code is an ISO 3166-1 alpha-2 country, or XK.
func Known(c geodata.Country) bool { return set(allCountries).has(c) }

// ChangeOfTruck reports whether no lorry may run through between two countries,
// so that the load must change lorry or trailer at the border (rules.md, K).
func ChangeOfTruck(a, b geodata.Country) bool {
	west := func(c geodata.Country) bool { return eu.has(c) || set("GB NO CH").has(c) }
	return unionState.has(a) && west(b) || unionState.has(b) && west(a)
}

// Flight judges a direct flight between two countries.
func Flight(from, to geodata.Country) Verdict {
	banned := func(c geodata.Country) bool { return eu.has(c) || sanctions.has(c) || c == "IS" }
	if unionState.has(from) && banned(to) || unionState.has(to) && banned(from) {
		return broken(FlightBan, "No airline flies between %s and %s.", from, to)
	}
	return Verdict{}
}

// Through judges a country on the way between two others.
func Through(c, from, to geodata.Country) Verdict {
	if c == "KP" && from != c && to != c {
		return broken(Transit, "It leads through North Korea.")
	}
	return Verdict{}
}

// embargoed are headings that western export bans to Russia name; a part of the
// lists only (K, M), so the planner warns besides.
var embargoed = []string{"8471", "8473", "8517", "8525", "8526", "8541", "8542", "8543", "8411", "8802", "8807", "9013", "9014", "9301", "9302", "9303", "9306"}

// Export judges an export of goods by their HS code. Known reports whether the
// pair of countries has such lists at all, so that an unlisted code can be
// flagged for a check.
func Export(from, to geodata.Country, hs string) (v Verdict, listed bool) {
	if west := eu.has(from) || sanctions.has(from); !west || !unionState.has(to) {
		return Verdict{}, false
	}
	for _, h := range embargoed {
		if strings.HasPrefix(hs, h) {
			return broken(Embargo, "HS %s may not be exported from %s to %s.", hs, from, to), true
		}
	}
	return Verdict{}, true
}

// GrossLimitKG is the gross weight limit of a lorry by country: RU and KZ 44 t,
// CN 49 t on six axles, the EU 40 t (rules.md K, M; the rest K, L).
func GrossLimitKG(c geodata.Country) float64 {
	switch {
	case c == "CN" || c == "HK" || c == "MO":
		return 49_000
	case set("RU BY KZ KG UZ TJ TM MN GE AZ AM UA GB").has(c):
		return 44_000
	case eu.has(c), euArea.has(c):
		return 40_000
	case c == "US":
		return 36_287
	case c == "CA":
		return 62_500
	case set("TR IR IQ RS BA ME MK AL MD").has(c):
		return 40_000
	case c == "JP" || c == "KR":
		return 44_000
	}
	return 40_000
}

// LorryTareKG is what a six-axle tractor and a light trailer weigh empty (K, M).
// It agrees with the 24.2 t loads of the Qingdao reports: the 24 t that trailer
// tables give is what the EU's 40 t leave.
const LorryTareKG = 15_500

// RoadPayloadKG is the largest legal load of a lorry in a country.
func RoadPayloadKG(c geodata.Country) float64 { return GrossLimitKG(c) - LorryTareKG }

// RoadPayload judges a load against the limits of all countries driven in.
func RoadPayload(countries []geodata.Country, kg float64) Verdict {
	for _, c := range countries {
		if limit := RoadPayloadKG(c); kg > limit {
			return broken(RoadWeight, "%.1f t is more than the %.1f t a lorry may carry in %s.", kg/1000, limit/1000, c)
		}
	}
	return Verdict{}
}

// DrivingSpeedKMH is how fast a lorry gets on over days, rests included: under
// EU rules 561/2006 one driver drives 9 of 24 hours, two drive 20 of 30 (P);
// elsewhere two drivers share the wheel about as two under those rules do (K).
func DrivingSpeedKMH(movingKMH float64, drivers int) float64 {
	if drivers >= 2 {
		return movingKMH * 20 / 30
	}
	return movingKMH * 9 / 24
}

// RestHours is how long one driver rests on the way when so many hours are driven:
// three quarters of an hour after four and a half, eleven hours after nine, as EU
// rules 561/2006 have it (P); elsewhere drivers rest about as much (K). The hours
// after a rest count in part, so that a little more driving costs a little more.
func RestHours(driven float64) float64 {
	const sitting, day, pause = 4.5, 9, 0.75
	rest := 0.0
	if driven > sitting {
		rest = pause * min(1, driven-sitting)
	}
	if driven > day {
		rest += (driven - day) / day * (24 - day)
	}
	return rest
}
