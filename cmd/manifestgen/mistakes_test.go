package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/problem"
)

const (
	usersFile  = "users.yaml"
	devFile    = "environments/dev.yaml"
	sandbox    = "environments/sandbox.yaml"
	variable   = "templates/variables.yaml"
	deployment = "templates/service/deployment.yaml.tmpl"
	greeting   = "templates/user/greeting.yaml.tmpl"
	service    = "templates/service/service.yaml.tmpl"
)

// mistakes are slips of the kind that people make, each one edit of the small
// inventory, and where it is told: where the person must type. A place in source
// is the line itself, as it is after the edit.
var mistakes = []struct {
	name           string
	file, old, new string
	want           string // code, place, message
	note           string // part of a note or of the hint; may be empty
}{
	// The inventory.
	{"a tab for indentation", usersFile, "    image: ecr.example/api", "\timage: ecr.example/api", "MG101 users.yaml:8: this is not YAML", ""},
	{"a key that is indented by one too few", usersFile, "    port: 8080", "   port: 8080", "MG101 users.yaml:10: this is not YAML", ""},
	{"a value with a colon in it", devFile, "namespace: dev", "namespace: dev: x", "MG101 environments/dev.yaml:1: this is not YAML", ""},
	{"a quote that is not closed", usersFile, "tag: 1f0c9ae", `tag: "1f0c9ae`, "MG101 users.yaml:", ""},
	{"a key that is misspelt", usersFile, "mission_type: data", "mision_type: data", `MG104 users.yaml:21:5: unknown key "mision_type" in a user`, ""},
	{"a team that is misspelt", usersFile, "mission_type: data", "mission_type: dta", `MG106 users.yaml:21:19: unknown team "dta"`, ""},
	{"a service that is misspelt", usersFile, "[api, worker]", "[api, wroker]", `MG106 users.yaml:19:21: unknown service "wroker"`, ""},
	{"a word where a list belongs", usersFile, "services: [api]", "services: api", "MG103 users.yaml:22:15: services must be a list, not a string", ""},
	{"a name with capitals", usersFile, "name: bob", "name: Bob", `MG108 users.yaml:20:11: invalid name "Bob"`, ""},
	{"a user who is there twice", usersFile, "name: bob", "name: alice", `MG107 users.yaml:20:5: duplicate user "alice"`, ""},
	{"a number in quotes", usersFile, "port: 8080", `port: "8080"`, "MG103 users.yaml:10:11: port must be an integer, not a string", ""},
	{"an image with its tag", usersFile, "image: ecr.example/api", "image: ecr.example/api:1.0", "MG110 users.yaml:8:12: image is a repository, without a tag", ""},
	{"a variable that is misspelt", usersFile, "{replicas: 2}", "{replcas: 2}", `MG111 users.yaml:14:12: unknown variable "replcas"`, ""},
	{"a variable of another type", sandbox, "{replicas: 1}", "{replicas: one}", "MG103 environments/sandbox.yaml:4:18: the variable replicas must be an integer", ""},
	{"a scope in the plural", devFile, "service]", "services]", `MG106 environments/dev.yaml:2:26: unknown scope "services"`, ""},
	{"an environment that extends none", devFile, "namespace: dev", "extends: base", `MG106 environments/dev.yaml:1:10: extends an unknown environment "base"`, ""},
	{"a domain with its scheme", sandbox, "domain: ", "domain: https://", "MG109 environments/sandbox.yaml:2:9: domain \"https://sandbox.example.com\" is not valid", ""},
	{"a key that is there twice", variable, "greeting: hello", "replicas: 2", `MG107 templates/variables.yaml:2:1: duplicate key "replicas"`, "templates/variables.yaml:1:1: here for the first time"},
	// Templates, before anything is rendered.
	{"a field that is misspelt", deployment, "{{ .Service.Image }}", "{{ .Service.Imgae }}", "MG205 " + deployment + ":11:29: service has no .Imgae", ""},
	{"a field of another scope", deployment, "name: {{ .Service.Name }}\nspec", "name: {{ .User.Name }}\nspec", "MG205 " + deployment + ":4:12: the scope service has no .User", ""},
	{"a variable that a template misspells", deployment, ".Vars.replicas", ".Vars.replica", `MG206 ` + deployment + `:6:21: unknown variable "replica"`, ""},
	{"a function of Helm's", deployment, ".Vars.replicas", ".Vars.replicas | quote", `MG204 ` + deployment + `:6: unknown function "quote"`, ""},
	{"a function for web pages", deployment, ".Vars.replicas", ".Vars.replicas | html", `MG204 ` + deployment + `:6: unknown function "html"`, "quotes are added where YAML needs them"},
	{"an if without end", service, "{{- end }}", "", "MG203 " + service + ":", ""},
	{"a brace too few", deployment, "{{ .Vars.replicas }}", "{{ .Vars.replicas }", "MG203 " + deployment + ":6: unexpected", ""},
	// What templates render.
	{"a line that is indented by one too many", deployment, "          image:", "           image:", "MG303 " + deployment + ":11: this is not YAML", "users.yaml:8:12: .Service.Image is \"ecr.example/api\""},
	{"a value that is not set", deployment, ".Vars.replicas", ".Env.Domain", "MG301 " + deployment + ":6:16: .Env.Domain is not set", "environments/dev.yaml:1: .Env.Domain is not set"},
	{"a whole thing that is printed", greeting, "{{ .Vars.greeting }}", "{{ .User }}", "MG301 " + greeting + ":6:16: .User is a whole user", "users.yaml:17:5: .User is a whole user, alice"},
	{"a value in a comment", deployment, "replicas: {{ .Vars.replicas }}", "replicas: 1 # {{ .Vars.replicas }}", "MG305 " + deployment + ":6:20: a value cannot stand in a comment", ".Vars.replicas is 1"},
	{"a map in a string", greeting, "{{ .Vars.greeting }}", `"{{ .Vars }}"`, "MG305 " + greeting + ":6:17: a list or a map cannot stand inside a string", `templates/variables.yaml:2:11: .Vars.greeting is "hello"`},
	{"a kind that is misspelt", greeting, "kind:", "knid:", "MG304 " + greeting + ":1: no apiVersion or no kind", ""},
	{"a name that all have", greeting, "name: {{ .User.Name }}", "name: greeting", "MG308 " + greeting + ":4: this ConfigMap is made more than once", ""},
	{"a tag where none is", deployment, "replicas: {{ .Vars.replicas }}", "version: v{{ .Tag }}", "MG306 " + deployment + ":6:16: a tag joined with other text cannot be followed", `users.yaml:9:10: .Tag is "1f0c9ae"`},
	{"a key that a map has not", greeting, "{{ .Vars.greeting }}", `{{ index .Services 7 }}`, "MG302 " + greeting + ":6:16: index out of range: 7", ""},
	{"an index below zero", greeting, "{{ .Vars.greeting }}", `{{ index .Services -1 }}`, "MG302 " + greeting + ":6:16: index out of range: -1", ""},
	{"a key that is misspelt in a template", greeting, "{{ .Vars.greeting }}", "{{ .Team.Secrets.API_KEI }}", "MG302 " + greeting + `:6:21: there is no key "API_KEI" here`, `did you mean "API_KEY"?`},
	{"a function that does not fit", greeting, "{{ .Vars.greeting }}", `{{ printf "%d" .Vars.greeting }}`, "MG302 " + greeting + `:6:16: printf "%d" does not fit`, `templates/variables.yaml:2:11: .Vars.greeting is "hello"`},
	{"numbers that are compared with text", greeting, "{{ .Vars.greeting }}", `{{ if gt .Vars.greeting 1 }}x{{ end }}`, "MG302 " + greeting + ":6:19: a string cannot be compared with a number", `.Vars.greeting is "hello"`},
}

func TestMistakes(t *testing.T) {
	const source = "../../testdata/small"
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(source, m.file))
			if err != nil || !strings.Contains(string(text), m.old) {
				t.Fatalf("%s has no %q (%v)", m.file, m.old, err)
			}
			edits := map[string][]byte{m.file: []byte(strings.Replace(string(text), m.old, m.new, 1))}
			_, err = (&renderOptions{source: source, out: t.TempDir(), edits: edits}).plan()
			all := problem.All(err)
			if len(all) == 0 {
				t.Fatal("nobody minds")
			}
			var told strings.Builder
			found := false
			for _, p := range all {
				line := strings.ReplaceAll(string(p.Code)+" "+p.Error(), source+"/", "")
				told.WriteString(line + "\n")
				var notes strings.Builder
				for _, n := range p.Notes {
					notes.WriteString(strings.ReplaceAll(n.String(), source+"/", "") + "\n")
				}
				notes.WriteString(p.Hint + "\n")
				told.WriteString(notes.String())
				found = found || strings.HasPrefix(line, m.want) && strings.Contains(notes.String(), m.note)
			}
			if !found || len(all) > 2 {
				t.Errorf("told is\n%s\nwant\n%s\n%s", &told, m.want, m.note)
			}
		})
	}
}
