package deploy_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// TestDeployAgain meets each fault that another attempt mends, in each kind of
// request: the change lands once, on top of what others did.
func TestDeployAgain(t *testing.T) {
	t.Parallel()
	everywhere := []gittest.Kind{gittest.ReadRefs, gittest.Fetch, gittest.Push, again}
	for name, c := range map[string]struct {
		fault gittest.Fault
		kinds []gittest.Kind
	}{
		"internal server error": {gittest.Fault{Status: 500}, everywhere},
		"bad gateway":           {gittest.Fault{Status: 502}, everywhere},
		"gateway timeout":       {gittest.Fault{Status: 504}, everywhere},
		"too many requests":     {gittest.Fault{Status: 429}, everywhere},
		"silence":               {gittest.Fault{Hang: true}, everywhere},
		"silence in the middle": {gittest.Fault{HangAfter: 20}, everywhere},
		"a reply cut short":     {gittest.Fault{Truncate: 30}, everywhere},
		"a connection cut":      {gittest.Fault{Cut: true}, everywhere},
		"a reply lost":          {gittest.Fault{Deaf: true}, everywhere},
	} {
		for _, kind := range c.kinds {
			t.Run(name+" at "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := newSite(t, siteOf("api", "web"))
				fault := c.fault
				if fault.Hang || fault.HangAfter > 0 {
					var clock gittest.Clock
					s.Store = s.open(gitrepo.Options{IdleTimeout: time.Minute, AfterFunc: clock.AfterFunc})
					fault.Hung = func() { clock.Pass(time.Minute) }
				}
				// Go's client repeats a request by itself where a connection ends that it has used before.
				s.Config.SetKeepAlivesEnabled(!fault.Cut && !fault.Deaf)
				commits := 1
				if kind == again {
					s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("web", "x") }})
					s.Fail(kind, gittest.Fault{})
					commits = 2
				}
				s.Fail(kind, fault)
				if fault.Cut || fault.Deaf {
					s.Fail(kind, fault) // net/http itself asks again over a connection that it had kept
				}
				outcome := s.run(deploy.Changed)
				s.runs("api", "new", commits)
				if outcome.Attempts < 2 || outcome.Commit != s.repo.Tip("main") || len(s.progress) != outcome.Attempts-1 || len(outcome.Files) != 1 {
					t.Errorf("got %+v, %q", outcome, s.progress)
				}
			})
		}
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "web"))
		s.Fail(gittest.ReadRefs, gittest.Fault{Status: 503})
		s.Fail(again, gittest.Fault{}, gittest.Fault{}, gittest.Fault{Cut: true})
		s.Fail(gittest.Fetch, gittest.Fault{Truncate: 40}, gittest.Fault{}, gittest.Fault{}, gittest.Fault{Status: 500})
		s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("web", "x") }}, gittest.Fault{Status: 502}, gittest.Fault{Deaf: true})
		s.run(deploy.Changed)
		s.runs("api", "new", 2)
	})
	t.Run("what is asked early does not matter", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Fail(gittest.PushRefs, gittest.Fault{Status: 500})
		if outcome := s.run(deploy.Changed); outcome.Attempts != 1 {
			t.Errorf("got %+v", outcome)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for first, later := range map[gittest.Kind]gittest.Kind{gittest.ReadRefs: gittest.PushRefs, gittest.Push: gittest.Push} {
		s := newSite(t, siteOf("api"))
		s.Fail(first, gittest.Fault{Status: 429, RetryAfter: "1"})
		if outcome := s.run(deploy.Changed); outcome.Waited < time.Second {
			t.Errorf("waited %v, and not as long as the server asked", outcome.Waited)
		}
		s.runs("api", "new", 1)
		s.Tag = "later"
		s.Fail(later, gittest.Fault{Status: 503, RetryAfter: "3600"})
		start := time.Now()
		s.refused(problem.ExitTrouble, "the server asks to wait for 1h0m0s, which is longer than --timeout allows", "503 service unavailable", "run it again")
		if time.Since(start) > 5*time.Second {
			t.Error("it waited for what cannot come")
		}
	}
}

// TestUnreachableServer is reported after three tries and within ten seconds.
func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for url, hint := range map[string]string{
		gone.URL: "nothing listens there", strings.Replace(plain.URL, "http:", "https:", 1): "does not speak TLS",
	} {
		remote, err := gitrepo.Open(url+"/k8s", gitrepo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		total := time.Duration(0)
		d := deploy.Deployment{Options: deploy.Options{Store: &gitrepo.Store{Remote: remote, Author: bot}, Sleep: func(_ context.Context, d time.Duration) error { total += d; return nil }}}
		d.Env, d.Services, d.Tag = "dev", []string{"api"}, "new"
		outcome, err := d.Run(t.Context())
		if outcome.Attempts != 3 || total > 10*time.Second || total == 0 || problem.ExitStatus(err) != problem.ExitTrouble || !strings.Contains(problem.All(err)[0].Hint, hint) {
			t.Errorf("%s: %d attempts in %v, %v (%s)", url, outcome.Attempts, total, err, problem.All(err)[0].Hint)
		}
	}
}

// TestBranchMoves has somebody else push in between.
func TestBranchMoves(t *testing.T) {
	t.Parallel()
	t.Run("other services", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "web"))
		// Before the tip is read, before the push is prepared, before the push.
		s.Fail(gittest.Fetch, gittest.Fault{Then: func() { s.move("web", "1") }})
		s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("web", "2") }}, gittest.Fault{Then: func() { s.move("web", "3") }})
		outcome := s.run(deploy.Changed)
		s.runs("api", "new", 4)
		s.runs("web", "3", 4)
		if outcome.Attempts < 3 || outcome.Attempts > 4 || !strings.HasPrefix(s.progress[0], "somebody else pushed first; attempt 2 follows in ") {
			t.Errorf("got %+v, %q", outcome, s.progress)
		}
	})
	t.Run("to the same tag", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Fail(gittest.Push, gittest.Fault{Then: func() { s.move("api", "new") }})
		s.run(deploy.Unchanged)
		s.runs("api", "new", 1)
	})
	t.Run("and the policy with it", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Fail(gittest.Push, gittest.Fault{Then: func() {
			s.repo.Commit("main", gittest.Files{"environments/dev.yaml": "deploy: {strategy: pull-request}\n"}, "careful")
		}})
		if _, err := s.Run(t.Context()); problem.ExitStatus(err) != problem.ExitRefused {
			t.Errorf("got %v", err)
		}
		s.runs("api", "old", 1)
	})
	t.Run("back by force", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "web"))
		first := s.repo.Tip("main")
		s.move("web", "1")
		s.Fail(gittest.Push, gittest.Fault{Then: func() { s.repo.Git("update-ref", "refs/heads/main", first) }})
		s.run(deploy.Changed)
		s.runs("api", "new", 1)
		s.runs("web", "old", 1)
	})
	t.Run("and is gone", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Fail(gittest.Push, gittest.Fault{Then: func() { s.repo.Git("update-ref", "-d", "refs/heads/main") }})
		_, err := s.Run(t.Context())
		if problem.ExitStatus(err) != problem.ExitRefused || s.repo.Tip("main") != "" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("always", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api", "web"))
		n := 0
		for range 100 {
			s.Fail(gittest.Push, gittest.Fault{Then: func() { n++; s.move("web", string(rune('a'+n))) }})
		}
		outcome, err := s.Run(t.Context())
		if p := problem.All(err)[0]; outcome.Attempts != 15 || !strings.HasPrefix(p.Message, "gave up after 15 attempts: ") || !strings.Contains(p.Hint, "run it again") || !p.Refused {
			t.Errorf("got %+v, %q, %q", outcome, p.Message, p.Hint)
		}
	})
}

