package main

import (
	"strings"
	"testing"
)

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
