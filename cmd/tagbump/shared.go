package main

import (
	"time"

	"github.com/urfave/cli/v2"
)

// repoFlags are the flags that say how the k8s repo is reached.
var repoFlags = []cli.Flag{
	&cli.StringFlag{Name: "ssh-key", Usage: "the SSH key `file` for ssh URLs (default: the agent's)"},
	&cli.StringFlag{Name: "known-hosts", Usage: "the known_hosts `file` (default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts)"},
	&cli.StringFlag{Name: "ca-file", Usage: "a PEM `file` of certificates to trust beside the system's"},
	&cli.DurationFlag{Name: "timeout", Value: 2 * time.Minute, Usage: "give up after this `time`"},
}

// pushFlags are the flags that say how a commit is made and pushed.
var pushFlags = append([]cli.Flag{
	&cli.StringFlag{Name: "branch", Usage: "the `branch` (default: the policy's, else the repository's own default)"},
	&cli.BoolFlag{Name: "push", Usage: "push where the k8s repo does not say how the environment is deployed"},
	&cli.BoolFlag{Name: "dry-run", Usage: "show the change as a diff, and push nothing"},
	&cli.StringFlag{Name: "via", Value: "git", Usage: "`git`, or api: read and commit over GitHub's API, which signs the commits"},
	&cli.StringFlag{Name: "github", Usage: "the k8s repo's `owner/name` on GitHub, where --repo does not tell"},
	&cli.BoolFlag{Name: "auto-merge", Usage: "have the pull request merge by itself once all that it needs is there"},
	&cli.BoolFlag{Name: "verify-image", Usage: "first make sure that the image is in its registry (with the credentials of docker login)"},
	&cli.DurationFlag{Name: "wait-image", Usage: "wait this `time` for it to appear there; implies --verify-image"},
	&cli.StringFlag{Name: "app-repo", Usage: "a `folder`: the service's own clone, with its whole history, to tell older from newer by"},
	&cli.StringFlag{Name: "author", Usage: "`\"Name <mail>\"` of the commit (default in GitHub Actions: its bot)"},
	&cli.StringFlag{Name: "committer", Usage: "`\"Name <mail>\"` (default: the author)"},
	&cli.StringFlag{Name: "message", Usage: "the commit message: a `template` over .Services .Env .Old .New .Tag .Files .RunURL"},
	&cli.StringFlag{Name: "signing-key", Usage: "sign the commit with this SSH key `file`"},
	&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
}, repoFlags...)

// pushOptions are what those flags say, and --repo.
func pushOptions(c *cli.Context, getenv func(string) string) deployOptions {
	env := environmentOf(getenv, c.String("repo"))
	return deployOptions{
		repo: env.repoURL(c.String("repo")), branch: c.String("branch"), push: c.Bool("push"), dryRun: c.Bool("dry-run"),
		via: c.String("via"), github: c.String("github"), autoMerge: c.Bool("auto-merge"), verifyImage: c.Bool("verify-image"), waitImage: c.Duration("wait-image"),
		appRepo: c.String("app-repo"), author: c.String("author"), committer: c.String("committer"), message: c.String("message"),
		signingKey: c.String("signing-key"), sshKey: c.String("ssh-key"), knownHosts: c.String("known-hosts"), caFile: c.String("ca-file"),
		timeout: c.Duration("timeout"), output: c.String("output"), environment: env,
	}
}
