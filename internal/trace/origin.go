package trace

import (
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Origin is a value, and where it was written.
type Origin struct {
	Name  string // as the template's dot leads to it: .Vars.env.LOG_LEVEL
	Text  string // the value as YAML, cut short
	Place problem.Place

	path Trail
}

// String returns the value as a clause: "… is 3", or "… is not set".
func (o Origin) String() string {
	switch {
	case o.Text == "null":
		return o.Name + " is not set"
	case o.Text == "":
		return o.Name
	}
	return o.Name + " is " + o.Text
}

// Subject is what a template was rendered for: its dot is made of these. Team, Service and User
// are nil where the template's scope does not have them.
type Subject struct {
	Inventory *inventory.Inventory
	Env       *inventory.Environment
	Team      *inventory.Team
	Service   *inventory.Service
	User      *inventory.User
}

// Origins returns the values that trails lead to, and where they were written. A map
// is there with each of its leaves: it may have been written in several places.
func (s Subject) Origins(trails Trails) []Origin {
	var list []Origin
	for _, p := range trails {
		for len(p) > 0 {
			if _, isDict := p[len(p)-1].(InDict); !isDict {
				break
			}
			p = p[:len(p)-1] // the whole dict
		}
		if o, value, ok := s.find(p); ok {
			list = append(list, leavesOf(o, value)...)
		}
	}
	return list
}

// Missing returns the key that a trail asks for and that the map there lacks, with the keys that
// the map has. ok is false where no key is missing.
func (s Subject) Missing(p Trail) (key string, keys []string, ok bool) {
	o, value, found := s.find(p)
	if !found || len(o.path) == len(p) || value.Kind != manifest.Map {
		return "", nil, false
	}
	for _, field := range value.Fields {
		keys = append(keys, field.Key.Text)
	}
	key, ok = p[len(o.path)].(string)
	return key, keys, ok
}

// Unset returns the variable that a trail leads to; ok is false where it is set, or where the
// trail leads to no variable.
func (s Subject) Unset(p Trail) (variable string, ok bool) {
	o, value, found := s.find(p)
	if !found || value.Kind != manifest.Null || len(o.path) < 2 || o.path[len(o.path)-2] != "Vars" {
		return "", false
	}
	variable, ok = o.path[len(o.path)-1].(string)
	return variable, ok
}

func leavesOf(o Origin, value manifest.Value) []Origin {
	if value.Kind != manifest.Map || len(value.Fields) == 0 {
		return []Origin{o}
	}
	var list []Origin
	for _, f := range value.Fields {
		list = append(list, leavesOf(originOf(append(o.path[:len(o.path):len(o.path)], f.Key.Text), f.Value), f.Value)...)
	}
	return list
}

func originOf(p Trail, v manifest.Value) Origin {
	return Origin{Name: p.String(), Text: problem.Cut(v.String(), 60), Place: v.Place, path: p}
}

// node is a struct of a template's data: what was written for its fields, and the
// structs in it.
type node struct {
	what   string // as people name it; "" for the dot
	name   string
	source manifest.Value // the entry of the inventory; null for the dot
	fields map[string]func() manifest.Value
	nodes  map[string]func() node
	lists  map[string]func() []node
}

// find follows a trail through structs, and from there on in what was written. Where
// that ends early, it is the last value on the way.
func (s Subject) find(p Trail) (Origin, manifest.Value, bool) {
	at := s.dot()
	for i := 0; i < len(p); i++ {
		name, _ := p[i].(string)
		if field := at.fields[name]; field != nil {
			return follow(p, i+1, field())
		}
		if next := at.nodes[name]; next != nil {
			at = next()
			continue
		}
		list := at.lists[name]
		if list == nil || i+1 == len(p) {
			return Origin{}, manifest.Value{}, false // not there, or a whole list
		}
		items := list()
		n, isNumber := p[i+1].(int)
		if !isNumber || n < 0 || n >= len(items) {
			return Origin{}, manifest.Value{}, false
		}
		at = items[n]
		i++
	}
	if at.what == "" {
		return Origin{}, manifest.Value{}, false // the dot itself
	}
	return Origin{Name: p.String(), Text: "a whole " + at.what + ", " + at.name, Place: at.source.Place, path: p}, manifest.Value{}, true
}

// dot returns the data of the subject's scope.
func (s Subject) dot() node {
	n := node{nodes: map[string]func() node{"Env": s.env}, fields: map[string]func() manifest.Value{
		"Vars": func() manifest.Value { return s.Inventory.Vars(s.Env, s.Service, s.User) },
	}, lists: map[string]func() []node{}}
	if s.Team != nil {
		n.nodes["Team"] = s.team
	}
	if s.User != nil {
		n.nodes["User"] = s.user
	}
	if s.Service != nil {
		n.nodes["Service"] = s.service
		n.fields["Tag"] = written(s.Service.Source, "tag")
	}
	switch {
	case s.User != nil:
		n.lists["Services"] = func() []node { return s.services(s.Env.Services(s.User.Services)) }
	case s.Team != nil:
		n.lists["Users"] = func() []node { return s.users(s.Inventory.Members(s.Team)) }
	case s.Service == nil:
		n.lists["Services"] = func() []node { return s.services(s.Env.Services(s.Inventory.Services)) }
		n.lists["Users"] = func() []node { return s.users(s.Inventory.Present()) }
	}
	return n
}

func (s Subject) env() node {
	source := s.Env.Source
	n := node{what: "environment", name: s.Env.Name, source: source, fields: fieldsOf(source, "Domain", "Cluster", "Kubernetes")}
	n.fields["Name"] = func() manifest.Value {
		return manifest.Value{Kind: manifest.String, Text: s.Env.Name, Place: s.Env.Place}
	}
	n.fields["Namespace"] = func() manifest.Value {
		if v, set := source.Get("namespace"); set {
			return v
		}
		return manifest.Value{Kind: manifest.String, Text: s.Env.Namespace, Place: s.Env.Place}
	}
	return n
}

func (s Subject) team() node {
	return node{what: "team", name: s.Team.Name, source: s.Team.Source(), fields: fieldsOf(s.Team.Source(), "Name", "Secrets")}
}

func (s Subject) service() node {
	n := node{what: "service", name: s.Service.Name, source: s.Service.Source, fields: fieldsOf(s.Service.Source, "Name", "Tag", "Port", "Repository", "Secrets")}
	n.fields["Image"] = func() manifest.Value { return s.Env.ImageSource(s.Service) }
	n.fields["Vars"] = func() manifest.Value { return s.Inventory.Vars(s.Env, s.Service, s.User) }
	return n
}

func (s Subject) user() node {
	s.Team = s.User.Team
	return node{what: "user", name: s.User.Name, source: s.User.Source, fields: fieldsOf(s.User.Source, "Name"),
		nodes: map[string]func() node{"Team": s.team},
		lists: map[string]func() []node{"Services": func() []node { return s.services(s.Env.Services(s.User.Services)) }}}
}

func (s Subject) services(list []*inventory.Service) []node {
	nodes := make([]node, len(list))
	for i, service := range list {
		s.Service = service
		nodes[i] = s.service()
	}
	return nodes
}

func (s Subject) users(list []*inventory.User) []node {
	nodes := make([]node, len(list))
	for i, user := range list {
		s.User = user
		nodes[i] = s.user()
	}
	return nodes
}

// fieldsOf returns the fields of an entry of the inventory, whose keys are their names
// in lower case.
func fieldsOf(source manifest.Value, names ...string) map[string]func() manifest.Value {
	fields := map[string]func() manifest.Value{}
	for _, name := range names {
		fields[name] = written(source, strings.ToLower(name))
	}
	return fields
}

// written returns what was written for a key, or a null at the place of what lacks it.
func written(in manifest.Value, key string) func() manifest.Value {
	return func() manifest.Value {
		if v, set := in.Get(key); set {
			return v
		}
		place := in.Place
		place.Col = 0
		return manifest.Value{Place: place}
	}
}

// follow follows a trail, from its n-th step on, in what was written.
func follow(p Trail, n int, v manifest.Value) (Origin, manifest.Value, bool) {
	for i := n; i < len(p); i++ {
		switch step := p[i].(type) {
		case KeyOf:
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
			if step < 0 || step >= len(v.Items) {
				return originOf(p[:i], v), v, true
			}
			v = v.Items[step]
		default:
			return originOf(p[:i], v), v, true
		}
	}
	return originOf(p, v), v, true
}
