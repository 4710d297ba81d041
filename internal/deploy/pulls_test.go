// The stories of pull requests make this file long: one table, each story told over Git and over the API.

package deploy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const policyOfProd = "deploy: {strategy: pull-request, labels: [deploy, prod], assignees: [dave], reviewers: [carol], team_reviewers: [example/sre]}\n"

var pulls = []sentence{
	{"on branch tagbump/env/service", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.proposes(2)
		if p := h.pull(); p.Branch != "tagbump/prod/api" || p.Base != "main" || !p.Open || p.Title != "Deploy api "+h.builds[2]+" to prod" {
			t.Errorf("got %+v", p)
		}
	}},
	{"a set: sorted names joined by +", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Services = []string{"web", "api"}
		h.deploys(2, deploy.Proposed)
		h.Services = []string{"api", "web"}
		if again := h.deploys(2, deploy.Proposed); again.Pull != deploy.Untouched || h.pull().Branch != "tagbump/prod/api+web" {
			t.Errorf("got %+v", again)
		}
	}},
	{"made, with the policy's labels, assignees and reviewers", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.k8s.Collaborators = []string{"carol", "dave"}
		h.policy(policyOfProd)
		outcome := h.deploys(2, deploy.Proposed)
		h.hasExtras("deploy prod", "dave", "carol", "sre")
		if outcome.Pull != deploy.Created || h.pull().Draft {
			t.Errorf("got %+v", outcome)
		}
	}},
	{"a draft where the policy says so, and ready once a person says so", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.policy("deploy: {strategy: pull-request, draft: true}\n")
		h.deploys(2, deploy.Proposed)
		if !h.pull().Draft {
			t.Errorf("got %+v", h.pull())
		}
		h.k8s.Ready(1)
		h.deploys(3, deploy.Proposed)
		if p := h.pull(); p.Draft {
			t.Errorf("got %+v", p)
		}
	}},
	{"then updated in place; what people wrote below the line stays", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.k8s.Edit(1, h.pull().Body+"Please wait for Monday.\n")
		h.move("web", "new") // the base moves on
		outcome := h.deploys(3, deploy.Proposed)
		h.proposes(3)
		p := h.pull()
		if outcome.Pull != deploy.Updated || p.Title != "Deploy api "+h.builds[3]+" to prod" || !strings.Contains(p.Body, "Change 3") || !p.Open {
			t.Errorf("got %s, %+v", outcome.Pull, p)
		}
		if !strings.HasSuffix(p.Body, "Please wait for Monday.\n") {
			t.Errorf("what a person wrote is gone:\n%s", p.Body)
		}
	}},
	{"untouched while it still is exactly the edit", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		head := h.repo.Tip(branch)
		h.move("web", "new") // elsewhere
		h.Reset()
		h.github.Reset()
		if again := h.deploys(2, deploy.Proposed); again.Pull != deploy.Untouched || h.repo.Tip(branch) != head {
			t.Errorf("got %+v", again)
		}
		for _, r := range h.github.Log() {
			if !strings.HasPrefix(r.Kind, "GET ") && r.Kind != "graphql repository" || h.Count(gittest.Push) > 0 {
				t.Errorf("%s, for nothing", r.Kind)
			}
		}
	}},
	{"and merges cleanly: one that conflicts is made again", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(3, deploy.Proposed)
		h.runsIn("prod", h.builds[2])
		if again := h.deploys(3, deploy.Proposed); again.Pull != deploy.Updated {
			t.Errorf("got %s", again.Pull)
		}
		h.proposes(3)
	}},
	{"labels and reviewers that it never got are added", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.k8s.Collaborators = []string{"carol", "dave"}
		h.policy("deploy: {strategy: pull-request, labels: [deploy], reviewers: [carol]}\n")
		h.deploys(2, deploy.Proposed)
		h.hasExtras("deploy", "", "carol", "")
		h.policy(policyOfProd)
		if again := h.deploys(2, deploy.Proposed); again.Pull != deploy.Untouched {
			t.Errorf("got %s", again.Pull)
		}
		h.hasExtras("deploy prod", "dave", "carol", "sre")
	}},
	{"also where a run ended before it gave them", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.github.Fail("POST /repos/{owner}/{repo}/issues/{issue_number}/labels", ghtest.Fault{Status: 403})
		h.github.Fail("POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", ghtest.Fault{Status: 403}, ghtest.Fault{Status: 403}, ghtest.Fault{Status: 403})
		if outcome := h.deploys(2, deploy.Proposed); len(outcome.Notices) != 3 {
			t.Errorf("got %q", outcome.Notices)
		}
		h.hasExtras("", "", "", "")
		h.deploys(2, deploy.Proposed)
		h.hasExtras("deploy", "", "carol", "sre")
	}},
	{"and those that a person took away, or who answered, are not added again", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.k8s.Collaborators = []string{"carol", "dave"}
		h.policy(policyOfProd)
		h.deploys(2, deploy.Proposed)
		h.k8s.Take(1, "deploy", "dave", "carol")
		h.deploys(2, deploy.Proposed)
		h.hasExtras("prod", "", "", "sre")
		h.k8s.HiddenTeams = true // the token cannot see whether it was asked
		h.k8s.Take(1, "sre")
		h.deploys(3, deploy.Proposed)
		h.hasExtras("prod", "", "", "")
	}},
	{"whoever cannot be asked is a notice", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.k8s.Collaborators = nil
		outcome := h.deploys(2, deploy.Proposed)
		h.hasExtras("deploy", "", "", "sre")
		if len(outcome.Notices) != 1 || !strings.Contains(outcome.Notices[0], "carol cannot be asked to review") {
			t.Errorf("got %q", outcome.Notices)
		}
	}},
	{"closed with a comment when moot", func(t *testing.T, api bool) {
		for _, c := range []struct {
			name              string
			running, deployed int
			want              string
		}{
			{"the base runs the tag", 2, 2, deploy.Unchanged},
			{"the base runs something newer", 3, 2, deploy.Superseded},
			{"another tag is asked for by now", 3, 3, deploy.Unchanged},
		} {
			h := newGitHubSite(t, api)
			h.deploys(2, deploy.Proposed)
			h.runsIn("prod", h.builds[c.running])
			h.deploys(c.deployed, c.want)
			p := h.pull()
			if p.Open || p.Merged || len(p.Comments) != 1 || !strings.Contains(p.Comments[0].Body, "nothing left to deploy") || h.repo.Tip(branch) != "" {
				t.Errorf("%s: got %+v", c.name, p)
			}
			h.deploys(4, deploy.Proposed) // what tagbump closed, it may open again
			h.proposes(4)
		}
	}},
	{"also that of a digest without a tag", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.policy("deploy: {strategy: pull-request, order: none}\n")
		h.Tag, h.Digest = "", "sha256:"+strings.Repeat("ef", 32)
		h.run(deploy.Proposed)
		h.repo.Commit("main", gittest.Files{fileOf("prod", "api"): h.repo.Read(branch, fileOf("prod", "api"))}, "by hand")
		h.run(deploy.Unchanged)
		if p := h.pull(); p.Open || len(p.Comments) != 1 || !strings.Contains(p.Comments[0].Body, "nothing left to deploy") || h.repo.Tip(branch) != "" {
			t.Errorf("got %+v", p)
		}
	}},
	{"a branch that cannot be deleted is a notice", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.runsIn("prod", h.builds[2])
		h.k8s.Protect(branch)
		outcome := h.deploys(2, deploy.Unchanged)
		if h.pull().Open || h.repo.Tip(branch) == "" || !slices.ContainsFunc(outcome.Notices, func(n string) bool { return strings.HasPrefix(n, "the branch "+branch+" stays: ") }) {
			t.Errorf("got %q", outcome.Notices)
		}
	}},
	{"one a person closed is not reopened for the same tag", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.k8s.Close(1, "carol")
		for range 2 {
			outcome := h.deploys(2, deploy.Unchanged)
			if h.pull().Open || outcome.Pull != deploy.Declined || !strings.HasSuffix(outcome.Notices[0], "closed by carol, so it is not opened again: reopen it there") {
				t.Errorf("got %q %q", outcome.Pull, outcome.Notices)
			}
		}
		h.deploys(3, deploy.Proposed) // another tag
		h.proposes(3)
		if pulls := h.k8s.PullRequests(); len(pulls) != 2 || !pulls[1].Open {
			t.Errorf("got %+v", pulls)
		}
	}},
	{"nor where its branch is gone with it", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.k8s.Close(1, "carol")
		h.repo.MoveBranch(branch, "")
		if outcome := h.deploys(2, deploy.Unchanged); outcome.Pull != deploy.Declined {
			t.Errorf("got %+v", outcome)
		}
	}},
	{"nor that of a set, in whatever order its services are named, where the commit is gone too", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.repo.Commit("main", gittest.Files{fileOf("dev", "web"): manifestOf("web", h.builds[2])}, "web")
		promotes := func(services ...string) *deploy.Outcome {
			list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Together: true, Services: services})
			if err = errors.Join(err, deploy.PromotedErr(list)); err != nil {
				t.Fatal(err)
			}
			return list[0].Outcome
		}
		promotes("web", "api")
		p := h.pull()
		h.k8s.Close(1, "carol")
		h.repo.Git("update-ref", "-d", "refs/heads/"+p.Branch)
		h.repo.Git("update-ref", "-d", "refs/pull/1/head")
		h.repo.Git("prune", "--expire=now")
		if found, _, _, _ := h.repo.Object(p.Head); found != "" {
			t.Errorf("%s is still there", found)
		}
		if outcome := promotes("api", "web"); outcome.Pull != deploy.Declined {
			t.Errorf("got %+v", outcome)
		}
		h.repo.Commit("main", gittest.Files{fileOf("dev", "web"): manifestOf("web", h.builds[4])}, "web")
		if outcome := promotes("api", "web"); outcome.Pull != deploy.Created {
			t.Errorf("another tag: got %+v", outcome)
		}
	}},
	{"the last closing counts, by its actor", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.runsIn("prod", h.builds[2])
		h.deploys(2, deploy.Unchanged) // tagbump closes it
		h.runsIn("prod", h.builds[1])
		h.k8s.Reopen(1)
		h.k8s.Close(1, "carol")
		if outcome := h.deploys(2, deploy.Unchanged); outcome.Pull != deploy.Declined || !strings.Contains(outcome.Notices[0], "closed by carol") {
			t.Errorf("got %+v", outcome)
		}
	}},
	{"one that was merged is no answer to the next deployment", func(t *testing.T, api bool) {
		for _, delete := range []bool{false, true} {
			h := newGitHubSite(t, api)
			h.deploys(2, deploy.Proposed)
			h.k8s.Squash(1, "carol", "Ship it (#1)", delete)
			h.deploys(2, deploy.Unchanged)
			h.deploys(3, deploy.Proposed)
			h.proposes(3)
			h.k8s.Squash(2, "carol", "Ship that too", delete)
			h.runsIn("prod", h.builds[1]) // and a person reverts both
			h.deploys(3, deploy.Proposed)
			h.proposes(3)
		}
	}},
	{"a run whose services all stand in one open pull request updates that one", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web", "job")
		h.Services = []string{"web", "api"}
		h.deploys(2, deploy.Proposed)
		h.Services = []string{"api"}
		outcome := h.deploys(4, deploy.Proposed)
		const set = "tagbump/prod/api+web"
		if got, want := h.tagsOn(set, "api", "web"), []string{h.builds[4], h.builds[2]}; !slices.Equal(got, want) || outcome.Pull != deploy.Updated {
			t.Errorf("got %v, %s, want %v", got, outcome.Pull, want)
		}
		if want, p := "Deploy api "+h.builds[4]+", web "+h.builds[2]+" to prod", h.pull(); p.Title != want || p.Branch != set {
			t.Errorf("got %q on %s, want %q", p.Title, p.Branch, want)
		}
		if again := h.deploys(4, deploy.Proposed); again.Pull != deploy.Untouched {
			t.Errorf("again: %s", again.Pull)
		}
		h.deploys(2, deploy.Superseded)
		// The set again, with a tag that is older than one of the two: that one stays.
		h.Services = []string{"api", "web"}
		h.deploys(3, deploy.Proposed)
		if got, want := h.tagsOn(set, "api", "web"), []string{h.builds[4], h.builds[3]}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}},
	{"its text is of what the branch has, also where a newer run came between the push and the text", func(t *testing.T, api bool) {
		for _, opened := range []bool{true, false} { // whether there was a pull request before
			h := newGitHubSite(t, api)
			kind := "POST /repos/{owner}/{repo}/pulls"
			if opened {
				h.deploys(2, deploy.Proposed)
				kind = "PATCH /repos/{owner}/{repo}/pulls/{pull_number}"
			}
			h.proposedMeanwhile(api, 4, kind)
			h.deploys(3, deploy.Superseded)
			h.proposes(4)
			if p := h.pull(); p.Title != "Deploy api "+h.builds[4]+" to prod" || deploy.ProposedTag(p.Body) != h.builds[4] || !strings.Contains(p.Body, "→ `"+h.builds[4]+"`: forward, [3 commits]") {
				t.Errorf("got %q and\n%s", p.Title, p.Body)
			}
		}
	}},
	{"merged, and its branch deleted, before its text was edited: all is done", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.deploys(2, deploy.Proposed)
		h.github.Fail("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", ghtest.Fault{Then: func() {
			h.repo.MoveBranch("main", h.repo.Tip(branch))
			h.repo.MoveBranch(branch, "")
		}})
		h.deploys(3, deploy.Unchanged)
	}},
	{"closed before its text was edited: there is another one, unless a person closed it", func(t *testing.T, api bool) {
		for _, closed := range []struct{ by, want string }{{"tagbump[bot]", deploy.Proposed}, {"carol", deploy.Unchanged}} {
			h := newGitHubSite(t, api)
			h.deploys(2, deploy.Proposed)
			h.github.Fail("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", ghtest.Fault{Then: func() { h.k8s.Close(1, closed.by) }})
			outcome := h.deploys(3, closed.want)
			newest := h.newest()
			if newest.Open != (closed.want == deploy.Proposed) || newest.Open == (outcome.Pull == deploy.Declined) {
				t.Errorf("closed by %s: got %s and %+v", closed.by, outcome.Pull, newest)
			}
		}
	}},
	{"GitHub says that there is one, and lists none: it is asked again", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		const exists = `{"message":"Validation Failed","documentation_url":"x","errors":[{"resource":"PullRequest","code":"custom","message":"A pull request already exists for example:x."}]}`
		h.github.Fail("POST /repos/{owner}/{repo}/pulls", ghtest.Fault{Status: 422, Body: exists})
		if outcome := h.deploys(2, deploy.Proposed); outcome.Attempts != 2 {
			t.Errorf("%d attempts", outcome.Attempts)
		}
		h.proposes(2)
	}},
	{"moot, and another run proposes something newer before it is closed: it stays open", func(t *testing.T, api bool) {
		for _, at := range []string{"POST /repos/{owner}/{repo}/issues/{issue_number}/comments", "PATCH /repos/{owner}/{repo}/pulls/{pull_number}"} {
			h := newGitHubSite(t, api)
			h.deploys(2, deploy.Proposed)
			h.runsIn("prod", h.builds[2])
			h.proposedMeanwhile(api, 4, at)
			h.deploys(2, deploy.Unchanged)
			h.proposes(4)
			if p := h.pull(); !p.Open || p.Title != "Deploy api "+h.builds[4]+" to prod" {
				t.Errorf("%s: got %+v", at, p)
			}
		}
	}},
	{"what it proposed beside is forgotten where a person closes it meanwhile", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Services = []string{"api", "web"}
		h.deploys(2, deploy.Proposed)
		h.Services = []string{"api"}
		h.deploys(4, deploy.Proposed)
		h.Services = []string{"api", "web"}
		const set = "tagbump/prod/api+web"
		meanwhile := func() {
			h.k8s.Close(1, "carol")
			h.repo.MoveBranch(set, h.repo.Tip("main"))
		}
		h.Fail(gittest.Push, gittest.Fault{Then: meanwhile})
		h.github.Fail("graphql createRef", ghtest.Fault{Then: meanwhile})
		outcome := h.deploys(3, deploy.Proposed)
		if got, want := h.tagsOn(set, "api", "web"), []string{h.builds[3], h.builds[3]}; !slices.Equal(got, want) || outcome.Attempts != 2 {
			t.Errorf("got %v, %d attempts, want %v", got, outcome.Attempts, want)
		}
	}},
	{"where another service of the set is held, the refusal names the pull request too", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Services = []string{"web", "api"}
		set := h.deploys(2, deploy.Proposed).PullRequest
		h.repo.Commit("main", gittest.Files{holdOfAPI: "reason: migration\n"}, "hold")
		h.Services, h.Tag = []string{"web"}, h.builds[3]
		hint := "tagbump release --env prod --service api lets it go again; or close " + set + ", which moves it too, and run this again"
		if _, err := h.Run(t.Context()); problem.ExitStatus(err) != problem.ExitRefused || problem.All(err)[0].Hint != hint {
			t.Errorf("got %+v, want the hint %q", problem.All(err)[0], hint)
		}
		h.k8s.Close(h.pull().Number, "carol")
		h.deploys(3, deploy.Proposed)
	}},
	{"one that overlaps an open pull request in part is refused and names it", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web", "job")
		h.Services = []string{"web", "api"}
		outcome := h.deploys(2, deploy.Proposed)
		h.Services = []string{"job", "api"}
		if got := h.refused(problem.ExitRefused, outcome.PullRequest, "one pull request at a time"); got.PullRequest != outcome.PullRequest {
			t.Errorf("got %+v", got)
		}
		h.pull()
	}},
}

// TestPulls is "One pull request per environment and service".
func TestPulls(t *testing.T) { bySentence(t, pulls...) }

// hasExtras checks the labels and people of the only pull request.
func (h *gitHubSite) hasExtras(labels, assignees, reviewers, teams string) {
	h.t.Helper()
	p := h.pull()
	for i, want := range []string{labels, assignees, reviewers, teams} {
		if got := strings.Join([][]string{p.Labels, p.Assignees, p.Reviewers, p.TeamReview}[i], " "); got != want {
			h.t.Errorf("got %q, want %q", got, want)
		}
	}
}

func (h *gitHubSite) tagsOn(branch string, services ...string) (tags []string) {
	for _, s := range services {
		_, rest, _ := strings.Cut(h.repo.Read(branch, fileOf("prod", s)), "/"+s+":")
		tag, _, _ := strings.Cut(rest, " ")
		tags = append(tags, tag)
	}
	return tags
}
