package github_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/github/ghtest"
	"k8srepo/internal/gitrepo/gittest"
	"k8srepo/internal/problem"
)

func (w *world) read(ctx context.Context) error {
	_, err := w.PullRequests(ctx, w.at, head)
	return err
}

func TestLimitsAreWaitedOut(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	pull := w.open()
	soon := func() time.Time { return time.Now().Add(90 * time.Second) }
	comment := func() error { return w.Comment(t.Context(), w.at, pull.Number, "x") }
	read := func() error { return w.read(t.Context()) }
	tip := func() error { _, err := w.Tip(t.Context(), w.at, "main", api); return err }
	commit := func() error { return commitOn(w) }
	for name, c := range map[string]struct {
		do        func() error
		kind      string
		faults    []ghtest.Fault
		low, high time.Duration // of each wait
	}{
		"429":                   {read, "", []ghtest.Fault{{Status: 429, Header: http.Header{"Retry-After": {"5"}}}}, 5 * time.Second, 5 * time.Second},
		"429 with a date":       {read, "", []ghtest.Fault{{Status: 429, Header: http.Header{"Retry-After": {soon().UTC().Format(http.TimeFormat)}}}}, 60 * time.Second, 91 * time.Second},
		"429 without a word":    {read, "", []ghtest.Fault{{Status: 429}}, time.Minute, time.Minute},
		"secondary":             {read, "", []ghtest.Fault{ghtest.SecondaryLimit(30)}, 30 * time.Second, 30 * time.Second},
		"secondary, no header":  {read, "", []ghtest.Fault{ghtest.SecondaryLimit(0), ghtest.SecondaryLimit(0)}, time.Minute, 2 * time.Minute},
		"primary":               {read, "", []ghtest.Fault{ghtest.PrimaryLimit(soon())}, 60 * time.Second, 93 * time.Second},
		"primary, past":         {read, "", []ghtest.Fault{ghtest.PrimaryLimit(time.Now().Add(-time.Hour))}, time.Second, time.Second},
		"of what writes":        {comment, "POST /repos/{owner}/{repo}/issues/{issue_number}/comments", []ghtest.Fault{ghtest.SecondaryLimit(7)}, 7 * time.Second, 7 * time.Second},
		"of GraphQL":            {tip, "graphql repository", []ghtest.Fault{ghtest.GraphQLLimit(soon())}, 60 * time.Second, 93 * time.Second},
		"of a GraphQL mutation": {commit, "graphql createCommitOnBranch", []ghtest.Fault{ghtest.SecondaryLimit(9)}, 9 * time.Second, 9 * time.Second},
		"503":                   {read, "", []ghtest.Fault{{Status: 503, Header: http.Header{"Retry-After": {"11"}}}}, 11 * time.Second, 11 * time.Second},
		"500, 502 and a cut":    {read, "", []ghtest.Fault{{Status: 500}, {Status: 502}, {Truncate: 1}}, 500 * time.Millisecond, 8 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w.waits, w.told = nil, nil
			w.server.Fail(c.kind, c.faults...)
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
			if len(w.waits) != len(c.faults) || len(w.told) != len(w.waits) {
				t.Errorf("waits %v, told %q", w.waits, w.told)
			}
			for _, wait := range w.waits {
				if wait < c.low || wait > c.high {
					t.Errorf("waits %v", w.waits)
				}
			}
		})
	}
	if got := w.repo.PullRequests()[0].Comments; len(got) != 1 {
		t.Errorf("commented as %v", got)
	}
}

