// The stories of rollbacks make this file long: one table, each story told over Git and over the API.

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

const (
	inProd      = "prod/manifests/api/api-prod-deployment.yaml"
	holdOfAPI   = "holds/prod/api.yaml"
	ownRollback = "tagbump-rollback/prod/api"
)

func prodRuns(ref string) string {
	return "spec:\n  containers:\n    - {name: api, image: '" + ref + "'}\n"
}

// prodSite is a k8s repo on a GitHub in which prod, which is pushed to, ran these
// references of api, one after another.
func prodSite(t *testing.T, api bool, refs ...string) *gitHubSite {
	t.Helper()
	h := newGitHubSite(t, api)
	h.policy("deploy: {strategy: push}\n")
	for _, ref := range refs {
		h.repo.Commit("main", gittest.Files{inProd: prodRuns("registry.example.com/" + ref)}, "api: prod "+ref)
	}
	return h
}

// ranBuilds is a k8s repo in which prod, which is pushed to, ran these builds of api.
func ranBuilds(t *testing.T, api bool, builds ...int) *gitHubSite {
	t.Helper()
	h := newGitHubSite(t, api)
	h.policy("deploy: {strategy: push}\n")
	for _, build := range builds {
		h.runsIn("prod", h.builds[build])
	}
	return h
}

