// Package tree is files as they should be against files as they are.
//
// Diff reads what is there, decides, and returns a Plan; nothing is written
// before Apply. It touches only files that carry its header and are as it left
// them (see header), keeps what their images run, and removes what is no longer
// wanted.
package tree

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Want is a file as it should be, less its header and what its images run.
type Want struct {
	Env      string
	Path     string // below the output folder: <env>/manifests/…
	Template string // the file that it is rendered from, for its header
	Text     *manifest.Text
	FirstTag problem.Place // where a first tag would be written
}

// Options are what Diff may do.
type Options struct {
	Envs           []string // the environments that wants are complete for
	Others         bool     // remove the files of all other environments
	Force          bool     // overwrite and remove files that were edited by hand
	AllowMassPrune bool     // remove many files at once
}

// Action is what a Change does.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Remove Action = "remove"
)

// Change is one file to be written or removed.
type Change struct {
	Action Action
	Path   string
	Old    []byte // nil for Create
	New    []byte // nil for Remove
	Mode   fs.FileMode
}

// Plan is what has to be done.
type Plan struct {
	Changes   []Change // sorted by path
	Unchanged int
	Notices   []string // what people should know of the changes

	leftovers []string // temporary files of a run that was killed
}

// Count is how many changes do an action.
func (p *Plan) Count(a Action) int {
	n := 0
	for _, c := range p.Changes {
		if c.Action == a {
			n++
		}
	}
	return n
}

// A mass prune is more than so many of an environment's files, and more than a
// part of them. It takes a word: it is what a wrong --source or a lost line does.
const (
	massPruneFiles = 10
	massPrunePart  = 4
)

// Diff compares wants, sorted by path, with the files below root. A nil root is
// an empty folder. The error is a problem.List of all that stands in the way;
// where that is refusals, the plan is there to be shown, as it would be without
// them, and must not be applied.
func Diff(root *os.Root, wants []Want, o Options) (*Plan, error) {
	d := &differ{options: o, plan: &Plan{}, wants: map[string]*wanted{}, folders: map[string]bool{}, owned: map[string]int{}, runs: map[string]map[string]*tally{}}
	for _, w := range wants {
		d.wants[w.Path] = &wanted{Want: w, header: headerFor(w.Template, w.Text)}
		for dir := path.Dir(w.Path); dir != "." && !d.folders[dir]; dir = path.Dir(dir) {
			d.folders[dir] = true
		}
	}
	if root != nil {
		envs := slices.Clone(o.Envs)
		if o.Others {
			all, err := Environments(root)
			if err != nil {
				return nil, err
			}
			for _, env := range all {
				if !slices.Contains(envs, env) {
					envs = append(envs, env)
				}
			}
		}
		for _, env := range envs {
			d.readEnv(root, env)
		}
	}
	d.countRuns()
	for _, w := range wants {
		if name := path.Base(w.Path); len(name) > longestName {
			d.problems.Add(problem.At(problem.Place{File: w.Template}, "give the template, or what it is for, a shorter name",
				"the file %.40s… would have a name of %d bytes; %d is the most", name, len(name), longestName).WithCode(problem.Misplaced))
			continue
		}
		d.decide(d.wants[w.Path])
	}
	d.prune()
	slices.SortFunc(d.plan.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return d.plan, d.problems.Err()
}

// Environments are the folders right in root that hold manifests.
func Environments(root *os.Root) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var envs []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if info, err := root.Lstat(path.Join(e.Name(), manifestsDir)); err == nil && info.IsDir() {
			envs = append(envs, e.Name())
		}
	}
	return envs, nil
}

const manifestsDir = "manifests"

// differ is one Diff.
type differ struct {
	options  Options
	plan     *Plan
	problems problem.List
	wants    map[string]*wanted
	folders  map[string]bool              // that wanted files are in
	haves    []*have                      // files that do not match what is wanted, sorted by path
	owned    map[string]int               // how many files of an environment are ours
	runs     map[string]map[string]*tally // by environment and repository
}

