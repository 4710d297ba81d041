package adopt

import (
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
)

// family is templates that are alike but for some values, such as those of cron jobs. What
// they have in common is a define in templates/_shared, which each calls with its values.
type family struct {
	name    string
	members []*template
	lines   []string            // of the define, without its first and last
	params  []string            // in the order of the text
	args    []map[string]string // by member, the expression of each parameter it passes
}

// file returns the define's file.
func (f *family) file() string { return "templates/_shared/" + f.name + ".tmpl" }

// String returns the text of that file.
func (f *family) String() string {
	return "{{ define \"" + f.name + "\" -}}\n" + strings.Join(f.lines, "\n") + "\n{{- end }}\n"
}

// call returns what a member has instead of its lines.
func (f *family) call(t *template) string {
	i := slices.Index(f.members, t)
	if len(f.params) == 0 {
		return "{{ template \"" + f.name + "\" . }}"
	}
	var b strings.Builder
	b.WriteString("{{ template \"" + f.name + "\" (dict \"root\" .")
	for _, p := range f.params {
		if arg, passed := f.args[i][p]; passed {
			b.WriteString(" " + strconv.Quote(p) + " " + arg)
		}
	}
	return b.String() + ") }}"
}

// Limits of what is shared: a call that takes more is no easier to read than the lines.
const (
	minShared  = 10  // lines that sharing must save
	maxParams  = 6   // values that a call passes
	maxCall    = 240 // characters of a call
	minBody    = 12  // lines of a template
	minKindred = 0.7 // how similar the templates are
)

// share finds families. Each template is in the first that it can be in.
func share(templates []*template, taken func(name string) bool, broken map[string]bool) []*family {
	var list []*family
	for _, t := range templates {
		t.family = nil
		if t.exact || len(t.body()) < minBody || broken[t.file()] {
			continue
		}
		found := false
		for i, f := range list {
			if f.members[0].scope != t.scope || similar(f.members[0].outlined(), t.outlined()) < minKindred {
				continue
			}
			if bigger := newFamily(append(slices.Clone(f.members), t)); bigger != nil {
				list[i], found = bigger, true
				break
			}
		}
		if !found {
			list = append(list, &family{members: []*template{t}})
		}
	}
	list = slices.DeleteFunc(list, func(f *family) bool { return len(f.members) < 2 || !f.pays() })
	used := map[string]bool{}
	for _, f := range list {
		base := f.commonName()
		for f.name = base; used[f.name] || taken(f.name); f.name += "-manifest" {
		}
		used[f.name] = true
		for _, t := range f.members {
			t.family = f
		}
	}
	return list
}

// pays reports whether the family saves enough lines.
func (f *family) pays() bool {
	before, after := 0, len(f.lines)+2
	for _, t := range f.members {
		before += len(t.body())
		after++
	}
	return before-after >= minShared
}

// commonName returns what the names of the members begin with, else their kind.
func (f *family) commonName() string {
	parts := strings.Split(f.members[0].name, "-")
	for n := len(parts); n > 0; n-- {
		prefix := strings.Join(parts[:n], "-")
		if !slices.ContainsFunc(f.members, func(t *template) bool { return t.name != prefix && !strings.HasPrefix(t.name, prefix+"-") }) {
			return prefix
		}
	}
	kind := strings.ToLower(firstKind(f.members[0].copies[0]))
	if kind == "" {
		kind = "manifest"
	}
	return kind
}

// body returns a template's lines, without its path line and its guard.
func (t *template) body() []string {
	if t.bodyLines == nil {
		lines := t.lines
		if t.guarded {
			lines = lines[1 : len(lines)-1]
		}
		for _, l := range lines {
			t.bodyLines = append(t.bodyLines, l.String())
		}
	}
	return t.bodyLines
}

// outlined returns the template's text as a manifest.
func (t *template) outlined() *node {
	if t.asNode == nil {
		t.asNode = &node{kind: document, kids: outline(t.body(), func(s string) string { return s })}
	}
	return t.asNode
}

// newFamily makes the define of some templates; nil where they differ in more than values
// and parts.
func newFamily(members []*template) *family {
	copies := make([]*copied, len(members))
	for i, t := range members {
		copies[i] = &copied{cell: cell{service: t.name}, lines: t.body(), docs: t.outlined().kids}
	}
	w := &definer{family: &family{members: members}, template: &template{alignment: *align(copies), name: members[0].name}}
	w.args = make([]map[string]string, len(members))
	for i := range w.args {
		w.args[i] = map[string]string{}
	}
	all := make([]bool, len(members))
	for i := range all {
		all[i] = true
	}
	if !w.slots(w.template.slots, all) || len(w.params) > maxParams+2 {
		return nil
	}
	w.name = w.commonName()
	for i, t := range members {
		if len(w.args[i]) > maxParams || len(w.call(t)) > maxCall {
			return nil
		}
	}
	return w.family
}

