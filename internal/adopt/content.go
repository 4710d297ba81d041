package adopt

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// line writes a slot's line: as text where all copies have the same, with expressions
// where facts and variables tell the copies apart, else one line for each text.
func (t *template) line(s *slot) {
	var copies []int
	for c := range s.has {
		if s.has[c] {
			copies = append(copies, c)
		}
	}
	texts := make([]string, len(copies))
	for i, c := range copies {
		texts[i] = t.copies[c].lines[s.line[c]]
	}
	if allEqual(texts) {
		t.add(t.lone(s, texts[0]), s)
		return
	}
	if !s.noVars {
		if pieces := t.pieces(s, copies, texts); pieces != nil {
			t.add(pieces, s)
			return
		}
	}
	if !s.noVars && t.styles(s, copies, texts) {
		return
	}
	if pieces := t.choices(s, copies, texts, s.has, 0); pieces != nil && !s.noChoice {
		t.add(pieces, s)
		return
	}
	t.alternatives(s, copies, texts)
}

// styles writes a slot's line once for each way in which its value is written: in quotes,
// without, with a comment behind it. It is false where there is one way, or where there
// are too many.
func (t *template) styles(s *slot, copies []int, texts []string) bool {
	if s.kind != entry && s.kind != item {
		return false
	}
	styles := make([]string, len(texts))
	for i, text := range texts {
		p := splitLine(text)
		styles[i] = p.head + "\x00" + p.tail
	}
	parts := distinct(copies, styles, len(s.has))
	if len(parts) < 2 || len(parts) > maxChoices || len(parts) == len(distinct(copies, texts, len(s.has))) {
		return false
	}
	var branches []branch
	holes := len(t.holes)
	for _, part := range parts {
		var of []int
		var lines []string
		for i, c := range copies {
			if part.has[c] {
				of, lines = append(of, c), append(lines, texts[i])
			}
		}
		pieces := literal(lines[0])
		if !allEqual(lines) {
			if pieces = t.pieces(s, of, lines); pieces == nil {
				t.holes = t.holes[:holes]
				return false
			}
		}
		branches = append(branches, branch{has: part.has, line: pieces, of: s})
	}
	t.write(branches, s.has, nil)
	return true
}

// alternatives writes each text of a slot on a line of its own.
func (t *template) alternatives(s *slot, copies []int, texts []string) {
	var branches []branch
	for _, part := range distinct(copies, texts, len(s.has)) {
		branches = append(branches, branch{has: part.has, line: imagePieces(part.text), of: s})
	}
	t.write(branches, s.has, nil)
}

// part is a text, and the copies that have it.
type part struct {
	text string
	has  []bool
}

// distinct returns the different texts of copies, the most common last: it is what else
// stands for.
func distinct(copies []int, texts []string, n int) []part {
	var parts []part
	for i, c := range copies {
		at := slices.IndexFunc(parts, func(p part) bool { return p.text == texts[i] })
		if at < 0 {
			at = len(parts)
			parts = append(parts, part{texts[i], make([]bool, n)})
		}
		parts[at].has[c] = true
	}
	slices.SortStableFunc(parts, func(a, b part) int { return count(a.has) - count(b.has) })
	return parts
}

// pieces returns a line with expressions; nil where there are none that tell the copies apart.
func (t *template) pieces(s *slot, copies []int, texts []string) []piece {
	if s.kind == comment || s.kind == blank || s.kind == marker {
		return nil
	}
	cut := splitLine
	if s.kind == text {
		cut = splitText
	}
	cells := make([]cell, len(copies))
	heads, values, tails := make([]string, len(copies)), make([]string, len(copies)), make([]string, len(copies))
	lines := make([]parts, len(copies))
	for i, c := range copies {
		lines[i] = cut(texts[i])
		heads[i], values[i], tails[i], cells[i] = lines[i].head, lines[i].value, lines[i].tail, t.copies[c].cell
	}
	head := t.explain.explain(heads, cells, false)
	if head == nil {
		return nil
	}
	var tail []piece
	if tail = literal(tails[0]); !allEqual(tails) {
		if tail = t.choices(s, copies, tails, s.has, commonPrefix(tails)); tail == nil {
			return nil
		}
	}
	value := t.value(s, lines, copies, values, cells)
	if value == nil {
		return nil
	}
	return slices.Concat(head, value, tail)
}

