package border_test

import (
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/border"
	"corridor/geodata/path"
)

func posts(t *testing.T) map[string]geodata.BorderPost {
	t.Helper()
	all, err := border.Posts()
	if err != nil {
		t.Fatal(err)
	}
	byID := make(map[string]geodata.BorderPost, len(all))
	for _, p := range all {
		byID[p.ID] = p
	}
	return byID
}

func TestPosts(t *testing.T) {
	byID := posts(t)
	if len(byID) < 53 {
		t.Errorf("%d posts, want all 53 of the facts", len(byID))
	}
	for id, p := range byID {
		if p.Names.ZH == "" || p.Names.RU == "" {
			t.Errorf("%s has no Chinese or Russian name", id)
		}
		if p.GaugeChange && !p.Serves(geodata.Rail) {
			t.Errorf("%s changes gauge without rails", id)
		}
	}
	pet := byID["PET"]
	want := geodata.Regime{Name: "congested", Dwell: geodata.Dwell{P50: 72, P90: 240}, AsOf: "2025-09"}
	if len(pet.Regimes) != 1 || pet.Regimes[0] != want {
		t.Errorf("PET regimes = %v, want %v", pet.Regimes, want)
	}
	if pet.Dwell != (geodata.Dwell{P50: 6, P90: 36}) {
		t.Errorf("PET normal dwell = %v", pet.Dwell)
	}
	if nar := byID["NAR"]; !nar.Closed || len(nar.Modes) != 0 {
		t.Errorf("Narva must be closed to freight: %+v", nar)
	}
	if srk := byID["SRK"]; !srk.Serves(geodata.Road) || !srk.Serves(geodata.Rail) || !srk.GaugeChange {
		t.Errorf("Sarakhs takes road and rail with a change of gauge: %+v", srk)
	}
	if akt := byID["AKT-ALT"]; !akt.Serves(geodata.Sea) || akt.Sides[1] != (orb.Point{49.4042, 40.0169}) {
		t.Errorf("Aktau–Alat is a ferry to Alat: %+v", akt)
	}
	if mzl := byID["MZL-ZAB-T"]; mzl.Gauges != [2]int{1435, 1520} || mzl.Other("CN") != "RU" {
		t.Errorf("Manzhouli by rail: %+v", mzl)
	}
	if ala := byID["ALA-DOS-T"]; ala.DwellOrigin != (geodata.Origin{Kind: "P", Confidence: "H", Source: "mean 30.5 h (2022)", AsOf: "2022"}) {
		t.Errorf("Alashankou origin = %+v", ala.DwellOrigin)
	}
	if luh := byID["LUH"]; luh.Hours != "07:00-19:00" {
		t.Errorf("Luhamaa hours = %q", luh.Hours)
	}
}

// Every side lies in its country, near the post. Ferries join two ports.
func TestSides(t *testing.T) {
	a, err := area.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all(t) {
		for i, side := range p.Sides {
			if c, _ := a.Country(side); c != p.Countries[i] {
				t.Errorf("%s: side %d at %v is in %q, want %s", p.ID, i, side, c, p.Countries[i])
			}
			if km := path.Distance(side, p.Point); km > 32 && !p.Serves(geodata.Sea) && !strings.Contains(p.Note, "ferry") {
				t.Errorf("%s: side %d is %.0f km away", p.ID, i, km)
			}
		}
		if p.Sides[0] == p.Sides[1] {
			t.Errorf("%s has one point for both sides", p.ID)
		}
		if p.Names.ZH == "" || p.Names.RU == "" {
			t.Errorf("%s has no Chinese or Russian name", p.ID)
		}
	}
}

func all(t *testing.T) []geodata.BorderPost {
	t.Helper()
	known, err := border.Posts()
	if err != nil {
		t.Fatal(err)
	}
	others, err := border.Others()
	if err != nil {
		t.Fatal(err)
	}
	return append(known, others...)
}

func TestOthers(t *testing.T) {
	ids, pairs := map[string]bool{}, map[[2]geodata.Country]bool{}
	for _, p := range all(t) {
		if ids[p.ID] {
			t.Errorf("%s is there twice", p.ID)
		}
		ids[p.ID] = true
		pair := p.Countries
		if pair[0] > pair[1] {
			pair[0], pair[1] = pair[1], pair[0]
		}
		pairs[pair] = true
	}
	if len(pairs) < 90 {
		t.Errorf("%d pairs of countries, want 90", len(pairs))
	}
	others, _ := border.Others()
	for _, p := range others {
		if p.DwellOrigin.Kind != "A" || p.DwellOrigin.Confidence == "H" {
			t.Errorf("%s: a dwell nobody published says %+v", p.ID, p.DwellOrigin)
		}
	}
	t.Logf("%d posts, %d pairs", len(ids), len(pairs))
}

