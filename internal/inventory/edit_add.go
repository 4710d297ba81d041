package inventory

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/image"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Setting is a value of an entry of users.yaml, or of an environment's file.
type Setting struct {
	Path  manifest.Path
	Value manifest.Value
}

// Secret is an environment variable whose value is in the secret store.
type Secret struct {
	Name string
	Key  string // in the secret store, below the environment's name
}

// NewTeam is a team to be added.
type NewTeam struct {
	Name    string
	Secrets []Secret
}

// AddTeam adds a team.
func (e *Editor) AddTeam(t NewTeam) (Edit, error) {
	if err := e.CheckTeam(t); err != nil {
		return Edit{}, err
	}
	if err := e.check(func(l *loader) { l.readTeam(t.value()) }); err != nil {
		return Edit{}, err
	}
	return e.patch(manifest.InsertAt(manifest.MustPath("teams"), t.value()))
}

// CheckTeam reports everything that is wrong with a new team, as far as it is given: what
// is missing is not reported.
func (e *Editor) CheckTeam(t NewTeam) error {
	if there := e.Inventory.Team(t.Name); there != nil {
		return refuseAt(there.source.Place, "change it in "+UsersFile, "the team %s is there", t.Name)
	}
	return e.check(func(l *loader) { l.partial = true; l.readTeam(t.value()) })
}

func (t NewTeam) value() manifest.Value {
	v := manifest.Value{Kind: manifest.Map}
	if t.Name != "" {
		v.Add("name", manifest.NewString(t.Name))
	}
	addSecrets(&v, t.Secrets)
	return v
}

func addSecrets(v *manifest.Value, list []Secret) {
	if len(list) == 0 {
		return
	}
	var keys manifest.Value
	for _, s := range list {
		keys.Add(s.Name, manifest.NewString(s.Key))
	}
	v.Add("secrets", keys)
}

// NewService is a service to be added.
type NewService struct {
	Name       string
	Image      string
	Tag        string
	Port       int64  // 0 where it serves nothing
	Repository string // owner/name on GitHub; "" where there is none
	Secrets    []Secret
	Settings   []Setting            // other values of its entry, such as vars.replicas
	In         map[string][]Setting // environment → values of its entry there
}

