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

// Build puts links to programs into a folder, under their own names.
func Build(folder string, packages ...string) error {
	for _, p := range packages {
		program, err := Program(p)
		if err != nil {
			return err
		}
		if err := os.Symlink(program, filepath.Join(folder, filepath.Base(program))); err != nil {
			return err
		}
	}
	return nil
}

// Program builds a package, such as k8srepo/cmd/tagbump, and returns the program's file in Go's build
// cache: go run links it once for all tests, go build would do so each time.
func Program(p string) (file string, err error) {
	for range 2 { // the first go run may build it in a temporary folder, and remove it
		cmd := exec.Command("go", "run", "-exec", "echo", p)
		cmd.Stderr = new(bytes.Buffer)
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("go run %s: %w\n%s", p, err, cmd.Stderr)
		}
		file = string(bytes.TrimSpace(out))
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", errors.New(p + " is not in the build cache: go run built it as " + file)
}
