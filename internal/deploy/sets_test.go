package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func (h *hub) tagsOn(branch string, services ...string) (tags []string) {
	for _, s := range services {
		_, rest, _ := strings.Cut(h.repo.Read(branch, fileOf("prod", s)), "/"+s+":")
		tag, _, _ := strings.Cut(rest, " ")
		tags = append(tags, tag)
	}
	return tags
}

// TestOneOfASetMovesInTheSetsPullRequest: a run whose services all stand in one open pull
// request updates that one, and the others of the set stay as proposed.
func TestOneOfASetMovesInTheSetsPullRequest(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t, "api", "web", "job")
		h.via(api)
		h.Services = []string{"web", "api"}
		h.deploys(2, deploy.Proposed)
		h.Services = []string{"api"}
		outcome := h.deploys(4, deploy.Proposed)
		const set = "tagbump/prod/api+web"
		if got, want := h.tagsOn(set, "api", "web"), []string{h.builds[4], h.builds[2]}; !slices.Equal(got, want) || outcome.Pull != deploy.Updated {
			t.Errorf("got %v, %s, want %v", got, outcome.Pull, want)
		}
		p := h.pull()
		if want := "Deploy api " + h.builds[4] + ", web " + h.builds[2] + " to prod"; p.Title != want || p.Branch != set {
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

		h.Services = []string{"job", "api"}
		h.Tag = h.builds[4]
		h.refused(problem.ExitRefused, outcome.PullRequest, "one pull request at a time")
		h.pull()

		h.rollsBackFails(t)
	})
}

// rollsBackFails is the rollback of a service that has nothing to go back to: the set's
// pull request stays.
func (h *hub) rollsBackFails(t *testing.T) {
	t.Helper()
	if _, err := (&deploy.Rollback{Options: h.Options, Env: "prod", Service: "api"}).Run(t.Context()); err == nil || !h.pull().Open {
		t.Errorf("got %v", err)
	}
}

// TestFilesAreFoundByTheirContent: an image in a folder of another name moves too.
func TestFilesAreFoundByTheirContent(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t, "api", "web")
		h.via(api)
		h.Env = "dev"
		h.repo.Commit("main", gittest.Files{
			"dev/manifests/batch/nightly.yaml":     manifestOf("api", h.builds[3]),
			"dev/manifests/web/sidecar.yaml":       manifestOf("api", h.builds[3]),
			"dev/manifests/api/migrate.yaml":       strings.Replace(manifestOf("api", h.builds[3]), "registry", "other", 1),
			"dev/manifests/api/with-migrator.yaml": manifestOf("api", h.builds[3]) + "        - name: migrate\n          image: registry.example.com/api-migrate:" + h.builds[3] + "\n",
		}, "more")
		outcome := h.deploys(4, deploy.Changed)
		if len(outcome.Files) != 4 {
			t.Errorf("got %v", outcome.Files)
		}
		if !slices.ContainsFunc(outcome.Notices, func(n string) bool { return strings.Contains(n, "api-migrate:"+h.builds[3]+" stays") }) {
			t.Errorf("got %q", outcome.Notices)
		}
	})
}

// TestPromoteAnImage carries the tag of an image that is named by its repository.
func TestPromoteAnImage(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t, "api", "web")
		h.via(api)
		list, err := (&deploy.Promotion{Options: h.Options, From: "dev", To: "prod", Images: []string{"registry.example.com/api"}}).Run(t.Context())
		if err != nil || len(list) != 1 || list[0].Outcome.Status != deploy.Proposed || list[0].Tag != h.builds[3] {
			t.Fatalf("got %+v, %v", list, err)
		}
		h.proposes(3)
	})
}
