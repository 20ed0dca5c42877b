package search

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
	"corridor/routing/emission"
	"corridor/routing/regime"
	"corridor/routing/tariff"
)

// maxFlightKG is what a large freighter lifts.
const maxFlightKG = 100_000.0

// room is the payload and volume of a unit (rules.md).
type room struct {
	kg, m3 float64
}

// unitRoom is what a unit holds. The lorry's payload is that of the largest
// legal lorry; each country's own limit is a rule of its own.
func unitRoom(u routing.Unit) (room, bool) {
	switch u {
	case routing.FTL:
		return room{regime.RoadPayloadKG("CN"), 100}, true
	case routing.LTL:
		return room{24_000, 90}, true
	case routing.GP20:
		return room{28_200, 33.2}, true
	case routing.GP40:
		return room{26_700, 67.7}, true
	case routing.HC40:
		return room{26_500, 76.3}, true
	case routing.HC45:
		return room{27_600, 86}, true
	case routing.RF40:
		return room{29_000, 67}, true
	case routing.LCL:
		return room{25_000, 70}, true
	case routing.AirULD:
		return room{maxFlightKG, 600}, true
	}
	return room{}, false
}

// Room is the payload in kg and the volume in m³ of a unit; false when there is no
// such unit.
func Room(u routing.Unit) (kg, m3 float64, ok bool) {
	r, ok := unitRoom(u)
	return r.kg, r.m3, ok
}

func units() []routing.Unit {
	return []routing.Unit{routing.FTL, routing.LTL, routing.GP20, routing.GP40, routing.HC40, routing.HC45, routing.RF40, routing.LCL, routing.AirULD}
}

func isBox(u routing.Unit) bool {
	switch u {
	case routing.GP20, routing.GP40, routing.HC40, routing.HC45, routing.RF40:
		return true
	}
	return false
}

// boxFor is the container a lorry's load goes into by sea or rail; empty when
// none holds it.
func boxFor(kg, m3 float64, reefer bool) routing.Unit {
	choices := []routing.Unit{routing.HC40, routing.HC45, routing.GP20}
	if reefer {
		choices = []routing.Unit{routing.RF40}
	}
	for _, u := range choices {
		if r, _ := unitRoom(u); kg <= r.kg && m3 <= r.m3 {
			return u
		}
	}
	return ""
}

func bad(field, format string, args ...any) error {
	return &routing.InputError{Field: field, Message: fmt.Sprintf(format, args...)}
}

// read checks a request and resolves its places. What it cannot use is an
// *routing.InputError or a *geodata.UnknownPlaceError.
func (p *Planner) read(req routing.Request) (*query, error) {
	now := p.clock().UTC()
	if p.times.Count() > 0 { // schedules are of their days
		on := req.Depart
		if on.IsZero() {
			on = now
		}
		today := *p
		today.times, p = p.times.On(on), &today
	}
	q := &query{p: p, req: req, now: now, breadth: usualBreadth(), modes: map[geodata.Mode]bool{}, avoidB: map[string]bool{}}
	if err := q.readCargo(); err != nil {
		return nil, err
	}
	if err := q.readTimes(); err != nil {
		return nil, err
	}
	if err := q.readModes(); err != nil {
		return nil, err
	}
	if err := q.readAvoid(); err != nil {
		return nil, err
	}
	switch req.Drivers {
	case 0, 2:
		q.drivers = 2
	case 1:
		q.drivers = 1
	default:
		return nil, bad("drivers", "a lorry has one driver or two, not %d", req.Drivers)
	}
	if wrong := regime.CheckTerms(req.TIR); wrong != nil {
		return nil, wrong
	}
	var err error
	if strings.TrimSpace(req.Origin) == "" {
		return nil, bad("origin", "say where the goods are: a UN/LOCODE, a name or lat,lon")
	}
	if strings.TrimSpace(req.Destination) == "" {
		return nil, bad("destination", "say where the goods go: a UN/LOCODE, a name or lat,lon")
	}
	if q.origin, err = p.places.Resolve(req.Origin); err != nil {
		return nil, err
	}
	if q.dest, err = p.places.Resolve(req.Destination); err != nil {
		return nil, err
	}
	if path.Distance(q.origin.Point, q.dest.Point) < 1 {
		return nil, bad("destination", "origin and destination are the same place")
	}
	return q, q.contradictions()
}