// TestLimitsBeyondTheDeadline ends at once where there is no time to wait.
func TestLimitsBeyondTheDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		fault ghtest.Fault
		kind  error
	}{
		"primary":   {ghtest.PrimaryLimit(time.Now().Add(time.Hour)), github.ErrRateLimited},
		"secondary": {ghtest.SecondaryLimit(0), github.ErrRateLimited},
		"GraphQL":   {ghtest.GraphQLLimit(time.Now().Add(time.Hour)), github.ErrRateLimited},
		"503":       {ghtest.Fault{Status: 503, Header: http.Header{"Retry-After": {"60"}}}, github.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ghtest.Options{})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			w.server.Fail("", c.fault, c.fault)
			err := w.read(ctx)
			if name == "GraphQL" {
				_, err = w.Tip(ctx, w.at, "main")
				if err == nil {
					_, err = w.Tip(ctx, w.at, "main")
				}
			}
			want(t, err, c.kind, "")
			if len(w.waits) != 0 {
				t.Errorf("waits %v", w.waits)
			}
		})
	}
}

// TestLimitThatDoesNotEnd has no deadline to keep it from waiting for ever.
func TestLimitThatDoesNotEnd(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.server.Fail("", slices.Repeat([]ghtest.Fault{ghtest.SecondaryLimit(1)}, 100)...)
	want(t, w.read(t.Context()), github.ErrRateLimited, "later")
	if w.server.Count() != 12 {
		t.Errorf("%d requests", w.server.Count())
	}
}

// TestLimitsThenBreaks has a server of every mood; the attempts are counted
// together.
func TestLimitsThenBreaks(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.server.Fail("", slices.Repeat([]ghtest.Fault{ghtest.SecondaryLimit(1)}, 8)...)
	w.server.Fail("", slices.Repeat([]ghtest.Fault{{Status: 502}}, 100)...)
	want(t, w.read(t.Context()), github.ErrUnavailable, "")
	if w.server.Count() != 9 {
		t.Errorf("%d requests", w.server.Count())
	}
}

// TestWaitsAreReal is interrupted in a wait of a minute. How long a wait is, is
// tested in package httpclient.
func TestWaitsAreReal(t *testing.T) {
	w := newWorld(t, ghtest.Options{}, func(o *github.Options) { o.Sleep = nil })
	w.server.Fail("", ghtest.SecondaryLimit(60))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	want(t, w.read(ctx), context.Canceled, "")
	if n := w.server.Count(); n > 1 {
		t.Errorf("%d requests", n)
	}
}

// TestWhatWritesIsNotRepeated has a request break that nothing looks up.
func TestWhatWritesIsNotRepeated(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.branch(head, "x")
	w.server.Fail(createPull, ghtest.Fault{Status: 502}, ghtest.Fault{Status: 502}, ghtest.Fault{Status: 502}, ghtest.Fault{Status: 502}, ghtest.Fault{Status: 502})
	_, err := w.CreatePullRequest(t.Context(), w.at, newPull())
	want(t, err, github.ErrUnavailable, "run it again")
	// Each of the five was looked up before the next.
	var kinds []string
	for _, r := range w.server.Log() {
		kinds = append(kinds, r.Kind[:strings.IndexByte(r.Kind, ' ')])
	}
	if got := strings.Join(kinds, " "); got != "POST GET POST GET POST GET POST GET POST GET" {
		t.Errorf("got %s", got)
	}
}

func TestServerThatStaysDown(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.server.Fail("", slices.Repeat([]ghtest.Fault{{Status: 502, Body: "<html>" + token + "</html>"}}, 10)...)
	want(t, w.read(t.Context()), github.ErrUnavailable, "")
	if w.server.Count() != 6 {
		t.Errorf("%d requests", w.server.Count())
	}
}

func TestTimeouts(t *testing.T) {
	t.Run("of a request", func(t *testing.T) {
		var clock gittest.Clock
		w := newWorld(t, ghtest.Options{}, func(o *github.Options) { o.Timeout, o.AfterFunc = time.Minute, clock.AfterFunc })
		hangs := ghtest.Fault{Hang: true, Hung: func() { clock.Pass(time.Minute) }}
		w.server.Fail("", hangs)
		if err := w.read(t.Context()); err != nil || w.server.Count() != 2 {
			t.Errorf("got %v after %d requests", err, w.server.Count())
		}
		w.server.Fail("", slices.Repeat([]ghtest.Fault{hangs}, 6)...)
		err := w.read(t.Context())
		want(t, err, github.ErrUnavailable, "")
		if !strings.Contains(err.Error(), "no answer in 1m0s") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("of the context", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		ctx := gittest.NewExpiring(t.Context())
		w.server.Fail("", ghtest.Fault{Hang: true, Hung: ctx.Expire})
		want(t, w.read(ctx), context.DeadlineExceeded, "")
	})
	t.Run("of a person", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		w.server.Fail("", ghtest.Fault{Hang: true, Then: cancel})
		err := w.read(ctx)
		want(t, err, context.Canceled, "")
		if !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("got %v", err)
		}
	})
}

