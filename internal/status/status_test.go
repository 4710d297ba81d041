package status

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/repo"
)

var update = flag.Bool("update", false, "write the golden files")

func deployment(image string) string {
	return "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - {name: app, image: '" + image + "'}\n"
}

// shop is a k8s repo with something of everything.
func shop() gittest.Files {
	files := gittest.Files{
		"users.yaml": "services:\n" +
			"  - {name: api, image: example.com/api, repository: example/api}\n" +
			"  - {name: front, image: example.com/front, repository: example/front}\n" +
			"  - {name: search, image: example.com/search}\n" +
			"  - {name: worker, image: example.com/worker}\n",
		"environments/dev.yaml":     "deploy: {strategy: push}\n",
		"environments/qa.yaml":      "deploy: {strategy: push}\n",
		"environments/staging.yaml": "deploy: {strategy: push}\n",
		"environments/sandbox.yaml": "deploy: {strategy: push}\n",
		"environments/prod.yaml":    "deploy: {strategy: pull-request, after: staging}\n",
	}
	for env, tags := range map[string][3]string{"dev": {"9f2c1ab", "7be21d4", "c40a6f3"}, "qa": {"9f2c1ab", "7be21d4"}, "staging": {"1f0c9ae", "7be21d4", "c40a6f3"}, "prod": {"77aa000", "5d3b0f1", "c40a6f2"}} {
		for i, s := range []string{"api", "front", "search"} {
			if tags[i] != "" {
				files[fmt.Sprintf("%s/manifests/%s/%s-%s-deployment.yaml", env, s, s, env)] = deployment("example.com/" + s + ":" + tags[i])
			}
		}
	}
	files["prod/manifests/search/search-prod-cron.yaml"] = deployment("example.com/search:c40a6f3")
	files["prod/manifests/other.yaml"] = deployment("example.com/nobodys:1")
	for i, tag := range []string{"9f2c1ab", "9f2c1ab", "1f0c9ae", "77aa000"} {
		files[fmt.Sprintf("sandbox/manifests/users/u%d/api-sandbox-deployment.yaml", i)] = deployment("example.com/api:" + tag)
	}
	return files
}

// counts is what is known of the commits of api and front.
func counts(_ context.Context, repository, base, head string) (ahead, behind int, ok bool, err error) {
	switch repository + " " + base + " " + head {
	case "example/api 1f0c9ae 9f2c1ab":
		return 2, 0, true, nil
	case "example/api 77aa000 1f0c9ae":
		return 14, 0, true, nil
	case "example/front 5d3b0f1 7be21d4":
		return 3, 1, true, nil
	}
	return 0, 0, false, nil
}

func proposals(context.Context) ([]PullRequest, error) {
	return []PullRequest{
		{Environment: "prod", Service: "api", Number: 12, URL: "https://github.com/example/k8s/pull/12", Tag: "1f0c9ae"},
		{Environment: "prod", Service: "front", Number: 9, URL: "javascript:alert(1)", Tag: "<b>", Draft: true},
		{Environment: "gone", Service: "api", Number: 1, URL: "https://github.com/example/k8s/pull/1"},
	}, nil
}

