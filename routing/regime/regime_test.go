package regime

import (
	"slices"
	"strings"
	"testing"

	"corridor/geodata"
)

func countries(s string) []geodata.Country {
	var out []geodata.Country
	for c := range strings.FieldsSeq(s) {
		out = append(out, geodata.Country(c))
	}
	return out
}

func TestTIR(t *testing.T) {
	for _, c := range []struct{ way, hs, rule string }{
		{"CN RU", "", ""},
		{"CN RU", "0808", ""},
		{"CN KZ RU", "080810", ""},
		{"CN RU", "2402.20", "TIR-2"},
		{"CN RU", "240220", "TIR-2"},
		{"CN RU", "2402209000", "TIR-2"},
		{"CN RU", "2402", "TIR-2"},
		{"CN RU", "240290", ""},
		{"CN RU", "22", "TIR-2"},
		{"CN RU", "2208", "TIR-2"},
		{"CN VN", "", "TIR-1"},
		{"CN KR", "", "TIR-1"},
		{"CN KZ RU BY PL DE FR ES PT", "", ""}, // the EU is one territory
		{"CN KG KZ UZ TJ AF IR TR SY JO SA", "", "TIR-3"},
	} {
		if got := TIR(countries(c.way), strings.ReplaceAll(c.hs, ".", "")); got.Rule.ID != c.rule {
			t.Errorf("%s HS %q: rule %q (%s), want %q", c.way, c.hs, got.Rule.ID, got.Reason, c.rule)
		}
	}
}

func TestVouchers(t *testing.T) {
	for n, want := range map[int]int{2: 4, 3: 6, 4: 14, 7: 14, 8: 20, 10: 20, 11: 0} {
		if got := Vouchers(n); got != want {
			t.Errorf("%d countries: %d vouchers, want %d", n, got, want)
		}
	}
}

func TestAreas(t *testing.T) {
	for _, c := range []struct {
		mode geodata.Mode
		a, b geodata.Country
		same bool
	}{
		{geodata.Road, "DE", "PL", true},
		{geodata.Road, "DE", "CH", true},
		{geodata.Road, "RU", "BY", true},
		{geodata.Road, "RU", "KZ", false},
		{geodata.Rail, "RU", "KZ", true},
		{geodata.Rail, "BY", "PL", false},
		{geodata.Road, "CN", "HK", false},
		{geodata.Road, "", "", true},
	} {
		if got := Area(c.mode, c.a) == Area(c.mode, c.b); got != c.same {
			t.Errorf("%s and %s by %s: same area %v", c.a, c.b, c.mode, got)
		}
	}
	for _, area := range []string{"EU", "EAEU", "RU-BY", "CN"} {
		inside := AreaCountries(area)
		out := Outside(area)
		if len(inside)+len(out) != len(strings.Fields(allCountries)) {
			t.Errorf("%s: %d countries inside and %d outside are not all", area, len(inside), len(out))
		}
		for _, c := range inside {
			if slices.Contains(out, c) || !Known(c) {
				t.Errorf("%s: %s is inside and outside, or unknown", area, c)
			}
		}
	}
}

// The groups of free movement are the areas.
func TestFreeMovement(t *testing.T) {
	for _, m := range []geodata.Mode{geodata.Road, geodata.Rail} {
		for _, group := range FreeMovement(m) {
			if len(group) < 2 {
				t.Errorf("%s: a group of %d", m, len(group))
			}
			for _, c := range group {
				if Area(m, c) != Area(m, group[0]) {
					t.Errorf("%s: %s and %s are not in one area", m, c, group[0])
				}
			}
			if len(AreaCountries(Area(m, group[0]))) != len(group) {
				t.Errorf("%s: the group of %s is not its area", m, group[0])
			}
		}
	}
}

func TestRoadPayload(t *testing.T) {
	if v := RoadPayload(countries("CN RU"), 24_200); v.Broken() {
		t.Errorf("the report's own lorry is refused: %s", v.Reason)
	}
	if v := RoadPayload(countries("CN RU BY PL"), 27_000); v.Rule.ID != "ROAD-2" || !strings.Contains(v.Reason, "PL") {
		t.Errorf("27 t into the EU: %+v", v)
	}
}

func TestDangerousAndFlightsAndExport(t *testing.T) {
	for _, c := range []struct {
		mode  geodata.Mode
		class string
		rule  string
	}{
		{geodata.Road, "3", ""},
		{geodata.Road, "1.4", "DG-ROAD"},
		{geodata.Rail, "6.1", ""},
		{geodata.Rail, "6.2", "DG-RAIL"},
		{geodata.Air, "1.1", "DG-AIR"},
		{geodata.Air, "2.2", ""},
		{geodata.Air, "2.3", "DG-AIR"},
		{geodata.Sea, "7", "DG-SEA"},
		{geodata.Sea, "", ""},
	} {
		if got := Dangerous(c.mode, c.class).Rule.ID; got != c.rule {
			t.Errorf("class %s by %s: %q, want %q", c.class, c.mode, got, c.rule)
		}
	}
	if !Flight("DE", "RU").Broken() || !Flight("RU", "JP").Broken() || Flight("CN", "RU").Broken() || Flight("TR", "RU").Broken() {
		t.Error("flight bans are wrong")
	}
	if !Through("KP", "CN", "RU").Broken() || Through("KP", "CN", "KP").Broken() || Through("MN", "CN", "RU").Broken() {
		t.Error("transit is barred wrongly")
	}
	if v, listed := Export("DE", "RU", "854231"); v.Rule.ID != "EMB-1" || !listed {
		t.Errorf("chips from DE to RU: %+v %v", v, listed)
	}
	if v, listed := Export("DE", "RU", "080810"); v.Broken() || !listed {
		t.Errorf("apples from DE to RU: %+v %v", v, listed)
	}
	if _, listed := Export("CN", "RU", "854231"); listed {
		t.Error("China has no such list")
	}
}

func TestRulesAreDistinctAndSpoken(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.ID == "" || r.Text == "" || r.Origin.Kind == "" || seen[r.ID] {
			t.Errorf("rule %+v is empty or there twice", r)
		}
		seen[r.ID] = true
	}
}

func TestDrivingSpeed(t *testing.T) {
	// Qingdao–Moscow in seven days means 1,250 km a day: two drivers.
	if two := DrivingSpeedKMH(80.5, 2) * 24; two < 1_250 {
		t.Errorf("two drivers make %.0f km a day", two)
	}
	if one := DrivingSpeedKMH(80.5, 1) * 24; one > 1_000 {
		t.Errorf("one driver makes %.0f km a day", one)
	}
}
