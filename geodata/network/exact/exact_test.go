package exact

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/extract"
	"corridor/geodata/path"
)

// town is a map for tests: nodes on a grid of about a kilometre, and ways.
type town struct {
	wide  int
	nodes []extract.Node
	ways  []extract.Way
}

func newTown(wide, high int) *town {
	t := &town{wide: wide}
	for y := range high {
		for x := range wide {
			t.nodes = append(t.nodes, extract.Node{ID: int64(y*wide + x + 1), Lat: int32(500_000_000 + y*90_000), Lon: int32(100_000_000 + x*140_000)})
		}
	}
	return t
}

// id of the node in a column and row.
func (t *town) id(x, y int) int64 { return int64(y*t.wide + x + 1) }

func (t *town) point(id int64) orb.Point {
	n := t.nodes[id-1]
	return orb.Point{float64(n.Lon) / 1e7, float64(n.Lat) / 1e7}
}

// way adds one; tags are "highway=primary oneway=yes".
func (t *town) way(tags string, nodes ...int64) {
	w := extract.Way{ID: int64(len(t.ways) + 1), Nodes: nodes}
	for _, tag := range strings.Fields(tags) {
		k, v, _ := strings.Cut(tag, "=")
		w.Tags = append(w.Tags, extract.Tag{Key: k, Value: v})
	}
	t.ways = append(t.ways, w)
}

// area makes the town's area, stored and opened again.
func (t *town) area(tb interface {
	Fatal(...any)
	Helper()
}, dir string,
) *Area {
	tb.Helper()
	var b Builder
	b.Ways(t.ways)
	b.Nodes(t.nodes)
	a, err := Make(context.Background(), &b, Options{Meta: Meta{Name: "town"}, Country: func(float64, float64) geodata.Country { return "XX" }})
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(dir, "town.crex")
	if err := a.Write(file); err != nil {
		tb.Fatal(err)
	}
	opened, err := Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	return opened
}

func route(tb testing.TB, n *Network, from, to orb.Point, v geodata.Vehicle) (geodata.Path, error) {
	tb.Helper()
	a, err := n.Locate(tb.Context(), from, v, nil)
	if err != nil {
		return geodata.Path{}, err
	}
	b, err := n.Locate(tb.Context(), to, v, nil)
	if err != nil {
		return geodata.Path{}, err
	}
	p, _, err := n.Route(tb.Context(), a, b, v)
	return p, err
}

// kind is a kind of street with what the test itself knows of it.
type kind struct {
	tags          string
	class         Class
	ahead, behind bool
	weight        float64
	height        float64
	toll          bool
}

var kinds = []kind{
	{tags: "highway=trunk oneway=yes", class: Trunk, ahead: true},
	{tags: "highway=primary", class: Primary, ahead: true, behind: true},
	{tags: "highway=secondary oneway=yes", class: Secondary, ahead: true},
	{tags: "highway=tertiary oneway=-1", class: Tertiary, behind: true},
	{tags: "highway=unclassified maxweight=7.5", class: Minor, ahead: true, behind: true, weight: 7.5},
	{tags: "highway=primary maxheight=3.5", class: Primary, ahead: true, behind: true, height: 3.5},
	{tags: "highway=trunk toll=yes", class: Trunk, ahead: true, behind: true, toll: true},
	{tags: "highway=residential access=no", class: Residential},
	{tags: "highway=residential access=no hgv=yes", class: Residential, ahead: true, behind: true},
	{tags: "highway=footway", class: Service},
}

