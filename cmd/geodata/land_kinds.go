package main

import (
	"container/heap"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network/land"
	"corridor/geodata/path"
)

// What lines mean, which the source does not tell: road numbers with class and
// toll, legal speeds, gauges and electrified lines. Roads and electrified lines
// are given by towns they pass and laid along the network between them.
var (
	//go:embed land_roads.csv
	landRoads string
	//go:embed land_limits.csv
	landLimits string
	//go:embed land_gauges.csv
	landGauges string
	//go:embed land_electric.csv
	landElectric string
)

const (
	townReach = 25.0 // km from a town to the line that serves it
	leastPart = 300  // nodes: a smaller part of the network leads nowhere
	layDetour = 2.0  // a stretch longer than so many straight lines is not laid: it would go another way
	laySlack  = 30.0 // km
)

// kinds sets what is known of the edges of a network, given the ferries among them.
func kinds(net *land.Net, ferries []ferry) error {
	of := make([]land.Kind, len(net.Edges))
	for i, f := range ferries {
		of[i].Ferry, of[i].FerryKM = f.name, f.km
	}
	l := newLayer(net)
	var err error
	if net.Mode == geodata.Road {
		err = l.roads(of)
	} else {
		err = l.railways(of)
	}
	if err != nil {
		return err
	}
	net.Kinds = []land.Kind{{}}
	number := map[land.Kind]uint16{{}: 0}
	for i, k := range of {
		n, ok := number[k]
		if !ok {
			n = uint16(len(net.Kinds))
			number[k] = n
			net.Kinds = append(net.Kinds, k)
		}
		net.Edges[i].Kind = n
	}
	fmt.Printf("land:   %d kinds of line\n", len(net.Kinds))
	return nil
}

// layer lays things along a network.
type layer struct {
	net   *land.Net
	start []int32
	at    []int32 // edges by node
	cells map[[2]int32][]int32
	parts union
	sizes map[int32]int // nodes by part
}

func newLayer(net *land.Net) *layer {
	l := &layer{net: net, start: make([]int32, len(net.Lat)+1), at: make([]int32, 2*len(net.Edges)), cells: map[[2]int32][]int32{}}
	for _, e := range net.Edges {
		l.start[e.From+1]++
		l.start[e.To+1]++
	}
	for i := range net.Lat {
		l.start[i+1] += l.start[i]
		c := [2]int32{floorDiv(net.Lat[i], 500), floorDiv(net.Lon[i], 500)}
		l.cells[c] = append(l.cells[c], int32(i))
	}
	l.parts, l.sizes = newUnion(len(net.Lat)), map[int32]int{}
	for _, e := range net.Edges {
		l.parts.join(int32(e.From), int32(e.To))
	}
	for i := range net.Lat {
		l.sizes[l.parts.find(int32(i))]++
	}
	fill := slices.Clone(l.start)
	for i, e := range net.Edges {
		for _, n := range []uint32{e.From, e.To} {
			l.at[fill[n]] = int32(i)
			fill[n]++
		}
	}
	return l
}

func (l *layer) point(n int32) orb.Point {
	return orb.Point{float64(l.net.Lon[n]) / land.UnitsPerDegree, float64(l.net.Lat[n]) / land.UnitsPerDegree}
}

// node is the nearest node to a point in the country, in a part that leads on.
func (l *layer) node(p orb.Point, country geodata.Country) (int32, bool) {
	best, least := int32(-1), townReach
	lat, lon := units(p.Lat()), units(p.Lon())
	wide := int32(math.Ceil(1 / max(0.2, math.Cos(p.Lat()*math.Pi/180))))
	for y := floorDiv(lat, 500) - 1; y <= floorDiv(lat, 500)+1; y++ {
		for x := floorDiv(lon, 500) - wide; x <= floorDiv(lon, 500)+wide; x++ {
			for _, n := range l.cells[[2]int32{y, x}] {
				if d := path.Distance(p, l.point(n)); d < least && l.net.Countries[l.net.NodeCountry[n]] == country && l.sizes[l.parts.find(n)] >= leastPart {
					best, least = n, d
				}
			}
		}
	}
	return best, best >= 0
}

// lay visits the edges of the shortest way between two points inside a country.
func (l *layer) lay(from, to orb.Point, country geodata.Country, visit func(edge int32)) error {
	a, ok := l.node(from, country)
	if !ok {
		return fmt.Errorf("nothing near %v in %s", from, country)
	}
	b, ok := l.node(to, country)
	if !ok {
		return fmt.Errorf("nothing near %v in %s", to, country)
	}
	limit := int32(1000 * (layDetour*path.Distance(from, to) + laySlack))
	done, via := map[int32]bool{}, map[int32]int32{a: -1}
	best := map[int32]int32{a: 0}
	q := &frontier{{a, 0}}
	for q.Len() > 0 {
		s := heap.Pop(q).(reached)
		if done[s.node] {
			continue
		}
		done[s.node] = true
		if s.node == b {
			for n := b; n != a; {
				e := via[n]
				visit(e)
				n = int32(l.net.Edges[e].From) ^ int32(l.net.Edges[e].To) ^ n
			}
			return nil
		}
		for _, e := range l.at[l.start[s.node]:l.start[s.node+1]] {
			edge := l.net.Edges[e]
			m := int32(edge.From) ^ int32(edge.To) ^ s.node
			d := s.metres + int32(edge.Metres)
			if l.net.Countries[l.net.NodeCountry[m]] != country || d > limit || done[m] {
				continue
			}
			if old, ok := best[m]; !ok || d < old {
				best[m], via[m] = d, e
				heap.Push(q, reached{m, d})
			}
		}
	}
	return fmt.Errorf("no way from %v to %v inside %s", from, to, country)
}

