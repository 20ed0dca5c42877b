package tracking

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"corridor/geodata"
)

// Limits of what a position may say.
const (
	MaxUnitBytes    = 64
	MaxSensorsBytes = 2048
	// MaxAhead is how far a device's clock may be ahead of the server's.
	MaxAhead = 10 * time.Minute
	// MaxAheadSimulated is the same for simulated units: a demonstration runs
	// faster than the clock on the wall.
	MaxAheadSimulated = 366 * 24 * time.Hour

	maxSpeedKMH  = 2000       // no freight aircraft comes near it
	maxAccuracyM = 40_000_000 // the equator; more says nothing
)

// Codes of a Refusal.
const (
	CodeUnit      = "unit"
	CodeTime      = "time"
	CodeLatitude  = "latitude"
	CodeLongitude = "longitude"
	CodeSpeed     = "speed"
	CodeCourse    = "course"
	CodeAccuracy  = "accuracy"
	CodeSensors   = "sensors"
	CodeMode      = "mode"
	CodeOwner     = "owner" // the unit is another carrier's
	CodeLater     = "later" // whether it is a duplicate cannot be told now
)

// InvalidError says why a position or an identifier cannot be accepted.
type InvalidError struct {
	Code   string // one of the Code constants
	Reason string // for the sender
}

func (e *InvalidError) Error() string { return e.Reason }

func invalid(code, format string, args ...any) error {
	return &InvalidError{code, fmt.Sprintf(format, args...)}
}

var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Validate checks a position received at a moment and returns it as it will be
// kept: times UTC to the millisecond, coordinates to 1e-7°, sensors compact.
// A reading that is out of its physical range makes the whole position doubtful
// and refuses it; a device that does not know a reading must leave it out.
func Validate(p Position, received time.Time, simulated bool) (Position, error) {
	if err := ValidateUnit(p.Unit); err != nil {
		return p, err
	}
	ahead := MaxAhead
	if simulated {
		ahead = MaxAheadSimulated
	}
	switch {
	case p.Time.IsZero():
		return p, invalid(CodeTime, "time is missing")
	case p.Time.Before(earliest):
		return p, invalid(CodeTime, "time %s is before 2000", p.Time.UTC().Format(time.RFC3339))
	case p.Time.After(received.Add(ahead)):
		return p, invalid(CodeTime, "time %s is in the future: the clock here says %s", p.Time.UTC().Format(time.RFC3339), received.UTC().Format(time.RFC3339))
	}
	p.Time = p.Time.UTC().Truncate(time.Millisecond)
	if !(math.Abs(p.Lat) <= 90) {
		return p, invalid(CodeLatitude, "latitude %s out of range", number(p.Lat))
	}
	if !(math.Abs(p.Lon) <= 180) {
		return p, invalid(CodeLongitude, "longitude %s out of range", number(p.Lon))
	}
	p.Lat, p.Lon = quantise(p.Lat), quantise(p.Lon)
	if v, ok := p.SpeedKMH.Get(); ok && !(v >= 0 && v <= maxSpeedKMH) {
		return p, invalid(CodeSpeed, "speed %s km/h out of range [0, %d]; leave it out when unknown", number(v), maxSpeedKMH)
	}
	if v, ok := p.CourseDeg.Get(); ok {
		if !(v >= 0 && v <= 360) {
			return p, invalid(CodeCourse, "course %s out of range [0, 360); leave it out when unknown", number(v))
		}
		if v == 360 { // many devices count 1 to 360
			p.CourseDeg = Known(0)
		}
	}
	if v, ok := p.AccuracyM.Get(); ok && !(v >= 0 && v <= maxAccuracyM) {
		return p, invalid(CodeAccuracy, "accuracy %s m out of range; leave it out when unknown", number(v))
	}
	sensors, err := compactSensors(p.Sensors)
	if err != nil {
		return p, err
	}
	p.Sensors = sensors
	return p, nil
}

// ValidateUnit checks an identifier: 1 to 64 bytes of letters, digits and
// -_.:+@· with single spaces inside, in any script ("鲁B·K7723" is a plate).
func ValidateUnit(u UnitID) error {
	switch {
	case u == "":
		return invalid(CodeUnit, "unit is missing")
	case len(u) > MaxUnitBytes:
		return invalid(CodeUnit, "unit is %d bytes long, at most %d", len(u), MaxUnitBytes)
	case !utf8.ValidString(string(u)):
		return invalid(CodeUnit, "unit is not valid UTF-8")
	}
	space := true // so that a leading one is refused
	for _, c := range string(u) {
		switch {
		case c == ' ' && !space:
			space = true
			continue
		case unicode.IsLetter(c), unicode.IsMark(c), unicode.IsDigit(c), c == '·':
		case c < 128 && bytes.IndexByte([]byte("-_.:+@"), byte(c)) >= 0:
		default:
			return invalid(CodeUnit, "unit %s holds %s: use letters, digits, - _ . : + @ · and single spaces inside", strconv.Quote(string(u)), strconv.QuoteRune(c))
		}
		space = false
	}
	if space {
		return invalid(CodeUnit, "unit %s ends with a space", strconv.Quote(string(u)))
	}
	return nil
}

// ValidateMode accepts the known modes and "", which leaves it open.
func ValidateMode(m geodata.Mode) error {
	if _, err := modeByte(m); err != nil {
		return invalid(CodeMode, "mode %q: use sea, rail, road or air", m)
	}
	return nil
}

func compactSensors(s json.RawMessage) (json.RawMessage, error) {
	s = bytes.TrimSpace(s)
	if len(s) == 0 || string(s) == "null" || string(s) == "{}" {
		return nil, nil
	}
	if len(s) > 4*MaxSensorsBytes { // not worth compacting
		return nil, invalid(CodeSensors, "sensors take %d bytes, at most %d", len(s), MaxSensorsBytes)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, s); err != nil {
		return nil, invalid(CodeSensors, "sensors are not valid JSON: %v", err)
	}
	if b.Bytes()[0] != '{' {
		return nil, invalid(CodeSensors, "sensors must be a JSON object")
	}
	if b.Len() > MaxSensorsBytes {
		return nil, invalid(CodeSensors, "sensors take %d bytes, at most %d", b.Len(), MaxSensorsBytes)
	}
	if b.String() == "{}" {
		return nil, nil
	}
	return b.Bytes(), nil
}

// quantise rounds to what is stored; + 0 makes a zero of minus zero.
func quantise(deg float64) float64 { return math.Round(deg*perDegree)/perDegree + 0 }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
