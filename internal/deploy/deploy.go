package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"k8srepo/internal/gitrepo"
	"k8srepo/internal/inventory"
	"k8srepo/internal/problem"
)

// Deployment is a bump of a k8s repo: from its branch's tip to a commit on it.
type Deployment struct {
	Ask
	Remote *gitrepo.Remote
	Branch string // "" is the policy's, else the repository's default
	Push   bool   // push where the k8s repo has no policy for the environment
	Force  bool   // push past the policy, and to an older tag
	DryRun bool

	// Histories is what is known of a target's commits; nil, nil is nothing.
	Histories func(ctx context.Context, t Target) (History, error)

	Author    gitrepo.Signature // When is ignored, here and below
	Committer gitrepo.Signature // the zero Signature is the author
	Signer    gitrepo.Signer    // nil leaves commits unsigned
	Message   string            // a template over Message; "" is the default one
	RunURL    string            // of the CI run, for the message; may be empty

	Now  func() time.Time      // nil is time.Now
	Tell func(progress string) // nil is silence
	Rand func(n int64) int64   // nil is math/rand's
}

// What a Deployment comes to.
const (
	Changed    = "changed"    // the branch runs the tag, by a commit of ours
	Unchanged  = "unchanged"  // it did so before
	Superseded = "superseded" // something newer runs: nothing was done
	Planned    = "planned"    // a dry run would have changed it
)

// Outcome is what a Deployment came to.
type Outcome struct {
	*Result
	Status     string
	Branch     string
	Commit     string // the hash, where Status is Changed
	Attempts   int
	Waited     time.Duration
	Superseded []ImageChange // images that run something newer, and stay
	Notices    []string
	NewTag     string
}

// A lost race is run again, so often and no longer (Run's context may end it earlier).
const (
	mostAttempts = 15
	firstWait    = 50 * time.Millisecond
	longestWait  = 8 * time.Second
)

// Run reads the tip, makes the edit, and pushes it. Where the branch has moved in
// between, or the server was out of breath, it starts over from the new tip: the
// edit is a function of the tree, so no push of anybody's is ever lost.
func (d *Deployment) Run(ctx context.Context) (*Outcome, error) {
	var waited time.Duration
	var sent *gitrepo.Commit // pushed, and nobody knows whether it landed
	for attempt := 1; ; attempt++ {
		outcome, commit, err := d.attempt(ctx, sent)
		if outcome != nil {
			outcome.Attempts, outcome.Waited = attempt, waited
		}
		if err == nil {
			return outcome, nil
		}
		var push *gitrepo.PushError
		if errors.As(err, &push) && push.Kind == gitrepo.Unknown {
			sent = commit
		}
		again, after := d.again(ctx, err)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded), again && attempt == mostAttempts:
			return outcome, gaveUp(attempt, err)
		case ctx.Err() != nil:
			return outcome, problem.New("the branch has the whole commit, or nothing of it; to be sure, run it again", "interrupted")
		case !again:
			return outcome, err
		}
		wait := max(after, d.jitter(attempt))
		if deadline, ok := ctx.Deadline(); ok && d.now().Add(wait).After(deadline) {
			return outcome, gaveUp(attempt, err)
		}
		d.tell("attempt %d: %v; again in %v", attempt, problem.All(err)[0].Message, wait.Round(time.Millisecond))
		waited += wait
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return outcome, gaveUp(attempt, err)
		}
	}
}

// gaveUp is the last error of several, which was one that trying again may mend.
func gaveUp(attempts int, err error) error {
	last := *problem.All(err)[0]
	last.Message = fmt.Sprintf("gave up after %d attempts; the last: %s", attempts, last.Message)
	last.Hint = "nothing is half done: run it again, or allow it more time with --timeout"
	last.Refused = errors.Is(err, gitrepo.ErrMoved) // lost, and not in the dark
	return &last
}

// again tells whether an error is worth another attempt, and how long the server
// wants to be left alone before it.
func (d *Deployment) again(ctx context.Context, err error) (bool, time.Duration) {
	var push *gitrepo.PushError
	if !errors.As(err, &push) {
		after, ok := gitrepo.Retry(err)
		return ok, after
	}
	switch push.Kind {
	case gitrepo.Moved, gitrepo.Unknown:
		return true, 0
	case gitrepo.Rejected:
		// Refused, or beaten to it? The branch itself tells.
		branches, readErr := d.Remote.Branches(ctx)
		return readErr == nil && branches[push.Branch] != push.At, 0
	}
	return false, 0
}

