package main

import (
	"container/heap"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"corridor/geodata"
	"corridor/geodata/network/land"
)

// Limits of welding, in metres. The source was simplified region by region, so
// lines end a little short of each other; wider gaps are bridged only where that
// joins what would otherwise stay apart, and never over water.
const (
	endGap       = 900    // a dead end and a line it was cut from
	endDetour    = 8_000  // …if the way round is longer than this
	wideGap      = 3_500  // the same where the way round
	wideDetour   = 60_000 // is absurd
	dryGap       = 20_000 // two separate networks, over dry land
	anyGap       = 2_000  // two separate networks, bridges included
	certainGap   = 2_000  // longer bridges are marked estimated
	circuityLink = 1.1
	bridgeWet    = 600 // of water a bridge the source missed may span
	ferrySlow    = 200 // percent by which a kilometre on a ship costs more: it sails now and then
	bridgeCosine = 0.5 // how straight two dead ends must point at each other
)

// bridgeGap is how far apart two dead ends that point at each other may be.
var bridgeGap = map[geodata.Mode]float64{geodata.Road: 8_000, geodata.Rail: 16_000}

// weld joins what the source broke.
func (w *lines) weld(a *areas, mode geodata.Mode) error {
	if err := w.links(mode); err != nil {
		return err
	}
	w.joinEnds(endGap, endDetour, a)
	w.clean()
	w.joinEnds(wideGap, wideDetour, a)
	w.clean()
	for range 2 { // a piece between two gaps is joined at one end, then the other
		w.bridgeEnds(bridgeGap[mode], a)
		w.clean()
	}
	g := w.grid()

	of, sizes := w.components()
	largest := 0
	for c := range sizes {
		if sizes[c] > sizes[largest] {
			largest = c
		}
	}
	type pair struct {
		a, b   int32
		metres float64
	}
	var pairs []pair
	for i, v := range w.nodes {
		n := int32(i)
		if int(of[n]) == largest {
			continue // its partner finds it
		}
		best, gap := int32(-1), float64(dryGap)
		// Look near first: most networks have a neighbour close by.
		for _, reach := range []float64{2_000, 8_000, dryGap} {
			g.within(v.lat, v.lon, reach, func(m int32, d float64) {
				if of[m] != of[n] && d < gap {
					best, gap = m, d
				}
			})
			if best >= 0 {
				break
			}
		}
		if best >= 0 {
			pairs = append(pairs, pair{n, best, gap})
		}
	}
	sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].metres < pairs[j].metres })
	u := newUnion(len(w.nodes))
	for _, e := range w.edges {
		u.join(e.a, e.b)
	}
	joined := 0
	for _, p := range pairs {
		if u.find(p.a) == u.find(p.b) || p.metres > anyGap && w.wet(a, p.a, p.b) > bridgeWet {
			continue
		}
		u.join(p.a, p.b)
		w.edges = append(w.edges, link(p.a, p.b, p.metres))
		joined++
	}
	w.clean()
	fmt.Printf("land:   %d networks joined\n", joined)
	return nil
}

//go:embed land_links.csv
var landLinks string

