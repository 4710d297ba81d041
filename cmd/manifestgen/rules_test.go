package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestChangesOfUsersAreComparedOnce: the files of two users, each with a checksum of its own, are
// one change to the check of immutable fields.
func TestChangesOfUsersAreComparedOnce(t *testing.T) {
	source := t.TempDir()
	if err := os.CopyFS(source, os.DirFS("../../testdata/small")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(source, "users.yaml")
	users, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, withPeople(users, 0, 2), 0o644); err != nil {
		t.Fatal(err)
	}
	plan, err := (&renderOptions{source: source, out: t.TempDir()}).plan()
	if err != nil {
		t.Fatal(err)
	}
	keys, files := map[changeKey]bool{}, 0
	for _, c := range plan.Changes {
		for _, user := range []string{"u00", "u01"} {
			if c.Path == "sandbox/manifests/users/"+user+"/api-sandbox-deployment.yaml" {
				keys[changeKeyOf(c, user)], files = true, files+1
			}
		}
	}
	if files != 2 || len(keys) != 1 {
		t.Errorf("%d files have %d keys", files, len(keys))
	}
}
