package readme

import (
	"slices"
	"testing"

	"k8srepo/internal/readme/reference"
)

// TestReferenceObjects holds docs/reference/json.md to the objects that --output json
// prints. An object that is not in the list fails it.
func TestReferenceObjects(t *testing.T) {
	objects := []reference.Object{
		{Title: "`tagbump set`, `deploy`, `promote`, `rollback`, `hold`, `release`", Package: "cmd/tagbump", Type: "result"},
		{Title: "`tagbump status`", Package: "internal/status", Type: "Report"},
		{Title: "`manifestgen render`, `check`, and the commands that edit and render", Package: "cmd/manifestgen", Type: "renderResult"},
		{Title: "`manifestgen check --kubernetes`", Package: "cmd/manifestgen", Type: "upgradeResult"},
		{Title: "`manifestgen lint`", Package: "cmd/manifestgen", Type: "lintResult"},
		{Title: "`manifestgen user list`", Package: "cmd/manifestgen", Type: "userListResult"},
		{Title: "`manifestgen adopt`", Package: "cmd/manifestgen", Type: "adoptResult"},
		{Title: "`manifestgen explain VARIABLE`", Package: "cmd/manifestgen", Type: "explainResult"},
		{Title: "`manifestgen explain CODE`", Package: "cmd/manifestgen", Type: "codeResult"},
		{Title: "`manifestgen why`", Package: "cmd/manifestgen", Type: "whyResult"},
		{Title: "A problem", Package: "internal/console", Type: "Problem"},
		{Title: "An image", Package: "cmd/tagbump", Type: "imageResult"},
		{Title: "A mention", Package: "cmd/tagbump", Type: "mentionResult"},
		{Title: "A changed file", Package: "cmd/manifestgen", Type: "fileChange"},
		{Title: "Counts", Package: "cmd/manifestgen", Type: "actionCounts"},
		{Title: "What an upgrade finds", Package: "cmd/manifestgen", Type: "upgradeFinding"},
		{Title: "Any command that failed before it had a result", Package: "internal/console", Type: "Failure"},
	}
	types := reference.NewTypes("../..")
	text, err := types.Objects(objects)
	if err != nil {
		t.Fatal(err)
	}
	page := `# What --output json prints

One object on standard output, on failure too; everything else is on standard error. ` + "`version`" + ` grows when a key changes its
meaning or goes. New keys may come at any time: ignore those that you do not know. A key marked optional is left out where there is
nothing to say.
` + text
	reference.Check(t, "../../docs/reference/json.md", page, "./internal/readme -run TestReference", *update)

	printed, err := types.Versioned("cmd", "internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range printed {
		if !slices.ContainsFunc(objects, func(o reference.Object) bool { return o.Package+"."+o.Type == name }) {
			t.Errorf("%s has a version, and is not in docs/reference/json.md", name)
		}
	}
}
