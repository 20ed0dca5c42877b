// Package sea is the network of the world's navigable water: how far a ship sails
// between two ports, along which way and through which named passages, any of
// which can be shut.
//
// It answers for ports and other points at or near the coast; what lies more than
// SnapLimitKM from water has no way by sea. It knows no draughts of ports, no
// weather and no schedules, and its ways are for planning, not for navigation.
//
// The network is a chart made from the coastline by package survey: the turning
// points a tight string would bend around, kept off the land by a safe distance,
// and the legs between them. FORMAT.md describes the file.
package sea

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"corridor/geodata"
	"corridor/geodata/network/sea/internal/chart"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/pilot"
	"corridor/geodata/paged"

	"github.com/paulmach/orb"
)

//go:embed sea.chart
var chartFile []byte

// SnapLimitKM is how far a point may lie from navigable water.
const SnapLimitKM = 60

// Passage is a named strait, canal, cape or river approach a caller can shut.
type Passage struct {
	ID    string // lower-case, e.g. "suez"
	Names geodata.Names
	Kind  string // strait, canal, cape, river or ice
	// OffByDefault passages are sailed only when opened by "+id" in avoid.
	OffByDefault bool
	DraughtM     float64 // deepest draught that passes, general knowledge; 0: no limit known
	// PenaltyNM is what passing costs beyond its length when ways are compared:
	// waits, speed limits and dues as miles at sea, an assumption. It is never
	// part of a distance.
	PenaltyNM float64
	Gate      orb.LineString // across the water; a path over it sails the passage
}

// UnknownPassageError is returned for a passage id the network does not have.
type UnknownPassageError struct {
	ID    string
	Known []string
}

func (e *UnknownPassageError) Error() string {
	return fmt.Sprintf("unknown passage %q: use any of %s", e.ID, strings.Join(e.Known, ", "))
}

// Graph is the network. It is safe for concurrent use.
type Graph struct {
	water    *chart.Water
	passages []Passage
	gates    []gate
	byID     map[string]int
	shut     mask // by default

	suezRoute, northPacific mask // see detourKM

	nodes []node
	core  int               // how many of the first nodes are the core
	first []int32           // index of each node's first arc; one more at the end
	arcs  []arc             // from each node to more important ones, which come before it
	legs  map[int32][]uint8 // by arc: passages of a leg in order from the more important node

	coreFirst []int32 // as first, for both directions within the core
	coreArcs  []coreArc

	laneCells map[int]bool // raster cells that hold a node of a lane

	nextTo     []int32     // as first, for neighbours
	neighbours []neighbour // by legs that sail no passage

	store    *paged.Store // of the columns above and those of profiles; nil: they are on the heap
	climbers sync.Pool    // *climber
	lookouts sync.Pool    // *lookout

	building sync.Mutex // one profile at a time: each takes three times its size meanwhile

	mu       sync.Mutex // guards the caches
	ports    *cache[orb.Point, *port]
	locals   *cache[[2]orb.Point, local]
	profiles *cache[mask, *profileSlot]
}

// mask is a set of passages by index.
type mask uint64

type node struct {
	at            globe.Vec
	before, after globe.Vec
	point         orb.Point
	free          bool
}

// arc joins a node to a more important one: a leg, or a shortcut over a less
// important node that is the owner of both its halves.
type arc struct {
	owner, to   int32
	left, right int32 // the halves to the more and the less important end; -1 for a leg
	km          float32
	cost        float32 // km with penalties
	passages    mask
}

type coreArc struct {
	to       int32
	cost, km float32
	passages mask
}

type gate struct {
	passage uint8
	a, b    globe.Vec
}

// Open decodes the embedded network.
func Open() (*Graph, error) { return OpenPaged(nil) }

// OpenPaged is Open with the network, and what is worked out for each set of shut
// passages, in the store's files.
func OpenPaged(store *paged.Store) (*Graph, error) {
	c, err := chart.Read(chartFile)
	if err != nil {
		return nil, fmt.Errorf("open sea network: %w", err)
	}
	ps, err := pilot.Passages()
	if err != nil {
		return nil, fmt.Errorf("open sea network: %w", err)
	}
	g, err := newGraph(c, ps)
	if err != nil {
		return nil, err
	}
	g.store = store
	store.Move(append(
		c.Water.Columns(),
		paged.Of(&g.nodes), paged.Of(&g.first), paged.Of(&g.arcs), paged.Of(&g.coreFirst), paged.Of(&g.coreArcs),
		paged.Of(&g.nextTo), paged.Of(&g.neighbours),
	)...)
	return g, nil
}
