package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/gazetteer"
	"corridor/geodata/path"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

// This file imports what trade knows: schedules, carriers' rate sheets and exchange
// rates; and opens them again for the planner.

// Where imports are kept under the data directory.
const (
	servicesDir = "services"
	tariffsDir  = "tariffs"
	oldSheets   = "old" // under tariffsDir: sheets that were replaced, by version
	fxDir       = "fx"
	fxFile      = "fx.csv"
)

func servicesKind() importKind {
	return importKind{
		name: "services", summary: "schedules of trains, ships, ferries and flights: GTFS, SSIM chapter 7, DCSA JSON or CSV",
		usage: `Reads a schedule and keeps its departures between terminals Corridor knows. They
stand for the reference timetable between the same two terminals. The format is told
by the file, or by --format:

  gtfs   a GTFS feed, a zip of tables; trains, ferries and flights are taken
  ssim   IATA SSIM chapter 7, lines of 200 columns
  dcsa   an answer of the DCSA Commercial Schedules API 1.0: vessel-schedules or
         point-to-point-routes
  csv    columns mode,from,to,name,carrier, and rhythm,transit_h or
         departure,arrival; see routing/timetable/README.md
`,
		prepare: func(flags *flag.FlagSet) importFunc {
			format := flags.String("format", "", "gtfs, ssim, dcsa or csv; left out: told by the file")
			return func(ctx context.Context, in importJob) (importReport, error) { return importServices(ctx, in, *format) }
		},
	}
}

func tariffsKind() importKind {
	return importKind{
		name: "tariffs", summary: "a carrier's rate sheet by lane, unit and date, as CSV",
		usage: `Reads a rate sheet: columns carrier,mode,from,to,unit,price,currency,per,valid_from,
valid_until and, where wanted, charge,what,min,low,high,kind,as_of,source,note; see
routing/tariff/README.md. Its prices stand for the reference rates where they fit.
A sheet imported under the name of an earlier one replaces it; the earlier one is
kept beside it under its version. Prices that overlap are refused.
`,
		prepare: func(*flag.FlagSet) importFunc { return importTariffs },
	}
}

func fxKind() importKind {
	return importKind{
		name: "fx", summary: "exchange rates to replace the built-in ones, as CSV",
		usage: `Reads columns currency,usd,as_of,source: what one unit of a currency is worth in
USD, on which day, by whom. Currencies not in the file keep the built-in rate.
`,
		prepare: func(*flag.FlagSet) importFunc { return importFX },
	}
}

// locator tells the terminals that schedules speak of.
type locator struct{ places *gazetteer.Gazetteer }

func (l locator) Airport(iata string) (string, bool) {
	t, ok := l.places.Terminal("air:" + strings.ToUpper(iata))
	return t.ID, ok
}

func (l locator) Place(m geodata.Mode, code string) (string, bool) {
	if !strings.Contains(code, ":") && m != geodata.Air {
		for _, t := range l.places.Terminals(m) {
			if t.Place == code {
				return code, true
			}
		}
	}
	kind, id, _ := strings.Cut(code, ":")
	if id == "" {
		kind, id = string(m), code
	}
	t, ok := l.places.Terminal(strings.ToLower(kind) + ":" + strings.ToUpper(id))
	return t.ID, ok && t.Mode == m
}

// nearKM is how far a stop of a feed may lie from the terminal it stands for.
func nearKM(m geodata.Mode) float64 {
	if m == geodata.Air {
		return 8
	}
	return 25
}

func (l locator) Near(m geodata.Mode, lat, lon float64) (string, bool) {
	p := orb.Point{lon, lat}
	for _, t := range l.places.Near(p, m, 1) {
		if path.Distance(p, t.Point) <= nearKM(m) {
			return t.ID, true
		}
	}
	return "", false
}

