package adopt

import (
	"maps"
	"slices"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
)

// settings are what adopt writes into the inventory.
type settings struct {
	inventory *inventory.Inventory // as it is
	variables []manifest.Field     // their defaults
	services  []*serviceSettings
	envs      []*envSettings
}

// serviceSettings are a service of users.yaml.
type serviceSettings struct {
	name  string
	image string // "" where it has none
	vars  []manifest.Field
}

// envSettings are an environment's file.
type envSettings struct {
	name     string
	keys     []manifest.Field // at the top
	vars     []manifest.Field
	services []*overrideSettings
}

// overrideSettings are what an environment says of a service.
type overrideSettings struct {
	name   string
	absent bool
	image  string
	vars   []manifest.Field
}

func field(key string, v manifest.Value) manifest.Field {
	return manifest.Field{Key: manifest.NewString(key), Value: v}
}

// addVariables distributes variables over the layers.
func (s *settings) addVariables(variables []*variable) {
	for _, v := range variables {
		l := v.layered(len(s.services) == 1)
		s.variables = append(s.variables, field(v.name, v.written(l.value)))
		for _, service := range slices.Sorted(maps.Keys(l.service)) {
			to := s.service(service)
			to.vars = append(to.vars, field(v.name, v.written(l.service[service])))
		}
		for _, env := range slices.Sorted(maps.Keys(l.env)) {
			to := s.env(env)
			to.vars = append(to.vars, field(v.name, v.written(l.env[env])))
		}
		for c, value := range l.both {
			to := s.env(c.env).service(c.service)
			to.vars = append(to.vars, field(v.name, v.written(value)))
		}
	}
}

func (s *settings) service(name string) *serviceSettings {
	i := slices.IndexFunc(s.services, func(o *serviceSettings) bool { return o.name == name })
	return s.services[i]
}

func (s *settings) env(name string) *envSettings {
	i := slices.IndexFunc(s.envs, func(o *envSettings) bool { return o.name == name })
	return s.envs[i]
}

func (e *envSettings) service(name string) *overrideSettings {
	i := slices.IndexFunc(e.services, func(o *overrideSettings) bool { return o.name == name })
	if i >= 0 {
		return e.services[i]
	}
	o := &overrideSettings{name: name}
	e.services = append(e.services, o)
	slices.SortFunc(e.services, func(a, b *overrideSettings) int { return strings.Compare(a.name, b.name) })
	return o
}

// value returns an override as it is written.
func (o *overrideSettings) value() manifest.Value {
	var v manifest.Value
	if o.absent {
		v.Add("state", manifest.NewString("absent"))
	}
	if o.image != "" {
		v.Add("image", manifest.NewString(o.image))
	}
	if len(o.vars) > 0 {
		v.Add("vars", manifest.Value{Kind: manifest.Map, Fields: o.vars})
	}
	return v
}

func (s *serviceSettings) value() manifest.Value {
	var v manifest.Value
	v.Add("name", manifest.NewString(s.name))
	if s.image != "" {
		v.Add("image", manifest.NewString(s.image))
	}
	if len(s.vars) > 0 {
		v.Add("vars", manifest.Value{Kind: manifest.Map, Fields: s.vars})
	}
	return v
}

// file returns the text of a new environment's file.
func (e *envSettings) file() []byte {
	var b strings.Builder
	for _, f := range e.keys {
		writeEntry(&b, 0, f)
	}
	if len(e.vars) > 0 {
		writeEntry(&b, 0, field("vars", manifest.Value{Kind: manifest.Map, Fields: e.vars}))
	}
	if slices.ContainsFunc(e.services, func(o *overrideSettings) bool { return len(o.value().Fields) > 0 }) {
		b.WriteString("services:\n")
		for _, o := range e.services {
			if v := o.value(); len(v.Fields) > 0 {
				writeEntry(&b, 2, field(o.name, v))
			}
		}
	}
	return []byte(b.String())
}

// usersFile returns the text of a new users.yaml.
func usersFile(services []*serviceSettings) []byte {
	if len(services) == 0 {
		return []byte("services: []\n")
	}
	var b strings.Builder
	b.WriteString("services:\n")
	for _, s := range services {
		for i, f := range s.value().Fields {
			var line strings.Builder
			writeEntry(&line, 4, f)
			text := line.String()
			if i == 0 {
				text = "  - " + strings.TrimLeft(text, " ")
			}
			b.WriteString(text)
		}
	}
	return []byte(b.String())
}

// maxLine is how long a line may be that holds a map.
const maxLine = 110

