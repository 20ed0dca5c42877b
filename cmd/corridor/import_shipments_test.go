package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"corridor/tracking"
)

// A file is sent in parts, each row opened or refused by its line in the file.
func TestImportShipments(t *testing.T) {
	s := start(t, serveConfig{data: t.TempDir(), adminKey: adminKey})
	admin := s.as(adminKey)
	_, shipper := admin.party("Shipper", tracking.Shipper)
	var file strings.Builder
	file.WriteString("reference,origin,destination,weight_kg,depart,modes,choose,plate\n")
	for range shipmentRows + 4 {
		file.WriteString("\"a\n number\",CNTAO,RUMOW,20000,2026-12-01,road,road-tir,\n")
	}
	file.WriteString("PO-2,CNTAO,RUMOW,20000,2026-12-01,road,road-tir,鲁B K7723\n")
	file.WriteString("PO-3,CNTAO,Nowhereville-on-Sea,20000,2026-12-01,road,,\n")
	path := filepath.Join(t.TempDir(), "orders.csv")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := corridor(t, "import", "shipments", path, "--url", s.app.base, "--key", "wrong"); code != 1 || !strings.Contains(out, "401") {
		t.Errorf("a wrong key: %d %s", code, out)
	}
	out, code := corridor(t, "import", "shipments", path, "--url", s.app.base, "--key", shipper.key, "--json")
	if code != 0 || !strings.Contains(out, `"loaded": 1`) || !strings.Contains(out, `"line": 61`) || !strings.Contains(out, "destination: unknown place") || strings.Count(out, "control characters") != shipmentRows+4 {
		t.Errorf("%d %s", code, out)
	}
	var list struct{ Total int }
	shipper.must(200, "GET", "/api/v1/shipments?q=PO-2", "", &list)
	if list.Total != 1 {
		t.Errorf("%d shipments found", list.Total)
	}
}

func TestPartsOf(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []int // lines before the first row of each part
	}{
		"one":       {"h,i\n1,2\n3,4\n", []int{1}},
		"two":       {"h,i\n1,2\n3,4\n5,6\n", []int{1, 3}},
		"multiline": {"h,i\n\"a\nb\",2\n3,4\n5,6", []int{1, 4}},
		"empty":     {"h,i\n", []int{1}},
		"broken":    {"h,i\n1,2\n3,4\n\"5,6\n7,8\n", []int{1, 3}},
	} {
		var got []int
		whole := ""
		for _, p := range partsOf([]byte(c.text), 2) {
			got = append(got, p.line)
			whole += strings.TrimPrefix(string(p.body), "h,i\n")
		}
		if len(got) != len(c.want) || whole != strings.TrimPrefix(c.text, "h,i\n") {
			t.Errorf("%s: parts at %v, want %v; %q", name, got, c.want, whole)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: parts at %v, want %v", name, got, c.want)
			}
		}
	}
}
