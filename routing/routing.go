// Package routing plans freight: a Request in, a Plan of a few really different
// Options out, each with its time as a distribution, its cost in dated and
// sourced lines, its CO2e and the reasons for and against it.
//
// This root package is vocabulary and the wire form (its JSON is the contract of
// POST /api/v1/plans and plan --json). The engine is search; prices come from
// tariff, emissions from emission, rules from regime. It does no I/O.
package routing

import (
	"encoding/json"
	"time"

	"corridor/geodata"
)

// Mode is a mode of transport.
type Mode = geodata.Mode

// Unit is the equipment or service form asked for.
type Unit string

// Units the planner knows.
const (
	FTL    Unit = "FTL"
	LTL    Unit = "LTL"
	GP20   Unit = "20GP"
	GP40   Unit = "40GP"
	HC40   Unit = "40HC"
	HC45   Unit = "45HC"
	RF40   Unit = "40RF"
	LCL    Unit = "LCL"
	AirULD Unit = "air"
)

// Money is an amount in one currency.
type Money struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"` // ISO 4217
}

// Cargo is what moves.
type Cargo struct {
	WeightKG float64     `json:"weight_kg"`
	VolumeM3 float64     `json:"volume_m3,omitempty"`      // 0: not given
	Unit     Unit        `json:"unit,omitempty"`           // empty: FTL
	HS       string      `json:"hs,omitempty"`             // harmonised system code, 4 to 10 digits
	DG       string      `json:"dg,omitempty"`             // dangerous goods class, e.g. "3", "6.1"; empty with UN set: the class of that number
	UN       string      `json:"un,omitempty"`             // UN number of dangerous goods, e.g. "3480"
	Charge   float64     `json:"charge_percent,omitempty"` // state of charge of lithium cells; 0: not given
	TempC    *[2]float64 `json:"temp_c,omitempty"`         // lowest and highest allowed temperature
	Value    *Money      `json:"value,omitempty"`
}

// Request is a journey to plan. Origin and Destination are a UN/LOCODE, a name
// in en, zh or ru, or "lat,lon".
type Request struct {
	Origin      string     `json:"origin"`
	Destination string     `json:"destination"`
	Cargo       Cargo      `json:"cargo"`
	Depart      time.Time  `json:"depart"` // earliest departure; zero: now
	ArriveBy    *time.Time `json:"arrive_by,omitempty"`
	Modes       []Mode     `json:"modes,omitempty"`   // empty: all
	Avoid       []string   `json:"avoid,omitempty"`   // "country:RU", "passage:suez", "border:KHO-NUR", "carrier:SEA-TPW"
	WhatIf      []string   `json:"what_if,omitempty"` // suppositions: "border:KHO-NUR=closed@2026-12-05", "passage:suez=congested"
	Drivers     int        `json:"drivers,omitempty"` // of a lorry over long ways, 1 or 2; 0: two
	TIR         *TIRTerms  `json:"tir,omitempty"`     // nil: the usual terms
}

// TIRTerms are what a TIR journey depends on besides its way. The zero value is
// the usual case: one office at each end, an approved vehicle, the recommended
// guarantee, and duties at an assumed share of the value.
type TIRTerms struct {
	Offices       int     `json:"offices,omitempty"`        // customs offices of departure and destination together; 0: 2
	Unapproved    bool    `json:"unapproved,omitempty"`     // the vehicle has no certificate of approval for customs seals
	HeavyOrBulky  bool    `json:"heavy_or_bulky,omitempty"` // goods that may travel on a vehicle without approval
	GuaranteeEUR  float64 `json:"guarantee_eur,omitempty"`  // of each national association; 0: 100,000
	DutiesPercent float64 `json:"duties_percent,omitempty"` // duties and taxes at stake, per cent of the value; 0: not known
}

// Hours is a time span as quantiles, in hours.
type Hours struct {
	P10 float64 `json:"p10"`
	P50 float64 `json:"p50"`
	P80 float64 `json:"p80"`
	P90 float64 `json:"p90"`
	P95 float64 `json:"p95"`
}

// Instants is a moment as quantiles.
type Instants struct {
	P10 time.Time `json:"p10"`
	P50 time.Time `json:"p50"`
	P90 time.Time `json:"p90"`
}

