package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"corridor/carriers"
)

func TestReplayFlags(t *testing.T) {
	t.Setenv("CORRIDOR_KEY", "from the environment")
	o, err := parseReplay([]string{"drive.gpx", "--speed", "max", "--unit", "TRK-1"}, io.Discard)
	if err != nil || o.file != "drive.gpx" || o.config.Speed != 0 || o.load.Unit != "TRK-1" || o.config.Key != "from the environment" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parseReplay([]string{"--key", "K", "-", "--speed", "x10"}, io.Discard); err != nil || o.file != "-" || o.config.Speed != 10 || o.config.Key != "K" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range []string{
		"", "a.gpx b.gpx", "a.gpx --speed 0", "a.gpx --speed 1001", "a.gpx --speed fast", "a.gpx --format pdf", "a.gpx --mode space",
		"a.gpx --start yesterday", "a.gpx --keep-time --start 2026-12-01T08:00:00Z", "a.gpx --timezone Mars/Base", "a.gpx --rate 0",
		"a.gpx --batch 10001", "a.gpx --unit #1", "a.gpx --shift later", "a.gpx --nonsense",
	} {
		_, err := parseReplay(strings.Fields(args), io.Discard)
		var wrong *usageError
		if !errors.As(err, &wrong) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := parseReplay([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("help: %v", err)
	}
}

func TestReplayCommand(t *testing.T) {
	var newest time.Time
	var query string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.RawQuery
		ps, _, refused, err := carriers.DecodePositions(r.Body, r.Header.Get("Content-Type"), 10_000)
		if err != nil || len(refused) > 0 || r.Header.Get("Authorization") != "Bearer K" {
			t.Errorf("%v, %v", refused, err)
		}
		newest = ps[len(ps)-1].Time
		_, _ = io.WriteString(w, `{"stored":1,"duplicates":1,"refused":[{"index":0,"code":"latitude","reason":"latitude 91 out of range"}]}`)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ships.csv")
	if err := os.WriteFile(file, []byte("unit,time,lat,lon\nA,2019-01-01 00:00:00,91,2\nA,2019-01-01 00:00:10,1,2\nA,2019-01-01 00:00:20,1,2\nA,never,1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	err := replayCommand(t.Context(), []string{file, "--url", server.URL, "--key", "K", "--speed", "max", "--mode", "sea"}, nil, &out, &errs)
	if err != nil {
		t.Fatal(err)
	}
	if ago := time.Since(newest); ago < -2*time.Second || ago > time.Minute {
		t.Errorf("the newest position is %s old", ago)
	}
	if query != "mode=sea" {
		t.Errorf("query %q", query)
	}
	want := "sent        3 of 3\nstored      1\nduplicates  1\nrefused     1\n  latitude   1, e.g. latitude 91 out of range\nlines without a position: 1 time not understood\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	if got := errs.String(); !strings.Contains(got, "ships.csv: csv, 3 positions of 1 unit over 20s") {
		t.Errorf("stderr %q", got)
	}
	if err := replayCommand(t.Context(), []string{file, "--url", server.URL, "--key", "K", "--speed", "max", "--keep-time"}, nil, io.Discard, io.Discard); err != nil || newest.Year() != 2019 {
		t.Errorf("times kept: %s, %v", newest, err)
	}
	if err := replayCommand(t.Context(), []string{"-", "--url", server.URL, "--key", "K"}, strings.NewReader("unit,time,lat,lon\n"), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "no position in it") {
		t.Errorf("an empty recording: %v", err)
	}
	if err := replayCommand(t.Context(), []string{file + "x"}, nil, io.Discard, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
