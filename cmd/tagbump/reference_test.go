package main

import (
	"io"
	"os"
	"testing"

	"k8srepo/internal/console"
	"k8srepo/internal/readme/reference"
)

// TestReference holds docs/reference/tagbump.md to the commands and their flags.
func TestReference(t *testing.T) {
	app := newApp(console.New("tagbump", io.Discard, io.Discard, os.Getenv), os.Getenv)
	reference.Check(t, "../../docs/reference/tagbump.md", reference.Commands(app), "./cmd/tagbump -run TestReference", *update)
}
