package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// SchemaFile is the optional JSON Schema of the variables, below the source folder.
const SchemaFile = "templates/variables.schema.yaml"

// schemaURL names the schema to the compiler. Nothing is loaded from it.
const schemaURL = "file:///variables.schema.yaml"

// schema is the compiled schema of the variables. Nil is no schema: it checks nothing.
type schema struct {
	root   *jsonschema.Schema
	source manifest.Value // as it was written, for places
}

// readSchema reads the schema of the variables, if there is one.
func (l *loader) readSchema() {
	doc := l.document(SchemaFile, false, "")
	if doc.Place == (problem.Place{}) {
		return
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(nothingElse{})
	err := compiler.AddResource(schemaURL, jsonValue(doc))
	s := &schema{source: doc}
	if err == nil {
		s.root, err = compiler.Compile(schemaURL)
	}
	if err != nil {
		l.reportSchema(s, err)
		l.declared = false // it is not known which keys and types it allows
		return
	}
	l.checkKeywords(doc)
	l.schema = s
}

// nothingElse is the loader of schemas that are elsewhere: there are none.
type nothingElse struct{}

func (nothingElse) Load(url string) (any, error) {
	return nil, errors.New("the schema must hold everything itself: below $defs, with $ref: \"#/$defs/name\"")
}

// patternHint is the difference between the patterns of JSON Schema and those of Go.
const patternHint = "patterns are RE2's, as in Go: without lookahead and back references"

// reportSchema reports what is wrong with the schema itself, where it is written.
func (l *loader) reportSchema(s *schema, err error) {
	var invalid *jsonschema.SchemaValidationError
	var violated *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &violated) {
		_, within, _ := strings.Cut(invalid.URL, "#")
		for _, v := range leavesOf(violated) {
			path := append(pointer(within), v.InstanceLocation...)
			value, _, _ := locate(s.source, path)
			message, hint := sentence(v, value)
			if format, ok := v.ErrorKind.(*kind.Format); ok && format.Want == "regex" {
				hint = patternHint
			}
			l.report(problem.NotASchema, value.Place, hint, "this is no JSON Schema: %s %s", nameOf(path), message)
		}
		return
	}
	place := s.source.Place
	var pattern *jsonschema.InvalidRegexError
	if errors.As(err, &pattern) {
		_, within, _ := strings.Cut(pattern.URL, "#")
		value, _, _ := locate(s.source, pointer(within))
		l.report(problem.NotASchema, value.Place, patternHint, "the pattern %q is not valid: %v", pattern.Regex, pattern.Err)
		return
	}
	text := strings.ReplaceAll(err.Error(), schemaURL, SchemaFile)
	if ref, found := findRef(s.source, err); found {
		place = ref
	}
	l.report(problem.NotASchema, place, "", "this is no JSON Schema: %s", text)
}

// findRef returns the place of the $ref or $schema that an error names.
func findRef(v manifest.Value, err error) (problem.Place, bool) {
	for _, f := range v.Fields {
		if isRef := f.Key.Text == "$ref" || f.Key.Text == "$schema" || f.Key.Text == "$dynamicRef"; isRef && f.Value.Text != "" && strings.Contains(err.Error(), strings.TrimPrefix(f.Value.Text, "#")) {
			return f.Value.Place, true
		}
		if place, found := findRef(f.Value, err); found {
			return place, true
		}
	}
	for _, item := range v.Items {
		if place, found := findRef(item, err); found {
			return place, true
		}
	}
	return problem.Place{}, false
}

// typed reports whether the schema says a type at a path of the variables.
func (s *schema) typed(path []string) bool {
	for _, n := range s.nodes(path) {
		if n.Types != nil && !n.Types.IsEmpty() {
			return true
		}
	}
	return false
}

