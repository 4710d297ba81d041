package deploy_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/httpclient"
	"k8srepo/internal/problem"
)

// manifestOf is a Deployment of a service, with a comment that must stay.
func manifestOf(service, tag string) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\nspec:\n  template:\n    spec:\n      containers:\n        - name: %[1]s\n          image: registry.example.com/%[1]s:%s # keep\n", service, tag)
}

func fileOf(env, service string) string {
	return fmt.Sprintf("%s/manifests/%s/%[2]s-%[1]s-deployment.yaml", env, service)
}

// siteOf is a k8s repo of services that run the tag old in dev.
func siteOf(services ...string) gittest.Files {
	users := "services:\n"
	files := gittest.Files{
		"environments/dev.yaml":         "deploy: {strategy: push, order: none}\n",
		"dev/manifests/dev-config.yaml": "kind: Namespace\n",
	}
	for _, s := range services {
		users += fmt.Sprintf("  - {name: %s, image: registry.example.com/%[1]s, tag: old, port: 80}\n", s)
		files[fileOf("dev", s)] = manifestOf(s, "old")
		files[strings.Replace(fileOf("dev", s), "deployment", "service", 1)] = "kind: Service\nmetadata:\n  name: " + s + "\n"
	}
	files["users.yaml"] = users + "teams: []\nusers: []\n"
	return files
}

// site is a server with such a repository, and a deployment to it.
type site struct {
	*gittest.Server
	t    *testing.T
	repo *gittest.Repo
	deploy.Deployment
	git      *gitrepo.Store // the Deployment's
	api      bool           // the Store is GitHub's API
	lost     bool           // an answer was lost: see loseAnswer
	progress []string
}

func newSite(t *testing.T, files gittest.Files) *site {
	t.Helper()
	s := &site{Server: gittest.NewServer(t, gittest.Options{Direct: !meetsGit(t), Memory: true}), t: t}
	s.repo = s.NewRepo("k8s", files)
	s.git = s.open(gitrepo.Options{})
	s.Store = s.git
	s.Selection = bump.Selection{Env: "dev", Services: []string{"api"}, Tag: "new"}
	s.Sleep = func(ctx context.Context, d time.Duration) error {
		return httpclient.Sleep(ctx, min(d, 5*time.Millisecond))
	}
	s.Progress = func(line string) { s.progress = append(s.progress, line) }
	t.Cleanup(func() {
		if !s.api && s.Count(gittest.Push) > 0 { // over the API it is the test's server that writes
			s.repo.Fsck()
		}
	})
	return s
}

// meetsGit reports whether a test is one of those that are served by git itself: most are
// of what is above its protocol, which has its own tests with git in package gitrepo.
func meetsGit(t *testing.T) bool {
	return slices.Contains([]string{
		"TestDeploy",
		"TestDeployAgain/a_reply_lost_at_push",
		"TestDeployAgain/all_at_once",
		"TestDeployImages/a_rename,_with_others_in_between",
		"TestObjects/a_bump_reads_and_writes_Git_objects_only/git",
		"TestObjects/and_fetches_only_the_objects_on_its_path_where_the_server_can_filter/git",
		"TestObjects/it_pushes_one_compare-and-swap/git",
	}, t.Name())
}

