package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// app is a service's repository: one, two, three in a row on main; fork beside two;
// merge of three and fork.
type app struct {
	*gittest.Repo
	one, two, three, fork, merge string
}

func newApp(t *testing.T) *app {
	a := &app{Repo: gittest.NewBuilt(t, "app", gittest.Files{"main.go": "1"}, func(r *gittest.Repo) {
		one := r.Tip("main")
		two := r.Commit("main", gittest.Files{"main.go": "2"}, "two")
		r.Git("branch", "fork", one)
		three := r.Commit("main", gittest.Files{"main.go": "3"}, "three")
		fork := r.Commit("fork", gittest.Files{"fork.go": "1"}, "fork")
		r.Git("update-ref", "refs/heads/merged", r.Git("commit-tree", "-m", "merge", "-p", three, "-p", fork, three+"^{tree}"))
		r.Git("tag", "v1", one)
		r.Git("tag", "-a", "-m", "two", "v2", two)
		r.Git("tag", "edge-"+one[:7], three)
	})}
	main := a.Log("main")
	a.three, a.two, a.one = main[0], main[1], main[2]
	a.fork, a.merge = a.Tip("fork"), a.Tip("merged")
	return a
}

// history opens the history of a clone.
func (a *app) history(t *testing.T, dir string) func(bump.Target) deploy.History {
	t.Helper()
	h, err := gitrepo.OpenHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return func(bump.Target) deploy.History { return deploy.GitHistory{History: h} }
}

// byCommit is an environment that is pushed to, whose tags are compared by their commits.
const byCommit = "deploy: {strategy: push}\n"

// newOrdered is a gitHubSite whose dev is pushed to, and the repository that api is built from:
// a clone of it tells the order over Git, and GitHub over the API.
func newOrdered(t *testing.T, api bool) (*gitHubSite, *app) {
	t.Helper()
	h, a := newGitHubSite(t, api), newApp(t)
	h.Env = "dev"
	h.repo.Commit("main", gittest.Files{"users.yaml": "services:\n  - {name: api, image: registry.example.com/api, tag: old, repository: example/app}\n"}, "a first tag")
	h.History = a.history(t, a.Dir)
	if api {
		h.github.AddRepo("example/app", a.Repo)
		at := github.Repo{Owner: "example", Name: "app"}
		h.History = func(bump.Target) deploy.History { return h.Pulls.Sources.History(at) }
	}
	return h, a
}

// ordered is a tag that may replace a running one, or not.
type ordered struct {
	name, running, next string
	want                string // a status, or a part of the refusal
}

// order deploys each tag over the running one. What is refused is deployed with --force.
func (h *gitHubSite) order(cases ...ordered) {
	whole := h.t
	defer func() { h.t = whole }()
	for _, c := range cases {
		whole.Run(c.name, func(t *testing.T) {
			h.t = t
			h.runsIn("dev", c.running)
			h.Tag = c.next
			before := h.repo.Tip("main")
			switch c.want {
			case deploy.Changed, deploy.Unchanged, deploy.Superseded:
				h.run(c.want)
			default:
				h.refused(problem.ExitRefused, c.want, "--force")
			}
			if c.want != deploy.Changed && h.repo.Tip("main") != before {
				t.Error("the branch moved")
			}
		})
	}
}

// unknownCommit is a commit that no repository has.
var unknownCommit = strings.Repeat("d", 40)

