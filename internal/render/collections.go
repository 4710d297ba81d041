package render

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Functions of lists and maps. None changes its arguments: each makes a new one.

// dict returns a map of keys and values in turn.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict takes keys and values in turn; the last key has no value")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, err := textOf(pairs[i])
		if err != nil {
			return nil, fmt.Errorf("dict: key %d: %w", i/2+1, err)
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// mapOf returns a value as a map; an unset one is empty.
func mapOf(function string, v any) (map[string]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	case Vars:
		return v, nil
	case map[string]string:
		m := make(map[string]any, len(v))
		for key, text := range v {
			m[key] = text
		}
		return m, nil
	}
	return nil, fmt.Errorf("%s takes a map, not %s", function, describe(v))
}

// listOf returns a value as a list; an unset one is empty.
func listOf(function string, v any) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
		list := make([]any, r.Len())
		for i := range list {
			list[i] = r.Index(i).Interface()
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s takes a list, not %s", function, describe(v))
}

// items is listOf for a function that takes some steps for each item.
func (x *execution) items(function string, v any, steps int) ([]any, error) {
	list, err := listOf(function, v)
	if err == nil {
		err = x.charge(steps * len(list))
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// get returns the value of a key; where the map has no such key, or no value for it, it
// is the third argument, or an empty text.
func get(m, key any, otherwise ...any) (any, error) {
	known, err := mapOf("get", m)
	if err != nil {
		return nil, err
	}
	name, err := textOf(key)
	if err != nil {
		return nil, err
	}
	if v := known[name]; v != nil {
		return v, nil
	}
	if len(otherwise) > 0 {
		return otherwise[0], nil
	}
	return "", nil
}

func hasKey(m, key any) (bool, error) {
	known, err := mapOf("hasKey", m)
	if err != nil {
		return false, err
	}
	name, err := textOf(key)
	_, ok := known[name]
	return ok, err
}

// dig follows keys into maps; where one is missing it is the default, which comes
// before the map: dig "a" "b" "default" MAP.
func dig(args ...any) (any, error) {
	if len(args) < 3 {
		return nil, fmt.Errorf("dig takes keys, a default and a map")
	}
	at, otherwise := args[len(args)-1], args[len(args)-2]
	for _, key := range args[:len(args)-2] {
		known, err := mapOf("dig", at)
		if err != nil {
			return nil, err
		}
		name, err := textOf(key)
		if err != nil {
			return nil, err
		}
		if at = known[name]; at == nil {
			return otherwise, nil
		}
	}
	return at, nil
}

// keys returns those of maps, sorted.
func (x *execution) keys(dicts ...any) ([]any, error) {
	var list []any
	for _, d := range dicts {
		m, err := mapOf("keys", d)
		if err != nil {
			return nil, err
		}
		if err := x.charge(8 * len(m)); err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			list = append(list, key)
		}
	}
	return list, nil
}

// values returns those of a map, in the order of its keys.
func (x *execution) values(d any) ([]any, error) {
	m, err := mapOf("values", d)
	if err != nil {
		return nil, err
	}
	if err := x.charge(8 * len(m)); err != nil {
		return nil, err
	}
	var list []any
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[key])
	}
	return list, nil
}

func (x *execution) pick(d any, names ...any) (map[string]any, error) {
	return x.choose("pick", d, names, true)
}

func (x *execution) omit(d any, names ...any) (map[string]any, error) {
	return x.choose("omit", d, names, false)
}

func (x *execution) choose(function string, d any, names []any, with bool) (map[string]any, error) {
	m, err := mapOf(function, d)
	if err == nil {
		err = x.charge(4 * len(m))
	}
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, n := range names {
		name, err := textOf(n)
		if err != nil {
			return nil, err
		}
		named[name] = true
	}
	chosen := map[string]any{}
	for key, v := range m {
		if named[key] == with {
			chosen[key] = v
		}
	}
	return chosen, nil
}

// merge returns the maps as one, key by key at every depth; the first that has a key wins.
func (x *execution) merge(dicts ...any) (map[string]any, error) {
	merged := map[string]any{}
	for _, d := range dicts {
		m, err := mapOf("merge", d)
		if err == nil {
			err = x.charge(4 * len(m))
		}
		if err != nil {
			return nil, err
		}
		for key, v := range m {
			known, has := merged[key]
			a, aIsMap := known.(map[string]any)
			b, bIsMap := v.(map[string]any)
			switch {
			case !has:
				merged[key] = v
			case aIsMap && bIsMap:
				if merged[key], err = x.merge(a, b); err != nil {
					return nil, err
				}
			}
		}
	}
	return merged, nil
}
