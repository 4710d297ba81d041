package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/problem"
)

// access is how a k8s repo is reached: what the flags and the process's environment say.
type access struct {
	repo               string // its URL
	via                string // git or api
	github             string // owner/name
	sshKey, knownHosts string // files
	caFile             string
	timeout            time.Duration
	environment        environment
}

// resolve reads the process's environment, once the flags are read.
func (a *access) resolve(getenv func(string) string) {
	a.environment = environmentOf(getenv, a.repo)
	a.repo = a.environment.repoURL(a.repo)
}

// check refuses options that lead nowhere.
func (a *access) check() error {
	if a.repo == "" {
		return problem.New("pass --repo https://github.com/example/k8s", "--repo is missing")
	}
	if err := a.checkTimeout(); err != nil {
		return err
	}
	return gitrepo.CheckURL(a.repo)
}

func (a *access) checkTimeout() error {
	if a.timeout <= 0 {
		return problem.New("write a time such as 90s or 5m", "--timeout must be more than nothing")
	}
	return nil
}

// repository returns the k8s repo on GitHub, and the client that reads and writes it
// there; the client is nil where it is not on GitHub.
func (a *access) repository(con *console.Console) (*github.Client, github.Repo, error) {
	client, err := a.environment.client(a.environment.repoToken, a.caFile, con)
	if err != nil {
		return nil, github.Repo{}, err
	}
	repo, err := client.Repo(a.repo)
	switch {
	case a.github != "":
		if repo, err = github.ParseRepo(a.github); err != nil {
			return nil, repo, problem.New("write owner/name", "--github: %v", err)
		}
		scheme, _, isURL := strings.Cut(strings.ToLower(a.repo), "://")
		if isURL && (scheme == "http" || scheme == "https") && !a.environment.hosts(a.repo) {
			return nil, repo, problem.New("set GITHUB_SERVER_URL and GITHUB_API_URL to the GitHub that --repo is on", "--github: --repo is not at %s, and its token is not sent there", a.environment.server)
		}
	case err != nil:
		return nil, repo, nil // a path, or another host: only a policy that wants a pull request makes this an error
	}
	return client, repo, nil
}

// store opens the k8s repo the way that --via says: over the API with the client and the
// repo that repository returned, or with git, over Git's protocol.
func (a *access) store(client *github.Client, repo github.Repo, git func() (*gitrepo.Store, error)) (deploy.Store, error) {
	switch {
	case a.via == "git":
		return git()
	case a.via != "api":
		return nil, problem.New("", "--via must be git or api, not %q", a.via)
	case client == nil:
		return nil, problem.New("name the k8s repo by its URL on GitHub, or with --github owner/name", "--via api: %s is not on GitHub", a.repo)
	}
	return &github.Store{Client: client, Repo: repo, Own: deploy.Branches}, nil
}

// gitStore returns the k8s repo over Git's protocol, to read from.
func (a *access) gitStore() (*gitrepo.Store, error) {
	remote, err := a.remote(a.repo, a.environment.repoToken)
	return &gitrepo.Store{Remote: remote, ReadOnly: true}, err
}

// idle is how long a server may be silent in the middle of a request. Git's own server
// sends something every few seconds, also while a hook runs.
const idle = 30 * time.Second

// remote opens a repository over Git's protocol with a token.
func (a *access) remote(url, token string) (*gitrepo.Remote, error) {
	o := gitrepo.Options{Token: token, SSHAgent: a.environment.sshAgent, CAFile: a.caFile, UserAgent: "tagbump", IdleTimeout: idle}
	o.KnownHosts = []string{filepath.Join(a.environment.home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	if a.knownHosts != "" {
		o.KnownHosts = []string{a.knownHosts}
	}
	if a.sshKey != "" {
		pem, err := readKey("--ssh-key", a.sshKey)
		if err != nil {
			return nil, err
		}
		o.SSHKey = pem
	}
	return gitrepo.Open(url, o)
}

// signature reads the value of a flag, "Name <mail>". "" is the bot of GitHub Actions
// there, and tagbump elsewhere.
func (e *environment) signature(flag, text string) (gitrepo.Signature, error) {
	switch {
	case text == "" && e.actions:
		// The bot's own account: see the runner's documentation of actions/checkout.
		return gitrepo.Signature{Name: "github-actions[bot]", Email: "41898282+github-actions[bot]@users.noreply.github.com"}, nil
	case text == "":
		return gitrepo.Signature{Name: "tagbump", Email: "tagbump@localhost"}, nil
	}
	name, rest, _ := strings.Cut(text, "<")
	address, closed := strings.CutSuffix(strings.TrimSpace(rest), ">")
	name, address = strings.TrimSpace(name), strings.TrimSpace(address)
	// The bot's address is none to net/mail, so this asks only for what a commit can hold.
	if !closed || name == "" || !strings.Contains(address, "@") || strings.ContainsAny(name+address, "<>\n\x00") {
		return gitrepo.Signature{}, problem.New(`write "Name <name@example.com>"`, "%s %q cannot be read", flag, text)
	}
	return gitrepo.Signature{Name: name, Email: address}, nil
}

func readKey(flag, file string) ([]byte, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, problem.New("name the file of a private key", "%s: %v", flag, err)
	}
	return pem, nil
}
