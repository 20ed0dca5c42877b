package cell_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"github.com/uber/h3-go/v4"
	"pgregory.net/rapid"

	"corridor/geodata/cell"
	"corridor/geodata/path"
)

func anyPoint() *rapid.Generator[orb.Point] {
	return rapid.Custom(func(t *rapid.T) orb.Point {
		return orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
	})
}

func TestOf(t *testing.T) {
	// The example of the H3 documentation.
	if c := cell.Of(orb.Point{-122.418307270836, 37.7752702151959}, 9); c.String() != "8928308280fffff" {
		t.Errorf("Of = %s", c)
	}
	for _, p := range []orb.Point{{0, 91}, {math.NaN(), 0}, {0, math.NaN()}, {math.Inf(1), 0}} {
		if c := cell.Of(p, 5); c != 0 {
			t.Errorf("Of(%v) = %s, want none", p, c)
		}
	}
	if cell.Of(orb.Point{}, 16) != 0 || cell.Of(orb.Point{}, -1) != 0 {
		t.Error("a resolution out of range must give no cell")
	}
	if a, b := cell.Of(orb.Point{179.99, 10}, 7), cell.Of(orb.Point{179.99 - 360, 10}, 7); a != b {
		t.Errorf("turned by 360°: %s, %s", a, b)
	}
}

// The bit work must agree with the library it stands in for.
func TestAgreesWithH3(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cell.Of(anyPoint().Draw(t, "p"), rapid.IntRange(0, 15).Draw(t, "res"))
		ref := h3.Cell(c)
		if c.Resolution() != ref.Resolution() {
			t.Fatalf("resolution %d, want %d", c.Resolution(), ref.Resolution())
		}
		to := rapid.IntRange(0, c.Resolution()).Draw(t, "parent")
		if want, _ := ref.Parent(to); c.Parent(to) != cell.ID(want) {
			t.Fatalf("parent %s, want %s", c.Parent(to), want)
		}
		if c.Parent(c.Resolution()+1) != 0 {
			t.Fatal("a parent may not be finer")
		}
		back, err := cell.Parse(c.String())
		if err != nil || back != c {
			t.Fatalf("Parse(%s) = %s, %v", c, back, err)
		}
		sameChildren(t, c)
	})
	pents, _ := h3.Pentagons(3)
	for _, p := range pents {
		sameChildren(t, cell.ID(p))
	}
}

func sameChildren(t interface{ Fatalf(string, ...any) }, c cell.ID) {
	if c.Resolution() == cell.MaxRes {
		return
	}
	want, _ := h3.Cell(c).ImmediateChildren()
	got := c.AppendChildren(nil)
	if len(got) != len(want) {
		t.Fatalf("%s: %d children, want %d", c, len(got), len(want))
	}
	for i := range got {
		if got[i] != cell.ID(want[i]) {
			t.Fatalf("%s: child %d is %s, want %s", c, i, got[i], want[i])
		}
	}
}

func TestRadiusHoldsEveryCell(t *testing.T) {
	for res := range 4 {
		all, ok := cell.Cover(func(orb.Point, float64) bool { return true }, res, 1<<20)
		if !ok || len(all) != h3.NumCells(res) {
			t.Fatalf("resolution %d: %d cells, want %d", res, len(all), h3.NumCells(res))
		}
		worst := 0.0
		for _, c := range all {
			centre := c.Center()
			for _, v := range c.Boundary() {
				worst = max(worst, path.Distance(centre, v))
			}
		}
		if worst > cell.RadiusKM(res) {
			t.Errorf("resolution %d: a cell reaches %.3f km, RadiusKM is %.3f", res, worst, cell.RadiusKM(res))
		}
	}
}

func TestCoverHoldsThePointsOfTheBox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sw := anyPoint().Draw(t, "sw")
		w := rapid.Float64Range(0, 40).Draw(t, "width")
		h := rapid.Float64Range(0, math.Min(30, 90-sw[1])).Draw(t, "height")
		box := orb.Bound{Min: sw, Max: orb.Point{sw[0] + w, sw[1] + h}}
		if rapid.Bool().Draw(t, "wrapped") && box.Max[0] > 180 {
			box.Max[0] -= 360
		}
		const res = 2
		cells, ok := cell.CoverBox(box, res, 1<<20)
		if !ok {
			t.Fatal("gave up")
		}
		set := map[cell.ID]bool{}
		for _, c := range cells {
			set[c] = true
		}
		if len(set) != len(cells) {
			t.Fatal("a cell is there twice")
		}
		for range 30 {
			p := orb.Point{
				sw[0] + w*rapid.Float64Range(0, 1).Draw(t, "fx"),
				sw[1] + h*rapid.Float64Range(0, 1).Draw(t, "fy"),
			}
			if c := cell.Of(p, res); !set[c] {
				t.Fatalf("%v in %v lies in %s, which is missing", p, box, c)
			}
		}
	})
}

func TestCoverBox(t *testing.T) {
	fiji := orb.Bound{Min: orb.Point{176, -20}, Max: orb.Point{-178, -15}}
	cells, ok := cell.CoverBox(fiji, 3, 1000)
	if !ok || len(cells) < 20 || len(cells) > 80 {
		t.Errorf("Fiji: %d cells, %v", len(cells), ok)
	}
	for _, c := range cells {
		if p := c.Center(); path.Distance(p, orb.Point{179, -17.5}) > 900 {
			t.Errorf("%s at %v is far from Fiji", c, p)
		}
	}
	if _, ok := cell.CoverBox(fiji, 8, 1000); ok {
		t.Error("more than 1000 cells must be refused")
	}
	world := orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}
	if all, _ := cell.CoverBox(world, 1, 1<<20); len(all) != h3.NumCells(1) {
		t.Errorf("the world has %d cells, want %d", len(all), h3.NumCells(1))
	}
	if pole, _ := cell.CoverBox(orb.Bound{Min: orb.Point{-180, 89}, Max: orb.Point{180, 90}}, 2, 1<<20); len(pole) < 1 || len(pole) > 12 {
		t.Errorf("the pole has %d cells", len(pole))
	}
}

func TestText(t *testing.T) {
	c := cell.Of(orb.Point{120.38, 36.07}, 6)
	b, err := json.Marshal(map[cell.ID]cell.ID{c: c})
	if err != nil {
		t.Fatal(err)
	}
	var back map[cell.ID]cell.ID
	if err := json.Unmarshal(b, &back); err != nil || back[c] != c {
		t.Errorf("%s came back as %v, %v", b, back, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("8928308280fffff")
	f.Add("")
	f.Add("ffffffffffffffff")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := cell.Parse(s)
		if err != nil {
			return
		}
		if !c.Valid() || c.Parent(0) == 0 || len(c.Boundary()) < 6 {
			t.Errorf("accepted %q as %s", s, c)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cell.Of(orb.Point{120.38, 36.07}, 7)
	}
}

func BenchmarkParent(b *testing.B) {
	c := cell.Of(orb.Point{120.38, 36.07}, 9)
	b.ReportAllocs()
	for b.Loop() {
		c.Parent(4)
	}
}

func BenchmarkCoverViewport(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cell.CoverBox(orb.Bound{Min: orb.Point{100, 30}, Max: orb.Point{125, 45}}, 3, 5000)
	}
}
