package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
	"time"

	"corridor/geodata"
	"corridor/geodata/extract"
	"corridor/geodata/network"
	"corridor/geodata/network/exact"
)

func osmKind() importKind {
	return importKind{
		name:    "osm",
		summary: "exact roads and railways from an OpenStreetMap extract",
		usage: `Reads an OpenStreetMap extract (.osm.pbf) of a country or a region and makes an
exact network of its roads, ferries and railways, one-way streets and the limits
for lorries included. Inside the extract it takes over from the world's network and
joins it at the edge. Extracts are cut by download servers; an extract imported
again, or one that covers an older one, replaces it.`,
		prepare: func(flags *flag.FlagSet) importFunc {
			name := flags.String("name", "", "`name` of the area; without it the file's name without -latest or a date")
			quiet := flags.Bool("quiet", false, "do not show progress")
			return func(ctx context.Context, in importJob) (importReport, error) {
				return importOSM(ctx, in, *name, *quiet)
			}
		},
	}
}

func importOSM(ctx context.Context, in importJob, name string, quiet bool) (importReport, error) {
	f, err := os.Open(in.file)
	if err != nil {
		return importReport{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return importReport{}, err
	}
	if !info.Mode().IsRegular() {
		return importReport{}, errors.New("it is not a file: an extract is read twice, so it cannot come from a pipe or a folder")
	}
	if name == "" {
		name = exact.NameOf(in.file)
	}
	meter := newMeter(in.progress, quiet, info.Size(), time.Now)
	a, err := exact.Import(ctx, f, exact.Meta{
		Name: name, Source: info.Name(), Imported: time.Now().UTC().Format(time.RFC3339),
	}, meter.tell)
	meter.end()
	if err != nil {
		var format *extract.FormatError
		if errors.As(err, &format) || errors.Is(err, exact.ErrEmpty) || ctx.Err() != nil {
			return importReport{}, err
		}
		return importReport{}, fmt.Errorf("read the extract: %w", err)
	}
	stored, gone, err := exact.Save(in.data, a)
	if errors.Is(err, syscall.ENOSPC) {
		return importReport{}, fmt.Errorf("the disk is full: make room, or give another --data; what was imported before is untouched (%w)", err)
	}
	if err != nil {
		return importReport{}, err
	}
	for _, g := range gone {
		fmt.Fprintf(in.progress, "replaces the older import %s, which it covers\n", g)
	}
	what := fmt.Sprintf("km of ways of %s (%s): %s km of roads and %s km of railways", a.Name, strings.Join(a.Countries, ", "), grouped(a.RoadKM), grouped(a.RailKM))
	return importReport{What: what, Stored: stored, Loaded: int(a.RoadKM + a.RailKM)}, nil
}

// openWorld opens the networks with the areas imported into a data directory; ""
// is none.
func openWorld(data string) (*network.World, error) {
	return openWorldWith(data, network.Config{})
}

func openWorldWith(data string, with network.Config) (*network.World, error) {
	if data == "" {
		return network.New(with), nil
	}
	areas, problems := exact.OpenAll(data)
	if len(problems) > 0 {
		return nil, fmt.Errorf("an imported area cannot be used; import its extract again or remove the file: %w", errors.Join(problems...))
	}
	with.Imports = areas
	return network.New(with), nil
}

// readVehicle reads "40t,4.0m,11.5t": the weight, the height and the axle load, any
// of them empty, and words.
func readVehicle(s string) (geodata.Vehicle, error) {
	var v geodata.Vehicle
	measures := []*float64{&v.WeightT, &v.HeightM, &v.AxleT}
	units := []map[string]float64{{"t": 1, "kg": 0.001}, {"m": 1, "cm": 0.01}, {"t": 1, "kg": 0.001}}
	k := 0
	for item := range strings.SplitSeq(s, ",") {
		item = strings.ToLower(strings.TrimSpace(item))
		switch {
		case item == "no-tolls":
			v.AvoidTolls = true
		case item == "no-ferries":
			v.AvoidFerries = true
		case item == "electric":
			v.Electric = true
		case strings.HasSuffix(item, "mm"):
			mm, err := amount(item, map[string]float64{"mm": 1})
			if err != nil || mm < 300 || mm > 3000 || mm != math.Trunc(mm) {
				return v, fmt.Errorf("--vehicle %s: %q is no track gauge; write e.g. 1520mm", s, item)
			}
			v.GaugeMM = int(mm)
		case item == "":
			k++
		case k >= len(measures):
			return v, fmt.Errorf("--vehicle %s: %q is one too many; write weight,height,axle load, e.g. 40t,4.0m,11.5t", s, item)
		default:
			value, err := amount(item, units[k])
			if err != nil || value <= 0 {
				return v, fmt.Errorf("--vehicle %s: %q cannot be read; write weight,height,axle load, e.g. 40t,4.0m,11.5t", s, item)
			}
			*measures[k] = value
			k++
		}
	}
	return v, nil
}
