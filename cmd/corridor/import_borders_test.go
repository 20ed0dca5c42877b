package main

import (
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/geodata/border"
)

func TestImportBorders(t *testing.T) {
	data := t.TempDir()
	file := writeFile(t, "posts.csv", border.StatusHeader+`
KHO-NUR,congested,48,120,2026-11-01,2026-12-01,2026-11-20,our agent at Khorgos
KHO-NUR,closed,,,2026-11-10,2026-11-12,2026-11-09,notice of the post
PET,normal,2,9,,,2026-11,our lorries
NOPE,closed,,,,,2026,nobody
`)
	out, err := importAs(t, data, "borders", file)
	if err != nil || !strings.Contains(out, "3 ") || !strings.Contains(out, "line 5") {
		t.Fatalf("%v\n%s", err, out)
	}
	c, err := openConditions(data)
	if err != nil {
		t.Fatal(err)
	}
	day := func(d int) time.Time { return time.Date(2026, 11, d, 12, 0, 0, 0, time.UTC) }
	for _, want := range []struct {
		post, regime string
		day          int
	}{{"KHO-NUR", "congested", 9}, {"KHO-NUR", "closed", 11}, {"KHO-NUR", "congested", 13}, {"PET", "normal", 1}} {
		if s, ok := c.Border(want.post, day(want.day)); !ok || s.Regime != want.regime || s.AsOf == "" || s.Source == "" {
			t.Errorf("%s on day %d is %+v, want %s", want.post, want.day, s, want.regime)
		}
	}
	if s, _ := c.Border("KHO-NUR", day(9)); *s.Dwell != (geodata.Dwell{P50: 48, P90: 120}) {
		t.Errorf("dwell is %+v", s.Dwell)
	}
	for _, none := range []struct {
		post string
		at   time.Time
	}{{"KHO-NUR", day(1).AddDate(0, -1, 0)}, {"KHO-NUR", day(1).AddDate(0, 1, 0)}, {"MZL-ZAB-R", day(1)}} {
		if s, ok := c.Border(none.post, none.at); ok {
			t.Errorf("%s at %s is %+v, want the reference", none.post, none.at, s)
		}
	}
	// A file that is none leaves what is there; one with the header alone takes all away.
	for _, bad := range []string{"colour\nred\n", border.StatusHeader + "\nNOPE,closed,,,,,2026,nobody\n"} {
		if _, err := importAs(t, data, "borders", writeFile(t, "bad.csv", bad)); err == nil {
			t.Errorf("%q is imported", bad)
		}
	}
	if c, err := openConditions(data); err != nil || len(c.posts) != 2 {
		t.Errorf("after a bad file %v, %v", c, err)
	}
	if _, err := importAs(t, data, "borders", writeFile(t, "none.csv", border.StatusHeader+"\n")); err != nil {
		t.Error(err)
	}
	if c, err := openConditions(data); err != nil || len(c.posts) != 0 {
		t.Errorf("after an empty table %v, %v", c, err)
	}
}
