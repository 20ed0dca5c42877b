package exact

import (
	"math"
	"strconv"
	"strings"
)

// number splits "13.5 ft" into 13.5 and "ft". ok is false without a number.
func number(s string) (v float64, unit string, ok bool) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == ',') {
		i++
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(s[:i], ",", "."), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, "", false
	}
	return v, strings.ToLower(strings.TrimSpace(s[i:])), true
}

// tonnes reads a weight limit: tonnes unless it names pounds, kilogrammes or
// short or long tons. A value that is no weight ("none", "default") is no limit.
func tonnes(s string) (float64, bool) {
	v, unit, ok := number(first(s))
	if !ok || v <= 0 {
		return 0, false
	}
	switch unit {
	case "", "t", "ton", "tonne", "tonnes", "to", "mt":
	case "kg":
		v /= 1000
	case "lb", "lbs":
		v *= 0.000_453_592_37
	case "st", "short ton", "short tons", "tons":
		v *= 0.907_184_74
	case "lt":
		v *= 1.016_046_908_8
	case "cwt":
		v *= 0.050_802_345_44
	default:
		return 0, false
	}
	if v > 500 {
		v /= 1000 // kilogrammes whose unit was forgotten
	}
	return v, v > 0.05 && v < 500
}

// metres reads a length limit: metres unless it names feet, inches or
// centimetres, as in "13'6\"" or "13 ft 6 in".
func metres(s string) (float64, bool) {
	v, unit, ok := number(first(s))
	if !ok || v <= 0 {
		return 0, false
	}
	switch {
	case unit == "" || unit == "m":
		if v > 100 {
			v /= 100 // centimetres whose unit was forgotten
		}
	case unit == "cm":
		v /= 100
	case unit == "in" || unit == `"` || unit == "inch":
		v *= 0.0254
	case strings.HasPrefix(unit, "'"), strings.HasPrefix(unit, "ft"), strings.HasPrefix(unit, "feet"):
		v *= 0.3048
		rest := strings.TrimLeft(unit, "'fet. -")
		if inches, more, ok := number(rest); ok && (more == "" || more == "in" || more == `"` || more == "''" || more == "inch") && inches < 12 {
			v += inches * 0.0254
		}
	default:
		return 0, false
	}
	return v, v > 0.5 && v < 100
}

// speed reads a speed limit in km/h.
func speed(s string) (float64, bool) {
	v, unit, ok := number(first(s))
	if !ok || v <= 0 {
		return 0, false
	}
	switch unit {
	case "", "km/h", "kmh", "kph":
	case "mph":
		v *= 1.609_344
	case "knots":
		v *= 1.852
	default:
		return 0, false
	}
	return v, v < 400
}

// first is the first of several values.
func first(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return s
}
