package deploy_test

import (
	"strings"
	"testing"
	"time"

	"k8srepo/internal/deploy"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const inProd = "prod/manifests/api/api-prod-deployment.yaml"

func prodRuns(ref string) string {
	return "spec:\n  containers:\n    - {name: api, image: '" + ref + "'}\n"
}

// prodSite is a k8s repo on a GitHub in which prod, which is pushed to, ran these
// references of api, one after another.
func prodSite(t *testing.T, api bool, refs ...string) *hub {
	t.Helper()
	h := newHub(t)
	h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\n"}, "start")
	for _, ref := range refs {
		h.repo.Commit("main", gittest.Files{inProd: prodRuns("registry.example.com/" + ref)}, "api: prod "+ref)
	}
	h.via(api)
	h.Now = func() time.Time { return time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC) }
	h.RequestedBy = "alice"
	return h
}

func (h *hub) rollsBack(to, want string) *deploy.Outcome {
	h.t.Helper()
	outcome, err := (&deploy.Rollback{Options: h.Options, Env: "prod", Service: "api", To: to}).Run(h.t.Context())
	if err != nil || outcome.Status != want {
		h.t.Fatalf("got %s, %v, want %s", outcome.Status, err, want)
	}
	h.repo.Fsck()
	return outcome
}

func (h *hub) releases(tag, want string) *deploy.Outcome {
	h.t.Helper()
	outcome, err := (&deploy.Release{Options: h.Options, Env: "prod", Service: "api", Tag: tag}).Run(h.t.Context())
	if err != nil || outcome.Status != want {
		h.t.Fatalf("got %s, %v, want %s", outcome.Status, err, want)
	}
	return outcome
}

// isHeld deploys a build, which must be held.
func (h *hub) isHeld(build int, text string) {
	h.t.Helper()
	h.Tag = h.builds[build]
	outcome, err := h.Run(h.t.Context())
	if outcome.Status != deploy.Held || problem.ExitStatus(err) != problem.ExitRefused || !strings.Contains(err.Error(), text) {
		h.t.Errorf("got %s, %v, want %q", outcome.Status, err, text)
	}
}

func TestRollback(t *testing.T) {
	const digest = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for _, c := range []struct {
		name string
		refs []string
		to   string
		want string // the image, or what the error says
	}{
		{"to the tag before", []string{"api:1", "api:2", "api:3"}, "", "api:2"},
		{"past changes of the same tag", []string{"api:1", "api:2", "api:2'} #{'"}, "", "api:1"},
		{"to a digest", []string{"api" + digest, "api:2"}, "", "api" + digest},
		{"to a tag and its digest", []string{"api:1" + digest, "api:1"}, "", "api:1" + digest},
		{"past a tag of another image", []string{"api:1", "other:7", "api:2"}, "", "api:1"},
		{"past what was no YAML", []string{"api:1", "'", "api:2"}, "", "api:1"},
		{"to a tag long ago", []string{"api:1", "api:2", "api:3"}, "1", "api:1"},
		{"not to a tag that never ran", []string{"api:1", "api:2"}, "7", "7 has not run in prod"},
		{"not to what is no tag", []string{"api:1", "api:2"}, "-", `--to "-" is an invalid tag`},
		{"not to nothing", nil, "", "there is no tag of api to go back to in prod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, api bool) {
				h := prodSite(t, api, c.refs...)
				outcome, err := (&deploy.Rollback{Options: h.Options, Env: "prod", Service: "api", To: c.to}).Run(t.Context())
				if err != nil {
					if !strings.HasPrefix(err.Error(), c.want) || outcome.Status != deploy.Failed {
						t.Errorf("got %s, %v", outcome.Status, err)
					}
					return
				}
				if got := h.repo.Read("main", inProd); outcome.Status != deploy.Changed || !strings.Contains(got, "registry.example.com/"+c.want+"'") {
					t.Errorf("got %s and\n%s", outcome.Status, got)
				}
				h.repo.Fsck()
			})
		})
	}
}

