// Package trace explains where a variable's value and a rendered line come from.
package trace

import (
	"slices"
	"strconv"
	"strings"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// Variables are the variables of one environment, service and user, and the layers
// that set them.
type Variables struct {
	merged manifest.Value
	layers []inventory.Layer
}

// NewVariables returns the variables of an environment, for a service, a user, or
// both, which may be nil.
func NewVariables(inv *inventory.Inventory, env *inventory.Environment, service *inventory.Service, user *inventory.User) *Variables {
	return &Variables{inv.Vars(env, service, user), inv.Layers(env, service, user)}
}

// Leaf is a variable, or a key in one, whose value is no map or is an empty map.
type Leaf struct {
	Path   []string
	Value  manifest.Value // null where it is not set, or was removed
	Layers []Setting      // what sets or removes it, lowest precedence first
}

// Setting is how one layer sets or removes a leaf.
type Setting struct {
	Layer string
	Path  []string       // of what it sets: the leaf, or a map above it that the layer replaces
	Value manifest.Value // with its place
	Wins  bool
}

// Name returns the leaf's path as people write it.
func (l Leaf) Name() string { return strings.Join(l.Path, ".") }

// Winner returns the setting that templates see; the zero Setting where there is none.
func (l Leaf) Winner() Setting {
	for _, s := range l.Layers {
		if s.Wins {
			return s
		}
	}
	return Setting{}
}

// All returns the leaves of every variable.
func (v *Variables) All() []Leaf {
	var all []Leaf
	for _, key := range v.keys(nil) {
		all = append(all, v.Leaves([]string{key})...)
	}
	return all
}

// Leaves returns the leaves at a path and below it, also those that a layer removes.
func (v *Variables) Leaves(path []string) []Leaf {
	layers := v.settings(path)
	value := v.merged.At(path...)
	keys := v.keys(path)
	// A map that is empty in the end is one leaf, if a layer empties it as a whole.
	emptied := len(layers) > 0 && len(layers[len(layers)-1].Value.Fields) == 0
	if len(keys) == 0 || emptied && len(value.Fields) == 0 {
		if len(layers) > 0 {
			layers[len(layers)-1].Wins = true
		}
		return []Leaf{{Path: path, Value: value, Layers: layers}}
	}
	var all []Leaf
	for _, key := range keys {
		all = append(all, v.Leaves(append(slices.Clone(path), key))...)
	}
	return all
}

// settings returns how the layers set a path, lowest precedence first: by a value there, or by
// something above it that removes it.
func (v *Variables) settings(path []string) []Setting {
	var list []Setting
	for _, layer := range v.layers {
		value := layer.Vars
		for i := 0; ; i++ {
			if i == len(path) {
				list = append(list, Setting{Layer: layer.What, Path: path, Value: value})
				break
			}
			if i > 0 && len(value.Fields) == 0 { // a null, {} or anything else that is no map with keys
				if len(list) > 0 {
					list = append(list, Setting{Layer: layer.What, Path: path[:i], Value: value})
				}
				break
			}
			next, ok := value.Get(path[i])
			if !ok {
				break
			}
			value = next
		}
	}
	return list
}

// keys returns the keys that a map has at a path in any layer, in the order in which
// they are set.
func (v *Variables) keys(path []string) []string {
	var keys []string
	add := func(m manifest.Value) {
		for _, f := range m.Fields {
			if !slices.Contains(keys, f.Key.Text) {
				keys = append(keys, f.Key.Text)
			}
		}
	}
	add(v.merged.At(path...))
	for _, layer := range v.layers {
		add(layer.Vars.At(path...))
	}
	return keys
}

// Paths reads VARIABLE.KEY.KEY, where the keys are those of any layer. A key may have dots in it:
// where what is written fits several paths, it returns each of them, the longest keys first.
func (v *Variables) Paths(what string) ([][]string, error) {
	what = strings.TrimPrefix(strings.TrimPrefix(what, ".Vars"), ".")
	var found [][]string
	var stuck []string // the longest path to a part of it
	var rest string
	var walk func(path []string, left string)
	walk = func(path []string, left string) {
		if left == "" {
			found = append(found, path)
			return
		}
		keys := slices.DeleteFunc(v.keys(path), func(key string) bool { return left != key && !strings.HasPrefix(left, key+".") })
		if len(keys) == 0 && (rest == "" || len(left) < len(rest)) {
			stuck, rest = path, left
		}
		slices.SortStableFunc(keys, func(a, b string) int { return len(b) - len(a) })
		for _, key := range keys {
			walk(append(slices.Clone(path), key), strings.TrimPrefix(left[len(key):], "."))
		}
	}
	walk(nil, what)
	if len(found) > 0 {
		return found, nil
	}
	key, _, _ := strings.Cut(rest, ".")
	hint := problem.DidYouMean(key, v.keys(stuck))
	if len(stuck) == 0 {
		if below := v.below(nil, what); len(below) > 0 {
			hint = "did you mean " + strings.Join(below, " or ") + "?"
		}
		return nil, problem.New(hint, "unknown variable %q", key)
	}
	if value := v.merged.At(stuck...); value.Kind != manifest.Map {
		hint = strings.Join(stuck, ".") + " is " + value.Kind.String()
	}
	return nil, problem.New(hint, "there is no %q in %s", key, strings.Join(stuck, "."))
}

// below returns the first few paths below one that end in a key.
func (v *Variables) below(path []string, key string) []string {
	const few = 3
	var list []string
	for _, k := range v.keys(path) {
		at := append(slices.Clone(path), k)
		if k == key && len(path) > 0 {
			list = append(list, strconv.Quote(strings.Join(at, ".")))
		}
		list = append(list, v.below(at, key)...)
	}
	return list[:min(len(list), few)]
}
