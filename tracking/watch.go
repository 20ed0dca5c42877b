package tracking

import (
	"context"
	"sync"

	"github.com/paulmach/orb"
)

// Shared is a place beside something that many watches get alike, for whoever
// writes it out to keep what it made of it, so that it is made once. It is
// compared by pointer and may be used from any goroutine.
type Shared struct {
	once  sync.Once
	value any
}

// Get returns what create returned the first time Get was called.
func (s *Shared) Get(create func() any) any {
	s.once.Do(func() { s.value = create() })
	return s.value
}

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
	// Audience stands for all watches that see the same: one viewport, and nothing
	// by name, under one party's rights. Nil when there is no telling.
	Audience *Shared
}

// Delta is what changed since the last one. Positions conflate: a unit appears
// once with its latest state. Events are complete and in order. Its slices may be
// handed to many watches: they are read only.
type Delta struct {
	Seq    uint64
	Units  []UnitState
	Cells  []CellCount // non-nil: replaces the density shown
	Events []Event
	ETAs   []ETA
	// Shared, when not nil, stands for Units and Cells: whoever gets the same
	// pointer gets the same of these.
	Shared *Shared
}

// Watch is one subscription. It misses nothing between its Snapshot and its
// first Delta. Next blocks until something changed, at most once per tick.
type Watch interface {
	// Snapshot is what the watch began with. Next forgets it: ask before.
	Snapshot() Snapshot
	// When ctx ends nothing is lost: Next can be called again. Next returns
	// ErrSlow when more events wait than a watch may hold and ErrClosed when the
	// tracker stops.
	Next(ctx context.Context) (Delta, error)
	// Notify has f called whenever Next may have something to return, perhaps
	// once more after Close. f is quick and does not call the Watch, whose locks are
	// held. It is set once, before Next, and called then if there is something.
	Notify(f func())
	Close()
}
