package adopt

import "slices"

// maxShare is the most lines that a template of several services may take, in percent of the
// lines that templates of their own would take.
const maxShare = 75

// separate finds the templates that services share although their manifests are too
// different, and raises the strictness for these services, so that their groups are split. It
// returns false where there are none.
func (s *state) separate() bool {
	entries := map[*template]int{}
	for _, v := range s.variables {
		n := 1 + v.layered(len(s.settings.services) == 1).entries()
		var of []*template
		for _, h := range v.holes {
			if !slices.Contains(of, h.template) {
				of = append(of, h.template)
			}
		}
		for _, t := range of {
			entries[t] += n / len(of)
		}
	}
	found := false
	for _, t := range s.templates {
		own, services := t.ownLines()
		if services < 2 || 100*(len(t.lines)+entries[t]) <= maxShare*own || s.forced(t) {
			continue
		}
		for _, c := range t.cells {
			key := t.group.levelKey(c.service)
			s.level[key] = t.level + 1
		}
		found = true
	}
	return found
}

// forced reports whether a template is shared because it was asked for.
func (s *state) forced(t *template) bool {
	return s.options.Like != "" && slices.ContainsFunc(t.cells, func(c cell) bool { return c.service == s.options.Like })
}

// ownLines estimates how many lines the services' own templates would take: the longest
// copy of each, and the lines of the others that it does not have.
func (t *template) ownLines() (lines, services int) {
	byService := map[string][]*copied{}
	for _, c := range t.copies {
		byService[c.service] = append(byService[c.service], c)
	}
	for _, copies := range byService {
		longest := slices.MaxFunc(copies, func(a, b *copied) int { return len(a.lines) - len(b.lines) })
		lines += len(longest.lines)
		for _, c := range copies {
			has := map[string]int{}
			for _, line := range longest.lines {
				has[longest.names.name(line)]++
			}
			for _, line := range c.lines {
				if line = c.names.name(line); has[line] > 0 {
					has[line]--
				} else {
					lines++
				}
			}
		}
	}
	return lines, len(byService)
}
