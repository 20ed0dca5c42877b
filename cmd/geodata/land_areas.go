package main

import (
	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
)

// areas tells which country holds a place, by number.
type areas struct {
	area  *area.Area
	codes []geodata.Country // 0 is no country
	index map[geodata.Country]uint8
}

func openAreas() (*areas, error) {
	a, err := area.Open()
	if err != nil {
		return nil, err
	}
	return &areas{a, []geodata.Country{""}, map[geodata.Country]uint8{}}, nil
}

// at returns the country whose land holds the place, or 0. Countries are
// numbered as they are first met.
func (a *areas) at(lat, lon float64) uint8 {
	c, ok := a.area.Land(orb.Point{lon, lat})
	if !ok {
		return 0
	}
	i, ok := a.index[c]
	if !ok {
		i = uint8(len(a.codes))
		a.codes, a.index[c] = append(a.codes, c), i
	}
	return i
}
