package live_test

import (
	"encoding/json"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/tracking"
)

// journey is a shipment along 50°N from 10°E to 14.5°E, 322 km by road with a
// border at 12°E.
func journey(owner tracking.PartyID) tracking.Shipment {
	depart := clock0.Add(-24 * time.Hour)
	promise := depart.Add(20 * time.Hour)
	from := routing.Point{Name: geodata.Names{EN: "Start"}, Country: "DE", Kind: "place", Lat: 50, Lon: 10}
	to := routing.Point{Name: geodata.Names{EN: "End"}, Country: "CZ", Kind: "place", Lat: 50, Lon: 14.5}
	hours := routing.Hours{P10: 8, P50: 10, P80: 12, P90: 14, P95: 16}
	return tracking.Shipment{
		Owner: owner, Origin: from, Destination: to, Promise: &promise, PlanID: "plan-1",
		Option: routing.Option{
			ID: "1", Corridor: "road", Title: "Road via Here", Modes: []routing.Mode{geodata.Road},
			DistanceKM: 322, TransitHours: hours, Depart: depart,
			Arrive: routing.Instants{P10: depart.Add(8 * time.Hour), P50: depart.Add(10 * time.Hour), P90: depart.Add(14 * time.Hour)},
			Legs: []routing.Leg{{
				Mode: geodata.Road, From: from, To: to, DistanceKM: 322, TransitHours: hours, Depart: depart, Arrive: depart.Add(10 * time.Hour),
				Borders: []routing.Border{{
					ID: "HERE", Name: "Here", From: "DE", To: "CZ", AtKM: 143.1, Lat: 50, Lon: 12,
					DwellHours: routing.Hours{P10: 1, P50: 2, P80: 3, P90: 5, P95: 6},
				}},
				Geometry: json.RawMessage(`{"type":"LineString","coordinates":[[10,50],[11,50],[12,50],[13,50],[14.5,50]]}`),
			}},
		},
	}
}
