// Package emission counts well-to-wheel greenhouse gases of freight in the
// manner of ISO 14083 and the GLEC framework: tonne-kilometres by a factor for
// each movement, tonnes by a factor for each hub.
//
// Each factor keeps the distance it is meant for (SFD: shortest feasible; GCD:
// great circle) and whether it already holds the distance adjustment (DAF), so
// that an adjustment is never applied twice. Factors marked A are assumptions.
// The package is pure; it is not for choosing a way (see search).
package emission

import (
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"corridor/geodata"
	"corridor/routing"
)

//go:embed factors.csv
var factorsCSV string

// Factor is one emission factor and where it comes from.
type Factor struct {
	ID     string
	Value  float64
	Unit   string // g/t-km, kg/t or %
	Basis  string // SFD, GCD or empty
	DAF    string // included, check (not known), n/a
	Origin geodata.Origin
	Note   string
}

// Factors is a table of factors by id.
type Factors struct {
	byID map[string]Factor
	data routing.Data
}

// Reference reads the embedded factors.
func Reference() (*Factors, error) {
	f, err := Parse(factorsCSV)
	if err != nil {
		return nil, fmt.Errorf("read embedded factors.csv: %w", err)
	}
	return f, nil
}

// needed are the factors the methods rely on.
var needed = []string{
	"sea-dry", "sea-reefer", "sea-panama", "sea-ropax", "road-mixed", "road-full", "road-van", "rail-EU", "rail-diesel",
	"air-short", "air-long", "hub-transhipment", "hub-maritime", "hub-warehouse", "reefer-uplift",
}

// Parse reads factors in the form of factors.csv.
func Parse(text string) (*Factors, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	f := &Factors{byID: make(map[string]Factor, len(rows)), data: routing.Data{Name: "emission factors", Version: hex.EncodeToString(sum[:6])}}
	for i, row := range rows[min(1, len(rows)):] {
		if len(row) != 9 {
			return nil, fmt.Errorf("line %d: %d columns, want 9", i+2, len(row))
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil || !(v >= 0) {
			return nil, fmt.Errorf("line %d: value %q is not a number of at least 0", i+2, row[1])
		}
		if _, twice := f.byID[row[0]]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", i+2, row[0])
		}
		f.byID[row[0]] = Factor{
			ID: row[0], Value: v, Unit: row[2], Basis: row[3], DAF: row[4],
			Origin: geodata.Origin{Kind: row[6], Confidence: row[7], Source: row[5]}, Note: row[8],
		}
	}
	for _, id := range needed {
		if _, ok := f.byID[id]; !ok {
			return nil, fmt.Errorf("factor %s is missing", id)
		}
	}
	return f, nil
}

// Load is what moves, as far as emissions care.
type Load struct {
	WeightKG float64
	Reefer   bool
	// Fill is the share of the vehicle's payload used, or 0 when the cargo shares
	// it with others and the carrier's average counts.
	Fill float64
}

// Result is an amount and how it was reached.
type Result struct {
	KG    float64
	Basis string
	Lines []routing.EmissionLine // they sum to KG
}

// Method names the standard, the boundary and what is not added.
const Method = "ISO 14083:2023 in the manner of the GLEC Framework v3: well-to-wheel CO2e, transport and hub operations; " +
	"tonne-kilometres on the distance each factor is meant for; a distance adjustment is never added to a factor that holds it, nor to one whose source does not say"

// line writes one movement out.
func (f *Factors) line(what string, r Factor, value float64, l Load, km, uplift float64, load string) routing.EmissionLine {
	return routing.EmissionLine{
		What: what, Kind: "transport", Factor: r.ID, Value: value, Unit: r.Unit, Basis: r.Basis, Adjustment: adjustment(r.DAF),
		Tonnes: l.WeightKG / 1000, KM: km, Load: load, Uplift: uplift - 1, KG: l.WeightKG / 1000 * km * value * uplift / 1000,
		Source: r.Origin.Source, Origin: r.Origin.Kind,
	}
}

