package render

import (
	"strings"
	"testing"

	"k8srepo/internal/manifest"
	"k8srepo/internal/problem"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Service.Name }}\n"

// TestTagsAreFollowed has the places where a tag may stand, and what is written there.
func TestTagsAreFollowed(t *testing.T) {
	const marker = " # tagbump: ecr.example/api"
	for text, want := range map[string]string{
		`v: {{ .Tag }}`:                                                 "v: abc" + marker,
		`v: "{{ .Tag }}"`:                                               `v: "abc"` + marker,
		`v: '{{ .Service.Tag }}'`:                                       "v: 'abc'" + marker,
		`v: {{ .Service.Image }}:{{ .Tag }}`:                            "v: ecr.example/api:abc" + marker,
		`v: "{{ .Service.Image }}:{{ .Tag }}"`:                          `v: "ecr.example/api:abc"` + marker,
		`v: {{ $t := .Tag }}{{ $t }}`:                                   "v: abc" + marker,
		"l:\n  - {{ .Tag }}":                                            "l:\n  - abc" + marker,
		"v: {{ .Tag }}" + marker:                                        "v: abc" + marker,
		"image: {{ .Service.Image }}:{{ .Tag }}":                        "image: ecr.example/api:abc",
		"image: {repository: {{ .Service.Image }}, tag: {{ .Tag }}}":    "image: {repository: ecr.example/api, tag: abc}",
		"image:\n  repository: {{ .Service.Image }}\n  tag: {{ .Tag }}": "image:\n  repository: ecr.example/api\n  tag: abc",
	} {
		got, err := render(t, map[string]string{"templates/service/x.yaml.tmpl": "{{ if eq .Service.Name \"api\" }}" + pod + text + "\n{{ end }}"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, rest, _ := strings.Cut(got["dev/manifests/api/api-dev-x.yaml"], "name: api\n")
		if rest != want+"\n" {
			t.Errorf("%s: got\n%s\nwant\n%s", text, rest, want)
		}
	}
	for text, want := range map[string]string{
		"v: |\n  {{ .Tag }}":                         "a tag in a block of text cannot be followed",
		"v: [{{ .Tag }}]":                            "a tag in [ ] or { } cannot be followed",
		"v: {a: {{ .Tag }}}":                         "a tag in [ ] or { } cannot be followed",
		"v: v{{ .Tag }}":                             "a tag joined with other text cannot be followed",
		"v: {{ .Tag }}-x":                            "a tag joined with other text cannot be followed",
		"v: other/{{ .Service.Image }}:{{ .Tag }}":   "a tag joined with other text cannot be followed",
		"{{ .Tag }}: v":                              "a tag cannot stand in a key",
		"v: {{ .Tag }} # mine":                       "needs the place of the comment behind it",
		"v: {{ .Tag | upper }}":                      "a tag can only be printed as it is",
		"v: {{ printf \"%s\" .Tag }}":                "a tag can only be printed as it is",
		"v: {{ default \"x\" .Tag }}":                "a tag can only be printed as it is",
		"v: {{ toJson (dict \"t\" .Tag) }}":          "a tag can only be printed as it is",
		"v: {{ include \"tag\" . }}":                 "a tag can only be printed as it is",
		"v: {{ eq .Tag \"x\" }}":                     "a tag can only be printed as it is",
		"image: {{ .Service.Image }}:{{ .Tag }}-x":   "a tag belongs at the end of an image",
		"image: {repository: x/y, tag: a{{ .Tag }}}": "the tag of this image is joined with other text",
	} {
		_, err := render(t, map[string]string{"templates/_shared/s.tmpl": `{{ define "tag" }}{{ .Tag }}{{ end }}`, "templates/service/x.yaml.tmpl": pod + text + "\n"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// TestTagsThatNeedNoMarker has places of tags that tagbump finds by their shape.
func TestTagsThatNeedNoMarker(t *testing.T) {
	const kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: x}\nimages:\n"
	for _, text := range []string{
		pod + "image:\n  repository: {{ .Service.Image }}\n  tag: \"{{ .Tag }}\"\n  digest: \"\"\n",
		pod + "image:\n  registry: ecr.example\n  repository: api\n  tag: {{ .Tag }}\n",
		pod + "baseImage: {{ .Service.Image }}\nversion: {{ .Tag }}\n",
		pod + "images:\n  - name: {{ .Service.Image }}\n    newTag: {{ .Tag }}\n",
		kustomization + "  - name: {{ .Service.Image }}\n    newTag: {{ .Tag }}\n",
		kustomization + "  - name: api\n    newName: {{ .Service.Image }}\n    newTag: {{ .Tag }}\n    digest: \"\"\n",
		kustomization + "  - {newTag: {{ .Tag }}, name: {{ .Service.Image }}}\n",
		"{{/* path: kustomization.yaml */}}\n" + kustomization + "  - api={{ .Service.Image }}:{{ .Tag }}\n",
	} {
		got, err := render(t, map[string]string{"templates/service/x.yaml.tmpl": "{{ if eq .Service.Name \"api\" }}" + text + "{{ end }}"})
		if strings.HasPrefix(text, "{{/*") {
			got, err = render(t, map[string]string{"templates/service/x.yaml.tmpl": strings.Replace(text, "}}\n", "}}\n{{ if eq .Service.Name \"api\" }}", 1) + "{{ end }}"})
		}
		if err != nil || len(got) != 1 {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
		for file, rendered := range got {
			parsed, err := manifest.Parse(file, []byte(rendered))
			if err != nil {
				t.Fatal(err)
			}
			if images := parsed.Images(); len(images) != 1 || images[0].Ref.String() != "ecr.example/api:abc" || strings.Contains(rendered, manifest.MarkerPrefix) {
				t.Errorf("%s: got\n%s\nwith %v", text, rendered, images)
			}
		}
	}
}

// TestTagFollowsTheEnvironmentsImage has a service that runs from another repository in
// the environment: that is the one whose tag is followed.
func TestTagFollowsTheEnvironmentsImage(t *testing.T) {
	got, err := render(t, map[string]string{
		"environments/dev.yaml":         "templates: [service]\nservices: {api: {image: ecr.example/api-dev}}\n",
		"templates/service/x.yaml.tmpl": "{{ if eq .Service.Name \"api\" }}" + pod + "a: {{ .Tag }}\nb: {{ .Service.Image }}:{{ .Tag }}\n{{ end }}",
	})
	const want = "a: abc # tagbump: ecr.example/api-dev\nb: ecr.example/api-dev:abc # tagbump: ecr.example/api-dev\n"
	if text := got["dev/manifests/api/api-dev-x.yaml"]; err != nil || !strings.HasSuffix(text, want) {
		t.Errorf("got %v\n%s\nwant\n%s", err, text, want)
	}
}

// TestNumbersAsWritten prints numbers of each kind in text, alone, and in JSON.
func TestNumbersAsWritten(t *testing.T) {
	for number, want := range map[string][3]string{
		"3": {"3", "3", "3"}, "-7": {"-7", "-7", "-7"}, "1.10": {"1.10", "1.10", "1.10"}, "5.0": {"5.0", "5.0", "5.0"}, "0.0": {"0.0", "0.0", "0.0"},
		"1e6": {"1e6", "1e6", "1e6"}, "1234e5": {"1234e5", "1234e5", "1234e5"}, ".5": {".5", ".5", "0.5"}, "+5": {"+5", "+5", "5"},
		"12345678901234567890123": {"12345678901234567890123", "12345678901234567890123", "12345678901234567890123"},
		"012345670123":            {"012345670123", "!012345670123 is 1402433619 in YAML 1.1 and 12345670123 in YAML 1.2", "!012345670123 is"},
		"089":                     {"089", "!089 is text in YAML 1.1 and 89 in YAML 1.2", "!089"},
		"0o17":                    {"0o17", "!0o17 is text in YAML 1.1 and 15 in YAML 1.2", "!0o17"},
		"0x1F":                    {"0x1F", "!write 31, or \"0x1F\" if it is text", "!0x1F"},
		"1_000":                   {"1_000", "!write 1000, or \"1_000\" if it is text", "!1_000"},
		"1:30":                    {"1:30", "!write 90, or \"1:30\" if it is text", "!1:30"},
	} {
		for i, template := range []string{`"{{ .Vars.n }}"`, "{{ .Vars.n }}", "'{{ toJson .Vars.n }}'"} {
			got, err := render(t, map[string]string{"templates/variables.yaml": "n: " + number + "\n", "templates/environment/x.yaml.tmpl": configMap + "x\ndata:\n  v: " + template + "\n"})
			if refused, ok := strings.CutPrefix(want[i], "!"); ok {
				if err == nil || !strings.Contains(message(err), refused) {
					t.Errorf("%s as %s: got %v %v, want %s", number, template, got, err, refused)
				}
				continue
			}
			_, text, _ := strings.Cut(got["dev/manifests/dev-x.yaml"], "v: ")
			if text = strings.Trim(strings.TrimSpace(text), `"'`); err != nil || text != want[i] {
				t.Errorf("%s as %s: got %s %v, want %s", number, template, text, err, want[i])
			}
		}
	}
	for template, want := range map[string]string{
		`{{ if .Vars.zero }}yes{{ else }}no{{ end }}`:                   "no",
		`{{ with .Vars.zero }}yes{{ else }}no{{ end }}`:                 "no",
		`{{ or .Vars.zero "x" }}`:                                       "x",
		`{{ if eq .Vars.version 1.1 }}yes{{ end }}`:                     "yes",
		`{{ if gt .Vars.version 1 }}yes{{ end }}`:                       "yes",
		`{{ printf "%v %.1f %5.2f" .Vars.version .Vars.version 2.50 }}`: "1.10 1.1  2.50",
		`{{ add .Vars.version 1 }}`:                                     "2.1",
		`{{ default 1.0 .Vars.none }}`:                                  "1.0",
	} {
		got, err := render(t, map[string]string{"templates/variables.yaml": "zero: 0.0\nversion: 1.10\nnone: null\n", "templates/environment/x.yaml.tmpl": configMap + "x\ndata:\n  v: '" + template + "'\n"})
		_, text, _ := strings.Cut(got["dev/manifests/dev-x.yaml"], "v: ")
		if text = strings.Trim(text, "'\n"); err != nil || text != want {
			t.Errorf("%s: got %s %v, want %s", template, text, err, want)
		}
	}
}

// message is an error with its hints.
func message(err error) string {
	text := err.Error()
	for _, p := range problem.All(err) {
		text += "\n" + p.Hint
	}
	return text
}
