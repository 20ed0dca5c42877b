// Package extract reads OpenStreetMap extracts, the .osm.pbf files that
// download servers cut for countries and regions. It turns bytes into nodes and
// ways with their tags, block by block and in the order of the file; what a tag
// means is for its user to say (see network/exact).
//
// The reader is our own because the bytes come from outside: the Go libraries
// that were looked at (paulmach/osm v0.9.0 among them) panic in goroutines of
// their own on plain nodes, on a string or a size out of range, and unpack a
// block to whatever length it likes. Here every bad input is an error that says
// what to do, and no block unpacks to more than the format allows.
package extract

import (
	"errors"
	"fmt"
	"math"
)

// UnitsPerDegree is the precision of coordinates: OpenStreetMap's own, a
// centimetre.
const UnitsPerDegree = 10_000_000

// Node is a point. Lat and Lon are in 1/UnitsPerDegree degrees.
type Node struct {
	ID       int64
	Lat, Lon int32
	Tags     Tags
}

// Way is a line over nodes, in the order it was drawn.
type Way struct {
	ID    int64
	Nodes []int64
	Tags  Tags
}

// Tags are what a thing says of itself.
type Tags []Tag

// Tag is a key and its value, e.g. highway=motorway.
type Tag struct{ Key, Value string }

// Get is the value of a key, "" where it is missing.
func (t Tags) Get(key string) string {
	for i := range t {
		if t[i].Key == key {
			return t[i].Value
		}
	}
	return ""
}

// Block is a stretch of the file, some thousand nodes or ways. It is the
// visitor's to keep.
type Block struct {
	Nodes []Node
	Ways  []Way
}

// Header is what the file says of itself.
type Header struct {
	// Bounds are the west, south, east and north edges in degrees. They hold what
	// was asked for when the extract was cut; HasBounds is false if not stated.
	Bounds    [4]float64
	HasBounds bool
	Writer    string // the program that wrote it
	Timestamp int64  // Unix seconds of the state of the data; 0 when not stated
}

// FormatError says that the bytes are not an extract this reader can read.
type FormatError struct {
	Offset int64  // of the block in the file
	Reason string // what is wrong and what to do
	Err    error  // the cause, may be nil
}

func (e *FormatError) Error() string {
	s := e.Reason
	if e.Offset > 0 {
		s = fmt.Sprintf("block at byte %d: %s", e.Offset, s)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *FormatError) Unwrap() error { return e.Err }

// ErrTruncated is wrapped where the file ends before a block does.
var ErrTruncated = errors.New("the file ends in the middle of a block: it was not downloaded or copied whole, get it again")

func bad(format string, args ...any) error {
	return &FormatError{Reason: fmt.Sprintf(format, args...)}
}

// units turns a coordinate of the format, in nanodegrees, into ours; ok is false
// off the earth.
func units(nano, limit int64) (v int32, ok bool) {
	if nano < -limit*1e9 || nano > limit*1e9 {
		return 0, false
	}
	return int32(math.Round(float64(nano) / 100)), true
}