// writeEntry writes an entry: on one line where it fits, else its entries on lines of
// their own.
func writeEntry(b *strings.Builder, indent int, f manifest.Field) {
	blanks := strings.Repeat(" ", indent)
	key := string(manifest.AppendFlow(nil, f.Key))
	value := string(manifest.AppendFlow(nil, f.Value))
	if f.Value.Kind == manifest.String {
		if plain, err := manifest.AppendYAML(nil, f.Value.Text, indent+2); err == nil {
			value = string(plain)
		}
	}
	if line := blanks + key + ": " + value; len(line) <= maxLine || f.Value.Kind != manifest.Map {
		b.WriteString(line + "\n")
		return
	}
	b.WriteString(blanks + key + ":\n")
	for _, inner := range f.Value.Fields {
		writeEntry(b, indent+2, inner)
	}
}

// newSettings returns the services and environments of the files.
func (s *state) newSettings() *settings {
	list := &settings{inventory: s.inventory}
	byCell := map[cell]bool{}
	scopes := map[string]map[string]bool{}
	for _, f := range s.files {
		byCell[f.cell] = true
		if scopes[f.env] == nil {
			scopes[f.env] = map[string]bool{}
		}
		scopes[f.env][scopeOf(f.cell)] = true
	}
	for _, name := range s.survey.services {
		list.services = append(list.services, &serviceSettings{name: name, image: usedImage(s.survey.images[name])})
	}
	for _, name := range s.survey.envs {
		e := &envSettings{name: name, keys: s.keysOf(name, scopes[name])}
		list.envs = append(list.envs, e)
		for _, service := range list.services {
			image := s.survey.images[service.name][name]
			if c := (cell{name, service.name}); !byCell[c] && !s.folders[c] && s.mayBeAbsent(c) {
				e.service(service.name).absent = true
			} else if image != "" && image != service.image {
				e.service(service.name).image = image
			}
		}
		if s.inventory.Environment(name) != nil {
			continue
		}
		for _, service := range s.inventory.Services { // those that have nothing to do with a new environment
			if !slices.Contains(s.survey.services, service.Name) {
				e.service(service.Name).absent = true
			}
		}
	}
	return list
}

// mayBeAbsent reports whether adopt may say that a service is not rendered in an
// environment: for one that the inventory knows there, that is for people to say.
func (s *state) mayBeAbsent(c cell) bool {
	env, service := s.inventory.Environment(c.env), s.inventory.Service(c.service)
	return env == nil || service == nil || env.Overrides[c.service].Absent
}

func scopeOf(c cell) string {
	if c.service != "" {
		return "service"
	}
	return "environment"
}

// keysOf returns the keys at the top of a new environment's file.
func (s *state) keysOf(env string, scopes map[string]bool) []manifest.Field {
	var keys []manifest.Field
	if path := s.options.Layout.path(env); path != env+"/manifests" {
		keys = append(keys, field("path", manifest.NewString(path)))
	}
	if ns := s.survey.namespace[env]; ns != "" && ns != env {
		keys = append(keys, field("namespace", manifest.NewString(ns)))
	}
	if domain := s.survey.domain[env]; domain != "" {
		keys = append(keys, field("domain", manifest.NewString(domain)))
	}
	return append(keys, field("templates", manifest.NewList(slices.Sorted(maps.Keys(scopes))...)))
}

func usedImage(images map[string]string) string {
	counts := map[string]int{}
	for _, image := range images {
		counts[image]++
	}
	return commonest(counts)
}

// universe returns the cells that a scope's templates are rendered for.
func (s *state) universe(scope string) []cell {
	var list []cell
	names := slices.Clone(s.survey.envs)
	for _, e := range s.inventory.Environments {
		if !e.Abstract && slices.Contains(e.Templates, scope) && !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	services := inventory.Names(s.inventory.Services)
	for _, service := range s.survey.services {
		if !slices.Contains(services, service) {
			services = append(services, service)
		}
	}
	for _, env := range names {
		if scope == "environment" {
			list = append(list, cell{env: env})
			continue
		}
		absent := s.absent(env)
		for _, service := range services {
			if !absent[service] {
				list = append(list, cell{env, service})
			}
		}
	}
	return list
}

// absent returns the services that are not rendered in an environment.
func (s *state) absent(env string) map[string]bool {
	absent := map[string]bool{}
	if e := s.inventory.Environment(env); e != nil {
		for service, o := range e.Overrides {
			absent[service] = o.Absent
		}
	}
	for _, e := range s.settings.envs {
		for _, o := range e.services {
			if e.name == env && o.absent {
				absent[o.name] = true
			}
		}
	}
	return absent
}