// links adds the bridges, tunnels and stretches of line that the source lacks. They
// begin at a line; where the source has none at their other end, they end there.
func (w *lines) links(mode geodata.Mode) error {
	rows, err := csv.NewReader(strings.NewReader(landLinks)).ReadAll()
	if err != nil {
		return err
	}
	g := w.grid()
	for _, row := range rows[1:] {
		if row[0] != string(mode) {
			continue
		}
		var v [5]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				return fmt.Errorf("link %s: %w", row[7], err)
			}
		}
		var ends [2]int32
		gaps := 0.0
		for i := range ends {
			lat, lon := units(v[2*i]), units(v[2*i+1])
			best, gap := int32(-1), 15_000.0
			g.within(lat, lon, gap, func(n int32, d float64) {
				if d < gap {
					best, gap = n, d
				}
			})
			switch {
			case best >= 0 && (i == 0 || best != ends[0]):
			case i == 0:
				return fmt.Errorf("link %s: no %s near lat %.3f, lon %.3f", row[7], mode, v[0], v[1])
			default: // it ends where the source has nothing
				best, gap = int32(len(w.nodes)), 0
				w.nodes = append(w.nodes, vertex{lat: lat, lon: lon})
			}
			ends[i], gaps = best, gaps+gap
		}
		fmt.Printf("land:   link %s, %.0f km, ends %.1f km off\n", row[7], v[4], gaps/1000)
		l := line{a: ends[0], b: ends[1], metres: int32(v[4]*1000 + gaps)}
		if row[8] != "" {
			km, err := strconv.ParseUint(row[9], 10, 16)
			if err != nil {
				return fmt.Errorf("link %s: %w", row[7], err)
			}
			w.ferries = append(w.ferries, ferry{row[8], uint16(km)})
			l.ferry = uint8(len(w.ferries))
			if float64(km) == v[4] { // all of it a ship
				l.slow = ferrySlow
			}
		}
		if l.shape, err = places(row[6]); err != nil {
			return fmt.Errorf("link %s: %w", row[7], err)
		}
		w.edges = append(w.edges, l)
	}
	w.clean()
	return nil
}

func link(a, b int32, metres float64) line {
	return line{a: a, b: b, metres: max(1, int32(metres*circuityLink)), estimated: metres > certainGap}
}

// joinEnds joins dead ends to the nearest line around them.
func (w *lines) joinEnds(gap float64, detour int32, a *areas) {
	start, at := w.adjacency()
	near := w.segmentGrid()
	var links []line
	cut := map[int32][]int32{} // edge: nodes to put into it
	for i := range w.nodes {
		n := int32(i)
		if start[n+1]-start[n] != 1 {
			continue
		}
		own := at[start[n]]
		p, ok := near.nearest(w.nodes[n], gap, func(e int32) bool {
			edge := w.edges[e]
			return e != own && edge.a != n && edge.b != n
		})
		if !ok {
			continue
		}
		e := w.edges[p.edge]
		end := e.a
		if p.f > 0.5 {
			end = e.b
		}
		if !w.far(start, at, n, end, detour+e.metres) {
			continue
		}
		if p.metres > anyGap && w.wet(a, n, end) > max(bridgeWet, 0.2*w.metres(n, end)) {
			continue
		}
		m := end
		if reach := w.metres(end, n); reach > p.metres+200 { // not at an end: cut the line
			m = int32(len(w.nodes))
			w.nodes = append(w.nodes, vertex{lat: p.lat, lon: p.lon})
			cut[p.edge] = append(cut[p.edge], m)
			links = append(links, link(n, m, p.metres))
			continue
		}
		links = append(links, link(n, m, w.metres(n, m)))
	}
	for e, nodes := range cut {
		w.cut(e, nodes)
	}
	w.edges = append(w.edges, links...)
	fmt.Printf("land:   %d dead ends joined\n", len(links))
}

// cut puts nodes that lie on a straight edge into it.
func (w *lines) cut(e int32, nodes []int32) {
	edge := w.edges[e]
	sort.Slice(nodes, func(i, j int) bool { return w.metres(edge.a, nodes[i]) < w.metres(edge.a, nodes[j]) })
	whole := max(w.metres(edge.a, edge.b), 1)
	last, done := edge.a, int32(0)
	for _, n := range append(nodes, edge.b) {
		to := edge.metres
		if n != edge.b {
			to = min(int32(w.metres(edge.a, n)/whole*float64(edge.metres)), edge.metres)
		}
		piece := line{a: last, b: n, metres: to - done, estimated: edge.estimated, slow: edge.slow, ferry: edge.ferry}
		if last == edge.a {
			w.edges[e] = piece
		} else {
			w.edges = append(w.edges, piece)
		}
		last, done = n, to
	}
}

