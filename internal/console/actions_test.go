package console

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"api":                "`api`",
		"a`b":                "``a`b``",
		"`a``":               "``` `a`` ```",
		"a | b":              "`a | b`",
		"a\n::b\r\n  c":      "`a ::b c`",
		"![x](http://evil)":  "`![x](http://evil)`",
		"<img src=x> @carol": "`<img src=x> @carol`",
	} {
		if got := Code(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestCodeCell: in a cell of a table, GitHub takes a | for the cell's end, even in a code span.
func TestCodeCell(t *testing.T) {
	for text, want := range map[string]string{
		"":          "",
		"a | b":     "`a \\| b`",
		"`a|b":      "`` `a\\|b ``",
		`grep a\|b`: "`grep a\\\\|b`",
	} {
		if got := CodeCell(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"api: dev":              "api: dev",
		"![x](http://evil)":     `\!\[x\](http://evil)`,
		"<img> & `a` | *b* _c_": "&lt;img> &amp; \\`a\\` \\| \\*b\\* \\_c\\_",
		"a\n# b":                `a \# b`,
		`a\`:                    `a\\`,
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestOutputs hands on values that try to be other outputs.
func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	c := New("prog", nil, nil, func(key string) string {
		return map[string]string{"GITHUB_OUTPUT": filepath.Join(dir, "out"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}[key]
	})
	for range 2 {
		if err := c.Outputs([]Output{{"result", "changed"}, {"files", "a\nresult=hacked\nend-1\n"}, {"name", "a\rresult=hacked"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Summary("# x\n\x1b[2J\u202e"); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(filepath.Join(dir, "out"))
	got, ends, end := []string{}, map[string]bool{}, ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		name, rest, block := strings.Cut(line, "<<")
		switch {
		case end != "" && line == end:
			end = ""
		case end != "":
		case block:
			end = rest
			if ends[end] {
				t.Errorf("%s is used again", end)
			}
			ends[end] = true
			got = append(got, name)
		default:
			got = append(got, line)
		}
	}
	if strings.Join(got, " ") != "result=changed files name result=changed files name" {
		t.Errorf("got %q", got)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "summary")); string(data) != "# x\n\\x1b[2J\\u202e" {
		t.Errorf("got %q", data)
	}
}
