package deploy_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// TestFilesAreFoundByTheirContent: an image in a folder of another name moves too.
func TestFilesAreFoundByTheirContent(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
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

// TestImagesThatStay names the images of the same build also in files that do not change,
// but not those of other services.
func TestImagesThatStay(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		h.Env = "dev"
		files := gittest.Files{
			"dev/manifests/api/migrate.yaml":   manifestOf("api-migrate", h.builds[3]),
			"dev/manifests/batch/old.yaml":     manifestOf("api-batch", h.builds[2]),
			"dev/manifests/web/as-new-as.yaml": manifestOf("web", h.builds[3]),
		}
		for i := range 11 {
			name := fmt.Sprintf("api-job%02d", i)
			files["dev/manifests/batch/"+name+".yaml"] = manifestOf(name, h.builds[3])
		}
		h.repo.Commit("main", files, "more")
		outcome := h.deploys(4, deploy.Changed)
		if len(outcome.Files) != 1 || len(outcome.Notices) != 11 || outcome.Notices[10] != "2 more images that seem to come from the same build stay" {
			t.Fatalf("got %d files, %q", len(outcome.Files), outcome.Notices)
		}
		for i, name := range []string{"api/migrate", "batch/api-job00", "batch/api-job01"} {
			image := "registry.example.com/" + strings.Replace(path.Base(name), "migrate", "api-migrate", 1)
			got := outcome.Notices[i]
			if !strings.HasPrefix(got, "dev/manifests/"+name+".yaml:") || !strings.Contains(got, image+":"+h.builds[3]+" stays: ") || !strings.HasSuffix(got, "--image "+image+" to move it too") {
				t.Errorf("notice %d: %q", i, got)
			}
		}
	})
}

// TestPromoteAnImage carries the tag of an image that is named by its repository.
func TestPromoteAnImage(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Images: []string{"registry.example.com/api"}})
		if err != nil || len(list) != 1 || list[0].Outcome.Status != deploy.Proposed || list[0].Tag != h.builds[3] {
			t.Fatalf("got %+v, %v", list, err)
		}
		h.proposes(3)
	})
}

// TestPromoteAllWithoutAnImage leaves out a service that has no image: it runs nowhere.
func TestPromoteAllWithoutAnImage(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api, "api", "web")
		users := h.repo.Read("main", "users.yaml")
		h.repo.Commit("main", gittest.Files{
			"users.yaml":                strings.Replace(users, "services:\n", "services:\n  - name: static\n", 1),
			"environments/prod.yaml":    "deploy: {strategy: pull-request, after: qa}\n",
			"environments/qa.yaml":      "deploy: {strategy: push}\n",
			fileOf("qa", "api"):         manifestOf("api", h.builds[3]),
			fileOf("qa", "web"):         manifestOf("web", h.builds[3]),
			fileOf("dev", "api"):        manifestOf("api", h.builds[3]),
			"dev/manifests/static.yaml": "kind: ConfigMap\n",
		}, "a service without an image")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod"})
		if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || slices.ContainsFunc(list, func(p deploy.Promoted) bool { return p.Service == "static" }) {
			t.Fatalf("got %+v, %v", list, err)
		}
		h.proposes(3)
		h.repo.Commit("main", gittest.Files{"users.yaml": "services:\n  - name: static\nteams: []\nusers: []\n"}, "no images")
		_, err = h.promotes(&deploy.Promotion{From: "dev", To: "prod"})
		if problem.ExitStatus(err) != problem.ExitRefused || !strings.Contains(err.Error(), "no service of users.yaml has an image in dev") {
			t.Errorf("got %v", err)
		}
	})
}
