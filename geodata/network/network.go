// Package network is the world's link networks behind one door: how far it is
// between two points by sea, rail, road or air, along which way and over which
// borders and passages.
//
// It only opens and joins the networks; each is a package below: sea, land (road
// and rail) and air, exact (imported areas) and joint (those set into land). It knows no places, prices or schedules. Points are lon/lat,
// lengths kilometres.
package network

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/network/air"
	"corridor/geodata/network/exact"
	"corridor/geodata/network/joint"
	"corridor/geodata/network/land"
	"corridor/geodata/network/sea"
	"corridor/geodata/paged"
)

// World is the four networks. Each is decoded when it is first asked for, in
// about 0.2 s, and kept. It is safe for concurrent use.
type World struct {
	sea  func() (*sea.Graph, error)
	rail func() (engine, error)
	road func() (engine, error)
	air  func() (*air.Graph, error)
}

// Open returns the world on the embedded networks, with imported areas set into its
// roads and railways; where they overlap the first has precedence.
func Open(imports ...*exact.Area) (*World, error) { return New(Config{Imports: imports}), nil }

// Config is what a world is made of and shares with others.
type Config struct {
	Imports   []*exact.Area              // see Open
	Countries func() (*area.Area, error) // nil: shapes of its own, when they are needed
	Store     *paged.Store               // where the networks go; nil: the heap
}

// New returns the world on the embedded networks.
func New(c Config) *World {
	if c.Countries == nil {
		c.Countries = sync.OnceValues(func() (*area.Area, error) { return area.OpenPaged(c.Store) })
	}
	return &World{
		sea:  sync.OnceValues(func() (*sea.Graph, error) { return sea.OpenPaged(c.Store) }),
		rail: sync.OnceValues(func() (engine, error) { return c.land(geodata.Rail) }),
		road: sync.OnceValues(func() (engine, error) { return c.land(geodata.Road) }),
		air: sync.OnceValues(func() (*air.Graph, error) {
			countries, err := c.Countries()
			if err != nil {
				return nil, err
			}
			return air.Over(countries), nil
		}),
	}
}

func (c Config) land(m geodata.Mode) (engine, error) {
	with := land.Shared{Countries: c.Countries, Store: c.Store}
	if !slices.ContainsFunc(c.Imports, func(a *exact.Area) bool { return a.Network(m) != nil }) {
		return land.OpenShared(m, with)
	}
	net, err := land.Stored(m)
	if err != nil {
		return nil, err
	}
	return joint.New(net, c.Imports, with)
}

// Warm decodes the networks of the modes at once, so that no user waits for it.
func (w *World) Warm(modes ...geodata.Mode) error {
	for _, m := range modes {
		if _, err := w.engine(m); err != nil {
			return err
		}
	}
	return nil
}

// Passages are the named passages of the sea, which a caller can avoid.
func (w *World) Passages() ([]sea.Passage, error) {
	g, err := w.sea()
	if err != nil {
		return nil, err
	}
	return g.Passages(), nil
}

// Route is the shortest way by the mode. Where there is none under what is
// avoided the error is geodata.ErrNoRoute.
func (w *World) Route(ctx context.Context, m geodata.Mode, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	e, err := w.engine(m)
	if err != nil {
		return geodata.Path{}, err
	}
	p, err := e.Route(ctx, from, to, avoid)
	if err != nil {
		return geodata.Path{}, fmt.Errorf("by %s: %w", m, err)
	}
	return p, nil
}

// Table gives the kilometres of the shortest way from every point of from to
// every point of to, +Inf where there is none.
func (w *World) Table(ctx context.Context, m geodata.Mode, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	e, err := w.engine(m)
	if err != nil {
		return nil, err
	}
	t, err := e.Table(ctx, from, to, avoid)
	if err != nil {
		return nil, fmt.Errorf("by %s: %w", m, err)
	}
	return t, nil
}

// engine is what each network offers.
type engine interface {
	Route(ctx context.Context, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error)
	Table(ctx context.Context, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error)
}

func (w *World) engine(m geodata.Mode) (engine, error) {
	var (
		e   engine
		err error
	)
	switch m {
	case geodata.Sea:
		var g *sea.Graph
		g, err = w.sea()
		e = lanes{g}
	case geodata.Rail:
		e, err = w.rail()
	case geodata.Road:
		e, err = w.road()
	case geodata.Air:
		e, err = w.air()
	default:
		return nil, fmt.Errorf("no network for mode %q: use sea, rail, road or air", m)
	}
	if err != nil {
		return nil, fmt.Errorf("open the %s network: %w", m, err)
	}
	return e, nil
}

// lanes gives the sea network the shape of the others; of what is avoided only
// passages mean something at sea.
type lanes struct{ g *sea.Graph }

func (l lanes) Route(ctx context.Context, from, to orb.Point, avoid geodata.Avoid) (geodata.Path, error) {
	if err := ctx.Err(); err != nil {
		return geodata.Path{}, err
	}
	return l.g.Route(from, to, avoid)
}

func (l lanes) Table(ctx context.Context, from, to []orb.Point, avoid geodata.Avoid) ([][]float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l.g.Table(from, to, avoid)
}
