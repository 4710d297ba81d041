package inventory

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Load reads the inventory below fsys. The error is a problem.List with
// everything that is wrong.
func Load(fsys fs.FS) (*Inventory, error) {
	l := &loader{fsys: fsys}
	l.readVariables()
	l.readUsers()
	l.readEnvironments()
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	l.inventory.Defaults = l.defaults
	return &l.inventory, nil
}

// loader is one Load.
type loader struct {
	fsys      fs.FS
	problems  problem.List
	defaults  manifest.Value
	declared  bool // defaults can be relied on: what they do not have is not declared
	named     bool // so can the names in users.yaml
	inventory Inventory
}

// document reads a file that holds one document. The zero Value stands for a file
// that could not be read, or is not there; that is a problem if required.
func (l *loader) document(file string, required bool, hint string) manifest.Value {
	data, err := manifest.ReadFile(l.fsys, file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return manifest.Value{}
	case errors.Is(err, fs.ErrNotExist):
		l.report(problem.Missing, problem.Place{File: file}, hint, "no such file")
		return manifest.Value{}
	case err != nil:
		l.report(problem.NotReadable, problem.Place{File: file}, "", "%v", unpath(err))
		return manifest.Value{}
	}
	f, err := manifest.Parse(file, data)
	if err != nil {
		l.problems.Add(problem.WithCode(err, problem.NotReadable))
		return manifest.Value{}
	}
	docs, err := f.Values()
	l.problems.Add(problem.WithCode(err, problem.Twice)) // a key that stands twice, and the rest can still be looked at
	switch {
	case len(docs) > 1:
		l.report(problem.NotReadable, docs[1].Place, "take out the line ---, and put everything into one document", "here a second document begins")
	case len(docs) == 0 || docs[0].Kind == manifest.Null:
		if required && err == nil {
			l.report(problem.Missing, problem.Place{File: file}, hint, "the file is empty")
		}
		return manifest.Value{}
	}
	return docs[0]
}

// unpath is an error without the path that fs puts before it.
func unpath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (l *loader) readVariables() {
	before := len(l.problems)
	v := l.document(VariablesFile, false, "")
	if v.Kind != manifest.Map && v.Kind != manifest.Null {
		l.report(problem.WrongType, v.Place, "write a line for each variable: name: default", "variables must be a map, not %s", v.Kind)
	}
	for _, f := range v.Fields {
		if !variableName.MatchString(f.Key.Text) {
			l.report(problem.NotAName, f.Key.Place, "letters, digits and _, so that templates can say .Vars.name", "%q cannot be the name of a variable", f.Key.Text)
		}
	}
	_, err := fs.Stat(l.fsys, path.Dir(VariablesFile))
	l.defaults, l.declared = v, err == nil && len(l.problems) == before
}

func (l *loader) readUsers() {
	doc := l.document(UsersFile, true, "it holds three lists, teams, services and users; --source names the folder that it is in")
	if doc.Place == (problem.Place{}) {
		return
	}
	var teams, services, users manifest.Value
	l.named = l.keys(doc, UsersFile, map[string]func(manifest.Value){
		"teams":    func(v manifest.Value) { teams = v },
		"services": func(v manifest.Value) { services = v },
		"users":    func(v manifest.Value) { users = v },
	})
	l.items(teams, "teams", l.readTeam)
	l.items(services, "services", l.readService)
	sortByName(l.inventory.Teams)
	sortByName(l.inventory.Services)
	l.items(users, "users", l.readUser)
	sortByName(l.inventory.Users)
}

func sortByName[T named](list []T) {
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(a.name(), b.name()) })
}

// addNew appends item to list, unless it has no name, or one of its name is there.
func addNew[T named](l *loader, list *[]T, item T, what string, place problem.Place, placeOf func(T) problem.Place) {
	if item.name() == "" {
		return
	}
	for _, other := range *list {
		if other.name() == item.name() {
			l.report(problem.Twice, place, "rename or remove one of the two", "the %s %q stands here twice, first at %s", what, item.name(), placeOf(other))
			return
		}
	}
	*list = append(*list, item)
}

