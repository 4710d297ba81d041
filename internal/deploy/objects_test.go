package deploy_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

var objects = []sentence{
	{"a bump reads and writes Git objects only", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.deploys(4, deploy.Changed)
		entries, err := os.ReadDir(h.repo.Folder())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if slices.Contains([]string{"index", "worktrees", "shallow"}, e.Name()) {
				t.Errorf("%s was made", e.Name())
			}
		}
	}},
	{"from the tip alone, in few round trips", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web", "job")
		h.Env = "dev"
		h.deploys(4, deploy.Changed)
		h.atMost(8, 4)
	}},
	{"a pull request also reads its branch and merge base, in few round trips", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		for _, c := range []struct{ build, api int }{{2, 10}, {2, 8}, {3, 14}} { // made, untouched, updated: the last asks whether another run came between
			h.Reset()
			h.github.Reset()
			h.deploys(c.build, deploy.Proposed)
			h.atMost(24, c.api)
		}
	}},
	{"and fetches only the objects on its path where the server can filter", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.repo.Commit("main", gittest.Files{"elsewhere/big.txt": strings.Repeat("all work and no play makes a dull day ", 100) + "SENTINEL"}, "big")
		h.deploys(4, deploy.Changed)
		if !api {
			if n := h.Down(); n > 4_000 {
				t.Errorf("%d bytes", n)
			}
			return
		}
		for _, r := range h.github.Log() {
			if strings.Contains(r.Body, "elsewhere") {
				t.Errorf("it asks for %s", r.Body)
			}
		}
	}},
	{"it pushes one compare-and-swap", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.deploys(4, deploy.Changed)
		if h.Count(gittest.Push)+h.github.Count("graphql createCommitOnBranch") != 1 || len(h.repo.Log("main")) != 2 {
			t.Errorf("%d pushes, %v", h.Count(gittest.Push), kinds(h.github))
		}
	}},
	{"--via api does the same without Git, and its commits are verified", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.deploys(4, deploy.Changed)
		h.deploys(4, deploy.Unchanged)
		h.deploys(2, deploy.Superseded)
		h.Env = "prod"
		outcome := h.deploys(2, deploy.Proposed)
		if api && (h.Count() > 0 || !h.k8s.Verified(outcome.Commit)) {
			t.Errorf("%d requests to Git; verified: %t", h.Count(), h.k8s.Verified(outcome.Commit))
		}
	}},
	{"the result has files, tags, the commit, the pull request and what became of it, and the attempts", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.beforeCommit(func() { h.move("api", h.builds[4]) })
		got := h.deploys(2, deploy.Proposed)
		if len(got.Files) != 1 || got.Files[0].Path != fileOf("prod", "api") || !slices.Equal(got.OldTags(), []string{h.builds[1]}) || got.NewTag != h.builds[2] ||
			got.Commit != h.repo.Tip(branch) || got.PullRequest != h.k8s.URL()+"/pull/1" || got.Pull != deploy.Created || got.Attempts < 1 {
			t.Errorf("got %+v", got)
		}
		h.DryRun, h.git.ReadOnly = true, true
		if planned := h.deploys(3, deploy.Planned); planned.PullBranch != branch {
			t.Errorf("got %+v", planned)
		}
	}},
	{"declined is unchanged where a person closed it for this tag, and failed where one changed it", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.k8s.CommitAs("carol@example.com", branch, gittest.Files{"more.yaml": "kind: ConfigMap\n"}, "More")
		if got := h.refused(problem.ExitRefused); got.Pull != deploy.Declined || got.Status != deploy.Failed {
			t.Errorf("got %+v", got)
		}
		h.k8s.Close(1, "carol")
		h.deploys(3, deploy.Proposed)
		h.k8s.Close(2, "carol")
		if got := h.deploys(3, deploy.Unchanged); got.Pull != deploy.Declined {
			t.Errorf("got %+v", got)
		}
	}},
}

// TestObjects is "No working tree", and what a result has.
func TestObjects(t *testing.T) { bySentence(t, objects...) }

// atMost checks how many requests there were, to Git and to the API.
func (h *gitHubSite) atMost(git, api int) {
	h.t.Helper()
	if n := h.Count(); !h.api && n > git {
		h.t.Errorf("%d requests to Git, want at most %d: %v", n, git, h.Log())
	}
	if n := h.github.Count(); h.api && n > api {
		h.t.Errorf("%d round trips, want at most %d: %v", n, api, kinds(h.github))
	}
}