// wanted is a Want, and what was found in its place.
type wanted struct {
	Want
	header  []byte
	matches bool
	runs    []manifest.Run // of its images, when it matches
	have    *have
}

// have is a file that is there and is not what is wanted.
type have struct {
	env, path string
	data      []byte
	mode      fs.FileMode
	whose     ownership
	template  string
	body      *manifest.Text
}

// tally counts what runs of one repository.
type tally struct {
	counts map[string]int
	first  map[string]string // the first path that runs it
}

// decide plans what becomes of a wanted file.
func (d *differ) decide(w *wanted) {
	if w.matches {
		d.plan.Unchanged++
		return
	}
	h := w.have
	if h == nil {
		if runs, ok := d.newRuns(w); ok {
			d.plan.Changes = append(d.plan.Changes, Change{Create, w.Path, nil, w.bytes(runs), 0o644})
		}
		return
	}
	if d.mayTouch(h); h.whose == foreign {
		return
	}
	if runs, ok := d.keptRuns(w); ok {
		d.plan.Changes = append(d.plan.Changes, Change{Update, w.Path, h.data, w.bytes(runs), h.mode})
	}
}

// bytes are the whole file.
func (w *wanted) bytes(runs []manifest.Run) []byte {
	return append(slices.Clip(w.header), w.Text.WithRuns(runs)...)
}

// mayTouch reports a file that may not be overwritten or removed.
func (d *differ) mayTouch(h *have) {
	at := problem.Place{File: h.path}
	var p *problem.Problem
	switch {
	case h.whose == owned, h.whose == edited && d.options.Force:
		return
	case h.whose == edited:
		p = problem.At(at, "put the change into "+h.template+" or what it is rendered from; then render --force overwrites this file", "the file was edited by hand").WithCode(problem.Edited)
	case converted(h.data):
		p = problem.At(at, "check it out as it is (git config core.autocrlf false, or eol=lf in .gitattributes)", "the line ends of this rendered file were converted to CRLF").WithCode(problem.LineEnds)
	default:
		p = problem.At(at, "move it away, or rename the template that wants this path", "the file is there and was not rendered by manifestgen").WithCode(problem.Foreign)
	}
	p.Refused = true
	d.problems.Add(p)
}

// prune plans the removal of files that are ours and no longer wanted.
func (d *differ) prune() {
	removed := map[string][]Change{}
	for _, h := range d.haves {
		if d.wants[h.path] != nil || h.whose == foreign {
			continue
		}
		d.mayTouch(h)
		removed[h.env] = append(removed[h.env], Change{Remove, h.path, h.data, nil, h.mode})
	}
	for env, changes := range removed {
		if n := len(changes); n > massPruneFiles && n*massPrunePart > d.owned[env] && !d.options.AllowMassPrune {
			d.problems.Add(&problem.Problem{
				Place:   problem.Place{File: path.Join(env, manifestsDir)},
				Message: fmt.Sprintf("this would remove %d of %d files", n, d.owned[env]),
				Hint:    "if that is meant, say --allow-mass-prune; else look at what is gone from users.yaml, environments/ and templates/",
				Refused: true,
				Code:    problem.MassPrune,
			})
		}
		d.plan.Changes = append(d.plan.Changes, changes...)
	}
}

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
	gone := slices.Clone(p.leftovers)
	for _, c := range p.Changes {
		if c.Action == Remove {
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

// longestName is how long a file's name may be on the file systems there are.
const longestName = 255

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

// asPlanned tells whether there is still to do what a change does: nothing, where
// another run has done it. A file that is neither as it was nor as it is to be is a
// refusal.
func asPlanned(root *os.Root, name string, c Change) (bool, error) {
	now, err := root.ReadFile(name)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return false, err
	case missing && c.Action == Create, !missing && c.Action != Create && bytes.Equal(now, c.Old):
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
	if c.Action == Create {
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