// TestRouteIsTheCheapest compares with a search of the map itself, node by node: the
// same cost, and every step a step that the map allows.
func TestRouteIsTheCheapest(t *testing.T) {
	dir := t.TempDir()
	vehicles := []geodata.Vehicle{{}, {WeightT: 5, HeightM: 3}, {WeightT: 5}, {HeightM: 3, AvoidTolls: true}}
	rapid.Check(t, func(rt *rapid.T) {
		town := newTown(7, 7)
		type move struct {
			to   int64
			kind *kind
		}
		moves := map[int64][]move{}
		for range rapid.IntRange(3, 40).Draw(rt, "ways") {
			k := &kinds[rapid.IntRange(0, len(kinds)-1).Draw(rt, "kind")]
			x, y := rapid.IntRange(0, 6).Draw(rt, "x"), rapid.IntRange(0, 6).Draw(rt, "y")
			nodes := []int64{town.id(x, y)}
			for range rapid.IntRange(1, 7).Draw(rt, "steps") {
				d := rapid.SampledFrom([][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}}).Draw(rt, "step")
				u, v := x+d[0], y+d[1]
				if u < 0 || v < 0 || u > 6 || v > 6 {
					continue
				}
				if id := town.id(u, v); len(nodes) < 2 || nodes[len(nodes)-2] != id { // no turning on the spot
					nodes = append(nodes, id)
					x, y = u, v
				}
			}
			if len(nodes) < 2 {
				continue
			}
			town.way(k.tags, nodes...)
			for i := 1; i < len(nodes); i++ {
				if k.ahead {
					moves[nodes[i-1]] = append(moves[nodes[i-1]], move{nodes[i], k})
				}
				if k.behind {
					moves[nodes[i]] = append(moves[nodes[i]], move{nodes[i-1], k})
				}
			}
		}
		if len(moves) == 0 {
			return
		}
		a := town.area(rt, dir)
		defer func() { _ = a.Close() }()
		n := a.Network(geodata.Road)
		v := rapid.SampledFrom(vehicles).Draw(rt, "vehicle")
		full := fill(v, geodata.Road)
		open := func(k *kind) bool {
			return (k.weight == 0 || full.WeightT <= k.weight) && (k.height == 0 || full.HeightM <= k.height) && (!k.toll || !v.AvoidTolls)
		}
		used := map[int64]bool{}
		for from, list := range moves {
			for _, m := range list {
				if open(m.kind) {
					used[from], used[m.to] = true, true
				}
			}
		}
		var ids []int64
		for id := range int64(len(town.nodes)) {
			if used[id+1] {
				ids = append(ids, id+1)
			}
		}
		if len(ids) == 0 {
			return
		}
		from, to := rapid.SampledFrom(ids).Draw(rt, "from"), rapid.SampledFrom(ids).Draw(rt, "to")
		step := func(a, b int64) float64 {
			p, q := town.point(a), town.point(b)
			return flat(p[1], p[0], q[1], q[0])
		}
		// Dijkstra on the map.
		dist := map[int64]float64{from: 0}
		q := &costs{{0, from}}
		for q.Len() > 0 {
			top := heap.Pop(q).(cost)
			if top.cost > dist[top.node] {
				continue
			}
			for _, m := range moves[top.node] {
				if !open(m.kind) {
					continue
				}
				c := top.cost + step(top.node, m.to)*referencePace/m.kind.class.pace()
				if old, ok := dist[m.to]; !ok || c < old {
					dist[m.to] = c
					heap.Push(q, cost{c, m.to})
				}
			}
		}
		want, reachable := dist[to]
		sa, err := n.Locate(t.Context(), town.point(from), v, nil)
		if err != nil {
			rt.Fatal(err)
		}
		sb, err := n.Locate(t.Context(), town.point(to), v, nil)
		if err != nil {
			rt.Fatal(err)
		}
		// Nodes lie on the ways; others near are for points that lead nowhere.
		sa.snaps, sb.snaps = sa.snaps[:1], sb.snaps[:1]
		p, load, err := n.Route(t.Context(), sa, sb, v)
		if !reachable {
			if !errors.Is(err, geodata.ErrNoRoute) {
				rt.Fatalf("%d to %d: %v, %v; want no route", from, to, load, err)
			}
			return
		}
		if err != nil {
			rt.Fatalf("%d to %d: %v, want %.0f m", from, to, err, want)
		}
		if math.Abs(load.CostKM*1000-want) > 8+want*3e-3 {
			rt.Fatalf("%d to %d costs %.1f m, want %.1f", from, to, load.CostKM*1000, want)
		}
		table, err := n.Table(t.Context(), []Spot{sa}, []Spot{sb}, v)
		if err != nil || math.Abs(table[0][0].CostKM-load.CostKM) > 1e-3 || math.Abs(table[0][0].KM-load.KM) > 0.02 {
			rt.Fatalf("the table says %v (%v), the route %v", table[0][0], err, load)
		}
		if math.Abs(path.Length(p.Geometry)-p.DistanceKM) > 0.01+p.DistanceKM*0.006 {
			rt.Fatalf("%.3f km, drawn %.3f", p.DistanceKM, path.Length(p.Geometry))
		}
		// Every step is one of the map's.
		at := map[[2]int]int64{}
		for _, node := range town.nodes {
			at[[2]int{int(math.Round(float64(node.Lat) / 100)), int(math.Round(float64(node.Lon) / 100))}] = node.ID
		}
		last := int64(0)
		for _, g := range p.Geometry {
			id := at[[2]int{int(math.Round(g[1] * 1e5)), int(math.Round(g[0] * 1e5))}]
			if id == 0 {
				rt.Fatalf("the way goes by %v, where no node is", g)
			}
			if last != 0 && last != id {
				ok := false
				for _, m := range moves[last] {
					ok = ok || m.to == id && open(m.kind)
				}
				if !ok {
					rt.Fatalf("the way goes from %d to %d, which the map does not allow", last, id)
				}
			}
			last = id
		}
	})
}

