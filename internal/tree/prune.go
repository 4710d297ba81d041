package tree

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// A mass prune removes more files than this of an environment, and more than one in
// massPrunePart. A wrong --source or a lost line does that, so it needs a flag.
const (
	massPruneFiles = 10
	massPrunePart  = 4
)

// prune plans the removal of files that are ours and no longer wanted. A new file
// that holds an object of a removed one is that file, renamed.
func (p *planner) prune(wants []Want) {
	removed := map[string][]*file{} // by environment
	for _, f := range p.disk.files {
		if p.tags.wanted[f.path] || f.whose == foreign {
			continue
		}
		p.checkProtected(f, nil)
		removed[f.env] = append(removed[f.env], f)
	}
	if len(removed) == 0 {
		return
	}
	moved := p.rendered(wants)
	renamed := p.renames(moved, removed)
	for _, env := range slices.Sorted(maps.Keys(removed)) {
		lost := slices.DeleteFunc(slices.Clone(removed[env]), func(f *file) bool { return moved.all(f) })
		if !p.options.AllowMassPrune {
			p.guardCount(env, lost)
			p.guardTemplates(env, removed[env], moved, wants)
		}
		for _, f := range removed[env] {
			if !renamed[f.path] {
				p.plan.Changes = append(p.plan.Changes, Change{Action: Remove, Env: env, Path: f.path, Template: f.template,
					Conflict: f.conflict != nil, Old: f.data, Mode: f.mode})
			}
		}
	}
}

// guardCount refuses to remove a large part of an environment's files.
func (p *planner) guardCount(env string, lost []*file) {
	if n := len(lost); n > massPruneFiles && n*massPrunePart > p.disk.ours[env] {
		p.refuseMassPrune(p.dir(env), fmt.Sprintf("this would remove %d of %d files", n, p.disk.ours[env]),
			"what is gone from users.yaml, environments/ and templates/")
	}
}

// guardTemplates refuses to remove all that a template made in an environment because
// its file is gone or its scope is no longer rendered there.
func (p *planner) guardTemplates(env string, removed []*file, moved objects, wants []Want) {
	e, known := p.tags.environments[env]
	if !known || e.Renders == nil {
		return
	}
	made := map[string]int{}
	for _, f := range removed {
		made[f.template]++
	}
	for _, template := range slices.Sorted(maps.Keys(made)) {
		stays := slices.ContainsFunc(wants, func(w Want) bool { return w.Env == env && w.Template == template })
		goes := !slices.ContainsFunc(removed, func(f *file) bool { return f.template == template && moved.any(f) })
		if goes && !stays && !e.Renders(template) {
			p.refuseMassPrune(p.dir(env), fmt.Sprintf("this would remove all that %s made in %s: %s", template, env, plural(made[template], "file")),
				"whether the template's file, or its scope in templates: of environments/"+env+".yaml, is gone by mistake")
		}
	}
}

func (p *planner) refuseMassPrune(dir, message, look string) {
	p.problems.Add(&problem.Problem{Place: problem.Place{File: dir}, Message: message, Refused: true, Code: problem.MassPrune,
		Hint: "if that is meant, pass --allow-mass-prune; else look at " + look})
}

// dir returns the folder of an environment's manifests.
func (p *planner) dir(env string) string {
	if e, known := p.tags.environments[env]; known {
		return e.Dir
	}
	return path.Join(env, manifestsDir)
}

// objects are the paths where an environment's objects are rendered to.
type objects struct {
	paths      map[string]string
	namespaces map[string]string // by environment
}

func (o objects) key(env string, object manifest.Object) string {
	if object.Namespace == "" {
		object.Namespace = o.namespaces[env]
	}
	return env + "|" + object.Identity()
}

// rendered returns the objects of all wanted files.
func (p *planner) rendered(wants []Want) objects {
	if p.objects.paths != nil {
		return p.objects
	}
	o := objects{paths: map[string]string{}, namespaces: map[string]string{}}
	for _, env := range p.options.Environments {
		o.namespaces[env.Name] = env.Namespace
	}
	for i := range wants {
		for _, object := range wants[i].Text.Objects {
			o.paths[o.key(wants[i].Env, object)] = wants[i].Path
		}
	}
	p.objects = o
	return o
}

// objects lists the objects of a file that is removed.
func (f *file) objects() []manifest.Object {
	switch {
	case f.body != nil:
		return f.body.Objects
	case f.conflict != nil && f.conflict.ours.text != nil:
		return f.conflict.ours.text.Objects
	}
	return nil
}

// all reports whether each object of a removed file is rendered to another path.
func (o objects) all(f *file) bool {
	list := f.objects()
	return len(list) > 0 && !slices.ContainsFunc(list, func(object manifest.Object) bool { return o.paths[o.key(f.env, object)] == "" })
}

// any reports whether an object of a removed file is rendered to another path.
func (o objects) any(f *file) bool {
	return slices.ContainsFunc(f.objects(), func(object manifest.Object) bool { return o.paths[o.key(f.env, object)] != "" })
}

// renames turns each creation of a file that holds an object of a removed one into a
// rename, and returns the removed files that this accounts for.
func (p *planner) renames(moved objects, removed map[string][]*file) map[string]bool {
	created := map[string]*Change{}
	for i := range p.plan.Changes {
		if c := &p.plan.Changes[i]; c.Action == Create {
			created[c.Path] = c
		}
	}
	renamed := map[string]bool{}
	for env, files := range removed {
		for _, f := range files {
			if c := p.successor(env, f, moved, created); c != nil {
				c.Action, c.From, c.Old, c.Mode = Rename, f.path, f.data, f.mode
				delete(created, c.Path)
				renamed[f.path] = true
			}
		}
	}
	return renamed
}

// successor returns the new file that holds the first object of a removed file that is still
// rendered; nil if there is none.
func (p *planner) successor(env string, f *file, moved objects, created map[string]*Change) *Change {
	for _, object := range f.objects() {
		if c := created[moved.paths[moved.key(env, object)]]; c != nil {
			return c
		}
	}
	return nil
}
