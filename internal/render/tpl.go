package render

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"text/template/parse"

	"k8srepo/internal/problem"
)

// tpl runs a value's text as a template for a dot, and is the text that it prints.
func (x *execution) tpl(text, dot any) (string, error) {
	s, err := x.textOf(text)
	if err != nil || !strings.Contains(s, "{{") {
		return s, err
	}
	if err := x.charge(callCost + len(s)); err != nil {
		return "", err
	}
	if x.levels++; x.levels > maxLevels {
		return "", &limitError{message: fmt.Sprintf("values evaluate each other more than %d levels deep", maxLevels), hint: "a value must not evaluate itself"}
	}
	defer func() { x.levels-- }()
	tmpl, err := x.valueTemplate(s, dot)
	if err != nil {
		return "", err
	}
	out, err := x.inText(func() error { return tmpl.Execute(x, dot) })
	return out, x.inValue(s, err)
}

// inValue returns an error in the text of a value, as it is reported where the value is used.
func (x *execution) inValue(text string, err error) error {
	if err == nil || errors.Is(err, errStopped) {
		return err
	}
	if limit := (*limitError)(nil); errors.As(err, &limit) {
		return limit
	}
	p := x.templates.execProblem(&source{}, err)
	message := p.Message
	if m := execError.FindStringSubmatch(message); m != nil {
		message = calling.ReplaceAllString(m[4], "")
	}
	if errors.Is(err, errTag) {
		return errTag
	}
	return &hintedError{fmt.Sprintf("in the value %q: %s", problem.Cut(text, 60), message), p.Hint}
}

// valueTemplate returns a value's text, parsed once. It may call the templates that are
// there, and define none.
func (x *execution) valueTemplate(text string, dot any) (*template.Template, error) {
	key := fmt.Sprintf("%s\x00%T", text, dot)
	if known := x.parsed[key]; known != nil {
		return known, nil
	}
	name := fmt.Sprintf("value %d", len(x.parsed))
	s := &source{file: name, text: text, hooked: text}
	wrong := func(message, hint string) error {
		return &hintedError{fmt.Sprintf("in the value %q: %s", problem.Cut(text, 60), message), hint}
	}
	if strings.Contains(text, hookPrefix) {
		return nil, wrong("the character U+E001 has a meaning of its own in templates", "remove it")
	}
	functions := x.functions()
	for _, name := range hiddenFunctions {
		delete(functions, name)
	}
	trees, err := parse.Parse(name, text, "", "", builtins, functions)
	if err != nil {
		p := x.templates.parseProblem(s, err)
		return nil, wrong(p.Message, p.Hint)
	}
	if len(trees) > 1 {
		return nil, wrong("it defines a template", "put that into a file of "+templatesDir+"/"+sharedDir)
	}
	tree := trees[name]
	var problems problem.List
	c := &checker{templates: x.templates, scope: "", variables: x.templates.variables, problems: &problems, seen: map[string]bool{}, value: s}
	if dot != nil {
		t := reflect.TypeOf(dot)
		c.list(tree, tree.Root, t, variables{"$": &t})
	}
	if len(problems) > 0 {
		return nil, wrong(problems[0].Message, problems[0].Hint)
	}
	tmpl, err := x.set.AddParseTree(name, tree)
	if err != nil {
		return nil, wrong(err.Error(), "")
	}
	w := &rewriter{x.templates, tree}
	w.prepare(tree.Root)
	w.placeholders(tree.Root)
	if x.parsed == nil {
		x.parsed = map[string]*template.Template{}
	}
	x.parsed[key] = tmpl
	return tmpl, nil
}
