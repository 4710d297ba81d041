package main

import (
	"context"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/problem"
	"k8srepo/internal/registry"
)

// deployOptions are what deploy is asked to do.
type deployOptions struct {
	bump.Selection
	envs                []string // that move together
	repo, branch        string
	push, force, dryRun bool
	via, github         string
	autoMerge           bool
	verifyImage         bool
	waitImage           time.Duration
	appRepo             string
	author, committer   string
	message             string
	signingKey, sshKey  string
	knownHosts, caFile  string
	timeout             time.Duration
	output              string
	environment         environment
}

func deployCommand(con *console.Console, getenv func(string) string) *cli.Command {
	return &cli.Command{
		Name:  "deploy",
		Usage: "set the tag of an image on a branch of the k8s repo, and push it",
		Description: `Reads the branch's tip, changes the tags, and pushes one commit: no clone, no
working tree, only the objects that it takes. When somebody else was faster, it
starts over from the new tip, so no push is lost. Where the tags are commit
hashes, an older one never replaces a newer one.

   tagbump deploy --repo https://github.com/example/k8s --env dev --service api --tag "$GITHUB_SHA"
   tagbump deploy --repo https://github.com/example/k8s --env prod --env prod-next \
       --service api --tag "$GITHUB_SHA"

environments/<env>.yaml on the default branch of the k8s repo says how it is deployed
(deploy.strategy: push or pull-request); --push pushes where it does not say.
Several environments move in one commit or pull request, as the strictest of their
files says. --force deploys an older tag too, and nothing else; --push and --force
together push past the strategy, and past the environment that comes before (after:).
TAGBUMP_TOKEN opens the k8s repo, GITHUB_TOKEN reads the
service's own repository; one is used for both where both are on one host.
The image is looked for everywhere in <env>/manifests. Where that has more than
100 folders, --service reads <env>/manifests/<service>/, users/*/<service>-<env>-*
and the files right in manifests/, and says so; --image still reads all of it.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "repo", Usage: "the k8s repo's `URL`: https, ssh, or a path"},
		}, selectionFlags, []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "deploy an older tag too; with --push, past a policy that wants a pull request or another environment first"},
		}, pushFlags),
		Action: func(c *cli.Context) error {
			o := pushOptions(c, getenv)
			o.Selection, o.force = selectionOf(c), c.Bool("force")
			o.envs = slices.Compact(slices.Sorted(slices.Values(c.StringSlice("env"))))
			o.Env = strings.Join(o.envs, "+")
			return deployTag(c.Context, con, o)
		},
	}
}

// deployTag opens the k8s repo, runs the deployment, and says what it came to.
func deployTag(ctx context.Context, con *console.Console, o deployOptions) error {
	if o.output != "text" && o.output != "json" {
		return problem.New("", "--output must be text or json, not %q", o.output)
	}
	d, closeStore, err := o.deployment(con)
	if err != nil {
		return reportDeploy(con, o, &deploy.Outcome{Result: &bump.Result{}, Status: deploy.Failed}, err)
	}
	defer closeStore()
	debug.SetGCPercent(50) // small runners run many of these at once, and it is the network that takes the time
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	outcome, err := d.Run(ctx)
	return reportDeploy(con, o, outcome, err)
}

// deployment returns what the flags mean, and what closes it.
func (o *deployOptions) deployment(con *console.Console) (*deploy.Deployment, func(), error) {
	options, closeStore, err := o.options(con)
	if err != nil {
		return nil, nil, err
	}
	return &deploy.Deployment{Options: *options, Selection: o.Selection, Envs: o.envs}, closeStore, nil
}

// options returns what all commands that write share, and what closes it.
func (o *deployOptions) options(con *console.Console) (*deploy.Options, func(), error) {
	if o.repo == "" {
		return nil, nil, problem.New("pass --repo https://github.com/example/k8s", "--repo is missing")
	}
	if o.timeout <= 0 {
		return nil, nil, problem.New("write a time such as 90s or 5m", "--timeout must be more than nothing")
	}
	if err := gitrepo.CheckURL(o.repo); err != nil {
		return nil, nil, err
	}
	d := &deploy.Options{
		URL: o.repo, Branch: o.branch, Push: o.push, Force: o.force, DryRun: o.dryRun,
		Message: o.message, RunURL: o.environment.runURL, RequestedBy: o.environment.actor,
		Progress: con.Notice,
	}
	d.LookupDigest = (&registry.Checker{Tell: con.Notice, CAFile: o.caFile}).Digest
	if o.verifyImage || o.waitImage > 0 {
		d.Verify = (&registry.Checker{Wait: o.waitImage, Tell: con.Notice, CAFile: o.caFile}).Check
	}
	client, err := o.environment.client(o.environment.serviceToken, o.caFile, con)
	if err != nil {
		return nil, nil, err
	}
	sources := &deploy.Sources{Client: client}
	if d.Pulls, err = o.pullRequests(con, sources); err != nil {
		return nil, nil, err
	}
	if d.History, err = o.history(sources); err != nil {
		return nil, nil, err
	}
	store, closeStore, err := o.store(d.Pulls)
	d.Store = store
	return d, closeStore, err
}

// store opens the k8s repo the way that --via says, and returns what closes it.
func (o *deployOptions) store(pulls *deploy.PullRequests) (deploy.Store, func(), error) {
	switch {
	case o.via == "git":
		store, err := o.gitStore()
		if err != nil {
			return nil, nil, err
		}
		return store, func() { store.Remote.Close() }, nil
	case o.via != "api":
		return nil, nil, problem.New("", "--via must be git or api, not %q", o.via)
	case pulls == nil:
		return nil, nil, problem.New("name the k8s repo by its URL on GitHub, or with --github owner/name", "--via api: %s is not on GitHub", o.repo)
	case o.signingKey != "" || o.author != "" || o.committer != "":
		return nil, nil, problem.New("leave --author, --committer and --signing-key out, or --via api", "over its API GitHub itself makes the commits, and signs them, as the token's owner")
	}
	return &github.Store{Client: pulls.GitHub, Repo: pulls.Repo, Own: deploy.Branches}, func() {}, nil
}

// gitStore opens the k8s repo over Git's protocol.
func (o *deployOptions) gitStore() (*gitrepo.Store, error) {
	git, err := o.gitOptions(o.environment.repoToken)
	if err != nil {
		return nil, err
	}
	store := &gitrepo.Store{ReadOnly: o.dryRun}
	if store.Author, err = o.signature("--author", o.author); err != nil {
		return nil, err
	}
	if o.committer != "" {
		if store.Committer, err = o.signature("--committer", o.committer); err != nil {
			return nil, err
		}
	}
	if o.signingKey != "" {
		pem, err := readKey("--signing-key", o.signingKey)
		if err != nil {
			return nil, err
		}
		if store.Signer, err = gitrepo.NewSSHSigner(pem); err != nil {
			return nil, err
		}
	}
	store.Remote, err = gitrepo.Open(o.repo, git)
	return store, err
}

// pullRequests is where they are opened, nil where the k8s repo is not on GitHub.
func (o *deployOptions) pullRequests(con *console.Console, sources *deploy.Sources) (*deploy.PullRequests, error) {
	client, err := o.environment.client(o.environment.repoToken, o.caFile, con)
	if err != nil {
		return nil, err
	}
	repo, err := client.Repo(o.repo)
	switch {
	case o.github != "":
		if repo, err = github.ParseRepo(o.github); err != nil {
			return nil, problem.New("write owner/name", "--github: %v", err)
		}
		if strings.HasPrefix(o.repo, "http") && !o.environment.hosts(o.repo) {
			return nil, problem.New("set GITHUB_SERVER_URL and GITHUB_API_URL to the GitHub that --repo is on", "--github: --repo is not at %s, and its token is not sent there", o.environment.server)
		}
	case err != nil:
		return nil, nil // a path, or another host: a policy that wants one says so
	}
	return &deploy.PullRequests{GitHub: client, Repo: repo, Sources: sources, AutoMerge: o.autoMerge}, nil
}

// history is where the commits are that a service is built from: in --app-repo,
// and in its repository, which is only asked for what the clone cannot tell.
func (o *deployOptions) history(sources *deploy.Sources) (func(bump.Target) deploy.History, error) {
	var clone deploy.Histories
	if o.appRepo != "" {
		h, err := gitrepo.OpenHistory(o.appRepo)
		if err != nil {
			return nil, err
		}
		clone = deploy.Histories{deploy.GitHistory{History: h}}
	}
	fetched := map[string]*deploy.FetchedHistory{} // services may share a repository
	return func(t bump.Target) deploy.History {
		repo, err := github.ParseRepo(t.Source)
		switch {
		case (t.Source == "" || err != nil) && clone == nil:
			return nil
		case t.Source == "" || err != nil:
			return clone
		case o.environment.hasAPI():
			return append(slices.Clip(clone), sources.History(repo))
		}
		if fetched[t.Source] == nil {
			url := o.environment.server + "/" + t.Source + ".git"
			fetched[t.Source] = &deploy.FetchedHistory{Fetch: func(ctx context.Context) (*gitrepo.History, error) { return o.fetchHistory(ctx, url) }}
		}
		return append(slices.Clip(clone), fetched[t.Source])
	}, nil
}

func (o *deployOptions) fetchHistory(ctx context.Context, url string) (*gitrepo.History, error) {
	git, err := o.gitOptions(o.environment.serviceToken)
	if err != nil {
		return nil, err
	}
	remote, err := gitrepo.Open(url, git)
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	return remote.History(ctx)
}
