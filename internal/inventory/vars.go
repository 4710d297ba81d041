package inventory

import (
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Vars are the variables as they are for a service in an environment, for a user,
// or both. Service and user may be nil. The weakest say comes first: the
// default, the service's, the environment's, the environment's for the service,
// the user's. Maps merge; everything else replaces.
func (inv *Inventory) Vars(env *Environment, service *Service, user *User) manifest.Value {
	vars := inv.Defaults
	if service != nil {
		vars = merge(vars, service.Vars)
	}
	vars = merge(vars, env.Vars)
	if service != nil {
		vars = merge(vars, env.Overrides[service.Name].Vars)
	}
	if user != nil {
		vars = merge(vars, user.Vars)
	}
	return vars
}

// Layer is one that has a say in the variables.
type Layer struct {
	What string // as people name it
	Vars manifest.Value
}

// Layers are all that Vars asks, the weakest first, with each environment that
// the environment extends on its own.
func (inv *Inventory) Layers(env *Environment, service *Service, user *User) []Layer {
	layers := []Layer{{"default", inv.Defaults}}
	if service != nil {
		layers = append(layers, Layer{"service " + service.Name, service.Vars})
	}
	for _, link := range env.Chain {
		vars, _ := link.Source.Get("vars")
		layers = append(layers, Layer{"environment " + link.Name, vars})
	}
	if service != nil {
		for _, link := range env.Chain {
			services, _ := link.Source.Get("services")
			override, _ := services.Get(service.Name)
			vars, _ := override.Get("vars")
			layers = append(layers, Layer{"environment " + link.Name + ", service " + service.Name, vars})
		}
	}
	if user != nil {
		layers = append(layers, Layer{"user " + user.Name, user.Vars})
	}
	return layers
}

// merge lays over on base: two maps become one, their values merged in turn;
// anything else is replaced. A null that is there only because nothing was
// written (the zero Value) changes nothing.
func merge(base, over manifest.Value) manifest.Value {
	if over.Place == (problem.Place{}) {
		return base
	}
	if base.Kind != manifest.Map || over.Kind != manifest.Map {
		return over
	}
	merged := base
	merged.Fields = slices.Clone(base.Fields)
	for _, f := range over.Fields {
		at := slices.IndexFunc(merged.Fields, func(b manifest.Field) bool { return b.Key.Text == f.Key.Text })
		if at < 0 {
			merged.Fields = append(merged.Fields, f)
		} else {
			merged.Fields[at] = manifest.Field{Key: f.Key, Value: merge(merged.Fields[at].Value, f.Value)}
		}
	}
	return merged
}

// checkVars reports variables that are not declared, or are not of the type that
// their default has.
func (l *loader) checkVars(vars manifest.Value) {
	if !l.declared {
		return // they were not read, or all that is wrong is there
	}
	for _, f := range vars.Fields {
		name := f.Key.Text
		def, declared := l.defaults.Get(name)
		if !declared {
			names := make([]string, 0, len(l.defaults.Fields))
			for _, d := range l.defaults.Fields {
				names = append(names, d.Key.Text)
			}
			hint := "declare it, with a default, in " + VariablesFile
			if near := problem.Nearest(name, names); near != "" {
				hint = "did you mean \"" + near + "\"? Else " + hint
			}
			l.report(problem.UnknownVariable, f.Key.Place, hint, "unknown variable %q", name)
			continue
		}
		if f.Value.Kind == def.Kind || def.Kind == manifest.Null || def.Kind == manifest.Float && f.Value.Kind == manifest.Int {
			continue
		}
		l.report(problem.WrongType, f.Value.Place, rewrite(f.Value, def.Kind), "the variable %s must be %s, as its default in %s is; this is %s", name, def.Kind, def.Place, f.Value.Kind)
	}
}

// rewrite is how a value of the wrong kind would be written in the right one, as
// far as that can be told.
func rewrite(v manifest.Value, want manifest.Kind) string {
	switch {
	case want == manifest.String && (v.Kind == manifest.Bool || v.Kind == manifest.Int || v.Kind == manifest.Float):
		return `write "` + v.Text + `", in quotes`
	case want == manifest.Bool && v.Kind == manifest.String:
		switch strings.ToLower(v.Text) {
		case "yes", "on", "y", "true":
			return "write true"
		case "no", "off", "n", "false":
			return "write false"
		}
	case (want == manifest.Int || want == manifest.Float) && v.Kind == manifest.String && strings.Trim(v.Text, "0123456789") == "" && v.Text != "":
		return "write " + v.Text + ", without quotes"
	case want == manifest.List && v.Kind == manifest.String:
		return "write [" + v.Text + "]"
	}
	return ""
}
