package main

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"k8srepo/internal/bump"
	"k8srepo/internal/console"
	"k8srepo/internal/deploy"
	"k8srepo/internal/github"
	"k8srepo/internal/gitrepo"
	"k8srepo/internal/problem"
	"k8srepo/internal/registry"
)

// writer runs a command that writes to a k8s repo: it opens the repository, runs the
// command, and reports what it came to.
type writer struct {
	access
	con     *console.Console
	getenv  func(string) string
	options *deploy.Options // of the command

	autoMerge         bool
	verifyImage       bool
	waitImage         time.Duration
	appRepo           string // a folder
	author, committer string
	signingKey        string // a file
	output            string
}

// run runs a command, unless usage says what is wrong with its flags, and reports the
// result, which do fills in.
func (w *writer) run(ctx context.Context, r *result, usage error, do func(ctx context.Context) error) error {
	if err := checkOutput(w.output, "text", "json"); err != nil {
		return errors.Join(err, usage)
	}
	r.DryRun = w.options.DryRun
	err := usage
	if err == nil {
		err = w.runOpened(ctx, do)
	}
	return report(w.con, w.output, r, err)
}

// runOutcome is run for a command that has one outcome.
func (w *writer) runOutcome(ctx context.Context, r *result, usage error, do func(ctx context.Context) (*deploy.Outcome, error)) error {
	return w.run(ctx, r, usage, func(ctx context.Context) error {
		outcome, err := do(ctx)
		r.Result = outcome.Status
		r.add(outcome)
		return err
	})
}

// runOpened opens what a command needs, and runs it.
func (w *writer) runOpened(ctx context.Context, do func(ctx context.Context) error) error {
	if w.getenv("GOGC") == "" {
		debug.SetGCPercent(50) // small runners run many of these at once, and it is the network that takes the time
	}
	w.resolve(w.getenv)
	if err := w.check(); err != nil {
		return err
	}
	if w.waitImage < 0 {
		return problem.New("write a time such as 90s or 5m", "--wait-image must not be negative")
	}
	if err := w.open(); err != nil {
		return err
	}
	defer w.options.Store.Close()
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	return do(ctx)
}

// open completes the command's options, and opens the k8s repo.
func (w *writer) open() error {
	o := w.options
	o.URL, o.RunURL, o.RequestedBy, o.Progress = w.repo, w.environment.runURL, w.environment.actor, w.con.Notice
	o.LookupDigest = (&registry.Checker{Progress: w.con.Notice, CAFile: w.caFile}).Digest
	if w.verifyImage || w.waitImage > 0 {
		o.Verify = (&registry.Checker{Wait: w.waitImage, Progress: w.con.Notice, CAFile: w.caFile}).Check
	}
	services, err := w.environment.client(w.environment.serviceToken, w.caFile, w.con)
	if err != nil {
		return err
	}
	sources := &deploy.Sources{Client: services}
	client, repo, err := w.repository(w.con)
	if err != nil {
		return err
	}
	if client != nil {
		o.Pulls = &deploy.PullRequests{GitHub: client, Repo: repo, Sources: sources, AutoMerge: w.autoMerge}
	}
	if o.History, err = w.history(sources); err != nil {
		return err
	}
	if w.via == "api" && (w.signingKey != "" || w.author != "" || w.committer != "") {
		return problem.New("leave --author, --committer and --signing-key out, or --via api", "over its API GitHub itself makes the commits, and signs them, as the token's owner")
	}
	o.Store, err = w.store(client, repo, w.signingStore)
	return err
}

// signingStore returns the k8s repo over Git's protocol, with the names and the key for its
// commits.
func (w *writer) signingStore() (*gitrepo.Store, error) {
	store, err := w.gitStore()
	if err != nil {
		return nil, err
	}
	store.ReadOnly = w.options.DryRun
	if store.Author, err = w.environment.signature("--author", w.author); err != nil {
		return nil, err
	}
	if w.committer != "" {
		if store.Committer, err = w.environment.signature("--committer", w.committer); err != nil {
			return nil, err
		}
	}
	if w.signingKey == "" {
		return store, nil
	}
	pem, err := readKey("--signing-key", w.signingKey)
	if err != nil {
		return nil, err
	}
	store.Signer, err = gitrepo.NewSSHSigner(pem)
	return store, err
}

// history returns where the commits are looked up that a target is built from: in
// --app-repo, then in the target's own repository.
func (w *writer) history(sources *deploy.Sources) (func(bump.Target) deploy.History, error) {
	var clone deploy.Histories
	if w.appRepo != "" {
		h, err := gitrepo.OpenHistory(w.appRepo)
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
		case w.environment.hasAPI():
			return append(slices.Clip(clone), sources.History(repo))
		}
		if fetched[t.Source] == nil {
			url := w.environment.server + "/" + t.Source + ".git"
			fetched[t.Source] = &deploy.FetchedHistory{Fetch: func(ctx context.Context) (*gitrepo.History, error) { return w.fetchHistory(ctx, url) }}
		}
		return append(slices.Clip(clone), fetched[t.Source])
	}, nil
}

// fetchHistory reads the history of a service's repository over Git's protocol.
func (w *writer) fetchHistory(ctx context.Context, url string) (*gitrepo.History, error) {
	remote, err := w.remote(url, w.environment.serviceToken)
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	return remote.History(ctx)
}