// again is how an attempt after the first asks where the branch is. The first attempt asks so too,
// beside what it reads.
const again = gittest.PushRefs

// TestNoAnswer loses the answer to a push: whatever is on the branch afterwards,
// the work is done once, and what came after it stays.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	// after is what others do once the push is through.
	for name, c := range map[string]struct {
		after   func(s *site)
		runs    string
		commits int
	}{
		"and nothing follows":        {func(*site) {}, "new", 1},
		"and another service":        {func(s *site) { s.move("web", "x") }, "new", 2},
		"and many others":            {func(s *site) { s.move("web", "x"); s.move("web", "y"); s.move("web", "z") }, "new", 4},
		"and a newer tag":            {func(s *site) { s.move("api", "newer") }, "newer", 2},
		"and back to the old tag":    {func(s *site) { s.move("api", "old") }, "old", 2},
		"and back, and then another": {func(s *site) { s.move("api", "old"); s.move("web", "x") }, "old", 3},
	} {
		for server, limit := range map[string]func(*gittest.Repo){"": func(*gittest.Repo) {}, ", no filter": (*gittest.Repo).NoFilter} {
			t.Run(name+server, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, siteOf("api", "web"))
				limit(s.repo)
				s.Fail(gittest.Push, gittest.Fault{Deaf: true})
				s.Fail(again, gittest.Fault{}, gittest.Fault{Then: func() { c.after(s) }})
				outcome := s.run(deploy.Changed)
				s.runs("api", c.runs, c.commits)
				if log := s.repo.Log("main"); outcome.Commit != log[len(log)-2] || len(outcome.Files) != 1 || outcome.OldTags()[0] != "old" {
					t.Errorf("got %+v", outcome)
				}
			})
		}
	}
	t.Run("as it did not land, and somebody deploys the same", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Fail(gittest.Push, gittest.Fault{Cut: true})
		s.Fail(again, gittest.Fault{}, gittest.Fault{Then: func() { s.move("api", "new") }})
		s.run(deploy.Unchanged)
		s.runs("api", "new", 1)
	})
	t.Run("and then the server is gone", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Fail(gittest.Push, gittest.Fault{Deaf: true})
		s.Fail(again, gittest.Fault{}, gittest.Fault{Status: 503, RetryAfter: "900"})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := s.Run(ctx)
		if p := problem.All(err)[0]; !strings.Contains(p.Hint, "a commit was pushed and no answer came: it is on the branch whole, or not at all; run it again to be sure") {
			t.Errorf("got %q", p.Hint)
		}
		s.run(deploy.Unchanged)
		s.runs("api", "new", 1)
	})
}

