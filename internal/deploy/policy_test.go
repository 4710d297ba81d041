package deploy_test

import (
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// underPolicy runs the deployment on main as a policy's files have it, and checks that it is
// refused with each text, or what it came to where want is a status.
func (h *hub) underPolicy(files gittest.Files, push, force bool, want ...string) *deploy.Outcome {
	h.t.Helper()
	h.repo.Commit("main", files, "policy")
	h.Push, h.Force = push, force
	switch want[0] {
	case deploy.Changed, deploy.Proposed, deploy.Unchanged:
		return h.run(want[0])
	}
	h.refused(problem.ExitRefused, want...)
	return nil
}

// TestMissingStrategyYieldsToPush is the one rule of a policy that --push stands in for.
func TestMissingStrategyYieldsToPush(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		for name, file := range map[string]string{
			"no strategy": "namespace: prod\ndeploy: {labels: [x]}\n", "no deploy": "namespace: prod\n", "an empty map": "deploy: {}\n",
		} {
			t.Run(name, func(t *testing.T) {
				h := newHub(t)
				h.via(api)
				files := gittest.Files{"environments/prod.yaml": file}
				h.underPolicy(files, false, false, "environments/prod.yaml", "the k8s repo does not say how prod is deployed: deploy.strategy is missing", "pass --push to push to main")
				h.underPolicy(files, false, true, "deploy.strategy is missing")
				h.underPolicy(files, true, false, deploy.Changed)
			})
		}
	})
}

// TestMistakesInThePolicyAreRefused whatever the flags, with the line of the file.
func TestMistakesInThePolicyAreRefused(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		for name, c := range map[string]struct{ file, want string }{
			"a misspelt strategy":    {"deploy: {stratgy: pull-request}\n", `environments/prod.yaml:1:10: unknown key "stratgy" in deploy`},
			"any other key":          {"deploy:\n  strategy: push\n  approvals: 2\n", `environments/prod.yaml:3:3: unknown key "approvals" in deploy`},
			"another strategy":       {"deploy: {strategy: PR}\n", `environments/prod.yaml:1:20: strategy must be`},
			"no map":                 {"deploy: [pull-request]\n", `environments/prod.yaml:1:9: deploy must be a map`},
			"nothing behind it":      {"deploy:\nnamespace: x\n", `deploy must be a map`},
			"depoly":                 {"depoly: {strategy: pull-request}\n", `environments/prod.yaml:1:1: unknown key "depoly" in an environment`},
			"Deploys":                {"namespace: x\nDeploys: {strategy: pull-request}\n", `environments/prod.yaml:2:1: unknown key "Deploys" in an environment`},
			"extend":                 {"extend: dev\ndeploy: {strategy: push}\n", `environments/prod.yaml:1:1: unknown key "extend" in an environment`},
			"paths":                  {"paths: x\ndeploy: {strategy: push}\n", `environments/prod.yaml:1:1: unknown key "paths" in an environment`},
			"in what it extends":     {"extends: base\ndeploy: {strategy: push}\n", `environments/base.yaml:1:1: unknown key "depoy" in an environment`},
			"an extends of nothing":  {"extends: bse\ndeploy: {strategy: push}\n", `extends an unknown environment "bse"`},
			"a text instead of keys": {"pull-request\n", `environments/prod.yaml:1:1: an environment must be a map`},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHub(t)
				h.via(api)
				files := gittest.Files{"environments/prod.yaml": c.file, "environments/base.yaml": "depoy: {strategy: pull-request}\n"}
				for _, flags := range [][2]bool{{false, false}, {true, false}, {true, true}} {
					h.underPolicy(files, flags[0], flags[1], c.want)
				}
			})
		}
		t.Run("another ending", func(t *testing.T) {
			h := newHub(t)
			h.via(api)
			h.Env = "qa"
			h.underPolicy(gittest.Files{"environments/qa.yml": "deploy: {strategy: pull-request}\n", fileOf("qa", "api"): manifestOf("api", h.builds[0])}, true, false, "environments/qa.yml: an environment's file ends in .yaml", "rename it")
		})
		t.Run("other keys are manifestgen's", func(t *testing.T) {
			h := newHub(t)
			h.via(api)
			h.underPolicy(gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\nvarz: {}\nclutser: x\n"}, false, false, deploy.Changed)
		})
	})
}

