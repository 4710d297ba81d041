package gitrepo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
)

// busy is a repository of many commits. Of every ten, one bumps api and one web,
// and the others bump neither.
func busy(t testing.TB, repo *gittest.Repo, commits int) {
	t.Helper()
	var in strings.Builder
	data := func(s string) { fmt.Fprintf(&in, "data %d\n%s\n", len(s), s) }
	for i := range commits {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter Test <test@example.com> %d +0000\n", 1_767_400_000+i*60)
		data(fmt.Sprintf("commit %d", i))
		if i == 0 {
			fmt.Fprintf(&in, "from %s\n", repo.Tip("main"))
		}
		path := "qa/manifests/other/other.yaml"
		switch i % 10 {
		case 3:
			path = deployment
		case 7:
			path = "dev/manifests/web/web-dev-deployment.yaml"
		}
		fmt.Fprintf(&in, "M 100644 inline %s\n", path)
		data(fmt.Sprintf("image: x:%d\n", i))
	}
	repo.Import(in.String())
}

// servers are those that Log has to do with.
var servers = map[string]func(*gittest.Repo){
	"filters":           func(*gittest.Repo) {},
	"no tree filter":    (*gittest.Repo).NoTreeFilter,
	"no filter":         (*gittest.Repo).NoFilter,
	"no wants":          (*gittest.Repo).NoWants,
	"no filter or want": func(r *gittest.Repo) { r.NoFilter(); r.NoWants() },
}

func TestLog(t *testing.T) {
	t.Parallel()
	for name, configure := range servers {
		for _, scheme := range []string{"http", "file"} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				t.Parallel()
				server := gittest.NewServer(t, gittest.Options{})
				repo := server.NewRepo("k8s", sample())
				busy(t, repo, 120)
				configure(repo)
				url := server.URL("k8s")
				if scheme == "file" {
					url = repo.URL()
				}
				tip := tipOf(t, open(t, url, gitrepo.Options{}), "main")
				if err := tip.Fetch(t.Context(), "users.yaml"); err != nil {
					t.Fatal(err)
				}
				var got []string
				for e, err := range tip.Log(t.Context(), 0, "dev/manifests/api", "dev/manifests/web/web-dev-deployment.yaml") {
					if err != nil {
						t.Fatal(err)
					}
					if strings.Join(e.Paths, " ") != "dev/manifests/api" {
						continue
					}
					now, err := e.FS(t.Context()).ReadFile(deployment)
					if err != nil {
						t.Fatal(err)
					}
					before, err := e.Before.FS(t.Context()).ReadFile(deployment)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprintf("%s %d: %s from %s", e.Hash, e.Committer.When.Unix(), strings.TrimSpace(string(now)), strings.TrimSpace(string(before))))
				}
				var want []string
				for i := 113; i >= 3; i -= 10 {
					hash := repo.Git("rev-parse", fmt.Sprintf("main~%d", 119-i))
					before := fmt.Sprintf("image: x:%d", i-10)
					if i == 3 {
						before = "image: api:1 # keep"
					}
					want = append(want, fmt.Sprintf("%s %d: image: x:%d from %s", hash, 1_767_400_000+i*60, i, before))
				}
				if !slices.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			})
		}
	}
}

func TestLogLooksNoFurtherThanItMust(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	busy(t, server.NewRepo("k8s", sample()), 2000)
	tip := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main")
	if err := tip.Fetch(t.Context(), "dev/manifests/api"); err != nil {
		t.Fatal(err)
	}
	server.Reset()
	for e, err := range tip.Log(t.Context(), 0, "dev/manifests/api") {
		if err != nil || e.Message != "commit 1993\n" && e.Message != "commit 1993" {
			t.Fatalf("got %v, %v", e, err)
		}
		break
	}
	// The commits; then their root folders, those that differ of dev, and of manifests.
	if n, down := server.Count(), server.Down(); n > 4 || down > 40_000 {
		t.Errorf("got %d requests and %d bytes", n, down)
	}
}

func TestLogEnds(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t, sample())
	busy(t, repo, 60)
	tip := tipOf(t, open(t, repo.URL(), gitrepo.Options{}), "main")
	log := func(tip *gitrepo.Commit, limit int, path string) (messages []string, last error) {
		for e, err := range tip.Log(t.Context(), limit, path) {
			if last = err; err == nil {
				messages = append(messages, strings.TrimSpace(e.Message))
			}
		}
		return messages, last
	}
	t.Run("with the first commit", func(t *testing.T) {
		got, err := log(tip, 0, "users.yaml")
		if err != nil || !slices.Equal(got, []string{"initial"}) {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("at the limit", func(t *testing.T) {
		got, err := log(tip, 20, "dev/manifests/api")
		if !errors.Is(err, gitrepo.ErrShallow) || !slices.Equal(got, []string{"commit 53", "commit 43"}) {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("where the server's history does", func(t *testing.T) {
		cut := gittest.NewRepo(t, nil)
		cut.Git("fetch", "--quiet", "--depth=8", repo.URL(), "main:main")
		got, err := log(tipOf(t, open(t, cut.URL(), gitrepo.Options{}), "main"), 0, "dev/manifests/api")
		if !errors.Is(err, gitrepo.ErrShallow) || !slices.Equal(got, []string{"commit 53"}) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestFetchEachTakesOneRequestALevel(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	busy(t, server.NewRepo("k8s", sample()), 40)
	tip := tipOf(t, open(t, server.URL("k8s"), gitrepo.Options{}), "main")
	w, err := tip.LogWithin(t.Context(), 50, deployment)
	if err != nil || !w.Whole || len(w.Entries) != 5 {
		t.Fatalf("got %+v, %v", w, err)
	}
	var parts []gitrepo.Part
	for _, e := range w.Entries {
		parts = append(parts, gitrepo.Part{Commit: e.Commit, Paths: []string{deployment}})
	}
	server.Reset()
	if err := gitrepo.FetchEach(t.Context(), parts...); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.Entries {
		if _, err := e.FS(t.Context()).ReadFile(deployment); err != nil {
			t.Error(err)
		}
	}
	if n := server.Count(); n != 1 { // the folders came with the log
		t.Errorf("got %d requests", n)
	}
}
