package deploy_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"k8srepo/internal/bump"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Error(err)
	}
}

// app is a service's repository: one, two, three in a row on main; fork beside two;
// merge of three and fork.
type app struct {
	*gittest.Repo
	one, two, three, fork, merge string
}

func newApp(t *testing.T) *app {
	a := &app{Repo: gittest.NewRepo(t, gittest.Files{"main.go": "1"})}
	a.one = a.Tip("main")
	a.two = a.Commit("main", gittest.Files{"main.go": "2"}, "two")
	a.Git("branch", "fork", a.one)
	a.three = a.Commit("main", gittest.Files{"main.go": "3"}, "three")
	a.fork = a.Commit("fork", gittest.Files{"fork.go": "1"}, "fork")
	a.merge = a.Git("commit-tree", "-m", "merge", "-p", a.three, "-p", a.fork, a.three+"^{tree}")
	a.Git("update-ref", "refs/heads/merged", a.merge)
	return a
}

func (a *app) history(t *testing.T, dir string) func(bump.Target) deploy.History {
	t.Helper()
	h, err := gitrepo.OpenHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	return func(bump.Target) deploy.History { return deploy.GitHistory{History: h} }
}

// TestOrder is what may replace what.
func TestOrder(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	lost := strings.Repeat("d", 40)
	for name, c := range map[string]struct {
		running, next string
		want          string // a status, or a part of the refusal
		notice        string
	}{
		"newer":                   {a.one, a.three, deploy.Changed, ""},
		"older":                   {a.three, a.one, deploy.Superseded, ""},
		"the same, cut short":     {a.two, a.two[:7], deploy.Changed, ""},
		"the same, in full":       {a.two[:7], a.two, deploy.Changed, ""},
		"the very same":           {a.two, a.two, deploy.Unchanged, ""},
		"newer, of odd length":    {a.one[:9], a.three[:11], deploy.Changed, ""},
		"older, cut short":        {a.three[:8], a.one[:8], deploy.Superseded, ""},
		"with a prefix":           {"sha-" + a.three[:7], "sha-" + a.one[:7], deploy.Superseded, ""},
		"parted":                  {a.fork, a.two, "are on branches that have parted", ""},
		"merged":                  {a.fork, a.merge, deploy.Changed, ""},
		"older, before a merge":   {a.merge, a.fork, deploy.Superseded, ""},
		"the running one unknown": {lost, a.two, lost + ", which runs, is no commit of the service's repository", ""},
		"the new one unknown":     {a.two, lost, lost + " is no commit of the service's repository", ""},
		"not pushed yet":          {a.two[:7], lost[:7], "is it pushed?", ""},
		"the new one no hash":     {a.two, "v1.2.3", deploy.Changed, "api: v1.2.3 is no commit hash, so it may be older than what runs"},
		"the running one no hash": {"v1.2.3", a.two, deploy.Changed, "api: v1.2.3, which runs, is no commit hash, so it may be newer than " + a.two},
		"dates":                   {"20261119", "20261120", deploy.Changed, "api: 20261119 and 20261120 are taken for numbers, not for commits, so the new one may be the older one"},
		"a number after a commit": {a.two, "20261120", "20261120 is no commit of the service's repository", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := siteOf("api")
			files[fileOf("dev", "api")] = manifestOf("api", c.running)
			s := newSite(t, files)
			s.Tag, s.History = c.next, a.history(t, a.Dir)
			switch c.want {
			case deploy.Changed, deploy.Superseded, deploy.Unchanged:
				outcome := s.run(c.want)
				if got := strings.Join(outcome.Notices, "\n"); got != c.notice {
					t.Errorf("got %q, want %q", got, c.notice)
				}
			default:
				s.refused(problem.ExitRefused, c.want, "--force")
				s.Force = true
				s.run(deploy.Changed)
			}
		})
	}
}

// TestOrderOfSome has one image that runs something newer, and one that does not.
func TestOrderOfSome(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	files := siteOf("api")
	ahead, behind, odd := "dev/manifests/api/ahead.yaml", "dev/manifests/api/behind.yaml", "dev/manifests/api/odd.yaml"
	delete(files, fileOf("dev", "api"))
	files[ahead], files[behind] = manifestOf("api", a.three), manifestOf("api", a.one)
	files[odd] = manifestOf("api", "edge") + "---\n" + manifestOf("api", "edge")
	s := newSite(t, files)
	s.Tag, s.History = a.two, a.history(t, a.Dir)
	outcome := s.run(deploy.Changed)
	if len(outcome.Superseded) != 1 || outcome.Superseded[0].Place.File != ahead || len(outcome.Notices) != 1 {
		t.Errorf("got %+v", outcome)
	}
	if s.repo.Read("main", ahead) != files[ahead] || s.repo.Read("main", behind) != manifestOf("api", a.two) {
		t.Error("the wrong ones were changed")
	}
	if got, want := outcome.OldTags(), []string{a.one, "edge"}; !slices.Equal(got, want) {
		t.Errorf("old tags %q, want %q", got, want)
	}
}

