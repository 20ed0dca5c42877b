//go:build race

package ecommerce

// underRace says that the race detector makes the real sea too slow to plan on.
const underRace = true