func (l *loader) readTeam(v manifest.Value) {
	t := &Team{Place: v.Place, Source: v}
	whole := l.keys(v, "a team", map[string]func(manifest.Value){
		"name":    l.nameTo(&t.Name, "the team"),
		"secrets": l.secrets(&t.Secrets),
	})
	if whole {
		l.require(v, "name", "add a line name: …", "this team has no name")
	}
	addNew(l, &l.inventory.Teams, t, "team", v.Place, func(t *Team) problem.Place { return t.Place })
}

func (l *loader) readService(v manifest.Value) {
	s := &Service{Place: v.Place, Source: v}
	whole := l.keys(v, "a service", map[string]func(manifest.Value){
		"name":       l.nameTo(&s.Name, "the service", "users", "teams"),
		"image":      l.imageTo(&s.Image),
		"tag":        l.tagTo(&s.Tag),
		"repository": l.matching(&s.Repository, "repository", ownerName, "write owner/name, as in github.com/owner/name"),
		"port":       l.portTo(&s.Port),
		"secrets":    l.secrets(&s.Secrets),
		"vars":       l.vars(&s.Vars),
	})
	if whole {
		l.require(v, "name", "add a line name: …", "this service has no name")
		l.require(v, "image", "add a line image: … with the repository that it is pushed to", "the service %s has no image", s.Name)
	}
	addNew(l, &l.inventory.Services, s, "service", v.Place, func(s *Service) problem.Place { return s.Place })
}

func (l *loader) imageTo(to *string) func(manifest.Value) {
	return func(v manifest.Value) {
		text := l.text(v, "image")
		if text == "" {
			return
		}
		ref, err := image.Parse(text)
		switch {
		case strings.Contains(text, "://"):
			_, bare, _ := strings.Cut(text, "://")
			l.report(problem.NotAnImage, v.Place, "write image: "+bare, "image is a repository, not a URL")
		case err != nil:
			l.report(problem.NotAnImage, v.Place, "", "%v", err)
		case ref.Tag != "" && ref.Digest == "":
			l.report(problem.NotAnImage, v.Place, "write image: "+ref.Name+" and, on a line of its own, tag: "+ref.Tag, "image is a repository, without a tag")
		case ref.Digest != "":
			l.report(problem.NotAnImage, v.Place, "write image: "+ref.Name, "image is a repository, without a digest")
		default:
			*to = text
		}
	}
}

func (l *loader) tagTo(to *string) func(manifest.Value) {
	return func(v manifest.Value) {
		if *to = l.text(v, "tag"); *to != "" && !image.ValidTag(*to) {
			l.report(problem.NotValid, v.Place, "letters, digits, _, . and -, at most 128", "%q cannot be a tag", *to)
		}
	}
}

func (l *loader) portTo(to *int64) func(manifest.Value) {
	return func(v manifest.Value) {
		port, ok := v.Go().(int64)
		if !ok {
			l.report(problem.WrongType, v.Place, rewrite(v, manifest.Int), "port must be an integer, not %s", v.Kind)
			return
		}
		if port < 1 || port > 65535 {
			l.report(problem.NotValid, v.Place, "from 1 to 65535; leave the line out where the service serves nothing", "%d cannot be a port", port)
		}
		*to = port
	}
}

