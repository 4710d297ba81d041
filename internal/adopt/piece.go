package adopt

import (
	"strings"
)

// outLine is a line of a template.
type outLine struct {
	pieces []piece
	slot   *slot // what it is for; nil where it is no line of a copy
}

// piece is a part of a line of a template: a text, an expression that is printed, a
// variable that has no name yet, or a word that controls what is printed.
type piece struct {
	text string
	expr string
	code string // as it is
	hole *hole
	word string // if, else if, else, end
	cond condition
	trim trim
}

// trim is on which side an action takes the blanks away.
type trim int8

const (
	trimNone trim = iota
	trimLeft
	trimRight
)

// condition is when a part of a template is printed.
type condition struct {
	expr string
	hole *hole // a variable, where expr is ""
}

func (c condition) String() string {
	if c.hole != nil {
		name := ".Vars." + c.hole.variable.name
		if c.hole.negated {
			return "not " + name
		}
		return name
	}
	return c.expr
}

// write returns the piece as it stands in the template. A raw text is written without
// expressions, so that it can stand in a comment too.
func (p piece) write(raw bool) string {
	switch {
	case p.hole != nil:
		return escaped(p.hole.before, raw) + p.hole.write() + escaped(p.hole.after, raw)
	case p.code != "":
		return p.code
	case p.expr != "":
		return "{{ " + p.expr + " }}"
	case p.word == "":
		return escaped(p.text, raw)
	}
	action := p.word
	if condition := p.cond.String(); condition != "" {
		action += " " + condition
	}
	switch p.trim {
	case trimLeft:
		return "{{- " + action + " }}"
	case trimRight:
		return "{{ " + action + " -}}"
	}
	return "{{ " + action + " }}"
}

// write returns what prints the hole's value.
func (h *hole) write() string {
	if h.derived == nil {
		return "{{ .Vars." + h.variable.name + " }}"
	}
	text := ""
	for _, part := range h.derived {
		if part.hole != nil {
			text += "{{ .Vars." + part.hole.variable.name + " }}"
		} else {
			text += part.write(false)
		}
	}
	return text
}

// escaped returns a text as it stands in a template that prints it.
func escaped(s string, raw bool) string {
	if !strings.Contains(s, "{{") {
		return s
	}
	if !raw {
		return strings.ReplaceAll(s, "{{", `{{ "{{" }}`)
	}
	for strings.Contains(s, "{{") {
		s = strings.Replace(s, "{{", "{\x00{", 1)
	}
	return strings.ReplaceAll(s, "\x00", " {{- /**/ -}} ")
}

// String returns the line as it stands in the template.
func (l outLine) String() string {
	var b strings.Builder
	raw := l.slot == nil || l.slot.kind == comment || l.slot.noVars
	for _, p := range l.pieces {
		b.WriteString(p.write(raw))
	}
	return b.String()
}
