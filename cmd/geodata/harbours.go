package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network/sea"
)

// buildHarbours makes geodata/network/sea/sea.harbours, the ways out of the gazetteer's
// ports, by the places and the chart embedded in this program: some minutes.
func buildHarbours(context.Context, *fetcher) error {
	places, err := gazetteer.Open()
	if err != nil {
		return err
	}
	g, err := sea.Open()
	if err != nil {
		return err
	}
	var points []orb.Point
	for _, t := range places.Terminals(geodata.Sea) {
		points = append(points, t.Point)
	}
	var out bytes.Buffer
	if err := g.WriteHarbours(&out, points); err != nil {
		return err
	}
	fmt.Printf("geodata: harbours: %d ports, %d bytes\n", len(points), out.Len())
	return os.WriteFile(filepath.Join("geodata", "network", "sea", "sea.harbours"), out.Bytes(), 0o644)
}
