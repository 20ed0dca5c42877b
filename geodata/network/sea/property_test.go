package sea

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"sort"
	"sync"
	"testing"

	"corridor/geodata"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/pilot"
	"corridor/geodata/network/sea/internal/queue"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// opened is the network all tests of this package search: opening it anew for
// each would cost more than they do.
var opened = sync.OnceValues(Open)

// world lists the test ports on the ocean, sorted.
func world(t testing.TB) (codes []string, at map[string]orb.Point) {
	at = ports(t)
	for c := range at {
		if c != "AZBAK" && c != "KZAAU" {
			codes = append(codes, c)
		}
	}
	sort.Strings(codes)
	return codes, at
}

// length is the length of a drawn way.
func length(ls orb.LineString) (km float64) {
	for i := 1; i < len(ls); i++ {
		km += globe.DistanceKM(ls[i-1], ls[i])
	}
	return km
}

func TestRouteProperties(t *testing.T) {
	oneGoroutine(t)
	g := open(t)
	codes, at := world(t)
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.SampledFrom(codes).Draw(t, "from"), rapid.SampledFrom(codes).Draw(t, "to")
		there, err := g.Route(at[from], at[to], geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := g.Route(at[to], at[from], geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		// Straight stretches over open water are looked for from the start of a way, so
		// there and back may be drawn apart by metres in a hundred kilometres.
		if math.Abs(there.DistanceKM-back.DistanceKM) > 0.1+1e-4*there.DistanceKM {
			t.Fatalf("%s–%s is %.3f km, %.3f km back", from, to, there.DistanceKM, back.DistanceKM)
		}
		slices.Reverse(back.Passages)
		if !slices.Equal(there.Passages, back.Passages) {
			t.Fatalf("%s–%s by %v, back by %v", from, to, there.Passages, back.Passages)
		}
		if l := length(there.Geometry); math.Abs(l-there.DistanceKM) > 0.0005*l+0.1 {
			t.Fatalf("%s–%s is %.2f km, its line %.2f km", from, to, there.DistanceKM, l)
		}
		ls := there.Geometry
		if ls[0] != at[from] || globe.DistanceKM(ls[len(ls)-1], at[to]) > 1e-6 {
			t.Fatalf("%s–%s runs from %v to %v", from, to, ls[0], ls[len(ls)-1])
		}
		for i := 1; i < len(ls); i++ {
			if math.Abs(ls[i][0]-ls[i-1][0]) > 90 {
				t.Fatalf("%s–%s jumps from %v to %v", from, to, ls[i-1], ls[i])
			}
		}
		table, err := g.Table([]orb.Point{at[from]}, []orb.Point{at[to]}, geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(table[0][0]-there.DistanceKM) > 0.01 {
			t.Fatalf("%s–%s is %.3f km in the table, %.3f km alone", from, to, table[0][0], there.DistanceKM)
		}
	})
}

// Avoiding passages sails none of them, never costs less, and so is never shorter
// but for the penalties of passages.
func TestAvoid(t *testing.T) {
	oneGoroutine(t)
	g := open(t)
	codes, at := world(t)
	cost := func(p geodata.Path) float64 {
		km := p.DistanceKM
		for i := 1; i < len(p.Geometry); i++ { // weights are not among the passages
			for _, id := range g.sailed(globe.FromPoint(p.Geometry[i-1]), globe.FromPoint(p.Geometry[i])) {
				km += g.passages[id].PenaltyNM * globe.KMPerNM
			}
		}
		return km
	}
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.SampledFrom(codes).Draw(t, "from"), rapid.SampledFrom(codes).Draw(t, "to")
		free, err := g.Route(at[from], at[to], geodata.Avoid{})
		if err != nil {
			t.Fatal(err)
		}
		// Each set shut costs its labels: a handful of sets will do.
		avoid := rapid.SampledFrom([][]string{
			{"suez"}, {"malacca", "taiwan"}, {"panama"}, {"gibraltar", "dover"},
		}).Draw(t, "avoid")
		p, err := g.Route(at[from], at[to], geodata.Avoid{Passages: avoid})
		if errors.Is(err, geodata.ErrNoRoute) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range avoid {
			if slices.Contains(p.Passages, id) {
				t.Fatalf("%s–%s avoiding %v sails %v", from, to, avoid, p.Passages)
			}
		}
		if cost(p) < cost(free)-0.5 {
			t.Fatalf("%s–%s costs %.1f km, avoiding %v %.1f km", from, to, cost(free), avoid, cost(p))
		}
		// Gates are the judge: the drawn line itself must not cross one.
		for i := 1; i < len(p.Geometry); i++ {
			for _, id := range g.sailed(globe.FromPoint(p.Geometry[i-1]), globe.FromPoint(p.Geometry[i])) {
				if slices.Contains(avoid, g.passages[id].ID) {
					t.Fatalf("%s–%s avoiding %v crosses the gate of %s near %v", from, to, avoid, g.passages[id].ID, p.Geometry[i])
				}
			}
		}
	})
}

