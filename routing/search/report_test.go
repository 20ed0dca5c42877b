package search

import (
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

// The cases of the 2024 Qingdao report, out of the model on the real networks. What
// is assumed is written beside each; those about stock are in routing/ecommerce.

func plansFor(t *testing.T, from, to string, kg float64, depart time.Time, modes ...routing.Mode) routing.Plan {
	t.Helper()
	r := request(from, to)
	r.Cargo.WeightKG, r.Depart, r.Modes = kg, depart, modes
	return mustPlan(t, newRealPlanner(t), r, nil)
}

func onlyOption(t *testing.T, p routing.Plan, corridor string, fits func(routing.Option) bool) routing.Option {
	t.Helper()
	for _, o := range byCorridor(p, corridor) {
		if fits == nil || fits(o) {
			return o
		}
	}
	show(t, p)
	t.Fatalf("no %s is offered", corridor)
	return routing.Option{}
}

// A lorry of 24.2 t under TIR takes about half the time of the train. Two drivers;
// the train's time is door to door with its terminals, as the lorry's is.
func TestReportJiaozhouMoscow(t *testing.T) {
	p := plansFor(t, "Jiaozhou", "RUMOW", 24_200, request("", "").Depart, geodata.Road, geodata.Rail)
	lorry, train := onlyOption(t, p, "road-tir", nil), onlyOption(t, p, "rail", nil)
	ratio := lorry.TransitHours.P50 / train.TransitHours.P50
	t.Logf("TIR %.1f days, rail %.1f days: %.2f", lorry.TransitHours.P50/24, train.TransitHours.P50/24, ratio)
	if ratio < 0.40 || ratio > 0.60 {
		t.Errorf("TIR takes %.2f of the rail time, the report says half", ratio)
	}
}

// The fast ship to Osaka is there 3 to 4 days sooner than the ordinary one, door to
// door, for goods that are ready for its sailing. It sails on two days a week
// (assumed), so that goods ready just after it gain less: about one day.
func TestReportQingdaoOsaka(t *testing.T) {
	if underRace {
		t.Skip("the real sea is too slow under the race detector; make test runs it without")
	}
	best, sum := 0.0, 0.0
	for day := range 7 {
		p := plansFor(t, "CNTAO", "JPOSA", 20_000, request("", "").Depart.AddDate(0, 0, day), geodata.Sea)
		fast := onlyOption(t, p, "sea", viaAny("express"))
		slow := onlyOption(t, p, "sea", func(o routing.Option) bool { return !viaAny("express")(o) })
		gain := (slow.TransitHours.P50 - fast.TransitHours.P50) / 24
		best, sum = max(best, gain), sum+gain
		if gain <= 0 {
			t.Errorf("ready on day %d, the fast ship gains %.1f days", day, gain)
		}
	}
	t.Logf("the fast ship gains up to %.1f days, %.1f on average over the week", best, sum/7)
	if best < 3 || best > 4.5 || sum/7 < 2 || sum/7 > 4 {
		t.Errorf("it gains %.1f days at best and %.1f on average, the report says 3 to 4", best, sum/7)
	}
}

// By rail from Cao county to Qingdao port costs about 40 % less than by road: 24 t,
// reference rates, handling at both ends.
//
// That it is 50 % faster as well does not come out of the model door to door: the
// planner has a lorry leave when it is loaded and drive at 80.5 km/h, while a train
// waits for customs, loading and its departure. The report does not say what it
// compares. It holds between the dry port and the quay if the lorry makes the
// 31.4 km/h with all stops that CAREC observed in China (2023) and the daily train
// runs at the speed this test works out, which is an ordinary one for a container
// train in China.
func TestReportCaoCounty(t *testing.T) {
	p := plansFor(t, "Cao county", "CNTAO", 24_000, request("", "").Depart, geodata.Road, geodata.Rail)
	road, rail := onlyOption(t, p, "road", nil), onlyOption(t, p, "rail", nil)
	saved := 1 - rail.Cost.Total.Amount/road.Cost.Total.Amount
	t.Logf("rail %.0f USD, road %.0f USD: %.0f %% less", rail.Cost.Total.Amount, road.Cost.Total.Amount, saved*100)
	if saved < 0.33 || saved > 0.47 {
		t.Errorf("rail is %.0f %% cheaper, the report says about 40 %%", saved*100)
	}
	if got := mainLeg(&rail, "rail").Service; got != "Cao county–Qingdao port train, about daily" {
		t.Errorf("the train is %q", got)
	}
	const withAllStopsKMH = 31.4
	half := mainLeg(&road, "road").DistanceKM / withAllStopsKMH / 2
	needed := mainLeg(&rail, "rail").DistanceKM / half
	t.Logf("half of the lorry's %.1f h needs a train of %.0f km/h; door to door the model has rail %.0f h, road %.0f h", 2*half, needed, rail.TransitHours.P50, road.TransitHours.P50)
	if needed < 45 || needed > 90 {
		t.Errorf("50 %% faster needs a train of %.0f km/h", needed)
	}
}
