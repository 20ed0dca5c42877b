package sea

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"corridor/geodata"
	"corridor/geodata/network/sea/internal/globe"
)

// maxPassages is how many passages a mask holds.
const maxPassages = 64

// mask is a set of passages by index.
type mask uint64

// terms are what a ship may not sail and what passages cost it: what ways are
// found under. Two of the same terms are equal.
type terms struct {
	shut   mask
	shoal  mask // of those shut, the ones too shallow for the ship
	prices prices
}

// prices is a list of price in bytes, so that terms compare.
type prices string

type price struct {
	passage uint8
	km      float32
}

func (p prices) list() []price {
	var out []price
	for b := []byte(p); len(b) > 0; b = b[5:] {
		out = append(out, price{b[0], math.Float32frombits(binary.LittleEndian.Uint32(b[1:]))})
	}
	return out
}

func pricesOf(list []price) prices {
	slices.SortFunc(list, func(a, b price) int { return cmp.Compare(a.passage, b.passage) })
	var b []byte
	for _, p := range list {
		b = binary.LittleEndian.AppendUint32(append(b, p.passage), math.Float32bits(p.km))
	}
	return prices(b)
}

// passage finds a passage by its id.
func (g *Graph) passage(id string) (int, error) {
	id = strings.ToLower(strings.TrimSpace(id))
	if i, ok := g.byID[id]; ok {
		return i, nil
	}
	e := &UnknownPassageError{ID: id}
	for _, p := range g.Passages() {
		e.Known = append(e.Known, p.ID)
	}
	return 0, e
}

// termsOf turns what a caller avoids into terms.
func (g *Graph) termsOf(avoid geodata.Avoid) (terms, error) {
	t := terms{shut: g.shut}
	for _, id := range avoid.Passages {
		id, open := strings.CutPrefix(strings.TrimSpace(id), "+")
		i, err := g.passage(id)
		if err != nil {
			return terms{}, err
		}
		if open {
			t.shut &^= 1 << i
		} else {
			t.shut |= 1 << i
		}
	}
	if d := avoid.DraughtM; d < 0 || d > maxDraughtM || math.IsNaN(d) {
		return terms{}, fmt.Errorf("draught %g m: give metres from 0 to %d", d, maxDraughtM)
	}
	for i := range g.passages {
		if p := &g.passages[i]; p.DraughtM > 0 && avoid.DraughtM > p.DraughtM {
			t.shut |= 1 << i
			t.shoal |= 1 << i
		}
	}
	var list []price
	for id, nm := range avoid.PassageNM {
		i, err := g.passage(id)
		if err != nil {
			return terms{}, err
		}
		if !(nm >= 0 && nm <= maxPriceNM) {
			return terms{}, fmt.Errorf("price of %s: %g nautical miles; give 0 to %d, or avoid the passage", id, nm, maxPriceNM)
		}
		if nm > 0 {
			list = append(list, price{uint8(i), float32(nm * globe.KMPerNM)})
		}
	}
	t.prices = pricesOf(list)
	return t, nil
}

const (
	maxDraughtM = 30     // the deepest ships draw 25 m
	maxPriceNM  = 30_000 // more than any way round
)