// TestRedirect follows a renamed repository, and leaves the token behind where the
// redirect leaves the host.
func TestRedirect(t *testing.T) {
	rename := func(w *world, to string, status int) *httptest.Server {
		front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/old/") {
				http.Redirect(rw, r, to+strings.Replace(r.URL.RequestURI(), "/old/", "/example/", 1), status)
				return
			}
			w.server.Config.Handler.ServeHTTP(rw, r)
		}))
		w.t.Cleanup(front.Close)
		client, err := github.New(github.Options{Token: token, APIURL: front.URL, GraphQLURL: front.URL + "/graphql", Sleep: func(context.Context, time.Duration) error { return nil }})
		if err != nil {
			w.t.Fatal(err)
		}
		w.Client = client
		return front
	}
	old := github.Repo{Owner: "old", Name: "k8s"}
	t.Run("on the host", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		rename(w, "", http.StatusTemporaryRedirect)
		w.branch(head, "x")
		n := newPull()
		if got := must[*github.PullRequest](t)(w.CreatePullRequest(t.Context(), old, n)); got.Number != 1 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("to another host", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		rename(w, w.server.URL, http.StatusMovedPermanently)
		_, err := w.PullRequests(t.Context(), old, head)
		if err != nil && !errors.Is(err, github.ErrUnauthorized) {
			t.Errorf("got %v", err)
		}
		if log := w.server.Log(); len(log) != 1 || log[0].Authorization != "" {
			t.Errorf("the token went along: %+v", log)
		}
	})
	t.Run("of what writes, to another host", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		rename(w, w.server.URL, http.StatusTemporaryRedirect)
		err := w.Comment(t.Context(), old, 1, "x")
		if err == nil || !strings.Contains(err.Error(), "another host") || w.server.Count() != 0 {
			t.Errorf("got %v, %d requests", err, w.server.Count())
		}
	})
	t.Run("that would make a read of a write", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		rename(w, "", http.StatusMovedPermanently)
		_, err := w.EditPullRequest(t.Context(), old, 1, github.PullRequestEdit{})
		if err == nil || !strings.Contains(problem.All(err)[0].Hint, "new name") || w.server.Count() != 0 {
			t.Errorf("got %v, %d requests", err, w.server.Count())
		}
	})
}