// The hierarchy and its labels must find what a plain search over the legs does.
func TestSearchAgainstDijkstra(t *testing.T) {
	oneGoroutine(t)
	g := open(t)
	codes, at := world(t)
	for k, avoid := range [][]string{nil, {"suez"}, {"panama", "malacca", "gibraltar"}} {
		terms, err := g.termsOf(geodata.Avoid{Passages: avoid})
		if err != nil {
			t.Fatal(err)
		}
		p, shut := g.profile(terms), terms.shut
		for i := k; i < len(codes); i += 9 {
			a, err := g.port(at[codes[i]])
			if err != nil {
				t.Fatal(err)
			}
			costs := g.dijkstra(a, p)
			for _, c := range codes {
				b, err := g.port(at[c])
				if err != nil {
					t.Fatal(err)
				}
				want := math.Inf(1)
				for _, x := range b.approaches {
					if x.passages&shut == 0 {
						want = min(want, costs[x.node]+x.cost+float64(p.weight(x.passages)))
					}
				}
				_, _, cost := meet(g.berth(a, p), g.berth(b, p))
				if got := float64(cost); math.Abs(got-want) > 0.05 && want < unreached {
					t.Errorf("%s–%s avoiding %v: %.3f km, plain search %.3f km", codes[i], c, avoid, got, want)
				}
			}
		}
	}
}

// dijkstra is the plain search over legs only.
func (g *Graph) dijkstra(a *port, p *profile) []float64 {
	type half struct {
		to   int32
		cost float32
	}
	adj := make([][]half, len(g.nodes))
	for _, x := range g.arcs {
		if x.left < 0 && x.passages&p.shut == 0 {
			w := x.cost + p.weight(x.passages)
			adj[x.owner] = append(adj[x.owner], half{x.to, w})
			adj[x.to] = append(adj[x.to], half{x.owner, w})
		}
	}
	cost := make([]float64, len(g.nodes))
	for i := range cost {
		cost[i] = math.Inf(1)
	}
	var q queue.Queue[float32]
	for _, x := range a.approaches {
		if c := x.cost + float64(p.weight(x.passages)); x.passages&p.shut == 0 && c < cost[x.node] {
			cost[x.node] = c
			q.Push(float32(c), x.node)
		}
	}
	for len(q) > 0 {
		c, n := q.Pop()
		if float64(c) > cost[n]+0.001 {
			continue
		}
		for _, h := range adj[n] {
			if v := float64(c) + float64(h.cost); v < cost[h.to] {
				cost[h.to] = v
				q.Push(float32(v), h.to)
			}
		}
	}
	return cost
}

// lands is the land of OpenStreetMap in cells of a fortieth of a degree, as
// cmd/geodata/sea_lands.go writes it: another survey than Natural Earth's, which
// the chart was made from.
type lands struct{ rows [][]int } // per row where land begins and ends, from 180° W

const (
	landsPerDegree = 40
	landsSouth     = -60
)

func readLands(t testing.TB) lands {
	t.Helper()
	f, err := testdata.Open("testdata/lands.bin.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(z)
	var l lands
	for {
		n, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) {
			return l
		}
		var row []int
		x := 0
		for range 2 * n {
			d, err := binary.ReadUvarint(r)
			if err != nil {
				t.Fatal(err)
			}
			x += int(d)
			row = append(row, x)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.rows = append(l.rows, row)
	}
}

func (l lands) cell(x, y int) bool {
	if y < 0 || y >= len(l.rows) {
		return true
	}
	const width = 360 * landsPerDegree
	x = ((x % width) + width) % width
	i, found := slices.BinarySearch(l.rows[y], x)
	if found {
		i++
	}
	return i%2 == 1
}

// inland reports whether a point is on land with land all around: by more than
// both surveys may err.
func (l lands) inland(p orb.Point) bool {
	x, y := int(math.Floor((p[0]+180)*landsPerDegree)), int(math.Floor((p[1]-landsSouth)*landsPerDegree))
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			if !l.cell(x+dx, y+dy) {
				return false
			}
		}
	}
	return true
}

