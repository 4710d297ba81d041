package tree

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/problem"
)

// readEnv reads an environment's manifests: files that match what is wanted are
// noted with what they run, and all others kept. Links are never followed.
func (d *differ) readEnv(root *os.Root, env string) {
	for _, dir := range []string{env, path.Join(env, manifestsDir)} {
		info, err := root.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			d.problems.Add(err)
			return
		}
		if !info.IsDir() {
			d.inTheWay(dir, info.Mode())
			return
		}
	}
	r := &envReader{differ: d, root: root, env: env, places: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	r.places <- struct{}{}
	r.folders.Add(1)
	r.read(path.Join(env, manifestsDir))
	r.folders.Wait()

	slices.SortFunc(r.found, func(a, b *have) int { return strings.Compare(a.path, b.path) })
	d.owned[env] = r.matched
	for _, h := range r.found {
		if w := d.wants[h.path]; w != nil {
			w.have = h
		}
		if h.whose, h.template, h.body = owner(h.path, h.data); h.whose != foreign {
			d.owned[env]++
		}
	}
	d.haves = append(d.haves, r.found...)
}

func (d *differ) inTheWay(file string, mode fs.FileMode) {
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
	d.problems.Add(p)
}

// envReader reads one environment, several folders at a time.
type envReader struct {
	differ  *differ
	root    *os.Root
	env     string
	folders sync.WaitGroup
	places  chan struct{} // how many folders are read at a time

	lock    sync.Mutex
	found   []*have
	matched int
}

// read reads a folder, in a place that was taken for it, and then those in it.
func (r *envReader) read(dir string) {
	defer r.folders.Done()
	folders, err := r.readFiles(dir)
	<-r.places
	if err != nil {
		r.lock.Lock()
		r.differ.problems.Add(err)
		r.lock.Unlock()
	}
	for _, folder := range folders {
		r.places <- struct{}{} // here, and not there, so that only a few wait
		r.folders.Add(1)
		go r.read(folder)
	}
}

// readFiles reads a folder's files, and returns the folders in it.
func (r *envReader) readFiles(dir string) (folders []string, err error) {
	here, err := r.root.OpenRoot(dir) // so that each file is one step away
	if err != nil {
		return nil, err
	}
	defer here.Close()
	entries, err := fs.ReadDir(here.FS(), ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if r.differ.wants[file] != nil {
				r.obstacle(file, e.Type())
			}
			folders = append(folders, file)
		case strings.HasPrefix(e.Name(), temporary) && (e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0):
			r.lock.Lock()
			r.differ.plan.leftovers = append(r.differ.plan.leftovers, file)
			r.lock.Unlock()
		case !e.Type().IsRegular():
			if r.differ.wants[file] != nil || r.differ.folders[file] {
				r.obstacle(file, e.Type())
			}
		default:
			if r.differ.folders[file] {
				r.obstacle(file, e.Type())
			}
			if err := r.readFile(here, e.Name(), file); err != nil {
				return folders, err
			}
		}
	}
	return folders, nil
}

func (r *envReader) obstacle(file string, mode fs.FileMode) {
	r.lock.Lock()
	r.differ.inTheWay(file, mode)
	r.lock.Unlock()
}

func (r *envReader) readFile(here *os.Root, name, file string) error {
	data, err := here.ReadFile(name)
	if err != nil {
		return err
	}
	if w := r.differ.wants[file]; w != nil && bytes.HasPrefix(data, w.header) {
		// Each path is read once, so no two workers have the same w.
		if w.runs, w.matches = w.Text.Match(data[len(w.header):]); w.matches {
			r.lock.Lock()
			r.matched++
			r.lock.Unlock()
			return nil
		}
	}
	info, err := here.Lstat(name)
	if err != nil {
		return err
	}
	r.lock.Lock()
	r.found = append(r.found, &have{env: r.env, path: file, data: data, mode: info.Mode()})
	r.lock.Unlock()
	return nil
}
