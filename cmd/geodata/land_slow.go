package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"corridor/geodata"
)

// land_slow.csv marks lines that freight would rather not take, each by a place
// on it and a radius that holds no other line.
//
//go:embed land_slow.csv
var landSlow string

func (w *lines) slow(mode geodata.Mode) error {
	rows, err := csv.NewReader(strings.NewReader(landSlow)).ReadAll()
	if err != nil {
		return err
	}
	near := w.segmentGrid()
	for _, row := range rows[1:] {
		if row[0] != string(mode) {
			continue
		}
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				return fmt.Errorf("slow line %s: %w", row[5], err)
			}
		}
		marked := map[int32]bool{}
		for {
			at, ok := near.nearest(vertex{lat: units(v[0]), lon: units(v[1])}, v[2]*1000, func(e int32) bool { return !marked[e] })
			if !ok {
				break
			}
			marked[at.edge] = true
			if e := &w.edges[at.edge]; w.nodes[e.a].country == w.nodes[e.b].country {
				e.slow = uint8(v[3])
			}
		}
		fmt.Printf("land:   slow: %s, %d edges\n", row[5], len(marked))
		if len(marked) == 0 {
			return fmt.Errorf("slow line %s: nothing there", row[5])
		}
	}
	return nil
}
