// Package adopt infers templates and values from copied manifests.
//
// A team that has copied its manifests by hand, one folder an environment, gets the
// templates and the variables that a person would have written, and a proof: rendered in
// memory, each file is byte for byte what it was, but for the two lines of its header.
// What cannot be proved is left alone, and named.
//
//   - layout.go, file.go: which files belong to which environment and service. A file
//     that no template can render is left at once (CRLF, no UTF-8, no object).
//   - survey.go, facts.go: what follows from the environment and the service (name,
//     namespace, domain, image) is no variable.
//   - group.go: files whose paths are the same but for these names, and that are alike,
//     share a template.
//   - outline.go, align.go: copies are aligned as text: lines, under the keys and the
//     items that they stand in. Items go by Kubernetes' merge keys, comments and blocks of
//     text by their words.
//   - template.go, content.go, condition.go: the longest copy's text, with expressions where
//     the copies differ; what some copies lack is put under a condition.
//   - variable.go, name.go, layers.go: differences that are the same everywhere are one
//     variable, with a name that says where it stands, and its values in the layer where
//     they take the fewest lines.
//   - values.go: what is written into the inventory.
//   - prove.go: the proof. A line that is not rendered as it was is written in a plainer
//     way: chosen from in the line, then on lines of its own; then the file is left.
//
// What adopt makes is a function of the manifests and the inventory. So a second run, or
// one for another service, makes what one run for all would have made.
package adopt

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
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
}

// Result is what adopting comes to. Nothing is written yet.
type Result struct {
	Files     map[string][]byte // of the inventory and the templates, as they are to be
	Adopted   []string          // the paths of the manifests that get a header
	Left      []Left
	Templates []Summary
	Values    int // lines of variables.yaml, and of values in the inventory
}

// Summary is a template, and what it replaces.
type Summary struct {
	File    string   `json:"file"`
	Files   int      `json:"files"`   // that it renders
	Lines   int      `json:"lines"`   // of the template
	Before  int      `json:"before"`  // of those files
	Example string   `json:"example"` // one of them
	Vars    []string `json:"vars"`
}

// run is one Run.
type run struct {
	Options
	fsys      fs.FS
	inventory *inventory.Inventory
	result    *Result
	files     []*file
	survey    *survey
	templates []*template
	settings  *settings
}

// Run infers templates and values for the manifests of a k8s repo.
func Run(fsys fs.FS, o Options) (*Result, error) {
	r := &run{Options: o, fsys: fsys, result: &Result{}}
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	for round := 0; len(r.files) > 0; round++ {
		left, err := r.infer()
		if err != nil {
			return nil, err
		}
		if len(left) == 0 {
			break
		}
		r.result.Left = append(r.result.Left, left...)
		r.files = slices.DeleteFunc(r.files, func(f *file) bool {
			return slices.ContainsFunc(left, func(l Left) bool { return l.Path == f.path })
		})
	}
	r.summarize()
	return r.result, nil
}

// load reads the inventory, if there is one.
func (r *run) load() error {
	_, users := fs.Stat(r.fsys, inventory.UsersFile)
	_, environments := fs.Stat(r.fsys, inventory.EnvironmentsDir)
	if errors.Is(users, fs.ErrNotExist) && errors.Is(environments, fs.ErrNotExist) {
		r.inventory = &inventory.Inventory{}
		return nil
	}
	var err error
	r.inventory, err = inventory.Load(r.fsys)
	return err
}

// read reads the copies.
func (r *run) read() error {
	envs := r.Envs
	if len(envs) == 0 {
		envs = nil
	}
	folders, err := r.Layout.folders(r.fsys, envs)
	if err != nil {
		return err
	}
	if _, ok := r.Layout.root("x"); !ok {
		return problem.New("put {env} before {service}", "--path %q: the folders of the environments would lie in each other", r.Layout.text)
	}
	root := func(env string) string { dir, _ := r.Layout.root(env); return dir }
	for _, env := range r.inventory.Environments {
		if dir := root(env.Name); !env.Abstract && env.Path != dir && slices.ContainsFunc(folders, func(f folder) bool { return f.env == env.Name }) {
			return problem.At(env.Place, "pass a --path that leads there, or change path:", "the manifests of %s are in %s, not in %s", env.Name, env.Path, dir)
		}
	}
	if r.Layout.hasService() && len(r.Services) > 0 {
		folders = slices.DeleteFunc(folders, func(f folder) bool { return !slices.Contains(r.Services, f.service) })
	}
	files, left, err := readFiles(r.fsys, folders, root)
	if err != nil {
		return err
	}
	if envs == nil {
		files, left = r.sharing(files, left)
	}
	if !r.Layout.hasService() {
		service := ""
		if len(r.Services) == 1 {
			service = r.Services[0]
		} else if len(r.Services) == 0 {
			service = serviceOf(files)
		}
		for _, f := range files {
			f.service = service
		}
	}
	r.files, r.result.Left = r.unique(files, left)
	r.files = slices.DeleteFunc(r.files, func(f *file) bool { return f.template != "" })
	return nil
}

