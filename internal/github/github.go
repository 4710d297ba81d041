// Package github reads and changes a repository over GitHub's API: its files, commits,
// comparisons and pull requests.
//
//	client, err := github.New(github.Options{Token: token})
//	repo, err := client.Repo("https://github.com/example/k8s.git")
//	tip, err := client.Tip(ctx, repo, "main", "users.yaml", "prod/manifests/api")
//	oid, err := tip.Propose(ctx, "tagbump/prod/api", "", github.PendingCommit{…})
//	pull, err := client.CreatePullRequest(ctx, repo, github.NewPullRequest{…})
//
// A Client waits where GitHub asks it to wait, as long as the context's deadline
// leaves room for that, and repeats what is safe to repeat. Where an answer was lost,
// the Client looks up whether the request was done before it makes it again. An error
// is a problem, to be shown, with one of this package's sentinels, to branch on; it never
// holds the token.
package github

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v57/github"

	"k8srepo/internal/httpclient"
	"k8srepo/internal/lazyregexp"
	"k8srepo/internal/limit"
	"k8srepo/internal/problem"
)

// Options are the ways to reach GitHub. The zero value is github.com without a
// token.
type Options struct {
	// Token is sent to the hosts of APIURL and GraphQLURL, and nowhere else,
	// wherever they redirect to. Without one there is no Authorization header.
	Token string

	// ServerURL is where people go (GITHUB_SERVER_URL), APIURL where REST is
	// (GITHUB_API_URL), GraphQLURL where GraphQL is (GITHUB_GRAPHQL_URL). Those
	// that are "" are worked out from the others; without any it is github.com.
	ServerURL, APIURL, GraphQLURL string

	// CAFile is a PEM file of certificates to trust beside the system's.
	CAFile string
	// UserAgent is what GitHub's logs show; "" is go-github's.
	UserAgent string
	// Timeout ends a single request, apart from the context's own deadline; 0
	// means half a minute. Waiting between requests does not count.
	Timeout time.Duration

	// Progress is called with each wait, in words. Nil is silence.
	Progress func(text string)
	// AfterFunc starts the timer of Timeout; nil is httpclient.AfterFunc.
	AfterFunc func(d time.Duration, f func()) httpclient.Timer
	// Sleep waits, or returns the context's error; nil is real time.
	Sleep func(ctx context.Context, d time.Duration) error
	// Transport carries HTTP; nil means one like http.DefaultTransport, which
	// takes its proxies from the environment. CAFile does not apply to it.
	Transport http.RoundTripper
}

// Client talks to one GitHub. It may be used by several goroutines at once.
type Client struct {
	rest    *gh.Client
	http    *http.Client
	graphql string
	server  *url.URL
	token   string
	sleep   func(ctx context.Context, d time.Duration) error

	mu  sync.Mutex
	ids map[Repo]string // node IDs that have been seen
}

// New makes a Client. It asks the server nothing.
func New(o Options) (*Client, error) {
	server, api, graphql, err := o.places()
	if err != nil {
		return nil, err
	}
	set := httpclient.Options{Origins: []*url.URL{api, graphql}, CAFile: o.CAFile, Redirect: mayRedirect, Transport: o.Transport}
	if o.Token != "" {
		set.Authorization = "Bearer " + o.Token
	}
	hc, err := httpclient.New(set)
	if err != nil {
		return nil, err
	}
	if o.AfterFunc == nil {
		o.AfterFunc = httpclient.AfterFunc
	}
	if o.Sleep == nil {
		o.Sleep = httpclient.Sleep
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	hc.Transport = &wire{
		next:     hc.Transport,
		secret:   o.Token,
		timeout:  cmp.Or(o.Timeout, 30*time.Second),
		graphql:  graphql.String(),
		sleep:    o.Sleep,
		after:    o.AfterFunc,
		progress: o.Progress,

		maxAnswer: limit.MaxAnswer,
	}
	rest := gh.NewClient(hc)
	rest.BaseURL = api
	if o.UserAgent != "" {
		rest.UserAgent = o.UserAgent
	}
	return &Client{
		rest: rest, http: hc, graphql: graphql.String(), server: server, token: o.Token, sleep: o.Sleep, ids: map[Repo]string{},
	}, nil
}

const (
	publicServer = "https://github.com"
	publicAPI    = "https://api.github.com"

	// Where an Enterprise server keeps its APIs.
	enterpriseREST    = "/api/v3"
	enterpriseGraphQL = "/api/graphql"
)

// places returns the three URLs, those that are not given worked out from the others.
func (o Options) places() (server, api, graphql *url.URL, err error) {
	serverURL, apiURL := strings.TrimRight(o.ServerURL, "/"), strings.TrimRight(o.APIURL, "/")
	if serverURL == "" {
		serverURL = ServerURL(apiURL)
	}
	if server, err = parseBase("server", serverURL, o.Token); err != nil {
		return nil, nil, nil, err
	}
	if apiURL == "" {
		// Tenants of ghe.com have their API where github.com has it.
		if apiURL = serverURL + enterpriseREST; serverURL == publicServer || strings.HasSuffix(server.Hostname(), ".ghe.com") {
			apiURL = server.Scheme + "://api." + server.Host
		}
	}
	graphqlURL := o.GraphQLURL
	if graphqlURL == "" {
		if cut, enterprise := strings.CutSuffix(apiURL, enterpriseREST); enterprise {
			graphqlURL = cut + enterpriseGraphQL
		} else {
			graphqlURL = apiURL + "/graphql"
		}
	}
	if api, err = parseBase("API's", apiURL+"/", o.Token); err != nil {
		return nil, nil, nil, err
	}
	if graphql, err = parseBase("GraphQL", graphqlURL, o.Token); err != nil {
		return nil, nil, nil, err
	}
	for _, u := range []*url.URL{api, graphql} {
		if o.Token != "" && !httpclient.IsAPIOf(u, server) {
			return nil, nil, nil, problem.New("set GITHUB_SERVER_URL, GITHUB_API_URL and GITHUB_GRAPHQL_URL to one GitHub", "a token for %s is not sent to an API at %s", server.Host, u.Host)
		}
	}
	return server, api, graphql, nil
}

// ServerURL returns the server that an API is of; that of "" is github.com.
func ServerURL(apiURL string) string {
	apiURL = strings.TrimRight(apiURL, "/")
	switch cut, enterprise := strings.CutSuffix(apiURL, enterpriseREST); {
	case apiURL == "" || apiURL == publicAPI:
		return publicServer
	case enterprise:
		return cut
	}
	return strings.Replace(apiURL, "://api.", "://", 1)
}

// parseBase reads one of GitHub's own URLs. A token goes over https only, or
// stays on the machine.
func parseBase(what, raw, token string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, problem.New("such as "+publicAPI, "the %s URL cannot be read", what) // it may hold a secret
	}
	if token != "" && !httpclient.MayCarrySecrets(u) {
		return nil, problem.New("use https, or leave the token out", "%s: a token is not sent over plain http", raw)
	}
	return u, nil
}

