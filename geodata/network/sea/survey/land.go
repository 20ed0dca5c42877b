package survey

import (
	"encoding/json"
	"fmt"

	"corridor/geodata/network/sea/internal/globe"

	"github.com/paulmach/orb"
)

// point is a lon/lat pair; longitudes of one polygon are continuous.
type point struct{ lon, lat float64 }

func ringPoints[T ~[]orb.Point](ls T) []point {
	out := make([]point, len(ls))
	for i, p := range ls {
		out[i] = point{p[0], p[1]}
		if i > 0 {
			out[i].lon = globe.NearLon(p[0], out[i-1].lon)
		}
	}
	return out
}

// readLand returns the polygons of the topology's object "land", each a list of
// rings. Rings that run over the antimeridian are unrolled.
func readLand(topology []byte) ([][][]point, error) {
	var t struct {
		Transform struct{ Scale, Translate [2]float64 }
		Arcs      [][][2]float64
		Objects   map[string]struct {
			Geometries []struct {
				Type string
				Arcs json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(topology, &t); err != nil {
		return nil, err
	}
	arcs := make([][]point, len(t.Arcs))
	for i, a := range t.Arcs {
		var x, y float64
		for _, d := range a {
			x, y = x+d[0], y+d[1]
			arcs[i] = append(arcs[i], point{
				x*t.Transform.Scale[0] + t.Transform.Translate[0],
				y*t.Transform.Scale[1] + t.Transform.Translate[1],
			})
		}
	}
	var out [][][]point
	for _, g := range t.Objects["land"].Geometries {
		if g.Type != "MultiPolygon" {
			return nil, fmt.Errorf("geometry %q: want MultiPolygon", g.Type)
		}
		var polys [][][]int
		if err := json.Unmarshal(g.Arcs, &polys); err != nil {
			return nil, err
		}
		for _, rings := range polys {
			var poly [][]point
			for _, ring := range rings {
				var pts []point
				for _, i := range ring {
					reversed := i < 0
					if reversed {
						i = ^i
					}
					if i >= len(arcs) {
						return nil, fmt.Errorf("arc %d of %d", i, len(arcs))
					}
					for k := range arcs[i] {
						p := arcs[i][k]
						if reversed {
							p = arcs[i][len(arcs[i])-1-k]
						}
						if len(pts) > 0 {
							p.lon = globe.NearLon(p.lon, pts[len(pts)-1].lon)
						} else if len(poly) > 0 {
							p.lon = globe.NearLon(p.lon, poly[0][0].lon)
						}
						pts = append(pts, p)
					}
				}
				poly = append(poly, pts)
			}
			out = append(out, poly)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no object \"land\" with polygons")
	}
	return out, nil
}
