package gitrepo_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

// pushed is a server, a tip on it and a commit that is ready to be pushed.
func pushed(t *testing.T) (*gittest.Server, *gittest.Repo, *gitrepo.Remote, *gitrepo.Commit, *gitrepo.PendingCommit) {
	t.Helper()
	server := gittest.NewServer(t, gittest.Options{DirectReads: true})
	repo := server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	tip := tipOf(t, r, "main")
	return server, repo, r, tip, commitOn(t, tip, map[string][]byte{deployment: []byte("image: api:2\n")})
}

func pushError(t *testing.T, err error, want gitrepo.PushKind) *gitrepo.PushError {
	t.Helper()
	var push *gitrepo.PushError
	if !errors.As(err, &push) || push.Kind != want {
		t.Fatalf("got %v, want a push that is %s", err, want)
	}
	return push
}

func TestPush(t *testing.T) {
	t.Parallel()
	_, repo, r, tip, c := pushed(t)
	if err := r.Push(t.Context(), "main", tip.Hash, c); err != nil {
		t.Fatal(err)
	}
	if repo.Tip("main") != c.Hash.String() || repo.Read("main", deployment) != "image: api:2\n" {
		t.Error("it is not there")
	}
	if got, want := repo.Git("log", "-1", "--format=%an <%ae> %ct %cn%n%B", "main"), "Bot <bot@example.com> 1700000000 Bot\napi: dev 1 → 2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	repo.Fsck()
}

// TestPushLosesCleanly moves the branch before the push, and between its two
// requests.
func TestPushLosesCleanly(t *testing.T) {
	t.Parallel()
	t.Run("before", func(t *testing.T) {
		server, repo, r, tip, c := pushed(t)
		other := repo.Commit("main", gittest.Files{"other": "1\n"}, "other")
		err := r.Push(t.Context(), "main", tip.Hash, c)
		e := pushError(t, err, gitrepo.Moved)
		if !errors.Is(err, gitrepo.ErrMoved) || e.At.String() != other || repo.Tip("main") != other || server.Count(gittest.Push) != 0 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("between", func(t *testing.T) {
		server, repo, r, tip, c := pushed(t)
		var other string
		server.Fail(gittest.Push, gittest.Fault{Then: func() { other = repo.Commit("main", gittest.Files{"other": "1\n"}, "other") }})
		err := r.Push(t.Context(), "main", tip.Hash, c)
		pushError(t, err, gitrepo.Rejected)
		if _, again := gitrepo.Retry(err); !again || repo.Tip("main") != other {
			t.Errorf("got %v", err)
		}
		repo.Fsck()
	})
	t.Run("deleted", func(t *testing.T) {
		_, repo, r, tip, c := pushed(t)
		repo.MoveBranch("main", "")
		err := r.Push(t.Context(), "main", tip.Hash, c)
		if e := pushError(t, err, gitrepo.Moved); !e.At.IsZero() {
			t.Errorf("got %v", err)
		}
	})
}

// TestPushOfWhichNobodyKnows loses the server's answer, and pushes again.
func TestPushOfWhichNobodyKnows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault  gittest.Fault
		landed bool
	}{
		"the reply is lost":        {gittest.Fault{Deaf: true}, true},
		"the reply is cut":         {gittest.Fault{Truncate: 8}, true},
		"the reply is empty":       {gittest.Fault{Truncate: 1}, true},
		"the connection is cut":    {gittest.Fault{Cut: true}, false},
		"a gateway gives up":       {gittest.Fault{Status: 504}, false},
		"the server is overloaded": {gittest.Fault{Status: 503, RetryAfter: "2"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, repo, r, tip, commit := pushed(t)
			server.Fail(gittest.Push, c.fault)
			err := r.Push(t.Context(), "main", tip.Hash, commit)
			pushError(t, err, gitrepo.Unknown)
			after, again := gitrepo.Retry(err)
			if !again || (after != 0) != (c.fault.RetryAfter != "") {
				t.Errorf("retry %v after %v: %v", again, after, err)
			}
			if landed := repo.Tip("main") == commit.Hash.String(); landed != c.landed {
				t.Errorf("landed is %v", landed)
			}
			if err := r.Push(t.Context(), "main", tip.Hash, commit); err != nil {
				t.Errorf("again: %v", err)
			}
			if repo.Tip("main") != commit.Hash.String() || len(repo.Log("main")) != 2 {
				t.Error("it is not there once")
			}
			repo.Fsck()
		})
	}
}

