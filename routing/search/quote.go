package search

import (
	"slices"

	"corridor/geodata"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// This file lets carriers' own prices stand for the reference rates.

// stopAt is a site as prices know it; a door is its place.
func (q *query) stopAt(s int32) timetable.Stop {
	out := q.sites[s].stop()
	switch s {
	case atOrigin:
		out.Place = q.origin.Code
	case atDestination:
		out.Place = q.dest.Code
	}
	return out
}

func (q *query) lane(h *hop, from, to int32, km float64) tariff.Lane {
	return tariff.Lane{
		Mode: h.mode, TIR: h.mode == geodata.Road && h.regime == tariff.TIR,
		From: q.stopAt(from), To: q.stopAt(to), KM: km, On: q.depart, Carrier: h.service.Carrier,
	}
}

// haul is the price of moving: a carrier's where one fits, else the reference. A
// way that crosses borders by land is priced whole (see quoteChains): a price up to
// a post is nobody's.
func (q *query) haul(h *hop, reference func() []tariff.Item) []tariff.Item {
	if h.quoted {
		return slices.Clone(h.quote)
	}
	fast := h.service.Via == "express" && h.service.Carrier == "" // nobody says that its price is for a fast ship
	if q.sites[h.from].kind != post && q.sites[h.to].kind != post && !fast {
		if items, ok := q.p.rates.Haul(q.goods, q.lane(h, h.from, h.to, h.km)); ok {
			return items
		}
	}
	return reference()
}

// handling is the price of the terminal at one end of a hop.
func (q *query) handling(h *hop, end int32, what string, reference tariff.Item) tariff.Item {
	at := tariff.Origin
	if end == h.to {
		at = tariff.Destination
	}
	if item, ok := q.p.rates.Handling(q.goods, q.lane(h, h.from, h.to, h.km), at); ok {
		item.What = what
		return item
	}
	return reference
}

// quoteChains finds the ways by lorry or train over borders that a carrier prices
// from end to end, when their lengths are known.
func (q *query) quoteChains(hops []hop) {
	for i := 0; i < len(hops); i++ {
		h := &hops[i]
		if h.mode != geodata.Road && h.mode != geodata.Rail || h.cross != nil {
			continue
		}
		end, km := i, h.km
		for end+1 < len(hops) && hops[end+1].mode == h.mode && q.sites[hops[end].to].kind == post && hops[end+1].ferryKM == 0 {
			end++
			if hops[end].cross == nil {
				km += hops[end].km
			}
		}
		if end == i || q.sites[hops[end].to].kind == post {
			continue
		}
		if items, ok := q.p.rates.Haul(q.goods, q.lane(h, h.from, hops[end].to, km)); ok {
			for k := i; k <= end; k++ {
				hops[k].quoted = true
			}
			h.quote = items
		}
		i = end
	}
}
