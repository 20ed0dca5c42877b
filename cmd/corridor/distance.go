package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/border"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network"
	"corridor/geodata/network/air"
	"corridor/geodata/path"
)

// How far a place's terminal may be. Beyond, a journey by the mode does not begin
// at the place, and the user should say where it does.
const (
	seaportKM = 60
	railKM    = 50
	airportKM = 100
)

const distanceUsage = `usage: corridor distance FROM TO --mode sea|rail|road|air [--avoid WHAT]
                         [--draught 14.5m] [--price panama=300nm] [--json]

FROM and TO are a UN/LOCODE, a name in English, Chinese or Russian, or lat,lon.
By sea the way runs from port to port, by rail from terminal to terminal and by air
from airport to airport: those of the places, or near them.

`

// distanceAnswer is the contract of distance --json.
type distanceAnswer struct {
	Mode       geodata.Mode        `json:"mode"`
	From       distanceEnd         `json:"from"`
	To         distanceEnd         `json:"to"`
	DistanceKM float64             `json:"distance_km"`
	FlownKM    float64             `json:"flown_km,omitempty"` // by air: with what airways and approaches add
	DistanceNM float64             `json:"distance_nm"`
	Passages   []string            `json:"passages"`
	Borders    []distanceBorder    `json:"borders"`
	Countries  []distanceCountryKM `json:"countries"`
	Estimated  bool                `json:"estimated"`
	Closed     []closedAirspace    `json:"closed_airspace,omitempty"` // to the carrier, and flown round
	// What is known of the lines; stretches in order, empty for other modes.
	Roads        []distanceRoad    `json:"roads,omitempty"`
	Tracks       []distanceTrack   `json:"tracks,omitempty"`
	GaugeChanges []distanceChange  `json:"gauge_changes,omitempty"`
	Ferries      []distanceFerry   `json:"ferries,omitempty"`
	Tolls        *distanceTolls    `json:"tolls,omitempty"`       // road only
	Unchecked    []string          `json:"unchecked,omitempty"`   // limits of the vehicle that the data does not have
	TooShallow   []distanceShallow `json:"too_shallow,omitempty"` // passages a ship of less draught would sail
	Geometry     json.RawMessage   `json:"geometry,omitempty"`
}

// closedAirspace is one that carriers of --carrier-of may not enter.
type closedAirspace struct {
	Country geodata.Country `json:"country"`
	AsOf    string          `json:"as_of"`
	Kind    string          `json:"kind"` // K general knowledge, A assumption
	Source  string          `json:"source"`
}

// distanceEnd is the place asked for and the point the way begins or ends at.
type distanceEnd struct {
	Code     string          `json:"code,omitempty"`
	Name     geodata.Names   `json:"name"`
	Country  geodata.Country `json:"country,omitempty"`
	Terminal string          `json:"terminal,omitempty"`
	Lat      float64         `json:"lat"`
	Lon      float64         `json:"lon"`
}

type distanceBorder struct {
	ID   string          `json:"id,omitempty"` // empty: no post is known there
	Name string          `json:"name,omitempty"`
	From geodata.Country `json:"from"`
	To   geodata.Country `json:"to"`
	AtKM float64         `json:"at_km"`
}

type distanceRoad struct {
	Number   string  `json:"number,omitempty"` // empty: not known
	Class    string  `json:"class,omitempty"`
	TruckKMH int     `json:"truck_kmh,omitempty"` // legal top speed of a heavy lorry
	AtKM     float64 `json:"at_km"`
	KM       float64 `json:"km"`
}

type distanceTrack struct {
	GaugeMM     int           `json:"gauge_mm,omitempty"` // 0: not known
	Electrified geodata.Known `json:"electrified"`
	AtKM        float64       `json:"at_km"`
	KM          float64       `json:"km"`
}

type distanceChange struct {
	Place  string  `json:"place,omitempty"`
	FromMM int     `json:"from_mm"`
	ToMM   int     `json:"to_mm"`
	AtKM   float64 `json:"at_km"`
}

type distanceFerry struct {
	Name string  `json:"name"`
	AtKM float64 `json:"at_km"`
	KM   float64 `json:"km"`
}

