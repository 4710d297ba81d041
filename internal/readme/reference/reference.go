// Package reference writes the pages of docs/reference from the tables of the code, for
// tests that hold the pages to them.
package reference

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// Check compares a page with want, to which it adds a comment below the title; with update it
// writes the page. test is what go test runs for that, such as "./cmd/tagbump -run TestReference".
func Check(t *testing.T, file, want, test string, update bool) {
	t.Helper()
	title, text, _ := strings.Cut(want, "\n")
	want = title + "\n\n<!-- Generated from the code: go test " + test + " -update -->\n" + text
	if update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the code says; go test %s -update writes it:\n%s", file, test, diff.Diff("page", got, "code", []byte(want)))
	}
}

// Table is a table of Markdown.
type Table struct{ b *strings.Builder }

// NewTable begins a table in b.
func NewTable(b *strings.Builder, columns ...string) Table {
	t := Table{b}
	t.Row(columns...)
	b.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
	return t
}

// Row adds a row.
func (t Table) Row(cells ...string) {
	for _, c := range cells {
		t.b.WriteString("| " + cell(c) + " ")
	}
	t.b.WriteString("|\n")
}

// cell returns a text as a table's cell: on one line, with |, < and * escaped outside of code.
func cell(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	parts := strings.Split(text, "`") // every second one is code
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "|", `\|`)
		if i%2 == 0 {
			parts[i] = strings.NewReplacer("<", "&lt;", "*", `\*`).Replace(parts[i])
		}
	}
	return strings.Join(parts, "`")
}

// Code returns a text in a code span; "" for "".
func Code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
