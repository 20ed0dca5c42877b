package routing

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"corridor/geodata"
)

// This file gives a plan the other forms people ask for: GeoJSON for maps, CSV for
// tables, a page to print.

// Format is a form of a plan.
type Format string

// Forms of a plan.
const (
	JSON    Format = "json"
	GeoJSON Format = "geojson"
	CSV     Format = "csv"
	HTML    Format = "html"
)

// Formats lists the forms.
func Formats() []Format { return []Format{JSON, GeoJSON, CSV, HTML} }

// MediaType is the media type of a form.
func (f Format) MediaType() string {
	switch f {
	case GeoJSON:
		return "application/geo+json"
	case CSV:
		return "text/csv; charset=utf-8"
	case HTML:
		return "text/html; charset=utf-8"
	}
	return "application/json"
}

// Write writes a plan in a form.
func (p *Plan) Write(w io.Writer, f Format) error {
	switch f {
	case JSON:
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(p)
	case GeoJSON:
		return p.writeGeoJSON(w)
	case CSV:
		return p.writeCSV(w)
	case HTML:
		return p.writeHTML(w)
	}
	return fmt.Errorf("unknown format %q: use json, geojson, csv or html", f)
}

type feature struct {
	Type       string          `json:"type"`
	Geometry   json.RawMessage `json:"geometry"`
	Properties map[string]any  `json:"properties"`
}

// writeGeoJSON writes a FeatureCollection (RFC 7946): a line for each leg, a point
// for each border that is crossed.
func (p *Plan) writeGeoJSON(w io.Writer) error {
	features := []feature{}
	point := func(lat, lon float64, properties map[string]any) {
		raw := fmt.Appendf(nil, `{"type":"Point","coordinates":[%s,%s]}`, strconv.FormatFloat(lon, 'f', -1, 64), strconv.FormatFloat(lat, 'f', -1, 64))
		features = append(features, feature{"Feature", raw, properties})
	}
	point(p.Origin.Lat, p.Origin.Lon, map[string]any{"kind": "origin", "name": p.Origin.Name.EN, "code": p.Origin.Code})
	point(p.Destination.Lat, p.Destination.Lon, map[string]any{"kind": "destination", "name": p.Destination.Name.EN, "code": p.Destination.Code})
	for i := range p.Options {
		o := &p.Options[i]
		for k := range o.Legs {
			l := &o.Legs[k]
			features = append(features, feature{"Feature", l.Geometry, map[string]any{
				"kind": "leg", "option": o.ID, "title": o.Title, "rank": i + 1, "leg": k, "mode": l.Mode, "from": l.From.Name.EN, "to": l.To.Name.EN,
				"distance_km": l.DistanceKM, "estimated": l.Estimated, "service": l.Service, "regime": l.Regime, "depart": l.Depart, "arrive": l.Arrive,
				"transit_hours": l.TransitHours, "cost": l.Cost, "co2e_kg": l.CO2eKG,
			}})
			for _, b := range l.Borders {
				point(b.Lat, b.Lon, map[string]any{
					"kind": "border", "option": o.ID, "id": b.ID, "name": b.Name, "from": b.From, "to": b.To, "dwell_hours": b.DwellHours, "regime": b.Regime,
				})
			}
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"type": "FeatureCollection", "features": features, "plan": p.ID, "created": p.Created, "data": p.Data})
}

// writeCSV writes a row for each leg of each option; what belongs to the option is
// repeated, so that a table can be sorted and filtered.
func (p *Plan) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"rank", "option", "title", "corridor", "cost", "cost_low", "cost_high", "currency", "p50_hours", "p90_hours", "arrive_p50", "arrive_p90", "on_time", "option_co2e_kg",
		"leg", "mode", "from", "from_country", "to", "to_country", "distance_km", "estimated", "service", "regime", "borders", "depart", "arrive", "leg_p50_hours", "leg_p90_hours", "leg_cost", "leg_co2e_kg",
	}}
	number := func(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	for i := range p.Options {
		o := &p.Options[i]
		for k := range o.Legs {
			l := &o.Legs[k]
			borders := make([]string, len(l.Borders))
			for n, b := range l.Borders {
				borders[n] = b.ID
			}
			rows = append(rows, []string{
				strconv.Itoa(i + 1), cell(o.ID), cell(o.Title), o.Corridor, number(o.Cost.Total.Amount), number(o.Cost.Low.Amount), number(o.Cost.High.Amount), o.Cost.Total.Currency,
				number(o.TransitHours.P50), number(o.TransitHours.P90), at(o.Arrive.P50), at(o.Arrive.P90), strconv.FormatFloat(o.OnTime, 'f', -1, 64), number(o.CO2eKG),
				strconv.Itoa(k), string(l.Mode), cell(l.From.Name.EN), string(l.From.Country), cell(l.To.Name.EN), string(l.To.Country), number(l.DistanceKM), strconv.FormatBool(l.Estimated),
				cell(l.Service), l.Regime, cell(strings.Join(borders, " ")), at(l.Depart), at(l.Arrive), number(l.TransitHours.P50), number(l.TransitHours.P90), number(l.Cost.Amount), number(l.CO2eKG),
			})
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

//go:embed print.html
var printHTML string

// writeHTML writes a page that needs nothing else, to print or to keep.
func (p *Plan) writeHTML(w io.Writer) error {
	page, err := template.New("plan").Funcs(template.FuncMap{
		"money": func(m Money) string { return thousands(m.Amount) + " " + m.Currency },
		"days":  func(h float64) string { return strconv.FormatFloat(math.Round(h/2.4)/10, 'f', 1, 64) },
		"hours": func(h float64) string { return strconv.FormatFloat(math.Round(h), 'f', 0, 64) },
		"km":    thousands,
		"t":     func(kg float64) string { return strconv.FormatFloat(math.Round(kg/10)/100, 'f', -1, 64) },
		"kg":    func(kg float64) string { return strconv.FormatFloat(math.Round(kg*10)/10, 'f', -1, 64) },
		"twenty": func(odds float64) int {
			return int(math.Round(odds * 20))
		},
		"day":  func(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006") },
		"at":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" },
		"inc":  func(i int) int { return i + 1 },
		"name": func(n geodata.Names) string { return n.EN },
		"origin": func(kind string) string {
			return map[string]string{"P": "published", "G": "public file", "K": "general knowledge", "A": "assumption"}[kind]
		},
		"percent": func(v float64) string { return strconv.FormatFloat(math.Round(v*100), 'f', 0, 64) + " %" },
	}).Parse(printHTML)
	if err != nil {
		return fmt.Errorf("the template of the page: %w", err)
	}
	return page.Execute(w, p)
}

func thousands(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
