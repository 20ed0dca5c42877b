package land

import (
	"slices"
	"sync"

	"github.com/paulmach/orb"
)

// remembered keeps where points join the network. Tables ask for the same
// terminals and border posts again and again; looking around a point takes longer
// than the way from there.
type remembered struct {
	mu    sync.Mutex
	known map[string]map[orb.Point]joined // by the countries avoided
	count int
}

type joined struct {
	snaps []snap
	err   error
}

// mostRemembered bounds what is kept, some 10 MB: then all is forgotten.
const mostRemembered = 20_000

// snaps is look through what is remembered.
func (g *Graph) snaps(p orb.Point, pr *profile) ([]snap, error) {
	r := &g.snapped
	key := string(pr.avoidedKey())
	r.mu.Lock()
	j, ok := r.known[key][p]
	r.mu.Unlock()
	if ok {
		return slices.Clone(j.snaps), j.err
	}
	snaps, err := g.look(p, pr)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count >= mostRemembered || r.known == nil {
		r.known, r.count = map[string]map[orb.Point]joined{}, 0
	}
	if r.known[key] == nil {
		r.known[key] = map[orb.Point]joined{}
	}
	r.known[key][p] = joined{snaps, err}
	r.count++
	return slices.Clone(snaps), err
}

// avoidedKey names the countries a profile avoids.
func (p *profile) avoidedKey() []byte {
	out := make([]byte, (len(p.avoided)+7)/8)
	for i, a := range p.avoided {
		if a {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return out
}
