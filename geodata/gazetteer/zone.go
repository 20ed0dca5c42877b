package gazetteer

import (
	"math"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
)

// zoneShare is how small a part of a zone's places must be in a country for the zone to
// be a neighbour's there.
const zoneShare = 0.05

// zoneCountry is a time zone in a country.
type zoneCountry struct {
	zone    string
	country geodata.Country
}

// clocks tells the time zones a country does not have. The zones are a raster and the
// points of places are good to 2 km, so that some at a border have the neighbour's; but
// which zones a country has is plain from all its places.
type clocks struct {
	places map[zoneCountry]int
	most   map[string]int             // places of the country that has most of them, by zone
	whose  map[string]geodata.Country // that country
	has    map[geodata.Country]bool   // countries that are it for some zone
}

func (g *Gazetteer) countZones() clocks {
	c := clocks{map[zoneCountry]int{}, map[string]int{}, map[string]geodata.Country{}, map[geodata.Country]bool{}}
	l := g.layers[0]
	for i := range l.points {
		r := ref{0, int32(i)}
		k := zoneCountry{g.zones.Of(g.pointOf(r)), g.countryOf(r)}
		c.places[k]++
		if n := c.places[k]; n > c.most[k.zone] {
			c.most[k.zone], c.whose[k.zone] = n, k.country
		}
	}
	for zone, country := range c.whose {
		if !strings.HasPrefix(zone, "Etc/") {
			c.has[country] = true
		}
	}
	return c
}

// foreign tells that a zone is not one of the country's. Of a country without a zone of
// its own nothing is known.
func (c *clocks) foreign(zone string, country geodata.Country) bool {
	if !c.has[country] || c.whose[zone] == country {
		return false
	}
	return strings.HasPrefix(zone, "Etc/") || float64(c.places[zoneCountry{zone, country}]) < zoneShare*float64(c.most[zone])
}

// zoneReach is how far around a point is looked for a zone of its country, in km.
const zoneReach = 20

// zoneOf is the time zone of a point in a country.
func (g *Gazetteer) zoneOf(p orb.Point, country geodata.Country) string {
	zone := g.zones.Of(p)
	c := g.clocks()
	if !c.foreign(zone, country) {
		return zone
	}
	for km := 2.5; km <= zoneReach; km *= 2 {
		for bearing := 0.0; bearing < 2*math.Pi; bearing += math.Pi / 8 {
			sin, cos := math.Sincos(bearing)
			lat := p[1] + cos*km/111
			q := orb.Point{p[0] + sin*km/111/math.Max(0.1, math.Cos(lat*math.Pi/180)), lat}
			if near := g.zones.Of(q); !c.foreign(near, country) && c.places[zoneCountry{near, country}] > 0 {
				return near
			}
		}
	}
	return zone
}
