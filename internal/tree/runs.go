package tree

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// countRuns counts what runs in each environment, for files that are new.
func (d *differ) countRuns() {
	count := func(env, file string, text *manifest.Text, run func(i int) string) {
		for i, image := range text.Images {
			if !image.Tagged {
				continue
			}
			if d.runs[env] == nil {
				d.runs[env] = map[string]*tally{}
			}
			repository := image.Ref.Repository()
			t := d.runs[env][repository]
			if t == nil {
				t = &tally{map[string]int{}, map[string]string{}}
				d.runs[env][repository] = t
			}
			suffix := run(i)
			if t.counts[suffix]++; t.first[suffix] == "" || file < t.first[suffix] {
				t.first[suffix] = file
			}
		}
	}
	for _, w := range d.wants {
		if w.matches {
			tagged := *w.Text
			tagged.Images = slices.Clone(tagged.Images)
			for i := range tagged.Images {
				tagged.Images[i].Tagged = true // the file has one, whatever the template has
			}
			count(w.Env, w.Path, &tagged, func(i int) string { return w.runs[i].Suffix })
		}
	}
	for _, h := range d.haves {
		body := h.body
		if body == nil && bytes.Contains(h.data, []byte("image")) {
			if file, err := manifest.Parse(h.path, h.data); err == nil {
				body, _ = file.Text()
			}
		}
		if body != nil {
			count(h.env, h.path, body, func(i int) string { return body.Run(i).Suffix })
		}
	}
}

// common is what most of the files of an environment run of a repository, the
// first by path of those that as many run; ok is false where none does.
func (d *differ) common(env, repository string) (suffix string, ok bool) {
	t := d.runs[env][repository]
	if t == nil {
		return "", false
	}
	return slices.MinFunc(slices.Collect(maps.Keys(t.counts)), func(a, b string) int {
		if t.counts[a] != t.counts[b] {
			return t.counts[b] - t.counts[a]
		}
		return bytes.Compare([]byte(t.first[a]), []byte(t.first[b]))
	}), true
}

// newRuns is what the images of a new file run.
func (d *differ) newRuns(w *wanted) ([]manifest.Run, bool) {
	runs, ok := make([]manifest.Run, len(w.Text.Images)), true
	for i := range w.Text.Images {
		var found bool
		runs[i], found = d.firstRun(w, i)
		ok = ok && found
	}
	return runs, ok
}

// firstRun is what an image runs that did not run here before: what runs of it in
// the environment, else what the template says. That there is neither is reported.
func (d *differ) firstRun(w *wanted, i int) (manifest.Run, bool) {
	image, run := w.Text.Images[i], w.Text.Run(i)
	if suffix, ok := d.common(w.Env, image.Ref.Repository()); ok {
		run.Suffix = suffix
		return run, true
	}
	if !image.Tagged {
		d.problems.Add(problem.At(w.FirstTag, "give the service a line such as tag: 1f0c9ae, the tag to start with; tagbump moves it from there",
			"which tag of %s is to run in %s? nothing there runs one, and the service names none", image.Ref.Name, w.Env).WithCode(problem.NoFirstTag))
		return run, false
	}
	return run, true
}

// keptRuns is what the images of a file run that is there: each what its container
// ran before, if that is of the same repository. A container that is new, or has a
// new name, runs what the file ran of its repository.
func (d *differ) keptRuns(w *wanted) ([]manifest.Run, bool) {
	if w.have.body == nil && len(w.Text.Images) > 0 {
		p := problem.At(problem.Place{File: w.Path}, "mend the file as far as that; or remove it, to start from what the environment runs else", "what this file runs cannot be read, so its tags would be lost").WithCode(problem.Edited)
		p.Refused = true
		d.problems.Add(p)
		return nil, false
	}
	var had []manifest.Running
	if w.have.body != nil {
		had = w.have.body.Images
	}
	containers := w.containers()
	runs, ok := make([]manifest.Run, len(w.Text.Images)), true
	for i, image := range w.Text.Images {
		same := func(r manifest.Running) bool { return r.Ref.Repository() == image.Ref.Repository() }
		before := slices.IndexFunc(had, func(r manifest.Running) bool { return r.Container == containers[i] })
		if before >= 0 && same(had[before]) {
			runs[i] = w.have.body.Run(before)
			continue
		}
		if other := slices.IndexFunc(had, same); other >= 0 {
			runs[i] = w.have.body.Run(other)
			continue
		}
		var found bool
		runs[i], found = d.firstRun(w, i)
		if found && before >= 0 {
			d.plan.Notices = append(d.plan.Notices, fmt.Sprintf("%s: the image %s is now %s%s", w.Path, had[before].Ref, image.Ref.Name, runs[i].Suffix))
		}
		ok = ok && found
	}
	return runs, ok
}

// containers tells which container each image of a wanted file belongs to.
func (w *wanted) containers() []string {
	names := make([]string, len(w.Text.Images))
	file, err := manifest.Parse(w.Path, w.Text.Data)
	if err != nil {
		return names
	}
	if text, err := file.Text(); err == nil && len(text.Images) == len(names) {
		for i, image := range text.Images {
			names[i] = image.Container
		}
	}
	return names
}
