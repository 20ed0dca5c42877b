package live_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/store/memory"
)

// A silence is told by the clock, once, and a replay of the log tells it again in
// the same words; nothing is appended while nothing is due.
func TestSilenceIsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var later atomic.Int64
		r := newRig(t, func(c *live.Config) {
			c.Clock = func() time.Time { return clock0.Add(time.Duration(later.Load())) }
		})
		p := r.party(tracking.Carrier)
		sh := journey(r.party(tracking.Shipper).ID)
		sh.Carrier, sh.Unit = p.ID, "A"
		sh, err := r.OpenShipment(t.Context(), sh)
		if err != nil {
			t.Fatal(err)
		}
		r.accept(p, at("A", 0, 50, 10), at("A", 1800, 50, 10.3))
		told := func() string {
			events, err := r.Events(t.Context(), sh.ID, 0, -1, 0)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, e := range events {
				if slices.Contains([]string{tracking.EventSilent, tracking.EventBack}, e.Kind) {
					out = append(out, fmt.Sprint(e.Kind, " ", e.Time.Sub(clock0), " ", e.Detail))
				}
			}
			return strings.Join(out, "; ")
		}
		before := r.Seq()
		time.Sleep(time.Minute) // six looks at the clock, which stands
		synctest.Wait()
		expect(t, "records", r.Seq(), before)
		expect(t, "told", told(), "")
		later.Store(int64(2 * time.Hour))
		time.Sleep(time.Minute)
		synctest.Wait()
		expect(t, "records", r.Seq(), before+1)
		want := "silent 1h0m0s nothing heard for 1 h 0 min"
		expect(t, "told", told(), want)
		r.restart()
		time.Sleep(time.Minute)
		synctest.Wait()
		expect(t, "told after a restart", told(), want)
		expect(t, "conditions", r.Conditions("A"), []tracking.Condition{{Kind: tracking.EventSilent, Since: clock0}})
		r.accept(p, at("A", 3600, 50, 10.6))
		want += "; back -23h0m0s silent for 2 h 0 min"
		expect(t, "told", told(), want)
		// A log of its own makes the same.
		r.stop()
		r.store.Store = memory.New()
		r.start()
		expect(t, "replayed", told(), want)
		r.stop()
	})
}
