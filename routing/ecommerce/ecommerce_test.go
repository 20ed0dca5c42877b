package ecommerce

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network"
	"corridor/routing"
	"corridor/routing/search"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

var now = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// fakePlanner ships anything for a price by weight, slowly by sea and dearly by air.
type fakePlanner struct{ none bool }

func (f fakePlanner) Plan(_ context.Context, r routing.Request, _ routing.Conditions) (routing.Plan, error) {
	if f.none {
		return routing.Plan{}, nil
	}
	option := func(corridor string, perKG, base, p50, p90 float64) routing.Option {
		amount := routing.Money{Amount: base + perKG*r.Cargo.WeightKG, Currency: "USD"}
		return routing.Option{
			Corridor: corridor, Title: corridor, TransitHours: routing.Hours{P50: p50, P90: p90},
			Cost: routing.Cost{Total: amount, Lines: []routing.CostLine{{What: corridor, Amount: amount, Low: amount, High: amount, Basis: "fake", Source: "fake", Origin: "A", AsOf: "2026-11-01"}}},
		}
	}
	return routing.Plan{Options: []routing.Option{option("sea", 0.1, 800, 700, 900), option("air", 5, 300, 120, 180)}}, nil
}

type fakePlaces map[string]geodata.Place

func (f fakePlaces) Resolve(q string) (geodata.Place, error) {
	if p, ok := f[q]; ok {
		return p, nil
	}
	return geodata.Place{}, &geodata.UnknownPlaceError{Query: q}
}

type fakeRoads struct{}

func (fakeRoads) Route(_ context.Context, _ geodata.Mode, a, b orb.Point, _ geodata.Avoid) (geodata.Path, error) {
	return geodata.Path{DistanceKM: 130 * math.Hypot(a[0]-b[0], a[1]-b[1])}, nil
}

func comparer(tb testing.TB, p Planner) *Comparer {
	tb.Helper()
	rates, err := tariff.Reference()
	if err != nil {
		tb.Fatal(err)
	}
	times, err := timetable.Reference()
	if err != nil {
		tb.Fatal(err)
	}
	place := func(name string, c geodata.Country, lon, lat float64) geodata.Place {
		return geodata.Place{Names: geodata.Names{EN: name}, Country: c, Point: orb.Point{lon, lat}}
	}
	return &Comparer{
		Planner: p, Roads: fakeRoads{}, Rates: rates, Times: times, Clock: func() time.Time { return now },
		Places: fakePlaces{
			"Qingdao": place("Qingdao", "CN", 120, 36), "Jinan": place("Jinan", "CN", 117, 36.6), "Urumqi": place("Urumqi", "CN", 87.6, 43.8),
			"Incheon": place("Incheon", "KR", 126, 37), "Los Angeles": place("Los Angeles", "US", -118, 34),
		},
	}
}

func request() routing.CommerceRequest {
	return routing.CommerceRequest{
		Origin: "Incheon", Destination: "Qingdao", Orders: 50_000, WeightKG: 1, VolumeM3: 0.004, Value: routing.Money{Amount: 40, Currency: "USD"}, VATPercent: 13,
	}
}

func way(tb testing.TB, c routing.CommerceComparison, mode, title string) routing.CommerceWay {
	tb.Helper()
	i := slices.IndexFunc(c.Ways, func(w routing.CommerceWay) bool { return w.Mode == mode && strings.Contains(w.Title, title) })
	if i < 0 {
		tb.Fatalf("no %s %s among %+v", mode, title, c.Ways)
	}
	return c.Ways[i]
}

// check holds what must be true of every comparison.
func check(tb interface{ Fatalf(string, ...any) }, c routing.CommerceComparison) {
	last := 0.0
	for _, w := range c.Ways {
		sum := 0.0
		for _, l := range w.Lines {
			sum += l.Amount.Amount
			if l.What == "" || l.Basis == "" || l.Source == "" || l.Origin == "" || math.IsNaN(l.Amount.Amount) || l.Low.Amount > l.Amount.Amount+1e-9 && l.Amount.Amount > 0 {
				tb.Fatalf("%s: line %+v", w.Title, l)
			}
		}
		if math.Abs(sum-w.Order.Amount) > 1e-3*float64(len(w.Lines)) || math.Abs(w.Year.Amount-w.Order.Amount*c.Request.Orders) > 0.01+1e-4*c.Request.Orders {
			tb.Fatalf("%s: lines sum to %v, an order costs %v and a year %v", w.Title, sum, w.Order, w.Year)
		}
		if w.Order.Amount < last-1e-9 || w.Why == "" || w.Days.P50 <= 0 || w.Days.P90 < w.Days.P50 || w.SameDay < 0 || w.SameDay > 1 {
			tb.Fatalf("%s: %+v", w.Title, w)
		}
		if (w.Held > 0) != (w.Stock.Amount > 0) {
			tb.Fatalf("%s keeps %v orders for %v", w.Title, w.Held, w.Stock)
		}
		last = w.Order.Amount
	}
}

