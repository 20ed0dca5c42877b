package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"corridor/routing"
)

const planUsage = `usage: corridor plan FROM TO [flags]

Compares the ways to move goods. FROM and TO are a UN/LOCODE, a name in English,
Chinese or Russian, or lat,lon. Days are door to door: the median, and what one
journey in ten exceeds. Costs are all-in, with a range; --json gives every line
with its date and source.

`

// planFlags is what plan was told.
type planFlags struct {
	weight, volume, unit, depart, arriveBy, modes, avoid, whatIf, hs, dg, un, temp, value, format, lang string
	drivers                                                                                             int
	charge                                                                                              float64
	tir                                                                                                 routing.TIRTerms
	asJSON                                                                                              bool
}

func planCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, planUsage)
		flags.PrintDefaults()
	}
	var f planFlags
	flags.StringVar(&f.weight, "weight", "", "weight, e.g. 24.2t or 800kg; without it a usual load of the unit is assumed")
	flags.StringVar(&f.volume, "volume", "", "volume, e.g. 60m3")
	flags.StringVar(&f.unit, "unit", "FTL", "FTL, LTL, 20GP, 40GP, 40HC, 45HC, 40RF, LCL or air")
	flags.StringVar(&f.depart, "depart", "", "earliest departure: 2026-12-01 or 2026-12-01T08:00Z; without it the next hour")
	flags.StringVar(&f.arriveBy, "arrive-by", "", "deadline: the end of a day such as 2026-12-18, or a moment")
	flags.StringVar(&f.modes, "modes", "", "modes to use, parted by commas: sea,rail,road,air; without it all")
	flags.StringVar(&f.avoid, "avoid", "", "what not to use, parted by commas: country:RU, passage:suez, border:KHO-NUR, carrier:NAME")
	flags.StringVar(&f.whatIf, "what-if", "", "suppose that a border or a passage is closed, congested or normal, parted by commas, and show what that changes: border:KHO-NUR=closed@2026-12-05, passage:suez=congested")
	flags.StringVar(&f.hs, "hs", "", "harmonised system code of the goods, 4 to 10 digits")
	flags.StringVar(&f.dg, "dg", "", "class of dangerous goods, e.g. 3")
	flags.StringVar(&f.un, "un", "", "UN number of dangerous goods, e.g. 3480; its class need not be given")
	flags.Float64Var(&f.charge, "charge", 0, "state of charge of lithium cells in per cent")
	flags.IntVar(&f.drivers, "drivers", 2, "drivers of a lorry over borders: 1 or 2")
	flags.IntVar(&f.tir.Offices, "tir-offices", 0, "customs offices of departure and destination together, under TIR")
	flags.BoolVar(&f.tir.Unapproved, "tir-unapproved", false, "the vehicle has no certificate of approval for TIR")
	flags.BoolVar(&f.tir.HeavyOrBulky, "tir-heavy", false, "heavy or bulky goods, which need no approved vehicle")
	flags.Float64Var(&f.tir.GuaranteeEUR, "tir-guarantee", 0, "guarantee of each national association in EUR; left out: 100000")
	flags.Float64Var(&f.tir.DutiesPercent, "tir-duties", 0, "duties and taxes at stake in per cent of the value")
	flags.StringVar(&f.temp, "temp", "", "temperatures to keep in °C, e.g. 2..8")
	flags.StringVar(&f.value, "value", "", "value of the goods, e.g. 300000USD")
	flags.StringVar(&f.lang, "lang", "en", "language of place names: en, zh or ru")
	flags.StringVar(&f.format, "format", "", "print the plan as json, geojson, csv, or html, a page to print")
	flags.BoolVar(&f.asJSON, "json", false, "the same as --format json")
	data := dataFlag(flags)
	places, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(places) != 2 {
		return &usageError{fmt.Errorf("give two places, FROM and TO; got %d", len(places))}
	}
	if f.asJSON && f.format == "" {
		f.format = string(routing.JSON)
	}
	if f.format != "" && !slices.Contains(routing.Formats(), routing.Format(f.format)) {
		return &usageError{fmt.Errorf("--format %s: use json, geojson, csv or html", f.format)}
	}
	req, assumed, err := f.request(places[0], places[1])
	if err != nil {
		return &usageError{err}
	}
	watched := newProgress(stderr, "opening the networks", 0)
	defer watched.done()
	watched.draw()
	planner, _, err := openPlanner(*data, brieflyPages())
	if err != nil {
		return err
	}
	state, err := openConditions(*data)
	if err != nil {
		return err
	}
	watched.step("comparing corridors")
	plan, err := planner.Plan(ctx, req, state)
	watched.done()
	if err != nil {
		return inFlags(err)
	}
	if f.format != "" {
		return plan.Write(stdout, routing.Format(f.format))
	}
	sheet := newSheet(stdout, f.lang)
	sheet.plan(&plan, assumed)
	return sheet.flush()
}

