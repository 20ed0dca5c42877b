package tracking_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/tracking"
)

// Writers that see the log late append what they believe to be new. However late
// they are, each fix counts once, each report that was dropped is counted
// elsewhere, commands never pass each other, and a reader that starts anywhere
// judges as the others do.
func TestSharing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const horizon = 8
		type record struct{ entries []tracking.Entry }
		var log []record
		type key struct {
			unit string
			sec  int
		}
		stored := map[key]uint64{} // by the judge
		judge := tracking.NewSharingOf(horizon)
		var verdicts []tracking.Verdict
		lastCommand := uint64(0)
		n := rapid.IntRange(1, 60).Draw(t, "records")
		numbers := map[string]uint64{}
		for range n {
			seq := uint64(len(log)) + 1
			writer := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "writer")
			lag := rapid.IntRange(0, horizon+3).Draw(t, "lag")
			seen := uint64(max(0, len(log)-lag))
			numbers[writer]++
			w := &tracking.Written{Writer: writer, N: numbers[writer], Seen: seen}
			entries := []tracking.Entry{w}
			again := len(log) > 0 && rapid.IntRange(0, 9).Draw(t, "stored twice") == 0
			switch {
			case again:
				entries = log[len(log)-1-rapid.IntRange(0, min(len(log)-1, horizon/2)).Draw(t, "which")].entries
			case rapid.IntRange(0, 3).Draw(t, "command") == 0:
				entries = append(entries, &tracking.PartyCreated{Party: tracking.Party{ID: tracking.PartyID(fmt.Sprint(seq))}})
			default:
				p := &tracking.Positions{Carrier: "c"}
				for sec := range 3 {
					k := key{rapid.SampledFrom([]string{"u", "v"}).Draw(t, "unit"), rapid.IntRange(0, 5).Draw(t, "second")}
					if at, ok := stored[k]; ok && at <= seen {
						continue // the writer knows it
					}
					dup := false
					for _, have := range p.Positions {
						dup = dup || string(have.Unit) == k.unit && have.Time.Unix() == int64(k.sec)
					}
					if !dup {
						p.Positions = append(p.Positions, tracking.Position{Unit: tracking.UnitID(k.unit), Time: time.Unix(int64(k.sec), 0), Lat: float64(sec)})
					}
				}
				entries = append(entries, p)
			}
			log = append(log, record{entries})
			v := judge.Judge(seq, entries)
			verdicts = append(verdicts, v)
			if v.Void {
				if !again && lag <= horizon-1 && !isCommand(entries) {
					t.Fatalf("record %d, %d behind its state, does not count", seq, lag)
				}
			}
			for i, e := range v.Entries {
				switch e := e.(type) {
				case *tracking.PartyCreated:
					if at := entries[0].(*tracking.Written).Seen; lastCommand > at {
						t.Fatalf("the command of record %d was decided at %d and counts behind that of %d", seq, at, lastCommand)
					}
					lastCommand = seq
				case *tracking.Positions:
					if e.Positions == nil && v.Dropped == nil {
						continue
					}
					for _, p := range e.Positions {
						k := key{string(p.Unit), int(p.Time.Unix())}
						if at, ok := stored[k]; ok {
							t.Fatalf("%v of record %d counts, as it did in %d", k, seq, at)
						}
						stored[k] = seq
					}
					had := entries[i].(*tracking.Positions)
					if v.Dropped != nil && len(had.Positions)-len(e.Positions) != v.Dropped[i] {
						t.Fatalf("record %d: %d of %d count, %d are said to be dropped", seq, len(e.Positions), len(had.Positions), v.Dropped[i])
					}
					for _, p := range had.Positions {
						if _, ok := stored[key{string(p.Unit), int(p.Time.Unix())}]; !ok {
							t.Fatalf("a fix of record %d was dropped and is nowhere", seq)
						}
					}
				}
			}
		}
		from := rapid.IntRange(0, n).Draw(t, "start")
		late := tracking.NewSharingOf(horizon)
		for i := max(0, from-horizon); i < n; i++ {
			v := late.Judge(uint64(i)+1, log[i].entries)
			if i >= from && !reflect.DeepEqual(v, verdicts[i]) {
				t.Fatalf("a reader from %d judges record %d as %+v, another %+v", from, i+1, v, verdicts[i])
			}
		}
	})
}

func isCommand(entries []tracking.Entry) bool {
	for _, e := range entries {
		if _, ok := e.(*tracking.PartyCreated); ok {
			return true
		}
	}
	return false
}
