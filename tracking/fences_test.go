package tracking_test

import (
	"fmt"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/fence"
)

// Visits are told once, whatever the state is restored from between two fixes.
func TestFences(t *testing.T) {
	yard := tracking.Fence{
		ID: "f1", Name: "Yard", Created: day, Rule: fence.Rule{ExitM: 300, Dwell: 30 * time.Minute},
		Shape: fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: 10, RadiusM: 1000}},
	}
	for _, restored := range []string{"no", "store", "snapshot"} {
		t.Run(restored, func(t *testing.T) {
			s := tracking.NewState()
			stored := map[[2]string]tracking.Object{}
			units := map[tracking.UnitID]tracking.UnitState{}
			var told []string
			apply := func(e ...tracking.Entry) {
				t.Helper()
				c, err := s.Apply(s.Seq()+1, e...)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range c.Events {
					told = append(told, fmt.Sprintf("%s %s %s", x.Unit, x.Kind, x.Where))
				}
				for _, o := range c.Objects {
					if o.Body == nil {
						delete(stored, [2]string{o.Kind, o.ID})
					} else {
						stored[[2]string{o.Kind, o.ID}] = o
					}
				}
				for _, u := range c.Units {
					units[u.Unit] = u
				}
				switch restored {
				case "snapshot":
					s = reloaded(t, s)
				case "store":
					again := tracking.NewState()
					whole := tracking.Changes{To: s.Seq()}
					for _, o := range stored {
						whole.Objects = append(whole.Objects, o)
					}
					for _, u := range units {
						whole.Units = append(whole.Units, u)
					}
					if err := again.Restore(whole); err != nil {
						t.Fatal(err)
					}
					if err := again.RestoreDone(s.Seq()); err != nil {
						t.Fatal(err)
					}
					s = again
				}
			}
			at := func(minute int, lat float64) *tracking.Positions {
				return &tracking.Positions{Carrier: "c", Received: day, Positions: []tracking.Position{{Unit: "A", Time: day.Add(time.Duration(minute) * time.Minute), Lat: lat, Lon: 10}}}
			}
			apply(&tracking.FenceSet{Fence: yard})
			apply(at(0, 50.02))
			apply(at(1, 50))
			apply(at(-5, 50.2))  // late: moves nothing
			apply(at(2, 50.010)) // 1.1 km: within what counts as wavering
			apply(at(20, 50))
			apply(at(31, 50))
			apply(at(32, 50))
			if v := s.Visits("A"); len(v) != 1 || !v[0].Dwelt {
				t.Errorf("visits %+v", v)
			}
			if v := s.FenceVisits("f1"); len(v) != 1 || v[0].Unit != "A" || !v[0].Since.Equal(day.Add(time.Minute)) || !v[0].Dwelt {
				t.Errorf("in the fence are %+v", v)
			}
			apply(at(40, 50.02))
			apply(at(41, 50))
			apply(&tracking.FenceRemoved{Fence: "f1", At: day})
			apply(at(42, 50.02))
			apply(&tracking.FenceRemoved{Fence: "f1", At: day}) // again: nothing
			want := "[A fence-entered Yard A fence-dwelt Yard A fence-left Yard A fence-entered Yard]"
			if got := fmt.Sprint(told); got != want {
				t.Errorf("told\n%s\nwant\n%s", got, want)
			}
			if len(stored) != 0 || len(s.Fences()) != 0 || len(s.Visits("A")) != 0 {
				t.Errorf("left over: %v, %v", stored, s.Fences())
			}
		})
	}
}

func TestValidateFence(t *testing.T) {
	good := tracking.Fence{Name: "Yard", Shape: fence.Shape{Circle: &fence.Circle{Lat: 50, Lon: 10, RadiusM: 1000}}}
	if err := tracking.ValidateFence(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*tracking.Fence){
		"no name":  func(f *tracking.Fence) { f.Name = " " },
		"no shape": func(f *tracking.Fence) { f.Shape = fence.Shape{} },
		"exit":     func(f *tracking.Fence) { f.Rule.ExitM = -1 },
		"dwell":    func(f *tracking.Fence) { f.Rule.Dwell = -1 },
	} {
		f := good
		change(&f)
		if err := tracking.ValidateFence(f); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
