package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network"
	"corridor/geodata/path"
)

// Sea lanes and corridors of the basemap are ways over our own networks between pairs
// of places, laid over each other so that each stretch is drawn once.
//
//go:embed tiles_lanes.csv
var tileLanesCSV string

// mercatorLines projects lines and repeats each on every turn of the world it reaches
// into.
func mercatorLines(lines []orb.LineString) orb.MultiLineString {
	var out orb.MultiLineString
	for _, line := range lines {
		bound := line.Bound()
		for _, turn := range []float64{-720, -360, 0, 360, 720} {
			if bound.Max[0]+turn < -190 || bound.Min[0]+turn > 190 {
				continue
			}
			moved := make(orb.LineString, len(line))
			for i, p := range line {
				moved[i] = mercator(orb.Point{p[0] + turn, p[1]})
			}
			out = append(out, moved)
		}
	}
	return out
}

// readRivers decodes the lines of a topology's object.
func (t *tileTopology) readRivers() (orb.MultiLineString, error) {
	var lines []orb.LineString
	for _, g := range t.Objects["rivers"].Geometries {
		var parts [][]int
		switch g.Type {
		case "LineString":
			parts = make([][]int, 1)
			if err := json.Unmarshal(g.Arcs, &parts[0]); err != nil {
				return nil, fmt.Errorf("rivers: %w", err)
			}
		case "MultiLineString":
			if err := json.Unmarshal(g.Arcs, &parts); err != nil {
				return nil, fmt.Errorf("rivers: %w", err)
			}
		default:
			return nil, fmt.Errorf("rivers: geometry type %q is not drawn", g.Type)
		}
		for _, arcs := range parts {
			lines = append(lines, orb.LineString(t.ring(arcs)))
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("rivers: there are none")
	}
	return mercatorLines(lines), nil
}

// besideKM is how far to each side of a border is looked for a region that the other
// side claims.
const besideKM = 5

// partedByClaim cuts a border where it begins or ends to be disputed: where the region
// on one side is claimed by the country on the other.
func partedByClaim(line orb.LineString, regions *area.Regions) (settled, disputed []orb.LineString) {
	var run orb.LineString
	was := false
	end := func() {
		if len(run) > 1 {
			if was {
				disputed = append(disputed, run)
			} else {
				settled = append(settled, run)
			}
		}
	}
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		is := claimedAcross(a, b, regions)
		if i == 1 || is != was {
			end()
			run, was = orb.LineString{a}, is
		}
		run = append(run, b)
	}
	end()
	return settled, disputed
}

func claimedAcross(a, b orb.Point, regions *area.Regions) bool {
	middle := path.Interpolate(a, b, 0.5)
	course := math.Atan2((b[0]-a[0])*math.Cos(middle[1]*math.Pi/180), b[1]-a[1]) * 180 / math.Pi
	left, okLeft := regions.Of(path.Destination(middle, course-90, besideKM))
	right, okRight := regions.Of(path.Destination(middle, course+90, besideKM))
	return okLeft && okRight && left.Country != right.Country &&
		(slices.Contains(left.ClaimedBy, right.Country) || slices.Contains(right.ClaimedBy, left.Country))
}