// open opens the repository over Git.
func (s *site) open(o gitrepo.Options) *gitrepo.Store {
	s.t.Helper()
	r, err := gitrepo.Open(s.URL("k8s"), o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
	return &gitrepo.Store{Remote: r, Author: bot}
}

var bot = gitrepo.Signature{Name: "Bot", Email: "bot@example.com"}

// runner is a command: a deployment, a rollback, a hold, a release.
type runner interface {
	Run(ctx context.Context) (*deploy.Outcome, error)
}

// try runs a command, and records what it came to.
func (s *site) try(r runner) (*deploy.Outcome, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	outcome, err := r.Run(ctx)
	s.record(outcome, err)
	return outcome, err
}

// does runs a command, and checks its status.
func (s *site) does(r runner, want string) *deploy.Outcome {
	s.t.Helper()
	outcome, err := s.try(r)
	if err != nil || outcome.Status != want {
		s.t.Fatalf("got %s, %v, want %s", outcome.Status, err, want)
	}
	return outcome
}

// run runs the deployment: see does.
func (s *site) run(want string) *deploy.Outcome {
	s.t.Helper()
	return s.does(&s.Deployment, want)
}

// refused runs the deployment: see refuses.
func (s *site) refused(status int, text ...string) *deploy.Outcome {
	s.t.Helper()
	return s.refuses(&s.Deployment, status, text...)
}

// refuses runs a command, which must fail for good in one attempt with text in its words,
// and leave all branches where they are.
func (s *site) refuses(r runner, status int, text ...string) *deploy.Outcome {
	s.t.Helper()
	before := s.repo.Branches()
	outcome, err := s.try(r)
	said := ""
	for _, p := range problem.All(err) {
		said += p.Error() + " | " + p.Hint + "\n"
	}
	for _, want := range text {
		if !strings.Contains(said, want) {
			s.t.Errorf("got %q, want %q in it", said, want)
		}
	}
	if problem.ExitStatus(err) != status || outcome.Status != deploy.Failed && outcome.Status != deploy.Held || outcome.Attempts > 1 || outcome.Commit != "" {
		s.t.Errorf("got %+v, %v, want exit status %d after an attempt", outcome, err, status)
	}
	if after := s.repo.Branches(); fmt.Sprint(after) != fmt.Sprint(before) {
		s.t.Errorf("the branches moved from %v to %v", before, after)
	}
	return outcome
}

// runs checks what a service runs on main, and how many commits there are on top
// of the first.
func (s *site) runs(service, tag string, commits int) {
	s.t.Helper()
	if got, want := s.repo.Read("main", fileOf("dev", service)), manifestOf(service, tag); got != want {
		s.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := len(s.repo.Log("main")) - 1; got != commits {
		s.t.Errorf("%d commits, want %d", got, commits)
	}
}

// move has somebody else deploy a service.
func (s *site) move(service, tag string) {
	s.repo.Commit("main", gittest.Files{fileOf("dev", service): manifestOf(service, tag)}, service+" "+tag)
}

const secret = "ghs_s3cret"

// gitHubSite is a k8s repo on a GitHub whose prod is deployed by pull request, and the
// repository that api is built from.
type gitHubSite struct {
	*site
	github *ghtest.Server
	k8s    *ghtest.Repo
	source *gittest.Repo // of api
	builds []string      // the hashes of api's commits, the oldest first, shortened
}

// newGitHubSite is a gitHubSite over Git, or over the API.
func newGitHubSite(t *testing.T, api bool, services ...string) *gitHubSite {
	t.Helper()
	if services == nil {
		services = []string{"api"}
	}
	source := gittest.NewBuiltInMemory(t, "api", gittest.Files{"main.go": "0"}, func(r *gittest.Repo) {
		r.Packed(func() {
			for i := 1; i < 5; i++ {
				r.Commit("main", gittest.Files{"main.go": fmt.Sprint(i)}, fmt.Sprintf("Change %d (#%d)", i, i))
			}
		})
	})
	var builds []string
	for _, hash := range slices.Backward(source.Log("main")) {
		builds = append(builds, hash[:7])
	}
	files := gittest.Files{"environments/dev.yaml": "deploy: {strategy: push}\n", "environments/prod.yaml": "deploy: {strategy: pull-request, labels: [deploy], reviewers: [carol], team_reviewers: [sre]}\n"}
	users := "services:\n"
	for _, s := range services {
		users += fmt.Sprintf("  - {name: %s, image: registry.example.com/%[1]s, repository: example/api}\n", s)
		files[fileOf("prod", s)] = manifestOf(s, builds[1])
		files[fileOf("dev", s)] = manifestOf(s, builds[3])
	}
	files["users.yaml"] = users
	h := &gitHubSite{site: newSite(t, files), source: source, builds: builds}
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
	h.Now = func() time.Time { return time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC) }
	h.History = func(target bump.Target) deploy.History {
		return reached.History(github.Repo{Owner: "example", Name: "api"})
	}
	h.site.api, h.Store = api, h.store(api)
	return h
}

func (h *gitHubSite) client() *github.Client {
	h.t.Helper()
	client, err := github.New(github.Options{Token: secret, ServerURL: h.github.URL, APIURL: h.github.APIURL(), GraphQLURL: h.github.GraphQLURL(),
		Sleep: func(ctx context.Context, d time.Duration) error { return ctx.Err() }})
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

// store opens the k8s repo over Git, or over the API.
func (h *gitHubSite) store(api bool) deploy.Store {
	if api {
		return &github.Store{Client: h.Pulls.GitHub, Repo: h.Pulls.Repo, Own: deploy.Branches}
	}
	return h.open(gitrepo.Options{})
}

const branch = "tagbump/prod/api"

// deploys runs the deployment of a build, and checks its status.
func (h *gitHubSite) deploys(build int, want string) *deploy.Outcome {
	h.t.Helper()
	h.Tag = h.builds[build]
	return h.run(want)
}

// proposedMeanwhile has another run propose a build before GitHub does the next request of a kind.
func (h *gitHubSite) proposedMeanwhile(api bool, build int, kind string) {
	h.t.Helper()
	other := h.Deployment
	other.Store, other.Tag = h.store(api), h.builds[build]
	h.github.Fail(kind, ghtest.Fault{Then: func() {
		if outcome, err := other.Run(h.t.Context()); err != nil || outcome.Status != deploy.Proposed {
			h.t.Errorf("the other run: %v, %v", outcome, err)
		}
	}})
}

// isHeld deploys a build, which must be held for a reason with text in it.
func (h *gitHubSite) isHeld(build int, text string) {
	h.t.Helper()
	h.Tag = h.builds[build]
	if outcome := h.refused(problem.ExitRefused, text); outcome.Status != deploy.Held {
		h.t.Errorf("got %s", outcome.Status)
	}
}

// rollback goes back to a tag, "" for the one before.
func (h *gitHubSite) rollback(to string) *deploy.Rollback {
	return &deploy.Rollback{Options: h.Options, Env: "prod", Service: "api", To: to}
}

// hold keeps api where it is.
func (h *gitHubSite) hold(reason string) *deploy.Hold {
	return &deploy.Hold{Options: h.Options, Env: "prod", Service: "api", Reason: reason}
}

// release lets api go, and moves it to a tag if there is one.
func (h *gitHubSite) release(tag string) *deploy.Release {
	return &deploy.Release{Options: h.Options, Env: "prod", Service: "api", Tag: tag}
}

// promotes runs a promotion, and records what it came to for each service.
func (h *gitHubSite) promotes(p *deploy.Promotion) ([]deploy.Promoted, error) {
	h.t.Helper()
	p.Options = h.Options
	list, err := p.Run(h.t.Context())
	for _, one := range list {
		h.note(fmt.Sprintf("promote %s to %s, from %q", one.Service, one.Tag, one.Old))
		h.record(one.Outcome, one.Err)
	}
	if err != nil {
		h.record(nil, err)
	}
	return list, err
}

// runsIn commits what api runs in an environment.
func (h *gitHubSite) runsIn(env, tag string) {
	h.repo.Commit("main", gittest.Files{fileOf(env, "api"): manifestOf("api", tag)}, "api: "+env+" "+tag)
}

// policy commits the file of prod.
func (h *gitHubSite) policy(text string) {
	h.repo.Commit("main", gittest.Files{"environments/prod.yaml": text}, "policy")
}

// pull is the only pull request that there is.
func (h *gitHubSite) pull() ghtest.PullRequest {
	h.t.Helper()
	pulls := h.k8s.PullRequests()
	if len(pulls) != 1 {
		h.t.Fatalf("%d pull requests, want 1", len(pulls))
	}
	return pulls[0]
}

// newest is the last pull request that was opened.
func (h *gitHubSite) newest() ghtest.PullRequest {
	h.t.Helper()
	pulls := h.k8s.PullRequests()
	if len(pulls) == 0 {
		h.t.Fatal("there is no pull request")
	}
	return pulls[len(pulls)-1]
}

// proposes checks what the branch of the pull request holds: one commit on main.
func (h *gitHubSite) proposes(build int) {
	h.t.Helper()
	if got, want := h.repo.Read(branch, fileOf("prod", "api")), manifestOf("api", h.builds[build]); got != want {
		h.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if log := h.repo.Log(branch); len(log) < 2 || log[1] != h.repo.Tip("main") {
		h.t.Errorf("the branch is not one commit on main: %v", log)
	}
}

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
