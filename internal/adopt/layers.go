package adopt

import (
	"maps"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
)

// layers are the places where a variable's values are written, each over the ones
// before it.
type layers struct {
	value   string            // the default
	service map[string]string // users.yaml
	env     map[string]string // the environment's vars
	both    map[cell]string   // the environment's vars of the service
}

// entries returns how many values are written.
func (l *layers) entries() int { return len(l.service) + len(l.env) + len(l.both) }

// layered finds the layers with the fewest values. Alone is set where there is one service:
// then, of layers with as many values, those are taken that use the environments' own vars.
func (v *variable) layered(alone bool) *layers {
	def := v.defaultValue()
	if v.kind == manifest.Map {
		return v.layeredMap()
	}
	if !v.perService() {
		l := &layers{value: def, env: map[string]string{}}
		for c, value := range v.values {
			if value != def {
				l.env[c.env] = value
			}
		}
		return l
	}
	best := v.layersWith(def, nil)
	var chosen []string
	for {
		var next *layers
		var with string
		for _, env := range v.envs() {
			if slices.Contains(chosen, env) {
				continue
			}
			l := v.layersWith(def, append(slices.Clone(chosen), env))
			if better := l.entries() < best.entries() || alone && l.entries() == best.entries() && len(l.env) > len(best.env); better && (next == nil || l.entries() < next.entries()) {
				next, with = l, env
			}
		}
		if next == nil {
			return best
		}
		best, chosen = next, append(chosen, with)
	}
}

// layeredMap returns the layers of a map. Maps of several layers become one, so each value is
// in one layer, and the default is empty: a map is closed by the keys of its default.
func (v *variable) layeredMap() *layers {
	const empty = "{}"
	l := &layers{value: empty, service: map[string]string{}, env: map[string]string{}, both: map[cell]string{}}
	v.lists[empty] = manifest.Value{Kind: manifest.Map}
	of := map[string]map[string]int{}
	for c, value := range v.values {
		if of[c.service] == nil {
			of[c.service] = map[string]int{}
		}
		of[c.service][value]++
	}
	for c, value := range v.values {
		switch {
		case value == empty:
		case c.service == "":
			l.env[c.env] = value
		case len(of[c.service]) == 1:
			l.service[c.service] = value
		default:
			l.both[c] = value
		}
	}
	return l
}

// layersWith returns the layers where some environments say a value for all services.
func (v *variable) layersWith(def string, envs []string) *layers {
	l := &layers{value: def, service: map[string]string{}, env: map[string]string{}, both: map[cell]string{}}
	byEnv, byService := map[string]map[string]int{}, map[string]map[string]int{}
	add := func(m map[string]map[string]int, key, value string) {
		if m[key] == nil {
			m[key] = map[string]int{}
		}
		m[key][value]++
	}
	for c, value := range v.values {
		if slices.Contains(envs, c.env) {
			add(byEnv, c.env, value)
		} else {
			add(byService, c.service, value)
		}
	}
	for env, counts := range byEnv {
		l.env[env] = commonestOr(counts, def)
	}
	for service, counts := range byService {
		if value := commonestOr(counts, def); value != def {
			l.service[service] = value
		}
	}
	for env, value := range l.env {
		if value == def && !v.overridden(l, env) {
			delete(l.env, env)
		}
	}
	for c, value := range v.values {
		if value != l.of(c) {
			l.both[c] = value
		}
	}
	return l
}

// overridden reports whether users.yaml says something for a service in an environment.
func (v *variable) overridden(l *layers, env string) bool {
	for c := range v.values {
		if _, set := l.service[c.service]; set && c.env == env {
			return true
		}
	}
	return false
}

// of returns a variable's value in a cell.
func (l *layers) of(c cell) string {
	if value, ok := l.both[c]; ok {
		return value
	}
	if value, ok := l.env[c.env]; ok {
		return value
	}
	if value, ok := l.service[c.service]; ok {
		return value
	}
	return l.value
}

func (v *variable) envs() []string {
	seen := map[string]bool{}
	for c := range v.values {
		seen[c.env] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// defaultValue returns the most common value. That of a number with fractions has one itself:
// the default's type is the variable's. A variable of several types has none, and neither
// has one that says something else in each environment: a new environment is to say it too.
func (v *variable) defaultValue() string {
	if v.kind == manifest.Null || v.isOwn() {
		return unset
	}
	counts := map[string]int{}
	for _, value := range v.values {
		if v.kind != manifest.Float || strings.Contains(value, ".") {
			counts[value]++
		}
	}
	return commonest(counts)
}

// minOwn is how many environments there must be for each to have a value of its own.
const minOwn = 3

// isOwn reports whether each environment has a text of its own.
func (v *variable) isOwn() bool {
	if v.kind != manifest.String || len(v.values) < minOwn {
		return false
	}
	seen := map[string]bool{}
	for c, value := range v.values {
		if seen[value] || value == unset || letters(value) < 4 || c.service != "" && len(v.envs()) != len(v.values) {
			return false
		}
		seen[value] = true
	}
	return true
}

// commonestOr returns the most common of some values; of several, the one that is preferred.
func commonestOr(counts map[string]int, preferred string) string {
	best := commonest(counts)
	if counts[preferred] == counts[best] {
		return preferred
	}
	return best
}
