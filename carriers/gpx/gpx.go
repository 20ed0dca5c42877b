// Package gpx reads the track points of GPX 1.0 and 1.1 files, in one pass and
// without holding the file: they reach gigabytes. Way points and routes are
// plans, not recordings, and are passed over.
package gpx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"corridor/tracking"
)

// Reader reads the points of all tracks in a file. Use NewReader.
type Reader struct {
	xml     *xml.Decoder
	skipped map[string]int
	root    bool // <gpx> was seen
	track   int
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader {
	d := xml.NewDecoder(r)
	d.CharsetReader = charset
	return &Reader{xml: d, skipped: make(map[string]int)}
}

// Next returns the next track point, or io.EOF after the last. Its unit is empty
// in the first track and "track-2" and so on in those behind; its time is zero
// when the point has none.
func (r *Reader) Next() (tracking.Position, error) {
	for {
		token, err := r.xml.Token()
		if errors.Is(err, io.EOF) && r.root {
			return tracking.Position{}, io.EOF
		}
		if err != nil {
			return tracking.Position{}, fmt.Errorf("read GPX: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch {
		case !r.root && start.Name.Local != "gpx":
			return tracking.Position{}, fmt.Errorf("read GPX: the file is %q, not gpx", start.Name.Local)
		case start.Name.Local == "gpx":
			r.root = true
		case start.Name.Local == "trk":
			r.track++
		case start.Name.Local == "wpt", start.Name.Local == "rte":
			r.skipped[map[string]string{"wpt": "way point", "rte": "route"}[start.Name.Local]]++
			if err := r.xml.Skip(); err != nil {
				return tracking.Position{}, fmt.Errorf("read GPX: %w", err)
			}
		case start.Name.Local == "trkpt":
			p, reason, err := r.point(start)
			if err != nil {
				return tracking.Position{}, fmt.Errorf("read GPX: %w", err)
			}
			if reason != "" {
				r.skipped[reason]++
				continue
			}
			return p, nil
		}
	}
}

// Skipped tells how many elements were passed over, by reason, so far.
func (r *Reader) Skipped() map[string]int { return r.skipped }

// point reads a track point up to its end. Speed and course stand in it directly
// (GPX 1.0) or in an extension (Garmin and others, in m/s and degrees).
func (r *Reader) point(start xml.StartElement) (p tracking.Position, reason string, err error) {
	var haveLat, haveLon bool
	for _, a := range start.Attr {
		v, err := strconv.ParseFloat(strings.TrimSpace(a.Value), 64)
		finite := err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
		switch a.Name.Local {
		case "lat":
			p.Lat, haveLat = v, finite
		case "lon":
			p.Lon, haveLon = v, finite
		}
	}
	if r.track > 1 {
		p.Unit = tracking.UnitID(fmt.Sprintf("track-%d", r.track))
	}
	if !haveLat || !haveLon {
		reason = "latitude or longitude is no number"
	}
	var text strings.Builder
	for depth := 1; depth > 0; {
		token, err := r.xml.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return p, "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			text.Reset()
		case xml.CharData:
			if text.Len() < 100 {
				text.Write(t)
			}
		case xml.EndElement:
			depth--
			value := strings.TrimSpace(text.String())
			text.Reset()
			if value == "" {
				continue
			}
			switch t.Name.Local {
			case "time":
				at, ok := parseTime(value)
				if !ok {
					reason = "time not understood"
				}
				p.Time = at
			case "speed":
				if v, err := strconv.ParseFloat(value, 64); err == nil && v >= 0 && v < 1e5 {
					p.SpeedKMH = tracking.Known(v * 3.6)
				}
			case "course":
				if v, err := strconv.ParseFloat(value, 64); err == nil && v >= 0 && v <= 360 {
					p.CourseDeg = tracking.Known(math.Mod(v, 360))
				}
			}
		}
	}
	return p, reason, nil
}

// parseTime reads what GPX asks for, and what some devices write instead.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// charset reads the one encoding besides UTF-8 that is met.
func charset(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "iso-8859-1", "latin1", "us-ascii", "ascii", "windows-1252":
		return &latin1{from: r}, nil
	}
	return nil, fmt.Errorf("encoding %s is not supported: convert the file to UTF-8", name)
}

// latin1 turns each byte above 127 into two of UTF-8.
type latin1 struct {
	from io.Reader
	rest []byte
}

func (l *latin1) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		var in [512]byte
		n, err := l.from.Read(in[:])
		for _, b := range in[:n] {
			l.rest = append(l.rest, string(rune(b))...)
		}
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
