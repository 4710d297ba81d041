package tree

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"k8srepo/internal/problem"
)

// Apply does what the plan says: first the files to be written, then those to be
// removed, then the folders that this leaves empty. Each file is written beside
// its place and renamed into it, so that whenever this is stopped, every file is
// whole, and doing it all again completes it.
//
// A file that somebody else has changed since Diff read it is left as it is, and
// is a refusal.
func (p *Plan) Apply(root *os.Root) error {
	f := folder{root: root}
	defer f.close()
	for _, c := range p.Changes {
		if c.Action != Remove {
			if err := f.write(c); err != nil {
				return at(c, err)
			}
		}
	}
	gone := append([]string(nil), p.leftovers...)
	for _, c := range p.Changes {
		switch c.Action {
		case Rename:
			c = Change{Action: Remove, Path: c.From, Old: c.Old}
			fallthrough
		case Remove:
			if _, err := asPlanned(root, c.Path, c); err != nil {
				return at(c, err)
			}
			gone = append(gone, c.Path)
		}
	}
	for _, file := range gone {
		if err := root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, file := range gone {
		// Not empty is the usual case, and no error.
		for dir := path.Dir(file); dir != "." && root.Remove(dir) == nil; dir = path.Dir(dir) {
		}
	}
	return nil
}

// temporary begins the name of a file that is being written. What follows it is
// random, so that no two runs write into one file.
const temporary = ".k8srepo-writing-"

// at is an error with the path of the change that it stopped; nil stays nil.
func at(c Change, err error) error {
	if err == nil {
		return nil
	}
	if p := (*problem.Problem)(nil); errors.As(err, &p) {
		return err
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		err = l.Err
	}
	return fmt.Errorf("%s: %w", problem.Place{File: c.Path}, err)
}

// asPlanned reports whether there is still to do what a change does: nothing, where
// another run has done it. A file that is neither as it was nor as it is to be is a
// refusal.
func asPlanned(root *os.Root, name string, c Change) (bool, error) {
	now, err := root.ReadFile(name)
	missing := errors.Is(err, fs.ErrNotExist)
	isNew := c.Action == Create || c.Action == Rename
	switch {
	case err != nil && !missing:
		return false, err
	case missing && isNew, !missing && !isNew && bytes.Equal(now, c.Old):
		return true, nil
	case missing && c.Action == Remove, !missing && c.Action != Remove && bytes.Equal(now, c.New):
		return false, nil
	}
	return false, changed(c.Path)
}

func changed(file string) error {
	p := problem.At(problem.Place{File: file}, "run it again", "the file was changed by somebody else in the meantime").WithCode(problem.Changed)
	p.Refused = true
	return p
}

// folder writes files. It keeps the folder of the last one open, so that the next
// one is a step away.
type folder struct {
	root, here *os.Root
	dir        string // of here
}

func (f *folder) close() {
	if f.here != nil {
		f.here.Close()
		f.here = nil
	}
}

// open opens the folder of a change, making it for a new file.
func (f *folder) open(c Change) error {
	dir := path.Dir(c.Path)
	if f.here != nil && f.dir == dir {
		return nil
	}
	f.close()
	if c.Action == Create || c.Action == Rename {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	here, err := f.root.OpenRoot(dir)
	if err != nil {
		return err
	}
	f.here, f.dir = here, dir
	return nil
}

// write puts a file into its place whole.
func (f *folder) write(c Change) error {
	if err := f.open(c); err != nil {
		return err
	}
	name := path.Base(c.Path)
	if todo, err := asPlanned(f.here, name, c); err != nil || !todo {
		return err
	}
	return writeIn(f.here, name, c)
}

// writeIn writes the file of a name in a folder.
func writeIn(here *os.Root, name string, c Change) error {
	const tries = 5 // another run may take the file for one that was left over
	var err error
	for range tries {
		if err = tryWriteIn(here, name, c); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}

func tryWriteIn(here *os.Root, name string, c Change) error {
	temp := temporary + rand.Text()
	f, err := here.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, c.Mode.Perm())
	if err != nil {
		return err
	}
	_, err = f.Write(c.New)
	if err == nil && c.Action == Update {
		err = f.Chmod(c.Mode.Perm()) // the umask has no say in a file that is there
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = here.Rename(temp, name)
	}
	if err != nil {
		_ = here.Remove(temp)
	}
	return err
}
