// Package geodata is the world Corridor works in: places, terminals, border
// posts and the paths between them. It holds the vocabulary only; the packages
// below it give the data (gazetteer), the link networks (network) and the
// geometry (path, cell, area, track).
//
// Nothing here reads a file or a socket at run time: every data set is embedded.
// Points are lon/lat in degrees (WGS 84), as in orb; distances are kilometres
// unless a name says otherwise. Read network next, and network/sea/README.md and
// ATTRIBUTION.md for how the data is made and how right it is.
package geodata

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"
)

// Mode is a mode of transport.
type Mode string

// The modes Corridor plans with.
const (
	Sea  Mode = "sea"
	Rail Mode = "rail"
	Road Mode = "road"
	Air  Mode = "air"
)

// Modes lists every mode in the order they are shown.
func Modes() []Mode { return []Mode{Sea, Rail, Road, Air} }

// ParseMode reads a mode as users write it.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(strings.ToLower(strings.TrimSpace(s))); m {
	case Sea, Rail, Road, Air:
		return m, nil
	}
	return "", fmt.Errorf("unknown mode %q: use sea, rail, road or air", s)
}

// Country is an ISO 3166-1 alpha-2 code in capitals, e.g. "KZ".
type Country string

// Names are the names of one thing in the three languages of the product. EN is
// always set; ZH and RU may be empty when no source gives them.
type Names struct {
	EN string `json:"en"`
	ZH string `json:"zh,omitempty"`
	RU string `json:"ru,omitempty"`
}

// In returns the name in the language ("en", "zh", "ru"), or the English one.
func (n Names) In(lang string) string {
	switch {
	case lang == "zh" && n.ZH != "":
		return n.ZH
	case lang == "ru" && n.RU != "":
		return n.RU
	}
	return n.EN
}

// Function says what a place offers to freight, as the UN/LOCODE functions do.
type Function uint8

// Functions of a place; they combine.
const (
	HasSeaport Function = 1 << iota
	HasRail
	HasRoad
	HasAirport
	HasBorder
	IsCity
)

// Place is a locality goods come from or go to.
type Place struct {
	Code       string    `json:"code,omitempty"` // UN/LOCODE, e.g. "CNTAO"; empty when it has none
	Names      Names     `json:"names"`
	Country    Country   `json:"country"`
	Point      orb.Point `json:"-"`
	Functions  Function  `json:"-"`
	Population int       `json:"population,omitempty"` // 0 when unknown
	TimeZone   string    `json:"time_zone,omitempty"`  // IANA name; empty when unknown
}

// Label names a place for a reader: its name and, when it has one, its code.
func (p Place) Label(lang string) string {
	if p.Code == "" {
		return p.Names.In(lang)
	}
	return p.Names.In(lang) + " " + p.Code
}

// Region is a first-order part of a country: a province, oblast, state or land.
type Region struct {
	Country Country `json:"-"`              // that runs it; empty when nobody does
	Code    string  `json:"code,omitempty"` // ISO 3166-2, e.g. "CN-SD"; empty when it has none
	Names   Names   `json:"names"`
	// Disputed says that who it belongs to is disputed between states. ClaimedBy are
	// those that claim it and do not run it; it may be empty.
	Disputed  bool      `json:"-"`
	ClaimedBy []Country `json:"-"`
}

// Location tells where on earth a point is.
type Location struct {
	Point    orb.Point
	Country  Country // that runs it, or whose coast is near; empty on the high seas
	Names    Names   // of the country
	AtSea    bool    // on no land
	Region   *Region // nil where none is known
	TimeZone string  // IANA name; "Etc/GMT+5" and the like at sea
	Nearest  *Place  // a place people know it by, nil when there is none near
	AwayKM   float64 // of Nearest
}

// Terminal is a facility where goods enter or change a mode.
type Terminal struct {
	ID      string // "sea:CNTAO", "rail:CNJIZ", "air:TAO": stable, unique
	Names   Names
	Mode    Mode // Sea: port; Rail: freight terminal; Air: airport
	Place   string
	Country Country
	Point   orb.Point // at the quay, the terminal gate or the aerodrome reference point
	Gauges  []int     // rail only: track gauges in mm, e.g. 1435, 1520
	Cargo   bool      // air only: handles scheduled freight
	Tier    int       // sea only: 1 main trade port, 2 regional, 3 local; 0 when nobody judged it
	Codes   []string  // air only: IATA and, when it has one, ICAO code
	Source  string
}

// Match is one answer to a search for places.
type Match struct {
	// ID leads back to it where a place is asked for: a UN/LOCODE, the id of a
	// terminal, a name with its country, or lat,lon.
	ID   string
	Kind Kind
	// Place is what was found. Of a terminal it is the place it serves, under the
	// terminal's names and at the terminal's point.
	Place    Place
	Terminal *Terminal // the terminal found, or the seaport of a place that has one; else nil
	Own      bool      // imported by the user
}

// Kind says what a match is for freight.
type Kind string

