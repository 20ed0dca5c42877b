package exact

import (
	"math"
	"strconv"
	"strings"

	"corridor/geodata"
	"corridor/geodata/extract"
)

// Access is who may use a way in one direction.
type Access uint8

// From none to all.
const (
	Shut    Access = iota // nobody's lorry
	Ends                  // only to a place on it or behind it: private, destination, no lorries
	Through               // everybody
)

// Class is the rank of a way, the greatest first.
type Class uint8

// Classes of roads and, from MainLine on, of railways.
const (
	Motorway Class = iota + 1
	Trunk
	Primary
	Secondary
	Tertiary
	Minor // unclassified
	Residential
	Service // service roads, living streets, tracks opened to lorries
	FerryLine
	MainLine
	BranchLine
	IndustrialLine
	Siding // sidings, spurs and crossovers
	Yard
)

// Rule is what a stretch of way asks of who goes along it. Limits are 0 where
// there is none. Ways that ask the same share a rule.
type Rule struct {
	Forward, Backward Access // in the direction it is drawn, against it
	Class             Class
	Toll              geodata.Known // for lorries
	Ferry             bool
	Electrified       geodata.Known // by contact line
	// DestinationLimits is set where the weight limits are only for those who pass
	// through.
	DestinationLimits bool
	WeightDT          uint16 // tenths of a tonne, the whole vehicle
	AxleDT            uint16 // tenths of a tonne, one axle
	HeightCM, WidthCM uint16
	LengthCM          uint16
	GaugesMM          [3]uint16 // rail: 0 where not stated
	Ref               uint32    // index into the table of names: "A 2;E 30", or a ferry's name
}

// Vehicle limits, as far as nobody says otherwise. Assumptions (A): the usual
// European lorry of directive 96/53/EC, 40 t on 11.5 t axles, 4.00 m high, 2.55 m
// wide (2.60 m if refrigerated), 16.5 m long.
func defaultVehicle(mode geodata.Mode) geodata.Vehicle {
	if mode == geodata.Rail {
		return geodata.Vehicle{}
	}
	return geodata.Vehicle{WeightT: 40, AxleT: 11.5, HeightM: 4, WidthM: 2.55, LengthM: 16.5}
}

// pace is how fast a lorry goes on a class of road, km/h: assumptions (A) of the
// order that telematics report for loaded lorries in Europe, stops included.
func (c Class) pace() float64 {
	switch c {
	case Motorway:
		return 80
	case Trunk:
		return 72
	case Primary:
		return 60
	case Secondary:
		return 52
	case Tertiary:
		return 42
	case Minor:
		return 32
	case Residential:
		return 20
	case Service:
		return 12
	case FerryLine:
		return 25
	case MainLine:
		return 80
	case BranchLine:
		return 60
	case IndustrialLine:
		return 30
	case Siding:
		return 20
	}
	return 10
}

const (
	// referencePace is the pace at which a metre costs a metre, as on the best
	// lines of the world network.
	referencePace = 80
	// boarding is what a ferry costs beside its crossing, in metres: three quarters
	// of an hour. An assumption (A).
	boarding = 60_000
	// restrained is how much more going costs where only ends may be, so that of
	// two ways to a door the public one is taken.
	restrained = 1.5
)

// reading is a way's rule before its name has a place in the table.
type reading struct {
	rule   Rule
	ref    string
	factor float64 // cost per metre
	fixed  float64 // cost in metres beside it
	rail   bool
}

// read works out what a way is to freight; ok is false where it is nothing.
func read(t extract.Tags) (r reading, ok bool) {
	switch {
	case t.Get("railway") != "":
		if r, ok = readRail(t); ok {
			return r, true
		}
	case t.Get("route") == "ferry", t.Get("ferry") != "" && t.Get("highway") == "":
		return readFerry(t)
	}
	return readRoad(t) // a tramway in a street is a street
}