// contradictions are wishes of which one makes the other impossible: that is a
// mistake to tell of, not a plan without options.
func (q *query) contradictions() error {
	for _, end := range []struct {
		place geodata.Place
		word  string
	}{{q.origin, "begin"}, {q.dest, "end"}} {
		if slices.Contains(q.avoidC, end.place.Country) {
			return bad("avoid", "the goods %s in %s, which country:%s asks to avoid: give up one of the two", end.word, end.place.Label("en"), end.place.Country)
		}
	}
	unit := q.req.Cargo.Unit
	switch {
	case unit == routing.AirULD && !q.modes[geodata.Air]:
		return bad("modes", "the unit %s flies, and air is not among the modes: add air or take another unit", unit)
	case isBox(unit) && !q.modes[geodata.Sea] && !q.modes[geodata.Rail] && !q.modes[geodata.Road]:
		return bad("modes", "a %s container does not fly, and air is the only mode: add another mode or take the unit air", unit)
	}
	return nil
}

func (q *query) readCargo() error {
	c := &q.req.Cargo
	if c.Unit == "" {
		c.Unit = routing.FTL
	}
	i := slices.IndexFunc(units(), func(u routing.Unit) bool { return strings.EqualFold(string(u), string(c.Unit)) })
	if i < 0 {
		names := make([]string, len(units()))
		for i, u := range units() {
			names[i] = string(u)
		}
		return bad("cargo.unit", "unknown unit %q: use one of %s", c.Unit, strings.Join(names, ", "))
	}
	c.Unit = units()[i]
	r, _ := unitRoom(c.Unit)
	switch {
	case math.IsNaN(c.WeightKG) || math.IsInf(c.WeightKG, 0) || c.WeightKG <= 0:
		return bad("cargo.weight_kg", "the weight must be above 0 kg, not %g", c.WeightKG)
	case c.WeightKG > r.kg:
		return bad("cargo.weight_kg", "%.1f t is more than any %s holds: the largest payload is %.1f t; split the cargo into %.0f",
			c.WeightKG/1000, unitWord(c.Unit), r.kg/1000, math.Ceil(c.WeightKG/r.kg))
	case math.IsNaN(c.VolumeM3) || math.IsInf(c.VolumeM3, 0) || c.VolumeM3 < 0:
		return bad("cargo.volume_m3", "the volume must be above 0 m³, or left out, not %g", c.VolumeM3)
	case c.VolumeM3 > r.m3:
		return bad("cargo.volume_m3", "%.1f m³ is more than any %s holds: the largest is %.1f m³; split the cargo into %.0f",
			c.VolumeM3, unitWord(c.Unit), r.m3, math.Ceil(c.VolumeM3/r.m3))
	}
	hs := strings.NewReplacer(".", "", " ", "").Replace(c.HS)
	if hs != "" {
		if len(hs) < 4 || len(hs) > 10 || strings.Trim(hs, "0123456789") != "" || hs[:2] == "00" || hs[:2] > "97" {
			return bad("cargo.hs", "%q is not a harmonised system code: give 4 to 10 digits, such as 0808 or 0808.10", c.HS)
		}
		if !regime.KnownHS(hs) {
			return bad("cargo.hs", "there is no code %s in the harmonised system of 2022: look it up in your customs tariff; the first six digits must be right", c.HS)
		}
	}
	c.HS = hs
	class, wrong := regime.CheckDangerous(c.DG, c.UN)
	if wrong != nil {
		return wrong
	}
	c.DG = class
	if s, _, ok := regime.UN(c.UN); ok {
		c.UN = s.UN
	}
	if !(c.Charge >= 0 && c.Charge <= 100) {
		return bad("cargo.charge_percent", "a state of charge lies between 0 and 100 per cent, not at %g", c.Charge)
	}
	if t := c.TempC; t != nil {
		for _, v := range t {
			if math.IsNaN(v) || v < -70 || v > 60 {
				return bad("cargo.temp_c", "%g °C is out of range: temperatures lie between -70 and 60", v)
			}
		}
		if t[0] > t[1] {
			return bad("cargo.temp_c", "the lowest temperature, %g °C, is above the highest, %g °C: give the lower first", t[0], t[1])
		}
	}
	if c.Value != nil {
		c.Value = &routing.Money{Amount: c.Value.Amount, Currency: strings.ToUpper(c.Value.Currency)}
		usd, ok := q.p.rates.USD(*c.Value)
		switch {
		case !ok:
			return bad("cargo.value", "no exchange rate for %q: use USD, EUR, CNY, RUB, KZT or another listed currency", c.Value.Currency)
		case math.IsNaN(usd) || usd <= 0 || usd > 1e12:
			return bad("cargo.value", "the value must be above 0, not %g", c.Value.Amount)
		}
		q.value = usd
	}
	reefer := c.TempC != nil || c.Unit == routing.RF40
	q.goods = tariff.Goods{Unit: c.Unit, WeightKG: c.WeightKG, VolumeM3: c.VolumeM3, Reefer: reefer, DG: c.DG != ""}
	q.load = emission.Load{WeightKG: c.WeightKG, Reefer: reefer}
	if !q.goods.Shared() {
		q.load.Fill = c.WeightKG / regime.RoadPayloadKG("DE")
	}
	return nil
}

