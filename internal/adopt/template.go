package adopt

import (
	"slices"
	"strings"
)

// template is a template that is inferred from copies, one for each of its cells.
type template struct {
	scope  string // service or environment
	name   string
	group  *group
	level  int    // of strictness, see clusters
	output string // its path line; "" where the path is the scope's own
	alignment
	cells []cell // by copy

	exact   bool // its path line says "ends: exact": how it begins and ends is kept
	ended   bool // its text ends in a line break
	explain *explainer
	tags    map[string]bool // tags that run in the copies: no variable's values
	lines   []outLine
	guarded bool // its first line is a condition of the whole
	family  *family

	bodyLines []string // see body
	asNode    *node    // see outlined
	holes     []*hole  // in the order of its text
	glue      []piece  // goes before the next line
	last      bool     // the line before is one that {{- may stand behind
}

// String returns the text of the template.
func (t *template) String() string {
	var b strings.Builder
	if t.exact {
		b.WriteString("{{/* path: " + t.output + "; ends: exact */}}\n")
	} else if t.output != "" {
		b.WriteString("{{/* path: " + t.output + " */}}\n")
	}
	lines := t.lines
	if t.family != nil {
		lines = []outLine{{pieces: []piece{{code: t.family.call(t)}}}}
		if t.guarded {
			lines = []outLine{t.lines[0], lines[0], t.lines[len(t.lines)-1]}
		}
	}
	for i, l := range lines {
		b.WriteString(l.String())
		if i < len(lines)-1 || t.ended {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// build makes the template's lines. A cell of universe that has no copy gets no file.
func (t *template) build(universe []cell) {
	t.lines, t.holes, t.glue, t.last = nil, nil, nil, true
	t.bodyLines, t.asNode = nil, nil
	all := make([]bool, len(t.copies))
	for i := range all {
		all[i] = true
	}
	guard := t.guard(universe)
	t.guarded = guard != (condition{})
	if t.guarded {
		t.lines = append(t.lines, outLine{pieces: []piece{{word: "if", cond: guard, trim: trimLeft}}})
	}
	t.slotsOf(t.slots, all)
	if t.ended = true; t.exact {
		t.finish()
	}
	if t.guarded {
		end := piece{word: "end", trim: trimLeft}
		if t.exact && (!t.last || len(t.glue) > 0) {
			end.trim = trimNone
		}
		t.control(end, "")
	}
	if t.glue != nil {
		t.lines = append(t.lines, outLine{pieces: t.takeGlue()})
		t.ended = t.ended && !t.exact
	}
}

// finish writes the end of a template whose ends are exact: with a line break where the
// copies have one.
func (t *template) finish() {
	ended := make([]bool, len(t.copies))
	for i, c := range t.copies {
		ended[i] = c.file.ended()
	}
	n := count(ended)
	if t.ended = n > 0; n == 0 || n == len(ended) {
		return
	}
	all := make([]bool, len(ended))
	for i := range all {
		all[i] = true
	}
	t.control(piece{word: "if", cond: t.condition(branch{has: ended, slots: t.slots}, all), trim: trimLeft}, "")
	t.glue = append(t.glue, piece{word: "end"})
}

// slotsOf writes slots, all of which are in the copies of within. What some of those
// copies lack is put under a condition.
func (t *template) slotsOf(slots []*slot, within []bool) {
	for i := 0; i < len(slots); {
		end := i + 1
		for end < len(slots) && slices.Equal(slots[end].has, slots[i].has) {
			end++
		}
		if slices.Equal(slots[i].has, within) {
			if next := t.tryVarying(slots, i, within); next > i {
				i = next
				continue
			}
			t.slot(slots[i])
			i++
			continue
		}
		if end := t.tryLoop(slots, i, within); end > i {
			i = end
			continue
		}
		i = t.chain(slots, i, within)
	}
}

// tryVarying writes the items from slot i on as a loop where they are texts that differ
// from copy to copy.
func (t *template) tryVarying(slots []*slot, i int, within []bool) int {
	if slots[i].kind != item || slots[i].noVars || !t.varies(slots[i]) {
		return i
	}
	return t.tryLoop(slots, i, within)
}

// chain writes the parts that stand beside each other, in different copies, from slot i
// on, and returns the index of the first slot behind them.
func (t *template) chain(slots []*slot, i int, within []bool) int {
	var branches []branch
	taken := make([]bool, len(within))
	for i < len(slots) {
		has := slots[i].has
		if overlaps(has, taken) {
			break
		}
		end := i + 1
		for end < len(slots) && slices.Equal(slots[end].has, has) {
			end++
		}
		part := slots[i:end]
		branches = append(branches, branch{has: has, slots: part})
		for c := range has {
			taken[c] = taken[c] || has[c]
		}
		i = end
		if slices.Equal(taken, within) {
			break
		}
	}
	var next *slot
	if i < len(slots) {
		next = slots[i]
	}
	t.write(branches, within, next)
	return i
}

// branch is what is written in some of the copies.
type branch struct {
	has   []bool
	slots []*slot
	line  []piece // instead of slots
	of    *slot   // whose line it is
}

// write writes branches: if, else if, else, end.
func (t *template) write(branches []branch, within []bool, next *slot) {
	covered := make([]bool, len(within))
	for _, b := range branches {
		for c := range b.has {
			covered[c] = covered[c] || b.has[c]
		}
	}
	whole := slices.Equal(covered, within)
	style, indent := t.style(branches, within, next)
	rest := slices.Clone(within)
	for i, b := range branches {
		p := piece{word: "if", trim: style}
		if i > 0 {
			p.word = "else if"
		}
		var set *optionalValue
		if i > 0 && i == len(branches)-1 && whole {
			p.word = "else"
		} else if set = t.optionalIn(b, rest); set != nil {
			p.cond = condition{hole: set.hole}
		} else {
			p.cond = t.condition(b, rest)
		}
		for c := range rest {
			rest[c] = rest[c] && !b.has[c]
		}
		t.control(p, indent)
		if set != nil {
			t.optionalLines(set)
		} else if b.line != nil {
			t.add(b.line, b.of)
		} else {
			t.slotsOf(b.slots, b.has)
		}
	}
	t.control(piece{word: "end", trim: style}, indent)
}

// control writes an action on a line of its own, or, where no blanks can be trimmed,
// before the next line.
func (t *template) control(p piece, indent string) {
	if p.trim == trimNone {
		t.glue = append(t.glue, p)
		return
	}
	t.lines = append(t.lines, outLine{pieces: append(t.takeGlue(), piece{text: indent}, p)})
}

func (t *template) takeGlue() []piece {
	glue := t.glue
	t.glue = nil
	return glue
}

// add writes a line.
func (t *template) add(pieces []piece, s *slot) {
	t.lines = append(t.lines, outLine{append(t.takeGlue(), pieces...), s})
	t.last = endsInText(pieces)
}

// endsInText reports whether a line ends in something that {{- behind it leaves alone.
func endsInText(pieces []piece) bool {
	if len(pieces) == 0 {
		return false
	}
	p := pieces[len(pieces)-1]
	if p.text == "" && p.expr == "" && p.hole == nil && p.word == "" {
		return endsInText(pieces[:len(pieces)-1])
	}
	return p.text == "" || strings.IndexByte(" \t", p.text[len(p.text)-1]) < 0
}

// style returns how the actions around branches are written: {{- … }} where the lines before
// them end in text, {{ … -}} where the lines behind them have the same indentation, else
// at the beginning of those lines.
func (t *template) style(branches []branch, within []bool, next *slot) (trim, string) {
	indent, before := "", t.last && len(t.glue) == 0
	for i, b := range branches {
		first, last := b.ends(t)
		if i == 0 {
			indent = first[:indentOf(first)]
		}
		before = before && strings.TrimRight(last, " \t") == last && last != ""
	}
	if before {
		return trimLeft, indent
	}
	if next == nil || next.line[next.of] < 0 && len(next.kids) == 0 {
		return trimNone, indent
	}
	after := branch{has: next.has, slots: []*slot{next}}
	first, _ := after.ends(t)
	same := strings.TrimSpace(first) != "" && first[:indentOf(first)] == indent && slices.Equal(next.has, within)
	for _, b := range branches {
		line, _ := b.ends(t)
		same = same && strings.TrimSpace(line) != "" && line[:indentOf(line)] == indent
	}
	if same && len(t.glue) == 0 {
		return trimRight, indent
	}
	return trimNone, indent
}

// ends returns the first and the last line of a branch, in a copy that has both.
func (b branch) ends(t *template) (first, last string) {
	if b.line != nil {
		line := t.copies[slices.Index(b.has, true)].lines[b.of.line[slices.Index(b.has, true)]]
		return line, line
	}
	var lines []string
	for c, has := range b.has {
		if !has {
			continue
		}
		for _, s := range b.slots {
			lines = s.appendLines(lines, t, c)
		}
		break
	}
	if len(lines) == 0 {
		return "", ""
	}
	return lines[0], lines[len(lines)-1]
}

func (s *slot) appendLines(lines []string, t *template, copy int) []string {
	if !s.has[copy] {
		return lines
	}
	if s.line[copy] >= 0 {
		lines = append(lines, t.copies[copy].lines[s.line[copy]])
	}
	for _, k := range s.kids {
		lines = k.appendLines(lines, t, copy)
	}
	return lines
}

// slot writes a slot's line and what is below it.
func (t *template) slot(s *slot) {
	if s.line[s.of] >= 0 {
		t.line(s)
	}
	t.slotsOf(s.kids, s.has)
}

func overlaps(a, b []bool) bool {
	for i := range a {
		if a[i] && b[i] {
			return true
		}
	}
	return false
}

func count(has []bool) int {
	n := 0
	for _, h := range has {
		if h {
			n++
		}
	}
	return n
}