func readRoad(t extract.Tags) (r reading, ok bool) {
	highway := t.Get("highway")
	kind, link := strings.CutSuffix(highway, "_link")
	private := false
	switch kind {
	case "motorway":
		r.rule.Class = Motorway
	case "trunk":
		r.rule.Class = Trunk
	case "primary":
		r.rule.Class = Primary
	case "secondary":
		r.rule.Class = Secondary
	case "tertiary":
		r.rule.Class = Tertiary
	case "unclassified", "road":
		r.rule.Class = Minor
	case "residential":
		r.rule.Class = Residential
	case "service", "living_street":
		r.rule.Class = Service
		switch t.Get("service") {
		case "parking_aisle", "drive-through", "emergency_access":
			return r, false
		case "driveway":
			private = true
		}
	case "track", "pedestrian", "busway":
		// Open to lorries only where it says so.
		if !allows(t.Get("hgv")) && !allows(t.Get("goods")) && (kind == "busway" || !allows(t.Get("motor_vehicle"))) {
			return r, false
		}
		r.rule.Class = Service
	default:
		return r, false
	}
	if t.Get("area") == "yes" {
		return r, false
	}
	forward, backward := roadAccess(t)
	if private {
		forward, backward = min(forward, Ends), min(backward, Ends)
	}
	switch oneway(t, kind) {
	case 1:
		backward = Shut
	case -1:
		forward = Shut
	}
	if forward == Shut && backward == Shut {
		return r, false
	}
	r.rule.Forward, r.rule.Backward = forward, backward
	r.limits(t)
	if r.rule.Toll = tolled(t); r.rule.Toll == geodata.Unknown && r.rule.Class > Primary {
		r.rule.Toll = geodata.No
	}
	r.ref = t.Get("ref")
	pace := r.rule.Class.pace()
	if link {
		pace = min(pace, 50)
	}
	for _, key := range []string{"maxspeed:hgv", "maxspeed"} {
		if v, ok := speed(t.Get(key)); ok {
			pace = min(pace, 0.9*v)
			break
		}
	}
	switch t.Get("surface") {
	case "unpaved", "gravel", "dirt", "ground", "earth", "sand", "grass", "mud", "compacted", "fine_gravel", "pebblestone":
		pace = min(pace, 30)
	}
	if t.Get("junction") == "roundabout" || t.Get("junction") == "circular" {
		pace = min(pace, 30)
	}
	r.factor = referencePace / max(pace, 5)
	if forward < Through && backward < Through {
		r.factor *= restrained
	}
	return r, true
}

// roadAccess follows the keys from the general to the lorry's own; each overrides
// those before.
func roadAccess(t extract.Tags) (forward, backward Access) {
	forward, backward = Through, Through
	for _, key := range []string{"access", "vehicle", "motor_vehicle", "goods", "hgv"} {
		if a, ok := accessOf(t.Get(key), key); ok {
			forward, backward = a, a
		}
		if a, ok := accessOf(t.Get(key+":forward"), key); ok {
			forward = a
		}
		if a, ok := accessOf(t.Get(key+":backward"), key); ok {
			backward = a
		}
		// "no; yes @ destination" opens to the ends what is shut; "destination @ …"
		// and hours are left to the driver.
		if value, condition, ok := conditional(t.Get(key + ":conditional")); ok && allows(value) && toEnds(condition) {
			forward, backward = max(forward, Ends), max(backward, Ends)
		}
	}
	return forward, backward
}

// accessOf reads an access value. Signs that shut a road to lorries let them to
// its doors in most countries, and where they do not, nobody else delivers.
func accessOf(value, key string) (Access, bool) {
	switch value {
	case "":
		return 0, false
	case "no":
		if key == "hgv" || key == "goods" {
			return Ends, true
		}
		return Shut, true
	case "private", "destination", "customers", "delivery", "permit", "residents", "employees", "permissive_destination", "discouraged", "unsuitable":
		return Ends, true
	case "agricultural", "forestry", "military", "emergency", "psv", "bus", "use_sidepath":
		return Shut, true
	}
	return Through, true // yes, designated, permissive, official, and what nobody knows
}

func allows(value string) bool {
	switch value {
	case "yes", "designated", "permissive", "official", "destination", "delivery", "none":
		return true
	}
	return false
}

// conditional splits the first "VALUE @ (CONDITION)" of a value.
func conditional(s string) (value, condition string, ok bool) {
	first, _, _ := strings.Cut(s, ";")
	value, condition, ok = strings.Cut(first, "@")
	return strings.TrimSpace(value), strings.Trim(strings.TrimSpace(condition), "()"), ok
}

func toEnds(condition string) bool {
	switch strings.TrimSpace(condition) {
	case "destination", "delivery", "residents", "customers", "private", "permit":
		return true
	}
	return false
}

