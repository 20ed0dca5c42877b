package live

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"corridor/tracking"
)

// Limits of Inside.
const (
	mostInside      = 31 * 24 * time.Hour
	mostCorners     = 10_000
	trackEachInside = 8192 // fixes of a unit tested at a time
)

// Inside tells which units the viewer may read reported from within an area at
// device times in [from, to), by unit. It is exact: a fix on the edge is inside, one
// in a hole is not. Edges are straight in longitude and latitude, as GeoJSON has
// them (RFC 7946); an area over ±180° may run beyond or be cut there. A unit that
// crossed the area between two fixes is not known to have been inside.
func (t *Tracker) Inside(ctx context.Context, viewer tracking.Party, area orb.MultiPolygon, from, to time.Time) ([]tracking.Presence, error) {
	if err := t.awaitReady(ctx); err != nil {
		return nil, err
	}
	if err := checkArea(area, from, to); err != nil {
		return nil, err
	}
	asked := map[tracking.UnitID]bool{}
	for _, part := range area {
		box := part.Bound()
		t.mu.RLock() // memory first: see Track
		for id, fixes := range t.queue.byUnit {
			for _, f := range fixes {
				if !f.Time.Before(from) && f.Time.Before(to) && inBox(box, f) {
					asked[id] = true
					break
				}
			}
		}
		t.mu.RUnlock()
		near, err := t.store.Near(ctx, box, from, to)
		if err != nil {
			return nil, err
		}
		for _, id := range near {
			asked[id] = true
		}
	}
	found := []tracking.Presence{}
	for id := range asked {
		if !t.MayReadUnit(viewer, id) {
			continue
		}
		p, err := t.presence(ctx, id, area, from, to)
		if errors.Is(err, tracking.ErrNotFound) { // forgotten meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.Fixes > 0 {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b tracking.Presence) int { return compare(a.Unit, b.Unit) })
	return found, nil
}

func (t *Tracker) presence(ctx context.Context, id tracking.UnitID, area orb.MultiPolygon, from, to time.Time) (tracking.Presence, error) {
	p := tracking.Presence{Unit: id}
	for {
		fixes, err := t.Track(ctx, id, tracking.TrackQuery{From: from, To: to, Limit: trackEachInside})
		if err != nil {
			return p, err
		}
		for i := range fixes {
			f := &fixes[i]
			if !contains(area, f) {
				continue
			}
			if p.Fixes == 0 {
				p.First = f.Time
			}
			p.Last = f.Time
			p.Fixes++
		}
		if len(fixes) < trackEachInside {
			return p, nil
		}
		from = fixes[len(fixes)-1].Time.Add(time.Millisecond)
	}
}

func inBox(box orb.Bound, f *tracking.Fix) bool {
	for _, turn := range turns {
		if box.Contains(orb.Point{f.Lon + turn, f.Lat}) {
			return true
		}
	}
	return false
}

// contains tells whether a fix is in the area, or on its edge.
func contains(area orb.MultiPolygon, f *tracking.Fix) bool {
	for _, turn := range turns {
		p := orb.Point{f.Lon + turn, f.Lat}
		for _, part := range area {
			if part.Bound().Contains(p) && (planar.PolygonContains(part, p) || onEdge(part, p)) {
				return true
			}
		}
	}
	return false
}

// turns are how often around the earth an area may lie beside a fix.
var turns = [...]float64{0, 360, -360}

// onEdge tells whether the point is on a ring: of a hole the edge is inside, too.
func onEdge(part orb.Polygon, p orb.Point) bool {
	for _, ring := range part {
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			if cross := (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0]); cross != 0 {
				continue
			}
			if p[0] >= min(a[0], b[0]) && p[0] <= max(a[0], b[0]) && p[1] >= min(a[1], b[1]) && p[1] <= max(a[1], b[1]) {
				return true
			}
		}
	}
	return false
}

func checkArea(area orb.MultiPolygon, from, to time.Time) error {
	corners := 0
	for _, part := range area {
		if len(part) == 0 {
			return fmt.Errorf("%w: a polygon without rings", tracking.ErrArea)
		}
		for _, ring := range part {
			if len(ring) < 4 || !ring.Closed() {
				return fmt.Errorf("%w: a ring has four corners at least, the last of them the first", tracking.ErrArea)
			}
			corners += len(ring)
			for _, p := range ring {
				if !(math.Abs(p[1]) <= 90 && math.Abs(p[0]) <= 360) {
					return fmt.Errorf("%w: corner %v is out of range", tracking.ErrArea, p)
				}
			}
		}
	}
	switch {
	case corners == 0:
		return fmt.Errorf("%w: it is empty", tracking.ErrArea)
	case corners > mostCorners:
		return fmt.Errorf("%w: %d corners, at most %d", tracking.ErrArea, corners, mostCorners)
	case !from.Before(to):
		return fmt.Errorf("%w: from must lie before to", tracking.ErrArea)
	case to.Sub(from) > mostInside:
		return fmt.Errorf("%w: at most %d days at once", tracking.ErrArea, int(mostInside.Hours()/24))
	}
	return nil
}