var orders = []sentence{
	{"the policy's order says how tags compare: commit by default, semver, or none", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		for _, c := range []struct{ order, running, next, want string }{
			{"", a.three, a.one, deploy.Superseded},
			{", order: commit", a.three, a.one, deploy.Superseded},
			{", order: semver", "v1.10.0", "1.9.0", deploy.Superseded},
			{", order: none", a.three, a.one, deploy.Changed},
			{", order: none", "v1.10.0", "banana", deploy.Changed},
			{", order: age", "1", "2", `order must be`},
		} {
			h.repo.Commit("main", gittest.Files{"environments/dev.yaml": "deploy: {strategy: push" + c.order + "}\n"}, "policy")
			h.runsIn("dev", c.running)
			if h.Tag = c.next; strings.HasPrefix(c.want, "order") {
				h.refused(problem.ExitRefused, c.want)
				continue
			}
			h.run(c.want)
		}
	}},
	{"a commit is 7 to 40 hex digits between non-letters anywhere in the tag", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.order(
			ordered{"newer", a.one, a.three, deploy.Changed},
			ordered{"the same, cut short", a.two, a.two[:7], deploy.Changed},
			ordered{"the same, in full", a.two[:7], a.two, deploy.Changed},
			ordered{"the very same", a.two, a.two, deploy.Unchanged},
			ordered{"newer, of odd length", a.one[:9], a.three[:11], deploy.Changed},
			ordered{"merged", a.fork, a.merge, deploy.Changed},
			ordered{"in the middle", "main-" + a.one[:7] + "-1711", "main-" + a.two[:9] + "-1712", deploy.Changed},
			ordered{"behind a letter", a.one, "x" + a.two[:7], "names no commit"},
			ordered{"before a letter", a.one, a.two + "z", "names no commit"},
			ordered{"six digits", a.one, "v-" + a.two[:6], "names no commit"},
			ordered{"beside a date", a.one, "20261120-" + a.two[:7], deploy.Changed},
		)
	}},
	{"or a Git tag of that name", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.order(
			ordered{"newer", "v1", "v2", deploy.Changed},
			ordered{"older", "v2", "v1", deploy.Superseded},
			ordered{"and a hash", a.three, "v2", deploy.Superseded},
		)
	}},
	{"the one that the service's repository knows counts; none or two known is unknown", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.order(
			ordered{"one of two", a.one, unknownCommit[:9] + "-" + a.two[:7], deploy.Changed},
			ordered{"two of one", a.one, a.two[:7] + "-" + a.two[:9], deploy.Changed},
			ordered{"two", a.one, a.two[:7] + "-" + a.three[:7], "names two commits"},
			ordered{"a hash and a Git tag", a.two, "edge-" + a.one[:7], "names two commits"},
			ordered{"two that run", a.one[:7] + "-" + a.three[:7], a.two, "which runs, names two commits"},
			ordered{"none runs", unknownCommit, a.two, unknownCommit + ", which runs, is no commit of the service's repository"},
			ordered{"none", a.two, unknownCommit, unknownCommit + " is no commit of the service's repository"},
			ordered{"not pushed yet", a.two[:7], unknownCommit[:7], "is it pushed?"},
			ordered{"no hash", a.two, "v1.2.3", "api: v1.2.3 names no commit of the service's repository: it has no hash in it, and no Git tag has its name"},
			ordered{"no hash runs", "v1.2.3", a.two, "api: v1.2.3, which runs, names no commit"},
			ordered{"dates", "20261119", "20261120", "api: 20261120 is no commit"},
		)
	}},
	{"semver: v is optional, precedence by the specification", func(t *testing.T, api bool) {
		h, _ := newOrdered(t, api)
		h.repo.Commit("main", gittest.Files{"environments/dev.yaml": "deploy: {strategy: push, order: semver}\n"}, "policy")
		h.order(
			ordered{"patch", "1.0.0", "1.0.1", deploy.Changed}, ordered{"older patch", "1.0.1", "1.0.0", deploy.Superseded},
			ordered{"minor", "v1.9.0", "1.10.0", deploy.Changed}, ordered{"major", "2.0.0", "v10.0.0", deploy.Changed}, ordered{"the same with v", "1.0.0", "v1.0.0", deploy.Changed},
			ordered{"alpha", "1.0.0-alpha", "1.0.0-alpha.1", deploy.Changed}, ordered{"number below text", "1.0.0-alpha.1", "1.0.0-alpha.beta", deploy.Changed},
			ordered{"numbers as numbers", "1.0.0-beta.2", "1.0.0-beta.11", deploy.Changed}, ordered{"release", "1.0.0-rc.1", "1.0.0", deploy.Changed},
			ordered{"candidate", "1.0.0", "1.0.0-rc.1", deploy.Superseded},
		)
	}},
	{"semver: what does not parse is unknown", func(t *testing.T, api bool) {
		h, _ := newOrdered(t, api)
		h.repo.Commit("main", gittest.Files{"environments/dev.yaml": "deploy: {strategy: push, order: semver}\n"}, "policy")
		h.order(
			ordered{"two numbers", "1.0.0", "1.0", "api: 1.0 is no semantic version"},
			ordered{"a leading zero", "1.0.0", "v01.0.0", "is no semantic version"},
			ordered{"what runs", "latest", "1.0.0", "api: latest, which runs, is no semantic version"},
		)
	}},
	{"behind is superseded, exit 0, and nothing is done", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.order(
			ordered{"older", a.three, a.one, deploy.Superseded},
			ordered{"cut short", a.three[:8], a.one[:8], deploy.Superseded},
			ordered{"with a prefix", "sha-" + a.three[:7], "sha-" + a.one[:7], deploy.Superseded},
			ordered{"before a merge", a.merge, a.fork, deploy.Superseded},
			ordered{"in the middle", "20261120-" + a.three[:7], "v2.0.0_" + a.two + ".rc", deploy.Superseded},
		)
	}},
	{"diverged or unknown is refused unless --force", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.order(ordered{"diverged", a.fork, a.two, "are on diverged branches"}, ordered{"unknown", a.two, unknownCommit, "is no commit"})
		h.Force = true
		for _, next := range []string{a.fork, unknownCommit, a.one} {
			h.Tag = next
			h.run(deploy.Changed)
		}
	}},
	{"an older image stays where others move", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		ahead, behind := "dev/manifests/api/ahead.yaml", "dev/manifests/api/behind.yaml"
		h.runsIn("dev", a.two)
		h.repo.Commit("main", gittest.Files{ahead: manifestOf("api", a.three), behind: manifestOf("api", a.one), "dev/manifests/api/odd.yaml": manifestOf("api", "old") + "---\n" + manifestOf("api", "old")}, "more")
		h.Tag = a.two
		outcome := h.run(deploy.Changed)
		if len(outcome.Superseded) != 1 || outcome.Superseded[0].Place.File != ahead || len(outcome.Notices) != 1 {
			t.Errorf("got %+v", outcome)
		}
		if h.repo.Read("main", ahead) != manifestOf("api", a.three) || h.repo.Read("main", behind) != manifestOf("api", a.two) {
			t.Error("the wrong ones were changed")
		}
		if got, want := outcome.OldTags(), []string{a.one, "old"}; !slices.Equal(got, want) {
			t.Errorf("old tags %q, want %q", got, want)
		}
	}},
	{"the order holds on the new tip too, where others were faster", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.runsIn("dev", a.one)
		h.Tag = a.two
		h.beforeCommit(func() { h.runsIn("dev", a.three) })
		h.run(deploy.Superseded)
	}},
	{"the open pull request's tag is guarded the same way", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(3, deploy.Proposed)
		h.deploys(1, deploy.Unchanged) // what runs
		h.deploys(0, deploy.Superseded)
		outcome := h.deploys(2, deploy.Superseded) // newer than what runs, older than what is proposed
		h.proposes(3)
		if !h.pull().Open || outcome.PullRequest == "" || outcome.Pull != deploy.Untouched {
			t.Errorf("got %+v, %+v", h.pull(), outcome)
		}
		h.Tag = "0000001"
		h.refused(problem.ExitRefused, "--force")
		h.proposes(3)
	}},
	{"a running tag equal to the service's tag in users.yaml may be replaced, with a notice", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		for _, next := range []string{a.two, "v1.2.3"} {
			h.runsIn("dev", "old")
			h.Tag = next
			if got, want := strings.Join(h.run(deploy.Changed).Notices, "\n"), "api: old, which runs, is its first tag (tag: in users.yaml), so "+next+" replaces it, and may be older"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		h.runsIn("dev", "old")
		h.Services, h.Images, h.Tag = nil, []string{"registry.example.com/api"}, a.two // by its repository
		h.run(deploy.Changed)
		h.Tag = a.one
		h.run(deploy.Superseded)
	}},
	{"so may a digest without a tag", func(t *testing.T, api bool) {
		h, a := newOrdered(t, api)
		h.runsIn("dev", a.one)
		h.Tag, h.Digest = "", "sha256:"+strings.Repeat("1", 64)
		h.refused(problem.ExitRefused, "a digest does not tell whether it is newer than")
		h.Force = true
		h.run(deploy.Changed)
		h.Tag, h.Digest, h.Force = "any", "", false
		if outcome := h.run(deploy.Changed); len(outcome.Notices) != 1 || !strings.Contains(outcome.Notices[0], "is a digest without a tag, so what replaces it may be older") {
			t.Errorf("got %q", outcome.Notices)
		}
	}},
	{"--force alone overrides the order and nothing else", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Force = true
		h.deploys(0, deploy.Proposed) // older than what runs, and still by a pull request
		h.proposes(0)
		h.k8s.Close(1, "carol")
		if got := h.deploys(0, deploy.Unchanged); got.Pull != deploy.Declined { // what a person declined stays declined
			t.Errorf("got %+v", got)
		}
		h.repo.Commit("main", gittest.Files{"holds/prod/api.yaml": "reason: migration\n"}, "hold")
		h.isHeld(0, "migration")
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, after: dev}\n"}, "dev first")
		h.repo.Commit("main", gittest.Files{"holds/prod/api.yaml": "reason: migration\n"}, "hold")
		h.Services, h.Tag = []string{"api"}, h.builds[2]
		h.refused(problem.ExitRefused)
	}},
}

// TestOrder is "Older never replaces newer".
func TestOrder(t *testing.T) { bySentence(t, orders...) }

// TestUnknownIsRefused where nothing is known of a service's commits.
func TestUnknownIsRefused(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env, h.History = "dev", nil
		h.runsIn("dev", strings.Repeat("a", 40))
		h.Tag = strings.Repeat("b", 40)
		h.refused(problem.ExitRefused, "nothing is known of its commits", "pass a clone with --app-repo, or give the service a repository: in users.yaml, or write order: semver or order: none into environments/dev.yaml")
	})
}

// TestOrderOfAnImage finds the service of an image that was named by its repository.
func TestOrderOfAnImage(t *testing.T) {
	t.Parallel()
	h, _ := newOrdered(t, false)
	h.Services, h.Images = nil, []string{"registry.example.com/api"}
	var asked []string
	h.History = func(target bump.Target) deploy.History {
		asked = append(asked, target.Source)
		return nil
	}
	h.runsIn("dev", "other")
	h.refused(problem.ExitRefused)
	if fmt.Sprint(asked) != "[example/app]" {
		t.Errorf("asked %q", asked)
	}
}
