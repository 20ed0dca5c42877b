package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/poslog"
)

// contents is everything a server tells of what it holds.
func contents(t *testing.T, c client) map[string]string {
	t.Helper()
	all := map[string]string{}
	get := func(path string) []byte {
		status, body := c.do("GET", path, "")
		if status != 200 {
			t.Fatalf("GET %s: %d %s", path, status, body)
		}
		all[path] = string(body)
		return body
	}
	var units struct{ Units []tracking.UnitState }
	if err := json.Unmarshal(get("/api/v1/units"), &units); err != nil {
		t.Fatal(err)
	}
	for _, u := range units.Units {
		get("/api/v1/units/" + string(u.Unit) + "/track")
	}
	var shipments struct {
		Shipments []struct{ ID tracking.ShipmentID }
	}
	if err := json.Unmarshal(get("/api/v1/shipments"), &shipments); err != nil {
		t.Fatal(err)
	}
	for _, s := range shipments.Shipments {
		for _, what := range []string{"", "/track", "/events", "/eta"} {
			if status, body := c.do("GET", "/api/v1/shipments/"+string(s.ID)+what, ""); status == 200 || what == "/eta" {
				all[string(s.ID)+what] = string(body)
			} else {
				t.Fatalf("shipment %s%s: %d", s.ID, what, status)
			}
		}
	}
	get("/api/v1/parties")
	return all
}

