package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

const (
	token = "ghs_s3cretT0ken"
	api   = "prod/manifests/api"
	file  = api + "/api-prod-deployment.yaml"
	head  = "tagbump/prod/api"
)

// world is a GitHub with one repository, and a client of it that never waits.
type world struct {
	*github.Client
	t      *testing.T
	server *ghtest.Server
	repo   *ghtest.Repo
	at     github.Repo

	mu    sync.Mutex
	waits []time.Duration
	told  []string
}

func newWorld(t *testing.T, o ghtest.Options, change ...func(*github.Options)) *world {
	t.Helper()
	t.Parallel()
	if o.Token == "" {
		o.Token = token
	}
	w := &world{t: t, server: ghtest.NewServer(t, o), at: github.Repo{Owner: "example", Name: "k8s"}}
	w.repo = w.server.AddRepo("example/k8s", gittest.NewInMemory(t, gittest.Files{
		"users.yaml":          "services: []\n",
		file:                  "image: api:1 # ☃\n",
		api + "/service.yaml": "port: 80\n",
	}))
	w.repo.Collaborators, w.repo.Teams = []string{"carol", "dave"}, []string{"sre"}
	options := github.Options{
		Token: token, ServerURL: w.server.URL, APIURL: w.server.APIURL(), GraphQLURL: w.server.GraphQLURL(), Transport: w.server.Client().Transport,
		Sleep: func(_ context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.waits = append(w.waits, d)
			return nil
		},
		Progress: func(text string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, text)
		},
	}
	for _, f := range change {
		f(&options)
	}
	client, err := github.New(options)
	if err != nil {
		t.Fatal(err)
	}
	w.Client = client
	t.Cleanup(func() {
		for _, text := range w.told {
			mustNotTell(t, text)
		}
		for _, r := range w.server.Log() {
			mustNotTell(t, r.Path+r.Body)
		}
	})
	return w
}

// mustNotTell fails if a text shows the token.
func mustNotTell(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, token) || strings.Contains(text, "s3cret") {
		t.Errorf("the token is told: %s", text)
	}
}

