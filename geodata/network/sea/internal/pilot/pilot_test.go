package pilot

import (
	"regexp"
	"testing"
)

func TestPassages(t *testing.T) {
	ps, err := Passages()
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, p := range ps {
		switch {
		case !id.MatchString(p.ID):
			t.Errorf("id %q: want lower-case words joined by hyphens", p.ID)
		case seen[p.ID]:
			t.Errorf("%s twice", p.ID)
		case len(p.Gates) == 0:
			t.Errorf("%s has no gate", p.ID)
		case p.Kind != "weight" && (p.Names.EN == "" || p.Names.ZH == "" || p.Names.RU == ""):
			t.Errorf("%s lacks a name", p.ID)
		case p.DraughtM < 0 || p.PenaltyNM < 0:
			t.Errorf("%s has a negative limit", p.ID)
		}
		seen[p.ID] = true
		for _, g := range p.Gates {
			if len(g) < 2 {
				t.Errorf("%s: a gate of %d points", p.ID, len(g))
			}
		}
	}
	if len(ps) > 64 {
		t.Errorf("%d passages: at most 64 fit a set", len(ps))
	}
	for _, id := range []string{
		"suez", "panama", "kiel", "corinth", "malacca", "singapore", "sunda", "lombok", "torres",
		"taiwan", "korea", "tsugaru", "la-perouse", "bab-el-mandeb", "hormuz", "gibraltar", "dover",
		"oresund", "great-belt", "bosporus", "dardanelles", "kerch", "magellan", "cape-of-good-hope",
		"cape-horn", "northern-sea-route", "elbe", "scheldt", "yangtze", "new-waterway", "houston",
		"new-york", "saint-petersburg",
	} {
		if !seen[id] {
			t.Errorf("no passage %q", id)
		}
	}
}

func TestLanesAndShoals(t *testing.T) {
	lanes, err := Lanes()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lanes {
		if len(l.Line) < 2 {
			t.Errorf("lane %s has %d points", l.Name, len(l.Line))
		}
	}
	shoals, err := Shoals()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shoals {
		if len(s.Ring) < 3 {
			t.Errorf("shoal %s has %d points", s.Name, len(s.Ring))
		}
	}
}

func TestParseLineRefuses(t *testing.T) {
	for _, s := range []string{"12", "12,", "x,12", "91,0", "0,400", "12;13"} {
		if _, err := parseLine(s); err == nil {
			t.Errorf("%q is read", s)
		}
	}
}
