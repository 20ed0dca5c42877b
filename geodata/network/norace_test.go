//go:build !race

package network_test

const underRace = false