// TestRollbackHolds rolls back by a push: the tag and the hold are one commit.
func TestRollbackHolds(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := prodSite(t, api)
		for _, build := range []int{1, 2, 3} {
			h.repo.Commit("main", gittest.Files{inProd: prodRuns("registry.example.com/api:" + h.builds[build])}, "next")
		}
		before := len(h.repo.Log("main"))
		h.rollsBack("", deploy.Changed)
		want := "tag: " + h.builds[2] + "\nfrom: " + h.builds[3] + "\nreason: rolled back from " + h.builds[3] + " to " + h.builds[2] + "\nby: alice\ndate: \"2026-01-03T00:00:00Z\"\n"
		if got := h.repo.Read("main", "holds/prod/api.yaml"); unquoted(got) != unquoted(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if n := len(h.repo.Log("main")) - before; n != 1 {
			t.Errorf("%d commits, want 1", n)
		}
		h.rollsBack("", deploy.Unchanged)
		h.rollsBack(h.builds[2], deploy.Unchanged)
		h.isHeld(4, "api is held in prod at "+h.builds[2]+" by alice")
		h.Force = true
		h.isHeld(4, "holds/prod/api.yaml")
		h.Force = false
		h.deploys(2, deploy.Unchanged) // what runs

		// Once more, to one further back; the hold is rewritten.
		h.rollsBack(h.builds[1], deploy.Changed)
		if got := h.repo.Read("main", "holds/prod/api.yaml"); !strings.Contains(got, "tag: "+h.builds[1]+"\nfrom: "+h.builds[2]+"\n") {
			t.Errorf("got %s", got)
		}
		h.releases("", deploy.Changed)
		h.releases("", deploy.Unchanged)
		h.deploys(4, deploy.Changed)
	})
}

func unquoted(s string) string { return strings.ReplaceAll(s, `"`, "") }

// TestRollbackPassesOverWhatWasRolledBack goes back, is released, and goes back again.
func TestRollbackPassesOverWhatWasRolledBack(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := prodSite(t, api, "api:1", "api:2", "api:3")
		h.rollsBack("", deploy.Changed)
		h.releases("", deploy.Changed)
		if outcome := h.rollsBack("", deploy.Changed); outcome.NewTag != "1" {
			t.Errorf("went to %s, want 1", outcome.NewTag)
		}
	})
}

// TestReleaseMoves moves the service in the commit that lets it go.
func TestReleaseMoves(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := prodSite(t, api)
		for _, build := range []int{1, 2} {
			h.repo.Commit("main", gittest.Files{inProd: prodRuns("registry.example.com/api:" + h.builds[build])}, "next")
		}
		h.rollsBack("", deploy.Changed)
		before := len(h.repo.Log("main"))
		h.releases(h.builds[3], deploy.Changed)
		if got := h.repo.Read("main", inProd); !strings.Contains(got, "api:"+h.builds[3]+"'") || len(h.repo.Log("main")) != before+1 {
			t.Errorf("got %s", got)
		}
		for _, file := range h.repo.List("main") {
			if strings.HasPrefix(file, "holds/") {
				t.Errorf("%s is still there", file)
			}
		}
	})
}

// TestRollbackDoesNotUndoWhatCameInBetween goes back from what runs by then.
func TestRollbackDoesNotUndoWhatCameInBetween(t *testing.T) {
	t.Parallel()
	h := prodSite(t, false, "api:1", "api:2")
	h.Fail(gittest.Push, gittest.Fault{Then: func() {
		h.repo.Commit("main", gittest.Files{"other": "x"}, "meanwhile")
	}})
	if outcome := h.rollsBack("", deploy.Changed); outcome.Attempts != 2 || outcome.NewTag != "1" {
		t.Errorf("got %+v", outcome)
	}
	if got := h.repo.Read("main", "other"); got != "x" {
		t.Errorf("got %q", got)
	}
}