// opens reports whether the schema lets the map at a path have a key that its
// default has not: by additionalProperties, or a pattern that the key matches.
func (s *schema) opens(path []string, key string) bool {
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
func (s *schema) nodes(path []string) []*jsonschema.Schema {
	if s == nil {
		return nil
	}
	nodes := applying(nil, s.root)
	for _, key := range path {
		var inner []*jsonschema.Schema
		for _, n := range nodes {
			known := false
			if p := n.Properties[key]; p != nil {
				inner, known = applying(inner, p), true
			}
			for pattern, p := range n.PatternProperties {
				if pattern.MatchString(key) {
					inner, known = applying(inner, p), true
				}
			}
			if additional, ok := n.AdditionalProperties.(*jsonschema.Schema); ok && !known {
				inner = applying(inner, additional)
			}
		}
		nodes = inner
	}
	return nodes
}

// applying appends a schema, and those that it refers to for the same value.
func applying(list []*jsonschema.Schema, n *jsonschema.Schema) []*jsonschema.Schema {
	if n == nil {
		return list
	}
	for _, known := range list {
		if known == n {
			return list
		}
	}
	list = append(list, n)
	for _, next := range [][]*jsonschema.Schema{{n.Ref, n.If, n.Then, n.Else}, n.AllOf, n.AnyOf, n.OneOf} {
		for _, m := range next {
			list = applying(list, m)
		}
	}
	return list
}

// locate follows a path of keys and numbers of items; key is the last key on it.
// It ends at the last value there is.
func locate(v manifest.Value, path []string) (value, key manifest.Value, whole bool) {
	for _, step := range path {
		if v.Kind == manifest.List {
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v.Items) {
				return v, key, false
			}
			v = v.Items[i]
			continue
		}
		i := fieldIndex(v, step)
		if i < 0 {
			return v, key, false
		}
		v, key = v.Fields[i].Value, v.Fields[i].Key
	}
	return v, key, true
}

// pointer is the path of a JSON pointer.
func pointer(s string) []string {
	var path []string
	for _, step := range strings.Split(strings.TrimPrefix(s, "/"), "/") {
		if step != "" {
			path = append(path, strings.NewReplacer("~1", "/", "~0", "~", "%25", "%").Replace(step))
		}
	}
	return path
}

// jsonValue is a value as the schema's validator takes it: numbers keep their
// digits. What is not set is left out of maps.
func jsonValue(v manifest.Value) any {
	switch v.Kind {
	case manifest.Null:
		return nil
	case manifest.Bool:
		return v.Go()
	case manifest.Int, manifest.Float:
		return jsonNumber(v)
	case manifest.List:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = jsonValue(item)
		}
		return list
	case manifest.Map:
		m := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			if f.Value.Kind != manifest.Null {
				m[f.Key.Text] = jsonValue(f.Value)
			}
		}
		return m
	}
	return v.Text
}

// jsonNumber is a number as the YAML 1.1 of Kubernetes reads it. What JSON has no
// number for (.inf, .nan) is a text.
func jsonNumber(v manifest.Value) any {
	if json.Valid([]byte(v.Text)) {
		return json.Number(v.Text)
	}
	plain := strings.ReplaceAll(v.Text, "_", "")
	if n, ok := new(big.Int).SetString(plain, 0); ok {
		return json.Number(n.String())
	}
	if n, ok := sexagesimal(plain); ok {
		return json.Number(strconv.FormatInt(n, 10))
	}
	if n, err := strconv.ParseFloat(plain, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
		return json.Number(strconv.FormatFloat(n, 'g', -1, 64))
	}
	return v.Text
}

// sexagesimal reads 1:30 as YAML 1.1 does: 90.
func sexagesimal(text string) (n int64, ok bool) {
	parts := strings.Split(strings.TrimLeft(text, "+-"), ":")
	for _, part := range parts {
		digit, err := strconv.ParseInt(part, 10, 32)
		if err != nil || len(parts) < 2 || n > math.MaxInt64/100 {
			return 0, false
		}
		n = n*60 + digit
	}
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	return n, true
}

// nameOf is a path as people write it, with the numbers of items in brackets.
func nameOf(path []string) string {
	var b strings.Builder
	for i, step := range path {
		switch _, err := strconv.Atoi(step); {
		case err == nil && i > 0:
			fmt.Fprintf(&b, "[%s]", step)
		case i > 0:
			b.WriteString("." + step)
		default:
			b.WriteString(step)
		}
	}
	if b.Len() == 0 {
		return "the whole"
	}
	return b.String()
}
