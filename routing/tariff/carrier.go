package tariff

import (
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/routing/timetable"
)

// This file is about carriers' own prices: rate sheets by lane, unit and date,
// which stand for the reference rates where they fit. README.md documents the CSV.

// Kind of a price, which decides how soon it is stale.
type Kind string

// Kinds of prices.
const (
	OfReference Kind = "reference"
	OfQuote     Kind = "quote"
	OfTariff    Kind = "tariff"
	OfInvoice   Kind = "invoice"
)

// limit is the age from which a price is stale.
func (k Kind) limit() time.Duration {
	const day = 24 * time.Hour
	switch k {
	case OfQuote:
		return 30 * day
	case OfTariff, OfInvoice:
		return 90 * day
	}
	return StaleAfter
}

// Charge is what a price of a sheet is for.
type Charge string

// Charges of a sheet. Freight stands for the reference line haul, the terminal
// charges for the reference handling of that end; surcharges come on top of the
// freight of the same carrier.
const (
	Freight     Charge = "freight"
	Surcharge   Charge = "surcharge"
	Origin      Charge = "thc-origin"
	Destination Charge = "thc-destination"
)

// Price is one row of a carrier's rate sheet.
type Price struct {
	Line     int // of the sheet
	Carrier  string
	Mode     geodata.Mode
	TIR      bool   // road: under TIR only
	From, To string // as in services.csv: a terminal, UN/LOCODE, country, region, "eu" or "*"
	Unit     routing.Unit
	Charge   Charge
	What     string // of a surcharge
	Per      string // unit, kg, t, wm, km, %
	Least    float64
	Begins   time.Time // first day it is valid
	Ends     time.Time // last day
	Rate     Rate
}

// key is what two prices may not share on one day.
func (p Price) key() string {
	return strings.ToLower(strings.Join([]string{p.Carrier, string(p.Mode), strconv.FormatBool(p.TIR), p.From, p.To, string(p.Unit), string(p.Charge), p.What}, "\x00"))
}

func (p Price) overlaps(o Price) bool {
	return p.key() == o.key() && !p.Begins.After(o.Ends) && !o.Begins.After(p.Ends)
}

// CarrierSheet is one file of prices.
type CarrierSheet struct {
	Name    string // file name
	Version string // first 12 hex digits of the SHA-256 of its bytes
	Prices  []Price
}

// Problem is a row that was not taken.
type Problem struct {
	Line   int // from 1
	Reason string
}

// SheetColumns are the columns of a carrier's sheet; those up to valid_until are
// needed.
func SheetColumns() []string {
	return []string{"carrier", "mode", "from", "to", "unit", "price", "currency", "per", "valid_from", "valid_until", "charge", "what", "min", "low", "high", "kind", "as_of", "source", "note"}
}

const neededColumns = 10

// ReadSheet reads a carrier's rate sheet. Rows that make no sense, rows in a
// currency the sheet s has no rate for, and rows that overlap each other are left
// out and told of: which of two prices counts is not for a program to guess.
func (s *Sheet) ReadSheet(name string, in io.Reader) (CarrierSheet, []Problem, error) {
	raw, err := io.ReadAll(in)
	if err != nil {
		return CarrierSheet{}, nil, err
	}
	sheet := CarrierSheet{Name: name, Version: version(raw)}
	rows := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\xef\xbb\xbf")))
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if err != nil {
		return sheet, nil, fmt.Errorf("read the header: %w", err)
	}
	column := map[string]int{}
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(SheetColumns(), h) {
			return sheet, nil, fmt.Errorf("unknown column %q: use %s", h, strings.Join(SheetColumns(), ", "))
		}
		if _, twice := column[h]; twice {
			return sheet, nil, fmt.Errorf("the column %q is there twice", h)
		}
		column[h] = i
	}
	for _, need := range SheetColumns()[:neededColumns] {
		if _, ok := column[need]; !ok {
			return sheet, nil, fmt.Errorf("the column %q is missing", need)
		}
	}
	var problems []Problem
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			problems = append(problems, Problem{parse.StartLine, parse.Err.Error()})
			continue
		}
		if err != nil {
			return sheet, problems, err
		}
		line, _ := rows.FieldPos(0)
		if len(row) > len(header) {
			problems = append(problems, Problem{line, fmt.Sprintf("%d columns, the header has %d", len(row), len(header))})
			continue
		}
		p, err := s.price(func(name string) string {
			i, ok := column[name]
			if !ok || i >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[i])
		})
		if err != nil {
			problems = append(problems, Problem{line, err.Error()})
			continue
		}
		p.Line = line
		sheet.Prices = append(sheet.Prices, p)
	}
	var twice []Problem
	sheet.Prices, twice = withoutOverlaps(sheet.Prices)
	problems = append(problems, twice...)
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	for i := range sheet.Prices {
		p := &sheet.Prices[i]
		p.Rate.ID = fmt.Sprintf("sheet %s:%d", name, p.Line)
		p.Rate.Sheet = fmt.Sprintf("%s:%d", name, p.Line)
	}
	return sheet, problems, nil
}

