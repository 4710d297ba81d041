package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"

	"github.com/urfave/cli/v2"

	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/problem"
	"k8srepo/internal/status"
)

// statusOptions are what status is asked to do.
type statusOptions struct {
	access
	root, path, branch string
	appRepos           []string
	history            int
	output             string
}

func statusCommand(con *console.Console, getenv func(string) string) *cli.Command {
	var o statusOptions
	return &cli.Command{
		Name:  "status",
		Usage: "show what runs where, and what is behind",
		Description: `Shows each service in each environment: its tag, since when it runs, how many
commits it is behind the environment before it, and open pull requests. What is
furthest behind comes first. Personal environments are one column: 3 of 12 on
9f2c1ab.

   tagbump status --repo https://github.com/example/k8s
   tagbump status --repo https://github.com/example/k8s -o html >status.html
   tagbump status --root k8s --app-repo ../api
   tagbump status --root k8s --path 'clusters/{env}/apps'

Which environment is before which, the policies say (after: staging); else dev is
before qa, staging and prod. Commits are counted in the clones that --app-repo
names, and on GitHub where there is a token; else two tags just differ. A folder
(--root) has no history: it is all offline.

In the text, -3 is 3 commits behind, +1 is 1 commit ahead, "differs" is not known,
and ≤ 2026-01-02 is since that day or before.`,
		Flags: statusFlags(&o),
		Action: func(c *cli.Context) error {
			o.resolve(getenv)
			return showStatus(c.Context, con, o)
		},
	}
}

// showStatus reads the k8s repo, and prints what it says.
func showStatus(ctx context.Context, con *console.Console, o statusOptions) error {
	var problems problem.List
	problems.Add(checkOutput(o.output, "text", "json", "html"))
	switch {
	case o.repo == "" && o.root == "":
		problems.Add(problem.New("pass --repo https://github.com/example/k8s, or --root and a folder", "--repo is missing"))
	case o.repo != "" && o.root != "":
		problems.Add(problem.New("pass one of the two", "--repo and --root are both given"))
	case o.root != "" && o.branch != "":
		problems.Add(problem.New("check it out there, or pass --repo", "a folder has no --branch"))
	case o.root != "" && (o.via == "api" || o.github != ""):
		problems.Add(problem.New("pass --repo", "--via api and --github do not go with --root: GitHub is not asked"))
	case o.repo != "":
		problems.Add(gitrepo.CheckURL(o.repo)) // the report names it, secrets and all
	}
	if o.history < 0 {
		problems.Add(problem.New("--history 0 reads no history", "--history must not be negative"))
	}
	problems.Add(o.checkTimeout())
	if err := problems.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	report, err := o.report(ctx, con)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return problem.New("allow it more time with --timeout, or less --history", "gave up after %s", o.timeout)
		}
		return err
	}
	for _, n := range report.Notices {
		con.Notice(n)
	}
	switch o.output {
	case "json":
		return con.JSON(report)
	case "html":
		var page bytes.Buffer
		if err := report.HTML(&page); err != nil {
			return err
		}
		return con.HTML(page.Bytes())
	}
	con.Printf("%s", report.Text())
	return nil
}

// report reads the k8s repo: a folder, or the tip of a branch.
func (o *statusOptions) report(ctx context.Context, con *console.Console) (*status.Report, error) {
	clones, err := openClones(o.appRepos)
	if err != nil {
		return nil, err
	}
	commits := &commitCounter{clones: clones}
	want := status.Options{Repository: o.repo, Path: o.path, History: o.history, Compare: commits.count}
	if o.root != "" {
		if info, err := os.Stat(o.root); err != nil || !info.IsDir() {
			return nil, problem.New("name the folder of the k8s repo with --root", "no folder %s", o.root)
		}
		return status.OfFolder(ctx, os.DirFS(o.root), want)
	}
	if o.environment.serviceToken != "" || o.via == "api" {
		if commits.services, err = o.environment.client(o.environment.serviceToken, o.caFile, con); err != nil {
			return nil, err
		}
	}
	client, repo, err := o.repository(con)
	if err != nil {
		return nil, err
	}
	if client != nil && (o.environment.repoToken != "" || o.via == "api") {
		want.PullRequests = func(ctx context.Context) ([]status.PullRequest, error) {
			return openPullRequests(ctx, client, repo)
		}
	}
	store, err := o.store(client, repo, o.gitStore)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	tip, err := store.Tip(ctx, o.branch)
	if err != nil {
		return nil, err
	}
	return status.OfTip(ctx, store, tip, want)
}

// openPullRequests lists what is proposed in the k8s repo: one entry for each environment
// and service that a pull request is about.
func openPullRequests(ctx context.Context, client *github.Client, repo github.Repo) ([]status.PullRequest, error) {
	open, err := client.OpenPullRequests(ctx, repo, deploy.Branches)
	if err != nil {
		return nil, err
	}
	var list []status.PullRequest
	for _, p := range open {
		envs, services, _ := deploy.ProposalOf(p.Branch)
		for _, env := range envs {
			for _, service := range services {
				list = append(list, status.PullRequest{Environment: env, Service: service, Number: p.Number, URL: p.URL, Tag: deploy.ProposedTag(p.Body), Draft: p.Draft})
			}
		}
	}
	return list, nil
}

// commitCounter counts the commits between two tags of a service: in a clone that has
// both, else on GitHub.
type commitCounter struct {
	clones   *clones
	services *github.Client // nil where GitHub is not asked
}

// count is what status.Options.Compare is to be.
func (c *commitCounter) count(ctx context.Context, repository, base, head string) (ahead, behind int, ok bool, err error) {
	from, to := deploy.CommitOf(base), deploy.CommitOf(head)
	if from == "" || to == "" {
		return 0, 0, false, nil
	}
	if ahead, behind, ok, err = c.clones.count(ctx, from, to); ok || err != nil || c.services == nil || repository == "" {
		return ahead, behind, ok, err
	}
	repo, err := github.ParseRepo(repository)
	if err != nil {
		return 0, 0, false, nil
	}
	compared, err := c.services.Compare(ctx, repo, from, to, 0)
	if err != nil {
		return 0, 0, false, err
	}
	known := compared.Relation != github.BaseUnknown && compared.Relation != github.HeadUnknown
	return compared.AheadBy, compared.BehindBy, known, nil
}

// clones are services' repositories on disk.
type clones struct {
	mu   sync.Mutex // a clone belongs to one goroutine at a time
	list []*gitrepo.History
}

func openClones(paths []string) (*clones, error) {
	c := &clones{}
	for _, path := range paths {
		h, err := gitrepo.OpenHistory(path)
		if err != nil {
			return nil, err
		}
		c.list = append(c.list, h)
	}
	return c, nil
}

// count counts in the first clone that has both commits; ok is false where none has.
func (c *clones) count(ctx context.Context, from, to string) (ahead, behind int, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.list {
		a, errA := h.Resolve(from)
		b, errB := h.Resolve(to)
		if errA != nil || errB != nil {
			continue // another service's, most often
		}
		ahead, behind, err := h.Count(ctx, b, a)
		if errors.Is(err, gitrepo.ErrShallow) {
			continue
		}
		return ahead, behind, err == nil, err
	}
	return 0, 0, false, nil
}
