package timetable

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"corridor/geodata"
	"corridor/routing"
)

// This file is about services that were imported: they run between two terminals
// on dates, and stand for the reference rows.

// afterLast is how long after its last known departure a schedule is still taken
// to go on as in its last week.
const afterLast = 28 * 24 * time.Hour

// maxScheduled is how many imported services of one pair are kept: more lines than
// that between two terminals are no different choice.
const maxScheduled = 4

func scheduledKey(m geodata.Mode, from, to string) string {
	return string(m) + " " + from + " " + to
}

// With is the table with imported services added. Those that do not run between
// single places are treated like rows of the reference timetable, before which
// they come. The name and the bytes they were read from are for Data.
func (t *Table) With(name string, raw []byte, services []Service) *Table {
	out := &Table{speeds: t.speeds, dwells: t.dwells, scheduled: map[string][]Service{}, data: slices.Clone(t.data)}
	out.data = append(out.data, routing.Data{Name: "schedule " + name, Version: version(raw)})
	for k, v := range t.scheduled {
		out.scheduled[k] = slices.Clone(v)
	}
	for _, s := range services {
		if s.OneWay && len(s.From) == 1 && len(s.To) == 1 {
			k := scheduledKey(s.Mode, s.From[0], s.To[0])
			out.scheduled[k] = append(out.scheduled[k], s)
			continue
		}
		out.services = append(out.services, s)
	}
	for k, list := range out.scheduled {
		slices.SortStableFunc(list, func(a, b Service) int {
			return cmp.Or(cmp.Compare(a.Rhythm.Every, b.Rhythm.Every), cmp.Compare(a.TransitH, b.TransitH), strings.Compare(a.ID, b.ID))
		})
		out.scheduled[k] = list
	}
	out.services = append(out.services, t.services...)
	return out
}

// On is the table as it stands on a day: schedules that have long ended, or begin
// too late for goods that leave then, are left out.
func (t *Table) On(day time.Time) *Table {
	if len(t.scheduled) == 0 {
		return t
	}
	out := &Table{services: t.services, speeds: t.speeds, dwells: t.dwells, scheduled: map[string][]Service{}, data: t.data}
	for k, list := range t.scheduled {
		for _, s := range list {
			d := s.Rhythm.Dates
			if len(d) == 0 || d[len(d)-1].Add(afterLast).After(day) && d[0].Before(day.Add(2*afterLast)) {
				out.scheduled[k] = append(out.scheduled[k], s)
			}
		}
	}
	return out
}

// runBy reports whether a service is a carrier's, or goes by a name as its id. The
// rows that stand for what nobody knows are nobody's.
func (s *Service) runBy(name string) bool {
	return !slices.Contains(s.From, "*") && (strings.EqualFold(s.Carrier, name) || strings.EqualFold(s.ID, name))
}

// Without is the table less the services of some carriers, or with some ids, in
// whatever case. unknown is the first name that none goes by.
func (t *Table) Without(names []string) (out *Table, unknown string) {
	found := make([]bool, len(names))
	left := func(list []Service) []Service {
		return slices.DeleteFunc(slices.Clone(list), func(s Service) bool {
			gone := false
			for i, n := range names {
				if s.runBy(n) {
					found[i], gone = true, true
				}
			}
			return gone
		})
	}
	out = &Table{services: left(t.services), speeds: t.speeds, dwells: t.dwells, scheduled: map[string][]Service{}, data: t.data}
	for k, list := range t.scheduled {
		if list = left(list); len(list) > 0 {
			out.scheduled[k] = list
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		unknown = names[i]
	}
	return out, unknown
}

// Carriers lists those who run services, and the ids of services nobody is named
// for, sorted.
func (t *Table) Carriers() []string {
	var out []string
	add := func(list []Service) {
		for _, s := range list {
			switch {
			case s.Carrier != "":
				out = append(out, s.Carrier)
			case !slices.Contains(s.From, "*"):
				out = append(out, s.ID)
			}
		}
	}
	add(t.services)
	for _, list := range t.scheduled {
		add(list)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// findScheduled lists the imported services between two stops, which are known by
// their terminal or their place.
func (t *Table) findScheduled(m geodata.Mode, from, to Stop) []Service {
	if len(t.scheduled) == 0 {
		return nil
	}
	var out []Service
	for _, a := range from.names() {
		for _, b := range to.names() {
			out = append(out, t.scheduled[scheduledKey(m, a, b)]...)
		}
	}
	return out[:min(len(out), maxScheduled)]
}

func (s Stop) names() []string {
	var out []string
	if s.ID != "" {
		out = append(out, s.ID)
	}
	if s.Place != "" {
		out = append(out, s.Place)
	}
	return out
}

// Count is how many services of the table were imported.
func (t *Table) Count() int {
	n := 0
	for _, list := range t.scheduled {
		n += len(list)
	}
	return n
}

// Data are the versions of what the table was made from.
func (t *Table) Data() []routing.Data { return slices.Clone(t.data) }

func version(raw ...[]byte) string {
	h := sha256.New()
	for _, b := range raw {
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// line is a scheduled line in the making: one carrier's departures from one
// terminal to another, as a reader collects them.
type line struct {
	mode     geodata.Mode
	from, to string
	name     string
	carrier  string
	via      string
	belly    bool
	hours    float64
	cutoffH  float64
}

// lines collects departures by line.
type lines struct {
	dates map[line][]time.Time
	total int
}

// maxDepartures is how many departures one import may hold.
const maxDepartures = 2_000_000

func (l *lines) add(x line, departs time.Time) error {
	if l.dates == nil {
		l.dates = map[line][]time.Time{}
	}
	if l.total++; l.total > maxDepartures {
		return fmt.Errorf("more than %d departures: cut the file to the lines and the months you need", maxDepartures)
	}
	l.dates[x] = append(l.dates[x], departs.UTC())
	return nil
}

// services are the lines in a stable order. Lines of one pair, carrier and name
// that take different times are told apart by a number.
func (l *lines) services(prefix string, origin geodata.Origin) []Service {
	keys := make([]line, 0, len(l.dates))
	for k := range l.dates {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b line) int {
		return cmp.Or(strings.Compare(string(a.mode), string(b.mode)), strings.Compare(a.from, b.from), strings.Compare(a.to, b.to),
			strings.Compare(a.carrier, b.carrier), strings.Compare(a.name, b.name), strings.Compare(a.via, b.via), cmp.Compare(boolInt(a.belly), boolInt(b.belly)), cmp.Compare(a.hours, b.hours), cmp.Compare(a.cutoffH, b.cutoffH))
	})
	out := make([]Service, 0, len(keys))
	for i, k := range keys {
		dates := l.dates[k]
		slices.SortFunc(dates, time.Time.Compare)
		dates = slices.CompactFunc(dates, time.Time.Equal)
		every := 168.0
		if n := len(dates); n > 1 {
			every = dates[n-1].Sub(dates[0]).Hours() / float64(n-1)
		}
		out = append(out, Service{
			ID: fmt.Sprintf("%s-%d", prefix, i+1), Mode: k.mode, From: []string{k.from}, To: []string{k.to}, Name: k.name, Carrier: k.carrier, Via: k.via, Belly: k.belly,
			Rhythm: Rhythm{Every: every, Dates: dates}, CutoffH: k.cutoffH, TransitH: k.hours, OneWay: true, Origin: origin,
		})
	}
	return out
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
