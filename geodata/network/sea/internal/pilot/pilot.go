// Package pilot holds what the coastline alone does not tell a ship: the named
// passages and where to draw a gate across them, the lanes of canals and rivers,
// and the shoals passing ships keep clear of. The tables were drawn by hand;
// they say where each comes from. Nothing here is computed.
package pilot

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"corridor/geodata"

	"github.com/paulmach/orb"
)

//go:embed passages.txt
var passagesText string

//go:embed lanes.txt
var lanesText string

//go:embed shoals.txt
var shoalsText string

// Passage is a named strait, canal, cape or river approach.
type Passage struct {
	ID    string // lower-case, e.g. "bab-el-mandeb"
	Names geodata.Names
	Kind  string // strait, canal, cape, river, ice
	Shut  bool   // closed unless asked for
	// DraughtM is the deepest draught that passes, in metres; 0 when no limit is known.
	DraughtM float64
	// PenaltyNM is what passing costs beyond its length, as miles at sea: time
	// lost to locks, speed limits and convoys, and dues.
	PenaltyNM float64
	// Gates are lines across the water; a path that crosses one sails the passage.
	Gates []orb.LineString
}

// Lane is a channel drawn by hand, its ends in open water or on another lane.
type Lane struct {
	Name string
	Line orb.LineString
}

// Shoal is an area passing ships keep clear of.
type Shoal struct {
	Name string
	Bar  bool // as good as land: no way out of a harbour leads over it either
	Ring orb.Ring
}

// barSuffix ends the name of a shoal that is a bar.
const barSuffix = "(bar)"

// Passages reads the table of passages.
func Passages() ([]Passage, error) {
	var out []Passage
	err := eachLine(passagesText, func(line string) error {
		f := strings.Split(line, "|")
		if len(f) != 8 {
			return fmt.Errorf("want 8 fields, found %d", len(f))
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		p := Passage{
			ID: f[0], Kind: f[1], Shut: f[2] == "shut",
			Names: geodata.Names{EN: f[5], ZH: f[6], RU: f[7]},
		}
		var err error
		if p.DraughtM, err = number(f[3]); err != nil {
			return err
		}
		if p.PenaltyNM, err = number(f[4]); err != nil {
			return err
		}
		out = append(out, p)
		return nil
	}, func(line string) error {
		if len(out) == 0 {
			return fmt.Errorf("gate before the first passage")
		}
		ls, err := parseLine(line)
		if err != nil {
			return err
		}
		p := &out[len(out)-1]
		p.Gates = append(p.Gates, ls)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("passages.txt: %w", err)
	}
	return out, nil
}

// Lanes reads the table of lanes.
func Lanes() ([]Lane, error) {
	var out []Lane
	err := eachLine(lanesText, func(line string) error {
		out = append(out, Lane{Name: line})
		return nil
	}, func(line string) error {
		ls, err := parseLine(line)
		if err != nil {
			return err
		}
		l := &out[len(out)-1]
		l.Line = append(l.Line, ls...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lanes.txt: %w", err)
	}
	return out, nil
}

// Shoals reads the table of shoals.
func Shoals() ([]Shoal, error) {
	var out []Shoal
	err := eachLine(shoalsText, func(line string) error {
		name, bar := strings.CutSuffix(line, barSuffix)
		out = append(out, Shoal{Name: strings.TrimSpace(name), Bar: bar})
		return nil
	}, func(line string) error {
		ls, err := parseLine(line)
		if err != nil {
			return err
		}
		s := &out[len(out)-1]
		s.Ring = append(s.Ring, orb.Ring(ls)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("shoals.txt: %w", err)
	}
	return out, nil
}

// eachLine calls head for lines that begin at the margin and body for indented
// ones. Comments begin with #.
func eachLine(text string, head, body func(string) error) error {
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		do := head
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			do = body
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := do(line); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

// parseLine reads points written as mariners do, "lat,lon lat,lon".
func parseLine(s string) (orb.LineString, error) {
	var ls orb.LineString
	for _, f := range strings.Fields(s) {
		lat, lon, ok := strings.Cut(f, ",")
		if !ok {
			return nil, fmt.Errorf("point %q: want lat,lon", f)
		}
		y, err := strconv.ParseFloat(lat, 64)
		if err != nil {
			return nil, fmt.Errorf("point %q: %w", f, err)
		}
		x, err := strconv.ParseFloat(lon, 64)
		if err != nil {
			return nil, fmt.Errorf("point %q: %w", f, err)
		}
		if y < -90 || y > 90 || x < -180 || x > 360 {
			return nil, fmt.Errorf("point %q off the earth", f)
		}
		ls = append(ls, orb.Point{x, y})
	}
	return ls, nil
}

func number(s string) (float64, error) {
	if s == "" || s == "-" {
		return 0, nil
	}
	return strconv.ParseFloat(s, 64)
}
