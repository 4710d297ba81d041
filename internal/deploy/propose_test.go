package deploy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const secret = "ghs_s3cret"

// hub is a k8s repo on a GitHub whose prod is deployed by pull request, and the
// repository that api is built from.
type hub struct {
	*site
	github *ghtest.Server
	k8s    *ghtest.Repo
	source *gittest.Repo // of api
	builds []string      // the hashes of api's commits, the oldest first, shortened
}

func newHub(t *testing.T, services ...string) *hub {
	t.Helper()
	if services == nil {
		services = []string{"api"}
	}
	source := gittest.NewRepo(t, gittest.Files{"main.go": "0"})
	builds := []string{source.Tip("main")[:7]}
	for i := 1; i < 5; i++ {
		builds = append(builds, source.Commit("main", gittest.Files{"main.go": fmt.Sprint(i)}, fmt.Sprintf("Change %d (#%d)", i, i))[:7])
	}
	files := gittest.Files{"environments/dev.yaml": "deploy: {strategy: push}\n", "environments/prod.yaml": "deploy: {strategy: pull-request, labels: [deploy], reviewers: [carol], team_reviewers: [sre]}\n"}
	users := "services:\n"
	for _, s := range services {
		users += fmt.Sprintf("  - {name: %s, image: registry.example.com/%[1]s, repository: example/api}\n", s)
		files[fileOf("prod", s)] = manifestOf(s, builds[1])
		files[fileOf("dev", s)] = manifestOf(s, builds[3])
	}
	files["users.yaml"] = users
	h := &hub{site: newSite(t, files), source: source, builds: builds}
	h.Env, h.Services, h.Tag = "prod", services[:1], builds[2]

	h.github = ghtest.NewServer(t, ghtest.Options{Token: secret})
	h.k8s = h.github.AddRepo("example/k8s", h.repo)
	h.k8s.Collaborators, h.k8s.Teams, h.k8s.AllowAutoMerge = []string{"carol"}, []string{"sre"}, true
	h.k8s.RequiredChecks = true
	sources := h.github.AddRepo("example/api", source)
	sources.Private = false
	client := h.client()
	reached := &deploy.Sources{Client: client}
	h.Pulls = &deploy.PullRequests{GitHub: client, Sources: reached, Repo: github.Repo{Owner: "example", Name: "k8s"}}
	h.RunURL, h.RequestedBy = "https://example.com/run/1", "alice"
	h.History = func(target bump.Target) deploy.History {
		return reached.History(github.Repo{Owner: "example", Name: "api"})
	}
	return h
}

func (h *hub) client() *github.Client {
	h.t.Helper()
	client, err := github.New(github.Options{Token: secret, ServerURL: h.github.URL, APIURL: h.github.APIURL(), GraphQLURL: h.github.GraphQLURL(),
		Sleep: func(ctx context.Context, d time.Duration) error { return ctx.Err() }})
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

// deploys runs the deployment of a build, and checks its status.
func (h *hub) deploys(build int, want string) *deploy.Outcome {
	h.t.Helper()
	h.Tag = h.builds[build]
	return h.run(want)
}

// pull is the only pull request that there is.
func (h *hub) pull() ghtest.PullRequest {
	h.t.Helper()
	pulls := h.k8s.PullRequests()
	if len(pulls) != 1 {
		h.t.Fatalf("%d pull requests, want 1", len(pulls))
	}
	return pulls[0]
}

// store opens the k8s repo over Git, or over the API.
func (h *hub) store(api bool) deploy.Store {
	if api {
		return &github.Store{Client: h.Pulls.GitHub, Repo: h.Pulls.Repo, Own: deploy.Branches}
	}
	return h.open(0)
}

func (h *hub) via(api bool) { h.Store = h.store(api) }

const branch = "tagbump/prod/api"

// bothWays runs a test over Git, and over the API.
func bothWays(t *testing.T, test func(t *testing.T, api bool)) {
	t.Parallel()
	for name, api := range map[string]bool{"git": false, "api": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, api)
		})
	}
}

