//go:build !linux

package tmptest

func memory() string { return "" }