type distanceTolls struct {
	TolledKM  float64 `json:"tolled_km"`
	FreeKM    float64 `json:"free_km"`
	UnknownKM float64 `json:"unknown_km"`
}

type distanceCountryKM struct {
	Country geodata.Country `json:"country,omitempty"` // empty: the sea
	KM      float64         `json:"km"`
}

// distanceShallow is a passage the ship draws too much for.
type distanceShallow struct {
	Passage string        `json:"passage"`
	Name    geodata.Names `json:"name"`
	TakesM  float64       `json:"takes_m"`
	DrawsM  float64       `json:"draws_m"`
}

// atlas is what distances are told from.
type atlas struct {
	places *gazetteer.Gazetteer
	world  *network.World
	posts  []geodata.BorderPost
}

func openAtlas(data string) (*atlas, error) {
	places, err := openPlaces(data)
	if err != nil {
		return nil, err
	}
	world, err := openWorld(data)
	if err != nil {
		return nil, err
	}
	posts, err := border.All()
	if err != nil {
		return nil, err
	}
	return &atlas{places, world, posts}, nil
}

func distanceCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	return distanceFrom(ctx, openAtlas, args, stdout, stderr)
}

// distanceFrom opens the atlas once the arguments make sense.
func distanceFrom(ctx context.Context, open func(data string) (*atlas, error), args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("distance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, distanceUsage)
		flags.PrintDefaults()
	}
	modeFlag := flags.String("mode", "", "sea, rail, road or air")
	avoidFlag := flags.String("avoid", "", "what not to use: country:RU, road:RU or rail:RU (its roads or railways only), passage:suez or border:KHO-NUR, parted by commas")
	draughtFlag := flags.String("draught", "", "by sea: the ship's draught, such as 14.5m; passages that take less are not sailed")
	priceFlag := flags.String("price", "", "by sea: what sailing a passage costs as nautical miles when ways are compared, such as panama=300nm,kiel=50nm")
	asJSON := flags.Bool("json", false, "print JSON")
	withGeometry := flags.Bool("geometry", false, "with --json, add the way as GeoJSON")
	vehicle := flags.String("vehicle", "", "what has to get through, where the ways' limits are known: weight,height,axle load of a lorry, e.g. 40t,4.0m,11.5t, or a train's gauge, e.g. 1520mm; no-tolls and no-ferries may stand with them")
	carrierOf := flags.String("carrier-of", "", "by air, fly round the airspace that is closed to carriers of this `country`, e.g. DE; without it none is")
	data := dataFlag(flags)
	places, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(places) != 2 {
		return &usageError{fmt.Errorf("give two places, FROM and TO; got %d", len(places))}
	}
	if *modeFlag == "" {
		return &usageError{errors.New("say how: --mode sea, rail, road or air")}
	}
	mode, err := geodata.ParseMode(*modeFlag)
	if err != nil {
		return &usageError{err}
	}

	a, err := open(*data)
	if err != nil {
		return err
	}
	avoid, err := readAvoid(*avoidFlag, a)
	if err != nil {
		return &usageError{err}
	}
	if avoid.Vehicle, err = readVehicle(*vehicle); err != nil {
		return &usageError{err}
	}
	var closed []closedAirspace
	if *carrierOf != "" {
		if mode != geodata.Air {
			return &usageError{errors.New("--carrier-of is for --mode air")}
		}
		if closed, err = closedTo(*carrierOf, a); err != nil {
			return &usageError{err}
		}
		for _, c := range closed {
			avoid.Countries = append(avoid.Countries, c.Country)
		}
	}
	if mode != geodata.Sea && (*draughtFlag != "" || *priceFlag != "") {
		return &usageError{fmt.Errorf("--draught and --price are about ships: use them with --mode sea, not %s", mode)}
	}
	if avoid.DraughtM, err = readDraught(*draughtFlag); err != nil {
		return &usageError{err}
	}
	if avoid.PassageNM, err = readPrices(*priceFlag, a); err != nil {
		return &usageError{err}
	}
	from, err := endOf(a.places, places[0], mode)
	if err != nil {
		return err
	}
	to, err := endOf(a.places, places[1], mode)
	if err != nil {
		return err
	}
	way, err := a.world.Route(ctx, mode, orb.Point{from.Lon, from.Lat}, orb.Point{to.Lon, to.Lat}, avoid)
	if err != nil {
		return fmt.Errorf("%s to %s: %w", from.label(), to.label(), err)
	}
	answer, err := answerOf(way, from, to, a.posts, *withGeometry)
	if err != nil {
		return err
	}
	answer.Closed = closed
	if avoid.DraughtM > 0 {
		if answer.TooShallow, err = a.tooShallow(ctx, from, to, avoid); err != nil {
			return err
		}
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(answer)
	}
	return answer.print(stdout)
}