// proposes checks what the branch of the pull request holds: one commit on main.
func (h *hub) proposes(build int) {
	h.t.Helper()
	if got, want := h.repo.Read(branch, fileOf("prod", "api")), manifestOf("api", h.builds[build]); got != want {
		h.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := h.repo.Git("rev-list", "--count", "main.."+branch); got != "1" {
		h.t.Errorf("%s commits on top of main, want 1", got)
	}
	if got := h.repo.Git("rev-list", "--count", branch+"..main"); got != "0" {
		h.t.Errorf("the branch is %s commits behind main", got)
	}
}

func TestPullRequestIsMade(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		outcome := h.deploys(2, deploy.Proposed)
		h.proposes(2)
		p := h.pull()
		if p.Title != "Deploy api "+h.builds[2]+" to prod" || p.Branch != branch || p.Base != "main" || !p.Open {
			t.Errorf("got %+v", p)
		}
		if !slices.Equal(p.Labels, []string{"deploy"}) || !slices.Equal(p.Reviewers, []string{"carol"}) || !slices.Equal(p.TeamReview, []string{"sre"}) {
			t.Errorf("got labels %q, reviewers %q, teams %q", p.Labels, p.Reviewers, p.TeamReview)
		}
		if outcome.PullRequest == "" || outcome.Commit != h.repo.Tip(branch) {
			t.Errorf("got %+v", outcome)
		}
		for _, want := range []string{"`" + h.builds[1] + "` | **`" + h.builds[2] + "`**", "Change 2 (#2)", "/example/api/pull/2)", "forward, [1 commit](", "| `dev` | `api` | `" + h.builds[3] + "` | " + map[bool]string{false: "2026-01-02"}[api], "tagbump rollback", "`alice` ([run](https://example.com/run/1))"} {
			if !strings.Contains(p.Body, want) {
				t.Errorf("%q is not in the body:\n%s", want, p.Body)
			}
		}
	})
}

func TestPullRequestIsUpdatedInPlace(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(2, deploy.Proposed)
		h.k8s.Edit(1, h.pull().Body+"Please wait for Monday.\n")
		h.move("web", "new") // the base moves on
		h.deploys(3, deploy.Proposed)
		h.proposes(3)
		p := h.pull()
		if p.Title != "Deploy api "+h.builds[3]+" to prod" || !strings.Contains(p.Body, "Change 3") || !p.Open {
			t.Errorf("got %+v", p)
		}
		if !strings.HasSuffix(p.Body, "Please wait for Monday.\n") {
			t.Errorf("what a person wrote is gone:\n%s", p.Body)
		}
	})
}

func TestPullRequestIsNotPushedAgainForNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(2, deploy.Proposed)
		head := h.repo.Tip(branch)
		h.Reset()
		h.github.Reset()
		h.deploys(2, deploy.Proposed)
		if got := h.repo.Tip(branch); got != head {
			t.Errorf("the branch moved from %s to %s", head, got)
		}
		if n := h.Count(gittest.Push); n != 0 {
			t.Errorf("%d pushes", n)
		}
		for _, r := range h.github.Log() {
			if !strings.HasPrefix(r.Kind, "GET ") && r.Kind != "graphql repository" {
				t.Errorf("%s, for nothing", r.Kind)
			}
		}
	})
}

func TestPullRequestIsStoppedByAPerson(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(2, deploy.Proposed)
		theirs := h.k8s.CommitAs("carol@example.com", branch, gittest.Files{"prod/manifests/api/more.yaml": "kind: ConfigMap\n"}, "One more thing")
		h.Tag = h.builds[3]
		for range 2 {
			h.refused(problem.ExitRefused, theirs[:7]+" by Test", branch)
		}
		if got := h.repo.Tip(branch); got != theirs {
			t.Errorf("the branch moved to %s", got)
		}
		if n := len(h.pull().Comments); n != 1 {
			t.Errorf("said %d times, want once", n)
		}
	})
}

func TestPullRequestClosedByAPerson(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(2, deploy.Proposed)
		h.k8s.Close(1, "carol")
		t.Run("is not reopened for the same tag", func(t *testing.T) {
			h.deploys(2, deploy.Unchanged)
			if h.pull().Open {
				t.Error("it is open")
			}
		})
		t.Run("nor with --force, which is for the order of tags alone", func(t *testing.T) {
			h.Force = true
			outcome := h.deploys(2, deploy.Unchanged)
			h.Force = false
			if outcome.Pull != deploy.Declined || h.pull().Open || !strings.HasSuffix(outcome.Notices[0], "closed by carol, so it is not opened again: reopen it there") {
				t.Errorf("got %q %q", outcome.Pull, outcome.Notices)
			}
		})
		t.Run("is opened for a newer one", func(t *testing.T) {
			h.deploys(3, deploy.Proposed)
			h.proposes(3)
			if pulls := h.k8s.PullRequests(); len(pulls) != 2 || !pulls[1].Open {
				t.Errorf("got %+v", pulls)
			}
		})
	})
}

