// Command geodata rebuilds the data sets embedded in Corridor from pinned public
// packages. It is run by `make geodata`, never by users: its results are
// committed. The same sources give the same bytes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
)

func main() {
	cache := flag.String("cache", filepath.Join(os.TempDir(), "corridor-geodata"), "folder for downloaded packages")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: geodata [-cache DIR] [WHAT ...]\nrun at the root of the repository; WHAT is any of %v, all when none is given\n", names())
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *cache, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "geodata:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cache string, what []string) error {
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run at the root of the repository: %w", err)
	}
	all := builders()
	if len(what) == 0 {
		what = names()
	}
	f := &fetcher{dir: cache}
	for _, name := range what {
		build, ok := all[name]
		if !ok {
			return fmt.Errorf("nothing to build called %q: use any of %v", name, names())
		}
		fmt.Println("geodata: building", name)
		if err := build(ctx, f); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}

func names() []string {
	var out []string
	for name := range builders() {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
