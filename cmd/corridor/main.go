// Command corridor plans freight by sea, rail, road-TIR and air, and tracks the
// shipments that follow those plans. This package holds flags, signals and the
// assembly of the pieces; what they do is in the folders beside it. Read app.go
// for how the server is put together.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
)

// version is set by the linker (see Makefile).
var version = "dev"

// command runs one subcommand. A returned error is printed by main, once.
type command func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error

type subcommand struct {
	name, summary string
	run           command
}

func subcommands() []subcommand {
	return []subcommand{
		{"serve", "serve the API, the live map and the comparison of plans", serveCommand},
		{"plan", "compare the corridors between two places on cost, time and CO2e", planCommand},
		{"ecommerce", "compare direct mail, bonded stock and an overseas warehouse for a year's orders", ecommerceCommand},
		{"rules", "the rules that leave a corridor out, with their sources", rulesCommand},
		{"distance", "the distance between two places by one mode", distanceCommand},
		{"import", "take files of your own into the data directory", importCommand},
		{"replay", "push a recording of positions through the API of a server", replayCommand},
		{"backup", "write everything an installation holds to one file, while it runs", backupCommand},
		{"restore", "make a data directory of a backup", restoreCommand},
		{"forget", "delete for good what is held of a unit, a shipment, a party or a name", forgetCommand},
		{"migrate", "move the store from SQLite to PostgreSQL, or back", migrateCommand},
		{"verify", "find out whether what is stored is what was written", verifyCommand},
		{"version", "print the version", versionCommand},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to stop; from then on a second one ends the process at
	// once, as if nobody listened.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run dispatches to a subcommand and returns the exit status: 0, 1 when it failed,
// 2 when it was called in a way that makes no sense, 3 when it found something changed.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			return run(ctx, []string{args[1], "-h"}, stdin, stdout, stderr)
		}
		usage(stdout)
		return 0
	case "-version", "--version":
		args[0] = "version"
	}
	commands := subcommands()
	i := slices.IndexFunc(commands, func(c subcommand) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(stderr, "corridor: there is no command %q\n\n", args[0])
		usage(stderr)
		return 2
	}
	err := commands[i].run(ctx, args[1:], stdin, stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "corridor %s: %v\nRun corridor help %s for its flags.\n", args[0], err, args[0])
		return 2
	}
	fmt.Fprintf(stderr, "corridor %s: %v\n", args[0], err)
	var changed *changedError
	if errors.As(err, &changed) {
		return 3
	}
	return 1
}

// usageError says that a command was called in a way that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(w io.Writer) {
	fmt.Fprint(w, "Corridor plans freight by sea, rail, road and air, and tracks it.\n\nusage: corridor COMMAND [flags]\n\n")
	for _, c := range subcommands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nTo look around with simulated traffic: corridor serve --demo\n")
}

func versionCommand(_ context.Context, _ []string, _ io.Reader, stdout, _ io.Writer) error {
	fmt.Fprintln(stdout, "corridor", version, goVersion())
	return nil
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return ""
}