// jitter is a random part of a time that doubles with each attempt.
func (d *Deployment) jitter(attempt int) time.Duration {
	return rand.N(min(longestWait, firstWait<<attempt))
}

func (d *Deployment) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func (d *Deployment) tell(format string, args ...any) {
	if d.Tell != nil {
		d.Tell(fmt.Sprintf(format, args...))
	}
}

// attempt is one go at it. Sent is a commit that was pushed before without an
// answer. The commit is the one that was made, if it came so far.
func (d *Deployment) attempt(ctx context.Context, sent *gitrepo.Commit) (*Outcome, *gitrepo.Commit, error) {
	tip, err := d.tip(ctx)
	if err != nil {
		return nil, nil, err
	}
	plan, err := d.plan(ctx, tip)
	if err != nil {
		return nil, nil, err
	}
	return d.push(ctx, tip, plan, sent)
}

// tip reads the tip of the branch that the environment is deployed from, with the
// files on it that the bump is about.
func (d *Deployment) tip(ctx context.Context) (*gitrepo.Tip, error) {
	tip, err := d.Remote.Tip(ctx, d.Branch)
	if err != nil {
		return nil, err
	}
	if err := tip.Fetch(ctx, d.paths()...); err != nil {
		return nil, err
	}
	policy, err := inventory.LoadDeploy(tip.FS(ctx), d.Env)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if !d.Push && !d.DryRun {
			return nil, problem.Refuse("say --push to push to "+tip.Branch+", or add environments/"+d.Env+".yaml with a line deploy: {strategy: push}",
				"the k8s repo does not say how %s is deployed", d.Env)
		}
		return tip, nil
	case err != nil:
		return nil, err
	}
	if policy.Strategy == inventory.PullRequest && !d.Force && !d.DryRun {
		return nil, problem.Refuse("open a pull request; or push past it with --force", "%s is deployed by pull request, as environments/%s.yaml says", d.Env, d.Env)
	}
	if d.Branch == "" && policy.Branch != "" && policy.Branch != tip.Branch {
		if tip, err = d.Remote.Tip(ctx, policy.Branch); err == nil {
			err = tip.Fetch(ctx, d.paths()...)
		}
	}
	return tip, err
}

// paths are what is sure to be read: the inventory, and where the manifests of
// the asked services are. Images by name may be anywhere in the environment.
func (d *Deployment) paths() []string {
	manifests := path.Join(d.Env, "manifests")
	paths := []string{inventory.UsersFile, inventory.EnvironmentsDir}
	if len(d.Images) > 0 {
		return append(paths, manifests)
	}
	for _, s := range d.Services {
		paths = append(paths, path.Join(manifests, s))
	}
	return paths
}

// plan is the bump of a tip's files: what is to be written, in memory.
func (d *Deployment) plan(ctx context.Context, tip *gitrepo.Tip) (*Outcome, error) {
	request, err := d.Request(tip.FS(ctx))
	if err != nil {
		return nil, err
	}
	files, err := d.files(ctx, tip, request, len(d.Images) > 0)
	if err != nil {
		return nil, err
	}
	result, err := Bump(request, files)
	if errors.Is(err, ErrNoMatch) && len(d.Images) == 0 {
		// Not where the layout has it: look in the whole environment.
		if files, err = d.files(ctx, tip, request, true); err == nil {
			result, err = Bump(request, files)
		}
	}
	if errors.Is(err, ErrNoMatch) {
		return nil, request.NoMatch(result, files)
	}
	if err != nil {
		return nil, err
	}
	return d.ordered(ctx, tip, request, files, result)
}

// ordered is the outcome of a result, less what would go back in history.
func (d *Deployment) ordered(ctx context.Context, tip *gitrepo.Tip, request *Request, files []File, result *Result) (*Outcome, error) {
	o := order{request: request, histories: d.Histories, force: d.Force, known: map[string]Relation{}}
	allowed, err := o.allowed(ctx, result)
	if err != nil {
		return nil, err
	}
	outcome := &Outcome{Branch: tip.Branch, NewTag: request.version(), Notices: o.Notices}
	for _, i := range result.Images {
		if i.Changed() && !allowed[i.Old.String()] {
			outcome.Superseded = append(outcome.Superseded, i)
			request.keep(i.Old)
		}
	}
	if len(outcome.Superseded) > 0 {
		if result, err = Bump(request, files); err != nil {
			return nil, err
		}
	}
	outcome.Result = result
	switch {
	case result.Changed() && d.DryRun:
		outcome.Status = Planned
	case result.Changed():
		outcome.Status = Changed
	case len(outcome.Superseded) > 0:
		outcome.Status = Superseded
	default:
		outcome.Status = Unchanged
	}
	return outcome, nil
}

