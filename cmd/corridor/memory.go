package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"corridor/geodata/paged"
)

// openPages returns where a server keeps its networks: in nameless files of the data
// directory, which take less of the memory than the heap does.
func openPages(data string, logger *slog.Logger) *paged.Store {
	store, err := paged.Open(data, func(err error) { logger.Warn("some of the networks take memory", "err", err) })
	if err != nil {
		logger.Warn("the networks take some 200 MB more of the memory", "err", err)
	}
	return store
}

// brieflyPages is where a command that ends at once keeps them: in nameless files among
// the temporary ones, or on the heap.
func brieflyPages() *paged.Store {
	store, err := paged.Open(os.TempDir(), nil)
	if err != nil {
		return nil
	}
	return store
}

const (
	// comfortable is the memory from which a server gives some back. What plans ask for
	// until that is seen comes on top.
	comfortable = 256 << 20
	// lookEvery is short against the time in which plans go through a hundred megabytes.
	lookEvery = 250 * time.Millisecond
	// collectEvery and worthwhile are for the garbage that is left when a burst of plans is
	// over: without work the collector waits, and the system gets its memory back late.
	collectEvery = 30 * time.Second
	worthwhile   = 48 << 20
)

// keepSmall keeps a server within comfortable, as far as the networks and garbage are what
// takes the memory, until ctx is done.
func keepSmall(ctx context.Context, store *paged.Store) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var collected time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			have, ok := paged.Resident()
			if !ok {
				return // this system does not tell
			}
			if have <= comfortable {
				continue
			}
			store.Rest()
			if now.Sub(collected) > collectEvery && reclaimable() > worthwhile {
				debug.FreeOSMemory()
				collected = now
			}
		}
	}
}

// reclaimable is how much the heap has beyond what was alive at the last collection.
func reclaimable() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
	}
	return int64(s[0].Value.Uint64()+s[1].Value.Uint64()) - int64(s[2].Value.Uint64())
}
