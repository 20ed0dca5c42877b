package tariff

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/routing"
	"corridor/routing/timetable"
)

const sheetHead = "carrier,mode,from,to,unit,price,currency,per,valid_from,valid_until,charge,what,min\n"

func readSheet(tb testing.TB, s *Sheet, name, rows string) (CarrierSheet, []Problem) {
	tb.Helper()
	sheet, problems, err := s.ReadSheet(name, strings.NewReader(sheetHead+rows))
	if err != nil {
		tb.Fatal(err)
	}
	return sheet, problems
}

func withSheet(tb testing.TB, rows string) *Sheet {
	tb.Helper()
	s := reference(tb)
	sheet, problems := readSheet(tb, s, "acme.csv", rows)
	if len(problems) > 0 {
		tb.Fatalf("refused: %+v", problems)
	}
	out, err := s.With(sheet)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

var (
	qingdao = timetable.Stop{ID: "sea:CNTAO", Place: "CNTAO", Country: "CN", Region: "east-asia"}
	osaka   = timetable.Stop{ID: "sea:JPOSA", Place: "JPOSA", Country: "JP", Region: "japan"}
	moscow  = timetable.Stop{Place: "RUMOW", Country: "RU", Region: "n-europe"}
)

func TestCarrierPrices(t *testing.T) {
	s := withSheet(t, strings.Join([]string{
		"Acme,sea,CNTAO,JPOSA,40HC,500,USD,unit,2026-11-01,2026-12-31,,,",
		"Acme,sea,CNTAO,JPOSA,40HC,450,USD,unit,2027-01-01,2027-03-31,,,",
		"Acme,sea,CN,JP,40HC,900,USD,unit,2026-11-01,2026-12-31,,,",
		"Acme,sea,CNTAO,JP,40HC,10,USD,%,2026-11-01,2026-12-31,surcharge,Bunker,",
		"Acme,sea,*,*,40HC,30,EUR,unit,2026-11-01,2026-12-31,surcharge,ISPS,",
		"Acme,sea,CNTAO,*,40HC,120,USD,unit,2026-11-01,2026-12-31,thc-origin,,",
		"Basil,sea,CNTAO,JPOSA,40HC,480,USD,unit,2026-11-01,2026-12-31,,,",
		"Acme,sea,CNTAO,JPOSA,LCL,40,USD,wm,2026-11-01,2026-12-31,,,100",
		"Acme,sea,CNTAO,JPOSA,40RF,1500,USD,unit,2026-11-01,2026-12-31,,,",
		"Cargo,road-tir,CNTAO,RUMOW,FTL,10500,USD,unit,2026-11-01,2026-12-31,,,",
		"Wing,air,CN,RU,air,25,CNY,kg,2026-11-01,2026-12-31,,,500",
	}, "\n")+"\n")
	for _, c := range []struct {
		name  string
		goods Goods
		lane  Lane
		want  float64 // USD; 0: no price
	}{
		{"the cheaper of two carriers", full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, 480},
		{"the carrier that sails, with its surcharges: 10 % and 30 EUR", full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day, Carrier: "acme"}, 500 + 50 + 30*1.16},
		{"one carrier barred", full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day, Without: []string{"BASIL"}}, 500 + 50 + 30*1.16},
		{"next year's price", full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day.AddDate(0, 2, 0)}, 450},
		{"the last day", full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC), Carrier: "Acme"}, 500 + 50 + 30*1.16},
		{"after the last day of all", full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day.AddDate(1, 0, 0)}, 0},
		{"not backwards", full(), Lane{Mode: geodata.Sea, From: osaka, To: qingdao, On: day}, 0},
		{"2 t and 3 m³ pay three", Goods{Unit: routing.LCL, WeightKG: 2000, VolumeM3: 3}, Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, 120},
		{"the minimum", Goods{Unit: routing.LTL, WeightKG: 500}, Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, 100},
		{"a reefer is not a dry box", Goods{Unit: routing.FTL, WeightKG: 20_000, Reefer: true}, Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, 1500},
		{"no price for a 20-foot box", Goods{Unit: routing.GP20, WeightKG: 20_000}, Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, 0},
		{"under TIR", full(), Lane{Mode: geodata.Road, TIR: true, From: qingdao, To: moscow, On: day}, 10_500},
		{"not without TIR", full(), Lane{Mode: geodata.Road, From: qingdao, To: moscow, On: day}, 0},
		{"1 t of 12 m³ flies as 2,004 kg", Goods{Unit: routing.AirULD, WeightKG: 1000, VolumeM3: 12}, Lane{Mode: geodata.Air, From: qingdao, To: moscow, On: day}, 2004 * 25 * 0.1405},
	} {
		items, ok := s.Haul(c.goods, c.lane)
		if got := s.Sum(items); ok != (c.want > 0) || !close(got, c.want) {
			t.Errorf("%s: %.2f (%v), want %.2f", c.name, got, ok, c.want)
		}
	}
	item, ok := s.Handling(full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, Origin)
	if !ok || s.Amount(item) != 120 {
		t.Errorf("terminal charge %v %v", item, ok)
	}
	if _, ok := s.Handling(full(), Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}, Destination); ok {
		t.Error("a charge nobody gave")
	}
	items, _ := s.Haul(full(), Lane{Mode: geodata.Road, TIR: true, From: qingdao, To: moscow, On: day})
	line := s.Line(items[0], 0, day)
	if line.Sheet != "acme.csv:11" || line.Kind != "tariff" || line.Stale || line.AsOf != "2026-11-01" || !s.Line(items[0], 0, day.AddDate(0, 3, 0)).Stale {
		t.Errorf("%+v", line)
	}
	if got := s.Carriers(); !slices.Equal(got, []string{"Acme", "Basil", "Cargo", "Wing"}) {
		t.Errorf("carriers %v", got)
	}
	if data := s.Data(); len(data) != 3 || data[2].Name != "sheet acme.csv" || len(data[2].Version) != 12 {
		t.Errorf("%+v", data)
	}
}