func unitWord(u routing.Unit) string {
	switch u {
	case routing.FTL:
		return "lorry"
	case routing.LTL:
		return "part load"
	case routing.LCL:
		return "shared container"
	case routing.AirULD:
		return "freighter"
	}
	return string(u) + " container"
}

func (q *query) readTimes() error {
	q.depart = q.req.Depart.UTC()
	if q.req.Depart.IsZero() {
		q.depart = q.now.Truncate(time.Hour).Add(time.Hour)
	}
	q.req.Depart = q.depart
	switch {
	case q.depart.Before(q.now.AddDate(-1, 0, 0)):
		return bad("depart", "%s is more than a year ago", q.depart.Format(time.DateOnly))
	case q.depart.After(q.now.AddDate(2, 0, 0)):
		return bad("depart", "%s is more than two years ahead: no service or price is known so far out", q.depart.Format(time.DateOnly))
	}
	if by := q.req.ArriveBy; by != nil {
		utc := by.UTC()
		q.req.ArriveBy = &utc
		switch {
		case !utc.After(q.depart):
			return bad("arrive_by", "%s is not after the departure on %s", utc.Format(time.DateTime), q.depart.Format(time.DateTime))
		case utc.After(q.depart.AddDate(2, 0, 0)):
			return bad("arrive_by", "%s is more than two years after the departure", utc.Format(time.DateOnly))
		}
	}
	return nil
}

func (q *query) readModes() error {
	for _, m := range q.req.Modes {
		mode, err := geodata.ParseMode(string(m))
		if err != nil {
			return bad("modes", "%v", err)
		}
		q.modes[mode] = true
	}
	if len(q.modes) == 0 {
		for _, m := range geodata.Modes() {
			q.modes[m] = true
		}
	}
	return nil
}

// passages are the ids of package sea that a user may avoid.
func (q *query) readAvoid() error {
	for _, token := range q.req.Avoid {
		kind, id, ok := strings.Cut(strings.TrimSpace(token), ":")
		id = strings.TrimSpace(id)
		if !ok || id == "" {
			return bad("avoid", "%q is not like country:RU, passage:suez, border:KHO-NUR or carrier:MAERSK", token)
		}
		switch strings.ToLower(kind) {
		case "country":
			c := geodata.Country(strings.ToUpper(id))
			if !regime.Known(c) {
				return bad("avoid", "%q is not a country: give two letters such as RU", id)
			}
			q.avoidC = append(q.avoidC, c)
		case "passage":
			known := q.p.passages
			if i := slices.IndexFunc(known, func(p string) bool { return strings.EqualFold(p, id) }); i >= 0 {
				q.avoidP = append(q.avoidP, known[i])
				continue
			}
			return bad("avoid", "unknown passage %q: known are %s", id, strings.Join(known, ", "))
		case "carrier":
			q.avoidS = append(q.avoidS, id)
		case "border":
			i := slices.IndexFunc(q.p.posts, func(b geodata.BorderPost) bool { return strings.EqualFold(b.ID, id) })
			if i < 0 {
				return bad("avoid", "unknown border post %q: give an id such as %s", id, strings.Join(q.p.likePost(id), ", "))
			}
			q.avoidB[q.p.posts[i].ID] = true
		default:
			return bad("avoid", "%q is not like country:RU, passage:suez, border:KHO-NUR or carrier:MAERSK", token)
		}
	}
	if len(q.avoidS) > 0 {
		times, unknown := q.p.times.Without(q.avoidS)
		if unknown != "" {
			known := q.p.times.Carriers()
			return bad("avoid", "no service of a carrier %q, or with that id, is known: known are %s", unknown, strings.Join(known[:min(12, len(known))], ", "))
		}
		less := *q.p
		less.times, q.p = times, &less
	}
	slices.Sort(q.avoidC)
	q.avoidC = slices.Compact(q.avoidC)
	slices.Sort(q.avoidP)
	q.avoidP = slices.Compact(q.avoidP)
	return nil
}

// likePost gives ids of posts whose id or name resembles a text.
func (p *Planner) likePost(text string) []string {
	var out []string
	text = strings.ToUpper(text)
	for n := min(3, len(text)); n > 0 && len(out) == 0; n-- {
		for _, b := range p.posts {
			if strings.HasPrefix(strings.ToUpper(b.ID), text[:n]) || strings.HasPrefix(strings.ToUpper(b.Name), text[:n]) {
				out = append(out, b.ID)
			}
			if len(out) == 5 {
				break
			}
		}
	}
	if len(out) == 0 {
		for _, b := range p.posts[:min(3, len(p.posts))] {
			out = append(out, b.ID)
		}
	}
	return out
}
