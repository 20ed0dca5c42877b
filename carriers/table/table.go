// Package table reads recordings whose positions are rows of named values: CSV
// with a header, or JSON objects (an array, one a line, or the "positions" of an
// answer of Corridor's own API). It finds out from the names which value is what,
// because every fleet system calls them otherwise.
//
// It is for files, not for the API: what it cannot read in a row it counts and
// passes over. carriers.DecodePositions is the strict one.
package table

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"corridor/tracking"
)

// role is what a value means.
type role int

const (
	unit role = iota
	moment
	date // with moment holding the time of day only
	latitude
	longitude
	point // WKT
	speed
	course
	accuracy
	roles
)

func (r role) String() string {
	return [...]string{"unit", "time", "date", "latitude", "longitude", "point", "speed", "course", "accuracy"}[r]
}

// names lists what columns are called, the most telling first. A name is in lower
// case with what is no letter or digit left out.
var names = [roles][]string{
	unit: {
		"unit", "unitid", "vehicleid", "vehicle", "vehicleref", "deviceid", "device", "imei", "mmsi", "icao24", "icao", "hex",
		"truckid", "truck", "trailer", "wagon", "licenseplate", "plate", "registration", "trackid", "individuallocalidentifier", "id",
	},
	moment: {
		"time", "timestamp", "datetime", "basedatetime", "recordedattime", "recordedat", "positiontime", "gpstime", "fixtime", "devicetime",
		"datetimeutc", "timestamputc", "utc", "utctime", "timeutc", "ts", "t", "receivedat", "servertime", "epoch", "unixtime",
	},
	date:      {"date", "day", "gpsdate"},
	latitude:  {"lat", "latitude", "latdeg", "gpslat", "gpslatitude", "positionlat", "positionlatitude", "locationlat", "locationlatitude", "y"},
	longitude: {"lon", "lng", "long", "longitude", "londeg", "lngdeg", "gpslon", "gpslng", "gpslongitude", "positionlon", "positionlng", "positionlongitude", "locationlon", "locationlong", "locationlng", "locationlongitude", "x"},
	point:     {"point", "wkt", "geom", "geometry", "location", "position", "latlon", "latlng"},
	speed:     {"speed"}, // and with a unit: see speedFactor
	course:    {"course", "coursedeg", "cog", "bearing", "track", "direction", "azimuth", "heading", "headingdeg"},
	accuracy:  {"accuracy", "accuracym", "horizontalaccuracy", "hacc", "eph"},
}

// speedNames ends in what the speed is counted in; a bare "speed" is km/h.
var speedNames = regexp.MustCompile(`^(?:ground|gps|vehicle)?(?:speed|velocity|sog|v)?(kmh|kph|kmph|kn|kt|kts|knots|mps|ms|mph)?$`)

const kmhAKnot, kmhAMPS, kmhAMPH = 1.852, 3.6, 1.609344

func speedFactor(name string) (float64, bool) {
	m := speedNames.FindStringSubmatch(name)
	if m == nil || name == "v" || name == "" || name == "ms" {
		return 0, false
	}
	switch m[1] {
	case "kn", "kt", "kts", "knots":
		return kmhAKnot, true
	case "mps", "ms":
		return kmhAMPS, true
	case "mph":
		return kmhAMPH, true
	}
	switch {
	case strings.HasSuffix(name, "sog"):
		return kmhAKnot, true
	case strings.HasSuffix(name, "velocity"): // as physicists and OpenSky count
		return kmhAMPS, true
	}
	return 1, true
}

// column is what a name means: rank 0 is the most telling.
type column struct {
	role   role
	rank   int
	factor float64 // of a speed
	prefix string  // of a unit's number
}

func recognise(name string) (column, bool) {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	for r, list := range names {
		if rank := slices.Index(list, plain); rank >= 0 {
			c := column{role: role(r), rank: rank, factor: 1}
			switch plain { // as packages ais and adsb call them
			case "mmsi":
				c.prefix = "MMSI-"
			case "icao24", "icao", "hex":
				c.prefix = "ICAO-"
			}
			return c, true
		}
	}
	if factor, ok := speedFactor(plain); ok {
		return column{role: speed, rank: len(plain), factor: factor}, true
	}
	return column{}, false
}

// row is one position's values by role, the most telling of each.
type row struct {
	values [roles]string
	from   [roles]column
	set    [roles]bool
}

func (r *row) add(c column, value string) {
	value = strings.TrimSpace(value)
	switch strings.ToLower(value) {
	case "", "null", "none", "nan", "n/a", "-":
		return
	}
	if !r.set[c.role] || c.rank < r.from[c.role].rank {
		r.values[c.role], r.from[c.role], r.set[c.role] = value, c, true
	}
}

