package render

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

func first(list any) (any, error) {
	items, err := listOf("first", list)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0], nil
}

func last(list any) (any, error) {
	items, err := listOf("last", list)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[len(items)-1], nil
}

func rest(list any) ([]any, error) {
	items, err := listOf("rest", list)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[1:], nil
}

func initial(list any) ([]any, error) {
	items, err := listOf("initial", list)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[:len(items)-1], nil
}

func (x *execution) append(list, item any) ([]any, error) {
	items, err := listOf("append", list)
	if err != nil {
		return nil, err
	}
	return append(items[:len(items):len(items)], item), x.charge(len(items))
}

func (x *execution) prepend(list, item any) ([]any, error) {
	items, err := listOf("prepend", list)
	if err != nil {
		return nil, err
	}
	return append([]any{item}, items...), x.charge(len(items))
}

func (x *execution) concat(lists ...any) ([]any, error) {
	var all []any
	for _, list := range lists {
		items, err := listOf("concat", list)
		if err != nil {
			return nil, err
		}
		if err := x.charge(len(all) + len(items)); err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

func (x *execution) has(item, list any) (bool, error) {
	items, err := x.items("has", list, 4)
	return slices.ContainsFunc(items, func(v any) bool { return reflect.DeepEqual(v, item) || sameText(v, item) }), err
}

// sameText reports whether two values are the same text, number or boolean: numbers
// come as int, int64 and float64.
func sameText(a, b any) bool {
	if _, isString := a.(string); isString != (reflect.TypeOf(b) == reflect.TypeFor[string]()) {
		return false
	}
	s, err := textOf(a)
	t, err2 := textOf(b)
	return err == nil && err2 == nil && s == t
}

func (x *execution) without(list any, removed ...any) ([]any, error) {
	items, err := x.items("without", list, 4*len(removed))
	var kept []any
	for _, v := range items {
		if !slices.ContainsFunc(removed, func(r any) bool { return reflect.DeepEqual(v, r) || sameText(v, r) }) {
			kept = append(kept, v)
		}
	}
	return kept, err
}

func (x *execution) uniq(list any) ([]any, error) {
	items, err := listOf("uniq", list)
	var kept []any
	for _, v := range items {
		if err := x.charge(len(kept)); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(kept, func(k any) bool { return reflect.DeepEqual(v, k) }) {
			kept = append(kept, v)
		}
	}
	return kept, err
}

// compact returns a list without the items that if would not take.
func (x *execution) compact(list any) ([]any, error) {
	items, err := x.items("compact", list, 4)
	var kept []any
	for _, v := range items {
		if !isEmpty(v) {
			kept = append(kept, v)
		}
	}
	return kept, err
}

func (x *execution) sortAlpha(list any) ([]any, error) {
	items, err := x.items("sortAlpha", list, 4)
	if err != nil {
		return nil, err
	}
	texts, err := x.texts(items...)
	slices.Sort(texts)
	return anyList(texts), err
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}

// join returns the texts of a list with a separator between them.
func (x *execution) join(separator, list any) (string, error) {
	between, err := x.textOf(separator)
	if err != nil {
		return "", err
	}
	items, err := x.items("join", list, 4)
	if err != nil {
		return "", err
	}
	texts, err := x.texts(items...)
	if err != nil {
		return "", err
	}
	if len(between)*len(texts) > maxString {
		return "", x.spendBytes(maxString + 1)
	}
	return x.bounded(strings.Join(texts, between))
}

// splitList returns the parts of a text between separators.
func (x *execution) splitList(separator, s any) ([]any, error) {
	t, err := x.texts(separator, s)
	if err != nil {
		return nil, err
	}
	if err := x.charge(16 * (1 + strings.Count(t[1], t[0]))); err != nil {
		return nil, err
	}
	return anyList(strings.Split(t[1], t[0])), nil
}

// split returns the parts of a text between separators, as a map with the keys _0, _1, …
func (x *execution) split(separator, s any) (map[string]any, error) {
	parts, err := x.splitList(separator, s)
	m := make(map[string]any, len(parts))
	for i, part := range parts {
		m["_"+strconv.Itoa(i)] = part
	}
	return m, err
}

// until returns the list 0, 1, … n-1.
func (x *execution) until(n any) ([]any, error) {
	count, err := intOf(n)
	if err != nil {
		return nil, err
	}
	length := int(min(max(count, 0), maxSteps+1))
	if err := x.charge(8 * length); err != nil {
		return nil, err
	}
	var list []any
	for i := range length {
		list = append(list, i)
	}
	return list, nil
}
