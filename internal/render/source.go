package render

import (
	"strconv"
	"strings"
	"sync"
	"text/template/parse"
	"unicode/utf8"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// source is one template file.
type source struct {
	file   string // templates/service/deployment.yaml.tmpl
	name   string // deployment
	output string // of its path line: {service}/{name}.yaml; "" without one
	exact  bool   // its path line says that its ends are written as they are
	text   string
	hooked string // text with hooks, as it is parsed

	once   sync.Once
	starts []int // the offsets of the lines in hooked
}

// place returns the line and column of an offset in the hooked text.
func (s *source) place(offset parse.Pos) problem.Place {
	starts := s.lineStarts()
	at := min(int(offset), len(s.hooked))
	line := 1
	for low, high := 0, len(starts); low < high; {
		if middle := (low + high) / 2; starts[middle] <= at {
			line, low = middle+1, middle+1
		} else {
			high = middle
		}
	}
	return problem.Place{File: s.file, Line: line, Col: 1 + utf8.RuneCountInString(withoutHooks(s.hooked[starts[line-1]:at]))}
}

// column returns the column, counted from 1, of a byte in a line of the hooked text.
func (s *source) column(line, offset int) int {
	starts := s.lineStarts()
	if line < 1 || line > len(starts) {
		return 0
	}
	return s.place(parse.Pos(starts[line-1] + offset)).Col
}

// lineStarts returns the offsets of the lines' first bytes, computed on first use.
func (s *source) lineStarts() []int {
	s.once.Do(func() {
		s.starts = []int{0}
		for i := range len(s.hooked) {
			if s.hooked[i] == '\n' {
				s.starts = append(s.starts, i+1)
			}
		}
	})
	return s.starts
}

// line returns a line of the file, counted from 1, "" where there is none.
func (s *source) line(n int) string {
	lines := strings.Split(s.text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// defined returns the line where the file defines a template, or the file where none does.
func (s *source) defined(name string) problem.Place {
	for i, line := range strings.Split(s.text, "\n") {
		if m := definition.FindStringSubmatch(line); m != nil && m[1] == name {
			return problem.Place{File: s.file, Line: i + 1}
		}
	}
	return problem.Place{File: s.file}
}

var definition = lazyregexp.New("\\{\\{-?\\s*(?:define|block)\\s+[\"`]([^\"`]*)[\"`]")

// A hook is a note in a template's text: hookPrefix, a number and hookEnd. text/template
// writes it out like any text, and so reports to the execution where it is. Authors cannot
// write the characters: templates that hold them are refused.
const (
	hookPrefix = "\ue001"
	hookEnd    = ";"
)

func hookText(n int) string { return hookPrefix + strconv.Itoa(n) + hookEnd }

// withoutHooks returns text less its hooks.
func withoutHooks(text string) string {
	if !strings.Contains(text, hookPrefix) {
		return text
	}
	var b strings.Builder
	for i, part := range strings.Split(text, hookPrefix) {
		if i > 0 {
			_, part, _ = strings.Cut(part, hookEnd)
		}
		b.WriteString(part)
	}
	return b.String()
}

// hookKind is what a hook says.
type hookKind int

const (
	stepHook       hookKind = iota // a list of nodes begins to run
	enterHook                      // a template begins
	leaveHook                      // a template ends
	trimHook                       // a trim took a line break away
	aloneHook                      // the value that follows is alone on its line
	blockStartHook                 // a call of a template that is alone on its line follows
	blockEndHook                   // its output ends
)

// hook is one hook.
type hook struct {
	kind  hookKind
	place problem.Place
	cost  int    // of stepHook: how many steps the list takes
	space string // of trimHook: what was trimmed
	after bool   // of trimHook: the trim is -}}
}

// piece is a run of a template's source: text, or an action with its braces.
type piece struct {
	start, end           int
	action               bool
	trimBefore, trimLast bool // {{- and -}}
	word                 string
	piped                bool // it has a | outside of parentheses
	alone                bool // the only thing on its line that prints
}

// controls are the first words of actions that print nothing themselves.
var controls = map[string]bool{
	"if": true, "else": true, "end": true, "with": true, "range": true, "define": true, "block": true,
	"break": true, "continue": true, "/*": true, "=": true,
}

// isCall reports whether an action is a call of a template and nothing else.
func (p piece) isCall() bool { return p.word == "template" || p.word == "include" && !p.piped }

const templateSpace = " \t\r\n"

// pieces splits a source. What follows an action that does not end is text.
func pieces(text string) []piece {
	var list []piece
	at := 0
	for at < len(text) {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			break
		}
		if open += at; open > at {
			list = append(list, piece{start: at, end: open})
		}
		p, ok := readAction(text, open)
		if !ok {
			at = open
			break
		}
		list = append(list, p)
		at = p.end
	}
	if at < len(text) {
		list = append(list, piece{start: at, end: len(text)})
	}
	markAlone(text, list)
	return list
}

// readAction reads the action that begins at start.
func readAction(text string, start int) (piece, bool) {
	p := piece{start: start, action: true}
	at := start + len("{{")
	if strings.HasPrefix(text[at:], "-") && len(text) > at+1 && strings.IndexByte(templateSpace, text[at+1]) >= 0 {
		p.trimBefore = true
		at++
	}
	inner := strings.TrimLeft(text[at:], templateSpace)
	at = len(text) - len(inner)
	if strings.HasPrefix(inner, "/*") {
		p.word = "/*"
		end := strings.Index(inner, "*/")
		if end < 0 {
			return p, false
		}
		at += end + len("*/")
	} else {
		p.word = firstWord(inner)
	}
	depth := 0
	for at < len(text) {
		switch c := text[at]; {
		case c == '}' && strings.HasPrefix(text[at:], "}}"):
			p.end = at + len("}}")
			p.trimLast = text[at-1] == '-' && at-2 >= start && strings.IndexByte(templateSpace, text[at-2]) >= 0
			return p, true
		case c == '"' || c == '\'' || c == '`':
			n := quotedLength(text[at:])
			if n == 0 {
				return p, false
			}
			at += n
			continue
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			p.piped = true
		}
		at++
	}
	return p, false
}

// quotedLength returns the length of the quoted constant that text begins with, 0 where it
// does not end.
func quotedLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i + 1
		case text[i] == '\\' && text[0] != '`':
			i++
		}
	}
	return 0
}

