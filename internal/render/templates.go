package render

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// templatesDir is where templates are, below the source folder.
const templatesDir = "templates"

// sharedDir holds {{ define }}s for the templates of every scope.
const sharedDir = "_shared"

const extension = ".yaml.tmpl"

// Templates are a source folder's templates, parsed.
type Templates struct {
	byScope map[string][]*source // sorted by name
	set     *template.Template   // every file and every define
	sources map[string]*source   // by file
	actions []action
}

// source is one template file.
type source struct {
	file string // templates/service/deployment.yaml.tmpl
	name string // deployment
	text string
}

// action is an {{ … }} that prints a value, or, in a traced set, a run of text.
type action struct {
	place problem.Place
	text  string // as it was written, without the braces
}

// place is the line and column of an offset in the file.
func (s *source) place(offset parse.Pos) problem.Place {
	before := s.text[:min(int(offset), len(s.text))]
	return problem.Place{
		File: s.file,
		Line: 1 + strings.Count(before, "\n"),
		Col:  1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:])),
	}
}

func (s *source) line(n int) string {
	lines := strings.Split(s.text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// ParseTemplates reads and parses the templates below fsys, and checks every
// field and variable that they name against what their scope has; without an
// inventory it checks no variables and fields.
func ParseTemplates(fsys fs.FS, inv *inventory.Inventory) (*Templates, error) {
	t := &Templates{byScope: map[string][]*source{}, sources: map[string]*source{}}
	var problems problem.List
	t.read(fsys, &problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(t.sources) == 0 {
		return nil, problem.At(problem.Place{File: templatesDir}, "put templates into the folder of their scope, such as "+templatesDir+"/service/deployment"+extension, "no template is here").WithCode(problem.NoTemplate)
	}
	t.parse(&problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for scope, sources := range t.byScope {
		for _, s := range sources {
			if inv != nil {
				checkFields(t, s, scope, inv, &problems)
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	t.mark(false)
	return t, nil
}

// traced is the same templates once more, with every run of text announced.
func (t *Templates) traced() *Templates {
	again := &Templates{byScope: t.byScope, sources: t.sources}
	again.parse(new(problem.List)) // it went well before
	again.mark(true)
	return again
}

// read finds the template files.
func (t *Templates) read(fsys fs.FS, problems *problem.List) {
	folders, err := fs.ReadDir(fsys, templatesDir)
	if err != nil {
		problems.Add(problem.At(problem.Place{File: templatesDir}, "it holds a folder of templates for each scope: "+strings.Join(inventory.Scopes, ", "), "no such folder").WithCode(problem.NoTemplate))
		return
	}
	for _, folder := range folders {
		name, dir := folder.Name(), path.Join(templatesDir, folder.Name())
		switch {
		case !folder.IsDir():
			if strings.HasSuffix(name, ".tmpl") {
				problems.Add(problem.At(problem.Place{File: dir}, "move it into the folder of its scope: "+strings.Join(inventory.Scopes, ", "), "this template has no scope").WithCode(problem.Misplaced))
			}
		case name == sharedDir || slices.Contains(inventory.Scopes, name):
			t.readScope(fsys, name, problems)
		case !strings.HasPrefix(name, "."):
			problems.Add(problem.At(problem.Place{File: dir}, problem.DidYouMean(name, inventory.Scopes), "unknown scope %q", name).WithCode(problem.Misplaced))
		}
	}
}

func (t *Templates) readScope(fsys fs.FS, scope string, problems *problem.List) {
	dir := path.Join(templatesDir, scope)
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		problems.Add(problem.At(problem.Place{File: dir}, "", "%v", err).WithCode(problem.NoTemplate))
		return
	}
	for _, entry := range entries {
		file := path.Join(dir, entry.Name())
		suffix := extension
		if scope == sharedDir {
			suffix = ".tmpl"
		}
		name, ok := strings.CutSuffix(entry.Name(), suffix)
		switch {
		case strings.HasPrefix(entry.Name(), "."):
			continue
		case entry.IsDir():
			problems.Add(problem.At(problem.Place{File: file}, "put what is in it into "+dir, "templates stand right in the folder of their scope, not in folders below").WithCode(problem.Misplaced))
			continue
		case !ok && slices.Contains([]string{".yaml", ".yml", ".tmpl", ".tpl"}, path.Ext(entry.Name())):
			problems.Add(problem.At(problem.Place{File: file}, "rename it to "+strings.SplitN(entry.Name(), ".", 2)[0]+suffix, "a template's file ends in %s", suffix).WithCode(problem.Misplaced))
			continue
		case !ok:
			continue
		}
		if !templateName.MatchString(name) {
			problems.Add(problem.At(problem.Place{File: file}, "lower-case letters, digits, . and -", "%q cannot be part of a file's name", name).WithCode(problem.Misplaced))
			continue
		}
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			problems.Add(problem.At(problem.Place{File: file}, "", "%v", err).WithCode(problem.NoTemplate))
			continue
		}
		s := &source{file: file, name: name, text: strings.ReplaceAll(string(data), "\r\n", "\n")}
		if at := strings.Index(s.text, manifest.Mark); at >= 0 {
			problems.Add(problem.At(s.place(parse.Pos(at)), "remove it", "the character U+E000 has a meaning of its own in templates").WithCode(problem.NotATemplate))
			continue
		}
		t.sources[file] = s
		if scope != sharedDir {
			t.byScope[scope] = append(t.byScope[scope], s)
		}
	}
}

var templateName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// parse parses the files into one set, so that they share their defines.
func (t *Templates) parse(problems *problem.List) {
	t.set = template.New("").Option("missingkey=error").Funcs(functions).Funcs((&recorder{}).functions())
	defined := map[string]string{}
	for _, file := range slices.Sorted(maps.Keys(t.sources)) {
		s := t.sources[file]
		// Parsed on its own first, so that a name defined twice can be told.
		trees, err := parse.Parse(file, s.text, "", "", builtins, functions)
		if err != nil {
			problems.Add(s.parseProblem(err))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(trees)) {
			if other, twice := defined[name]; twice {
				problems.Add(problem.At(problem.Place{File: file}, "rename one of the two", "the template %q is defined here and in %s", name, other).WithCode(problem.DefinedTwice))
				continue
			}
			defined[name] = file
			if _, err := t.set.AddParseTree(name, trees[name]); err != nil {
				problems.Add(s.parseProblem(err))
			}
		}
	}
}

// builtins are the names of those of text/template's own functions that templates
// may call. The others are for other things than manifests: html, js, call, …
var builtins = map[string]any{
	"and": 0, "index": 0, "slice": 0, "len": 0, "not": 0, "or": 0,
	"eq": 0, "ge": 0, "gt": 0, "le": 0, "lt": 0, "ne": 0,
}

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
	for part, hint := range parseHints {
		if strings.Contains(m[3], part) {
			p.Hint = hint
		}
	}
	return p
}

// parseHints say what to do about some of text/template's messages.
var parseHints = map[string]string{
	"unexpected EOF":              "an if, range, with or define has no {{ end }}",
	"unexpected {{end}}":          "there is no if, range, with or define that it would end",
	"unexpected \"}\" in operand": "an action ends in }}",
	"unclosed action":             "an action ends in }}",
	"undefined variable":          "set it first, in the same block or one around it: {{ $name := … }}",
}

// withoutFunction says how to do without functions that people know from Helm.
var withoutFunction = map[string]string{
	"toYaml": asData, "toJson": asData, "nindent": asData, "indent": asData, "quote": asData, "squote": asData,
	"now": closed, "date": closed, "env": closed, "lookup": closed, "randAlphaNum": closed, "uuidv4": closed,
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
func (t *Templates) execProblem(err error) *problem.Problem {
	if v := (*valueError)(nil); errors.As(err, &v) {
		p := problem.At(t.actions[v.action].place, v.hint, v.message, t.actions[v.action].text).WithCode(problem.NotPrintable)
		p.Source = t.sources[p.Place.File].line(p.Place.Line)
		return p
	}
	m := execError.FindStringSubmatch(err.Error())
	if m == nil || t.sources[m[1]] == nil {
		return problem.New("", "%v", err).WithCode(problem.Failed)
	}
	line, _ := strconv.Atoi(m[2])
	col, _ := strconv.Atoi(m[3])
	p := problem.At(problem.Place{File: m[1], Line: line, Col: col + 1}, "", "%s", calling.ReplaceAllString(m[4], "")).WithCode(problem.Failed)
	p.Source = t.sources[m[1]].line(line)
	if key := noEntry.FindStringSubmatch(p.Message); key != nil {
		p.Message = fmt.Sprintf("there is no key %q here", key[1])
		p.Hint = fmt.Sprintf("where it may be missing, ask for it: {{ with index … %q }}", key[1])
	}
	return p
}

// mark rewrites the parsed templates so that what an action prints becomes a
// value of the manifest: {{ X }} becomes {{ X | value n }}, as html/template adds
// its escapers. In a traced set, a run of text is announced by {{ text n }} too.
func (t *Templates) mark(trace bool) {
	for _, tmpl := range t.set.Templates() {
		if tmpl.Tree != nil {
			t.markList(tmpl.Tree, tmpl.Tree.Root, trace)
		}
	}
}

func (t *Templates) markList(tree *parse.Tree, list *parse.ListNode, trace bool) {
	if list == nil {
		return
	}
	var nodes []parse.Node
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, t.call(tree, "value", n.Pos, n.Pipe.String()))
			}
		case *parse.TextNode:
			if trace {
				pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: n.Pos, Cmds: []*parse.CommandNode{t.call(tree, "text", n.Pos, "")}}
				nodes = append(nodes, &parse.ActionNode{NodeType: parse.NodeAction, Pos: n.Pos, Pipe: pipe})
			}
		case *parse.IfNode:
			t.markList(tree, n.List, trace)
			t.markList(tree, n.ElseList, trace)
		case *parse.WithNode:
			t.markList(tree, n.List, trace)
			t.markList(tree, n.ElseList, trace)
		case *parse.RangeNode:
			t.markList(tree, n.List, trace)
			t.markList(tree, n.ElseList, trace)
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
}

// call is the command "function n", n being a new action.
func (t *Templates) call(tree *parse.Tree, function string, at parse.Pos, text string) *parse.CommandNode {
	n := len(t.actions)
	t.actions = append(t.actions, action{place: t.sources[tree.ParseName].place(at), text: text})
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{
		parse.NewIdentifier(function).SetTree(tree).SetPos(at),
		&parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n)},
	}}
}