// Kinds of a match. A town with a seaport is a Seaport.
const (
	KindSeaport  Kind = "seaport"
	KindAirport  Kind = "airport"
	KindRail     Kind = "rail"
	KindCity     Kind = "city"
	KindLocality Kind = "place" // anything smaller
	KindPoint    Kind = "point" // coordinates
)

// Dwell is how long something takes to pass a fixed point, in hours.
type Dwell struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
}

// Origin tells where a fact comes from and how far to trust it.
type Origin struct {
	Kind       string `json:"kind"`       // P published, G public file citing a primary source, K general knowledge, A assumption
	Confidence string `json:"confidence"` // H, M, L
	Source     string `json:"source,omitempty"`
	AsOf       string `json:"as_of,omitempty"` // YYYY-MM-DD, YYYY-MM or YYYY; empty when undated
}

// BorderPost is a crossing between two countries for some modes. It can be
// passed in either direction.
type BorderPost struct {
	ID          string
	Name        string
	Names       Names
	Countries   [2]Country
	Modes       []Mode
	Point       orb.Point
	GaugeChange bool // containers or bogies are changed here
	Dwell       Dwell
	DwellOrigin Origin
	Closed      bool   // closed to freight vehicles in the reference data
	Note        string // restrictions in words

	// Sides holds one point in each country, in the order of Countries. For a
	// ferry they are the two ports; where only one point of a land crossing is
	// known both are Point.
	Sides  [2]orb.Point
	Gauges [2]int // rail only: track gauge on each side in mm; 0 when unknown
	// TIR is whether lorries under TIR carnets may cross here; No where a country is
	// not party to the Convention, Unknown where nobody told. TIROrigin says who did.
	TIR       Known
	TIROrigin Origin
	Hours     string   // opening hours as "07:00-19:00" in local time; empty: all day or unknown
	Regimes   []Regime // states other than the normal one that were observed
}

// Regime is a dated state of a border post and how long it takes then.
type Regime struct {
	Name  string // congested, restricted, closed
	Dwell Dwell
	AsOf  string // as in Origin
}

// Serves reports whether the post takes freight by the mode.
func (b BorderPost) Serves(m Mode) bool {
	for _, x := range b.Modes {
		if x == m {
			return true
		}
	}
	return false
}

// Other returns the country on the other side of the post.
func (b BorderPost) Other(c Country) Country {
	if b.Countries[0] == c {
		return b.Countries[1]
	}
	return b.Countries[0]
}

// Avoid is what a path may not use. The zero value avoids nothing.
type Avoid struct {
	Countries []Country // land modes: territory; air: airspace
	Roads     []Country // road: whose roads are shut, whatever its border posts do
	Rails     []Country // rail: whose railways are shut
	Passages  []string  // sea: "suez", "panama", "kiel", …; "+id" opens one that is shut by default
	Borders   []string  // land: border post ids
	// Inside, when not nil, keeps land paths within groups of countries: no
	// border is crossed but between two countries of one group. A country in no
	// group is a group of its own.
	Inside [][]Country
	// Vehicle is what has to get through where the network knows limits.
	Vehicle Vehicle
	// DraughtM is the ship's draught in metres: by sea no passage is sailed that
	// takes less. 0 is a ship every passage takes.
	DraughtM float64
	// PassageNM is what sailing a passage costs, by its id, as nautical miles when
	// ways are compared: dues and waits on top of what the network assumes. It is
	// never part of a distance.
	PassageNM map[string]float64
}

// Vehicle is a lorry or a train as far as ways depend on it. A zero field is the
// usual one (see network/exact). It is comparable.
type Vehicle struct {
	WeightT, AxleT           float64 // tonnes: laden, and on one axle
	HeightM, WidthM, LengthM float64
	AvoidTolls, AvoidFerries bool
	GaugeMM                  int  // rail: of the train, e.g. 1435; 0 takes the line as it is
	Electric                 bool // rail: needs a contact line
}

// Path is a way over one link network.
type Path struct {
	Mode       Mode
	DistanceKM float64
	// FlownKM is what an aircraft really flies for DistanceKM, which is along great
	// circles; see network/air. 0 for other modes.
	FlownKM float64
	// Geometry runs from start to end. Longitudes are continuous: a path over
	// the antimeridian leaves [-180, 180] rather than jump. Cut it before GeoJSON.
	Geometry  orb.LineString
	Passages  []string    // sea: named passages in the order they are sailed
	Crossings []Crossing  // land: borders in the order they are crossed
	Countries []CountryKM // land: distance by country in the order entered
	// Estimated is set when any part is great circle × regional circuity because
	// the network has nothing there.
	Estimated bool

	// What follows is what is known of the lines used. Stretches come in the order
	// they are travelled and cover the whole way between them.
	Roads        []RoadKM      // road
	Tracks       []TrackKM     // rail
	GaugeChanges []GaugeChange // rail
	Ferries      []FerryKM     // land: ferries and vehicle shuttles on the way
	Tolls        TollKM        // road
	// Unchecked names the limits of Avoid.Vehicle that the data of some part of the
	// way does not have, e.g. "height": they were not weighed there.
	Unchecked []string
}

