package simulate_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/carriers/simulate"
	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
)

// overTheBorder is a truck's way east to west: 10 h on the road, 20 h at the
// border, 30 h on the road, then 5 h at the terminal and 100 h by sea over ±180°.
func overTheBorder() routing.Option {
	return routing.Option{
		Legs: []routing.Leg{
			{Mode: geodata.Road, Geometry: json.RawMessage(`{"type":"LineString","coordinates":[[120,36],[118,38],[117,40],[112,44]]}`)},
			{Mode: geodata.Sea, Geometry: json.RawMessage(`{"type":"MultiLineString","coordinates":[[[170,50],[180,51]],[[-180,51],[-170,50]]]}`)},
		},
		Segments: []routing.Segment{
			{Kind: "move", Mode: geodata.Road, Hours: 10, Leg: 0},
			{Kind: "wait", Where: "Manzhouli", Hours: 20, Leg: 0},
			{Kind: "move", Mode: geodata.Road, Hours: 30, Leg: 0},
			{Kind: "wait", Where: "port", Hours: 5, Leg: 1},
			{Kind: "move", Mode: geodata.Sea, Hours: 100, Leg: 1},
		},
	}
}

func hours(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }

func TestJourney(t *testing.T) {
	j, err := simulate.New(overTheBorder(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if j.Duration() != hours(165) || j.Mode() != geodata.Sea {
		t.Errorf("takes %v, by %s", j.Duration(), j.Mode())
	}
	road := path.Length(orb.LineString{{120, 36}, {118, 38}, {117, 40}, {112, 44}})
	for _, tt := range []struct {
		at      float64
		moving  bool
		arrived bool
		mode    geodata.Mode
	}{
		{-1, false, false, "road"},
		{0, true, false, "road"},
		{9.9, true, false, "road"},
		{10, false, false, "road"},
		{29.9, false, false, "road"},
		{30, true, false, "road"},
		{60, false, false, "sea"},
		{65, true, false, "sea"},
		{165, false, true, "sea"},
		{1000, false, true, "sea"},
	} {
		s := j.At(hours(tt.at))
		if s.Moving != tt.moving || s.Arrived != tt.arrived || s.Mode != tt.mode || (s.SpeedKMH > 0) != tt.moving {
			t.Errorf("after %v h: %+v", tt.at, s)
		}
		if s.Moving && s.Mode == geodata.Road && (s.SpeedKMH < road/40*0.6 || s.SpeedKMH > road/40*1.4) {
			t.Errorf("after %v h the truck does %v km/h; its mean is %v", tt.at, s.SpeedKMH, road/40)
		}
	}
	if p := j.At(-time.Hour).Point; p != (orb.Point{120, 36}) {
		t.Errorf("starts at %v", p)
	}
	if p := j.At(hours(200)).Point; path.Distance(p, orb.Point{-170, 50}) > 0.001 {
		t.Errorf("ends at %v", p)
	}
	before, after := j.At(hours(15)).Point, j.At(hours(25)).Point
	if before != after {
		t.Errorf("moved from %v to %v while it waited", before, after)
	}
	if d := path.Distance(before, orb.Point{120, 36}); math.Abs(d-road/4) > road/20 {
		t.Errorf("the border is %v km from the start, want about %v", d, road/4)
	}
}

// TestSpeedAndMovementAgree: between any two moments the unit covers what its
// speeds say, and it never goes back.
func TestSpeedAndMovementAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j, err := simulate.New(overTheBorder(), rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		h := rapid.Float64Range(0, 164.9).Draw(t, "hours")
		const step = 1.0 / 60
		a, b := j.At(hours(h)), j.At(hours(h+step))
		if math.Abs(a.Point[0]) > 180 || a.CourseDeg < 0 || a.CourseDeg >= 360 {
			t.Fatalf("%+v", a)
		}
		if a.Leg != b.Leg || a.Moving != b.Moving {
			return
		}
		d := path.Distance(a.Point, b.Point)
		if !a.Moving && d != 0 {
			t.Fatalf("moved %v km while waiting", d)
		}
		if mean := (a.SpeedKMH + b.SpeedKMH) / 2; a.Moving && math.Abs(d-mean*step) > 0.05*mean*step+0.01 {
			t.Fatalf("at %v km/h it came %v km in a minute", mean, d)
		}
	})
}

func TestRefusesWhatCannotMove(t *testing.T) {
	still := overTheBorder()
	still.Segments = still.Segments[1:2]
	if _, err := simulate.New(still, 1); !errors.Is(err, simulate.ErrNoWay) {
		t.Errorf("only waiting: %v", err)
	}
	if _, err := simulate.New(routing.Option{}, 1); !errors.Is(err, simulate.ErrNoWay) {
		t.Errorf("nothing: %v", err)
	}
	for name, change := range map[string]func(*routing.Option){
		"a leg that is not there": func(o *routing.Option) { o.Segments[0].Leg = 7 },
		"a broken geometry":       func(o *routing.Option) { o.Legs[0].Geometry = json.RawMessage(`{"type":"LineString"`) },
		"a point": func(o *routing.Option) {
			o.Legs[0].Geometry = json.RawMessage(`{"type":"Point","coordinates":[1,2]}`)
		},
		"off the earth": func(o *routing.Option) {
			o.Legs[0].Geometry = json.RawMessage(`{"type":"LineString","coordinates":[[1,2],[3,99]]}`)
		},
	} {
		o := overTheBorder()
		change(&o)
		if _, err := simulate.New(o, 1); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
