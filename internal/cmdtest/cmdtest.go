// Package cmdtest builds commands for tests that run them as a shell does.
package cmdtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		out, err := Go(nil, "run", "-exec", "echo", p)
		if err != nil {
			return "", err
		}
		file = strings.TrimSpace(out)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", errors.New(p + " is not in the build cache: go run built it as " + file)
}

// Go runs the go command, with more variables in its environment, and returns what it prints. It reads
// a thousand packages for most answers, and is faster by a fifth if it collects less of its garbage.
func Go(env []string, args ...string) (stdout string, err error) {
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = append(append(os.Environ(), "GOGC=400"), env...), &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out), err
}
