// Package published holds distances between ports from published tables, for the
// tests of the sea network and its comparison with others. It judges which rows to
// count without a look at what the network answers.
package published

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"strings"

	"corridor/geodata/network/sea/internal/globe"

	"github.com/paulmach/orb"
)

//go:embed ports.csv
var portsCSV string

//go:embed table_ports.csv
var tablePortsCSV string

// marnet.py fills its last column.
//
//go:embed distances.csv
var distancesCSV string

// Table is where a distance is from.
type Table string

// The tables; distances.csv says more of them.
const (
	Facts  Table = "facts"  // the project's own facts
	Pub151 Table = "pub151" // NGA Pub. 151 by way of LINERLIB
	Chains Table = "chains" // sums of its rows, as LINERLIB makes them
)

// Distance is a row of a table.
type Distance struct {
	From, To string // UN/LOCODE
	NM       float64
	Shut     string // passage the way does without; empty for none
	Table    Table
	MarnetNM float64 // what another network says; 0 when it knows no way
	// Doubt is why the row does not count; empty when it does.
	Doubt string
}

// HeldOut reports whether a row belongs to the half that nothing was corrected by.
func (d Distance) HeldOut() bool { return crc32.ChecksumIEEE([]byte(d.From+d.To))&1 == 1 }

// Ports are the positions of the ports of all distances, those of the tests of
// properties apart.
func Ports() (tests, all map[string]orb.Point, err error) {
	tests, all = map[string]orb.Point{}, map[string]orb.Point{}
	for _, f := range []struct {
		text string
		into []map[string]orb.Point
	}{{portsCSV, []map[string]orb.Point{tests, all}}, {tablePortsCSV, []map[string]orb.Point{all}}} {
		rows, err := read(f.text, 4)
		if err != nil {
			return nil, nil, fmt.Errorf("ports: %w", err)
		}
		for _, r := range rows {
			lat, err1 := strconv.ParseFloat(r[2], 64)
			lon, err2 := strconv.ParseFloat(r[3], 64)
			if err1 != nil || err2 != nil {
				return nil, nil, fmt.Errorf("port %v: no position", r)
			}
			for _, m := range f.into {
				m[r[0]] = orb.Point{lon, lat}
			}
		}
	}
	return tests, all, nil
}

// marnetWithin is how near another network that never saw ours must come to a row,
// as part of it, before the row counts: two that agree independently are hardly
// both wrong.
const marnetWithin = 0.03

// Distances are the rows with what is in doubt about them.
func Distances() ([]Distance, error) {
	_, at, err := Ports()
	if err != nil {
		return nil, err
	}
	rows, err := read(distancesCSV, 6)
	if err != nil {
		return nil, fmt.Errorf("distances: %w", err)
	}
	var out []Distance
	for _, r := range rows {
		a, okA := at[r[0]]
		b, okB := at[r[1]]
		nm, err := strconv.ParseFloat(r[2], 64)
		if !okA || !okB || err != nil || nm <= 0 {
			return nil, fmt.Errorf("distance %v: no port or no number", r)
		}
		d := Distance{From: r[0], To: r[1], NM: nm, Shut: r[3], Table: Table(r[4])}
		if r[5] != "" {
			if d.MarnetNM, err = strconv.ParseFloat(r[5], 64); err != nil {
				return nil, fmt.Errorf("distance %v: %w", r, err)
			}
		}
		d.Doubt = doubt(d, a, b)
		out = append(out, d)
	}
	return out, nil
}

// doubt is what speaks against a row. The project's own facts always count.
func doubt(d Distance, a, b orb.Point) string {
	switch {
	case d.Table == Facts:
		return ""
	case d.NM < globe.DistanceKM(a, b)/globe.KMPerNM:
		return "shorter than the crow flies"
	case d.MarnetNM == 0:
		return "marnet knows no way"
	case math.Abs(d.MarnetNM-d.NM) > marnetWithin*d.NM:
		return fmt.Sprintf("marnet has %+.1f %%", 100*(d.MarnetNM-d.NM)/d.NM)
	}
	return ""
}

// read reads the rows after the header of a CSV file with comments.
func read(text string, columns int) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord = '#', columns
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no rows")
	}
	return rows[1:], nil
}
