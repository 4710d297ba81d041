package schema

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
)

// Check returns the rules that some variables break.
func (s *Schema) Check(vars any) []inventory.Violation {
	err := s.root.Validate(vars)
	if err == nil {
		return nil
	}
	var all []inventory.Violation
	for _, leaf := range leavesOf(err.(*jsonschema.ValidationError)) {
		if missing, ok := leaf.ErrorKind.(*kind.Required); ok && len(leaf.InstanceLocation) == 0 {
			all = append(all, inventory.Violation{Missing: missing.Missing})
			continue
		}
		for _, path := range s.locations(leaf, vars) {
			all = append(all, s.violation(leaf, path))
		}
	}
	return all
}

// violation returns one violation of the value at a path.
func (s *Schema) violation(leaf *jsonschema.ValidationError, path []string) inventory.Violation {
	v := inventory.Violation{Text: "is not allowed"}
	switch k := leaf.ErrorKind.(type) {
	case *kind.PropertyNames:
		if len(leaf.Causes) > 0 {
			v = sentence(leavesOf(leaf.Causes[0])[0])
		}
		v.Key = k.Property
	case *kind.AdditionalProperties:
		v.Unknown = k.Properties
		for _, n := range s.nodes(path) {
			for key := range n.Properties {
				v.Known = append(v.Known, key)
			}
		}
		slices.Sort(v.Known)
	default:
		v = sentence(leaf)
	}
	v.Path, v.Rule = path, append(fragment(leaf.SchemaURL), leaf.ErrorKind.KeywordPath()...)
	return v
}

// locations returns the paths of the values that a violation is about. For names of
// properties the validator's own location is not reliable: it shares its memory with those of
// values that were looked at later. There it is every map with such a key that the rule
// applies to, or, where package schema cannot tell, every map with such a key.
func (s *Schema) locations(leaf *jsonschema.ValidationError, vars any) [][]string {
	named, ok := leaf.ErrorKind.(*kind.PropertyNames)
	if !ok {
		return [][]string{leaf.InstanceLocation}
	}
	var ruled, all [][]string
	walk(vars, nil, func(m map[string]any, path []string) {
		if _, has := m[named.Property]; !has {
			return
		}
		all = append(all, path)
		if slices.ContainsFunc(s.nodes(path), func(n *jsonschema.Schema) bool {
			return n.PropertyNames != nil && n.PropertyNames.Location == leaf.SchemaURL
		}) {
			ruled = append(ruled, path)
		}
	})
	switch {
	case ruled != nil:
		return ruled
	case all != nil:
		return all
	}
	return [][]string{leaf.InstanceLocation}
}

// walk calls visit with each map in a value, and its path.
func walk(value any, path []string, visit func(m map[string]any, path []string)) {
	below := func(step string, v any) { walk(v, append(path[:len(path):len(path)], step), visit) }
	switch v := value.(type) {
	case map[string]any:
		visit(v, path)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below(key, v[key])
		}
	case []any:
		for i, item := range v {
			below(strconv.Itoa(i), item)
		}
	}
}

// leavesOf returns the violations that a person can act on: those of all that must
// hold, and an alternative as one.
func leavesOf(v *jsonschema.ValidationError) []*jsonschema.ValidationError {
	switch v.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains:
		return []*jsonschema.ValidationError{v}
	case *kind.PropertyNames:
		if len(v.Causes) > 0 {
			return []*jsonschema.ValidationError{v}
		}
	}
	if len(v.Causes) == 0 {
		return []*jsonschema.ValidationError{v}
	}
	var leaves []*jsonschema.ValidationError
	for _, cause := range v.Causes {
		leaves = append(leaves, leavesOf(cause)...)
	}
	return leaves
}

