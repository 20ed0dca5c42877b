package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"corridor/carriers/replay"
	"corridor/geodata"
	"corridor/tracking"
)

const replayUsage = `usage: corridor replay FILE --url URL [--key KEY] [flags]
       corridor replay FILE --eta

Pushes a recording (GPX, CSV, AIS NMEA, JSON, ADS-B; - for standard input) through
POST /api/v1/positions. Its times are moved so that it ends now, unless --start or
--keep-time says otherwise; CORRIDOR_KEY is the key when --key is not given.
With --eta it sends nothing and prints how well the arrivals would have been forecast.

`

// replayOptions are the flags of corridor replay.
type replayOptions struct {
	file     string // - for standard input
	name     string // of the file, to be read
	config   replay.Config
	load     replay.LoadOptions
	format   replay.Format
	zone     *time.Location
	start    time.Time
	keepTime bool
	judge    bool // of forecasts; nothing is sent
}

func parseReplay(args []string, stderr io.Writer) (o replayOptions, err error) {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, replayUsage)
		flags.PrintDefaults()
	}
	var unit, carrier, format, mode, speed, shift, start, zone string
	flags.StringVar(&o.config.URL, "url", "http://localhost:8080", "`address` of the server")
	flags.StringVar(&o.config.Key, "key", "", "API `key` of a carrier")
	flags.StringVar(&carrier, "carrier", "", "`id` of the carrier to post for, with an administrator's key")
	flags.StringVar(&speed, "speed", "60", "`times` as fast as recorded, 1 to 1000, or max")
	flags.StringVar(&unit, "unit", "", "`id` of the unit all positions are of (default: as recorded, or the file's name)")
	flags.StringVar(&format, "format", "", "gpx, csv, ais, json, sbs or trace (default: by content)")
	flags.StringVar(&mode, "mode", "", "sea, rail, road or air: what new units are (default: by format)")
	flags.StringVar(&shift, "shift", "now", "now: the recording ends now; none: as --keep-time")
	flags.StringVar(&start, "start", "", "`time` of the first position, RFC 3339 (moves all)")
	flags.BoolVar(&o.keepTime, "keep-time", false, "send times as recorded")
	flags.BoolVar(&o.judge, "eta", false, "send nothing: follow the trips of the recording as shipments and print how good their forecasts of arrival were")
	flags.Float64Var(&o.load.Rate, "rate", replay.DefaultRate, "positions a second in a recording without times")
	flags.StringVar(&zone, "timezone", "UTC", "of times without one, e.g. Asia/Shanghai")
	flags.IntVar(&o.config.Batch, "batch", 1000, "positions in one request at most, up to 10000")
	flags.DurationVar(&o.config.Patience, "patience", 5*time.Minute, "how long to keep trying while the server is away")
	flags.BoolVar(&o.config.Simulated, "simulated", false, "mark the positions as simulated")
	// The file may stand before or between the flags.
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return o, err
			}
			return o, &usageError{err}
		}
		if flags.NArg() == 0 {
			break
		}
		if o.file != "" {
			return o, &usageError{fmt.Errorf("one recording at a time: got %q and %q", o.file, flags.Arg(0))}
		}
		o.file, rest = flags.Arg(0), flags.Args()[1:]
	}
	if err := o.check(unit, carrier, format, mode, speed, shift, start, zone); err != nil {
		return o, &usageError{err}
	}
	return o, nil
}

func (o *replayOptions) check(unit, carrier, format, mode, speed, shift, start, zone string) (err error) {
	if o.file == "" {
		return errors.New("which recording? Give a file, or - for standard input")
	}
	if o.config.Key == "" {
		o.config.Key = os.Getenv("CORRIDOR_KEY")
	}
	o.config.Carrier = tracking.PartyID(carrier)
	o.name, o.load.Name = o.file, o.file
	if o.file == "-" {
		o.name, o.load.Name = "standard input", ""
	}
	if o.load.Unit = tracking.UnitID(unit); unit != "" {
		if err := tracking.ValidateUnit(o.load.Unit); err != nil {
			return fmt.Errorf("--unit: %w", err)
		}
	}
	if o.format = replay.Format(format); format != "" && !slices.Contains(replay.Formats(), o.format) {
		return fmt.Errorf("--format %s: use one of %v", format, replay.Formats())
	}
	if mode != "" {
		if o.config.Mode, err = geodata.ParseMode(mode); err != nil {
			return fmt.Errorf("--mode: %w", err)
		}
	}
	if speed != "max" {
		o.config.Speed, err = strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(speed, "x"), "x"), 64)
		if err != nil || !(o.config.Speed >= 1 && o.config.Speed <= 1000) {
			return fmt.Errorf("--speed %s: give a number from 1 to 1000, or max", speed)
		}
	}
	if o.load.Rate <= 0 {
		return errors.New("--rate: give how many positions a second there were")
	}
	if o.config.Batch < 1 || o.config.Batch > 10_000 {
		return errors.New("--batch: from 1 to 10000")
	}
	switch shift {
	case "now":
	case "none":
		o.keepTime = true
	default:
		return fmt.Errorf("--shift %s: use now or none", shift)
	}
	if start != "" {
		if o.keepTime {
			return errors.New("--start moves the times that --keep-time keeps: give one of them")
		}
		if o.start, err = time.Parse(time.RFC3339, start); err != nil {
			return fmt.Errorf("--start: %q is not RFC 3339, e.g. 2026-12-01T08:00:00Z", start)
		}
	}
	if o.zone, err = time.LoadLocation(zone); err != nil {
		return fmt.Errorf("--timezone %s: use UTC or a name like Asia/Shanghai", zone)
	}
	return nil
}

func replayCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parseReplay(args, stderr)
	if err != nil {
		return err
	}
	script, err := o.read(stdin, stderr)
	if err != nil {
		return err
	}
	if o.judge {
		accuracy, err := replay.Judge(script, o.config.Mode)
		if err != nil {
			return err
		}
		return accuracy.Write(stdout)
	}
	switch {
	case !o.start.IsZero():
		script.ShiftTo(o.start)
	case !o.keepTime:
		script.ShiftTo(script.StartFor(time.Now(), o.config.Speed))
	case script.Stamped == len(script.Positions):
		return errors.New("the recording has no times to keep: leave --keep-time out, or give --start")
	}
	show := newReplayProgress(stderr, o.config.Speed)
	o.config.Progress = show.update
	tally, err := replay.Play(ctx, script, o.config)
	show.end()
	printTally(stdout, tally, script)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped with %d of %d positions sent", tally.Sent, tally.Total)
	}
	return err
}

// read loads the recording and says what is in it.
func (o *replayOptions) read(stdin io.Reader, stderr io.Writer) (replay.Script, error) {
	in := stdin
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return replay.Script{}, err
		}
		defer f.Close() // only read
		in = f
	}
	recording, format, err := replay.Open(in, o.format, o.zone)
	if err != nil {
		return replay.Script{}, fmt.Errorf("%s: %w", o.name, err)
	}
	script, err := replay.Load(recording, o.load)
	if err != nil {
		if len(script.Positions) == 0 {
			return replay.Script{}, fmt.Errorf("%s: %w", o.name, err)
		}
		fmt.Fprintf(stderr, "%s breaks off: %v. What came before is replayed.\n", o.name, err)
	}
	if len(script.Positions) == 0 {
		return replay.Script{}, fmt.Errorf("%s: no position in it (read as %s); lines passed over: %s", o.name, format, counts(script.Skipped))
	}
	if o.config.Mode == "" {
		o.config.Mode = format.Mode()
	}
	fmt.Fprintf(stderr, "%s: %s, %s of %s over %s", o.name, format, number(len(script.Positions), "position"), number(script.Units, "unit"), script.Length().Round(time.Second))
	switch {
	case script.Stamped == len(script.Positions):
		fmt.Fprintf(stderr, " (no times: at most %g positions a second assumed)", o.load.Rate)
	case script.Stamped > 0:
		fmt.Fprintf(stderr, " (%d without a time: that of the line before)", script.Stamped)
	}
	fmt.Fprintln(stderr)
	return script, nil
}

// number counts things: 1 unit, 2 units.
func number(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

func printTally(w io.Writer, t replay.Tally, s replay.Script) {
	refused := 0
	for _, n := range t.Refused {
		refused += n
	}
	fmt.Fprintf(w, "sent        %d of %d\nstored      %d\nduplicates  %d\nrefused     %d\n", t.Sent, t.Total, t.Stored, t.Duplicates, refused)
	for _, code := range slices.Sorted(maps.Keys(t.Refused)) {
		fmt.Fprintf(w, "  %-10s %d, e.g. %s\n", code, t.Refused[code], t.Example[code])
	}
	if t.Retries > 0 {
		fmt.Fprintf(w, "retries     %d (what was stored by a try whose answer was lost counts as duplicates)\n", t.Retries)
	}
	if len(s.Skipped) > 0 {
		fmt.Fprintf(w, "lines without a position: %s\n", counts(s.Skipped))
	}
}

func counts(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	parts := make([]string, 0, len(m))
	for _, reason := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[reason], reason))
	}
	return strings.Join(parts, ", ")
}

// replayProgress keeps one line up to date on a terminal, and writes one now and
// then elsewhere.
type replayProgress struct {
	w        io.Writer
	speed    float64
	terminal bool
	last     time.Time
	shown    bool
}

func newReplayProgress(w io.Writer, speed float64) *replayProgress {
	f, ok := w.(*os.File)
	return &replayProgress{w: w, speed: speed, terminal: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

func (p *replayProgress) update(t replay.Tally) {
	every := 10 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if time.Since(p.last) < every && t.Waiting == nil {
		return
	}
	p.last = time.Now()
	refused := 0
	for _, n := range t.Refused {
		refused += n
	}
	line := fmt.Sprintf("%d of %d sent (%d stored, %d duplicates, %d refused), at %s", t.Sent, t.Total, t.Stored, t.Duplicates, refused, t.At.Format(time.DateTime))
	if t.Waiting != nil {
		line = fmt.Sprintf("%d of %d sent; trying again: %v", t.Sent, t.Total, t.Waiting)
	}
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, line)
}

func (p *replayProgress) end() {
	if p.shown {
		fmt.Fprintln(p.w)
	}
}
