package readme

import (
	"os"
	"slices"
	"testing"

	"k8srepo/internal/scripttest"
)

// TestTranslations: the sessions of a translated page are those of the page, which are run.
func TestTranslations(t *testing.T) {
	for page, translation := range map[string]string{
		"../../docs/getting-started.md": "../../docs/ja/getting-started.md",
		"../../README.md":               "../../README.ja.md",
	} {
		original, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		translated, err := os.ReadFile(translation)
		if err != nil {
			t.Fatal(err)
		}
		want := scripttest.SessionBlock.FindAllString(string(original), -1)
		got := scripttest.SessionBlock.FindAllString(string(translated), -1)
		if *update && len(got) == len(want) {
			n := -1
			text := scripttest.SessionBlock.ReplaceAllStringFunc(string(translated), func(string) string { n++; return want[n] })
			if err := os.WriteFile(translation, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("the %d sessions of %s are not the %d of %s", len(got), translation, len(want), page)
		}
	}
}
