package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"corridor/tracking"
)

// A whole installation is verified, one that was meddled with is not, and a journal is
// checked without any.
func TestVerify(t *testing.T) {
	data := t.TempDir()
	s := start(t, serveConfig{data: data, adminKey: adminKey})
	admin := s.as(adminKey)
	if out, code := corridor(t, "verify", "--data", data); code != 1 {
		t.Errorf("beside a running server: %d %s", code, out)
	}
	var carrier tracking.Party
	admin.must(201, "POST", "/api/v1/carriers", `{"name":"A carrier"}`, &carrier)
	const offices = `[{"id":"a","name":"Istanbul","country":"TR","role":"departure","lat":41,"lon":28.9},{"id":"b","name":"Kapikule","country":"TR","role":"exit","lat":41.715,"lon":26.352},
		{"id":"c","name":"Kapitan Andreevo","country":"BG","role":"entry","lat":41.72,"lon":26.34},{"id":"d","name":"Munich","country":"DE","role":"destination","lat":48.1,"lon":11.6}]`
	body := func(offices string) string {
		return fmt.Sprintf(`{"number":"XB25000001","holder":"A carrier","valid_until":%q,"approval":"A","unit":"T1","carrier":%q,"itinerary":[[28.9,41],[26.352,41.715],[11.6,48.1]],"offices":%s}`,
			time.Now().Add(240*time.Hour).UTC().Format(time.RFC3339), carrier.ID, offices)
	}
	if status, answer := admin.do("POST", "/api/v1/carnets", body(strings.ReplaceAll(offices, `"DE"`, `"US"`))); status != 422 || !strings.Contains(string(answer), "US is not party to the TIR Convention") {
		t.Errorf("a carnet for a country that is no party: %d %s", status, answer)
	}
	var c struct {
		Countries []string
		Vouchers  int
		Head      string
	}
	admin.must(201, "POST", "/api/v1/carnets", body(offices), &c)
	if strings.Join(c.Countries, " ") != "TR EU" || c.Vouchers != 4 {
		t.Errorf("the Union is one customs territory: %+v", c)
	}
	admin.must(200, "POST", "/api/v1/carnets/XB25000001/steps", `{"kind":"accept","office":"a","seal":"S1"}`, &c)
	_, journal := admin.do("GET", "/api/v1/carnets/XB25000001/journal", "")
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}

	out, code := corridor(t, "verify", "--data", data, "--head", c.Head)
	if code != 0 || !strings.Contains(out, "1 carnets") {
		t.Errorf("verify: %d %s", code, out)
	}
	if out, code := corridor(t, "verify", "--data", data, "--json"); code != 0 || !json.Valid([]byte(out)) {
		t.Errorf("as JSON: %d %s", code, out)
	}
	db, err := sql.Open("sqlite3", filepath.Join(data, storeName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE event SET body = replace(body, 'seal S1', 'seal S2')`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out, code := corridor(t, "verify", "--data", data); code != 3 || !strings.Contains(out, "event ") || !strings.Contains(out, "seal S2") {
		t.Errorf("a seal was changed: %d %s", code, out)
	}
	if out, code := corridor(t, "verify", "--data", t.TempDir()); code != 1 || !strings.Contains(out, "--data") {
		t.Errorf("nothing there: %d %s", code, out)
	}
	if _, code := corridor(t, "verify", "--head", "12"); code != 2 {
		t.Errorf("a short hash: %d", code)
	}

	file := filepath.Join(t.TempDir(), "journal.json")
	for _, x := range []struct {
		text string
		code int
		says string
		args []string
	}{
		{string(journal), 0, "2 entries follow from each other, the last is " + c.Head, []string{"--head", c.Head}},
		{string(journal), 3, "no entry has the hash", []string{"--head", strings.Repeat("0", 64)}},
		{strings.Replace(string(journal), "seal S1", "seal S2", 1), 3, "entry 2: it was changed after it was written", nil},
		{`{}`, 1, "is not a journal", nil},
	} {
		if err := os.WriteFile(file, []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := corridor(t, append([]string{"verify", "--journal", file}, x.args...)...)
		if code != x.code || !strings.Contains(out, x.says) {
			t.Errorf("want %d %q: %d %s", x.code, x.says, code, out)
		}
	}
}
