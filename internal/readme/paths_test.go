package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPaths: the files and folders that the documents name are there.
func TestPaths(t *testing.T) {
	top := filepath.Join("..", "..")
	documents, err := filepath.Glob(filepath.Join(top, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile("`((?:cmd|internal|docs|testdata|\\.github|\\.ci|bench)/[A-Za-z0-9_./-]+)`")
	link := regexp.MustCompile(`\]\(([A-Za-z0-9_./-]+)(?:#[a-z-]+)?\)`)
	for _, document := range append(documents, more...) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range path.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(top, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", document, m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", document, m[1])
			}
		}
	}
}