type cost struct {
	cost float64
	node int64
}

type costs []cost

func (c costs) Len() int           { return len(c) }
func (c costs) Less(i, j int) bool { return c[i].cost < c[j].cost }
func (c costs) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *costs) Push(x any)        { *c = append(*c, x.(cost)) }
func (c *costs) Pop() any {
	old := *c
	x := old[len(old)-1]
	*c = old[:len(old)-1]
	return x
}

// TestPrivateGrounds: what is only for ends is used to get to its doors and not to
// pass through.
func TestPrivateGrounds(t *testing.T) {
	for _, private := range []string{
		"highway=service access=private", "highway=residential hgv=no", "highway=residential motor_vehicle=destination", "highway=service service=driveway",
		"highway=unclassified hgv=delivery",
	} {
		t.Run(private, func(t *testing.T) {
			// A ring with a private street across it.
			town := newTown(5, 5)
			town.way("highway=primary", town.id(0, 0), town.id(4, 0), town.id(4, 4), town.id(0, 4), town.id(0, 0))
			town.way("highway=primary", town.id(2, 4), town.id(4, 4)) // gives the street's ends a node of their own
			town.ways[0].Nodes = []int64{town.id(0, 0), town.id(2, 0), town.id(4, 0), town.id(4, 4), town.id(2, 4), town.id(0, 4), town.id(0, 0)}
			town.ways = town.ways[:1]
			town.way(private, town.id(2, 0), town.id(2, 2), town.id(2, 4))
			n := town.area(t, t.TempDir()).Network(geodata.Road)
			across, err := route(t, n, town.point(town.id(2, 0)), town.point(town.id(2, 4)), geodata.Vehicle{})
			if err != nil {
				t.Fatal(err)
			}
			side := path.Distance(town.point(town.id(0, 0)), town.point(town.id(4, 0)))
			high := path.Distance(town.point(town.id(0, 0)), town.point(town.id(0, 4)))
			if want := side + high; math.Abs(across.DistanceKM-want) > 0.02*want {
				t.Errorf("across it is %.2f km, want %.2f round", across.DistanceKM, want)
			}
			to, err := route(t, n, town.point(town.id(0, 0)), town.point(town.id(2, 2)), geodata.Vehicle{})
			if err != nil {
				t.Fatal(err)
			}
			if want := side/2 + high/2; math.Abs(to.DistanceKM-want) > 0.02*want {
				t.Errorf("to the middle it is %.2f km, want %.2f", to.DistanceKM, want)
			}
			out, err := route(t, n, town.point(town.id(2, 2)), town.point(town.id(2, 4)), geodata.Vehicle{})
			if err != nil || math.Abs(out.DistanceKM-high/2) > 0.05 {
				t.Errorf("out of the middle it is %.2f km (%v), want %.2f", out.DistanceKM, err, high/2)
			}
		})
	}
}