// sharing leaves out what is no environment: folders that have no file in common with
// another.
func (r *run) sharing(files []*file, left []Left) ([]*file, []Left) {
	envs := map[string]map[string]bool{} // by path below the environment's folder
	for _, f := range files {
		pattern := outputPattern(f.below, f.cell)
		if envs[pattern] == nil {
			envs[pattern] = map[string]bool{}
		}
		envs[pattern][f.env] = true
	}
	shares := map[string]bool{}
	for _, in := range envs {
		if len(in) > 1 {
			maps.Copy(shares, in)
		}
	}
	kept := slices.DeleteFunc(files, func(f *file) bool {
		if !shares[f.env] && r.inventory.Environment(f.env) == nil {
			left = append(left, Left{f.path, f.env + " has no file in common with another environment; pass --env " + f.env + " if it is one"})
			return true
		}
		return false
	})
	return kept, left
}

// unique leaves the files that hold an object which another file of the environment
// holds too.
func (r *run) unique(files []*file, left []Left) ([]*file, []Left) {
	owners := map[string][]*file{}
	for _, f := range files {
		for _, o := range f.text.Objects {
			key := f.env + "|" + o.Identity()
			if !slices.Contains(owners[key], f) {
				owners[key] = append(owners[key], f)
			}
		}
	}
	twice := map[*file]string{}
	for _, key := range slices.Sorted(maps.Keys(owners)) {
		list := owners[key]
		for i, f := range list {
			if len(list) > 1 {
				twice[f] = list[(i+1)%len(list)].path
			}
		}
	}
	files = slices.DeleteFunc(files, func(f *file) bool {
		if other := twice[f]; other != "" {
			left = append(left, Left{f.path, "it holds an object that is in " + other + " too"})
		}
		return twice[f] != ""
	})
	return files, left
}

// serviceOf is the service that files without folders of services belong to: what its
// workload is called, where all that have images of their own run one.
func serviceOf(files []*file) string {
	families, names := map[string]bool{}, map[string]int{}
	for _, f := range files {
		for _, i := range f.text.Images {
			if !ownImage(i) {
				continue
			}
			families[familyOf(i.Ref.Name, f.cell)] = true
			for _, o := range f.text.Objects {
				if o.Kind == "Deployment" || o.Kind == "StatefulSet" || o.Kind == "DaemonSet" {
					names[strings.Trim(replaceWhole(o.Name, f.env, ""), "-")]++
				}
			}
		}
	}
	if name := mostCommon(names); len(families) == 1 && name != "" {
		return name
	}
	return ""
}

// infer makes templates and values for the files, and proves them. It returns the files
// that cannot be adopted: then the others are to be tried without them.
func (r *run) infer() ([]Left, error) {
	r.survey = newSurvey(r.inventory, r.files)
	facts := r.survey.facts()
	tags := map[string]bool{}
	var copies []*copied
	for _, f := range r.files {
		copies = append(copies, r.survey.copied(f, facts, tags))
	}
	r.templates = templatesOf(grouped(copies), func(scope, name string) bool {
		_, err := fs.Stat(r.fsys, "templates/"+scope+"/"+name+".yaml.tmpl")
		return err == nil
	})
	explain := newExplainer(facts)
	for _, t := range r.templates {
		t.explain, t.tags = explain, tags
		t.cells = nil
		for _, c := range t.copies {
			t.cells = append(t.cells, c.cell)
		}
		t.alignment = *align(t.copies)
	}
	for range maxRounds {
		p := prover{fsys: r.fsys, templates: r.templates, changed: map[*slot]bool{}}
		var err error
		if p.files, err = r.write(); err != nil {
			return nil, err
		}
		if err := p.prove(); err != nil {
			return nil, err
		}
		if len(p.left) > 0 {
			return p.left, nil
		}
		if !p.mended {
			r.result.Files = p.files
			return nil, nil
		}
	}
	return nil, problem.New("", "the templates are not done after %d rounds", maxRounds)
}

