package network_test

import (
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/network"
	"corridor/geodata/paged"
)

var (
	qingdao   = orb.Point{120.32, 36.07}
	shanghai  = orb.Point{122.05, 30.63}
	rotterdam = orb.Point{4.05, 51.95}
	moscow    = orb.Point{37.62, 55.75}
	frankfurt = orb.Point{8.57, 50.03}
)

// questions are asked in all modes, each with something avoided.
var questions = []struct {
	name     string
	mode     geodata.Mode
	from, to orb.Point
	avoid    geodata.Avoid
}{
	{"road", geodata.Road, qingdao, moscow, geodata.Avoid{}},
	{"road round Kazakhstan", geodata.Road, qingdao, moscow, geodata.Avoid{Countries: []geodata.Country{"KZ"}}},
	{"rail", geodata.Rail, qingdao, moscow, geodata.Avoid{}},
	{"sea", geodata.Sea, shanghai, rotterdam, geodata.Avoid{}},
	{"sea without Suez", geodata.Sea, shanghai, rotterdam, geodata.Avoid{Passages: []string{"suez"}}},
	{"air round Russia", geodata.Air, qingdao, frankfurt, geodata.Avoid{Countries: []geodata.Country{"RU", "MN"}}},
}

func worlds(t testing.TB) (heap, inFiles *network.World, store *paged.Store) {
	t.Helper()
	store, err := paged.Open(t.TempDir(), func(err error) { t.Error(err) })
	if err != nil {
		if runtime.GOOS == "windows" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	return network.New(network.Config{}), network.New(network.Config{Store: store}), store
}

// Networks in files answer what those on the heap do, and go on to when their columns
// have rested.
func TestNetworksInFilesAnswerTheSame(t *testing.T) {
	heap, inFiles, store := worlds(t)
	for _, q := range questions {
		if strings.Contains(q.name, " ") && q.mode != geodata.Air {
			continue // each needs seconds of preparation; for the benchmark
		}
		if underRace && q.mode != geodata.Rail {
			continue // what is moved is read alike by all modes
		}
		want, err := heap.Route(t.Context(), q.mode, q.from, q.to, q.avoid)
		if err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		for _, when := range []string{"at once", "after a rest"} {
			got, err := inFiles.Route(t.Context(), q.mode, q.from, q.to, q.avoid)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: %.1f km by way of files, %.1f km from the heap, %v", q.name, when, got.DistanceKM, want.DistanceKM, err)
			}
			store.Rest()
		}
	}
	if mb := store.Bytes() >> 20; !underRace && (mb < 100 || mb > 400) {
		t.Errorf("%d MB in files: either networks stayed on the heap or they have grown a lot", mb)
	}
}

// Medians of the ratios between heap and files tell what files cost a query; rested is
// the worst case, when every page is mapped anew.
func BenchmarkRoute(b *testing.B) {
	heap, inFiles, store := worlds(b)
	for _, q := range questions {
		for _, w := range []struct {
			name  string
			world *network.World
			rest  bool
		}{{"heap", heap, false}, {"files", inFiles, false}, {"rested", inFiles, true}} {
			b.Run(q.name+"/"+w.name, func(b *testing.B) {
				if _, err := w.world.Route(b.Context(), q.mode, q.from, q.to, q.avoid); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if w.rest {
						b.StopTimer()
						store.Rest()
						b.StartTimer()
					}
					if _, err := w.world.Route(b.Context(), q.mode, q.from, q.to, q.avoid); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