func TestLands(t *testing.T) {
	l := readLands(t)
	for name, c := range map[string]struct {
		at   orb.Point
		want bool
	}{
		"Moscow": {orb.Point{37.6, 55.75}, true}, "mid-Atlantic": {orb.Point{-30, 30}, false},
		"the Sahara": {orb.Point{5, 25}, true}, "Chukotka beyond 180°": {orb.Point{-177, 67}, true},
		"Chukotka unrolled": {orb.Point{183, 67}, true}, "the Caspian": {orb.Point{50.5, 41}, false},
	} {
		if got := l.inland(c.at); got != c.want {
			t.Errorf("%s: inland %v, want %v", name, got, c.want)
		}
	}
}

// Ways keep off land as another survey draws it. Harbours and the lanes of canals
// and rivers are exempt.
func TestWaysKeepOffLand(t *testing.T) {
	oneGoroutine(t)
	g := open(t)
	land := readLands(t)
	lanes, err := pilot.Lanes()
	if err != nil {
		t.Fatal(err)
	}
	codes, at := world(t)
	checked := 0
	for i, from := range codes {
		for k := range 3 {
			to := codes[(i*7+11+37*k)%len(codes)]
			p, err := g.Route(at[from], at[to], geodata.Avoid{})
			if err != nil {
				t.Fatal(err)
			}
			for k := 1; k < len(p.Geometry); k++ {
				arc := globe.NewArc(globe.FromPoint(p.Geometry[k-1]), globe.FromPoint(p.Geometry[k]))
				for s := 0.0; s < arc.Angle; s += 1.0 / globe.MeanRadiusKM {
					q := arc.At(s).Point()
					checked++
					if !land.inland(q) || globe.DistanceKM(q, at[from]) < 30 || globe.DistanceKM(q, at[to]) < 30 || nearLane(lanes, q) {
						continue
					}
					t.Errorf("%s–%s runs over land at %s", from, to, show(q))
				}
			}
		}
	}
	t.Logf("%d points looked at", checked)
}

// Calling at a third port on the way costs no less, but for what the raster and the
// thinning of legs allow.
func TestTriangle(t *testing.T) {
	oneGoroutine(t)
	g := open(t)
	codes, at := world(t)
	p := g.profile(terms{shut: g.shut})
	d := make([][]float64, len(codes)) // km with penalties
	for i, a := range codes {
		d[i] = make([]float64, len(codes))
		for j, b := range codes {
			from, err := g.port(at[a])
			if err != nil {
				t.Fatal(err)
			}
			to, err := g.port(at[b])
			if err != nil {
				t.Fatal(err)
			}
			w, ok := g.cheapest(from, to, p)
			if !ok {
				t.Fatalf("no way from %s to %s", a, b)
			}
			d[i][j] = w.cost
		}
	}
	const (
		harbourKM = 15    // a port's own way out may be shorter than that of ways past it
		part      = 0.005 // thinning and tautness
	)
	worst := math.Inf(-1)
	for a := range codes {
		for b := range codes {
			for c := range codes {
				if a == b || b == c || a == c {
					continue
				}
				over := d[a][c] - (d[a][b]+d[b][c])*(1+part) - harbourKM
				worst = max(worst, over)
				if over > 0 {
					t.Errorf("%s–%s costs %.0f km, by %s %.0f km", codes[a], codes[c], d[a][c], codes[b], d[a][b]+d[b][c])
				}
			}
		}
	}
	t.Logf("nearest to the tolerance: %.1f km", worst)
}

// nearLane reports whether a point is within 4 km of a lane drawn by hand.
func nearLane(lanes []pilot.Lane, q orb.Point) bool {
	v := globe.FromPoint(q)
	for _, l := range lanes {
		for i := 1; i < len(l.Line); i++ {
			a, b := globe.FromPoint(l.Line[i-1]), globe.FromPoint(l.Line[i])
			arc := globe.NewArc(a, b)
			if v.Angle(a) > arc.Angle+0.001 {
				continue
			}
			for s := 0.0; s <= arc.Angle; s += 1.0 / globe.MeanRadiusKM {
				if arc.At(s).Angle(v)*globe.MeanRadiusKM < 4 {
					return true
				}
			}
		}
	}
	return false
}

