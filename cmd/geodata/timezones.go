package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"corridor/geodata/area"
)

// The shapes of time zones, at sea too: timezone-boundary-builder's release 2025b, made
// from OpenStreetMap (ODbL), thinned by the tzf project (MIT).
var timeZoneSource = source{
	Registry: "go", Name: "github.com/ringsaturn/tzf-rel-lite", Version: "v0.0.2025-b2",
	File:   "combined-with-oceans.reduce.bin",
	SHA256: "f678ad98894cfab4bee82f2f64d937b376ccd98e391d3e125c0b44253e5e3174",
}

const (
	zoneDepth = 9 // cells of 7.5°/2⁹, which is 1.6 km
	// zoneSeaDepth is where the outer edge of territorial waters ends to be followed: 6 km.
	zoneSeaDepth = 7
	zoneSide     = 1 << zoneDepth
	zoneCell     = 7.5 / zoneSide // degrees
)

// zoneRing is a ring of a zone's shape.
type zoneRing struct {
	zone         uint16 // index plus 1
	points       [][2]float64
	south, north float64
}

// buildTimeZones rasters the shapes, a band of the quadtree's roots at a time.
func buildTimeZones(ctx context.Context, f *fetcher) error {
	file, err := f.fetch(ctx, timeZoneSource)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	names, rings, err := readZoneShapes(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", timeZoneSource.File, err)
	}
	var roots []area.ZoneNode
	atSea := make([]bool, len(names))
	for i, n := range names {
		atSea[i] = strings.HasPrefix(n, "Etc/")
	}
	raster := make([]uint16, area.ZoneColumns*zoneSide*zoneSide)
	for band := range area.ZoneRows {
		rasterZones(raster, rings, 90-7.5*float64(band))
		for column := range area.ZoneColumns {
			roots = append(roots, zoneTree(raster, atSea, column*zoneSide, 0, 0))
		}
	}
	var out bytes.Buffer
	if err := area.EncodeTimeZones(&out, names, roots); err != nil {
		return err
	}
	fmt.Printf("geodata: area: %d time zones, %d bytes\n", len(names), out.Len())
	return os.WriteFile(filepath.Join("geodata", "area", "timezones.bin"), out.Bytes(), 0o644)
}

// readZoneShapes reads tzf's protobuf: zones of polygons, and a name each; a polygon is
// points and polygons that are holes; a point is two floats, longitude and latitude.
func readZoneShapes(raw []byte) (names []string, rings []zoneRing, err error) {
	err = protoFields(raw, func(field protowire.Number, zone []byte) error {
		if field != 1 {
			return nil
		}
		number := uint16(len(names) + 1)
		names = append(names, "")
		return protoFields(zone, func(field protowire.Number, b []byte) error {
			switch field {
			case 1:
				return readZonePolygon(b, number, &rings)
			case 2:
				names[number-1] = string(b)
			}
			return nil
		})
	})
	if err == nil && (len(names) < 400 || slices.Contains(names, "")) {
		err = errors.New("it has another form")
	}
	// Where zones overlap the last drawn holds. That is Xinjiang, whose second time is the
	// local one; customs, railways and airlines there go by Beijing's.
	slices.SortStableFunc(rings, func(a, b zoneRing) int { return zoneOrder(names[a.zone-1]) - zoneOrder(names[b.zone-1]) })
	return names, rings, err
}

func zoneOrder(name string) int {
	switch {
	case strings.HasPrefix(name, "Etc/"):
		return 0
	case name == "Asia/Shanghai":
		return 2
	}
	return 1
}

func readZonePolygon(b []byte, zone uint16, rings *[]zoneRing) error {
	ring := zoneRing{zone: zone, south: 90, north: -90}
	err := protoFields(b, func(field protowire.Number, b []byte) error {
		if field == 2 {
			return readZonePolygon(b, zone, rings)
		}
		var at [2]float64
		for len(b) > 0 {
			field, kind, n := protowire.ConsumeTag(b)
			if n < 0 || kind != protowire.Fixed32Type || field < 1 || field > 2 {
				return errors.New("a point has another form")
			}
			bits, m := protowire.ConsumeFixed32(b[n:])
			if m < 0 {
				return protowire.ParseError(m)
			}
			at[field-1], b = float64(math.Float32frombits(bits)), b[n+m:]
		}
		ring.points = append(ring.points, at)
		ring.south, ring.north = min(ring.south, at[1]), max(ring.north, at[1])
		return nil
	})
	*rings = append(*rings, ring)
	return err
}