// TestBarriers: a gate lets to what is behind it, a bollard nobody through.
func TestBarriers(t *testing.T) {
	for barrier, passes := range map[string]bool{"barrier=bollard": false, "barrier=gate access=private": false, "barrier=gate": true, "barrier=toll_booth": true, "barrier=lift_gate locked=yes": false} {
		t.Run(barrier, func(t *testing.T) {
			town := newTown(3, 5)
			town.way("highway=primary", town.id(0, 0), town.id(1, 0), town.id(2, 0))
			town.way("highway=primary", town.id(0, 0), town.id(0, 1), town.id(0, 4), town.id(2, 4), town.id(2, 1), town.id(2, 0))
			for tag := range strings.FieldsSeq(barrier) {
				k, v, _ := strings.Cut(tag, "=")
				town.nodes[town.id(1, 0)-1].Tags = append(town.nodes[town.id(1, 0)-1].Tags, extract.Tag{Key: k, Value: v})
			}
			n := town.area(t, t.TempDir()).Network(geodata.Road)
			p, err := route(t, n, town.point(town.id(0, 1)), town.point(town.id(2, 1)), geodata.Vehicle{})
			if err != nil {
				t.Fatal(err)
			}
			if through := p.DistanceKM < 5; through != passes {
				t.Errorf("%.2f km, want through: %v", p.DistanceKM, passes)
			}
		})
	}
}

// TestTold: ferries, tolls, numbers, tracks are told with their lengths.
func TestTold(t *testing.T) {
	town := newTown(7, 2)
	town.way("highway=trunk ref=A1 toll:hgv=yes", town.id(0, 0), town.id(1, 0))
	town.way("highway=primary ref=B2;E30 toll=no", town.id(1, 0), town.id(2, 0))
	town.way("route=ferry motor_vehicle=yes name=Loreley", town.id(2, 0), town.id(4, 0))
	town.way("highway=primary ref=B2;E30", town.id(4, 0), town.id(5, 0))
	town.way("route=ferry foot=yes", town.id(5, 0), town.id(6, 0))
	town.way("railway=rail gauge=1520 electrified=contact_line", town.id(0, 1), town.id(1, 1))
	town.way("railway=rail gauge=1435;1520 electrified=no", town.id(1, 1), town.id(2, 1))
	town.way("railway=tram", town.id(2, 1), town.id(3, 1))
	a := town.area(t, t.TempDir())
	p, err := route(t, a.Network(geodata.Road), town.point(town.id(0, 0)), town.point(town.id(5, 0)), geodata.Vehicle{})
	if err != nil {
		t.Fatal(err)
	}
	km := p.DistanceKM / 5
	about := func(got float64) bool { return math.Abs(got-km) < 0.01*km }
	if len(p.Ferries) != 1 || p.Ferries[0].Name != "Loreley" || !about(p.Ferries[0].KM/2) || !about(p.Ferries[0].AtKM/2) {
		t.Errorf("ferries %+v", p.Ferries)
	}
	if !about(p.Tolls.TolledKM) || !about(p.Tolls.FreeKM) {
		t.Errorf("tolls %+v", p.Tolls)
	}
	if len(p.Roads) != 4 || p.Roads[0].Number != "A1" || p.Roads[0].Class != "trunk" || p.Roads[1].Number != "B2/E30" || p.Roads[3].Number != "B2/E30" {
		t.Errorf("roads %+v", p.Roads)
	}
	if _, err := route(t, a.Network(geodata.Road), town.point(town.id(0, 0)), town.point(town.id(5, 0)), geodata.Vehicle{AvoidFerries: true}); !errors.Is(err, geodata.ErrNoRoute) {
		t.Errorf("without ferries: %v", err)
	}
	rail := a.Network(geodata.Rail)
	p, err = route(t, rail, town.point(town.id(0, 1)), town.point(town.id(2, 1)), geodata.Vehicle{GaugeMM: 1520})
	if err != nil || len(p.Tracks) != 2 || p.Tracks[0].Electrified != geodata.Yes || p.Tracks[1].Electrified != geodata.No || p.Tracks[0].GaugeMM != 1520 {
		t.Errorf("tracks %+v, %v", p.Tracks, err)
	}
	for _, v := range []geodata.Vehicle{{GaugeMM: 1435}, {Electric: true}} {
		if p, err := route(t, rail, town.point(town.id(0, 1)), town.point(town.id(2, 1)), v); err == nil && len(p.Tracks) > 1 {
			t.Errorf("%+v goes over %+v", v, p.Tracks)
		}
	}
	if rail.Stats().Edges != 2 {
		t.Errorf("%d edges, want no tram", rail.Stats().Edges)
	}
}

