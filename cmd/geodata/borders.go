package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/border"
	"corridor/geodata/path"
)

const (
	// sideReachKM is how far from a post's one known point its country may begin:
	// a rail post is often drawn at the station, some way from the line.
	sideReachKM = 30
	// sideDepthKM is how far inside a country a side lies, beyond doubt with shapes
	// good to half a kilometre.
	sideDepthKM = 1
)

// buildBorders makes geodata/border/sides.csv and others_sides.csv: for every land
// post one point in each country, the nearest to the post that is surely inside.
func buildBorders(context.Context, *fetcher) error {
	a, err := area.Open()
	if err != nil {
		return err
	}
	for file, read := range map[string]func() ([]geodata.BorderPost, error){
		"sides.csv": border.Posts, "others_sides.csv": border.Others,
	} {
		posts, err := read()
		if err != nil {
			return err
		}
		out, err := sidesOf(a, posts)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("geodata", "border", file), []byte(out), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func sidesOf(a *area.Area, posts []geodata.BorderPost) (string, error) {
	var out strings.Builder
	var astray []string
	out.WriteString("id,lat_a,lon_a,lat_b,lon_b\n")
	for _, p := range posts {
		// The sides of a ferry are its two ports.
		if p.Serves(geodata.Sea) || strings.Contains(p.Note, "ferry") {
			continue
		}
		var sides [2]orb.Point
		for i, c := range p.Countries {
			var ok bool
			if sides[i], ok = inside(a, p.Point, c); !ok {
				astray = append(astray, fmt.Sprintf("%s at %v is farther than %d km from %s", p.ID, p.Point, sideReachKM, c))
			}
		}
		fmt.Fprintf(&out, "%s,%.4f,%.4f,%.4f,%.4f\n", p.ID, sides[0].Lat(), sides[0].Lon(), sides[1].Lat(), sides[1].Lon())
	}
	if len(astray) > 0 {
		return "", fmt.Errorf("border posts: %s", strings.Join(astray, "; "))
	}
	return out.String(), nil
}

// inside is the point nearest to p that lies well inside the country.
func inside(a *area.Area, p orb.Point, c geodata.Country) (orb.Point, bool) {
	in := func(q orb.Point) bool {
		for course := 0.0; course < 360; course += 45 {
			if at, ok := a.Land(path.Destination(q, course, sideDepthKM)); !ok || at != c {
				return false
			}
		}
		return true
	}
	if in(p) {
		return p, true
	}
	for km := 0.5; km <= sideReachKM; km += 0.5 {
		for course := 0.0; course < 360; course += 15 {
			if q := path.Destination(p, course, km); in(q) {
				return orb.Point{math.Round(q[0]*1e4) / 1e4, math.Round(q[1]*1e4) / 1e4}, true
			}
		}
	}
	return orb.Point{}, false
}
