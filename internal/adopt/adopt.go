// Package adopt infers templates and values from copied manifests.
//
// A team that has copied its manifests by hand, one folder per environment, gets the
// templates and the variables that a person would have written, and a proof: rendered in
// memory, each file is byte for byte what it was, except the two lines of its header.
// What cannot be proved is left alone, and listed.
//
//   - layout.go, file.go: which files belong to which environment and service. A file
//     that no template can render is left at once (CRLF, no UTF-8, no object).
//   - survey.go, facts.go: what follows from the environment and the service (name,
//     namespace, domain, image) is no variable.
//   - group.go, separate.go: files whose paths are the same but for these names, and that
//     are alike, share a template.
//   - outline.go, align.go: copies are aligned as text: lines, under the keys and the
//     items that they stand in. Items go by Kubernetes' merge keys, comments and blocks of
//     text by their words.
//   - template.go, piece.go, content.go, condition.go: the longest copy's text, with
//     expressions where the copies differ; what some copies lack is put under a condition,
//     is an optional value (optional.go), or is written in a loop (loop.go).
//   - share.go: what templates have in common is a define that they call.
//   - variable.go, name.go, layers.go: differences that are the same everywhere are one
//     variable, with a name that says where it stands, and its values in the layer where
//     they take the fewest lines.
//   - settings.go, write.go: what is written into the inventory.
//   - prove.go: the proof. Where a line is not rendered as it was, its texts are chosen from
//     in the line, then each has a line of its own; then the file is left. guard.go keeps
//     other templates from rendering the files.
//
// What adopt makes is a function of the manifests and the inventory. So a second run, or
// one for another service, makes what one run for all would have made.
package adopt

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Options are what is to be adopted.
type Options struct {
	Layout   Layout
	Envs     []string // none for all
	Services []string // none for all
	Like     string   // the service whose templates those services share, however little they are alike
}

// Result is what adopting comes to. Nothing is written yet.
type Result struct {
	Files     map[string][]byte // of the inventory and the templates, as they are to be; nil for one that goes
	Adopted   []string          // the paths of the manifests that get a header
	Left      []Left
	Templates []Summary
	Values    int // lines that values take, those that were adopted before included
}

// Summary is a template, and what it replaces.
type Summary struct {
	File    string   `json:"file"`
	Files   int      `json:"files"`   // that it renders
	Lines   int      `json:"lines"`   // of the template
	Before  int      `json:"before"`  // of those files
	Example string   `json:"example"` // one of them
	Vars    []string `json:"variables"`
	Apart   []string `json:"apart"` // what only some of the files have
}

// run is one Run.
type run struct {
	options   Options
	fsys      fs.FS
	inventory *inventory.Inventory
	disk      map[string]string // the templates that are there: file → text
	result    *Result
	files     []*file // to be adopted
	old       []*file // that were rendered before
	folders   map[cell]bool
}

// Run infers templates and values for the manifests of a k8s repo.
func Run(fsys fs.FS, o Options) (*Result, error) {
	r := &run{options: o, fsys: fsys, result: &Result{Files: map[string][]byte{}}, disk: map[string]string{}, folders: map[cell]bool{}}
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	if len(r.files) == 0 {
		return r.result, nil
	}
	after, before, err := r.settle()
	if err != nil {
		return nil, err
	}
	if err := r.write(after, before); err != nil {
		return nil, err
	}
	r.summarize(after)
	return r.result, nil
}

// state is what is inferred from some files.
type state struct {
	*run
	kept      map[string]bool // templates on the disk that are somebody's own
	files     []*file
	left      []Left
	survey    *survey
	templates []*template
	variables []*variable
	settings  *settings
	was       *settings // what was written for the files that were adopted before
	guards    guards
	families  []*family
	broken    map[string]bool // templates whose lines are not shared
	level     map[string]int  // how alike services must be to share templates, see clusters
}

// settle infers templates for the files that are to be adopted, together with those that
// were adopted before: as if all were adopted at once. That is so as long as nobody has
// changed the templates since. One that was changed is kept as it is, with its files.
// Before is what was inferred for the files that were adopted; nil if nothing was.
func (r *run) settle() (after, before *state, err error) {
	kept := map[string]bool{}
	for {
		owned := r.owned(kept)
		var changed []string
		if before = nil; len(owned) > 0 {
			if before, err = r.infer(owned, kept, nil); err != nil {
				return nil, nil, err
			}
			changed = before.changed()
		}
		var was *settings
		if before != nil && len(changed) == 0 {
			was = before.settings
		}
		if after, err = r.infer(slices.Concat(owned, r.files), kept, was); err != nil {
			return nil, nil, err
		}
		more := after.changed()
		if was != nil {
			more = slices.DeleteFunc(more, before.has)
		} else if len(more) == 0 {
			return after, nil, nil // nothing was adopted before, or that was interrupted
		}
		if changed = append(changed, more...); len(changed) == 0 {
			return after, before, nil
		}
		for _, file := range changed {
			kept[file] = true
		}
	}
}

// owned returns the files that were rendered from templates which nobody has changed.
func (r *run) owned(kept map[string]bool) []*file {
	var list []*file
	for _, f := range r.old {
		if !kept[f.template] && r.disk[f.template] != "" {
			list = append(list, f)
		}
	}
	return list
}

