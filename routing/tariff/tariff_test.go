package tariff

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/routing"
)

var day = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func reference(tb testing.TB) *Sheet {
	tb.Helper()
	s, err := Reference()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func nobodyInEU(geodata.Country) bool { return false }

func inEU(c geodata.Country) bool { return c == "DE" || c == "PL" }

func full() Goods { return Goods{Unit: routing.FTL, WeightKG: 24_200} }

func close(a, b float64) bool { return math.Abs(a-b) < 0.005*math.Abs(b)+0.01 }

func TestPricesByHand(t *testing.T) {
	s := reference(t)
	for _, c := range []struct {
		name string
		got  []Item
		want float64 // USD
	}{
		{"TIR, 2,300 km CN and 6,500 km RU at 1.15", s.Road(full(), TIR, []geodata.CountryKM{{Country: "CN", KM: 2300}, {Country: "RU", KM: 6500}}, nobodyInEU), 10_120},
		{"a local lorry, 100 km in China at 4.08", s.Road(full(), Local, []geodata.CountryKM{{Country: "CN", KM: 100}}, nobodyInEU), 408},
		{"a short way has a minimum", s.Road(full(), Local, []geodata.CountryKM{{Country: "CN", KM: 5}}, nobodyInEU), 160},
		{"500 km in Europe: 120 and 1.72 a km, in EUR at 1.16", s.Road(full(), Local, []geodata.CountryKM{{Country: "DE", KM: 500}}, inEU), (120 + 860) * 1.16},
		{"50 km in Europe: the minimum of 450 EUR", s.Road(full(), Local, []geodata.CountryKM{{Country: "DE", KM: 50}}, inEU), 450 * 1.16},
		{"a through train over the lane's own 9,908 km", s.Rail(full(), []geodata.CountryKM{{Country: "CN", KM: 9908}}, Train{Through: true}), 6500},
		{"the same by the Middle Corridor", s.Rail(full(), []geodata.CountryKM{{Country: "CN", KM: 9908}}, Train{Through: true, Middle: true}), 9750},
		{"ERAI's own 5,430 km", s.Rail(full(), []geodata.CountryKM{{Country: "KZ", KM: 2700}, {Country: "RU", KM: 2730}}, Train{}), 3250},
		{"24.2 t, 650 km by rail in China at 1.22 a km for 20 t", s.Rail(full(), []geodata.CountryKM{{Country: "CN", KM: 650}}, Train{}), 959.5},
		{"Shanghai–Rotterdam over its own distance", s.Sea(full(), "east-asia", "n-europe", Voyage{NM: 13_800}), 3485},
		{"half of a rate goes with the distance", s.Sea(full(), "east-asia", "n-europe", Voyage{NM: 27_600}), 3485 * 1.5},
		{"back to Asia", s.Sea(full(), "n-europe", "east-asia", Voyage{NM: 13_800}), 3485 * 0.45},
		{"24.2 t flown to Europe at 4.88", s.Air(full(), "east-asia", "europe"), 24_200 * 4.88},
		{"100 m³ of feathers fly as 16.7 t", s.Air(Goods{Unit: routing.AirULD, WeightKG: 1000, VolumeM3: 100}, "other", "other"), 16_700 * 3.29},
		{"insurance and ten days of 300,000 USD", s.Value(300_000, 240), 1050 + 300_000*0.22*10/365},
	} {
		if got := s.Sum(c.got); !close(got, c.want) {
			t.Errorf("%s: %.2f, want %.2f", c.name, got, c.want)
		}
	}
}

func TestPartLoadsPayTheirShare(t *testing.T) {
	s := reference(t)
	way := []geodata.CountryKM{{Country: "CN", KM: 2000}}
	whole := s.Sum(s.Road(full(), TIR, way, nobodyInEU))
	part := s.Sum(s.Road(Goods{Unit: routing.LTL, WeightKG: 3_000}, TIR, way, nobodyInEU))
	bulky := s.Sum(s.Road(Goods{Unit: routing.LTL, WeightKG: 3_000, VolumeM3: 40}, TIR, way, nobodyInEU))
	if !(part < bulky && bulky < whole) {
		t.Errorf("3 t cost %.0f, 3 t of 40 m³ %.0f, a lorry %.0f", part, bulky, whole)
	}
	if cooled := s.Sum(s.Road(Goods{Unit: routing.FTL, WeightKG: 20_000, Reefer: true}, TIR, way, nobodyInEU)); cooled <= whole {
		t.Errorf("cooled %.0f, not cooled %.0f", cooled, whole)
	}
	if small := s.Sum(s.Sea(Goods{Unit: routing.GP20, WeightKG: 20_000}, "east-asia", "n-europe", Voyage{NM: 13_800})); small >= 3485 {
		t.Errorf("a 20-foot box costs %.0f", small)
	}
}

// Cao county–Qingdao port: the railway is about 40 % cheaper than the road
// (reports of 2024). 24.2 t over some 650 km, with handling at both ends and a
// lorry of 10 km to the train.
func TestCaoCountyRailIsCheaper(t *testing.T) {
	s := reference(t)
	road := s.Sum(s.Road(full(), Local, []geodata.CountryKM{{Country: "CN", KM: 620}}, nobodyInEU))
	rail := s.Sum(s.Rail(full(), []geodata.CountryKM{{Country: "CN", KM: 660}}, Train{})) +
		2*s.Amount(s.RailHandling(full(), "")) + s.Sum(s.Road(full(), Local, []geodata.CountryKM{{Country: "CN", KM: 10}}, nobodyInEU))
	if saved := 1 - rail/road; saved < 0.30 || saved > 0.55 {
		t.Errorf("road %.0f, rail %.0f: %.0f%% saved", road, rail, saved*100)
	}
}

func TestLinesAndStaleness(t *testing.T) {
	s := reference(t)
	line := s.Line(s.Fee("fee.t1", ""), 2, day)
	if line.Amount.Amount != 145 || line.Leg != 2 || line.AsOf != "2026-07-01" || !line.Stale || !strings.Contains(line.Basis, "1.16 USD for 1 EUR") {
		t.Errorf("T1 line: %+v", line)
	}
	fresh := s.Line(s.Fee("fee.tir", ""), -1, day)
	if fresh.Stale || fresh.Origin != "A" || !close(fresh.Low.Amount, 46.4) || !close(fresh.High.Amount, 174) {
		t.Errorf("carnet line: %+v", fresh)
	}
	if undated := s.Line(s.PortHandling(full(), "CN", ""), 0, day); !undated.Stale || undated.AsOf != "" {
		t.Errorf("an undated rate is not stale: %+v", undated)
	}
	r, _ := s.Rate("fee.tir")
	if r.Stale(r.AsOf.Add(StaleAfter)) || !r.Stale(r.AsOf.Add(StaleAfter+time.Hour)) {
		t.Error("the limit is not at 60 days")
	}
}

func TestTotal(t *testing.T) {
	s := reference(t)
	rapid.Check(t, func(rt *rapid.T) {
		ids := []string{"road.tir", "fee.tir", "fee.t1", "sea.else", "road.tir"}
		var lines []Line
		sum, low, high := 0.0, 0.0, 0.0
		for range rapid.IntRange(0, 8).Draw(rt, "lines") {
			item := Item{Rate: rapid.SampledFrom(ids).Draw(rt, "rate"), Quantity: rapid.Float64Range(0, 5000).Draw(rt, "quantity"), Factor: 1}
			l := s.Line(item, 0, day)
			lines = append(lines, l)
			sum, low, high = sum+l.Amount.Amount, low+l.Low.Amount, high+l.High.Amount
		}
		c := Total(lines)
		if math.Abs(c.Total.Amount-sum) > 0.01 || len(c.Lines) != len(lines) {
			rt.Fatalf("total %v of lines that sum to %v", c.Total, sum)
		}
		if c.Low.Amount > c.Total.Amount || c.High.Amount < c.Total.Amount || c.Low.Amount < low-0.02 || c.High.Amount > high+0.02 {
			rt.Fatalf("%v to %v around %v; lines allow %v to %v", c.Low, c.High, c.Total, low, high)
		}
	})
}

func TestUSD(t *testing.T) {
	s := reference(t)
	if v, ok := s.USD(routing.Money{Amount: 100, Currency: "eur"}); !ok || !close(v, 116) {
		t.Errorf("100 EUR are %v", v)
	}
	if _, ok := s.USD(routing.Money{Amount: 1, Currency: "XXX"}); ok {
		t.Error("a rate for XXX")
	}
}

func TestParseRefuses(t *testing.T) {
	head := strings.Join(rateColumns, ",") + "\n"
	fxHead := strings.Join(fxColumns, ",") + "\n"
	for _, c := range []struct{ name, rates, fx, says string }{
		{"no header", "a,b\n", fxCSV, "header"},
		{"a date that is none", head + "x,X,1,,,USD,km,,yesterday,p,P,H,\n", fxCSV, "as_of"},
		{"no value", head + "x,X,,,,USD,km,,2026-01-01,p,P,H,\n", fxCSV, "value"},
		{"a range beside the value", head + "x,X,5,6,7,USD,km,,2026-01-01,p,P,H,\n", fxCSV, "enclose"},
		{"an unknown currency", head + "x,X,5,,,ZZZ,km,,2026-01-01,p,P,H,\n", fxCSV, "exchange rate"},
		{"an unknown origin", head + "x,X,5,,,USD,km,,2026-01-01,p,Z,H,\n", fxCSV, "origin"},
		{"a rate twice", ratesCSV + strings.SplitN(ratesCSV, "\n", 3)[1] + "\n", fxCSV, "twice"},
		{"a rate missing", head, fxCSV, "missing"},
		{"a currency worth nothing", ratesCSV, fxHead + "EUR,0,2026-01-01,p,P,H\n", "usd"},
	} {
		if _, err := Parse(c.rates, c.fx); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want …%s…", c.name, err, c.says)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ratesCSV, fxCSV)
	f.Add("id", "currency")
	f.Fuzz(func(t *testing.T, rates, fx string) {
		s, err := Parse(rates, fx)
		if err != nil {
			return
		}
		for id, r := range s.rates {
			l := s.Line(Item{Rate: id, Quantity: 1, Factor: 1}, 0, day)
			if !(l.Low.Amount <= l.Amount.Amount && l.Amount.Amount <= l.High.Amount) {
				t.Fatalf("%s: %+v", r.ID, l)
			}
		}
	})
}
