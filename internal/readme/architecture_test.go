package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitecture holds docs/architecture.md to the files and functions that it names.
func TestArchitecture(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	step := regexp.MustCompile("`((?:cmd|internal)/[a-z/]+\\.go)`, `([A-Za-z]+(?:\\.[A-Z][A-Za-z]*)?)`")
	for _, m := range step.FindAllStringSubmatch(string(page), -1) {
		source, err := os.ReadFile(filepath.Join("..", "..", m[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		name := m[2][strings.LastIndexByte(m[2], '.')+1:]
		if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`).Match(source) {
			t.Errorf("%s has no function %s", m[1], m[2])
		}
	}
	for _, m := range regexp.MustCompile("`((?:cmd|internal)/[a-z/.]+)`").FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(filepath.Join("..", "..", m[1])); err != nil {
			t.Error(err)
		}
	}
}
