package tree

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// disk is what is in the environments' folders.
type disk struct {
	root      *os.Root
	matches   map[string][]manifest.Run // by path: files that are as wanted, and what their images run
	files     []*file                   // all others, sorted by path
	byPath    map[string]*file
	ours      map[string]int // by environment, how many files are ours
	leftovers []string
	problems  problem.List
}

// file is a file that is there and is not as wanted.
type file struct {
	verdict
	env, path string
	data      []byte
	mode      fs.FileMode
	ran       []ran // see images
}

// readDisk reads the environments that wants are complete for, and the others if
// their files are to be removed.
func readDisk(root *os.Root, wants []Want, o Options) (*disk, error) {
	d := &disk{root: root, matches: map[string][]manifest.Run{}, byPath: map[string]*file{}, ours: map[string]int{}}
	if root == nil {
		return d, nil
	}
	known := map[string]bool{} // the folders of environments
	r := &diskReader{disk: d, wanted: map[string]*Want{}, folders: map[string]bool{}}
	for i := range wants {
		w := &wants[i]
		r.wanted[w.Path] = w
		for dir := path.Dir(w.Path); dir != "." && !r.folders[dir]; dir = path.Dir(dir) {
			r.folders[dir] = true
		}
	}
	for _, env := range o.Environments {
		known[env.Dir] = true
		if env.Complete {
			r.read(root, env)
		}
	}
	if o.Others {
		names, err := Environments(root)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if dir := path.Join(name, manifestsDir); !known[dir] {
				r.read(root, Environment{Name: name, Dir: dir})
			}
		}
	}
	d.judge(o.Stages)
	return d, nil
}

// judge finds out whose each file is. The sides of all conflicts are asked for at once.
func (d *disk) judge(stages func([]string) map[string]Stages) {
	slices.SortFunc(d.files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	var conflicts []string
	for _, f := range d.files {
		d.byPath[f.path] = f
		if hasConflict(f.data) {
			conflicts = append(conflicts, f.path)
		}
	}
	var found map[string]Stages
	if len(conflicts) > 0 && stages != nil {
		found = stages(conflicts)
	}
	for _, f := range d.files {
		f.verdict = judge(f.path, f.data, found[f.path])
		if f.whose != foreign {
			d.ours[f.env]++
		}
	}
}

// diskReader reads environments, one after the other.
type diskReader struct {
	disk     *disk
	wanted   map[string]*Want
	folders  map[string]bool // that wanted files are in
	env      string
	dir      string
	contains func(string) bool
	lock     sync.Mutex
}

func (r *diskReader) read(root *os.Root, env Environment) {
	r.env, r.dir, r.contains = env.Name, env.Dir, env.Contains
	if err := Walk(root, env.Dir, r.visit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.disk.problems.Add(err)
	}
}

func (r *diskReader) visit(e Entry) error {
	if r.dir == "." && neverManifests[e.Path] {
		return fs.SkipDir
	}
	if r.contains != nil && !e.Type.IsDir() && !r.contains(e.Path) {
		return nil
	}
	wanted := r.wanted[e.Path]
	if wanted != nil && !e.Type.IsRegular() || r.folders[e.Path] && !e.Type.IsDir() {
		r.lock.Lock()
		defer r.lock.Unlock()
		r.disk.problems.Add(inTheWay(e.Path, e.Type))
		return nil
	}
	switch {
	case e.Leftover():
		r.lock.Lock()
		defer r.lock.Unlock()
		r.disk.leftovers = append(r.disk.leftovers, e.Path)
		return nil
	case !e.Type.IsRegular():
		return nil
	}
	var runs []manifest.Run
	file, differs, err := e.ReadIf(func(data []byte) bool {
		matches := false
		if wanted != nil {
			runs, matches = wanted.match(data)
		}
		return !matches
	})
	if errors.Is(err, fs.ErrNotExist) { // another run has removed it since its folder was listed
		return nil
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if err == nil && !differs {
		r.disk.matches[e.Path] = append([]manifest.Run{}, runs...)
		r.disk.ours[r.env]++
	}
	if differs {
		r.disk.files = append(r.disk.files, newFile(r.env, file))
	}
	return err
}

func newFile(env string, f File) *file {
	return &file{env: env, path: f.Path, data: f.Data, mode: f.info.Mode()}
}

// neverManifests are files and folders that are not read as manifests where an
// environment's folder is the root.
var neverManifests = map[string]bool{"users.yaml": true, "environments": true, "templates": true, "schemas": true, "holds": true, ".github": true, ".git": true}

// match reports whether a file is what is wanted but for what its images run, and
// returns that.
func (w *Want) match(data []byte) ([]manifest.Run, bool) {
	header := headerFor(w.Template, w.Text)
	if !bytes.HasPrefix(data, header) {
		return nil, false
	}
	return w.Text.Match(data[len(header):])
}
