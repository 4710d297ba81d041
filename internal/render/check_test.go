package render

import (
	"strings"
	"testing"
)

// TestCheckFieldsKnowsTheDot has templates with one field that is not there; what
// the field is looked for in shows that the dot and the variables were followed.
func TestCheckFieldsKnowsTheDot(t *testing.T) {
	for template, want := range map[string]string{
		`{{ .Nope }}`:                                                       "x.yaml.tmpl:1:4: the scope user-service has no .Nope",
		`{{ .User.Nope }}`:                                                  "x.yaml.tmpl:1:9: user has no .Nope",
		`{{ .User.Team.Nope }}`:                                             "x.yaml.tmpl:1:14: team has no .Nope",
		`{{ .User.Nope.Name }}`:                                             "x.yaml.tmpl:1:9: user has no .Nope",
		`{{ with .User }}{{ .Nope }}{{ end }}`:                              "user has no .Nope",
		`{{ with .User }}{{ $.Nope }}{{ end }}`:                             "the scope user-service has no .Nope",
		`{{ with .User }}{{ else }}{{ .Nope }}{{ end }}`:                    "the scope user-service has no .Nope",
		`{{ with .User }}{{ else with .Team }}{{ .Nope }}{{ end }}`:         "team has no .Nope",
		`{{ if .User }}{{ else if .Team }}{{ .Nope }}{{ end }}`:             "the scope user-service has no .Nope",
		`{{ range .User.Services }}{{ .Nope }}{{ end }}`:                    "service has no .Nope",
		`{{ range $i, $s := .User.Services }}{{ $s.Nope }}{{ end }}`:        "service has no .Nope",
		`{{ $u := .User }}{{ range .User.Services }}{{ $u.Nope }}{{ end }}`: "user has no .Nope",
		`{{ (.User).Nope }}`:                                                "user has no .Nope",
		`{{ upper (lower .User.Nope) }}`:                                    "user has no .Nope",
		`{{ upper .User.Nope | lower }}`:                                    "user has no .Nope",
		`{{ template "t" .User }}{{ define "t" }}{{ .Nope }}{{ end }}`:      "user has no .Nope",
		`{{ .Service.Vars.nope }}`:                                          `unknown variable "nope"`,
		`{{ range .User.Services }}{{ .Vars.nope }}{{ end }}`:               `unknown variable "nope"`,
		`{{ $v := .Vars }}{{ $v.nope }}`:                                    `unknown variable "nope"`,
		`{{ .Env.name }}`:                                                   "env has no .name",
	} {
		_, err := render(t, map[string]string{"templates/user-service/x.yaml.tmpl": template})
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", template, err, want)
		}
	}
}

// TestCheckFieldsRaisesNoFalseAlarm has templates whose fields are there, though
// it takes more than a look at types to know.
func TestCheckFieldsRaisesNoFalseAlarm(t *testing.T) {
	for _, template := range []string{
		`{{ .Vars.map.x }}`,
		`{{ range $k, $v := .Vars.map }}{{ $k }}{{ $v }}{{ end }}`,
		`{{ with .Vars.map }}{{ .x }}{{ end }}`,
		`{{ with $m := .Vars.map }}{{ $m.x }}{{ end }}`,
		`{{ (index .User.Services 0).Name }}`,
		`{{ with index .User.Services 0 }}{{ .Name }}{{ end }}`,
		`{{ $x := .Service }}{{ if true }}{{ $x = .User }}{{ end }}{{ $x.Team.Name }}`,
		`{{ $x := .Service }}{{ with .User }}{{ $x = . }}{{ end }}{{ $x.Team.Name }}`,
		`{{ $x := 1 }}{{ $x }}`,
		`{{ range .Vars.list }}{{ . }}{{ $.User.Name }}{{ end }}`,
		`{{ template "t" .Vars.map }}{{ define "t" }}{{ .x }}{{ end }}`,
		`{{ template "a" .User }}{{ template "a" .Team }}{{ define "a" }}{{ .Name }}{{ end }}`,
		`{{ with .Env.Domain }}{{ . }}{{ else }}{{ .User.Name }}{{ end }}`,
		`{{ range $k, $v := .Team.Secrets }}{{ $k }}{{ $v }}{{ end }}x`,
		`{{ (printf "%s" .User.Name) | upper }}`,
		`{{ range .User.Services }}{{ if eq .Name "api" }}{{ continue }}{{ end }}{{ .Name }}{{ break }}{{ end }}x`,
	} {
		_, err := render(t, map[string]string{"templates/user-service/x.yaml.tmpl": configMap + "{{ .User.Name }}-{{ .Service.Name }}\ndata:\n  v: " + template + "\n"})
		if err != nil {
			t.Errorf("%s: %v", template, err)
		}
	}
}