// bridgeEnds joins two dead ends that point at each other over a wider gap.
func (w *lines) bridgeEnds(gap float64, a *areas) {
	start, at := w.adjacency()
	ends := &grid{w, map[[2]int32][]int32{}}
	for i, v := range w.nodes {
		if start[i+1]-start[i] == 1 {
			c := [2]int32{floorDiv(v.lat, gridUnits), floorDiv(v.lon, gridUnits)}
			ends.cells[c] = append(ends.cells[c], int32(i))
		}
	}
	type pair struct {
		a, b   int32
		metres float64
	}
	var pairs []pair
	for i, v := range w.nodes {
		n := int32(i)
		if start[n+1]-start[n] != 1 {
			continue
		}
		ends.within(v.lat, v.lon, gap, func(m int32, d float64) {
			if m <= n {
				return
			}
			if d < 3_000 || w.onward(start, at, n, m) > bridgeCosine && w.onward(start, at, m, n) > bridgeCosine {
				pairs = append(pairs, pair{n, m, d})
			}
		})
	}
	sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].metres < pairs[j].metres })
	joined := map[int32]bool{}
	for _, p := range pairs {
		if joined[p.a] || joined[p.b] || p.metres > anyGap && w.wet(a, p.a, p.b) > bridgeWet || !w.far(start, at, p.a, p.b, int32(6*p.metres)+60_000) {
			continue
		}
		joined[p.a], joined[p.b] = true, true
		w.edges = append(w.edges, link(p.a, p.b, p.metres))
		if p.metres > 5_000 {
			fmt.Printf("land:   gap of %.0f km bridged at %.3f,%.3f–%.3f,%.3f\n", p.metres/1000, float64(w.nodes[p.a].lat)/1000, float64(w.nodes[p.a].lon)/1000, float64(w.nodes[p.b].lat)/1000, float64(w.nodes[p.b].lon)/1000)
		}
	}
}

// onward is the cosine of the turn from a dead end's line towards another node.
func (w *lines) onward(start, at []int32, end, to int32) float64 {
	from := w.edges[at[start[end]]].other(end)
	shrink := math.Cos(float64(w.nodes[end].lat) / land.UnitsPerDegree * math.Pi / 180)
	ay, ax := float64(w.nodes[end].lat-w.nodes[from].lat), float64(w.nodes[end].lon-w.nodes[from].lon)*shrink
	by, bx := float64(w.nodes[to].lat-w.nodes[end].lat), float64(w.nodes[to].lon-w.nodes[end].lon)*shrink
	return (ay*by + ax*bx) / max(math.Hypot(ay, ax)*math.Hypot(by, bx), 1)
}

// wet is how many metres of the straight line between two nodes are off every
// country's land.
func (w *lines) wet(a *areas, p, q int32) float64 {
	total := w.metres(p, q)
	steps := int(total/200) + 1
	wet := 0
	for i := range steps + 1 {
		f := float64(i) / float64(steps)
		lat := float64(w.nodes[p].lat) + f*float64(w.nodes[q].lat-w.nodes[p].lat)
		lon := float64(w.nodes[p].lon) + f*float64(w.nodes[q].lon-w.nodes[p].lon)
		if a.at(lat/land.UnitsPerDegree, lon/land.UnitsPerDegree) == 0 {
			wet++
		}
	}
	return total * float64(wet) / float64(steps+1)
}

// far tells whether the way along the lines is longer than the limit.
func (w *lines) far(start, at []int32, from, to int32, limit int32) bool {
	settled := map[int32]bool{}
	q := &frontier{{from, 0}}
	for q.Len() > 0 {
		s := heap.Pop(q).(reached)
		if settled[s.node] {
			continue
		}
		if s.node == to {
			return false
		}
		settled[s.node] = true
		for _, e := range at[start[s.node]:start[s.node+1]] {
			if d := s.metres + w.edges[e].metres; d <= limit {
				heap.Push(q, reached{w.edges[e].other(s.node), d})
			}
		}
	}
	return true
}

type reached struct {
	node   int32
	metres int32
}

type frontier []reached

func (f frontier) Len() int           { return len(f) }
func (f frontier) Less(i, j int) bool { return f[i].metres < f[j].metres }
func (f frontier) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *frontier) Push(x any)        { *f = append(*f, x.(reached)) }
func (f *frontier) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}
