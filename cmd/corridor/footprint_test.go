//go:build linux && !race

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostMB is what a server may take with everything loaded and used; 257 were measured
// (make footprint). The peak has room above it for what one plan asks for.
const (
	mostMB     = 350
	mostMBPeak = 450
)

// TestFootprint uses a server as people do and looks at how much memory it has. The race
// detector multiplies that, so this is left out under it.
func TestFootprint(t *testing.T) {
	if testing.Short() {
		t.Skip("loads and uses all networks")
	}
	p := spawn(t, "CORRIDOR_TEST_AS_MAIN", "serve", "--data", t.TempDir())
	ask := func(method, path, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.addr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+adminKey)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		if b, _ := io.ReadAll(answer.Body); answer.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s %s", method, path, answer.Status, b)
		}
	}
	fits := func(after string) {
		t.Helper()
		have, peak := p.megabytes(t)
		// What a request leaves is given back within moments, on a busy machine in more.
		for end := time.Now().Add(15 * time.Second); have > mostMB && time.Now().Before(end); have, peak = p.megabytes(t) {
			time.Sleep(200 * time.Millisecond)
		}
		t.Logf("%s: %d MB, peak %d", after, have, peak)
		if have > mostMB || peak > mostMBPeak {
			t.Errorf("%s: %d MB resident, at most %d wanted; peak %d, at most %d", after, have, mostMB, peak, mostMBPeak)
		}
	}
	fits("start")
	for _, plan := range [][4]string{
		{"CNSHA", "NLRTM", "40HC"},
		{"KZALA", "DEHAM", "FTL"},
		{"CNTAO", "DEHAM", "40HC", "passage:suez"},
		{"CNTAO", "DEHAM", "40HC", "passage:malacca"},
		{"CNTAO", "DEHAM", "40HC", "passage:panama"},
		{"CNTAO", "DEHAM", "FTL", "country:KZ"},
		{"CNTAO", "DEFRA", "air", "country:RU"},
	} {
		avoid := ""
		if plan[3] != "" {
			avoid = strconv.Quote(plan[3])
		}
		ask("POST", "/api/v1/plans", fmt.Sprintf(`{"origin":%q,"destination":%q,"cargo":{"weight_kg":20000,"unit":%q},"avoid":[%s]}`, plan[0], plan[1], plan[2], avoid))
		fits(strings.Join(plan[:], " "))
	}
	for _, q := range []string{"q", "青岛", "Циндао", "Rotterdm", "CNTAO", "Portland, Maine"} {
		ask("GET", "/api/v1/places?q="+url.QueryEscape(q), "")
	}
	ask("GET", "/api/v1/places/at?lat=44.9&lon=34.1", "")
	for z := range 9 {
		ask("GET", fmt.Sprintf("/tiles/%d/%d/%d.mvt", z, 5<<z/6, 2<<z/5), "")
	}
	fits("searches and tiles")
}

// megabytes is how much memory a process has and had at most.
func (p *process) megabytes(t testing.TB) (have, peak int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if f := strings.Fields(string(line)); len(f) == 3 {
			kb, _ := strconv.Atoi(f[1])
			switch f[0] {
			case "VmRSS:":
				have = kb / 1000
			case "VmHWM:":
				peak = kb / 1000
			}
		}
	}
	if have == 0 || peak == 0 {
		t.Fatalf("no memory in %s", status)
	}
	return have, peak
}
