package search_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network"
	"corridor/routing"
	"corridor/routing/search"
)

// Plan a lorry of fruit from Qingdao to Moscow and take the fastest way by land.
func Example() {
	world, err := network.Open()
	if err != nil {
		log.Fatal(err)
	}
	places, err := gazetteer.Open()
	if err != nil {
		log.Fatal(err)
	}
	posts, err := border.Posts()
	if err != nil {
		log.Fatal(err)
	}
	planner, err := search.New(search.Config{
		World: world, Places: places, Posts: posts,
		Clock: func() time.Time { return time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := planner.Plan(context.Background(), routing.Request{
		Origin: "CNTAO", Destination: "Москва", Depart: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		Cargo: routing.Cargo{WeightKG: 24_200, Unit: routing.FTL, HS: "0808"}, Modes: []routing.Mode{geodata.Road, geodata.Rail},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	best := plan.Options[0]
	for _, o := range plan.Options {
		if o.TransitHours.P50 < best.TransitHours.P50 {
			best = o
		}
	}
	fmt.Printf("%s in %.0f days, one time in ten more than %.0f\n", best.Corridor, best.TransitHours.P50/24, best.TransitHours.P90/24)
	for _, line := range best.Cost.Lines[:1] {
		fmt.Println(line.What, "as of", line.AsOf)
	}
	// Output:
	// road-tir in 8 days, one time in ten more than 11
	// Line haul under TIR, CN as of 2026-11-01
}