// TestOrderOnReplay deploys something newer while the older one is on its way.
func TestOrderOnReplay(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	files := siteOf("api")
	files[fileOf("dev", "api")] = manifestOf("api", a.one)
	s := newSite(t, files)
	s.Tag, s.History = a.two, a.history(t, a.Dir)
	s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("api", a.three) }})
	s.run(deploy.Superseded)
	s.runs("api", a.three, 1)
}

func TestOrderWithoutHistory(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOf("api"))
	s.move("api", strings.Repeat("a", 40))
	s.Tag = strings.Repeat("b", 40)
	if outcome := s.run(deploy.Changed); len(outcome.Notices) != 1 || !strings.Contains(outcome.Notices[0], "say --app-repo, or give it a repository in users.yaml") {
		t.Errorf("got %q", outcome.Notices)
	}
}

// TestShallowClone is the clone that CI makes unless it is told otherwise.
func TestShallowClone(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	clone := t.TempDir()
	a.Git("clone", "--quiet", "--depth=1", a.URL(), clone)
	for running, next := range map[string]string{a.one: a.three, a.three: a.one} {
		files := siteOf("api")
		files[fileOf("dev", "api")] = manifestOf("api", running)
		s := newSite(t, files)
		s.Tag, s.History = next, a.history(t, clone)
		s.refused(problem.ExitRefused, "fetch-depth: 0")
	}
}

// TestFetchedHistory asks a server for commits, again once it may have new ones.
func TestFetchedHistory(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("app", gittest.Files{"a": "1"})
	first := repo.Tip("main")
	h := &deploy.FetchedHistory{Fetch: func(ctx context.Context) (*gitrepo.History, error) {
		r, err := gitrepo.Open(server.URL("app"), gitrepo.Options{})
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return r.History(ctx)
	}}
	relation := func(running, next string) deploy.Relation {
		t.Helper()
		r, err := h.Relation(t.Context(), running, next)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := relation(first, first[:7]); got != deploy.Ahead {
		t.Errorf("got %v", got)
	}
	second := repo.Commit("main", gittest.Files{"a": "2"}, "second")
	if got := relation(second, first); got != deploy.Behind {
		t.Errorf("got %v", got)
	}
	n := server.Count()
	if got := relation(first, second); got != deploy.Ahead || server.Count() != n {
		t.Errorf("got %v, after %d requests", got, server.Count()-n)
	}
	// Only a release's tag has it.
	tagged := repo.Commit("gone", gittest.Files{"a": "3"}, "tagged")
	repo.Git("tag", "-a", "-m", "v1", "v1", tagged)
	repo.Git("update-ref", "-d", "refs/heads/gone")
	if got := relation(tagged, second); got != deploy.Diverged {
		t.Errorf("got %v", got)
	}
	clone := gittest.NewRepo(t, gittest.Files{"b": "1"})
	both := deploy.Histories{(&app{Repo: clone}).history(t, clone.Dir)(bump.Target{}), h}
	if got, err := both.Relation(t.Context(), first, second); got != deploy.Ahead || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestHistoryOutOfReach is a service whose repository cannot be read now, or ever.
func TestHistoryOutOfReach(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	files := siteOf("api")
	files[fileOf("dev", "api")] = manifestOf("api", a.one)
	s := newSite(t, files)
	s.Tag = a.two
	failures := 0
	err := fmt.Errorf("no entry")
	h := &deploy.FetchedHistory{Fetch: func(context.Context) (*gitrepo.History, error) {
		if failures--; failures >= 0 {
			return nil, err
		}
		return gitrepo.OpenHistory(a.Dir)
	}}
	s.History = func(bump.Target) deploy.History { return h }
	failures = 1
	s.refused(problem.ExitTrouble, "cannot tell older from newer: no entry | or name a clone of the service with --app-repo, or do without with --force")
	failures, err = 1, &gitrepo.StatusError{Code: 503}
	if outcome := s.run(deploy.Changed); outcome.Attempts != 2 {
		t.Errorf("got %+v", outcome)
	}
}
