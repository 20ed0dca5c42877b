package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// importKind is one kind of file that can be taken into the data directory. To add
// one, write its function in a file of its own (import_KIND.go) and a line in
// importKinds.
type importKind struct {
	name    string // corridor import NAME FILE
	summary string // one line for the overview
	usage   string // the files it reads, where they come from, what is done with them

	// prepare adds the kind's own flags, if it has any, and returns what reads the
	// file once they are parsed.
	prepare func(flags *flag.FlagSet) importFunc
}

// importFunc reads one file and leaves what serve, plan and distance open later in
// a folder of its own under in.data. It replaces what an earlier import of the same
// thing left there, and leaves that alone when it fails: write beside it and rename.
// A row that makes no sense goes to importReport.Refused and costs the others
// nothing; an error means that nothing was imported.
type importFunc func(ctx context.Context, in importJob) (importReport, error)

type importJob struct {
	data     string    // the data directory; it may not exist yet
	file     string    // path of the file to read
	progress io.Writer // for a progress bar and warnings; never for results
}

// importReport tells what became of a file.
type importReport struct {
	File    string       `json:"file"`
	What    string       `json:"what"`              // what was imported, e.g. "places from a World Port Index"
	Stored  string       `json:"stored"`            // the file or folder it was left in
	Loaded  int          `json:"loaded"`            // rows, places, services, … taken
	Known   int          `json:"known,omitempty"`   // rows that say what Corridor knows already
	Skipped int          `json:"skipped,omitempty"` // rows that rightly say nothing, such as a deleted code
	Refused []refusedRow `json:"refused"`           // rows that make no sense
}

// refusedRow is a row that was not taken.
type refusedRow struct {
	Line   int    `json:"line"` // from 1, as an editor counts
	Reason string `json:"reason"`
}

func importKinds() []importKind {
	return []importKind{
		placesKind(),
		osmKind(),
		servicesKind(),
		tariffsKind(),
		fxKind(),
		bordersKind(),
		shipmentsKind(),
	}
}

// refusedShown is how many refused rows people are shown; --json has them all.
const refusedShown = 20

func importUsage(w io.Writer) {
	fmt.Fprint(w, `usage: corridor import KIND FILE... [--data DIR] [--json]

Takes files of your own into the data directory. serve, plan and distance use them
from their next start on when they are given the same --data. Importing a file again
replaces what it left.

`)
	for _, k := range importKinds() {
		fmt.Fprintf(w, "  %-10s %s\n", k.name, k.summary)
	}
	fmt.Fprint(w, "\ncorridor import KIND -h tells which files a kind reads.\n")
}

func importCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		importUsage(stderr)
		return &usageError{errors.New("say what to import")}
	}
	switch args[0] {
	case "-h", "-help", "--help":
		importUsage(stdout)
		return flag.ErrHelp
	}
	kinds := importKinds()
	i := slices.IndexFunc(kinds, func(k importKind) bool { return k.name == args[0] })
	if i < 0 {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = k.name
		}
		return &usageError{fmt.Errorf("there is nothing called %q to import: use one of %s", args[0], strings.Join(names, ", "))}
	}
	return importFrom(ctx, kinds[i], args[1:], stdout, stderr)
}

func importFrom(ctx context.Context, kind importKind, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("import "+kind.name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: corridor import %s FILE... [flags]\n\n%s\n", kind.name, kind.usage)
		flags.PrintDefaults()
	}
	data := dataFlag(flags)
	asJSON := flags.Bool("json", false, "print what became of each file as JSON")
	read := kind.prepare(flags)
	files, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return &usageError{errors.New("give the file to import")}
	}
	reports := make([]importReport, 0, len(files))
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return err
		}
		report, err := read(ctx, importJob{data: *data, file: file, progress: stderr})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		report.File = file
		if report.Refused == nil {
			report.Refused = []refusedRow{}
		}
		reports = append(reports, report)
		if !*asJSON {
			if err := report.print(stdout); err != nil {
				return err
			}
		}
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(map[string][]importReport{"imports": reports})
	}
	return nil
}

// dataFlag is --data of every command that reads or writes the data directory.
func dataFlag(flags *flag.FlagSet) *string {
	return flags.String("data", cmp.Or(os.Getenv("CORRIDOR_DATA"), "data"), "`directory` of the server's data, where imports are kept")
}

func (r importReport) print(w io.Writer) error {
	var b strings.Builder
	where := "kept in"
	if strings.Contains(r.Stored, "://") {
		where = "on"
	}
	fmt.Fprintf(&b, "%s: %s %s, %s %s\n", r.File, grouped(float64(r.Loaded)), r.What, where, r.Stored)
	if r.Known > 0 {
		fmt.Fprintf(&b, "%s rows are known already\n", grouped(float64(r.Known)))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "%s rows say nothing to keep\n", grouped(float64(r.Skipped)))
	}
	if len(r.Refused) > 0 {
		fmt.Fprintf(&b, "%s rows refused:\n", grouped(float64(len(r.Refused))))
		for _, row := range r.Refused[:min(len(r.Refused), refusedShown)] {
			fmt.Fprintf(&b, "  line %d: %s\n", row.Line, row.Reason)
		}
		if more := len(r.Refused) - refusedShown; more > 0 {
			fmt.Fprintf(&b, "  and %s more; --json lists them\n", grouped(float64(more)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
