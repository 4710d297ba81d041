package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// TestTestMerge knows the commit of GITHUB_SHA in a workflow on pull_request by its message.
func TestTestMerge(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t, gittest.Files{"a": "0"})
	base := repo.Tip("main")
	head := repo.Commit("topic", gittest.Files{"a": "1"}, "Change a")
	merge := repo.Commit("topic", gittest.Files{"a": "2"}, "Merge "+head+" into "+base)
	said := repo.Commit("topic", gittest.Files{"a": "3"}, "Merge "+head+" into "+base+" by hand")
	h, err := gitrepo.OpenHistory(repo.Folder())
	if err != nil {
		t.Fatal(err)
	}
	for next, want := range map[string]deploy.Relation{merge: deploy.TestMerge, merge[:9]: deploy.TestMerge, head: deploy.Diverged, said: deploy.Diverged} {
		if got, err := (deploy.GitHistory{History: h}).Relation(t.Context(), base, next); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", next, got, err, want)
		}
	}
}

type fixed struct {
	relation deploy.Relation
	err      error
}

func (f fixed) Relation(context.Context, string, string) (deploy.Relation, error) {
	return f.relation, f.err
}

func (f fixed) Between(context.Context, string, string) (*deploy.Between, error) { return nil, f.err }

// TestShallowCloneWhereTheAPIFails says both, and what to do about the clone.
func TestShallowCloneWhereTheAPIFails(t *testing.T) {
	t.Parallel()
	failing := &deploy.FetchedHistory{Fetch: func(context.Context) (*gitrepo.History, error) {
		return nil, problem.New("give a token", "404 not found")
	}}
	_, err := deploy.Histories{fixed{deploy.CutOff, nil}, failing}.Relation(t.Context(), "a", "b")
	p := problem.All(err)[0]
	if !strings.Contains(p.Message, "404 not found") || !strings.Contains(p.Message, "shallow") || !strings.HasPrefix(p.Hint, "check the service out with fetch-depth: 0") {
		t.Errorf("got %q, %q", p.Message, p.Hint)
	}
	_, err = deploy.Histories{fixed{deploy.OldUnknown, nil}, failing}.Relation(t.Context(), "a", "b")
	if p := problem.All(err)[0]; strings.Contains(p.Message+p.Hint, "shallow") {
		t.Errorf("got %q, %q", p.Message, p.Hint)
	}
	if got, err := (deploy.Histories{fixed{deploy.CutOff, nil}, fixed{deploy.Behind, nil}}).Relation(t.Context(), "a", "b"); got != deploy.Behind || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	broken := errors.New("disk")
	if _, err := (deploy.Histories{fixed{deploy.CutOff, nil}, fixed{deploy.NotKnown, broken}}).Relation(t.Context(), "a", "b"); err != broken {
		t.Errorf("got %v", err)
	}
}

// ending is a History whose answer is the last thing before a run ends.
type ending struct {
	fixed
	end context.CancelFunc
}

func (e ending) Relation(ctx context.Context, running, next string) (deploy.Relation, error) {
	e.end()
	return e.fixed.Relation(ctx, running, next)
}

// TestInterruptedAfterTheOrderIsKnown is no success: nothing was deployed.
func TestInterruptedAfterTheOrderIsKnown(t *testing.T) {
	t.Parallel()
	files := siteOf("api")
	files["environments/dev.yaml"] = byCommit
	s := newSite(t, files)
	ctx, cancel := context.WithCancel(t.Context())
	s.History = func(bump.Target) deploy.History { return ending{fixed{deploy.Ahead, nil}, cancel} }
	if outcome, err := s.Run(ctx); err == nil || err.Error() != "interrupted" {
		t.Errorf("got %s, %v", outcome.Status, err)
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

// TestFetchedBetween asks a server again for a commit that was pushed since, though nothing
// asked how it stands to the one that runs: under order: none nothing does.
func TestFetchedBetween(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true, Memory: true})
	repo := server.NewRepo("app", gittest.Files{"a": "1"})
	first := repo.Tip("main")
	fetches := 0
	h := &deploy.FetchedHistory{Fetch: func(ctx context.Context) (*gitrepo.History, error) {
		fetches++
		r, err := gitrepo.Open(server.URL("app"), gitrepo.Options{})
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.History(ctx)
	}}
	between := func(from, to string, want int) {
		t.Helper()
		if got, err := h.Between(t.Context(), from, to); err != nil || got.Added.Total != 1 || fetches != want {
			t.Errorf("got %+v, %v, after %d fetches, want %d", got, err, fetches, want)
		}
	}
	second := repo.Commit("main", gittest.Files{"a": "2"}, "second")
	between(first, second, 1)
	third := repo.Commit("main", gittest.Files{"a": "3"}, "third")
	between(second, third, 2)
	between(first, second, 2)
	for range 2 { // it is looked for once
		if got, err := h.Between(t.Context(), first, "0123456789"); err == nil || !strings.HasSuffix(err.Error(), " has no commit 0123456789") || fetches != 3 {
			t.Errorf("got %+v, %v, after %d fetches", got, err, fetches)
		}
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
	h.source.MoveBranch("20260103", h.source.Log("main")[0])
	clone, err := gitrepo.OpenHistory(h.source.Folder())
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
