package inventory

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// readEnvironments reads environments/*.yaml, each with what it extends.
func (l *loader) readEnvironments() {
	entries, err := fs.ReadDir(l.fsys, EnvironmentsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.report(problem.NotReadable, problem.Place{File: EnvironmentsDir}, "", "%v", WithoutPath(err))
		return
	}
	if err != nil {
		l.report(problem.Missing, problem.Place{File: EnvironmentsDir}, "it holds a file for each environment, such as "+EnvironmentsDir+"/dev.yaml", "no such folder")
		return
	}
	l.environments = environmentFiles(entries)
	docs := map[string]manifest.Value{}
	for _, entry := range entries {
		file := path.Join(EnvironmentsDir, entry.Name())
		name, isYAML := strings.CutSuffix(entry.Name(), ".yaml")
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir() && isYAML:
			l.report(problem.NotReadable, problem.Place{File: file}, "rename it, or move what is in it to files of "+EnvironmentsDir+"/", "it is a folder, and an environment is a file")
		case entry.IsDir():
		case strings.HasSuffix(entry.Name(), ".yml"):
			l.report(problem.Missing, problem.Place{File: file}, "rename it to "+strings.TrimSuffix(entry.Name(), ".yml")+".yaml", "an environment's file ends in .yaml")
		case isYAML:
			// An environment's name is its file's: checked like any other, at the file.
			l.environmentName(manifest.Value{Kind: manifest.String, Text: name, Place: problem.Place{File: file}})
			if doc := l.document(file, true, "write at least a line such as templates: [environment, service]"); doc.Kind == manifest.Map {
				docs[name] = doc
			} else if doc.Place != (problem.Place{}) {
				l.report(problem.WrongType, doc.Place, "", "an environment must be a map, not %s", doc.Kind)
			}
		}
	}
	if len(docs) == 0 && len(l.problems) == 0 {
		l.report(problem.Missing, problem.Place{File: EnvironmentsDir}, "add a file for each environment, such as "+EnvironmentsDir+"/dev.yaml", "no environment is here")
	}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		l.environmentVars(docs[name])
		if whole, ok := l.extended(docs, name, nil); ok {
			l.readEnvironment(name, whole, docs)
		}
	}
	l.checkPlaces()
	l.checkPaths()
	for _, e := range l.inventory.Environments {
		l.checkAfter(e, l.inventory.Environment)
		if after := e.Deploy.After; after != "" && l.inventory.Environment(after) == nil && docs[after].Kind != manifest.Map {
			others := slices.DeleteFunc(slices.Clone(l.inventory.Environments), func(other *Environment) bool { return other.Abstract || other.Name == e.Name })
			l.report(problem.UnknownName, e.afterPlace(), problem.DidYouMean(after, Names(others)), "unknown environment %q", after)
		}
	}
}

// environmentFiles returns the names of the environments that have a file in environments/,
// sorted as the entries are.
func environmentFiles(entries []fs.DirEntry) []string {
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".yaml"); ok && !entry.IsDir() && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

// environmentName checks the name of an environment, which becomes that of a folder at the
// k8s repo's root.
func (l *loader) environmentName(v manifest.Value) {
	var name string
	l.nameTo(&name, "the environment", InputFolders...)(v)
}

// environmentVars checks the variables that an environment's own file sets.
func (l *loader) environmentVars(doc manifest.Value) {
	var vars manifest.Value
	if v, set := doc.Get("vars"); set {
		l.vars(&vars)(v)
	}
	services, _ := doc.Get("services")
	for _, f := range services.Fields {
		if v, set := f.Value.Get("vars"); set {
			l.vars(&vars)(v)
		}
	}
}

// checkPlaces reports environments that are one and the same place in a cluster:
// each would undo what the other does. Most often one extends the other, and says
// too little of its own: that one is to be changed.
func (l *loader) checkPlaces() {
	var concrete []*Environment
	for _, e := range l.inventory.Environments {
		if e.Abstract {
			continue
		}
		for _, other := range concrete {
			if !samePlace(e, other) {
				continue
			}
			newer, older := e, other
			if other.extends(e.Name) {
				newer, older = other, e
			}
			hint := "give it a namespace or a cluster of its own"
			if newer.Domain != "" && newer.Domain == older.Domain {
				hint += ", and a domain: its hosts are the same too"
			}
			where := "namespace " + newer.Namespace
			if newer.Cluster != "" {
				where += " of cluster " + newer.Cluster
			}
			l.report(problem.SamePlace, newer.Place, hint, "the environment %s is in the same place as %s: %s", newer.Name, older.Name, where)
			break
		}
		concrete = append(concrete, e)
	}
}

// samePlace reports whether two environments are one namespace of one cluster. Where
// neither names its cluster, they are if one extends the other and has its hosts.
func samePlace(a, b *Environment) bool {
	if a.Namespace != b.Namespace || a.Cluster != b.Cluster {
		return false
	}
	return a.Cluster != "" || a.Domain != "" && a.Domain == b.Domain && (a.extends(b.Name) || b.extends(a.Name))
}