// TestRollbackWithoutAnAnswer loses the answer to the push: it went one tag back.
func TestRollbackWithoutAnAnswer(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := prodSite(t, api, "api:1", "api:2", "api:3")
		if api {
			h.github.Fail("graphql createCommitOnBranch", ghtest.Fault{Deaf: true})
		} else {
			h.Fail(gittest.Push, gittest.Fault{Deaf: true})
		}
		if outcome := h.rollsBack("", deploy.Changed); outcome.NewTag != "2" {
			t.Errorf("got %+v", outcome)
		}
		if got := h.repo.Read("main", inProd); !strings.Contains(got, "api:2'") {
			t.Errorf("got %s", got)
		}
	})
}

// TestRollbackByPullRequest proposes a rollback on a branch of its own.
func TestRollbackByPullRequest(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[2])}, "by hand")
		h.deploys(3, deploy.Proposed)

		outcome := h.rollsBack("", deploy.Proposed)
		const own = "tagbump-rollback/prod/api"
		if got := h.repo.Read(own, "holds/prod/api.yaml"); !strings.HasPrefix(got, "tag: "+h.builds[1]+"\nfrom: "+h.builds[2]+"\n") {
			t.Errorf("got %s", got)
		}
		pulls := h.k8s.PullRequests()
		if len(pulls) != 2 || pulls[0].Open || len(pulls[0].Comments) != 1 || !pulls[1].Open || pulls[1].Title != "Roll back api to "+h.builds[1]+" in prod" {
			t.Fatalf("got %+v", pulls)
		}
		if !strings.Contains(pulls[1].Body, "back. This takes away [1 commit]") || !strings.Contains(pulls[1].Body, "Change 2") {
			t.Errorf("what is taken away is not in the body:\n%s", pulls[1].Body)
		}
		if again := h.rollsBack("", deploy.Unchanged); again.Pull != deploy.Untouched || again.PullRequest != outcome.PullRequest {
			t.Errorf("got %+v", again)
		}

		// While it is open nothing is deployed, and the pipeline of what runs does not close it.
		h.isHeld(4, "api is held in prod while "+outcome.PullRequest+" is open")
		h.deploys(2, deploy.Unchanged)
		if !h.k8s.PullRequests()[1].Open {
			t.Error("it was closed")
		}
		h.k8s.Merge(2, "carol")
		h.isHeld(4, "api is held in prod at "+h.builds[1])
		h.releases("", deploy.Proposed)
		h.k8s.Merge(3, "carol")
		h.deploys(4, deploy.Proposed)
	})
}

// TestHold is a hold of somebody's own, by a file that a person may write too.
func TestHold(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		hold := func(want string) *deploy.Outcome {
			t.Helper()
			outcome, err := (&deploy.Hold{Options: h.Options, Env: "prod", Service: "api", Reason: "migration"}).Run(t.Context())
			if err != nil || outcome.Status != want {
				t.Fatalf("got %s, %v, want %s", outcome.Status, err, want)
			}
			return outcome
		}
		h.deploys(2, deploy.Proposed)
		hold(deploy.Proposed)
		hold(deploy.Unchanged)
		if pulls := h.k8s.PullRequests(); pulls[0].Open || pulls[1].Title != "Hold api at "+h.builds[1]+" in prod" {
			t.Errorf("got %+v", pulls)
		}
		h.k8s.Merge(2, "carol")
		hold(deploy.Unchanged)
		h.isHeld(2, "migration")
		h.repo.Commit("main", gittest.Files{"holds/prod/api.yaml": "'\n"}, "no YAML")
		h.isHeld(2, "api is held in prod")
	})
}

// TestForgedRollback plants a trailer and a reference as older versions wrote them.
func TestForgedRollback(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.Env = "dev"
		forged := h.repo.Commit("main", gittest.Files{"a": "b"}, "back\n\nTagbump-Rollback: api "+h.builds[4]+" → "+h.builds[3]+"\nTagbump-Environment: dev")
		h.repo.Git("update-ref", "refs/tagbump/rollback/dev/api", forged)
		h.deploys(4, deploy.Changed)
	})
}
