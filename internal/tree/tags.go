package tree

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// ran is what a place of a file runs: an image, or a scalar that follows one.
type ran struct {
	key        string // the object and the place in it
	repository string
	ref        image.Ref
	run        manifest.Run
	other      *manifest.Run // what the other side of a merge conflict runs, if both moved it
	line       int           // in the text
}

// imagesOf lists what a text runs; nil lists nothing.
func imagesOf(t *manifest.Text) []ran {
	if t == nil {
		return nil
	}
	list := make([]ran, len(t.Images))
	for i, r := range t.Images {
		run := t.Run(i)
		if run.Suffix != "" {
			run.Suffix = r.Ref.Suffix()
		}
		list[i] = ran{key: r.Where, repository: r.Ref.Repository(), ref: r.Ref, run: run, line: r.Line}
	}
	return numbered(list)
}

// numbered gives places of one name their number.
func numbered(list []ran) []ran {
	seen := map[string]int{}
	for i := range list {
		if seen[list[i].key]++; seen[list[i].key] > 1 {
			list[i].key = fmt.Sprintf("%s#%d", list[i].key, seen[list[i].key])
		}
	}
	return list
}

// find returns the place of a key in a list, if it is of the repository.
func find(list []ran, key, repository string) (ran, bool) {
	at := slices.IndexFunc(list, func(r ran) bool { return r.key == key && r.repository == repository })
	if at < 0 {
		return ran{}, false
	}
	return list[at], true
}

// images lists what a file runs.
func (f *file) images() []ran {
	switch {
	case f.ran != nil:
	case f.conflict != nil:
		f.ran = f.conflict.images()
	default:
		f.ran = imagesOf(f.body)
	}
	return f.ran
}

// emptied returns the line of a tag that the file lacks where the template writes
// .Tag; 0 if there is none.
func (f *file) emptied(w *Want) int {
	empty := slices.IndexFunc(f.images(), func(r ran) bool { return r.run.Suffix == "" })
	if empty < 0 {
		return 0
	}
	for i, key := range w.keys() {
		image := w.Text.Images[i]
		if r, ok := find(f.images(), key, image.Ref.Repository()); ok && image.Tracked && r.run.Suffix == "" {
			return r.line + HeaderLines
		}
	}
	return 0
}

// tags settles which tag each image of a wanted file runs.
type tags struct {
	disk         *disk
	wants        []Want
	environments map[string]Environment
	tallies      map[string]map[string]*tally       // by environment and repository
	byObject     map[string]map[string]ran          // by environment, what the files that differ run at each key
	wanted       map[string]bool                    // the paths that are wanted
	overrides    map[string]map[string]manifest.Run // by path and key, see reconcile

	notes     noteList
	gone      map[string]*gone    // by goneKey; nil until it is asked for
	missing   map[string]*missing // by image and place
	unsettled problem.List        // what keeps a tag from being known
}

// tally counts what runs of one repository.
type tally struct {
	counts map[string]int
	first  map[string]string // the first path that runs it
}

func newTags(d *disk, wants []Want, o Options) *tags {
	t := &tags{disk: d, wants: wants, environments: map[string]Environment{}, byObject: map[string]map[string]ran{},
		tallies: map[string]map[string]*tally{}, wanted: make(map[string]bool, len(wants)), missing: map[string]*missing{}, overrides: map[string]map[string]manifest.Run{}}
	for _, env := range o.Environments {
		t.environments[env.Name] = env
	}
	for i := range wants {
		w := &wants[i]
		t.wanted[w.Path] = true
		for n, run := range d.matches[w.Path] {
			t.count(w.Env, w.Path, w.Text.Images[n].Ref.Repository(), run.Suffix)
		}
	}
	for _, f := range d.files {
		t.countFile(f)
	}
	return t
}

// countFile counts what a file runs. What both sides of a merge moved counts for neither.
func (t *tags) countFile(f *file) {
	objects := t.byObject[f.env]
	if objects == nil {
		objects = map[string]ran{}
		t.byObject[f.env] = objects
	}
	for _, r := range f.images() {
		key := t.key(f.env, r.key)
		if _, known := objects[key]; !known || f.whose != foreign {
			objects[key] = r
		}
		if r.other == nil {
			t.count(f.env, f.path, r.repository, r.run.Suffix)
		}
	}
}