func TestYards(t *testing.T) {
	town := newTown(3, 3)
	town.way("railway=rail usage=main", town.id(0, 0), town.id(0, 2), town.id(2, 2), town.id(2, 0))
	town.way("railway=rail service=yard", town.id(0, 0), town.id(1, 0), town.id(2, 0))
	n := town.area(t, t.TempDir()).Network(geodata.Rail)
	p, err := route(t, n, town.point(town.id(0, 0)), town.point(town.id(2, 0)), geodata.Vehicle{})
	if err != nil || p.DistanceKM < 4 {
		t.Errorf("through the yard: %.1f km, %v", p.DistanceKM, err)
	}
	p, err = route(t, n, town.point(town.id(0, 2)), town.point(town.id(1, 0)), geodata.Vehicle{})
	if err != nil || p.DistanceKM > 4 {
		t.Errorf("into the yard: %.1f km, %v", p.DistanceKM, err)
	}
}

func TestAccess(t *testing.T) {
	for tags, want := range map[string][2]Access{
		"highway=primary":                                            {Through, Through},
		"highway=motorway":                                           {Through, Shut},
		"highway=motorway oneway=no":                                 {Through, Through},
		"highway=motorway_link":                                      {Through, Shut},
		"highway=primary oneway=-1":                                  {Shut, Through},
		"highway=primary junction=roundabout":                        {Through, Shut},
		"highway=primary oneway=yes oneway:hgv=no":                   {Through, Through},
		"highway=primary hgv=no":                                     {Ends, Ends},
		"highway=primary access=no":                                  {Shut, Shut},
		"highway=primary access=no motor_vehicle=yes":                {Through, Through},
		"highway=primary motor_vehicle=no hgv=destination":           {Ends, Ends},
		"highway=primary hgv:forward=no":                             {Ends, Through},
		"highway=primary motor_vehicle=agricultural":                 {Shut, Shut},
		"highway=primary hgv=no hgv:conditional=yes@(destination)":   {Ends, Ends},
		"highway=primary vehicle=no vehicle:conditional=yes@private": {Ends, Ends},
		"highway=track":                                              {Shut, Shut},
		"highway=track motor_vehicle=yes":                            {Through, Through},
		"highway=footway motor_vehicle=yes":                          {Shut, Shut},
		"highway=construction":                                       {Shut, Shut},
		"highway=service service=parking_aisle":                      {Shut, Shut},
		"railway=tram highway=residential":                           {Through, Through},
		"route=ferry":                                                {Shut, Shut},
		"route=ferry motor_vehicle=yes":                              {Through, Through},
		"route=ferry motor_vehicle=yes hgv=no":                       {Shut, Shut},
		"railway=rail":                                               {Through, Through},
		"railway=rail service=yard":                                  {Ends, Ends},
		"railway=abandoned":                                          {Shut, Shut},
		"railway=subway":                                             {Shut, Shut},
		"building=yes":                                               {Shut, Shut},
	} {
		var town town
		town.way(tags)
		r, ok := read(town.ways[0].Tags)
		if !ok {
			r.rule = Rule{}
		}
		if got := [2]Access{r.rule.Forward, r.rule.Backward}; got != want {
			t.Errorf("%s: %v, want %v", tags, got, want)
		}
	}
}

