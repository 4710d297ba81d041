package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// appOf is a file of an environment in clusters/, with an image that the environment has
// of its own, and an argument that names it.
func appOf(env, tag string) string {
	return "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: " + env + ".example.com/api:" + tag +
		"\n          args: [--self=" + env + ".example.com/api:v0]\n"
}

// newClusters is a gitHubSite whose environments are in clusters/<env>/apps, each with a
// registry of its own.
func newClusters(t *testing.T, api bool) *gitHubSite {
	h := newGitHubSite(t, api)
	h.repo.Commit("main", gittest.Files{
		"environments/dev.yaml":        "deploy: {strategy: push}\nregistry: dev.example.com\n",
		"environments/prod.yaml":       "deploy: {strategy: pull-request}\nregistry: prod.example.com\n",
		"clusters/dev/apps/api.yaml":   appOf("dev", h.builds[2]),
		"clusters/prod/apps/api.yaml":  appOf("prod", h.builds[1]),
		"clusters/prod/other/api.yaml": "image: prod.example.com/api:{{ broken\n",
	}, "clusters")
	h.Path = "clusters/{env}/apps"
	return h
}

// TestPath: with --path, files outside of the folder are not read, older never replaces
// newer, and places that name the image and stay as they are, are reported.
func TestPath(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newClusters(t, api)
		h.Env, h.Tag = "dev", h.builds[3]
		outcome := h.run(deploy.Changed)
		if got, want := h.repo.Read("main", "clusters/dev/apps/api.yaml"), appOf("dev", h.builds[3]); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if len(outcome.Mentions) != 1 || outcome.Mentions[0].Text != "dev.example.com/api:v0" {
			t.Errorf("left behind is %v", outcome.Mentions)
		}
		h.deploys(1, deploy.Superseded)

		back := &deploy.Rollback{Options: h.Options, Env: "dev", Service: "api", Places: bump.Selection{Path: h.Path}}
		if outcome, err := back.Run(t.Context()); err != nil || outcome.Status != deploy.Changed {
			t.Fatalf("got %+v, %v", outcome, err)
		}
		if got, want := h.repo.Read("main", "clusters/dev/apps/api.yaml"), appOf("dev", h.builds[2]); got != want {
			t.Errorf("rolled back to\n%s\nwant\n%s", got, want)
		} else if len(outcome.Mentions) != 1 || outcome.Mentions[0].Text != "dev.example.com/api:v0" {
			t.Errorf("rollback leaves %v", outcome.Mentions)
		}

		h.Env = "prod"
		h.deploys(2, deploy.Proposed)
		if got, want := h.repo.Read(branch, "clusters/prod/apps/api.yaml"), appOf("prod", h.builds[2]); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if body := h.pull().Body; !strings.Contains(body, "prod.example.com/api:v0") {
			t.Errorf("the place that stays behind is not in\n%s", body)
		}
		if outcome := h.deploys(2, deploy.Proposed); outcome.Pull != deploy.Untouched {
			t.Errorf("a second run: %s", outcome.Pull)
		}
	})
}

// TestPromoteCarriesTheTag: each environment keeps its repository, and --resolve-digest
// asks the registry of the target.
func TestPromoteCarriesTheTag(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	bothWays(t, func(t *testing.T, api bool) {
		h := newClusters(t, api)
		var asked []string
		h.LookupDigest = func(_ context.Context, ref string) (string, error) {
			asked = append(asked, ref)
			return digest, nil
		}
		list, err := (&deploy.Promotion{Options: h.Options, From: "dev", To: "prod", Services: []string{"api"},
			Places: bump.Selection{Path: h.Path, ResolveDigest: true}}).Run(t.Context())
		if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || list[0].Outcome.Status != deploy.Proposed {
			t.Fatalf("got %+v, %v", list, err)
		}
		if got, want := h.repo.Read(branch, "clusters/prod/apps/api.yaml"), appOf("prod", h.builds[2]+"@"+digest); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if slices.ContainsFunc(asked, func(ref string) bool { return ref != "prod.example.com/api:"+h.builds[2] }) || len(asked) == 0 {
			t.Errorf("the registry was asked for %q", asked)
		}
	})
}