// readClaimLines are the lines of claims and ceasefires that no border shows.
func readClaimLines(ctx context.Context, f *fetcher) (orb.MultiLineString, error) {
	var lines []orb.LineString
	err := readGPKG(ctx, f, "select geom, name from disputed_borders order by fid", func(g orb.Geometry, t []string) error {
		all, ok := g.(orb.MultiLineString)
		if !ok {
			return fmt.Errorf("%s is a %s", t[0], g.GeoJSONType())
		}
		lines = append(lines, all...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("world_map.gpkg: disputed borders: %w", err)
	}
	return mercatorLines(lines), nil
}

// tileRoutes are the lanes and corridors by mode.
type tileRoutes map[geodata.Mode]orb.MultiLineString

func readTileRoutes(ctx context.Context) (tileRoutes, error) {
	rows, err := placesCSV(tileLanesCSV, 3)
	if err != nil {
		return nil, fmt.Errorf("tiles_lanes.csv: %w", err)
	}
	places, err := gazetteer.Open()
	if err != nil {
		return nil, err
	}
	world, err := network.Open()
	if err != nil {
		return nil, err
	}
	ways := map[geodata.Mode][]orb.LineString{}
	for _, row := range rows {
		mode, err := geodata.ParseMode(row[0])
		if err != nil {
			return nil, fmt.Errorf("tiles_lanes.csv: %w", err)
		}
		var ends [2]orb.Point
		for i, name := range row[1:] {
			p, err := places.Resolve(name)
			if err != nil {
				return nil, fmt.Errorf("tiles_lanes.csv: %w", err)
			}
			ends[i] = p.Point
			if mode != geodata.Road {
				near := places.Near(p.Point, mode, 1)
				if own, ok := places.Terminal(string(mode) + ":" + p.Code); ok {
					near[0] = own
				}
				ends[i] = near[0].Point
			}
		}
		way, err := world.Route(ctx, mode, ends[0], ends[1], geodata.Avoid{})
		if err != nil {
			return nil, fmt.Errorf("tiles_lanes.csv: %s to %s: %w", row[1], row[2], err)
		}
		// The doors at either end are no part of a lane.
		if line := way.Geometry; len(line) > 4 {
			ways[mode] = append(ways[mode], line)
		}
	}
	out := tileRoutes{}
	for mode, lines := range ways {
		out[mode] = mercatorLines(woven(lines))
	}
	return out, nil
}

// woven lays lines over each other: each stretch they share comes once, in lines that
// run from fork to fork.
func woven(lines []orb.LineString) []orb.LineString {
	type stretch [2]orb.Point
	key := func(p orb.Point) orb.Point {
		lon := math.Remainder(p[0], 360)
		return orb.Point{math.Round(lon*1e4) / 1e4, math.Round(p[1]*1e4) / 1e4}
	}
	next := map[orb.Point][]orb.Point{}
	seen := map[stretch]bool{}
	for _, line := range lines {
		for i := 1; i < len(line); i++ {
			a, b := key(line[i-1]), key(line[i])
			if a == b || seen[stretch{a, b}] {
				continue
			}
			seen[stretch{a, b}], seen[stretch{b, a}] = true, true
			next[a] = append(next[a], b)
			next[b] = append(next[b], a)
		}
	}
	nodes := make([]orb.Point, 0, len(next))
	for p := range next {
		nodes = append(nodes, p)
	}
	before := func(a, b orb.Point) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }
	sort.Slice(nodes, func(i, j int) bool { return before(nodes[i], nodes[j]) })
	drawn := map[stretch]bool{}
	var out []orb.LineString
	walk := func(from, to orb.Point) {
		line := orb.LineString{from}
		for !drawn[stretch{from, to}] {
			drawn[stretch{from, to}], drawn[stretch{to, from}] = true, true
			line = append(line, to)
			if len(next[to]) != 2 {
				break
			}
			onward := next[to][0]
			if onward == from {
				onward = next[to][1]
			}
			from, to = to, onward
		}
		if len(line) > 1 {
			out = append(out, path.Unwrap(line))
		}
	}
	for _, forks := range []bool{true, false} { // rings without a fork come last
		for _, p := range nodes {
			if (len(next[p]) != 2) == forks {
				for _, q := range next[p] {
					walk(p, q)
				}
			}
		}
	}
	return out
}

// Ranks of places on the map, by the zoom from which they are worth a label: rank 1 at
// any, then one more for each zoom from 3 on.
var tilePopulation = map[int]int{4: 700_000, 5: 250_000, 6: 80_000, 7: 20_000}

// moreTilePlaces adds the towns of the gazetteer to those written by hand, and its
// ports.
func moreTilePlaces(have []tilePlace) (towns, ports []tilePlace, err error) {
	g, err := gazetteer.Open()
	if err != nil {
		return nil, nil, err
	}
	properties := func(n geodata.Names, rank int) geojson.Properties {
		p := geojson.Properties{"name": n.EN, "rank": rank}
		if n.ZH != "" {
			p["name_zh"] = n.ZH
		}
		if n.RU != "" {
			p["name_ru"] = n.RU
		}
		return p
	}
	const degree = 360.0
	near := func(at orb.Point, among []tilePlace, units float64) bool {
		return slices.ContainsFunc(among, func(p tilePlace) bool {
			return math.Abs(p.at[0]-at[0]) < units && math.Abs(p.at[1]-at[1]) < units
		})
	}
	towns = have
	for p := range g.All() {
		for rank := 4; rank <= 7; rank++ {
			border := rank == 6 && p.Functions&geodata.HasBorder != 0 && p.Functions&(geodata.HasRail|geodata.IsCity) != 0
			if p.Population < tilePopulation[rank] && !border {
				continue
			}
			at := mercator(p.Point)
			if !near(at, have, 0.12/degree) {
				towns = append(towns, tilePlace{at: at, rank: rank, properties: properties(p.Names, rank)})
			}
			break
		}
	}
	for _, t := range g.Terminals(geodata.Sea) {
		rank := map[int]int{1: 3, 2: 5}[t.Tier]
		if rank == 0 {
			rank = 7
		}
		p := properties(t.Names, rank)
		if t.Place != "" {
			p["code"] = t.Place
		}
		ports = append(ports, tilePlace{at: mercator(t.Point), rank: rank, properties: p})
	}
	return towns, ports, nil
}
