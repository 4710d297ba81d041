package tree

import (
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// reconcile finds objects that are there twice: in the file where they belong, and in
// one that is no longer wanted. A merge leaves that, where one side renamed a template
// or a service and the other moved a tag in the old file. The tag that was moved from
// the base is the one that runs; the old file must not take it along.
func (p *planner) reconcile(wants []Want) {
	var stale []*file
	for _, f := range p.disk.files {
		if f.whose == owned && !p.tags.wanted[f.path] && len(f.images()) > 0 {
			stale = append(stale, f)
		}
	}
	if len(stale) == 0 {
		return
	}
	moved := p.rendered(wants)
	for _, f := range stale {
		for _, path := range moved.pathsOf(f) {
			if i, ok := slices.BinarySearchFunc(wants, path, func(w Want, path string) int { return strings.Compare(w.Path, path) }); ok {
				p.reconcileFile(f, &wants[i])
			}
		}
	}
}

// pathsOf lists the other files that hold objects of a file.
func (o objects) pathsOf(f *file) []string {
	var paths []string
	for _, object := range f.objects() {
		if path := o.paths[o.key(f.env, object)]; path != "" && path != f.path && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// reconcileFile compares what a stale file runs with what the wanted one runs on disk.
func (p *planner) reconcileFile(f *file, w *Want) {
	now := p.running(w)
	if now == nil {
		return // it is not there yet: it takes what the stale one runs
	}
	for _, r := range f.images() {
		i := slices.IndexFunc(now, func(n ran) bool {
			return p.tags.key(w.Env, n.key) == p.tags.key(w.Env, r.key) && n.repository == r.repository
		})
		if i < 0 || now[i].run.Suffix == r.run.Suffix || now[i].other != nil || r.other != nil {
			continue
		}
		switch base := p.base(f, r); base {
		case r.run.Suffix:
		case now[i].run.Suffix:
			p.tags.override(w, now[i].key, r.run)
			p.tags.notes.add(w, r.ref, r.run.Suffix, "moved in "+f.path+", which a merge left")
		default:
			q := problem.At(problem.Place{File: w.Path}, "remove the file whose tag is not to run, and render again",
				"%s is there twice, with different tags: %s here, %s in %s", r.repository, tagOrNone(now[i].run.Suffix), tagOrNone(r.run.Suffix), f.path).WithCode(problem.Conflict)
			q.Refused = true
			p.problems.Add(q)
		}
	}
}

// running lists what the file in the place of a wanted one runs; nil if there is none.
func (p *planner) running(w *Want) []ran {
	if f := p.disk.byPath[w.Path]; f != nil {
		return f.images()
	}
	runs := p.disk.matches[w.Path]
	if runs == nil {
		return nil
	}
	list := []ran{}
	for i, key := range w.keys() {
		list = append(list, ran{key: key, repository: w.Text.Images[i].Ref.Repository(), run: runs[i]})
	}
	return list
}

// base returns what a stale file's image ran before the branches parted; "" if Git's index
// does not say.
func (p *planner) base(f *file, r ran) string {
	if p.options.Stages == nil {
		return ""
	}
	stages := p.options.Stages([]string{f.path})[f.path]
	before, _ := find(imagesOf(judgeRendered(f.path, stages.Base).body), r.key, r.repository)
	return before.run.Suffix
}

// override settles what a place of a wanted file runs.
func (t *tags) override(w *Want, key string, run manifest.Run) {
	if t.overrides[w.Path] == nil {
		t.overrides[w.Path] = map[string]manifest.Run{}
	}
	t.overrides[w.Path][key] = run
}

// overridden makes the change of a file that is as wanted, but for tags that a merge
// left elsewhere.
func (p *planner) overridden(w *Want, change Change) (Change, error) {
	runs := slices.Clone(p.disk.matches[w.Path])
	header := headerFor(w.Template, w.Text)
	change.Action, change.Old = Update, append(slices.Clone(header), w.Text.WithRuns(runs)...)
	for i, key := range w.keys() {
		if run, ok := p.tags.overrides[w.Path][key]; ok {
			runs[i] = run
		}
	}
	change.New = append(slices.Clone(header), w.Text.WithRuns(runs)...)
	info, err := p.disk.root.Lstat(w.Path)
	if err != nil {
		return change, err
	}
	change.Mode = info.Mode()
	return change, nil
}