// TestPathFetchesItsFolderOnly: what is in other folders is not fetched, however large it is.
func TestPathFetchesItsFolderOnly(t *testing.T) {
	t.Parallel()
	requests, bytes := [2]int{}, [2]int{}
	for i, others := range []int{1, 300} {
		files := gittest.Files{
			"environments/dev.yaml":      "deploy: {strategy: push, order: none}\n",
			"clusters/dev/apps/api.yaml": appOf("dev", "old"),
		}
		random := rand.New(rand.NewPCG(1, 2))
		for n := range others {
			text := make([]byte, 4000)
			for i := range text {
				text[i] = "0123456789abcdef"[random.UintN(16)]
			}
			files[fmt.Sprintf("clusters/prod/apps/app%d.yaml", n)] = "image: dev.example.com/api:" + string(text[:40]) + "\ndata: " + string(text) + "\n"
		}
		s := newSite(t, files)
		s.Selection = bump.Selection{Env: "dev", Path: "clusters/{env}/apps", Images: []string{"dev.example.com/api"}, Tag: "new"}
		s.run(deploy.Changed)
		requests[i], bytes[i] = s.Count(), s.Down()
		if got, want := s.repo.Read("main", "clusters/dev/apps/api.yaml"), appOf("dev", "new"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if requests[0] != requests[1] || bytes[1] > bytes[0]+2000 {
		t.Errorf("beside 1 and 300 files of another folder: %d requests, %d bytes", requests, bytes)
	}
}

// TestPromoteToAnImageOfItsOwn: an environment's services.<name>.image is what promote
// moves there, and its repository stays.
func TestPromoteToAnImageOfItsOwn(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newClusters(t, api)
		h.repo.Commit("main", gittest.Files{
			"environments/prod.yaml":      "deploy: {strategy: pull-request}\nregistry: prod.example.com\nservices: {api: {image: other.example.com/live/api-prod}}\n",
			"clusters/prod/apps/api.yaml": strings.ReplaceAll(appOf("prod", h.builds[1]), "prod.example.com/api", "other.example.com/live/api-prod"),
		}, "an image of its own")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Services: []string{"api"}, Places: bump.Selection{Path: h.Path}})
		if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || list[0].Outcome.Status != deploy.Proposed {
			t.Fatalf("got %+v, %v", list, err)
		}
		want := strings.ReplaceAll(appOf("prod", h.builds[2]), "prod.example.com/api", "other.example.com/live/api-prod")
		if got := h.repo.Read(branch, "clusters/prod/apps/api.yaml"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestDeployResolvesDigests on both ways.
func TestDeployResolvesDigests(t *testing.T) {
	digest := "sha256:" + strings.Repeat("cd", 32)
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		h.Env, h.ResolveDigest = "dev", true
		h.LookupDigest = func(context.Context, string) (string, error) { return digest, nil }
		h.deploys(4, deploy.Changed)
		if got := h.repo.Read("main", fileOf("dev", "api")); got != manifestOf("api", h.builds[4]+"@"+digest) {
			t.Errorf("got\n%s", got)
		}
		h.deploys(4, deploy.Unchanged)
	})
}

// TestServicesThatShareAnImageOfItsOwn: what each of them runs is known, also where the
// environment replaces the image that they share.
func TestServicesThatShareAnImageOfItsOwn(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newClusters(t, api)
		h.repo.Commit("main", gittest.Files{"users.yaml": "services:\n  - {name: api, image: registry.example.com/api, repository: example/api}\n  - {name: worker, image: registry.example.com/api, repository: example/api}\n"}, "worker")
		list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Services: []string{"api", "worker"}, Together: true, Places: bump.Selection{Path: h.Path}})
		if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || len(list) != 2 || list[1].Tag != h.builds[2] {
			t.Fatalf("got %+v, %v", list, err)
		}
	})
}

// TestPromoteAnImageThatIsNoServices reads what the image runs, and not the service that
// is called like the end of its repository.
func TestPromoteAnImageThatIsNoServices(t *testing.T) {
	bothWays(t, func(t *testing.T, api bool) {
		h := newGitHubSite(t, api)
		other := func(build int) string {
			return strings.Replace(manifestOf("api", h.builds[build]), "registry.", "other.", 1)
		}
		h.repo.Commit("main", gittest.Files{
			"dev/manifests/tools/api.yaml": other(2), "prod/manifests/tools/api.yaml": other(1),
			"dev/manifests/tools/job.yaml": manifestOf("job", h.builds[4]), "prod/manifests/tools/job.yaml": manifestOf("job", h.builds[3]),
		}, "tools")
		for _, c := range []struct {
			image, file, want string
			build             int
		}{
			{"other.example.com/api", "prod/manifests/tools/api.yaml", other(2), 2},
			{"registry.example.com/job", "prod/manifests/tools/job.yaml", manifestOf("job", h.builds[4]), 4},
		} {
			list, err := h.promotes(&deploy.Promotion{From: "dev", To: "prod", Images: []string{c.image}})
			if err = errors.Join(err, deploy.PromotedErr(list)); err != nil || len(list) != 1 || list[0].Tag != h.builds[c.build] {
				t.Fatalf("%s: got %+v, %v", c.image, list, err)
			}
			if got := h.repo.Read(h.newest().Branch, c.file); got != c.want {
				t.Errorf("%s: got\n%s\nwant\n%s", c.image, got, c.want)
			}
		}
		for _, p := range []*deploy.Promotion{
			{Images: []string{"other.example.com/api", "registry.example.com/api"}},
			{Images: []string{"other.example.com/api"}, Services: []string{"api"}},
		} {
			p.From, p.To = "dev", "prod"
			if _, err := h.promotes(p); problem.ExitStatus(err) != problem.ExitTrouble || !strings.Contains(err.Error(), "two of what is promoted are called api") {
				t.Errorf("got %v", err)
			}
		}
	})
}
