package main

import (
	"errors"
	"strings"
	"testing"

	"k8srepo/internal/tree"
)

// TestPipesInMarkdown: only in a table a | is escaped; elsewhere GitHub shows the backslash.
func TestPipesInMarkdown(t *testing.T) {
	doc := document{limit: maxMarkdown}
	doc.addTallies("template", []tree.Tally{{Name: "a|b.tmpl"}})
	upgrade := upgradeResult{Kubernetes: "1.36", Breaks: []upgradeFinding{{File: "a|b.tmpl", Message: "x|y"}}}
	for name, test := range map[string]struct{ text, want string }{
		"tallies": {doc.String(), "| `a\\|b.tmpl` |"},
		"upgrade": {upgrade.markdown(), "| `a\\|b.tmpl` |  | 0 | `x\\|y` |"},
		"failure": {markdownFailure("check", errors.New("a|b")), "- `a|b`\n"},
	} {
		if !strings.Contains(test.text, test.want) {
			t.Errorf("%s: no %s in\n%s", name, test.want, test.text)
		}
	}
}

// TestListsOfTheReviewAreClosed: whatever fits into a document, each list that begins in it ends.
func TestListsOfTheReviewAreClosed(t *testing.T) {
	for limit := range 120 {
		doc := document{limit: limit}
		doc.addList("removed", []string{"- `a`", "- `b`"})
		text := doc.String()
		if opened, closed := strings.Count(text, "<details>"), strings.Count(text, "</details>"); opened != closed || opened == 0 && text != "" {
			t.Errorf("of %d characters:\n%s", limit, text)
		}
	}
}
