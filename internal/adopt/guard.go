package adopt

import (
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
)

// guards are, by template, what it must not be rendered for: it is one that somebody else
// wrote, or changed, and it would make files that are not its own.
type guards map[string]*guard

// guard is the cells of a template.
type guard struct {
	cells []cell
	has   []bool // by cell, whether the file is the template's own
}

// add adds what a template renders: for a subject such as "dev, api" or "dev". It reports
// whether that is news.
func (g guards) add(template, subject string, own bool) bool {
	env, service, _ := strings.Cut(subject, ", ")
	c := cell{env, service}
	if g[template] == nil {
		g[template] = &guard{}
	}
	if slices.Contains(g[template].cells, c) {
		return false
	}
	g[template].cells, g[template].has = append(g[template].cells, c), append(g[template].has, own)
	return true
}

var firstPathLine = lazyregexp.New(`^\{\{-?\s*/\*\s*path:[^*]*\*/\s*-?\}\}[ \t]*\n`)

// guarded returns a template under the condition that it is rendered for its own cells.
func (g guards) guarded(file, text string) string {
	guard := g[file]
	head := firstPathLine.FindString(text)
	if guard == nil || !slices.Contains(guard.has, false) || strings.Contains(head, "ends:") {
		return text
	}
	within := make([]bool, len(guard.cells))
	for i := range within {
		within[i] = true
	}
	others := make([]bool, len(guard.cells))
	for i, own := range guard.has {
		others[i] = !own
	}
	condition := expression(guard.cells, others, within)
	if condition == "" {
		condition = `eq (print .Service.Name " " .Env.Name)`
		for i, c := range guard.cells {
			if others[i] {
				condition += " " + strconv.Quote(c.service+" "+c.env)
			}
		}
	}
	if name, is := strings.CutPrefix(condition, "eq "); is && strings.Count(name, `"`) == 2 {
		condition = "ne " + name
	} else {
		condition = "not (" + condition + ")"
	}
	return head + "{{- if " + condition + " }}\n" + strings.TrimSuffix(text[len(head):], "\n") + "\n{{- end }}\n"
}