// along lays a row of towns: "Beijing 39.91/116.40; Tianjin 39.14/117.18".
func (l *layer) along(what, country, towns string, visit func(edge int32)) error {
	var points []orb.Point
	for _, town := range strings.Split(towns, ";") {
		town = strings.TrimSpace(town)
		i := strings.LastIndexByte(town, ' ')
		v, err := places(town[i+1:])
		if err != nil || len(v) != 1 {
			return fmt.Errorf("%s: %q is not a town with lat/lon", what, town)
		}
		points = append(points, orb.Point{float64(v[0].Lon) / land.UnitsPerDegree, float64(v[0].Lat) / land.UnitsPerDegree})
	}
	// Nodes are where lines meet: a town between them is passed without one.
	ends := slices.Clone(points)
	points = slices.DeleteFunc(points, func(p orb.Point) bool {
		_, ok := l.node(p, geodata.Country(country))
		return !ok
	})
	if len(points) < 2 {
		fmt.Printf("land:   %s is not laid: nothing near %v\n", what, ends)
	}
	for i := 1; i < len(points); i++ {
		if err := l.lay(points[i-1], points[i], geodata.Country(country), visit); err != nil {
			fmt.Printf("land:   %s is not laid: %v\n", what, err)
		}
	}
	return nil
}

func known(s string) geodata.Known {
	switch s {
	case "yes":
		return geodata.Yes
	case "no":
		return geodata.No
	}
	return geodata.Unknown
}

func (l *layer) roads(of []land.Kind) error {
	limits, err := speedLimits()
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(strings.NewReader(landRoads)).ReadAll()
	if err != nil {
		return err
	}
	laid := 0.0
	for _, row := range rows[1:] {
		country, number, class := row[0], row[1], row[2]
		err := l.along("road "+country+" "+number, country, row[4], func(e int32) {
			if of[e].Number != "" {
				return // the first to pass names it
			}
			of[e].Number, of[e].Class, of[e].Tolled = number, class, known(row[3])
			of[e].TruckKMH = limits[country+class]
			laid += float64(l.net.Edges[e].Metres) / 1000
		})
		if err != nil {
			return err
		}
	}
	fmt.Printf("land:   %d numbered roads, %.0f km\n", len(rows)-1, laid)
	return nil
}

func speedLimits() (map[string]uint8, error) {
	rows, err := csv.NewReader(strings.NewReader(landLimits)).ReadAll()
	if err != nil {
		return nil, err
	}
	out := map[string]uint8{}
	for _, row := range rows[1:] {
		for i, class := range []string{"motorway", "trunk"} {
			kmh, err := strconv.ParseUint(row[1+i], 10, 8)
			if err != nil {
				return nil, fmt.Errorf("speed limit of %s: %w", row[0], err)
			}
			out[row[0]+class] = uint8(kmh)
		}
	}
	return out, nil
}

func (l *layer) railways(of []land.Kind) error {
	rows, err := csv.NewReader(strings.NewReader(landGauges)).ReadAll()
	if err != nil {
		return err
	}
	usual := map[geodata.Country]uint16{}
	type exception struct {
		mm    uint16
		point orb.Point
		km    float64
	}
	special := map[geodata.Country][]exception{}
	for _, row := range rows[1:] {
		mm, err := strconv.ParseUint(row[1], 10, 16)
		if err != nil {
			return fmt.Errorf("gauge %s: %w", row[5], err)
		}
		for _, c := range strings.Fields(row[0]) {
			if row[2] == "" {
				usual[geodata.Country(c)] = uint16(mm)
				continue
			}
			var v [3]float64
			for i := range v {
				if v[i], err = strconv.ParseFloat(row[2+i], 64); err != nil {
					return fmt.Errorf("gauge %s: %w", row[5], err)
				}
			}
			special[geodata.Country(c)] = append(special[geodata.Country(c)], exception{uint16(mm), orb.Point{v[1], v[0]}, v[2]})
		}
	}
	for i, e := range l.net.Edges {
		c := l.net.Countries[l.net.NodeCountry[e.From]]
		of[i].GaugeMM = usual[c]
		for _, x := range special[c] {
			if path.Distance(x.point, l.point(int32(e.From))) < x.km {
				of[i].GaugeMM = x.mm
			}
		}
	}
	rows, err = csv.NewReader(strings.NewReader(landElectric)).ReadAll()
	if err != nil {
		return err
	}
	laid := 0.0
	for _, row := range rows[1:] {
		err := l.along("electrified line "+row[0], row[0], row[2], func(e int32) {
			if of[e].Electrified == geodata.Unknown {
				of[e].Electrified = known(row[1])
				laid += float64(l.net.Edges[e].Metres) / 1000
			}
		})
		if err != nil {
			return err
		}
	}
	// Countries where all lines are, or none is.
	for i, e := range l.net.Edges {
		if of[i].Electrified != geodata.Unknown {
			continue
		}
		switch l.net.Countries[l.net.NodeCountry[e.From]] {
		case "CH", "IN", "LU", "LA":
			of[i].Electrified = geodata.Yes
		case "US", "CA", "MX", "AR", "PE", "BO", "PY", "UY", "MN", "IQ", "SY", "JO", "PK", "BD", "LK", "MM", "KH", "VN", "SN", "ML", "MR", "CI", "BF", "CM", "NG", "GH", "KE", "UG", "SD", "MG", "NA", "BW", "ZM", "MW", "AO", "IE":
			of[i].Electrified = geodata.No
		}
	}
	fmt.Printf("land:   electrification known by line on %.0f km\n", laid)
	return nil
}
