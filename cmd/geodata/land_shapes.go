package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"corridor/geodata"
	"corridor/geodata/network/land"
)

// land_shapes.csv gives places that long straight edges of the source really
// pass, so that a lorry there is not far off the line drawn.
//
//go:embed land_shapes.csv
var landShapes string

func (w *lines) shapes(mode geodata.Mode) error {
	rows, err := csv.NewReader(strings.NewReader(landShapes)).ReadAll()
	if err != nil {
		return err
	}
	g := w.grid()
	for _, row := range rows[1:] {
		if row[0] != string(mode) {
			continue
		}
		var ends [2]int32
		for i := range ends {
			lat, err := strconv.ParseFloat(row[1+2*i], 64)
			if err != nil {
				return fmt.Errorf("shape %s: %w", row[6], err)
			}
			lon, err := strconv.ParseFloat(row[2+2*i], 64)
			if err != nil {
				return fmt.Errorf("shape %s: %w", row[6], err)
			}
			best, gap := int32(-1), 1_000.0
			g.within(units(lat), units(lon), gap, func(n int32, d float64) {
				if d < gap {
					best, gap = n, d
				}
			})
			ends[i] = best
		}
		via, err := places(row[5])
		if err != nil {
			return fmt.Errorf("shape %s: %w", row[6], err)
		}
		found := false
		for i := range w.edges {
			e := &w.edges[i]
			switch {
			case e.a == ends[0] && e.b == ends[1]:
				e.shape, found = via, true
			case e.a == ends[1] && e.b == ends[0]:
				e.shape, found = slices.Clone(via), true
				slices.Reverse(e.shape)
			}
		}
		if !found {
			return fmt.Errorf("shape %s: the source has no such edge", row[6])
		}
	}
	return nil
}

// places reads "lat/lon lat/lon …".
func places(text string) ([]land.Vertex, error) {
	var out []land.Vertex
	for _, place := range strings.Fields(text) {
		var lat, lon float64
		if _, err := fmt.Sscanf(place, "%f/%f", &lat, &lon); err != nil {
			return nil, fmt.Errorf("place %s: %w", place, err)
		}
		out = append(out, land.Vertex{Lat: units(lat), Lon: units(lon)})
	}
	return out, nil
}