// inFlags says what is wrong with a request in the words of the command line.
func inFlags(err error) error {
	var input *routing.InputError
	if errors.As(err, &input) {
		return &usageError{fmt.Errorf("%s: %s", flagOf(input.Field), input.Message)}
	}
	return err
}

// flagOf names the flag that sets a field of a request.
func flagOf(field string) string {
	for prefix, name := range map[string]string{
		"cargo.weight_kg": "--weight", "cargo.volume_m3": "--volume", "cargo.unit": "--unit", "cargo.hs": "--hs", "cargo.dg": "--dg", "cargo.un": "--un",
		"cargo.charge_percent": "--charge", "drivers": "--drivers", "tir.offices": "--tir-offices", "tir.guarantee_eur": "--tir-guarantee", "tir.duties_percent": "--tir-duties",
		"cargo.temp_c": "--temp", "cargo.value": "--value", "depart": "--depart", "arrive_by": "--arrive-by", "modes": "--modes",
		"avoid": "--avoid", "what_if": "--what-if", "origin": "FROM", "destination": "TO",
	} {
		if field == prefix || strings.HasPrefix(field, prefix+".") || strings.HasPrefix(field, prefix+"[") {
			return name
		}
	}
	return field
}

// request reads the flags. assumed tells what was not given and stands for it.
func (f *planFlags) request(from, to string) (req routing.Request, assumed string, err error) {
	req = routing.Request{Origin: from, Destination: to}
	c := &req.Cargo
	c.Unit, c.HS, c.DG, c.UN, c.Charge = routing.Unit(f.unit), f.hs, f.dg, f.un, f.charge
	req.Drivers = f.drivers
	if f.tir != (routing.TIRTerms{}) {
		req.TIR = &f.tir
	}
	if f.weight == "" {
		c.WeightKG = usualKG(c.Unit)
		assumed = fmt.Sprintf("%.0f t assumed, give --weight", c.WeightKG/1000)
	} else if c.WeightKG, err = amount(f.weight, map[string]float64{"t": 1000, "kg": 1, "": 1}); err != nil {
		return req, "", fmt.Errorf("--weight %s: %w, e.g. 24.2t or 800kg", f.weight, err)
	}
	if f.volume != "" {
		if c.VolumeM3, err = amount(f.volume, map[string]float64{"m3": 1, "m³": 1, "cbm": 1, "": 1}); err != nil {
			return req, "", fmt.Errorf("--volume %s: %w, e.g. 60m3", f.volume, err)
		}
		if c.VolumeM3 == 0 {
			return req, "", fmt.Errorf("--volume %s: the volume must be above 0", f.volume)
		}
	}
	if f.temp != "" {
		low, high, ok := strings.Cut(f.temp, "..")
		lowC, err1 := strconv.ParseFloat(strings.TrimSpace(low), 64)
		highC, err2 := strconv.ParseFloat(strings.TrimSpace(high), 64)
		if !ok || err1 != nil || err2 != nil {
			return req, "", fmt.Errorf("--temp %s: give the lowest and the highest, e.g. 2..8", f.temp)
		}
		c.TempC = &[2]float64{lowC, highC}
	}
	if f.value != "" {
		v, err := money(f.value)
		if err != nil {
			return req, "", fmt.Errorf("--value %s: %w", f.value, err)
		}
		c.Value = &v
	}
	if f.depart != "" {
		if req.Depart, _, err = moment(f.depart); err != nil {
			return req, "", fmt.Errorf("--depart %s: %w", f.depart, err)
		}
	}
	if f.arriveBy != "" {
		by, wholeDay, err := moment(f.arriveBy)
		if err != nil {
			return req, "", fmt.Errorf("--arrive-by %s: %w", f.arriveBy, err)
		}
		if wholeDay {
			by = by.Add(24*time.Hour - time.Second)
		}
		req.ArriveBy = &by
	}
	for _, m := range list(f.modes) {
		req.Modes = append(req.Modes, routing.Mode(m))
	}
	req.Avoid, req.WhatIf = list(f.avoid), list(f.whatIf)
	switch f.lang {
	case "en", "zh", "ru":
		return req, assumed, nil
	}
	return req, "", fmt.Errorf("--lang %s: use en, zh or ru", f.lang)
}

