package render

import (
	"bytes"
	"slices"
	"strings"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// join is a line break that a trim took away, at an offset of the output.
type join struct {
	offset int
	hook   *hook
	indent int // of the line that is moved up
}

// block is the output of a template whose call is alone on its line.
type block struct {
	inline bool // there is text before the call on its line
	line   int  // the offset where the call's line begins
	start  int  // the offset after its indentation
	broken bool // the line break before it was trimmed, and restored
}

// blankLine reports whether the output's last line has nothing but blanks, and where it
// begins.
func (r *recorder) blankLine() (start int, blank bool) {
	out := r.out.Bytes()
	start = bytes.LastIndexByte(out, '\n') + 1
	return start, len(bytes.Trim(out[start:], " \t")) == 0
}

// addJoin notes a join at the output's end.
func (r *recorder) addJoin(h *hook) {
	indent := len(h.space) - 1 - strings.LastIndexByte(h.space, '\n')
	r.joins = append(r.joins, join{r.out.Len(), h, indent})
}

// resolve drops the joins at the output's end: their line break is there again.
func (r *recorder) resolve() {
	for len(r.joins) > 0 && r.joins[len(r.joins)-1].offset == r.out.Len() {
		r.joins = r.joins[:len(r.joins)-1]
	}
}

// ownLine makes the output's end the beginning of a line: of what is alone on its
// line in the template, whatever was trimmed before it. It is false where there is
// other text on the line.
func (r *recorder) ownLine() (broken, ok bool) {
	if _, blank := r.blankLine(); blank {
		return false, true
	}
	if n := len(r.joins); n > 0 && r.joins[n-1].offset == r.out.Len() {
		indent := r.joins[n-1].indent
		r.resolve()
		r.out.WriteString("\n" + strings.Repeat(" ", indent))
		return true, true
	}
	return false, false
}

// startBlock begins a block.
func (r *recorder) startBlock() {
	before := r.out.Len()
	broken, ok := r.ownLine()
	b := block{inline: !ok, broken: broken, start: r.out.Len()}
	if b.line, _ = r.blankLine(); broken {
		b.line = before
	}
	r.blocks = append(r.blocks, b)
}

// endBlock indents the block that began last to the column of its call, without the
// indentation that all its lines have and the blank lines around them. A block without
// text takes its line away.
func (r *recorder) endBlock() {
	b := r.blocks[len(r.blocks)-1]
	r.blocks = r.blocks[:len(r.blocks)-1]
	if b.inline {
		return
	}
	text := bytes.Clone(r.out.Bytes()[b.start:])
	column := b.start - b.line
	if b.broken {
		column--
	}
	first := 0 // the indentation that a trim took from the first line
	for i := range r.joins {
		if r.joins[i].offset == b.start {
			first = r.joins[i].indent
		}
	}
	lines := indentedLines(text, first)
	if len(lines) == 0 {
		r.out.Truncate(b.line)
		r.move(b.start, func(int) int { return b.line })
		r.swallow = !b.broken
		return
	}
	common := lines[0].indent
	for _, l := range lines {
		if len(l.text) > 0 {
			common = min(common, l.indent)
		}
	}
	r.out.Truncate(b.start)
	r.writeLines(lines, column, common)
	for i := range r.events {
		if e := &r.events[i]; e.offset >= b.start && e.offset < b.start+lines[0].from {
			e.gone += bytes.Count(text[e.offset-b.start:lines[0].from], []byte("\n"))
		}
	}
	end := r.out.Len()
	r.move(b.start, func(offset int) int { return min(movedTo(lines, offset-b.start), end) })
	for i := range r.joins {
		if r.joins[i].offset > b.start {
			r.joins[i].indent += column - common
		}
	}
}

// writeLines writes the lines of a block less their common indentation: the first where the
// output ends, the others at a column. It sets where each is in the output.
func (r *recorder) writeLines(lines []indentedLine, column, common int) {
	for i := range lines {
		l := &lines[i]
		indent := l.indent - common
		if i > 0 {
			r.out.WriteByte('\n')
			indent += column
		}
		if len(l.text) > 0 {
			r.out.WriteString(strings.Repeat(" ", indent))
		}
		l.to = r.out.Len()
		r.out.Write(l.text)
	}
}

// movedTo returns where the output has what was at an offset of a block. What was before the
// first line's text is where that is now.
func movedTo(lines []indentedLine, offset int) int {
	for _, l := range slices.Backward(lines) {
		if offset >= l.from {
			return l.to + offset - l.from
		}
	}
	return lines[0].to
}

// indentedLine is a line of a block: its text after its indentation.
type indentedLine struct {
	text   []byte
	from   int // the offset of text in the block
	to     int // in the output
	indent int
}

// indentedLines returns the lines of a text, less the blank ones around them. First is
// the indentation that its first line has in addition to its own.
func indentedLines(text []byte, first int) []indentedLine {
	var lines []indentedLine
	at := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		rest := bytes.TrimLeft(line, " ")
		l := indentedLine{text: rest, indent: len(line) - len(rest), from: at + len(line) - len(rest)}
		if at == 0 {
			l.indent += first
		}
		at += len(line) + 1
		if len(bytes.TrimSpace(rest)) > 0 || len(lines) > 0 {
			lines = append(lines, l)
		}
	}
	for n := len(lines); n > 0 && len(bytes.TrimSpace(lines[n-1].text)) == 0; n-- {
		lines = lines[:n-1]
	}
	return lines
}

