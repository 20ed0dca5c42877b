//go:build !race

package sea

const underRace = false
