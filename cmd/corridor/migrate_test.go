package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"corridor/tracking"
)

// TestMigrate moves a server's store to PostgreSQL and starts it there, and then
// back: it answers the same each time, and goes on taking reports.
func TestMigrate(t *testing.T) {
	database := emptySchema(t).String()

	data := t.TempDir()
	s := start(t, serveConfig{data: data, adminKey: adminKey})
	_, carrier := s.as(adminKey).party("Carrier", tracking.Carrier)
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	report := func(on *server, from, n int) {
		var batch []tracking.Position
		for k := from; k < from+n; k++ {
			batch = append(batch, tracking.Position{Unit: tracking.UnitID(fmt.Sprint("T", k%3)), Time: at.Add(time.Duration(k) * time.Second), Lat: 36, Lon: 120 + float64(k)/1000})
		}
		client{t, on.app.base, carrier.key}.must(200, "POST", "/api/v1/positions", positionsJSON(t, batch), nil)
	}
	report(s, 0, 900)
	want := contents(t, s.as(adminKey))
	if out, code := corridor(t, "migrate", "--data", data, "--database", database); code == 0 || !strings.Contains(out, "serving") {
		t.Errorf("moved the store of a running server: %s", out)
	}
	same := func(on *server, what string) {
		t.Helper()
		got := contents(t, on.as(adminKey))
		for path, body := range want {
			if got[path] != body {
				t.Errorf("%s: %s:\ngot  %.300s\nwant %.300s", what, path, got[path], body)
			}
		}
	}
	move := func(args ...string) {
		t.Helper()
		if out, code := corridor(t, append([]string{"migrate", "--data", data, "--database", database}, args...)...); code != 0 {
			t.Fatalf("migrate: %s", out)
		}
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	move()
	s = start(t, serveConfig{data: data, adminKey: adminKey, database: database})
	same(s, "on PostgreSQL")
	report(s, 900, 60)
	want = contents(t, s.as(adminKey))
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	if out, code := corridor(t, "migrate", "--data", data, "--database", database, "--back"); code == 0 || !strings.Contains(out, "holds something already") {
		t.Errorf("moved over a store: %s", out)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(data + "/" + storeName + end); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	move("--back")
	s = start(t, serveConfig{data: data, adminKey: adminKey})
	same(s, "back on SQLite")
	report(s, 960, 60)
	if out, code := corridor(t, "migrate"); code != 2 {
		t.Errorf("without a database: %d %s", code, out)
	}
}
