package inventory

import (
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// JSON Schema lets unknown keywords pass, so that a misspelt one says nothing.
// These are the keywords, by what is below them.
var (
	schemaKeywords = []string{"additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties", "additionalItems"}
	schemaMaps     = []string{"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
	schemaLists    = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	otherKeywords  = []string{
		"$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary", "const", "contentEncoding", "contentMediaType",
		"default", "dependencies", "dependentRequired", "deprecated", "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format",
		"maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf",
		"pattern", "readOnly", "required", "title", "type", "uniqueItems", "writeOnly",
	}
)

// checkKeywords reports the keywords of the schema that are nearly one that JSON
// Schema knows, and the properties that are nearly a variable.
func (l *loader) checkKeywords(doc manifest.Value) {
	known := map[string]func(manifest.Value){}
	var all []string
	for _, k := range otherKeywords {
		known[k] = func(manifest.Value) {}
	}
	var schema func(v manifest.Value)
	each := func(v manifest.Value) {
		for _, f := range v.Fields {
			schema(f.Value)
		}
		for _, item := range v.Items {
			schema(item)
		}
	}
	for _, k := range schemaKeywords {
		known[k] = func(v manifest.Value) {
			schema(v)
			for _, item := range v.Items { // items, before 2020-12
				schema(item)
			}
		}
	}
	for _, k := range schemaMaps {
		known[k] = each
	}
	for _, k := range schemaLists {
		known[k] = each
	}
	all = sortedKeys(known)
	schema = func(v manifest.Value) {
		for _, f := range v.Fields {
			if below, ok := known[f.Key.Text]; ok {
				below(f.Value)
			} else if near := problem.Nearest(f.Key.Text, all); near != "" {
				l.report(problem.NotASchema, f.Key.Place, problem.DidYouMean(f.Key.Text, all), "JSON Schema has no keyword %q, so this says nothing", f.Key.Text)
			}
		}
	}
	schema(doc)
	properties, _ := doc.Get("properties")
	for _, f := range properties.Fields {
		if _, declared := l.defaults.Get(f.Key.Text); !declared && l.declared && problem.Nearest(f.Key.Text, keysOf(l.defaults)) != "" {
			l.report(problem.NotASchema, f.Key.Place, problem.DidYouMean(f.Key.Text, keysOf(l.defaults)), "there is no variable %q, so this says nothing", f.Key.Text)
		}
	}
}
