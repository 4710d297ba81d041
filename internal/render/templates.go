package render

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"k8srepo/internal/inventory"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// templatesDir is where templates are, below the source folder.
const templatesDir = "templates"

// sharedDir holds {{ define }}s for the templates of every scope.
const sharedDir = "_shared"

// filesDir holds the files whose text templates may embed.
const filesDir = "files"

const extension = ".yaml.tmpl"

// byteOrderMark is what editors on Windows begin UTF-8 text with.
const byteOrderMark = "\ufeff"

// Templates are a source folder's templates, parsed.
type Templates struct {
	// SetHint says how a variable that is not set is set, where that is known better than
	// by the line of the environment's file; it may be nil, and return "".
	SetHint func(Unset) string

	byScope     map[string][]*source // sorted by name
	set         *template.Template   // every file and every define
	sources     map[string]*source   // by file
	actions     []action
	hooks       []hook
	sourceHooks int // how many of them are in the sources' texts
	files       textFiles
	variables   []string // the declared ones
}

// action is an {{ … }} that prints a value; in a traced set, any other and a run
// of text too.
type action struct {
	place problem.Place
	text  string // as it was written, without the braces
}

// ParseTemplates reads and parses the templates below fsys, and checks every
// field and variable that they name against what their scope has; without an
// inventory it checks no variables and fields.
func ParseTemplates(fsys fs.FS, inv *inventory.Inventory) (*Templates, error) {
	t := &Templates{byScope: map[string][]*source{}, sources: map[string]*source{}, files: readFiles(fsys)}
	var problems problem.List
	if inv != nil {
		for _, f := range inv.Defaults.Fields {
			t.variables = append(t.variables, f.Key.Text)
		}
	}
	t.read(fsys, &problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(t.sources) == 0 {
		return nil, problem.At(problem.Place{File: templatesDir}, "put templates into the folder of their scope, such as "+templatesDir+"/service/deployment"+extension, "no template is here").WithCode(problem.NoTemplate)
	}
	for _, file := range slices.Sorted(maps.Keys(t.sources)) {
		t.addHooks(t.sources[file])
	}
	t.sourceHooks = len(t.hooks)
	t.parse(&problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for scope, sources := range t.byScope {
		for _, s := range sources {
			if inv != nil {
				checkFields(t, s, scope, &problems)
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	t.rewrite(func(w *rewriter, root *parse.ListNode) {
		w.prepare(root)
		w.placeholders(root)
	})
	return t, nil
}

// read finds the template files.
func (t *Templates) read(fsys fs.FS, problems *problem.List) {
	folders, err := fs.ReadDir(fsys, templatesDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		problems.Add(unreadable(templatesDir, err))
		return
	}
	if err != nil {
		problems.Add(problem.At(problem.Place{File: templatesDir}, "it holds a folder of templates for each scope: "+strings.Join(inventory.Scopes, ", "), "no such folder").WithCode(problem.NoTemplate))
		return
	}
	for _, folder := range folders {
		name, dir := folder.Name(), path.Join(templatesDir, folder.Name())
		switch {
		case folder.Type()&fs.ModeSymlink != 0:
			problems.Add(unreadable(dir, inventory.ErrLink))
		case !folder.IsDir():
			if strings.HasSuffix(name, ".tmpl") {
				problems.Add(problem.At(problem.Place{File: dir}, "move it into the folder of its scope: "+strings.Join(inventory.Scopes, ", "), "this template has no scope").WithCode(problem.Misplaced))
			}
		case name == filesDir: // see textFiles
		case name == sharedDir || slices.Contains(inventory.Scopes, name):
			t.readScope(fsys, name, problems)
		case !strings.HasPrefix(name, "."):
			problems.Add(problem.At(problem.Place{File: dir}, problem.DidYouMean(name, inventory.Scopes), "unknown scope %q", name).WithCode(problem.Misplaced))
		}
	}
}

// unreadable returns the problem of a file or a folder that cannot be read.
func unreadable(file string, err error) *problem.Problem {
	return problem.At(problem.Place{File: file}, "", "%v", inventory.WithoutPath(err)).WithCode(problem.NoTemplate)
}

func (t *Templates) readScope(fsys fs.FS, scope string, problems *problem.List) {
	dir := path.Join(templatesDir, scope)
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		problems.Add(unreadable(dir, err))
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
		case entry.Type()&fs.ModeSymlink != 0 && !ok: // of a file, see below; of a folder, its templates would be missed
			problems.Add(unreadable(file, inventory.ErrLink))
			continue
		case entry.IsDir():
			problems.Add(problem.At(problem.Place{File: file}, "put what is in it into "+dir, "templates are files of the folder of their scope, not of folders below").WithCode(problem.Misplaced))
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
		data, err := manifest.ReadFile(fsys, file)
		if err != nil {
			problems.Add(unreadable(file, err))
			continue
		}
		s := &source{file: file, name: name, text: strings.ReplaceAll(strings.TrimPrefix(string(data), byteOrderMark), "\r\n", "\n")}
		s.hooked = s.text
		if at := strings.IndexAny(s.text, manifest.Placeholder+hookPrefix+manifest.SplicePlaceholder); at >= 0 {
			problems.Add(problem.At(s.place(parse.Pos(at)), "remove it", "the characters U+E000 to U+E002 have a meaning of their own in templates").WithCode(problem.NotATemplate))
			continue
		}
		s.readOutput(scope, problems)
		t.sources[file] = s
		if scope != sharedDir {
			t.byScope[scope] = append(t.byScope[scope], s)
		}
	}
}

var templateName = lazyregexp.New(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// parse parses the files into one set, so that they share their defines.
func (t *Templates) parse(problems *problem.List) {
	functions := (&execution{}).functions()
	t.set = template.New("").Option("missingkey=error").Funcs(functions).Funcs((&tracer{}).traceFunctions())
	for _, name := range hiddenFunctions {
		delete(functions, name)
	}
	defined := map[string]problem.Place{}
	for _, file := range slices.Sorted(maps.Keys(t.sources)) {
		s := t.sources[file]
		// Parsed on its own first, so that a name defined twice is found.
		trees, err := parse.Parse(file, s.hooked, "", "", builtins, functions)
		if err != nil {
			problems.Add(t.parseProblem(s, err))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(trees)) {
			if other, twice := defined[name]; twice {
				p := problem.At(s.defined(name), "rename one of the two", "the template %q is defined here and in %s", name, other).WithCode(problem.DefinedTwice)
				p.Source = s.line(p.Place.Line)
				problems.Add(p)
				continue
			}
			defined[name] = s.defined(name)
			if _, err := t.set.AddParseTree(name, trees[name]); err != nil {
				problems.Add(t.parseProblem(s, err))
			}
		}
	}
}
