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
	"path/filepath"

	"corridor/tracking/audit"
	"corridor/tracking/carnet"
	"corridor/tracking/poslog"
)

// changedError says that something is not as it was written. It has an exit status of
// its own, so that a script can tell it from a check that could not be made.
type changedError struct{ n int }

func (e *changedError) Error() string {
	if e.n == 1 {
		return "one thing is not as it was written"
	}
	return fmt.Sprintf("%d things are not as they were written", e.n)
}

func verifyCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: corridor verify [flags]

Folds the log again and holds the store against it: an event, a carnet, a shipment or
a position that was changed, put in or taken out is named, and so is a record of the
log that cannot be read. It writes nothing. The server must not be running; of one
that is, verify what corridor backup and corridor restore give.

With --journal it checks the journal of a carnet that was saved from
/api/v1/carnets/NUMBER/journal, and needs nothing else.

Exit status: 0 all is as it was written, 1 it could not be checked, 2 wrong flags,
3 something was changed.

`)
		flags.PrintDefaults()
	}
	data := flags.String("data", cmp.Or(os.Getenv("CORRIDOR_DATA"), "data"), "`directory` of the installation")
	database := flags.String("database", os.Getenv("CORRIDOR_DATABASE"), "PostgreSQL `URL` of the store; left out: SQLite in the directory")
	nats := flags.String("nats", os.Getenv("CORRIDOR_NATS"), "`URL` of the NATS cluster with the log; left out: the log in the directory")
	tracks := flags.Bool("tracks", true, "compare every position too; --tracks=false is quicker")
	journal := flags.String("journal", "", "check only this `file` with a carnet's journal; - is the standard input")
	asJSON := flags.Bool("json", false, "print the report as JSON")
	var heads []string
	flags.Func("head", "`hash` of a journal entry that was printed; it must be there (repeatable)", func(s string) error {
		if len(s) != 64 {
			return errors.New("a hash has 64 hexadecimal digits")
		}
		heads = append(heads, s)
		return nil
	})
	rest, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return &usageError{fmt.Errorf("%s: it takes flags only", rest[0])}
	}
	if *journal != "" {
		return verifyJournal(*journal, heads, stdin, stdout)
	}
	r, err := auditInstallation(ctx, *data, *database, *nats, audit.Options{Tracks: *tracks, Heads: heads})
	if err != nil {
		return err
	}
	if *asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Findings {
			fmt.Fprintf(stdout, "%s: %s\n", f.What, f.Reason)
		}
		if r.Partial != "" {
			fmt.Fprintln(stdout, "not all:", r.Partial)
		}
		fmt.Fprintf(stdout, "log %s, records %d to %d: %d events, %d positions, %d carnets and %d other things compared\n", r.Epoch, r.From, r.To, r.Events, r.Fixes, r.Carnets, r.Things)
	}
	if len(r.Findings) > 0 {
		return &changedError{len(r.Findings)}
	}
	return nil
}

// auditInstallation opens what an installation keeps and compares it.
func auditInstallation(ctx context.Context, data, database, nats string, o audit.Options) (r *audit.Report, err error) {
	closing := func(f func() error) { err = errors.Join(err, f()) }
	if nats == "" {
		if _, err := os.Stat(filepath.Join(data, "log")); err != nil {
			return nil, fmt.Errorf("there is no log in %s: give the directory of the installation by --data", data)
		}
	}
	if nats == "" || database == "" {
		release, err := lockDir(data)
		if err != nil {
			return nil, err
		}
		defer closing(release)
	}
	a := app{serveConfig: serveConfig{data: data, database: database}}
	store, err := a.openStore(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	defer closing(store.Close)
	log, err := poslog.Open(ctx, poslog.Config{Dir: filepath.Join(data, "log"), URL: nats, MinFree: -1, AsItIs: true})
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer closing(log.Close)
	return audit.Check(ctx, log, store, o)
}

// verifyJournal checks a journal on its own.
func verifyJournal(path string, heads []string, stdin io.Reader, stdout io.Writer) error {
	var b []byte
	var err error
	if path == "-" {
		b, err = io.ReadAll(io.LimitReader(stdin, maxJournal+1))
	} else {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return err
	}
	if len(b) > maxJournal {
		return fmt.Errorf("%s is larger than %d MB: it is no journal", path, maxJournal>>20)
	}
	var j struct {
		Number  string        `json:"number"`
		Journal []carnet.Line `json:"journal"`
	}
	if err := json.Unmarshal(b, &j); err != nil || j.Number == "" {
		return fmt.Errorf("%s is not a journal: save /api/v1/carnets/NUMBER/journal", path)
	}
	if err := carnet.VerifyJournal(j.Number, j.Journal); err != nil {
		fmt.Fprintln(stdout, err)
		return &changedError{1}
	}
	c := carnet.Carnet{Terms: carnet.Terms{Number: j.Number}, Journal: j.Journal}
	for _, h := range heads {
		if c.Holds(h) == 0 {
			fmt.Fprintf(stdout, "journal of carnet %s: no entry has the hash %s\n", j.Number, h)
			return &changedError{1}
		}
	}
	fmt.Fprintf(stdout, "journal of carnet %s: %d entries follow from each other, the last is %s\n", j.Number, len(j.Journal), c.Head())
	return nil
}

const maxJournal = 32 << 20
