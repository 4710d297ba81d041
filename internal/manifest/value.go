package manifest

import (
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/problem"
)

// Kind is what sort of value a Value is.
type Kind int

// The kinds of values. A date is a String, as it is to Kubernetes.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// String returns the kind's name, with its article, as a problem tells it.
func (k Kind) String() string {
	return [...]string{"null", "a boolean", "an integer", "a number", "a string", "a list", "a map"}[k]
}

// Value is what a part of a YAML file says, and where it says so. Aliases and
// merge keys are resolved: a Value says what YAML means.
type Value struct {
	Kind   Kind
	Text   string // of a scalar, without quotes
	Plain  bool   // a scalar without quotes and tag: what it means depends on the YAML version
	Place  problem.Place
	Fields []Field // of a Map, in the order they are written in
	Items  []Value // of a List
}

// Field is an entry of a Map.
type Field struct {
	Key   Value
	Value Value
}

// Values returns the file's documents. A duplicate key in a map is a problem.
func (f *File) Values() ([]Value, error) {
	var problems problem.List
	values := make([]Value, 0, len(f.docs))
	for _, doc := range f.docs {
		values = append(values, f.value(doc.root, &problems))
	}
	return values, problems.Err()
}

func (f *File) value(n *yaml.Node, problems *problem.List) Value {
	n = resolved(n)
	v := Value{Text: n.Value, Place: f.place(n)}
	switch n.Kind {
	case yaml.SequenceNode:
		v.Kind = List
		for _, item := range n.Content {
			v.Items = append(v.Items, f.value(item, problems))
		}
	case yaml.MappingNode:
		v.Kind = Map
		f.checkKeys(n, problems)
		for _, field := range fields(n) {
			v.Fields = append(v.Fields, Field{f.value(field.key, problems), f.value(field.value, problems)})
		}
	default:
		v.Kind = scalarKind(n)
		v.Plain = n.Style == 0
	}
	return v
}

// checkKeys reports the keys that a mapping writes twice, which the parser lets pass.
func (f *File) checkKeys(n *yaml.Node, problems *problem.List) {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key := resolved(n.Content[i])
		switch first := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			problems.Add(f.problemAt(key, "", "a key must be a string"))
		case strings.Contains(key.Value, Placeholder): // what it will be is not known yet
		case first != nil && key.Tag != yaml.MergeTag:
			p := f.problemAt(key, "remove one of the two", "duplicate key %s", quoteForPeople(key.Value))
			p.Notes = []problem.Note{{Place: f.place(first), Text: "here for the first time"}}
			problems.Add(p)
		default:
			seen[key.Value] = key
		}
	}
}

// largeInt is an integer that the parser takes for a float, because it has no
// integer that is large enough.
var largeInt = lazyregexp.New(`^[-+]?[1-9][0-9]{18,}$`)

// A plain 1:30 is an integer: YAML 1.1 reads 90.
func scalarKind(n *yaml.Node) Kind {
	if n.Style == 0 && n.Tag == yaml.NodeTagString && isBase60(n.Value) {
		return Int
	}
	switch n.Tag {
	case yaml.NodeTagNull:
		return Null
	case yaml.NodeTagBool:
		return Bool
	case yaml.NodeTagInt:
		return Int
	case yaml.NodeTagFloat:
		if largeInt.MatchString(n.Value) {
			return Int
		}
		return Float
	}
	return String
}

// Get returns the value of a key of a Map; ok is false where there is none.
func (v Value) Get(key string) (value Value, ok bool) {
	for _, f := range v.Fields {
		if f.Key.Text == key {
			return f.Value, true
		}
	}
	return Value{}, false
}

// At returns the value that some keys lead to, each in the map before it: the zero Value, which is
// null and has no place, where one is missing. It returns v itself for no keys.
func (v Value) At(keys ...string) Value {
	for _, key := range keys {
		v, _ = v.Get(key)
	}
	return v
}

// KeyPlace returns where a key of a Map is written; the place of v where there is none.
func (v Value) KeyPlace(key string) problem.Place {
	for _, f := range v.Fields {
		if f.Key.Text == key {
			return f.Key.Place
		}
	}
	return v.Place
}

// String returns the value as people would write it on one line.
func (v Value) String() string {
	switch v.Kind {
	case Null:
		return "null"
	case String:
		return strconv.Quote(v.Text)
	case List:
		items := make([]string, len(v.Items))
		for i, item := range v.Items {
			items[i] = item.String()
		}
		return "[" + strings.Join(items, ", ") + "]"
	case Map:
		entries := make([]string, len(v.Fields))
		for i, f := range v.Fields {
			entries[i] = f.Key.Text + ": " + f.Value.String()
		}
		return "{" + strings.Join(entries, ", ") + "}"
	}
	return v.Text
}

// Go returns the value as templates and encoders have it: nil, bool, int64, uint64,
// Number, float64, string, []any or map[string]any. A number that Go would print in
// another way than it is written is a Number.
func (v Value) Go() any {
	switch v.Kind {
	case Null:
		return nil
	case Bool:
		switch strings.ToLower(v.Text) {
		case "true", "yes", "on", "y": // all but the first only behind !!bool
			return true
		}
		return false
	case Int:
		return goInt(v.Text)
	case Float:
		return goFloat(v.Text)
	case List:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = item.Go()
		}
		return list
	case Map:
		m := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			m[f.Key.Text] = f.Value.Go()
		}
		return m
	}
	return v.Text
}

// goInt reads an integer: as a number of Go where that prints as it is written.
func goInt(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return n
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil && strconv.FormatUint(n, 10) == text {
		return n
	}
	return Number(text)
}

func goFloat(text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil && strings.Contains(text, ".") && strconv.FormatFloat(n, 'f', -1, 64) == text {
		return n
	}
	return Number(text)
}
