package tree

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"k8srepo/internal/problem"
)

// Apply does what the plan says: first the files to be written, then those to be
// removed, then the folders that this leaves empty. All content is written next to its
// place and reaches the disk; then each file is renamed into its place. So whenever
// this is stopped, every file is whole, and doing it all again completes it. If ctx
// ends first, nothing but whole files is left.
//
// A file that somebody else has changed since Diff read it is left as it is, and
// is a refusal.
func (p *Plan) Apply(ctx context.Context, root *os.Root) error {
	var writes, removals []Change
	for _, c := range p.Changes {
		if c.Action == Rename {
			removals = append(removals, Change{Action: Remove, Path: c.From, Old: c.Old})
		}
		if c.Action == Remove {
			removals = append(removals, c)
		} else {
			writes = append(writes, c)
		}
	}
	if _, err := replaceAll(ctx, root, writes, (*folder).asPlanned); err != nil {
		return err
	}
	gone := append([]string(nil), p.leftovers...)
	for _, c := range removals {
		if _, err := asPlanned(root, c.Path, c); err != nil {
			return at(c, err)
		}
		gone = append(gone, c.Path)
	}
	for _, file := range gone {
		if err := ctx.Err(); err != nil {
			return err
		}
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

// maxFileSyncs is how many files are synced one by one. A sync of each of 12,000 files
// would take several times as long as the rest of a render; one sync of the file
// system's buffers, for all of them, is between a twentieth and a third of it, as fast
// as the disk is.
const maxFileSyncs = 64

// replaceAll puts the content of changes, sorted by path, into their places, several at
// a time; the first error ends it. Ready reports whether a file is still to be replaced.
// Done is how many were.
func replaceAll(ctx context.Context, root *os.Root, changes []Change, ready func(*folder, string, Change) (bool, error)) (done int, err error) {
	temps := make([]string, len(changes)) // the names of what is written and not renamed yet
	defer func() {
		for i, temp := range temps {
			if temp != "" {
				_ = root.Remove(path.Join(path.Dir(changes[i].Path), temp))
			}
		}
	}()
	syncEach := len(changes) <= maxFileSyncs
	err = inFolders(ctx, root, changes, runtime.GOMAXPROCS(0), func(f *folder, i int) (err error) {
		temps[i], err = f.stage(changes[i], syncEach)
		return err
	})
	if err == nil && !syncEach {
		err = syncAll(root, changes, temps)
	}
	if err != nil {
		return 0, err
	}
	var count atomic.Int64
	workers := runtime.GOMAXPROCS(0)
	if slices.ContainsFunc(changes, func(c Change) bool { return c.Action == Update }) {
		workers = maxReplacing
	}
	err = inFolders(ctx, root, changes, workers, func(f *folder, i int) error {
		name := path.Base(changes[i].Path)
		todo, err := ready(f, name, changes[i])
		if err != nil || !todo {
			return err
		}
		err = f.here.Rename(temps[i], name)
		if errors.Is(err, fs.ErrNotExist) { // another run took it for one that was left over
			err = f.replaceOne(name, changes[i])
		}
		if err == nil {
			temps[i] = ""
			count.Add(1)
		}
		return err
	})
	return int(count.Load()), err
}

// maxReplacing is how many files take the places of others at a time. That waits for the disk most
// of the time: with 16 of them, 5,000 files are in place in two thirds of the time that two take.
const maxReplacing = 16

// inFolders calls do with each change and its open folder, so many at a time, in the
// order of their paths as far as one worker goes. The first error ends it.
func inFolders(ctx context.Context, root *os.Root, changes []Change, workers int, do func(f *folder, i int) error) error {
	var first error
	var once sync.Once
	var failed atomic.Bool
	var running sync.WaitGroup
	n := min(workers, len(changes))
	for w := range n {
		running.Go(func() {
			f := folder{root: root}
			defer f.close()
			for i := w * len(changes) / n; i < (w+1)*len(changes)/n && !failed.Load(); i++ {
				err := ctx.Err()
				if err == nil {
					err = f.open(changes[i])
				}
				if err == nil {
					err = do(&f, i)
				}
				if err != nil {
					once.Do(func() { first = at(changes[i], err) })
					failed.Store(true)
				}
			}
		})
	}
	running.Wait()
	return first
}

// at returns an error with the path of the change that it stopped; nil stays nil.
func at(c Change, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
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
	here, err := f.root.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) && (c.Action == Create || c.Action == Rename) {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		here, err = f.root.OpenRoot(dir)
	}
	if err != nil {
		return err
	}
	f.here, f.dir = here, dir
	return nil
}

func (f *folder) asPlanned(name string, c Change) (bool, error) { return asPlanned(f.here, name, c) }

// stage writes the new content of a change into a temporary file next to its place, and
// returns its name. If synced, the content is on the disk then.
func (f *folder) stage(c Change, synced bool) (temp string, err error) {
	temp = temporary + rand.Text()
	file, err := f.here.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, c.Mode.Perm())
	if err != nil {
		return "", err
	}
	_, err = file.Write(c.New)
	if err == nil && c.Action != Create {
		err = file.Chmod(c.Mode.Perm()) // as the old file has it, whatever the umask
	}
	if err == nil && synced {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = f.here.Remove(temp)
		return "", err
	}
	return temp, nil
}

// replaceOne puts a file into its place whole.
func (f *folder) replaceOne(name string, c Change) error {
	const tries = 5 // another run may take the file for one that was left over
	var err error
	for range tries {
		var temp string
		if temp, err = f.stage(c, true); err == nil {
			if err = f.here.Rename(temp, name); err != nil {
				_ = f.here.Remove(temp)
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return err
}
