package live_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata/path"
	"corridor/tracking"
)

// TestNearest compares what the grid finds with looking at every unit, everywhere on
// earth and for every role.
func TestNearest(t *testing.T) {
	r := newRig(t)
	c1, c2 := r.party(tracking.Carrier), r.party(tracking.Carrier)
	office := r.party(tracking.Dispatcher)
	rnd := rand.New(rand.NewPCG(4, 2))
	places := map[tracking.UnitID]orb.Point{}
	owner := map[tracking.UnitID]tracking.PartyID{}
	for i := range 400 {
		p := orb.Point{rnd.Float64()*360 - 180, rnd.Float64()*180 - 90}
		switch i % 4 {
		case 0: // a town
			p = orb.Point{120.3 + rnd.NormFloat64()*0.2, 36.1 + rnd.NormFloat64()*0.2}
		case 1: // about the antimeridian
			p[0] = 179.9 + rnd.Float64()*0.2
			if p[0] > 180 {
				p[0] -= 360
			}
		}
		id, who := tracking.UnitID(fmt.Sprint("U", i)), c1
		if i%3 == 0 {
			who = c2
		}
		r.accept(who, at(id, i, p[1], p[0]))
		places[id], owner[id] = p, who.ID
	}
	rapid.Check(t, func(rt *rapid.T) {
		viewer := rapid.SampledFrom([]tracking.Party{office, c1, c2, {ID: "nobody", Role: tracking.Shipper}}).Draw(rt, "viewer")
		p := orb.Point{rapid.Float64Range(-180, 180).Draw(rt, "lon"), rapid.Float64Range(-90, 90).Draw(rt, "lat")}
		if rapid.Bool().Draw(rt, "in town") {
			p = orb.Point{120.3 + rapid.Float64Range(-0.3, 0.3).Draw(rt, "dlon"), 36.1}
		}
		most := rapid.IntRange(1, 30).Draw(rt, "most")
		within := rapid.SampledFrom([]float64{0, 0, 5, 300, 5000}).Draw(rt, "within")
		type away struct {
			id tracking.UnitID
			km float64
		}
		var want []away
		for id, q := range places {
			km := path.Distance(p, q)
			if may := viewer.Role == tracking.Dispatcher || owner[id] == viewer.ID; may && (within == 0 || km <= within-1e-6) {
				want = append(want, away{id, km})
			}
		}
		slices.SortFunc(want, func(a, b away) int { return cmp.Compare(a.km, b.km) })
		want = want[:min(most, len(want))]
		got := r.Nearest(viewer, p, most, within)
		if len(got) < len(want) || len(got) > most {
			rt.Fatalf("%d found, want %d", len(got), len(want))
		}
		for i := range want {
			// Coordinates are kept to 1e-7°: equally far ones may change places.
			if d := got[i].AwayKM - want[i].km; d > 1e-4 || d < -1e-4 {
				rt.Fatalf("number %d is %s at %.6f km, want %s at %.6f km", i, got[i].Unit.Unit, got[i].AwayKM, want[i].id, want[i].km)
			}
		}
	})
	in, ok := r.InView(c2, orb.Bound{Min: orb.Point{179, -90}, Max: orb.Point{-179, 90}}, 1000)
	n := 0
	for id, p := range places {
		if owner[id] == c2.ID && (p[0] >= 179 || p[0] <= -179) {
			n++
		}
	}
	if !ok || len(in) != n {
		t.Errorf("%d units in view over ±180°, want %d", len(in), n)
	}
	if _, ok := r.InView(office, orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}, 399); ok {
		t.Error("400 units are no more than 399")
	}
}
