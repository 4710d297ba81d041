// Package render renders templates and an inventory into manifests.
//
// A template is plain text/template, and what it prints is data. Before it runs,
// every action that prints is rewritten: it records its value and prints a placeholder.
// The text with placeholders is parsed as YAML (a manifest.Skeleton), once for all
// manifests that have the same text. Then the values are written into the scalars that
// have their placeholders. A value cannot become structure, and a template needs no
// indentation counts and no quotes.
//
// To find where a line and its values come from, the template runs once more, with
// companions to its variables that hold the paths to their values (trace.go). That
// makes a trace.Map, and the notes of a problem. It runs only where somebody asks or
// something fails.
package render

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/template"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Manifest is one rendered file.
type Manifest struct {
	Env      string
	Path     string // below the output folder
	Template string // the template's file
	Text     *manifest.Text
	Subject  string        // what it is for: dev, api
	Service  problem.Place // of the service that it is for; the zero Place where there is none
	Notices  []Notice      // what people should know of it

	job      job
	renderer *renderer
}

// Notice is something that people should know of a line of a template.
type Notice struct {
	Place problem.Place
	Text  string
}

// Render renders those of some environments that are not abstract. The manifests are sorted by
// path. The error is a problem.List with everything that is wrong, each problem once however many
// files have it.
func Render(t *Templates, inv *inventory.Inventory, envs []*inventory.Environment) ([]Manifest, error) {
	var jobs []job
	for _, env := range envs {
		if env.Abstract {
			continue
		}
		for _, subject := range subjects(inv, env) {
			for _, s := range t.byScope[subject.scope] {
				jobs = append(jobs, job{s, subject})
			}
		}
	}
	r := &renderer{templates: t, inventory: inv, skeletons: map[*source]map[string]*skeleton{}}
	r.exceeded.Store(math.MaxInt64)
	manifests := make([]Manifest, len(jobs))
	next := make(chan int, len(jobs))
	for i := range jobs {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			x := newExecution(t, func(*execution) template.FuncMap { return nil })
			for i := range next {
				x.stopped = func() bool { return r.exceeded.Load() < int64(i) }
				manifests[i] = r.render(x, i, jobs[i])
			}
		})
	}
	workers.Wait()

	manifests = slices.DeleteFunc(manifests, func(m Manifest) bool { return m.Text == nil })
	slices.SortStableFunc(manifests, func(a, b Manifest) int { return strings.Compare(a.Path, b.Path) })
	problems := r.findings.problems()
	if r.limit.problem != nil { // the others may not have come to an end
		problems = problem.List{r.limit.problem}
	}
	if len(problems) == 0 {
		problems = slices.Concat(duplicatePaths(manifests), filesAsFolders(manifests), r.duplicateObjects(manifests))
	}
	return manifests, problems.Err()
}

// job is one template for one subject.
type job struct {
	source  *source
	subject *subject
}

// renderer is one Render.
type renderer struct {
	templates *Templates
	inventory *inventory.Inventory

	lock      sync.Mutex
	skeletons map[*source]map[string]*skeleton // by template and text
	findings  findings
	limit     exceeded

	exceeded atomic.Int64 // limit.job, for jobs that run: those with a higher number stop

	traceOnce sync.Once
	traced    *Templates
}

// exceeded is the job with the lowest number that exceeds a limit, and how.
type exceeded struct {
	job     int
	problem *problem.Problem
}

// exceed notes that the job i exceeds a limit. Of several such jobs the one with the lowest
// number is reported, so that the result does not depend on which of them ends first.
func (r *renderer) exceed(i int, j job, p *problem.Problem) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.limit.problem != nil && r.limit.job < i {
		return
	}
	p.Message += " (for " + j.subject.String() + ")"
	r.limit = exceeded{i, p}
	r.exceeded.Store(int64(i))
}

// skeleton is a text with placeholders, parsed once.
type skeleton struct {
	once sync.Once
	*manifest.Skeleton
	err error
}

// render runs the job i. It returns the zero Manifest where the template prints nothing, or
// where something is wrong, which is then in r.findings or r.limit.
func (r *renderer) render(x *execution, i int, j job) Manifest {
	err := x.run(j.source.file, j.subject.data)
	rec := x.rec
	switch limit := (*limitError)(nil); {
	case errors.Is(err, errStopped):
		return Manifest{}
	case errors.As(err, &limit):
		r.exceed(i, j, x.templates.execProblem(j.source, err))
		return Manifest{}
	case err != nil:
		r.find(j, x.templates.execProblem(j.source, err), func(p *problem.Problem) { r.addFailureNotes(j, p) })
		return Manifest{}
	}
	if p := rec.checkJoins(); p != nil {
		p.Source = r.templates.sources[p.Place.File].line(p.Place.Line)
		if definition.MatchString(p.Source) && strings.HasSuffix(p.Source, "-}}") {
			p.Hint = "this template is called behind other text: put the call on a line of its own, a column further in than the line above"
		}
		r.find(j, p, func(*problem.Problem) {})
		return Manifest{}
	}
	text, _ := j.source.ends(rec.out.Bytes())
	if len(text) == 0 {
		return Manifest{}
	}
	skeleton := r.skeleton(j, text)
	switch {
	case skeleton.err != nil:
		r.explain(j, x, skeleton.err)
		return Manifest{}
	case skeleton.Empty():
		return Manifest{}
	}
	filled, err := skeleton.Fill(rec.values)
	if err != nil {
		r.explain(j, x, err)
		return Manifest{}
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		filled.Data = bytes.TrimSuffix(filled.Data, []byte("\n"))
	}
	for i := range filled.Images {
		filled.Images[i].Tagged = filled.Images[i].Ref.Tag != noTag
	}
	return Manifest{
		Env: j.subject.env, Path: j.subject.path(j.source), Template: j.source.file, Text: filled,
		Subject: j.subject.String(), Service: j.subject.service(), Notices: x.notices(),
		job: j, renderer: r,
	}
}