// TestPushDeclined has the server refuse for good, in the words of servers.
func TestPushDeclined(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, want, hint string }{
		"hook":   {"echo 'no deploys on Fridays' >&2; exit 1", "no deploys on Fridays", "a hook on the server said no"},
		"GH006":  {"echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1", "GH006", "the branch is protected"},
		"GH013":  {"echo 'error: GH013: Repository rule violations found for refs/heads/main.' >&2; exit 1", "GH013", "a ruleset forbids the push"},
		"GitLab": {"echo 'GitLab: You are not allowed to push code to protected branches on this project.' >&2; exit 1", "GitLab", "the branch is protected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, repo, r, tip, commit := pushed(t)
			repo.Hook("pre-receive", c.script)
			err := r.Push(t.Context(), "main", tip.Hash, commit)
			e := pushError(t, err, gitrepo.Declined)
			if !strings.Contains(e.Remote, c.want) || !strings.Contains(err.Error(), "pre-receive hook declined") {
				t.Errorf("got %v", err)
			}
			if p := problem.All(err)[0]; !p.Refused || !strings.HasPrefix(p.Hint, c.hint) || problem.ExitStatus(err) != problem.ExitRefused {
				t.Errorf("got %+v", p)
			}
			if _, again := gitrepo.Retry(err); again {
				t.Error("is to be retried")
			}
		})
	}
	t.Run("no force", func(t *testing.T) {
		_, repo, r, tip, commit := pushed(t)
		repo.Config("receive.denyNonFastForwards", "true")
		now := repo.Commit("main", gittest.Files{"other": "1\n"}, "other")
		hash, _ := gitrepo.ParseHash(now)
		err := r.Push(t.Context(), "main", hash, commit)
		if e := pushError(t, err, gitrepo.Rejected); e.Reason != "non-fast-forward" || repo.Tip("main") != now {
			t.Errorf("got %v", err)
		}
		_ = tip
	})
}

// TestTipToPush has the branch move after the references to push to were listed, before and
// after the tip is read.
func TestTipToPush(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after bool // whether the branch moves
		kind          gitrepo.PushKind
		requests      int // for the push
	}{
		"quiet":         {false, false, 0, 2},
		"moved, read":   {true, false, 0, 3},
		"read, moved":   {false, true, gitrepo.Rejected, 2},
		"moved at both": {true, true, gitrepo.Moved, 2},
	} {
		server := gittest.NewServer(t, gittest.Options{DirectReads: true})
		repo := server.NewRepo("k8s", sample())
		r := open(t, server.URL("k8s"), gitrepo.Options{})
		answered := make(chan bool)
		server.Fail(gittest.PushRefs, gittest.Fault{Done: func() { close(answered) }})
		server.Fail(gittest.ReadRefs, gittest.Fault{Then: func() {
			<-answered
			if c.before {
				repo.Commit("main", gittest.Files{"other": "1\n"}, "other")
			}
		}})
		tip, err := r.TipToPush(t.Context(), "main")
		if err != nil {
			t.Fatal(err)
		}
		commit := commitOn(t, tip, map[string][]byte{deployment: []byte("x")})
		if c.after {
			repo.Commit("main", gittest.Files{"other": "2\n"}, "other")
		}
		err = r.Push(t.Context(), "main", tip.Hash, commit)
		if c.kind != 0 {
			pushError(t, err, c.kind)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := server.Count(gittest.PushRefs, gittest.Push); got != c.requests {
			t.Errorf("%s: %d requests, want %d", name, got, c.requests)
		}
		repo.Fsck()
	}
	if _, err := open(t, gittest.NewRepo(t, sample()).Dir, gitrepo.Options{}).TipToPush(t.Context(), "main"); err != nil {
		t.Error(err)
	}
}

// TestTipToPushAgain is a lost race: the references, what is new, and the push are a request each.
func TestTipToPushAgain(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Direct: true})
	repo := server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	bump := func(tag string) error {
		tip, err := r.TipToPush(t.Context(), "")
		if err != nil {
			return err
		}
		if err := tip.Fetch(t.Context(), "dev/manifests/api"); err != nil {
			return err
		}
		if tip.Branch != "main" || tip.Default != "main" {
			t.Errorf("got branch %q, %q", tip.Branch, tip.Default)
		}
		return r.Push(t.Context(), "main", tip.Hash, commitOn(t, tip, map[string][]byte{deployment: []byte(tag)}))
	}
	server.Fail(gittest.Push, gittest.Fault{Then: func() { repo.Commit("main", gittest.Files{"other": "1\n"}, "other") }})
	pushError(t, bump("a"), gitrepo.Rejected)
	server.Reset()
	if err := bump("b"); err != nil {
		t.Fatal(err)
	}
	if all := server.Count(); all != 3 || server.Count(gittest.PushRefs, gittest.Fetch, gittest.Push) != 3 {
		t.Errorf("%d requests: %v", all, server.Log())
	}
	t.Run("a branch that is not there", func(t *testing.T) {
		if _, err := r.TipToPush(t.Context(), "mian"); !errors.Is(err, gitrepo.ErrNoBranch) || problem.All(err)[0].Hint != `did you mean "main"?` {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a server that is overloaded", func(t *testing.T) {
		server.Fail(gittest.PushRefs, gittest.Fault{Status: 503})
		_, err := r.TipToPush(t.Context(), "main")
		if _, again := gitrepo.Retry(err); !again {
			t.Errorf("got %v", err)
		}
		if err := bump("c"); err != nil {
			t.Error(err)
		}
	})
	if got := repo.Read("main", deployment); got != "c" || len(repo.Log("main")) != 4 {
		t.Errorf("got %q", got)
	}
	repo.Fsck()
}

