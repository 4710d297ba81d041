package workflows

import (
	"os"
	"path/filepath"
	"testing"
)

// TestManifestgenAction renders a k8s repo with the action.
func TestManifestgenAction(t *testing.T) {
	repo := t.TempDir()
	if err := os.CopyFS(repo, os.DirFS(filepath.Join("..", "..", "testdata", "small"))); err != nil {
		t.Fatal(err)
	}
	job := newRunner(t, repo)
	action := filepath.Join(actionsWith(t, "dev"), "manifestgen")

	render := job.use(action, map[string]string{"command": "render"})
	wantOutputs(t, render, false, map[string]string{"result": "changed", "created": "10", "updated": "0", "removed": "0"})
	render = job.use(action, map[string]string{"command": "render", "env": "dev sandbox"})
	wantOutputs(t, render, false, map[string]string{"result": "unchanged", "created": "0", "updated": "0", "removed": "0"})
	render = job.use(action, map[string]string{"command": "render", "env": "dve"})
	wantOutputs(t, render, true, map[string]string{"result": "failed"})
}
