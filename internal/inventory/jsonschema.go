package inventory

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// SchemaKinds are the files that Schema describes: users.yaml, a file of environments/,
// and templates/variables.yaml.
var SchemaKinds = []string{"users", "environment", "variables"}

// KnownNames are the names of an inventory, each list sorted.
type KnownNames struct {
	Teams, Services, Users, Environments []string
	Variables                            []string // with the keys below them, as in resources.limits

	defaults, schema manifest.Value
}

// LoadNames reads the names below fsys, as far as they can be read: an inventory that is
// being edited is not always right.
func LoadNames(fsys fs.FS) KnownNames {
	l := &loader{fsys: fsys}
	l.readVariables()
	l.readUsers()
	n := KnownNames{
		Teams: Names(l.inventory.Teams), Services: Names(l.inventory.Services), Users: Names(l.inventory.Users),
		defaults: l.defaults, schema: l.document(SchemaFile, false, ""),
	}
	entries, _ := fs.ReadDir(fsys, EnvironmentsDir)
	n.Environments = slices.DeleteFunc(environmentFiles(entries), func(name string) bool { return !dnsLabel.MatchString(name) })
	var visit func(path string, v manifest.Value)
	visit = func(path string, v manifest.Value) {
		for _, f := range v.Fields {
			at := strings.TrimPrefix(path+"."+f.Key.Text, ".")
			n.Variables = append(n.Variables, at)
			visit(at, f.Value)
		}
	}
	visit("", l.defaults)
	slices.Sort(n.Variables)
	return n
}

// Schema returns the JSON Schema (draft-07) of one of SchemaKinds, with the names of an
// inventory as the words that names may be. What the loader takes, it
// takes.
func Schema(kind string, names KnownNames) ([]byte, error) {
	w := schemaWriter{names}
	var s map[string]any
	switch kind {
	case "users":
		s = w.shape(&usersShape)
	case "environment":
		s = w.shape(&environmentShape)
	case "variables":
		s = w.defaults()
	default:
		return nil, problem.New(problem.DidYouMean(kind, SchemaKinds), "unknown schema %q", kind).WithCode(problem.UnknownName)
	}
	s["$schema"] = "http://json-schema.org/draft-07/schema#"
	s["title"] = map[string]string{"users": UsersFile, "environment": path.Join(EnvironmentsDir, "*.yaml"), "variables": VariablesFile}[kind]
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
}

// schemaWriter writes shapes as JSON Schemas.
type schemaWriter struct{ names KnownNames }

