package deploy_test

import (
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// person commits files to the branch of the open pull request.
func person(h *gitHubSite, files gittest.Files, message string) string {
	return h.k8s.CommitAs("carol@example.com", branch, files, message)
}

// stopped deploys twice to a branch that a person changed: it is left alone, and told once.
func stopped(t *testing.T, h *gitHubSite, theirs string) {
	t.Helper()
	h.Tag = h.builds[3]
	for range 2 {
		if got := h.refused(problem.ExitRefused, theirs[:7]+" by Test", branch); got.Pull != deploy.Declined || got.Status != deploy.Failed {
			t.Errorf("got %+v", got)
		}
	}
	if n := len(h.pull().Comments); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
}

var branchOwner = []sentence{
	{"ours: the net difference changes only tags, whoever pushed it", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		person(h, gittest.Files{"README.md": "# Hello\n"}, "A readme")
		h.k8s.Revert(branch, "carol@example.com") // and it is taken back
		h.deploys(3, deploy.Proposed)
		h.proposes(3)
	}},
	{"digests, renamed repositories and holds of this pull request's services", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		with := strings.Replace(manifestOf("api", h.builds[2]), ":"+h.builds[2], ":"+h.builds[2]+"@sha256:"+strings.Repeat("ab", 32), 1)
		person(h, gittest.Files{fileOf("prod", "api"): with, "holds/prod/api.yaml": "reason: wait\n"}, "Pin it, and hold it")
		h.deploys(3, deploy.Proposed)
		h.proposes(3)
	}},
	{"Update branch included", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.move("web", "new")
		h.k8s.UpdateBranch(1, "carol")
		if again := h.deploys(2, deploy.Proposed); again.Pull != deploy.Untouched {
			t.Errorf("got %s", again.Pull)
		}
		h.move("web", "newer")
		h.deploys(3, deploy.Proposed)
		h.proposes(3)
	}},
	{"anything more is a person's: the bot stops and names the commit and author", func(t *testing.T, api bool) {
		for _, files := range []gittest.Files{
			{"prod/manifests/api/more.yaml": "kind: ConfigMap\n"},
			{fileOf("prod", "api"): strings.Replace(manifestOf("api", "x"), "# keep", "# mine", 1)},
			{"environments/prod.yaml": "deploy: {strategy: push}\n"},
			{"holds/prod/web.yaml": "reason: not mine\n"},
			{"120000 prod/manifests/api/link.yaml": "elsewhere"},
			{"100755 " + fileOf("prod", "api"): manifestOf("api", "x")},
			{fileOf("dev", "api"): manifestOf("api", "x")},
		} {
			h := newGitHubSite(t, api)
			h.deploys(2, deploy.Proposed)
			stopped(t, h, person(h, files, "One more thing"))
		}
	}},
	{"while that pull request is open; then the branch is replaced", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		stopped(t, h, person(h, gittest.Files{"more.yaml": "x: 1\n"}, "More"))
		h.k8s.Close(1, "carol")
		h.deploys(3, deploy.Proposed)
		h.proposes(3)
	}},
	{"a head that the API cannot read whole is a person's", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.repo.MoveBranch(branch, h.repo.WriteCommit(h.repo.Tree(h.repo.Tip("main")), "Start over\n")) // unrelated to main
		h.Tag = h.builds[3]
		if got := h.refused(problem.ExitRefused, branch); got.Pull != deploy.Declined {
			t.Errorf("got %+v", got)
		}
	}},
	{"a tag that somebody else put there is guarded by the order", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		person(h, gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[4])}, "That one")
		h.deploys(3, deploy.Superseded)
	}},
	{"and a comment names what was replaced", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		person(h, gittest.Files{fileOf("prod", "api"): manifestOf("api", h.builds[3])}, "That one")
		h.deploys(4, deploy.Proposed)
		h.deploys(4, deploy.Proposed)
		h.proposes(4)
		p := h.pull()
		if want := "`" + h.builds[3] + "`, which `Test` put"; len(p.Comments) != 1 || !strings.HasPrefix(p.Comments[0].Body, want) || !strings.HasSuffix(p.Comments[0].Body, "put on this branch, is replaced by `"+h.builds[4]+"`.") {
			t.Errorf("got %+v", p.Comments)
		}
	}},
	{"also one that the proposed tag begins with", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.policy("deploy: {strategy: pull-request, order: none}\n")
		h.Tag = "v1.2.30"
		h.run(deploy.Proposed)
		person(h, gittest.Files{fileOf("prod", "api"): manifestOf("api", "v1.2.3")}, "That one")
		h.Tag = "v1.2.4"
		h.run(deploy.Proposed)
		if p := h.pull(); len(p.Comments) != 1 || !strings.HasPrefix(p.Comments[0].Body, "`v1.2.3`, which ") {
			t.Errorf("got %+v", p.Comments)
		}
	}},
	{"a rule that forbids the branch of a pull request is not answered by a pull request", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.k8s.Protected = []string{branch}
		h.k8s.Hook("update", `test "$1" != refs/heads/`+branch+` || { echo "error: GH006: Protected branch update failed" >&2; exit 1; }`)
		_, err := h.Run(t.Context())
		const hint = "that is the branch of the pull request: let the account of TAGBUMP_TOKEN create, update and delete the branches tagbump/** and tagbump-rollback/**, past the rule that protects them"
		if problem.ExitStatus(err) != problem.ExitRefused || problem.All(err)[0].Hint != hint || len(h.k8s.PullRequests()) > 0 {
			t.Errorf("got %+v", problem.All(err)[0])
		}
	}},
	{"a branch whose name is in the way is named", func(t *testing.T, api bool) {
		for _, inTheWay := range []string{"tagbump", "tagbump/prod"} {
			h := newGitHubSite(t, api)
			h.repo.MoveBranch(inTheWay, h.repo.Tip("main"))
			h.refused(problem.ExitRefused, "the branch "+branch+" cannot be made, because there is a branch "+inTheWay)
		}
	}},
	{"without an open pull request the branch is replaced, whatever it holds", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.MoveBranch(branch, h.repo.Tip("main"))
		h.repo.Commit(branch, gittest.Files{"anything": "at all", fileOf("prod", "api"): "gone: 1\n"}, "planted")
		h.deploys(2, deploy.Proposed)
		h.proposes(2)
	}},
	{"auto-merge is only enabled on a head whose difference was checked", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Pulls.AutoMerge = true
		h.deploys(2, deploy.Proposed)
		if p := h.pull(); p.AutoMerge == "" {
			t.Errorf("it is off: %+v", p)
		}
		for _, r := range h.github.Log() {
			if r.Kind == "graphql enablePullRequestAutoMerge" && !strings.Contains(r.Body, h.repo.Tip(branch)) {
				t.Errorf("it does not name the head: %s", r.Body)
			}
		}
	}},
	{"and not where a person's commit came in between", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Pulls.AutoMerge = true
		h.github.Fail("POST /repos/{owner}/{repo}/pulls", ghtest.Fault{Then: func() { person(h, gittest.Files{"more.yaml": "x: 1\n"}, "More") }})
		h.try(&h.Deployment)
		if p := h.pull(); p.AutoMerge != "" {
			t.Errorf("it is on: %+v", p)
		}
	}},
	{"that it is not possible is a notice", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Pulls.AutoMerge, h.k8s.AllowAutoMerge = true, false
		if outcome := h.deploys(2, deploy.Proposed); len(outcome.Notices) != 1 || !strings.Contains(outcome.Notices[0], "not set to merge by itself") {
			t.Errorf("got %q", outcome.Notices)
		}
	}},
	{"trailers and markers are labels, never proof", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		forged := h.repo.Commit("main", gittest.Files{"a": "b"}, "back\n\nTagbump-Rollback: api "+h.builds[4]+" → "+h.builds[3]+"\nTagbump-Environment: prod")
		h.repo.Git("update-ref", "refs/tagbump/rollback/prod/api", forged)
		h.deploys(2, deploy.Proposed)
		body := h.pull().Body
		for _, marker := range []string{"", "<!-- tagbump: prod " + h.builds[4] + " -->\n", "<!-- tagbump: dev ffffffff -->\n", "<!-- tagbump -->"} {
			h.k8s.Edit(1, marker+strings.ReplaceAll(body, "<!-- tagbump:", "<!-- "))
			if again := h.deploys(2, deploy.Proposed); again.Pull != deploy.Untouched {
				t.Errorf("%q: got %s", marker, again.Pull)
			}
		}
		stopped(t, h, person(h, gittest.Files{"more.yaml": "x: 1\n"}, "api: prod\n\nTagbump: prod api "+h.builds[2]))
	}},
	{"a pull request from a fork, or to another base, is another one", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.MoveBranch("release", h.repo.Tip("main"))
		h.repo.MoveBranch(branch, h.repo.WriteCommit(h.repo.Tree(h.repo.Tip("main")), "Mine\n", h.repo.Tip("main")))
		h.k8s.Open("mallory", "main", branch, true)   // from a fork
		h.k8s.Open("carol", "release", branch, false) // to another base
		h.deploys(2, deploy.Proposed)
		h.proposes(2)
		pulls := h.k8s.PullRequests()
		if len(pulls) != 3 || pulls[2].Base != "main" || pulls[2].Author != "tagbump[bot]" || !pulls[0].Open || pulls[0].Title != "A pull request" {
			t.Errorf("got %+v", pulls)
		}
	}},
	{"nor is it an answer of a person to this one", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.MoveBranch("release", h.repo.Tip("main"))
		h.deploys(2, deploy.Proposed)
		h.k8s.Open("carol", "release", branch, false)
		h.k8s.Close(2, "carol")
		if outcome := h.deploys(2, deploy.Proposed); outcome.Pull != deploy.Untouched {
			t.Errorf("a closed one to another base: got %s", outcome.Pull)
		}
		h.k8s.Open("carol", "release", branch, false)
		h.k8s.Close(1, "carol")
		if outcome := h.deploys(2, deploy.Unchanged); outcome.Pull != deploy.Declined {
			t.Errorf("an open one to another base: got %s", outcome.Pull)
		}
	}},
}

// TestBranchOwner is "Whose branch it is, is decided by its content".
func TestBranchOwner(t *testing.T) { bySentence(t, branchOwner...) }