// records reads a log that nobody has open.
func records(t *testing.T, data string) (epoch string, first uint64, all [][]byte) {
	t.Helper()
	log, err := poslog.Open(t.Context(), poslog.Config{Dir: filepath.Join(data, "log")})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if first, err = log.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := log.Read(t.Context(), first-1, func(_ uint64, r []byte) error {
		all = append(all, bytes.Clone(r))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return log.Epoch(), first, all
}

func corridor(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &b, &b)
	return b.String(), code
}

// TestBackupWhileItRuns takes a backup from a server that is being reported to and
// one when it has nothing to do. The first, restored, has the log to a point, byte
// for byte, and serves a beginning of every track; the second serves the very same.
func TestBackupWhileItRuns(t *testing.T) {
	data := t.TempDir()
	s := start(t, serveConfig{data: data, adminKey: adminKey})
	admin := s.as(adminKey)
	id, carrier := admin.party("Carrier", tracking.Carrier)
	_, shipper := admin.party("Shipper", tracking.Shipper)
	var plan struct{ ID string }
	shipper.must(201, "POST", "/api/v1/plans", `{"origin":"CNTAO","destination":"RUMOW","cargo":{"weight_kg":20000,"unit":"FTL"},"depart":"2026-12-01T08:00:00Z","modes":["road"]}`, &plan)
	shipper.must(201, "POST", "/api/v1/shipments", fmt.Sprintf(`{"plan_id":%q,"option":0,"carrier":%q,"unit":"T0"}`, plan.ID, id), nil)

	begin := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Second)
	sent := 0
	post := func() {
		var batch []tracking.Position
		for u := range 5 {
			for k := sent; k < sent+40; k++ {
				batch = append(batch, tracking.Position{Unit: tracking.UnitID(fmt.Sprint("T", u)), Time: begin.Add(time.Duration(k) * time.Second), Lat: 36 + float64(k)*1e-5, Lon: 120 + float64(u)})
			}
		}
		sent += 40
		carrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, batch), nil)
	}
	for range 10 {
		post()
	}
	stop := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				post()
			}
		}
	})
	dir := t.TempDir()
	busy, quiet := filepath.Join(dir, "busy.tar.zst"), filepath.Join(dir, "quiet.tar.zst")
	if out, code := corridor(t, "backup", "--data", data, "--url", s.app.base, "--key", adminKey, busy); code != 0 {
		t.Fatalf("backup: %s", out)
	}
	close(stop)
	reporting.Wait()
	if out, code := corridor(t, "backup", "--data", data, "--url", s.app.base, "--key", adminKey, quiet); code != 0 {
		t.Fatalf("backup: %s", out)
	}
	want := contents(t, admin)
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	epoch, _, log := records(t, data)

	restored := func(from string) (client, *server, string) {
		t.Helper()
		to := filepath.Join(dir, "restored-"+filepath.Base(from))
		if out, code := corridor(t, "restore", "--data", to, from); code != 0 {
			t.Fatalf("restore: %s", out)
		}
		s := start(t, serveConfig{data: to, adminKey: adminKey})
		return s.as(adminKey), s, to
	}
	as, again, to := restored(quiet)
	got := contents(t, as)
	if len(got) != len(want) {
		t.Errorf("%d answers, want %d", len(got), len(want))
	}
	for path, body := range want {
		if got[path] != body {
			t.Errorf("%s:\ngot  %.500s\nwant %.500s", path, got[path], body)
		}
	}
	// It goes on as the one it is a copy of would have.
	restoredCarrier := client{t, again.app.base, carrier.key}
	restoredCarrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, []tracking.Position{{Unit: "T0", Time: time.Now().UTC(), Lat: 36, Lon: 120}}), nil)
	if err := again.halt(); err != nil {
		t.Fatal(err)
	}
	if e, first, r := records(t, to); e != epoch || first != 1 || len(r) < len(log) || !equalRecords(r[:len(log)], log) {
		t.Errorf("the restored log, of epoch %s, is another", e)
	}

	as, again, to = restored(busy)
	for path, body := range contents(t, as) {
		if !strings.HasSuffix(path, "/track") || !strings.HasPrefix(path, "/api/v1/units/") {
			continue
		}
		var a, b struct{ Positions []tracking.Fix }
		if err := errors.Join(json.Unmarshal([]byte(body), &a), json.Unmarshal([]byte(want[path]), &b)); err != nil {
			t.Fatal(err)
		}
		if len(a.Positions) < 400 || len(a.Positions) > len(b.Positions) {
			t.Fatalf("%s: %d fixes of %d", path, len(a.Positions), len(b.Positions))
		}
		for i := range a.Positions {
			if fmt.Sprint(a.Positions[i]) != fmt.Sprint(b.Positions[i]) {
				t.Fatalf("%s: fix %d is %v, was %v", path, i, a.Positions[i], b.Positions[i])
			}
		}
	}
	if err := again.halt(); err != nil {
		t.Fatal(err)
	}
	_, _, r := records(t, to)
	n := min(len(r), len(log))
	if !equalRecords(r[:n-1], log[:n-1]) { // the last may be the restart's own
		t.Error("the log restored from the busy server is no beginning of its log")
	}

	// A stopped installation is read from its directory.
	if out, code := corridor(t, "backup", "--data", data, filepath.Join(dir, "stopped.tar.zst")); code != 0 {
		t.Errorf("backup of a stopped one: %s", out)
	}
	// What is there is not written over, and a damaged file not restored.
	if out, code := corridor(t, "backup", "--data", data, quiet); code == 0 {
		t.Errorf("wrote over a backup: %s", out)
	}
	if out, code := corridor(t, "restore", "--data", data, quiet); code == 0 || !strings.Contains(out, "not empty") {
		t.Errorf("restored over a data directory: %s", out)
	}
	whole, err := os.ReadFile(quiet)
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string][]byte{"cut": whole[:len(whole)/2], "cut at the end": whole[:len(whole)-1], "empty": nil, "text": []byte("no backup at all")}
	for i := range 12 {
		at := (len(whole) - 1) * i / 11
		broken[fmt.Sprint("flipped at ", at)] = flipped(whole, at)
	}
	for name, damaged := range broken {
		to := filepath.Join(dir, "damaged-"+name)
		if _, err := restoreBackup(context.Background(), bytes.NewReader(damaged), to); err == nil {
			t.Errorf("restored a backup that is %s", name)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("left a directory of a backup that is %s", name)
		}
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x10
	return b
}

func equalRecords(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// FuzzBackupLog reads anything as the log of a backup.
func FuzzBackupLog(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3, 'a', 'b', 'c', 0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		for record, err := range readRecords(bytes.NewReader(b)) {
			if err == nil && len(record) > len(b) {
				t.Errorf("a record of %d bytes of %d", len(record), len(b))
			}
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && record != nil {
				t.Error("a record beside an error")
			}
		}
	})
}
