package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"corridor/geodata/network/sea/survey"
)

// seaSource is Natural Earth's land at 1:10m as TopoJSON.
var seaSource = source{
	Registry: "npm", Name: "world-atlas", Version: "2.0.2",
	File:   "world-atlas-2.0.2.tgz",
	SHA256: "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
}

// buildSea makes geodata/network/sea/sea.chart: some minutes and 9 GB of memory.
func buildSea(ctx context.Context, f *fetcher) error {
	archive, err := f.fetch(ctx, seaSource)
	if err != nil {
		return err
	}
	land, err := readTgz(archive, "package/land-10m.json")
	if err != nil {
		return err
	}
	c, err := survey.Build(ctx, land, survey.DefaultConfig(), func(format string, args ...any) {
		fmt.Printf("geodata: sea: "+format+"\n", args...)
	})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := c.Write(&out); err != nil {
		return err
	}
	fmt.Printf("geodata: sea: %d nodes, %d edges, %d bytes\n", len(c.Nodes), len(c.Edges), out.Len())
	return os.WriteFile(filepath.Join("geodata", "network", "sea", "sea.chart"), out.Bytes(), 0o644)
}
