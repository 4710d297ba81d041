package adopt

import (
	"slices"

	"k8srepo/internal/manifest"
)

// tryOptional writes a value that some copies have under the condition that it is set. It
// is false where the value, or the place, is none for that.
func (t *template) tryOptional(b branch, within []bool) bool {
	if len(b.slots) != 1 || !t.last || len(t.glue) > 0 {
		return false
	}
	whole := b.slots[0]
	target := whole
	if k := whole.kids; whole.kind == item && len(k) == 2 && k[0].form == inline && len(k[0].kids) == 0 {
		target = k[1]
	}
	if target.kind != entry || target.form != inline || target.apart || len(target.kids) > 0 || !slices.Equal(target.has, b.has) {
		return false
	}
	h, line := t.optionalHole(target, within)
	if h == nil {
		return false
	}
	t.holes = append(t.holes, h)
	indent := line.head[:whole.like.col]
	t.control(piece{word: "if", cond: condition{hole: h}, trim: trimLeft}, indent)
	for _, k := range whole.kids {
		if k != target {
			t.line(k)
		}
	}
	t.add([]piece{{text: line.head}, {hole: h}, {text: line.tail}}, target)
	t.control(piece{word: "end", trim: trimLeft}, indent)
	return true
}

// optionalHole asks for a variable that is not set where a copy has no such line. It is
// nil where a condition alone says it, and where if would take a value for none.
func (t *template) optionalHole(s *slot, within []bool) (*hole, parts) {
	h := &hole{template: t, slot: s, role: optional}
	var first parts
	var values []string
	for c, in := range within {
		if !in {
			continue
		}
		value := unset
		if s.has[c] {
			p := splitLine(t.copies[c].lines[s.line[c]])
			if len(values) == 0 {
				first = p
			}
			if value = p.value; p.head != first.head || p.tail != first.tail || value == "" || value == "false" || value == "0" {
				return nil, first
			}
			values = append(values, value)
		}
		h.cells, h.values = append(h.cells, t.cells[c]), append(h.values, value)
	}
	h.position = position{quote: first.quote}
	kind, ok := typeOf(values, h.position)
	simple := expression(t.cells, s.has, within) != "" && allEqual(values)
	if simple || !ok || kind == manifest.Null || !t.mayVary(s, h.position, values) {
		return nil, first
	}
	return h, first
}
