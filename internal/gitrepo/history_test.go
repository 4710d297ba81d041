package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

// branched is a repository of a line of commits, one branch beside it, and their
// merge.
func branched(t *testing.T, server *gittest.Server) (repo *gittest.Repo, line []string, side, merge string) {
	t.Helper()
	repo = server.NewRepo("app", gittest.Files{"a": "0"})
	line = []string{repo.Tip("main")}
	for i := range 5 {
		line = append(line, repo.Commit("main", gittest.Files{"a": fmt.Sprint(i + 1)}, "next"))
	}
	repo.MoveBranch("side", line[2])
	side = repo.Commit("side", gittest.Files{"b": "1"}, "side")
	merge = repo.WriteCommit(repo.Tree(line[5]), "merge", line[5], side)
	repo.MoveBranch("merged", merge)
	return repo, line, side, merge
}

// TestHistory asks a clone on disk, loose and packed, and a server.
func TestHistory(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo, line, side, merge := branched(t, server)
	clone := t.TempDir()
	repo.Git("clone", "--quiet", repo.URL(), clone)
	packed := t.TempDir()
	repo.Git("clone", "--quiet", "--bare", "--no-local", repo.URL(), packed)
	linked := t.TempDir() + "/linked"
	repo.Git("-C", clone, "worktree", "add", "--quiet", "--detach", linked)

	histories := map[string]*gitrepo.History{}
	for name, dir := range map[string]string{"bare": repo.Dir, "clone": clone, "packed": packed, "worktree": linked} {
		h, err := gitrepo.OpenHistory(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		histories[name] = h
	}
	h, err := open(t, server.URL("app"), gitrepo.Options{}).History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	histories["server"] = h

	for name, h := range histories {
		for _, c := range []struct {
			a, b          string
			ahead, behind bool
		}{
			{line[0], line[0], true, true},
			{line[5], line[0], true, false},
			{line[0], line[5], false, true},
			{line[5], side, false, false},
			{merge, side, true, false},
			{line[2], merge, false, true},
			{side[:7], line[1][:9], true, false},
		} {
			a, errA := h.Resolve(c.a)
			b, errB := h.Resolve(c.b)
			ahead, behind, err := h.Compare(t.Context(), a, b)
			if err := errors.Join(errA, errB, err); err != nil || ahead != c.ahead || behind != c.behind {
				t.Errorf("%s: %.7s against %.7s: got %v, %v, %v, want %v, %v", name, c.a, c.b, ahead, behind, err, c.ahead, c.behind)
			}
		}
		for _, absent := range []string{strings.Repeat("f", 40), "fffffff", "xyz", strings.Repeat("f", 64), repo.Tree(line[5])} {
			if _, err := h.Resolve(absent); !errors.Is(err, gitrepo.ErrNoCommit) {
				t.Errorf("%s: %s: got %v", name, absent, err)
			}
		}
		if h.Shallow() {
			t.Errorf("%s: is shallow", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Compare(ctx, gitrepo.Hash{1}, gitrepo.Hash{2}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestHistoryIsCutOff is a clone that does not reach far enough.
func TestHistoryIsCutOff(t *testing.T) {
	t.Parallel()
	repo, line, side, _ := branched(t, gittest.NewServer(t, gittest.Options{}))
	clone := t.TempDir()
	repo.Git("clone", "--quiet", "--depth=2", "--no-single-branch", repo.URL(), clone)
	h, err := gitrepo.OpenHistory(clone)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Resolve(line[1]); !errors.Is(err, gitrepo.ErrNoCommit) || !h.Shallow() {
		t.Errorf("got %v", err)
	}
	if ahead, _, err := h.Compare(t.Context(), hash(line[5]), hash(line[4])); !ahead || err != nil {
		t.Errorf("within reach: got %v, %v", ahead, err)
	}
	if _, _, err := h.Compare(t.Context(), hash(line[5]), hash(side)); !errors.Is(err, gitrepo.ErrShallow) {
		t.Errorf("out of reach: got %v", err)
	}
}

func TestHistoryErrors(t *testing.T) {
	t.Parallel()
	if _, err := gitrepo.OpenHistory(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no Git repository") {
		t.Errorf("got %v", err)
	}
	server := gittest.NewServer(t, gittest.Options{})
	server.NewRepo("empty", nil)
	if _, err := open(t, server.URL("empty"), gitrepo.Options{}).History(t.Context()); !errors.Is(err, gitrepo.ErrEmptyRepository) {
		t.Errorf("got %v", err)
	}
	server.NewRepo("old", sample()).NoFilter()
	if _, err := open(t, server.URL("old"), gitrepo.Options{}).History(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot send commits alone") {
		t.Errorf("got %v", err)
	}
	repo := server.NewRepo("duplicates", sample())
	tree := repo.Tree(repo.Tip("main"))
	for seen, i := map[string]bool{}, 0; ; i++ { // two hashes that begin alike
		hash := repo.WriteCommit(tree, fmt.Sprint(i))
		if seen[hash[:2]] {
			h, err := gitrepo.OpenHistory(repo.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Resolve(hash[:2]); err == nil || errors.Is(err, gitrepo.ErrNoCommit) || !strings.Contains(err.Error(), "is the beginning of 2 commits") {
				t.Errorf("got %v", err)
			}
			return
		}
		seen[hash[:2]] = true
	}
}

// TestFollows looks for commits behind a tip, with every ability of a server.
func TestFollows(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*gittest.Repo){
		"trees": func(*gittest.Repo) {}, "blobs": (*gittest.Repo).NoTreeFilter, "whole": (*gittest.Repo).NoFilter,
	} {
		server := gittest.NewServer(t, gittest.Options{Direct: true})
		repo, line, side, merge := branched(t, server)
		limit(repo)
		r := open(t, server.URL("app"), gitrepo.Options{})
		tip := tipOf(t, r, "main")
		for commit, want := range map[string]bool{line[5]: true, line[4]: true, line[2]: true, line[0]: false, side: false, merge: false} {
			hash, _ := gitrepo.ParseHash(commit)
			if got, err := tip.Follows(t.Context(), hash, 4); err != nil || got != want {
				t.Errorf("%s: %s: got %v, %v, want %v", name, commit, got, err, want)
			}
		}
		// What came down for that must not be taken for more than it is.
		repo.MoveBranch("main", line[3])
		if got, err := tipOf(t, r, "main").FS(t.Context()).ReadFile("a"); string(got) != "3" || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

// TestFollowsFetchesNoFileAgain counts what comes down from servers that send all trees, or
// everything, with a commit.
func TestFollowsFetchesNoFileAgain(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*gittest.Repo){"blobs": (*gittest.Repo).NoTreeFilter, "whole": (*gittest.Repo).NoFilter} {
		server := gittest.NewServer(t, gittest.Options{Direct: true})
		repo := server.NewRepo("app", gittest.Many(50, "dev"))
		limit(repo)
		first := repo.Tip("main")
		for range 3 {
			repo.Commit("main", gittest.Files{"a": fmt.Sprint(len(repo.Log("main")))}, "next")
		}
		tip := tipOf(t, open(t, server.URL("app"), gitrepo.Options{}), "main")
		down := server.Down()
		server.Reset()
		if got, err := tip.Follows(t.Context(), hash(first), 200); err != nil || !got {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if again := server.Down(); again > down/3 {
			t.Errorf("%s: %d bytes came down, and %d with the tip", name, again, down)
		}
	}
}
