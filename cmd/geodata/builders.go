package main

import "context"

type builder func(ctx context.Context, f *fetcher) error

// builders are the data sets by name; each lives in a file of its own.
func builders() map[string]builder {
	return map[string]builder{
		"area":      buildArea,
		"borders":   buildBorders,
		"land":      buildLand,
		"pictures":  buildPictures,
		"places":    buildPlaces,
		"sea":       buildSea,
		"harbours":  buildHarbours,
		"sea-lands": buildSeaLands,
		"tiles":     buildTiles,
	}
}
