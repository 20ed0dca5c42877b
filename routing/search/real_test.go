package search

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network"
	"corridor/routing"
	"corridor/routing/timetable"
)

// realPlanner plans on the embedded networks; the tests share its caches.
var realPlanner = sync.OnceValues(func() (*Planner, error) {
	world, err := network.Open()
	if err != nil {
		return nil, err
	}
	places, err := gazetteer.Open()
	if err != nil {
		return nil, err
	}
	posts, err := border.Posts()
	if err != nil {
		return nil, err
	}
	return New(Config{World: world, Places: places, Posts: posts, Clock: func() time.Time { return testNow }})
})

func newRealPlanner(tb testing.TB) *Planner {
	tb.Helper()
	p, err := realPlanner()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func viaAny(ids ...string) func(routing.Option) bool {
	return func(o routing.Option) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(o.Via, id) })
	}
}

// The journey of the Qingdao report, on the real network.
func TestQingdaoToMoscow(t *testing.T) {
	r := request("CNTAO", "RUMOW")
	if underRace {
		r.Modes = []routing.Mode{geodata.Rail, geodata.Road, geodata.Air}
	}
	plan := mustPlan(t, newRealPlanner(t), r, nil)
	defer func() {
		if t.Failed() {
			show(t, plan)
		}
	}()
	kazakh := func(o routing.Option) bool {
		return o.Corridor == "road-tir" && slices.ContainsFunc(o.Legs, func(l routing.Leg) bool {
			return slices.ContainsFunc(l.Borders, func(b routing.Border) bool { return b.To == "KZ" })
		})
	}
	find := func(name string, fits func(routing.Option) bool) *routing.Option {
		i := slices.IndexFunc(plan.Options, fits)
		if i < 0 {
			t.Errorf("not offered: %s", name)
			return &routing.Option{}
		}
		return &plan.Options[i]
	}
	manzhouli := find("road TIR via Manzhouli", func(o routing.Option) bool { return o.Corridor == "road-tir" && viaAny("MZL-ZAB-R")(o) })
	find("road TIR via Kazakhstan", kazakh)
	rail := find("rail", func(o routing.Option) bool { return o.Corridor == "rail" })
	air := find("air", func(o routing.Option) bool { return o.Corridor == "air" })
	if t.Failed() {
		return
	}

	// Published: seven days at best, half of the rail time; an honest median is near nine.
	days := func(h float64) float64 { return h / 24 }
	within := func(what string, got, low, high float64) {
		if got < low || got > high {
			t.Errorf("%s is %.2f, want %.2f to %.2f", what, got, low, high)
		}
	}
	within("TIR P50 days", days(manzhouli.TransitHours.P50), 8, 10)
	within("TIR P10 days", days(manzhouli.TransitHours.P10), 6.5, 7.6)
	within("TIR published best days", days(manzhouli.BestHours), 7, 7)
	within("TIR km", manzhouli.DistanceKM, 8_300, 9_400)
	within("TIR cost", manzhouli.Cost.Total.Amount, 9_000, 13_000)
	within("rail P50 days from terminal to terminal", days(mainLeg(rail, "rail").TransitHours.P50), 12.5, 16.5)
	within("TIR over rail", manzhouli.TransitHours.P50/rail.TransitHours.P50, 0.40, 0.62)
	within("air P50 days", days(air.TransitHours.P50), 3, 8)
	if air.TransitHours.P50 >= manzhouli.TransitHours.P50 || manzhouli.TransitHours.P50 >= rail.TransitHours.P50 {
		t.Error("air, TIR, rail are not in the order of their times")
	}
	if air.Cost.Total.Amount <= manzhouli.Cost.Total.Amount || manzhouli.Cost.Total.Amount <= rail.Cost.Total.Amount {
		t.Error("air, TIR, rail are not in the order of their cost")
	}
	if air.CO2eKG < 5*manzhouli.CO2eKG || manzhouli.CO2eKG < 2*rail.CO2eKG {
		t.Error("air, TIR, rail are not in the order of their CO2e")
	}
	if len(refusedBy(plan, "ROAD-1")) == 0 {
		t.Error("the road without TIR is not told of")
	}
	if !underRace {
		seaRail := find("sea and rail by Vladivostok", func(o routing.Option) bool { return o.Corridor == "sea-rail" && viaAny("RUVVO", "RUVYP")(o) })
		sea := find("deep sea to St Petersburg", func(o routing.Option) bool { return o.Corridor == "sea" && viaAny("RULED")(o) && viaAny("cape")(o) })
		within("sea and rail cost, a composite of 6,160 is published", seaRail.Cost.Total.Amount, 5_300, 7_100)
		within("sea to Vladivostok P50 days", days(mainLeg(seaRail, "sea").TransitHours.P50), 2.5, 4.5)
		within("rail from Vladivostok P50 days", days(mainLeg(seaRail, "rail").TransitHours.P50), 7, 11)
		within("deep sea P50 days", days(sea.TransitHours.P50), 45, 62)
		if rail.TransitHours.P50 >= sea.TransitHours.P50 {
			t.Error("the train is slower than the ship")
		}
	}
	size := 0
	for _, o := range plan.Options {
		for _, l := range o.Legs {
			size += len(l.Geometry)
		}
	}
	if size > 300_000 {
		t.Errorf("the geometry takes %d bytes", size)
	}
}

