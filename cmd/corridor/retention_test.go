package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"corridor/tracking"
)

// TestRetentionAndExport keeps one carrier's history for two days and another's for
// ever, over a restart, and takes out what each of them has.
func TestRetentionAndExport(t *testing.T) {
	data := t.TempDir()
	s := startTracker(t, serveConfig{data: data, adminKey: adminKey, forget: 50 * time.Millisecond})
	admin := s.as(adminKey)
	now := time.Now().UTC().Truncate(time.Second)
	ids := map[string]tracking.PartyID{}
	carriers := map[string]client{}
	for _, name := range []string{"Short", "Long"} {
		ids[name], carriers[name] = admin.party(name, tracking.Carrier)
		var batch []tracking.Position
		for k := range 960 { // one in 6 minutes, the newest an hour old
			batch = append(batch, tracking.Position{Unit: tracking.UnitID(name), Time: now.Add(-time.Hour - time.Duration(960-k)*6*time.Minute), Lat: 36, Lon: 120 + float64(k)/1000})
		}
		carriers[name].must(200, "POST", "/api/v1/positions", positionsJSON(t, batch), nil)
	}
	path := "/api/v1/carriers/" + string(ids["Short"]) + "/retention"
	admin.must(200, "PUT", path, `{"days":2}`, nil)
	admin.must(422, "PUT", path, `{"days":-1}`, nil)
	admin.must(404, "PUT", "/api/v1/carriers/nobody/retention", `{"days":2}`, nil)
	track := func(name string) []tracking.Fix {
		var got struct{ Positions []tracking.Fix }
		s.as(adminKey).must(200, "GET", "/api/v1/units/"+name+"/track?limit=100000", "", &got)
		return got.Positions
	}
	kept := func() {
		t.Helper()
		eventually(t, "what is older than two days goes", func() bool { return len(track("Short")) < 500 })
		left := track("Short")
		if first := left[0].Time; len(left) < 400 || now.Sub(first) > 2*24*time.Hour+time.Minute {
			t.Errorf("%d fixes are left, from %s on", len(left), first)
		}
		if n := len(track("Long")); n != 960 {
			t.Errorf("another carrier has %d fixes, want 960", n)
		}
	}
	kept()
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	s = startTracker(t, serveConfig{data: data, adminKey: adminKey, forget: 50 * time.Millisecond})
	for name, c := range carriers {
		carriers[name] = client{t, s.app.base, c.key}
	}
	admin = s.as(adminKey)
	var r tracking.Retention
	if admin.must(200, "GET", path, "", &r); r.Days != 2 {
		t.Errorf("after a restart: %+v", r)
	}
	// Old ones that come late go, too.
	carriers["Short"].must(200, "POST", "/api/v1/positions", positionsJSON(t, []tracking.Position{{Unit: "Short", Time: now.Add(-80 * time.Hour), Lat: 36, Lon: 120}}), nil)
	eventually(t, "a late one goes", func() bool { return s.metric("corridor_history_forgotten_total") >= 1 })
	kept()

	export := func(c client, query string) map[string]int {
		t.Helper()
		status, body := c.do("GET", "/api/v1/export"+query, "")
		if status != 200 {
			t.Fatalf("export: %d %s", status, body)
		}
		counts := map[string]int{}
		lines := bufio.NewScanner(bytes.NewReader(body))
		n := 0
		for lines.Scan() {
			var l map[string]json.RawMessage
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				t.Fatalf("%v: %s", err, lines.Bytes())
			}
			n++
			for key, v := range l {
				if counts[key]++; key == "end" && string(v) != fmt.Sprintf(`{"lines":%d}`, n) {
					t.Errorf("line %d says %s", n, v)
				}
			}
		}
		return counts
	}
	want := fmt.Sprint(map[string]int{"party": 1, "unit": 1, "fix": 960, "end": 1})
	if got := fmt.Sprint(export(carriers["Long"], "")); got != want {
		t.Errorf("a carrier's own export: %v, want %v", got, want)
	}
	if got := fmt.Sprint(export(admin, "?party="+string(ids["Long"]))); got != want {
		t.Errorf("the same for an administrator: %v, want %v", got, want)
	}
	if status, _ := carriers["Short"].do("GET", "/api/v1/export?party="+string(ids["Long"]), ""); status != 403 {
		t.Errorf("another carrier's export: %d", status)
	}
}
