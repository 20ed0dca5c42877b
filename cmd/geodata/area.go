package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"

	"github.com/paulmach/orb"
	"golang.org/x/text/language"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/path"
)

// Natural Earth's countries at 1:10m as a topology, public domain.
var areaSource = source{
	Registry: "npm", Name: "world-atlas", Version: "2.0.2",
	File:   "world-atlas-2.0.2.tgz",
	SHA256: "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
}

// coastKM is how much of a coast's wiggle is dropped. Borders between countries
// keep every vertex.
const coastKM = 0.3

// areaCodes are the shapes without an ISO number, under the code of the country
// that runs customs there. Those with an empty code belong to nobody: the claims
// on them are many.
var areaCodes = map[string]geodata.Country{
	"Kosovo": "XK", "Somaliland": "SO", "N. Cyprus": "CY", "Cyprus U.N. Buffer Zone": "CY",
	"Dhekelia": "CY", "Akrotiri": "CY", "Baikonur": "KZ", "USNB Guantanamo Bay": "CU",
	"Siachen Glacier": "IN", "Indian Ocean Ter.": "AU", "Coral Sea Is.": "AU",
	"Clipperton I.": "FR", "Bajo Nuevo Bank": "CO", "Serranilla Bank": "CO",
	"Spratly Is.": "", "Scarborough Reef": "",
}

// buildArea makes geodata/area/countries.bin, timezones.bin and regions.bin.
func buildArea(ctx context.Context, f *fetcher) error {
	archive, err := f.fetch(ctx, areaSource)
	if err != nil {
		return err
	}
	raw, err := readTgz(archive, "package/countries-10m.json")
	if err != nil {
		return err
	}
	full, err := readAreaTopology(raw)
	if err != nil {
		return err
	}
	// The references are worked out on the full shapes, whose arcs meet exactly.
	exact, err := area.New(full)
	if err != nil {
		return err
	}
	full.Refs = exact.Refs()
	if err := checkReferences(full); err != nil {
		return err
	}
	vertices, kept := 0, 0
	for i, arc := range full.Arcs {
		vertices += len(arc.Points)
		if arc.Left == 0 || arc.Right == 0 {
			full.Arcs[i].Points = simplifyCoast(arc.Points)
		}
		kept += len(full.Arcs[i].Points)
	}
	var out bytes.Buffer
	if err := area.Encode(&out, full); err != nil {
		return err
	}
	fmt.Printf("geodata: area: %d zones, %d arcs, %d of %d vertices, %d bytes\n",
		len(full.Countries)-1, len(full.Arcs), kept, vertices, out.Len())
	if err := os.WriteFile(filepath.Join("geodata", "area", "countries.bin"), out.Bytes(), 0o644); err != nil {
		return err
	}
	if err := buildTimeZones(ctx, f); err != nil {
		return err
	}
	return buildRegions(ctx, f)
}

