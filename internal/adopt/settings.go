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
