package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func TestCreatePullRequest(t *testing.T) {
	t.Run("made", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		tip := w.branch(head, "image: api:2\n")
		n := newPull()
		n.Draft = true
		got := must[*github.PullRequest](t)(w.CreatePullRequest(t.Context(), w.at, n))
		if got.Number != 1 || got.URL != w.repo.URL()+"/pull/1" || !got.Open || got.Merged || !got.Draft || got.Head != tip || got.Branch != head || got.Base != "main" ||
			got.Title != n.Title || got.Body != n.Body || got.NodeID == "" || !got.Author.Bot || got.Author.Login != "tagbump[bot]" || got.Created.IsZero() {
			t.Errorf("got %+v", got)
		}
	})
	for name, c := range map[string]struct {
		prepare func(w *world, n *github.NewPullRequest)
		kind    error
		hint    string
	}{
		"exists":        {func(w *world, _ *github.NewPullRequest) { w.open() }, github.ErrPullRequestExists, ""},
		"no difference": {func(w *world, n *github.NewPullRequest) { w.repo.MoveBranch(head, w.repo.Tip("main")) }, github.ErrNoDifference, ""},
		"unknown head":  {func(w *world, n *github.NewPullRequest) {}, github.ErrUnknownHead, "pushed?"},
		"unknown base":  {func(w *world, n *github.NewPullRequest) { w.branch(head, "x"); n.Base = "none" }, github.ErrInvalid, ""},
		"long body": {func(w *world, n *github.NewPullRequest) {
			w.branch(head, "x")
			n.Body = strings.Repeat("x", 65537)
		}, github.ErrInvalid, ""},
		"no drafts": {func(w *world, n *github.NewPullRequest) {
			w.branch(head, "x")
			w.repo.NoDrafts, n.Draft = true, true
		}, github.ErrInvalid, "take draft out"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ghtest.Options{})
			n := newPull()
			c.prepare(w, &n)
			_, err := w.CreatePullRequest(t.Context(), w.at, n)
			want(t, err, c.kind, c.hint)
		})
	}
	t.Run("after replication", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.repo.Lag = 3
		w.open()
		if len(w.waits) != 3 || len(w.repo.PullRequests()) != 1 {
			t.Errorf("waits %v, %d pull requests", w.waits, len(w.repo.PullRequests()))
		}
	})
}

