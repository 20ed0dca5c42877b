package tracking

import (
	"context"

	"github.com/paulmach/orb"
)

// Interest is what a watcher wants to see: the union of the fields set.
type Interest struct {
	// BBox is a viewport; Min lon > Max lon spans the antimeridian. Nil: none.
	BBox      *orb.Bound
	Zoom      float64
	Units     []UnitID
	Shipments []ShipmentID
	// Viewer limits everything to what this party may read, whatever is asked for.
	Viewer Party
}

// Resume is the point up to which a watcher has seen everything.
type Resume struct {
	Epoch string
	Seq   uint64
	// NewInterest says that the interest is another than the one everything was
	// seen under: the snapshot is then complete, and only the events go on from
	// here.
	NewInterest bool
}

// CellCount is the number of units in one H3 cell.
type CellCount struct {
	Cell  string  `json:"cell"`
	Lat   float64 `json:"lat"`
	Lon   float64 `json:"lon"`
	Count int     `json:"count"`
}

// Snapshot is the state a watch starts from. With a resume point of the same
// epoch, Seq is that point and every event after it follows, whether units could
// be resumed or not.
type Snapshot struct {
	Epoch     string
	Seq       uint64
	Resumed   bool // what changed after Resume.Seq follows; what the watcher holds stays valid
	Units     []UnitState
	Cells     []CellCount // instead of the viewport's units when they are too many
	Shipments []Shipment
	ETAs      []ETA
}

// Delta is what changed since the last one. Positions conflate: a unit appears
// once with its latest state. Events are complete and in order.
type Delta struct {
	Seq    uint64
	Units  []UnitState
	Cells  []CellCount // non-nil: replaces the density shown
	Events []Event
	ETAs   []ETA
}

// Watch is one subscription. It misses nothing between its Snapshot and its
// first Delta. Next blocks until something changed, at most once per tick.
type Watch interface {
	Snapshot() Snapshot
	// When ctx ends nothing is lost: Next can be called again. Next returns
	// ErrSlow when more events wait than a watch may hold and ErrClosed when the
	// tracker stops.
	Next(ctx context.Context) (Delta, error)
	Close()
}
