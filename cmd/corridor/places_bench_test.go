package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"corridor/geodata/gazetteer"
	"corridor/tracking"
	"corridor/web"
	"corridor/web/api"
)

// anybody is let in.
type anybody struct{}

func (anybody) Authenticate(string) (tracking.Party, tracking.KeyID, bool) {
	return tracking.Party{ID: "shipper", Role: tracking.Shipper}, "key", true
}

func (anybody) Key(tracking.KeyID) (tracking.Party, bool) { return tracking.Party{}, false }

// BenchmarkPlaces asks the handler of GET /api/v1/places for what people type: the
// graded queries of the gazetteer whole, begun and with a letter left out. It reports the
// median and the 99th percentile of a request, of each query's best of five, so that what
// else the machine does at the time counts less.
func BenchmarkPlaces(b *testing.B) {
	raw, err := os.ReadFile("../../geodata/gazetteer/testdata/queries.tsv")
	if err != nil {
		b.Fatal(err)
	}
	g, err := gazetteer.Open()
	if err != nil {
		b.Fatal(err)
	}
	if err := g.Warm(); err != nil {
		b.Fatal(err)
	}
	server, err := web.New(web.Config{Keys: anybody{}, SessionKey: make([]byte, 32), Clock: time.Now, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	api.Mount(server, api.Config{Places: g, Clock: time.Now, Version: "test"})
	var paths []string
	for line := range strings.Lines(string(raw)) {
		query, _, ok := strings.Cut(line, "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		letters := []rune(query)
		typed := []string{query}
		for _, n := range []int{1, 2, 3, 5} {
			if n < len(letters) {
				typed = append(typed, string(letters[:n]))
			}
		}
		if n := len(letters) / 2; n > 1 {
			typed = append(typed, string(slices.Delete(slices.Clone(letters), n, n+1)))
		}
		for _, q := range typed {
			paths = append(paths, "/api/v1/places?q="+url.QueryEscape(q))
		}
	}
	took := make([]time.Duration, 0, len(paths))
	for b.Loop() {
		took = took[:0]
		for _, path := range paths {
			best := time.Hour
			for range 5 {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header.Set("Authorization", "Bearer "+adminKey)
				w := httptest.NewRecorder()
				begun := time.Now()
				server.ServeHTTP(w, r)
				best = min(best, time.Since(begun))
				if w.Code != http.StatusOK {
					b.Fatalf("%s: %d %s", path, w.Code, w.Body)
				}
			}
			took = append(took, best)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "most-µs")
	b.ReportMetric(float64(len(took)), "queries")
}
