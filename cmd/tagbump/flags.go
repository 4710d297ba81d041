package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/bump"
	"k8srepo/internal/problem"
)

// All flags of all commands are in this file. Each fills an option of the command: its
// default is what the option is beforehand. Help, completion and the action's inputs are
// made of them, or checked against them.

func textFlag(to *string, name, usage string) cli.Flag {
	return &cli.StringFlag{Name: name, Value: *to, Destination: to, Usage: usage}
}

// listFlag may be given several times.
func listFlag(to *[]string, name, usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: name, Usage: usage, Action: func(_ *cli.Context, values []string) error {
		*to = values
		return nil
	}}
}

func boolFlag(to *bool, name, usage string) cli.Flag {
	return &cli.BoolFlag{Name: name, Destination: to, Usage: usage}
}

func intFlag(to *int, name, usage string) cli.Flag {
	return &cli.IntFlag{Name: name, Value: *to, Destination: to, Usage: usage}
}

func timeFlag(to *time.Duration, name, usage string) cli.Flag {
	return &cli.DurationFlag{Name: name, Value: *to, Destination: to, Usage: usage}
}

// outputFlag takes one of some formats, of which the first is the default.
func outputFlag(to *string, usage string) cli.Flag {
	*to = "text"
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: *to, Destination: to, Usage: usage}
}

// checkOutput refuses a value of --output that is none of some formats.
func checkOutput(format string, formats ...string) error {
	if slices.Contains(formats, format) {
		return nil
	}
	last := len(formats) - 1
	return problem.New("", "--output must be %s or %s, not %q", strings.Join(formats[:last], ", "), formats[last], format)
}

// once returns the value of a flag that may be given once; "" where it is not given. The
// last of several would win, and nobody would learn of the others.
func once(values []string, flag, why string) (string, error) {
	if len(values) > 1 {
		times := "twice"
		if len(values) > 2 {
			times = fmt.Sprintf("%d times", len(values))
		}
		return "", problem.New("pass it once: "+why, "--%s is given %s", flag, times)
	}
	return strings.Join(values, ""), nil
}

// selectionFlags returns the flags that say which images, and what they are to run.
func selectionFlags(s *bump.Selection, envs *[]string) []cli.Flag {
	return append([]cli.Flag{
		listFlag(envs, "env", "the `environment`, such as dev"),
		listFlag(&s.Services, "service", "a `service` of users.yaml, for its image (may be repeated)"),
		listFlag(&s.Images, "image", "an image's `repository`, without a tag (may be repeated)"),
		textFlag(&s.Tag, "tag", "the new `tag`"),
		textFlag(&s.Digest, "digest", "the new `digest`, sha256:…; if omitted, an existing digest is removed"),
		boolFlag(&s.ResolveDigest, "resolve-digest", "ask the registry for the tag's digest, and write both (with the credentials of docker login)"),
		listFlag(&s.Renames, "rename", "`OLD=NEW`: move the repository too"),
		listFlag(&s.Fields, "field", "look for an image at this `path` too, such as spec.agent, sidecars[name=proxy].ref or **.ref"),
		intFlag(&s.Expect, "expect", "fail unless `N` images are found"),
	}, placeFlags(s)...)
}

// placeFlags returns the flags that say in which files and places images are looked
// for. Every command that reads an environment has them.
func placeFlags(s *bump.Selection) []cli.Flag {
	return []cli.Flag{
		textFlag(&s.Path, "path", "the `folder` of the environment's manifests, where environments/<env>.yaml does not set it; {env} is the environment's name"),
		listFlag(&s.Only, "only", "leave out files that do not match this `pattern`, such as 'api/*.yaml' or '*-deployment.yaml' (may be repeated)"),
		listFlag(&s.Skip, "skip", "leave out files that match this `pattern`, such as '**/templates/**' (may be repeated)"),
		textFlag(&s.User, "user", "leave out files outside of users/`NAME`/"),
		textFlag(&s.Container, "container", "leave out images that are not of the container `NAME`"),
	}
}

// repoFlag says which k8s repo.
func (a *access) repoFlag() cli.Flag {
	return textFlag(&a.repo, "repo", "the k8s repo's `URL`: https, ssh, or a path")
}

// connectionFlags returns the flags that say how a repository is connected to.
func (a *access) connectionFlags() []cli.Flag {
	a.timeout = 2 * time.Minute
	return []cli.Flag{
		textFlag(&a.sshKey, "ssh-key", "the SSH key `file` for ssh URLs (default: the agent's)"),
		textFlag(&a.knownHosts, "known-hosts", "the known_hosts `file` (default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts)"),
		textFlag(&a.caFile, "ca-file", "a PEM `file` of certificates to trust beside the system's"),
		timeFlag(&a.timeout, "timeout", "give up after this `time`"),
	}
}