// adjustment is the state of the distance adjustment factor in words.
func adjustment(daf string) string {
	switch daf {
	case "included":
		return "included"
	case "n/a":
		return "none"
	}
	return "unknown"
}

// fullFill is the share of payload from which a lorry counts as full.
const fullFill = 0.9

// emptyShare and emptyCost turn the full-load factor, which knows no empty
// running, into that of a full lorry with the 17 % empty running of the GLEC
// average: an empty lorry burns about 0.63 of what a full one does (A).
const (
	emptyShare = 0.17
	emptyCost  = 0.63
)

// road is the factor of a lorry, what it comes to in g per tonne-kilometre, and
// the load factor and empty running it stands for.
func (f *Factors) road(l Load) (r Factor, gPerTKM float64, load string) {
	if l.Fill >= fullFill {
		full := f.byID["road-full"]
		return full, full.Value * (1 + emptyShare/(1-emptyShare)*emptyCost), "full load, 17% empty running added (assumption)"
	}
	m := f.byID["road-mixed"]
	return m, m.Value, "60% load and 17% empty running"
}

// RailFactor is the factor of trains in a country: its own electric one where it
// is known, the EU's inside the EU, diesel elsewhere.
func (f *Factors) RailFactor(c geodata.Country, inEU bool) Factor {
	if own, ok := f.byID["rail-"+string(c)]; ok {
		return own
	}
	if inEU {
		return f.byID["rail-EU"]
	}
	return f.byID["rail-diesel"]
}

// PerTKM is the factor of a mode in g per tonne-kilometre without its words, for
// searching. Air needs the distance of the flight.
func (f *Factors) PerTKM(m geodata.Mode, c geodata.Country, inEU bool, l Load, km float64) float64 {
	switch m {
	case geodata.Road:
		_, g, _ := f.road(l)
		return g * f.uplift(m, l)
	case geodata.Rail:
		return f.RailFactor(c, inEU).Value * f.uplift(m, l)
	case geodata.Air:
		return f.air(km).Value
	}
	return f.sea(l).Value
}

func (f *Factors) uplift(m geodata.Mode, l Load) float64 {
	if l.Reefer && (m == geodata.Road || m == geodata.Rail) {
		return 1 + f.byID["reefer-uplift"].Value/100
	}
	return 1
}

func (f *Factors) sea(l Load) Factor {
	if l.Reefer {
		return f.byID["sea-reefer"]
	}
	return f.byID["sea-dry"]
}

func (f *Factors) air(km float64) Factor {
	if km <= 1500 {
		return f.byID["air-short"]
	}
	return f.byID["air-long"]
}

// Land counts a way by road or rail, split by country.
func (f *Factors) Land(m geodata.Mode, l Load, split []geodata.CountryKM, inEU func(geodata.Country) bool) Result {
	up := f.uplift(m, l)
	tail := "; shortest feasible distance"
	if up > 1 {
		tail += fmt.Sprintf("; +%.0f%% for cooling (GLEC v3.2)", (up-1)*100)
	}
	if m == geodata.Road {
		r, g, load := f.road(l)
		km := 0.0
		for _, s := range split {
			km += s.KM
		}
		note := fmt.Sprintf("%g g CO2e/t-km, %s (%s)", g, r.Note, r.Origin.Source)
		if g != r.Value {
			note = fmt.Sprintf("%.0f g CO2e/t-km: full load %g g (%s) with 17%% empty running added (assumption)", g, r.Value, r.Origin.Source)
		}
		line := f.line("Road", r, g, l, km, up, load)
		return Result{line.KG, note + tail + ", adjustment already in the factor", []routing.EmissionLine{line}}
	}
	var out Result
	words := map[string]bool{}
	for _, s := range split {
		r := f.RailFactor(s.Country, inEU(s.Country))
		line := f.line("Rail in "+string(s.Country), r, r.Value, l, s.KM, up, "average of the source")
		out.KG += line.KG
		out.Lines = append(out.Lines, line)
		kind := r.Origin.Source
		if r.Origin.Kind == "A" {
			kind = "assumption: " + kind
		}
		words[fmt.Sprintf("%s %g (%s)", strings.TrimPrefix(r.ID, "rail-"), r.Value, kind)] = true
	}
	parts := make([]string, 0, len(words))
	for w := range words {
		parts = append(parts, w)
	}
	sort.Strings(parts)
	out.Basis = "g CO2e/t-km by traction: " + strings.Join(parts, ", ") + tail
	return out
}

