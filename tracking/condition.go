package tracking

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"corridor/tracking/plausible"
)

// ClockRead is the time on the server's clock, in the log: it makes silence a
// consequence of the log and not of when somebody looked. One process appends it, and
// only when by that time something is due (State.Due).
type ClockRead struct{ At time.Time }

// objectWatch is the Object of a unit's unitWatch.
const objectWatch = "watch"

// unitWatch is what has to be remembered of the few units with which something is out
// of the ordinary. Values are replaced, never changed in place: Objects hold their
// JSON. Times are Unix milliseconds; 0: not.
type unitWatch struct {
	Judge     plausible.Judge `json:"judge,omitzero"`
	SilentMS  int64           `json:"silent_ms,omitempty"`  // since, on the server's clock
	SealMS    int64           `json:"seal_ms,omitempty"`    // open since, by the device
	SealTold  int64           `json:"seal_told,omitempty"`  // up to when openings were told
	TamperMS  int64           `json:"tamper_ms,omitempty"`  // meddled with since
	BatteryMS int64           `json:"battery_ms,omitempty"` // low since
}

func (w *unitWatch) isZero() bool {
	return w.Judge.IsZero() && w.SilentMS == 0 && w.SealMS == 0 && w.SealTold == 0 && w.TamperMS == 0 && w.BatteryMS == 0
}

// Thresholds of sensors: assumptions, see vigil.go.
const (
	shockG       = 5
	batteryLow   = 20 // per cent
	batteryFine  = 30
	temperatureK = 0.5 // within the band by so much it is back, where the band is wide enough
)

// readings are what sensors of a position are known to say. Devices name many others;
// those are kept and mean nothing here.
type readings struct {
	Temperature *float64 `json:"temp_c"`
	Shock       *float64 `json:"shock_g"`
	Battery     *float64 `json:"battery_pct"`
	Tamper      *bool    `json:"tamper"`
}

// watchOf is the unit's watch to be written to; it is kept when the record ends.
func (f *folding) watchOf(u *unit) *unitWatch {
	if u.watch == nil {
		u.watch = &unitWatch{}
	}
	f.watched = touch(f.watched, u)
	return u.watch
}

// finishWatches writes what is remembered of the units whose watch was touched.
func (f *folding) finishWatches() {
	for _, u := range once(f.watched) {
		if u.watch.isZero() {
			u.watch = nil
			f.c.Objects = append(f.c.Objects, Object{Kind: objectWatch, ID: string(u.id)})
			continue
		}
		if d, err := object(objectWatch, string(u.id), u.watch); err == nil { // numbers only
			f.c.Objects = append(f.c.Objects, d)
		}
	}
}

// judge tells whether a fix that is newer than the unit's latest can be where it was.
func (f *folding) judge(u *unit, p *Position) plausible.Doubt {
	now := PointOf(p)
	var last *plausible.Point
	if u.located {
		at := u.point()
		last = &plausible.Point{MS: u.ms, Lat: at[1], Lon: at[0]}
		last.AccuracyM, _ = u.accuracy.Get()
	}
	var before plausible.Judge
	if u.watch != nil {
		before = u.watch.Judge
	}
	after := before
	doubt := after.Next(last, now, u.topKMH())
	if !before.IsZero() || !after.IsZero() {
		f.watchOf(u).Judge = after
	}
	return doubt
}

// PointOf is a position as it is judged.
func PointOf(p *Position) plausible.Point {
	x := plausible.Point{MS: p.Time.UnixMilli(), Lat: p.Lat, Lon: p.Lon}
	x.SpeedKMH, _ = p.SpeedKMH.Get()
	x.AccuracyM, _ = p.AccuracyM.Get()
	return x
}

// TopKMH is the speed beyond which a unit's fixes are doubted.
func (s *State) TopKMH(id UnitID) float64 {
	u, ok := s.units[id]
	if !ok {
		return plausible.TopKMH("")
	}
	return u.topKMH()
}

// topKMH is what nothing that carries the unit goes faster than: what is on it may
// change from lorry to aircraft.
func (u *unit) topKMH() float64 {
	top := plausible.TopKMH(modeOf(u.mode))
	for _, sh := range u.shipments {
		for i := range sh.Option.Legs {
			top = max(top, plausible.TopKMH(sh.Option.Legs[i].Mode))
		}
	}
	return top
}

