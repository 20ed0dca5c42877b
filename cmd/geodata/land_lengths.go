package main

import (
	"context"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network/land"
	"corridor/geodata/path"
)

// The source's lines were simplified before they were measured: they are a few
// percent short on plains and up to a quarter in mountains. land_lengths.csv
// holds known lengths between cities. From them comes a field of corrections
// over the earth's surface by which every edge is stretched.
//
//go:embed land_lengths.csv
var landLengths string

// knownLength is a way whose length is known.
type knownLength struct {
	name     string
	from, to orb.Point
	km       float64
}

func knownLengths(mode geodata.Mode) ([]knownLength, error) {
	rows, err := csv.NewReader(strings.NewReader(landLengths)).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []knownLength
	for _, row := range rows[1:] {
		if row[0] != string(mode) {
			continue
		}
		var v [5]float64
		for i, column := range []int{2, 3, 5, 6, 7} {
			if v[i], err = strconv.ParseFloat(row[column], 64); err != nil {
				return nil, fmt.Errorf("length %s–%s: %w", row[1], row[4], err)
			}
		}
		out = append(out, knownLength{row[1] + "–" + row[4], orb.Point{v[1], v[0]}, orb.Point{v[3], v[2]}, v[4]})
	}
	return out, nil
}

const (
	stretchReach  = 65.0   // km over which a known length speaks for its surroundings
	stretchLong   = 1200.0 // km: a longer way says less about a place on it
	stretchLeast  = 0.95
	stretchMost   = 1.40
	stretchRounds = 4
	stretchStep   = 25.0 // km between samples along a way
)

// fitting is how known lengths are believed, found by trying what others, kept
// back, then came to: README.md. Railways are drawn in more detail than roads, and
// where one is much off it is another line.
type fitting struct {
	prior     float64 // how strongly the average holds against one known length
	mostShort float64 // a known length this much over what is found, or
	mostLong  float64 // under it, is of another way: the source has a hole
}

var fittings = map[geodata.Mode]fitting{
	geodata.Road: {0.2, 1.25, 0.9},
	geodata.Rail: {0.3, 1.12, 0.92},
}

// stretch corrects the lengths of a network's edges.
func stretch(ctx context.Context, net *land.Net) error {
	known, err := knownLengths(net.Mode)
	if err != nil {
		return err
	}
	as := make([]uint32, len(net.Edges)) // lengths as read
	for i, e := range net.Edges {
		as[i] = e.Metres
	}
	ratio := make([]float64, len(known)) // of the known length to the one read
	for i := range ratio {
		ratio[i] = 1
	}
	another := make([]bool, len(known))
	fit := fittings[net.Mode]
	for round := range stretchRounds + 1 {
		g, err := land.New(net)
		if err != nil {
			return err
		}
		f := &field{prior: fit.prior, cells: map[[2]int][]sample{}}
		var ratios, errs []float64
		for i, k := range known {
			p, err := g.Route(ctx, k.from, k.to, geodata.Avoid{})
			if errors.Is(err, geodata.ErrNoRoute) {
				if round == 0 {
					fmt.Printf("land:   known length %s has no way\n", k.name)
				}
				continue
			}
			if err != nil {
				return err
			}
			off := k.km / p.DistanceKM
			errs = append(errs, math.Abs(p.DistanceKM/k.km-1))
			if round == 0 && (off > fit.mostShort || off < fit.mostLong) {
				another[i] = true
				fmt.Printf("land:   known length %s: %.0f km, found %.0f: another way\n", k.name, k.km, p.DistanceKM)
			}
			if another[i] {
				continue
			}
			if round > 0 {
				off = math.Pow(off, 0.8) // ways change as lengths do: go gently
			}
			ratio[i] = min(max(ratio[i]*off, stretchLeast), stretchMost)
			ratios = append(ratios, ratio[i])
			for at := stretchStep / 2; at < p.DistanceKM; at += stretchStep {
				point, _ := path.At(p.Geometry, at*path.Length(p.Geometry)/p.DistanceKM)
				f.add(sample{point, int32(i), ratio[i], k.km})
			}
		}
		slices.Sort(errs)
		slices.Sort(ratios)
		fmt.Printf("land:   lengths: %d known, median error %.1f %%, ninth decile %.1f %%, median stretch %.3f\n",
			len(errs), 100*errs[len(errs)/2], 100*errs[len(errs)*9/10], ratios[len(ratios)/2])
		if round == stretchRounds {
			return nil
		}
		f.usual = ratios[len(ratios)/2]
		for i := range net.Edges {
			e := &net.Edges[i]
			points := append([]land.Vertex{{Lat: net.Lat[e.From], Lon: net.Lon[e.From]}}, e.Shape...)
			points = append(points, land.Vertex{Lat: net.Lat[e.To], Lon: net.Lon[e.To]})
			e.Metres = uint32(math.Round(float64(as[i]) * f.along(points)))
		}
	}
	return nil
}

// field holds the stretch of known ways at samples along them.
type field struct {
	prior float64
	usual float64
	cells map[[2]int][]sample
}

type sample struct {
	point orb.Point
	way   int32
	ratio float64
	km    float64 // of the way
}

func fieldCell(p orb.Point) [2]int {
	return [2]int{int(math.Floor(p.Lat())), int(math.Floor(p.Lon()))}
}

func (f *field) add(s sample) {
	c := fieldCell(s.point)
	f.cells[c] = append(f.cells[c], s)
}

// along is the mean stretch of a line, at a point every hundred km.
func (f *field) along(points []land.Vertex) float64 {
	sum, weight := 0.0, 0.0
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		km := sphereMetres(a.Lat, a.Lon, b.Lat, b.Lon)/1000 + 0.001
		steps := int(km/100) + 1
		for s := range steps {
			t := (float64(s) + 0.5) / float64(steps)
			p := orb.Point{
				(float64(a.Lon) + t*float64(b.Lon-a.Lon)) / land.UnitsPerDegree,
				(float64(a.Lat) + t*float64(b.Lat-a.Lat)) / land.UnitsPerDegree,
			}
			sum += f.at(p) * km / float64(steps)
			weight += km / float64(steps)
		}
	}
	return sum / weight
}

// at weighs the known ways around by their distance, each by its nearest sample,
// against the usual stretch.
func (f *field) at(p orb.Point) float64 {
	nearest := map[int32]sample{}
	distance := map[int32]float64{}
	c := fieldCell(p)
	wide := int(2*stretchReach/111/max(0.2, math.Cos(p.Lat()*math.Pi/180))) + 1
	for y := c[0] - 2; y <= c[0]+2; y++ {
		for x := c[1] - wide; x <= c[1]+wide; x++ {
			for _, s := range f.cells[[2]int{y, x}] {
				km := path.Distance(p, s.point)
				if d, ok := distance[s.way]; !ok || km < d {
					nearest[s.way], distance[s.way] = s, km
				}
			}
		}
	}
	ways := make([]int32, 0, len(nearest))
	for way := range nearest {
		ways = append(ways, way)
	}
	slices.Sort(ways) // the same sum every time
	sum, weight := f.prior*math.Log(f.usual), f.prior
	for _, way := range ways {
		w := math.Exp(-distance[way]*distance[way]/(stretchReach*stretchReach)) * min(1, stretchLong/nearest[way].km)
		sum += w * math.Log(nearest[way].ratio)
		weight += w
	}
	return math.Exp(sum / weight)
}