// The published formula: 9.1 % at 13 % VAT.
func TestTaxes(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	if got := ImportTax(0.13, 0); !near(got, 0.091) {
		t.Errorf("at 13 %% VAT %v", got)
	}
	if got := ImportTax(0.13, 0.15); !near(got, (0.15+0.13)/0.85*0.7) {
		t.Errorf("with 15 %% consumption tax %v", got)
	}
	if got := GeneralTax(0.10, 0.13, 0); !near(got, 1.1*1.13-1) {
		t.Errorf("general trade %v", got)
	}
	rapid.Check(t, func(rt *rapid.T) {
		duty, vat, c := rapid.Float64Range(0, 1).Draw(rt, "duty"), rapid.Float64Range(0, 0.3).Draw(rt, "vat"), rapid.Float64Range(0, 0.5).Draw(rt, "consumption")
		if ImportTax(vat, c) > GeneralTax(duty, vat, c)+1e-12 {
			rt.Fatal("e-commerce imports pay more than general trade")
		}
	})
}

func TestHeldStock(t *testing.T) {
	// 365 orders a year, lots of 100, a lead time of ten days that does not vary:
	// half a lot, and 1.28 times the root of ten.
	if got := HeldStock(365, 100, 240, 240); math.Abs(got-(50+1.2816*math.Sqrt(10))) > 0.01 {
		t.Errorf("%v", got)
	}
	rapid.Check(t, func(rt *rapid.T) {
		orders, lot := rapid.Float64Range(1, 1e6).Draw(rt, "orders"), rapid.Float64Range(1, 1e4).Draw(rt, "lot")
		p50 := rapid.Float64Range(1, 1500).Draw(rt, "p50")
		sure, unsure := HeldStock(orders, lot, p50, p50*1.1), HeldStock(orders, lot, p50, p50*2)
		if sure < lot/2 || unsure < sure {
			rt.Fatalf("%v with a sure lead time, %v with an unsure one, half a lot is %v", sure, unsure, lot/2)
		}
	})
}

