package exact

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/extract"
)

// Import makes an area of an extract, which is read twice: for its ways, then for
// the nodes under them. Bad bytes are an *extract.FormatError, an extract without
// ways ErrEmpty. Meta gives the name; the rest of it is found out.
func Import(ctx context.Context, r io.ReadSeeker, meta Meta, progress func(doing string, share float64)) (*Area, error) {
	if progress == nil {
		progress = func(string, float64) {}
	}
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	var b Builder
	workers := runtime.GOMAXPROCS(0)
	pass := func(doing string, o extract.Options, visit func(*extract.Block)) (extract.Header, error) {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return extract.Header{}, err
		}
		o.Workers = workers
		o.Progress = func(read int64) { progress(doing, float64(read)/float64(max(size, 1))) }
		return extract.Scan(ctx, r, o, func(block *extract.Block) error { visit(block); return nil })
	}
	header, err := pass("reading ways", extract.Options{Ways: true}, func(block *extract.Block) { b.Ways(block.Ways) })
	if err != nil {
		return nil, err
	}
	if ways, _ := b.Counts(); ways == 0 {
		return nil, ErrEmpty
	}
	if _, err := pass("reading nodes", extract.Options{Nodes: true}, func(block *extract.Block) { b.Nodes(block.Nodes) }); err != nil {
		return nil, err
	}
	if header.Timestamp > 0 {
		meta.AsOf = time.Unix(header.Timestamp, 0).UTC().Format(time.RFC3339)
	}
	countries, err := area.Open()
	if err != nil {
		return nil, fmt.Errorf("tell countries: %w", err)
	}
	return Make(ctx, &b, Options{
		Meta: meta, Workers: workers, Progress: progress,
		Country: func(lat, lon float64) geodata.Country { return countryAt(countries, lat, lon) },
	})
}

// shoreKM is how far off the land a bridge or a quay still is in its country.
const shoreKM = 50

func countryAt(a *area.Area, lat, lon float64) geodata.Country {
	p := [2]float64{lon, lat}
	if c, ok := a.Country(p); ok {
		return c
	}
	c, _, _ := a.Nearest(p, shoreKM)
	return c
}
