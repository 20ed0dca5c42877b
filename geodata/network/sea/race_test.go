//go:build race

package sea

// underRace says that the race detector slows labelling a set of shut passages
// from two seconds to half a minute. What runs on one goroutine has no race to
// find and is left to the run without it; make test does both.
const underRace = true
