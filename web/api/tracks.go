package api

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"math"
	"mime"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"corridor/tracking"
)

// drawing asks for no more of a track than a screen can show.
type drawing struct {
	ToleranceM float64 `query:"tolerance_m" minimum:"0" maximum:"100000" doc:"Leave out fixes within so many metres of the line through those that stay"`
	Zoom       float64 `query:"zoom" minimum:"0" maximum:"24" doc:"Instead of tolerance_m: the zoom of a web map the track is drawn on; what is left out is less than half a pixel at the equator"`
}

func (d drawing) metres() float64 {
	if d.ToleranceM > 0 || d.Zoom == 0 {
		return d.ToleranceM
	}
	const metresAround, pixelsAround = 40_075_017, 512 // at zoom 0
	return metresAround / pixelsAround / math.Exp2(d.Zoom) / 2
}

// fileOutput is an answer in one of several media types.
type fileOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

const (
	geoJSONType = "application/geo+json"
	gpxType     = "application/gpx+xml"
	csvType     = "text/csv"
)

// trackFile answers with the track in the form asked for; what the JSON form is
// the caller says.
func trackFile(format, accept, name string, fixes []tracking.Fix, jsonForm func() any) (*fileOutput, error) {
	if format == "" {
		format = preferred(accept)
	}
	switch format {
	case "gpx":
		body, err := encodeGPX(name, fixes)
		return &fileOutput{gpxType, body}, err
	case "csv":
		body, err := encodeCSV(fixes)
		return &fileOutput{csvType + "; charset=utf-8", body}, err
	}
	v := jsonForm()
	body, err := json.Marshal(v)
	if _, isFeature := v.(feature); isFeature {
		return &fileOutput{geoJSONType, body}, err
	}
	return &fileOutput{"application/json", body}, err
}

// preferred is the first form the client names; weights are not worth the code
// for three forms.
func preferred(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		switch media {
		case gpxType:
			return "gpx"
		case csvType:
			return "csv"
		case "application/json", geoJSONType, "*/*":
			return "json"
		}
	}
	return "json"
}

// feature is a GeoJSON Feature.
type feature struct {
	Type       string          `json:"type" enum:"Feature"`
	Geometry   *geometry       `json:"geometry" doc:"LineString; MultiLineString when the track crosses ±180°; Point for one fix; null for none. Fixes that are not believed are left out: CSV and the units' tracks have them, with the doubt"`
	Properties trackProperties `json:"properties"`
}

type geometry struct {
	Type        string `json:"type" enum:"Point,LineString,MultiLineString"`
	Coordinates any    `json:"coordinates"`
}

type trackProperties struct {
	Shipment  tracking.ShipmentID `json:"shipment"`
	Unit      tracking.UnitID     `json:"unit,omitempty"`
	Times     []time.Time         `json:"times" nullable:"false" doc:"Device time of each position of the geometry, in order"`
	SpeedsKMH []*float64          `json:"speeds_kmh" nullable:"false" doc:"Speed at each position; null when the device gave none"`
	Simulated bool                `json:"simulated,omitempty"`
}

// believed are the fixes that are drawn: where the unit is not believed to have been is
// told by the forms that are lists, with the reason.
func believed(fixes []tracking.Fix) []tracking.Fix {
	out := make([]tracking.Fix, 0, len(fixes))
	for _, f := range fixes {
		if f.Believed() {
			out = append(out, f)
		}
	}
	return out
}

func trackFeature(s tracking.Shipment, fixes []tracking.Fix) feature {
	fixes = believed(fixes)
	f := feature{Type: "Feature", Properties: trackProperties{
		Shipment: s.ID, Unit: s.Unit, Simulated: s.Simulated,
		Times: make([]time.Time, 0, len(fixes)), SpeedsKMH: make([]*float64, 0, len(fixes)),
	}}
	var parts [][][2]float64
	for i, x := range fixes {
		// A step of more than half the globe is a step over ±180°: RFC 7946 wants
		// the line cut there.
		if i == 0 || math.Abs(x.Lon-fixes[i-1].Lon) > 180 {
			parts = append(parts, nil)
		}
		k := len(parts) - 1
		parts[k] = append(parts[k], [2]float64{round5(x.Lon), round5(x.Lat)})
		f.Properties.Times = append(f.Properties.Times, x.Time.UTC())
		var speed *float64
		if v, ok := x.SpeedKMH.Get(); ok {
			v = math.Round(v*10) / 10
			speed = &v
		}
		f.Properties.SpeedsKMH = append(f.Properties.SpeedsKMH, speed)
	}
	for k := range parts {
		if len(parts[k]) == 1 && len(fixes) > 1 {
			parts[k] = append(parts[k], parts[k][0]) // a line has two ends
		}
	}
	switch {
	case len(fixes) == 1:
		f.Geometry = &geometry{"Point", parts[0][0]}
	case len(parts) == 1:
		f.Geometry = &geometry{"LineString", parts[0]}
	case len(parts) > 1:
		f.Geometry = &geometry{"MultiLineString", parts}
	}
	return f
}

// round5 keeps about a metre.
func round5(deg float64) float64 { return math.Round(deg*1e5) / 1e5 }

type gpxFile struct {
	XMLName xml.Name   `xml:"http://www.topografix.com/GPX/1/1 gpx"`
	Version string     `xml:"version,attr"`
	Creator string     `xml:"creator,attr"`
	Name    string     `xml:"trk>name"`
	Points  []gpxPoint `xml:"trk>trkseg>trkpt"`
}

type gpxPoint struct {
	Lat  float64   `xml:"lat,attr"`
	Lon  float64   `xml:"lon,attr"`
	Time time.Time `xml:"time"`
}

func encodeGPX(name string, fixes []tracking.Fix) ([]byte, error) {
	g := gpxFile{Version: "1.1", Creator: "Corridor", Name: name}
	for _, f := range believed(fixes) {
		g.Points = append(g.Points, gpxPoint{f.Lat, f.Lon, f.Time.UTC()})
	}
	body, err := xml.MarshalIndent(g, "", " ")
	return append([]byte(xml.Header), body...), err
}

func encodeCSV(fixes []tracking.Fix) ([]byte, error) {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	measure := func(m tracking.Measure) string {
		if v, ok := m.Get(); ok {
			return strconv.FormatFloat(v, 'f', -1, 32)
		}
		return ""
	}
	rows := [][]string{{"unit", "time", "lat", "lon", "speed_kmh", "course_deg", "accuracy_m", "received", "simulated", "doubt"}}
	for _, f := range fixes {
		rows = append(rows, []string{
			cell(string(f.Unit)), f.Time.UTC().Format(time.RFC3339Nano), number(f.Lat), number(f.Lon),
			measure(f.SpeedKMH), measure(f.CourseDeg), measure(f.AccuracyM), f.Received.UTC().Format(time.RFC3339Nano), strconv.FormatBool(f.Simulated), f.Doubt.String(),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// cell keeps spreadsheets from running a unit's name as a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// trackContent documents the forms of a track.
func (a *api) trackContent(jsonType string, form reflect.Type) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{
		jsonType: {Schema: a.huma.OpenAPI().Components.Schemas.Schema(form, true, "")},
		gpxType:  {Schema: &huma.Schema{Type: huma.TypeString, Description: "GPX 1.1 with one track"}},
		csvType:  {Schema: &huma.Schema{Type: huma.TypeString, Description: "One row a fix, with a header"}},
	}
}
