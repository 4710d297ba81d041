package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/problem"
	"k8srepo/internal/registry"
)

// deployOptions are what deploy is asked to do.
type deployOptions struct {
	deploy.Ask
	repo, branch        string
	push, force, dryRun bool
	github              string
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

environments/<env>.yaml of the k8s repo says how it is deployed; --push says so
where it has no such file. TAGBUMP_TOKEN (else GITHUB_TOKEN) opens the k8s repo.
With --service, the image is looked for where its manifests are: in
<env>/manifests/<service>/, users/*/<service>-<env>-*, and right in manifests/;
with --image, everywhere in <env>/manifests.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "repo", Usage: "the k8s repo's `URL`: https, ssh, or a path"},
		}, askFlags, []cli.Flag{
			&cli.StringFlag{Name: "branch", Usage: "the `branch` (default: the policy's, else the repository's own default)"},
			&cli.BoolFlag{Name: "push", Usage: "push where the k8s repo does not say how the environment is deployed"},
			&cli.BoolFlag{Name: "force", Usage: "push past the policy, and to an older tag"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show the change as a diff, and push nothing"},
			&cli.StringFlag{Name: "github", Usage: "the k8s repo's `owner/name` on GitHub, for pull requests, where --repo does not tell"},
			&cli.BoolFlag{Name: "auto-merge", Usage: "have the pull request merge by itself once all that it needs is there"},
			&cli.BoolFlag{Name: "verify-image", Usage: "first make sure that the image is in its registry (with the credentials of docker login)"},
			&cli.DurationFlag{Name: "wait-image", Usage: "wait this `time` for it to appear there; implies --verify-image"},
			&cli.StringFlag{Name: "app-repo", Usage: "a `folder`: the service's own clone, with its whole history, to tell older from newer by"},
			&cli.StringFlag{Name: "author", Usage: "`\"Name <mail>\"` of the commit (default in GitHub Actions: its bot)"},
			&cli.StringFlag{Name: "committer", Usage: "`\"Name <mail>\"` (default: the author)"},
			&cli.StringFlag{Name: "message", Usage: "the commit message: a `template` over .Services .Env .Old .New .Tag .Files .RunURL"},
			&cli.StringFlag{Name: "signing-key", Usage: "sign the commit with this SSH key `file`"},
			&cli.StringFlag{Name: "ssh-key", Usage: "the SSH key `file` for ssh URLs (default: the agent's)"},
			&cli.StringFlag{Name: "known-hosts", Usage: "the known_hosts `file` (default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts)"},
			&cli.StringFlag{Name: "ca-file", Usage: "a PEM `file` of certificates to trust beside the system's"},
			&cli.DurationFlag{Name: "timeout", Value: 2 * time.Minute, Usage: "give up after this `time`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		}),
		Action: func(c *cli.Context) error {
			return deployTag(c.Context, con, deployOptions{
				Ask: askOf(c), repo: c.String("repo"), branch: c.String("branch"), push: c.Bool("push"), force: c.Bool("force"), dryRun: c.Bool("dry-run"), github: c.String("github"), autoMerge: c.Bool("auto-merge"),
				verifyImage: c.Bool("verify-image"), waitImage: c.Duration("wait-image"),
				appRepo: c.String("app-repo"), author: c.String("author"), committer: c.String("committer"), message: c.String("message"),
				signingKey: c.String("signing-key"), sshKey: c.String("ssh-key"), knownHosts: c.String("known-hosts"), caFile: c.String("ca-file"),
				timeout: c.Duration("timeout"), output: c.String("output"), environment: environmentOf(getenv),
			})
		},
	}
}

// deployTag opens the k8s repo, runs the deployment, and says what it came to.
func deployTag(ctx context.Context, con *console.Console, o deployOptions) error {
	if o.output != "text" && o.output != "json" {
		return problem.New("", "--output must be text or json, not %q", o.output)
	}
	d, err := o.deployment(con)
	if err != nil {
		return reportDeploy(con, o, &deploy.Outcome{Result: &deploy.Result{}, Status: deploy.Failed}, err)
	}
	defer d.Remote.Close()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	outcome, err := d.Run(ctx)
	return reportDeploy(con, o, outcome, err)
}

// deployment is what the flags mean.
func (o *deployOptions) deployment(con *console.Console) (*deploy.Deployment, error) {
	if o.repo == "" {
		return nil, problem.New("say --repo https://github.com/example/k8s", "--repo is missing")
	}
	if o.timeout <= 0 {
		return nil, problem.New("write a time such as 90s or 5m", "--timeout must be more than nothing")
	}
	d := &deploy.Deployment{
		Ask: o.Ask, Branch: o.branch, Push: o.push, Force: o.force, DryRun: o.dryRun,
		Message: o.message, RunURL: o.environment.runURL,
		Tell: func(progress string) { con.Notice(progress) },
	}
	git, err := o.gitOptions(o.environment.repoToken)
	if err != nil {
		return nil, err
	}
	if d.Remote, err = gitrepo.Open(o.repo, git); err != nil {
		return nil, err
	}
	if d.Author, err = o.signature("--author", o.author); err != nil {
		return nil, err
	}
	if o.committer != "" {
		if d.Committer, err = o.signature("--committer", o.committer); err != nil {
			return nil, err
		}
	}
	if o.signingKey != "" {
		pem, err := readKey("--signing-key", o.signingKey)
		if err != nil {
			return nil, err
		}
		if d.Signer, err = gitrepo.NewSSHSigner(pem); err != nil {
			return nil, err
		}
	}
	if o.verifyImage || o.waitImage > 0 {
		d.Verify = (&registry.Checker{Wait: o.waitImage, Tell: con.Notice}).Check
	}
	if d.Pulls, err = o.pullRequests(con); err != nil {
		return nil, err
	}
	if d.History, err = o.history(con); err != nil {
		return nil, err
	}
	return d, nil
}

// pullRequests is where they are opened, nil where the k8s repo is not on GitHub.
func (o *deployOptions) pullRequests(con *console.Console) (*deploy.PullRequests, error) {
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
	case err != nil:
		return nil, nil // a path, or another host: a policy that wants one says so
	}
	sources, err := o.environment.client(o.environment.serviceToken, o.caFile, con)
	if err != nil {
		return nil, err
	}
	return &deploy.PullRequests{GitHub: client, Repo: repo, Sources: sources, Asked: o.environment.asked(), AutoMerge: o.autoMerge}, nil
}

// history is where the commits are that a service is built from: in --app-repo,
// and in its repository, which is only asked for what the clone cannot tell.
func (o *deployOptions) history(con *console.Console) (func(deploy.Target) deploy.History, error) {
	var clone deploy.Histories
	if o.appRepo != "" {
		h, err := gitrepo.OpenHistory(o.appRepo)
		if err != nil {
			return nil, err
		}
		clone = deploy.Histories{deploy.GitHistory{History: h}}
	}
	client, err := o.environment.client(o.environment.serviceToken, o.caFile, con)
	if err != nil {
		return nil, err
	}
	fetched := map[string]*deploy.FetchedHistory{} // services may share a repository
	return func(t deploy.Target) deploy.History {
		repo, err := github.ParseRepo(t.Source)
		switch {
		case (t.Source == "" || err != nil) && clone == nil:
			return nil
		case t.Source == "" || err != nil:
			return clone
		case o.environment.hasAPI():
			return append(slices.Clip(clone), deploy.HubHistory{Client: client, Repo: repo})
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