// oneway is 1 along the way, -1 against it, 0 both.
func oneway(t extract.Tags, kind string) int {
	for _, key := range []string{"oneway:hgv", "oneway:motor_vehicle", "oneway:vehicle", "oneway"} {
		switch t.Get(key) {
		case "yes", "true", "1":
			return 1
		case "-1", "reverse":
			return -1
		case "no", "false", "0", "reversible", "alternating":
			return 0
		}
	}
	if kind == "motorway" {
		return 1
	}
	switch t.Get("junction") {
	case "roundabout", "circular":
		return 1
	}
	return 0
}

// limits reads the signs.
func (r *reading) limits(t extract.Tags) {
	for _, key := range []string{"maxweight", "maxweightrating", "maxweight:hgv", "maxweightrating:hgv", "maxgcweight", "maxgcweightrating"} {
		if v, ok := tonnes(t.Get(key)); ok {
			r.rule.WeightDT = least(r.rule.WeightDT, v*10)
		}
	}
	for _, key := range []string{"maxweight:conditional", "maxweightrating:conditional", "maxweightrating:hgv:conditional"} {
		if value, condition, ok := conditional(t.Get(key)); ok && value == "none" && toEnds(condition) {
			r.rule.DestinationLimits = true
		}
	}
	if v, ok := tonnes(t.Get("maxaxleload")); ok {
		r.rule.AxleDT = least(r.rule.AxleDT, v*10)
	}
	for _, key := range []string{"maxheight", "maxheight:physical", "maxheight:hgv"} {
		if v, ok := metres(t.Get(key)); ok {
			r.rule.HeightCM = least(r.rule.HeightCM, v*100)
		}
	}
	for _, key := range []string{"maxwidth", "maxwidth:physical"} {
		if v, ok := metres(t.Get(key)); ok {
			r.rule.WidthCM = least(r.rule.WidthCM, v*100)
		}
	}
	for _, key := range []string{"maxlength", "maxlength:hgv"} {
		if v, ok := metres(t.Get(key)); ok {
			r.rule.LengthCM = least(r.rule.LengthCM, v*100)
		}
	}
}

// least is the stricter of two limits, 0 being none.
func least(a uint16, b float64) uint16 {
	v := uint16(min(max(math.Round(b), 1), math.MaxUint16))
	if a == 0 {
		return v
	}
	return min(a, v)
}

// stricter merges the limits of two rules.
func (r *Rule) stricter(q Rule) {
	for _, p := range []struct{ a, b *uint16 }{
		{&r.WeightDT, &q.WeightDT}, {&r.AxleDT, &q.AxleDT}, {&r.HeightCM, &q.HeightCM}, {&r.WidthCM, &q.WidthCM}, {&r.LengthCM, &q.LengthCM},
	} {
		if *p.b != 0 {
			*p.a = least(*p.a, float64(*p.b))
		}
	}
}

// tolled is not known where nothing is said of a main road: not every toll is
// mapped.
func tolled(t extract.Tags) geodata.Known {
	for _, key := range []string{"toll:hgv", "toll:N2", "toll:N3", "toll"} {
		switch t.Get(key) {
		case "yes":
			return geodata.Yes
		case "no":
			return geodata.No
		}
	}
	return geodata.Unknown
}

func readFerry(t extract.Tags) (r reading, ok bool) {
	carries := false
	for _, key := range []string{"access", "vehicle", "motor_vehicle", "motorcar", "goods", "hgv"} {
		switch v := t.Get(key); {
		case v == "no" || v == "private":
			carries = false
		case key != "access" && allows(v):
			carries = true
		}
	}
	if !carries {
		return r, false
	}
	r.rule = Rule{Forward: Through, Backward: Through, Class: FerryLine, Ferry: true, Toll: tolled(t)}
	switch t.Get("oneway") {
	case "yes", "true", "1":
		r.rule.Backward = Shut
	case "-1":
		r.rule.Forward = Shut
	}
	if r.ref = t.Get("name"); r.ref == "" {
		r.ref = t.Get("ref")
	}
	r.limits(t)
	r.factor, r.fixed = referencePace/FerryLine.pace(), boarding
	return r, true
}

