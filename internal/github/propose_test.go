package github_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
)

func TestPropose(t *testing.T) {
	for name, o := range map[string]ghtest.Options{"": {}, "without mutations of refs": {OldRefs: true}, "enterprise": {Enterprise: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, o)
			ctx := t.Context()
			open := func() {
				must[*github.PullRequest](t)(w.CreatePullRequest(ctx, w.at, newPull()))
				err := w.AddLabels(ctx, w.at, 1, []string{"deploy"})
				_, err2 := w.AddAssignees(ctx, w.at, 1, []string{"carol"})
				_, err3 := w.RequestReviews(ctx, w.at, 1, []string{"carol"}, []string{"sre"})
				if err := errors.Join(err, err2, err3); err != nil {
					t.Fatal(err)
				}
			}
			pulls := must[[]github.PullRequest](t)(w.PullRequests(ctx, w.at, head))
			tip := w.tip("main", "users.yaml", api)
			one := must[string](t)(tip.Propose(ctx, head, "", change("image: api:2\n")))
			open()
			if got := w.server.Count(); got > 7 && !o.OldRefs || len(pulls) > 0 {
				t.Errorf("%d round trips", got)
			}
			_, err := tip.Propose(ctx, head, "", change("image: api:3\n"))
			want(t, err, github.ErrBranchExists, "")

			w.repo.Commit("main", gittest.Files{"other": "x"}, "meanwhile")
			tip = w.tip("main", api)
			w.server.Reset()
			two := must[string](t)(tip.Propose(ctx, head, one, change("image: api:3\n")))
			if w.repo.Tip(head) != two || w.repo.Git("rev-parse", head+"~") != tip.OID {
				t.Errorf("the branch is at %s", w.repo.Tip(head))
			}
			if got := w.server.Count(); got > 2 && !o.OldRefs {
				t.Errorf("%d round trips", got)
			}
			if got := w.repo.PullRequests()[0]; !got.Open || got.Head != two {
				t.Errorf("got %+v", got)
			}
			// A person was faster: what they did stays.
			theirs := w.repo.CommitAs("bob@example.com", head, gittest.Files{file: "mine"}, "fix")
			_, err = tip.Propose(ctx, head, two, change("image: api:4\n"))
			want(t, err, github.ErrHeadMoved, "")
			want(t, w.DeleteBranch(ctx, w.at, head, two), github.ErrHeadMoved, "")
			if w.repo.Tip(head) != theirs {
				t.Error("a person's commit was lost")
			}
			if got := w.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads"); got != "refs/heads/main\nrefs/heads/"+head {
				t.Errorf("left behind: %s", got)
			}
			for range 2 { // gone is gone
				if err := w.DeleteBranch(ctx, w.at, head, theirs); err != nil {
					t.Error(err)
				}
			}
			if got := w.repo.PullRequests()[0]; got.Open {
				t.Errorf("got %+v", got)
			}
			w.repo.Fsck()
		})
	}
}

// TestProposalsAtOnce has several runs make, and then replace, one branch.
func TestProposalsAtOnce(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	old := ""
	for _, lost := range []error{github.ErrBranchExists, github.ErrHeadMoved} {
		type result struct {
			oid string
			err error
		}
		results := make(chan result)
		const runs = 4
		for i := range runs {
			tip := w.tip("main", api)
			go func() {
				oid, err := tip.Propose(w.t.Context(), head, old, change(fmt.Sprintf("image: api:%d # %s\n", i, old)))
				results <- result{oid, err}
			}()
		}
		won := ""
		for range runs {
			r := <-results
			switch {
			case r.err == nil && won == "":
				won = r.oid
			case !errors.Is(r.err, lost):
				t.Errorf("got %q, %v; %q has won", r.oid, r.err, won)
			}
		}
		if won == "" || w.repo.Tip(head) != won || w.repo.Git("for-each-ref", "--format=%(refname)", "refs/heads") != "refs/heads/main\nrefs/heads/"+head {
			t.Errorf("%q has won; there is %s", won, w.repo.Git("for-each-ref"))
		}
		old = won
	}
}

