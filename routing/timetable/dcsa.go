package timetable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
)

// maxDCSA is the largest answer that is read, in bytes.
const maxDCSA = 256 << 20

// ReadDCSA reads answers of the DCSA Commercial Schedules API 1.0: an array as
// vessel-schedules, port-schedules or point-to-point-routes give it. Calls that
// are omitted or blank are skipped. Of several times of one event the actual one
// counts before the estimated and that before the planned.
//
// Lines are those where the element of the array begins that a problem lies in.
func ReadDCSA(in io.Reader, at Locator) (Reading, error) {
	var r Reading
	text, err := io.ReadAll(io.LimitReader(skipBOM(in), maxDCSA+1))
	if err != nil {
		return r, fmt.Errorf("read: %w", err)
	}
	if len(text) > maxDCSA {
		return r, fmt.Errorf("more than %d MiB: ask the carrier for fewer ports or weeks at a time", maxDCSA>>20)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return r, errors.New("this is no answer of the DCSA Commercial Schedules API: it does not begin with [")
	}
	var departures lines
	for dec.More() {
		begin := int(dec.InputOffset())
		for begin < len(text) && strings.IndexByte(" \t\r\n,", text[begin]) >= 0 {
			begin++
		}
		lineNo := 1 + bytes.Count(text[:begin], []byte("\n"))
		var element json.RawMessage
		if err := dec.Decode(&element); err != nil {
			// What follows a syntax error cannot be found.
			r.refuse(lineNo, "%v; the rest of the file is lost", err)
			break
		}
		d := dcsaReader{Reading: &r, at: at, line: lineNo, out: &departures}
		if err := d.element(element); err != nil {
			return r, err
		}
		if len(r.Problems) > maxProblems {
			return r, errors.New("this is no answer of the DCSA Commercial Schedules API: too many elements make no sense")
		}
	}
	r.Services = departures.services("dcsa", geodata.Origin{Kind: "P", Confidence: "H", Source: "DCSA commercial schedule"})
	return r, nil
}

type dcsaLocation struct {
	UNLocationCode string `json:"UNLocationCode"`
	LocationName   string `json:"locationName"`
	Address        struct {
		UNLocationCode string `json:"UNLocationCode"` // some carriers put it here
	} `json:"address"`
}

func (l dcsaLocation) code() string {
	if l.UNLocationCode != "" {
		return strings.ToUpper(l.UNLocationCode)
	}
	return strings.ToUpper(l.Address.UNLocationCode)
}

type dcsaCutoff struct {
	Code string `json:"cutOffDateTimeCode"`
	At   string `json:"cutOffDateTime"`
}

type dcsaCall struct {
	Location   dcsaLocation `json:"location"`
	Status     string       `json:"statusCode"`
	Timestamps []struct {
		Event      string `json:"eventTypeCode"`
		Classifier string `json:"eventClassifierCode"`
		At         string `json:"eventDateTime"`
	} `json:"timestamps"`
	Cutoffs []dcsaCutoff `json:"cutOffTimes"`
}

type dcsaEnd struct {
	Location dcsaLocation `json:"location"`
	Facility dcsaLocation `json:"facility"`
	At       string       `json:"dateTime"`
}

type dcsaLeg struct {
	Sequence  int `json:"sequenceNumber"`
	Transport struct {
		Mode            string          `json:"modeOfTransport"`
		ServiceName     string          `json:"carrierServiceName"`
		ServicePartners json.RawMessage `json:"servicePartners"`
		Vessel          struct {
			Name     string `json:"name"`
			Operator string `json:"operatorCarrierCode"`
		} `json:"vessel"`
	} `json:"transport"`
	Mode      string  `json:"modeOfTransport"` // of version 1.0 beta
	Departure dcsaEnd `json:"departure"`
	Arrival   dcsaEnd `json:"arrival"`
}

// dcsaReader reads one element of an answer.
type dcsaReader struct {
	*Reading
	at   Locator
	line int
	out  *lines
}

func (d *dcsaReader) bad(format string, args ...any) { d.refuse(d.line, format, args...) }

