package main

import (
	"io"
	"os"
	"testing"

	"k8srepo/internal/console"
	"k8srepo/internal/readme/reference"
)

// TestReference holds docs/reference/manifestgen.md to the commands and their flags.
func TestReference(t *testing.T) {
	app := newApp(console.New("manifestgen", io.Discard, io.Discard, os.Getenv))
	reference.Check(t, "../../docs/reference/manifestgen.md", reference.Commands(app), "./cmd/manifestgen -run TestReference", *update)
}
