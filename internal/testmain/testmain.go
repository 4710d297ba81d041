// Package testmain runs the tests of a package with less of the machine's time:
//
//   - Their temporary folders are in memory. Tests make thousands of small repositories, and a
//     disk's file system is slow to make and remove folders: on ext4 that took more processor time
//     than the tests themselves.
//   - Garbage is collected when the heap is five times what lives, not twice: a sixth less of
//     processor time where much is parsed.
package testmain

import (
	"os"
	"runtime/debug"
	"testing"
)

// needed is how many bytes must be free in memory: several packages are tested at once.
const needed = 1 << 30

// GCPercent is the GOGC of tests, unless the environment has one.
const GCPercent = 400

// Main runs the tests of a package.
func Main(m *testing.M) { os.Exit(With(m).Run()) }

// Tests are the tests of a package: a *testing.M.
type Tests interface{ Run() int }

// With returns tests that run as the package's comment says. Their temporary folders stay where
// they are if TMPDIR names a place, or if too little memory is free.
func With(tests Tests) Tests { return light{tests} }

type light struct{ Tests }

func (t light) Run() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(GCPercent)
	}
	memory := memory()
	if memory == "" || os.Getenv("TMPDIR") != "" {
		return t.Tests.Run()
	}
	dir, err := os.MkdirTemp(memory, "k8srepo-test-")
	if err != nil {
		return t.Tests.Run()
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv("TMPDIR", dir); err != nil {
		return t.Tests.Run()
	}
	return t.Tests.Run()
}
