package live

import (
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata/cell"
	"corridor/geodata/path"
)

// What is remembered of a cell never changes the answer.
func TestCellMemory(t *testing.T) {
	var m cellMemory
	kept := 0
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
		last := cell.Of(p, fixRes)
		for i := range 20 {
			p = path.Destination(p, rapid.Float64Range(0, 360).Draw(t, "course"), rapid.Float64Range(0, 1).Draw(t, "km"))
			if p[0] > 180 {
				p[0] -= 360
			}
			if p[0] < -180 {
				p[0] += 360
			}
			want := cell.Of(p, fixRes)
			if got := m.of(p, last); got != want {
				t.Fatalf("step %d: %v is in %v, remembered as %v", i, p, want, got)
			}
			if want == last {
				kept++
			}
			last = want
		}
	})
	if kept == 0 {
		t.Error("no unit ever stayed in its cell: nothing was tried")
	}
}

func BenchmarkCell(b *testing.B) {
	var m cellMemory
	p := orb.Point{10, 50}
	last := cell.Of(p, fixRes)
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			m.of(p, last)
		}
	})
	b.Run("computed", func(b *testing.B) {
		for b.Loop() {
			cell.Of(p, fixRes)
		}
	})
}
