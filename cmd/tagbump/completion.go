package main

import (
	"os"
	"strings"

	"k8srepo/internal/console"
	"k8srepo/internal/inventory"
)

// completions returns the words that may stand in a place of the command line: names from
// the k8s repo in --root, else from the one that the working directory is in. Names from
// --repo are not completed.
func completions(p console.Place) []string {
	root := inventory.FindSource(".")
	for i, word := range p.Words {
		if value, ok := strings.CutPrefix(word, "--root="); ok {
			root = value
		} else if word == "--root" && i+1 < len(p.Words) {
			root = p.Words[i+1]
		}
	}
	names := inventory.LoadNames(os.DirFS(root))
	switch p.Flag {
	case "env", "from", "to":
		return names.Environments
	case "service":
		return names.Services
	case "user":
		return names.Users
	case "":
		if p.Command == "completion" {
			return console.Shells
		}
	}
	return nil
}