// mainLeg is the longest leg of a mode.
func mainLeg(o *routing.Option, mode string) *routing.Leg {
	best := &routing.Leg{}
	for i := range o.Legs {
		if l := &o.Legs[i]; string(l.Mode) == mode && l.DistanceKM > best.DistanceKM {
			best = l
		}
	}
	return best
}

// Any place to any place: each of these has something to offer and tells of the
// modes it does not.
func TestJourneysAroundTheWorld(t *testing.T) {
	p := newRealPlanner(t)
	for _, c := range []struct {
		from, to string
		kg       float64
		want     string // corridors that must be there
	}{
		{"Shanghai", "Duisburg", 20_000, "sea rail road-tir air"},
		{"Almaty", "Hamburg", 20_000, "rail road-tir air"},
		{"Shenzhen", "Los Angeles", 18_000, "sea air"},
		{"Xi'an", "Baku", 20_000, "rail road-tir air"},
		{"Qingdao", "Osaka", 20_000, "sea air"},
		{"Hamburg", "Moscow", 20_000, "rail"},
		{"Tashkent", "Istanbul", 20_000, "rail road-tir air"},
		{"Urumqi", "Tashkent", 20_000, "rail road-tir"},
		{"Chicago", "Mexico City", 18_000, "road"},
		{"Lyon", "Warsaw", 20_000, "road"},
	} {
		r := request(c.from, c.to)
		r.Cargo.WeightKG = c.kg
		if underRace && strings.Contains(c.want, "sea") {
			continue
		}
		if underRace {
			r.Modes = []routing.Mode{geodata.Rail, geodata.Road, geodata.Air}
		}
		plan := mustPlan(t, p, r, nil)
		for want := range strings.FieldsSeq(c.want) {
			if len(byCorridor(plan, want)) == 0 {
				t.Errorf("%s to %s: no %s", c.from, c.to, want)
				show(t, plan)
			}
		}
	}
}