// want fails unless err is of a kind, is shown as one line of the repository's,
// with a hint that has these words, and does not tell the token.
func want(t *testing.T, err, kind error, hint string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	mustNotTell(t, fmt.Sprintf("%v %+v %#v", err, err, err))
	all := problem.All(err)
	if len(all) != 1 {
		t.Fatalf("%d problems in %v", len(all), err)
	}
	mustNotTell(t, all[0].Hint)
	if !strings.Contains(all[0].Hint, hint) {
		t.Errorf("hint %q, want one with %q", all[0].Hint, hint)
	}
	if !strings.HasPrefix(err.Error(), "example/k8s: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("it is shown as %q", err)
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// branch puts a commit on a branch that begins at main.
func (w *world) branch(name, content string) (oid string) {
	w.t.Helper()
	if w.repo.Tip(name) == "" {
		w.repo.MoveBranch(name, w.repo.Tip("main"))
	}
	return w.repo.Commit(name, gittest.Files{file: content}, "Deploy api to prod")
}

func (w *world) open() *github.PullRequest {
	w.t.Helper()
	w.branch(head, "image: api:2\n")
	return must[*github.PullRequest](w.t)(w.CreatePullRequest(w.t.Context(), w.at, newPull()))
}

func newPull() github.NewPullRequest {
	return github.NewPullRequest{Title: "Deploy api 2 to prod", Body: "why", Branch: head, Base: "main"}
}

const createPull = "POST /repos/{owner}/{repo}/pulls"

func TestCompare(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	ctx := t.Context()
	w.repo.Accounts = map[string]string{"test@example.com": "alice"}
	one := w.repo.Tip("main")
	w.repo.Commit("main", gittest.Files{"a": "1"}, "Fix it (#12)\n\nLong story.")
	two := w.repo.Commit("main", gittest.Files{"a": "2"}, "Merge pull request #34 from example/x\n\nAnother")
	side := w.branch("side/way", "x")
	w.repo.MoveBranch("orphan", w.repo.WriteObject("commit", "tree "+w.repo.Tree(w.repo.Tip("main"))+"\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\nalone\n"))
	unknown := strings.Repeat("d", 40)

	for name, c := range map[string]struct {
		base, head string
		want       github.Relation
		commits    int
	}{
		"ahead":        {one, two, github.Ahead, 2},
		"short hashes": {one[:7], two[:7], github.Ahead, 2},
		"behind":       {two, one, github.Behind, 0},
		"identical":    {one, "main~2", github.Identical, 0},
		"ahead of it":  {two, side, github.Ahead, 1},
		"branches":     {"main", "side/way", github.Ahead, 1},
		"no ancestor":  {one, "orphan", github.Diverged, 0},
		"no base":      {unknown, one, github.BaseUnknown, 0},
		"no head":      {one, "1234567", github.HeadUnknown, 0},
		"neither":      {unknown, "1234567", github.HeadUnknown, 0},
	} {
		if name == "identical" {
			c.head = one
		}
		got, err := w.Compare(ctx, w.at, c.base, c.head, -1)
		if err != nil || got.Relation != c.want || len(got.Commits) != c.commits || got.Total != c.commits {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	w.repo.Commit("main", gittest.Files{"a": "3"}, "3")
	if got := must[*github.Comparison](t)(w.Compare(ctx, w.at, "main", "side/way", 0)); got.Relation != github.Diverged || got.AheadBy != 1 || got.BehindBy != 1 || len(got.Commits) != 0 {
		t.Errorf("got %+v", got)
	}

	got := must[*github.Comparison](t)(w.Compare(ctx, w.at, one, two, 50))
	if got.URL != w.repo.URL()+"/compare/"+one+"..."+two {
		t.Errorf("URL %s", got.URL)
	}
	first, second := got.Commits[0], got.Commits[1]
	if first.Title != "Fix it (#12)" || first.PullRequest != 12 || second.PullRequest != 34 || second.SHA != two || first.Parents[0] != one {
		t.Errorf("got %+v", got.Commits)
	}
	if first.Author.String() != "alice" || first.Author.Name != "Test" || first.Author.Email != "test@example.com" || first.Time.IsZero() || first.URL == "" {
		t.Errorf("got %+v", first)
	}
}

// TestComparePages has a service with more commits than a page holds.
func TestComparePages(t *testing.T) {
	w := newWorld(t, ghtest.Options{PageSize: 3})
	from := w.repo.Tip("main")
	for i := range 10 {
		w.repo.Commit("main", gittest.Files{"n": fmt.Sprint(i)}, fmt.Sprint(i))
	}
	for limit, wantRequests := range map[int]int{-1: 4, 5: 2, 3: 1, 0: 1} {
		w.server.Reset()
		got := must[*github.Comparison](t)(w.Compare(t.Context(), w.at, from, "main", limit))
		if limit < 0 {
			limit = 10
		}
		if len(got.Commits) != limit || got.Total != 10 || w.server.Count() != wantRequests {
			t.Errorf("limit %d: %d commits of %d, %d requests", limit, len(got.Commits), got.Total, w.server.Count())
		}
		for i, c := range got.Commits {
			if c.Title != fmt.Sprint(i) {
				t.Errorf("limit %d: commit %d is %s", limit, i, c.Title)
			}
		}
	}
}

// TestCompareNewest lists the newest commits, where GitHub's first page has the oldest.
func TestCompareNewest(t *testing.T) {
	w := newWorld(t, ghtest.Options{PageSize: 3})
	from := w.repo.Tip("main")
	for i := range 10 {
		w.repo.Commit("main", gittest.Files{"n": fmt.Sprint(i)}, fmt.Sprint(i))
	}
	for name, c := range map[string]struct {
		base, head string
		limit      int
		want       string // the commits' titles
		total      int
		requests   int
	}{
		"one page":           {"main~2", "main", 3, "8 9", 2, 1},
		"none":               {"main", from, 3, "", 0, 1},
		"of the last page":   {from, "main", 1, "9", 10, 2},
		"of two pages":       {from, "main", 3, "7 8 9", 10, 3},
		"of all but one":     {from, "main", 9, "1 2 3 4 5 6 7 8 9", 10, 4},
		"more than there is": {from, "main", 50, "0 1 2 3 4 5 6 7 8 9", 10, 4},
		"unknown":            {from, strings.Repeat("d", 40), 3, "", 0, 3},
	} {
		w.server.Reset()
		got := must[*github.Comparison](t)(w.CompareNewest(t.Context(), w.at, c.base, c.head, c.limit))
		var titles []string
		for _, commit := range got.Commits {
			titles = append(titles, commit.Title)
		}
		if strings.Join(titles, " ") != c.want || got.Total != c.total || w.server.Count() != c.requests {
			t.Errorf("%s: %q of %d in %d requests, want %q of %d in %d", name, titles, got.Total, w.server.Count(), c.want, c.total, c.requests)
		}
	}
}

func TestCommit(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	tip := w.branch("side/way#1", "x")
	for _, ref := range []string{tip, tip[:8], "side/way#1"} {
		got := must[*github.Commit](t)(w.Commit(t.Context(), w.at, ref))
		if got.SHA != tip || got.Tree != w.repo.Tree(tip) {
			t.Errorf("%s: got %+v", ref, got)
		}
	}
	_, err := w.Commit(t.Context(), w.at, "1234567")
	want(t, err, github.ErrNotFound, "")
}

// TestNoAccess has GitHub hide a repository, turn a token down, and forbid.
func TestNoAccess(t *testing.T) {
	reads := map[string]func(w *world) error{
		"list":    func(w *world) error { return w.read(w.t.Context()) },
		"compare": func(w *world) error { _, err := w.Compare(w.t.Context(), w.at, "main", head, 0); return err },
		"tip":     func(w *world) error { _, err := w.Tip(w.t.Context(), w.at, "main", api); return err },
		"branch":  func(w *world) error { _, err := w.Branch(w.t.Context(), w.at, "main"); return err },
	}
	writes := map[string]func(w *world) error{
		"create": func(w *world) error { _, err := w.CreatePullRequest(w.t.Context(), w.at, newPull()); return err },
		"make a branch": func(w *world) error {
			return w.UpdateBranches(w.t.Context(), w.at, github.BranchUpdate{Branch: "x", To: w.repo.Tip("main")})
		},
		"delete":  func(w *world) error { return w.DeleteBranch(w.t.Context(), w.at, head, w.repo.Tip(head)) },
		"label":   func(w *world) error { return w.AddLabels(w.t.Context(), w.at, 1, []string{"x"}) },
		"comment": func(w *world) error { return w.Comment(w.t.Context(), w.at, 1, "x") },
		"assign": func(w *world) error {
			_, err := w.AddAssignees(w.t.Context(), w.at, 1, []string{"carol"})
			return err
		},
		"edit": func(w *world) error {
			_, err := w.EditPullRequest(w.t.Context(), w.at, 1, github.PullRequestEdit{})
			return err
		},
		"commit": commitOn,
	}
	t.Run("no such repository", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.at.Name = "none"
		for _, do := range []map[string]func(w *world) error{reads, writes} {
			for name, f := range do {
				if err := f(w); !errors.Is(err, github.ErrNotFound) || !strings.Contains(problem.All(err)[0].Hint, "may not see it") {
					t.Errorf("%s: got %v", name, err)
				}
			}
		}
	})
	t.Run("bad credentials", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{Token: "other"})
		for _, do := range []map[string]func(w *world) error{reads, writes} {
			for _, f := range do {
				want(t, f(w), github.ErrUnauthorized, "the token is wrong or has expired")
			}
		}
	})
	t.Run("forbidden", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{ReadOnly: true})
		w.branch(head, "x")
		for _, f := range writes {
			want(t, f(w), github.ErrForbidden, "=write")
		}
		want(t, w.EnableAutoMerge(t.Context(), w.at, &github.PullRequest{NodeID: "PR_1"}, "x", ""), github.ErrForbidden, "the token needs pull_requests=write")
	})
}