func TestKnownWays(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	for _, c := range []struct {
		from, to string
		avoid    []string
		sails    []string // in order
		not      []string
	}{
		{"CNSHA", "NLRTM", nil, []string{"taiwan", "malacca", "bab-el-mandeb", "suez", "gibraltar", "dover"}, []string{"panama"}},
		{"CNSHA", "NLRTM", []string{"suez"}, []string{"cape-of-good-hope"}, []string{"suez", "panama", "gibraltar"}},
		{"CNTAO", "DEHAM", []string{"suez"}, []string{"cape-of-good-hope", "dover", "elbe"}, []string{"panama"}},
		{"KRPUS", "NLRTM", []string{"suez"}, []string{"cape-of-good-hope"}, []string{"panama"}},
		{"JPYOK", "USEWR", nil, []string{"panama"}, nil},
		{"JPYOK", "USLGB", nil, nil, []string{"panama", "bering"}},
		{"SGSIN", "USEWR", nil, []string{"malacca", "suez", "gibraltar"}, []string{"panama"}},
		{"CNSHA", "USEWR", nil, []string{"panama"}, []string{"suez"}},
		{"USLAX", "NLRTM", []string{"panama"}, []string{"magellan"}, []string{"northwest-passage", "suez"}},
		{"CLVAP", "NLRTM", nil, []string{"panama"}, nil},
		{"DEHAM", "RULED", nil, []string{"kiel"}, nil},
		{"DEHAM", "RULED", []string{"kiel"}, nil, []string{"kiel"}},
		{"NLRTM", "RUNVS", nil, []string{"dover", "gibraltar", "dardanelles", "bosporus"}, nil},
		{"CNSHA", "SGSIN", []string{"taiwan"}, nil, []string{"taiwan"}},
		{"AEJEA", "INNSA", nil, []string{"hormuz"}, nil},
		{"SGSIN", "NLRTM", []string{"malacca"}, []string{"sunda"}, []string{"malacca"}},
		{"SGSIN", "NLRTM", []string{"malacca", "sunda"}, []string{"lombok"}, []string{"malacca", "sunda"}},
		{"CNSHA", "NLRTM", []string{"+northern-sea-route"}, []string{"bering", "northern-sea-route"}, []string{"suez"}},
		{"GRPIR", "ITGOA", nil, nil, []string{"corinth"}},
	} {
		p, err := g.Route(at[c.from], at[c.to], geodata.Avoid{Passages: c.avoid})
		if err != nil {
			t.Errorf("%s–%s avoiding %v: %v", c.from, c.to, c.avoid, err)
			continue
		}
		rest := p.Passages
		for _, id := range c.sails {
			i := slices.Index(rest, id)
			if i < 0 {
				t.Errorf("%s–%s avoiding %v sails %v, want %v in order", c.from, c.to, c.avoid, p.Passages, c.sails)
				break
			}
			rest = rest[i+1:]
		}
		for _, id := range c.not {
			if slices.Contains(p.Passages, id) {
				t.Errorf("%s–%s avoiding %v sails %s", c.from, c.to, c.avoid, id)
			}
		}
	}
}

