package published

import (
	"strings"
	"testing"
)

func TestDistances(t *testing.T) {
	tests, all, err := Ports()
	if err != nil {
		t.Fatal(err)
	}
	if len(tests) < 40 || len(all) <= len(tests) {
		t.Errorf("%d ports for tests, %d in all", len(tests), len(all))
	}
	rows, err := Distances()
	if err != nil {
		t.Fatal(err)
	}
	counted, held := map[Table]int{}, 0
	seen := map[[3]string]bool{}
	for _, d := range rows {
		if key := [3]string{min(d.From, d.To), max(d.From, d.To), d.Shut}; seen[key] {
			t.Errorf("%v is there twice", key)
		} else {
			seen[key] = true
		}
		if d.Doubt == "" {
			counted[d.Table]++
			if d.Table == Pub151 && d.HeldOut() {
				held++
			}
		}
	}
	if counted[Facts] != 24 || counted[Pub151] < 300 || counted[Chains] < 80 || held < 100 {
		t.Errorf("%v count, %d of them held out", counted, held)
	}
}

func TestDoubt(t *testing.T) {
	_, at, err := Ports()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		d    Distance
		says string
	}{
		{Distance{From: "CNSHA", To: "NLRTM", NM: 10521, Table: Facts}, ""},
		{Distance{From: "CNSHA", To: "SGSIN", NM: 2207, Table: Pub151, MarnetNM: 2230}, ""},
		{Distance{From: "CNSHA", To: "SGSIN", NM: 2207, Table: Pub151, MarnetNM: 2300}, "marnet has +4.2 %"},
		{Distance{From: "CNSHA", To: "SGSIN", NM: 1000, Table: Pub151, MarnetNM: 1000}, "crow"},
		{Distance{From: "CNSHA", To: "SGSIN", NM: 2207, Table: Pub151}, "no way"},
	} {
		got := doubt(c.d, at[c.d.From], at[c.d.To])
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%+v: %q, want %q", c.d, got, c.says)
		}
	}
}
