package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
)

// says checks what is in the body of the newest pull request.
func (h *gitHubSite) says(texts ...string) {
	h.t.Helper()
	body := h.newest().Body
	for _, text := range texts {
		if !strings.Contains(body, text) {
			h.t.Errorf("%q is not in the body:\n%s", text, body)
		}
	}
	h.note(body)
}

var pullBodies = []sentence{
	{"old → new, forward or back", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.says("| `registry.example.com/api` | `"+h.builds[1]+"` | **`"+h.builds[2]+"`** | `"+fileOf("prod", "api")+":10` |", "**`api`** `"+h.builds[1]+"` → `"+h.builds[2]+"`: forward, [1 commit](")
		h.Force = true
		h.deploys(0, deploy.Proposed)
		h.says("back. This takes away [1 commit](", "Change 1")
	}},
	{"the newest 50 commits between, and how many more", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		for i := range 120 {
			h.source.Commit("main", gittest.Files{"n": fmt.Sprint(i)}, fmt.Sprintf("Step %d\n", i))
		}
		h.Tag = h.source.Tip("main")
		h.run(deploy.Proposed)
		h.says("forward, [123 commits](", "`Step 119`", "`Step 70`", "and [73 more](")
		if body := h.newest().Body; strings.Contains(body, "`Step 69`") || strings.Contains(body, "Change 4") {
			t.Errorf("there are more than 50:\n%s", body)
		}
	}},
	{"from the clone where the API cannot compare", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.History = (&app{Repo: h.source}).history(t, h.source.Folder())
		h.deploys(3, deploy.Proposed)
		h.says("forward, [2 commits](", "Change 3 (#3)", "Change 2 (#2)")
	}},
	{"or not known, because …", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.policy("deploy: {strategy: pull-request, order: none}\n")
		h.Tag = "v1.2.3"
		h.run(deploy.Proposed)
		h.says("the commits between are not known, because `v1.2.3 names no commit`")
		h.History = func(bump.Target) deploy.History { return nil }
		h.Tag = "v1.2.4"
		h.run(deploy.Proposed)
		h.says("not known, because `users.yaml names no repository for api, and --app-repo no clone`")
	}},
	{"where else each tag runs, and since when", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.says("| `dev` | `api` | `" + h.builds[3] + "` | 2026-01-02 |")
	}},
	{"also where a service's manifests are in a folder of another name, or in another branch", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Services = []string{"api", "web"}
		h.repo.MoveBranch("staging", h.repo.Tip("main"))
		h.repo.Commit("staging", gittest.Files{"staging/manifests/batch/all.yaml": manifestOf("api", h.builds[2]) + "---\n" + manifestOf("web", h.builds[3])}, "staging")
		h.repo.Commit("main", gittest.Files{"environments/staging.yaml": "deploy: {strategy: push, branch: staging}\n"}, "a branch of its own")
		h.deploys(2, deploy.Proposed)
		h.says("| `staging` | `api` | **`"+h.builds[2]+"`** | 2026-01-02 |", "| `staging` | `web` | `"+h.builds[3]+"` | 2026-01-02 |")
	}},
	{"but not what an environment runs whose files cannot be read", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.Commit("main", gittest.Files{"dev/manifests/api/huge.yaml": "#" + strings.Repeat(" ", 10<<20)}, "huge")
		h.deploys(2, deploy.Proposed)
		if body := h.newest().Body; strings.Contains(body, "dev") {
			t.Errorf("got\n%s", body)
		}
	}},
	{"what differs besides the tag between source and target of a promotion", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.Commit("main", gittest.Files{fileOf("dev", "api"): manifestOf("api", h.builds[3]) + "          args: [--debug]\n"}, "debug")
		if _, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod"}); err != nil {
			t.Fatal(err)
		}
		h.says("Merging this deploys to `prod` what `dev` runs.", "What else differs between `dev` and `prod`, and is not changed here:", "- `Deployment api`: `spec.template.spec.containers[api].args[0]: --debug → not set`")
	}},
	{"also of objects that have one name in several namespaces, or in another one", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		rule := func(namespace, size string) string {
			return "---\nkind: Rule\nmetadata: {name: api, namespace: " + namespace + "}\nsize: " + size + "\n"
		}
		other := func(namespace, size string) string { return strings.Replace(rule(namespace, size), "Rule", "Other", 1) }
		h.repo.Commit("main", gittest.Files{
			"environments/dev.yaml":       "deploy: {strategy: push}\nnamespace: team-dev\n",
			"environments/prod.yaml":      proposes + "namespace: customers\n",
			"dev/manifests/api/all.yaml":  rule("shared", "1") + rule("dev-jobs", "2") + rule("team-dev", "3") + rule("gone", "4") + other("left", "5"),
			"prod/manifests/api/all.yaml": rule("shared", "10") + rule("prod-jobs", "20") + rule("customers", "3") + rule("new", "40") + other("right", "5"),
		}, "namespaces")
		if _, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod"}); err != nil {
			t.Fatal(err)
		}
		h.says("- `Rule shared/api`: `size: 1 → 10`\n- `Rule prod-jobs/api`: `size: 2 → 20`\n- `Rule gone/api` is only in `dev`\n- `Other api`: `metadata.namespace: left → right`\n- `Rule new/api` is only in `prod`\n")
	}},
	{"who asked, and how to undo it", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.says("Requested by `alice` ([run](https://example.com/run/1))", "tagbump rollback", "--env prod --service api")
	}},
	{"in each environment that it changes, to what runs there", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Options.URL = "https://github.com/example/k8s"
		files := gittest.Files{"environments/prod-next.yaml": proposes, "environments/prod-new.yaml": proposes, fileOf("prod-next", "api"): manifestOf("api", h.builds[0]), fileOf("prod-new", "api"): manifestOf("api", h.builds[2])}
		h.repo.Commit("main", files, "more environments")
		h.Envs, h.Services, h.Images = []string{"prod", "prod-new", "prod-next"}, nil, []string{"registry.example.com/api"}
		h.deploys(2, deploy.Proposed)
		_, undo, _ := strings.Cut(h.newest().Body, "```sh\n")
		undo, _, _ = strings.Cut(undo, "```")
		want := ""
		for _, c := range []struct {
			env   string
			build int
		}{{"prod", 1}, {"prod-next", 0}} {
			want += "tagbump deploy --repo https://github.com/example/k8s --env " + c.env + " --image registry.example.com/api --tag " + h.builds[c.build] + " --force\n"
		}
		if undo != want {
			t.Errorf("got\n%s\nwant\n%s", undo, want)
		}
	}},
	{"and of a rollback that only holds", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.does(h.rollback(h.builds[1]), deploy.Proposed) // what runs
		h.says(" --env prod --service api\n```")
		if body := h.newest().Body; !strings.Contains(body, "\ntagbump release ") {
			t.Errorf("got\n%s", body)
		}
	}},
}

// TestPullBody is "The body tells the truth".
func TestPullBody(t *testing.T) { bySentence(t, pullBodies...) }