// value returns the values of a line.
func (t *template) value(s *slot, lines []parts, copies []int, values []string, cells []cell) []piece {
	if allEqual(values) {
		return imagePieces(values[0])
	}
	if pieces := t.explain.explain(values, cells, s.kind == entry && strings.Contains(strings.ToLower(s.label), "namespace")); pieces != nil {
		return pieces
	}
	p := position{quote: lines[0].quote, inText: s.kind == text}
	if !s.isCommented(values) && t.mayVary(p, values) {
		h := &hole{template: t, slot: s, position: p, cells: cells, values: values}
		if p.inText {
			h.shorten(commonPhrase(values))
		}
		t.holes = append(t.holes, h)
		return []piece{{hole: h}}
	}
	return t.choices(s, copies, values, s.has, 0)
}

// isCommented reports whether a slot is a comment inside a block of text, such as a script's: a
// variable for words of prose would say nothing.
func (s *slot) isCommented(values []string) bool {
	return s.kind == text && !slices.ContainsFunc(values, func(v string) bool { return !strings.HasPrefix(v, "#") })
}

// mayVary reports whether a variable can hold values.
func (t *template) mayVary(p position, values []string) bool {
	for _, v := range values {
		switch {
		case strings.Contains(v, imageSign), t.tags[v], v == "" && p.quote == 0:
			return false
		case p.quote == '"' && strings.Contains(v, `\`), p.quote == '\'' && strings.Contains(v, "'"):
			return false
		}
	}
	if p.quote != 0 || p.inText {
		return true
	}
	_, ok := typeOf(values, p)
	return ok
}

// maxChoices is how many texts a line may choose from.
const maxChoices = 3

// choices returns the texts of copies, of which the first n bytes are the same, chosen from
// in the line itself.
func (t *template) choices(s *slot, copies []int, texts []string, within []bool, n int) []piece {
	parts := distinct(copies, texts, len(s.has))
	if len(parts) > maxChoices {
		return nil
	}
	prefix, suffix := n, 0
	if n == 0 {
		prefix, suffix = common(texts)
	}
	rest := slices.Clone(within)
	pieces := literal(texts[0][:prefix])
	for i, p := range parts {
		word := piece{word: "else"}
		if i < len(parts)-1 {
			expr := expression(t.cells, p.has, rest)
			if expr == "" {
				return nil
			}
			if word = (piece{word: "else if", cond: condition{expr: expr}}); i == 0 {
				word.word = "if"
			}
		}
		for c := range rest {
			rest[c] = rest[c] && !p.has[c]
		}
		pieces = append(pieces, word)
		pieces = append(pieces, imagePieces(p.text[prefix:len(p.text)-suffix])...)
	}
	return append(pieces, piece{word: "end"}, piece{text: texts[0][len(texts[0])-suffix:]})
}

// commonPrefix returns how many bytes texts have in common at their beginnings, without half of
// a character.
func commonPrefix(texts []string) int {
	n := len(texts[0])
	for _, t := range texts[1:] {
		i := 0
		for i < min(n, len(t)) && t[i] == texts[0][i] {
			i++
		}
		n = i
	}
	for n > 0 && slices.ContainsFunc(texts, func(t string) bool { return n < len(t) && !utf8.RuneStart(t[n]) }) {
		n--
	}
	return n
}

// imageSign stands in a copy's line for the service's image and its tag.
const imageSign = "\x02"

// imagePieces returns a text of a copy, with what prints the image in the place of its sign.
func imagePieces(s string) []piece {
	before, after, found := strings.Cut(s, imageSign)
	if !found {
		return literal(s)
	}
	return []piece{{text: before}, {expr: ".Service.Image"}, {text: ":"}, {expr: ".Tag"}, {text: after}}
}

// lone returns a line that is the same in all copies. The names of its only environment and
// its only service are named, where they are all of a value.
func (t *template) lone(s *slot, line string) []piece {
	if s.kind != entry || s.form != inline || s.noVars || strings.Contains(line, imageSign) {
		return imagePieces(line)
	}
	only := func(name func(cell) string) bool {
		for _, c := range t.cells {
			if name(c) != name(t.cells[0]) {
				return false
			}
		}
		return true
	}
	p, c, expr := splitLine(line), t.cells[0], ""
	switch known := t.explain.of(c); {
	case s.label == "namespace" && only(func(c cell) string { return c.env }) && p.value == known[t.explain.index(envNamespace)]:
		expr = envNamespace
	case p.value == c.service && c.service != "" && only(func(c cell) string { return c.service }):
		expr = serviceName
	default:
		return imagePieces(line)
	}
	return []piece{{text: p.head}, {expr: expr}, {text: p.tail}}
}
