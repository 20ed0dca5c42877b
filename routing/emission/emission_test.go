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
		{"10 t by sea, 10000 km", f.Voyage(ten, 10_000), 717, "7.17"},
		{"the same cooled", f.Voyage(Load{WeightKG: 10_000, Reefer: true}, 10_000), 1423, "14.23"},
		{"10 t flown 1400 km", f.Flight(ten, 1400), 19_082, "great-circle"},
		{"10 t flown 5000 km", f.Flight(ten, 5000), 39_400, "great-circle"},
		{"10 t over a quay", f.At(Maritime, ten), 107, "GLEC"},
	} {
		if !near(c.got.KG, c.want, 1e-9) || !strings.Contains(c.got.Basis, c.says) {
			t.Errorf("%s: %v kg (%s), want %v kg and %q", c.name, c.got.KG, c.got.Basis, c.want, c.says)
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
