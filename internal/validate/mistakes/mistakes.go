// Package mistakes makes mistakes in Kubernetes objects, and keeps what API servers say of them:
// bench/validate asks a server, and the test of internal/validate compares its own verdicts.
package mistakes

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Mistake is an object with a mistake in it.
type Mistake struct {
	Name   string // the original's, the field's, and What
	What   string
	Object any // a tree: see Text
}

// A tree has maps, lists and scalars as encoding/json has them, and these.
type (
	Plain   string   // is written without quotes: what it means is YAML's
	removed struct{} // takes its entry away: no tree has it
	Doubled struct { // a map with one key written twice
		fields map[string]any
		key    string
	}
)

// Make makes one mistake after another in an object: each value is removed, emptied, of another
// type, out of range, misspelt, written twice. Those whose name is not wanted are left out.
func Make(original Document, wanted func(name string) bool) ([]Mistake, error) {
	var root map[string]any
	if err := yaml.Unmarshal(original.Text, &root); err != nil {
		return nil, err
	}
	var list []Mistake
	walk(root, "", func(x any) any { return x }, func(path string, value any, with func(any) any) {
		for _, m := range mistakes(path, value) {
			if name := fmt.Sprintf("%s: %s %s", filepath.Base(original.Name), path, m.what); wanted(name) {
				list = append(list, Mistake{name, m.what, with(m.value)})
			}
		}
	})
	return list, nil
}

// walk visits a value and each value below it, with a func that returns the whole tree with
// another value in that place.
func walk(value any, path string, with func(any) any, visit func(string, any, func(any) any)) {
	visit(path, value, with)
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(v[key], path+"."+key, func(x any) any {
				changed := maps.Clone(v)
				changed[key] = x
				if x == (removed{}) {
					delete(changed, key)
				}
				return with(changed)
			}, visit)
		}
	case []any:
		for i, item := range v {
			walk(item, path+"["+strconv.Itoa(i)+"]", func(x any) any {
				changed := slices.Clone(v)
				changed[i] = x
				if x == (removed{}) {
					changed = slices.Delete(changed, i, i+1)
				}
				return with(changed)
			}, visit)
		}
	}
}

type mistake struct {
	what  string
	value any
}

// mistakes returns the values that may stand in a value's place.
func mistakes(path string, value any) []mistake {
	var list []mistake
	add := func(what string, v any) { list = append(list, mistake{what, v}) }
	if path != "" {
		add("removed", removed{})
		for _, text := range []string{"null", "{}", "[]", `""`, "x y", "1", "-1", "0", "70000", "3000000000", "99999999999999999999", "1.5", "1e3", "0x10", "0644", "true", "yes", "2026-11-25", "{a: b}", "[a]"} {
			add("is "+text, Plain(text))
		}
	}
	switch v := value.(type) {
	case map[string]any:
		add("with an unknown field", with(v, "unknownField", "x"))
		add("with an unknown number", with(v, "unknownNumber", Plain("1")))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			add("with "+key+" twice", Doubled{v, key})
			add("with "+key+" misspelt", renamed(v, key, key[:len(key)-1]))
			if upper := strings.ToUpper(key[:1]) + key[1:]; upper != key {
				add("with "+key+" in other letters", renamed(v, key, upper))
			}
		}
	case []any:
		add("in a list", []any{v})
		if len(v) > 0 {
			add("with an item twice", append(slices.Clone(v), v[0]))
		}
		for _, text := range []string{"null", "1", "{}", "x"} {
			add("with the item "+text, append(slices.Clone(v), Plain(text)))
		}
	case string:
		for what, text := range map[string]string{"in capitals": strings.ToUpper(v), "with a blank": v + " ", "with a slash": "/" + v, "with a hyphen": "-" + v, "with a dot": v + ".",
			"of 64": strings.Repeat("a", 64), "of 254": strings.Repeat("a", 254), "not ASCII": "é" + v, "a URL": "http://" + v, "with a unit": v + "GB", "with an underscore": v + "_a",
			"of two lines": v + "\nb", "capitalised": strings.ToUpper(v[:min(1, len(v))]) + v[min(1, len(v)):], "with a dot segment": v + "/../a", "with a colon": v + ":a", "days": "1d"} {
			if text != v {
				add(what, text)
			}
		}
	case float64, bool:
		add("in quotes", fmt.Sprint(v))
		add("negative", Plain(fmt.Sprintf("-%v", v)))
	}
	slices.SortStableFunc(list, func(a, b mistake) int { return strings.Compare(a.what, b.what) })
	return list
}

func with(m map[string]any, key string, value any) map[string]any {
	changed := maps.Clone(m)
	changed[key] = value
	return changed
}

func renamed(m map[string]any, from, to string) map[string]any {
	changed := with(m, to, m[from])
	delete(changed, from)
	return changed
}

// Text returns a tree, or a part of one, as YAML in one line.
func Text(tree any) []byte { return append(appendFlow(make([]byte, 0, 8<<10), tree), '\n') }

func appendFlow(dst []byte, tree any) []byte {
	switch v := tree.(type) {
	case Plain:
		return append(dst, v...)
	case Doubled:
		dst = append(appendJSON(append(dst, '{'), v.key), ": "...)
		dst = append(appendFlow(dst, v.fields[v.key]), ", "...)
		return appendFields(dst, v.fields)
	case map[string]any:
		return appendFields(append(dst, '{'), v)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendFlow(dst, item)
		}
		return append(dst, ']')
	}
	return appendJSON(dst, tree)
}

func appendFields(dst []byte, m map[string]any) []byte {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(appendJSON(dst, key), ": "...)
		dst = appendFlow(dst, m[key])
	}
	return append(dst, '}')
}

func appendJSON(dst []byte, v any) []byte {
	if s, ok := v.(string); ok && isPlain(s) { // nearly all of them
		return append(append(append(dst, '"'), s...), '"')
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic("mistakes: " + err.Error()) // the values are those of JSON
	}
	return append(dst, text...)
}

// isPlain reports whether a string is the same in JSON.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
