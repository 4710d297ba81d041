package render

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
)

// sourcesOf is what each line of a template's manifest comes from, "line: names of
// its values", for a service of a small inventory.
func sourcesOf(t *testing.T, text string) (lines []string, m *Manifest) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"users.yaml": "teams: [{name: web, secrets: {KEY: web/key}}]\n" +
			"services:\n  - name: api\n    image: ecr.example/api\n    tag: abc\n    secrets: {URL: api/url}\n    vars: {n: 2}\n" +
			"users:\n  - {name: alice, mission_type: web, services: [api], vars: {map: {b: from alice}}}\n",
		"environments/base.yaml":          "abstract: true\nvars: {list: [x, y], map: {a: from base}}\n",
		"environments/dev.yaml":           "extends: base\ntemplates: [user-service]\n",
		"templates/variables.schema.yaml": "properties: {map: {properties: {a: {type: [integer, string]}, b: {type: [integer, string]}}}}\n",
		"templates/variables.yaml": "n: 1\nlist: []\nmap: {a: 1, b: 2, deep: {x: 1, y: [p, q]}}\nobjects: [{name: one, port: 1}, {name: two, port: 2}]\n" +
			"text: hello\nunset: null\n",
		"templates/_shared/s.tmpl":           "{{ define \"show\" }}shown: {{ . }}{{ end }}{{ define \"deep\" }}{{ with .x }}{{ template \"show\" . }}{{ end }}{{ end }}",
		"templates/user-service/x.yaml.tmpl": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n" + text,
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	inv, err := inventory.Load(fsys, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := ParseTemplates(fsys, inv)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := Render(templates, inv, inv.Environments)
	if err != nil {
		t.Fatal(err)
	}
	m = &manifests[0]
	sources := checkMap(t, m)
	for n := range strings.Count(string(m.Text.Data), "\n") - 3 {
		place, values := sources.Line(n + 4)
		line := fmt.Sprintf("%d:", place.Line-3)
		for _, v := range values {
			line += " " + v.Name + "@" + strings.TrimSuffix(strings.NewReplacer("templates/variables.yaml", "v", "users.yaml", "u", "environments/", "").Replace(v.Place.String()), ":0")
		}
		lines = append(lines, line)
	}
	return lines, m
}