func TestQuantities(t *testing.T) {
	for s, want := range map[string]float64{"7.5": 7.5, "7,5 t": 7.5, "3500 kg": 3.5, "3500": 3.5, "10 st": 9.0718, "80000 lbs": 36.287, "none": 0, "default": 0, "": 0, "-3": 0, "0": 0, "5 bananas": 0, "7.5;12": 7.5} {
		if got, ok := tonnes(s); math.Abs(got-want) > 1e-3 && (ok || want != 0) || ok != (want != 0) {
			t.Errorf("weight %q: %v %v, want %v", s, got, ok, want)
		}
	}
	for s, want := range map[string]float64{"4": 4, "4.2 m": 4.2, "420 cm": 4.2, "420": 4.2, `13'6"`: 4.1148, "13 ft 6 in": 4.1148, "13'": 3.9624, "below_default": 0, "": 0, `160"`: 4.064} {
		if got, ok := metres(s); math.Abs(got-want) > 1e-3 && (ok || want != 0) || ok != (want != 0) {
			t.Errorf("height %q: %v %v, want %v", s, got, ok, want)
		}
	}
	for s, want := range map[string]float64{"50": 50, "30 mph": 48.28, "none": 0, "RU:urban": 0, "walk": 0} {
		if got, _ := speed(s); math.Abs(got-want) > 0.01 {
			t.Errorf("speed %q: %v, want %v", s, got, want)
		}
	}
}

