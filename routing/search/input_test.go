package search

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

func TestBadInput(t *testing.T) {
	p := newFakePlanner(t)
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	by := at("2026-11-30")
	for _, c := range []struct {
		name   string
		change func(*routing.Request)
		field  string
		says   string
	}{
		{"negative weight", func(r *routing.Request) { r.Cargo.WeightKG = -1 }, "cargo.weight_kg", "above 0"},
		{"no weight", func(r *routing.Request) { r.Cargo.WeightKG = 0 }, "cargo.weight_kg", "above 0"},
		{"weight not a number", func(r *routing.Request) { r.Cargo.WeightKG = math.NaN() }, "cargo.weight_kg", "above 0"},
		{"80 t in one lorry", func(r *routing.Request) { r.Cargo.WeightKG = 80_000 }, "cargo.weight_kg", "split the cargo into 3"},
		{"30 t in a 20-foot box", func(r *routing.Request) { r.Cargo.WeightKG, r.Cargo.Unit = 30_000, routing.GP20 }, "cargo.weight_kg", "28.2 t"},
		{"200 m³ in one lorry", func(r *routing.Request) { r.Cargo.VolumeM3 = 200 }, "cargo.volume_m3", "split"},
		{"negative volume", func(r *routing.Request) { r.Cargo.VolumeM3 = -2 }, "cargo.volume_m3", "above 0"},
		{"unknown unit", func(r *routing.Request) { r.Cargo.Unit = "ZEPPELIN" }, "cargo.unit", "FTL, LTL"},
		{"HS with letters", func(r *routing.Request) { r.Cargo.HS = "08a8" }, "cargo.hs", "4 to 10 digits"},
		{"short HS", func(r *routing.Request) { r.Cargo.HS = "08" }, "cargo.hs", "4 to 10 digits"},
		{"no such HS chapter", func(r *routing.Request) { r.Cargo.HS = "9912" }, "cargo.hs", "harmonised"},
		{"an HS code that is none", func(r *routing.Request) { r.Cargo.HS = "0815.10" }, "cargo.hs", "no code 0815.10"},
		{"an HS subheading that is none", func(r *routing.Request) { r.Cargo.HS = "0808.11" }, "cargo.hs", "no code"},
		{"no such UN number", func(r *routing.Request) { r.Cargo.UN = "9999" }, "cargo.un", "four digits"},
		{"a UN number nobody here knows", func(r *routing.Request) { r.Cargo.UN = "1004" }, "cargo.un", "give its class"},
		{"a UN number of another class", func(r *routing.Request) { r.Cargo.UN, r.Cargo.DG = "1203", "8" }, "cargo.dg", "of class 3, not 8"},
		{"charged to 120 %", func(r *routing.Request) { r.Cargo.Charge = 120 }, "cargo.charge_percent", "between 0 and 100"},
		{"three drivers", func(r *routing.Request) { r.Drivers = 3 }, "drivers", "one driver or two"},
		{"a carnet with one office", func(r *routing.Request) { r.TIR = &routing.TIRTerms{Offices: 1} }, "tir.offices", "at least two"},
		{"avoiding where the goods are", func(r *routing.Request) { r.Avoid = []string{"country:CN"} }, "avoid", "begin in"},
		{"avoiding where they go", func(r *routing.Request) { r.Avoid = []string{"country:ru"} }, "avoid", "end in"},
		{"a flight without air", func(r *routing.Request) {
			r.Cargo.Unit, r.Cargo.WeightKG, r.Modes = routing.AirULD, 1000, []routing.Mode{geodata.Sea}
		}, "modes", "add air"},
		{"a box by air only", func(r *routing.Request) { r.Cargo.Unit, r.Modes = routing.HC40, []routing.Mode{geodata.Air} }, "modes", "does not fly"},
		{"unknown class", func(r *routing.Request) { r.Cargo.DG = "11" }, "cargo.dg", "class"},
		{"reversed temperatures", func(r *routing.Request) { r.Cargo.TempC = &[2]float64{8, 2} }, "cargo.temp_c", "lower first"},
		{"impossible temperature", func(r *routing.Request) { r.Cargo.TempC = &[2]float64{2, 200} }, "cargo.temp_c", "out of range"},
		{"unknown currency", func(r *routing.Request) { r.Cargo.Value = &routing.Money{Amount: 5, Currency: "XXX"} }, "cargo.value", "exchange rate"},
		{"negative value", func(r *routing.Request) { r.Cargo.Value = &routing.Money{Amount: -5, Currency: "USD"} }, "cargo.value", "above 0"},
		{"the year 2099", func(r *routing.Request) { r.Depart = at("2099-01-01") }, "depart", "two years ahead"},
		{"the year 1999", func(r *routing.Request) { r.Depart = at("1999-01-01") }, "depart", "a year ago"},
		{"arrival before departure", func(r *routing.Request) { r.ArriveBy = &by }, "arrive_by", "not after"},
		{"unknown mode", func(r *routing.Request) { r.Modes = []routing.Mode{"camel"} }, "modes", "sea, rail, road or air"},
		{"avoid without a kind", func(r *routing.Request) { r.Avoid = []string{"RU"} }, "avoid", "country:RU"},
		{"avoid of another kind", func(r *routing.Request) { r.Avoid = []string{"planet:mars"} }, "avoid", "country:RU"},
		{"unknown country", func(r *routing.Request) { r.Avoid = []string{"country:QQ"} }, "avoid", "not a country"},
		{"unknown passage", func(r *routing.Request) { r.Avoid = []string{"passage:foo"} }, "avoid", "suez"},
		{"unknown border", func(r *routing.Request) { r.Avoid = []string{"border:MZL"} }, "avoid", "MZL-ZAB-R"},
		{"nowhere to go", func(r *routing.Request) { r.Destination = " " }, "destination", "UN/LOCODE"},
		{"no origin", func(r *routing.Request) { r.Origin = "" }, "origin", "UN/LOCODE"},
		{"to itself", func(r *routing.Request) { r.Destination = r.Origin }, "destination", "same place"},
	} {
		r := request("CNTAO", "RUMOW")
		c.change(&r)
		_, err := p.Plan(t.Context(), r, nil)
		var input *routing.InputError
		if !errors.As(err, &input) || input.Field != c.field || !strings.Contains(input.Message, c.says) {
			t.Errorf("%s: %v, want %s: …%s…", c.name, err, c.field, c.says)
		}
	}
	_, err := p.Plan(t.Context(), request("CNTAO", "Atlantis"), nil)
	var unknown *geodata.UnknownPlaceError
	if !errors.As(err, &unknown) || len(unknown.Nearest) == 0 {
		t.Errorf("Atlantis: %v, want an unknown place with suggestions", err)
	}
}

