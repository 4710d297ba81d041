package gitrepo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo/gittest"
)

// TestFsck has repositories with one fault each: it is found at once, or by git once the tests are
// over, with the test's name.
func TestFsck(t *testing.T) {
	t.Parallel()
	file := func(r *gittest.Repo, hash string) string { return filepath.Join(r.Dir, "objects", hash[:2], hash[2:]) }
	blobOf := func(r *gittest.Repo) string { return r.WriteObject("blob", "image: api:1\n") }
	entry := func(mode, name, hash string) string { return string(treeOf(mode, name, hash)) }
	for name, c := range map[string]struct {
		damage func(r *gittest.Repo)
		now    string // what is found at once
		after  string // what git finds
	}{
		"nothing": {func(*gittest.Repo) {}, "", ""},
		"a file is missing": {func(r *gittest.Repo) {
			tree := r.WriteObject("tree", entry("100644", "a", strings.Repeat("1", 40)))
			r.WriteCommit(tree, "x\n")
		}, "needs the blob 1111", ""},
		"a parent is missing": {func(r *gittest.Repo) {
			r.WriteCommit(r.Tree(r.Tip("main")), "x\n", strings.Repeat("2", 40))
		}, "needs the commit 2222", ""},
		"a branch is at nothing": {func(r *gittest.Repo) { r.MoveBranch("x", strings.Repeat("3", 40)) }, "needs the commit 3333", ""},
		"a branch is at a tree":  {func(r *gittest.Repo) { r.MoveBranch("x", r.Tree(r.Tip("main"))) }, "for a commit", ""},
		"a file is a folder": {func(r *gittest.Repo) {
			r.WriteObject("tree", entry("40000", "a", blobOf(r)))
		}, "for a tree", ""},
		"another content": {func(r *gittest.Repo) {
			other, err := os.ReadFile(file(r, r.WriteObject("blob", "other")))
			if err == nil {
				err = os.WriteFile(file(r, blobOf(r)), other, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "has the content of another object", ""},
		"cut short": {func(r *gittest.Repo) {
			if err := os.Truncate(file(r, blobOf(r)), 10); err != nil {
				t.Fatal(err)
			}
		}, "unexpected EOF", ""},
		"not sorted": {func(r *gittest.Repo) {
			r.WriteObject("tree", entry("100644", "b", blobOf(r))+entry("100644", "a", blobOf(r)))
		}, "", "treeNotSorted"},
		"a name twice": {func(r *gittest.Repo) {
			r.WriteObject("tree", entry("100644", "a", blobOf(r))+entry("100644", "a", blobOf(r)))
		}, "", "duplicateEntries"},
		"no e-mail": {func(r *gittest.Repo) {
			r.WriteObject("commit", "tree "+r.Tree(r.Tip("main"))+"\nauthor A 1 +0000\ncommitter A 1 +0000\n\nx\n")
		}, "", "missingEmail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fscks, err := gittest.NewFscks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			repo := gittest.NewRepo(t, sample())
			blobOf(repo)
			c.damage(repo)
			known, err := fscks.Add(repo, t.Name())
			if c.now == "" && (err != nil || !known) || c.now != "" && (err == nil || !strings.Contains(err.Error(), c.now)) {
				t.Errorf("got %t, %v, want %q", known, err, c.now)
			}
			if c.now != "" {
				return
			}
			found := fscks.Check()
			if (found == "") != (c.after == "") || !strings.Contains(found, c.after) || c.after != "" && !strings.HasSuffix(found, "in "+t.Name()) {
				t.Errorf("git finds %q, want %q", found, c.after)
			}
		})
	}
}

// TestFsckOfPacks has git check a pack as NewRepo writes it.
func TestFsckOfPacks(t *testing.T) {
	t.Parallel()
	files := sample()
	files["long"] = strings.Repeat("x", 300_000)
	repo := gittest.NewRepo(t, files)
	if out := repo.Git("fsck", "--full", "--strict", "--no-dangling"); out != "" {
		t.Error(out)
	}
	if n := strings.Fields(repo.Git("count-objects", "-v")); n[1] != "0" || n[5] == "0" {
		t.Errorf("the objects are in no pack: %v", n)
	}
}

// TestFsckAlone is of repositories that git checks by themselves.
func TestFsckAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *gittest.Repo){
		"a pack":      func(r *gittest.Repo) { r.Git("repack", "-adq") },
		"a tag":       func(r *gittest.Repo) { r.Git("tag", "v1", "main") },
		"packed refs": func(r *gittest.Repo) { r.Git("pack-refs", "--all") },
	} {
		fscks, err := gittest.NewFscks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		repo := gittest.NewRepo(t, sample())
		change(repo)
		if known, err := fscks.Add(repo, t.Name()); known || err != nil {
			t.Errorf("%s: got %t, %v", name, known, err)
		}
	}
}
