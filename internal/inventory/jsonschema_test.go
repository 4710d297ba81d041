package inventory

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// compiled is a schema that Schema printed.
func compiled(t *testing.T, kind string, names KnownNames) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(kind, names)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if draft := value.(map[string]any)["$schema"]; draft != "http://json-schema.org/draft-07/schema#" {
		t.Errorf("%s is of %v", kind, draft)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("file:///"+kind, value); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("file:///" + kind)
	if err != nil {
		t.Fatalf("%s: %v\n%s", kind, err, text)
	}
	return schema
}

// document reads a YAML file as a JSON Schema's validator takes it, nulls included.
func document(t *testing.T, data []byte) any {
	t.Helper()
	f, err := manifest.Parse("test.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	values, err := f.Values()
	if err != nil {
		t.Fatal(err)
	}
	var convert func(v manifest.Value) any
	convert = func(v manifest.Value) any {
		switch v.Kind {
		case manifest.Map:
			m := map[string]any{}
			for _, f := range v.Fields {
				m[f.Key.Text] = convert(f.Value)
			}
			return m
		case manifest.List:
			list := []any{}
			for _, item := range v.Items {
				list = append(list, convert(item))
			}
			return list
		}
		return jsonValue(v)
	}
	return convert(values[0])
}

// TestSchemasTakeTheStarter: every file of the starter is valid.
func TestSchemasTakeTheStarter(t *testing.T) {
	root := os.DirFS("../..")
	names := LoadNames(root)
	if len(names.Environments) < 5 || len(names.Users) < 3 || len(names.Teams) < 3 || len(names.Services) < 3 {
		t.Fatalf("names are missing: %+v", names)
	}
	files := map[string]string{"users.yaml": "users", "templates/variables.yaml": "variables"}
	for _, env := range names.Environments {
		files["environments/"+env+".yaml"] = "environment"
	}
	for file, kind := range files {
		data, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled(t, kind, names).Validate(document(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !strings.HasPrefix(string(data), "# yaml-language-server: $schema=") || !strings.Contains(string(data), ".schemas/"+kind+".json\n") {
			t.Errorf("%s does not name its schema to editors", file)
		}
	}
	text, err := Schema("users", names)
	if err != nil || !json.Valid(text) || !strings.Contains(string(text), `"discovery"`) {
		t.Errorf("the users' schema does not have the team discovery: %v", err)
	}
	if _, err := Schema("usrs", names); err == nil {
		t.Error("a schema of an unknown kind")
	}
}

// schemaBase is an inventory that the loader and the schemas take.
var schemaBase = map[string]string{
	"users.yaml":            "teams: [{name: web, secrets: {A: web/a}}]\nservices: [{name: api, image: e/api, port: 80}]\nusers: [{name: alice, mission_type: web, services: [api]}]\n",
	"environments/dev.yaml": "templates: [service]\nvars: {replicas: 2}\nservices: {api: {vars: {replicas: 3}}}\ndeploy: {strategy: push}\n",
	"templates/variables.yaml": "replicas: 1\nname: x\nrouting: null\nresources: {limits: {memory: 1Gi}}\nenv: {}\nhpa: {min: 1, max: 2}\n" +
		"list: []\nratio: 0.5\nopen: {a: 1}\n",
	SchemaFile: "properties:\n  routing: {enum: [alb, gateway]}\n  replicas: {minimum: 1}\n  env: {additionalProperties: {type: string}}\n  open: {additionalProperties: true}\n" +
		"  hpa: {required: [min, max], properties: {min: {$ref: '#/$defs/n'}}}\n$defs: {n: {type: [integer, string]}}\n",
}

const users, dev, variables = "users.yaml", "environments/dev.yaml", "templates/variables.yaml"

// schemaCases are changes of schemaBase, and whether they are refused.
var schemaCases = []struct {
	file, old, new string
	refused        bool
}{
	{users, "name: web,", "nmae: web,", true},
	{users, "name: web,", "", true},
	{users, "A: web/a", "A: /web", true},
	{users, "A: web/a", "9A: web", true},
	{users, "port: 80", "port: '80'", true},
	{users, "port: 80", "port: 0", true},
	{users, "port: 80", "port: 80, tag: 1234567", false},
	{users, "port: 80", "port: 80, tag: [a]", true},
	{users, "port: 80", "port: 80, repository: example", true},
	{users, "image: e/api, ", "", false},
	{users, "name: alice", "name: Alice", true},
	{users, "mission_type: web", "mission_type: wbe", true},
	{users, "mission_type: web, ", "", true},
	{users, "services: [api]}", "services: [pai]}", true},
	{users, "services: [api]}", "services: api}", true},
	{users, "services: [api]}", "services: null}", false},
	{users, "services: [api]}", "state: gone}", true},
	{users, "services: [api]}", "state: absent, expires: 2027-03-31}", false},
	{users, "services: [api]}", "expires: soon}", true},
	{users, "services: [api]}", "vars: {replicas: two}}", true},
	{users, "services: [api]}", "vars: {replcas: 2}}", true},
	{users, "services: [api]}", "vars: {replicas: null}}", false},
	{users, "teams:", "manifestgen: '>=1.4'\nteams:", false},
	{users, "teams:", "manifestgen: 1.4\nteams:", true},
	{users, "teams:", "people: []\nteams:", true},
	{dev, "[service]", "[services]", true},
	{dev, "strategy: push", "strategy: pull", true},
	{dev, "strategy: push", "order: semver, draft: true, reviewers: [carol]", false},
	{dev, "strategy: push", "stratgy: push", true},
	{dev, "strategy: push", "after: prod", true},
	{dev, "strategy: push", "labels: a", true},
	{dev, "templates:", "extends: base\ntemplates:", true},
	{dev, "templates:", "kubernetes: 1.34\ntemplates:", false},
	{dev, "templates:", "kubernetes: v1.34\ntemplates:", true},
	{dev, "templates:", "domain: https://x\ntemplates:", true},
	{dev, "templates:", "namespace: A\ntemplates:", true},
	{dev, "templates:", "external: [{kind: Gateway, name: public}]\ntemplates:", false},
	{dev, "templates:", "external: [{kind: Gateway}]\ntemplates:", true},
	{dev, "templates:", "external: [{kind: gateway, name: x}]\ntemplates:", true},
	{dev, "{replicas: 2}", "{replicas: 0}", true},
	{dev, "{replicas: 2}", "{routing: albs}", true},
	{dev, "{replicas: 2}", "{routing: alb, name: 'y', list: [1, a], ratio: 2}", false},
	{dev, "{replicas: 2}", "{name: 5}", true},
	{dev, "{replicas: 2}", "{list: {}}", true},
	{dev, "{replicas: 2}", "{resources: {limit: {memory: 1Gi}}}", true},
	{dev, "{replicas: 2}", "{resources: {limits: {memory: null}}}", false},
	{dev, "{replicas: 2}", "{resources: {limits: {memory: 1}}}", true},
	{dev, "{replicas: 2}", "{env: {A: x}}", false},
	{dev, "{replicas: 2}", "{env: {A: 1}}", true},
	{dev, "{replicas: 2}", "{open: {b: 1}}", false},
	{dev, "{replicas: 2}", "{hpa: {min: '3'}}", false},
	{dev, "{replicas: 2}", "{hpa: {max: '3'}}", true},
	{dev, "api: {vars", "pai: {vars", true},
	{dev, "{replicas: 3}", "{replicas: true}", true},
	{dev, "{vars: {replicas: 3}}", "{state: absent, image: e/other}", false},
	{dev, "{vars: {replicas: 3}}", "{tag: x}", true},
	{variables, "name: x", "na-me: x", true},
	{variables, "replicas: 1", "replicas: 0", false},
	{users, "services: [api]}", "expires: 2027}", true},
}

// TestSchemasAgreeWithTheLoader: what one refuses, the other refuses too.
func TestSchemasAgreeWithTheLoader(t *testing.T) {
	for _, test := range schemaCases {
		t.Run(test.file+" "+test.new, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range schemaBase {
				if name == test.file {
					changed := strings.Replace(text, test.old, test.new, 1)
					if changed == text {
						t.Fatal("nothing was replaced")
					}
					text = changed
				}
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			_, loaded := loadAll(fsys)
			unchanged := fstest.MapFS{}
			for name, text := range schemaBase {
				unchanged[name] = &fstest.MapFile{Data: []byte(text)}
			}
			kind := map[string]string{users: "users", dev: "environment", variables: "variables"}[test.file]
			validated := compiled(t, kind, LoadNames(unchanged)).Validate(document(t, fsys[test.file].Data))
			if (loaded != nil) != test.refused || (validated != nil) != test.refused {
				t.Errorf("refused is %v; the loader says %v, the schema %v", test.refused, loaded, validated)
			}
		})
	}
}

// TestShapes: a map takes the keys of its shape, and no others.
func TestShapes(t *testing.T) {
	for _, s := range []*shape{&teamShape, &serviceShape, &userShape, &usersShape, &deployShape, &externalShape, &overrideShape, &environmentShape} {
		l := &loader{}
		readers := map[string]func(manifest.Value){}
		for _, name := range s.names() {
			readers[name] = func(manifest.Value) {}
		}
		var v manifest.Value
		for _, name := range s.names() {
			v.Add(name, manifest.NewString("x"))
		}
		if l.keys(v, s, readers); len(l.problems) > 0 {
			t.Errorf("%s: %v", s.what, l.problems)
		}
		v.Add("other", manifest.NewString("x"))
		if l.keys(v, s, readers); len(l.problems) != 1 || l.problems[0].Code != problem.UnknownKey {
			t.Errorf("%s: %v", s.what, l.problems)
		}
	}
}
