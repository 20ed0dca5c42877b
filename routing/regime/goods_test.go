package regime

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/routing"
)

func TestKnownHS(t *testing.T) {
	for code, want := range map[string]bool{
		"01": true, "77": false, "98": false, "0808": true, "080810": true, "0808100010": true, "0809": true, "0815": false, "080811": false,
		"08081": true, "08082": false, "9403": true, "940360": true, "9706": true, "9707": false, "": false, "0": false, "08o8": false, "080810001000": false, "854231": true, "220710": true,
	} {
		if got := KnownHS(code); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
	headings, subheadings := 0, 0
	for line := range strings.Lines(hsCodes) {
		headings++
		subheadings += len(strings.Fields(line)) - 1
	}
	if headings != 1228 || subheadings != 5612 { // as the nomenclature of 2022 has
		t.Errorf("%d headings, %d subheadings", headings, subheadings)
	}
}

// What TIR bars and embargoes name are codes that exist.
func TestListedCodesExist(t *testing.T) {
	for _, code := range append(append([]string{}, barredTIR...), embargoed...) {
		if !KnownHS(code) {
			t.Errorf("%s is not in the harmonised system", code)
		}
	}
}

func TestUN(t *testing.T) {
	for number, want := range map[string]string{"3480": "9", "UN3480": "9", "un 1203": "3", "0336": "1.4", "1005": "2.3"} {
		if s, known, assigned := UN(number); !known || !assigned || s.Class != want || s.Name == "" {
			t.Errorf("%s: %+v %v %v, want class %s", number, s, known, assigned, want)
		}
	}
	for number, assigned := range map[string]bool{"1004": true, "0999": false, "9999": false, "0000": false, "348": false, "34800": false, "abcd": false, "": false, "0600": false} {
		if _, known, got := UN(number); known || got != assigned {
			t.Errorf("%q: known %v, assigned %v", number, known, got)
		}
	}
	last := ""
	for line := range strings.Lines(unNumbers) {
		parts := strings.Split(strings.TrimSpace(line), ",")
		if parts[0] == "un" {
			continue
		}
		if _, _, assigned := UN(parts[0]); !assigned || parts[0] <= last || !KnownClass(parts[1]) {
			t.Errorf("%s: not assigned, out of order, or of no class", line)
		}
		last = parts[0]
	}
}

func TestCheckDangerous(t *testing.T) {
	for _, c := range []struct{ class, un, want, field string }{
		{"", "", "", ""},
		{"3", "", "3", ""},
		{"", "3480", "9", ""},
		{"", "UN 1950", "2.1", ""},
		{"2", "1950", "2.1", ""},
		{"2.1", "1950", "2.1", ""},
		{"8", "1003", "", "cargo.dg"},
		{"3", "1004", "3", ""}, // not on the list: the class that is given counts
		{"", "1004", "", "cargo.un"},
		{"", "9999", "", "cargo.un"},
		{"12", "", "", "cargo.dg"},
	} {
		got, err := CheckDangerous(c.class, c.un)
		field := ""
		if err != nil {
			field = err.Field
		}
		if got != c.want || field != c.field {
			t.Errorf("class %q UN %q: %q %v, want %q at %q", c.class, c.un, got, err, c.want, c.field)
		}
	}
}

func TestLithium(t *testing.T) {
	for _, c := range []struct {
		mode   geodata.Mode
		un     string
		belly  bool
		charge float64
		rule   string
	}{
		{geodata.Air, "3480", false, 0, ""},
		{geodata.Air, "3480", false, 30, ""},
		{geodata.Air, "3480", false, 31, "LI-AIR-2"},
		{geodata.Air, "3480", true, 20, "LI-AIR-1"},
		{geodata.Air, "3090", true, 0, "LI-AIR-1"},
		{geodata.Air, "3481", true, 90, ""},
		{geodata.Air, "3091", true, 0, ""},
		{geodata.Rail, "3480", false, 0, "LI-RAIL"},
		{geodata.Rail, "3090", false, 0, "LI-RAIL"},
		{geodata.Rail, "3481", false, 0, ""},
		{geodata.Sea, "3480", false, 100, ""},
		{geodata.Road, "3090", false, 0, ""},
		{geodata.Air, "1203", true, 0, ""},
		{geodata.Air, "", true, 0, ""},
	} {
		if got := Lithium(c.mode, c.un, c.belly, c.charge).Rule.ID; got != c.rule {
			t.Errorf("UN %s by %s, belly %v, %g %%: %q, want %q", c.un, c.mode, c.belly, c.charge, got, c.rule)
		}
	}
	if LithiumAdvice(geodata.Air, "3480", 0) == "" || LithiumAdvice(geodata.Rail, "3481", 0) == "" || LithiumAdvice(geodata.Sea, "3480", 0) != "" {
		t.Error("advice is missing, or given where there is none")
	}
}

func TestCarnetTerms(t *testing.T) {
	for _, c := range []struct {
		terms *routing.TIRTerms
		value float64
		rule  string
	}{
		{nil, 1e7, ""},
		{&routing.TIRTerms{}, 1e7, ""}, // an assumed share forbids nothing
		{&routing.TIRTerms{Offices: 8}, 0, ""},
		{&routing.TIRTerms{Offices: 9}, 0, "TIR-5"},
		{&routing.TIRTerms{Unapproved: true}, 0, "TIR-6"},
		{&routing.TIRTerms{Unapproved: true, HeavyOrBulky: true}, 0, ""},
		{&routing.TIRTerms{DutiesPercent: 20}, 500_000, ""},
		{&routing.TIRTerms{DutiesPercent: 20}, 500_001, "TIR-4"},
		{&routing.TIRTerms{DutiesPercent: 20, GuaranteeEUR: 60_000}, 400_000, "TIR-4"},
	} {
		if got := Carnet(c.terms, c.value).Rule.ID; got != c.rule {
			t.Errorf("%+v, EUR %g: %q, want %q", c.terms, c.value, got, c.rule)
		}
	}
	if !Guarantee(400_000, nil).Broken() || Guarantee(300_000, nil).Broken() {
		t.Error("the assumed share is not 30 %")
	}
	for _, bad := range []routing.TIRTerms{{Offices: 1}, {Offices: -2}, {GuaranteeEUR: -1}, {DutiesPercent: -1}, {DutiesPercent: 5000}} {
		if CheckTerms(&bad) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// A longer way never has a carnet of fewer countries, and the EU counts once.
func TestCarnetCountries(t *testing.T) {
	for way, want := range map[string]int{"CN RU": 2, "CN KZ RU BY PL DE FR": 5, "CN CN KZ": 2, "DE CH FR": 3, "RU": 1, "": 0} {
		if got := CarnetCountries(countries(way)); got != want {
			t.Errorf("%s: %d, want %d", way, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		way := rapid.SliceOf(rapid.SampledFrom(countries("CN KZ RU BY PL DE FR TR GE"))).Draw(rt, "way")
		more := append(append([]geodata.Country{}, way...), rapid.SampledFrom(countries("CN KZ PL")).Draw(rt, "next"))
		if a, b := CarnetCountries(way), CarnetCountries(more); a > b || b > a+1 {
			rt.Fatalf("%v: %d, %v: %d", way, a, more, b)
		}
	})
}

func FuzzGoodsCodes(f *testing.F) {
	f.Add("0808", "UN 3480", "9")
	f.Fuzz(func(t *testing.T, hs, un, class string) {
		if KnownHS(hs) && !KnownHS(hs[:2]) {
			t.Fatalf("%q is known and its chapter is not", hs)
		}
		got, err := CheckDangerous(class, un)
		if err == nil && got != "" && !KnownClass(got) {
			t.Fatalf("class %q UN %q gives %q", class, un, got)
		}
	})
}
