package routing_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

func plan() *routing.Plan {
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	usd := func(v float64) routing.Money { return routing.Money{Amount: v, Currency: "USD"} }
	leg := routing.Leg{
		Mode: geodata.Rail, From: routing.Point{Name: geodata.Names{EN: "=Qingdao"}, Country: "CN"}, To: routing.Point{Name: geodata.Names{EN: "Moscow"}, Country: "RU"},
		DistanceKM: 8400, Service: "Train <b>", Depart: at, Arrive: at.AddDate(0, 0, 15), Cost: usd(6200), CO2eKG: 4000, Geometry: json.RawMessage(`{"type":"LineString","coordinates":[[120,36],[37,55]]}`),
		Borders:   []routing.Border{{ID: "ALA-DOS-T", Name: "Alashankou–Dostyk", From: "CN", To: "KZ", Lat: 45, Lon: 82}},
		CO2eLines: []routing.EmissionLine{{What: "Rail in KZ", Kind: "transport", Value: 27, Unit: "g/t-km", Basis: "SFD", Adjustment: "none", KM: 3000, KG: 4000, Source: "grid", Origin: "A"}},
	}
	return &routing.Plan{
		ID: "p1", Created: at, Request: routing.Request{Cargo: routing.Cargo{WeightKG: 24_200, Unit: routing.FTL, Value: &routing.Money{Amount: 50_000, Currency: "USD"}}, Depart: at},
		Origin: routing.Point{Code: "CNTAO", Name: geodata.Names{EN: "Qingdao"}, Lat: 36, Lon: 120}, Destination: routing.Point{Name: geodata.Names{EN: "Moscow"}, Lat: 55, Lon: 37},
		Options: []routing.Option{{
			ID: "rail", Title: "Rail", Corridor: "rail", Cost: routing.Cost{Total: usd(6200), Low: usd(5800), High: usd(6900), Lines: []routing.CostLine{{What: "Rail freight", Amount: usd(6200), Basis: "1 box", AsOf: "2025-01-31", Source: "index", Origin: "P", Stale: true}}},
			TransitHours: routing.Hours{P50: 360, P90: 460}, OnTime: 0.72, CO2eKG: 4000, Legs: []routing.Leg{leg}, Risks: []string{"Snow."},
		}},
		Excluded: []routing.Excluded{{Title: "Road", Rule: "ROAD-1", Reason: "No."}}, CO2eMethod: "ISO 14083", Data: []routing.Data{{Name: "rates", Version: "abcdef012345"}},
	}
}

func write(t *testing.T, p *routing.Plan, f routing.Format) string {
	t.Helper()
	var b strings.Builder
	if err := p.Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGeoJSON(t *testing.T) {
	var got struct {
		Type     string
		Features []struct {
			Type       string
			Geometry   struct{ Type string }
			Properties map[string]any
		}
	}
	if err := json.Unmarshal([]byte(write(t, plan(), routing.GeoJSON)), &got); err != nil {
		t.Fatal(err)
	}
	kinds := ""
	for _, f := range got.Features {
		kinds += f.Properties["kind"].(string) + ":" + f.Geometry.Type + " "
	}
	if got.Type != "FeatureCollection" || kinds != "origin:Point destination:Point leg:LineString border:Point " {
		t.Errorf("%s %s", got.Type, kinds)
	}
	if text := write(t, &routing.Plan{}, routing.GeoJSON); strings.Contains(text, `"features":null`) {
		t.Error("features are null")
	}
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(write(t, plan(), routing.CSV))).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v %v", rows, err)
	}
	row := map[string]string{}
	for i, h := range rows[0] {
		row[h] = rows[1][i]
	}
	if row["cost"] != "6200" || row["from"] != "'=Qingdao" || row["borders"] != "ALA-DOS-T" || row["arrive"] != "2026-12-16T00:00:00Z" || row["leg_co2e_kg"] != "4000" {
		t.Errorf("%v", row)
	}
}

func TestPage(t *testing.T) {
	page := write(t, plan(), routing.HTML)
	for _, want := range []string{"Qingdao to Moscow", "24.2 t", "6,200 USD", "14 of 20", "15.0–19.2", "Train &lt;b&gt;", "ROAD-1", "2025-01-31", `class="old"`, "27 g/t-km", "3,000 km SFD, none", "abcdef012345", "@media print", "Snow."} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "http") {
		t.Error("the page needs something else")
	}
	empty := write(t, &routing.Plan{}, routing.HTML)
	if !strings.Contains(empty, "No corridor can be offered") {
		t.Error("a plan without options says nothing")
	}
	if err := plan().Write(&strings.Builder{}, "pdf"); err == nil {
		t.Error("a format that is none is written")
	}
}
