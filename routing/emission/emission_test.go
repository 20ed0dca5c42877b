package emission

import (
	"math"
	"strings"
	"testing"

	"corridor/geodata"
)

func reference(t *testing.T) *Factors {
	t.Helper()
	f, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func near(a, b, share float64) bool { return math.Abs(a-b) <= share*math.Abs(b) }

func TestByHand(t *testing.T) {
	f := reference(t)
	no := func(geodata.Country) bool { return false }
	ten := Load{WeightKG: 10_000}
	for _, c := range []struct {
		name string
		got  Result
		want float64
		says string
	}{
		{"10 t, 1000 km in a shared lorry", f.Land(geodata.Road, ten, []geodata.CountryKM{{Country: "DE", KM: 1000}}, no), 890, "GLEC v3.2 p.101"},
		{"the same cooled", f.Land(geodata.Road, Load{WeightKG: 10_000, Reefer: true}, []geodata.CountryKM{{Country: "DE", KM: 1000}}, no), 996.8, "+12%"},
		{"10 t by rail, 1000 km CN and 2000 km RU", f.Land(geodata.Rail, ten, []geodata.CountryKM{{Country: "CN", KM: 1000}, {Country: "RU", KM: 2000}}, no), 430, "assumption"},
		{"10 t by sea, 10000 km", f.Voyage(ten, 10_000, ""), 717, "7.17"},
		{"the same cooled", f.Voyage(Load{WeightKG: 10_000, Reefer: true}, 10_000, ""), 1423, "14.23"},
		{"10 t flown 1400 km", f.Flight(ten, 1400), 19_082, "great-circle"},
		{"10 t flown 5000 km", f.Flight(ten, 5000), 39_400, "great-circle"},
		{"10 t by Panama, 10000 km", f.Voyage(ten, 10_000, "panama"), 804, "GLEC v3.1"},
		{"10 t by ferry, 100 km", f.Ferry(ten, 100), 124.8, "RoPax"},
		{"100 kg in a van, 20 km", f.Van(Load{WeightKG: 100}, 20), 1.684, "GLEC v3.2 p.100"},
		{"10 t over a quay", f.At(Maritime, ten), 107, "GLEC"},
	} {
		if !near(c.got.KG, c.want, 1e-9) || !strings.Contains(c.got.Basis, c.says) {
			t.Errorf("%s: %v kg (%s), want %v kg and %q", c.name, c.got.KG, c.got.Basis, c.want, c.says)
		}
		sum := 0.0
		for _, l := range c.got.Lines {
			sum += l.KG
			again := l.Tonnes * l.Value // a reader must be able to repeat it
			if l.Kind == "transport" {
				again *= l.KM * (1 + l.Uplift) / 1000
			}
			if !near(again, l.KG, 1e-9) || l.Source == "" || l.Origin == "" || l.Factor == "" || l.What == "" ||
				(l.Kind == "transport") != (l.Basis != "" && l.Adjustment != "" && l.Load != "") {
				t.Errorf("%s: line %+v", c.name, l)
			}
		}
		if !near(sum, c.got.KG, 1e-9) {
			t.Errorf("%s: the lines sum to %v of %v", c.name, sum, c.got.KG)
		}
	}
}

// A full lorry lies between the published extremes.
func TestFullLorry(t *testing.T) {
	f := reference(t)
	g := f.PerTKM(geodata.Road, "CN", false, Load{WeightKG: 24_200, Fill: 0.97}, 0)
	if g <= 60 || g >= 89 {
		t.Errorf("a full lorry is given %v g/t-km", g)
	}
}

// Searching and accounting agree.
func TestPerTKMAgreesWithLand(t *testing.T) {
	f := reference(t)
	no := func(geodata.Country) bool { return false }
	for _, m := range []geodata.Mode{geodata.Road, geodata.Rail} {
		for _, l := range []Load{{WeightKG: 1000}, {WeightKG: 24_000, Fill: 1, Reefer: true}} {
			for _, c := range []geodata.Country{"CN", "RU", "MN"} {
				got := f.PerTKM(m, c, false, l, 0) * l.WeightKG / 1000 * 500 / 1000
				want := f.Land(m, l, []geodata.CountryKM{{Country: c, KM: 500}}, no).KG
				if !near(got, want, 1e-9) {
					t.Errorf("%s in %s: %v and %v", m, c, got, want)
				}
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "id\nx", "id,value,unit,basis,daf,source,origin,conf,note\nsea-dry,x,,,,,,,",
		factorsCSV + "sea-dry,1,g/t-km,SFD,check,x,P,H,\n",
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("no error for %.40q", bad)
		}
	}
}

// Every factor is the one of the project's facts (emissions.csv), with its distance
// basis and adjustment: none that holds an adjustment is on a great circle by
// mistake, and air, which is on great circles, holds it.
func TestFactorsAreThePublished(t *testing.T) {
	f := reference(t)
	for id, want := range map[string]struct {
		value             float64
		basis, adjustment string
	}{
		"sea-dry": {7.17, "SFD", "unknown"}, "sea-reefer": {14.23, "SFD", "unknown"}, "sea-panama": {8.04, "SFD", "unknown"}, "sea-ropax": {124.8, "SFD", "unknown"},
		"road-mixed": {89, "SFD", "included"}, "road-full": {60, "SFD", "included"}, "road-van": {842, "SFD", "included"},
		"rail-EU": {18.4, "SFD", "none"}, "rail-diesel": {28, "SFD", "none"}, "rail-CN": {17, "SFD", "none"}, "rail-RU": {13, "SFD", "none"},
		"rail-KZ": {27, "SFD", "none"}, "rail-BY": {12, "SFD", "none"}, "rail-PL": {23, "SFD", "none"},
		"air-short": {1363, "GCD", "included"}, "air-long": {788, "GCD", "included"},
		"hub-transhipment": {0.6, "", "unknown"}, "hub-maritime": {10.7, "", "unknown"}, "hub-warehouse": {17.5, "", "unknown"}, "reefer-uplift": {12, "", "unknown"},
	} {
		r, ok := f.byID[id]
		if !ok || r.Value != want.value || r.Basis != want.basis || adjustment(r.DAF) != want.adjustment {
			t.Errorf("%s: %+v, want %+v", id, r, want)
		}
	}
	if len(f.byID) != 20 {
		t.Errorf("%d factors are not all checked", len(f.byID))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(factorsCSV)
	f.Fuzz(func(t *testing.T, text string) {
		factors, err := Parse(text)
		if err != nil {
			return
		}
		if r := factors.Flight(Load{WeightKG: 1000}, 2000); math.IsNaN(r.KG) || r.KG < 0 {
			t.Fatalf("%+v", r)
		}
	})
}