// TestPastThePolicy holds that only --push and --force together go past the strategy and
// what comes before, and that the commit says so.
func TestPastThePolicy(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		files := gittest.Files{"environments/prod.yaml": "deploy:\n  strategy: pull-request\n  after: dev\n"}
		for _, flags := range [][2]bool{{false, false}, {true, false}, {false, true}} {
			h.underPolicy(files, flags[0], flags[1], "environments/prod.yaml:3:3: api: "+h.Tag+" does not run in dev, which comes before prod: there it is "+h.builds[3], "tagbump promote --from dev --to prod --service api")
		}
		h.underPolicy(files, true, true, deploy.Changed)
		want := "Pushed past the policy with --push --force: after: dev (environments/prod.yaml:3:3), strategy: pull-request (environments/prod.yaml:2:3)"
		if got := h.repo.Git("log", "-1", "--format=%B", "main"); !strings.Contains(got, want) {
			t.Errorf("got %s", got)
		}
		h.Tag = h.builds[3] // dev runs it
		h.underPolicy(files, false, false, deploy.Proposed)
	})
}

// TestDefaultBranchDecides holds that the branch that is pushed to can only add to the
// policy.
func TestDefaultBranchDecides(t *testing.T) {
	const push, propose = "deploy: {strategy: push}\n", "deploy: {strategy: pull-request}\n"
	bothWays(t, func(t *testing.T, api bool) {
		for name, c := range map[string]struct{ home, branch, want string }{
			"a push there is no push":            {propose, push, deploy.Proposed},
			"a pull request is added":            {push, propose, deploy.Proposed},
			"nothing is missing there":           {push, "namespace: x\n", deploy.Changed},
			"a missing strategy is missing":      {"namespace: x\n", push, "environments/prod.yaml: the k8s repo does not say how prod is deployed: deploy.strategy is missing, on the default branch, whose files decide"},
			"what comes before is added":         {push, "deploy: {strategy: push, after: dev}\n", "does not run in dev"},
			"what comes before stays":            {"deploy: {strategy: push, after: dev}\n", push, "does not run in dev"},
			"an order is added":                  {"deploy: {strategy: push, order: none}\n", "deploy: {strategy: push, order: semver}\n", "is no semantic version"},
			"an order is not taken away":         {"deploy: {strategy: push, order: semver}\n", "deploy: {strategy: push, order: none}\n", "is no semantic version"},
			"a mistake on the branch is refused": {push, "deploy: {strategyy: push}\n", "unknown key"},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHub(t)
				h.via(api)
				h.repo.Git("branch", "release", "main")
				h.repo.Commit("release", gittest.Files{"environments/prod.yaml": c.branch}, "the branch's own")
				h.Branch = "release"
				h.underPolicy(gittest.Files{"environments/prod.yaml": c.home}, false, false, c.want)
			})
		}
		t.Run("the branch of the policy", func(t *testing.T) {
			h := newHub(t)
			h.via(api)
			h.repo.Git("branch", "release", "main")
			h.repo.Commit("release", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, branch: main}\n"}, "the branch's own")
			h.underPolicy(gittest.Files{"environments/prod.yaml": "deploy: {strategy: pull-request, branch: release}\n"}, false, false, deploy.Proposed)
			if got := h.pull().Base; got != "release" {
				t.Errorf("the base is %s", got)
			}
		})
	})
}

// TestAfterBindsNoRollback holds that a rollback goes back where what comes before has
// gone on.
func TestAfterBindsNoRollback(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, after: dev}\n", fileOf("prod", "api"): manifestOf("api", h.builds[3])}, "on")
		r := &deploy.Rollback{Options: h.Options, Env: "prod", Service: "api"}
		if outcome, err := r.Run(t.Context()); err != nil || outcome.Status != deploy.Changed {
			t.Errorf("got %+v, %v", outcome, err)
		}
		release := &deploy.Release{Options: h.Options, Env: "prod", Service: "api", Tag: h.builds[4]}
		if _, err := release.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "does not run in dev") {
			t.Errorf("a release with a tag: got %v", err)
		}
	})
}

// TestSeveralEnvironmentsMoveTogether under the stricter policy, in one pull request.
func TestSeveralEnvironmentsMoveTogether(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t)
		h.via(api)
		next := gittest.Files{
			"environments/prod-next.yaml": "deploy: {strategy: push, after: dev, labels: [next]}\n",
			fileOf("prod-next", "api"):    manifestOf("api", h.builds[0]),
		}
		h.Envs = []string{"prod-next", "prod"}
		h.underPolicy(next, false, false, "environments/prod-next.yaml", "does not run in dev, which comes before prod-next")
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
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push, branch: release}\n", "environments/prod-next.yaml": "deploy: {strategy: push, branch: main}\n"}, "two branches")
		h.refused(problem.ExitRefused, "one commit cannot be on both")
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\n", "environments/prod-next.yaml": "deploy: {strategy: push}\n"}, "pushes")
		h.run(deploy.Changed)
		if got := h.repo.Git("log", "-1", "--format=%s", "main"); !strings.HasPrefix(got, "api: prod+prod-next ") {
			t.Errorf("got %s", got)
		}
	})
}