func kinds(server *ghtest.Server) (kinds []string) {
	for _, r := range server.Log() {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

// TestManyRunsForOneService has runs of several builds at once: the newest is proposed.
func TestManyRunsForOneService(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		var runs sync.WaitGroup
		for _, build := range []int{4, 2, 3} {
			d := h.Deployment
			d.Store, d.Tag, d.Progress = h.store(api), h.builds[build], nil
			runs.Go(func() {
				if outcome, err := d.Run(t.Context()); err != nil {
					t.Errorf("build %d: %v", build, err)
				} else if outcome.Status != deploy.Proposed && outcome.Status != deploy.Superseded {
					t.Errorf("build %d: %s", build, outcome.Status)
				}
			})
		}
		runs.Wait()
		h.proposes(4)
		h.repo.Fsck()
		if p := h.pull(); p.Title != "Deploy api "+h.builds[4]+" to prod" {
			t.Errorf("got %q", p.Title)
		}
	})
}

// TestManyServices has a run for each of many services at once: a pull request each.
func TestManyServices(t *testing.T) {
	t.Parallel()
	var services []string
	for i := range 10 {
		services = append(services, fmt.Sprintf("s%02d", i))
	}
	h := newGitHubSite(t, false, services...)
	var runs sync.WaitGroup
	for _, s := range services {
		d := h.Deployment
		d.Store, d.Services, d.Progress = h.store(false), []string{s}, nil
		runs.Go(func() {
			if outcome, err := d.Run(t.Context()); err != nil || outcome.Status != deploy.Proposed {
				t.Errorf("%s: %v, %v", s, outcome.Status, err)
			}
		})
	}
	runs.Wait()
	seen := map[string]bool{}
	for _, p := range h.k8s.PullRequests() {
		if seen[p.Branch] || !p.Open {
			t.Errorf("%s twice, or closed", p.Branch)
		}
		seen[p.Branch] = true
	}
	if len(seen) != len(services) {
		t.Errorf("%d pull requests, want %d", len(seen), len(services))
	}
}

// TestTokenIsNowhere looks for the token in all that is said.
func TestTokenIsNowhere(t *testing.T) {
	t.Parallel()
	h := newGitHubSite(t, false)
	var said strings.Builder
	h.Progress = func(line string) { said.WriteString(line + "\n") }
	for _, fault := range []ghtest.Fault{{Status: 401}, {Status: 403}, {Status: 404}, {Status: 422}, {Status: 500}, {Cut: true}, {Truncate: 10}, {Deaf: true}} {
		h.github.Fail("POST /repos/{owner}/{repo}/pulls", fault)
		outcome, err := h.Run(t.Context())
		fmt.Fprintln(&said, outcome, err)
		for _, p := range problem.All(err) {
			fmt.Fprintln(&said, p.Hint)
		}
	}
	for _, p := range h.k8s.PullRequests() {
		fmt.Fprintln(&said, p)
	}
	if strings.Contains(said.String(), secret) {
		t.Errorf("there it is:\n%s", said.String())
	}
}

// TestFilesOverTheAPI finds what Git finds.
func TestFilesOverTheAPI(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env = "dev"
		h.repo.Commit("main", gittest.Files{"dev/manifests/users/alice/api-dev-deployment.yaml": manifestOf("api", h.builds[3])}, "alice")
		if outcome := h.deploys(4, deploy.Changed); len(outcome.Files) != 2 {
			t.Errorf("got %v", outcome.Files)
		}
		h.repo.Commit("main", gittest.Files{
			"dev/manifests/a/b/c/d/e/f.yaml": manifestOf("api", h.builds[3]),
			fileOf("dev", "api"):             manifestOf("api", h.builds[3]),
		}, "deep")
		h.Services, h.Images = nil, []string{"registry.example.com/api"}
		if outcome := h.deploys(4, deploy.Changed); len(outcome.Files) != 2 {
			t.Errorf("got %v", outcome.Files)
		}
		h.Branch = "mian"
		h.refused(problem.ExitRefused, `there is no branch "mian" | did you mean "main"?`)
	})
}