// Repo is a repository on GitHub.
type Repo struct{ Owner, Name string }

// String returns owner/name.
func (r Repo) String() string { return r.Owner + "/" + r.Name }

var (
	ownerPattern = lazyregexp.New(`^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$`)
	namePattern  = lazyregexp.New(`^[A-Za-z0-9._-]+$`)
)

// ParseRepo reads owner/name.
func ParseRepo(s string) (Repo, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || !ownerPattern.MatchString(owner) || !namePattern.MatchString(name) || name == "." || name == ".." {
		return Repo{}, problem.New("write owner/name", "%q is no repository on GitHub", s)
	}
	return Repo{owner, name}, nil
}

// Repo returns the repository that a URL for git clone names: https, ssh, or
// git@host:owner/name. It must be on the client's server.
func (c *Client) Repo(cloneURL string) (Repo, error) {
	host, path, ok := c.splitCloneURL(cloneURL)
	if !ok {
		return Repo{}, problem.New("write "+c.server.String()+"/owner/name.git", "the repository's URL cannot be read")
	}
	below := strings.Trim(c.server.Path, "/")
	if below != "" {
		path, ok = strings.CutPrefix(path, below+"/")
	}
	if !ok || !strings.EqualFold(host, c.server.Host) {
		return Repo{}, problem.New("set GITHUB_SERVER_URL and GITHUB_API_URL if it is a GitHub of your own", "%s is not at %s", path, c.server)
	}
	return ParseRepo(strings.TrimSuffix(path, ".git"))
}

// splitCloneURL splits a URL into its host and its path, without slashes at the ends. An
// SSH server has a port of its own: at the name of the client's server, it is its host.
func (c *Client) splitCloneURL(raw string) (host, path string, ok bool) {
	ssh := func(name string) string {
		if strings.EqualFold(name, c.server.Hostname()) {
			return c.server.Host
		}
		return name
	}
	if !strings.Contains(raw, "://") {
		host, path, ok = strings.Cut(raw, ":")
		host = host[strings.LastIndexByte(host, '@')+1:]
		return ssh(host), strings.Trim(path, "/"), ok && !strings.Contains(host, "/")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "", "", false
	}
	host = u.Host
	switch {
	case u.Scheme == "ssh":
		host = ssh(u.Hostname())
	case httpclient.SameHost(u, c.server):
		host = c.server.Host
	}
	return host, strings.Trim(u.Path, "/"), true
}

// PageURL returns where people see a part of a repository, such as "tree/main".
func (c *Client) PageURL(repo Repo, elements ...string) string {
	return c.server.JoinPath(append([]string{repo.Owner, repo.Name}, elements...)...).String()
}

// nodeID returns GraphQL's name for a repository.
func (c *Client) nodeID(ctx context.Context, repo Repo) (string, error) {
	c.mu.Lock()
	id := c.ids[repo]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	found, _, err := c.rest.Repositories.Get(ctx, repo.Owner, repo.Name)
	if err != nil {
		return "", c.fault(ctx, call{repo, "reading the repository", "metadata=read"}, err)
	}
	c.remember(repo, found.GetNodeID())
	return found.GetNodeID(), nil
}

func (c *Client) remember(repo Repo, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids[repo] = id
}