func TestOverlapsAreRefusedWithBothLines(t *testing.T) {
	s := reference(t)
	sheet, problems := readSheet(t, s, "acme.csv", "Acme,sea,CNTAO,JPOSA,40HC,500,USD,unit,2026-11-01,2026-12-31,,,\n"+
		"acme,sea,cntao,jposa,40HC,510,USD,unit,2026-12-31,2027-01-31,,,\n"+
		"Acme,sea,CNTAO,JPOSA,40HC,510,USD,unit,2027-02-01,2027-02-28,,,\n"+
		"Acme,sea,CNTAO,JPOSA,40GP,510,USD,unit,2026-11-01,2026-12-31,,,\n")
	if len(sheet.Prices) != 2 || len(problems) != 2 || problems[0].Line != 2 || problems[1].Line != 3 ||
		!strings.Contains(problems[0].Reason, "overlaps line 3") || !strings.Contains(problems[1].Reason, "overlaps line 2") || !strings.Contains(problems[0].Reason, "2026-12-31") {
		t.Errorf("%+v\n%+v", sheet.Prices, problems)
	}
	with, err := s.With(sheet)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := readSheet(t, s, "acme-2.csv", "Acme,sea,CNTAO,JPOSA,40GP,520,USD,unit,2026-12-01,2026-12-31,,,\n")
	var overlap *OverlapError
	if _, err := with.With(other); !errors.As(err, &overlap) || overlap.Line != 2 || overlap.OtherLine != 5 {
		t.Errorf("another sheet: %v", err)
	}
	other.Name = "acme.csv" // under the same name it is a new version
	if again, err := with.With(other); err != nil || len(again.Carriers()) != 1 {
		t.Errorf("a new version: %v", err)
	}
}

func TestReadSheetRefuses(t *testing.T) {
	s := reference(t)
	good := "Acme,sea,CNTAO,JPOSA,40HC,500,USD,unit,2026-11-01,2026-12-31,,,\n"
	for _, c := range []struct{ row, says string }{
		{"Acme,sea,CNTAO,JPOSA,40HC,500,ZZZ,unit,2026-11-01,2026-12-31,,,\n", "exchange rate"},
		{"Acme,sea,CNTAO,JPOSA,FTL,500,USD,unit,2026-11-01,2026-12-31,,,\n", "unit"},
		{"Acme,sea,CNTAO,JPOSA,40HC,0,USD,unit,2026-11-01,2026-12-31,,,\n", "above 0"},
		{"Acme,sea,CNTAO,JPOSA,40HC,NaN,USD,unit,2026-11-01,2026-12-31,,,\n", "price"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,box,2026-11-01,2026-12-31,,,\n", "per"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,%,2026-11-01,2026-12-31,,,\n", "percentage"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,unit,2026-12-01,2026-11-30,,,\n", "before"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,unit,soon,2026-11-30,,,\n", "valid_from"},
		{"Acme,camel,CNTAO,JPOSA,40HC,5,USD,unit,2026-11-01,2026-11-30,,,\n", "mode"},
		{",sea,CNTAO,JPOSA,40HC,5,USD,unit,2026-11-01,2026-11-30,,,\n", "carrier"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,unit,2026-11-01,2026-11-30,bribe,,\n", "charge"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,unit,2026-11-01,2026-11-30,surcharge,,\n", "name"},
		{"Acme,sea,CNTAO,JPOSA,40HC,5,USD,unit,2026-11-01,2026-11-30,,,,,,,\n", "columns"},
	} {
		sheet, problems := readSheet(t, s, "x.csv", c.row+good)
		if len(sheet.Prices) != 1 || len(problems) != 1 || problems[0].Line != 2 || !strings.Contains(problems[0].Reason, c.says) {
			t.Errorf("%s: %+v, want …%s…", c.row, problems, c.says)
		}
	}
	for _, head := range []string{"", "carrier\n", sheetHead[:len(sheetHead)-1] + ",colour\n", "carrier," + sheetHead} {
		if _, _, err := s.ReadSheet("x.csv", strings.NewReader(head)); err == nil {
			t.Errorf("the header %q is taken", head)
		}
	}
}