func (t *tags) count(env, file, repository, suffix string) {
	if suffix == "" || suffix == ":" {
		return
	}
	if t.tallies[env] == nil {
		t.tallies[env] = map[string]*tally{}
	}
	a := t.tallies[env][repository]
	if a == nil {
		a = &tally{map[string]int{}, map[string]string{}}
		t.tallies[env][repository] = a
	}
	if a.counts[suffix]++; a.first[suffix] == "" || file < a.first[suffix] {
		a.first[suffix] = file
	}
}

// common returns what most of the files of an environment run of a repository, the
// first by path of those that as many run; ok is false where none does.
func (t *tags) common(env, repository string) (suffix string, ok bool) {
	a := t.tallies[env][repository]
	if a == nil {
		return "", false
	}
	return slices.MinFunc(slices.Collect(maps.Keys(a.counts)), func(x, y string) int {
		return cmp.Or(cmp.Compare(a.counts[y], a.counts[x]), strings.Compare(a.first[x], a.first[y]))
	}), true
}

// running lists what runs of each repository in the environments that were read, the
// most common first.
func (t *tags) running() map[string][]string {
	counts := map[string]map[string]int{}
	for _, repositories := range t.tallies {
		for repository, a := range repositories {
			if counts[repository] == nil {
				counts[repository] = map[string]int{}
			}
			for suffix, n := range a.counts {
				counts[repository][suffix] += n
			}
		}
	}
	running := map[string][]string{}
	for repository, n := range counts {
		running[repository] = slices.SortedFunc(maps.Keys(n), func(a, b string) int {
			return cmp.Or(cmp.Compare(n[b], n[a]), strings.Compare(a, b))
		})
	}
	return running
}

// key returns a place's key, with the environment's namespace left out.
func (t *tags) key(env, key string) string {
	kind, rest, _ := strings.Cut(key, " ")
	return kind + " " + strings.TrimPrefix(rest, t.environments[env].Namespace+"/")
}

// of settles what the images of a wanted file run. F is the file in its place, nil
// if there is none. Ok is false where that is not known, which is reported.
func (t *tags) of(w *Want, f *file) (runs []manifest.Run, ok bool) {
	runs, ok = make([]manifest.Run, len(w.Text.Images)), true
	if len(runs) == 0 {
		return runs, true
	}
	var had []ran
	if f != nil {
		if had = f.images(); f.unreadable() {
			t.unsettled.Add(unreadable(f.path))
			return nil, false
		}
	}
	keys := make([]string, len(runs))
	if len(had) > 0 || len(t.byObject[w.Env]) > 0 { // else there is nothing to find by them
		keys = w.keys()
	}
	for i, image := range w.Text.Images {
		if !image.Tracked {
			runs[i] = w.Text.Run(i)
			t.setBack(w, i, keys[i], had)
			continue
		}
		if run, ok := t.overrides[w.Path][keys[i]]; ok {
			runs[i] = run
			continue
		}
		run, settled := t.choose(w, i, keys[i], had)
		if runs[i] = run; !settled {
			ok = false
		}
	}
	return runs, ok
}

// unreadable reports whether what the file runs is not known, because it is no YAML.
func (f *file) unreadable() bool {
	if f.conflict != nil {
		return f.conflict.ours.text == nil && f.conflict.theirs.text == nil
	}
	return f.body == nil
}

func unreadable(path string) error {
	p := problem.At(problem.Place{File: path}, "mend the file as far as that; or remove it, to start from the tags that the environment runs elsewhere",
		"the tags in this file cannot be read, and would be lost").WithCode(problem.Edited)
	p.Refused = true
	return p
}

// setBack reports a tag that a template or a variable writes out, and that the file
// has differently.
func (t *tags) setBack(w *Want, i int, key string, had []ran) {
	image := w.Text.Images[i]
	if before, ok := find(had, key, image.Ref.Repository()); ok && before.run.Suffix != image.Ref.Suffix() {
		t.notes.add(w, image.Ref, image.Ref.Suffix(), fmt.Sprintf("written out by %s or a variable, so tagbump does not move it; the file had %s", w.Template, tagOrNone(before.run.Suffix)))
	}
}

func tagOrNone(suffix string) string {
	if suffix == "" {
		return "no tag"
	}
	return strings.TrimPrefix(suffix, ":")
}