// ends returns the text of a template's file: what the template prints, trimmed; or, where its
// path line says ends: exact, without the line break behind the path line and nothing else.
// It is nil where nothing is printed. Skipped is how many bytes were cut off at the beginning.
func (s *source) ends(text []byte) (rest []byte, skipped int) {
	if !s.exact {
		return trimmed(text)
	}
	rest = bytes.TrimPrefix(text, []byte("\n"))
	if len(bytes.TrimSpace(rest)) == 0 {
		return nil, 0
	}
	return rest, len(text) - len(rest)
}

// trimmed returns a rendered text without the empty lines around it, and with one
// final line break; skipped is what was cut off at its beginning. It is made in
// the bytes of text.
func trimmed(text []byte) (rest []byte, skipped int) {
	rest = bytes.TrimRight(text, " \t\n")
	for {
		line, below, more := bytes.Cut(rest, []byte("\n"))
		if !more || len(bytes.TrimSpace(line)) > 0 {
			break
		}
		rest = below
	}
	skipped = len(bytes.TrimRight(text, " \t\n")) - len(rest)
	if len(rest) == 0 {
		return nil, skipped
	}
	return append(rest, '\n'), skipped // over the first byte that was cut off, if any was
}

func (r *renderer) skeleton(j job, text []byte) *skeleton {
	r.lock.Lock()
	if r.skeletons[j.source] == nil {
		r.skeletons[j.source] = map[string]*skeleton{}
	}
	s := r.skeletons[j.source][string(text)]
	if s == nil {
		s = &skeleton{}
		r.skeletons[j.source][string(text)] = s
	}
	r.lock.Unlock()
	s.once.Do(func() { s.Skeleton, s.err = manifest.ParseSkeleton(j.source.file, bytes.Clone(text)) })
	return s
}

// duplicatePaths returns the manifests that two templates make for one path.
func duplicatePaths(manifests []Manifest) problem.List {
	var problems problem.List
	for i := 1; i < len(manifests); i++ {
		if a, b := manifests[i-1], manifests[i]; a.Path == b.Path {
			hint, also := "rename one of the two", a.Template
			if a.Template == b.Template {
				hint, also = "put what differs into the path line: {service}, {user}, {team}", a.Subject
			}
			problems.Add(problem.At(problem.Place{File: b.Template}, hint, "%s is made by %s too", b.Path, also).WithCode(problem.PathTwice))
		}
	}
	return problems
}

// filesAsFolders returns the manifests, sorted by path, that would be in a folder where
// another manifest is a file: a.yaml and a.yaml/b.yaml.
func filesAsFolders(manifests []Manifest) problem.List {
	var found findings
	for _, m := range manifests {
		for dir := path.Dir(m.Path); strings.Contains(dir, ".y"); dir = path.Dir(dir) { // a manifest ends in .yaml or .yml
			i, is := slices.BinarySearchFunc(manifests, dir, func(m Manifest, name string) int { return strings.Compare(m.Path, name) })
			if is {
				p := problem.At(problem.Place{File: m.Template}, "give one of the two another path", "a folder of this template is a file of %s", manifests[i].Template).WithCode(problem.PathTwice)
				found.add(p, manifests[i].Path+" and "+m.Path, func(*problem.Problem) {})
			}
		}
	}
	return found.problems()
}

// maxLocated is how many duplicate objects of a template have their line looked up: for each
// the template runs once more.
const maxLocated = 20

// duplicateObjects returns the objects that an environment would have twice. Those of a
// template past maxLocated are only counted, with the last whose line is known.
func (r *renderer) duplicateObjects(manifests []Manifest) problem.List {
	var found findings
	owners := map[string]*Manifest{}
	located := map[string]int{}   // by template and message
	last := map[string]*finding{} // too
	for i := range manifests {
		m := &manifests[i]
		for _, o := range m.Text.Objects {
			if o.Namespace == "" {
				o.Namespace = r.inventory.Environment(m.Env).Namespace
			}
			id := m.Env + "|" + o.Identity()
			first := owners[id]
			if first == nil {
				owners[id] = m
				continue
			}
			message := fmt.Sprintf("this %s is made more than once", o.Kind)
			if first.Template != m.Template {
				message = fmt.Sprintf("this %s is made by %s too", o.Kind, first.Template)
			}
			key := m.Template + "|" + message
			if located[key]++; located[key] > maxLocated {
				last[key].count++
				continue
			}
			p := m.Problem(o.NameLine, "put what differs into metadata.name", message).WithCode(problem.ObjectTwice)
			last[key] = found.add(p, fmt.Sprintf("%s, in %s and %s", o, first.Path, m.Path), func(p *problem.Problem) { p.Notes = m.Notes(o.NameLine) })
		}
	}
	return found.problems()
}