// firstWord returns the word that says what an action does: "if", "template", "=" for a
// variable that is set, "" for a value.
func firstWord(inner string) string {
	if strings.HasPrefix(inner, "$") {
		left := strings.TrimLeft(inner, "$_,"+templateSpace+"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
		if strings.HasPrefix(left, "=") || strings.HasPrefix(left, ":=") {
			return "="
		}
		return ""
	}
	end := 0
	for end < len(inner) && (inner[end]|0x20 >= 'a' && inner[end]|0x20 <= 'z') {
		end++
	}
	return inner[:end]
}

// markAlone notes which actions are alone on their lines: a line may have actions
// that print nothing next to them.
func markAlone(text string, list []piece) {
	printing, others := -1, false
	close := func() {
		if printing >= 0 && !others {
			list[printing].alone = true
		}
		printing, others = -1, false
	}
	for i, p := range list {
		switch {
		case p.action && controls[p.word]:
		case p.action:
			others = others || printing >= 0
			printing = i
		default:
			lines := strings.Split(text[p.start:p.end], "\n")
			for n, line := range lines {
				if n > 0 {
					close()
				}
				others = others || strings.Trim(line, templateSpace) != ""
			}
		}
	}
	close()
}

// hook adds a hook, and returns it as text.
func (t *Templates) hook(h hook) string {
	t.hooks = append(t.hooks, h)
	return hookText(len(t.hooks) - 1)
}

// addHooks makes the text that is parsed: with a hook where a trim takes a line break
// away, and around what is alone on its line. The trims of a call that is alone on
// its line are blanked, for its output is indented as a block. Lines stay, and columns
// but for the hooks.
func (t *Templates) addHooks(s *source) {
	list := pieces(s.text)
	var b strings.Builder
	at := 0 // what is not written yet
	line, counted := 1, 0
	place := func(offset int) problem.Place { // is asked for ascending offsets
		line += strings.Count(s.text[counted:offset], "\n")
		counted = offset
		start := strings.LastIndexByte(s.text[:offset], '\n') + 1
		return problem.Place{File: s.file, Line: line, Col: 1 + utf8.RuneCountInString(s.text[start:offset])}
	}
	for _, p := range list {
		if !p.action {
			continue
		}
		call := p.alone && p.isCall()
		before := p.start // of the blanks before it
		for before > at && strings.IndexByte(templateSpace, s.text[before-1]) >= 0 {
			before--
		}
		trimmed := s.text[before:p.start]
		b.WriteString(s.text[at:before])
		if p.trimBefore && !call && strings.Contains(trimmed, "\n") {
			b.WriteString(t.hook(hook{kind: trimHook, place: place(p.start), space: trimmed}))
		}
		if p.alone && !call && p.trimBefore {
			b.WriteString(t.hook(hook{kind: aloneHook}))
		}
		b.WriteString(trimmed)
		if p.alone && !call && !p.trimBefore {
			b.WriteString(t.hook(hook{kind: aloneHook}))
		}
		action := s.text[p.start:p.end]
		if call {
			b.WriteString(t.hook(hook{kind: blockStartHook, place: place(p.start)}))
			if p.trimBefore {
				action = "{{ " + action[len("{{-"):]
			}
			if p.trimLast {
				action = action[:len(action)-len("-}}")] + " }}"
			}
		}
		b.WriteString(action)
		at = p.end
		if call {
			b.WriteString(t.hook(hook{kind: blockEndHook}))
			continue
		}
		after := p.end
		for after < len(s.text) && strings.IndexByte(templateSpace, s.text[after]) >= 0 {
			after++
		}
		if p.trimLast && strings.Contains(s.text[p.end:after], "\n") {
			b.WriteString(s.text[p.end:after])
			b.WriteString(t.hook(hook{kind: trimHook, place: place(p.start), space: s.text[p.end:after], after: true}))
			at = after
		}
	}
	b.WriteString(s.text[at:])
	s.hooked = b.String()
}