// move changes the offsets from start on that the recorder keeps.
func (r *recorder) move(start int, to func(int) int) {
	for i := range r.joins {
		if r.joins[i].offset >= start {
			r.joins[i].offset = to(r.joins[i].offset)
		}
	}
	for i := range r.events {
		if r.events[i].offset >= start {
			r.events[i].offset = to(r.events[i].offset)
		}
	}
}

// Structure is what makes a line more than a part of a scalar: a key, an item, a
// comment, a document's marker.
var structure = lazyregexp.New(`^(#|---|\.\.\.|[-?]([ \t]|$)|("[^"]*"|'[^']*'|[^\s"'\[{#][^#]*?):([ \t]|$))`)

// checkJoins finds the first trim that makes one line of structure of two. Within
// quotes, flow collections and blocks of text a trim is free.
func (r *recorder) checkJoins() *problem.Problem {
	text := r.out.Bytes()
	for i, j := range r.joins {
		start := bytes.LastIndexByte(text[:j.offset], '\n') + 1
		end := len(text)
		if n := bytes.IndexByte(text[j.offset:], '\n'); n >= 0 {
			end = j.offset + n
		}
		left, right := string(text[start:j.offset]), string(text[j.offset:end])
		if strings.TrimSpace(left) == "" || strings.TrimSpace(right) == "" {
			continue
		}
		last := r.joins[i]
		for _, other := range r.joins[i:] {
			if other.offset == j.offset {
				last = other
			}
		}
		if !joinsStructure(text[:j.offset], left, right, last.indent) {
			continue
		}
		trim, dash := j.hook, "{{-"
		for _, other := range r.joins[i:] {
			if other.offset == j.offset && other.hook.after {
				trim, dash = other.hook, "-}}"
				break
			}
		}
		p := problem.At(trim.place, "write "+strings.Replace(dash, "-", "", 1)+" here: the line break stays",
			"this %s joins two lines into one: %q and %q", dash, readable(left), readable(right)).WithCode(problem.JoinedLines)
		return p
	}
	return nil
}

// joinsStructure reports whether a line, which is the end of before, and what was
// moved up to it change the structure.
func joinsStructure(before []byte, left, right string, indent int) bool {
	at := contextOf(before)
	switch {
	case at.inside:
		return false
	case at.block > 0:
		return indent < at.block // it belongs outside of the text
	}
	left = strings.TrimLeft(left, " \t")
	glued := strings.TrimRight(left, " \t") == left && right == strings.TrimLeft(right, " \t")
	switch {
	case structure.MatchString(strings.TrimSpace(right)):
		return true
	case strings.Contains(left, " #") || strings.HasPrefix(left, "#"):
		return true
	case glued && (strings.HasSuffix(left, ":") || left == "-" || left == "?" || strings.HasSuffix(left, " -")):
		return true
	}
	return false
}

// readable returns a part of a line as a message has it.
func readable(line string) string {
	line = strings.NewReplacer(manifest.MapEntry, "{{ … }}", manifest.ListEntry, "{{ … }}", manifest.Placeholder, "{{ … }}").Replace(strings.TrimSpace(line))
	return problem.Cut(line, 50)
}

// yamlContext is where a text ends.
type yamlContext struct {
	inside bool // in quotes, or in a flow collection
	block  int  // in a block of text: its indentation, at least 1; else 0
}

var blockHeader = lazyregexp.New(`^[|>][-+0-9]*[ \t]*(#.*)?$`)

// contextOf finds out where a text, which need not be whole, ends. It knows of YAML
// what it takes to distinguish text from structure.
func contextOf(text []byte) yamlContext {
	s := yamlScanner{parent: -1}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		s.line(string(line))
	}
	return yamlContext{inside: s.quote != 0 || s.flow > 0, block: s.current}
}

// yamlScanner reads lines of YAML.
type yamlScanner struct {
	quote   byte // the quote that is open
	flow    int  // the brackets that are open
	inBlock bool // a block of text may go on
	parent  int  // the indentation that a block's text exceeds
	content int  // the indentation of a block's text, once it is known
	current int  // that of the block that the last line is in, 0 for none
}

func (s *yamlScanner) line(line string) {
	rest := strings.TrimLeft(line, " ")
	indent := len(line) - len(rest)
	s.current = 0
	if s.inBlock {
		if rest == "" {
			return
		}
		if s.content == 0 && indent > s.parent {
			s.content = max(indent, 1)
		}
		if s.content > 0 && indent >= s.content {
			s.current = s.content
			return
		}
		s.inBlock = false
	}
	begins := s.quote == 0 // a token may begin here
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case s.quote == '"' && c == '\\', s.quote == '\'' && c == '\'' && strings.HasPrefix(line[i+1:], "'"):
			i++
		case s.quote != 0:
			if c == s.quote {
				s.quote, begins = 0, false
			}
		case c == ' ' || c == '\t':
		case c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return
		case begins && (c == '"' || c == '\''):
			s.quote = c
		case begins && (c == '[' || c == '{'):
			s.flow++
		case s.flow > 0 && (c == ']' || c == '}'):
			s.flow--
			begins = false
		case s.flow > 0 && c == ',':
			begins = true
		case (c == ':' || begins && (c == '-' || c == '?')) && (i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'):
			begins = true
		case begins && (c == '&' || c == '!'):
			for i+1 < len(line) && line[i+1] != ' ' {
				i++
			}
		case begins && (c == '|' || c == '>') && s.flow == 0 && blockHeader.MatchString(line[i:]):
			s.inBlock, s.parent, s.content = true, indent, 0
			return
		default:
			begins = false
		}
	}
}
