package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/paulmach/orb/geojson"
)

// theAtlas is opened once for all tests.
var onceAtlas = sync.OnceValues(func() (*atlas, error) { return openAtlas("") })

func theAtlas(string) (*atlas, error) { return onceAtlas() }

func distance(t *testing.T, args ...string) (distanceAnswer, error) {
	t.Helper()
	var out bytes.Buffer
	err := distanceFrom(t.Context(), theAtlas, append(args, "--json"), &out, io.Discard)
	var a distanceAnswer
	if err == nil {
		if err := json.Unmarshal(out.Bytes(), &a); err != nil {
			t.Fatalf("%s: %v", out.Bytes(), err)
		}
	}
	return a, err
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		args     string
		low, top float64 // km
		passage  string
		terminal string // of the start
	}{
		{"CNSHA NLRTM --mode sea", 18800, 20200, "suez", "sea:CNSHA"},
		{"CNSHA NLRTM --mode sea --avoid passage:suez", 24500, 26300, "", "sea:CNSHA"},
		{"--mode sea CNSHA --avoid passage:suez NLRTM", 24500, 26300, "", "sea:CNSHA"},
		{"CNTAO RUMOW --mode road", 7500, 9500, "", ""},
		{"CNTAO RUMOW --mode air", 5800, 6700, "", "air:TAO"},
		{"PVG FRA --mode air", 8600, 9000, "", "air:PVG"},
		{"Jiaozhou Selyatino --mode rail", 7000, 9800, "", "rail:cn-jiaozhou"},
		{"Shekou 22.0,115.0 --mode sea", 100, 250, "", "sea:CNSHK"},
		{"-33.92,151.20 AUMEL --mode sea", 950, 1250, "", "sea:AUSYD"},
	} {
		a, err := distance(t, strings.Fields(tt.args)...)
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		if a.DistanceKM < tt.low || a.DistanceKM > tt.top {
			t.Errorf("%s: %.0f km, want %.0f to %.0f", tt.args, a.DistanceKM, tt.low, tt.top)
		}
		if nm := a.DistanceKM / 1.852; a.DistanceNM < nm-0.1 || a.DistanceNM > nm+0.1 {
			t.Errorf("%s: %.1f km are not %.1f nautical miles", tt.args, a.DistanceKM, a.DistanceNM)
		}
		if tt.passage != "" && !strings.Contains(strings.Join(a.Passages, " "), tt.passage) {
			t.Errorf("%s: passages %v, want %s among them", tt.args, a.Passages, tt.passage)
		}
		if a.From.Terminal != tt.terminal {
			t.Errorf("%s: begins at %q, want %q", tt.args, a.From.Terminal, tt.terminal)
		}
	}
}

func TestDistanceOfAShip(t *testing.T) {
	a, err := distance(t, strings.Fields("USLAX NLMSV --mode sea --draught 16m")...)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.TooShallow) != 1 || a.TooShallow[0].Passage != "panama" || a.TooShallow[0].TakesM != 15.2 || strings.Contains(strings.Join(a.Passages, " "), "panama") {
		t.Errorf("drawing 16 m: by %v, too shallow %+v; want Panama barred", a.Passages, a.TooShallow)
	}
	if a, err = distance(t, strings.Fields("CNSHA NLRTM --mode sea --avoid passage:+northern-sea-route")...); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(a.Passages, " "), "northern-sea-route") {
		t.Errorf("with the Northern Sea Route open: by %v", a.Passages)
	}
	for args, says := range map[string]string{
		"RUNVS NLRTM --mode sea --draught 18":              "Bosporus (bosporus) takes 17 m, the ship draws 18 m",
		"Kuryk NLRTM --mode sea":                           "Caspian Sea",
		"CNSHA NLRTM --mode sea --draught deep":            "write metres from 0 to 30",
		"CNSHA NLRTM --mode sea --price sues=3":            `no passage "sues"`,
		"CNSHA NLRTM --mode sea --price suez=cheap":        "nautical miles from 0 to 30,000",
		"CNTAO RUMOW --mode road --draught 4m":             "use them with --mode sea",
		"CNSHA NLRTM --mode sea --avoid passage:+atlantis": `no passage "atlantis"`,
	} {
		if _, err := distance(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", args, err, says)
		}
	}
}

