// Package tracking follows units and the shipments they carry. State is a pure
// fold over a log: a report accepted is a report in the log, and everything else
// (live map, SQL tables, events) is a projection that can be rebuilt from it.
//
// This root package is the vocabulary, the fold and the interfaces the fold's
// keeper needs (Log, Store). poslog implements Log on NATS JetStream,
// store/sqlite and store/postgres implement Store, live keeps the running state
// and serves it. It does no I/O and reads no clock.
package tracking

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking/plausible"
)

// Distinct identifiers, so that one is never taken for another.
type (
	PartyID    string // an organisation: carrier, shipper, dispatcher's office, administrator
	UnitID     string // a truck, wagon, vessel, aircraft or box that reports positions
	ShipmentID string
	KeyID      string
)

// Role is what a party may do.
type Role string

// Roles. An admin may do everything; a dispatcher sees everything; a shipper
// plans and reads its own shipments; a carrier writes and reads its own units.
const (
	Admin      Role = "admin"
	Dispatcher Role = "dispatcher"
	Shipper    Role = "shipper"
	Carrier    Role = "carrier"
)

// Party is an organisation with a role.
type Party struct {
	ID      PartyID   `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Created time.Time `json:"created"`
}

// Key lets a party in. Only the SHA-256 of the secret is kept; the secret holds
// 256 random bits, so a slow hash would protect nothing more.
type Key struct {
	ID      KeyID      `json:"id"`
	Party   PartyID    `json:"party"`
	Hash    [32]byte   `json:"hash"`
	Created time.Time  `json:"created"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// Measure is a reading that may be missing. The zero value is missing: unknown
// is not zero.
type Measure struct {
	value float32
	known bool
}

// Known wraps a reading.
func Known(v float64) Measure { return Measure{float32(v), true} }

// Get returns the reading and whether there is one.
func (m Measure) Get() (float64, bool) { return float64(m.value), m.known }

// IsZero reports a missing reading; encoding/json's omitzero uses it.
func (m Measure) IsZero() bool { return !m.known }

// MarshalJSON writes the number, or null when missing.
func (m Measure) MarshalJSON() ([]byte, error) {
	if !m.known {
		return []byte("null"), nil
	}
	return json.Marshal(m.value)
}

// UnmarshalJSON reads a number or null.
func (m *Measure) UnmarshalJSON(b []byte) error {
	var v *float64
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if v == nil {
		*m = Measure{}
		return nil
	}
	*m = Known(*v)
	return nil
}

// Position is one reading of where a unit was, as a device reported it.
type Position struct {
	Unit      UnitID          `json:"unit"`
	Time      time.Time       `json:"time"` // device clock, UTC, second resolution is enough
	Lat       float64         `json:"lat"`  // degrees north, [-90, 90]
	Lon       float64         `json:"lon"`  // degrees east, [-180, 180]
	SpeedKMH  Measure         `json:"speed_kmh,omitzero"`
	CourseDeg Measure         `json:"course_deg,omitzero"` // clockwise from true north, [0, 360)
	AccuracyM Measure         `json:"accuracy_m,omitzero"`
	Sensors   json.RawMessage `json:"sensors,omitempty"` // as the device named them
}

// Fix is an accepted position.
type Fix struct {
	Position
	Received  time.Time `json:"received"` // server clock
	Seq       uint64    `json:"seq"`      // of the log record that holds it
	Cell      uint64    `json:"-"`        // H3 cell at live resolution, computed once
	Simulated bool      `json:"simulated,omitempty"`
	// Doubt is why the unit is not believed to have been there; see package plausible.
	Doubt plausible.Doubt `json:"doubt,omitzero"`
}

// Believed tells whether the unit was there, as far as anybody can tell: such fixes are
// drawn.
func (f *Fix) Believed() bool { return f.Doubt == plausible.None }

// Refusal is a position that was not accepted.
type Refusal struct {
	Index  int    `json:"index"`  // in the request
	Reason string `json:"reason"` // for the sender, e.g. "latitude 91 out of range"
	Code   string `json:"code"`   // for counting, e.g. "latitude"
}

// Receipt answers a batch of positions. Stored positions are durable in the log
// when the receipt is returned.
type Receipt struct {
	Stored     int       `json:"stored"`
	Duplicates int       `json:"duplicates"`
	Refused    []Refusal `json:"refused"` // never null
}

// AcceptOptions say what is known of the sender of a batch of positions.
type AcceptOptions struct {
	Mode      geodata.Mode // of units seen for the first time; empty: road
	Simulated bool         // the positions come from a simulation and are shown as such
}

// UnitState is what is known of a unit now.
type UnitState struct {
	Unit      UnitID       `json:"unit"`
	Carrier   PartyID      `json:"carrier"`
	Mode      geodata.Mode `json:"mode"`             // how it travels: on a shipment the leg's, else what its reports say; road until something tells
	Latest    *Fix         `json:"latest,omitempty"` // newest by device time
	Shipment  ShipmentID   `json:"shipment,omitempty"`
	Fixes     uint64       `json:"fixes"` // accepted so far
	Simulated bool         `json:"simulated,omitempty"`
}

// Shipment is goods under way by a planned option.
type Shipment struct {
	ID          ShipmentID      `json:"id"`
	Reference   string          `json:"reference,omitempty"`
	Owner       PartyID         `json:"owner"` // the shipper
	Carrier     PartyID         `json:"carrier,omitempty"`
	Unit        UnitID          `json:"unit,omitempty"`
	PlanID      string          `json:"plan_id"`
	Request     routing.Request `json:"request"`
	Option      routing.Option  `json:"option"` // the plan as promised, geometry included
	Origin      routing.Point   `json:"origin"`
	Destination routing.Point   `json:"destination"`
	Promise     *time.Time      `json:"promise,omitempty"`
	Opened      time.Time       `json:"opened"`
	Assigned    *time.Time      `json:"assigned,omitempty"` // to the unit it is on
	Status      string          `json:"status"`             // planned, under-way, arrived, cancelled
	Simulated   bool            `json:"simulated,omitempty"`
	Dossier     Dossier         `json:"dossier,omitzero"`
}

// Ended tells whether nothing more will happen to the shipment.
func (s *Shipment) Ended() bool { return s.Status == Arrived || s.Status == Cancelled }

// ETA is a forecast of arrival.
type ETA struct {
	Shipment   ShipmentID       `json:"shipment"`
	Made       time.Time        `json:"made"` // device time of the fix it rests on
	Arrive     routing.Instants `json:"arrive"`
	OnTime     *float64         `json:"on_time,omitempty"` // nil: nothing was promised
	DoneKM     float64          `json:"done_km"`
	TotalKM    float64          `json:"total_km"`
	OffRouteKM float64          `json:"off_route_km"` // distance from the planned path
	NextBorder string           `json:"next_border,omitempty"`
	Connection *Connection      `json:"connection,omitempty"` // nil: no departure by the clock lies ahead
}

// Connection is the next departure by the clock.
type Connection struct {
	At      string    `json:"at"`      // where the leg begins
	Departs time.Time `json:"departs"` // by the plan
	Chance  float64   `json:"chance"`  // to be there in time
}

// Progress is how far a shipment has come. It is kept apart from Shipment, which
// carries the whole plan, because it changes with nearly every fix.
type Progress struct {
	Shipment ShipmentID `json:"shipment"`
	DoneKM   float64    `json:"done_km"`            // furthest point reached along the plan; never falls
	Borders  int        `json:"borders"`            // borders of the plan that lie behind
	Departed *time.Time `json:"departed,omitempty"` // device time of the fix that showed it
	Arrived  *time.Time `json:"arrived,omitempty"`
	ETA      *ETA       `json:"eta,omitempty"` // nil before the first fix
	Vigil    Vigil      `json:"vigil,omitzero"`
}

// Object is a part of the state that is rare and rich, as JSON: what a Store keeps
// of it without knowing it. A new kind of thing needs no new table.
type Object struct {
	Kind string
	ID   string          // within the kind
	Body json.RawMessage // nil: it is no more
}

// Event is something that happened once.
type Event struct {
	Seq      uint64     `json:"seq"` // of the log record that caused it
	N        int        `json:"n"`   // order within that record
	Kind     string     `json:"kind"`
	Time     time.Time  `json:"time"`
	Unit     UnitID     `json:"unit,omitempty"`
	Shipment ShipmentID `json:"shipment,omitempty"`
	Where    string     `json:"where,omitempty"`
	Lat      *float64   `json:"lat,omitempty"`
	Lon      *float64   `json:"lon,omitempty"`
	Detail   string     `json:"detail,omitempty"`
	For      PartyID    `json:"for,omitempty"` // only this party reads it, and the office; empty: who may read the shipment or the unit
}

// Sentinels callers branch on.
var (
	ErrNotFound  = errors.New("not found")
	ErrForbidden = errors.New("not yours")
	ErrConflict  = errors.New("conflict")
	ErrFull      = errors.New("log is full: no report is accepted until space is freed")
	ErrClosed    = errors.New("closed")
	ErrSlow      = errors.New("too many events are waiting: resume")
)

// Changes is what a run of log records did to the state, for a Store to keep.
// Every slice holds final values: applying Changes twice changes nothing twice.
type Changes struct {
	From, To  uint64 // log sequences covered: (From, To]
	Epoch     string // identity of the log
	Parties   []Party
	Keys      []Key
	Units     []UnitState
	Fixes     []Fix // in log order, never a duplicate
	Shipments []Shipment
	Progress  []Progress // one per shipment; replaces the one before
	Events    []Event
	Objects   []Object // one per kind and id; replaces the one before

	handles []Handle // of Units, when a State made the changes
	run     []Fix    // Fixes with the room behind them, where the next record's are
}

// TrackQuery selects a unit's history by device time, oldest first. With Limit
// and no From, the newest Limit fixes are returned (still oldest first).
type TrackQuery struct {
	From, To time.Time // zero: open; To is exclusive
	Limit    int       // 0: no limit
	// ToleranceM leaves out fixes that lie within so many metres of the line through
	// those that stay, for drawing. 0: every fix. Limit then counts those that stay.
	ToleranceM float64
}

// ErrArea says that an area or a time cannot be asked about as it is.
var ErrArea = errors.New("not an area that can be asked about")

// Presence is what a unit reported from within an area.
type Presence struct {
	Unit  UnitID    `json:"unit"`
	First time.Time `json:"first"` // device time of the first fix inside
	Last  time.Time `json:"last"`
	Fixes int       `json:"fixes"` // how many lie inside
}

// Neighbour is a unit and how far away from somewhere it was when it reported last.
type Neighbour struct {
	Unit   UnitState
	AwayKM float64
}

// Store keeps the projection of the log. Every implementation passes storetest.
type Store interface {
	// Applied returns the last log sequence whose changes are committed and the
	// epoch of that log; 0 and "" when nothing is.
	Applied(ctx context.Context) (seq uint64, epoch string, err error)
	// Apply commits the changes and To in one transaction. Changes at or below
	// Applied are ignored; a gap (From > Applied) is an error and changes nothing.
	Apply(ctx context.Context, c Changes) error
	// Load streams the whole current state (not fixes, not events) as of Applied.
	Load(ctx context.Context, yield func(Changes) error) error
	// Track returns history in device-time order.
	Track(ctx context.Context, unit UnitID, q TrackQuery) ([]Fix, error)
	// Has reports for each device time whether the unit's history holds a fix
	// of that second.
	Has(ctx context.Context, unit UnitID, times []time.Time) ([]bool, error)
	// Near returns units that may have been in the box at device times in [from,
	// to), in no order: all that reported from there, and perhaps some that did so
	// from nearby. The box's longitudes may run beyond ±180.
	Near(ctx context.Context, box orb.Bound, from, to time.Time) ([]UnitID, error)
	// Events returns events after (seq, n), oldest first; shipment "" means all.
	Events(ctx context.Context, shipment ShipmentID, afterSeq uint64, afterN, limit int) ([]Event, error)
	// SavePlan and Plan keep answered plans by id with the party that asked.
	SavePlan(ctx context.Context, owner PartyID, p routing.Plan) error
	Plan(ctx context.Context, id string) (routing.Plan, PartyID, error)
	Close() error
}

// Forgetter is a Store that lets go of history nobody wants kept.
type Forgetter interface {
	// Forget deletes the fixes of the units with device times in seconds before that
	// of the time, and returns how many those were. What Applied says stays.
	Forget(ctx context.Context, units []UnitID, before time.Time) (fixes int, err error)
}

// Log is the durable order of everything that changed. Records are opaque bytes
// to it; the codec is in this package.
type Log interface {
	// Append returns once the record is durable. Sequences rise by one from 1.
	Append(ctx context.Context, record []byte) (seq uint64, err error)
	// Read calls fn for every record after the sequence, in order, up to the
	// last one present when it was called.
	Read(ctx context.Context, after uint64, fn func(seq uint64, record []byte) error) error
	// Last returns the newest sequence; 0 for an empty log.
	Last(ctx context.Context) (uint64, error)
	// Epoch identifies this log; a log that was replaced has another.
	Epoch() string
	Close() error
}

// SharedLog is a Log that several processes write at once. Sharing tells what of
// its records counts.
type SharedLog interface {
	Log
	// Share appends a record behind whatever others append meanwhile and returns
	// once it is durable. It tries again until ctx is done, and a record stored
	// twice by that counts once. ErrFull: it was not taken.
	Share(ctx context.Context, record []byte) (seq uint64, err error)
	// Follow calls fn for every record after the sequence, in order, as they are
	// stored, until fn fails, ctx is done or the log cannot be read.
	Follow(ctx context.Context, after uint64, fn func(seq uint64, record []byte) error) error
	// Lease makes the holder the only one with the name for a while, or prolongs
	// that, and tells whether it is. Whoever was cut off from the log may believe to
	// hold a lease that is another's by now.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
}

// Snapshots keep the newest State.Snapshot of a log beside it. It saves a start
// time and is never needed: what is lost or damaged is made again.
type Snapshots interface {
	// SaveSnapshot replaces the one before at once and for good.
	SaveSnapshot(ctx context.Context, b []byte) error
	// LoadSnapshot returns nil when there is none.
	LoadSnapshot(ctx context.Context) ([]byte, error)
}

// Trimmer is a Log that lets go of old records as its settings say.
type Trimmer interface {
	// Trim may remove records up to the sequence and returns how many it did.
	Trim(ctx context.Context, upTo uint64) (removed uint64, err error)
}
