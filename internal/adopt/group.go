package adopt

import (
	"bytes"
	"fmt"
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

// strictness is how similar the manifests of two services must be to share a template. Where
// a shared template takes too many lines, see separate, the next value is tried; nothing is
// similar enough for the last.
var strictness = []float32{0.6, 0.8, 0.92, 3}

// clusters splits a group into the copies that share a template: those of one service
// always do.
func (g *group) clusters(alike func(a, b string) bool, level map[string]int) [][]*copied {
	byService := map[string][]*copied{}
	for _, c := range g.copies {
		byService[c.service] = append(byService[c.service], c)
	}
	var list [][]*copied
	var ends []string
	for _, service := range slices.Sorted(maps.Keys(byService)) {
		copies := byService[service]
		strict := level[g.levelKey(service)]
		best, at := strictness[strict], -1
		own := endsOf(copies) + strconv.Itoa(strict)
		for i, cluster := range list {
			likeness := similar(wholeOf(cluster[0]), wholeOf(copies[0]))
			if own != ends[i] {
				likeness = 0
			}
			if slices.ContainsFunc(cluster, func(c *copied) bool { return alike(c.service, service) }) {
				likeness = 4
			}
			if likeness >= best {
				best, at = likeness, i
			}
		}
		if at < 0 {
			list, ends = append(list, nil), append(ends, own)
			at = len(list) - 1
		}
		list[at] = append(list[at], copies...)
	}
	slices.SortStableFunc(list, func(a, b []*copied) int { return len(b) - len(a) })
	return list
}

// levelKey returns what the strictness for a service goes by.
func (g *group) levelKey(service string) string { return g.scope + " " + g.pattern + " " + service }

// endsOf returns how copies begin and end: with a document's marker, blank lines, a line break.
func endsOf(copies []*copied) string {
	var list []string
	for _, c := range copies {
		data := c.file.data
		text := bytes.TrimRight(data, " \t\n")
		start := bytes.TrimLeft(data, " \t\n")
		end := fmt.Sprint(len(data)-len(start) > 0, bytes.HasPrefix(start, []byte("---")), bytes.Count(data[len(text):], []byte("\n")))
		if !slices.Contains(list, end) {
			list = append(list, end)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func wholeOf(c *copied) *node {
	if c.whole == nil {
		c.whole = &node{kind: document, kids: c.docs}
	}
	return c.whole
}

// templatesOf makes a template for each cluster of copies. The files that are taken are
// other templates.
func (l Layout) templatesOf(groups []*group, alike func(a, b string) bool, level map[string]int, taken func(file string) bool) []*template {
	var list []*template
	used := map[string]bool{}
	for _, g := range groups {
		for i, cluster := range g.clusters(alike, level) {
			name := templateName(g.pattern)
			if name == "" {
				name = strings.ToLower(firstKind(cluster[0]))
			}
			if i > 0 {
				name += "-" + cluster[0].service
			}
			t := &template{scope: g.scope, name: name, group: g}
			for n := 2; used[t.file()] || taken(t.file()); n++ {
				t.name = name + "-" + strconv.Itoa(n)
			}
			used[t.file()] = true
			t.level = level[g.levelKey(cluster[0].service)]
			t.exact = slices.ContainsFunc(cluster, func(c *copied) bool { return c.file.exact() })
			if t.exact || g.pattern != l.scopePath(g.scope, t.name) {
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

// file returns the template's file.
func (t *template) file() string { return "templates/" + t.scope + "/" + t.name + ".yaml.tmpl" }
