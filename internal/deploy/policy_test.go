package deploy_test

import (
	"errors"
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// underPolicy runs the deployment on main as a policy's files have it, and checks that it is
// refused with each text, or what it came to where want is a status.
func (h *gitHubSite) underPolicy(files gittest.Files, push, force bool, want ...string) {
	h.t.Helper()
	if len(files) > 0 {
		h.repo.Commit("main", files, "policy")
	}
	h.Push, h.Force = push, force
	switch want[0] {
	case deploy.Changed, deploy.Proposed, deploy.Unchanged:
		h.run(want[0])
	default:
		h.refused(problem.ExitRefused, want...)
	}
}

const pushes, proposes = "deploy: {strategy: push}\n", "deploy: {strategy: pull-request}\n"

// onBranch deploys to a branch that has a file of its own for prod.
func onBranch(t *testing.T, api bool, home, branch, want string) *gitHubSite {
	t.Helper()
	h := newGitHubSite(t, api)
	h.repo.MoveBranch("release", h.repo.Tip("main"))
	h.repo.Commit("release", gittest.Files{"environments/prod.yaml": branch}, "the branch's own")
	h.Branch = "release"
	h.underPolicy(gittest.Files{"environments/prod.yaml": home}, false, false, want)
	return h
}

var policies = []sentence{
	{"the default branch's file decides", func(t *testing.T, api bool) {
		onBranch(t, api, proposes, pushes, deploy.Proposed)
		onBranch(t, api, pushes, "namespace: x\n", deploy.Changed)
		onBranch(t, api, "namespace: x\n", pushes, "environments/prod.yaml: the k8s repo does not say how prod is deployed: deploy.strategy is missing, on the default branch, whose files decide")
		onBranch(t, api, "deploy: {strategy: push, after: dev}\n", pushes, "does not run in dev")
		onBranch(t, api, "deploy: {strategy: push, order: semver}\n", "deploy: {strategy: push, order: none}\n", "is no semantic version")
	}},
	{"and names the branch", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.MoveBranch("release", h.repo.Tip("main"))
		h.repo.Commit("release", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, branch: main}\n"}, "the branch's own")
		h.underPolicy(gittest.Files{"environments/prod.yaml": "deploy: {strategy: pull-request, branch: release}\n"}, false, false, deploy.Proposed)
		if got := h.pull().Base; got != "release" {
			t.Errorf("the base is %s", got)
		}
		h.policy("deploy: {strategy: push, branch: gone}\n")
		h.refused(problem.ExitRefused, `there is no branch "gone"`)
	}},
	{"that of the branch pushed to may only add", func(t *testing.T, api bool) {
		onBranch(t, api, pushes, proposes, deploy.Proposed)
		onBranch(t, api, pushes, "deploy: {strategy: push, after: dev}\n", "does not run in dev")
		onBranch(t, api, "deploy: {strategy: push, order: none}\n", "deploy: {strategy: push, order: semver}\n", "is no semantic version")
		onBranch(t, api, pushes, "deploy: {strategyy: pushes}\n", "unknown key")
	}},
	{"any other key below deploy is refused, whatever the flags", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.mistakes(
			[2]string{"deploy: {stratgy: pull-request}\n", `environments/prod.yaml:1:10: unknown key "stratgy" in deploy`},
			[2]string{"deploy:\n  strategy: push\n  approvals: 2\n", `environments/prod.yaml:3:3: unknown key "approvals" in deploy`},
			[2]string{"deploy: {strategy: PR}\n", `environments/prod.yaml:1:20: strategy must be`},
			[2]string{"deploy: [pull-request]\n", `environments/prod.yaml:1:9: deploy must be a map`},
			[2]string{"deploy:\nnamespace: x\n", `deploy must be a map`},
			[2]string{"pull-request\n", `environments/prod.yaml:1:1: an environment must be a map`},
			[2]string{"deploy: {strategy: push}\ndeploy: {strategy: pull-request}\n", "environments/prod.yaml:2:1"},
		)
	}},
	{"so is a key at the top within two letters of deploy, extends or path", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.mistakes(
			[2]string{"depoly: {strategy: pull-request}\n", `environments/prod.yaml:1:1: unknown key "depoly" in an environment`},
			[2]string{"namespace: x\nDeploys: {strategy: pull-request}\n", `environments/prod.yaml:2:1: unknown key "Deploys" in an environment`},
			[2]string{"extend: dev\ndeploy: {strategy: push}\n", `environments/prod.yaml:1:1: unknown key "extend" in an environment`},
			[2]string{"paths: x\ndeploy: {strategy: push}\n", `environments/prod.yaml:1:1: unknown key "paths" in an environment`},
			[2]string{"extends: base\ndeploy: {strategy: push}\n", `environments/base.yaml:1:1: unknown key "depoy" in an environment`},
			[2]string{"extends: bse\ndeploy: {strategy: push}\n", `extends an unknown environment "bse"`},
		)
		h.Env = "qa"
		h.underPolicy(gittest.Files{"environments/qa.yml": proposes, fileOf("qa", "api"): manifestOf("api", h.builds[0])}, true, false, "environments/qa.yml: an environment's file ends in .yaml", "rename it")
	}},
	{"other keys are manifestgen's", func(t *testing.T, api bool) {
		newGitHubSite(t, api).underPolicy(gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\nvarz: {}\nclutser: x\n"}, false, false, deploy.Changed)
	}},
	{"only a missing deploy.strategy yields to --push", func(t *testing.T, api bool) {
		for _, file := range []string{"namespace: prod\ndeploy: {labels: [x]}\n", "namespace: prod\n", "deploy: {}\n"} {
			h := newGitHubSite(t, api)
			files := gittest.Files{"environments/prod.yaml": file}
			h.underPolicy(files, false, false, "environments/prod.yaml", "the k8s repo does not say how prod is deployed: deploy.strategy is missing", "pass --push to push to main")
			h.underPolicy(files, false, true, "deploy.strategy is missing")
			h.underPolicy(files, true, false, deploy.Changed)
		}
		h := newGitHubSite(t, api)
		h.underPolicy(gittest.Files{"environments/prod.yaml": proposes}, true, false, deploy.Proposed)
	}},
	{"a k8s repo that is a path, or on another host, has nobody to propose to", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Pulls = nil
		h.refused(problem.ExitRefused, "environments/prod.yaml:1:10: prod is deployed by pull request, and there is nobody to propose to", "--push --force")
		h.underPolicy(nil, true, false, "nobody to propose to")
		h.underPolicy(nil, false, true, "nobody to propose to")
		h.underPolicy(nil, true, true, deploy.Changed)
	}},
	{"past strategy and after goes only --push --force together, and the commit says so", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		files := gittest.Files{"environments/prod.yaml": "deploy:\n  strategy: pull-request\n  after: dev\n"}
		for _, flags := range [][2]bool{{false, false}, {true, false}, {false, true}} {
			h.underPolicy(files, flags[0], flags[1], "environments/prod.yaml:3:3: api: "+h.Tag+" does not run in dev, which comes before prod: there it is "+h.builds[3], "tagbump promote --from dev --to prod --service api")
		}
		h.underPolicy(files, true, true, deploy.Changed)
		want := "Pushed past the policy with --push --force: after: dev (environments/prod.yaml:3:3), strategy: pull-request (environments/prod.yaml:2:3)"
		if got := h.repo.ReadObject("commit", h.repo.Tip("main")); !strings.Contains(got, want) {
			t.Errorf("got %s", got)
		}
		h.Tag = h.builds[3] // dev runs it
		h.underPolicy(files, false, false, deploy.Proposed)
	}},
	{"after binds deploy and promote, not rollback", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, after: dev}\n", "environments/qa.yaml": pushes, fileOf("qa", "api"): manifestOf("api", h.builds[4]), fileOf("prod", "api"): manifestOf("api", h.builds[3])}, "on")
		h.Tag = h.builds[4]
		h.refused(problem.ExitRefused, "does not run in dev")
		list, err := h.promotes(&deploy.Promotion{From: "qa", To: "prod", Services: []string{"api"}})
		if err != nil || problem.ExitStatus(list[0].Err) != problem.ExitRefused || !strings.Contains(list[0].Err.Error(), "does not run in dev") {
			t.Errorf("got %+v, %v", list, err)
		}
		h.does(h.rollback(""), deploy.Changed)
		h.refuses(h.release(h.builds[4]), problem.ExitRefused, "does not run in dev")
	}},
	{"an after that can never be met binds the same commands", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		const circle = "environments/dev.yaml:1:33: environments are deployed after each other in a circle: dev → prod → dev"
		h.repo.Commit("main", gittest.Files{"environments/dev.yaml": "deploy: {strategy: push, after: prod}\n", "environments/prod.yaml": "deploy: {strategy: push, after: dev}\n",
			fileOf("dev", "api"): manifestOf("api", h.builds[4]), fileOf("prod", "api"): manifestOf("api", h.builds[3])}, "a circle")
		h.Tag = h.builds[4] // dev runs it
		h.refused(problem.ExitRefused, circle)
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Services: []string{"api"}})
		if err != nil || problem.ExitStatus(list[0].Err) != problem.ExitRefused || !strings.Contains(list[0].Err.Error(), circle) {
			t.Errorf("got %+v, %v", list, err)
		}
		h.does(h.rollback(""), deploy.Changed)
		h.refuses(h.release(h.builds[4]), problem.ExitRefused, circle)
		h.does(h.release(""), deploy.Changed)
		h.underPolicy(nil, true, true, deploy.Changed)
		h.underPolicy(gittest.Files{"environments/dev.yaml": pushes, "environments/prod.yaml": "deploy: {strategy: push, after: prod}\n", fileOf("prod", "api"): manifestOf("api", h.builds[3])}, false, false,
			"environments/prod.yaml:1:33: the environment prod is deployed after itself")
	}},
	{"each environment that comes before is named, in one order", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.MoveBranch("release", h.repo.Tip("main"))
		h.repo.Commit("release", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, after: staging}\n", "environments/staging.yaml": pushes,
			fileOf("staging", "api"): manifestOf("api", h.builds[1]), "environments/qa.yaml": pushes, fileOf("qa", "api"): manifestOf("api", h.builds[4])}, "the branch's own")
		h.policy("deploy: {strategy: push, after: dev}\n")
		h.Branch, h.Tag = "release", h.builds[4]
		want := []string{h.Tag + " does not run in dev, which comes before prod: there it is " + h.builds[3], h.Tag + " does not run in staging, which comes before prod: there it is " + h.builds[1]}
		h.refused(problem.ExitRefused, want...)
		list, err := h.promotes(&deploy.Promotion{From: "qa", To: "prod", Services: []string{"api"}})
		if err != nil || len(problem.All(list[0].Err)) != 2 || !strings.Contains(list[0].Err.Error(), want[0]) || !strings.Contains(list[0].Err.Error(), want[1]) {
			t.Errorf("got %+v, %v", list, err)
		}
	}},
	{"of services that share an image, each runs what the other one does", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, after: staging}\nservices: {front: {image: registry.example.com/front}}\n",
			"environments/prod-next.yaml": "deploy: {strategy: push, after: staging}\n", "environments/staging.yaml": pushes,
			"users.yaml":               "services:\n  - {name: api, image: registry.example.com/api, repository: example/api}\n  - {name: front, image: registry.example.com/api, repository: example/api}\n",
			fileOf("prod", "front"):    manifestOf("front", h.builds[1]),
			fileOf("staging", "api"):   manifestOf("api", h.builds[3]),
			fileOf("prod-next", "api"): manifestOf("api", h.builds[2]),
		}, "shared")
		h.Services = []string{"api", "front"}
		h.Tag = h.builds[4]
		h.refused(problem.ExitRefused, "api: "+h.builds[4]+" does not run in staging", "front: "+h.builds[4]+" does not run in staging")
		h.deploys(3, deploy.Changed)
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod-next"})
		if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || len(list) != 2 || list[1].Outcome.Status != deploy.Changed {
			t.Errorf("got %+v, %v", list, err)
		}
	}},
	{"--env prod --env prod-next moves both in one pull request, under the stricter policy", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Envs = []string{"prod-next", "prod"}
		h.underPolicy(gittest.Files{
			"environments/prod-next.yaml": "deploy: {strategy: push, after: dev, labels: [next]}\n",
			fileOf("prod-next", "api"):    manifestOf("api", h.builds[0]),
		}, false, false, "environments/prod-next.yaml", "does not run in dev, which comes before prod-next")
		h.Tag = h.builds[3]
		h.run(deploy.Proposed)
		p := h.pull()
		if p.Branch != "tagbump/prod+prod-next/api" || strings.Join(p.Labels, " ") != "deploy next" || !strings.Contains(p.Title, "prod and prod-next") {
			t.Errorf("got %+v", p)
		}
		for _, env := range []string{"prod", "prod-next"} {
			if got := h.repo.Read(p.Branch, fileOf(env, "api")); got != manifestOf("api", h.builds[3]) {
				t.Errorf("%s runs %s", env, got)
			}
		}
		h.run(deploy.Proposed)
		if got := h.pull(); got.Head != p.Head {
			t.Error("the branch moved for nothing")
		}
	}},
	{"or in one commit, on one branch", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Envs = []string{"prod-next", "prod"}
		h.underPolicy(gittest.Files{
			"environments/prod.yaml":      "deploy: {strategy: push, branch: release}\n",
			"environments/prod-next.yaml": "deploy: {strategy: push, branch: main}\n",
			fileOf("prod-next", "api"):    manifestOf("api", h.builds[0]),
		}, false, false, "one commit cannot be on both")
		h.underPolicy(gittest.Files{"environments/prod.yaml": pushes, "environments/prod-next.yaml": pushes}, false, false, deploy.Changed)
		if got := h.repo.ReadObject("commit", h.repo.Tip("main")); !strings.Contains(got, "\n\napi: prod+prod-next ") {
			t.Errorf("got %s", got)
		}
	}},
}

// TestPolicyFailsClosed is "The policy fails closed".
func TestPolicyFailsClosed(t *testing.T) { bySentence(t, policies...) }

// mistakes deploys under wrong policies, with all sets of flags.
func (h *gitHubSite) mistakes(cases ...[2]string) {
	h.t.Helper()
	for _, c := range cases {
		for _, flags := range [][2]bool{{false, false}, {true, false}, {true, true}} {
			h.underPolicy(gittest.Files{"environments/prod.yaml": c[0], "environments/base.yaml": "depoy: {strategy: pull-request}\n"}, flags[0], flags[1], c[1])
		}
	}
}
