package adopt

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// group are the copies whose paths are the same but for the names in them.
type group struct {
	scope, pattern string
	copies         []*copied
}

// grouped sorts copies into groups.
func grouped(copies []*copied) []*group {
	byKey := map[string]*group{}
	for _, c := range copies {
		scope := scopeOf(c.cell)
		pattern := outputPattern(c.file.below, c.cell)
		key := scope + " " + pattern
		if byKey[key] == nil {
			byKey[key] = &group{scope: scope, pattern: pattern}
		}
		byKey[key].copies = append(byKey[key].copies, c)
	}
	var list []*group
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		list = append(list, byKey[key])
	}
	return list
}

// minAlike is how similar the manifests of two services must be to share a template.
const minAlike = 0.6

// clusters splits a group into the copies that share a template: those of one service
// always do.
func (g *group) clusters(alike func(a, b string) bool) [][]*copied {
	byService := map[string][]*copied{}
	for _, c := range g.copies {
		byService[c.service] = append(byService[c.service], c)
	}
	var list [][]*copied
	for _, service := range slices.Sorted(maps.Keys(byService)) {
		copies := byService[service]
		best, at := float32(minAlike), -1
		for i, cluster := range list {
			likeness := similar(wholeOf(cluster[0]), wholeOf(copies[0]))
			if slices.ContainsFunc(cluster, func(c *copied) bool { return alike(c.service, service) }) {
				likeness = 2
			}
			if likeness >= best {
				best, at = likeness, i
			}
		}
		if at < 0 {
			list = append(list, nil)
			at = len(list) - 1
		}
		list[at] = append(list[at], copies...)
	}
	slices.SortStableFunc(list, func(a, b []*copied) int { return len(b) - len(a) })
	return list
}

func wholeOf(c *copied) *node {
	if c.whole == nil {
		c.whole = &node{kind: document, kids: c.docs}
	}
	return c.whole
}

// templatesOf makes a template for each cluster of copies. The files that are taken are
// other templates.
func templatesOf(groups []*group, alike func(a, b string) bool, taken func(file string) bool) []*template {
	var list []*template
	used := map[string]bool{}
	for _, g := range groups {
		for i, cluster := range g.clusters(alike) {
			name := templateName(g.pattern)
			if name == "" {
				name = strings.ToLower(firstKind(cluster[0]))
			}
			if i > 0 {
				name += "-" + cluster[0].service
			}
			t := &template{scope: g.scope, name: name}
			for n := 2; used[t.file()] || taken(t.file()); n++ {
				t.name = name + "-" + strconv.Itoa(n)
			}
			used[t.file()] = true
			t.exact = slices.ContainsFunc(cluster, func(c *copied) bool { return c.file.exact() })
			if t.exact || g.pattern != scopePath(g.scope, t.name) {
				t.output = g.pattern
			}
			slices.SortFunc(cluster, func(a, b *copied) int { return strings.Compare(a.file.path, b.file.path) })
			t.copies = cluster
			list = append(list, t)
		}
	}
	return list
}

func firstKind(c *copied) string {
	kind, _, _ := strings.Cut(c.docs[0].label, "/")
	if kind == "" {
		return "manifest"
	}
	return kind
}

// file is the template's file.
func (t *template) file() string { return "templates/" + t.scope + "/" + t.name + ".yaml.tmpl" }