// flags returns the flags of all commands that write to a k8s repo, but --repo.
func (w *writer) flags() []cli.Flag {
	w.via = "git"
	return append([]cli.Flag{
		textFlag(&w.options.Branch, "branch", "the `branch` (default: the policy's, else the repository's own default)"),
		boolFlag(&w.options.Push, "push", "push where the k8s repo does not say how the environment is deployed"),
		boolFlag(&w.options.DryRun, "dry-run", "show the change as a diff, and push nothing"),
		textFlag(&w.via, "via", "`git`, or api: read and commit over GitHub's API, which signs the commits"),
		textFlag(&w.github, "github", "the k8s repo's `owner/name` on GitHub, where --repo does not tell"),
		boolFlag(&w.autoMerge, "auto-merge", "have the pull request merge by itself once required checks and reviews pass"),
		boolFlag(&w.verifyImage, "verify-image", "first make sure that the image is in its registry (with the credentials of docker login)"),
		timeFlag(&w.waitImage, "wait-image", "wait this `time` for it to appear there; implies --verify-image"),
		textFlag(&w.appRepo, "app-repo", "a `folder`: the service's own clone, with its whole history, used to compare commits"),
		textFlag(&w.author, "author", "`\"Name <mail>\"` of the commit (default in GitHub Actions: its bot)"),
		textFlag(&w.committer, "committer", "`\"Name <mail>\"` (default: the author)"),
		textFlag(&w.options.Message, "message", "the commit message: a `template` over .Services .Env .Old .New .Tag .Files .RunURL"),
		textFlag(&w.signingKey, "signing-key", "sign the commit with this SSH key `file`"),
		outputFlag(&w.output, "`text` or json"),
	}, w.connectionFlags()...)
}

func deployFlags(w *writer, s *bump.Selection, envs *[]string) []cli.Flag {
	return slices.Concat([]cli.Flag{w.repoFlag()}, selectionFlags(s, envs), []cli.Flag{
		boolFlag(&w.options.Force, "force", "deploy an older tag too; with --push, past a policy that wants a pull request or another environment first"),
	}, w.flags())
}

func promoteFlags(w *writer, o *promoteOptions) []cli.Flag {
	return slices.Concat([]cli.Flag{
		w.repoFlag(),
		listFlag(&o.from, "from", "the `environment` that runs it"),
		listFlag(&o.to, "to", "the `environment` that is to run it"),
		listFlag(&o.Services, "service", "a `service` of users.yaml (may be repeated)"),
		listFlag(&o.Images, "image", "an image's `repository`, without a tag (may be repeated)"),
		boolFlag(&o.all, "all", "every service that runs in both"),
		boolFlag(&o.Together, "together", "one commit or pull request for all of them, or nothing"),
		boolFlag(&o.Places.ResolveDigest, "resolve-digest", "ask the registry for the digest of a tag that --from runs without one, and write both (with the credentials of docker login)"),
		boolFlag(&w.options.Force, "force", "push past the policy, past the environment before, and to an older tag"),
	}, placeFlags(&o.Places), w.flags())
}

// serviceFlags returns the flags that name one service in one environment.
func serviceFlags(w *writer, o *serviceOptions) []cli.Flag {
	return []cli.Flag{
		w.repoFlag(),
		listFlag(&o.envs, "env", "the `environment`: the folder above manifests/"),
		listFlag(&o.services, "service", "the `service` of users.yaml"),
		boolFlag(&w.options.Force, "force", "with --push, past a policy that wants a pull request"),
	}
}

func holdFlags(w *writer, o *serviceOptions, reason *string) []cli.Flag {
	return slices.Concat(serviceFlags(w, o), []cli.Flag{
		textFlag(reason, "reason", "`why`, for those who read it later"),
	}, w.flags())
}

func releaseFlags(w *writer, o *serviceOptions, reason, tag *string) []cli.Flag {
	return slices.Concat(serviceFlags(w, o), []cli.Flag{
		textFlag(reason, "reason", "`why`, for those who read it later"),
		textFlag(tag, "tag", "move the service to this `tag` in the same commit"),
	}, w.flags())
}

func rollbackFlags(w *writer, o *serviceOptions, reason, to *string, places *bump.Selection) []cli.Flag {
	return slices.Concat(serviceFlags(w, o), []cli.Flag{
		textFlag(to, "to", "the `tag` to go back to (default: the last other one that ran there)"),
		textFlag(reason, "reason", "`why`, for those who find the service held (default: what was done)"),
	}, placeFlags(places), w.flags())
}

func setFlags(o *setOptions) []cli.Flag {
	o.root, o.source = ".", "."
	return slices.Concat([]cli.Flag{
		textFlag(&o.root, "root", "the `folder` of the k8s repo"),
	}, selectionFlags(&o.Selection, &o.envs), []cli.Flag{
		textFlag(&o.source, "source", "the `folder` of users.yaml, where --root has none"),
		boolFlag(&o.dryRun, "dry-run", "show the change as a diff, and change nothing"),
		outputFlag(&o.output, "`text` or json"),
	})
}

func statusFlags(o *statusOptions) []cli.Flag {
	o.via, o.history = "git", 1000
	return append([]cli.Flag{
		o.repoFlag(),
		textFlag(&o.root, "root", "the `folder` of the k8s repo, in place of --repo"),
		textFlag(&o.path, "path", "the `folder` of each environment's manifests, such as clusters/{env}/apps (default: {env}/manifests, and path: of environments/<env>.yaml)"),
		textFlag(&o.branch, "branch", "the `branch` (default: the repository's own default)"),
		textFlag(&o.via, "via", "`git`, or api: read over GitHub's API"),
		textFlag(&o.github, "github", "the k8s repo's `owner/name` on GitHub, where --repo does not tell"),
		listFlag(&o.appRepos, "app-repo", "a `folder`: a service's clone, to count commits in (may be repeated)"),
		intFlag(&o.history, "history", "read at most `N` commits to tell since when a tag runs"),
		outputFlag(&o.output, "`text`, json or html"),
	}, o.connectionFlags()...)
}