func TestNameOf(t *testing.T) {
	for file, want := range map[string]string{
		"/tmp/delaware-latest.osm.pbf": "delaware", "Helsinki.osm.pbf": "helsinki", "germany-240101.osm.pbf": "germany",
		"us_west 2.pbf": "us-west-2", "北京.osm.pbf": "area", "../x.osm.pbf": "x",
	} {
		if got := NameOf(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

// TestSave: an import takes the place of one of its name and of those it covers, and
// a failed one leaves what was there.
func TestSave(t *testing.T) {
	data := t.TempDir()
	make := func(name string, wide int, imported string) *Area {
		town := newTown(wide, wide)
		for i := range wide {
			var row []int64
			for x := range wide {
				row = append(row, town.id(x, i))
			}
			town.way("highway=primary", row...)
		}
		var column []int64
		for y := range wide {
			column = append(column, town.id(0, y))
		}
		town.way("highway=primary", column...)
		a := town.area(t, t.TempDir())
		a.Name, a.Imported = name, imported
		return a
	}
	names := func() string {
		areas, problems := OpenAll(data)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var out []string
		for _, a := range areas {
			out = append(out, fmt.Sprintf("%s %.0f", a.Name, a.RoadKM))
			_ = a.Close()
		}
		return strings.Join(out, ", ")
	}
	save := func(a *Area) []string {
		_, gone, err := Save(data, a)
		if err != nil {
			t.Fatal(err)
		}
		return gone
	}
	save(make("small", 3, "2026-01-01"))
	save(make("small", 4, "2026-01-02"))
	if got := names(); !strings.HasPrefix(got, "small ") || strings.Contains(got, ",") {
		t.Errorf("after the same again: %s", got)
	}
	if gone := save(make("large", 9, "2026-01-03")); len(gone) != 1 || gone[0] != "small" {
		t.Errorf("gone: %v", gone)
	}
	save(make("small", 4, "2026-01-04"))
	if got := names(); !strings.HasPrefix(got, "small") || !strings.Contains(got, "large") {
		t.Errorf("a small one inside a large one: %s", got)
	}
	for _, bad := range []string{"", "../x", "A", "a b", strings.Repeat("x", 90)} {
		a := make("x", 3, "")
		a.Name = bad
		if file, _, err := Save(data, a); err == nil {
			t.Errorf("%q is stored as %s", bad, file)
		}
	}
	before := names()
	dir := filepath.Join(data, Folder)
	a := make("large", 5, "2026-01-05")
	if err := a.Write(filepath.Join(dir, "no such folder", "x")); err == nil {
		t.Error("written to a folder that is not there")
	}
	if err := writeSections(full{}, []section{{1, []byte("x")}}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".import-*")); len(left) > 0 || names() != before {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad"+extension), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, problems := OpenAll(data); len(problems) != 1 || !errors.Is(problems[0], ErrFormat) {
		t.Errorf("problems: %v", problems)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error)      { return 0, errFull }
func (full) Seek(int64, int) (int64, error) { return 0, nil }

func TestEmpty(t *testing.T) {
	var b Builder
	town := newTown(2, 2)
	town.way("building=yes", 1, 2, 3, 1)
	b.Ways(town.ways)
	b.Nodes(town.nodes)
	if _, err := Make(t.Context(), &b, Options{Country: func(float64, float64) geodata.Country { return "" }}); !errors.Is(err, ErrEmpty) {
		t.Errorf("%v, want ErrEmpty", err)
	}
	if _, err := Import(t.Context(), bytes.NewReader([]byte("hello, I am not a map at all")), Meta{}, nil); err == nil {
		t.Error("text is imported")
	}
}

// FuzzOpen: whatever a stored file holds, opening it is an error or searching it does
// not leave it. Checksums are set right, so that more than they is tried.
func FuzzOpen(f *testing.F) {
	town := newTown(4, 4)
	for i := range 4 {
		town.way("highway=primary", town.id(0, i), town.id(1, i), town.id(2, i), town.id(3, i))
		town.way("highway=secondary oneway=yes", town.id(i, 0), town.id(i, 1), town.id(i, 2), town.id(i, 3))
	}
	town.area(f, f.TempDir())
	dir := f.TempDir()
	town.area(f, dir)
	file, err := os.ReadFile(filepath.Join(dir, "town.crex"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{}, true)
	f.Add(uint32(1000), []byte{1, 2, 3, 4}, true)
	f.Add(uint32(4000), []byte{0xff, 0xff, 0xff, 0x7f}, true)
	f.Add(uint32(100), []byte{7}, false)
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, mend bool) {
		b := bytes.Clone(file)
		copy(b[int(at)%len(b):], patch)
		if mend {
			count := min(int(binary.LittleEndian.Uint32(b[8:])), maxSections, (len(b)-headerBytes)/entryBytes)
			for i := range count {
				e := b[headerBytes+entryBytes*i:]
				from, size := binary.LittleEndian.Uint64(e[8:]), binary.LittleEndian.Uint64(e[16:])
				if from <= uint64(len(b)) && size <= uint64(len(b))-from {
					binary.LittleEndian.PutUint32(e[4:], crc32.Checksum(b[from:from+size], castagnoli))
				}
			}
			binary.LittleEndian.PutUint32(b[12:], headSum(b, count))
		}
		a, err := parse(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		n := a.Network(geodata.Road)
		if n == nil {
			return
		}
		for _, v := range []geodata.Vehicle{{}, {WeightT: 10}} {
			_, _ = route(t, n, town.point(1), town.point(16), v)
			_, _ = route(t, n, town.point(7), town.point(3), v)
		}
		n.Exits(Service)
		a.Covers(town.point(6))
	})
}

// TestImport reads a file as a user would: ten streets of primary road crossed by ten
// one-way streets in Helsinki's place, and a railway.
func TestImport(t *testing.T) {
	f, err := os.Open("testdata/town.osm.pbf")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	stages := map[string]bool{}
	a, err := Import(t.Context(), f, Meta{Name: "town"}, func(doing string, share float64) {
		if share < 0 || share > 1 {
			t.Errorf("%s: share %v", doing, share)
		}
		stages[doing] = true
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Countries) != 1 || a.Countries[0] != "FI" || a.AsOf != "2023-11-14T22:13:20Z" || a.RoadKM != 40 || a.RailKM != 1 {
		t.Errorf("%+v", a.Meta)
	}
	if !stages["reading ways"] || !stages["reading nodes"] {
		t.Errorf("told of %v", stages)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Import(ctx, f, Meta{Name: "town"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// BenchmarkRoute goes over a large grid.
func BenchmarkRoute(b *testing.B) {
	const wide = 120
	town := newTown(wide, wide)
	for i := range wide {
		var row, column []int64
		for k := range wide {
			row, column = append(row, town.id(k, i)), append(column, town.id(i, k))
		}
		town.way("highway=primary", row...)
		town.way("highway=secondary oneway="+[]string{"yes", "-1"}[i%2], column...)
	}
	n := town.area(b, b.TempDir()).Network(geodata.Road)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := route(b, n, town.point(int64(i*7919%(wide*wide)+1)), town.point(int64(i*104729%(wide*wide)+1)), geodata.Vehicle{}); err != nil {
			b.Fatal(err)
		}
	}
}
