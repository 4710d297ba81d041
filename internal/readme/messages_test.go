package readme

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestMessages: each message that docs/troubleshooting.md explains is one that the code
// has.
func TestMessages(t *testing.T) {
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(page), "## In the cluster")
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(text, -1)
	if len(rows) < 40 {
		t.Fatalf("found %d messages", len(rows))
	}
	known := strings.Join(literals(t), "\n")
	for _, row := range rows {
		message := row[1]
		if !strings.Contains(known, message) {
			t.Errorf("no code says %q", message)
		}
	}
}

var verb = regexp.MustCompile(`%(\[\d\])?[-+#0-9.]*[a-z]`)

// literals are the strings in the source of the commands, with … for what is formatted into
// them.
func literals(t *testing.T) (list []string) {
	for _, top := range []string{"../../cmd", "../../internal"} {
		err := filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			source, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			var words scanner.Scanner
			words.Init(token.NewFileSet().AddFile(name, -1, len(source)), source, nil, 0)
			for {
				switch _, word, text := words.Scan(); word {
				case token.STRING:
					if s, err := strconv.Unquote(text); err == nil {
						list = append(list, verb.ReplaceAllString(s, "…"))
					}
				case token.EOF:
					return nil
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}
