package fence

import (
	"slices"
	"time"

	"github.com/paulmach/orb"
)

// Rule is when a visit begins, ends and is long.
type Rule struct {
	// ExitM is how many metres outside the edge a unit has left. It enters at the edge
	// itself: what wavers about the edge is in.
	ExitM float64 `json:"exit_m,omitempty"`
	// Dwell is after how long a visit is a stay; 0: never.
	Dwell time.Duration `json:"dwell,omitempty"`
}

// What happened at a fence.
const (
	Entered = "entered"
	Left    = "left"
	Dwelt   = "dwelt"
)

// Visit is a unit in a fence.
type Visit[K comparable] struct {
	Fence K
	Since time.Time // device time of the first fix inside
	Dwelt bool      // it was told that it stays
}

// Happening is what a fix brought.
type Happening[K comparable] struct {
	Fence K
	Kind  string
	Since time.Time // of the visit; that of a visit that is over too
}

// Follow takes a unit's next point, newer than those before it, and the visits it
// was on. It returns the visits after it (the slice given, changed, where they
// differ) and what happened, by order of leaving, staying and entering; fences
// entered at once come in the order of before. Fences that are not mine hold nobody.
func Follow[K comparable](x *Index[K], rule func(K) Rule, before func(a, b K) int, mine func(K) bool, visits []Visit[K], p orb.Point, at time.Time) ([]Visit[K], []Happening[K]) {
	var room [8]K
	now := x.At(p, room[:0])
	if len(now) == 0 && len(visits) == 0 {
		return visits, nil // nearly always
	}
	now = slices.DeleteFunc(now, func(k K) bool { return !mine(k) })
	var happened []Happening[K]
	kept := visits[:0]
	for _, v := range visits {
		a, ok := x.Area(v.Fence)
		if !ok {
			continue // the fence is gone, and nobody asks for it
		}
		r := rule(v.Fence)
		if !slices.Contains(now, v.Fence) && (r.ExitM <= 0 || a.OutsideM(p) > r.ExitM) {
			happened = append(happened, Happening[K]{v.Fence, Left, v.Since})
			continue
		}
		if !v.Dwelt && r.Dwell > 0 && at.Sub(v.Since) >= r.Dwell {
			v.Dwelt = true
			happened = append(happened, Happening[K]{v.Fence, Dwelt, v.Since})
		}
		kept = append(kept, v)
	}
	slices.SortFunc(now, before)
	for _, k := range now {
		if !slices.ContainsFunc(kept, func(v Visit[K]) bool { return v.Fence == k }) {
			kept = append(kept, Visit[K]{Fence: k, Since: at})
			happened = append(happened, Happening[K]{k, Entered, at})
		}
	}
	return kept, happened
}
