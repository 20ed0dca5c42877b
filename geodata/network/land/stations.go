package land

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/paulmach/orb"

	"corridor/geodata/path"
)

// station is where wagons, bogies or containers change between two gauges.
type station struct {
	name  string
	point orb.Point
	mm    [2]int // smaller first
}

// stationReach is how far from the network's change of gauge its station may be:
// the network changes at the border, the cranes stand some way behind it.
const stationReach = 60 // km

func readStations() ([]station, error) {
	file, err := files.ReadFile("stations.csv")
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read embedded stations.csv: %w", err)
	}
	var out []station
	for _, row := range rows[1:] {
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				return nil, fmt.Errorf("read embedded stations.csv: %s: %w", row[0], err)
			}
		}
		out = append(out, station{row[0], orb.Point{v[1], v[0]}, [2]int{int(v[2]), int(v[3])}})
	}
	return out, nil
}

// changeAt names the station near a point where two gauges meet; empty when none
// is known.
func (g *Graph) changeAt(p orb.Point, from, to int) string {
	name, least := "", float64(stationReach)
	for _, s := range g.stations {
		if s.mm != [2]int{min(from, to), max(from, to)} {
			continue
		}
		if km := path.Distance(p, s.point); km < least {
			name, least = s.name, km
		}
	}
	return name
}
