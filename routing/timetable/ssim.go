package timetable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"corridor/geodata"
)

// The parts of an SSIM chapter 7 record that are read, as columns from 0 with the
// end outside. A record has 200 columns; type 2 tells whether times are UTC or
// local, type 3 is a flight leg.
const (
	ssimLength = 200

	ssimTimeMode = 1 // of type 2: U or L

	ssimAirline, ssimAirlineEnd = 2, 5
	ssimNumber, ssimNumberEnd   = 5, 9
	ssimService                 = 13
	ssimFrom, ssimFromEnd       = 14, 21 // period of operation, DDMMMYY
	ssimUntil, ssimUntilEnd     = 21, 28
	ssimDays, ssimDaysEnd       = 28, 35
	ssimFortnight               = 35 // 2: every second week
	ssimOrigin, ssimOriginEnd   = 36, 39
	ssimSTD, ssimSTDEnd         = 43, 47 // of the aircraft
	ssimOutZone, ssimOutZoneEnd = 47, 52 // local time less UTC, +0800
	ssimDest, ssimDestEnd       = 54, 57
	ssimSTA, ssimSTAEnd         = 57, 61
	ssimInZone, ssimInZoneEnd   = 65, 70
	ssimAircraft                = 72
	ssimAircraftEnd             = 75
	ssimDateVar                 = 192 // days later than the date of the period: departure, arrival
)

// freighterServices are the service types that fly freight only; passengerServices
// those that take it in the belly (IATA SSIM appendix C).
const (
	freighterServices = "FVMAH"
	passengerServices = "JSUQGBCRL"
)

