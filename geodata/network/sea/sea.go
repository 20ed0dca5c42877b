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
	"errors"
	"fmt"
	"hash/crc32"
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
	DraughtM     float64 // deepest draught that passes in metres, general knowledge; 0: no limit known
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

// Bar is a passage that keeps a ship from its way.
type Bar struct {
	Passage string // id
	Name    string
	// DraughtM is the deepest draught the passage takes in metres where the ship
	// draws more; 0 where the caller shut it, or it is shut by default.
	DraughtM float64
}

// BarredError says what bars every way between two points. It is a
// geodata.ErrNoRoute.
type BarredError struct {
	From, To orb.Point
	DraughtM float64 // of the ship; 0 when not given
	Bars     []Bar   // on the way the ship would take
}

func (e *BarredError) Error() string {
	var why []string
	for _, b := range e.Bars {
		if b.DraughtM > 0 {
			why = append(why, fmt.Sprintf("%s (%s) takes %g m, the ship draws %g m", b.Name, b.Passage, b.DraughtM, e.DraughtM))
		} else {
			why = append(why, fmt.Sprintf("%s (%s) is shut", b.Name, b.Passage))
		}
	}
	return fmt.Sprintf("%v by sea from %s to %s: %s, and there is no way round", geodata.ErrNoRoute, show(e.From), show(e.To), strings.Join(why, "; "))
}

func (e *BarredError) Unwrap() error { return geodata.ErrNoRoute }

// UnjoinedError says that no passage joins the waters of two points. It is a
// geodata.ErrNoRoute.
type UnjoinedError struct {
	From, To orb.Point
	Inland   orb.Point // the one of them that lies on an inland water
	Sea      string    // its name; empty when it has none here
}

func (e *UnjoinedError) Error() string {
	at := fmt.Sprintf("%v by sea from %s to %s: ", geodata.ErrNoRoute, show(e.From), show(e.To))
	if e.Sea == caspian {
		return at + fmt.Sprintf("%s lies on the Caspian Sea, which no passage joins to the ocean; sail to one of its ferry ports (Alat near Baku, Aktau, Kuryk, Turkmenbashi) and go on by land", show(e.Inland))
	}
	return at + fmt.Sprintf("%s lies on inland water that no passage joins to the other", show(e.Inland))
}

func (e *UnjoinedError) Unwrap() error { return geodata.ErrNoRoute }

// caspian is the name of the one inland sea freight is shipped on.
const caspian = "Caspian Sea"

// Graph is the network. It is safe for concurrent use.
type Graph struct {
	water    *chart.Water
	passages []Passage
	gates    []gate
	byID     map[string]int
	shut     mask // by default

	suezRoute, northPacific, panama mask // see detourKM

	part []int32 // by node: the part of the network it belongs to; 0 is the ocean

	nodes []node
	core  int               // how many of the first nodes are the core
	first []int32           // index of each node's first arc; one more at the end
	arcs  []arc             // from each node to more important ones, which come before it
	legs  map[int32][]uint8 // by arc: passages of a leg in order from the more important node

	coreFirst []int32 // as first, for both directions within the core
	coreArcs  []coreArc

	harbours *harbours // ports worked out beforehand; nil: none

	laneCells map[int]bool // raster cells that hold a node of a lane

	nextTo     []int32     // as first, for neighbours
	neighbours []neighbour // by legs that sail no passage

	store    *paged.Store // of the columns above and those of profiles; nil: they are on the heap
	climbers sync.Pool    // *climber
	lookouts sync.Pool    // *lookout

	building chan struct{} // holds one for each profile being built; see buildingAtOnce

	mu       sync.Mutex // guards the caches
	ports    *cache[orb.Point, *port]
	locals   *cache[[2]orb.Point, local]
	profiles *cache[terms, *profileSlot]
}

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
	// Harbours of another chart are left out: it has just been rebuilt, and they are next.
	if g.harbours, err = readHarbours(harboursFile, crc32.ChecksumIEEE(chartFile)); err != nil && !errors.Is(err, ErrHarbours) {
		return nil, fmt.Errorf("open sea network: %w", err)
	}
	g.store = store
	columns := append(
		c.Water.Columns(),
		paged.Of(&g.nodes), paged.Of(&g.first), paged.Of(&g.arcs), paged.Of(&g.coreFirst), paged.Of(&g.coreArcs),
		paged.Of(&g.nextTo), paged.Of(&g.neighbours), paged.Of(&g.part),
	)
	if g.harbours != nil {
		columns = append(columns, paged.Of(&g.harbours.content))
	}
	store.Move(columns...)
	return g, nil
}