// TestProposeBesideAnother has another run make the branch, or delete it, between two requests.
func TestProposeBesideAnother(t *testing.T) {
	const staging, readRef = "tagbump-next/" + head, "GET /repos/{owner}/{repo}/git/ref/{ref}"
	setBranch := func(w *world, name, oid string) ghtest.Fault {
		return ghtest.Fault{Then: func() { w.repo.SetBranch(name, w.repo.Tip(name), oid) }}
	}
	// The branch is made and has no commit yet. GitHub refuses to make it, and makes the commit.
	for name, made := range map[string]string{"made, new": head, "made, replaced": staging} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ghtest.Options{})
			old := ""
			if made == staging {
				old = w.branch(head, "image: api:2\n")
			}
			make := setBranch(w, made, w.repo.Tip("main"))
			w.server.Fail("graphql createRef", make, make)
			oid := must[string](t)(w.tip("main", api).Propose(t.Context(), head, old, change("image: api:3\n")))
			if w.repo.Tip(head) != oid || w.repo.Tip(staging) != "" || w.server.Count("graphql createRef") != 1 {
				t.Errorf("there is %s", w.repo.Git("for-each-ref"))
			}
		})
	}
	t.Run("made, by a request that a limit then stopped", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		limit := ghtest.GraphQLLimit(time.Now())
		limit.Then = setBranch(w, head, w.repo.Tip("main")).Then
		w.server.Fail("graphql createRef", limit)
		oid := must[string](t)(w.tip("main", api).Propose(t.Context(), head, "", change("image: api:2\n")))
		if w.repo.Tip(head) != oid {
			t.Errorf("there is %s", w.repo.Git("for-each-ref"))
		}
	})
	t.Run("deleted before its commit", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		old := w.branch(head, "image: api:2\n")
		w.branch(staging, "image: api:3\n")
		w.server.Fail(readRef, setBranch(w, staging, ""))
		w.server.Fail("graphql createCommitOnBranch", setBranch(w, staging, ""))
		_, err := w.tip("main", api).Propose(t.Context(), head, old, change("image: api:4\n"))
		want(t, err, github.ErrHeadMoved, "start over")
		if w.repo.Tip(head) != old || w.repo.Tip(staging) != "" {
			t.Errorf("there is %s", w.repo.Git("for-each-ref"))
		}
	})
	t.Run("taken for the same commit", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		theirs := ""
		w.server.Fail("graphql createRef", ghtest.Fault{Status: 200, Body: `{"errors":[{"message":"another run has just made it, and now it is gone"}]}`})
		w.server.Fail("graphql createCommitOnBranch", ghtest.Fault{Then: func() {
			theirs = w.repo.Commit(head, gittest.Files{file: "image: api:2\n"}, change("").Message)
		}})
		_, err := w.tip("main", api).Propose(t.Context(), head, "", change("image: api:2\n"))
		want(t, err, github.ErrHeadMoved, "start over")
		if theirs == "" || w.repo.Tip(head) != theirs {
			t.Errorf("another run's proposal was lost: there is %s", w.repo.Git("for-each-ref"))
		}
	})
	t.Run("gone for a moment", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		oid := w.branch(head, "image: api:2\n")
		w.server.Fail("graphql updateRefs", setBranch(w, head, ""))
		w.server.Fail(readRef, setBranch(w, head, oid))
		if err := w.DeleteBranch(t.Context(), w.at, head, oid); err != nil || w.repo.Tip(head) != "" {
			t.Errorf("got %v; there is %s", err, w.repo.Git("for-each-ref"))
		}
	})
}

// TestProposeThatFails leaves nothing behind, even where time is up.
func TestProposeThatFails(t *testing.T) {
	for name, was := range map[string]bool{"new": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ghtest.Options{})
			old := ""
			if was {
				old = w.branch(head, "image: api:2\n")
			}
			tip := w.tip("main", api)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w.server.Fail("graphql createRef", ghtest.Fault{Done: cancel, Deaf: true})
			if _, err := tip.Propose(ctx, head, old, change("image: api:3\n")); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if got := w.server.Count("graphql createRef"); got != 1 {
				t.Errorf("it was sent %d times", got)
			}
			if w.repo.Tip(head) != old || strings.Contains(w.repo.Git("for-each-ref"), "tagbump-next") {
				t.Errorf("left behind: %s", w.repo.Git("for-each-ref"))
			}
		})
	}
}
