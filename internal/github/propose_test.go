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
			w.server.Fail("graphql createRef", ghtest.Fault{Then: cancel, Deaf: true})
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