// closedTo are the airspaces closed to carriers of a country.
func closedTo(country string, a *atlas) ([]closedAirspace, error) {
	c := geodata.Country(strings.ToUpper(country))
	if a.places.CountryNames(c).EN == string(c) {
		return nil, fmt.Errorf("--carrier-of %s: there is no such country; use the two letters of ISO 3166, such as DE", country)
	}
	all, err := air.ClosedTo(c)
	if err != nil {
		return nil, err
	}
	out := make([]closedAirspace, len(all))
	for i, x := range all {
		out[i] = closedAirspace{x.Country, x.AsOf, x.Kind, x.Source}
	}
	return out, nil
}

// coordinate is an argument that begins like a flag and is none: "-33.9,151.2".
var coordinate = regexp.MustCompile(`^-\.?\d`)

// interleaved parses flags that may stand before, between and behind the other
// arguments, which it returns.
func interleaved(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if coordinate.MatchString(args[0]) {
			rest, args = append(rest, args[0]), args[1:]
			continue
		}
		whole := args[0] == "--"
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, &usageError{err}
		}
		if args = flags.Args(); whole {
			return append(rest, args...), nil
		}
		if len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	return rest, nil
}

// readAvoid reads "country:RU,passage:suez,border:KHO-NUR" and refuses what there
// is not: a misspelt passage would otherwise be sailed.
func readAvoid(s string, a *atlas) (geodata.Avoid, error) {
	var avoid geodata.Avoid
	for _, item := range strings.Split(s, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		kind, what, _ := strings.Cut(item, ":")
		switch kind {
		case "country", "road", "rail":
			c := geodata.Country(strings.ToUpper(what))
			if a.places.CountryNames(c).EN == string(c) {
				return avoid, fmt.Errorf("--avoid %s: there is no country %q; use the two letters of ISO 3166, such as RU", item, what)
			}
			switch kind {
			case "country":
				avoid.Countries = append(avoid.Countries, c)
			case "road":
				avoid.Roads = append(avoid.Roads, c)
			case "rail":
				avoid.Rails = append(avoid.Rails, c)
			}
		case "passage": // "+id" opens one that is shut by default
			id, open := strings.CutPrefix(strings.ToLower(what), "+")
			if err := a.knowsPassage(id); err != nil {
				return avoid, fmt.Errorf("--avoid %s: %w", item, err)
			}
			if open {
				id = "+" + id
			}
			avoid.Passages = append(avoid.Passages, id)
		case "border":
			what = strings.ToUpper(what)
			if !slices.ContainsFunc(a.posts, func(p geodata.BorderPost) bool { return p.ID == what }) {
				return avoid, fmt.Errorf("--avoid %s: there is no border post %q; ids look like KHO-NUR or MZL-ZAB-R", item, what)
			}
			avoid.Borders = append(avoid.Borders, what)
		default:
			return avoid, fmt.Errorf("--avoid %s: write country:RU, road:RU, rail:RU, passage:suez or border:KHO-NUR", item)
		}
	}
	return avoid, nil
}

// knowsPassage refuses an id no passage has.
func (a *atlas) knowsPassage(id string) error {
	passages, err := a.world.Passages()
	if err != nil {
		return err
	}
	ids := make([]string, len(passages))
	for i, p := range passages {
		ids[i] = p.ID
	}
	if !slices.Contains(ids, id) {
		return fmt.Errorf("there is no passage %q; use one of %s", id, strings.Join(ids, ", "))
	}
	return nil
}

