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
	a.Git("tag", "v1", a.one)
	a.Git("tag", "-a", "-m", "two", "v2", a.two)
	a.Git("tag", "edge-"+a.one[:7], a.three)
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

// byCommit is an environment that is pushed to, whose tags are compared by their commits.
const byCommit = "deploy: {strategy: push}\n"

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
		"diverged":                {a.fork, a.two, "are on diverged branches", ""},
		"merged":                  {a.fork, a.merge, deploy.Changed, ""},
		"older, before a merge":   {a.merge, a.fork, deploy.Superseded, ""},
		"the running one unknown": {lost, a.two, lost + ", which runs, is no commit of the service's repository", ""},
		"the new one unknown":     {a.two, lost, lost + " is no commit of the service's repository", ""},
		"not pushed yet":          {a.two[:7], lost[:7], "is it pushed?", ""},
		"the new one no hash":     {a.two, "v1.2.3", "api: v1.2.3 names no commit of the service's repository: it has no hash in it, and no Git tag has its name", ""},
		"the running one no hash": {"v1.2.3", a.two, "api: v1.2.3, which runs, names no commit", ""},
		"dates":                   {"20261119", "20261120", "api: 20261120 is no commit", ""},
		"a hash in the middle":    {"main-" + a.one[:7] + "-1711", "main-" + a.two[:9] + "-1712", deploy.Changed, ""},
		"an older in the middle":  {"20261120-" + a.three[:7], "v2.0.0_" + a.two + ".rc", deploy.Superseded, ""},
		"a hash behind a letter":  {a.one, "x" + a.two[:7], "names no commit", ""},
		"a hash before a letter":  {a.one, a.two + "z", "names no commit", ""},
		"a date, and a hash":      {a.one, "20261120-" + a.two[:7], deploy.Changed, ""},
		"Git tags":                {"v1", "v2", deploy.Changed, ""},
		"older Git tags":          {"v2", "v1", deploy.Superseded, ""},
		"a Git tag and a hash":    {a.three, "v2", deploy.Superseded, ""},
		"two hashes":              {a.one, a.two[:7] + "-" + a.three[:7], "names two commits", ""},
		"two hashes of one":       {a.one, a.two[:7] + "-" + a.two[:9], deploy.Changed, ""},
		"a hash and a Git tag":    {a.two, "edge-" + a.one[:7], "names two commits", ""},
		"two that run":            {a.one[:7] + "-" + a.three[:7], a.two, "which runs, names two commits", ""},
		"the first tag":           {"old", a.two, deploy.Changed, "api: old, which runs, is its first tag (tag: in users.yaml), so " + a.two + " replaces it, and may be older"},
		"the first tag, by any":   {"old", "v1.2.3", deploy.Changed, "api: old, which runs, is its first tag (tag: in users.yaml), so v1.2.3 replaces it, and may be older"},
		"a number after a commit": {a.two, "20261120", "20261120 is no commit of the service's repository", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := siteOf("api")
			files["environments/dev.yaml"] = byCommit
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
	files[odd] = manifestOf("api", "old") + "---\n" + manifestOf("api", "old")
	files["environments/dev.yaml"] = byCommit
	s := newSite(t, files)
	s.Tag, s.History = a.two, a.history(t, a.Dir)
	outcome := s.run(deploy.Changed)
	if len(outcome.Superseded) != 1 || outcome.Superseded[0].Place.File != ahead || len(outcome.Notices) != 1 {
		t.Errorf("got %+v", outcome)
	}
	if s.repo.Read("main", ahead) != files[ahead] || s.repo.Read("main", behind) != manifestOf("api", a.two) {
		t.Error("the wrong ones were changed")
	}
	if got, want := outcome.OldTags(), []string{a.one, "old"}; !slices.Equal(got, want) {
		t.Errorf("old tags %q, want %q", got, want)
	}
}

// TestOrderOnReplay deploys something newer while the older one is on its way.
func TestOrderOnReplay(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	files := siteOf("api")
	files[fileOf("dev", "api")], files["environments/dev.yaml"] = manifestOf("api", a.one), byCommit
	s := newSite(t, files)
	s.Tag, s.History = a.two, a.history(t, a.Dir)
	s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("api", a.three) }})
	s.run(deploy.Superseded)
	s.runs("api", a.three, 1)
}

// TestUnknownIsRefused where nothing tells which is newer; --force alone goes past it.
func TestUnknownIsRefused(t *testing.T) {
	t.Parallel()
	files := siteOf("api")
	files["environments/dev.yaml"] = byCommit
	s := newSite(t, files)
	s.move("api", strings.Repeat("a", 40))
	s.Tag = strings.Repeat("b", 40)
	s.refused(problem.ExitRefused, "nothing is known of its commits", "pass a clone with --app-repo, or give the service a repository: in users.yaml, or write order: semver or order: none into environments/dev.yaml")
	s.Tag, s.Digest = "", "sha256:"+strings.Repeat("1", 64)
	s.refused(problem.ExitRefused, "a digest does not tell whether it is newer than")
	s.Force = true
	s.run(deploy.Changed)
	s.Tag, s.Digest, s.Force = "any", "", false
	if outcome := s.run(deploy.Changed); len(outcome.Notices) != 1 || !strings.Contains(outcome.Notices[0], "is a digest without a tag, so what replaces it may be older") {
		t.Errorf("got %q", outcome.Notices)
	}
}

