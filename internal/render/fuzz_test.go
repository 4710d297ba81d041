package render

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
	"k8srepo/internal/trace"
)

// renderValue renders a template text for one service, in an environment whose
// variable v is value; nil where that makes no manifest.
func renderValue(t *testing.T, text, value string) (*Manifest, error) {
	t.Helper()
	return renderValues(t, text, value, value, value)
}

// renderValues is renderValue with values of their own for the variable j, which is
// printed as JSON, and for the file f.
func renderValues(t *testing.T, text, value, asJSON, file string) (*Manifest, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"users.yaml":                    "services: [{name: api, image: ecr.example/api, tag: abc}]\n",
		"environments/dev.yaml":         "templates: [service]\nvars: {v: " + escaped(value) + ", j: " + escaped(asJSON) + "}\n",
		"templates/variables.yaml":      "v: \"\"\nj: \"\"\nmap: {a: {b: c}, no: [1, y]}\n",
		"templates/files/f":             file,
		"templates/service/x.yaml.tmpl": text,
		"templates/_shared/shared.tmpl": "{{ define \"same\" }}{{ . }}{{ end }}{{ define \"lines\" -}}\nl1: {{ . }}\nl2: |\n  x {{ . }}\n{{- end }}",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	inv, err := inventory.Load(fsys, schema.Compile)
	if err != nil {
		t.Skip("the value cannot be written into an inventory", err)
	}
	if got, _ := inv.Vars(inv.Environments[0], nil, nil).Get("v"); got.Text != value || got.Kind != manifest.String {
		t.Skip("the inventory says another value")
	}
	templates, err := ParseTemplates(fsys, inv)
	if err != nil {
		return nil, err
	}
	manifests, err := Render(templates, inv, inv.Environments)
	if err != nil || len(manifests) == 0 {
		return nil, err
	}
	return &manifests[0], nil
}

// checkMap checks what a source map promises: no gaps, and places that are there.
func checkMap(t *testing.T, m *Manifest) *trace.Map {
	t.Helper()
	sources, err := m.Map()
	if err != nil {
		t.Fatalf("%s: %v", m.Path, err)
	}
	if string(sources.Text.Data) != string(m.Text.Data) {
		t.Fatalf("%s: traced, the template makes\n%s\nand else\n%s", m.Path, sources.Text.Data, m.Text.Data)
	}
	end := 0
	for _, p := range sources.Pieces {
		if p.Bytes.Start != end || p.Bytes.End < end || p.Place.Line < 1 || p.Place.File == "" {
			t.Fatalf("%s: a piece at %v follows what ends at %d, and comes from %s\n%s", m.Path, p.Bytes, end, p.Place, m.Text.Data)
		}
		end = p.Bytes.End
		for _, v := range p.Values {
			if v.Place.File == "" || v.Name == "" {
				t.Fatalf("%s: a value without a place: %+v", m.Path, v)
			}
		}
	}
	if end != len(m.Text.Data) {
		t.Fatalf("%s: the map ends at byte %d of %d", m.Path, end, len(m.Text.Data))
	}
	return sources
}

// What stands for the value in the first of two renderings: printed as it is, as JSON, and
// as the text of a file.
const (
	harmless     = "harmless"
	harmlessJSON = "jsonless"
	harmlessFile = "fileless"
)

// withValue returns an object with a value in the places of the harmless ones.
func withValue(v any, replace *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return replace.Replace(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = withValue(item, replace)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[replace.Replace(key)] = withValue(item, replace)
		}
		return m
	}
	return v
}

// expected returns what an object with harmless values is with another value: with the
// last line break of the file, and without it, for it may close a block of text.
func expected(t *testing.T, v any, value string) (with, without any) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	of := func(file string) any {
		return withValue(v, strings.NewReplacer(`"`+harmlessJSON+`"`, strings.TrimSuffix(encoded.String(), "\n"), harmlessJSON, value, harmlessFile, file, harmless, value))
	}
	file := strings.ReplaceAll(value, "\r\n", "\n")
	return of(file), of(strings.TrimSuffix(file, "\n"))
}

