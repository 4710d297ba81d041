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
// everything that is wrong. The schema of the variables is compiled by compile:
// schema.Compile.
func Load(fsys fs.FS, compile Compiler) (*Inventory, error) {
	return LoadToSetServices(fsys, compile, "")
}

// LoadToSetServices is Load for who is about to replace a user's list of services: that the list
// has services that are not there, or one twice, is not reported.
func LoadToSetServices(fsys fs.FS, compile Compiler, user string) (*Inventory, error) {
	l := &loader{fsys: fsys, servicesSet: user}
	l.readVariables()
	l.readSchema(compile)
	l.readUsers()
	l.readEnvironments()
	l.reportNoVariables()
	l.inventory.Defaults = l.defaults
	if l.declared {
		l.checkNulls()
		l.checkSchema()
	}
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	return &l.inventory, nil
}

// loader is one Load.
type loader struct {
	fsys     fs.FS
	problems problem.List
	defaults manifest.Value
	declared bool // defaults and schema were read without a problem, so that variables are checked by them

	noVariables bool             // there is no file of defaults
	undeclared  []manifest.Value // then, the variables that are set anyway

	schema       VariablesSchema // nil where there is none
	schemaSource manifest.Value  // as it was written, for places

	named        bool     // users.yaml was read without an unknown key, so that other names are unknown
	environments []string // the names of the files in environments/, for hints
	partial      bool     // what is missing is not reported
	servicesSet  string   // see LoadToSetServices; "" for no user
	inventory    Inventory
}

// document reads a file that holds one document. The zero Value is a file
// that could not be read, or that does not exist; that is a problem if required.
func (l *loader) document(file string, required bool, hint string) manifest.Value {
	data, err := manifest.ReadFile(l.fsys, file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return manifest.Value{}
	case errors.Is(err, fs.ErrNotExist):
		l.report(problem.Missing, problem.Place{File: file}, hint, "no such file")
		return manifest.Value{}
	case err != nil:
		l.report(problem.NotReadable, problem.Place{File: file}, "", "%v", WithoutPath(err))
		return manifest.Value{}
	}
	f, err := manifest.Parse(file, data)
	if err != nil {
		l.problems.Add(problem.WithCode(err, problem.NotReadable))
		return manifest.Value{}
	}
	docs, err := f.Values()
	l.problems.Add(problem.WithCode(err, problem.Twice)) // a duplicate key; the rest can still be looked at
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

// WithoutPath returns an error without the path that package fs puts before it, for a problem
// whose place has it.
func WithoutPath(err error) error {
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
			l.report(problem.NotAName, f.Key.Place, "letters, digits and _, so that templates can say .Vars.name", "invalid name of a variable: %q", f.Key.Text)
		}
	}
	for _, f := range v.Fields {
		l.checkDefault([]string{f.Key.Text}, f.Value)
	}
	_, err := fs.Stat(l.fsys, path.Dir(VariablesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.report(problem.NotReadable, problem.Place{File: path.Dir(VariablesFile)}, "", "%v", WithoutPath(err))
	}
	l.defaults, l.declared = v, err == nil && len(l.problems) == before
	_, err = fs.Stat(l.fsys, VariablesFile)
	l.noVariables = errors.Is(err, fs.ErrNotExist)
}

func (l *loader) readUsers() {
	doc := l.document(UsersFile, true, "it holds three lists, teams, services and users; --source names the folder that it is in, and manifestgen init makes a new one")
	if doc.Place == (problem.Place{}) {
		return
	}
	var teams, services, users manifest.Value
	r := l.keys(doc, &usersShape, map[string]func(manifest.Value){
		"manifestgen": func(v manifest.Value) { l.minimumVersion(v) },
		"teams":       func(v manifest.Value) { teams = v },
		"services":    func(v manifest.Value) { services = v },
		"users":       func(v manifest.Value) { users = v },
	})
	l.named = r.whole()
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
			l.report(problem.Twice, place, "rename or remove one of the two", "duplicate %s %q, first at %s", what, item.name(), placeOf(other))
			return
		}
	}
	*list = append(*list, item)
}

func (l *loader) readTeam(v manifest.Value) {
	t := &Team{source: v}
	r := l.keys(v, &teamShape, map[string]func(manifest.Value){
		"name":    l.nameTo(&t.Name, "the team"),
		"secrets": l.secrets(&t.Secrets),
	})
	l.require(v, r, "name", "add a line name: …", "this team has no name")
	addNew(l, &l.inventory.Teams, t, "team", v.Place, func(t *Team) problem.Place { return t.source.Place })
}

