package github_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
)

// notes is a test that keeps its errors to itself.
type notes struct {
	testing.TB
	mu   sync.Mutex
	text []string
}

func (n *notes) Errorf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, fmt.Sprintf(format, args...))
}

func (n *notes) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := strings.Join(n.text, "\n")
	n.text = nil
	return all
}

type standIn struct {
	*ghtest.Server
	t     *testing.T
	notes *notes
	repo  *ghtest.Repo
}

func newStandIn(t *testing.T, o ghtest.Options) *standIn {
	t.Parallel()
	w := &standIn{t: t, notes: &notes{TB: t}}
	w.Server = ghtest.NewServer(w.notes, o)
	w.repo = w.AddRepo("example/k8s", gittest.NewInMemory(t, gittest.Files{"a": "1"}))
	return w
}

// ask sends a request, and is the answer and its body.
func (w *standIn) ask(method, path, body string) (*http.Response, map[string]any) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	if json.Unmarshal(raw, &out) != nil {
		out = map[string]any{"list": string(bytes.TrimSpace(raw))}
	}
	return res, out
}

// TestWhatGitHubWouldNotTake has requests that fail the test that makes them.
func TestWhatGitHubWouldNotTake(t *testing.T) {
	w := newStandIn(t, ghtest.Options{})
	w.repo.Commit("x", gittest.Files{"a": "2"}, "x")
	for name, c := range map[string]struct{ method, path, body, words string }{
		"a query that is none":      {"GET", "/repos/example/k8s/pulls?state=some", "", "would not take"},
		"a body of another shape":   {"POST", "/repos/example/k8s/issues/1/labels", `["x"]`, ""},
		"a path that is none":       {"GET", "/repos/example/k8s/nonsense", "", "not in the description"},
		"what is not done here":     {"GET", "/repos/example/k8s/pulls/1/files", "", "not done here"},
		"a field that is none":      {"POST", "/graphql", `{"query":"{ repository(owner: \"example\", name: \"k8s\") { nonsense } }"}`, "does not fit GitHub's schema"},
		"an input that is none":     {"POST", "/graphql", `{"query":"mutation($i: UpdateRefsInput!) { updateRefs(input: $i) { clientMutationId } }","variables":{"i":{"repositoryId":"R_1"}}}`, "does not fit GitHub's schema"},
		"a variable that is none":   {"POST", "/graphql", `{"query":"query($x: Int) { viewer { login } }"}`, "does not fit GitHub's schema"},
		"a field that it cannot do": {"POST", "/graphql", `{"query":"{ node(id: \"x\") { id } }"}`, "not done here"},
	} {
		w.ask(c.method, c.path, c.body)
		if got := w.notes.take(); !strings.Contains(got, c.words) {
			t.Errorf("%s: %q", name, got)
		}
	}
	w.ask("POST", "/repos/example/k8s/pulls", `{"title":"x","head":"x","base":"main"}`)
	w.ask("POST", "/repos/example/k8s/issues/1/labels", `["x"]`)
	if got := w.notes.take(); !strings.Contains(got, "would not take") {
		t.Errorf("a bare list of labels: %q", got)
	}
}

func TestAnswersAreGitHubs(t *testing.T) {
	w := newStandIn(t, ghtest.Options{Token: "t"})
	res, body := w.ask("GET", "/repos/example/none", "")
	if res.StatusCode != 404 || body["message"] != "Not Found" || body["status"] != "404" || res.Header.Get("X-RateLimit-Limit") != "5000" {
		t.Errorf("got %d %v %v", res.StatusCode, body, res.Header)
	}
	if res, _ := w.ask("GET", "/repos/example/k8s", ""); res.StatusCode != 200 {
		t.Errorf("a public repository is %d", res.StatusCode)
	}
	if res, _ := w.ask("POST", "/repos/example/k8s/git/refs", `{"ref":"refs/heads/x","sha":"`+w.repo.Tip("main")+`"}`); res.StatusCode != 401 {
		t.Errorf("a branch is made by anybody: %d", res.StatusCode)
	}
	w.repo.Private = true
	if res, _ := w.ask("GET", "/repos/example/k8s", ""); res.StatusCode != 404 {
		t.Errorf("a private repository is %d", res.StatusCode)
	}
	if res, _ := w.ask("POST", "/graphql", `{"query":"{ viewer { login } }"}`); res.StatusCode != 401 {
		t.Errorf("GraphQL is answered to anybody: %d", res.StatusCode)
	}
	if got := w.notes.take(); got != "" {
		t.Error(got)
	}
}

