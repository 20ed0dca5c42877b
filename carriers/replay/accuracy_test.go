package replay_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"corridor/carriers/replay"
	"corridor/geodata"
	"corridor/tracking"
)

// Of a drive through a town the forecasts are nearer to the arrival than distance
// over speed, at every horizon.
func TestJudgeARealDrive(t *testing.T) {
	f, err := os.Open("testdata/munich.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, format, err := replay.Open(f, replay.Auto, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	s, err := replay.Load(rec, replay.LoadOptions{Name: "munich.json"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := replay.Judge(s, format.Mode())
	if err != nil {
		t.Fatal(err)
	}
	if a.Trips != 1 || len(a.Horizons) != 2 {
		t.Fatalf("%+v", a)
	}
	for _, h := range a.Horizons {
		if h.Ours.Median >= h.Naive.Median || h.Ours.Within < h.Naive.Within || h.Ours.Bias.Abs() >= h.Naive.Bias.Abs() {
			t.Errorf("with %v left: ours %+v, naive %+v", h.From, h.Ours, h.Naive)
		}
	}
	var table strings.Builder
	if err := a.Write(&table); err != nil || !strings.Contains(table.String(), "time left") {
		t.Errorf("%v\n%s", err, &table)
	}
}

// Trips of one way are planned by the times of each other; what stands, is silent or
// goes in a circle makes no trip.
func TestJudgeFindsTrips(t *testing.T) {
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	var s replay.Script
	for car := range 4 {
		start := day.Add(time.Duration(car) * time.Hour)
		for i := range 60 { // 60 km in an hour, the later ones slower
			at := start.Add(time.Duration(i) * time.Minute * time.Duration(10+car) / 10)
			s.Positions = append(s.Positions, tracking.Position{Unit: tracking.UnitID(fmt.Sprint("T", car)), Time: at, Lat: 50, Lon: 10 + float64(i)*0.014})
		}
	}
	for i := range 60 { // a taxi about the block
		s.Positions = append(s.Positions, tracking.Position{Unit: "TAXI", Time: day.Add(time.Duration(i) * time.Minute), Lat: 50 + float64(i%4)/100, Lon: 10})
	}
	a, err := replay.Judge(s, geodata.Road)
	if err != nil {
		t.Fatal(err)
	}
	if a.Trips != 4 || a.Twins != 4 {
		t.Errorf("%d trips, %d with twins", a.Trips, a.Twins)
	}
	for _, h := range a.Horizons {
		if h.Ours.Within < 0.6 || h.Ours.Median > 0.2 {
			t.Errorf("with %v left: %+v", h.From, h.Ours)
		}
	}
	none, err := replay.Judge(replay.Script{}, geodata.Road)
	if err != nil || none.Trips != 0 {
		t.Errorf("%+v, %v", none, err)
	}
	var b strings.Builder
	if err := none.Write(&b); err != nil || !strings.Contains(b.String(), "No trip") {
		t.Errorf("%v %s", err, &b)
	}
}
