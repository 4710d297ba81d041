// Package tmptest puts the temporary folders of tests into memory. Tests make thousands of small
// repositories, and a disk's file system is slow to make and remove folders: on ext4 that took more
// processor time than the tests themselves.
package tmptest

import (
	"os"
	"testing"
)

// needed is how many bytes must be free: several packages are tested at once.
const needed = 1 << 30

// Main runs the tests of a package, with their temporary folders in memory, and exits: for TestMain.
func Main(m *testing.M) { os.Exit(In(m).Run()) }

// Tests are the tests of a package: a *testing.M.
type Tests interface{ Run() int }

// In returns tests that run with their temporary folders in memory. Where the machine has too little
// of it, or TMPDIR names another place, they run as they are.
func In(tests Tests) Tests { return inMemory{tests} }

type inMemory struct{ Tests }

func (t inMemory) Run() int {
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
