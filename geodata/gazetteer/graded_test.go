package gazetteer_test

import (
	"os"
	"strings"
	"testing"

	"corridor/geodata"
)

// TestGradedQueries runs testdata/queries.tsv: what people type, and what they must
// get first. The file tells its form. A change of ranking is right when it keeps
// them all; a query that went wrong in the field belongs there.
func TestGradedQueries(t *testing.T) {
	g := open(t)
	raw, err := os.ReadFile("testdata/queries.tsv")
	if err != nil {
		t.Fatal(err)
	}
	queries, wrong := 0, 0
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		query, want, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("queries.tsv: no tab in %q", line)
		}
		queries++
		got := g.Search(query, 10)
		if !graded(got, strings.Split(want, " ")) {
			wrong++
			t.Errorf("%s: got %s, want %s", query, strings.Join(labels(got), "; "), want)
		}
	}
	t.Logf("%d of %d queries as a freight person expects", queries-wrong, queries)
	if queries < 150 {
		t.Errorf("only %d queries", queries)
	}
}

func graded(got []geodata.Match, want []string) bool {
	if len(got) < len(want) {
		return false
	}
	for i, w := range want {
		m := got[i]
		switch name, country, named := strings.Cut(strings.ReplaceAll(w, "_", " "), "/"); {
		case w == "air" || w == "rail":
			if m.Terminal == nil || string(m.Terminal.Mode) != w {
				return false
			}
		case named:
			if m.Place.Names.EN != name || string(m.Place.Country) != country || strings.Contains(m.ID, ":") {
				return false
			}
		default:
			if m.ID != w {
				return false
			}
		}
	}
	return true
}
