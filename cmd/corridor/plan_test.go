package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

func TestPlanFlags(t *testing.T) {
	f := planFlags{weight: "24.2t", volume: "60m3", unit: "40HC", depart: "2026-12-01", arriveBy: "2026-12-18", modes: "rail, road", avoid: "country:RU,passage:suez", hs: "0808", temp: "-2..8", value: "300000 usd", lang: "zh"}
	req, assumed, err := f.request("CNTAO", "RUMOW")
	if err != nil {
		t.Fatal(err)
	}
	c := req.Cargo
	if assumed != "" || c.WeightKG != 24_200 || c.VolumeM3 != 60 || c.Unit != routing.HC40 || *c.TempC != [2]float64{-2, 8} || *c.Value != (routing.Money{Amount: 300_000, Currency: "USD"}) {
		t.Errorf("cargo %+v, assumed %q", c, assumed)
	}
	if !req.Depart.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) || !req.ArriveBy.Equal(time.Date(2026, 12, 18, 23, 59, 59, 0, time.UTC)) {
		t.Errorf("from %v to %v", req.Depart, req.ArriveBy)
	}
	if len(req.Modes) != 2 || req.Modes[1] != geodata.Road || len(req.Avoid) != 2 {
		t.Errorf("modes %v, avoid %v", req.Modes, req.Avoid)
	}
	if _, assumed, err := (&planFlags{unit: "FTL", lang: "en"}).request("A", "B"); err != nil || assumed == "" {
		t.Errorf("without a weight: %q %v", assumed, err)
	}
	for _, bad := range []planFlags{
		{weight: "heavy"},
		{weight: "5 stone"},
		{weight: "t"},
		{volume: "0"},
		{volume: "60l"},
		{temp: "cold"},
		{temp: "2-8"},
		{value: "300000"},
		{value: "USD"},
		{depart: "soon"},
		{arriveBy: "31.12.2026"},
		{lang: "tlh"},
	} {
		bad.unit = "FTL"
		if bad.lang == "" {
			bad.lang = "en"
		}
		if req, _, err := bad.request("A", "B"); err == nil {
			t.Errorf("%+v gives %+v", bad, req)
		}
	}
}

func TestPlanNeedsTwoPlaces(t *testing.T) {
	for _, args := range [][]string{{}, {"CNTAO"}, {"CNTAO", "RUMOW", "KZALA"}, {"CNTAO", "RUMOW", "--weight", "x"}, {"CNTAO", "RUMOW", "--wait"}} {
		var usage *usageError
		if err := planCommand(t.Context(), args, nil, &bytes.Buffer{}, &bytes.Buffer{}); !errors.As(err, &usage) {
			t.Errorf("%v: %v, want a usage error", args, err)
		}
	}
}

func TestSheet(t *testing.T) {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	usd := func(v float64) routing.Money { return routing.Money{Amount: v, Currency: "USD"} }
	plan := routing.Plan{
		Request:     routing.Request{Cargo: routing.Cargo{WeightKG: 24_200, Unit: routing.FTL}, Depart: at},
		Origin:      routing.Point{Code: "CNTAO", Kind: "place", Name: geodata.Names{EN: "Qingdao", ZH: "青岛"}},
		Destination: routing.Point{Code: "RUMOW", Kind: "place", Name: geodata.Names{EN: "Moscow", ZH: "莫斯科"}},
		Options: []routing.Option{{
			Title: "Road TIR via 满洲里（内蒙古自治区呼伦贝尔市满洲里口岸公路口岸区）", Corridor: "road-tir", TransitHours: routing.Hours{P50: 216, P90: 290},
			Cost: routing.Cost{Total: usd(11_000), Low: usd(9_000), High: usd(13_000), Lines: []routing.CostLine{{Stale: true}}}, CO2eKG: 14_500, OnTime: 0.7,
			Arrive: routing.Instants{P50: at.AddDate(0, 0, 9), P90: at.AddDate(0, 0, 12)}, Why: "Fastest by land", OnTimeBasis: "to arrive in time",
			Legs: []routing.Leg{{Mode: geodata.Road, DistanceKM: 8_800, Borders: []routing.Border{{Name: "Manzhouli–Zabaikalsk", DwellHours: routing.Hours{P50: 18, P90: 72}}}}},
		}},
		Excluded: []routing.Excluded{{Title: "Road without TIR", Rule: "ROAD-1", Reason: strings.Repeat("Because of a long reason. ", 12)}},
	}
	var out bytes.Buffer
	s := newSheet(&out, "zh")
	s.plan(&plan, "")
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"青岛 CNTAO → 莫斯科 RUMOW", "24.2 t FTL", "11,000", "9,000–13,000", "9.0–12.1", "14.5", "14 of 20", "Manzhouli–Zabaikalsk 18–72 h", "ROAD-1", "Fastest by land"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("colour where there is no terminal")
	}
	header, row := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if columnsOf(line) > 110 {
			t.Errorf("%d columns: %s", columnsOf(line), line)
		}
		if strings.Contains(line, "days P50–P90") {
			header = line
		}
		if strings.HasPrefix(line, "1 ") {
			row = line
		}
	}
	if columnsOf(header) != columnsOf(row) {
		t.Errorf("columns do not align:\n%s\n%s", header, row)
	}
}

func TestColumns(t *testing.T) {
	if got := columnsOf("青岛 Q"); got != 6 {
		t.Errorf("%d columns", got)
	}
	if got := cut("青岛港口", 5); columnsOf(got) > 5 || !strings.HasSuffix(got, "…") {
		t.Errorf("cut to %q", got)
	}
	if grouped(1_234_567) != "1,234,567" || grouped(999) != "999" || grouped(-1234) != "-1,234" {
		t.Error("thousands")
	}
}
