package main

import (
	"io"
	"os"
	"testing"

	"k8srepo/internal/console"
	"k8srepo/internal/gitrepo"
)

// TestTokensAreForTheirHosts has one token stand in for the other only where both
// repositories are on one host.
func TestTokensAreForTheirHosts(t *testing.T) {
	for name, c := range map[string]struct {
		server, repo string
		shared       bool
	}{
		"github.com":                 {"", "https://github.com/example/k8s", true},
		"github.com, by default":     {"", "example/k8s", true},
		"github.com, without https":  {"", "github.com/example/k8s", true},
		"github.com over ssh":        {"", "git@github.com:example/k8s", true},
		"github.com over ssh://":     {"", "ssh://git@github.com:22/example/k8s", true},
		"an own server":              {"https://git.example.com:8443", "https://git.example.com:8443/example/k8s", true},
		"another port":               {"https://git.example.com:8443", "https://git.example.com/example/k8s", false},
		"another host":               {"", "https://git.example.com/example/k8s", false},
		"another host over ssh":      {"", "git@git.example.com:example/k8s", false},
		"a host that looks like it":  {"", "https://github.com.evil.example/example/k8s", false},
		"a user that looks like it":  {"", "https://github.com@evil.example/example/k8s", false},
		"a folder":                   {"", "/srv/k8s", false},
		"a folder by its URL":        {"", "file:///github.com/k8s", false},
		"github.com from an own one": {"https://git.example.com", "https://github.com/example/k8s", false},
	} {
		for _, set := range []string{"TAGBUMP_TOKEN", "GITHUB_TOKEN"} {
			e := environmentOf(func(key string) string {
				return map[string]string{set: "s3cret\n", "GITHUB_SERVER_URL": c.server}[key]
			}, c.repo)
			want := environment{repoToken: "s3cret", serviceToken: "s3cret"}
			if !c.shared && set == "TAGBUMP_TOKEN" {
				want.serviceToken = ""
			}
			if !c.shared && set == "GITHUB_TOKEN" {
				want.repoToken = ""
			}
			if e.repoToken != want.repoToken || e.serviceToken != want.serviceToken {
				t.Errorf("%s, %s: the k8s repo gets %q, the service's %q", name, set, e.repoToken, e.serviceToken)
			}
		}
	}
}

func TestServerOfTheAPI(t *testing.T) {
	for api, want := range map[string]string{
		"": "https://github.com", "https://api.github.com": "https://github.com", "https://git.example.com/api/v3": "https://git.example.com", "https://api.acme.ghe.com/": "https://acme.ghe.com",
	} {
		e := environmentOf(func(key string) string { return map[string]string{"GITHUB_API_URL": api}[key] }, "")
		if e.server != want {
			t.Errorf("%s: got %s, want %s", api, e.server, want)
		}
	}
}

func TestRepoURL(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("clones/k8s", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ server, repo, want string }{
		{"https://github.com", "example/k8s", "https://github.com/example/k8s"},
		{"https://github.com", "example/k8s.git", "https://github.com/example/k8s.git"},
		{"https://github.com", "github.com/example/k8s", "https://github.com/example/k8s"},
		{"https://github.com", "gitlab.example/group/sub/k8s", "https://gitlab.example/group/sub/k8s"},
		{"http://127.0.0.1:1234", "127.0.0.1:1234/example/k8s", "http://127.0.0.1:1234/example/k8s"},
		{"http://127.0.0.1:1234", "example/k8s", "http://127.0.0.1:1234/example/k8s"},
		{"https://github.com", "clones/k8s", "clones/k8s"},
		{"https://github.com", "./example/k8s", "./example/k8s"},
		{"https://github.com", "../k8s", "../k8s"},
		{"https://github.com", "/srv/k8s", "/srv/k8s"},
		{"https://github.com", "k8s", "k8s"},
		{"https://github.com", "a/b/c", "a/b/c"},
		{"https://github.com", "git@github.com:example/k8s", "git@github.com:example/k8s"},
		{"https://github.com", "https://github.com/example/k8s", "https://github.com/example/k8s"},
		{"https://github.com", "", ""},
	} {
		if got := (&environment{server: c.server}).repoURL(c.repo); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.repo, c.server, got, c.want)
		}
	}
}

func TestSignature(t *testing.T) {
	const bot = "41898282+github-actions[bot]@users.noreply.github.com"
	for text, want := range map[string]gitrepo.Signature{
		"Alice Doe <alice@example.com>":         {Name: "Alice Doe", Email: "alice@example.com"},
		" Alice  < alice@example.com > ":        {Name: "Alice", Email: "alice@example.com"},
		"github-actions[bot] <" + bot + ">":     {Name: "github-actions[bot]", Email: bot},
		"":                                      {Name: "tagbump", Email: "tagbump@localhost"},
		"alice":                                 {},
		"<alice@example.com>":                   {},
		"Alice <alice>":                         {},
		"Alice <alice@example.com":              {},
		"A > B <alice@example.com>":             {},
		"Alice <a@example.com> <b@example.com>": {},
		"Alice <alice@example.com\ntree x>":     {},
		"Alice\nparent x <alice@example.com>":   {},
	} {
		got, err := (&environment{}).signature("--author", text)
		if got != want || (err == nil) != (want.Name != "") {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

// TestGitHubFlag names the GitHub repository of a path, and of no other host.
func TestGitHubFlag(t *testing.T) {
	con := console.New("tagbump", io.Discard, io.Discard, func(string) string { return "" })
	for repo, want := range map[string]bool{"https-k8s": true, "git@k8s:repo": true, "ssh://git.example.com/k8s": true, "https://github.com/other/k8s": true, "https://git.example.com/k8s": false, "http://git.example.com/k8s": false, "HTTPS://git.example.com/k8s": false, "HTTPS://GitHub.com/other/k8s": true} {
		a := access{repo: repo, github: "example/k8s", environment: environment{server: "https://github.com"}}
		client, got, err := a.repository(con)
		if (err == nil) != want || want && (client == nil || got.Owner != "example") {
			t.Errorf("%s: got %v, %v", repo, got, err)
		}
	}
}

// TestTakeTokens leaves nothing for the processes that are started.
func TestTakeTokens(t *testing.T) {
	t.Setenv("TAGBUMP_TOKEN", "one")
	t.Setenv("GITHUB_TOKEN", "two")
	t.Setenv("OTHER", "three")
	getenv := takeTokens(os.Getenv, os.Unsetenv)
	if getenv("TAGBUMP_TOKEN") != "one" || getenv("GITHUB_TOKEN") != "two" || getenv("OTHER") != "three" {
		t.Error("a variable is not read")
	}
	for _, name := range []string{"TAGBUMP_TOKEN", "GITHUB_TOKEN"} {
		if value, there := os.LookupEnv(name); there {
			t.Errorf("%s is %q still", name, value)
		}
	}
}
