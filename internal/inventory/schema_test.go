package inventory

import (
	"maps"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

// problemText is an error with its hints and notes.
func problemText(err error) string {
	var b strings.Builder
	for _, p := range problem.All(err) {
		b.WriteString(p.Error() + "\nhint: " + p.Hint + "\n")
		for _, n := range p.Notes {
			b.WriteString("note: " + n.Place.String() + ": " + n.Text + "\n")
		}
	}
	return b.String()
}

const schemaDefaults = `routing: null
replicas: 1
ratio: 0.5
name: api
env: {}
hpa: {min: 1, max: 2}
resources: {requests: {cpu: 100m}, limits: {}}
jobs: []
flex: 1
`

func withSchema(schema, vars string) map[string]string {
	return map[string]string{
		"users.yaml":                      "services: [{name: api, image: ecr.example/api}]\n",
		"templates/variables.yaml":        schemaDefaults,
		"templates/variables.schema.yaml": schema,
		"environments/dev.yaml":           "templates: [service]\nvars:\n" + vars,
	}
}

func TestSchemaViolations(t *testing.T) {
	const dev = "environments/dev.yaml:"
	for name, c := range map[string]struct {
		schema, vars string
		want         []string
	}{
		"an enum":               {"properties: {routing: {enum: [alb, gateway]}}", "  routing: gatway\n", []string{dev + `3:12: the variable routing must be "alb" or "gateway"; this is "gatway"`}},
		"a range":               {"properties: {replicas: {minimum: 1, maximum: 20}}", "  replicas: 21\n", []string{dev + "3:13: the variable replicas must be at most 20; this is 21"}},
		"a range, exclusive":    {"properties: {ratio: {exclusiveMinimum: 0, exclusiveMaximum: 1}}", "  ratio: 1.0\n", []string{dev + "3:10: the variable ratio must be less than 1; this is 1.0"}},
		"a pattern":             {"properties: {name: {pattern: '^[a-z]+$'}}", "  name: a1\n", []string{dev + "3:9: the variable name must match the pattern ^[a-z]+$"}},
		"a length":              {"properties: {name: {maxLength: 2}}", "  name: abc\n", []string{dev + "3:9: the variable name must have at most 2 characters"}},
		"a format":              {"properties: {name: {format: ipv4}}", "  name: 10.0.0\n", []string{dev + "3:9: the variable name must be a valid ipv4"}},
		"an environment":        {"properties: {name: {format: environment}}", "  name: dve\n", []string{dev + `3:9: the variable name must be the name of an environment that renders manifests; this is "dve"`}},
		"values of an open map": {"properties: {env: {additionalProperties: {type: string}}}", "  env:\n    A: x\n    PORT: 8080\n", []string{dev + "5:11: the variable env.PORT must be a string; this is 8080"}},
		"names of an open map":  {"properties: {env: {propertyNames: {pattern: '^[A-Z]+$'}}}", "  env: {A: x, b: x}\n  routing: alb\n", []string{dev + `3:15: the key "b" of env must match the pattern ^[A-Z]+$`}},
		"names in a list":       {"properties: {jobs: {items: {propertyNames: {pattern: '^[a-z]+$'}}}}", "  jobs: [{A: 1}, {b: 1}]\n", []string{dev + `3:11: the key "A" of jobs[0] must match the pattern ^[a-z]+$`}},
		"names, by another key": {"properties: {env: {dependentSchemas: {a: {propertyNames: {pattern: '^[a-z]+$'}}}}}", "  env: {a: 1, B: {c: 1}}\n", []string{dev + `3:15: the key "B" of env must match the pattern`}},
		"names below a number":  {"properties: {env: {prefixItems: [{}], additionalProperties: {propertyNames: {pattern: '^[a-z]+$'}}}}", "  env: {'-1': {A: 1}}\n", []string{dev + `3:16: the key "A" of env[-1] must match the pattern`}},
		"names, in draft-07":    {"$schema: http://json-schema.org/draft-07/schema#\nproperties: {env: {dependencies: {a: {propertyNames: {pattern: '^[a-z]+$'}}}}}", "  routing: {B: 1}\n  env: {a: 1, B: 2}\n", []string{dev + `4:15: the key "B" of env must match the pattern`}},
		"an item of a list":     {"properties: {jobs: {items: {type: object, required: [name], properties: {name: {type: string}}}}}", "  jobs: [{name: a}, {nmae: b}, {name: 7}]\n", []string{dev + `3:21: the variable jobs[1] must have the key "name"`, dev + "3:39: the variable jobs[2].name must be a string; this is 7"}},
		"keys that are closed":  {"properties: {env: {properties: {HOST: {}}, additionalProperties: false}}", "  env: {HOTS: x}\n", []string{dev + `3:9: unknown key "HOTS" in env`}},
		"alternatives":          {"properties: {name: {anyOf: [{enum: [a]}, {minLength: 4}]}}", "  name: b\n", []string{dev + `3:9: the variable name fits none of the schema's alternatives: it must be "a", or must have at least 4 characters`}},
		"a definition":          {"$defs: {n: {maximum: 3}}\nproperties: {replicas: {$ref: '#/$defs/n'}}", "  replicas: 4\n", []string{dev + "3:13: the variable replicas must be at most 3"}},
		"a default":             {"properties: {replicas: {minimum: 2}}", "  name: x\n", []string{"templates/variables.yaml:2:11: the variable replicas must be at least 2; this is 1"}},
		"what must be set":      {"required: [routing]", "  name: x\n", []string{"environments/dev.yaml: the variable routing must be set in the environment dev"}},
		"a number in octal":     {"properties: {replicas: {maximum: 7}}", "  replicas: 010\n", []string{dev + "3:13: the variable replicas must be at most 7; this is 010"}},
		"all variables":         {"dependentRequired: {name: [routing]}", "  name: x\n", []string{"templates/variables.yaml:1:1: the map of variables must have the key \"routing\", because it has \"name\""}},
		"a key of all":          {"properties: {routing: {}, replicas: {}, ratio: {}, name: {}, env: {}, hpa: {}, resources: {}, jobs: {}}\nadditionalProperties: false", "  name: x\n", []string{"templates/variables.yaml:9:1: unknown key \"flex\" in the map of variables"}},
		"two at once":           {"properties: {replicas: {maximum: 3}, name: {maxLength: 1}}", "  replicas: 4\n  name: ab\n", []string{dev + "3:13: the variable replicas", dev + "4:9: the variable name"}},
		"a type that replaces":  {"properties: {flex: {type: [integer, string]}}", "  flex: [x]\n", []string{dev + "3:9: the variable flex must be an integer or a string; this is a list"}},
	} {
		t.Run(name, func(t *testing.T) { refused(t, withSchema(c.schema+"\n", c.vars), c.want...) })
	}
}

func TestSchemaAllows(t *testing.T) {
	for name, c := range map[string][2]string{
		"what is not set":                  {"properties: {routing: {enum: [alb]}}", "  name: x\n"},
		"what is not set, and set back":    {"properties: {replicas: {minimum: 2}}", "  replicas: null\n"},
		"a type that replaces the default": {"properties: {flex: {type: [integer, string]}}", "  flex: 50%\n"},
		"a type behind a reference":        {"$defs: {t: {type: [integer, string]}}\nproperties: {flex: {$ref: '#/$defs/t'}}", "  flex: 50%\n"},
		"a type deep down":                 {"properties: {hpa: {properties: {max: {type: [integer, string]}}}}", "  hpa: {max: '3'}\n"},
		"keys that it opens":               {"properties: {resources: {properties: {requests: {additionalProperties: {type: [string, integer]}}}}}", "  resources: {requests: {cpu: 1, memory: 1Gi}}\n"},
		"keys of a pattern":                {"properties: {hpa: {patternProperties: {'^x-': {}}}}", "  hpa: {x-note: 1}\n"},
		"another draft":                    {"$schema: http://json-schema.org/draft-07/schema#\ndefinitions: {n: {type: integer}}\nproperties: {replicas: {$ref: '#/definitions/n'}}", "  replicas: 3\n"},
		"integers beyond 64 bits":          {"properties: {replicas: {type: integer}}", "  replicas: 123456789012345678901234567890\n"},
	} {
		t.Run(name, func(t *testing.T) { load(t, withSchema(c[0]+"\n", c[1])) })
	}
	// Properties alone do not open a map that its default closes.
	refused(t, withSchema("properties: {hpa: {properties: {cpu: {type: integer}}}}\n", "  hpa: {cpu: 1}\n"), `environments/dev.yaml:3:9: unknown key "cpu" in hpa`)
	refused(t, withSchema("properties: {hpa: {patternProperties: {'^x-': {}}}}\n", "  hpa: {y-note: 1}\n"), `environments/dev.yaml:3:9: unknown key "y-note" in hpa`)
	refused(t, withSchema("properties: {hpa: {properties: {min: {}, max: {}}, additionalProperties: false}}\n", "  hpa: {cpu: 1}\n"), `environments/dev.yaml:3:9: unknown key "cpu" in hpa`)
}

// TestSchemaLayers holds that a violation is found in each layer, once, and that
// variables may be missing where no template sees them.
func TestSchemaLayers(t *testing.T) {
	over := withSchema("required: [routing]\nproperties: {replicas: {maximum: 3}, routing: {enum: [alb]}}\n", "  name: x\n")
	maps.Copy(over, map[string]string{
		"users.yaml": "teams: [{name: web}]\nservices: [{name: api, image: ecr.example/api, vars: {replicas: 4, routing: alb}}, {name: web, image: ecr.example/web, vars: {routing: alb}}]\n" +
			"users:\n  - {name: alice, mission_type: web, services: [api, web], vars: {replicas: 5}}\n  - {name: bob, mission_type: web, services: [web], state: absent, vars: {replicas: 6}}\n",
		"environments/qa.yaml": "extends: dev\nservices: {web: {vars: {replicas: 7}}}\n",
	})
	refused(t, over, "environments/qa.yaml:2:35: the variable replicas must be at most 3; this is 7",
		"users.yaml:2:65: the variable replicas", "users.yaml:4:77: the variable replicas", "users.yaml:5:85: the variable replicas")
}

// TestRulePlace: a violation names the line of its rule, whatever characters are in the keys
// above the rule.
func TestRulePlace(t *testing.T) {
	_, err := loadAll(files(withSchema("properties:\n  env:\n    patternProperties:\n      '^[x y]{1}%/~':\n        maxLength: 1\n", "  env: {x%/~: ab}\n")))
	if want := "note: " + SchemaFile + ":5:9: the rule of the schema\n"; !strings.HasSuffix(problemText(err), want) {
		t.Errorf("got %s, want %s", problemText(err), want)
	}
}

func TestSchemaBroken(t *testing.T) {
	const file = "templates/variables.schema.yaml:"
	for name, c := range map[string]struct{ schema, want string }{
		"a type":               {"properties:\n  replicas: {type: interger}\n", file + "2:20: this is no JSON Schema: properties.replicas.type"},
		"a keyword's type":     {"properties:\n  replicas: {minimum: x}\n", file + "2:23: this is no JSON Schema"},
		"a pattern":            {"properties:\n  name: {pattern: '(?=a)'}\n", file + "2:19: this is no JSON Schema: properties.name.pattern must be a valid regex"},
		"a reference":          {"properties:\n  name: {$ref: '#/$defs/x'}\n", file + "2:16: this is no JSON Schema"},
		"a reference outside":  {"properties:\n  name: {$ref: 'https://example.com/x.json'}\n", file + "2:16: this is no JSON Schema"},
		"a file":               {"properties:\n  name: {$ref: '/etc/passwd'}\n", file + "2:16: this is no JSON Schema"},
		"a list":               {"- x\n", file + "1:1: this is no JSON Schema"},
		"an unknown draft":     {"$schema: https://json-schema.org/draft/2037-01/schema\n", file + "1:10: this is no JSON Schema"},
		"a misspelt keyword":   {"properties:\n  name: {enums: [a]}\n", file + `2:10: JSON Schema has no keyword "enums"`},
		"a misspelt one below": {"properties:\n  env: {additionalProperties: {tpye: string}}\n", file + `2:32: JSON Schema has no keyword "tpye"`},
		"a misspelt variable":  {"properties:\n  replcas: {minimum: 1}\n", file + `2:3: there is no variable "replcas"`},
		"no YAML":              {"properties: [\n", file + "1: this is not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			// No other problem is reported for what it may have opened.
			refused(t, withSchema(c.schema, "  hpa: {cpu: 3}\n"), c.want)
		})
	}
	load(t, withSchema("properties: {name: {x-owner: web}}\n", "  name: x\n")) // a keyword of one's own
}
