package render

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

const sharedParts = `{{ define "labels" -}}
app: {{ .Name }}
  # a comment
tier: web
{{- end }}
{{ define "indented" }}

    - name: a
      value: |
        text

        more
    - name: {{ . }}

{{ end }}
{{ define "nested" -}}
outer:
  {{ template "indented" . }}
{{- end }}
{{ define "nothing" }}{{ if false }}x: y{{ end }}
{{ end }}
{{ define "first" -}}
    one: 1
    two: 2
{{- end }}
{{ define "inline" }}{{ if true -}}
{{ . }}
{{- else -}}
none
{{- end }}{{ end }}`

// TestBlocks has what a template makes of its lines behind "data:".
func TestBlocks(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"alone":                       {"  {{ template \"labels\" .Service }}\n  z: 1", "  app: api\n    # a comment\n  tier: web\n  z: 1"},
		"trims make no difference":    {"  {{- template \"labels\" .Service -}}\n  z: 1", "  app: api\n    # a comment\n  tier: web\n  z: 1"},
		"include alone":               {"  {{ include \"labels\" .Service }}", "  app: api\n    # a comment\n  tier: web"},
		"a name that is not constant": {"  {{ include (print \"lab\" \"els\") .Service }}", "  app: api\n    # a comment\n  tier: web"},
		"common indentation":          {"    {{ template \"indented\" \"b\" }}", "    - name: a\n      value: |\n        text\n\n        more\n    - name: b"},
		"nested":                      {"      {{ template \"nested\" \"b\" }}", "      outer:\n        - name: a\n          value: |\n            text\n\n            more\n        - name: b"},
		"nothing":                     {"  a: 1\n  {{ template \"nothing\" }}\n  b: 2", "  a: 1\n  b: 2"},
		"nothing in text":             {"  a: |\n    one\n    {{ template \"nothing\" }}\n    {{- if true }}\n    two\n    {{- end }}", "  a: |\n    one\n    two"},
		"nothing twice":               {"  a: 1\n  {{ template \"nothing\" }}\n  {{ template \"nothing\" }}\n  b: 2", "  a: 1\n  b: 2"},
		"a trim in the define":        {"  {{ template \"first\" }}", "  one: 1\n  two: 2"},
		"behind an if on its line":    {"  {{ if true }}{{ template \"first\" }}{{ end }}\n  z: 1", "  one: 1\n  two: 2\n  z: 1"},
		"behind a trim of an if":      {"  z: 1\n  {{- if true -}}\n  {{ template \"first\" }}\n  {{- end }}", "  z: 1\n  one: 1\n  two: 2"},
		"in a line":                   {"  a: {{ template \"inline\" .Vars.greeting }}", "  a: hello"},
		"in a range":                  {"  {{- range list 1 2 }}\n  {{ template \"inline\" (print \"k\" .) }}: {{ . }}\n  {{- end }}", "  k1: 1\n  k2: 2"},
		"a map among keys":            {"  a: 1\n  {{ .Vars.map }}\n  b: 2", "  a: 1\n  x: 1\n  b: 2"},
		"a map before keys":           {"  {{ .Vars.map }}\n  b: 2", "  x: 1\n  b: 2"},
		"an empty map":                {"  a: 1\n  {{ dict }}\n  b: 2", "  a: 1\n  b: 2"},
		"an empty map alone":          {"  {{ dict }}", "  {}"},
		"two maps":                    {"  {{ .Vars.map }}\n  {{ dict \"y\" (list 1 2) }}", "  x: 1\n  \"y\":\n    - 1\n    - 2"},
		"a map behind a trim":         {"  {{- with .Vars.map }}\n  {{- . }}\n  {{- end }}", "  x: 1"},
		"a list among items":          {"  a:\n    - 1\n    {{ .Vars.list }}\n    - z", "  a:\n    - 1\n    - a\n    - b\n    - z"},
		"an empty list":               {"  a:\n    {{ list }}\n    - z", "  a:\n    - z"},
		"a list of maps":              {"  a:\n  - k: v\n  {{ list (dict \"p\" 1 \"q\" 2) }}", "  a:\n  - k: v\n  - p: 1\n    q: 2"},
		"a map in braces":             {"  a: {\n    {{ .Vars.map }}\n  }", "  a: {\n    x: 1\n  }"},
		"a map in brackets":           {"  a: [\n    {{ .Vars.map }}\n  ]", "  a: [\n    {x: 1}\n  ]"},
		"YAML in text":                {"  a: |\n    k:\n      {{ toYaml .Vars.map }}\n      {{ toYaml .Vars.list }}", "  a: |\n    k:\n      x: 1\n      - a\n      - b"},
		"lines in text":               {"  a: |\n    k:\n      {{ print \"b\\n\\nc\" }}\n    z: {{ print \"d\\ne\" }}", "  a: |\n    k:\n      b\n\n      c\n    z: d\n    e"},
		"a file in text":              {"  a: |\n    k:\n      {{ file \"lines\" }}\n    z: 1", "  a: |\n    k:\n      one\n\n      two\n    z: 1"},
		"blanks before text":          {"  a: |\n    {{ print \"  b\\nc\" }}\n  z: 1", "  a: |2\n      b\n    c\n  z: 1"},
		"many line breaks":            {"  a: |\n    {{ print \"b\\n\\n\" }}\n  z: 1", "  a: |+\n    b\n\n\n  z: 1"},
		"text that keeps its breaks":  {"  a: |+\n    x {{ print 1 }}\n    y\n\n\n  z: 1", "  a: |+\n    x 1\n    y\n\n\n  z: 1"},
		"breaks that are not its own": {"  a: |+\n    {{ print \"b\\n\" }}\n\n  z: 1", "  a: \"b\\n\\n\\n\"\n\n  z: 1"},
		"many breaks and blank lines": {"  a: |\n    {{ print \"b\\n\\n\" }}\n\n  z: 1", "  a: \"b\\n\\n\\n\"\n\n  z: 1"},
		"folded text":                 {"  a: >-\n    {{ print \"b\\nc\" }}", "  a: |-\n    b\n    c"},
		"trims that are free":         {"  a: [1,\n    {{- \" 2\" -}}\n    ]\n  b: 'x\n    {{- if true }} y{{ end -}}\n    z'\n  c: {{ if true -}}\n    d\n    {{- end }}", "  a: [1,\" 2\"]\n  b: 'x yz'\n  c: d"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := render(t, map[string]string{"templates/_shared/s.tmpl": sharedParts, "templates/files/lines": "one\n\ntwo\n",
				"templates/service/x.yaml.tmpl": "{{ if eq .Service.Name \"api\" }}" + configMap + "n\ndata:\n" + c.text + "\n{{ end }}"})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := got["dev/manifests/api/api-dev-x.yaml"], configMap+"n\ndata:\n"+c.want+"\n"; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestJoinedLinesAreRefused has trims that change the structure.
func TestJoinedLinesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a key":                {"  a:\n  {{- if true -}}\n    b: c\n  {{- end }}", `x.yaml.tmpl:7:3: this -}} joins two lines into one: "a:" and "b: c"`},
		"an item":              {"  a:\n    - b\n    {{- if true -}}\n    - c\n    {{- end }}", `"- b" and "- c"`},
		"a comment":            {"  a: b # c\n  {{- if true -}}\n  d: e\n  {{- end }}", `"a: b # c" and "d: e"`},
		"into a comment":       {"  # c\n  {{- if true -}}\n  d: e\n  {{- end }}", `"# c" and "d: e"`},
		"a comment behind":     {"  a: b\n  {{- if true -}}\n  # c\n  {{- end }}", `"a: b" and "# c"`},
		"out of a text":        {"  a: |\n    b\n  {{- if true -}}\n  d: e\n  {{- end }}", `"b" and "d: e"`},
		"behind a quote":       {"  a: 'b'\n  {{- if true -}}\n  d: e\n  {{- end }}", `"a: 'b'" and "d: e"`},
		"a value behind a key": {"  a:\n  {{- .Vars.greeting }}", `"a:" and "{{ … }}"`},
		"a key of a value":     {"  a: b\n  {{- if true -}}\n  {{ .Vars.greeting }}: e\n  {{- end }}", `"a: b" and "{{ … }}: e"`},
		"behind a block":       {"  {{ template \"first\" }}\n  {{- if true -}}\n  d: e\n  {{- end }}", `"two: 2" and "d: e"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, map[string]string{"templates/_shared/s.tmpl": sharedParts, "templates/service/x.yaml.tmpl": configMap + "n\ndata:\n" + c.text + "\n"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestASharedTextBehindAKey: the call is what is to be moved, not the trim of the define.
func TestASharedTextBehindAKey(t *testing.T) {
	for _, text := range []string{"  a:\n    - {{ template \"labels\" .Service }}", "  a: {{ template \"labels\" .Service }}"} {
		_, err := render(t, map[string]string{"templates/_shared/s.tmpl": sharedParts, "templates/service/x.yaml.tmpl": configMap + "n\ndata:\n" + text + "\n"})
		if p := problem.All(err); len(p) == 0 || p[0].Code != problem.JoinedLines || !strings.Contains(p[0].Hint, "put the call on a line of its own") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// most calls a template that takes 9 of the 10 million steps at once: a text of a million
// characters that a function reads is 125,000.
const most = `{{ template "most" }}`

// TestLimits has templates that would not come to an end.
func TestLimits(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"a range":               {most + "{{ range 1000000000 }}{{ end }}", "x.yaml.tmpl:6:36: the template runs for more than 10 million steps"},
		"templates that call":   {most + "{{ template \"double\" 40 }}", "s.tmpl:1:22: the template runs for more"},
		"a recursion":           {"{{ template \"loop\" }}", "s.tmpl:2:20: templates call each other more than 1000 levels deep"},
		"an include":            {"{{ include \"again\" . }}", "s.tmpl:3:21: templates call each other more than 1000 levels deep"},
		"a value":               {"{{ tpl .Vars.self . }}", "x.yaml.tmpl:6:9: templates call each other more than 1000 levels deep"},
		"a width":               {"{{ printf \"%10000000d\" 1 }}", "x.yaml.tmpl:6:9: a string of more than 1 MB"},
		"a width of its own":    {"{{ printf \"%*d\" 10000000 1 }}", "x.yaml.tmpl:6:9: a string of more than 1 MB"},
		"strings that double":   {"{{ $s := \"0123456789\" }}{{ range 100 }}\n{{ $s = print $s $s }}{{ end }}", "x.yaml.tmpl:7:9: a string of more than 1 MB"},
		"replace":               {"{{ replace \"\" (repeat 1000000 \"x\") (repeat 1000 \"y\") }}", "a string of more than 1 MB"},
		"maps of maps":          {most + "{{ $d := dict }}{{ range 60 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ toJson $d }}", "x.yaml.tmpl:6:98: the template runs for more than 10 million steps"},
		"lists":                 {most + "{{ $l := list 1 }}{{ range 60 }}{{ $l = concat $l $l }}{{ end }}{{ len $l }}", "x.yaml.tmpl:6:67: the template runs for more than 10 million steps"},
		"values that are long":  {"{{ $s := repeat 1000000 \"x\" }}{{ range 100 }}{{ $s }}{{ end }}", "x.yaml.tmpl:6:54: the template prints more than 16 MB"},
		"a long list":           {"{{ $l := list (repeat 1000000 \"x\") }}{{ range 5 }}{{ $l = concat $l $l }}{{ end }}{{ $l }}", "the template prints more than 16 MB"},
		"maps in maps":          {"{{ $d := dict }}{{ range 2000 }}{{ $d = dict \"a\" $d }}{{ end }}{{ $d }}", "a value of more than 1000 levels"},
		"lists in lists":        {"{{ $d := list }}{{ range 2000 }}{{ $d = list $d }}{{ end }}{{ sha256sum $d }}", "a value of more than 1000 levels"},
		"a sum of maps":         {most + "{{ $d := dict }}{{ range 60 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ sha256sum $d }}", "x.yaml.tmpl:6:98: the template runs for more than 10 million steps"},
		"a long pattern":        {"{{ regexMatch (repeat 1000 \"(a?){1,100}\") \"b\" }}", "a pattern of more than 1000 characters"},
		"a large pattern":       {"{{ regexMatch \"((a{1,30}){1,30}b)*c\" (repeat 1000000 \"a\") }}", "the template runs for more than 10 million steps"},
		"a pattern in a range":  {most + "{{ $s := repeat 100000 \"a\" }}{{ range 1000 }}{{ regexReplaceAll \"(a*)*b\" $s \"\" | len }}{{ end }}", "x.yaml.tmpl:6:75: the template runs for more than 10 million steps"},
		"a long sort":           {most + "{{ $l := until 10000 }}{{ range 1000000 }}{{ $s := sortAlpha $l }}{{ end }}", "x.yaml.tmpl:6:78: the template runs for more than 10 million steps"},
		"a long join":           {most + "{{ $l := splitList \",\" (repeat 10000 \",\") }}{{ range 1000000 }}{{ $s := join \"\" $l }}{{ end }}", "x.yaml.tmpl:6:99: the template runs for more than 10 million steps"},
		"until, beyond 64 bits": {"{{ until 2305843009213693952 | len }}", "the template runs for more than 10 million steps"},
		"until":                 {"{{ until 1000000000 | len }}", "the template runs for more than 10 million steps"},
	}
	for i, name := range slices.Sorted(maps.Keys(cases)) {
		if !testmain.Tried(i) {
			continue
		}
		c := cases[name]
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := render(t, map[string]string{
				"templates/variables.yaml": "self: '{{ tpl .Vars.self . }}'\ngreeting: x\n",
				"templates/_shared/s.tmpl": "{{ define \"double\" }}{{ if . }}{{ template \"double\" sub . 1 }}{{ template \"double\" sub . 1 }}{{ end }}{{ end }}\n" +
					"{{ define \"loop\" }}{{ template \"loop\" }}{{ end }}\n{{ define \"again\" }}{{ include \"again\" . }}{{ end }}\n" +
					"{{ define \"most\" }}{{ $s := repeat 1000000 \"x\" }}{{ range 71 }}{{ if hasPrefix \"y\" $s }}{{ end }}{{ end }}{{ end }}",
				"templates/environment/x.yaml.tmpl": configMap + "n\ndata:\n  a: " + c.text + "\n"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if took := time.Since(start); took > 5*time.Second && !testmain.Race {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestLongStringsAreNotMade: a string of more than the limit is an error before it is made.
func TestLongStringsAreNotMade(t *testing.T) {
	for name, text := range map[string]string{
		"a match, many times":       `{{ regexReplaceAll ".+" (repeat 400000 "x") (repeat 1000 "$0") }}`,
		"a submatch by name":        `{{ regexReplaceAll "(?P<all>.+)" (repeat 400000 "x") (repeat 1000 "${all}") }}`,
		"an argument, many times":   `{{ printf (repeat 1000 "%[1]s") (repeat 400000 "x") }}`,
		"a width, many times":       `{{ printf (print "%*[2]d" (repeat 1000 "%[1]*[2]d")) 400000 1 }}`,
		"a precision, many times":   `{{ printf (print "%.*[2]f" (repeat 1000 "%.[1]*[2]f")) 400000 1 }}`,
		"a width that is negative":  `{{ printf (print "%*d" (repeat 1000 "%[3]s")) -9223372036854775808 1 (repeat 400000 "x") }}`,
		"an argument, as character": `{{ printf (repeat 1000 "%[1]q") (repeat 400000 "x") }}`,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := render(t, map[string]string{"templates/environment/x.yaml.tmpl": configMap + "n\ndata:\n  a: " + text + "\n"})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "x.yaml.tmpl:6:9: a string of more than 1 MB") {
				t.Errorf("got %v", err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("it takes %d MB", took>>20)
			}
		})
	}
}

// TestPathLine has first lines and where they put a file.
func TestPathLine(t *testing.T) {
	for line, want := range map[string]string{
		"{{/* path: {service}/{service}-{name}.yaml */}}":   "dev/manifests/api/api-x.yaml",
		"{{- /* path: all/{env}-{service}.yml */ -}}":       "dev/manifests/all/dev-api.yml",
		"{{/* path: {service}/{svc}.yaml */}}":              "x.yaml.tmpl:1: the scope service has no {svc}",
		"{{/* path: {service}/{user}.yaml */}}":             "x.yaml.tmpl:1: the scope service has no {user}",
		"{{/* path: ../{service}.yaml */}}":                 `x.yaml.tmpl:1: invalid path "../{service}.yaml"`,
		"{{/* path: /{service}.yaml */}}":                   `x.yaml.tmpl:1: invalid path`,
		"{{/* path: {service}.json */}}":                    "is not that of a YAML file",
		"{{/* path: one.yaml */}}":                          "dev/manifests/one.yaml is made by dev, api too",
		"{{/* path: {service}.yaml */}} # more on the line": "x.yaml.tmpl:1: this path line cannot be read",
	} {
		got, err := render(t, map[string]string{"templates/service/x.yaml.tmpl": line + "\n" + configMap + "{{ .Service.Name }}\n"})
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", line, err, want)
			}
			continue
		}
		if got[want] == "" {
			t.Errorf("%s: got %v, want %s", line, got, want)
		}
	}
}

// TestFileAsFolder has two templates of which one makes a file where the other needs a folder.
func TestFileAsFolder(t *testing.T) {
	to := func(path, name string) string {
		return "{{/* path: " + path + " */}}\n" + configMap + "{{ .Service.Name }}-" + name + "\n"
	}
	_, err := render(t, map[string]string{
		"templates/service/file.yaml.tmpl":   to("all/{service}.yaml", "file"),
		"templates/service/other.yaml.tmpl":  to("all/{service}.yaml-old/a.yaml", "other"), // between the two, in order
		"templates/service/folder.yaml.tmpl": to("all/{service}.yaml/more/b.yml", "folder"),
	})
	const want = "templates/service/folder.yaml.tmpl: a folder of this template is a file of templates/service/file.yaml.tmpl (for dev/manifests/all/api.yaml and dev/manifests/all/api.yaml/more/b.yml"
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line %s", err, want)
	}
}