func list(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// usualKG is a usual load of a unit, where none is given.
func usualKG(u routing.Unit) float64 {
	switch strings.ToUpper(string(u)) {
	case "LTL", "LCL":
		return 2_000
	case "AIR":
		return 1_000
	}
	return 20_000
}

// amount reads a number with one of the units given.
func amount(s string, units map[string]float64) (float64, error) {
	s = strings.TrimSpace(s)
	digits := len(s)
	for i, r := range s {
		if !strings.ContainsRune("0123456789.+-", r) {
			digits = i
			break
		}
	}
	v, err := strconv.ParseFloat(s[:digits], 64)
	factor, ok := units[strings.ToLower(strings.TrimSpace(s[digits:]))]
	if err != nil || !ok || math.IsInf(v, 0) {
		return 0, errors.New("it is not a number with a unit")
	}
	return v * factor, nil
}

// moment reads a time; wholeDay says that only a day was given. Times without a
// zone are UTC.
func moment(s string) (t time.Time, wholeDay bool, err error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, true, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), false, nil
		}
	}
	return time.Time{}, false, errors.New("it is not a date such as 2026-12-01 or a time such as 2026-12-01T08:00Z")
}

// sheet prints plans for a terminal.
type sheet struct {
	w       *bufio.Writer
	lang    string
	columns int
	colour  bool
}

// The columns behind the name of an option, with their widths.
const (
	costWidth = 10
	bandWidth = 17
	daysWidth = 13
	co2Width  = 9
	oddsWidth = 11
	indent    = 3
)

func newSheet(w io.Writer, lang string) *sheet {
	s := &sheet{w: bufio.NewWriter(w), lang: lang, columns: 110}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			s.columns = min(max(columns, 90), 130)
		}
	}
	return s
}

func (s *sheet) flush() error { return s.w.Flush() }

func (s *sheet) line(parts ...string) {
	fmt.Fprintln(s.w, strings.TrimRight(strings.Join(parts, ""), " "))
}

// style wraps text in an escape sequence on a terminal that shows colour.
func (s *sheet) style(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *sheet) bold(text string) string { return s.style("1", text) }
func (s *sheet) dim(text string) string  { return s.style("2", text) }

// columnsOf is the room a text takes in a terminal: characters of East Asia are
// two columns wide.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

func left(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-columnsOf(text)))
}

func right(text string, columns int) string {
	return strings.Repeat(" ", max(0, columns-columnsOf(text))) + text
}

// cut shortens a text to so many columns.
func cut(text string, columns int) string {
	if columnsOf(text) <= columns {
		return text
	}
	out, n := []rune{}, 0
	for _, r := range text {
		w := columnsOf(string(r))
		if n+w > columns-1 {
			break
		}
		out, n = append(out, r), n+w
	}
	return string(out) + "…"
}