// TestLostAnswers has each thing be done, or not, without an answer: once in all.
func TestLostAnswers(t *testing.T) {
	faults := map[string]ghtest.Fault{
		"cut before": {Cut: true}, "deaf": {Deaf: true}, "truncated": {Truncate: 10}, "502": {Status: 502}, "503 with a wait": {Status: 503, Header: map[string][]string{"Retry-After": {"7"}}},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ghtest.Options{})
			ctx := t.Context()
			w.server.Fail(createPull, fault)
			if got := w.open(); got.Number != 1 || len(w.repo.PullRequests()) != 1 {
				t.Errorf("got %+v of %+v", got, w.repo.PullRequests())
			}

			w.server.Fail("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", fault)
			if err := w.Comment(ctx, w.at, 1, "hello"); err != nil {
				t.Fatal(err)
			}
			if got := must[[]github.Comment](t)(w.Comments(ctx, w.at, 1)); len(got) != 1 || got[0].Body != "hello" || got[0].Author.Login != "tagbump[bot]" {
				t.Errorf("got %+v", got)
			}

			w.server.Fail("POST /repos/{owner}/{repo}/git/refs", fault)
			if err := w.UpdateBranches(ctx, w.at, github.BranchUpdate{Branch: "new", To: w.repo.Tip("main")}); err != nil {
				t.Fatal(err)
			}

			w.server.Fail("graphql createCommitOnBranch", fault)
			oid := must[string](t)(w.tip("main", api).Commit(ctx, change("image: api:2\n")))
			if log := w.repo.Log("main"); len(log) != 2 || log[0] != oid {
				t.Errorf("%s of %v", oid, log)
			}

			w.server.Fail("graphql createRef", fault)
			made := must[string](t)(w.tip("main", api).Propose(ctx, "made", "", change("image: api:3\n")))
			if log := w.repo.Log("made"); len(log) != 3 || log[0] != made {
				t.Errorf("%s of %v", made, log)
			}
			w.server.Fail("graphql createRef", fault)
			w.server.Fail("graphql updateRefs", fault)
			again := must[string](t)(w.tip("main", api).Propose(ctx, "made", made, change("image: api:4\n")))
			if log := w.repo.Log("made"); len(log) != 3 || log[0] != again || strings.Contains(w.repo.Git("for-each-ref"), "tagbump-next") {
				t.Errorf("%s of %v", again, log)
			}

			if name == "503 with a wait" && (len(w.waits) < 4 || slices.Max(w.waits) != 7*time.Second) {
				t.Errorf("waits %v", w.waits)
			}

			w.server.Fail("graphql updateRefs", fault)
			if err := w.UpdateBranches(ctx, w.at, github.BranchUpdate{Branch: "new", From: w.repo.Tip("new"), To: oid}); err != nil {
				t.Fatal(err)
			}
			if w.repo.Tip("new") != oid {
				t.Error("it was not moved")
			}
		})
	}
	// A second answer that says "exists" is about the first request, unless there
	// was an answer to that.
	t.Run("exists by itself", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail(createPull, ghtest.Fault{Deaf: true})
		w.server.Fail("GET /repos/{owner}/{repo}/pulls", ghtest.Fault{Status: 200, Body: "[]"}) // a replica that lags
		if got := w.open(); got.Number != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPullRequests(t *testing.T) {
	w := newWorld(t, ghtest.Options{PageSize: 2})
	ctx := t.Context()
	for i := range 5 {
		p := w.open()
		w.repo.Close(p.Number, "carol")
		if i == 2 {
			w.branch("tagbump/prod/web", "x")
			n := newPull()
			n.Branch = "tagbump/prod/web"
			must[*github.PullRequest](t)(w.CreatePullRequest(ctx, w.at, n))
			w.branch("feature", "y")
			n.Branch = "feature"
			must[*github.PullRequest](t)(w.CreatePullRequest(ctx, w.at, n))
		}
	}
	var numbers []int
	for _, p := range must[[]github.PullRequest](t)(w.PullRequests(ctx, w.at, head)) {
		numbers = append(numbers, p.Number)
		if p.Open || p.Merged || p.Closed.IsZero() {
			t.Errorf("got %+v", p)
		}
	}
	if fmt.Sprint(numbers) != "[7 6 3 2 1]" {
		t.Errorf("got %v", numbers)
	}
	open := must[[]github.PullRequest](t)(w.OpenPullRequests(ctx, w.at, "tagbump/"))
	if len(open) != 1 || open[0].Branch != "tagbump/prod/web" {
		t.Errorf("got %+v", open)
	}
	if by := must[github.Person](t)(w.ClosedBy(ctx, w.at, 1)); by.Login != "carol" || by.Bot {
		t.Errorf("closed by %+v", by)
	}
	if by := must[github.Person](t)(w.ClosedBy(ctx, w.at, open[0].Number)); by.Login != "" {
		t.Errorf("closed by %+v", by)
	}
}

func TestEditPullRequest(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	w.open()
	title, closed, open := "Deploy api 3 to prod", false, true
	got := must[*github.PullRequest](t)(w.EditPullRequest(ctx, w.at, 1, github.PullRequestEdit{Title: &title}))
	if got.Title != title || got.Body != "why" || !got.Open {
		t.Errorf("got %+v", got)
	}
	w.server.Fail("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", ghtest.Fault{Deaf: true}, ghtest.Fault{Status: 500})
	if got = must[*github.PullRequest](t)(w.EditPullRequest(ctx, w.at, 1, github.PullRequestEdit{Open: &closed})); got.Open {
		t.Errorf("got %+v", got)
	}
	if by := must[github.Person](t)(w.ClosedBy(ctx, w.at, 1)); by.Login != "tagbump[bot]" || !by.Bot {
		t.Errorf("closed by %+v", by)
	}
	if got = must[*github.PullRequest](t)(w.EditPullRequest(ctx, w.at, 1, github.PullRequestEdit{Open: &open})); !got.Open {
		t.Errorf("got %+v", got)
	}
	must[*github.PullRequest](t)(w.EditPullRequest(ctx, w.at, 1, github.PullRequestEdit{Open: &closed}))
	w.repo.MoveBranch(head, "")
	_, err := w.EditPullRequest(ctx, w.at, 1, github.PullRequestEdit{Open: &open})
	want(t, err, github.ErrInvalid, "")
	if !strings.Contains(err.Error(), "has been deleted") {
		t.Errorf("got %v", err)
	}
	_, err = w.EditPullRequest(ctx, w.at, 9, github.PullRequestEdit{Open: &open})
	want(t, err, github.ErrNotFound, "")
}

func TestPeople(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	w.open()
	if err := w.AddLabels(ctx, w.at, 1, []string{"deploy", "prod"}); err != nil {
		t.Fatal(err)
	}
	if err := w.AddLabels(ctx, w.at, 1, []string{"prod", "api"}); err != nil {
		t.Fatal(err)
	}
	warnings, err := w.AddAssignees(ctx, w.at, 1, []string{"nobody", "Carol", "dave"})
	if err != nil || len(warnings) != 2 { // GitHub's logins have no case; this server's have
		t.Errorf("assignees: %v, %v", warnings, err)
	}
	w.server.Reset()
	warnings, err = w.RequestReviews(ctx, w.at, 1, []string{"carol"}, []string{"example/sre"})
	if err != nil || len(warnings) != 0 || w.server.Count() != 1 {
		t.Errorf("reviews: %v, %v, %d requests", warnings, err, w.server.Count())
	}
	got := w.repo.PullRequests()[0]
	if !slices.Equal(got.Labels, []string{"deploy", "prod", "api"}) || !slices.Equal(got.Assignees, []string{"dave"}) ||
		!slices.Equal(got.Reviewers, []string{"carol"}) || !slices.Equal(got.TeamReview, []string{"sre"}) {
		t.Errorf("got %+v", got)
	}
	read := must[[]github.PullRequest](t)(w.PullRequests(ctx, w.at, head))[0]
	if !slices.Equal(read.Extras.Labels, got.Labels) || !slices.Equal(read.Extras.Assignees, got.Assignees) || !slices.Equal(read.Extras.Reviewers, got.Reviewers) || !slices.Equal(read.Extras.Teams, got.TeamReview) {
		t.Errorf("read back as %+v", read)
	}
	w.server.Reset()
	for range 2 {
		if _, err := w.RequestReviews(ctx, w.at, 1, nil, nil); err != nil || w.AddLabels(ctx, w.at, 1, nil) != nil || w.server.Count() != 0 {
			t.Error("nobody is asked for, and there is a request")
		}
	}
}

func TestBadReviewersDoNotKeepOthersOut(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.open()
	warnings, err := w.RequestReviews(t.Context(), w.at, 1, []string{"nobody", "carol", "tagbump[bot]"}, []string{"none", "sre"})
	if err != nil || len(warnings) != 3 {
		t.Fatalf("got %v, %v", warnings, err)
	}
	for i, words := range []string{"nobody cannot be asked", "tagbump[bot] cannot be asked to review pull request #1: Review cannot be requested from pull request author", "the team none cannot be asked"} {
		if !strings.Contains(warnings[i].Error(), words) || warnings[i].Hint == "" {
			t.Errorf("warning %q", warnings[i])
		}
	}
	if got := w.repo.PullRequests()[0]; !slices.Equal(got.Reviewers, []string{"carol"}) || !slices.Equal(got.TeamReview, []string{"sre"}) {
		t.Errorf("got %+v", got)
	}
	// A server that breaks is no bad reviewer.
	w.server.Fail("POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", slices.Repeat([]ghtest.Fault{{Status: 500}}, 6)...)
	_, err = w.RequestReviews(t.Context(), w.at, 1, []string{"carol"}, nil)
	want(t, err, github.ErrUnavailable, "")
}

func TestEnableAutoMerge(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	p := w.open()
	enable := func(head string) error { return w.EnableAutoMerge(ctx, w.at, p, head, github.Squash) }
	want(t, enable(p.Head), github.ErrAutoMerge, "Settings, General")
	w.repo.AllowAutoMerge = true
	want(t, enable(p.Head), github.ErrAutoMerge, "require a check")
	w.repo.RequiredChecks = true
	want(t, enable(w.repo.Tip("main")), github.ErrHeadMoved, "")
	if err := enable(p.Head); err != nil {
		t.Fatal(err)
	}
	if got := w.repo.PullRequests()[0].AutoMerge; got != "SQUASH" {
		t.Errorf("got %q", got)
	}
	if got := must[[]github.PullRequest](t)(w.PullRequests(ctx, w.at, head)); !got[0].AutoMerge {
		t.Errorf("got %+v", got[0])
	}
}

// TestPushedBranches pushes over smart HTTP what the API then sees.
func TestPushedBranches(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	smart := gittest.NewServer(t, gittest.Options{TCP: true})
	w.repo = w.server.AddRepo("example/k8s", smart.NewRepo("k8s", gittest.Files{file: "image: api:1\n"}))
	clone := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		return w.repo.Git(append([]string{"-C", clone}, args...)...)
	}
	w.repo.Git("clone", "--quiet", smart.URL("k8s"), clone)
	push := func(branch, message string) {
		t.Helper()
		commit := git("commit-tree", "-p", "main", "-m", message, "main^{tree}")
		git("push", "--quiet", "--force", "origin", commit+":refs/heads/"+branch)
	}
	push(head, "one")
	p := must[*github.PullRequest](t)(w.CreatePullRequest(ctx, w.at, newPull()))
	if p.Head != w.repo.Tip(head) {
		t.Errorf("the head is %s", p.Head)
	}
	state := func() github.PullRequest { return must[[]github.PullRequest](t)(w.PullRequests(ctx, w.at, head))[0] }
	push(head, "two")
	if got := state(); !got.Open || got.Head != w.repo.Tip(head) {
		t.Errorf("after a force-push: %+v", got)
	}
	// Through the base and on, with no request between the two.
	git("push", "--quiet", "--force", "origin", "main:"+head)
	push(head, "three")
	if got := state(); got.Open || got.Merged {
		t.Errorf("after a push of the base: %+v", got)
	}
	n := newPull()
	must[*github.PullRequest](t)(w.CreatePullRequest(ctx, w.at, n))
	git("push", "--quiet", "origin", ":"+head)
	if got := state(); got.Open || got.Merged {
		t.Errorf("after the branch is deleted: %+v", got)
	}
	push(head, "four")
	must[*github.PullRequest](t)(w.CreatePullRequest(ctx, w.at, n))
	w.repo.Merge(3, "carol")
	if got := state(); got.Open || !got.Merged {
		t.Errorf("after a merge: %+v", got)
	}
	got := must[*github.Comparison](t)(w.Compare(ctx, w.at, "main~1", "main", -1))
	if got.Commits[len(got.Commits)-1].PullRequest != 3 {
		t.Errorf("got %+v", got.Commits)
	}
	if err := w.DeleteBranch(ctx, w.at, head, w.repo.Tip(head)); err != nil {
		t.Error(err)
	}
	if _, err := w.Branch(ctx, w.at, head); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	w.repo.Fsck()
}

