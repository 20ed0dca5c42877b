//go:build !race

package ecommerce

const underRace = false
