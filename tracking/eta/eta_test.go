package eta_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"corridor/tracking/eta"
)

func near(t testing.TB, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestSpread(t *testing.T) {
	s := eta.Spread{P50: 10, Below: 2, Above: 5}
	for q, want := range map[float64]float64{0.1: 8, 0.5: 10, 0.9: 15} {
		near(t, fmt.Sprint("quantile ", q), s.Quantile(q), want, 1e-9)
		near(t, fmt.Sprint("chance of ", want), s.CDF(want), q, 1e-9)
	}
	near(t, "a certain time, early", eta.Spread{P50: 3}.CDF(2.9), 0, 0)
	near(t, "a certain time", eta.Spread{P50: 3}.CDF(3), 1, 0)
	sum := s.Plus(eta.Spread{P50: 1, Below: 1.5, Above: 12})
	near(t, "median", sum.P50, 11, 0)
	near(t, "below", sum.Below, 2.5, 1e-9)
	near(t, "above", sum.Above, 13, 1e-9)
}

// What is left of a wait falls slower than the wait goes on, and is never less than
// nothing.
func TestLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64Range(0, 20)
		s := eta.Spread{P50: f.Draw(t, "p50"), Below: f.Draw(t, "below"), Above: f.Draw(t, "above")}
		s.Below = math.Min(s.Below, s.P50)
		passed := rapid.Float64Range(0, 60).Draw(t, "passed")
		left := s.Left(passed)
		if left.P50 < 0 || left.Below < 0 || left.Above < 0 || left.P50-left.Below < -1e-9 {
			t.Fatalf("%+v after %v leaves %+v", s, passed, left)
		}
		if s.CDF(passed) < 0.99 && passed+left.P50 < s.Quantile(0.5)-1e-9 {
			t.Fatalf("%+v after %v ends before its median: %+v", s, passed, left)
		}
	})
}

// A forecast by draws: the same chances and quantiles, within what draws tell.
func TestBoardAgainstDraws(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ride   eta.Spread
		at     eta.Departures
		after  eta.Spread
		chance float64
	}{
		{"in good time", eta.Spread{P50: 10, Below: 2, Above: 3}, eta.Departures{First: 20, Every: 168}, eta.Spread{P50: 100, Below: 10, Above: 20}, 1},
		{"even", eta.Spread{P50: 10, Below: 2, Above: 3}, eta.Departures{First: 10, Every: 24}, eta.Spread{P50: 30, Below: 3, Above: 6}, 0.5},
		{"gone", eta.Spread{P50: 10, Below: 2, Above: 3}, eta.Departures{First: -1, Every: 12}, eta.Spread{P50: 30, Below: 3, Above: 6}, 0},
		{"often", eta.Spread{P50: 10, Below: 6, Above: 9}, eta.Departures{First: 2, Every: 1}, eta.Spread{P50: 5, Below: 1, Above: 1}, 0.044},
	} {
		f, met := eta.Sure(tt.ride).Board(tt.at)
		near(t, tt.name+": chance", met, tt.chance, 0.01)
		sum := 0.0
		for _, w := range f {
			sum += w.Chance
		}
		near(t, tt.name+": all chances", sum, 1, 1e-9)
		f = f.Then(tt.after)
		r := rand.New(rand.NewPCG(1, 2))
		draws := make([]float64, 200_000)
		for i := range draws {
			at := tt.at.First
			for ride := tt.ride.Quantile(r.Float64()); at < ride || at < 0; {
				at += tt.at.Every
			}
			draws[i] = at + tt.after.Quantile(r.Float64())
		}
		slices.Sort(draws)
		for _, q := range []float64{0.1, 0.5, 0.9} {
			// Where the chance is flat between two departures its quantile is loose:
			// compare chances.
			got := f.Quantile(q)
			i, _ := slices.BinarySearch(draws, got)
			near(t, fmt.Sprintf("%s: P%.0f is %v: its chance by draws", tt.name, 100*q, got), float64(i)/float64(len(draws)), q, 0.02)
		}
	}
}

func TestPace(t *testing.T) {
	leg := eta.Spread{P50: 10, Below: 4, Above: 8}
	whole := eta.Pace{}.Rest(leg, 1)
	near(t, "the whole leg", whole.P50, leg.P50, 1e-9)
	near(t, "its spread", whole.Above, leg.Above, 1e-9)
	if p := eta.PaceOf(1, 0, 0, 0, 0); p != (eta.Pace{}) {
		t.Errorf("nothing seen: %+v", p)
	}
	if rest := eta.PaceOf(5, 5, 0.5, 1, 1).Rest(leg, 0.5); rest.P50 != 5 || rest.Above >= leg.Above*0.6 {
		t.Errorf("half is left, as planned: %+v", rest)
	}
	slow := eta.PaceOf(10, 5, 0.5, 0, 0).Rest(leg, 0.5)
	if slow.P50 <= 7 || slow.P50 >= 10 {
		t.Errorf("twice as slow is believed for the greater part: %+v", slow)
	}
	if jam := eta.PaceOf(10, 5, 0.5, 3, 1).Rest(leg, 0.5); jam.P50 <= slow.P50 {
		t.Errorf("and slower still just now: %+v", jam)
	}
	// A plan that is sure of itself is believed longer.
	sure := eta.Spread{P50: 10, Below: 0.5, Above: 0.5}
	if rest := eta.PaceOf(10, 5, 0.5, 0, 0).Rest(sure, 0.5); rest.P50 >= slow.P50 {
		t.Errorf("of a sure plan %+v, of a loose one %+v", rest, slow)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64Range(0, 50)
		p := eta.PaceOf(f.Draw(t, "needed"), f.Draw(t, "planned"), rapid.Float64Range(0, 1).Draw(t, "seen"), f.Draw(t, "recent"), f.Draw(t, "planned recently"))
		leg := eta.Spread{P50: f.Draw(t, "p50"), Below: f.Draw(t, "below"), Above: f.Draw(t, "above")}
		part := rapid.Float64Range(0, 1).Draw(t, "part")
		rest := p.Rest(leg, part)
		if !(rest.P50 >= 0 && rest.P50 <= 4*part*leg.P50+1e-9 && rest.Below >= 0 && rest.Above >= 0 && rest.Above <= leg.Above+1e-9) {
			t.Fatalf("%v of %+v at %+v is %+v", part, leg, p, rest)
		}
	})
}

// BenchmarkForecast is a journey with two connections.
func BenchmarkForecast(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		f, _ := eta.Sure(eta.Spread{P50: 10, Below: 2, Above: 3}).Board(eta.Departures{First: 11, Every: 24})
		f, _ = f.Then(eta.Spread{P50: 100, Below: 5, Above: 10}).Board(eta.Departures{First: 130, Every: 72})
		f = f.Then(eta.Spread{P50: 400, Below: 20, Above: 30})
		for _, q := range []float64{0.1, 0.5, 0.9} {
			f.Quantile(q)
		}
	}
}