func TestReadRefuses(t *testing.T) {
	const head = "id,name,countries,mode,lat,lon,gauge_change,dwell_p50_h,dwell_p90_h,dwell_origin,coord_origin,conf,note\n"
	for _, tt := range []struct{ what, csv, want string }{
		{"no header", "", "header"},
		{"other header", "a,b\n", "header"},
		{"latitude", head + "X,X,CN-RU,road,91,0,,1,2,A,G,M,\n", "line 2: lat, lon"},
		{"not a number", head + "X,X,CN-RU,road,NaN,0,,1,2,A,G,M,\n", "line 2: lat, lon"},
		{"one country", head + "X,X,CN,road,1,0,,1,2,A,G,M,\n", "countries"},
		{"same country", head + "X,X,CN-CN,road,1,0,,1,2,A,G,M,\n", "countries"},
		{"mode", head + "X,X,CN-RU,donkey,1,0,,1,2,A,G,M,\n", "mode"},
		{"gauge", head + "X,X,CN-RU,rail,1,0,1435,1,2,A,G,M,\n", "gauge"},
		{"dwell order", head + "X,X,CN-RU,road,1,0,,3,2,A,G,M,\n", "dwell"},
		{"open without dwell", head + "X,X,CN-RU,road,1,0,,,,A,G,M,\n", "dwell"},
		{"origin", head + "X,X,CN-RU,road,1,0,,1,2,Z,G,M,\n", "dwell_origin"},
		{"confidence", head + "X,X,CN-RU,road,1,0,,1,2,A,G,,\n", "conf"},
		{"twice", head + "X,X,CN-RU,road,1,0,,1,2,A,G,M,\nX,X,CN-RU,road,1,0,,1,2,A,G,M,\n", "line 3: id X is there twice"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			_, err := border.Read(strings.NewReader(tt.csv))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one about %q", err, tt.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("id,name,countries,mode,lat,lon,gauge_change,dwell_p50_h,dwell_p90_h,dwell_origin,coord_origin,conf,note\nPET,Zhana Zhol–Petukhovo,KZ-RU,road,55.065,67.887,,6,36,A,G,M,regime congested Sep 2025: P50 72 P90 240\n")
	f.Fuzz(func(t *testing.T, s string) {
		posts, err := border.Read(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, p := range posts {
			if p.ID == "" || p.Countries[0] == p.Countries[1] || p.Point[1] < -90 || p.Point[1] > 90 {
				t.Errorf("accepted %+v", p)
			}
		}
	})
}

// What a planner crosses has a name to show in every language, and nothing is there
// twice.
func TestAll(t *testing.T) {
	all, err := border.All()
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[[2]geodata.Country]bool{}
	seen := map[string]bool{}
	for _, p := range all {
		if seen[p.ID] {
			t.Errorf("%s is there twice", p.ID)
		}
		seen[p.ID] = true
		if p.Names.EN == "" || p.Names.ZH == "" || p.Names.RU == "" {
			t.Errorf("%s lacks a name: %+v", p.ID, p.Names)
		}
		a, b := p.Countries[0], p.Countries[1]
		pairs[[2]geodata.Country{min(a, b), max(a, b)}] = true
	}
	for id := range posts(t) {
		if !seen[id] {
			t.Errorf("%s is left out", id)
		}
	}
	if len(pairs) < 90 {
		t.Errorf("%d pairs of countries, want 90", len(pairs))
	}
}

// Lorries under carnets cross where somebody says so, and nowhere into a country
// that is not party to the Convention.
func TestTIR(t *testing.T) {
	all, err := border.All()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]geodata.Known{
		"KHO-NUR": geodata.Yes, "MZL-ZAB-R": geodata.Yes, "PET": geodata.Yes, "KAP": geodata.Yes,
		"YYG": geodata.No, "MOH": geodata.No, "USMX-LAR": geodata.No,
		"KHO-ALT": geodata.Unknown, "NOSE-SVI": geodata.Unknown,
	}
	known := 0
	for _, p := range all {
		if tir, ok := want[p.ID]; ok && p.TIR != tir {
			t.Errorf("%s takes carnets: %v, want %v", p.ID, p.TIR, tir)
		}
		delete(want, p.ID)
		if p.TIR == geodata.Unknown {
			continue
		}
		known++
		if p.TIROrigin.Source == "" || p.TIROrigin.AsOf == "" {
			t.Errorf("%s: carnets %v, but nobody says so: %+v", p.ID, p.TIR, p.TIROrigin)
		}
		if !p.Serves(geodata.Road) {
			t.Errorf("%s takes carnets %v without a road", p.ID, p.TIR)
		}
	}
	for id := range want {
		t.Errorf("there is no post %s", id)
	}
	t.Logf("known of %d posts in %d", known, len(all))
}

// A post of the wider list is taken beside the facts' own unless it is one of them
// or lies where they tell all there is.
func TestMore(t *testing.T) {
	all, err := border.All()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, p := range all {
		ids[p.ID] = true
	}
	for id, want := range map[string]bool{
		"KZRU-AUY": true, "KZRU-KOT": true, "KZRU-URL": true, "CNRU-HUN-R": true,
		"LTBY-SAL": false, "LVRU-GRE": false, "PLBY-KUZ": false,
	} {
		if ids[id] != want {
			t.Errorf("%s is there: %v, want %v", id, ids[id], want)
		}
	}
}
