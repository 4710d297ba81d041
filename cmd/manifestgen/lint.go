package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
	"k8srepo/internal/limit"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/rules"
	"k8srepo/internal/validate"
)

// lintOptions are what lint is asked to do.
type lintOptions struct {
	paths      []string // files, folders, or - for stdin
	stdin      io.Reader
	kubernetes string // "" for the newest
	schemas    string // a folder of CustomResourceDefinitions; "" for none
	namespace  string // of objects without one
	strict     bool
	output     string // text, json or github
}

func lintCommand(con *console.Console, stdin io.Reader) *cli.Command {
	return &cli.Command{
		Name:      "lint",
		Usage:     "validate manifests as the API server would, without a cluster",
		ArgsUsage: "PATH…|-",
		Description: `PATH is a file, or a folder whose .yaml, .yml and .json files are read at any
depth; - reads standard input. No inventory is needed; of a k8s repo, its inputs
(users.yaml, environments/, templates/) are left out. Exit status 1: the API
server would refuse something; 2: a file cannot be read.

   manifestgen lint k8s/dev/manifests
   kustomize build overlays/prod | manifestgen lint - --kubernetes 1.34
   manifestgen lint . --schemas crds -o json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "kubernetes", Usage: "the cluster's `minor`, such as 1.34 (default: the newest that is known)"},
			&cli.StringFlag{Name: "schemas", Usage: "a `folder` of CustomResourceDefinitions"},
			&cli.StringFlag{Name: "namespace", Value: "default", Usage: "the `namespace` of objects that name none"},
			&cli.BoolFlag{Name: "strict", Usage: "an object of a kind that is not known is an error"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text`, json, or github for annotations"},
		},
		Action: func(c *cli.Context) error {
			return lint(con, lintOptions{paths: c.Args().Slice(), stdin: stdin, kubernetes: c.String("kubernetes"), schemas: c.String("schemas"),
				namespace: c.String("namespace"), strict: c.Bool("strict"), output: c.String("output")})
		},
	}
}

func (o *lintOptions) validate() error {
	if len(o.paths) == 0 {
		return problem.New("see manifestgen lint --help", "lint takes files, folders, or - for standard input")
	}
	if err := checkOutput(o.output, "text", "json", "github"); err != nil {
		return err
	}
	minors := validate.Minors()
	o.kubernetes = cmp.Or(o.kubernetes, minors[len(minors)-1])
	return nil
}

// lintResult is what --output json prints.
type lintResult struct {
	Version    int               `json:"version"`
	Kubernetes string            `json:"kubernetes"`
	Files      int               `json:"files"`
	Others     int               `json:"others"` // files in folders that hold no whole Kubernetes objects
	Objects    int               `json:"objects"`
	Unchecked  int               `json:"unchecked"` // of kinds that are not known
	Problems   []console.Problem `json:"problems"`
	Warnings   []console.Problem `json:"warnings"`
}

// lint validates manifests at their own lines.
func lint(con *console.Console, o lintOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	con.Source = openFS{}
	definitions, err := o.definitions()
	if err != nil {
		return err
	}
	v, err := validate.New(o.kubernetes, definitions)
	if err != nil {
		return err
	}
	con.Actions = con.Actions || o.output == "github"
	l := &linter{namespace: o.namespace, strict: o.strict, result: lintResult{Version: 1, Kubernetes: o.kubernetes}, seen: map[string]bool{}}
	for _, p := range o.paths {
		l.path(p, o.stdin)
	}
	l.validator = v.In(l.namespaces())
	l.findPatches()
	for _, f := range l.files {
		l.file(f)
	}
	l.checkRules()
	err = l.problems.Err()
	if o.output == "json" {
		l.result.Problems, l.result.Warnings = console.JSONProblems(err), console.JSONProblems(l.warnings.Err())
		return errors.Join(err, con.JSON(l.result))
	}
	con.Warnings(l.warnings)
	l.leftOut(con)
	if err == nil {
		con.Printf("%s in %s: nothing that Kubernetes %s would refuse\n", count(l.result.Objects, "object"), count(l.result.Files, "file"), o.kubernetes)
	}
	return err
}