// called returns a thing by its name, or without one.
func called(what, name string) string {
	if name == "" {
		return "this " + what
	}
	return "the " + what + " " + name
}

// oneOfTeams names the teams, for a hint.
func oneOfTeams(teams []*Team) string {
	if len(teams) == 0 || len(teams) > 12 {
		return ""
	}
	return ": " + OrList(Names(teams))
}

func (l *loader) readService(v manifest.Value) {
	s := &Service{Place: v.Place, Source: v}
	r := l.keys(v, &serviceShape, map[string]func(manifest.Value){
		"name":       l.nameTo(&s.Name, "the service", reservedServices...),
		"image":      l.imageTo(&s.Image),
		"tag":        l.tagTo(&s.Tag),
		"repository": l.matching(&s.Repository, "repository", ownerName, "write owner/name, as in github.com/owner/name"),
		"port":       l.portTo(&s.Port),
		"secrets":    l.secrets(&s.Secrets),
		"vars":       l.vars(&s.Vars),
	})
	l.require(v, r, "name", "add a line name: …", "this service has no name")
	addNew(l, &l.inventory.Services, s, "service", v.Place, func(s *Service) problem.Place { return s.Place })
}

func (l *loader) tagTo(to *string) func(manifest.Value) {
	return func(v manifest.Value) {
		if *to = l.text(v, "tag"); *to != "" && !image.ValidTag(*to) {
			l.report(problem.NotValid, v.Place, "letters, digits, _, . and -, at most 128", "invalid tag %q", *to)
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
			l.report(problem.NotValid, v.Place, "from 1 to 65535; leave the line out where the service serves nothing", "invalid port %d", port)
		}
		*to = port
	}
}

func (l *loader) readUser(v manifest.Value) {
	u := &User{Place: v.Place, Source: v}
	name, _ := v.Get("name")
	set := l.servicesSet != "" && l.servicesSet == name.Text
	r := l.keys(v, &userShape, map[string]func(manifest.Value){
		"name": l.nameTo(&u.Name, "the user"),
		"mission_type": func(v manifest.Value) {
			name := l.text(v, "mission_type")
			if u.Team = byName(l.inventory.Teams, name); u.Team == nil && name != "" && l.named {
				l.report(problem.UnknownName, v.Place, problem.DidYouMean(name, Names(l.inventory.Teams)), "unknown team %q", name)
			}
		},
		"services": func(v manifest.Value) { l.items(v, "services", func(v manifest.Value) { l.addServiceOf(u, v, set) }) },
		"state":    l.state(&u.Absent),
		"expires":  l.dayTo(&u.Expires, "expires"),
		"vars":     l.vars(&u.Vars),
	})
	l.require(v, r, "name", "add a line name: …", "this user has no name")
	l.require(v, r, "mission_type", "add a line mission_type: … with the name of the user's team"+oneOfTeams(l.inventory.Teams), "%s has no mission_type", called("user", u.Name))
	sortByName(u.Services)
	addNew(l, &l.inventory.Users, u, "user", v.Place, func(u *User) problem.Place { return u.Place })
}

// addServiceOf adds a service to a user; set means that the user's list is about to be replaced.
func (l *loader) addServiceOf(u *User, v manifest.Value, set bool) {
	name := l.text(v, "a service")
	service := byName(l.inventory.Services, name)
	switch {
	case name == "" || service == nil && (set || !l.named):
	case service == nil:
		l.report(problem.UnknownName, v.Place, orRemove(name, Names(l.inventory.Services), "remove it from the list"), "unknown service %q", name)
	case slices.Contains(u.Services, service) && set:
	case slices.Contains(u.Services, service):
		l.report(problem.Twice, v.Place, "remove one of the two", "duplicate service %q", name)
	default:
		u.Services = append(u.Services, service)
	}
}

// orRemove is the hint of a name that nothing has: the one that was meant, or else the names that
// there are, and how to remove it.
func orRemove(name string, names []string, remove string) string {
	switch hint := problem.DidYouMean(name, names); {
	case hint == "":
		return remove
	case problem.Nearest(name, names) != "":
		return hint
	default:
		return hint + "; or " + remove
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
