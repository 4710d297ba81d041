package gitrepo_test

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/repo"
)

// busy is a repository of many commits. Of every ten, one bumps api and one web,
// and the others bump neither.
func busy(t testing.TB, commits int) *gittest.Repo {
	t.Helper()
	return gittest.NewBuilt(t, fmt.Sprint("busy ", commits), sample(), func(k8s *gittest.Repo) { bumpOften(k8s, commits) })
}

func bumpOften(k8s *gittest.Repo, commits int) {
	at := k8s.Tip("main")
	k8s.Packed(func() {
		for i := range commits {
			path := "qa/manifests/other/other.yaml"
			switch i % 10 {
			case 3:
				path = deployment
			case 7:
				path = "dev/manifests/web/web-dev-deployment.yaml"
			}
			tree := k8s.EditTree(k8s.Tree(at), gittest.Files{path: fmt.Sprintf("image: x:%d\n", i)})
			who := fmt.Sprintf("Test <test@example.com> %d +0000", 1_767_400_000+i*60)
			at = k8s.WriteObject("commit", fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %[3]s\n\ncommit %d", tree, at, who, i))
		}
	})
	k8s.MoveBranch("main", at)
}

// servers are those that Log has to do with.
var servers = map[string]func(*gittest.Repo){
	"filters":           func(*gittest.Repo) {},
	"no tree filter":    (*gittest.Repo).NoTreeFilter,
	"no filter":         (*gittest.Repo).NoFilter,
	"no wants":          (*gittest.Repo).NoWants,
	"no filter or want": func(r *gittest.Repo) { r.NoFilter(); r.NoWants() },
}

// served returns the URL of a repository that is served over HTTP, and its server.
func served(t testing.TB, k8s *gittest.Repo, o gittest.Options) (*gittest.Server, string) {
	t.Helper()
	o.Root = filepath.Dir(k8s.Dir)
	server := gittest.NewServer(t, o)
	return server, server.URL(strings.TrimSuffix(filepath.Base(k8s.Dir), ".git"))
}

// logOf returns the log of the branch main, and what it is read with.
func logOf(t *testing.T, url string, paths ...string) (*gitrepo.Store, *repo.Commit, iter.Seq2[*repo.LogEntry, error]) {
	t.Helper()
	store := &gitrepo.Store{Remote: open(t, url, gitrepo.Options{}), ReadOnly: true}
	tip, err := store.Tip(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	return store, tip, repo.Log(func(depth int) (*repo.Window, error) { return store.Log(t.Context(), tip, depth, paths...) })
}

func TestLog(t *testing.T) {
	t.Parallel()
	line := busy(t, 120).Log("main")
	for name, configure := range servers {
		for _, scheme := range []string{"http", "file"} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				t.Parallel()
				k8s := busy(t, 120)
				configure(k8s)
				url := k8s.URL()
				if scheme == "http" {
					_, url = served(t, k8s, gittest.Options{Direct: true}) // git answers on disk, and in the next test
				}
				store, tip, log := logOf(t, url, "dev/manifests/api", "dev/manifests/web/web-dev-deployment.yaml")
				if err := tip.Tree.Fetch(t.Context(), "users.yaml"); err != nil {
					t.Fatal(err)
				}
				read := func(c *repo.Commit) string {
					content, err := c.FS(t.Context()).ReadFile(deployment)
					if err != nil {
						t.Fatal(err)
					}
					return strings.TrimSpace(string(content))
				}
				var entries []*repo.LogEntry
				var parts []repo.Part
				for e, err := range log {
					if err != nil {
						t.Fatal(err)
					}
					if strings.Join(e.Paths, " ") == "dev/manifests/api" {
						entries = append(entries, e)
						parts = append(parts, repo.Part{Commit: e.Commit, Paths: []string{deployment}}, repo.Part{Commit: e.Before, Paths: []string{deployment}})
					}
				}
				read(entries[0].Commit) // a file that was not fetched before
				read(entries[0].Before)
				if err := store.Fetch(t.Context(), parts...); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, e := range entries {
					got = append(got, fmt.Sprintf("%s %d: %s from %s", e.Hash, e.Committer.When.Unix(), read(e.Commit), read(e.Before)))
				}
				var want []string
				for i := 113; i >= 3; i -= 10 {
					before := fmt.Sprintf("image: x:%d", i-10)
					if i == 3 {
						before = "image: api:1 # keep"
					}
					want = append(want, fmt.Sprintf("%s %d: image: x:%d from %s", line[119-i], 1_767_400_000+i*60, i, before))
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
	server, url := served(t, busy(t, 600), gittest.Options{})
	_, tip, log := logOf(t, url, "dev/manifests/api")
	if err := tip.Tree.Fetch(t.Context(), "dev/manifests/api"); err != nil {
		t.Fatal(err)
	}
	server.Reset()
	for e, err := range log {
		if err != nil || strings.TrimSpace(e.Message) != "commit 593" {
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
	k8s := busy(t, 60)
	_, url := served(t, k8s, gittest.Options{Direct: true})
	messages := func(entries []*repo.LogEntry) (all []string) {
		for _, e := range entries {
			all = append(all, strings.TrimSpace(e.Message))
		}
		return all
	}
	all := func(log iter.Seq2[*repo.LogEntry, error]) (entries []*repo.LogEntry, last error) {
		for e, err := range log {
			if last = err; err == nil {
				entries = append(entries, e)
			}
		}
		return entries, last
	}
	t.Run("with the first commit", func(t *testing.T) {
		_, _, log := logOf(t, url, "users.yaml")
		got, err := all(log)
		if err != nil || !slices.Equal(messages(got), []string{"initial"}) {
			t.Errorf("got %q, %v", messages(got), err)
		}
	})
	t.Run("at the limit", func(t *testing.T) {
		store, tip, _ := logOf(t, url)
		w, err := store.Log(t.Context(), tip, 20, "dev/manifests/api")
		if err != nil || w.Whole || w.Cut || !slices.Equal(messages(w.Entries), []string{"commit 53", "commit 43"}) {
			t.Errorf("got %+v, %v", w, err)
		}
	})
	t.Run("where the server's history does", func(t *testing.T) {
		cut := gittest.NewRepo(t, nil)
		cut.Git("fetch", "--quiet", "--depth=8", k8s.URL(), "main:main")
		_, _, log := logOf(t, cut.URL(), "dev/manifests/api")
		got, err := all(log)
		if !errors.Is(err, gitrepo.ErrShallow) || !slices.Equal(messages(got), []string{"commit 53"}) {
			t.Errorf("got %q, %v", messages(got), err)
		}
	})
}

func TestFetchOfSeveralCommitsTakesOneRequestALevel(t *testing.T) {
	t.Parallel()
	server, url := served(t, busy(t, 40), gittest.Options{Direct: true})
	store, tip, _ := logOf(t, url)
	w, err := store.Log(t.Context(), tip, 50, deployment)
	if err != nil || !w.Whole || len(w.Entries) != 5 {
		t.Fatalf("got %+v, %v", w, err)
	}
	var parts []repo.Part
	for _, e := range w.Entries {
		parts = append(parts, repo.Part{Commit: e.Commit, Paths: []string{deployment}})
	}
	server.Reset()
	if err := store.Fetch(t.Context(), parts...); err != nil {
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

// TestLogWithAClockThatIsOff ends a window at a commit whose date is after those of the commits
// that follow it: they are in the window all the same.
func TestLogWithAClockThatIsOff(t *testing.T) {
	t.Parallel()
	k8s := gittest.NewRepo(t, sample())
	at := k8s.Tip("main")
	k8s.Packed(func() {
		for i := range 60 {
			date := 1_770_000_000 + i
			if i == 9 {
				date += 1_000_000
			}
			who := fmt.Sprintf("Test <test@example.com> %d +0000", date)
			tree := k8s.EditTree(k8s.Tree(at), gittest.Files{deployment: fmt.Sprintf("image: x:%d\n", i)})
			at = k8s.WriteObject("commit", fmt.Sprintf("tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%d", tree, at, who, who, i))
		}
	})
	k8s.MoveBranch("main", at)
	_, url := served(t, k8s, gittest.Options{Direct: true})
	store, tip, _ := logOf(t, url)
	var depths []int
	log := repo.Log(func(depth int) (*repo.Window, error) {
		depths = append(depths, depth)
		return store.Log(t.Context(), tip, depth, deployment)
	})
	for e, err := range log {
		if err != nil {
			t.Fatal(err)
		}
		if e.Message == "20" {
			break
		}
	}
	if !slices.Equal(depths, []int{50}) {
		t.Errorf("the log was read to the depths %v", depths)
	}
}