func (w schemaWriter) shape(s *shape) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, k := range s.keys {
		p := w.takes(k.takes)
		p["description"] = k.text
		properties[k.name] = p
		if k.required {
			required = append(required, k.name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (w schemaWriter) takes(t takes) map[string]any {
	out := map[string]any{}
	switch {
	case t.vars:
		out = w.variables()
	case t.kind == manifest.Map && t.keyed && t.of == nil: // secrets
		out["type"] = "object"
		out["propertyNames"] = map[string]any{"pattern": envVariable.String()}
		out["additionalProperties"] = map[string]any{"type": []string{"string", "number"}, "pattern": `^[^/]`}
	case t.kind == manifest.Map && t.keyed:
		properties := map[string]any{}
		for _, name := range w.list(t.named) {
			properties[name] = w.shape(t.of)
		}
		out["type"], out["properties"], out["additionalProperties"] = "object", properties, false
	case t.kind == manifest.Map:
		out = w.shape(t.of)
	case t.kind == manifest.List && t.of != nil:
		out["type"], out["items"] = "array", w.shape(t.of)
	case t.kind == manifest.List:
		out["type"], out["items"] = "array", w.takes(*t.items)
	case t.kind == manifest.Bool:
		out["type"] = "boolean"
	case t.kind == manifest.Int:
		out["type"], out["minimum"], out["maximum"] = "integer", 1, 65535
	default:
		w.text(out, t)
	}
	if kind, ok := out["type"].(string); ok && t.empty {
		out["type"] = []string{kind, "null"}
	}
	return out
}

// text writes what a text may be. A number is read as it is written.
func (w schemaWriter) text(out map[string]any, t takes) {
	names := w.list(t.named)
	switch {
	case t.words != nil:
		out["enum"] = t.words
	case len(names) > 0:
		out["enum"] = names
	default:
		if out["type"] = []string{"string", "number"}; t.quoted {
			out["type"] = "string"
		}
		if t.pattern != nil {
			out["pattern"] = t.pattern.String()
		}
	}
}

func (w schemaWriter) list(of nameList) []string {
	switch of {
	case teamNames:
		return w.names.Teams
	case serviceNames:
		return w.names.Services
	case environmentNames:
		return w.names.Environments
	}
	return nil
}

// defaults is templates/variables.yaml: any value, since what variables.schema.yaml says is
// of what the layers make together. The words that it has are shown as examples.
func (w schemaWriter) defaults() map[string]any {
	properties, _ := w.names.schema.Get("properties")
	out := map[string]any{}
	for _, f := range w.names.defaults.Fields {
		p := map[string]any{}
		doc, _ := properties.Get(f.Key.Text)
		for from, to := range map[string]string{"enum": "examples", "description": "description"} {
			if v, ok := doc.Get(from); ok {
				p[to] = jsonValue(v)
			}
		}
		out[f.Key.Text] = p
	}
	return map[string]any{"type": "object", "properties": out, "propertyNames": map[string]any{"pattern": variableName.String()}}
}

// variables returns a map of variables, each of its default's type.
func (w schemaWriter) variables() map[string]any {
	properties, _ := w.names.schema.Get("properties")
	out := map[string]any{}
	for _, f := range w.names.defaults.Fields {
		doc, _ := properties.Get(f.Key.Text)
		out[f.Key.Text] = w.variable(f.Value, doc, 0)
	}
	return map[string]any{"type": "object", "properties": out, "additionalProperties": false}
}

// keptKeywords are those of variables.schema.yaml that hold for one layer of a value as
// they do for the whole. Others, such as required, say something of what the layers make
// together.
var keptKeywords = []string{"description", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "propertyNames"}

// maxSchemaDepth is how deep a schema is followed: it may refer to itself.
const maxSchemaDepth = 20

// variable returns one layer of a variable, with its default and what variables.schema.yaml says
// of it. A null is taken anywhere: it removes.
func (w schemaWriter) variable(def, doc manifest.Value, depth int) map[string]any {
	for range maxSchemaDepth {
		ref, ok := doc.Get("$ref")
		if !ok {
			break
		}
		doc, _, ok = locate(w.names.schema, Pointer(strings.TrimPrefix(ref.Text, "#")))
		if !ok {
			return map[string]any{}
		}
	}
	out := map[string]any{}
	if depth > maxSchemaDepth {
		return out
	}
	for _, keyword := range keptKeywords {
		if v, ok := doc.Get(keyword); ok {
			out[keyword] = jsonValue(v)
		}
	}
	if values, ok := out["enum"].([]any); ok {
		out["enum"] = append(values, nil)
	}
	switch kind, ok := doc.Get("type"); {
	case ok && kind.Kind == manifest.String:
		out["type"] = []any{kind.Text, "null"}
	case ok && kind.Kind == manifest.List:
		out["type"] = append(jsonValue(kind).([]any), "null")
	case def.Kind != manifest.Null:
		out["type"] = []any{jsonTypes[def.Kind], "null"}
	}
	if types, ok := out["type"].([]any); ok {
		out["type"] = uniqueValues(types)
	}
	if items, ok := doc.Get("items"); ok && items.Kind == manifest.Map {
		out["items"] = w.variable(manifest.Value{}, items, depth+1)
	}
	w.keys(out, def, doc, depth)
	return out
}

// keys writes which keys a map may have: those of its default, unless the schema opens it.
func (w schemaWriter) keys(out map[string]any, def, doc manifest.Value, depth int) {
	documented, _ := doc.Get("properties")
	additional, opened := doc.Get("additionalProperties")
	patterns, patterned := doc.Get("patternProperties")
	closed := def.Kind == manifest.Map && len(def.Fields) > 0
	properties := map[string]any{}
	for _, f := range def.Fields {
		inner, _ := documented.Get(f.Key.Text)
		properties[f.Key.Text] = w.variable(f.Value, inner, depth+1)
	}
	for _, f := range documented.Fields {
		if _, has := properties[f.Key.Text]; !has && (!closed || opened || patterned) {
			properties[f.Key.Text] = w.variable(manifest.Value{}, f.Value, depth+1)
		}
	}
	if len(properties) > 0 {
		out["properties"] = properties
	}
	if patterned {
		list := map[string]any{}
		for _, f := range patterns.Fields {
			list[f.Key.Text] = w.variable(manifest.Value{}, f.Value, depth+1)
		}
		out["patternProperties"] = list
	}
	switch {
	case opened && additional.Kind == manifest.Bool:
		out["additionalProperties"] = additional.Go()
	case opened:
		out["additionalProperties"] = w.variable(manifest.Value{}, additional, depth+1)
	case closed:
		out["additionalProperties"] = false
	}
}

// jsonTypes are the types of JSON Schema, by kind.
var jsonTypes = map[manifest.Kind]string{
	manifest.Bool: "boolean", manifest.Int: "integer", manifest.Float: "number", manifest.String: "string", manifest.List: "array", manifest.Map: "object",
}

func uniqueValues(list []any) []any {
	var out []any
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
