package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
)

const townExtract = "../../geodata/network/exact/testdata/town.osm.pbf"

// TestImportOSM takes a small extract in and asks for a distance inside it: along
// one-way streets there and back are not the same.
func TestImportOSM(t *testing.T) {
	data := t.TempDir()
	var out, progress bytes.Buffer
	if err := importCommand(t.Context(), []string{"osm", townExtract, "--data", data, "--json"}, nil, &out, &progress); err != nil {
		t.Fatal(err)
	}
	var report struct {
		Imports []importReport `json:"imports"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Imports) != 1 || report.Imports[0].Loaded != 41 {
		t.Errorf("%s, %v", out.String(), err)
	}
	if _, err := os.Stat(filepath.Join(data, "osm", "town.crex")); err != nil {
		t.Error(err)
	}
	distance := func(from, to string) float64 {
		t.Helper()
		var out bytes.Buffer
		if err := distanceCommand(t.Context(), []string{from, to, "--mode", "road", "--data", data, "--json"}, nil, &out, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		var answer distanceAnswer
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.DistanceKM
	}
	// Up the second street, and round by the next for the way back.
	up, down := distance("60.1701,24.9440", "60.1879,24.9440"), distance("60.1879,24.9440", "60.1701,24.9440")
	if math.Abs(up-down) < 0.2 || min(up, down) < 1.9 || max(up, down) > 3 {
		t.Errorf("%.1f km one way, %.1f km the other", up, down)
	}
}

func TestImportOSMRefuses(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(townExtract)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"cut.osm.pbf":   {whole[:len(whole)-9], "not downloaded or copied whole"},
		"text.osm.pbf":  {[]byte("id,lat,lon\n1,2,3\n"), "not an .osm.pbf file"},
		"empty.osm.pbf": {nil, "empty"},
		"head.osm.pbf":  {whole[:bytes.Index(whole, []byte("OSMData"))-6], "no roads or railways"},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(dir, "data")
		err := importCommand(t.Context(), []string{"osm", file, "--data", data}, nil, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s left something", name)
		}
	}
	if err := importCommand(t.Context(), []string{"osm", dir}, nil, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("a folder: %v", err)
	}
	damaged := filepath.Join(dir, "osm")
	if err := os.MkdirAll(damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "x.crex"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openWorld(dir); err == nil || !strings.Contains(err.Error(), "import") {
		t.Errorf("a damaged import: %v", err)
	}
}

func TestReadVehicle(t *testing.T) {
	for s, want := range map[string]geodata.Vehicle{
		"":                         {},
		"44t":                      {WeightT: 44},
		"40t,4.0m,11.5t":           {WeightT: 40, HeightM: 4, AxleT: 11.5},
		",410cm":                   {HeightM: 4.1},
		"7500kg, no-tolls":         {WeightT: 7.5, AvoidTolls: true},
		"1520mm,electric":          {GaugeMM: 1520, Electric: true},
		"40t,4m,10t,no-ferries":    {WeightT: 40, HeightM: 4, AxleT: 10, AvoidFerries: true},
		"no-ferries,40t,,10t":      {WeightT: 40, AxleT: 10, AvoidFerries: true},
		"NO-TOLLS,1435mm,electric": {GaugeMM: 1435, Electric: true, AvoidTolls: true},
	} {
		if got, err := readVehicle(s); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{"heavy", "40t,4t", "40t,4m,10t,3m", "-5t", "0t", "1mm", "1520.5mm"} {
		if got, err := readVehicle(s); err == nil {
			t.Errorf("%q gives %+v", s, got)
		}
	}
}

// TestMeter: lines when nobody watches, a bar on a terminal, nothing when quiet; the
// share never falls.
func TestMeter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(3 * time.Second); return now }
	run := func(m *meter) {
		for _, doing := range []string{"reading ways", "reading nodes", "joining roads", "ordering roads", "weighing roads"} {
			for i := range 11 {
				m.tell(doing, float64(i)/10)
			}
		}
		m.end()
	}
	var lines, bar, quiet bytes.Buffer
	run(newMeter(&lines, false, 50_000_000, clock))
	n, last := 0, -1.0
	for line := range strings.Lines(lines.String()) {
		n++
		var share float64
		_, rest, _ := strings.Cut(line, ": ")
		if err := json.Unmarshal([]byte(rest[:strings.IndexByte(rest, '%')]), &share); err != nil || share < last {
			t.Errorf("%q after %v: %v", line, last, err)
		}
		last = share
	}
	if n < 5 || n > 20 || !strings.Contains(lines.String(), "MB/s") || !strings.Contains(lines.String(), "left") {
		t.Errorf("%d lines:\n%s", n, lines.String())
	}
	m := newMeter(&bar, false, 50_000_000, clock)
	m.bar, m.columns = true, 60
	run(m)
	for drawn := range strings.SplitSeq(bar.String(), "\r") {
		if len(drawn) > 60 {
			t.Errorf("%d columns: %q", len(drawn), drawn)
		}
	}
	if !strings.Contains(bar.String(), "[###") || strings.Contains(bar.String(), "\n") || !strings.HasSuffix(bar.String(), " \r") {
		t.Errorf("bar %q", bar.String())
	}
	run(newMeter(&quiet, true, 1, clock))
	if quiet.Len() > 0 {
		t.Errorf("quiet says %q", quiet.String())
	}
	for d, want := range map[time.Duration]string{5 * time.Second: "5 s", 200 * time.Second: "3 min 20 s", 7500 * time.Second: "2 h 5 min"} {
		if got := spoken(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
