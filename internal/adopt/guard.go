package adopt

import (
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
)

// guards are, by template file, the cells that a template is rendered for which adopt did not
// make. It must not be rendered where the file would not be its own.
type guards map[string]*guard

// guard is the cells that a template is rendered for.
type guard struct {
	cells []cell
	has   []bool // by cell, whether the file is the template's own
}

// add notes that a template is rendered for a subject, such as "dev, api" or "dev". It reports
// whether that was not known.
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

// guarded returns a template's text, under a condition where it must not be rendered for all of
// its cells.
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
