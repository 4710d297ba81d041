package main

import (
	"cmp"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"k8srepo/internal/console"
	"k8srepo/internal/github"
	"k8srepo/internal/httpclient"
)

// environment is what the process's environment says.
type environment struct {
	repoToken, serviceToken string // of the k8s repo, and of the service's own
	server                  string // its URL, such as https://github.com
	api, graphQL            string // URLs of the server's APIs; "" is worked out from server
	runURL, actor           string // of the run in GitHub Actions, and who started it; "" elsewhere
	sshAgent, home          string // the agent's socket, and the home directory
	actions                 bool   // this is a run in GitHub Actions
}

// environmentOf reads the process's environment. Each of the two tokens is for its own
// repository; one stands in for the other only where both are on one host.
func environmentOf(getenv func(string) string, repo string) environment {
	e := environment{
		repoToken:    strings.TrimSpace(getenv("TAGBUMP_TOKEN")), // secrets are pasted with a line's end
		serviceToken: strings.TrimSpace(getenv("GITHUB_TOKEN")),
		server:       getenv("GITHUB_SERVER_URL"),
		api:          getenv("GITHUB_API_URL"),
		graphQL:      getenv("GITHUB_GRAPHQL_URL"),
		actor:        getenv("GITHUB_ACTOR"),
		sshAgent:     getenv("SSH_AUTH_SOCK"),
		home:         getenv("HOME"),
		actions:      getenv("GITHUB_ACTIONS") == "true",
	}
	if e.server = strings.TrimRight(e.server, "/"); e.server == "" {
		e.server = github.ServerURL(e.api)
	}
	if e.hosts(e.repoURL(repo)) {
		e.repoToken, e.serviceToken = cmp.Or(e.repoToken, e.serviceToken), cmp.Or(e.serviceToken, e.repoToken)
	}
	if id := getenv("GITHUB_RUN_ID"); id != "" {
		e.runURL = e.server + "/" + getenv("GITHUB_REPOSITORY") + "/actions/runs/" + id
	}
	return e
}

// hosts reports whether a repository is on the server. Over SSH the port does not count, as
// an SSH server has one of its own.
func (e *environment) hosts(repo string) bool {
	server, err := url.Parse(e.server)
	if err != nil {
		return false
	}
	if u, err := url.Parse(repo); err == nil && strings.Contains(repo, "://") {
		return u.Scheme == "ssh" && strings.EqualFold(u.Hostname(), server.Hostname()) || u.Scheme != "file" && httpclient.SameHost(u, server)
	}
	host, _, colon := strings.Cut(repo, ":")
	return colon && !strings.Contains(host, "/") && strings.EqualFold(host[strings.LastIndexByte(host, '@')+1:], server.Hostname())
}

// repoURL returns the URL of a repository that was given as owner/name, or without https://.
// Where a folder has that name, it is the repository.
func (e *environment) repoURL(repo string) string {
	if repo == "" || strings.Contains(repo, "://") || strings.HasPrefix(repo, ".") || filepath.IsAbs(repo) {
		return repo
	}
	if _, err := os.Stat(repo); err == nil {
		return repo
	}
	scheme, host, _ := strings.Cut(e.server, "://")
	parts := strings.Split(strings.Trim(repo, "/"), "/")
	_, noRepo := github.ParseRepo(strings.TrimSuffix(repo, ".git"))
	switch {
	case strings.HasPrefix(repo, host+"/"):
		return scheme + "://" + repo
	case noRepo == nil:
		return e.server + "/" + repo
	case len(parts) > 2 && strings.Contains(parts[0], ".") && !strings.ContainsAny(parts[0], "@:"):
		return "https://" + repo
	}
	return repo
}

// hasAPI reports whether the server is a GitHub. Another Git server is asked in Git.
func (e *environment) hasAPI() bool { return e.api != "" || e.server == github.ServerURL("") }

// takeTokens returns getenv, and takes the tokens out of the process's environment, so that
// no process that is started has them: git, its hooks, the helpers of docker login.
func takeTokens(getenv func(string) string, unset func(string) error) func(string) string {
	taken := map[string]string{}
	for _, name := range []string{"TAGBUMP_TOKEN", "GITHUB_TOKEN"} {
		taken[name] = getenv(name)
		_ = unset(name) // it fails for names that are none
	}
	return func(name string) string {
		if token, ok := taken[name]; ok {
			return token
		}
		return getenv(name)
	}
}

// client talks to the server's API.
func (e *environment) client(token, caFile string, con *console.Console) (*github.Client, error) {
	return github.New(github.Options{
		Token: token, ServerURL: e.server, APIURL: e.api, GraphQLURL: e.graphQL, CAFile: caFile, UserAgent: "tagbump", Progress: con.Notice,
	})
}
