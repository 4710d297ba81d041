package github_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/repo"
)

func (w *world) store() *github.Store {
	return &github.Store{Client: w.Client, Repo: w.at, Own: "tagbump/"}
}

// TestAncestry has the newest commits of a branch that has more than an Ancestry holds.
func TestAncestry(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	w.repo.MoveBranch(head, w.repo.Tip("main"))
	var commits []string
	for i := range repo.MaxAncestry + 2 {
		commits = append(commits, w.repo.Commit(head, gittest.Files{"n": fmt.Sprint(i)}, fmt.Sprint(i)))
	}
	store := w.store()
	base := must[*repo.Commit](t)(store.Tip(ctx, "main"))
	tip := must[*repo.Commit](t)(store.Tip(ctx, head))
	got := must[*repo.Ancestry](t)(store.Ancestry(ctx, base, tip))
	if len(got.Commits) != repo.MaxAncestry || got.Commits[0].Hash != tip.Hash || got.Commits[repo.MaxAncestry-1].Hash != commits[2] {
		t.Errorf("%d commits, from %s to %s", len(got.Commits), got.Commits[0].Message, got.Commits[len(got.Commits)-1].Message)
	}
	if got.MergeBase.Hash != base.Hash {
		t.Errorf("the merge base is %s", got.MergeBase.Hash)
	}
}

// TestCommitTime has a commit that was made long after its author wrote it.
func TestCommitTime(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	made := time.Unix(1_700_000_000, 0)
	oid := w.repo.WriteObject("commit", fmt.Sprintf("tree %s\nparent %s\nauthor A <a@example.com> 1600000000 +0000\ncommitter B <b@example.com> %d +0000\n\nlater\n",
		w.repo.Tree(w.repo.Tip("main")), w.repo.Tip("main"), made.Unix()))
	w.repo.MoveBranch(head, oid)
	w.repo.MoveBranch("late", oid)
	w.repo.Commit(head, gittest.Files{file: "image: api:2\n"}, "next")
	store := w.store()
	tip := must[*repo.Commit](t)(store.Tip(ctx, head))
	before := must[*repo.Commit](t)(store.Tip(ctx, "main"))
	late := must[*repo.Commit](t)(w.store().Tip(ctx, "late"))
	between := must[*repo.Ancestry](t)(store.Ancestry(ctx, before, tip))
	for name, got := range map[string]time.Time{
		"a tip":                 late.Committer.When,
		"of an ancestry":        between.Commits[1].Committer.When,
		"looked up by its hash": must[*github.Tip](t)(w.At(ctx, w.at, oid)).Time,
	} {
		if !got.Equal(made) {
			t.Errorf("%s: committed %v, want %v", name, got, made)
		}
	}
}

// TestLinkAtTheTop has a symbolic link in the place of a file that is read from the top
// folder: it is not taken for a file that holds its target's name.
func TestLinkAtTheTop(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	w.repo.Commit("main", gittest.Files{"120000 users.yaml": "elsewhere.yaml"}, "link")
	w.server.Reset()
	tip := must[*repo.Commit](t)(w.store().Tip(ctx, "main", "users.yaml", "none.yaml", file))
	if _, err := tip.FS(ctx).ReadFile("users.yaml"); !errors.Is(err, repo.ErrLink) {
		t.Errorf("got %v", err)
	}
	if w.server.Count() != 1 {
		t.Errorf("%d round trips", w.server.Count())
	}
}

// TestFoldersAtTheTop fetches folders whose parent was listed: that one does not bring what is in
// them.
func TestFoldersAtTheTop(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.repo.Commit("main", gittest.Files{"dev/a.yaml": "a\n", "dev/below/b.yaml": "b\n", "prod/a.yaml": "a\n"}, "folders")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tip := must[*repo.Commit](t)(w.store().Tip(ctx, "main"))
	w.server.Reset()
	if err := tip.Tree.Fetch(ctx, "dev", "prod", "users.yaml"); err != nil {
		t.Fatal(err)
	}
	fetched := w.server.Count()
	for _, name := range []string{"dev/a.yaml", "dev/below/b.yaml", "prod/a.yaml", file, "users.yaml"} {
		if got := must[[]byte](t)(tip.FS(ctx).ReadFile(name)); string(got) != w.repo.Read("main", name) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if fetched > 4 || w.server.Count() != fetched { // one for each level of folders
		t.Errorf("%d round trips, and %d to read the files", fetched, w.server.Count()-fetched)
	}
}

// TestLog has a file that changes often, and one that changed before: each commit comes once, the
// newest first, and a window says since when it has all.
func TestLog(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	const often, start = 120, 1_770_000_000
	w.repo.MoveBranch(head, w.repo.Tip("main"))
	at := w.repo.Tip("main")
	change := func(i int, name string) {
		tree := w.repo.EditTree(w.repo.Tree(at), gittest.Files{name: fmt.Sprint(i)})
		who := fmt.Sprintf("A <a@example.com> %d +0000", start+i)
		at = w.repo.WriteObject("commit", fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%d", tree, at, who, who, i))
	}
	change(0, "seldom")
	for i := range often {
		change(i+1, "often")
	}
	w.repo.MoveBranch(head, at)
	store := w.store()
	tip := must[*repo.Commit](t)(store.Tip(ctx, head))
	window := func(depth int) (*repo.Window, error) { return store.Log(ctx, tip, depth, "seldom", "often") }
	if first := must[*repo.Window](t)(window(50)); first.Whole || first.Oldest.Unix() != start+often-49 {
		t.Errorf("the first window has all since %v, whole: %t", first.Oldest.UTC(), first.Whole)
	}
	next := often
	for e, err := range repo.Log(window) {
		if err != nil || e.Message != fmt.Sprint(next) {
			t.Fatalf("got %v, %v, want %d", e.Commit, err, next)
		}
		next--
	}
	if next != -1 {
		t.Errorf("ends before %d", next)
	}
}
