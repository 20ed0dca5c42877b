//go:build race

package search

// underRace says that the race detector slows everything some tenfold: tests
// then leave the sea out, whose first table alone takes seconds, and draw fewer
// examples. Without it they do all of it.
const underRace = true
