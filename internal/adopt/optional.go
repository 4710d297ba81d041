package adopt

import (
	"slices"

	"k8srepo/internal/manifest"
)

// optionalValue is a part whose value says whether it is there.
type optionalValue struct {
	whole  *slot // the part
	target *slot // where its value stands
	line   parts // the line around the value
	hole   *hole
}

// optionalIn returns the branch as an optional value; nil where the value, or the place, is
// none for that.
func (t *template) optionalIn(b branch, within []bool) *optionalValue {
	if len(b.slots) != 1 {
		return nil
	}
	whole := b.slots[0]
	target := whole
	if k := whole.kids; whole.kind == item && len(k) == 2 && k[0].form == inline && len(k[0].kids) == 0 {
		target = k[1]
	}
	if target.kind != entry && target.kind != text || target.form != inline || target.noVars || len(target.kids) > 0 || !slices.Equal(target.has, b.has) {
		return nil
	}
	h, line := t.optionalHole(target, within)
	if h == nil {
		return nil
	}
	t.holes = append(t.holes, h)
	return &optionalValue{whole, target, line, h}
}

// optionalLines writes the lines of an optional value.
func (t *template) optionalLines(v *optionalValue) {
	for _, k := range v.whole.kids {
		if k != v.target {
			t.line(k)
		}
	}
	t.add([]piece{{text: v.line.head + v.line.value}, {hole: v.hole}, {text: v.line.tail}}, v.target)
}

// optionalHole asks for a variable that is not set where a copy has no such line, and
// returns the line around it. The hole is nil where a condition alone says it, and where
// if would take a value for none.
func (t *template) optionalHole(s *slot, within []bool) (*hole, parts) {
	h := &hole{template: t, slot: s, role: optional, position: position{inText: s.kind == text}}
	cut := splitLine
	if s.kind == text {
		cut = splitText
	}
	var lines []parts
	var values []string
	for c, has := range s.has {
		if has {
			lines = append(lines, cut(t.copies[c].lines[s.line[c]]))
			values = append(values, lines[len(lines)-1].value)
		}
	}
	around := lines[0]
	around.value = ""
	if s.kind == text {
		if allEqual(values) {
			return nil, around
		}
		before, after := commonWords(values)
		if before == 0 {
			return nil, around
		}
		around.value, around.tail = values[0][:before], values[0][len(values[0])-after:]+around.tail
		for i, v := range values {
			values[i] = v[before : len(v)-after]
		}
	}
	h.position.quote = around.quote
	for i, l := range lines {
		v := values[i]
		if l.head != around.head || s.kind != text && l.tail != around.tail || v == "" || v == "false" || v == "0" {
			return nil, around
		}
	}
	kind, ok := typeOf(values, h.position)
	simple := expression(t.cells, s.has, within) != "" && allEqual(values)
	if simple || !ok || kind == manifest.Null || !t.mayVary(h.position, values) {
		return nil, around
	}
	next := 0
	for c, in := range within {
		if !in {
			continue
		}
		value := unset
		if s.has[c] {
			value = values[next]
			next++
		}
		h.cells, h.values = append(h.cells, t.cells[c]), append(h.values, value)
	}
	return h, around
}
