package search

import (
	"slices"
	"strings"
	"testing"

	"corridor/geodata"
	"corridor/routing"
)

// Each chain of the trade appears for a pair it is made for, on the real network.
// A want is a sequence of legs: the mode, and a place, terminal or post the leg
// leads to or crosses; empty for any.
func TestChains(t *testing.T) {
	p := newRealPlanner(t)
	type want struct {
		mode geodata.Mode
		at   string
	}
	leg := func(l *routing.Leg, w want) bool {
		return l.Mode == w.mode && (w.at == "" || l.To.Name.EN == w.at || l.To.Code == w.at ||
			slices.ContainsFunc(l.Borders, func(b routing.Border) bool { return b.ID == w.at }))
	}
	for _, c := range []struct {
		name, from, to string
		modes          []geodata.Mode
		legs           []want // in their order; others may lie between
		avoid          string
	}{
		{"sea and rail by Vladivostok", "Qingdao", "Moscow", nil, []want{{geodata.Sea, "Vladivostok"}, {geodata.Rail, ""}}, ""},
		{"sea and rail by Piraeus", "Shanghai", "Budapest", nil, []want{{geodata.Sea, "Piraeus"}, {geodata.Rail, ""}}, ""},
		{"rail and road at Małaszewicze", "Xi'an", "Lublin", nil, []want{{geodata.Rail, "Małaszewicze"}, {geodata.Road, ""}}, ""},
		{"sea and air by Dubai", "Shanghai", "Frankfurt am Main", []geodata.Mode{geodata.Sea, geodata.Air}, []want{{geodata.Sea, "Jebel Ali"}, {geodata.Air, ""}}, ""},
		{"inland rail, port, sea", "Chongqing", "Los Angeles", nil, []want{{geodata.Rail, ""}, {geodata.Sea, "Los Angeles"}}, ""},
		// By Bajgiran and Iran, or by Kotyaevka and Russia, it is cheaper or sooner.
		{"Caspian ferry with a lorry", "Tashkent", "Baku", nil, []want{{geodata.Road, ""}, {geodata.Sea, "TMB-ALT"}}, "country:IR country:RU"},
		{"Middle Corridor", "Xi'an", "Baku", nil, []want{{geodata.Rail, ""}, {geodata.Sea, "AKT-ALT"}, {geodata.Rail, ""}}, ""},
		{"Baku–Tbilisi–Kars", "Xi'an", "Istanbul", nil, []want{{geodata.Rail, "AKH"}}, ""},

		// The same chains for other pairs, taken without a look at what comes out. Not
		// offered, because other ways beat them: by Piraeus from Shenzhen to Prague and
		// from Ningbo to Belgrade, at Małaszewicze from Chengdu to Białystok.
		{"sea and rail by Vladivostok", "Busan", "Yekaterinburg", nil, []want{{geodata.Sea, "Vladivostok"}, {geodata.Rail, ""}}, ""},
		{"sea and rail by Vladivostok", "Shanghai", "Novosibirsk", nil, []want{{geodata.Sea, "Vladivostok"}, {geodata.Rail, ""}}, ""},
		{"sea and rail by Piraeus", "Ningbo", "Bratislava", nil, []want{{geodata.Sea, "Piraeus"}, {geodata.Rail, ""}}, ""},
		{"sea and air by Dubai", "Guangzhou", "Paris", []geodata.Mode{geodata.Sea, geodata.Air}, []want{{geodata.Sea, "Jebel Ali"}, {geodata.Air, ""}}, ""},
		{"inland rail, port, sea", "Chengdu", "Rotterdam", nil, []want{{geodata.Rail, ""}, {geodata.Sea, "Rotterdam"}}, ""},
		{"inland rail, port, sea", "Delhi", "Hamburg", nil, []want{{geodata.Rail, ""}, {geodata.Sea, ""}}, ""},
		{"Caspian ferry with a lorry", "Samarkand", "Tbilisi", nil, []want{{geodata.Road, ""}, {geodata.Sea, "TMB-ALT"}}, "country:IR country:RU"},
		{"Middle Corridor", "Chongqing", "Tbilisi", nil, []want{{geodata.Rail, ""}, {geodata.Sea, "AKT-ALT"}, {geodata.Rail, ""}}, ""},
		{"Baku–Tbilisi–Kars", "Almaty", "Ankara", nil, []want{{geodata.Rail, "AKH"}}, ""},
	} {
		if underRace && slices.ContainsFunc(c.legs, func(w want) bool {
			return w.mode == geodata.Sea && w.at != "TMB-ALT" && w.at != "AKT-ALT"
		}) {
			continue // the first table of the sea takes minutes there
		}
		r := request(c.from, c.to)
		r.Modes, r.Avoid = c.modes, strings.Fields(c.avoid)
		if underRace {
			r.Modes = []geodata.Mode{geodata.Rail, geodata.Road}
		}
		plan := mustPlan(t, p, r, nil)
		if !slices.ContainsFunc(plan.Options, func(o routing.Option) bool {
			next := 0
			for i := range o.Legs {
				if next < len(c.legs) && leg(&o.Legs[i], c.legs[next]) {
					next++
				}
			}
			return next == len(c.legs)
		}) {
			show(t, plan)
			t.Errorf("%s: not offered from %s to %s", c.name, c.from, c.to)
		}
	}
}
