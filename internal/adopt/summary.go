package adopt

import (
	"bytes"
	"slices"
	"strings"
)

// write notes the files of the inventory and the templates that are to be written.
func (r *run) write(after, before *state) error {
	if before != nil {
		now := after.texts()
		for file := range before.texts() {
			if _, there := now[file]; !there {
				r.result.Files[file] = nil
			}
		}
	}
	for _, name := range after.settings.names() {
		r.result.Values += bytes.Count(after.settings.fresh(name), []byte("\n"))
	}
	files, err := after.settings.files(r.readFile, after.was)
	if err != nil {
		return err
	}
	for name, data := range files {
		r.result.Files[name] = data
	}
	for file, text := range after.texts() {
		if text != r.disk[file] {
			r.result.Files[file] = []byte(text)
		}
	}
	for file, text := range r.disk {
		if guarded := after.guards.guarded(file, text); guarded != text {
			r.result.Files[file] = []byte(guarded)
		}
	}
	return nil
}

// summarize counts.
func (r *run) summarize(s *state) {
	r.result.Left = append(r.result.Left, s.left...)
	slices.SortFunc(r.result.Left, func(a, b Left) int { return strings.Compare(a.Path, b.Path) })
	for _, t := range s.templates {
		sum := Summary{File: t.file(), Files: len(t.copies), Lines: strings.Count(t.String(), "\n"), Example: t.copies[0].file.path, Vars: []string{}, Apart: t.apart()}
		for _, c := range t.copies {
			sum.Before += strings.Count(string(c.file.data), "\n")
			if c.file.template == "" {
				r.result.Adopted = append(r.result.Adopted, c.file.path)
			}
		}
		for _, h := range t.holes {
			if h.variable != nil && !slices.Contains(sum.Vars, h.variable.name) {
				sum.Vars = append(sum.Vars, h.variable.name)
			}
		}
		r.result.Templates = append(r.result.Templates, sum)
	}
	for _, f := range s.families {
		r.result.Templates = append(r.result.Templates, Summary{File: f.file(), Lines: strings.Count(f.String(), "\n"), Example: f.members[0].file(), Vars: []string{}})
	}
	slices.Sort(r.result.Adopted)
}
