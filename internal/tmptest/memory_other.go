//go:build !linux

package tmptest

// memory returns "": no folder is known to be in memory.
func memory() string { return "" }
