package adopt

import (
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
)

// loop is a run of items, or of entries, that is written once, in a range over a
// variable that has what differs between them.
type loop struct {
	slots  []*slot
	shape  []parts  // the lines of one item; those that differ have no value
	fields []string // by line: the key of what differs; "" where all have the same
	isMap  bool
}

// tryLoop writes the parts from slot i on as a loop, if they are alike and conditions
// for each would take more lines. It returns the index of the first slot behind them, i
// where there is no loop.
func (t *template) tryLoop(slots []*slot, i int, within []bool) int {
	l := t.loopAt(slots, i, within)
	if l == nil || !t.last || len(t.glue) > 0 {
		return i
	}
	h := t.listOf(l, within)
	if h == nil {
		return i
	}
	t.holes = append(t.holes, h)
	head := l.shape[0].head
	indent := head[:indentOf(head)]
	word := "range"
	if l.isMap {
		word = "range $name, $value :="
	}
	t.lines = append(t.lines, outLine{pieces: []piece{{text: indent}, {word: word, cond: condition{hole: h}, trim: trimLeft}}})
	for n, p := range l.shape {
		pieces := []piece{{text: p.head}, {text: p.value}, {text: p.tail}}
		switch {
		case l.isMap:
			pieces = []piece{{text: indent}, {expr: "$name"}, {text: p.head[len(indent):]}, {expr: "$value"}, {text: p.tail}}
		case l.fields[n] == ".":
			pieces[1] = piece{expr: "."}
		case l.fields[n] != "":
			pieces[1] = piece{expr: "." + l.fields[n]}
		}
		t.lines = append(t.lines, outLine{pieces: pieces, slot: l.slots[0]})
	}
	t.control(piece{word: "end", trim: trimLeft}, indent)
	t.last = true
	return i + len(l.slots)
}

// loopAt returns the loop that begins at a slot; nil where none does, or it does not pay.
func (t *template) loopAt(slots []*slot, i int, within []bool) *loop {
	var best *loop
	for end := i + 1; end <= len(slots); end++ {
		s := slots[end-1]
		if s.kind != slots[i].kind || s.kind != item && s.kind != entry || s.noVars || !isExtra(s, within) && !t.varies(s) {
			break
		}
		l := t.shapeOf(slots[i:end])
		if l == nil {
			break
		}
		best = l
	}
	if best == nil || !best.pays(t, within) {
		return nil
	}
	return best
}

// isExtra reports whether at most half of the copies have a part.
func isExtra(s *slot, within []bool) bool { return 2*count(s.has) <= count(within) }

// varies reports whether a slot is an item that is a text, and another one in each copy.
func (t *template) varies(s *slot) bool {
	if s.kind != item || s.form != inline || len(s.kids) > 0 || s.line[s.of] < 0 {
		return false
	}
	var values []string
	var cells []cell
	for c, has := range s.has {
		if has {
			values = append(values, splitLine(t.copies[c].lines[s.line[c]]).value)
			cells = append(cells, t.cells[c])
		}
	}
	return len(values) > 1 && t.explain.explain(values, cells, false) == nil
}

// pays reports whether a loop takes fewer lines than a condition for each of its parts.
func (l *loop) pays(t *template, within []bool) bool {
	each, awkward, varying := 0, 0, 0
	for i, s := range l.slots {
		each += len(l.shape)
		if slices.Equal(s.has, within) {
			varying++
			continue
		}
		if i == 0 || !slices.Equal(s.has, l.slots[i-1].has) {
			each += 2
			if expression(t.cells, s.has, within) == "" {
				each++
				awkward++
			}
		}
	}
	values := map[string]bool{}
	for c := range within {
		var has []byte
		for _, s := range l.slots {
			if s.has[c] {
				has = append(has, '1')
			} else {
				has = append(has, '0')
			}
		}
		values[string(has)] = true
	}
	if varying > 1 {
		return true
	}
	different := slices.ContainsFunc(l.slots, func(s *slot) bool { return !slices.Equal(s.has, l.slots[0].has) })
	return different && 3+len(l.shape)+len(values)-1 < each
}

// freeMaps are the maps whose keys people make up.
var freeMaps = map[string]bool{"data": true, "stringData": true, "annotations": true, "labels": true, "matchLabels": true, "nodeSelector": true}

// shapeOf returns the loop of some slots; nil where their lines differ in more than values.
func (t *template) shapeOf(slots []*slot) *loop {
	l := &loop{slots: slots, isMap: slots[0].kind == entry}
	if l.isMap && (slots[0].parent == nil || !freeMaps[slots[0].parent.label]) {
		return nil
	}
	var keys []string
	for _, s := range slots {
		for c, has := range s.has {
			if !has {
				continue
			}
			lines, names := l.linesOf(t, s, c)
			if lines == nil || !l.add(lines, names, &keys) {
				return nil
			}
		}
	}
	return l.named(keys)
}

