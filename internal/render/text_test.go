package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/problem"
)

// textTemplate prints a value by each function that makes text, embeds it as a file,
// and splices it in as a key, beside a tag that is followed.
const textTemplate = `apiVersion: v1
kind: ConfigMap
metadata:
  name: x
  labels:
    version: {{ .Tag }}
data:
  a: z
  {{ dict (print "k" .Vars.v) .Vars.v }}
  quoted: '{"m": {{ toJson .Vars.v }}}'
  json: |
    {"m": {{ toJson (dict "m" .Vars.v) }}, "l": {{ toJson (list .Vars.v 1.10) }}}
  include: {{ include "same" .Vars.v }}
  tpl: {{ tpl (.Vars.v | replace "{{" "") . }}
  yaml: |
    a:
      {{ toYaml (dict "k" .Vars.v "l" (list .Vars.v)) }}
    z: 1
  file: {{ file "f" }}
  embedded: |
    before
    {{ file "f" }}
    after
  {{ template "block" .Vars.v }}
  end: x
`

// textsOf renders textTemplate for a value, and returns its data.
func textsOf(t *testing.T, value string) (map[string]string, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"users.yaml":                    "services: [{name: api, image: ecr.example/api, tag: abc}]\n",
		"environments/dev.yaml":         "templates: [service]\nvars: {v: " + escaped(value) + "}\n",
		"templates/variables.yaml":      "v: \"\"\n",
		"templates/files/f":             value,
		"templates/service/x.yaml.tmpl": textTemplate,
		"templates/_shared/shared.tmpl": "{{ define \"same\" }}{{ . }}{{ end }}{{ define \"block\" -}}\nb1: {{ . }}\nb2: |\n  x{{ . }}\n{{- end }}",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	inv, err := inventory.Load(fsys, schema.Compile)
	if err != nil {
		t.Skip("the value cannot be written into an inventory", err)
	}
	if got, _ := inv.Vars(inv.Environments[0], nil, nil).Get("v"); got.Text != value {
		t.Skip("the inventory says another value")
	}
	templates, err := ParseTemplates(fsys, inv)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := Render(templates, inv, inv.Environments)
	if err != nil {
		return nil, err
	}
	var got struct {
		APIVersion, Kind string
		Metadata         struct {
			Name   string
			Labels map[string]string
		}
		Data map[string]string
	}
	if err := yaml.UnmarshalStrict(manifests[0].Text.Data, &got); err != nil {
		t.Fatalf("%q gives\n%s\n%v", value, manifests[0].Text.Data, err)
	}
	if got.Metadata.Labels["version"] != "abc" || got.Data["end"] != "x" || got.Data["a"] != "z" {
		t.Fatalf("%q changes what is around it:\n%s", value, manifests[0].Text.Data)
	}
	checkMap(t, &manifests[0])
	return got.Data, nil
}

// escaped is a text as YAML, each character by its number.
func escaped(value string) string {
	var b strings.Builder
	for _, r := range value {
		fmt.Fprintf(&b, "\\U%08x", r)
	}
	return `"` + b.String() + `"`
}

// checkTexts checks what each function makes of a value.
func checkTexts(t *testing.T, value string) {
	t.Helper()
	data, err := textsOf(t, value)
	if err != nil {
		for _, p := range problem.All(err) {
			if p.Place.Line == 0 || p.Code == "" {
				t.Fatalf("%q is refused without a place or a code: %v", value, err)
			}
		}
		if !strings.ContainsAny(value, "\x00\n\r\u0085\u2028\u2029") && utf8.ValidString(value) && len(value) < 900 && !strings.ContainsRune(value, utf8.RuneError) {
			t.Fatalf("%q is refused: %v", value, err)
		}
		return
	}
	var quotedJSON struct{ M string }
	var block struct {
		M map[string]string
		L []any
	}
	var embeddedYAML struct {
		A struct {
			K string
			L []string
		}
		Z int
	}
	for _, check := range []error{
		json.Unmarshal([]byte(data["quoted"]), &quotedJSON), json.Unmarshal([]byte(data["json"]), &block), yaml.UnmarshalStrict([]byte(data["yaml"]), &embeddedYAML),
	} {
		if check != nil {
			t.Fatalf("%q: %v\n%s", value, check, data)
		}
	}
	file := strings.ReplaceAll(value, "\r\n", "\n")
	for what, pair := range map[string][2]string{
		"toJson in quotes": {quotedJSON.M, value}, "toJson of a map": {block.M["m"], value}, "toJson of a list": {fmt.Sprint(block.L[0]), value},
		"toYaml of a map": {embeddedYAML.A.K, value}, "toYaml of a list": {embeddedYAML.A.L[0], value},
		"include": {data["include"], value}, "tpl": {data["tpl"], strings.ReplaceAll(value, "{{", "")}, "a spliced key": {data["k"+value], value},
		"file": {data["file"], file}, "a file in text": {data["embedded"], "before\n" + strings.TrimSuffix(file, "\n") + "\nafter\n"},
		"a block": {data["b1"], value}, "text in a block": {data["b2"], "x" + value + "\n"},
	} {
		if pair[0] != pair[1] {
			t.Fatalf("%s of %q is %q, want %q", what, value, pair[0], pair[1])
		}
	}
}

var hostileTexts = []string{
	"", "x", " x", "x ", "no", "1.10", "010", "a: b", "x # y", "- a", "a\nb", "a\nb\n", "\na", "a\n\n", "  a\n b", "\ta", "'", `"`, `\`, `a\nb`, "{{ .x", "}}", "{{/* x", "a {{ b",
	"<&>", "\u2028", "\u0085", "é🙂", "\x01", "\x7f", "|", ">", "---", "...", "%a", "@", "`", "# tagbump: x", "*a", "&a", "!a", "?", ":", "-", "[", "{", "null", "~", "a\r\nb", "\ue001", "\ue001" + "0;", "\ue000\ue002:", "\ue002",
}

// FuzzText makes text of any value by every function that does.
func FuzzText(f *testing.F) {
	for _, value := range hostileTexts {
		f.Add(value)
	}
	f.Fuzz(checkTexts)
}

// TestTemplateCodeInValuesIsNoticed has values with braces that are printed as they stand.
func TestTemplateCodeInValuesIsNoticed(t *testing.T) {
	for value, want := range map[string]int{"{{ .Env.Name }}": 1, "x {{- $x }}": 1, "{{ if x }}": 1, "{{ dashboard }}": 0, "{": 0} {
		m, err := renderValue(t, configMap+"x\ndata:\n  v: {{ .Vars.v }}\n", value)
		if err != nil || len(m.Notices) != want {
			t.Errorf("%s: got %v %v, want %d", value, m, err, want)
		}
	}
}
