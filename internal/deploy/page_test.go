package deploy_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo/gittest"
)

var update = flag.Bool("update", false, "write docs/pull-request.md anew")

// shop is a k8s repo of three services, each built from a repository of its own.
type shop struct {
	*gitHubSite
	commits map[string][]string // by service, in full, the oldest first
}

func shopManifest(service, env, tag string, replicas int, memory string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  replicas: %[4]d
  template:
    spec:
      containers:
        - name: %[1]s
          image: registry.example.com/%[1]s:%[3]s
          resources:
            limits: {memory: %[5]s}
`, service, env, tag, replicas, memory)
}

func newShop(t *testing.T, api bool) *shop {
	t.Helper()
	titles := map[string][]string{
		"api":    {"First version", "Drop GET /v1/legacy (#115)", "Answer 429 with Retry-After, as @bob asked", "Close idle connections (#118)"},
		"front":  {"First version", "Show the price | with tax (#41)", "fixes #7: wrong currency"},
		"worker": {"First version", "Retry <failed> jobs `twice`"},
	}
	h := newGitHubSite(t, api, "api", "front", "worker")
	s := &shop{gitHubSite: h, commits: map[string][]string{}}
	sources := map[string]github.Repo{}
	users := "services:\n"
	files := gittest.Files{
		"environments/qa.yaml":      "deploy: {strategy: push}\n",
		"environments/staging.yaml": "deploy: {strategy: push}\n",
		"environments/prod.yaml":    "namespace: production\ndeploy: {strategy: pull-request, after: staging, labels: [deploy], reviewers: [carol], team_reviewers: [sre]}\n",
	}
	for _, service := range []string{"api", "front", "worker"} {
		source := gittest.NewInMemory(t, gittest.Files{"service": service})
		for i, title := range titles[service] {
			s.commits[service] = append(s.commits[service], source.Commit("main", gittest.Files{"n": fmt.Sprint(i)}, title))
		}
		h.github.AddRepo("example/"+service+"-src", source).Private = false
		sources[service] = github.Repo{Owner: "example", Name: service + "-src"}
		users += fmt.Sprintf("  - {name: %s, image: registry.example.com/%[1]s, repository: example/%[1]s-src}\n", service)
		first, last := s.commits[service][0], s.commits[service][len(s.commits[service])-1]
		files[fileOf("dev", service)] = shopManifest(service, "dev", last, 1, "256Mi")
		files[fileOf("qa", service)] = shopManifest(service, "qa", first, 1, "256Mi")
		files[fileOf("staging", service)] = shopManifest(service, "staging", first, 1, "512Mi")
		files[fileOf("prod", service)] = shopManifest(service, "production", first, 6, "1Gi")
	}
	files["users.yaml"] = users
	files["prod/manifests/api/api-prod-hpa.yaml"] = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api, namespace: production}\nspec: {maxReplicas: 12}\n"
	h.repo.Commit("main", files, "The shop")
	staged := gittest.Files{}
	for service, commits := range s.commits {
		staged[fileOf("staging", service)] = shopManifest(service, "staging", commits[len(commits)-1], 1, "512Mi")
	}
	h.repo.Commit("main", staged, "staging runs the newest")
	h.RunURL, h.RequestedBy = "https://github.com/example/api-src/actions/runs/42", "alice"
	h.Options.URL = "https://github.com/example/k8s"
	h.History = func(target bump.Target) deploy.History { return h.Pulls.Sources.History(sources[target.Name()]) }
	return s
}

// newest returns the title and body of the newest pull request, with GitHub's own address.
func (s *shop) newest() string {
	pulls := s.k8s.PullRequests()
	p := pulls[len(pulls)-1]
	return fmt.Sprintf("**%s**\n\n%s", p.Title, strings.ReplaceAll(p.Body, s.github.URL, "https://github.com"))
}

// shopPages returns the pull requests of docs/pull-request.md.
func shopPages(t *testing.T, api bool) string {
	t.Helper()
	var page strings.Builder
	page.WriteString("# What the reviewer of a pull request reads\n\nA test makes this page: each section is the title and the description of a real pull request.\n")
	add := func(title, text string) { fmt.Fprintf(&page, "\n## %s\n\n%s", title, text) }

	s := newShop(t, api)
	s.Env, s.Services, s.Tag = "prod", []string{"api"}, s.commits["api"][3]
	s.run(deploy.Proposed)
	add("A deployment", s.newest())
	s.k8s.Merge(1, "carol")

	outcome, err := (&deploy.Rollback{Options: s.Options, Env: "prod", Service: "api", Reason: "checkout fails, see the incident"}).Run(t.Context())
	if err != nil || outcome.Status != deploy.Proposed {
		t.Fatalf("got %s, %v", outcome.Status, err)
	}
	add("A rollback", s.newest())

	s = newShop(t, api)
	list, err := (&deploy.Promotion{Options: s.Options, From: "staging", To: "prod", Together: true}).Run(t.Context())
	if err != nil || len(list) != 3 || slices.ContainsFunc(list, func(p deploy.Promoted) bool { return p.Outcome.Status != deploy.Proposed }) {
		t.Fatalf("got %+v, %v", list, err)
	}
	add("A promotion of three services", s.newest())
	return page.String()
}

// TestPullRequestPage holds docs/pull-request.md to what pull requests say, which is the
// same over Git and over the API.
func TestPullRequestPage(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "pull-request.md")
	got := shopPages(t, false)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if api := shopPages(t, true); api != got {
		t.Errorf("over the API\n%s\nover Git\n%s", api, got)
	}
	if found := regexp.MustCompile(`127\.0\.0\.1|\]\(\)|0 commits`).FindString(got); found != "" {
		t.Errorf("%q is in it", found)
	}
}
