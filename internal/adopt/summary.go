package adopt

import (
	"slices"
	"strings"
)

// summarize adds to the result what was adopted and left, and a summary of each template.
func (r *run) summarize(s *state) {
	r.result.Left = append(r.result.Left, s.left...)
	slices.SortFunc(r.result.Left, func(a, b Left) int { return strings.Compare(a.Path, b.Path) })
	for _, t := range s.templates {
		sum := Summary{File: t.file(), Files: len(t.copies), Lines: strings.Count(t.String(), "\n"), Example: t.copies[0].file.path, Vars: []string{}, Apart: t.partialParts()}
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
