package inventory

import (
	"slices"

	"k8srepo/internal/manifest"
)

// Vars returns the variables as they are for a service in an environment, for a
// user, or both. Service and user may be nil. They are the Layers, laid over each
// other.
func (inv *Inventory) Vars(env *Environment, service *Service, user *User) manifest.Value {
	vars := inv.Defaults
	for _, layer := range inv.Layers(env, service, user)[1:] {
		vars = layVars(vars, layer.Vars)
	}
	return vars
}

// Layer is one place that sets variables.
type Layer struct {
	What string         // as people name it
	Vars manifest.Value // a map, or the zero Value where it sets none
}

// Layers returns the places that set variables, from the weakest to the strongest:
// the defaults, the service's vars, the environment's, the environment's for the
// service, the user's. Each file that the environment is made of is a layer of its
// own: first the vars of each, then those for the service.
func (inv *Inventory) Layers(env *Environment, service *Service, user *User) []Layer {
	layers := make([]Layer, 0, 3+2*len(env.Chain))
	layers = append(layers, Layer{"default", inv.Defaults})
	if service != nil {
		layers = append(layers, Layer{"service " + service.Name, service.Vars})
	}
	for _, link := range env.Chain {
		layers = append(layers, Layer{"environment " + link.Name, link.vars()})
	}
	if service != nil {
		for _, link := range env.Chain {
			layers = append(layers, Layer{"environment " + link.Name + ", service " + service.Name, link.serviceVars(service.Name)})
		}
	}
	if user != nil {
		layers = append(layers, Layer{"user " + user.Name, user.Vars})
	}
	return layers
}

func (k Link) vars() manifest.Value {
	vars, _ := k.Source.Get("vars")
	return vars
}

func (k Link) serviceVars(service string) manifest.Value {
	services, _ := k.Source.Get("services")
	override, _ := services.Get(service)
	vars, _ := override.Get("vars")
	return vars
}

// layVars returns variables with those of a stronger layer laid over them. A null
// sets a variable back to "not set", and keeps the place where that was written.
func layVars(base, over manifest.Value) manifest.Value {
	if len(over.Fields) == 0 {
		return base
	}
	vars := base
	vars.Kind, vars.Fields = manifest.Map, slices.Clone(base.Fields)
	for _, f := range over.Fields {
		at := fieldIndex(vars, f.Key.Text)
		switch {
		case at < 0:
			f.Value = lay(manifest.Value{}, f.Value)
			vars.Fields = append(vars.Fields, f)
		default:
			vars.Fields[at] = manifest.Field{Key: f.Key, Value: lay(vars.Fields[at].Value, f.Value)}
		}
	}
	return vars
}

// lay returns a value with one of a stronger layer laid over it. Two maps become
// one, key by key; a null removes its key; an empty map empties; all else replaces.
func lay(base, over manifest.Value) manifest.Value {
	if over.Kind != manifest.Map || len(over.Fields) == 0 {
		return over
	}
	merged := manifest.Value{Kind: manifest.Map, Place: over.Place}
	if base.Kind == manifest.Map {
		merged.Fields = slices.Clone(base.Fields)
	}
	for _, f := range over.Fields {
		at := fieldIndex(merged, f.Key.Text)
		switch {
		case f.Value.Kind == manifest.Null && at >= 0:
			merged.Fields = slices.Delete(merged.Fields, at, at+1)
		case f.Value.Kind == manifest.Null:
		case at >= 0:
			merged.Fields[at] = manifest.Field{Key: f.Key, Value: lay(merged.Fields[at].Value, f.Value)}
		default:
			f.Value = lay(manifest.Value{}, f.Value)
			merged.Fields = append(merged.Fields, f)
		}
	}
	return merged
}

// fieldIndex returns the index of a map's key, -1 where it has none.
func fieldIndex(m manifest.Value, key string) int {
	for i := range m.Fields {
		if m.Fields[i].Key.Text == key {
			return i
		}
	}
	return -1
}
