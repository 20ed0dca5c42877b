package history

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"corridor/tracking/store/chunk"
)

// TestSimplify checks that what is left out lies near the line that stays, and
// that what stays is needed.
func TestSimplify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "n")
		metres := rapid.Float64Range(1, 5000).Draw(t, "metres")
		lon := int64(rapid.Int32Range(-1_800_000_000, 1_800_000_000).Draw(t, "lon"))
		lat := rapid.Int32Range(-800_000_000, 800_000_000).Draw(t, "lat")
		rows := make([]chunk.Row, n)
		for i := range rows {
			rows[i] = chunk.Row{TimeMS: int64(i) * 1000, Seq: uint64(i), LatE7: lat, LonE7: int32((lon+5_400_000_000)%3_600_000_000 - 1_800_000_000)}
			lat += rapid.Int32Range(-200_000, 200_000).Draw(t, "north")
			lon += int64(rapid.Int32Range(-200_000, 200_000).Draw(t, "east"))
		}
		before := slices.Clone(rows)
		got := Simplify(rows, metres)
		if n == 0 {
			return
		}
		if got[0].Seq != 0 || got[len(got)-1].Seq != uint64(n-1) {
			t.Fatal("an end is gone")
		}
		for i := 1; i < len(got); i++ {
			a, b := got[i-1].Seq, got[i].Seq
			if b <= a {
				t.Fatal("out of order")
			}
			l := lineBetween(&before[a], &before[b])
			for k := a + 1; k < b; k++ {
				if d := l.off2(&before[k]); d > metres*metres {
					t.Fatalf("row %d is %g m² off the line, %g m are allowed", k, d, metres)
				}
			}
		}
	})
	straight := make([]chunk.Row, 1000) // over ±180°
	for i := range straight {
		lon := int64(1_799_000_000 + i*1000)
		if lon > 1_800_000_000 {
			lon -= 3_600_000_000
		}
		straight[i] = chunk.Row{TimeMS: int64(i) * 1000, LonE7: int32(lon)}
	}
	if got := Simplify(straight, 1); len(got) != 2 {
		t.Errorf("a straight line of %d points", len(got))
	}
}