// TestAccessIsExplained: what a token lacks, and where access is given.
func TestAccessIsExplained(t *testing.T) {
	t.Run("no token", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{}, func(o *github.Options) { o.Token = "" })
		w.repo.Private = true
		_, err := w.PullRequests(t.Context(), w.at, head)
		want(t, err, github.ErrNotFound, "give a token")
		if got := w.server.Log()[0].Authorization; got != "" {
			t.Errorf("an empty token is sent as %q", got)
		}
	})
	t.Run("GitHub Actions may not", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail(createPull, ghtest.Fault{Status: 403, Body: `{"message":"GitHub Actions is not permitted to create or approve pull requests.","documentation_url":"https://docs.github.com/rest/pulls/pulls#create-a-pull-request","status":"403"}`})
		_, err := w.CreatePullRequest(t.Context(), w.at, newPull())
		want(t, err, github.ErrForbidden, "Settings, Actions, General")
	})
	t.Run("single sign-on, and an archive", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail(createPull,
			ghtest.Fault{Status: 403, Header: http.Header{"X-Github-Sso": {"required; url=https://github.com/orgs/example/sso?authorization_request=AB"}}, Body: `{"message":"Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.","documentation_url":"https://docs.github.com","status":"403"}`},
			ghtest.Fault{Status: 403, Body: `{"message":"Repository was archived so is read-only.","documentation_url":"https://docs.github.com","status":"403"}`})
		_, err := w.CreatePullRequest(t.Context(), w.at, newPull())
		want(t, err, github.ErrForbidden, "single sign-on: https://github.com/orgs/example/sso?authorization_request=AB")
		_, err = w.CreatePullRequest(t.Context(), w.at, newPull())
		want(t, err, github.ErrForbidden, "unarchive the repository")
	})
	t.Run("says what it needs", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{ReadOnly: true})
		want(t, w.Comment(t.Context(), w.at, 1, "x"), github.ErrForbidden, "issues=write; pull_requests=write")
	})
}

func commitOn(w *world) error {
	tip, err := w.Tip(w.t.Context(), w.at, "main", api)
	if err != nil {
		return err
	}
	_, err = tip.Commit(w.t.Context(), change("image: api:2\n"))
	return err
}

func change(content string) github.PendingCommit {
	return github.PendingCommit{Files: map[string][]byte{file: []byte(content)}, Message: "api: prod 1 → 2\n\nhttps://ci.example/1\n"}
}
