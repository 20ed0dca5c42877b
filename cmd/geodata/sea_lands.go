package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// seaLandsSource is OpenStreetMap's land with an error of 1 km: another source than
// the sea network's own.
var seaLandsSource = source{
	Registry: "npm", Name: "@geo-maps/earth-lands-1km", Version: "0.6.0",
	File:   "geo-maps-earth-lands-1km-0.6.0.tgz",
	SHA256: "7dd1dc2d6b7912a8cc3b2cfce83f074ac86f4757300f6049f0fd79c6c91ed3af",
}

// The raster of land the sea network is tested against: cells of a fortieth of a degree
// whose centre is on land, rows from the south.
const (
	landsPerDegree = 40
	landsSouth     = -60
	landsNorth     = 82
)

// buildSeaLands makes testdata/lands.bin.gz of the sea network: per row a uvarint
// count of stretches of land, then per stretch the water before it and its length
// in cells, from 180° W.
func buildSeaLands(ctx context.Context, f *fetcher) error {
	archive, err := f.fetch(ctx, seaLandsSource)
	if err != nil {
		return err
	}
	raw, err := readTgz(archive, "package/map.geo.json")
	if err != nil {
		return err
	}
	var world struct {
		Geometries []struct {
			Type        string
			Coordinates [][][][2]float64
		}
	}
	if err := json.Unmarshal(raw, &world); err != nil {
		return fmt.Errorf("read %s: %w", seaLandsSource.Name, err)
	}
	const rows = (landsNorth - landsSouth) * landsPerDegree
	cuts := make([][]float64, rows) // columns where a row's centre line meets a shore
	for _, g := range world.Geometries {
		if g.Type != "MultiPolygon" {
			return fmt.Errorf("%s: geometry %q, want MultiPolygon", seaLandsSource.Name, g.Type)
		}
		for _, polygon := range g.Coordinates {
			for _, ring := range polygon {
				for i := 1; i < len(ring); i++ {
					a, b := ring[i-1], ring[i]
					if a[1] > b[1] {
						a, b = b, a
					}
					first := max(0, int(math.Ceil((a[1]-landsSouth)*landsPerDegree-0.5)))
					for y := first; y < rows; y++ {
						lat := landsSouth + (float64(y)+0.5)/landsPerDegree
						if lat >= b[1] {
							break
						}
						cuts[y] = append(cuts[y], a[0]+(lat-a[1])/(b[1]-a[1])*(b[0]-a[0]))
					}
				}
			}
		}
	}
	var content []byte
	for _, xs := range cuts {
		slices.Sort(xs)
		var runs []byte
		n, last := uint64(0), 0
		for k := 0; k+1 < len(xs); k += 2 {
			from := max(last, int(math.Ceil((xs[k]+180)*landsPerDegree-0.5)))
			to := int(math.Ceil((xs[k+1]+180)*landsPerDegree - 0.5))
			if to <= from {
				continue
			}
			runs = binary.AppendUvarint(binary.AppendUvarint(runs, uint64(from-last)), uint64(to-from))
			n, last = n+1, to
		}
		content = append(binary.AppendUvarint(content, n), runs...)
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Printf("geodata: sea-lands: %d bytes\n", out.Len())
	return os.WriteFile(filepath.Join("geodata", "network", "sea", "testdata", "lands.bin.gz"), out.Bytes(), 0o644)
}