// push makes the commit of a plan, and puts it on the branch.
func (d *Deployment) push(ctx context.Context, tip *gitrepo.Tip, plan *Outcome, sent *gitrepo.Commit) (*Outcome, *gitrepo.Commit, error) {
	if plan.Status != Changed {
		if sent != nil && plan.Status == Unchanged {
			// The push that got no answer did land.
			plan.Status, plan.Commit = Changed, sent.Hash.String()
		}
		return plan, nil, nil
	}
	message, err := d.message(plan)
	if err != nil {
		return nil, nil, err
	}
	contents := make(map[string][]byte, len(plan.Files))
	for _, f := range plan.Files {
		contents[f.Path] = f.New
	}
	meta := gitrepo.CommitMeta{Author: d.Author, Committer: d.Committer, Message: message, Signer: d.Signer}
	if meta.Committer.Name == "" {
		meta.Committer = meta.Author
	}
	meta.Author.When, meta.Committer.When = d.now(), d.now()
	commit, err := tip.Commit(ctx, contents, meta)
	if err != nil {
		return nil, nil, err
	}
	plan.Commit = commit.Hash.String()
	return plan, commit, d.Remote.Push(ctx, tip.Branch, tip.Hash, commit)
}

// files are the environment's files that may hold what is asked for: all of them,
// or those that the layout gives to the services (see the scopes in the README).
func (d *Deployment) files(ctx context.Context, tip *gitrepo.Tip, request *Request, all bool) ([]File, error) {
	tree := tip.FS(ctx)
	var paths []string
	var err error
	if all {
		paths, err = below(ctx, tip, request.Dir())
	} else {
		paths, err = d.layout(ctx, tip, request.Dir())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noEnvironment(tree, request)
	}
	if err == nil {
		err = tip.Fetch(ctx, paths...)
	}
	if err != nil {
		return nil, err
	}
	var files []File
	for _, p := range paths {
		data, err := tree.ReadFile(p)
		if err != nil {
			return nil, err
		}
		if request.Mentions(data) {
			files = append(files, File{p, data})
		}
	}
	return files, nil
}

// below are the manifests below a folder: real files only.
func below(ctx context.Context, tip *gitrepo.Tip, dir string) ([]string, error) {
	entries, err := tip.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if e.Mode.IsRegular() && IsManifest(e.Path) {
			paths = append(paths, e.Path)
		}
	}
	return paths, nil
}

// layout are the manifests that are the services' by their paths: those in their
// folders, theirs among the users', and those of the environment itself.
func (d *Deployment) layout(ctx context.Context, tip *gitrepo.Tip, dir string) ([]string, error) {
	entries, err := tip.FS(ctx).ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular() && IsManifest(file):
			paths = append(paths, file)
		case e.IsDir() && (e.Name() == "users" || slices.Contains(d.Services, e.Name())):
			found, err := below(ctx, tip, file)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				if e.Name() != "users" || d.isServices(path.Base(p)) {
					paths = append(paths, p)
				}
			}
		}
	}
	return paths, nil
}

// isServices tells whether a user's file is one of the asked services', by its
// name: <service>-<env>-….
func (d *Deployment) isServices(name string) bool {
	return slices.ContainsFunc(d.Services, func(s string) bool { return strings.HasPrefix(name, s+"-"+d.Env+"-") })
}

// noEnvironment is the refusal for an environment that is not there.
func noEnvironment(tree fs.FS, request *Request) error {
	var envs []string
	entries, _ := fs.ReadDir(tree, ".")
	for _, e := range entries {
		if e.IsDir() {
			if info, err := fs.Stat(tree, path.Join(e.Name(), "manifests")); err == nil && info.IsDir() {
				envs = append(envs, e.Name())
			}
		}
	}
	return problem.Refuse(problem.DidYouMean(request.Env, envs), "no environment %s: there is no folder %s", request.Env, request.Dir())
}
