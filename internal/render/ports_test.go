package render

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/inventory"
	"k8srepo/internal/inventory/schema"
)

var chartOutput = flag.String("chart-output", "", "a folder of PORT-ENVIRONMENT.out, what the charts render, to write the goldens from")

// ports are charts that were ported to templates.
var ports = []string{"nfs-provisioner", "podinfo", "metrics-server"}

// TestPorts renders each port for two sets of values. The objects mean what the chart
// renders for the same values: testdata/ports/README.md says how the goldens are made.
func TestPorts(t *testing.T) {
	readme, err := os.ReadFile("../../testdata/ports/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		folder := "../../testdata/ports/" + port
		if n := templateLines(t, folder); !regexp.MustCompile(`\| ` + port + ` \|.*\| ` + strconv.Itoa(n) + ` \|`).Match(readme) {
			t.Errorf("%s has %d lines of templates, and the README says another number", port, n)
		}
		source := os.DirFS(folder)
		inv, err := inventory.Load(source, schema.Compile)
		if err != nil {
			t.Fatal(err)
		}
		templates, err := ParseTemplates(source, inv)
		if err != nil {
			t.Fatal(err)
		}
		for _, env := range inv.Environments {
			manifests, err := Render(templates, inv, []*inventory.Environment{env})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			for _, m := range manifests {
				addObjects(t, got, string(m.Text.Data))
			}
			golden := filepath.Join(folder, "objects-"+env.Name+".json")
			if *chartOutput != "" {
				writeGolden(t, golden, filepath.Join(*chartOutput, port+"-"+env.Name+".out"))
			}
			data, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			for id := range want {
				if !reflect.DeepEqual(got[id], want[id]) {
					a, _ := yaml.Marshal(got[id])
					b, _ := yaml.Marshal(want[id])
					t.Errorf("%s, %s: %s is\n%s\nand the chart's\n%s", port, env.Name, id, a, b)
				}
			}
			for id := range got {
				if want[id] == nil {
					t.Errorf("%s, %s: %s is not among the chart's objects", port, env.Name, id)
				}
			}
		}
	}
}

// templateLines counts the lines of templates that are not blank.
func templateLines(t *testing.T, folder string) int {
	t.Helper()
	files, err := filepath.Glob(folder + "/templates/*/*.tmpl")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	n := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if strings.TrimSpace(line) != "" {
				n++
			}
		}
	}
	return n
}

// addObjects adds a text's objects, by kind and name, as far as they mean something.
func addObjects(t *testing.T, objects map[string]any, text string) {
	t.Helper()
	for doc := range strings.SplitSeq("\n"+text, "\n---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(doc+"\n"), &o); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		if kind, _ := o["kind"].(string); o != nil {
			objects[kind+" "+o["metadata"].(map[string]any)["name"].(string)] = meaning(o)
		}
	}
}

// meaning is a value without nulls and empty security contexts, and with one word for
// each checksum of a text: a chart takes that of its own file.
func meaning(v any) any {
	switch v := v.(type) {
	case string:
		if regexp.MustCompile("^[0-9a-f]{64}$").MatchString(v) {
			return "(SHA-256)"
		}
	case map[string]any:
		m := map[string]any{}
		for key, item := range v {
			if item = meaning(item); item != nil && !(key == "securityContext" && reflect.DeepEqual(item, map[string]any{})) {
				m[key] = item
			}
		}
		return m
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, meaning(item))
		}
		return list
	}
	return v
}

func writeGolden(t *testing.T, golden, output string) {
	t.Helper()
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]any{}
	addObjects(t, objects, string(data))
	text, err := json.MarshalIndent(objects, "", " ")
	if err == nil {
		err = os.WriteFile(golden, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
