package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"

	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
)

// Entry is a file, a folder or a link that Walk has come to.
type Entry struct {
	Path string // below the root of the walk
	Type fs.FileMode

	here   *os.Root // its folder, so that it is one step away
	open   *os.File // that too
	entry  fs.DirEntry
	buffer *bytes.Buffer // for the files of the folder in turn
}

// opened is a file that is open for reading.
type opened interface {
	io.ReadCloser
	Stat() (fs.FileInfo, error)
}

// File is a regular file that was read.
type File struct {
	Path string
	Data []byte

	info fs.FileInfo // as it was read
}

// Leftover reports whether it is a temporary file of a run that was killed.
func (e Entry) Leftover() bool {
	return strings.HasPrefix(e.entry.Name(), temporary) && (e.Type.IsRegular() || e.Type&fs.ModeSymlink != 0)
}

// ReadIf reads an entry, if its content is wanted; the data that wanted is shown is
// not to be kept. A file of more than limit.MaxFile is an error.
func (e Entry) ReadIf(wanted func(data []byte) bool) (file File, ok bool, err error) {
	f, err := e.openFile()
	if err != nil {
		return File{}, false, err
	}
	defer f.Close()
	e.buffer.Reset()
	if _, err := e.buffer.ReadFrom(limit.NewReader(f, limit.MaxFile, "the file")); err != nil || !wanted(e.buffer.Bytes()) {
		return File{}, false, err
	}
	info, err := f.Stat() // of what was read, whatever has its name by now
	return File{e.Path, bytes.Clone(e.buffer.Bytes()), info}, err == nil, err
}

// Walk calls visit with everything below a folder, several folders at a time and in no order.
// Links are never followed: visit is shown them, by their type. A folder that is not there is an
// fs.ErrNotExist; one that is a link, or has a link above it, is a refusal; one below it that is
// removed meanwhile is left out. Visit returns fs.SkipDir to leave out what is in a folder; any
// other error ends the walk.
func Walk(root *os.Root, dir string, visit func(Entry) error) error {
	for above := range parents(dir) {
		info, err := root.Lstat(above)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return inTheWay(above, info.Mode())
		}
	}
	here, err := root.OpenRoot(dir)
	if err != nil {
		return err
	}
	w := &walker{visit: visit, places: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	w.places <- struct{}{}
	w.folders.Add(1)
	w.walk(here, dir)
	w.folders.Wait()
	return w.err
}

// parents yields a, a/b, a/b/c for a/b/c.
func parents(dir string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(dir) {
			if dir[i] == '/' && !yield(dir[:i]) {
				return
			}
		}
		yield(dir)
	}
}

func inTheWay(file string, mode fs.FileMode) *problem.Problem {
	what := "something that is no file"
	switch {
	case mode&fs.ModeSymlink != 0:
		what = "a symbolic link"
	case mode.IsDir():
		what = "a folder"
	case mode.IsRegular():
		what = "a file"
	}
	p := problem.At(problem.Place{File: file}, "move it away: manifests are written here, into real files and folders and through no link", "%s is in the way", what).WithCode(problem.InTheWay)
	p.Refused = true
	return p
}

type walker struct {
	visit   func(Entry) error
	folders sync.WaitGroup
	places  chan struct{} // how many folders are read at a time
	buffers sync.Pool     // a *bytes.Buffer for each of them

	lock sync.Mutex
	err  error
}

func (w *walker) failed(err error) bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.err == nil {
		w.err = err
	}
	return w.err != nil
}

// walk walks a folder, in a place that was taken for it, and then those in it.
func (w *walker) walk(here *os.Root, dir string) {
	defer w.folders.Done()
	defer here.Close()
	folders, err := w.folder(here, dir)
	<-w.places
	if w.failed(err) {
		return
	}
	for _, name := range folders {
		w.places <- struct{}{} // here, and not there, so that only a few wait and are open
		child, err := here.OpenRoot(name)
		if errors.Is(err, fs.ErrNotExist) { // removed since it was listed
			<-w.places
			continue
		}
		if w.failed(err) {
			<-w.places
			return
		}
		w.folders.Add(1)
		go w.walk(child, path.Join(dir, name))
	}
}

// folder visits what is in a folder, and returns the folders in it. A folder that is removed
// before it is read has nothing in it.
func (w *walker) folder(here *os.Root, dir string) (folders []string, err error) {
	open, err := here.Open(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer open.Close()
	entries, err := open.ReadDir(-1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	buffer, _ := w.buffers.Get().(*bytes.Buffer)
	if buffer == nil {
		buffer = new(bytes.Buffer)
	}
	defer w.buffers.Put(buffer)
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		err := w.visit(Entry{file, e.Type(), here, open, e, buffer})
		if e.IsDir() && err == fs.SkipDir {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	return folders, nil
}
