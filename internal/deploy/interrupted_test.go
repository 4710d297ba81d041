package deploy_test

import (
	"context"
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
	"k8srepo/internal/repo"
)

// TestInterruptedBeforeThePullRequest says that the branch was pushed.
func TestInterruptedBeforeThePullRequest(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		ctx, cancel := context.WithCancel(t.Context())
		h.github.Fail("POST /repos/{owner}/{repo}/pulls", ghtest.Fault{Hang: true, Then: cancel})
		_, err := h.Run(ctx)
		if p := problem.All(err)[0]; p.Message != "interrupted" || p.Hint != "the branch "+branch+" was pushed, and its pull request may not be up to date: run it again" {
			t.Errorf("got %q, %q", p.Message, p.Hint)
		}
		h.lost = true // the branch is there: over the API that is another attempt
		h.run(deploy.Proposed)
	})
}

// TestInterrupted ends a run from outside, in each of its requests.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, kind := range []gittest.Kind{gittest.ReadRefs, gittest.Fetch, gittest.Push} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteOf("api"))
			ctx, cancel := context.WithCancel(t.Context())
			s.Fail(kind, gittest.Fault{Hang: true, Then: cancel})
			s.interrupted(ctx, kind == gittest.Push)
			s.run(deploy.Changed)
			s.runs("api", "new", 1)
		})
	}
	t.Run("while it waits", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		ctx, cancel := context.WithCancel(t.Context())
		s.Progress = func(string) { cancel() }
		s.Fail(gittest.ReadRefs, gittest.Fault{Status: 503, RetryAfter: "60"})
		s.interrupted(ctx, false)
	})
	t.Run("by the clock", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		ctx := gittest.NewExpiring(t.Context())
		s.Fail(gittest.Fetch, gittest.Fault{Hang: true, Hung: ctx.Expire})
		_, err := s.Run(ctx)
		if p := problem.All(err)[0]; problem.ExitStatus(err) != problem.ExitTrouble || !strings.HasPrefix(p.Message, "gave up after 1 attempt, for --timeout: ") {
			t.Errorf("got %v", err)
		}
	})
}

func (s *site) interrupted(ctx context.Context, pushed bool) {
	s.t.Helper()
	_, err := s.Run(ctx)
	want := "nothing was pushed"
	if pushed {
		want = "a commit was pushed and no answer came"
	}
	if p := problem.All(err)[0]; p.Message != "interrupted" || !strings.HasPrefix(p.Hint, want) || problem.ExitStatus(err) != problem.ExitTrouble {
		s.t.Errorf("got %q, %q", p.Message, p.Hint)
	}
}

// endingStore is a Store whose first commit is the last thing before a run ends.
type endingStore struct {
	deploy.Store
	end context.CancelFunc
}

func (s endingStore) Commit(ctx context.Context, c repo.PendingCommit) (string, error) {
	hash, err := s.Store.Commit(ctx, c)
	s.end()
	return hash, err
}

// TestPromotionEndsBetweenServices is no success for those that were not tried.
func TestPromotionEndsBetweenServices(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": pushes, fileOf("dev", "web"): manifestOf("web", h.builds[2])}, "two tags")
		ctx, cancel := context.WithCancel(t.Context())
		p := &deploy.Promotion{Options: h.Options, From: "dev", To: "prod", Services: []string{"api", "web"}}
		p.Store = endingStore{h.Store, cancel}
		list, err := p.Run(ctx)
		if err != nil || len(list) != 2 || list[0].Outcome == nil || list[0].Outcome.Status != deploy.Changed || list[0].Err != nil {
			t.Fatalf("got %+v, %v", list, err)
		}
		if got := list[1].Err; list[1].Outcome != nil || problem.ExitStatus(deploy.PromotedErr(list)) != problem.ExitTrouble || got.Error() != "web: interrupted before it was deployed" {
			t.Errorf("got %+v", list[1])
		}
	})
}
