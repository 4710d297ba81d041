// Package schema compiles the JSON Schema of the variables, and checks them by it.
//
// It is apart from package inventory because the validator takes memory and time when a
// program starts: commands that do not read variables do not link it.
package schema

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"k8srepo/internal/inventory"
)

// url names the schema to the compiler. Nothing is loaded from it.
const url = "file:///variables.schema.yaml"

// environmentFormat is the format of a text that names an environment.
const environmentFormat = "environment"

// Schema is a compiled schema.
type Schema struct{ root *jsonschema.Schema }

// Compile compiles a schema, as JSON. Environment checks a text that has the format of an
// environment's name. It is an inventory.Compiler.
func Compile(source any, environment func(name string) error) (inventory.VariablesSchema, []inventory.Violation) {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.RegisterFormat(&jsonschema.Format{Name: environmentFormat, Validate: func(v any) error {
		if name, isText := v.(string); isText {
			return environment(name)
		}
		return nil
	}})
	compiler.UseLoader(nothingElse{})
	if err := compiler.AddResource(url, source); err != nil {
		return nil, mistakes(err)
	}
	root, err := compiler.Compile(url)
	if err != nil {
		return nil, mistakes(err)
	}
	return &Schema{root}, nil
}

// nothingElse is the loader of schemas that are elsewhere: there are none.
type nothingElse struct{}

func (nothingElse) Load(string) (any, error) {
	return nil, errors.New("the schema must hold everything itself: below $defs, with $ref: \"#/$defs/name\"")
}

// patternHint is the difference between the patterns of JSON Schema and those of Go.
const patternHint = "patterns are RE2's, as in Go: without lookahead and back references"

// mistakes returns what is wrong with the schema itself.
func mistakes(err error) []inventory.Violation {
	var invalid *jsonschema.SchemaValidationError
	var violated *jsonschema.ValidationError
	var pattern *jsonschema.InvalidRegexError
	switch {
	case errors.As(err, &invalid) && errors.As(invalid.Err, &violated):
		var all []inventory.Violation
		for _, leaf := range leavesOf(violated) {
			v := sentence(leaf)
			v.Path = append(fragment(invalid.URL), leaf.InstanceLocation...)
			if format, ok := leaf.ErrorKind.(*kind.Format); ok && format.Want == "regex" {
				v.Hint = patternHint
			}
			all = append(all, v)
		}
		return all
	case errors.As(err, &pattern):
		text := "the pattern " + strconv.Quote(pattern.Regex) + " is not valid: " + pattern.Err.Error()
		return []inventory.Violation{{Path: fragment(pattern.URL), Text: text, Hint: patternHint, Whole: true}}
	}
	text := strings.ReplaceAll(err.Error(), url, inventory.SchemaFile)
	return []inventory.Violation{{Text: "this is no JSON Schema: " + text, Whole: true}}
}

// fragment returns the path that a URL has behind its #, as a JSON pointer.
func fragment(url string) []string {
	_, within, _ := strings.Cut(url, "#")
	return inventory.Pointer(within)
}

// Typed reports whether the schema says a type at a path of the variables.
func (s *Schema) Typed(path []string) bool {
	for _, n := range s.nodes(path) {
		if n.Types != nil && !n.Types.IsEmpty() {
			return true
		}
	}
	return false
}

// Opens reports whether the schema lets the map at a path have a key that its
// default has not: by additionalProperties, or a pattern that the key matches.
func (s *Schema) Opens(path []string, key string) bool {
	for _, n := range s.nodes(path) {
		switch additional := n.AdditionalProperties.(type) {
		case bool:
			if additional {
				return true
			}
		case *jsonschema.Schema:
			if additional.Bool == nil || *additional.Bool {
				return true
			}
		}
		for pattern := range n.PatternProperties {
			if pattern.MatchString(key) {
				return true
			}
		}
	}
	return false
}

// nodes returns the parts of the schema that apply to a path of the variables,
// those of alternatives too.
func (s *Schema) nodes(path []string) []*jsonschema.Schema {
	nodes := applying(nil, s.root)
	for _, step := range path {
		var inner []*jsonschema.Schema
		for _, n := range nodes {
			inner = below(inner, n, step)
		}
		nodes = inner
	}
	return nodes
}

// below appends the parts of a schema that apply to a key of a map, or to the item of a list
// that has this number.
func below(list []*jsonschema.Schema, n *jsonschema.Schema, step string) []*jsonschema.Schema {
	if i, err := strconv.Atoi(step); err == nil && i >= 0 {
		list = applying(list, itemSchema(n, i))
	}
	known := false
	if p := n.Properties[step]; p != nil {
		list, known = applying(list, p), true
	}
	for pattern, p := range n.PatternProperties {
		if pattern.MatchString(step) {
			list, known = applying(list, p), true
		}
	}
	if additional, ok := n.AdditionalProperties.(*jsonschema.Schema); ok && !known {
		list = applying(list, additional)
	}
	return list
}

// itemSchema returns what applies to an item of a list, nil if nothing does. Before draft
// 2020-12 a list of schemas was written as items, and the rest as additionalItems.
func itemSchema(n *jsonschema.Schema, i int) *jsonschema.Schema {
	first, rest := n.PrefixItems, n.Items2020
	switch items := n.Items.(type) {
	case *jsonschema.Schema:
		rest = items
	case []*jsonschema.Schema:
		first = items
		rest, _ = n.AdditionalItems.(*jsonschema.Schema)
	}
	if i < len(first) {
		return first[i]
	}
	return rest
}

// applying appends a schema, and those that it refers to for the same value.
func applying(list []*jsonschema.Schema, n *jsonschema.Schema) []*jsonschema.Schema {
	if n == nil || slices.Contains(list, n) {
		return list
	}
	list = append(list, n)
	for _, next := range [][]*jsonschema.Schema{{n.Ref, n.If, n.Then, n.Else}, n.AllOf, n.AnyOf, n.OneOf} {
		for _, m := range next {
			list = applying(list, m)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.DependentSchemas)) {
		list = applying(list, n.DependentSchemas[key])
	}
	for _, key := range slices.Sorted(maps.Keys(n.Dependencies)) { // before draft 2019-09
		m, _ := n.Dependencies[key].(*jsonschema.Schema)
		list = applying(list, m)
	}
	return list
}