func TestPullRequestIsClosedWhenMoot(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		for name, c := range map[string]struct{ running, deployed int }{
			"the base runs the tag":           {2, 2},
			"the base runs something newer":   {3, 2},
			"another tag is asked for by now": {3, 3},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHub(t)
				h.via(api)
				h.deploys(2, deploy.Proposed)
				h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[c.running])}, "by hand")
				want := deploy.Unchanged
				if c.deployed < c.running {
					want = deploy.Superseded
				}
				h.deploys(c.deployed, want)
				p := h.pull()
				if p.Open || p.Merged || len(p.Comments) != 1 || !strings.Contains(p.Comments[0].Body, "nothing left to deploy") {
					t.Errorf("got %+v", p)
				}
				if tip := h.repo.Tip(branch); tip != "" {
					t.Errorf("the branch is still there, at %s", tip)
				}
				h.deploys(4, deploy.Proposed) // what tagbump closed, it may open again
				h.proposes(4)
			})
		}
	})
}

func TestPullRequestStaysWhereItIsNewer(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(3, deploy.Proposed)
		h.deploys(1, deploy.Unchanged) // what runs
		h.deploys(0, deploy.Superseded)
		outcome := h.deploys(2, deploy.Superseded) // newer than what runs, older than what is proposed
		h.proposes(3)
		if !h.pull().Open || outcome.PullRequest == "" {
			t.Errorf("got %+v, %+v", h.pull(), outcome)
		}
	})
}

func TestPullRequestRefusesParted(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.deploys(2, deploy.Proposed)
	h.Tag = strings.Repeat("0", 7)[:6] + "1"
	h.refused(problem.ExitRefused, "--force")
	h.proposes(2)
}

func TestForceStillProposes(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.Force = true
	h.deploys(0, deploy.Proposed) // older than what runs
	h.proposes(0)
	h.Push = true
	h.deploys(0, deploy.Changed) // past the policy
	if got := h.repo.Read("main", fileOf("prod", "api")); got != manifestOf("api", h.builds[0]) {
		t.Errorf("got\n%s", got)
	}
}

func TestBadReviewerIsAWarning(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.k8s.Collaborators = nil
	outcome := h.deploys(2, deploy.Proposed)
	if p := h.pull(); !p.Open || !slices.Equal(p.TeamReview, []string{"sre"}) || len(outcome.Notices) == 0 {
		t.Errorf("got %+v, notices %q", p, outcome.Notices)
	}
}

func TestAutoMerge(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.Pulls.AutoMerge = true
	h.deploys(2, deploy.Proposed)
	if p := h.pull(); p.AutoMerge == "" {
		t.Errorf("it is off: %+v", p)
	}
	h = newHub(t)
	h.Pulls.AutoMerge, h.k8s.AllowAutoMerge = true, false
	if outcome := h.deploys(2, deploy.Proposed); len(outcome.Notices) == 0 {
		t.Error("that it is not possible is not said")
	}
}