// tellUnit tells of a unit: to each of the shipments on it, or to none.
func (f *folding) tellUnit(u *unit, fix *Fix, kind, format string, args ...any) {
	e := Event{Kind: kind, Time: fix.Time, Unit: u.id, Detail: fmt.Sprintf(format, args...)}
	lat, lon := fix.Lat, fix.Lon
	e.Lat, e.Lon = &lat, &lon
	if len(u.shipments) == 0 {
		f.event(e)
	}
	for _, sh := range u.shipments {
		e.Shipment = sh.ID
		f.event(e)
	}
}

// heard ends a silence.
func (f *folding) heard(u *unit, fix *Fix) {
	if u.watch == nil || u.watch.SilentMS == 0 {
		return
	}
	since := time.UnixMilli(u.watch.SilentMS)
	f.watchOf(u).SilentMS = 0
	for _, sh := range u.shipments {
		if sh.progress.Departed != nil {
			lat, lon := fix.Lat, fix.Lon
			f.event(Event{Kind: EventBack, Time: fix.Time, Unit: u.id, Shipment: sh.ID, Lat: &lat, Lon: &lon, Detail: "silent for " + span(fix.Received.Sub(since))})
		}
	}
}

// quiet lists shipments under way whose unit should have been heard by then, by id.
func (s *State) quiet(now time.Time) []*shipment {
	var out []*shipment
	for _, sh := range s.moving {
		u, ok := s.units[sh.Unit]
		if ok && u.located && (u.watch == nil || u.watch.SilentMS == 0) && now.UnixMilli()-u.received > silencePatience(modeOf(u.mode)).Milliseconds() {
			out = append(out, sh)
		}
	}
	slices.SortFunc(out, func(a, b *shipment) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Due tells whether something happens by the time alone, so that a ClockRead of that
// time changes the state. It prepares the ways of carnets after a restart, a few each
// time, so it is no mere reading: whoever guards the state lets nobody else in.
func (s *State) Due(now time.Time) bool {
	prepare := waysAtOnce
	return len(s.quiet(now)) > 0 || len(s.awake(now)) > 0 || len(s.overdue(now, func(h *heldCarnet) *carnetWay {
		if h.way == nil && prepare > 0 {
			prepare--
			return s.wayOf(h)
		}
		return h.way
	})) > 0
}

func (f *folding) clockRead(e *ClockRead) {
	f.wake(e.At)
	list := f.quiet(e.At)
	for _, sh := range list {
		u := f.State.units[sh.Unit]
		patience := silencePatience(modeOf(u.mode))
		at := u.point()
		f.event(Event{
			Kind: EventSilent, Time: time.UnixMilli(u.received).UTC().Add(patience), Unit: u.id, Shipment: sh.ID, Lat: &at[1], Lon: &at[0],
			Detail: "nothing heard for " + span(patience),
		})
	}
	for _, sh := range list { // a unit may carry several
		u := f.State.units[sh.Unit]
		f.watchOf(u).SilentMS = u.received
	}
	for _, h := range f.overdue(e.At, f.wayOf) {
		f.observe(h, f.silent(h, e.At, f.wayOf(h)))
	}
}

// sense tells what sensors say. A late fix changes no condition, but what was opened,
// meddled with or struck at its time is told nevertheless.
func (f *folding) sense(u *unit, fix *Fix, late bool) {
	if !speaks(fix.Sensors) {
		return
	}
	var r readings
	_ = json.Unmarshal(fix.Sensors, &r) // a reading of another form is none; the others count
	ms := fix.Time.UnixMilli()
	if r.Shock != nil && *r.Shock >= shockG {
		f.tellUnit(u, fix, EventShock, "%.1f g", *r.Shock)
	}
	f.senseSeal(u, fix, late)
	if late {
		return
	}
	if r.Tamper != nil {
		f.edge(u, *r.Tamper, !*r.Tamper, func(w *unitWatch) *int64 { return &w.TamperMS }, ms, func() { f.tellUnit(u, fix, EventTamper, "") })
	}
	if r.Battery != nil {
		f.edge(u, *r.Battery <= batteryLow, *r.Battery >= batteryFine, func(w *unitWatch) *int64 { return &w.BatteryMS }, ms,
			func() { f.tellUnit(u, fix, EventBatteryLow, "%.0f %%", *r.Battery) })
	}
	if r.Temperature != nil {
		for _, sh := range u.shipments {
			f.senseTemperature(u, sh, fix, *r.Temperature)
		}
	}
}

func (f *folding) senseSeal(u *unit, fix *Fix, late bool) {
	open, _ := compartment(fix.Sensors)
	ms := fix.Time.UnixMilli()
	if !late {
		f.edge(u, open, !open && closed(fix.Sensors), func(w *unitWatch) *int64 { return &w.SealMS }, ms, func() {
			f.watchOf(u).SealTold = ms
			f.tellUnit(u, fix, EventSealOpened, "")
		})
		return
	}
	if told := u.watch; open && (told == nil || told.SealMS == 0 && ms > told.SealTold) {
		f.watchOf(u).SealTold = u.ms // one telling for all that was open before now
		f.tellUnit(u, fix, EventSealOpened, "reported late")
	}
}

// closed tells whether sensors say that the compartment is closed, in the ways in which
// compartment has them say that it is open.
func closed(sensors json.RawMessage) bool {
	var all map[string]any
	if json.Unmarshal(sensors, &all) != nil {
		return false
	}
	for k, v := range all {
		text, _ := v.(string)
		no := v == false || v == 0.0
		switch strings.ToLower(k) {
		case "seal":
			if slices.Contains([]string{"closed", "intact", "locked", "ok"}, strings.ToLower(text)) {
				return true
			}
		case "door", "doors":
			if no || strings.EqualFold(text, "closed") {
				return true
			}
		case "seal_open", "seal_broken", "door_open":
			if no {
				return true
			}
		}
	}
	return false
}

// edge keeps since when a condition holds and tells once that it does.
func (f *folding) edge(u *unit, begins, ends bool, of func(*unitWatch) *int64, ms int64, tell func()) {
	holds := u.watch != nil && *of(u.watch) != 0
	switch {
	case begins && !holds:
		*of(f.watchOf(u)) = ms
		tell()
	case ends && holds:
		*of(f.watchOf(u)) = 0
	}
}

func (f *folding) senseTemperature(u *unit, sh *shipment, fix *Fix, now float64) {
	band := sh.Request.Cargo.TempC
	if band == nil {
		return
	}
	v := &sh.progress.Vigil
	margin := min(temperatureK, (band[1]-band[0])/4)
	kind := ""
	switch {
	case v.OutMS == 0 && (now < band[0] || now > band[1]):
		kind, v.OutMS = EventTemperature, fix.Time.UnixMilli()
	case v.OutMS != 0 && now >= band[0]+margin && now <= band[1]-margin:
		kind, v.OutMS = EventTempBack, 0
	default:
		return
	}
	f.progress = touch(f.progress, sh)
	lat, lon := fix.Lat, fix.Lon
	f.event(Event{
		Kind: kind, Time: fix.Time, Unit: u.id, Shipment: sh.ID, Lat: &lat, Lon: &lon,
		Detail: fmt.Sprintf("%.1f °C, allowed are %g to %g", now, band[0], band[1]),
	})
}

// speaks tells whether sensors hold something sense knows.
func speaks(sensors []byte) bool {
	if len(sensors) == 0 {
		return false
	}
	for _, name := range [...]string{`"temp_c"`, `"seal`, `"door`, `"shock_g"`, `"battery_pct"`, `"tamper"`} {
		if bytes.Contains(sensors, []byte(name)) {
			return true
		}
	}
	return false
}

// Condition is something that holds of a unit.
type Condition struct {
	Kind  string    `json:"kind"` // that of the event which told it
	Since time.Time `json:"since"`
}

// Conditions lists what is out of the ordinary with a unit now, by kind.
func (s *State) Conditions(id UnitID) []Condition {
	u, ok := s.units[id]
	if !ok || u.watch == nil {
		return nil
	}
	have := map[string]int64{
		EventSilent: u.watch.SilentMS, EventSealOpened: u.watch.SealMS, EventTamper: u.watch.TamperMS, EventBatteryLow: u.watch.BatteryMS,
	}
	var out []Condition
	for _, kind := range slices.Sorted(maps.Keys(have)) {
		if have[kind] != 0 {
			out = append(out, Condition{kind, time.UnixMilli(have[kind]).UTC()})
		}
	}
	return out
}