func TestMapFollowsValues(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a field":            {"v: {{ .Service.Image }}", "1: .Service.Image@u:4:12"},
		"two in a line":      {"v: {{ .User.Name }}-{{ .Team.Name }}", "1: .User.Name@u:9:12 .Team.Name@u:1:16"},
		"an environment":     {"v: {{ .Env.Name }}\nw: {{ .Env.Namespace }}", "1: .Env.Name@dev.yaml|2: .Env.Namespace@dev.yaml"},
		"a variable":         {"{{ $x := .Vars.n }}v: {{ $x }}", "1: .Vars.n@u:7:15"},
		"an assignment":      {"{{ $x := 1 }}{{ if .Vars.n }}{{ $x = .Vars.text }}{{ end }}v: {{ $x }}", "1: .Vars.text@v:5:7"},
		"a block's own":      {"{{ $x := .Vars.n }}{{ with .Vars.text }}{{ $x := . }}{{ end }}v: {{ $x }}", "1: .Vars.n@u:7:15"},
		"a range":            {"v:\n{{- range $k, $v := .Vars.map }}{{ if ne $k \"deep\" }}\n  {{ $k }}: {{ $v }}\n{{- end }}{{ end }}", "1:|3: the key a of .Vars.map@base.yaml:2:28 .Vars.map.a@base.yaml:2:31|3: the key b of .Vars.map@u:9:68 .Vars.map.b@u:9:71"},
		"a range of objects": {"v:\n{{- range .Vars.objects }}\n- {{ .name }}: {{ .port }}\n{{- end }}", "1:|3: .Vars.objects[0].name@v:4:18 .Vars.objects[0].port@v:4:29|3: .Vars.objects[1].name@v:4:40 .Vars.objects[1].port@v:4:51"},
		"the range's dollar": {"v:\n{{- range .User.Services }}\n- {{ .Name }}-{{ $.User.Name }}\n{{- end }}", "1:|3: .User.Services[0].Name@u:3:11 .User.Name@u:9:12"},
		"a range of a count": {"v:\n{{- range .Vars.n }}\n- {{ $.Vars.text }}\n{{- end }}", "1:|3: .Vars.text@v:5:7|3: .Vars.text@v:5:7"},
		"a range with break": {"v:\n{{- range $i, $x := .Vars.list }}\n- {{ $x }}\n{{- break }}{{ end }}\nw: {{ .Vars.n }}", "1:|3: .Vars.list[0]@base.yaml:2:15|5: .Vars.n@u:7:15"},
		"nested ranges":      {"v:\n{{- range $k, $l := .Vars.map.deep }}{{ if eq $k \"y\" }}{{ range $i, $x := $l }}\n- {{ $x }}\n{{- end }}{{ end }}{{ end }}", "1:|3: .Vars.map.deep.y[0]@v:3:36|3: .Vars.map.deep.y[1]@v:3:39"},
		"an else":            {"{{ with .Vars.unset }}v: {{ . }}{{ else with $y := .Vars.text }}v: {{ $y }}{{ end }}", "1: .Vars.text@v:5:7"},
		"a template":         {"{{ template \"deep\" .Vars.map.deep }}", "-2: .Vars.map.deep.x@v:3:29"},
		"index":              {"v: {{ index .Vars.objects 1 \"name\" }}", "1: .Vars.objects[1].name@v:4:40"},
		"a pipeline":         {"v: {{ .Vars.unset | default .Vars.text | upper }}", "1: .Vars.unset@v:6:8 .Vars.text@v:5:7"},
		"parentheses":        {"v: {{ (index .Vars.objects 0).port }}", "1: .Vars.objects[0].port@v:4:29"},
		"a comparison":       {"v: {{ eq .Vars.n 2 }}", "1: .Vars.n@u:7:15"},
		"secrets":            {"v: {{ .Service.Secrets.URL }}\nw: {{ .Team.Secrets.KEY }}", "1: .Service.Secrets.URL@u:6:20|2: .Team.Secrets.KEY@u:1:36"},
		"a map":              {"v: {{ .Vars.map }}", "1: .Vars.map.a@base.yaml:2:31 .Vars.map.b@u:9:71 .Vars.map.deep.x@v:3:29 .Vars.map.deep.y@v:3:35|1: .Vars.map.a@base.yaml:2:31|1: .Vars.map.b@u:9:71|1: .Vars.map.deep.x@v:3:29 .Vars.map.deep.y@v:3:35|1: .Vars.map.deep.x@v:3:29|1: .Vars.map.deep.y@v:3:35|1: .Vars.map.deep.y[0]@v:3:36|1: .Vars.map.deep.y[1]@v:3:39"},
		"a block of text":    {"v: |\n  a\n  b {{ .Vars.text }}\n  c\nw: 1", "1:|2:|3: .Vars.text@v:5:7|4:|5:"},
		"a range's else":     {"{{ range $i, $x := .Env.Cluster }}{{ else }}v: {{ $.Vars.n }}{{ if $x }}{{ end }}{{ end }}", "1: .Vars.n@u:7:15"},
		"a range's variable": {"{{ $x := 1 }}{{ range $x = .Vars.list }}{{ end }}v: {{ $x }}", "1: .Vars.list[1]@base.yaml:2:18"},
		"a block":            {"v:\n  {{ block \"b\" .Vars.map.deep }}x: {{ .x }}{{ end }}", "1:|2: .Vars.map.deep.x@v:3:29"},
		"a comment":          {"{{/* none */ -}}\nv: {{ .Vars.n }} {{- /* none */}}", "2: .Vars.n@u:7:15"},
		"continue":           {"v:\n{{- range .Vars.list }}{{ if eq . \"x\" }}{{ continue }}{{ end }}\n- {{ . }}{{ end }}", "1:|3: .Vars.list[1]@base.yaml:2:18"},
		"a constant":         {"v: {{ 1 }}", "1:"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, m := sourcesOf(t, c.text)
			if got := strings.Join(lines, "|"); got != c.want {
				t.Errorf("got  %s\nwant %s\nof\n%s", got, c.want, m.Text.Data)
			}
		})
	}
}