// definer writes the define of a family.
type definer struct {
	*family
	template *template
	optional bool // the part that is written is not in all members
}

// slots writes slots that all members of within have, and the parts that some lack.
func (w *definer) slots(slots []*slot, within []bool) bool {
	for i := 0; i < len(slots); {
		end := i + 1
		for end < len(slots) && slices.Equal(slots[end].has, slots[i].has) {
			end++
		}
		if slices.Equal(slots[i].has, within) {
			for _, s := range slots[i:end] {
				if s.line[s.of] >= 0 && !w.line(s) || !w.slots(s.kids, s.has) {
					return false
				}
			}
		} else if !w.part(slots[i:end]) {
			return false
		}
		i = end
	}
	return true
}

// part writes a part that only some members have.
func (w *definer) part(slots []*slot) bool {
	s := slots[0]
	if w.optional || s.kind != entry && s.kind != item || len(w.lines) == 0 || strings.TrimSpace(w.lines[len(w.lines)-1]) == "" {
		return false
	}
	h := &hole{template: w.template, slot: s, role: presence}
	name := w.param(h)
	for i, has := range s.has {
		if has {
			w.args[i][name] = "true"
		}
	}
	indent := strings.Repeat(" ", s.like.col)
	w.lines = append(w.lines, indent+"{{- if get . "+strconv.Quote(name)+" }}")
	w.optional = true
	ok := w.slots(slots, s.has)
	w.optional = false
	w.lines = append(w.lines, indent+"{{- end }}")
	return ok && strings.TrimSpace(w.lines[len(w.lines)-2]) != ""
}

// param returns a new parameter, called like a variable of a hole would be.
func (w *definer) param(h *hole) string {
	for _, name := range append([]string{h.own()}, h.names()...) {
		if name != "root" && name != "" && !slices.Contains(w.params, name) {
			w.params = append(w.params, name)
			return name
		}
	}
	name := h.own() + "_" + strconv.Itoa(len(w.params))
	w.params = append(w.params, name)
	return name
}

// line writes a line: with a parameter where the members have different values.
func (w *definer) line(s *slot) bool {
	var texts []string
	var of []int
	for i, has := range s.has {
		if has {
			texts, of = append(texts, w.template.copies[i].lines[s.line[i]]), append(of, i)
		}
	}
	if allEqual(texts) {
		control := strings.HasPrefix(strings.TrimSpace(texts[0]), "{{")
		if control && w.optional {
			return false
		}
		w.lines = append(w.lines, rooted(texts[0]))
		return true
	}
	if s.kind != entry && s.kind != item {
		return false
	}
	first := splitLine(texts[0])
	exprs := make([]string, len(texts))
	for i, text := range texts {
		p := splitLine(text)
		expr, ok := argument(p)
		if !ok || p.head != first.head || p.tail != first.tail || strings.Contains(p.head+p.tail, "{{") && rooted(p.head+p.tail) != rooted(first.head+first.tail) {
			return false
		}
		exprs[i] = expr
	}
	name := w.same(of, exprs)
	if name == "" {
		name = w.param(&hole{template: w.template, slot: s, values: texts})
		for i, expr := range exprs {
			w.args[of[i]][name] = expr
		}
	}
	w.lines = append(w.lines, rooted(first.head)+"{{ ."+name+" }}"+rooted(first.tail))
	return true
}

// same returns a parameter that has some expressions already.
func (w *definer) same(of []int, exprs []string) string {
	for _, p := range w.params {
		equal := true
		for i, expr := range exprs {
			equal = equal && w.args[of[i]][p] == expr && expr != "true"
		}
		if equal {
			return p
		}
	}
	return ""
}

var action = lazyregexp.New(`^\{\{ ([^{}]+) \}\}$`)

// argument returns the expression of a value, to be passed in a call.
func argument(p parts) (string, bool) {
	if m := action.FindStringSubmatch(p.value); m != nil {
		if strings.ContainsAny(m[1], " |") {
			return "(" + m[1] + ")", true
		}
		return m[1], true
	}
	if strings.Contains(p.value, "{{") || p.value == "" || p.quote == '"' && strings.Contains(p.value, `\`) || p.quote == '\'' && strings.Contains(p.value, "'") {
		return "", false
	}
	if p.quote != 0 {
		return strconv.Quote(p.value), true
	}
	switch kindOf(p.value) {
	case manifest.Null:
		return "", false
	case manifest.String:
		return strconv.Quote(p.value), true
	}
	return p.value, true
}

var (
	actions = lazyregexp.New(`\{\{[^{}]*\}\}`)
	rootOf  = lazyregexp.New(`(^|[\s(])\.(Env|Service|Vars|Tag)\b`)
)

// rooted returns a line of a template as it stands in a define, whose dot has the template's
// as its root.
func rooted(line string) string {
	return actions.ReplaceAllStringFunc(line, func(s string) string { return rootOf.ReplaceAllString(s, "$1.root.$2") })
}