func version(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:6])
}

// withoutOverlaps drops prices that are valid on the same day for the same thing.
func withoutOverlaps(prices []Price) ([]Price, []Problem) {
	byKey := map[string][]int{}
	for i, p := range prices {
		byKey[p.key()] = append(byKey[p.key()], i)
	}
	clash := map[int]int{}
	for _, same := range byKey {
		for n, i := range same {
			for _, k := range same[n+1:] {
				if prices[i].overlaps(prices[k]) {
					if _, told := clash[i]; !told {
						clash[i] = k
					}
					clash[k] = i
				}
			}
		}
	}
	var kept []Price
	var problems []Problem
	for i, p := range prices {
		k, bad := clash[i]
		if !bad {
			kept = append(kept, p)
			continue
		}
		problems = append(problems, Problem{p.Line, fmt.Sprintf("overlaps line %d: both price %s from %s to %s on %s; end one before the other begins",
			prices[k].Line, p.what(), p.From, p.To, latest(p.Begins, prices[k].Begins).Format(time.DateOnly))})
	}
	return kept, problems
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p Price) what() string {
	w := string(p.Charge)
	if p.What != "" {
		w = p.What
	}
	return fmt.Sprintf("%s of %s by %s, %s,", w, p.Carrier, p.Mode, p.Unit)
}