func (l *loader) readUser(v manifest.Value) {
	u := &User{Place: v.Place, Source: v}
	whole := l.keys(v, "a user", map[string]func(manifest.Value){
		"name": l.nameTo(&u.Name, "the user"),
		"mission_type": func(v manifest.Value) {
			name := l.text(v, "mission_type")
			if u.Team = byName(l.inventory.Teams, name); u.Team == nil && name != "" && l.named {
				l.report(problem.UnknownName, v.Place, problem.DidYouMean(name, Names(l.inventory.Teams)), "unknown team %q", name)
			}
		},
		"services": func(v manifest.Value) { l.items(v, "services", func(v manifest.Value) { l.addServiceOf(u, v) }) },
		"state":    l.state(&u.Absent),
		"vars":     l.vars(&u.Vars),
	})
	if whole {
		l.require(v, "name", "add a line name: …", "this user has no name")
		l.require(v, "mission_type", "add a line mission_type: … with the name of a team", "the user %s has no mission_type", u.Name)
	}
	sortByName(u.Services)
	addNew(l, &l.inventory.Users, u, "user", v.Place, func(u *User) problem.Place { return u.Place })
}

func (l *loader) addServiceOf(u *User, v manifest.Value) {
	name := l.text(v, "a service")
	service := byName(l.inventory.Services, name)
	switch {
	case name == "" || service == nil && !l.named:
	case service == nil:
		l.report(problem.UnknownName, v.Place, problem.DidYouMean(name, Names(l.inventory.Services)), "unknown service %q", name)
	case slices.Contains(u.Services, service):
		l.report(problem.Twice, v.Place, "remove one of the two", "the service %q stands here twice", name)
	default:
		u.Services = append(u.Services, service)
	}
}

// readEnvironments reads environments/*.yaml, each with what it extends.
func (l *loader) readEnvironments() {
	entries, err := fs.ReadDir(l.fsys, EnvironmentsDir)
	if err != nil {
		l.report(problem.Missing, problem.Place{File: EnvironmentsDir}, "it holds a file for each environment, such as "+EnvironmentsDir+"/dev.yaml", "no such folder")
		return
	}
	docs := map[string]manifest.Value{}
	for _, entry := range entries {
		file := path.Join(EnvironmentsDir, entry.Name())
		name, isYAML := strings.CutSuffix(entry.Name(), ".yaml")
		switch {
		case entry.IsDir() || strings.HasPrefix(entry.Name(), "."):
		case strings.HasSuffix(entry.Name(), ".yml"):
			l.report(problem.Missing, problem.Place{File: file}, "rename it to "+strings.TrimSuffix(entry.Name(), ".yml")+".yaml", "an environment's file ends in .yaml")
		case isYAML:
			// An environment's name is its file's: checked like any other, at the file.
			var checked string
			l.nameTo(&checked, "the environment", "environments", "templates")(manifest.Value{Kind: manifest.String, Text: name, Place: problem.Place{File: file}})
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
		if whole, ok := l.extended(docs, name, nil); ok {
			l.readEnvironment(name, whole, docs)
		}
	}
	l.checkPlaces()
	for _, e := range l.inventory.Environments {
		if after := e.Deploy.After; after != "" && l.inventory.Environment(after) == nil && docs[after].Kind != manifest.Map {
			v, _ := docs[e.Name].Get("deploy")
			v, _ = v.Get("after")
			if v.Place == (problem.Place{}) {
				v.Place = e.Place
			}
			l.report(problem.UnknownName, v.Place, problem.DidYouMean(after, Names(l.inventory.Environments)), "unknown environment %q", after)
		}
	}
}

// checkPlaces reports environments that are one and the same place in a cluster:
// each would undo what the other does. Most often one extends the other, and says
// too little of its own.
func (l *loader) checkPlaces() {
	type where struct{ cluster, namespace string }
	first := map[where]*Environment{}
	for _, e := range l.inventory.Environments {
		at := where{e.Cluster, e.Namespace}
		if e.Abstract || e.Cluster == "" {
			continue
		}
		if other := first[at]; other != nil {
			l.report(problem.SamePlace, e.Place, "give it a namespace or a cluster of its own", "the environment %s is in the same place as %s: namespace %s of cluster %s", e.Name, other.Name, e.Namespace, e.Cluster)
			continue
		}
		first[at] = e
	}
}

// extended is a document laid over all that it extends; ok is false where that
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
		l.report(problem.UnknownName, parent.Place, problem.DidYouMean(base, slices.Sorted(maps.Keys(docs))), "extends an unknown environment %q", base)
		return doc, false
	}
	below, ok := l.extended(docs, base, chain)
	// Being abstract is not handed down.
	below.Fields = slices.DeleteFunc(slices.Clone(below.Fields), func(f manifest.Field) bool { return f.Key.Text == "abstract" })
	whole = merge(below, doc)
	whole.Place = doc.Place
	return whole, ok
}

