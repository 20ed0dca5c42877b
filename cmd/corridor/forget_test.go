package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/live"
	"corridor/tracking/store/history"
	"corridor/tracking/store/postgres"
	"corridor/web/api"
)

const (
	secretUnit   = "GEHEIM-77123"
	secretDriver = "Iwan Petrowitsch Sidorow"
	secretPhone  = "+7 495 7654321"
)

// furnish gives a server two carriers, units, and three shipments: one carried by
// the secret unit, one whose papers and notes name the driver, one that has ended on
// the secret unit and belongs to others.
func furnish(t *testing.T, c serveConfig) (s *server, carrier client, shipments []tracking.ShipmentID) {
	t.Helper()
	s = launch(t, c, func(a *app) {
		a.openPlanner = func() (api.Planner, api.Places, error) { return nil, nil, nil }
		a.prepare = func(ctx context.Context, tr *live.Tracker) error {
			if len(tr.Parties(tracking.Shipper)) > 0 {
				return nil
			}
			owner, err := tr.CreateParty(ctx, "Shipper", tracking.Shipper)
			if err != nil {
				return err
			}
			haul, err := tr.CreateParty(ctx, "Haulier", tracking.Carrier)
			if err != nil {
				return err
			}
			if _, err := tr.SetRule(ctx, haul, tracking.AlertRule{Name: "Shocks", Kinds: []string{tracking.EventShock}, Severity: tracking.Info}); err != nil {
				return err
			}
			for i, unit := range []tracking.UnitID{secretUnit, "OPEN-1", secretUnit} {
				x, err := tr.OpenShipment(ctx, tracking.Shipment{Owner: owner.ID, Carrier: haul.ID, Unit: unit, PlanID: fmt.Sprint("P", i), Reference: fmt.Sprint("PO-", i)})
				if err != nil {
					return err
				}
				shipments = append(shipments, x.ID)
			}
			if _, err := tr.Amend(ctx, shipments[1], owner.ID, 0, func(d *tracking.Dossier) error {
				d.Contacts = []tracking.Contact{{Role: tracking.ContactDriver, Name: secretDriver, Contact: secretPhone}}
				d.Notes = []tracking.Note{{At: time.Now().UTC(), By: owner.ID, Text: "call " + secretDriver + " before noon"}}
				return nil
			}); err != nil {
				return err
			}
			_, err = tr.Cancel(ctx, shipments[2], owner.ID, "sold")
			return err
		}
	})
	s.await()
	var parties struct{ Parties []tracking.Party }
	s.as(adminKey).must(200, "GET", "/api/v1/parties", "", &parties)
	for _, p := range parties.Parties {
		if p.Name == "Haulier" {
			var k struct{ Key string }
			s.as(adminKey).must(201, "POST", "/api/v1/parties/"+string(p.ID)+"/keys", "", &k)
			carrier = client{t, s.app.base, k.Key}
		}
	}
	begin := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)
	var batch []tracking.Position
	for k := range 600 {
		unit := []tracking.UnitID{secretUnit, "OPEN-1", "OPEN-2"}[k%3]
		batch = append(batch, tracking.Position{Unit: unit, Time: begin.Add(time.Duration(k) * time.Second), Lat: 36, Lon: 120 + float64(k)/1000})
	}
	batch[0].Sensors = json.RawMessage(`{"shock_g":9}`) // an alert about the unit
	carrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, batch), nil)
	var list struct{ Alerts []tracking.Alert }
	if carrier.must(200, "GET", "/api/v1/alerts", "", &list); len(list.Alerts) != 1 {
		t.Fatalf("%d alerts", len(list.Alerts))
	}
	return s, carrier, shipments
}