func TestDistanceCrossesBorders(t *testing.T) {
	a, err := distance(t, "CNTAO", "RUMOW", "--mode", "road", "--geometry")
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Borders) == 0 || a.Borders[0].From != "CN" || a.Borders[0].ID == "" || a.Borders[0].Name == "" {
		t.Errorf("borders %+v", a.Borders)
	}
	if _, err := geojson.UnmarshalGeometry(a.Geometry); err != nil {
		t.Errorf("geometry: %v", err)
	}
	// Shut, its post is not passed, and the way is no shorter.
	b, err := distance(t, "CNTAO", "RUMOW", "--mode", "road", "--avoid", "border:"+a.Borders[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if b.DistanceKM < a.DistanceKM-0.2 || len(b.Borders) > 0 && b.Borders[0].ID == a.Borders[0].ID {
		t.Errorf("round %s: %.0f km by %+v", a.Borders[0].ID, b.DistanceKM, b.Borders)
	}
}

func TestDistanceRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "two places",
		"CNTAO":                        "two places",
		"CNTAO RUMOW RULED --mode sea": "two places",
		"CNTAO RUMOW":                  "--mode",
		"CNTAO RUMOW --mode ship":      `unknown mode "ship"`,
		"CNTAO RUMOW --speed 3":        "speed",
		"Quindao RUMOW --mode road":    "Qingdao CNTAO",
		"91,10 RUMOW --mode road":      "latitude 91",
		"CNTAO RUMOW --mode sea":       "Moscow RUMOW has no seaport within 60 km",
		"CNTAO RUMOW --mode road --avoid country:XX":  "no country",
		"CNTAO NLRTM --mode sea --avoid passage:suze": "no passage",
		"CNTAO RUMOW --mode road --avoid border:NOPE": "no border post",
		"CNTAO RUMOW --mode road --avoid RU":          "country:RU",
		"CNTAO RUMOW --mode road --avoid country:RU":  "RUMOW",
	} {
		if _, err := distance(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error about %q", args, err, want)
		}
	}
	if err := distanceCommand(t.Context(), []string{"-h"}, nil, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

func TestDistanceByAir(t *testing.T) {
	free, err := distance(t, "FRA", "PVG", "--mode", "air")
	if err != nil {
		t.Fatal(err)
	}
	if d := free.FlownKM - free.DistanceKM; d < 124.8 || d > 125.2 || len(free.Closed) != 0 {
		t.Errorf("%.1f km flown of %.1f, closed %v", free.FlownKM, free.DistanceKM, free.Closed)
	}
	round, err := distance(t, "FRA", "PVG", "--mode", "air", "--carrier-of", "de")
	if err != nil {
		t.Fatal(err)
	}
	if round.DistanceKM <= free.DistanceKM || len(round.Closed) == 0 || round.Closed[0].AsOf == "" {
		t.Errorf("%.0f km, straight %.0f, closed %v", round.DistanceKM, free.DistanceKM, round.Closed)
	}
	for args, want := range map[string]string{"CNSHA NLRTM --mode sea --carrier-of DE": "for --mode air", "FRA PVG --mode air --carrier-of XX": "no such country", "FRA SVO --mode air --carrier-of DE": "airspace is avoided"} {
		if _, err := distance(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

func TestDistanceForPeople(t *testing.T) {
	var out bytes.Buffer
	if err := distanceFrom(t.Context(), theAtlas, []string{"Qingdao", "Hamburg", "--mode=sea"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Qingdao CNTAO → Hamburg DEHAM by sea", "nautical miles", "suez"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out.String(), want)
		}
	}
}
