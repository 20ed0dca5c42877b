package sea

import (
	"embed"
	"encoding/csv"
	"math"
	"sort"
	"strconv"
	"testing"

	"github.com/paulmach/orb"
)

//go:embed testdata/*.csv
var testdata embed.FS

func rows(t testing.TB, name string) [][]string {
	t.Helper()
	f, err := testdata.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(f)
	r.Comment = '#'
	out, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return out[1:]
}

func ports(t testing.TB) map[string]orb.Point {
	out := map[string]orb.Point{}
	for _, r := range rows(t, "ports.csv") {
		lat, err1 := strconv.ParseFloat(r[2], 64)
		lon, err2 := strconv.ParseFloat(r[3], 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("port %v", r)
		}
		out[r[0]] = orb.Point{lon, lat}
	}
	return out
}

func open(t testing.TB) *Graph {
	t.Helper()
	g, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The figures are NGA Pub. 151's by way of LINERLIB, copied from the project's
// shared facts; other tables differ from them by up to 2 %.
func TestPublishedDistances(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	var errs []float64
	check := func(from, to, nm string, avoid []string, via string) {
		if nm == "" {
			return
		}
		want, _ := strconv.ParseFloat(nm, 64)
		p, err := g.Route(at[from], at[to], avoid)
		if err != nil {
			t.Errorf("%s–%s avoiding %v: %v", from, to, avoid, err)
			return
		}
		e := 100 * (p.DistanceNM() - want) / want
		errs = append(errs, math.Abs(e))
		t.Logf("%s–%s %8.0f published %6.0f  %+5.2f %%  %v", from, to, p.DistanceNM(), want, e, p.Passages)
	}
	for _, r := range rows(t, "sea_distances.csv") {
		check(r[0], r[1], r[2], nil, r[3])
		if r[3] != "" {
			check(r[0], r[1], r[4], []string{r[3]}, "")
		}
	}
	sort.Float64s(errs)
	if m := errs[len(errs)/2]; m > 0.7 {
		t.Errorf("median error %.2f %%, want at most 0.7 %%", m)
	}
	if m := errs[len(errs)-1]; m > 4 {
		t.Errorf("worst error %.2f %%, want at most 4 %%", m)
	}
	t.Logf("%d distances: median error %.2f %%, worst %.2f %%", len(errs), errs[len(errs)/2], errs[len(errs)-1])
}