// A user who avoids a country flies round it; nobody else does, and the plan tells what
// is flown.
func TestFlightsRoundAvoidedAirspace(t *testing.T) {
	km := func(avoid ...string) float64 {
		t.Helper()
		plan, err := newRealPlanner(t).Plan(t.Context(), routing.Request{
			Origin: "CNTAO", Destination: "DEFRA", Cargo: routing.Cargo{WeightKG: 1_000, Unit: routing.AirULD},
			Depart: testNow, Modes: []routing.Mode{geodata.Air, geodata.Road}, Avoid: avoid,
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range plan.Options {
			for _, l := range o.Legs {
				if l.Mode == geodata.Air {
					if math.Abs(l.FlownKM-l.DistanceKM-125) > 0.2 {
						t.Errorf("%.1f km flown of %.1f", l.FlownKM, l.DistanceKM)
					}
					return l.DistanceKM
				}
			}
		}
		t.Fatalf("no flight with %v: %+v", avoid, plan.Excluded)
		return 0
	}
	if free, round := km(), km("country:RU", "country:MN"); round < free*1.01 {
		t.Errorf("round Russia and Mongolia %.0f km, straight %.0f km", round, free)
	}
}

// An exporter's goods that sanctions name, and a closed post on the way.
func TestHonestRefusals(t *testing.T) {
	p := newRealPlanner(t)
	r := request("Hamburg", "Moscow")
	r.Modes = []routing.Mode{geodata.Rail, geodata.Road, geodata.Air}
	plan := mustPlan(t, p, r, nil)
	if len(plan.Notes) == 0 || !strings.Contains(plan.Notes[0], "sanctions") {
		t.Errorf("notes are %q, want a word on sanctions", plan.Notes)
	}
	if len(refusedBy(plan, "AIR-1")) == 0 {
		show(t, plan)
		t.Error("it is not said that nobody flies")
	}
	r.Cargo.HS = "854231"
	plan = mustPlan(t, p, r, nil)
	if len(plan.Options) != 0 || len(refusedBy(plan, "EMB-1")) == 0 {
		show(t, plan)
		t.Error("embargoed goods are offered, or it is not said why not")
	}
	// The shortest rails from Shenyang to Vladivostok run through North Korea.
	for _, ends := range [][2]string{{"Shenyang", "Vladivostok"}, {"CNTAO", "RUMOW"}} {
		r = request(ends[0], ends[1])
		plan = mustPlan(t, p, r, nil)
		if len(plan.Options) == 0 {
			t.Errorf("no way from %s to %s", ends[0], ends[1])
		}
		for _, o := range plan.Options {
			for _, x := range o.Exposed {
				for _, b := range x.Bypasses {
					if slices.ContainsFunc(b.Via, func(id string) bool { return strings.Contains(id, "KP") }) {
						t.Errorf("%s is bypassed by %s", x.Name, b.Title)
					}
				}
			}
			for _, l := range o.Legs {
				for _, b := range l.Borders {
					if b.From == "KP" || b.To == "KP" {
						t.Errorf("%s leads through %s", o.Title, b.Name)
					}
				}
			}
		}
	}
}

// published compares a lane of lanes.csv with the model: the middle of what is
// published must lie between P10 and P90 of the same stretch.
type published struct {
	lane     string // "origin > destination > mode" as in lanes.csv
	from, to string // what to ask the planner
	corridor string
	title    string  // part of the title; empty: any
	stretch  string  // "door", "terminals" as Option.TerminalHours, or the mode of the main leg
	days     float64 // published for this destination where the row names several; 0: the middle of the row
	avoid    string
}

var comparable = []published{
	{"Jiaozhou (Qingdao SCO) > Moscow > road-tir", "CNTAO", "RUMOW", "road-tir", "Manzhouli", "road", 0, ""},
	{"Shenzhen > Moscow > road-tir", "Shenzhen", "RUMOW", "road-tir", "", "road", 0, ""},
	{"Zhengzhou > Ashgabat > road-tir", "Zhengzhou", "Ashgabat", "road-tir", "", "door", 0, ""},
	{"Jiaozhou > Moscow (Selyatino) > rail", "CNTAO", "RUMOW", "rail", "", "rail", 0, ""},
	{"Jiaozhou > Bishkek > rail", "CNTAO", "Bishkek", "rail", "", "door", 0, ""},
	{"Jiaozhou > Almaty > rail", "CNTAO", "Almaty", "rail", "", "door", 0, ""},
	{"Xi'an > Almaty > rail", "Xi'an", "Almaty", "rail", "", "rail", 0, ""},
	{"Lianyungang > Tashkent > rail", "Lianyungang", "Tashkent", "rail", "", "rail", 0, ""},
	{"Xi'an > Duisburg > rail", "Xi'an", "Duisburg", "rail", "", "rail", 0, ""},
	{"China > Poland (Małaszewicze) > rail", "Zhengzhou", "Warsaw", "rail", "", "rail", 0, ""},
	{"China > Germany > rail", "Chongqing", "Hamburg", "rail", "", "rail", 0, ""},
	{"Chongqing > Moscow (Bely Rast) > rail", "Chongqing", "RUMOW", "rail", "Erenhot", "rail", 0, ""},
	{"Xi'an > Baku > rail-tmtm", "Xi'an", "Baku", "rail", "Middle Corridor", "terminals", 0, ""},
	{"Istanbul > Xi'an > rail-tmtm", "Istanbul", "Xi'an", "rail", "Middle Corridor", "terminals", 0, ""},
	{"Qingdao > Osaka > sea", "Qingdao", "Osaka", "sea", "Express", "sea", 0, ""},
	{"Qingdao > Incheon > sea", "Qingdao", "Incheon", "sea", "Express", "sea", 0, ""},
	{"Qingdao > Vladivostok > sea", "Qingdao", "Vladivostok", "sea", "", "sea", 0, ""},
	{"Vladivostok > Moscow > rail", "Vladivostok", "RUMOW", "rail", "", "rail", 0, ""},
	{"China > Felixstowe > sea", "Shanghai", "Felixstowe", "sea", "", "sea", 0, ""},
	{"Qingdao > Los Angeles > sea", "Qingdao", "Los Angeles", "sea", "", "sea", 0, ""},
	{"China > UK > air", "Shanghai", "London", "air", "", "door", 0, ""},
	{"Qingdao > Osaka > sea", "Qingdao", "Osaka", "sea", "Sea to", "door", 7.5, ""},
	{"Dostyk or Altynkol > Brest > rail", "Dostyk", "Brest, Belarus", "rail", "", "terminals", 0, ""},
	{"Altynkol > Absheron / Poti / Constanța > rail-tmtm", "Altynkol", "Baku", "rail", "Middle Corridor", "terminals", 9, "country:RU"},
	{"Altynkol > Absheron / Poti / Constanța > rail-tmtm", "Altynkol", "Poti", "rail", "Middle Corridor", "terminals", 12, "country:RU"},
	// The 20–22 days to Constanța, over both seas, are not compared: of the ways there
	// that avoid Russia the planner offers others.
}

// unusable are the rows of lanes.csv that tell no typical time to compare with.
var unusable = map[string]string{
	"Qingdao > Russia > road-tir":      "a best case, to no place in particular",
	"Cao county > Qingdao port > rail": "no days are published; see TestReportCaoCounty",
}

func TestCalibration(t *testing.T) {
	p := newRealPlanner(t)
	lanes, err := timetable.Lanes()
	if err != nil {
		t.Fatal(err)
	}
	name := func(l timetable.Lane) string { return fmt.Sprintf("%s > %s > %s", l.Origin, l.Destination, l.Mode) }
	for _, l := range lanes {
		if _, reason := unusable[name(l)]; !reason && !slices.ContainsFunc(comparable, func(c published) bool { return c.lane == name(l) }) {
			t.Errorf("%s is compared with nothing", name(l))
		}
	}
	for _, c := range comparable {
		i := slices.IndexFunc(lanes, func(l timetable.Lane) bool { return name(l) == c.lane })
		if i < 0 {
			t.Errorf("%s is not in lanes.csv", c.lane)
			continue
		}
		mode := geodata.Mode(strings.TrimSuffix(c.corridor, "-tir"))
		if underRace && mode == geodata.Sea {
			continue
		}
		r := request(c.from, c.to)
		r.Cargo.WeightKG = 18_000
		r.Modes = []routing.Mode{mode}
		if c.avoid != "" {
			r.Avoid = []string{c.avoid}
		}
		plan := mustPlan(t, p, r, nil)
		k := slices.IndexFunc(plan.Options, func(o routing.Option) bool { return o.Corridor == c.corridor && strings.Contains(o.Title, c.title) })
		if k < 0 {
			show(t, plan)
			t.Errorf("%s: no %s is offered", c.lane, c.corridor)
			continue
		}
		o := &plan.Options[k]
		h := o.TransitHours
		switch c.stretch {
		case "door":
		case "terminals":
			h = o.TerminalHours
		default:
			h = mainLeg(o, c.stretch).TransitHours
		}
		middle := cmp.Or(c.days, (lanes[i].DaysLow+lanes[i].DaysHigh)/2)
		t.Logf("%-46s published %4.1f–%4.1f, model P10 %4.1f P50 %4.1f P90 %4.1f  (%s, %.0f km)", c.lane, lanes[i].DaysLow, lanes[i].DaysHigh, h.P10/24, h.P50/24, h.P90/24, o.Title, o.DistanceKM)
		if middle < h.P10/24 || middle > h.P90/24 {
			t.Errorf("%s: %.1f days are published, the model says P10 %.1f, P90 %.1f (%s, %s)", c.lane, middle, h.P10/24, h.P90/24, o.Title, c.stretch)
		}
	}
}

func BenchmarkPlanRealWorld(b *testing.B) {
	p := newRealPlanner(b)
	r := request("CNTAO", "RUMOW")
	if _, err := p.Plan(b.Context(), r, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Plan(b.Context(), r, nil); err != nil {
			b.Fatal(err)
		}
	}
}