// readDraught reads "14.5m".
func readDraught(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	m, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), "m")), 64)
	if err != nil || !(m > 0 && m <= 30) {
		return 0, fmt.Errorf("--draught %s: write metres from 0 to 30, such as 14.5m", s)
	}
	return m, nil
}

// readPrices reads "panama=300nm,kiel=50".
func readPrices(s string, a *atlas) (map[string]float64, error) {
	out := map[string]float64{}
	for _, item := range strings.Split(s, ",") {
		if item = strings.ToLower(strings.TrimSpace(item)); item == "" {
			continue
		}
		id, price, _ := strings.Cut(item, "=")
		if err := a.knowsPassage(id); err != nil {
			return nil, fmt.Errorf("--price %s: %w", item, err)
		}
		nm, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(price, "nm")), 64)
		if err != nil || !(nm >= 0 && nm <= 30_000) {
			return nil, fmt.Errorf("--price %s: write the passage and nautical miles from 0 to 30,000, such as panama=300nm", item)
		}
		out[id] = nm
	}
	return out, nil
}

// tooShallow lists the passages of the way a ship of less draught would take that
// this one draws too much for.
func (a *atlas) tooShallow(ctx context.Context, from, to distanceEnd, avoid geodata.Avoid) ([]distanceShallow, error) {
	draught := avoid.DraughtM
	avoid.DraughtM = 0
	way, err := a.world.Route(ctx, geodata.Sea, orb.Point{from.Lon, from.Lat}, orb.Point{to.Lon, to.Lat}, avoid)
	if err != nil {
		return nil, err
	}
	passages, err := a.world.Passages()
	if err != nil {
		return nil, err
	}
	var out []distanceShallow
	for _, id := range way.Passages {
		for _, p := range passages {
			if p.ID == id && p.DraughtM > 0 && p.DraughtM < draught {
				out = append(out, distanceShallow{id, p.Names, p.DraughtM, draught})
			}
		}
	}
	return out, nil
}

// endOf is where a way by the mode begins for a place.
func endOf(g *gazetteer.Gazetteer, query string, mode geodata.Mode) (distanceEnd, error) {
	if mode == geodata.Air && len(query) == 3 {
		if t, ok := g.Terminal("air:" + strings.ToUpper(query)); ok {
			end := distanceEnd{Code: t.Place, Name: t.Names, Country: t.Country}
			return end.at(t), nil
		}
	}
	p, err := g.Resolve(query)
	if err != nil {
		return distanceEnd{}, err
	}
	end := distanceEnd{Code: p.Code, Name: p.Names, Country: p.Country, Lat: p.Point.Lat(), Lon: p.Point.Lon()}
	switch mode {
	case geodata.Sea:
		a, err := area.Open()
		if err != nil {
			return end, err
		}
		if _, land := a.Land(p.Point); !land && p.Code == "" && p.Functions == 0 { // a point at sea stays
			return end, nil
		}
		if t, ok := terminalOf(g, p, mode, seaportKM); ok {
			return end.at(t), nil
		}
		return end, noTerminal(g, p, mode, "seaport", seaportKM)
	case geodata.Rail:
		// Without a terminal near, the way begins at the nearest line.
		if t, ok := terminalOf(g, p, mode, railKM); ok {
			return end.at(t), nil
		}
	case geodata.Air:
		if t, ok := terminalOf(g, p, mode, airportKM); ok {
			return end.at(t), nil
		}
		return end, noTerminal(g, p, mode, "airport", airportKM)
	}
	return end, nil
}

