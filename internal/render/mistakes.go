package render

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

var (
	parseError        = lazyregexp.New(`(?s)^template: (.*?):(\d+): (.*)$`)
	undefinedFunction = lazyregexp.New(`^function "(.*)" not defined$`)
)

// parseProblem gives text/template's error its place. The package reports it in its
// text only: "template: FILE:LINE: message".
func (t *Templates) parseProblem(s *source, err error) *problem.Problem {
	m := parseError.FindStringSubmatch(withoutHooks(err.Error()))
	if m == nil {
		return problem.At(problem.Place{File: s.file}, "", "%v", err).WithCode(problem.NotATemplate)
	}
	line, _ := strconv.Atoi(m[2])
	p := problem.At(problem.Place{File: s.file, Line: line}, "", "%s", m[3]).WithCode(problem.NotATemplate)
	p.Source = s.line(line)
	if n := s.conflict(); n > 0 {
		return s.conflictProblem(n)
	}
	if f := undefinedFunction.FindStringSubmatch(m[3]); f != nil {
		p.Code, p.Message = problem.UnknownFunction, fmt.Sprintf("unknown function %q", f[1])
		p.Hint = t.functionHint(f[1], p.Source)
		return p
	}
	if strings.Contains(p.Source, "{%") || jinjaCall.MatchString(p.Source) {
		p.Hint = "this is Jinja; write {{ if .Vars.x }} … {{ end }}, {{ range .Vars.list }} … {{ end }}, {{ .Vars.x | default \"y\" }}"
		return p
	}
	for _, h := range parseHints {
		if strings.Contains(m[3], h.words) {
			p.Hint = h.hint
			break
		}
	}
	return p
}

// jinjaCall is a function called with parentheses after its name, and a text in
// single quotes.
var jinjaCall = lazyregexp.New(`\{\{[^}]*(\w\(|'[^']{2,}'|\bis (not )?defined\b)`)

// conflict returns the first line that Git marks a merge conflict with, 0 where there is none.
func (s *source) conflict() int {
	for i, line := range strings.Split(s.text, "\n") {
		if strings.HasPrefix(line, "<<<<<<< ") {
			return i + 1
		}
	}
	return 0
}

func (s *source) conflictProblem(line int) *problem.Problem {
	p := problem.At(problem.Place{File: s.file, Line: line}, "choose one side, and take the lines of <<<<<<<, ======= and >>>>>>> out", "a merge conflict was left here").WithCode(problem.NotATemplate)
	p.Source = s.line(line)
	return p
}

// parseHints say what to do about some of text/template's messages; the first that fits
// counts.
var parseHints = []struct{ words, hint string }{
	{"unexpected EOF", "an if, range, with or define has no {{ end }}"},
	{"unexpected {{end}}", "there is no if, range, with or define that it would end"},
	{"unexpected \"}\" in operand", "an action ends in }}"},
	{"unclosed action", "an action ends in }}"},
	{"undefined variable", "set it first, in the same block or one around it: {{ $name := … }}"},
	{"malformed character constant", "text is written in double quotes"},
	{"unexpected bad character U+0027", "text is written in double quotes"},
}

var (
	execError = lazyregexp.New(`(?s)^template: (.*?):(\d+):(\d+): executing ".*?" at <.*?>: (.*)$`)
	calling   = lazyregexp.New(`^error calling \w+: `)
	noEntry   = lazyregexp.New(`^map has no entry for key "(.*)"$`)
	nilField  = lazyregexp.New(`^nil pointer evaluating interface \{\}\.(.*)$`)
	noFunc    = lazyregexp.New(`^wrong number of args for (\w+): want (at least )?(\d+) got (\d+)$`)
)

// execProblem gives an error of execution its place. text/template reports it in its
// text: "template: FILE:LINE:COL: executing …: message".
func (t *Templates) execProblem(s *source, err error) *problem.Problem {
	p := t.execPlace(s, err)
	hinted := (*hintedError)(nil)
	value := (*valueError)(nil)
	limit := (*limitError)(nil)
	switch {
	case errors.As(err, &limit):
		if limit.place != (problem.Place{}) {
			p.Place = limit.place
		}
		p.Message, p.Hint = limit.message, limit.hint
	case errors.As(err, &value):
		if value.place != (problem.Place{}) {
			p.Place = value.place
		}
		p.Message, p.Hint, p.Code = value.message, value.hint, problem.NotPrintable
	case errors.As(err, &hinted):
		p.Message, p.Hint = hinted.message, hinted.hint
	case errors.Is(err, errTag):
		p.Code, p.Hint = problem.WrongTag, "print .Tag as it is; what follows it moves with it"
	}
	if source := t.sources[p.Place.File]; source != nil {
		p.Source = source.line(p.Place.Line)
	}
	return p
}

// execPlace returns the place and the message of the innermost error that text/template
// places in a file: a template may be called by a function of another.
func (t *Templates) execPlace(s *source, err error) *problem.Problem {
	p := problem.At(problem.Place{File: s.file}, "", "%v", err).WithCode(problem.Failed)
	for e := err; e != nil; {
		var exec template.ExecError
		if !errors.As(e, &exec) {
			break
		}
		e = errors.Unwrap(errors.Unwrap(exec))
		m := execError.FindStringSubmatch(exec.Error())
		if m == nil || t.sources[m[1]] == nil {
			continue
		}
		line, _ := strconv.Atoi(m[2])
		offset, _ := strconv.Atoi(m[3])
		p.Place = problem.Place{File: m[1], Line: line, Col: t.sources[m[1]].column(line, offset)}
		p.Message = calling.ReplaceAllString(m[4], "")
	}
	switch m := p.Message; {
	case noEntry.MatchString(m):
		key := noEntry.FindStringSubmatch(m)[1]
		p.Message = fmt.Sprintf("there is no key %q here", key)
		p.Hint = fmt.Sprintf("where it may be missing, ask for it: {{ get MAP %q }}, or {{ with index MAP %q }}", key, key)
	case nilField.MatchString(m):
		p.Message = fmt.Sprintf("there is no .%s here: the map that it is to be in is not set", nilField.FindStringSubmatch(m)[1])
		p.Hint = "set it, or ask for it with if or with"
	case noFunc.MatchString(m):
		n := noFunc.FindStringSubmatch(m)
		p.Message = fmt.Sprintf("%s takes %s%s arguments, not %s", n[1], n[2], n[3], n[4])
	}
	return p
}
