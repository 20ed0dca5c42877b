package exact

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"

	"corridor/geodata"
	"corridor/geodata/network/dissect"
)

// ErrEmpty says that an extract has no ways that freight could use.
var ErrEmpty = errors.New("the extract holds no roads or railways that freight can use: is it an extract of another theme, or of an empty area?")

// Options are how an area is made.
type Options struct {
	Meta    Meta // Name, Source, Imported and AsOf are taken over
	Country func(lat, lon float64) geodata.Country
	Workers int
	// Progress, if not nil, is told what is being done and what share of it is. It
	// may be called from several goroutines.
	Progress func(doing string, share float64)
}

// Make makes an area of what a builder was given.
func Make(ctx context.Context, b *Builder, o Options) (*Area, error) {
	if o.Progress == nil {
		o.Progress = func(string, float64) {}
	}
	a := &Area{Meta: o.Meta}
	a.Licence = "ODbL 1.0, © OpenStreetMap contributors"
	lengths := map[geodata.Country]float64{}
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		o.Progress("joining "+string(mode)+"s", 0)
		net := b.Net(mode, o.Country)
		if len(net.Edges) == 0 {
			continue
		}
		n, err := net.network(ctx, o)
		if err != nil {
			return nil, err
		}
		km := 0.0
		for e := range n.from {
			km += float64(n.length[e]) / 10_000
			lengths[n.countryOf(int32(e))] += float64(n.length[e]) / 10_000
		}
		if mode == geodata.Road {
			a.road, a.RoadKM = n, math.Round(km)
		} else {
			a.rail, a.RailKM = n, math.Round(km)
		}
	}
	if a.road == nil && a.rail == nil {
		return nil, ErrEmpty
	}
	a.cover = newCover(a.road, a.rail)
	a.Bounds = a.cover.bounds()
	total := 0.0
	for _, km := range lengths {
		total += km
	}
	for c, km := range lengths {
		// Ways that cross a border are cut out whole, so a strip beyond it comes along.
		if c != "" && km >= fringe*total {
			a.Countries = append(a.Countries, string(c))
		}
	}
	slices.SortFunc(a.Countries, func(x, y string) int {
		if lengths[geodata.Country(x)] > lengths[geodata.Country(y)] {
			return -1
		}
		return 1
	})
	a.ready()
	return a, nil
}

// fringe is the share of an extract's ways up to which a country is only the strip
// beyond its border.
const fringe = 0.01

// network makes a searchable network of a net, which it changes.
func (net *Net) network(ctx context.Context, o Options) (*network, error) {
	g := dissect.Graph{X: make([]float32, len(net.Lat)), Y: make([]float32, len(net.Lat))}
	shrink := 1.0
	if len(net.Lat) > 0 {
		shrink = max(math.Cos(degrees(net.Lat[len(net.Lat)/2])*math.Pi/180), 0.05)
	}
	for i := range net.Lat {
		g.X[i], g.Y[i] = float32(degrees(net.Lon[i])*shrink), float32(degrees(net.Lat[i]))
	}
	for _, e := range net.Edges {
		g.Edges = append(g.Edges, [2]int32{int32(e.From), int32(e.To)})
	}
	var placed atomic.Int64
	order, err := dissect.Order(ctx, g, o.Workers, func(nodes int) {
		o.Progress("ordering "+string(net.Mode)+"s", float64(placed.Add(int64(nodes)))/float64(len(net.Lat)))
	})
	if err != nil {
		return nil, err
	}
	net.renumber(order)
	packed, offsets, ok := net.shapes()
	if !ok {
		return nil, errors.New("the area is too large for one import: import parts of it, such as its countries or states, one by one")
	}
	n := &network{
		tables: tables{Mode: net.Mode, Countries: net.Countries},
		rules:  net.Rules, lat: net.Lat, lon: net.Lon, country: net.Country,
		shapeAt: offsets, shapes: packed,
		skeleton: *newSkeleton(len(net.Lat), net.Edges),
	}
	n.nameAt = append(n.nameAt, 0)
	for _, s := range net.Names {
		n.names = append(n.names, s...)
		n.nameAt = append(n.nameAt, uint32(len(n.names)))
	}
	for _, e := range net.Edges {
		n.from, n.to = append(n.from, int32(e.From)), append(n.to, int32(e.To))
		n.length, n.cost, n.rule = append(n.length, e.LengthDM), append(n.cost, e.Cost), append(n.rule, e.Rule)
	}
	n.newGrid()
	o.Progress("weighing "+string(net.Mode)+"s", 0)
	n.Vehicle = defaultVehicle(net.Mode)
	if n.usual, err = n.customise(ctx, n.Vehicle); err != nil {
		return nil, err
	}
	return n, nil
}
