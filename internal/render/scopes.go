package render

import (
	"path"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/trace"
)

// What templates see. A field that is unset where it may be is nil: printing it
// is an error, and if, with and default can ask.
//
// Env, Service and User are types of their own, not the inventory's: what a template
// sees of a service depends on the environment and the user (image, variables), a field
// of an exported struct is a template's to print (deploy policy, places in files), and an
// unset text must be nil here and "" there. A team is the same everywhere: inventory.Team.

// Env is the environment that is rendered.
type Env struct {
	Name, Namespace             string
	Domain, Cluster, Kubernetes any
}

// Service is a service as it is in the environment, and for the user if there is one.
type Service struct {
	Name       string
	Image      any
	Tag        Tag
	Port       int64 // 0 where it serves nothing
	Repository any
	Secrets    map[string]string
	Vars       Vars
}

// User is a person whose state is present.
type User struct {
	Name     string
	Team     *inventory.Team
	Services []*Service
}

// Vars are the variables as they are where a template is rendered.
type Vars map[string]any

// Tag is a service's first tag, and the repository that it runs from in the environment. The tag
// that runs is only known when the files are compared with those on disk, so a template may print
// a Tag where that one can be written in its place, and use it in no function.
type Tag struct{ text, repository string }

// The scopes: what the dot is in the templates of each folder.
type (
	environmentScope struct {
		Env      *Env
		Services []*Service
		Users    []*User
		Vars     Vars
	}
	teamScope struct {
		Env   *Env
		Team  *inventory.Team
		Users []*User
		Vars  Vars
	}
	serviceScope struct {
		Env     *Env
		Service *Service
		Vars    Vars
		Tag     Tag
	}
	userScope struct {
		Env      *Env
		User     *User
		Team     *inventory.Team
		Services []*Service
		Vars     Vars
	}
	userServiceScope struct {
		Env     *Env
		User    *User
		Team    *inventory.Team
		Service *Service
		Vars    Vars
		Tag     Tag
	}
)

// scopeData is an empty dot of each scope, for its type.
var scopeData = map[string]any{
	"environment":  environmentScope{},
	"team":         teamScope{},
	"service":      serviceScope{},
	"user":         userScope{},
	"user-service": userServiceScope{},
}

// subject is one thing that the templates of a scope are rendered for.
type subject struct {
	scope  string
	env    string
	root   string // the folder of the environment's manifests
	folder string // below root
	prefix string // what its file names begin with
	data   any
	traced trace.Subject // what data is made of
}

// String returns the subject as people name it: sandbox, alice, api.
func (s *subject) String() string {
	name := s.env
	switch t := s.traced; {
	case t.User != nil:
		name += ", " + t.User.Name
	case t.Team != nil:
		name += ", " + t.Team.Name
	}
	if service := s.traced.Service; service != nil {
		name += ", " + service.Name
	}
	return name
}

// service returns the place of the subject's service; the zero Place where it has none.
func (s *subject) service() problem.Place {
	if s.traced.Service == nil {
		return problem.Place{}
	}
	return s.traced.Service.Place
}

// subjects returns all that an environment's templates are rendered for.
func subjects(inv *inventory.Inventory, env *inventory.Environment) []*subject {
	b := builder{inv: inv, env: env, vars: goVars(inv.Vars(env, nil, nil)), services: map[string]*Service{}}
	b.data = &Env{Name: env.Name, Namespace: env.Namespace, Domain: orNil(env.Domain), Cluster: orNil(env.Cluster), Kubernetes: orNil(env.Kubernetes)}
	all := b.all()
	wanted := map[string]bool{}
	for _, scope := range env.Templates {
		wanted[scope] = true
	}
	var list []*subject
	for _, s := range all {
		if wanted[s.scope] {
			list = append(list, s)
		}
	}
	return list
}

// builder makes the data of one environment.
type builder struct {
	inv      *inventory.Inventory
	env      *inventory.Environment
	data     *Env
	vars     Vars
	services map[string]*Service // as they are without a user
}

func (b *builder) all() []*subject {
	services, users := []*Service{}, map[*inventory.User]*User{}
	var list []*subject
	add := func(scope, folder, prefix string, traced trace.Subject, data any) {
		traced.Inventory, traced.Env = b.inv, b.env
		root := b.env.Path
		if s := traced.Service; s != nil && inventory.HasService(root) {
			root, folder = inventory.ServiceFolder(root, s.Name), ""
		}
		list = append(list, &subject{scope: scope, env: b.env.Name, root: root, folder: folder, prefix: prefix + "-" + b.env.Name, data: data, traced: traced})
	}
	for _, s := range b.env.Services(b.inv.Services) {
		service := b.service(s, goVars(b.inv.Vars(b.env, s, nil)))
		b.services[s.Name] = service
		services = append(services, service)
		add("service", s.Name, s.Name, trace.Subject{Service: s}, &serviceScope{b.data, service, service.Vars, service.Tag})
	}
	for _, u := range b.inv.Present() {
		user := b.user(u)
		users[u] = user
		folder := path.Join("users", u.Name)
		vars := b.vars
		if len(u.Vars.Fields) > 0 {
			vars = goVars(b.inv.Vars(b.env, nil, u))
		}
		add("user", folder, u.Name, trace.Subject{User: u, Team: u.Team}, &userScope{b.data, user, user.Team, user.Services, vars})
		for i, s := range b.env.Services(u.Services) {
			service := user.Services[i]
			add("user-service", folder, s.Name, trace.Subject{User: u, Team: u.Team, Service: s},
				&userServiceScope{b.data, user, user.Team, service, service.Vars, service.Tag})
		}
	}
	viewOf := func(of []*inventory.User) []*User {
		views := make([]*User, len(of))
		for i, u := range of {
			views[i] = users[u]
		}
		return views
	}
	for _, t := range b.inv.Teams {
		if members := b.inv.Members(t); len(members) > 0 {
			add("team", path.Join("teams", t.Name), t.Name, trace.Subject{Team: t}, &teamScope{b.data, t, viewOf(members), b.vars})
		}
	}
	data := &environmentScope{b.data, services, viewOf(b.inv.Present()), b.vars}
	list = append(list, &subject{scope: "environment", env: b.env.Name, root: b.env.Path, prefix: b.env.Name, data: data, traced: trace.Subject{Inventory: b.inv, Env: b.env}})
	return list
}

func (b *builder) service(s *inventory.Service, vars Vars) *Service {
	image := b.env.Image(s)
	return &Service{Name: s.Name, Image: orNil(image), Tag: Tag{s.Tag, image}, Port: s.Port, Repository: orNil(s.Repository), Secrets: s.Secrets, Vars: vars}
}

func (b *builder) user(u *inventory.User) *User {
	user := &User{Name: u.Name, Team: u.Team}
	for _, s := range b.env.Services(u.Services) {
		service := b.services[s.Name]
		if len(u.Vars.Fields) > 0 {
			service = b.service(s, goVars(b.inv.Vars(b.env, s, u)))
		}
		user.Services = append(user.Services, service)
	}
	return user
}

func goVars(v manifest.Value) Vars {
	vars, _ := v.Go().(map[string]any)
	return vars
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