// filesWith lists the files below a directory that hold one of the words.
func filesWith(t *testing.T, dir string, words ...string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, w := range words {
			if bytes.Contains(b, []byte(w)) {
				found = append(found, filepath.Base(path)+": "+w)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestForget deletes a unit, its shipment and a driver, and looks through all files
// of the data directory for what is left. All else is as it was, and goes on.
func TestForget(t *testing.T) {
	data := t.TempDir()
	s, _, shipments := furnish(t, serveConfig{data: data, adminKey: adminKey})
	if out, code := corridor(t, "forget", "--data", data, "--unit", secretUnit); code == 0 || !strings.Contains(out, "serving") {
		t.Errorf("of a running server: %d %s", code, out)
	}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	if found := filesWith(t, data, secretUnit); len(found) < 2 {
		t.Fatalf("only %q hold the unit before: this test would prove nothing", found)
	}
	for _, refused := range []struct {
		args []string
		want string
	}{
		{nil, "say what to forget"},
		{[]string{"--text", "Iva"}, "so short"},
		{[]string{"--unit", "NOBODY"}, "there is no unit"},
		{[]string{"--unit", secretUnit}, "carries shipment"},
	} {
		if out, code := corridor(t, append([]string{"forget", "--data", data}, refused.args...)...); code == 0 || !strings.Contains(out, refused.want) {
			t.Errorf("%v: %d %s", refused.args, code, out)
		}
	}
	s, _, _ = again(t, data, "")
	before := contents(t, s.as(adminKey))
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	out, code := corridor(t, "forget", "--data", data, "--unit", secretUnit, "--shipment", string(shipments[0]), "--text", secretDriver, "--text", secretPhone)
	if code != 0 {
		t.Fatalf("forget: %s", out)
	}
	if found := filesWith(t, data, secretUnit, secretDriver, secretPhone, string(shipments[0])); len(found) > 0 {
		t.Errorf("still there: %q", found)
	}
	if _, err := os.Stat(filepath.Join(data, forgetName)); err == nil {
		t.Error("what was made to be swapped is still there")
	}
	s, carrier, _ := again(t, data, "")
	checkForgotten(t, s, carrier, shipments, before)
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	if found := filesWith(t, data, secretUnit, secretDriver, secretPhone); len(found) > 0 {
		t.Errorf("there again: %q", found)
	}
}

// again starts the server anew with a key for the haulier.
func again(t *testing.T, data, database string) (*server, client, []tracking.ShipmentID) {
	t.Helper()
	s := startTracker(t, serveConfig{data: data, adminKey: adminKey, database: database})
	var parties struct{ Parties []tracking.Party }
	s.as(adminKey).must(200, "GET", "/api/v1/parties", "", &parties)
	for _, p := range parties.Parties {
		if p.Name == "Haulier" {
			var k struct{ Key string }
			s.as(adminKey).must(201, "POST", "/api/v1/parties/"+string(p.ID)+"/keys", "", &k)
			return s, client{t, s.app.base, k.Key}, nil
		}
	}
	t.Fatal("the haulier is gone")
	return nil, client{}, nil
}

func checkForgotten(t *testing.T, s *server, carrier client, shipments []tracking.ShipmentID, before map[string]string) {
	t.Helper()
	admin := s.as(adminKey)
	for _, path := range []string{"/api/v1/units/" + secretUnit, "/api/v1/units/" + secretUnit + "/track", "/api/v1/shipments/" + string(shipments[0])} {
		admin.must(404, "GET", path, "", nil)
	}
	after := contents(t, admin)
	for path, body := range before {
		if strings.Contains(body, secretUnit) || strings.Contains(body, secretDriver) || strings.Contains(path, secretUnit) || strings.HasPrefix(path, string(shipments[0])) ||
			strings.Contains(body, "urn:request:") { // a refusal, with the number of the request
			continue // changed, as it should
		}
		if after[path] != body {
			t.Errorf("%s:\ngot  %.300s\nwant %.300s", path, after[path], body)
		}
	}
	if note := after[string(shipments[1])]; !strings.Contains(note, "call [erased] before noon") {
		t.Errorf("the note is %s", note)
	}
	// It goes on, also for a unit of that name, which is a new one.
	var receipt tracking.Receipt
	carrier.must(200, "POST", "/api/v1/positions", positionsJSON(t, []tracking.Position{{Unit: "OPEN-1", Time: time.Now().UTC().Add(-time.Minute), Lat: 36, Lon: 121}}), &receipt)
	if receipt.Stored != 1 {
		t.Errorf("a report afterwards: %+v", receipt)
	}
}

// TestForgetIsFinished stops between the swap of the store and that of the log: the
// next start finishes it.
func TestForgetIsFinished(t *testing.T) {
	data := t.TempDir()
	s, _, shipments := furnish(t, serveConfig{data: data, adminKey: adminKey})
	before := contents(t, s.as(adminKey))
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "log")
	if err := os.CopyFS(old, os.DirFS(filepath.Join(data, logName))); err != nil {
		t.Fatal(err)
	}
	if out, code := corridor(t, "forget", "--data", data, "--unit", secretUnit, "--shipment", string(shipments[0]), "--text", secretDriver); code != 0 {
		t.Fatalf("forget: %s", out)
	}
	// As it was when the store was swapped and the log was not.
	dir := filepath.Join(data, forgetName)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(data, logName), filepath.Join(dir, logName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(old, filepath.Join(data, logName)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, forgetReady), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, carrier, _ := again(t, data, "")
	checkForgotten(t, s, carrier, shipments, before)
	if found := filesWith(t, data, secretUnit); len(found) > 0 {
		t.Errorf("still there: %q", found)
	}
}

// TestForgetInPostgreSQL does it where the store is PostgreSQL, whose tables are
// then looked through.
func TestForgetInPostgreSQL(t *testing.T) {
	_, database := lineToPostgres(t)
	data := t.TempDir()
	s, _, shipments := furnish(t, serveConfig{data: data, adminKey: adminKey, database: database})
	before := contents(t, s.as(adminKey))
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	if out, code := corridor(t, "forget", "--data", data, "--database", database, "--unit", secretUnit, "--shipment", string(shipments[0]), "--text", secretDriver, "--text", secretPhone); code != 0 {
		t.Fatalf("forget: %s", out)
	}
	if found := filesWith(t, data, secretUnit, secretDriver, secretPhone); len(found) > 0 {
		t.Errorf("still there: %q", found)
	}
	store, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = store.Dump(t.Context(), func(table int, row []any) error {
		for _, w := range []string{secretUnit, secretDriver, secretPhone} {
			if strings.Contains(fmt.Sprint(row...), w) {
				t.Errorf("table %s holds %s", history.Tables()[table].Name, w)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	s, carrier, _ := again(t, data, database)
	checkForgotten(t, s, carrier, shipments, before)
}