func TestImports(t *testing.T) {
	c := comparer(t, fakePlanner{})
	got, err := c.Compare(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	check(t, got)
	bonded, air := way(t, got, "1210", "Bonded"), way(t, got, "9610", "air")
	general := way(t, got, "general", "")
	if bonded.Days.P50 >= air.Days.P50 || bonded.SameDay < 0.5 || air.SameDay != 0 {
		t.Errorf("bonded %+v, air %+v", bonded.Days, air.Days)
	}
	taxes := func(w routing.CommerceWay) float64 {
		i := slices.IndexFunc(w.Lines, func(l routing.CommerceLine) bool { return l.What == "Duty and taxes" })
		return w.Lines[i].Amount.Amount
	}
	if math.Abs(taxes(bonded)-40*0.091) > 1e-6 || math.Abs(taxes(general)-40*0.13) > 1e-6 {
		t.Errorf("taxes %v and %v", taxes(bonded), taxes(general))
	}
	// Further from the stock it takes longer: same day to three days, as published.
	far := request()
	far.Destination, far.Warehouse = "Jinan", "Qingdao"
	d, err := c.Compare(t.Context(), far)
	if err != nil {
		t.Fatal(err)
	}
	if next := way(t, d, "1210", ""); next.Days.P50 <= bonded.Days.P50 || next.Days.P50 > 72 {
		t.Errorf("to Jinan %+v", next.Days)
	}
	dear := request()
	dear.Value.Amount = 900 // above CNY 5,000
	d, err = c.Compare(t.Context(), dear)
	if err != nil || len(d.Excluded) != 2 || d.Excluded[0].Rule != "EC-1" || len(d.Ways) != 1 {
		t.Errorf("%v %+v", err, d)
	}
	often := request()
	often.OrdersPerCustomer = 100 // 100 orders of CNY 285
	if d, err = c.Compare(t.Context(), often); err != nil || len(d.Excluded) != 2 || !strings.Contains(d.Excluded[0].Reason, "a year") {
		t.Errorf("%v %+v", err, d.Excluded)
	}
}

func TestExports(t *testing.T) {
	r := request()
	r.Origin, r.Destination, r.VATPercent = "Qingdao", "Los Angeles", 0
	got, err := comparer(t, fakePlanner{}).Compare(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got)
	store, air, buyer := way(t, got, "9810", ""), way(t, got, "9610", "air"), way(t, got, "9710", "")
	if store.Days.P50 < 48 || store.Days.P90 > 6.5*24 || store.Days.P50 >= air.Days.P50 {
		t.Errorf("the overseas warehouse delivers in %+v", store.Days)
	}
	if store.Order.Amount >= air.Order.Amount || buyer.Order.Amount >= store.Order.Amount {
		t.Errorf("store %v, air %v, buyer %v", store.Order, air.Order, buyer.Order)
	}
	if len(got.Notes) == 0 {
		t.Error("it is not said that duty is left out")
	}
	none, err := comparer(t, fakePlanner{none: true}).Compare(t.Context(), r)
	if err != nil || len(none.Ways) != 0 || len(none.Excluded) != 2 || none.Excluded[0].Rule != "NET-1" {
		t.Errorf("%v %+v", err, none)
	}
}

func TestBadInput(t *testing.T) {
	c := comparer(t, fakePlanner{})
	for _, x := range []struct {
		field  string
		change func(*routing.CommerceRequest)
	}{
		{"orders_per_year", func(r *routing.CommerceRequest) { r.Orders = 0 }},
		{"orders_per_year", func(r *routing.CommerceRequest) { r.Orders = math.NaN() }},
		{"weight_kg", func(r *routing.CommerceRequest) { r.WeightKG = -1 }},
		{"volume_m3", func(r *routing.CommerceRequest) { r.VolumeM3 = math.Inf(1) }},
		{"value", func(r *routing.CommerceRequest) { r.Value.Currency = "XXX" }},
		{"value", func(r *routing.CommerceRequest) { r.Value.Amount = 0 }},
		{"vat_percent", func(r *routing.CommerceRequest) { r.VATPercent = 101 }},
		{"consumption_percent", func(r *routing.CommerceRequest) { r.ConsumptionPercent = 100 }},
		{"unit", func(r *routing.CommerceRequest) { r.Unit = "CRATE" }},
		{"unit", func(r *routing.CommerceRequest) { r.Unit, r.VolumeM3 = routing.GP20, 40 }},
		{"lot_orders", func(r *routing.CommerceRequest) { r.Lot = 1e6 }},
		{"destination", func(r *routing.CommerceRequest) { r.Destination = "Los Angeles" }},
		{"destination", func(r *routing.CommerceRequest) { r.Origin = "Jinan" }},
		{"warehouse", func(r *routing.CommerceRequest) { r.Warehouse = "Los Angeles" }},
	} {
		r := request()
		x.change(&r)
		var input *routing.InputError
		if _, err := c.Compare(t.Context(), r); !errors.As(err, &input) || input.Field != x.field {
			t.Errorf("%s: %v", x.field, err)
		}
	}
	r := request()
	r.Origin = "Atlantis"
	var unknown *geodata.UnknownPlaceError
	if _, err := c.Compare(t.Context(), r); !errors.As(err, &unknown) {
		t.Errorf("Atlantis: %v", err)
	}
}

func TestAnyOrders(t *testing.T) {
	c := comparer(t, fakePlanner{})
	rapid.Check(t, func(rt *rapid.T) {
		r := request()
		if rapid.Bool().Draw(rt, "export") {
			r.Origin, r.Destination = "Urumqi", "Incheon"
		}
		r.Orders = rapid.Float64Range(1, 1e6).Draw(rt, "orders")
		r.WeightKG, r.VolumeM3 = rapid.Float64Range(0.05, 500).Draw(rt, "kg"), rapid.Float64Range(0.0005, 5).Draw(rt, "m3")
		r.Value.Amount = rapid.Float64Range(1, 5000).Draw(rt, "value")
		r.DutyPercent = rapid.Float64Range(0, 60).Draw(rt, "duty")
		got, err := c.Compare(rt.Context(), r)
		if err != nil {
			rt.Fatal(err)
		}
		if len(got.Ways) == 0 {
			rt.Fatal("no way is given")
		}
		check(rt, got)
	})
}

// The cases of the Qingdao report, on the real networks.
func TestReport(t *testing.T) {
	if underRace {
		t.Skip("the real sea is too slow under the race detector; make test runs it without")
	}
	world, err := network.Open()
	if err != nil {
		t.Fatal(err)
	}
	places, err := gazetteer.Open()
	if err != nil {
		t.Fatal(err)
	}
	posts, err := border.Posts()
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	planner, err := search.New(search.Config{World: world, Places: places, Posts: posts, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	c := comparer(t, planner)
	c.Roads, c.Places = world, places

	// Twelve lorries of solid-wood furniture worth 300,000 USD a year to the US.
	// Assumed: an order is a piece of 60 kg and 0.35 m³, a lorry's load is what a
	// 40HC holds, and duty is the same however it comes, so it is left out.
	t.Run("furniture", func(t *testing.T) {
		const lot = 200
		got, err := c.Compare(t.Context(), routing.CommerceRequest{
			Origin: "Jiaozhou", Destination: "Los Angeles", Orders: 12 * lot, Lot: lot, WeightKG: 60, VolumeM3: 0.35,
			Value: routing.Money{Amount: 300_000.0 / (12 * lot), Currency: "USD"}, Depart: now.AddDate(0, 0, 6),
		})
		if err != nil {
			t.Fatal(err)
		}
		check(t, got)
		show(t, got)
		store := way(t, got, "9810", "")
		if math.Abs(store.Lots-12) > 0.01 {
			t.Errorf("%v lots", store.Lots)
		}
		without := way(t, got, "9610", "air")
		if store.Days.P50/24 < 2 || store.Days.P90/24 > 6 || without.Days.P50 < 1.3*store.Days.P50 {
			t.Errorf("with the warehouse %.1f days, without %.1f", store.Days.P50/24, without.Days.P50/24)
		}
		if store.Order.Amount > 0.6*without.Order.Amount {
			t.Errorf("with the warehouse %.0f USD an order, without %.0f", store.Order.Amount, without.Order.Amount)
		}
		if store.Stock.Amount <= 0 || store.Stock.Amount > 0.25*300_000 {
			t.Errorf("stock costs %v a year", store.Stock)
		}
	})

	// Stock from Korea, bonded in Qingdao: the customer has it the same day.
	t.Run("bonded", func(t *testing.T) {
		got, err := c.Compare(t.Context(), routing.CommerceRequest{
			Origin: "Incheon", Destination: "CNTAO", Orders: 100_000, WeightKG: 0.8, VolumeM3: 0.003, Value: routing.Money{Amount: 300, Currency: "CNY"}, VATPercent: 13, DutyPercent: 5,
			Depart: now.AddDate(0, 0, 6),
		})
		if err != nil {
			t.Fatal(err)
		}
		check(t, got)
		show(t, got)
		bonded := way(t, got, "1210", "")
		if bonded.SameDay < 0.5 || bonded.Days.P50 > 12 {
			t.Errorf("P50 %.1f h, the same day %.2f", bonded.Days.P50, bonded.SameDay)
		}
		for _, w := range got.Ways {
			if w.Mode == "9610" && w.SameDay > 0.01 {
				t.Errorf("%s is there the same day", w.Title)
			}
		}
	})
}

func show(t *testing.T, c routing.CommerceComparison) {
	t.Helper()
	for _, w := range c.Ways {
		t.Logf("%-8s %-45s %8.2f USD an order, P50 %5.1f P90 %5.1f days, same day %.2f, stock %.0f USD a year of %.0f orders, by %s (%.1f days)",
			w.Mode, w.Title, w.Order.Amount, w.Days.P50/24, w.Days.P90/24, w.SameDay, w.Stock.Amount, w.Held, w.Freight, w.Lead.P50/24)
	}
}
