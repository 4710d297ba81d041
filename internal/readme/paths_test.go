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
	for _, folder := range []string{"docs", "docs/*"} {
		more, err := filepath.Glob(filepath.Join(top, folder, "*.md"))
		if err != nil || len(more) == 0 {
			t.Fatalf("%s: no document, %v", folder, err)
		}
		documents = append(documents, more...)
	}
	path := regexp.MustCompile("`((?:cmd|internal|docs|testdata|\\.github|\\.ci|bench)/[A-Za-z0-9_./-]+)`")
	link := regexp.MustCompile(`\]\(([A-Za-z0-9_./-]+)(?:#[^)]*)?\)`)
	for _, document := range documents {
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
