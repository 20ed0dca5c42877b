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
	_ "embed"
	"encoding/csv"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"corridor/geodata"
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
type Factors struct{ byID map[string]Factor }

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
	"sea-dry", "sea-reefer", "sea-ropax", "road-mixed", "road-full", "rail-EU", "rail-diesel",
	"air-short", "air-long", "hub-transhipment", "hub-maritime", "hub-warehouse", "reefer-uplift",
}

// Parse reads factors in the form of factors.csv.
func Parse(text string) (*Factors, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	f := &Factors{byID: make(map[string]Factor, len(rows))}
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

func (f *Factors) road(l Load) (gPerTKM float64, note string) {
	if l.Fill >= fullFill {
		full := f.byID["road-full"]
		g := full.Value * (1 + emptyShare/(1-emptyShare)*emptyCost)
		return g, fmt.Sprintf("%.0f g CO2e/t-km: full load %g g (%s) with 17%% empty running added (assumption)", g, full.Value, full.Origin.Source)
	}
	m := f.byID["road-mixed"]
	return m.Value, fmt.Sprintf("%g g CO2e/t-km, %s (%s)", m.Value, m.Note, m.Origin.Source)
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
		g, _ := f.road(l)
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
		g, note := f.road(l)
		km := 0.0
		for _, s := range split {
			km += s.KM
		}
		return Result{l.WeightKG / 1000 * km * g * up / 1000, note + tail + ", adjustment already in the factor"}
	}
	kg := 0.0
	words := map[string]bool{}
	for _, s := range split {
		r := f.RailFactor(s.Country, inEU(s.Country))
		kg += l.WeightKG / 1000 * s.KM * r.Value * up / 1000
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
	return Result{kg, "g CO2e/t-km by traction: " + strings.Join(parts, ", ") + tail}
}

// Voyage counts a container ship.
func (f *Factors) Voyage(l Load, km float64) Result {
	s := f.sea(l)
	return Result{
		l.WeightKG / 1000 * km * s.Value / 1000,
		fmt.Sprintf("%g g CO2e/t-km, %s (%s); shortest feasible distance; none added, the source does not say whether the 15%% adjustment is in", s.Value, s.Note, s.Origin.Source),
	}
}

// Ferry counts a lorry or wagons on a ferry.
func (f *Factors) Ferry(l Load, km float64) Result {
	s := f.byID["sea-ropax"]
	return Result{l.WeightKG / 1000 * km * s.Value / 1000, fmt.Sprintf("%g g CO2e/t-km, %s (%s)", s.Value, s.Note, s.Origin.Source)}
}

// Flight counts a flight by its great-circle distance.
func (f *Factors) Flight(l Load, greatCircleKM float64) Result {
	a := f.air(greatCircleKM)
	return Result{
		l.WeightKG / 1000 * greatCircleKM * a.Value / 1000,
		fmt.Sprintf("%g g CO2e/t-km, %s (%s); great-circle distance, adjustment already in the factor", a.Value, a.Note, a.Origin.Source),
	}
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
	return Result{l.WeightKG / 1000 * r.Value, fmt.Sprintf("%s %g kg CO2e/t (%s)", r.Note, r.Value, r.Origin.Source)}
}