// CostLine is one priced item and where its price comes from.
type CostLine struct {
	What   string `json:"what"`
	Leg    int    `json:"leg"` // index into Option.Legs; -1 when it belongs to the whole journey
	Amount Money  `json:"amount"`
	Low    Money  `json:"low"`
	High   Money  `json:"high"`
	Basis  string `json:"basis"`           // how the amount was reached, e.g. "2,410 km × 1.25 USD/km"
	AsOf   string `json:"as_of"`           // date of the price
	Source string `json:"source"`          // publisher
	Origin string `json:"origin"`          // P, G, K or A, as in geodata.Origin
	Stale  bool   `json:"stale"`           // older than the limit for its kind on the day of the plan
	Kind   string `json:"kind"`            // reference, quote, tariff or invoice: what the limit of its age goes with
	Sheet  string `json:"sheet,omitempty"` // imported rate sheet and line the price is from, e.g. "acme-2026q4.csv:12"
}

// EmissionLine is one movement or handling and what it emits, well to wheel.
type EmissionLine struct {
	What   string  `json:"what"`   // "Rail in KZ", "Port terminal at Qingdao"
	Kind   string  `json:"kind"`   // transport or hub
	Factor string  `json:"factor"` // id of the emission factor
	Value  float64 `json:"value"`  // the factor, in Unit
	Unit   string  `json:"unit"`   // g/t-km or kg/t
	// Basis is the distance the factor is meant for, and KM is counted in: SFD
	// (shortest feasible) or GCD (great circle); empty for hubs.
	Basis string `json:"basis,omitempty"`
	// Adjustment tells of the distance adjustment factor: "included" in the
	// factor, "none" where the method has none, or "unknown" where the source does
	// not say. Whatever it says, none is added, so none is counted twice.
	Adjustment string  `json:"adjustment,omitempty"`
	Tonnes     float64 `json:"tonnes"`
	KM         float64 `json:"km,omitempty"`
	Load       string  `json:"load,omitempty"`   // load factor and empty running the value stands for
	Uplift     float64 `json:"uplift,omitempty"` // share added for cooling, e.g. 0.12
	KG         float64 `json:"kg"`
	Source     string  `json:"source"`
	Origin     string  `json:"origin"` // P, G, K or A
}

// Cost is the all-in price.
type Cost struct {
	Total Money      `json:"total"`
	Low   Money      `json:"low"`
	High  Money      `json:"high"`
	Lines []CostLine `json:"lines"`
}

// Point is a named end of a leg.
type Point struct {
	Code    string          `json:"code,omitempty"` // UN/LOCODE, terminal or border post id
	Name    geodata.Names   `json:"name"`
	Country geodata.Country `json:"country"`
	Kind    string          `json:"kind"` // place, port, rail-terminal, airport, border
	Lat     float64         `json:"lat"`
	Lon     float64         `json:"lon"`
}

// Border is a border crossed on a leg.
type Border struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	From       geodata.Country `json:"from"`
	To         geodata.Country `json:"to"`
	DwellHours Hours           `json:"dwell_hours"`
	Regime     string          `json:"regime"` // normal, congested, restricted
	Gauge      bool            `json:"gauge_change,omitempty"`
	Lat        float64         `json:"lat"`
	Lon        float64         `json:"lon"`
	AtKM       float64         `json:"at_km"`
	AsOf       string          `json:"as_of,omitempty"`
	Source     string          `json:"source"`
	Origin     string          `json:"origin"`
}

// Segment is a stretch of the strip: moving or waiting, at its median times.
// Segments follow each other without gaps from departure to P50 arrival.
type Segment struct {
	Kind  string  `json:"kind"` // move, wait
	Mode  Mode    `json:"mode,omitempty"`
	Where string  `json:"where,omitempty"` // what is waited for: "Manzhouli", "Vladivostok"
	Hours float64 `json:"hours"`
	Leg   int     `json:"leg"`
}

