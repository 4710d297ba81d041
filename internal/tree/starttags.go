package tree

import (
	"maps"
	"path"
	"slices"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
)

// gone is what files ran that are no longer wanted, of one environment, template and
// repository.
type gone struct {
	byDir   map[string]origin
	suffix  string // what all of them ran; "" where they differ
	path    string // the first that ran it
	differs bool
}

type origin struct{ suffix, path string }

func goneKey(env, template, repository string) string {
	return env + "|" + template + "|" + repository
}

// readGone fills t.gone.
func (t *tags) readGone() {
	t.gone = map[string]*gone{}
	for _, f := range t.disk.files {
		if f.whose == foreign || t.wanted[f.path] {
			continue
		}
		for _, r := range f.images() {
			if r.other != nil {
				continue
			}
			key, dir := goneKey(f.env, f.template, r.repository), path.Dir(f.path)
			g := t.gone[key]
			if g == nil {
				g = &gone{byDir: map[string]origin{}, suffix: r.run.Suffix, path: f.path}
				t.gone[key] = g
			}
			g.differs = g.differs || g.suffix != r.run.Suffix
			if _, known := g.byDir[dir]; !known {
				g.byDir[dir] = origin{r.run.Suffix, f.path}
			}
		}
	}
}

// replaced returns what a file ran that this one takes the place of, such as that of a
// service that was renamed: a file that is no longer wanted, of the same template
// and image, in the same folder; or in any, if all such files ran the same.
func (t *tags) replaced(w *Want, repository string) (suffix, from string, ok bool) {
	if t.disk.byPath[w.Path] != nil {
		return "", "", false
	}
	if t.gone == nil {
		t.readGone()
	}
	g := t.gone[goneKey(w.Env, w.Template, repository)]
	if g == nil {
		return "", "", false
	}
	if o, ok := g.byDir[path.Dir(w.Path)]; ok {
		return o.suffix, o.path, true
	}
	return g.suffix, g.path, !g.differs
}

// elsewhere returns what runs of an image in an environment, else in the one that it is a copy
// of, else in those that it extends.
func (t *tags) elsewhere(env, repository string) (suffix, reason string, ok bool) {
	if suffix, ok := t.common(env, repository); ok {
		return suffix, "as it runs in " + env, true
	}
	e := t.environments[env]
	bases, how := e.Extends, " extends"
	if e.CopyOf != "" && !slices.Contains(e.Extends, e.CopyOf) {
		bases, how = append([]string{e.CopyOf}, e.Extends...), " is a copy of"
	}
	for _, base := range bases {
		t.readBase(base)
		for _, name := range t.sameImage(env, base, repository) {
			if suffix, ok := t.common(base, name); ok {
				return suffix, "as it runs in " + base + ", which " + env + how, true
			}
		}
		how = " extends"
	}
	return "", "", false
}

// sameImage lists the repositories that an environment's has in one that it extends:
// its own, and those of its services.
func (t *tags) sameImage(env, base, repository string) []string {
	names := []string{repository}
	for _, service := range slices.Sorted(maps.Keys(t.environments[env].Images)) {
		if canonical(t.environments[env].Images[service]) == repository {
			names = append(names, canonical(t.environments[base].Images[service]))
		}
	}
	return names
}

func canonical(repository string) string {
	ref, err := image.ParseRepository(repository)
	if err != nil {
		return repository
	}
	return ref.Repository()
}

// readBase reads an environment that another extends, if it was not read with the rest.
func (t *tags) readBase(name string) {
	env, known := t.environments[name]
	if !known || env.Complete || t.disk.root == nil {
		return
	}
	env.Complete = true
	t.environments[name] = env
	r := &diskReader{disk: &disk{matches: map[string][]manifest.Run{}, ours: map[string]int{}}}
	r.read(t.disk.root, env)
	r.disk.byPath = map[string]*file{}
	r.disk.judge(nil)
	for _, f := range r.disk.files {
		t.countFile(f)
	}
	t.unsettled = append(t.unsettled, r.disk.problems...)
}