// sentence says what a value must be, and what is known of what to write instead.
func sentence(leaf *jsonschema.ValidationError) inventory.Violation {
	is := func(format string, args ...any) inventory.Violation {
		return inventory.Violation{Text: fmt.Sprintf(format, args...), ShowValue: true}
	}
	only := func(format string, args ...any) inventory.Violation {
		return inventory.Violation{Text: fmt.Sprintf(format, args...)}
	}
	switch k := leaf.ErrorKind.(type) {
	case *kind.Type:
		v := is("must be %s", inventory.OrList(typeNames(k.Want)))
		want := kinds[k.Want[0]]
		v.Want = &want
		return v
	case *kind.Enum:
		v := is("must be %s", inventory.OrList(texts(k.Want)))
		v.Words = words(k.Want)
		return v
	case *kind.Const:
		return is("must be %s", jsonText(k.Want))
	case *kind.Minimum:
		return is("must be at least %s", ratText(k.Want))
	case *kind.Maximum:
		return is("must be at most %s", ratText(k.Want))
	case *kind.ExclusiveMinimum:
		return is("must be more than %s", ratText(k.Want))
	case *kind.ExclusiveMaximum:
		return is("must be less than %s", ratText(k.Want))
	case *kind.MultipleOf:
		return is("must be a multiple of %s", ratText(k.Want))
	case *kind.Pattern:
		return is("must match the pattern %s", k.Want)
	case *kind.MinLength:
		return is("must have at least %s", plural(k.Want, "character"))
	case *kind.MaxLength:
		return is("must have at most %s", plural(k.Want, "character"))
	case *kind.MinItems:
		return only("must have at least %s; it has %d", plural(k.Want, "item"), k.Got)
	case *kind.MaxItems:
		return only("must have at most %s; it has %d", plural(k.Want, "item"), k.Got)
	case *kind.MinProperties:
		return only("must have at least %s; it has %d", plural(k.Want, "key"), k.Got)
	case *kind.MaxProperties:
		return only("must have at most %s; it has %d", plural(k.Want, "key"), k.Got)
	case *kind.Required:
		return only("must have the key %s", strings.Join(quotedAll(k.Missing), " and "))
	case *kind.DependentRequired:
		return only("must have the key %s, because it has %q", strings.Join(quotedAll(k.Missing), " and "), k.Prop)
	case *kind.UniqueItems:
		return only("must not have an item twice: those at %d and %d are the same", k.Duplicates[0], k.Duplicates[1])
	case *kind.FalseSchema:
		return only("is not allowed")
	case *kind.Format:
		if k.Want == environmentFormat {
			v := is("must be the name of an environment that renders manifests")
			v.Hint = k.Err.Error()
			return v
		}
		return is("must be a valid %s", k.Want)
	case *kind.AnyOf, *kind.OneOf:
		return only("%s", alternatives(leaf))
	case *kind.Not:
		return is("must not be like that, as the schema's \"not\" says")
	}
	alone := jsonschema.ValidationError{SchemaURL: leaf.SchemaURL, ErrorKind: leaf.ErrorKind}
	return only("is not what the schema says: %s", alone.BasicOutput().Error.String())
}

// alternatives says what each alternative wants.
func alternatives(v *jsonschema.ValidationError) string {
	if len(v.Causes) == 0 {
		return "must fit exactly one of the schema's alternatives, and fits several"
	}
	var wants []string
	for _, cause := range v.Causes {
		for _, leaf := range leavesOf(cause) {
			text := sentence(leaf).Text
			if below := leaf.InstanceLocation[min(len(v.InstanceLocation), len(leaf.InstanceLocation)):]; len(below) > 0 {
				text = inventory.PathName(below) + " " + text
			}
			if !slices.Contains(wants, text) {
				wants = append(wants, text)
			}
		}
	}
	return "fits none of the schema's alternatives: it " + strings.Join(wants, ", or ")
}

// kinds are the kinds of values by JSON Schema's names of types.
var kinds = map[string]manifest.Kind{
	"null": manifest.Null, "boolean": manifest.Bool, "integer": manifest.Int, "number": manifest.Float,
	"string": manifest.String, "array": manifest.List, "object": manifest.Map,
}

func typeNames(types []string) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t
		if k, known := kinds[t]; known {
			names[i] = k.String()
		}
	}
	return names
}

// words returns the texts among some values.
func words(values []any) []string {
	var list []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			list = append(list, s)
		}
	}
	return list
}

func texts(values []any) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = jsonText(v)
	}
	return list
}

func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

func ratText(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}

func quotedAll(list []string) []string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = strconv.Quote(s)
	}
	return quoted
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