// Leg is one movement by one mode.
type Leg struct {
	Mode         Mode            `json:"mode"`
	From         Point           `json:"from"`
	To           Point           `json:"to"`
	DistanceKM   float64         `json:"distance_km"`
	FlownKM      float64         `json:"flown_km,omitempty"` // air: what is really flown for the great circles of distance_km
	Estimated    bool            `json:"estimated"`
	Service      string          `json:"service"`               // name and rhythm of the service used
	EveryHours   float64         `json:"every_hours,omitempty"` // mean time between departures of a service that leaves by the clock; 0: when ready, or at moments nobody publishes
	Depart       time.Time       `json:"depart"`                // P50
	Arrive       time.Time       `json:"arrive"`                // P50
	TransitHours Hours           `json:"transit_hours"`
	Cost         Money           `json:"cost"`
	CO2eKG       float64         `json:"co2e_kg"`
	CO2eBasis    string          `json:"co2e_basis"`           // factor, its unit, distance basis, source
	CO2eLines    []EmissionLine  `json:"co2e_lines,omitempty"` // they sum to CO2eKG
	Borders      []Border        `json:"borders"`
	Passages     []string        `json:"passages,omitempty"`
	Regime       string          `json:"regime,omitempty"` // TIR, T1, SMGS, B/L, AWB …
	Missed       *Missed         `json:"missed,omitempty"` // nil: the departure is not known by the clock, or hardly ever missed
	Geometry     json.RawMessage `json:"geometry"`         // GeoJSON LineString, or MultiLineString when cut at ±180°
}

// Missed is what it means to come too late for a departure known by the clock. It is
// counted in the times of the option.
type Missed struct {
	Where  string    `json:"where"`          // of the departure
	Chance float64   `json:"chance"`         // in [0, 1] to leave later than Depart
	Depart time.Time `json:"depart"`         // what an average cargo takes
	Hours  float64   `json:"hours"`          // the next departure follows so much later
	Cost   *Money    `json:"cost,omitempty"` // of the capital in the goods meanwhile; nil: their value is not known
}

// Option is one way to make the journey.
type Option struct {
	ID           string   `json:"id"`       // stable within the plan
	Corridor     string   `json:"corridor"` // sea, rail, road-tir, road, air, sea-rail, …
	Title        string   `json:"title"`    // "Road TIR via Manzhouli"
	Via          []string `json:"via"`      // border post ids, passages or ports that tell it from its kin
	Modes        []Mode   `json:"modes"`
	DistanceKM   float64  `json:"distance_km"`
	TransitHours Hours    `json:"transit_hours"` // door to door
	// TerminalHours is from the first departure of the main haul to its last arrival:
	// without the lorries that bring and fetch and without the terminals at both ends,
	// as carriers publish it. Waits between trains and ships on the way are in it.
	TerminalHours Hours     `json:"terminal_hours"`
	BestHours     float64   `json:"best_hours,omitempty"` // published best time of a comparable service; 0: none known
	Depart        time.Time `json:"depart"`
	Arrive        Instants  `json:"arrive"`
	Cost          Cost      `json:"cost"`
	CO2eKG        float64   `json:"co2e_kg"` // well-to-wheel
	OnTime        float64   `json:"on_time"` // chance in [0, 1] to meet OnTimeBasis
	OnTimeBasis   string    `json:"on_time_basis"`
	Legs          []Leg     `json:"legs"`
	Segments      []Segment `json:"segments"`
	Why           string    `json:"why"`    // one line: why it stands among the others
	Badges        []string  `json:"badges"` // cheapest, fastest, fastest-by-land, greenest, surest
	Risks         []string  `json:"risks"`  // one sentence each

	// DayValue is for what value of a day, in USD, the option is the best of all by
	// cost and P50; CO2ePrice for what price of a tonne of CO2e, in USD, by cost and
	// CO2e. nil: for none.
	DayValue  *Range `json:"best_for_usd_per_day,omitempty"`
	CO2ePrice *Range `json:"best_for_usd_per_t_co2e,omitempty"`
	// BeatenBy is the id of an option that is better in cost, P50 and CO2e at once;
	// empty: none is.
	BeatenBy string     `json:"beaten_by,omitempty"`
	Exposed  []Exposure `json:"exposed"` // borders and passages it depends on, in their order
}