// definitions returns the CustomResourceDefinitions of --schemas.
func (o *lintOptions) definitions() (*validate.Definitions, error) {
	if o.schemas == "" {
		return &validate.Definitions{}, nil
	}
	if info, err := os.Stat(o.schemas); err != nil || !info.IsDir() {
		why := "not a folder"
		if err != nil {
			why = errors.Unwrap(err).Error()
		}
		return nil, problem.New("name a folder of CustomResourceDefinitions", "--schemas %s: %s", o.schemas, why)
	}
	return loadDefinitions(openFS{}, filepath.ToSlash(o.schemas))
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// linter is one run of lint. All files are read before the first is validated: a Namespace in one
// says what pods in another may do.
type linter struct {
	files     []lintFile
	validator *validate.Validator
	namespace string
	strict    bool
	result    lintResult
	problems  problem.List
	warnings  problem.List
	seen      map[string]bool // kinds that were warned of
	rules     []*rules.Object
	other     string          // the first file that holds no Kubernetes objects
	patches   map[string]bool // the files that are patches of a kustomization
	patched   []string        // those of them that were left out
}

type lintFile struct {
	root     string // the argument that it is in
	name     string
	data     []byte
	err      error // of reading it
	inFolder bool  // it was found in a folder, not named
}

// path reads the files of one argument.
func (l *linter) path(name string, stdin io.Reader) {
	if name == "-" {
		data, err := limit.ReadAll(stdin, limit.MaxFile, "standard input")
		l.files = append(l.files, lintFile{name, "<stdin>", data, err, false})
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		l.problems.Add(notReadable(filepath.ToSlash(name), err))
		return
	}
	if !info.IsDir() {
		data, err := manifest.ReadFile(openFS{}, filepath.ToSlash(name))
		l.files = append(l.files, lintFile{name, filepath.ToSlash(name), data, err, false})
		return
	}
	isRepo := inventory.IsRepo(name)
	err = filepath.WalkDir(name, func(file string, entry fs.DirEntry, err error) error {
		below, _ := filepath.Rel(name, file)
		switch {
		case err != nil:
			return err
		case isRepo && !entry.IsDir() && inventory.IsInput(filepath.ToSlash(below)):
		case entry.IsDir() && file != name && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.IsDir() && isManifest(entry.Name()):
			data, err := manifest.ReadFile(openFS{}, filepath.ToSlash(file))
			l.files = append(l.files, lintFile{name, filepath.ToSlash(file), data, err, true})
		}
		return nil
	})
	l.problems.Add(err)
}

// notReadable returns an error of the file system as a problem at a file; any other error as it is.
func notReadable(name string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return problem.At(problem.Place{File: name}, "", "%v", e.Err).WithCode(problem.NotReadable)
	}
	return err
}

// namespaces returns those of all files whose labels say what pods may do.
func (l *linter) namespaces() *validate.Namespaces {
	found := &validate.Namespaces{}
	for _, f := range l.files {
		addNamespaces(found, f.name, f.data)
	}
	return found
}

// file validates the objects of a file. A folder may hold other files, such as the values of a
// chart: they are left out there.
func (l *linter) file(f lintFile) {
	var objects []manifest.Value
	err := f.err
	if err != nil {
		err = notReadable(f.name, err)
	} else {
		objects, err = parseObjects(f.name, f.data)
	}
	l.problems.Add(err)
	if err == nil && l.leaveOut(f, objects) {
		return
	}
	l.result.Files++
	for _, object := range objects {
		l.result.Objects++
		l.collect(object, f.root)
		l.object(object)
	}
}

// isObject reports whether a value is meant to be a Kubernetes object: it has a kind and an
// apiVersion, or metadata, in any case.
func isObject(v manifest.Value) bool {
	has := func(key string) bool {
		return slices.ContainsFunc(v.Fields, func(f manifest.Field) bool { return strings.EqualFold(f.Key.Text, key) })
	}
	return has("kind") && has("apiVersion") || has("metadata")
}

func (l *linter) object(object manifest.Value) {
	verdict := l.validator.Object(object, l.namespace)
	for _, p := range verdict.Refused {
		l.problems.Add(lintProblem(p))
	}
	for _, p := range verdict.Warnings {
		if p.Code != problem.KindUnchecked {
			l.warnings.Add(lintProblem(p))
			continue
		}
		l.result.Unchecked++
		if l.strict {
			l.problems.Add(lintProblem(p))
		} else if !l.seen[p.Message] {
			l.warnings.Add(lintProblem(p))
		}
		l.seen[p.Message] = true
	}
}

func lintProblem(p validate.Problem) *problem.Problem {
	shown := problem.At(p.Place, p.Hint, "%s", p.Message).WithCode(p.Code)
	shown.Refused = true
	return shown
}

// openFS opens files by the names that a person gave.
type openFS struct{}

func (openFS) Open(name string) (fs.File, error) { return os.Open(filepath.FromSlash(name)) }
