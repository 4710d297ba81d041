package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
)

// TestFilesAreFoundByTheirContent: an image in a folder of another name moves too.
func TestFilesAreFoundByTheirContent(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newHub(t, api, "api", "web")
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
		h := newHub(t, api, "api", "web")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Images: []string{"registry.example.com/api"}})
		if err != nil || len(list) != 1 || list[0].Outcome.Status != deploy.Proposed || list[0].Tag != h.builds[3] {
			t.Fatalf("got %+v, %v", list, err)
		}
		h.proposes(3)
	})
}