func (s *Sheet) price(get func(string) string) (Price, error) {
	p := Price{Carrier: get("carrier"), From: selector(get("from")), To: selector(get("to")), What: get("what"), Charge: Charge(strings.ToLower(get("charge"))), Per: strings.ToLower(get("per"))}
	if p.Carrier == "" || p.From == "" || p.To == "" {
		return p, errors.New("carrier, from and to may not be empty; * stands for any place")
	}
	mode := strings.ToLower(get("mode"))
	if mode == "road-tir" {
		mode, p.TIR = "road", true
	}
	var err error
	if p.Mode, err = geodata.ParseMode(mode); err != nil {
		return p, err
	}
	if p.Unit, err = priceUnit(get("unit"), p.Mode); err != nil {
		return p, err
	}
	if p.Charge == "" {
		p.Charge = Freight
	}
	switch p.Charge {
	case Freight, Surcharge:
	case Origin, Destination:
		if p.Mode == geodata.Road {
			return p, errors.New("charge: a lorry has no terminal charges")
		}
	default:
		return p, fmt.Errorf("charge: %q is not freight, surcharge, thc-origin or thc-destination", p.Charge)
	}
	if p.Charge == Surcharge && p.What == "" {
		return p, errors.New("what: a surcharge needs its name")
	}
	if !slices.Contains([]string{"unit", "kg", "t", "wm", "km", "%"}, p.Per) {
		return p, fmt.Errorf("per: %q is not unit, kg, t, wm, km or %%", p.Per)
	}
	if p.Per == "%" && p.Charge != Surcharge {
		return p, errors.New("per: only a surcharge can be a percentage of the freight")
	}
	number := func(name string, fallback float64) (float64, error) {
		t := get(name)
		if t == "" {
			return fallback, nil
		}
		v, err := strconv.ParseFloat(t, 64)
		if err != nil || !(v >= 0) || v > 1e9 {
			return 0, fmt.Errorf("%s: %q is not a number of at least 0", name, t)
		}
		return v, nil
	}
	r := Rate{Currency: strings.ToUpper(get("currency")), Per: p.Per, Note: get("note"), AsOfText: get("as_of"), Kind: Kind(strings.ToLower(get("kind")))}
	if r.Value, err = number("price", 0); err != nil {
		return p, err
	}
	if r.Value <= 0 {
		return p, errors.New("price: it must be above 0")
	}
	if p.Least, err = number("min", 0); err != nil {
		return p, err
	}
	if r.Low, err = number("low", r.Value); err != nil {
		return p, err
	}
	if r.High, err = number("high", r.Value); err != nil {
		return p, err
	}
	if r.Low > r.Value || r.High < r.Value {
		return p, fmt.Errorf("low, high: %g and %g do not enclose the price of %g", r.Low, r.High, r.Value)
	}
	if p.Per == "%" {
		r.Currency, r.usd = "", 0.01
		r.Per = "% of the freight"
	} else {
		usd, ok := s.fx[r.Currency]
		if !ok {
			return p, fmt.Errorf("currency: no exchange rate for %q; import one with corridor import fx", r.Currency)
		}
		r.usd, r.conversionNote = usd.usd, usd.note
	}
	if p.Begins, err = time.Parse(time.DateOnly, get("valid_from")); err != nil {
		return p, fmt.Errorf("valid_from: %q is not a date such as 2026-12-01", get("valid_from"))
	}
	if p.Ends, err = time.Parse(time.DateOnly, get("valid_until")); err != nil {
		return p, fmt.Errorf("valid_until: %q is not a date such as 2026-12-31", get("valid_until"))
	}
	if p.Ends.Before(p.Begins) {
		return p, fmt.Errorf("valid_until %s is before valid_from %s", get("valid_until"), get("valid_from"))
	}
	if r.AsOfText == "" {
		r.AsOfText = get("valid_from")
	}
	if r.AsOf, err = time.Parse(time.DateOnly, r.AsOfText); err != nil {
		return p, fmt.Errorf("as_of: %q is not a date such as 2026-12-01", r.AsOfText)
	}
	switch r.Kind {
	case "":
		r.Kind = OfTariff
	case OfTariff, OfQuote, OfInvoice:
	default:
		return p, fmt.Errorf("kind: %q is not tariff, quote or invoice", r.Kind)
	}
	r.Origin = geodata.Origin{Kind: "P", Confidence: "H", Source: cmp.Or(get("source"), p.Carrier), AsOf: r.AsOfText}
	r.What = p.words()
	p.Rate = r
	return p, nil
}

// selector writes codes in capitals and regions in small letters.
func selector(s string) string {
	if strings.Contains(s, "-") || strings.Contains(s, ":") || strings.EqualFold(s, "eu") || len(s) > 5 {
		if id, code, ok := strings.Cut(s, ":"); ok {
			return strings.ToLower(id) + ":" + strings.ToUpper(code)
		}
		return strings.ToLower(s)
	}
	switch low := strings.ToLower(s); low {
	case "med", "gulf", "japan", "us": // regions with short names
		if len(s) != 2 {
			return low
		}
	}
	return strings.ToUpper(s)
}

func priceUnit(s string, m geodata.Mode) (routing.Unit, error) {
	fits := map[geodata.Mode][]routing.Unit{
		geodata.Road: {routing.FTL, routing.LTL},
		geodata.Air:  {routing.AirULD},
	}[m]
	if fits == nil {
		fits = []routing.Unit{routing.GP20, routing.GP40, routing.HC40, routing.HC45, routing.RF40, routing.LCL}
	}
	for _, u := range fits {
		if strings.EqualFold(s, string(u)) {
			return u, nil
		}
	}
	names := make([]string, len(fits))
	for i, u := range fits {
		names[i] = string(u)
	}
	return "", fmt.Errorf("unit: %q is not priced by %s; use %s", s, m, strings.Join(names, ", "))
}

