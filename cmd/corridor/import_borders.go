package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"corridor/geodata/border"
	"corridor/routing"
)

// bordersFile is where what a user knows of border posts is kept under the data
// directory.
const bordersFile = "borders/status.csv"

func bordersKind() importKind {
	return importKind{
		name: "borders", summary: "border posts: how they work now and how long they take, overriding the reference",
		usage: `Reads a CSV of what you know of border posts, with the header

  ` + border.StatusHeader + `

id is that of a post (the Borders page and corridor distance show them), regime is
normal, congested, restricted or closed. The dwell is in hours; empty is the
reference of the regime. from and until are days (2026-11-25, from midnight UTC) or
times (2026-11-25T08:00:00Z) between which the row holds; empty is without limit.
as_of (a day, month or year) and source are told with every plan and are needed.

Of several rows for one post the last that holds counts. The table replaces the one
imported before; one with the header alone takes all away.
`,
		prepare: func(*flag.FlagSet) importFunc { return importBorders },
	}
}

func importBorders(_ context.Context, in importJob) (importReport, error) {
	report := importReport{What: "the status of border posts", Stored: filepath.Join(in.data, bordersFile)}
	raw, err := os.ReadFile(in.file)
	if err != nil {
		return report, err
	}
	ids, err := postIDs()
	if err != nil {
		return report, err
	}
	statuses, bad, err := border.ReadStatuses(bytes.NewReader(raw), ids)
	if err != nil {
		return report, err
	}
	report.Loaded = len(statuses)
	for _, b := range bad {
		report.Refused = append(report.Refused, refusedRow{b.Line, b.Reason})
	}
	if len(statuses) == 0 && len(bad) > 0 {
		return report, fmt.Errorf("no row makes sense; line %d: %s", bad[0].Line, bad[0].Reason)
	}
	var table bytes.Buffer
	if err := border.WriteStatuses(&table, statuses); err != nil {
		return report, err
	}
	if err := os.MkdirAll(filepath.Dir(report.Stored), 0o755); err != nil {
		return report, err
	}
	beside := report.Stored + ".new"
	if err := os.WriteFile(beside, table.Bytes(), 0o644); err != nil {
		return report, err
	}
	return report, os.Rename(beside, report.Stored)
}

func postIDs() ([]string, error) {
	posts, err := border.All()
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(posts))
	for i, p := range posts {
		ids[i] = p.ID
	}
	return ids, nil
}

// conditions is the world as the reference data has it, but for what the user
// imported about border posts.
type conditions struct {
	posts map[string][]border.Status
}

// openConditions reads what was imported; without a data directory nothing was.
func openConditions(data string) (conditions, error) {
	c := conditions{posts: map[string][]border.Status{}}
	if data == "" {
		return c, nil
	}
	file, err := os.Open(filepath.Join(data, bordersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer file.Close()
	ids, err := postIDs()
	if err != nil {
		return c, err
	}
	statuses, bad, err := border.ReadStatuses(file, ids)
	if err != nil {
		return c, fmt.Errorf("read %s: %w; import it again", file.Name(), err)
	}
	if len(bad) > 0 {
		return c, fmt.Errorf("read %s: line %d: %s; import it again", file.Name(), bad[0].Line, bad[0].Reason)
	}
	for _, s := range statuses {
		c.posts[s.Post] = append(c.posts[s.Post], s)
	}
	return c, nil
}

func (c conditions) Border(id string, at time.Time) (routing.Status, bool) {
	all := c.posts[id]
	for i := len(all) - 1; i >= 0; i-- {
		if s := all[i]; s.At(at) {
			return routing.Status{Regime: s.Regime, Dwell: s.Dwell, AsOf: s.AsOf, Source: s.Source}, true
		}
	}
	return routing.Status{}, false
}

// Passage knows nothing out of the ordinary.
func (conditions) Passage(string, time.Time) (routing.Status, bool) { return routing.Status{}, false }
