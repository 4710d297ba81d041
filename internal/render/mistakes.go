package render

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/problem"
)

var (
	parseError        = regexp.MustCompile(`(?s)^template: (.*?):(\d+): (.*)$`)
	undefinedFunction = regexp.MustCompile(`^function "(.*)" not defined$`)
)

// parseProblem gives text/template's error its place. The package tells it in its
// text only: "template: FILE:LINE: message".
func (s *source) parseProblem(err error) *problem.Problem {
	m := parseError.FindStringSubmatch(err.Error())
	if m == nil {
		return problem.At(problem.Place{File: s.file}, "", "%v", err).WithCode(problem.NotATemplate)
	}
	line, _ := strconv.Atoi(m[2])
	p := problem.At(problem.Place{File: s.file, Line: line}, "", "%s", m[3]).WithCode(problem.NotATemplate)
	p.Source = s.line(line)
	if f := undefinedFunction.FindStringSubmatch(m[3]); f != nil {
		p.Code, p.Message = problem.UnknownFunction, fmt.Sprintf("unknown function %q", f[1])
		if p.Hint = withoutFunction[f[1]]; p.Hint == "" {
			p.Hint = problem.DidYouMean(f[1], append(slices.Sorted(maps.Keys(functions)), slices.Sorted(maps.Keys(builtins))...))
		}
	}
	for _, h := range parseHints {
		if strings.Contains(m[3], h.words) {
			p.Hint = h.hint
			break
		}
	}
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
}

// withoutFunction says how to do without functions that people know from Helm.
var withoutFunction = map[string]string{
	"toYaml": asData, "toJson": asData, "nindent": asData, "indent": asData, "quote": asData, "squote": asData,
	"now": closed, "date": closed, "env": closed, "lookup": closed, "randAlphaNum": closed, "uuidv4": closed,
	"html": asData, "js": asData, "urlquery": "print the parts of the URL as they are",
	"call":    "there are no functions among the values",
	"println": "print is there, and the line ends where the template's does",
	"include": "write {{ template \"name\" . }}",
	"tpl":     "write the template into a file in templates/_shared",
}

const (
	asData = "leave it out, and what follows it: {{ .Vars.x }} comes out as YAML, quoted and indented as its place needs it"
	closed = "the same input makes the same manifests: there is no clock, randomness, environment or network in templates"
)

var (
	execError = regexp.MustCompile(`(?s)^template: (.*?):(\d+):(\d+): executing ".*?" at <.*?>: (.*)$`)
	calling   = regexp.MustCompile(`^error calling \w+: `)
	noEntry   = regexp.MustCompile(`^map has no entry for key "(.*)"$`)
)

// execProblem gives an error of execution its place. Like a parse error, it tells
// it in its text: "template: FILE:LINE:COL: executing …: message".
func (t *Templates) execProblem(s *source, err error) *problem.Problem {
	if v := (*valueError)(nil); errors.As(err, &v) {
		p := problem.At(t.actions[v.action].place, v.hint, v.message, t.actions[v.action].text).WithCode(problem.NotPrintable)
		p.Source = t.sources[p.Place.File].line(p.Place.Line)
		return p
	}
	if errors.Is(err, errTooLong) {
		return problem.At(problem.Place{File: s.file}, "look for a range that does not end", "%v", err).WithCode(problem.Failed)
	}
	m := execError.FindStringSubmatch(err.Error())
	if m == nil || t.sources[m[1]] == nil {
		return problem.New("", "%v", err).WithCode(problem.Failed)
	}
	line, _ := strconv.Atoi(m[2])
	col, _ := strconv.Atoi(m[3])
	p := problem.At(problem.Place{File: m[1], Line: line, Col: col + 1}, "", "%s", calling.ReplaceAllString(m[4], "")).WithCode(problem.Failed)
	if errors.Is(err, errTag) {
		p.Code = problem.WrongTag
	}
	p.Source = t.sources[m[1]].line(line)
	if key := noEntry.FindStringSubmatch(p.Message); key != nil {
		p.Message = fmt.Sprintf("there is no key %q here", key[1])
		p.Hint = fmt.Sprintf("where it may be missing, ask for it: {{ with index … %q }}", key[1])
	}
	return p
}
