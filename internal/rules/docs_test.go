package rules

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is generated into docs/rules.md")

// begin is the line above what is generated.
const begin = "<!-- The rest is written by go test ./internal/rules -run TestDocs -update -->\n"

// TestDocs holds docs/rules.md to the table of rules.
func TestDocs(t *testing.T) {
	name := filepath.Join("..", "..", "docs", "rules.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	intro, _, _ := strings.Cut(string(data), begin)
	want := intro + begin + "\n" + page()
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the rules say: run go test ./internal/rules -run TestDocs -update", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// page is the part of docs/rules.md that the table makes.
func page() string {
	var b strings.Builder
	b.WriteString("## All rules\n\n| code | what is wrong | |\n|---|---|---|\n")
	for _, rule := range Rules() {
		severity := "warning"
		if rule.Error {
			severity = "error"
		}
		if rule.Varies {
			severity = "error or warning"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", rule.Code, strings.ToLower(string(rule.Code)), rule.Title, severity)
	}
	for _, rule := range Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s%s.\n\n%s\n", rule.Code, strings.ToUpper(rule.Title[:1]), rule.Title[1:], rule.Reason)
		if strings.HasPrefix(rule.Source, "https://") {
			fmt.Fprintf(&b, "\nSource: <%s>\n", rule.Source)
		}
	}
	return b.String()
}
