package land

import (
	"context"
	"math"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// Inset is other networks that are set into this one, such as the exact roads of
// an area. Edges that have a number in it (Edge.Inset) stand for ways through
// them: what they take depends on the vehicle, and how they run is asked when a
// path goes there. An Inset must be safe for concurrent use.
type Inset interface {
	// Weigh tells what every way takes for a vehicle, by number; None for no way.
	Weigh(ctx context.Context, v geodata.Vehicle) ([]Load, error)
	// Draw gives a way, back from its upper to its lower node if so asked. It begins
	// and ends at the nodes.
	Draw(ctx context.Context, way int, back bool, v geodata.Vehicle) (geodata.Path, error)
}

// Join makes a graph of a network whose edges may have numbers in an inset.
func Join(n *Net, inset Inset, with Shared) (*Graph, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	g, err := newGraph(n, with)
	if err != nil {
		return nil, err
	}
	g.inset = inset
	return g, nil
}

// Load is what a way takes: cost, by which ways are chosen, and length.
type Load struct{ CostKM, KM float64 }

// None is the load where there is no way.
func None() Load { return Load{math.Inf(1), math.Inf(1)} }

func (l Load) load() load {
	if !(l.CostKM < far/1000) {
		return load{cost: far}
	}
	return load{uint32(math.Round(l.CostKM * 1000)), uint32(math.Round(l.KM * 1000))}
}

// End is where a way begins or ends: a point beside the network or, if there are
// gates, something on another network that they lead to.
type End struct {
	Point orb.Point
	Gates []Gate
}

// Gate is a node with what it takes to get there.
type Gate struct {
	Node uint32
	Load
}

// Way is a path with the gates it goes through, by their index; -1 where the end is
// a point. The path runs between the gates; CostKM is with the ways to them.
type Way struct {
	Path             geodata.Path
	FromGate, ToGate int
	CostKM           float64
}

// end is an End joined to the network.
type end struct {
	point orb.Point
	snaps []snap
	gates []Gate
}

func (g *Graph) end(e End, pr *profile) (end, error) {
	if len(e.Gates) > 0 {
		return end{point: e.Point, gates: e.Gates}, nil
	}
	snaps, err := g.snaps(e.Point, pr)
	return end{point: e.Point, snaps: snaps}, err
}

// parts are the parts of the network that an end joins.
func (g *Graph) parts(e *end) []int32 {
	var out []int32
	for _, s := range e.snaps {
		out = append(out, g.part[g.edges[s.edge].From])
	}
	for _, gate := range e.gates {
		out = append(out, g.part[gate.Node])
	}
	return out
}
