package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"corridor/geodata"
	"corridor/geodata/network/land"
)

// land_passenger.csv lists lines that only passenger trains use, by the towns they
// pass and their published length. They are shorter than the lines of freight
// beside them, so that without it freight would seem to go too short a way.
//
//go:embed land_passenger.csv
var landPassenger string

const (
	passengerSlow = 80   // percent by which they cost more: freight takes them where nothing else is
	passengerOff  = 0.12 // how far the way laid may be off the published length; else it is another line
)

// passenger makes freight keep off the lines of passenger trains.
func passenger(net *land.Net) error {
	if net.Mode != geodata.Rail {
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(landPassenger)).ReadAll()
	if err != nil {
		return err
	}
	l := newLayer(net)
	for _, row := range rows[1:] {
		published, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return fmt.Errorf("passenger line %s: %w", row[1], err)
		}
		laid, edges := 0.0, []int32{}
		if err := l.along(row[1], row[0], row[3], func(e int32) {
			edges = append(edges, e)
			laid += float64(net.Edges[e].Metres) / 1000
		}); err != nil {
			return err
		}
		if laid < published*(1-passengerOff) || laid > published*(1+passengerOff) {
			fmt.Printf("land:   passenger line %s, %.0f km, is not found: %.0f km of another\n", row[1], published, laid)
			continue
		}
		for _, e := range edges {
			net.Edges[e].Slow = max(net.Edges[e].Slow, passengerSlow)
		}
	}
	return nil
}
