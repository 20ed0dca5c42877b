// Package survey makes the sea network's chart out of the coastline. It runs
// when geodata is rebuilt, never in the product.
//
// The land is drawn on a raster; each cell learns how far the nearest hazard is
// and how wide the water around it is; ships keep off the hazard by half of that
// width, at most Offing. The corners of what is left are the nodes, the straight
// ways between corners that cross none of it the edges. What is too narrow for
// the raster comes from package pilot as lanes.
package survey

import (
	"context"
	"fmt"
	"math"
	"time"

	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/pilot"
)

// Config are the rules of thumb of the survey, in nautical miles.
type Config struct {
	OffingNM   float64 // ships pass hazards at least this far off where the sea allows
	MarginNM   float64 // nodes lie this much farther out, so that legs between them keep the offing
	NarrowNM   float64 // water no disc of this radius fits in needs a lane
	ToleranceK float64 // corners may cut this part of the margin
}

// DefaultConfig is what the committed chart was made with.
func DefaultConfig() Config {
	return Config{OffingNM: 5, MarginNM: 2, NarrowNM: 1, ToleranceK: 0.6}
}

// Build surveys the land of a TopoJSON topology (its object "land").
func Build(ctx context.Context, topology []byte, cfg Config, logf func(string, ...any)) (*chart.Chart, error) {
	start := time.Now()
	step := func(format string, args ...any) {
		logf("%6.1fs  "+format, append([]any{time.Since(start).Seconds()}, args...)...)
	}
	passages, err := pilot.Passages()
	if err != nil {
		return nil, err
	}
	lanes, err := pilot.Lanes()
	if err != nil {
		return nil, err
	}
	shoals, err := pilot.Shoals()
	if err != nil {
		return nil, err
	}
	land, err := readLand(topology)
	if err != nil {
		return nil, fmt.Errorf("read land: %w", err)
	}
	step("%d polygons", len(land))

	r := newRaster()
	for _, poly := range land {
		r.fill(poly, landBit)
		for _, ring := range poly {
			r.trace(ring, coastBit)
		}
	}
	for _, s := range shoals {
		bit := coastBit
		if s.Bar {
			bit = landBit
		}
		r.fill([][]point{ringPoints(s.Ring)}, bit)
	}
	step("land drawn")
	off := r.offings(2 * cfg.OffingNM)
	step("distances from hazards")
	width := r.widths(off, uint16(2*cfg.OffingNM*unitsPerNM))
	step("widths")
	r.classify(off, width, cfg)
	parts := r.waters()
	apart, round := r.bridges(off, parts), r.narrows(off, parts)
	for _, line := range apart {
		lanes = append(lanes, pilot.Lane{Name: bridgeName, Line: line})
	}
	for _, line := range round {
		lanes = append(lanes, pilot.Lane{Name: narrowName, Line: line})
	}
	step("%d bridges between waters, %d within one", len(apart), len(round))
	for _, l := range lanes {
		r.trace(ringPoints(l.Line), laneBit)
	}
	step("classified")
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	nodes := r.corners(cfg)
	step("%d corners", len(nodes))
	g, err := connect(ctx, chart.NewWater(r.class), nodes, lanes, passages, step)
	if err != nil {
		return nil, err
	}
	r.keepJoined(g.Nodes)
	g.Water = chart.NewWater(r.class)
	step("water packed")
	penaltyKM, shut := make([]float64, len(passages)), uint64(0)
	for i, p := range passages {
		penaltyKM[i] = p.PenaltyNM * globe.KMPerNM
		if p.Shut {
			shut |= 1 << i
		}
	}
	thin(g, penaltyKM)
	step("%d edges left of it", len(g.Edges))
	contract(g, defaultCore, penaltyKM, shut, step)
	return g, nil
}

// class is what the runtime raster says of a cell.
func (r *raster) class(x, y int) chart.Class {
	m := r.mask[y*chart.Width+x]
	switch {
	case m&openBit != 0:
		return chart.Open
	case m&landBit == 0 || m&laneBit != 0:
		return chart.Inshore
	}
	return chart.Land
}

func cosRow(y int) float64 {
	return math.Cos((float64(chart.South) + (float64(y)+0.5)/chart.PerDegree) * math.Pi / 180)
}
