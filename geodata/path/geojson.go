package path

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/paulmach/orb"
)

// ErrEmpty says a line without points was given where one is needed.
var ErrEmpty = errors.New("empty line")

// Cut splits a line at the antimeridian into pieces with longitudes in
// [-180, 180]. A piece that touches ±180 without crossing is not cut.
func Cut(ls orb.LineString) orb.MultiLineString {
	if len(ls) == 0 {
		return nil
	}
	line := Unwrap(ls)
	turn := turnOf(line)
	var out orb.MultiLineString
	piece := orb.LineString{{line[0][0] - 360*turn, line[0][1]}}
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		// A step is at most 180° wide, so it leaves the current turn at most once.
		for b[0]-360*turn > 180 || b[0]-360*turn < -180 {
			edge, next := 180.0, turn+1
			if b[0]-360*turn < -180 {
				edge, next = -180, turn-1
			}
			lat := latitudeAt(a, b, edge+360*turn)
			if piece[len(piece)-1] != (orb.Point{edge, lat}) {
				piece = append(piece, orb.Point{edge, lat})
			}
			if len(piece) > 1 {
				out = append(out, piece)
			}
			piece = orb.LineString{{-edge, lat}}
			turn = next
		}
		piece = append(piece, orb.Point{b[0] - 360*turn, b[1]})
	}
	return append(out, piece)
}

// turnOf picks the turn the line starts in: a start on ±180 belongs to the side
// the line goes on to.
func turnOf(line orb.LineString) float64 {
	turn := math.Floor((line[0][0] + 180) / 360)
	if line[0][0]-360*turn != -180 {
		return turn
	}
	for _, p := range line[1:] {
		switch {
		case p[0] > line[0][0]:
			return turn
		case p[0] < line[0][0]:
			return turn - 1
		}
	}
	if line[0][0] > 0 { // 180 itself: leave it as it was given
		return turn - 1
	}
	return turn
}

// latitudeAt is where the great circle from a to b meets the meridian.
func latitudeAt(a, b orb.Point, lon float64) float64 {
	if lon == a[0] {
		return a[1]
	}
	if lon == b[0] {
		return b[1]
	}
	span := math.Sin((b[0] - a[0]) * rad)
	if math.Abs(span) < 1e-9 || math.Abs(a[1]) >= 90 || math.Abs(b[1]) >= 90 {
		return a[1] + (b[1]-a[1])*(lon-a[0])/(b[0]-a[0])
	}
	t := (math.Tan(a[1]*rad)*math.Sin((b[0]-lon)*rad) + math.Tan(b[1]*rad)*math.Sin((lon-a[0])*rad)) / span
	return math.Atan(t) * deg
}

// GeoJSON is the line as a GeoJSON geometry with five decimals (about a metre):
// a LineString, or a MultiLineString when it is cut at the antimeridian.
func GeoJSON(ls orb.LineString) (json.RawMessage, error) {
	if len(ls) == 0 {
		return nil, fmt.Errorf("write GeoJSON: %w", ErrEmpty)
	}
	for i, p := range ls {
		if math.IsNaN(p[0]) || math.IsInf(p[0], 0) || !(math.Abs(p[1]) <= 90) {
			return nil, fmt.Errorf("write GeoJSON: vertex %d is not on earth: %v", i, p)
		}
	}
	parts := Cut(ls)
	out := make([]byte, 0, 20*len(ls)+64)
	if len(parts) == 1 {
		out = append(out, `{"type":"LineString","coordinates":`...)
		out = appendLine(out, parts[0])
	} else {
		out = append(out, `{"type":"MultiLineString","coordinates":[`...)
		for i, part := range parts {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendLine(out, part)
		}
		out = append(out, ']')
	}
	return append(out, '}'), nil
}

func appendLine(out []byte, ls orb.LineString) []byte {
	if len(ls) == 1 { // a LineString has two positions or more
		ls = orb.LineString{ls[0], ls[0]}
	}
	out = append(out, '[')
	for i, p := range ls {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '[')
		out = appendDegrees(out, p[0])
		out = append(out, ',')
		out = appendDegrees(out, p[1])
		out = append(out, ']')
	}
	return append(out, ']')
}

func appendDegrees(out []byte, d float64) []byte {
	d = math.Round(d*1e5) / 1e5
	if d == 0 {
		d = 0 // no negative zero
	}
	return strconv.AppendFloat(out, d, 'f', -1, 64)
}