// TestOrderOfAnImage finds the service of an image that was named by its repository.
func TestOrderOfAnImage(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	files := siteOf("api")
	files["environments/dev.yaml"] = byCommit
	files["users.yaml"] = "services:\n  - {name: api, image: registry.example.com/api, tag: old, repository: example/api}\n"
	s := newSite(t, files)
	s.Services, s.Images = nil, []string{"registry.example.com/api"}
	history := a.history(t, a.Dir)
	s.History = func(target bump.Target) deploy.History {
		if target.Source != "example/api" {
			return nil
		}
		return history(target)
	}
	s.Tag = a.two
	s.run(deploy.Changed) // the first tag
	s.Tag = a.one
	s.run(deploy.Superseded)
}

// TestOrderSemver compares tags as versions, by the specification's own examples too.
func TestOrderSemver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ running, next, want string }{
		{"1.0.0", "1.0.1", deploy.Changed}, {"1.0.1", "1.0.0", deploy.Superseded}, {"v1.9.0", "1.10.0", deploy.Changed}, {"2.0.0", "v10.0.0", deploy.Changed},
		{"1.0.0-alpha", "1.0.0-alpha.1", deploy.Changed}, {"1.0.0-alpha.1", "1.0.0-alpha.beta", deploy.Changed}, {"1.0.0-beta.2", "1.0.0-beta.11", deploy.Changed},
		{"1.0.0-rc.1", "1.0.0", deploy.Changed}, {"1.0.0", "1.0.0-rc.1", deploy.Superseded}, {"1.0.0", "v1.0.0", deploy.Changed},
		{"1.0.0", "1.0", "api: 1.0 is no semantic version"}, {"1.0.0", "v01.0.0", "is no semantic version"}, {"latest", "1.0.0", "api: latest, which runs, is no semantic version"},
		{"old", "1.0.0", deploy.Changed},
	} {
		t.Run(c.running+" "+c.next, func(t *testing.T) {
			t.Parallel()
			files := siteOf("api")
			files["environments/dev.yaml"], files[fileOf("dev", "api")] = "deploy: {strategy: push, order: semver}\n", manifestOf("api", c.running)
			s := newSite(t, files)
			s.Tag = c.next
			if c.want == deploy.Changed || c.want == deploy.Superseded {
				s.run(c.want)
				return
			}
			s.refused(problem.ExitRefused, c.want, "pass --force")
		})
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
		files[fileOf("dev", "api")], files["environments/dev.yaml"] = manifestOf("api", running), byCommit
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
	files[fileOf("dev", "api")], files["environments/dev.yaml"] = manifestOf("api", a.one), byCommit
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

// TestTagsThatLookLikeHashes has a Git tag and a branch that are called by a day: the tag
// names a commit, and the branch, which moves, names none. GitHub takes a name of either
// where it is asked for a hash.
func TestTagsThatLookLikeHashes(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.source.Git("tag", "20260102", h.builds[3])
	h.source.Git("branch", "20260103", h.builds[4])
	clone, err := gitrepo.OpenHistory(h.source.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, history := range map[string]deploy.History{"clone": deploy.GitHistory{History: clone}, "github": h.History(bump.Target{})} {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				from, to string
				relation deploy.Relation
				added    int // -1 where that is not known
			}{
				{h.builds[1], h.builds[2], deploy.Ahead, 1},
				{"sha-" + h.builds[0], h.builds[2], deploy.Ahead, 2},
				{h.builds[1], "20260102", deploy.Ahead, 2},
				{"20260102", h.builds[2], deploy.Behind, 0},
				{h.builds[1], "20260103", deploy.NewUnknown, -1},
				{"20260103", h.builds[4], deploy.OldUnknown, -1},
			} {
				if got, err := history.Relation(t.Context(), c.from, c.to); got != c.relation || err != nil {
					t.Errorf("%s to %s: got %v, %v", c.from, c.to, got, err)
				}
				between, err := history.Between(t.Context(), c.from, c.to)
				switch {
				case c.added < 0:
					if err == nil || !strings.HasSuffix(err.Error(), " has no commit 20260103") {
						t.Errorf("%s to %s: got %+v, %v", c.from, c.to, between, err)
					}
				case err != nil || between.Added.Total != c.added || len(between.From) != 40 || len(between.To) != 40:
					t.Errorf("%s to %s: got %+v, %v", c.from, c.to, between, err)
				}
			}
		})
	}
}
