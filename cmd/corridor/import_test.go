package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// linesKind imports the lines of a file and refuses those that say "bad".
var linesKind = importKind{
	name: "lines", summary: "lines", usage: "Any text.\n",
	prepare: func(flags *flag.FlagSet) importFunc {
		upper := flags.Bool("upper", false, "shout")
		return func(_ context.Context, in importJob) (importReport, error) {
			raw, err := os.ReadFile(in.file)
			r := importReport{What: "lines", Stored: in.data}
			if *upper {
				r.What = "LINES"
			}
			for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
				if line == "bad" {
					r.Refused = append(r.Refused, refusedRow{i + 1, "it is bad"})
					continue
				}
				r.Loaded++
			}
			return r, err
		}
	},
}

func TestImportTellsWhatBecameOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte("good\nbad\ngood\n"+strings.Repeat("bad\n", 25)), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := importFrom(t.Context(), linesKind, []string{file, "--upper", "--data", "there"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 LINES, kept in there", "26 rows refused", "line 2: it is bad", "and 6 more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out.String(), want)
		}
	}
	out.Reset()
	if err := importFrom(t.Context(), linesKind, []string{"--json", file}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Imports []importReport }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Imports) != 1 || answer.Imports[0].File != file || len(answer.Imports[0].Refused) != 26 {
		t.Errorf("%s", out.Bytes())
	}
}

func TestImportRefuses(t *testing.T) {
	var usage *usageError
	for _, args := range [][]string{{}, {"nothing", "file"}} {
		if err := importCommand(t.Context(), args, nil, io.Discard, io.Discard); !errors.As(err, &usage) {
			t.Errorf("%v: %v, want a usage error", args, err)
		}
	}
	if err := importFrom(t.Context(), linesKind, nil, io.Discard, io.Discard); !errors.As(err, &usage) {
		t.Errorf("no file: %v", err)
	}
	if err := importFrom(t.Context(), linesKind, []string{"no/such/file"}, io.Discard, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if err := importCommand(t.Context(), []string{"-h"}, nil, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
