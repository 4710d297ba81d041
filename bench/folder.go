package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// folder is where files are made. The first error stays, and what follows does nothing.
type folder struct {
	dir  string
	err  error
	made map[string]bool
}

func newFolder(dir string) *folder { return &folder{dir: dir, made: map[string]bool{}} }

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// create makes a file, and the folders above it.
func (f *folder) create(name string, write func(w *bufio.Writer)) {
	if f.err != nil {
		return
	}
	file := f.path(name)
	if dir := filepath.Dir(file); !f.made[dir] {
		f.made[dir] = true
		if f.err = os.MkdirAll(dir, 0o755); f.err != nil {
			return
		}
	}
	out, err := os.Create(file)
	if err != nil {
		f.err = err
		return
	}
	w := bufio.NewWriter(out)
	write(w)
	f.err = firstError(w.Flush(), out.Close())
}

// scratch makes a folder for a benchmark, with a command of this module built into it. Done
// removes it.
func scratch(command string) (f *folder, binary string, done func(), err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, "", nil, err
	}
	done = func() { os.RemoveAll(dir) }
	if binary, err = build(dir, command); err != nil {
		done()
		return nil, "", nil, err
	}
	return newFolder(dir), binary, done, nil
}

// spread has ext4 spread the folders made in f over the disk, so that a process in one of
// them does not find the blocks and inodes that another has just freed. Other file systems
// ignore it.
func (f *folder) spread() { _ = exec.Command("chattr", "+T", f.dir).Run() }

func printf(w *bufio.Writer, format string, args ...any) { fmt.Fprintf(w, format, args...) }