// RoadKM is a stretch of a way under one road number.
type RoadKM struct {
	Number string // as signed, national first: "G30", "M32/E38"; empty when not known
	Class  string // "motorway", "trunk", "primary"; empty when not known
	// TruckKMH is the legal top speed of a heavy lorry there; 0 when not known.
	TruckKMH int
	AtKM     float64 // where it begins, along the path from its start
	KM       float64
}

// TrackKM is a stretch of a railway of one kind.
type TrackKM struct {
	GaugeMM     int // 0 when not known
	Electrified Known
	AtKM        float64 // where it begins, along the path from its start
	KM          float64
}

// GaugeChange is where goods change from one track gauge to another.
type GaugeChange struct {
	FromMM, ToMM int
	Place        string // the station or border post; empty when not known
	AtKM         float64
	Point        orb.Point
}

// FerryKM is a crossing by ferry or vehicle shuttle on a path by land.
type FerryKM struct {
	Name string
	AtKM float64
	KM   float64
}

// TollKM is how much of a road is known to be tolled for a lorry, and how much to
// be free. The rest is not known.
type TollKM struct{ TolledKM, FreeKM float64 }

// Known is an answer that may be missing.
type Known uint8

// Answers.
const (
	Unknown Known = iota
	Yes
	No
)

// MarshalText writes "yes", "no" or "unknown".
func (k Known) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (k *Known) UnmarshalText(b []byte) error {
	for _, known := range []Known{Unknown, Yes, No} {
		if known.String() == string(b) {
			*k = known
			return nil
		}
	}
	return fmt.Errorf("%q is not yes, no or unknown", b)
}

func (k Known) String() string {
	switch k {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// Append adds a path that goes on where p ends, by the same mode.
func (p *Path) Append(q Path) {
	at := p.DistanceKM
	p.DistanceKM += q.DistanceKM
	p.Estimated = p.Estimated || q.Estimated
	for _, v := range q.Geometry {
		if n := len(p.Geometry); n > 0 {
			last := p.Geometry[n-1]
			v[0] += 360 * math.Round((last[0]-v[0])/360)
			if v == last {
				continue
			}
		}
		p.Geometry = append(p.Geometry, v)
	}
	p.Passages = append(p.Passages, q.Passages...)
	for _, c := range q.Crossings {
		c.AtKM += at
		p.Crossings = append(p.Crossings, c)
	}
	for _, c := range q.Countries {
		if n := len(p.Countries); n > 0 && p.Countries[n-1].Country == c.Country {
			p.Countries[n-1].KM += c.KM
			continue
		}
		p.Countries = append(p.Countries, c)
	}
	for _, r := range q.Roads {
		r.AtKM += at
		if n := len(p.Roads); n > 0 && p.Roads[n-1].Number == r.Number && p.Roads[n-1].Class == r.Class && p.Roads[n-1].TruckKMH == r.TruckKMH {
			p.Roads[n-1].KM += r.KM
			continue
		}
		p.Roads = append(p.Roads, r)
	}
	for _, t := range q.Tracks {
		t.AtKM += at
		if n := len(p.Tracks); n > 0 && p.Tracks[n-1].GaugeMM == t.GaugeMM && p.Tracks[n-1].Electrified == t.Electrified {
			p.Tracks[n-1].KM += t.KM
			continue
		}
		p.Tracks = append(p.Tracks, t)
	}
	for _, g := range q.GaugeChanges {
		g.AtKM += at
		p.GaugeChanges = append(p.GaugeChanges, g)
	}
	for _, f := range q.Ferries {
		f.AtKM += at
		p.Ferries = append(p.Ferries, f)
	}
	p.Tolls.TolledKM += q.Tolls.TolledKM
	p.Tolls.FreeKM += q.Tolls.FreeKM
	for _, u := range q.Unchecked {
		if !slices.Contains(p.Unchecked, u) {
			p.Unchecked = append(p.Unchecked, u)
		}
	}
}

// DistanceNM is the length in international nautical miles.
func (p Path) DistanceNM() float64 { return p.DistanceKM / 1.852 }

// Crossing is a border on a path.
type Crossing struct {
	Post     string // border post id; empty when the network crosses where no post is known
	From, To Country
	AtKM     float64 // along the path from its start
	Point    orb.Point
}

// CountryKM is the part of a path inside one country.
type CountryKM struct {
	Country Country
	KM      float64
}

// ErrNoRoute says the network has no way between the points under what is avoided.
var ErrNoRoute = errors.New("no route")

// UnknownPlaceError is returned for a place no source knows.
type UnknownPlaceError struct {
	Query   string
	Reason  string  // what is wrong with the query itself, e.g. "latitude 91 is out of range"; may be empty
	Nearest []Place // best guesses, best first; may be empty
}

func (e *UnknownPlaceError) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("place %q: %s", e.Query, e.Reason)
	}
	if len(e.Nearest) == 0 {
		return fmt.Sprintf("unknown place %q: give a UN/LOCODE, a name or lat,lon", e.Query)
	}
	names := make([]string, len(e.Nearest))
	for i, p := range e.Nearest {
		names[i] = p.Label("en")
	}
	return fmt.Sprintf("unknown place %q; did you mean %s?", e.Query, strings.Join(names, ", "))
}
