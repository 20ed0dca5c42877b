package sea

import (
	"embed"
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"testing"

	"corridor/geodata"
	"corridor/geodata/gazetteer"
	"corridor/geodata/network/sea/internal/globe"
	"corridor/geodata/network/sea/internal/published"

	"github.com/paulmach/orb"
)

//go:embed testdata/lands.bin.gz
var testdata embed.FS

var update = flag.Bool("update", false, "write DISTANCES.md")

// distancesHead begins DISTANCES.md.
const distancesHead = `# Every published distance

Nautical miles, as published and as the network has them, and the error in per cent; what speaks against a row is in the
last column, and such rows do not count. [internal/published](internal/published) has the rows and says where they are
from. Written by: go test ./geodata/network/sea -run Published -update

| from | to | without | table | published | network | error, % | in doubt |
|---|---|---|---|--:|--:|--:|---|
`

// ports are the ports of the tests of properties.
func ports(t testing.TB) map[string]orb.Point {
	t.Helper()
	at, _, err := published.Ports()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func open(t testing.TB) *Graph {
	t.Helper()
	g, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// spread is how errors in per cent are spread.
type spread []float64

func (s spread) at(f float64) float64 { return s[min(len(s)-1, int(f*float64(len(s))))] }

func (s spread) over(limit float64) int {
	return len(s) - sort.SearchFloat64s(s, math.Nextafter(limit, math.Inf(1)))
}

func (s spread) String() string {
	sort.Float64s(s)
	return fmt.Sprintf("%4d: median %.2f %%, 90 %% within %.2f %%, worst %.2f %%, %d over 4 %%", len(s), s.at(0.5), s.at(0.9), s.at(1), s.over(4))
}

// Package published says where the distances are from and which of them count. The
// network was corrected with half of the rows of Pub. 151 at hand; the others say what
// it is worth where it was not.
func TestPublishedDistances(t *testing.T) {
	oneGoroutine(t)
	g := open(t)
	_, at, err := published.Ports()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := published.Distances()
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]spread{}
	var page strings.Builder
	page.WriteString(distancesHead)
	for _, d := range rows {
		var avoid geodata.Avoid
		if d.Shut != "" {
			avoid.Passages = []string{d.Shut}
		}
		p, err := g.Route(at[d.From], at[d.To], avoid)
		if err != nil {
			t.Errorf("%s–%s without %q: %v", d.From, d.To, d.Shut, err)
			continue
		}
		e := 100 * (p.DistanceNM() - d.NM) / d.NM
		t.Logf("%s–%s %-6s %8.0f published %6.0f  %+6.2f %%  [%s] %s", d.From, d.To, d.Shut, p.DistanceNM(), d.NM, e, strings.Join(p.Passages, " "), d.Doubt)
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %.0f | %.0f | %+.1f | %s |\n", d.From, d.To, d.Shut, d.Table, d.NM, p.DistanceNM(), e, d.Doubt)
		add := func(group string) { groups[group] = append(groups[group], math.Abs(e)) }
		add("all rows, those in doubt too")
		if d.Doubt != "" {
			continue
		}
		add("counted")
		half := "used"
		if d.HeldOut() {
			half = "held out"
		}
		if d.Table != published.Pub151 {
			half = string(d.Table)
		}
		add("counted, " + half)
		if math.Abs(e) > 4 && d.Table == published.Facts {
			t.Errorf("%s–%s without %q is %.0f nm, published %.0f nm: %+.1f %%, want at most 4 %%", d.From, d.To, d.Shut, p.DistanceNM(), d.NM, e)
		}
	}
	if *update {
		if err := os.WriteFile("DISTANCES.md", []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range groups {
		t.Logf("%-28s %v", name, s)
	}
	if m := groups["counted"].at(0.5); m > 0.7 {
		t.Errorf("median error %.2f %%, want at most 0.7 %%", m)
	}
	// The README goes through those that are over.
	if n := groups["counted"].over(4); n > len(groups["counted"])/20 {
		t.Errorf("%d of %d errors are over 4 %%, want at most one in twenty", n, len(groups["counted"]))
	}
}

// A distance asked by the code of a port is the one tested here: its place is the
// gazetteer's.
func TestPortsAreTheGazetteers(t *testing.T) {
	_, at, err := published.Ports()
	if err != nil {
		t.Fatal(err)
	}
	places, err := gazetteer.Open()
	if err != nil {
		t.Fatal(err)
	}
	for code, p := range at {
		if port, ok := places.Terminal("sea:" + code); !ok || globe.DistanceKM(port.Point, p) > 1 {
			t.Errorf("%s is at %v here, the gazetteer has it at %v (%v)", code, p, port.Point, ok)
		}
	}
}