func TestNoRoute(t *testing.T) {
	oneGoroutine(t)
	g, at := open(t), ports(t)
	if p, err := g.Route(at["AZBAK"], at["KZAAU"], geodata.Avoid{}); err != nil || p.DistanceNM() < 180 || p.DistanceNM() > 300 {
		t.Errorf("Baku–Aktau: %.0f nm, %v; want about 250 nm", p.DistanceNM(), err)
	}
	for name, c := range map[string]struct {
		from, to orb.Point
		avoid    []string
	}{
		"out of the Caspian":      {at["KZAAU"], at["NLRTM"], nil},
		"from Moscow":             {orb.Point{37.62, 55.75}, at["NLRTM"], nil},
		"to the pole":             {at["NLRTM"], orb.Point{0, 90}, nil},
		"Black Sea shut in":       {at["RUNVS"], at["NLRTM"], []string{"bosporus"}},
		"Hamburg with Elbe shut":  {at["DEHAM"], at["NLRTM"], []string{"elbe"}},
		"not a number":            {orb.Point{math.NaN(), 0}, at["NLRTM"], nil},
		"the Gulf without Hormuz": {at["AEJEA"], at["SGSIN"], []string{"hormuz"}},
	} {
		p, err := g.Route(c.from, c.to, geodata.Avoid{Passages: c.avoid})
		if !errors.Is(err, geodata.ErrNoRoute) {
			t.Errorf("%s: %.0f km by %v, error %v, want ErrNoRoute", name, p.DistanceKM, p.Passages, err)
			continue
		}
		t.Logf("%s: %v", name, err)
	}
	var unknown *UnknownPassageError
	if _, err := g.Route(at["NLRTM"], at["DEHAM"], geodata.Avoid{Passages: []string{"suetz"}}); !errors.As(err, &unknown) || unknown.ID != "suetz" {
		t.Errorf("avoiding suetz: %v, want UnknownPassageError", err)
	}
	table, err := g.Table([]orb.Point{at["KZAAU"]}, []orb.Point{at["AZBAK"], at["NLRTM"]}, geodata.Avoid{})
	if err != nil || math.IsInf(table[0][0], 1) || !math.IsInf(table[0][1], 1) {
		t.Errorf("table from Aktau: %v, %v", table, err)
	}
}

func TestAntimeridian(t *testing.T) {
	g, at := open(t), ports(t)
	p, err := g.Route(at["JPYOK"], at["USLGB"], geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if nm := p.DistanceNM(); nm < 4780 || nm > 4900 {
		t.Errorf("Yokohama–Long Beach is %.0f nm, want about 4,840", nm)
	}
	last := p.Geometry[len(p.Geometry)-1]
	if last[0] < 180 {
		t.Errorf("the line ends at longitude %.2f, want it to run on beyond 180°", last[0])
	}
	back, err := g.Route(at["USLGB"], at["JPYOK"], geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if last := back.Geometry[len(back.Geometry)-1]; last[0] > -180 {
		t.Errorf("the line back ends at longitude %.2f, want it below -180°", last[0])
	}
}

func TestSamePoint(t *testing.T) {
	g, at := open(t), ports(t)
	p, err := g.Route(at["NLRTM"], at["NLRTM"], geodata.Avoid{})
	if err != nil {
		t.Fatal(err)
	}
	if p.DistanceKM != 0 || len(p.Geometry) < 2 {
		t.Errorf("Rotterdam to itself: %.2f km, %v", p.DistanceKM, p.Geometry)
	}
}

// oneGoroutine leaves a test to the run without the race detector.
func oneGoroutine(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("runs on one goroutine: left to the run without the race detector")
	}
}

// A Graph fills caches while it answers: many may ask at once, for ways and
// tables, and all are told what one alone is told.
func TestManyAskAtOnce(t *testing.T) {
	g := open(t)
	codes, at := world(t)
	codes = codes[:min(8, len(codes))]
	want := map[[2]string]float64{}
	for _, a := range codes {
		for _, b := range codes {
			p, err := g.Route(at[a], at[b], geodata.Avoid{})
			if err != nil {
				t.Fatal(err)
			}
			want[[2]string{a, b}] = p.DistanceKM
		}
	}
	fresh, err := Open() // with empty caches
	if err != nil {
		t.Fatal(err)
	}
	var points []orb.Point
	for _, c := range codes {
		points = append(points, at[c])
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, a := range codes {
				for _, b := range codes {
					p, err := fresh.Route(at[a], at[b], geodata.Avoid{})
					if err != nil || p.DistanceKM != want[[2]string{a, b}] {
						t.Errorf("%s–%s: %v km (%v), want %v", a, b, p.DistanceKM, err, want[[2]string{a, b}])
					}
				}
			}
		})
		wg.Go(func() {
			table, err := fresh.Table(points, points, geodata.Avoid{})
			if err != nil {
				t.Error(err)
				return
			}
			for i, a := range codes {
				for j, b := range codes {
					if math.Abs(table[i][j]-want[[2]string{a, b}]) > 0.01 {
						t.Errorf("%s–%s: %v km in the table, want %v", a, b, table[i][j], want[[2]string{a, b}])
					}
				}
			}
		})
	}
	wg.Wait()
}