func TestPullRequestsOverREST(t *testing.T) {
	w := newStandIn(t, ghtest.Options{})
	for i := range 5 {
		branch := fmt.Sprintf("b/%d", i)
		w.repo.MoveBranch(branch, w.repo.Tip("main"))
		w.repo.Commit(branch, gittest.Files{"a": branch}, branch)
		res, body := w.ask("POST", "/repos/example/k8s/pulls", fmt.Sprintf(`{"title":"x","head":%q,"base":"main"}`, branch))
		if res.StatusCode != 201 || body["mergeable"] != nil || body["mergeable_state"] != "unknown" {
			t.Fatalf("got %d %v", res.StatusCode, body)
		}
	}
	res, _ := w.ask("GET", "/repos/example/k8s/pulls?per_page=2&page=2", "")
	link := res.Header.Get("Link")
	for _, words := range []string{"page=1&per_page=2>; rel=\"prev\"", "page=3&per_page=2>; rel=\"next\"", "rel=\"last\"", "rel=\"first\""} {
		if !strings.Contains(link, words) {
			t.Errorf("no %s in %s", words, link)
		}
	}
	// Without its owner a head is not looked at.
	for query, want := range map[string]int{"head=example:b/1": 1, "head=b/1": 5, "head=other:b/1": 0, "base=none": 0} {
		_, body := w.ask("GET", "/repos/example/k8s/pulls?"+query, "")
		if got := strings.Count(fmt.Sprint(body["list"]), `"_links"`); got != want {
			t.Errorf("%s: %d pull requests, want %d", query, got, want)
		}
	}
	_, body := w.ask("GET", "/repos/example/k8s/compare/main...b/1", "")
	if body["status"] != "ahead" || body["total_commits"] != 1.0 {
		t.Errorf("got %v", body)
	}
	w.repo.Close(1, "carol")
	w.repo.Reopen(1)
	w.repo.Comment(1, "carol", "no")
	w.repo.Edit(1, "edited")
	w.repo.Merge(1, "carol")
	w.repo.MoveBranch("b/1", "")
	w.ask("DELETE", "/repos/example/k8s/git/refs/heads/b/2", "")
	w.ask("PATCH", "/repos/example/k8s/git/refs/heads/b/3", `{"sha":"`+w.repo.Tip("main")+`","force":true}`)
	var got []string
	for _, p := range w.repo.PullRequests() {
		got = append(got, fmt.Sprintln(p.Number, p.Open, p.Merged, p.ClosedBy, p.Body, len(p.Comments)))
	}
	want := []string{"1 false true carol edited 1", "2 false false somebody  0", "3 false false tagbump[bot]  0", "4 false false tagbump[bot]  0", "5 true false   0"}
	for i := range want {
		if strings.Join(strings.Fields(got[i]), " ") != strings.Join(strings.Fields(want[i]), " ") {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if got := w.notes.take(); got != "" {
		t.Error(got)
	}
}

// TestHistoryOfAPath compares a path's history with git's.
func TestHistoryOfAPath(t *testing.T) {
	w := newStandIn(t, ghtest.Options{})
	for i, files := range []gittest.Files{
		{"dir/b": "1"}, {"dir/b": "2", "a": "2"}, {"dir/c/d": "1"}, {"a": "1"}, {"dir/b": "1"}, {"dir": "a file now"}, {"dir/b": "3"}, {"e": "1"},
	} {
		w.repo.Commit("main", files, fmt.Sprint(i))
	}
	tip := w.repo.Tip("main")
	w.repo.MoveBranch("main", w.repo.WriteCommit(w.repo.EditTree(w.repo.Tree(tip), nil, "dir/b"), "gone\n", tip))
	for _, path := range []string{"a", "dir", "dir/", "dir/b", "dir/c", "dir/c/d", "e", "none", ""} {
		query := fmt.Sprintf(`{ repository(owner: "example", name: "k8s") { object(expression: "main") { ... on Commit { history(first: 50, path: %q) { nodes { oid } } } } } }`, path)
		body, _ := json.Marshal(map[string]string{"query": query})
		_, answer := w.ask("POST", "/graphql", string(body))
		text, _ := json.Marshal(answer)
		got := regexp.MustCompile(`[0-9a-f]{40}`).FindAllString(string(text), -1)
		args := []string{"rev-list", "main"}
		if path != "" {
			args = append(args, "--", path)
		}
		if want := strings.Fields(w.repo.Git(args...)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