// wrapped prints a paragraph between the indent and the right edge.
func (s *sheet) wrapped(indent int, text string, style func(string) string) {
	room := s.columns - indent
	line := ""
	flush := func() {
		if line != "" {
			s.line(strings.Repeat(" ", indent), style(line))
		}
		line = ""
	}
	for _, word := range strings.Fields(text) {
		if line != "" && columnsOf(line)+1+columnsOf(word) > room {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

func (s *sheet) place(p routing.Point) string {
	name := p.Name.In(s.lang)
	if p.Code != "" && p.Kind == "place" {
		return name + " " + p.Code
	}
	return name
}

// plan prints the whole comparison.
func (s *sheet) plan(p *routing.Plan, assumed string) {
	c := p.Request.Cargo
	head := []string{fmt.Sprintf("%s t %s", trimmed(c.WeightKG/1000), c.Unit)}
	if c.VolumeM3 > 0 {
		head = append(head, trimmed(c.VolumeM3)+" m³")
	}
	if c.HS != "" {
		head = append(head, "HS "+c.HS)
	}
	if c.DG != "" {
		head = append(head, "class "+c.DG)
	}
	if c.TempC != nil {
		head = append(head, fmt.Sprintf("%g to %g °C", c.TempC[0], c.TempC[1]))
	}
	head = append(head, "from "+p.Request.Depart.Format("Mon 2 Jan 2006 15:04")+" UTC")
	if by := p.Request.ArriveBy; by != nil {
		head = append(head, "by "+by.Format("Mon 2 Jan 2006 15:04")+" UTC")
	}
	s.line(s.bold(s.place(p.Origin)+" → "+s.place(p.Destination)), "   ", strings.Join(head, ", "))
	if assumed != "" {
		s.line(s.dim(assumed))
	}
	s.line()
	if len(p.Options) > 0 {
		s.options(p)
	} else {
		s.line("No corridor can be offered.")
		s.line()
	}
	if p.Difference != nil {
		s.difference(p)
	}
	if len(p.Excluded) > 0 {
		s.line(s.bold("Not offered"))
		for _, e := range p.Excluded {
			s.line(" × ", e.Title, s.dim("  rule "+e.Rule))
			s.wrapped(indent, e.Reason, s.dim)
		}
		s.line()
	}
	for _, n := range p.Notes {
		s.wrapped(0, n, s.dim)
	}
	s.footer(p)
}

// difference tells what the suppositions of a request change.
func (s *sheet) difference(p *routing.Plan) {
	d := p.Difference
	s.line(s.bold("What if " + strings.Join(p.Request.WhatIf, ", ")))
	s.wrapped(indent, d.Text, func(t string) string { return t })
	for _, c := range d.Gone {
		s.line(" − ", c.Title, s.dim(fmt.Sprintf("  %s USD, %s days", grouped(c.Cost.Amount), days(c.Hours))))
	}
	for _, c := range d.New {
		s.line(" + ", c.Title, s.dim(fmt.Sprintf("  %s USD, %s days", grouped(c.Cost.Amount), days(c.Hours))))
	}
	for _, c := range d.Changed {
		s.line(" ± ", c.Title, s.dim(fmt.Sprintf("  %+.0f USD, %+.1f days", c.Cost.Amount, c.Hours/24)))
	}
	s.line()
}

func (s *sheet) options(p *routing.Plan) {
	name := s.columns - indent - costWidth - bandWidth - daysWidth - co2Width - oddsWidth
	s.line(s.dim(strings.Repeat(" ", indent) + left("cheapest first", name) + right("cost, USD", costWidth) + right("low–high", bandWidth) +
		right("days P50–P90", daysWidth) + right("CO2e, t", co2Width) + right("on time", oddsWidth)))
	for i := range p.Options {
		o := &p.Options[i]
		s.line(left(strconv.Itoa(i+1), indent), s.bold(left(cut(o.Title, name-1), name)),
			right(grouped(o.Cost.Total.Amount), costWidth),
			s.dim(right(grouped(o.Cost.Low.Amount)+"–"+grouped(o.Cost.High.Amount), bandWidth)),
			right(days(o.TransitHours.P50)+"–"+days(o.TransitHours.P90), daysWidth),
			right(tonnes(o.CO2eKG), co2Width),
			right(fmt.Sprintf("%d of 20", int(math.Round(o.OnTime*20))), oddsWidth))
		s.wrapped(indent, s.way(o), s.dim)
		s.wrapped(indent, o.Why, func(t string) string { return s.style("36", t) })
	}
	s.line()
}

// way tells the legs and borders of an option.
func (s *sheet) way(o *routing.Option) string {
	var legs, borders []string
	for _, l := range o.Legs {
		legs = append(legs, fmt.Sprintf("%s %s km", l.Mode, grouped(l.DistanceKM)))
		for _, b := range l.Borders {
			borders = append(borders, fmt.Sprintf("%s %.0f–%.0f h", b.Name, b.DwellHours.P50, b.DwellHours.P90))
		}
	}
	out := strings.Join(legs, ", ") + "; arrives " + o.Arrive.P50.Format("2 Jan") + "–" + o.Arrive.P90.Format("2 Jan")
	if len(borders) > 0 {
		out += "; borders " + strings.Join(borders, ", ")
	}
	if o.TerminalHours.P50 > 0 {
		out += fmt.Sprintf("; terminal to terminal %s–%s days", trimmed(math.Round(o.TerminalHours.P50/2.4)/10), trimmed(math.Round(o.TerminalHours.P90/2.4)/10))
	}
	if o.BestHours > 0 {
		out += fmt.Sprintf("; published best %s days", trimmed(o.BestHours/24))
	}
	return out
}

// footer tells what the odds mean and how old the prices are.
func (s *sheet) footer(p *routing.Plan) {
	if len(p.Options) == 0 {
		return
	}
	stale, lines := 0, 0
	for _, o := range p.Options {
		for _, l := range o.Cost.Lines {
			lines++
			if l.Stale {
				stale++
			}
		}
	}
	s.wrapped(0, fmt.Sprintf("On time: chances in 20 %s. %d of %d cost lines rest on prices older than 60 days or undated; --json shows each with its source.",
		p.Options[0].OnTimeBasis, stale, lines), s.dim)
}

func days(hours float64) string { return strconv.FormatFloat(math.Round(hours/2.4)/10, 'f', 1, 64) }

func tonnes(kg float64) string {
	if kg >= 99_500 {
		return grouped(kg / 1000)
	}
	if kg < 100 {
		return strconv.FormatFloat(kg/1000, 'f', 3, 64)
	}
	return strconv.FormatFloat(kg/1000, 'f', 1, 64)
}

func trimmed(v float64) string {
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}

func grouped(v float64) string {
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
