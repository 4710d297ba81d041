package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/deploy"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// commits has the next commits that are sent to the server meet something first.
func (h *gitHubSite) beforeCommit(then ...func()) {
	for _, do := range then {
		if h.api {
			h.github.Fail("graphql createCommitOnBranch", ghtest.Fault{Then: do})
		} else {
			h.Fail(gittest.Push, gittest.Fault{Then: do})
		}
	}
}

// loseAnswer has the next commit be made, and its answer lost.
func (h *gitHubSite) loseAnswer() {
	h.lost = true
	h.github.Fail("graphql createCommitOnBranch", ghtest.Fault{Deaf: true})
	h.Fail(gittest.Push, gittest.Fault{Deaf: true})
}

var races = []sentence{
	{"on a moved tip the edit is made again on the new tip", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Env = "dev"
		h.beforeCommit(func() { h.move("web", "other") }, func() { h.move("web", "another") })
		if outcome := h.deploys(4, deploy.Changed); outcome.Attempts != 3 {
			t.Errorf("%d attempts, want 3", outcome.Attempts)
		}
		h.runs("api", h.builds[4], 3)
		h.runs("web", "another", 3)
	}},
	{"the edit is a function of the tree: what the others did counts", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.beforeCommit(func() { h.move("api", h.builds[4]) })
		h.deploys(4, deploy.Unchanged)
		h.beforeCommit(func() {
			h.repo.Commit("main", gittest.Files{"environments/dev.yaml": "deploy: {strategy: pull-request}\n"}, "careful")
		})
		h.move("api", h.builds[0])
		if h.deploys(2, deploy.Proposed); h.repo.Read("main", fileOf("dev", "api")) != manifestOf("api", h.builds[0]) {
			t.Error("it was pushed")
		}
	}},
	{"up to 15 times", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Env, h.Tag = "dev", h.builds[4]
		for n := range 16 {
			h.beforeCommit(func() { h.move("web", string(rune('a'+n))) })
		}
		outcome, err := h.try(&h.Deployment)
		if p := problem.All(err)[0]; outcome.Attempts != 15 || !strings.HasPrefix(p.Message, "gave up after 15 attempts: others pushed to main first, each time") || !p.Refused {
			t.Errorf("got %+v, %v", outcome, err)
		}
	}},
	{"with full jitter, at most the time that there is", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Env, h.Tag = "dev", h.builds[4]
		var waits []time.Duration
		h.Sleep = func(ctx context.Context, d time.Duration) error {
			waits = append(waits, d)
			if len(waits) == 4 {
				return context.DeadlineExceeded
			}
			return nil
		}
		for n := range 16 {
			h.beforeCommit(func() { h.move("web", string(rune('a'+n))) })
		}
		_, err := h.try(&h.Deployment)
		if p := problem.All(err)[0]; !strings.HasPrefix(p.Message, "gave up after 4 attempts, for --timeout: ") || !strings.HasPrefix(p.Hint, "nothing was pushed: run it again") {
			t.Errorf("got %q, %q", p.Message, p.Hint)
		}
		if waits[0] == waits[1] || waits[1] == waits[2] {
			t.Errorf("waits %v", waits)
		}
	}},
	{"a moved tip is detected by reading the branch again, never by an error's text", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Env = "dev"
		if api {
			h.github.Fail("graphql createCommitOnBranch", ghtest.Fault{Status: 422, Body: `{"message":"the moon is in the wrong house"}`, Then: func() { h.move("web", "other") }})
		} else { // git's own words, which nothing looks at
			h.beforeCommit(func() { h.move("web", "other") })
		}
		if outcome := h.deploys(4, deploy.Changed); outcome.Attempts != 2 {
			t.Errorf("%d attempts, want 2", outcome.Attempts)
		}
		h.runs("web", "other", 2)
	}},
	{"a lost answer is looked up", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.loseAnswer()
		if outcome := h.deploys(4, deploy.Changed); outcome.Commit != h.repo.Tip("main") {
			t.Errorf("got %s, and the branch is at %s", outcome.Commit, h.repo.Tip("main"))
		}
		h.runs("api", h.builds[4], 1)
	}},
	{"a run that is repeated after it landed changes nothing, for every command", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.policy("deploy: {strategy: push}\n")
		twice := func(r runner) {
			t.Helper()
			h.does(r, deploy.Changed)
			before := h.repo.Tip("main")
			h.does(r, deploy.Unchanged)
			if h.repo.Tip("main") != before {
				t.Error("the branch moved")
			}
		}
		h.Tag = h.builds[2]
		twice(&h.Deployment)
		twice(h.rollback(""))
		twice(h.release(""))
		twice(h.hold("a migration"))
		twice(h.release(h.builds[4]))
		for _, want := range []string{deploy.Changed, deploy.Unchanged} {
			list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Services: []string{"web"}})
			if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || list[0].Outcome.Status != want {
				t.Errorf("got %+v, %v, want %s", list, err, want)
			}
		}
	}},
}

// TestRaces is "A lost push is never lost work".
func TestRaces(t *testing.T) { bySentence(t, races...) }
