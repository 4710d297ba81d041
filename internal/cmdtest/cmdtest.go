// Package cmdtest builds commands for tests that run them as a shell does.
package cmdtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build puts programs into a folder, under their own names. Packages are import paths of this module,
// such as k8srepo/cmd/tagbump. The folder gets links to programs in Go's build cache: go run links a
// program once for all tests, go build would do so each time.
func Build(folder string, packages ...string) error {
	for _, p := range packages {
		program, err := cached(p)
		if err != nil {
			return err
		}
		if err := os.Symlink(program, filepath.Join(folder, filepath.Base(program))); err != nil {
			return err
		}
	}
	return nil
}

// cached returns where the build cache has a program.
func cached(p string) (program string, err error) {
	for range 2 { // the first go run may build it in a temporary folder, and remove it
		cmd := exec.Command("go", "run", "-exec", "echo", p)
		cmd.Stderr = new(bytes.Buffer)
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("go run %s: %w\n%s", p, err, cmd.Stderr)
		}
		program = string(bytes.TrimSpace(out))
		if _, err := os.Stat(program); err == nil {
			return program, nil
		}
	}
	return "", errors.New(p + " is not in the build cache: go run built it as " + program)
}
