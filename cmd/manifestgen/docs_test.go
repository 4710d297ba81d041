package main

import (
	"testing"

	"k8srepo/internal/cmdtest"
	"k8srepo/internal/scripttest"
	"k8srepo/internal/testmain"
)

// TestSessions runs the sessions that the documents show, each document's in a folder of its own,
// which starts out with the starter's files, with manifests that were copied by hand, or with
// nothing.
func TestSessions(t *testing.T) {
	bin, programs, own := t.TempDir(), []string{"k8srepo/cmd/tagbump"}, "manifestgen"
	if testmain.Race { // it would take ten times as long, and TestScripts runs the same code
		programs, own = append(programs, "k8srepo/cmd/manifestgen"), ""
	}
	if err := cmdtest.Build(bin, programs...); err != nil {
		t.Fatal(err)
	}
	const top = "../../"
	starter := []string{top + "users.yaml", top + "environments", top + "templates"}
	for file, from := range map[string][]string{
		"README.md":               starter,
		"docs/adopting.md":        {top + "testdata/copied/."},
		"docs/getting-started.md": nil,
		"docs/deploy.md":          starter,
		"docs/explaining.md":      starter,
		"docs/images.md":          starter,
		"docs/inventory.md":       starter,
		"docs/review.md":          starter,
		"docs/migrating.md":       starter,
	} {
		t.Run(file, func(t *testing.T) {
			scripttest.Document{File: top + file, From: from, Name: own, Run: run, Bin: bin, Update: *update}.Sessions(t)
		})
	}
}