// Range is from a number on, up to another.
type Range struct {
	From float64  `json:"from"`
	To   *float64 `json:"to,omitempty"` // nil: without end
}

// Exposure is a border post or a passage an option depends on.
type Exposure struct {
	Kind     string   `json:"kind"` // border, passage
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Bypasses []Bypass `json:"bypasses"` // physically possible, the best first; empty: none is known
}

// Bypass is a way that does without a post or a passage.
type Bypass struct {
	Title    string   `json:"title"` // "Rail via Khorgos"
	Corridor string   `json:"corridor"`
	Via      []string `json:"via"`
	Days     float64  `json:"days"`    // added to the option's expected days; below 0: saved
	Cost     Money    `json:"cost"`    // added; below 0: saved
	CO2eKG   float64  `json:"co2e_kg"` // added; below 0: saved
}

// Excluded is a corridor that was considered and cannot be offered.
type Excluded struct {
	Corridor string `json:"corridor"`
	Title    string `json:"title"`
	Reason   string `json:"reason"` // one sentence a shipper understands
	Rule     string `json:"rule"`   // id of the rule, e.g. "TIR-1"
}

// Plan answers a Request.
type Plan struct {
	ID          string     `json:"id,omitempty"`
	Created     time.Time  `json:"created"`
	Request     Request    `json:"request"`
	Origin      Point      `json:"origin"`
	Destination Point      `json:"destination"`
	Options     []Option   `json:"options"` // cheapest first
	Excluded    []Excluded `json:"excluded"`
	Notes       []string   `json:"notes,omitempty"`
	CO2eMethod  string     `json:"co2e_method,omitempty"` // standard and boundary the CO2e follows
	Data        []Data     `json:"data,omitempty"`        // what the plan was made from

	Difference *Difference `json:"difference,omitempty"` // to the plan without the request's suppositions; nil: it has none
}

// Difference is what suppositions change in a plan.
type Difference struct {
	Text    string   `json:"text"`    // one sentence
	Gone    []Change `json:"gone"`    // offered without the suppositions only
	New     []Change `json:"new"`     // offered with them only
	Changed []Change `json:"changed"` // in cost by a dollar, in P50 by an hour, or more
	// Cheapest and Fastest are what the least cost and the least P50 change by; nil
	// where one of the plans offers nothing.
	Cheapest *Change `json:"cheapest,omitempty"`
	Fastest  *Change `json:"fastest,omitempty"`
}

// Change is what an option, or the best of them, changes by. For one that is gone
// or new the numbers are its own.
type Change struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Cost   Money   `json:"cost"`
	Hours  float64 `json:"hours"` // of P50
	OnTime float64 `json:"on_time"`
}

// Data is one data set a plan was made from. Two plans of one request with the
// same versions are the same plan.
type Data struct {
	Name    string `json:"name"`    // "rates", "services", "sheet acme-2026q4.csv", …
	Version string `json:"version"` // first 12 hex digits of the SHA-256 of its bytes
	AsOf    string `json:"as_of,omitempty"`
}

// Rule is a rule a journey can break.
type Rule struct {
	ID     string         `json:"id"`    // stable, e.g. "TIR-1"
	Topic  string         `json:"topic"` // TIR, road, border, dangerous goods, …
	Text   string         `json:"text"`  // what it demands, one sentence
	Origin geodata.Origin `json:"origin"`
}

// InputError is a request that cannot be planned because of what it says. Field
// is the JSON path of the value at fault.
type InputError struct {
	Field   string
	Message string
}

func (e *InputError) Error() string { return e.Field + ": " + e.Message }

// Status is the dated condition of a border post or a passage.
type Status struct {
	Regime string         // normal, congested, restricted, closed
	Dwell  *geodata.Dwell // nil: the reference dwell of the regime
	AsOf   string
	Source string
}

// Conditions tells the state of the world a plan is made in. tracking feeds it
// with what it observes; the zero implementation answers false to everything.
type Conditions interface {
	// Border returns the status of a post at a moment; false: as in the reference data.
	Border(id string, at time.Time) (Status, bool)
	// Passage returns the status of a sea passage at a moment.
	Passage(id string, at time.Time) (Status, bool)
}