// named gives the fields their keys: the item is the value itself where it has one. It is
// nil where keys cannot be fields.
func (l *loop) named(keys []string) *loop {
	n := 0
	for _, field := range l.fields {
		if field != "" {
			n++
		}
	}
	for i, field := range l.fields {
		switch {
		case field == "" || l.isMap:
		case n == 1:
			l.fields[i] = "."
		case !fieldName.MatchString(keys[i]) || slices.Contains(l.fields[:i], keys[i]):
			return nil
		default:
			l.fields[i] = keys[i]
		}
	}
	return l
}

// linesOf returns the lines of a slot in a copy, cut at their values, and their keys; nil
// where a line cannot be part of a loop.
func (l *loop) linesOf(t *template, s *slot, copy int) (lines []parts, keys []string) {
	var add func(s *slot) bool
	add = func(s *slot) bool {
		if !s.has[copy] {
			return true
		}
		if s.kind != item && s.kind != entry || s.form == block || s.form == open {
			return false
		}
		if s.line[copy] >= 0 {
			p := splitLine(t.copies[copy].lines[s.line[copy]])
			if strings.Contains(p.value, imageSign) || t.tags[p.value] || strings.Contains(p.tail, "#") {
				return false
			}
			if l.isMap {
				key, _, _ := splitEntry(strings.TrimLeft(p.head, " ") + p.value)
				if key == "" || strings.ContainsAny(key, `"'`) {
					return false
				}
				p.head = p.head[:indentOf(p.head)] + p.head[indentOf(p.head)+len(key):]
				keys = append(keys, key)
			} else {
				keys = append(keys, s.label)
			}
			lines = append(lines, p)
		}
		for _, k := range s.kids {
			if !add(k) {
				return false
			}
		}
		return true
	}
	if !add(s) || len(lines) == 0 || l.isMap && len(lines) != 1 {
		return nil, nil
	}
	return lines, keys
}

var fieldName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// add adds the lines of one item to the shape.
func (l *loop) add(lines []parts, names []string, keys *[]string) bool {
	if l.shape == nil {
		l.shape, l.fields, *keys = slices.Clone(lines), make([]string, len(lines)), names
		if l.isMap {
			l.fields[0] = "$value"
		}
		return true
	}
	if len(lines) != len(l.shape) {
		return false
	}
	for i, p := range lines {
		if p.head != l.shape[i].head || p.tail != l.shape[i].tail || p.quote != l.shape[i].quote {
			return false
		}
		if p.value == l.shape[i].value || l.isMap {
			continue
		}
		l.fields[i] = "?"
	}
	return true
}

// listOf asks for the variable of a loop: by copy, what its items have in the places
// that differ. It is nil where a variable cannot hold them.
func (t *template) listOf(l *loop, within []bool) *hole {
	h := &hole{template: t, slot: l.slots[0].parent, role: several, lists: map[string]manifest.Value{}}
	for c, in := range within {
		if !in {
			continue
		}
		list := manifest.Value{Kind: manifest.List}
		if l.isMap {
			list.Kind = manifest.Map
		}
		for _, s := range l.slots {
			if !s.has[c] {
				continue
			}
			lines, keys := l.linesOf(t, s, c)
			entry, ok := l.itemOf(lines)
			switch {
			case !ok:
				return nil
			case l.isMap:
				if n := len(list.Fields); n > 0 && list.Fields[n-1].Key.Text >= keys[0] {
					return nil // range goes by the order of the keys
				}
				list.Add(keys[0], entry)
			default:
				list.Items = append(list.Items, entry)
			}
		}
		text := string(manifest.AppendFlow(nil, list))
		h.lists[text] = list
		h.cells, h.values = append(h.cells, t.cells[c]), append(h.values, text)
	}
	return h
}

// itemOf returns what an item has in the places that differ.
func (l *loop) itemOf(lines []parts) (manifest.Value, bool) {
	var v manifest.Value
	for i, p := range lines {
		if l.fields[i] == "" {
			continue
		}
		kind, ok := typeOf([]string{p.value}, position{quote: p.quote})
		if !ok || p.quote == '"' && strings.Contains(p.value, `\`) || p.quote == '\'' && strings.Contains(p.value, "'") {
			return v, false
		}
		value := manifest.Value{Kind: kind, Text: p.value}
		if l.isMap || l.fields[i] == "." {
			return value, true
		}
		v.Add(l.fields[i], value)
	}
	return v, v.Kind == manifest.Map
}