// TestViewer names the server where a request is about no repository.
func TestViewer(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	if got := must[string](t)(w.Viewer(t.Context())); got != "tagbump[bot]" {
		t.Errorf("got %q", got)
	}
	w.server.Fail("graphql viewer", ghtest.Fault{Status: 200, Body: `{"errors":[{"type":"FORBIDDEN","message":"Resource not accessible by integration"}]}`})
	_, err := w.Viewer(t.Context())
	server := strings.TrimPrefix(w.server.URL, "http://")
	if !errors.Is(err, github.ErrForbidden) || !strings.HasPrefix(err.Error(), server+": reading the token's owner: ") {
		t.Errorf("got %v", err)
	}
	if hint := problem.All(err)[0].Hint; hint != "" {
		t.Errorf("hint %q, though it is not known what the token lacks", hint)
	}
	for status, want := range map[int]string{403: "a classic token needs the scope repo", 404: "check the name; if it is right, the token may not see it"} {
		w.server.Fail("graphql viewer", ghtest.Fault{Status: status, Header: http.Header{"X-Accepted-Oauth-Scopes": {"repo"}}, Body: `{"message":"no"}`})
		_, err := w.Viewer(t.Context())
		if hint := problem.All(err)[0].Hint; hint != want {
			t.Errorf("%d: got the hint %q, want %q", status, hint, want)
		}
	}
}
