package testmain

// tries is how many inputs of a test there are to one that the race detector tries.
const tries = 8

// Tried reports whether a test with many inputs tries the i'th: every one, but with the race
// detector one of eight. It is for tests with one goroutine: the detector finds nothing in them,
// and takes ten times as long.
func Tried(i int) bool { return !Race || i%tries == 0 }
