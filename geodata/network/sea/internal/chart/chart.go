package chart

import "github.com/paulmach/orb"

// Node is a point ships turn at.
type Node struct {
	Point orb.Point
	// Before and After are bearings in degrees along the shore (kept off by a
	// safe distance) that the node rounds. A leg is worth sailing only when both
	// lie on the same side of it. A node of a lane has neither (Free).
	Before, After float64
	Free          bool
}

// Edge is a leg between two nodes that crosses no land, or a shortcut over a less
// important node. A < B: A is the more important one.
type Edge struct {
	A, B int32
	// Mid is the node a shortcut leads over, -1 for a leg. The shortcut is the
	// PickA-th edge of Mid to A and the PickB-th to B.
	Mid          int32
	PickA, PickB uint8
	// Passages are indexes of the gates a leg sails through, in order from A.
	Passages []uint8
}

// Chart is the content of the file.
type Chart struct {
	Water    *Water
	Passages []string // ids, in the order Edge.Passages refers to
	Nodes    []Node   // most important first
	Core     int      // how many of the first nodes are not contracted
	Edges    []Edge   // sorted by B, then A
}
