package gazetteer_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// mixedQueries are the graded queries as they are typed: whole, their beginnings down
// to one letter, and each with a letter left out.
func mixedQueries(b *testing.B) []string {
	raw, err := os.ReadFile("testdata/queries.tsv")
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		query, _, ok := strings.Cut(line, "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		letters := []rune(query)
		out = append(out, query)
		for _, n := range []int{1, 2, 3, 5} {
			if n < len(letters) {
				out = append(out, string(letters[:n]))
			}
		}
		if n := len(letters) / 2; n > 1 {
			out = append(out, string(slices.Delete(slices.Clone(letters), n, n+1)))
		}
	}
	return out
}

// BenchmarkMixed searches for what people type and reports the median and the 99th
// percentile of a single search: of each query's best of five, so that what else the
// machine does at the time counts less.
func BenchmarkMixed(b *testing.B) {
	g := open(b)
	if err := g.Warm(); err != nil {
		b.Fatal(err)
	}
	queries := mixedQueries(b)
	took := make([]time.Duration, 0, len(queries))
	for b.Loop() {
		took = took[:0]
		for _, q := range queries {
			best := time.Hour
			for range 5 {
				begun := time.Now()
				g.Search(q, 10)
				best = min(best, time.Since(begun))
			}
			took = append(took, best)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(len(took)), "queries")
}