// LandKG is the amount of Land without its words, for searching.
func (f *Factors) LandKG(m geodata.Mode, l Load, split []geodata.CountryKM, inEU func(geodata.Country) bool) float64 {
	gkm, g := 0.0, 0.0
	for i, s := range split {
		if m == geodata.Rail || i == 0 { // a lorry's factor is that of any country
			g = f.PerTKM(m, s.Country, m == geodata.Rail && inEU(s.Country), l, 0)
		}
		gkm += g * s.KM
	}
	return l.WeightKG / 1000 * gkm / 1000
}

// Voyage counts a container ship. via is "panama" for a service by that canal.
func (f *Factors) Voyage(l Load, km float64, via string) Result {
	s := f.sea(l)
	if via == "panama" && !l.Reefer {
		s = f.byID["sea-panama"]
	}
	line := f.line("Sea", s, s.Value, l, km, 1, "trade average of the source")
	return Result{
		line.KG,
		fmt.Sprintf("%g g CO2e/t-km, %s (%s); shortest feasible distance; none added, the source does not say whether the 15%% adjustment is in", s.Value, s.Note, s.Origin.Source),
		[]routing.EmissionLine{line},
	}
}

// Ferry counts a lorry or wagons on a ferry.
func (f *Factors) Ferry(l Load, km float64) Result {
	s := f.byID["sea-ropax"]
	line := f.line("Ferry", s, s.Value, l, km, 1, "average of the source")
	return Result{line.KG, fmt.Sprintf("%g g CO2e/t-km, %s (%s)", s.Value, s.Note, s.Origin.Source), []routing.EmissionLine{line}}
}

// Flight counts a flight by its great-circle distance.
func (f *Factors) Flight(l Load, greatCircleKM float64) Result {
	a := f.air(greatCircleKM)
	line := f.line("Air", a, a.Value, l, greatCircleKM, 1, "average of the source")
	return Result{
		line.KG,
		fmt.Sprintf("%g g CO2e/t-km, %s (%s); great-circle distance, adjustment already in the factor", a.Value, a.Note, a.Origin.Source),
		[]routing.EmissionLine{line},
	}
}

// Van counts a delivery van under 3.5 t.
func (f *Factors) Van(l Load, km float64) Result {
	v := f.byID["road-van"]
	line := f.line("Delivery van", v, v.Value, l, km, 1, "average of the source")
	return Result{line.KG, fmt.Sprintf("%g g CO2e/t-km, %s (%s)", v.Value, v.Note, v.Origin.Source), []routing.EmissionLine{line}}
}

// Hub is a place where goods are handled.
type Hub string

// Hubs with a factor.
const (
	Transhipment Hub = "hub-transhipment" // box from one vehicle to another
	Maritime     Hub = "hub-maritime"     // container terminal at sea
	Warehouse    Hub = "hub-warehouse"    // loads taken apart and put together
)

// At counts one handling at a hub.
func (f *Factors) At(h Hub, l Load) Result {
	r := f.byID[string(h)]
	kg := l.WeightKG / 1000 * r.Value
	return Result{kg, fmt.Sprintf("%s %g kg CO2e/t (%s)", r.Note, r.Value, r.Origin.Source), []routing.EmissionLine{{
		What: r.Note, Kind: "hub", Factor: r.ID, Value: r.Value, Unit: r.Unit, Tonnes: l.WeightKG / 1000, KG: kg,
		Source: r.Origin.Source, Origin: r.Origin.Kind,
	}}}
}

// Data is the version of the factors.
func (f *Factors) Data() routing.Data { return f.data }
