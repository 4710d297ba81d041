package render

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
)

// origins are the values that paths lead to, and where they were written. A map
// is there with each of its leaves: it may have been written in several places.
func (r *renderer) origins(j job, paths from) []Origin {
	env := r.inventory.Environment(j.subject.env)
	var list []Origin
	for _, p := range paths {
		for len(p) > 0 {
			if _, isDict := p[len(p)-1].(inDict); !isDict {
				break
			}
			p = p[:len(p)-1] // the whole dict
		}
		f := finder{inventory: r.inventory, env: env}
		if o, value, ok := f.find(j.subject.data, p); ok {
			if value.Kind != manifest.Map || len(value.Fields) == 0 {
				list = append(list, o)
				continue
			}
			list = append(list, leaves(o, value)...)
		}
	}
	return list
}

func leaves(o Origin, value manifest.Value) []Origin {
	if value.Kind != manifest.Map || len(value.Fields) == 0 {
		return []Origin{o}
	}
	var list []Origin
	for _, f := range value.Fields {
		list = append(list, leaves(originOf(append(o.path[:len(o.path):len(o.path)], f.Key.Text), f.Value), f.Value)...)
	}
	return list
}

func originOf(p trail, v manifest.Value) Origin {
	return Origin{Name: p.String(), Text: cut(v.String(), 60), Place: v.Place, path: p}
}

// finder follows a path from a template's dot into the inventory.
type finder struct {
	inventory *inventory.Inventory
	env       *inventory.Environment
	service   *inventory.Service // those that the path went through
	user      *inventory.User
	source    manifest.Value // of the struct that the path is in
}

// find follows a path through structs, and from there on in what was written. Where
// that ends early, it is the last value on the way.
func (f *finder) find(data any, p trail) (Origin, manifest.Value, bool) {
	at := reflect.ValueOf(data)
	for i, step := range p {
		f.enter(at)
		name, isField := step.(string)
		here := reflect.Indirect(at)
		switch {
		case here.Kind() == reflect.Struct && isField:
			field := here.FieldByName(name)
			if value, written := f.written(here, name); written {
				return follow(p, i+1, value)
			}
			if !field.IsValid() {
				return Origin{}, manifest.Value{}, false
			}
			at = field
		case here.Kind() == reflect.Slice && !isField:
			n, ok := step.(int)
			if !ok || n >= here.Len() {
				return Origin{}, manifest.Value{}, false
			}
			at = here.Index(n)
		default:
			return Origin{}, manifest.Value{}, false
		}
	}
	f.enter(at)
	if reflect.Indirect(at).Kind() != reflect.Struct || f.source.Kind != manifest.Map {
		return Origin{}, manifest.Value{}, false // a list of them, or the dot itself
	}
	name, _ := f.source.Get("name")
	return Origin{Name: p.String(), Text: describe(at.Interface()) + ", " + name.Text, Place: f.source.Place, path: p}, manifest.Value{}, true
}

// enter notes the entry of the inventory that a struct was made from.
func (f *finder) enter(at reflect.Value) {
	if at.Kind() != reflect.Pointer {
		return
	}
	switch d := at.Interface().(type) {
	case *serviceScope:
		f.service = f.inventory.Service(d.Service.Name)
	case *userScope:
		f.user = f.inventory.User(d.User.Name)
	case *userServiceScope:
		f.service, f.user = f.inventory.Service(d.Service.Name), f.inventory.User(d.User.Name)
	case *Env:
		f.source = f.env.Source
	case *Service:
		f.service = f.inventory.Service(d.Name)
		f.source = f.service.Source
	case *User:
		f.user = f.inventory.User(d.Name)
		f.source = f.user.Source
	case *Team:
		f.source = f.inventory.Team(d.Name).Source
	}
}

// written is what was written for a field of a struct, if it is not a struct, or a
// list of them, itself.
func (f *finder) written(in reflect.Value, field string) (manifest.Value, bool) {
	isScope := strings.HasSuffix(in.Type().Name(), "Scope")
	switch {
	case field == "Vars":
		return f.inventory.Vars(f.env, f.service, f.user), true
	case isScope && field == "Tag":
		tag, _ := f.service.Source.Get("tag")
		return orPlace(tag, f.service.Source), true
	case isScope, field == "Team", field == "Services" && in.Type() == reflect.TypeFor[User]():
		return manifest.Value{}, false
	case in.Type() == reflect.TypeFor[Env]() && field == "Name":
		return manifest.Value{Kind: manifest.String, Text: f.env.Name, Place: f.env.Place}, true
	}
	value, written := f.source.Get(strings.ToLower(field))
	if !written && field == "Namespace" { // as the environment is named
		value = manifest.Value{Kind: manifest.String, Text: f.env.Namespace, Place: f.env.Place}
	}
	return orPlace(value, f.source), true
}

// orPlace is a value, or a null at the place of what does not have it.
func orPlace(v, in manifest.Value) manifest.Value {
	if v.Place.File == "" {
		v = manifest.Value{Place: in.Place}
		v.Place.Col = 0
	}
	return v
}

// follow follows a path, from its n-th step on, in what was written.
func follow(p trail, n int, v manifest.Value) (Origin, manifest.Value, bool) {
	for i := n; i < len(p); i++ {
		switch step := p[i].(type) {
		case keyOf:
			for _, field := range v.Fields {
				if field.Key.Text == string(step) {
					return originOf(p, field.Key), field.Key, true
				}
			}
			return originOf(p[:i], v), v, true
		case string:
			next, ok := v.Get(step)
			if !ok {
				return originOf(p[:i], v), v, true
			}
			v = next
		case int:
			if step >= len(v.Items) {
				return originOf(p[:i], v), v, true
			}
			v = v.Items[step]
		default:
			return originOf(p[:i], v), v, true
		}
	}
	return originOf(p, v), v, true
}

var plainStep = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// String is the path as people would write it.
func (p trail) String() string {
	var b strings.Builder
	for i, step := range p {
		switch s := step.(type) {
		case keyOf:
			return "the key " + string(s) + " of " + p[:i].String()
		case string:
			if plainStep.MatchString(s) {
				b.WriteString("." + s)
			} else {
				fmt.Fprintf(&b, "[%q]", s)
			}
		default:
			fmt.Fprintf(&b, "[%v]", s)
		}
	}
	return b.String()
}
