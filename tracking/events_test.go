package tracking_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"corridor/tracking"
)

// Every kind of event is in the table once, and happens in a scenario, so that its
// meaning can be read in words.
func TestEveryEventHasAScenario(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 40 {
		t.Errorf("%d scenarios", len(files))
	}
	told := map[string]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if w := strings.Fields(line); len(w) > 2 && w[0] == "expect" {
				told[w[2]] = true
			}
		}
	}
	seen := map[string]bool{}
	for _, k := range tracking.EventKinds() {
		if seen[k.Kind] || k.Means == "" {
			t.Errorf("%+v", k)
		}
		seen[k.Kind] = true
		// A dossier has no line in a scenario (TestDossierIsFolded); carnets look after their own.
		if !told[k.Kind] && k.Kind != tracking.EventAmended && !strings.HasPrefix(k.Kind, tracking.EventCarnet) {
			t.Errorf("no scenario tells %s", k.Kind)
		}
	}
	for kind := range told {
		if !seen[kind] {
			t.Errorf("a scenario tells %s, which is not in the table", kind)
		}
	}
}
