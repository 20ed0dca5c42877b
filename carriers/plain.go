package carriers

import (
	"math"
	"strconv"
	"unicode/utf8"

	"corridor/tracking"
)

// plainPosition reads a position written the plain way, which nearly all are: the
// documented fields, no escapes, no sensors. Of anything else it says false, and
// the whole of JSON is left to encoding/json. Where it says true the two agree to
// the last bit (FuzzPlainPosition); it takes a tenth of the time.
func plainPosition(raw []byte) (p tracking.Position, ok bool) {
	s := scanner{b: raw}
	if len(raw) > MaxPositionBytes || !s.take('{') {
		return p, false
	}
	var seen field
	for {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return p, false
		}
		f := fieldOf(name)
		if f == 0 || seen&f != 0 {
			return p, false
		}
		seen |= f
		if f&(fieldUnit|fieldTime) != 0 {
			text, ok := s.text()
			if !ok || len(text) == 0 || !utf8.Valid(text) {
				return p, false
			}
			if f == fieldUnit {
				p.Unit = tracking.UnitID(text)
			} else if p.Time.UnmarshalText(text) != nil {
				return p, false
			} else {
				p.Time = p.Time.UTC()
			}
		} else {
			v, ok := s.number()
			if !ok {
				return p, false
			}
			switch f {
			case fieldLat:
				p.Lat = v
			case fieldLon:
				p.Lon = v
			default:
				if math.Abs(v) > math.MaxFloat32 {
					return p, false
				}
				switch f {
				case fieldSpeed:
					p.SpeedKMH = tracking.Known(v)
				case fieldCourse:
					p.CourseDeg = tracking.Known(v)
				default:
					p.AccuracyM = tracking.Known(v)
				}
			}
		}
		if s.take(',') {
			continue
		}
		return p, s.take('}') && s.end() && seen&required == required
	}
}

// field is a set of the fields of a position.
type field uint8

const (
	fieldUnit field = 1 << iota
	fieldTime
	fieldLat
	fieldLon
	fieldSpeed
	fieldCourse
	fieldAccuracy

	required = fieldUnit | fieldTime | fieldLat | fieldLon
)

func fieldOf(name []byte) field {
	switch string(name) {
	case "unit":
		return fieldUnit
	case "time":
		return fieldTime
	case "lat":
		return fieldLat
	case "lon":
		return fieldLon
	case "speed_kmh":
		return fieldSpeed
	case "course_deg":
		return fieldCourse
	case "accuracy_m":
		return fieldAccuracy
	}
	return 0
}

// scanner walks over JSON text.
type scanner struct {
	b  []byte
	at int
}

func (s *scanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take steps over a byte, with white space before it.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) end() bool {
	s.space()
	return s.at == len(s.b)
}

// text steps over a string without escapes and returns what is between the quotes.
func (s *scanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	for from := s.at; s.at < len(s.b); s.at++ {
		switch c := s.b[s.at]; {
		case c == '"':
			s.at++
			return s.b[from : s.at-1], true
		case c == '\\' || c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// number steps over a JSON number.
func (s *scanner) number() (float64, bool) {
	s.space()
	from := s.at
	digits := func() bool {
		begin := s.at
		for s.at < len(s.b) && s.b[s.at]-'0' <= 9 {
			s.at++
		}
		return s.at > begin
	}
	if s.at < len(s.b) && s.b[s.at] == '-' {
		s.at++
	}
	switch {
	case s.at < len(s.b) && s.b[s.at] == '0':
		s.at++
	case !digits():
		return 0, false
	}
	if s.at < len(s.b) && s.b[s.at] == '.' {
		s.at++
		if !digits() {
			return 0, false
		}
	}
	if s.at < len(s.b) && (s.b[s.at] == 'e' || s.b[s.at] == 'E') {
		return 0, false // not worth the code
	}
	v, err := strconv.ParseFloat(string(s.b[from:s.at]), 64)
	return v, err == nil
}
