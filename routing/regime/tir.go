package regime

import (
	"corridor/geodata"
	"corridor/routing"
)

// This file holds what TIR asks besides the countries of the way.

// RecommendedGuaranteeEUR is what UNECE recommends that each national association
// answers for; national maxima differ.
const RecommendedGuaranteeEUR = 100_000

// assumedDutiesPercent is the share of the value taken to be at stake when a
// request does not tell (A).
const assumedDutiesPercent = 30

// maxOffices is the most customs offices of departure and destination together
// since 25 June 2022.
const maxOffices = 8

// Carnet judges a TIR journey by its terms: offices, vehicle and, when the duties
// are told, the guarantee. Duties at an assumed share forbid nothing; see Guarantee.
func Carnet(terms *routing.TIRTerms, valueEUR float64) Verdict {
	if terms == nil {
		return Verdict{}
	}
	if terms.Offices > maxOffices {
		return broken(TIROffices, "%d customs offices of departure and destination are asked for.", terms.Offices)
	}
	if terms.Unapproved && !terms.HeavyOrBulky {
		return broken(TIRVehicle, "The vehicle has no certificate of approval, and the goods are not heavy or bulky.")
	}
	if terms.DutiesPercent > 0 {
		return Guarantee(valueEUR, terms)
	}
	return Verdict{}
}

// Guarantee judges whether the duties and taxes at stake are covered. Where the
// request tells no share of the value, 30 % is assumed (A): national tariffs
// differ.
func Guarantee(valueEUR float64, terms *routing.TIRTerms) Verdict {
	share, guarantee, about := float64(assumedDutiesPercent), float64(RecommendedGuaranteeEUR), "an assumed "
	if terms != nil && terms.DutiesPercent > 0 {
		share, about = terms.DutiesPercent, ""
	}
	if terms != nil && terms.GuaranteeEUR > 0 {
		guarantee = terms.GuaranteeEUR
	}
	if stake := valueEUR * share / 100; stake > guarantee {
		return broken(TIRGuarantee, "At %s%g%% of the value, EUR %.0f of duties and taxes would be at stake, and the guarantee covers EUR %.0f.", about, share, stake, guarantee)
	}
	return Verdict{}
}

// CheckTerms reports terms that make no sense.
func CheckTerms(t *routing.TIRTerms) *routing.InputError {
	bad := func(field, message string) *routing.InputError {
		return &routing.InputError{Field: "tir." + field, Message: message}
	}
	switch {
	case t == nil:
	case t.Offices < 0 || t.Offices == 1:
		return bad("offices", "a TIR journey has at least two offices, one of departure and one of destination")
	case !(t.GuaranteeEUR >= 0) || t.GuaranteeEUR > 1e9:
		return bad("guarantee_eur", "the guarantee must be above 0, or left out")
	case !(t.DutiesPercent >= 0) || t.DutiesPercent > 1000:
		return bad("duties_percent", "duties and taxes must be a share of the value in per cent, or left out")
	}
	return nil
}

// CarnetCountries counts the countries of a journey as a carnet does: the EU, one
// customs territory, once for each time it is entered.
func CarnetCountries(countries []geodata.Country) int {
	n, inEU := 0, false
	for i, c := range countries {
		if i > 0 && countries[i-1] == c {
			continue
		}
		if !eu.has(c) || !inEU {
			n++
		}
		inEU = eu.has(c)
	}
	return n
}
