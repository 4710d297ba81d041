package render

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	docBlock  = regexp.MustCompile("(?ms)^```yaml (\\S+)\n(.*?)^```$")
	docAction = regexp.MustCompile(`"?\{\{.*?\}\}"?`)
	docRow    = regexp.MustCompile("(?m)^\\| `[^|]*\\| `(.*)` \\| `(.*)` \\|$")
)

// code is a text with its templates as Markdown has code in a table.
func code(text string) string {
	return docAction.ReplaceAllStringFunc(text, func(s string) string { return "`" + strings.ReplaceAll(s, "|", `\|`) + "`" })
}

// TestTemplatesPage renders every example of docs/templates.md: a template makes
// the block behind it, and a function's example what the table says.
func TestTemplatesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"users.yaml":            "teams: [{name: web}]\nservices: [{name: api, image: ecr.example/api, tag: 1f0c9ae, port: 8080}]\n",
		"environments/dev.yaml": "templates: [service]\ndomain: dev.example.com\n",
	}
	blocks := docBlock.FindAllStringSubmatch(string(page), -1)
	for _, b := range blocks {
		if strings.Contains(b[1], "/") {
			files[b[1]] = b[2]
		}
	}
	made := func(text string) string {
		object := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
		if strings.HasPrefix(text, "metadata:") {
			object = "apiVersion: v1\nkind: ConfigMap\n"
		}
		whole := strings.HasPrefix(text, "apiVersion:")
		if !whole {
			text = object + text
		}
		all := maps.Clone(files)
		all["templates/service/x.yaml.tmpl"] = text
		got, err := render(t, all)
		if err != nil {
			t.Fatalf("%v\nin\n%s", err, text)
		}
		if whole {
			return got["dev/manifests/api/api-dev-x.yaml"]
		}
		return strings.TrimPrefix(got["dev/manifests/api/api-dev-x.yaml"], object)
	}
	rendered := 0
	last := ""
	for _, b := range blocks {
		switch b[1] {
		case "template":
			last = made(b[2])
		case "rendered":
			rendered++
			if last != b[2] {
				t.Errorf("an example makes\n%s\nand the page says\n%s", last, b[2])
			}
		}
	}
	rows := docRow.FindAllStringSubmatch(string(page), -1)
	if rendered < 7 || len(rows) < 15 {
		t.Fatalf("found %d examples and %d functions", rendered, len(rows))
	}
	for _, row := range rows {
		got := made("v: '" + strings.ReplaceAll(row[1], `\|`, "|") + "'\n")
		if want := "v: '" + row[2] + "'\n"; got != want {
			t.Errorf("%s makes %s and the page says %s", row[1], got, want)
		}
	}
}

// TestTemplatesPageIsWhole: each function, and each habit of other tools that a message knows, is on the page.
func TestTemplatesPageIsWhole(t *testing.T) {
	page, err := os.ReadFile("../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, h := range habits {
		fmt.Fprintf(&table, "| %s | %s |\n", code(h.theirs), code(h.here))
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("the page has not the table of habits:\n%s", table.String())
	}
	for _, name := range slices.Concat(functionNames(), slices.Collect(maps.Keys(builtins))) {
		if !strings.Contains(string(page), name) {
			t.Errorf("the function %s is not on the page", name)
		}
	}
}
