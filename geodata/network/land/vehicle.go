package land

import (
	"slices"

	"corridor/geodata"
)

// bars tells whether a line is known to be closed to a vehicle. What is not known
// does not close it: see unchecked.
func (k Kind) bars(v geodata.Vehicle) bool {
	gauge := int(k.GaugeMM)
	russian := func(mm int) bool { return mm == 1520 || mm == 1524 } // wagons run through
	return v.AvoidTolls && k.Tolled == geodata.Yes ||
		v.AvoidFerries && k.Ferry != "" ||
		v.GaugeMM != 0 && gauge != 0 && gauge != v.GaugeMM && (!russian(gauge) || !russian(v.GaugeMM)) ||
		v.Electric && k.Electrified == geodata.No
}

// unchecked names what a vehicle asks of a line and the data does not tell. The
// world's lines have no limits of weight and size at all.
func (g *Graph) unchecked(k Kind, v geodata.Vehicle) []string {
	var out []string
	add := func(ask bool, what string) {
		if ask {
			out = append(out, what)
		}
	}
	if g.mode == geodata.Rail {
		add(v.GaugeMM != 0 && k.GaugeMM == 0, "gauge")
		add(v.Electric && k.Electrified == geodata.Unknown, "electrification")
		return out
	}
	add(v.WeightT > 0, "weight")
	add(v.AxleT > 0, "axle load")
	add(v.HeightM > 0, "height")
	add(v.WidthM > 0, "width")
	add(v.LengthM > 0, "length")
	add(v.AvoidTolls && k.Tolled == geodata.Unknown, "tolls")
	return out
}

// barred lists by kind what a vehicle may not use; nil when that is nothing.
func (g *Graph) barred(v geodata.Vehicle) []bool {
	out := make([]bool, len(g.kinds))
	for i, k := range g.kinds {
		out[i] = k.bars(v)
	}
	if !slices.Contains(out, true) {
		return nil
	}
	return out
}
