package testmain

// NoSleep is a variable of the environment that keeps a program with the race detector from sleeping
// for a second before it exits.
const NoSleep = "GORACE=atexit_sleep_ms=0"

// tries is how many inputs of a test there are to one that the race detector tries.
const tries = 8

// Tried reports whether a test with many inputs tries the i'th: every one, but with the race
// detector one of eight. It is for tests with one goroutine: the detector finds nothing in them,
// and takes ten times as long.
func Tried(i int) bool { return !Race || i%tries == 0 }