// terminalOf is the place's own terminal, or the nearest within km; by air one
// that takes cargo is preferred.
func terminalOf(g *gazetteer.Gazetteer, p geodata.Place, mode geodata.Mode, km float64) (geodata.Terminal, bool) {
	near := g.Near(p.Point, mode, 12)
	near = slices.DeleteFunc(near, func(t geodata.Terminal) bool {
		return path.Distance(p.Point, t.Point) > km && (t.Place == "" || t.Place != p.Code)
	})
	prefer := func(want func(geodata.Terminal) bool) (geodata.Terminal, bool) {
		i := slices.IndexFunc(near, want)
		if i < 0 {
			return geodata.Terminal{}, false
		}
		return near[i], true
	}
	own := func(t geodata.Terminal) bool { return p.Code != "" && t.Place == p.Code }
	if mode == geodata.Air {
		for _, want := range []func(geodata.Terminal) bool{
			func(t geodata.Terminal) bool { return own(t) && t.Cargo },
			func(t geodata.Terminal) bool { return t.Cargo },
		} {
			if t, ok := prefer(want); ok {
				return t, true
			}
		}
	}
	if t, ok := prefer(own); ok {
		return t, true
	}
	return prefer(func(geodata.Terminal) bool { return true })
}

func noTerminal(g *gazetteer.Gazetteer, p geodata.Place, mode geodata.Mode, what string, km float64) error {
	var names []string
	for _, t := range g.Near(p.Point, mode, 3) {
		names = append(names, fmt.Sprintf("%s %s (%.0f km)", t.Names.EN, strings.TrimPrefix(t.ID, string(mode)+":"), path.Distance(p.Point, t.Point)))
	}
	return fmt.Errorf("%s has no %s within %.0f km; the nearest are %s: name one of them", p.Label("en"), what, km, strings.Join(names, ", "))
}

func (e distanceEnd) at(t geodata.Terminal) distanceEnd {
	e.Terminal, e.Lat, e.Lon = t.ID, t.Point.Lat(), t.Point.Lon()
	return e
}

func (e distanceEnd) label() string {
	s := e.Name.EN
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Terminal != "" && !strings.HasSuffix(e.Terminal, ":"+e.Code) {
		s += " (" + e.Terminal + ")"
	}
	return s
}

func answerOf(way geodata.Path, from, to distanceEnd, posts []geodata.BorderPost, withGeometry bool) (distanceAnswer, error) {
	a := distanceAnswer{
		Mode: way.Mode, From: from, To: to,
		DistanceKM: tenth(way.DistanceKM), FlownKM: tenth(way.FlownKM), DistanceNM: tenth(way.DistanceNM()),
		Passages: append([]string{}, way.Passages...), Borders: []distanceBorder{}, Countries: []distanceCountryKM{},
		Estimated: way.Estimated,
	}
	for _, c := range way.Crossings {
		b := distanceBorder{ID: c.Post, From: c.From, To: c.To, AtKM: tenth(c.AtKM)}
		if i := slices.IndexFunc(posts, func(p geodata.BorderPost) bool { return p.ID == c.Post }); i >= 0 {
			b.Name = posts[i].Name
		}
		a.Borders = append(a.Borders, b)
	}
	for _, c := range way.Countries {
		a.Countries = append(a.Countries, distanceCountryKM{c.Country, tenth(c.KM)})
	}
	a.addLines(way)
	if withGeometry {
		line, err := path.GeoJSON(way.Geometry)
		if err != nil {
			return a, err
		}
		a.Geometry = line
	}
	return a, nil
}

// addLines tells what is known of the roads or railways.
func (a *distanceAnswer) addLines(way geodata.Path) {
	for _, r := range way.Roads {
		a.Roads = append(a.Roads, distanceRoad{r.Number, r.Class, r.TruckKMH, tenth(r.AtKM), tenth(r.KM)})
	}
	for _, r := range way.Tracks {
		a.Tracks = append(a.Tracks, distanceTrack{r.GaugeMM, r.Electrified, tenth(r.AtKM), tenth(r.KM)})
	}
	for _, c := range way.GaugeChanges {
		a.GaugeChanges = append(a.GaugeChanges, distanceChange{c.Place, c.FromMM, c.ToMM, tenth(c.AtKM)})
	}
	for _, f := range way.Ferries {
		a.Ferries = append(a.Ferries, distanceFerry{f.Name, tenth(f.AtKM), tenth(f.KM)})
	}
	if way.Mode == geodata.Road {
		t := way.Tolls
		a.Tolls = &distanceTolls{tenth(t.TolledKM), tenth(t.FreeKM), tenth(max(0, way.DistanceKM-t.TolledKM-t.FreeKM))}
	}
	a.Unchecked = way.Unchecked
}