// isOneOf reports whether each string of an object is that of one of two others.
func isOneOf(got, a, b any) bool {
	switch a := a.(type) {
	case []any:
		list, ok := got.([]any)
		other, _ := b.([]any)
		if !ok || len(list) != len(a) || len(other) != len(a) {
			return false
		}
		for i := range a {
			if !isOneOf(list[i], a[i], other[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := got.(map[string]any)
		other, _ := b.(map[string]any)
		if !ok || len(m) != len(a) {
			return false
		}
		for key, v := range a {
			w, known := other[key]
			if !known {
				w = v
			}
			item, there := m[key]
			if !there || !isOneOf(item, v, w) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(got, a) || reflect.DeepEqual(got, b)
}

// texts are templates with «» in the places of a value, each in a few of the ways
// that a value can get there.
var texts = []string{
	"data: {v: «»}", "data:\n  v: a«»b\n  \"«»\": x", "data:\n{{- range $k, $x := .Vars.map }}\n  k-{{ $k }}: {{ $x }} # c\n{{- end }}\n  v: '«»'",
	"data: |\n  a «»\n    b: «»\nend: «»", "list:\n  - «»\n  - [«», {«»: «»}]\n", "all: {{ .Vars }}\n", "{{ with .Vars.v }}v: {{ . }}{{ end }}\nw: «»\n",
	"{{ $x := .Vars.v }}v: {{ template \"same\" $x }}\nw: &a «»\nx: *a\n", "v: >-\n  «»\n  «»\nw: {{ printf \"%s-%s\" .Vars.v .Service.Name }}\n", "? «»\n: «»\n",
	"v: «include»\nw: [a«include», '«include»']\nx: |\n  b\n  «include»\n", "m:\n  {{ include \"lines\" .Vars.v }}\n  z: {{ include \"lines\" .Vars.v }}\nl:\n  - a: b\n    {{- template \"lines\" .Vars.v }}\n",
	"v: «tpl»\nw: |\n  a «tpl»\nx: [\"«tpl»\", {a: «tpl»}]\n", "v: «json»\nw: '{\"a\": «json»}'\nx: |\n  {\"a\": «json», \"b\": [«json»]}\ny: {a: «json»}\n",
	"v: «file»\nw: |\n  a\n  «file»\n  b\nx: [«file», \"«file»\"]\n", "labels:\n  version: «version»\n  v: «»\nl:\n  - \"«version»\"\nw: «reference»\n",
	"v: «version»\nw: |\n  «»\nx: «include»\n",
}

// actionsOfTexts are what the names in « » stand for.
var actionsOfTexts = strings.NewReplacer("«»", "{{ .Vars.v }}", "«include»", `{{ include "same" .Vars.v }}`, "«tpl»", "{{ tpl .Vars.v . }}", "«json»", "{{ toJson .Vars.j }}",
	"«file»", `{{ file "f" }}`, "«version»", "{{ .Tag }}", "«reference»", "{{ .Service.Image }}:{{ .Tag }}")

// plainAction is an action that makes the same structure of any value.
var plainAction = regexp.MustCompile(`\{\{-? *(\.|\.Vars(\.v|\.map)?|\$\w*|end|with \.Vars\.v|range [$\w:=, ]*\.Vars\.map|\$x := \.Vars\.v|(template|include) "(same|lines)" (\.Vars\.v|\$\w+)|printf "%s-%s" \.Vars\.v \.Service\.Name|tpl \.Vars\.v \.|toJson \.Vars\.j|file "f"|\.Tag|\.Service\.Image) *-?\}\}`)

// checkValue renders a text with harmless values and with another one, which may be
// refused, at a place; it may not change anything but the strings that it stands in. It
// reports whether there was something to compare.
func checkValue(t *testing.T, text, value string) bool {
	t.Helper()
	text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n" + actionsOfTexts.Replace(text)
	m, err := renderValues(t, text, harmless, harmlessJSON, harmlessFile)
	if err != nil || m == nil {
		return false
	}
	var before, got any
	if err := yaml.UnmarshalStrict(m.Text.Data, &before); err != nil {
		return false // kubectl does not read what the template's author wrote
	}
	m, err = renderValue(t, text, value)
	if err != nil {
		for _, p := range problem.All(err) {
			if p.Place.Line == 0 || p.Code == "" {
				t.Fatalf("%q in %q is refused without a place or a code: %v", value, text, err)
			}
		}
		return false
	}
	if value == "" { // an if or a with may ask for it
		return false
	}
	if err := yaml.UnmarshalStrict(m.Text.Data, &got); err != nil {
		t.Fatalf("%q in %q gives\n%s\n%v", value, text, m.Text.Data, err)
	}
	if want, without := expected(t, before, value); !isOneOf(got, want, without) {
		t.Fatalf("%q in %q gives\n%#v, want\n%#v", value, text, got, want)
	}
	checkMap(t, m)
	return true
}

// FuzzRender puts a value into the places of a template.
func FuzzRender(f *testing.F) {
	for i, text := range texts {
		for _, value := range []string{"no", "a: b", "a\nb\n", "# x", "{{ .x }}", "--- ", "*a", "0o17", "\u0085", " x ", "'\""} {
			if (i+len(value))%3 == 0 {
				f.Add(text, value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.Contains(text, "less") || strings.Contains(text, "---") || strings.Contains(text, "tag") || len(text) > 1000 {
			t.Skip()
		}
		if strings.Contains(plainAction.ReplaceAllString(actionsOfTexts.Replace(text), ""), "{{") {
			t.Skip("what it makes may depend on the value")
		}
		if strings.Contains(value, "{{") && strings.Contains(text, "tpl") {
			t.Skip("the value is a template itself")
		}
		if !checkValue(t, text, value) {
			t.Skip()
		}
	})
}

// TestFuzzRenderCoversEachFunction: among the texts that fuzzing begins with, some make a
// manifest of a value by each of the ways, so that no way is left out by being refused.
func TestFuzzRenderCoversEachFunction(t *testing.T) {
	for _, word := range []string{"«»", "«include»", `include "lines"`, `template "lines"`, "«tpl»", "«json»", "«file»", "«version»", "«reference»"} {
		compared := 0
		for _, text := range texts {
			if strings.Contains(text, word) && checkValue(t, text, "a: b # c") && checkValue(t, text, "a\n b\n") {
				compared++
			}
		}
		if compared == 0 {
			t.Errorf("no text with %s was rendered", word)
		}
	}
}

// constant is what a define prints of the dict that it is called with, or of a dict or list
// that the template makes.
var constant = regexp.MustCompile(`\{\{ (\.|\$name|\.(kind|name|namespace|role|health_port|health_path)|\$capacity) \}\}`)

// TestStarterMaps makes the source map of every manifest of the starter.
func TestStarterMaps(t *testing.T) {
	source := os.DirFS("../..")
	inv, err := inventory.Load(source, schema.Compile)
	if err != nil {
		t.Fatal(err)
	}
	templates, err := ParseTemplates(source, inv)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := Render(templates, inv, inv.Environments)
	if err != nil {
		t.Fatal(err)
	}
	for i := range manifests {
		if !testmain.Tried(i) {
			continue
		}
		m := &manifests[i]
		sources := checkMap(t, m)
		for n, line := range strings.Split(strings.TrimSuffix(string(m.Text.Data), "\n"), "\n") {
			place, values := sources.Line(n + 1)
			written := templates.sources[place.File].line(place.Line)
			switch {
			case strings.Contains(written, "{{ `"): // a constant
			case len(values) == 0 && constant.MatchString(written): // of a define's caller
			case len(values) == 0 && !strings.HasSuffix(written, strings.TrimSpace(line)):
				t.Errorf("%s: line %d, %q, comes from %s, %q", m.Path, n+1, line, place, written)
			case len(values) > 0 && !strings.Contains(written, "{{"):
				t.Errorf("%s: line %d, %q, has values, and comes from %s, %q", m.Path, n+1, line, place, written)
			}
		}
	}
}