// extends reports whether the environment extends one of a name, or one that does.
func (e *Environment) extends(name string) bool {
	return slices.ContainsFunc(e.Chain[:len(e.Chain)-1], func(link Link) bool { return link.Name == name })
}

// notInherited are the keys that an environment does not take from the one that it
// extends: only one of the two can be abstract, and each has a folder of its own.
var notInherited = []string{"abstract", "path"}

// extended returns a document laid over all that it extends; ok is false where that
// cannot be found, which is reported once, at the extends in question.
func (l *loader) extended(docs map[string]manifest.Value, name string, chain []string) (whole manifest.Value, ok bool) {
	doc := docs[name]
	parent, extends := doc.Get("extends")
	if !extends {
		return doc, true
	}
	chain = append(chain, name)
	base := l.text(parent, "extends")
	switch {
	case base == "":
		return doc, false
	case slices.Contains(chain, base):
		l.reportCircle(docs, chain[slices.Index(chain, base):])
		return doc, false
	case docs[base].Kind != manifest.Map:
		others := slices.DeleteFunc(slices.Clone(l.environments), func(other string) bool { return other == name })
		if slices.Contains(others, base) {
			l.report(problem.UnknownName, parent.Place, "", "extends the environment %q, whose file cannot be used", base)
		} else {
			l.report(problem.UnknownName, parent.Place, problem.DidYouMean(base, others), "extends an unknown environment %q", base)
		}
		return doc, false
	}
	below, ok := l.extended(docs, base, chain)
	below.Fields = slices.DeleteFunc(slices.Clone(below.Fields), func(f manifest.Field) bool { return slices.Contains(notInherited, f.Key.Text) })
	whole = overlay(below, doc)
	whole.Place = doc.Place
	return whole, ok
}

// overlay lays a document over one that it extends: two maps become one, anything
// else is replaced, and an empty map says nothing. (Variables are merged by other
// rules, from the files themselves: see Vars.)
func overlay(base, over manifest.Value) manifest.Value {
	if base.Kind != manifest.Map || over.Kind != manifest.Map {
		return over
	}
	merged := base
	merged.Fields = slices.Clone(base.Fields)
	for _, f := range over.Fields {
		if at := fieldIndex(merged, f.Key.Text); at >= 0 {
			merged.Fields[at] = manifest.Field{Key: f.Key, Value: overlay(merged.Fields[at].Value, f.Value)}
		} else {
			merged.Fields = append(merged.Fields, f)
		}
	}
	return merged
}

// chainOf returns a document and those that it extends, the weakest first.
func chainOf(docs map[string]manifest.Value, name string) []Link {
	chain := []Link{{name, docs[name]}}
	if base, extends := docs[name].Get("extends"); extends {
		chain = append(chainOf(docs, base.Text), chain...)
	}
	return chain
}

// reportCircle reports environments that extend each other, from the first by name:
// a circle is found from each that is in it or leads to it, and is reported once.
func (l *loader) reportCircle(docs map[string]manifest.Value, circle []string) {
	first := slices.Index(circle, slices.Min(circle))
	names := slices.Concat(circle[first:], circle[:first+1])
	extends, _ := docs[names[0]].Get("extends")
	l.report(problem.Circle, extends.Place, "take out one of these lines extends:", "environments extend each other in a circle: %s", strings.Join(names, " → "))
}

func (l *loader) readEnvironment(name string, v manifest.Value, docs map[string]manifest.Value) {
	e := newEnvironment(name, v, chainOf(docs, name))
	r := l.keys(v, &environmentShape, map[string]func(manifest.Value){
		"extends":    func(manifest.Value) {},
		"abstract":   l.boolean(&e.Abstract, "abstract"),
		"path":       l.pathTo(&e.Path),
		"kubernetes": l.matching(&e.Kubernetes, "kubernetes", minorOnly, `write the cluster's minor version, such as "1.34"`),
		"cluster":    l.textTo(&e.Cluster, "cluster"),
		"namespace":  l.nameTo(&e.Namespace, "the namespace"),
		"domain":     l.matching(&e.Domain, "domain", dnsName, "write a name such as dev.example.com, without https:// and /"),
		"registry":   l.checkRegistry,
		"validation": l.validationTo(&e.Lenient),
		"templates":  l.templates(e),
		"deploy":     l.deploy(&e.Deploy),
		"external":   l.externals(&e.External),
		"vars":       func(manifest.Value) {}, // readEnvironments checks those of each file
		"services":   l.overrides(e),
	})
	if _, given := v.Get("templates"); r.whole() && !given && !e.Abstract {
		l.report(problem.MissingKey, e.Place, "add a line such as templates: [environment, service]; or abstract: true, if it is only there to be extended", "the environment %s takes no templates", name)
	}
	if at, given := v.Get("path"); given && HasService(e.Path) && slices.ContainsFunc(e.Templates, func(scope string) bool { return scope != "service" }) {
		l.report(problem.NotValid, at.Place, "write templates: [service], or a path that is one folder", "the path %q has a folder for each service, and templates of other scopes are rendered in %s", e.Path, e.Name)
	}
	if at, given := v.Get("path"); given && e.Abstract {
		l.report(problem.NotValid, at.Place, "write path: in the environments that extend it: a path is not inherited", "the environment %s is abstract and has no manifests, so path has no effect", name)
	}
	l.inventory.Environments = append(l.inventory.Environments, e)
}

