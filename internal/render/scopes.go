package render

import (
	"path"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// What templates see. A field that is unset where it may be is nil: printing it
// is an error, and if, with and default can ask.

// Env is the environment that is rendered.
type Env struct {
	Name, Namespace             string
	Domain, Cluster, Kubernetes any
}

// Service is a service as it is in the environment, and for the user if there is one.
type Service struct {
	Name, Image string
	Tag         Tag
	Port        int64 // 0 where it serves nothing
	Repository  any
	Secrets     map[string]string
	Vars        Vars
}

// User is a person whose state is present.
type User struct {
	Name     string
	Team     *Team
	Services []*Service
}

// Team is a mission type.
type Team struct {
	Name    string
	Secrets map[string]string
}

// Vars are the variables as they are where a template is rendered.
type Vars map[string]any

// Tag is a service's first tag. What runs is known only when files are compared
// with what is there, so a template may print it behind an image and nowhere else.
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
		Team  *Team
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
		Team     *Team
		Services []*Service
		Vars     Vars
	}
	userServiceScope struct {
		Env     *Env
		User    *User
		Team    *Team
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
	place  problem.Place // of its service; the zero Place where it has none
}

// String is the subject as people name it: sandbox, alice, api.
func (s *subject) String() string {
	switch d := s.data.(type) {
	case *userServiceScope:
		return s.env + ", " + d.User.Name + ", " + d.Service.Name
	case *userScope:
		return s.env + ", " + d.User.Name
	case *teamScope:
		return s.env + ", " + d.Team.Name
	case *serviceScope:
		return s.env + ", " + d.Service.Name
	}
	return s.env
}

// subjects are all that an environment's templates are rendered for.
func subjects(inv *inventory.Inventory, env *inventory.Environment) []*subject {
	b := builder{inv: inv, env: env, vars: goVars(inv.Vars(env, nil, nil)), services: map[string]*Service{}, teams: map[string]*Team{}}
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
	teams    map[string]*Team
}

func (b *builder) all() []*subject {
	services, users := []*Service{}, []*User{}
	members := map[string][]*User{}
	var list []*subject
	add := func(scope, folder, prefix string, data any) *subject {
		list = append(list, &subject{scope: scope, env: b.env.Name, root: b.env.Path, folder: folder, prefix: prefix, data: data})
		return list[len(list)-1]
	}
	for _, s := range b.inv.Services {
		if b.env.Overrides[s.Name].Absent {
			continue
		}
		service := b.service(s, goVars(b.inv.Vars(b.env, s, nil)))
		b.services[s.Name] = service
		services = append(services, service)
		add("service", s.Name, s.Name+"-"+b.env.Name, &serviceScope{b.data, service, service.Vars, service.Tag}).place = s.Place
	}
	for _, u := range b.inv.Users {
		if u.Absent {
			continue
		}
		user := b.user(u)
		users = append(users, user)
		members[user.Team.Name] = append(members[user.Team.Name], user)
		folder := path.Join("users", u.Name)
		vars := b.vars
		if len(u.Vars.Fields) > 0 {
			vars = goVars(b.inv.Vars(b.env, nil, u))
		}
		add("user", folder, u.Name+"-"+b.env.Name, &userScope{b.data, user, user.Team, user.Services, vars})
		for _, service := range user.Services {
			add("user-service", folder, service.Name+"-"+b.env.Name, &userServiceScope{b.data, user, user.Team, service, service.Vars, service.Tag}).
				place = b.inv.Service(service.Name).Place
		}
	}
	for _, t := range b.inv.Teams {
		if m := members[t.Name]; m != nil {
			add("team", path.Join("teams", t.Name), t.Name+"-"+b.env.Name, &teamScope{b.data, b.team(t), m, b.vars})
		}
	}
	add("environment", "", b.env.Name, &environmentScope{b.data, services, users, b.vars})
	return list
}

func (b *builder) service(s *inventory.Service, vars Vars) *Service {
	return &Service{Name: s.Name, Image: b.env.Image(s), Tag: Tag{s.Tag, s.Image}, Port: s.Port, Repository: orNil(s.Repository), Secrets: s.Secrets, Vars: vars}
}

func (b *builder) user(u *inventory.User) *User {
	user := &User{Name: u.Name, Team: b.team(u.Team)}
	for _, s := range u.Services {
		service := b.services[s.Name]
		if service == nil { // absent here
			continue
		}
		if len(u.Vars.Fields) > 0 {
			service = b.service(s, goVars(b.inv.Vars(b.env, s, u)))
		}
		user.Services = append(user.Services, service)
	}
	return user
}

func (b *builder) team(t *inventory.Team) *Team {
	if b.teams[t.Name] == nil {
		b.teams[t.Name] = &Team{Name: t.Name, Secrets: t.Secrets}
	}
	return b.teams[t.Name]
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
