// Package reference knows the numbers that freight papers and equipment carry:
// how each kind is written and, where it has one, its check digit. A number that
// is wrong in one digit is refused here, before a consignment is filed under it.
//
// It looks nothing up: a well-formed container number need not be a container
// that exists. It does no I/O.
package reference

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says what a number is of.
type Kind string

// Kinds, in the order they are shown.
const (
	BillOfLading Kind = "bl"         // sea waybill or B/L, as the line issued it
	CMR          Kind = "cmr"        // road consignment note
	SMGS         Kind = "smgs"       // railway consignment note of the OSJD
	AWB          Kind = "awb"        // air waybill: airline prefix and serial, IATA Resolution 600a
	TIRCarnet    Kind = "tir-carnet" // two letters and eight digits
	Container    Kind = "container"  // ISO 6346, and loading units of EN 13044
	Vessel       Kind = "imo"        // IMO ship identification number
	MMSI         Kind = "mmsi"       // radio identity of a ship, ITU-R M.585
	Wagon        Kind = "wagon"      // twelve digits (UIC 438-2) or eight (1520 mm networks)
	Plate        Kind = "plate"      // of a lorry or trailer, as issued
	Order        Kind = "order"      // the shipper's own
	Other        Kind = "other"
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{BillOfLading, CMR, SMGS, AWB, TIRCarnet, Container, Vessel, MMSI, Wagon, Plate, Order, Other}
}

// Error is a number that cannot be of its kind.
type Error struct {
	Kind   Kind
	Number string // as given, shortened
	Reason string // what to look at
}

func (e *Error) Error() string { return fmt.Sprintf("%s %q: %s", e.Kind, e.Number, e.Reason) }

const (
	maxNumber = 64 // characters
	shown     = 40
)

var (
	containerForm = regexp.MustCompile(`^[A-Z]{3}[UJZK]\d{7}$`)
	carnetForm    = regexp.MustCompile(`^[A-Z]{2}\d{8}$`)
	plainForm     = regexp.MustCompile(`^[A-Z0-9][A-Z0-9/\-]*$`)
)

// Parse checks a number and returns it as it is filed: capitals, without the
// spaces, dots and hyphens people write between its parts. Plates, orders and
// other numbers keep theirs. The error is an *Error.
func Parse(kind Kind, number string) (string, error) {
	refuse := func(format string, args ...any) (string, error) {
		return "", &Error{kind, shorten(number), fmt.Sprintf(format, args...)}
	}
	text := strings.TrimSpace(number)
	switch {
	case text == "":
		return refuse("the number is missing")
	case !utf8.ValidString(text):
		return refuse("it is not UTF-8 text")
	case utf8.RuneCountInString(text) > maxNumber:
		return refuse("it has %d characters, at most %d", utf8.RuneCountInString(text), maxNumber)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse("it holds a character that cannot be printed")
	}
	bare := strings.ToUpper(strings.NewReplacer(" ", "", ".", "", "-", "", "\u00a0", "").Replace(text))
	switch kind {
	case Container:
		if !containerForm.MatchString(bare) {
			return refuse("a container number is three letters, U, J, Z or K, and seven digits, such as CSQU3054383")
		}
		if want := containerDigit(bare[:10]); bare[10] != want {
			return refuse("its check digit would be %c, not %c: a digit is wrong, or two are swapped", want, bare[10])
		}
		return bare, nil
	case Vessel:
		bare = strings.TrimPrefix(bare, "IMO")
		if !digits(bare, 7) {
			return refuse("an IMO number is seven digits, such as 9074729")
		}
		if want := vesselDigit(bare[:6]); bare[6] != want {
			return refuse("its check digit would be %c, not %c: a digit is wrong, or two are swapped", want, bare[6])
		}
		return bare, nil
	case MMSI:
		if !digits(bare, 9) {
			return refuse("an MMSI is nine digits, such as 412345678")
		}
		if bare[0] < '2' || bare[0] > '7' {
			return refuse("a ship's MMSI begins with 2 to 7")
		}
		return bare, nil
	case Wagon:
		if !digits(bare, 12) && !digits(bare, 8) {
			return refuse("a wagon number is twelve digits, or eight on 1520 mm")
		}
		if want := luhn(bare[:len(bare)-1]); bare[len(bare)-1] != want {
			return refuse("its check digit would be %c, not %c: a digit is wrong, or two are swapped", want, bare[len(bare)-1])
		}
		return bare, nil
	case AWB:
		if !digits(bare, 11) {
			return refuse("an air waybill is an airline's three digits and eight more, such as 020-12345675")
		}
		if want := airDigit(bare[3:10]); bare[10] != want {
			return refuse("its check digit would be %c, not %c: a digit is wrong, or two are swapped", want, bare[10])
		}
		return bare[:3] + "-" + bare[3:], nil
	case TIRCarnet:
		if !carnetForm.MatchString(bare) {
			return refuse("a TIR carnet number is two letters and eight digits, such as XB25000001")
		}
		return bare, nil
	case BillOfLading, CMR, SMGS:
		flat := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
		if !plainForm.MatchString(flat) {
			return refuse("it holds only letters A to Z, digits, / and -")
		}
		return flat, nil
	case Plate:
		return strings.ToUpper(strings.Join(strings.Fields(text), " ")), nil
	case Order, Other:
		return strings.Join(strings.Fields(text), " "), nil
	}
	return refuse("this kind of number is not known; use one of %s", list())
}

func list() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func shorten(s string) string {
	if utf8.RuneCountInString(s) <= shown {
		return s
	}
	return string([]rune(s)[:shown]) + "…"
}

func digits(s string, n int) bool {
	return len(s) == n && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// containerDigit weighs each character with a power of two; letters count from
// 10 and leave out the multiples of 11 (ISO 6346, annex A).
func containerDigit(s string) byte {
	sum := 0
	for i, c := range []byte(s) {
		v := int(c - '0')
		if c >= 'A' {
			v = int(c-'A') + 10
			v += (v - 1) / 10 // 11, 22 and 33 are no value
		}
		sum += v << i
	}
	return '0' + byte(sum%11%10)
}

// vesselDigit weighs the digits with 7 down to 2 (IMO Resolution A.1117(30)).
func vesselDigit(s string) byte {
	sum := 0
	for i, c := range []byte(s) {
		sum += int(c-'0') * (7 - i)
	}
	return '0' + byte(sum%10)
}

// luhn doubles every second digit from the last; railways use it for twelve
// digits and for eight.
func luhn(s string) byte {
	sum := 0
	for i := range s {
		v := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			v *= 2
			v = v/10 + v%10
		}
		sum += v
	}
	return '0' + byte((10-sum%10)%10)
}

// airDigit is the serial's remainder by seven.
func airDigit(s string) byte {
	n := 0
	for _, c := range []byte(s) {
		n = (n*10 + int(c-'0')) % 7
	}
	return '0' + byte(n)
}