// choose settles what one image runs that its template writes with .Tag. What is
// not simply kept is noted.
func (t *tags) choose(w *Want, i int, key string, had []ran) (manifest.Run, bool) {
	image := w.Text.Images[i]
	repository := image.Ref.Repository()
	usable := func(r ran) bool { return r.repository == repository && usableIn(image, r.run.Suffix) }
	at := slices.IndexFunc(had, func(r ran) bool { return r.key == key })
	if at >= 0 && usable(had[at]) {
		return t.merged(w, had[at])
	}
	if r, ok := t.byObject[w.Env][t.key(w.Env, key)]; ok && usable(r) {
		return t.merged(w, r)
	}
	run := w.Text.Run(i)
	if other := slices.IndexFunc(had, usable); other >= 0 {
		run, ok := t.merged(w, had[other])
		if slices.ContainsFunc(had, func(r ran) bool { return usable(r) && r.run.Suffix != run.Suffix }) {
			t.notes.add(w, image.Ref, run.Suffix, "as the first of several that the file runs")
		}
		return run, ok
	}
	if suffix, from, ok := t.replaced(w, repository); ok && usableIn(image, suffix) {
		t.notes.add(w, image.Ref, suffix, "as in "+from+", which it replaces")
		run.Suffix = suffix
		return run, true
	}
	if suffix, reason, ok := t.elsewhere(w.Env, repository); ok && usableIn(image, suffix) {
		if at >= 0 && had[at].repository != repository {
			reason += "; it replaces " + before(had[at])
		}
		t.notes.add(w, image.Ref, suffix, reason)
		run.Suffix = suffix
		return run, true
	}
	if !image.Tagged {
		t.miss(w, image.Ref)
		return run, false
	}
	reason := "the service's first tag"
	if at >= 0 {
		reason += "; it replaces " + before(had[at])
	}
	run.Suffix = image.Ref.Suffix()
	t.notes.add(w, image.Ref, run.Suffix, reason)
	return run, true
}

func before(r ran) string { return r.repository + r.run.Suffix }

// usableIn reports whether a place can say that a suffix runs: a tag that is written
// alone can be no digest.
func usableIn(r manifest.Running, suffix string) bool {
	return suffix != "" && suffix != ":" && !(r.TagOnly && strings.HasPrefix(suffix, "@"))
}

// merged returns what a place ran, unless a merge left two answers.
func (t *tags) merged(w *Want, r ran) (manifest.Run, bool) {
	if r.other == nil {
		return r.run, true
	}
	p := problem.At(problem.Place{File: w.Path}, "take one side's file (git checkout --ours -- "+w.Path+", or --theirs), and render again",
		"a merge conflict: one side runs %s%s, the other %s%s; both moved it, or what they moved it from is not known", r.repository, r.run.Suffix, r.repository, r.other.Suffix).WithCode(problem.Conflict)
	p.Refused = true
	t.unsettled.Add(p)
	return r.run, false
}

// missing is an image that has no tag to start with.
type missing struct {
	ref  image.Ref
	at   problem.Place
	envs []string
}

func (t *tags) miss(w *Want, ref image.Ref) {
	key := ref.Name + "|" + w.FirstTag.String()
	m := t.missing[key]
	if m == nil {
		m = &missing{ref: ref, at: w.FirstTag}
		t.missing[key] = m
	}
	if !slices.Contains(m.envs, w.Env) {
		m.envs = append(m.envs, w.Env)
	}
}

// problems returns what keeps tags from being known, and the images without one.
func (t *tags) problems() problem.List {
	list := slices.Clone(t.unsettled)
	for _, m := range t.missing {
		list.Add(problem.At(m.at, "give the service a line such as tag: 1f0c9ae, the tag to start with; tagbump moves it from there",
			"no tag for %s in %s: no file there runs one, and the service names none", m.ref.Name, strings.Join(m.envs, ", ")).WithCode(problem.NoFirstTag))
	}
	return list
}

func (t *tags) notices() []string { return t.notes.lines() }

// keys returns the places of a wanted file's images, as imagesOf has them.
func (w *Want) keys() []string {
	list := make([]ran, len(w.Text.Images))
	if text := parseText(w.Path, w.Text.Data); text != nil && len(text.Images) == len(list) {
		for i, r := range text.Images {
			list[i].key = r.Where
		}
	}
	keys := make([]string, len(list))
	for i, r := range numbered(list) {
		keys[i] = r.key
	}
	return keys
}
