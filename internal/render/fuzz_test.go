package render

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/inventory"
	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

// renderValue renders a template text for one service, in an environment whose
// variable v is value; nil where that makes no manifest.
func renderValue(t *testing.T, text, value string) (*Manifest, error) {
	t.Helper()
	var quoted strings.Builder // each character by its number, which any YAML can say
	for _, r := range value {
		fmt.Fprintf(&quoted, "\\U%08x", r)
	}
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"users.yaml":                    "services: [{name: api, image: ecr.example/api, tag: abc}]\n",
		"environments/dev.yaml":         "templates: [service]\nvars: {v: \"" + quoted.String() + "\"}\n",
		"templates/variables.yaml":      "v: \"\"\nmap: {a: {b: c}, no: [1, y]}\n",
		"templates/service/x.yaml.tmpl": text,
		"templates/_shared/shared.tmpl": "{{ define \"same\" }}{{ . }}{{ end }}",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	inv, err := inventory.Load(fsys)
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
func checkMap(t *testing.T, m *Manifest) {
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
}

// withValue is an object with another value in the place of a harmless one.
func withValue(v any, harmless, value string) any {
	replace := func(s string) string { return strings.ReplaceAll(s, harmless, value) }
	switch v := v.(type) {
	case string:
		return replace(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = withValue(item, harmless, value)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, item := range v {
			m[replace(key)] = withValue(item, harmless, value)
		}
		return m
	}
	return v
}

// texts are templates with «» in the places of a value, each in a few of the ways
// that a value can get there.
var texts = []string{
	"data: {v: «»}", "data:\n  v: a«»b\n  \"«»\": x", "data:\n{{- range $k, $x := .Vars.map }}\n  k-{{ $k }}: {{ $x }} # c\n{{- end }}\n  v: '«»'",
	"data: |\n  a «»\n    b: «»\nend: «»", "list:\n  - «»\n  - [«», {«»: «»}]\n", "all: {{ .Vars }}\n", "{{ with .Vars.v }}v: {{ . }}{{ end }}\nw: «»\n",
	"{{ $x := .Vars.v }}v: {{ template \"same\" $x }}\nw: &a «»\nx: *a\n", "v: >-\n  «»\n  «»\nw: {{ printf \"%s-%s\" .Vars.v .Service.Name }}\n", "? «»\n: «»\n",
}

// plainAction is an action that makes the same structure of any value.
var plainAction = regexp.MustCompile(`\{\{-? *(\.|\.Vars(\.v|\.map)?|\$\w*|end|with \.Vars\.v|range [$\w:=, ]*\.Vars\.map|\$x := \.Vars\.v|template "same" [.$\w]+|printf "%s-%s" \.Vars\.v \.Service\.Name) *-?\}\}`)

// FuzzRender puts a value into the places «» of a template. It may be refused, at
// a place; it may not change anything but the strings that it stands in.
func FuzzRender(f *testing.F) {
	for i, text := range texts {
		for _, value := range []string{"no", "a: b", "a\nb\n", "# x", "{{ .x }}", "--- ", "*a", "0o17", "\u0085", " x ", "'\""} {
			if (i+len(value))%3 == 0 {
				f.Add(text, value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		const harmless = "harmless"
		if strings.Contains(text, harmless) || strings.Contains(text, "---") || strings.Contains(text, "tag") || len(text) > 1000 {
			t.Skip()
		}
		if strings.Contains(plainAction.ReplaceAllString(text, ""), "{{") {
			t.Skip("what it makes may depend on the value")
		}
		text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n" + strings.ReplaceAll(text, "«»", "{{ .Vars.v }}")
		m, err := renderValue(t, text, harmless)
		if err != nil || m == nil {
			t.Skip()
		}
		var want, got any
		if err := yaml.UnmarshalStrict(m.Text.Data, &want); err != nil {
			t.Skip("kubectl does not read what the template's author wrote")
		}
		m, err = renderValue(t, text, value)
		if err != nil {
			for _, p := range problem.All(err) {
				if p.Place.Line == 0 || p.Code == "" {
					t.Fatalf("%q in %q is refused without a place or a code: %v", value, text, err)
				}
			}
			return
		}
		if value == "" { // an if or a with may ask for it
			return
		}
		if err := yaml.UnmarshalStrict(m.Text.Data, &got); err != nil {
			t.Fatalf("%q in %q gives\n%s\n%v", value, text, m.Text.Data, err)
		}
		if want := withValue(want, harmless, value); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q in %q gives\n%#v, want\n%#v", value, text, got, want)
		}
		checkMap(t, m)
	})
}

// TestStarterMaps makes the source map of every manifest of the starter.
func TestStarterMaps(t *testing.T) {
	source := os.DirFS("../..")
	inv, err := inventory.Load(source)
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
		m := &manifests[i]
		checkMap(t, m)
		sources, _ := m.Map()
		for n, line := range strings.Split(strings.TrimSuffix(string(m.Text.Data), "\n"), "\n") {
			place, values := sources.Line(n + 1)
			written := templates.sources[place.File].line(place.Line)
			switch {
			case strings.Contains(written, "{{ `"): // a constant
			case len(values) == 0 && !strings.HasSuffix(written, strings.TrimSpace(line)):
				t.Errorf("%s: line %d, %q, comes from %s, %q", m.Path, n+1, line, place, written)
			case len(values) > 0 && !strings.Contains(written, "{{"):
				t.Errorf("%s: line %d, %q, has values, and comes from %s, %q", m.Path, n+1, line, place, written)
			}
		}
	}
}
