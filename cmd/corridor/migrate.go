package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"corridor/tracking/store/postgres"
	"corridor/tracking/store/sqlite"
)

// movable is a store that everything can be taken out of, or put into.
type movable interface {
	Dump(ctx context.Context, yield func(table int, row []any) error) (seq uint64, epoch string, err error)
	Fill(ctx context.Context, dump func(put func(table int, row []any) error) (seq uint64, epoch string, err error)) error
	Close() error
}

var (
	_ movable = (*sqlite.DB)(nil)
	_ movable = (*postgres.DB)(nil)
)

func migrateCommand(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, `usage: corridor migrate [flags]

Moves the store of a stopped server from SQLite in its data directory to PostgreSQL,
or back: shipments, units, history, events and plans. The log stays where it is, and
so does the store it was moved from. Afterwards start the server with --database (or,
moved back, without).

`)
		flags.PrintDefaults()
	}
	data := flags.String("data", cmp.Or(os.Getenv("CORRIDOR_DATA"), "data"), "`directory` of the installation")
	database := flags.String("database", os.Getenv("CORRIDOR_DATABASE"), "PostgreSQL `URL`")
	back := flags.Bool("back", false, "from PostgreSQL to SQLite in the data directory")
	rest, err := interleaved(flags, args)
	if err != nil {
		return err
	}
	switch {
	case len(rest) > 0:
		return &usageError{fmt.Errorf("takes no arguments, got %q", rest[0])}
	case *database == "":
		return &usageError{errors.New("give the --database to move to, or from with --back")}
	}
	path := filepath.Join(*data, storeName)
	if _, err := os.Stat(path); err != nil && !*back {
		return fmt.Errorf("there is no SQLite store to move from in %s: %w", *data, err)
	}
	release, err := lockDir(*data)
	if err != nil {
		return err
	}
	if err := finishForgetting(ctx, *data, ""); err != nil {
		return errors.Join(err, release())
	}
	seq, err := moveStore(ctx, path, *database, *back)
	if err = errors.Join(err, release()); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "moved: the store is at record %d\n", seq)
	return nil
}

func moveStore(ctx context.Context, path, database string, back bool) (seq uint64, err error) {
	var from, to movable
	if from, err = sqlite.Open(ctx, path); err != nil {
		return 0, err
	}
	defer func(s movable) { err = errors.Join(err, s.Close()) }(from)
	if to, err = postgres.Open(ctx, database); err != nil {
		return 0, err
	}
	defer func(s movable) { err = errors.Join(err, s.Close()) }(to)
	if back {
		from, to = to, from
	}
	err = to.Fill(ctx, func(put func(int, []any) error) (uint64, string, error) {
		s, epoch, err := from.Dump(ctx, put)
		seq = s
		return s, epoch, err
	})
	switch {
	case errors.Is(err, sqlite.ErrNotEmpty):
		err = fmt.Errorf("%s holds something already: move it away first: %w", path, err)
	case errors.Is(err, postgres.ErrNotEmpty):
		err = fmt.Errorf("the database holds something already: give an empty one, or another search_path: %w", err)
	}
	return seq, err
}