// ReadSSIM reads flights in the form of IATA SSIM chapter 7. Each leg of a flight
// is a service of its own; legs between airports the locator does not know are
// skipped. The cut-off is that of general cargo, which schedules do not tell.
func ReadSSIM(in io.Reader, at Locator) (Reading, error) {
	var r Reading
	var departures lines
	const cutoffH = 6 // before departure (A)
	scanner := bufio.NewScanner(skipBOM(in))
	scanner.Buffer(nil, 1<<16)
	utc, carrier := false, false
	for n := 1; scanner.Scan(); n++ {
		row := strings.TrimRight(scanner.Text(), "\r")
		if strings.Trim(row, "0 ") == "" {
			continue // between the records of a tape lie lines of zeros
		}
		switch row[0] {
		case '1', '4', '5':
			continue
		case '2':
			if len(row) < ssimTimeMode+1 || row[ssimTimeMode] != 'U' && row[ssimTimeMode] != 'L' {
				r.refuse(n, "a carrier record that does not say whether times are UTC (U) or local (L)")
				carrier = false
				continue
			}
			utc, carrier = row[ssimTimeMode] == 'U', true
			continue
		case '3':
		default:
			r.refuse(n, "record type %q is not 1 to 5", row[:1])
			if len(r.Problems) > maxProblems {
				return r, errors.New("this is no SSIM chapter 7: too many lines are no records of it")
			}
			continue
		}
		switch {
		case !carrier:
			r.refuse(n, "a flight before its carrier record, which says what its times mean")
			continue
		case len(row) < ssimAircraftEnd || len(row) > ssimLength:
			r.refuse(n, "%d columns, a record has %d", len(row), ssimLength)
			continue
		}
		leg, err := ssimLeg(row, utc)
		if err != nil {
			r.refuse(n, "%v", err)
			continue
		}
		from, ok1 := at.Airport(leg.from)
		to, ok2 := at.Airport(leg.to)
		if leg.kind == "" || !ok1 || !ok2 || from == to {
			r.Skipped++
			continue
		}
		x := line{
			mode: geodata.Air, from: from, to: to, carrier: leg.airline, hours: roundHours(leg.hours), cutoffH: cutoffH, belly: leg.kind == "belly",
			name: fmt.Sprintf("%s %s, %s", leg.airline, leg.number, leg.kind),
		}
		for _, d := range leg.departures {
			if err := departures.add(x, d); err != nil {
				return r, err
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return r, fmt.Errorf("read: %w", err)
	}
	r.Services = departures.services("ssim", geodata.Origin{Kind: "P", Confidence: "H", Source: "IATA SSIM chapter 7"})
	return r, nil
}

type ssimFlight struct {
	airline, number, from, to string
	kind                      string // freighter, belly; empty: takes no freight
	hours                     float64
	departures                []time.Time
}

func ssimLeg(row string, utc bool) (ssimFlight, error) {
	field := func(a, b int) string { return strings.TrimSpace(row[a:b]) }
	f := ssimFlight{
		airline: field(ssimAirline, ssimAirlineEnd), number: strings.TrimLeft(field(ssimNumber, ssimNumberEnd), "0"),
		from: field(ssimOrigin, ssimOriginEnd), to: field(ssimDest, ssimDestEnd),
	}
	if len(f.airline) < 2 || f.number == "" || len(f.from) != 3 || len(f.to) != 3 {
		return f, fmt.Errorf("airline, flight or airports are missing in %q", strings.TrimSpace(row[:ssimDestEnd]))
	}
	switch kind := row[ssimService : ssimService+1]; {
	case strings.Contains(freighterServices, kind):
		f.kind = "freighter"
	case strings.Contains(passengerServices, kind):
		f.kind = "belly"
	}
	begin, err := ssimDate(field(ssimFrom, ssimFromEnd))
	if err != nil {
		return f, err
	}
	end := begin.AddDate(1, 0, 0) // open: a year is enough to plan with
	if s := field(ssimUntil, ssimUntilEnd); s != "00XXX00" && s != "" {
		if end, err = ssimDate(s); err != nil {
			return f, err
		}
	}
	if end.Before(begin) || end.Sub(begin) > 800*24*time.Hour {
		return f, fmt.Errorf("the period from %s to %s is none", begin.Format(time.DateOnly), end.Format(time.DateOnly))
	}
	std, ok1 := clock(field(ssimSTD, ssimSTDEnd))
	sta, ok2 := clock(field(ssimSTA, ssimSTAEnd))
	if !ok1 || !ok2 || std > 24*time.Hour || sta > 24*time.Hour {
		return f, fmt.Errorf("the times %q and %q are not like 1730", field(ssimSTD, ssimSTDEnd), field(ssimSTA, ssimSTAEnd))
	}
	var out, in time.Duration
	if !utc {
		if out, err = ssimZone(row[ssimOutZone:ssimOutZoneEnd]); err != nil {
			return f, err
		}
		if in, err = ssimZone(row[ssimInZone:ssimInZoneEnd]); err != nil {
			return f, err
		}
	}
	later, arrives := 0, 0
	if len(row) >= ssimDateVar+2 {
		if later, err = ssimVariation(row[ssimDateVar]); err != nil {
			return f, err
		}
		if arrives, err = ssimVariation(row[ssimDateVar+1]); err != nil {
			return f, err
		}
	}
	const day = 24 * time.Hour
	under := sta - in + time.Duration(arrives)*day - (std - out + time.Duration(later)*day)
	if len(row) < ssimDateVar+2 { // a short record: the first arrival that makes sense
		for under <= 0 {
			under += day
		}
	}
	if f.hours = under.Hours(); f.hours <= 0 || f.hours > 30 {
		return f, fmt.Errorf("%.1f h from %s to %s are no flight", f.hours, f.from, f.to)
	}
	days := row[ssimDays:ssimDaysEnd]
	if strings.Trim(days, " 1234567") != "" || strings.TrimSpace(days) == "" {
		return f, fmt.Errorf("the days of operation are %q, not like 1 3 5 7", days)
	}
	step := 7
	if row[ssimFortnight] == '2' {
		step = 14
	}
	for i, c := range days {
		if c == ' ' {
			continue
		}
		if int(c-'1') != i {
			return f, fmt.Errorf("the days of operation are %q, not like 1 3 5 7", days)
		}
		weekday := time.Weekday((i + 1) % 7) // SSIM begins with Monday
		for d := begin.AddDate(0, 0, (int(weekday)-int(begin.Weekday())+7)%7); !d.After(end); d = d.AddDate(0, 0, step) {
			f.departures = append(f.departures, d.AddDate(0, 0, later).Add(std-out))
		}
	}
	if len(f.departures) == 0 {
		return f, fmt.Errorf("nothing flies from %s to %s on the days %q", begin.Format(time.DateOnly), end.Format(time.DateOnly), days)
	}
	return f, nil
}

func ssimDate(s string) (time.Time, error) {
	if len(s) == 7 { // 01DEC26
		if t, err := time.Parse("02Jan06", s[:2]+s[2:3]+strings.ToLower(s[3:5])+s[5:]); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 01DEC26", s)
}

// ssimZone reads +0800.
func ssimZone(s string) (time.Duration, error) {
	if len(s) == 5 && (s[0] == '+' || s[0] == '-') {
		if d, ok := clock(s[1:]); ok && d <= 15*time.Hour {
			if s[0] == '-' {
				d = -d
			}
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is not a difference to UTC such as +0800", s)
}

// ssimVariation reads the days by which a flight is later than its period: a digit,
// or A for the day before.
func ssimVariation(c byte) (int, error) {
	switch {
	case c == ' ':
		return 0, nil
	case c >= '0' && c <= '7':
		return int(c - '0'), nil
	case c == 'A':
		return -1, nil
	}
	return 0, fmt.Errorf("the date variation %q is not a digit or A", string(c))
}