// readAreaTopology turns TopoJSON into arcs with a country on each side: shapes
// lie to the right of the arcs they use forward, and to the left of those they
// use backward.
func readAreaTopology(raw []byte) (area.Topology, error) {
	var in struct {
		Transform struct{ Scale, Translate [2]float64 }
		Arcs      [][][2]float64
		Objects   struct {
			Countries struct {
				Geometries []struct {
					ID         string
					Type       string
					Arcs       json.RawMessage
					Properties struct{ Name string }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return area.Topology{}, err
	}
	t := area.Topology{Countries: []geodata.Country{""}, Seed: orb.Point{-30, 0}}
	codes := map[geodata.Country]uint8{"": 0}
	sides := make([]map[[2]uint8]bool, len(in.Arcs)) // {zone, 0 right or 1 left}
	geometries := in.Objects.Countries.Geometries
	sort.SliceStable(geometries, func(i, j int) bool { return geometries[i].Properties.Name < geometries[j].Properties.Name })
	for _, g := range geometries {
		code, ok := areaCodes[g.Properties.Name]
		if !ok {
			n, err := strconv.Atoi(g.ID)
			if err != nil {
				return t, fmt.Errorf("country %q has the number %q", g.Properties.Name, g.ID)
			}
			region, err := language.EncodeM49(n)
			if err != nil {
				return t, fmt.Errorf("country %q: %w", g.Properties.Name, err)
			}
			code = geodata.Country(region.String())
		}
		if code != "" && len(code) != 2 {
			return t, fmt.Errorf("country %q has the code %q", g.Properties.Name, code)
		}
		zone, ok := codes[code]
		if !ok {
			zone = uint8(len(t.Countries))
			codes[code] = zone
			t.Countries = append(t.Countries, code)
		}
		var polygons [][][]int
		if g.Type == "Polygon" {
			polygons = make([][][]int, 1)
			if err := json.Unmarshal(g.Arcs, &polygons[0]); err != nil {
				return t, err
			}
		} else if err := json.Unmarshal(g.Arcs, &polygons); err != nil {
			return t, err
		}
		for _, polygon := range polygons {
			for _, ring := range polygon {
				for _, i := range ring {
					side := uint8(0)
					if i < 0 {
						i, side = ^i, 1
					}
					if sides[i] == nil {
						sides[i] = map[[2]uint8]bool{}
					}
					sides[i][[2]uint8{zone, side}] = true
				}
			}
		}
	}
	for i, deltas := range in.Arcs {
		var arc area.Arc
		ambiguous := false
		for side := range sides[i] {
			at := &arc.Right
			if side[1] == 1 {
				at = &arc.Left
			}
			ambiguous = ambiguous || *at != 0
			*at = side[0]
		}
		if arc.Left == arc.Right { // inside one country, or a shape of nobody's
			continue
		}
		var x, y float64
		for _, d := range deltas {
			x, y = x+d[0], y+d[1]
			arc.Points = append(arc.Points, [2]float32{
				round4(x*in.Transform.Scale[0] + in.Transform.Translate[0]),
				round4(y*in.Transform.Scale[1] + in.Transform.Translate[1]),
			})
		}
		if ambiguous {
			// Three arcs of two or three vertices lie on themselves where quantising
			// closed a gap. They bound nothing.
			if first, last := arc.Points[0], arc.Points[len(arc.Points)-1]; math.Hypot(float64(first[0]-last[0]), float64(first[1]-last[1])) > 0.01 {
				return t, fmt.Errorf("arc %d has two countries on one side", i)
			}
			continue
		}
		t.Arcs = append(t.Arcs, arc)
	}
	return t, nil
}

// round4 is what the file keeps, so that the references fit the shapes.
func round4(x float64) float32 { return float32(math.Round(x*1e4) / 1e4) }

func simplifyCoast(points [][2]float32) [][2]float32 {
	const smallest = 12 // small islands and short arcs stay as they are
	if len(points) <= smallest {
		return points
	}
	ls := make(orb.LineString, len(points))
	for i, p := range points {
		ls[i] = orb.Point{float64(p[0]), float64(p[1])}
	}
	ls = path.Simplify(ls, coastKM)
	if len(ls) < smallest/2 {
		return points
	}
	out := make([][2]float32, len(ls))
	for i, p := range ls {
		out[i] = [2]float32{float32(p[0]), float32(p[1])}
	}
	return out
}

// checkReferences makes sure that following the arcs led to sensible answers: the
// share of the earth that is land, and a few places far from any border.
func checkReferences(t area.Topology) error {
	const rows, cols = 360, 720
	var land, all float64
	for i, zone := range t.Refs {
		w := math.Cos((float64(i/cols)/2 - 89.75) * math.Pi / 180)
		all += w
		if zone != 0 {
			land += w
		}
	}
	if share := land / all; share < 0.28 || share > 0.30 {
		return fmt.Errorf("%.1f%% of the earth is land: the arcs do not fit together", 100*share)
	}
	for code, at := range map[geodata.Country][2]float64{
		"AQ": {-85, 0}, "RU": {67, 179}, "CN": {35, 105}, "US": {65, -150}, "MZ": {-15, 39}, "UZ": {41, 64}, "AU": {-25, 135}, "": {0, -150},
	} {
		cell := int((at[0]+90)*2)*cols + int((at[1]+180)*2)
		if got := t.Countries[t.Refs[cell]]; got != code {
			return fmt.Errorf("the cell at %v is in %q, want %q", at, got, code)
		}
	}
	if len(t.Refs) != rows*cols {
		return errors.New("the grid of the area package has changed: change this check")
	}
	return nil
}
