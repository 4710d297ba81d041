// Package tree compares rendered files with those on disk and applies the difference.
//
// Diff reads what is there (disk.go), settles which tag each image runs (tags.go),
// and returns a Plan: which files to create, update and remove. Nothing is written
// before Plan.Apply (write.go). It touches only files that carry its header and are
// as it left them (header.go), takes the tags out of files that Git could not merge
// (conflict.go), and refuses to remove too much (prune.go). Review (review.go)
// shows a Plan by its distinct differences.
package tree

import (
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
	Path     string   // below the output folder
	Template string   // the file that it is rendered from, for its header
	Subject  []string // the names that it is rendered for: dev, alice, api
	Text     *manifest.Text
	FirstTag problem.Place // where a first tag would be written
}

// Environment is where wanted files belong.
type Environment struct {
	Name      string
	Dir       string                 // the folder of its manifests, below the output folder
	Contains  func(path string) bool // reports whether a file below that is its own; nil for all
	Namespace string                 // of objects that name none
	Extends   []string
	CopyOf    string                     // the environment that a new one is a copy of; "" for none
	Images    map[string]string          // by service, the repository that it has here
	Renders   func(template string) bool // reports whether the template is there, and its scope is rendered here
	Complete  bool                       // the wanted files are all that it should have
}

// Options are what Diff needs to know, and what it may do.
type Options struct {
	Environments   []Environment
	Others         bool            // remove the files of all environments that are not among these
	Force          bool            // overwrite and remove files that were edited by hand
	AllowMassPrune bool            // remove many files at once
	Adopt          map[string]bool // files without a header that get one, where they hold what is wanted
	// Stages returns what Git's index has of files with merge conflicts, by path; nil where
	// there is no index.
	Stages func(paths []string) map[string]Stages
}

// Stages are the versions of a file that Git's index has of a merge that is not
// done; nil where it has none.
type Stages struct{ Base, Ours, Theirs []byte }

// Action is what a Change does.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Rename Action = "rename"
	Remove Action = "remove"
)

// Actions are all of them, in the order in which they are counted.
var Actions = []Action{Create, Update, Rename, Remove}

// Change is one file to be written or removed. A Rename writes Path and removes From.
type Change struct {
	Action   Action
	Env      string
	Path     string
	From     string // of a Rename
	Template string // what renders the file, or rendered it
	Subject  []string
	Conflict bool   // Old holds the conflict markers of a merge
	Old      []byte // nil for Create; of a Rename, what From holds
	New      []byte // nil for Remove
	Mode     fs.FileMode
}

// Plan is what has to be done.
type Plan struct {
	Changes   []Change // sorted by path
	Unchanged int
	Notices   []string            // what people should know of the changes
	leftovers []string            // temporary files of a run that was killed
	running   map[string][]string // by canonical repository, see Running
}

// Running lists the versions of a repository on disk, each ":tag", "@digest" or both, the
// most common first.
func (p *Plan) Running(repository string) []string { return p.running[canonical(repository)] }

// Count returns how many changes do an action.
func (p *Plan) Count(a Action) int {
	n := 0
	for _, c := range p.Changes {
		if c.Action == a {
			n++
		}
	}
	return n
}

// Diff compares wants, sorted by path, with the files below root. A nil root is
// an empty folder. The error is a problem.List of all that prevents it;
// where that is refusals, the plan is there to be shown, as it would be without
// them, and must not be applied.
func Diff(root *os.Root, wants []Want, o Options) (*Plan, error) {
	d, err := readDisk(root, wants, o)
	if err != nil {
		return nil, err
	}
	p := &planner{options: o, disk: d, plan: &Plan{leftovers: d.leftovers}, tags: newTags(d, wants, o)}
	p.problems = d.problems
	p.plan.running = p.tags.running()
	p.reconcile(wants)
	for i := range wants {
		if name := path.Base(wants[i].Path); len(name) > maxName {
			p.problems.Add(problem.At(problem.Place{File: wants[i].Template}, "give the template, or what it is for, a shorter name",
				"the file %.40s… would have a name of %d bytes; %d is the most", name, len(name), maxName).WithCode(problem.Misplaced))
			continue
		}
		p.decide(&wants[i])
	}
	p.prune(wants)
	slices.SortFunc(p.plan.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	p.plan.Notices = append(p.plan.Notices, p.tags.notices()...)
	p.problems = append(p.problems, p.refusals.problems()...)
	p.problems = append(p.problems, p.tags.problems()...)
	return p.plan, p.problems.Err()
}

// maxName is how long a file's name may be on common file systems, in bytes.
const maxName = 255

// planner makes a Plan of what is there and what is wanted.
type planner struct {
	options  Options
	disk     *disk
	tags     *tags
	plan     *Plan
	objects  objects // see rendered
	refusals refusals
	problems problem.List
}

// decide plans what becomes of a wanted file.
func (p *planner) decide(w *Want) {
	change := Change{Action: Create, Env: w.Env, Path: w.Path, Template: w.Template, Subject: w.Subject, Mode: 0o644}
	if p.disk.matches[w.Path] != nil {
		if p.tags.overrides[w.Path] == nil {
			p.plan.Unchanged++
			return
		}
		change, err := p.overridden(w, change)
		p.problems.Add(err)
		p.plan.Changes = append(p.plan.Changes, change)
		return
	}
	f := p.disk.byPath[w.Path]
	if f != nil {
		if line := f.emptied(w); f.whose == owned && line > 0 {
			f.whose, f.fault, f.line = edited, invalidTag, line
		}
		f.locate(w)
		if may := p.checkProtected(f, w); !may && (f.whose == foreign || f.unreadable()) {
			return
		}
		change.Action, change.Old, change.Mode, change.Conflict = Update, f.data, f.mode, f.conflict != nil
	}
	if runs, ok := p.tags.of(w, f); ok {
		change.New = append(slices.Clip(headerFor(w.Template, w.Text)), w.Text.WithRuns(runs)...)
		p.plan.Changes = append(p.plan.Changes, change)
	}
}

// checkProtected reports whether a file may be overwritten or removed. If not, it adds a
// refusal. W is what is wanted in its place, nil if nothing is.
func (p *planner) checkProtected(f *file, w *Want) bool {
	if f.whose == owned || f.whose == edited && p.options.Force || w != nil && p.options.Adopt[w.Path] && f.holds(w) {
		return true
	}
	p.refusals.add(f.refusal(w))
	return false
}

// holds reports whether a file without a header holds what is wanted, tags aside, byte
// for byte.
func (f *file) holds(w *Want) bool {
	_, same := w.Text.Match(f.data)
	return f.whose == foreign && same
}

// Environments returns the names of the folders right in root that hold manifests.
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

// manifestsDir is the folder of manifests in an environment's, unless its file says otherwise.
const manifestsDir = "manifests"
