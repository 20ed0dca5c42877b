package tracking_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

// The same reports in any order, in batches of any size and some of them twice, with
// the same device times, make the same history and the same state in the end: of the
// unit, and of how far its shipment has come, when it departed and arrived and what
// is forecast. What is told, and when, is another matter: nobody can tell of a
// departure before a report of it has come.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		promise := day.Add(20 * time.Hour)
		sh := tracking.Shipment{
			ID: "S1", Owner: "o", Opened: day, Status: tracking.Planned, Promise: &promise,
			Origin: routing.Point{Lat: 50, Lon: 10}, Destination: routing.Point{Lat: 50, Lon: 20},
		}
		sh.Option.Legs = []routing.Leg{{
			Mode: geodata.Road, From: sh.Origin, To: sh.Destination, DistanceKM: 720, TransitHours: routing.Hours{P10: 9, P50: 10, P90: 14},
			Geometry: json.RawMessage(`{"type":"LineString","coordinates":[[10,50],[12,50],[14,50],[16,50],[18,50],[20,50]]}`),
			Borders:  []routing.Border{{ID: "B", Name: "B", From: "DE", To: "PL", AtKM: 350, DwellHours: routing.Hours{P10: 1, P50: 2, P90: 3}}},
		}}
		sh.Option.TransitHours = sh.Option.Legs[0].TransitHours
		var reports []tracking.Position
		lon, at := 10.0, day
		for i := range rapid.IntRange(2, tracking.Window-1).Draw(t, "reports") { // of older ones live asks the store whether they are new
			minutes := rapid.IntRange(5, 90).Draw(t, "minutes")
			at = at.Add(time.Duration(minutes) * time.Minute)
			lon += float64(minutes) / 60 * 1.2 * rapid.Float64Range(-0.2, 1).Draw(t, "speed")
			reports = append(reports, tracking.Position{
				Unit: "T", Time: at, Lat: 50 + float64(i%3)/100, Lon: max(9.9, lon), Sensors: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)),
			})
		}
		play := func(reports []tracking.Position, sizes *rand.Rand) (history, state string) {
			s := tracking.NewState()
			seq := uint64(0)
			var fixes []tracking.Position
			apply := func(e tracking.Entry) {
				seq++
				c, err := s.Apply(seq, e)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range c.Fixes {
					if f.Doubt.Misplaces() {
						t.Fatalf("%v is doubted: %v", f.Position, f.Doubt)
					}
					fixes = append(fixes, f.Position)
				}
			}
			apply(&tracking.ShipmentOpened{Shipment: sh})
			apply(&tracking.UnitAssigned{Shipment: "S1", Carrier: "c", Unit: "T", Mode: geodata.Road, At: day})
			for len(reports) > 0 {
				n := 1 + sizes.IntN(len(reports))
				apply(&tracking.Positions{Carrier: "c", Received: day.Add(100 * time.Hour), Positions: reports[:n]})
				reports = reports[n:]
			}
			slices.SortFunc(fixes, func(a, b tracking.Position) int { return a.Time.Compare(b.Time) })
			u, _ := s.Unit("T")
			u.Latest.Seq = 0
			_, p, _ := s.Shipment("S1")
			p.Vigil = tracking.Vigil{} // what was told
			x, _ := json.MarshalIndent(fixes, "", " ")
			y, _ := json.MarshalIndent([]any{u, p}, "", " ")
			return string(x), string(y)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		h1, s1 := play(reports, rand.New(rand.NewPCG(1, 1)))
		shuffled := append(slices.Clone(reports), reports[r.IntN(len(reports))])
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		h2, s2 := play(shuffled, r)
		if h1 != h2 {
			t.Fatalf("history in order\n%s\nand in another\n%s", h1, h2)
		}
		if s1 != s2 {
			t.Fatalf("state in order\n%s\nand in another\n%s", s1, s2)
		}
	})
}
