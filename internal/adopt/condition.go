package adopt

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// guard returns the condition of the whole template: the cells of universe that have a copy.
func (t *template) guard(universe []cell) condition {
	own := make(map[cell]bool, len(t.cells))
	for _, c := range t.cells {
		own[c] = true
	}
	has := make([]bool, len(universe))
	for i, c := range universe {
		has[i] = own[c]
	}
	if !slices.Contains(has, false) {
		return condition{}
	}
	within := make([]bool, len(universe))
	for i := range within {
		within[i] = true
	}
	if expr := expression(universe, has, within); expr != "" {
		return condition{expr: expr}
	}
	return condition{hole: t.presence(nil, universe, has, within)}
}

// condition returns when a branch is written, of the copies in within.
func (t *template) condition(b branch, within []bool) condition {
	if expr := expression(t.cells, b.has, within); expr != "" {
		return condition{expr: expr}
	}
	if expr := t.cellsOf(b, within); expr != "" {
		return condition{expr: expr}
	}
	s := b.of
	if s == nil {
		s = b.slots[0]
		for _, other := range b.slots {
			if other.kind == entry || other.kind == item {
				s = other
				break
			}
		}
	}
	return condition{hole: t.presence(s, t.cells, b.has, within)}
}

// maxCellNames is how many cells a condition may name.
const maxCellNames = 4

// cellsOf returns a condition that names services with their environments, for comments: a
// variable that says where one stands would say nothing else.
func (t *template) cellsOf(b branch, within []bool) string {
	if b.of != nil && b.of.kind != comment || slices.ContainsFunc(b.slots, func(s *slot) bool { return s.kind != comment && s.kind != blank }) {
		return ""
	}
	if count(b.has) > maxCellNames {
		return ""
	}
	expr := `eq (print .Service.Name " " .Env.Name)`
	for i, c := range t.cells {
		if b.has[i] && within[i] {
			expr += " " + strconv.Quote(c.service+" "+c.env)
		}
	}
	return expr
}

// presence asks for a variable that is true where a part is written. S is nil for the
// whole template.
func (t *template) presence(s *slot, cells []cell, has, within []bool) *hole {
	h := &hole{template: t, slot: s, role: presence}
	for i, c := range cells {
		if within[i] {
			h.cells = append(h.cells, c)
			h.values = append(h.values, strconv.FormatBool(has[i]))
		}
	}
	t.holes = append(t.holes, h)
	return h
}

// maxNames is how many services a condition may name: more are a variable's.
const maxNames = 1

// expression returns a condition that holds, of the cells in within, for those in has; "" where
// the names of environments and services do not tell them apart.
func expression(cells []cell, has, within []bool) string {
	env := func(c cell) string { return c.env }
	service := func(c cell) string { return c.service }
	envs, services := split(cells, has, within, env), split(cells, has, within, service)
	product := func(e, s bool) bool {
		for i, c := range cells {
			is := (!e || envs.in[c.env]) && (!s || services.in[c.service])
			if within[i] && is != has[i] {
				return false
			}
		}
		return true
	}
	fewServices := min(len(services.in), len(services.out)) <= maxNames
	switch {
	case product(true, false):
		return envs.oneOf(envName)
	case product(false, true) && fewServices:
		return services.oneOf(serviceName)
	case product(true, true) && fewServices:
		return "and (" + services.oneOf(serviceName) + ") (" + envs.oneOf(envName) + ")"
	}
	return ""
}

// names are the names of some cells, and those of the others.
type names struct{ in, out map[string]bool }

// split returns the names of the cells in has, and the others of within.
func split(cells []cell, has, within []bool, name func(cell) string) names {
	n := names{map[string]bool{}, map[string]bool{}}
	for i, c := range cells {
		if within[i] && has[i] {
			n.in[name(c)] = true
		}
	}
	for i, c := range cells {
		if within[i] && !n.in[name(c)] {
			n.out[name(c)] = true
		}
	}
	return n
}

// oneOf returns the condition that a field is one of the names, and none of the others.
func (n names) oneOf(field string) string {
	quoted := func(set map[string]bool) string {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(set)) {
			b.WriteString(" " + strconv.Quote(name))
		}
		return b.String()
	}
	switch {
	case len(n.in) > 1 && len(n.out) == 1:
		return "ne " + field + quoted(n.out)
	case len(n.out) > 0 && len(n.out) < len(n.in):
		return "not (eq " + field + quoted(n.out) + ")"
	}
	return "eq " + field + quoted(n.in)
}

// partialParts lists the parts that only some of the files have, by their keys.
func (t *template) partialParts() []string {
	var list []string
	all := make([]bool, len(t.copies))
	for i := range all {
		all[i] = true
	}
	var visit func(slots []*slot, within []bool)
	visit = func(slots []*slot, within []bool) {
		for _, s := range slots {
			if !slices.Equal(s.has, within) && s.kind != blank {
				if name := s.where(); !slices.Contains(list, name) {
					list = append(list, name)
				}
				continue
			}
			visit(s.kids, s.has)
		}
	}
	visit(t.slots, all)
	return list
}

// where returns a slot's way from its document, for people.
func (s *slot) where() string {
	var steps []string
	for _, step := range s.way() {
		switch label := strings.ReplaceAll(step.label, factSign, "…"); step.kind {
		case document:
			steps = append(steps, label)
		case entry:
			steps = append(steps, label)
		case item:
			steps = append(steps, "["+label+"]")
		case comment:
			steps = append(steps, "a comment")
		case text:
			steps = append(steps, "a line of text")
		}
	}
	return strings.Join(steps, ".")
}
