package workflows

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"k8srepo/internal/readme/reference"
)

var update = flag.Bool("update", false, "write docs/reference/actions.md anew")

// parameter is an input, a secret or an output of an action or a reusable workflow.
type parameter struct {
	Description string
	Default     any
	Required    bool
}

// TestReference holds docs/reference/actions.md to the inputs and outputs of the actions
// and of the reusable workflows.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Actions and reusable workflows\n\n[../deploy.md](../deploy.md) has workflows to copy. A step's outputs are those of its action.\n")
	for _, name := range []string{"tagbump", "manifestgen"} {
		var a struct{ Inputs, Outputs map[string]parameter }
		if err := yaml.Unmarshal([]byte(read(t, "../../.github/actions/"+name+"/action.yml")), &a); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## The action %s\n\n`example/k8srepo/.github/actions/%[1]s`\n", name)
		parameters(t, &b, "input", a.Inputs)
		parameters(t, &b, "output", a.Outputs)
	}
	for _, name := range []string{"bump", "check", "promote"} {
		var w struct {
			On struct {
				Call struct{ Inputs, Secrets, Outputs map[string]parameter } `json:"workflow_call"`
			} `json:"true"` // on, to YAML 1.1
		}
		if err := yaml.Unmarshal([]byte(read(t, "../../.github/workflows/"+name+".yml")), &w); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## The workflow %s\n\n`example/k8srepo/.github/workflows/%[1]s.yml`\n", name)
		parameters(t, &b, "input", w.On.Call.Inputs)
		parameters(t, &b, "secret", w.On.Call.Secrets)
		parameters(t, &b, "output", w.On.Call.Outputs)
	}
	reference.Check(t, "../../docs/reference/actions.md", b.String(), "./internal/workflows -run TestReference", *update)
}

// parameters writes a table of them, sorted by name. One without a description fails.
func parameters(t *testing.T, b *strings.Builder, kind string, all map[string]parameter) {
	t.Helper()
	if len(all) == 0 {
		return
	}
	b.WriteString("\n")
	columns := []string{kind, "default", "meaning"}
	if kind == "output" {
		columns = []string{kind, "meaning"}
	}
	table := reference.NewTable(b, columns...)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		if p.Description == "" {
			t.Errorf("the %s %s has no description", kind, name)
		}
		if kind == "output" {
			table.Row(reference.Code(name), p.Description)
			continue
		}
		value := ""
		if p.Required {
			value = "required"
		} else if p.Default != nil {
			value = reference.Code(fmt.Sprint(p.Default))
		}
		table.Row(reference.Code(name), value, p.Description)
	}
}