func TestGoodInputInOtherForms(t *testing.T) {
	p := newFakePlanner(t)
	r := request("CNTAO", "RUMOW")
	r.Cargo = routing.Cargo{WeightKG: 24_200, Unit: "ftl", HS: "0808.10", Value: &routing.Money{Amount: 1000, Currency: "eur"}}
	r.Avoid = []string{" country:vn ", "PASSAGE:Suez", "border:kho-nur"}
	r.Depart = time.Time{}
	q, err := p.read(r)
	if err != nil {
		t.Fatal(err)
	}
	if q.goods.Unit != routing.FTL || q.req.Cargo.HS != "080810" || q.value < 1000 || !q.avoidB["KHO-NUR"] || q.depart.Before(testNow) || !q.modes[geodata.Air] {
		t.Errorf("read as %+v, depart %v, value %v", q.req, q.depart, q.value)
	}
	if r.Cargo.Value.Currency != "eur" {
		t.Error("the caller's request was changed")
	}
}

// Whatever the words of a request are, the answer is a plan or an error that
// says whose fault it is.
func FuzzRead(f *testing.F) {
	p := newFakePlanner(f)
	f.Add("CNTAO", "RUMOW", "FTL", "0808", "3", "country:RU", "road", 24_200.0, 2.0, 8.0)
	f.Add("36.07,120.3", "", "40HC", "2402.20", "6.1", "border:", "sea", -1.0, 8.0, 2.0)
	f.Fuzz(func(t *testing.T, from, to, unit, hs, dg, avoid, mode string, kg, low, high float64) {
		q, err := p.read(routing.Request{
			Origin: from, Destination: to, Avoid: []string{avoid}, Modes: []routing.Mode{routing.Mode(mode)},
			Cargo: routing.Cargo{WeightKG: kg, Unit: routing.Unit(unit), HS: hs, DG: dg, TempC: &[2]float64{low, high}},
		})
		var input *routing.InputError
		var unknown *geodata.UnknownPlaceError
		switch {
		case err == nil && (q.goods.WeightKG <= 0 || low > high):
			t.Fatalf("accepted %v kg at %v to %v", kg, low, high)
		case err != nil && !errors.As(err, &input) && !errors.As(err, &unknown):
			t.Fatalf("an error without a culprit: %v", err)
		}
	})
}
