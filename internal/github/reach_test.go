package github_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/problem"
	"k8srepo/internal/testmain"
)

// TestUnreachableServer is tried three times and reported within ten seconds, whether
// the request reads or writes.
func TestUnreachableServer(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct{ url, hint string }{
		"nobody listens":   {gone.URL, "nothing listens there"},
		"it speaks no TLS": {strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			var waits []time.Duration
			total := time.Duration(0)
			client, err := github.New(github.Options{Token: token, APIURL: c.url, Sleep: func(_ context.Context, d time.Duration) error {
				waits, total = append(waits, d), total+d
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			repo := github.Repo{Owner: "example", Name: "k8s"}
			for _, do := range []func() error{
				func() error { _, err := client.PullRequests(t.Context(), repo, head); return err },
				func() error { return client.Comment(t.Context(), repo, 1, "x") },
			} {
				waits, total = nil, 0
				err := do()
				want(t, err, github.ErrUnavailable, c.hint)
				if len(waits) != 2 || total > 10*time.Second {
					t.Errorf("waits %v", waits)
				}
			}
		})
	}
}

// gzipOf packs so many mebibytes of blanks: one of them, over and over.
func gzipOf(t *testing.T, mebibytes int) []byte {
	t.Helper()
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	w.Write(bytes.Repeat([]byte(" "), 1<<20))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(member.Bytes(), mebibytes)
}

// TestSendTheTokenToItsOwnGitHub refuses an API that is another host's.
func TestSendTheTokenToItsOwnGitHub(t *testing.T) {
	for name, c := range map[string]struct {
		o  github.Options
		ok bool
	}{
		"github.com":             {github.Options{ServerURL: "https://github.com", APIURL: "https://api.github.com"}, true},
		"a tenant":               {github.Options{ServerURL: "https://acme.ghe.com"}, true},
		"an Enterprise server":   {github.Options{ServerURL: "https://git.example.com", APIURL: "https://git.example.com/api/v3"}, true},
		"another API":            {github.Options{ServerURL: "https://github.com", APIURL: "https://git.example.com/api/v3"}, false},
		"another GraphQL":        {github.Options{ServerURL: "https://git.example.com", GraphQLURL: "https://evil.example/graphql"}, false},
		"one that looks like it": {github.Options{ServerURL: "https://github.com", APIURL: "https://api.github.com.evil.example"}, false},
	} {
		_, err := github.New(c.o)
		if err != nil {
			t.Errorf("%s without a token: %v", name, err)
		}
		c.o.Token = token
		if _, err = github.New(c.o); (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && (problem.All(err)[0].Hint == "" || strings.Contains(err.Error(), token)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestAnswerWithoutEnd has a server answer with more than there is room for, packed.
func TestAnswerWithoutEnd(t *testing.T) {
	bomb := gzipOf(t, 80)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb)
	}))
	defer server.Close()
	client, err := github.New(github.Options{APIURL: server.URL, Sleep: func(context.Context, time.Duration) error { t.Error("it is asked again"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	repo := github.Repo{Owner: "example", Name: "k8s"}
	for i, ask := range []func() error{
		func() error { _, err := client.PullRequests(t.Context(), repo, head); return err },
		func() error { _, err := client.Tip(t.Context(), repo, "main", "users.yaml"); return err },
	} {
		if !testmain.Tried(i) {
			continue
		}
		if err := ask(); err == nil || !strings.Contains(err.Error(), "limit of 64 MB") {
			t.Errorf("got %v", err)
		}
	}
}
