package air

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"corridor/geodata"
)

//go:embed closures.csv
var closuresCSV string

// Closure is an airspace that carriers of some country may not enter in fact.
type Closure struct {
	Country geodata.Country
	geodata.Origin
}

// ClosedTo lists the airspaces closed to the carriers of a country, by country. Nothing
// is avoided because of it: whoever asks for a way sets it, since most cargo can choose
// a carrier of another country.
func ClosedTo(carriers geodata.Country) ([]Closure, error) {
	in := csv.NewReader(strings.NewReader(closuresCSV))
	in.FieldsPerRecord = 5
	rows, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("closures.csv: %w", err)
	}
	var out []Closure
	for _, row := range rows[1:] {
		who := strings.Fields(row[0])
		if row[0] != "*" && !slices.Contains(who, string(carriers)) {
			continue
		}
		for _, c := range strings.Fields(row[1]) {
			country := geodata.Country(c)
			known := slices.ContainsFunc(out, func(x Closure) bool { return x.Country == country })
			// A row of groups closes no country to its own carriers; "*" does.
			if country == carriers && row[0] != "*" || known {
				continue
			}
			confidence := "M"
			if row[3] == "A" {
				confidence = "L"
			}
			out = append(out, Closure{country, geodata.Origin{Kind: row[3], Confidence: confidence, Source: row[4], AsOf: row[2]}})
		}
	}
	slices.SortFunc(out, func(a, b Closure) int { return strings.Compare(string(a.Country), string(b.Country)) })
	return out, nil
}