// chainOf are a document and those that it extends, the weakest first.
func chainOf(docs map[string]manifest.Value, name string) []Link {
	chain := []Link{{name, docs[name]}}
	if base, extends := docs[name].Get("extends"); extends {
		chain = append(chainOf(docs, base.Text), chain...)
	}
	return chain
}

// reportCircle reports environments that extend each other, from the first by name:
// a circle is found from each that is in it or leads to it, and is told once.
func (l *loader) reportCircle(docs map[string]manifest.Value, circle []string) {
	first := slices.Index(circle, slices.Min(circle))
	names := slices.Concat(circle[first:], circle[:first+1])
	extends, _ := docs[names[0]].Get("extends")
	l.report(problem.Circle, extends.Place, "take out one of these lines extends:", "environments extend each other in a circle: %s", strings.Join(names, " → "))
}

func (l *loader) readEnvironment(name string, v manifest.Value, docs map[string]manifest.Value) {
	e := &Environment{Name: name, Namespace: name, Place: problem.Place{File: path.Join(EnvironmentsDir, name+".yaml")}, Deploy: Deploy{Strategy: Push}, Source: v, Chain: chainOf(docs, name)}
	complete := l.keys(v, "an environment", map[string]func(manifest.Value){
		"extends":    func(manifest.Value) {},
		"abstract":   l.boolean(&e.Abstract, "abstract"),
		"kubernetes": l.matching(&e.Kubernetes, "kubernetes", minorOnly, `write the cluster's minor version, such as "1.34"`),
		"cluster":    l.textTo(&e.Cluster, "cluster"),
		"namespace":  l.nameTo(&e.Namespace, "the namespace"),
		"domain":     l.matching(&e.Domain, "domain", dnsName, "write a name such as dev.example.com, without https:// and /"),
		"templates":  l.templates(e),
		"deploy":     l.deploy(&e.Deploy),
		"vars":       l.vars(&e.Vars),
		"services":   l.overrides(e),
	})
	if _, given := v.Get("templates"); complete && !given && !e.Abstract {
		l.report(problem.MissingKey, e.Place, "add a line such as templates: [environment, service]; or abstract: true, if it is only there to be extended", "the environment %s takes no templates", name)
	}
	l.inventory.Environments = append(l.inventory.Environments, e)
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
		l.keys(v, "deploy", map[string]func(manifest.Value){
			"strategy":       l.oneOf(&d.Strategy, "strategy", Push, PullRequest),
			"branch":         l.textTo(&d.Branch, "branch"),
			"after":          l.textTo(&d.After, "after"),
			"draft":          l.boolean(&d.Draft, "draft"),
			"labels":         l.texts(&d.Labels, "labels"),
			"assignees":      l.texts(&d.Assignees, "assignees"),
			"reviewers":      l.texts(&d.Reviewers, "reviewers"),
			"team_reviewers": l.texts(&d.TeamReviewers, "team_reviewers"),
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
				l.report(problem.UnknownName, f.Key.Place, problem.DidYouMean(f.Key.Text, Names(l.inventory.Services)), "unknown service %q", f.Key.Text)
			}
			var o Override
			l.keys(f.Value, "an environment's service", map[string]func(manifest.Value){
				"state": l.state(&o.Absent),
				"vars":  l.vars(&o.Vars),
			})
			e.Overrides[f.Key.Text] = o
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
