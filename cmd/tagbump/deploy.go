package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/problem"
)

// deployOptions are what deploy is asked to do.
type deployOptions struct {
	deploy.Ask
	repo, branch        string
	push, force, dryRun bool
	appRepo             string
	author, committer   string
	message             string
	signingKey, sshKey  string
	knownHosts, caFile  string
	timeout             time.Duration
	output              string
	environment         environment
}

// environment is what the process's environment says.
type environment struct {
	repoToken, serviceToken string // of the k8s repo, and of the service's own
	server                  string // https://github.com
	runURL                  string
	sshAgent, home          string
	actions                 bool
}

func environmentOf(getenv func(string) string) environment {
	e := environment{
		repoToken:    getenv("TAGBUMP_TOKEN"),
		serviceToken: getenv("GITHUB_TOKEN"),
		server:       getenv("GITHUB_SERVER_URL"),
		sshAgent:     getenv("SSH_AUTH_SOCK"),
		home:         getenv("HOME"),
		actions:      getenv("GITHUB_ACTIONS") == "true",
	}
	if e.repoToken == "" {
		e.repoToken = e.serviceToken
	}
	if e.serviceToken == "" {
		e.serviceToken = e.repoToken
	}
	if e.server == "" {
		e.server = "https://github.com"
	}
	if id := getenv("GITHUB_RUN_ID"); id != "" {
		e.runURL = e.server + "/" + getenv("GITHUB_REPOSITORY") + "/actions/runs/" + id
	}
	return e
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
			&cli.StringFlag{Name: "app-repo", Usage: "a `folder`: the service's own clone, to tell older from newer by"},
			&cli.StringFlag{Name: "author", Usage: "`\"Name <mail>\"` of the commit (default in GitHub Actions: its bot)"},
			&cli.StringFlag{Name: "committer", Usage: "`\"Name <mail>\"` (default: the author)"},
			&cli.StringFlag{Name: "message", Usage: "the commit message: a `template` over .Services .Env .Old .New .Files .RunURL"},
			&cli.StringFlag{Name: "signing-key", Usage: "sign the commit with this SSH key `file`"},
			&cli.StringFlag{Name: "ssh-key", Usage: "the SSH key `file` for ssh URLs (default: the agent's)"},
			&cli.StringFlag{Name: "known-hosts", Usage: "the known_hosts `file` (default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts)"},
			&cli.StringFlag{Name: "ca-file", Usage: "a PEM `file` of certificates to trust beside the system's"},
			&cli.DurationFlag{Name: "timeout", Value: 2 * time.Minute, Usage: "give up after this `time`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`text` or json"},
		}),
		Action: func(c *cli.Context) error {
			return deployTag(c.Context, con, deployOptions{
				Ask: askOf(c), repo: c.String("repo"), branch: c.String("branch"), push: c.Bool("push"), force: c.Bool("force"), dryRun: c.Bool("dry-run"),
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
		return reportDeploy(con, o, nil, err)
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
		pem, err := os.ReadFile(o.signingKey)
		if err != nil {
			return nil, problem.New("", "--signing-key: %v", err)
		}
		if d.Signer, err = gitrepo.NewSSHSigner(pem); err != nil {
			return nil, err
		}
	}
	d.Histories = o.histories()
	return d, nil
}

func (o *deployOptions) gitOptions(token string) (gitrepo.Options, error) {
	git := gitrepo.Options{Token: token, SSHAgent: o.environment.sshAgent, CAFile: o.caFile, UserAgent: "tagbump"}
	git.KnownHosts = []string{filepath.Join(o.environment.home, ".ssh", "known_hosts"), "/etc/ssh/ssh_known_hosts"}
	if o.knownHosts != "" {
		git.KnownHosts = []string{o.knownHosts}
	}
	if o.sshKey != "" {
		pem, err := os.ReadFile(o.sshKey)
		if err != nil {
			return git, problem.New("", "--ssh-key: %v", err)
		}
		git.SSHKey = pem
	}
	return git, nil
}

// signature reads "Name <mail>"; "" is the bot of GitHub Actions there, and
// tagbump elsewhere.
func (o *deployOptions) signature(flag, text string) (gitrepo.Signature, error) {
	switch {
	case text == "" && o.environment.actions:
		// The bot's own account: see the runner's documentation of actions/checkout.
		return gitrepo.Signature{Name: "github-actions[bot]", Email: "41898282+github-actions[bot]@users.noreply.github.com"}, nil
	case text == "":
		return gitrepo.Signature{Name: "tagbump", Email: "tagbump@localhost"}, nil
	}
	name, rest, ok := strings.Cut(text, "<")
	address, closed := strings.CutSuffix(strings.TrimSpace(rest), ">")
	if name = strings.TrimSpace(name); !ok || !closed || name == "" {
		return gitrepo.Signature{}, problem.New(`write "Name <name@example.com>"`, "%s %q cannot be read", flag, text)
	}
	if _, err := mail.ParseAddress(address); err != nil && !strings.Contains(address, "@") {
		return gitrepo.Signature{}, problem.New(`write "Name <name@example.com>"`, "%s %q cannot be read", flag, text)
	}
	return gitrepo.Signature{Name: name, Email: address}, nil
}

// histories finds the commits that a service is built from: in --app-repo, else
// in its repository on GitHub. Each is read once.
func (o *deployOptions) histories() func(context.Context, deploy.Target) (deploy.History, error) {
	known := map[string]deploy.History{}
	return func(ctx context.Context, t deploy.Target) (deploy.History, error) {
		where := o.appRepo
		if where == "" && t.Source != "" {
			where = o.environment.server + "/" + t.Source
		}
		if where == "" {
			return nil, nil
		}
		if h, ok := known[where]; ok {
			return h, nil
		}
		h, err := o.history(ctx, where)
		if err != nil {
			return nil, err
		}
		known[where] = deploy.GitHistory{History: h}
		return known[where], nil
	}
}

func (o *deployOptions) history(ctx context.Context, where string) (*gitrepo.History, error) {
	if where == o.appRepo {
		return gitrepo.OpenHistory(where)
	}
	git, err := o.gitOptions(o.environment.serviceToken)
	if err != nil {
		return nil, err
	}
	remote, err := gitrepo.Open(where, git)
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	h, err := remote.History(ctx)
	if err != nil {
		p := *problem.All(err)[0]
		p.Message = "cannot tell older from newer: " + p.Message
		p.Hint = strings.TrimPrefix(p.Hint+"; or give the service's clone with --app-repo, or go without with --force", "; ")
		return nil, errors.Join(&p)
	}
	return h, nil
}

// deployResult is what --output json prints. Version grows when a field changes
// its meaning or goes.
type deployResult struct {
	Version    int               `json:"version"`
	Result     string            `json:"result"` // changed, unchanged, superseded, planned or failed
	Env        string            `json:"environment"`
	Branch     string            `json:"branch,omitempty"`
	Commit     string            `json:"commit,omitempty"`
	OldTags    []string          `json:"old_tags"`
	NewTag     string            `json:"new_tag"`
	Files      []string          `json:"files"` // that change
	Images     []imageResult     `json:"images"`
	Superseded []imageResult     `json:"superseded"` // images that run something newer
	Attempts   int               `json:"attempts"`
	Waited     float64           `json:"waited_seconds"`
	Notices    []string          `json:"notices"`
	Diff       string            `json:"diff,omitempty"` // on a dry run
	Problems   []console.Problem `json:"problems"`
}

func newDeployResult(o deployOptions, outcome *deploy.Outcome, err error) deployResult {
	r := deployResult{Version: 1, Result: "failed", Env: o.Env, NewTag: o.Tag, OldTags: []string{}, Files: []string{},
		Images: []imageResult{}, Superseded: []imageResult{}, Notices: []string{}, Problems: console.JSONProblems(err)}
	if outcome == nil {
		return r
	}
	r.Attempts, r.Waited, r.Branch = outcome.Attempts, outcome.Waited.Seconds(), outcome.Branch
	r.Notices = append(r.Notices, outcome.Notices...)
	if err == nil {
		r.Result, r.Commit = outcome.Status, outcome.Commit
	}
	r.OldTags = append(r.OldTags, outcome.OldTags()...)
	r.Images = append(r.Images, imageResults(outcome.Images)...)
	r.Superseded = append(r.Superseded, imageResults(outcome.Superseded)...)
	for _, f := range outcome.Files {
		r.Files = append(r.Files, f.Path)
		if outcome.Status == deploy.Planned {
			r.Diff += string(unified(f))
		}
	}
	return r
}

func imageResults(images []deploy.ImageChange) []imageResult {
	var list []imageResult
	for _, i := range images {
		list = append(list, imageResult{i.Place.File, i.Place.Line, i.Place.Col, i.Container, i.Old.String(), i.New.String()})
	}
	return list
}

// reportDeploy shows what came of it: on the terminal or as JSON, and to the
// steps and the page of the run in GitHub Actions. The error is err.
func reportDeploy(con *console.Console, o deployOptions, outcome *deploy.Outcome, err error) error {
	r := newDeployResult(o, outcome, err)
	if outcome != nil {
		for _, n := range outcome.Notices {
			con.Notice(n)
		}
	}
	outputs := con.Outputs([]console.Output{
		{Name: "result", Value: r.Result},
		{Name: "changed", Value: fmt.Sprint(r.Result == deploy.Changed)},
		{Name: "commit", Value: r.Commit},
		{Name: "old-tags", Value: strings.Join(r.OldTags, " ")},
		{Name: "new-tag", Value: r.NewTag},
		{Name: "files", Value: strings.Join(r.Files, "\n")},
		{Name: "attempts", Value: fmt.Sprint(r.Attempts)},
	})
	summary := con.Summary(summaryOf(o, r, outcome))
	if o.output == "json" {
		return errors.Join(err, con.JSON(r), outputs, summary)
	}
	if err == nil {
		printOutcome(con, o, outcome)
	}
	return errors.Join(err, outputs, summary)
}

func printOutcome(con *console.Console, o deployOptions, outcome *deploy.Outcome) {
	if outcome.Status == deploy.Planned {
		for _, f := range outcome.Files {
			con.Diff(unified(f))
		}
	}
	for _, i := range outcome.Images {
		if i.Changed() && outcome.Status != deploy.Planned {
			con.Printf("%s: %s → %s\n", i.Place, i.Old, strings.TrimPrefix(i.New.String(), i.Old.Name))
		}
	}
	for _, i := range outcome.Superseded {
		con.Printf("%s: %s is newer than %s, and stays\n", i.Place, i.Old, outcome.NewTag)
	}
	switch outcome.Status {
	case deploy.Changed:
		con.Printf("changed: %s on %s\n", outcome.Commit, outcome.Branch)
	case deploy.Planned:
		con.Printf("to change: %s on %s\n", count(len(outcome.Files), "file"), outcome.Branch)
	case deploy.Superseded:
		con.Printf("superseded: %s runs something newer than %s; nothing was done\n", o.Env, outcome.NewTag)
	default:
		con.Printf("unchanged: %s runs %s already\n", o.Env, outcome.NewTag)
	}
}

// summaryOf is the result as Markdown: a table, and the diff.
func summaryOf(o deployOptions, r deployResult, outcome *deploy.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### tagbump: %s %s in %s\n\n", r.Result, r.NewTag, o.Env)
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "- %s\n", markdown(p.Message))
	}
	if outcome == nil {
		return b.String() + "\n"
	}
	if len(r.Images) > 0 {
		b.WriteString("| file | container | before | after |\n|---|---|---|---|\n")
	}
	for _, i := range r.Images {
		fmt.Fprintf(&b, "| %s:%d | %s | `%s` | `%s` |\n", markdown(i.File), i.Line, markdown(i.Container), i.Old, i.New)
	}
	if r.Commit != "" {
		fmt.Fprintf(&b, "\nCommit %s on %s, in %s.\n", r.Commit, r.Branch, count(r.Attempts, "attempt"))
	}
	if len(outcome.Files) > 0 {
		b.WriteString("\n<details><summary>diff</summary>\n\n````diff\n")
		const most = 100_000 // a summary may have a megabyte, and there may be many
		for _, f := range outcome.Files {
			if b.Len() > most {
				b.WriteString("…\n")
				break
			}
			b.Write(unified(f))
		}
		b.WriteString("````\n\n</details>\n")
	}
	return b.String() + "\n"
}

func markdown(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(s)
}