// is checks what runs in prod.
func (h *gitHubSite) is(build int) {
	h.t.Helper()
	if got, want := h.repo.Read("main", fileOf("prod", "api")), manifestOf("api", h.builds[build]); got != want {
		h.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// isHoldOf checks the hold of api on a branch; no lines are no hold.
func (h *gitHubSite) isHoldOf(branch string, lines ...string) {
	h.t.Helper()
	got := ""
	if slices.ContainsFunc(h.repo.List(branch), func(entry string) bool { return strings.HasSuffix(entry, "\t"+holdOfAPI) }) {
		got = strings.ReplaceAll(h.repo.Read(branch, holdOfAPI), `"`, "")
	}
	if want := strings.Join(append(lines, ""), "\n"); got != want {
		h.t.Errorf("got the hold\n%s\nwant\n%s", got, want)
	}
}

// heldSince is the last line of the holds that the tests make.
const heldSince = "date: 2026-01-03T00:00:00Z"

var rollbacks = []sentence{
	{"it writes the old tag and, in the same commit, the hold", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 1, 2, 3)
		before := len(h.repo.Log("main"))
		h.does(h.rollback(""), deploy.Changed)
		h.is(2)
		h.isHoldOf("main", "tag: "+h.builds[2], "from: "+h.builds[3], "reason: rolled back from "+h.builds[3]+" to "+h.builds[2], "by: alice", heldSince)
		if n := len(h.repo.Log("main")) - before; n != 1 {
			t.Errorf("%d commits, want 1", n)
		}
	}},
	{"--reason, else what was done, never empty", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 1, 2)
		r := h.rollback("")
		r.Reason = "checkout: fails # see\nthe incident"
		h.does(r, deploy.Changed)
		h.isHoldOf("main", "tag: "+h.builds[1], "from: "+h.builds[2], `reason: checkout: fails # see\nthe incident`, "by: alice", heldSince)
		h.does(h.release(""), deploy.Changed)
		h.does(h.hold(""), deploy.Changed)
		h.isHoldOf("main", "tag: "+h.builds[1], "reason: held at "+h.builds[1], "by: alice", heldSince)
	}},
	{"--to takes a tag that ran there before", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 0, 2, 3)
		h.does(h.rollback(h.builds[0]), deploy.Changed)
		h.is(0)
	}},
	{"any other is a deploy", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 1, 2)
		h.refuses(h.rollback(h.builds[4]), problem.ExitRefused, h.builds[4]+" has not run in prod: its files' history has no other", "tags that ran there: "+h.builds[2]+" and "+h.builds[1], "use tagbump deploy")
		h.refuses(h.rollback("-"), problem.ExitTrouble, `--to "-" is an invalid tag`)
	}},
	{"it goes back to what ran before, whatever that was", func(t *testing.T, api bool) {
		const digest = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"
		for _, c := range []struct {
			refs []string
			want string // the image, or what the refusal says
		}{
			{[]string{"api:1", "api:2", "api:3"}, "api:2"},
			{[]string{"api:1", "api:2", "api:2'} #{'"}, "api:1"},    // past changes of the same tag
			{[]string{"api" + digest, "api:2"}, "api" + digest},     // to a digest
			{[]string{"api:1" + digest, "api:1"}, "api:1" + digest}, // to a tag and its digest
			{[]string{"api:1", "other:7", "api:2"}, "api:1"},        // past a tag of another image
			{[]string{"api:1", "'", "api:2"}, "api:1"},              // past what was no YAML
			{nil, "there is no tag of api to go back to in prod"},   // not to nothing
		} {
			h := prodSite(t, api, c.refs...)
			if c.refs == nil {
				h.refuses(h.rollback(""), problem.ExitRefused, c.want)
				continue
			}
			h.does(h.rollback(""), deploy.Changed)
			if got := h.repo.Read("main", inProd); !strings.Contains(got, "registry.example.com/"+c.want+"'") {
				t.Errorf("%q: got\n%s", c.refs, got)
			}
		}
	}},
	{"past what was rolled back", func(t *testing.T, api bool) {
		h := prodSite(t, api, "api:1", "api:2", "api:3")
		h.does(h.rollback(""), deploy.Changed)
		h.does(h.release(""), deploy.Changed)
		if outcome := h.does(h.rollback(""), deploy.Changed); outcome.NewTag != "1" {
			t.Errorf("went to %s, want 1", outcome.NewTag)
		}
	}},
	{"a held service is not deployed or promoted: held, exit 1, until release deletes the file", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 1, 2)
		h.does(h.rollback(""), deploy.Changed)
		h.isHeld(4, "holds/prod/api.yaml: api is held in prod at "+h.builds[1]+" by alice")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Services: []string{"api"}})
		if err != nil || list[0].Outcome.Status != deploy.Held || problem.ExitStatus(list[0].Err) != problem.ExitRefused {
			t.Errorf("got %+v, %v", list, err)
		}
		h.deploys(1, deploy.Unchanged) // what runs
		h.does(h.release(""), deploy.Changed)
		h.isHoldOf("main")
		h.deploys(4, deploy.Changed)
	}},
	{"also where its image is named instead, which the environment has of its own", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		own := strings.Replace(manifestOf("api", h.builds[1]), "registry.", "prod.", 1)
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\nregistry: prod.example.com\nservices: {api: {image: prod.example.com/live}}\n",
			fileOf("prod", "api"): strings.Replace(own, "com/api", "com/live", 1), holdOfAPI: "reason: migration\n"}, "an image of its own")
		h.Services, h.Images = nil, []string{"prod.example.com/live"}
		h.isHeld(2, "migration")
		h.repo.Commit("main", gittest.Files{"users.yaml": "services: [{name: api}]\n"}, "no other image")
		h.isHeld(2, "migration")
		for _, broken := range []string{"services: [\n", "services: [{naem: api}, {name: web}]\n"} {
			h.repo.Commit("main", gittest.Files{"users.yaml": broken}, "broken")
			h.refused(problem.ExitTrouble, "users.yaml:") // whose image it is, is not known
		}
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\nregistry: prod.example.com\n", "users.yaml": "services: [{name: api, image: [live]}]\n"}, "broken")
		h.refused(problem.ExitTrouble, "users.yaml:")
	}},
	{"in the environment that has the hold: another one that is named with it may move", func(t *testing.T, api bool) {
		for _, byImage := range []bool{false, true} {
			h := newGitHubSite(t, api)
			h.repo.Commit("main", gittest.Files{
				"environments/prod.yaml": pushes, "environments/prod-next.yaml": pushes, holdOfAPI: "reason: migration\n",
				fileOf("prod", "api"): manifestOf("api", h.builds[2]), fileOf("prod-next", "api"): manifestOf("api", h.builds[0]),
			}, "held in prod")
			h.Envs = []string{"prod", "prod-next"}
			if byImage {
				h.Services, h.Images = nil, []string{"registry.example.com/api"}
			}
			h.isHeld(3, "migration")
			h.deploys(2, deploy.Changed) // prod runs it
			h.is(2)
			h.runsIn("prod-next", h.builds[0])
			h.deploys(1, deploy.Changed) // prod runs something newer
			h.is(2)
			h.deploys(2, deploy.Changed)
			h.isHeld(1, "migration") // and so does prod-next
		}
	}},
	{"release with a tag moves it in the same commit", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 1, 2)
		h.does(h.rollback(""), deploy.Changed)
		before := len(h.repo.Log("main"))
		h.does(h.release(h.builds[3]), deploy.Changed)
		h.is(3)
		h.isHoldOf("main")
		if n := len(h.repo.Log("main")) - before; n != 1 {
			t.Errorf("%d commits, want 1", n)
		}
		h.does(h.hold(""), deploy.Changed)
		h.does(h.release(h.builds[2]), deploy.Superseded) // all or nothing
		h.isHoldOf("main", "tag: "+h.builds[3], "reason: held at "+h.builds[3], "by: alice", heldSince)
	}},
	{"with --all, held services are left out and listed, exit 0", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": "deploy: {strategy: push}\n", holdOfAPI: "reason: migration\n"}, "hold")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod"})
		if err != nil || len(list) != 2 || deploy.PromotedErr(list) != nil || list[0].Outcome.Status != deploy.Held || list[1].Outcome.Status != deploy.Changed {
			t.Errorf("got %+v, %v", list, err)
		}
	}},
	{"also those that share the image of one, which would stop what is promoted with them", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.repo.Commit("main", gittest.Files{"environments/prod.yaml": pushes, "holds/prod/front.yaml": "reason: migration\n",
			"users.yaml": "services:\n  - {name: api, image: registry.example.com/api}\n  - {name: front, image: registry.example.com/api}\n  - {name: web, image: registry.example.com/web, tag: " + h.builds[1] + "}\n"}, "hold")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod"})
		if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || len(list) != 3 {
			t.Fatalf("got %+v, %v", list, err)
		}
		for i, want := range []string{deploy.Held, deploy.Held, deploy.Changed} {
			if got := list[i].Outcome; got.Status != want || want == deploy.Held && got.Notices[0] != "front is held in prod: migration" {
				t.Errorf("%s: got %+v", list[i].Service, got)
			}
		}
		h.is(1)
	}},
	{"a hold counts once it is on the branch pushed to", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.policy("deploy: {strategy: push, branch: release}\n")
		h.repo.MoveBranch("release", h.repo.Tip("main"))
		h.repo.Commit("main", gittest.Files{holdOfAPI: "reason: migration\n"}, "hold")
		h.deploys(2, deploy.Changed)
		h.repo.Commit("release", gittest.Files{holdOfAPI: "reason: migration\n"}, "hold")
		h.isHeld(3, "migration")
	}},
	{"whatever is in its file, which a person may write", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 1)
		for _, text := range []string{"", "'\n", "tag: other\r\nreason: by hand\r\n", "[1, 2]\n", "reason: {a: b}\n", "\ufefftag: x\n"} {
			h.repo.Commit("main", gittest.Files{holdOfAPI: text}, "hold")
			h.isHeld(2, "api is held in prod")
		}
		h.does(h.release(""), deploy.Changed)
		h.isHoldOf("main")
	}},
	{"also in a file that ends in .yml, which release deletes, and hold and rollback replace", func(t *testing.T, api bool) {
		const byHand = "holds/prod/api.yml"
		h := ranBuilds(t, api, 1, 2)
		isThere := func(want bool) {
			t.Helper()
			if got := slices.ContainsFunc(h.repo.List("main"), func(entry string) bool { return strings.HasSuffix(entry, "\t"+byHand) }); got != want {
				t.Errorf("%s is there: %v, want %v", byHand, got, want)
			}
		}
		for _, c := range []struct {
			command runner
			holds   bool
		}{{h.release(""), false}, {h.hold("longer"), true}, {h.rollback(""), true}} {
			h.repo.Commit("main", gittest.Files{byHand: "reason: migration\n"}, "hold")
			h.isHeld(3, byHand+": api is held in prod: migration")
			h.does(c.command, deploy.Changed)
			isThere(false)
			if c.holds {
				h.isHeld(3, holdOfAPI+": api is held in prod")
				h.does(h.release(""), deploy.Changed)
			}
		}
		h.policy("deploy: {strategy: pull-request}\n")
		h.repo.Commit("main", gittest.Files{byHand: "reason: migration\n"}, "hold")
		h.does(h.release(""), deploy.Proposed)
		h.does(h.release(""), deploy.Unchanged)
		h.k8s.Merge(h.newest().Number, "carol")
		isThere(false)
	}},
	{"release of what only a pull request holds says so", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.runsIn("prod", h.builds[2])
		url := h.does(h.rollback(""), deploy.Proposed).PullRequest
		want := "api is held in prod while " + url + " is open: merge or close it first"
		if got := h.does(h.release(""), deploy.Unchanged); got.PullRequest != url || !slices.Equal(got.Notices, []string{want}) {
			t.Errorf("got %q, want %q", got.Notices, want)
		}
		h.repo.Commit("tagbump-rollback/prod/api", gittest.Files{"README.md": "mine\n"}, "by hand")
		if got := h.does(h.release(""), deploy.Unchanged); !slices.Equal(got.Notices, []string{want}) {
			t.Errorf("a person's: got %q, want %q", got.Notices, want)
		}
	}},
	{"rollback may move a held service again and rewrites its hold", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 0, 1, 2)
		h.does(h.rollback(""), deploy.Changed)
		h.does(h.rollback(h.builds[0]), deploy.Changed)
		h.is(0)
		h.isHoldOf("main", "tag: "+h.builds[0], "from: "+h.builds[1], "reason: rolled back from "+h.builds[1]+" to "+h.builds[0], "by: alice", heldSince)
	}},
	{"in a pull-request environment they are proposed, on a branch of their own", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.runsIn("prod", h.builds[2])
		for _, c := range []struct {
			command runner
			title   string
			hold    []string
		}{
			{h.rollback(""), "Roll back api to " + h.builds[1] + " in prod", []string{"tag: " + h.builds[1], "from: " + h.builds[2], "reason: rolled back from " + h.builds[2] + " to " + h.builds[1], "by: alice", heldSince}},
			{h.release(""), "Release api in prod", nil},
			{h.hold("migration"), "Hold api at " + h.builds[1] + " in prod", []string{"tag: " + h.builds[1], "reason: migration", "by: alice", heldSince}},
			{h.release(h.builds[3]), "Release api in prod", nil},
		} {
			h.does(c.command, deploy.Proposed)
			p := h.newest()
			if p.Title != c.title || p.Branch != ownRollback || !p.Open {
				t.Errorf("got %+v", p)
			}
			h.isHoldOf(ownRollback, c.hold...)
			h.k8s.Merge(p.Number, "carol")
		}
		h.is(3)
	}},
	{"a rollback or hold closes the service's open deploy pull request with a comment", func(t *testing.T, api bool) {
		for _, what := range []string{"rolled back", "held"} {
			h := newGitHubSite(t, api)
			h.runsIn("prod", h.builds[2])
			h.deploys(3, deploy.Proposed)
			var command runner = h.rollback("")
			if what == "held" {
				command = h.hold("")
			}
			outcome := h.does(command, deploy.Proposed)
			p := h.k8s.PullRequests()[0]
			if p.Open || len(p.Comments) != 1 || p.Comments[0].Body != "api is "+what+" in prod: see "+outcome.PullRequest+"." || h.repo.Tip(branch) != "" {
				t.Errorf("got %+v", p)
			}
		}
	}},
	{"also one that is pushed past the policy, and that it stays open is a notice", func(t *testing.T, api bool) {
		for _, fails := range []bool{false, true} {
			h := newGitHubSite(t, api)
			h.runsIn("prod", h.builds[2])
			h.deploys(3, deploy.Proposed)
			h.Push, h.Force = true, true
			if fails {
				h.github.Fail("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", ghtest.Fault{Status: 403})
			}
			outcome := h.does(h.hold(""), deploy.Changed)
			p := h.k8s.PullRequests()[0]
			if fails {
				if !p.Open || len(outcome.Notices) != 1 || !strings.HasPrefix(outcome.Notices[0], "open pull requests that deploy api to prod may stay open: ") {
					t.Errorf("got %+v, %q", p, outcome.Notices)
				}
				continue
			}
			if p.Open || len(p.Comments) != 1 || p.Comments[0].Body != "api is held in prod: see "+outcome.Commit+"." || h.repo.Tip(branch) != "" {
				t.Errorf("got %+v", p)
			}
		}
	}},
	{"also where the answer to the push is lost", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.runsIn("prod", h.builds[2])
		h.deploys(3, deploy.Proposed)
		h.Push, h.Force = true, true
		h.loseAnswer()
		outcome := h.does(h.hold(""), deploy.Changed)
		if p := h.k8s.PullRequests()[0]; p.Open || len(p.Comments) != 1 || p.Comments[0].Body != "api is held in prod: see "+outcome.Commit+"." || !api && outcome.Attempts != 2 {
			t.Errorf("got %+v, %+v", p, outcome)
		}
	}},
	{"also that of a set, whose branch goes where it changes only the tags of the set", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Services, h.Images = []string{"api"}, []string{"registry.example.com/web"}
		h.deploys(3, deploy.Proposed)
		h.does(h.hold(""), deploy.Proposed)
		if p := h.k8s.PullRequests()[0]; p.Open || p.Branch != "tagbump/prod/api+web" || h.repo.Tip(p.Branch) != "" {
			t.Errorf("got %+v", p)
		}
	}},
	{"also that of a service that shares the image", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.repo.Commit("main", gittest.Files{"users.yaml": "services:\n  - {name: api, image: registry.example.com/api, repository: example/api}\n  - {name: front, image: registry.example.com/api}\n  - {name: web, image: registry.example.com/web, repository: example/api}\n"}, "front")
		h.deploys(3, deploy.Proposed)
		h.Services = []string{"web"}
		h.deploys(3, deploy.Proposed)
		h.Services = []string{"front"}
		h.does(&deploy.Hold{Options: h.Options, Env: "prod", Service: "front"}, deploy.Proposed)
		if p := h.k8s.PullRequests(); p[0].Open || h.repo.Tip(branch) != "" || !p[1].Open {
			t.Errorf("got %+v", p)
		}
	}},
	{"the branch of one that a person changed stays, and the comment names the commit", func(t *testing.T, api bool) {
		for _, what := range []string{"rolled back", "held"} {
			h := newGitHubSite(t, api)
			h.runsIn("prod", h.builds[2])
			h.deploys(3, deploy.Proposed)
			theirs := person(h, gittest.Files{"more.yaml": "x: 1\n"}, "More")
			var command runner = h.rollback("")
			if what == "held" {
				command = h.hold("")
			}
			outcome := h.does(command, deploy.Proposed)
			want := "api is " + what + " in prod: see " + outcome.PullRequest + ". The branch " + branch + " stays: the commit " + theirs + " by `Test` changes more than the tags of api in prod."
			if p := h.k8s.PullRequests()[0]; p.Open || len(p.Comments) != 1 || p.Comments[0].Body != want || h.repo.Tip(branch) != theirs {
				t.Errorf("got %+v at %s, want %q", p, h.repo.Tip(branch), want)
			}
			h.does(command, deploy.Unchanged)
			if got := h.repo.Tip(branch); got != theirs {
				t.Errorf("the branch is at %q", got)
			}
		}
	}},
	{"also one whose changes cannot be told", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Services = []string{"api", "web"}
		h.Envs = []string{"prod", "prod-next"}
		h.repo.Commit("main", gittest.Files{"environments/prod-next.yaml": proposes, fileOf("prod-next", "api"): manifestOf("api", h.builds[0]), fileOf("prod-next", "web"): manifestOf("web", h.builds[0])}, "prod-next")
		h.deploys(3, deploy.Proposed)
		h.repo.Commit("main", gittest.Files{"environments/prod-next.yaml": "deploy: [\n"}, "broken")
		h.does(h.hold(""), deploy.Proposed)
		if p := h.k8s.PullRequests()[0]; p.Open || len(p.Comments) != 1 || !strings.HasSuffix(p.Comments[0].Body, ". The branch "+p.Branch+" stays: what it changes cannot be read.") || h.repo.Tip(p.Branch) == "" {
			t.Errorf("got %+v", p)
		}
	}},
	{"one to another base stays open", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.repo.MoveBranch("release", h.repo.Tip("main"))
		h.repo.MoveBranch(branch, h.repo.WriteCommit(h.repo.Tree(h.repo.Tip("main")), "Mine\n", h.repo.Tip("main")))
		h.k8s.Open("carol", "release", branch, false)
		h.does(h.hold(""), deploy.Proposed)
		if p := h.k8s.PullRequests()[0]; !p.Open || h.repo.Tip(branch) == "" {
			t.Errorf("got %+v", p)
		}
	}},
	{"while one is open, a deploy of the service is held", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.runsIn("prod", h.builds[2])
		outcome := h.does(h.rollback(""), deploy.Proposed)
		h.isHeld(4, "api is held in prod while "+outcome.PullRequest+" is open")
		h.deploys(2, deploy.Unchanged) // the pipeline of what runs does not close it
		if !h.newest().Open {
			t.Error("it was closed")
		}
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod"})
		if err != nil || list[0].Outcome.Status != deploy.Held || list[1].Outcome.Status != deploy.Proposed {
			t.Errorf("got %+v, %v", list, err)
		}
		h.k8s.Close(1, "carol")
		h.deploys(4, deploy.Proposed)
	}},
	{"asking again for what is done or proposed is unchanged", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.runsIn("prod", h.builds[2])
		for _, command := range []runner{h.rollback(""), h.release(""), h.hold(""), h.release("")} {
			outcome := h.does(command, deploy.Proposed)
			if again := h.does(command, deploy.Unchanged); again.Pull != deploy.Untouched || again.PullRequest != outcome.PullRequest {
				t.Errorf("got %+v", again)
			}
			h.k8s.Merge(h.newest().Number, "carol")
			h.does(command, deploy.Unchanged)
		}
		h = ranBuilds(t, api, 0, 1, 2)
		h.does(h.rollback(""), deploy.Changed)
		h.does(h.rollback(""), deploy.Unchanged)
		h.does(h.rollback(h.builds[1]), deploy.Unchanged)
		h.is(1)
	}},
	{"also where the answer was lost", func(t *testing.T, api bool) {
		h := ranBuilds(t, api, 0, 1, 2)
		h.loseAnswer()
		if outcome := h.does(h.rollback(""), deploy.Changed); outcome.NewTag != h.builds[1] {
			t.Errorf("got %+v", outcome)
		}
		h.is(1)
	}},
	{"unless its pull request conflicts with the base: then it is made again", func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.runsIn("prod", h.builds[2])
		h.does(h.rollback(""), deploy.Proposed)
		h.runsIn("prod", h.builds[3])
		again := h.does(h.rollback(h.builds[1]), deploy.Proposed)
		if again.Pull != deploy.Updated {
			t.Errorf("got %+v", again)
		}
		h.isHoldOf(ownRollback, "tag: "+h.builds[1], "from: "+h.builds[3], "reason: rolled back from "+h.builds[3]+" to "+h.builds[1], "by: alice", heldSince)
		h.does(h.rollback(h.builds[1]), deploy.Unchanged)
	}},
	{"a rollback goes back from what runs by then", func(t *testing.T, api bool) {
		h := prodSite(t, api, "api:1", "api:2")
		h.beforeCommit(func() { h.repo.Commit("main", gittest.Files{"other": "x"}, "meanwhile") })
		if outcome := h.does(h.rollback(""), deploy.Changed); outcome.Attempts != 2 || outcome.NewTag != "1" {
			t.Errorf("got %+v", outcome)
		}
		if got := h.repo.Read("main", "other"); got != "x" {
			t.Errorf("got %q", got)
		}
	}},
}

// TestRollback is "Rollback is visible and lasts".
func TestRollback(t *testing.T) { bySentence(t, rollbacks...) }