// TestTipWithoutLeaveToPush reads with a token that may not push: only a push is refused.
func TestTipWithoutLeaveToPush(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{Token: token, ReadOnly: true, DirectReads: true})
	server.NewRepo("k8s", sample())
	r := open(t, server.URL("k8s"), gitrepo.Options{Token: token})
	for range 3 {
		if _, err := r.TipToPush(t.Context(), "main"); err != nil {
			t.Fatal(err)
		}
	}
	tip, err := r.TipToPush(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Push(t.Context(), "main", tip.Hash, commitOn(t, tip, map[string][]byte{deployment: []byte("x")})); !errors.Is(err, gitrepo.ErrAccess) {
		t.Errorf("got %v", err)
	}
}

func TestBranchOfItsOwn(t *testing.T) {
	t.Parallel()
	_, repo, r, tip, c := pushed(t)
	const branch = "tagbump/prod/api"
	if err := r.Push(t.Context(), branch, gitrepo.Hash{}, c); err != nil {
		t.Fatal(err)
	}
	if repo.Tip(branch) != c.Hash.String() {
		t.Error("no branch was made")
	}
	next, err := tip.Prepare(t.Context(), map[string][]byte{deployment: []byte("image: api:3\n")}, meta)
	if err != nil {
		t.Fatal(err)
	}
	pushError(t, r.Push(t.Context(), branch, gitrepo.Hash{}, next), gitrepo.Moved) // it is there already
	pushError(t, r.Push(t.Context(), branch, tip.Hash, next), gitrepo.Moved)       // a stale lease
	if err := r.Push(t.Context(), branch, c.Hash, next); err != nil {              // a lease
		t.Error(err)
	}
	if got := repo.Log(branch); len(got) != 2 || got[0] != next.Hash.String() {
		t.Errorf("got %q", got)
	}
	pushError(t, r.Delete(t.Context(), branch, c.Hash), gitrepo.Moved)
	if err := r.Delete(t.Context(), branch, next.Hash); err != nil || repo.Tip(branch) != "" {
		t.Errorf("got %v", err)
	}
	if err := r.Delete(t.Context(), branch, next.Hash); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := r.Push(t.Context(), "no good..name", gitrepo.Hash{}, next); err == nil {
		t.Error("a bad name is taken")
	}
	repo.Fsck()
}

// TestBranchMovedByForceWhileRead has the server refuse a commit that no branch
// leads to any more.
func TestBranchMovedByForceWhileRead(t *testing.T) {
	t.Parallel()
	server := gittest.NewServer(t, gittest.Options{})
	repo := server.NewRepo("k8s", sample())
	repo.NoWants()
	first := repo.Tip("main")
	repo.Commit("main", gittest.Files{"x": "1\n"}, "to be taken back")
	server.Fail(gittest.Fetch, gittest.Fault{Then: func() { repo.MoveBranch("main", first) }})
	r := open(t, server.URL("k8s"), gitrepo.Options{})
	_, err := r.Tip(t.Context(), "main")
	if _, again := gitrepo.Retry(err); !errors.Is(err, gitrepo.ErrMoved) || !again {
		t.Fatalf("got %v", err)
	}
	tipOf(t, r, "main")
}

// TestRace has several writers push to one branch at once, each to a file of its
// own.
func TestRace(t *testing.T) {
	t.Parallel()
	const writers = 5
	server := gittest.NewServer(t, gittest.Options{DirectReads: true})
	files := sample()
	for i := range writers {
		files[fmt.Sprintf("dev/manifests/s%02d/file.yaml", i)] = "image: x:0\n"
	}
	repo := server.NewRepo("k8s", files)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			r := open(t, server.URL("k8s"), gitrepo.Options{})
			for {
				err := bump(t.Context(), r, "main", fmt.Sprintf("dev/manifests/s%02d/file.yaml", i), "image: x:1\n")
				if err == nil {
					return
				}
				if _, again := gitrepo.Retry(err); !again {
					t.Errorf("writer %d: %v", i, err)
					return
				}
				time.Sleep(rand.N(50 * time.Millisecond))
			}
		})
	}
	all.Wait()
	if got := len(repo.Log("main")); got != writers+1 {
		t.Errorf("%d commits, want %d", got, writers+1)
	}
	if merges := repo.Git("rev-list", "--merges", "main"); merges != "" {
		t.Errorf("history is not linear: %s", merges)
	}
	for i := range writers {
		if got := repo.Read("main", fmt.Sprintf("dev/manifests/s%02d/file.yaml", i)); got != "image: x:1\n" {
			t.Errorf("s%02d: got %q", i, got)
		}
	}
	repo.Fsck()
}
