package regime

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"corridor/geodata"
	"corridor/routing"
)

// This file knows goods by their codes: the harmonised system and UN numbers.

// hsCodes are the 1,228 headings of HS 2022, a line each, with the last two digits
// of their subheadings: the first six digits of the EU's Combined Nomenclature of
// 2023, chapters 98 and 99 left out.
//
//go:embed hs.txt
var hsCodes string

// unNumbers are UN numbers that freight is often declared under, with their class
// (general knowledge). It is not the whole list of some 2,900.
//
//go:embed un.csv
var unNumbers string

// KnownHS reports whether a code of 2 to 10 digits is in HS 2022. Digits after the
// sixth are national and are not looked at.
func KnownHS(code string) bool {
	if len(code) < 2 || len(code) > 10 || strings.Trim(code, "0123456789") != "" {
		return false
	}
	if len(code) < 4 {
		return strings.HasPrefix(hsCodes, code) || strings.Contains(hsCodes, "\n"+code)
	}
	line, ok := lineOf(hsCodes, code[:4]+" ")
	if !ok || len(code) == 4 {
		return ok
	}
	for sub := range strings.FieldsSeq(line[5:]) {
		if strings.HasPrefix(sub, code[4:min(6, len(code))]) {
			return true
		}
	}
	return false
}

// lineOf is the line of a text that begins with a prefix.
func lineOf(text, prefix string) (string, bool) {
	at := 0
	if !strings.HasPrefix(text, prefix) {
		i := strings.Index(text, "\n"+prefix)
		if i < 0 {
			return "", false
		}
		at = i + 1
	}
	line, _, _ := strings.Cut(text[at:], "\n")
	return line, true
}

// Substance is what a UN number stands for.
type Substance struct {
	UN    string // four digits
	Class string // class or division
	Name  string
}

// The highest UN numbers in use: explosives have a range of their own.
const (
	lastExplosive = "0515"
	firstOther    = "1001"
	lastOther     = "3560"
)

// UN looks a UN number up. assigned tells whether such a number can exist at all;
// of one that exists and is not known here the class must be given.
func UN(number string) (s Substance, known, assigned bool) {
	number = strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(number, " ", "")), "UN")
	if len(number) != 4 || strings.Trim(number, "0123456789") != "" {
		return Substance{}, false, false
	}
	assigned = number >= "0004" && number <= lastExplosive || number >= firstOther && number <= lastOther
	line, ok := lineOf(unNumbers, number+",")
	if !ok {
		return Substance{UN: number}, false, assigned
	}
	parts := strings.SplitN(line, ",", 3)
	return Substance{UN: parts[0], Class: parts[1], Name: parts[2]}, true, true
}

// Dangerous judges a class of dangerous goods by mode: ADR by road, RID and SMGS by
// rail, the IMDG Code at sea, IATA's regulations in the air.
func Dangerous(m geodata.Mode, class string) Verdict {
	if class == "" {
		return Verdict{}
	}
	in := func(list ...string) bool {
		main, _, _ := strings.Cut(class, ".")
		return slices.Contains(list, class) || slices.Contains(list, main)
	}
	const reason = "Class %s goods are not taken by %s under %s."
	switch {
	case m == geodata.Road && in("1", "7"):
		return broken(DangerousRoad, reason, class, "road", "ADR")
	case m == geodata.Rail && in("1", "6.2", "7"):
		return broken(DangerousRail, reason, class, "rail", "RID and SMGS")
	case m == geodata.Sea && in("1", "6.2", "7"):
		return broken(DangerousSea, reason, class, "sea", "the IMDG Code")
	case m == geodata.Air && in("1", "2.3"):
		return broken(DangerousAir, reason, class, "air", "IATA's regulations")
	}
	return Verdict{}
}

// KnownClass reports whether a text is a class or division of dangerous goods.
func KnownClass(class string) bool {
	return slices.Contains([]string{
		"1", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2", "2.1", "2.2", "2.3", "3",
		"4", "4.1", "4.2", "4.3", "5", "5.1", "5.2", "6", "6.1", "6.2", "7", "8", "9",
	}, class)
}

// sameClass reports whether a class says no other than a division of it.
func sameClass(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// CheckDangerous reads what a request says of dangerous goods: the class that
// counts, or what is wrong, with the field at fault.
func CheckDangerous(class, un string) (string, *routing.InputError) {
	if class != "" && !KnownClass(class) {
		return "", &routing.InputError{Field: "cargo.dg", Message: fmt.Sprintf("%q is not a class of dangerous goods: give 1 to 9 or a division such as 6.1", class)}
	}
	if un == "" {
		return class, nil
	}
	s, known, assigned := UN(un)
	switch {
	case !assigned:
		return "", &routing.InputError{Field: "cargo.un", Message: fmt.Sprintf("%q is not a UN number: give four digits such as 3480, from 0004 to %s or %s to %s", un, lastExplosive, firstOther, lastOther)}
	case !known && class == "":
		return "", &routing.InputError{Field: "cargo.un", Message: fmt.Sprintf("UN %s is not among the numbers Corridor knows: give its class as well", s.UN)}
	case known && class != "" && !sameClass(s.Class, class):
		return "", &routing.InputError{Field: "cargo.dg", Message: fmt.Sprintf("UN %s (%s) is of class %s, not %s", s.UN, s.Name, s.Class, class)}
	case known && len(s.Class) >= len(class):
		return s.Class, nil
	}
	return class, nil
}

// maxAirCharge is the state of charge, in per cent, up to which lithium ion cells
// that travel by themselves may fly.
const maxAirCharge = 30

// Lithium judges batteries by UN number and mode. belly says that the flight is
// known to be one of passengers; charge is the state of charge in per cent, 0 when
// nobody gave it.
func Lithium(m geodata.Mode, un string, belly bool, charge float64) Verdict {
	s, known, _ := UN(un)
	if !known {
		return Verdict{}
	}
	loose := s.UN == "3480" || s.UN == "3090"
	switch {
	case m == geodata.Air && loose && belly:
		return broken(LithiumAir, "UN %s (%s) may not fly with passengers.", s.UN, s.Name)
	case m == geodata.Air && s.UN == "3480" && charge > maxAirCharge:
		return broken(LithiumCharge, "The cells are charged to %g %%.", charge)
	case m == geodata.Rail && loose:
		return broken(LithiumRail, "UN %s (%s) are batteries by themselves.", s.UN, s.Name)
	}
	return Verdict{}
}

// LithiumAdvice is what a shipper of batteries must know of a mode that takes them;
// empty when nothing.
func LithiumAdvice(m geodata.Mode, un string, charge float64) string {
	s, known, _ := UN(un)
	if !known {
		return ""
	}
	switch {
	case m == geodata.Air && s.UN == "3480" && charge == 0:
		return fmt.Sprintf("UN 3480 flies on freighters only, charged to no more than %d %% (rule %s): ask for a freighter and tell the state of charge.", maxAirCharge, LithiumAir.ID)
	case m == geodata.Air && (s.UN == "3480" || s.UN == "3090"):
		return fmt.Sprintf("UN %s flies on freighters only (rule %s).", s.UN, LithiumAir.ID)
	case m == geodata.Rail && (s.UN == "3481" || s.UN == "3091"):
		return fmt.Sprintf("China–Europe trains take batteries inside consumer goods since November 2023 (rule %s): the operator confirms each consignment.", LithiumRail.ID)
	}
	return ""
}