func tipOf(t testing.TB, url string) *tip {
	t.Helper()
	r, err := gitrepo.Open(url, gitrepo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	store := &gitrepo.Store{Remote: r, ReadOnly: true}
	c, err := store.Tip(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return &tip{c, store}
}

// tip is the tip of a branch, and where it was read from.
type tip struct {
	*repo.Commit
	store Store
}

func reportOf(t testing.TB, tip *tip, o Options) *Report {
	t.Helper()
	r, err := OfTip(t.Context(), tip.store, tip.Commit, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sample(t testing.TB) *Report {
	t.Helper()
	repo := gittest.NewRepo(t, shop())
	return reportOf(t, tipOf(t, repo.URL()), Options{Repository: "https://github.com/example/k8s", History: 100, Compare: counts, PullRequests: proposals})
}

func (r *Report) cell(t testing.TB, service, env string) Cell {
	t.Helper()
	for _, s := range r.Services {
		for _, c := range s.Environments {
			if s.Name == service && c.Environment == env {
				return c
			}
		}
	}
	t.Fatalf("no %s in %s", service, env)
	return Cell{}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	r := sample(t)
	var page, again bytes.Buffer
	if err := errors.Join(r.HTML(&page), sample(t).HTML(&again)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page.Bytes(), again.Bytes()) {
		t.Error("the same input made other bytes")
	}
	golden(t, "status.html", page.Bytes())
	for _, not := range []string{"<b>", "javascript:", "<script", "<link", "@import", "url("} {
		if strings.Contains(page.String(), not) {
			t.Errorf("there is %s in the page", not)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	golden(t, "status.txt", []byte(sample(t).Text()))
}

func TestTextFitsATerminal(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for i := range 14 {
		path := fmt.Sprintf("environment%d/manifests/%s/deployment.yaml", i, strings.Repeat("x", 40))
		files[path] = &fstest.MapFile{Data: []byte(deployment("example.com/" + strings.Repeat("x", 40) + ":a-very-long-tag-of-a-build"))}
	}
	r, err := OfFolder(t.Context(), files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := r.Text()
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(line); n > 101 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(text, "environment13") {
		t.Errorf("the last environment is not there:\n%s", text)
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	r := sample(t)
	tell := func(c Cell) string {
		return fmt.Sprintf("%s %s %s -%d +%d", c.Tag, c.Relation, c.To, c.Behind, c.Ahead)
	}
	for _, c := range []struct{ service, env, want string }{
		{"api", "dev", "9f2c1ab   -0 +0"},
		{"api", "qa", "9f2c1ab same dev -0 +0"},
		{"api", "staging", "1f0c9ae behind qa -2 +0"},
		{"api", "prod", "77aa000 behind staging -14 +0"},
		{"front", "prod", "5d3b0f1 diverged staging -3 +1"},
		{"search", "qa", "   -0 +0"},
		{"search", "staging", "c40a6f3 same dev -0 +0"}, // it does not run in qa
		{"search", "prod", " differs staging -0 +0"},    // two tags
	} {
		if got := tell(r.cell(t, c.service, c.env)); got != c.want {
			t.Errorf("%s in %s: got %q, want %q", c.service, c.env, got, c.want)
		}
	}
	if got := r.cell(t, "api", "sandbox").Users; got == nil || got.String() != "2 of 4 on 9f2c1ab" {
		t.Errorf("got %v", got)
	}
	var names []string
	for _, s := range r.Services {
		names = append(names, s.Name)
	}
	if want := []string{"api", "front", "search", "worker"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want what is furthest behind first: %q", names, want)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after map[string]string
		names []string
		want  string
	}{
		{nil, []string{"prod", "dev", "staging", "qa"}, "dev qa<dev staging<qa prod<staging"},
		{nil, []string{"zeta", "prod", "alpha"}, "prod alpha zeta"},
		{map[string]string{"prod": "staging", "prod-next": "staging"}, []string{"prod-next", "staging", "prod", "dev"}, "dev staging<dev prod<staging prod-next<staging"},
		{map[string]string{"dev": "alpha"}, []string{"dev", "alpha"}, "alpha dev<alpha"},
		{map[string]string{"a": "b", "b": "a"}, []string{"b", "a"}, "a<b b<a"},
		{map[string]string{"prod": "nowhere"}, []string{"prod", "dev"}, "dev prod<dev"},
	} {
		files := fstest.MapFS{}
		for _, name := range c.names {
			files[name+"/manifests/x.yaml"] = &fstest.MapFile{Data: []byte(deployment("x:1"))}
			policy := "deploy: {strategy: push}\n"
			if after := c.after[name]; after != "" {
				policy = "deploy: {strategy: push, after: " + after + "}\n"
			}
			files["environments/"+name+".yaml"] = &fstest.MapFile{Data: []byte(policy)}
		}
		r, err := OfFolder(t.Context(), files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range r.Environments {
			text := e.Name
			if e.Before != "" {
				text += "<" + e.Before
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: got %s, want %s", c.names, strings.Join(got, " "), c.want)
		}
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", shop())
	const api = "prod/manifests/api/api-prod-deployment.yaml"
	initial := repo.Tip("main")
	bump := repo.Commit("main", gittest.Files{api: deployment("example.com/api:1f0c9ae")}, "bump")
	repo.Commit("main", gittest.Files{api: "# a word\n" + deployment("example.com/api:1f0c9ae")}, "a comment")
	repo.Commit("main", gittest.Files{"prod/manifests/api/cron.yaml": deployment("example.com/api:1f0c9ae")}, "another file")
	broken := repo.Commit("main", gittest.Files{"dev/manifests/api/api-dev-deployment.yaml": "image: [\n"}, "no YAML for a while")
	mended := repo.Commit("main", gittest.Files{"dev/manifests/api/api-dev-deployment.yaml": deployment("example.com/api:9f2c1ab")}, "mended")
	_ = broken
	r := reportOf(t, tipOf(t, server.URL("k8s")), Options{History: 100})
	for _, c := range []struct{ service, env, want string }{
		{"api", "prod", bump},
		{"api", "staging", initial},
		{"api", "dev", mended},
		{"search", "prod", ""},
	} {
		if got := r.cell(t, c.service, c.env).Commit; got != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.service, c.env, got, c.want)
		}
	}
}

func TestManyServicesTakeFewRequests(t *testing.T) {
	t.Parallel()
	files := gittest.Files{}
	var users strings.Builder
	users.WriteString("services:\n")
	for i := range 50 {
		fmt.Fprintf(&users, "  - {name: s%d, image: example.com/s%d}\n", i, i)
		for _, env := range []string{"dev", "qa", "staging", "prod"} {
			files[fmt.Sprintf("%s/manifests/s%d/deployment.yaml", env, i)] = deployment(fmt.Sprintf("example.com/s%d:1", i))
			files[fmt.Sprintf("%s/manifests/s%d/service.yaml", env, i)] = "kind: Service\n"
		}
	}
	files["users.yaml"] = users.String()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", files)
	for i := range 20 {
		repo.Commit("main", gittest.Files{fmt.Sprintf("dev/manifests/s%d/deployment.yaml", i): deployment(fmt.Sprintf("example.com/s%d:2", i))}, "bump")
	}
	r := reportOf(t, tipOf(t, server.URL("k8s")), Options{History: 100})
	if len(r.Services) != 50 || r.cell(t, "s7", "dev").Commit == r.cell(t, "s7", "qa").Commit {
		t.Errorf("got %d services", len(r.Services))
	}
	if n := server.Count(); n > 12 {
		t.Errorf("got %d requests", n)
	}
}

func TestNoticesOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t, shop())
	repo.Commit("main", gittest.Files{"dev/manifests/odd.yaml": "image: [\n", "environments/qa.yaml": "deploy: {strategy: push, branch: release}\n", "environments/dev.yaml": "deploy: {strategie: push}\n"}, "odd")
	r := reportOf(t, tipOf(t, repo.URL()), Options{
		Compare: func(context.Context, string, string, string) (int, int, bool, error) {
			return 0, 0, false, errors.New("GitHub is out")
		},
		PullRequests: func(context.Context) ([]PullRequest, error) { return nil, errors.New("no access") },
	})
	got := strings.Join(r.Notices, "\n")
	for _, want := range []string{
		"how dev is deployed is left out: environments/dev.yaml:1:10: ",
		"left out: dev/manifests/odd.yaml:1: this is not YAML: ",
		"qa is deployed from the branch release, and this is main",
		"not all commits could be counted: GitHub is out",
		"open pull requests are left out: no access",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}

func TestWithoutUsersEveryImageIsARow(t *testing.T) {
	t.Parallel()
	r, err := OfFolder(t.Context(), fstest.MapFS{
		"dev/manifests/a.yaml":  {Data: []byte(deployment("example.com/api:1"))},
		"dev/manifests/b.yaml":  {Data: []byte(deployment("other.example.com/api:2"))},
		"prod/manifests/a.yaml": {Data: []byte(deployment("example.com/web@sha256:" + strings.Repeat("0", 64)))},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range r.Services {
		names = append(names, s.Name)
	}
	if want := []string{"example.com/api", "other.example.com/api", "web"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestImagesOfOneEnvironment(t *testing.T) {
	t.Parallel()
	r, err := OfFolder(t.Context(), fstest.MapFS{
		"users.yaml":           {Data: []byte("services: [{name: api, image: example.com/api}]\n")},
		"dev/manifests/a.yaml": {Data: []byte(deployment("example.com/api-dev:1"))},
		"qa/manifests/a.yaml":  {Data: []byte(deployment("example.com/api-dev:1"))},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.cell(t, "api", "dev").Tag + r.cell(t, "api", "qa").Tag; got != "1" {
		t.Errorf("got %q", got)
	}
}
