package live_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/tracking"
)

func TestInside(t *testing.T) {
	r := newRig(t)
	c1, c2, d := r.party(tracking.Carrier), r.party(tracking.Carrier), r.party(tracking.Dispatcher)
	// A yard with a pond, and its gate on the edge.
	yard := orb.MultiPolygon{{
		{{10, 50}, {10.4, 50}, {10.4, 50.4}, {10, 50.4}, {10, 50}},
		{{10.1, 50.1}, {10.1, 50.2}, {10.2, 50.2}, {10.2, 50.1}, {10.1, 50.1}},
	}}
	r.accept(c1,
		at("IN", 0, 49, 10), at("IN", 100, 50.05, 10.05), at("IN", 200, 50.3, 10.3), at("IN", 300, 50.3, 10.5),
		at("GATE", 100, 50.2, 10.4), at("CORNER", 100, 50, 10), at("POND", 100, 50.15, 10.15), at("SHORE", 100, 50.1, 10.15),
		at("BESIDE", 100, 50.2, 10.4000001), at("LATER", 5000, 50.05, 10.05))
	r.accept(c2, at("OTHER", 100, 50.05, 10.05))
	ask := func(who tracking.Party, area orb.MultiPolygon, from, to int) string {
		t.Helper()
		got, err := r.Inside(t.Context(), who, area, at("", from, 0, 0).Time, at("", to, 0, 0).Time)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range got {
			out = append(out, string(p.Unit))
		}
		return strings.Join(out, " ")
	}
	for range 2 {
		expect(t, "dispatcher", ask(d, yard, 0, 1000), "CORNER GATE IN OTHER SHORE")
		expect(t, "carrier", ask(c1, yard, 0, 1000), "CORNER GATE IN SHORE")
		expect(t, "nobody's", ask(tracking.Party{}, yard, 0, 1000), "")
		expect(t, "to is exclusive", ask(d, yard, 0, 100), "")
		expect(t, "from is inclusive", ask(d, yard, 100, 101), "CORNER GATE IN OTHER SHORE")
		expect(t, "later", ask(d, yard, 4000, 6000), "LATER")
		got, err := r.Inside(t.Context(), d, yard, at("", 0, 0, 0).Time, at("", 1000, 0, 0).Time)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "presence", got[2], tracking.Presence{Unit: "IN", First: at("", 100, 0, 0).Time, Last: at("", 200, 0, 0).Time, Fixes: 2})
		r.restart() // now it is all in the store
	}
	// Over ±180°, drawn beyond it or cut there.
	r.accept(c1, at("W", 0, 0, 179.5), at("E", 0, 0, -179.5), at("FAR", 0, 0, 170))
	beyond := orb.MultiPolygon{{{{179, -1}, {181, -1}, {181, 1}, {179, 1}, {179, -1}}}}
	cut := orb.MultiPolygon{{{{179, -1}, {180, -1}, {180, 1}, {179, 1}, {179, -1}}}, {{{-180, -1}, {-179, -1}, {-179, 1}, {-180, 1}, {-180, -1}}}}
	expect(t, "beyond 180", ask(d, beyond, 0, 10), "E W")
	expect(t, "cut at 180", ask(d, cut, 0, 10), "E W")
	for name, area := range map[string]orb.MultiPolygon{
		"nothing": {}, "no rings": {{}}, "open": {{{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}}, "off the earth": {{{{0, 0}, {1, 0}, {1, 91}, {0, 0}}}},
	} {
		if _, err := r.Inside(t.Context(), d, area, clock0, clock0.Add(time.Hour)); !errors.Is(err, tracking.ErrArea) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Inside(t.Context(), d, yard, clock0, clock0.AddDate(0, 2, 0)); !errors.Is(err, tracking.ErrArea) {
		t.Errorf("two months: %v", err)
	}
}

// TestInsideIsExact compares with asking every fix, over random triangles.
func TestInsideIsExact(t *testing.T) {
	r := newRig(t)
	p, d := r.party(tracking.Carrier), r.party(tracking.Dispatcher)
	rnd := rand.New(rand.NewPCG(3, 3))
	type spot struct {
		unit tracking.UnitID
		at   orb.Point
	}
	var spots []spot
	var batch []tracking.Position
	for i := range 400 {
		s := spot{tracking.UnitID("U" + string(rune('A'+i%26)) + string(rune('A'+i/26))), orb.Point{5 * rnd.Float64(), 45 + 5*rnd.Float64()}}
		spots = append(spots, s)
		batch = append(batch, at(s.unit, i, s.at[1], s.at[0]))
	}
	r.accept(p, batch...)
	for range 60 {
		corner := func() orb.Point { return orb.Point{5 * rnd.Float64(), 45 + 5*rnd.Float64()} }
		a, b, c := corner(), corner(), corner()
		got, err := r.Inside(t.Context(), d, orb.MultiPolygon{{{a, b, c, a}}}, at("", 0, 0, 0).Time, at("", 1000, 0, 0).Time)
		if err != nil {
			t.Fatal(err)
		}
		side := func(p, q, x orb.Point) bool { return (q[0]-p[0])*(x[1]-p[1])-(q[1]-p[1])*(x[0]-p[0]) > 0 }
		want := 0
		for _, s := range spots {
			if u, v, w := side(a, b, s.at), side(b, c, s.at), side(c, a, s.at); u == v && v == w {
				want++
			}
		}
		if len(got) != want {
			t.Fatalf("%d units in the triangle %v %v %v, want %d", len(got), a, b, c, want)
		}
	}
}
