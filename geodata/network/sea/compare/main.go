// Command compare asks this network, PyPI searoute and scgraph for the published
// distances of the tests, in one run on one machine, and prints tables of errors and
// speed in Markdown. It makes a virtual environment with pinned releases.
//
//	make bench-sea
//
// It needs python3 with venv and the network (or a mirror) of PyPI.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network/sea"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/published"
)

// The releases compared with. scgraph 3 fetches its graph from elsewhere; the
// same graph is inside release 2.
const (
	searouteRelease     = "searoute==1.6.0"
	scgraphRelease      = "scgraph==3.6.0"
	scgraphDataRelease  = "scgraph==2.15.0"
	scgraphDataInside   = "scgraph/geographs/marnet.py"
	roundsOfOurs        = 20
	maxErrorOfPublished = 4 // per cent, what the worst is counted against
)

//go:embed others.py
var othersPy []byte

func main() {
	venv := flag.String("venv", filepath.Join(os.TempDir(), "corridor-sea-compare"), "folder of the virtual environment")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *venv); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// pair is a published distance.
type pair struct {
	from, to string
	nm       float64
	shut     string // passage the published way does without
}

// answers are what one program says: distances by pair, NaN where it has none, and
// times in µs.
type answers struct {
	name string
	nm   []float64
	us   []float64
}

func run(ctx context.Context, venv string) error {
	_, at, err := published.Ports()
	if err != nil {
		return err
	}
	rows, err := published.Distances()
	if err != nil {
		return err
	}
	var pairs []pair
	for _, d := range rows {
		// What counts is judged by marnet, which searoute is: all that is not known to be
		// wrong is asked.
		if d.NM >= globe.DistanceKM(at[d.From], at[d.To])/globe.KMPerNM {
			pairs = append(pairs, pair{d.From, d.To, d.NM, d.Shut})
		}
	}
	ours, err := askOurs(pairs, at)
	if err != nil {
		return err
	}
	others, err := askOthers(ctx, venv, pairs, at)
	if err != nil {
		return err
	}
	all := append([]answers{ours}, others...)
	fmt.Printf("%d published distances; %s, %s/%s, one core each\n\n", len(pairs), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Println("| | answered | median error | 90 % within | worst | over 4 % | p50 | p99 |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, a := range all {
		var errs []float64
		for i, p := range pairs {
			if !math.IsNaN(a.nm[i]) {
				errs = append(errs, 100*math.Abs(a.nm[i]-p.nm)/p.nm)
			}
		}
		slices.Sort(errs)
		slices.Sort(a.us)
		over := 0
		for _, e := range errs {
			if e > maxErrorOfPublished {
				over++
			}
		}
		fmt.Printf("| %s | %d | %.2f %% | %.1f %% | %.1f %% | %d | %s | %s |\n", a.name, len(errs),
			share(errs, 0.5), share(errs, 0.9), share(errs, 1), over, show(share(a.us, 0.5)), show(share(a.us, 0.99)))
	}
	return nil
}

func share(sorted []float64, f float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[min(len(sorted)-1, int(f*float64(len(sorted))))]
}

func show(us float64) string {
	if us >= 1000 {
		return fmt.Sprintf("%.1f ms", us/1000)
	}
	return fmt.Sprintf("%.0f µs", us)
}

func askOurs(pairs []pair, at map[string]orb.Point) (answers, error) {
	out := answers{name: "Corridor"}
	g, err := sea.Open()
	if err != nil {
		return out, err
	}
	ask := func(p pair) (float64, error) {
		var avoid geodata.Avoid
		if p.shut != "" {
			avoid.Passages = []string{p.shut}
		}
		way, err := g.Route(at[p.from], at[p.to], avoid)
		return way.DistanceNM(), err
	}
	for _, p := range pairs {
		nm, err := ask(p)
		if err != nil {
			return out, fmt.Errorf("%s–%s: %w", p.from, p.to, err)
		}
		out.nm = append(out.nm, nm)
	}
	for range roundsOfOurs {
		for _, p := range pairs {
			start := time.Now()
			if _, err := ask(p); err != nil {
				return out, err
			}
			out.us = append(out.us, float64(time.Since(start).Nanoseconds())/1e3)
		}
	}
	return out, nil
}

func askOthers(ctx context.Context, venv string, pairs []pair, at map[string]orb.Point) ([]answers, error) {
	python := filepath.Join(venv, "bin", "python")
	data := filepath.Join(venv, "scgraph-data")
	for _, args := range [][]string{
		{"python3", "-m", "venv", venv},
		{python, "-m", "pip", "install", "--quiet", searouteRelease, scgraphRelease},
		{python, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", data, scgraphDataRelease},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		if msg, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", args, err, msg)
		}
	}
	script := filepath.Join(venv, "others.py")
	if err := os.WriteFile(script, othersPy, 0o600); err != nil {
		return nil, err
	}
	asked := struct {
		Pairs [][5]any `json:"pairs"`
		Data  string   `json:"scgraph_data"`
	}{Data: filepath.Join(data, scgraphDataInside)}
	for _, p := range pairs {
		a, b := at[p.from], at[p.to]
		asked.Pairs = append(asked.Pairs, [5]any{a[0], a[1], b[0], b[1], p.shut})
	}
	in, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, python, script)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("others.py: %w\n%s", err, stderr.Bytes())
	}
	var said map[string]struct {
		NM []*float64 `json:"nm"`
		US []float64  `json:"us"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return nil, fmt.Errorf("others.py: %w", err)
	}
	var out []answers
	for _, x := range []struct{ key, name string }{{"searoute", "PyPI " + searouteRelease}, {"scgraph", "PyPI " + scgraphRelease + ", contraction hierarchy"}} {
		a := answers{name: x.name, us: said[x.key].US}
		for _, nm := range said[x.key].NM {
			if nm == nil {
				a.nm = append(a.nm, math.NaN())
			} else {
				a.nm = append(a.nm, *nm)
			}
		}
		if len(a.nm) != len(pairs) {
			return nil, fmt.Errorf("others.py: %d answers of %s for %d pairs", len(a.nm), x.key, len(pairs))
		}
		out = append(out, a)
	}
	return out, nil
}