func (p Price) words() string {
	ends := p.From + "–" + p.To
	switch p.Charge {
	case Surcharge:
		return p.What + ", " + p.Carrier
	case Origin:
		return "Terminal charge at departure, " + p.Carrier
	case Destination:
		return "Terminal charge at arrival, " + p.Carrier
	}
	name := map[geodata.Mode]string{geodata.Sea: "Sea freight", geodata.Rail: "Rail freight", geodata.Road: "Road freight", geodata.Air: "Air freight"}[p.Mode]
	if p.TIR {
		name += " under TIR"
	}
	return fmt.Sprintf("%s %s %s, %s", name, ends, p.Unit, p.Carrier)
}

// OverlapError is a sheet that prices what another one prices already.
type OverlapError struct {
	Sheet, Other      string
	Line, OtherLine   int
	Carrier, From, To string
}

func (e *OverlapError) Error() string {
	return fmt.Sprintf("line %d of %s and line %d of %s both price %s from %s to %s on the same day: end one before the other begins, or import the new sheet under the old one's name",
		e.Line, e.Sheet, e.OtherLine, e.Other, e.Carrier, e.From, e.To)
}

// With is the sheet with a carrier's prices added. A sheet of the same name is
// replaced; one that overlaps another is an *OverlapError.
func (s *Sheet) With(c CarrierSheet) (*Sheet, error) {
	out := s.clone()
	out.sheets = slices.DeleteFunc(out.sheets, func(o CarrierSheet) bool { return o.Name == c.Name })
	byKey := map[string][]Price{}
	for _, p := range c.Prices {
		byKey[p.key()] = append(byKey[p.key()], p)
	}
	for _, o := range out.sheets {
		for _, q := range o.Prices {
			for _, p := range byKey[q.key()] {
				if p.overlaps(q) {
					return nil, &OverlapError{c.Name, o.Name, p.Line, q.Line, p.Carrier, p.From, p.To}
				}
			}
		}
	}
	out.sheets = append(out.sheets, c)
	out.prices = map[geodata.Mode][]Price{}
	for _, sheet := range out.sheets {
		for _, p := range sheet.Prices {
			out.rates[p.Rate.ID] = p.Rate
			out.prices[p.Mode] = append(out.prices[p.Mode], p)
		}
	}
	return out, nil
}

func (s *Sheet) clone() *Sheet {
	return &Sheet{rates: maps.Clone(s.rates), fx: maps.Clone(s.fx), sheets: slices.Clone(s.sheets), prices: maps.Clone(s.prices), data: slices.Clone(s.data)}
}

// Lane is what a carrier's price is looked up by.
type Lane struct {
	Mode     geodata.Mode
	TIR      bool
	From, To timetable.Stop
	KM       float64
	On       time.Time // day of departure
	Carrier  string    // who runs the service; empty: anybody
	Without  []string  // carriers that may not be used
}

// Haul prices a movement by the carriers' sheets: freight and its surcharges.
// The closest lane counts; of several carriers with one as close the cheapest.
// False when no price fits.
func (s *Sheet) Haul(g Goods, l Lane) ([]Item, bool) {
	type match struct {
		Price
		rank int
		item Item
	}
	var best *match
	bestUSD := 0.0
	for _, p := range s.prices[l.Mode] {
		if p.Charge != Freight {
			continue
		}
		rank := s.fits(p, g, l)
		if rank == 0 {
			continue
		}
		item := s.apply(p, g, l, 0)
		usd := s.Amount(item)
		if best == nil || rank > best.rank || rank == best.rank && usd < bestUSD {
			best, bestUSD = &match{p, rank, item}, usd
		}
	}
	if best == nil {
		return nil, false
	}
	items := []Item{best.item}
	on := map[string]match{} // by name of the surcharge, the closest lane
	var names []string
	for _, p := range s.prices[l.Mode] {
		if p.Charge != Surcharge || !strings.EqualFold(p.Carrier, best.Carrier) {
			continue
		}
		rank := s.fits(p, g, l)
		if rank == 0 {
			continue
		}
		name := strings.ToLower(p.What)
		old, seen := on[name]
		if !seen {
			names = append(names, name)
		}
		if !seen || rank > old.rank {
			on[name] = match{p, rank, s.apply(p, g, l, bestUSD)}
		}
	}
	for _, n := range names {
		items = append(items, on[n].item)
	}
	return items, true
}

