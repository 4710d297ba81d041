package github_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8srepo/internal/github"
	"k8srepo/internal/problem"
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