// changed lists the templates on the disk that are not what is inferred, and those whose
// files can no longer be adopted, or only from another template.
func (s *state) changed() []string {
	var list []string
	add := func(file string) {
		if file != "" && !slices.Contains(list, file) {
			list = append(list, file)
		}
	}
	for _, t := range s.templates {
		if text, there := s.disk[t.file()]; there && text != t.String() {
			add(t.file())
		}
		for _, c := range t.copies {
			if c.file.template != t.file() {
				add(c.file.template)
			}
		}
	}
	for _, f := range s.families {
		if text, there := s.disk[f.file()]; there && text != f.String() {
			for _, t := range f.members {
				add(t.file())
			}
		}
	}
	for _, l := range s.left {
		add(l.file.template)
	}
	return list
}

func (s *state) has(file string) bool {
	return slices.ContainsFunc(s.templates, func(t *template) bool { return t.file() == file })
}

// infer makes templates and values for files, and proves them. What cannot be adopted is
// left, and the others are tried without it.
func (r *run) infer(files []*file, kept map[string]bool, was *settings) (*state, error) {
	s := &state{run: r, kept: kept, files: files, was: was, guards: guards{}, broken: map[string]bool{}, level: map[string]int{}}
	for len(s.files) > 0 {
		left, err := s.try()
		if err != nil {
			return nil, err
		}
		if len(left) == 0 {
			break
		}
		s.left = append(s.left, left...)
		s.files = slices.DeleteFunc(slices.Clone(s.files), func(f *file) bool {
			return slices.ContainsFunc(left, func(l Left) bool { return l.file == f })
		})
	}
	if len(s.files) == 0 {
		s.templates, s.variables, s.settings = nil, nil, &settings{}
	}
	return s, nil
}

// try makes templates and values for the files. It returns those that cannot be adopted.
func (s *state) try() ([]Left, error) {
	s.survey = newSurvey(s.inventory, s.files)
	facts := s.survey.facts()
	tags := map[string]bool{}
	var copies []*copied
	for _, f := range s.files {
		copies = append(copies, s.survey.copied(f, facts, tags))
	}
	known := map[string]*alignment{}
	for again := true; again; {
		s.templates = s.options.Layout.templatesOf(grouped(copies), s.alike, s.level, func(file string) bool { return s.kept[file] })
		explain := newExplainer(facts)
		for _, t := range s.templates {
			t.prepare(explain, tags, known)
		}
		s.describe()
		again = s.separate()
	}
	for range maxRounds {
		p := prover{fsys: s.fsys, templates: s.templates, guards: s.guards, broken: s.broken, changed: map[*slot]bool{}}
		var err error
		if p.files, err = s.render(); err != nil {
			return nil, err
		}
		if err := p.prove(); err != nil {
			return nil, err
		}
		if len(p.left) > 0 || !p.mended {
			return p.left, nil
		}
	}
	return nil, problem.New("", "the templates are not done after %d rounds", maxRounds)
}

// alike reports whether two services share templates whatever their files are.
func (r *run) alike(a, b string) bool {
	like := func(a, b string) bool { return a == r.options.Like && slices.Contains(r.options.Services, b) }
	return r.options.Like != "" && (like(a, b) || like(b, a))
}

// describe makes the lines of the templates, and the variables and settings that they need.
func (s *state) describe() {
	s.settings = s.newSettings()
	var holes []*hole
	universe := map[string][]cell{"service": s.universe("service"), "environment": s.universe("environment")}
	for _, t := range s.templates {
		t.build(universe[t.scope])
		holes = append(holes, t.holes...)
	}
	s.variables = allocate(holes, newExplainer(s.survey.facts()), s.taken())
	s.settings.addVariables(s.variables)
}

// render makes the templates' texts, and the files of an inventory that has what they need.
func (s *state) render() (map[string][]byte, error) {
	s.describe()
	s.families = share(s.templates, s.isDefined, s.broken)
	files, err := s.settings.files(s.readFile, s.was)
	if err != nil {
		return nil, err
	}
	for file, text := range s.disk {
		if !s.kept[file] && s.renders(file) {
			files[file] = nil // unless it is made again
		} else if guarded := s.guards.guarded(file, text); guarded != text {
			files[file] = []byte(guarded)
		}
	}
	for file, text := range s.texts() {
		files[file] = []byte(text)
	}
	return files, nil
}

// texts returns the texts of the templates, and of what they share, by file.
func (s *state) texts() map[string]string {
	texts := map[string]string{}
	for _, t := range s.templates {
		texts[t.file()] = t.String()
	}
	for _, f := range s.families {
		texts[f.file()] = f.String()
	}
	return texts
}

// isDefined reports whether a define's name is somebody else's.
func (s *state) isDefined(name string) bool {
	define := "{{ define " + strconv.Quote(name) + " "
	for file, text := range s.disk {
		if strings.Contains(text, define) && (s.kept[file] || file != (&family{name: name}).file()) {
			return true
		}
	}
	return false
}

// taken returns the names of variables that adopt did not make: those that a kept template
// uses, and those that no template uses.
func (s *state) taken() []string {
	var list []string
	for _, f := range s.inventory.Defaults.Fields {
		mine := false
		for file, text := range s.disk {
			if wholeIndex(text, ".Vars."+f.Key.Text, 0) < 0 {
				continue
			}
			if mine = !s.kept[file] && (s.has(file) || s.renders(file)); !mine {
				break
			}
		}
		if !mine {
			list = append(list, f.Key.Text)
		}
	}
	return list
}

// renders reports whether a template rendered one of the files.
func (s *state) renders(template string) bool {
	return slices.ContainsFunc(s.files, func(f *file) bool { return f.template == template })
}

// readFile reads a file of the k8s repo; nil where it is not there.
func (r *run) readFile(name string) ([]byte, error) {
	data, err := manifest.ReadFile(r.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