// write makes the templates' texts and the inventory's files.
func (r *run) write() (map[string][]byte, error) {
	s := r.newSettings()
	var taken []string
	for _, f := range r.inventory.Defaults.Fields {
		taken = append(taken, f.Key.Text)
	}
	a := newAllocator(taken)
	for _, t := range r.templates {
		t.build(r.universe(s, t.scope))
	}
	var holes []*hole
	for _, t := range r.templates {
		holes = append(holes, t.holes...)
	}
	shareParts(holes)
	for _, h := range holes {
		a.allocate(h)
	}
	s.addVariables(a.sorted())
	files, err := s.files(func(name string) ([]byte, error) {
		data, err := manifest.ReadFile(r.fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return data, err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range r.templates {
		files[t.file()] = []byte(t.String())
	}
	r.settings = s
	return files, nil
}

// newSettings are the services and environments, as far as they are not there.
func (r *run) newSettings() *settings {
	s := &settings{}
	byCell := map[cell]bool{}
	scopes := map[string]map[string]bool{}
	for _, f := range r.files {
		byCell[f.cell] = true
		scope := "environment"
		if f.service != "" {
			scope = "service"
		}
		if scopes[f.env] == nil {
			scopes[f.env] = map[string]bool{}
		}
		scopes[f.env][scope] = true
	}
	for _, name := range r.survey.services {
		service := &serviceSettings{name: name, isNew: r.inventory.Service(name) == nil}
		if service.isNew {
			service.image = mostUsed(r.survey.images[name])
		}
		s.services = append(s.services, service)
	}
	for _, name := range r.survey.envs {
		e := &envSettings{name: name, isNew: r.inventory.Environment(name) == nil}
		r.setKeys(e, scopes[name])
		s.envs = append(s.envs, e)
		for _, service := range s.services {
			r.setOverride(e, service, byCell[cell{name, service.name}])
		}
	}
	return s
}

// setKeys sets the keys at the top of an environment's file.
func (r *run) setKeys(e *envSettings, scopes map[string]bool) {
	if e.isNew {
		if root, _ := r.Layout.root(e.name); root != e.name+"/manifests" {
			e.keys = append(e.keys, field("path", manifest.NewString(root)))
		}
		if ns := r.survey.namespace[e.name]; ns != "" && ns != e.name {
			e.keys = append(e.keys, field("namespace", manifest.NewString(ns)))
		}
		if domain := r.survey.domain[e.name]; domain != "" {
			e.keys = append(e.keys, field("domain", manifest.NewString(domain)))
		}
		e.keys = append(e.keys, field("templates", manifest.NewList(slices.Sorted(maps.Keys(scopes))...)))
		return
	}
	templates := slices.Clone(r.inventory.Environment(e.name).Templates)
	before := len(templates)
	for _, scope := range slices.Sorted(maps.Keys(scopes)) {
		if !slices.Contains(templates, scope) {
			templates = append(templates, scope)
		}
	}
	if len(templates) > before {
		e.keys = append(e.keys, field("templates", manifest.NewList(templates...)))
	}
}

// setOverride sets what is different for a service in an environment.
func (r *run) setOverride(e *envSettings, s *serviceSettings, has bool) {
	env, service := r.inventory.Environment(e.name), r.inventory.Service(s.name)
	if !has {
		if env == nil || !env.Overrides[s.name].Absent {
			e.service(s.name).absent = true
		}
		return
	}
	image := r.survey.images[s.name][e.name]
	if image == "" {
		return
	}
	now := s.image
	if env != nil && service != nil {
		now = env.Image(service)
	} else if service != nil {
		now = service.Image
	}
	if image != now {
		e.service(s.name).image = image
	}
}

func mostUsed(images map[string]string) string {
	counts := map[string]int{}
	for _, image := range images {
		counts[image]++
	}
	return mostCommon(counts)
}

// universe are the cells that a scope's templates are rendered for.
func (r *run) universe(s *settings, scope string) []cell {
	var list []cell
	names := slices.Clone(r.survey.envs)
	for _, e := range r.inventory.Environments {
		if !e.Abstract && slices.Contains(e.Templates, scope) && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	services := inventory.Names(r.inventory.Services)
	for _, service := range r.survey.services {
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	for _, env := range names {
		if scope == "environment" {
			list = append(list, cell{env: env})
			continue
		}
		for _, service := range services {
			if !r.isAbsent(s, env, service) {
				list = append(list, cell{env, service})
			}
		}
	}
	return list
}

func (r *run) isAbsent(s *settings, env, service string) bool {
	if e := r.inventory.Environment(env); e != nil && e.Overrides[service].Absent {
		return true
	}
	for _, e := range s.envs {
		if e.name == env {
			return slices.ContainsFunc(e.services, func(o *overrideSettings) bool { return o.name == service && o.absent })
		}
	}
	return false
}

// summarize counts.
func (r *run) summarize() {
	slices.SortFunc(r.result.Left, func(a, b Left) int { return strings.Compare(a.Path, b.Path) })
	for _, t := range r.templates {
		if len(r.files) == 0 {
			break
		}
		s := Summary{File: t.file(), Files: len(t.copies), Lines: strings.Count(t.String(), "\n"), Example: t.copies[0].file.path, Vars: []string{}}
		for _, c := range t.copies {
			s.Before += strings.Count(string(c.file.data), "\n")
			r.result.Adopted = append(r.result.Adopted, c.file.path)
		}
		for _, h := range t.holes {
			if !slices.Contains(s.Vars, h.variable.name) {
				s.Vars = append(s.Vars, h.variable.name)
			}
		}
		r.result.Templates = append(r.result.Templates, s)
	}
	slices.Sort(r.result.Adopted)
}
