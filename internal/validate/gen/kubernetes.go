package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// releases are the last patch of each minor that the table knows, oldest first. The last one is the
// release that go.mod requires.
var releases = []string{"v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2"}

// schema is the part of an OpenAPI v3 schema that the table keeps.
type schema struct {
	Ref        string             `json:"$ref"`
	AllOf      []schema           `json:"allOf"`
	OneOf      []schema           `json:"oneOf"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Default    any                `json:"default"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Additional *schema            `json:"additionalProperties"`
	ListType   string             `json:"x-kubernetes-list-type"`
	ListKeys   []string           `json:"x-kubernetes-list-map-keys"`
	Preserve   bool               `json:"x-kubernetes-preserve-unknown-fields"`
}

// table collects each fact with the minors that have it, as bits: bit 0 is the oldest release.
type table struct {
	fields map[string]map[string]int // definition → "name type" → minors
	kinds  map[string]int            // "group version kind scope definition" → minors
}

var collection = regexp.MustCompile(`^/apis?/.*?v[0-9a-z]+/(namespaces/\{namespace\}/)?[a-z]+$`)

// kubernetesTable returns the table as lines:
//
//	minors 1.32 1.33 …
//	kind MINORS GROUP VERSION KIND namespaced|cluster DEFINITION   (an empty group is -)
//	type DEFINITION
//	NAME MINORS TYPE                                               (a field of the type above)
//
// A TYPE is s (string), i (int64), j (int32), n (number), b (boolean), q (quantity), p (int or
// string), t (time), y (base64), * (anything), #DEFINITION, [TYPE (list), [KEY,KEY=DEFAULT]TYPE
// (list whose items are told apart by keys), [!]TYPE (set), {TYPE (map). MINORS are hexadecimal
// bits.
func kubernetesTable() ([]byte, error) {
	t := &table{fields: map[string]map[string]int{}, kinds: map[string]int{}}
	var minors []string
	for i, version := range releases {
		dir, err := module("k8s.io/kubernetes", version)
		if err != nil {
			return nil, err
		}
		files, err := filepath.Glob(filepath.Join(dir, "api/openapi-spec/v3/*_openapi.json"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s has no OpenAPI files", dir)
		}
		for _, file := range files {
			if err := t.add(file, 1<<i); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		minors = append(minors, version[1:strings.LastIndex(version, ".")])
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "minors", strings.Join(minors, " "))
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		fmt.Fprintf(&b, "kind %x %s\n", t.kinds[kind], kind)
	}
	for _, name := range slices.Sorted(maps.Keys(t.fields)) {
		fmt.Fprintln(&b, "type", name)
		for _, f := range slices.Sorted(maps.Keys(t.fields[name])) {
			field, typ, _ := strings.Cut(f, " ")
			fmt.Fprintf(&b, "%s %x %s\n", field, t.fields[name][f], typ)
		}
	}
	return b.Bytes(), nil
}

type document struct {
	Paths map[string]struct {
		Post *struct {
			GVK struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
		}
	}
	Components struct{ Schemas map[string]*schema }
}

// gvks is read apart: schemas of OpenAPI name the kinds that they are.
type gvks struct {
	Components struct {
		Schemas map[string]struct {
			GVK []struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
		}
	}
}

func (t *table) add(file string, minor int) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var doc document
	var named gvks
	if err := json.Unmarshal(data, &doc); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &named); err != nil {
		return err
	}
	definitions := map[string]string{}
	for name, s := range named.Components.Schemas {
		if len(s.GVK) == 1 { // DeleteOptions and the like are of every group
			definitions[s.GVK[0].Group+"/"+s.GVK[0].Version+"/"+s.GVK[0].Kind] = name
		}
	}
	for path, ops := range doc.Paths {
		if ops.Post == nil || !collection.MatchString(path) {
			continue
		}
		k := ops.Post.GVK
		definition := definitions[k.Group+"/"+k.Version+"/"+k.Kind]
		if definition == "" {
			continue
		}
		scope, group := "cluster", k.Group
		if strings.Contains(path, "{namespace}") {
			scope = "namespaced"
		}
		if group == "" {
			group = "-"
		}
		t.kinds[strings.Join([]string{group, k.Version, k.Kind, scope, short(definition)}, " ")] |= minor
	}
	for name, s := range doc.Components.Schemas {
		if s.Type != "object" || s.Preserve {
			continue
		}
		if t.fields[short(name)] == nil {
			t.fields[short(name)] = map[string]int{}
		}
		for field, f := range s.Properties {
			typ, err := typeOf(f, doc.Components.Schemas)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", name, field, err)
			}
			t.fields[short(name)][field+" "+typ] |= minor
		}
	}
	return nil
}

var prefixes = strings.NewReplacer("io.k8s.api.", "", "io.k8s.apimachinery.pkg.apis.", "", "io.k8s.apiextensions-apiserver.pkg.apis.", "", "io.k8s.kube-aggregator.pkg.apis.", "")

func short(definition string) string { return prefixes.Replace(definition) }

// scalars are the definitions that are no objects.
var scalars = map[string]string{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":   "q",
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": "p",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time":       "t",
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":  "t",
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":   "*",
	"io.k8s.apimachinery.pkg.runtime.RawExtension":    "*",
}

// formats are the types of strings and integers by their formats.
var formats = map[string]string{
	"string ": "s", "string byte": "y", "string date-time": "t", "string int-or-string": "p",
	"integer ": "i", "integer int64": "i", "integer int32": "j",
}

// typeOf returns a schema as a TYPE of the table; all are the definitions that it may refer to.
func typeOf(s *schema, all map[string]*schema) (string, error) {
	if len(s.AllOf) == 1 {
		s.Ref = s.AllOf[0].Ref
	}
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		if scalar := scalars[name]; scalar != "" {
			return scalar, nil
		}
		// Anything, for JSONSchemaPropsOrBool and its like.
		if to := all[name]; to == nil || to.Type != "object" || to.Preserve || len(to.Properties) == 0 {
			return "*", nil
		}
		return "#" + short(name), nil
	}
	switch s.Type {
	case "string", "integer":
		if scalar := formats[s.Type+" "+s.Format]; scalar != "" {
			return scalar, nil
		}
		return "", fmt.Errorf("unknown format %q of the type %s", s.Format, s.Type)
	case "number":
		return "n", nil
	case "boolean":
		return "b", nil
	case "array":
		item, err := typeOf(s.Items, all)
		if err != nil {
			return "", err
		}
		return "[" + listType(s, all) + item, nil
	case "object":
		if s.Additional == nil {
			return "*", nil
		}
		value, err := typeOf(s.Additional, all)
		return "{" + value, err
	case "":
		return "*", nil
	}
	return "", fmt.Errorf("unknown type %q", s.Type)
}

// listType returns how the items of a list are told apart: KEY,KEY=DEFAULT], !], or nothing.
func listType(s *schema, all map[string]*schema) string {
	switch s.ListType {
	case "set":
		return "!]"
	case "map":
		item := s.Items
		if len(item.AllOf) == 1 {
			item = &item.AllOf[0]
		}
		properties := all[strings.TrimPrefix(item.Ref, "#/components/schemas/")].Properties
		keys := slices.Clone(s.ListKeys)
		for i, key := range keys {
			if p := properties[key]; p != nil && p.Default != nil {
				keys[i] += fmt.Sprintf("=%v", p.Default)
			}
		}
		return strings.Join(keys, ",") + "]"
	}
	return ""
}
