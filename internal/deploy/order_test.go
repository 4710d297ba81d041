package deploy_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Error(err)
	}
}

// TestShallowClone is the clone that CI makes unless it is told otherwise.
func TestShallowClone(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	clone := t.TempDir()
	a.Git("clone", "--quiet", "--depth=1", a.URL(), clone)
	for running, next := range map[string]string{a.one: a.three, a.three: a.one} {
		files := siteOf("api")
		files[fileOf("dev", "api")], files["environments/dev.yaml"] = manifestOf("api", running), byCommit
		s := newSite(t, files)
		s.Tag, s.History = next, a.history(t, clone)
		s.refused(problem.ExitRefused, "fetch-depth: 0")
	}
}

// TestFetchedHistory asks a server for commits, again once it may have new ones.
func TestFetchedHistory(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("app", gittest.Files{"a": "1"})
	first := repo.Tip("main")
	h := &deploy.FetchedHistory{Fetch: func(ctx context.Context) (*gitrepo.History, error) {
		r, err := gitrepo.Open(server.URL("app"), gitrepo.Options{})
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.History(ctx)
	}}
	relation := func(running, next string) deploy.Relation {
		t.Helper()
		r, err := h.Relation(t.Context(), running, next)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := relation(first, first[:7]); got != deploy.Ahead {
		t.Errorf("got %v", got)
	}
	second := repo.Commit("main", gittest.Files{"a": "2"}, "second")
	if got := relation(second, first); got != deploy.Behind {
		t.Errorf("got %v", got)
	}
	n := server.Count()
	if got := relation(first, second); got != deploy.Ahead || server.Count() != n {
		t.Errorf("got %v, after %d requests", got, server.Count()-n)
	}
	// Only a release's tag has it.
	tagged := repo.Commit("gone", gittest.Files{"a": "3"}, "tagged")
	repo.Git("tag", "-a", "-m", "v1", "v1", tagged)
	repo.Git("update-ref", "-d", "refs/heads/gone")
	if got := relation(tagged, second); got != deploy.Diverged {
		t.Errorf("got %v", got)
	}
	clone := gittest.NewRepo(t, gittest.Files{"b": "1"})
	both := deploy.Histories{(&app{Repo: clone}).history(t, clone.Dir)(bump.Target{}), h}
	if got, err := both.Relation(t.Context(), first, second); got != deploy.Ahead || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestHistoryOutOfReach is a service whose repository cannot be read now, or ever.
func TestHistoryOutOfReach(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	files := siteOf("api")
	files[fileOf("dev", "api")], files["environments/dev.yaml"] = manifestOf("api", a.one), byCommit
	s := newSite(t, files)
	s.Tag = a.two
	failures := 0
	err := fmt.Errorf("no entry")
	h := &deploy.FetchedHistory{Fetch: func(context.Context) (*gitrepo.History, error) {
		if failures--; failures >= 0 {
			return nil, err
		}
		return gitrepo.OpenHistory(a.Dir)
	}}
	s.History = func(bump.Target) deploy.History { return h }
	failures = 1
	s.refused(problem.ExitTrouble, "cannot tell older from newer: no entry | or name a clone of the service with --app-repo, or do without with --force")
	failures, err = 1, &gitrepo.StatusError{Code: 503}
	if outcome := s.run(deploy.Changed); outcome.Attempts != 2 {
		t.Errorf("got %+v", outcome)
	}
}

// TestTagsThatLookLikeHashes has a Git tag and a branch that are called by a day: the tag
// names a commit, and the branch, which moves, names none. GitHub takes a name of either
// where it is asked for a hash.
func TestTagsThatLookLikeHashes(t *testing.T) {
	t.Parallel()
	h := newGitHubSite(t, false)
	h.source.Git("tag", "20260102", h.builds[3])
	h.source.Git("branch", "20260103", h.builds[4])
	clone, err := gitrepo.OpenHistory(h.source.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, history := range map[string]deploy.History{"clone": deploy.GitHistory{History: clone}, "github": h.History(bump.Target{})} {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				from, to string
				relation deploy.Relation
				added    int // -1 where that is not known
			}{
				{h.builds[1], h.builds[2], deploy.Ahead, 1},
				{"sha-" + h.builds[0], h.builds[2], deploy.Ahead, 2},
				{h.builds[1], "20260102", deploy.Ahead, 2},
				{"20260102", h.builds[2], deploy.Behind, 0},
				{h.builds[1], "20260103", deploy.NewUnknown, -1},
				{"20260103", h.builds[4], deploy.OldUnknown, -1},
			} {
				if got, err := history.Relation(t.Context(), c.from, c.to); got != c.relation || err != nil {
					t.Errorf("%s to %s: got %v, %v", c.from, c.to, got, err)
				}
				between, err := history.Between(t.Context(), c.from, c.to)
				switch {
				case c.added < 0:
					if err == nil || !strings.HasSuffix(err.Error(), " has no commit 20260103") {
						t.Errorf("%s to %s: got %+v, %v", c.from, c.to, between, err)
					}
				case err != nil || between.Added.Total != c.added || len(between.From) != 40 || len(between.To) != 40:
					t.Errorf("%s to %s: got %+v, %v", c.from, c.to, between, err)
				}
			}
		})
	}
}
