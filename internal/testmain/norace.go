//go:build !race

package testmain

// Race reports whether the race detector is on.
const Race = false
