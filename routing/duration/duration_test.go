package duration

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestLognormalHitsItsQuantiles(t *testing.T) {
	for _, c := range []struct{ p50, p90 float64 }{{18, 72}, {36, 106}, {1100, 1300}, {1.5, 4}, {6, 36}, {250, 260}} {
		d := Lognormal(c.p50, c.p90)
		// One hour is the grid.
		if got := d.Quantile(0.5); math.Abs(got-c.p50) > 0.5 {
			t.Errorf("P50 of (%v, %v) is %v", c.p50, c.p90, got)
		}
		if got := d.Quantile(0.9); math.Abs(got-c.p90) > 0.5 {
			t.Errorf("P90 of (%v, %v) is %v", c.p50, c.p90, got)
		}
		mean, variance := MeanVar(c.p50, c.p90)
		if math.Abs(d.Mean()-mean) > 0.01*mean+0.5 {
			t.Errorf("mean of (%v, %v) is %v, want %v", c.p50, c.p90, d.Mean(), mean)
		}
		if c.p90 < 4*c.p50 && math.Abs(d.Var()-variance) > 0.05*variance+1 { // a long tail is cut
			t.Errorf("variance of (%v, %v) is %v, want %v", c.p50, c.p90, d.Var(), variance)
		}
	}
}

// A published mean with CV 1 has P50 = 0.71 mean and P90 = 2.06 mean: the rule
// of the border facts.
func TestCoefficientOfVariationOne(t *testing.T) {
	mean, variance := MeanVar(0.7071, 2.06)
	if math.Abs(mean-1) > 0.01 || math.Abs(math.Sqrt(variance)-1) > 0.02 {
		t.Errorf("mean %v, deviation %v, want 1 and 1", mean, math.Sqrt(variance))
	}
}

func TestSumsAndQuantilesBehave(t *testing.T) {
	span := rapid.Custom(func(t *rapid.T) Dist {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return Fixed(rapid.Float64Range(0, 300).Draw(t, "hours"))
		case 1:
			return Uniform(rapid.Float64Range(0, 300).Draw(t, "headway"))
		}
		p50 := rapid.Float64Range(0.1, 300).Draw(t, "p50")
		return Lognormal(p50, p50*rapid.Float64Range(1, 4).Draw(t, "spread"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := span.Draw(t, "a"), span.Draw(t, "b")
		sum := a.Plus(b)
		if got, want := sum.Mean(), a.Mean()+b.Mean(); math.Abs(got-want) > 2e-3*want+1e-2 {
			t.Fatalf("mean %v, want %v", got, want)
		}
		if got, want := sum.Var(), a.Var()+b.Var(); math.Abs(got-want) > 0.04*want+1e-3 { // the far tail is cut again
			t.Fatalf("variance %v, want %v", got, want)
		}
		last := 0.0
		for q := 0.01; q < 1; q += 0.01 {
			x := sum.Quantile(q)
			if x < last {
				t.Fatalf("quantile %v is %v, below %v", q, x, last)
			}
			// A grid hour that holds much of the chance is spread over that hour.
			if c := sum.Chance(x); x > 0 && math.Abs(c-q) > 1e-6 && len(sum.p) > 1 {
				t.Fatalf("chance at quantile %v is %v", q, c)
			}
			last = x
		}
		if a.Quantile(0.5) > sum.Quantile(0.5)+0.51 {
			t.Fatalf("adding a span made the median earlier: %v then %v", a.Quantile(0.5), sum.Quantile(0.5))
		}
	})
}

func TestThenTakesTheNextDeparture(t *testing.T) {
	weekly := func(h int) int { return (h + 167) / 168 * 168 }
	d := Lognormal(150, 180).Then(weekly) // 150 ± 22: most make 168, some need 336
	if got := d.Quantile(0.5); math.Abs(got-168) > 0.5 {
		t.Errorf("median departure %v, want 168", got)
	}
	missed := 1 - d.Chance(169)
	if want := 1 - Lognormal(150, 180).Chance(168.5); math.Abs(missed-want) > 1e-6 {
		t.Errorf("missed with chance %v, want %v", missed, want)
	}
	if back := Fixed(10).Then(func(int) int { return 3 }); back.Quantile(0.5) != 10 {
		t.Errorf("a departure in the past was taken: %v", back.Quantile(0.5))
	}
}

func TestZeroValue(t *testing.T) {
	var d Dist
	if d.Quantile(0.9) != 0 || d.Chance(0) != 1 || d.Mean() != 0 || d.Plus(Fixed(3)).Quantile(0.5) != 3 {
		t.Error("the zero value is not a span of zero hours")
	}
	for _, bad := range []Dist{Fixed(math.NaN()), Lognormal(-1, 3), Lognormal(math.NaN(), 3), Uniform(-5)} {
		if bad.Mean() != 0 {
			t.Errorf("%v is not zero", bad)
		}
	}
}

func BenchmarkOptionOfTenParts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var d Dist
		for _, s := range [][2]float64{{4, 8}, {36, 90}, {1100, 1300}, {72, 168}, {24, 72}, {20, 26}, {8, 24}, {6, 36}, {10, 14}, {12, 30}} {
			d = d.Plus(Lognormal(s[0], s[1]))
		}
		if d.Quantile(0.5) < 1000 {
			b.Fatal("too short")
		}
	}
}