// TestServerThatEchoesTheToken has a server say the token aloud, in every way that
// it can answer.
func TestServerThatEchoesTheToken(t *testing.T) {
	echo := "Bearer " + token + "\x1b[31m\nsecond line"
	for name, do := range map[string]func(w *world) error{
		"REST":    func(w *world) error { return w.read(w.t.Context()) },
		"write":   func(w *world) error { return w.Comment(w.t.Context(), w.at, 1, "x") },
		"GraphQL": commitOn,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, ghtest.Options{})
			for _, status := range []int{400, 401, 403, 404, 409, 410, 422, 500, 501, 502} {
				body, _ := json.Marshal(map[string]any{"message": echo, "errors": []any{map[string]string{"code": "custom", "message": echo}}})
				w.server.Fail("", slices.Repeat([]ghtest.Fault{{Status: status, Body: string(body)}}, 12)...)
				err := do(w)
				if err == nil {
					t.Fatalf("%d is no error", status)
				}
				for _, p := range problem.All(err) {
					mustNotTell(t, p.Error()+p.Hint+fmt.Sprintf("%#v", err))
					if strings.ContainsAny(p.Message, "\x1b\n") {
						t.Errorf("%d is shown as %q", status, p.Message)
					}
				}
				w.server.Forget()
			}
		})
	}
	t.Run("GraphQL errors", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail("", ghtest.Fault{Status: 200, Body: `{"errors":[{"type":"SOMETHING","message":"no, ` + token + `"}]}`})
		want(t, commitOn(w), github.ErrInvalid, "")
	})
	t.Run("headers", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail("", ghtest.Fault{Status: 403, Header: http.Header{"X-Accepted-Github-Permissions": {token}, "X-Accepted-Oauth-Scopes": {token}}})
		want(t, w.Comment(t.Context(), w.at, 1, "x"), github.ErrForbidden, "[secret]")
	})
	t.Run("warnings", func(t *testing.T) {
		w := newWorld(t, ghtest.Options{})
		w.server.Fail("", ghtest.Fault{Status: 422, Body: `{"message":"` + token + `"}`})
		warnings, err := w.RequestReviews(t.Context(), w.at, 1, []string{"carol"}, nil)
		if err != nil || len(warnings) != 1 {
			t.Fatalf("got %v, %v", warnings, err)
		}
		mustNotTell(t, warnings.Error())
	})
}

func TestNoGitHubThere(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	w.branch(head, "x")
	for _, body := range []string{"<html>Welcome</html>", " ", "[1]", "null", "{}"} {
		w.server.Fail("", ghtest.Fault{Status: 200, Body: body})
		if err := commitOn(w); err == nil {
			t.Errorf("%q is taken", body)
		}
		w.server.Fail("", ghtest.Fault{Status: 201, Body: body})
		if _, err := w.CreatePullRequest(t.Context(), w.at, newPull()); err == nil {
			t.Errorf("%q is taken for a pull request", body)
		}
		w.server.Fail("", ghtest.Fault{Status: 200, Body: body}, ghtest.Fault{Status: 200, Body: body}, ghtest.Fault{Status: 200, Body: body}, ghtest.Fault{Status: 200, Body: body})
		_, err := w.Compare(t.Context(), w.at, "main", head, 1)
		_, err2 := w.Commit(t.Context(), w.at, head)
		_, err3 := w.Branch(t.Context(), w.at, head)
		_, err4 := w.EditPullRequest(t.Context(), w.at, 1, github.PullRequestEdit{})
		for _, err := range []error{err, err2, err3, err4} {
			want(t, err, github.ErrUnavailable, "is it a GitHub?")
		}
	}
	w.server.Close()
	_, err := w.CreatePullRequest(t.Context(), w.at, newPull())
	want(t, err, github.ErrUnavailable, "")
}

func TestCertificate(t *testing.T) {
	w := newWorld(t, ghtest.Options{TLS: true}, func(o *github.Options) { o.Transport = nil })
	err := w.read(t.Context())
	want(t, err, github.ErrUnavailable, "--ca-file")
	if w.server.Count() != 0 || len(w.waits) != 0 {
		t.Errorf("%d requests, waits %v", w.server.Count(), w.waits)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := github.New(github.Options{Token: token, APIURL: w.server.APIURL(), CAFile: ca})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PullRequests(t.Context(), w.at, head); err != nil {
		t.Error(err)
	}
	if _, err := github.New(github.Options{CAFile: ca + ".none"}); err == nil {
		t.Error("a file that is not there is taken")
	}
}

// TestProxy reaches a host that only the proxy knows.
func TestProxy(t *testing.T) {
	w := newWorld(t, ghtest.Options{})
	at, _ := url.Parse(w.server.URL)
	transport := w.server.Client().Transport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(at)
	defer transport.CloseIdleConnections()
	client, err := github.New(github.Options{APIURL: "http://git.invalid", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PullRequests(t.Context(), w.at, head); err != nil || w.server.Count() != 1 {
		t.Errorf("got %v, %d requests", err, w.server.Count())
	}
}
