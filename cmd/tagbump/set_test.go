package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/problem"
)

// TestAnInterruptedSetWritesNothing is set after Ctrl-C.
func TestAnInterruptedSetWritesNothing(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "dev", "manifests", "api.yaml")
	const text = "kind: Pod\nspec: {containers: [{name: a, image: example.com/api:1}]}\n"
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	con := console.New("tagbump", io.Discard, io.Discard, func(string) string { return "" })
	err := set(ctx, con, setOptions{Selection: bump.Selection{Env: "dev", Images: []string{"example.com/api"}, Tag: "2"}, root: root, source: root, gogc: "400"}, newResult("dev", "2"))
	if problem.ExitStatus(err) != problem.ExitTrouble {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != text {
		t.Errorf("the file is %q, %v", got, err)
	}
}