// AddService adds a service to users.yaml, and what environments say of it to their files.
func (e *Editor) AddService(s NewService) ([]Edit, error) {
	if err := e.CheckService(s); err != nil {
		return nil, err
	}
	if err := e.check(func(l *loader) { l.readService(s.value()) }); err != nil {
		return nil, err
	}
	patches := []manifest.Patch{manifest.InsertAt(manifest.MustPath("services"), s.value())}
	for _, setting := range s.Settings {
		patches = append(patches, manifest.SetAt(manifest.MustPath("services[name="+s.Name+"]").Join(setting.Path), e.typed(setting)))
	}
	edit, err := e.patch(patches...)
	if err != nil {
		return nil, err
	}
	edits := []Edit{edit}
	for _, env := range sortedKeys(s.In) {
		var patches []manifest.Patch
		for _, setting := range s.In[env] {
			patches = append(patches, manifest.SetAt(manifest.MustPath("services."+s.Name).Join(setting.Path), e.typed(setting)))
		}
		edit, err := e.patchFile(path.Join(EnvironmentsDir, env+".yaml"), patches...)
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	return edits, nil
}

// CheckService reports everything that is wrong with a new service, as far as it is given:
// what is missing is not reported. Its settings are not checked.
func (e *Editor) CheckService(s NewService) error {
	var problems problem.List
	if there := e.Inventory.Service(s.Name); there != nil {
		return refuseAt(there.Place, "change it in "+UsersFile, "the service %s is there", s.Name)
	}
	for _, env := range sortedKeys(s.In) {
		if e.Inventory.Environment(env) == nil {
			problems.Add(problem.New(problem.DidYouMean(env, Names(e.Inventory.Environments)), "unknown environment %q", env).WithCode(problem.UnknownName))
		}
	}
	if ref, err := image.Parse(s.Image); err == nil && ref.Suffix() != "" {
		hint := "pass --image " + ref.Name
		if ref.Tag != "" {
			hint += " --tag " + ref.Tag
		}
		problems.Add(problem.New(hint, "image is a repository, without a tag: %s", s.Image).WithCode(problem.NotAnImage))
		s.Image = ""
	}
	problems.Add(e.check(func(l *loader) { l.partial = true; l.readService(s.value()) }))
	return problems.Err()
}

// value returns the entry of a service, as far as it is given, without its settings.
func (s NewService) value() manifest.Value {
	v := manifest.Value{Kind: manifest.Map}
	for _, f := range [][2]string{{"name", s.Name}, {"image", s.Image}, {"tag", s.Tag}, {"repository", s.Repository}} {
		if f[1] != "" {
			v.Add(f[0], manifest.NewString(f[1]))
		}
	}
	if s.Port != 0 {
		v.Add("port", manifest.Value{Kind: manifest.Int, Text: strconv.FormatInt(s.Port, 10)})
	}
	addSecrets(&v, s.Secrets)
	return v
}

// typed returns the value of a setting as its variable takes it: what looks like a number is a
// string where the variable's default is one.
func (e *Editor) typed(s Setting) manifest.Value {
	_, name, ok := strings.Cut("."+s.Path.String(), ".vars.")
	if !ok || s.Value.Kind == manifest.List || s.Value.Kind == manifest.Map || s.Value.Kind == manifest.Null {
		return s.Value
	}
	at := e.Inventory.Defaults
	for key := range strings.SplitSeq(name, ".") {
		if at, ok = at.Get(key); !ok {
			return s.Value
		}
	}
	if at.Kind == manifest.String {
		return manifest.NewString(s.Value.Text)
	}
	return s.Value
}

// NewEnvironment is an environment to be added.
type NewEnvironment struct {
	Name     string
	From     string // the environment that it is like
	Copy     bool   // of its file; else it extends it
	Settings []Setting
}

// AddEnvironment adds an environment: a file that extends another, or is a copy of it. It
// has a namespace of its own, unless its settings keep the two apart.
func (e *Editor) AddEnvironment(n NewEnvironment) (Edit, error) {
	if err := e.CheckEnvironment(n); err != nil {
		return Edit{}, err
	}
	from := e.Inventory.Environment(n.From)
	file := path.Join(EnvironmentsDir, n.Name+".yaml")
	edit := Edit{File: file, New: []byte("extends: " + n.From + "\n")}
	var patches []manifest.Patch
	if n.Copy {
		data, err := manifest.ReadFile(e.FS, from.Place.File)
		if err != nil {
			return Edit{}, err
		}
		edit.New = data
		if _, own := from.ownPath(); own {
			patches = append(patches, manifest.DeleteAt(manifest.MustPath("path")))
		}
	}
	if from.collides(n) {
		patches = append(patches, manifest.SetAt(manifest.MustPath("namespace"), manifest.NewString(n.Name)))
	}
	for _, s := range n.Settings {
		patches = append(patches, manifest.SetAt(s.Path, e.typed(s)))
	}
	f, err := manifest.Parse(file, edit.New)
	if err != nil {
		return Edit{}, err
	}
	if edit.New, err = f.Patch(patches...); err != nil {
		return Edit{}, problem.WithCode(err, problem.NotChanged)
	}
	return edit, nil
}

// CheckEnvironment reports everything that is wrong with a new environment, as far as it is
// given: what is missing is not reported.
func (e *Editor) CheckEnvironment(n NewEnvironment) error {
	var problems problem.List
	if there := e.Inventory.Environment(n.Name); there != nil {
		problems.Add(refuseAt(there.Place, "take another name", "the environment %s is there", n.Name))
	} else if n.Name != "" {
		problems.Add(e.check(func(l *loader) { l.environmentName(manifest.NewString(n.Name)) }))
	}
	switch from := e.Inventory.Environment(n.From); {
	case n.From == "":
	case from == nil:
		problems.Add(problem.New(problem.DidYouMean(n.From, Names(e.Inventory.Environments)), "unknown environment %q", n.From).WithCode(problem.UnknownName))
	case n.Copy && from.Abstract:
		problems.Add(problem.At(from.Place, "leave out --copy: it extends "+n.From+" then", "the environment %s is abstract: a copy would render nothing", n.From).WithCode(problem.NotChanged))
	}
	return problems.Err()
}

// collides reports whether an environment that is like this one would be in its
// namespace of its cluster.
func (e *Environment) collides(n NewEnvironment) bool {
	if _, named := e.Source.Get("namespace"); !named || e.Abstract {
		return false
	}
	return !slices.ContainsFunc(n.Settings, func(s Setting) bool { return s.Path.String() == "namespace" || s.Path.String() == "cluster" })
}