// TestNoSecondAttempt is where another attempt cannot help.
func TestNoSecondAttempt(t *testing.T) {
	t.Parallel()
	for words, hint := range map[string]string{
		"no deploys on Fridays":                               "a hook on the server said no",
		"error: GH006: Protected branch update failed":        "the branch is protected",
		"error: GH013: Repository rule violations found for ": "a ruleset forbids the push",
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteOf("api"))
			s.repo.Hook("pre-receive", "echo '"+words+"' >&2; exit 1")
			s.refused(problem.ExitRefused, strings.TrimSpace(words), hint)
		})
	}
	t.Run("no branch", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.Branch = "man"
		s.refused(problem.ExitRefused, `there is no branch "man" | did you mean "main"?`)
	})
	t.Run("an empty repository", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, nil)
		s.refused(problem.ExitRefused, "the repository is empty")
	})
	t.Run("no such host", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		var err error
		if s.git.Remote, err = gitrepo.Open("https://no-such-host.invalid/k8s.git", gitrepo.Options{}); err != nil {
			t.Fatal(err)
		}
		s.refused(problem.ExitTrouble, "no-such-host.invalid")
	})
	t.Run("no repository", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		var err error
		if s.git.Remote, err = gitrepo.Open(s.URL("other"), gitrepo.Options{}); err != nil {
			t.Fatal(err)
		}
		s.refused(problem.ExitTrouble, "404 not found", "give a token in TAGBUMP_TOKEN")
	})
}

// TestRejectedWithoutARule is a refusal in words that nobody knows: it is asked
// again, since a race may be behind it, but not for ever.
func TestRejectedWithoutARule(t *testing.T) {
	t.Parallel()
	t.Run("a lock that goes away", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		lock := s.repo.Folder() + "/refs/heads/main.lock"
		s.repo.Config("core.filesRefLockTimeout", "0")
		s.Fail(gittest.Push, gittest.Fault{Then: func() { write(t, lock, "") }}, gittest.Fault{Then: func() { remove(t, lock) }})
		if outcome := s.run(deploy.Changed); outcome.Attempts != 2 {
			t.Errorf("got %+v", outcome)
		}
	})
	t.Run("a lock that stays", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteOf("api"))
		s.repo.Config("core.filesRefLockTimeout", "0")
		write(t, s.repo.Folder()+"/refs/heads/main.lock", "")
		outcome, err := s.Run(t.Context())
		if problem.ExitStatus(err) != problem.ExitRefused || outcome.Attempts != 4 || !strings.Contains(err.Error(), "was refused") {
			t.Errorf("got %+v, %v", outcome, err)
		}
	})
}

// TestProposalIsRejected: the branch of a pull request is not pushed to for ever either.
func TestProposalIsRejected(t *testing.T) {
	t.Parallel()
	h := newGitHubSite(t, false)
	if err := os.MkdirAll(h.repo.Folder()+"/refs/heads/tagbump/prod", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, h.repo.Folder()+"/refs/heads/tagbump/prod/api.lock", "")
	outcome, err := h.Run(t.Context())
	if problem.ExitStatus(err) != problem.ExitRefused || outcome.Attempts != 4 || !strings.Contains(err.Error(), "was refused") {
		t.Errorf("got %+v, %v", outcome, err)
	}
}