// Handling prices the terminal at one end by the carriers' sheets.
func (s *Sheet) Handling(g Goods, l Lane, at Charge) (Item, bool) {
	best, bestUSD := 0, 0.0
	var out Item
	for _, p := range s.prices[l.Mode] {
		if p.Charge != at {
			continue
		}
		if rank := s.fits(p, g, l); rank > 0 {
			item := s.apply(p, g, l, 0)
			if usd := s.Amount(item); rank > best || rank == best && usd < bestUSD {
				best, bestUSD, out = rank, usd, item
			}
		}
	}
	return out, best > 0
}

// fits ranks how closely a price fits; 0: not.
func (s *Sheet) fits(p Price, g Goods, l Lane) int {
	day := l.On.UTC().Truncate(24 * time.Hour)
	switch {
	case p.Mode != l.Mode, p.TIR && !l.TIR, day.Before(p.Begins) || day.After(p.Ends):
		return 0
	case l.Carrier != "" && !strings.EqualFold(l.Carrier, p.Carrier):
		return 0
	case slices.ContainsFunc(l.Without, func(c string) bool { return strings.EqualFold(c, p.Carrier) }):
		return 0
	}
	units := g.unitsBy(l.Mode)
	u := slices.Index(units, p.Unit)
	a, b := l.From.Rank([]string{p.From}), l.To.Rank([]string{p.To})
	if u < 0 || a == 0 || b == 0 {
		return 0
	}
	rank := 100*(a*b) + 10*(a+b) - u
	if p.TIR {
		rank++
	}
	return rank
}

// unitsBy are the units of a sheet that carry the goods by a mode, the best first.
func (g Goods) unitsBy(m geodata.Mode) []routing.Unit {
	switch m {
	case geodata.Road:
		if g.Shared() {
			return []routing.Unit{routing.LTL}
		}
		return []routing.Unit{routing.FTL}
	case geodata.Air:
		return []routing.Unit{routing.AirULD}
	}
	switch {
	case g.Shared():
		return []routing.Unit{routing.LCL}
	case g.Reefer:
		return []routing.Unit{routing.RF40}
	case g.Unit == routing.FTL: // what is on a lorry goes into a large box
		return []routing.Unit{routing.HC40, routing.GP40}
	}
	return []routing.Unit{g.Unit}
}

// chargeableKG are the kilograms a mode is paid by.
func (g Goods) chargeableKG(m geodata.Mode) float64 {
	per := map[geodata.Mode]float64{geodata.Sea: seaKGPerM3, geodata.Rail: railKGPerM3, geodata.Road: roadKGPerM3, geodata.Air: airKGPerM3}[m]
	return math.Max(g.WeightKG, g.VolumeM3*per)
}

// apply is the item of a price. freightUSD is what a percentage is of.
func (s *Sheet) apply(p Price, g Goods, l Lane, freightUSD float64) Item {
	kg := g.chargeableKG(p.Mode)
	i := Item{Rate: p.Rate.ID, Factor: 1}
	switch p.Per {
	case "unit":
		i.Quantity, i.Basis = 1, "1 "+string(p.Unit)
	case "kg":
		i.Quantity, i.Basis = kg, thousands(kg)+" chargeable kg"
	case "t":
		i.Quantity, i.Basis = g.WeightKG/1000, fmt.Sprintf("%.3g t", g.WeightKG/1000)
	case "wm":
		i.Quantity, i.Basis = kg/1000, fmt.Sprintf("%.3g chargeable t", kg/1000)
	case "km":
		i.Quantity, i.Basis = l.KM, thousands(l.KM)+" km"
	case "%":
		i.Quantity, i.Basis = freightUSD, thousands(freightUSD)+" USD"
	}
	if p.Least > 0 && p.Rate.Value*i.Quantity < p.Least {
		i.Quantity, i.Basis = p.Least/p.Rate.Value, fmt.Sprintf("the minimum of %g %s", p.Least, p.Rate.Currency)
	}
	return i
}

