// Package tariff prices the parts of a journey from dated, sourced rates.
//
// A Sheet is a table of rates; the reference sheet is embedded (rates.csv, the
// project's prices.csv with the assumptions needed to be all-in, each marked A).
// The methods turn a movement or a handling into Items: a rate, a quantity and
// the words for how they meet. Items are cheap, for searching; Lines makes of
// them the dated lines a shipper sees. Amounts are in USD; rates in other
// currencies are converted at the dated rates of fx.csv.
//
// The package is pure. It chooses no way and knows no network: distances by
// country come from outside.
package tariff

import (
	"cmp"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

var (
	//go:embed rates.csv
	ratesCSV string
	//go:embed fx.csv
	fxCSV string
)

// StaleAfter is the age from which a reference rate is shown as stale; those of
// carriers have limits by their kind.
const StaleAfter = 60 * 24 * time.Hour

// Rate is one dated price.
type Rate struct {
	ID             string
	What           string
	Value          float64
	Low, High      float64
	Currency       string // ISO 4217; empty: Value is a factor
	Per            string
	Ref            float64 // reference distance of a lane rate: nm at sea, km on land; 0: none
	AsOf           time.Time
	AsOfText       string
	Origin         geodata.Origin
	Note           string
	Kind           Kind    // empty: OfReference
	Sheet          string  // imported sheet and line; empty: the reference
	usd            float64 // USD for one unit of Currency
	conversionNote string
}

// Stale reports whether the rate is too old to be trusted on a day: the limit goes
// with its kind. A rate without a date always is.
func (r Rate) Stale(on time.Time) bool {
	return r.AsOf.IsZero() || on.Sub(r.AsOf) > r.Kind.limit()
}

// Sheet is a table of rates: the reference, and the prices of carriers that were
// added by With. It is immutable and safe for concurrent use.
type Sheet struct {
	rates  map[string]Rate
	fx     map[string]exchange
	sheets []CarrierSheet
	prices map[geodata.Mode][]Price // of all sheets
	data   []routing.Data
}

// exchange is what one unit of a currency is worth.
type exchange struct {
	usd  float64
	note string
}

// Reference reads the embedded sheet.
func Reference() (*Sheet, error) {
	s, err := Parse(ratesCSV, fxCSV)
	if err != nil {
		return nil, fmt.Errorf("read embedded rates: %w", err)
	}
	return s, nil
}

var (
	rateColumns = []string{"id", "what", "value", "low", "high", "currency", "per", "ref", "as_of", "publisher", "origin", "conf", "note"}
	fxColumns   = []string{"currency", "usd", "as_of", "publisher", "origin", "conf"}
)

// Parse reads rates in the form of rates.csv and exchange rates in the form of
// fx.csv. Errors name the line.
func Parse(rates, fx string) (*Sheet, error) {
	s := &Sheet{rates: map[string]Rate{}, fx: map[string]exchange{}}
	newest := ""
	err := eachRow(fx, fxColumns, func(row []string) error {
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil || !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("usd: %q is not a rate above 0", row[1])
		}
		newest = max(newest, row[2])
		s.fx[row[0]] = exchange{v, fmt.Sprintf("%g USD for 1 %s (%s)", v, row[0], row[2])}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("exchange rates: %w", err)
	}
	s.fx["USD"] = exchange{usd: 1}
	s.data = append(s.data, routing.Data{Name: "exchange rates", Version: version([]byte(fx)), AsOf: newest})
	newest = ""
	err = eachRow(rates, rateColumns, func(row []string) error {
		r, err := parseRate(row)
		if err != nil {
			return err
		}
		if _, twice := s.rates[r.ID]; twice {
			return fmt.Errorf("%s is there twice", r.ID)
		}
		r.usd = 1
		if r.Currency != "" && r.Currency != "USD" {
			usd, ok := s.fx[r.Currency]
			if !ok {
				return fmt.Errorf("currency: no exchange rate for %q", r.Currency)
			}
			r.usd, r.conversionNote = usd.usd, usd.note
		}
		newest = max(newest, r.AsOfText)
		s.rates[r.ID] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rates: %w", err)
	}
	for _, id := range needed {
		if _, ok := s.rates[id]; !ok {
			return nil, fmt.Errorf("rates: %s is missing", id)
		}
	}
	s.data = append(s.data, routing.Data{Name: "rates", Version: version([]byte(rates)), AsOf: newest})
	return s, nil
}

func eachRow(text string, columns []string, do func(row []string) error) error {
	in := csv.NewReader(strings.NewReader(text))
	rows, err := in.ReadAll()
	if err != nil {
		return err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return fmt.Errorf("the header must be %s", strings.Join(columns, ","))
	}
	for i, row := range rows[1:] {
		if err := do(row); err != nil {
			return fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	return nil
}

func parseRate(row []string) (Rate, error) {
	r := Rate{
		ID: row[0], What: row[1], Currency: row[5], Per: row[6], AsOfText: row[8],
		Origin: geodata.Origin{Kind: row[10], Confidence: row[11], Source: row[9], AsOf: row[8]}, Note: row[12],
	}
	number := func(name, s string, fallback float64) (float64, error) {
		if s == "" {
			return fallback, nil
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v >= 0) || math.IsInf(v, 0) {
			return 0, fmt.Errorf("%s: %q is not a number of at least 0", name, s)
		}
		return v, nil
	}
	var err error
	if r.Value, err = number("value", row[2], -1); err != nil {
		return r, err
	}
	if r.Value <= 0 {
		return r, fmt.Errorf("value: %s has none", r.ID)
	}
	if r.AsOfText != "" {
		if r.AsOf, err = time.Parse(time.DateOnly, r.AsOfText); err != nil {
			return r, fmt.Errorf("as_of: %q is not a date such as 2026-09-24", r.AsOfText)
		}
	}
	if !slices.Contains([]string{"P", "G", "K", "A"}, r.Origin.Kind) || !slices.Contains([]string{"H", "M", "L"}, r.Origin.Confidence) {
		return r, fmt.Errorf("origin, conf: %q, %q are not P, G, K or A and H, M or L", r.Origin.Kind, r.Origin.Confidence)
	}
	w := band(r.Origin)
	if r.Low, err = number("low", row[3], r.Value*(1-w)); err != nil {
		return r, err
	}
	if r.High, err = number("high", row[4], r.Value*(1+w)); err != nil {
		return r, err
	}
	if r.Low > r.Value || r.High < r.Value {
		return r, fmt.Errorf("low, high: %g and %g do not enclose %g", r.Low, r.High, r.Value)
	}
	r.Ref, err = number("ref", row[7], 0)
	return r, err
}

// band is how far a price may lie off, where the source gives no range.
func band(o geodata.Origin) float64 {
	switch {
	case o.Kind == "P" && o.Confidence == "H":
		return 0.10
	case o.Kind == "P" && o.Confidence == "M", o.Kind == "G":
		return 0.15
	case o.Kind == "A":
		return 0.30
	}
	return 0.25
}

// USD converts an amount; false when the sheet has no rate for its currency.
func (s *Sheet) USD(m routing.Money) (float64, bool) {
	v, ok := s.fx[strings.ToUpper(m.Currency)]
	return m.Amount * v.usd, ok
}

// Rate returns a rate of the sheet.
func (s *Sheet) Rate(id string) (Rate, bool) {
	r, ok := s.rates[id]
	return r, ok
}

// Item is a rate applied: Quantity of it, times Factor.
type Item struct {
	Rate     string
	What     string // overrides the rate's own words
	Quantity float64
	Factor   float64 // e.g. the share of a lorry; 1 when it applies whole
	Basis    string  // words for Quantity and Factor; empty: the quantity with the rate's unit
	// spread, where not 0, is a rate whose own range multiplies in.
	spread string
}

// Amount is the price of an item in USD.
func (s *Sheet) Amount(i Item) float64 {
	r := s.rates[i.Rate]
	return r.Value * r.usd * i.Quantity * i.Factor
}

// Sum is the price of all items in USD.
func (s *Sheet) Sum(items []Item) float64 {
	total := 0.0
	for _, i := range items {
		total += s.Amount(i)
	}
	return total
}

// Line is an item as a shipper sees it.
type Line struct {
	routing.CostLine
	Rate string // lines of one rate move together
}

// Line writes an item out. leg is the index of the leg, -1 for the whole journey.
func (s *Sheet) Line(i Item, leg int, on time.Time) Line {
	r := s.rates[i.Rate]
	amount := s.Amount(i)
	low, high := r.Low/r.Value, r.High/r.Value
	if i.spread != "" {
		x := s.rates[i.spread]
		low, high = low*x.Low/x.Value, high*x.High/x.Value
	}
	what := i.What
	if what == "" {
		what = r.What
	}
	basis := i.Basis
	if basis == "" {
		basis = fmt.Sprintf("%s × %s", quantity(i.Quantity*i.Factor), r.words())
	} else {
		basis = fmt.Sprintf("%s × %s", basis, r.words())
	}
	if r.conversionNote != "" {
		basis += "; " + r.conversionNote
	}
	return Line{
		CostLine: routing.CostLine{
			What: what, Leg: leg, Amount: usd(amount), Low: usd(amount * low), High: usd(amount * high),
			Basis: basis, AsOf: r.AsOfText, Source: r.Origin.Source, Origin: r.Origin.Kind, Stale: r.Stale(on),
			Kind: string(cmp.Or(r.Kind, OfReference)), Sheet: r.Sheet,
		},
		Rate: i.Rate,
	}
}

func (r Rate) words() string {
	if r.Currency == "" {
		return fmt.Sprintf("%g %s", r.Value, r.Per)
	}
	return fmt.Sprintf("%g %s/%s", r.Value, r.Currency, r.Per)
}

func quantity(v float64) string {
	if v >= 100 {
		return thousands(v)
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'g', -1, 64)
}

func thousands(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func usd(v float64) routing.Money {
	return routing.Money{Amount: math.Round(v*100) / 100, Currency: "USD"}
}

// Total adds lines up. Lines of one rate are wrong together, different rates
// independently, so the range is narrower than the sum of the ranges.
func Total(lines []Line) routing.Cost {
	c := routing.Cost{Lines: make([]routing.CostLine, 0, len(lines))}
	type dev struct{ down, up float64 }
	byRate := map[string]dev{}
	order := []string{}
	total := 0.0
	for _, l := range lines {
		c.Lines = append(c.Lines, l.CostLine)
		total += l.Amount.Amount
		d, seen := byRate[l.Rate]
		if !seen {
			order = append(order, l.Rate)
		}
		byRate[l.Rate] = dev{d.down + l.Amount.Amount - l.Low.Amount, d.up + l.High.Amount - l.Amount.Amount}
	}
	down, up := 0.0, 0.0
	for _, id := range order { // in the order of the lines, so that the sum repeats to the bit
		down += byRate[id].down * byRate[id].down
		up += byRate[id].up * byRate[id].up
	}
	c.Total, c.Low, c.High = usd(total), usd(total-math.Sqrt(down)), usd(total+math.Sqrt(up))
	return c
}
