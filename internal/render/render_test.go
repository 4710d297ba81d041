package render

import (
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"
	"time"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

const smallUsers = `
teams: [{name: web}]
services:
  - {name: api, image: ecr.example/api, tag: abc, port: 8080}
  - {name: worker, image: ecr.example/worker, tag: abc}
users:
  - {name: alice, mission_type: web, services: [api, worker]}
  - {name: bob, mission_type: web, services: [api]}
`

// render is what the templates, over a small inventory, make, by path.
func render(t *testing.T, over map[string]string) (map[string]string, error) {
	t.Helper()
	all := map[string]string{
		"users.yaml":                      smallUsers,
		"environments/dev.yaml":           "templates: [environment, team, service, user, user-service]\n",
		"templates/variables.schema.yaml": "properties: {map: {additionalProperties: true}}\n",
		"templates/variables.yaml":        "greeting: hello\nlist: [a, b]\nnumbers: [1e6, 0.5, 12345678901234567890123, true]\nmap: {x: 1}\nunset: null\n",
	}
	maps.Copy(all, over)
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	inv, err := inventory.Load(fsys, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := ParseTemplates(fsys, inv)
	if err != nil {
		return nil, err
	}
	manifests, err := Render(templates, inv, inv.Environments)
	texts := map[string]string{}
	for _, m := range manifests {
		if m.Text != nil {
			texts[m.Path] = string(m.Text.Data)
		}
	}
	return texts, err
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "

// TestSkeletonsAreSharedAndRight renders one template for users who differ in each
// way that a template can make a difference of: a value, its kind, a branch.
func TestSkeletonsAreSharedAndRight(t *testing.T) {
	users, want := "teams: [{name: web}]\nusers:\n", map[string]string{}
	for i := range 40 {
		name, greeting, list := fmt.Sprintf("u%02d", i), fmt.Sprintf("g%d", i), ""
		text, rest := greeting, ""
		switch i % 5 {
		case 1:
			greeting, text = "'no'", `"no"`
		case 2:
			greeting, text = fmt.Sprintf("'%d: # x'", i), fmt.Sprintf(`"%d: # x"`, i)
		case 3:
			list, rest = ", list: []", "  empty: true\n"
		case 4:
			list = fmt.Sprintf(", list: [%d, {k: v}]", i)
		}
		items := map[int]string{3: " []", 4: fmt.Sprintf("\n    - %d\n    - k: v", i)}[i%5]
		if items == "" {
			items = "\n    - a\n    - b"
		}
		users += fmt.Sprintf("  - {name: %s, mission_type: web, vars: {greeting: %s%s}}\n", name, greeting, list)
		want["dev/manifests/users/"+name+"/"+name+"-dev-x.yaml"] = configMap + name + "\ndata:\n  greeting: " + text + "\n" + rest + "  list:" + items + "\n"
	}
	got, err := render(t, map[string]string{
		"users.yaml": users,
		"templates/user/x.yaml.tmpl": configMap + "{{ .User.Name }}\ndata:\n  greeting: {{ .Vars.greeting }}\n" +
			"  {{- if not .Vars.list }}\n  empty: true\n  {{- end }}\n  list: {{ .Vars.list }}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s: got\n%s\nwant\n%s", path, got[path], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d files, want %d", len(got), len(want))
	}
}

func TestRenderIsDeterministic(t *testing.T) {
	templates := map[string]string{
		"templates/user-service/a.yaml.tmpl": configMap + "{{ .User.Name }}-{{ .Service.Name }}\ndata:\n  {{- range $k, $v := .Vars.map }}\n  {{ $k }}: {{ $v }}\n  {{- end }}\n  all: {{ .Vars.map }}\n",
		"templates/service/b.yaml.tmpl":      configMap + "{{ .Service.Name }}\ndata: {{ .Vars.map }}\n",
		"environments/dev.yaml":              "templates: [service, user-service]\nvars: {map: {z: 1, y: 2, x: 3, w: 4, v: {b: 1, a: 2}}}\n",
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	first, err := render(t, templates)
	if err != nil {
		t.Fatal(err)
	}
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for range 5 {
			again, err := render(t, templates)
			if err != nil || !maps.Equal(first, again) {
				t.Fatalf("with %d processors, another result: %v", procs, err)
			}
		}
	}
	// So are the problems, whoever finds them first.
	templates["templates/service/c.yaml.tmpl"] = "a: {{ .Vars.unset }}\n"
	templates["templates/user-service/d.yaml.tmpl"] = "{{ required \"no\" .Vars.unset }}\n"
	_, want := render(t, templates)
	for range 5 {
		if _, err := render(t, templates); err == nil || err.Error() != want.Error() {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
}

// TestOrigin breaks a rendered text in its last line, and looks at which line of
// the template is told.
func TestOrigin(t *testing.T) {
	const bad = "\n - bad: [\n"
	for name, c := range map[string]struct {
		template string
		line     int
	}{
		"plain text":                       {"a: 1" + bad, 2},
		"behind a value":                   {"a: {{ .Vars.greeting }}" + bad, 2},
		"behind an untaken branch":         {"a: 1\n{{ if false }}\nb: 1\nc: 1\n{{ end }}" + bad, 6},
		"behind a trimmed branch":          {"a: 1\n{{- if false }}\nb: 1\n{{- end }}" + bad, 5},
		"in a branch":                      {"a: 1\n{{- if true }}\nb: 1" + bad + "{{- end }}\n", 4},
		"in the other branch":              {"a: 1\n{{- if false }}\nb: 1\n{{- else }}\n\nc: 1" + bad + "{{- end }}\n", 7},
		"in a range":                       {"a:\n{{- range .Vars.list }}\n  - {{ . }}\n{{- end }}" + bad, 5},
		"behind empty lines":               {"\n\n{{ if true }}\n\na: 1" + bad + "{{ end }}", 6},
		"behind a comment of the template": {"a: 1\n{{/* one\ntwo */}}" + bad, 4},
		"behind a comment":                 {"# one\n# {{ if true }}two{{ end }}\na: 1" + bad, 4},
		"behind a value of many lines":     {"a: {{ .Vars.map }}\nb: {{ .Vars.list }}" + bad, 3},
		"behind a variable":                {"{{ $x := 1 }}\na: {{ $x }}" + bad, 3},
		"in a range's last round":          {"a: 1\n{{ range $i, $x := .Vars.list }}\nb{{ $i }}: 1\n{{ if $i }} - bad: [\n{{ end }}{{ end }}", 4},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, map[string]string{"templates/environment/x.yaml.tmpl": c.template})
			all := problem.All(err)
			want := problem.Place{File: "templates/environment/x.yaml.tmpl", Line: c.line}
			if len(all) != 1 || all[0].Place != want || !strings.Contains(all[0].Source, "bad") {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	// A line that another file's define made is told in that file.
	_, err := render(t, map[string]string{
		"templates/_shared/d.tmpl":        "{{ define \"d\" }}\nb: 1" + bad + "{{ end }}\n",
		"templates/service/x.yaml.tmpl":   "a: 1\n{{- template \"d\" . }}\n",
		"templates/user/ignored.yml.tmpl": "",
	})
	if err == nil || !strings.Contains(err.Error(), "ignored.yml.tmpl") {
		t.Errorf("got %v", err)
	}
	_, err = render(t, map[string]string{
		"templates/_shared/d.tmpl":      "{{ define \"d\" }}\nb: 1" + bad + "{{ end }}\n",
		"templates/service/x.yaml.tmpl": "a: 1\n{{- template \"d\" . }}\n",
	})
	if err == nil || !strings.HasPrefix(err.Error(), "templates/_shared/d.tmpl:3: ") {
		t.Errorf("got %v", err)
	}
}

func TestFindingsAreGrouped(t *testing.T) {
	users := "teams: [{name: web}]\nusers:\n"
	for i := range 300 {
		users += fmt.Sprintf("  - {name: u%03d, mission_type: web, vars: {greeting: 'no image %d'}}\n", i, i)
	}
	_, err := render(t, map[string]string{
		"users.yaml":                 users,
		"templates/user/a.yaml.tmpl": configMap + "{{ .User.Name }}\ndata: {x: {{ .Vars.unset }}}\n",
		"templates/user/b.yaml.tmpl": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .User.Name }}}\nspec: {containers: [{image: {{ .Vars.greeting }}}]}\n",
		"templates/user/c.yaml.tmpl": "a: 1\n {{ .User.Name }}: [\n",
	})
	var got []string
	for _, p := range problem.All(err) {
		got = append(got, p.Error())
	}
	for i, want := range []string{
		"templates/user/a.yaml.tmpl:5:14: .Vars.unset is not set (for dev, u000 and 299 more)",
		"templates/user/b.yaml.tmpl:4:32: \"no image 0\" is no image reference",
		"templates/user/c.yaml.tmpl:2: this is not YAML: ",
	} {
		if len(got) != 3 || !strings.HasPrefix(got[i], want) || !strings.HasSuffix(got[i], "(for dev, u000 and 299 more)") {
			t.Fatalf("got %q, want %s", got, want)
		}
	}
}

func TestValuesThatTemplatesAskFor(t *testing.T) {
	for template, want := range map[string]string{
		`{{ .Vars.unset | default "x" }}`:                     "x",
		`{{ "" | default "x" }}`:                              "x",
		`{{ 0 | default 7 }}`:                                 "0",
		`{{ false | default true }}`:                          "false",
		`{{ with .Vars.unset }}a{{ else }}b{{ end }}`:         "b",
		`{{ if .Env.Domain }}a{{ else }}b{{ end }}`:           "b",
		`{{ join "," .Vars.list }}`:                           "a,b",
		`{{ len .Vars.list }}`:                                "2",
		`{{ index .Vars.list 1 }}`:                            "b",
		`{{ index .Vars.map "x" }}`:                           "1",
		`{{ with index .Vars.map "y" }}a{{ else }}b{{ end }}`: "b",
		`{{ printf "%s-%d" .Vars.greeting .Vars.map.x }}`:     "hello-1",
		`{{ .Vars.greeting | upper | trimPrefix "HE" }}`:      "LLO",
		`{{ replace "l" "L" .Vars.greeting }}`:                "heLLo",
		`{{ if eq .Vars.greeting "hello" "bye" }}a{{ end }}`:  "a",
		`{{ join "," .Vars.numbers }}`:                        "1e6,0.5,12345678901234567890123,true",
		`{{ sha256 "abc" }}`:                                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		`{{ range .Users }}{{ .Name }}.{{ end }}`:             "alice.bob.",
		`{{ tpl "a{{ if . }}b{{ end }}" .Vars.unset }}`:       "a",
		`{{ trunc -9223372036854775808 "abc" }}`:              "abc",
		`{{ trunc -2 "abc" }}`:                                "bc",
		`{{ mul -1 -9223372036854775808 }}`:                   "9223372036854776000.0",
		`{{ div -9223372036854775808 -1 }}`:                   "9223372036854776000.0",
		`{{ regexReplaceAll "b+" "abbc" "[$0$0]" }}`:          "a[bbbb]c",
		`{{ printf "a%[2]*[3]d|%[1]s" "x" 3 7 }}`:             `"a  7|x"`,
		`{{ printf "%.2s" "日本語" }}`:                           "日本",
	} {
		got, err := render(t, map[string]string{"templates/environment/x.yaml.tmpl": configMap + "x\ndata:\n  v: " + template + "\n"})
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		_, text, _ := strings.Cut(got["dev/manifests/dev-x.yaml"], "v: ")
		if text = strings.TrimSpace(text); text != want {
			t.Errorf("%s: got %s, want %s", template, text, want)
		}
	}
	for template, want := range map[string]string{
		`{{ .Vars.unset }}`:                   ".Vars.unset is not set",
		`{{ index .Vars.map "y" }}`:           "is not set",
		`{{ .Vars.map.y }}`:                   `there is no key "y" here`,
		`{{ upper .Vars.unset }}`:             "the value is not set",
		`{{ printf "%s" .Vars.unset }}`:       "the value is not set",
		`{{ printf "%v" .Services }}`:         "a list",
		`{{ print .Services }}`:               "a list is not text",
		`{{ printf "%v" .Env }}`:              "a whole environment is not text",
		`{{ upper .Vars.list }}`:              "a list is not text",
		`{{ join "," .Vars.greeting }}`:       "join takes a list, not a string",
		`{{ required "say it" .Env.Domain }}`: "say it",
		`{{ int 1e300 }}`:                     "1e300 is too large for a whole number",
		`{{ int "NaN" }}`:                     `"NaN" is not a number`,
		`{{ float64 "inf" }}`:                 `"inf" is not a number`,
		`{{ .Users }}`:                        "is a list, which cannot be printed",
		`{{ .Env }}`:                          "is a whole environment, which cannot be printed",
	} {
		_, err := render(t, map[string]string{"templates/environment/x.yaml.tmpl": configMap + "x\ndata:\n  v: " + template + "\n"})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "templates/environment/x.yaml.tmpl:6:") {
			t.Errorf("%s: got %v, want %s", template, err, want)
		}
	}
}

// TestARangeWithoutEndIsToldOf prints until nothing more is taken.
func TestARangeWithoutEndIsToldOf(t *testing.T) {
	_, err := render(t, map[string]string{"templates/environment/x.yaml.tmpl": "a: {{ range 100000000000 }}" + strings.Repeat("x", 1000) + "{{ end }}\n"})
	if err == nil || !strings.HasPrefix(err.Error(), "templates/environment/x.yaml.tmpl:1:13: the template prints more than 16 MB") {
		t.Errorf("got %v", err)
	}
}

// TestATemplateOfManyLines takes a moment: places were once counted from the
// template's first line, for each action.
func TestATemplateOfManyLines(t *testing.T) {
	s := &source{file: "x", text: strings.Repeat("é {{ 1 }}\n", 200_000)}
	s.hooked = s.text
	start := time.Now()
	for at := 3; at < len(s.text); at += len("é {{ 1 }}\n") {
		if p := s.place(parse.Pos(at)); p.Line != 1+at/len("é {{ 1 }}\n") || p.Col != 3 {
			t.Fatalf("%d: got %v", at, p)
		}
	}
	if took := time.Since(start); took > 5*time.Second && !testmain.Race {
		t.Errorf("it took %v", took)
	}
}

// TestManyDuplicateObjects has more duplicates than have their line looked up: all are counted.
func TestManyDuplicateObjects(t *testing.T) {
	const n = 500
	var users strings.Builder
	users.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&users, "  - {name: s%d, image: ecr.example/s}\n", i)
	}
	files := map[string]string{
		"users.yaml":                    users.String(),
		"environments/dev.yaml":         "templates: [service]\n",
		"templates/service/a.yaml.tmpl": configMap + "{{ .Service.Name }}\n",
		"templates/service/b.yaml.tmpl": configMap + "{{ .Service.Name }}\n",
	}
	_, err := render(t, files)
	want := fmt.Sprintf("templates/service/b.yaml.tmpl:4: this ConfigMap is made by templates/service/a.yaml.tmpl too (for ConfigMap dev/s0, in dev/manifests/s0/s0-dev-a.yaml and dev/manifests/s0/s0-dev-b.yaml and %d more)", n-1)
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
