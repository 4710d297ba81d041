package adopt

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// guards are, by template, the cells that it must not be rendered for: it is one that
// somebody else wrote, or changed, and it would make files that are not its own.
type guards map[string][]cell

// add adds a subject, as "dev, api" or "dev". It is false where that is no news, or
// where the template is for neither services nor environments.
func (g guards) add(template, subject string) bool {
	env, service, _ := strings.Cut(subject, ", ")
	c := cell{env, service}
	perService := strings.HasPrefix(template, "templates/service/")
	if slices.Contains(g[template], c) || !perService && !strings.HasPrefix(template, "templates/environment/") {
		return false
	}
	g[template] = append(g[template], c)
	return true
}

var firstPathLine = regexp.MustCompile(`^\{\{-?\s*/\*\s*path:[^*]*\*/\s*-?\}\}[ \t]*\n`)

// guarded is a template under the condition that it is none of the cells'.
func (g guards) guarded(file, text string) string {
	cells := g[file]
	if len(cells) == 0 || strings.Contains(firstPathLine.FindString(text), "ends:") {
		return text
	}
	field, names := serviceName, []string{}
	for _, c := range cells {
		name := c.service
		if name == "" {
			field, name = envName, c.env
		}
		if name = strconv.Quote(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	condition := "ne " + field + " " + names[0]
	if len(names) > 1 {
		condition = "not (eq " + field + " " + strings.Join(names, " ") + ")"
	}
	head := firstPathLine.FindString(text)
	return head + "{{- if " + condition + " }}\n" + strings.TrimSuffix(text[len(head):], "\n") + "\n{{- end }}\n"
}