// protoFields calls do for the fields of a message that are bytes.
func protoFields(b []byte, do func(field protowire.Number, b []byte) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		m := protowire.ConsumeFieldValue(field, kind, b)
		if m < 0 {
			return protowire.ParseError(m)
		}
		if kind == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			if err := do(field, v); err != nil {
				return err
			}
		}
		b = b[m:]
	}
	return nil
}

// rasterZones fills the band south of a latitude with zones, by the middles of its
// cells. Rings of one zone cancel each other where they overlap, which makes holes.
func rasterZones(raster []uint16, rings []zoneRing, north float64) {
	const wide = area.ZoneColumns * zoneSide
	clear(raster)
	crossings := make([][]float64, zoneSide)
	for i := 0; i < len(rings); {
		zone := rings[i].zone
		crossed := false
		for ; i < len(rings) && rings[i].zone == zone; i++ {
			r := &rings[i]
			if r.south > north || r.north < north-7.5 {
				continue
			}
			for k := range r.points {
				a, b := r.points[k], r.points[(k+1)%len(r.points)]
				if a[1] < b[1] {
					a, b = b, a
				}
				// Rows whose middle lies in [b, a).
				from := max(0, int(math.Ceil((north-a[1])/zoneCell-0.5)))
				for y := from; y < zoneSide; y++ {
					lat := north - (float64(y)+0.5)*zoneCell
					if lat < b[1] {
						break
					}
					if lat >= a[1] {
						continue
					}
					crossings[y] = append(crossings[y], a[0]+(b[0]-a[0])*(lat-a[1])/(b[1]-a[1]))
					crossed = true
				}
			}
		}
		if !crossed {
			continue
		}
		for y, xs := range crossings {
			slices.Sort(xs)
			for k := 0; k+1 < len(xs); k += 2 {
				from := max(0, int(math.Ceil((xs[k]+180)/zoneCell-0.5)))
				to := min(wide-1, int(math.Ceil((xs[k+1]+180)/zoneCell-0.5))-1)
				for x := from; x <= to; x++ {
					raster[y*wide+x] = zone
				}
			}
			crossings[y] = xs[:0]
		}
	}
	// The thinning left slits between zones: they are their western neighbour's.
	for y := range zoneSide {
		last := slices.IndexFunc(raster[y*wide:(y+1)*wide], func(z uint16) bool { return z != 0 })
		if last < 0 {
			continue
		}
		zone := raster[y*wide+last]
		for x := range wide {
			if raster[y*wide+x] == 0 {
				raster[y*wide+x] = zone
			}
			zone = raster[y*wide+x]
		}
	}
}

// zoneTree is the tree over a square of cells.
func zoneTree(raster []uint16, atSea []bool, x, y, depth int) area.ZoneNode {
	const wide = area.ZoneColumns * zoneSide
	side := zoneSide >> depth
	first := raster[y*wide+x]
	alike, land, others := true, uint16(0), false
	for r := y; r < y+side; r++ {
		for _, z := range raster[r*wide+x : r*wide+x+side] {
			alike = alike && z == first
			if z > 0 && !atSea[z-1] {
				others = others || land != 0 && land != z
				land = z
			}
		}
		if !alike && (others || depth < zoneSeaDepth) {
			break
		}
	}
	if alike {
		return area.ZoneNode{Zone: max(0, int(first)-1)}
	}
	// By the outer edge of its waters a zone may reach a little farther.
	if depth >= zoneSeaDepth && !others && land != 0 {
		return area.ZoneNode{Zone: int(land) - 1}
	}
	half := side / 2
	return area.ZoneNode{Children: []area.ZoneNode{
		zoneTree(raster, atSea, x, y, depth+1), zoneTree(raster, atSea, x+half, y, depth+1),
		zoneTree(raster, atSea, x, y+half, depth+1), zoneTree(raster, atSea, x+half, y+half, depth+1),
	}}
}