func importServices(ctx context.Context, in importJob, format string) (importReport, error) {
	var report importReport
	file, err := os.Open(in.file)
	if err != nil {
		return report, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return report, err
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return report, fmt.Errorf("read: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return report, err
	}
	if format == "" {
		format = scheduleFormat(head[:n])
	}
	places, err := openPlaces(in.data)
	if err != nil {
		return report, fmt.Errorf("open the gazetteer: %w", err)
	}
	at := locator{places}
	watched := newProgress(in.progress, filepath.Base(in.file), info.Size())
	defer watched.done()
	reader := watched.reader(ctx, file)
	var got timetable.Reading
	switch format {
	case "gtfs":
		got, err = timetable.ReadGTFS(watched.readerAt(ctx, file), info.Size(), at)
	case "ssim":
		got, err = timetable.ReadSSIM(reader, at)
	case "dcsa":
		got, err = timetable.ReadDCSA(reader, at)
	case "csv":
		got, err = timetable.ReadCSV(reader, at)
	default:
		return report, &usageError{fmt.Errorf("--format %q: use gtfs, ssim, dcsa or csv", format)}
	}
	watched.done()
	if err != nil {
		return report, fmt.Errorf("read as %s: %w", format, err)
	}
	report.What, report.Skipped = "services from "+format, got.Skipped
	for _, p := range got.Problems {
		report.Refused = append(report.Refused, refusedRow{p.Line, p.Reason})
	}
	report.Loaded = len(got.Services)
	if len(got.Services) == 0 {
		return report, fmt.Errorf("no service between terminals Corridor knows is in it%s", firstProblem(report.Refused))
	}
	name := baseName(in.file)
	for i := range got.Services {
		got.Services[i].ID = name + ":" + got.Services[i].ID
	}
	var b bytes.Buffer
	if err := timetable.WriteServices(&b, got.Services); err != nil {
		return report, err
	}
	report.Stored = filepath.Join(in.data, servicesDir, name+".json")
	return report, replaceFile(report.Stored, b.Bytes())
}

func firstProblem(rows []refusedRow) string {
	if len(rows) == 0 {
		return ""
	}
	return fmt.Sprintf("; line %d: %s", rows[0].Line, rows[0].Reason)
}

// scheduleFormat tells a schedule by its first bytes.
func scheduleFormat(head []byte) string {
	text := strings.TrimSpace(strings.TrimPrefix(string(head), "\xef\xbb\xbf"))
	switch {
	case strings.HasPrefix(text, "PK\x03\x04"):
		return "gtfs"
	case strings.HasPrefix(text, "["), strings.HasPrefix(text, "{"):
		return "dcsa"
	case strings.HasPrefix(text, "1AIRLINE STANDARD"), strings.HasPrefix(text, "2U"), strings.HasPrefix(text, "2L"):
		return "ssim"
	}
	return "csv"
}

// baseName is the name an import is kept under: that of its file without endings.
func baseName(file string) string {
	name := filepath.Base(file)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), ".import-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // nothing is there once it is renamed
	if _, err := temporary.Write(content); err != nil {
		temporary.Close()
		return err
	}
	if err := errors.Join(temporary.Sync(), temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}

func importTariffs(_ context.Context, in importJob) (importReport, error) {
	report := importReport{What: "prices"}
	rates, err := openRates(in.data, baseName(in.file)+".csv")
	if err != nil {
		return report, err
	}
	raw, err := os.ReadFile(in.file)
	if err != nil {
		return report, err
	}
	name := baseName(in.file) + ".csv"
	sheet, problems, err := rates.ReadSheet(name, bytes.NewReader(raw))
	if err != nil {
		return report, err
	}
	for _, p := range problems {
		report.Refused = append(report.Refused, refusedRow{p.Line, p.Reason})
	}
	report.Loaded = len(sheet.Prices)
	if len(sheet.Prices) == 0 {
		return report, fmt.Errorf("no price in it can be used%s", firstProblem(report.Refused))
	}
	if _, err := rates.With(sheet); err != nil {
		return report, err
	}
	report.Stored = filepath.Join(in.data, tariffsDir, name)
	if old, err := os.ReadFile(report.Stored); err == nil && !bytes.Equal(old, raw) {
		// Plans made from it name its version.
		previous, _, err := rates.ReadSheet(name, bytes.NewReader(old))
		if err == nil {
			kept := filepath.Join(in.data, tariffsDir, oldSheets, fmt.Sprintf("%s@%s.csv", baseName(in.file), previous.Version))
			if err := replaceFile(kept, old); err != nil {
				return report, fmt.Errorf("keep the earlier version: %w", err)
			}
		}
	}
	return report, replaceFile(report.Stored, raw)
}

func importFX(_ context.Context, in importJob) (importReport, error) {
	report := importReport{What: "exchange rates", Stored: filepath.Join(in.data, fxDir, fxFile)}
	raw, err := os.ReadFile(in.file)
	if err != nil {
		return report, err
	}
	rates, err := tariff.Reference()
	if err != nil {
		return report, err
	}
	if _, report.Loaded, err = rates.WithFX(fxFile, string(raw)); err != nil {
		return report, err
	}
	return report, replaceFile(report.Stored, raw)
}

// openRates opens the reference rates with what was imported, without the sheet of
// a name, if one is given: it is about to be replaced. Prices of a sheet that became
// unusable, because a currency lost its rate, are an error: a plan without them
// would silently be another.
func openRates(data, without string) (*tariff.Sheet, error) {
	rates, err := tariff.Reference()
	if err != nil {
		return nil, err
	}
	fx := filepath.Join(data, fxDir, fxFile)
	switch raw, err := os.ReadFile(fx); {
	case errors.Is(err, fs.ErrNotExist) || data == "":
	case err != nil:
		return nil, err
	default:
		if rates, _, err = rates.WithFX(fxFile, string(raw)); err != nil {
			return nil, fmt.Errorf("open %s: %w", fx, err)
		}
	}
	files, err := imported(data, tariffsDir, ".csv")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == without {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sheet, _, err := rates.ReadSheet(name, bytes.NewReader(raw)) // what was refused was told at import
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", file, err)
		}
		if rates, err = rates.With(sheet); err != nil {
			return nil, fmt.Errorf("open %s: %w", file, err)
		}
	}
	return rates, nil
}

// openTimes opens the reference timetable with what was imported.
func openTimes(data string) (*timetable.Table, error) {
	table, err := timetable.Reference()
	if err != nil {
		return nil, err
	}
	files, err := imported(data, servicesDir, ".json")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		services, err := timetable.ReadStored(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", file, err)
		}
		table = table.With(baseName(file), raw, services)
	}
	return table, nil
}

// imported lists the files of one kind in a stable order; none when nothing was
// imported.
func imported(data, dir, ending string) ([]string, error) {
	if data == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(data, dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ending && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, filepath.Join(data, dir, e.Name()))
		}
	}
	slices.Sort(out)
	return out, nil
}