// position reads a row; reason is why it is none.
func (r *row) position(c clock) (p tracking.Position, reason string) {
	p.Unit = tracking.UnitID(r.values[unit])
	if prefix := r.from[unit].prefix; prefix != "" && p.Unit != "" {
		p.Unit = tracking.UnitID(prefix + strings.ToUpper(r.values[unit]))
	}
	if r.set[moment] || r.set[date] {
		at, ok := c.parse(strings.TrimSpace(r.values[date] + " " + r.values[moment]))
		if !ok {
			at, ok = c.parse(r.values[moment])
		}
		if !ok {
			return p, "time not understood"
		}
		p.Time = at
	}
	switch {
	case r.set[latitude] && r.set[longitude]:
		var ok1, ok2 bool
		p.Lat, ok1 = number(r.values[latitude])
		p.Lon, ok2 = number(r.values[longitude])
		if !ok1 || !ok2 {
			return p, "latitude or longitude is no number"
		}
	case r.set[point]:
		var ok bool
		if p.Lon, p.Lat, ok = parsePoint(r.values[point]); !ok {
			return p, "point not understood"
		}
	default:
		return p, "no position"
	}
	if v, ok := number(r.values[speed]); ok && v >= 0 {
		p.SpeedKMH = tracking.Known(v * r.from[speed].factor)
	}
	if v, ok := number(r.values[course]); ok && v >= 0 && v <= 360 {
		p.CourseDeg = tracking.Known(math.Mod(v, 360))
	}
	if v, ok := number(r.values[accuracy]); ok && v >= 0 {
		p.AccuracyM = tracking.Known(v)
	}
	return p, ""
}

// number reads a decimal, with a comma where that is usual.
func number(s string) (float64, bool) {
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		s = strings.Replace(s, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// parsePoint reads WKT: POINT(lon lat), with or without an SRID before it; or two
// numbers, which people write latitude first.
func parsePoint(s string) (lon, lat float64, ok bool) {
	upper := strings.ToUpper(s)
	i := strings.Index(upper, "POINT")
	if i < 0 {
		first, second, found := strings.Cut(strings.Trim(s, "()[] "), ",")
		lat, ok1 := number(strings.TrimSpace(first))
		lon, ok2 := number(strings.TrimSpace(second))
		return lon, lat, found && ok1 && ok2
	}
	inner, found := strings.CutPrefix(strings.TrimLeft(upper[i+len("POINT"):], " ZM"), "(")
	inner, _, closed := strings.Cut(inner, ")")
	fields := strings.Fields(inner)
	if !found || !closed || len(fields) < 2 {
		return 0, 0, false
	}
	lon, ok1 := number(fields[0])
	lat, ok2 := number(fields[1])
	return lon, lat, ok1 && ok2
}

var (
	zoned = []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-0700", "2006-01-02T15:04:05-0700",
		"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05-07", time.RFC1123, time.RFC1123Z,
	}
	unzoned = []string{
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006/01/02 15:04:05", "02.01.2006 15:04:05",
		"2006-01-02 15:04", "20060102T150405", "20060102 150405",
	}
)

// clock says how the times of a file are to be read.
type clock struct {
	zone *time.Location // of times without one
	// monthFirst reads 02/01/2006 as the first of February, not the second of
	// January: see slashed.
	monthFirst bool
}

var slashes = regexp.MustCompile(`\b(\d\d)/(\d\d)/\d{4}\b`)

// slashed looks through the beginning of a file for a date that can only be read
// one way. Without one the day stands first.
func slashed(head []byte) (monthFirst bool) {
	for _, m := range slashes.FindAllSubmatch(head, -1) {
		switch {
		case string(m[1]) > "12":
			return false
		case string(m[2]) > "12":
			return true
		}
	}
	return false
}

// parse reads a moment in one of the usual forms, or as Unix time in s, ms, µs or
// ns by its size.
func (c clock) parse(s string) (time.Time, bool) {
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		for _, scale := range []float64{1, 1e3, 1e6, 1e9} {
			if seconds := v / scale; seconds >= 1e8 && seconds < 1e10 { // 1973 to 2286
				whole := math.Floor(seconds)
				return time.Unix(int64(whole), int64((seconds-whole)*1e9)).UTC().Round(time.Millisecond), true
			}
		}
		return time.Time{}, false
	}
	s = strings.TrimSuffix(strings.TrimSuffix(s, " UTC"), " GMT")
	for _, layout := range zoned {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	for _, layout := range unzoned {
		if t, err := time.ParseInLocation(layout, s, c.zone); err == nil {
			return t.UTC(), true
		}
	}
	layout := "02/01/2006 15:04:05"
	if c.monthFirst {
		layout = "01/02/2006 15:04:05"
	}
	t, err := time.ParseInLocation(layout, s, c.zone)
	return t.UTC(), err == nil
}

// missing complains that no name means what every row needs.
func missing(have []string) error {
	var found [roles]bool
	for _, name := range have {
		if c, ok := recognise(name); ok {
			found[c.role] = true
		}
	}
	if found[point] || found[latitude] && found[longitude] {
		return nil
	}
	return fmt.Errorf("no column for latitude and longitude among %q: name them lat and lon", have)
}

// tally counts rows by why they are no position.
type tally map[string]int

// Skipped tells how many rows were passed over, by reason, so far.
func (t tally) Skipped() map[string]int { return maps.Clone(t) }
