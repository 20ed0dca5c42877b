package live_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/tracking"
)

// TestAudiences moves units over the whole earth, poles and ±180° included, before
// viewers of all kinds of viewports, many of which look at the same and some of
// which read seldom: each must end up holding what it would find by asking.
func TestAudiences(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) { audiences(t, r, rand.New(rand.NewPCG(seed, 2))) })
		})
	}
}

func audiences(t *testing.T, r *rig, rnd *rand.Rand) {
	p, other, d := r.party(tracking.Carrier), r.party(tracking.Carrier), r.party(tracking.Dispatcher)
	const units = 40
	anywhere := func() (lat, lon float64) {
		switch rnd.IntN(5) {
		case 0:
			return 85 + 5*rnd.Float64(), -180 + 360*rnd.Float64()
		case 1:
			return -10 + 20*rnd.Float64(), 175 + 5*rnd.Float64()
		case 2:
			return -10 + 20*rnd.Float64(), -180 + 5*rnd.Float64()
		}
		return 40 + 10*rnd.Float64(), 10 + 10*rnd.Float64()
	}
	sec := 0
	move := func(n int) {
		sec++
		for range n {
			lat, lon := anywhere()
			who, k := p, rnd.IntN(units)
			if k%4 == 0 {
				who = other
			}
			r.accept(who, at(tracking.UnitID(fmt.Sprint("U", k)), sec, lat, lon))
		}
	}
	move(units)
	type viewer struct {
		viewerModel
		bound  *orb.Bound
		party  tracking.Party
		w      tracking.Watch
		seldom bool
	}
	var viewers []*viewer
	join := func() {
		v := &viewer{party: []tracking.Party{d, d, p, other}[rnd.IntN(4)], seldom: rnd.IntN(3) == 0}
		v.t = t
		if k := len(viewers); k > 0 && rnd.IntN(3) > 0 {
			v.bound = viewers[rnd.IntN(k)].bound
		} else {
			lat, lon := anywhere()
			v.bound = box(lon-8*rnd.Float64(), max(-90, lat-5*rnd.Float64()), lon+8*rnd.Float64(), min(90, lat+5*rnd.Float64()))
			if rnd.IntN(8) == 0 {
				v.bound = box(-180, -90, 180, 90)
			}
		}
		v.w = r.watch(tracking.Interest{BBox: v.bound, Zoom: 4, Viewer: v.party}, nil)
		v.snapshot(v.w.Snapshot())
		viewers = append(viewers, v)
	}
	for step := range 60 {
		if step < 25 {
			join()
		}
		if rnd.IntN(10) == 0 && len(viewers) > 5 {
			k := rnd.IntN(len(viewers))
			viewers[k].w.Close()
			viewers = append(viewers[:k], viewers[k+1:]...)
		}
		move(1 + rnd.IntN(6))
		if rnd.IntN(2) == 0 {
			time.Sleep(time.Duration(rnd.IntN(250)) * time.Millisecond)
		}
		for _, v := range viewers {
			if v.seldom && rnd.IntN(6) > 0 {
				continue
			}
			if delta, ok := next(t, v.w); ok {
				v.delta(delta)
			}
		}
	}
	within := func(b *orb.Bound, f *tracking.Fix) bool {
		for _, turn := range []float64{-360, 0, 360} {
			if b.Contains(orb.Point{f.Lon + turn, f.Lat}) {
				return true
			}
		}
		return false
	}
	for i, v := range viewers {
		for {
			delta, ok := next(t, v.w)
			if !ok {
				break
			}
			v.delta(delta)
		}
		for _, u := range r.Units(d) {
			mine := v.party.Role == tracking.Dispatcher || u.Carrier == v.party.ID
			held, has := v.units[u.Unit]
			switch {
			case mine && within(v.bound, u.Latest):
				if !has || held.Latest.Seq != u.Latest.Seq || held.Fixes != u.Fixes {
					t.Errorf("viewer %d of %v: unit %s is at %v,%v; held: %v", i, v.bound, u.Unit, u.Latest.Lat, u.Latest.Lon, has)
				}
			case has && within(v.bound, held.Latest):
				t.Errorf("viewer %d of %v: unit %s is at %v,%v and not to be seen, held at %v,%v", i, v.bound, u.Unit, u.Latest.Lat, u.Latest.Lon, held.Latest.Lat, held.Latest.Lon)
			}
		}
	}
}