// newEnvironment returns an environment as it is before its file is read.
func newEnvironment(name string, v manifest.Value, chain []Link) *Environment {
	return &Environment{
		Name: name, Namespace: name, Path: path.Join(name, manifestsDir),
		Place:  problem.Place{File: path.Join(EnvironmentsDir, name+".yaml")},
		Deploy: Deploy{Strategy: Push}, Source: v, Chain: chain,
	}
}

// validationTo reads error or warn: whether what validation refuses is a warning.
func (l *loader) validationTo(lenient *bool) func(manifest.Value) {
	return func(v manifest.Value) {
		text := ""
		l.oneOf(&text, "validation", validations...)(v)
		*lenient = text == "warn"
	}
}

func (l *loader) templates(e *Environment) func(manifest.Value) {
	return func(v manifest.Value) {
		l.items(v, "templates", func(item manifest.Value) {
			scope := l.text(item, "a scope")
			switch {
			case scope == "":
			case !slices.Contains(Scopes, scope):
				l.report(problem.UnknownName, item.Place, problem.DidYouMean(scope, Scopes), "unknown scope %q", scope)
			case !slices.Contains(e.Templates, scope):
				e.Templates = append(e.Templates, scope)
			}
		})
	}
}

func (l *loader) deploy(d *Deploy) func(manifest.Value) {
	return func(v manifest.Value) {
		l.keys(v, &deployShape, map[string]func(manifest.Value){
			"strategy":       l.oneOf(&d.Strategy, "strategy", strategies...),
			"branch":         l.textTo(&d.Branch, "branch"),
			"after":          l.textTo(&d.After, "after"),
			"order":          l.oneOf(&d.Order, "order", orders...),
			"draft":          l.boolean(&d.Draft, "draft"),
			"labels":         l.texts(&d.Labels, "labels"),
			"assignees":      l.texts(&d.Assignees, "assignees"),
			"reviewers":      l.texts(&d.Reviewers, "reviewers"),
			"team_reviewers": l.texts(&d.TeamReviewers, "team_reviewers"),
		})
	}
}

// externals reads the objects that exist in an environment and are not rendered.
func (l *loader) externals(to *[]External) func(manifest.Value) {
	return func(v manifest.Value) {
		*to = nil
		l.items(v, "external", func(item manifest.Value) {
			x := External{Place: item.Place}
			r := l.keys(item, &externalShape, map[string]func(manifest.Value){
				"kind": func(v manifest.Value) {
					if x.Kind = l.text(v, "kind"); x.Kind != "" && !slices.Contains(ExternalKinds, x.Kind) {
						l.report(problem.UnknownName, v.Place, problem.DidYouMean(x.Kind, ExternalKinds), "unknown kind %q: nothing refers to such an object", x.Kind)
					}
				},
				"name":      l.matching(&x.Name, "name", dnsName, "lower-case letters, digits, - and ."),
				"namespace": l.nameTo(&x.Namespace, "the namespace"),
			})
			l.require(item, r, "kind", "add kind: … such as Gateway", "this external object has no kind")
			l.require(item, r, "name", "add name: …", "this external object has no name")
			*to = append(*to, x)
		})
	}
}

func (l *loader) overrides(e *Environment) func(manifest.Value) {
	return func(v manifest.Value) {
		if v.Kind == manifest.Null {
			return
		}
		if v.Kind != manifest.Map {
			l.report(problem.WrongType, v.Place, "write services: {name: {vars: {…}}}", "an environment's services must be a map, not %s", v.Kind)
			return
		}
		e.Overrides = make(map[string]Override, len(v.Fields))
		for _, f := range v.Fields {
			if l.inventory.Service(f.Key.Text) == nil && l.named {
				l.report(problem.UnknownName, f.Key.Place, orRemove(f.Key.Text, Names(l.inventory.Services), "delete this entry"), "unknown service %q", f.Key.Text)
			}
			var o Override
			l.keys(f.Value, &overrideShape, map[string]func(manifest.Value){
				"state": l.state(&o.Absent),
				"image": l.imageTo(&o.Image),
				"vars":  func(manifest.Value) {},
			})
			e.Overrides[f.Key.Text] = o
		}
	}
}