func (d *dcsaReader) element(raw json.RawMessage) error {
	var e struct {
		ServiceName     string          `json:"carrierServiceName"`
		ServiceCode     string          `json:"carrierServiceCode"`
		ServicePartners []dcsaPartner   `json:"servicePartners"`
		Vessels         json.RawMessage `json:"vesselSchedules"`
		Location        *dcsaLocation   `json:"location"`
		Legs            []dcsaLeg       `json:"legs"`
		Cutoffs         []dcsaCutoff    `json:"cutOffTimes"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		d.bad("%v", err)
		return nil
	}
	switch {
	case e.Legs != nil:
		return d.legs(e.Legs, e.Cutoffs)
	case e.Location != nil && e.Vessels != nil:
		// A port's list has calls at one port only: no two of them make a voyage.
		d.bad("port-schedules tell of one port only: import vessel-schedules or point-to-point-routes instead")
		return nil
	case e.Vessels == nil:
		d.bad("neither vesselSchedules nor legs: is this the answer of vessel-schedules or point-to-point-routes?")
		return nil
	}
	name, carrier := e.ServiceName, ""
	if len(e.ServicePartners) > 0 {
		carrier = e.ServicePartners[0].Carrier
		if name == "" {
			name = e.ServicePartners[0].Name
		}
	}
	if name == "" {
		name = e.ServiceCode
	}
	var vessels []struct {
		Name     string     `json:"vesselName"`
		Operator string     `json:"vesselOperatorSMDGLinerCode"`
		Calls    []dcsaCall `json:"transportCalls"`
	}
	if err := json.Unmarshal(e.Vessels, &vessels); err != nil {
		d.bad("service %q: %v", name, err)
		return nil
	}
	for _, v := range vessels {
		if c := v.Operator; c != "" {
			carrier = c
		}
		if err := d.voyage(name, carrier, v.Name, v.Calls); err != nil {
			return err
		}
	}
	return nil
}

type dcsaPartner struct {
	Carrier string `json:"carrierCode"`
	Name    string `json:"carrierServiceName"`
}

// dcsaStop is a call with its port known.
type dcsaStop struct {
	port             string
	arrives, departs time.Time // zero: not given
	cutoffH          float64
}

// voyage adds a ship's departures from each port to those after it.
func (d *dcsaReader) voyage(name, carrier, vessel string, calls []dcsaCall) error {
	var stops []dcsaStop
	for i, c := range calls {
		switch strings.ToUpper(c.Status) {
		case "OMIT", "BLNK":
			d.Skipped++
			continue
		}
		code := c.Location.code()
		if code == "" {
			d.bad("vessel %q, call %d: the location has no UNLocationCode", vessel, i+1)
			continue
		}
		s := dcsaStop{}
		var err error
		if s.arrives, s.departs, err = c.times(); err != nil {
			d.bad("vessel %q at %s: %v", vessel, code, err)
			continue
		}
		if !s.arrives.IsZero() && !s.departs.IsZero() && s.departs.Before(s.arrives) {
			d.bad("vessel %q at %s: departs %s, before it arrives %s", vessel, code, s.departs.Format(time.RFC3339), s.arrives.Format(time.RFC3339))
			continue
		}
		port, ok := d.at.Place(geodata.Sea, code)
		if !ok {
			d.Skipped++
			continue
		}
		s.port = port
		s.cutoffH = cutoffBefore(c.Cutoffs, s.departs)
		stops = append(stops, s)
	}
	for i, a := range stops {
		if a.departs.IsZero() {
			continue
		}
		for _, b := range stops[i+1:] {
			if b.port == a.port {
				break // round the rotation once
			}
			if b.arrives.IsZero() {
				continue
			}
			under := b.arrives.Sub(a.departs).Hours()
			if under <= 0 || under > maxTransitH {
				d.bad("vessel %q: %.1f h from %s to %s are no voyage", vessel, under, a.port, b.port)
				continue
			}
			x := line{mode: geodata.Sea, from: a.port, to: b.port, name: name, carrier: carrier, hours: roundHours(under), cutoffH: roundHours(a.cutoffH)}
			if err := d.out.add(x, a.departs); err != nil {
				return err
			}
		}
	}
	return nil
}

// times are the arrival and the departure of a call, the surest known of each.
func (c dcsaCall) times() (arrives, departs time.Time, err error) {
	rank := map[string]int{}
	for _, t := range c.Timestamps {
		event := strings.ToUpper(t.Event)
		if event != "ARRI" && event != "DEPA" {
			continue
		}
		n := 1 + slices.Index([]string{"PLN", "EST", "ACT"}, strings.ToUpper(t.Classifier))
		if n == 0 {
			return arrives, departs, fmt.Errorf("eventClassifierCode %q is not PLN, EST or ACT", t.Classifier)
		}
		at, err := time.Parse(time.RFC3339, t.At)
		if err != nil {
			return arrives, departs, fmt.Errorf("eventDateTime %q is not a time with its zone", t.At)
		}
		if n <= rank[event] {
			continue
		}
		rank[event] = n
		if event == "ARRI" {
			arrives = at
		} else {
			departs = at
		}
	}
	if len(rank) == 0 {
		return arrives, departs, errors.New("no arrival and no departure is given")
	}
	return arrives, departs, nil
}

// defaultCutoffH is how long before sailing the gate closes where a schedule does
// not tell (A).
const defaultCutoffH = 24

// cutoffBefore is how long before a departure the gate closes: by the cut-off for
// full containers (FCO) or the port's (VCO), whichever comes first.
func cutoffBefore(list []dcsaCutoff, departs time.Time) float64 {
	hours := 0.0
	for _, c := range list {
		if code := strings.ToUpper(c.Code); code != "FCO" && code != "VCO" && code != "LCO" {
			continue
		}
		at, err := time.Parse(time.RFC3339, c.At)
		if err != nil {
			continue
		}
		if h := departs.Sub(at).Hours(); h > hours && h < 24*21 {
			hours = h
		}
	}
	if hours == 0 {
		return defaultCutoffH
	}
	return hours
}

// legs adds each leg of a routing that a carrier offers. Legs by lorry are left to
// the planner.
func (d *dcsaReader) legs(legs []dcsaLeg, cutoffs []dcsaCutoff) error {
	if len(legs) == 0 {
		d.bad("a routing without legs")
	}
	for i, l := range legs {
		mode := strings.ToUpper(l.Transport.Mode)
		if mode == "" {
			mode = strings.ToUpper(l.Mode)
		}
		m := geodata.Sea
		switch mode {
		case "VESSEL", "BARGE":
		case "RAIL":
			m = geodata.Rail
		case "TRUCK", "RAIL_TRUCK", "BARGE_TRUCK", "BARGE_RAIL", "MULTIMODAL":
			d.Skipped++
			continue
		default:
			d.bad("leg %d: modeOfTransport %q is not one of DCSA's", i+1, mode)
			continue
		}
		codes := [2]string{}
		for k, end := range []dcsaEnd{l.Departure, l.Arrival} {
			if codes[k] = end.Location.code(); codes[k] == "" {
				codes[k] = end.Facility.code()
			}
		}
		departs, err1 := time.Parse(time.RFC3339, l.Departure.At)
		arrives, err2 := time.Parse(time.RFC3339, l.Arrival.At)
		under := arrives.Sub(departs).Hours()
		switch {
		case codes[0] == "" || codes[1] == "":
			d.bad("leg %d: an end has no UNLocationCode", i+1)
			continue
		case err1 != nil || err2 != nil:
			d.bad("leg %d: %q, %q are not times with their zones", i+1, l.Departure.At, l.Arrival.At)
			continue
		case under <= 0 || under > maxTransitH:
			d.bad("leg %d: %.1f h from %s to %s are no voyage", i+1, under, codes[0], codes[1])
			continue
		}
		from, ok1 := d.at.Place(m, codes[0])
		to, ok2 := d.at.Place(m, codes[1])
		if !ok1 || !ok2 || from == to {
			d.Skipped++
			continue
		}
		var partners []dcsaPartner
		_ = json.Unmarshal(l.Transport.ServicePartners, &partners) // may be missing
		x := line{mode: m, from: from, to: to, name: l.Transport.ServiceName, carrier: l.Transport.Vessel.Operator, hours: roundHours(under), cutoffH: defaultCutoffH}
		if len(partners) > 0 {
			if x.name == "" {
				x.name = partners[0].Name
			}
			if x.carrier == "" {
				x.carrier = partners[0].Carrier
			}
		}
		if x.name == "" {
			x.name = strings.TrimSpace(x.carrier + " service")
		}
		if i == 0 {
			x.cutoffH = roundHours(cutoffBefore(cutoffs, departs))
		}
		if err := d.out.add(x, departs); err != nil {
			return err
		}
	}
	return nil
}
