// Package simulate moves a pretended unit along an option of a plan: where it
// would be, how fast and which way, so long after it departed. It is pure: no
// clock, no socket, and the same option and seed give the same journey.
//
// It makes traffic for a demonstration and for load; nothing it says is a
// measurement, and whoever posts it must say so (simulated=true). It is not a
// forecast: that is the tracker's.
package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"

	"corridor/geodata"
	"corridor/geodata/path"
	"corridor/routing"
)

// ErrNoWay says an option has nothing to move along.
var ErrNoWay = errors.New("the option has no moving segment with a geometry")

// Journey is an option made ready to be travelled. It is immutable.
type Journey struct {
	parts []part
	hours float64
	mode  geodata.Mode
}

// part is one segment of the option's strip.
type part struct {
	start, hours float64
	moving       bool
	mode         geodata.Mode
	leg          int
	line         *path.Line
	fromKM, toKM float64 // along the line; the same when waiting
	// Speed swings around its mean: waves times per part, by this share of it.
	waves, swing, phase float64
}

// State is where the unit is at a moment.
type State struct {
	Point     orb.Point // longitude in [-180, 180]
	SpeedKMH  float64   // of the real movement, whatever the pace of the simulation
	CourseDeg float64
	Moving    bool
	Mode      geodata.Mode
	Leg       int
	Arrived   bool
}

// New prepares the option. Units with other seeds go at slightly other rhythms.
func New(o routing.Option, seed uint64) (*Journey, error) {
	random := rand.New(rand.NewPCG(seed, 0x636f727269646f72))
	lines := make([]*path.Line, len(o.Legs))
	for i, leg := range o.Legs {
		ls, err := lineOf(leg.Geometry)
		if err != nil {
			return nil, fmt.Errorf("leg %d: %w", i, err)
		}
		if len(ls) > 1 {
			lines[i] = path.NewLine(ls)
		}
	}
	moving := make([]float64, len(o.Legs)) // hours in motion by leg
	for _, s := range o.Segments {
		if s.Leg < 0 || s.Leg >= len(o.Legs) {
			return nil, fmt.Errorf("a segment names leg %d of %d", s.Leg, len(o.Legs))
		}
		if s.Kind == "move" {
			moving[s.Leg] += s.Hours
		}
	}
	j := &Journey{}
	done := make([]float64, len(o.Legs)) // km of each leg given to earlier segments
	byMode := map[geodata.Mode]float64{}
	for _, s := range o.Segments {
		line := lines[s.Leg]
		if s.Hours <= 0 || line == nil {
			continue
		}
		p := part{start: j.hours, hours: s.Hours, moving: s.Kind == "move", mode: o.Legs[s.Leg].Mode, leg: s.Leg, line: line}
		p.fromKM = done[s.Leg]
		p.toKM = p.fromKM
		if p.moving {
			p.toKM = math.Min(line.Length(), p.fromKM+line.Length()*s.Hours/moving[s.Leg])
			done[s.Leg] = p.toKM
			p.waves = math.Ceil(s.Hours / (2 + 4*random.Float64()))
			p.swing = 0.1 + 0.25*random.Float64()
			p.phase = random.Float64()
			byMode[p.mode] += s.Hours
		}
		j.hours += s.Hours
		j.parts = append(j.parts, p)
	}
	if len(byMode) == 0 {
		return nil, ErrNoWay
	}
	for m, h := range byMode {
		if j.mode == "" || h > byMode[j.mode] || h == byMode[j.mode] && m < j.mode {
			j.mode = m
		}
	}
	return j, nil
}

// Duration is how long the journey takes at the option's median times.
func (j *Journey) Duration() time.Duration { return time.Duration(j.hours * float64(time.Hour)) }

// Mode is the mode most of the moving is by.
func (j *Journey) Mode() geodata.Mode { return j.mode }

// At tells where the unit is so long after departure: at the start before it, at
// the end after arrival.
func (j *Journey) At(elapsed time.Duration) State {
	h := elapsed.Hours()
	i := 0
	for i < len(j.parts)-1 && h >= j.parts[i+1].start {
		i++
	}
	p := j.parts[i]
	f := math.Max(0, math.Min(1, (h-p.start)/p.hours))
	s := State{Mode: p.mode, Leg: p.leg, Arrived: h >= j.hours}
	// Position is the integral of a speed of 1 + swing·cos(…) times the mean, so
	// that speed and movement agree and the part takes its time exactly.
	angle := 2 * math.Pi * (p.waves*f + p.phase)
	along := f
	if p.moving {
		along += p.swing / (2 * math.Pi * p.waves) * (math.Sin(angle) - math.Sin(2*math.Pi*p.phase))
		if h >= 0 && !s.Arrived {
			s.Moving = true
			s.SpeedKMH = (p.toKM - p.fromKM) / p.hours * (1 + p.swing*math.Cos(angle))
		}
	}
	s.Point, s.CourseDeg = p.line.At(p.fromKM + (p.toKM-p.fromKM)*along)
	s.Point[0] = math.Remainder(s.Point[0], 360)
	s.CourseDeg = math.Mod(s.CourseDeg+360, 360)
	return s
}

// lineOf reads a leg's geometry; one cut at ±180° becomes whole again.
func lineOf(raw json.RawMessage) (orb.LineString, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	g, err := geojson.UnmarshalGeometry(raw)
	if err != nil {
		return nil, fmt.Errorf("read its geometry: %w", err)
	}
	var ls orb.LineString
	switch g := g.Geometry().(type) {
	case orb.LineString:
		ls = g
	case orb.MultiLineString:
		for _, part := range g {
			ls = append(ls, part...)
		}
	default:
		return nil, fmt.Errorf("its geometry is a %s, not a line", g.GeoJSONType())
	}
	for _, p := range ls {
		if !(math.Abs(p[0]) <= 360) || !(math.Abs(p[1]) <= 90) {
			return nil, fmt.Errorf("its geometry leaves the earth at %v", p)
		}
	}
	return ls, nil
}