func readRail(t extract.Tags) (r reading, ok bool) {
	r.rail = true
	switch t.Get("railway") {
	case "rail", "narrow_gauge":
	default: // trams, metros, funiculars; what is disused, razed or proposed
		return r, false
	}
	if t.Get("railway:traffic_mode") == "passenger" || t.Get("highspeed") == "yes" && t.Get("railway:traffic_mode") == "" && t.Get("usage") != "main" && t.Get("usage") != "" {
		return r, false
	}
	r.rule.Class = MainLine
	switch t.Get("usage") {
	case "branch":
		r.rule.Class = BranchLine
	case "industrial", "military":
		r.rule.Class = IndustrialLine
	case "tourism", "test", "scientific":
		return r, false
	}
	r.rule.Forward, r.rule.Backward = Through, Through
	switch t.Get("service") {
	case "crossover", "siding", "spur":
		r.rule.Class = Siding
	case "yard":
		// Trains are made up in a yard; they do not run through it.
		r.rule.Class = Yard
		r.rule.Forward, r.rule.Backward = Ends, Ends
	}
	if a, ok := accessOf(t.Get("access"), "access"); ok && a == Shut && r.rule.Class >= IndustrialLine {
		return r, false
	}
	n := 0
	for g := range strings.SplitSeq(t.Get("gauge"), ";") {
		if v, err := strconv.Atoi(strings.TrimSpace(g)); err == nil && v >= 300 && v < 3000 && n < len(r.rule.GaugesMM) {
			r.rule.GaugesMM[n] = uint16(v)
			n++
		}
	}
	switch t.Get("electrified") {
	case "contact_line", "yes":
		r.rule.Electrified = geodata.Yes
	case "no", "rail", "4th_rail":
		r.rule.Electrified = geodata.No
	}
	if r.ref = t.Get("ref"); len(r.ref) > 64 {
		r.ref = ""
	}
	r.factor = referencePace / r.rule.Class.pace()
	return r, true
}

// bars tells what a node on a road does to lorries.
type bar uint8

const (
	open   bar = iota
	gated      // who lives behind may pass
	barred     // nobody may
)

func readNode(t extract.Tags) (b bar, limits Rule) {
	var r reading
	r.limits(t)
	switch kind := t.Get("barrier"); kind {
	case "":
		if t.Get("highway") != "" || t.Get("railway") != "" {
			return open, Rule{} // signs beside the road repeat what the way says
		}
		return open, r.rule
	case "bollard", "block", "jersey_barrier", "cycle_barrier", "chain", "log", "debris", "planter", "turnstile", "kissing_gate", "stile", "motorcycle_barrier", "sump_buster", "bus_trap", "kerb", "horse_stile", "full-height_turnstile", "hampshire_gate":
		for _, key := range []string{"access", "vehicle", "motor_vehicle", "hgv"} {
			switch v := t.Get(key); {
			case v == "private" || v == "destination" || v == "permit" || v == "delivery":
				b = gated
			case allows(v):
				return open, r.rule
			}
		}
		if b == gated {
			return gated, r.rule
		}
		return barred, r.rule
	case "gate", "lift_gate", "swing_gate", "sliding_gate", "sliding_beam", "barrier_board":
		forward, _ := roadAccess(t)
		if t.Get("locked") == "yes" {
			forward = min(forward, Ends)
		}
		switch forward {
		case Shut, Ends:
			return gated, r.rule
		}
	}
	return open, r.rule // toll booths, border control, cattle grids, height restrictors
}

// through is the access of one direction under a vehicle.
func (r *Rule) through(forward bool, v geodata.Vehicle) Access {
	a := r.Backward
	if forward {
		a = r.Forward
	}
	if a == Shut || over(v.HeightM*100, r.HeightCM) || over(v.WidthM*100, r.WidthCM) || over(v.LengthM*100, r.LengthCM) {
		return Shut
	}
	if over(v.WeightT*10, r.WeightDT) || over(v.AxleT*10, r.AxleDT) {
		if !r.DestinationLimits {
			return Shut
		}
		a = min(a, Ends)
	}
	if v.AvoidTolls && r.Toll == geodata.Yes || v.AvoidFerries && r.Ferry {
		return Shut
	}
	if v.GaugeMM != 0 && r.GaugesMM[0] != 0 {
		fits := false
		for _, g := range r.GaugesMM {
			fits = fits || int(g) == v.GaugeMM || g != 0 && v.GaugeMM == 1520 && g == 1524 || v.GaugeMM == 1524 && g == 1520
		}
		if !fits {
			return Shut
		}
	}
	if v.Electric && r.Class >= MainLine && r.Electrified != geodata.Yes {
		return Shut
	}
	return a
}

func over(value float64, limit uint16) bool {
	return limit != 0 && value > float64(limit)+1e-9
}