// numbers are the numbered roads in the order they are driven, without those
// driven for less than leastKM on the whole.
func (a *distanceAnswer) numbers() []string {
	const leastKM = 20
	km := map[string]float64{}
	for _, r := range a.Roads {
		km[r.Number] += r.KM
	}
	var out []string
	for _, r := range a.Roads {
		if r.Number != "" && km[r.Number] >= leastKM && !slices.Contains(out, r.Number) {
			out = append(out, r.Number)
		}
	}
	return out
}

// printLines tells the same to a reader.
func (a *distanceAnswer) printLines(b *strings.Builder) {
	if n := a.numbers(); len(n) > 0 {
		fmt.Fprintf(b, "by %s\n", strings.Join(n, ", "))
	}
	if a.Tolls != nil {
		fmt.Fprintf(b, "tolls: %.0f km tolled for a lorry, %.0f km free, %.0f km not known\n", a.Tolls.TolledKM, a.Tolls.FreeKM, a.Tolls.UnknownKM)
	}
	if len(a.Tracks) > 0 {
		gauge, wires := map[int]float64{}, map[geodata.Known]float64{}
		var order []int
		for _, r := range a.Tracks {
			if gauge[r.GaugeMM] == 0 {
				order = append(order, r.GaugeMM)
			}
			gauge[r.GaugeMM] += r.KM
			wires[r.Electrified] += r.KM
		}
		for i, mm := range order {
			if i > 0 {
				b.WriteString(", ")
			}
			if mm == 0 {
				fmt.Fprintf(b, "%.0f km of unknown gauge", gauge[mm])
			} else {
				fmt.Fprintf(b, "%.0f km of %d mm", gauge[mm], mm)
			}
		}
		fmt.Fprintf(b, "; electrified %.0f km, not %.0f km, not known %.0f km\n", wires[geodata.Yes], wires[geodata.No], wires[geodata.Unknown])
	}
	for _, c := range a.GaugeChanges {
		fmt.Fprintf(b, "%7.0f km  gauge %d → %d mm  %s\n", c.AtKM, c.FromMM, c.ToMM, c.Place)
	}
	for _, f := range a.Ferries {
		fmt.Fprintf(b, "%7.0f km  %s, %.0f km\n", f.AtKM, f.Name, f.KM)
	}
	if len(a.Unchecked) > 0 {
		fmt.Fprintf(b, "not checked, for want of data: %s\n", strings.Join(a.Unchecked, ", "))
	}
}

func tenth(x float64) float64 { return math.Round(x*10) / 10 }

func (a distanceAnswer) print(w io.Writer) error {
	estimated := ""
	if a.Estimated {
		estimated = ", partly estimated: the network has gaps here"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s → %s by %s\n", a.From.label(), a.To.label(), a.Mode)
	fmt.Fprintf(&b, "%.0f km, %.0f nautical miles%s\n", a.DistanceKM, a.DistanceNM, estimated)
	if a.FlownKM > 0 {
		fmt.Fprintf(&b, "along great circles; some %.0f km are flown\n", a.FlownKM)
	}
	for _, c := range a.Closed {
		fmt.Fprintf(&b, "round the airspace of %s, closed to the carrier since %s (%s)\n", c.Country, c.AsOf, c.Source)
	}
	if len(a.Passages) > 0 {
		fmt.Fprintf(&b, "through %s\n", strings.Join(a.Passages, ", "))
	}
	a.printLines(&b)
	for _, p := range a.TooShallow {
		fmt.Fprintf(&b, "not through %s: it takes %g m, the ship draws %g m\n", p.Name.EN, p.TakesM, p.DrawsM)
	}
	for _, c := range a.Borders {
		fmt.Fprintf(&b, "%7.0f km  %s → %s", c.AtKM, c.From, c.To)
		if c.ID != "" { // without one the border is open, or no post is known there
			fmt.Fprintf(&b, "  %s (%s)", c.Name, c.ID)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