func TestExchangeRatesAreReplaced(t *testing.T) {
	s := withSheet(t, "Acme,sea,CNTAO,JPOSA,40HC,100,EUR,unit,2026-11-01,2026-12-31,,,\n")
	lane := Lane{Mode: geodata.Sea, From: qingdao, To: osaka, On: day}
	dearer, n, err := s.WithFX("fx.csv", "currency,usd,as_of,source\nEUR,1.5,2026-11-24,ECB\nVND,0.000038,2026-11-24,bank\n")
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	items, _ := dearer.Haul(full(), lane)
	if got := dearer.Sum(items); got != 150 {
		t.Errorf("100 EUR are %v", got)
	}
	if note := dearer.Line(items[0], 0, day).Basis; !strings.Contains(note, "1.5 USD for 1 EUR (ECB, 2026-11-24)") {
		t.Error(note)
	}
	if v, ok := dearer.USD(routing.Money{Amount: 1e6, Currency: "VND"}); !ok || !close(v, 38) {
		t.Error("the new currency is not known")
	}
	if fee := dearer.Amount(dearer.Fee("fee.t1", "")); fee != 125*1.5 {
		t.Errorf("a reference fee of 125 EUR is %v", fee)
	}
	if items, _ := s.Haul(full(), lane); !close(s.Sum(items), 116) {
		t.Error("the old sheet has changed")
	}
	for _, bad := range []string{
		"", "currency,usd\nEUR,1\n", "currency,usd,as_of,source\n", "currency,usd,as_of,source\nEURO,1,2026-11-24,x\n", "currency,usd,as_of,source\nEUR,-1,2026-11-24,x\n",
		"currency,usd,as_of,source\nEUR,1,,x\n", "currency,usd,as_of,source\nEUR,1,2026-11-24,\n", "currency,usd,as_of,source\nUSD,2,2026-11-24,x\n",
		"currency,usd,as_of,source\nEUR,1,2026-11-24,x\neur,2,2026-11-24,x\n",
	} {
		if _, _, err := s.WithFX("fx.csv", bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// However validity periods lie, no two prices kept are valid for the same thing on
// one day, and each one refused clashes with another.
func TestNoDayHasTwoPrices(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var prices []Price
		for i := range rapid.IntRange(0, 12).Draw(rt, "prices") {
			begins := day.AddDate(0, 0, rapid.IntRange(0, 40).Draw(rt, "begins"))
			prices = append(prices, Price{
				Line: i + 2, Carrier: rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "carrier"), Mode: geodata.Sea, Charge: Freight,
				Begins: begins, Ends: begins.AddDate(0, 0, rapid.IntRange(0, 15).Draw(rt, "days")),
			})
		}
		kept, problems := withoutOverlaps(prices)
		if len(kept)+len(problems) != len(prices) {
			rt.Fatalf("%d kept, %d refused of %d", len(kept), len(problems), len(prices))
		}
		for i, p := range prices {
			clashes := false
			for k, o := range prices {
				clashes = clashes || i != k && p.overlaps(o)
			}
			refused := slices.ContainsFunc(problems, func(x Problem) bool { return x.Line == p.Line })
			if refused != clashes {
				rt.Fatalf("line %d: clashes %v, refused %v", p.Line, clashes, refused)
			}
		}
	})
}

func FuzzReadSheet(f *testing.F) {
	s := reference(f)
	f.Add(sheetHead + "Acme,sea,CNTAO,JPOSA,40HC,500,USD,unit,2026-11-01,2026-12-31,,,\nAcme,sea,*,east-asia,LCL,5,EUR,wm,2026-11-01,2026-12-31,surcharge,BAF,3\n")
	f.Add(sheetHead + "\"")
	f.Fuzz(func(t *testing.T, text string) {
		sheet, problems, err := s.ReadSheet("f.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range problems {
			if p.Line < 1 || p.Reason == "" {
				t.Fatalf("%+v", p)
			}
		}
		with, err := s.With(sheet)
		if err != nil {
			t.Fatalf("a sheet without overlaps is refused: %v", err)
		}
		for _, p := range sheet.Prices {
			lane := Lane{Mode: p.Mode, TIR: true, From: qingdao, To: osaka, KM: 1000, On: p.Begins}
			if items, ok := with.Haul(full(), lane); ok {
				for _, i := range items {
					if l := with.Line(i, 0, day); !(l.Low.Amount <= l.Amount.Amount && l.Amount.Amount <= l.High.Amount) {
						t.Fatalf("%+v", l)
					}
				}
			}
		}
	})
}

func FuzzFX(f *testing.F) {
	s := reference(f)
	f.Add("currency,usd,as_of,source\nEUR,1.5,2026-11-24,ECB\n")
	f.Fuzz(func(t *testing.T, text string) {
		with, _, err := s.WithFX("f", text)
		if err != nil {
			return
		}
		for c := range with.fx {
			if v, ok := with.USD(routing.Money{Amount: 1, Currency: c}); !ok || !(v > 0) {
				t.Fatalf("1 %s is %v USD", c, v)
			}
		}
	})
}
