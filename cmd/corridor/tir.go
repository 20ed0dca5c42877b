package main

import (
	"corridor/geodata"
	"corridor/routing/regime"
)

// convention is what the API asks of the TIR Convention.
type convention struct{}

// Territory is the customs territory of a country.
func (convention) Territory(c geodata.Country) geodata.Country {
	if regime.InEU(c) {
		return "EU"
	}
	return c
}

// Refuse tells why goods cannot go through the countries under a carnet.
func (convention) Refuse(countries []geodata.Country, hs string) string {
	return regime.TIR(countries, hs).Reason
}

// RecommendedGuaranteeEUR is UNECE's.
func (convention) RecommendedGuaranteeEUR() float64 { return regime.RecommendedGuaranteeEUR }