// Carriers are those with a price.
func (s *Sheet) Carriers() []string {
	var out []string
	for _, prices := range s.prices {
		for _, p := range prices {
			if !slices.ContainsFunc(out, func(c string) bool { return strings.EqualFold(c, p.Carrier) }) {
				out = append(out, p.Carrier)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Data are the versions of what the sheet was made from.
func (s *Sheet) Data() []routing.Data {
	out := slices.Clone(s.data)
	for _, c := range s.sheets {
		asOf := ""
		for _, p := range c.Prices {
			asOf = max(asOf, p.Rate.AsOfText)
		}
		out = append(out, routing.Data{Name: "sheet " + c.Name, Version: c.Version, AsOf: asOf})
	}
	return out
}

// WithFX is the sheet with exchange rates replaced or added, from a CSV with the
// columns currency, usd (what one unit is worth in USD), as_of and source. Rates of
// every price are converted anew. A row that makes no sense fails the whole file:
// money is not converted by half of a table.
func (s *Sheet) WithFX(name, text string) (*Sheet, int, error) {
	out := s.clone()
	rows := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\xef\xbb\xbf")))
	header, err := rows.Read()
	if err != nil || len(header) < 4 || !slices.Equal(lower(header[:4]), []string{"currency", "usd", "as_of", "source"}) {
		return nil, 0, errors.New("the header must be currency,usd,as_of,source")
	}
	seen := map[string]int{}
	newest := ""
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		line, _ := rows.FieldPos(0)
		c := strings.ToUpper(strings.TrimSpace(row[0]))
		v, err := strconv.ParseFloat(strings.TrimSpace(row[1]), 64)
		if len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return nil, 0, fmt.Errorf("line %d: currency %q is not a code such as EUR", line, row[0])
		}
		if before, twice := seen[c]; twice {
			return nil, 0, fmt.Errorf("line %d: %s is already on line %d", line, c, before)
		}
		if err != nil || !(v > 0) || v > 1e6 || v < 1e-9 {
			return nil, 0, fmt.Errorf("line %d: usd: %q is not what one %s is worth in USD", line, row[1], c)
		}
		if c == "USD" && v != 1 {
			return nil, 0, fmt.Errorf("line %d: one USD is one USD, not %g", line, v)
		}
		asOf, source := strings.TrimSpace(row[2]), strings.TrimSpace(row[3])
		if _, err := time.Parse(time.DateOnly, asOf); err != nil {
			return nil, 0, fmt.Errorf("line %d: as_of: %q is not a date such as 2026-11-24: a rate without a date is of no use", line, asOf)
		}
		if source == "" {
			return nil, 0, fmt.Errorf("line %d: source is empty: whose rate is it?", line)
		}
		seen[c] = line
		newest = max(newest, asOf)
		out.fx[c] = exchange{v, fmt.Sprintf("%g USD for 1 %s (%s, %s)", v, c, source, asOf)}
	}
	if len(seen) == 0 {
		return nil, 0, errors.New("there is no rate in it")
	}
	convert := func(r Rate) Rate {
		if r.Currency != "" && r.Currency != "USD" {
			r.usd, r.conversionNote = out.fx[r.Currency].usd, out.fx[r.Currency].note
		}
		return r
	}
	for id, r := range out.rates {
		out.rates[id] = convert(r)
	}
	out.data = append(out.data, routing.Data{Name: "exchange rates " + name, Version: version([]byte(text)), AsOf: newest})
	return out, len(seen), nil
}

func lower(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = strings.ToLower(strings.TrimSpace(s))
	}
	return out
}