func TestPullRequestsOfManyRunsForOneService(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
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

func TestPullRequestsOfManyServices(t *testing.T) {
	t.Parallel()
	var services []string
	for i := range 30 {
		services = append(services, fmt.Sprintf("s%02d", i))
	}
	h := newHub(t, services...)
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

func TestTokenIsNowhere(t *testing.T) {
	t.Parallel()
	h := newHub(t)
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

func TestViaAPI(t *testing.T) {
	t.Parallel()
	via := func(t *testing.T) *hub {
		h := newHub(t)
		h.Env = "dev"
		h.via(true)
		h.Reset()
		return h
	}
	t.Run("a push takes at most five round trips, and no Git", func(t *testing.T) {
		h := via(t)
		h.github.Reset()
		h.deploys(4, deploy.Changed)
		if got := h.repo.Read("main", fileOf("dev", "api")); got != manifestOf("api", h.builds[4]) {
			t.Errorf("got\n%s", got)
		}
		if n := h.github.Count(); n > 5 {
			t.Errorf("%d round trips: %v", n, kinds(h.github))
		}
		if n := h.Count(); n > 0 {
			t.Errorf("%d requests to Git", n)
		}
		h.deploys(4, deploy.Unchanged)
		h.deploys(2, deploy.Superseded)
	})
	t.Run("a pull request takes at most twelve", func(t *testing.T) {
		h := via(t)
		h.Env = "prod"
		h.github.Reset()
		h.deploys(2, deploy.Proposed)
		if n := h.github.Count(); n > 12 {
			t.Errorf("%d round trips: %v", n, kinds(h.github))
		}
	})
	t.Run("a moved tip is another attempt", func(t *testing.T) {
		h := via(t)
		h.github.Fail("graphql createCommitOnBranch", ghtest.Fault{Then: func() { h.move("web", "new") }})
		if outcome := h.deploys(4, deploy.Changed); outcome.Attempts != 2 {
			t.Errorf("%d attempts, want 2", outcome.Attempts)
		}
		h.repo.Read("main", fileOf("dev", "web"))
	})
	t.Run("a lost answer is no second commit", func(t *testing.T) {
		h := via(t)
		before := len(h.repo.Log("main"))
		h.github.Fail("graphql createCommitOnBranch", ghtest.Fault{Deaf: true})
		if outcome := h.deploys(4, deploy.Changed); outcome.Commit != h.repo.Tip("main") {
			t.Errorf("got %s, and the branch is at %s", outcome.Commit, h.repo.Tip("main"))
		}
		if n := len(h.repo.Log("main")) - before; n != 1 {
			t.Errorf("%d commits", n)
		}
	})
	t.Run("the files of users", func(t *testing.T) {
		h := via(t)
		h.repo.Commit("main", gittest.Files{"dev/manifests/users/alice/api-dev-deployment.yaml": manifestOf("api", h.builds[3])}, "alice")
		h.deploys(4, deploy.Changed)
		if h.Count() > 0 {
			t.Errorf("%d requests to Git", h.Count())
		}
		if got := h.repo.Read("main", "dev/manifests/users/alice/api-dev-deployment.yaml"); got != manifestOf("api", h.builds[4]) {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("an image by its name, anywhere", func(t *testing.T) {
		h := via(t)
		h.repo.Commit("main", gittest.Files{"dev/manifests/a/b/c/d/e/f.yaml": manifestOf("api", h.builds[3])}, "deep")
		h.Services, h.Images = nil, []string{"registry.example.com/api"}
		if outcome := h.deploys(4, deploy.Changed); len(outcome.Files) != 2 {
			t.Errorf("got %v", outcome.Files)
		}
	})
}

func kinds(server *ghtest.Server) (kinds []string) {
	for _, r := range server.Log() {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

// TestPullRequestClosedAgainByAPerson: tagbump closed it, a person opened it again, and a
// person closed it: the last closing counts.
func TestPullRequestClosedAgainByAPerson(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(2, deploy.Proposed)
		h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[2])}, "by hand")
		h.deploys(2, deploy.Unchanged)
		if p := h.pull(); p.Open || p.ClosedBy != "tagbump[bot]" {
			t.Fatalf("got %+v", p)
		}
		h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[1])}, "back")
		h.k8s.Reopen(1)
		h.k8s.Close(1, "carol")
		outcome := h.deploys(2, deploy.Unchanged)
		if p := h.pull(); p.Open || outcome.Pull != deploy.Declined || !strings.Contains(strings.Join(outcome.Notices, "\n"), "closed by carol") {
			t.Errorf("got %+v, %+v", p, outcome)
		}
	})
}

// TestDigestAloneThatIsMoot: a pull request of a digest without a tag has nothing left to
// bring once the base has the digest, and is closed.
func TestDigestAloneThatIsMoot(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ef", 32)
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: pull-request, order: none}\n"}, "in any order")
		h.Tag, h.Digest = "", digest
		h.run(deploy.Proposed)
		h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): h.repo.Read(branch, fileOf("prod", "api"))}, "by hand")
		h.run(deploy.Unchanged)
		p := h.pull()
		if p.Open || len(p.Comments) != 1 || !strings.Contains(p.Comments[0].Body, "nothing left to deploy") {
			t.Errorf("got %+v", p)
		}
		if tip := h.repo.Tip(branch); tip != "" {
			t.Errorf("the branch is still there, at %s", tip)
		}
	})
}

// TestTagOfSomebodyElseIsReplaced: a person put another tag on the branch, and what
// replaces it says so, once.
func TestTagOfSomebodyElseIsReplaced(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.deploys(2, deploy.Proposed)
		h.k8s.CommitAs("carol@example.com", branch, gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[3])}, "That one")
		h.deploys(4, deploy.Proposed)
		h.deploys(4, deploy.Proposed)
		h.proposes(4)
		p := h.pull()
		if want := "`" + h.builds[3] + "`, which "; len(p.Comments) != 1 || !strings.HasPrefix(p.Comments[0].Body, want) || !strings.HasSuffix(p.Comments[0].Body, "put on this branch, is replaced by `"+h.builds[4]+"`.") {
			t.Errorf("got %+v", p.Comments)
		}
	})
}

// TestNameOfABranch: a wrong one is told with the one that was meant.
func TestNameOfABranch(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.Branch = "mian"
		h.refused(problem.ExitRefused, `there is no branch "mian" | did you mean "main"?`)
	})
}
