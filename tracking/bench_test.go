package tracking_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/tracking"
	"corridor/tracking/fence"
)

// BenchmarkFollow is the whole fold of a position of a unit with an active shipment:
// judged, placed, looked up among fences, matched to its plan, forecast, told. The
// plan has 60 points over 2,000 km, a border and a departure by the clock.
func BenchmarkFollow(b *testing.B) {
	for _, size := range []struct{ shipments, fences int }{{1000, 0}, {1000, 1000}, {100_000, 1000}} {
		b.Run(fmt.Sprintf("shipments=%d/fences=%d", size.shipments, size.fences), func(b *testing.B) {
			s, where := followed(b, size.shipments, size.fences)
			const batch = 100
			seq, round := s.Seq(), 1
			at := 0
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += batch {
				e := &tracking.Positions{Carrier: "c", Received: day.Add(time.Duration(round) * 10 * time.Minute)}
				for range batch {
					// Ten minutes and some 12 km further, of two thousand.
					along := float64(round%150) * 12
					p, _ := where.At(along)
					e.Positions = append(e.Positions, tracking.Position{
						Unit: tracking.UnitID(fmt.Sprint("U", at)), Time: day.Add(time.Duration(round) * 10 * time.Minute), Lat: p[1], Lon: p[0], SpeedKMH: tracking.Known(70),
					})
					if at++; at == size.shipments {
						at = 0
						round++
					}
				}
				seq++
				if _, err := s.Apply(seq, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// followed is a state with so many shipments, each on a unit under way, and so many
// fences about their way.
func followed(b *testing.B, shipments, fences int) (*tracking.State, *path.Line) {
	b.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	var line orb.LineString
	for i := range 60 {
		line = append(line, orb.Point{10 + float64(i)*0.45, 50 + 0.3*r.Float64()})
	}
	way := path.NewLine(line)
	g := func(from, to int) json.RawMessage {
		out, err := path.GeoJSON(line[from:to])
		if err != nil {
			b.Fatal(err)
		}
		return out
	}
	point := func(i int) routing.Point { return routing.Point{Lon: line[i][0], Lat: line[i][1]} }
	half := way.Length() / 2
	hours := routing.Hours{P10: 20, P50: 24, P90: 32}
	option := routing.Option{
		Depart: day, DistanceKM: 2 * half, TransitHours: routing.Hours{P10: 45, P50: 54, P90: 70},
		Legs: []routing.Leg{
			{
				Mode: geodata.Road, From: point(0), To: point(29), DistanceKM: half, TransitHours: hours, Geometry: g(0, 30), Depart: day, Arrive: day.Add(24 * time.Hour),
				Borders: []routing.Border{{ID: "B", Name: "B", From: "DE", To: "PL", AtKM: half / 2, DwellHours: routing.Hours{P10: 1, P50: 2, P90: 6}}},
			},
			{
				Mode: geodata.Rail, From: point(29), To: point(59), DistanceKM: half, TransitHours: hours, Geometry: g(29, 60),
				Depart: day.Add(30 * time.Hour), Arrive: day.Add(54 * time.Hour), EveryHours: 24,
			},
		},
	}
	s := tracking.NewState()
	seq := uint64(0)
	apply := func(e ...tracking.Entry) {
		seq++
		if _, err := s.Apply(seq, e...); err != nil {
			b.Fatal(err)
		}
	}
	for i := range fences {
		p, _ := way.At(r.Float64() * way.Length())
		apply(&tracking.FenceSet{Fence: tracking.Fence{
			ID: tracking.FenceID(fmt.Sprint("F", i)), Name: "F", Rule: fence.Rule{ExitM: 100, Dwell: time.Hour},
			Shape: fence.Shape{Circle: &fence.Circle{Lon: p[0], Lat: p[1] + r.NormFloat64()/3, RadiusM: 200 + 3000*r.Float64()}},
		}})
	}
	promise := day.Add(60 * time.Hour)
	for i := range shipments {
		id := tracking.ShipmentID(fmt.Sprint("S", i))
		apply(&tracking.ShipmentOpened{Shipment: tracking.Shipment{ID: id, Owner: "o", Opened: day, Status: tracking.Planned, Promise: &promise, Option: option, Origin: point(0), Destination: point(59)}},
			&tracking.UnitAssigned{Shipment: id, Carrier: "c", Unit: tracking.UnitID(fmt.Sprint("U", i)), Mode: geodata.Road, At: day})
	}
	for i := 0; i < shipments; i += 100 { // the first fix makes the plan ready
		e := &tracking.Positions{Carrier: "c", Received: day}
		for k := i; k < min(i+100, shipments); k++ {
			e.Positions = append(e.Positions, tracking.Position{Unit: tracking.UnitID(fmt.Sprint("U", k)), Time: day, Lat: line[0][1], Lon: line[0][0]})
		}
		apply(e)
	}
	return s, way
}
