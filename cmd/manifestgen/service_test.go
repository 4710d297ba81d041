package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
)

// TestServiceAddAsks: on a terminal, service add asks for what is missing, and then for the
// values that a template needs in one environment.
func TestServiceAddAsks(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"users.yaml":                      "services:\n  - {name: api, image: e/api, tag: \"1\"}\n",
		"environments/dev.yaml":           "templates: [service]\n",
		"environments/qa.yaml":            "templates: [service]\nvars: {bucket: qa}\n",
		"templates/variables.yaml":        "bucket: null\n",
		"templates/service/cm.yaml.tmpl":  "{{ if ne .Service.Name \"api\" }}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Service.Name }}\ndata:\n  bucket: {{ .Vars.bucket }}\n{{ end }}",
		"templates/service/pod.yaml.tmpl": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Service.Name }}\nspec:\n  containers:\n    - name: x\n      image: {{ .Service.Image }}:{{ .Tag }}\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, asked bytes.Buffer
	con := console.New("manifestgen", &out, &out, func(string) string { return "" })
	o := editOptions{renderOptions: renderOptions{source: dir, output: "text"}, con: con,
		prompt: &console.Prompt{In: bufio.NewReader(strings.NewReader("mail\ne/mail\n1f0c9ae\nmail-dev\n")), Out: &asked}}
	if err := o.addService(context.Background(), inventory.NewService{In: map[string][]inventory.Setting{}}, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := asked.String(), "the service's name: the service's image: the first tag: bucket of mail in dev: "; got != want {
		t.Errorf("it asks %q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"users.yaml":                           "services:\n  - {name: api, image: e/api, tag: \"1\"}\n  - {name: mail, image: e/mail, tag: \"1f0c9ae\"}\n",
		"environments/dev.yaml":                "templates: [service]\nservices:\n  mail:\n    vars:\n      bucket: mail-dev\n",
		"environments/qa.yaml":                 "templates: [service]\nvars: {bucket: qa}\n",
		"qa/manifests/mail/mail-qa-cm.yaml":    "  bucket: qa\n",
		"dev/manifests/mail/mail-dev-cm.yaml":  "  bucket: mail-dev\n",
		"dev/manifests/mail/mail-dev-pod.yaml": "e/mail:1f0c9ae\n",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasSuffix(string(got), want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}
