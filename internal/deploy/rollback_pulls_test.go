package deploy_test

import (
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func TestRollbackByPullRequest(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[2])}, "by hand")
	h.deploys(3, deploy.Proposed) // and what is proposed is newer still

	h.Tag = ""
	outcome, err := (&deploy.Rollback{Deployment: h.Deployment}).Run(t.Context())
	if err != nil || outcome.Status != deploy.Proposed {
		t.Fatalf("got %s, %v", outcome.Status, err)
	}
	h.proposes(1)
	if message, want := h.repo.Git("show", "-s", "--format=%B", branch), "Tagbump-Rollback: api "+h.builds[2]+" → "+h.builds[1]+"\n"; !strings.Contains(message, want) {
		t.Errorf("got %s, want %s in it", message, want)
	}
	if p := h.pull(); !p.Open || p.Title != "Deploy api "+h.builds[1]+" to prod" {
		t.Errorf("got %+v", p)
	}

	// Meanwhile the pipeline of what runs is run again: that is no reason to close it.
	h.deploys(2, deploy.Unchanged)
	if p := h.pull(); !p.Open {
		t.Errorf("got %+v", p)
	}

	h.k8s.Merge(1, "carol")
	h.repo.Commit("main", gittest.Files{"a": "b"}, "something else")
	h.Tag = h.builds[2]
	if _, err := h.Run(t.Context()); problem.ExitStatus(err) != problem.ExitRefused || !strings.Contains(err.Error(), h.builds[2]+" was rolled back to "+h.builds[1]+" in prod") {
		t.Errorf("got %v", err)
	}
	h.deploys(4, deploy.Proposed)
	h.proposes(4)
}
